// SPDX-License-Identifier: GPL-2.0-only
/*
 * States of budgets, and the notifiers that hear of them.
 *
 * The state of a budget is what its use comes to when it is read. Notifiers are told by a worker,
 * which charges wake through an irq_work when @charged leaves the range [@low, @high) that the
 * worker has set:
 *
 *	threshold of the state		the next one's
 *	 |<------ share ----->|			 |
 *	 | stocks are off     | stocks are on	 |
 *
 * @charged has the stocks in it, of which there are at most @share. Where stocks are on, @charged
 * without them is in the same state for certain, so the state changes only together with the range.
 * Just above a threshold that is not so: there the worker collects all stocks and keeps CPUs from
 * filling new ones, until @charged has left that part by as much again; then @charged is the use,
 * to the byte.
 *
 * Above its limit a budget has no stocks: a CPU must not serve from what it gives back to its own
 * word.
 *
 * A budget may outlive the module of a notifier, as when another module uses it. So each notifier
 * that is registered is in a list, by which those of a module that goes are found.
 */
#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/irq_work.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "../compat.h"
#include "../core/context.h"
#include "../core/inject.h"
#include "../core/region.h"
#include "../error/error.h"
#include "priv.h"

static const char *const state_names[] = {
	[NEBULA_BUDGET_NORMAL]		= "normal",
	[NEBULA_BUDGET_HIGH]		= "high",
	[NEBULA_BUDGET_CRITICAL]	= "critical",
	[NEBULA_BUDGET_EXCEEDED]	= "exceeded",
};

static_assert(ARRAY_SIZE(state_names) == NEBULA_BUDGET_STATES);

/**
 * struct listener - a notifier that is registered
 * @node: among all of them. Lock: listeners.
 * @budget: with which.
 * @nb: the client's.
 */
struct listener {
	struct list_head node;
	struct nebula_budget *budget;
	struct notifier_block *nb;
};

static LIST_HEAD(listeners);
static DEFINE_MUTEX(listeners_lock);

/* The state of so many bytes. Any context. */
static enum nebula_budget_state state_of(const struct nebula_budget *b, size_t used)
{
	enum nebula_budget_state state = NEBULA_BUDGET_EXCEEDED;

	while (used < budget_threshold(b, state))
		state--;
	return state;
}

static size_t charged_of(const struct nebula_budget *b)
{
	return max(atomic_long_read(&b->charged), 0L);
}

/* Does the state depend on what is in stock? Lock: tree. */
static bool is_open(const struct nebula_budget *b)
{
	const size_t charged = charged_of(b);
	const enum nebula_budget_state state = state_of(b, charged);
	const size_t margin = b->no_stock ? 2 * b->share : b->share;

	if (state == NEBULA_BUDGET_EXCEEDED)
		return true;
	return state && charged - budget_threshold(b, state) < margin;
}

/* The range in which nothing changes. Lock: tree. */
static void set_range(struct nebula_budget *b, enum nebula_budget_state state)
{
	const size_t begin = budget_threshold(b, state);
	size_t low = begin, high = ULONG_MAX;

	if (state != NEBULA_BUDGET_EXCEEDED)
		high = budget_threshold(b, state + 1);
	if (state != NEBULA_BUDGET_EXCEEDED && state && b->share) {
		if (b->no_stock)
			high = min(high, begin + 2 * b->share);
		else
			low = begin + b->share;
	}
	WRITE_ONCE(b->low, low);
	WRITE_ONCE(b->high, high);
}

/* Brings range and stocks in line with the use; returns its state. Lock: tree. */
static enum nebula_budget_state settle(struct nebula_budget *b)
{
	enum nebula_budget_state state;

	if (b->gone)
		return b->state;
	WRITE_ONCE(b->no_stock, is_open(b));
	if (b->no_stock)
		budget_collect(b);
	state = state_of(b, nebula_budget_used(b));
	set_range(b, state);
	return state;
}

static bool is_outside(const struct nebula_budget *b)
{
	const size_t charged = charged_of(b);

	return charged < b->low || charged >= b->high;
}

/* Process context; sleeps. */
static void review(struct work_struct *work)
{
	struct nebula_budget *b = container_of(work, struct nebula_budget, review);
	enum nebula_budget_state state, former;

	/* First: what happens from now on is another review's. */
	clear_bit(BUDGET_KICKED, &b->flags);
	smp_mb__after_atomic();	/* Pairs with test_and_set_bit() in nebula_kick_for(). */
	mutex_lock(&budget_tree_lock);
	state = settle(b);
	former = b->state;
	b->state = state;
	mutex_unlock(&budget_tree_lock);
	/* It changed before the new range could be seen. */
	if (is_outside(b))
		budget_state_kick(b);
	if (state != former)
		blocking_notifier_call_chain(&b->notifiers, state, b);
}

static void start_review(struct irq_work *work)
{
	struct nebula_budget *b = container_of(work, struct nebula_budget, kick);

	queue_work(compat_unbound_wq, &b->review);
}

/* Any context. */
void budget_state_kick(struct nebula_budget *b)
{
	nebula_kick_for(BUDGET_KICKED, &b->flags, &b->kick);
}

void budget_state_init(struct nebula_budget *b)
{
	BLOCKING_INIT_NOTIFIER_HEAD(&b->notifiers);
	init_irq_work(&b->kick, start_review);
	INIT_WORK(&b->review, review);
	set_range(b, NEBULA_BUDGET_NORMAL);
}

enum nebula_budget_state nebula_budget_state(const struct nebula_budget *b)
{
	return state_of(b, nebula_budget_used(b));
}
EXPORT_SYMBOL_GPL(nebula_budget_state);

const char *nebula_budget_state_name(enum nebula_budget_state state)
{
	return (unsigned int)state < NEBULA_BUDGET_STATES ? state_names[state] : "?";
}
EXPORT_SYMBOL_GPL(nebula_budget_state_name);

int nebula_budget_notifier_register(struct nebula_budget *b, struct notifier_block *nb)
{
	struct listener *l = nebula_fault_hit() ? NULL : kmalloc(sizeof(*l), GFP_KERNEL);
	int ret;

	if (!l)
		return nebula_fail(&b->common, NEBULA_E_BACKING_FAILED, .what = "notifier");
	*l = (struct listener){ .budget = b, .nb = nb };
	ret = blocking_notifier_chain_register(&b->notifiers, nb);
	if (ret) {
		kfree(l);
		return ret;
	}
	mutex_lock(&listeners_lock);
	list_add(&l->node, &listeners);
	mutex_unlock(&listeners_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_budget_notifier_register);

/* Takes one out of the list that @matches, for kfree(); NULL for none. */
static struct listener *take_listener(bool (*matches)(const struct listener *l, const void *with),
				      const void *with)
{
	struct listener *l, *found = NULL;

	mutex_lock(&listeners_lock);
	list_for_each_entry(l, &listeners, node)
		if (matches(l, with))
			found = l;
	if (found) {
		list_del(&found->node);
		kref_get(&found->budget->ref);
	}
	mutex_unlock(&listeners_lock);
	return found;
}

static bool is_same(const struct listener *l, const void *other)
{
	const struct listener *o = other;

	return l->budget == o->budget && l->nb == o->nb;
}

static bool is_of_budget(const struct listener *l, const void *budget)
{
	return l->budget == budget;
}

static bool is_of_module(const struct listener *l, const void *gone)
{
	return within_module((unsigned long)l->nb->notifier_call, gone);
}

static void drop_listener(struct listener *l)
{
	budget_put(l->budget);
	kfree(l);
}

/*
 * Nothing is charged any more, and what is given back by those below it does not matter. Process
 * context; sleeps.
 */
void budget_state_exit(struct nebula_budget *b)
{
	struct listener *l;

	mutex_lock(&budget_tree_lock);
	b->gone = true;
	WRITE_ONCE(b->low, 0);
	WRITE_ONCE(b->high, ULONG_MAX);
	mutex_unlock(&budget_tree_lock);
	/* A kick that saw the former range is under way with preemption off at most. */
	synchronize_rcu();
	nebula_irq_work_sync(&b->kick);
	cancel_work_sync(&b->review);
	/* No notifier is called any more. */
	while ((l = take_listener(is_of_budget, b)))
		drop_listener(l);
}

/*
 * A module goes: no notifier of its is called any more; those that it left behind are recorded.
 * Process context; sleeps, also for notifiers that are running.
 */
void nebula_budget_forget(struct module *gone)
{
	const struct nebula_failure failure = {
		.code = NEBULA_E_LEAK,
		.detail = NEBULA_D_NOTIFIER,
		.kind = NEBULA_KIND_BUDGET,
		.name = module_name(gone),
		.what = "budget notifier left behind",
	};
	struct listener *l;

	while ((l = take_listener(is_of_module, gone))) {
		blocking_notifier_chain_unregister(&l->budget->notifiers, l->nb);
		nebula_error_record(&failure);
		drop_listener(l);
	}
}

int nebula_budget_notifier_unregister(struct nebula_budget *b, struct notifier_block *nb)
{
	const struct listener same = { .budget = b, .nb = nb };
	struct listener *l = take_listener(is_same, &same);

	if (!l)
		return -ENOENT;
	blocking_notifier_chain_unregister(&b->notifiers, nb);
	drop_listener(l);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_budget_notifier_unregister);

void nebula_budget_notifier_flush(struct nebula_budget *b)
{
	nebula_irq_work_sync(&b->kick);
	flush_work(&b->review);
}
EXPORT_SYMBOL_GPL(nebula_budget_notifier_flush);
