# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# How a kernel is booted to be measured. Sourced by bench.sh and budget.sh, after progress.sh and
# kernels.sh.

readonly OUT=$REPO/build/bench
# shellcheck disable=SC2034 # for those who source this
readonly COUNTED=(--smp 1 --qemu '-icount shift=0,sleep=off')

# measure_boot TITLE NAME KERNEL KERNEL_ARGUMENTS OPTIONS...: leaves the results in OUT/NAME.
measure_boot() {
	mkdir -p "$OUT" "$LOGS"
	rm -f "$LOGS/bench-run-$2.log"
	progress_run "$1" "$LOGS/bench-run-$2.log" "$REPO/tools/vm/run.sh" "$3" bench.sh \
		--append "$4" --log "bench-$2" --timeout 600 "${@:5}"
	tr -d '\r' <"$LOGS/bench-$2.log" | sed -n 's/^\[[^]]*\] \[nebula\] | \(.*\)/\1/p' >"$OUT/$2"
}

# measure_compiler: what modules are compiled with here.
measure_compiler() {
	gcc --version | head -n 1
}

# measure_cpu: what this machine calls its CPU.
measure_cpu() {
	sed -n 's/^model name[[:space:]]*: *//p' /proc/cpuinfo | head -n 1
}
