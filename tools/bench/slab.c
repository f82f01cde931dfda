// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own allocators: what others are compared with. They are asked with GFP_ATOMIC,
 * because interrupts are off meanwhile; it also spares them the offer to reschedule.
 */
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "measure.h"

#define SIZE	64

static struct kmem_cache *cache;
static void *objects[BENCH_BATCH];

static __always_inline void pair(void)
{
	void *p = kmalloc(SIZE, GFP_ATOMIC);

	bench_use(p);
	kfree(p);
}

static noinline void kmalloc_pair(unsigned int n)
{
	for (; n; n--)
		pair();
}

static noinline u64 kmalloc_pair_worst(unsigned int n)
{
	u64 took, worst = 0;

	for (; n; n--) {
		took = bench_time(pair());
		worst = max(worst, took);
	}
	return worst;
}

static noinline void kmalloc_only(unsigned int n)
{
	void **p = objects;

	for (; n; n--)
		*p++ = kmalloc(SIZE, GFP_ATOMIC);
}

static noinline void kfree_only(unsigned int n)
{
	void **p = objects;

	for (; n; n--)
		kfree(*p++);
}

static noinline void kmalloc_batch(unsigned int n)
{
	unsigned int i;

	for (; n; n -= BENCH_BATCH) {
		for (i = 0; i < BENCH_BATCH; i++)
			objects[i] = kmalloc(SIZE, GFP_ATOMIC);
		for (i = 0; i < BENCH_BATCH; i++)
			kfree(objects[i]);
	}
}

static noinline void kmem_cache_pair(unsigned int n)
{
	struct kmem_cache *c = cache;
	void *p;

	for (; n; n--) {
		p = kmem_cache_alloc(c, GFP_ATOMIC);
		bench_use(p);
		kmem_cache_free(c, p);
	}
}

/* As the kernel does it: out of line, since the size is not constant. */
static noinline void clear(unsigned int n)
{
	static u8 object[SIZE];
	size_t size = SIZE;
	void *p = object;

	for (; n; n--) {
		OPTIMIZER_HIDE_VAR(size);
		OPTIMIZER_HIDE_VAR(p);
		memset(p, 0, size);
	}
}

static void free_objects(void)
{
	kfree_only(BENCH_BATCH);
}

static int create_cache(void)
{
	cache = kmem_cache_create("nebula_bench", SIZE, 0, 0, NULL);
	return cache ? 0 : -ENOMEM;
}

static int destroy_cache(void)
{
	kmem_cache_destroy(cache);
	return 0;
}

static const struct bench_case cases[] = {
	{
		.name = "kmalloc_pair",
		.title = "kmalloc(64) + kfree",
		BENCH_RUN(kmalloc_pair),
	}, {
		.name = "kmalloc",
		.title = "kmalloc(64) alone, 100 in a row",
		BENCH_RUN(kmalloc_only),
		.ops = BENCH_BATCH,
		.undo = free_objects,
	}, {
		.name = "kmalloc_batch",
		.title = "100 kmalloc(64), 100 kfree, each",
		BENCH_RUN(kmalloc_batch),
		.base = empty_batch_pair,
	}, {
		.name = "kmem_cache_pair",
		.title = "kmem_cache_alloc(64) + free",
		BENCH_RUN(kmem_cache_pair),
		.setup = create_cache,
		.teardown = destroy_cache,
	}, {
		.name = "clear",
		.title = "clearing 64 bytes",
		BENCH_RUN(clear),
	}, {
		.name = "kmalloc_pair_worst",
		.title = "worst of 100,000: kmalloc(64) + kfree",
		BENCH_WORST(kmalloc_pair_worst),
	},
};

const struct bench_table slab_table = {
	.noun = "slab",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
