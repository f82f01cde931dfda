// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owner mode of the bump allocator: one owner at a time, in whatever context it runs; nothing
 * here takes a lock or an atomic on the allocator. Statistics are read by others while the owner
 * runs, see struct nebula_bump.snapshot. They walk the chain too, from the oldest chunk on, under
 * RCU: chunks are published with release, and let go of while the snapshot is odd.
 *
 * The cursor is kept a multiple of the grain, so that the inline path needs no alignment step for
 * common objects. So that short strings still lie side by side, @tail remembers the end of the
 * newest object whose size is no multiple of the grain: while it lies within the grain below the
 * cursor, the bytes between the two are still free.
 *
 *	base              tail  cur                           end
 *	 |##################|..|................................|
 *	                     ^^ handed out next, if the alignment allows
 *
 * Accounting, exact between the owner's operations, all words wrapping alike:
 *	consumed  = released + retired + (cur - base)
 *	bytes in  = consumed - padding	(what is between tail and cur is padding for now)
 */
#include <linux/debug_locks.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include "../core/context.h"
#include "../error/error.h"
#include "priv.h"

/*
 * A reader that does not interrupt the owner needs one try; one that does would never succeed.
 */
#define SNAPSHOT_TRIES	4

/* First byte that is not handed out. */
static unsigned long cursor(const struct nebula_bump *b)
{
	return bump_cursor(b->cur, b->tail);
}

static size_t used_now(const struct nebula_bump *b)
{
	return b->retired + (cursor(b) - b->base);
}

static u64 pos_now(const struct nebula_bump *b)
{
	return (u64)used_now(b) + 1;
}

/*
 * The words that describe the region change together between these two. Readers on other CPUs see
 * an odd number, or a different one afterwards, and try again.
 */
static void snapshot_begin(struct nebula_bump *b)
{
	WRITE_ONCE(b->snapshot, b->snapshot + 1);
	smp_wmb();	/* Pairs with the acquire in read_snapshot(). */
}

static void snapshot_end(struct nebula_bump *b)
{
	/* Pairs with smp_rmb() in read_snapshot(). */
	smp_store_release(&b->snapshot, b->snapshot + 1);
}

/* The next allocation has to see to the region first, see start_over(). */
static bool starts_over(const struct nebula_bump *b)
{
	return b->heap && b->heap->starts_over;
}

/*
 * One region, used from its first byte, none in reserve, no cleanup due: all there is to do is move
 * the cursor.
 */
static bool is_simple(const struct nebula_bump *b)
{
	return bump_is_inline(b) && b->start == b->base && !b->cleanups &&
	       !(b->heap && (b->heap->newest->prev || b->heap->spare || b->heap->starts_over));
}

/* Up to where the inline paths serve; see fastpath.c for who may take that away at any moment. */
static void serve_inline(struct nebula_bump *b, unsigned long limit, unsigned long peak_at)
{
	WRITE_ONCE(b->limit, limit);
	WRITE_ONCE(b->peak_at, peak_at);
	barrier();
	if (unlikely(nebula_fastpath_disabled(&b->common)))
		bump_owner_update_path(&b->common);
}

/*
 * Rewinds stay inline while the cursor has not passed the highest point, exactly, and cannot lead
 * ahead of the cursor.
 */
static unsigned long peak_address(const struct nebula_bump *b)
{
	return is_simple(b) && b->shrunk_from <= b->cur && !bump_clears(b)
		     ? b->base + ALIGN_DOWN(b->peak, NEBULA_BUMP_GRAIN) : 0;
}

/* Back to the inline paths, too, unless they are disabled. The owner's context. */
void bump_owner_update_peak(struct nebula_bump *b)
{
	size_t used = used_now(b);

	if (used > b->peak)
		WRITE_ONCE(b->peak, used);
	serve_inline(b, bump_is_inline(b) && !starts_over(b) ? b->end : NEBULA_BUMP_LIMIT_NONE,
		     peak_address(b));
}

/* Take the inline paths away if the allocator is watched. Any context; the owner may be running. */
void bump_owner_update_path(struct nebula_allocator *a)
{
	struct nebula_bump *b = bump_of(a);

	if (!nebula_fastpath_disabled(a))
		return;
	WRITE_ONCE(b->limit, NEBULA_BUMP_LIMIT_NONE);
	WRITE_ONCE(b->peak_at, 0);
}

/* What is in use now is the peak from now on. The owner's context. */
void bump_owner_reset_peak(struct nebula_allocator *a)
{
	WRITE_ONCE(bump_of(a)->peak, 0);
	bump_owner_update_peak(bump_of(a));
}

/* Serve from the start of a region. The owner's context. */
void bump_owner_enter_chunk(struct nebula_bump *b, void *base, size_t size)
{
	WRITE_ONCE(b->base, (unsigned long)base);
	b->start = ALIGN(b->base, NEBULA_BUMP_GRAIN);
	b->end = b->base + size;
	WRITE_ONCE(b->cur, b->start);
	WRITE_ONCE(b->tail, b->base);
	WRITE_ONCE(b->padding, b->padding + (b->start - b->base));
	b->shrunk_from = 0;
	bump_owner_update_peak(b);
}

/* No guard was asked for, so it is padding. */
static void *place(struct nebula_bump *b, size_t size, size_t align, size_t asked)
{
	unsigned long from = cursor(b), p = ALIGN(from, align), before = b->cur, next;

	if (p < from || p > b->end || size > b->end - p)
		return NULL;
	next = ALIGN(p + size, NEBULA_BUMP_GRAIN);
	WRITE_ONCE(b->tail, p + size);
	WRITE_ONCE(b->cur, next);
	WRITE_ONCE(b->padding, b->padding + (next - before) - asked);
	WRITE_ONCE(b->allocs, b->allocs + 1);
	return (void *)p;
}

/* The newest region is left as it is, its rest lost until the next reset or restore. */
static void chain(struct nebula_bump *b, struct nebula_chunk *chunk)
{
	struct nebula_bump_heap *heap = b->heap;

	bump_checkpoint_leave_region(b);
	snapshot_begin(b);
	WRITE_ONCE(b->padding, b->padding + (b->end - b->cur));
	WRITE_ONCE(b->retired, b->retired + (b->end - b->base));
	chunk->prev = heap->newest;
	chunk->next = NULL;
	chunk->pos = b->retired;
	/* Pairs with the acquire in nebula_chunk_read(). */
	smp_store_release(&heap->newest->next, chunk);
	WRITE_ONCE(heap->newest, chunk);
	WRITE_ONCE(b->capacity, b->capacity + chunk->region.size);
	WRITE_ONCE(heap->regions, heap->regions + 1);
	WRITE_ONCE(heap->grows, heap->grows + 1);
	bump_owner_enter_chunk(b, chunk->region.base, chunk->region.size);
	snapshot_end(b);
}

/* Bytes that a region needs to serve the request whatever its base. */
static size_t region_need(size_t size, size_t align)
{
	return align > PAGE_SIZE ? size + (align - PAGE_SIZE) : size;
}

/* Bytes of the next region: twice the last, but not beyond the limit. */
static size_t next_size(const struct nebula_bump_heap *heap, size_t need)
{
	return min(max(2 * heap->newest->region.size, PAGE_ALIGN(need)),
		   heap->max_capacity - heap->bump.capacity);
}

static struct nebula_chunk *map_next(struct nebula_bump_heap *heap, size_t need, gfp_t gfp)
{
	return bump_map_next(heap, next_size(heap, need), need, gfp);
}

static void set_spare(struct nebula_bump_heap *heap, struct nebula_chunk *chunk, bool reserved)
{
	heap->spare = chunk;
	heap->reserved = reserved;
}

/*
 * The spare, if it is as good as a new region. Near the limit one that is larger than that leaves
 * too little for the regions that came next before a rewind, so it waits for its turn, unless it
 * was reserved.
 */
static struct nebula_chunk *take_spare(struct nebula_bump_heap *heap, size_t need)
{
	struct nebula_chunk *chunk = heap->spare;

	if (!chunk || chunk->region.size < need ||
	    chunk->region.size > heap->max_capacity - heap->bump.capacity)
		return NULL;
	if (heap->tight && !heap->reserved && chunk->region.size > next_size(heap, need))
		return NULL;
	set_spare(heap, NULL, false);
	return chunk;
}

/* Before another region is mapped: the spare stays only where there is room for both. */
static void drop_spare(struct nebula_bump_heap *heap, size_t need)
{
	const size_t room = heap->max_capacity - heap->bump.capacity;
	struct nebula_chunk *spare = heap->spare;

	if (spare && heap->tight && spare->region.size <= room - next_size(heap, need))
		return;
	set_spare(heap, NULL, false);
	nebula_chunk_unmap_later(spare);
}

/* Serve from another region, and no other. The owner's context. */
void bump_owner_replace_region(struct nebula_bump *b, struct nebula_chunk *chunk)
{
	struct nebula_bump_heap *heap = b->heap;
	struct nebula_chunk *old = heap->first;

	snapshot_begin(b);
	chunk->prev = NULL;
	chunk->next = NULL;
	chunk->pos = 0;
	/* Pairs with the acquire in nebula_chunk_read(). */
	smp_store_release(&heap->first, chunk);
	WRITE_ONCE(heap->newest, chunk);
	WRITE_ONCE(b->capacity, chunk->region.size);
	bump_owner_enter_chunk(b, chunk->region.base, chunk->region.size);
	snapshot_end(b);
	/* Checkpoints taken since the reset are valid, but have addresses in the old region. */
	heap->start_stamp = bump_checkpoint_moved(b);
	nebula_chunk_unmap_later(old);
}

/*
 * The first allocation after a reset that had to give up regions near the limit. With the largest
 * region first, others would end at other objects than before, and more might be lost at the ends
 * than the limit has room for. So that the same allocations fit again, all is to come from one
 * region as large as those together; if the kernel has not that in one piece, from regions like
 * those before, beginning with the same first one.
 */
static void start_over(struct nebula_bump *b, gfp_t gfp)
{
	struct nebula_bump_heap *heap = b->heap;
	struct nebula_region_request req = heap->request;
	struct nebula_chunk *chunk;
	int err;

	heap->starts_over = false;
	if (!nebula_may_ask(gfp) || b->cur != b->start || heap->newest != heap->first)
		return;
	req.gfp = gfp;
	req.size = heap->whole;
	chunk = bump_map_chunk(heap, &req, &err);
	if (chunk)
		heap->whole = 0;
	else if (heap->first->region.size == heap->whole_first)
		return;
	req.size = heap->whole_first;
	if (!chunk)
		chunk = bump_map_chunk(heap, &req, &err);
	if (chunk)
		bump_owner_replace_region(b, chunk);
}

/* What has to be done before the next allocation. The owner's, as @gfp. */
void bump_owner_prepare(struct nebula_bump *b, gfp_t gfp)
{
	if (unlikely(starts_over(b)))
		start_over(b, gfp);
	bump_owner_update_peak(b);
}

/* Which error stands in the way of growing by @need bytes with @gfp, if any. */
static enum nebula_errc growth_obstacle(const struct nebula_bump_heap *heap, size_t need, gfp_t gfp)
{
	if (PAGE_ALIGN(need) > heap->max_capacity - heap->bump.capacity)
		return NEBULA_E_OUT_OF_MEMORY;
	if (gfp != NEBULA_GFP_NOLOCK && !nebula_may_ask(gfp))
		return NEBULA_E_WRONG_CONTEXT;
	return NEBULA_OK;
}

/* How to grow here: an owner that never sleeps may be in an NMI. */
static gfp_t growth_gfp(const struct nebula_bump_heap *heap)
{
	const gfp_t gfp = heap->request.gfp;

	return !COMPAT_HAS_NOLOCK || gfpflags_allow_blocking(gfp) || nebula_may_ask(gfp)
		? gfp : NEBULA_GFP_NOLOCK;
}

static enum nebula_errc grow(struct nebula_bump *b, size_t need, gfp_t gfp)
{
	struct nebula_bump_heap *heap = b->heap;
	struct nebula_chunk *chunk;
	enum nebula_errc code;

	chunk = take_spare(heap, need);
	if (!chunk) {
		code = growth_obstacle(heap, need, gfp);
		if (code)
			return code;
		drop_spare(heap, need);
		chunk = map_next(heap, need, gfp);
	}
	if (!chunk)
		return NEBULA_E_BACKING_FAILED;
	bump_owner_update_peak(b);
	chain(b, chunk);
	return NEBULA_OK;
}

/*
 * The limit that would have sufficed. If the old one is why the newest region is not twice the one
 * before it, with a higher one it would have been larger; what does not fit in that either, needs
 * one of its own.
 */
static size_t limit_needed(const struct nebula_bump *b, size_t need, size_t align)
{
	const struct nebula_chunk *newest = b->heap->newest;
	const size_t before = b->capacity - newest->region.size;
	const size_t doubled = newest->prev ? 2 * newest->prev->region.size : 0;
	const size_t here = PAGE_ALIGN(ALIGN(cursor(b) - b->base, align) + need);

	if (b->capacity < b->heap->max_capacity || newest->region.size >= doubled)
		return b->capacity + PAGE_ALIGN(need);
	return before + (here <= doubled ? here : doubled + PAGE_ALIGN(need));
}

/* The capacity, or the limit of it, that would have sufficed. */
static size_t capacity_needed(const struct nebula_bump *b, size_t size, size_t align)
{
	if (b->common.flags & NEBULA_GROW)
		return limit_needed(b, region_need(size, align), align);
	/* A buffer may begin anywhere. */
	if (!b->heap || b->heap->request.backing == NEBULA_BUFFER)
		return ALIGN(cursor(b), align) - b->base + size;
	return PAGE_ALIGN(ALIGN(used_now(b), align) + region_need(size, align));
}

/* When it cannot grow, it is the limit, or else what was tried. */
static enum nebula_detail growth_detail(enum nebula_errc code, enum nebula_detail tried)
{
	return code == NEBULA_E_OUT_OF_MEMORY ? NEBULA_D_AT_LIMIT : tried;
}

/* The region is used up. */
static noinline void *grow_and_place(struct nebula_bump *b, size_t size, size_t align,
				     size_t asked)
{
	enum nebula_errc code = NEBULA_E_OUT_OF_MEMORY;
	enum nebula_detail detail = NEBULA_D_NONE;

	if (b->common.flags & NEBULA_GROW) {
		code = grow(b, region_need(size, align), growth_gfp(b->heap));
		if (!code)
			return place(b, size, align, asked);
		detail = growth_detail(code, NEBULA_D_GROWTH);
	}
	nebula_fail(&b->common, code, .size = asked, .align = align, .detail = detail,
		    .overhead = size - asked, .need = capacity_needed(b, size, align));
	return NULL;
}

/* @size bytes, of which the client asked for @asked. */
void *bump_owner_alloc(struct nebula_bump *b, size_t size, size_t align, size_t asked)
{
	void *p = place(b, size, align, asked);

	return likely(p) ? p : grow_and_place(b, size, align, asked);
}

/*
 * Grows or shrinks the newest object where it is. A checkpoint taken since it was allocated
 * points behind it; after a shrink that is ahead of the cursor, or inside a newer object.
 * Restoring it is still right: what is older than the checkpoint stays, what is newer goes, only
 * the bytes that the shrink gave back are lost again.
 */
bool bump_owner_resize(struct nebula_bump *b, void *p, size_t old_size, size_t new_size)
{
	unsigned long start = (unsigned long)p, before = b->cur;

	if (start + old_size != cursor(b) || new_size > b->end - start)
		return false;
	bump_owner_update_peak(b);
	if (bump_clears(b) && new_size < old_size)
		nebula_kasan_fill(p + new_size, 0, old_size - new_size);
	if (new_size < old_size)
		nebula_kasan_free(&b->common, p + new_size, old_size - new_size);
	if (new_size < old_size)
		b->shrunk_from = max(b->shrunk_from, before);
	snapshot_begin(b);
	WRITE_ONCE(b->tail, start + new_size);
	WRITE_ONCE(b->cur, ALIGN(start + new_size, NEBULA_BUMP_GRAIN));
	WRITE_ONCE(b->padding, b->padding + (b->cur - before) - (new_size - old_size));
	if (new_size < old_size)
		WRITE_ONCE(b->released, b->released + old_size - new_size);
	snapshot_end(b);
	bump_owner_update_peak(b);
	return true;
}

/* A checkpoint has counted fewer objects than there are with @c, unless it is younger. */
void bump_owner_defer(struct nebula_bump *b, struct nebula_cleanup *c)
{
	c->at = b->allocs - b->frees;
	nebula_cleanup_push(&b->cleanups, c);
	/* What a rewind calls first, it calls out of line. */
	WRITE_ONCE(b->peak_at, 0);
}

/* Maps ahead, so that the next @bytes need no growth. */
int bump_owner_reserve(struct nebula_bump *b, size_t bytes, gfp_t gfp)
{
	struct nebula_bump_heap *heap = b->heap;
	enum nebula_errc code = NEBULA_E_OUT_OF_MEMORY;
	struct nebula_chunk *chunk;

	if (unlikely(starts_over(b)))
		bump_owner_prepare(b, gfp);
	if (bytes <= b->end - min(cursor(b), b->end))
		return 0;
	if (!(b->common.flags & NEBULA_GROW))
		return nebula_fail(&b->common, code, .size = bytes, .what = "reserve",
				   .detail = NEBULA_D_RESERVE,
				   .need = capacity_needed(b, bytes, 1));
	if (heap->spare && heap->spare->region.size >= bytes) {
		heap->reserved = true;
		return 0;
	}
	code = growth_obstacle(heap, bytes, gfp);
	if (code)
		return nebula_fail(&b->common, code, .size = bytes, .what = "reserve",
				   .detail = growth_detail(code, NEBULA_D_RESERVE),
				   .need = capacity_needed(b, bytes, 1));
	chunk = map_next(heap, bytes, gfp);
	if (!chunk)
		return nebula_fail(&b->common, NEBULA_E_BACKING_FAILED, .size = bytes,
				   .detail = NEBULA_D_RESERVE, .what = "reserve");
	nebula_chunk_unmap_later(heap->spare);
	set_spare(heap, chunk, true);
	bump_owner_update_peak(b);
	return 0;
}

/* Takes down the chunks newer than @last, keeping one of them for the next growth. */
static void unchain_after(struct nebula_bump_heap *heap, struct nebula_chunk *last)
{
	struct nebula_bump *b = &heap->bump;

	heap->tight |= heap->max_capacity < 2 * b->capacity;
	while (heap->newest != last) {
		struct nebula_chunk *chunk = heap->newest;

		WRITE_ONCE(heap->newest, chunk->prev);
		WRITE_ONCE(heap->newest->next, NULL);
		WRITE_ONCE(heap->regions, heap->regions - 1);
		WRITE_ONCE(b->capacity, b->capacity - chunk->region.size);
		if (!heap->spare || bump_keeps_rather(heap, chunk, heap->spare))
			swap(heap->spare, chunk);
		nebula_chunk_unmap_later(chunk);
	}
}

/*
 * Next-fit loses at most half of what it fills, so twice as much room is enough for the same
 * allocations, whatever the regions.
 */
static void plan_next_life(struct nebula_bump_heap *heap)
{
	const size_t capacity = heap->bump.capacity;

	if (heap->newest != heap->first && heap->max_capacity < 2 * capacity &&
	    heap->whole <= capacity) {
		heap->whole = capacity;
		heap->whole_first = heap->first->region.size;
	}
	heap->starts_over = heap->whole;
}

static void give_back(const struct nebula_bump *b, unsigned long from, unsigned long to)
{
	if (bump_clears(b))
		nebula_kasan_fill((void *)from, 0, to - from);
	nebula_kasan_free(&b->common, (void *)from, to - from);
	debug_check_no_locks_freed((void *)from, to - from);
}

/* Clears all above @to, which is in @chunk, or in the only region of one without chunks. */
static void clear_above(struct nebula_bump *b, const struct nebula_chunk *chunk, unsigned long to)
{
	const struct nebula_chunk *c = b->heap ? b->heap->newest : NULL;
	/* The cursor is rounded up, beyond a buffer that ends anywhere. */
	unsigned long end = min(b->cur, b->end);

	if (likely(!bump_clears(b)) && !(b->common.flags & NEBULA_KASAN) &&
	    !IS_ENABLED(CONFIG_LOCKDEP))
		return;
	for (; c != chunk; c = c->prev, end = nebula_chunk_end(c))
		give_back(b, nebula_chunk_base(c), end);
	if (end > to)
		give_back(b, to, end);
}

/* The largest chunk, of those that may be retained, becomes the only one. */
static void keep_largest(struct nebula_bump *b)
{
	struct nebula_bump_heap *heap = b->heap;
	struct nebula_chunk *keep;

	plan_next_life(heap);
	unchain_after(heap, heap->first);
	keep = heap->spare;
	if (keep && bump_keeps_rather(heap, keep, heap->first)) {
		keep->prev = NULL;
		keep->next = NULL;
		keep->pos = 0;
		heap->spare = heap->first;
		/* Pairs with the acquire in nebula_chunk_read(). */
		smp_store_release(&heap->first, keep);
		WRITE_ONCE(heap->newest, keep);
		WRITE_ONCE(b->capacity, keep->region.size);
	}
	nebula_chunk_unmap_later(heap->spare);
	set_spare(heap, NULL, false);
	heap->tight = false;
	WRITE_ONCE(b->base, nebula_chunk_base(heap->first));
	b->end = nebula_chunk_end(heap->first);
}

static void give_all_back(struct nebula_bump *b)
{
	const unsigned long bytes = b->retired + (b->cur - b->base);

	WRITE_ONCE(b->cur, b->start);
	WRITE_ONCE(b->released, b->released + bytes);
	WRITE_ONCE(b->frees, b->allocs);
	WRITE_ONCE(b->resets, b->resets + 1);
	b->stamp = NEBULA_BUMP_STAMP_NONE;
	b->mark_at = NEBULA_BUMP_MARK_RESET;
}

/* All that is not handed out, where it is not known which objects it was. */
static void fill_rest(struct nebula_bump *b)
{
	struct nebula_chunk *spare = b->heap->spare;

	if (spare)
		nebula_guard_poison(&b->common, spare->region.base, spare->region.size);
	nebula_guard_repoison(&b->common, &b->heap->guards, (void *)cursor(b), b->end - cursor(b));
}

/* All that keeps a rewind from being inline is the peak, which is higher than ever. */
static void raise_peak(struct nebula_bump *b)
{
	WRITE_ONCE(b->peak, max(b->peak, cursor(b) - b->base));
	serve_inline(b, b->end, b->base + ALIGN_DOWN(b->peak, NEBULA_BUMP_GRAIN));
}

void bump_owner_reset(struct nebula_bump *b)
{
	bool whole;

	if (likely(b->peak_at)) {
		raise_peak(b);
		debug_check_no_locks_freed((void *)b->start, b->cur - b->start);
		give_all_back(b);
		return;
	}
	nebula_cleanups_run(&b->common, &b->cleanups, 0);
	bump_owner_update_peak(b);
	whole = !bump_is_guarded(b) ||
		nebula_guard_release(&b->common, &b->heap->guards, ULONG_MAX);
	clear_above(b, b->heap ? b->heap->first : NULL,
		    b->heap ? nebula_chunk_base(b->heap->first) : b->base);
	snapshot_begin(b);
	give_all_back(b);
	if (b->heap)
		keep_largest(b);
	WRITE_ONCE(b->retired, 0);
	bump_owner_enter_chunk(b, (void *)b->base, b->end - b->base);
	snapshot_end(b);
	if (!whole)
		fill_rest(b);
}

static enum nebula_errc check_checkpoint(const struct nebula_bump *b,
					 const struct nebula_checkpoint *cp,
					 struct bump_place *at)
{
	if (cp->owner != b || cp->stamp > b->stamps)
		return NEBULA_E_FOREIGN_CHECKPOINT;
	if (bump_checkpoint_is_stale(b, cp->stamp))
		return NEBULA_E_STALE_CHECKPOINT;
	if (!bump_checkpoint_find(b, cp, at))
		return NEBULA_E_FOREIGN_CHECKPOINT;
	if ((at->pos > pos_now(b) && cp->cur > b->shrunk_from) || cp->live > b->allocs - b->frees)
		return NEBULA_E_FOREIGN_CHECKPOINT;
	return NEBULA_OK;
}

/* What nebula_bump_restore() does inline. */
static void rewind_simply(struct nebula_bump *b, const struct nebula_checkpoint *cp)
{
	const unsigned long cur = b->cur;

	debug_check_no_locks_freed((void *)cp->cur, cur - cp->cur);
	WRITE_ONCE(b->cur, cp->cur);
	WRITE_ONCE(b->released, b->released + (cur - cp->cur));
	WRITE_ONCE(b->tail, cp->tail);
	WRITE_ONCE(b->frees, b->allocs - cp->live);
	b->restored = true;
}

/* Checkpoints at the start are all at the same position, also where that has moved. */
static u64 start_stamp(const struct nebula_bump *b, const struct nebula_checkpoint *cp)
{
	return b->heap ? max(cp->stamp, b->heap->start_stamp) : cp->stamp;
}

int bump_owner_restore(struct nebula_bump *b, const struct nebula_checkpoint *cp)
{
	struct bump_place at;
	enum nebula_errc code;
	size_t before, after;
	bool whole;

	if (unlikely(nebula_cleanups_due(b->cleanups, cp->live)) && !check_checkpoint(b, cp, &at)) {
		nebula_cleanups_run(&b->common, &b->cleanups, cp->live);
		/* Without any left, the rest may be as it is inline. */
		bump_owner_update_peak(b);
	}
	if (b->peak_at && cp->stamp == b->stamp && cp->owner == b &&
	    bump_cursor(cp->cur, cp->tail) == b->mark_at) {
		raise_peak(b);
		rewind_simply(b, cp);
		return 0;
	}
	code = check_checkpoint(b, cp, &at);
	if (code)
		return nebula_fail(&b->common, code);

	bump_owner_update_peak(b);
	whole = !bump_is_guarded(b) || nebula_guard_release(&b->common, &b->heap->guards,
							    b->allocs - b->frees - cp->live);
	before = b->retired + (b->cur - b->base);
	clear_above(b, at.chunk, bump_cursor(cp->cur, cp->tail));
	snapshot_begin(b);
	if (at.chunk && at.chunk != b->heap->newest) {
		unchain_after(b->heap, at.chunk);
		WRITE_ONCE(b->retired, at.chunk->pos);
		bump_owner_enter_chunk(b, at.chunk->region.base, at.chunk->region.size);
	}
	WRITE_ONCE(b->cur, at.cur);
	WRITE_ONCE(b->tail, at.tail);
	WRITE_ONCE(b->frees, b->allocs - cp->live);
	after = b->retired + (b->cur - b->base);
	/* Ahead of the cursor are bytes that an object gave back when it shrank. */
	WRITE_ONCE(b->released, b->released + (before - min(before, after)));
	WRITE_ONCE(b->padding, b->padding + (after - min(before, after)));
	b->shrunk_from = 0;
	snapshot_end(b);
	bump_checkpoint_restored(b, cp->live ? cp->stamp : start_stamp(b, cp));
	bump_owner_update_peak(b);
	if (!whole)
		fill_rest(b);
	return 0;
}

/* A consistent snapshot of an owner's allocator. */
struct bump_view {
	size_t used;
	size_t capacity;
	size_t consumed;
	size_t released;
	size_t padding;
	unsigned long cur;
	unsigned long tail;
};

/* A cursor and a region that do not belong together could lie any distance apart. */
static void view(const struct nebula_bump *b, struct bump_view *v)
{
	unsigned long base = READ_ONCE(b->base), retired = READ_ONCE(b->retired);

	v->released = READ_ONCE(b->released);
	v->cur = READ_ONCE(b->cur);
	v->tail = READ_ONCE(b->tail);
	v->capacity = READ_ONCE(b->capacity);
	v->padding = READ_ONCE(b->padding);
	v->used = min_t(size_t, retired + (bump_cursor(v->cur, v->tail) - base), v->capacity);
	v->consumed = v->released + min_t(size_t, retired + (v->cur - base),
					  v->capacity + NEBULA_BUMP_GRAIN);
}

/*
 * A reader never makes the owner wait. It cannot succeed while it interrupts the owner in the
 * middle of a change; then the last view stands, which is bounded.
 */
static void read_snapshot(const struct nebula_bump *b, struct bump_view *v)
{
	unsigned int tries, before;

	for (tries = 0; tries < SNAPSHOT_TRIES; tries++) {
		/* Pairs with smp_wmb() in snapshot_begin(). */
		before = smp_load_acquire(&b->snapshot);
		view(b, v);
		/* Pairs with the release in snapshot_end(). */
		smp_rmb();
		if (!(before & 1) && READ_ONCE(b->snapshot) == before)
			return;
	}
}

void bump_owner_usage(const struct nebula_allocator *a, struct nebula_usage *u)
{
	const struct nebula_bump *b = bump_of(a);
	struct bump_view v;

	read_snapshot(b, &v);
	u->used = v.used;
	u->capacity = v.capacity;
	u->available = v.capacity - v.used;
	u->peak = max_t(size_t, READ_ONCE(b->peak), v.used);
	u->max_capacity = b->heap ? b->heap->max_capacity : v.capacity;
	u->buffer = !b->heap || b->heap->request.backing == NEBULA_BUFFER;
	u->budget = b->heap ? b->heap->request.budget : NULL;
}

void bump_owner_stats(const struct nebula_allocator *a, struct nebula_stats *st)
{
	const struct nebula_bump *b = bump_of(a);
	struct bump_view v;
	size_t rest;

	read_snapshot(b, &v);
	st->bytes_in = v.consumed - min(v.padding, v.consumed);
	st->bytes_out = v.released;
	st->frees = READ_ONCE(b->frees);
	st->allocs = READ_ONCE(b->allocs);
	st->resets = READ_ONCE(b->resets);
	rest = v.cur - bump_cursor(v.cur, v.tail);
	st->padding = v.padding - min(rest, v.padding);
	st->regions = 1;
	if (b->heap) {
		st->grows = READ_ONCE(b->heap->grows);
		st->regions = READ_ONCE(b->heap->regions);
	}
}
