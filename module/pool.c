// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: alloc and free where they are not inline.
 *
 * Everything on the way of an allocation or a free runs in any context, with preemption off while
 * it looks at segments.
 */
#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <trace/events/nebula.h>
#include "pool.h"

/* Asks for something that not every context may do; see kick_work(). Any context. */
void pool_wish(struct nebula_pool_heap *heap, unsigned int wish)
{
	nebula_kick_for(wish, &heap->wishes, &heap->kick);
}

/* Live blocks, off by the operations in flight on other CPUs. Any context. */
unsigned long pool_live(const struct nebula_pool_heap *heap)
{
	const struct pool_segment *seg;
	long live = 0;
	int cpu;

	rcu_read_lock();
	pool_for_each_segment(seg, heap) {
		for_each_possible_cpu(cpu) {
			const struct nebula_pool_cpu *pc = per_cpu_ptr(seg->cpus, cpu);

			live += READ_ONCE(pc->out);
			live -= READ_ONCE(pc->count) & (NEBULA_POOL_BUSY - 1);
		}
	}
	rcu_read_unlock();
	return clamp(live, 0L, (long)READ_ONCE(heap->blocks));
}

/*
 * A CPU allocates from its cache, and whatever leaves depot and loose blocks otherwise than into
 * it; it frees into its cache, and whatever comes back to them otherwise than from it. Any context.
 */
void pool_count_all(const struct nebula_pool_heap *heap, struct pool_counts *sum)
{
	const struct pool_segment *seg;
	unsigned long gone, withheld;
	long allocs = 0, frees = 0;
	int cpu;

	rcu_read_lock();
	gone = READ_ONCE(heap->allocs_gone);
	pool_for_each_segment(seg, heap) {
		for_each_possible_cpu(cpu) {
			const struct nebula_pool_cpu *pc = per_cpu_ptr(seg->cpus, cpu);
			const unsigned long past = READ_ONCE(pc->allocs) + READ_ONCE(pc->returned) -
						   READ_ONCE(pc->filled);

			allocs += past + READ_ONCE(pc->out);
			frees += past + (READ_ONCE(pc->count) & (NEBULA_POOL_BUSY - 1));
		}
	}
	rcu_read_unlock();
	withheld = atomic_long_read(&heap->withheld);
	sum->allocs = max(allocs + (long)(gone - withheld), 0L);
	sum->frees = max(frees + (long)(gone - withheld), 0L);
}

/* How often blocks were made available to all CPUs. */
static unsigned long sum_returned(const struct nebula_pool_heap *heap)
{
	const struct pool_segment *seg;
	unsigned long sum = 0;
	int cpu;

	pool_for_each_segment(seg, heap)
		for_each_possible_cpu(cpu)
			sum += READ_ONCE(per_cpu_ptr(seg->cpus, cpu)->returned);
	return sum;
}

/*
 * What may be allocated before the peak has to be looked at again is shared out; when that is less
 * than a block for each CPU, this one gets it and all others have to look first.
 */
static void share_room(struct nebula_pool_heap *heap, struct nebula_pool_cpu *mine, long room)
{
	long share = room / (long)(num_possible_cpus() * READ_ONCE(heap->segments));
	struct pool_segment *seg;
	int cpu;

	pool_for_each_segment(seg, heap) {
		for_each_possible_cpu(cpu) {
			struct nebula_pool_cpu *pc = per_cpu_ptr(seg->cpus, cpu);

			WRITE_ONCE(pc->high, share ? READ_ONCE(pc->out) + share : LONG_MIN);
		}
	}
	if (!share)
		WRITE_ONCE(mine->high, READ_ONCE(mine->out) + room);
}

noinline void pool_look_at_peak(struct nebula_pool_heap *heap, struct pool_segment *seg)
{
	unsigned long returned;
	long live;

	rcu_read_lock();
	returned = sum_returned(heap);
	smp_rmb();	/* Pairs with the barrier of a free, as in find_block(). */
	live = pool_live(heap);
	smp_rmb();	/* Likewise. */
	/*
	 * A block that one CPU frees and another allocates may be in the sum twice. Without those
	 * that came back since before the sum it is no more than were live at once, or in a free
	 * that has not returned.
	 */
	pool_raise_peak(heap, live - (long)(sum_returned(heap) - returned));
	share_room(heap, raw_cpu_ptr(seg->cpus), (long)READ_ONCE(heap->peak) - live);
	rcu_read_unlock();
}

/* What is live now is the peak from now on. Any context. */
void pool_reset_peak(struct nebula_pool_heap *heap)
{
	WRITE_ONCE(heap->peak, min(pool_live(heap), READ_ONCE(heap->nominal)));
	preempt_disable();
	/* No CPU has room: each looks at the peak with its next allocation. */
	share_room(heap, raw_cpu_ptr(heap->primary.cpus), 0);
	preempt_enable();
}

static void *take_from(struct nebula_pool_heap *heap, struct pool_segment *seg, bool claimed)
{
	unsigned long index = claimed ? pool_take_claimed(heap, seg) : pool_take(heap, seg);

	return index == POOL_NONE ? NULL : pool_block(seg, index);
}

static void *look_everywhere(struct nebula_pool_heap *heap, bool claimed)
{
	struct pool_segment *seg;
	void *obj;

	pool_for_each_segment(seg, heap) {
		if (atomic_read(&seg->mode) != POOL_OPEN)
			continue;
		obj = take_from(heap, seg, claimed);
		if (obj)
			return obj;
	}
	/* Before an allocation is refused, shrink is kept from taking a segment away. */
	pool_for_each_segment(seg, heap) {
		if (atomic_cmpxchg(&seg->mode, POOL_CLOSING, POOL_OPEN) != POOL_CLOSING)
			continue;
		obj = take_from(heap, seg, claimed);
		if (obj)
			return obj;
	}
	return NULL;
}

/*
 * Finds a block, or proves that there is none.
 *
 * The search looks at places one after another, and a block may move from one it has yet to see to
 * one it has passed: a context takes the block there, and puts one here. A put is counted after the
 * block was put and before its context does anything else, so each context makes at most one put
 * that is not counted. When the count is the same before and after the search, each put behind it
 * is still under way, and that context had nothing but this block: as many blocks are live, or in a
 * free that has not returned, as the search would have had to find. When the count differs a free
 * has ended during the search, which begins again; it waits for nothing. (A put that was counted
 * before the block was put could end behind the search, and its context take the last block before
 * it: tools/model/exhaustion.c finds that.)
 */
static void *find_block(struct nebula_pool_heap *heap, bool claimed)
{
	unsigned long returned;
	void *obj;

	preempt_disable();
	obj = look_everywhere(heap, claimed);
	while (!obj) {
		returned = sum_returned(heap);
		smp_rmb();	/* Counts before places; pairs with the barrier of a take. */
		obj = look_everywhere(heap, claimed);
		smp_rmb();	/* Places before counts; likewise. */
		if (sum_returned(heap) == returned)
			break;
	}
	preempt_enable();
	return obj;
}

/*
 * A block from wherever there is one; NULL only when all that are promised were in use at one
 * moment. What lies in other CPUs' caches is slack. Any context.
 */
void *pool_alloc_quietly(struct nebula_pool_heap *heap)
{
	return find_block(heap, false);
}

/* The same for one that has a ticket, or a pledge, which the block uses up. Any context. */
void *pool_alloc_claimed(struct nebula_pool_heap *heap)
{
	return find_block(heap, true);
}

/* Blocks taken out of their places, less those put before the count was @returned. */
static unsigned long sum_taken(const struct nebula_pool_heap *heap, unsigned long returned)
{
	const struct pool_segment *seg;
	unsigned long sum = 0;
	int cpu;

	pool_for_each_segment(seg, heap) {
		for_each_possible_cpu(cpu) {
			const struct nebula_pool_cpu *pc = per_cpu_ptr(seg->cpus, cpu);

			sum += READ_ONCE(pc->out) + READ_ONCE(pc->returned);
		}
	}
	return sum - returned;
}

/*
 * Pledges @n blocks of a pool without caches to a bulk allocation, all or none, before it takes
 * any: of two that are too many together one has all that it needs, and a hopeless one takes none.
 * Single allocations know nothing of pledges.
 *
 * What is live is counted too high rather than too low: puts are counted first, takes last. When
 * that seems too much while a free or a take of another bulk allocation comes in between, it is
 * counted again.
 */
static bool pledge(struct nebula_pool_heap *heap, unsigned int n)
{
	long pledged = atomic_long_read(&heap->pledged), again;
	unsigned long returned;

	for (;;) {
		returned = sum_returned(heap);
		smp_rmb();	/* See above. */
		if (sum_taken(heap, returned) + pledged + n <= READ_ONCE(heap->blocks)) {
			if (atomic_long_try_cmpxchg(&heap->pledged, &pledged, pledged + n))
				return true;
			continue;
		}
		smp_rmb();	/* Likewise. */
		again = atomic_long_read(&heap->pledged);
		if (again == pledged && sum_returned(heap) == returned)
			return false;
		pledged = again;
	}
}

/* Makes sure of @n blocks, all or none, before any is taken. Any context. */
bool pool_claim_bulk(struct nebula_pool_heap *heap, unsigned int n)
{
	bool claimed;

	if (pool_has_tickets(heap))
		return pool_claim(heap, n);
	preempt_disable();
	claimed = pledge(heap, n);
	preempt_enable();
	return claimed;
}

/* Those of them that have not been taken are not needed. Any context. */
void pool_unclaim_bulk(struct nebula_pool_heap *heap, unsigned int n)
{
	if (pool_has_tickets(heap))
		pool_unclaim(heap, n);
	else
		atomic_long_sub(n, &heap->pledged);
}

/* Wishes that the pool had @target blocks. Any context. */
void pool_wish_growth(struct nebula_pool_heap *heap, unsigned long target)
{
	unsigned long old = READ_ONCE(heap->target);

	while (old < target && !try_cmpxchg(&heap->target, &old, target))
		;
	pool_wish(heap, POOL_WISH_GROW);
}

/*
 * Records that there are not @n blocks; evaluates to what alloc returns. @nominal is what
 * pool_nominal() was before the search: when there are more by now, it is worth trying again, too.
 * The report shows the pool as the search found it: fewer than @n of these blocks were left, unless
 * they are promised to the line of waiters.
 */
void *pool_alloc_exhausted(struct nebula_pool_heap *heap, enum nebula_detail detail,
			   const char *what, unsigned int n, unsigned long nominal)
{
	unsigned long live = pool_live(heap), need;
	struct nebula_usage usage;
	bool pending;

	if (n <= nominal && !(READ_ONCE(heap->attention) & POOL_WAITING))
		live = max(live, nominal - n + 1);
	need = max(live + n, nominal + 1);
	pending = pool_may_grow(heap, nominal, live + n);
	if (pending)
		pool_wish_growth(heap, need);
	else if (heap->pool.common.flags & NEBULA_GROW)
		detail = detail ?: NEBULA_D_AT_LIMIT;
	pool_usage(heap, live, nominal, &usage);
	usage.growth_pending = pending;
	nebula_fail(&heap->pool.common, NEBULA_E_POOL_EXHAUSTED, .size = heap->pool.block_size,
		    .align = heap->pool.align, .detail = detail, .what = what,
		    .usage = &usage, .need = need);
	return NULL;
}

/* Shall the next allocation fail on purpose? Records that. Any context. */
bool pool_must_fail(struct nebula_pool_heap *heap)
{
	const struct nebula_pool *p = &heap->pool;

	if (likely(!nebula_fail_alloc_hit(&p->common, p->block_size)))
		return false;
	nebula_fail(&heap->pool.common, NEBULA_E_POOL_EXHAUSTED, .size = p->block_size,
		    .align = p->align, .detail = NEBULA_D_INJECTED);
	return true;
}

/* What a flag says is to be done with a block before it is handed out. */
void *pool_dress(struct nebula_pool_heap *heap, void *obj)
{
	struct pool_segment *seg;
	unsigned long index;

	if (heap->attention & POOL_DEBUG) {
		preempt_disable();
		seg = pool_find(heap, obj, &index);
		pool_guard_alloc(heap, seg, index);
		preempt_enable();
	}
	if (heap->attention & POOL_ZERO)
		memset(obj, 0, heap->pool.block_size);
	if (READ_ONCE(heap->attention) & POOL_WATCHED)
		trace_pool_alloc(nebula_allocator_name(&heap->pool.common), obj,
				 heap->pool.block_size, heap->pool.align);
	return obj;
}

static noinline void *alloc_attentively(struct nebula_pool_heap *heap)
{
	const unsigned long nominal = pool_nominal(heap);
	void *obj;

	if (unlikely(pool_must_fail(heap)))
		return NULL;
	obj = pool_may_take(heap, 1) ? pool_alloc_quietly(heap) : NULL;
	if (!obj)
		return pool_alloc_exhausted(heap, NEBULA_D_NONE, NULL, 1, nominal);
	if (heap->attention & POOL_GROWS)
		pool_look_at_level(heap);
	return pool_dress(heap, obj);
}

static noinline void *alloc_cached(struct nebula_pool_heap *heap)
{
	unsigned long index;

	preempt_disable();
	index = pool_take(heap, &heap->primary);
	preempt_enable();
	if (likely(index != POOL_NONE))
		return pool_block(&heap->primary, index);
	return alloc_attentively(heap);
}

static noinline void *alloc_peak(struct nebula_pool_heap *heap, unsigned long index)
{
	pool_look_at_peak(heap, &heap->primary);
	return pool_block(&heap->primary, index);
}

/*
 * From the loose blocks at hand: pools without caches live on this. It does not matter on which
 * CPU each step is done, so preemption may stay on.
 */
static __always_inline void *alloc_plain(struct nebula_pool_heap *heap, bool summary)
{
	struct pool_segment *seg = &heap->primary;
	struct nebula_pool_cpu __percpu *cpus = seg->cpus;
	unsigned long *words = seg->loose[0].words;
	unsigned long w = this_cpu_read(cpus->hint), index;
	/* As of some moment; the exchange decides. */
	unsigned long bits = data_race(words[w]);

	if (unlikely(!bits))
		return alloc_attentively(heap);
	index = w * BITS_PER_LONG + __ffs(bits);
	if (unlikely(!test_and_clear_bit(index, words)))
		return alloc_attentively(heap);
	if (summary && !READ_ONCE(words[w]))
		pool_loose_emptied(&seg->loose[0], w);
	/* The bit was ours alone, so the block is. */
	nebula_pool_poke(seg->state[index], NEBULA_POOL_LIVE);
	pool_count(cpus->out, 1);
	if (unlikely(pool_peak_exceeded(cpus)))
		return alloc_peak(heap, index);
	return pool_block(seg, index);
}

static noinline void *alloc_large(struct nebula_pool_heap *heap)
{
	return alloc_plain(heap, true);
}

/**
 * nebula_pool_alloc_outline() - nebula_pool_alloc() where it is not inline
 * @p: the pool.
 *
 * Context: any.
 * Return: as nebula_pool_alloc().
 */
void *nebula_pool_alloc_outline(struct nebula_pool *p)
{
	struct nebula_pool_heap *heap = pool_heap(p);

	/* Whoever sets a bit waits for, or makes up for, those who have not seen it. */
	if (likely(!data_race(heap->attention)))
		return alloc_plain(heap, false);
	switch (READ_ONCE(heap->attention)) {
	case POOL_CACHED:
		return alloc_cached(heap);
	case POOL_LARGE:
		return alloc_large(heap);
	default:
		return alloc_attentively(heap);
	}
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_outline);

/* The segment and the number of a block; NULL when @obj is none. Preemption off. */
struct pool_segment *pool_find(const struct nebula_pool_heap *heap, const void *obj,
			       unsigned long *index)
{
	struct pool_segment *seg;

	pool_for_each_segment(seg, heap) {
		*index = pool_index(seg, obj);
		if (likely(*index < seg->blocks))
			return seg;
	}
	return NULL;
}

/* Does @obj point into a block, or between them? Preemption off. */
bool pool_is_inside(const struct nebula_pool_heap *heap, const void *obj)
{
	struct pool_segment *seg;

	pool_for_each_segment(seg, heap)
		if ((unsigned long)obj - seg->base < seg->blocks * seg->stride)
			return true;
	return false;
}

/* Records that @obj is no block, but inside one, or between two, or not the pool's at all. */
static void refuse_pointer(struct nebula_pool_heap *heap, const void *obj, const char *what)
{
	struct nebula_allocator *a = &heap->pool.common;
	const struct pool_segment *seg;
	unsigned long first = 0, offset;

	pool_for_each_segment(seg, heap) {
		offset = (unsigned long)obj - seg->base;
		if (offset < seg->blocks * seg->stride) {
			nebula_fail(a, NEBULA_E_MISALIGNED_POINTER, .pointer = obj, .what = what,
				    .block = first + offset / seg->stride + 1,
				    .offset = offset % seg->stride);
			return;
		}
		first += seg->blocks;
	}
	nebula_fail(a, NEBULA_E_FOREIGN_POINTER, .pointer = obj, .what = what);
}

/* Records why @obj cannot be freed. Any context, preemption off. */
void pool_refuse(struct nebula_pool_heap *heap, const void *obj, const char *what)
{
	struct pool_segment *seg;
	unsigned long index;

	seg = pool_find(heap, obj, &index);
	if (seg)
		pool_guard_report(heap, seg, index, NEBULA_E_DOUBLE_FREE, what);
	else
		refuse_pointer(heap, obj, what);
}

/* Puts a block that is nobody's any more; its state is free. Preemption off. */
void pool_release(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned long index)
{
	if (unlikely(READ_ONCE(heap->attention) & POOL_WATCHED))
		trace_pool_free(nebula_allocator_name(&heap->pool.common), pool_block(seg, index),
				heap->pool.block_size);
	/* The block cannot be allocated before it is put. */
	if (unlikely(READ_ONCE(heap->attention) & POOL_CLEAR))
		memset(pool_block(seg, index), 0, heap->pool.block_size);
	if (unlikely(READ_ONCE(heap->attention) & POOL_DEBUG)) {
		pool_guard_free(heap, seg, index);
		pool_put_direct(heap, seg, index);
		return;
	}
	pool_put(heap, seg, index);
}

/* In a debug pool two may race for it: one of them is told. */
bool pool_change_state(struct nebula_pool_heap *heap, struct pool_segment *seg,
		       unsigned long index, u8 to)
{
	if (unlikely(READ_ONCE(heap->attention) & POOL_DEBUG))
		return cmpxchg(&seg->state[index], NEBULA_POOL_LIVE, to) == NEBULA_POOL_LIVE;
	return pool_switch(seg, index, NEBULA_POOL_LIVE, to);
}

static noinline void free_attentively(struct nebula_pool_heap *heap, void *obj)
{
	struct pool_segment *seg;
	unsigned long index;

	seg = pool_find(heap, obj, &index);
	if (likely(seg) && likely(pool_change_state(heap, seg, index, NEBULA_POOL_FREE)))
		pool_release(heap, seg, index);
	else
		pool_refuse(heap, obj, "free");
	preempt_enable();
}

/**
 * nebula_pool_free_outline() - nebula_pool_free() where it is not inline
 * @p: the pool.
 * @obj: a block of it.
 *
 * Context: any.
 */
void nebula_pool_free_outline(struct nebula_pool *p, void *obj)
{
	if (ZERO_OR_NULL_PTR(obj))
		return;
	preempt_disable();
	free_attentively(pool_heap(p), obj);
}
EXPORT_SYMBOL_GPL(nebula_pool_free_outline);

/**
 * nebula_pool_refuse_layout() - the blocks of a pool do not suit an object
 * @p: the pool.
 * @size: bytes of the object.
 * @align: its alignment, bytes.
 *
 * Context: any.
 * Return: %ZERO_SIZE_PTR for size 0; %NULL with INVALID_ALIGNMENT, SIZE_OVERFLOW or INVALID_LAYOUT
 * recorded.
 */
void *nebula_pool_refuse_layout(struct nebula_pool *p, size_t size, size_t align)
{
	const bool small = size > p->block_size;
	enum nebula_errc code = NEBULA_E_INVALID_LAYOUT;

	if (!size)
		return ZERO_SIZE_PTR;
	if (!is_power_of_2(align))
		code = NEBULA_E_INVALID_ALIGNMENT;
	else if (size > SIZE_MAX >> 1)
		code = NEBULA_E_SIZE_OVERFLOW;
	nebula_fail(&p->common, code, .size = size, .align = align,
		    .detail = small ? NEBULA_D_BLOCK_SIZE : NEBULA_D_BLOCK_ALIGN,
		    .what = small ? ".block_size" : ".align");
	return NULL;
}
EXPORT_SYMBOL_GPL(nebula_pool_refuse_layout);

static noinline void put_twice(struct nebula_pool_heap *heap)
{
	pool_count_put(heap->primary.cpus, 1, 1);
	pool_stale(heap);
	preempt_enable();
}

static noinline void put_cached(struct nebula_pool_heap *heap, unsigned long index)
{
	pool_put(heap, &heap->primary, index);
	preempt_enable();
}

/* What comes after a block was put, where there is more to do. */
static noinline void put_attentively(struct nebula_pool_heap *heap, unsigned long index)
{
	pool_loose_filled(&heap->primary.loose[0], index / BITS_PER_LONG);
	if (READ_ONCE(heap->attention) & POOL_WAITING)
		pool_wish(heap, POOL_WISH_WAKE);
	preempt_enable();
}

/**
 * nebula_pool_free_index() - nebula_pool_free() where the cache does not take the block
 * @p: the pool.
 * @index: of the block, below the number of blocks.
 *
 * Context: any, with preemption off; on return it is on.
 */
void nebula_pool_free_index(struct nebula_pool *p, unsigned long index)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	struct pool_segment *seg = &heap->primary;
	struct nebula_pool_cpu __percpu *cpus = seg->cpus;

	/* As in nebula_pool_alloc_outline(). */
	if (unlikely(data_race(heap->attention) & ~POOL_LARGE))
		goto attentively;
	nebula_pool_switch(seg->state[index], NEBULA_POOL_LIVE, NEBULA_POOL_FREE, attentively);
	/* As pool_put_direct(), for pools without caches. */
	pool_count_leaving(cpus, 1);
	if (unlikely(test_and_set_bit(index, seg->loose[0].words))) {
		put_twice(heap);
		return;
	}
	pool_count_put(cpus, 1, 0);
	/* The exchange was a full barrier: it pairs with that in pool_wait.c. */
	if (unlikely(data_race(heap->attention))) {
		put_attentively(heap, index);
		return;
	}
	preempt_enable();
	return;

attentively:
	if (likely(READ_ONCE(heap->attention) == POOL_CACHED) &&
	    likely(pool_switch(seg, index, NEBULA_POOL_LIVE, NEBULA_POOL_FREE)))
		put_cached(heap, index);
	else
		free_attentively(heap, pool_block(seg, index));
}
EXPORT_SYMBOL_GPL(nebula_pool_free_index);

/* With debug flags: no block holds an object of this size, so it is another one's. */
static bool wrong_size(struct nebula_pool *p, size_t size)
{
	if (likely(size <= p->block_size) || !(p->common.flags & NEBULA_DEBUG_FLAGS))
		return false;
	nebula_fail(&p->common, NEBULA_E_INVALID_LAYOUT, .size = size, .what = "free");
	return true;
}

/**
 * nebula_pool_free_outline_sized() - nebula_pool_free_outline() of an object whose size is known
 * @p: the pool.
 * @obj: a block of it.
 * @size: of the object, bytes. With debug flags one that no block has is refused.
 *
 * Context: any.
 */
void nebula_pool_free_outline_sized(struct nebula_pool *p, void *obj, size_t size)
{
	if (ZERO_OR_NULL_PTR(obj) || !wrong_size(p, size))
		nebula_pool_free_outline(p, obj);
}
EXPORT_SYMBOL_GPL(nebula_pool_free_outline_sized);

/**
 * nebula_pool_free_index_sized() - nebula_pool_free_index() of an object whose size is known
 * @p: the pool.
 * @index: of the block, below the number of blocks.
 * @size: of the object, bytes. With debug flags one that no block has is refused.
 *
 * Context: any, with preemption off; on return it is on.
 */
void nebula_pool_free_index_sized(struct nebula_pool *p, unsigned long index, size_t size)
{
	if (wrong_size(p, size))
		preempt_enable();
	else
		nebula_pool_free_index(p, index);
}
EXPORT_SYMBOL_GPL(nebula_pool_free_index_sized);
