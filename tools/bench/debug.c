// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it costs to have errors found: the debug flags, one by one and together, beside those that
 * a kmem_cache can have. A kmem_cache with such flags makes all others look for them until the next
 * boot, so those rows are measured when all else has been.
 */
#include <linux/err.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <nebula/nebula.h>
#include "measure.h"

#define SIZE	64

/* Call stacks are kept in a few hundred instructions. */
#define OPS	1000

static struct nebula_bump *bump;
static struct nebula_stack *stack;
static struct nebula_pool *pool;
static struct kmem_cache *cache;

static __always_inline void pool_step(struct nebula_pool *p)
{
	void *obj = nebula_pool_alloc(p);

	bench_use(obj);
	nebula_pool_free(p, obj);
}

static __always_inline void stack_step(struct nebula_stack *s)
{
	void *obj = nebula_stack_alloc(s, SIZE, 8);

	bench_use(obj);
	nebula_stack_free(s, obj);
}

static __always_inline void cache_step(struct kmem_cache *c)
{
	void *obj = kmem_cache_alloc(c, GFP_ATOMIC);

	bench_use(obj);
	kmem_cache_free(c, obj);
}

static DEFINE_BENCH_LOOP(debug_bump, bump, bench_use(nebula_bump_alloc(it, SIZE, 8)));
static DEFINE_BENCH_LOOP(debug_pool, pool, pool_step(it));
static DEFINE_BENCH_LOOP(debug_stack, stack, stack_step(it));
static DEFINE_BENCH_LOOP(debug_cache, cache, cache_step(it));

static int destroy(void)
{
	nebula_bump_destroy(bump);
	nebula_stack_destroy(stack);
	nebula_pool_destroy(pool);
	return 0;
}

static int create(unsigned int flags)
{
	bump = nebula_bump_create("bench", .capacity = SZ_1M, .flags = flags);
	stack = nebula_stack_create("bench", .capacity = SZ_64K, .flags = flags);
	pool = nebula_pool_create("bench", .block_size = SIZE, .blocks = 256, .flags = flags);
	if (!IS_ERR(bump) && !IS_ERR(stack) && !IS_ERR(pool))
		return 0;
	destroy();
	return -ENOMEM;
}

static void undo(void)
{
	nebula_bump_reset(bump);
}

static int destroy_cache(void)
{
	kmem_cache_destroy(cache);
	return 0;
}

static int create_cache(slab_flags_t flags)
{
	cache = kmem_cache_create("nebula_bench", SIZE, 0, flags, NULL);
	return cache ? 0 : -ENOMEM;
}

/* each(name, title, our flags, those of a kmem_cache) */
#define EACH_DEBUGGING(each)							\
	each(off, "off", 0, 0)							\
	each(redzone, "redzones", NEBULA_REDZONE, SLAB_RED_ZONE)		\
	each(poison, "poison", NEBULA_POISON, SLAB_POISON)			\
	each(track, "stacks", NEBULA_TRACK, SLAB_STORE_USER)		\
	each(all, "all", NEBULA_DEBUG_FLAGS, SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER)

#define DEFINE_SETUP(name, text, flags, slab_flags)				\
static int create_##name(void)							\
{										\
	return create(flags);							\
}										\
										\
static int create_cache_##name(void)						\
{										\
	return create_cache(slab_flags);					\
}

EACH_DEBUGGING(DEFINE_SETUP)

#define ROW(id, text, what, fn, create, destroy, ...)				\
	BENCH_AVERAGE("debug_" what "_" #id, what, fn, .variant = (text), .ops = OPS,	\
		      .rounds = 2, .setup = create, .teardown = destroy, ##__VA_ARGS__)

#define OUR_ROWS(id, text, flags, slab_flags)					\
	ROW(id, text, "bump", debug_bump, create_##id, destroy, .undo = undo),	\
	ROW(id, text, "pool", debug_pool, create_##id, destroy, .percpu = true),	\
	ROW(id, text, "stack", debug_stack, create_##id, destroy),

#define PEER_ROWS(id, text, flags, slab_flags)					\
	ROW(id, text, "kmem_cache", debug_cache, create_cache_##id, destroy_cache, \
	    .percpu = true),

static const struct bench_case cases[] = { EACH_DEBUGGING(OUR_ROWS) };
static const struct bench_case peer_cases[] = { EACH_DEBUGGING(PEER_ROWS) };

const struct bench_table debug_table = { "debug", cases, ARRAY_SIZE(cases), .by = "debugging" };

const struct bench_table debug_peer_table = {
	"kernel", peer_cases, ARRAY_SIZE(peer_cases), .by = "debugging", .last = true,
};
