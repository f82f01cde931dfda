# SPDX-License-Identifier: GPL-2.0-only
# What several measurements of one thing say. Used with the programs that have such:
# awk -f repeats.awk -f PROGRAM.

# repeats_sort(LIST, N): puts the numbers LIST[1] to LIST[N] in order.
function repeats_sort(list, n,    i, j, swap) {
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && list[j] < list[j - 1]; j--) {
			swap = list[j]
			list[j] = list[j - 1]
			list[j - 1] = swap
		}
}

# repeats_median(LIST, N): of a list in order.
function repeats_median(list, n) {
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

# repeats_spread(LIST, N): how far apart they are, percent of the median.
function repeats_spread(list, n,    median) {
	median = repeats_median(list, n)
	return median > 0 ? 100 * (list[n] - list[1]) / median : 0
}
