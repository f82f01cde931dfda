// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics: what each kind counts, completed with what can be derived. Any context but where it
 * says otherwise.
 *
 * Nobody is stopped to be counted. What is added up of several words, of several CPUs, while they
 * change, may be seen lower than it was a moment ago; and yet no counter shall be seen to go back,
 * and all shall be exact once nothing is under way. Two things together see to that:
 *
 *  - A kind never says more than will be true once all that is under way has ended: whoever uses
 *    it changes its words in an order, and whoever reads them does so in another, such that what is
 *    half done, or half seen, is missing from what is added up.
 *  - The highest that was ever said is kept, and said again rather than less.
 *
 * So what is kept is never too high, and as soon as nothing is under way both are the same. The
 * order costs the hot paths nothing, they only had to be written in it. Where stores are seen in
 * another order than they were made (not on x86), there are barriers where that is out of line;
 * what is inline has none for statistics, and may be seen ahead by the object that is under way.
 */
#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include "internal.h"

/* How full an allocator is. Any context. */
struct nebula_usage nebula_allocator_usage(const struct nebula_allocator *a)
{
	struct nebula_usage u = { };

	nebula_kind_ops(a->kind)->usage(a, &u);
	return u;
}

/* @part of @whole, @scale being all of it; less exact when that takes more than 64 bits. */
static u64 share(u64 part, u64 whole, unsigned int scale)
{
	if (part <= div_u64(U64_MAX, scale))
		return whole ? div64_u64(part * scale, whole) : 0;
	return div64_u64(part, max_t(u64, div_u64(whole, scale), 1));
}

static void raise(atomic64_t *told, u64 to)
{
	s64 seen = atomic64_read(told);

	while ((u64)seen < to && !atomic64_try_cmpxchg(told, &seen, to))
		;
}

/*
 * Others may be telling, too. What is given back is raised last and read first, so it is never more
 * than what was handed out.
 */
static void tell(struct nebula_told *told, struct nebula_stats *st)
{
	raise(&told->allocs, st->allocs);
	raise(&told->bytes_in, st->bytes_in);
	raise(&told->frees, st->frees);
	raise(&told->bytes_out, st->bytes_out);
	st->bytes_out = atomic64_read_acquire(&told->bytes_out);
	st->frees = atomic64_read_acquire(&told->frees);
	st->bytes_in = atomic64_read(&told->bytes_in);
	st->allocs = atomic64_read(&told->allocs);
}

/* What follows from what was counted. */
static void derive(struct nebula_stats *st)
{
	st->live = st->allocs - st->frees;
	st->utilisation = share(st->used, st->capacity, 1000);
	st->failure_rate = share(st->failed, st->allocs + st->failed, 1000);
	st->waste = share(st->padding, st->bytes_in + st->padding, 1000);
	st->average = share(st->bytes_in, st->allocs, 1);
	st->turnover = share(st->bytes_in, st->capacity, 100);
}

/**
 * nebula_allocator_stats_read() - the statistics of an allocator
 * @a: the allocator.
 * @st: filled in.
 *
 * Context: any.
 */
void nebula_allocator_stats_read(const struct nebula_allocator *a, struct nebula_stats *st)
{
	const struct nebula_usage u = nebula_allocator_usage(a);
	unsigned int code;

	*st = (struct nebula_stats){
		.used = u.used,
		.available = u.available,
		.capacity = u.capacity,
		.max_capacity = u.max_capacity,
		.peak = u.peak,
	};
	nebula_kind_ops(a->kind)->stats(a, st);
	/* What somebody allocates may be freed elsewhere before he has counted it. */
	st->frees = min(st->frees, st->allocs);
	if (a->reg && (NEBULA_NMI_SAFE || !in_nmi()))
		tell(&a->reg->told, st);

	for (code = 0; code < NEBULA_E_NR; code++) {
		st->failures[code] = (unsigned long)atomic_long_read(&a->failures[code]);
		st->failed += st->failures[code];
	}
	derive(st);
}
EXPORT_SYMBOL_GPL(nebula_allocator_stats_read);

/* An object of @size bytes was asked for, and served. Any context. */
void nebula_sizes_note(const struct nebula_allocator *a, size_t size)
{
	const unsigned int class = size ? ilog2(size) : 0;

	if (a->reg && a->reg->sizes)
		this_cpu_inc(a->reg->sizes->count[min(class, NEBULA_SIZE_CLASSES - 1U)]);
}

/**
 * nebula_allocator_sizes_read() - how often which sizes were asked for
 * @a: the allocator.
 * @sizes: filled in.
 *
 * Context: any.
 * Return: true; false when nobody counts them.
 */
bool nebula_allocator_sizes_read(const struct nebula_allocator *a, struct nebula_sizes *sizes)
{
	unsigned int i;
	int cpu;

	*sizes = (struct nebula_sizes){ };
	if (!a->reg || !a->reg->sizes)
		return false;
	for_each_possible_cpu(cpu) {
		const struct nebula_sizes_cpu *s = per_cpu_ptr(a->reg->sizes, cpu);

		for (i = 0; i < NEBULA_SIZE_CLASSES; i++)
			sizes->count[i] += READ_ONCE(s->count[i]);
	}
	return true;
}
EXPORT_SYMBOL_GPL(nebula_allocator_sizes_read);

/**
 * nebula_allocator_peak_reset() - begin a new peak
 * @a: the allocator; it may be in use.
 *
 * Context: process context; sleeps.
 * Return: as nebula_peak_reset().
 */
int nebula_allocator_peak_reset(struct nebula_allocator *a)
{
	const struct nebula_kind_ops *ops = nebula_kind_ops(a->kind);

	if (nebula_atomic_context())
		return nebula_fail(a, NEBULA_E_WRONG_CONTEXT, .what = "peak_reset");
	if (!ops->reset_peak)
		return nebula_fail(a, NEBULA_E_NOT_SUPPORTED, .what = "peak_reset");
	ops->reset_peak(a);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_allocator_peak_reset);
