// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stacks come and go: configuration, create and destroy, init and exit.
 *
 * Create and destroy run in process context; whatever step of create fails, all steps before it
 * are undone.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "../core/config.h"
#include "../core/inject.h"
#include "../error/error.h"
#include "priv.h"

#define KNOWN_FLAGS	(NEBULA_SHARED | NEBULA_ZERO | NEBULA_DEBUG_FLAGS)

/* Tells the marks of successive lives of the same memory apart; those of one count below bit 32. */
static atomic_t lives = ATOMIC_INIT(0);

/* What the inline paths of a shared stack find: no object, and no mark, is on top. Not written. */
static const u32 no_entries[] = { NEBULA_STACK_TAG, 0, NEBULA_STACK_TAG, PAGE_SIZE };

static struct nebula_refusal check(const struct nebula_config_common *common)
{
	const struct nebula_stack_config *cfg = common->cfg;

	if (!cfg->capacity && !cfg->buffer)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".capacity");
	if (cfg->capacity > NEBULA_STACK_CAPACITY_MAX)
		return NEBULA_REFUSE(NEBULA_E_SIZE_OVERFLOW, ".capacity");
	if (cfg->buffer && cfg->capacity > cfg->buffer_size)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer_size");
	if (cfg->buffer && (cfg->capacity ?: cfg->buffer_size) > NEBULA_STACK_CAPACITY_MAX)
		return NEBULA_REFUSE(NEBULA_E_SIZE_OVERFLOW, ".buffer_size");
	return NEBULA_ACCEPT;
}

static const struct nebula_kind_ops owner_ops, shared_ops;

static void begin_life(struct nebula_stack *s)
{
	s->common.ops = &owner_ops;
	s->marks = (u64)(atomic_inc_return(&lives) & (BIT(29) - 1)) << 33;
}

/* Where the memory is. */
static void enter(struct nebula_stack *s, void *memory, size_t size)
{
	const unsigned long start = (unsigned long)memory;

	s->base = ALIGN_DOWN(start, NEBULA_STACK_ORIGIN_ALIGN) - NEBULA_STACK_ORIGIN_ALIGN;
	s->start = start - s->base;
	s->end = s->start + size;
}

static u32 entries_for(size_t capacity)
{
	return DIV_ROUND_UP(capacity, NEBULA_STACK_GRAIN) + STACK_MARK_ENTRIES +
	       STACK_SPARE_ENTRIES;
}

/* The configuration as it will be used, with all defaults filled in. */
static void apply_config(struct nebula_stack_heap *heap, const struct nebula_stack_config *cfg,
			 const struct nebula_config_common *common)
{
	size_t capacity = cfg->capacity ?: cfg->buffer_size;

	heap->stack.common.flags = nebula_config_flags(common);
	nebula_config_request(&heap->request, common);
	heap->request.size = cfg->buffer ? capacity : PAGE_ALIGN(capacity);
	if (cfg->flags & NEBULA_SHARED) {
		heap->stack.common.ops = &shared_ops;
		heap->shift = stack_shared_shift(heap->request.size);
		heap->request.align = 1UL << heap->shift;
	}
}

/*
 * Everything that is of the stack itself, in reverse order of making; what is not there is skipped.
 */
static void free_heap(struct nebula_stack_heap *heap)
{
	if (stack_is_shared(&heap->stack))
		stack_shared_exit(heap);
	else
		kvfree(heap->stack.entries);
	nebula_region_unmap(&heap->region);
	kfree(heap);
}

static int fill_shared(struct nebula_stack_heap *heap)
{
	struct nebula_stack *s = &heap->stack;

	s->self = ERR_PTR(-EINVAL);
	s->entries = (u32 *)no_entries;
	s->bottom = s->entries + STACK_BOTTOM;
	s->top = (u32 *)&no_entries[ARRAY_SIZE(no_entries) - 1];
	enter(s, heap->region.base, ALIGN_DOWN(heap->region.size, 1UL << heap->shift));
	/* The rest of a buffer may be nothing at all. */
	return s->end > s->start ? stack_shared_init(heap) : -EINVAL;
}

static int fill_heap(struct nebula_stack_heap *heap)
{
	struct nebula_stack *s = &heap->stack;
	int ret;

	ret = nebula_region_map(&heap->region, &heap->request);
	if (ret)
		return ret;
	nebula_guard_poison(&s->common, heap->region.base, heap->region.size);
	nebula_kasan_map(&s->common, &heap->region, heap->region.base);
	if (stack_is_shared(s))
		return fill_shared(heap);
	enter(s, heap->region.base, heap->region.size);
	s->room = entries_for(heap->region.size);
	s->entries = nebula_array_alloc(s->room, sizeof(*s->entries), heap->request.gfp,
					heap->request.node);
	if (!s->entries)
		return -ENOMEM;
	stack_owner_begin(s);
	return 0;
}

static struct nebula_allocator *make(const struct nebula_config_common *common, int *err)
{
	struct nebula_stack_heap *heap;

	*err = -ENOMEM;
	heap = nebula_fault_hit() ? NULL : kmalloc(sizeof(*heap), nebula_config_gfp(common->gfp));
	if (!heap)
		return NULL;
	*heap = (struct nebula_stack_heap){ .stack.heap = heap };
	begin_life(&heap->stack);
	apply_config(heap, common->cfg, common);
	*err = fill_heap(heap);
	if (!*err)
		*err = nebula_config_register(&heap->stack.common, common);
	if (!*err)
		return &heap->stack.common;
	free_heap(heap);
	return NULL;
}

/* What was at fault when the stack could not be made of a checked configuration. */
static struct nebula_refusal refusal(int err)
{
	if (err == -EINVAL || err == -EOVERFLOW)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer_size");
	return NEBULA_REFUSE_BACKING(err);
}

static const struct nebula_maker maker = {
	.kind		= NEBULA_KIND_STACK,
	.check		= check,
	.make		= make,
	.refusal	= refusal,
};

/*
 * Make a stack from a filled-in configuration. nebula_stack_create() is the convenient way to call
 * it. Process context; sleeps.
 */
struct nebula_stack *nebula_stack_create_cfg(const char *name,
					     const struct nebula_stack_config *cfg,
					     size_t cfg_size, unsigned int abi,
					     struct module *owner)
{
	struct nebula_config_common common;
	struct nebula_allocator *a;
	int err;

	err = nebula_config_admit(NEBULA_KIND_STACK, name, cfg, owner, abi, cfg_size, sizeof(*cfg));
	if (err)
		return ERR_PTR(err);
	common = NEBULA_CONFIG_COMMON(name, cfg, owner, KNOWN_FLAGS);
	a = nebula_config_make(&maker, &common, cfg->capacity);
	return IS_ERR(a) ? ERR_CAST(a) : stack_of(a);
}
EXPORT_SYMBOL_GPL(nebula_stack_create_cfg);

/* The first half of taking it down: no call is made any more. */
static void retire(struct nebula_allocator *a)
{
	struct nebula_stack *s = stack_of(a);

	nebula_cleanups_drop(&s->cleanups);
	if (!stack_is_shared(s))
		stack_owner_reset(s);
	nebula_allocator_unregister(a);
}

/* The second half. */
static void release(struct nebula_allocator *a)
{
	free_heap(stack_of(a)->heap);
}

static void take_down(struct nebula_stack *s)
{
	nebula_cleanups_run(&s->common, &s->cleanups, 0);
	retire(&s->common);
	release(&s->common);
}

void nebula_stack_destroy(struct nebula_stack *s)
{
	if (!IS_ERR_OR_NULL(s) && nebula_may_destroy(&s->common, s->heap, atomic_read(&s->scopes)))
		take_down(s);
}
EXPORT_SYMBOL_GPL(nebula_stack_destroy);

/* Serves nothing, and every mark is stale. */
static void enter_nothing(struct nebula_stack *s)
{
	s->base = 0;
	s->start = NEBULA_STACK_ORIGIN_ALIGN;
	s->end = s->start;
	s->entries = s->nothing;
	s->room = ARRAY_SIZE(s->nothing);
	stack_owner_begin(s);
}

/* What a buffer takes besides the entries that its capacity needs, and the rest of a last one. */
#define BUFFER_FIXED	((STACK_MARK_ENTRIES + STACK_SPARE_ENTRIES + 1) * sizeof(u32))

/* And for each grain of it. */
#define PER_GRAIN	(NEBULA_STACK_GRAIN + sizeof(u32))

/* Bytes of a buffer on which nebula_stack_init() finds so many more grains, with their entries. */
size_t stack_buffer_for(const struct nebula_stack *s, size_t grains)
{
	const size_t now = s->entries == s->nothing ?
		BUFFER_FIXED : (void *)(s->entries + s->room) - (void *)(s->base + s->start);

	return now + grains * PER_GRAIN;
}

void nebula_stack_init(struct nebula_stack *s, void *buf, size_t size)
{
	const unsigned long end = ALIGN_DOWN((unsigned long)buf + size, sizeof(u32));
	const size_t bytes = end - (unsigned long)buf;
	/* The end may have cost up to one entry less a byte. */
	const bool usable = buf && size <= NEBULA_STACK_CAPACITY_MAX &&
			    size > BUFFER_FIXED + sizeof(u32) &&
			    (unsigned long)buf + size > (unsigned long)buf;
	size_t capacity;

	memset(s, 0, sizeof(*s));
	begin_life(s);
	s->common.flags = nebula_init_flags(0, false);
	s->common.slow_reasons = nebula_fastpath_embedded(NEBULA_KIND_STACK);
	if (!usable) {
		enter_nothing(s);
		nebula_fail(&s->common, NEBULA_E_INVALID_CONFIG, .size = size, .what = "buffer");
		return;
	}
	capacity = (bytes - BUFFER_FIXED) / PER_GRAIN * NEBULA_STACK_GRAIN +
		   (bytes - BUFFER_FIXED) % PER_GRAIN;
	s->room = entries_for(capacity);
	s->entries = (u32 *)end - s->room;
	enter(s, buf, min_t(size_t, capacity, (unsigned long)s->entries - (unsigned long)buf));
	stack_owner_begin(s);
}
EXPORT_SYMBOL_GPL(nebula_stack_init);

void nebula_stack_exit(struct nebula_stack *s)
{
	if (s->heap || atomic_read(&s->scopes)) {
		nebula_fail(&s->common, NEBULA_E_INVALID_STATE, .what = "exit",
			    .detail = s->heap ? NEBULA_D_CREATED : NEBULA_D_OPEN_SCOPE);
		return;
	}
	nebula_cleanups_run(&s->common, &s->cleanups, 0);
	enter_nothing(s);
}
EXPORT_SYMBOL_GPL(nebula_stack_exit);

static void describe(const struct nebula_allocator *a, struct nebula_text *t)
{
	const struct nebula_stack *s = stack_of(a);
	const struct nebula_stack_heap *heap = s->heap;
	size_t overhead = sizeof(*heap);

	nebula_text_key(t, "mode", "%s", stack_is_shared(s) ? "shared" : "owner");
	nebula_text_key(t, "path", "%s", READ_ONCE(s->limit) ? "inline" : "out of line");
	nebula_region_describe(&heap->request, BIT(heap->region.backing), t);
	nebula_text_bytes(t, "capacity", nebula_stack_capacity(s));
	if (stack_is_shared(s)) {
		nebula_text_bytes(t, "granule", 1UL << heap->shift);
		overhead += heap->granules * sizeof(*heap->slots) +
			    num_possible_cpus() * sizeof(*heap->cpus);
	} else {
		nebula_text_key(t, "entries", "%u", s->room);
		overhead += s->room * sizeof(*s->entries);
	}
	nebula_text_bytes(t, "overhead", overhead);
}

static void *stack_ops_alloc(struct nebula_allocator *a, size_t size, size_t align)
{
	return nebula_stack_alloc_slow(stack_of(a), size, align);
}

static void stack_ops_free(struct nebula_allocator *a, void *p, size_t size)
{
	nebula_stack_free_sized(stack_of(a), p, size);
}

static bool stack_ops_owns(const struct nebula_allocator *a, const void *p)
{
	return nebula_stack_owns(stack_of(a), p);
}

static bool in_use(const struct nebula_allocator *a)
{
	return atomic_read(&stack_of(a)->scopes);
}

static void orphan(struct nebula_allocator *a)
{
	nebula_cleanups_drop(&stack_of(a)->cleanups);
}

#define STACK_OPS				\
	.kind		= NEBULA_KIND_STACK,	\
	.alloc		= stack_ops_alloc,	\
	.free		= stack_ops_free,	\
	.owns		= stack_ops_owns,	\
	.describe	= describe,		\
	.in_use		= in_use,		\
	.retire		= retire,		\
	.release	= release,		\
	.orphan		= orphan,		\
	.sites		= stack_sites,		\
	.live		= stack_render_live,	\
	.map		= stack_render_map,	\
	.validate	= stack_validate

static const struct nebula_kind_ops owner_ops = {
	STACK_OPS,
	.one_owner	= true,
	.usage		= stack_owner_usage,
	.stats		= stack_owner_stats,
	.update_path	= stack_owner_update_path,
	.reset_peak	= stack_owner_reset_peak,
};

static const struct nebula_kind_ops shared_ops = {
	STACK_OPS,
	.usage		= stack_shared_usage,
	.stats		= stack_shared_stats,
	.reset_peak	= stack_shared_reset_peak,
};
