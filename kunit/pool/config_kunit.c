// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creating pools: every field checked, every step failing once, nothing left behind.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "../unload/maker.h"

static u8 lent[SZ_64K] __aligned(64);

static void no_ctor(void *block, void *data)
{
}

#define INVALID(...)	REFUSE_INVALID(struct nebula_pool_config, __VA_ARGS__)
#define OVERFLOWS(...)	REFUSE_OVERFLOW(struct nebula_pool_config, __VA_ARGS__)

/* What is right but for the fields that follow. */
#define RIGHT	.block_size = 64, .blocks = 100

static const struct refusal bad_pools[] = {
	INVALID(".block_size", "nothing at all", .cache_depth = 0),
	INVALID(".block_size", "no block size", .blocks = 100),
	INVALID(".blocks", "no blocks", .block_size = 64),
	OVERFLOWS(".blocks", "a block too many", .block_size = 1,
		  .blocks = NEBULA_POOL_BLOCKS_MAX + 1),
	OVERFLOWS(".blocks", "all bits set", .block_size = 1, .blocks = UINT_MAX),
	OVERFLOWS(".blocks", "largest block", .block_size = SIZE_MAX, .blocks = 1),
	OVERFLOWS(".blocks", "wraps to little", .block_size = SIZE_MAX / 2 + 2, .blocks = 2),
	OVERFLOWS(".blocks", "wraps to nothing", .block_size = BIT(61), .blocks = 8),
	OVERFLOWS(".blocks", "over the limit", .block_size = NEBULA_CAPACITY_MAX / 100 + 1,
		  .blocks = 100),
	OVERFLOWS(".blocks", "over it with all that belongs to it",
		  .block_size = NEBULA_CAPACITY_MAX / 100, .blocks = 100),
	OVERFLOWS(".blocks", "over it with alignment", .block_size = NEBULA_CAPACITY_MAX / 1000 - 1,
		  .blocks = 1000, .align = PAGE_SIZE),
	OVERFLOWS(".blocks", "over it with zones", .block_size = NEBULA_CAPACITY_MAX / BIT(30) - 1,
		  .blocks = BIT(30), .flags = NEBULA_REDZONE),
	INVALID(".align", "three", RIGHT, .align = 3),
	INVALID(".align", "all bits set", RIGHT, .align = SIZE_MAX),
	INVALID(".align", "two pages", RIGHT, .align = 2 * PAGE_SIZE),
	INVALID(".align", "top bit", RIGHT, .align = BIT(63)),
	INVALID(".cache_depth", "one too many", RIGHT, .cache_depth = NEBULA_POOL_DEPTH_MAX + 1),
	INVALID(".cache_depth", "almost none", RIGHT, .cache_depth = NEBULA_POOL_NO_CACHE - 1),
	INVALID("STRICT and .cache_depth", "both", RIGHT, .flags = NEBULA_STRICT,
		.cache_depth = 1),
	INVALID(".max_blocks", "limit without growth", RIGHT, .max_blocks = 200),
	INVALID(".max_blocks", "limit below blocks", RIGHT, .max_blocks = 99,
		.flags = NEBULA_GROW),
	INVALID(".max_blocks", "limit over the limit", RIGHT, .flags = NEBULA_GROW,
		.max_blocks = NEBULA_POOL_BLOCKS_MAX + 1),
	INVALID(".flags", "unknown flag", RIGHT, .flags = BIT(30)),
	INVALID(".flags", "all flags", RIGHT, .flags = U32_MAX),
	INVALID(".flags", "pools are always shared", RIGHT, .flags = NEBULA_SHARED),
	INVALID(".preset", "unknown preset", RIGHT, .preset = 9),
	INVALID(".backing", "unknown backing", RIGHT, .backing = 17),
	INVALID(".backing", "buffer backing alone", RIGHT, .backing = NEBULA_BUFFER),
	INVALID(".gfp", "high memory", RIGHT, .gfp = GFP_HIGHUSER),
	INVALID(".node", "no such node", RIGHT, .node = NEBULA_NODE(MAX_NUMNODES)),
	INVALID(".node", "negative node", RIGHT, .node = -5),
	INVALID(".ctor and NEBULA_ZERO", "both", RIGHT, .ctor = no_ctor, .flags = NEBULA_ZERO),
	INVALID(".buffer", "size without buffer", RIGHT, .buffer_size = sizeof(lent)),
	INVALID(".buffer_size", "buffer without size", RIGHT, .buffer = lent),
	INVALID(".buffer_size", "a byte", RIGHT, .buffer = lent, .buffer_size = 1),
	INVALID(".buffer_size", "room for the blocks alone", RIGHT, .buffer = lent,
		.buffer_size = 6400),
	INVALID(".buffer_size", "room for the pool's own data alone", RIGHT, .buffer = lent,
		.buffer_size = 1000),
	OVERFLOWS(".buffer_size", "buffer wraps", RIGHT, .buffer = lent, .buffer_size = SIZE_MAX),
	INVALID(".buffer and NEBULA_GROW", "both", RIGHT, .buffer = lent,
		.buffer_size = sizeof(lent), .flags = NEBULA_GROW),
	INVALID(".buffer and .backing", "buffer as pages", RIGHT, .buffer = lent,
		.buffer_size = sizeof(lent), .backing = NEBULA_PAGES),
};

static const struct nebula_pool_config plain = { RIGHT };

static void *create(const char *name, const void *cfg, size_t cfg_size, unsigned int abi)
{
	return nebula_pool_create_cfg(name, cfg, cfg_size, abi, THIS_MODULE);
}

static void destroy(void *p)
{
	nebula_pool_destroy(p);
}

static void use(struct kunit *test, void *p, const void *cfg)
{
	expect_whole(test, p, ((const struct nebula_pool_config *)cfg)->blocks);
}

static struct nebula_allocator *common(void *p)
{
	return &((struct nebula_pool *)p)->common;
}

static const struct maker pools = {
	.kind = NEBULA_KIND_POOL,
	.cfg_size = sizeof(struct nebula_pool_config),
	.create = create,
	.destroy = destroy,
	.use = use,
	.common = common,
};

static void config_refusals(struct kunit *test)
{
	expect_refusals(test, &pools, bad_pools, ARRAY_SIZE(bad_pools));
}

static void config_refuses_bad_names(struct kunit *test)
{
	expect_names_refused(test, &pools, &plain);
}

static const struct nebula_pool_config good_pools[] = {
	{ .block_size = 1, .blocks = 1 },
	{ RIGHT },
	{ RIGHT, .align = 1 },
	{ RIGHT, .align = PAGE_SIZE },
	{ RIGHT, .cache_depth = 1 },
	{ RIGHT, .cache_depth = NEBULA_POOL_DEPTH_MAX },
	{ RIGHT, .cache_depth = NEBULA_POOL_NO_CACHE },
	{ RIGHT, .flags = NEBULA_STRICT },
	{ RIGHT, .flags = NEBULA_STRICT, .cache_depth = NEBULA_POOL_NO_CACHE },
	{ RIGHT, .flags = NEBULA_GROW },
	{ RIGHT, .flags = NEBULA_GROW, .max_blocks = 100 },
	{ RIGHT, .flags = NEBULA_GROW, .max_blocks = NEBULA_POOL_BLOCKS_MAX },
	{ RIGHT, .flags = NEBULA_GROW | NEBULA_STRICT | NEBULA_ZERO },
	{ RIGHT, .flags = NEBULA_TYPESAFE_BY_RCU },
	{ RIGHT, .flags = NEBULA_TYPESAFE_BY_RCU, .ctor = no_ctor },
	{ RIGHT, .flags = NEBULA_FIFO },
	{ RIGHT, .flags = NEBULA_FIFO | NEBULA_DEBUG_FLAGS | NEBULA_STRICT },
	{ RIGHT, .flags = NEBULA_REDZONE },
	{ RIGHT, .flags = NEBULA_POISON, .ctor = no_ctor },
	{ RIGHT, .flags = NEBULA_TRACK | NEBULA_ZERO },
	{ RIGHT, .preset = NEBULA_DEVELOPMENT },
	{ .block_size = 3, .blocks = 100, .align = 64, .preset = NEBULA_DEVELOPMENT },
	{ RIGHT, .gfp = GFP_NOFS },
	{ RIGHT, .gfp = GFP_NOIO, .backing = NEBULA_VMALLOC },
	{ RIGHT, .gfp = GFP_KERNEL_ACCOUNT, .backing = NEBULA_PAGES },
	{ RIGHT, .gfp = GFP_ATOMIC },
	{ RIGHT, .node = NEBULA_NODE(0) },
	{ RIGHT, .buffer = lent, .buffer_size = sizeof(lent) },
	{ RIGHT, .buffer = lent + 1, .buffer_size = sizeof(lent) - 1, .backing = NEBULA_BUFFER },
	{ RIGHT, .buffer = lent + 3, .buffer_size = 20000, .flags = NEBULA_STRICT },
	{ .block_size = 5, .blocks = 40, .align = 256, .buffer = lent, .buffer_size = 20000 },
};

static void config_accepts_what_is_right(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good_pools); i++) {
		struct nebula_pool *p = maker_create(&pools, "0123456789_.-abcXYZ", &good_pools[i]);

		KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(p), "configuration %u: %ld", i, PTR_ERR(p));
		KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), good_pools[i].blocks);
		expect_whole(test, p, good_pools[i].blocks);
		KUNIT_EXPECT_EQ(test, fixture_last_code(&p->common), NEBULA_OK);
		nebula_pool_destroy(p);
	}
}

/* Nothing beyond its ends is written to, and what it serves lies between them. */
static void config_keeps_to_its_buffer(struct kunit *test)
{
	const size_t size = 20000, before = 101;
	struct nebula_pool *p;
	struct held *h;

	memset(lent, 0x5a, sizeof(lent));
	p = nebula_pool_create("lent", .block_size = 24, .blocks = 200, .buffer = lent + before,
			       .buffer_size = size);
	h = held_create(test, p, 600);
	held_take(h, 600);
	KUNIT_EXPECT_GE(test, h->count, 200U);
	held_verify(test, h);
	KUNIT_EXPECT_TRUE(test, (u8 *)h->blocks[0] >= lent + before);
	KUNIT_EXPECT_TRUE(test, (u8 *)h->blocks[h->count - 1] + 24 <= lent + before + size);
	held_give(h, UINT_MAX);
	expect_whole(test, p, 200);
	nebula_pool_destroy(p);
	KUNIT_EXPECT_NULL(test, memchr_inv(lent, 0x5a, before));
	KUNIT_EXPECT_NULL(test, memchr_inv(lent + before + size, 0x5a,
					   sizeof(lent) - before - size));
}

/* The smallest buffer that does is found by trying: one byte less does not. */
static void config_needs_a_buffer_large_enough(struct kunit *test)
{
	struct nebula_pool_config cfg = { .block_size = 24, .blocks = 50, .buffer = lent };
	struct nebula_pool *p = ERR_PTR(-EINVAL);

	for (cfg.buffer_size = 24 * 50; IS_ERR(p) && cfg.buffer_size < 8192; cfg.buffer_size++) {
		KUNIT_ASSERT_EQ(test, PTR_ERR(p), (long)-EINVAL);
		p = maker_create(&pools, "lent", &cfg);
	}
	ASSERT_POOL(test, p);
	expect_whole(test, p, 50);
	nebula_pool_destroy(p);
}

static void config_unwinds_each_step(struct kunit *test)
{
	static const struct nebula_pool_config configs[] = {
		{ RIGHT },
		{ RIGHT, .flags = NEBULA_STRICT },
		{ RIGHT, .flags = NEBULA_GROW },
		{ RIGHT, .flags = NEBULA_TYPESAFE_BY_RCU, .ctor = no_ctor },
		{ RIGHT, .preset = NEBULA_DEVELOPMENT },
		{ .block_size = 4096, .blocks = 300, .backing = NEBULA_VMALLOC },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(configs); i++)
		expect_unwound(test, &pools, &configs[i]);
}

/* More than the machine has, but nothing that cannot be represented. */
static void config_without_memory(struct kunit *test)
{
	static const struct nebula_pool_config huge[] = {
		{ .block_size = SZ_1M, .blocks = BIT(24) },
		{ .block_size = 4096, .blocks = NEBULA_POOL_BLOCKS_MAX },
		{ .block_size = 1ULL << 44, .blocks = 3, .flags = NEBULA_STRICT },
	};
	struct nebula_error err;
	unsigned int i;

	fixture_listen(test);
	for (i = 0; i < ARRAY_SIZE(huge); i++) {
		struct nebula_pool *p = maker_create(&pools, "huge", &huge[i]);

		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(p), -ENOMEM);
		KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_BACKING_FAILED, &err), i + 1);
		KUNIT_EXPECT_STREQ(test, err.name, "huge");
	}
}

static void config_in_atomic_context(struct kunit *test)
{
	expect_atomic_refused(test, &pools, &plain);
}

static void config_that_is_null(struct kunit *test)
{
	expect_none_refused(test, &pools);
}

static void config_of_another_abi(struct kunit *test)
{
	expect_abi_refused(test, &pools, &plain);
}

static void expect_name(struct kunit *test, struct nebula_pool *p, const char *name)
{
	struct nebula_error err;

	nebula_pool_free(p, &err);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_STREQ(test, err.name, name);
}

/* Of pools, and of pools and others. */
static void config_equal_names_are_told_apart(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = 4096);
	struct nebula_pool *p = nebula_pool_create("conn", RIGHT);
	struct nebula_pool *q = nebula_pool_create("conn", RIGHT), *r;

	ASSERT_BUMP(test, b);
	ASSERT_POOL(test, p);
	ASSERT_POOL(test, q);
	expect_name(test, p, "conn.2");
	expect_name(test, q, "conn.3");
	nebula_pool_destroy(p);
	r = nebula_pool_create("conn", RIGHT);
	ASSERT_POOL(test, r);
	expect_name(test, r, "conn.2");
	nebula_pool_destroy(r);
	nebula_pool_destroy(q);
	nebula_bump_destroy(b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(config_refusals),
	KUNIT_CASE(config_refuses_bad_names),
	KUNIT_CASE(config_accepts_what_is_right),
	KUNIT_CASE(config_keeps_to_its_buffer),
	KUNIT_CASE(config_needs_a_buffer_large_enough),
	KUNIT_CASE(config_unwinds_each_step),
	KUNIT_CASE(config_without_memory),
	KUNIT_CASE(config_in_atomic_context),
	KUNIT_CASE(config_that_is_null),
	KUNIT_CASE(config_of_another_abi),
	KUNIT_CASE(config_equal_names_are_told_apart),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_config",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
