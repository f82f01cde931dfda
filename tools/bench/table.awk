# Turns results into tables for people and build/bench.json for programs. Called by bench.sh:
#
#   awk -v json=FILE -f table.awk boot=0 LOCKED boot=1 RESULTS boot=2 RESULTS boot=3 TWO
#
# LOCKED is what locked.awk prints. RESULTS are what the module prints, of the kernel as it is shipped and of
# the same booted with init_on_alloc=0. TWO is what it prints on two CPUs with init_on_alloc=0. Figures are
# hundredths: of an instruction, of times, of a percent. Status 0 unless results are missing or void.

BEGIN {
	shipped = 1
	unzeroed = 2
	two = 3
	tolerance["average"] = 10
	tolerance["worst"] = 100
	unit["average"] = unit["worst"] = "instructions"
	unit["scaling"] = "times"
	unit["memory"] = "percent"
	peer_format = "%-40s %23s %16s\n"
	row_format = "%-40s %6s %7s %-6s %6s   %-40s %10s %16s"
	two_format = "%-40s %6s %7s %-6s %14s %14s   %s"
}

boot == 0 {
	locked[$1] = $2
	next
}

/^noun=/ {
	read_fields()
	if (boot == two)
		read_two(field["name"])
	else
		read_row(field["name"])
}

function read_fields(    i, pair) {
	delete field
	for (i = 1; i <= NF && $i !~ /^title=/; i++) {
		split($i, pair, "=")
		field[pair[1]] = pair[2]
	}
	field["title"] = $0
	sub(/.* title=/, "", field["title"])
	if (field["error"] != 0)
		fault(field["title"] ": error " field["error"])
}

function add_row(key) {
	order[++rows] = key
	name_of[key] = field["title"]
	noun[key] = field["noun"]
	target[key] = field["target"]
	kind[key] = field["kind"]
}

function read_row(key) {
	if (boot == shipped) {
		add_row(key)
		code[key] = field["code"]
		peers[key] = field["peers"]
	}
	figure[key, boot] = field["figure"]
	if (field["next"] - field["figure"] > tolerance[field["kind"]])
		note(sprintf("%s: repeats gave %s to %s", field["title"], number(field["figure"]), number(field["most"])))
}

# The peer's line comes first.
function read_two(key) {
	add_row(key)
	if (field["kind"] == "memory") {
		bytes[key] = field["bytes"]
		figure[key, two] = portion(10000 * field["bytes"], field["of"])
		return
	}
	rate_one[key] = field["one"]
	rate_two[key] = field["two"]
	peers[key] = field["peer"]
	if (peers[key] != "")
		figure[key, two] = portion(100 * rate_two[key], rate_two[peers[key]])
	else if (rate_one[key])
		figure[key, two] = portion(100 * rate_two[key], rate_one[key])
}

function portion(part, whole) {
	return whole > 0 ? part / whole : 0
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
	return noun[key] != "empty" && noun[key] != "kernel"
}

function is_counted(key) {
	return unit[kind[key]] == "instructions"
}

# What a worst case may run through is not a hot path.
function locks(key,    functions, n, i, sum) {
	if (!is_ours(key) || kind[key] != "average")
		return "-"
	n = split(code[key], functions, ",")
	for (i = 1; i <= n; i++) {
		if (!(functions[i] in locked))
			return "?"
		sum += locked[functions[i]]
	}
	return sum + 0
}

# More is better where two CPUs are at work.
function mark(key, boot,    met) {
	if (target[key] < 0)
		return ""
	met = kind[key] == "scaling" ? figure[key, boot] >= target[key] : figure[key, boot] <= target[key]
	count[met ? "ok" : "MISSED"]++
	return met ? "ok" : "MISSED"
}

function goal(key) {
	return target[key] < 0 ? "-" : number(target[key])
}

function print_peers(heading, about,    i, key) {
	printf peer_format, heading, "as shipped", "init_on_alloc=0"
	for (i = 1; i <= rows; i++) {
		key = order[i]
		if (is_counted(key) && noun[key] == about)
			printf peer_format, name_of[key], number(figure[key, shipped]), number(figure[key, unzeroed])
	}
	print ""
}

function print_ours(    i) {
	print_line("nebula_memory", "target", "figure", "", "locked", "against", "as shipped", "init_on_alloc=0")
	for (i = 1; i <= rows; i++)
		if (is_counted(order[i]) && is_ours(order[i]))
			print_row(order[i])
	print ""
}

function print_row(key,    n, i, list, peer) {
	n = split(peers[key], list, ",")
	print_line(name_of[key], goal(key), number(figure[key, shipped]), mark(key, shipped), locks(key),
		n ? name_of[list[1]] : "-", times(list[1], key, shipped), times(list[1], key, unzeroed))
	for (i = 2; i <= n; i++) {
		peer = list[i]
		print_line("", "", "", "", "", name_of[peer], times(peer, key, shipped), times(peer, key, unzeroed))
	}
}

function print_line(a, b, c, d, e, f, g, h,    line) {
	line = sprintf(row_format, a, b, c, d, e, f, g, h)
	sub(/ +$/, "", line)
	print line
}

# On two CPUs, in real time: figures are how many times what they are compared with.
function print_scaling(    i, key, against) {
	printf two_format "\n", "two CPUs, objects a second", "target", "times", "", "one CPU", "two CPUs", "against"
	for (i = 1; i <= rows; i++) {
		key = order[i]
		if (kind[key] != "scaling")
			continue
		against = peers[key] ? name_of[peers[key]] : rate_one[key] ? "one CPU" : "-"
		printf two_format "\n", name_of[key], goal(key), ((key, two) in figure) ? number(figure[key, two]) : "-",
			mark(key, two), rate_one[key] ? rate_one[key] : "-", rate_two[key], against
	}
	print ""
}

function print_memory(    i, key, line) {
	printf "%-40s %6s %7s %-6s %14s\n", "memory beyond 1000 objects of 64 bytes", "target", "percent", "", "bytes"
	for (i = 1; i <= rows; i++) {
		key = order[i]
		if (kind[key] == "memory")
			printf "%-40s %6s %7s %-6s %14s\n", name_of[key], goal(key), number(figure[key, two]), mark(key, two),
				bytes[key]
	}
}

# Our own operations hand out memory as it is, so both boots must agree on them.
function check_boots(    i, key, difference) {
	for (i = 1; i <= rows; i++) {
		key = order[i]
		if (!is_counted(key))
			continue
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

# Where even the kernel's allocator gets little out of the second CPU, somebody else had it.
function check_machine() {
	if (!(("kmem_cache_scaling", two) in figure))
		fault("no results on two CPUs")
	else if (figure["kmem_cache_scaling", two] < 180)
		note(sprintf("two CPUs gave kmem_cache %s times one: this machine was busy, measure again",
			number(figure["kmem_cache_scaling", two])))
}

function json_figure(key, boot) {
	return ((key, boot) in figure) ? number(figure[key, boot]) : "null"
}

# What a figure was made of.
function json_parts(key) {
	if (kind[key] == "scaling")
		return sprintf(", \"one_cpu\": %s, \"two_cpus\": %s", rate_one[key] ? rate_one[key] : "null", rate_two[key])
	return kind[key] == "memory" ? ", \"bytes\": " bytes[key] : ""
}

function write_json(    i, key) {
	printf "[\n" > json
	for (i = 1; i <= rows; i++) {
		key = order[i]
		printf "  {\"name\": \"%s\", \"title\": \"%s\", \"kind\": \"%s\", \"unit\": \"%s\", ", key, name_of[key],
			kind[key], unit[kind[key]] > json
		printf "\"target\": %s, \"as_shipped\": %s, \"init_on_alloc_0\": %s, \"locked\": %s%s}%s\n",
			target[key] < 0 ? "null" : number(target[key]), json_figure(key, shipped),
			json_figure(key, is_counted(key) ? unzeroed : two), locks(key) ~ /^[0-9]+$/ ? locks(key) : "null",
			json_parts(key), i < rows ? "," : "" > json
	}
	printf "]\n" > json
}

END {
	if (!rows)
		fault("no results")
	check_boots()
	check_machine()
	if (faults)
		exit 1
	print_peers("taken off all others", "empty")
	print_peers("the kernel's own allocators", "kernel")
	print_ours()
	print_scaling()
	print_memory()
	printf "%s", notes == "" ? "" : "\n" notes
	printf "\n%d targets met, %d missed\n", count["ok"], count["MISSED"]
	write_json()
}
