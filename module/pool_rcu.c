// SPDX-License-Identifier: GPL-2.0-only
/*
 * Freeing after a grace period, from any context, without memory for it in the block: readers may
 * still be looking at that.
 *
 * A block that is deferred has its bit set in a bitmap. One grace period at a time is under way for
 * a pool; when it starts, the bits are moved to a second bitmap, whose blocks are freed when it
 * ends. What is deferred meanwhile waits for the next one.
 *
 *	free_rcu  set bit; full barrier; busy? no: start
 *	end	  free what has matured; not busy; full barrier; bits? start
 *
 * So either the one who defers sees that nobody is busy, or the one who ends sees the bit.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include "pool.h"

static unsigned long words_of(const struct pool_segment *seg)
{
	return seg->loose[0].nr_words;
}

/* What was deferred by now matures with the grace period that begins now. */
static bool collect(struct nebula_pool_heap *heap)
{
	struct pool_segment *seg;
	unsigned long w, all = 0;

	rcu_read_lock();
	pool_for_each_segment(seg, heap) {
		for (w = 0; w < words_of(seg); w++) {
			if (READ_ONCE(seg->deferred[w]))
				seg->maturing[w] |= xchg(&seg->deferred[w], 0);
			all |= seg->maturing[w];
		}
	}
	rcu_read_unlock();
	return all;
}

static void free_matured(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned long w)
{
	unsigned long bits = seg->maturing[w], index;

	seg->maturing[w] = 0;
	for (; bits; bits &= bits - 1) {
		index = w * BITS_PER_LONG + __ffs(bits);
		preempt_disable();
		WRITE_ONCE(seg->state[index], NEBULA_POOL_FREE);
		pool_release(heap, seg, index);
		preempt_enable();
		atomic_long_dec(&heap->rcu_pending);
	}
}

static void mature(struct rcu_head *head)
{
	struct nebula_pool_heap *heap = container_of(head, struct nebula_pool_heap, rcu);
	struct pool_segment *seg;
	unsigned long w;

	rcu_read_lock();
	pool_for_each_segment(seg, heap)
		for (w = 0; w < words_of(seg); w++)
			if (seg->maturing[w])
				free_matured(heap, seg, w);
	rcu_read_unlock();
	atomic_set_release(&heap->rcu_busy, 0);
	/* Pairs with the exchange of @wishes in pool_wish(). */
	smp_mb();
	if (atomic_long_read(&heap->rcu_pending))
		pool_wish(heap, POOL_WISH_RCU);
}

/* From the irq_work. */
void pool_rcu_start(struct nebula_pool_heap *heap)
{
	if (atomic_xchg(&heap->rcu_busy, 1))
		return;
	if (collect(heap))
		call_rcu(&heap->rcu, mature);
	else
		atomic_set_release(&heap->rcu_busy, 0);
}

/**
 * nebula_pool_free_rcu() - free a block after a grace period
 * @p: the pool.
 * @obj: a block of it; %NULL and %ZERO_SIZE_PTR are fine.
 *
 * Until then the block is live, and its contents are left alone. Checked as nebula_pool_free().
 *
 * Context: any, NMI included; does not sleep.
 */
void nebula_pool_free_rcu(struct nebula_pool *p, void *obj)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	struct pool_segment *seg;
	unsigned long index;

	if (ZERO_OR_NULL_PTR(obj))
		return;
	preempt_disable();
	seg = pool_find(heap, obj, &index);
	if (seg && pool_change_state(heap, seg, index, POOL_DEFERRED)) {
		if (seg->tracks)
			pool_guard_note_free(seg, index);
		/* Pending before it can mature. */
		atomic_long_inc(&heap->rcu_pending);
		WRITE_ONCE(heap->rcu_used, true);
		set_bit(index, seg->deferred);
		pool_wish(heap, POOL_WISH_RCU);
	} else {
		pool_refuse(heap, obj, "free_rcu");
	}
	preempt_enable();
}
EXPORT_SYMBOL_GPL(nebula_pool_free_rcu);

/* Has the rest of what was deferred wait for a grace period; false: there is none. Any context. */
bool pool_rcu_push(struct nebula_pool_heap *heap)
{
	if (!atomic_long_read(&heap->rcu_pending) && !atomic_read(&heap->rcu_busy))
		return false;
	pool_wish(heap, POOL_WISH_RCU);
	return true;
}

/* Waits until nothing is deferred; nobody defers any more. Process context; sleeps. */
void pool_rcu_quiesce(struct nebula_pool_heap *heap)
{
	if (!READ_ONCE(heap->rcu_used))
		return;
	while (pool_rcu_push(heap)) {
		irq_work_sync(&heap->kick);
		rcu_barrier();
	}
	/* The callback may have kicked once more before it returned. */
	rcu_barrier();
}

/**
 * nebula_pool_rcu_flush() - wait until all blocks given to free_rcu before are free
 * @p: the pool.
 *
 * Context: process context; sleeps.
 */
void nebula_pool_rcu_flush(struct nebula_pool *p)
{
	pool_rcu_quiesce(pool_heap(p));
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_pool_rcu_flush);
