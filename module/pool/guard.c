// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug flags of pools. With any of them a pool has no caches, and each block is looked at when it
 * is handed out and when it comes back; the production path knows nothing of it.
 *
 *	| zone | block ... | zone | zone | block ... | zone | ...
 *	       base               one stride
 *
 * NEBULA_REDZONE: the zones are verified on alloc, free and validate (CORRUPTION). NEBULA_POISON: a
 * free block is filled, and verified when it is handed out or looked at (USE_AFTER_FREE); one just
 * handed out is filled otherwise. NEBULA_TRACK: who allocated and who freed each block, as raw
 * return addresses, which can be taken in every context; reports show both.
 *
 * The caller holds the block: it is live and the caller's, or free and in no cache, batch or
 * bitmap.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/poison.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/string.h>
#include "../core/context.h"
#include "../core/guard.h"
#include "../error/error.h"
#include "priv.h"

#define ZONE_BYTE	0xbb
#define FREE_BYTE	POISON_FREE
#define NEW_BYTE	POISON_INUSE

/* Of this call stack, in a report that shows others too. */
#define HERE_ENTRIES	2

/* Bytes for each block that NEBULA_TRACK keeps. */
size_t pool_track_size(const struct nebula_pool_heap *heap)
{
	return heap->pool.common.flags & NEBULA_TRACK ? sizeof(struct pool_track) : 0;
}

static u8 *zone_before(const struct nebula_pool_heap *heap, const struct pool_segment *seg,
		       unsigned long index)
{
	return (u8 *)pool_block(seg, index) - heap->front;
}

/* Bytes of the object in a block, of the whole block where that is not known. */
static size_t object_size(const struct nebula_pool_heap *heap, const struct pool_segment *seg,
			  unsigned long index)
{
	return seg->sizes && READ_ONCE(seg->sizes[index]) ? seg->sizes[index]
							  : heap->pool.block_size;
}

static u8 *zone_behind(const struct nebula_pool_heap *heap, const struct pool_segment *seg,
		       unsigned long index)
{
	return (u8 *)pool_block(seg, index) + object_size(heap, seg, index);
}

static size_t size_behind(const struct nebula_pool_heap *heap, const struct pool_segment *seg,
			  unsigned long index)
{
	return seg->stride - heap->front - object_size(heap, seg, index);
}

static void fill_zones(const struct nebula_pool_heap *heap, struct pool_segment *seg,
		       unsigned long index)
{
	memset(zone_before(heap, seg, index), ZONE_BYTE, heap->front);
	memset(zone_behind(heap, seg, index), ZONE_BYTE, size_behind(heap, seg, index));
}

/* A new segment, before its blocks are constructed. */
void pool_guard_map(struct nebula_pool_heap *heap, struct pool_segment *seg, gfp_t gfp)
{
	const u32 flags = heap->pool.common.flags;
	unsigned long i;

	for (i = 0; flags & NEBULA_DEBUG_FLAGS && i < seg->blocks; i++) {
		if (flags & NEBULA_REDZONE)
			fill_zones(heap, seg, i);
		if (flags & NEBULA_POISON)
			memset(pool_block(seg, i), FREE_BYTE, heap->pool.block_size);
		nebula_cond_resched(gfp);
	}
}

static void put_stack(struct nebula_failure *f, unsigned long *entries, unsigned long mark,
		      const unsigned long *stack, unsigned int nr)
{
	unsigned int room = NEBULA_BACKTRACE_MAX - f->nr_entries;

	if (!nr || room < 2)
		return;
	entries[f->nr_entries++] = mark;
	nr = min(nr, room - 1);
	memcpy(entries + f->nr_entries, stack, nr * sizeof(*stack));
	f->nr_entries += nr;
}

/* Records an error of a block, with the stacks that are known of it. Any context. */
void pool_guard_report(struct nebula_pool_heap *heap, struct pool_segment *seg,
		       unsigned long index, enum nebula_errc code, const char *what)
{
	struct nebula_failure f = {
		.code = code,
		.allocator = &heap->pool.common,
		.size = heap->pool.block_size,
		.pointer = pool_block(seg, index),
		.block = pool_number(heap, seg, index) + 1,
		.what = what,
	};
	unsigned long entries[NEBULA_BACKTRACE_MAX];
	struct pool_track track;

	if (seg->tracks) {
		/* Who races for the block may be writing to it. */
		data_race(track = seg->tracks[index]);
		f.nr_entries = nebula_callers(entries, HERE_ENTRIES);
		put_stack(&f, entries, NEBULA_ENTRY_ALLOCATED, track.alloc,
			  min(track.nr_alloc, POOL_TRACK_ENTRIES));
		put_stack(&f, entries, NEBULA_ENTRY_FREED, track.free,
			  min(track.nr_free, POOL_TRACK_ENTRIES));
		f.entries = entries;
		if (code == NEBULA_E_DOUBLE_FREE && !track.nr_alloc)
			f.detail = NEBULA_D_NEVER_ALLOCATED;
	}
	nebula_error_record(&f);
}

static bool zones_intact(const struct nebula_pool_heap *heap, const struct pool_segment *seg,
			 unsigned long index, const char **what)
{
	if (!(heap->pool.common.flags & NEBULA_REDZONE))
		return true;
	*what = "zone before the block";
	if (nebula_kasan_find_other(zone_before(heap, seg, index), ZONE_BYTE, heap->front))
		return false;
	*what = seg->sizes && seg->sizes[index] ? "zone behind the object"
						: "zone behind the block";
	return !nebula_kasan_find_other(zone_behind(heap, seg, index), ZONE_BYTE,
			   size_behind(heap, seg, index));
}

static void verify_zones(struct nebula_pool_heap *heap, struct pool_segment *seg,
			 unsigned long index)
{
	const char *what;

	if (zones_intact(heap, seg, index, &what))
		return;
	pool_guard_report(heap, seg, index, NEBULA_E_CORRUPTION, what);
	fill_zones(heap, seg, index);
}

static void verify_free(struct nebula_pool_heap *heap, struct pool_segment *seg,
			unsigned long index)
{
	const u8 *block = pool_block(seg, index);
	const u8 *bad = nebula_kasan_find_other(block, FREE_BYTE, heap->pool.block_size);
	char what[NEBULA_WHAT_SIZE];

	if (!bad)
		return;
	snprintf(what, sizeof(what), "written at offset %zu", (size_t)(bad - block));
	pool_guard_report(heap, seg, index, NEBULA_E_USE_AFTER_FREE, what);
}

/* The zone behind a block begins where the object of @size bytes ends. */
static void set_object_size(struct nebula_pool_heap *heap, struct pool_segment *seg,
			    unsigned long index, size_t size)
{
	/* What a constructor or a reader under RCU relies on is not overwritten. */
	if (!seg->sizes || heap->ctor || heap->pool.common.flags & NEBULA_TYPESAFE_BY_RCU ||
	    size == heap->pool.block_size || size > U32_MAX)
		return;
	WRITE_ONCE(seg->sizes[index], size);
	memset(zone_behind(heap, seg, index), ZONE_BYTE, heap->pool.block_size - size);
}

/* A block that is about to be handed out for an object of @size bytes. */
void pool_guard_alloc(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned long index,
		      size_t size)
{
	const u32 flags = heap->pool.common.flags;
	struct pool_track *track;

	verify_zones(heap, seg, index);
	if (flags & NEBULA_POISON) {
		verify_free(heap, seg, index);
		memset(pool_block(seg, index), NEW_BYTE, heap->pool.block_size);
	}
	set_object_size(heap, seg, index, size);
	if (!seg->tracks)
		return;
	track = &seg->tracks[index];
	track->alloc_ns = local_clock();
	track->alloc_pid = current->pid;
	track->nr_alloc = nebula_callers(track->alloc, POOL_TRACK_ENTRIES);
	track->nr_free = 0;
}

/* A block that has come back, and that cannot be allocated yet. */
void pool_guard_free(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned long index)
{
	struct pool_track *track;

	verify_zones(heap, seg, index);
	if (seg->sizes)
		WRITE_ONCE(seg->sizes[index], 0);
	if (heap->pool.common.flags & NEBULA_POISON)
		memset(pool_block(seg, index), FREE_BYTE, heap->pool.block_size);
	if (!seg->tracks)
		return;
	track = &seg->tracks[index];
	/* The free that was deferred is the one to show, not the end of its grace period. */
	if (!track->nr_free)
		pool_guard_note_free(seg, index);
}

/* The call stack of a free, now or after a grace period. With %NEBULA_TRACK. Any context. */
void pool_guard_note_free(struct pool_segment *seg, unsigned long index)
{
	struct pool_track *track = &seg->tracks[index];

	track->free_pid = current->pid;
	track->nr_free = nebula_callers(track->free, POOL_TRACK_ENTRIES);
}

/* What is wrong with a block, or NULL. Racy: the block may be on its way. Any context. */
const char *pool_guard_fault(const struct nebula_pool_heap *heap, const struct pool_segment *seg,
			     unsigned long index)
{
	const char *what = NULL;

	if (!zones_intact(heap, seg, index, &what))
		return what;
	if (heap->pool.common.flags & NEBULA_POISON &&
	    READ_ONCE(seg->state[index]) == NEBULA_POOL_FREE &&
	    nebula_kasan_find_other(pool_block(seg, index), FREE_BYTE, heap->pool.block_size))
		return "written while free";
	return NULL;
}
