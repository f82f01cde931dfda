#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Writes the tables of kunit/README.md, of what the tests look for and what they were seen to catch, out
# of the tests and of the last runs in build/. Called by `make caught`; with --check, by lint.sh, it only
# says whether the tables that come from the tests are those in the file.
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly repo page=$repo/kunit/README.md

# The first sentence of a test's comment.
caught_sentence() {
	awk '
		/SPDX/ { inside = 1; next }
		inside && (/Code:|Twin:/ || /\*\)/) { exit }
		inside { sub(/^ \* ?/, ""); text = text (text ? " " : "") $0 }
		END {
			sub(/\.( .*|$)/, ".", text)
			sub(/, see [^,:.]*\.[ch]/, "", text)
			sub(/:.*/, ".", text)
			print text
		}
	' "$1"
}

caught_litmus() {
	local file twins all=0 tests=0
	echo '| test | what holds | twins that fail |'
	echo '|---|---|---|'
	for file in "$repo"/kunit/litmus/*.litmus; do
		twins=$(grep -c 'Twin: ' "$file")
		tests=$((tests + 1)) all=$((all + twins))
		# shellcheck disable=SC2016 # marks of Markdown
		printf '| `%s` | %s | %d |\n' "$(basename "$file" .litmus)" "$(caught_sentence "$file")" "$twins"
	done
	printf '\n%d tests, %d twins.\n' "$tests" "$all"
}

caught_misuse() {
	local file n all=0
	echo '| wrong calls on | rows | runs |'
	echo '|---|---|---|'
	for file in bump pool stack budget create; do
		n=$(grep -c '^ROW(' "$repo/kunit/misuse/rows_$file.h")
		all=$((all + n))
		printf '| %s | %d | %d |\n' "$(sed -n '2s,^/\* \(.*\)\. Included.*,\1,p' "$repo/kunit/misuse/rows_$file.h" |
			sed 's/^Wrong calls on //; s/^What create refuses/what create refuses/')" "$n" $((2 * n))
	done
	printf '| all | %d | %d |\n' "$all" $((2 * all))
}

# caught_run LOG: the table at the end of a run, as it stands there.
caught_run() {
	[ -s "$1" ] || return 1
	echo '```'
	sed 's/^  //' "$1"
	echo '```'
}

# caught_section NAME COMMAND...: what stands between its marks in the page becomes what COMMAND prints; without
# output it stays.
caught_section() {
	local name=$1 text
	shift
	text=$("$@") || return 0
	TEXT=$text awk -v begin="<!-- $name: begin" -v end="<!-- $name: end" '
		index($0, begin) == 1 { print; print ENVIRON["TEXT"]; skip = 1; next }
		index($0, end) == 1 { skip = 0 }
		!skip
	' "$new" >"$new.next"
	mv "$new.next" "$new"
}

main() {
	new=$(mktemp "${TMPDIR:-/tmp}/nebula-memory.XXXXXX")
	trap 'rm -f "$new" "$new.next"' EXIT
	cp "$page" "$new"
	caught_section litmus caught_litmus
	caught_section misuse caught_misuse
	if [ "${1:-}" = --check ]; then
		diff -u "$page" "$new" || {
			echo 'kunit/README.md is not up to date: run make caught'
			return 1
		}
		return
	fi
	caught_section mutants caught_run "$repo/build/mutants/table.txt"
	caught_section coverage caught_run "$repo/build/coverage/table.txt"
	cp "$new" "$page"
	echo "  written: ${page#"$repo/"}"
}

main "$@"
