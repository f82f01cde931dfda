# SPDX-License-Identifier: GPL-2.0-only
# Reads `nm` of the probe (order_FIELD), order.txt, then `objdump -d` of an object, and says which rows of
# it do not hold. Called by rules_order.sh with -v object=NAME.

function hex(text,    i, n) {
	for (i = 1; i <= length(text); i++)
		n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
	return n + 0
}

FILENAME ~ /fields$/ {
	if ($3 ~ /^order_/)
		offset[substr($3, 7)] = hex($1)
	next
}

FILENAME ~ /order.txt$/ {
	if ($1 == object) {
		rows[++nr] = $2
		wanted[$2] = ""
		for (i = 3; i <= NF; i++)
			wanted[$2] = wanted[$2] " " $i
	}
	next
}

/^[0-9a-f]+ <.*>:$/ {
	name = $2
	gsub(/[<>:]/, "", name)
	next
}

# One memory operand an instruction: the last one is written to unless it is compared; lea reads none.
name in wanted && match($0, /\t[a-z]+ .*/) {
	insn = substr($0, RSTART + 1)
	sub(/ *[#<].*/, "", insn)
	op = insn
	sub(/ .*/, "", op)
	if (op ~ /^(lea|call|j|nop|ret|push|pop|cs|data16)/ || !match(insn, /(%gs:)?(-?0x[0-9a-f]+)?\(%[a-z0-9,%]+\)/))
		next
	operand = substr(insn, RSTART, RLENGTH)
	last = RSTART + RLENGTH - 1 == length(insn)
	percpu = operand ~ /^%gs:/
	sub(/^%gs:/, "", operand)
	at = operand ~ /^0x/ ? hex(substr(operand, 3, index(operand, "(") - 3)) : (operand ~ /^-/ ? -1 : 0)
	seen[name] = seen[name] " " (percpu ? "%" : "") at ":" (last && op !~ /^(cmp|test)/ ? "w" : "r")
}

END {
	for (r = 1; r <= nr; r++) {
		name = rows[r]
		n = split(wanted[name], want, " ")
		m = split(seen[name], have, " ")
		j = 1
		for (i = 1; i <= n; i++) {
			split(want[i], f, ":")
			percpu = f[1] ~ /^%/
			field = f[1]
			sub(/^%/, "", field)
			if (field != "*" && !(field in offset)) {
				printf "order.txt: there is no field %s\n", field
				bad = 1
			}
			for (; j <= m; j++) {
				split(have[j], g, ":")
				if (g[2] != f[2])
					continue
				if (field == "*" ? g[1] !~ /^%/ : g[1] == (percpu ? "%" : "") offset[field])
					break
			}
			if (j > m) {
				printf "%s: %s is not in its place:%s\n  in the object:%s\n", name, want[i], wanted[name], seen[name]
				bad = 1
				break
			}
			j++
		}
		if (m == 0) {
			printf "%s: there is no such function in %s\n", name, object
			bad = 1
		}
	}
	exit bad
}
