// SPDX-License-Identifier: GPL-2.0-only
/*
 * Freeing: everything that is no live block of the pool is refused under the right name, wherever
 * the block lies by then, and the pool is as it was; blocks in bulk; blocks that wait for a grace
 * period.
 */
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "../../module/pool/hooks.h"
#include "../fixture.h"

/* Enough for every CPU to have a cache. */
#define BLOCKS	160

static struct nebula_pool *pool_of(struct kunit *test, size_t size, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = size, .blocks = BLOCKS,
						   .flags = flags);

	ASSERT_POOL(test, p);
	return p;
}

/* The kinds of pools that a wrong free must not hurt. */
static const u32 kinds[] = {
	0, NEBULA_STRICT, NEBULA_ZERO, NEBULA_REDZONE, NEBULA_DEBUG_FLAGS | NEBULA_FIFO,
};

/**
 * struct bad_pointer - what must not be freed
 * @why: for the reader of a failure.
 * @obj: the pointer.
 * @code: under which name it is refused; %NEBULA_OK for what is legal.
 */
struct bad_pointer {
	const char *why;
	void *obj;
	enum nebula_errc code;
};

#define BAD_POINTERS	16

/* Of a pool that handed out @live, took back @freed, and of another one that handed out @other. */
static void bad_pointers(struct bad_pointer bad[BAD_POINTERS], const struct nebula_pool *p,
			 void *live, void *freed, void *other)
{
	void *base = (void *)p->base, *end = base + p->blocks * p->stride;
	const struct bad_pointer all[] = {
		{ "NULL", NULL, NEBULA_OK },
		{ "size zero", ZERO_SIZE_PTR, NEBULA_OK },
		{ "stack", &base, NEBULA_E_FOREIGN_POINTER },
		{ "data", (void *)kinds, NEBULA_E_FOREIGN_POINTER },
		{ "user space", (void *)1000UL, NEBULA_E_FOREIGN_POINTER },
		{ "last byte there is", (void *)ULONG_MAX, NEBULA_E_FOREIGN_POINTER },
		{ "error", ERR_PTR(-ENOMEM), NEBULA_E_FOREIGN_POINTER },
		{ "before the first", base - p->stride, NEBULA_E_FOREIGN_POINTER },
		{ "after the last", end, NEBULA_E_FOREIGN_POINTER },
		{ "a page after it", end + PAGE_SIZE, NEBULA_E_FOREIGN_POINTER },
		{ "another pool's", other, NEBULA_E_FOREIGN_POINTER },
		{ "second byte", live + 1, NEBULA_E_MISALIGNED_POINTER },
		{ "middle", live + p->stride / 2, NEBULA_E_MISALIGNED_POINTER },
		{ "last byte", live + p->block_size - 1, NEBULA_E_MISALIGNED_POINTER },
		{ "inside a free one", freed + 1, NEBULA_E_MISALIGNED_POINTER },
		{ "freed", freed, NEBULA_E_DOUBLE_FREE },
	};

	static_assert(ARRAY_SIZE(all) == BAD_POINTERS);
	memcpy(bad, all, sizeof(all));
}

/* Every way there is to free a block. */
static void free_plainly(struct nebula_pool *p, void *obj)
{
	nebula_pool_free(p, obj);
}

static void free_out_of_line(struct nebula_pool *p, void *obj)
{
	nebula_pool_free_other(p, obj, 0);
}

static void free_in_bulk(struct nebula_pool *p, void *obj)
{
	nebula_pool_free_bulk(p, 1, &obj);
}

static void free_by_rcu(struct nebula_pool *p, void *obj)
{
	nebula_pool_free_rcu(p, obj);
}

static void free_as_element(struct nebula_pool *p, void *obj)
{
	nebula_mempool_free(obj, p);
}

static void (*const ways[])(struct nebula_pool *p, void *obj) = {
	free_plainly, free_out_of_line, free_in_bulk, free_by_rcu, free_as_element,
};

static void expect_refused(struct kunit *test, struct nebula_pool *p, unsigned int way,
			   const struct bad_pointer *bad)
{
	const u64 failed = fixture_failed(p), failures = fixture_failures(p, bad->code);
	const u64 one = bad->code != NEBULA_OK;

	ways[way](p, bad->obj);
	KUNIT_EXPECT_EQ_MSG(test, fixture_failures(p, bad->code), failures + one,
			    "%s, way %u, last: %s", bad->why, way,
			    nebula_errc_name(fixture_last_code(&p->common)));
	KUNIT_EXPECT_EQ_MSG(test, fixture_failed(p), failed + one, "%s, way %u", bad->why, way);
}

static void expect_all_refused(struct kunit *test, u32 flags, size_t size)
{
	struct nebula_pool *p = pool_of(test, size, flags), *q = pool_of(test, size, flags);
	struct held *h = held_create(test, p, BLOCKS);
	void *other = nebula_pool_alloc(q), *freed;
	struct bad_pointer bad[BAD_POINTERS];
	unsigned int way, i;

	held_take(h, 21);
	freed = h->blocks[20];
	held_give(h, 1);
	bad_pointers(bad, p, h->blocks[0], freed, other);
	for (way = 0; way < ARRAY_SIZE(ways); way++)
		for (i = 0; i < BAD_POINTERS; i++)
			expect_refused(test, p, way, &bad[i]);
	nebula_pool_rcu_flush(p);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 20U);
	held_verify(test, h);
	held_give(h, 20);
	expect_whole(test, p, BLOCKS);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(q), 1U);
	nebula_pool_free(q, other);
	nebula_pool_destroy(q);
	nebula_pool_destroy(p);
}

static void free_of_what_is_no_block(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_all_refused(test, kinds[i], i % 2 ? 64 : 24);
	expect_all_refused(test, 0, 3);
}

/**
 * struct twice - frees what is free
 * @held: the blocks, given back before.
 * @from: first to free again.
 * @to: behind the last.
 */
struct twice {
	const struct held *held;
	unsigned int from;
	unsigned int to;
};

static long free_again(void *data)
{
	const struct twice *t = data;
	unsigned int i;

	for (i = t->from; i < t->to; i++)
		nebula_pool_free(t->held->pool, t->held->blocks[i]);
	return 0;
}

static void expect_double(struct kunit *test, int cpu, const struct held *h, unsigned int from,
			  unsigned int to)
{
	const u64 failures = fixture_failures(h->pool, NEBULA_E_DOUBLE_FREE);
	const u64 failed = fixture_failed(h->pool);
	const unsigned int used = nebula_pool_used(h->pool);
	struct twice t = { h, from, to };

	work_on_cpu(cpu, free_again, &t);
	KUNIT_EXPECT_EQ(test, fixture_failures(h->pool, NEBULA_E_DOUBLE_FREE),
			failures + to - from);
	KUNIT_EXPECT_EQ(test, fixture_failed(h->pool), failed + to - from);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(h->pool), used);
}

/* In the cache of the CPU that frees it again, and in that of another. */
static void free_of_what_is_in_a_cache(struct kunit *test)
{
	const int here = fixture_cpu(), there = fixture_other_cpu(test);
	struct nebula_pool *p = pool_of(test, 64, 0);
	struct held *h = held_create(test, p, BLOCKS);

	KUNIT_ASSERT_TRUE(test, nebula_pool_is_inline(p));
	held_take_on(here, h, 10);
	held_give_on(here, h, 1);
	expect_double(test, here, h, 9, 10);
	expect_double(test, there, h, 9, 10);
	held_give_on(there, h, 1);
	expect_double(test, here, h, 8, 10);
	expect_double(test, there, h, 8, 10);
	held_verify(test, h);
	held_give(h, 8);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

/* More than a cache holds: some lie in the depot, and wherever else there is. */
static void free_of_what_lies_anywhere(struct kunit *test)
{
	static const u32 kinds[] = { 0, NEBULA_STRICT, NEBULA_POISON | NEBULA_FIFO };
	const int here = fixture_cpu(), there = fixture_other_cpu(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct nebula_pool *p = pool_of(test, 64, kinds[i]);
		struct held *h = held_create(test, p, BLOCKS);

		KUNIT_EXPECT_EQ(test, held_take_on(here, h, BLOCKS), (unsigned int)BLOCKS);
		held_give_on(here, h, BLOCKS / 4);
		held_give_on(there, h, BLOCKS);
		expect_double(test, here, h, 0, 30);
		expect_double(test, there, h, BLOCKS - 30, BLOCKS);
		expect_whole(test, p, BLOCKS);
		nebula_pool_destroy(p);
	}
}

static void expect_bulk(struct kunit *test, u32 flags, unsigned int n)
{
	struct nebula_pool *p = pool_of(test, 24, flags);
	struct held *h = held_create(test, p, BLOCKS);
	unsigned int i;

	while (h->count + n <= BLOCKS) {
		KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, n, &h->blocks[h->count]));
		for (i = 0; i < n; i++, h->count++)
			fixture_stamp(h->blocks[h->count], 24, h->count);
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), h->count);
	}
	held_verify(test, h);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&p->common), NEBULA_OK);
	for (i = 0; i < h->count; i += n)
		nebula_pool_free_bulk(p, n, &h->blocks[i]);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void bulk_of_any_size(struct kunit *test)
{
	static const unsigned int counts[] = { 1, 2, 3, 7, 8, 9, 40, 53, 80, BLOCKS };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++)
		expect_bulk(test, i % 2 ? NEBULA_STRICT : 0, counts[i]);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_bulk(test, kinds[i], 9);
}

/* Far more than any cache and any batch holds. */
static void bulk_of_thousands(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 16, .blocks = 5000,
						   .cache_depth = 32);
	struct held *h = held_create(test, p, 5000);
	unsigned int round, i;

	for (round = 0; round < 3; round++) {
		KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, 5000, h->blocks));
		for (h->count = 0; h->count < 5000; h->count++)
			fixture_stamp(h->blocks[h->count], 16, h->count);
		held_verify(test, h);
		for (i = 0; i < 5000; i += 1000)
			nebula_pool_free_bulk(p, 1000, &h->blocks[i]);
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	}
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
	nebula_pool_destroy(p);
}

static void expect_all_or_nothing(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = pool_of(test, 24, flags);
	const unsigned int left = held_most(p) - (BLOCKS - 20);
	struct held *h = held_create(test, p, BLOCKS + left);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, held_take(h, BLOCKS - 20), BLOCKS - 20U);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_FALSE(test, nebula_pool_alloc_bulk(p, left + 1, &h->blocks[h->count]));
		EXPECT_ERROR(test, p, NEBULA_E_POOL_EXHAUSTED);
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), BLOCKS - 20U);
	}
	KUNIT_EXPECT_EQ(test, held_take(h, 20), 20U);
	held_verify(test, h);
	held_give(h, UINT_MAX);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 3ULL);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void bulk_is_all_or_nothing(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_all_or_nothing(test, kinds[i]);
}

static void bulk_refusals(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 24, 0);
	void *objs[2] = { &p, &p };

	KUNIT_EXPECT_FALSE(test, nebula_pool_alloc_bulk(p, 0, objs));
	EXPECT_ERROR(test, p, NEBULA_E_INVALID_LAYOUT);
	KUNIT_EXPECT_FALSE(test, nebula_pool_alloc_bulk(p, UINT_MAX, objs));
	EXPECT_ERROR(test, p, NEBULA_E_EXCEEDS_MAX);
	KUNIT_EXPECT_FALSE(test, nebula_pool_alloc_bulk(p, 2, NULL));
	EXPECT_ERROR(test, p, NEBULA_E_INVALID_LAYOUT);
	KUNIT_EXPECT_FALSE(test, nebula_pool_alloc_bulk(p, p->blocks + 1, objs));
	EXPECT_ERROR(test, p, NEBULA_E_EXCEEDS_MAX);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 4ULL);
	nebula_pool_free_bulk(p, 0, NULL);
	nebula_pool_free_bulk(p, 0, objs);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 4ULL);
	nebula_pool_free_bulk(p, 2, NULL);
	EXPECT_ERROR(test, p, NEBULA_E_INVALID_LAYOUT);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 5ULL);
	KUNIT_EXPECT_PTR_EQ(test, objs[0], (void *)&p);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

/* The newest four of @live, two of them twice, among others that are bad; @freed is free. */
static void give_four_among_others(struct nebula_pool *p, void **live, void *freed)
{
	void *objs[] = {
		live[3], NULL, freed, live[2], &p, live[2], live[1], live[-1] + 1, ZERO_SIZE_PTR,
		live[0], live[3],
	};

	nebula_pool_free_bulk(p, ARRAY_SIZE(objs), objs);
}

/* Of what is given back at once, the bad entries are refused, each, and the others freed. */
static void expect_bulk_with_bad_entries(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = pool_of(test, 24, flags);
	struct held *h = held_create(test, p, BLOCKS);

	held_take(h, 12);
	held_give(h, 1);
	give_four_among_others(p, &h->blocks[7], h->blocks[11]);
	h->count = 7;
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 7U);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_DOUBLE_FREE), 3ULL);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_FOREIGN_POINTER), 1ULL);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_MISALIGNED_POINTER), 1ULL);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 5ULL);
	KUNIT_EXPECT_EQ(test, held_take(h, BLOCKS - 7), BLOCKS - 7U);
	held_verify(test, h);
	held_give(h, UINT_MAX);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void bulk_with_bad_entries(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_bulk_with_bad_entries(test, kinds[i]);
}

static void give_by_rcu(struct held *h, unsigned int n)
{
	while (n--)
		nebula_pool_free_rcu(h->pool, h->blocks[--h->count]);
}

/* Nothing of it is handed out or touched while a reader may look. */
static void expect_readers_undisturbed(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = pool_of(test, 24, flags | NEBULA_STRICT);
	struct held *h = held_create(test, p, BLOCKS);
	unsigned int i, intact = 0, used;
	unsigned long later;
	void *early;

	KUNIT_ASSERT_EQ(test, held_take(h, BLOCKS), (unsigned int)BLOCKS);
	rcu_read_lock();
	give_by_rcu(h, 15);
	/* Whatever is done in interrupts has been done then. */
	for (later = jiffies + 3; time_before(jiffies, later);)
		cpu_relax();
	early = nebula_pool_alloc(p);
	for (i = 0; i < BLOCKS; i++)
		intact += fixture_stamped(h->blocks[i], 24, i);
	used = nebula_pool_used(p);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, used, (unsigned int)BLOCKS);
	KUNIT_EXPECT_NULL(test, early);
	KUNIT_EXPECT_EQ(test, intact, (unsigned int)BLOCKS);

	nebula_pool_rcu_flush(p);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), BLOCKS - 15U);
	KUNIT_EXPECT_EQ(test, held_take(h, BLOCKS), 15U);
	held_verify(test, h);
	held_give(h, BLOCKS);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void rcu_readers_are_undisturbed(struct kunit *test)
{
	expect_readers_undisturbed(test, 0);
	expect_readers_undisturbed(test, NEBULA_DEBUG_FLAGS);
	expect_readers_undisturbed(test, NEBULA_TYPESAFE_BY_RCU);
}

/* Again before the first grace period is over, in atomic context, and from another CPU. */
static void expect_rcu_gives_back(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = pool_of(test, 24, flags);
	struct held *h = held_create(test, p, BLOCKS);
	unsigned int round;
	unsigned long irq;

	for (round = 0; round < 2; round++) {
		KUNIT_ASSERT_EQ(test, held_take(h, BLOCKS), (unsigned int)BLOCKS);
		give_by_rcu(h, 10);
		local_irq_save(irq);
		give_by_rcu(h, 10);
		local_irq_restore(irq);
		cond_resched();
		give_by_rcu(h, 10);
		held_give(h, BLOCKS - 35);
		nebula_pool_rcu_flush(p);
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 5U);
		held_verify(test, h);
		give_by_rcu(h, 5);
		nebula_pool_rcu_flush(p);
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	}
	KUNIT_EXPECT_EQ(test, fixture_last_code(&p->common), NEBULA_OK);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void rcu_gives_all_back(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_rcu_gives_back(test, kinds[i]);
	expect_rcu_gives_back(test, NEBULA_TYPESAFE_BY_RCU);
}

/* What waits for its grace period is no longer the caller's. */
static void rcu_refuses_a_second_free(struct kunit *test)
{
	unsigned int i, way, used;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct nebula_pool *p = pool_of(test, 24, kinds[i]);
		struct held *h = held_create(test, p, BLOCKS);

		held_take(h, 2);
		rcu_read_lock();
		nebula_pool_free_rcu(p, h->blocks[1]);
		for (way = 0; way < ARRAY_SIZE(ways); way++)
			ways[way](p, h->blocks[1]);
		used = nebula_pool_used(p);
		rcu_read_unlock();
		KUNIT_EXPECT_EQ(test, used, 2U);
		KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_DOUBLE_FREE),
				(u64)ARRAY_SIZE(ways));
		KUNIT_EXPECT_EQ(test, fixture_failed(p), (u64)ARRAY_SIZE(ways));
		nebula_pool_rcu_flush(p);
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 1U);
		nebula_pool_free(p, h->blocks[0]);
		expect_whole(test, p, BLOCKS);
		nebula_pool_destroy(p);
	}
}

/* Destroy waits for what waits; the caller has given all back, so it is no leak. */
static void rcu_pending_at_destroy(struct kunit *test)
{
	unsigned int i;

	fixture_listen(test);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct nebula_pool *p = pool_of(test, 24, kinds[i]);
		struct held *h = held_create(test, p, BLOCKS);

		held_take(h, BLOCKS);
		give_by_rcu(h, BLOCKS);
		nebula_pool_destroy(p);
	}
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, NULL), 0U);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(free_of_what_is_no_block),
	KUNIT_CASE(free_of_what_is_in_a_cache),
	KUNIT_CASE(free_of_what_lies_anywhere),
	KUNIT_CASE(bulk_of_any_size),
	KUNIT_CASE(bulk_of_thousands),
	KUNIT_CASE(bulk_is_all_or_nothing),
	KUNIT_CASE(bulk_refusals),
	KUNIT_CASE(bulk_with_bad_entries),
	KUNIT_CASE(rcu_readers_are_undisturbed),
	KUNIT_CASE(rcu_gives_all_back),
	KUNIT_CASE(rcu_refuses_a_second_free),
	KUNIT_CASE(rcu_pending_at_destroy),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_free",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
