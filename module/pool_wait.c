// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeping until a block comes back.
 *
 * Waiters stand in a line. Blocks are handed to them, oldest first, by whoever gets to it: the
 * irq_work that a free kicks, or a waiter that has just come. What waiting costs is paid here:
 * while somebody waits, no cache takes a block, so every free is made known and every other
 * allocation comes out of line, where it sees that it has to wait its turn.
 *
 * No wake-up is lost:
 *
 *	waiter	joins the line, sets limit 0 and POOL_WAITING; asks all CPUs to empty their caches
 *		smp_mb(); looks for blocks; sleeps
 *	free	puts the block; full barrier; POOL_WAITING? kicks the irq_work, which looks too
 *	drain	puts what is in the caches of its CPU; serves the line
 *
 * The waiter waits for no other CPU. A free that read the limit before it was set may still put its
 * block into a cache, but it does so with preemption off, and the caches are emptied by a task on
 * each CPU, that is afterwards; that task serves the line. One that puts a block where everyone
 * finds it either comes before the waiter looks, which then finds it, or sees POOL_WAITING. Kicks
 * that come while the irq_work is pending are one with it: it clears the wish before it looks. A
 * wish that is set comes soon: it is set and queued with preemption off.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include "pool.h"

/**
 * struct waiter - a task in the line
 * @node: in the line. Lock: wait_lock.
 * @done: @obj was filled in.
 * @obj: its block. Lock: wait_lock.
 */
struct waiter {
	struct list_head node;
	struct completion done;
	void *obj;
};

/* Lock: wait_lock. */
static void leave(struct nebula_pool_heap *heap, struct waiter *w)
{
	list_del(&w->node);
	WRITE_ONCE(heap->nr_waiters, heap->nr_waiters - 1);
	pool_set_limits(heap);
}

/* Hands blocks to those who wait, oldest first. Any context but NMI. */
void pool_serve_waiters(struct nebula_pool_heap *heap)
{
	unsigned long flags;
	struct waiter *w;
	void *obj;

	raw_spin_lock_irqsave(&heap->wait_lock, flags);
	while (heap->nr_waiters) {
		obj = pool_alloc_quietly(heap);
		if (!obj)
			break;
		w = list_first_entry(&heap->waiters, struct waiter, node);
		leave(heap, w);
		w->obj = obj;
		complete(&w->done);
	}
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
}

/*
 * May a request that does not wait have @n blocks? Not while there are no more than those in the
 * line will get. Any context.
 */
bool pool_may_take(const struct nebula_pool_heap *heap, unsigned int n)
{
	if (likely(!(READ_ONCE(heap->attention) & POOL_WAITING)))
		return true;
	return READ_ONCE(heap->blocks) >= pool_live(heap) + READ_ONCE(heap->nr_waiters) + n;
}

/* Returns whether the line was empty. */
static bool join(struct nebula_pool_heap *heap, struct waiter *w)
{
	unsigned long flags;
	bool first;

	init_completion(&w->done);
	raw_spin_lock_irqsave(&heap->wait_lock, flags);
	first = !heap->nr_waiters;
	list_add_tail(&w->node, &heap->waiters);
	WRITE_ONCE(heap->nr_waiters, heap->nr_waiters + 1);
	pool_set_limits(heap);
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
	return first;
}

/* The block, also when it came at the same moment as what ended the sleep. */
static void *end_wait(struct nebula_pool_heap *heap, struct waiter *w)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&heap->wait_lock, flags);
	if (!w->obj)
		leave(heap, w);
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
	return w->obj;
}

static void *fail(struct nebula_pool_heap *heap, enum nebula_errc code)
{
	int err = nebula_fail(&heap->pool.common, code, .size = heap->pool.block_size,
			      .what = "alloc_wait");

	/* Who was interrupted can be started again. */
	return ERR_PTR(code == NEBULA_E_INTERRUPTED ? -ERESTARTSYS : err);
}

static void *wait_for_block(struct nebula_pool_heap *heap, long timeout, bool killable)
{
	unsigned long nominal;
	struct waiter w = { };
	long left;
	void *obj;

	if (nebula_atomic_context())
		return fail(heap, NEBULA_E_WRONG_CONTEXT);
	might_sleep();
	if (unlikely(pool_must_fail(heap)))
		return ERR_PTR(-ENOMEM);
	nominal = pool_nominal(heap);
	obj = pool_may_take(heap, 1) ? pool_alloc_quietly(heap) : NULL;
	if (obj)
		return pool_dress(heap, obj);
	if (timeout <= 0)
		return fail(heap, NEBULA_E_TIMED_OUT);

	if (pool_may_grow(heap, nominal, nominal + 1))
		pool_wish_growth(heap, nominal + 1);
	if (join(heap, &w))
		pool_drain_kick(heap);
	smp_mb();	/* Pairs with the full barriers in pool_put_direct(). */
	pool_serve_waiters(heap);
	left = killable ? wait_for_completion_killable_timeout(&w.done, timeout)
			: wait_for_completion_interruptible_timeout(&w.done, timeout);
	obj = end_wait(heap, &w);
	if (obj)
		return pool_dress(heap, obj);
	return fail(heap, left ? NEBULA_E_INTERRUPTED : NEBULA_E_TIMED_OUT);
}

/* The pool's module may be unloaded while we sleep: the pool stays as long as we are counted. */
static void *alloc_wait(struct nebula_pool_heap *heap, long timeout, bool killable)
{
	void *obj;

	atomic_inc(&heap->sleepers);
	obj = wait_for_block(heap, timeout, killable);
	atomic_dec(&heap->sleepers);
	return obj;
}

/**
 * nebula_pool_alloc_wait() - allocate a block, sleeping until there is one
 * @p: the pool.
 * @timeout_jiffies: how long at most; %MAX_SCHEDULE_TIMEOUT for ever, 0 or less not at all.
 *
 * Those who wait are served in the order in which they came, and before those who do not wait.
 *
 * Context: process context; sleeps. A signal ends the wait.
 * Return: the block, or ERR_PTR(): -ETIMEDOUT (TIMED_OUT), -ERESTARTSYS (INTERRUPTED), -EPERM in
 * atomic context (WRONG_CONTEXT), -ENOMEM when fail_alloc in debugfs has it fail (POOL_EXHAUSTED).
 */
void *nebula_pool_alloc_wait(struct nebula_pool *p, long timeout_jiffies)
{
	return alloc_wait(pool_heap(p), timeout_jiffies, false);
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_wait);

/**
 * nebula_pool_alloc_wait_killable() - as nebula_pool_alloc_wait(), but only for fatal signals
 * @p: the pool.
 * @timeout_jiffies: how long at most; %MAX_SCHEDULE_TIMEOUT for ever, 0 or less not at all.
 *
 * Context: process context; sleeps. A signal that kills ends the wait.
 * Return: as nebula_pool_alloc_wait().
 */
void *nebula_pool_alloc_wait_killable(struct nebula_pool *p, long timeout_jiffies)
{
	return alloc_wait(pool_heap(p), timeout_jiffies, true);
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_wait_killable);

/**
 * nebula_pool_waiters() - how many wait for a block
 * @p: the pool.
 *
 * Context: any.
 * Return: tasks.
 */
unsigned int nebula_pool_waiters(const struct nebula_pool *p)
{
	return READ_ONCE(pool_heap(p)->nr_waiters);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_pool_waiters);
