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
 *  - The key is invalidated while it is computed: the entry leaves the table, and its value goes
 *    only to the tasks that have asked for it by then.
 *
 * A computation may ask for other keys. Each running one is in a list with its task and with what
 * the task sleeps for, so that a task that would sleep for itself, over however many others, is
 * told instead: RECURSION for a key that it computes itself, CYCLE for one that waits for it.
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
#include "../core/fault.h"
#include "../error/error.h"
#include "priv.h"

/* The value is on its way: another look is needed. */
#define AGAIN		ERR_PTR(-EAGAIN)

/**
 * struct flight - a computation that is running
 * @node: among all of them. Lock: flights.
 * @task: that runs it.
 * @entry: what it computes.
 * @awaited: what @task sleeps for, or NULL. Lock: flights.
 */
struct flight {
	struct list_head node;
	struct task_struct *task;
	struct cache_entry *entry;
	struct cache_entry *awaited;
};

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
static struct flight *flight_of_task(const struct task_struct *task)
{
	struct flight *f;

	list_for_each_entry(f, &flights, node)
		if (f->task == task)
			return f;
	return NULL;
}

static struct flight *flight_of_entry(const struct cache_entry *e)
{
	struct flight *f;

	list_for_each_entry(f, &flights, node)
		if (f->entry == e)
			return f;
	return NULL;
}

/* Is this task computing the key already? */
static bool is_recursion(const struct nebula_cache *c, const void *key)
{
	struct flight *f;
	bool found = false;

	spin_lock(&flights_lock);
	list_for_each_entry(f, &flights, node)
		found |= f->task == current && f->entry->cache == c &&
			 !memcmp(f->entry->key, key, c->key_size);
	spin_unlock(&flights_lock);
	return found;
}

/* Would this task, which sleeps for @e, wake itself? Lock: flights. */
static bool is_cycle(const struct cache_entry *e)
{
	struct flight *f;

	for (f = flight_of_entry(e); f; f = flight_of_entry(f->awaited)) {
		if (f->task == current)
			return true;
		f = flight_of_task(f->task);
		if (!f || !f->awaited)
			return false;
	}
	return false;
}

/* From now on this task sleeps for @e, or not any more. Returns false for one that must not. */
static bool set_awaited(struct cache_entry *e)
{
	struct flight *own;
	bool cycle;

	spin_lock(&flights_lock);
	own = flight_of_task(current);
	cycle = own && e && is_cycle(e);
	if (own)
		own->awaited = cycle ? NULL : e;
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
	struct flight f = { .task = current, .entry = e };
	const u64 begin = ktime_get_ns();
	int ret;

	spin_lock(&flights_lock);
	list_add(&f.node, &flights);
	spin_unlock(&flights_lock);
	ret = c->compute(c, e->key, cache_value(c, e), c->data);
	spin_lock(&flights_lock);
	list_del(&f.node);
	spin_unlock(&flights_lock);
	count_time(c, ktime_get_ns() - begin);
	trace_cache_compute(nebula_allocator_name(&c->common), ktime_get_ns() - begin, ret);
	if (ret <= 0)
		return ret;
	nebula_fail(&c->common, NEBULA_E_INVALID_CONFIG, .value = ret, .what = ".compute");
	return -EINVAL;
}

/* Tells those that sleep for it. */
static void finish(struct cache_entry *e, int err)
{
	e->err = err;
	WRITE_ONCE(e->expires, jiffies + e->cache->ttl);
	/* Pairs with the acquire of all who read the value or the error. */
	smp_store_release(&e->state, err ? CACHE_FAILED : CACHE_READY);
	smp_mb();	/* Pairs with that of prepare_to_wait_event(): see it asleep, or be seen. */
	wake_up_var(&e->state);
}

/* @e is in the table, or goes there when it is right. Its reference is the caller's, or dropped. */
static void *compute(struct nebula_cache *c, struct cache_entry *e, bool published)
{
	const int err = run(c, e);
	const bool keep = err && c->flags & NEBULA_CACHE_KEEP_ERRORS && !was_interrupted(err);

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

/* What cannot be computed is taken back, with the error for those that sleep for it already. */
static void *give_up(struct nebula_cache *c, struct cache_entry *e, int err)
{
	cache_remove(c, e);
	finish(e, err);
	cache_put_entry(c, e);
	return ERR_PTR(err);
}

static void work(struct work_struct *work)
{
	struct order *o = container_of(work, struct order, work);
	struct cache_entry *e = o->entry;
	struct nebula_cache *c = e->cache;
	void *value;

	value = READ_ONCE(c->dying) ? give_up(c, e, -ECANCELED) : compute(c, e, true);
	if (!IS_ERR(value))
		cache_put_entry(c, e);
	kfree(o);
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

/* Sleeps until another one has computed it. Its reference is passed on, or dropped. */
static void *await(struct nebula_cache *c, struct cache_entry *e)
{
	int ret;

	if (!set_awaited(e)) {
		cache_put_entry(c, e);
		return fail(c, NEBULA_E_CYCLE, NEBULA_D_NONE, 0);
	}
	this_cpu_inc(c->cpus->waits);
	ret = wait_var_event_interruptible(&e->state, READ_ONCE(e->state) != CACHE_COMPUTING);
	set_awaited(NULL);
	if (!ret)
		return result_of(c, e);
	cache_put_entry(c, e);
	return fail(c, NEBULA_E_INTERRUPTED, NEBULA_D_NONE, -ERESTARTSYS);
}

/* There is an entry, with a reference. */
static void *use(struct nebula_cache *c, struct cache_entry *e)
{
	/* Pairs with the release in finish(). */
	switch (smp_load_acquire(&e->state)) {
	case CACHE_COMPUTING:
		if (c->flags & NEBULA_CACHE_DEDUP)
			return await(c, e);
		cache_put_entry(c, e);
		return ERR_PTR(-EINPROGRESS);
	default:
		if (!cache_is_old(c, e))
			return result_of(c, e);
		if (cache_remove(c, e))
			this_cpu_inc(c->cpus->expired);
		cache_put_entry(c, e);
		return AGAIN;
	}
}

/* There is none. */
static void *make(struct nebula_cache *c, const void *key)
{
	const bool first = c->flags & (NEBULA_CACHE_DEDUP | NEBULA_CACHE_ASYNC);
	struct cache_entry *e;
	int ret = 0;

	e = cache_alloc(c, key);
	if (IS_ERR_OR_NULL(e))
		return e ?: ERR_PTR(-ENOMEM);
	if (first)
		ret = cache_publish(c, e);
	if (ret == -EEXIST) {
		cache_put_entry(c, e);
		return AGAIN;
	}
	/* All entries are in use: it is computed for this caller alone. */
	if (!ret && c->flags & NEBULA_CACHE_ASYNC)
		return compute_elsewhere(c, e);
	return compute(c, e, first && !ret);
}

/* All but a hit. */
static noinline void *get_slow(struct nebula_cache *c, const void *key)
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
		value = e ? use(c, e) : make(c, key);
	} while (value == AGAIN);
	return value;
}

void *nebula_cache_get_or_compute(struct nebula_cache *c, const void *key)
{
	void *value = nebula_cache_get(c, key);

	return likely(value) ? value : get_slow(c, key);
}
EXPORT_SYMBOL_GPL(nebula_cache_get_or_compute);

int nebula_cache_warm(struct nebula_cache *c, const void *key, const void *value)
{
	struct cache_entry *e;
	int ret;

	if (nebula_atomic_context())
		return nebula_fail(&c->common, NEBULA_E_WRONG_CONTEXT, .what = "warm");
	e = cache_alloc(c, key);
	if (IS_ERR_OR_NULL(e))
		return e ? PTR_ERR(e) : -ENOMEM;
	memcpy(cache_value(c, e), value, c->value_size);
	finish(e, 0);
	nebula_cache_invalidate(c, key);
	ret = cache_publish(c, e);
	cache_put_entry(c, e);
	if (ret == -EEXIST || ret == -ENOSPC)
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
