/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to the bump allocator: what its files know of each other.
 *
 *	bump.c         dispatch between the modes, getters, what the registry needs
 *	kind.c  configuration, create and destroy, init and exit
 *	owner.c   owner mode: the inline path's slow side, growth, rewinding
 *	checkpoint.c  owner mode: which checkpoints are stale, and where they point
 *	shared.c  shared mode: sub-chunks, growth ahead of need
 *	text.c    copies and formatted text, in either mode
 *	bump_trim.c    memory that is given back to the kernel, in either mode
 *	inspect.c    validate, map, live: what debugfs shows
 */
#ifndef _NEBULA_MODULE_BUMP_H
#define _NEBULA_MODULE_BUMP_H

#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "../core/chunk.h"
#include "../core/cleanup.h"
#include "../core/fastpath.h"
#include "../core/guard.h"

/* A shared allocator counts the grains of a region in 32 bits. */
#define BUMP_SHARED_CAPACITY_MAX	min_t(u64, (u64)U32_MAX * NEBULA_BUMP_GRAIN & PAGE_MASK, \
					      NEBULA_CAPACITY_MAX)

/* A bump allocator made by create. */
struct nebula_bump_heap {
	struct nebula_bump bump;	/* what the client sees */
	/* How to map a region, all but its size. Invariant. */
	struct nebula_region_request request;
	size_t max_capacity;	/* Bytes up to which it may grow. Invariant. */
	/* Bytes of the largest region that a reset keeps, if there is a choice. Invariant. */
	size_t retain;
	unsigned long regions;	/* Chunks in the chain. Owner; shared: @chain_lock. */
	unsigned long grows;	/* Chunks ever added. As @regions. */
	/* Oldest chunk. Owner; shared: @chain_lock to change, RCU to walk. */
	struct nebula_chunk *first;
	struct nebula_chunk *newest;	/* Newest chunk. As @first. */
	struct nebula_chunk *spare;	/* Owner mode: a chunk kept for the next growth. Owner. */
	/*
	 * Owner mode: bytes of all chunks before a reset near the limit, until they are in one; or
	 * 0. Owner.
	 */
	size_t whole;
	size_t whole_first;	/* Owner mode: bytes of the first chunk then. Owner. */
	/* Owner mode: of checkpoints at the start since that has moved. Owner. */
	u64 start_stamp;
	/* Owner mode: the next allocation sees to that, out of line. Owner. */
	bool starts_over;
	bool reserved;		/* Owner mode: @spare was reserved. Owner. */
	bool tight;		/* Owner mode: a rewind gave up regions near the limit. Owner. */
	/* With a debug flag: all objects. Any context to push; owner to release. */
	struct nebula_guards guards;

	/* Shared: chunk that sub-chunks come from. Any context, see shared.c. */
	struct nebula_chunk *active;
	/* Shared: per-CPU part. Any context on its own CPU. */
	struct nebula_bump_cpu __percpu *cpus;
	unsigned long sub_size;	/* Shared: bytes of a sub-chunk, a power of two. Invariant. */
	/*
	 * Shared: bytes left of the newest chunk below which the next is mapped. Lock: @chain_lock,
	 * read racily.
	 */
	unsigned long low_water;
	unsigned long released_shared;	/* Shared: bytes given back by resets. Lock: @chain_lock. */
	/* Shared: objects given back by resets. Lock: @chain_lock. */
	unsigned long frees_shared;
	/* Shared: allocations served past the sub-chunks. Any context. */
	atomic_long_t direct_allocs;
	atomic_long_t direct_padding;	/* Shared: bytes those lost to alignment. Any context. */
	atomic_t growing;	/* Shared: growth was kicked and has not ended. Any context. */
	struct irq_work kick;	/* shared: takes the wish to grow out of any context */
	struct work_struct grow_work;	/* shared: maps the next chunk */
	struct mutex grow_lock;	/* shared: one mapper at a time */
	raw_spinlock_t chain_lock;	/* shared: publication of chunks against reset */
};

static inline struct nebula_bump *bump_of(const struct nebula_allocator *a)
{
	return container_of(a, struct nebula_bump, common);
}

static inline bool bump_is_shared(const struct nebula_bump *b)
{
	return b->common.flags & NEBULA_SHARED;
}

/* There is an inline path, whether it serves or not; otherwise all comes out of line for ever. */
static inline bool bump_has_inline(const struct nebula_bump *b)
{
	return !(b->common.flags & (NEBULA_DEBUG_FLAGS | NEBULA_ZERO | NEBULA_KASAN));
}

/*
 * What is given back is cleared: for init_on_free, or so that all that is free is zero and
 * allocations need not care (NEBULA_CLEAN). Poison takes precedence.
 */
static inline bool bump_clears(const struct nebula_bump *b)
{
	return unlikely(b->common.flags & (NEBULA_CLEAN | NEBULA_INIT_ON_FREE)) &&
	       !(b->common.flags & NEBULA_POISON);
}

/* The inline path may serve now, see fastpath.c. */
static inline bool bump_is_inline(const struct nebula_bump *b)
{
	return bump_has_inline(b) && !nebula_fastpath_disabled(&b->common);
}

/* Shared, and nothing else to do. */
static inline bool bump_is_plain_shared(const struct nebula_bump *b)
{
	return (b->common.flags & (NEBULA_SHARED | NEBULA_DEBUG_FLAGS | NEBULA_ZERO |
				   NEBULA_KASAN)) == NEBULA_SHARED &&
	       !nebula_fastpath_disabled(&b->common);
}

static inline bool bump_is_guarded(const struct nebula_bump *b)
{
	return b->common.flags & NEBULA_DEBUG_FLAGS;
}

/*
 * First byte that is not handed out: the bytes between @tail and @cur still are, while @tail lies
 * within the grain below.
 */
static inline unsigned long bump_cursor(unsigned long cur, unsigned long tail)
{
	return ALIGN(tail, NEBULA_BUMP_GRAIN) == cur ? tail : cur;
}

/* Of two regions, is @chunk the one that a reset keeps? */
static inline bool bump_keeps_rather(const struct nebula_bump_heap *heap,
				     const struct nebula_chunk *chunk,
				     const struct nebula_chunk *other)
{
	const size_t size = chunk->region.size, other_size = other->region.size;

	if (size <= heap->retain && other_size <= heap->retain)
		return size > other_size;
	return size < other_size;
}

/* Two addresses of a shared one lie in the same sub-chunk, or would, if there were one. */
static inline bool bump_same_sub(const struct nebula_bump_heap *heap, unsigned long a,
				 unsigned long b)
{
	return !((a ^ b) & ~(heap->sub_size - 1));
}

/* Bytes left of a shared one's newest chunk below which it grows. */
static inline size_t bump_low_water(const struct nebula_chunk *chunk)
{
	return chunk->region.size / 4;
}

/* kind.c */
struct nebula_chunk *bump_map_chunk(struct nebula_bump_heap *heap,
				    const struct nebula_region_request *req, int *err);
struct nebula_chunk *bump_map_next(struct nebula_bump_heap *heap, size_t size, size_t need,
				   gfp_t gfp);

/* owner.c */
void bump_owner_enter_chunk(struct nebula_bump *b, void *base, size_t size);
void bump_owner_update_path(struct nebula_allocator *a);
void bump_owner_reset_peak(struct nebula_allocator *a);
void bump_owner_update_peak(struct nebula_bump *b);
void bump_owner_prepare(struct nebula_bump *b, gfp_t gfp);
void bump_owner_replace_region(struct nebula_bump *b, struct nebula_chunk *chunk);
void bump_owner_defer(struct nebula_bump *b, struct nebula_cleanup *c);
int bump_owner_restore(struct nebula_bump *b, const struct nebula_checkpoint *cp);
void *bump_owner_alloc(struct nebula_bump *b, size_t size, size_t align, size_t asked);
void bump_owner_reset(struct nebula_bump *b);
bool bump_owner_resize(struct nebula_bump *b, void *p, size_t old_size, size_t new_size);
int bump_owner_reserve(struct nebula_bump *b, size_t bytes, gfp_t gfp);
void bump_owner_usage(const struct nebula_allocator *a, struct nebula_usage *u);
void bump_owner_stats(const struct nebula_allocator *a, struct nebula_stats *st);

/* Where a checkpoint points. */
struct bump_place {
	struct nebula_chunk *chunk;	/* the region; NULL in an embedded allocator */
	u64 pos;		/* position, counted from 1 at the start of the oldest region */
	unsigned long cur;	/* the cursor there */
	unsigned long tail;	/* likewise */
};

/* checkpoint.c */
bool bump_checkpoint_is_stale(const struct nebula_bump *b, u64 stamp);
bool bump_checkpoint_find(const struct nebula_bump *b, const struct nebula_checkpoint *cp,
			  struct bump_place *at);
void bump_checkpoint_leave_region(struct nebula_bump *b);
u64 bump_checkpoint_moved(struct nebula_bump *b);
void bump_checkpoint_restored(struct nebula_bump *b, u64 stamp);

/* shared.c */
int bump_shared_init(struct nebula_bump_heap *heap);
void *bump_shared_alloc(struct nebula_bump *b, size_t size, size_t align, size_t asked);
void bump_shared_update_path(struct nebula_allocator *a);
void bump_shared_reset_peak(struct nebula_allocator *a);
void bump_shared_reset(struct nebula_bump *b);
void bump_shared_chain_only(struct nebula_bump_heap *heap, struct nebula_chunk *keep);
bool bump_shared_resize(struct nebula_bump *b, void *p, size_t old_size, size_t new_size);
int bump_shared_reserve(struct nebula_bump *b, size_t bytes, gfp_t gfp);
void bump_shared_usage(const struct nebula_allocator *a, struct nebula_usage *u);
void bump_shared_stats(const struct nebula_allocator *a, struct nebula_stats *st);
void bump_shared_quiesce(struct nebula_bump_heap *heap);
void bump_shared_exit(struct nebula_bump_heap *heap);
void bump_shared_cpu_dead(struct nebula_allocator *a, unsigned int cpu);
unsigned long bump_shared_sub_size(size_t capacity);
void bump_shared_untaken(const struct nebula_bump_heap *heap, const struct nebula_chunk *chunk,
			 unsigned long *from, unsigned long *to);
size_t bump_shared_held(const struct nebula_bump_heap *heap, int cpu, unsigned long *from);

/* grow.c */
bool bump_shared_kick(struct nebula_bump_heap *heap);
bool bump_shared_grow_in_place(struct nebula_bump_heap *heap, size_t need);
enum nebula_errc bump_shared_grow(struct nebula_bump_heap *heap, size_t need, gfp_t gfp);
void bump_shared_grow_init(struct nebula_bump_heap *heap);
void bump_shared_grow_end(struct nebula_bump_heap *heap);

/* inspect.c */
struct nebula_sites *bump_sites(struct nebula_allocator *a);
void bump_render_live(struct nebula_allocator *a, struct nebula_text *t);
void bump_render_map(struct nebula_allocator *a, struct nebula_text *t);
int bump_validate(struct nebula_allocator *a, struct nebula_text *t);

#endif /* _NEBULA_MODULE_BUMP_H */
