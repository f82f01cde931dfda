// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bump allocators come and go: configuration, create and destroy, init and exit.
 *
 * Create and destroy run in process context; whatever step of create fails, all steps before it
 * are undone.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "../core/chunk.h"
#include "../core/config.h"
#include "../core/inject.h"
#include "../error/error.h"
#include "hooks.h"
#include "priv.h"

/* With NEBULA_GROW and no limit given. */
#define DEFAULT_GROWTH		64

#define KNOWN_FLAGS	(NEBULA_SHARED | NEBULA_GROW | NEBULA_ZERO | NEBULA_DEBUG_FLAGS)

/*
 * Tells the checkpoints of successive lives of the same memory apart; the stamps of one life count
 * below bit 32.
 */
static atomic64_t lives = ATOMIC64_INIT(0);

static const struct nebula_kind_ops owner_ops, shared_ops;

/* The per-CPU parts of allocators without any: no object fits. */
static DEFINE_PER_CPU(struct nebula_bump_cpu, no_cpus) = { .cur = NEBULA_BUMP_CPU_NONE };

static struct nebula_refusal check(const struct nebula_config_common *common)
{
	const struct nebula_bump_config *cfg = common->cfg;

	if (!cfg->capacity && !cfg->buffer)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".capacity");
	if (cfg->capacity > NEBULA_CAPACITY_MAX)
		return NEBULA_REFUSE(NEBULA_E_SIZE_OVERFLOW, ".capacity");
	if (cfg->max_capacity > NEBULA_CAPACITY_MAX)
		return NEBULA_REFUSE(NEBULA_E_SIZE_OVERFLOW, ".max_capacity");
	if (cfg->max_capacity && (!(cfg->flags & NEBULA_GROW) || cfg->max_capacity < cfg->capacity))
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".max_capacity");
	if (cfg->retain && (!(cfg->flags & NEBULA_GROW) || cfg->retain < cfg->capacity))
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".retain");
	if (cfg->flags & NEBULA_SHARED && cfg->capacity > BUMP_SHARED_CAPACITY_MAX)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, "NEBULA_SHARED: .capacity");
	if (cfg->buffer && cfg->capacity > cfg->buffer_size)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer_size");
	return NEBULA_ACCEPT;
}

static size_t default_max(size_t capacity)
{
	return capacity > NEBULA_CAPACITY_MAX / DEFAULT_GROWTH ? NEBULA_CAPACITY_MAX
							       : capacity * DEFAULT_GROWTH;
}

/*
 * For the kernel's switches memory of our own is cleared in bulk when it is given back, so that
 * allocations stay inline. What a client lends would have to be cleared as a whole at first.
 */
static u32 clean_flags(u32 flags, const struct nebula_bump_config *cfg)
{
	const u32 kernels = flags & (NEBULA_INIT_ON_ALLOC | NEBULA_INIT_ON_FREE);

	if (!kernels || cfg->buffer || flags & NEBULA_DEBUG_FLAGS || cfg->flags & NEBULA_ZERO)
		return flags;
	return (flags & ~NEBULA_ZERO) | NEBULA_CLEAN;
}

/* The configuration as it will be used, with all defaults filled in. */
static void apply_config(struct nebula_bump_heap *heap, const struct nebula_bump_config *cfg,
			 const struct nebula_config_common *common)
{
	struct nebula_bump *b = &heap->bump;
	size_t capacity = cfg->capacity ?: cfg->buffer_size;

	b->common.flags = clean_flags(nebula_config_flags(common), cfg);
	nebula_config_request(&heap->request, common);
	heap->request.size = cfg->buffer ? capacity : PAGE_ALIGN(capacity);
	heap->max_capacity = heap->request.size;
	heap->retain = cfg->retain ?: SIZE_MAX;
	if (cfg->flags & NEBULA_GROW)
		heap->max_capacity =
			PAGE_ALIGN(cfg->max_capacity ?: default_max(heap->request.size));
	if (cfg->flags & NEBULA_SHARED) {
		b->common.ops = &shared_ops;
		heap->sub_size = bump_shared_sub_size(heap->request.size);
		heap->request.align = heap->sub_size;
	}
}

static void begin_life(struct nebula_bump *b)
{
	b->common.ops = &owner_ops;
	b->stamps = (u64)atomic64_inc_return(&lives) << 32;
	b->cpus = &no_cpus;
	b->sub_mask = ~0UL;
	b->mark_at = NEBULA_BUMP_MARK_RESET;
}

/*
 * Everything that is of the allocator itself, in reverse order of making; what is not there is
 * skipped.
 */
static void free_heap(struct nebula_bump_heap *heap)
{
	struct nebula_chunk *chunk, *prev;

	bump_shared_exit(heap);
	nebula_chunk_unmap(heap->spare);
	for (chunk = heap->newest; chunk; chunk = prev) {
		prev = chunk->prev;
		nebula_chunk_unmap(chunk);
	}
	kfree(heap);
}

/*
 * Every chunk comes from here, zeroed where it has to be. Context: as @req->gfp, any with
 * NEBULA_GFP_NOLOCK, which zeroes always.
 */
struct nebula_chunk *bump_map_chunk(struct nebula_bump_heap *heap,
				    const struct nebula_region_request *req, int *err)
{
	struct nebula_region_request zeroed = *req;
	struct nebula_chunk *chunk;

	/* Under init_on_alloc the kernel clears all it hands out, and no page twice. */
	if (heap->bump.common.flags & NEBULA_CLEAN && zeroed.gfp != NEBULA_GFP_NOLOCK)
		zeroed.gfp |= __GFP_ZERO;
	chunk = nebula_chunk_map(&zeroed, err);
	if (chunk)
		nebula_guard_poison(&heap->bump.common, chunk->region.base, chunk->region.size);
	if (chunk)
		nebula_kasan_map(&heap->bump.common, &chunk->region, chunk->region.base);
	return chunk;
}

/*
 * A region to grow by. When the kernel has not @size in one piece, halves it until that fits, or is
 * just what is needed. Context: as @gfp, any with NEBULA_GFP_NOLOCK. Returns the region, or NULL.
 */
struct nebula_chunk *bump_map_next(struct nebula_bump_heap *heap, size_t size, size_t need,
				   gfp_t gfp)
{
	struct nebula_region_request req = heap->request;
	struct nebula_chunk *chunk;
	int err;

	need = PAGE_ALIGN(need);
	req.gfp = gfp;
	for (req.size = max(size, need);; req.size = max(PAGE_ALIGN(req.size / 2), need)) {
		chunk = bump_map_chunk(heap, &req, &err);
		if (chunk || req.size <= need)
			return chunk;
	}
}

static int fill_heap(struct nebula_bump_heap *heap)
{
	struct nebula_bump *b = &heap->bump;
	int ret;

	heap->first = bump_map_chunk(heap, &heap->request, &ret);
	if (!heap->first)
		return ret;
	heap->newest = heap->first;
	heap->regions = 1;
	/* What a buffer has beyond the last grain, a shared one does not hand out. */
	if (bump_is_shared(b))
		heap->first->region.size = ALIGN_DOWN(heap->first->region.size, NEBULA_BUMP_GRAIN);
	b->capacity = heap->first->region.size;
	heap->max_capacity = max(heap->max_capacity, b->capacity);
	if (bump_is_shared(b))
		return bump_shared_init(heap);
	bump_owner_enter_chunk(b, heap->first->region.base, heap->first->region.size);
	return 0;
}

static struct nebula_allocator *make(const struct nebula_config_common *common, int *err)
{
	struct nebula_bump_heap *heap;

	*err = -ENOMEM;
	heap = nebula_fault_hit() ? NULL : kmalloc(sizeof(*heap), nebula_config_gfp(common->gfp));
	if (!heap)
		return NULL;
	*heap = (struct nebula_bump_heap){ .bump.heap = heap };
	begin_life(&heap->bump);
	apply_config(heap, common->cfg, common);
	*err = fill_heap(heap);
	if (!*err)
		*err = nebula_config_register(&heap->bump.common, common);
	if (!*err)
		return &heap->bump.common;
	free_heap(heap);
	return NULL;
}

/* What is at fault when the allocator could not be made of a checked configuration. */
static struct nebula_refusal refusal(int err)
{
	switch (err) {
	case -EOVERFLOW:	/* whole pages of it, or its alignment, are too much */
		return NEBULA_REFUSE(NEBULA_E_SIZE_OVERFLOW, ".capacity");
	case -EINVAL:
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer_size");
	default:
		return NEBULA_REFUSE_BACKING(err);
	}
}

static const struct nebula_maker maker = {
	.kind		= NEBULA_KIND_BUMP,
	.check		= check,
	.make		= make,
	.refusal	= refusal,
};

/*
 * Make a bump allocator from a filled-in configuration. nebula_bump_create() is the convenient way
 * to call it. Process context; sleeps.
 */
struct nebula_bump *nebula_bump_create_cfg(const char *name, const struct nebula_bump_config *cfg,
					   size_t cfg_size, unsigned int abi, struct module *owner)
{
	struct nebula_config_common common;
	struct nebula_allocator *a;
	int err;

	err = nebula_config_admit(NEBULA_KIND_BUMP, name, cfg, owner, abi, cfg_size, sizeof(*cfg));
	if (err)
		return ERR_PTR(err);
	common = NEBULA_CONFIG_COMMON(name, cfg, owner, KNOWN_FLAGS);
	a = nebula_config_make(&maker, &common, cfg->capacity);
	return IS_ERR(a) ? ERR_CAST(a) : bump_of(a);
}
EXPORT_SYMBOL_GPL(nebula_bump_create_cfg);

/* The first half of taking it down: no call is made any more. */
static void retire(struct nebula_allocator *a)
{
	struct nebula_bump *b = bump_of(a);

	/* Growth may still fail, and record that with the registration. */
	bump_shared_quiesce(b->heap);
	nebula_guard_release(a, &b->heap->guards, ULONG_MAX);
	nebula_allocator_unregister(a);
}

/* The second half, after a grace period and nebula_chunks_flush(). */
static void release(struct nebula_allocator *a)
{
	free_heap(bump_of(a)->heap);
}

static void take_down(struct nebula_bump *b)
{
	nebula_cleanups_run(&b->common, &b->cleanups, 0);
	retire(&b->common);
	/* The owner alone walks its only region; others walk several, and may kick growth. */
	if (b->common.flags & (NEBULA_SHARED | NEBULA_GROW)) {
		synchronize_rcu();
		nebula_chunks_flush();
	}
	release(&b->common);
}

void nebula_bump_destroy(struct nebula_bump *b)
{
	if (!IS_ERR_OR_NULL(b) && nebula_may_destroy(&b->common, b->heap, atomic_read(&b->scopes)))
		take_down(b);
}
EXPORT_SYMBOL_GPL(nebula_bump_destroy);

void nebula_bump_init(struct nebula_bump *b, void *buf, size_t size)
{
	const bool usable = buf && size && size <= NEBULA_CAPACITY_MAX &&
			    (unsigned long)buf + size > (unsigned long)buf;

	memset(b, 0, sizeof(*b));
	begin_life(b);
	b->common.flags = nebula_init_flags(0, false);
	b->common.slow_reasons = nebula_fastpath_embedded(NEBULA_KIND_BUMP);
	b->capacity = usable ? size : 0;
	bump_owner_enter_chunk(b, usable ? buf : NULL, b->capacity);
	if (!usable)
		nebula_fail(&b->common, NEBULA_E_INVALID_CONFIG, .size = size, .what = "buffer");
}
EXPORT_SYMBOL_GPL(nebula_bump_init);

void nebula_bump_exit(struct nebula_bump *b)
{
	if (b->heap || atomic_read(&b->scopes)) {
		nebula_fail(&b->common, NEBULA_E_INVALID_STATE, .what = "exit",
			    .detail = b->heap ? NEBULA_D_CREATED : NEBULA_D_OPEN_SCOPE);
		return;
	}
	bump_owner_reset(b);
	b->capacity = 0;
	bump_owner_enter_chunk(b, NULL, 0);
}
EXPORT_SYMBOL_GPL(nebula_bump_exit);

/* Where the inline paths serve at this moment. */
static bool is_inline(const struct nebula_bump *b)
{
	return bump_is_shared(b) ? READ_ONCE(b->sub_mask) != ~0UL : READ_ONCE(b->limit);
}

/* A bit for each. */
static unsigned long backings_of(const struct nebula_bump_heap *heap)
{
	const struct nebula_chunk *chunk;
	unsigned long backings = 0;

	rcu_read_lock();
	chunk = nebula_chunk_read(&heap->first);
	while (chunk) {
		backings |= BIT(chunk->region.backing);
		chunk = nebula_chunk_read(&chunk->next);
	}
	rcu_read_unlock();
	return backings;
}

static void describe(const struct nebula_allocator *a, struct nebula_text *t)
{
	const struct nebula_bump_heap *heap = bump_of(a)->heap;

	nebula_text_key(t, "mode", "%s", a->flags & NEBULA_SHARED ? "shared" : "owner");
	nebula_text_key(t, "path", "%s", is_inline(&heap->bump) ? "inline" : "out of line");
	nebula_region_describe(&heap->request, backings_of(heap), t);
	nebula_text_bytes(t, "capacity", READ_ONCE(heap->bump.capacity));
	nebula_text_bytes(t, "max capacity", heap->max_capacity);
	if (a->flags & NEBULA_SHARED)
		nebula_text_bytes(t, "sub-chunk", heap->sub_size);
	nebula_text_bytes(t, "overhead",
			  sizeof(*heap) + sizeof(struct nebula_chunk) * READ_ONCE(heap->regions) +
				  (heap->cpus ? sizeof(*heap->cpus) * num_possible_cpus() : 0));
}

static void *bump_ops_alloc(struct nebula_allocator *a, size_t size, size_t align)
{
	return nebula_bump_alloc_slow(bump_of(a), size, align);
}

/* Nothing comes back before a reset. */
static void bump_ops_free(struct nebula_allocator *a, void *p, size_t size)
{
}

static bool bump_ops_owns(const struct nebula_allocator *a, const void *p)
{
	return nebula_bump_owns(bump_of(a), p);
}

static bool in_use(const struct nebula_allocator *a)
{
	return atomic_read(&bump_of(a)->scopes);
}

static void orphan(struct nebula_allocator *a)
{
	nebula_cleanups_drop(&bump_of(a)->cleanups);
}

#define BUMP_OPS				\
	.kind		= NEBULA_KIND_BUMP,	\
	.alloc		= bump_ops_alloc,	\
	.free		= bump_ops_free,	\
	.owns		= bump_ops_owns,	\
	.describe	= describe,		\
	.in_use		= in_use,		\
	.retire		= retire,		\
	.release	= release,		\
	.orphan		= orphan,		\
	.sites		= bump_sites,		\
	.live		= bump_render_live,	\
	.map		= bump_render_map,	\
	.validate	= bump_validate

static const struct nebula_kind_ops owner_ops = {
	BUMP_OPS,
	.one_owner	= true,
	.usage		= bump_owner_usage,
	.stats		= bump_owner_stats,
	.update_path	= bump_owner_update_path,
	.reset_peak	= bump_owner_reset_peak,
};

static const struct nebula_kind_ops shared_ops = {
	BUMP_OPS,
	.usage		= bump_shared_usage,
	.stats		= bump_shared_stats,
	.update_path	= bump_shared_update_path,
	.reset_peak	= bump_shared_reset_peak,
	.cpu_dead	= bump_shared_cpu_dead,
};
