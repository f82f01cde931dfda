// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators of all kinds and modes, in production and development, from pages and from vmalloc.
 */
#include <linux/preempt.h>
#include "../../module/core/allocator.h"
#include "shapes.h"

#define BOTH_BACKINGS(what, kind, flags, preset)			\
	{ what ", pages", kind, flags, preset, NEBULA_PAGES },		\
	{ what ", vmalloc", kind, flags, preset, NEBULA_VMALLOC }

#define BOTH_PRESETS(what, kind, flags)						\
	BOTH_BACKINGS(what, kind, flags, NEBULA_PRODUCTION),			\
	BOTH_BACKINGS(what ", development", kind, flags, NEBULA_DEVELOPMENT)

const struct shape shapes[NR_SHAPES] = {
	BOTH_PRESETS("bump", NEBULA_KIND_BUMP, 0),
	BOTH_PRESETS("shared bump", NEBULA_KIND_BUMP, NEBULA_SHARED),
	BOTH_BACKINGS("zeroing bump", NEBULA_KIND_BUMP, NEBULA_ZERO, NEBULA_PRODUCTION),
	BOTH_PRESETS("pool", NEBULA_KIND_POOL, 0),
	BOTH_PRESETS("strict pool", NEBULA_KIND_POOL, NEBULA_STRICT),
	BOTH_BACKINGS("zeroing pool", NEBULA_KIND_POOL, NEBULA_ZERO, NEBULA_PRODUCTION),
	BOTH_BACKINGS("clearing pool", NEBULA_KIND_POOL, NEBULA_CLEAR_ON_FREE, NEBULA_PRODUCTION),
	BOTH_BACKINGS("FIFO pool", NEBULA_KIND_POOL, NEBULA_FIFO, NEBULA_PRODUCTION),
	BOTH_PRESETS("stack", NEBULA_KIND_STACK, 0),
	BOTH_PRESETS("shared stack", NEBULA_KIND_STACK, NEBULA_SHARED),
	BOTH_PRESETS("scratch", NEBULA_KIND_SCRATCH, 0),
};

struct nebula_bump *shape_bump(struct nebula_allocator *a)
{
	return container_of(a, struct nebula_bump, common);
}

struct nebula_pool *shape_pool(struct nebula_allocator *a)
{
	return container_of(a, struct nebula_pool, common);
}

struct nebula_stack *shape_stack(struct nebula_allocator *a)
{
	return container_of(a, struct nebula_stack, common);
}

static struct nebula_scratch *shape_scratch(struct nebula_allocator *a)
{
	return container_of(a, struct nebula_scratch, common);
}

#define COMMON(s)	.flags = (s)->flags, .preset = (s)->preset, .backing = (s)->backing

struct nebula_allocator *shape_create(struct kunit *test, const struct shape *s)
{
	struct nebula_scratch *scratch;
	struct nebula_stack *stack;
	struct nebula_bump *bump;
	struct nebula_pool *pool;

	switch (s->kind) {
	case NEBULA_KIND_BUMP:
		bump = nebula_bump_create("seen", .capacity = SZ_32K, COMMON(s));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bump);
		return nebula_allocator_of(bump);
	case NEBULA_KIND_POOL:
		pool = nebula_pool_create("seen", .block_size = SHAPE_BLOCK, .blocks = 200,
					  COMMON(s));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
		return nebula_allocator_of(pool);
	case NEBULA_KIND_STACK:
		stack = nebula_stack_create("seen", .capacity = SZ_32K, COMMON(s));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, stack);
		return nebula_allocator_of(stack);
	default:
		scratch = nebula_scratch_create("seen", .per_cpu_size = SZ_16K, COMMON(s));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scratch);
		return nebula_allocator_of(scratch);
	}
}

void shape_destroy(struct nebula_allocator *a)
{
	switch (a->ops->kind) {
	case NEBULA_KIND_BUMP:
		nebula_bump_destroy(shape_bump(a));
		break;
	case NEBULA_KIND_POOL:
		nebula_pool_destroy(shape_pool(a));
		break;
	case NEBULA_KIND_STACK:
		nebula_stack_destroy(shape_stack(a));
		break;
	default:
		nebula_scratch_destroy(shape_scratch(a));
		break;
	}
}

void shape_enter(const struct nebula_allocator *a)
{
	if (a->ops->kind == NEBULA_KIND_SCRATCH)
		preempt_disable();
}

void shape_leave(const struct nebula_allocator *a)
{
	if (a->ops->kind == NEBULA_KIND_SCRATCH)
		preempt_enable();
}

void shape_give_back(struct nebula_allocator *a, void *newest, size_t size)
{
	if (a->ops->kind == NEBULA_KIND_BUMP)
		nebula_bump_reset(shape_bump(a));
	else
		nebula_allocator_free(a, newest, size);
}
