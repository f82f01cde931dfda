/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chunks: regions chained by an allocator that grows. A chunk is freed only after a grace period,
 * in process context, because lock-free readers may be looking at it and whoever lets go of it
 * may not sleep.
 */
#ifndef _NEBULA_MODULE_CHUNK_H
#define _NEBULA_MODULE_CHUNK_H

#include <linux/atomic.h>
#include <linux/llist.h>
#include "internal.h"

/**
 * struct nebula_chunk - one region of a chain
 * @region: its memory.
 * @prev: the older one, NULL for the oldest. Owner of the chain.
 * @next: the newer one. Published with release; owner of the chain.
 * @pos: bytes of the chunks before it.
 * @taken: shared bump: sub-chunks taken from the bottom, grains taken from the top. Any context.
 * @free: in the list of those waiting for their grace period.
 */
struct nebula_chunk {
	struct nebula_region region;
	struct nebula_chunk *prev;
	struct nebula_chunk *next;
	size_t pos;
	atomic64_t taken;
	struct llist_node free;
};

struct nebula_chunk *nebula_chunk_map(const struct nebula_region_request *req, int *err);
void nebula_chunk_unmap(struct nebula_chunk *chunk);
void nebula_chunk_unmap_later(struct nebula_chunk *chunk);

static inline unsigned long nebula_chunk_base(const struct nebula_chunk *chunk)
{
	return (unsigned long)chunk->region.base;
}

static inline unsigned long nebula_chunk_end(const struct nebula_chunk *chunk)
{
	return nebula_chunk_base(chunk) + chunk->region.size;
}

#endif /* _NEBULA_MODULE_CHUNK_H */
