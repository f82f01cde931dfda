// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's switches init_on_alloc and init_on_free have the hold on our objects that they have
 * on slabs: what is allocated is zero, what is freed is cleared. Rounds of allocating, filling and
 * giving back, in the manner of the kernel's own test_meminit, under each setting.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include "../fixture.h"

#define OFF	NEBULA_CLEAN
#define ALLOC	(NEBULA_CLEAN | NEBULA_INIT_ON_ALLOC)
#define FREE	(NEBULA_CLEAN | NEBULA_INIT_ON_FREE)

#define ROUNDS	3

static const u32 settings[] = { ALLOC, FREE, ALLOC | FREE };
static const size_t sizes[] = { 1, 8, 24, 100, 256, 1000 };

static void *objects[ARRAY_SIZE(sizes)];

static int init_begin(struct kunit *test)
{
	nebula_init_override(OFF);
	return fixture_init(test);
}

static void init_end(struct kunit *test)
{
	fixture_exit(test);
	nebula_init_override(0);
}

/* An object that was allocated: is it zero, if it has to be? It is filled. */
static void fill(struct kunit *test, unsigned int i, void *p, u32 setting)
{
	KUNIT_ASSERT_NOT_NULL(test, p);
	if (setting & NEBULA_INIT_ON_ALLOC)
		KUNIT_EXPECT_NULL_MSG(test, memchr_inv(p, 0, sizes[i]), "size %zu", sizes[i]);
	memset(p, 0xa5, sizes[i]);
	objects[i] = p;
}

/* Objects from @i on were given back; their memory is still the allocator's. */
static void expect_cleared(struct kunit *test, unsigned int i, u32 setting)
{
	for (; setting & NEBULA_INIT_ON_FREE && i < ARRAY_SIZE(sizes); i++)
		KUNIT_EXPECT_NULL_MSG(test, memchr_inv(objects[i], 0, sizes[i]), "size %zu",
				      sizes[i]);
}

static void fill_bump(struct kunit *test, struct nebula_bump *b, unsigned int from, u32 setting)
{
	for (; from < ARRAY_SIZE(sizes); from++)
		fill(test, from, nebula_bump_alloc(b, sizes[from], 8), setting);
}

/* The newest object shrinks and grows where it is. */
static void resize_bump(struct kunit *test, struct nebula_bump *b, u32 setting)
{
	u8 *p = nebula_bump_realloc(b, objects[5], 1000, 100, 8);

	KUNIT_ASSERT_PTR_EQ(test, (void *)p, objects[5]);
	if (setting & NEBULA_INIT_ON_FREE)
		KUNIT_EXPECT_NULL(test, memchr_inv(p + 100, 0, 900));
	p = nebula_bump_realloc(b, p, 100, 300, 8);
	KUNIT_ASSERT_PTR_EQ(test, (void *)p, objects[5]);
	KUNIT_EXPECT_EQ(test, p[99], 0xa5);
	if (setting & NEBULA_INIT_ON_ALLOC)
		KUNIT_EXPECT_NULL(test, memchr_inv(p + 100, 0, 200));
}

/* One of the sizes is a constant, so it comes inline where anything does. */
static void bump_rounds(struct kunit *test, struct nebula_bump *b, u32 setting)
{
	const bool owner = !(b->common.flags & NEBULA_SHARED);
	struct nebula_checkpoint cp;
	unsigned int round;

	for (round = 0; round < ROUNDS; round++) {
		fill(test, 2, nebula_bump_alloc(b, 24, 8), setting);
		fill_bump(test, b, 0, setting);
		if (owner) {
			cp = nebula_bump_checkpoint(b);
			fill_bump(test, b, 3, setting);
			KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
			expect_cleared(test, 3, setting);
			fill_bump(test, b, 3, setting);
		}
		if (owner)
			resize_bump(test, b, setting);
		nebula_bump_reset(b);
		expect_cleared(test, 0, setting);
	}
}

static void init_of_bumps(struct kunit *test)
{
	static const u32 flags[] = { 0, NEBULA_SHARED, NEBULA_TRACK, NEBULA_ZERO,
				     NEBULA_POISON | NEBULA_REDZONE };
	static u8 lent[SZ_16K];
	struct nebula_bump *b, embedded;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		nebula_init_override(settings[i]);
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			b = nebula_bump_create("init", .capacity = SZ_64K, .flags = flags[j]);
			KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
			if (flags[j] & NEBULA_DEBUG_FLAGS)
				fill_bump(test, b, 0, settings[i]);
			else
				bump_rounds(test, b, settings[i]);
			nebula_bump_destroy(b);
		}
		memset(lent, 0xa5, sizeof(lent));
		b = nebula_bump_create("init", .buffer = lent, .buffer_size = sizeof(lent));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
		bump_rounds(test, b, settings[i]);
		nebula_bump_destroy(b);
		memset(lent, 0xa5, sizeof(lent));
		nebula_bump_init(&embedded, lent, sizeof(lent));
		bump_rounds(test, &embedded, settings[i]);
		nebula_bump_exit(&embedded);
	}
}

/* Regions that are kept over a reset, or a restore to an older one, are clean as well. */
static void init_of_grown_bumps(struct kunit *test)
{
	struct nebula_checkpoint cp;
	struct nebula_bump *b;
	unsigned int i, mode, round;
	u8 *p;

	nebula_init_override(ALLOC);
	for (mode = 0; mode < 2; mode++) {
		b = nebula_bump_create("init", .capacity = SZ_16K, .max_capacity = SZ_1M,
				       .flags = NEBULA_GROW | (mode ? NEBULA_SHARED : 0));
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
		for (round = 0; round < 2 * ROUNDS; round++) {
			if (mode)
				KUNIT_ASSERT_EQ(test, 0,
						nebula_bump_reserve(b, SZ_128K, GFP_KERNEL));
			else
				cp = nebula_bump_checkpoint(b);
			for (i = 0; i < 100; i++) {
				p = nebula_bump_alloc(b, 1000, 8);
				KUNIT_ASSERT_NOT_NULL(test, p);
				KUNIT_ASSERT_NULL(test, memchr_inv(p, 0, 1000));
				memset(p, 0xa5, 1000);
			}
			if (!mode && round % 2)
				KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
			else
				nebula_bump_reset(b);
		}
		nebula_bump_destroy(b);
	}
}

/* The switches do not take a bump allocator's allocations out of line. */
static void init_leaves_bumps_inline(struct kunit *test)
{
	struct nebula_bump *b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		nebula_init_override(settings[i]);
		b = nebula_bump_create("init", .capacity = SZ_64K);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
		expect_says(test, fixture_file(test, &b->common, "info"), "path", "inline");
		expect_says(test, fixture_file(test, &b->common, "info"), "flags", "none");
		expect_says(test, fixture_file(test, &b->common, "info"), "init",
			    settings[i] == ALLOC ? "on_alloc" :
			    settings[i] == FREE ? "on_free" : "on_alloc|on_free");
		nebula_bump_destroy(b);
	}
}

static void stack_rounds(struct kunit *test, struct nebula_stack *s, u32 setting)
{
	struct nebula_mark m;
	unsigned int round, i;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < 3; i++)
			fill(test, i, nebula_stack_alloc(s, sizes[i], 8), setting);
		m = nebula_stack_mark(s);
		for (i = 3; i < ARRAY_SIZE(sizes); i++)
			fill(test, i, nebula_stack_alloc(s, sizes[i], 8), setting);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, objects[5]), 0);
		expect_cleared(test, 5, setting);
		KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, m), 0);
		expect_cleared(test, 3, setting);
		fill(test, 4, nebula_stack_alloc(s, 256, 8), setting);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, objects[4]), 0);
		for (i = 3; i < ARRAY_SIZE(sizes); i++)
			fill(test, i, nebula_stack_alloc(s, sizes[i], 8), setting);
		KUNIT_EXPECT_PTR_EQ(test, nebula_stack_realloc(s, objects[5], 1000, 100, 8),
				    objects[5]);
		KUNIT_EXPECT_PTR_EQ(test, nebula_stack_realloc(s, objects[5], 100, 900, 8),
				    objects[5]);
		if (setting & NEBULA_INIT_ON_ALLOC)
			KUNIT_EXPECT_NULL(test, memchr_inv(objects[5] + 100, 0, 800));
		nebula_stack_reset(s);
		expect_cleared(test, 0, setting);
	}
}

static void init_of_stacks(struct kunit *test)
{
	static const u32 flags[] = { 0, NEBULA_SHARED, NEBULA_ZERO };
	struct nebula_stack *s, embedded;
	static u8 lent[SZ_16K];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		nebula_init_override(settings[i]);
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			s = nebula_stack_create("init", .capacity = SZ_64K, .flags = flags[j]);
			KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
			stack_rounds(test, s, settings[i]);
			nebula_stack_destroy(s);
		}
		memset(lent, 0xa5, sizeof(lent));
		nebula_stack_init(&embedded, lent, sizeof(lent));
		stack_rounds(test, &embedded, settings[i]);
		nebula_stack_exit(&embedded);
	}
}

static void scratch_rounds(struct kunit *test, struct nebula_scratch *s, u32 setting)
{
	unsigned int round;
	int i;

	for (round = 0; round < ROUNDS; round++) {
		preempt_disable();
		objects[2] = nebula_scratch_get(s, 24, 8);
		fill(test, 2, objects[2], setting);
		KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, objects[2]), 0);
		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			fill(test, i, nebula_scratch_get(s, sizes[i], 8), setting);
		while (i--) {
			KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, objects[i]), 0);
			expect_cleared(test, i, setting);
		}
		preempt_enable();
	}
}

static void init_of_scratch(struct kunit *test)
{
	struct nebula_scratch *s, embedded;
	u8 __percpu *lent = __alloc_percpu(SZ_8K, 64);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, (__force void *)lent);
	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		nebula_init_override(settings[i]);
		s = nebula_scratch_create("init", .per_cpu_size = SZ_16K);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
		scratch_rounds(test, s, settings[i]);
		nebula_scratch_destroy(s);
		nebula_scratch_init(&embedded, lent, SZ_8K);
		scratch_rounds(test, &embedded, settings[i]);
		nebula_scratch_exit(&embedded);
	}
	free_percpu(lent);
}

#define BLOCKS	100

/* Blocks whose bytes are expected to be @now when they are allocated; less than 0 for anything. */
static void pool_round(struct kunit *test, struct nebula_pool *p, void **blocks, int now)
{
	unsigned int i;

	for (i = 0; i < BLOCKS / 2; i++)
		blocks[i] = nebula_pool_alloc(p);
	KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, BLOCKS / 2, blocks + BLOCKS / 2));
	for (i = 0; i < BLOCKS; i++) {
		KUNIT_ASSERT_NOT_NULL(test, blocks[i]);
		if (now >= 0)
			KUNIT_EXPECT_NULL(test, memchr_inv(blocks[i], now, p->block_size));
		memset(blocks[i], 0xa5, p->block_size);
	}
}

static void free_round(struct nebula_pool *p, void **blocks, unsigned int round)
{
	unsigned int i;

	if (round == 1) {
		nebula_pool_free_bulk(p, BLOCKS, blocks);
		return;
	}
	for (i = 0; i < BLOCKS; i++) {
		if (round == 2)
			nebula_pool_free_rcu(p, blocks[i]);
		else
			nebula_pool_free(p, blocks[i]);
	}
	if (round != 2)
		return;
	while (nebula_pool_used(p)) {
		synchronize_rcu();
		cond_resched();
	}
}

static void pool_rounds(struct kunit *test, struct nebula_pool *p, u32 setting)
{
	void *blocks[BLOCKS];
	unsigned int round, i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	for (round = 0; round < ROUNDS + 1; round++) {
		pool_round(test, p, blocks, setting & NEBULA_INIT_ON_ALLOC ? 0 : -1);
		free_round(p, blocks, round);
		for (i = 0; setting & NEBULA_INIT_ON_FREE && i < BLOCKS; i++)
			KUNIT_EXPECT_NULL(test, memchr_inv(blocks[i], 0, p->block_size));
	}
	nebula_pool_destroy(p);
}

static void init_of_pools(struct kunit *test)
{
	static const u32 flags[] = { 0, NEBULA_STRICT, NEBULA_FIFO, NEBULA_ZERO, NEBULA_TRACK };
	struct nebula_pool *p;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		nebula_init_override(settings[i]);
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			p = nebula_pool_create("init", .block_size = 120, .blocks = BLOCKS,
					       .flags = flags[j],
					       .cache_depth = flags[j] & NEBULA_STRICT ? 0 : 8);
			pool_rounds(test, p, settings[i]);
		}
	}
}

static void construct(void *block, void *data)
{
	memset(block, 0xa5, 120);
}

/* What a constructor made, or a reader under RCU may still look at, stays. */
static void init_keeps_what_is_made(struct kunit *test)
{
	void *blocks[BLOCKS];
	struct nebula_pool *p;
	unsigned int round;

	nebula_init_override(ALLOC | FREE);
	p = nebula_pool_create("init", .block_size = 120, .blocks = BLOCKS, .ctor = construct,
			       .cache_depth = NEBULA_POOL_NO_CACHE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	for (round = 0; round < ROUNDS; round++) {
		pool_round(test, p, blocks, 0xa5);
		free_round(p, blocks, round);
	}
	nebula_pool_destroy(p);
	p = nebula_pool_create("init", .block_size = 120, .blocks = BLOCKS,
			       .cache_depth = NEBULA_POOL_NO_CACHE,
			       .flags = NEBULA_TYPESAFE_BY_RCU | NEBULA_STRICT);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, BLOCKS, blocks));
	for (round = 0; round < BLOCKS; round++)
		memset(blocks[round], 0xa5, 120);
	free_round(p, blocks, 1);
	for (round = 0; round < ROUNDS; round++) {
		pool_round(test, p, blocks, 0xa5);
		free_round(p, blocks, 1);
	}
	nebula_pool_destroy(p);
}

/* Without the switches nothing is different; with those of this boot what the kernel says. */
static void init_follows_the_kernel(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("init", .block_size = 64, .blocks = 8);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	KUNIT_EXPECT_EQ(test, p->common.flags, 0U);
	nebula_pool_destroy(p);
	nebula_init_override(0);
	p = nebula_pool_create("init", .block_size = 64, .blocks = 8);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	KUNIT_EXPECT_EQ(test, !!(p->common.flags & NEBULA_ZERO), want_init_on_alloc(0));
	KUNIT_EXPECT_EQ(test, !!(p->common.flags & NEBULA_INIT_ON_FREE), want_init_on_free());
	nebula_pool_destroy(p);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(init_of_bumps),
	KUNIT_CASE(init_of_grown_bumps),
	KUNIT_CASE(init_leaves_bumps_inline),
	KUNIT_CASE(init_of_stacks),
	KUNIT_CASE(init_of_scratch),
	KUNIT_CASE(init_of_pools),
	KUNIT_CASE(init_keeps_what_is_made),
	KUNIT_CASE(init_follows_the_kernel),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_init",
	.init = init_begin,
	.exit = init_end,
	.test_cases = cases,
};

kunit_test_suite(suite);
