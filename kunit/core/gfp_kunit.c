// SPDX-License-Identifier: GPL-2.0-only
/*
 * gfp flags and sizes as clients may choose them: what cannot be honoured is refused by every
 * function that takes it, and nothing makes the kernel warn.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include "../fixture.h"

#define UNDEFINED	((__force gfp_t)BIT(31))

static const gfp_t refused[] = {
	GFP_HIGHUSER, GFP_HIGHUSER_MOVABLE, GFP_KERNEL | __GFP_HIGHMEM, GFP_KERNEL | __GFP_MOVABLE,
	GFP_KERNEL | __GFP_RECLAIMABLE, GFP_KERNEL | __GFP_COMP, GFP_KERNEL | __GFP_NOFAIL,
	GFP_TRANSHUGE, GFP_KERNEL | UNDEFINED, UNDEFINED, GFP_ATOMIC | __GFP_COMP,
};

static const gfp_t accepted[] = {
	GFP_KERNEL, GFP_NOFS, GFP_NOIO, GFP_USER, GFP_ATOMIC, GFP_NOWAIT, GFP_KERNEL_ACCOUNT,
	GFP_KERNEL | GFP_ATOMIC, GFP_KERNEL | __GFP_ZERO, GFP_KERNEL | __GFP_NOWARN,
	GFP_KERNEL | __GFP_NORETRY, GFP_KERNEL | __GFP_RETRY_MAYFAIL, GFP_KERNEL | __GFP_THISNODE,
	GFP_KERNEL | __GFP_WRITE, GFP_KERNEL | __GFP_MEMALLOC, GFP_KERNEL | __GFP_NOMEMALLOC,
};

/* An allocator made with @gfp and @backing, and destroyed: 0, or why it was not made. */
static int try_bump(gfp_t gfp, enum nebula_backing backing)
{
	struct nebula_bump *b = nebula_bump_create("gfp", .capacity = SZ_64K, .gfp = gfp,
						   .backing = backing);

	nebula_bump_destroy(b);
	return PTR_ERR_OR_ZERO(b);
}

static int try_pool(gfp_t gfp, enum nebula_backing backing)
{
	struct nebula_pool *p = nebula_pool_create("gfp", .block_size = 64, .blocks = 1000,
						   .gfp = gfp, .backing = backing);

	nebula_pool_destroy(p);
	return PTR_ERR_OR_ZERO(p);
}

static int try_stack(gfp_t gfp, enum nebula_backing backing)
{
	struct nebula_stack *s = nebula_stack_create("gfp", .capacity = SZ_64K, .gfp = gfp,
						     .backing = backing);

	nebula_stack_destroy(s);
	return PTR_ERR_OR_ZERO(s);
}

static int try_shared_stack(gfp_t gfp, enum nebula_backing backing)
{
	struct nebula_stack *s = nebula_stack_create("gfp", .capacity = SZ_64K, .gfp = gfp,
						     .backing = backing, .flags = NEBULA_SHARED);

	nebula_stack_destroy(s);
	return PTR_ERR_OR_ZERO(s);
}

static int try_scratch(gfp_t gfp, enum nebula_backing backing)
{
	struct nebula_scratch *s = nebula_scratch_create("gfp", .per_cpu_size = SZ_16K,
							 .gfp = gfp, .backing = backing);

	nebula_scratch_destroy(s);
	return PTR_ERR_OR_ZERO(s);
}

static int (*const kinds[])(gfp_t gfp, enum nebula_backing backing) = {
	try_bump, try_pool, try_stack, try_shared_stack, try_scratch,
};

static void gfp_refused_by_create(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		for (j = 0; j < ARRAY_SIZE(refused); j++)
			KUNIT_EXPECT_EQ_MSG(test, kinds[i](refused[j], NEBULA_AUTO), -EINVAL,
					    "kind %u: %pGg", i, &refused[j]);
}

static void gfp_accepted_by_create(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (j = 0; j < ARRAY_SIZE(accepted); j++) {
			KUNIT_EXPECT_EQ_MSG(test, kinds[i](accepted[j], NEBULA_PAGES), 0,
					    "pages, kind %u: %pGg", i, &accepted[j]);
			if (gfpflags_allow_blocking(accepted[j]))
				KUNIT_EXPECT_EQ_MSG(test, kinds[i](accepted[j], NEBULA_VMALLOC), 0,
						    "vmalloc, kind %u: %pGg", i, &accepted[j]);
		}
	}
}

/* A zone is a matter of pages, and of one allocator only one. */
static void gfp_zones(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		KUNIT_EXPECT_EQ(test, kinds[i](GFP_KERNEL | GFP_DMA32, NEBULA_VMALLOC), -EINVAL);
		KUNIT_EXPECT_EQ(test, kinds[i](GFP_KERNEL | GFP_DMA, NEBULA_VMALLOC), -EINVAL);
		KUNIT_EXPECT_EQ(test, kinds[i](GFP_KERNEL | GFP_DMA | GFP_DMA32, NEBULA_PAGES),
				-EINVAL);
		KUNIT_EXPECT_EQ(test, kinds[i](GFP_KERNEL | GFP_DMA32, NEBULA_PAGES), 0);
		KUNIT_EXPECT_EQ(test, kinds[i](GFP_KERNEL | GFP_DMA32, NEBULA_AUTO), 0);
	}
}

static void gfp_zone_of_all_regions(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("gfp", .block_size = PAGE_SIZE, .blocks = 64,
						   .flags = NEBULA_GROW,
						   .gfp = GFP_KERNEL | GFP_DMA32);
	void *blocks[100] = { };
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 16, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 20, GFP_KERNEL | GFP_DMA32), 0);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 16, GFP_KERNEL | GFP_DMA), -EINVAL);
	EXPECT_ERROR(test, p, NEBULA_E_INVALID_CONFIG);
	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		blocks[i] = nebula_pool_alloc(p);
		KUNIT_ASSERT_NOT_NULL(test, blocks[i]);
		/* Never vmalloc memory, large as it may be. */
		KUNIT_EXPECT_TRUE(test, virt_addr_valid(blocks[i]));
		if (IS_ENABLED(CONFIG_ZONE_DMA32))
			KUNIT_EXPECT_LT(test, (u64)__pa(blocks[i]), (u64)SZ_4G);
	}
	for (i = 0; i < ARRAY_SIZE(blocks); i++)
		nebula_pool_free(p, blocks[i]);
	nebula_pool_destroy(p);
}

static void gfp_of_grow(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("gfp", .block_size = 64, .blocks = 64,
						   .max_blocks = 10000, .flags = NEBULA_GROW);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		KUNIT_EXPECT_EQ_MSG(test, nebula_pool_grow(p, 64, refused[i]), -EINVAL, "%pGg",
				    &refused[i]);
		EXPECT_ERROR(test, p, NEBULA_E_INVALID_CONFIG);
	}
	for (i = 0; i < ARRAY_SIZE(accepted); i++)
		KUNIT_EXPECT_EQ_MSG(test, nebula_pool_grow(p, 64, accepted[i]), 0, "%pGg",
				    &accepted[i]);
	nebula_pool_destroy(p);
}

static void reserve_with_all(struct kunit *test, u32 flags)
{
	struct nebula_bump *b = nebula_bump_create("gfp", .capacity = SZ_16K,
						   .max_capacity = SZ_16M,
						   .flags = NEBULA_GROW | flags);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		KUNIT_EXPECT_EQ_MSG(test, nebula_bump_reserve(b, SZ_64K, refused[i]), -EINVAL,
				    "%pGg", &refused[i]);
		EXPECT_ERROR(test, b, NEBULA_E_INVALID_CONFIG);
	}
	for (i = 0; i < ARRAY_SIZE(accepted); i++)
		KUNIT_EXPECT_EQ_MSG(test, nebula_bump_reserve(b, SZ_64K + i * PAGE_SIZE,
							      accepted[i]), 0,
				    "%pGg", &accepted[i]);
	nebula_bump_destroy(b);
}

static void gfp_of_reserve(struct kunit *test)
{
	reserve_with_all(test, 0);
	reserve_with_all(test, NEBULA_SHARED);
}

/* None of these can be had; that is all there is to say. A warning fails the whole run. */
static void gfp_and_sizes_that_cannot_be(struct kunit *test)
{
	static const gfp_t flags[] = { GFP_KERNEL, GFP_KERNEL | __GFP_THISNODE };
	static const enum nebula_backing backings[] = {
		NEBULA_AUTO, NEBULA_PAGES, NEBULA_VMALLOC,
	};
	struct nebula_bump_config cfg = { };
	struct nebula_bump *b;
	unsigned int i, j, shift;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (j = 0; j < ARRAY_SIZE(backings); j++) {
			for (shift = 1; shift < 16; shift++) {
				cfg.capacity = NEBULA_CAPACITY_MAX >> shift;
				cfg.gfp = flags[i];
				cfg.backing = backings[j];
				cfg.node = NEBULA_NODE(0);
				b = nebula_bump_create_cfg("huge", &cfg, sizeof(cfg), NEBULA_ABI,
							   THIS_MODULE);
				KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(b), -ENOMEM);
				nebula_bump_destroy(b);
			}
		}
	}
}

static void gfp_arrays(struct kunit *test)
{
	void *p;

	KUNIT_EXPECT_NULL(test, nebula_array_alloc(SIZE_MAX, 8, GFP_KERNEL, NUMA_NO_NODE));
	KUNIT_EXPECT_NULL(test, nebula_array_alloc(BIT(31), 1, GFP_KERNEL, NUMA_NO_NODE));
	KUNIT_EXPECT_NULL(test, nebula_array_alloc(BIT(28), 8, GFP_KERNEL, NUMA_NO_NODE));
	p = nebula_array_alloc(10, 8, GFP_KERNEL | GFP_DMA32 | __GFP_ZERO, 0);
	KUNIT_EXPECT_NOT_NULL(test, p);
	kvfree(p);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(gfp_refused_by_create),
	KUNIT_CASE(gfp_accepted_by_create),
	KUNIT_CASE(gfp_zones),
	KUNIT_CASE(gfp_zone_of_all_regions),
	KUNIT_CASE(gfp_of_grow),
	KUNIT_CASE(gfp_of_reserve),
	KUNIT_CASE(gfp_and_sizes_that_cannot_be),
	KUNIT_CASE(gfp_arrays),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_gfp",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
