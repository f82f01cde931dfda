// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arenas: what restore, reset and realloc give back, in one region and in several, and what they
 * keep; memory that is lent.
 */
#include <linux/slab.h>
#include <nebula/nebula.h>
#include "../../module/core/allocator.h"
#include "../../module/core/region.h"
#include "reports.h"

static struct nebula_bump *create(struct kunit *test, u32 flags)
{
	struct nebula_bump *b = nebula_bump_create("seen", .capacity = SZ_8K,
						   .flags = flags | NEBULA_GROW);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	return b;
}

static u8 *alloc(struct kunit *test, struct nebula_bump *b, size_t size)
{
	u8 *p = nebula_bump_alloc(b, size, 1);

	KUNIT_ASSERT_NOT_NULL(test, p);
	return p;
}

static void restore_gives_back_what_is_newer(struct kunit *test)
{
	struct nebula_bump *b = create(test, 0);
	struct nebula_checkpoint outer, inner;
	u8 *oldest, *older, *newest;

	oldest = alloc(test, b, 13);
	outer = nebula_bump_checkpoint(b);
	older = alloc(test, b, 30);
	inner = nebula_bump_checkpoint(b);
	newest = alloc(test, b, 99);
	KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, inner), 0);
	KUNIT_EXPECT_EQ(test, reports_of_read(newest) + reports_of_write(newest + 98), 2U);
	KUNIT_EXPECT_EQ(test, readable_within(newest, 99), 0U);
	KUNIT_EXPECT_EQ(test, reports_within(older, 30) + reports_within(oldest, 13), 0U);
	KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, outer), 0);
	KUNIT_EXPECT_EQ(test, reports_of_read(older), 1U);
	KUNIT_EXPECT_EQ(test, readable_within(older, 30), 0U);
	KUNIT_EXPECT_EQ(test, reports_within(oldest, 13), 0U);
	KUNIT_EXPECT_PTR_EQ(test, alloc(test, b, 10), older);
	KUNIT_EXPECT_EQ(test, reports_within(older, 10), 0U);
	KUNIT_EXPECT_EQ(test, readable_within(older + 10, 20), 0U);
	nebula_bump_destroy(b);
}

static void scopes_give_back_what_is_newer(struct kunit *test)
{
	struct nebula_bump *b = create(test, 0);
	u8 *older = alloc(test, b, 13), *newer = NULL;

	scoped_guard(nebula_bump, b)
		newer = alloc(test, b, 30);
	KUNIT_EXPECT_EQ(test, readable_within(newer, 30), 0U);
	KUNIT_EXPECT_EQ(test, reports_within(older, 13), 0U);
	nebula_bump_destroy(b);
}

/* Each object has a region of its own; of the newer ones one stays for the next growth. */
static void so_it_is_in_several_regions(struct kunit *test)
{
	struct nebula_bump *b = create(test, 0);
	u8 *first = alloc(test, b, 6000), *second, *third;
	struct nebula_checkpoint cp = nebula_bump_checkpoint(b);

	second = alloc(test, b, 12000);
	third = alloc(test, b, 20000);
	KUNIT_EXPECT_EQ(test, reports_of_read(first + 6000), 1U);
	KUNIT_EXPECT_EQ(test, reports_of_read(second + 12000), 1U);
	KUNIT_EXPECT_EQ(test, reports_of_read(third + 20000), 1U);
	KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, cp), 0);
	KUNIT_EXPECT_EQ(test, reports_of_read(second), 1U);
	KUNIT_EXPECT_EQ(test, reports_within(first, 6000), 0U);
	second = alloc(test, b, 12000);
	KUNIT_EXPECT_EQ(test, reports_within(second, 12000), 0U);
	nebula_bump_reset(b);
	/* The region of one of them has gone; the other one is kept. */
	KUNIT_EXPECT_EQ(test, reports_of_read(second), 1U);
	KUNIT_EXPECT_EQ(test, reports_within(alloc(test, b, 3000), 3000), 0U);
	nebula_bump_destroy(b);
}

static void shared_reset_gives_all_back(struct kunit *test)
{
	struct nebula_bump *b = create(test, NEBULA_SHARED);
	u8 *small = alloc(test, b, 13), *large = alloc(test, b, 3000);

	KUNIT_EXPECT_EQ(test, reports_within(small, 13) + reports_within(large, 3000), 0U);
	nebula_bump_reset(b);
	KUNIT_EXPECT_EQ(test, readable_within(small, 13), 0U);
	KUNIT_EXPECT_EQ(test, readable_within(large, 100), 0U);
	KUNIT_EXPECT_EQ(test, reports_within(alloc(test, b, 13), 13), 0U);
	nebula_bump_destroy(b);
}

static void expect_realloc(struct kunit *test, u32 flags)
{
	struct nebula_bump *b = create(test, flags);
	u8 *p = alloc(test, b, 30), *q;

	memset(p, 0x5a, 30);
	q = nebula_bump_realloc(b, p, 30, 45, 1);
	KUNIT_ASSERT_NOT_NULL(test, q);
	KUNIT_EXPECT_EQ(test, reports_within(q, 45), 0U);
	KUNIT_EXPECT_EQ(test, reports_of_read(q + 45), 1U);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(q, 0x5a, 30), NULL);
	if (q != p)
		KUNIT_EXPECT_EQ(test, reports_of_read(p), 1U);
	p = nebula_bump_realloc(b, q, 45, 21, 1);
	KUNIT_EXPECT_PTR_EQ(test, p, q);
	KUNIT_EXPECT_EQ(test, reports_within(p, 21), 0U);
	KUNIT_EXPECT_EQ(test, reports_of_read(p + 21), 1U);
	alloc(test, b, 1);
	/* Not the newest any more: it moves. */
	q = nebula_bump_realloc(b, p, 21, 60, 1);
	KUNIT_ASSERT_NOT_NULL(test, q);
	KUNIT_EXPECT_PTR_NE(test, p, q);
	KUNIT_EXPECT_EQ(test, reports_of_read(p), 1U);
	KUNIT_EXPECT_EQ(test, reports_within(q, 60), 0U);
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	nebula_bump_destroy(b);
}

static void realloc_keeps_to_the_byte(struct kunit *test)
{
	expect_realloc(test, 0);
	expect_realloc(test, NEBULA_SHARED);
	expect_realloc(test, NEBULA_ZERO);
	expect_realloc(test, NEBULA_DEBUG_FLAGS);
	expect_realloc(test, NEBULA_SHARED | NEBULA_DEBUG_FLAGS);
}

static void strings_end_where_they_end(struct kunit *test)
{
	struct nebula_bump *b = create(test, 0);
	char *s = nebula_bump_asprintf(b, "%d bytes", 8), *t = nebula_bump_strdup(b, "1234567");

	KUNIT_ASSERT_NOT_NULL(test, s);
	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_EXPECT_EQ(test, reports_within(s, 8), 0U);
	KUNIT_EXPECT_EQ(test, reports_of_read(s + 8), 1U);
	KUNIT_EXPECT_EQ(test, reports_of_read(t + 8), 1U);
	KUNIT_EXPECT_EQ(test, reports_of_read(t - 1), 1U);
	nebula_bump_destroy(b);
}

static unsigned int called;

static void use(void *data)
{
	called++;
	*(u8 *)data = 1;
}

/* A cleanup may use what is older than itself. */
static void cleanups_come_before_the_memory_goes(struct kunit *test)
{
	struct nebula_bump *b = create(test, 0);
	u8 *p = alloc(test, b, 13);

	called = 0;
	KUNIT_ASSERT_EQ(test, nebula_bump_defer(b, use, p), 0);
	nebula_bump_reset(b);
	KUNIT_EXPECT_EQ(test, called, 1U);
	KUNIT_EXPECT_EQ(test, reports_so_far(), 0U);
	KUNIT_EXPECT_EQ(test, reports_of_read(p), 1U);
	nebula_bump_destroy(b);
}

/* What the kernel's switches clear lies between poisoned granules. */
static void clearing_is_no_report(struct kunit *test)
{
	const u32 was = nebula_init_override(NEBULA_INIT_ON_ALLOC | NEBULA_INIT_ON_FREE);
	struct nebula_bump *b = create(test, 0), *shared = create(test, NEBULA_SHARED);
	struct nebula_checkpoint cp = nebula_bump_checkpoint(b);
	u8 *p = alloc(test, b, 13);

	nebula_init_override(was);
	memset(p, 0x5a, 13);
	alloc(test, b, 13);
	KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, cp), 0);
	p = alloc(test, b, 13);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(p, 0, 13), NULL);
	nebula_bump_reset(b);
	alloc(test, shared, 13);
	nebula_bump_reset(shared);
	KUNIT_EXPECT_EQ(test, reports_so_far(), 0U);
	nebula_bump_destroy(b);
	nebula_bump_destroy(shared);
}

static void region_after_trim_is_seen(struct kunit *test)
{
	struct nebula_bump *b = create(test, 0);
	u8 *p;

	alloc(test, b, SZ_64K);
	nebula_bump_reset(b);
	KUNIT_EXPECT_GT(test, nebula_bump_trim(b, SZ_8K), 0UL);
	p = alloc(test, b, 13);
	KUNIT_EXPECT_EQ(test, reports_within(p, 13), 0U);
	KUNIT_EXPECT_EQ(test, reports_of_read(p + 13), 1U);
	KUNIT_ASSERT_EQ(test, nebula_bump_reserve(b, SZ_32K, GFP_KERNEL), 0);
	p = alloc(test, b, SZ_16K);
	KUNIT_EXPECT_EQ(test, reports_of_read(p + SZ_16K), 1U);
	nebula_bump_destroy(b);
}

static void lent_memory_comes_back_usable(struct kunit *test)
{
	u8 *memory = kunit_kzalloc(test, 1003, GFP_KERNEL), *p;
	struct nebula_bump *b;

	KUNIT_ASSERT_NOT_NULL(test, memory);
	b = nebula_bump_create("seen", .buffer = memory + 3, .buffer_size = 1000);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	p = alloc(test, b, 13);
	KUNIT_EXPECT_EQ(test, reports_within(p, 13), 0U);
	KUNIT_EXPECT_EQ(test, reports_of_read(p + 13), 1U);
	nebula_bump_reset(b);
	KUNIT_EXPECT_EQ(test, reports_of_read(p), 1U);
	nebula_bump_destroy(b);
	KUNIT_EXPECT_EQ(test, readable_within(memory, 1003), 1003U);
	KUNIT_EXPECT_EQ(test, reports_of_read(memory + 1003), 1U);
}

/* One that is not registered may be forgotten at any moment. */
static void unregistered_memory_is_left_alone(struct kunit *test)
{
	u8 *memory = kunit_kzalloc(test, 1024, GFP_KERNEL), *p;
	struct nebula_bump b;

	KUNIT_ASSERT_NOT_NULL(test, memory);
	nebula_bump_init(&b, memory, 1024);
	p = alloc(test, &b, 13);
	KUNIT_EXPECT_EQ(test, readable_within(memory, 1024), 1024U);
	nebula_bump_reset(&b);
	KUNIT_EXPECT_EQ(test, reports_of_read(p), 0U);
	nebula_bump_exit(&b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(restore_gives_back_what_is_newer),
	KUNIT_CASE(scopes_give_back_what_is_newer),
	KUNIT_CASE(so_it_is_in_several_regions),
	KUNIT_CASE(shared_reset_gives_all_back),
	KUNIT_CASE(realloc_keeps_to_the_byte),
	KUNIT_CASE(strings_end_where_they_end),
	KUNIT_CASE(cleanups_come_before_the_memory_goes),
	KUNIT_CASE(clearing_is_no_report),
	KUNIT_CASE(region_after_trim_is_seen),
	KUNIT_CASE(lent_memory_comes_back_usable),
	KUNIT_CASE(unregistered_memory_is_left_alone),
	{}
};

static struct kunit_suite suite = {
	.name = "nebula_kasan_bump",
	.init = reports_init,
	.exit = reports_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
