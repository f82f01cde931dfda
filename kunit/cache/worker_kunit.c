// SPDX-License-Identifier: GPL-2.0-only
/*
 * Caches whose values workers compute, computers that do not come back, and what the end of a cache
 * waits for.
 */
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "../../module/cache/priv.h"
#include "../fixture.h"
#include "../worker.h"
#include "computer.h"

#define ASYNC	NEBULA_CACHE_ASYNC
#define BOTH	(NEBULA_CACHE_ASYNC | NEBULA_CACHE_DEDUP)
#define HOUR	3600000

/* From now on the value of a key is too old. */
static void make_old(struct kunit *test, struct nebula_cache *c, u64 key)
{
	void *value = nebula_cache_get(c, &key);

	KUNIT_ASSERT_NOT_NULL(test, value);
	WRITE_ONCE(cache_entry_of(c, value)->expires, jiffies - 1);
	nebula_cache_put(c, value);
}

/* A cache that has computed key 1, which is too old then. */
static struct nebula_cache *cache_with_old(struct kunit *test, struct computer *by,
					   unsigned int flags)
{
	struct nebula_cache *c = CACHE(test, by, 4, .ttl_ms = HOUR, .flags = flags);

	cache_ask(test, c, 1);
	flush_workqueue(c->workers);
	KUNIT_ASSERT_TRUE(test, cache_has(c, 1));
	make_old(test, c, 1);
	return c;
}

static void expect_read(struct kunit *test, struct nebula_cache *c, u64 key)
{
	u8 copy[VALUE_SIZE];

	KUNIT_EXPECT_TRUE(test, nebula_cache_read(c, &key, copy));
	KUNIT_EXPECT_TRUE(test, fixture_stamped(copy, VALUE_SIZE, key));
}

/* The old value is there until the new one is, and no longer. */
static void worker_leaves_old_values(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = cache_with_old(test, by, ASYNC);
	struct nebula_cache_stats st;

	KUNIT_EXPECT_FALSE(test, cache_has(c, 1));
	by->gather = 1;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -EINPROGRESS);
	KUNIT_EXPECT_TRUE(test, cache_has(c, 1));
	expect_read(test, c, 1);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -EINPROGRESS);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, atomic_read(&by->released), 0);
	WRITE_ONCE(by->gather, 0);
	flush_workqueue(c->workers);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	expect_computed(test, by, 2);
	irq_work_sync(&c->reap);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, atomic_read(&by->released), 1);
	nebula_cache_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.expired, 1ULL);
	KUNIT_EXPECT_EQ(test, st.entries, 1ULL);
	cache_end(test, c, by, 2);
}

/* The new value did not come, or was not wanted any more: the old one goes, too. */
static void worker_leaves_no_old_value_for_ever(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = cache_with_old(test, by, ASYNC);
	const u64 key = 1;

	by->err = -EIO;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -EINPROGRESS);
	flush_workqueue(c->workers);
	KUNIT_EXPECT_FALSE(test, cache_has(c, 1));
	by->err = 0;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -EINPROGRESS);
	flush_workqueue(c->workers);
	make_old(test, c, 1);
	by->gather = 1;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -EINPROGRESS);
	KUNIT_EXPECT_TRUE(test, cache_has(c, 1));
	KUNIT_EXPECT_TRUE(test, nebula_cache_invalidate(c, &key));
	KUNIT_EXPECT_FALSE(test, cache_has(c, 1));
	WRITE_ONCE(by->gather, 0);
	flush_workqueue(c->workers);
	cache_end(test, c, by, 3);
}

static void ask_one(void *data)
{
	struct nebula_cache *c = data;

	nebula_cache_put(c, nebula_cache_get_or_compute(c, &(u64){ 1 }));
}

/* A task that wants the new value waits for it, one that looks gets the old one. */
static void worker_has_new_values_for_who_waits(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = cache_with_old(test, by, BOTH);
	const u64 waits = cache_waits(c);
	struct worker w;

	by->gather = waits + 2;
	worker_start(test, &w, WORKER_ANYWHERE, ask_one, c);
	while (cache_waits(c) == waits)
		cond_resched();
	KUNIT_EXPECT_TRUE(test, cache_has(c, 1));
	WRITE_ONCE(by->gather, 0);
	worker_join(&w);
	expect_computed(test, by, 2);
	cache_end(test, c, by, 2);
}

/* A worker does not wait for work that is behind its own. */
static void worker_computes_what_it_needs(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 16, .flags = BOTH, .workers = 1);

	by->chain = true;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 5), 0);
	expect_computed(test, by, 5);
	cache_end(test, c, by, 5);
}

/* Neither for work that was there before: the only worker has key 3, and key 1 is behind it. */
static void worker_takes_what_it_needs(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 16, .flags = BOTH, .workers = 1);

	by->gather = 1000;
	by->chain = true;
	c->flags = ASYNC;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 3), -EINPROGRESS);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -EINPROGRESS);
	c->flags = BOTH;
	WRITE_ONCE(by->gather, 0);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 3), 0);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	expect_computed(test, by, 3);
	cache_end(test, c, by, 3);
}

/* The next one computes. */
static void worker_that_dies_strands_no_one(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4, .flags = NEBULA_CACHE_DEDUP);
	struct nebula_cache_stats st;
	struct worker w;

	by->gather = 1;
	by->dies = &w.done;
	worker_start(test, &w, WORKER_ANYWHERE, ask_one, c);
	while (!atomic_read(&by->computed))
		cond_resched();
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	worker_join(&w);
	expect_computed(test, by, 2);
	nebula_cache_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.errors, 1ULL);
	cache_end(test, c, by, 1);
}

/* What it had begun goes with the cache. */
static void worker_that_dies_leaves_nothing(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4);
	struct task_struct *task;
	struct worker w;

	by->dies = &w.done;
	worker_start(test, &w, WORKER_ANYWHERE, ask_one, c);
	task = w.task;
	KUNIT_ASSERT_NOT_NULL(test, task);
	get_task_struct(task);
	worker_join(&w);
	while (!READ_ONCE(task->exit_state))
		cond_resched();
	put_task_struct(task);
	fixture_listen(test);
	cache_end(test, c, by, 0);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, NULL), 0U);
}

/**
 * struct reader - a task that has a value under RCU, without a reference
 * @worker: runs it.
 * @cache: the cache.
 * @reading: it has the value.
 * @destroyed: the cache is gone.
 * @early: that was so while it still read.
 * @whole: the value was there to the end.
 */
struct reader {
	struct worker worker;
	struct nebula_cache *cache;
	bool reading;
	bool destroyed;
	bool early;
	bool whole;
};

static void read_long(void *data)
{
	struct reader *r = data;
	void *value;

	rcu_read_lock();
	value = nebula_cache_get(r->cache, &(u64){ 1 });
	nebula_cache_put(r->cache, value);
	WRITE_ONCE(r->reading, true);
	while (!READ_ONCE(r->cache->dying))
		cpu_relax();
	/* Long enough for an end that does not wait. */
	mdelay(20);
	r->whole = fixture_stamped(value, VALUE_SIZE, 1);
	r->early = READ_ONCE(r->destroyed);
	rcu_read_unlock();
}

static void worker_end_waits_for_readers(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct reader r = { .cache = CACHE(test, by, 4) };

	KUNIT_ASSERT_EQ(test, cache_ask(test, r.cache, 1), 0);
	worker_start(test, &r.worker, fixture_other_cpu(test), read_long, &r);
	while (!READ_ONCE(r.reading))
		cond_resched();
	nebula_cache_destroy(r.cache);
	WRITE_ONCE(r.destroyed, true);
	worker_join(&r.worker);
	KUNIT_EXPECT_TRUE(test, r.whole);
	KUNIT_EXPECT_FALSE(test, r.early);
	KUNIT_EXPECT_EQ(test, atomic_read(&by->released), 1);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(worker_leaves_old_values),
	KUNIT_CASE(worker_leaves_no_old_value_for_ever),
	KUNIT_CASE(worker_has_new_values_for_who_waits),
	KUNIT_CASE(worker_computes_what_it_needs),
	KUNIT_CASE(worker_takes_what_it_needs),
	KUNIT_CASE(worker_that_dies_strands_no_one),
	KUNIT_CASE(worker_that_dies_leaves_nothing),
	KUNIT_CASE(worker_end_waits_for_readers),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_cache_worker",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
