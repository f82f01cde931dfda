// SPDX-License-Identifier: GPL-2.0-only
/*
 * Magazines: the free blocks of a CPU. Any context unless said otherwise, preemption off.
 *
 * A magazine is an array of slots {block, its state byte} above a sentinel whose state is never
 * free, and the address of the newest. A context claims it, works on it, and unclaims it, all with
 * plain instructions; the inline functions in <nebula/pool.h> follow the same protocol.
 *
 *	busy? -> another way		1
 *	busy = 1			2
 *	top, slots, states		3  ours alone
 *	busy = 0			4
 *
 *  1. Interrupts and NMIs, nested to any depth. One between 1 and 2 runs to its end before we go
 *     on: it leaves busy 0 and the magazine in order. It may have changed top and slots, which we
 *     read only after 2. One between 2 and 4 sees busy and touches neither: it takes and puts
 *     single blocks in the shared bitmaps, which any number of contexts may do at once. Nothing
 *     waits. So the known hazard of per-CPU arrays, a nested push between taking a slot and filling
 *     it, cannot occur, and there is no ABA: nothing is compared with an older value of itself.
 *  2. Preemption and migration are off from before 1 to after 4.
 *  3. Within a CPU program order suffices: barrier(), on arm64 and riscv64 as on x86, and no
 *     per-CPU atomic. Blocks reach other CPUs by the bitmaps, whose exchanges are full barriers.
 *  4. PREEMPT_RT: no lock is taken and nothing sleeps on the way of an alloc or a free.
 *  5. Pools that come out of line, for good or for a while, show the inline functions pool_closed:
 *     a magazine that is claimed for ever. So what the inline functions claimed is always the real
 *     one. A strict pool with nothing else to do shows the real ones in heap->strict.
 *  6. Another CPU empties a magazine only while nothing works on it: its CPU is offline; or
 *     slow_reasons has had a bit of POOL_SHARED_ONLY, and pool->cpus and heap->strict been closed,
 *     for a whole RCU grace period. Every user reads one of the three with preemption off, so all
 *     that had read them before are through. What the emptier wrote is ordered before the bit is
 *     cleared (release) and seen by the next user (acquire, or address dependency on pool->cpus).
 *
 * Never a false "exhausted". A pool has N promised blocks plus slack. A slot is filled only if it
 * was drawn on the budget, of which there is as much as there is slack: all magazines together hold
 * at most the slack, also while one is filled or emptied, since its CPU is busy then and adds
 * nothing. So while fewer than N blocks are live the bitmaps are not empty. CPUs draw when they
 * first need slots and give back when their share has become smaller, when they go offline and when
 * they are drained; possible CPUs that never came cost a cache line.
 *
 * Two racing frees of one block: each reads the state and writes it with plain instructions, so on
 * two CPUs within a few instructions both may find the block live; then there are two entries.
 * Whichever is popped second finds the block live, is dropped and recorded as DOUBLE_FREE; when
 * both are flushed the second finds its bit set. The one interleaving left is that both entries are
 * popped on two CPUs within the same few instructions, and both find the block free: then it has
 * two users. A locked instruction at each free would exclude it, at 20 cycles for every free there
 * is, against a fault that takes two mistakes within nanoseconds. Debug pools have it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/kstrtox.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../core/fastpath.h"
#include "../core/inject.h"
#include "../error/error.h"
#include "hooks.h"
#include "priv.h"

/* Part of a full magazine that a flush moves: a client that swings by the rest meets no flush. */
#define FLUSH_PART	5

/* What each CPU may draw however many there are, budget permitting. */
#define SHARE_MIN	16U

#define SLOT_SIZE	sizeof(struct nebula_pool_slot)

unsigned int nebula_pool_cache_depth = 127;

static int set_cache_depth(const char *val, const struct kernel_param *kp)
{
	unsigned int depth;
	int ret = kstrtouint(val, 0, &depth);

	if (ret) {
		pr_err("cache_depth=%s: write a number of blocks, 0 to %u\n", val,
		       NEBULA_POOL_DEPTH_MAX);
		return ret;
	}
	if (depth > NEBULA_POOL_DEPTH_MAX) {
		pr_warn("cache_depth=%u: a CPU holds at most %u blocks, so %u it is\n", depth,
			NEBULA_POOL_DEPTH_MAX, NEBULA_POOL_DEPTH_MAX);
		depth = NEBULA_POOL_DEPTH_MAX;
	}
	WRITE_ONCE(nebula_pool_cache_depth, depth);
	return 0;
}

static const struct kernel_param_ops cache_depth_ops = {
	.set = set_cache_depth,
	.get = param_get_uint,
};

module_param_cb(cache_depth, &cache_depth_ops, &nebula_pool_cache_depth, 0644);
MODULE_PARM_DESC(cache_depth, "blocks that the magazine of a CPU holds in a new pool, 0 to 256 (default 127)");

static u8 never_free = POOL_NEVER;
static struct nebula_pool_slot sentinel = { NULL, &never_free };

/* Claimed for ever. */
static DEFINE_PER_CPU_ALIGNED(struct nebula_pool_cpu, closed) = { .busy = 1 };

struct nebula_pool_cpu __percpu *const pool_closed = &closed;

/* A block is free in two places, or it is live: it was freed twice at once. */
noinline __cold void pool_stale(struct nebula_pool_heap *heap)
{
	/* Both frees gave it back. */
	if (heap->slow_reasons & POOL_STRICT)
		atomic_long_inc(&heap->taken);
	nebula_fail(&heap->pool.common, NEBULA_E_DOUBLE_FREE, .size = heap->pool.block_size,
		    .detail = NEBULA_D_RACED, .what = "free");
}

/* Slots that the CPU may draw as things are. */
static unsigned int cap_of(const struct nebula_pool_heap *heap, const struct nebula_pool_cpu *pc)
{
	return min3(READ_ONCE(heap->depth), READ_ONCE(heap->share), READ_ONCE(pc->room));
}

static unsigned int count_of(const struct nebula_pool_cpu *pc)
{
	return (pc->top - pc->bottom) / SLOT_SIZE;
}

static void set_drawn(struct nebula_pool_cpu *pc, unsigned int n)
{
	pc->drawn = n;
	WRITE_ONCE(pc->limit, pc->bottom + n * SLOT_SIZE);
}

/* Draws on the budget, or gives back what is above the CPU's share. Claimed. */
static void balance(struct nebula_pool_heap *heap, struct nebula_pool_cpu *pc)
{
	unsigned int cap = cap_of(heap, pc);

	if (likely(pc->drawn == cap))
		return;
	if (pc->drawn > cap) {
		cap = max(cap, count_of(pc));
		if (pc->drawn > cap) {
			unsigned int over = pc->drawn - cap;

			set_drawn(pc, cap);
			atomic_long_add(over, &heap->budget);
		}
		return;
	}
	if (unlikely(pc->bottom == (unsigned long)&sentinel)) {
		/* Pairs with pool_magazine_prepare(). */
		unsigned long slots = (unsigned long)smp_load_acquire(&pc->slots);

		if (unlikely(!slots))
			return;
		WRITE_ONCE(pc->bottom, slots);
		WRITE_ONCE(pc->top, slots);
	}
	set_drawn(pc, pc->drawn + pool_take_tickets(&heap->budget,
						    min_t(u32, cap - pc->drawn, POOL_REFILL)));
}

/* The peak as seen from the bitmaps, and whether it is time to grow. */
static void note_taken(struct nebula_pool_heap *heap, unsigned int unused)
{
	const long avail = atomic_long_read(&heap->avail);

	if (!(heap->slow_reasons & POOL_STRICT))
		pool_note_peak(heap, (long)READ_ONCE(heap->blocks) - avail - unused);
	if (unlikely(avail < READ_ONCE(heap->low_water)))
		pool_wish(heap, POOL_WISH_GROW);
}

/* Fills a claimed, empty magazine; false when there is no block for it, or no slot. */
noinline bool pool_refill(struct nebula_pool_heap *heap, struct nebula_pool_cpu *pc)
{
	unsigned int n;

	balance(heap, pc);
	n = pool_take_tickets(&heap->avail, min_t(u32, pc->drawn, POOL_REFILL));
	if (!n)
		return false;
	/* All but one of them are not live yet. */
	note_taken(heap, n - 1);
	n = pool_collect(heap, n, (struct nebula_pool_slot *)pc->bottom + 1, NULL);
	WRITE_ONCE(pc->top, pc->bottom + n * SLOT_SIZE);
	return n;
}

/* The oldest part of a claimed magazine goes back. */
static noinline void flush(struct nebula_pool_heap *heap, struct nebula_pool_cpu *pc)
{
	struct nebula_pool_slot *first = (struct nebula_pool_slot *)pc->bottom + 1;
	unsigned int cap = cap_of(heap, pc), count = count_of(pc);
	unsigned int n = DIV_ROUND_UP(count, FLUSH_PART);

	if (unlikely(count > cap))
		n = max(n, count - cap);
	pool_put_slots(heap, first, n);
	memmove(first, first + n, (count - n) * SLOT_SIZE);
	WRITE_ONCE(pc->top, pc->bottom + (count - n) * SLOT_SIZE);
	balance(heap, pc);
}

/* Makes room in a claimed, full magazine; false when this CPU may not fill any slot. */
noinline bool pool_make_room(struct nebula_pool_heap *heap, struct nebula_pool_cpu *pc)
{
	balance(heap, pc);
	if (pc->top >= pc->limit && pc->drawn)
		flush(heap, pc);
	return pc->top < pc->limit;
}

/* A block past the magazines, live; NULL when there is none. */
void *pool_take_direct(struct nebula_pool_heap *heap)
{
	void *obj;

	do {
		if (!pool_take_all(&heap->avail, 1))
			return NULL;
	} while (unlikely(!pool_collect(heap, 1, NULL, &obj)));
	atomic_long_inc(&heap->direct_allocs);
	note_taken(heap, 0);
	return obj;
}

/* A block by way of the claimed magazine; NULL when there is none. */
void *pool_take_claimed(struct nebula_pool_heap *heap)
{
	struct nebula_pool_cpu *pc = raw_cpu_ptr(heap->cpus);
	const struct nebula_pool_slot *slot;

	for (;;) {
		if (pc->top == pc->bottom && !pool_refill(heap, pc))
			return pool_take_direct(heap);
		slot = (const struct nebula_pool_slot *)pc->top;
		WRITE_ONCE(pc->top, pc->top - SLOT_SIZE);
		if (likely(pool_switch(slot->state, NEBULA_POOL_FREE, NEBULA_POOL_LIVE)))
			break;
		pool_stale(heap);
	}
	nebula_count(pc->allocs, 1);
	return slot->obj;
}

/* A block from wherever there is one, live; NULL when there is none but in other magazines. */
void *pool_take(struct nebula_pool_heap *heap)
{
	void *obj;

	if (!pool_has_magazines(heap) || !pool_claim(heap->cpus))
		return pool_take_direct(heap);
	obj = pool_take_claimed(heap);
	nebula_pool_unclaim(heap->cpus);
	return obj;
}

/* Puts a block whose state is free past the magazines. */
void pool_put_direct(struct nebula_pool_heap *heap, void *obj, u8 *state)
{
	const struct nebula_pool_slot slot = { obj, state };

	pool_put_slots(heap, &slot, 1);
}

/* Puts a block whose state is free. */
void pool_put(struct nebula_pool_heap *heap, void *obj, u8 *state)
{
	struct nebula_pool_cpu *pc = raw_cpu_ptr(heap->cpus);
	bool room;

	if (!pool_has_magazines(heap) || !pool_claim(heap->cpus)) {
		pool_put_direct(heap, obj, state);
		return;
	}
	room = likely(pc->top < pc->limit) || pool_make_room(heap, pc);
	if (likely(room)) {
		struct nebula_pool_slot *top = (struct nebula_pool_slot *)pc->top;

		top[1] = (struct nebula_pool_slot){ obj, state };
		WRITE_ONCE(pc->top, pc->top + SLOT_SIZE);
	}
	nebula_pool_unclaim(heap->cpus);
	if (unlikely(!room))
		pool_put_direct(heap, obj, state);
}

/* Gives a CPU that has none a magazine; it begins to use it by itself. May sleep as @gfp says. */
int pool_magazine_prepare(struct nebula_pool_heap *heap, unsigned int cpu, gfp_t gfp)
{
	struct nebula_pool_cpu *pc = per_cpu_ptr(heap->cpus, cpu);
	struct nebula_pool_slot *slots;

	if (!heap->depth_max || READ_ONCE(pc->slots))
		return 0;
	slots = nebula_fault_hit() ? NULL
		: kmalloc_node((heap->depth_max + 1) * SLOT_SIZE, gfp | __GFP_NOWARN,
			       cpu_to_node(cpu));
	if (!slots)
		return -ENOMEM;
	slots[0] = sentinel;
	/* Two may prepare at once: create and the hotplug callback. */
	if (cmpxchg_release(&pc->slots, NULL, slots))
		kfree(slots);
	else
		WRITE_ONCE(pc->room, heap->depth_max);
	return 0;
}

/* One for each CPU that is online; the others get theirs when they come. Process context. */
int pool_magazines_create(struct nebula_pool_heap *heap, gfp_t gfp)
{
	int cpu, err = 0;

	heap->cpus = nebula_fault_hit() ? NULL
		: __alloc_percpu_gfp(sizeof(struct nebula_pool_cpu), 64, gfp);
	if (!heap->cpus)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct nebula_pool_cpu *pc = per_cpu_ptr(heap->cpus, cpu);

		pc->bottom = (unsigned long)&sentinel;
		pc->top = pc->bottom;
		pc->limit = pc->bottom;
	}
	for_each_online_cpu(cpu)
		err = err ?: pool_magazine_prepare(heap, cpu, gfp);
	return err;
}

/* Process context; no other call on the pool is running. */
void pool_magazines_destroy(struct nebula_pool_heap *heap)
{
	int cpu;

	if (!heap->cpus)
		return;
	for_each_possible_cpu(cpu)
		kfree(per_cpu_ptr(heap->cpus, cpu)->slots);
	free_percpu(heap->cpus);
}

/* Empties the magazine of a CPU, see 6 above. Lock: @wait_lock. */
void pool_magazine_empty_locked(struct nebula_pool_heap *heap, unsigned int cpu)
{
	struct nebula_pool_cpu *pc = per_cpu_ptr(heap->cpus, cpu);

	if (!pc->drawn)
		return;
	pool_put_slots(heap, (struct nebula_pool_slot *)pc->bottom + 1, count_of(pc));
	WRITE_ONCE(pc->top, pc->bottom);
	atomic_long_add(pc->drawn, &heap->budget);
	set_drawn(pc, 0);
}

/* The same. Any context but NMI. */
void pool_magazine_empty(struct nebula_pool_heap *heap, unsigned int cpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&heap->wait_lock, flags);
	pool_magazine_empty_locked(heap, cpu);
	raw_spin_unlock_irqrestore(&heap->wait_lock, flags);
}

/* The slack has changed, or there are or will be so many CPUs. Any context. */
void pool_set_share(struct nebula_pool_heap *heap, unsigned int cpus)
{
	WRITE_ONCE(heap->share,
		   max_t(unsigned long, SHARE_MIN, READ_ONCE(heap->slack) / cpus));
}

/*
 * Derives slow_reasons and the magazines that the inline functions see from what is going on. Lock:
 * @wait_lock.
 */
void pool_set_paths(struct nebula_pool_heap *heap)
{
	const bool alone = heap->slow_reasons & POOL_SHARED_ONLY;
	unsigned long slow_reasons = heap->slow_reasons & POOL_FIXED;

	lockdep_assert_held(&heap->wait_lock);
	if (heap->nr_waiters)
		slow_reasons |= POOL_WAITING;
	if (heap->drains)
		slow_reasons |= POOL_DRAINING;
	if (nebula_fastpath_disabled(&heap->pool.common))
		slow_reasons |= POOL_WATCHED;
	if (!alone && slow_reasons & POOL_SHARED_ONLY)
		heap->quiet++;
	/* Pairs with pool_has_magazines(). */
	smp_store_release(&heap->slow_reasons, slow_reasons);
	/* Pairs with nebula_pool_alloc_busy() and nebula_pool_free_busy(). */
	smp_store_release(&heap->strict, slow_reasons == POOL_STRICT ? heap->cpus : pool_closed);
	/* Pairs with the address dependency of the inline functions. */
	smp_store_release(&heap->pool.cpus, slow_reasons ? pool_closed : heap->cpus);
}

/*
 * Empties all magazines and keeps them empty until pool_drain_end(): all is taken from and put in
 * the bitmaps. Process context; sleeps. Lock: @grow_lock.
 */
void pool_drain_begin(struct nebula_pool_heap *heap)
{
	int cpu;

	raw_spin_lock_irq(&heap->wait_lock);
	heap->drains++;
	pool_set_paths(heap);
	raw_spin_unlock_irq(&heap->wait_lock);
	synchronize_rcu();
	for_each_possible_cpu(cpu)
		pool_magazine_empty(heap, cpu);
}

void pool_drain_end(struct nebula_pool_heap *heap)
{
	raw_spin_lock_irq(&heap->wait_lock);
	heap->drains--;
	pool_set_paths(heap);
	raw_spin_unlock_irq(&heap->wait_lock);
}

/* Do the inline functions serve? Any context. Returns true; false while all comes out of line. */
bool nebula_pool_is_inline(const struct nebula_pool *p)
{
	return READ_ONCE(p->cpus) != pool_closed;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_pool_is_inline);

/* How many blocks lie in a magazine. Any context. Returns blocks. */
unsigned int nebula_pool_cached(const struct nebula_pool *p, unsigned int cpu)
{
	return pool_cached(per_cpu_ptr(pool_heap(p)->cpus, cpu));
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_pool_cached);
