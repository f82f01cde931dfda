# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Shows nebula_memory serving its clients: HTTP requests parsed in an arena and a stack, connections from
# a pool, messages formatted in scratch memory by an interrupt, the statistics behind them, exhaustions and
# mistakes that explain themselves, and that unloading leaves nothing behind.
# Run by `make demo`, which puts requests.txt beside this script.

nebula=/sys/kernel/debug/nebula_memory
conn=$nebula/allocators/conn
frames=$nebula/allocators/frames
scratch=$nebula/allocators/sampler
demo=/sys/kernel/debug/nebula_demo
sampler=/sys/kernel/debug/nebula_sample_scratch
tracing=/sys/kernel/tracing
cr=$(printf '\r')

# Requests whose text and answer are shown in full.
examples='curl login-form chunked-trailers percent-encoded obs-fold delete-home smuggling-cl-te'

mkdir -p /tmp/examples

# send_request FILE: one write(2), whatever its size.
send_request() {
	dd if="$1" of="$demo/request" bs=1M 2>/dev/null
}

# Sets status, request_bytes, arena_bytes and problem from the answer. The problem is in the third
# line of its content.
read_answer() {
	status=0 request_bytes=- arena_bytes=- problem=''
	while IFS= read -r field && [ "$field" != "$cr" ]; do
		field=${field%"$cr"}
		case $field in
		'HTTP/1.1 '*) status=${field#* } status=${status%% *} ;;
		'Request-Bytes: '*) request_bytes=${field#*: } ;;
		'Arena-Bytes: '*) arena_bytes=${field#*: } ;;
		esac
	done
	[ "$status" -lt 400 ] || {
		read -r problem && read -r problem && read -r problem
		problem=${problem#*: \"} problem=${problem%\"*}
	}
}

# Sends what next_line gathered as $text, under $name; the answer has to have the status $expected
# and, where it is a refusal, the reason $reason.
finish_request() {
	[ -n "$name" ] || return 0
	printf %b "$text" >/tmp/request
	if send_request /tmp/request; then
		read_answer <"$demo/response"
	else
		status=0 problem='the write failed'
	fi
	case "$status $problem" in
	"$expected $reason"*) ;;
	*)
		problem="$problem  <-- FAIL, expected $expected $reason"
		wrong=$((wrong + 1))
		;;
	esac
	sent=$((sent + 1))
	printf '%-26s %6s %7s %12s%s\n' "$name" "$request_bytes" "$status" "$arena_bytes" \
		"${problem:+  $problem}"
	case " $examples " in
	*" $name "*)
		cp /tmp/request "/tmp/examples/$name.request"
		cat "$demo/response" >"/tmp/examples/$name.response"
		;;
	esac
}

# One line of requests.txt, in the format that its first lines describe.
next_line() {
	case $1 in
	'### '*)
		finish_request
		name=${1#'### '} text=''
		expected=${name#* } name=${name%% *}
		reason=${expected#"${expected%% *}"} reason=${reason# } expected=${expected%% *}
		;;
	'' | '#'*) ;;
	'@'*)
		count=${1%% *} count=${count#@} piece=${1#* }
		while [ "$count" -gt 0 ]; do
			text=$text$piece count=$((count - 1))
		done
		;;
	*) text=$text$1 ;;
	esac
}

send_requests() {
	name='' wrong=0 sent=0
	printf '%-26s %6s %7s %12s  %s\n' request bytes status 'arena bytes' problem
	while IFS= read -r line; do
		next_line "$line"
	done <requests.txt
	finish_request
	echo
	echo "$sent requests sent, $wrong unexpected"
	[ "$sent" -ge 60 ] && [ "$wrong" -eq 0 ]
}

# print_message FILE MARK: the lines of a message, each behind a mark of its direction.
print_message() {
	while IFS= read -r line || [ -n "$line" ]; do
		echo "$2 ${line%"$cr"}"
	done <"$1"
}

show_example() {
	print_message "/tmp/examples/$1.request" '>'
	echo
	print_message "/tmp/examples/$1.response" '<'
}

refused() {
	printf '%-12s %-16s ' "$1:" "$2"
	! { echo "$2" >"$demo/$1"; } 2>&1
}

# Anything may be written; nothing but an answer or an errno comes of it.
send_rubbish() {
	for size in 1 30000 1048576; do
		head -c "$size" /dev/urandom >/tmp/rubbish
		send_request /tmp/rubbish || return 1
		read_answer <"$demo/response"
		printf '%8s random bytes: %s, %s\n' "$size" "$status" "$problem"
		[ "$status" -ge 400 ] || return 1
	done
	refused provoke unknown && refused burst 0 && refused burst 1000001 &&
		refused connections 'open -1' && refused connections 'open 65536' &&
		refused connections 'close 7' && refused connections 'shut 7'
}

# The tenant of a host is looked up once, and found in the cache after that.
show_tenants() {
	cat "$nebula"/budgets/* "$nebula"/caches/*
	grep '^charges: *[1-9]' "$nebula/budgets/tenants.gold" &&
		grep '^hits: *[1-9][0-9]' "$nebula/caches/tenants"
}

provoke_exhaustion() {
	echo exhaust >"$demo/provoke" || return 1
	cat "$demo/response"
	grep -q '^usable: *yes' "$demo/response"
}

# The record of the exhaustion: who asked for how much, the state, what to do about it.
show_errors() {
	cat "$nebula/errors"
	grep -q 'request: OUT_OF_MEMORY (-ENOMEM)' "$nebula/errors"
}

# A connection lasts from the open to the close of the file, so several requests may go over one.
keep_alive() {
	exec 3>"$demo/request" || return 1
	for name in $examples; do
		dd if="/tmp/examples/$name.request" bs=1M 2>/dev/null >&3 || return 1
		read_answer <"$demo/response"
		echo "$name: $status"
	done
	cat "$demo/connections"
	exec 3>&-
}

# each COMMAND: sends it for every peer that standard input names.
each() {
	while read -r peer; do
		echo "$1 $peer" >"$demo/connections" || return 1
	done
}

connections_are() {
	cat "$demo/connections"
	grep -q "^open: *$1$" "$demo/connections"
}

open_and_close() {
	seq 0 999 | shuf | each open || return 1
	connections_are 1000 || return 1
	echo
	shuf -n 990 -i 0-999 | each close || return 1
	connections_are 10
}

# As many as the pool has blocks are on their way, all allocated on one CPU and freed on another.
send_burst() {
	echo "$1" >"$demo/burst" || return 1
	cat "$demo/burst"
	grep -q '^dropped: *0$' "$demo/burst" &&
		! grep -q 'allocated on CPU \([0-9]*\), freed on CPU \1$' "$demo/burst"
}

connect_in_interrupts() {
	send_burst 100000 || return 1
	echo
	cat "$demo/connections"
}

validate() {
	cat "$nebula/allocators/$1/validate"
	[ "$(sed 1d "$nebula/allocators/$1/validate")" = ok ]
}

# Every frame has ended with its function, so nothing is left of all the requests but the peak.
frames_are_empty() {
	cat "$frames/info" "$frames/stats"
	grep -q '^used: *0$' "$frames/stats" && grep -q '^live: *0$' "$frames/stats" &&
		! grep -q '^peak: *0$' "$frames/stats" && validate frames
}

# What is refused changes nothing: all three objects are where they were.
free_middle() {
	echo >"$nebula/clear"
	echo free-middle >"$demo/provoke" || return 1
	cat "$demo/response"
	echo
	cat "$nebula/errors"
	grep -q 'frames: LIFO_VIOLATION (-EINVAL)' "$nebula/errors" &&
		grep -q '^used: *\([0-9]*\) bytes before and \1 after$' "$demo/response"
}

# Nor does it hurt the next request, which finds an empty stack.
show_frames() {
	cat "$frames/live" "$frames/map"
	grep -q '^live: *3$' "$frames/live" && validate frames || return 1
	send_request /tmp/examples/curl.request
	read_answer <"$demo/response"
	echo
	echo "the next request: $status"
	grep -E '^(live|used):' "$frames/stats"
	[ "$status" = 200 ] && grep -q '^used: *0$' "$frames/stats"
}

map_pool() {
	cat "$conn/map"
	validate conn
}

change_cache_depth() {
	cat "$conn/cache_depth"
	for depth in 0 4; do
		echo "$depth" >"$conn/cache_depth" || return 1
		sed 1d "$conn/cache_depth"
		send_burst 10000 || return 1
	done
}

# Peers open connections until one is refused, one of them makes room, and then all close.
exhaust_connections() {
	echo >"$nebula/clear"
	peer=1000
	while { echo "open $peer" >"$demo/connections"; } 2>/tmp/refusal; do
		peer=$((peer + 1))
	done
	echo "peer $peer: $(cat /tmp/refusal)"
	cat "$demo/connections" "$conn/map"
	echo 'close 1000' >"$demo/connections" && echo "open $peer" >"$demo/connections" || return 1
	echo "usable: yes, peer $peer has taken the place of peer 1000"
	seq 1001 "$peer" | each close
}

show_pool_errors() {
	cat "$nebula/errors"
	grep -q 'conn: POOL_EXHAUSTED (-ENOMEM)' "$nebula/errors"
}

# Where these allocators serve; a kernel that clears what it allocates has some of them out of line.
show_paths() {
	(cd "$nebula/allocators" && grep '^path:' request/info frames/info conn/info) | tee /tmp/paths
}

send_example() {
	send_request "/tmp/examples/$1.request" && read_answer <"$demo/response" && [ "$status" = 200 ]
}

# While events are on, all comes out of line; an owner goes back with its next call.
trace_requests() {
	show_paths
	cp /tmp/paths /tmp/paths-before
	echo 1 >"$tracing/events/nebula/enable" || return 1
	show_paths
	[ "$(grep -c ': *out of line$' /tmp/paths)" = 3 ] || return 1
	send_example curl || return 1
	echo 0 >"$tracing/events/nebula/enable" || return 1
	echo
	grep -v '^#' "$tracing/trace" >/tmp/trace
	head -n 20 /tmp/trace
	echo "... $(wc -l </tmp/trace) events"
	echo
	send_example curl
	show_paths
	cmp /tmp/paths /tmp/paths-before && grep -q 'pool_alloc: name=conn' /tmp/trace &&
		grep -q 'bump_reset: name=request\|bump_free: name=request' /tmp/trace &&
		grep -q 'stack_free: name=frames' /tmp/trace
}

# A filter and a trigger, as with any event of the kernel: who makes large temporaries?
trace_large_frames() {
	echo 'name=="frames" && size>=16384' >"$tracing/events/nebula/stack_alloc/filter" &&
		echo stacktrace:1 >"$tracing/events/nebula/stack_alloc/trigger" &&
		echo >"$tracing/trace" && echo 1 >"$tracing/events/nebula/stack_alloc/enable" || return 1
	send_example chunked-trailers
	echo 0 >"$tracing/events/nebula/stack_alloc/enable"
	echo '!stacktrace:1' >"$tracing/events/nebula/stack_alloc/trigger"
	echo 0 >"$tracing/events/nebula/stack_alloc/filter"
	grep -v '^#' "$tracing/trace" | head -n 20
	! grep -q 'size=[0-9]\{1,4\} ' "$tracing/trace"
}

# Three connections in a row are refused for no reason but this.
fail_on_purpose() {
	echo >"$nebula/clear"
	(cd "$nebula/fail_alloc" && echo conn >./names && echo 3 >./times && echo 0 >./verbose &&
		echo 100 >./probability && grep . names probability times) || return 1
	for peer in 2000 2001 2002; do
		! { echo "open $peer" >"$demo/connections"; } 2>&1 || return 1
	done
	echo 'open 2003' >"$demo/connections" || return 1
	echo 'open 2003: accepted'
	echo 'close 2003' >"$demo/connections"
	(cd "$nebula/fail_alloc" && echo >./names && echo 0 >./probability)
	echo
	head -n 12 "$nebula/errors"
	[ "$(grep -c '^   suggest:   fail_alloc made it fail:$' "$nebula/errors")" = 1 ] &&
		grep -q '^   repeated 2 times$' "$nebula/errors"
}

# peak_of ALLOCATOR: bytes.
peak_of() {
	sed -n 's/^peak: *\([0-9]*\).*/\1/p' "$nebula/allocators/$1/stats"
}

# Whatever is written to reset_peak begins a new peak, with what is in use. A stack's is its owner's to begin.
begin_new_peak() {
	before=$(peak_of conn)
	echo >"$conn/reset_peak" || return 1
	between=$(peak_of conn)
	echo 'open 2004' >"$demo/connections" || return 1
	echo 'close 2004' >"$demo/connections" || return 1
	after=$(peak_of conn)
	echo "peak of conn: $before, then $between, after a connection $after"
	[ "$between" -lt "$before" ] && [ "$after" -gt 0 ] && [ "$after" -lt "$before" ] &&
		! (echo >"$frames/reset_peak") 2>/dev/null
}

# Connections of three kinds: of an open file, of peers, and of packets.
show_live() {
	exec 3>"$demo/request" || return 1
	seq 1000 1004 | each open || return 1
	send_burst 1000 || return 1
	cat "$demo/connections"
	echo
	cat "$conn/live"
	for site in request_open run_connections deliver; do
		grep -q "$site" "$conn/live" || return 1
	done
}

close_twice() {
	echo >"$nebula/clear"
	echo close-twice >"$demo/provoke" || return 1
	cat "$nebula/errors"
	grep -q 'conn: DOUBLE_FREE (-EINVAL)' "$nebula/errors" && validate conn
}

# Requests over a stack that guards and tracks each object, and what it tells of one that is freed too soon.
track_frames() {
	for name in $examples; do
		send_request "/tmp/examples/$name.request" || return 1
		read_answer <"$demo/response"
		echo "$name: $status"
	done
	validate frames && ! grep frames "$nebula/errors" && free_middle || return 1
	echo
	cat "$frames/live"
	grep -q 'service_free_middle' "$frames/live" && validate frames
}

# How often which sizes were asked for.
show_sizes() {
	cat "$frames/stats"
	grep -q '^sizes:$' "$frames/stats"
}

# sampled NAME: what the sample counts.
sampled() {
	cat "$sampler/$1"
}

# A task is interrupted fifty times while it has something in scratch memory.
sample_in_interrupts() {
	echo 50 >"$sampler/sample" || return 1
	(cd "$sampler" && grep . taken lost pages control disturbed)
	[ "$(sampled taken)" = 50 ] && [ "$(sampled pages)" = 0 ] && [ "$(sampled control)" -gt 0 ] &&
		[ "$(sampled disturbed)" = 0 ]
}

# The first of the messages; all of them have to be there that were not lost.
show_messages() {
	cat "$sampler/messages" >/tmp/messages
	head -n 15 /tmp/messages
	[ "$(grep -c '^sample [0-9]*: CPU' /tmp/messages)" = $((50 - $(sampled lost))) ] &&
		grep -q 'take_samples+.*nebula_sample_scratch' /tmp/messages
}

# The peak is that of all three at a time: the task's 1024 bytes, a message's 2048 and the callers' 256.
show_scratch() {
	cat "$scratch/info" "$scratch/stats" "$scratch/live" "$scratch/map"
	grep -q '^live: *0$' "$scratch/stats" && grep -q '^peak: *3352 ' "$scratch/stats" && validate sampler
}

samples_are_refused() {
	for count in 0 1001 -1 many; do
		! { echo "$count" >"$sampler/sample"; } 2>&1 || return 1
	done
}

# Shown when the guest has ended: tools/nebulactl/demo.sh.
give_debugfs() {
	nebula_copy "$nebula" /tmp/tree.tar && nebula_give /tmp/tree.tar
}

region_totals() {
	grep -E '^(allocators|regions|region bytes):' "$nebula/info"
}

unload_is_refused() {
	! rmmod nebula_memory && lsmod | grep '^nebula_memory .*nebula_demo'
}

unload_is_refused_to_peers() {
	exec 3>"$demo/request" || return 1
	! rmmod nebula_demo
}

# Peers have left connections open: the client has closed them.
no_leak() {
	! grep LEAK "$nebula/errors"
}

no_allocators() {
	[ -d "$nebula/allocators" ] && [ -z "$(ls "$nebula/allocators")" ]
}

no_files() {
	[ ! -e "$nebula" ] && [ ! -e "$demo" ] && [ ! -e "$sampler" ]
}

same_regions() {
	region_totals >/tmp/regions.after
	echo 'before the client was loaded:'
	cat /tmp/regions.before
	echo 'after it was unloaded:'
	cat /tmp/regions.after
	cmp /tmp/regions.before /tmp/regions.after
}

nothing_left() {
	no_leak && no_allocators && same_regions
}

memory_of_kernel() {
	grep -E '^(MemAvailable|VmallocUsed|Slab)' /proc/meminfo
}

step 'the kernel' uname -a
step 'load nebula_memory' insmod ./nebula_memory.ko
step 'memory before the client' memory_of_kernel
region_totals >/tmp/regions.before
step 'load nebula_demo, its client' insmod ./nebula_demo.ko
step 'both are loaded' lsmod

step 'requests, each parsed in the arena and answered' send_requests
for name in $examples; do
	step "request and answer: $name" show_example "$name"
done
step 'rubbish is refused' send_rubbish

step 'a connection is kept alive' keep_alive
step 'a thousand connections, opened and closed in random order' open_and_close
step 'packets in interrupts of two CPUs' connect_in_interrupts

step 'statistics: info' cat "$nebula/info"
step 'statistics: summary' cat "$nebula/summary"
step 'statistics: the request arena' cat "$nebula/allocators/request/info" "$nebula/allocators/request/stats"
step 'statistics: the stack of frames' frames_are_empty
step 'statistics: the pool of connections' cat "$conn/info" "$conn/stats" "$conn/live"
step 'statistics: budgets of the tenants, and the cache that finds them' show_tenants
step 'the pool, block by block' map_pool
step 'the caches of the CPUs are resized' change_cache_depth

step 'the arena is exhausted on purpose' provoke_exhaustion
step 'the error explains itself' show_errors
step 'an object in the middle of the stack is freed' free_middle
step 'and nothing has changed' show_frames
step 'the pool is exhausted on purpose' exhaust_connections
step 'its error explains itself, too' show_pool_errors

step 'a new peak is begun' begin_new_peak
step 'events: what a request allocates' trace_requests
step 'events: large temporaries, and who asks for them' trace_large_frames
step 'connections are refused on purpose' fail_on_purpose

step 'nebula_memory cannot be unloaded under its client' unload_is_refused
step 'nor its client under an open connection' unload_is_refused_to_peers
step 'unload nebula_demo' rmmod nebula_demo
step 'nothing was left behind' no_leak
step 'no allocator is left' no_allocators
step 'no region is left' same_regions

step 'load nebula_demo once more, for development' insmod ./nebula_demo.ko debug=1
step 'live connections, by who opened them' show_live
step 'a connection is freed twice' close_twice
step 'the same on the stack, by who allocated' track_frames
step 'statistics: the sizes that were asked for' show_sizes
step 'a copy of debugfs, for nebulactl' give_debugfs
step 'unload nebula_demo again' rmmod nebula_demo
step 'nothing is left again' nothing_left

step 'load nebula_sample_scratch, another client' insmod ./nebula_sample_scratch.ko
step 'an interrupt formats messages in scratch memory' sample_in_interrupts
step 'what it says' show_messages
step 'statistics: the scratch memory' show_scratch
step 'samples that are none are refused' samples_are_refused
step 'unload nebula_sample_scratch' rmmod nebula_sample_scratch
step 'it leaves nothing either' nothing_left

step 'unload nebula_memory' rmmod nebula_memory
step 'debugfs is as before' no_files
step 'memory after the client' memory_of_kernel
