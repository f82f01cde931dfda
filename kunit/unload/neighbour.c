// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that uses allocators of the suites' module, and stays when that is unloaded. What it
 * uses must still be there then; when it is unloaded too, nothing may be left.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/string.h>
#include "neighbour.h"

#define PATTERN	0x5a

static struct nebula_allocator *composite;
static struct nebula_pool *lender;
static u8 *borrowed;

int nebula_neighbour_adopt(struct nebula_pool *p)
{
	composite = nebula_fallback_create("neighbour", p, nebula_system_allocator());
	return PTR_ERR_OR_ZERO(composite);
}
EXPORT_SYMBOL_GPL(nebula_neighbour_adopt);

/* Not inline: the call site is this module's. */
int nebula_neighbour_borrow(struct nebula_pool *p)
{
	lender = p;
	borrowed = nebula_pool_alloc(p);
	if (!borrowed)
		return -ENOMEM;
	*borrowed = PATTERN;
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_neighbour_borrow);

/* The module that made the pool may have gone. */
static bool composite_serves(void)
{
	u8 *p = nebula_alloc(composite, 16, 8);

	if (!p)
		return false;
	memset(p, PATTERN, 16);
	nebula_free(composite, p);
	return true;
}

static int __init neighbour_init(void)
{
	return 0;
}

static void __exit neighbour_exit(void)
{
	if (!IS_ERR_OR_NULL(composite)) {
		pr_info("the adopted pool %s\n", composite_serves() ? "serves" : "FAILS");
		nebula_composite_destroy(composite);
	}
	if (borrowed) {
		pr_info("the borrowed block is %s\n", *borrowed == PATTERN ? "whole" : "BROKEN");
		nebula_pool_free(lender, borrowed);
	}
}

module_init(neighbour_init);
module_exit(neighbour_exit);

MODULE_DESCRIPTION("Uses allocators of the suites of nebula_memory, and outlives them");
MODULE_LICENSE("GPL");
