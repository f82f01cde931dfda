// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: what it grew by goes back by itself, under memory pressure and after a while; what is in
 * use stays, and what the client asked for.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include "../../module/pool/hooks.h"
#include "../fixture.h"

#define SIZE	64
#define FEW	32U
#define LIMIT	2000U

static const u32 kinds[] = { 0, NEBULA_STRICT, NEBULA_REDZONE, NEBULA_FIFO };

static struct nebula_pool *growing_pool(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = SIZE, .blocks = FEW,
						   .max_blocks = LIMIT,
						   .flags = NEBULA_GROW | flags);

	ASSERT_POOL(test, p);
	return p;
}

static void **room_for(struct kunit *test, unsigned int n)
{
	void **objs = kunit_kcalloc(test, n, sizeof(*objs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, objs);
	return objs;
}

/* A pool that has grown to @blocks by itself, all of them free. */
static struct nebula_pool *grown_pool(struct kunit *test, unsigned int blocks, u32 flags)
{
	struct nebula_pool *p = growing_pool(test, flags);
	void **objs = room_for(test, LIMIT);
	unsigned int n;

	for (n = 0; n < blocks; n++) {
		objs[n] = nebula_pool_alloc_gfp(p, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objs[n]);
	}
	nebula_pool_free_bulk(p, n, objs);
	nebula_pool_growth_flush(p);
	return p;
}

static void pressure_takes_what_is_idle(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct nebula_pool *p = grown_pool(test, LIMIT, kinds[i]);

		KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), LIMIT);
		KUNIT_EXPECT_GE(test, nebula_pool_shrinker_run(),
				(LIMIT - FEW) * SIZE / PAGE_SIZE);
		nebula_pool_trim_flush(p);
		KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), FEW);
		KUNIT_EXPECT_EQ(test, fixture_regions(test), 1LL);
		KUNIT_EXPECT_EQ(test, nebula_pool_shrinker_run(), 0UL);
		expect_whole(test, p, FEW);
		nebula_pool_destroy(p);
	}
}

/* What is in use stays, and what the client asked for. */
static void pressure_leaves_what_is_needed(struct kunit *test)
{
	struct nebula_pool *p = grown_pool(test, LIMIT, NEBULA_STRICT);
	void **objs = room_for(test, LIMIT);
	bool served;

	served = nebula_pool_alloc_bulk(p, LIMIT / 2 + 1, objs);
	KUNIT_ASSERT_TRUE(test, served);
	KUNIT_EXPECT_EQ(test, nebula_pool_shrinker_run(), 0UL);
	nebula_pool_trim_flush(p);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), LIMIT);
	nebula_pool_free_bulk(p, LIMIT / 2 + 1, objs);
	nebula_pool_destroy(p);

	p = growing_pool(test, 0);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 500, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, nebula_pool_shrinker_run(), 0UL);
	nebula_pool_trim_flush(p);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), FEW + 500);
	KUNIT_EXPECT_EQ(test, nebula_pool_shrink(p), 500U);
	nebula_pool_destroy(p);
}

/* Two periods of watching, without the kernel asking for anything. */
static void surplus_goes_after_a_while(struct kunit *test)
{
	struct nebula_pool *p = grown_pool(test, LIMIT, 0);
	void **objs = room_for(test, LIMIT);
	unsigned int i;

	nebula_pool_trim_flush(p);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), LIMIT);
	/* In use in between: the watching begins anew. */
	for (i = 0; i < LIMIT; i++)
		objs[i] = nebula_pool_alloc(p);
	nebula_pool_trim_flush(p);
	nebula_pool_free_bulk(p, LIMIT, objs);
	nebula_pool_trim_flush(p);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), LIMIT);
	nebula_pool_trim_flush(p);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), FEW);
	expect_whole(test, p, FEW);
	nebula_pool_destroy(p);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(pressure_takes_what_is_idle),
	KUNIT_CASE(pressure_leaves_what_is_needed),
	KUNIT_CASE(surplus_goes_after_a_while),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_pressure",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
