// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool, the end: what is about to free its blocks as it is taken down does so, and only what is
 * live then is a leak.
 */
#include <linux/atomic.h>
#include <linux/rcupdate.h>
#include "../fixture.h"

#define BLOCKS	60U
#define GROWN	40U
#define LEAKED	3U

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

/* All blocks are live; the first @leaked stay so, callbacks are to free the others. */
static void expect_waits_for_callbacks(struct kunit *test, u32 flags, unsigned int leaked,
				       void (*fn)(struct nebula_pool *p, void *obj))
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
	nebula_pool_destroy(p);
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

static struct kunit_case cases[] = {
	KUNIT_CASE(destroy_waits_for_rcu_callbacks),
	KUNIT_CASE(destroy_waits_for_callbacks_that_defer),
	KUNIT_CASE(destroy_reports_what_nothing_frees),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_end",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
