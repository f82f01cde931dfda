#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Prints module/error/CODES.md, as the table in module/error/codes.c has it. Called by `make docs` and lint.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
readonly here

# The macros of the table become words behind an @, for codes.awk.
readonly MACROS='
#define __ROW(which, state, items) @ROW which @STATE state , @ITEMS items @
#define ROW(which, text, ...) __ROW(which, text, __VA_ARGS__)
#define ELSE(text, ...) __ROW(, text, __VA_ARGS__)
#define __ERRNO(e) @ERRNO e @
'

main() {
	{
		# Items have commas of their own.
		printf '%s' "$MACROS" | sed 's/__ROW(which, text, __VA_ARGS__)/@ROW which @STATE text , @ITEMS __VA_ARGS__ @/
			s/__ROW(, text, __VA_ARGS__)/@ROW @STATE text , @ITEMS __VA_ARGS__ @/
			/define __ROW/d'
		sed '/^#include/d; /^#define ROW(/d; /^#define ELSE(/d
			s/^#define ERRNO(e).*/#define ERRNO(e) @ERRNO e @/
			s/\.name = /@CODE /; s/\.message = /@MESSAGE /; s/\.errno_name = /@NAME /; s/\.severity/@SEVERITY/
			s/\.advice/@ADVICE/' "$here/../../module/error/codes.c" |
			sed -n '1,/^};/p'
	} | gcc -E -P -undef - | awk -f "$here/codes.awk"
}

main
