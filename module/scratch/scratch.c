// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scratch memory out of line.
 *
 * A CPU's part, objects with the word behind each that tells where it began:
 *
 *	    start                                          cur             end
 *	|edge|###A###|A|..pad..|####B####|A end|~B|.........................|
 *
 * The word of an object behind padding is complemented, so that it is equal to no address that an
 * object can have, and a second one before it tells where the padding began, so that all of it is
 * given back. Below the first object lies a word that no object has.
 *
 * Interruption between any two instructions. An interrupting context gets and puts in pairs, so it
 * leaves @cur, and everything below it, as it found it. It changes only memory above @cur, the peak
 * and counters:
 *  - get sets @cur before it writes the word, or anything else, to what is its own from then on. If
 *    get is interrupted before, it sets @cur to the same value as without the interruption; if
 *    after, the interrupting context works above.
 *  - put reads the word, and sets @cur to the object's begin as its last step.
 *  - The peak is exchanged, so that a higher one of an interrupting context is not lost; counters
 *    are per-CPU operations, which interrupts do not tear.
 *
 * Other CPUs see none of this, so compiler barriers do. A task that holds an object has preemption
 * off, so it stays on its CPU, and that CPU stays online; no memory of an offline CPU is held. On
 * PREEMPT_RT the same is true, and softirqs have to disable preemption themselves.
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/smp.h>
#include <linux/string.h>
#include "../core/inject.h"
#include "../core/stats.h"
#include "../error/error.h"
#include "priv.h"

static unsigned long word_at(unsigned long addr)
{
	/* Debugfs may be looking from another CPU. */
	return data_race(*(const unsigned long *)addr);
}

/* The object that ends at @cur; false when there is none, or its words were overwritten. */
bool scratch_read(const struct nebula_scratch_cpu *c, unsigned long cur, struct scratch_object *o)
{
	o->base = word_at(cur - SCRATCH_WORD);
	o->from = o->base;
	o->words = cur - SCRATCH_WORD;
	if (~o->base >= c->start && ~o->base < c->end) {
		o->base = ~o->base;
		o->words -= SCRATCH_WORD;
		o->from = word_at(o->words);
	}
	return o->from >= c->start && o->from <= o->base && o->base < o->words &&
	       IS_ALIGNED(o->from | o->base, NEBULA_SCRATCH_GRAIN);
}

/* The words before @at can be those of an object, or there is nothing below. */
static bool is_edge(const struct nebula_scratch_cpu *c, unsigned long at)
{
	struct scratch_object below;

	return at == c->start || (at > c->start && scratch_read(c, at, &below));
}

static noinline __cold void *refuse(struct nebula_scratch *s, enum nebula_errc code,
				    enum nebula_detail detail, size_t size, size_t align)
{
	nebula_fail(&s->common, code, .detail = detail, .size = size, .align = align,
		    .what = "get");
	return NULL;
}

/* This CPU may be left at any moment. */
static bool may_leave(void)
{
	return IS_ENABLED(CONFIG_PREEMPT_COUNT) && preemptible();
}

/* The limit is the peak while there is one; it may go at any moment, see change_path(). */
static void update_peak(struct nebula_scratch_cpu __percpu *cpus, unsigned long cur)
{
	unsigned long seen = this_cpu_read(cpus->limit);

	while (seen && cur > seen && !nebula_this_cpu_cas(cpus->limit, &seen, cur))
		;
	if (seen)
		return;
	seen = this_cpu_read(cpus->peak);
	while (cur > seen && !nebula_this_cpu_cas(cpus->peak, &seen, cur))
		;
}

/* @size bytes, of which the client asked for @asked; NULL when it does not fit. */
static void *take(struct nebula_scratch *s, size_t size, size_t align, size_t asked)
{
	struct nebula_scratch_cpu __percpu *cpus = s->cpus;
	const unsigned long cur = raw_cpu_read(cpus->cur), end = raw_cpu_read(cpus->end);
	const unsigned long base = ALIGN(cur, max_t(size_t, align, NEBULA_SCRATCH_GRAIN));
	/* Two words keep put out of line, which is where memory is cleared. */
	const bool one_word = base == cur && !(s->common.flags & NEBULA_INIT_ON_FREE);
	const size_t words = one_word ? SCRATCH_WORD : 2 * SCRATCH_WORD;
	unsigned long next;

	if (base < cur || base >= end || size > end - base)
		return NULL;
	next = base + ALIGN(size, NEBULA_SCRATCH_GRAIN) + words;
	if (next > end)
		return NULL;
	raw_cpu_write(cpus->cur, next);
	/* Only now the memory is ours. */
	barrier();
	if (one_word) {
		((unsigned long *)next)[-1] = base;
	} else {
		((unsigned long *)next)[-2] = cur;
		((unsigned long *)next)[-1] = ~base;
	}
	this_cpu_inc(cpus->allocs);
	this_cpu_add(cpus->bytes, asked);
	this_cpu_add(cpus->padding, next - cur - asked);
	update_peak(cpus, next);
	return (void *)base;
}

/* @size bytes, of which the client asked for @asked: what a CPU would have to have. */
static noinline void *out_of_memory(struct nebula_scratch *s, size_t size, size_t align,
				    size_t asked)
{
	const struct nebula_scratch_cpu *c = raw_cpu_ptr(s->cpus);
	const size_t used = ALIGN(READ_ONCE(c->cur) - c->start, align) +
			    (align > NEBULA_SCRATCH_GRAIN ? align : 0);
	/* A buffer holds our own data, too, and may not end with a word. */
	const size_t ours = s->heap ? 0 : sizeof(*c) + 2 * SCRATCH_WORD;

	nebula_fail(&s->common, NEBULA_E_OUT_OF_MEMORY, .size = asked, .align = align,
		    .overhead = size - asked, .what = "get",
		    .need = used + ALIGN(size, NEBULA_SCRATCH_GRAIN) + 2 * SCRATCH_WORD + ours);
	return NULL;
}

static void *take_plain(struct nebula_scratch *s, size_t size, size_t align)
{
	void *p = take(s, size, align, size);

	return likely(p) ? p : out_of_memory(s, size, align, size);
}

static noinline void *take_guarded(struct nebula_scratch *s, size_t size, size_t align)
{
	struct nebula_guard_layout layout;
	void *raw;

	if (!nebula_guard_layout(&layout, size, align))
		return refuse(s, NEBULA_E_SIZE_OVERFLOW, NEBULA_D_NONE, size, align);
	raw = take(s, layout.total, layout.align, size);
	if (!raw)
		return out_of_memory(s, layout.total, layout.align, size);
	nebula_sizes_note(&s->common, size);
	nebula_guard_check_poison(&s->common, raw, &layout, size);
	return nebula_guard_init(&s->common, raw, &layout, size);
}

/* nebula_scratch_get() where it is not inline. */
void *nebula_scratch_get_slow(struct nebula_scratch *s, size_t size, size_t align)
{
	void *p;

	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	if (unlikely(!is_power_of_2(align)))
		return refuse(s, NEBULA_E_INVALID_ALIGNMENT, NEBULA_D_NONE, size, align);
	if (unlikely(size > (SIZE_MAX >> 1) - (align - 1)))
		return refuse(s, NEBULA_E_SIZE_OVERFLOW, NEBULA_D_NONE, size, align);
	if (unlikely(may_leave()))
		return refuse(s, NEBULA_E_WRONG_CONTEXT, NEBULA_D_MAY_MIGRATE, size, align);
	if (unlikely(nebula_fastpath_disabled(&s->common)) &&
	    nebula_fail_alloc_hit(&s->common, size))
		return refuse(s, NEBULA_E_OUT_OF_MEMORY, NEBULA_D_INJECTED, size, align);

	p = unlikely(scratch_is_guarded(s)) ? take_guarded(s, size, align)
					    : take_plain(s, size, align);
	if (p)
		nebula_kasan_alloc(&s->common, p, size);
	if (unlikely(s->common.flags & NEBULA_ZERO) && p)
		memset(p, 0, size);
	return p;
}
EXPORT_SYMBOL_GPL(nebula_scratch_get_slow);

/* nebula_scratch_get() beyond the highest use so far. */
void *nebula_scratch_get_higher(struct nebula_scratch *s, size_t size, size_t align)
{
	struct nebula_scratch_cpu __percpu *cpus = s->cpus;
	const unsigned long cur = raw_cpu_read(cpus->cur);
	const unsigned long next = cur + ALIGN(size, NEBULA_SCRATCH_GRAIN) + SCRATCH_WORD;

	if (unlikely(!raw_cpu_read(cpus->limit)) || unlikely(next > raw_cpu_read(cpus->end)))
		return nebula_scratch_get_slow(s, size, align);
	raw_cpu_write(cpus->cur, next);
	/* Only now the memory is ours. */
	barrier();
	((unsigned long *)next)[-1] = cur;
	this_cpu_inc(cpus->allocs);
	this_cpu_add(cpus->bytes, size);
	update_peak(cpus, next);
	return (void *)cur;
}
EXPORT_SYMBOL_GPL(nebula_scratch_get_higher);

/* Is @p what the client has of the object? When its guard is broken, anything inside is. */
static bool is_object(const struct nebula_scratch *s, const struct scratch_object *o,
		      unsigned long p)
{
	const void *object;

	if (!scratch_is_guarded(s))
		return o->base == p;
	object = nebula_guard_object((void *)o->base);
	return object ? object == (void *)p : p > o->base && p < o->words;
}

/* What is wrong with putting @p, which is below @cur, the top of this CPU's part. */
static enum nebula_errc check_inside(const struct nebula_scratch *s,
				     const struct nebula_scratch_cpu *c, unsigned long cur,
				     unsigned long p)
{
	struct scratch_object o;

	while (cur > c->start && scratch_read(c, cur, &o) && p < o.base)
		cur = o.from;
	if (cur > c->start && scratch_read(c, cur, &o) && is_object(s, &o, p))
		return NEBULA_E_LIFO_VIOLATION;
	return NEBULA_E_MISALIGNED_POINTER;
}

/*
 * What is wrong with putting @p; nothing when it is the newest object of this CPU, the one that
 * ends at @cur, which @o is then. When the words of that were overwritten, @p is believed if it can
 * be one, and that is corruption.
 */
static enum nebula_errc check_put(const struct nebula_scratch *s,
				  const struct nebula_scratch_cpu *c, unsigned long cur,
				  unsigned long p, struct scratch_object *o)
{
	if (p < c->start || p >= c->end)
		return NEBULA_E_FOREIGN_POINTER;
	if (p >= cur)
		return NEBULA_E_DOUBLE_FREE;
	if (scratch_read(c, cur, o)) {
		/* The word below may not be there yet: its owner may be the one we interrupted. */
		if (is_object(s, o, p))
			return NEBULA_OK;
		if (is_edge(c, o->from))
			return check_inside(s, c, cur, p);
	}
	if (!IS_ALIGNED(p, NEBULA_SCRATCH_GRAIN) || !is_edge(c, p))
		return NEBULA_E_MISALIGNED_POINTER;
	*o = (struct scratch_object){ .base = p, .from = p, .words = cur - SCRATCH_WORD };
	return NEBULA_E_CORRUPTION;
}

static noinline __cold int refuse_put(struct nebula_scratch *s, const struct nebula_scratch_cpu *c,
				      enum nebula_errc code, const void *p)
{
	return nebula_fail(&s->common, code, .pointer = p, .what = "put",
			   .offset = code == NEBULA_E_FOREIGN_POINTER ? 0 :
				     (unsigned long)p - c->start);
}

/* nebula_scratch_put() where it is not inline. */
int nebula_scratch_put_slow(struct nebula_scratch *s, void *p)
{
	struct nebula_scratch_cpu *c;
	enum nebula_errc code;
	struct scratch_object o;
	unsigned long cur;

	if (ZERO_OR_NULL_PTR(p))
		return 0;
	if (may_leave())
		return nebula_fail(&s->common, NEBULA_E_WRONG_CONTEXT, .what = "put",
				   .detail = NEBULA_D_MAY_MIGRATE);
	c = raw_cpu_ptr(s->cpus);
	/* An interrupting context leaves it as it is. */
	cur = READ_ONCE(c->cur);
	code = check_put(s, c, cur, (unsigned long)p, &o);
	if (code && code != NEBULA_E_CORRUPTION)
		return refuse_put(s, c, code, p);
	if (!code && scratch_is_guarded(s))
		nebula_guard_verify(&s->common, (void *)o.base);
	nebula_guard_poison(&s->common, (void *)o.from, cur - o.from);
	/* From here on it is free. */
	barrier();
	WRITE_ONCE(c->cur, o.from);
	return code ? nebula_fail(&s->common, code, .pointer = p,
				  .what = "word behind the object") : 0;
}
EXPORT_SYMBOL_GPL(nebula_scratch_put_slow);

bool nebula_scratch_owns(const struct nebula_scratch *s, const void *p)
{
	const unsigned long addr = (unsigned long)p;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct nebula_scratch_cpu *c = per_cpu_ptr(s->cpus, cpu);

		if (addr >= c->start && addr < c->end)
			return true;
	}
	return false;
}
EXPORT_SYMBOL_GPL(nebula_scratch_owns);

/* The peak is the sum of those of the CPUs, each at its own time. */
static void ops_usage(const struct nebula_allocator *a, struct nebula_usage *u)
{
	const struct nebula_scratch *s = scratch_of(a);
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct nebula_scratch_cpu *c = per_cpu_ptr(s->cpus, cpu);
		const size_t used = scratch_used(c);

		u->unit = c->end - c->start;
		u->used += used;
		u->capacity += c->end - c->start;
		/* A get moves @cur first, and notes the peak afterwards. */
		u->peak += max(scratch_peak(c), used);
	}
	u->available = u->capacity - u->used;
	u->max_capacity = u->capacity;
	u->buffer = !s->heap;
}

/* What is to be done to each CPU's part. */
struct change {
	struct nebula_scratch *scratch;	/* of this */
	/* on that CPU, with interrupts off, or anywhere while it is offline */
	void (*apply)(const struct nebula_scratch *s, struct nebula_scratch_cpu *c);
};

static void change_here(void *data)
{
	const struct change *change = data;

	change->apply(change->scratch, raw_cpu_ptr(change->scratch->cpus));
}

/* Process context with CPU hotplug locked; sleeps. */
static void change_all(struct change *change)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		if (cpu_online(cpu))
			smp_call_function_single(cpu, change_here, change, 1);
		else
			change->apply(change->scratch, per_cpu_ptr(change->scratch->cpus, cpu));
	}
}

/* What a CPU has in use now is its peak from now on; each get that exceeds it notes that. */
static void begin_peak(const struct nebula_scratch *s, struct nebula_scratch_cpu *c)
{
	if (c->limit)
		WRITE_ONCE(c->limit, READ_ONCE(c->cur));
	WRITE_ONCE(c->peak, READ_ONCE(c->cur));
}

/* CPU hotplug is locked. */
static void ops_reset_peak(struct nebula_allocator *a)
{
	struct change change = { scratch_of(a), begin_peak };

	change_all(&change);
}

/*
 * Takes the inline path away from a CPU, or gives it back. A get on this CPU that we interrupt may
 * be about to note a peak: its exchange of the limit fails, and it finds none. An NMI in between
 * these lines notes its peak where we have not been yet, or where we have, and both count.
 */
static void change_path(const struct nebula_scratch *s, struct nebula_scratch_cpu *c)
{
	unsigned long limit, peak;

	if (scratch_serves_inline(s)) {
		WRITE_ONCE(c->limit, max(c->peak, c->start));
		return;
	}
	limit = xchg(&c->limit, 0);
	peak = READ_ONCE(c->peak);
	while (limit > peak && !try_cmpxchg(&c->peak, &peak, limit))
		;
}

/* Of one that is in use, only the CPU itself changes the limit: see ops_sync_path(). */
static void ops_update_path(struct nebula_allocator *a)
{
	struct nebula_scratch *s = scratch_of(a);
	int cpu;

	if (a->reg->live)
		return;
	for_each_possible_cpu(cpu)
		change_path(s, per_cpu_ptr(s->cpus, cpu));
}

static void ops_sync_path(struct nebula_allocator *a)
{
	struct change change = { scratch_of(a), change_path };
	const struct nebula_scratch_cpu *c = raw_cpu_ptr(change.scratch->cpus);

	/* All CPUs have the same. */
	if (!READ_ONCE(c->limit) == scratch_serves_inline(change.scratch))
		change_all(&change);
}

static void ops_stats(const struct nebula_allocator *a, struct nebula_stats *st)
{
	const struct nebula_scratch *s = scratch_of(a);
	u64 allocs, bytes, padding;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct nebula_scratch_cpu *c = per_cpu_ptr(s->cpus, cpu);

		allocs = READ_ONCE(c->allocs);
		bytes = READ_ONCE(c->bytes);
		padding = READ_ONCE(c->padding);
		st->frees += allocs - min_t(u64, scratch_live(c), allocs);
		st->bytes_out += bytes + padding - min_t(u64, scratch_used(c), bytes + padding);
		st->allocs += allocs;
		st->bytes_in += bytes;
		st->padding += padding;
		st->regions++;
	}
}

/* A bit for each. */
static unsigned long backings_of(const struct nebula_scratch_heap *heap)
{
	unsigned long backings = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		backings |= BIT(per_cpu_ptr(heap->regions, cpu)->backing);
	return backings;
}

static void ops_describe(const struct nebula_allocator *a, struct nebula_text *t)
{
	const struct nebula_scratch *s = scratch_of(a);
	const struct nebula_scratch_heap *heap = s->heap;
	const struct nebula_scratch_cpu *c = per_cpu_ptr(s->cpus, cpumask_first(cpu_possible_mask));

	nebula_text_key(t, "mode", "per CPU");
	nebula_text_key(t, "path", "%s", READ_ONCE(c->limit) ? "inline" : "out of line");
	nebula_region_describe(&heap->request, backings_of(heap), t);
	nebula_text_bytes(t, "per CPU", c->end - c->start);
	nebula_text_key(t, "cpus", "%u", num_possible_cpus());
	nebula_text_bytes(t, "overhead", sizeof(*heap) + num_possible_cpus() *
			  (sizeof(*s->cpus) + sizeof(*heap->regions) + SCRATCH_WORD));
}

static void *ops_alloc(struct nebula_allocator *a, size_t size, size_t align)
{
	return nebula_scratch_get_slow(scratch_of(a), size,
					  align);
}

static void ops_free(struct nebula_allocator *a, void *p, size_t size)
{
	nebula_scratch_put(scratch_of(a), p);
}

static bool ops_owns(const struct nebula_allocator *a, const void *p)
{
	return nebula_scratch_owns(scratch_of(a), p);
}

const struct nebula_kind_ops scratch_ops = {
	.kind		= NEBULA_KIND_SCRATCH,
	.alloc		= ops_alloc,
	.free		= ops_free,
	.owns		= ops_owns,
	.usage		= ops_usage,
	.stats		= ops_stats,
	.describe	= ops_describe,
	.retire		= scratch_retire,
	.release	= scratch_release,
	.reports_live	= true,
	.reset_peak	= ops_reset_peak,
	.update_path	= ops_update_path,
	.sync_path	= ops_sync_path,
	.live		= scratch_render_live,
	.map		= scratch_render_map,
	.validate	= scratch_validate,
};
