/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chunks: regions chained by an allocator that grows. A dropped chunk is unmapped only after a
 * grace period, in process context: lock-free readers may still walk through it, and the context
 * that drops it may not sleep.
 */
#ifndef _NEBULA_MODULE_CHUNK_H
#define _NEBULA_MODULE_CHUNK_H

#include <linux/atomic.h>
#include <linux/llist.h>
#include <linux/rcupdate.h>
#include "allocator.h"
#include "region.h"

/* One region of a chain. */
struct nebula_chunk {
	struct nebula_region region;	/* its memory */
	/* The older one, NULL for the oldest. Owner of the chain. */
	struct nebula_chunk *prev;
	/*
	 * The newer one. Published with release; owner of the chain. Others: nebula_chunk_read().
	 */
	struct nebula_chunk *next;
	size_t pos;			/* bytes of the chunks before it */
	/* Shared bump: sub-chunks taken from the bottom, grains taken from the top. Any context. */
	atomic64_t taken;
	/* in the list of the dropped ones, which wait for their grace period */
	struct llist_node free;
};

struct nebula_chunk *nebula_chunk_map(const struct nebula_region_request *req, int *err);
void nebula_chunk_unmap(struct nebula_chunk *chunk);
void nebula_chunk_unmap_later(struct nebula_chunk *chunk);
void nebula_chunks_flush(void);

/*
 * The chunk that @link names, for readers that do not own the chain. A reset may drop it at any
 * time, so it stays mapped only to the end of the RCU read-side section or of the stretch with
 * preemption off that the caller is in.
 */
static inline struct nebula_chunk *nebula_chunk_read(struct nebula_chunk *const *link)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), "chunk read outside of RCU");
	/* Pairs with the release that published the chunk. */
	return smp_load_acquire(link);
}

static inline unsigned long nebula_chunk_base(const struct nebula_chunk *chunk)
{
	return (unsigned long)chunk->region.base;
}

static inline unsigned long nebula_chunk_end(const struct nebula_chunk *chunk)
{
	return nebula_chunk_base(chunk) + chunk->region.size;
}

#endif /* _NEBULA_MODULE_CHUNK_H */
