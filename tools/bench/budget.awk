# SPDX-License-Identifier: GPL-2.0-only
# Compares the instructions of the hot paths with what they may cost. Called by budget.sh:
#
#   awk -v here='KERNEL; COMPILER; QEMU' -f budget.awk budget.txt RESULTS
#   awk -v here='KERNEL; COMPILER; QEMU' -v write=1 -f budget.awk /dev/null RESULTS >budget.txt
#
# The first line of budget.txt after its head says what it was counted with. Where that is something else
# here, more instructions than that are told and not failed: they may be the compiler's.

FILENAME == "/dev/null" {
	next
}

/^counted with: / {
	there = substr($0, length("counted with: ") + 1)
	next
}

# A line of budget.txt: name, instructions.
/^[a-z][a-z0-9_]* +[0-9.]+$/ {
	budget[$1] = $2
	next
}

/^noun=/ {
	delete field
	for (i = 1; i <= NF; i++) {
		split($i, pair, "=")
		field[pair[1]] = pair[2]
	}
	if (field["error"] != 0)
		fail(field["name"] ": error " field["error"])
	order[++rows] = field["name"]
	count[field["name"]] = sprintf("%.2f", field["figure"] / 100)
}

function fail(text) {
	failed++
	print "  " text
}

function print_budget(    i) {
	print "# nebula budget v1"
	print "# Instructions of each hot path, by tools/bench/budget.sh --write. More than that fails `make check`."
	print "counted with: " here
	for (i = 1; i <= rows; i++)
		printf "%-24s %7.2f\n", order[i], count[order[i]]
}

# Where 10,000 operations are timed the clock's own rounding is a hundredth or two of one. What goes
# through the kernel's allocators and locks takes a few instructions more or less from boot to boot.
function slack(name) {
	return budget[name] > 2000 ? budget[name] / 100 : 0.025
}

function compare(name,    difference) {
	if (!(name in budget)) {
		fail(sprintf("%s: %s instructions, and no budget: tools/bench/budget.sh --write", name, count[name]))
		return
	}
	difference = count[name] - budget[name]
	if (difference < slack(name) && difference > -slack(name)) {
		passed++
	} else if (difference < 0) {
		passed++
		printf "  %s: %s instructions of %s; lower the budget: tools/bench/budget.sh --write\n", name, count[name], budget[name]
	} else if (here == there) {
		slower++
		fail(sprintf("%s: %s instructions, the budget is %s", name, count[name], budget[name]))
	} else {
		skipped++
		printf "  %s: %s instructions, the budget is %s\n", name, count[name], budget[name]
	}
	delete budget[name]
}

END {
	if (write) {
		print_budget()
		exit failed > 0
	}
	for (i = 1; i <= rows; i++)
		compare(order[i])
	for (name in budget)
		fail(name ": has a budget, and was not measured")
	if (here != there && skipped) {
		print "  the budget was counted with " there
		print "  here it is                  " here
		print "  so these counts may be the compiler's or the kernel's; to know, count the commit before the change here, too"
	} else if (slower) {
		print "  the budget was counted with the same kernel, compiler and QEMU: it is this tree that became slower"
	}
	printf "%d passed, %d failed%s\n", passed, failed, skipped ? ", " skipped " skipped" : ""
	exit failed > 0
}
