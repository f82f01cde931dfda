// SPDX-License-Identifier: GPL-2.0-only
/* The pool allocator: with its per-CPU caches, and strict. */
#include <linux/err.h>
#include <nebula/nebula.h>
#include "walk.h"

#define BLOCKS	WALK_OBJECTS

/* Objects in a row that no cache holds. */
#define MANY	BENCH_LARGE

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

static __always_inline void pair(struct nebula_pool *p)
{
	void *obj = nebula_pool_alloc(p);

	bench_use(obj);
	nebula_pool_free(p, obj);
}

static __always_inline void bulk(struct nebula_pool *p, unsigned int n)
{
	if (nebula_pool_alloc_bulk(p, n, objects))
		nebula_pool_free_bulk(p, n, objects);
}

static __always_inline void batch(struct nebula_pool *p, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		objects[i] = nebula_pool_alloc(p);
	for (i = 0; i < n; i++)
		nebula_pool_free(p, objects[i]);
}

static DEFINE_BENCH_LOOP(pool_pair, pool, pair(it));
static DEFINE_BENCH_STEPS(pool_bulk, pool, BENCH_BATCH, bulk(it, BENCH_BATCH));
static DEFINE_BENCH_STEPS(pool_batch, pool, BENCH_BATCH, batch(it, BENCH_BATCH));
static DEFINE_BENCH_STEPS(pool_large, pool, BENCH_LARGE, batch(it, BENCH_LARGE));
static DEFINE_WALK_ALLOCS(pool_allocs, &walk, pool, take, give)
static DEFINE_WALK_FREES(pool_frees, &walk, pool, take, give)

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

#define CACHED		.percpu = true, .setup = create, .teardown = destroy
#define ODD		.percpu = true, .setup = create_odd, .teardown = destroy
#define DEEP		.percpu = true, .setup = create_deep, .teardown = destroy
#define STRICT		.percpu = true, .setup = create_strict, .teardown = destroy
#define ALLOCATED	.percpu = true, .setup = create_and_alloc, .teardown = free_and_destroy

#define PAIRS	"kmem_cache_pair,sheaf_pair,kmalloc_pair,kmalloc_nolock_pair,mempool_pair,gen_pool_pair,objpool_pair"

#define SINGLE_ALLOCS	"kmem_cache_alloc_single,mempool_alloc_single,gen_pool_alloc_single"
#define SINGLE_FREES	"kmem_cache_free_single,mempool_free_single,gen_pool_free_single"

#define BULK	.calls = "nebula_pool_alloc_bulk_slow,nebula_pool_free_bulk_slow"

static const struct bench_case cases[] = {
	BENCH_AVERAGE("pool_pair", "pool alloc + free, 64 bytes", pool_pair, CACHED,
		      .target = 48, .peers = PAIRS ",shelf_plain"),
	BENCH_AVERAGE("pool_pair_odd", "pool alloc + free, 48 bytes", pool_pair, ODD,
		      .target = 48, .peers = "kmem_cache_pair"),
	BENCH_AVERAGE("pool_pair_strict", "pool alloc + free, strict", pool_pair, STRICT,
		      .target = 70, .peers = PAIRS,
		      .calls = "nebula_pool_alloc_busy,nebula_pool_free_busy"),
	BENCH_AVERAGE("pool_bulk", "pool bulk of 100, caches of 200, each", pool_bulk, DEEP, BULK,
		      .base = empty_bulk, .target = 20, .peers = "kmem_cache_bulk"),
	BENCH_AVERAGE("pool_bulk_default", "pool bulk of 100, each", pool_bulk, CACHED, BULK,
		      .base = empty_bulk, .peers = "kmem_cache_bulk"),
	BENCH_AVERAGE("pool_batch", "100 pool allocs, 100 frees, each", pool_batch, CACHED,
		      .peers = "kmem_cache_batch,sheaf_batch,kmalloc_batch,page_frag_batch",
		      .base = empty_batch_pair),
	BENCH_AVERAGE("pool_large_batch", "1000 pool allocs, 1000 frees, each", pool_large, CACHED,
		      .peers = "kmalloc_large_batch", .base = empty_large_pair),
	BENCH_AVERAGE("pool_alloc", "pool alloc alone, 1000 in a row", pool_alloc_only, CACHED,
		      .peers = "kmalloc", .ops = MANY, .undo = free_many),
	BENCH_AVERAGE("pool_free", "pool free alone, 1000 in a row", pool_free_only, ALLOCATED,
		      .peers = "kfree", .ops = MANY, .undo = alloc_many),
	BENCH_SINGLE("pool_alloc_single", "pool alloc", pool_allocs, CACHED,
		     .target = 300, .peers = SINGLE_ALLOCS),
	BENCH_SINGLE("pool_free_single", "pool free", pool_frees, CACHED,
		     .target = 300, .peers = SINGLE_FREES),
	BENCH_SINGLE("pool_alloc_strict_single", "pool alloc, strict", pool_allocs, STRICT,
		     .peers = "kmem_cache_alloc_single"),
	BENCH_SINGLE("pool_free_strict_single", "pool free, strict", pool_frees, STRICT,
		     .peers = "kmem_cache_free_single"),
};

const struct bench_table pool_table = { "pool", cases, ARRAY_SIZE(cases) };
