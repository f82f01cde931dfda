// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared mode of the bump allocator: any number of CPUs, in task, softirq, hardirq and NMI
 * context. No lock on the allocation path; growth and reset take a raw one.
 *
 * Each CPU bumps inside a sub-chunk of its own. Sub-chunks are a power of two in size and aligned
 * to it, so one per-CPU word describes what a CPU has: the address of the next byte to hand out. An
 * allocation stays inside the sub-chunk iff the bits above its size do not change. The last grain
 * of a sub-chunk is never handed out, so the word of a full one does not point to its neighbour.
 *
 *	cur = this_cpu_read(word)		on CPU A
 *	next = cur + size, same sub-chunk?
 *	this_cpu_cmpxchg(word, cur, next)	on CPU B, if the task has migrated
 *
 * Claim: when the exchange succeeds, the bytes from @cur to @next belong to this caller alone.
 *
 *  1. The task migrates between the read and the exchange. The exchange compares with the word of
 *     CPU B. Sub-chunks are disjoint, so that word differs from @cur, and the exchange fails. The
 *     value that several words may have, NEBULA_BUMP_CPU_NONE, fails the check before.
 *  2. An interrupt or NMI allocates between the read and the exchange. It moves the word, the
 *     exchange fails and the caller starts over. The interrupting context has finished by then, so
 *     no context ever waits for another.
 *  3. The word has the value @cur again (ABA). Within a sub-chunk it only rises, or falls back to
 *     the start of the newest object when that shrinks, whose bytes are free then. The same
 *     sub-chunk is handed out a second time only after a reset, and the caller of reset sees to it
 *     that no allocation is in flight.
 *  4. Another CPU writes the word. Only two writers do that: reset, see case 3, and the takeover
 *     from a dead CPU, on which no code runs. Both hold @chain_lock.
 *  5. Ordering. Allocation needs none for the word, which its own CPU alone reads and writes. A
 *     region reaches other CPUs through @next and @active: published with release, read with
 *     acquire, in nebula_chunk_read().
 *  6. A region goes away during a walk. Only reset drops regions, and they are unmapped after a
 *     grace period. Walks run under RCU or with preemption off.
 *
 * The region itself is one 64-bit word, so that taking from it is one compare-and-exchange:
 *
 *	base                                                     end
 *	 | sub-chunk | sub-chunk |    free    | object | object |
 *	 bits 0-31: sub-chunks taken           bits 32-63: grains taken
 *
 * Objects too large for a sub-chunk come from the top, and so does everything when no whole
 * sub-chunk is left. When an object does not fit in the rest of a CPU's sub-chunk, that rest is
 * lost until reset and counted as padding.
 */
#include <linux/debug_locks.h>
#include <linux/irq_work.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "../compat.h"
#include "../core/context.h"
#include "../core/guard_page.h"
#include "../core/inject.h"
#include "../error/error.h"
#include "hooks.h"
#include "priv.h"

/* Sub-chunks of a region for each CPU, so that what CPUs hold back stays a small part of it. */
#define SUBS_PER_CPU	8
#define SUB_SIZE_MIN	256UL
#define SUB_SIZE_MAX	SZ_64K

/* Size of the sub-chunks that suits a capacity. Returns a power of two, bytes. */
unsigned long bump_shared_sub_size(size_t capacity)
{
	unsigned long part = capacity / (SUBS_PER_CPU * num_possible_cpus());

	return rounddown_pow_of_two(clamp(part, SUB_SIZE_MIN, (unsigned long)SUB_SIZE_MAX));
}

static u32 subs_taken(u64 taken)
{
	return lower_32_bits(taken);
}

static u32 grains_taken(u64 taken)
{
	return upper_32_bits(taken);
}

/* End of the sub-chunks, start of the objects from the top. */
static unsigned long bottom(const struct nebula_bump_heap *heap, const struct nebula_chunk *chunk,
			    u64 taken)
{
	return nebula_chunk_base(chunk) + subs_taken(taken) * heap->sub_size;
}

static unsigned long top(const struct nebula_chunk *chunk, u64 taken)
{
	return nebula_chunk_end(chunk) - grains_taken(taken) * NEBULA_BUMP_GRAIN;
}

static void check_watermark(struct nebula_bump_heap *heap, const struct nebula_chunk *chunk,
			    u64 taken)
{
	if (top(chunk, taken) - bottom(heap, chunk, taken) < READ_ONCE(heap->low_water) &&
	    !READ_ONCE(chunk->next))
		bump_shared_kick(heap);
}

/* A whole sub-chunk of @chunk: its first byte, or 0 when there is none left. */
static unsigned long take_sub(struct nebula_bump_heap *heap, struct nebula_chunk *chunk)
{
	s64 taken = atomic64_read(&chunk->taken);
	unsigned long base;

	do {
		base = bottom(heap, chunk, taken);
		if (top(chunk, taken) - base < heap->sub_size)
			return 0;
	} while (!atomic64_try_cmpxchg(&chunk->taken, &taken, taken + 1));
	check_watermark(heap, chunk, taken + 1);
	return base;
}

/* An object from the top of @chunk: its first byte, or 0 when it does not fit. */
static unsigned long take_direct(struct nebula_bump_heap *heap, struct nebula_chunk *chunk,
				 size_t size, size_t align, size_t asked)
{
	s64 taken = atomic64_read(&chunk->taken), next;
	unsigned long from, p;

	do {
		from = top(chunk, taken);
		if (size > from - bottom(heap, chunk, taken))
			return 0;
		p = ALIGN_DOWN(from - size, max_t(size_t, align, NEBULA_BUMP_GRAIN));
		if (p < bottom(heap, chunk, taken))
			return 0;
		next = taken + ((u64)((from - p) / NEBULA_BUMP_GRAIN) << 32);
	} while (!atomic64_try_cmpxchg(&chunk->taken, &taken, next));
	check_watermark(heap, chunk, next);
	atomic_long_add(from - p - asked, &heap->direct_padding);
	atomic_long_inc(&heap->direct_allocs);
	return p;
}

/* The chunk after @chunk becomes the active one, unless another context was faster. */
static struct nebula_chunk *advance(struct nebula_bump_heap *heap, struct nebula_chunk *chunk)
{
	struct nebula_chunk *next = nebula_chunk_read(&chunk->next);

	if (next)
		cmpxchg(&heap->active, chunk, next);
	return next;
}

/* The word that counts on this CPU: inline code uses one, code that must not the other. */
static unsigned long __percpu *cpu_word(const struct nebula_bump_heap *heap)
{
	return bump_has_inline(&heap->bump) ? &heap->cpus->cur : &heap->cpus->cur_slow;
}

/* Bytes that a CPU can still hand out of its sub-chunk. */
static unsigned long bytes_left(const struct nebula_bump_heap *heap, unsigned long cur)
{
	if (cur == NEBULA_BUMP_CPU_NONE)
		return 0;
	return heap->sub_size - NEBULA_BUMP_GRAIN - (cur & (heap->sub_size - 1));
}

/*
 * From this CPU's sub-chunk: the object, or 0 when it does not fit. @size is a multiple of the
 * grain.
 */
static unsigned long take_local(const struct nebula_bump_heap *heap, size_t size, size_t align,
				size_t asked)
{
	unsigned long __percpu *word = cpu_word(heap);
	unsigned long cur = this_cpu_read(*word), p;

	do {
		p = ALIGN(cur, max_t(size_t, align, NEBULA_BUMP_GRAIN));
		if (size >= heap->sub_size || p < cur || !bump_same_sub(heap, cur, p + size))
			return 0;
	} while (!nebula_this_cpu_cas(*word, &cur, p + size));
	this_cpu_add(heap->cpus->padding, p + size - cur - asked);
	this_cpu_inc(heap->cpus->allocs);
	return p;
}

/*
 * Hands the rest of a fresh sub-chunk, from @mine on, to this CPU, whichever that is. If another
 * context has refilled it, the larger rest stays and the smaller one is lost.
 */
static void install_sub(struct nebula_bump_heap *heap, unsigned long mine)
{
	unsigned long __percpu *word = cpu_word(heap);
	unsigned long cur = this_cpu_read(*word), left = bytes_left(heap, mine), theirs;

	do {
		theirs = bytes_left(heap, cur);
		if (theirs >= left) {
			this_cpu_add(heap->cpus->padding, left);
			return;
		}
	} while (!nebula_this_cpu_cas(*word, &cur, mine));
	this_cpu_add(heap->cpus->padding, theirs);
}

/* From a new sub-chunk: the object, or 0 when there is none or it would waste too much of one. */
static unsigned long take_refill(struct nebula_bump_heap *heap, struct nebula_chunk *chunk,
				 size_t size, size_t align, size_t asked)
{
	unsigned long p;

	if (size > heap->sub_size / 4 || align > heap->sub_size)
		return 0;
	p = take_sub(heap, chunk);
	if (!p)
		return 0;
	this_cpu_inc(heap->cpus->allocs);
	this_cpu_add(heap->cpus->padding, size - asked + NEBULA_BUMP_GRAIN);
	install_sub(heap, p + size);
	return p;
}

/* @bytes, of which the client asked for @asked. Preemption is off. */
static void *take(struct nebula_bump_heap *heap, size_t bytes, size_t align, size_t asked)
{
	size_t size = ALIGN(bytes, NEBULA_BUMP_GRAIN);
	struct nebula_chunk *chunk;
	unsigned long p;

	p = take_local(heap, size, align, asked);
	if (p)
		return (void *)p;
	chunk = nebula_chunk_read(&heap->active);
	do {
		p = take_refill(heap, chunk, size, align, asked);
		if (!p)
			p = take_direct(heap, chunk, bytes, align, asked);
		if (p)
			return (void *)p;
		chunk = advance(heap, chunk);
	} while (chunk);

	/* A large object may have moved us on from chunks that smaller ones still fit in. */
	for (chunk = nebula_chunk_read(&heap->first); chunk;
	     chunk = nebula_chunk_read(&chunk->next)) {
		p = take_direct(heap, chunk, bytes, align, asked);
		if (p)
			return (void *)p;
	}
	return NULL;
}

/*
 * A capacity, or a limit of it, that would have sufficed: with so much more there is room for the
 * object wherever the sub-chunks end, which then are larger, too.
 */
static size_t capacity_needed(const struct nebula_bump_heap *heap, size_t size, size_t align)
{
	return PAGE_ALIGN(2 * READ_ONCE(heap->bump.capacity) + size + align);
}

/* Nothing was left, a moment ago. Preemption is off. */
static noinline void *grow_or_refuse(struct nebula_bump_heap *heap, size_t size, size_t align,
				     size_t asked)
{
	const bool grows = heap->bump.common.flags & NEBULA_GROW;
	const bool pending = bump_shared_kick(heap);
	void *p;

	/* It may have grown for the last time since it was read. */
	if (grows && (!pending || bump_shared_grow_in_place(heap, size + align))) {
		p = take(heap, size, align, asked);
		if (p)
			return p;
	}
	nebula_fail(&heap->bump.common, NEBULA_E_OUT_OF_MEMORY, .size = asked, .align = align,
		    .overhead = size - asked, .need = capacity_needed(heap, size, align),
		    .growth_pending = pending,
		    .detail = grows && !pending ? NEBULA_D_AT_LIMIT : NEBULA_D_NONE,
		    .what = grows && !pending ? ".max_capacity" : NULL);
	return NULL;
}

/* @size bytes, of which the client asked for @asked. */
void *bump_shared_alloc(struct nebula_bump *b, size_t size, size_t align, size_t asked)
{
	void *p;

	if (!NEBULA_NMI_SAFE && in_nmi()) {
		nebula_fail(&b->common, NEBULA_E_WRONG_CONTEXT, .size = asked, .align = align);
		return NULL;
	}
	preempt_disable();
	p = take(b->heap, size, align, asked);
	if (unlikely(!p))
		p = grow_or_refuse(b->heap, size, align, asked);
	preempt_enable();
	return p;
}

/* Grows or shrinks the newest object of this CPU's sub-chunk where it is. */
bool bump_shared_resize(struct nebula_bump *b, void *p, size_t old_size, size_t new_size)
{
	const struct nebula_bump_heap *heap = b->heap;
	unsigned long start = (unsigned long)p;
	unsigned long cur = start + ALIGN(old_size, NEBULA_BUMP_GRAIN), before = cur;
	unsigned long next = start + ALIGN(new_size, NEBULA_BUMP_GRAIN);
	bool done = false;

	if (!new_size || new_size >= heap->sub_size || !bump_same_sub(heap, start, next))
		return false;
	preempt_disable();
	/* If it is the newest object: what it gives back can be another's after the exchange. */
	if (new_size < old_size && this_cpu_read(*cpu_word(heap)) == cur) {
		if (bump_clears(b))
			nebula_kasan_fill(p + new_size, 0, old_size - new_size);
		nebula_kasan_free(&b->common, p + new_size, old_size - new_size);
	}
	if (nebula_this_cpu_cas(*cpu_word(heap), &cur, next)) {
		this_cpu_add(heap->cpus->padding, (next - before) - (new_size - old_size));
		if (new_size < old_size)
			this_cpu_add(heap->cpus->released, old_size - new_size);
		done = true;
	}
	preempt_enable();
	return done;
}

/* Bytes of all chunks that are not taken. Any context. */
static size_t bytes_untaken(const struct nebula_bump_heap *heap)
{
	const struct nebula_chunk *chunk;
	size_t bytes = 0;

	rcu_read_lock();
	for (chunk = nebula_chunk_read(&heap->first); chunk;
	     chunk = nebula_chunk_read(&chunk->next)) {
		u64 taken = atomic64_read(&chunk->taken);

		bytes += top(chunk, taken) - bottom(heap, chunk, taken);
	}
	rcu_read_unlock();
	return bytes;
}

int bump_shared_reserve(struct nebula_bump *b, size_t bytes, gfp_t gfp)
{
	struct nebula_bump_heap *heap = b->heap;
	enum nebula_errc code = NEBULA_E_OUT_OF_MEMORY;
	const bool grows = b->common.flags & NEBULA_GROW;

	if (bytes <= bytes_untaken(heap))
		return 0;
	if (nebula_atomic_context())
		return nebula_fail(&b->common, NEBULA_E_WRONG_CONTEXT, .size = bytes,
				   .what = "reserve");
	if (grows)
		code = bump_shared_grow(heap, bytes, gfp);
	if (!code)
		return 0;
	return nebula_fail(&b->common, code, .size = bytes,
			   .need = capacity_needed(heap, bytes, 1),
			   .detail = grows && code == NEBULA_E_OUT_OF_MEMORY ? NEBULA_D_AT_LIMIT
									     : NEBULA_D_RESERVE,
			   .what = "reserve");
}

/* What is in many words, added up. */
struct sums {
	unsigned long allocs;	/* allocations served */
	unsigned long padding;	/* bytes lost */
	unsigned long released;	/* bytes given back */
	size_t used;		/* bytes taken, and not given back */
};

/* Any context. */
static void sum_up(const struct nebula_bump_heap *heap, struct sums *sums)
{
	const size_t capacity = READ_ONCE(heap->bump.capacity);
	size_t unused = bytes_untaken(heap);
	int cpu;

	*sums = (struct sums){
		.allocs = atomic_long_read(&heap->direct_allocs),
		.padding = atomic_long_read(&heap->direct_padding),
		.released = READ_ONCE(heap->released_shared),
	};
	for_each_possible_cpu(cpu) {
		const struct nebula_bump_cpu *pc = per_cpu_ptr(heap->cpus, cpu);

		unused += bytes_left(heap, READ_ONCE(pc->cur));
		unused += bytes_left(heap, READ_ONCE(pc->cur_slow));
		sums->allocs += READ_ONCE(pc->allocs);
		sums->padding += READ_ONCE(pc->padding);
		sums->released += READ_ONCE(pc->released);
	}
	sums->used = capacity - min(unused, capacity);
}

void bump_shared_usage(const struct nebula_allocator *a, struct nebula_usage *u)
{
	const struct nebula_bump *b = bump_of(a);
	const struct nebula_bump_heap *heap = b->heap;
	struct sums sums;

	sum_up(heap, &sums);
	u->used = sums.used;
	u->capacity = max(READ_ONCE(b->capacity), u->used);
	u->available = u->capacity - u->used;
	u->peak = max_t(size_t, READ_ONCE(b->peak), u->used);
	u->max_capacity = heap->max_capacity;
	/* Growth in place may have left nothing for the growth that is under way. */
	u->growth_pending = atomic_read(&heap->growing) && u->capacity < u->max_capacity;
	u->buffer = heap->request.backing == NEBULA_BUFFER;
	u->budget = heap->request.budget;
}

void bump_shared_stats(const struct nebula_allocator *a, struct nebula_stats *st)
{
	const struct nebula_bump *b = bump_of(a);
	const struct nebula_bump_heap *heap = b->heap;
	struct sums sums;
	u64 taken;

	sum_up(heap, &sums);
	taken = (u64)sums.released + sums.used;
	st->allocs = sums.allocs;
	st->padding = sums.padding;
	st->frees = READ_ONCE(heap->frees_shared);
	st->bytes_out = sums.released;
	st->bytes_in = taken - min_t(u64, taken, sums.padding);
	st->resets = READ_ONCE(b->resets);
	st->regions = READ_ONCE(heap->regions);
	st->grows = READ_ONCE(heap->grows);
}

/* What is not taken of a chunk. Any context; the chunk stays. */
void bump_shared_untaken(const struct nebula_bump_heap *heap, const struct nebula_chunk *chunk,
			 unsigned long *from, unsigned long *to)
{
	const u64 taken = atomic64_read(&chunk->taken);

	*from = bottom(heap, chunk, taken);
	*to = top(chunk, taken);
}

/* What a CPU can still hand out of its sub-chunk. Any context. Returns bytes. */
size_t bump_shared_held(const struct nebula_bump_heap *heap, int cpu, unsigned long *from)
{
	const unsigned long cur = READ_ONCE(*per_cpu_ptr(cpu_word(heap), cpu));

	*from = cur == NEBULA_BUMP_CPU_NONE ? 0 : cur;
	return bytes_left(heap, cur);
}

/* What a reset keeps. Lock: @chain_lock. */
static struct nebula_chunk *keeper(struct nebula_bump_heap *heap)
{
	struct nebula_chunk *chunk, *best = heap->first;

	for (chunk = heap->first; chunk; chunk = chunk->next)
		if (bump_keeps_rather(heap, chunk, best))
			best = chunk;
	return best;
}

static void empty_cpus(struct nebula_bump_heap *heap)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct nebula_bump_cpu *pc = per_cpu_ptr(heap->cpus, cpu);

		WRITE_ONCE(pc->cur, NEBULA_BUMP_CPU_NONE);
		WRITE_ONCE(pc->cur_slow, NEBULA_BUMP_CPU_NONE);
	}
}

/*
 * Makes @keep the whole chain, empty; the others are let go of, after their last readers. Lock:
 * @chain_lock.
 */
void bump_shared_chain_only(struct nebula_bump_heap *heap, struct nebula_chunk *keep)
{
	struct nebula_chunk *chunk = heap->newest, *prev;

	WRITE_ONCE(heap->first, keep);
	WRITE_ONCE(heap->newest, keep);
	WRITE_ONCE(heap->active, keep);
	for (; chunk; chunk = prev) {
		prev = chunk->prev;
		if (chunk != keep)
			nebula_chunk_unmap_later(chunk);
	}
	keep->prev = NULL;
	keep->pos = 0;
	WRITE_ONCE(keep->next, NULL);
	atomic64_set(&keep->taken, 0);
	WRITE_ONCE(heap->bump.capacity, keep->region.size);
	WRITE_ONCE(heap->low_water, bump_low_water(keep));
	WRITE_ONCE(heap->regions, 1);
}

/*
 * Take over what a CPU that went offline has left of its sub-chunk. This CPU gets it, or it is lost
 * when this one has more. The lock keeps a reset out, after which the sub-chunk would be handed out
 * twice. Process context.
 */
void bump_shared_cpu_dead(struct nebula_allocator *a, unsigned int cpu)
{
	struct nebula_bump_heap *heap = bump_of(a)->heap;
	unsigned long *word = per_cpu_ptr(cpu_word(heap), cpu), cur;
	unsigned long flags;

	raw_spin_lock_irqsave(&heap->chain_lock, flags);
	cur = READ_ONCE(*word);
	WRITE_ONCE(*word, NEBULA_BUMP_CPU_NONE);
	if (cur != NEBULA_BUMP_CPU_NONE)
		install_sub(heap, cur);
	raw_spin_unlock_irqrestore(&heap->chain_lock, flags);
}

/* Clears what was taken of the chunk that a reset keeps, at both ends. */
static void clear_taken(struct nebula_bump_heap *heap, u64 taken)
{
	const struct nebula_chunk *chunk = heap->first;
	const unsigned long base = nebula_chunk_base(chunk), from = top(chunk, taken);

	nebula_kasan_retire(&chunk->region);
	debug_check_no_locks_freed((void *)base, chunk->region.size);
	if (likely(!bump_clears(&heap->bump)))
		return;
	nebula_kasan_fill((void *)base, 0, bottom(heap, chunk, taken) - base);
	nebula_kasan_fill((void *)from, 0, nebula_chunk_end(chunk) - from);
}

/* No allocation is in flight: the caller's duty. Growth may be, hence the lock. */
void bump_shared_reset(struct nebula_bump *b)
{
	struct nebula_bump_heap *heap = b->heap;
	struct nebula_chunk *keep;
	struct sums sums;
	unsigned long flags;
	bool whole;
	u64 taken;

	if (in_nmi()) {
		nebula_fail(&b->common, NEBULA_E_WRONG_CONTEXT, .what = "reset");
		return;
	}
	nebula_cleanups_run(&b->common, &b->cleanups, 0);
	whole = nebula_guard_release(&b->common, &heap->guards, ULONG_MAX);
	nebula_guard_page_drop(&b->common, false);
	raw_spin_lock_irqsave(&heap->chain_lock, flags);
	sum_up(heap, &sums);
	WRITE_ONCE(b->peak, max(b->peak, sums.used));
	WRITE_ONCE(heap->released_shared, heap->released_shared + sums.used);
	WRITE_ONCE(heap->frees_shared, sums.allocs);
	WRITE_ONCE(b->resets, b->resets + 1);
	empty_cpus(heap);
	keep = keeper(heap);
	taken = atomic64_read(&keep->taken);
	bump_shared_chain_only(heap, keep);
	raw_spin_unlock_irqrestore(&heap->chain_lock, flags);
	clear_taken(heap, taken);
	if (!whole)
		nebula_guard_repoison(&b->common, &heap->guards, heap->first->region.base,
				      heap->first->region.size);
}

/* What is in use now is the peak from now on. Process context. */
void bump_shared_reset_peak(struct nebula_allocator *a)
{
	struct nebula_bump *b = bump_of(a);
	unsigned long flags;

	raw_spin_lock_irqsave(&b->heap->chain_lock, flags);
	WRITE_ONCE(b->peak, 0);
	raw_spin_unlock_irqrestore(&b->heap->chain_lock, flags);
}

/* Attempts of inline code fail at the mask while the allocator is watched. Lock: fastpath_mutex. */
void bump_shared_update_path(struct nebula_allocator *a)
{
	struct nebula_bump *b = bump_of(a);

	if (bump_has_inline(b))
		WRITE_ONCE(b->sub_mask, bump_is_inline(b) ? ~(b->heap->sub_size - 1) : ~0UL);
}

/* Turn a new allocator into a shared one. Process context. Returns 0 or -ENOMEM. */
int bump_shared_init(struct nebula_bump_heap *heap)
{
	struct nebula_bump *b = &heap->bump;

	heap->cpus = nebula_fault_hit()
			     ? NULL
			     : alloc_percpu_gfp(struct nebula_bump_cpu, heap->request.gfp);
	if (!heap->cpus)
		return -ENOMEM;
	empty_cpus(heap);
	heap->active = heap->first;
	heap->low_water = bump_low_water(heap->first);
	raw_spin_lock_init(&heap->chain_lock);
	bump_shared_grow_init(heap);

	/*
	 * No object fits below the limit, no reset above the peak: all takes the shared branches.
	 */
	b->cur = NEBULA_BUMP_GRAIN;
	b->stamp = ~NEBULA_BUMP_STAMP_NONE;
	b->mark_at = NEBULA_BUMP_MARK_NONE;
	b->limit = NEBULA_BUMP_LIMIT_NONE;
	b->peak_at = 0;
	if (bump_has_inline(b)) {
		b->cpus = heap->cpus;
		b->sub_mask = ~(heap->sub_size - 1);
	}
	return 0;
}

/* No allocation is in flight. Process context. */
void bump_shared_quiesce(struct nebula_bump_heap *heap)
{
	if (heap->cpus)
		bump_shared_grow_end(heap);
}

void bump_shared_exit(struct nebula_bump_heap *heap)
{
	bump_shared_quiesce(heap);
	free_percpu(heap->cpus);
	heap->cpus = NULL;
}
