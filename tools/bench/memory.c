// SPDX-License-Identifier: GPL-2.0-only
/*
 * What there is room for as long as this module is loaded: 1000 objects of 64 bytes in a pool and
 * as many in a kmem_cache. What each takes beyond them is read from outside, in the pool's info and
 * in /proc/slabinfo.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <nebula/nebula.h>
#include "memory.h"

#define NAME	"nebula_bench_memory"
#define SIZE	64
#define OBJECTS	1000

static struct nebula_pool *pool;
static struct kmem_cache *cache;
static void *objects[OBJECTS];

static void cache_release(void)
{
	unsigned int i;

	for (i = 0; i < OBJECTS && objects[i]; i++)
		kmem_cache_free(cache, objects[i]);
	kmem_cache_destroy(cache);
}

static int cache_hold(void)
{
	unsigned int i;

	/* With a region for user space, so that it is not merged with another of this size. */
	cache = kmem_cache_create_usercopy(NAME, SIZE, 0, 0, 0, SIZE, NULL);
	if (!cache)
		return -ENOMEM;
	for (i = 0; i < OBJECTS; i++) {
		objects[i] = kmem_cache_alloc(cache, GFP_KERNEL);
		if (!objects[i]) {
			cache_release();
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * memory_hold() - make what is looked at
 *
 * Context: process context; may sleep.
 * Return: 0, or the error of the allocator that had no memory.
 */
int memory_hold(void)
{
	int err;

	pool = nebula_pool_create(NAME, .block_size = SIZE, .blocks = OBJECTS);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	err = cache_hold();
	if (err)
		nebula_pool_destroy(pool);
	return err;
}

/**
 * memory_release() - undo memory_hold()
 *
 * Context: process context; may sleep.
 */
void memory_release(void)
{
	cache_release();
	nebula_pool_destroy(pool);
}
