// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own allocators: what others are compared with. They are asked with GFP_ATOMIC,
 * because interrupts are off meanwhile; it also spares them the offer to reschedule.
 */
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/mempool.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "walk.h"

#define SIZE	64

/* Elements that the mempool keeps back. */
#define RESERVE	100

static struct kmem_cache *cache;
static mempool_t *mempool;
static void *objects[BENCH_BATCH];
static struct walk walk;

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

/* Both want interrupts on. A repeat into which one comes is not the least. */
static noinline void kmem_cache_bulk(unsigned int n)
{
	struct kmem_cache *c = cache;

	local_irq_enable();
	for (; n; n -= BENCH_BATCH)
		if (kmem_cache_alloc_bulk(c, GFP_ATOMIC, BENCH_BATCH, objects))
			kmem_cache_free_bulk(c, BENCH_BATCH, objects);
	local_irq_disable();
}

static noinline void mempool_pair(unsigned int n)
{
	mempool_t *m = mempool;
	void *p;

	for (; n; n--) {
		p = mempool_alloc(m, GFP_ATOMIC);
		bench_use(p);
		mempool_free(p, m);
	}
}

static __always_inline void *take(void *c)
{
	return kmem_cache_alloc(c, GFP_ATOMIC);
}

static __always_inline void give(void *c, void *p)
{
	kmem_cache_free(c, p);
}

static noinline u64 kmem_cache_alloc_worst(unsigned int n)
{
	return walk_alloc_worst(&walk, cache, take, give, n);
}

static noinline u64 kmem_cache_free_worst(unsigned int n)
{
	return walk_free_worst(&walk, cache, take, give, n);
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

static void alloc_objects(void)
{
	kmalloc_only(BENCH_BATCH);
}

static void free_objects(void)
{
	kfree_only(BENCH_BATCH);
}

static int begin_allocated(void)
{
	alloc_objects();
	return 0;
}

static int end_allocated(void)
{
	free_objects();
	return 0;
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

static int destroy_mempool(void)
{
	mempool_destroy(mempool);
	return destroy_cache();
}

static int create_mempool(void)
{
	int err = create_cache();

	if (err)
		return err;
	mempool = mempool_create_slab_pool(RESERVE, cache);
	if (mempool)
		return 0;
	destroy_cache();
	return -ENOMEM;
}

#define CACHE	.setup = create_cache, .teardown = destroy_cache

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
		.name = "kfree",
		.title = "kfree alone, 100 in a row",
		BENCH_RUN(kfree_only),
		.setup = begin_allocated,
		.teardown = end_allocated,
		.ops = BENCH_BATCH,
		.undo = alloc_objects,
	}, {
		.name = "kmalloc_batch",
		.title = "100 kmalloc(64), 100 kfree, each",
		BENCH_RUN(kmalloc_batch),
		.base = empty_batch_pair,
	}, {
		.name = "kmem_cache_pair",
		.title = "kmem_cache_alloc(64) + free",
		BENCH_RUN(kmem_cache_pair), CACHE,
	}, {
		.name = "kmem_cache_bulk",
		.title = "kmem_cache bulk of 100, each",
		BENCH_RUN(kmem_cache_bulk), CACHE,
		.base = empty_bulk,
	}, {
		.name = "mempool_pair",
		.title = "mempool_alloc(64) + free",
		BENCH_RUN(mempool_pair),
		.setup = create_mempool,
		.teardown = destroy_mempool,
	}, {
		.name = "clear",
		.title = "clearing 64 bytes",
		BENCH_RUN(clear),
	}, {
		.name = "kmalloc_pair_worst",
		.title = "worst of 1,000,000: kmalloc(64) + kfree",
		BENCH_WORST(kmalloc_pair_worst),
	}, {
		.name = "kmem_cache_alloc_worst",
		.title = "worst of 1,000,000: kmem_cache_alloc",
		BENCH_WORST(kmem_cache_alloc_worst), CACHE,
	}, {
		.name = "kmem_cache_free_worst",
		.title = "worst of 1,000,000: kmem_cache_free",
		BENCH_WORST(kmem_cache_free_worst), CACHE,
	},
};

const struct bench_table slab_table = {
	.noun = "kernel",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
