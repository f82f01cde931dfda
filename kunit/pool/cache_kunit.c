// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool, per-CPU caches: N blocks serve N live allocations whatever CPUs freed them and wherever
 * they lie; the depth of the caches is changed while they are full; all of them are counted.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "../../module/pool/hooks.h"
#include "../fixture.h"

/**
 * struct shape - a pool with caches
 * @blocks: of it.
 * @depth: .cache_depth.
 * @size: bytes of a block.
 */
struct shape {
	unsigned int blocks;
	unsigned int depth;
	size_t size;
};

static const struct shape shapes[] = {
	{ 16, 0, 8 }, { 32, 2, 3 }, { 63, 0, 64 }, { 64, 256, 8 }, { 65, 4, 48 },
	{ 100, 7, 7 }, { 200, NEBULA_POOL_NO_CACHE, 16 }, { 300, 16, 12 }, { 1000, 0, 64 },
	{ 3000, 256, 16 }, { 70000, 0, 4 },
};

static struct nebula_pool *pool_of(struct kunit *test, const struct shape *s)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = s->size,
						   .blocks = s->blocks, .cache_depth = s->depth);

	ASSERT_POOL(test, p);
	return p;
}

/* One CPU frees all that the other one takes, again and again, and the other way round. */
static void expect_flow(struct kunit *test, const struct shape *s, int from, int to)
{
	struct nebula_pool *p = pool_of(test, s);
	struct held *h = held_create(test, p, s->blocks);
	unsigned int round;

	for (round = 0; round < 4; round++) {
		KUNIT_EXPECT_EQ_MSG(test, held_take_on(to, h, s->blocks), s->blocks,
				    "%u blocks, depth %u, round %u", s->blocks, s->depth, round);
		held_verify(test, h);
		held_give_on(from, h, s->blocks);
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	}
	KUNIT_EXPECT_EQ(test, held_take_on(from, h, s->blocks), s->blocks);
	held_give_on(to, h, s->blocks);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&p->common), NEBULA_OK);
	expect_whole(test, p, s->blocks);
	nebula_pool_destroy(p);
}

static void cache_of_another_cpu_exhausts_nobody(struct kunit *test)
{
	const int here = fixture_cpu(), there = fixture_other_cpu(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		expect_flow(test, &shapes[i], here, there);
}

/*
 *	here: full cache	there: full cache	all else is live
 *
 * What a CPU's cache can hold is left there, at each fill of it; the rest must be had elsewhere.
 */
static void expect_any_split(struct kunit *test, const struct shape *s, int here, int there)
{
	struct nebula_pool *p = pool_of(test, s);
	struct held *h = held_create(test, p, s->blocks);
	unsigned int left, step = max(1U, s->blocks / 5);

	for (left = 1; left < s->blocks; left += step) {
		KUNIT_ASSERT_EQ(test, held_take_on(here, h, s->blocks), s->blocks);
		held_give_on(there, h, left);
		KUNIT_ASSERT_EQ_MSG(test, held_take_on(here, h, left), left,
				    "%u of %u blocks, depth %u", left, s->blocks, s->depth);
		held_give_on(here, h, left / 2);
		held_give_on(there, h, s->blocks);
	}
	expect_whole(test, p, s->blocks);
	nebula_pool_destroy(p);
}

static void cache_of_any_fill_exhausts_nobody(struct kunit *test)
{
	const int here = fixture_cpu(), there = fixture_other_cpu(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		if (shapes[i].blocks <= 300)
			expect_any_split(test, &shapes[i], here, there);
}

/* What one CPU wants at once lies in the caches of all. */
static void cache_of_another_cpu_serves_bulk(struct kunit *test)
{
	const int here = fixture_cpu(), there = fixture_other_cpu(test);
	static const struct shape s = { 200, 0, 24 };
	struct nebula_pool *p = pool_of(test, &s);
	struct held *h = held_create(test, p, 200);
	unsigned int left;

	for (left = 1; left <= 200; left += 19) {
		KUNIT_ASSERT_EQ(test, held_take_on(here, h, 200), 200U);
		held_give_on(there, h, left);
		KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, left, &h->blocks[h->count]));
		for (; h->count < 200; h->count++)
			fixture_stamp(h->blocks[h->count], 24, h->count);
		held_verify(test, h);
		held_give_on(here, h, 200);
	}
	nebula_pool_destroy(p);
}

/* Random amounts here and there; never more than the pool's promise, so never refused. */
static void cache_traffic_between_cpus(struct kunit *test)
{
	const int cpus[] = { fixture_cpu(), fixture_other_cpu(test) };
	unsigned int i, turn, n, taken = 0;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct nebula_pool *p = pool_of(test, &shapes[i]);
		struct held *h = held_create(test, p, shapes[i].blocks);
		struct nebula_stats st;

		for (taken = 0, turn = 0; turn < 12; turn++) {
			n = fixture_random(test, shapes[i].blocks - h->count + 1);
			KUNIT_ASSERT_EQ(test, held_take_on(cpus[turn / 2 % 2], h, n), n);
			taken += n;
			held_give_on(cpus[fixture_random(test, 2)], h,
				     fixture_random(test, h->count + 1));
			KUNIT_ASSERT_EQ(test, nebula_pool_used(p), h->count);
		}
		nebula_stats_read(p, &st);
		KUNIT_EXPECT_EQ(test, st.allocs, (u64)taken);
		KUNIT_EXPECT_EQ(test, st.live, (u64)h->count);
		KUNIT_EXPECT_EQ(test, st.frees, (u64)taken - h->count);
		held_verify(test, h);
		held_give(h, UINT_MAX);
		expect_whole(test, p, shapes[i].blocks);
		nebula_pool_destroy(p);
	}
}

/* Whatever is in caches, batches and elsewhere when the depth changes is there afterwards. */
static void cache_depth_changes_while_blocks_are_cached(struct kunit *test)
{
	static const unsigned int depths[] = { 0, 24, 1, 0, 7, 3, 24, 0, 12 };
	const int here = fixture_cpu(), there = fixture_other_cpu(test);
	static const struct shape s = { 800, 24, 16 };
	struct nebula_pool *p = pool_of(test, &s);
	struct held *h = held_create(test, p, 800);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(depths); i++) {
		KUNIT_ASSERT_EQ(test, held_take_on(here, h, 800), 800U);
		held_give_on(there, h, 300);
		held_give_on(here, h, 30);
		KUNIT_ASSERT_EQ(test, nebula_pool_set_cache_depth(p, depths[i]), 0);
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 470U);
		KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
		KUNIT_EXPECT_EQ(test, held_take_on(there, h, 330), 330U);
		held_verify(test, h);
		held_give_on(there, h, 800);
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	}
	expect_whole(test, p, 800);
	nebula_pool_destroy(p);
}

/* With caches off, every CPU can have everything that was in them: N and the slack. */
static void cache_depth_zero_frees_the_slack(struct kunit *test)
{
	const int here = fixture_cpu(), there = fixture_other_cpu(test);
	static const struct shape s = { 800, 24, 16 };
	struct nebula_pool *p = pool_of(test, &s);
	struct held *h = held_create(test, p, p->blocks);

	held_take_on(here, h, UINT_MAX);
	held_give_on(here, h, 500);
	held_give_on(there, h, UINT_MAX);
	KUNIT_ASSERT_EQ(test, nebula_pool_set_cache_depth(p, 0), 0);
	KUNIT_EXPECT_EQ(test, held_take_on(here, h, UINT_MAX), (unsigned int)p->blocks);
	KUNIT_EXPECT_EQ(test, nebula_pool_available(p), 0U);
	held_verify(test, h);
	held_give_on(there, h, UINT_MAX);
	expect_whole(test, p, 800);
	nebula_pool_destroy(p);
}

/**
 * struct overtaken - a CPU that frees after the depth was lowered and before its magazine is empty
 * @held: what it frees.
 * @ready: it is about to.
 * @closed: it saw that the magazines were closed.
 * @before: what its magazine held then.
 * @after: what it held after the frees.
 */
struct overtaken {
	struct held *held;
	struct completion ready;
	bool closed;
	unsigned int before;
	unsigned int after;
};

/* Preemption is off until the blocks are freed: what empties the magazine has to wait. */
static long free_as_depth_changes(void *data)
{
	struct overtaken *o = data;
	struct nebula_pool *p = o->held->pool;
	const unsigned long patience = jiffies + 20 * HZ;
	const unsigned int n = 40;

	while (nebula_pool_cached(p, raw_smp_processor_id()) < 64)
		held_give(o->held, 1);
	preempt_disable();
	complete(&o->ready);
	while (nebula_pool_is_inline(p) && time_before(jiffies, patience))
		cpu_relax();
	o->closed = !nebula_pool_is_inline(p);
	o->before = nebula_pool_cached(p, raw_smp_processor_id());
	o->held->count -= n;
	nebula_pool_free_bulk(p, n, &o->held->blocks[o->held->count]);
	o->after = nebula_pool_cached(p, raw_smp_processor_id());
	preempt_enable();
	return 0;
}

static int lower_depth(void *data)
{
	struct overtaken *o = data;

	wait_for_completion(&o->ready);
	return nebula_pool_set_cache_depth(o->held->pool, 2);
}

static void cache_depth_changes_under_a_bulk(struct kunit *test)
{
	const int here = fixture_cpu(), there = fixture_other_cpu(test);
	static const struct shape s = { 4000, 64, 16 };
	struct nebula_pool *p = pool_of(test, &s);
	struct held *h = held_create(test, p, 1000);
	struct overtaken o = { .held = h };
	struct task_struct *task;

	KUNIT_ASSERT_EQ(test, held_take_on(here, h, 1000), 1000U);
	init_completion(&o.ready);
	task = kthread_create(lower_depth, &o, "nebula_depth");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	get_task_struct(task);
	kthread_bind(task, there);
	wake_up_process(task);
	work_on_cpu(here, free_as_depth_changes, &o);
	KUNIT_EXPECT_EQ(test, kthread_stop(task), 0);
	put_task_struct(task);
	KUNIT_EXPECT_TRUE(test, o.closed);
	KUNIT_EXPECT_EQ(test, o.before, 64U);
	KUNIT_EXPECT_EQ(test, o.after, 64U);
	KUNIT_EXPECT_EQ(test, nebula_pool_cached(p, here), 0U);
	held_give_on(here, h, UINT_MAX);
	KUNIT_EXPECT_EQ(test, nebula_pool_cached(p, here), 2U);
	expect_whole(test, p, 4000);
	nebula_pool_destroy(p);
}

static void cache_depth_refusals(struct kunit *test)
{
	static const struct shape cached = { 800, 24, 16 };
	struct nebula_pool *p = pool_of(test, &cached);
	struct nebula_pool *strict = nebula_pool_create("strict", .block_size = 8, .blocks = 1000,
							.flags = NEBULA_STRICT);
	unsigned long flags;
	int ret;

	ASSERT_POOL(test, strict);
	KUNIT_EXPECT_EQ(test, nebula_pool_set_cache_depth(p, NEBULA_POOL_DEPTH_MAX), -EINVAL);
	EXPECT_ERROR(test, p, NEBULA_E_INVALID_CONFIG);
	KUNIT_EXPECT_EQ(test, nebula_pool_set_cache_depth(p, UINT_MAX), -EINVAL);
	KUNIT_EXPECT_EQ(test, nebula_pool_set_cache_depth(p, 25), -EINVAL);
	KUNIT_EXPECT_EQ(test, nebula_pool_set_cache_depth(strict, 1), -EINVAL);
	EXPECT_ERROR(test, strict, NEBULA_E_INVALID_CONFIG);
	KUNIT_EXPECT_EQ(test, nebula_pool_set_cache_depth(strict, 0), 0);
	local_irq_save(flags);
	ret = nebula_pool_set_cache_depth(p, 1);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, ret, -EPERM);
	EXPECT_ERROR(test, p, NEBULA_E_WRONG_CONTEXT);
	expect_whole(test, p, 800);
	expect_whole(test, strict, 1000);
	nebula_pool_destroy(strict);
	nebula_pool_destroy(p);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(cache_of_another_cpu_exhausts_nobody),
	KUNIT_CASE(cache_of_any_fill_exhausts_nobody),
	KUNIT_CASE(cache_of_another_cpu_serves_bulk),
	KUNIT_CASE(cache_traffic_between_cpus),
	KUNIT_CASE(cache_depth_changes_while_blocks_are_cached),
	KUNIT_CASE(cache_depth_zero_frees_the_slack),
	KUNIT_CASE(cache_depth_changes_under_a_bulk),
	KUNIT_CASE(cache_depth_refusals),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_cache",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
