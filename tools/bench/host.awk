# SPDX-License-Identifier: GPL-2.0-only
# The table of `make bench HOST=1`. Called by host.sh:
#
#   awk -f repeats.awk -f host.awk RESULTS
#
# RESULTS are what the module prints, several times. Figures are the time of a turn of the loop, loop
# included, the best of six in each repeat; cycles are those of the counter that get_cycles() reads.

BEGIN {
	wide = 41
}

/^# nebula bench/ {
	repeats++
}

/^clock / {
	split($2, pair, "=")
	cycles = pair[2]
	split($3, pair, "=")
	frequency[repeats] = cycles / pair[2]
}

/^noun=/ {
	delete field
	for (i = 1; i <= NF && $i !~ /^title=/; i++) {
		split($i, pair, "=")
		field[pair[1]] = pair[2]
	}
	name = field["name"]
	if (field["error"] != 0)
		failed = failed "  " name ": error " field["error"] "\n"
	if (!(name in title))
		order[++rows] = name
	title[name] = $0
	sub(/.* title=/, "", title[name])
	if (field["variant"] != "")
		title[name] = title[name] ", " field["variant"]
	peers[name] = field["peers"]
	ours[name] = field["noun"] !~ /^(empty|hand|kernel)$/
	time[name, repeats] = field["whole"] / 100
}

function summarise(name,    i, list) {
	for (i = 1; i <= repeats; i++)
		list[i] = time[name, i] + 0
	repeats_sort(list, repeats)
	median[name] = repeats_median(list, repeats)
	spread[name] = repeats_spread(list, repeats)
}

function print_row(name,    n, i, list, first) {
	n = split(peers[name], list, ",")
	while (n && !(list[++first] in median) && first < n)
		;
	printf "%-*s %10.2f %10s %8.0f%%", wide, title[name], median[name],
		per_ns ? sprintf("%.1f", median[name] * per_ns) : "-", spread[name]
	if (first && (list[first] in median) && median[name] > 0)
		printf "  %-*s %7.1fx", wide, title[list[first]], median[list[first]] / median[name]
	printf "\n"
}

END {
	if (!rows || failed != "") {
		printf "%s", rows ? failed : "  no results\n"
		exit 1
	}
	repeats_sort(frequency, repeats)
	per_ns = repeats_median(frequency, repeats)
	for (i = 1; i <= rows; i++)
		summarise(order[i])
	printf "%-*s %10s %10s %9s  %-*s %8s\n", wide, "median of " repeats ", loop included", "ns", "cycles", "spread",
		wide, "against", "times"
	for (mine = 0; mine <= 1; mine++)
		for (i = 1; i <= rows; i++)
			if (ours[order[i]] == mine)
				print_row(order[i])
}
