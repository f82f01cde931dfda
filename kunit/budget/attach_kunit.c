// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators that have a budget: what they charge, what is refused, and what they say of it.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../../module/budget/priv.h"
#include "../../module/core/chunk.h"
#include "../../module/core/inject.h"
#include "../files.h"
#include "../fixture.h"
#include "budgets.h"

static void expect_charged(struct kunit *test, struct nebula_budget *b)
{
	EXPECT_USED(test, b, fixture_region_bytes(test));
	KUNIT_EXPECT_GT(test, nebula_budget_used(b), (size_t)0);
}

static void expect_given_back(struct kunit *test, struct nebula_budget *b)
{
	nebula_chunks_flush();
	EXPECT_USED(test, b, 0);
	KUNIT_EXPECT_EQ(test, fixture_region_bytes(test), 0);
}

static void budget_of_every_kind(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "kinds", SZ_1M, NULL);
	struct nebula_bump *bump = nebula_bump_create("k", .capacity = SZ_16K, .budget = b);
	struct nebula_bump *shared;
	struct nebula_scratch *scratch;
	struct nebula_stack *stack;
	struct nebula_pool *pool;

	ASSERT_BUMP(test, bump);
	expect_charged(test, b);
	expect_says(test, fixture_file(test, &bump->common, "info"), "budget", "kinds");
	nebula_bump_destroy(bump);
	expect_given_back(test, b);
	shared = nebula_bump_create("k", .capacity = SZ_64K, .flags = NEBULA_SHARED, .budget = b);
	ASSERT_BUMP(test, shared);
	expect_charged(test, b);
	nebula_bump_destroy(shared);
	expect_given_back(test, b);
	pool = nebula_pool_create("k", .block_size = 64, .blocks = 1000, .budget = b);
	ASSERT_POOL(test, pool);
	expect_charged(test, b);
	nebula_pool_destroy(pool);
	expect_given_back(test, b);
	stack = nebula_stack_create("k", .capacity = SZ_8K, .budget = b);
	ASSERT_STACK(test, stack);
	expect_charged(test, b);
	nebula_stack_destroy(stack);
	expect_given_back(test, b);
	scratch = nebula_scratch_create("k", .per_cpu_size = SZ_4K, .budget = b);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scratch);
	expect_charged(test, b);
	nebula_scratch_destroy(scratch);
	expect_given_back(test, b);
	end(test, b);
}

static void budget_refuses_allocators(struct kunit *test)
{
	struct nebula_budget *b = nebula_budget_create("tight", .limit = SZ_64K,
						       .per_alloc = SZ_32K);
	struct nebula_error err;
	void *made;

	ASSERT_BUDGET(test, b);
	fixture_listen(test);
	made = nebula_bump_create("k", .capacity = SZ_64K, .budget = b);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -E2BIG);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_BUDGET_PER_ALLOC, &err), 2U);
	KUNIT_EXPECT_EQ(test, err.kind, NEBULA_KIND_BUMP);
	KUNIT_EXPECT_EQ(test, err.detail, NEBULA_D_BUDGET);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, SZ_32K), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, SZ_16K), 0);
	made = nebula_pool_create("k", .block_size = 1024, .blocks = 20, .budget = b);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_BUDGET_EXCEEDED, &err), 2U);
	KUNIT_EXPECT_EQ(test, err.kind, NEBULA_KIND_POOL);
	KUNIT_EXPECT_STREQ(test, err.what, "tight");
	KUNIT_EXPECT_EQ(test, err.value, (size_t)SZ_32K + SZ_16K);
	KUNIT_EXPECT_EQ(test, err.limit, (size_t)SZ_64K);
	made = nebula_stack_create("k", .capacity = SZ_32K, .budget = b);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -ENOMEM);
	made = nebula_scratch_create("k", .per_cpu_size = SZ_32K - 32, .budget = b);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_BUDGET_EXCEEDED, &err), 6U);
	KUNIT_EXPECT_EQ(test, err.kind, NEBULA_KIND_SCRATCH);
	EXPECT_USED(test, b, SZ_32K + SZ_16K);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, SZ_32K + SZ_16K), 0);
	end(test, b);
}

/* A buffer is not taken from the kernel, so there is nothing to charge. */
static void budget_and_buffer_exclude_each_other(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "buffer", SZ_64K, NULL);
	char *buffer = kunit_kzalloc(test, SZ_4K, GFP_KERNEL);
	void *made;

	made = nebula_bump_create("k", .buffer = buffer, .buffer_size = SZ_4K, .budget = b);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -EINVAL);
	made = nebula_bump_create("k", .capacity = SZ_4K, .budget = ERR_PTR(-ENOMEM));
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -EINVAL);
	end(test, b);
}

/* What is mapped while it grows is charged, and growth ends where the budget does. */
static void budget_limits_growth(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "growth", SZ_64K, NULL);
	struct nebula_bump *bump = nebula_bump_create("k", .capacity = SZ_4K, .budget = b,
						      .flags = NEBULA_GROW);
	unsigned int n;

	ASSERT_BUMP(test, bump);
	for (n = 0; n < 100 && nebula_bump_alloc(bump, 1024, 8); n++)
		KUNIT_EXPECT_LE(test, nebula_budget_used(b), (size_t)SZ_64K);
	KUNIT_EXPECT_GT(test, n, 40U);
	KUNIT_EXPECT_LE(test, n, 64U);
	expect_charged(test, b);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(b, SZ_1M), 0);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(bump, 1024, 8));
	nebula_bump_destroy(bump);
	expect_given_back(test, b);
	end(test, b);
}

/* What a reset drops is on its way back when all that used the budget is gone. */
static void budget_waits_for_regions(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "late", SZ_1M, NULL);
	struct nebula_bump *bump = nebula_bump_create("k", .capacity = SZ_4K, .budget = b,
						      .flags = NEBULA_GROW);
	unsigned int n;

	ASSERT_BUMP(test, bump);
	for (n = 0; n < 40; n++)
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(bump, 1024, 8));
	nebula_bump_reset(bump);
	nebula_bump_destroy(bump);
	end(test, b);
}

/* The record of @a says that @b, which is full, is why. */
static void expect_blamed(struct kunit *test, struct nebula_allocator *a,
			  const struct nebula_budget *b)
{
	char *text = kunit_kzalloc(test, SZ_2K, GFP_KERNEL);
	struct nebula_error err = { };

	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_EXPECT_TRUE(test, nebula_allocator_last_error(a, &err));
	KUNIT_EXPECT_EQ(test, err.detail, NEBULA_D_BUDGET);
	KUNIT_EXPECT_STREQ(test, err.what, nebula_budget_name(b));
	KUNIT_EXPECT_EQ(test, err.value, nebula_budget_used(b));
	KUNIT_EXPECT_EQ(test, err.limit, nebula_budget_limit(b));
	nebula_error_snprint(text, SZ_2K, &err);
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, "its budget outer has"));
}

/* Growth that the budget above refuses is not said to be for other reasons. */
static void budget_is_named_by_allocators(struct kunit *test)
{
	struct nebula_budget *up = budget(test, "outer", SZ_64K, NULL);
	struct nebula_budget *b = budget(test, "inner", SZ_1M, up);
	struct nebula_bump *bump = nebula_bump_create("k", .capacity = SZ_4K, .budget = b,
						      .flags = NEBULA_GROW);
	struct nebula_pool *p = nebula_pool_create("k", .block_size = 1024, .blocks = 4,
						   .budget = b, .flags = NEBULA_GROW,
						   .max_blocks = 1000);
	void *objs[100];
	unsigned int n = 0;
	size_t left;

	ASSERT_BUMP(test, bump);
	ASSERT_POOL(test, p);
	left = SZ_64K - nebula_budget_used(up);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(up, left), 0);
	while (nebula_bump_alloc(bump, 512, 8))
		;
	expect_blamed(test, &bump->common, up);
	do {
		objs[n] = nebula_pool_alloc_gfp(p, GFP_KERNEL);
	} while (objs[n] && ++n < ARRAY_SIZE(objs) - 1);
	expect_blamed(test, &p->common, up);
	KUNIT_EXPECT_NE(test, nebula_pool_grow(p, 1, GFP_KERNEL), 0);
	expect_blamed(test, &p->common, up);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(up, left), 0);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(bump, 512, 8));
	nebula_bump_destroy(bump);
	nebula_pool_free_bulk(p, n, objs);
	nebula_pool_destroy(p);
	end(test, b);
	end(test, up);
}

/* The kernel has no memory: the charge is taken back. */
static void budget_is_given_back_by_failures(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "failing", SZ_1M, NULL);
	unsigned int step = 0, seen;
	struct nebula_pool *p;

	do {
		nebula_fault_arm(++step, 1);
		p = nebula_pool_create("k", .block_size = 64, .blocks = 1000, .budget = b,
				       .backing = NEBULA_VMALLOC);
		seen = nebula_fault_disarm();
		if (!IS_ERR(p)) {
			expect_charged(test, b);
			nebula_pool_destroy(p);
		}
		expect_given_back(test, b);
	} while (seen >= step);
	KUNIT_EXPECT_GE(test, step, 4U);
	end(test, b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(budget_of_every_kind),
	KUNIT_CASE(budget_refuses_allocators),
	KUNIT_CASE(budget_and_buffer_exclude_each_other),
	KUNIT_CASE(budget_limits_growth),
	KUNIT_CASE(budget_waits_for_regions),
	KUNIT_CASE(budget_is_named_by_allocators),
	KUNIT_CASE(budget_is_given_back_by_failures),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_budget_attach",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
