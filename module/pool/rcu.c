// SPDX-License-Identifier: GPL-2.0-only
/*
 * Freeing after a grace period, from any context, without memory for it in the block: readers may
 * still be using that.
 *
 * A block that is deferred has its bit set in the deferred bits of its word, and a word with such
 * bits is in a list. So the work of a grace period depends on the words that have deferred blocks,
 * not on the size of the pool, and blocks of a word are freed with one operation. There are bits
 * and a list for each of two phases: while one takes blocks, the other waits for its grace period.
 *
 *	free_rcu	phase = rcu_phase; set the bit; first of the word: add to the list, kick
 *	irq_work	not busy, list not empty: busy; rcu_phase = the other; call_rcu
 *	callback	take the list of the old phase; free its blocks; not busy; smp_mb(); list
 *			of the new phase not empty: kick
 *
 *  1. free_rcu runs with preemption off from the read of the phase to its end, so those that read
 *     the old phase are through when the grace period ends: all their bits are in the list then,
 *     and no more come.
 *  2. Such a block was unlinked by its caller before the phase was read, thus before the phase
 *     changed and the grace period began (full barriers on both sides): no reader that began
 *     later can have found it.
 *  3. No kick is lost: free_rcu adds to the list (a full barrier) and kicks; if that is in vain
 *     because busy is set, the callback clears busy and looks at the list after it.
 *  4. NMI between any two steps: it works on bits and lists by atomic operations only; the list is
 *     taken as a whole, so there is no ABA. A word whose bits become non-zero adds itself, and only
 *     after it was taken out of the list its bits are exchanged for 0: it is in one list at most
 *     once.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include "../compat.h"
#include "../error/error.h"
#include "hooks.h"
#include "priv.h"

/* Words that the callback frees itself; the rest is left to a worker. */
#define IN_CALLBACK	8U

/* The grace period of these blocks is over. Preemption is off. */
static void free_word(struct nebula_pool_heap *heap, struct pool_defer *d, u64 bits)
{
	struct pool_group *group = d->group;
	const unsigned int first = d->word * POOL_WORD_BLOCKS;
	u64 rest;

	for (rest = bits; rest; rest &= rest - 1) {
		const unsigned int i = first + __ffs64(rest);
		const unsigned int with = group->state[i] - POOL_DEFERRED;
		void *obj = (void *)(group->base + i * group->seg->stride);

		if (with)
			heap->destructors[with - 1](obj);
		WRITE_ONCE(group->state[i], NEBULA_POOL_FREE);
		if (unlikely(READ_ONCE(heap->slow_reasons) &
			     (POOL_DEBUG | POOL_WATCHED | POOL_CLEAR | POOL_KASAN)))
			pool_before_put(heap, obj);
	}
	pool_put_word(heap, group, d->word, bits);
	pool_after_put(heap, hweight64(bits));
}

/* Frees up to @n words of the phase that is over; true when that was all. Any context but NMI. */
static bool free_words(struct nebula_pool_heap *heap, unsigned int n)
{
	const unsigned int phase = !heap->rcu_phase;

	while (heap->rcu_rest && n--) {
		struct pool_defer *d = llist_entry(heap->rcu_rest, struct pool_defer, node[phase]);

		/* Once its bits are gone the word may be in the list again. */
		heap->rcu_rest = heap->rcu_rest->next;
		preempt_disable();
		free_word(heap, d, atomic64_xchg(&d->bits[phase], 0));
		preempt_enable();
	}
	return !heap->rcu_rest;
}

static void end_phase(struct nebula_pool_heap *heap)
{
	atomic_set_release(&heap->rcu_busy, 0);
	smp_mb();	/* See 3 above. */
	if (!llist_empty(&heap->deferred[0]) || !llist_empty(&heap->deferred[1]))
		pool_wish(heap, POOL_WISH_RCU);
}

static void free_rest(struct work_struct *work)
{
	struct nebula_pool_heap *heap = container_of(work, struct nebula_pool_heap, rcu_work);

	while (!free_words(heap, IN_CALLBACK))
		cond_resched();
	end_phase(heap);
}

static void grace_period_ended(struct rcu_head *head)
{
	struct nebula_pool_heap *heap = container_of(head, struct nebula_pool_heap, rcu);

	heap->rcu_rest = llist_del_all(&heap->deferred[!heap->rcu_phase]);
	if (free_words(heap, IN_CALLBACK))
		end_phase(heap);
	else
		queue_work(compat_unbound_wq, &heap->rcu_work);
}

/* From the irq_work. */
void pool_rcu_start(struct nebula_pool_heap *heap)
{
	if (atomic_xchg(&heap->rcu_busy, 1))
		return;
	if (llist_empty(&heap->deferred[heap->rcu_phase])) {
		end_phase(heap);
		return;
	}
	smp_mb();	/* See 2 above. */
	WRITE_ONCE(heap->rcu_phase, !heap->rcu_phase);
	smp_mb();	/* Likewise. */
	call_rcu(&heap->rcu, grace_period_ended);
}

void pool_rcu_init(struct nebula_pool_heap *heap)
{
	init_llist_head(&heap->deferred[0]);
	init_llist_head(&heap->deferred[1]);
	INIT_WORK(&heap->rcu_work, free_rest);
}

/* A live block that has become a deferred one. Preemption is off. */
static void defer(struct nebula_pool_heap *heap, struct pool_segment *seg, unsigned long index)
{
	struct pool_defer *d = &seg->defer[index / POOL_WORD_BLOCKS];
	const u64 bit = BIT_ULL(index % POOL_WORD_BLOCKS);
	unsigned int phase;

	WRITE_ONCE(heap->rcu_used, true);
	smp_mb();	/* See 2 above: what the caller did is before the phase. */
	phase = READ_ONCE(heap->rcu_phase);
	if (!atomic64_fetch_or(bit, &d->bits[phase]) &&
	    llist_add(&d->node[phase], &heap->deferred[phase]))
		pool_wish(heap, POOL_WISH_RCU);
}

static void free_deferred(struct nebula_pool_heap *heap, void *obj, u8 state, const char *what)
{
	struct pool_segment *seg;
	unsigned long index;

	preempt_disable();
	seg = pool_find_object(heap, &obj, &index, state != POOL_DEFERRED);
	if (IS_ERR(seg)) {
		preempt_enable();
		return;
	}
	if (seg && pool_change_state(heap, &seg->state[index], state)) {
		if (seg->tracks)
			pool_guard_note_free(seg, index);
		defer(heap, seg, index);
	} else {
		pool_refuse(heap, obj, what);
	}
	preempt_enable();
}

void nebula_pool_free_rcu(struct nebula_pool *p, void *obj)
{
	if (!ZERO_OR_NULL_PTR(obj))
		free_deferred(pool_heap(p), obj, POOL_DEFERRED, "free_rcu");
}
EXPORT_SYMBOL_GPL(nebula_pool_free_rcu);

/* State of a deferred block with this destructor; 0 when the pool has too many others. */
static u8 state_with(struct nebula_pool_heap *heap, void (*destructor)(void *obj))
{
	unsigned int i;

	for (i = 0; i < POOL_DESTRUCTORS; i++) {
		void (*known)(void *obj) = READ_ONCE(heap->destructors[i]);

		if (!known)
			known = cmpxchg(&heap->destructors[i], NULL, destructor) ?: destructor;
		if (known == destructor)
			return POOL_DEFERRED + 1 + i;
	}
	return 0;
}

void nebula_pool_free_rcu_cb(struct nebula_pool *p, void *obj, void (*destructor)(void *obj))
{
	u8 state = POOL_DEFERRED;

	if (ZERO_OR_NULL_PTR(obj))
		return;
	if (destructor)
		state = state_with(pool_heap(p), destructor);
	if (likely(state))
		free_deferred(pool_heap(p), obj, state, "free_rcu_cb");
	else
		nebula_fail(&p->common, NEBULA_E_EXCEEDS_MAX, .pointer = obj,
			    .what = "free_rcu_cb", .value = POOL_DESTRUCTORS + 1,
			    .limit = POOL_DESTRUCTORS, .detail = NEBULA_D_ABOVE_LIMIT);
}
EXPORT_SYMBOL_GPL(nebula_pool_free_rcu_cb);

/* Has the rest of what was deferred wait for a grace period; false: there is none. Any context. */
bool pool_rcu_push(struct nebula_pool_heap *heap)
{
	if (llist_empty(&heap->deferred[0]) && llist_empty(&heap->deferred[1]) &&
	    !atomic_read(&heap->rcu_busy))
		return false;
	pool_wish(heap, POOL_WISH_RCU);
	return true;
}

/* Waits until nothing is deferred; no context defers any more. Process context; sleeps. */
void pool_rcu_quiesce(struct nebula_pool_heap *heap)
{
	if (!READ_ONCE(heap->rcu_used))
		return;
	while (pool_rcu_push(heap)) {
		irq_work_sync(&heap->kick);
		rcu_barrier();
		flush_work(&heap->rcu_work);
	}
	/* The callback and the worker may not have returned yet. */
	rcu_barrier();
	flush_work(&heap->rcu_work);
}

/* Wait until all blocks given to free_rcu before are free. Process context; sleeps. */
void nebula_pool_rcu_flush(struct nebula_pool *p)
{
	pool_rcu_quiesce(pool_heap(p));
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_pool_rcu_flush);
