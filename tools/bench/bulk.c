// SPDX-License-Identifier: GPL-2.0-only
/* Objects that are asked for many at once, and given back so: from one of them on. */
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/slab.h>
#include <nebula/nebula.h>
#include "compat.h"
#include "measure.h"

#define SIZE		64
#define MOST		250

/* What is there once for each number of objects, with what a pool may take for each of them. */
#define EACH_BULK(each)	each(1, 51) each(2, 46) each(3, 45) each(16, 0) each(100, 21) each(250, 0)

/* Objects of one timed piece, or as many as make whole bulks. */
#define OPS		1000

static struct nebula_pool *pool;
static struct kmem_cache *cache;
static void *objects[MOST];
static unsigned int failed;

static __always_inline void bulk_of_pool(struct nebula_pool *p, unsigned int n)
{
	if (nebula_pool_alloc_bulk(p, n, objects))
		nebula_pool_free_bulk(p, n, objects);
	else
		failed++;
}

static __always_inline void bulk_of_cache(struct kmem_cache *c, unsigned int n)
{
	if (kmem_cache_alloc_bulk(c, GFP_ATOMIC, n, objects))
		kmem_cache_free_bulk(c, n, objects);
	else
		failed++;
}

/* The kernel's want interrupts on. A repeat into which one comes is not the least. */
#define DEFINE_BULK(nr, goal)							\
static DEFINE_BENCH_STEPS(empty_bulk_##nr, 0, nr, barrier());			\
static DEFINE_BENCH_STEPS(pool_bulk_##nr, pool, nr, bulk_of_pool(it, nr));		\
static noinline void cache_bulk_##nr(unsigned int n)				\
{										\
	struct kmem_cache *c = cache;						\
										\
	local_irq_enable();							\
	for (; n; n -= (nr)) {							\
		bulk_of_cache(c, nr);						\
		barrier();							\
	}									\
	local_irq_disable();							\
}

EACH_BULK(DEFINE_BULK)

static int create_pool(void)
{
	failed = 0;
	pool = nebula_pool_create("bench", .block_size = SIZE, .blocks = 4096);
	return PTR_ERR_OR_ZERO(pool);
}

static int destroy_pool(void)
{
	nebula_pool_destroy(pool);
	return failed ? -ENOMEM : 0;
}

static int create_cache(void)
{
	failed = 0;
	cache = kmem_cache_create("nebula_bench", SIZE, 0, 0, NULL);
	return cache ? 0 : -ENOMEM;
}

#ifdef BENCH_HAS_SHEAVES
static int create_sheaves(void)
{
	failed = 0;
	cache = bench_sheaf_cache(SIZE);
	return cache ? 0 : -ENOMEM;
}
#endif

static int destroy_cache(void)
{
	kmem_cache_destroy(cache);
	return failed ? -ENOMEM : 0;
}

#define ROW(nr, what, fn, ...)							\
	BENCH_AVERAGE("bulk_" what "_" #nr, what, fn, .variant = #nr, .percpu = true,	\
		      .base = empty_bulk_##nr, .ops = OPS / (nr) * (nr), ##__VA_ARGS__)

#define PEER_ROW(nr, goal)							\
	ROW(nr, "kmem_cache", cache_bulk_##nr, .setup = create_cache, .teardown = destroy_cache),

#define SHEAF_ROW(nr, goal)							\
	ROW(nr, "sheaves", cache_bulk_##nr, .setup = create_sheaves, .teardown = destroy_cache),

#define OUR_ROW(nr, goal)							\
	ROW(nr, "pool", pool_bulk_##nr, .setup = create_pool, .teardown = destroy_pool,	\
	    .target = (goal), .peers = "bulk_kmem_cache_" #nr,			\
	    .calls = "nebula_pool_alloc_bulk_slow,nebula_pool_free_bulk_slow"),

static const struct bench_case peer_cases[] = { EACH_BULK(PEER_ROW)
#ifdef BENCH_HAS_SHEAVES
	EACH_BULK(SHEAF_ROW)
#endif
};

static const struct bench_case cases[] = { EACH_BULK(OUR_ROW) };

const struct bench_table bulk_peer_table = {
	"kernel", peer_cases, ARRAY_SIZE(peer_cases), .by = "bulk",
};

const struct bench_table bulk_table = { "pool", cases, ARRAY_SIZE(cases), .by = "bulk" };
