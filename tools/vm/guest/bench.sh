# shellcheck shell=dash
# Measures what the kernel argument nebula_bench names, results or scaling, and prints it as the
# benchmark's module gives it. Run by tools/bench/bench.sh.

nebula=/sys/kernel/debug/nebula_memory/allocators/nebula_bench_memory
bench=/sys/kernel/debug/nebula_bench

# What the module holds, see tools/bench/memory.c.
objects=1000
object_bytes=$((objects * 64))

# memory_line NOUN NAME TARGET BYTES TITLE: a line as those of the module; the target is in
# hundredths of a percent.
memory_line() {
	[ -n "$4" ] && echo "noun=$1 name=$2 error=0 bytes=$4 of=$object_bytes target=$3 kind=memory title=$5"
}

pool_bytes() {
	sed -n "s/^$1: *\([0-9]*\).*/\1/p" "$nebula/info"
}

# Pages that slabs have; see slabinfo(5).
slab_bytes() {
	awk '$1 == "nebula_bench_memory" { print $6 * $15 * 4096 - '$object_bytes' }' /proc/slabinfo
}

memory() {
	memory_line kernel kmem_cache_memory -1 "$(slab_bytes)" 'kmem_cache, slabs alone' &&
		memory_line pool pool_memory 1000 "$(pool_bytes overhead)" 'pool, all of it' &&
		memory_line pool pool_slack -1 "$(pool_bytes "slack bytes")" 'pool, spare blocks'
}

step 'load nebula_memory' insmod ./nebula_memory.ko
step 'load nebula_bench' insmod ./nebula_bench.ko
step 'measure' cat "$bench/$nebula_bench"
[ "$nebula_bench" != scaling ] || step 'memory beyond the objects' memory
step 'unload nebula_bench' rmmod nebula_bench
step 'unload nebula_memory' rmmod nebula_memory
