#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Counts the instructions of the hot paths and compares them with budget.txt; with --write, makes that.
# Called by check.sh. Counts repeat exactly, so they may fail a build; nothing here looks at the time.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/../vm/kernels.sh"
# shellcheck source=tools/bench/measure.sh
. "$here/measure.sh"

# budget_counted_with: all that the counts depend on beside this tree.
budget_counted_with() {
	kernel_open stock
	printf '%s; %s; %s\n' "$KERNEL_RELEASE" "$(measure_compiler)" \
		"$(qemu-system-x86_64 --version | sed -n '1s/ *(.*//p')"
}

main() {
	local with
	"$REPO/tools/vm/prepare.sh" stock
	"$REPO/tools/vm/build.sh" stock
	measure_boot 'count instructions of the hot paths' hot stock \
		'nebula_bench=hot init_on_alloc=0' "${COUNTED[@]}"
	with=$(budget_counted_with)
	if [ "${1:-}" = --write ]; then
		awk -v here="$with" -v write=1 -f "$here/budget.awk" /dev/null "$OUT/hot" >"$OUT/budget.txt"
		mv "$OUT/budget.txt" "$here/budget.txt"
		return
	fi
	awk -v here="$with" -f "$here/budget.awk" "$here/budget.txt" "$OUT/hot"
}

main "$@"
