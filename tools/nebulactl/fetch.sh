#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Takes the files out of a guest's log that its steps put there with nebula_give: DIR/NAME for each.
#
#   tools/nebulactl/fetch.sh LOG DIR
set -euo pipefail

[ $# -eq 2 ] || {
	echo 'usage: tools/nebulactl/fetch.sh LOG DIR' >&2
	exit 2
}
mkdir -p "$2"
# A line of the log is "[ time][ thread] [nebula] > text"; a file ends with another line of a step.
tr -d '\r' <"$1" | awk -v dir="$2" '
	function close_file() {
		if (name != "")
			close(command)
		name = ""
	}
	{
		at = index($0, "[nebula] ")
		if (!at)
			next
		line = substr($0, at + 9)
	}
	line ~ /^give [A-Za-z0-9_][A-Za-z0-9_.-]*$/ {
		close_file()
		name = substr(line, 6)
		command = "base64 -d | gunzip >\"" dir "/" name "\""
		print dir "/" name
		next
	}
	line !~ /^> / { close_file(); next }
	name != "" && line ~ /^> [A-Za-z0-9+\/=]+$/ { print substr(line, 3) | command }
	END { close_file() }
'
