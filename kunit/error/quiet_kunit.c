// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refusals that are counted and not recorded: a caller that goes on elsewhere is prepared for them.
 */
#include <linux/irq_work.h>
#include <linux/mempool.h>
#include "../../module/error/error.h"
#include "../fixture.h"

static struct nebula_pool *pool_of(struct kunit *test, unsigned int blocks)
{
	struct nebula_pool *p = nebula_pool_create("part", .block_size = 64, .blocks = blocks,
						   .flags = NEBULA_STRICT);

	ASSERT_POOL(test, p);
	return p;
}

static struct nebula_bump *bump_of(struct kunit *test, size_t capacity)
{
	struct nebula_bump *b = nebula_bump_create("part", .capacity = capacity);

	ASSERT_BUMP(test, b);
	return b;
}

static u64 failures(struct nebula_allocator *a, enum nebula_errc code)
{
	struct nebula_stats st;

	nebula_stats_read(a, &st);
	return st.failures[code];
}

static u64 recorded(void)
{
	struct nebula_error_counts c;

	nebula_error_counts(&c);
	return c.recorded + c.repeated;
}

/* Whatever kinds the parts are of: what another part serves was no error. */
static void quiet_while_a_chain_recovers(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 1);
	struct nebula_bump *b = bump_of(test, SZ_4K);
	struct nebula_stack *s = nebula_stack_create("part", .capacity = SZ_4K);
	struct nebula_allocator *inner, *a;
	u64 before = recorded();
	void *objs[3];
	unsigned int i;

	ASSERT_STACK(test, s);
	inner = nebula_fallback_create("inner", p, b);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, inner);
	a = nebula_fallback_create("outer", inner, s, nebula_system_allocator());
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	objs[0] = nebula_alloc(a, 64, 8);
	KUNIT_EXPECT_TRUE(test, nebula_owns(p, objs[0]));
	objs[1] = nebula_alloc(a, SZ_4K, 8);
	KUNIT_EXPECT_TRUE(test, nebula_owns(b, objs[1]));
	objs[2] = nebula_alloc(a, SZ_4K, 8);
	KUNIT_EXPECT_TRUE(test, nebula_owns(s, objs[2]));
	for (i = 0; i < 1000; i++)
		nebula_free(a, nebula_alloc(a, SZ_8K, 8));
	KUNIT_EXPECT_EQ(test, recorded(), before);
	EXPECT_ERROR(test, p, NEBULA_OK);
	EXPECT_ERROR(test, b, NEBULA_OK);
	EXPECT_ERROR(test, s, NEBULA_OK);
	EXPECT_ERROR(test, inner, NEBULA_OK);
	EXPECT_ERROR(test, a, NEBULA_OK);
	KUNIT_EXPECT_EQ(test, failures(&b->common, NEBULA_E_OUT_OF_MEMORY), 1001ULL);
	KUNIT_EXPECT_EQ(test, failures(&s->common, NEBULA_E_OUT_OF_MEMORY), 1000ULL);
	KUNIT_EXPECT_EQ(test, failures(inner, NEBULA_E_OUT_OF_MEMORY), 1001ULL);
	/* A caller that asks a part directly is told. */
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_8K, 8));
	EXPECT_ERROR(test, b, NEBULA_E_OUT_OF_MEMORY);
	for (i = 0; i < ARRAY_SIZE(objs); i++)
		nebula_free(a, objs[i]);
	nebula_composite_destroy(a);
	nebula_composite_destroy(inner);
	nebula_stack_destroy(s);
	nebula_bump_destroy(b);
	nebula_pool_destroy(p);
}

/* Of a request that all parts refuse, the last part's refusal is recorded, and the composite's. */
static void quiet_until_the_last_part(struct kunit *test)
{
	struct nebula_bump *first = bump_of(test, SZ_4K), *last = bump_of(test, SZ_4K);
	struct nebula_allocator *a = nebula_fallback_create("chain", first, last);
	u64 before;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	before = recorded();
	KUNIT_EXPECT_NULL(test, nebula_alloc(a, SZ_8K, 8));
	KUNIT_EXPECT_EQ(test, recorded(), before + 2);
	EXPECT_ERROR(test, first, NEBULA_OK);
	EXPECT_ERROR(test, last, NEBULA_E_OUT_OF_MEMORY);
	EXPECT_ERROR(test, a, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_EQ(test, failures(&first->common, NEBULA_E_OUT_OF_MEMORY), 1ULL);
	nebula_composite_destroy(a);
	nebula_bump_destroy(last);
	nebula_bump_destroy(first);
}

/* What a part of a client's own kind does while it is asked. */
struct part {
	struct irq_work interrupt;	/* fails on @other in an interrupt on top of it */
	struct nebula_bump *other;	/* another allocator */
	bool corrupt;	/* it reports that as well, which no caller is prepared for */
};

static struct part part;

static void fail_in_interrupt(struct irq_work *work)
{
	if (nebula_bump_alloc(part.other, SZ_1M, 8))
		part.other = NULL;
}

static void *part_alloc(struct nebula_custom *c, size_t size, size_t align)
{
	irq_work_queue(&part.interrupt);
	irq_work_sync(&part.interrupt);
	if (part.corrupt)
		nebula_fail(&c->common, NEBULA_E_USE_AFTER_FREE, .size = size);
	return NULL;
}

static enum nebula_errc part_free(struct nebula_custom *c, void *p, size_t size)
{
	return NEBULA_E_FOREIGN_POINTER;
}

static bool part_owns(const struct nebula_custom *c, const void *p)
{
	return false;
}

static NEBULA_DEFINE_ALLOCATOR(custom, .kind = "part", .alloc = part_alloc, .free = part_free,
			       .owns = part_owns);

/* An interrupt on top, and what is no refusal, are recorded. */
static void quiet_is_the_chain_alone(struct kunit *test)
{
	struct nebula_allocator *a;
	void *p;

	part = (struct part){ .other = bump_of(test, SZ_4K), .corrupt = true };
	part.interrupt = IRQ_WORK_INIT_HARD(fail_in_interrupt);
	KUNIT_ASSERT_EQ(test, nebula_custom_register(&custom, "asked"), 0);
	a = nebula_fallback_create("chain", &custom, nebula_system_allocator());
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	p = nebula_alloc(a, 64, 8);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, part.other);
	EXPECT_ERROR(test, part.other, NEBULA_E_OUT_OF_MEMORY);
	EXPECT_ERROR(test, &custom, NEBULA_E_USE_AFTER_FREE);
	KUNIT_EXPECT_EQ(test, failures(&custom.common, NEBULA_E_OUT_OF_MEMORY), 1ULL);
	nebula_free(a, p);
	nebula_composite_destroy(a);
	nebula_custom_unregister(&custom);
	nebula_bump_destroy(part.other);
}

/* A mempool asks with __GFP_NOWARN first, and falls back on its elements. */
static void quiet_behind_a_mempool(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 2);
	mempool_t *mp = mempool_create(1, nebula_mempool_alloc, nebula_mempool_free, p);
	void *one, *two, *three;
	u64 before = recorded();

	KUNIT_ASSERT_NOT_NULL(test, mp);
	one = mempool_alloc(mp, GFP_NOWAIT);
	two = mempool_alloc(mp, GFP_NOWAIT);
	KUNIT_EXPECT_NOT_NULL(test, two);
	KUNIT_EXPECT_NULL(test, mempool_alloc(mp, GFP_NOWAIT));
	KUNIT_EXPECT_EQ(test, recorded(), before);
	EXPECT_ERROR(test, p, NEBULA_OK);
	KUNIT_EXPECT_GE(test, fixture_failures(p, NEBULA_E_POOL_EXHAUSTED), 2ULL);
	three = nebula_mempool_alloc(GFP_KERNEL, p);
	KUNIT_EXPECT_NULL(test, three);
	EXPECT_ERROR(test, p, NEBULA_E_POOL_EXHAUSTED);
	mempool_free(two, mp);
	mempool_free(one, mp);
	mempool_destroy(mp);
	nebula_pool_destroy(p);
}

/* All calls that take flags. */
static void quiet_with_nowarn(struct kunit *test)
{
	struct nebula_bump *b = bump_of(test, SZ_4K);
	struct nebula_pool *p = nebula_pool_create("part", .block_size = 64, .blocks = 4,
						   .max_blocks = 8, .flags = NEBULA_GROW);
	u64 before = recorded();

	ASSERT_POOL(test, p);
	KUNIT_EXPECT_EQ(test, nebula_bump_reserve(b, SZ_8K, GFP_KERNEL | __GFP_NOWARN), -ENOMEM);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 100, GFP_KERNEL | __GFP_NOWARN), -E2BIG);
	KUNIT_EXPECT_EQ(test, recorded(), before);
	KUNIT_EXPECT_EQ(test, failures(&b->common, NEBULA_E_OUT_OF_MEMORY), 1ULL);
	KUNIT_EXPECT_EQ(test, failures(&p->common, NEBULA_E_EXCEEDS_MAX), 1ULL);
	KUNIT_EXPECT_EQ(test, nebula_bump_reserve(b, SZ_8K, GFP_KERNEL), -ENOMEM);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 100, GFP_KERNEL), -E2BIG);
	KUNIT_EXPECT_EQ(test, recorded(), before + 2);
	nebula_pool_destroy(p);
	nebula_bump_destroy(b);
}

/* A context that enters twice is quiet until it has left twice. */
static void quiet_nests(struct kunit *test)
{
	struct nebula_bump *b = bump_of(test, SZ_4K);
	struct nebula_quiet *outer = nebula_quiet_enter(), *inner = nebula_quiet_enter();

	KUNIT_EXPECT_NOT_NULL(test, outer);
	KUNIT_EXPECT_PTR_EQ(test, inner, outer);
	nebula_quiet_exit(inner);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
	EXPECT_ERROR(test, b, NEBULA_OK);
	nebula_quiet_exit(outer);
	nebula_quiet_exit(NULL);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
	EXPECT_ERROR(test, b, NEBULA_E_OUT_OF_MEMORY);
	nebula_bump_destroy(b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(quiet_while_a_chain_recovers),
	KUNIT_CASE(quiet_until_the_last_part),
	KUNIT_CASE(quiet_is_the_chain_alone),
	KUNIT_CASE(quiet_behind_a_mempool),
	KUNIT_CASE(quiet_with_nowarn),
	KUNIT_CASE(quiet_nests),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_quiet",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
