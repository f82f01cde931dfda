// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's XArray and its test, in one module, as they are or on a pool; and what a node costs:
 * entries so far apart that each has a node of its own are stored, and erased again.
 */
#define __DISABLE_EXPORTS
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include "nodes.h"
#ifdef PORT_pool
#include "xarray_pool.c"
#define WHOSE "nebula_pool"
#else
#include "xarray_kernel.c"
#define WHOSE "kmem_cache"
#endif

/* The test is a module of its own; here it is a function. */
#pragma push_macro("module_init")
#pragma push_macro("module_exit")
#undef module_init
#undef module_exit
#define module_init(fn)		static int (*const run_test)(void) = fn
#define module_exit(fn)		static void (*const end_test)(void) = fn
#include "test_xarray.c"
#pragma pop_macro("module_init")
#pragma pop_macro("module_exit")

#define ENTRIES	20000UL
#define ROUNDS	9

static u64 best_store = U64_MAX, best_erase = U64_MAX;

static int measure(void)
{
	static DEFINE_XARRAY(xa);
	u64 begin, stored, erased;
	unsigned long i;

	begin = ktime_get_ns();
	for (i = 0; i < ENTRIES; i++)
		if (xa_err(xa_store(&xa, i * XA_CHUNK_SIZE, xa_mk_value(i), GFP_KERNEL)))
			return -ENOMEM;
	stored = ktime_get_ns();
	for (i = 0; i < ENTRIES; i++)
		xa_erase(&xa, i * XA_CHUNK_SIZE);
	erased = ktime_get_ns();
	best_store = min(best_store, stored - begin);
	best_erase = min(best_erase, erased - stored);
	rcu_barrier();
	return 0;
}

static int __init port_init(void)
{
	unsigned int round;
	int ret = nodes_create();

	if (ret)
		return ret;
	ret = run_test();
	end_test();
	for (round = 0; !ret && round < ROUNDS; round++)
		ret = measure();
	rcu_barrier();
	nodes_destroy();
	pr_info("port: %s: %llu ns a store, %llu ns an erase\n", WHOSE, best_store / ENTRIES,
		best_erase / ENTRIES);
	return ret;
}

static void __exit port_exit(void)
{
}

module_init(port_init);
module_exit(port_exit);
