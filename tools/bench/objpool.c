// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's pool of objects that are made beforehand, with a ring for each CPU; since 6.7. */
#include <linux/objpool.h>
#include "walk.h"

#define SIZE	64

static struct objpool_head pool;
static struct walk walk;

static __always_inline void *take(void *p)
{
	return objpool_pop(p);
}

static __always_inline void give(void *p, void *obj)
{
	objpool_push(obj, p);
}

static __always_inline void pair(struct objpool_head *p)
{
	void *obj = objpool_pop(p);

	bench_use(obj);
	objpool_push(obj, p);
}

static DEFINE_BENCH_LOOP(objpool_pair, &pool, pair(it));
static DEFINE_WALK_ALLOCS(objpool_pops, &walk, &pool, take, give)
static DEFINE_WALK_FREES(objpool_pushes, &walk, &pool, take, give)

static int create(void)
{
	return objpool_init(&pool, WALK_OBJECTS, SIZE, GFP_KERNEL, NULL, NULL, NULL);
}

static int destroy(void)
{
	objpool_fini(&pool);
	return 0;
}

#define OBJPOOL		.percpu = true, .setup = create, .teardown = destroy

static const struct bench_case cases[] = {
	BENCH_AVERAGE("objpool_pair", "objpool_pop(64) + push", objpool_pair, OBJPOOL),
	BENCH_SINGLE("objpool_pop_single", "objpool_pop", objpool_pops, OBJPOOL),
	BENCH_SINGLE("objpool_push_single", "objpool_push", objpool_pushes, OBJPOOL),
};

const struct bench_table objpool_table = { "kernel", cases, ARRAY_SIZE(cases) };
