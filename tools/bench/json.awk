# SPDX-License-Identifier: GPL-2.0-only
# Reads bench.json, which has a row a line, and numbers of any kind as text. Used with the programs
# that read it: awk -f json.awk -f PROGRAM.

# json_get(LINE, KEY): the value of KEY in LINE, without quotes; empty when it is null or not there.
function json_get(line, key,    at) {
	at = index(line, "\"" key "\": ")
	if (!at)
		return ""
	line = substr(line, at + length(key) + 4)
	if (substr(line, 1, 1) == "\"") {
		line = substr(line, 2)
		return substr(line, 1, index(line, "\"") - 1)
	}
	sub(/[],}].*/, "", line)
	sub(/^\[/, "", line)
	return line == "null" ? "" : line
}

function is_row(line) {
	return line ~ /^ *\{"name": /
}
