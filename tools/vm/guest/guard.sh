# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Sampled guard pages on the distribution's kernel: it faults at the very instruction that writes where it must
# not, and the log says whose object it was. Run by check.sh.

parameter=/sys/module/nebula_memory/parameters/guard_sample
name=/sys/kernel/debug/nebula_sample_guard_page/name

# do_it HOW: as the sample's file says. The task that does wrong is killed.
do_right() {
	for _ in 1 2 3 4 5 6 7 8; do
		echo right >"$name" || return 1
	done
}

do_wrong() {
	! sh -c "echo $1 >$name"
}

# log_has LINE...: each is a part of a line, and they come in this order.
log_has() {
	dmesg >/tmp/log
	for line; do
		grep -nF "$line" /tmp/log | tail -n 1
		grep -qF "$line" /tmp/log || {
			echo "the log has no line with: $line"
			return 1
		}
	done
}

set_parameter() {
	echo "$1" >"$parameter" && [ "$(cat "$parameter")" = "$1" ]
}

failures_are() {
	cat /sys/kernel/debug/nebula_memory/allocators/conn/errors
	[ "$(grep -c "$1" /sys/kernel/debug/nebula_memory/allocators/conn/errors)" = "$2" ]
}

step 'load nebula_memory' insmod ./nebula_memory.ko
step 'load a client' insmod ./nebula_sample_guard_page.ko
step 'without pages what is right goes on' do_right
step 'each object of the client gets a page' set_parameter 1,conn
step 'what is right goes on' do_right
step 'nothing is reported' failures_are CORRUPTION 0
step 'what is no number is refused' sh -c "! echo many >$parameter"
step 'the parameter is as it was' test "$(cat $parameter)" = 1,conn
step_expect 'unable to handle page fault|Oops' 'a write behind an object' do_wrong over
step 'the log says whose, and where it was allocated' \
	log_has 'an object of 40 bytes' 'allocated by pid' 'name_write+'
step_expect 'unable to handle page fault|Oops' 'a write to an object that was freed' do_wrong after
step 'the log says where it was freed, too' \
	log_has 'bytes into an object of 40 bytes' 'it is a use after free' 'freed by pid'
step 'the record of both' failures_are USE_AFTER_FREE 1
step 'what is right goes on after that' do_right
