// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creating stacks: every field checked, every backing, every step failing once, nothing left
 * behind; and stacks on a caller's buffer, however small.
 */
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../unload/maker.h"

static u8 lent[4096] __aligned(64);

#define INVALID(...)	REFUSE_INVALID(struct nebula_stack_config, __VA_ARGS__)
#define OVERFLOWS(...)	REFUSE_OVERFLOW(struct nebula_stack_config, __VA_ARGS__)

static const struct refusal bad_configs[] = {
	INVALID(".capacity", "no capacity", .capacity = 0),
	INVALID(".capacity", "no capacity, shared", .flags = NEBULA_SHARED),
	OVERFLOWS(".capacity", "all bits set", .capacity = SIZE_MAX),
	OVERFLOWS(".capacity", "a byte over 1 GiB", .capacity = NEBULA_STACK_CAPACITY_MAX + 1),
	OVERFLOWS(".capacity", "over 4 GiB", .capacity = BIT(32) + 4096),
	INVALID(".buffer_size", "buffer without size", .buffer = lent),
	INVALID(".buffer_size", "buffer without size but capacity", .buffer = lent,
		.capacity = 4096),
	INVALID(".buffer", "size without buffer", .capacity = 4096, .buffer_size = 4096),
	INVALID(".buffer_size", "capacity over buffer", .capacity = 4097, .buffer = lent,
		.buffer_size = 4096),
	OVERFLOWS(".buffer_size", "buffer wraps", .buffer = lent, .buffer_size = SIZE_MAX),
	OVERFLOWS(".buffer_size", "buffer over 1 GiB", .buffer = lent,
		  .buffer_size = NEBULA_STACK_CAPACITY_MAX + 1),
	INVALID(".buffer_size", "nothing left of a shared buffer", .buffer = lent + 1,
		.buffer_size = 8, .flags = NEBULA_SHARED),
	INVALID(".buffer and .backing", "buffer as pages", .buffer = lent, .buffer_size = 4096,
		.backing = NEBULA_PAGES),
	INVALID(".buffer and .backing", "buffer as vmalloc", .buffer = lent, .buffer_size = 4096,
		.backing = NEBULA_VMALLOC),
	INVALID(".backing", "buffer backing alone", .capacity = 4096, .backing = NEBULA_BUFFER),
	INVALID(".backing", "unknown backing", .capacity = 4096, .backing = 17),
	INVALID(".flags", "unknown flag", .capacity = 4096, .flags = BIT(30)),
	INVALID(".flags", "all flags", .capacity = 4096, .flags = U32_MAX),
	INVALID(".flags", "stacks do not grow", .capacity = 4096, .flags = NEBULA_GROW),
	INVALID(".flags", "flag of pools", .capacity = 4096, .flags = NEBULA_STRICT),
	INVALID(".preset", "unknown preset", .capacity = 4096, .preset = 9),
	INVALID(".gfp", "high memory", .capacity = 4096, .gfp = GFP_HIGHUSER),
	INVALID(".node", "no such node", .capacity = 4096, .node = NEBULA_NODE(MAX_NUMNODES)),
	INVALID(".node", "negative node", .capacity = 4096, .node = -5),
};

static const struct nebula_stack_config plain = { .capacity = 4096 };

static void *create(const char *name, const void *cfg, size_t cfg_size, unsigned int abi)
{
	return nebula_stack_create_cfg(name, cfg, cfg_size, abi, THIS_MODULE);
}

static void destroy(void *s)
{
	nebula_stack_destroy(s);
}

static struct nebula_allocator *common(void *s)
{
	return &((struct nebula_stack *)s)->common;
}

/* It serves its last byte; with debug flags it takes some of it for itself. */
static void use(struct kunit *test, void *s, const void *cfg)
{
	const size_t capacity = nebula_stack_capacity(s);
	const bool guarded = common(s)->flags & NEBULA_DEBUG_FLAGS;
	const size_t size = guarded ? capacity / 2 : capacity;
	void *p = nebula_stack_alloc(s, size, 1);

	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0xff, size);
	KUNIT_EXPECT_NULL(test, nebula_stack_alloc(s, guarded ? size : 1, 1));
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_stack_available(s), capacity);
}

static const struct maker stacks = {
	.kind = NEBULA_KIND_STACK,
	.cfg_size = sizeof(struct nebula_stack_config),
	.create = create,
	.destroy = destroy,
	.use = use,
	.common = common,
};

static void config_refusals(struct kunit *test)
{
	expect_refusals(test, &stacks, bad_configs, ARRAY_SIZE(bad_configs));
}

static void config_refuses_bad_names(struct kunit *test)
{
	expect_names_refused(test, &stacks, &plain);
}

/* A configuration and the capacity it leads to. */
struct good_config {
	size_t capacity;		/* bytes */
	unsigned int regions;		/* mapped for it */
	struct nebula_stack_config cfg;	/* the configuration */
};

static const struct good_config good_configs[] = {
	{ 4096, 1, { .capacity = 1 } },
	{ 4096, 1, { .capacity = 4096 } },
	{ 8192, 1, { .capacity = 4097 } },
	{ SZ_1M, 1, { .capacity = SZ_1M } },
	{ SZ_16K, 1, { .capacity = SZ_16K, .backing = NEBULA_PAGES } },
	{ 5 * 4096, 1, { .capacity = 5 * 4096, .backing = NEBULA_PAGES } },
	{ 4096, 1, { .capacity = 4096, .backing = NEBULA_VMALLOC } },
	{ SZ_8M, 1, { .capacity = SZ_8M, .backing = NEBULA_VMALLOC } },
	{ SZ_1M, 1, { .capacity = SZ_1M, .backing = NEBULA_VMALLOC, .node = NEBULA_NODE(0) } },
	{ 4096, 1, { .capacity = 4096, .node = NEBULA_NODE(0) } },
	{ 4096, 1, { .capacity = 4096, .preset = NEBULA_DEVELOPMENT } },
	{ 4096, 1, { .capacity = 4096, .flags = NEBULA_REDZONE } },
	{ 4096, 1, { .capacity = 4096, .flags = NEBULA_POISON | NEBULA_ZERO } },
	{ 4096, 1, { .capacity = 4096, .flags = NEBULA_TRACK } },
	{ 4096, 1, { .capacity = 4096, .flags = NEBULA_ZERO } },
	{ 4096, 1, { .capacity = 4096, .flags = NEBULA_SHARED } },
	{ 4096, 1, { .capacity = 4096, .gfp = GFP_NOFS } },
	{ SZ_1M, 1, { .capacity = SZ_1M, .gfp = GFP_NOIO } },
	{ 4096, 1, { .capacity = 4096, .gfp = GFP_ATOMIC } },
	{ 4096, 1, { .capacity = 4096, .gfp = GFP_KERNEL_ACCOUNT } },
	{ 4096, 1, { .capacity = 4096, .gfp = GFP_KERNEL | __GFP_ZERO } },
	{ 4096, 0, { .buffer = lent, .buffer_size = 4096 } },
	{ 4096, 0, { .buffer = lent, .buffer_size = 4096, .backing = NEBULA_BUFFER } },
	{ 1000, 0, { .buffer = lent, .buffer_size = 4096, .capacity = 1000 } },
	{ 101, 0, { .buffer = lent + 1, .buffer_size = 101 } },
	{ 1, 0, { .buffer = lent + 3, .buffer_size = 1 } },
	{ 15, 0, { .buffer = lent + 4081, .buffer_size = 15, .flags = NEBULA_ZERO } },
	{ 4032, 0, { .buffer = lent + 1, .buffer_size = 4095, .flags = NEBULA_SHARED } },
};

static void config_accepts_what_is_right(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good_configs); i++) {
		const struct good_config *good = &good_configs[i];
		struct nebula_stack *s = maker_create(&stacks, "0123456789_.-abcXYZ", &good->cfg);

		KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(s), "configuration %u: %ld", i, PTR_ERR(s));
		KUNIT_EXPECT_EQ_MSG(test, nebula_stack_capacity(s), good->capacity, "%u", i);
		KUNIT_EXPECT_EQ_MSG(test, fixture_regions(test), good->regions, "%u", i);
		use(test, s, &good->cfg);
		KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
		nebula_stack_destroy(s);
	}
}

/* Where a byte is, the next one is too: over all pages of a region, whatever it is made of. */
static void config_serves_every_backing(struct kunit *test)
{
	static const enum nebula_backing backings[] = {
		NEBULA_AUTO, NEBULA_PAGES, NEBULA_VMALLOC,
	};
	unsigned int i, n;
	u8 *p;

	for (i = 0; i < ARRAY_SIZE(backings); i++) {
		struct nebula_stack *s = nebula_stack_create("backed", .capacity = SZ_64K,
							     .backing = backings[i]);

		ASSERT_STACK(test, s);
		for (n = 0; n < 64; n++) {
			p = nebula_stack_alloc(s, 1024, 8);
			KUNIT_ASSERT_NOT_NULL(test, p);
			fixture_stamp(p, 1024, n);
		}
		KUNIT_EXPECT_NULL(test, nebula_stack_alloc(s, 16, 1));
		for (p -= 63 * 1024; n--; )
			KUNIT_ASSERT_TRUE(test, fixture_stamped(p + n * 1024, 1024, n));
		nebula_stack_destroy(s);
	}
}

static void config_keeps_to_its_buffer(struct kunit *test)
{
	struct nebula_stack *s;
	void *p;

	memset(lent, 0x5a, sizeof(lent));
	s = nebula_stack_create("lent", .buffer = lent + 101, .buffer_size = 1003);
	ASSERT_STACK(test, s);
	p = nebula_stack_alloc(s, 1003, 1);
	OPTIMIZER_HIDE_VAR(p);	/* or it is taken for other memory than what was lent */
	KUNIT_ASSERT_PTR_EQ(test, p, (void *)(lent + 101));
	memset(p, 0xff, 1003);
	KUNIT_EXPECT_FALSE(test, nebula_stack_owns(s, lent + 100));
	KUNIT_EXPECT_TRUE(test, nebula_stack_owns(s, lent + 101 + 1002));
	KUNIT_EXPECT_FALSE(test, nebula_stack_owns(s, lent + 101 + 1003));
	nebula_stack_destroy(s);
	KUNIT_EXPECT_NULL(test, memchr_inv(lent, 0x5a, 101));
	KUNIT_EXPECT_NULL(test, memchr_inv(lent + 1104, 0x5a, sizeof(lent) - 1104));
}

static void config_unwinds_each_step(struct kunit *test)
{
	static const struct nebula_stack_config configs[] = {
		{ .capacity = SZ_16K },
		{ .capacity = SZ_16K, .preset = NEBULA_DEVELOPMENT },
		{ .capacity = SZ_1M, .backing = NEBULA_VMALLOC },
		{ .capacity = SZ_16K, .backing = NEBULA_PAGES, .flags = NEBULA_ZERO },
		{ .capacity = SZ_16K, .flags = NEBULA_SHARED },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(configs); i++)
		expect_unwound(test, &stacks, &configs[i]);
}

static void config_in_atomic_context(struct kunit *test)
{
	expect_atomic_refused(test, &stacks, &plain);
}

static void config_that_is_null(struct kunit *test)
{
	expect_none_refused(test, &stacks);
}

static void config_of_another_abi(struct kunit *test)
{
	expect_abi_refused(test, &stacks, &plain);
}

static void config_equal_names_are_told_apart(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("nested", .capacity = 4096);
	struct nebula_stack *s = maker_create(&stacks, "nested", &plain);
	struct nebula_stack *t = maker_create(&stacks, "nested", &plain);
	struct nebula_error err;

	ASSERT_BUMP(test, b);
	ASSERT_STACK(test, s);
	ASSERT_STACK(test, t);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, t), -EINVAL);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(s, &err));
	KUNIT_EXPECT_STREQ(test, err.name, "nested.2");
	KUNIT_EXPECT_STREQ(test, t->common.reg->name, "nested.3");
	nebula_stack_destroy(s);
	s = maker_create(&stacks, "nested", &plain);
	ASSERT_STACK(test, s);
	KUNIT_EXPECT_STREQ(test, s->common.reg->name, "nested.2");
	nebula_stack_destroy(t);
	nebula_stack_destroy(s);
	nebula_bump_destroy(b);
}

/* What is still in use goes with it: that is what a stack is for. */
static void config_destroy_takes_what_is_live(struct kunit *test)
{
	struct nebula_stack *s = maker_create(&stacks, "live", &plain);

	ASSERT_STACK(test, s);
	fixture_listen(test);
	KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(s, 64, 8));
	nebula_stack_mark(s);
	nebula_stack_destroy(s);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, NULL), 0U);
	nebula_stack_destroy(NULL);
	nebula_stack_destroy(ERR_PTR(-ENOMEM));
}

static void expect_nothing_of(struct kunit *test, struct nebula_stack *s, void *memory)
{
	struct nebula_mark m = nebula_stack_mark(s);

	KUNIT_ASSERT_EQ(test, nebula_stack_capacity(s), (size_t)0);
	KUNIT_ASSERT_EQ(test, nebula_stack_used(s), (size_t)0);
	KUNIT_ASSERT_EQ(test, nebula_stack_peak(s), (size_t)0);
	KUNIT_ASSERT_NULL(test, nebula_stack_alloc(s, 1, 1));
	KUNIT_ASSERT_NULL(test, nebula_stack_alloc(s, 64, 8));
	EXPECT_ERROR(test, s, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_ASSERT_FALSE(test, nebula_stack_owns(s, memory));
	KUNIT_ASSERT_EQ(test, nebula_stack_free(s, memory), memory ? -EINVAL : 0);
	KUNIT_ASSERT_EQ(test, nebula_stack_restore(s, m), 0);
	nebula_stack_reset(s);
	KUNIT_ASSERT_EQ(test, nebula_stack_restore(s, m), -ESTALE);
}

/* From the first byte to the last byte that it has, and not one beyond @memory and @size. */
static void expect_served(struct kunit *test, u8 *memory, size_t size)
{
	struct nebula_stack s;
	size_t capacity;
	u8 *p;

	memory[-1] = 0x11;
	memory[size] = 0x11;
	nebula_stack_init(&s, memory, size);
	capacity = nebula_stack_capacity(&s);
	if (size <= 148) {
		EXPECT_ERROR(test, &s, NEBULA_E_INVALID_CONFIG);
		expect_nothing_of(test, &s, memory);
		return;
	}
	KUNIT_ASSERT_GE(test, (long)capacity, max(1L, (long)(size - 150) * 4 / 5 - 4));
	KUNIT_ASSERT_NULL(test, nebula_stack_alloc(&s, capacity + 1, 1));
	p = nebula_stack_alloc(&s, capacity, 1);
	OPTIMIZER_HIDE_VAR(p);
	KUNIT_ASSERT_PTR_EQ(test, p, memory);
	memset(p, 0xff, capacity);
	KUNIT_ASSERT_EQ(test, nebula_stack_available(&s), (size_t)0);
	KUNIT_ASSERT_EQ(test, nebula_stack_free(&s, p), 0);
	while (nebula_stack_alloc(&s, 16, 1))
		;
	KUNIT_ASSERT_LT(test, nebula_stack_available(&s), (size_t)16);
	KUNIT_ASSERT_EQ(test, nebula_stack_peak(&s), capacity);
	while (nebula_stack_alloc(&s, 1, 1))
		;
	KUNIT_ASSERT_EQ(test, nebula_stack_available(&s), (size_t)0);
	KUNIT_ASSERT_EQ(test, memory[-1], 0x11);
	KUNIT_ASSERT_EQ(test, memory[size], 0x11);
	nebula_stack_exit(&s);
	expect_nothing_of(test, &s, memory);
}

static void config_on_buffers_of_any_size(struct kunit *test)
{
	unsigned int offset;
	size_t size;

	for (offset = 1; offset < 10; offset++)
		for (size = 1; size < 400; size += 1 + size / 180 * 3)
			expect_served(test, lent + offset, size);
	expect_served(test, lent + 1, sizeof(lent) - 2);
}

static void config_on_no_buffer(struct kunit *test)
{
	struct nebula_stack s;

	nebula_stack_init(&s, NULL, 1000);
	EXPECT_ERROR(test, &s, NEBULA_E_INVALID_CONFIG);
	expect_nothing_of(test, &s, NULL);
	nebula_stack_init(&s, lent, 0);
	EXPECT_ERROR(test, &s, NEBULA_E_INVALID_CONFIG);
	expect_nothing_of(test, &s, lent);
	nebula_stack_init(&s, lent, SIZE_MAX);
	EXPECT_ERROR(test, &s, NEBULA_E_INVALID_CONFIG);
	expect_nothing_of(test, &s, lent);
	nebula_stack_init(&s, lent, NEBULA_STACK_CAPACITY_MAX + 1);
	EXPECT_ERROR(test, &s, NEBULA_E_INVALID_CONFIG);
	expect_nothing_of(test, &s, lent);
	/* Wraps around. */
	nebula_stack_init(&s, (void *)-4096L, 8192);
	EXPECT_ERROR(test, &s, NEBULA_E_INVALID_CONFIG);
	expect_nothing_of(test, &s, lent);
}

static void config_on_the_kernel_stack(struct kunit *test)
{
	u8 memory[400];
	struct nebula_stack s;
	struct nebula_mark m;
	void *p;

	nebula_stack_init(&s, memory, sizeof(memory));
	p = nebula_stack_alloc(&s, 64, 1);
	OPTIMIZER_HIDE_VAR(p);
	KUNIT_EXPECT_PTR_EQ(test, p, (void *)memory);
	m = nebula_stack_mark(&s);
	KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(&s, 100, 4));
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(&s, m), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(&s, p), 0);
	/* Each kind ends in its own way. */
	nebula_stack_destroy(&s);
	EXPECT_ERROR(test, &s, NEBULA_E_INVALID_STATE);
	KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(&s, 64, 1));
	nebula_stack_exit(&s);
	expect_nothing_of(test, &s, memory);
}

static void config_exit_of_a_created_one(struct kunit *test)
{
	struct nebula_stack *s = maker_create(&stacks, "created", &plain);

	ASSERT_STACK(test, s);
	nebula_stack_exit(s);
	EXPECT_ERROR(test, s, NEBULA_E_INVALID_STATE);
	use(test, s, &plain);
	nebula_stack_destroy(s);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(config_refusals),
	KUNIT_CASE(config_refuses_bad_names),
	KUNIT_CASE(config_accepts_what_is_right),
	KUNIT_CASE(config_serves_every_backing),
	KUNIT_CASE(config_keeps_to_its_buffer),
	KUNIT_CASE(config_unwinds_each_step),
	KUNIT_CASE(config_in_atomic_context),
	KUNIT_CASE(config_that_is_null),
	KUNIT_CASE(config_of_another_abi),
	KUNIT_CASE(config_equal_names_are_told_apart),
	KUNIT_CASE(config_destroy_takes_what_is_live),
	KUNIT_CASE(config_on_buffers_of_any_size),
	KUNIT_CASE(config_on_no_buffer),
	KUNIT_CASE(config_on_the_kernel_stack),
	KUNIT_CASE(config_exit_of_a_created_one),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_stack_config",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
