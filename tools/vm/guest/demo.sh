# shellcheck shell=dash
# Shows nebula_memory serving a client: HTTP requests parsed in an arena, the statistics behind
# them, an exhaustion that explains itself, and that unloading leaves nothing behind.
# Run by `make demo`, which puts requests.txt beside this script.

nebula=/sys/kernel/debug/nebula_memory
demo=/sys/kernel/debug/nebula_demo
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

# Anything may be written; nothing but an answer or an errno comes of it.
send_rubbish() {
	for size in 1 30000 1048576; do
		head -c "$size" /dev/urandom >/tmp/rubbish
		send_request /tmp/rubbish || return 1
		read_answer <"$demo/response"
		printf '%8s random bytes: %s, %s\n' "$size" "$status" "$problem"
		[ "$status" -ge 400 ] || return 1
	done
	printf '%s' 'an unknown provocation: '
	! { echo unknown >"$demo/provoke"; } 2>&1
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

region_totals() {
	grep -E '^(allocators|regions|region bytes):' "$nebula/info"
}

unload_is_refused() {
	! rmmod nebula_memory && lsmod | grep '^nebula_memory .*nebula_demo'
}

no_allocators() {
	[ -d "$nebula/allocators" ] && [ -z "$(ls "$nebula/allocators")" ]
}

no_files() {
	[ ! -e "$nebula" ] && [ ! -e "$demo" ]
}

same_regions() {
	region_totals >/tmp/regions.after
	echo 'before the client was loaded:'
	cat /tmp/regions.before
	echo 'after it was unloaded:'
	cat /tmp/regions.after
	cmp /tmp/regions.before /tmp/regions.after
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

step 'statistics: info' cat "$nebula/info"
step 'statistics: summary' cat "$nebula/summary"
step 'statistics: the request arena' cat "$nebula/allocators/request/info" "$nebula/allocators/request/stats"

step 'the arena is exhausted on purpose' provoke_exhaustion
step 'the error explains itself' show_errors

step 'nebula_memory cannot be unloaded under its client' unload_is_refused
step 'unload nebula_demo' rmmod nebula_demo
step 'no allocator is left' no_allocators
step 'no region is left' same_regions
step 'unload nebula_memory' rmmod nebula_memory
step 'debugfs is as before' no_files
step 'memory after the client' memory_of_kernel
