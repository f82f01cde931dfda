// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to give each tenant of a service a part of its memory: one budget for the
 * service, one for each tenant below it, and allocators that are charged to a tenant's. A tenant
 * that wants too much is refused without harm to the others, and an operator is told before that.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/sizes.h>

#include <nebula/nebula.h>

/* The parts may not add up to more than all: that would not compile. */
NEBULA_BUDGET_TREE(service,
		   (all,   none, SZ_1M,   strict),
		   (gold,  all,  SZ_512K, loose),
		   (basic, all,  SZ_128K, loose, .per_alloc = SZ_64K));

/* In process context, soon after the state changed. */
static int tell_operator(struct notifier_block *nb, unsigned long state, void *data)
{
	pr_info("%s is %s now\n", nebula_budget_name(data), nebula_budget_state_name(state));
	return NOTIFY_OK;
}

static struct notifier_block operator = { .notifier_call = tell_operator };

static void print_use(struct nebula_budget *b)
{
	pr_info("%-13s %6zu of %7zu bytes, %s\n", nebula_budget_name(b), nebula_budget_used(b),
		nebula_budget_limit(b), nebula_budget_state_name(nebula_budget_state(b)));
}

static void print_all(void)
{
	print_use(service.all);
	print_use(service.gold);
	print_use(service.basic);
}

/* Regions are charged when they are mapped; what is allocated from them costs nothing more. */
static void serve(void)
{
	struct nebula_bump *requests, *replies;
	struct nebula_pool *sessions;

	requests = nebula_bump_create("requests", .capacity = SZ_64K, .budget = service.basic);
	sessions = nebula_pool_create("sessions", .block_size = 4096, .blocks = 100,
				      .budget = service.gold);
	if (!IS_ERR(requests) && !IS_ERR(sessions))
		print_all();
	replies = nebula_bump_create("replies", .capacity = SZ_128K, .budget = service.basic);
	pr_info("128 KiB in one piece for basic: %pe\n", replies);
	nebula_bump_destroy(requests);
	nebula_pool_destroy(sessions);
}

/* Memory that comes from elsewhere is charged by hand, in any context. */
static void charge_by_hand(void)
{
	const size_t piece = SZ_32K;
	unsigned int n = 0;

	while (!nebula_budget_charge(service.basic, piece)) {
		n++;
		nebula_budget_notifier_flush(service.basic);
	}
	pr_info("basic got %u pieces of %zu bytes\n", n, piece);
	print_all();
	nebula_budget_uncharge(service.basic, n * piece);
	nebula_budget_notifier_flush(service.basic);
	if (nebula_budget_uncharge(service.basic, piece))
		pr_info("there is nothing left to give back\n");
}

static int __init budget_tree_init(void)
{
	int err = nebula_budget_tree_create(&service);

	if (err)
		return err;
	nebula_budget_notifier_register(service.basic, &operator);
	serve();
	charge_by_hand();
	nebula_budget_notifier_unregister(service.basic, &operator);
	return 0;
}

static void __exit budget_tree_exit(void)
{
	nebula_budget_tree_destroy(&service);
}

module_init(budget_tree_init);
module_exit(budget_tree_exit);

MODULE_DESCRIPTION("nebula_memory sample: budgets of the tenants of a service");
MODULE_LICENSE("GPL");
