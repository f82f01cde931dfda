// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many blocks at once: one claim of the cache for as many as it holds. Any context.
 */
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include "pool.h"

/* Stands for a block that was refused, until the slots are packed. */
#define HOLE	U32_MAX

/* So many blocks share what a turn of a loop costs besides them. Divides round numbers. */
#define TURN	20U

/**
 * struct view - what the loops need of a segment, in registers
 * @base: as in &struct pool_segment.
 * @inverse: likewise.
 * @stride: likewise.
 * @blocks: likewise.
 * @rotate: likewise.
 * @state: likewise.
 */
struct view {
	unsigned long base;
	unsigned long inverse;
	unsigned long stride;
	unsigned long blocks;
	unsigned long rotate;
	u8 *state;
};

static __always_inline struct view view_of(const struct pool_segment *seg)
{
	return (struct view){ seg->base, seg->inverse, seg->stride, seg->blocks, seg->rotate,
			      seg->state };
}

/* A block that a slot of a claimed cache names, or another one; NULL, and counted, without any. */
static __always_inline void *hand_out_one(struct nebula_pool_heap *heap, struct pool_segment *seg,
					  const struct view v, unsigned long index,
					  unsigned int *missing)
{
	void *obj;

	nebula_pool_switch(v.state[index], NEBULA_POOL_FREE, NEBULA_POOL_LIVE, stale);
	return (void *)(v.base + index * v.stride);

stale:
	obj = pool_replace(heap, seg);
	*missing += !obj;
	return obj;
}

/* Hands out what @slots of a claimed cache name. Returns how many are missing. */
static unsigned int hand_out(struct nebula_pool_heap *heap, struct pool_segment *seg,
			     const u32 *slots, unsigned int n, void **objs)
{
	const u32 *const end = slots + n, *const turns = slots + (n - n % TURN);
	const struct view v = view_of(seg);
	unsigned int missing = 0, i;

	for (; slots != turns; slots += TURN, objs += TURN)
#pragma GCC unroll 20
		for (i = 0; i < TURN; i++)
			objs[i] = hand_out_one(heap, seg, v, slots[i], &missing);
	while (slots != end)
		*objs++ = hand_out_one(heap, seg, v, *slots++, &missing);
	return missing;
}

/*
 * @n blocks are about to be counted as allocated, and are not until all are there. Those that are
 * given back instead stay withheld: they were neither allocated nor freed.
 */
static void withhold(struct nebula_pool_heap *heap, unsigned int n)
{
	atomic_long_add(n, &heap->withheld);
	smp_mb__after_atomic();	/* Pairs with pool_count_all(). */
}

static void admit(struct nebula_pool_heap *heap, unsigned int n)
{
	smp_mb__before_atomic();	/* Pairs with pool_count_all(). */
	atomic_long_sub(n, &heap->withheld);
}

/* All of them from this CPU's cache, if it holds as many. */
static __always_inline bool alloc_from_cache(struct nebula_pool_heap *heap, unsigned int n,
					     void **objs)
{
	struct pool_segment *seg = &heap->primary;
	unsigned int missing = 0;
	unsigned long count;
	bool enough = false;

	if (unlikely(READ_ONCE(heap->attention) != POOL_CACHED))
		return false;
	preempt_disable();
	if (likely(pool_cache_claim(seg, &count))) {
		enough = n <= count;
		if (likely(enough)) {
			count -= n;
			missing = hand_out(heap, seg, this_cpu_ptr(seg->cpus)->slots + count, n,
					   objs);
			if (unlikely(missing))
				withhold(heap, n - missing);
			nebula_count(this_cpu_ptr(seg->cpus)->allocs, n);
		}
		pool_cache_release(seg, count);
	}
	preempt_enable();
	if (likely(!missing))
		return enough;
	nebula_pool_free_bulk(&heap->pool, n, objs);
	return false;
}

/* Tickets for many blocks tell less of the peak than the blocks do. */
static void note_peak(struct nebula_pool_heap *heap)
{
	pool_raise_peak(heap, (long)READ_ONCE(heap->blocks) - atomic_long_read(&heap->spare));
}

/*
 * Fills the claimed, empty cache for a bulk allocation that has @tickets, of which those for what
 * comes into the cache are used up. Any missing for a whole batch are claimed.
 */
static unsigned long fill_for(struct nebula_pool_heap *heap, struct pool_segment *seg,
			      unsigned int *tickets)
{
	const unsigned int want = pool_cache_want(seg);
	unsigned int n;

	if (!READ_ONCE(heap->limit))
		return 0;
	if (*tickets < want) {
		if (!pool_claim(heap, want - *tickets))
			return 0;
		*tickets = want;
	}
	n = pool_cache_fill(heap, seg);
	*tickets -= n;
	return n;
}

/*
 * As many blocks as cache and depot give without much ado; they are the last of @objs. Withheld,
 * unless they are all. There are tickets for the rest in @left then. None is taken, and @left is 0,
 * when there are not enough.
 */
static unsigned int alloc_cached(struct nebula_pool_heap *heap, unsigned int n, void **objs,
				 unsigned int *left)
{
	struct pool_segment *seg = &heap->primary;
	unsigned int take, missing = 0, claimed, tickets;
	struct nebula_pool_cpu *pc;
	unsigned long count;

	*left = 0;
	if (!pool_cache_claim(seg, &count))
		return 0;
	claimed = n > count ? n - count : 0;
	tickets = claimed;
	if (claimed && !pool_claim(heap, claimed)) {
		pool_cache_release(seg, count);
		return 0;
	}
	pc = this_cpu_ptr(seg->cpus);
	for (*left = n; *left;) {
		if (!count)
			count = fill_for(heap, seg, &tickets);
		if (!count)
			break;
		take = min_t(unsigned long, *left, count);
		count -= take;
		*left -= take;
		missing += hand_out(heap, seg, pc->slots + count, take, objs + *left);
	}
	if (unlikely(*left | missing))
		withhold(heap, n - *left - missing);
	nebula_count(pc->allocs, n - *left);
	pool_cache_release(seg, count);
	if (unlikely(missing)) {
		nebula_pool_free_bulk(&heap->pool, n - *left, objs + *left);
		pool_unclaim(heap, tickets);
		*left = 0;
		return 0;
	}
	if (tickets > *left)
		pool_unclaim(heap, tickets - *left);
	if (claimed)
		note_peak(heap);
	return n - *left;
}

static noinline __cold bool refuse(struct nebula_pool_heap *heap, enum nebula_errc code,
				   enum nebula_detail detail, const char *what, unsigned int n)
{
	nebula_fail(&heap->pool.common, code, .size = heap->pool.block_size, .detail = detail,
		    .what = what, .need = n);
	return false;
}

/* The rest, one by one, each claimed; those got before are at the end of @objs. */
static noinline enum pool_bulk alloc_rest(struct nebula_pool_heap *heap, unsigned int left,
					  unsigned int n, void **objs)
{
	unsigned int i;

	withhold(heap, left);
	for (i = left; i; i--) {
		objs[i - 1] = pool_alloc_claimed(heap);
		if (unlikely(!objs[i - 1]))
			break;
		pool_dress(heap, objs[i - 1]);
	}
	admit(heap, i ?: n);
	if (heap->attention & POOL_GROWS)
		pool_look_at_level(heap);
	if (likely(!i)) {
		if (pool_has_tickets(heap))
			note_peak(heap);
		return POOL_BULK_DONE;
	}
	/* Single allocations have taken what was pledged, or a segment has gone. */
	pool_unclaim_bulk(heap, i);
	nebula_pool_free_bulk(&heap->pool, n - i, objs + i);
	return POOL_BULK_SHORT;
}

/*
 * Allocates @n blocks, all or none. Before it takes any it makes sure of all, so that a request
 * that is refused has kept none from others. Any context.
 */
enum pool_bulk pool_alloc_many(struct nebula_pool_heap *heap, unsigned int n, void **objs)
{
	unsigned int got = 0, left = 0;

	if (likely(READ_ONCE(heap->attention) == POOL_CACHED)) {
		preempt_disable();
		got = alloc_cached(heap, n, objs, &left);
		preempt_enable();
		if (likely(got == n))
			return POOL_BULK_DONE;
		if (left)
			return alloc_rest(heap, left, n, objs);
	}
	if (unlikely(pool_must_fail(heap)))
		return POOL_BULK_FAILED;
	if (!pool_may_take(heap, n) || !pool_claim_bulk(heap, n))
		return POOL_BULK_SHORT;
	return alloc_rest(heap, n, n, objs);
}

/* Blocks that the pool has, or may have once it has grown. Any context. */
unsigned long pool_most(const struct nebula_pool_heap *heap)
{
	const unsigned long blocks = READ_ONCE(heap->blocks);

	if (!(heap->pool.common.flags & NEBULA_GROW))
		return blocks;
	return max_t(unsigned long, blocks, READ_ONCE(heap->max_blocks));
}

static noinline bool alloc_bulk_slowly(struct nebula_pool_heap *heap, unsigned int n, void **objs)
{
	const unsigned long nominal = pool_nominal(heap);

	switch (pool_alloc_many(heap, n, objs)) {
	case POOL_BULK_DONE:
		return true;
	case POOL_BULK_SHORT:
		pool_alloc_exhausted(heap, NEBULA_D_BULK, NULL, n, nominal);
		fallthrough;
	default:
		return false;
	}
}

/**
 * nebula_pool_alloc_bulk() - allocate many blocks, all or none
 * @p: the pool.
 * @n: how many.
 * @objs: where they go; what is in it after a failure is meaningless.
 *
 * A request that cannot succeed takes no block. A pool with %NEBULA_GROW that has too few blocks,
 * but may have enough, refuses and begins to grow to as many as it takes.
 *
 * Context: any, NMI included; does not sleep.
 * Return: true; false with POOL_EXHAUSTED recorded, INVALID_LAYOUT for no blocks, or EXCEEDS_MAX
 * for more than the pool has or, with %NEBULA_GROW, may have. None is allocated then.
 */
bool nebula_pool_alloc_bulk(struct nebula_pool *p, unsigned int n, void **objs)
{
	struct nebula_pool_heap *heap = pool_heap(p);

	if (unlikely(n - 1UL >= READ_ONCE(heap->blocks)) || unlikely(!objs)) {
		if (!n || !objs)
			return refuse(heap, NEBULA_E_INVALID_LAYOUT, NEBULA_D_NO_BLOCKS, "bulk", n);
		if (n > pool_most(heap))
			return refuse(heap, NEBULA_E_EXCEEDS_MAX, NEBULA_D_BULK, "bulk", n);
	}
	return likely(alloc_from_cache(heap, n, objs)) || alloc_bulk_slowly(heap, n, objs);
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_bulk);

/* What a slot of a claimed cache is to name: a block taken back, or a hole, which is counted. */
static __always_inline u32 take_back_one(const struct view v, const void *obj, unsigned int *holes)
{
	unsigned long index = nebula_pool_index_of((unsigned long)obj - v.base, v.inverse,
						   v.rotate);

	if (unlikely(index >= v.blocks))
		goto refused;
	nebula_pool_switch(v.state[index], NEBULA_POOL_LIVE, NEBULA_POOL_FREE, refused);
	return index;

refused:
	++*holes;
	return HOLE;
}

/* Takes back into @slots of a claimed cache. Returns how many are holes. */
static unsigned int take_back(struct pool_segment *seg, u32 *slots, unsigned int n, void **objs)
{
	const u32 *const end = slots + n, *const turns = slots + (n - n % TURN);
	const struct view v = view_of(seg);
	unsigned int holes = 0, i;

	for (; slots != turns; slots += TURN, objs += TURN)
#pragma GCC unroll 20
		for (i = 0; i < TURN; i++)
			slots[i] = take_back_one(v, objs[i], &holes);
	while (slots != end)
		*slots++ = take_back_one(v, *objs++, &holes);
	return holes;
}

/* Closes the holes in @slots, and has each block that left one freed in the usual way. */
static noinline unsigned int pack(struct nebula_pool_heap *heap, u32 *slots, unsigned int n,
				  void **objs)
{
	unsigned int i, kept = 0;

	for (i = 0; i < n; i++) {
		if (slots[i] == HOLE)
			nebula_pool_free_outline(&heap->pool, objs[i]);
		else
			slots[kept++] = slots[i];
	}
	return kept;
}

/* Frees into the cache, and by way of it into the depot: true when that was possible. */
static bool free_cached(struct nebula_pool_heap *heap, unsigned int n, void **objs)
{
	struct pool_segment *seg = &heap->primary;
	unsigned long limit = READ_ONCE(heap->limit), count;
	struct nebula_pool_cpu *pc;
	unsigned int put;

	if (!limit || !pool_cache_claim(seg, &count))
		return false;
	pc = this_cpu_ptr(seg->cpus);
	for (; n; n -= put, objs += put) {
		while (count >= limit)
			count = pool_cache_flush(heap, seg, count);
		put = min_t(unsigned long, n, limit - count);
		if (likely(!take_back(seg, pc->slots + count, put, objs)))
			count += put;
		else
			count += pack(heap, pc->slots + count, put, objs);
	}
	pool_cache_release(seg, count);
	return true;
}

static noinline void free_one_by_one(struct nebula_pool *p, unsigned int n, void **objs)
{
	while (n--)
		nebula_pool_free_outline(p, *objs++);
}

/**
 * nebula_pool_free_bulk() - free many blocks
 * @p: the pool.
 * @n: how many; none is fine.
 * @objs: the blocks, each checked as by nebula_pool_free(); those that are refused do not keep the
 *	others from being freed.
 *
 * Context: any, NMI included; does not sleep.
 */
void nebula_pool_free_bulk(struct nebula_pool *p, unsigned int n, void **objs)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	bool done = false;

	if (unlikely(!objs)) {
		if (n)
			refuse(heap, NEBULA_E_INVALID_LAYOUT, NEBULA_D_NO_BLOCKS, "free_bulk", n);
		return;
	}
	if (likely(READ_ONCE(heap->attention) == POOL_CACHED)) {
		preempt_disable();
		done = free_cached(heap, n, objs);
		preempt_enable();
	}
	if (unlikely(!done))
		free_one_by_one(p, n, objs);
}
EXPORT_SYMBOL_GPL(nebula_pool_free_bulk);
