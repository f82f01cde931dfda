#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the scripts of this folder with bpftrace in the stock kernel's guest, beside the demo at work. Called by
# `make trace` and check-full.sh. The guest gets the host's bpftrace, with the libraries that it needs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
for part in kernels packages; do
	# shellcheck source=/dev/null # each is checked by itself
	. "$here/../vm/$part.sh"
done

readonly WORK=$REPO/build/trace

# trace_pack FILE: bpftrace, its loader and libraries, to be unpacked at the root.
trace_pack() {
	local program
	program=$(command -v bpftrace)
	{
		readlink -f "$program"
		ldd "$program" | grep -oE '/[^ ]+'
	} | sort -u | tar -chPf "$1" -T -
}

main() {
	mkdir -p "$LOGS" "$WORK"
	"$REPO/tools/vm/prepare.sh" stock
	"$REPO/tools/vm/build.sh" stock
	packages_ensure trace
	progress_run 'pack bpftrace for the guest' "$LOGS/trace-pack.log" trace_pack "$WORK/bpftrace.tar"
	"$REPO/tools/vm/run.sh" stock trace.sh --mem 2560 --timeout 600 "$@" -- "$WORK/bpftrace.tar" "$here"/*.bt \
		"$REPO/tools/demo/requests.txt"
}

main "$@"
