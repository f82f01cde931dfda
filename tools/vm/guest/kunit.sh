# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Runs all KUnit suites, prints their results for the verdict, and sees that nothing is left behind.
# Run by `make kunit` on the kernels that have KUnit.

results=/sys/kernel/debug/kunit
nebula=/sys/kernel/debug/nebula_memory

# Every results file of a suite that is there, between the marks that verdict.awk knows.
print_results() {
	for file in "$results"/*/results; do
		[ -e "$file" ] || return 1
		suite=${file%/results}
		nebula_say "kunit ${suite##*/}"
		nebula_relay <"$file"
		nebula_say 'kunit-end'
	done
}

references() {
	[ "$(cat "/sys/module/$1/refcnt")" -eq "$2" ] || {
		lsmod
		return 1
	}
}

# rubbish FILE BYTES: one write of random bytes.
rubbish() {
	dd if=/dev/urandom of="$1" bs="$2" count=1 2>/dev/null
}

# Only some files can be written to: whatever is written clears errors, or begins a new peak.
rubbish_does_no_harm() {
	for file in info summary errors allocators/left-behind/info allocators/left-behind/stats; do
		! rubbish "$nebula/$file" 100 || return 1
		head -n 1 "$nebula/$file" | grep -q "^# nebula ${file##*/} v1$" || return 1
	done
	for size in 1 4096 1000000; do
		rubbish "$nebula/clear" "$size" || return 1
		rubbish "$nebula/allocators/left-behind/reset_peak" "$size" || return 1
	done
	# That of an allocator with an owner is the owner's to begin.
	! rubbish "$nebula/allocators/left-bump/reset_peak" 100 || return 1
	! rubbish "$nebula/fail_alloc/names" 200 || return 1
	[ "$(wc -l <"$nebula/errors")" -eq 1 ]
}

# Read in pieces of any size, at any offset, a file is the same.
pieces_fit_together() {
	sed '/^age:/d' "$nebula/allocators/left-behind/info" >/tmp/whole
	for size in 1 7 4096 100000; do
		dd if="$nebula/allocators/left-behind/info" bs="$size" 2>/dev/null |
			sed '/^age:/d' | cmp - /tmp/whole || return 1
	done
	[ -z "$(dd if="$nebula/info" bs=1 skip=100000 2>/dev/null)" ]
}

# What is read is 0400, what only acts is 0200, and only knobs can be both read and written.
modes_are_private() {
	[ "$(find "$nebula" -type d -exec stat -c %a {} + | sort -u)" = 700 ] &&
		[ "$(find "$nebula" -type f \( -name clear -o -name reset_peak \) -exec stat -c %a {} + | sort -u)" = 200 ] &&
		[ "$(find "$nebula" -type f \( -name cache_depth -o -path '*/fail_alloc/*' \) -exec stat -c %a {} + | sort -u)" = 600 ] &&
		[ -z "$(find "$nebula" -type f ! -name clear ! -name reset_peak ! -name cache_depth \
			! -path '*/fail_alloc/*' ! -perm 400)" ]
}

# Some allocators were left behind on purpose, see kunit/core/owner_kunit.c. What is read has no address of
# a module that has gone, but what it was called.
leaks_were_reported() {
	for name in left-behind left-bump left-stack left-adopted left-lending; do
		grep "$name: LEAK" "$nebula/errors" || return 1
	done
	grep -A 4 'left-adopted: LEAK' "$nebula/errors" | grep 'at fault:  owner unloaded, kept for others' &&
		grep 'error notifier left behind' "$nebula/errors" &&
		grep 'at fault:  3 objects live' "$nebula/errors" &&
		grep 'allocated: owner_leaves_tracked_objects_behind.*\[nebula_memory_kunit\]' "$nebula/errors" &&
		grep 'created:   owner_leaves_one_behind.*\[nebula_memory_kunit\]' "$nebula/errors" &&
		! grep -i '0x[0-9a-f]\{6\}\|ffff[0-9a-f]\{8\}' "$nebula/errors"
}

# allocators_are NAME...: these, in the order of their names, and no others.
allocators_are() {
	(cd "$nebula/allocators" && printf '%s\n' *) >/tmp/names
	cat /tmp/names
	printf '%s\n' "$@" | cmp - /tmp/names
}

orphans_are_kept() {
	allocators_are left-adopted left-lending neighbour &&
		grep '^left-adopted .*(orphan)$' "$nebula/summary" &&
		grep '^left-lending .*(orphan)$' "$nebula/summary" &&
		cat "$nebula/allocators/left-lending/live" "$nebula/allocators/left-lending/info" \
			"$nebula/allocators/neighbour/map"
}

want_memory_back() {
	echo 3 >/proc/sys/vm/drop_caches && sleep 1 && echo 3 >/proc/sys/vm/drop_caches
}

nothing_is_left() {
	allocators_are '*' &&
		grep '^regions: *0$' "$nebula/info" &&
		grep '^region bytes: *0$' "$nebula/info" &&
		dmesg | grep 'neighbour: the adopted pool serves' &&
		dmesg | grep 'neighbour: the borrowed block is whole'
}

# The number is a part of a symbol's name, so another one is put into a client in its place.
other_abi_is_refused() {
	abi=$(sed -n 's/^abi: *//p' "$nebula/info")
	other=${abi%?}$(((abi + 1) % 10))
	sed "s/nebula_abi_$abi/nebula_abi_$other/" nebula_memory_neighbour.ko >/tmp/other.ko
	! cmp -s nebula_memory_neighbour.ko /tmp/other.ko && ! insmod /tmp/other.ko &&
		dmesg | grep "nebula_memory_neighbour: Unknown symbol nebula_abi_$other " &&
		! grep '^nebula_memory_neighbour ' /proc/modules
}

if [ "$nebula_kernel" = debug ]; then
	step 'kmemleak is on' test -e "$nebula_leaks"
	step 'kmemleak forgets what the boot lost' nebula_forget_leaks
fi

# Many suites know the layout of memory to the byte, and some write where they must not on purpose;
# kasan.sh is about that.
nebula_kasan=''
[ "$nebula_kernel" != debug ] || nebula_kasan=kasan=0

# shellcheck disable=SC2086 # an argument, or none
step 'load nebula_memory' insmod ./nebula_memory.ko $nebula_kasan
step 'a client of another ABI does not load' other_abi_is_refused
step 'load nebula_memory_neighbour' insmod ./nebula_memory_neighbour.ko
step 'load nebula_memory_kunit, which runs the suites' insmod ./nebula_memory_kunit.ko
step 'the suites left results' print_results
step 'only the suites and their neighbour hold nebula_memory' references nebula_memory 2
step 'debugfs is for root alone' modes_are_private
step 'rubbish written to debugfs does no harm' rubbish_does_no_harm
step 'debugfs reads the same in pieces of any size' pieces_fit_together
step 'unload nebula_memory_kunit' rmmod nebula_memory_kunit
step 'what the suites left behind was reported' leaks_were_reported
step 'what the neighbour needs was kept' orphans_are_kept
step 'unload nebula_memory_neighbour' rmmod nebula_memory_neighbour
step 'nothing is left' nothing_is_left
step 'nobody holds nebula_memory' references nebula_memory 0
step 'unload nebula_memory' rmmod nebula_memory
step 'what the kernel calls when it wants memory back has gone, too' want_memory_back

if [ "$nebula_kernel" = debug ]; then
	step 'nothing leaked' nebula_no_leaks
fi
