// SPDX-License-Identifier: GPL-2.0-only
/*
 * One allocator of each kind, see kinds.h.
 */
#include <linux/preempt.h>
#include "kinds.h"

static struct nebula_pool *pool_create(const char *name)
{
	return nebula_pool_create(name, .block_size = KINDS_BLOCK, .blocks = KINDS_BLOCKS,
				  .align = KINDS_ALIGN, .flags = NEBULA_STRICT);
}

static void take_common_parts(struct kinds *k)
{
	k->any_bump = nebula_allocator_of(k->bump);
	k->any_pool = nebula_allocator_of(k->pool);
	k->any_stack = nebula_allocator_of(k->stack);
	k->any_scratch = nebula_allocator_of(k->scratch);
	k->any_custom = nebula_allocator_of(k->custom);
}

void kinds_create(struct kunit *test, struct kinds *k)
{
	k->bump = nebula_bump_create("bump", .capacity = KINDS_SPACE);
	k->pool = pool_create("pool");
	k->stack = nebula_stack_create("stack", .capacity = KINDS_SPACE);
	k->scratch = nebula_scratch_create("scratch", .per_cpu_size = KINDS_SPACE);
	k->spare = pool_create("spare");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, k->bump);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, k->pool);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, k->stack);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, k->scratch);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, k->spare);
	k->custom = ring_register(test);
	k->composite = nebula_fallback_create("composite", k->spare, nebula_system_allocator());
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, k->composite);
	take_common_parts(k);
}

void kinds_destroy(struct kinds *k)
{
	nebula_composite_destroy(k->composite);
	nebula_custom_unregister(k->custom);
	nebula_pool_destroy(k->spare);
	nebula_scratch_destroy(k->scratch);
	nebula_stack_destroy(k->stack);
	nebula_pool_destroy(k->pool);
	nebula_bump_destroy(k->bump);
}

void kinds_run(struct kunit *test, void (*body)(struct kunit *test, struct kinds *k))
{
	struct kinds k;

	kinds_create(test, &k);
	preempt_disable();
	body(test, &k);
	preempt_enable();
	kinds_destroy(&k);
}
