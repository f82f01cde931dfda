// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: every block is served, once at a time, whole, aligned and inside; counts and statistics;
 * the arithmetic that tells blocks from other addresses; constructors, interrupts, mempools.
 */
#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/mempool.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../../module/compat.h"
#include "../../module/pool/hooks.h"
#include "../fixture.h"

/* Blocks of a pool that may be had beyond those asked for: a quarter, of a strict one none. */
static unsigned int slack_of(struct kunit *test, const struct nebula_pool *p, unsigned int n)
{
	KUNIT_EXPECT_LE(test, p->blocks - n, n / 4);
	return held_most(p) - n;
}

static struct nebula_pool *pool_of(struct kunit *test, size_t size, unsigned int n, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = size, .blocks = n,
						   .flags = flags);

	ASSERT_POOL(test, p);
	return p;
}

static bool all_inside(const struct held *h, size_t align)
{
	const struct nebula_pool *p = h->pool;
	unsigned long offset;
	unsigned int i;

	for (i = 0; i < h->count; i++) {
		offset = (unsigned long)h->blocks[i] - p->base;
		if (!IS_ALIGNED((unsigned long)h->blocks[i], align) ||
		    offset + p->block_size > p->blocks * p->stride ||
		    !nebula_pool_owns(p, h->blocks[i]))
			return false;
	}
	return true;
}

/*
 *	 -2 strides   0   1   2 .. n - 1   n   +2 strides
 *	 |............#...#...#....#.......|...........|
 *
 * Of all offsets, those marked have their number as index, and all others have none.
 */
static bool index_is_exact(unsigned long stride, unsigned long n, unsigned long inverse, u8 rotate)
{
	const long end = n * stride;
	unsigned long index;
	long offset;

	for (offset = -2 * (long)stride; offset <= end + 2 * (long)stride; offset++) {
		index = nebula_pool_index_of(offset, inverse, rotate);
		if (offset >= 0 && offset < end && offset % (long)stride == 0) {
			if (index != offset / stride)
				return false;
		} else if (index < n) {
			return false;
		}
	}
	return true;
}

/* All of it, then nothing, then as much as is given back. */
static void expect_serves(struct kunit *test, struct nebula_pool *p, unsigned int n, size_t align)
{
	const unsigned int slack = slack_of(test, p, n);
	struct held *h = held_create(test, p, n + slack + 1);

	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), n);
	KUNIT_EXPECT_EQ(test, nebula_pool_available(p), n);
	KUNIT_ASSERT_EQ(test, held_take(h, n), n);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), n);
	KUNIT_EXPECT_EQ(test, nebula_pool_available(p), 0U);
	KUNIT_EXPECT_LE(test, held_take(h, slack + 1), slack);
	EXPECT_ERROR(test, p, NEBULA_E_POOL_EXHAUSTED);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), h->count);
	KUNIT_EXPECT_TRUE(test, all_inside(h, align));
	held_verify(test, h);
	if (p->blocks * p->stride <= SZ_256K)
		KUNIT_EXPECT_TRUE(test, index_is_exact(p->stride, p->blocks, p->inverse,
						       p->rotate));

	held_give(h, h->count - n + 1);
	KUNIT_EXPECT_EQ(test, nebula_pool_available(p), 1U);
	KUNIT_EXPECT_EQ(test, held_take(h, 1), 1U);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 1ULL);
	held_give(h, UINT_MAX);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	KUNIT_EXPECT_EQ(test, nebula_pool_available(p), n);
}

static const size_t sizes[] = { 1, 2, 3, 7, 8, 12, 48, 64, 100, 256, 1000, 4096, 5000 };
static const size_t aligns[] = { 1, 2, 8, 64, PAGE_SIZE };

/* Of each size one; alignments and counts take turns, from @first on. */
static void expect_serves_table(struct kunit *test, u32 flags, unsigned int first)
{
	static const unsigned int counts[] = { 1, 64, 1000, 2, 65, 63 };
	struct nebula_pool *p;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		const size_t align = aligns[(first + i) % ARRAY_SIZE(aligns)];
		const unsigned int n = counts[(first + i) % ARRAY_SIZE(counts)];

		p = nebula_pool_create("test", .block_size = sizes[i], .blocks = n,
				       .align = align, .flags = flags);
		ASSERT_POOL(test, p);
		expect_serves(test, p, n, align);
		KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
		nebula_pool_destroy(p);
	}
}

static void pool_strict_serves_exactly_its_blocks(struct kunit *test)
{
	expect_serves_table(test, NEBULA_STRICT, 0);
}

static void pool_serves_all_its_blocks(struct kunit *test)
{
	expect_serves_table(test, 0, 2);
}

static void pool_serves_many_blocks(struct kunit *test)
{
	static const size_t small[] = { 1, 8, 12 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(small); i++) {
		struct nebula_pool *strict = pool_of(test, small[i], 70000, NEBULA_STRICT);
		struct nebula_pool *cached = pool_of(test, small[i], 70000, 0);

		expect_serves(test, strict, 70000, 1);
		expect_serves(test, cached, 70000, 1);
		nebula_pool_destroy(cached);
		nebula_pool_destroy(strict);
	}
}

/* Without .align: the largest power of two that divides the size, up to 8. */
static void pool_aligns_by_size(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct nebula_pool *p = pool_of(test, sizes[i], 9, NEBULA_STRICT);

		expect_serves(test, p, 9, min(BIT(__ffs(sizes[i])), 8UL));
		KUNIT_EXPECT_EQ(test, p->stride, sizes[i]);
		nebula_pool_destroy(p);
	}
}

struct three_bytes {
	u8 bytes[3];
};

struct cache_line {
	u64 word;
} __aligned(64);

static void pool_of_a_type(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create_for("three", struct three_bytes, 100);
	struct nebula_pool *q = nebula_pool_create_for("line", struct cache_line, 100,
						       .flags = NEBULA_STRICT);
	struct nebula_pool *r = nebula_pool_create_for("word", u64, 100, .cache_depth = 4);

	ASSERT_POOL(test, p);
	ASSERT_POOL(test, q);
	ASSERT_POOL(test, r);
	KUNIT_EXPECT_EQ(test, p->block_size, sizeof(struct three_bytes));
	KUNIT_EXPECT_EQ(test, q->block_size, sizeof(struct cache_line));
	expect_serves(test, p, 100, 1);
	expect_serves(test, q, 100, 64);
	expect_serves(test, r, 100, 8);
	nebula_pool_destroy(r);
	nebula_pool_destroy(q);
	nebula_pool_destroy(p);
}

/* Modulo 2^BITS_PER_LONG, found bit by bit. */
static unsigned long inverse_of(unsigned long odd)
{
	unsigned long inverse = 1;
	unsigned int bit;

	for (bit = 1; bit < BITS_PER_LONG; bit++)
		if (odd * inverse & BIT(bit))
			inverse += BIT(bit);
	return inverse;
}

static void pool_tells_blocks_from_other_addresses(struct kunit *test)
{
	static const unsigned long wide[] = { 1000, 4096, 5000, 8192, 12288, 65537 };
	unsigned long stride;
	unsigned int i;

	for (stride = 1; stride <= 520; stride++) {
		const unsigned int rotate = __ffs(stride);
		const unsigned long inverse = inverse_of(stride >> rotate);

		KUNIT_ASSERT_EQ(test, (stride >> rotate) * inverse, 1UL);
		KUNIT_EXPECT_TRUE(test, index_is_exact(stride, 1, inverse, rotate));
		KUNIT_EXPECT_TRUE(test, index_is_exact(stride, 13, inverse, rotate));
	}
	for (i = 0; i < ARRAY_SIZE(wide); i++)
		KUNIT_EXPECT_TRUE(test, index_is_exact(wide[i], 5,
						       inverse_of(wide[i] >> __ffs(wide[i])),
						       __ffs(wide[i])));
}

/* Offsets anywhere, in the largest of pools. */
static void pool_arithmetic_of_the_largest(struct kunit *test)
{
	static const unsigned long strides[] = { 1, 3, 8, 48, 100, 4096, 5000 };
	const unsigned long n = NEBULA_POOL_BLOCKS_MAX;
	unsigned int i, turn;

	for (i = 0; i < ARRAY_SIZE(strides); i++) {
		const unsigned long stride = strides[i], rotate = __ffs(stride);
		const unsigned long inverse = inverse_of(stride >> rotate);

		for (turn = 0; turn < 20000; turn++) {
			const u64 random = (u64)fixture_random(test, U32_MAX) << 32 |
					   fixture_random(test, U32_MAX);
			const unsigned long offset = turn % 2 ? random : random % (2 * n * stride);
			const bool block = offset / stride < n && offset % stride == 0;
			const unsigned long block_at = random % n * stride;

			KUNIT_ASSERT_EQ(test, nebula_pool_index_of(offset, inverse, rotate) < n,
					block);
			KUNIT_ASSERT_EQ(test, nebula_pool_index_of(block_at, inverse, rotate),
					random % n);
		}
	}
}

static bool is_zero(const struct nebula_pool *p, void *obj)
{
	return obj && !memchr_inv(obj, 0, p->block_size);
}

/* What comes out dirty goes in dirty, whichever way it comes. */
static void dirty_all(struct held *h)
{
	unsigned int i;

	for (i = 0; i < h->count; i++)
		memset(h->blocks[i], 0xa5, h->pool->block_size);
	held_give(h, UINT_MAX);
}

static void pool_zeroes_where_asked(struct kunit *test)
{
	struct nebula_pool *zero = pool_of(test, 100, 40, NEBULA_ZERO);
	struct nebula_pool *plain = pool_of(test, 100, 40, 0);
	struct held *h = held_create(test, zero, 40), *g = held_create(test, plain, 40);
	unsigned int turn;

	for (turn = 0; turn < 3; turn++) {
		while (h->count < 20) {
			h->blocks[h->count] = nebula_pool_alloc(zero);
			KUNIT_ASSERT_TRUE(test, is_zero(zero, h->blocks[h->count++]));
			g->blocks[g->count] = nebula_pool_zalloc(plain);
			KUNIT_ASSERT_TRUE(test, is_zero(plain, g->blocks[g->count++]));
		}
		KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(zero, 20, &h->blocks[20]));
		while (h->count < 40)
			KUNIT_ASSERT_TRUE(test, is_zero(zero, h->blocks[h->count++]));
		dirty_all(h);
		dirty_all(g);
	}
	nebula_pool_destroy(plain);
	nebula_pool_destroy(zero);
}

/* Constructor calls, and what one leaves in a block. */
static unsigned int constructed;

#define CONSTRUCTED	0xc0de

struct built {
	void *self;
	unsigned int magic;
	unsigned int users;
};

static void construct(void *block, void *data)
{
	struct built *b = block;

	constructed++;
	*b = (struct built){ .self = b, .magic = CONSTRUCTED };
}

/* Takes all, finds each as constructed and used so often before, gives all back. */
static void expect_constructed(struct kunit *test, struct held *h, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct built *b = nebula_pool_alloc(h->pool);

		KUNIT_ASSERT_NOT_NULL(test, b);
		KUNIT_ASSERT_PTR_EQ(test, b->self, (void *)b);
		KUNIT_ASSERT_EQ(test, b->magic, (unsigned int)CONSTRUCTED);
		b->users++;
		h->blocks[h->count++] = b;
	}
	held_give(h, n);
}

static void expect_constructs_once(struct kunit *test, u32 flags, enum nebula_preset preset)
{
	/* Without magazines a strict pool maps no more than it promises. */
	const unsigned int depth = flags & NEBULA_STRICT ? NEBULA_POOL_NO_CACHE : 0;
	struct nebula_pool *p;
	unsigned int i, after;
	struct held *h;

	constructed = 0;
	p = nebula_pool_create_for("built", struct built, 100, .ctor = construct, .flags = flags,
				   .preset = preset, .cache_depth = depth);
	h = held_create(test, p, 100);
	after = constructed;
	KUNIT_EXPECT_EQ(test, after, (unsigned int)p->blocks);
	for (i = 0; i < 4; i++)
		expect_constructed(test, h, 100);
	KUNIT_EXPECT_EQ(test, constructed, after);
	if (flags & NEBULA_STRICT) {
		/* The same hundred, each time. */
		for (i = 0; i < 100; i++) {
			struct built *b = nebula_pool_alloc(p);

			KUNIT_ASSERT_NOT_NULL(test, b);
			KUNIT_EXPECT_EQ(test, b->users, 4U);
			h->blocks[h->count++] = b;
		}
		held_give(h, 100);
	}
	KUNIT_EXPECT_EQ(test, fixture_last_code(&p->common), NEBULA_OK);
	nebula_pool_destroy(p);
	KUNIT_EXPECT_EQ(test, constructed, after);
}

static void pool_constructs_each_block_once(struct kunit *test)
{
	expect_constructs_once(test, 0, NEBULA_PRODUCTION);
	expect_constructs_once(test, NEBULA_STRICT, NEBULA_PRODUCTION);
	expect_constructs_once(test, NEBULA_STRICT, NEBULA_DEVELOPMENT);
}

/* The statistics of a pool of which @h are all live blocks, after @allocs allocations. */
static void expect_counted(struct kunit *test, const struct held *h, u64 allocs, u64 peak)
{
	const u64 size = h->pool->block_size, n = nebula_pool_capacity(h->pool);
	const u64 slack = held_most(h->pool) - n;
	struct nebula_stats st;

	nebula_stats_read(h->pool, &st);
	KUNIT_ASSERT_EQ(test, st.allocs, allocs);
	KUNIT_ASSERT_EQ(test, st.frees, allocs - h->count);
	KUNIT_ASSERT_EQ(test, st.live, (u64)h->count);
	KUNIT_ASSERT_EQ(test, st.bytes_in, st.allocs * size);
	KUNIT_ASSERT_EQ(test, st.bytes_out, st.frees * size);
	KUNIT_ASSERT_EQ(test, st.used, st.live * size);
	KUNIT_ASSERT_EQ(test, st.used + st.available, st.capacity);
	KUNIT_ASSERT_EQ(test, st.capacity, n * size);
	KUNIT_ASSERT_EQ(test, st.max_capacity, st.capacity);
	KUNIT_ASSERT_GE(test, st.peak, st.used);
	KUNIT_ASSERT_LE(test, st.peak, (peak + slack) * size);
	KUNIT_ASSERT_GE(test, st.peak + slack * size, peak * size);
	KUNIT_ASSERT_EQ(test, st.regions, 1ULL);
	KUNIT_ASSERT_EQ(test, st.grows, 0ULL);
	KUNIT_ASSERT_EQ(test, st.failed, 0ULL);
}

static void expect_counts(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = pool_of(test, 48, 200, flags);
	struct held *h = held_create(test, p, 200);
	u64 allocs = 0, peak = 0;
	unsigned int turn;

	for (turn = 0; turn < 200; turn++) {
		allocs += held_take(h, fixture_random(test, 60));
		peak = max_t(u64, peak, h->count);
		expect_counted(test, h, allocs, peak);
		held_give(h, fixture_random(test, 60));
		expect_counted(test, h, allocs, peak);
		KUNIT_ASSERT_EQ(test, nebula_pool_used(p), h->count);
		KUNIT_ASSERT_EQ(test, nebula_pool_available(p), 200 - h->count);
	}
	held_verify(test, h);
	held_give(h, UINT_MAX);
	nebula_pool_destroy(p);
}

static void pool_counts(struct kunit *test)
{
	expect_counts(test, NEBULA_STRICT);
	expect_counts(test, 0);
	expect_counts(test, NEBULA_STRICT | NEBULA_POISON);
}

static void pool_counts_what_it_refuses(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 48, 10, NEBULA_STRICT);
	struct held *h = held_create(test, p, 10);
	struct nebula_stats st;

	held_take(h, 10);
	KUNIT_EXPECT_NULL(test, nebula_pool_alloc(p));
	KUNIT_EXPECT_NULL(test, nebula_pool_zalloc(p));
	nebula_pool_free(p, &st);
	nebula_pool_free(p, h->blocks[0] + 1);
	nebula_stats_read(p, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, 10ULL);
	KUNIT_EXPECT_EQ(test, st.frees, 0ULL);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_POOL_EXHAUSTED], 2ULL);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_FOREIGN_POINTER], 1ULL);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_MISALIGNED_POINTER], 1ULL);
	KUNIT_EXPECT_EQ(test, st.failed, 4ULL);
	KUNIT_EXPECT_EQ(test, st.utilisation, 1000U);
	held_give(h, 10);
	nebula_pool_destroy(p);
}

static void pool_record_says_what_happened(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("conn", .block_size = 256, .blocks = 10,
						   .align = 64, .flags = NEBULA_STRICT);
	struct held *h = held_create(test, p, 10);
	struct nebula_error err;

	KUNIT_EXPECT_FALSE(test, nebula_last_error(p, &err));
	KUNIT_ASSERT_EQ(test, held_take(h, 10), 10U);
	KUNIT_EXPECT_NULL(test, nebula_pool_alloc(p));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_POOL_EXHAUSTED);
	KUNIT_EXPECT_EQ(test, err.kind, NEBULA_KIND_POOL);
	KUNIT_EXPECT_EQ(test, err.context, NEBULA_IN_TASK);
	KUNIT_EXPECT_EQ(test, err.size, (size_t)256);
	KUNIT_EXPECT_EQ(test, err.used, (size_t)2560);
	KUNIT_EXPECT_EQ(test, err.available, (size_t)0);
	KUNIT_EXPECT_EQ(test, err.capacity, (size_t)2560);
	KUNIT_EXPECT_EQ(test, err.peak, (size_t)2560);
	KUNIT_EXPECT_EQ(test, err.utilisation, 1000U);
	KUNIT_EXPECT_STREQ(test, err.name, "conn");
	held_give(h, 10);
	nebula_pool_destroy(p);
}

/**
 * struct visit - an interrupt that uses a pool
 * @timer: brings it about.
 * @held: takes and gives back with this.
 * @taken: how many blocks it got.
 * @hard: it was a hard interrupt.
 * @soft: it was a softirq.
 * @done: it is over.
 */
struct visit {
	struct hrtimer timer;
	struct held *held;
	unsigned int taken;
	bool hard;
	bool soft;
	struct completion done;
};

static enum hrtimer_restart use_pool(struct hrtimer *timer)
{
	struct visit *v = container_of(timer, struct visit, timer);

	v->hard = in_hardirq();
	v->soft = in_serving_softirq();
	held_give(v->held, 20);
	v->taken = held_take(v->held, 40);
	complete(&v->done);
	return HRTIMER_NORESTART;
}

/* Blocks of a task are given back in an interrupt, and what it takes belongs to the task then. */
static void expect_used_in(struct kunit *test, struct nebula_pool *p, enum hrtimer_mode mode)
{
	struct visit *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	struct held *h = held_create(test, p, 100);

	KUNIT_ASSERT_NOT_NULL(test, v);
	v->held = h;
	init_completion(&v->done);
	compat_hrtimer_setup(&v->timer, use_pool, CLOCK_MONOTONIC, mode);
	KUNIT_EXPECT_EQ(test, held_take(h, 50), 50U);
	hrtimer_start(&v->timer, 0, mode);
	wait_for_completion(&v->done);
	hrtimer_cancel(&v->timer);
	KUNIT_EXPECT_EQ(test, v->taken, 40U);
	KUNIT_EXPECT_EQ(test, v->hard, mode == HRTIMER_MODE_REL_HARD);
	KUNIT_EXPECT_EQ(test, v->soft, mode == HRTIMER_MODE_REL_SOFT);
	KUNIT_EXPECT_EQ(test, held_take(h, 30), 30U);
	held_verify(test, h);
	held_give(h, UINT_MAX);
	expect_whole(test, p, 100);
}

static void pool_in_interrupts(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 64, 100, 0);
	struct nebula_pool *strict = pool_of(test, 64, 100, NEBULA_STRICT);
	struct held *h = held_create(test, p, 100);
	unsigned long flags;

	expect_used_in(test, p, HRTIMER_MODE_REL_HARD);
	expect_used_in(test, p, HRTIMER_MODE_REL_SOFT);
	expect_used_in(test, strict, HRTIMER_MODE_REL_HARD);
	expect_used_in(test, strict, HRTIMER_MODE_REL_SOFT);
	local_irq_save(flags);
	held_take(h, 100);
	held_give(h, 50);
	held_take(h, 100);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, h->count, 100U);
	held_verify(test, h);
	held_give(h, UINT_MAX);
	nebula_pool_destroy(strict);
	nebula_pool_destroy(p);
}

static void pool_owns_its_blocks(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 64, 10, 0), *q = pool_of(test, 64, 10, 0);
	void *obj = nebula_pool_alloc(p);

	KUNIT_ASSERT_NOT_NULL(test, obj);
	KUNIT_EXPECT_TRUE(test, nebula_pool_owns(p, obj));
	KUNIT_EXPECT_FALSE(test, nebula_pool_owns(q, obj));
	KUNIT_EXPECT_FALSE(test, nebula_pool_owns(p, NULL));
	KUNIT_EXPECT_FALSE(test, nebula_pool_owns(p, ZERO_SIZE_PTR));
	KUNIT_EXPECT_FALSE(test, nebula_pool_owns(p, &p));
	KUNIT_EXPECT_FALSE(test, nebula_pool_owns(p, (void *)(p->base - 1)));
	KUNIT_EXPECT_FALSE(test, nebula_pool_owns(p, (void *)(p->base + p->blocks * p->stride)));
	nebula_pool_free(p, obj);
	nebula_pool_destroy(q);
	nebula_pool_destroy(p);
}

/**
 * struct tour - a walk over live blocks
 * @held: those that are to be met.
 * @met: how often each was.
 * @strangers: others that were.
 */
struct tour {
	const struct held *held;
	unsigned int met[100];
	unsigned int strangers;
};

static void meet(void *obj, void *data)
{
	struct tour *tour = data;
	unsigned int i;

	for (i = 0; i < tour->held->count; i++) {
		if (tour->held->blocks[i] == obj) {
			tour->met[i]++;
			return;
		}
	}
	tour->strangers++;
}

static void expect_tour(struct kunit *test, const struct held *h)
{
	struct tour *tour = kunit_kzalloc(test, sizeof(*tour), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, tour);
	tour->held = h;
	nebula_pool_for_each_live(h->pool, meet, tour);
	KUNIT_EXPECT_EQ(test, tour->strangers, 0U);
	for (i = 0; i < h->count; i++)
		KUNIT_EXPECT_EQ_MSG(test, tour->met[i], 1U, "block %u of %u", i, h->count);
}

static void pool_meets_each_live_block_once(struct kunit *test)
{
	static const u32 flags[] = { 0, NEBULA_STRICT, NEBULA_DEBUG_FLAGS };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct nebula_pool *p = pool_of(test, 24, 100, flags[i]);
		struct held *h = held_create(test, p, 100);

		expect_tour(test, h);
		KUNIT_EXPECT_EQ(test, held_take(h, 100), 100U);
		expect_tour(test, h);
		held_verify(test, h);
		held_give(h, 63);
		expect_tour(test, h);
		held_take(h, 10);
		expect_tour(test, h);
		held_give(h, UINT_MAX);
		expect_tour(test, h);
		nebula_pool_destroy(p);
	}
}

/* Eight are the mempool's reserve; the rest comes from the pool first. */
static void pool_behind_a_mempool(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 64, 16, NEBULA_STRICT);
	mempool_t *mp = mempool_create(8, nebula_mempool_alloc, nebula_mempool_free, p);
	struct held *h = held_create(test, p, 16);
	void *obj;

	KUNIT_ASSERT_NOT_NULL(test, mp);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 8U);
	while (h->count < 16) {
		obj = mempool_alloc(mp, GFP_NOWAIT);
		KUNIT_ASSERT_NOT_NULL(test, obj);
		fixture_stamp(obj, 64, h->count);
		h->blocks[h->count++] = obj;
	}
	KUNIT_EXPECT_NULL(test, mempool_alloc(mp, GFP_NOWAIT));
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 16U);
	held_verify(test, h);
	while (h->count)
		mempool_free(h->blocks[--h->count], mp);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 8U);
	mempool_destroy(mp);
	expect_whole(test, p, 16);
	nebula_pool_destroy(p);
}

static void pool_destroy_takes_anything_back(struct kunit *test)
{
	nebula_pool_destroy(NULL);
	nebula_pool_destroy(ERR_PTR(-ENOMEM));
	nebula_pool_destroy(pool_of(test, 1, 1, NEBULA_STRICT));
	nebula_pool_destroy(pool_of(test, 64, 1000, 0));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(pool_strict_serves_exactly_its_blocks),
	KUNIT_CASE(pool_serves_all_its_blocks),
	KUNIT_CASE(pool_serves_many_blocks),
	KUNIT_CASE(pool_aligns_by_size),
	KUNIT_CASE(pool_of_a_type),
	KUNIT_CASE(pool_tells_blocks_from_other_addresses),
	KUNIT_CASE(pool_arithmetic_of_the_largest),
	KUNIT_CASE(pool_zeroes_where_asked),
	KUNIT_CASE(pool_constructs_each_block_once),
	KUNIT_CASE(pool_counts),
	KUNIT_CASE(pool_counts_what_it_refuses),
	KUNIT_CASE(pool_record_says_what_happened),
	KUNIT_CASE(pool_in_interrupts),
	KUNIT_CASE(pool_owns_its_blocks),
	KUNIT_CASE(pool_meets_each_live_block_once),
	KUNIT_CASE(pool_behind_a_mempool),
	KUNIT_CASE(pool_destroy_takes_anything_back),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
