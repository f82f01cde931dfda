// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creating allocators: every field checked, every step failing once, nothing left behind.
 */
#include <linux/module.h>
#include "../unload/maker.h"

static u8 lent[4096] __aligned(8);

#define INVALID(...)	REFUSE_INVALID(struct nebula_bump_config, __VA_ARGS__)
#define OVERFLOWS(...)	REFUSE_OVERFLOW(struct nebula_bump_config, __VA_ARGS__)

static const struct refusal bad_configs[] = {
	INVALID(".capacity", "no capacity", .capacity = 0),
	OVERFLOWS(".capacity", "all bits set", .capacity = SIZE_MAX),
	OVERFLOWS(".capacity", "one too many", .capacity = NEBULA_CAPACITY_MAX + 1),
	INVALID(".max_capacity", "limit without growth", .capacity = 4096, .max_capacity = 8192),
	INVALID(".max_capacity", "limit below capacity", .capacity = 8192, .max_capacity = 4096,
		.flags = NEBULA_GROW),
	OVERFLOWS(".max_capacity", "limit overflows", .capacity = 8192, .max_capacity = SIZE_MAX,
		  .flags = NEBULA_GROW),
	INVALID(".buffer and NEBULA_GROW", "both", .buffer = lent, .buffer_size = 4096,
		.flags = NEBULA_GROW),
	INVALID(".buffer_size", "buffer without size", .buffer = lent),
	INVALID(".buffer", "size without buffer", .capacity = 4096, .buffer_size = 4096),
	INVALID(".buffer_size", "capacity over buffer", .capacity = 8192, .buffer = lent,
		.buffer_size = 4096),
	OVERFLOWS(".buffer_size", "buffer wraps", .buffer = lent, .buffer_size = SIZE_MAX),
	INVALID(".buffer and .backing", "buffer as pages", .buffer = lent, .buffer_size = 4096,
		.backing = NEBULA_PAGES),
	INVALID(".backing", "buffer backing alone", .capacity = 4096, .backing = NEBULA_BUFFER),
	INVALID(".backing", "unknown backing", .capacity = 4096, .backing = 17),
	INVALID(".flags", "unknown flag", .capacity = 4096, .flags = BIT(30)),
	INVALID(".flags", "flag of pools", .capacity = 4096, .flags = NEBULA_STRICT),
	INVALID(".preset", "unknown preset", .capacity = 4096, .preset = 9),
	INVALID(".gfp", "high memory", .capacity = 4096, .gfp = GFP_HIGHUSER),
	INVALID(".node", "no such node", .capacity = 4096, .node = NEBULA_NODE(MAX_NUMNODES)),
	INVALID(".node", "negative node", .capacity = 4096, .node = -5),
};

static const struct nebula_bump_config plain = { .capacity = 4096 };

static void *create(const char *name, const void *cfg, size_t cfg_size, unsigned int abi)
{
	return nebula_bump_create_cfg(name, cfg, cfg_size, abi, THIS_MODULE);
}

static void destroy(void *b)
{
	nebula_bump_destroy(b);
}

static void use(struct kunit *test, void *b, const void *cfg)
{
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 16, 8));
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 3, 1));
	nebula_bump_reset(b);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
}

static struct nebula_allocator *common(void *b)
{
	return &((struct nebula_bump *)b)->common;
}

static const struct maker bumps = {
	.kind = NEBULA_KIND_BUMP,
	.cfg_size = sizeof(struct nebula_bump_config),
	.create = create,
	.destroy = destroy,
	.use = use,
	.common = common,
};

static void config_refusals(struct kunit *test)
{
	expect_refusals(test, &bumps, bad_configs, ARRAY_SIZE(bad_configs));
}

static void config_refuses_bad_names(struct kunit *test)
{
	expect_names_refused(test, &bumps, &plain);
}

static void config_accepts_what_is_right(struct kunit *test)
{
	static const struct nebula_bump_config good[] = {
		{ .capacity = 1 },
		{ .capacity = 4096, .preset = NEBULA_DEVELOPMENT },
		{ .capacity = 4096, .gfp = GFP_NOFS },
		{ .capacity = SZ_1M, .gfp = GFP_NOIO },
		{ .capacity = 4096, .gfp = GFP_ATOMIC },
		{ .capacity = 4096, .gfp = GFP_KERNEL_ACCOUNT },
		{ .capacity = 4096, .flags = NEBULA_SHARED, .gfp = GFP_NOFS },
		{ .capacity = 4096, .flags = NEBULA_SHARED | NEBULA_GROW | NEBULA_ZERO },
		{ .capacity = 4096, .node = NEBULA_NODE(0) },
		{ .capacity = SZ_1M, .node = NEBULA_NODE(0), .backing = NEBULA_VMALLOC },
		{ .buffer = lent, .buffer_size = 4096 },
		{ .buffer = lent + 1, .buffer_size = 100 },
		{ .buffer = lent, .buffer_size = 4096, .capacity = 1000 },
		{ .buffer = lent + 3, .buffer_size = 4000, .flags = NEBULA_SHARED },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		struct nebula_bump *b = maker_create(&bumps, "0123456789_.-abcXYZ", &good[i]);

		KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(b), "configuration %u: %ld", i, PTR_ERR(b));
		use(test, b, &good[i]);
		nebula_bump_destroy(b);
	}
}

static void config_unwinds_each_step(struct kunit *test)
{
	static const struct nebula_bump_config owner = { .capacity = SZ_16K };
	static const struct nebula_bump_config shared = {
		.capacity = SZ_64K,
		.flags = NEBULA_SHARED | NEBULA_GROW,
	};
	static const struct nebula_bump_config vmalloced = {
		.capacity = SZ_1M,
		.backing = NEBULA_VMALLOC,
	};

	expect_unwound(test, &bumps, &owner);
	expect_unwound(test, &bumps, &shared);
	expect_unwound(test, &bumps, &vmalloced);
}

static void config_in_atomic_context(struct kunit *test)
{
	expect_atomic_refused(test, &bumps, &plain);
}

static void config_that_is_null(struct kunit *test)
{
	expect_none_refused(test, &bumps);
}

static void config_of_another_abi(struct kunit *test)
{
	expect_abi_refused(test, &bumps, &plain);
}

static void expect_name(struct kunit *test, struct nebula_bump *b, const char *name)
{
	struct nebula_error err;

	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, 1, 3));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	KUNIT_EXPECT_STREQ(test, err.name, name);
}

static void config_equal_names_are_told_apart(struct kunit *test)
{
	struct nebula_bump *a = nebula_bump_create("conn", .capacity = 4096);
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = 4096), *c;

	ASSERT_BUMP(test, a);
	ASSERT_BUMP(test, b);
	expect_name(test, a, "conn");
	expect_name(test, b, "conn.2");
	nebula_bump_destroy(a);
	c = nebula_bump_create("conn", .capacity = 4096);
	ASSERT_BUMP(test, c);
	expect_name(test, c, "conn");
	nebula_bump_destroy(c);
	nebula_bump_destroy(b);
}

/*
 * Does the compiler see that @p, somewhere in @buffer, may be equal to a pointer into that? Inline,
 * so that it knows where both come from.
 */
static __always_inline void expect_alias(struct kunit *test, u8 *buffer, u8 *p)
{
	unsigned long at = (unsigned long)p - (unsigned long)buffer;

	OPTIMIZER_HIDE_VAR(at);
	KUNIT_EXPECT_TRUE(test, p == buffer + at);
}

/* No function that may serve from the caller's memory is __malloc. */
static void config_buffers_may_alias(struct kunit *test)
{
	u8 buffer[512] __aligned(16);
	struct nebula_stack stack;
	struct nebula_pool *pool;
	size_t size = 24;
	u8 *p;

	OPTIMIZER_HIDE_VAR(size);
	nebula_stack_init(&stack, buffer, sizeof(buffer));
	p = nebula_stack_alloc(&stack, size, 8);
	expect_alias(test, buffer, p);
	p = nebula_stack_zalloc(&stack, size, 8);
	expect_alias(test, buffer, p);
	p = nebula_alloc(&stack.common, size, 8);
	expect_alias(test, buffer, p);
	nebula_stack_exit(&stack);

	pool = nebula_pool_create("lent", .block_size = 24, .blocks = 4, .buffer = buffer,
				  .buffer_size = sizeof(buffer));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pool);
	p = nebula_pool_alloc(pool);
	expect_alias(test, buffer, p);
	nebula_pool_free(pool, p);
	nebula_pool_destroy(pool);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(config_buffers_may_alias),
	KUNIT_CASE(config_refusals),
	KUNIT_CASE(config_refuses_bad_names),
	KUNIT_CASE(config_accepts_what_is_right),
	KUNIT_CASE(config_unwinds_each_step),
	KUNIT_CASE(config_in_atomic_context),
	KUNIT_CASE(config_that_is_null),
	KUNIT_CASE(config_of_another_abi),
	KUNIT_CASE(config_equal_names_are_told_apart),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_config",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
