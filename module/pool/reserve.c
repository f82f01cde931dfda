// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks put aside, so that a section that may neither sleep nor fail finds them; and the functions
 * that make a pool the backing of a mempool.
 */
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../core/context.h"
#include "../error/error.h"
#include "priv.h"

/* What a handle holds; freed after a grace period, as that needs no context that may sleep. */
struct nebula_reserved {
	struct rcu_head rcu;
	void *blocks[];
};

#define HEADER_WORDS	(sizeof(struct nebula_reserved) / sizeof(void *))

static enum nebula_errc refuse(const struct nebula_pool_heap *heap, unsigned int n)
{
	if (nebula_atomic_context())
		return NEBULA_E_WRONG_CONTEXT;
	if (!n)
		return NEBULA_E_INVALID_LAYOUT;
	return pool_exceeds(heap, n) ? NEBULA_E_EXCEEDS_MAX : NEBULA_OK;
}

/* Grows the pool when it has too few blocks for @n; false, recorded, without memory for that. */
static bool grow_for(struct nebula_pool_heap *heap, unsigned int n)
{
	if (atomic_long_read(&heap->avail) >= (long)n || !pool_size(heap).may_grow)
		return true;
	if (!pool_grow_for(heap, n, heap->request.gfp) || !pool_size(heap).may_grow ||
	    atomic_long_read(&heap->avail) >= (long)n)
		return true;
	nebula_fail(&heap->pool.common, NEBULA_E_BACKING_FAILED, .what = "reserve",
		    .detail = NEBULA_D_RESERVE, .size = array_size(n, heap->pool.block_size));
	return false;
}

int nebula_pool_reserve(struct nebula_pool *p, struct nebula_reserve *r, unsigned int n)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	enum nebula_errc code = refuse(heap, n);
	struct nebula_reserved *held;

	*r = (struct nebula_reserve){ };
	if (code)
		return nebula_fail(&p->common, code, .size = p->block_size, .what = "reserve",
				   .need = n, .detail = n ? NEBULA_D_RESERVE : NEBULA_D_NO_BLOCKS);
	held = nebula_array_alloc(n + HEADER_WORDS, sizeof(void *), heap->request.gfp,
				  NUMA_NO_NODE);
	if (!held)
		return nebula_fail(&p->common, NEBULA_E_BACKING_FAILED, .what = "reserve",
				   .detail = NEBULA_D_RESERVE,
				   .size = array_size(n, sizeof(void *)));
	/* Before it holds anything: the pool's module may be unloaded while this sleeps. */
	atomic_inc(&heap->reserves);
	/* What growth does not do, the allocation records. */
	if (!grow_for(heap, n) || !pool_alloc_reserve(heap, n, held->blocks)) {
		kvfree(held);
		atomic_dec(&heap->reserves);
		return -ENOMEM;
	}
	*r = (struct nebula_reserve){ .pool = p, .blocks = held, .count = n, .size = n };
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_pool_reserve);

void *nebula_pool_alloc_reserved(struct nebula_reserve *r)
{
	if (likely(r->count))
		return r->blocks->blocks[--r->count];
	if (r->pool) {
		struct pool_size size = pool_size(pool_heap(r->pool));

		/* Growth does not fill it. */
		size.may_grow = false;
		return pool_exhausted(pool_heap(r->pool), NEBULA_D_RESERVE_EMPTY, NULL, 1, size);
	}
	nebula_error_record(&(const struct nebula_failure){
		.code = NEBULA_E_POOL_EXHAUSTED, .detail = NEBULA_D_RESERVE_EMPTY,
		.kind = NEBULA_KIND_POOL, .name = "reserve" });
	return NULL;
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_reserved);

int nebula_pool_refill(struct nebula_reserve *r)
{
	const unsigned int missing = r->size - r->count;

	if (!r->pool)
		return nebula_error_record(&(const struct nebula_failure){
			.code = NEBULA_E_INVALID_STATE, .detail = NEBULA_D_RESERVE_EMPTY,
			.kind = NEBULA_KIND_POOL, .name = "reserve", .what = "refill" });
	if (missing && !pool_alloc_reserve(pool_heap(r->pool), missing,
					   r->blocks->blocks + r->count))
		return -ENOMEM;
	r->count = r->size;
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_pool_refill);

void nebula_pool_unreserve(struct nebula_reserve *r)
{
	struct nebula_reserved *held = r->blocks;
	struct nebula_pool *p = r->pool;

	if (!p)
		return;
	if (in_nmi()) {
		nebula_fail(&p->common, NEBULA_E_WRONG_CONTEXT, .what = "unreserve");
		return;
	}
	nebula_pool_free_bulk(p, r->count, held->blocks);
	*r = (struct nebula_reserve){ };
	kvfree_rcu(held, rcu);
	atomic_dec(&pool_heap(p)->reserves);
}
EXPORT_SYMBOL_GPL(nebula_pool_unreserve);

void *nebula_mempool_alloc(gfp_t gfp, void *pool_data)
{
	struct nebula_quiet *quiet = nebula_quiet_enter_gfp(gfp);
	void *p = gfp & __GFP_ZERO ? nebula_pool_zalloc(pool_data) : nebula_pool_alloc(pool_data);

	nebula_quiet_exit(quiet);
	return p;
}
EXPORT_SYMBOL_GPL(nebula_mempool_alloc);

void nebula_mempool_free(void *element, void *pool_data)
{
	nebula_pool_free(pool_data, element);
}
EXPORT_SYMBOL_GPL(nebula_mempool_free);
