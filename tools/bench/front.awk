# SPDX-License-Identifier: GPL-2.0-only
# Prints the rows of bench.json that README.md shows, as a table: awk -f json.awk -f front.awk bench.json.
# The fair column: init_on_alloc=0 on both sides. Called by docs.sh.

BEGIN {
	n = split("bump_alloc bump_request pool_pair pool_pair_strict pool_grown_4096 pool_bulk_default " \
		"stack_pair scratch_pair", names, " ")
}

is_row($0) {
	name = json_get($0, "name")
	title[name] = json_get($0, "title")
	figure[name] = json_get($0, "as_shipped")
	fair[name] = json_get($0, "init_on_alloc_0")
	cycles[name] = json_get($0, "cycles")
	peer[name] = json_get($0, "peers")
	sub(/[,"].*/, "", peer[name])
}

function shown(value) {
	return value == "" ? "-" : sprintf("%.1f", value)
}

END {
	print "| operation | instructions | cycles | beside it | instructions |"
	print "|---|---|---|---|---|"
	for (i = 1; i <= n; i++) {
		name = names[i]
		p = peer[name]
		printf "| %s | %s | %s | %s | %s |\n", title[name], shown(fair[name] == "" ? figure[name] : fair[name]),
			shown(cycles[name]), p == "" ? "-" : title[p], p == "" ? "-" : shown(fair[p])
	}
}
