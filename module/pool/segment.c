// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments: blocks side by side, and the arrays beside them that say what is known of each. A pool
 * has the one it was made with, and those it grew by.
 *
 *	region: | groups | bitmaps | defer | tracks | state | block 0 | block 1 | ... |
 *
 * What is kept comes first, so that writing beyond the last block does not reach it.
 *
 * All contexts find segments by way of a table, which is replaced as a whole and freed after a
 * grace period; they use it with preemption off. A segment costs an alloc nothing, as slots and
 * groups carry addresses, and a free one step of a binary search each time their number doubles.
 *
 * Growing: the table is published first, then the blocks are counted in, bottom up, then the slack
 * may be drawn on, and the promise is raised last.
 *
 * Shrinking is an allocation of a whole segment. The magazines are drained, so that entries which
 * racing double frees left do not name blocks that are gone. Then all tickets of the segment are
 * taken from the root, and the count of each group is exchanged for 0. If one is not what it is
 * when the group is idle, all is given back. Between the two the lower capacity holds, for other
 * contexts too.
 */
#include <linux/cache.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "priv.h"

/* Slack is at most this part of the blocks promised. */
#define SLACK_PART	4

/* Growth starts when fewer than this part of the blocks are left. */
#define LOW_WATER_PART	4

/**
 * struct layout - where everything is in the region of a segment, offsets in bytes
 * @words: of each bitmap.
 * @groups: of the segment.
 * @bitmap: free blocks.
 * @younger: those of the other generation.
 * @defer: of each word.
 * @tracks: of each block.
 * @state: of each block.
 * @base: of the blocks.
 * @total: bytes.
 */
struct layout {
	unsigned long words;
	unsigned long groups;
	u64 bitmap;
	u64 younger;
	u64 defer;
	u64 tracks;
	u64 state;
	u64 base;
	u64 total;
};

/* Takes room for @size bytes at @at. */
static u64 place(u64 *at, u64 size, u64 align)
{
	u64 start = ALIGN(*at, align);

	*at = start + size;
	return start;
}

static u64 stride_of(const struct nebula_pool_heap *heap)
{
	return ALIGN(heap->front + heap->pool.block_size + heap->back, heap->pool.align);
}

static struct layout lay_out(const struct nebula_pool_heap *heap, u64 blocks)
{
	const bool fifo = heap->pool.common.flags & NEBULA_FIFO;
	struct layout l = { };
	u64 at = 0;

	l.words = DIV_ROUND_UP_ULL(blocks, POOL_WORD_BLOCKS);
	l.groups = DIV_ROUND_UP(l.words, POOL_GROUP_WORDS);
	place(&at, l.groups * sizeof(struct pool_group), SMP_CACHE_BYTES);
	l.bitmap = place(&at, l.words * sizeof(u64), sizeof(u64));
	l.younger = place(&at, fifo ? l.words * sizeof(u64) : 0, sizeof(u64));
	l.defer = place(&at, l.words * sizeof(struct pool_defer), sizeof(u64));
	l.tracks = place(&at, blocks * pool_track_size(heap), sizeof(u64));
	/* States of the blocks of a word share a line, and CPUs work on different words. */
	l.state = place(&at, ALIGN(blocks, sizeof(u32)), SMP_CACHE_BYTES);
	l.base = place(&at, blocks * stride_of(heap),
		       max_t(u64, heap->pool.align, SMP_CACHE_BYTES)) + heap->front;
	l.total = at;
	return l;
}

static void init_index(struct pool_segment *seg, unsigned long stride)
{
	unsigned long odd;
	unsigned int i;

	seg->stride = stride;
	seg->rotate = __ffs(stride);
	odd = stride >> seg->rotate;
	/* Newton: odd * odd = 1 modulo 8, and each step doubles the number of right bits. */
	seg->inverse = odd;
	for (i = 0; i < 5; i++)
		seg->inverse *= 2 - odd * seg->inverse;
}

static unsigned long blocks_of(const struct pool_segment *seg, unsigned long g)
{
	return min(seg->blocks - g * POOL_GROUP_BLOCKS, (unsigned long)POOL_GROUP_BLOCKS);
}

static void init_group(struct pool_segment *seg, const struct layout *l, unsigned long g)
{
	const unsigned long n = blocks_of(seg, g), word = g * POOL_GROUP_WORDS;
	struct pool_group *group = &seg->groups[g];
	unsigned int w;

	*group = (struct pool_group){
		.words = seg->region.base + l->bitmap + word * sizeof(u64),
		.nr_words = DIV_ROUND_UP(n, POOL_WORD_BLOCKS),
		.state = seg->state + g * POOL_GROUP_BLOCKS,
		.base = seg->base + g * POOL_GROUP_BLOCKS * seg->stride,
		.seg = seg,
	};
	atomic_long_set(&group->avail, n);
	if (l->younger != l->defer)
		group->younger = seg->region.base + l->younger + word * sizeof(u64);
	for (w = 0; w < group->nr_words; w++) {
		unsigned long rest = n - w * POOL_WORD_BLOCKS;

		atomic64_set(&group->words[w],
			     rest < POOL_WORD_BLOCKS ? BIT_ULL(rest) - 1 : U64_MAX);
		seg->defer[word + w].group = group;
		seg->defer[word + w].word = w;
	}
}

static void init_arrays(struct nebula_pool_heap *heap, struct pool_segment *seg,
			const struct layout *l)
{
	void *base = seg->region.base;
	unsigned long g;

	memset(base, 0, l->base);
	seg->base = (unsigned long)base + l->base;
	seg->state = base + l->state;
	seg->groups = base;
	seg->nr_groups = l->groups;
	seg->defer = base + l->defer;
	seg->tracks = pool_track_size(heap) ? base + l->tracks : NULL;
	init_index(seg, stride_of(heap));
	for (g = 0; g < l->groups; g++) {
		init_group(seg, l, g);
		cond_resched();
	}
}

static void construct(struct nebula_pool_heap *heap, struct pool_segment *seg)
{
	unsigned long i;

	pool_guard_map(heap, seg);
	for (i = 0; heap->ctor && i < seg->blocks; i++) {
		heap->ctor(pool_block(seg, i));
		cond_resched();
	}
}

static int map_region(struct nebula_pool_heap *heap, struct pool_segment *seg,
		      const struct layout *l, gfp_t gfp)
{
	struct nebula_region_request req = heap->request;
	int ret;

	if (l->total > NEBULA_CAPACITY_MAX)
		return -EOVERFLOW;
	req.gfp = gfp;
	req.align = max_t(size_t, heap->pool.align, SMP_CACHE_BYTES);
	if (req.backing != NEBULA_BUFFER)
		req.size = l->total;
	ret = nebula_region_map(&seg->region, &req);
	if (ret)
		return ret;
	if (seg->region.size >= l->total)
		return 0;
	nebula_region_unmap(&seg->region);
	return -EINVAL;
}

/*
 * Makes a segment of @blocks blocks and @slack more. Process context; sleeps as @gfp says. On
 * failure NULL, and -ENOMEM, -EOVERFLOW, or -EINVAL for a buffer that is too small, in *@err.
 */
struct pool_segment *pool_segment_create(struct nebula_pool_heap *heap, unsigned int blocks,
					 unsigned long slack, gfp_t gfp, int *err)
{
	const struct layout l = lay_out(heap, (u64)blocks + slack);
	struct pool_segment *seg = nebula_fault_hit() ? NULL : kzalloc(sizeof(*seg), gfp);

	*err = -ENOMEM;
	if (!seg)
		return NULL;
	seg->nominal = blocks;
	seg->blocks = blocks + slack;
	*err = map_region(heap, seg, &l, gfp);
	if (*err) {
		kfree(seg);
		return NULL;
	}
	init_arrays(heap, seg, &l);
	construct(heap, seg);
	return seg;
}

/* Process context; no context uses the segment. */
void pool_segment_destroy(struct pool_segment *seg)
{
	nebula_region_unmap(&seg->region);
	kfree(seg);
}

/* The slack of a pool that promises so many blocks. */
unsigned long pool_slack_for(const struct nebula_pool_heap *heap, unsigned long nominal)
{
	return min(nominal / SLACK_PART, (unsigned long)heap->depth_max * num_online_cpus());
}

static struct pool_table *table_create(unsigned long nr, unsigned long nr_groups, gfp_t gfp)
{
	const unsigned long size = roundup_pow_of_two(nr);
	struct pool_table *tab;
	size_t bytes = sizeof(*tab) + size * sizeof(*tab->start);

	bytes += nr * sizeof(*tab->seg) + nr_groups * sizeof(*tab->groups);
	tab = nebula_fault_hit() ? NULL : kvmalloc(bytes, gfp | __GFP_NOWARN);
	if (!tab)
		return NULL;
	tab->nr = nr;
	tab->size = size;
	tab->nr_groups = nr_groups;
	tab->seg = (struct pool_segment **)(tab->start + size);
	tab->groups = (struct pool_group **)(tab->seg + nr);
	memset(tab->start, 0xff, size * sizeof(*tab->start));
	return tab;
}

/* Segments by address, groups in the order in which the segments came. */
static void table_fill(struct pool_table *tab, const struct pool_table *old,
		       struct pool_segment *add, const struct pool_segment *remove)
{
	unsigned long i, n = 0, g = 0, k;

	for (i = 0; old && i < old->nr; i++) {
		if (add && add->base < old->start[i]) {
			tab->seg[n++] = add;
			add = NULL;
		}
		if (old->seg[i] != remove)
			tab->seg[n++] = old->seg[i];
	}
	if (add)
		tab->seg[n++] = add;
	for (i = 0; i < n; i++) {
		tab->start[i] = tab->seg[i]->base;
		for (k = 0; k < tab->seg[i]->nr_groups; k++)
			tab->groups[g++] = &tab->seg[i]->groups[k];
	}
}

/* Publishes a table with @add and without @remove; either may be NULL. Lock: @grow_lock. */
int pool_table_replace(struct nebula_pool_heap *heap, struct pool_segment *add,
		       struct pool_segment *remove, gfp_t gfp)
{
	struct pool_table *old = rcu_dereference_protected(heap->table, true), *tab;
	unsigned long nr = old ? old->nr : 0, nr_groups = old ? old->nr_groups : 0;

	if (add) {
		nr++;
		nr_groups += add->nr_groups;
	}
	if (remove) {
		nr--;
		nr_groups -= remove->nr_groups;
	}
	tab = table_create(nr, nr_groups, gfp);
	if (!tab)
		return -ENOMEM;
	table_fill(tab, old, add, remove);
	rcu_assign_pointer(heap->table, tab);
	if (old)
		kvfree_rcu(old, rcu);
	return 0;
}

/* Counts a segment in, or with @sign -1 out, but for its blocks. Lock: @grow_lock. */
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

/* Lock: @grow_lock. */
static int grow(struct nebula_pool_heap *heap, unsigned int blocks, gfp_t gfp)
{
	const unsigned long slack = pool_slack_for(heap, heap->nominal + blocks);
	struct pool_segment *seg;
	int err;

	seg = pool_segment_create(heap, blocks, slack > heap->slack ? slack - heap->slack : 0, gfp,
				  &err);
	if (!seg)
		return err;
	err = pool_table_replace(heap, seg, NULL, gfp);
	if (err) {
		pool_segment_destroy(seg);
		return err;
	}
	atomic_long_add_return(seg->blocks, &heap->avail);
	WRITE_ONCE(heap->blocks, heap->blocks + seg->blocks);
	atomic_long_add(seg->blocks - seg->nominal, &heap->budget);
	WRITE_ONCE(heap->grows, heap->grows + 1);
	pool_account(heap, seg, 1);
	return 0;
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
	if (heap->nominal + blocks > heap->max_blocks)
		return NEBULA_E_EXCEEDS_MAX;
	return NEBULA_OK;
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
		return err == -E2BIG ? NEBULA_D_PAGE_ORDER : NEBULA_D_GROW;
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
	if (!code)
		ret = grow(heap, blocks, nebula_gfp_complete(gfp));
	mutex_unlock(&heap->grow_lock);
	nebula_gfp_scope_exit(gfp, saved);
	if (ret)
		code = ret == -EOVERFLOW ? NEBULA_E_SIZE_OVERFLOW : NEBULA_E_BACKING_FAILED;
	if (code)
		return nebula_fail(&p->common, code, .size = array_size(p->block_size, blocks),
				   .detail = growth_detail(code, ret),
				   .what = "grow", .need = READ_ONCE(heap->nominal) + blocks);
	pool_wish(heap, POOL_WISH_WAKE);
	return 0;
}

/**
 * nebula_pool_grow() - add blocks
 * @p: the pool, in use or not.
 * @blocks: how many more can always be live at once.
 * @gfp: flags for the region that is mapped. Not %__GFP_HIGHMEM, %__GFP_MOVABLE,
 *	%__GFP_RECLAIMABLE, %__GFP_COMP, %__GFP_NOFAIL; no zone but that of ``.gfp``. With
 *	__GFP_NOWARN a refusal is counted and not recorded.
 *
 * Blocks handed out before stay where they are.
 *
 * Context: process context; sleeps.
 * Return: 0; -EINVAL for no blocks (INVALID_LAYOUT) or for flags that cannot be honoured
 * (INVALID_CONFIG), -EOVERFLOW (SIZE_OVERFLOW), -E2BIG beyond ``.max_blocks`` (EXCEEDS_MAX),
 * -ENOMEM (BACKING_FAILED), -EPERM (WRONG_CONTEXT), -EBUSY on a caller's buffer (INVALID_STATE).
 */
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
		ret = grow(heap, n, gfp);
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
		ret = more ? grow_by(heap, more, 1, nebula_gfp_complete(gfp)) : -E2BIG;
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

static bool is_idle(const struct pool_segment *seg)
{
	unsigned long g;

	for (g = 0; g < seg->nr_groups; g++)
		if (atomic_long_read(&seg->groups[g].avail) != blocks_of(seg, g))
			return false;
	return true;
}

/* Takes the counts of all groups; on failure those that were taken are back. */
static bool take_groups(struct pool_segment *seg)
{
	unsigned long g;

	for (g = 0; g < seg->nr_groups; g++) {
		const long n = blocks_of(seg, g);

		if (atomic_long_cmpxchg(&seg->groups[g].avail, n, 0) == n)
			continue;
		while (g--)
			atomic_long_add(blocks_of(seg, g), &seg->groups[g].avail);
		return false;
	}
	return true;
}

/* Takes an idle segment out, see the head of this file. Drained; lock: @grow_lock. */
static bool retire(struct nebula_pool_heap *heap, struct pool_segment *seg)
{
	unsigned long g;

	if (!is_idle(seg))
		return false;
	pool_account(heap, seg, -1);
	if (heap->attention & POOL_STRICT) {
		/* Then no context takes by the higher promise any more. */
		synchronize_rcu();
		if (atomic_long_read(&heap->taken) > heap->nominal)
			goto undo_account;
		WRITE_ONCE(heap->noted, min_t(long, heap->noted, heap->nominal));
	}
	/* Blocks before their tickets: what is live is never seen too high. */
	WRITE_ONCE(heap->blocks, heap->blocks - seg->blocks);
	if (!pool_take_all(&heap->avail, seg->blocks))
		goto undo_blocks;
	if (!take_groups(seg))
		goto undo_tickets;
	if (!pool_table_replace(heap, NULL, seg, heap->request.gfp)) {
		pool_take_all(&heap->budget, seg->blocks - seg->nominal);
		return true;
	}
	for (g = 0; g < seg->nr_groups; g++)
		atomic_long_add(blocks_of(seg, g), &seg->groups[g].avail);
undo_tickets:
	pool_give_tickets(heap, seg->blocks);
undo_blocks:
	WRITE_ONCE(heap->blocks, heap->blocks + seg->blocks);
undo_account:
	pool_account(heap, seg, 1);
	pool_wish(heap, POOL_WISH_WAKE);
	return false;
}

/* Lock: @grow_lock. */
static void retire_all(struct nebula_pool_heap *heap, struct list_head *gone)
{
	unsigned long i = 0;

	pool_drain_begin(heap);
	while (i < pool_table(heap)->nr) {
		struct pool_segment *seg = pool_table(heap)->seg[i];

		if (seg != heap->primary && retire(heap, seg))
			list_add(&seg->gone, gone);
		else
			i++;
	}
	pool_drain_end(heap);
}

/**
 * nebula_pool_shrink() - give back what the pool grew by and does not need
 * @p: the pool, in use or not.
 *
 * Gives back each region that was added and has no live block. While it is at that, the capacity
 * may be lower by one of them at a time.
 *
 * Context: process context; sleeps.
 * Return: blocks that the capacity went down by; 0 with WRONG_CONTEXT recorded in atomic context.
 */
unsigned int nebula_pool_shrink(struct nebula_pool *p)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	struct pool_segment *seg, *next;
	unsigned long before, after;
	LIST_HEAD(gone);

	if (nebula_atomic_context()) {
		nebula_fail(&p->common, NEBULA_E_WRONG_CONTEXT, .what = "shrink");
		return 0;
	}
	mutex_lock(&heap->grow_lock);
	before = heap->nominal;
	if (pool_table(heap)->nr > 1)
		retire_all(heap, &gone);
	after = heap->nominal;
	if (!list_empty(&gone))
		synchronize_rcu();
	list_for_each_entry_safe(seg, next, &gone, gone)
		pool_segment_destroy(seg);
	mutex_unlock(&heap->grow_lock);
	return before - after;
}
EXPORT_SYMBOL_GPL(nebula_pool_shrink);

/* Bytes of the pool beyond its blocks. */
size_t pool_overhead(const struct nebula_pool_heap *heap)
{
	size_t bytes = sizeof(*heap) + sizeof(struct nebula_registration);
	const struct pool_table *tab;
	unsigned long i;
	int cpu;

	preempt_disable();
	tab = pool_table(heap);
	for (i = 0; i < tab->nr; i++) {
		const struct pool_segment *seg = tab->seg[i];

		bytes += sizeof(*seg) + seg->region.origin_size -
			 seg->blocks * heap->pool.block_size;
	}
	preempt_enable();
	for_each_possible_cpu(cpu) {
		const struct nebula_pool_cpu *pc = per_cpu_ptr(heap->cpus, cpu);

		bytes += sizeof(*pc);
		if (READ_ONCE(pc->slots))
			bytes += (heap->depth_max + 1) * sizeof(*pc->slots);
	}
	return bytes;
}
