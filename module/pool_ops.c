// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: how much there is, all that is live at once, and what the registry needs of the kind.
 */
#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <trace/events/nebula.h>
#include "pool.h"

/**
 * nebula_pool_used() - blocks that are live
 * @p: the pool.
 *
 * Context: any.
 * Return: blocks; exact while nothing is under way.
 */
unsigned int nebula_pool_used(const struct nebula_pool *p)
{
	return pool_live(pool_heap(p));
}
EXPORT_SYMBOL_GPL(nebula_pool_used);

/**
 * nebula_pool_capacity() - blocks that can always be live at once
 * @p: the pool.
 *
 * Context: any.
 * Return: blocks, slack not counted.
 */
unsigned int nebula_pool_capacity(const struct nebula_pool *p)
{
	return READ_ONCE(pool_heap(p)->nominal);
}
EXPORT_SYMBOL_GPL(nebula_pool_capacity);

/**
 * nebula_pool_available() - blocks that can be had
 * @p: the pool.
 *
 * Context: any.
 * Return: nebula_pool_capacity() - nebula_pool_used(); 0 when some of the slack is in use.
 */
unsigned int nebula_pool_available(const struct nebula_pool *p)
{
	unsigned long used = pool_live(pool_heap(p)), capacity = READ_ONCE(pool_heap(p)->nominal);

	return capacity > used ? capacity - used : 0;
}
EXPORT_SYMBOL_GPL(nebula_pool_available);

/**
 * nebula_pool_owns() - does an address lie in the pool's blocks?
 * @p: the pool.
 * @obj: any address.
 *
 * Context: any.
 * Return: true when it does, whether the block is live or not.
 */
bool nebula_pool_owns(const struct nebula_pool *p, const void *obj)
{
	bool inside;

	preempt_disable();
	inside = pool_is_inside(pool_heap(p), obj);
	preempt_enable();
	return inside;
}
EXPORT_SYMBOL_GPL(nebula_pool_owns);

static void free_one(void *obj, void *data)
{
	nebula_pool_free_outline(data, obj);
}

/**
 * nebula_pool_reset() - give all live blocks back
 * @p: the pool.
 *
 * For the end of a session, or of a test, that need not know its blocks one by one. Nobody may use
 * a block, or allocate or free one, meanwhile: the caller's duty. Refused, and recorded as
 * INVALID_STATE, while somebody has blocks put aside.
 *
 * Context: any but NMI; takes time in proportion to the number of blocks.
 * Return: blocks that were live; 0 also when it was refused.
 */
unsigned int nebula_pool_reset(struct nebula_pool *p)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	const unsigned int live = pool_live(heap);

	if (in_nmi()) {
		nebula_fail(&p->common, NEBULA_E_WRONG_CONTEXT, .what = "reset");
		return 0;
	}
	if (atomic_read(&heap->reserves)) {
		nebula_fail(&p->common, NEBULA_E_INVALID_STATE, .detail = NEBULA_D_RESERVES,
			    .what = "reset");
		return 0;
	}
	if (unlikely(READ_ONCE(heap->attention) & POOL_WATCHED))
		trace_pool_reset(nebula_allocator_name(&p->common), live * p->block_size);
	nebula_pool_for_each_live(p, free_one, p);
	WRITE_ONCE(heap->resets, heap->resets + 1);
	return live;
}
EXPORT_SYMBOL_GPL(nebula_pool_reset);

/**
 * nebula_pool_for_each_live() - visit all live blocks
 * @p: the pool.
 * @fn: called with each block and @data, with preemption off; must not sleep.
 * @data: for @fn.
 *
 * Blocks that are allocated or freed meanwhile may be visited or not, and may be freed while @fn
 * looks at them: the caller sees to it that they are not, or uses %NEBULA_TYPESAFE_BY_RCU.
 *
 * Context: any.
 */
void nebula_pool_for_each_live(struct nebula_pool *p, void (*fn)(void *obj, void *data),
			       void *data)
{
	struct pool_segment *seg;
	unsigned long i;

	preempt_disable();
	pool_for_each_segment(seg, pool_heap(p))
		for (i = 0; i < seg->blocks; i++)
			if (READ_ONCE(seg->state[i]) == NEBULA_POOL_LIVE)
				fn(pool_block(seg, i), data);
	preempt_enable();
}
EXPORT_SYMBOL_GPL(nebula_pool_for_each_live);

static const struct nebula_pool_heap *heap_of(const struct nebula_allocator *a)
{
	return container_of(a, struct nebula_pool_heap, pool.common);
}

/*
 * A pool of which @live blocks are in use and @nominal promised; more than those may be in use. All
 * that is derived of the two is, so that no two figures speak of different moments. Any context.
 */
void pool_usage(const struct nebula_pool_heap *heap, unsigned long live, unsigned long nominal,
		struct nebula_usage *u)
{
	const struct nebula_allocator *a = &heap->pool.common;
	const size_t size = heap->pool.block_size;

	memset(u, 0, sizeof(*u));
	u->used = live * size;
	u->capacity = max(nominal, live) * size;
	u->available = u->capacity - u->used;
	u->max_capacity = max_t(size_t, u->capacity,
				a->flags & NEBULA_GROW ? heap->max_blocks * size : 0);
	u->peak = max(READ_ONCE(heap->peak), live) * size;
	u->promised = nominal * size;
	u->unit = size;
	u->buffer = heap->request.backing == NEBULA_BUFFER;
	u->waiters = nebula_pool_waiters(&heap->pool);
	u->growth_pending = test_bit(POOL_WISH_GROW, &heap->wishes) || atomic_read(&heap->growing);
}

static void ops_usage(const struct nebula_allocator *a, struct nebula_usage *u)
{
	const struct nebula_pool_heap *heap = heap_of(a);

	pool_usage(heap, pool_live(heap), READ_ONCE(heap->nominal), u);
}

static void ops_stats(const struct nebula_allocator *a, struct nebula_stats *st)
{
	const struct nebula_pool_heap *heap = heap_of(a);
	const size_t size = heap->pool.block_size;
	struct pool_counts sum;

	pool_count_all(heap, &sum);
	st->allocs = sum.allocs;
	st->frees = min(sum.frees, sum.allocs);
	st->bytes_in = st->allocs * size;
	st->bytes_out = st->frees * size;
	st->resets = READ_ONCE(heap->resets);
	st->regions = READ_ONCE(heap->segments);
	st->grows = READ_ONCE(heap->grows);
}

/* A bit for each. */
static unsigned long backings_of(const struct nebula_pool_heap *heap)
{
	const struct pool_segment *seg;
	unsigned long backings = 0;

	rcu_read_lock();
	pool_for_each_segment(seg, heap)
		backings |= BIT(seg->region.backing);
	rcu_read_unlock();
	return backings;
}

static void ops_describe(const struct nebula_allocator *a, struct nebula_text *t)
{
	const struct nebula_pool_heap *heap = heap_of(a);
	const struct nebula_pool *p = &heap->pool;
	unsigned long nominal = READ_ONCE(heap->nominal), blocks = READ_ONCE(heap->blocks);
	size_t overhead = pool_overhead(heap);

	nebula_text_key(t, "block size", "%zu", p->block_size);
	nebula_text_key(t, "align", "%zu", heap->pool.align);
	nebula_text_key(t, "stride", "%lu", p->stride);
	nebula_text_key(t, "blocks", "%lu", nominal);
	nebula_text_key(t, "slack", "%lu", blocks - nominal);
	nebula_text_key(t, "path", "%s", READ_ONCE(p->limit) ? "inline" : "out of line");
	nebula_text_key(t, "cache depth", "%u", heap->depth);
	nebula_text_key(t, "batch", "%u", heap->primary.depot.batch);
	nebula_region_describe(&heap->request, backings_of(heap), t);
	nebula_text_bytes(t, "capacity", nominal * p->block_size);
	nebula_text_bytes(t, "slack bytes", (blocks - nominal) * p->block_size);
	nebula_text_bytes(t, "overhead", overhead);
	overhead = div64_u64(1000ULL * overhead, nominal * p->block_size);
	nebula_text_key(t, "overhead share", "%zu.%zu%%", overhead / 10, overhead % 10);
}

static void *ops_alloc(struct nebula_allocator *a, size_t size, size_t align)
{
	return nebula_pool_alloc_fit(container_of(a, struct nebula_pool, common), size, align);
}

static void ops_free(struct nebula_allocator *a, void *p, size_t size)
{
	nebula_pool_free_sized(container_of(a, struct nebula_pool, common), p, size);
}

static bool ops_owns(const struct nebula_allocator *a, const void *p)
{
	return nebula_pool_owns(container_of(a, struct nebula_pool, common), p);
}

/* The constructor has gone: no block can be added any more. */
static void ops_orphan(struct nebula_allocator *a)
{
	struct nebula_pool_heap *heap = container_of(a, struct nebula_pool_heap, pool.common);

	mutex_lock(&heap->grow_lock);
	if (heap->ctor)
		WRITE_ONCE(heap->max_blocks, heap->nominal);
	mutex_unlock(&heap->grow_lock);
}

static bool ops_in_use(const struct nebula_allocator *a)
{
	return atomic_read(&heap_of(a)->sleepers) || atomic_read(&heap_of(a)->reserves);
}

static bool ops_flush(struct nebula_allocator *a)
{
	return pool_rcu_push(container_of(a, struct nebula_pool_heap, pool.common));
}

static void ops_retire(struct nebula_allocator *a)
{
	pool_retire(container_of(a, struct nebula_pool_heap, pool.common));
}

static void ops_release(struct nebula_allocator *a)
{
	pool_unmap(container_of(a, struct nebula_pool_heap, pool.common));
}

static unsigned int ops_cache_depth(const struct nebula_allocator *a)
{
	return READ_ONCE(heap_of(a)->depth);
}

static int ops_set_cache_depth(struct nebula_allocator *a, unsigned int depth)
{
	return nebula_pool_set_cache_depth(container_of(a, struct nebula_pool, common), depth);
}

static void ops_divert(struct nebula_allocator *a)
{
	struct nebula_pool_heap *heap = container_of(a, struct nebula_pool_heap, pool.common);
	unsigned long flags;

	raw_spin_lock_irqsave(&heap->wait_lock, flags);
	pool_set_limits(heap);
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
}

/* What is in the caches would be handed out inline. */
static void ops_settle(struct nebula_allocator *a)
{
	struct nebula_pool_heap *heap = container_of(a, struct nebula_pool_heap, pool.common);

	if (nebula_is_diverted(a) && heap->primary.depth_max)
		pool_drain_locked(heap);
}

static void ops_reset_peak(struct nebula_allocator *a)
{
	pool_reset_peak(container_of(a, struct nebula_pool_heap, pool.common));
}

static void ops_cpu_dead(struct nebula_allocator *a, unsigned int cpu)
{
	pool_drain_dead(container_of(a, struct nebula_pool_heap, pool.common), cpu);
}

const struct nebula_kind_ops nebula_pool_ops = {
	.name			= "pool",
	.alloc			= ops_alloc,
	.free			= ops_free,
	.owns			= ops_owns,
	.usage			= ops_usage,
	.stats			= ops_stats,
	.describe		= ops_describe,
	.in_use			= ops_in_use,
	.flush			= ops_flush,
	.retire			= ops_retire,
	.release		= ops_release,
	.reports_live		= true,
	.sites			= pool_sites,
	.orphan			= ops_orphan,
	.live			= pool_render_live,
	.map			= pool_render_map,
	.validate		= pool_render_validate,
	.cache_depth		= ops_cache_depth,
	.set_cache_depth	= ops_set_cache_depth,
	.cpu_dead		= ops_cpu_dead,
	.divert			= ops_divert,
	.settle			= ops_settle,
	.reset_peak		= ops_reset_peak,
};
