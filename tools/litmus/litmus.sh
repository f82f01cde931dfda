#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the litmus tests in kunit/litmus/ with herd7 and the kernel's memory model. Called by
# `make litmus` and check.sh:
#
#   tools/litmus/litmus.sh [NAME...]
#
# A test passes when what its `exists` describes can never happen, and when it can in each of its
# twins: the same test with one barrier, or step, less. A twin is a line `Twin: Pn: WAS => IS` in the
# test's comment, of process n, or several of these joined by `&&`. What the tests say of the code is
# compared with it first, see code.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# Its own lists, so that it waits for no kernel that is being prepared.
ARCHIVE=${XDG_CACHE_HOME:-$HOME/.cache}/nebula-memory/herd-archive
for part in kernels packages archive source; do
	# shellcheck source=/dev/null # each is checked by itself
	. "$here/../vm/$part.sh"
done
# shellcheck source=tools/litmus/herd.sh
. "$here/herd.sh"

# Seconds that herd7 may take for a test or a twin.
readonly LIMIT=60

# litmus_herd FILE: Never, Sometimes or Always, or what herd7 said.
litmus_herd() {
	local log=$work/herd.log
	(cd "$MODEL" && timeout "$LIMIT" "${HERD[@]}" -conf linux-kernel.cfg "$1") >"$log" 2>&1 || true
	if grep -q '^Flag' "$log"; then
		grep -m 1 '^Flag' "$log"
	elif ! sed -n 's/^Observation [^ ]* \([A-Z][a-z]*\) .*/\1/p' "$log" | grep .; then
		tail -n 1 "$log" | sed 's/^$/no answer within '"$LIMIT"' s/' | grep . || echo "no answer within $LIMIT s"
	fi
}

# litmus_twin FILE NUMBER: the test as that twin has it; fails when there is no place to change.
litmus_twin() {
	LC_ALL=C awk -v number="$2" '
		# Replaces the first @was in the text of process @p by @is.
		function change(p, was, is,    from, rest, at) {
			from = index(text, "\nP" p "(")
			rest = substr(text, from)
			at = index(rest, was)
			if (!from || !at)
				exit wrong = 1
			text = substr(text, 1, from - 1) substr(rest, 1, at - 1) is substr(rest, at + length(was))
		}
		/Twin: / && ++seen == number {
			line = $0
			sub(/.*Twin: /, "", line)
		}
		{ text = text $0 "\n" }
		END {
			if (wrong || !line)
				exit 1
			n = split(line, changes, / && P/)
			for (i = 1; i <= n; i++) {
				c = changes[i]
				if (i == 1)
					c = substr(c, 2)
				p = c; sub(/:.*/, "", p)
				c = substr(c, index(c, ": ") + 2)
				at = index(c, " => ")
				change(p, substr(c, 1, at - 1), substr(c, at + 4))
			}
			printf "%s", text
		}
	' "$1"
}

# litmus_test FILE: prints its line of the table, counts it.
litmus_test() {
	local name=${1##*/} begin=$EPOCHREALTIME result twins number=0 caught=0 wrong='' twin
	name=${name%.litmus}
	result=$(litmus_herd "$1")
	twins=$(grep -c 'Twin: ' "$1" || true)
	while [ "$number" -lt "$twins" ]; do
		number=$((number + 1))
		if ! litmus_twin "$1" "$number" >"$work/twin.litmus"; then
			wrong+="       twin $number: what it changes is not in the test"$'\n'
			continue
		fi
		twin=$(litmus_herd "$work/twin.litmus")
		case $twin in
		Sometimes | Always) caught=$((caught + 1)) ;;
		*) wrong+="       twin $number: $twin: $(grep 'Twin: ' "$1" | sed -n "${number}s/.*Twin: //p")"$'\n' ;;
		esac
	done
	[ "$result" = Never ] || wrong="       $result"$'\n'$wrong
	[ "$twins" -gt 0 ] || wrong+="       it has no twin"$'\n'
	if [ -z "$wrong" ]; then
		passed=$((passed + 1 + twins))
	else
		failed=$((failed + 1))
	fi
	printf '  %-4s %-22s %-10s %5s of %-5s %6s s\n%s' "$([ -z "$wrong" ] && echo ok || echo FAIL)" "$name" "$result" \
		"$caught" "$twins" "$(litmus_since "$begin")" "$wrong"
}

litmus_since() {
	awk -v begin="$1" -v end="$EPOCHREALTIME" 'BEGIN { printf "%.2f", end - begin }'
}

main() {
	local name file passed=0 failed=0 files=()
	for name in "$@"; do
		files+=("$REPO/kunit/litmus/$name.litmus")
	done
	[ $# -gt 0 ] || files=("$REPO"/kunit/litmus/*.litmus)
	mkdir -p "$LOGS"
	work=$(mktemp -d "${TMPDIR:-/tmp}/nebula-memory.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	if "$here/code.sh"; then
		passed=1
		echo '  ok   what the tests say of the code stands in it'
	else
		failed=1
		echo '  FAIL what the tests say of the code does not stand in it, see above'
	fi
	source_prepare
	MODEL=$(source_find)/tools/memory-model
	if ! herd_prepare; then
		printf '  skip %d tests: %s\n' "${#files[@]}" "$HERD_WHY"
		printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "${#files[@]}"
		[ "$failed" -eq 0 ]
		return
	fi
	printf '  %-4s %-22s %-10s %14s %8s\n' '' test result 'twins caught' time
	for file in "${files[@]}"; do
		litmus_test "$file"
	done
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ]
}

main "$@"
