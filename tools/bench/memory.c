// SPDX-License-Identifier: GPL-2.0-only
/*
 * What there is as long as this module is loaded: 1000 objects of several sizes in each allocator.
 * The file memory has what is known here of the bytes beyond them; what a pool and a kmem_cache
 * take is read from outside, in the pool's info and in /proc/slabinfo.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <nebula/nebula.h>
#include "memory.h"

#define OBJECTS	1000

/**
 * struct holding - objects of one size
 * @size: of one, bytes.
 * @name: of the allocators that hold them.
 * @pool: has room for as many.
 * @bump: has as many.
 * @stack: likewise.
 * @cache: likewise.
 * @cached: those of @cache.
 */
struct holding {
	size_t size;
	const char *name;
	struct nebula_pool *pool;
	struct nebula_bump *bump;
	struct nebula_stack *stack;
	struct kmem_cache *cache;
	void *cached[OBJECTS];
};

static struct holding holdings[] = {
	{ .size = 48, .name = "nebula_bench_48" },
	{ .size = 64, .name = "nebula_bench_64" },
	{ .size = 100, .name = "nebula_bench_100" },
	{ .size = 600, .name = "nebula_bench_600" },
	{ .size = 1100, .name = "nebula_bench_1100" },
};

static int fill(struct holding *h)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++) {
		h->cached[i] = kmem_cache_alloc(h->cache, GFP_KERNEL);
		if (!h->cached[i] || !nebula_bump_alloc(h->bump, h->size, 8) ||
		    !nebula_stack_alloc(h->stack, h->size, 8))
			return -ENOMEM;
	}
	return 0;
}

static int hold(struct holding *h)
{
	const size_t room = 2 * OBJECTS * h->size;

	h->pool = nebula_pool_create(h->name, .block_size = h->size, .blocks = OBJECTS);
	h->bump = nebula_bump_create("bench", .capacity = room);
	h->stack = nebula_stack_create("bench", .capacity = room);
	/* With a region for user space, so that it is not merged with another of this size. */
	h->cache = kmem_cache_create_usercopy(h->name, h->size, 0, 0, 0, h->size, NULL);
	if (IS_ERR(h->pool) || IS_ERR(h->bump) || IS_ERR(h->stack) || !h->cache)
		return -ENOMEM;
	return fill(h);
}

static void release(struct holding *h)
{
	unsigned int i;

	for (i = 0; i < OBJECTS && h->cached[i]; i++)
		kmem_cache_free(h->cache, h->cached[i]);
	kmem_cache_destroy(h->cache);
	nebula_stack_destroy(h->stack);
	nebula_bump_destroy(h->bump);
	nebula_pool_destroy(h->pool);
}

/**
 * memory_release() - undo memory_hold()
 *
 * Context: process context; may sleep.
 */
void memory_release(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(holdings); i++)
		release(&holdings[i]);
}

/**
 * memory_hold() - make what is looked at
 *
 * Context: process context; may sleep.
 * Return: 0, or -ENOMEM.
 */
int memory_hold(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(holdings) && !err; i++)
		err = hold(&holdings[i]);
	if (err)
		memory_release();
	return err;
}

/* What kmalloc() adds to an object to come to one of its sizes. */
static size_t rounding(size_t size)
{
	void *p = kmalloc(size, GFP_KERNEL);
	size_t bytes = p ? ksize(p) - size : 0;

	kfree(p);
	return bytes;
}

static void show_line(struct seq_file *m, const struct holding *h, const char *noun,
		      const char *what, size_t bytes)
{
	seq_printf(m, "noun=%s name=memory_%s_%zu error=0 bytes=%zu objects=%u target=-1 ",
		   noun, what, h->size, bytes, OBJECTS);
	seq_printf(m, "kind=memory by=memory variant=%zu title=%s\n", h->size, what);
}

/**
 * memory_show() - print bytes beyond the objects
 * @m: where to.
 * @unused: unused.
 *
 * Context: process context; may sleep.
 * Return: 0.
 */
int memory_show(struct seq_file *m, void *unused)
{
	const struct holding *h;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(holdings); i++) {
		h = &holdings[i];
		show_line(m, h, "kernel", "kmalloc", OBJECTS * rounding(h->size));
		show_line(m, h, "memory", "bump",
			  nebula_bump_used(h->bump) - OBJECTS * h->size);
		show_line(m, h, "memory", "stack",
			  nebula_stack_used(h->stack) - OBJECTS * h->size);
	}
	return 0;
}
