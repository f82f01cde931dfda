// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bump allocators that give memory back to the kernel: trim, and what a reset retains.
 */
#include <linux/irqflags.h>
#include "../../module/bump/hooks.h"
#include "../../module/core/chunk.h"
#include "../../module/core/inject.h"
#include "../fixture.h"

#define LIMIT	(64 * PAGE_SIZE)

static struct nebula_bump *growing(struct kunit *test, unsigned int flags, size_t retain)
{
	struct nebula_bump *b = nebula_bump_create("test", .capacity = PAGE_SIZE,
						   .max_capacity = LIMIT, .retain = retain,
						   .flags = NEBULA_GROW | flags);

	ASSERT_BUMP(test, b);
	return b;
}

static void fill(struct kunit *test, struct nebula_bump *b, size_t capacity)
{
	while (nebula_bump_capacity(b) < capacity)
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
}

static void expect_mapped(struct kunit *test, struct nebula_bump *b, size_t bytes)
{
	nebula_chunks_flush();
	KUNIT_EXPECT_EQ(test, fixture_region_bytes(test), (s64)bytes);
	KUNIT_EXPECT_LE(test, nebula_bump_capacity(b), bytes);
}

/*
 *	regions of 1, 2, 4, 8 and 16 pages; reset keeps that of 16
 */
static void trim_of_an_empty_one(struct kunit *test)
{
	struct nebula_bump *b = growing(test, 0, 0);
	struct nebula_checkpoint cp;

	fill(test, b, 31 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(b, 0), (size_t)0);
	nebula_bump_reset(b);
	expect_mapped(test, b, 16 * PAGE_SIZE);
	cp = nebula_bump_checkpoint(b);
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(b, 16 * PAGE_SIZE), (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(b, 3 * PAGE_SIZE + 1), 12 * PAGE_SIZE);
	expect_mapped(test, b, 4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(b, 0), 3 * PAGE_SIZE);
	expect_mapped(test, b, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(b, 0), (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
	/* It grows as before. */
	fill(test, b, 31 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
	nebula_bump_destroy(b);
}

/* What is in use stays, what is kept for growth goes. */
static void trim_of_one_in_use(struct kunit *test)
{
	struct nebula_bump *b = growing(test, 0, 0);
	struct nebula_checkpoint cp;
	u8 *p = nebula_bump_alloc(b, 100, 8);

	KUNIT_ASSERT_NOT_NULL(test, p);
	fixture_stamp(p, 100, 1);
	cp = nebula_bump_checkpoint(b);
	fill(test, b, 7 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(b, 0), (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
	expect_mapped(test, b, 5 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(b, 5 * PAGE_SIZE), (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(b, 5 * PAGE_SIZE - 1), 4 * PAGE_SIZE);
	expect_mapped(test, b, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, nebula_bump_reserve(b, 2 * PAGE_SIZE, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(b, 0), 2 * PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(p, 100, 1));
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)100);
	nebula_bump_destroy(b);
}

/* The same allocations fit again, up to the limit: two halves only in a region of all of it. */
static void trim_of_one_at_its_limit(struct kunit *test)
{
	struct nebula_bump *b = growing(test, 0, 0);
	unsigned int round;

	fill(test, b, LIMIT);
	for (round = 0; round < 3; round++) {
		nebula_bump_reset(b);
		KUNIT_EXPECT_GT(test, nebula_bump_trim(b, 0), (size_t)0);
		expect_mapped(test, b, PAGE_SIZE);
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, LIMIT / 2, 8));
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, LIMIT / 2, 8));
	}
	nebula_bump_destroy(b);
}

/* No smaller region is to be had: it keeps what it has. */
static void trim_without_memory(struct kunit *test)
{
	struct nebula_bump *b = growing(test, 0, 0);

	fill(test, b, 7 * PAGE_SIZE);
	nebula_bump_reset(b);
	nebula_fault_arm(0, UINT_MAX);
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(b, 0), (size_t)0);
	KUNIT_EXPECT_GT(test, nebula_fault_disarm(), 0U);
	expect_mapped(test, b, 4 * PAGE_SIZE);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 3 * PAGE_SIZE, 8));
	nebula_bump_destroy(b);
}

static void trim_of_a_shared_one(struct kunit *test)
{
	struct nebula_bump *b = growing(test, NEBULA_SHARED, 0);
	unsigned long flags;
	size_t capacity;

	KUNIT_ASSERT_EQ(test, nebula_bump_reserve(b, 9 * PAGE_SIZE, GFP_KERNEL), 0);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(b, 0), (size_t)0);
	nebula_bump_reset(b);
	nebula_growth_flush(b);
	capacity = nebula_bump_capacity(b);
	KUNIT_EXPECT_GT(test, capacity, PAGE_SIZE);
	local_irq_save(flags);
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(b, 0), (size_t)0);
	local_irq_restore(flags);
	EXPECT_ERROR(test, b, NEBULA_E_WRONG_CONTEXT);
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(b, PAGE_SIZE), capacity - PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, nebula_bump_capacity(b), PAGE_SIZE);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	nebula_bump_destroy(b);
}

static void trim_of_a_buffer(struct kunit *test)
{
	u64 space[8];
	struct nebula_bump b;

	nebula_bump_init(&b, space, sizeof(space));
	KUNIT_EXPECT_EQ(test, nebula_bump_trim(&b, 0), (size_t)0);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(&b, sizeof(space), 8));
	nebula_bump_exit(&b);
}

/* A reset keeps the largest region of at most so many bytes, or else the smallest. */
static void retain_bounds_what_a_reset_keeps(struct kunit *test)
{
	static const struct { size_t retain, kept; } rows[] = {
		{ PAGE_SIZE, PAGE_SIZE }, { 5 * PAGE_SIZE, 4 * PAGE_SIZE },
		{ 8 * PAGE_SIZE, 8 * PAGE_SIZE }, { 8 * PAGE_SIZE - 1, 4 * PAGE_SIZE },
		{ LIMIT, 16 * PAGE_SIZE }, { 0, 16 * PAGE_SIZE },
	};
	struct nebula_bump *b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		b = growing(test, 0, rows[i].retain);
		fill(test, b, 31 * PAGE_SIZE);
		nebula_bump_reset(b);
		KUNIT_EXPECT_EQ_MSG(test, nebula_bump_capacity(b), rows[i].kept, "row %u", i);
		expect_mapped(test, b, rows[i].kept);
		fill(test, b, rows[i].kept + PAGE_SIZE);
		nebula_bump_destroy(b);
	}
	b = growing(test, NEBULA_SHARED, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, nebula_bump_reserve(b, 9 * PAGE_SIZE, GFP_KERNEL), 0);
	nebula_bump_reset(b);
	KUNIT_EXPECT_EQ(test, nebula_bump_capacity(b), PAGE_SIZE);
	nebula_bump_destroy(b);
}

static void retain_that_cannot_be(struct kunit *test)
{
	size_t retain = PAGE_SIZE - 1;
	unsigned int flags = 0;

	OPTIMIZER_HIDE_VAR(retain);
	OPTIMIZER_HIDE_VAR(flags);
	KUNIT_EXPECT_PTR_EQ(test, nebula_bump_create("test", .capacity = PAGE_SIZE,
						     .retain = retain, .flags = NEBULA_GROW),
			    ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, nebula_bump_create("test", .capacity = PAGE_SIZE,
						     .retain = retain + 1, .flags = flags),
			    ERR_PTR(-EINVAL));
}

static struct kunit_case trim_cases[] = {
	KUNIT_CASE(trim_of_an_empty_one),
	KUNIT_CASE(trim_of_one_in_use),
	KUNIT_CASE(trim_of_one_at_its_limit),
	KUNIT_CASE(trim_without_memory),
	KUNIT_CASE(trim_of_a_shared_one),
	KUNIT_CASE(trim_of_a_buffer),
	KUNIT_CASE(retain_bounds_what_a_reset_keeps),
	KUNIT_CASE(retain_that_cannot_be),
	{ }
};

static struct kunit_suite trim_suite = {
	.name = "nebula_trim",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = trim_cases,
};

kunit_test_suite(trim_suite);
