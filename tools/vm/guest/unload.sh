# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Unloads clients of nebula_memory that leave allocators behind: what another module uses is kept until
# that goes too, and all else is taken down. Run by check.sh on the kernels that have KUnit.

nebula=/sys/kernel/debug/nebula_memory
meeting=/sys/module/nebula_memory_meeting/parameters
tracing=/sys/kernel/tracing

# orphans_are NAME...: these, in the order of their names, and no others; all of them orphans.
orphans_are() {
	(cd "$nebula/allocators" && printf '%s\n' *) >/tmp/names
	cat "$nebula/summary"
	printf '%s\n' "$@" | cmp - /tmp/names &&
		[ "$(grep -c '(orphan)$' "$nebula/summary")" = $# ]
}

# budgets_are NAME...: these, in the order of their names, and no others.
budgets_are() {
	(cd "$nebula/budgets" && printf '%s\n' *) >/tmp/names
	cat "$nebula"/budgets/*
	printf '%s\n' "$@" | cmp - /tmp/names
}

nothing_is_left() {
	ls "$nebula/allocators" "$nebula/budgets"
	[ -z "$(ls "$nebula/allocators")" ] && [ -z "$(ls "$nebula/budgets")" ] &&
		grep '^regions: *0$' "$nebula/info" && grep '^region bytes: *0$' "$nebula/info"
}

# A frame in init text, which is gone, is shown by the name that it had when the object was allocated.
init_text_is_named() {
	cat "$nebula/allocators/early/live"
	grep 'stayer_init+.*\[nebula_memory_stayer\]$' "$nebula/allocators/early/live" || return 1
	cat "$nebula/errors"
	! grep 'unloaded\]' "$nebula/errors"
}

# none_left_behind NAME: no report says that it was.
none_left_behind() {
	cat "$nebula/errors"
	! grep "] $1[.0-9]*: " "$nebula/errors"
}

# What the report says of each.
reports_say_why() {
	for name in early sites built-in waited reserved scoped lent; do
		grep -A 8 "] $name: LEAK" "$nebula/errors" | grep 'at fault: *owner unloaded, kept for others' || return 1
	done
	for name in own-budget own-below; do
		grep -A 8 "] $name: LEAK" "$nebula/errors" | grep 'at fault: *owner unloaded$' || return 1
	done
	grep -A 8 '] nebula_memory_leaver: LEAK' "$nebula/errors" |
		grep 'at fault: *budget notifier left behind' || return 1
	for name in own own-early; do
		grep -A 8 "] $name: LEAK" "$nebula/errors" | grep 'at fault: *owner unloaded, 1 live' || return 1
	done
}

# said N TEXT: the module that stayed has printed that so often.
said() {
	dmesg | sed -n 's/^.*nebula_memory_stayer: //p' >/tmp/said
	cat /tmp/said
	! grep BROKEN /tmp/said && [ "$(grep -c 'is whole$' /tmp/said)" = "$1" ]
}

# text_of MODULE: where it lies.
text_of() {
	cat "/sys/module/nebula_memory_$1/sections/.text"
}

# Of two modules the second is loaded where the first was; that may take several turns.
load_where_former_was() {
	insmod ./nebula_memory_former.ko && former=$(text_of former) && rmmod nebula_memory_former || return 1
	grep 'former_take+' "$nebula/errors" || return 1
	# The kernel keeps a freed area for one of the CPUs, so try on both.
	for turn in 1 2 3 4 5 6 7 8; do
		echo 1 >"$meeting/purge"
		taskset $((turn % 2 + 1)) insmod ./nebula_memory_latter.ko || return 1
		echo "turn $turn: $(text_of latter), was $former"
		[ "$(text_of latter)" != "$former" ] || return 0
		rmmod nebula_memory_latter
	done
	return 1
}

# What is live now was not allocated by a module that had gone before; records of that one still name it.
symbols_are_of_their_time() {
	cat "$nebula/allocators/tenant/live" "$nebula/errors"
	grep 'latter_take+.*\[nebula_memory_latter\]$' "$nebula/allocators/tenant/live" &&
		! grep former "$nebula/allocators/tenant/live" &&
		grep -q 'former_take+.*\[nebula_memory_former\]$' "$nebula/errors" &&
		grep -q 'latter_take+.*\[nebula_memory_latter\]$' "$nebula/errors"
}

# unload_many N: prints how long it took, which depends on the machine.
unload_many() {
	insmod ./nebula_memory_leaver.ko many="$1" || return 1
	grep '^allocators:' "$nebula/info"
	time rmmod nebula_memory_leaver
}

# Each allocator of a module that is unloaded had a grace period of its own to wait for.
few_grace_periods() {
	echo 'p:grace synchronize_rcu' >"$tracing/kprobe_events" &&
		echo 'p:barrier rcu_barrier' >>"$tracing/kprobe_events" &&
		echo 1 >"$tracing/events/kprobes/enable" || return 1
	unload_many 200 || return 1
	echo 0 >"$tracing/events/kprobes/enable"
	grep -c 'rmmod.* \(grace\|barrier\):' "$tracing/trace" >/tmp/waits
	grep 'rmmod' "$tracing/trace"
	echo >"$tracing/kprobe_events"
	echo "$(cat /tmp/waits) grace periods"
	[ "$(cat /tmp/waits)" -gt 0 ] && [ "$(cat /tmp/waits)" -lt 40 ]
}

# unload_while_looked_for N: tasks list allocators/, one that works there outlives what it lists.
unload_while_looked_for() {
	(while :; do ls "$nebula/allocators" "$nebula"/allocators/*; done >/dev/null 2>&1) &
	lister=$!
	turn=0
	while [ $turn -lt "$1" ]; do
		turn=$((turn + 1))
		insmod ./nebula_memory.ko && insmod ./nebula_memory_meeting.ko &&
			insmod ./nebula_memory_leaver.ko many=20 || return 1
		(cd "$nebula/allocators" && while [ -e "$nebula" ]; do ls . ./*; done; ls .) >/dev/null 2>&1 &
		worker=$!
		rmmod nebula_memory_leaver && rmmod nebula_memory_meeting && rmmod nebula_memory || return 1
		wait $worker
	done
	kill $lister
	wait $lister
	echo "$turn turns"
}

if [ "$nebula_kernel" = debug ]; then
	step 'kmemleak is on' test -e "$nebula_leaks"
	step 'kmemleak forgets what the boot lost' nebula_forget_leaks
fi

step 'load nebula_memory' insmod ./nebula_memory.ko
step 'load nebula_memory_meeting' insmod ./nebula_memory_meeting.ko
step 'load a client' insmod ./nebula_memory_leaver.ko
step 'load a module that uses what is of the client' insmod ./nebula_memory_stayer.ko
step 'unload the client' rmmod nebula_memory_leaver
step 'what is used was kept' orphans_are built-in early reserved scoped sites waited
step 'the budget of what is used was kept' budgets_are lent
step 'what was in init text is named' init_text_is_named
step 'the reports say what was kept' reports_say_why
step 'unload the module that used it' rmmod nebula_memory_stayer
step 'what it had was whole' said 8
step 'nothing is left' nothing_is_left

step 'load a client that leaves one behind of which it cannot be told who uses it' insmod ./nebula_memory_leaver.ko blind=1
step 'unload it' rmmod nebula_memory_leaver
echo 1 >"$meeting/recover"
step 'what cannot be told was kept' orphans_are unknown

step 'load a module where another one was' load_where_former_was
step 'symbols are those of their time' symbols_are_of_their_time
step 'unload it' rmmod nebula_memory_latter
step 'nothing is left now that it can be told' nothing_is_left

if [ "$nebula_kernel" = debug ]; then
	step 'many that leave together wait together' few_grace_periods
else
	step 'thousands that leave together' unload_many 10000
fi
step 'nothing of them is left' nothing_is_left

step 'load a client that destroys its pools after a grace period' insmod ./nebula_memory_leaver.ko late=1
step 'unload it before that has ended' rmmod nebula_memory_leaver
step 'none of them was left behind' none_left_behind late
step 'nothing of them is left' nothing_is_left

step 'unload nebula_memory_meeting' rmmod nebula_memory_meeting
step 'unload nebula_memory' rmmod nebula_memory
step 'unload it while tasks look for allocators' unload_while_looked_for 5

if [ "$nebula_kernel" = debug ]; then
	step 'nothing leaked' nebula_no_leaks
fi
