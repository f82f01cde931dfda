/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to budgets: what their files know of each other.
 *
 *	charge.c ─ charge and uncharge, any context		kind.c ─ create, destroy, limits
 *	stock.c  ─ what CPUs hold, and how it is collected	tree.c ─ trees that are declared
 *	state.c  ─ states and their notifiers
 */
#ifndef _NEBULA_MODULE_BUDGET_PRIV_H
#define _NEBULA_MODULE_BUDGET_PRIV_H

#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/workqueue.h>
#include <nebula/budget.h>
#include <nebula/budget_tree.h>
#include "../core/allocator.h"

/* What a CPU has of a budget. See stock.c for @word. Any context, on its own CPU. */
struct budget_cpu {
	unsigned long word;
	unsigned long charges;
	unsigned long uncharges;
	unsigned long largest;
	unsigned int eager;	/* charges that left the stock, until it gets one */
};

struct nebula_budget {
	/* Read by every charge. */
	struct budget_cpu __percpu *cpus;
	size_t most;			/* largest single charge */
	struct nebula_budget *parent;	/* invariant */
	size_t limit;			/* written under the tree lock */

	/* Written by charges that leave the stock. Any context. */
	atomic_long_t charged ____cacheline_aligned_in_smp; /* with stocks, here and below */
	atomic_long_t direct;		/* of what is outstanding here, what no CPU's word has */
	unsigned long peak;		/* highest @charged */
	atomic_long_t refused;
	atomic_long_t early;
	atomic_t starved;		/* charges that wait for stocks here and below */
	atomic_t regions;		/* of allocators; their bytes are in @charged */

	/* Outside of [@low, @high) @charged means that @state is to be reviewed. See state.c. */
	unsigned long low;
	unsigned long high;
	bool no_stock;			/* CPUs may not fill stocks here and below */

	/* Lock: tree. */
	u32 cap;			/* largest stock of a CPU, bytes; 0: none */
	size_t share;			/* all stocks, here and below, hold at most so much */
	bool strict;
	size_t promised;		/* limits of the children */
	unsigned int percent[2];	/* high, critical */
	unsigned int nr_children;
	struct list_head children;	/* and RCU */
	struct list_head sibling;	/* and RCU */
	enum nebula_budget_state state;	/* as announced */
	bool gone;			/* it has no states any more */

	struct blocking_notifier_head notifiers;
	struct irq_work kick;
	unsigned long flags;		/* bit 0: @kick is queued */
	struct work_struct review;
	struct kref ref;		/* children have one */
	struct rcu_head rcu;
	struct nebula_allocator common;
};

#define BUDGET_KICKED		0

/* Least stock that is worth having, and largest, bytes. */
#define BUDGET_CAP_MIN		SZ_4K
#define BUDGET_CAP_MAX		SZ_1M

/* A CPU gets a stock once so many of its charges did without one. */
#define BUDGET_EAGER		16

/* The words of stock.c. */
static inline size_t budget_word_stock(unsigned long word)
{
	return (u32)word;
}

static inline size_t budget_word_out(unsigned long word)
{
	return (word >> 32) - (u32)word;
}

/* Above the limit the state is exceeded; below it the percentages decide. */
static inline size_t budget_threshold(const struct nebula_budget *b,
				      enum nebula_budget_state state)
{
	const size_t limit = READ_ONCE(b->limit);

	switch (state) {
	case NEBULA_BUDGET_NORMAL:
		return 0;
	case NEBULA_BUDGET_EXCEEDED:
		return limit + 1;
	default:
		/* Rounded up, and no overflow: the limit is at most a quarter of what fits. */
		return limit / 100 * READ_ONCE(b->percent[state - 1]) +
		       DIV_ROUND_UP(limit % 100 * READ_ONCE(b->percent[state - 1]), 100);
	}
}

/* kind.c */
void budget_put(struct nebula_budget *b);

/* charge.c */
void budget_chain_uncharge(struct nebula_budget *b, size_t bytes);
long budget_outstanding(const struct nebula_budget *b);
void budget_settle(struct nebula_budget *b);

/* stock.c */
extern struct mutex budget_tree_lock;

struct nebula_budget *budget_next(struct nebula_budget *pos, struct nebula_budget *top);
size_t budget_take_stock(struct nebula_budget *b);
void budget_collect_cpu(struct nebula_budget *b, unsigned int cpu);
size_t budget_stocked(const struct nebula_budget *b);
void budget_collect(struct nebula_budget *top);
void budget_divide(struct nebula_budget *top);
void budget_divide_children(struct nebula_budget *up, unsigned int former);

/* state.c */
void budget_state_init(struct nebula_budget *b);
void budget_state_exit(struct nebula_budget *b);
void budget_state_review(struct nebula_budget *b);
void budget_state_kick(struct nebula_budget *b);

/* It has left the range of its state, or of its stocks. Any context. */
static inline void budget_state_check(struct nebula_budget *b, unsigned long charged)
{
	if (unlikely(charged < READ_ONCE(b->low) || charged >= READ_ONCE(b->high)))
		budget_state_kick(b);
}

#endif /* _NEBULA_MODULE_BUDGET_PRIV_H */
