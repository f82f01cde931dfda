// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: how much there is, what was done, and how much of it there ever was. Any context.
 *
 * What is live is what is in no bitmap and in no magazine; what was freed is what was allocated and
 * is not live. All is exact while nothing is under way, and off by what is under way else.
 */
#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include "../core/guard_page.h"
#include "../core/stats.h"
#include "hooks.h"
#include "priv.h"

/* Blocks that are live. */
unsigned long pool_live(const struct nebula_pool_heap *heap)
{
	long live = (long)READ_ONCE(heap->blocks) - atomic_long_read(&heap->avail);
	int cpu;

	for_each_possible_cpu(cpu)
		live -= pool_cached(per_cpu_ptr(heap->cpus, cpu));
	return max(live, 0L);
}

static unsigned long pool_allocs(const struct nebula_pool_heap *heap)
{
	unsigned long allocs = atomic_long_read(&heap->direct_allocs);
	int cpu;

	for_each_possible_cpu(cpu)
		allocs += READ_ONCE(per_cpu_ptr(heap->cpus, cpu)->allocs);
	return allocs;
}

/*
 * @live blocks are or were live. Seen from the bitmaps that is as many too many as other CPUs have
 * in their magazines: never more than there is slack.
 */
void pool_note_peak(struct nebula_pool_heap *heap, long live)
{
	if (live > 0)
		nebula_peak_raise(&heap->peak,
				  min_t(unsigned long, live, READ_ONCE(heap->nominal)));
}

/*
 * Takes @n of the blocks that a strict pool promises, all or none. A growing pool may promise more
 * at any moment, and less after a grace period. Only what exceeds @noted can be a new peak.
 * Preemption off.
 */
bool pool_take_promised(struct nebula_pool_heap *heap, unsigned long n)
{
	long noted = READ_ONCE(heap->noted), taken = atomic_long_read(&heap->taken), then;

	do {
		then = taken + n;
		if (then > READ_ONCE(heap->nominal))
			return false;
	} while (!atomic_long_try_cmpxchg(&heap->taken, &taken, then));
	nebula_peak_raise(&heap->peak, then);
	/* Not if the peak begins anew just now. */
	if (then > noted)
		cmpxchg(&heap->noted, noted, then);
	return true;
}

/* What is live now is the peak from now on. */
void pool_reset_peak(struct nebula_allocator *a)
{
	struct nebula_pool_heap *heap = pool_heap_of(a);

	WRITE_ONCE(heap->noted, 0);
	WRITE_ONCE(heap->peak, pool_live(heap));
}

/* Blocks as bytes; more than were promised may be in use. */
void pool_usage(const struct nebula_allocator *a, struct nebula_usage *u)
{
	const struct nebula_pool_heap *heap = pool_heap_of(a);
	const size_t size = heap->pool.block_size;
	unsigned long live = pool_live(heap), nominal = READ_ONCE(heap->nominal);

	u->used = live * size;
	u->capacity = max(nominal, live) * size;
	u->available = u->capacity - u->used;
	u->max_capacity = max_t(size_t, u->capacity,
				a->flags & NEBULA_GROW ? heap->max_blocks * size : 0);
	u->peak = max(READ_ONCE(heap->peak), live) * size;
	u->promised = nominal * size;
	u->unit = size;
	u->buffer = heap->request.backing == NEBULA_BUFFER;
	u->budget = heap->request.budget;
	u->waiters = nebula_pool_waiters(&heap->pool);
	/* Growth in place may have left nothing for the growth that is under way. */
	u->growth_pending = u->capacity < u->max_capacity &&
			    (test_bit(POOL_WISH_GROW, &heap->wishes) || READ_ONCE(heap->growing));
}

void pool_stats(const struct nebula_allocator *a, struct nebula_stats *st)
{
	const struct nebula_pool_heap *heap = pool_heap_of(a);
	const size_t size = heap->pool.block_size;
	unsigned long allocs = pool_allocs(heap);

	st->allocs = allocs;
	st->frees = allocs - min(pool_live(heap), allocs);
	st->bytes_in = st->allocs * size;
	st->bytes_out = st->frees * size;
	st->resets = READ_ONCE(heap->resets);
	preempt_disable();
	st->regions = pool_table(heap)->nr;
	preempt_enable();
	st->grows = READ_ONCE(heap->grows);
}

unsigned int nebula_pool_used(const struct nebula_pool *p)
{
	return pool_live(pool_heap(p));
}
EXPORT_SYMBOL_GPL(nebula_pool_used);

unsigned int nebula_pool_capacity(const struct nebula_pool *p)
{
	return READ_ONCE(pool_heap(p)->nominal);
}
EXPORT_SYMBOL_GPL(nebula_pool_capacity);

unsigned int nebula_pool_available(const struct nebula_pool *p)
{
	unsigned long used = pool_live(pool_heap(p)), capacity = READ_ONCE(pool_heap(p)->nominal);

	return capacity > used ? capacity - used : 0;
}
EXPORT_SYMBOL_GPL(nebula_pool_available);

bool nebula_pool_owns(const struct nebula_pool *p, const void *obj)
{
	bool inside;

	preempt_disable();
	inside = pool_is_inside(pool_heap(p), obj);
	preempt_enable();
	return inside || nebula_guard_page_holds(&p->common, obj, 0);
}
EXPORT_SYMBOL_GPL(nebula_pool_owns);
