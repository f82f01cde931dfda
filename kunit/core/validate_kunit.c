// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebula_validate(): what the clients' own tests call.
 */
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include "../kinds.h"

static void expect_intact(struct kunit *test, struct kinds *k)
{
	preempt_enable();
	KUNIT_EXPECT_EQ(test, nebula_validate(k->bump), 0);
	KUNIT_EXPECT_EQ(test, nebula_validate((const struct nebula_pool *)k->pool), 0);
	KUNIT_EXPECT_EQ(test, nebula_validate(k->stack), 0);
	KUNIT_EXPECT_EQ(test, nebula_validate(k->scratch), 0);
	KUNIT_EXPECT_EQ(test, nebula_validate(k->composite), 0);
	KUNIT_EXPECT_EQ(test, nebula_validate(k->any_stack), 0);
	KUNIT_EXPECT_EQ(test, nebula_validate(k->custom), -EOPNOTSUPP);
	EXPECT_ERROR(test, k->custom, NEBULA_E_NOT_SUPPORTED);
	preempt_disable();
}

static void validate_all_kinds(struct kunit *test)
{
	kinds_run(test, expect_intact);
	KUNIT_EXPECT_EQ(test, nebula_validate(nebula_system_allocator()), -EOPNOTSUPP);
}

/* Each finds what was written behind an object, and through the composite of which it is a part. */
static void validate_finds_an_overrun(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("test", .capacity = SZ_4K,
						   .flags = NEBULA_REDZONE);
	struct nebula_stack *s = nebula_stack_create("test", .capacity = SZ_4K,
						     .flags = NEBULA_REDZONE);
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 64, .blocks = 8,
						   .flags = NEBULA_REDZONE);
	struct nebula_allocator *both;
	u8 *objs[3];
	int i;

	ASSERT_BUMP(test, b);
	ASSERT_STACK(test, s);
	ASSERT_POOL(test, p);
	both = nebula_fallback_create("both", nebula_allocator_of(s), nebula_allocator_of(p));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, both);
	objs[0] = nebula_bump_alloc(b, 64, 8);
	objs[1] = nebula_stack_alloc(s, 64, 8);
	objs[2] = nebula_pool_alloc(p);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_NOT_NULL(test, objs[i]);
		objs[i][64] ^= 1;
	}
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 1);
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 1);
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 1);
	KUNIT_EXPECT_EQ(test, nebula_validate(both), 2);
	for (i = 0; i < 3; i++)
		objs[i][64] ^= 1;
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	KUNIT_EXPECT_EQ(test, nebula_validate(both), 0);
	nebula_pool_free(p, objs[2]);
	nebula_composite_destroy(both);
	nebula_pool_destroy(p);
	nebula_stack_destroy(s);
	nebula_bump_destroy(b);
}

static void validate_in_the_wrong_place(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("test", .capacity = SZ_4K), embedded;
	unsigned long flags;
	u64 space[4];

	ASSERT_BUMP(test, b);
	local_irq_save(flags);
	KUNIT_EXPECT_EQ(test, nebula_validate(b), -EPERM);
	local_irq_restore(flags);
	EXPECT_ERROR(test, b, NEBULA_E_WRONG_CONTEXT);
	nebula_bump_init(&embedded, space, sizeof(space));
	KUNIT_EXPECT_EQ(test, nebula_validate(&embedded), -EOPNOTSUPP);
	nebula_bump_exit(&embedded);
	nebula_bump_destroy(b);
}

static struct kunit_case validate_cases[] = {
	KUNIT_CASE(validate_all_kinds),
	KUNIT_CASE(validate_finds_an_overrun),
	KUNIT_CASE(validate_in_the_wrong_place),
	{ }
};

static struct kunit_suite validate_suite = {
	.name = "nebula_validate",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = validate_cases,
};

kunit_test_suite(validate_suite);
