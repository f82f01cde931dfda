// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kind: configuration and create of pools, what is live all at once, and what the
 * registry needs of a pool.
 *
 * Process context unless said otherwise; whatever step of create fails, all steps before it are
 * undone.
 */
#include <linux/atomic.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/irq_work.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <trace/events/nebula.h>
#include "../compat.h"
#include "../core/config.h"
#include "../core/guard_page.h"
#include "../core/inject.h"
#include "../error/error.h"
#include "hooks.h"
#include "priv.h"

/* With NEBULA_GROW and no limit given. */
#define DEFAULT_GROWTH		16

/* With no alignment given: the largest that the block size suggests, up to this. Bytes. */
#define DEFAULT_ALIGN_MAX	8UL

/* Before and behind each block with NEBULA_REDZONE, at least. Bytes. */
#define ZONE_SIZE		16

#define KNOWN_FLAGS	(NEBULA_STRICT | NEBULA_GROW | NEBULA_ZERO | NEBULA_TYPESAFE_BY_RCU | \
			 NEBULA_FIFO | NEBULA_CLEAR_ON_FREE | NEBULA_DMA | NEBULA_DEBUG_FLAGS)

/* Blocks that are only handed out and taken back one by one. */
#define UNCACHED_FLAGS	(NEBULA_FIFO | NEBULA_DEBUG_FLAGS)

static const struct nebula_kind_ops pool_ops;

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
	if (cfg->flags & NEBULA_CLEAR_ON_FREE &&
	    (cfg->ctor || cfg->flags & NEBULA_TYPESAFE_BY_RCU))
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, "CLEAR_ON_FREE");
	if (cfg->flags & NEBULA_DMA && (cfg->buffer || cfg->backing == NEBULA_VMALLOC))
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, "DMA and .backing");
	return NEBULA_ACCEPT;
}

static struct nebula_refusal check(const struct nebula_config_common *common)
{
	struct nebula_refusal r = check_blocks(common->cfg);

	return r.code ? r : check_flags(common->cfg);
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
	if (flags & NEBULA_KASAN) {
		heap->back = max(heap->back, nebula_kasan_room(flags, heap->pool.block_size) -
					     heap->pool.block_size);
		heap->slow_reasons |= POOL_KASAN;
	}
	if (flags & NEBULA_DEBUG_FLAGS)
		heap->slow_reasons |= POOL_DEBUG;
	if (flags & NEBULA_ZERO)
		heap->slow_reasons |= POOL_ZERO;
	if (flags & NEBULA_FIFO)
		heap->slow_reasons |= POOL_FIFO;
	if (flags & NEBULA_STRICT)
		heap->slow_reasons |= POOL_STRICT;
	if (flags & (NEBULA_INIT_ON_FREE | NEBULA_CLEAR_ON_FREE) && !(flags & NEBULA_POISON))
		heap->slow_reasons |= POOL_CLEAR;
}

/* The configuration as it will be used, with all defaults filled in. */
static void apply_config(struct nebula_pool_heap *heap, const struct nebula_pool_config *cfg,
			 const struct nebula_config_common *common)
{
	heap->pool.common.ops = &pool_ops;
	heap->pool.block_size = cfg->block_size;
	heap->ctor = cfg->ctor;
	heap->ctor_data = cfg->ctor_data;
	heap->pool.align = cfg->align ?: min(1UL << __ffs(cfg->block_size), DEFAULT_ALIGN_MAX);
	nebula_config_request(&heap->request, common);
	if (cfg->flags & NEBULA_DMA) {
		heap->request.backing = NEBULA_PAGES;
		heap->pool.align = max3(heap->pool.align, (size_t)SMP_CACHE_BYTES,
					(size_t)dma_get_cache_alignment());
	}
	apply_debug(heap, nebula_config_flags(common));
	heap->max_blocks = NEBULA_POOL_BLOCKS_MAX;
	if (cfg->flags & NEBULA_GROW)
		heap->max_blocks = cfg->max_blocks ?: min_t(u64, NEBULA_POOL_BLOCKS_MAX,
							    (u64)cfg->blocks * DEFAULT_GROWTH);
}

/* Slots of a magazine: no more than there can ever be slack for. */
static unsigned int depth_for(const struct nebula_pool_heap *heap,
			      const struct nebula_pool_config *cfg)
{
	unsigned int depth = cfg->cache_depth ?: READ_ONCE(nebula_pool_cache_depth);
	u64 blocks = cfg->blocks;

	if (heap->pool.common.flags & UNCACHED_FLAGS || cfg->cache_depth == NEBULA_POOL_NO_CACHE)
		return 0;
	if (cfg->flags & NEBULA_GROW)
		blocks = heap->max_blocks;
	return min3((u64)depth, blocks / 4, (u64)NEBULA_POOL_DEPTH_MAX);
}

/* What the inline functions work with. */
static void expose(struct nebula_pool_heap *heap)
{
	const struct pool_segment *seg = heap->primary;
	struct nebula_pool *p = &heap->pool;

	p->base = seg->base;
	p->state = seg->state;
	p->inverse = seg->inverse;
	p->stride = seg->stride;
	p->rotate = seg->rotate;
	p->blocks = seg->blocks;
	raw_spin_lock_irq(&heap->wait_lock);
	pool_set_paths(heap);
	raw_spin_unlock_irq(&heap->wait_lock);
}

static void kick_work(struct irq_work *work)
{
	struct nebula_pool_heap *heap = container_of(work, struct nebula_pool_heap, kick);

	/* The worker clears this one. */
	if (test_bit(POOL_WISH_GROW, &heap->wishes)) {
		if (heap->pool.common.flags & NEBULA_GROW)
			queue_work(compat_unbound_wq, &heap->grow_work);
		else
			clear_bit(POOL_WISH_GROW, &heap->wishes);
	}
	if (test_and_clear_bit(POOL_WISH_WAKE, &heap->wishes))
		pool_serve_waiters(heap);
	if (test_and_clear_bit(POOL_WISH_RCU, &heap->wishes))
		pool_rcu_start(heap);
	if (test_and_clear_bit(POOL_WISH_TRIM, &heap->wishes))
		pool_trim_arm(heap);
}

static void init_heap(struct nebula_pool_heap *heap)
{
	init_irq_work(&heap->kick, kick_work);
	INIT_WORK(&heap->grow_work, pool_grow_work);
	mutex_init(&heap->grow_lock);
	raw_spin_lock_init(&heap->wait_lock);
	INIT_LIST_HEAD(&heap->waiters);
	pool_rcu_init(heap);
}

/* The CPUs begin to look far from each other. */
static void spread_hints(struct nebula_pool_heap *heap)
{
	const u64 words = DIV_ROUND_UP(heap->primary->blocks, POOL_WORD_BLOCKS);
	unsigned int n = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu_ptr(heap->cpus, cpu)->hint = words * n++ / num_possible_cpus();
}

/* The first segment; how many blocks it promises, or an errno. As many as @blocks, but for DMA. */
static long make_primary(struct nebula_pool_heap *heap, unsigned int blocks, gfp_t gfp)
{
	unsigned long slack = pool_slack_for(heap, blocks), most;
	unsigned int n = blocks;
	int err;

	if (heap->pool.common.flags & NEBULA_DMA) {
		most = pool_blocks_in(heap, PAGE_SIZE << COMPAT_MAX_PAGE_ORDER);
		if (blocks + slack > most) {
			n = clamp_t(unsigned long, most, 1, blocks);
			slack = 0;
		}
	}
	for (;;) {
		heap->primary = pool_segment_create(heap, n, slack, gfp, &err);
		if (heap->primary)
			return n;
		if (!(heap->pool.common.flags & NEBULA_DMA) || n == 1 ||
		    (err != -ENOMEM && err != -E2BIG))
			return err;
		n /= 2;
		slack = 0;
	}
}

/* The first segment, its table, the magazines, and the counts. */
static int fill_heap(struct nebula_pool_heap *heap, unsigned int blocks, gfp_t gfp)
{
	const long first = make_primary(heap, blocks, gfp);
	int err;

	if (first < 0)
		return first;
	err = pool_table_replace(heap, heap->primary, NULL, gfp);
	if (!err)
		err = pool_magazines_create(heap, gfp);
	if (err)
		return err;
	heap->depth = heap->depth_max;
	spread_hints(heap);
	err = pool_grow_portions(heap, blocks - first, gfp);
	heap->grows = 0;
	return err;
}

/* CPUs that came before the registry knew of the pool. Without memory they do without. */
static void catch_up(struct nebula_pool_heap *heap, gfp_t gfp)
{
	int cpu;

	for_each_online_cpu(cpu)
		pool_magazine_prepare(heap, cpu, gfp);
}

static struct nebula_allocator *make(const struct nebula_config_common *common, int *err)
{
	const struct nebula_pool_config *cfg = common->cfg;
	const gfp_t gfp = nebula_config_gfp(cfg->gfp);
	struct nebula_pool_heap *heap;

	*err = -ENOMEM;
	heap = nebula_fault_hit() ? NULL : kzalloc(sizeof(*heap), gfp);
	if (!heap)
		return NULL;
	apply_config(heap, cfg, common);
	heap->depth_max = depth_for(heap, cfg);
	init_heap(heap);
	*err = fill_heap(heap, cfg->blocks, gfp);
	if (!*err) {
		expose(heap);
		*err = nebula_config_register(&heap->pool.common, common);
	}
	if (!*err) {
		catch_up(heap, gfp);
		pool_trim_begin(heap);
		return &heap->pool.common;
	}
	pool_heap_free(heap);
	return NULL;
}

static struct nebula_refusal refusal(int err)
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

static const struct nebula_maker maker = {
	.kind		= NEBULA_KIND_POOL,
	.check		= check,
	.make		= make,
	.refusal	= refusal,
};

/*
 * Make a pool from a filled-in configuration. nebula_pool_create() is the convenient way to call
 * it. Process context; sleeps.
 */
struct nebula_pool *nebula_pool_create_cfg(const char *name, const struct nebula_pool_config *cfg,
					   size_t cfg_size, unsigned int abi, struct module *owner)
{
	struct nebula_config_common common;
	struct nebula_allocator *a;
	int err;

	err = nebula_config_admit(NEBULA_KIND_POOL, name, cfg, owner, abi, cfg_size, sizeof(*cfg));
	if (err)
		return ERR_PTR(err);
	common = NEBULA_CONFIG_COMMON(name, cfg, owner, KNOWN_FLAGS);
	common.keeps = cfg->ctor;
	a = nebula_config_make(&maker, &common, array_size(cfg->block_size, cfg->blocks));
	return IS_ERR(a) ? ERR_CAST(a) : &pool_heap_of(a)->pool;
}
EXPORT_SYMBOL_GPL(nebula_pool_create_cfg);

/*
 * Bytes of buffer that a configuration needs. nebula_pool_buffer_size() is the convenient way to
 * call it. Process context; sleeps.
 */
size_t nebula_pool_buffer_size_cfg(const struct nebula_pool_config *cfg, size_t cfg_size,
				   unsigned int abi, struct module *owner)
{
	const char *name = "buffer_size";
	struct nebula_config_common common;
	struct nebula_pool_heap *heap;
	struct nebula_refusal r;
	u64 bytes = 0;

	if (nebula_config_admit(NEBULA_KIND_POOL, name, cfg, owner, abi, cfg_size, sizeof(*cfg)))
		return 0;
	common = NEBULA_CONFIG_COMMON(name, cfg, owner, KNOWN_FLAGS);
	common.keeps = cfg->ctor;
	r = nebula_config_check(&common);
	if (!r.code)
		r = check(&common);
	heap = r.code || nebula_fault_hit() ? NULL : kzalloc(sizeof(*heap), GFP_KERNEL);
	if (heap) {
		apply_config(heap, cfg, &common);
		heap->depth_max = depth_for(heap, cfg);
		bytes = pool_bytes_for(heap, cfg->blocks +
				       min(cfg->blocks / 4UL, (unsigned long)heap->depth_max *
							      num_possible_cpus())) +
			max_t(size_t, heap->pool.align, SMP_CACHE_BYTES);
		kfree(heap);
		if (bytes <= NEBULA_CAPACITY_MAX)
			return bytes;
		r = NEBULA_REFUSE(NEBULA_E_SIZE_OVERFLOW, ".blocks");
	} else if (!r.code) {
		r = NEBULA_REFUSE_BACKING(-ENOMEM);
	}
	nebula_config_refuse(NEBULA_KIND_POOL, name, array_size(cfg->block_size, cfg->blocks), r);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_pool_buffer_size_cfg);

/*
 * Keep the grow worker, and all who sleep to grow, from growing. For tests, to have it grow in
 * place only, until nebula_pool_growth_release(). Process context; sleeps.
 */
void nebula_pool_growth_hold(struct nebula_pool *p)
{
	mutex_lock(&pool_heap(p)->grow_lock);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_pool_growth_hold);

void nebula_pool_growth_release(struct nebula_pool *p)
{
	mutex_unlock(&pool_heap(p)->grow_lock);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_pool_growth_release);

/* Wait until growth that was wished for has ended. Process context; sleeps. */
void nebula_pool_growth_flush(struct nebula_pool *p)
{
	irq_work_sync(&pool_heap(p)->kick);
	flush_work(&pool_heap(p)->grow_work);
	irq_work_sync(&pool_heap(p)->kick);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_pool_growth_flush);

static void free_one(void *obj, void *data)
{
	nebula_pool_free(data, obj);
}

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
	if (unlikely(READ_ONCE(heap->slow_reasons) & POOL_WATCHED))
		trace_pool_reset(nebula_allocator_name(&p->common), live * p->block_size);
	nebula_pool_for_each_live(p, free_one, p);
	WRITE_ONCE(heap->resets, heap->resets + 1);
	return live;
}
EXPORT_SYMBOL_GPL(nebula_pool_reset);

/*
 * Visits blocks of one word of states, from address @from on: where to go on, or 0 at the end. The
 * table is looked up anew each time, so that preemption is off for a few blocks only.
 */
static unsigned long visit_some(struct nebula_pool_heap *heap, unsigned long from,
				void (*fn)(void *obj, void *data), void *data)
{
	const struct pool_table *tab = pool_table(heap);
	const struct pool_segment *seg = NULL;
	unsigned long i, end;

	for (i = 0; i < tab->nr; i++) {
		seg = tab->seg[i];
		if (from < seg->base + seg->blocks * seg->stride)
			break;
	}
	if (i == tab->nr)
		return 0;
	i = from > seg->base ? (from - seg->base) / seg->stride : 0;
	end = min(i + POOL_WORD_BLOCKS, seg->blocks);
	for (; i < end; i++)
		if (READ_ONCE(seg->state[i]) == NEBULA_POOL_LIVE)
			fn(nebula_guard_page_object(&heap->pool.common, pool_block(seg, i)), data);
	return seg->base + end * seg->stride;
}

void nebula_pool_for_each_live(struct nebula_pool *p, void (*fn)(void *obj, void *data),
			       void *data)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	unsigned long next = 0;

	do {
		preempt_disable();
		next = visit_some(heap, next, fn, data);
		preempt_enable();
	} while (next);
}
EXPORT_SYMBOL_GPL(nebula_pool_for_each_live);

int nebula_pool_set_cache_depth(struct nebula_pool *p, unsigned int depth)
{
	struct nebula_pool_heap *heap = pool_heap(p);

	if (nebula_atomic_context())
		return nebula_fail(&p->common, NEBULA_E_WRONG_CONTEXT, .what = "cache_depth");
	if (depth > heap->depth_max || (depth && p->common.flags & NEBULA_STRICT))
		return nebula_fail(&p->common, NEBULA_E_INVALID_CONFIG, .what = "cache_depth",
				   .detail = NEBULA_D_ABOVE_LIMIT, .value = depth,
				   .limit = p->common.flags & NEBULA_STRICT ? 0 : heap->depth_max);
	mutex_lock(&heap->grow_lock);
	WRITE_ONCE(heap->depth, depth);
	/* What is in the magazines may be more than they shall hold now. */
	pool_drain_begin(heap);
	pool_drain_end(heap);
	mutex_unlock(&heap->grow_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_pool_set_cache_depth);

/* A bit for each. */
static unsigned long backings_of(const struct nebula_pool_heap *heap)
{
	const struct pool_table *tab;
	unsigned long backings = 0, i;

	preempt_disable();
	tab = pool_table(heap);
	for (i = 0; i < tab->nr; i++)
		backings |= BIT(tab->seg[i]->region.backing);
	preempt_enable();
	return backings;
}

static void ops_describe(const struct nebula_allocator *a, struct nebula_text *t)
{
	const struct nebula_pool_heap *heap = pool_heap_of(a);
	const struct nebula_pool *p = &heap->pool;
	unsigned long nominal = READ_ONCE(heap->nominal), blocks = READ_ONCE(heap->blocks);
	size_t overhead = pool_overhead(heap);

	nebula_text_key(t, "block size", "%zu", p->block_size);
	nebula_text_key(t, "align", "%zu", heap->pool.align);
	nebula_text_key(t, "stride", "%lu", p->stride);
	nebula_text_key(t, "blocks", "%lu", nominal);
	nebula_text_key(t, "slack", "%lu", blocks - nominal);
	nebula_text_key(t, "path", "%s",
			READ_ONCE(heap->slow_reasons) ? "out of line" : "inline");
	nebula_text_key(t, "cache depth", "%u", heap->depth);
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
	struct nebula_pool_heap *heap = pool_heap_of(a);

	mutex_lock(&heap->grow_lock);
	if (heap->ctor)
		WRITE_ONCE(heap->max_blocks, heap->nominal);
	mutex_unlock(&heap->grow_lock);
}

static bool ops_in_use(const struct nebula_allocator *a)
{
	const struct nebula_pool_heap *heap = pool_heap_of(a);

	return atomic_read(&heap->sleepers) || atomic_read(&heap->reserves) ||
	       test_bit(POOL_LEAVING, &heap->wishes);
}

static bool ops_flush(struct nebula_allocator *a)
{
	return pool_rcu_push(pool_heap_of(a)) || READ_ONCE(pool_heap_of(a)->wait_pending);
}

static void ops_retire(struct nebula_allocator *a)
{
	pool_retire(pool_heap_of(a));
}

static void ops_release(struct nebula_allocator *a)
{
	pool_heap_free(pool_heap_of(a));
}

static unsigned int ops_cache_depth(const struct nebula_allocator *a)
{
	return READ_ONCE(pool_heap_of(a)->depth);
}

static int ops_set_cache_depth(struct nebula_allocator *a, unsigned int depth)
{
	return nebula_pool_set_cache_depth(container_of(a, struct nebula_pool, common), depth);
}

static void ops_update_path(struct nebula_allocator *a)
{
	struct nebula_pool_heap *heap = pool_heap_of(a);
	unsigned long flags;

	raw_spin_lock_irqsave(&heap->wait_lock, flags);
	pool_set_paths(heap);
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
}

static void ops_cpu_dead(struct nebula_allocator *a, unsigned int cpu)
{
	struct nebula_pool_heap *heap = pool_heap_of(a);

	pool_magazine_empty(heap, cpu);
	pool_set_share(heap, num_online_cpus());
}

/* Without memory the CPU does without. */
static void ops_cpu_prepare(struct nebula_allocator *a, unsigned int cpu)
{
	struct nebula_pool_heap *heap = pool_heap_of(a);

	pool_magazine_prepare(heap, cpu, heap->request.gfp);
	pool_set_share(heap, num_online_cpus() + 1);
}

static const struct nebula_kind_ops pool_ops = {
	.kind			= NEBULA_KIND_POOL,
	.alloc			= ops_alloc,
	.free			= ops_free,
	.owns			= ops_owns,
	.usage			= pool_usage,
	.stats			= pool_stats,
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
	.validate		= pool_validate,
	.cache_depth		= ops_cache_depth,
	.set_cache_depth	= ops_set_cache_depth,
	.cpu_dead		= ops_cpu_dead,
	.cpu_prepare		= ops_cpu_prepare,
	.update_path			= ops_update_path,
	.reset_peak		= pool_reset_peak,
};
