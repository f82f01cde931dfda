// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool, the end: what is about to free its blocks as it is taken down does so, and only what is
 * live then is a leak.
 */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include "../../module/core/later.h"
#include "../contexts.h"
#include "../fixture.h"

#define BLOCKS	60U
#define GROWN	40U
#define LEAKED	3U

/* Pools that all contexts destroy. */
#define DOOMED	200U
#define THREADS	2U

/* How long a reader goes on: what does not wait for it has time to show that. Jiffies. */
#define READING	(HZ / 5)

/**
 * struct late - an RCU callback that frees a block
 * @rcu: the callback.
 * @pool: whose the block is.
 * @obj: the block.
 * @free: how it is freed.
 */
struct late {
	struct rcu_head rcu;
	struct nebula_pool *pool;
	void *obj;
	void (*free)(struct nebula_pool *p, void *obj);
};

/* The pool is gone: callbacks that come now are too late to free anything. */
static bool gone;
static atomic_t freed, too_late;

static void free_late(struct rcu_head *rcu)
{
	struct late *l = container_of(rcu, struct late, rcu);

	if (READ_ONCE(gone)) {
		atomic_inc(&too_late);
		return;
	}
	l->free(l->pool, l->obj);
	atomic_inc(&freed);
}

static void free_now(struct nebula_pool *p, void *obj)
{
	nebula_pool_free(p, obj);
}

static void free_in_bulk(struct nebula_pool *p, void *obj)
{
	nebula_pool_free_bulk(p, 1, &obj);
}

static void destroy_rcu(struct nebula_pool *p)
{
	nebula_pool_destroy_rcu(p);
	nebula_later_flush();
}

/* All blocks are live; the first @leaked stay so, callbacks are to free the others. */
static void expect_end_waits(struct kunit *test, u32 flags, unsigned int leaked,
			     void (*fn)(struct nebula_pool *p, void *obj),
			     void (*end)(struct nebula_pool *p))
{
	struct nebula_pool *p = nebula_pool_create("late", .block_size = 64, .blocks = BLOCKS,
						   .flags = flags);
	const unsigned int n = BLOCKS + GROWN;
	struct late *late = kunit_kcalloc(test, n, sizeof(*late), GFP_KERNEL);
	struct nebula_error err = { };
	unsigned int i, heard;

	ASSERT_POOL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, late);
	KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, GROWN, GFP_KERNEL), 0);
	atomic_set(&freed, 0);
	atomic_set(&too_late, 0);
	gone = false;
	for (i = 0; i < n; i++) {
		late[i] = (struct late){ .pool = p, .obj = nebula_pool_alloc(p), .free = fn };
		KUNIT_ASSERT_NOT_NULL(test, late[i].obj);
		if (i >= leaked)
			call_rcu(&late[i].rcu, free_late);
	}
	heard = fixture_heard(NEBULA_E_LEAK, NULL);
	end(p);
	WRITE_ONCE(gone, true);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, atomic_read(&freed), (int)(n - leaked));
	KUNIT_EXPECT_EQ(test, atomic_read(&too_late), 0);
	heard = fixture_heard(NEBULA_E_LEAK, &err) - heard;
	KUNIT_EXPECT_EQ(test, heard > 0, leaked > 0);
	if (heard)
		KUNIT_EXPECT_EQ(test, err.used, 64UL * leaked);
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0LL);
}

static void expect_waits_for_callbacks(struct kunit *test, u32 flags, unsigned int leaked,
				       void (*fn)(struct nebula_pool *p, void *obj))
{
	expect_end_waits(test, flags, leaked, fn, nebula_pool_destroy);
	expect_end_waits(test, flags, leaked, fn, destroy_rcu);
}

static const u32 kinds[] = {
	0, NEBULA_STRICT, NEBULA_ZERO, NEBULA_FIFO, NEBULA_REDZONE | NEBULA_POISON,
};

static void destroy_waits_for_rcu_callbacks(struct kunit *test)
{
	unsigned int i;

	fixture_listen(test);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		expect_waits_for_callbacks(test, kinds[i], 0, free_now);
		expect_waits_for_callbacks(test, kinds[i], 0, free_in_bulk);
	}
}

/* One grace period begins when another ends. */
static void destroy_waits_for_callbacks_that_defer(struct kunit *test)
{
	unsigned int i;

	fixture_listen(test);
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_waits_for_callbacks(test, kinds[i], 0, nebula_pool_free_rcu);
}

/* What nothing frees is a leak, and it alone. */
static void destroy_reports_what_nothing_frees(struct kunit *test)
{
	unsigned int i;

	fixture_listen(test);
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		expect_waits_for_callbacks(test, kinds[i], LEAKED, free_now);
		expect_waits_for_callbacks(test, kinds[i], LEAKED, nebula_pool_free_rcu);
	}
}

static struct nebula_pool *pool(struct kunit *test, unsigned int blocks)
{
	struct nebula_pool *p = nebula_pool_create("leaves", .block_size = 64, .blocks = blocks);

	ASSERT_POOL(test, p);
	return p;
}

/* A reader that found the pool before goes on to use it. */
static void destroy_rcu_waits_for_readers(struct kunit *test)
{
	struct nebula_pool *p = pool(test, BLOCKS);
	const unsigned long end = jiffies + READING;
	unsigned int failed = 0;
	void *obj;

	fixture_listen(test);
	rcu_read_lock();
	nebula_pool_destroy_rcu(p);
	while (time_before(jiffies, end)) {
		obj = nebula_pool_alloc(p);
		failed += !obj;
		nebula_pool_free(p, obj);
	}
	rcu_read_unlock();
	nebula_later_flush();
	KUNIT_EXPECT_EQ(test, failed, 0U);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, NULL), 0U);
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0LL);
}

static void expect_refused(struct kunit *test, const struct nebula_pool *p,
			   enum nebula_detail detail)
{
	struct nebula_error err = { };

	KUNIT_EXPECT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_STREQ(test, nebula_errc_name(err.code), "INVALID_STATE");
	KUNIT_EXPECT_EQ(test, err.detail, detail);
}

static void destroy_rcu_is_for_once(struct kunit *test)
{
	struct nebula_pool *p = pool(test, BLOCKS);

	rcu_read_lock();
	nebula_pool_destroy_rcu(p);
	nebula_pool_destroy_rcu(p);
	expect_refused(test, p, NEBULA_D_LEAVING);
	rcu_read_unlock();
	nebula_later_flush();
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0LL);
	nebula_pool_destroy_rcu(NULL);
	nebula_pool_destroy_rcu(ERR_PTR(-ENOMEM));
}

/**
 * struct hold - keeps a pool from going
 * @later: comes before the pool's turn.
 * @pool: the pool.
 * @reserve: what holds it.
 * @ret: of the attempt to destroy it at once, and to hold it.
 */
struct hold {
	struct nebula_later later;
	struct nebula_pool *pool;
	struct nebula_reserve reserve;
	int ret;
};

static void hold(struct nebula_later *later)
{
	struct hold *h = container_of(later, struct hold, later);

	nebula_pool_destroy(h->pool);
	h->ret = nebula_pool_reserve(h->pool, &h->reserve, 1);
}

/* A pool that comes into use before its turn stays, and can be destroyed again. */
static void what_is_used_by_then_stays(struct kunit *test)
{
	struct hold h = { .pool = pool(test, BLOCKS) };
	unsigned long flags;

	local_irq_save(flags);
	nebula_later(&h.later, hold);
	nebula_pool_destroy_rcu(h.pool);
	local_irq_restore(flags);
	nebula_later_flush();
	KUNIT_EXPECT_EQ(test, h.ret, 0);
	expect_refused(test, h.pool, NEBULA_D_RESERVES);
	KUNIT_EXPECT_EQ(test, fixture_failures(h.pool, NEBULA_E_INVALID_STATE), 2ULL);
	nebula_pool_destroy_rcu(h.pool);
	KUNIT_EXPECT_EQ(test, fixture_failures(h.pool, NEBULA_E_INVALID_STATE), 3ULL);
	nebula_pool_unreserve(&h.reserve);
	expect_whole(test, h.pool, BLOCKS);
	nebula_pool_destroy_rcu(h.pool);
	nebula_later_flush();
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0LL);
}

/**
 * struct doom - pools to destroy
 * @pools: the pools.
 * @next: the first of them that was not destroyed. Any context.
 */
struct doom {
	struct nebula_pool *pools[DOOMED];
	atomic_t next;
};

static void doom_turn(struct contexts *contexts, unsigned int who)
{
	struct doom *d = contexts->data;
	const unsigned int i = atomic_inc_return(&d->next) - 1;
	struct nebula_pool *p;

	if (i >= DOOMED) {
		contexts->over = true;
		return;
	}
	p = d->pools[i];
	nebula_pool_free_rcu(p, nebula_pool_alloc(p));
	nebula_pool_destroy_rcu(p);
}

static void destroy_rcu_in_all_contexts(struct kunit *test)
{
	struct doom *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);
	struct contexts *contexts;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, d);
	fixture_listen(test);
	contexts = contexts_create(test, THREADS, doom_turn, d);
	for (i = 0; i < DOOMED; i++)
		d->pools[i] = pool(test, BLOCKS);
	contexts_run(test, contexts, 0);
	nebula_later_flush();
	KUNIT_EXPECT_GE(test, atomic_read(&d->next), (int)DOOMED);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, NULL), 0U);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_STATE, NULL), 0U);
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0LL);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(destroy_waits_for_rcu_callbacks),
	KUNIT_CASE(destroy_waits_for_callbacks_that_defer),
	KUNIT_CASE(destroy_reports_what_nothing_frees),
	KUNIT_CASE(destroy_rcu_waits_for_readers),
	KUNIT_CASE(destroy_rcu_is_for_once),
	KUNIT_CASE(what_is_used_by_then_stays),
	KUNIT_CASE(destroy_rcu_in_all_contexts),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_end",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
