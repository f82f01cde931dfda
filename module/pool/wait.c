// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeping until blocks come back.
 *
 * Waiters stand in a line. The head of the line is served, with all that it wants at once, by the
 * irq_work that a free kicks, or by a waiter that has just joined. What it gets are tickets; it
 * turns them into blocks itself, which a ticket guarantees. So what the lock is held for does not
 * depend on how many blocks are wanted, and waiters for several cannot deadlock each other.
 *
 * The cost of waiting is paid here: while there is a waiter, magazines are left alone, so every
 * free is made known and every other allocation comes out of line, where it sees the line.
 *
 * No wake-up is lost:
 *
 *	waiter	joins the line, sets POOL_WAITING; smp_mb(); takes tickets from the root; sleeps
 *	free	adds to the root (a full barrier); POOL_WAITING? kicks the irq_work
 *
 *  1. A free that adds to the root before the waiter looks is found by it; one that adds later sees
 *     POOL_WAITING. Kicks that come while the irq_work is pending are one with it: it clears the
 *     wish before it looks.
 *  2. A free that had read the open magazines before may still fill one. If fewer than N blocks are
 *     live then, the root is not 0 even so, see magazine.c, and the add that made it so is a case
 *     of 1. Blocks beyond the N that lie in magazines are fetched when a grace period is over: by
 *     then nothing works on the magazines, and they are emptied.
 *  3. If the last waiter leaves and another joins before that, the magazines were open in between.
 *     quiet has changed then, and a new grace period begins.
 *  4. NMI: takes no lock here, it only kicks. PREEMPT_RT: completions are woken from the irq_work,
 *     whose raw lock is never taken by a free.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include "../core/context.h"
#include "../error/error.h"
#include "hooks.h"
#include "priv.h"

/* A task in the line. */
struct waiter {
	struct list_head node;	/* In the line. Lock: wait_lock. */
	struct completion done;	/* it has its tickets */
	unsigned int n;		/* how many blocks it wants */
	bool served;		/* It has its tickets. Lock: wait_lock. */
};

/* Tickets for @n blocks, from a strict pool for @n of the N promised, too. Any context. */
bool pool_tickets_for(struct nebula_pool_heap *heap, unsigned int n)
{
	const bool strict = heap->slow_reasons & POOL_STRICT;
	bool taken;

	preempt_disable();
	taken = !strict || pool_take_promised(heap, n);
	preempt_enable();
	if (!taken)
		return false;
	if (unlikely(!pool_take_all(&heap->avail, n))) {
		if (strict)
			atomic_long_sub(n, &heap->taken);
		return false;
	}
	if (!strict)
		pool_note_peak(heap, (long)READ_ONCE(heap->blocks) -
			       atomic_long_read(&heap->avail));
	if (unlikely(atomic_long_read(&heap->avail) < READ_ONCE(heap->low_water)))
		pool_wish(heap, POOL_WISH_GROW);
	return true;
}

/* May one that does not wait take @n? Not what the line will get. Any context. */
bool pool_may_take(const struct nebula_pool_heap *heap, unsigned int n)
{
	long left;

	if (likely(!(READ_ONCE(heap->slow_reasons) & POOL_WAITING)))
		return true;
	left = heap->slow_reasons & POOL_STRICT
		? (long)READ_ONCE(heap->nominal) - atomic_long_read(&heap->taken)
		: atomic_long_read(&heap->avail);
	return left >= (long)(READ_ONCE(heap->wanted) + n);
}

/* Lock: wait_lock. */
static void leave(struct nebula_pool_heap *heap, struct waiter *w)
{
	list_del(&w->node);
	WRITE_ONCE(heap->nr_waiters, heap->nr_waiters - 1);
	WRITE_ONCE(heap->wanted, heap->wanted - w->n);
	if (!heap->nr_waiters)
		pool_set_paths(heap);
}

/* Serves the line as far as tickets go, oldest first. Any context but NMI. */
void pool_serve_waiters(struct nebula_pool_heap *heap)
{
	unsigned long flags;
	struct waiter *w;

	raw_spin_lock_irqsave(&heap->wait_lock, flags);
	while (heap->nr_waiters) {
		w = list_first_entry(&heap->waiters, struct waiter, node);
		if (!pool_tickets_for(heap, w->n))
			break;
		leave(heap, w);
		w->served = true;
		complete(&w->done);
	}
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
}

/* A grace period is over: if the magazines were left alone during it, their blocks are fetched. */
static void fetch_cached(struct rcu_head *head)
{
	struct nebula_pool_heap *heap = container_of(head, struct nebula_pool_heap, wait_rcu);
	bool again, fetch;
	unsigned long flags;
	int cpu;

	raw_spin_lock_irqsave(&heap->wait_lock, flags);
	again = heap->nr_waiters && heap->quiet != heap->wait_quiet;
	fetch = heap->nr_waiters && !again;
	heap->wait_quiet = heap->quiet;
	heap->wait_pending = again;
	if (again)
		call_rcu(&heap->wait_rcu, fetch_cached);
	/* The last waiter may leave as soon as the lock is free, and magazines be used again. */
	for_each_possible_cpu(cpu)
		if (fetch)
			pool_magazine_empty_locked(heap, cpu);
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
}

static void join(struct nebula_pool_heap *heap, struct waiter *w)
{
	unsigned long flags;

	init_completion(&w->done);
	raw_spin_lock_irqsave(&heap->wait_lock, flags);
	list_add_tail(&w->node, &heap->waiters);
	WRITE_ONCE(heap->nr_waiters, heap->nr_waiters + 1);
	WRITE_ONCE(heap->wanted, heap->wanted + w->n);
	pool_set_paths(heap);
	if (heap->depth_max && !heap->wait_pending) {
		heap->wait_pending = true;
		heap->wait_quiet = heap->quiet;
		call_rcu(&heap->wait_rcu, fetch_cached);
	}
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
}

/* The tickets, also when they came at the same moment as what ended the sleep. */
static bool end_wait(struct nebula_pool_heap *heap, struct waiter *w)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&heap->wait_lock, flags);
	if (!w->served)
		leave(heap, w);
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
	if (w->served)
		return true;
	/* There may be enough for the next in line. */
	pool_wish(heap, POOL_WISH_WAKE);
	return false;
}

static int fail(struct nebula_pool_heap *heap, enum nebula_errc code, unsigned int n)
{
	int err = nebula_fail(&heap->pool.common, code, .size = heap->pool.block_size,
			      .what = "alloc_wait", .need = n > 1 ? n : 0);

	/* What was interrupted can be started again. */
	return code == NEBULA_E_INTERRUPTED ? -ERESTARTSYS : err;
}

static int sleep_for(struct nebula_pool_heap *heap, unsigned int n, long timeout, bool killable)
{
	struct waiter w = { .n = n };
	long left;

	if (n > READ_ONCE(heap->missing))
		WRITE_ONCE(heap->missing, n);
	pool_wish(heap, POOL_WISH_GROW);
	join(heap, &w);
	smp_mb();	/* Pairs with the add to the root in bitmap.c. */
	pool_serve_waiters(heap);
	left = killable ? wait_for_completion_killable_timeout(&w.done, timeout)
			: wait_for_completion_interruptible_timeout(&w.done, timeout);
	if (end_wait(heap, &w))
		return 0;
	return fail(heap, left ? NEBULA_E_INTERRUPTED : NEBULA_E_TIMED_OUT, n);
}

static int wait_for_blocks(struct nebula_pool_heap *heap, unsigned int n, void **objs,
			   long timeout, bool killable)
{
	unsigned int i;
	int err = 0;

	if (nebula_atomic_context())
		return fail(heap, NEBULA_E_WRONG_CONTEXT, n);
	might_sleep();
	if (unlikely(pool_must_fail(heap)))
		return -ENOMEM;
	if (!pool_may_take(heap, n) || !pool_tickets_for(heap, n))
		err = timeout > 0 ? sleep_for(heap, n, timeout, killable)
				  : fail(heap, NEBULA_E_TIMED_OUT, n);
	if (err)
		return err;
	if (!pool_collect_live(heap, n, objs))
		return -ENOMEM;
	for (i = 0; i < n; i++)
		pool_finish(heap, objs[i], heap->pool.block_size);
	return 0;
}

static int alloc_wait(struct nebula_pool *p, unsigned int n, void **objs, long timeout,
		      bool killable)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	int err;

	/* The pool's module may be unloaded while we sleep: it stays as long as we are counted. */
	atomic_inc(&heap->sleepers);
	err = wait_for_blocks(heap, n, objs, timeout, killable);
	atomic_dec(&heap->sleepers);
	return err;
}

static void *alloc_wait_one(struct nebula_pool *p, long timeout, bool killable)
{
	void *obj;
	int err = alloc_wait(p, 1, &obj, timeout, killable);

	return err ? ERR_PTR(err) : obj;
}

void *nebula_pool_alloc_wait(struct nebula_pool *p, long timeout_jiffies)
{
	return alloc_wait_one(p, timeout_jiffies, false);
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_wait);

void *nebula_pool_alloc_wait_killable(struct nebula_pool *p, long timeout_jiffies)
{
	return alloc_wait_one(p, timeout_jiffies, true);
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_wait_killable);

int nebula_pool_alloc_wait_bulk(struct nebula_pool *p, unsigned int n, void **objs,
				long timeout_jiffies)
{
	struct nebula_pool_heap *heap = pool_heap(p);

	if (unlikely(!n) || unlikely(!objs))
		return nebula_fail(&p->common, NEBULA_E_INVALID_LAYOUT, .what = "alloc_wait",
				   .detail = NEBULA_D_NO_BLOCKS);
	if (unlikely(pool_exceeds(heap, n)))
		return nebula_fail(&p->common, NEBULA_E_EXCEEDS_MAX, .size = p->block_size,
				   .detail = NEBULA_D_BULK, .what = "alloc_wait", .need = n);
	return alloc_wait(p, n, objs, timeout_jiffies, false);
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_wait_bulk);

/* How many wait for a block. Any context. Returns tasks. */
unsigned int nebula_pool_waiters(const struct nebula_pool *p)
{
	return READ_ONCE(pool_heap(p)->nr_waiters);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_pool_waiters);
