# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Runs what every kernel must: each sample, with its output compared, and a torture of all kinds with
# mistakes in it. Run by `make matrix`, which puts samples.sh and the directory expected beside it.

# What the client printed, without what the kernel puts before it.
torture_printed() {
	dmesg | sed -n 's/^\[[^]]*\]\(\[[^]]*\]\)\{0,1\} nebula_memory_torture: //p'
}

# torture MILLISECONDS: its threads end by themselves, and the last line says how it went.
torture() {
	insmod ./nebula_memory_torture.ko threads=4 seed=7 ms="$1" || return 1
	sleep $(($1 / 1000 + 1))
	rmmod nebula_memory_torture || return 1
	torture_printed | tail -n 20
	[ "$(torture_printed | grep -c '^End of torture: SUCCESS$')" = 1 ]
}

# A value out of range is clamped and says so, and what is no number is refused.
cache_depth_is_checked() {
	depth=/sys/module/nebula_memory/parameters/cache_depth
	before=$(cat $depth)
	echo 1000 >$depth || return 1
	cat $depth
	[ "$(cat $depth)" = 256 ] || return 1
	dmesg | grep 'cache_depth=1000: a CPU holds at most 256 blocks' || return 1
	if echo many >$depth; then
		return 1
	fi
	[ "$(cat $depth)" = 256 ] && echo "$before" >$depth
}

# The torture leaves reports behind, of mistakes that it makes on purpose, and nothing else.
torture_left_nothing() {
	totals
	for dir in allocators budgets caches; do
		ls "$nebula/$dir"
		[ -z "$(ls "$nebula/$dir")" ] || return 1
	done
	[ "$(totals | grep -c ': *0$')" = 5 ]
}

machine() {
	uname -a
	echo "pages of $(getconf PAGESIZE 2>/dev/null || awk '/^KernelPageSize/ { print $2 * 1024; exit }' /proc/self/smaps) bytes"
}

step 'what it runs on' machine
. ./samples.sh
step 'load nebula_memory again' insmod ./nebula_memory.ko
step 'the module parameter cache_depth is checked' cache_depth_is_checked
step 'torture' torture 5000
step 'nothing is left' torture_left_nothing
step 'unload nebula_memory again' rmmod nebula_memory
