# SPDX-License-Identifier: GPL-2.0-only
# Makes bench.json out of results. Called by bench.sh:
#
#   awk -v json=FILE -v kernel=... -v newest_kernel=... -v uml_kernel=... -v cpu=... -v compiler=... -f repeats.awk \
#       -f collect.awk boot=locked LOCKED boot=cycles CYCLES boot=shipped RESULTS boot=unzeroed RESULTS \
#       boot=possible RESULTS boot=two RESULTS boot=newest RESULTS boot=uml RESULTS
#
# LOCKED is what locked.awk prints, CYCLES what cycles.sh leaves. RESULTS are what the module prints: of the
# stock kernel as it is shipped, of the same booted with init_on_alloc=0, of that with 128 possible CPUs and on
# two CPUs, of the newest stock kernel with init_on_alloc=0, which may be missing, and of UML, there several times. Figures in them are
# hundredths: of an instruction, of a nanosecond, of a cycle. What is odd about them is printed. Status 0 unless
# results are missing or void.

BEGIN {
	tolerance["average"] = 10
	tolerance["single"] = 100
}

boot == "locked" {
	locked[$1] = $2
	next
}

boot == "cycles" {
	read_fields()
	cycles[field["name"]] = field["cycles"]
	cycles_target[field["name"]] = field["cycles_target"]
	cycles_head[++cycles_rows] = json_head(field["name"])
	cycles_name[cycles_rows] = field["name"]
	next
}

/^# nebula bench/ && boot == "uml" {
	repeats++
}

/^noun=/ {
	read_fields()
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
		fault(field["title"] ": error " field["error"] " on " boot)
}

function read_row(name) {
	if (!(name in kind))
		add_row(name)
	if (boot == "two")
		parts[name] = kind[name] == "memory" ? memory_parts() : scaling_parts(name)
	else if (boot == "uml")
		uml[name, repeats] = field["whole"]
	else
		read_counts(name)
}

function add_row(name) {
	order[++rows] = name
	kind[name] = field["kind"]
	noun[name] = field["noun"]
	title[name] = field["title"]
	code[name] = field["code"]
	head[name] = json_head(name)
}

function json_head(name,    text) {
	text = sprintf("{\"name\": \"%s\", \"title\": \"%s\", \"noun\": \"%s\", \"kind\": \"%s\"", name,
		field["title"], field["noun"], field["kind"])
	if (field["by"] != "")
		text = text sprintf(", \"by\": \"%s\", \"variant\": \"%s\"", field["by"], field["variant"])
	if (field["peers"] != "")
		text = text sprintf(", \"peers\": \"%s\"", field["peers"])
	if (field["percpu"] == 1)
		text = text ", \"percpu\": true"
	return text sprintf(", \"target\": %s", field["target"] < 0 ? "null" : number(field["target"]))
}

function read_counts(name) {
	figure[name, boot] = field["figure"]
	percentiles[name, boot] = field["percentiles"]
	if (field["next"] - field["figure"] > tolerance[kind[name]] && !settles(field))
		note(sprintf("%s: repeats gave %s to %s", title[name], number(field["figure"]), number(field["most"])))
}

# Large figures are long operations of others, which differ a little each time.
function settles(f) {
	return f["next"] - f["figure"] < f["figure"] / 20
}

function scaling_parts(name) {
	if (name == "kmem_cache_scaling" && 100 * field["two"] < 180 * field["one"])
		note(sprintf("two CPUs gave kmem_cache %.2f times one: this machine was busy, measure again",
			field["two"] / field["one"]))
	return sprintf(", \"one_cpu\": %s, \"two_cpus\": %s", field["one"] > 0 ? field["one"] : "null", field["two"])
}

function memory_parts() {
	return sprintf(", \"bytes\": %d, \"objects\": %d", field["bytes"], field["objects"])
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

function is_ours(name) {
	return noun[name] !~ /^(empty|hand|kernel)$/
}

# What is not our code is not disassembled, and what single operations run through is no one path.
function locks(name,    functions, n, i, sum) {
	if (!is_ours(name) || kind[name] != "average")
		return ""
	n = split(code[name], functions, ",")
	for (i = 1; i <= n; i++) {
		if (locked[functions[i]] !~ /^[0-9]+$/) {
			fault(title[name] ": locked instructions of " functions[i] " are not known")
			return ""
		}
		sum += locked[functions[i]]
	}
	return sprintf(", \"locked\": %d", sum)
}

function json_figure(name, boot) {
	return ((name, boot) in figure) ? number(figure[name, boot]) : "null"
}

function json_percentiles(name,    list, n, i, text) {
	if (kind[name] != "single" || !((name, "unzeroed") in percentiles))
		return ""
	n = split(percentiles[name, "unzeroed"], list, ",")
	for (i = 1; i <= n; i++)
		text = text (i > 1 ? " " : "") number(list[i])
	return ", \"percentiles\": \"" text "\""
}

function json_uml(name,    i, list) {
	if (!((name, 1) in uml) || kind[name] != "average")
		return ""
	for (i = 1; i <= repeats; i++)
		list[i] = uml[name, i] + 0
	repeats_sort(list, repeats)
	return sprintf(", \"uml_ns\": %s, \"uml_spread\": %.0f", number(repeats_median(list, repeats)),
		repeats_spread(list, repeats))
}

function json_cycles(name) {
	if (!(name in cycles))
		return ""
	if (cycles_target[name] < 0)
		return sprintf(", \"cycles\": %s", number(cycles[name]))
	return sprintf(", \"cycles\": %s, \"cycles_target\": %s", number(cycles[name]), number(cycles_target[name]))
}

function json_row(name,    counts) {
	if (kind[name] == "average" || kind[name] == "single")
		counts = sprintf(", \"as_shipped\": %s, \"init_on_alloc_0\": %s, \"newest\": %s",
			json_figure(name, "shipped"), json_figure(name, "unzeroed"), json_figure(name, "newest"))
	if ((name, "possible") in figure)
		counts = counts ", \"possible_128\": " json_figure(name, "possible")
	return head[name] counts json_percentiles(name) locks(name) json_cycles(name) json_uml(name) parts[name] "}"
}

# Our own operations hand out memory as it is, so both boots must agree on them.
function check_boots(    i, name, difference) {
	for (i = 1; i <= rows; i++) {
		name = order[i]
		if (!((name, "shipped") in figure))
			continue
		if (!((name, "unzeroed") in figure)) {
			fault(title[name] ": no result with init_on_alloc=0")
			continue
		}
		difference = figure[name, "shipped"] - figure[name, "unzeroed"]
		# Debug flags fill memory and keep call stacks: no hot path.
		if (is_ours(name) && noun[name] != "debug" &&
		    (difference > tolerance[kind[name]] || -difference > tolerance[kind[name]]))
			note(sprintf("%s: %s as shipped, %s with init_on_alloc=0", title[name],
				json_figure(name, "shipped"), json_figure(name, "unzeroed")))
	}
}

END {
	check_boots()
	if (!(("bump_alloc", "shipped") in figure))
		fault("no results")
	if (!(("pool_batch", "possible") in figure))
		fault("no results with 128 possible CPUs")
	if (!("kmem_cache_scaling" in parts))
		fault("no results on two CPUs")
	if (!repeats)
		fault("no results of UML")
	if (!("pool_pair" in cycles))
		fault("no cycles")
	printf "{\n  \"kernel\": \"%s\",\n  \"newest_kernel\": \"%s\",\n  \"uml\": \"%s\",\n  \"cpu\": \"%s\",\n  \"compiler\": \"%s\",\n", kernel, newest_kernel,
		uml_kernel, cpu, compiler > json
	printf "  \"libc_malloc\": \"%s\",\n", number(cycles["libc_malloc_pair"]) > json
	printf "  \"uml_repeats\": %d,\n  \"rows\": [\n", repeats > json
	for (i = 1; i <= rows; i++)
		printf "%s    %s", (i == 1 ? "" : ",\n"), json_row(order[i]) > json
	# What is only measured in cycles.
	for (i = 1; i <= cycles_rows; i++)
		if (!(cycles_name[i] in kind))
			printf ",\n    %s%s}", cycles_head[i], json_cycles(cycles_name[i]) > json
	printf "\n  ]\n}\n" > json
	printf "%s", notes
	exit faults > 0
}
