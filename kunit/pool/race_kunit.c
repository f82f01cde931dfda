// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: tasks that wait for blocks while these come back from anywhere, and a block that is freed
 * twice at once. No waiter is forgotten, no block is lost, and a second free is found out.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/wait.h>
#include "../../module/compat.h"
#include "../crowd.h"

/* Enough for the smallest caches there are. */
#define BLOCKS	(32 * num_possible_cpus())

#define ROUNDS	60
#define TURNS	CROWD_SCALE(400)
#define TRIALS	(IS_ENABLED(CONFIG_KASAN) ? 3000 : 20000)

/* A sleeper that waits as long as this was forgotten. */
#define FORGOTTEN	(60 * HZ)

/* Waiting */

#define VIGIL_SLOTS	8
#define VIGIL_OVER	UINT_MAX

/**
 * struct sleeper - a task that waits for blocks
 * @vigil: among whom.
 * @worker: the task.
 * @random: what it does with its block.
 * @got: the block that it waited for, or NULL.
 */
struct sleeper {
	struct vigil *vigil;
	struct worker worker;
	struct rnd_state random;
	void *got;
};

/**
 * struct returner - gives blocks back in the hard interrupts of a CPU
 * @vigil: whose blocks.
 * @timer: the interrupt.
 * @random: what it does next.
 */
struct returner {
	struct vigil *vigil;
	struct hrtimer timer;
	struct rnd_state random;
};

/**
 * struct vigil - tasks that wait for blocks, and all that gives blocks back
 * @ledger: of the pool.
 * @nr: how many of @sleepers.
 * @round: each sleeper waits for one block a round. Main thread.
 * @waiting: sleepers without a block. Any context.
 * @forgotten: sleepers that were never woken. Any context.
 * @begin: of a round.
 * @end: of a round.
 * @slots: blocks that the returners are to give back. Any context.
 * @pushing: the returners want blocks for themselves as well.
 * @sleepers: the tasks.
 * @returners: by CPU number.
 */
struct vigil {
	struct ledger *ledger;
	unsigned int nr;
	unsigned int round;
	atomic_t waiting;
	atomic_t forgotten;
	wait_queue_head_t begin;
	wait_queue_head_t end;
	void *slots[VIGIL_SLOTS];
	bool pushing;
	struct sleeper *sleepers;
	struct returner *returners;
};

static void *sleep_for_block(struct vigil *v)
{
	void *obj = nebula_pool_alloc_wait(v->ledger->pool, FORGOTTEN);

	if (IS_ERR_OR_NULL(obj)) {
		atomic_inc(&v->forgotten);
		return NULL;
	}
	ledger_enter(v->ledger, obj);
	return obj;
}

/* Leaves a block to the returners, or gives one back in the place of one that they still have. */
static void leave_block(struct vigil *v, unsigned int slot, void *obj)
{
	obj = xchg(&v->slots[slot % VIGIL_SLOTS], obj);
	if (obj)
		ledger_free(v->ledger, obj);
}

static enum hrtimer_restart return_block(struct hrtimer *timer)
{
	struct returner *r = container_of(timer, struct returner, timer);
	struct vigil *v = r->vigil;
	u32 random = prandom_u32_state(&r->random);
	void *obj = v->pushing && random % 4 == 0 ? ledger_alloc(v->ledger) : NULL;

	if (obj)
		ledger_free(v->ledger, obj);
	leave_block(v, random / 4, NULL);
	hrtimer_set_expires(timer, ktime_add_ns(ktime_get(), 20000 + random / 64 % 100000));
	return HRTIMER_RESTART;
}

static void returner_start(void *data)
{
	struct returner *r = data;

	hrtimer_start(&r->timer, ns_to_ktime(20000), HRTIMER_MODE_REL_PINNED_HARD);
}

static struct vigil *vigil_create(struct kunit *test, struct ledger *l, unsigned int nr)
{
	struct vigil *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, v);
	v->ledger = l;
	v->nr = nr;
	init_waitqueue_head(&v->begin);
	init_waitqueue_head(&v->end);
	v->sleepers = kunit_kcalloc(test, nr, sizeof(*v->sleepers), GFP_KERNEL);
	v->returners = kunit_kcalloc(test, nr_cpu_ids, sizeof(*v->returners), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, v->sleepers);
	KUNIT_ASSERT_NOT_NULL(test, v->returners);
	for_each_online_cpu(cpu) {
		struct returner *r = &v->returners[cpu];

		r->vigil = v;
		prandom_seed_state(&r->random, FIXTURE_SEED ^ cpu);
		compat_hrtimer_setup(&r->timer, return_block, CLOCK_MONOTONIC,
				     HRTIMER_MODE_REL_PINNED_HARD);
	}
	return v;
}

static void vigil_start(struct kunit *test, struct vigil *v, void (*fn)(void *data))
{
	unsigned int i;
	int cpu;

	for_each_online_cpu(cpu)
		smp_call_function_single(cpu, returner_start, &v->returners[cpu], true);
	for (i = 0; i < v->nr; i++) {
		v->sleepers[i].vigil = v;
		prandom_seed_state(&v->sleepers[i].random, FIXTURE_SEED + i);
		worker_start(test, &v->sleepers[i].worker, WORKER_ANYWHERE, fn, &v->sleepers[i]);
	}
}

static void vigil_end(struct kunit *test, struct vigil *v)
{
	unsigned int i;
	int cpu;

	for (i = 0; i < v->nr; i++)
		worker_join(&v->sleepers[i].worker);
	for_each_online_cpu(cpu)
		hrtimer_cancel(&v->returners[cpu].timer);
	for (i = 0; i < VIGIL_SLOTS; i++)
		leave_block(v, i, NULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&v->forgotten), 0);
}

static void sleep_once_a_round(void *data)
{
	struct sleeper *s = data;
	struct vigil *v = s->vigil;
	unsigned int round;

	for (round = 1; ; round++) {
		wait_event(v->begin, READ_ONCE(v->round) >= round);
		if (READ_ONCE(v->round) == VIGIL_OVER)
			break;
		s->got = sleep_for_block(v);
		if (atomic_dec_and_test(&v->waiting))
			wake_up(&v->end);
	}
}

static void vigil_call(struct vigil *v, unsigned int round)
{
	atomic_set(&v->waiting, v->nr);
	WRITE_ONCE(v->round, round);
	wake_up_all(&v->begin);
}

/* Exactly as many blocks come back as tasks are about to wait: @n are held, and as many after. */
static unsigned int vigil_round(struct kunit *test, struct vigil *v, void **held, unsigned int n)
{
	unsigned int i;

	vigil_call(v, v->round + 1);
	for (i = 0; i < v->nr; i++) {
		udelay(fixture_random(test, 20));
		n--;
		if (i % 3)
			leave_block(v, i, held[n]);
		else
			ledger_free(v->ledger, held[n]);
	}
	wait_event(v->end, !atomic_read(&v->waiting));
	for (i = 0; i < v->nr; i++)
		if (v->sleepers[i].got)
			held[n++] = v->sleepers[i].got;
	return n;
}

static void expect_no_lost_wakeup(struct kunit *test, struct nebula_pool *p)
{
	struct ledger *l = ledger_create(test, p);
	struct vigil *v = vigil_create(test, l, 7);
	unsigned int n, round;
	void **held;

	held = kunit_kcalloc(test, ledger_most(l), sizeof(*held), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, held);
	n = ledger_alloc_all(l, held);
	KUNIT_ASSERT_GE(test, n, v->nr);
	vigil_start(test, v, sleep_once_a_round);
	for (round = 0; round < ROUNDS && !atomic_read(&v->forgotten); round++)
		n = vigil_round(test, v, held, n);
	vigil_call(v, VIGIL_OVER);
	vigil_end(test, v);
	ledger_free_bulk(l, n, held);
	ledger_verify_whole(test, l);
	ledger_destroy(l);
}

static void waiters_are_woken(struct kunit *test)
{
	expect_no_lost_wakeup(test, nebula_pool_create("wait", .block_size = 64, .blocks = BLOCKS,
						       .cache_depth = 8));
}

static void waiters_of_a_strict_pool_are_woken(struct kunit *test)
{
	expect_no_lost_wakeup(test, nebula_pool_create("wait", .block_size = 64, .blocks = 10,
						       .flags = NEBULA_STRICT));
}

static void sleep_all_the_time(void *data)
{
	struct sleeper *s = data;
	struct vigil *v = s->vigil;
	unsigned int turn;
	void *obj;
	u32 random;

	for (turn = 0; turn < TURNS; turn++) {
		obj = sleep_for_block(v);
		if (!obj)
			break;
		random = prandom_u32_state(&s->random);
		if (random % 8)
			leave_block(v, random / 8, obj);
		else
			ledger_free(v->ledger, obj);
	}
}

/* More tasks than blocks, and interrupts that do not wait. */
static void expect_all_served(struct kunit *test, struct nebula_pool *p)
{
	struct ledger *l = ledger_create(test, p);
	struct vigil *v = vigil_create(test, l, l->blocks + 5);

	v->pushing = true;
	vigil_start(test, v, sleep_all_the_time);
	vigil_end(test, v);
	kunit_info(test, "%u tasks waited for %u blocks, %d were handed out\n", v->nr, l->blocks,
		   atomic_read(&l->hand_outs));
	ledger_verify_whole(test, l);
	ledger_destroy(l);
}

static void waiters_in_a_crowd(struct kunit *test)
{
	expect_all_served(test, nebula_pool_create("wait", .block_size = 1000, .blocks = BLOCKS,
						   .cache_depth = 8));
}

static void waiters_of_a_strict_pool_in_a_crowd(struct kunit *test)
{
	expect_all_served(test, nebula_pool_create("wait", .block_size = 1000, .blocks = 4,
						   .flags = NEBULA_STRICT));
}

/* One block, freed by two at once */

/**
 * struct race - two who free one block, again and again
 * @ledger: of the pool.
 * @trials: how often; less when that takes long, as where the CPUs seldom run at the same time.
 * @over: all trials have been made. Leader.
 * @exact: the second free is refused at once, every time; else at the latest when the block is
 *	handed out a second time.
 * @victim: the block.
 * @go: number of the trial that begins. Leader.
 * @done: number of the trial that ended. Follower.
 * @wrong: trials with another end than expected. Leader.
 * @objs: room for all blocks. Leader.
 */
struct race {
	struct ledger *ledger;
	unsigned int trials;
	bool over;
	bool exact;
	void *victim;
	unsigned int go;
	unsigned int done;
	unsigned int wrong;
	void **objs;
};

static void race_pause(void)
{
	cpu_relax();
	cond_resched();
}

static void race_free(struct race *r, unsigned int delay)
{
	while (delay--)
		cpu_relax();
	nebula_pool_free(r->ledger->pool, r->victim);
}

static void race_follow(void *data)
{
	struct race *r = data;
	unsigned int trial;

	for (trial = 1;; trial++) {
		while (smp_load_acquire(&r->go) != trial) { /* pairs with race_lead() */
			if (READ_ONCE(r->over))
				return;
			race_pause();
		}
		race_free(r, trial / 32 % 32);
		/* Pairs with race_lead(). */
		smp_store_release(&r->done, trial);
	}
}

static bool race_ended_well(struct race *r, unsigned int trial)
{
	unsigned int n, i;
	struct nebula_stats st;

	if (r->exact) {
		nebula_stats_read(r->ledger->pool, &st);
		return st.failures[NEBULA_E_DOUBLE_FREE] == trial && !st.live;
	}
	/* Not each time, so that blocks with a duplicate are handed out and freed again as well. */
	if (trial % 16)
		return true;
	n = ledger_alloc_all(r->ledger, r->objs);
	for (i = 0; i < n; i++)
		ledger_free(r->ledger, r->objs[i]);
	return n >= nebula_pool_capacity(r->ledger->pool);
}

static void race_lead(void *data)
{
	const unsigned long enough = jiffies + 20 * HZ;
	struct race *r = data;
	unsigned int trial;

	for (trial = 1; trial <= TRIALS && time_before(jiffies, enough); trial++) {
		r->victim = ledger_alloc(r->ledger);
		if (r->victim)
			ledger_leave(r->ledger, r->victim);
		/* Pairs with race_follow(). */
		smp_store_release(&r->go, trial);
		race_free(r, trial % 32);
		while (smp_load_acquire(&r->done) != trial) /* pairs with race_follow() */
			race_pause();
		r->wrong += !r->victim || !race_ended_well(r, trial);
	}
	r->trials = trial - 1;
	WRITE_ONCE(r->over, true);
}

/* Every duplicate is met: all blocks are taken, out of both caches, before any is given back. */
static void expect_whole_after_race(struct kunit *test, struct race *r)
{
	int a = cpumask_first(cpu_online_mask), b = cpumask_last(cpu_online_mask);
	unsigned int n = ledger_alloc_all_on(r->ledger, a, r->objs), m;

	m = ledger_alloc_all_on(r->ledger, b, r->objs + n);
	KUNIT_EXPECT_EQ(test, n + m, r->ledger->blocks);
	ledger_verify(test, r->ledger);
	ledger_free_on(r->ledger, a, n, r->objs);
	ledger_free_on(r->ledger, b, m, r->objs + n);
	ledger_verify_whole(test, r->ledger);
}

static void expect_race_survived(struct kunit *test, struct nebula_pool *p, bool exact)
{
	struct ledger *l = ledger_create(test, p);
	struct race r = { .ledger = l, .exact = exact };
	struct worker leader, follower;

	r.objs = kunit_kcalloc(test, 2 * ledger_most(l), sizeof(*r.objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r.objs);
	worker_start(test, &follower, cpumask_last(cpu_online_mask), race_follow, &r);
	worker_start(test, &leader, cpumask_first(cpu_online_mask), race_lead, &r);
	worker_join(&leader);
	worker_join(&follower);
	l->double_frees = r.trials;
	kunit_info(test, "%u races\n", r.trials);
	KUNIT_EXPECT_GT(test, r.trials, 0U);
	KUNIT_EXPECT_EQ(test, r.wrong, 0U);
	expect_whole_after_race(test, &r);
	ledger_destroy(l);
}

static void racing_frees_in_production(struct kunit *test)
{
	expect_race_survived(test, nebula_pool_create("race", .block_size = 64, .blocks = BLOCKS,
						      .cache_depth = 8), false);
}

static void racing_frees_in_a_strict_pool(struct kunit *test)
{
	expect_race_survived(test, nebula_pool_create("race", .block_size = 64, .blocks = 16,
						      .flags = NEBULA_STRICT), false);
}

static void racing_frees_in_development(struct kunit *test)
{
	expect_race_survived(test, nebula_pool_create("race", .block_size = 64, .blocks = 16,
						      .preset = NEBULA_DEVELOPMENT), true);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(waiters_are_woken),
	KUNIT_CASE(waiters_of_a_strict_pool_are_woken),
	KUNIT_CASE(waiters_in_a_crowd),
	KUNIT_CASE(waiters_of_a_strict_pool_in_a_crowd),
	KUNIT_CASE(racing_frees_in_production),
	KUNIT_CASE(racing_frees_in_a_strict_pool),
	KUNIT_CASE(racing_frees_in_development),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_race",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
