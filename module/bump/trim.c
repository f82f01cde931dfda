// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bump allocators that give memory back to the kernel: what is not in use, and beyond what shall be
 * kept. An allocator has always one region to serve from, so one that is empty, and whose region is
 * too large, gets a smaller one first.
 */
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include "../core/context.h"
#include "../error/error.h"
#include "priv.h"

/* Bytes that the region of an empty allocator is to have. */
static size_t trimmed_size(const struct nebula_bump_heap *heap, size_t keep)
{
	return PAGE_ALIGN(clamp(keep, heap->request.size, heap->max_capacity));
}

/* A smaller region than the one there is, or NULL when there is none to be had. */
static struct nebula_chunk *map_smaller(struct nebula_bump_heap *heap, size_t keep)
{
	struct nebula_region_request req = heap->request;
	int err;

	req.size = trimmed_size(heap, keep);
	if (req.size >= heap->first->region.size || !nebula_may_ask(req.gfp))
		return NULL;
	return bump_map_chunk(heap, &req, &err);
}

/*
 * What fitted before has to fit again: near the limit that takes one region as large as before, see
 * start_over().
 */
static void plan_whole(struct nebula_bump_heap *heap, size_t before, size_t now)
{
	if (heap->max_capacity >= 2 * before || heap->whole >= before)
		return;
	heap->whole = before;
	heap->whole_first = now;
	heap->starts_over = true;
}

static size_t trim_region(struct nebula_bump *b, size_t keep)
{
	struct nebula_bump_heap *heap = b->heap;
	const size_t before = b->capacity;
	struct nebula_chunk *chunk;

	if (b->retired || heap->newest != heap->first || b->cur != b->start)
		return 0;
	chunk = map_smaller(heap, keep);
	if (!chunk)
		return 0;
	plan_whole(heap, before, chunk->region.size);
	bump_owner_replace_region(b, chunk);
	return before - b->capacity;
}

static size_t owner_trim(struct nebula_bump *b, size_t keep)
{
	struct nebula_bump_heap *heap = b->heap;
	struct nebula_chunk *spare = heap->spare;
	size_t released = 0;

	if (spare && (b->capacity > keep || spare->region.size > keep - b->capacity)) {
		released = spare->region.size;
		heap->spare = NULL;
		heap->reserved = false;
		nebula_chunk_unmap_later(spare);
	}
	released += trim_region(b, keep);
	bump_owner_update_peak(b);
	return released;
}

/* Nothing was taken of any region. Lock: @chain_lock. */
static bool shared_is_empty(const struct nebula_bump_heap *heap)
{
	const struct nebula_chunk *chunk;

	for (chunk = heap->first; chunk; chunk = chunk->next)
		if (atomic64_read(&chunk->taken))
			return false;
	return true;
}

/* No allocation is in flight, but growth may be, hence the locks. */
static size_t shared_trim(struct nebula_bump *b, size_t keep)
{
	struct nebula_bump_heap *heap = b->heap;
	struct nebula_chunk *chunk = NULL, *unused;
	unsigned long flags;
	size_t released;

	mutex_lock(&heap->grow_lock);
	chunk = map_smaller(heap, keep);
	unused = chunk;
	raw_spin_lock_irqsave(&heap->chain_lock, flags);
	released = b->capacity;
	if (released > trimmed_size(heap, keep) && shared_is_empty(heap)) {
		bump_shared_chain_only(heap, chunk ?: heap->first);
		unused = NULL;
	}
	released -= b->capacity;
	raw_spin_unlock_irqrestore(&heap->chain_lock, flags);
	mutex_unlock(&heap->grow_lock);
	nebula_chunk_unmap(unused);
	return released;
}

size_t nebula_bump_trim(struct nebula_bump *b, size_t keep)
{
	if (!b->heap)
		return 0;
	if (!bump_is_shared(b))
		return owner_trim(b, keep);
	if (nebula_atomic_context()) {
		nebula_fail(&b->common, NEBULA_E_WRONG_CONTEXT, .what = "trim");
		return 0;
	}
	return shared_trim(b, keep);
}
EXPORT_SYMBOL_GPL(nebula_bump_trim);
