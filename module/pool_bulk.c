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

/*
 * As many blocks as cache and depot give without much ado; they are the last of @objs. Withheld,
 * unless they are all.
 */
static unsigned int alloc_cached(struct nebula_pool_heap *heap, unsigned int n, void **objs)
{
	struct pool_segment *seg = &heap->primary;
	unsigned int take, missing = 0, left = n;
	struct nebula_pool_cpu *pc;
	unsigned long count;

	if (!pool_cache_claim(seg, &count))
		return 0;
	pc = this_cpu_ptr(seg->cpus);
	while (left) {
		if (!count)
			count = pool_cache_refill(heap, seg);
		if (!count)
			break;
		take = min_t(unsigned long, left, count);
		count -= take;
		left -= take;
		missing += hand_out(heap, seg, pc->slots + count, take, objs + left);
	}
	if (unlikely(left | missing))
		withhold(heap, n - left - missing);
	nebula_count(pc->allocs, n - left);
	pool_cache_release(seg, count);
	if (likely(!missing))
		return n - left;
	nebula_pool_free_bulk(&heap->pool, n - left, objs + left);
	return 0;
}

static noinline __cold bool refuse(struct nebula_pool_heap *heap, enum nebula_errc code,
				   enum nebula_detail detail, const char *what, unsigned int n)
{
	nebula_fail(&heap->pool.common, code, .size = heap->pool.block_size, .detail = detail,
		    .what = what, .need = n);
	return false;
}

/* The rest, one by one; those got before are at the end of @objs. */
static noinline bool alloc_rest(struct nebula_pool_heap *heap, unsigned int left, unsigned int n,
				void **objs)
{
	const bool may_grow = pool_may_grow(heap);
	unsigned int i;

	if (unlikely(pool_must_fail(heap))) {
		nebula_pool_free_bulk(&heap->pool, n - left, objs + left);
		return false;
	}
	withhold(heap, left);
	for (i = left; i; i--) {
		objs[i - 1] = pool_may_take(heap) ? pool_alloc_quietly(heap) : NULL;
		if (!objs[i - 1])
			break;
		pool_dress(heap, objs[i - 1]);
	}
	admit(heap, i ?: n);
	if (!i)
		return true;
	nebula_pool_free_bulk(&heap->pool, n - i, objs + i);
	pool_alloc_exhausted(heap, NEBULA_D_BULK, i, may_grow);
	return false;
}

/**
 * nebula_pool_alloc_bulk() - allocate many blocks, all or none
 * @p: the pool.
 * @n: how many.
 * @objs: where they go; what is in it after a failure is meaningless.
 *
 * Context: any, NMI included; does not sleep.
 * Return: true; false with POOL_EXHAUSTED recorded, INVALID_LAYOUT for no blocks, or EXCEEDS_MAX
 * for more than the pool has. None is allocated then.
 */
bool nebula_pool_alloc_bulk(struct nebula_pool *p, unsigned int n, void **objs)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	unsigned int got = 0;

	if (unlikely(n - 1UL >= READ_ONCE(heap->blocks)) || unlikely(!objs))
		return n && objs ? refuse(heap, NEBULA_E_EXCEEDS_MAX, NEBULA_D_BULK, "bulk", n)
				 : refuse(heap, NEBULA_E_INVALID_LAYOUT, NEBULA_D_NO_BLOCKS,
					  "bulk", n);
	if (likely(READ_ONCE(heap->attention) == POOL_CACHED)) {
		preempt_disable();
		got = alloc_cached(heap, n, objs);
		preempt_enable();
	}
	return likely(got == n) || alloc_rest(heap, n - got, n, objs);
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
