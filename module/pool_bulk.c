// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many blocks at once: one claim of the cache for as many as it holds. Any context.
 */
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include "pool.h"

/*
 * Takes blocks from the top of a claimed cache that has @count, at most @n of them: how many. One
 * that is not free ends it.
 */
static unsigned int pop(struct pool_segment *seg, unsigned long count, unsigned int n, void **objs)
{
	const u32 *slots = &this_cpu_ptr(seg->cpus)->slots[count - n];
	const unsigned long base = seg->base, stride = seg->stride;
	u8 *state = seg->state;
	unsigned long i, index;

	/* What a turn costs besides the block is shared. */
#pragma GCC unroll 8
	for (i = n; i; i--) {
		index = slots[i - 1];
		if (unlikely(nebula_pool_peek(state[index]) != NEBULA_POOL_FREE))
			break;
		nebula_pool_poke(state[index], NEBULA_POOL_LIVE);
		objs[i - 1] = (void *)(base + index * stride);
	}
	return n - i;
}

/* As many blocks as cache and depot give without much ado; they are the last of @objs. */
static unsigned int alloc_cached(struct nebula_pool_heap *heap, unsigned int n, void **objs)
{
	struct pool_segment *seg = &heap->primary;
	unsigned int want, got, left = n;
	unsigned long count;

	if (!pool_cache_claim(seg, &count))
		return 0;
	while (left) {
		if (!count)
			count = pool_cache_refill(heap, seg);
		if (!count)
			break;
		want = min_t(unsigned long, left, count);
		got = pop(seg, count, want, objs + left - want);
		count -= got;
		left -= got;
		if (got < want)
			break;
	}
	raw_cpu_add(seg->cpus->allocs, n - left);
	pool_cache_release(seg, count);
	return n - left;
}

static enum nebula_errc refuse(const struct nebula_pool_heap *heap, unsigned int n, void **objs)
{
	if (!n || !objs)
		return NEBULA_E_INVALID_LAYOUT;
	return n > READ_ONCE(heap->blocks) ? NEBULA_E_EXCEEDS_MAX : NEBULA_OK;
}

/* The rest, one by one; those got before are at the end of @objs. */
static bool alloc_rest(struct nebula_pool_heap *heap, unsigned int left, unsigned int n,
		       void **objs)
{
	unsigned int i;

	for (i = left; i; i--) {
		objs[i - 1] = pool_may_take(heap) ? pool_alloc_quietly(heap) : NULL;
		if (!objs[i - 1])
			break;
		pool_dress(heap, objs[i - 1]);
	}
	if (!i)
		return true;
	nebula_pool_free_bulk(&heap->pool, n - i, objs + i);
	pool_alloc_exhausted(heap, "bulk");
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
	enum nebula_errc code = refuse(heap, n, objs);
	unsigned int got = 0;

	if (unlikely(code)) {
		nebula_fail(&p->common, code, .size = p->block_size, .what = "bulk");
		return false;
	}
	if (likely(!READ_ONCE(heap->attention))) {
		preempt_disable();
		got = alloc_cached(heap, n, objs);
		preempt_enable();
	}
	return likely(got == n) || alloc_rest(heap, n - got, n, objs);
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_bulk);

/*
 * Puts blocks on top of a claimed cache that has @count and room for @n: how many. One that is not
 * a live block of the segment ends it.
 */
static unsigned int push(struct pool_segment *seg, unsigned long count, unsigned int n,
			 void **objs)
{
	const unsigned long base = seg->base, inverse = seg->inverse, blocks = seg->blocks;
	u32 *slots = &this_cpu_ptr(seg->cpus)->slots[count];
	const u8 rotate = seg->rotate;
	u8 *state = seg->state;
	unsigned long i, index;

	/* What a turn costs besides the block is shared. */
#pragma GCC unroll 8
	for (i = 0; i < n; i++) {
		index = nebula_pool_index_of((unsigned long)objs[i] - base, inverse, rotate);
		if (unlikely(index >= blocks) ||
		    unlikely(nebula_pool_peek(state[index]) != NEBULA_POOL_LIVE))
			break;
		nebula_pool_poke(state[index], NEBULA_POOL_FREE);
		slots[i] = index;
	}
	return i;
}

/* Frees what goes into the cache, and by way of it into the depot, from the first on: how many. */
static unsigned int free_cached(struct nebula_pool_heap *heap, unsigned int n, void **objs)
{
	struct pool_segment *seg = &heap->primary;
	unsigned long limit = min_t(unsigned long, READ_ONCE(heap->limit), seg->depth_max), count;
	unsigned int done = 0, want, put;

	if (!limit || !pool_cache_claim(seg, &count))
		return 0;
	while (done < n) {
		while (count >= limit)
			count = pool_cache_flush(seg, count);
		want = min_t(unsigned long, n - done, limit - count);
		put = push(seg, count, want, objs + done);
		count += put;
		done += put;
		if (put < want)
			break;
	}
	pool_cache_release(seg, count);
	return done;
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
	unsigned int done = 0;

	if (unlikely(n && !objs)) {
		nebula_fail(&p->common, NEBULA_E_INVALID_LAYOUT, .what = "free_bulk");
		return;
	}
	while (done < n) {
		if (likely(!READ_ONCE(heap->attention))) {
			preempt_disable();
			done += free_cached(heap, n - done, objs + done);
			preempt_enable();
		}
		/* Whatever stopped it: free knows. */
		if (unlikely(done < n))
			nebula_pool_free_outline(p, objs[done++]);
	}
}
EXPORT_SYMBOL_GPL(nebula_pool_free_bulk);
