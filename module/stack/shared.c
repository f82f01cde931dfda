// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared mode of the stack: any number of CPUs, in task, softirq, hardirq and NMI context, on one
 * atomic word. An operation takes effect at one instant: when it exchanges the word or, when it is
 * refused, when it reads it.
 *
 * Objects are multiples of a granule, a cache line at least. The word says all that matters of the
 * newest object, and what mattered before it came is in the slot of the granule where it begins:
 *
 *	granules      0   1   2   3   4   5   6
 *	              |##A##|######B######|.......
 *	word          { start 2, end 5, version 9 }
 *	slots[2]      { start 0, end 2, version 6 }	the word before B
 *	slots[0]      { start none, end 0, version 5 }	the word before A: the bottom
 *
 *	alloc	word = W, which leads to a place for the object; its slot := W;
 *		exchange W for { place, its end, W.version + 1 }
 *	free	word = W, whose start is the object; its slot is P;
 *		exchange W for { P.start, P.end, W.version + 1 }
 *	restore	word = W; follow the slots down to the mark's object;
 *		exchange W for { what is found, W.version + 1 }
 *
 *  - Each exchange raises the version, so that the word is never what it was before (no ABA), and
 *    an exchange that succeeds means that nothing happened since the word was read. The version has
 *    32 bits. Between reading and exchanging preemption is off, so it would take 2^32 operations of
 *    other CPUs during one interruption of this one.
 *  - A slot is written before the object can be seen, so it is always valid for the objects of the
 *    word. CPUs that race for one place with the same W write the same. A CPU whose W is outdated
 *    must not write to a slot that now belongs to another object. So a slot is exchanged, too: its
 *    old value is read first, then the word is checked once more. If the word still was W, the
 *    place was free; an allocation that took the place later has written another word to the slot,
 *    so that our exchange fails. No word comes twice, so no slot does.
 *  - A reader of slots does not know whether they were overwritten. But then the word has changed,
 *    and the reader's exchange fails. It follows slots only downwards, so it comes to an end.
 *  - An interrupt or NMI between any two instructions finishes first; our exchange fails, and we
 *    start over. Each failure is the success of another operation. No context waits.
 *  - Ordering: the exchanges are full barriers; a word is read with acquire before its slots.
 *  - A CPU that goes offline has nothing here but counters.
 *  - PREEMPT_RT: no locks, nothing sleeps. Preemption is off for one turn of a loop at a time.
 *
 * init_on_free: an object is cleared before the exchange that gives it back, because another CPU
 * can allocate the place right after. When the exchange fails the object stays, cleared: its owner
 * was freeing it, or a restore took it along.
 *
 * Debug flags: the zones of an object are verified when its owner frees it. What goes with a
 * restore or reset is not verified, since the context that allocated it may be just about to set up
 * its guard; and nothing is filled when it goes, because another context can allocate it at once.
 */
#include <linux/align.h>
#include <linux/debug_locks.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../core/inject.h"
#include "priv.h"

#define GRANULE_MIN	max_t(size_t, SMP_CACHE_BYTES, 64)

/* Start of no object: the word of an empty stack. Its end then counts resets. */
#define NONE		U16_MAX

/* Resets apart from which marks of an empty stack are stale in any case. */
#define RESETS_APART	BIT(14)

/* The word, unpacked. */
struct top {
	u16 start;	/* granule where the newest object begins, or NONE */
	/* granule behind it; without objects the lower part of the number of resets */
	u16 end;
	u32 version;	/* operations so far */
};

static struct top unpack(u64 word)
{
	return (struct top){ .start = word, .end = word >> 16, .version = word >> 32 };
}

static u64 pack(u16 start, u16 end, u32 version)
{
	return (u64)version << 32 | (u32)end << 16 | start;
}

static unsigned int granules_used(struct top t)
{
	return t.start == NONE ? 0 : t.end;
}

static u64 read_word(const struct nebula_stack_heap *heap)
{
	/* Pairs with the exchanges: the slots are those of this word, or newer. */
	return atomic64_read_acquire(&heap->word);
}

static bool exchange(struct nebula_stack_heap *heap, u64 word, u16 start, u16 end)
{
	const u64 next = pack(start, end, (word >> 32) + 1);

	return atomic64_cmpxchg(&heap->word, word, next) == word;
}

static void *address(const struct nebula_stack_heap *heap, unsigned int granule)
{
	return heap->region.base + ((size_t)granule << heap->shift);
}

static unsigned int granules(const struct nebula_stack_heap *heap, size_t size)
{
	return (size + (1UL << heap->shift) - 1) >> heap->shift;
}

/* Binary logarithm of the granule that suits a capacity: a word counts less than 2^16 of them. */
unsigned int stack_shared_shift(size_t capacity)
{
	return max_t(unsigned int, ilog2(GRANULE_MIN),
		     order_base_2(DIV_ROUND_UP(capacity + 1, U16_MAX)));
}

static void update_peak(struct nebula_stack_heap *heap, int used)
{
	int peak = atomic_read(&heap->peak);

	while (used > peak && !atomic_try_cmpxchg(&heap->peak, &peak, used))
		;
}

/*
 * Where @n granules go on top of @word, and that it is noted there; false when the word has
 * changed. The place is all bits set when there is none.
 */
static bool prepare(struct nebula_stack_heap *heap, u64 word, size_t size, size_t align,
		    unsigned int *place)
{
	const unsigned long from = (unsigned long)address(heap, granules_used(unpack(word)));
	const unsigned long p = ALIGN(from, align), base = (unsigned long)heap->region.base;
	const unsigned long end = base + ((size_t)heap->granules << heap->shift);
	s64 seen;

	*place = UINT_MAX;
	if (p < from || p >= end || size > end - p)
		return true;
	*place = (p - base) >> heap->shift;
	seen = atomic64_read(&heap->slots[*place]);
	/* If the word is still the same, that slot is of no object; pairs with the exchanges. */
	smp_rmb();
	if (atomic64_read(&heap->word) != word)
		return false;
	return seen == word || atomic64_cmpxchg(&heap->slots[*place], seen, word) == seen;
}

static void *take(struct nebula_stack_heap *heap, size_t size, size_t align, size_t asked)
{
	unsigned int place, end;
	struct top before;
	u64 word;

	for (;;) {
		word = read_word(heap);
		if (!prepare(heap, word, size, align, &place))
			continue;
		if (place == UINT_MAX)
			return NULL;
		end = place + granules(heap, size);
		if (exchange(heap, word, place, end))
			break;
	}
	before = unpack(word);
	this_cpu_inc(heap->cpus->allocs);
	this_cpu_add(heap->cpus->bytes, asked);
	this_cpu_add(heap->cpus->consumed,
		     (size_t)(end - granules_used(before)) << heap->shift);
	update_peak(heap, end);
	return address(heap, place);
}

/* NULL when it does not fit. */
void *stack_shared_alloc(struct nebula_stack *s, size_t size, size_t align, size_t asked)
{
	void *p;

	preempt_disable();
	p = take(s->heap, size, align, asked);
	preempt_enable();
	return p;
}

/* The newest object at this moment; false without any. */
bool stack_shared_top(const struct nebula_stack *s, struct stack_object *o)
{
	const struct nebula_stack_heap *heap = s->heap;
	const struct top t = unpack(read_word(heap));

	if (t.start == NONE)
		return false;
	o->base = address(heap, t.start);
	o->size = (size_t)(t.end - t.start) << heap->shift;
	return true;
}

/* Granules that are about to be given back. */
static void clear(const struct nebula_stack_heap *heap, unsigned int from, unsigned int to)
{
	const size_t size = from < to ? (size_t)(to - from) << heap->shift : 0;

	if (heap->stack.common.flags & NEBULA_INIT_ON_FREE && size)
		nebula_kasan_fill(address(heap, from), 0, size);
	nebula_kasan_free(&heap->stack.common, address(heap, from), size);
	debug_check_no_locks_freed(address(heap, from), size);
}

/* But they were not: @t is still as it was. Its size to the byte is forgotten. */
static void undo_clear(const struct nebula_stack_heap *heap, struct top t)
{
	const size_t room = t.start == NONE ? 0 : (size_t)(t.end - t.start) << heap->shift;

	if (room)
		nebula_kasan_alloc_in(&heap->stack.common, address(heap, t.start),
				      room - NEBULA_KASAN_GRANULE, room);
}

/* The object at @base goes, if it is the newest. */
bool stack_shared_pop(struct nebula_stack *s, const void *base)
{
	struct nebula_stack_heap *heap = s->heap;
	struct top t, older, cleared = { .start = NONE };
	bool done = false;
	u64 word;

	preempt_disable();
	do {
		word = read_word(heap);
		t = unpack(word);
		if (t.start == NONE || address(heap, t.start) != base)
			goto out;
		older = unpack(atomic64_read(&heap->slots[t.start]));
		clear(heap, t.start, t.end);
		cleared = t;
	} while (!exchange(heap, word, older.start, older.end));
	this_cpu_inc(heap->cpus->frees);
	done = true;
out:
	if (!done)
		undo_clear(heap, cleared);
	preempt_enable();
	return done;
}

/* The object at @base gets another size where it is, if it is the newest and that fits. */
enum nebula_errc stack_shared_resize(struct nebula_stack *s, const void *base, size_t new_size)
{
	struct nebula_stack_heap *heap = s->heap;
	const unsigned int need = granules(heap, new_size);
	enum nebula_errc code = NEBULA_E_LIFO_VIOLATION;
	struct top t, cleared = { .start = NONE };
	u64 word;

	preempt_disable();
	do {
		word = read_word(heap);
		t = unpack(word);
		if (t.start == NONE || address(heap, t.start) != base)
			goto out;
		if (need > heap->granules - t.start) {
			code = NEBULA_E_OUT_OF_MEMORY;
			goto out;
		}
		clear(heap, t.start + need, t.end);
		cleared = t;
	} while (!exchange(heap, word, t.start, t.start + need));
	if (t.start + need > t.end)
		this_cpu_add(heap->cpus->consumed,
			     (size_t)(t.start + need - t.end) << heap->shift);
	update_peak(heap, t.start + need);
	code = NEBULA_OK;
out:
	if (code)
		undo_clear(heap, cleared);
	preempt_enable();
	return code;
}

/*
 * The number of resets of an empty stack, of which the word has the lower part. The counter follows
 * the word, so it may be behind.
 */
static u64 resets_at(const struct nebula_stack_heap *heap, u16 lower)
{
	const u64 resets = atomic64_read(&heap->resets);

	return resets + (s16)(lower - (u16)resets);
}

/* A mark on an object is told by the word before it, which is never the same for another one. */
struct nebula_mark stack_shared_mark(struct nebula_stack *s)
{
	struct nebula_stack_heap *heap = s->heap;
	struct nebula_mark m = { .owner = s };
	struct top t;
	u64 word;

	preempt_disable();
	do {
		word = read_word(heap);
		t = unpack(word);
		m.at = t.start;
		m.id = t.start == NONE ? resets_at(heap, t.end)
				       : atomic64_read(&heap->slots[t.start]);
		/* The slot is of this word if that has not changed since; pairs with exchange(). */
		smp_rmb();
	} while (atomic64_read(&heap->word) != word);
	preempt_enable();
	return m;
}

/* A way down from the top. */
struct descent {
	struct top at;		/* where it has come to */
	unsigned int passed;	/* objects above */
};

/* One object down; false when what is there cannot be, because the word has changed. */
static bool descend(const struct nebula_stack_heap *heap, struct descent *d)
{
	const struct top older = unpack(atomic64_read(&heap->slots[d->at.start]));

	if (older.start != NONE && older.start >= d->at.start)
		return false;
	d->at = older;
	d->passed++;
	return true;
}

static bool is_at_mark(const struct nebula_stack_heap *heap, const struct descent *d,
		       const struct nebula_mark *m)
{
	if (d->at.start != m->at)
		return false;
	if (d->at.start != NONE)
		return atomic64_read(&heap->slots[d->at.start]) == m->id;
	return d->at.end == (u16)m->id &&
	       abs((s64)(atomic64_read(&heap->resets) - m->id)) < RESETS_APART;
}

/* Down to the mark, or to where it should have been. False: the word has changed. */
static bool find_mark(const struct nebula_stack_heap *heap, u64 word, const struct nebula_mark *m,
		      struct descent *d)
{
	*d = (struct descent){ .at = unpack(word) };
	while (d->at.start != NONE && (m->at == NONE || d->at.start > m->at))
		if (!descend(heap, d))
			return false;
	return true;
}

enum nebula_errc stack_shared_restore(struct nebula_stack *s, const struct nebula_mark *m)
{
	struct nebula_stack_heap *heap = s->heap;
	enum nebula_errc code = NEBULA_OK;
	struct descent d;
	bool found;
	u64 word;

	if (m->owner != s || (m->at != NONE && m->at >= heap->granules))
		return NEBULA_E_FOREIGN_CHECKPOINT;
	preempt_disable();
	for (;;) {
		word = read_word(heap);
		if (!find_mark(heap, word, m, &d))
			continue;
		found = is_at_mark(heap, &d, m);
		if (found)
			clear(heap, granules_used(d.at), granules_used(unpack(word)));
		if (found && exchange(heap, word, d.at.start, d.at.end))
			break;
		/* What was followed is of this word if that has not changed; as in mark. */
		smp_rmb();
		if (!found && atomic64_read(&heap->word) == word) {
			code = NEBULA_E_STALE_CHECKPOINT;
			break;
		}
	}
	if (!code)
		this_cpu_add(heap->cpus->frees, d.passed);
	preempt_enable();
	return code;
}

void stack_shared_reset(struct nebula_stack *s)
{
	const struct nebula_mark bottom = { .at = NONE };
	struct nebula_stack_heap *heap = s->heap;
	struct descent d;
	u64 word;

	preempt_disable();
	do {
		word = read_word(heap);
		clear(heap, 0, granules_used(unpack(word)));
	} while (!find_mark(heap, word, &bottom, &d) ||
		 !exchange(heap, word, NONE, d.at.end + 1));
	atomic64_inc(&heap->resets);
	this_cpu_add(heap->cpus->frees, d.passed);
	preempt_enable();
}

/* A capacity that would have sufficed. */
size_t stack_shared_needed(const struct nebula_stack *s, size_t size, size_t align)
{
	const struct nebula_stack_heap *heap = s->heap;
	const size_t used = (size_t)granules_used(unpack(read_word(heap))) << heap->shift;

	/* The granules of a larger one may be larger. */
	return PAGE_ALIGN(used + size + align + (2UL << heap->shift));
}

/* What is in use now is the peak from now on. Any context. */
void stack_shared_reset_peak(struct nebula_allocator *a)
{
	struct nebula_stack_heap *heap = stack_of(a)->heap;

	atomic_set(&heap->peak, 0);
	update_peak(heap, granules_used(unpack(read_word(heap))));
}

void stack_shared_usage(const struct nebula_allocator *a, struct nebula_usage *u)
{
	const struct nebula_stack_heap *heap = stack_of(a)->heap;
	const unsigned int used = granules_used(unpack(read_word(heap)));

	u->used = (size_t)used << heap->shift;
	u->capacity = (size_t)heap->granules << heap->shift;
	u->available = u->capacity - u->used;
	u->max_capacity = u->capacity;
	u->peak = (size_t)max_t(unsigned int, atomic_read(&heap->peak), used) << heap->shift;
	u->buffer = heap->request.backing == NEBULA_BUFFER;
}

void stack_shared_stats(const struct nebula_allocator *a, struct nebula_stats *st)
{
	const struct nebula_stack_heap *heap = stack_of(a)->heap;
	u64 consumed = 0, used;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct stack_cpu *c = per_cpu_ptr(heap->cpus, cpu);

		st->allocs += READ_ONCE(c->allocs);
		st->frees += READ_ONCE(c->frees);
		st->bytes_in += READ_ONCE(c->bytes);
		consumed += READ_ONCE(c->consumed);
	}
	used = (u64)granules_used(unpack(read_word(heap))) << heap->shift;
	st->resets = atomic64_read(&heap->resets);
	st->padding = consumed - min(consumed, st->bytes_in);
	st->bytes_out = consumed - min(consumed, used);
	st->regions = 1;
}

/* As stack_owner_visit(); there are no marks to be seen but the bottom. */
bool stack_shared_visit(const struct nebula_stack *s, stack_visit_fn fn, void *data)
{
	const struct nebula_stack_heap *heap = s->heap;
	const u64 word = read_word(heap);
	struct descent d = { .at = unpack(word) };
	struct stack_object o;

	for (;;) {
		o = (struct stack_object){ };
		if (d.at.start != NONE) {
			o.base = address(heap, d.at.start);
			o.size = (size_t)(d.at.end - d.at.start) << heap->shift;
		}
		if (atomic64_read(&heap->word) != word)
			return false;
		if (!fn(&o, data) || d.at.start == NONE)
			break;
		if (!descend(heap, &d))
			return false;
	}
	/* As in mark. */
	smp_rmb();
	return atomic64_read(&heap->word) == word;
}

/* The memory is there. */
int stack_shared_init(struct nebula_stack_heap *heap)
{
	const gfp_t gfp = heap->request.gfp;

	heap->granules = heap->region.size >> heap->shift;
	atomic64_set(&heap->word, pack(NONE, 0, 0));
	heap->slots = nebula_array_alloc(heap->granules, sizeof(*heap->slots), gfp,
					 heap->request.node);
	if (heap->slots)
		memset(heap->slots, 0, heap->granules * sizeof(*heap->slots));
	heap->cpus = nebula_fault_hit() ? NULL : alloc_percpu_gfp(struct stack_cpu, gfp);
	return heap->slots && heap->cpus ? 0 : -ENOMEM;
}

void stack_shared_exit(struct nebula_stack_heap *heap)
{
	kvfree(heap->slots);
	free_percpu(heap->cpus);
}
