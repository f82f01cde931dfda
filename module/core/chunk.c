// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chunks: mapping in process context, unmapping from any context.
 *
 * An owner may reset or rewind in NMI. A chunk that it drops goes onto a lock-free list, and an
 * irq_work queues the worker: queue_work() takes a lock of the kernel's. The worker waits for a
 * grace period, after which no reader is left, and unmaps.
 */
#include <linux/debug_locks.h>
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "../compat.h"
#include "chunk.h"
#include "context.h"
#include "inject.h"
#include "kasan.h"

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

static void queue_unmap(struct irq_work *work)
{
	queue_work(compat_unbound_wq, &unmap_work);
}

static DEFINE_IRQ_WORK(unmap_kick, queue_unmap);

/*
 * Map a region as a chunk. Context: as @req->gfp, any with NEBULA_GFP_NOLOCK. Returns the chunk,
 * or NULL with @err set.
 */
struct nebula_chunk *nebula_chunk_map(const struct nebula_region_request *req, int *err)
{
	struct nebula_chunk *chunk;

	*err = -ENOMEM;
	chunk = nebula_meta_alloc(sizeof(*chunk), req->gfp & ~__GFP_ZERO);
	if (!chunk)
		return NULL;
	*err = nebula_region_map(&chunk->region, req);
	if (!*err)
		return chunk;
	nebula_meta_free(chunk, req->gfp);
	return NULL;
}

/* Process context, when no reader is left. NULL is fine. */
void nebula_chunk_unmap(struct nebula_chunk *chunk)
{
	if (!chunk)
		return;
	nebula_region_unmap(&chunk->region);
	kfree(chunk);
}

/* Any context. The caller has unlinked the chunk. NULL is fine. */
void nebula_chunk_unmap_later(struct nebula_chunk *chunk)
{
	if (!chunk)
		return;
	nebula_kasan_retire(&chunk->region);
	debug_check_no_locks_freed(chunk->region.base, chunk->region.size);
	/*
	 * Only the first one of a batch needs a kick: the worker takes the whole list. One step: a
	 * task preempted between the two would hold up those that are added after it.
	 */
	preempt_disable();
	if (llist_add(&chunk->free, &waiting))
		nebula_kick(&unmap_kick);
	preempt_enable();
}

/* Wait until all chunks dropped before the call are unmapped. Process context; sleeps. */
void nebula_chunks_flush(void)
{
	nebula_irq_work_sync(&unmap_kick);
	flush_work(&unmap_work);
}

/* Waits until an irq_work that several tasks may wait for is idle; see context.h. */
void nebula_irq_work_sync(struct irq_work *work)
{
	static DEFINE_MUTEX(lock);

	mutex_lock(&lock);
	irq_work_sync(work);
	mutex_unlock(&lock);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_chunks_flush);
