#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Measures nebula_memory against the kernel's own allocators, prints the figures, and writes
# build/bench.json and charts. Called by `make bench`. A missed target is no failure.
#
# The stock kernel runs in QEMU, whose clock is told to advance by a nanosecond with each instruction, so
# that the guest's nanoseconds count instructions. It is booted twice: as it is shipped, where Debian has
# the kernel clear all that its own allocators hand out, and without that. Once more, for pools, it is told that
# 127 more CPUs may come. Another boot, on two CPUs and real time, is for what takes two. The newest stock kernel
# counts, too, where it can be had. User Mode Linux runs its code natively, as a process: real time again.
# Cycles are those of the stock kernel's objects in a process of their own, see cycles/.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/../vm/kernels.sh"
# shellcheck source=tools/vm/packages.sh
. "$here/../vm/packages.sh"
# shellcheck source=tools/bench/measure.sh
. "$here/measure.sh"
# shellcheck source=tools/bench/cycles/cycles.sh
. "$here/cycles/cycles.sh"
# shellcheck source=tools/bench/charts.sh
. "$here/charts.sh"

readonly JSON=$REPO/build/bench.json
readonly UML_REPEATS=averages,averages,averages,averages,averages

bench_boots() {
	measure_boot 'count instructions, kernel as shipped' shipped stock \
		'nebula_bench=results,debugging' "${COUNTED[@]}"
	measure_boot 'count instructions, init_on_alloc=0' unzeroed stock \
		'nebula_bench=results,debugging init_on_alloc=0' "${COUNTED[@]}"
	measure_boot 'count instructions, 128 possible CPUs' possible stock \
		'nebula_bench=pools init_on_alloc=0' --smp 1,maxcpus=128 --qemu '-icount shift=0,sleep=off'
	measure_boot 'two CPUs, init_on_alloc=0' two stock \
		'nebula_bench=scaling,memory init_on_alloc=0' --smp 2
	[ -z "$NEWEST" ] || measure_boot 'count instructions, newest stock kernel' newest newest \
		'nebula_bench=averages init_on_alloc=0' "${COUNTED[@]}"
	measure_boot 'real time, User Mode Linux' uml uml "nebula_bench=$UML_REPEATS" --smp 1
}

bench_disassemble() {
	local modules=$REPO/build/stock
	objdump -d --no-show-raw-insn "$modules/nebula_memory.ko" "$modules/tools/bench/nebula_bench.ko" |
		awk -f "$here/locked.awk" >"$OUT/locked"
}

# bench_collect: what is odd about the results goes to OUT/notes.
bench_collect() {
	local uml
	kernel_open uml
	uml=$KERNEL_RELEASE
	kernel_open stock
	awk -v json="$JSON" -v kernel="$KERNEL_RELEASE" -v newest_kernel="$NEWEST" -v uml_kernel="$uml" -v cpu="$(measure_cpu)" \
		-v compiler="$(measure_compiler)" -f "$here/repeats.awk" -f "$here/collect.awk" \
		boot=locked "$OUT/locked" boot=cycles "$OUT/cycles" boot=shipped "$OUT/shipped" boot=unzeroed "$OUT/unzeroed" \
		boot=possible "$OUT/possible" boot=two "$OUT/two" boot=newest "$OUT/newest" boot=uml "$OUT/uml" >"$OUT/notes" && return
	cat "$OUT/notes"
	progress_fail "the results are not complete, see $LOGS/bench-*.log"
}

# bench_load: how busy others keep this machine, as a note where they do.
bench_load() {
	awk '$1 >= 1 {
		printf "  this machine had a load of %s before: real time wants it idle, instructions do not mind\n", $1
	}' /proc/loadavg
}

# bench_newest: sets NEWEST to the newest stock kernel's release when modules are built for it; else OUT/newest
# is empty and a note says why.
bench_newest() {
	NEWEST=''
	mkdir -p "$OUT"
	: >"$OUT/newest"
	"$REPO/tools/vm/prepare.sh" newest 2>"$OUT/newest-missing" || return 0
	"$REPO/tools/vm/build.sh" newest
	kernel_open newest
	NEWEST=$KERNEL_RELEASE
}

main() {
	local kernel load
	load=$(bench_load)
	for kernel in stock uml; do
		"$REPO/tools/vm/prepare.sh" "$kernel"
	done
	packages_ensure bench
	for kernel in stock uml; do
		"$REPO/tools/vm/build.sh" "$kernel"
	done
	bench_newest
	cycles_measure
	bench_boots
	bench_disassemble
	bench_collect
	charts_draw "$JSON" "$REPO/build/charts"
	awk -f "$here/json.awk" -f "$here/show.awk" "$JSON"
	[ -z "$load" ] || echo "$load" >>"$OUT/notes"
	[ -n "$NEWEST" ] || sed 's/^/  /' "$OUT/newest-missing" >>"$OUT/notes"
	[ ! -s "$OUT/notes" ] || { echo && cat "$OUT/notes"; }
	printf '\n%s and %s\n' "${JSON#"$REPO/"}" "build/charts/*.svg"
}

main "$@"
