#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Writes the layout of the public structs to abi.txt, beside the number that stands for it. Called
# by `make abi`, with UNRELEASED=1 to change the layout of a number that no client was built with.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/../vm/kernels.sh"
# shellcheck source=tools/lint/rules_build.sh
. "$here/rules_build.sh"
# shellcheck source=tools/lint/rules_abi.sh
. "$here/rules_abi.sh"

main() {
	local new=$REPO/build/lint/abi.txt
	cd "$REPO"
	mkdir -p "${new%/*}"
	"$REPO/tools/vm/prepare.sh" stock
	abi_layout >"$new" || progress_fail 'the public headers do not compile'
	! cmp -s "$new" "$ABI_FILE" || return 0
	if [ -z "${UNRELEASED:-}" ] && grep -qsx "abi $(abi_number)" "$ABI_FILE"; then
		diff -u "$ABI_FILE" "$new" || true
		progress_fail "the layout changed and NEBULA_ABI is still $(abi_number): raise it in include/nebula/config.h" \
			'  (or, if nothing was ever released with this number: make abi UNRELEASED=1)'
	fi
	cp "$new" "$ABI_FILE"
	echo "$ABI_FILE: $(sed -n 2p "$ABI_FILE"), $(grep -c '^struct .* size ' "$ABI_FILE") structs"
}

main "$@"
