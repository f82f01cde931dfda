// SPDX-License-Identifier: GPL-2.0-only
/*
 * Growth of the shared bump allocator: another chunk at the end of the chain. There are four ways:
 *
 *	the worker	ahead of need, when little is left of the newest chunk; sleeps
 *	the caller	of reserve; sleeps
 *	in place	an allocation that outran the worker and may not sleep: a few pages
 *	without a lock	the same in an NMI, or with interrupts off
 *
 * Those that sleep take turns by @grow_lock. The chain is extended, and the limit looked at, under
 * the raw @chain_lock: one that comes too late for the limit gives the chunk back.
 */
#include <linux/irq_work.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include "../compat.h"
#include "../core/context.h"
#include "../error/error.h"
#include "hooks.h"
#include "priv.h"

/*
 * Wish for another region, from any context; only the worker clears @growing. False when there will
 * be none: then the last one can be seen.
 */
bool bump_shared_kick(struct nebula_bump_heap *heap)
{
	if (!(heap->bump.common.flags & NEBULA_GROW))
		return false;
	/* Pairs with publish(). */
	if (smp_load_acquire(&heap->bump.capacity) >= heap->max_capacity)
		return false;
	if (atomic_read(&heap->growing))
		return true;
	/* One step: a task preempted between the two would keep all others from kicking. */
	preempt_disable();
	if (!atomic_xchg(&heap->growing, 1))
		nebula_kick(&heap->kick);
	preempt_enable();
	return true;
}

/*
 * Makes @chunk the newest; the release orders its contents before its address. False when there
 * would be more than the limit. Lock: @chain_lock.
 */
static bool publish_locked(struct nebula_bump_heap *heap, struct nebula_chunk *chunk)
{
	if (chunk->region.size > heap->max_capacity - heap->bump.capacity)
		return false;
	chunk->prev = heap->newest;
	chunk->pos = heap->bump.capacity;
	WRITE_ONCE(heap->low_water, bump_low_water(chunk));
	WRITE_ONCE(heap->regions, heap->regions + 1);
	WRITE_ONCE(heap->grows, heap->grows + 1);
	/* Both pair with the acquire in nebula_chunk_read(). */
	smp_store_release(&heap->newest->next, chunk);
	/* As above. */
	smp_store_release(&heap->newest, chunk);
	/* And with that in bump_shared_kick(). */
	smp_store_release(&heap->bump.capacity, heap->bump.capacity + chunk->region.size);
	return true;
}

/*
 * As publish_locked(); gives back what is too much. Growth in place may have come first, as it does
 * not take @grow_lock. Any context but NMI, process context for vmalloc memory.
 */
static bool publish(struct nebula_bump_heap *heap, struct nebula_chunk *chunk)
{
	unsigned long flags;
	bool published;

	raw_spin_lock_irqsave(&heap->chain_lock, flags);
	published = publish_locked(heap, chunk);
	raw_spin_unlock_irqrestore(&heap->chain_lock, flags);
	if (!published)
		nebula_chunk_unmap(chunk);
	return published;
}

/* Bytes of the newest chunk. A concurrent reset, which does not take @grow_lock, may drop it. */
static size_t newest_size(const struct nebula_bump_heap *heap)
{
	size_t size;

	rcu_read_lock();
	size = nebula_chunk_read(&heap->newest)->region.size;
	rcu_read_unlock();
	return size;
}

static size_t room_to_grow(const struct nebula_bump_heap *heap)
{
	return min_t(size_t, heap->max_capacity - READ_ONCE(heap->bump.capacity),
		     BUMP_SHARED_CAPACITY_MAX);
}

/*
 * Pages that were taken without a lock cannot be given back from an NMI: so the lock is taken
 * first, if it is free, and once they are there nothing stands in the way.
 */
static bool grow_nolock(struct nebula_bump_heap *heap, struct nebula_region_request *req)
{
	struct nebula_chunk *chunk = NULL;
	unsigned long flags;
	int err;

	if (!raw_spin_trylock_irqsave(&heap->chain_lock, flags))
		return false;
	req->size = min(req->size, ALIGN_DOWN(room_to_grow(heap), PAGE_SIZE));
	if (req->size)
		chunk = bump_map_chunk(heap, req, &err);
	if (chunk)
		publish_locked(heap, chunk);
	raw_spin_unlock_irqrestore(&heap->chain_lock, flags);
	return chunk;
}

/*
 * An allocation of at most @need bytes has outrun the worker: by a few pages, unless it is larger,
 * where the kernel may be asked for pages without sleeping. False when it grew by none, or by fewer
 * than that. Any context.
 */
bool bump_shared_grow_in_place(struct nebula_bump_heap *heap, size_t need)
{
	struct nebula_region_request req = heap->request;
	const size_t room = room_to_grow(heap);
	struct nebula_chunk *chunk;
	int err;

	if (req.backing == NEBULA_VMALLOC || room < PAGE_ALIGN(need))
		return false;
	req.size = min(max(PAGE_ALIGN(need), min(newest_size(heap), NEBULA_IN_PLACE_MAX)), room);
	req.gfp = nebula_gfp_in_place(req.gfp, 0);
	if (req.gfp == NEBULA_GFP_NOLOCK)
		return COMPAT_HAS_NOLOCK && grow_nolock(heap, &req);
	chunk = bump_map_chunk(heap, &req, &err);
	return chunk && publish(heap, chunk);
}

/* Lock: @grow_lock. */
static enum nebula_errc grow(struct nebula_bump_heap *heap, size_t need, gfp_t gfp)
{
	const size_t room = room_to_grow(heap);
	struct nebula_chunk *chunk;

	if (room < PAGE_ALIGN(need))
		return NEBULA_E_OUT_OF_MEMORY;
	chunk = bump_map_next(heap, min(2 * newest_size(heap), room), need, gfp);
	if (!chunk)
		return NEBULA_E_BACKING_FAILED;
	return publish(heap, chunk) ? NEBULA_OK : NEBULA_E_OUT_OF_MEMORY;
}

/*
 * Adds a region of at least @need bytes, and twice as large as the last, if it can. Process
 * context; sleeps.
 */
enum nebula_errc bump_shared_grow(struct nebula_bump_heap *heap, size_t need, gfp_t gfp)
{
	enum nebula_errc code;

	mutex_lock(&heap->grow_lock);
	code = grow(heap, need, gfp);
	mutex_unlock(&heap->grow_lock);
	return code;
}

static void grow_work(struct work_struct *work)
{
	struct nebula_bump_heap *heap = container_of(work, struct nebula_bump_heap, grow_work);
	enum nebula_errc code;

	code = bump_shared_grow(heap, 1, heap->request.gfp);
	if (code == NEBULA_E_BACKING_FAILED)
		nebula_fail(&heap->bump.common, code, .detail = NEBULA_D_GROWTH,
			    .what = "growth");
	atomic_set_release(&heap->growing, 0);	/* Pairs with the xchg in bump_shared_kick(). */
}

static void kick_work(struct irq_work *work)
{
	struct nebula_bump_heap *heap = container_of(work, struct nebula_bump_heap, kick);

	queue_work(compat_unbound_wq, &heap->grow_work);
}

/* Wait until growth that was kicked has ended. Process context; sleeps. */
void nebula_growth_flush(struct nebula_bump *b)
{
	irq_work_sync(&b->heap->kick);
	flush_work(&b->heap->grow_work);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_growth_flush);

/* Keep growth from happening until nebula_growth_release(). Process context; sleeps. */
void nebula_growth_hold(struct nebula_bump *b)
{
	mutex_lock(&b->heap->grow_lock);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_growth_hold);

/* Let growth happen again. Process context. */
void nebula_growth_release(struct nebula_bump *b)
{
	mutex_unlock(&b->heap->grow_lock);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_growth_release);

void bump_shared_grow_init(struct nebula_bump_heap *heap)
{
	init_irq_work(&heap->kick, kick_work);
	INIT_WORK(&heap->grow_work, grow_work);
	mutex_init(&heap->grow_lock);
}

/* Ends growth; no allocation is in flight that could kick it again. Process context. */
void bump_shared_grow_end(struct nebula_bump_heap *heap)
{
	nebula_irq_work_idle(&heap->kick);
	cancel_work_sync(&heap->grow_work);
}
