# SPDX-License-Identifier: GPL-2.0-only
# Counts the locked instructions of each function: those with a lock prefix, and xchg with memory, which
# needs none. Called by bench.sh on the output of objdump -d; prints a function and its count a line,
# and ? for a name that two functions have.

/^[0-9a-f]+ <.*>:$/ {
	name = $2
	gsub(/[<>:]/, "", name)
	seen[name]++
	locked[name] += 0
	next
}

/^ .*\t(lock|xchg +.*[(:])/ {
	locked[name]++
}

END {
	for (name in locked)
		print name, (seen[name] > 1 ? "?" : locked[name])
}
