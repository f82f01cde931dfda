// SPDX-License-Identifier: GPL-2.0-only
/*
 * Per-CPU caches of a pool: who may touch them when, and how blocks move between them and the
 * depot. Everything here runs with preemption off, in any context.
 *
 * A cache is an array of indices and a count. One of its CPU's contexts at a time works on it: it
 * claims the cache by exchanging the count for the same with NEBULA_POOL_BUSY, with one unlocked
 * instruction, and releases it by writing the new count. The inline functions in <nebula/pool.h>
 * follow the same protocol.
 *
 *	count = this_cpu_read(count)
 *	this_cpu_cmpxchg(count, count, count + BUSY)	claims
 *	read or write slots, states			ours alone
 *	barrier()
 *	this_cpu_write(count, new)			releases
 *
 *  - Interrupts and NMIs, nested to any depth: one that comes before the claim may change the
 *    count; then the claim fails, or it finds the count as it was and with it nothing that we know
 *    of the slots, which are read only after the claim: there is no ABA. One that comes between
 *    claim and release sees BUSY and does not touch the cache: it allocates from the depot or the
 *    loose blocks, and frees to the loose blocks, which work for any number of contexts. It does
 *    not wait, and it finishes before we go on. So the known hazard of per-CPU arrays - a nested
 *    push between taking a slot and filling it - cannot occur: nobody pushes while BUSY.
 *  - Preemption and migration: off from before the claim to after the release. The count may be
 *    read before that, on another CPU: the claim is made of whatever count is found there.
 *  - Other CPUs never touch a cache while its CPU is online. A dead CPU's is emptied by the
 *    hotplug callback, and by whoever drains, with hotplug locked out. Statistics read counts
 *    racily.
 *  - Ordering: within a CPU program order is enough, hence barrier(). Indices reach other CPUs by
 *    way of the depot or the loose blocks, whose exchanges are full barriers; so a block's state is
 *    written before the block can be had elsewhere.
 *  - Where per-CPU operations are not NMI-safe, an NMI never claims.
 *  - PREEMPT_RT: nothing sleeps, nothing takes a lock.
 *
 * Never a false "exhausted": caches hold no more than the slack that was mapped on top of the
 * blocks promised. So while fewer than those are live, depot and loose blocks are not both empty;
 * pool.c sees to it that they are looked at as of one moment.
 *
 * Two racing frees of one block: each looks at the state and writes it with plain instructions, so
 * on two CPUs within a few instructions both may find the block live; its index is then in two
 * places. Indices are copied by value, so nothing else is harmed. When the block is handed out
 * from one of them and is still live as the other is reached, the state tells, the second entry is
 * dropped and DOUBLE_FREE recorded. The one interleaving left is that both entries are reached in
 * the same few instructions on two CPUs, so that both find the block free: then it has two users. A
 * locked instruction at each free would exclude it, at 20 cycles for every free there is, against a
 * fault that takes two mistakes within nanoseconds. Debug pools have that instruction. In a strict
 * pool the second of two racing frees meets the bit of the first and is recorded; it is not when a
 * third CPU is handed the block between the two.
 */
#include <linux/cpu.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/workqueue.h>
#include "compat.h"
#include "pool.h"

unsigned int nebula_pool_cache_depth = 64;
module_param_named(cache_depth, nebula_pool_cache_depth, uint, 0644);
MODULE_PARM_DESC(cache_depth, "blocks that the cache of a CPU holds in a new pool (default 64)");

/*
 * Drains run here. Callers that reclaim memory may wait for them: a drain asks for none, and the
 * rescuer runs it when there is no memory for another worker.
 */
static struct workqueue_struct *drain_wq;

int __init nebula_pool_init(void)
{
	drain_wq = alloc_workqueue("nebula_drain", COMPAT_WQ_PERCPU | WQ_MEM_RECLAIM, 0);
	return drain_wq ? 0 : -ENOMEM;
}

void nebula_pool_exit(void)
{
	destroy_workqueue(drain_wq);
}

/* A block is free in two places, or somebody has it: it was freed twice at once. */
noinline __cold void pool_stale(struct nebula_pool_heap *heap)
{
	nebula_fail(&heap->pool.common, NEBULA_E_DOUBLE_FREE, .size = heap->pool.block_size,
		    .detail = NEBULA_D_RACED, .what = "free");
}

/*
 * Drops an entry of depot or loose blocks whose block is live: its second free was counted as it
 * came there. The entry goes, and with it a ticket, which may be one that another context has yet
 * to use. (One that is dropped from a cache makes up for its second free by being counted no more.)
 */
static noinline __cold void drop_entry(struct nebula_pool_heap *heap, struct pool_segment *seg)
{
	pool_count(seg->cpus->filled, 1);
	pool_count(seg->cpus->out, 1);
	if (pool_has_tickets(heap))
		pool_unclaim(heap, -1);
	pool_stale(heap);
}

static unsigned long take_loose(struct pool_segment *seg)
{
	unsigned int generation = READ_ONCE(seg->generation);
	unsigned long index;

	index = pool_loose_take(&seg->loose[generation], raw_cpu_read(seg->cpus->hint));
	if (likely(index != POOL_NONE)) {
		raw_cpu_write(seg->cpus->hint, index / BITS_PER_LONG);
		return index;
	}
	if (!seg->loose[!generation].words)
		return POOL_NONE;
	/* NEBULA_FIFO: all of the older generation are in use, so it is the younger one's turn. */
	index = pool_loose_take(&seg->loose[!generation], 0);
	if (index != POOL_NONE)
		WRITE_ONCE(seg->generation, !generation);
	return index;
}

/*
 * A block past the cache; POOL_NONE when there is none in depot and loose blocks of this segment.
 * Uses up a pledge if @pledged.
 */
static unsigned long take_block(struct nebula_pool_heap *heap, struct pool_segment *seg,
				bool pledged)
{
	unsigned long index;

	for (;;) {
		index = seg->depot.nr ? pool_depot_take(&seg->depot) : POOL_NONE;
		if (index == POOL_NONE)
			index = take_loose(seg);
		if (index == POOL_NONE)
			return POOL_NONE;
		if (likely(pool_switch(seg, index, NEBULA_POOL_FREE, NEBULA_POOL_LIVE)))
			break;
		drop_entry(heap, seg);
	}
	/* Not both pledged and out: a bulk allocation that interrupts would be refused for it. */
	if (pledged)
		atomic_long_dec(&heap->pledged);
	pool_count(seg->cpus->out, 1);
	if (!pool_has_tickets(heap) && unlikely(pool_peak_exceeded(seg->cpus)))
		pool_look_at_peak(heap, seg);
	return index;
}

/* The same for one that has a ticket or a pledge, which the block uses up. */
unsigned long pool_take_claimed(struct nebula_pool_heap *heap, struct pool_segment *seg)
{
	return take_block(heap, seg, !pool_has_tickets(heap));
}

/* The same for one that has none yet. */
static unsigned long take_direct(struct nebula_pool_heap *heap, struct pool_segment *seg)
{
	unsigned long index;

	if (!pool_has_tickets(heap))
		return take_block(heap, seg, false);
	if (!pool_claim(heap, 1))
		return POOL_NONE;
	index = take_block(heap, seg, false);
	if (unlikely(index == POOL_NONE))
		pool_unclaim(heap, 1);
	return index;
}

/* Tickets that it takes to fill a cache: for as many blocks as there can be in a batch. */
unsigned int pool_cache_want(const struct pool_segment *seg)
{
	return max_t(unsigned int, seg->depot.batch, POOL_LOOSE_BATCH);
}

/* Fills a claimed, empty cache with a batch, for pool_cache_want() tickets: how many it took. */
unsigned int pool_cache_fill(struct nebula_pool_heap *heap, struct pool_segment *seg)
{
	struct nebula_pool_cpu *pc = this_cpu_ptr(seg->cpus);
	unsigned int n;

	n = pool_depot_fetch(&seg->depot, pc->slots);
	if (!n)
		n = pool_loose_fetch(&seg->loose[0], &pc->hint, pc->slots);
	pool_count_filled(seg->cpus, n);
	if (unlikely(heap->pool.common.flags & NEBULA_GROW))
		pool_look_at_level(heap);
	return n;
}

/* The same for one that has no tickets yet: with few of them left there is nothing for a cache. */
static unsigned long refill(struct nebula_pool_heap *heap, struct pool_segment *seg)
{
	const unsigned int want = pool_cache_want(seg);
	unsigned int n;

	if (!READ_ONCE(heap->limit) || !pool_claim(heap, want))
		return 0;
	n = pool_cache_fill(heap, seg);
	if (n < want)
		pool_unclaim(heap, want - n);
	return n;
}

/* A block of a segment, in state live; POOL_NONE when there is none but in other CPUs' caches. */
unsigned long pool_take(struct nebula_pool_heap *heap, struct pool_segment *seg)
{
	struct nebula_pool_cpu *pc;
	unsigned long count, index;

	if (!seg->depth_max || !pool_cache_claim(seg, &count))
		return take_direct(heap, seg);
	if (!count)
		count = refill(heap, seg);
	pc = this_cpu_ptr(seg->cpus);
	while (count) {
		index = pc->slots[--count];
		if (likely(pool_switch(seg, index, NEBULA_POOL_FREE, NEBULA_POOL_LIVE))) {
			nebula_count(pc->allocs, 1);
			pool_cache_release(seg, count);
			return index;
		}
		pool_stale(heap);
	}
	pool_cache_release(seg, 0);
	return take_direct(heap, seg);
}

/*
 * Another block for one that was counted as handed out from the claimed cache, but is not free;
 * NULL when there is none.
 */
void *pool_replace(struct nebula_pool_heap *heap, struct pool_segment *seg)
{
	raw_cpu_dec(seg->cpus->allocs);
	pool_stale(heap);
	return pool_alloc_quietly(heap);
}

/**
 * nebula_pool_alloc_stale() - nebula_pool_alloc() met a block that is not free
 * @p: the pool; this CPU's cache is claimed and preemption is off.
 *
 * Context: any.
 * Return: as nebula_pool_alloc().
 */
void *nebula_pool_alloc_stale(struct nebula_pool *p)
{
	struct pool_segment *seg = &pool_heap(p)->primary;
	unsigned long count = raw_cpu_read(seg->cpus->count) - NEBULA_POOL_BUSY - 1;

	pool_stale(pool_heap(p));
	pool_cache_release(seg, count);
	preempt_enable();
	return nebula_pool_alloc_outline(p);
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_stale);

static bool put_loose(struct pool_segment *seg, unsigned long index)
{
	unsigned int younger = seg->loose[1].words ? !READ_ONCE(seg->generation) : 0;

	return pool_loose_put(&seg->loose[younger], index);
}

/* Puts a free block where everyone finds it. */
void pool_put_direct(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned long index)
{
	pool_count_leaving(seg->cpus, 1);
	if (unlikely(!put_loose(seg, index))) {
		pool_count_put(seg->cpus, 1, 1);
		pool_stale(heap);
		return;
	}
	pool_count_put(seg->cpus, 1, 0);
	if (pool_has_tickets(heap))
		pool_unclaim(heap, 1);
	/* Each of these was a full barrier: it pairs with that in pool_wait.c. */
	if (unlikely(READ_ONCE(heap->attention) & POOL_WAITING))
		pool_wish(heap, POOL_WISH_WAKE);
}

/* Makes @n blocks out of a cache loose: how many were not already. */
static unsigned int put_all_loose(struct nebula_pool_heap *heap, struct pool_segment *seg,
				  const u32 *slots, unsigned int n)
{
	unsigned int put = 0;

	while (n--) {
		if (likely(pool_loose_put(&seg->loose[0], *slots++)))
			put++;
		else
			pool_stale(heap);
	}
	return put;
}

/* Takes a batch of blocks out of a claimed cache: how many are left. */
unsigned long pool_cache_flush(struct nebula_pool_heap *heap, struct pool_segment *seg,
			       unsigned long count)
{
	struct nebula_pool_cpu *pc = this_cpu_ptr(seg->cpus);
	unsigned int n = min_t(unsigned long, count, seg->depot.batch), put = n;
	const u32 *from = pc->slots + count - n;

	pool_count_leaving(seg->cpus, n);
	/* There is no empty batch while many hold few blocks. */
	if (unlikely(!pool_depot_store(&seg->depot, from, n)))
		put = put_all_loose(heap, seg, from, n);
	pool_count_put(seg->cpus, n, n - put);
	pool_unclaim(heap, put);
	return count - n;
}

/* Puts a block whose state is free already. */
void pool_put(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned long index)
{
	unsigned long limit = min_t(unsigned long, READ_ONCE(heap->limit), seg->depth_max), count;

	if (!limit || atomic_read(&seg->mode) != POOL_OPEN || !pool_cache_claim(seg, &count)) {
		pool_put_direct(heap, seg, index);
		return;
	}
	if (count >= limit)
		count = pool_cache_flush(heap, seg, count);
	raw_cpu_write(seg->cpus->slots[count], index);
	pool_cache_release(seg, count + 1);
}

static void drain_here(struct nebula_pool_heap *heap)
{
	struct pool_segment *seg;
	unsigned long count;
	unsigned int put;

	preempt_disable();
	pool_for_each_segment(seg, heap) {
		/* This is a task, so it has interrupted nothing that works on the cache. */
		if (!pool_cache_claim(seg, &count))
			continue;
		pool_count_leaving(seg->cpus, count);
		put = put_all_loose(heap, seg, this_cpu_ptr(seg->cpus)->slots, count);
		pool_count_put(seg->cpus, count, count - put);
		pool_unclaim(heap, put);
		pool_cache_release(seg, 0);
	}
	preempt_enable();
}

/* A waiter does not wait for the drains of other CPUs. */
static void drain_work(struct work_struct *work)
{
	struct nebula_pool_heap *heap = container_of(work, struct pool_drain, work)->heap;

	drain_here(heap);
	if (READ_ONCE(heap->attention) & POOL_WAITING)
		pool_serve_waiters(heap);
}

int pool_drain_init(struct nebula_pool_heap *heap, gfp_t gfp)
{
	struct pool_drain *d;
	int cpu;

	if (!heap->primary.depth_max)
		return 0;
	heap->drains = nebula_fault_hit() ? NULL : alloc_percpu_gfp(struct pool_drain, gfp);
	if (!heap->drains)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		d = per_cpu_ptr(heap->drains, cpu);
		d->heap = heap;
		INIT_WORK(&d->work, drain_work);
	}
	return 0;
}

/* No drain runs any more. Process context; sleeps. */
void pool_drain_exit(struct nebula_pool_heap *heap)
{
	int cpu;

	if (!heap->drains)
		return;
	for_each_possible_cpu(cpu)
		cancel_work_sync(&per_cpu_ptr(heap->drains, cpu)->work);
	free_percpu(heap->drains);
	heap->drains = NULL;
}

/*
 * Makes every CPU empty its caches, without waiting for any. A CPU that goes offline leaves its
 * caches to pool_drain_dead(); one that comes online has nothing in them.
 */
void pool_drain_kick(struct nebula_pool_heap *heap)
{
	unsigned int cpu;

	if (!heap->drains)
		return;
	for_each_online_cpu(cpu)
		queue_work_on(cpu, drain_wq, &per_cpu_ptr(heap->drains, cpu)->work);
}

/* The caches of a CPU that is offline and stays so during the call. */
void pool_drain_dead(struct nebula_pool_heap *heap, unsigned int cpu)
{
	struct nebula_pool_cpu *pc;
	struct pool_segment *seg;
	unsigned long count;
	unsigned int put;

	rcu_read_lock();
	pool_for_each_segment(seg, heap) {
		pc = per_cpu_ptr(seg->cpus, cpu);
		count = READ_ONCE(pc->count);
		WRITE_ONCE(pc->out, pc->out - (long)count);
		put = put_all_loose(heap, seg, pc->slots, count);
		WRITE_ONCE(pc->out, pc->out + (long)(count - put));
		WRITE_ONCE(pc->returned, pc->returned + put);
		if (put)
			pool_unclaim(heap, put);
		WRITE_ONCE(pc->count, 0);
	}
	rcu_read_unlock();
	if (READ_ONCE(heap->attention) & POOL_WAITING)
		pool_wish(heap, POOL_WISH_WAKE);
}

/*
 * Empties the caches of all CPUs. Afterwards every context has seen what the caller wrote before,
 * for example that the limit is 0. Process context with CPU hotplug locked; sleeps.
 */
void pool_drain_locked(struct nebula_pool_heap *heap)
{
	unsigned int cpu;

	if (!heap->drains)
		return;
	pool_drain_kick(heap);
	for_each_online_cpu(cpu)
		flush_work(&per_cpu_ptr(heap->drains, cpu)->work);
}

/* The same without that. */
void pool_drain(struct nebula_pool_heap *heap)
{
	cpus_read_lock();
	pool_drain_locked(heap);
	cpus_read_unlock();
}

/*
 * Derives the limits from the depth and from whether somebody waits, or watches. Without anything
 * in the caches, and without a limit that they may be filled to, all comes out of line. Lock:
 * @wait_lock.
 */
void pool_set_limits(struct nebula_pool_heap *heap)
{
	const bool waiting = heap->nr_waiters;
	const bool watched = nebula_is_diverted(&heap->pool.common);
	const bool outline = heap->attention & (POOL_DEBUG | POOL_ZERO | POOL_CLEAR);
	unsigned long attention = heap->attention & ~(POOL_WAITING | POOL_WATCHED);
	unsigned long limit = waiting || watched ? 0 : heap->depth;

	lockdep_assert_held(&heap->wait_lock);
	if (waiting)
		attention |= POOL_WAITING;
	if (watched)
		attention |= POOL_WATCHED;
	WRITE_ONCE(heap->attention, attention);
	WRITE_ONCE(heap->limit, limit);
	WRITE_ONCE(heap->pool.limit, outline ? 0 : limit);
}

/**
 * nebula_pool_set_cache_depth() - change how many blocks the cache of a CPU may hold
 * @p: the pool.
 * @depth: blocks; 0 for no caching.
 *
 * Context: process context; sleeps.
 * Return: 0; -EINVAL (INVALID_CONFIG) for more than the pool was made for; -EPERM (WRONG_CONTEXT).
 */
int nebula_pool_set_cache_depth(struct nebula_pool *p, unsigned int depth)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	unsigned long flags;

	if (nebula_atomic_context())
		return nebula_fail(&p->common, NEBULA_E_WRONG_CONTEXT, .what = "cache_depth");
	if (depth > heap->primary.depth_max)
		return nebula_fail(&p->common, NEBULA_E_INVALID_CONFIG, .what = "cache_depth",
				   .detail = NEBULA_D_ABOVE_LIMIT, .value = depth,
				   .limit = heap->primary.depth_max);
	raw_spin_lock_irqsave(&heap->wait_lock, flags);
	heap->depth = depth;
	pool_set_limits(heap);
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
	/* What is in the caches may be more than they shall hold now. */
	pool_drain(heap);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_pool_set_cache_depth);
