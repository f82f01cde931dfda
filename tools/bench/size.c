// SPDX-License-Identifier: GPL-2.0-only
/* The same operations with objects of several sizes. */
#include <linux/err.h>
#include <linux/slab.h>
#include <nebula/nebula.h>
#include "compat.h"
#include "measure.h"

/* Objects of one timed piece; the largest fill a few MiB. */
#define OPS	1000

/* Pieces of a repeat: as shipped, a large object is cleared with thousands of instructions. */
#define ROUNDS	2

static struct nebula_bump *bump;
static struct nebula_stack *stack;
static struct nebula_scratch *scratch;
static struct nebula_pool *pool;
static struct kmem_cache *cache;
static struct page_frag_cache frags;

/* Allocates an object, uses it, and frees it. */
#define DEFINE_PAIR(fn, on, alloc, free)					\
static DEFINE_BENCH_LOOP(fn, on, ({						\
	void *p = alloc;							\
										\
	bench_use(p);								\
	free;									\
}))

/* The size is a constant only where the call takes one. */
DEFINE_PAIR(size_cache, cache, kmem_cache_alloc(it, GFP_ATOMIC), kmem_cache_free(it, p));
DEFINE_PAIR(size_pool, pool, nebula_pool_alloc(it), nebula_pool_free(it, p));

static int destroy(void)
{
	nebula_bump_destroy(bump);
	nebula_stack_destroy(stack);
	nebula_scratch_destroy(scratch);
	nebula_pool_destroy(pool);
	kmem_cache_destroy(cache);
	page_frag_cache_drain(&frags);
	return 0;
}

static int create(unsigned int size)
{
	bump = nebula_bump_create("bench", .capacity = OPS * size);
	stack = nebula_stack_create("bench", .capacity = 2 * size);
	scratch = nebula_scratch_create("bench", .per_cpu_size = 2 * size);
	pool = nebula_pool_create("bench", .block_size = size, .blocks = 256);
	cache = kmem_cache_create("nebula_bench", size, 0, 0, NULL);
	if (!IS_ERR(bump) && !IS_ERR(stack) && !IS_ERR(scratch) && !IS_ERR(pool) && cache)
		return 0;
	destroy();
	return -ENOMEM;
}

static void undo(void)
{
	nebula_bump_reset(bump);
}

#define DEFINE_SIZE(size)							\
DEFINE_PAIR(size_kmalloc_##size, 0, kmalloc(size, GFP_ATOMIC), kfree(p));	\
DEFINE_PAIR(size_page_frag_##size, &frags, page_frag_alloc(it, size, GFP_ATOMIC),	\
	    page_frag_free(p));							\
DEFINE_PAIR(size_stack_##size, stack, nebula_stack_alloc(it, size, 8), nebula_stack_free(it, p));\
DEFINE_PAIR(size_scratch_##size, scratch, nebula_scratch_get(it, size, 8),	\
	    nebula_scratch_put(it, p));						\
static DEFINE_BENCH_LOOP(size_bump_##size, bump, bench_use(nebula_bump_alloc(it, size, 8)));	\
										\
static int create_##size(void)							\
{										\
	return create(size);							\
}

BENCH_EACH_SIZE(DEFINE_SIZE)

#define ROW(size, what, text, fn, ...)						\
	BENCH_AVERAGE("size_" what "_" #size, text, fn, .variant = #size, .ops = OPS,	\
		      .rounds = ROUNDS, .setup = create_##size, .undo = undo,	\
		      .teardown = destroy, ##__VA_ARGS__)

#define PEER_ROWS(size)								\
	ROW(size, "kmalloc", "kmalloc", size_kmalloc_##size, .percpu = true),	\
	ROW(size, "kmem_cache", "kmem_cache", size_cache, .percpu = true),	\
	ROW(size, "page_frag", "page_frag", size_page_frag_##size),

#define OUR_ROWS(size)								\
	ROW(size, "bump", "bump", size_bump_##size),				\
	ROW(size, "pool", "pool", size_pool, .percpu = true),			\
	ROW(size, "stack", "stack", size_stack_##size),				\
	ROW(size, "scratch", "scratch", size_scratch_##size, .percpu = true),

static const struct bench_case peer_cases[] = { BENCH_EACH_SIZE(PEER_ROWS) };
static const struct bench_case cases[] = { BENCH_EACH_SIZE(OUR_ROWS) };

const struct bench_table size_peer_table = {
	"kernel", peer_cases, ARRAY_SIZE(peer_cases), .by = "size",
};

const struct bench_table size_table = { "size", cases, ARRAY_SIZE(cases), .by = "size" };
