// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to choose an allocator: it does the same work, a list built and given
 * back, with kmalloc, an arena, a pool and a stack, and prints what each object cost.
 *
 * The figures are nanoseconds, the least of many rounds. Those of a virtual machine are good for
 * comparing the lines of one run with each other; for more than that see make bench.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include <nebula/nebula.h>

#define OBJECTS		1000
#define ROUNDS		50

struct item {
	struct item *next;
	u64 key;
	u64 payload[3];
};

static struct nebula_bump *bump;
static struct nebula_pool *pool;
static struct nebula_stack *stack;

struct cost {
	u64 alloc;	/* nanoseconds, of all objects */
	u64 free;	/* nanoseconds, of all objects */
	size_t bytes;	/* that each of them takes */
};

static void *alloc_kmalloc(void)
{
	return kmalloc(sizeof(struct item), GFP_KERNEL);
}

static void *alloc_bump(void)
{
	return nebula_alloc_obj(bump, struct item);
}

static void *alloc_pool(void)
{
	return nebula_alloc_obj(pool, struct item);
}

static void *alloc_stack(void)
{
	return nebula_alloc_obj(stack, struct item);
}

static struct item *take_first(struct item **list)
{
	struct item *item = *list;

	if (item)
		*list = item->next;
	return item;
}

static void free_kmalloc(struct item *list)
{
	struct item *item;

	while ((item = take_first(&list)))
		kfree(item);
}

/* All of them at once, however many. */
static void free_bump(struct item *list)
{
	nebula_bump_reset(bump);
}

static void free_pool(struct item *list)
{
	struct item *item;

	while ((item = take_first(&list)))
		nebula_free_obj(pool, item);
}

/* The list begins with the newest, so each is on top of the stack when its turn comes. */
static void free_stack(struct item *list)
{
	struct item *item;

	while ((item = take_first(&list)))
		nebula_free_obj(stack, item);
}

static size_t size_of(struct nebula_allocator *a, const struct item *item)
{
	struct nebula_stats st;

	if (!a)
		return ksize(item);
	nebula_stats_read(a, &st);
	return div64_u64(st.used, st.live);
}

static void print(const char *name, const struct cost *cost)
{
	u64 alloc = div_u64(cost->alloc * 10, OBJECTS), free = div_u64(cost->free * 10, OBJECTS);

	pr_info("%-8s %8llu.%llu ns %8llu.%llu ns %6zu bytes\n", name, alloc / 10, alloc % 10,
		free / 10, free % 10, cost->bytes);
}

static __always_inline int measure(void *(*alloc)(void), void (*give_back)(struct item *list),
				   struct nebula_allocator *a, struct cost *cost)
{
	struct item *list = NULL, *item;
	unsigned int i;
	u64 begin;

	begin = ktime_get_ns();
	for (i = 0; i < OBJECTS; i++) {
		item = alloc();
		if (!item) {
			give_back(list);
			return -ENOMEM;
		}
		item->key = i;
		item->next = list;
		list = item;
	}
	cost->alloc = min(cost->alloc, ktime_get_ns() - begin);
	cost->bytes = size_of(a, list);
	begin = ktime_get_ns();
	give_back(list);
	cost->free = min(cost->free, ktime_get_ns() - begin);
	return 0;
}

/* Expanded for each allocator, so that what is inline stays inline. */
static __always_inline int compare(const char *name, void *(*alloc)(void),
				   void (*give_back)(struct item *list),
				   struct nebula_allocator *a)
{
	struct cost cost = { .alloc = U64_MAX, .free = U64_MAX };
	unsigned int i;
	int err;

	for (i = 0; i < ROUNDS; i++) {
		err = measure(alloc, give_back, a, &cost);
		if (err)
			return err;
		cond_resched();
	}
	print(name, &cost);
	return 0;
}

static int compare_all(void)
{
	pr_info("%u objects of %zu bytes, for each of them:\n", OBJECTS, sizeof(struct item));
	pr_info("%-8s %13s %13s %12s\n", "", "to allocate", "to give back", "takes");
	return compare("kmalloc", alloc_kmalloc, free_kmalloc, NULL) ?:
	       compare("bump", alloc_bump, free_bump, nebula_allocator_of(bump)) ?:
	       compare("pool", alloc_pool, free_pool, nebula_allocator_of(pool)) ?:
	       compare("stack", alloc_stack, free_stack, nebula_allocator_of(stack));
}

static int __init comparison_init(void)
{
	int err;

	bump = nebula_bump_create("compare", .capacity = SZ_64K);
	pool = nebula_pool_create_for("compare", struct item, OBJECTS);
	stack = nebula_stack_create("compare", .capacity = SZ_64K);
	err = PTR_ERR_OR_ZERO(bump) ?: PTR_ERR_OR_ZERO(pool) ?: PTR_ERR_OR_ZERO(stack) ?:
	      compare_all();
	nebula_stack_destroy(stack);
	nebula_pool_destroy(pool);
	nebula_bump_destroy(bump);
	return err;
}

static void __exit comparison_exit(void)
{
}

module_init(comparison_init);
module_exit(comparison_exit);

MODULE_DESCRIPTION("nebula_memory sample: the same work with four allocators");
MODULE_LICENSE("GPL");
