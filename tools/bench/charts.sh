# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Bar charts of bench.json as SVG, drawn by gnuplot. Sourced by bench.sh and docs.sh.

# charts_draw JSON DIR
charts_draw() {
	local work name
	mkdir -p "$2"
	work=$(mktemp -d)
	awk -v dir="$work" -f "$REPO/tools/bench/json.awk" -f "$REPO/tools/bench/charts.awk" "$1"
	for name in operations sizes worst scaling; do
		gnuplot -e "data='$work/$name'; about='$(cat "$work/about")'" \
			"$REPO/tools/bench/charts/common.gp" "$REPO/tools/bench/charts/$name.gp" >"$2/$name.svg"
	done
	rm -rf "$work"
}
