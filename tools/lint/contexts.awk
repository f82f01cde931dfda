# SPDX-License-Identifier: GPL-2.0-only
# Which functions an NMI may reach, and what of the kernel's they call. Reads contexts.txt, then
# `objdump -t` and then `objdump -dr` of objects that were compiled with -ffunction-sections, so
# that each call has a relocation. Called by rules_context.sh.
#
# A function is FILE:NAME; parts that the compiler splits off (NAME.cold, NAME.part.0) belong to it.
# The address of a function that is stored somewhere - a callback of irq_work, RCU or a workqueue -
# is no call.

function plain(symbol) {
	sub(/[-+]0x[0-9a-f]+$/, "", symbol)
	sub(/^\.text\.(unlikely\.|hot\.)?/, "", symbol)
	sub(/\..*/, "", symbol)
	return symbol
}

function file_of(path) {
	sub(/:.*/, "", path)
	sub(/^\.\//, "", path)
	return path
}

# What NAME means in FILE.
function resolve(file, name) {
	if ((file ":" name) in defined)
		return file ":" name
	return name in global ? global[name] ":" name : name
}

function edge(from, to) {
	if (from != to && !((from, to) in seen)) {
		seen[from, to] = 1
		calls[from] = calls[from] " " to
	}
}

function complain(line) {
	print line
	failed = 1
}

# How the function is reached, innermost first.
function path(node,  text) {
	for (; node != ""; node = by[node])
		text = text "\n\tfrom " node
	return text
}

# Breadth first, so that each path is a shortest one.
function visit(node, from) {
	if (node in by)
		return
	by[node] = from
	queue[++last] = node
}

function name_of(node) {
	sub(/.*:/, "", node)
	return node
}

# FILE:NAME as contexts.txt has it.
function short(node) {
	sub(/\.o:/, ":", node)
	return node
}

function enter(node,  i, n, to, name) {
	name = name_of(node)
	if (node in indirect) {
		if (short(node) in targets)
			name = short(node)
		if (!(name in targets))
			complain(name " calls through a pointer, and contexts.txt does not say whom:" path(node))
		used["calls " name] = 1
		n = split(targets[name], to, " ")
		for (i = 1; i <= n; i++)
			enter_all(to[i], node)
	}
	n = split(calls[node], to, " ")
	for (i = 1; i <= n; i++) {
		name = name_of(to[i])
		if (is_stopped(to[i]))
			;
		else if (to[i] in defined)
			visit(to[i], node)
		else if (is_allowed(name))
			;
		else if (!((name, node) in told)) {
			told[name, node] = 1
			complain(name " is not known to be safe in an NMI, and is called" path(node))
		}
	}
}

function is_stopped(node,  entry) {
	entry = name_of(node) in stop ? name_of(node) : short(node)
	if (entry in stop)
		used["stop " entry] = 1
	return entry in stop
}

# An entry that ends in * is for all symbols that begin so.
function is_allowed(name,  begin) {
	if (name in allow)
		return 1
	for (begin in prefix)
		if (index(name, begin) == 1)
			return 1
	return 0
}

# FILE:NAME, or NAME in all files, or all names that begin so: NAME*.
function enter_all(name, from,  node, begin) {
	begin = name ~ /\*$/ ? substr(name, 1, length(name) - 1) : ""
	for (node in defined)
		if ((name_of(node) == name || short(node) == name ||
		     (begin != "" && index(name_of(node), begin) == 1)) && !is_stopped(node))
			visit(node, from)
}

FILENAME ~ /contexts\.txt$/ {
	if ($0 ~ /^#/ || NF == 0)
		next
	if ($1 == "any" || $1 == "task")
		exported[$2] = $1
	else if ($1 == "calls")
		for (i = 3; i <= NF; i++)
			targets[$2] = targets[$2] " " $i
	else if ($1 == "stop")
		stop[$2] = 1
	else if ($1 == "allow" && $2 ~ /\*$/)
		prefix[substr($2, 1, length($2) - 1)] = 1
	else if ($1 == "allow")
		allow[$2] = 1
	else
		complain("contexts.txt: what is a line of \"" $1 "\"?")
	if (($1 == "stop" || $1 == "allow") && NF < 3)
		complain("contexts.txt: no reason for " $2)
	lines[$1 " " $2] = 1
	next
}

FILENAME ~ /exports\.txt$/ {
	exports[$1] = 1
	next
}

/file format/ { file = file_of($1); next }
/^[0-9a-f]+ [lgw].*F \.text/ {
	name = plain($NF)
	defined[file ":" name] = 1
	if ($2 == "g")
		global[name] = file
	next
}

# Disassembly. Which function an instruction is in, its section tells.
/^Disassembly of section / {
	section = $NF
	sub(/:$/, "", section)
	inside = section ~ /^\.text\./ ? file ":" plain(section) : ""
	next
}
inside == "" { next }
/^ +[0-9a-f]+:\t((cs|ds|bnd|notrack) )*(call|j[a-z]+) / {
	branch = 1
	# Through a register or a field; through pv_ops it is one of the kernel's own.
	pointer = $0 ~ /\t(call|jmp) +\*.*[%(]/ && $0 !~ /%rip/
	if (pointer)
		indirect[inside] = 1
	next
}
/^\t+[0-9a-f]+: R_X86_64_/ {
	if (branch && plain($NF) ~ /^__x86_indirect_thunk/)
		indirect[inside] = 1
	else if (branch && !pointer)
		references[++nr] = inside " " plain($NF)
	next
}
{ branch = 0 }

END {
	for (i = 1; i <= nr; i++) {
		split(references[i], part, " ")
		edge(part[1], resolve(file_of(part[1]), part[2]))
	}
	for (name in exports)
		if (!(name in exported))
			complain(name " is exported: contexts.txt has to say whether it is for any context, or for a task")
	for (name in exported) {
		if (!(name in exports))
			complain("contexts.txt: " name " is not exported")
		else if (exported[name] == "any")
			visit(global[name] ":" name, "")
	}
	for (at = 1; at <= last; at++)
		enter(queue[at])
	for (line in lines)
		if (line ~ /^(calls|stop) / && !(line in used))
			complain("contexts.txt: \"" line "\" is not needed")
	print last " functions can be reached from an NMI" (failed ? "" : ", and all that they call is safe there")
	exit failed || last < 100
}
