// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that uses what another one leaves behind, see meeting.h, and stays when that is
 * unloaded. When it is unloaded itself it says whether everything it had was whole.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mempool.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/string.h>
#include "meeting.h"

#define PATTERN	0x5a
#define BYTES	64
#define MINIMUM	2

static void *early, *site, *waited, *got;
static mempool_t *mempool;
static void *elements[MINIMUM];
static struct nebula_reserve reserve;
static struct nebula_bump *scoped;
static struct nebula_checkpoint checkpoint;
static void *in_scope;
static DECLARE_COMPLETION(served);

static void *marked(void *obj)
{
	if (obj)
		memset(obj, PATTERN, BYTES);
	return obj;
}

static void say(const char *what, const void *obj)
{
	pr_info("%s is %s\n", what, obj && !memchr_inv(obj, PATTERN, BYTES) ? "whole" : "BROKEN");
}

static int wait_for_it(void *unused)
{
	got = nebula_pool_alloc_wait(nebula_meeting_find(MEETING_WAITED), MAX_SCHEDULE_TIMEOUT);
	complete(&served);
	return 0;
}

static noinline int take_site(void)
{
	site = marked(nebula_pool_alloc(nebula_meeting_find(MEETING_SITES)));
	return site ? 0 : -ENOMEM;
}

/* Its elements are taken through functions of the kernel. */
static noinline int take_through_kernel(void)
{
	unsigned int i;

	mempool = mempool_create(MINIMUM, nebula_mempool_alloc, nebula_mempool_free,
				 nebula_meeting_find(MEETING_BUILT_IN));
	for (i = 0; mempool && i < MINIMUM; i++)
		elements[i] = marked(mempool_alloc(mempool, GFP_KERNEL));
	return mempool ? 0 : -ENOMEM;
}

static int wait_for_the_only_one(void)
{
	waited = marked(nebula_pool_alloc(nebula_meeting_find(MEETING_WAITED)));
	if (!waited)
		return -ENOMEM;
	return PTR_ERR_OR_ZERO(kthread_run(wait_for_it, NULL, "nebula-stayer"));
}

static int open_scope(void)
{
	scoped = nebula_meeting_find(MEETING_SCOPED);
	checkpoint = nebula_bump_scope_enter(scoped);
	in_scope = marked(nebula_bump_alloc(scoped, BYTES, 8));
	return in_scope ? 0 : -ENOMEM;
}

static int __init stayer_init(void)
{
	int err;

	/* Here, and not in a function that stays. */
	early = marked(nebula_pool_alloc(nebula_meeting_find(MEETING_EARLY)));
	if (!early)
		return -ENOMEM;
	err = take_site() ?: take_through_kernel() ?: wait_for_the_only_one() ?: open_scope();
	return err ?: nebula_pool_reserve(nebula_meeting_find(MEETING_RESERVED), &reserve, 2);
}

static void use_reserve(void)
{
	struct nebula_pool *p = nebula_meeting_find(MEETING_RESERVED);
	void *obj = marked(nebula_pool_alloc_reserved(&reserve));

	say("a block of the reserve", obj);
	nebula_pool_free(p, obj);
	nebula_pool_unreserve(&reserve);
}

static void end_wait(void)
{
	struct nebula_pool *p = nebula_meeting_find(MEETING_WAITED);

	say("the block that is waited for", waited);
	nebula_pool_free(p, waited);
	wait_for_completion(&served);
	say("the block that was waited for", IS_ERR(got) ? NULL : marked(got));
	nebula_pool_free(p, IS_ERR(got) ? NULL : got);
}

/* Its state changes while the module that listened to that is gone. */
static void change_state(void)
{
	struct nebula_budget *b = nebula_meeting_find(MEETING_BUDGET);
	const size_t bytes = nebula_budget_limit(b) - nebula_budget_used(b);

	if (nebula_budget_charge(b, bytes))
		pr_err("the budget is BROKEN\n");
	nebula_budget_notifier_flush(b);
	nebula_budget_uncharge(b, bytes);
	nebula_budget_notifier_flush(b);
}

static void __exit stayer_exit(void)
{
	unsigned int i;

	change_state();
	say("the block taken in the init function", early);
	nebula_pool_free(nebula_meeting_find(MEETING_EARLY), early);
	say("the block of one call site of many", site);
	nebula_pool_free(nebula_meeting_find(MEETING_SITES), site);
	for (i = 0; i < MINIMUM; i++) {
		say("an element of the mempool", elements[i]);
		mempool_free(elements[i], mempool);
	}
	mempool_destroy(mempool);
	use_reserve();
	end_wait();
	say("memory of the open scope", in_scope);
	nebula_bump_scope_exit(scoped, checkpoint);
}

module_init(stayer_init);
module_exit(stayer_exit);

MODULE_DESCRIPTION("Uses allocators of nebula_memory that another module leaves behind");
MODULE_LICENSE("GPL");
