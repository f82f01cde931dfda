// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunks: mapping, and unmapping from contexts that may not sleep.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "compat.h"
#include "chunk.h"

static LLIST_HEAD(waiting);

static void unmap_waiting(struct work_struct *work)
{
	struct llist_node *list = llist_del_all(&waiting);
	struct nebula_chunk *chunk, *next;

	if (!list)
		return;
	synchronize_rcu();
	llist_for_each_entry_safe(chunk, next, list, free)
		nebula_chunk_unmap(chunk);
}

static DECLARE_WORK(unmap_work, unmap_waiting);

/**
 * nebula_chunk_map() - map a region as a chunk
 * @req: the region.
 * @err: why there is none: -ENOMEM, -EINVAL or -EOVERFLOW, see nebula_region_map().
 *
 * Context: as @req->gfp; not NMI.
 * Return: the chunk, or %NULL with @err set.
 */
struct nebula_chunk *nebula_chunk_map(const struct nebula_region_request *req, int *err)
{
	struct nebula_chunk *chunk;

	*err = -ENOMEM;
	chunk = nebula_fault_hit() ? NULL : kzalloc(sizeof(*chunk), req->gfp & ~__GFP_ZERO);
	if (!chunk)
		return NULL;
	*err = nebula_region_map(&chunk->region, req);
	if (!*err)
		return chunk;
	kfree(chunk);
	return NULL;
}

/* Process context; nobody can be looking at it any more. NULL is fine. */
void nebula_chunk_unmap(struct nebula_chunk *chunk)
{
	if (!chunk)
		return;
	nebula_region_unmap(&chunk->region);
	kfree(chunk);
}

/* Any context but NMI. NULL is fine. */
void nebula_chunk_unmap_later(struct nebula_chunk *chunk)
{
	if (!chunk)
		return;
	llist_add(&chunk->free, &waiting);
	queue_work(compat_unbound_wq, &unmap_work);
}

/**
 * nebula_chunks_flush() - wait until all chunks let go of before are unmapped
 *
 * Context: process context; sleeps.
 */
void nebula_chunks_flush(void)
{
	flush_work(&unmap_work);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_chunks_flush);
