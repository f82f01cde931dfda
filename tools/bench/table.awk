# Turns results into tables for people and build/bench.json for programs. Called by bench.sh:
#
#   awk -v json=FILE -f table.awk boot=0 LOCKED boot=1 RESULTS boot=2 RESULTS
#
# LOCKED is what locked.awk prints. RESULTS are what the module prints, of the kernel as it is shipped and of
# the same booted with init_on_alloc=0. Figures are hundredths of an instruction. Status 0 unless results
# are missing or void.

BEGIN {
	shipped = 1
	unzeroed = 2
	tolerance["average"] = 10
	tolerance["worst"] = 100
	peer_format = "%-38s %23s %16s\n"
	row_format = "%-38s %6s %7s %-6s %6s   %-38s %10s %16s"
}

boot == 0 {
	locked[$1] = $2
	next
}

/^noun=/ {
	read_row()
}

function read_row(    key, i, title, pair) {
	title = $0
	sub(/.* title=/, "", title)
	delete field
	for (i = 1; i <= NF && $i !~ /^title=/; i++) {
		split($i, pair, "=")
		field[pair[1]] = pair[2]
	}
	key = field["name"]
	if (boot == shipped) {
		order[++rows] = key
		name_of[key] = title
		noun[key] = field["noun"]
		target[key] = field["target"]
		kind[key] = field["kind"]
		code[key] = field["code"]
		peers[key] = field["peers"]
	}
	figure[key, boot] = field["figure"]
	if (field["error"] != 0)
		fault(title ": error " field["error"])
	if (field["next"] - field["figure"] > tolerance[field["kind"]])
		note(sprintf("%s: repeats gave %s to %s", title, number(field["figure"]), number(field["most"])))
}

function fault(text) {
	faults++
	print "  " text
}

function note(text) {
	notes = notes "  " text "\n"
}

function number(hundredths) {
	return sprintf("%.2f", hundredths / 100)
}

function times(peer, key, boot) {
	if (!((peer, boot) in figure))
		return ""
	return figure[key, boot] ? sprintf("%.1fx", figure[peer, boot] / figure[key, boot]) : "-"
}

function is_ours(key) {
	return noun[key] != "empty" && noun[key] != "slab"
}

# What a worst case may run through is not a hot path.
function locks(key,    functions, n, i, sum) {
	if (!is_ours(key) || kind[key] == "worst")
		return "-"
	n = split(code[key], functions, ",")
	for (i = 1; i <= n; i++) {
		if (!(functions[i] in locked))
			return "?"
		sum += locked[functions[i]]
	}
	return sum + 0
}

function mark(key) {
	if (target[key] == 0)
		return ""
	return figure[key, shipped] <= target[key] ? "ok" : "MISSED"
}

function print_peers(heading, about,    i, key) {
	printf peer_format, heading, "as shipped", "init_on_alloc=0"
	for (i = 1; i <= rows; i++) {
		key = order[i]
		if (noun[key] == about)
			printf peer_format, name_of[key], number(figure[key, shipped]), number(figure[key, unzeroed])
	}
	print ""
}

function print_ours(    i) {
	print_line("nebula_memory", "target", "figure", "", "locked", "against", "as shipped", "init_on_alloc=0")
	for (i = 1; i <= rows; i++)
		if (is_ours(order[i]))
			print_row(order[i])
}

function print_row(key,    n, i, list, peer) {
	n = split(peers[key], list, ",")
	print_line(name_of[key], target[key] ? number(target[key]) : "-", number(figure[key, shipped]), mark(key),
		locks(key), n ? name_of[list[1]] : "-", times(list[1], key, shipped), times(list[1], key, unzeroed))
	for (i = 2; i <= n; i++) {
		peer = list[i]
		print_line("", "", "", "", "", name_of[peer], times(peer, key, shipped), times(peer, key, unzeroed))
	}
	count[mark(key)]++
}

function print_line(a, b, c, d, e, f, g, h,    line) {
	line = sprintf(row_format, a, b, c, d, e, f, g, h)
	sub(/ +$/, "", line)
	print line
}

# Our own operations hand out memory as it is, so both boots must agree on them.
function check_boots(    i, key, difference) {
	for (i = 1; i <= rows; i++) {
		key = order[i]
		if (!((key, unzeroed) in figure)) {
			fault(name_of[key] ": no result with init_on_alloc=0")
			continue
		}
		difference = figure[key, shipped] - figure[key, unzeroed]
		if (is_ours(key) && (difference > tolerance[kind[key]] || -difference > tolerance[kind[key]]))
			note(sprintf("%s: %s as shipped, %s with init_on_alloc=0", name_of[key],
				number(figure[key, shipped]), number(figure[key, unzeroed])))
	}
}

function write_json(    i, key) {
	printf "[\n" > json
	for (i = 1; i <= rows; i++) {
		key = order[i]
		printf "  {\"name\": \"%s\", \"title\": \"%s\", \"kind\": \"%s\", \"unit\": \"instructions\", ", key,
			name_of[key], kind[key] > json
		printf "\"target\": %s, \"as_shipped\": %s, \"init_on_alloc_0\": %s, \"locked\": %s}%s\n",
			target[key] ? number(target[key]) : "null", number(figure[key, shipped]), number(figure[key, unzeroed]),
			locks(key) ~ /^[0-9]+$/ ? locks(key) : "null", i < rows ? "," : "" > json
	}
	printf "]\n" > json
}

END {
	if (!rows)
		fault("no results")
	check_boots()
	if (faults)
		exit 1
	print_peers("taken off all others", "empty")
	print_peers("the kernel's own allocators", "slab")
	print_ours()
	printf "%s", notes == "" ? "" : "\n" notes
	printf "\n%d targets met, %d missed\n", count["ok"], count["MISSED"]
	write_json()
}
