# SPDX-License-Identifier: GPL-2.0-only
# What became slower or faster between two bench.json, by instructions. Called by compare.sh:
#
#   awk -f json.awk -f compare.awk OLD NEW
#
# Averages are exact to what the clock rounds, single operations are compared by their worst. What runs
# through much of the kernel's own code, which differs a little from boot to boot, by a hundredth. Counts
# are those without the kernel's clearing: what it adds is none of our code.

FNR == 1 {
	side++
}

!is_row($0) {
	n = split("kernel compiler", keys, " ")
	for (i = 1; i <= n; i++)
		if (index($0, "\"" keys[i] "\": "))
			about[keys[i], side] = json_get($0, keys[i])
	next
}

json_get($0, "init_on_alloc_0") != "" {
	name = json_get($0, "name")
	count[name, side] = json_get($0, "init_on_alloc_0")
	locked[name, side] = json_get($0, "locked")
	noun[name] = json_get($0, "noun")
	exact[name] = json_get($0, "kind") == "single" ? 1.5 : 0.025
	if (noun[name] ~ /^(kernel|debug)$/ && count[name, side] / 100 > exact[name])
		exact[name] = count[name, side] / 100
	title[name] = json_get($0, "title") (json_get($0, "variant") == "" ? "" : ", " json_get($0, "variant"))
	if (json_get($0, "kind") == "single")
		title[name] = "worst " title[name]
	if (!(name in seen))
		order[++rows] = name
	seen[name] = 1
	found[side]++
}

function is_ours(name) {
	return noun[name] !~ /^(empty|hand|kernel)$/
}

function verdict(name,    change) {
	if (!((name, 1) in count))
		return "new"
	if (!((name, 2) in count))
		return "gone"
	change = count[name, 2] - count[name, 1]
	if (change > exact[name])
		return "slower"
	if (change < -exact[name])
		return "faster"
	return locked[name, 1] == locked[name, 2] ? "same" : "locked"
}

function print_changes(ours,    i, name, what, change) {
	for (i = 1; i <= rows; i++) {
		name = order[i]
		what = verdict(name)
		if (is_ours(name) != ours)
			continue
		total[ours, what]++
		if (what == "same")
			continue
		change = what == "new" || what == "gone" ? "" : sprintf("%+.2f", count[name, 2] - count[name, 1])
		line = sprintf("%-44s %12s %12s %10s  %-6s %s", title[name], count[name, 1], count[name, 2], change, what,
			locked[name, 1] == locked[name, 2] || change == "" ? "" : locked[name, 1] " locked, now " locked[name, 2])
		sub(/ +$/, "", line)
		print line
	}
}

END {
	if (!found[1] || !found[2]) {
		print (found[1] ? "the new" : "the old") " file has no figures in it"
		exit 1
	}
	for (i = 1; i <= n; i++)
		if (about[keys[i], 1] != about[keys[i], 2])
			printf "another %s: was %s, is %s\n", keys[i], about[keys[i], 1], about[keys[i], 2]
	printf "%-44s %12s %12s %10s\n", "instructions, init_on_alloc=0", "old", "new", "change"
	print_changes(1)
	print_changes(0)
	printf "nebula_memory: %d slower, %d faster, %d the same\n", total[1, "slower"], total[1, "faster"],
		total[1, "same"] + total[1, "locked"]
	printf "the kernel's:  %d slower, %d faster, %d the same\n", total[0, "slower"], total[0, "faster"], total[0, "same"]
}
