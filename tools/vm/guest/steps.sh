# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# The vocabulary of a guest script, and the lines that verdict.awk reads. Sourced by init.
#
#   step TITLE COMMAND [ARGS...]                  passes when the command's status is 0
#   step_expect PATTERN TITLE COMMAND [ARGS...]   the same, and the kernel must print a report (BUG:,
#                                                 WARNING: ...) that matches the extended regular
#                                                 expression PATTERN, and no other
#   show FILE                                     prints a file under its name
#   nebula_copy DIR FILE                          a tar file of what the files of debugfs in DIR say now
#   nebula_give FILE                              puts a file into the log, for tools/nebulactl/fetch.sh;
#                                                 it is not shown
#   nebula_forget_leaks, nebula_no_leaks          commands for steps where $nebula_leaks is
#
# Everything goes through the kernel's own log, line by line, so that what the kernel prints and
# what a step prints stay in the order in which they happened and never cut each other's lines. A
# step's command runs in a pipe: it cannot set variables of the script, and what it leaves running
# in the background must not keep its output open.

exec 9>/dev/kmsg
nebula_passed=0
nebula_failed=0

nebula_say() {
	printf '[nebula] %s\n' "$*" >&9
}

# Turns standard input into log lines; the log takes less than 1024 bytes at a time.
nebula_relay() {
	while IFS= read -r line || [ -n "$line" ]; do
		while [ ${#line} -gt 400 ]; do
			nebula_say "| ${line:0:400}"
			line=${line:400}
		done
		nebula_say "| $line"
	done
}

nebula_step() {
	set -o pipefail
	if "$@" 2>&1 </dev/null | nebula_relay; then
		nebula_passed=$((nebula_passed + 1))
		nebula_say "ok   $nebula_title"
	else
		nebula_failed=$((nebula_failed + 1))
		nebula_say "FAIL $nebula_title"
	fi
}

step() {
	nebula_title=$1
	shift
	nebula_say "begin $nebula_title"
	nebula_step "$@"
}

step_expect() {
	nebula_pattern=$1 nebula_title=$2
	shift 2
	nebula_say "begin $nebula_title"
	nebula_say "expect $nebula_pattern"
	nebula_step "$@"
}

show() {
	nebula_say "show $1"
	nebula_relay <"$1"
}

# Files of debugfs have no size until they are read, so tar gets copies.
nebula_copy() {
	rm -rf /tmp/copy
	(cd "$1" && find . -type d) | while read -r dir; do
		mkdir -p "/tmp/copy/$dir"
	done
	# What cannot be read only does something.
	(cd "$1" && find . -type f ! -perm 0200) | while read -r file; do
		cat "$1/$file" >"/tmp/copy/$file"
	done
	tar c -C /tmp/copy -f "$2" .
}

nebula_give() {
	nebula_say "give ${1##*/}"
	gzip -c "$1" | base64 | while IFS= read -r line; do
		nebula_say "> $line"
	done
}

# What the kernel's detector of memory leaks says, where there is one.
nebula_leaks=/sys/kernel/debug/kmemleak

# What the boot lost is not ours.
nebula_forget_leaks() {
	echo scan >"$nebula_leaks" && echo clear >"$nebula_leaks"
}

# The detector reports only what is older than five seconds, and only what two scans agree on.
nebula_no_leaks() {
	sleep 6
	echo scan >"$nebula_leaks"
	sleep 1
	echo scan >"$nebula_leaks"
	cat "$nebula_leaks"
	[ -z "$(cat "$nebula_leaks")" ]
}
