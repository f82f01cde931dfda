// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that leaves all its allocators behind: those of meeting.h, which another module uses,
 * and some that only it has used. With a parameter it leaves others instead.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include "../../module/core/inject.h"
#include "meeting.h"

static unsigned int many;
module_param(many, uint, 0400);
MODULE_PARM_DESC(many, "allocators to leave behind, in place of those that are used (default 0)");

static bool blind;
module_param(blind, bool, 0400);
MODULE_PARM_DESC(blind, "leave one, and no memory to find out who uses it (default 0)");

static bool late;
module_param(late, bool, 0400);
MODULE_PARM_DESC(late, "leave none, but have them destroyed after a grace period (default 0)");

/* Pools that are destroyed so. */
#define LATE	64

/* Depth of the calls in take_here_and_there(): 3^5 call stacks. */
#define TURNS	5

#define SITES	100

#define BLOCK_SIZE	64

static struct nebula_pool *make_pool(const char *name, unsigned int blocks, u32 flags)
{
	return nebula_pool_create(name, .block_size = BLOCK_SIZE, .blocks = blocks,
				  .flags = flags);
}

/* In text that is gone when the budget that it listens to is not. */
static int hear(struct notifier_block *nb, unsigned long state, void *data)
{
	return NOTIFY_OK;
}

static struct notifier_block listener = { .notifier_call = hear };

/* What is charged to @lent stays with the pool that another module uses, and so does @lent. */
static struct nebula_pool *make_charged_pool(void)
{
	struct nebula_budget *lent = nebula_budget_create("lent", .limit = SZ_1M);

	if (IS_ERR(lent) || nebula_budget_notifier_register(lent, &listener))
		return ERR_PTR(-ENOMEM);
	nebula_meeting_leave(MEETING_BUDGET, lent);
	return nebula_pool_create("early", .block_size = 64, .blocks = 4, .flags = NEBULA_TRACK,
				  .budget = lent);
}

/* Its own budgets, one above the other, and charged. */
static bool leave_budgets(void)
{
	struct nebula_budget *own = nebula_budget_create("own-budget", .limit = SZ_1M);
	struct nebula_budget *below = nebula_budget_create("own-below", .limit = SZ_1M,
							   .parent = own);

	return !IS_ERR(below) && !nebula_budget_charge(below, 100) &&
	       !IS_ERR(nebula_bump_create("own-charged", .capacity = SZ_4K, .budget = below));
}

static noinline void *take_here_and_there(struct nebula_pool *p, unsigned int way,
					  unsigned int turns)
{
	void *obj;

	/* A call each: the three return to different places. */
	if (!turns)
		obj = nebula_pool_alloc(p);
	else if (way % 3 == 0)
		obj = take_here_and_there(p, way / 3, turns - 1);
	else if (way % 3 == 1)
		obj = take_here_and_there(p, way / 3, turns - 1);
	else
		obj = take_here_and_there(p, way / 3, turns - 1);
	/* Not as the last thing: that would be no call. */
	OPTIMIZER_HIDE_VAR(obj);
	return obj;
}

/* More call sites than are told apart. */
static bool take_from_everywhere(struct nebula_pool *p)
{
	unsigned int i;

	for (i = 0; i < SITES; i++)
		if (!take_here_and_there(p, i, TURNS))
			return false;
	return true;
}

/* One kind after the other. */
static bool leave_one(unsigned int i)
{
	switch (i % 4) {
	case 0:
		return !IS_ERR(nebula_bump_create("many", .capacity = SZ_4K,
						  .flags = NEBULA_SHARED));
	case 1:
		return !IS_ERR(make_pool("many", 4, 0));
	case 2:
		return !IS_ERR(nebula_stack_create("many", .capacity = SZ_4K));
	default:
		return !IS_ERR(make_pool("many", 4, NEBULA_TRACK));
	}
}

static int leave_many(void)
{
	unsigned int i;

	for (i = 0; i < many; i++) {
		if (!leave_one(i))
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

/* All that it has of these it takes here, in the init function of which this becomes a part. */
static __always_inline int leave_used(void)
{
	struct nebula_pool *pools[] = {
		[MEETING_EARLY]		= make_charged_pool(),
		[MEETING_SITES]		= make_pool("sites", 2 * SITES, NEBULA_TRACK),
		[MEETING_BUILT_IN]	= make_pool("built-in", 8, NEBULA_TRACK),
		[MEETING_WAITED]	= make_pool("waited", 1, NEBULA_STRICT),
		[MEETING_RESERVED]	= make_pool("reserved", 8, 0),
	};
	struct nebula_bump *scoped = nebula_bump_create("scoped", .capacity = SZ_4K);
	struct nebula_pool *own_early = make_pool("own-early", 4, NEBULA_TRACK);
	struct nebula_pool *own = make_pool("own", 4, NEBULA_TRACK);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pools); i++) {
		if (IS_ERR(pools[i]))
			return PTR_ERR(pools[i]);
		nebula_meeting_leave(i, pools[i]);
	}
	if (IS_ERR(scoped) || IS_ERR(own_early) || IS_ERR(own))
		return -ENOMEM;
	nebula_meeting_leave(MEETING_SCOPED, scoped);
	if (!take_from_everywhere(pools[MEETING_SITES]) || !nebula_pool_alloc(own_early) ||
	    !take_here_and_there(own, 0, 1) || !leave_budgets())
		return -ENOMEM;
	return 0;
}

static int leave_unknown(void)
{
	struct nebula_pool *p = make_pool("unknown", 4, NEBULA_TRACK);

	return IS_ERR(p) || !take_here_and_there(p, 0, 1) ? -ENOMEM : 0;
}

/* Their destruction is still pending when the module goes: its text runs then, for their blocks. */
static struct nebula_pool *late_pools[LATE];

static void free_rcu_late(void *obj)
{
	memset(obj, 0, BLOCK_SIZE);
}

static int make_late(void)
{
	unsigned int i;

	for (i = 0; i < LATE; i++) {
		late_pools[i] = make_pool("late", 8, i % 2 ? NEBULA_TRACK : 0);
		if (IS_ERR(late_pools[i]))
			return PTR_ERR(late_pools[i]);
	}
	return 0;
}

static void destroy_late(void)
{
	unsigned int i;

	for (i = 0; i < LATE; i++) {
		nebula_pool_free_rcu_cb(late_pools[i], nebula_pool_alloc(late_pools[i]),
					free_rcu_late);
		nebula_pool_destroy_rcu(late_pools[i]);
	}
}

static int __init leaver_init(void)
{
	if (late)
		return make_late();
	if (blind)
		return leave_unknown();
	return many ? leave_many() : leave_used();
}

static void __exit leaver_exit(void)
{
	if (late)
		destroy_late();
	if (blind)
		nebula_fault_arm(1, UINT_MAX);
}

module_init(leaver_init);
module_exit(leaver_exit);

MODULE_DESCRIPTION("Leaves allocators of nebula_memory behind");
MODULE_LICENSE("GPL");
