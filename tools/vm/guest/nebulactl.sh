# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Runs nebulactl against a busy system: the demo and the samples that keep something while they are loaded.
# Prints a copy of what debugfs showed, and a recording; tools/nebulactl/tests/fetch.sh takes both out of the
# log. Run by tools/nebulactl/tests/guest.sh, which puts the static program beside this script.

nebula=/sys/kernel/debug/nebula_memory
demo=/sys/kernel/debug/nebula_demo
ctl=./nebulactl-static

request='GET /tenant?name=gold HTTP/1.1\r\nHost: gold.example\r\nAccept: text/plain\r\nUser-Agent: guest\r\n\r\n'

load_all() {
	insmod ./nebula_memory.ko && insmod ./nebula_demo.ko debug=1 || return 1
	for sample in basic budget_tree compute_cache custom_allocator connection_pool scratch; do
		insmod "./nebula_sample_$sample.ko" || return 1
	done
	ls "$nebula"/allocators "$nebula"/budgets "$nebula"/caches
}

unload_all() {
	for sample in basic budget_tree compute_cache custom_allocator connection_pool scratch; do
		rmmod "nebula_sample_$sample" || return 1
	done
	rmmod nebula_demo || return 1
	# A file that is being read holds the module for a moment.
	tries=0
	until rmmod nebula_memory 2>/tmp/rmmod; do
		tries=$((tries + 1))
		[ "$tries" -lt 1000 ] || {
			cat /tmp/rmmod
			return 1
		}
	done
}

# send_requests COUNT
send_requests() {
	count=$1
	while [ "$count" -gt 0 ]; do
		printf %b "$request" | dd of="$demo/request" bs=64k 2>/dev/null
		count=$((count - 1))
	done
}

# Allocators at work, and a mistake of each kind.
make_traffic() {
	send_requests 20
	for peer in $(seq 1 600); do
		echo "open $peer" >"$demo/connections" || return 1
	done
	for peer in $(seq 1 3 600); do
		echo "close $peer" >"$demo/connections" || return 1
	done
	echo 5000 >"$demo/burst" || return 1
	echo exhaust >"$demo/provoke" || return 1
	echo close-twice >"$demo/provoke" || return 1
	echo free-middle >"$demo/provoke" || return 1
	echo 20 >/sys/kernel/debug/nebula_sample_scratch/sample
}

print_tree() {
	nebula_copy "$nebula" /tmp/tree.tar && nebula_give /tmp/tree.tar
}

# expect STATUS COMMAND...: the status that it has to end with.
expect() {
	status=0 expected=$1
	shift
	"$@" || status=$?
	[ "$status" = "$expected" ] || {
		echo "status $status, not $expected: $*"
		return 1
	}
}

# Before the module is loaded, and where debugfs is not mounted: what to do.
not_available() {
	expect 3 "$ctl" list 2>&1 | grep 'nebula_memory is not loaded: modprobe nebula_memory' || return 1
	NEBULACTL_DEBUGFS=/nowhere expect 3 "$ctl" list 2>&1 | grep 'debugfs is not mounted: mount -t debugfs'
}

# Without root there is nothing to be seen.
not_root() {
	mkdir -p /etc && echo 'guest:x:1000:1000::/:/bin/sh' >/etc/passwd && chmod 755 / /nebula "$ctl" || return 1
	expect 3 su guest -c "$ctl list" 2>&1 | grep 'only root can read'
}

# The numbers are those of debugfs itself.
same_numbers() {
	"$ctl" list | tee /tmp/list || return 1
	for name in packet sampler; do
		allocs=$(sed -n 's/^allocs: *//p' "$nebula/allocators/$name/stats")
		grep -q "^$name .* $allocs " /tmp/list || return 1
	done
	[ "$(find "$nebula/allocators" -mindepth 1 -maxdepth 1 | wc -l)" = "$(sed -n 's/^\([0-9]*\) allocators, .*/\1/p' /tmp/list)" ]
}

show_all() {
	expect 0 "$ctl" show conn && expect 0 "$ctl" live conn && expect 0 "$ctl" map conn &&
		expect 0 "$ctl" budgets && expect 0 "$ctl" caches && expect 0 "$ctl" errors
}

validate_all() {
	expect 0 "$ctl" validate --all | tee /tmp/validate
	grep -q '^[1-9][0-9]* ok, 0 with faults' /tmp/validate
}

unknown_name() {
	expect 3 "$ctl" show con1 2>&1 | tee /tmp/unknown
	grep -q 'is conn meant?' /tmp/unknown
}

# work ROUND: more of it in some rounds than in others.
work() {
	send_requests $((2 + $1 * 5 % 7))
	echo "$((400 + $1 * 900 % 3100))" >"$demo/burst"
	echo "$((5 + $1 * 7 % 13))" >/sys/kernel/debug/nebula_sample_scratch/sample
	for peer in $(seq $((1000 + 40 * $1)) $((1000 + 40 * $1 + $1 * 17 % 39))); do
		echo "open $peer" >"$demo/connections" || return 1
	done
	[ "$1" != 5 ] && [ "$1" != 9 ] || echo exhaust >"$demo/provoke"
	[ "$1" != 7 ] || echo close-twice >"$demo/provoke"
	[ "$1" != 6 ] || for peer in $(seq 1041 1050); do
		echo "close $peer" >"$demo/connections"
	done
	usleep 200000
}

# Frames of a system at work, and the errors that come while it is.
record_traffic() {
	"$ctl" record --interval 0.4 --count 20 /tmp/busy.rec >/tmp/record.out 2>&1 &
	recorder=$!
	"$ctl" errors --follow --interval 0.2 >/tmp/follow.out 2>&1 &
	follower=$!
	for round in 1 2 3 4 5 6 7 8 9 10 11 12; do
		work $round || return 1
	done
	wait "$recorder" || return 1
	kill "$follower"
	cat /tmp/record.out
	grep -q '^/tmp/busy.rec: 20 frames' /tmp/record.out && grep -q 'OUT_OF_MEMORY' /tmp/follow.out
}

print_recording() {
	nebula_give /tmp/busy.rec
}

# What was recorded says how much was allocated in between.
recording_grew() {
	expect 0 "$ctl" diff /tmp/busy.rec /tmp/busy.rec | tee /tmp/diff
	grep -q '^packet .*changed' /tmp/diff && grep -q 'OUT_OF_MEMORY' /tmp/diff
}

# The module goes away under a recorder and comes back to nothing: messages, and no crash.
vanishing() {
	"$ctl" record --interval 0.05 --count 40 /tmp/vanish.rec >/tmp/vanish.out 2>&1 &
	recorder=$!
	unload_all || return 1
	wait "$recorder" || return 1
	cat /tmp/vanish.out
	expect 0 "$ctl" replay /tmp/vanish.rec >/dev/null || [ "$status" = 1 ]
}

step 'without the module' not_available
step 'load nebula_memory and its clients' load_all
step 'without root' not_root
step 'requests, connections, packets, mistakes' make_traffic
step 'the numbers are those of debugfs' same_numbers
step 'every view' show_all
step 'validate all' validate_all
step 'a name that is none' unknown_name
step 'a copy of debugfs' print_tree
step 'record while it works' record_traffic
step 'what changed in it' recording_grew
step 'the recording' print_recording
step 'allocators that go while they are read' vanishing
