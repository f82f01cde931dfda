#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What the litmus tests say of the code, compared with it:
#
#   tools/litmus/code.sh [DIR]
#
# A test names what it models in lines `Code: FILE FUNCTION: TEXT`. TEXT must stand in that function
# in DIR, or in this tree; else a line says what does not. Called by litmus.sh and mutants.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
cd "${1:-$here/../..}"

LC_ALL=C awk '
	function squeeze(text) {
		gsub(/[ \t]+/, " ", text)
		return text
	}

	# The body of a function, or of a macro: from the line with its name at the left to its end.
	function body(file, name,    line, text, inside, macro) {
		if ((file, name) in bodies)
			return bodies[file, name]
		while ((getline line < file) > 0) {
			if (!inside && line ~ ("(^|[^A-Za-z0-9_])" name "\\(") && line !~ /^[ \t\/*]/ &&
			    line !~ /;$/) {
				inside = 1
				macro = line ~ /^#define/
				text = ""
			}
			if (inside)
				text = text " " line
			if (inside && (macro ? line !~ /\\$/ : line ~ /^}/))
				break
			# A prototype of several lines.
			if (inside && !macro && text !~ /\{/ && line ~ /;$/)
				inside = 0
		}
		close(file)
		return bodies[file, name] = squeeze(inside ? text : "")
	}

	match($0, /Code: /) {
		rest = substr($0, RSTART + 6)
		file = rest; sub(/ .*/, "", file)
		sub(/^[^ ]+ /, "", rest)
		name = rest; sub(/: .*/, "", name)
		sub(/^[^:]+: /, "", rest)
		checked++
		what = FILENAME; sub(/.*\//, "", what)
		if (body(file, name) == "") {
			printf "%s: there is no %s() in %s\n", what, name, file
			wrong++
		} else if (!index(body(file, name), squeeze(rest))) {
			printf "%s: %s() in %s has no: %s\n", what, name, file, rest
			wrong++
		}
	}

	END {
		if (!checked)
			print "no litmus test names any code"
		exit wrong || !checked
	}
' "$here"/../../kunit/litmus/*.litmus
