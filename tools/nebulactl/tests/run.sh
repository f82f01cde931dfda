#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests nebulactl, built with ASan and UBSan, against saved trees and a recording: what it prints, how it ends, what
# it says of trees that are malformed, and what top draws on terminals of three sizes. Called by check.sh and by
# `make -C tools/nebulactl check`. UPDATE=1 writes the expected outputs anew, to be read before they are committed.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$HERE/../../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$HERE/../../vm/kernels.sh"
# shellcheck source=tools/vm/packages.sh
. "$HERE/../../vm/packages.sh"
for part in cases hostile formats screens; do
	# shellcheck source=/dev/null # each is checked by itself
	. "$HERE/$part.sh"
done

# shellcheck disable=SC2034 # the parts use them
readonly GOLDEN=$HERE/golden EXPECTED=$HERE/expected TOOL=$REPO/tools/nebulactl BUILD=$REPO/build/nebulactl
readonly CTL=$BUILD/nebulactl-asan
passed=0 failed=0 skipped=0

# outcome TITLE STATUS [FILE]: counts one test; of one that failed FILE is shown.
outcome() {
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		return
	fi
	failed=$((failed + 1))
	printf '  FAIL %s\n' "$1"
	[ $# -lt 3 ] || head -n 30 "$3" | sed 's/^/       /'
}

# skip TITLE REASON
skip() {
	skipped=$((skipped + 1))
	printf '  SKIP %s: %s\n' "$1" "$2"
}

# ctl ARGS...: without a terminal, in the plainest of environments. A report of a sanitizer is status 99.
ctl() {
	env -u COLUMNS -u TERM -u NO_COLOR LC_ALL=C ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99 "$CTL" "$@"
}

main() {
	packages_ensure nebulactl nebulactl-test
	mkdir -p "$LOGS"
	progress_run 'build nebulactl' "$LOGS/nebulactl-build.log" make -C "$TOOL" BUILD="$BUILD" all asan replay
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/nebulactl.XXXXXX")
	trap 'screens_end; rm -rf "$WORK"' EXIT
	trap 'exit 130' INT TERM HUP
	test_cases
	test_hostile
	test_formats
	test_screens
	printf '%d passed, %d failed' "$passed" "$failed"
	[ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped"
	printf '\n'
	[ "$failed" -eq 0 ]
}

main "$@"
