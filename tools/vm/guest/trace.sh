# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the scripts of tools/trace/ with bpftrace while allocators are at work: each says what it must. Run by
# tools/trace/trace.sh.

demo=/sys/kernel/debug/nebula_demo
bpftrace=/usr/bin/bpftrace

unpack() {
	tar -xf ./bpftrace.tar -C / && rm ./bpftrace.tar && "$bpftrace" --version
}

# trace NAME WORK...: the script runs until the work is done; what it said is in /tmp/NAME.
trace() {
	name=$1
	shift
	"$bpftrace" "./$name.bt" >"/tmp/$name" 2>&1 </dev/null &
	pid=$!
	for _ in $(seq 240); do
		grep -q 'ends it$' "/tmp/$name" && break
		kill -0 "$pid" || break
		sleep 0.5
	done
	"$@"
	done=$?
	# One that comes while it is reading may be lost.
	for _ in $(seq 20); do
		kill -INT "$pid" 2>/dev/null || break
		sleep 2
	done
	wait "$pid"
	cat "/tmp/$name"
	return "$done"
}

# What all but one show: a request, connections that come and go.
work() {
	printf 'GET / HTTP/1.1\r\nHost: a\r\n\r\n' >"$demo/request"
	for peer in $(seq 100); do
		echo "open $peer" >"$demo/connections" || return 1
	done
	for peer in $(seq 100); do
		echo "close $peer" >"$demo/connections" || return 1
	done
}

says() {
	for line in "$@"; do
		grep -q "$line" "/tmp/$name" || {
			echo "no line like: $line"
			return 1
		}
	done
}

who() {
	trace who work && says '^@allocations\[conn\]: [1-9]' '^@bytes\[request\]: [1-9]' 'conn_open+'
}

lifetime() {
	trace lifetime work && says '^@microseconds\[conn\]:' '@@@'
}

exhaust() {
	echo exhaust >"$demo/provoke"
}

slow() {
	trace slow exhaust && says '^@nanoseconds\[' '@@@'
}

close_twice() {
	echo close-twice >"$demo/provoke"
}

errors() {
	trace errors close_twice && says '^conn: DOUBLE_FREE in ' '^@errors\[conn, DOUBLE_FREE\]: 1'
}

step 'unpack bpftrace' unpack
step 'load nebula_memory' insmod ./nebula_memory.ko
step 'load the demo' insmod ./nebula_demo.ko
step 'who allocates' who
step 'how long blocks live' lifetime
step 'how long slow paths take' slow
step 'errors as they come' errors
step 'the allocators are on their inline paths again' grep -q 'path: *inline' /sys/kernel/debug/nebula_memory/allocators/request/info
