# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Locks the kernel down, as Secure Boot does, and reads every file of nebula_memory with allocators of
# all kinds in it: everything can still be read, and nothing can be written. Run by check.sh.
#
# The kernel is locked down once the modules are loaded: after that it takes only modules that its
# vendor signed. debugfs asks for each file that is opened, so this is what a file meets later, too.

nebula=/sys/kernel/debug/nebula_memory
lockdown=/sys/kernel/security/lockdown

# Allocators of all kinds.
load_clients() {
	insmod ./nebula_demo.ko && insmod ./nebula_sample_scratch.ko &&
		insmod ./nebula_sample_custom_allocator.ko || return 1
	sed -n '3,$s/^[^ ]* *\([a-z]*\) .*/\1/p' "$nebula/summary" | sort -u >/tmp/kinds
	cat "$nebula/summary"
	for kind in bump pool stack scratch custom fallback; do
		grep -q "^$kind$" /tmp/kinds || return 1
	done
}

# Knobs are set, so that info has something to show.
set_knobs() {
	echo 3 >"$nebula/allocators/conn/cache_depth" || return 1
	(cd "$nebula/fail_alloc" && echo conn >./names && echo 7 >./times && echo 5 >./interval &&
		echo 4096 >./space && echo 0 >./verbose)
}

lock_down() {
	echo "$1" >"$lockdown"
	cat "$lockdown"
	grep "\[$1\]" "$lockdown"
}

# The name that a file begins with: its own, or of a budget's or cache's file the kind.
name_of() {
	case $1 in
	*/budgets/*) echo budget ;;
	*/caches/*) echo cache ;;
	*) echo "${1##*/}" ;;
	esac
}

# All but actions and knobs is read, and begins with its name.
all_is_read() {
	find "$nebula" -type f ! -perm 200 ! -perm 600 >/tmp/files
	while read -r file; do
		cat "$file" >/tmp/text || return 1
		head -n 1 /tmp/text
		head -n 1 /tmp/text | grep -q "^# nebula $(name_of "$file") v1$" || return 1
	done </tmp/files
	wc -l </tmp/files
	for name in info summary errors allocators/conn/info allocators/conn/stats allocators/conn/errors \
		allocators/conn/live allocators/conn/map allocators/conn/validate; do
		grep "^$nebula/$name$" /tmp/files || return 1
	done
}

# The values of knobs, which cannot be opened, are where they can be read.
knobs_are_shown() {
	for knob in allocators/conn/cache_depth fail_alloc/probability; do
		! { cat "$nebula/$knob"; } 2>&1 || return 1
	done
	grep '^cache depth: *3$' "$nebula/allocators/conn/info" || return 1
	for value in 'probability: *0' 'interval: *5' 'times: *7' 'space: *4096' 'verbose: *0' 'names: *conn'; do
		grep "^fail $value$" "$nebula/info" || return 1
	done
}

# As for all of debugfs; root may open a file of any mode.
nothing_is_written() {
	find "$nebula" -type f >/tmp/files
	while read -r file; do
		! { echo 1 >"$file"; } 2>/dev/null || {
			echo "$file was written to"
			return 1
		}
	done </tmp/files
}

unload_clients() {
	rmmod nebula_sample_custom_allocator && rmmod nebula_sample_scratch && rmmod nebula_demo &&
		[ -z "$(ls "$nebula/allocators")" ]
}

step 'the kernel can be locked down' mount -t securityfs securityfs /sys/kernel/security
step 'load nebula_memory' insmod ./nebula_memory.ko
step 'load clients with allocators of all kinds' load_clients
step 'set the knobs' set_knobs
for how in integrity confidentiality; do
	step "lock down for $how" lock_down $how
	step 'all files are read' all_is_read
	step 'the values of knobs are shown' knobs_are_shown
	step 'nothing is written' nothing_is_written
done
step 'unload the clients' unload_clients
step 'unload nebula_memory' rmmod nebula_memory
