# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the tests of the kernel's own pools on theirs and on ours, and prints the figures of both. Run by
# tools/peers/peers.sh on the debug kernel.

nebula=/sys/kernel/debug/nebula_memory

# peer MODULE [PARAMETERS...]: what it prints; two of them end by not being loaded.
peer() {
	module=$1
	shift
	dmesg -c >/dev/null
	insmod "./$module.ko" "$@" 2>/dev/null && rmmod "$module"
	dmesg | sed 's/^\[[^]]*\]\(\[[^]]*\]\)\{0,1\} //' >"/tmp/$module"
	cat "/tmp/$module"
}

# Ten rows of hits; none that never had an object. What is not loaded is tried twice by insmod.
objpool() {
	peer "$1_objpool" || true
	sed -n 's/^.*duration: \([0-9]*\)us[^h]*hits: *\([0-9]*\)[^m]*miss: *\([0-9]*\)\s*\(.*\)$/figure '"$1"' \4: \2 hits, \3 misses in \1 us/p' \
		"/tmp/$1_objpool" | tail -n 10 >/tmp/rows
	cat /tmp/rows
	[ "$(wc -l </tmp/rows)" -eq 10 ] && ! grep ': 0 hits' /tmp/rows
}

dmapool() {
	peer "$1_dmapool" || return 1
	sed -n 's/^dmapool test: \(.*\)$/figure '"$1"' dmapool \1 us/p' "/tmp/$1_dmapool" >/tmp/rows
	cat /tmp/rows
	[ -s /tmp/rows ]
}

page_frag() {
	peer "$1_page_frag" nr_test=50000 test_push_cpu=0 test_pop_cpu=1 "test_align=$2" || true
	sed -n 's/^\(.*: \)\{0,1\}\([0-9]* of iterations.*\)$/figure '"$1"' page_frag \2/p' "/tmp/$1_page_frag" |
		tail -n 1 >/tmp/rows
	cat /tmp/rows
	[ -s /tmp/rows ]
}

no_errors() {
	cat "$nebula/errors" "$nebula/info"
	[ "$(wc -l <"$nebula/errors")" -eq 1 ] && [ -z "$(ls "$nebula/allocators")" ]
}

step 'load nebula_memory' insmod ./nebula_memory.ko
# The kernel's object pool frees vmalloc memory in an RCU callback.
step_expect 'sleeping function called from invalid context' 'test_objpool.c on kernel' objpool kernel
step 'test_objpool.c on peer' objpool peer
for whose in kernel peer; do
	step "dmapool_test.c on $whose" dmapool $whose
	step "page_frag_test.c on $whose" page_frag $whose 0
	step "page_frag_test.c, aligned, on $whose" page_frag $whose 1
done
step 'nothing was recorded, nothing is left' no_errors
step 'unload nebula_memory' rmmod nebula_memory
