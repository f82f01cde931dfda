# shellcheck shell=dash
# Runs all KUnit suites, prints their results for the verdict, and sees that nothing is left behind.
# Run by `make kunit` on the kernels that have KUnit.

results=/sys/kernel/debug/kunit
leaks=/sys/kernel/debug/kmemleak
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

# Only errors can be written to, and whatever is written clears it.
rubbish_does_no_harm() {
	for file in info summary allocators/left-behind/info allocators/left-behind/stats; do
		! rubbish "$nebula/$file" 100 || return 1
		head -n 1 "$nebula/$file" | grep -q "^# nebula ${file##*/} v1$" || return 1
	done
	for size in 1 4096 1000000; do
		rubbish "$nebula/errors" "$size" || return 1
	done
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

modes_are_private() {
	[ "$(stat -c %a "$nebula" "$nebula/allocators/left-behind" | sort -u)" = 700 ] &&
		[ "$(stat -c %a "$nebula/info" "$nebula/allocators/left-behind/stats" | sort -u)" = 400 ] &&
		[ "$(stat -c %a "$nebula/errors")" = 600 ]
}

# One allocator was left behind on purpose, see kunit/owner_kunit.c.
leak_was_reported() {
	grep 'left-behind: LEAK' "$nebula/errors" &&
		[ -z "$(ls "$nebula/allocators")" ] &&
		grep '^regions: *0$' "$nebula/info" &&
		grep '^region bytes: *0$' "$nebula/info"
}

# What the boot lost is not ours.
forget_leaks() {
	echo scan >"$leaks" && echo clear >"$leaks"
}

# The detector reports only what is older than five seconds, and only what two scans agree on.
no_leaks() {
	sleep 6
	echo scan >"$leaks"
	sleep 1
	echo scan >"$leaks"
	cat "$leaks"
	[ -z "$(cat "$leaks")" ]
}

if [ "$nebula_kernel" = debug ]; then
	step 'kmemleak is on' test -e "$leaks"
	step 'kmemleak forgets what the boot lost' forget_leaks
fi

step 'load nebula_memory' insmod ./nebula_memory.ko
step 'load nebula_memory_kunit, which runs the suites' insmod ./nebula_memory_kunit.ko
step 'the suites left results' print_results
step 'only the suites hold nebula_memory' references nebula_memory 1
step 'debugfs is for root alone' modes_are_private
step 'rubbish written to debugfs does no harm' rubbish_does_no_harm
step 'debugfs reads the same in pieces of any size' pieces_fit_together
step 'unload nebula_memory_kunit' rmmod nebula_memory_kunit
step 'what the suites left behind was reported and taken back' leak_was_reported
step 'nobody holds nebula_memory' references nebula_memory 0
step 'unload nebula_memory' rmmod nebula_memory

if [ "$nebula_kernel" = debug ]; then
	step 'nothing leaked' no_leaks
fi
