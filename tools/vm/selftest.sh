#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Whether the harness itself can be trusted: judges made-up logs, and watches made-up guests. Takes
# seconds and needs no kernel. Called by check.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/kernels.sh"
# shellcheck source=tools/vm/boot.sh
. "$here/boot.sh"
# shellcheck source=tools/vm/verdict.sh
. "$here/verdict.sh"

passed=0 failed=0
work=$(mktemp -d "${TMPDIR:-/tmp}/nebula-memory.XXXXXX")
trap 'boot_end; rm -rf "$work"' EXIT

# outcome TITLE STATUS: counts one test.
outcome() {
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf '  FAIL %s\n' "$1"
		sed 's/^/       /' "$work/judgement" 2>/dev/null || true
	fi
}

# log_of LINES...: a guest's log around LINES, as a serial console gives it. A line that starts with
# '+' is the guest's, others are the kernel's.
log_of() {
	local line time=1
	printf '[    0.500000] WARNING: the boot is not ours to judge\r\n' >"$work/log"
	for line in '+init on 7.2.0, 2 CPUs' "$@"; do
		time=$((time + 1))
		case $line in
		+*) printf '[%5d.000000] [nebula] %s\r\n' "$time" "${line#+}" ;;
		*) printf '[%5d.000000] %s\r\n' "$time" "$line" ;;
		esac
	done >>"$work/log"
}

# judge RESULT TITLE EXPECTED END STATUS LINES...: RESULT is good or bad, EXPECTED a regular
# expression that the printed judgement must match.
judge() {
	local result=$1 title=$2 expected=$3 end=$4 status=$5 judged=good
	shift 5
	log_of "$@"
	verdict "$work/log" "$end" "$status" 60 >"$work/judgement" 2>&1 || judged=bad
	if [ "$judged" = "$result" ] && grep -qE "$expected" "$work/judgement"; then
		outcome "$title" 0
	else
		printf 'judged %s, expected %s and /%s/\n' "$judged" "$result" "$expected" >>"$work/judgement"
		outcome "$title" 1
	fi
}

off='reboot: Power down'

test_steps() {
	judge good 'a good run' '^2 passed, 0 failed$' exited 0 \
		'+begin a' '+ok   a' '+begin b' '+| text' '+ok   b' '+verdict: 2 passed, 0 failed' "$off"
	judge bad 'a failed step, with what it printed' 'why it failed' exited 0 \
		'+begin a' '+| why it failed' '+FAIL a' '+verdict: 0 passed, 1 failed' "$off"
	judge bad 'no verdict line' 'without its verdict line.*in step: a' exited 0 '+begin a'
	judge bad 'no step at all' 'ran no step' exited 0 '+verdict: 0 passed, 0 failed' "$off"
	judge bad 'steps missing from the log' 'shows 1 passed' exited 0 \
		'+begin a' '+ok   a' '+verdict: 2 passed, 0 failed' "$off"
	judge bad 'messages lost from the log' 'has a gap' exited 0 \
		'+begin a' '** 12 printk messages dropped **' '+ok   a' '+verdict: 1 passed, 0 failed' "$off"
	judge bad 'a guest that starts again' 'started twice' exited 0 \
		'+begin a' '+init on 7.2.0, 2 CPUs' '+ok   a' '+verdict: 1 passed, 0 failed' "$off"
}

test_ends() {
	local steps=('+begin a' '+ok   a' '+verdict: 1 passed, 0 failed')
	judge bad 'no power-off' 'did not power off' exited 0 "${steps[@]}"
	judge bad 'a bad status' 'did not power off cleanly, status 3' exited 3 "${steps[@]}" "$off"
	judge bad 'out of time' 'still running after 60 s, in step: slow' timeout 137 '+begin slow'
	judge bad 'never reached its init' 'did not reach its init' no-init 137
}

test_reports() {
	local report end=('+ok   a' '+verdict: 1 passed, 0 failed' "$off")
	local reports=('BUG: KASAN: slab-out-of-bounds in f+0x1/0x2' 'BUG kmalloc-64 (Not tainted): Redzone overwritten'
		'kernel BUG at mm/slub.c:1!' 'WARNING: CPU: 0 PID: 1 at f' 'Oops: 0000 [#1] SMP' 'Call Trace:'
		'BUG: KCSAN: data-race in f / g' 'UBSAN: shift-out-of-bounds in f.c:1:2' 'INFO: task insmod:1 blocked for more than'
		'WARNING: possible recursive locking detected' 'WARNING: inconsistent lock state'
		'WARNING: suspicious RCU usage' 'unreferenced object 0xffff888001234567 (size 64):'
		'kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)'
		'Kernel panic - not syncing: x' 'general protection fault: 0000' 'rcu: INFO: rcu_preempt detected stalls'
		'watchdog: BUG: soft lockup - CPU#0 stuck' 'BUG: scheduling while atomic: insmod/1'
		'BUG: sleeping function called from invalid context at f.c:1' 'INFO: possible circular locking')
	for report in "${reports[@]}"; do
		judge bad "a report: $report" 'kernel report at line' exited 0 '+begin a' "$report" "${end[@]}"
	done
	judge good 'a report in what a step prints is text' '^1 passed, 0 failed' exited 0 \
		'+begin a' '+| WARNING: of a tool' "${end[@]}"
	judge bad 'a report after the last step' 'kernel report' exited 0 '+begin a' '+ok   a' \
		'WARNING: CPU: 0 PID: 1 at f' '+verdict: 1 passed, 0 failed' "$off"
	judge bad 'a report counts once, with its stack' '^1 passed, 1 failed' exited 0 \
		'+begin a' 'WARNING: CPU: 0 PID: 1 at f' 'Call Trace:' "${end[@]}"
}

test_expected_reports() {
	local end=('+ok   a' '+verdict: 1 passed, 0 failed' "$off")
	judge good 'an announced report' '^1 passed, 0 failed' exited 0 \
		'+begin a' '+expect KASAN: .*f' 'BUG: KASAN: use-after-free in f' 'Call Trace:' "${end[@]}"
	judge bad 'another than the announced one' 'kernel report' exited 0 '+begin a' '+expect KASAN: .*f' \
		'BUG: KASAN: use-after-free in f' 'WARNING: CPU: 0 PID: 1 at g' 'Call Trace:' "${end[@]}"
	judge bad 'an announced report that did not come' 'no report matched' exited 0 \
		'+begin a' '+expect KASAN' "${end[@]}"
	judge bad 'an announced report in the step after' 'kernel report' exited 0 '+begin a' '+expect WARNING' \
		'WARNING: x' '+ok   a' '+begin b' 'WARNING: x' '+ok   b' '+verdict: 2 passed, 0 failed' "$off"
}

test_kunit() {
	local end=('+kunit-end' '+ok   a' '+verdict: 1 passed, 0 failed' "$off")
	local good=('+kunit bump' '+| KTAP version 1' '+| 1..1' '+|     1..2' '+|     ok 1 one' '+|     ok 2 two' '+| ok 1 bump')
	judge good 'KUnit, passed' '^3 passed, 0 failed' exited 0 '+begin a' "${good[@]}" "${end[@]}"
	judge good 'KUnit, with a table' '^ *bump +2 +0 +0$' exited 0 '+begin a' "${good[@]}" "${end[@]}"
	judge bad 'KUnit, a failed case with its reason' 'EXPECTATION FAILED at f.c:7' exited 0 '+begin a' '+kunit bump' \
		'+|     1..1' '+|     # one: EXPECTATION FAILED at f.c:7' '+|     not ok 1 one' '+| not ok 1 bump' "${end[@]}"
	judge good 'KUnit, skipped and counted' '^1 passed, 0 failed, 1 skipped' exited 0 '+begin a' '+kunit bump' \
		'+|     1..1' '+|     ok 1 one # SKIP no NMI here' '+| ok 1 bump' "${end[@]}"
	judge good 'KUnit, skipped with the reason' 'skipped bump.one # SKIP no NMI here' exited 0 '+begin a' '+kunit bump' \
		'+|     1..1' '+|     ok 1 one # SKIP no NMI here' '+| ok 1 bump' "${end[@]}"
	judge good 'KUnit, parameters are no cases' '^2 passed, 0 failed' exited 0 '+begin a' '+kunit bump' \
		'+|     1..1' '+|         ok 1 p1' '+|         ok 2 p2' '+|     ok 1 one' '+| ok 1 bump' "${end[@]}"
	judge bad 'KUnit, no cases' 'has no cases' exited 0 '+begin a' '+kunit bump' '+|     1..0' '+| ok 1 bump' "${end[@]}"
	judge bad 'KUnit, no plan' 'has no plan' exited 0 '+begin a' '+kunit bump' '+|     ok 1 one' '+| ok 1 bump' "${end[@]}"
	judge bad 'KUnit, a case missing' 'planned 2 cases and ran 1' exited 0 '+begin a' '+kunit bump' \
		'+|     1..2' '+|     ok 1 one' '+| ok 1 bump' "${end[@]}"
	judge bad 'KUnit, crashed in a suite' 'did not finish' exited 0 '+begin a' '+kunit bump' \
		'+|     1..2' '+|     ok 1 one'
	judge bad 'KUnit, failed in its set-up' 'failed outside its cases' exited 0 '+begin a' '+kunit bump' \
		'+|     1..1' '+|     ok 1 one' '+| not ok 1 bump' "${end[@]}"
}

# watch TITLE END STATUS COMMAND...: a guest that is COMMAND must end like that.
watch() {
	local title=$1 expected="$2 $3"
	shift 3
	boot_watch "$work/log" 3 5 true "$@"
	echo "ended: $BOOT_END $BOOT_STATUS, expected: $expected" >"$work/judgement"
	[ "$BOOT_END $BOOT_STATUS" = "$expected" ]
	outcome "$title" $?
}

test_watching() {
	local init='echo "[    1.0] [nebula] init on 7.2.0, 2 CPUs"'
	watch 'a guest that ends' exited 0 sh -c "$init"
	watch 'a guest that ends badly' exited 7 sh -c "$init; exit 7"
	# A number that no other process has among its arguments.
	local mine=60.$$
	watch 'a guest that hangs before its init' no-init 137 sleep "$mine"
	watch 'a guest that hangs after its init' timeout 137 sh -c "$init; sleep $mine & sleep $mine"
	grep -asF "$mine" /proc/[0-9]*/cmdline | grep -av grep >"$work/judgement"
	[ ! -s "$work/judgement" ]
	outcome 'a hung guest is ended with all its processes' $?
}

main() {
	test_steps
	test_ends
	test_reports
	test_expected_reports
	test_kunit
	set +e
	test_watching
	printf '%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ]
}

main "$@"
