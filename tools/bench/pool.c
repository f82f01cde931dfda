// SPDX-License-Identifier: GPL-2.0-only
/* The pool allocator: with its per-CPU caches, and strict. */
#include <linux/err.h>
#include <nebula/nebula.h>
#include "walk.h"

#define BLOCKS	WALK_OBJECTS

/* Objects in a row that no cache holds. */
#define MANY	1000

static struct nebula_pool *pool;
static void *objects[MANY];
static struct walk walk;

static __always_inline void *take(void *p)
{
	return nebula_pool_alloc(p);
}

static __always_inline void give(void *p, void *obj)
{
	nebula_pool_free(p, obj);
}

static noinline void pool_pair(unsigned int n)
{
	struct nebula_pool *p = pool;
	void *obj;

	for (; n; n--) {
		obj = nebula_pool_alloc(p);
		bench_use(obj);
		nebula_pool_free(p, obj);
	}
}

static noinline void pool_bulk(unsigned int n)
{
	struct nebula_pool *p = pool;

	for (; n; n -= BENCH_BATCH)
		if (nebula_pool_alloc_bulk(p, BENCH_BATCH, objects))
			nebula_pool_free_bulk(p, BENCH_BATCH, objects);
}

static noinline void pool_batch(unsigned int n)
{
	struct nebula_pool *p = pool;
	unsigned int i;

	for (; n; n -= BENCH_BATCH) {
		for (i = 0; i < BENCH_BATCH; i++)
			objects[i] = nebula_pool_alloc(p);
		for (i = 0; i < BENCH_BATCH; i++)
			nebula_pool_free(p, objects[i]);
	}
}

static noinline void pool_alloc_only(unsigned int n)
{
	struct nebula_pool *p = pool;
	void **obj = objects;

	for (; n; n--)
		*obj++ = nebula_pool_alloc(p);
}

static noinline void pool_free_only(unsigned int n)
{
	struct nebula_pool *p = pool;
	void **obj = objects;

	for (; n; n--)
		nebula_pool_free(p, *obj++);
}

static noinline u64 pool_alloc_worst(unsigned int n)
{
	return walk_alloc_worst(&walk, pool, take, give, n);
}

static noinline u64 pool_free_worst(unsigned int n)
{
	return walk_free_worst(&walk, pool, take, give, n);
}

static int create(void)
{
	pool = nebula_pool_create("bench", .block_size = 64, .blocks = BLOCKS);
	return PTR_ERR_OR_ZERO(pool);
}

static int create_odd(void)
{
	pool = nebula_pool_create("bench", .block_size = 48, .blocks = BLOCKS);
	return PTR_ERR_OR_ZERO(pool);
}

static int create_deep(void)
{
	pool = nebula_pool_create("bench", .block_size = 64, .blocks = BLOCKS,
				  .cache_depth = 2 * BENCH_BATCH);
	return PTR_ERR_OR_ZERO(pool);
}

static int create_strict(void)
{
	pool = nebula_pool_create("bench", .block_size = 64, .blocks = BLOCKS,
				  .flags = NEBULA_STRICT);
	return PTR_ERR_OR_ZERO(pool);
}

static void alloc_many(void)
{
	pool_alloc_only(MANY);
}

static void free_many(void)
{
	pool_free_only(MANY);
}

static int destroy(void)
{
	struct nebula_stats st;

	nebula_stats_read(pool, &st);
	nebula_pool_destroy(pool);
	return st.failed || st.live ? -EINVAL : 0;
}

static int create_and_alloc(void)
{
	int err = create();

	if (!err)
		alloc_many();
	return err;
}

static int free_and_destroy(void)
{
	free_many();
	return destroy();
}

#define CACHED	.setup = create, .teardown = destroy
#define ODD	.setup = create_odd, .teardown = destroy
#define DEEP	.setup = create_deep, .teardown = destroy
#define STRICT	.setup = create_strict, .teardown = destroy

#define PAIRS	"kmem_cache_pair,mempool_pair,gen_pool_pair"

static const struct bench_case cases[] = {
	{
		.name = "pool_pair",
		.title = "pool alloc + free, 64 bytes",
		.peers = PAIRS,
		.target = 48,
		BENCH_RUN(pool_pair), CACHED,
	}, {
		.name = "pool_pair_odd",
		.title = "pool alloc + free, 48 bytes",
		.peers = "kmem_cache_pair",
		.target = 48,
		BENCH_RUN(pool_pair), ODD,
	}, {
		.name = "pool_pair_strict",
		.title = "pool alloc + free, strict",
		.peers = PAIRS,
		.target = 70,
		BENCH_RUN(pool_pair), STRICT,
		.calls = "nebula_pool_alloc_outline,nebula_pool_free_index",
	}, {
		.name = "pool_bulk",
		.title = "pool bulk of 100, caches of 200, each",
		.peers = "kmem_cache_bulk",
		.target = 20,
		BENCH_RUN(pool_bulk), DEEP,
		.base = empty_bulk,
		.calls = "nebula_pool_alloc_bulk,nebula_pool_free_bulk",
	}, {
		.name = "pool_bulk_default",
		.title = "pool bulk of 100, each",
		.peers = "kmem_cache_bulk",
		BENCH_RUN(pool_bulk), CACHED,
		.base = empty_bulk,
		.calls = "nebula_pool_alloc_bulk,nebula_pool_free_bulk",
	}, {
		.name = "pool_batch",
		.title = "100 pool allocs, 100 frees, each",
		.peers = "kmalloc_batch",
		BENCH_RUN(pool_batch), CACHED,
		.base = empty_batch_pair,
	}, {
		.name = "pool_alloc",
		.title = "pool alloc alone, 1000 in a row",
		.peers = "kmalloc",
		BENCH_RUN(pool_alloc_only), CACHED,
		.ops = MANY,
		.undo = free_many,
	}, {
		.name = "pool_free",
		.title = "pool free alone, 1000 in a row",
		.peers = "kfree",
		BENCH_RUN(pool_free_only),
		.setup = create_and_alloc,
		.teardown = free_and_destroy,
		.ops = MANY,
		.undo = alloc_many,
	}, {
		.name = "pool_alloc_worst",
		.title = "worst of 1,000,000: pool alloc",
		.peers = "kmem_cache_alloc_worst,kmalloc_pair_worst",
		.target = 300,
		BENCH_WORST(pool_alloc_worst), CACHED,
	}, {
		.name = "pool_free_worst",
		.title = "worst of 1,000,000: pool free",
		.peers = "kmem_cache_free_worst,kmalloc_pair_worst",
		.target = 300,
		BENCH_WORST(pool_free_worst), CACHED,
	}, {
		.name = "pool_alloc_strict_worst",
		.title = "worst of 1,000,000: pool alloc, strict",
		.peers = "kmem_cache_alloc_worst",
		BENCH_WORST(pool_alloc_worst), STRICT,
	}, {
		.name = "pool_free_strict_worst",
		.title = "worst of 1,000,000: pool free, strict",
		.peers = "kmem_cache_free_worst",
		BENCH_WORST(pool_free_worst), STRICT,
	},
};

const struct bench_table pool_table = {
	.noun = "pool",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
