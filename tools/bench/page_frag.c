// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's fragments of pages, as network drivers use them: a page goes back when the last of
 * its fragments is freed, and has one owner while it is handed out.
 */
#include <linux/errno.h>
#include "compat.h"
#include "walk.h"

#define SIZE	64

static struct page_frag_cache cache;
static void *objects[BENCH_BATCH];
static struct walk walk;

static __always_inline void *take(void *c)
{
	return page_frag_alloc(c, SIZE, GFP_ATOMIC);
}

static __always_inline void give(void *c, void *p)
{
	page_frag_free(p);
}

static __always_inline void pair(struct page_frag_cache *c)
{
	void *p = take(c);

	bench_use(p);
	give(c, p);
}

static __always_inline void batch(struct page_frag_cache *c)
{
	unsigned int i;

	for (i = 0; i < BENCH_BATCH; i++)
		objects[i] = take(c);
	for (i = 0; i < BENCH_BATCH; i++)
		give(c, objects[i]);
}

static DEFINE_BENCH_LOOP(page_frag_pair, &cache, pair(it));
static DEFINE_BENCH_STEPS(page_frag_batch, &cache, BENCH_BATCH, batch(it));
static DEFINE_WALK_ALLOCS(page_frag_allocs, &walk, &cache, take, give)
static DEFINE_WALK_FREES(page_frag_frees, &walk, &cache, take, give)

static int drain(void)
{
	page_frag_cache_drain(&cache);
	return 0;
}

#define PAGE_FRAG	.teardown = drain

static const struct bench_case cases[] = {
	BENCH_AVERAGE("page_frag_pair", "page_frag_alloc(64) + free", page_frag_pair, PAGE_FRAG),
	BENCH_AVERAGE("page_frag_batch", "100 page_frag_alloc(64), 100 frees, each",
		      page_frag_batch, PAGE_FRAG, .base = empty_batch_pair),
	BENCH_SINGLE("page_frag_alloc_single", "page_frag_alloc", page_frag_allocs, PAGE_FRAG),
	BENCH_SINGLE("page_frag_free_single", "page_frag_free", page_frag_frees, PAGE_FRAG),
};

const struct bench_table page_frag_table = { "kernel", cases, ARRAY_SIZE(cases) };
