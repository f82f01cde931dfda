# SPDX-License-Identifier: GPL-2.0-only
# Writes what the charts show into files in dir, for gnuplot: a bar or a group of bars a line, fields
# separated by tabs. Called by charts.sh: awk -v dir=DIR -f json.awk -f charts.awk bench.json
#
#   operations   title, instructions, 1 for us and 0 for the kernel
#   sizes        bytes, then a column for each allocator of the first line
#   worst        title, median, 99.9%, worst, of single operations
#   scaling      title, times that two CPUs do of what one does, 1 for us

/"kernel": / && !is_row($0) {
	kernel = json_get($0, "kernel")
}

/"cpu": / && !is_row($0) {
	cpu = json_get($0, "cpu")
}

is_row($0) {
	name = json_get($0, "name")
	title[name] = json_get($0, "title")
	counted[name] = json_get($0, "init_on_alloc_0")
	percentiles[name] = json_get($0, "percentiles")
	one[name] = json_get($0, "one_cpu")
	two[name] = json_get($0, "two_cpus")
	ours[name] = json_get($0, "noun") == "kernel" ? 0 : 1
}

# What a chart shows, from below to above or from left to right.
function chosen(text) {
	return split(text, choice, " ")
}

function operations(    n, i, name) {
	n = chosen("bump_alloc bump_shared_alloc pool_bulk scratch_pair stack_pair pool_pair" \
		" pool_pair_strict page_frag_pair kmem_cache_bulk kmem_cache_pair kmalloc_pair mempool_pair gen_pool_pair")
	for (i = n; i; i--) {
		name = choice[i]
		if (counted[name] != "")
			printf "%s\t%s\t%d\n", title[name], counted[name], ours[name] > (dir "/operations")
	}
}

function sizes(    n, i, j, kinds, column, columns) {
	columns = split("kmalloc kmem_cache page_frag pool stack scratch bump", column, " ")
	printf "bytes" > (dir "/sizes")
	for (j = 1; j <= columns; j++)
		printf "\t%s", column[j] > (dir "/sizes")
	printf "\n" > (dir "/sizes")
	n = chosen("16 64 256 1024 4096")
	for (i = 1; i <= n; i++) {
		printf "%s", choice[i] > (dir "/sizes")
		for (j = 1; j <= columns; j++)
			printf "\t%s", counted["size_" column[j] "_" choice[i]] > (dir "/sizes")
		printf "\n" > (dir "/sizes")
	}
}

function worst(    n, i, p) {
	n = chosen("kmem_cache_alloc_single kmem_cache_free_single mempool_alloc_single gen_pool_alloc_single" \
		" page_frag_alloc_single pool_alloc_single pool_free_single stack_alloc_single scratch_get_single" \
		" bump_shared_alloc_single bump_alloc_single")
	for (i = 1; i <= n; i++) {
		if (split(percentiles[choice[i]], p, " ") == 5)
			printf "%s\t%s\t%s\t%s\n", title[choice[i]], p[1], p[3], p[5] > (dir "/worst")
	}
}

function scaling(    n, i) {
	n = chosen("kmalloc_scaling kmem_cache_scaling mempool_scaling gen_pool_scaling pool_scaling" \
		" pool_strict_scaling bump_shared_scaling scratch_scaling")
	for (i = 1; i <= n; i++) {
		sub(/:.*/, "", title[choice[i]])
		if (one[choice[i]] > 0)
			printf "%s\t%.2f\t%d\n", title[choice[i]], two[choice[i]] / one[choice[i]],
				ours[choice[i]] > (dir "/scaling")
	}
}

END {
	operations()
	sizes()
	worst()
	scaling()
	printf "%s, %s", kernel, cpu > (dir "/about")
}
