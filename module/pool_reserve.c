// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks put aside, so that a section that may neither sleep nor fail finds them; and the functions
 * that make a pool the backing of a mempool.
 */
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "pool.h"

static enum nebula_errc refuse(const struct nebula_pool_heap *heap, unsigned int n)
{
	if (nebula_atomic_context())
		return NEBULA_E_WRONG_CONTEXT;
	if (!n)
		return NEBULA_E_INVALID_LAYOUT;
	return n > pool_most(heap) ? NEBULA_E_EXCEEDS_MAX : NEBULA_OK;
}

/* Takes @n blocks, for which the pool grows as far as it may. Returns 0 or -ENOMEM, recorded. */
static int put_aside(struct nebula_pool_heap *heap, unsigned int n, void **blocks)
{
	enum pool_bulk result;
	unsigned long nominal;
	int err = 0;

	do {
		nominal = pool_nominal(heap);
		result = pool_alloc_many(heap, n, blocks);
	} while (result == POOL_BULK_SHORT && pool_grow_for(heap, n, nominal, &err));
	if (result == POOL_BULK_DONE)
		return 0;
	if (err)
		return nebula_fail(&heap->pool.common, NEBULA_E_BACKING_FAILED, .what = "reserve",
				   .detail = NEBULA_D_RESERVE,
				   .size = array_size(n, heap->pool.block_size));
	if (result == POOL_BULK_SHORT)
		pool_alloc_exhausted(heap, NEBULA_D_RESERVE, "reserve", n, nominal);
	return -ENOMEM;
}

/**
 * nebula_pool_reserve() - put blocks aside
 * @p: the pool.
 * @r: the handle; filled in. Empty on failure.
 * @n: how many.
 *
 * A pool with %NEBULA_GROW that has too few blocks grows here, up to ``.max_blocks``.
 *
 * Context: process context; may sleep for memory, not for blocks that are in use.
 * Return: 0; -EINVAL for no blocks (INVALID_LAYOUT), -E2BIG for more than there are or, with
 * %NEBULA_GROW, may be (EXCEEDS_MAX), -ENOMEM (POOL_EXHAUSTED, BACKING_FAILED), -EPERM
 * (WRONG_CONTEXT).
 */
int nebula_pool_reserve(struct nebula_pool *p, struct nebula_reserve *r, unsigned int n)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	enum nebula_errc code = refuse(heap, n);
	void **blocks;
	int ret;

	*r = (struct nebula_reserve){ };
	if (code)
		return nebula_fail(&p->common, code, .size = p->block_size, .what = "reserve",
				   .need = n, .detail = n ? NEBULA_D_RESERVE : NEBULA_D_NO_BLOCKS);
	blocks = nebula_array_alloc(n, sizeof(*blocks), heap->request.gfp, NUMA_NO_NODE);
	if (!blocks)
		return nebula_fail(&p->common, NEBULA_E_BACKING_FAILED, .what = "reserve",
				   .detail = NEBULA_D_RESERVE,
				   .size = array_size(n, sizeof(*blocks)));
	/* Before it holds anything: the pool's module may be unloaded in between. */
	atomic_inc(&heap->reserves);
	ret = put_aside(heap, n, blocks);
	if (ret) {
		kvfree(blocks);
		atomic_dec(&heap->reserves);
		return ret;
	}
	*r = (struct nebula_reserve){ .pool = p, .blocks = blocks, .count = n };
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_pool_reserve);

/**
 * nebula_pool_alloc_reserved() - take a block that was put aside
 * @r: the handle.
 *
 * The block is freed as any other.
 *
 * Context: any; one at a time for each handle.
 * Return: the block. It cannot fail as often as was reserved for; then %NULL, with POOL_EXHAUSTED
 * recorded.
 */
void *nebula_pool_alloc_reserved(struct nebula_reserve *r)
{
	if (likely(r->count))
		return r->blocks[--r->count];
	if (r->pool) {
		nebula_fail(&r->pool->common, NEBULA_E_POOL_EXHAUSTED,
			    .detail = NEBULA_D_RESERVE_EMPTY,
			    .size = r->pool->block_size, .align = r->pool->align,
			    .need = nebula_pool_capacity(r->pool) + 1UL);
		return NULL;
	}
	nebula_error_record(&(const struct nebula_failure){
		.code = NEBULA_E_POOL_EXHAUSTED, .detail = NEBULA_D_RESERVE_EMPTY,
		.kind = NEBULA_KIND_POOL, .name = "reserve" });
	return NULL;
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_reserved);

/**
 * nebula_pool_unreserve() - give back what is left of a reserve
 * @r: the handle; empty afterwards. One that is empty already is fine.
 *
 * Context: process context; may sleep.
 */
void nebula_pool_unreserve(struct nebula_reserve *r)
{
	struct nebula_pool *p = r->pool;

	if (!p)
		return;
	if (nebula_atomic_context()) {
		nebula_fail(&p->common, NEBULA_E_WRONG_CONTEXT, .what = "unreserve");
		return;
	}
	nebula_pool_free_bulk(p, r->count, r->blocks);
	kvfree(r->blocks);
	*r = (struct nebula_reserve){ };
	atomic_dec(&pool_heap(p)->reserves);
}
EXPORT_SYMBOL_GPL(nebula_pool_unreserve);

/**
 * nebula_mempool_alloc() - a mempool_alloc_t that allocates from a pool
 * @gfp: __GFP_ZERO clears the block; with __GFP_NOWARN, which mempool_alloc() sets, a refusal is
 *	counted and not recorded.
 * @pool_data: the &struct nebula_pool.
 *
 * For example ``mempool_create(min, nebula_mempool_alloc, nebula_mempool_free, pool)``.
 *
 * Context: any.
 * Return: as nebula_pool_alloc().
 */
void *nebula_mempool_alloc(gfp_t gfp, void *pool_data)
{
	struct nebula_quiet *quiet = nebula_quiet_enter_gfp(gfp);
	void *p = gfp & __GFP_ZERO ? nebula_pool_zalloc(pool_data) : nebula_pool_alloc(pool_data);

	nebula_quiet_exit(quiet);
	return p;
}
EXPORT_SYMBOL_GPL(nebula_mempool_alloc);

/**
 * nebula_mempool_free() - a mempool_free_t that frees to a pool
 * @element: a block.
 * @pool_data: the &struct nebula_pool.
 *
 * Context: any.
 */
void nebula_mempool_free(void *element, void *pool_data)
{
	nebula_pool_free(pool_data, element);
}
EXPORT_SYMBOL_GPL(nebula_mempool_free);
