// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments: blocks side by side, and the arrays beside them that say what is known of each. A pool
 * has the one it was made with, and those it grew by.
 *
 *	region: | batches | links | bitmaps | tracks | state | block 0 | block 1 | ... |
 *
 * What is kept comes first, so that writing beyond the last block does not reach it.
 *
 * A segment is published with release and taken out only when none of its blocks is anywhere but
 * loose or in the depot: it is closed, every CPU is made to empty its caches, which also waits for
 * whoever has not seen yet that it is closed, and then it can only go or be opened again. An
 * allocation that finds nothing elsewhere opens it. It is unmapped after a grace period, since
 * frees and getters walk the segments with preemption off.
 */
#include <linux/cache.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "pool.h"

/* A cache of fewer blocks is not worth its slack, and would not hold what is taken at once. */
#define DEPTH_MIN	8U

static_assert(DEPTH_MIN >= POOL_LOOSE_BATCH);

/* Slack is at most this part of the blocks promised. */
#define SLACK_PART	4

/* Growth starts when fewer than this part of the blocks are left, or none. */
#define LOW_WATER_PART	4

/* Growth by less than this part of the blocks would make too many segments. */
#define PIECE_PART	16

/**
 * struct layout - where everything is in the region of a segment, offsets in bytes
 * @blocks: how many.
 * @depth: slots of a cache.
 * @batches: batches of the depot.
 * @words: of each bitmap.
 * @summary: words of each summary.
 * @entries: of the depot.
 * @links: of the depot.
 * @loose: bitmap and summary, of each generation.
 * @deferred: two bitmaps.
 * @tracks: of each block.
 * @state: of each block.
 * @base: of the blocks.
 * @total: bytes.
 */
struct layout {
	u64 blocks;
	unsigned int depth;
	unsigned int batches;
	unsigned long words;
	unsigned long summary;
	u64 entries;
	u64 links;
	u64 loose[2];
	u64 deferred;
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

static void lay_out(const struct nebula_pool_heap *heap, struct layout *l, u64 nominal,
		    u64 blocks)
{
	const bool fifo = heap->pool.common.flags & NEBULA_FIFO;
	const u64 word = sizeof(unsigned long);
	u64 at = 0, batch = l->depth / 2;

	l->blocks = blocks;
	l->words = DIV_ROUND_UP_ULL(blocks, BITS_PER_LONG);
	if (l->depth || l->words > POOL_FEW_WORDS)
		l->summary = DIV_ROUND_UP(l->words, BITS_PER_LONG);
	/* When all blocks are in batches there are none in caches, so some may stay loose. */
	l->batches = l->depth ? (u32)div64_u64(nominal, batch) + num_possible_cpus() : 0;

	l->links = place(&at, l->batches * sizeof(u64), sizeof(u64));
	l->entries = place(&at, l->batches * batch * (blocks > U16_MAX ? 4 : 2), word);
	l->loose[0] = place(&at, (l->words + l->summary) * word, word);
	l->loose[1] = place(&at, fifo ? (l->words + l->summary) * word : 0, word);
	l->deferred = place(&at, 2 * l->words * word, word);
	l->tracks = place(&at, blocks * pool_track_size(heap), word);
	/* States of the blocks of a word share a line, and CPUs look at different words. */
	l->state = place(&at, blocks, SMP_CACHE_BYTES);
	l->base = place(&at, blocks * stride_of(heap),
			max_t(u64, heap->pool.align, SMP_CACHE_BYTES)) + heap->front;
	l->total = at;
}

/* The depth that the slack allows. */
static unsigned int depth_for(unsigned int blocks, unsigned int wanted)
{
	unsigned int depth = min3(blocks / SLACK_PART / num_possible_cpus(), wanted,
				  NEBULA_POOL_DEPTH_MAX) & ~1U;

	return depth < DEPTH_MIN ? 0 : depth;
}

/* What a page has left becomes more slack, where there is slack at all, as far as that may go. */
static void fill_last_page(const struct nebula_pool_heap *heap, struct layout *l, u64 nominal)
{
	const u64 blocks = l->blocks, end = PAGE_ALIGN(l->total);
	u64 more = div64_u64(end - l->total, stride_of(heap));

	more = min(more, nominal + nominal / SLACK_PART - blocks);
	for (; more; more--) {
		lay_out(heap, l, nominal, blocks + more);
		if (l->total <= end)
			return;
	}
	lay_out(heap, l, nominal, blocks);
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

static void init_loose(struct pool_segment *seg, unsigned int i, const struct layout *l)
{
	seg->loose[i] = (struct pool_loose){
		.words = seg->region.base + l->loose[i],
		.nr_words = l->words,
	};
	if (l->summary)
		seg->loose[i].summary = seg->loose[i].words + l->words;
}

static void init_arrays(struct nebula_pool_heap *heap, struct pool_segment *seg,
			const struct layout *l)
{
	void *base = seg->region.base;

	memset(base, 0, l->base);
	seg->base = (unsigned long)base + l->base;
	seg->blocks = l->blocks;
	seg->state = base + l->state;
	init_index(seg, stride_of(heap));
	init_loose(seg, 0, l);
	if (heap->pool.common.flags & NEBULA_FIFO)
		init_loose(seg, 1, l);
	pool_loose_fill(&seg->loose[0], l->blocks);
	seg->deferred = base + l->deferred;
	seg->maturing = seg->deferred + l->words;
	seg->tracks = pool_track_size(heap) ? base + l->tracks : NULL;
	seg->depot = (struct pool_depot){
		.entries = base + l->entries,
		.links = base + l->links,
		.nr = l->batches,
		.batch = l->depth / 2,
		.wide = l->blocks > U16_MAX,
	};
	pool_depot_init(&seg->depot);
}

/* The CPUs begin to look far from each other. */
static void spread_hints(struct pool_segment *seg)
{
	unsigned int n = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu_ptr(seg->cpus, cpu)->hint =
			(u64)seg->loose[0].nr_words * n++ / num_possible_cpus();
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

static int alloc_cpus(struct pool_segment *seg, unsigned int depth, gfp_t gfp)
{
	size_t size = struct_size_t(struct nebula_pool_cpu, slots, depth);

	seg->cpus = nebula_fault_hit() ? NULL : __alloc_percpu_gfp(size, SMP_CACHE_BYTES, gfp);
	return seg->cpus ? 0 : -ENOMEM;
}

/*
 * Makes a segment of @blocks blocks, and slack for caches of @depth as far as that is allowed.
 * Process context; sleeps. Return: 0, -ENOMEM, -EOVERFLOW, -EINVAL for a buffer that is too small.
 */
int pool_segment_map(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned int blocks,
		     unsigned int depth, gfp_t gfp)
{
	struct layout l = { .depth = depth_for(blocks, depth) };
	int ret;

	lay_out(heap, &l, blocks, (u64)blocks + l.depth * num_possible_cpus());
	if (l.depth && heap->request.backing != NEBULA_BUFFER)
		fill_last_page(heap, &l, blocks);
	seg->nominal = blocks;
	seg->depth_max = l.depth;
	ret = map_region(heap, seg, &l, gfp);
	if (ret)
		return ret;
	ret = alloc_cpus(seg, l.depth, gfp);
	if (ret) {
		nebula_region_unmap(&seg->region);
		return ret;
	}
	init_arrays(heap, seg, &l);
	spread_hints(seg);
	construct(heap, seg);
	return 0;
}

/* Process context. */
void pool_segment_unmap(struct pool_segment *seg)
{
	free_percpu(seg->cpus);
	seg->cpus = NULL;
	nebula_region_unmap(&seg->region);
}

static void add_segment(struct nebula_pool_heap *heap, struct pool_segment *seg)
{
	struct pool_segment *last = &heap->primary;

	lockdep_assert_held(&heap->grow_lock);
	while (last->next)
		last = last->next;
	WRITE_ONCE(heap->blocks, heap->blocks + seg->blocks);
	WRITE_ONCE(heap->segments, heap->segments + 1);
	WRITE_ONCE(heap->grows, heap->grows + 1);
	smp_store_release(&last->next, seg);	/* Pairs with pool_for_each_segment(). */
	if (pool_has_tickets(heap))
		pool_unclaim(heap, seg->blocks);
	smp_store_release(&heap->nominal, heap->nominal + seg->nominal); /* And pool_nominal(). */
}

/* Lock: @grow_lock. */
static int grow(struct nebula_pool_heap *heap, unsigned int blocks, gfp_t gfp)
{
	struct pool_segment *seg = nebula_fault_hit() ? NULL : kzalloc(sizeof(*seg), gfp);
	int ret;

	if (!seg)
		return -ENOMEM;
	ret = pool_segment_map(heap, seg, blocks, heap->primary.depth_max, gfp);
	if (ret) {
		kfree(seg);
		return ret;
	}
	add_segment(heap, seg);
	return 0;
}

/*
 * Adds @most blocks, or less when that many cannot be had in one piece: a smaller one may. Lock:
 * @grow_lock.
 */
static int grow_by(struct nebula_pool_heap *heap, unsigned long most, gfp_t gfp)
{
	const unsigned long least = clamp(heap->nominal / PIECE_PART, 1UL, most);
	int ret;

	for (;;) {
		ret = grow(heap, most, gfp);
		if (!ret || most == least)
			return ret;
		most = max(most / 2, least);
	}
}

/*
 * Adds blocks until there are @target: each time as many as there are, as far as that is allowed.
 * Lock: @grow_lock.
 */
static int grow_to(struct nebula_pool_heap *heap, unsigned long target, gfp_t gfp)
{
	unsigned long room, most;
	int ret = 0;

	target = min_t(unsigned long, target, heap->max_blocks);
	while (!ret && heap->nominal < target) {
		room = heap->max_blocks - heap->nominal;
		most = max(heap->nominal, target - heap->nominal);
		ret = grow_by(heap, min(room, most), gfp);
	}
	return ret;
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
 *	__GFP_NOWARN a refusal is counted and not
 *	recorded.
 *
 * Blocks handed out before stay where they are. The new ones are served out of line.
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

/*
 * Few blocks are left in depot and loose blocks. What is in caches is not counted: whoever looks
 * may be filling one, and the worker has to come to the same answer once it is full. Any context.
 */
static bool is_low(const struct nebula_pool_heap *heap)
{
	const unsigned long nominal = READ_ONCE(heap->nominal);
	const struct pool_segment *seg;
	long out = 0;
	int cpu;

	rcu_read_lock();
	pool_for_each_segment(seg, heap)
		for_each_possible_cpu(cpu)
			out += READ_ONCE(per_cpu_ptr(seg->cpus, cpu)->out);
	rcu_read_unlock();
	/* In a small pool the last block has to be enough. */
	return out > (long)(nominal - max(nominal / LOW_WATER_PART, 1UL));
}

/* Wishes for more blocks when few are left. Any context. */
void pool_look_at_level(struct nebula_pool_heap *heap)
{
	const unsigned long nominal = READ_ONCE(heap->nominal);

	if (pool_may_grow(heap, nominal, nominal + 1) && is_low(heap))
		pool_wish(heap, POOL_WISH_GROW);
}

/* Adds blocks when few are left, or fewer than a request that was refused needs. */
void pool_grow_work(struct work_struct *work)
{
	struct nebula_pool_heap *heap = container_of(work, struct nebula_pool_heap, grow_work);
	unsigned int saved = nebula_gfp_scope_enter(heap->request.gfp);
	unsigned long target;
	int ret;

	mutex_lock(&heap->grow_lock);
	target = xchg(&heap->target, 0);
	if (is_low(heap))
		target = max(target, heap->nominal + 1);
	ret = grow_to(heap, target, heap->request.gfp);
	mutex_unlock(&heap->grow_lock);
	nebula_gfp_scope_exit(heap->request.gfp, saved);
	if (ret)
		nebula_fail(&heap->pool.common, NEBULA_E_BACKING_FAILED, .what = "growth",
			    .detail = NEBULA_D_GROWTH);
	/* Some may have been added before it failed. */
	pool_wish(heap, POOL_WISH_WAKE);
	atomic_dec(&heap->growing);
}

/*
 * A request for @n blocks failed when @nominal were promised: grows for it. False when that is no
 * use, or failed, with its errno in @err. Process context; sleeps.
 */
bool pool_grow_for(struct nebula_pool_heap *heap, unsigned int n, unsigned long nominal, int *err)
{
	const unsigned long target = pool_live(heap) + n;
	unsigned int saved;
	bool grown;

	if (!pool_may_grow(heap, nominal, target))
		return false;
	saved = nebula_gfp_scope_enter(heap->request.gfp);
	mutex_lock(&heap->grow_lock);
	if (heap->nominal == nominal)
		*err = grow_to(heap, max(target, nominal + 1), heap->request.gfp);
	grown = heap->nominal > nominal;
	mutex_unlock(&heap->grow_lock);
	nebula_gfp_scope_exit(heap->request.gfp, saved);
	if (grown)
		pool_wish(heap, POOL_WISH_WAKE);
	return grown;
}

static void count_block(unsigned long index, void *data)
{
	++*(unsigned long *)data;
}

/* Every block is loose or in the depot. No cache has any, and nobody takes any. */
static bool is_idle(const struct pool_segment *seg)
{
	unsigned long n = pool_loose_count(&seg->loose[0]);

	if (seg->loose[1].words)
		n += pool_loose_count(&seg->loose[1]);
	pool_depot_for_each(&seg->depot, count_block, &n);
	return n == seg->blocks;
}

/* What was allocated of @seg was freed: it adds that to the @gone allocations. */
static void keep_counts(struct nebula_pool_heap *heap, const struct pool_segment *seg,
			unsigned long gone)
{
	unsigned long allocs = gone;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct nebula_pool_cpu *pc = per_cpu_ptr(seg->cpus, cpu);

		allocs += pc->allocs + pc->out + pc->returned - pc->filled;
	}
	WRITE_ONCE(heap->allocs_gone, allocs);
}

/* Takes @seg, which comes after @prev, out. Lock: @grow_lock. */
static void remove_segment(struct nebula_pool_heap *heap, struct pool_segment *prev,
			   struct pool_segment *seg)
{
	const unsigned long gone = heap->allocs_gone;

	WRITE_ONCE(heap->nominal, heap->nominal - seg->nominal);
	if (pool_has_tickets(heap))
		pool_unclaim(heap, -(long)seg->blocks);
	WRITE_ONCE(heap->blocks, heap->blocks - seg->blocks);
	WRITE_ONCE(heap->segments, heap->segments - 1);
	WRITE_ONCE(prev->next, seg->next);
	keep_counts(heap, seg, gone);
	synchronize_rcu();
	/* A free that had put its block may have counted that only now. */
	keep_counts(heap, seg, gone);
	pool_segment_unmap(seg);
	kfree(seg);
}

/* Closes all segments but the first, and makes everyone see it. */
static void close_segments(struct nebula_pool_heap *heap)
{
	struct pool_segment *seg;

	for (seg = heap->primary.next; seg; seg = seg->next)
		atomic_set(&seg->mode, POOL_CLOSING);
	if (heap->drains)
		pool_drain(heap);
	else
		synchronize_rcu();
}

/**
 * nebula_pool_shrink() - give back what the pool grew by and does not need
 * @p: the pool, in use or not.
 *
 * Gives back each region that was added and has no live block.
 *
 * Context: process context; sleeps.
 * Return: blocks that the capacity went down by; 0 with WRONG_CONTEXT recorded in atomic context.
 */
unsigned int nebula_pool_shrink(struct nebula_pool *p)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	struct pool_segment *prev, *seg;
	unsigned long before, after;

	if (nebula_atomic_context()) {
		nebula_fail(&p->common, NEBULA_E_WRONG_CONTEXT, .what = "shrink");
		return 0;
	}
	mutex_lock(&heap->grow_lock);
	before = heap->nominal;
	if (heap->primary.next)
		close_segments(heap);
	for (prev = &heap->primary; (seg = prev->next);) {
		if (is_idle(seg) &&
		    atomic_cmpxchg(&seg->mode, POOL_CLOSING, POOL_GONE) == POOL_CLOSING) {
			remove_segment(heap, prev, seg);
			continue;
		}
		atomic_cmpxchg(&seg->mode, POOL_CLOSING, POOL_OPEN);
		prev = seg;
	}
	after = heap->nominal;
	mutex_unlock(&heap->grow_lock);
	return before - after;
}
EXPORT_SYMBOL_GPL(nebula_pool_shrink);

/* Bytes of the pool beyond its blocks. */
size_t pool_overhead(const struct nebula_pool_heap *heap)
{
	size_t bytes = sizeof(*heap) + sizeof(struct nebula_registration);
	const struct pool_segment *seg;

	rcu_read_lock();
	pool_for_each_segment(seg, heap) {
		bytes += seg->region.origin_size - seg->blocks * heap->pool.block_size;
		bytes += num_possible_cpus() *
			 struct_size_t(struct nebula_pool_cpu, slots, seg->depth_max);
		if (seg != &heap->primary)
			bytes += sizeof(*seg);
	}
	rcu_read_unlock();
	return bytes;
}
