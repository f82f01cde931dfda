/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to the pool: what its files know of each other.
 *
 *	pool.c          alloc and free out of line
 *	pool_ops.c      getters, what the registry needs
 *	pool_create.c   configuration, create and destroy
 *	pool_segment.c  blocks and all that is kept beside them: mapping, growing, shrinking
 *	pool_cache.c    per-CPU caches: the argument why they are safe, refill, flush, drain
 *	pool_depot.c    batches on their way between caches
 *	pool_loose.c    bitmap of the blocks that are in no cache and in no batch
 *	pool_bulk.c     many blocks at once
 *	pool_wait.c     sleeping until a block comes back
 *	pool_reserve.c  blocks put aside, adaptors for mempool
 *	pool_rcu.c      freeing after a grace period
 *	pool_guard.c    debug flags
 *	pool_look.c     validate, map, live: what debugfs shows
 *
 * Where a free block is:
 *
 *	per-CPU cache <-- one unlocked exchange --> alloc, free
 *	     | ^
 *	     v | batches
 *	   depot  --- one at a time --------------> alloc inside an interrupted cache operation
 *	     :
 *	   loose <--- one at a time, locked ------> strict and debug pools, waiters, nested free
 */
#ifndef _NEBULA_MODULE_POOL_H
#define _NEBULA_MODULE_POOL_H

#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <nebula/pool.h>
#include "internal.h"

/* No block. */
#define POOL_NONE	ULONG_MAX

/* In a pool without caches so many words do without a summary, which takes longer to keep. */
#define POOL_FEW_WORDS	64

/* Loose blocks that are taken at once: bits of a byte. They are picked one by one. */
#define POOL_LOOSE_BATCH	8UL

/* State of a block that waits for its grace period; the others are in <nebula/pool.h>. */
#define POOL_DEFERRED	0x01

/**
 * struct pool_loose - free blocks in no cache and in no batch
 * @words: a bit for each block, set while it is loose. Any context.
 * @summary: a bit for each of @words; set when the word may have bits, a hint. NULL where there are
 *	few words. Any context.
 * @nr_words: of @words. Invariant.
 */
struct pool_loose {
	unsigned long *words;
	unsigned long *summary;
	unsigned long nr_words;
};

/**
 * struct pool_depot - batches of free blocks
 * @entries: room for @batch indices in each batch: u32 if @wide, else u16. Owner of the batch.
 * @links: of each batch, what was on top before it. Owner of the batch.
 * @nr: batches; 0 in a pool without caches. Invariant.
 * @batch: most blocks in a batch. Invariant.
 * @index_bits: bits for the number of a batch. Invariant.
 * @index_mask: the number of a batch in a head. Invariant.
 * @link_mask: a head without its tag. Invariant.
 * @wide: more than 2^16 blocks. Invariant.
 * @full: stack of batches that hold blocks. Any context, see pool_depot.c.
 * @empty: stack of batches that do not. Any context.
 */
struct pool_depot {
	void *entries;
	u64 *links;
	unsigned int nr;
	unsigned int batch;
	u8 index_bits;
	bool wide;
	u64 index_mask;
	u64 link_mask;
	atomic64_t full;
	atomic64_t empty;
};

/**
 * enum pool_mode - what may be done with a segment
 * @POOL_OPEN: everything.
 * @POOL_CLOSING: shrink looks whether it can go; who finds nothing elsewhere opens it again.
 * @POOL_GONE: nothing; only shrink holds it.
 */
enum pool_mode {
	POOL_OPEN = 0,
	POOL_CLOSING,
	POOL_GONE,
};

#define POOL_TRACK_ENTRIES	6

/**
 * struct pool_track - who had a block
 * @alloc_ns: when it was allocated, local_clock().
 * @alloc_pid: by which task.
 * @free_pid: freed by which task.
 * @nr_alloc: valid entries of @alloc.
 * @nr_free: valid entries of @free.
 * @alloc: call stack of the allocation, innermost first.
 * @free: call stack of the free.
 */
struct pool_track {
	u64 alloc_ns;
	pid_t alloc_pid;
	pid_t free_pid;
	unsigned int nr_alloc;
	unsigned int nr_free;
	unsigned long alloc[POOL_TRACK_ENTRIES];
	unsigned long free[POOL_TRACK_ENTRIES];
};

/**
 * struct pool_segment - blocks side by side, and what is kept of them
 * @base: first byte of the first block that is the user's. Invariant.
 * @inverse: see nebula_pool_index_of(). Invariant.
 * @stride: bytes from block to block. Invariant.
 * @blocks: how many there are. Invariant.
 * @rotate: see nebula_pool_index_of(). Invariant.
 * @depth_max: slots of a cache; 0 without caches. Invariant.
 * @nominal: blocks that are promised; the rest is slack. Invariant.
 * @state: of each block, NEBULA_POOL_* or POOL_DEFERRED. Whoever holds the block.
 * @cpus: caches and counters. Any context on its own CPU.
 * @loose: free blocks; the second with %NEBULA_FIFO only. Any context.
 * @generation: which of @loose to take from. Any context.
 * @depot: batches. Any context.
 * @mode: &enum pool_mode. Any context; leaves %POOL_OPEN only under @grow_lock.
 * @deferred: a bit for each block, set by free_rcu. Any context.
 * @maturing: those of @deferred whose grace period has begun. Whoever has @rcu_busy.
 * @tracks: debug flags: who allocated and freed each block. Whoever holds the block.
 * @region: memory of all this. Invariant.
 * @next: the next one. Published with release; lock: @grow_lock to change, RCU to walk.
 */
struct pool_segment {
	unsigned long base;
	unsigned long inverse;
	unsigned long stride;
	unsigned long blocks;
	u8 rotate;
	unsigned int depth_max;
	unsigned int nominal;
	u8 *state;
	struct nebula_pool_cpu __percpu *cpus;
	struct pool_loose loose[2];
	unsigned int generation;
	atomic_t mode;
	struct pool_depot depot;
	unsigned long *deferred;
	unsigned long *maturing;
	struct pool_track *tracks;
	struct nebula_region region;
	struct pool_segment *next;
};

/*
 * Bits of nebula_pool_heap.attention: why alloc and free have more to do out of line than to take
 * and put a loose block.
 */
#define POOL_DEBUG		BIT(0)
#define POOL_ZERO		BIT(1)
#define POOL_WAITING		BIT(2)
#define POOL_CACHED		BIT(3)
#define POOL_GROWS		BIT(4)
#define POOL_LARGE		BIT(5)
#define POOL_FIFO		BIT(6)
#define POOL_WATCHED		BIT(7)
#define POOL_CLEAR		BIT(8)

/* Bit numbers in nebula_pool_heap.wishes: what any context may ask for. */
#define POOL_WISH_GROW		0
#define POOL_WISH_WAKE		1
#define POOL_WISH_RCU		2

/**
 * struct pool_drain - a CPU that empties its own caches of a pool
 * @work: runs there.
 * @heap: the pool. Invariant.
 */
struct pool_drain {
	struct work_struct work;
	struct nebula_pool_heap *heap;
};

/**
 * struct nebula_pool_heap - a pool
 * @pool: what the client sees.
 * @primary: the blocks it was made with; the inline functions know no others.
 * @request: how to map a segment, all but its size. Invariant.
 * @ctor: constructor or NULL. Invariant.
 * @front: bytes before each block, %NEBULA_REDZONE. Invariant.
 * @back: least number of bytes behind each block, %NEBULA_REDZONE. Invariant.
 * @attention: POOL_DEBUG and so on. Any context; changed under @wait_lock.
 * @limit: blocks that a cache may hold now. As @attention.
 * @depth: blocks that a cache may hold while nobody waits. Lock: @wait_lock.
 * @max_blocks: with %NEBULA_GROW: blocks up to which it grows. Invariant.
 * @nominal: blocks of all segments that are promised. Lock: @grow_lock.
 * @blocks: blocks of all segments. Lock: @grow_lock.
 * @segments: how many there are. Lock: @grow_lock.
 * @grows: how often one was added. Lock: @grow_lock.
 * @resets: how often all blocks were given back at once. Whoever does that.
 * @peak: most blocks live at once, up to @nominal; with caches within the slack. Any context.
 * @spare: with caches: unclaimed blocks of depot and loose blocks, see pool_claim().
 *	Any context.
 * @pledged: without caches: blocks that bulk allocations under way have yet to take. Any context.
 * @target: blocks that a refused request needs the pool to have. Any context; the grow worker takes
 *	it back to 0.
 * @allocs_gone: allocations, and as many frees, that segments that went had counted. Lock:
 *	@grow_lock.
 * @withheld: blocks that were counted as allocated for a bulk allocation that has not succeeded,
 *	or did not. Any context.
 * @wishes: POOL_WISH_*. Any context.
 * @kick: takes wishes out of any context.
 * @grow_work: adds a segment.
 * @growing: runs of @grow_work that are queued or under way. Any context: work_busy() would take a
 *	lock.
 * @drains: with caches: empties those of a CPU, there. Any context queues it.
 * @grow_lock: one who adds, takes away, or empties caches at a time.
 * @wait_lock: the waiters.
 * @waiters: FIFO. Lock: @wait_lock.
 * @nr_waiters: entries of @waiters. Lock: @wait_lock.
 * @rcu: the grace period that is under way.
 * @rcu_busy: @rcu is in use. Any context.
 * @rcu_pending: blocks that wait for their grace period. Any context.
 * @rcu_used: a block was ever deferred. Any context.
 * @reserves: handles that hold blocks, or are being filled. Any context.
 * @sleepers: tasks inside alloc_wait, from before they join @waiters until they are done with the
 *	pool. Process context.
 */
struct nebula_pool_heap {
	struct nebula_pool pool;
	struct pool_segment primary;
	struct nebula_region_request request;
	void (*ctor)(void *block);
	size_t front;
	size_t back;
	unsigned long attention;
	unsigned long limit;
	unsigned int depth;
	unsigned int max_blocks;
	unsigned long nominal;
	unsigned long blocks;
	unsigned long segments;
	unsigned long grows;
	unsigned long resets;
	unsigned long peak;
	atomic_long_t spare;
	atomic_long_t pledged;
	unsigned long target;
	unsigned long allocs_gone;
	atomic_long_t withheld;
	unsigned long wishes;
	struct irq_work kick;
	struct work_struct grow_work;
	atomic_t growing;
	struct pool_drain __percpu *drains;
	struct mutex grow_lock;		/* one who adds or takes away at a time */
	raw_spinlock_t wait_lock;	/* the waiters */
	struct list_head waiters;
	unsigned int nr_waiters;
	struct rcu_head rcu;
	atomic_t rcu_busy;
	atomic_long_t rcu_pending;
	bool rcu_used;
	atomic_t reserves;
	atomic_t sleepers;
};

/**
 * struct pool_counts - what a pool has done
 * @allocs: blocks allocated.
 * @frees: blocks freed.
 */
struct pool_counts {
	unsigned long allocs;
	unsigned long frees;
};

static inline struct nebula_pool_heap *pool_heap(const struct nebula_pool *p)
{
	return container_of(p, struct nebula_pool_heap, pool);
}

/* A counter that contexts of this CPU share, NMIs too. */
#if NEBULA_NMI_SAFE
#define pool_count(pcp, n)	this_cpu_add(pcp, n)
#else
#define pool_count(pcp, n)	atomic_long_add(n, (atomic_long_t *)raw_cpu_ptr(&(pcp)))
#endif

static inline void *pool_block(const struct pool_segment *seg, unsigned long index)
{
	return (void *)(seg->base + index * seg->stride);
}

/* Index of a block of this segment, or something that is not below @seg->blocks. */
static inline unsigned long pool_index(const struct pool_segment *seg, const void *obj)
{
	return nebula_pool_index_of((unsigned long)obj - seg->base, seg->inverse, seg->rotate);
}

/* For all segments, with preemption off, under RCU or @grow_lock. Pairs with add_segment(). */
#define pool_for_each_segment(seg, heap)						\
	for ((seg) = (struct pool_segment *)&(heap)->primary; (seg);			\
	     (seg) = smp_load_acquire(&(seg)->next))	/* see above */

/* Blocks that are promised. Read before a search: it sees all of them. */
static inline unsigned long pool_nominal(const struct nebula_pool_heap *heap)
{
	return smp_load_acquire(&heap->nominal); /* see add_segment() */
}

/* A pool of @nominal blocks can grow by itself until @live of them may be in use. */
static inline bool pool_may_grow(const struct nebula_pool_heap *heap, unsigned long nominal,
				 unsigned long live)
{
	const unsigned long max = READ_ONCE(heap->max_blocks);
	const unsigned long slack = READ_ONCE(heap->blocks) - READ_ONCE(heap->nominal);

	return heap->pool.common.flags & NEBULA_GROW && nominal < max && live <= max + slack;
}

/* As nebula_pool_switch(); true when the state was @from. */
static inline bool pool_switch(struct pool_segment *seg, unsigned long index, u8 from, u8 to)
{
	if (unlikely(READ_ONCE(seg->state[index]) != from))
		return false;
	WRITE_ONCE(seg->state[index], to);
	return true;
}

/* Claims this CPU's cache, see pool_cache.c; false when the context that we interrupted has it. */
static inline bool pool_cache_claim(struct pool_segment *seg, unsigned long *count)
{
	if (!NEBULA_NMI_SAFE && in_nmi())
		return false;
	*count = this_cpu_read(seg->cpus->count);
	do {
		if (unlikely(*count & NEBULA_POOL_BUSY))
			return false;
	} while (!nebula_this_cpu_cas(seg->cpus->count, count, *count + NEBULA_POOL_BUSY));
	return true;
}

static inline void pool_cache_release(struct pool_segment *seg, unsigned long count)
{
	barrier();	/* The slots before the count, for contexts that interrupt this one. */
	raw_cpu_write(seg->cpus->count, count);
}

/*
 * @n blocks are about to leave this CPU for depot and loose blocks; preemption is off. No other CPU
 * can have one of them, and count it, yet.
 */
static inline void pool_count_leaving(struct nebula_pool_cpu __percpu *cpus, unsigned long n)
{
	pool_count(cpus->out, -(long)n);
}

/*
 * They were put, but for @dropped of them, which were there already. Counted only now that they can
 * be had: see find_block().
 */
static inline void pool_count_put(struct nebula_pool_cpu __percpu *cpus, unsigned long n,
				  unsigned long dropped)
{
	if (unlikely(dropped))
		pool_count(cpus->out, dropped);
	pool_count(cpus->returned, n - dropped);
}

/* @n blocks have come into the claimed cache. */
static inline void pool_count_filled(struct nebula_pool_cpu __percpu *cpus, unsigned long n)
{
	pool_count(cpus->filled, n);
	pool_count(cpus->out, n);
}

/* @live blocks were in use at once; slack is no part of the capacity. Any context. */
static inline void pool_raise_peak(struct nebula_pool_heap *heap, long live)
{
	nebula_peak_raise(&heap->peak, clamp(live, 0L, (long)READ_ONCE(heap->nominal)));
}

/* The pool hands out tickets, see pool_claim(). */
static inline bool pool_has_tickets(const struct nebula_pool_heap *heap)
{
	return heap->primary.depth_max;
}

/*
 * In a pool with caches, takes @n tickets, all or none: the right to as many blocks of depot and
 * loose blocks. A ticket is taken before its block, and given back after a block was put, so depot
 * and loose blocks never hold fewer blocks than there are tickets out and left. Any context.
 *
 * A cache is filled with tickets for a whole batch, some of which may come back unused; until then
 * they count as what that cache may hold. It is filled when it is empty and a block is about to be
 * handed out: all blocks without a ticket are live then, but for what other CPUs' caches hold, and
 * one more will be.
 */
static inline bool pool_claim(struct nebula_pool_heap *heap, unsigned long n)
{
	long spare = atomic_long_read(&heap->spare);

	do {
		if (spare < (long)n)
			return false;
	} while (!atomic_long_try_cmpxchg(&heap->spare, &spare, spare - (long)n));
	pool_raise_peak(heap, (long)READ_ONCE(heap->blocks) - spare + 1);
	return true;
}

/* Tickets come back: unused, or after @n blocks were put. Full barrier. Any context. */
static inline void pool_unclaim(struct nebula_pool_heap *heap, long n)
{
	atomic_long_add_return(n, &heap->spare);
}

/* More blocks are out by this CPU's doing than the peak was looked at for. Any context. */
static inline bool pool_peak_exceeded(struct nebula_pool_cpu __percpu *cpus)
{
	return raw_cpu_read(cpus->out) > raw_cpu_read(cpus->high);
}

/* pool.c */
void *pool_alloc_quietly(struct nebula_pool_heap *heap);
void *pool_alloc_claimed(struct nebula_pool_heap *heap);
bool pool_claim_bulk(struct nebula_pool_heap *heap, unsigned int n);
void pool_unclaim_bulk(struct nebula_pool_heap *heap, unsigned int n);
void *pool_alloc_exhausted(struct nebula_pool_heap *heap, enum nebula_detail detail,
			   const char *what, unsigned int n, unsigned long nominal);
void pool_wish_growth(struct nebula_pool_heap *heap, unsigned long target);
bool pool_must_fail(struct nebula_pool_heap *heap);
bool pool_is_inside(const struct nebula_pool_heap *heap, const void *obj);
struct pool_segment *pool_find(const struct nebula_pool_heap *heap, const void *obj,
			       unsigned long *index);
void *pool_dress(struct nebula_pool_heap *heap, void *obj);
bool pool_change_state(struct nebula_pool_heap *heap, struct pool_segment *seg,
		       unsigned long index, u8 to);
void pool_release(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned long index);
void pool_refuse(struct nebula_pool_heap *heap, const void *obj, const char *what);
void pool_wish(struct nebula_pool_heap *heap, unsigned int wish);
unsigned long pool_live(const struct nebula_pool_heap *heap);
void pool_count_all(const struct nebula_pool_heap *heap, struct pool_counts *sum);
void pool_reset_peak(struct nebula_pool_heap *heap);
void pool_look_at_peak(struct nebula_pool_heap *heap, struct pool_segment *seg);

/* pool_create.c */
void pool_retire(struct nebula_pool_heap *heap);
void pool_unmap(struct nebula_pool_heap *heap);

/* pool_segment.c */
int pool_segment_map(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned int blocks,
		     unsigned int depth, gfp_t gfp);
void pool_segment_unmap(struct pool_segment *seg);
void pool_grow_work(struct work_struct *work);
bool pool_grow_for(struct nebula_pool_heap *heap, unsigned int n, unsigned long nominal, int *err);
void pool_look_at_level(struct nebula_pool_heap *heap);
size_t pool_overhead(const struct nebula_pool_heap *heap);

/* pool_cache.c */
unsigned long pool_take(struct nebula_pool_heap *heap, struct pool_segment *seg);
void pool_put(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned long index);
void pool_put_direct(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned long index);
unsigned long pool_take_claimed(struct nebula_pool_heap *heap, struct pool_segment *seg);
unsigned int pool_cache_want(const struct pool_segment *seg);
unsigned int pool_cache_fill(struct nebula_pool_heap *heap, struct pool_segment *seg);
unsigned long pool_cache_flush(struct nebula_pool_heap *heap, struct pool_segment *seg,
			       unsigned long count);
void pool_stale(struct nebula_pool_heap *heap);
void *pool_replace(struct nebula_pool_heap *heap, struct pool_segment *seg);
void pool_drain_locked(struct nebula_pool_heap *heap);
void pool_drain(struct nebula_pool_heap *heap);
void pool_drain_dead(struct nebula_pool_heap *heap, unsigned int cpu);
void pool_drain_kick(struct nebula_pool_heap *heap);
int pool_drain_init(struct nebula_pool_heap *heap, gfp_t gfp);
void pool_drain_exit(struct nebula_pool_heap *heap);
void pool_set_limits(struct nebula_pool_heap *heap);
extern unsigned int nebula_pool_cache_depth;

/* pool_depot.c */
void pool_depot_init(struct pool_depot *d);
unsigned int pool_depot_fetch(struct pool_depot *d, u32 *slots);
bool pool_depot_store(struct pool_depot *d, const u32 *slots, unsigned int n);
unsigned long pool_depot_take(struct pool_depot *d);
void pool_depot_for_each(const struct pool_depot *d, void (*fn)(unsigned long index, void *data),
			 void *data);

/* pool_loose.c */
bool pool_loose_put(struct pool_loose *l, unsigned long index);
unsigned long pool_loose_take(struct pool_loose *l, unsigned long hint);
void pool_loose_emptied(struct pool_loose *l, unsigned long w);
void pool_loose_filled(struct pool_loose *l, unsigned long w);
unsigned int pool_loose_fetch(struct pool_loose *l, unsigned long *hint, u32 *slots);
void pool_loose_fill(struct pool_loose *l, unsigned long blocks);
unsigned long pool_loose_count(const struct pool_loose *l);

/* pool_wait.c */
bool pool_may_take(const struct nebula_pool_heap *heap, unsigned int n);
void pool_serve_waiters(struct nebula_pool_heap *heap);

/* pool_rcu.c */
void pool_rcu_start(struct nebula_pool_heap *heap);
bool pool_rcu_push(struct nebula_pool_heap *heap);
void pool_rcu_quiesce(struct nebula_pool_heap *heap);

/* pool_guard.c */
size_t pool_track_size(const struct nebula_pool_heap *heap);
void pool_guard_map(struct nebula_pool_heap *heap, struct pool_segment *seg);
void pool_guard_alloc(struct nebula_pool_heap *heap, struct pool_segment *seg,
		      unsigned long index);
void pool_guard_free(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned long index);
void pool_guard_note_free(struct pool_segment *seg, unsigned long index);
void pool_guard_report(struct nebula_pool_heap *heap, struct pool_segment *seg,
		       unsigned long index, enum nebula_errc code, const char *what);
const char *pool_guard_fault(const struct nebula_pool_heap *heap, const struct pool_segment *seg,
			     unsigned long index);

/* pool_bulk.c */

/**
 * enum pool_bulk - what became of a bulk allocation
 * @POOL_BULK_DONE: all blocks are there.
 * @POOL_BULK_SHORT: there are not as many; none was taken.
 * @POOL_BULK_FAILED: it was made to fail, which is recorded.
 */
enum pool_bulk {
	POOL_BULK_DONE,
	POOL_BULK_SHORT,
	POOL_BULK_FAILED,
};

enum pool_bulk pool_alloc_many(struct nebula_pool_heap *heap, unsigned int n, void **objs);
unsigned long pool_most(const struct nebula_pool_heap *heap);

/* pool_ops.c */
void pool_usage(const struct nebula_pool_heap *heap, unsigned long live, unsigned long nominal,
		struct nebula_usage *u);

/* pool_look.c */
void pool_report_leaks(struct nebula_pool_heap *heap);
struct nebula_sites *pool_sites(struct nebula_allocator *a);
void pool_render_live(struct nebula_allocator *a, struct nebula_text *t);
void pool_render_map(struct nebula_allocator *a, struct nebula_text *t);
void pool_render_validate(struct nebula_allocator *a, struct nebula_text *t);

#endif /* _NEBULA_MODULE_POOL_H */
