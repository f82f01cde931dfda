# SPDX-License-Identifier: GPL-2.0-only
# Makes module/error/CODES.md, a section for each error code, out of the table in codes.c after the preprocessor, for
# which codes.sh has defined the macros of the table anew: see there.

BEGIN {
	RS = "@"
	# What tells rows apart that say the same.
	more["FULL_BUFFER"] = "on a caller's buffer"
	more["GROWTH"] = "by itself"
	more["GROW"] = "on request"
	print "<!-- written by make docs out of codes.c -->"
	print "# What to do about an error"
	print ""
	print "Each record says what to do, chosen by the state of the allocator; this is all it may say. Words in braces stand"
	print "for what the record knows: sizes, limits, names. The record itself is in the kernel log, in"
	print "`/sys/kernel/debug/nebula_memory/errors` and `allocators/NAME/errors`, and in what `nebula_last_error()` returns."
}

{ gsub(/[ \t\n]+/, " ") }

$1 == "CODE" { name = text_of($0); next }
$1 == "ERRNO" { errno = $2; next }
$1 == "MESSAGE" {
	message = text_of($0)
	if (name != "OK")
		printf "\n## %s\n`-%s`: %s.\n\n| when | what to do |\n|---|---|\n", name, errno, message
	next
}
$1 == "ROW" {
	kind = /NEBULA_KIND_/ ? tolower(after("NEBULA_KIND_")) : ""
	if (after("NEBULA_D_") in more)
		kind = more[after("NEBULA_D_")]
	next
}
$1 == "STATE" { state = / NULL /  && !/"/ ? "" : text_of($0); next }
$1 == "ITEMS" {
	if (name == "OK")
		next
	printf "| %s%s | %s |\n", state == "" ? message : state, kind == "" ? "" : " (" kind ")", list_of($0)
	kind = ""
}

function after(prefix,    s) {
	if (!index($0, prefix))
		return ""
	s = substr($0, index($0, prefix) + length(prefix))
	sub(/[^A-Z_].*/, "", s)
	return s
}

# Adjacent string literals as one.
function text_of(s,    t) {
	t = ""
	while (match(s, /"([^"\\]|\\.)*"/)) {
		t = t substr(s, RSTART + 1, RLENGTH - 2)
		s = substr(s, RSTART + RLENGTH)
	}
	return escape(t)
}

function escape(t) {
	gsub(/\\"/, "\"", t)
	gsub(/\|/, "\\|", t)
	gsub(/</, "\\<", t)
	gsub(/\*/, "\\*", t)
	gsub(/\{raise\}/, "make it larger: the record names the field and the value", t)
	return t
}

# Literals with a comma between them, one below the other.
function list_of(s,    t, n, gap, begun) {
	t = ""
	while (match(s, /"([^"\\]|\\.)*"/)) {
		gap = substr(s, 1, RSTART - 1)
		if (begun && gap ~ /,/)
			t = t "<br>"
		t = t escape(substr(s, RSTART + 1, RLENGTH - 2))
		begun = 1
		s = substr(s, RSTART + RLENGTH)
	}
	return t
}
