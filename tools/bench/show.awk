# SPDX-License-Identifier: GPL-2.0-only
# Prints bench.json as aligned tables:
#
#   awk [-v parts='PART ...'] [-v brief=1] -f json.awk -f show.awk bench.json
#
# PART is one of those in BEGIN; all of them without. With brief=1 each of our rows has only its first
# peer. Called by bench.sh and docs.sh.

BEGIN {
	all = "about peers ours singles size bulk copy debugging memory scaling possible cycles native verdict"
	wide = 41
	of_part(parts == "" ? all : parts)
}

function of_part(list,    n, i, names) {
	n = split(list, names, " ")
	for (i = 1; i <= n; i++)
		wanted[names[i]] = 1
}

!is_row($0) {
	for (i = split("kernel newest_kernel uml cpu compiler libc_malloc", keys, " "); i; i--)
		if (index($0, "\"" keys[i] "\": "))
			about[keys[i]] = json_get($0, keys[i])
	next
}

{
	name = json_get($0, "name")
	order[++rows] = name
	split("title noun kind by variant peers target locked percpu as_shipped init_on_alloc_0 newest possible_128 percentiles" \
		" cycles cycles_target uml_ns uml_spread one_cpu two_cpus bytes objects", keys, " ")
	for (i in keys)
		row[name, keys[i]] = json_get($0, keys[i])
	derive(name)
}

# What a row of two CPUs or of memory comes to.
function derive(name,    peer) {
	peer = row[name, "peers"]
	if (row[name, "kind"] == "scaling" && peer != "")
		row[name, "figure"] = ratio(row[name, "two_cpus"], row[peer, "two_cpus"])
	else if (row[name, "kind"] == "scaling")
		row[name, "figure"] = ratio(row[name, "two_cpus"], row[name, "one_cpu"])
	else if (row[name, "kind"] == "memory")
		row[name, "figure"] = row[name, "bytes"] / row[name, "objects"]
	else
		row[name, "figure"] = row[name, "init_on_alloc_0"] == "" ? row[name, "as_shipped"] : row[name, "init_on_alloc_0"]
}

# Unknown where either is, or where there is nothing to compare with.
function ratio(part, whole) {
	return part != "" && whole != "" && whole > 0 ? part / whole : ""
}

function times(part, whole,    r) {
	r = ratio(part, whole)
	return r == "" ? "-" : sprintf("%.*fx", r < 100 ? 1 : 0, r)
}

function number(value) {
	return value == "" ? "-" : sprintf("%.2f", value)
}

function mark_of(figure, target) {
	if (target == "" || figure == "")
		return ""
	return figure + 0 <= target + 0 ? "ok" : "MISSED"
}

# More is better where two CPUs are at work.
function mark(name) {
	if (row[name, "kind"] == "scaling")
		return mark_of(row[name, "target"], row[name, "figure"])
	return mark_of(row[name, "figure"], row[name, "target"])
}

function is_ours(name) {
	return row[name, "noun"] !~ /^(empty|hand|kernel)$/
}

# A row that stands for itself, on the counted kernel.
function is_counted(name, kind) {
	return row[name, "kind"] == kind && row[name, "by"] == "" && (row[name, "as_shipped"] != "" || row[name, "newest"] != "")
}

function line(text) {
	sub(/ +$/, "", text)
	print text
}

function print_about() {
	printf "Instructions per operation on %s: one CPU, interrupts off, loop and clock taken off.\n", about["kernel"]
	print "As shipped this kernel clears what allocators hand out, ours too. It does so with one instruction of"
	print "which QEMU counts every byte, so figures and targets are those without it, init_on_alloc=0."
	if (about["newest_kernel"] != "")
		print "The column " newest() " has the same on " about["newest_kernel"] ", Debian's newest, with its own compiler."
	print "What two CPUs do, and User Mode Linux " about["uml"] ", is real time on " about["cpu"] "."
	print "Compiled with " about["compiler"] "."
}

# The column of the newest kernel: its version without what the distribution adds.
function newest(    version) {
	version = about["newest_kernel"]
	sub(/[^0-9.].*/, "", version)
	return version == "" ? "newest" : version
}

function print_peers(    i, n, heads, nouns) {
	n = split("empty hand kernel", nouns, " ")
	split("nothing at all|written by hand, and nothing is checked|the kernel's own allocators", heads, "|")
	for (i = 1; i <= n; i++)
		print_peers_of(nouns[i], heads[i], i < n)
}

function print_peers_of(noun, heading, more,    i, name) {
	line(sprintf("%-*s %12s %16s %10s", wide, heading, "as shipped", "init_on_alloc=0", newest()))
	for (i = 1; i <= rows; i++) {
		name = order[i]
		if (is_counted(name, "average") && row[name, "noun"] == noun)
			line(sprintf("%-*s %12s %16s %10s", wide, row[name, "title"], dash(row[name, "as_shipped"]),
				dash(row[name, "init_on_alloc_0"]), dash(row[name, "newest"])))
	}
	if (more)
		print ""
}

function dash(value) {
	return value == "" ? "-" : value
}

# Title, target, figure, mark, locked, the same on the newest kernel; peer, times as shipped, fair, newest.
function print_our_line(a, b, c, d, e, n, f, g, h, m) {
	if (brief)
		line(sprintf("%-*s %6s %7s %-6s %6s %8s  %7s %8s  %s", wide, a, b, c, d, e, n, h, m, f))
	else
		line(sprintf("%-*s %6s %7s %-6s %6s %8s   %-*s %10s %16s %8s", wide, a, b, c, d, e, n, wide, f, g, h, m))
}

function print_ours(    i) {
	print_our_line("nebula_memory", "target", "figure", "", "locked", newest(), "against", "as shipped",
		brief ? "times" : "init_on_alloc=0", newest())
	for (i = 1; i <= rows; i++)
		if (is_counted(order[i], "average") && is_ours(order[i]))
			print_our_row(order[i])
}

# The first peer that this kernel has stands in the row, the others below it.
function print_our_row(name,    n, i, list, peer, shown) {
	n = split(row[name, "peers"], list, ",")
	for (i = 1; i <= n; i++) {
		peer = list[i]
		if (row[peer, "as_shipped"] == "" && row[peer, "newest"] == "")
			continue
		print_our_line(shown ? "" : row[name, "title"], shown ? "" : number(row[name, "target"]),
			shown ? "" : row[name, "figure"], shown ? "" : mark(name), shown ? "" : row[name, "locked"],
			shown ? "" : dash(row[name, "newest"]), row[peer, "title"], times(row[peer, "as_shipped"], row[name, "as_shipped"]),
			times(row[peer, "init_on_alloc_0"], row[name, "init_on_alloc_0"]),
			times(row[peer, "newest"], row[name, "newest"]))
		shown = 1
		if (brief)
			return
	}
	if (!shown)
		print_our_line(row[name, "title"], number(row[name, "target"]), row[name, "figure"], mark(name),
			row[name, "locked"], dash(row[name, "newest"]), "-", "", "", "")
}

# Of a million operations timed one by one, without the clearing; peers first.
function print_singles(    ours, i, name) {
	line(sprintf("%-*s %8s %8s %8s %8s %8s %7s %-6s  %s", wide, "1,000,000 operations, one by one", "50%", "99%",
		"99.9%", "99.99%", "worst", "target", "", "worst of"))
	for (ours = 0; ours <= 1; ours++)
		for (i = 1; i <= rows; i++) {
			name = order[i]
			if (is_counted(name, "single") && row[name, "noun"] != "empty" && is_ours(name) == ours)
				print_single(name)
		}
}

function print_single(name,    p, list, peer, against) {
	split(row[name, "percentiles"], p, " ")
	split(row[name, "peers"], list, ",")
	peer = list[1]
	if (peer != "")
		against = row[peer, "title"] " " times(row[peer, "init_on_alloc_0"], row[name, "init_on_alloc_0"])
	line(sprintf("%-*s %8d %8d %8d %8d %8d %7s %-6s  %s", wide, row[name, "title"], p[1], p[2], p[3], p[4], p[5],
		row[name, "target"] == "" ? "-" : int(row[name, "target"]), mark(name), against))
}

# A table of all rows that come in variants: a line for each variant, a column for each title.
function print_matrix(by, heading, key, format,    i, j, v, t, name, cell, variants, variant, titles, title, known) {
	for (i = 1; i <= rows; i++) {
		name = order[i]
		if (row[name, "by"] != by || row[name, key] == "")
			continue
		v = row[name, "variant"]
		t = row[name, "title"]
		if (!(("v", v) in known))
			variant[++variants] = v
		if (!(("t", t) in known))
			title[++titles] = t
		known["v", v] = known["t", t] = 1
		cell[v, t] = sprintf(format, row[name, key]) (key == "newest" || mark(name) == "" ? "" : " " mark(name))
	}
	print_matrix_line(heading, titles, title)
	for (i = 1; i <= variants; i++) {
		for (j = 1; j <= titles; j++)
			known[j] = cell[variant[i], title[j]]
		print_matrix_line(variant[i], titles, known)
	}
}

function print_matrix_line(first, n, list,    i, text) {
	text = sprintf("%-22s", first)
	for (i = 1; i <= n; i++)
		text = text sprintf(" %11s", list[i] == "" ? "-" : list[i])
	line(text)
}

function print_scaling(    i, name) {
	line(sprintf("%-*s %6s %7s %-6s %14s %14s   %s", wide, "two CPUs, objects a second", "target", "times", "",
		"one CPU", "two CPUs", "against"))
	for (i = 1; i <= rows; i++) {
		name = order[i]
		if (row[name, "kind"] != "scaling")
			continue
		line(sprintf("%-*s %6s %7s %-6s %14s %14s   %s", wide, row[name, "title"], number(row[name, "target"]),
			number(row[name, "figure"]), mark(name), row[name, "one_cpu"] == "" ? "-" : row[name, "one_cpu"],
			row[name, "two_cpus"], scaling_base(name)))
	}
}

function scaling_base(name) {
	if (row[name, "peers"] != "")
		return row[row[name, "peers"], "title"]
	return row[name, "one_cpu"] == "" ? "-" : "one CPU"
}

# What is held ready for CPUs that may come costs those that are there at most a tenth.
function print_possible(    i, name, here, there) {
	line(sprintf("%-*s %12s %14s", wide, "by CPUs that may come", "those of QEMU", "128 possible"))
	for (i = 1; i <= rows; i++) {
		name = order[i]
		here = row[name, "init_on_alloc_0"]
		there = row[name, "possible_128"]
		if (there != "" && here != "")
			line(sprintf("%-*s %12s %14s  %s", wide, title_of(name), here, there, mark_of(there, 1.1 * here)))
	}
}

function title_of(name) {
	return row[name, "title"] (row[name, "by"] == "" ? "" : " " row[name, "variant"])
}

function print_cycles(    ours, i, name) {
	line(sprintf("%-*s %8s %13s  %7s", wide, "cycles, loop included", "cycles", "instructions", "target"))
	line(sprintf("%-*s %8s %13s", wide, "C library malloc + free, 64 bytes", about["libc_malloc"], "-"))
	for (ours = 0; ours <= 1; ours++)
		for (i = 1; i <= rows; i++) {
			name = order[i]
			if (row[name, "cycles"] != "" && row[name, "by"] == "" && is_ours(name) == ours)
				line(sprintf("%-*s %8s %13s  %7s %s", wide, row[name, "title"], row[name, "cycles"],
					dash(row[name, "init_on_alloc_0"]), number(row[name, "cycles_target"]), mark_of(row[name, "cycles"], row[name, "cycles_target"])))
		}
	print ""
	print_matrix("cycles_copy", "cycles, a copy of", "cycles", "%.0f")
	print ""
	print "The objects that were built for " about["kernel"] ", linked into a process that stands for one CPU:"
	print "the best of 300 runs, in core cycles of " about["cpu"] "."
}

function native_mark(name) {
	return row[name, "percpu"] == "true" ? "*" : " "
}

function print_native_line(a, b, c, d, e) {
	line(sprintf("%-*s %10s %9s  %-*s %8s", wide, a, b, c, wide, d, e))
}

function print_native(    ours, i, name) {
	print_native_line("nanoseconds, loop included", "median", "spread", "against", "times")
	for (ours = 0; ours <= 1; ours++)
		for (i = 1; i <= rows; i++) {
			name = order[i]
			if (row[name, "uml_ns"] != "" && row[name, "by"] == "" && row[name, "noun"] != "typed" && is_ours(name) == ours)
				print_native_row(name)
		}
	print ""
	print "* lives on per-CPU operations or on keeping interrupts out, which User Mode Linux imitates with"
	print "  tens of instructions for one: slower there than on a machine, for us and for the kernel alike."
}

function print_native_row(name,    n, i, list, peer, shown) {
	n = split(row[name, "peers"], list, ",")
	for (i = 1; i <= n; i++) {
		peer = list[i]
		if (row[peer, "uml_ns"] == "")
			continue
		print_native_line(shown ? "" : native_mark(name) row[name, "title"], shown ? "" : row[name, "uml_ns"],
			shown ? "" : row[name, "uml_spread"] "%", native_mark(peer) row[peer, "title"],
			times(row[peer, "uml_ns"], row[name, "uml_ns"]))
		shown = 1
	}
	if (!shown)
		print_native_line(native_mark(name) row[name, "title"], row[name, "uml_ns"], row[name, "uml_spread"] "%", "", "")
}

function print_verdict(    i, count) {
	for (i = 1; i <= rows; i++)
		count[mark(order[i])]++
	printf "%d targets met, %d missed\n", count["ok"], count["MISSED"]
}

# Nothing between the parts but an empty line.
function begins(part) {
	if (!(part in wanted))
		return 0
	if (printed++)
		print ""
	return 1
}

END {
	if (begins("about"))
		print_about()
	if (begins("peers"))
		print_peers()
	if (begins("ours"))
		print_ours()
	if (begins("singles"))
		print_singles()
	if (begins("size"))
		print_matrix("size", "bytes", "init_on_alloc_0", "%.1f")
	if (begins("bulk")) {
		print_matrix("bulk", "a bulk of, each", "init_on_alloc_0", "%.1f")
		print ""
		print_matrix("bulk", "the same on " newest(), "newest", "%.1f")
	}
	if (begins("copy"))
		print_matrix("copy", "bytes copied", "init_on_alloc_0", "%.0f")
	if (begins("debugging"))
		print_matrix("debugging", "debug flags, 64 bytes", "init_on_alloc_0", "%.0f")
	if (begins("memory"))
		print_matrix("memory", "beyond an object of", "figure", "%.1f")
	if (begins("scaling"))
		print_scaling()
	if (begins("possible"))
		print_possible()
	if (begins("cycles"))
		print_cycles()
	if (begins("native"))
		print_native()
	if (begins("verdict"))
		print_verdict()
}
