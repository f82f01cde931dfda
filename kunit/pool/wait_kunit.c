// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: waiting for a block, in order, until time or patience is over; and blocks put aside for
 * those who cannot wait.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include "../../module/compat.h"
#include "../../module/core/inject.h"
#include "../../module/pool/hooks.h"
#include "../fixture.h"

#define BLOCKS		160
#define FOREVER		MAX_SCHEDULE_TIMEOUT

/* No verdict depends on this; it only ends a test that would otherwise hang. */
#define LONG_ENOUGH	(20 * HZ)

typedef void *(*wait_fn)(struct nebula_pool *p, long timeout);

/* A pool of which nothing is left; all of it is in what is returned. */
static struct held *drained_pool(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 24, .blocks = BLOCKS,
						   .flags = flags);
	struct held *h;

	ASSERT_POOL(test, p);
	h = held_create(test, p, held_most(p));
	held_take_all(h);
	KUNIT_ASSERT_EQ(test, h->count, held_most(p));
	KUNIT_ASSERT_NULL(test, nebula_pool_alloc(p));
	return h;
}

static void destroy_whole(struct kunit *test, struct held *h)
{
	held_verify(test, h);
	held_give(h, UINT_MAX);
	KUNIT_EXPECT_EQ(test, nebula_pool_waiters(h->pool), 0U);
	expect_whole(test, h->pool, BLOCKS);
	nebula_pool_destroy(h->pool);
}

/**
 * struct waiter - a task that waits for a block
 * @pool: of this pool.
 * @wait: in this way.
 * @timeout: so long, in jiffies.
 * @signal: what it does not ignore.
 * @task: the task.
 * @obj: what it got.
 * @done: it got it.
 */
struct waiter {
	struct nebula_pool *pool;
	wait_fn wait;
	long timeout;
	int signal;
	struct task_struct *task;
	void *obj;
	struct completion done;
};

static int wait_for_block(void *data)
{
	struct waiter *w = data;

	allow_signal(w->signal);
	w->obj = w->wait(w->pool, w->timeout);
	complete(&w->done);
	/* The task must be there for as long as the test may send it a signal. */
	while (!kthread_should_stop()) {
		set_current_state(TASK_IDLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

/* A task that has yet to be woken. */
static struct waiter *waiter_create(struct kunit *test, struct nebula_pool *p, wait_fn wait,
				    int signal)
{
	struct waiter *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	*w = (struct waiter){
		.pool = p, .wait = wait, .timeout = FOREVER, .signal = signal,
	};
	init_completion(&w->done);
	w->task = kthread_create(wait_for_block, w, "nebula_waiter");
	KUNIT_ASSERT_FALSE(test, IS_ERR(w->task));
	return w;
}

/* Starts a task and comes back when it waits. */
static struct waiter *waiter_start(struct kunit *test, struct nebula_pool *p, wait_fn wait,
				   int signal)
{
	struct waiter *w = waiter_create(test, p, wait, signal);
	const unsigned int before = nebula_pool_waiters(p);
	const unsigned long limit = jiffies + LONG_ENOUGH;

	wake_up_process(w->task);
	while (nebula_pool_waiters(p) == before && time_before(jiffies, limit))
		schedule_timeout_uninterruptible(1);
	KUNIT_ASSERT_EQ(test, nebula_pool_waiters(p), before + 1);
	return w;
}

/* What the waiter got; it has to get something. */
static void *waiter_end(struct kunit *test, struct waiter *w)
{
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&w->done, LONG_ENOUGH), 0UL);
	kthread_stop(w->task);
	return w->obj;
}

/* The block that was given back last is what @obj has to be; it goes back among the others. */
static void expect_handed_over(struct kunit *test, struct held *h, void *obj)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
	/* A strict pool has slack besides, of which any may be handed out in its place. */
	if (!(h->pool->common.flags & NEBULA_STRICT))
		KUNIT_EXPECT_PTR_EQ(test, obj, h->blocks[h->count]);
	h->blocks[h->count] = obj;
	fixture_stamp(obj, h->pool->block_size, h->count);
	h->count++;
}

/* One below what is promised can be had at once, wherever it lies. */
static void expect_served_at_once(struct kunit *test, u32 flags, wait_fn wait)
{
	static const long timeouts[] = { 0, -1, 1, FOREVER };
	struct held *h = drained_pool(test, flags);
	const u64 failed = fixture_failed(h->pool);
	unsigned int i;
	void *obj;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		held_give(h, h->count - BLOCKS + 1);
		obj = wait(h->pool, timeouts[i]);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
		fixture_stamp(obj, h->pool->block_size, h->count);
		h->blocks[h->count++] = obj;
		KUNIT_EXPECT_EQ(test, nebula_pool_used(h->pool), h->count);
	}
	KUNIT_EXPECT_EQ(test, fixture_failed(h->pool), failed);
	destroy_whole(test, h);
}

static void wait_is_over_when_something_is_free(struct kunit *test)
{
	expect_served_at_once(test, 0, nebula_pool_alloc_wait);
	expect_served_at_once(test, 0, nebula_pool_alloc_wait_killable);
	expect_served_at_once(test, NEBULA_STRICT, nebula_pool_alloc_wait);
	expect_served_at_once(test, NEBULA_DEBUG_FLAGS, nebula_pool_alloc_wait);
}

/* Time runs out, and that is all that happens. */
static void expect_times_out(struct kunit *test, u32 flags, wait_fn wait)
{
	static const long timeouts[] = { 0, 1, 2, 0, -1, LONG_MIN };
	struct held *h = drained_pool(test, flags);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(timeouts); i++) {
		KUNIT_EXPECT_EQ(test, PTR_ERR(wait(h->pool, timeouts[i])), (long)-ETIMEDOUT);
		EXPECT_ERROR(test, h->pool, NEBULA_E_TIMED_OUT);
		KUNIT_EXPECT_EQ(test, nebula_pool_waiters(h->pool), 0U);
	}
	KUNIT_EXPECT_EQ(test, fixture_failures(h->pool, NEBULA_E_TIMED_OUT),
			(u64)ARRAY_SIZE(timeouts));
	destroy_whole(test, h);
}

static void wait_times_out(struct kunit *test)
{
	expect_times_out(test, 0, nebula_pool_alloc_wait);
	expect_times_out(test, NEBULA_STRICT, nebula_pool_alloc_wait);
	expect_times_out(test, NEBULA_STRICT, nebula_pool_alloc_wait_killable);
}

static void give_plainly(struct nebula_pool *p, void *obj)
{
	nebula_pool_free(p, obj);
}

static void give_in_bulk(struct nebula_pool *p, void *obj)
{
	nebula_pool_free_bulk(p, 1, &obj);
}

static void give_with_irqs_off(struct nebula_pool *p, void *obj)
{
	unsigned long flags;

	local_irq_save(flags);
	nebula_pool_free(p, obj);
	local_irq_restore(flags);
}

/* Every way back into the pool ends a wait; the other CPU's caches are no hiding place. */
static void expect_woken(struct kunit *test, u32 flags)
{
	static void (*const ways[])(struct nebula_pool *p, void *obj) = {
		give_plainly, give_in_bulk, give_with_irqs_off, nebula_pool_free_rcu,
	};
	struct held *h = drained_pool(test, flags);
	unsigned int way;
	struct waiter *w;

	for (way = 0; way < ARRAY_SIZE(ways); way++) {
		w = waiter_start(test, h->pool, way % 2 ? nebula_pool_alloc_wait
							: nebula_pool_alloc_wait_killable, SIGUSR1);
		h->count--;
		ways[way](h->pool, h->blocks[h->count]);
		expect_handed_over(test, h, waiter_end(test, w));
		KUNIT_EXPECT_EQ(test, nebula_pool_waiters(h->pool), 0U);
	}
	w = waiter_start(test, h->pool, nebula_pool_alloc_wait, SIGUSR1);
	held_give_on(fixture_cpu(), h, 1);
	expect_handed_over(test, h, waiter_end(test, w));
	w = waiter_start(test, h->pool, nebula_pool_alloc_wait, SIGUSR1);
	held_give_on(fixture_other_cpu(test), h, 1);
	expect_handed_over(test, h, waiter_end(test, w));
	destroy_whole(test, h);
}

static void wait_is_ended_by_a_free(struct kunit *test)
{
	expect_woken(test, 0);
	expect_woken(test, NEBULA_STRICT);
	expect_woken(test, NEBULA_ZERO);
	expect_woken(test, NEBULA_DEBUG_FLAGS);
}

/**
 * struct late_free - frees a block in an interrupt as soon as a task waits
 * @timer: the interrupt, again and again.
 * @pool: whose the block is.
 * @obj: the block.
 */
struct late_free {
	struct hrtimer timer;
	struct nebula_pool *pool;
	void *obj;
};

static enum hrtimer_restart free_when_awaited(struct hrtimer *timer)
{
	struct late_free *l = container_of(timer, struct late_free, timer);

	if (nebula_pool_waiters(l->pool)) {
		nebula_pool_free(l->pool, l->obj);
		return HRTIMER_NORESTART;
	}
	hrtimer_forward_now(timer, ns_to_ktime(100 * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static struct late_free *late_free_create(struct kunit *test, struct nebula_pool *p,
					  enum hrtimer_mode mode)
{
	struct late_free *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, l);
	l->pool = p;
	compat_hrtimer_setup(&l->timer, free_when_awaited, CLOCK_MONOTONIC, mode);
	return l;
}

static void expect_woken_by_interrupt(struct kunit *test, u32 flags, enum hrtimer_mode mode)
{
	struct held *h = drained_pool(test, flags);
	struct late_free *l = late_free_create(test, h->pool, mode);
	unsigned int round;
	void *obj;

	for (round = 0; round < 8; round++) {
		l->obj = h->blocks[--h->count];
		hrtimer_start(&l->timer, 0, mode);
		obj = nebula_pool_alloc_wait(h->pool, LONG_ENOUGH);
		hrtimer_cancel(&l->timer);
		expect_handed_over(test, h, obj);
	}
	destroy_whole(test, h);
}

static void wait_is_ended_by_an_interrupt(struct kunit *test)
{
	expect_woken_by_interrupt(test, 0, HRTIMER_MODE_REL_HARD);
	expect_woken_by_interrupt(test, 0, HRTIMER_MODE_REL_SOFT);
	expect_woken_by_interrupt(test, NEBULA_STRICT, HRTIMER_MODE_REL_HARD);
	expect_woken_by_interrupt(test, NEBULA_DEBUG_FLAGS, HRTIMER_MODE_REL_HARD);
}

/* Who came first is served first, and the next is not served by the same block. */
static void expect_order(struct kunit *test, u32 flags)
{
	struct held *h = drained_pool(test, flags);
	struct waiter *w[3];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(w); i++)
		w[i] = waiter_start(test, h->pool, i % 2 ? nebula_pool_alloc_wait_killable
							 : nebula_pool_alloc_wait, SIGUSR1);
	for (i = 0; i < ARRAY_SIZE(w); i++) {
		held_give(h, 1);
		expect_handed_over(test, h, waiter_end(test, w[i]));
		KUNIT_EXPECT_EQ(test, nebula_pool_waiters(h->pool), 2 - i);
		for (j = i + 1; j < ARRAY_SIZE(w); j++)
			KUNIT_EXPECT_FALSE(test, completion_done(&w[j]->done));
	}
	destroy_whole(test, h);
}

static void wait_is_first_come_first_served(struct kunit *test)
{
	expect_order(test, 0);
	expect_order(test, NEBULA_STRICT);
	expect_order(test, NEBULA_DEBUG_FLAGS);
}

/* Three wait, three blocks come at once: each gets one of them. */
static void wait_of_many_is_ended_by_many(struct kunit *test)
{
	struct held *h = drained_pool(test, 0);
	struct waiter *w[3];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(w); i++)
		w[i] = waiter_start(test, h->pool, nebula_pool_alloc_wait, SIGUSR1);
	h->count -= ARRAY_SIZE(w);
	nebula_pool_free_bulk(h->pool, ARRAY_SIZE(w), &h->blocks[h->count]);
	for (i = 0; i < ARRAY_SIZE(w); i++) {
		h->blocks[h->count] = waiter_end(test, w[i]);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, h->blocks[h->count]);
		fixture_stamp(h->blocks[h->count], h->pool->block_size, h->count);
		h->count++;
	}
	KUNIT_EXPECT_NULL(test, nebula_pool_alloc(h->pool));
	destroy_whole(test, h);
}

/* A block that comes back goes to the waiting task, however fast another task asks for it. */
static void expect_waiters_first(struct kunit *test, u32 flags)
{
	struct held *h = drained_pool(test, flags);
	struct waiter *w = waiter_start(test, h->pool, nebula_pool_alloc_wait, SIGUSR1);
	unsigned long irq;
	void *early, *one;
	bool bulk;

	KUNIT_EXPECT_NULL(test, nebula_pool_alloc(h->pool));
	EXPECT_ERROR(test, h->pool, NEBULA_E_POOL_EXHAUSTED);
	local_irq_save(irq);
	held_give(h, 1);
	early = nebula_pool_alloc(h->pool);
	bulk = nebula_pool_alloc_bulk(h->pool, 1, &one);
	local_irq_restore(irq);
	KUNIT_EXPECT_NULL(test, early);
	KUNIT_EXPECT_FALSE(test, bulk);
	expect_handed_over(test, h, waiter_end(test, w));
	destroy_whole(test, h);
}

static void wait_comes_before_those_who_do_not(struct kunit *test)
{
	expect_waiters_first(test, 0);
	expect_waiters_first(test, NEBULA_STRICT);
	expect_waiters_first(test, NEBULA_ZERO);
}

/* After the last waiter, the fast path is back: blocks are cached again. */
static void wait_leaves_no_trace(struct kunit *test)
{
	struct held *h = drained_pool(test, 0);
	struct waiter *w;

	KUNIT_ASSERT_TRUE(test, nebula_pool_is_inline(h->pool));
	w = waiter_start(test, h->pool, nebula_pool_alloc_wait, SIGUSR1);
	KUNIT_EXPECT_FALSE(test, nebula_pool_is_inline(h->pool));
	held_give(h, 1);
	expect_handed_over(test, h, waiter_end(test, w));
	KUNIT_EXPECT_TRUE(test, nebula_pool_is_inline(h->pool));
	KUNIT_EXPECT_EQ(test, PTR_ERR(nebula_pool_alloc_wait(h->pool, 1)), (long)-ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test, nebula_pool_is_inline(h->pool));
	destroy_whole(test, h);
}

static void expect_ended_by(struct kunit *test, wait_fn wait, int signal)
{
	struct held *h = drained_pool(test, 0);
	struct waiter *w = waiter_start(test, h->pool, wait, signal);

	send_sig(signal, w->task, 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR(waiter_end(test, w)), (long)-ERESTARTSYS);
	EXPECT_ERROR(test, h->pool, NEBULA_E_INTERRUPTED);
	KUNIT_EXPECT_EQ(test, nebula_pool_waiters(h->pool), 0U);
	destroy_whole(test, h);
}

static void wait_is_ended_by_a_signal(struct kunit *test)
{
	expect_ended_by(test, nebula_pool_alloc_wait, SIGUSR1);
	expect_ended_by(test, nebula_pool_alloc_wait, SIGKILL);
	expect_ended_by(test, nebula_pool_alloc_wait_killable, SIGKILL);
}

/* A signal that does not kill ends no killable wait: it is a block that ends it. */
static void wait_killable_ignores_other_signals(struct kunit *test)
{
	struct held *h = drained_pool(test, 0);
	struct waiter *w = waiter_start(test, h->pool, nebula_pool_alloc_wait_killable, SIGUSR1);

	send_sig(SIGUSR1, w->task, 1);
	KUNIT_EXPECT_EQ(test, nebula_pool_waiters(h->pool), 1U);
	held_give(h, 1);
	expect_handed_over(test, h, waiter_end(test, w));
	destroy_whole(test, h);
}

/* The task in the middle gives up; those before and behind it keep their places. */
static void wait_of_others_outlives_a_signal(struct kunit *test)
{
	struct held *h = drained_pool(test, NEBULA_STRICT);
	struct waiter *w[3];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(w); i++)
		w[i] = waiter_start(test, h->pool, nebula_pool_alloc_wait, SIGUSR1);
	send_sig(SIGUSR1, w[1]->task, 1);
	KUNIT_EXPECT_EQ(test, PTR_ERR(waiter_end(test, w[1])), (long)-ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, nebula_pool_waiters(h->pool), 2U);
	held_give(h, 1);
	expect_handed_over(test, h, waiter_end(test, w[0]));
	held_give(h, 1);
	expect_handed_over(test, h, waiter_end(test, w[2]));
	destroy_whole(test, h);
}

/**
 * struct twofold - a CPU on which a wait is ended twice before the one who waits can run
 * @waiter: sleeps, and can run on this CPU only.
 * @obj: what it is served with.
 * @asleep: it slept when it began.
 */
struct twofold {
	struct waiter *waiter;
	void *obj;
	bool asleep;
};

/* By a signal, and then by a block. */
static long end_twice(void *data)
{
	const unsigned long limit = jiffies + LONG_ENOUGH;
	struct twofold *t = data;
	struct waiter *w = t->waiter;

	preempt_disable();
	t->asleep = !task_is_running(w->task) && nebula_pool_waiters(w->pool) == 1;
	send_sig(w->signal, w->task, 1);
	nebula_pool_free(w->pool, t->obj);
	while (nebula_pool_waiters(w->pool) && time_before(jiffies, limit))
		cpu_relax();
	preempt_enable();
	return 0;
}

/* A block that comes as the wait is given up belongs to the one who waited. */
static void expect_block_is_kept(struct kunit *test, u32 flags, int cpu)
{
	struct held *h = drained_pool(test, flags);
	struct waiter *w = waiter_create(test, h->pool, nebula_pool_alloc_wait, SIGUSR1);
	const unsigned long limit = jiffies + LONG_ENOUGH;
	struct twofold t = { w, h->blocks[--h->count] };

	kthread_bind(w->task, cpu);
	wake_up_process(w->task);
	/* Not the sleep in which it makes the caches empty: that no signal ends. */
	while (READ_ONCE(w->task->__state) != TASK_INTERRUPTIBLE && time_before(jiffies, limit))
		schedule_timeout_uninterruptible(1);
	work_on_cpu(cpu, end_twice, &t);
	KUNIT_EXPECT_TRUE(test, t.asleep);
	expect_handed_over(test, h, waiter_end(test, w));
	KUNIT_EXPECT_EQ(test, fixture_failures(h->pool, NEBULA_E_INTERRUPTED), 0ULL);
	destroy_whole(test, h);
}

static void wait_given_up_as_it_is_served(struct kunit *test)
{
	expect_block_is_kept(test, 0, fixture_cpu());
	expect_block_is_kept(test, NEBULA_STRICT, fixture_other_cpu(test));
}

/*
 * Time runs out about when the block comes back: the waiter has it or the pool does, never both and
 * never neither.
 */
static void wait_times_out_as_it_is_served(struct kunit *test)
{
	struct held *h = drained_pool(test, NEBULA_STRICT);
	struct late_free *l = late_free_create(test, h->pool, HRTIMER_MODE_REL_HARD);
	unsigned int round;
	void *obj;

	for (round = 0; round < 30; round++) {
		l->obj = h->blocks[--h->count];
		hrtimer_start(&l->timer, ns_to_ktime(jiffies_to_nsecs(1) - 100000 + 4000 * round),
			      HRTIMER_MODE_REL_HARD);
		obj = nebula_pool_alloc_wait(h->pool, 1);
		if (hrtimer_cancel(&l->timer))
			nebula_pool_free(h->pool, l->obj);
		if (IS_ERR(obj))
			obj = nebula_pool_alloc(h->pool);
		expect_handed_over(test, h, obj);
		KUNIT_ASSERT_NULL(test, nebula_pool_alloc(h->pool));
	}
	destroy_whole(test, h);
}

static void wait_in_atomic_context(struct kunit *test)
{
	struct held *h = drained_pool(test, NEBULA_STRICT);
	unsigned long flags;
	void *obj, *killable, *served;

	local_irq_save(flags);
	obj = nebula_pool_alloc_wait(h->pool, FOREVER);
	killable = nebula_pool_alloc_wait_killable(h->pool, 0);
	held_give(h, 1);
	served = nebula_pool_alloc_wait(h->pool, FOREVER);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, PTR_ERR(obj), (long)-EPERM);
	KUNIT_EXPECT_EQ(test, PTR_ERR(killable), (long)-EPERM);
	KUNIT_EXPECT_EQ(test, PTR_ERR(served), (long)-EPERM);
	EXPECT_ERROR(test, h->pool, NEBULA_E_WRONG_CONTEXT);
	KUNIT_EXPECT_EQ(test, fixture_failures(h->pool, NEBULA_E_WRONG_CONTEXT), 3ULL);
	KUNIT_EXPECT_EQ(test, held_take(h, 2), 1U);
	destroy_whole(test, h);
}

/* What is left lies in the cache of a CPU on which no task asks. */
static void wait_finds_what_another_cpu_caches(struct kunit *test)
{
	const int here = fixture_cpu(), there = fixture_other_cpu(test);
	struct held *h = drained_pool(test, 0);
	struct waiter *w;

	KUNIT_ASSERT_TRUE(test, nebula_pool_is_inline(h->pool));
	held_give_on(there, h, 1);
	w = waiter_create(test, h->pool, nebula_pool_alloc_wait, SIGUSR1);
	kthread_bind(w->task, here);
	wake_up_process(w->task);
	expect_handed_over(test, h, waiter_end(test, w));
	destroy_whole(test, h);
}

static void wait_keeps_the_pool(struct kunit *test)
{
	struct held *h = drained_pool(test, 0);
	struct waiter *w = waiter_start(test, h->pool, nebula_pool_alloc_wait, SIGUSR1);

	nebula_pool_destroy(h->pool);
	EXPECT_ERROR(test, h->pool, NEBULA_E_INVALID_STATE);
	KUNIT_EXPECT_EQ(test, nebula_pool_waiters(h->pool), 1U);
	held_give(h, 1);
	expect_handed_over(test, h, waiter_end(test, w));
	destroy_whole(test, h);
}

static void wait_is_ended_by_growth(struct kunit *test)
{
	struct held *h = drained_pool(test, NEBULA_STRICT);
	struct waiter *w = waiter_start(test, h->pool, nebula_pool_alloc_wait, SIGUSR1);
	void *obj;

	KUNIT_EXPECT_EQ(test, nebula_pool_grow(h->pool, 10, GFP_KERNEL), 0);
	obj = waiter_end(test, w);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
	nebula_pool_free(h->pool, obj);
	KUNIT_EXPECT_EQ(test, nebula_pool_shrink(h->pool), 10U);
	destroy_whole(test, h);
}

static struct nebula_pool *pool_to_reserve_from(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 24, .blocks = BLOCKS,
						   .flags = flags);

	ASSERT_POOL(test, p);
	return p;
}

/* What is put aside is there when nothing else is, also for those who may not sleep. */
static void expect_reserved(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = pool_to_reserve_from(test, flags);
	struct held *h = held_create(test, p, held_most(p));
	struct nebula_reserve r;
	unsigned long irq;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, nebula_pool_reserve(p, &r, 30), 0);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 30U);
	held_take_all(h);
	KUNIT_ASSERT_EQ(test, h->count, held_most(p) - 30);
	local_irq_save(irq);
	for (i = 0; i < 20; i++) {
		h->blocks[h->count] = nebula_pool_alloc_reserved(&r);
		if (!h->blocks[h->count])
			break;
		fixture_stamp(h->blocks[h->count], 24, h->count);
		h->count++;
	}
	local_irq_restore(irq);
	KUNIT_EXPECT_EQ(test, i, 20U);
	nebula_pool_unreserve(&r);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), held_most(p) - 10);
	held_take_all(h);
	KUNIT_EXPECT_EQ(test, h->count, held_most(p));
	destroy_whole(test, h);
}

static void reserve_is_there_when_nothing_else_is(struct kunit *test)
{
	expect_reserved(test, 0);
	expect_reserved(test, NEBULA_STRICT);
	expect_reserved(test, NEBULA_DEBUG_FLAGS);
}

static void reserve_hands_out_clean_blocks(struct kunit *test)
{
	struct nebula_pool *p = pool_to_reserve_from(test, NEBULA_ZERO);
	struct held *h = held_create(test, p, BLOCKS);
	struct nebula_reserve r;
	u8 *obj;

	held_take(h, BLOCKS);
	held_give(h, BLOCKS);
	KUNIT_ASSERT_EQ(test, nebula_pool_reserve(p, &r, 2), 0);
	obj = nebula_pool_alloc_reserved(&r);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	KUNIT_EXPECT_NULL(test, memchr_inv(obj, 0, 24));
	nebula_pool_free(p, obj);
	nebula_pool_unreserve(&r);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void reserve_runs_out(struct kunit *test)
{
	struct nebula_pool *p = pool_to_reserve_from(test, 0);
	struct nebula_reserve r, none = { };
	void *obj;

	fixture_listen(test);
	KUNIT_ASSERT_EQ(test, nebula_pool_reserve(p, &r, 1), 0);
	obj = nebula_pool_alloc_reserved(&r);
	KUNIT_EXPECT_NOT_NULL(test, obj);
	KUNIT_EXPECT_NULL(test, nebula_pool_alloc_reserved(&r));
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_POOL_EXHAUSTED, NULL), 1U);
	KUNIT_EXPECT_NULL(test, nebula_pool_alloc_reserved(&none));
	nebula_pool_unreserve(&r);
	nebula_pool_unreserve(&r);
	nebula_pool_unreserve(&none);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 1U);
	nebula_pool_free(p, obj);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

/**
 * struct bad_reserve - what nebula_pool_reserve() has to refuse
 * @n: blocks asked for.
 * @err: errno returned.
 * @code: code of the record.
 */
struct bad_reserve {
	unsigned int n;
	int err;
	enum nebula_errc code;
};

static void reserve_refusals(struct kunit *test)
{
	static const struct bad_reserve bad[] = {
		{ 0, -EINVAL, NEBULA_E_INVALID_LAYOUT },
		{ BLOCKS + 1, -E2BIG, NEBULA_E_EXCEEDS_MAX },
		{ UINT_MAX, -E2BIG, NEBULA_E_EXCEEDS_MAX },
		{ BLOCKS, -ENOMEM, NEBULA_E_POOL_EXHAUSTED },
		{ BLOCKS - 9, -ENOMEM, NEBULA_E_POOL_EXHAUSTED },
	};
	struct nebula_pool *p = pool_to_reserve_from(test, NEBULA_STRICT);
	struct held *h = held_create(test, p, BLOCKS);
	struct nebula_reserve r;
	unsigned int i;

	held_take(h, 10);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_EQ(test, nebula_pool_reserve(p, &r, bad[i].n), bad[i].err);
		EXPECT_ERROR(test, p, bad[i].code);
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 10U);
		KUNIT_EXPECT_NULL(test, nebula_pool_alloc_reserved(&r));
		nebula_pool_unreserve(&r);
	}
	held_give(h, 10);
	KUNIT_EXPECT_EQ(test, nebula_pool_reserve(p, &r, BLOCKS), 0);
	KUNIT_EXPECT_NULL(test, nebula_pool_alloc(p));
	nebula_pool_unreserve(&r);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void reserve_fails(struct kunit *test)
{
	struct nebula_pool *p = pool_to_reserve_from(test, 0);
	struct nebula_reserve r, kept;
	unsigned long flags;
	int ret;

	nebula_fault_arm(1, 1);
	KUNIT_EXPECT_EQ(test, nebula_pool_reserve(p, &r, 5), -ENOMEM);
	KUNIT_EXPECT_EQ(test, nebula_fault_disarm(), 1U);
	EXPECT_ERROR(test, p, NEBULA_E_BACKING_FAILED);
	local_irq_save(flags);
	ret = nebula_pool_reserve(p, &r, 5);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, ret, -EPERM);
	EXPECT_ERROR(test, p, NEBULA_E_WRONG_CONTEXT);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);

	KUNIT_ASSERT_EQ(test, nebula_pool_reserve(p, &kept, 5), 0);
	nebula_pool_destroy(p);
	EXPECT_ERROR(test, p, NEBULA_E_INVALID_STATE);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 5U);
	local_irq_save(flags);
	nebula_pool_unreserve(&kept);
	local_irq_restore(flags);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(wait_is_over_when_something_is_free),
	KUNIT_CASE(wait_times_out),
	KUNIT_CASE(wait_is_ended_by_a_free),
	KUNIT_CASE(wait_is_ended_by_an_interrupt),
	KUNIT_CASE(wait_is_first_come_first_served),
	KUNIT_CASE(wait_of_many_is_ended_by_many),
	KUNIT_CASE(wait_comes_before_those_who_do_not),
	KUNIT_CASE(wait_leaves_no_trace),
	KUNIT_CASE(wait_is_ended_by_a_signal),
	KUNIT_CASE(wait_killable_ignores_other_signals),
	KUNIT_CASE(wait_of_others_outlives_a_signal),
	KUNIT_CASE(wait_given_up_as_it_is_served),
	KUNIT_CASE(wait_times_out_as_it_is_served),
	KUNIT_CASE(wait_in_atomic_context),
	KUNIT_CASE(wait_finds_what_another_cpu_caches),
	KUNIT_CASE(wait_keeps_the_pool),
	KUNIT_CASE(wait_is_ended_by_growth),
	KUNIT_CASE(reserve_is_there_when_nothing_else_is),
	KUNIT_CASE(reserve_hands_out_clean_blocks),
	KUNIT_CASE(reserve_runs_out),
	KUNIT_CASE(reserve_refusals),
	KUNIT_CASE(reserve_fails),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_wait",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
