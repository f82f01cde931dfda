// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's allocator for special memory, which keeps what it knows beside it in a bitmap. */
#include <linux/errno.h>
#include <linux/genalloc.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include "measure.h"

#define SIZE	64
#define BLOCKS	4096

static struct gen_pool *pool;
static void *memory;

static noinline void gen_pool_pair(unsigned int n)
{
	struct gen_pool *p = pool;
	unsigned long addr;

	for (; n; n--) {
		addr = gen_pool_alloc(p, SIZE);
		bench_use((void *)addr);
		gen_pool_free(p, addr, SIZE);
	}
}

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

static const struct bench_case cases[] = {
	{
		.name = "gen_pool_pair",
		.title = "gen_pool_alloc(64) + free",
		BENCH_RUN(gen_pool_pair),
		.setup = create,
		.teardown = destroy,
	},
};

const struct bench_table genalloc_table = {
	.noun = "kernel",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
