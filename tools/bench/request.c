// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a server does for a request: two buffers, ten small objects, and all of them have one end.
 * The same steps for each allocator; those that cannot end all at once free one by one.
 */
#include <linux/err.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <nebula/nebula.h>
#include "compat.h"
#include "measure.h"

#define BUFFERS		2
#define BUFFER_SIZE	256
#define ITEMS		10
#define ITEM_SIZE	128

static struct nebula_bump *bump;
static struct nebula_stack *stack;
static struct nebula_pool *buffer_pool, *item_pool;
static struct kmem_cache *buffer_cache, *item_cache;
static struct page_frag_cache frags;

/**
 * struct request - what it holds
 * @buffers: to work in.
 * @items: what it is made of.
 */
struct request {
	void *buffers[BUFFERS];
	void *items[ITEMS];
};

static struct request request;

/* All of a request, an expression for each kind of object; @i is which. */
#define REQUEST_EACH(buffer, item)					\
do {									\
	unsigned int i;							\
									\
	for (i = 0; i < BUFFERS; i++)					\
		buffer;							\
	for (i = 0; i < ITEMS; i++)					\
		item;							\
} while (0)

#define REQUEST_ALLOC(buffer, item)					\
	REQUEST_EACH(bench_use(request.buffers[i] = (buffer)), bench_use(request.items[i] = (item)))

static __always_inline void request_kmalloc(void)
{
	REQUEST_ALLOC(kmalloc(BUFFER_SIZE, GFP_ATOMIC), kmalloc(ITEM_SIZE, GFP_ATOMIC));
	REQUEST_EACH(kfree(request.buffers[i]), kfree(request.items[i]));
}

static __always_inline void request_cache(void)
{
	REQUEST_ALLOC(kmem_cache_alloc(buffer_cache, GFP_ATOMIC),
		      kmem_cache_alloc(item_cache, GFP_ATOMIC));
	REQUEST_EACH(kmem_cache_free(buffer_cache, request.buffers[i]),
		     kmem_cache_free(item_cache, request.items[i]));
}

static __always_inline void request_frags(void)
{
	REQUEST_ALLOC(page_frag_alloc(&frags, BUFFER_SIZE, GFP_ATOMIC),
		      page_frag_alloc(&frags, ITEM_SIZE, GFP_ATOMIC));
	REQUEST_EACH(page_frag_free(request.buffers[i]), page_frag_free(request.items[i]));
}

static __always_inline void request_bump(struct nebula_bump *b)
{
	REQUEST_ALLOC(nebula_bump_alloc(b, BUFFER_SIZE, 8), nebula_bump_alloc(b, ITEM_SIZE, 8));
	nebula_bump_reset(b);
}

static __always_inline void request_stack(struct nebula_stack *s)
{
	struct nebula_mark m = nebula_stack_mark(s);

	REQUEST_ALLOC(nebula_stack_alloc(s, BUFFER_SIZE, 8), nebula_stack_alloc(s, ITEM_SIZE, 8));
	nebula_stack_restore(s, m);
}

static __always_inline void request_pools(void)
{
	REQUEST_ALLOC(nebula_pool_alloc(buffer_pool), nebula_pool_alloc(item_pool));
	REQUEST_EACH(nebula_pool_free(buffer_pool, request.buffers[i]),
		     nebula_pool_free(item_pool, request.items[i]));
}

static DEFINE_BENCH_LOOP(requests_kmalloc, 0, request_kmalloc());
static DEFINE_BENCH_LOOP(requests_cache, 0, request_cache());
static DEFINE_BENCH_LOOP(requests_frags, 0, request_frags());
static DEFINE_BENCH_LOOP(requests_bump, bump, request_bump(it));
static DEFINE_BENCH_LOOP(requests_stack, stack, request_stack(it));
static DEFINE_BENCH_LOOP(requests_pools, 0, request_pools());

static int destroy_peers(void)
{
	page_frag_cache_drain(&frags);
	kmem_cache_destroy(buffer_cache);
	kmem_cache_destroy(item_cache);
	return 0;
}

static int create_peers(void)
{
	buffer_cache = kmem_cache_create("nebula_bench_buffer", BUFFER_SIZE, 0, 0, NULL);
	item_cache = kmem_cache_create("nebula_bench_item", ITEM_SIZE, 0, 0, NULL);
	if (buffer_cache && item_cache)
		return 0;
	destroy_peers();
	return -ENOMEM;
}

static int destroy(void)
{
	nebula_bump_destroy(bump);
	nebula_stack_destroy(stack);
	nebula_pool_destroy(buffer_pool);
	nebula_pool_destroy(item_pool);
	return 0;
}

static int create(void)
{
	bump = nebula_bump_create("bench", .capacity = SZ_64K);
	stack = nebula_stack_create("bench", .capacity = SZ_64K);
	buffer_pool = nebula_pool_create("bench", .block_size = BUFFER_SIZE, .blocks = 1000);
	item_pool = nebula_pool_create("bench", .block_size = ITEM_SIZE, .blocks = 1000);
	if (!IS_ERR(bump) && !IS_ERR(stack) && !IS_ERR(buffer_pool) && !IS_ERR(item_pool))
		return 0;
	destroy();
	return -ENOMEM;
}

#define PEER	.percpu = true, .setup = create_peers, .teardown = destroy_peers
#define OURS	.setup = create, .teardown = destroy

#define PEERS	"request_kmalloc,request_kmem_cache,request_page_frag"

static const struct bench_case peer_cases[] = {
	BENCH_AVERAGE("request_kmalloc", "request: kmalloc", requests_kmalloc, PEER),
	BENCH_AVERAGE("request_kmem_cache", "request: two kmem_caches", requests_cache, PEER),
	BENCH_AVERAGE("request_page_frag", "request: page_frag", requests_frags, PEER),
};

static const struct bench_case cases[] = {
	BENCH_AVERAGE("request_bump", "request: bump, reset", requests_bump, OURS, .peers = PEERS),
	BENCH_AVERAGE("request_stack", "request: stack, restore", requests_stack, OURS,
		      .peers = PEERS),
	BENCH_AVERAGE("request_pools", "request: two pools", requests_pools, OURS,
		      .percpu = true, .peers = PEERS),
};

const struct bench_table request_peer_table = { "kernel", peer_cases, ARRAY_SIZE(peer_cases) };
const struct bench_table request_table = { "request", cases, ARRAY_SIZE(cases) };
