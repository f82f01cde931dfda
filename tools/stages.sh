# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Stages of a long run, and the table of them. Sourced by check.sh and check-full.sh.
#
# Each stage ends with a line "N passed, N failed[, N skipped]"; a stage that ends otherwise, or
# with a bad status and nothing failed, counts as one failure.

stages_table='' stages_passed=0 stages_failed=0 stages_skipped=0

# stages_add NAME LAST STATUS SECONDS: a stage that ended with the line LAST.
stages_add() {
	local name=$1 last=$2 status=$3 seconds=$4 counts=(0 0 0)
	if [[ $last =~ ^([0-9]+)' passed, '([0-9]+)' failed'(', '([0-9]+)' skipped')?$ ]]; then
		counts=("${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[4]:-0}")
	else
		status=1
	fi
	[ "$status" -eq 0 ] || [ "${counts[1]}" -gt 0 ] || counts[1]=1
	stages_table+=$(printf '%-22s %7d %7d %8d %8d' "$name" "${counts[@]}" "$seconds")$'\n'
	stages_passed=$((stages_passed + counts[0])) stages_failed=$((stages_failed + counts[1]))
	stages_skipped=$((stages_skipped + counts[2]))
	echo
}

# stages_end: prints the table and the sum; fails when a stage did.
stages_end() {
	printf '%-22s %7s %7s %8s %8s\n' stage passed failed skipped seconds
	printf '%s\n' "$stages_table"
	printf '%d passed, %d failed' "$stages_passed" "$stages_failed"
	[ "$stages_skipped" -eq 0 ] || printf ', %d skipped' "$stages_skipped"
	printf '\n'
	[ "$stages_failed" -eq 0 ]
}
