/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics of an allocator. Counting costs the hot path one plain increment; everything here is
 * computed when read.
 */
#ifndef _NEBULA_STATS_H
#define _NEBULA_STATS_H

#include <linux/types.h>
#include <nebula/error.h>

/**
 * struct nebula_stats - what an allocator did and holds
 * @allocs: allocations served.
 * @frees: objects given back, by a reset or restore for a bump allocator.
 * @live: objects in use.
 * @failures: refused requests, by code.
 * @failed: sum of @failures.
 * @bytes_in: bytes asked for and served, without padding.
 * @bytes_out: bytes given back, padding included, also by objects that shrink.
 * @used: bytes in use, padding included.
 * @available: bytes of @capacity not in use; @used + @available = @capacity.
 * @capacity: bytes mapped.
 * @max_capacity: bytes up to which it may grow; equal to @capacity without %NEBULA_GROW.
 * @peak: highest @used since it was made, or since nebula_peak_reset(): exact, but within the slack
 *	for a pool with caches, within a sub-chunk per CPU for a shared bump allocator, and within a
 *	sixteenth for a client's kind.
 * @padding: bytes ever lost to alignment and to ends of regions that nothing fitted in.
 * @resets: how often it was reset.
 * @regions: regions mapped.
 * @grows: how often a region was added.
 * @utilisation: @used of @capacity, in tenths of a percent.
 *
 * Read while no operation is in flight, all are exact. Read while the allocator is in use, each may
 * be off by the operations in flight, and a later read may give less than an earlier one; the next
 * read of an idle allocator is exact again. @padding falls by what an object grows into.
 */
struct nebula_stats {
	u64 allocs;
	u64 frees;
	u64 live;
	u64 failures[NEBULA_E_NR];
	u64 failed;
	u64 bytes_in;
	u64 bytes_out;
	u64 used;
	u64 available;
	u64 capacity;
	u64 max_capacity;
	u64 peak;
	u64 padding;
	u64 resets;
	u64 regions;
	u64 grows;
	unsigned int utilisation;
};

#define NEBULA_SIZE_CLASSES	32

/**
 * struct nebula_sizes - how often which sizes were asked for
 * @count: entry i is of sizes from 2^i to 2^(i+1) - 1 bytes; the last one of all that are larger,
 *	too.
 */
struct nebula_sizes {
	u64 count[NEBULA_SIZE_CLASSES];
};

#endif /* _NEBULA_STATS_H */
