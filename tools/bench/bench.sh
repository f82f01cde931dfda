#!/usr/bin/env bash
# Measures nebula_memory against the kernel's own allocators, prints the figures, and writes
# build/bench.json. Called by `make bench`. A missed target is no failure.
#
# The stock kernel runs in QEMU, whose clock is told to advance by a nanosecond with each instruction, so
# that the guest's nanoseconds count instructions. It is booted twice: as it is shipped, where Debian has
# the kernel clear all that its own allocators hand out, and without that. A third boot, on two CPUs and
# real time, is for what takes two.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/../vm/kernels.sh"

readonly OUT=$REPO/build/bench
readonly COUNTED=(--smp 1 --qemu '-icount shift=0,sleep=off')

# bench_boot TITLE NAME KERNEL_ARGUMENTS OPTIONS...: leaves the results in OUT/NAME.
bench_boot() {
	progress_run "$1" "$LOGS/bench-run-$2.log" "$REPO/tools/vm/run.sh" stock bench.sh \
		--append "$3" --log "bench-$2" "${@:4}"
	tr -d '\r' <"$LOGS/bench-$2.log" | sed -n 's/^\[[^]]*\] \[nebula\] | \(noun=\)/\1/p' >"$OUT/$2"
}

bench_disassemble() {
	local modules=$REPO/build/stock
	objdump -d --no-show-raw-insn "$modules/nebula_memory.ko" "$modules/tools/bench/nebula_bench.ko" |
		awk -f "$here/locked.awk" >"$OUT/locked"
}

main() {
	"$REPO/tools/vm/prepare.sh" stock
	"$REPO/tools/vm/build.sh" stock
	mkdir -p "$OUT" "$LOGS"
	rm -f "$LOGS"/bench-run-*.log
	bench_boot 'measure, kernel as shipped' shipped 'nebula_bench=results' "${COUNTED[@]}"
	bench_boot 'measure, kernel with init_on_alloc=0' unzeroed 'nebula_bench=results init_on_alloc=0' "${COUNTED[@]}"
	bench_boot 'measure, two CPUs, init_on_alloc=0' two 'nebula_bench=scaling init_on_alloc=0' --smp 2
	bench_disassemble

	kernel_open stock
	cat <<-EOF

		Instructions per operation on $KERNEL_RELEASE: one CPU, interrupts off, loop and clock taken off.
		As shipped this kernel clears what its own allocators hand out. It does so with one instruction
		of which QEMU counts every byte, so the fairer column is the one without it, init_on_alloc=0.
		What two CPUs do is real time, without that clearing, and true when two CPUs are idle here.

	EOF
	awk -v json="$REPO/build/bench.json" -f "$here/table.awk" \
		boot=0 "$OUT/locked" boot=1 "$OUT/shipped" boot=2 "$OUT/unzeroed" boot=3 "$OUT/two"
}

main "$@"
