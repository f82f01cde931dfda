// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: a waiter waits for a block and for nothing else. Not for other CPUs, whatever these do, and
 * it may be a task that reclaims memory.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/panic.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>
#include "../../module/compat.h"
#include "../../module/pool/hooks.h"
#include "../fixture.h"
#include "../worker.h"

#define BLOCKS		(64 * num_possible_cpus())

/* Ends what would otherwise hang, and stays below what the kernel takes for a lockup. */
#define LONG_ENOUGH	(8 * HZ)

/* A pool of which nothing is left; all of it is in what is returned. */
static struct held *drained_pool(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 24, .blocks = BLOCKS);
	struct held *h;

	ASSERT_POOL(test, p);
	KUNIT_ASSERT_TRUE(test, nebula_pool_is_inline(p));
	h = held_create(test, p, p->blocks);
	held_take_all(h);
	KUNIT_ASSERT_EQ(test, h->count, (unsigned int)p->blocks);
	return h;
}

static void destroy_whole(struct kunit *test, struct held *h)
{
	held_give(h, UINT_MAX);
	KUNIT_EXPECT_EQ(test, nebula_pool_waiters(h->pool), 0U);
	expect_whole(test, h->pool, BLOCKS);
	nebula_pool_destroy(h->pool);
}

/**
 * struct hog - a task that lets nothing else run on its CPU
 * @worker: the task.
 * @begun: it has the CPU.
 * @enough: it may end.
 * @gave_up: it ended although it had not been told to.
 */
struct hog {
	struct worker worker;
	bool begun;
	bool enough;
	bool gave_up;
};

static void hog(void *data)
{
	struct hog *h = data;
	const unsigned long limit = jiffies + LONG_ENOUGH;

	preempt_disable();
	WRITE_ONCE(h->begun, true);
	while (!READ_ONCE(h->enough) && time_before(jiffies, limit))
		cpu_relax();
	WRITE_ONCE(h->gave_up, !READ_ONCE(h->enough));
	preempt_enable();
}

/* The test itself runs on the other CPU until the end. */
static void hog_start(struct kunit *test, struct hog *h)
{
	int cpu = fixture_other_cpu(test);

	*h = (struct hog){ };
	set_cpus_allowed_ptr(current, cpumask_of(fixture_cpu()));
	worker_start(test, &h->worker, cpu, hog, h);
	while (!READ_ONCE(h->begun))
		schedule_timeout_uninterruptible(1);
}

static void hog_end(struct kunit *test, struct hog *h)
{
	WRITE_ONCE(h->enough, true);
	worker_join(&h->worker);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	KUNIT_EXPECT_FALSE(test, h->gave_up);
}

/* Time is over while the other CPU still does something else. */
static void wait_does_not_wait_for_other_cpus(struct kunit *test)
{
	struct held *h = drained_pool(test);
	struct hog other;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		hog_start(test, &other);
		KUNIT_EXPECT_EQ(test, PTR_ERR(nebula_pool_alloc_wait(h->pool, 1)),
				(long)-ETIMEDOUT);
		KUNIT_EXPECT_EQ(test, PTR_ERR(nebula_pool_alloc_wait_killable(h->pool, 1)),
				(long)-ETIMEDOUT);
		hog_end(test, &other);
	}
	destroy_whole(test, h);
}

/**
 * struct waiter - a task that waits for a block
 * @worker: the task.
 * @pool: of this pool.
 * @obj: what it got.
 * @done: it got it.
 */
struct waiter {
	struct worker worker;
	struct nebula_pool *pool;
	void *obj;
	bool done;
};

static void wait_for_block(void *data)
{
	struct waiter *w = data;

	w->obj = nebula_pool_alloc_wait(w->pool, 60 * HZ);
	/* Pairs with wait_is_ended_by_a_cache_that_is_emptied(). */
	smp_store_release(&w->done, true);
}

static void waiter_start(struct kunit *test, struct waiter *w, struct nebula_pool *p)
{
	const unsigned long limit = jiffies + LONG_ENOUGH;

	*w = (struct waiter){ .pool = p };
	worker_start(test, &w->worker, fixture_cpu(), wait_for_block, w);
	while (!nebula_pool_waiters(p) && time_before(jiffies, limit))
		schedule_timeout_uninterruptible(1);
}

static void *waiter_end(struct waiter *w)
{
	worker_join(&w->worker);
	return w->obj;
}

/* A block that comes back on this CPU is handed over while the other one does something else. */
static void wait_is_ended_beside_a_busy_cpu(struct kunit *test)
{
	struct held *h = drained_pool(test);
	struct waiter w;
	struct hog other;

	hog_start(test, &other);
	waiter_start(test, &w, h->pool);
	held_give(h, 1);
	h->blocks[h->count] = waiter_end(&w);
	KUNIT_EXPECT_FALSE(test, IS_ERR_OR_NULL(h->blocks[h->count]));
	h->count += !IS_ERR_OR_NULL(h->blocks[h->count]);
	hog_end(test, &other);
	destroy_whole(test, h);
}

/* The only block lies in the cache of a CPU that is busy: once it is not, the waiter has it. */
static void wait_is_ended_by_a_cache_that_is_emptied(struct kunit *test)
{
	struct held *h = drained_pool(test);
	int there = fixture_other_cpu(test);
	struct waiter w;
	struct hog other;

	held_give_on(there, h, 1);
	hog_start(test, &other);
	waiter_start(test, &w, h->pool);
	KUNIT_EXPECT_FALSE(test, smp_load_acquire(&w.done)); /* pairs with wait_for_block() */
	hog_end(test, &other);
	h->blocks[h->count] = waiter_end(&w);
	KUNIT_EXPECT_FALSE(test, IS_ERR_OR_NULL(h->blocks[h->count]));
	h->count += !IS_ERR_OR_NULL(h->blocks[h->count]);
	destroy_whole(test, h);
}

/**
 * struct reclaim - what is done where memory is reclaimed
 * @work: there.
 * @held: the blocks of a pool of which nothing is left.
 * @grown: a pool that has grown.
 * @waited: what the wait came to.
 * @shrunk: blocks given back.
 * @depth: what setting the depth came to.
 */
struct reclaim {
	struct work_struct work;
	struct held *held;
	struct nebula_pool *grown;
	void *waited;
	unsigned int shrunk;
	int depth;
};

static void do_reclaim(struct reclaim *r)
{
	r->waited = nebula_pool_alloc_wait(r->held->pool, 1);
	r->shrunk = nebula_pool_shrink(r->grown);
	r->depth = nebula_pool_set_cache_depth(r->grown, 0);
}

static void reclaim_work(struct work_struct *work)
{
	do_reclaim(container_of(work, struct reclaim, work));
}

static void expect_reclaims(struct kunit *test, void (*run)(struct kunit *test, struct reclaim *r))
{
	const bool warned = test_taint(TAINT_WARN);
	struct reclaim r = { .held = drained_pool(test) };

	r.grown = nebula_pool_create("grown", .block_size = 24, .blocks = BLOCKS);
	ASSERT_POOL(test, r.grown);
	KUNIT_ASSERT_EQ(test, nebula_pool_grow(r.grown, BLOCKS, GFP_KERNEL), 0);
	run(test, &r);
	KUNIT_EXPECT_EQ(test, PTR_ERR(r.waited), (long)-ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, r.shrunk, BLOCKS);
	KUNIT_EXPECT_EQ(test, r.depth, 0);
	/* The kernel warns of waiting for work that may wait for memory in turn. */
	KUNIT_EXPECT_EQ(test, test_taint(TAINT_WARN), warned);
	nebula_pool_destroy(r.grown);
	destroy_whole(test, r.held);
}

static void run_in_work(struct kunit *test, struct reclaim *r)
{
	struct workqueue_struct *wq = alloc_workqueue("nebula_test",
						      COMPAT_WQ_PERCPU | WQ_MEM_RECLAIM, 0);

	KUNIT_ASSERT_NOT_NULL(test, wq);
	INIT_WORK_ONSTACK(&r->work, reclaim_work);
	queue_work(wq, &r->work);
	flush_work(&r->work);
	destroy_workqueue(wq);
	destroy_work_on_stack(&r->work);
}

static void wait_in_a_worker_that_reclaims(struct kunit *test)
{
	expect_reclaims(test, run_in_work);
}

/* As kswapd does. */
static void run_in_task(struct kunit *test, struct reclaim *r)
{
	unsigned int saved = memalloc_noreclaim_save();

	do_reclaim(r);
	memalloc_noreclaim_restore(saved);
}

static void wait_in_a_task_that_reclaims(struct kunit *test)
{
	expect_reclaims(test, run_in_task);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(wait_does_not_wait_for_other_cpus),
	KUNIT_CASE(wait_is_ended_beside_a_busy_cpu),
	KUNIT_CASE(wait_is_ended_by_a_cache_that_is_emptied),
	KUNIT_CASE(wait_in_a_worker_that_reclaims),
	KUNIT_CASE(wait_in_a_task_that_reclaims),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_wake",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
