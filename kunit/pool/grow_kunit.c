// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool, growth: blocks are added while others are in use, given back when none of theirs is, and a
 * pool that may grows by itself ahead of need. What fails changes nothing.
 */
#include <linux/irqflags.h>
#include <linux/slab.h>
#include "../../module/core/inject.h"
#include "../../module/pool/hooks.h"
#include "../fixture.h"

#define BLOCKS	100
#define LIMIT	(4U * BLOCKS)

static struct nebula_pool *pool_of(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 24, .blocks = BLOCKS,
						   .flags = flags);

	ASSERT_POOL(test, p);
	return p;
}

static u64 regions_of(const struct nebula_pool *p)
{
	struct nebula_stats st;

	nebula_stats_read(p, &st);
	return st.regions;
}

static const u32 kinds[] = {
	0, NEBULA_STRICT, NEBULA_ZERO, NEBULA_FIFO, NEBULA_DEBUG_FLAGS,
};

/*
 *	|100|30|1|200|
 *
 * All that was there stays where it is and keeps its content.
 */
static void expect_grows(struct kunit *test, u32 flags)
{
	static const unsigned int steps[] = { 30, 1, 200 };
	struct nebula_pool *p = pool_of(test, flags);
	struct held *h = held_create(test, p, BLOCKS + 231);
	unsigned int i, capacity = BLOCKS;

	KUNIT_ASSERT_EQ(test, held_take(h, BLOCKS), (unsigned int)BLOCKS);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, steps[i], GFP_KERNEL), 0);
		capacity += steps[i];
		KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), capacity);
		KUNIT_EXPECT_EQ(test, nebula_pool_available(p), steps[i]);
		KUNIT_EXPECT_EQ(test, regions_of(p), i + 2ULL);
		KUNIT_ASSERT_EQ(test, held_take(h, steps[i]), steps[i]);
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), capacity);
		held_verify(test, h);
	}
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
	held_give(h, UINT_MAX);
	expect_whole(test, p, capacity);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&p->common), NEBULA_OK);
	nebula_pool_destroy(p);
}

static void grow_adds_blocks(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_grows(test, kinds[i]);
}

/* A strict pool has N + n blocks then, and not one more. */
static void grow_strict_stays_exact(struct kunit *test)
{
	static const unsigned int steps[] = { 1, 2, 63, 64, 65, 1000 };
	struct nebula_pool *p = pool_of(test, NEBULA_STRICT);
	struct held *h = held_create(test, p, 2000);
	unsigned int i, capacity = BLOCKS;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, steps[i], GFP_KERNEL), 0);
		capacity += steps[i];
		held_take(h, 2000);
		KUNIT_EXPECT_EQ(test, h->count, capacity);
		EXPECT_ERROR(test, p, NEBULA_E_POOL_EXHAUSTED);
		held_verify(test, h);
		held_give(h, capacity / 2);
	}
	KUNIT_EXPECT_EQ(test, fixture_failed(p), (u64)ARRAY_SIZE(steps));
	held_give(h, UINT_MAX);
	nebula_pool_destroy(p);
}

/* Every wrong free is told apart in what was added, too. */
static void grow_frees_are_checked(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, NEBULA_STRICT), *q = pool_of(test, 0);
	struct held *h = held_create(test, p, BLOCKS + 10);
	void *added;

	held_take(h, BLOCKS);
	KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, 10, GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, held_take(h, 10), 10U);
	added = h->blocks[BLOCKS];
	KUNIT_EXPECT_TRUE(test, nebula_pool_owns(p, added));
	KUNIT_EXPECT_FALSE(test, nebula_pool_owns(q, added));
	nebula_pool_free(p, added + 1);
	EXPECT_ERROR(test, p, NEBULA_E_MISALIGNED_POINTER);
	nebula_pool_free(q, added);
	EXPECT_ERROR(test, q, NEBULA_E_FOREIGN_POINTER);
	held_verify(test, h);
	held_give(h, BLOCKS + 10);
	nebula_pool_free(p, added);
	EXPECT_ERROR(test, p, NEBULA_E_DOUBLE_FREE);
	nebula_pool_free_bulk(p, 1, &added);
	nebula_pool_free_rcu(p, added);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_DOUBLE_FREE), 3ULL);
	expect_whole(test, p, BLOCKS + 10);
	nebula_pool_destroy(q);
	nebula_pool_destroy(p);
}

/* What was added comes back by whatever way, from whatever CPU. */
static void expect_added_come_back(struct kunit *test, u32 flags)
{
	const int here = fixture_cpu(), there = fixture_other_cpu(test);
	struct nebula_pool *p = pool_of(test, flags);
	struct held *h = held_create(test, p, BLOCKS + 300);
	unsigned int round;

	KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, 300, GFP_KERNEL), 0);
	for (round = 0; round < 3; round++) {
		KUNIT_ASSERT_EQ(test, held_take_on(here, h, BLOCKS + 300), BLOCKS + 300U);
		held_verify(test, h);
		held_give_on(there, h, 200);
		h->count -= 100;
		nebula_pool_free_bulk(p, 100, &h->blocks[h->count]);
		while (h->count > 50)
			nebula_pool_free_rcu(p, h->blocks[--h->count]);
		nebula_pool_rcu_flush(p);
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 50U);
		KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, 350, &h->blocks[50]));
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), BLOCKS + 300U);
		nebula_pool_free_bulk(p, 350, &h->blocks[50]);
		held_give_on(here, h, 50);
	}
	expect_whole(test, p, BLOCKS + 300);
	nebula_pool_destroy(p);
}

static void grow_added_blocks_come_back(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_added_come_back(test, kinds[i]);
}

/*
 *	|100|30|1|200|
 *
 * Only what has no live block goes; all else keeps its place and content.
 */
static void expect_shrinks(struct kunit *test, u32 flags)
{
	static const unsigned int steps[] = { 30, 1, 200 };
	/* Without slack, so that it is known what lies where. */
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 24, .blocks = BLOCKS,
						   .flags = flags,
						   .cache_depth = NEBULA_POOL_NO_CACHE);
	struct held *h = held_create(test, p, BLOCKS + 231);
	void *gone;
	int i;

	ASSERT_POOL(test, p);
	KUNIT_EXPECT_EQ(test, nebula_pool_shrink(p), 0U);
	KUNIT_ASSERT_EQ(test, held_take(h, BLOCKS), (unsigned int)BLOCKS);
	for (i = 0; i < (int)ARRAY_SIZE(steps); i++) {
		KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, steps[i], GFP_KERNEL), 0);
		KUNIT_ASSERT_EQ(test, held_take(h, steps[i]), steps[i]);
	}
	KUNIT_EXPECT_EQ(test, nebula_pool_shrink(p), 0U);
	for (i = ARRAY_SIZE(steps) - 1; i >= 0; i--) {
		held_give(h, steps[i] - 1);
		KUNIT_EXPECT_EQ(test, nebula_pool_shrink(p), 0U);
		held_give(h, 1);
		gone = h->blocks[h->count];
		KUNIT_EXPECT_EQ(test, nebula_pool_shrink(p), steps[i]);
		KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), h->count);
		KUNIT_EXPECT_EQ(test, nebula_pool_available(p), 0U);
		KUNIT_EXPECT_EQ(test, regions_of(p), i + 1ULL);
		KUNIT_EXPECT_EQ(test, fixture_regions(test), i + 1LL);
		KUNIT_EXPECT_FALSE(test, nebula_pool_owns(p, gone));
		nebula_pool_free(p, gone);
		EXPECT_ERROR(test, p, NEBULA_E_FOREIGN_POINTER);
	}
	held_verify(test, h);
	held_give(h, UINT_MAX);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void shrink_gives_back_what_is_not_used(struct kunit *test)
{
	expect_shrinks(test, NEBULA_STRICT);
	expect_shrinks(test, NEBULA_STRICT | NEBULA_ZERO);
	expect_shrinks(test, NEBULA_FIFO);
	expect_shrinks(test, NEBULA_DEBUG_FLAGS);
}

/* Blocks that lie in caches, wherever, are not used. */
static void expect_shrinks_idle(struct kunit *test, u32 flags)
{
	const int here = fixture_cpu(), there = fixture_other_cpu(test);
	struct nebula_pool *p = pool_of(test, flags);
	struct held *h = held_create(test, p, BLOCKS + 731);
	struct nebula_stats before, after;

	KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, 31, GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, 700, GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, held_take_on(here, h, BLOCKS + 731), BLOCKS + 731U);
	held_give_on(there, h, BLOCKS + 600);
	held_give_on(here, h, UINT_MAX);
	nebula_stats_read(p, &before);
	KUNIT_EXPECT_EQ(test, nebula_pool_shrink(p), 731U);
	nebula_stats_read(p, &after);
	KUNIT_EXPECT_EQ(test, after.allocs, before.allocs);
	KUNIT_EXPECT_EQ(test, after.frees, before.frees);
	KUNIT_EXPECT_EQ(test, after.live, 0ULL);
	KUNIT_EXPECT_EQ(test, after.peak, before.peak);
	KUNIT_EXPECT_EQ(test, after.grows, 2ULL);
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 1LL);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void shrink_finds_what_is_cached(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_shrinks_idle(test, kinds[i]);
}

/* A block that waits for its grace period keeps its region until that is over. */
static void shrink_waits_for_readers(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, NEBULA_STRICT);
	struct held *h = held_create(test, p, BLOCKS + 30);
	unsigned int shrunk;

	held_take(h, BLOCKS);
	KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, 30, GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, held_take(h, 30), 30U);
	while (h->count > BLOCKS)
		nebula_pool_free_rcu(p, h->blocks[--h->count]);
	/* Which of the two is over first does not matter. */
	shrunk = nebula_pool_shrink(p);
	nebula_pool_rcu_flush(p);
	shrunk += nebula_pool_shrink(p);
	KUNIT_EXPECT_EQ(test, shrunk, 30U);
	held_verify(test, h);
	held_give(h, UINT_MAX);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void grow_again_and_again(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 0);
	struct held *h = held_create(test, p, 2 * BLOCKS);
	unsigned int round;

	held_take(h, BLOCKS / 2);
	for (round = 0; round < 6; round++) {
		KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, BLOCKS, GFP_KERNEL), 0);
		KUNIT_ASSERT_EQ(test, held_take(h, UINT_MAX), 2U * BLOCKS - BLOCKS / 2);
		held_verify(test, h);
		held_give(h, UINT_MAX);
		KUNIT_ASSERT_EQ(test, nebula_pool_shrink(p), (unsigned int)BLOCKS);
		KUNIT_ASSERT_EQ(test, held_take(h, BLOCKS / 2), BLOCKS / 2U);
	}
	held_give(h, UINT_MAX);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static unsigned int constructed;

static void construct(void *block, void *data)
{
	constructed++;
	*(void **)block = block;
}

static void grow_constructs_what_it_adds(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 24, .blocks = BLOCKS,
						   .cache_depth = NEBULA_POOL_NO_CACHE,
						   .flags = NEBULA_STRICT, .ctor = construct);
	unsigned int i;
	void **obj;

	ASSERT_POOL(test, p);
	constructed = 0;
	KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, 30, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, constructed, 30U);
	for (i = 0; i < BLOCKS + 30; i++) {
		obj = nebula_pool_alloc(p);
		KUNIT_ASSERT_NOT_NULL(test, obj);
		KUNIT_ASSERT_PTR_EQ(test, *obj, (void *)obj);
	}
	nebula_pool_destroy(p);
}

/**
 * struct bad_growth - what nebula_pool_grow() has to refuse
 * @blocks: to be added.
 * @err: errno returned.
 * @code: code of the record.
 */
struct bad_growth {
	unsigned int blocks;
	int err;
	enum nebula_errc code;
};

static void expect_growth_refused(struct kunit *test, struct nebula_pool *p,
				  const struct bad_growth *bad, unsigned int n)
{
	const unsigned int capacity = nebula_pool_capacity(p);
	unsigned int i;

	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, bad[i].blocks, GFP_KERNEL), bad[i].err);
		EXPECT_ERROR(test, p, bad[i].code);
		KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), capacity);
	}
	KUNIT_EXPECT_EQ(test, fixture_failed(p), (u64)n);
	expect_whole(test, p, capacity);
}

static u8 lent[SZ_16K] __aligned(64);

static void grow_refusals(struct kunit *test)
{
	static const struct bad_growth bad[] = {
		{ 0, -EINVAL, NEBULA_E_INVALID_LAYOUT },
		{ NEBULA_POOL_BLOCKS_MAX, -EOVERFLOW, NEBULA_E_SIZE_OVERFLOW },
		{ NEBULA_POOL_BLOCKS_MAX - BLOCKS + 1, -EOVERFLOW, NEBULA_E_SIZE_OVERFLOW },
		{ UINT_MAX, -EOVERFLOW, NEBULA_E_SIZE_OVERFLOW },
		{ NEBULA_POOL_BLOCKS_MAX - BLOCKS, -ENOMEM, NEBULA_E_BACKING_FAILED },
	};
	static const struct bad_growth limited[] = {
		{ 51, -E2BIG, NEBULA_E_EXCEEDS_MAX },
		{ 0, -EINVAL, NEBULA_E_INVALID_LAYOUT },
		{ UINT_MAX, -EOVERFLOW, NEBULA_E_SIZE_OVERFLOW },
	};
	static const struct bad_growth on_buffer[] = {
		{ 1, -EBUSY, NEBULA_E_INVALID_STATE },
	};
	struct nebula_pool *p = pool_of(test, 0), *b, *l;

	expect_growth_refused(test, p, bad, ARRAY_SIZE(bad));
	nebula_pool_destroy(p);

	l = nebula_pool_create("test", .block_size = 24, .blocks = BLOCKS, .flags = NEBULA_GROW,
			       .max_blocks = BLOCKS + 50);
	ASSERT_POOL(test, l);
	expect_growth_refused(test, l, limited, ARRAY_SIZE(limited));
	nebula_pool_destroy(l);

	b = nebula_pool_create("test", .block_size = 24, .blocks = BLOCKS, .buffer = lent,
			       .buffer_size = sizeof(lent));
	ASSERT_POOL(test, b);
	expect_growth_refused(test, b, on_buffer, ARRAY_SIZE(on_buffer));
	KUNIT_EXPECT_EQ(test, nebula_pool_shrink(b), 0U);
	nebula_pool_destroy(b);
}

static void grow_in_atomic_context(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 0);
	unsigned int shrunk;
	unsigned long flags;
	int ret;

	KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, 30, GFP_KERNEL), 0);
	local_irq_save(flags);
	ret = nebula_pool_grow(p, 10, GFP_ATOMIC);
	shrunk = nebula_pool_shrink(p);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, ret, -EPERM);
	KUNIT_EXPECT_EQ(test, shrunk, 0U);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_WRONG_CONTEXT), 2ULL);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), BLOCKS + 30U);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 10, GFP_NOWAIT), 0);
	expect_whole(test, p, BLOCKS + 40);
	nebula_pool_destroy(p);
}

/* Fails step after step until none is left to fail; nothing has changed each time. */
static void expect_growth_unwound(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = pool_of(test, flags);
	struct held *h = held_create(test, p, BLOCKS);
	const s64 bytes = fixture_region_bytes(test);
	unsigned int step = 0, seen;
	int ret;

	held_take(h, BLOCKS);
	do {
		nebula_fault_arm(++step, 1);
		ret = nebula_pool_grow(p, 50, GFP_KERNEL);
		seen = nebula_fault_disarm();
		if (ret) {
			KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
			EXPECT_ERROR(test, p, NEBULA_E_BACKING_FAILED);
		} else {
			KUNIT_EXPECT_EQ(test, nebula_pool_shrink(p), 50U);
		}
		KUNIT_ASSERT_EQ(test, nebula_pool_capacity(p), (unsigned int)BLOCKS);
		KUNIT_ASSERT_EQ(test, fixture_regions(test), 1LL);
		KUNIT_ASSERT_EQ(test, fixture_region_bytes(test), bytes);
		held_verify(test, h);
	} while (seen >= step);
	KUNIT_EXPECT_GE(test, step, 3U);
	held_give(h, BLOCKS);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void grow_fails_at_each_step(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_growth_unwound(test, kinds[i]);
}

/* Never in place, as that takes pages. */
static struct nebula_pool *growing_pool(struct kunit *test, unsigned int depth, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 24, .blocks = BLOCKS,
						   .max_blocks = LIMIT, .cache_depth = depth,
						   .backing = NEBULA_VMALLOC,
						   .flags = flags | NEBULA_GROW);

	ASSERT_POOL(test, p);
	return p;
}

/* Each turn takes less than is held ready, then lets the worker run: no request is ever refused. */
static void expect_grows_ahead(struct kunit *test, unsigned int depth, u32 flags)
{
	struct nebula_pool *p = growing_pool(test, depth, flags);
	struct held *h = held_create(test, p, LIMIT);
	unsigned int n;

	while (h->count < LIMIT) {
		n = nebula_pool_capacity(p) / 5;
		KUNIT_ASSERT_EQ_MSG(test, held_take(h, n), n, "%u blocks, depth %u, flags %x",
				    h->count, depth, flags);
		nebula_pool_growth_flush(p);
	}
	KUNIT_EXPECT_EQ(test, fixture_last_code(&p->common), NEBULA_OK);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), LIMIT);
	held_verify(test, h);
	held_give(h, UINT_MAX);
	KUNIT_EXPECT_EQ(test, nebula_pool_shrink(p), LIMIT - BLOCKS);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void growth_comes_ahead_of_need(struct kunit *test)
{
	expect_grows_ahead(test, 0, 0);
	expect_grows_ahead(test, NEBULA_POOL_NO_CACHE, 0);
	expect_grows_ahead(test, 0, NEBULA_ZERO);
	expect_grows_ahead(test, 0, NEBULA_STRICT);
	expect_grows_ahead(test, 0, NEBULA_DEBUG_FLAGS);
}

/* At the limit it ends, as any pool does. */
static void growth_ends_at_the_limit(struct kunit *test)
{
	struct nebula_pool *p = growing_pool(test, 0, NEBULA_STRICT);
	struct held *h = held_create(test, p, LIMIT + 1);
	struct nebula_stats st;
	unsigned int turn;

	for (turn = 0; turn < 8; turn++) {
		held_take(h, UINT_MAX);
		nebula_pool_growth_flush(p);
	}
	KUNIT_EXPECT_EQ(test, h->count, LIMIT);
	EXPECT_ERROR(test, p, NEBULA_E_POOL_EXHAUSTED);
	nebula_stats_read(p, &st);
	KUNIT_EXPECT_EQ(test, st.capacity, 24ULL * LIMIT);
	KUNIT_EXPECT_EQ(test, st.max_capacity, st.capacity);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 1, GFP_KERNEL), -E2BIG);
	held_verify(test, h);
	held_give(h, UINT_MAX);
	nebula_pool_destroy(p);
}

/* In atomic context the worker cannot get in between; the record says that growth is on its way. */
static void growth_is_outrun(struct kunit *test)
{
	struct nebula_pool *p = growing_pool(test, 0, 0);
	struct held *h = held_create(test, p, LIMIT);
	struct nebula_error err;
	unsigned long flags;
	void *obj;

	local_irq_save(flags);
	held_take(h, UINT_MAX);
	local_irq_restore(flags);
	KUNIT_ASSERT_LT(test, h->count, LIMIT);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_POOL_EXHAUSTED);
	KUNIT_EXPECT_TRUE(test, err.growth_pending);
	KUNIT_EXPECT_EQ(test, err.detail, NEBULA_D_OUTRUN);
	/* A caller that can wait gets one without any block being freed. */
	obj = nebula_pool_alloc_wait(p, 60 * HZ);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
	nebula_pool_free(p, obj);
	held_verify(test, h);
	held_give(h, UINT_MAX);
	nebula_pool_destroy(p);
}

static void growth_fails(struct kunit *test)
{
	struct nebula_pool *p = growing_pool(test, 0, NEBULA_STRICT);
	struct held *h = held_create(test, p, LIMIT);
	unsigned long flags;

	nebula_fault_arm(1, 100);
	held_take(h, UINT_MAX);
	nebula_pool_growth_flush(p);
	nebula_fault_disarm();
	KUNIT_EXPECT_EQ(test, h->count, (unsigned int)BLOCKS);
	KUNIT_EXPECT_GE(test, fixture_failures(p, NEBULA_E_BACKING_FAILED), 1ULL);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), (unsigned int)BLOCKS);
	/* The next refusal kicks it again. */
	local_irq_save(flags);
	KUNIT_EXPECT_EQ(test, held_take(h, 1), 0U);
	local_irq_restore(flags);
	nebula_pool_growth_flush(p);
	KUNIT_EXPECT_EQ(test, held_take(h, 1), 1U);
	held_verify(test, h);
	held_give(h, UINT_MAX);
	nebula_pool_destroy(p);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(grow_adds_blocks),
	KUNIT_CASE(grow_strict_stays_exact),
	KUNIT_CASE(grow_frees_are_checked),
	KUNIT_CASE(grow_added_blocks_come_back),
	KUNIT_CASE(shrink_gives_back_what_is_not_used),
	KUNIT_CASE(shrink_finds_what_is_cached),
	KUNIT_CASE(shrink_waits_for_readers),
	KUNIT_CASE(grow_again_and_again),
	KUNIT_CASE(grow_constructs_what_it_adds),
	KUNIT_CASE(grow_refusals),
	KUNIT_CASE(grow_in_atomic_context),
	KUNIT_CASE(grow_fails_at_each_step),
	KUNIT_CASE(growth_comes_ahead_of_need),
	KUNIT_CASE(growth_ends_at_the_limit),
	KUNIT_CASE(growth_is_outrun),
	KUNIT_CASE(growth_fails),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_grow",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
