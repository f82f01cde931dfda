# shellcheck shell=dash
# Runs all KUnit suites, prints their results for the verdict, and sees that nothing is left behind.
# Run by `make kunit` on the kernels that have KUnit.

results=/sys/kernel/debug/kunit
leaks=/sys/kernel/debug/kmemleak

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
step 'unload nebula_memory_kunit' rmmod nebula_memory_kunit
step 'nobody holds nebula_memory' references nebula_memory 0
step 'unload nebula_memory' rmmod nebula_memory

if [ "$nebula_kernel" = debug ]; then
	step 'nothing leaked' no_leaks
fi
