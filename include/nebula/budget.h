/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Budgets: how much memory a part of a client may use, and what it uses.
 *
 *	net   = nebula_budget_create("net", .limit = SZ_64M);
 *	conns = nebula_budget_create("conns", .limit = SZ_16M, .parent = net);
 *
 *	p = nebula_pool_create("conn", .block_size = 256, .blocks = 1000, .budget = conns);
 *
 * A charge is made to a budget and to all budgets above it, or to none of them. An allocator that
 * has a budget charges its regions when they are mapped, so what it hands out costs no instruction
 * more; memory of other origin is charged by the client itself.
 *
 * Best suited for what is accounted often and from anywhere: charge and uncharge run in any
 * context, NMI included, and take no lock. A CPU that charges often keeps a stock of charged bytes,
 * from which it serves without a locked instruction.
 *
 * Limitations: stocks cost up to 1/64 of a limit that is large enough to have them. Where the
 * caller may sleep they are collected before a charge is refused; elsewhere a charge may be refused
 * early by as much, and is counted so. The peak may be too high by as much.
 */
#ifndef _NEBULA_BUDGET_H
#define _NEBULA_BUDGET_H

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/types.h>
#include <nebula/config.h>

struct nebula_budget;
struct notifier_block;

/* Budgets from one without parent down, at most. */
#define NEBULA_BUDGET_DEPTH_MAX		8

/* Part of the limit, in percent, from which on a budget is high and critical by default. */
#define NEBULA_BUDGET_HIGH_PERCENT	70
#define NEBULA_BUDGET_CRITICAL_PERCENT	90

/**
 * enum nebula_budget_state - how much of a budget is used
 * @NEBULA_BUDGET_NORMAL: less than ``.high`` percent.
 * @NEBULA_BUDGET_HIGH: ``.high`` percent or more.
 * @NEBULA_BUDGET_CRITICAL: ``.critical`` percent or more.
 * @NEBULA_BUDGET_EXCEEDED: more than the limit, which was lowered.
 * @NEBULA_BUDGET_STATES: number of states.
 */
enum nebula_budget_state {
	NEBULA_BUDGET_NORMAL = 0,
	NEBULA_BUDGET_HIGH,
	NEBULA_BUDGET_CRITICAL,
	NEBULA_BUDGET_EXCEEDED,
	NEBULA_BUDGET_STATES
};

/**
 * struct nebula_budget_config - how a budget is to be
 * @limit: bytes that may be charged at once.
 * @per_alloc: bytes of the largest single charge, or 0: no limit of its own. With an allocator that
 *	is the largest region.
 * @parent: the budget that is charged with this one, or %NULL.
 * @high: percent of @limit from which on it is high; 0 means %NEBULA_BUDGET_HIGH_PERCENT.
 * @critical: percent of @limit from which on it is critical, not less than @high; 0 means
 *	%NEBULA_BUDGET_CRITICAL_PERCENT.
 * @strict: the limits of its children may not add up to more than @limit.
 */
struct nebula_budget_config {
	size_t limit;
	size_t per_alloc;
	struct nebula_budget *parent;
	unsigned int high;
	unsigned int critical;
	bool strict;
};

/**
 * struct nebula_budget_stats - what a budget counts
 * @used: bytes charged to it and to those below it.
 * @limit: bytes.
 * @peak: highest @used, not more than the stocks too high.
 * @largest: largest single charge to this budget itself, bytes.
 * @stocked: bytes that CPUs hold in stock, here and below; not in @used.
 * @charges: charges to this budget itself.
 * @uncharges: what was given back to it itself.
 * @refused: charges to it or below it that it refused.
 * @early: of @refused, those that the stocks of other CPUs would have covered, in a context that
 *	could not collect them.
 * @children: budgets that have it as parent.
 * @regions: regions of allocators that are charged to it.
 */
struct nebula_budget_stats {
	u64 used;
	u64 limit;
	u64 peak;
	u64 largest;
	u64 stocked;
	u64 charges;
	u64 uncharges;
	u64 refused;
	u64 early;
	unsigned int children;
	unsigned int regions;
};

struct nebula_budget *nebula_budget_create_cfg(const char *name,
					       const struct nebula_budget_config *cfg,
					       size_t cfg_size, unsigned int abi,
					       struct module *owner);

/**
 * nebula_budget_destroy() - take down a budget
 * @b: the budget; %NULL and ERR_PTR() are fine.
 *
 * Context: process context; sleeps. No other call on it may be running.
 * Return: 0; -EBUSY while there are budgets below it, allocators that use it, or bytes that are
 * charged to it (INVALID_STATE); -EPERM in atomic context (WRONG_CONTEXT). It stays usable then.
 */
int nebula_budget_destroy(struct nebula_budget *b);

/**
 * nebula_budget_charge() - charge bytes to a budget and to all above it
 * @b: the budget.
 * @bytes: how many; 0 is fine.
 *
 * In task context, where the kernel can tell, this collects the stocks of other CPUs before it
 * refuses, which may sleep; nebula_budget_charge_gfp() does so on all kernels.
 *
 * Context: any.
 * Return: 0; -ENOMEM when the budget or one above it has no room (BUDGET_EXCEEDED), -E2BIG for more
 * than ``.per_alloc`` (BUDGET_PER_ALLOC), -EOVERFLOW for a size that cannot be represented
 * (SIZE_OVERFLOW); then nothing was charged.
 */
int nebula_budget_charge(struct nebula_budget *b, size_t bytes) __must_check;

/**
 * nebula_budget_charge_gfp() - charge bytes, where the caller knows whether it may sleep
 * @b: the budget.
 * @bytes: how many; 0 is fine.
 * @gfp: %GFP_KERNEL or the like: may sleep to collect the stocks of other CPUs. With __GFP_NOWARN a
 *	refusal is counted and not recorded.
 *
 * Context: as @gfp; any without blocking.
 * Return: as nebula_budget_charge().
 */
int nebula_budget_charge_gfp(struct nebula_budget *b, size_t bytes, gfp_t gfp) __must_check;

/**
 * nebula_budget_uncharge() - give back bytes that were charged to a budget
 * @b: the budget that was charged.
 * @bytes: how many: all of a charge or a part of it, or several at once.
 *
 * Context: any.
 * Return: 0; -ERANGE when less than that is outstanding here (UNCHARGE_UNDERFLOW), and nothing is
 * given back. While other CPUs charge and uncharge it all the time, that may be found and recorded
 * only later.
 */
int nebula_budget_uncharge(struct nebula_budget *b, size_t bytes);

/**
 * nebula_budget_set_limit() - change how many bytes may be charged
 * @b: the budget; it may be in use.
 * @limit: the new limit, bytes. When more is charged already nothing is taken away: the state is
 *	exceeded, and all charges are refused until enough was given back.
 *
 * Context: process context; sleeps.
 * Return: 0; -EINVAL for no limit, one that strict parents have no room for, or one below what a
 * strict budget has promised to those below it (INVALID_CONFIG); -EOVERFLOW (SIZE_OVERFLOW);
 * -EPERM in atomic context (WRONG_CONTEXT).
 */
int nebula_budget_set_limit(struct nebula_budget *b, size_t limit);

/**
 * nebula_budget_set_per_alloc() - change how much a single charge may be
 * @b: the budget; it may be in use. Those below it have their own.
 * @per_alloc: bytes; 0 means no limit of its own.
 *
 * Context: any.
 * Return: 0; -EOVERFLOW (SIZE_OVERFLOW).
 */
int nebula_budget_set_per_alloc(struct nebula_budget *b, size_t per_alloc);

/**
 * nebula_budget_set_thresholds() - change from when on a budget is high and critical
 * @b: the budget; it may be in use.
 * @high: percent of the limit; 0 means %NEBULA_BUDGET_HIGH_PERCENT.
 * @critical: percent of the limit, not less than @high; 0 means %NEBULA_BUDGET_CRITICAL_PERCENT.
 *
 * Context: process context; sleeps.
 * Return: 0; -EINVAL when they are out of order (INVALID_CONFIG); -EPERM in atomic context
 * (WRONG_CONTEXT).
 */
int nebula_budget_set_thresholds(struct nebula_budget *b, unsigned int high,
				 unsigned int critical);

/**
 * nebula_budget_used() - bytes that are charged
 * @b: the budget.
 *
 * Context: any.
 * Return: what was charged to it and to those below it and not given back, exact when no charge is
 * in flight.
 */
size_t nebula_budget_used(const struct nebula_budget *b);

/**
 * nebula_budget_limit() - bytes that may be charged
 * @b: the budget.
 *
 * Context: any.
 * Return: its limit.
 */
size_t nebula_budget_limit(const struct nebula_budget *b);

/**
 * nebula_budget_peak() - most bytes that were charged at once
 * @b: the budget.
 *
 * Context: any.
 * Return: the highest use, or up to the stocks of its CPUs more; never above the limit that it had
 * then.
 */
size_t nebula_budget_peak(const struct nebula_budget *b);

/**
 * nebula_budget_state() - how much of a budget is used
 * @b: the budget.
 *
 * Context: any.
 * Return: its state at this moment.
 */
enum nebula_budget_state nebula_budget_state(const struct nebula_budget *b);

/**
 * nebula_budget_state_name() - what a state is called
 * @state: the state.
 *
 * Context: any.
 * Return: "normal", "high", "critical", "exceeded"; "?" for what is no state.
 */
const char *nebula_budget_state_name(enum nebula_budget_state state);

/**
 * nebula_budget_name() - what a budget is called
 * @b: the budget.
 *
 * Context: any.
 * Return: its name, which is there as long as @b is.
 */
const char *nebula_budget_name(const struct nebula_budget *b);

/**
 * nebula_budget_stats_read() - what a budget counts
 * @b: the budget.
 * @st: filled in.
 *
 * Context: any.
 */
void nebula_budget_stats_read(const struct nebula_budget *b, struct nebula_budget_stats *st);

/**
 * nebula_budget_notifier_register() - be told when the state of a budget changes
 * @b: the budget.
 * @nb: called with the new state and @b, in process context, soon after the change. States that
 *	came and went before that are left out. It may charge and uncharge, and set limits, but
 *	register, unregister or destroy nothing of @b.
 *
 * Context: process context; sleeps.
 * Return: 0; -EEXIST for one that is registered already; -ENOMEM (BACKING_FAILED).
 */
int nebula_budget_notifier_register(struct nebula_budget *b, struct notifier_block *nb);

/**
 * nebula_budget_notifier_unregister() - not be told any more
 * @b: the budget.
 * @nb: as registered. It is not running, and is not called any more, after return.
 *
 * Context: process context; sleeps.
 * Return: 0, or -ENOENT for one that is not registered.
 */
int nebula_budget_notifier_unregister(struct nebula_budget *b, struct notifier_block *nb);

/**
 * nebula_budget_notifier_flush() - wait until notifiers were told of the state as it is
 * @b: the budget.
 *
 * Context: process context; sleeps. Not from a notifier of @b.
 */
void nebula_budget_notifier_flush(struct nebula_budget *b);

/* What the compiler can know of a configuration; all of it is checked again by create. */
static __always_inline void nebula_budget_config_check(const struct nebula_budget_config *cfg)
{
	nebula_config_assert(cfg->limit, "nebula_budget: .limit must not be zero");
	nebula_config_assert(cfg->limit <= NEBULA_CAPACITY_MAX, "nebula_budget: .limit overflows");
	nebula_config_assert(cfg->critical <= 100,
			     "nebula_budget: .critical is more than 100 percent");
	nebula_config_assert((cfg->high ?: NEBULA_BUDGET_HIGH_PERCENT) <=
			     (cfg->critical ?: NEBULA_BUDGET_CRITICAL_PERCENT),
			     "nebula_budget: .high is more than .critical");
}

/**
 * nebula_budget_create() - make a budget
 * @name: 1 to 63 of ``[A-Za-z0-9_.-]``; copied, and need not be unique.
 * @...: designated fields of &struct nebula_budget_config, for example
 *	``.limit = SZ_16M, .parent = net``.
 *
 * Fields that are constant and can never be valid do not compile.
 *
 * Context: process context; sleeps.
 * Return: the budget, or ERR_PTR(): -EINVAL for a wrong name or field, also for thresholds out of
 * order and for a limit that does not fit what a strict parent has left; -EOVERFLOW for a limit
 * that cannot be represented; -E2BIG for more than %NEBULA_BUDGET_DEPTH_MAX budgets above each
 * other; the error of a parent that is an ERR_PTR(); -ENOMEM; -EPERM in atomic context; -ENOEXEC
 * when the client was built against other headers. The reason is recorded.
 */
#define nebula_budget_create(name, ...)							\
({											\
	const struct nebula_budget_config __nebula_cfg = { __VA_ARGS__ };		\
											\
	nebula_budget_config_check(&__nebula_cfg);					\
	nebula_budget_create_cfg(name, &__nebula_cfg, sizeof(__nebula_cfg), NEBULA_ABI,	\
				 THIS_MODULE);						\
})

/**
 * nebula_budget_of() - make a budget of so many bytes
 * @name: as nebula_budget_create().
 * @bytes: its limit.
 *
 * Context: as nebula_budget_create().
 * Return: as nebula_budget_create().
 */
#define nebula_budget_of(name, bytes)	nebula_budget_create(name, .limit = (bytes))

/**
 * nebula_budget_below() - make a budget of so many bytes that is a part of another one
 * @up: the other one.
 * @name: as nebula_budget_create().
 * @bytes: its limit.
 *
 * Context: as nebula_budget_create().
 * Return: as nebula_budget_create().
 */
#define nebula_budget_below(up, name, bytes)						\
	nebula_budget_create(name, .limit = (bytes), .parent = (up))

static inline void __nebula_budget_end(struct nebula_budget *b)
{
	/* Refused, and recorded, while it is in use. */
	nebula_budget_destroy(b);
}

DEFINE_FREE(nebula_budget, struct nebula_budget *, __nebula_budget_end(_T))

#endif /* _NEBULA_BUDGET_H */
