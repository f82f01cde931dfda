// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stacks and scratch memory: marks, objects that change their size, frees that are refused.
 */
#include <linux/preempt.h>
#include <linux/slab.h>
#include <nebula/nebula.h>
#include "../../module/core/allocator.h"
#include "reports.h"

/* What a case is tried with. */
static const u32 modes[] = { 0, NEBULA_SHARED, NEBULA_DEBUG_FLAGS,
			     NEBULA_SHARED | NEBULA_DEBUG_FLAGS };

static void describe(const u32 *flags, char *text)
{
	snprintf(text, KUNIT_PARAM_DESC_SIZE, "%s%s", *flags & NEBULA_SHARED ? "shared" : "owner",
		 *flags & NEBULA_DEBUG_FLAGS ? ", development" : "");
}

KUNIT_ARRAY_PARAM(modes, modes, describe);

static struct nebula_stack *create(struct kunit *test)
{
	struct nebula_stack *s = nebula_stack_create("seen", .capacity = SZ_16K,
						     .flags = *(const u32 *)test->param_value);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	return s;
}

static u8 *alloc(struct kunit *test, struct nebula_stack *s, size_t size)
{
	u8 *p = nebula_stack_alloc(s, size, 1);

	KUNIT_ASSERT_NOT_NULL(test, p);
	return p;
}

static void restore_gives_back_what_is_newer(struct kunit *test)
{
	struct nebula_stack *s = create(test);
	u8 *older = alloc(test, s, 13), *newer, *newest;
	struct nebula_mark m = nebula_stack_mark(s);

	newer = alloc(test, s, 30);
	newest = alloc(test, s, 99);
	KUNIT_ASSERT_EQ(test, nebula_stack_restore(s, m), 0);
	KUNIT_EXPECT_EQ(test, reports_of_read(newest), 1U);
	KUNIT_EXPECT_EQ(test, readable_within(newer, 30) + readable_within(newest, 99), 0U);
	KUNIT_EXPECT_EQ(test, reports_within(older, 13), 0U);
	nebula_stack_reset(s);
	KUNIT_EXPECT_EQ(test, readable_within(older, 13), 0U);
	KUNIT_EXPECT_EQ(test, reports_within(alloc(test, s, 13), 13), 0U);
	nebula_stack_destroy(s);
}

static void realloc_keeps_to_the_byte(struct kunit *test)
{
	struct nebula_stack *s = create(test);
	u8 *p = alloc(test, s, 30);

	KUNIT_ASSERT_PTR_EQ(test, nebula_stack_realloc(s, p, 30, 205, 1), (void *)p);
	KUNIT_EXPECT_EQ(test, reports_within(p, 205), 0U);
	KUNIT_EXPECT_EQ(test, reports_of_read(p + 205), 1U);
	KUNIT_ASSERT_PTR_EQ(test, nebula_stack_realloc(s, p, 205, 21, 1), (void *)p);
	KUNIT_EXPECT_EQ(test, reports_within(p, 21), 0U);
	KUNIT_EXPECT_EQ(test, readable_within(p + 21, 205 - 21), 0U);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), 0UL);
	nebula_stack_destroy(s);
}

/* An object whose free was refused is whole. */
static void refused_frees_change_nothing(struct kunit *test)
{
	struct nebula_stack *s = create(test);
	u8 *older = alloc(test, s, 13), *newer = alloc(test, s, 30);

	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, older), -EINVAL);
	KUNIT_EXPECT_EQ(test, reports_within(older, 13) + reports_within(newer, 30), 0U);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, newer + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, reports_within(newer, 30), 0U);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, newer), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, newer), -EINVAL);
	KUNIT_EXPECT_EQ(test, reports_so_far(), 0U);
	KUNIT_EXPECT_EQ(test, readable_within(newer, 30), 0U);
	nebula_stack_destroy(s);
}

/* One after the other, each in a context that stays on its CPU. */
static void nested_scratch_is_seen_apart(struct kunit *test)
{
	struct nebula_scratch *s = nebula_scratch_create("seen", .per_cpu_size = SZ_4K,
							 .flags = *(const u32 *)test->param_value &
								  NEBULA_DEBUG_FLAGS);
	unsigned int right = 0, wrong = 0, errors = 0;
	u8 *outer, *inner, *padded;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	preempt_disable();
	outer = nebula_scratch_get(s, 13, 1);
	inner = nebula_scratch_get(s, 30, 8);
	padded = nebula_scratch_get(s, 30, 256);
	if (outer && inner && padded) {
		right += reports_within(outer, 13) + reports_within(inner, 30) +
			 reports_within(padded, 30);
		wrong += reports_of_write(outer - 1) + reports_of_write(outer + 13) +
			 reports_of_write(inner - 1) + reports_of_write(inner + 30) +
			 reports_of_write(padded - 1) + reports_of_write(padded + 30);
		errors += !!nebula_scratch_put(s, padded);
		wrong += reports_of_read(padded);
		right += reports_within(inner, 30);
		errors += !!nebula_scratch_put(s, inner);
		wrong += reports_of_read(inner);
		right += reports_within(outer, 13);
		errors += !!nebula_scratch_put(s, outer);
		wrong += reports_of_read(outer);
	}
	preempt_enable();
	KUNIT_EXPECT_EQ(test, right, 0U);
	KUNIT_EXPECT_EQ(test, wrong, 9U);
	KUNIT_EXPECT_EQ(test, errors, 0U);
	nebula_scratch_destroy(s);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(restore_gives_back_what_is_newer, modes_gen_params),
	KUNIT_CASE_PARAM(realloc_keeps_to_the_byte, modes_gen_params),
	KUNIT_CASE_PARAM(refused_frees_change_nothing, modes_gen_params),
	KUNIT_CASE_PARAM(nested_scratch_is_seen_apart, modes_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "nebula_kasan_stack",
	.init = reports_init,
	.exit = reports_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
