// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools that were made small and have grown, most of their blocks live; and what it costs to grow
 * there. Interrupts are off, so what is added while it is measured is added in place.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <nebula/nebula.h>
#include "measure.h"

#define SIZE	72
#define FEW	64U
#define MOST	65536U

/* Part of the blocks that are live, in percent. */
#define LIVE	94

static struct nebula_pool *pool;
static struct kmem_cache *cache;
static void **objects;
static unsigned int live;
static u32 at;

/* Any of the live objects: a generator with a period of 2^32. */
static __always_inline void **any_object(void)
{
	at = at * 1664525 + 1013904223;
	return &objects[((u64)at * live) >> 32];
}

static __always_inline void exchange(struct nebula_pool *p, void **obj)
{
	nebula_pool_free(p, *obj);
	*obj = nebula_pool_alloc(p);
}

static __always_inline void exchange_in_cache(struct kmem_cache *c, void **obj)
{
	kmem_cache_free(c, *obj);
	*obj = kmem_cache_alloc(c, GFP_ATOMIC);
}

static DEFINE_BENCH_LOOP(nothing_exchanged, 0, bench_use(any_object()));
static DEFINE_BENCH_LOOP(pool_exchange, pool, exchange(it, any_object()));
static DEFINE_BENCH_LOOP(cache_exchange, cache, exchange_in_cache(it, any_object()));
static DEFINE_BENCH_LOOP(pool_fill, &objects[0], *it++ = nebula_pool_alloc_gfp(pool, GFP_ATOMIC));
static DEFINE_BENCH_LOOP(cache_fill, &objects[0], *it++ = kmem_cache_alloc(cache, GFP_ATOMIC));

static int create_objects(unsigned int n)
{
	live = n;
	objects = kvcalloc(n, sizeof(*objects), GFP_KERNEL);
	return objects ? 0 : -ENOMEM;
}

static int create_pool(unsigned int blocks, unsigned int most)
{
	pool = nebula_pool_create("bench", .block_size = SIZE, .blocks = blocks,
				  .max_blocks = most, .flags = NEBULA_GROW);
	return PTR_ERR_OR_ZERO(pool);
}

static int fill_pool(void)
{
	unsigned int i;

	for (i = 0; i < live; i++) {
		objects[i] = nebula_pool_alloc_gfp(pool, GFP_KERNEL);
		if (!objects[i])
			return -ENOMEM;
	}
	return 0;
}

static void empty_pool(void)
{
	unsigned int i;

	for (i = 0; i < live; i++)
		nebula_pool_free(pool, objects[i]);
}

static int grow_to(unsigned int blocks, unsigned int most)
{
	int err = create_objects(most / 100 * LIVE);

	return err ?: create_pool(blocks, most) ?: fill_pool();
}

static int destroy_pool(void)
{
	nebula_pool_destroy(pool);
	kvfree(objects);
	return 0;
}

static int empty_and_destroy(void)
{
	empty_pool();
	return destroy_pool();
}

static int begin_fill(unsigned int n)
{
	int err = create_objects(n);

	return err ?: create_pool(FEW, n);
}

static void end_fill(void)
{
	empty_pool();
	nebula_pool_shrink(pool);
}

static void empty_cache(void)
{
	unsigned int i;

	for (i = 0; i < live; i++)
		kmem_cache_free(cache, objects[i]);
}

static int create_cache(unsigned int n)
{
	cache = kmem_cache_create("nebula_grown", SIZE, 0, 0, NULL);
	return cache ? create_objects(n) : -ENOMEM;
}

static int destroy_cache(void)
{
	kmem_cache_destroy(cache);
	kvfree(objects);
	return 0;
}

static int full_cache(void)
{
	int err = create_cache(MOST / 100 * LIVE);

	if (!err)
		cache_fill(live);
	return err;
}

static int empty_and_destroy_cache(void)
{
	empty_cache();
	return destroy_cache();
}

static int at_full_size(void)
{
	return grow_to(4096, 4096);
}

static int to_256(void)
{
	return grow_to(FEW, 256);
}

static int to_4096(void)
{
	return grow_to(FEW, 4096);
}

static int to_most(void)
{
	return grow_to(FEW, MOST);
}

static int fill_256(void)
{
	return begin_fill(256);
}

static int fill_most(void)
{
	return begin_fill(MOST);
}

static int cache_of_most(void)
{
	return create_cache(MOST);
}

#define LIVE_POOL	.percpu = true, .base = nothing_exchanged, .teardown = empty_and_destroy
#define LIVE_CACHE	.percpu = true, .base = nothing_exchanged, .setup = full_cache,		\
			.teardown = empty_and_destroy_cache
#define FILL		.percpu = true, .undo = end_fill, .teardown = destroy_pool

static const struct bench_case cases[] = {
	BENCH_AVERAGE("kmem_cache_exchange", "kmem_cache free + alloc, 61,000 live",
		      cache_exchange, LIVE_CACHE),
	BENCH_AVERAGE("pool_exchange", "pool free + alloc, made for 4096, 94% live", pool_exchange,
		      LIVE_POOL, .setup = at_full_size, .peers = "kmem_cache_exchange"),
	BENCH_AVERAGE("pool_grown_256", "pool free + alloc, grown from 64 to 256", pool_exchange,
		      LIVE_POOL, .setup = to_256, .target = 80, .peers = "kmem_cache_exchange"),
	BENCH_AVERAGE("pool_grown_4096", "pool free + alloc, grown to 4096", pool_exchange,
		      LIVE_POOL, .setup = to_4096, .target = 80, .peers = "kmem_cache_exchange"),
	BENCH_AVERAGE("pool_grown_65536", "pool free + alloc, grown to 65,536", pool_exchange,
		      LIVE_POOL, .setup = to_most, .target = 80, .peers = "kmem_cache_exchange"),
	BENCH_AVERAGE("kmem_cache_fill", "kmem_cache alloc of 65,536, each", cache_fill,
		      .percpu = true, .ops = MOST, .rounds = 1, .setup = cache_of_most,
		      .undo = empty_cache, .teardown = destroy_cache),
	BENCH_AVERAGE("pool_fill_256", "pool alloc from 64 to 256, growing, each", pool_fill, FILL,
		      .ops = 256, .rounds = 1, .setup = fill_256, .peers = "kmem_cache_fill"),
	BENCH_AVERAGE("pool_fill_65536", "pool alloc from 64 to 65,536, growing, each", pool_fill,
		      FILL, .ops = MOST, .rounds = 1, .setup = fill_most,
		      .peers = "kmem_cache_fill"),
};

const struct bench_table grown_table = { "grown", cases, ARRAY_SIZE(cases) };
