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
#include "../core/context.h"
#include "priv.h"

/* Slack is at most this part of the blocks promised. */
#define SLACK_PART	4

/* Where everything is in the region of a segment, offsets in bytes. */
struct layout {
	unsigned long words;	/* of each bitmap */
	unsigned long groups;	/* of the segment */
	u64 bitmap;		/* free blocks */
	u64 younger;		/* those of the other generation */
	u64 defer;		/* of each word */
	u64 tracks;		/* of each block */
	u64 sizes;		/* of the object in each block */
	u64 state;		/* of each block */
	u64 base;		/* of the blocks */
	u64 total;		/* bytes */
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
	return ALIGN(heap->front + heap->pool.block_size + heap->back,
		     nebula_kasan_align(heap->pool.common.flags, heap->pool.align));
}

static size_t size_of_size(const struct nebula_pool_heap *heap)
{
	return heap->pool.common.flags & NEBULA_REDZONE ? sizeof(u32) : 0;
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
	l.sizes = place(&at, blocks * size_of_size(heap), sizeof(u64));
	/* States of the blocks of a word share a line, and CPUs work on different words. */
	l.state = place(&at, ALIGN(blocks, sizeof(u32)), SMP_CACHE_BYTES);
	if (heap->pool.common.flags & NEBULA_KASAN)
		place(&at, NEBULA_KASAN_GRANULE, NEBULA_KASAN_GRANULE);
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

static void init_group(struct pool_segment *seg, const struct layout *l, unsigned long g)
{
	const unsigned long n = pool_blocks_of(seg, g), word = g * POOL_GROUP_WORDS;
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
			const struct layout *l, gfp_t gfp)
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
	seg->sizes = size_of_size(heap) ? base + l->sizes : NULL;
	init_index(seg, stride_of(heap));
	for (g = 0; g < l->groups; g++) {
		init_group(seg, l, g);
		nebula_cond_resched(gfp);
	}
}

/* With the granule before the first block; readers of free blocks that stay blocks are right. */
static void pool_kasan_map(struct nebula_pool_heap *heap, struct pool_segment *seg)
{
	const struct nebula_allocator *a = &heap->pool.common;
	const size_t size = heap->pool.block_size;
	unsigned long i;

	nebula_kasan_map(a, &seg->region,
			 (void *)seg->base - heap->front - NEBULA_KASAN_GRANULE);
	for (i = 0; pool_readable(heap) && i < seg->blocks; i++)
		nebula_kasan_alloc_in(a, pool_block(seg, i), size, size + heap->back);
}

static void construct(struct nebula_pool_heap *heap, struct pool_segment *seg, gfp_t gfp)
{
	unsigned long i;

	pool_guard_map(heap, seg, gfp);
	for (i = 0; heap->ctor && i < seg->blocks; i++) {
		heap->ctor(pool_block(seg, i), heap->ctor_data);
		nebula_cond_resched(gfp);
	}
	pool_kasan_map(heap, seg);
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
 * Makes a segment of @blocks blocks and @slack more. Context: as @gfp, any with NEBULA_GFP_NOLOCK;
 * with a constructor it must be one that may sleep. On failure NULL, and -ENOMEM, -E2BIG,
 * -EOVERFLOW, or -EINVAL for a buffer that is too small, in *@err.
 */
struct pool_segment *pool_segment_create(struct nebula_pool_heap *heap, unsigned int blocks,
					 unsigned long slack, gfp_t gfp, int *err)
{
	const struct layout l = lay_out(heap, (u64)blocks + slack);
	struct pool_segment *seg = nebula_meta_alloc(sizeof(*seg), gfp);

	*err = -ENOMEM;
	if (!seg)
		return NULL;
	seg->nominal = blocks;
	seg->blocks = blocks + slack;
	*err = map_region(heap, seg, &l, gfp);
	if (*err) {
		nebula_meta_free(seg, gfp);
		return NULL;
	}
	init_arrays(heap, seg, &l, gfp);
	construct(heap, seg, gfp);
	return seg;
}

/* No context uses the segment. Process context; any but NMI for one from pages. */
void pool_segment_destroy(struct pool_segment *seg)
{
	nebula_region_unmap(&seg->region);
	kfree(seg);
}

/* Blocks of a segment, without slack, that fit in about @bytes bytes. */
unsigned long pool_blocks_in(const struct nebula_pool_heap *heap, size_t bytes)
{
	const u64 fixed = sizeof(struct pool_group) + 3 * SMP_CACHE_BYTES + heap->pool.align;
	const size_t of_word = sizeof(struct pool_defer) + 2 * sizeof(u64);
	const u64 each = stride_of(heap) + pool_track_size(heap) + size_of_size(heap) + 2 +
			 DIV_ROUND_UP(of_word, POOL_WORD_BLOCKS);

	return bytes > fixed ? div64_u64(bytes - fixed, each) : 0;
}

/* Bytes of a region for so many blocks. */
u64 pool_bytes_for(const struct nebula_pool_heap *heap, u64 blocks)
{
	return lay_out(heap, blocks).total;
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
	if (gfp == NEBULA_GFP_NOLOCK)
		tab = nebula_meta_alloc(bytes, gfp);
	else
		tab = nebula_array_alloc(1, bytes, gfp, NUMA_NO_NODE);
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

static bool table_suits(const struct pool_table *tab, const struct pool_table *old,
			const struct pool_segment *add, const struct pool_segment *remove)
{
	const unsigned long had = old ? old->nr : 0, groups = old ? old->nr_groups : 0;

	return tab->nr == had + !!add - !!remove &&
	       tab->nr_groups == groups + (add ? add->nr_groups : 0) -
				 (remove ? remove->nr_groups : 0);
}

static void table_free(struct nebula_later *later)
{
	kvfree(container_of(later, struct pool_table, later));
}

/*
 * Makes @tab the table in place of the one there is, plus @add and minus @remove, and counts in
 * what is added. -EAGAIN: there is another table by now; -ENOSPC: there would be more than the
 * limit. The RCU reader keeps the old table from being freed, so the pointer cannot come back to
 * the same value. Any context but NMI.
 */
static int table_publish(struct nebula_pool_heap *heap, struct pool_table *tab,
			 struct pool_segment *add, const struct pool_segment *remove)
{
	struct pool_table *old;
	unsigned long flags;
	int err = -EAGAIN;

	rcu_read_lock();
	old = rcu_dereference(heap->table);
	if (!table_suits(tab, old, add, remove))
		goto out;
	table_fill(tab, old, add, remove);
	/* This CPU does not hold it: what runs under it has interrupts off, see pool_grow_now(). */
	raw_spin_lock_irqsave(&heap->wait_lock, flags);
	if (add && heap->nominal + add->nominal > heap->max_blocks) {
		err = -ENOSPC;
	} else if (rcu_access_pointer(heap->table) == old) {
		rcu_assign_pointer(heap->table, tab);
		if (add)
			pool_count_in(heap, add);
		err = 0;
	}
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
out:
	rcu_read_unlock();
	if (!err && old)
		nebula_later(&old->later, table_free);
	return err;
}

/*
 * Publishes a table with @add and without @remove; either may be NULL. Growth in place does so at
 * any time, all others hold @grow_lock. -ENOMEM; -ENOSPC when @add is more than the limit allows.
 * Any context but NMI; sleeps as @gfp says.
 */
int pool_table_replace(struct nebula_pool_heap *heap, struct pool_segment *add,
		       struct pool_segment *remove, gfp_t gfp)
{
	unsigned long nr, nr_groups;
	struct pool_table *tab, *old;
	int err;

	do {
		rcu_read_lock();
		old = rcu_dereference(heap->table);
		nr = (old ? old->nr : 0) + !!add - !!remove;
		nr_groups = (old ? old->nr_groups : 0) + (add ? add->nr_groups : 0) -
			    (remove ? remove->nr_groups : 0);
		rcu_read_unlock();
		tab = table_create(nr, nr_groups, gfp);
		if (!tab)
			return -ENOMEM;
		err = table_publish(heap, tab, add, remove);
		if (err)
			kvfree(tab);
	} while (err == -EAGAIN);
	return err;
}

/* Adds a segment with the lock held: nothing can come in between. Lock: @wait_lock. */
static struct pool_table *add_locked(struct nebula_pool_heap *heap, unsigned int blocks)
{
	struct pool_table *tab, *old = rcu_dereference_protected(heap->table,
						lockdep_is_held(&heap->wait_lock));
	struct pool_segment *seg;
	int err;

	if (heap->nominal + blocks > heap->max_blocks)
		return NULL;
	tab = table_create(old->nr + 1, old->nr_groups + DIV_ROUND_UP(blocks, POOL_GROUP_BLOCKS),
			   NEBULA_GFP_NOLOCK);
	if (!tab)
		return NULL;
	seg = pool_segment_create(heap, blocks, 0, NEBULA_GFP_NOLOCK, &err);
	if (!seg) {
		nebula_meta_free(tab, NEBULA_GFP_NOLOCK);
		return NULL;
	}
	seg->by_itself = true;
	table_fill(tab, old, seg, NULL);
	rcu_assign_pointer(heap->table, tab);
	pool_count_in(heap, seg);
	return old;
}

/*
 * Adds a segment of @blocks blocks that the pool was not asked to grow by, without a lock of the
 * kernel's. Its pages could not be given back from an NMI: so the lock is taken first, and when all
 * is there it cannot be for nothing. False when the lock is held, by the interrupted context or
 * another, when there is no memory, or at the limit. Any context.
 */
bool pool_segment_add_nolock(struct nebula_pool_heap *heap, unsigned int blocks)
{
	struct pool_table *old;
	unsigned long flags;

	if (!raw_spin_trylock_irqsave(&heap->wait_lock, flags))
		return false;
	old = add_locked(heap, blocks);
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
	if (!old)
		return false;
	nebula_later(&old->later, table_free);
	pool_wish(heap, POOL_WISH_TRIM);
	return true;
}

/* The next segment by address, after @seg or the first; NULL at the end. Lock: @grow_lock. */
struct pool_segment *pool_segment_after(const struct nebula_pool_heap *heap,
					const struct pool_segment *seg)
{
	struct pool_segment *next = NULL;
	const struct pool_table *tab;
	unsigned long i = 0;

	rcu_read_lock();
	tab = rcu_dereference(heap->table);
	if (seg)
		i = pool_segment_index(tab, seg->base) + 1;
	if (i < tab->nr)
		next = tab->seg[i];
	rcu_read_unlock();
	return next;
}

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
