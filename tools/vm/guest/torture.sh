# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Lets a client loose on nebula_memory that does everything at once, and mistakes besides, while a
# program does everything to the files in debugfs that can be done to files. The client goes while its
# files are in use, and leaves allocators behind. Run by check.sh on the kernels that have KUnit.

nebula=/sys/kernel/debug/nebula_memory

# Allocations that are made to fail would be reported with a stack, as if they were none of our doing.
load_quietly() {
	insmod ./nebula_memory.ko || return 1
	find "$nebula" -name verbose | while read -r file; do
		echo 0 >"$file" && echo "$file is 0" || return 1
	done
}

# fuzz ARGS...: the knobs that make such reports are kept off.
fuzz() {
	./fuzz -k verbose "$@" "$nebula" >/tmp/fuzz 2>&1
	fuzz_status=$?
	cat /tmp/fuzz
	return $fuzz_status
}

# Caches give up what they have, over and over.
fuzz_under_pressure() {
	(while :; do echo 2 >/proc/sys/vm/drop_caches && sleep 0.1; done) &
	fuzz -n 10000 -s 1
	fuzz_result=$?
	kill $! && wait $!
	return $fuzz_result
}

# What the client printed, without what the kernel puts before it.
printed() {
	dmesg | sed -n 's/^\[[^]]*\]\(\[[^]]*\]\)\{0,1\} nebula_memory_torture: //p'
}

# torture_succeeded N: all clients so far, N of them, ended well.
torture_succeeded() {
	printed >/tmp/printed
	tail -n 20 /tmp/printed
	[ "$(grep -c '^End of torture: SUCCESS$' /tmp/printed)" = "$1" ]
}

# Each row has twelve fields: name, kind, three sizes with their units, and five more.
summary_is_sound() {
	cat "$nebula/summary" >/tmp/summary || return 1
	head -n 8 /tmp/summary
	echo "$(wc -l </tmp/summary) lines"
	head -n 1 /tmp/summary | grep -q '^# nebula summary v1$' &&
		! sed 1,2d /tmp/summary | awk 'NF != 12' | grep .
}

info_is_sound() {
	cat "$nebula/info" >/tmp/info || return 1
	cat /tmp/info
	for key in allocators regions 'region bytes' errors; do
		grep -q "^$key: *[1-9]" /tmp/info || return 1
	done
}

# Files of the client are open, and are read, while it goes.
unload_under_fuzz() {
	./fuzz -k verbose -n 0 -s 3 -o 300 "$nebula" >/tmp/fuzz 2>&1 &
	sleep 3
	rmmod nebula_memory_torture || return 1
	echo 'the client is gone'
	sleep 1
	kill $! || return 1
	wait $!
	fuzz_status=$?
	cat /tmp/fuzz
	return $fuzz_status
}

nothing_left() {
	grep -E '^(allocators|regions|region bytes|system live|system bytes):' "$nebula/info"
	ls "$nebula/allocators" "$nebula/budgets" "$nebula/caches"
	[ -z "$(ls "$nebula/allocators")$(ls "$nebula/budgets")$(ls "$nebula/caches")" ] &&
		[ "$(grep -cE '^(allocators|regions|region bytes|system live|system bytes): *0$' "$nebula/info")" = 5 ]
}

# The newest errors are those of what was left behind, each told of once by the registry.
leaks_were_reported() {
	left=$(printed | sed -n 's/ allocators left behind$//p' | tail -n 1)
	reported=$(grep -c '^   at fault:  owner unloaded' "$nebula/errors")
	grep ': LEAK ' "$nebula/errors"
	echo "$left left behind, $reported reported"
	[ "$left" -ge "$1" ] && [ "$left" = "$reported" ]
}

# leave_behind N: a short life, and N allocators are left. Errors tell of code that is gone then, and
# must not tell where it was.
leave_behind() {
	echo >"$nebula/clear"
	insmod ./nebula_memory_torture.ko threads=3 seed="$1" ms=300 leave="$1" && sleep 1 &&
		rmmod nebula_memory_torture && leaks_were_reported "$1" && nothing_left &&
		fuzz -n 200 -s "$1" -k clear
}

open_file_holds_module() {
	exec 3<"$nebula/info" || return 1
	! rmmod nebula_memory
}

if [ "$nebula_kernel" = debug ]; then
	step 'kmemleak is on' test -e "$nebula_leaks"
	step 'kmemleak forgets what the boot lost' nebula_forget_leaks
fi

step 'load nebula_memory' load_quietly
step 'load nebula_memory_torture' insmod ./nebula_memory_torture.ko threads=3 leave=17
step '10,000 operations on all files, while the kernel wants memory back' fuzz_under_pressure
step 'the summary is sound' summary_is_sound
step 'info is sound' info_is_sound
step 'thousands of files are open at once' fuzz -n 500 -s 2 -o 2000
step 'unload the client while its files are in use' unload_under_fuzz
step 'the client found no fault' torture_succeeded 1
step 'nothing is left' nothing_left
step 'nebula_memory stays while a file of its is open' open_file_holds_module
step 'unload nebula_memory, with what was written to its knobs' rmmod nebula_memory

for leave in 1 17 35; do
	step "load nebula_memory for a client that leaves $leave allocators behind" load_quietly
	step 'a client leaves them behind' leave_behind $leave
	step 'unload nebula_memory' rmmod nebula_memory
done
step 'the clients found no fault' torture_succeeded 4

if [ "$nebula_kernel" = debug ]; then
	step 'nothing leaked' nebula_no_leaks
fi
