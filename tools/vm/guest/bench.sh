# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Measures what the kernel argument nebula_bench names, files of the benchmark's module separated by
# commas, and prints it as the module gives it. Run by the scripts in tools/bench/.

allocators=/sys/kernel/debug/nebula_memory/allocators
bench=/sys/kernel/debug/nebula_bench

# What the module holds of each size, see tools/bench/memory.c.
objects=1000

# memory_line NOUN WHAT SIZE BYTES TARGET: a line as those of the module; the target is in hundredths
# of a byte for each object.
memory_line() {
	[ -n "$4" ] || return 1
	echo "noun=$1 name=memory_$2_$3 error=0 bytes=$4 objects=$objects target=$5 kind=memory" \
		"by=memory variant=$3 title=$2"
}

pool_bytes() {
	sed -n "s/^$2: *\([0-9]*\).*/\1/p" "$allocators/nebula_bench_$1/info"
}

# Pages that slabs have; see slabinfo(5).
slab_bytes() {
	awk '$1 == "nebula_bench_'"$1"'" { print $6 * $15 * 4096 - '$objects' * '"$1"' }' /proc/slabinfo
}

# What a pool and a kmem_cache take beyond their objects. A tenth of 64 bytes is the target.
memory() {
	local size target
	cat "$bench/memory"
	for size in 48 64 100 600 1100; do
		target=-1
		[ "$size" != 64 ] || target=640
		memory_line kernel kmem_cache "$size" "$(slab_bytes "$size")" -1 || return 1
		memory_line memory pool "$size" "$(pool_bytes "$size" overhead)" "$target" || return 1
		memory_line memory spare "$size" "$(pool_bytes "$size" 'slack bytes')" -1 || return 1
	done
}

measure() {
	case $1 in
	memory) memory ;;
	*) cat "$bench/$1" ;;
	esac
}

step 'load nebula_memory' insmod ./nebula_memory.ko
step 'load nebula_bench' insmod ./nebula_bench.ko
for file in $(echo "$nebula_bench" | tr , ' '); do
	step "measure $file" measure "$file"
done
step 'unload nebula_bench' rmmod nebula_bench
step 'unload nebula_memory' rmmod nebula_memory
