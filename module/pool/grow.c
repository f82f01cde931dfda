// SPDX-License-Identifier: GPL-2.0-only
/*
 * Growing: the table with the new segment is published first, then the blocks are counted in,
 * bottom up, then the slack may be drawn on, and the promise is raised last. There are four ways:
 *
 *	the worker	ahead of need, as soon as few blocks are left; sleeps
 *	the caller	of grow, reserve and alloc_gfp, where it may sleep
 *	in place	an allocation that outran the worker and may not sleep: a few pages, with no
 *			lock held but the raw one for the counts
 *	without a lock	the same in an NMI, or with interrupts off: see pool_segment_add_nolock()
 *
 * Growth in place may happen while a sleeper that has @grow_lock maps its own segment. So the table
 * is replaced by compare and publish, see pool_table_replace(), and the limit is looked at, and the
 * counts are changed, under the raw lock under which it is. A sleeper that finds that growth in
 * place has left too little of the limit gives its segment back.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include "../compat.h"
#include "../core/config.h"
#include "../error/error.h"
#include "priv.h"

/* Growth starts when fewer than this part of the blocks are left. */
#define LOW_WATER_PART	4

/* A larger pool does not grow in place: its table takes too long to copy. */
#define IN_PLACE_GROUPS	4096U

/* Counts a segment in, or with @sign -1 out, but for its blocks. Lock: @wait_lock. */
void pool_account(struct nebula_pool_heap *heap, const struct pool_segment *seg, int sign)
{
	const unsigned long nominal = heap->nominal + sign * (long)seg->nominal;

	WRITE_ONCE(heap->slack, heap->slack + sign * (long)(seg->blocks - seg->nominal));
	/* Ahead of need; when there are too few for that, when none is left. */
	WRITE_ONCE(heap->low_water,
		   heap->pool.common.flags & NEBULA_GROW && nominal < heap->max_blocks
		   ? (long)(heap->slack + max(nominal / LOW_WATER_PART, 1UL)) : 0);
	pool_set_share(heap, num_online_cpus());
	smp_store_release(&heap->nominal, nominal);	/* Pairs with pool_may_grow(). */
}

/*
 * The table with @seg has just been published: counts its blocks in, bottom up. Lock: @wait_lock.
 */
void pool_count_in(struct nebula_pool_heap *heap, const struct pool_segment *seg)
{
	atomic_long_add_return(seg->blocks, &heap->avail);
	WRITE_ONCE(heap->blocks, heap->blocks + seg->blocks);
	atomic_long_add(seg->blocks - seg->nominal, &heap->budget);
	WRITE_ONCE(heap->grows, heap->grows + 1);
	if (seg->by_itself)
		WRITE_ONCE(heap->by_itself, heap->by_itself + seg->blocks);
	pool_account(heap, seg, 1);
}

/*
 * Grows by @blocks and @slack more. What was not asked for, but is @by_itself, can be given back by
 * itself, too. -ENOSPC: not beyond the limit. Any context but NMI; sleeps as @gfp says.
 */
static noinline int add_segment(struct nebula_pool_heap *heap, unsigned int blocks,
				unsigned long slack, bool by_itself, gfp_t gfp)
{
	struct pool_segment *seg;
	int err;

	seg = pool_segment_create(heap, blocks, slack, gfp, &err);
	if (!seg)
		return err;
	seg->by_itself = by_itself;
	err = pool_table_replace(heap, seg, NULL, gfp);
	if (err)
		pool_segment_destroy(seg);
	else if (by_itself)
		pool_wish(heap, POOL_WISH_TRIM);
	return err;
}

/* As add_segment(), with the slack that so many blocks need. Lock: @grow_lock. */
static int grow(struct nebula_pool_heap *heap, unsigned int blocks, bool by_itself, gfp_t gfp)
{
	const unsigned long nominal = READ_ONCE(heap->nominal), slack = READ_ONCE(heap->slack);
	const unsigned long want = pool_slack_for(heap, nominal + blocks);

	if (nominal + blocks > heap->max_blocks)
		return -ENOSPC;
	return add_segment(heap, blocks, want > slack ? want - slack : 0, by_itself, gfp);
}

/*
 * Grows in portions that are as large as the page allocator can serve now: it is asked for half as
 * many where it cannot. What was added before a failure stays. Lock: @grow_lock.
 */
int pool_grow_portions(struct nebula_pool_heap *heap, unsigned long blocks, gfp_t gfp)
{
	unsigned long most = pool_blocks_in(heap, PAGE_SIZE << COMPAT_MAX_PAGE_ORDER), n;
	int err;

	while (blocks) {
		n = clamp(most, 1UL, blocks);
		err = grow(heap, n, false, gfp);
		if (err && (n == 1 || (err != -ENOMEM && err != -E2BIG)))
			return err;
		if (err)
			most = n / 2;
		else
			blocks -= n;
	}
	return 0;
}

/* Blocks to grow by in place so that there are at least @n more; 0 when the pool may not. */
static unsigned long blocks_in_place(const struct nebula_pool_heap *heap, unsigned int n)
{
	const unsigned long nominal = READ_ONCE(heap->nominal);
	const unsigned long room = heap->max_blocks -
				   min_t(unsigned long, nominal, heap->max_blocks);
	const unsigned long blocks = min(nominal, pool_blocks_in(heap, NEBULA_IN_PLACE_MAX));

	if (heap->ctor || heap->request.backing == NEBULA_VMALLOC ||
	    heap->request.backing == NEBULA_BUFFER || n > room ||
	    READ_ONCE(heap->blocks) > IN_PLACE_GROUPS * POOL_GROUP_BLOCKS)
		return 0;
	return min(max_t(unsigned long, blocks, n), room);
}

/* Flags that no memory can be had with that was not looked for under a lock. */
#define LOCKED_GFP	(__GFP_ACCOUNT | __GFP_THISNODE)

/*
 * Grows in place by at least @n blocks, where the kernel may be asked for pages as @gfp says, which
 * may be NEBULA_GFP_NOLOCK; false when the allocation is to be refused. Any context.
 */
bool pool_grow_in_place(struct nebula_pool_heap *heap, unsigned int n, gfp_t gfp)
{
	const unsigned long blocks = blocks_in_place(heap, n);

	if (!blocks)
		return false;
	if (gfp != NEBULA_GFP_NOLOCK)
		return !add_segment(heap, blocks, 0, true, gfp);
	return !(heap->request.gfp & LOCKED_GFP) && pool_segment_add_nolock(heap, blocks);
}

/* Lock: @grow_lock. */
static enum nebula_errc refuse_growth(const struct nebula_pool_heap *heap, unsigned int blocks)
{
	if (!blocks)
		return NEBULA_E_INVALID_LAYOUT;
	if (heap->request.backing == NEBULA_BUFFER)
		return NEBULA_E_INVALID_STATE;
	if (heap->nominal + blocks > NEBULA_POOL_BLOCKS_MAX)
		return NEBULA_E_SIZE_OVERFLOW;
	return NEBULA_OK;
}

static enum nebula_errc growth_code(int err)
{
	switch (err) {
	case -ENOSPC:
		return NEBULA_E_EXCEEDS_MAX;
	case -EOVERFLOW:
		return NEBULA_E_SIZE_OVERFLOW;
	default:
		return nebula_config_refuse_backing(err).code;
	}
}

/* What stood in the way: @code, or for BACKING_FAILED what @err says. */
static enum nebula_detail growth_detail(enum nebula_errc code, int err)
{
	switch (code) {
	case NEBULA_E_INVALID_LAYOUT:
		return NEBULA_D_NO_BLOCKS;
	case NEBULA_E_INVALID_STATE:
		return NEBULA_D_BUFFER;
	default:
		return nebula_config_refuse_backing(err).detail ?: NEBULA_D_GROW;
	}
}

/* nebula_pool_grow(), with what is refused recorded. */
static int grow_by_request(struct nebula_pool *p, unsigned int blocks, gfp_t gfp)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	enum nebula_errc code;
	unsigned int saved;
	int ret = 0;

	if (nebula_atomic_context())
		return nebula_fail(&p->common, NEBULA_E_WRONG_CONTEXT, .what = "grow");
	if (!nebula_gfp_valid(gfp, &heap->request))
		return nebula_fail(&p->common, NEBULA_E_INVALID_CONFIG, .what = "gfp");
	saved = nebula_gfp_scope_enter(gfp);
	mutex_lock(&heap->grow_lock);
	code = refuse_growth(heap, blocks);
	if (!code && p->common.flags & NEBULA_DMA)
		ret = pool_grow_portions(heap, blocks, nebula_gfp_complete(gfp));
	else if (!code)
		ret = grow(heap, blocks, false, nebula_gfp_complete(gfp));
	mutex_unlock(&heap->grow_lock);
	nebula_gfp_scope_exit(gfp, saved);
	if (ret)
		code = growth_code(ret);
	if (code)
		return nebula_fail(&p->common, code, .size = array_size(p->block_size, blocks),
				   .detail = growth_detail(code, ret),
				   .what = "grow", .need = READ_ONCE(heap->nominal) + blocks);
	pool_wish(heap, POOL_WISH_WAKE);
	return 0;
}

int nebula_pool_grow(struct nebula_pool *p, unsigned int blocks, gfp_t gfp)
{
	struct nebula_quiet *quiet = nebula_quiet_enter_gfp(gfp);
	const int ret = grow_by_request(p, blocks, gfp);

	nebula_quiet_exit(quiet);
	return ret;
}
EXPORT_SYMBOL_GPL(nebula_pool_grow);

/* Blocks by which a pool grows so that @want can be had at once; 0 for none. Lock: @grow_lock. */
static unsigned long growth_for(const struct nebula_pool_heap *heap, unsigned long want)
{
	const long avail = atomic_long_read(&heap->avail) - (long)heap->slack;
	const unsigned long have = max(avail, 0L);
	unsigned long n = heap->nominal;

	if (atomic_long_read(&heap->avail) >= heap->low_water && have >= want)
		return 0;
	if (want > have)
		n = max(n, want - have);
	return min(n, heap->max_blocks - min_t(unsigned long, heap->max_blocks, heap->nominal));
}

/* What cannot be had in one piece is tried in halves, down to @least. Lock: @grow_lock. */
static int grow_by(struct nebula_pool_heap *heap, unsigned long n, unsigned long least, gfp_t gfp)
{
	int ret;

	do {
		ret = grow(heap, n, true, gfp);
		n /= 2;
	} while (ret && n >= max(least, 1UL));
	return ret;
}

/* Grows in the caller's context until @n blocks can be had at once. Process context; sleeps. */
int pool_grow_for(struct nebula_pool_heap *heap, unsigned int n, gfp_t gfp)
{
	const unsigned int saved = nebula_gfp_scope_enter(gfp);
	unsigned long more;
	int ret = 0;

	mutex_lock(&heap->grow_lock);
	while (!ret && atomic_long_read(&heap->avail) < (long)(heap->slack + n)) {
		more = growth_for(heap, n);
		ret = more ? grow_by(heap, more, 1, nebula_gfp_complete(gfp)) : -ENOSPC;
	}
	mutex_unlock(&heap->grow_lock);
	nebula_gfp_scope_exit(gfp, saved);
	pool_wish(heap, POOL_WISH_WAKE);
	return ret;
}

/* Doubles the blocks, up to the limit; more where a request was refused that asked for more. */
void pool_grow_work(struct work_struct *work)
{
	struct nebula_pool_heap *heap = container_of(work, struct nebula_pool_heap, grow_work);
	unsigned int saved = nebula_gfp_scope_enter(heap->request.gfp);
	unsigned long n;
	int ret = 0;

	WRITE_ONCE(heap->growing, true);
	clear_bit(POOL_WISH_GROW, &heap->wishes);
	mutex_lock(&heap->grow_lock);
	n = growth_for(heap, xchg(&heap->missing, 0));
	if (n)
		ret = grow_by(heap, n, 1, heap->request.gfp);
	mutex_unlock(&heap->grow_lock);
	nebula_gfp_scope_exit(heap->request.gfp, saved);
	if (ret)
		nebula_fail(&heap->pool.common, NEBULA_E_BACKING_FAILED, .what = "growth",
			    .detail = NEBULA_D_GROWTH);
	WRITE_ONCE(heap->growing, false);
	if (!ret)
		pool_wish(heap, POOL_WISH_WAKE);
}
