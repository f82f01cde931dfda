// SPDX-License-Identifier: GPL-2.0-only
/*
 * Misses: values are computed, in process context.
 *
 * With NEBULA_CACHE_DEDUP or NEBULA_CACHE_ASYNC the entry is put into the table before its value is
 * computed, so there is one computer of a key at a time. Others find the entry, take a reference
 * and sleep until its state changes; a reference is all they need, whatever becomes of the entry
 * in the table. Without, the entry goes in when its value is there, unless another one was faster.
 *
 *  - The computation fails: the entry leaves the table first, then the tasks that sleep are woken
 *    and return the error. A task that asks after that computes anew.
 *  - The computer was interrupted (-EINTR, -ERESTARTSYS): the same, but the tasks that sleep look
 *    the key up again, and the first of them to put an entry in is the next computer.
 *  - The computer died in the computation: a task that sleeps for it looks now and then, and does
 *    in its place what it would have done if it had been interrupted.
 *  - The key is invalidated while it is computed: the entry leaves the table, and its value goes
 *    only to the tasks that have asked for it by then.
 *  - Workers compute, and the value was there but is too old: the new entry takes the place of the
 *    old one and refers to it, so that lookups find that until there is a result.
 *
 * A computation may ask for other keys. Each running one is in a list with its task and with what
 * the task sleeps for, so that a task that would sleep for itself, over however many others, is
 * told instead: RECURSION for a key that it computes itself, CYCLE for one that waits for it. A
 * computation leaves nothing to workers, and takes from them what they have not begun: workers that
 * wait for work behind them would wait for ever.
 */
#include <linux/export.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <trace/events/nebula.h>
#include "../core/context.h"
#include "../core/inject.h"
#include "../error/error.h"
#include "priv.h"

/* The value is on its way: another look is needed. */
#define AGAIN		ERR_PTR(-EAGAIN)

/* Jiffies after which a task that sleeps looks if its computer has died. */
#define PATIENCE	HZ

/* The newest first. */
static LIST_HEAD(flights);
static DEFINE_SPINLOCK(flights_lock);

/**
 * struct order - a value that a worker shall compute
 * @work: the work.
 * @entry: which, with a reference.
 */
struct order {
	struct work_struct work;
	struct cache_entry *entry;
};

static bool was_interrupted(int err)
{
	return err == -EINTR || err == -ERESTARTSYS;
}

static void *fail(struct nebula_cache *c, enum nebula_errc code, enum nebula_detail detail,
		  int err)
{
	const int ret = nebula_fail(&c->common, code, .detail = detail, .value = -err,
				    .what = "get_or_compute");

	return ERR_PTR(err ?: ret);
}

/* Lock: flights. */
static struct cache_entry *newest_of(const struct task_struct *task)
{
	struct cache_entry *e;

	list_for_each_entry(e, &flights, flight.node)
		if (e->flight.task == task)
			return e;
	return NULL;
}

/* Is @e being computed? Lock: flights. */
static bool is_flying(const struct cache_entry *e)
{
	return e->claimed && !list_empty(&e->flight.node);
}

/* Does this task run a computation? */
static bool is_computing(void)
{
	bool found;

	spin_lock(&flights_lock);
	found = newest_of(current);
	spin_unlock(&flights_lock);
	return found;
}

/* From now on this task computes @e, unless another one does or did. */
static bool begin(struct cache_entry *e)
{
	bool first;

	spin_lock(&flights_lock);
	first = !e->claimed;
	if (first) {
		e->claimed = true;
		e->flight.task = get_task_struct(current);
		e->flight.awaited = NULL;
		list_add(&e->flight.node, &flights);
	}
	spin_unlock(&flights_lock);
	return first;
}

static void end(struct cache_entry *e)
{
	spin_lock(&flights_lock);
	list_del_init(&e->flight.node);
	spin_unlock(&flights_lock);
	put_task_struct(current);
}

/* Is this task computing the key already? */
static bool is_recursion(const struct nebula_cache *c, const void *key)
{
	struct cache_entry *e;
	bool found = false;

	spin_lock(&flights_lock);
	list_for_each_entry(e, &flights, flight.node)
		found |= e->flight.task == current && e->cache == c &&
			 cache_keys_equal(c, e->key, key);
	spin_unlock(&flights_lock);
	return found;
}

/* Would this task, which sleeps for @e, wake itself? Lock: flights. */
static bool is_cycle(const struct cache_entry *e)
{
	while (e && is_flying(e)) {
		if (e->flight.task == current)
			return true;
		e = newest_of(e->flight.task)->flight.awaited;
	}
	return false;
}

/* From now on this task sleeps for @e, or not any more. Returns false for one that must not. */
static bool set_awaited(struct cache_entry *e)
{
	struct cache_entry *own;
	bool cycle;

	spin_lock(&flights_lock);
	own = newest_of(current);
	cycle = own && e && is_cycle(e);
	if (own)
		own->flight.awaited = cycle ? NULL : e;
	spin_unlock(&flights_lock);
	return !cycle;
}

static void count_time(struct nebula_cache *c, u64 ns)
{
	const u64 us = div_u64(ns, NSEC_PER_USEC);
	const unsigned int class = us ? ilog2(us) : 0;

	this_cpu_inc(c->cpus->computes);
	this_cpu_inc(c->cpus->times[min(class, NEBULA_CACHE_TIMES - 1U)]);
}

/* Calls the client's function. Returns 0 or a negative errno. */
static int run(struct nebula_cache *c, struct cache_entry *e)
{
	const u64 begun = ktime_get_ns();
	const int ret = c->compute(c, e->key, cache_value(c, e), c->data);
	const u64 ns = ktime_get_ns() - begun;

	count_time(c, ns);
	trace_cache_compute(nebula_allocator_name(&c->common), ns, ret);
	if (ret <= 0)
		return ret;
	nebula_fail(&c->common, NEBULA_E_INVALID_CONFIG, .value = ret, .what = ".compute");
	return -EINVAL;
}

/* Tells those that sleep for it, and lets go of what it was before. */
static void finish(struct cache_entry *e, int err)
{
	struct cache_entry *stale = e->stale;

	e->err = err;
	WRITE_ONCE(e->expires, jiffies + e->cache->ttl);
	/* Pairs with the acquire of all who read the value or the error. */
	smp_store_release(&e->state, err ? CACHE_FAILED : CACHE_READY);
	smp_mb();	/* Pairs with that of prepare_to_wait_event(): see it asleep, or be seen. */
	wake_up_var(&e->state);
	if (!stale)
		return;
	WRITE_ONCE(e->stale, NULL);
	cache_put_entry(e->cache, stale);
}

/*
 * This task has begun with @e, which is in the table, or goes there when it is right. Its reference
 * is the caller's, or dropped.
 */
static void *compute(struct nebula_cache *c, struct cache_entry *e, bool published)
{
	const int err = run(c, e);
	const bool keep = err && c->flags & NEBULA_CACHE_KEEP_ERRORS && !was_interrupted(err);

	end(e);
	if (!err) {
		finish(e, 0);
		if (!published)
			cache_publish(c, e);
		return cache_value(c, e);
	}
	this_cpu_inc(c->cpus->errors);
	if (!was_interrupted(err))
		fail(c, NEBULA_E_COMPUTE_FAILED, NEBULA_D_NONE, err);
	if (published && !keep)
		cache_remove(c, e);
	finish(e, err);
	if (!published && keep)
		cache_publish(c, e);
	cache_put_entry(c, e);
	return ERR_PTR(err);
}

/* What is not computed is taken back, with the error for those that sleep for it already. */
static void *give_up(struct nebula_cache *c, struct cache_entry *e, int err)
{
	cache_remove(c, e);
	finish(e, err);
	cache_put_entry(c, e);
	return ERR_PTR(err);
}

/* In place of its computer, if that has died; the reference that is dropped was that one's. */
static void bury(struct cache_entry *e)
{
	struct task_struct *dead = NULL;

	spin_lock(&flights_lock);
	if (is_flying(e) && READ_ONCE(e->flight.task->exit_state)) {
		dead = e->flight.task;
		list_del_init(&e->flight.node);
	}
	spin_unlock(&flights_lock);
	if (!dead)
		return;
	put_task_struct(dead);
	this_cpu_inc(e->cache->cpus->errors);
	give_up(e->cache, e, -EINTR);
}

/* Lock: flights. */
static struct cache_entry *flying_of(const struct nebula_cache *c)
{
	struct cache_entry *e;

	list_for_each_entry(e, &flights, flight.node)
		if (e->cache == c && READ_ONCE(e->flight.task->exit_state))
			return e;
	return NULL;
}

/* No task uses the cache any more: what is not computed to its end never will be. Sleeps. */
void cache_bury_dead(const struct nebula_cache *c)
{
	struct cache_entry *e;

	do {
		spin_lock(&flights_lock);
		e = flying_of(c);
		spin_unlock(&flights_lock);
		if (e)
			bury(e);
	} while (e);
}

static void work(struct work_struct *work)
{
	struct order *o = container_of(work, struct order, work);
	struct cache_entry *e = o->entry;
	struct nebula_cache *c = e->cache;
	void *value = NULL;

	kfree(o);
	if (begin(e)) {
		if (!READ_ONCE(c->dying)) {
			value = compute(c, e, true);
		} else {
			end(e);
			value = give_up(c, e, -ECANCELED);
		}
	}
	if (!IS_ERR(value))
		cache_put_entry(c, e);
}

/* Its reference goes to the worker. */
static void *compute_elsewhere(struct nebula_cache *c, struct cache_entry *e)
{
	struct order *o = nebula_fault_hit() ? NULL : kmalloc(sizeof(*o), GFP_KERNEL);

	if (!o) {
		fail(c, NEBULA_E_BACKING_FAILED, NEBULA_D_OWN_DATA, 0);
		return give_up(c, e, -ENOMEM);
	}
	INIT_WORK(&o->work, work);
	o->entry = e;
	queue_work(c->workers, &o->work);
	return c->flags & NEBULA_CACHE_DEDUP ? AGAIN : ERR_PTR(-EINPROGRESS);
}

/* What it came to; the reference is passed on, or dropped. */
static void *result_of(struct nebula_cache *c, struct cache_entry *e)
{
	int err;

	/* Pairs with the release in finish(). */
	if (smp_load_acquire(&e->state) == CACHE_READY)
		return cache_value(c, e);
	err = e->err;
	cache_put_entry(c, e);
	return was_interrupted(err) ? AGAIN : ERR_PTR(err);
}

/* Sleeps, and looks after a while if there is anything to sleep for. */
static void doze(struct cache_entry *e)
{
	if (!schedule_timeout(PATIENCE))
		bury(e);
}

/* Sleeps until another one has computed it. Its reference is passed on, or dropped. */
static void *await(struct nebula_cache *c, struct cache_entry *e)
{
	int ret;

	if (!set_awaited(e)) {
		cache_put_entry(c, e);
		return fail(c, NEBULA_E_CYCLE, NEBULA_D_NONE, 0);
	}
	this_cpu_inc(c->cpus->waits);
	ret = ___wait_var_event(&e->state, READ_ONCE(e->state) != CACHE_COMPUTING,
				TASK_INTERRUPTIBLE, 0, 0, doze(e));
	set_awaited(NULL);
	if (!ret)
		return result_of(c, e);
	cache_put_entry(c, e);
	return fail(c, NEBULA_E_INTERRUPTED, NEBULA_D_NONE, -ERESTARTSYS);
}

static void count_expired(struct nebula_cache *c)
{
	this_cpu_inc(c->cpus->expired);
	trace_cache_expire(nebula_allocator_name(&c->common), c->max - READ_ONCE(c->nr_free));
}

/* Puts a new entry into the table, in place of @old if there is one. */
static int publish(struct nebula_cache *c, struct cache_entry *e, struct cache_entry *old)
{
	int ret;

	if (!old)
		return cache_publish(c, e);
	e->stale = old;
	ret = cache_replace(c, old, e);
	if (!ret)
		count_expired(c);
	else
		e->stale = NULL;
	return ret;
}

/* There is none, or @old, which is too old. */
static void *make(struct nebula_cache *c, const void *key, struct cache_entry *old)
{
	const bool first = c->flags & (NEBULA_CACHE_DEDUP | NEBULA_CACHE_ASYNC);
	bool here = !c->workers || is_computing();
	struct cache_entry *e;
	int ret = 0;

	e = cache_alloc(c, key);
	if (IS_ERR_OR_NULL(e))
		return e ?: ERR_PTR(-ENOMEM);
	if (here)
		begin(e);
	if (first)
		ret = publish(c, e, old);
	if (ret == -EEXIST || ret == -ENOENT) {
		if (here)
			end(e);
		cache_put_entry(c, e);
		return AGAIN;
	}
	if (!here && !ret)
		return compute_elsewhere(c, e);
	/* All entries are in use: it is computed for this caller alone. */
	if (!here)
		begin(e);
	return compute(c, e, first && !ret);
}

/* It has a reference, which is dropped. */
static void *use_old(struct nebula_cache *c, const void *key, struct cache_entry *e)
{
	void *value = AGAIN;

	if (c->workers && e->state == CACHE_READY)
		value = make(c, key, e);
	else if (cache_remove(c, e))
		count_expired(c);
	cache_put_entry(c, e);
	return value;
}

/* There is an entry, with a reference. */
static void *use(struct nebula_cache *c, const void *key, struct cache_entry *e)
{
	/* Pairs with the release in finish(). */
	if (smp_load_acquire(&e->state) != CACHE_COMPUTING)
		return cache_is_old(c, e) ? use_old(c, key, e) : result_of(c, e);
	if (c->flags & NEBULA_CACHE_DEDUP) {
		if (c->workers && is_computing() && begin(e))
			return compute(c, e, true);
		return await(c, e);
	}
	cache_put_entry(c, e);
	return ERR_PTR(-EINPROGRESS);
}

/* All but a hit. */
noinline void *cache_get_slow(struct nebula_cache *c, const void *key)
{
	struct cache_entry *e;
	void *value;

	if (nebula_atomic_context())
		return fail(c, NEBULA_E_WRONG_CONTEXT, NEBULA_D_NONE, 0);
	if (!c->compute)
		return fail(c, NEBULA_E_NOT_SUPPORTED, NEBULA_D_NONE, 0);
	do {
		if (is_recursion(c, key))
			return fail(c, NEBULA_E_RECURSION, NEBULA_D_NONE, 0);
		e = cache_get_entry(c, key);
		value = e ? use(c, key, e) : make(c, key, NULL);
	} while (value == AGAIN);
	return value;
}

int nebula_cache_warm(struct nebula_cache *c, const void *key, const void *value)
{
	struct cache_entry *e, *old;
	int ret;

	if (nebula_atomic_context())
		return nebula_fail(&c->common, NEBULA_E_WRONG_CONTEXT, .what = "warm");
	e = cache_alloc(c, key);
	if (IS_ERR_OR_NULL(e))
		return e ? PTR_ERR(e) : -ENOMEM;
	memcpy(cache_value(c, e), value, c->value_size);
	finish(e, 0);
	do {
		old = cache_get_entry(c, key);
		ret = old ? cache_replace(c, old, e) : cache_publish(c, e);
		if (old && !ret)
			cache_put_entry(c, old);
		if (old)
			cache_put_entry(c, old);
	} while (ret == -EEXIST || ret == -ENOENT);
	if (ret)
		e->state = CACHE_FAILED;
	cache_put_entry(c, e);
	if (ret == -ENOSPC)
		return nebula_fail(&c->common, NEBULA_E_INVALID_STATE, .what = "warm");
	return ret;
}
EXPORT_SYMBOL_GPL(nebula_cache_warm);

bool nebula_cache_invalidate(struct nebula_cache *c, const void *key)
{
	struct cache_entry *e = cache_get_entry(c, key);
	bool found;

	if (!e)
		return false;
	found = cache_remove(c, e);
	cache_put_entry(c, e);
	return found;
}
EXPORT_SYMBOL_GPL(nebula_cache_invalidate);

void nebula_cache_clear(struct nebula_cache *c)
{
	struct cache_entry *e;
	unsigned int i;

	for (i = 0; i < c->max; i++) {
		spin_lock_bh(&c->lock);
		e = c->slots[i];
		if (e)
			atomic_inc(&e->refs);
		spin_unlock_bh(&c->lock);
		if (e) {
			cache_remove(c, e);
			cache_put_entry(c, e);
		}
		cond_resched();
	}
}
EXPORT_SYMBOL_GPL(nebula_cache_clear);
