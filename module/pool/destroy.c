// SPDX-License-Identifier: GPL-2.0-only
/*
 * Destroying a pool: at once, or from any context after a grace period, see core/later.c. Until the
 * grace period is over the pool is marked as leaving, by test_and_set_bit(): an NMI that interrupts
 * destroy_rcu() and calls it for the same pool is refused, and no pool leaves twice.
 *
 * The module that owns the pool may be unloaded in between: that waits until the pool is gone.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "../core/context.h"
#include "../error/error.h"
#include "hooks.h"
#include "priv.h"

/* All that a pool consists of. Process context; sleeps. */
void pool_heap_free(struct nebula_pool_heap *heap)
{
	struct pool_table *tab = rcu_dereference_protected(heap->table, true);
	unsigned long i;

	if (tab) {
		for (i = 0; i < tab->nr; i++)
			pool_segment_destroy(tab->seg[i]);
		kvfree(tab);
	} else if (heap->primary) {
		pool_segment_destroy(heap->primary);
	}
	pool_magazines_destroy(heap);
	kfree(heap);
}

/* The first half of taking it down: no call is made any more, and nothing is deferred. */
void pool_retire(struct nebula_pool_heap *heap)
{
	nebula_irq_work_idle(&heap->kick);
	cancel_work_sync(&heap->grow_work);
	cancel_work_sync(&heap->rcu_work);
	pool_trim_end(heap);
	if (pool_live(heap))
		pool_report_leaks(heap);
	nebula_allocator_unregister(&heap->pool.common);
	nebula_irq_work_idle(&heap->kick);
}

/* Is it used by what must not lose it? That is recorded then. Any context. */
static bool is_in_use(struct nebula_pool_heap *heap, const char *what)
{
	struct nebula_allocator *a = &heap->pool.common;

	if (nebula_pool_waiters(&heap->pool))
		nebula_fail(a, NEBULA_E_INVALID_STATE, .detail = NEBULA_D_WAITERS, .what = what);
	else if (atomic_read(&heap->reserves))
		nebula_fail(a, NEBULA_E_INVALID_STATE, .detail = NEBULA_D_RESERVES, .what = what);
	else
		return nebula_allocator_in_use(a);
	return true;
}

static void fail_leaving(struct nebula_pool_heap *heap, const char *what)
{
	nebula_fail(&heap->pool.common, NEBULA_E_INVALID_STATE, .detail = NEBULA_D_LEAVING,
		    .what = what);
}

/* Callbacks of the client may be about to free blocks, and one of ours to fetch some. */
static bool has_callbacks(const struct nebula_pool_heap *heap)
{
	return pool_live(heap) || READ_ONCE(heap->wait_pending);
}

/* No call on the pool is made any more. Process context; sleeps. */
static void quiesce(struct nebula_pool_heap *heap)
{
	if (has_callbacks(heap))
		rcu_barrier();
	pool_rcu_quiesce(heap);
	pool_retire(heap);
}

void nebula_pool_destroy(struct nebula_pool *p)
{
	struct nebula_pool_heap *heap = pool_heap(p);

	if (IS_ERR_OR_NULL(p))
		return;
	if (nebula_atomic_context()) {
		nebula_fail(&p->common, NEBULA_E_WRONG_CONTEXT, .what = "destroy");
		return;
	}
	if (test_bit(POOL_LEAVING, &heap->wishes)) {
		fail_leaving(heap, "destroy");
		return;
	}
	if (is_in_use(heap, "destroy"))
		return;
	quiesce(heap);
	synchronize_rcu();
	pool_heap_free(heap);
}
EXPORT_SYMBOL_GPL(nebula_pool_destroy);

static struct nebula_pool_heap *leaving_heap(struct nebula_later *later)
{
	return container_of(later, struct nebula_pool_heap, leaving);
}

/* Walks of its memory have ended. */
static void free_leaving(struct nebula_later *later)
{
	pool_heap_free(leaving_heap(later));
}

/* Readers that found the pool have ended. One that they brought into use stays. */
static void take_down_leaving(struct nebula_later *later)
{
	struct nebula_pool_heap *heap = leaving_heap(later);

	if (is_in_use(heap, "destroy_rcu")) {
		clear_bit(POOL_LEAVING, &heap->wishes);
		return;
	}
	quiesce(heap);
	nebula_later(later, free_leaving);
}

void nebula_pool_destroy_rcu(struct nebula_pool *p)
{
	struct nebula_pool_heap *heap = pool_heap(p);

	if (IS_ERR_OR_NULL(p) || is_in_use(heap, "destroy_rcu"))
		return;
	if (test_and_set_bit(POOL_LEAVING, &heap->wishes)) {
		fail_leaving(heap, "destroy_rcu");
		return;
	}
	nebula_later(&heap->leaving, take_down_leaving);
}
EXPORT_SYMBOL_GPL(nebula_pool_destroy_rcu);
