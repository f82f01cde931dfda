// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's allocator for special memory, which keeps what it knows beside it in a bitmap. */
#include <linux/errno.h>
#include <linux/genalloc.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include "walk.h"

#define SIZE	64
#define BLOCKS	WALK_OBJECTS

static struct gen_pool *pool;
static void *memory;
static struct walk walk;

static __always_inline void pair(struct gen_pool *p)
{
	unsigned long addr = gen_pool_alloc(p, SIZE);

	bench_use((void *)addr);
	gen_pool_free(p, addr, SIZE);
}

static __always_inline void *take(void *p)
{
	return (void *)gen_pool_alloc(p, SIZE);
}

static __always_inline void give(void *p, void *obj)
{
	gen_pool_free(p, (unsigned long)obj, SIZE);
}

static DEFINE_BENCH_LOOP(gen_pool_pair, pool, pair(it));
static DEFINE_WALK_ALLOCS(gen_pool_allocs, &walk, pool, take, give)
static DEFINE_WALK_FREES(gen_pool_frees, &walk, pool, take, give)

static int destroy(void)
{
	if (pool)
		gen_pool_destroy(pool);
	kvfree(memory);
	return 0;
}

static int create(void)
{
	memory = kvmalloc(SIZE * BLOCKS, GFP_KERNEL);
	pool = gen_pool_create(ilog2(SIZE), NUMA_NO_NODE);
	if (memory && pool &&
	    !gen_pool_add(pool, (unsigned long)memory, SIZE * BLOCKS, NUMA_NO_NODE))
		return 0;
	destroy();
	return -ENOMEM;
}

#define GEN_POOL	.setup = create, .teardown = destroy

static const struct bench_case cases[] = {
	BENCH_AVERAGE("gen_pool_pair", "gen_pool_alloc(64) + free", gen_pool_pair, GEN_POOL),
	BENCH_SINGLE("gen_pool_alloc_single", "gen_pool_alloc", gen_pool_allocs, GEN_POOL),
	BENCH_SINGLE("gen_pool_free_single", "gen_pool_free", gen_pool_frees, GEN_POOL),
};

const struct bench_table genalloc_table = { "kernel", cases, ARRAY_SIZE(cases) };
