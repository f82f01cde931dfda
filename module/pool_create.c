// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools come and go: configuration, create and destroy.
 *
 * Process context; whatever step of create fails, all steps before it are undone.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "compat.h"
#include "config.h"
#include "pool.h"

/* With NEBULA_GROW and no limit given. */
#define DEFAULT_GROWTH		16

/* With no alignment given: the largest that the block size suggests, up to this. Bytes. */
#define DEFAULT_ALIGN_MAX	8UL

/* Before and behind each block with NEBULA_REDZONE, at least. Bytes. */
#define ZONE_SIZE		16

#define KNOWN_FLAGS	(NEBULA_STRICT | NEBULA_GROW | NEBULA_ZERO | NEBULA_TYPESAFE_BY_RCU | \
			 NEBULA_FIFO | NEBULA_DEBUG_FLAGS)

/* Blocks that are only handed out and taken back one by one, through the loose ones. */
#define UNCACHED_FLAGS	(NEBULA_STRICT | NEBULA_FIFO | NEBULA_DEBUG_FLAGS)

/* The caches of pools without any: always empty. */
static DEFINE_PER_CPU(struct nebula_pool_cpu, no_cache);

static struct nebula_refusal check_blocks(const struct nebula_pool_config *cfg)
{
	size_t bytes;

	if (!cfg->block_size)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".block_size");
	if (!cfg->blocks)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".blocks");
	if (cfg->blocks > NEBULA_POOL_BLOCKS_MAX ||
	    check_mul_overflow(cfg->block_size, (size_t)cfg->blocks, &bytes) ||
	    bytes > NEBULA_CAPACITY_MAX)
		return NEBULA_REFUSE(NEBULA_E_SIZE_OVERFLOW, ".blocks");
	if (cfg->align && (!is_power_of_2(cfg->align) || cfg->align > PAGE_SIZE))
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".align");
	return NEBULA_ACCEPT;
}

static struct nebula_refusal check_flags(const struct nebula_pool_config *cfg)
{
	const bool grows = cfg->flags & NEBULA_GROW;

	if (cfg->max_blocks && (!grows || cfg->max_blocks < cfg->blocks ||
				cfg->max_blocks > NEBULA_POOL_BLOCKS_MAX))
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".max_blocks");
	if (cfg->cache_depth > NEBULA_POOL_DEPTH_MAX && cfg->cache_depth != NEBULA_POOL_NO_CACHE)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".cache_depth",
				     .detail = NEBULA_D_ABOVE_LIMIT, .value = cfg->cache_depth,
				     .limit = NEBULA_POOL_DEPTH_MAX);
	if (cfg->flags & NEBULA_STRICT && cfg->cache_depth &&
	    cfg->cache_depth != NEBULA_POOL_NO_CACHE)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, "STRICT and .cache_depth");
	if (cfg->flags & NEBULA_ZERO && cfg->ctor)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".ctor and NEBULA_ZERO");
	if (cfg->flags & NEBULA_ZERO && cfg->flags & NEBULA_TYPESAFE_BY_RCU)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, "TYPESAFE and ZERO");
	return NEBULA_ACCEPT;
}

static struct nebula_refusal check(const struct nebula_pool_config *cfg,
				   const struct nebula_config_common *common)
{
	struct nebula_refusal r = nebula_config_check(common);

	if (!r.code)
		r = check_blocks(cfg);
	if (!r.code)
		r = check_flags(cfg);
	return r;
}

static void apply_debug(struct nebula_pool_heap *heap, u32 flags)
{
	/* What a constructor or a reader under RCU relies on is not overwritten. */
	if (heap->ctor || flags & NEBULA_TYPESAFE_BY_RCU)
		flags &= ~NEBULA_POISON;
	heap->pool.common.flags = flags;
	if (flags & NEBULA_REDZONE) {
		heap->front = ALIGN(ZONE_SIZE, heap->pool.align);
		heap->back = ZONE_SIZE;
	}
	if (flags & NEBULA_DEBUG_FLAGS)
		heap->attention |= POOL_DEBUG;
	if (flags & NEBULA_ZERO)
		heap->attention |= POOL_ZERO;
	if (flags & NEBULA_INIT_ON_FREE && !(flags & NEBULA_POISON))
		heap->attention |= POOL_CLEAR;
	if (flags & NEBULA_FIFO)
		heap->attention |= POOL_FIFO;
}

/* The configuration as it will be used, with all defaults filled in. */
static void apply_config(struct nebula_pool_heap *heap, const struct nebula_pool_config *cfg,
			 const struct nebula_config_common *common)
{
	heap->pool.common.kind = NEBULA_KIND_POOL;
	heap->pool.block_size = cfg->block_size;
	heap->ctor = cfg->ctor;
	heap->pool.align = cfg->align ?: min(1UL << __ffs(cfg->block_size), DEFAULT_ALIGN_MAX);
	nebula_config_request(&heap->request, common);
	apply_debug(heap, nebula_config_flags(common));
	heap->max_blocks = NEBULA_POOL_BLOCKS_MAX;
	if (cfg->flags & NEBULA_GROW)
		heap->max_blocks = cfg->max_blocks ?: min_t(u64, NEBULA_POOL_BLOCKS_MAX,
							    (u64)cfg->blocks * DEFAULT_GROWTH);
}

static unsigned int wanted_depth(const struct nebula_pool_heap *heap,
				 const struct nebula_pool_config *cfg)
{
	if (heap->pool.common.flags & UNCACHED_FLAGS || cfg->cache_depth == NEBULA_POOL_NO_CACHE)
		return 0;
	return cfg->cache_depth ?: READ_ONCE(nebula_pool_cache_depth);
}

/* What the inline functions work with. */
static void expose(struct nebula_pool_heap *heap)
{
	const struct pool_segment *seg = &heap->primary;
	struct nebula_pool *p = &heap->pool;
	unsigned long flags;

	p->base = seg->base;
	p->state = seg->state;
	p->inverse = seg->inverse;
	p->stride = seg->stride;
	p->rotate = seg->rotate;
	p->blocks = seg->blocks;
	p->cpus = heap->attention ? &no_cache : seg->cpus;
	heap->depth = seg->depth_max;
	if (seg->depth_max)
		heap->attention |= POOL_CACHED;
	else if (heap->pool.common.flags & NEBULA_GROW)
		heap->attention |= POOL_GROWS;
	else if (seg->loose[0].summary)
		heap->attention |= POOL_LARGE;
	raw_spin_lock_irqsave(&heap->wait_lock, flags);
	pool_set_limits(heap);
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
}

/* Counted first: the worker may be done before queue_work() returns. */
static void queue_growth(struct nebula_pool_heap *heap)
{
	atomic_inc(&heap->growing);
	if (!queue_work(compat_unbound_wq, &heap->grow_work))
		atomic_dec(&heap->growing);
}

static void kick_work(struct irq_work *work)
{
	struct nebula_pool_heap *heap = container_of(work, struct nebula_pool_heap, kick);

	if (test_and_clear_bit(POOL_WISH_GROW, &heap->wishes) &&
	    heap->pool.common.flags & NEBULA_GROW)
		queue_growth(heap);
	if (test_and_clear_bit(POOL_WISH_WAKE, &heap->wishes))
		pool_serve_waiters(heap);
	if (test_and_clear_bit(POOL_WISH_RCU, &heap->wishes))
		pool_rcu_start(heap);
}

static void init_heap(struct nebula_pool_heap *heap)
{
	init_irq_work(&heap->kick, kick_work);
	INIT_WORK(&heap->grow_work, pool_grow_work);
	mutex_init(&heap->grow_lock);
	raw_spin_lock_init(&heap->wait_lock);
	INIT_LIST_HEAD(&heap->waiters);
	heap->nominal = heap->primary.nominal;
	heap->blocks = heap->primary.blocks;
	heap->segments = 1;
	atomic_long_set(&heap->spare, heap->blocks);
}

/* Everything that is of the pool itself, in reverse order of making. */
static void free_heap(struct nebula_pool_heap *heap)
{
	struct pool_segment *seg, *next;

	for (seg = heap->primary.next; seg; seg = next) {
		next = seg->next;
		pool_segment_unmap(seg);
		kfree(seg);
	}
	pool_drain_exit(heap);
	pool_segment_unmap(&heap->primary);
	kfree(heap);
}

static struct nebula_pool_heap *make_heap(const struct nebula_pool_config *cfg,
					  const struct nebula_config_common *common,
					  struct module *owner, int *err)
{
	const gfp_t gfp = nebula_config_gfp(cfg->gfp);
	struct nebula_pool_heap *heap;

	*err = -ENOMEM;
	heap = nebula_fault_hit() ? NULL : kzalloc(sizeof(*heap), gfp);
	if (!heap)
		return NULL;
	apply_config(heap, cfg, common);
	*err = pool_segment_map(heap, &heap->primary, cfg->blocks, wanted_depth(heap, cfg), gfp);
	if (*err) {
		kfree(heap);
		return NULL;
	}
	init_heap(heap);
	expose(heap);
	*err = pool_drain_init(heap, gfp);
	if (!*err)
		*err = nebula_allocator_register(&heap->pool.common, common->name, owner, gfp);
	if (!*err)
		return heap;
	free_heap(heap);
	return NULL;
}

static struct nebula_refusal refusal_of(int err)
{
	switch (err) {
	case -ENOMEM:
	case -E2BIG:
	case NEBULA_REGION_NO_BUDGET:
	case NEBULA_REGION_OVER_BUDGET:
		return NEBULA_REFUSE_BACKING(err);
	case -EOVERFLOW:
		return NEBULA_REFUSE(NEBULA_E_SIZE_OVERFLOW, ".blocks");
	default:
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer_size");
	}
}

/**
 * nebula_pool_create_cfg() - make a pool from a filled-in configuration
 * @name: 1 to 63 of ``[A-Za-z0-9_.-]``; copied.
 * @cfg: the configuration; not needed after return.
 * @cfg_size: its size as the client was compiled, bytes.
 * @abi: %NEBULA_ABI as the client was compiled.
 * @owner: module the pool belongs to, %THIS_MODULE.
 *
 * nebula_pool_create() is the convenient way to call it.
 *
 * Context: process context; sleeps.
 * Return: as nebula_pool_create().
 */
struct nebula_pool *nebula_pool_create_cfg(const char *name, const struct nebula_pool_config *cfg,
					   size_t cfg_size, unsigned int abi, struct module *owner)
{
	struct nebula_config_common common;
	struct nebula_pool_heap *heap;
	struct nebula_refusal r;
	unsigned int saved;
	int err;

	err = nebula_config_admit(NEBULA_KIND_POOL, name, cfg, owner, abi, cfg_size, sizeof(*cfg));
	if (err)
		return ERR_PTR(err);
	common = NEBULA_CONFIG_COMMON(name, cfg, KNOWN_FLAGS);
	common.keeps = cfg->ctor;
	r = check(cfg, &common);
	if (!r.code) {
		saved = nebula_gfp_scope_enter(common.gfp ?: GFP_KERNEL);
		heap = make_heap(cfg, &common, owner, &err);
		nebula_gfp_scope_exit(common.gfp ?: GFP_KERNEL, saved);
		if (heap)
			return &heap->pool;
		r = refusal_of(err);
	}
	return ERR_PTR(nebula_config_refuse(NEBULA_KIND_POOL, name,
					    array_size(cfg->block_size, cfg->blocks), r));
}
EXPORT_SYMBOL_GPL(nebula_pool_create_cfg);

/*
 * The first half of taking it down: no call is made any more, and nothing is deferred. Process
 * context.
 */
void pool_retire(struct nebula_pool_heap *heap)
{
	nebula_irq_work_idle(&heap->kick);
	cancel_work_sync(&heap->grow_work);
	if (pool_live(heap))
		pool_report_leaks(heap);
	nebula_allocator_unregister(&heap->pool.common);
	nebula_irq_work_idle(&heap->kick);
}

/* The second half, after a grace period. Process context. */
void pool_unmap(struct nebula_pool_heap *heap)
{
	free_heap(heap);
}

/*
 * Waits for what is about to free blocks, if there are any: RCU callbacks of the client that were
 * queued before, and frees in interrupts that have put their block, but have not counted it.
 */
static void wait_for_frees(struct nebula_pool_heap *heap)
{
	pool_rcu_quiesce(heap);
	if (!pool_live(heap))
		return;
	rcu_barrier();
	/* A callback may have freed by way of another grace period. */
	pool_rcu_quiesce(heap);
	if (pool_live(heap))
		synchronize_rcu();
}

static void take_down(struct nebula_pool_heap *heap)
{
	wait_for_frees(heap);
	pool_retire(heap);
	synchronize_rcu();
	pool_unmap(heap);
}

/**
 * nebula_pool_destroy() - take down a pool
 * @p: the pool; %NULL and ERR_PTR() are fine.
 *
 * All its memory goes back, after a grace period. While blocks are live, RCU callbacks that were
 * queued before may free them: it waits for those. Blocks that are live then are recorded as LEAK.
 * Refused, and recorded, while somebody waits for a block or has a reserve (INVALID_STATE), and in
 * atomic context (WRONG_CONTEXT); the pool stays usable then.
 *
 * Context: process context; sleeps. No other call on the pool may be running.
 */
void nebula_pool_destroy(struct nebula_pool *p)
{
	if (IS_ERR_OR_NULL(p))
		return;
	if (nebula_atomic_context())
		nebula_fail(&p->common, NEBULA_E_WRONG_CONTEXT, .what = "destroy");
	else if (nebula_pool_waiters(p))
		nebula_fail(&p->common, NEBULA_E_INVALID_STATE, .detail = NEBULA_D_WAITERS,
			    .what = "destroy");
	else if (atomic_read(&pool_heap(p)->reserves))
		nebula_fail(&p->common, NEBULA_E_INVALID_STATE, .detail = NEBULA_D_RESERVES,
			    .what = "destroy");
	else if (!nebula_allocator_in_use(&p->common))
		take_down(pool_heap(p));
}
EXPORT_SYMBOL_GPL(nebula_pool_destroy);

/**
 * nebula_pool_growth_flush() - wait until growth that was wished for has ended
 * @p: the pool.
 *
 * Context: process context; sleeps.
 */
void nebula_pool_growth_flush(struct nebula_pool *p)
{
	irq_work_sync(&pool_heap(p)->kick);
	flush_work(&pool_heap(p)->grow_work);
	irq_work_sync(&pool_heap(p)->kick);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_pool_growth_flush);
