# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Lets the torture client loose for $nebula_seconds, with $nebula_seed. Run by check-full.sh.

nebula=/sys/kernel/debug/nebula_memory

# What the client printed, without what the kernel puts before it.
printed() {
	dmesg | sed -n 's/^\[[^]]*\]\(\[[^]]*\]\)\{0,1\} nebula_memory_torture: //p'
}

# Allocations that are made to fail would be reported with a stack, as if they were none of our doing.
load_quietly() {
	insmod ./nebula_memory.ko || return 1
	find "$nebula" -name verbose | while read -r file; do
		echo 0 >"$file" || return 1
	done
}

# A line now and then, so that the log shows that it goes on.
let_it_run() {
	left=$nebula_seconds
	while [ "$left" -gt 0 ]; do
		sleep 10
		left=$((left - 10))
		echo "$left s to go"
	done
}

# It says how it ended when it goes.
client_found_no_fault() {
	printed | tail -n 20
	printed | grep -q '^End of torture: SUCCESS$'
}

nothing_left() {
	cat "$nebula/info"
	[ "$(grep -cE '^(allocators|regions|region bytes): *0$' "$nebula/info")" = 3 ]
}

if [ "$nebula_kernel" = debug ]; then
	step 'kmemleak is on' test -e "$nebula_leaks"
	step 'kmemleak forgets what the boot lost' nebula_forget_leaks
fi

step 'load nebula_memory' load_quietly
step "load nebula_memory_torture, seed $nebula_seed" insmod ./nebula_memory_torture.ko \
	threads=4 seed="$nebula_seed"
step "torture for $nebula_seconds s" let_it_run
step 'unload the client' rmmod nebula_memory_torture
step 'the client found no fault' client_found_no_fault
step 'nothing is left' nothing_left
step 'unload nebula_memory' rmmod nebula_memory

if [ "$nebula_kernel" = debug ]; then
	step 'nothing leaked' nebula_no_leaks
fi
