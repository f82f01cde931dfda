/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to the pool: what its files know of each other.
 *
 *	kind.c      configuration, create, the operations of the kind: on top of all others
 *	destroy.c   taking a pool down, at once or after a grace period
 *	inspect.c   validate, map, live: what debugfs shows
 *	wait.c      sleeping until blocks come back
 *	rcu.c       freeing after a grace period
 *	reserve.c   blocks put aside, adaptors for mempool
 *	bulk.c      many blocks at once
 *	pool.c      alloc and free out of line
 *	shrink.c    giving back what the pool grew by
 *	grow.c      growing
 *	segment.c   regions of blocks and the table that finds them
 *	guard.c     debug flags
 *	magazine.c  the magazine of a CPU: claim, refill, flush, budget, draining
 *	bitmap.c    the shared side: tickets, free bitmaps
 *	stats.c     counts and peaks
 *
 * Where a free block is:
 *
 *	magazine of a CPU  <---- no atomic operation ---->  alloc, free
 *	     | ^
 *	     v |  up to 64 blocks, a locked operation for each word of 64
 *	free bitmap of a group, 64 words  <-- one by one -->  nested contexts, debug pools, waiters
 */
#ifndef _NEBULA_MODULE_POOL_PRIV_H
#define _NEBULA_MODULE_POOL_PRIV_H

#include <linux/cache.h>
#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <nebula/bulk.h>
#include <nebula/pool.h>
#include "../core/allocator.h"
#include "../core/kasan.h"
#include "../core/later.h"
#include "../core/region.h"
#include "../core/text.h"

/* Words of a group, and blocks of a word and of a group. */
#define POOL_GROUP_WORDS	64
#define POOL_WORD_BLOCKS	64
#define POOL_GROUP_BLOCKS	4096

/* Most blocks that one refill moves. */
#define POOL_REFILL		64

/* Destructors of a pool. */
#define POOL_DESTRUCTORS	15

/*
 * States of a block beside those in <nebula/pool.h>: deferred without a destructor, and from there
 * on with the first one, the second and so on.
 */
#define POOL_DEFERRED		0x01
#define POOL_NEVER		0xff

struct pool_segment;

/* Blocks of a word that wait for a grace period, see rcu.c. Any context. */
struct pool_defer {
	atomic64_t bits[2];		/* of each phase */
	struct llist_node node[2];	/* in the list of the phase while @bits of it are set */
	struct pool_group *group;	/* invariant */
	unsigned int word;		/* within the group; invariant */
};

/* Up to 4096 blocks of a segment, see bitmap.c. */
struct pool_group {
	atomic_long_t avail;		/* bits that no group ticket was taken for; any context */
	atomic64_t *words;		/* a bit for each free block in no magazine; any context */
	atomic64_t *younger;		/* NEBULA_FIFO: those freed in this generation */
	u32 nr_words;			/* invariant */
	u32 swapped;			/* @words and @younger have changed roles; any context */
	u8 *state;			/* of the first block; the context that holds the block */
	unsigned long base;		/* of the first block; invariant */
	struct pool_segment *seg;	/* invariant */
} ____cacheline_aligned;

#define POOL_TRACK_ENTRIES	6

/* The contexts that had a block: call stacks innermost first. The context that holds the block. */
struct pool_track {
	u64 alloc_ns;			/* local_clock() */
	pid_t alloc_pid;
	pid_t free_pid;
	unsigned int nr_alloc;
	unsigned int nr_free;
	unsigned long alloc[POOL_TRACK_ENTRIES];
	unsigned long free[POOL_TRACK_ENTRIES];
};

/* Blocks side by side, and what is kept of them. Invariant, but for what the pointers point to. */
struct pool_segment {
	unsigned long base;		/* first byte of the first block that is the user's */
	unsigned long inverse;		/* see nebula_pool_index_of() */
	unsigned long stride;		/* bytes from block to block */
	unsigned long blocks;
	u8 rotate;			/* as @inverse */
	unsigned int nominal;		/* blocks that are promised; the rest is slack */
	unsigned int nr_groups;
	struct pool_group *groups;	/* 4096 blocks each, but for the last */
	u8 *state;			/* NEBULA_POOL_*, POOL_DEFERRED; the holder of the block */
	struct pool_defer *defer;	/* of each word */
	struct pool_track *tracks;	/* NEBULA_TRACK: of each block */
	u32 *sizes;			/* NEBULA_REDZONE: of the object in each block, or 0 */
	struct nebula_region region;	/* memory of all this */
	bool by_itself;			/* the pool grew by it without having been asked to */
	struct list_head gone;		/* to be unmapped; lock: grow_lock */
};

/* All segments of a pool, replaced as a whole. */
struct pool_table {
	struct nebula_later later;	/* frees it */
	unsigned long nr;		/* segments */
	unsigned long size;		/* entries of @start, a power of two */
	unsigned long nr_groups;	/* of all segments */
	struct pool_segment **seg;	/* by address */
	struct pool_group **groups;	/* of all segments */
	unsigned long start[];		/* base of each of @seg, then ULONG_MAX */
};

/*
 * Bits of nebula_pool_heap.slow_reasons: why the inline functions do not serve. With one of
 * POOL_SHARED_ONLY no context works on the magazines.
 */
#define POOL_STRICT		BIT(0)
#define POOL_ZERO		BIT(1)
#define POOL_WATCHED		BIT(2)
#define POOL_DEBUG		BIT(3)
#define POOL_FIFO		BIT(4)
#define POOL_WAITING		BIT(5)
#define POOL_DRAINING		BIT(6)
#define POOL_CLEAR		BIT(7)
#define POOL_KASAN		BIT(8)
#define POOL_SHARED_ONLY	(POOL_DEBUG | POOL_FIFO | POOL_WAITING | POOL_DRAINING)
#define POOL_FIXED		(POOL_STRICT | POOL_ZERO | POOL_DEBUG | POOL_FIFO |	\
				 POOL_CLEAR | POOL_KASAN)

/* Bit numbers in nebula_pool_heap.wishes: what any context may ask for. */
#define POOL_WISH_GROW		0
#define POOL_WISH_WAKE		1
#define POOL_WISH_RCU		2
#define POOL_WISH_TRIM		3
#define POOL_LEAVING		4	/* no wish: destroy_rcu was called, see destroy.c */

/* A pool. Where no lock is named: any context. */
struct nebula_pool_heap {
	struct nebula_pool pool;		/* what the client sees */
	struct nebula_pool_cpu __percpu *cpus;	/* magazines, see magazine.c */
	unsigned long slow_reasons;		/* POOL_STRICT etc.; lock to change: wait_lock */
	struct pool_table __rcu *table;		/* preemption off; lock to replace: wait_lock */
	struct pool_segment *primary;		/* what it was made with; invariant */
	long low_water;				/* fewer free blocks than this: grow; wait_lock */
	unsigned int depth;			/* most blocks of a magazine; lock: grow_lock */
	unsigned int share;			/* likewise, so that all CPUs get some */

	/* Counts of tickets, see bitmap.c. */
	atomic_long_t avail ____cacheline_aligned;	/* the root */
	atomic_long_t taken ____cacheline_aligned;	/* NEBULA_STRICT: of the N promised */
	long noted;				/* @taken up to this is no news, see stats.c */
	unsigned long peak;
	/* @cpus while a strict pool has nothing else to do, or pool_closed; lock: wait_lock. */
	struct nebula_pool_cpu __percpu *strict;
	atomic_long_t budget ____cacheline_aligned;	/* slack that no magazine has drawn */
	atomic_long_t direct_allocs;		/* allocations past the magazines */

	struct nebula_region_request request;	/* of segments, all but the size */
	void (*ctor)(void *block, void *data);
	void *ctor_data;
	void (*destructors[POOL_DESTRUCTORS])(void *block);	/* see rcu.c; any context */
	size_t front;				/* NEBULA_REDZONE: bytes before each block */
	size_t back;				/* bytes behind it, at least, for KASAN too */
	unsigned int depth_max;			/* slots of a magazine; invariant, as these */

	/* It is also for draining. Never taken by alloc or free that may not sleep. */
	struct mutex grow_lock;			/* one who maps, takes away or drains at a time */
	unsigned int max_blocks;		/* with NEBULA_GROW; lock: grow_lock */

	/* Lock: wait_lock. */
	unsigned long nominal;			/* blocks promised */
	unsigned long blocks;			/* blocks of all segments */
	unsigned long slack;			/* blocks less nominal */
	unsigned long by_itself;		/* blocks that it was not asked to grow by */
	unsigned long grows;

	/* See shrink.c. */
	struct list_head of_all;		/* lock: pools_lock */
	struct delayed_work trim_work;
	bool was_surplus;			/* at the end of the last period; lock: grow_lock */
	bool pressed;				/* the kernel is short of memory; any context */

	unsigned long resets;			/* the caller of reset */
	unsigned long missing;			/* most blocks that a refused request wanted */
	unsigned long wishes;			/* POOL_WISH_* */
	bool growing;				/* the grow worker runs */
	struct irq_work kick;			/* takes wishes out of any context */
	struct work_struct grow_work;
	atomic_t reserves;			/* handles in use */
	atomic_t sleepers;			/* tasks inside alloc_wait */

	/* Lock: wait_lock; it is also for magazines of other CPUs. Never taken by alloc or free. */
	raw_spinlock_t wait_lock;		/* also slow_reasons, counts, magazines of others */
	struct list_head waiters;		/* FIFO */
	unsigned int nr_waiters;
	unsigned long wanted;			/* blocks, by all of them */
	unsigned int drains;			/* calls that need magazines left alone */
	unsigned long quiet;			/* how often they began to be left alone */
	struct rcu_head wait_rcu;		/* then waiters have the magazines emptied */
	unsigned long wait_quiet;		/* @quiet when that began */
	bool wait_pending;			/* it is under way */

	/* See rcu.c. */
	struct rcu_head rcu;			/* the grace period under way */
	atomic_t rcu_busy;			/* it, or rcu_work, is */
	unsigned int rcu_phase;			/* of @deferred that takes blocks */
	bool rcu_used;				/* a block was ever deferred */
	struct llist_head deferred[2];		/* words, by phase */
	struct llist_node *rcu_rest;		/* words whose grace period is over */
	struct work_struct rcu_work;		/* frees many of them */

	struct nebula_later leaving;		/* see destroy.c */
};

/* A pool as of one moment: blocks promised, blocks that may be live, and whether it may grow. */
struct pool_size {
	unsigned long nominal;
	unsigned long most;
	bool may_grow;
};

static inline struct nebula_pool_heap *pool_heap(const struct nebula_pool *p)
{
	return container_of(p, struct nebula_pool_heap, pool);
}

static inline struct nebula_pool_heap *pool_heap_of(const struct nebula_allocator *a)
{
	return container_of(a, struct nebula_pool_heap, pool.common);
}

/* The segments; valid while preemption is off. */
static inline struct pool_table *pool_table(const struct nebula_pool_heap *heap)
{
	return rcu_dereference_check(heap->table, !preemptible());
}

/* KASAN is told of blocks, but not while they are free: readers under RCU may go on. */
static inline bool pool_readable(const struct nebula_pool_heap *heap)
{
	return (heap->pool.common.flags & (NEBULA_KASAN | NEBULA_TYPESAFE_BY_RCU)) ==
	       (NEBULA_KASAN | NEBULA_TYPESAFE_BY_RCU);
}

static inline void *pool_block(const struct pool_segment *seg, unsigned long index)
{
	return (void *)(seg->base + index * seg->stride);
}

/* Blocks of group @g of a segment. */
static inline unsigned long pool_blocks_of(const struct pool_segment *seg, unsigned long g)
{
	return min(seg->blocks - g * POOL_GROUP_BLOCKS, (unsigned long)POOL_GROUP_BLOCKS);
}

/* Index of a block of this segment, or something that is not below @seg->blocks. */
static inline unsigned long pool_index(const struct pool_segment *seg, const void *obj)
{
	return nebula_pool_index_of((unsigned long)obj - seg->base, seg->inverse, seg->rotate);
}

/*
 * Number in the table of the segment that would hold @addr: of the last that starts at or below it,
 * or of the first. Each step is a compare and a conditional add, no branch.
 */
static inline unsigned long pool_segment_index(const struct pool_table *tab, unsigned long addr)
{
	unsigned long i = 0, half;

	for (half = tab->size >> 1; half; half >>= 1)
		i += addr >= tab->start[i + half] ? half : 0;
	return i;
}

static inline struct pool_segment *pool_segment_of(const struct pool_table *tab,
						   unsigned long addr)
{
	return tab->seg[pool_segment_index(tab, addr)];
}

/* All segments; those that come from growth in place during that may be left out. @grow_lock. */
#define pool_for_each_segment(seg, heap)						\
	for ((seg) = pool_segment_after(heap, NULL); (seg);				\
	     (seg) = pool_segment_after(heap, seg))

/* As nebula_pool_switch(); true when the state was @from. */
static inline bool pool_switch(u8 *state, u8 from, u8 to)
{
	if (unlikely(READ_ONCE(*state) != from))
		return false;
	WRITE_ONCE(*state, to);
	return true;
}

static inline bool pool_claim(struct nebula_pool_cpu __percpu *cpus)
{
	nebula_pool_claim(cpus, claimed);
	return true;

claimed:
	return false;
}

/* May the magazines be used? Preemption stays off until the caller is done with them. */
static inline bool pool_has_magazines(const struct nebula_pool_heap *heap)
{
	/* Pairs with pool_set_paths(): magazines are as the one who drained them left them. */
	return !(smp_load_acquire(&heap->slow_reasons) & POOL_SHARED_ONLY);
}

static inline unsigned long pool_cached(const struct nebula_pool_cpu *pc)
{
	unsigned long bytes = READ_ONCE(pc->top) - READ_ONCE(pc->bottom);

	/* The CPU may be adopting its magazine. */
	return bytes <= NEBULA_POOL_DEPTH_MAX * sizeof(struct nebula_pool_slot)
		? bytes / sizeof(struct nebula_pool_slot) : 0;
}

/* bitmap.c */
unsigned long pool_take_tickets(atomic_long_t *count, unsigned long n);
bool pool_take_all(atomic_long_t *count, unsigned long n);
unsigned int pool_collect(struct nebula_pool_heap *heap, unsigned int n,
			  struct nebula_pool_slot *slots, void **objs);
void pool_put_word(struct nebula_pool_heap *heap, struct pool_group *group, unsigned int word,
		   u64 mask);
void pool_put_slots(struct nebula_pool_heap *heap, const struct nebula_pool_slot *slots,
		    unsigned int n);
bool pool_collect_live(struct nebula_pool_heap *heap, unsigned int n, void **objs);
void pool_give_tickets(struct nebula_pool_heap *heap, unsigned long n);

/* magazine.c */
extern unsigned int nebula_pool_cache_depth;
extern struct nebula_pool_cpu __percpu *const pool_closed;
bool pool_refill(struct nebula_pool_heap *heap, struct nebula_pool_cpu *pc);
bool pool_make_room(struct nebula_pool_heap *heap, struct nebula_pool_cpu *pc);
void *pool_take_claimed(struct nebula_pool_heap *heap);
void *pool_take_direct(struct nebula_pool_heap *heap);
void *pool_take(struct nebula_pool_heap *heap);
void pool_put(struct nebula_pool_heap *heap, void *obj, u8 *state);
void pool_put_direct(struct nebula_pool_heap *heap, void *obj, u8 *state);
void pool_stale(struct nebula_pool_heap *heap);
int pool_magazines_create(struct nebula_pool_heap *heap, gfp_t gfp);
int pool_magazine_prepare(struct nebula_pool_heap *heap, unsigned int cpu, gfp_t gfp);
void pool_magazines_destroy(struct nebula_pool_heap *heap);
void pool_magazine_empty_locked(struct nebula_pool_heap *heap, unsigned int cpu);
void pool_magazine_empty(struct nebula_pool_heap *heap, unsigned int cpu);
void pool_set_share(struct nebula_pool_heap *heap, unsigned int cpus);
void pool_set_paths(struct nebula_pool_heap *heap);
void pool_drain_begin(struct nebula_pool_heap *heap);
void pool_drain_end(struct nebula_pool_heap *heap);

/* bulk.c */
bool pool_exceeds(const struct nebula_pool_heap *heap, unsigned int n);
bool pool_alloc_reserve(struct nebula_pool_heap *heap, unsigned int n, void **objs);

/* pool.c */
void pool_wish(struct nebula_pool_heap *heap, unsigned int wish);
struct pool_size pool_size(const struct nebula_pool_heap *heap);
void *pool_exhausted(struct nebula_pool_heap *heap, enum nebula_detail detail, const char *what,
		     unsigned int n, struct pool_size size);
bool pool_grow_now(struct nebula_pool_heap *heap, unsigned int n, gfp_t gfp);
bool pool_must_fail(struct nebula_pool_heap *heap);
struct pool_segment *pool_find(const struct nebula_pool_heap *heap, const void *obj,
			       unsigned long *index);
struct pool_segment *pool_find_object(struct nebula_pool_heap *heap, void **obj,
				      unsigned long *index, bool copy);
unsigned long pool_number(const struct nebula_pool_heap *heap, const struct pool_segment *seg,
			  unsigned long index);
bool pool_is_inside(const struct nebula_pool_heap *heap, const void *obj);
void pool_finish(struct nebula_pool_heap *heap, void *obj, size_t size);
bool pool_change_state(struct nebula_pool_heap *heap, u8 *state, u8 to);
void pool_free_slow(struct nebula_pool_heap *heap, void *obj);
void pool_before_put(struct nebula_pool_heap *heap, void *obj);
void pool_after_put(struct nebula_pool_heap *heap, unsigned long n);
void pool_refuse(struct nebula_pool_heap *heap, const void *obj, const char *what);

/* segment.c */
struct pool_segment *pool_segment_create(struct nebula_pool_heap *heap, unsigned int blocks,
					 unsigned long slack, gfp_t gfp, int *err);
void pool_segment_destroy(struct pool_segment *seg);
bool pool_segment_add_nolock(struct nebula_pool_heap *heap, unsigned int blocks);
struct pool_segment *pool_segment_after(const struct nebula_pool_heap *heap,
					const struct pool_segment *seg);
int pool_table_replace(struct nebula_pool_heap *heap, struct pool_segment *add,
		       struct pool_segment *remove, gfp_t gfp);
unsigned long pool_blocks_in(const struct nebula_pool_heap *heap, size_t bytes);
u64 pool_bytes_for(const struct nebula_pool_heap *heap, u64 blocks);
unsigned long pool_slack_for(const struct nebula_pool_heap *heap, unsigned long nominal);
size_t pool_overhead(const struct nebula_pool_heap *heap);

/* grow.c */
void pool_grow_work(struct work_struct *work);
int pool_grow_for(struct nebula_pool_heap *heap, unsigned int n, gfp_t gfp);
bool pool_grow_in_place(struct nebula_pool_heap *heap, unsigned int n, gfp_t gfp);
int pool_grow_portions(struct nebula_pool_heap *heap, unsigned long blocks, gfp_t gfp);
void pool_count_in(struct nebula_pool_heap *heap, const struct pool_segment *seg);
void pool_account(struct nebula_pool_heap *heap, const struct pool_segment *seg, int sign);

/* shrink.c */
void pool_trim_begin(struct nebula_pool_heap *heap);
void pool_trim_end(struct nebula_pool_heap *heap);
void pool_trim_arm(struct nebula_pool_heap *heap);

/* wait.c */
bool pool_may_take(const struct nebula_pool_heap *heap, unsigned int n);
bool pool_tickets_for(struct nebula_pool_heap *heap, unsigned int n);
void pool_serve_waiters(struct nebula_pool_heap *heap);

/* rcu.c */
void pool_rcu_init(struct nebula_pool_heap *heap);
void pool_rcu_start(struct nebula_pool_heap *heap);
bool pool_rcu_push(struct nebula_pool_heap *heap);
void pool_rcu_quiesce(struct nebula_pool_heap *heap);

/* destroy.c */
void pool_heap_free(struct nebula_pool_heap *heap);
void pool_retire(struct nebula_pool_heap *heap);

/* stats.c */
unsigned long pool_live(const struct nebula_pool_heap *heap);
void pool_note_peak(struct nebula_pool_heap *heap, long live);
bool pool_take_promised(struct nebula_pool_heap *heap, unsigned long n);
void pool_usage(const struct nebula_allocator *a, struct nebula_usage *u);
void pool_stats(const struct nebula_allocator *a, struct nebula_stats *st);
void pool_reset_peak(struct nebula_allocator *a);

/* guard.c */
size_t pool_track_size(const struct nebula_pool_heap *heap);
void pool_guard_map(struct nebula_pool_heap *heap, struct pool_segment *seg, gfp_t gfp);
void pool_guard_alloc(struct nebula_pool_heap *heap, struct pool_segment *seg,
		      unsigned long index, size_t size);
void pool_guard_free(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned long index);
void pool_guard_note_free(struct pool_segment *seg, unsigned long index);
void pool_guard_report(struct nebula_pool_heap *heap, struct pool_segment *seg,
		       unsigned long index, enum nebula_errc code, const char *what);
const char *pool_guard_fault(const struct nebula_pool_heap *heap, const struct pool_segment *seg,
			     unsigned long index);

/* inspect.c */
void pool_report_leaks(struct nebula_pool_heap *heap);
struct nebula_sites *pool_sites(struct nebula_allocator *a);
void pool_render_live(struct nebula_allocator *a, struct nebula_text *t);
void pool_render_map(struct nebula_allocator *a, struct nebula_text *t);
int pool_validate(struct nebula_allocator *a, struct nebula_text *t);

#endif /* _NEBULA_MODULE_POOL_PRIV_H */
