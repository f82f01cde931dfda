# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# What KASAN sees of the memory of allocators: the suites touch what they must not, and count reports.
# Run by check.sh on the kernel that has KASAN.

results=/sys/kernel/debug/kunit
nebula=/sys/kernel/debug/nebula_memory

print_results() {
	for file in "$results"/nebula_kasan_*/results; do
		[ -e "$file" ] || return 1
		suite=${file%/results}
		nebula_say "kunit ${suite##*/}"
		nebula_relay <"$file"
		nebula_say 'kunit-end'
	done
}

nothing_is_left() {
	grep -E '^(allocators|regions|region bytes):' "$nebula/info"
	[ "$(grep -cE '^(allocators|regions|region bytes): *0$' "$nebula/info")" = 3 ]
}

only_the_lost_one_is_found() {
	cat "$nebula_leaks"
	[ "$(grep -c '^unreferenced object' "$nebula_leaks")" = 1 ] && grep -q ' holder_lose' "$nebula_leaks"
}

look_for_leaks() {
	sleep 6
	echo scan >"$nebula_leaks" && sleep 1 && echo scan >"$nebula_leaks"
}

step 'kmemleak forgets what the boot lost' nebula_forget_leaks
step 'load nebula_memory' insmod ./nebula_memory.ko
step 'load a client whose pointers lie in our memory alone' insmod ./nebula_memory_holder.ko
step_expect 'kmemleak: 1 new suspected memory leaks' 'look for leaks' look_for_leaks
step 'kmemleak finds what was lost, and only that' only_the_lost_one_is_found
step 'unload the client' rmmod nebula_memory_holder
step 'kmemleak forgets what was lost' nebula_forget_leaks
# The reports of these two functions are counted by the suites, and one lock is freed while it is held;
# any other is a fault.
step_expect 'BUG: KASAN: [a-z-]+ in kasan_touch_(read|write)[+.]|WARNING: held lock freed!' \
	'load nebula_memory_kasan, which touches what it must not' insmod ./nebula_memory_kasan.ko
step 'the suites left results' print_results
step 'unload nebula_memory_kasan' rmmod nebula_memory_kasan
step 'nothing is left' nothing_is_left
step 'unload nebula_memory' rmmod nebula_memory
step 'nothing leaked' nebula_no_leaks
