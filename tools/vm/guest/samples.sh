# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Runs each sample and compares what it prints with what is expected, and sees that it leaves nothing
# behind. Run by `make samples`, which puts the directory expected beside this script.
#
# expected/NAME.txt has the lines that nebula_sample_NAME prints while it is loaded, without the
# module's name, and after them a line for each kind of error that it had recorded, how often. A line
# that begins with a tilde is an extended regular expression, for figures that vary.

nebula=/sys/kernel/debug/nebula_memory

# printed NAME: what the module nebula_sample_NAME printed, whatever the kernel puts before it.
printed() {
	dmesg | sed -n "s/^\[[^]]*\]\(\[[^]]*\]\)\{0,1\} nebula_sample_$1: //p"
}

# Errors of this sample, by allocator and code; a report begins with the time, and says below that how
# often it was repeated.
recorded() {
	awk '
		/^\[/ {
			sub(/^\[[^]]*\] /, "")
			error = $1 " " $2
			count[error]++
		}
		/^   repeated / { count[error] += $2 }
		END {
			for (error in count)
				print "recorded: " error ", " count[error]
		}
	' "$nebula/errors" | sort
}

# compare EXPECTED FILE: says where they differ.
compare() {
	awk '
		FILENAME == ARGV[1] { expected[++count] = $0; next }
		FNR <= count && expected[FNR] == $0 { next }
		FNR <= count && expected[FNR] ~ /^~/ && $0 ~ "^" substr(expected[FNR], 2) "$" { next }
		{ print "line " FNR " is not as expected: " $0; different = 1 }
		FNR <= count { print "  expected: " expected[FNR] }
		END {
			for (lines = NR - count; lines < count; different = 1)
				print "missing: " expected[++lines]
			exit different
		}
	' "$1" "$2"
}

run_sample() {
	echo >"$nebula/clear"
	insmod "./nebula_sample_$1.ko" && rmmod "nebula_sample_$1" || return 1
	{
		printed "$1"
		recorded
	} >/tmp/output
	cat /tmp/output
	compare "expected/$1.txt" /tmp/output
}

# What was in use before the first sample was loaded.
totals() {
	grep -E '^(allocators|regions|region bytes|system live|system bytes):' "$nebula/info"
}

nothing_left() {
	! grep LEAK "$nebula/errors" || return 1
	for dir in allocators budgets caches; do
		ls "$nebula/$dir"
		[ -z "$(ls "$nebula/$dir")" ] || return 1
	done
	totals >/tmp/totals.after
	cmp /tmp/totals /tmp/totals.after || {
		cat /tmp/totals.after
		return 1
	}
}

# A sample without an expected output would never run. What scratch prints depends on which context
# it interrupts: it is a part of the demo. guard_page prints addresses: guard.sh runs it.
all_are_expected() {
	missing=0
	for file in nebula_sample_*.ko; do
		name=${file#nebula_sample_} name=${name%.ko}
		[ "$name" = scratch ] || [ "$name" = guard_page ] || [ -e "expected/$name.txt" ] || {
			echo "expected/$name.txt is missing"
			missing=1
		}
	done
	return $missing
}

# The sample basic keeps a pool, an arena and a stack while it is loaded: the switches of this boot apply.
init_on_alloc_applies() {
	switched=0
	! dmesg | grep 'mem auto-init:.*heap alloc:on' || switched=3
	insmod ./nebula_sample_basic.ko || return 1
	found=$(cat "$nebula"/allocators/*/info | grep -c '^init: *on_alloc')
	rmmod nebula_sample_basic
	echo "init_on_alloc applies to $found of 3, and should to $switched"
	[ "$found" -eq "$switched" ]
}

step 'load nebula_memory' insmod ./nebula_memory.ko
step 'it is known what each sample prints' all_are_expected
totals >/tmp/totals
for file in expected/*.txt; do
	name=${file#expected/} name=${name%.txt}
	step "$name" run_sample "$name"
	step "$name left nothing behind" nothing_left
done
step 'init_on_alloc of the kernel applies' init_on_alloc_applies
step 'unload nebula_memory' rmmod nebula_memory
