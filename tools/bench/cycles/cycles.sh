# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Cycles of the benchmark's rows, measured in a process. Sourced by bench.sh, after measure.sh.
#
# The objects are those of the stock kernel's modules, linked with host.c, which stands for the
# kernel; needs no privileges, takes seconds. Other load does not matter much: the best of many
# short runs counts.

readonly CYCLES=$REPO/tools/bench/cycles
readonly CYCLES_ROWS='empty floor bump pool stack scratch'

cycles_link() {
	local rows=() row
	for row in $CYCLES_ROWS; do
		rows+=("$REPO/build/stock/tools/bench/$row.o")
	done
	gcc -O2 -Wall -mincoming-stack-boundary=3 -fcf-protection=none -fno-stack-protector -fno-builtin \
		-static -no-pie -pthread -I"$CYCLES" "$CYCLES/host.c" "$REPO"/build/stock/tools/bench/cycles/{rows,corners,copies}.o \
		"${rows[@]}" "$REPO/build/stock/nebula_memory.o" \
		-Wl,--unresolved-symbols=ignore-all -Wl,-z,noexecstack -Wl,--no-warnings -o "$OUT/cycles-run"
}

# The last CPU that we may use; the first has most of the interrupts.
cycles_run() {
	local cpu
	cpu=$(taskset -cp $$ | sed 's/.*[ ,-]//')
	timeout 120 taskset -c "$cpu" "$OUT/cycles-run" >"$OUT/cycles"
}

# cycles_measure: leaves the figures in OUT/cycles, a row a line.
cycles_measure() {
	mkdir -p "$OUT"
	progress_run 'cycles, in a process' "$LOGS/bench-cycles.log" cycles_link
	progress_run 'measure cycles' "$LOGS/bench-cycles.log" cycles_run
}
