// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics: what each kind counts, completed with what can be derived. Any context but where it
 * says otherwise.
 *
 * A read takes no lock and stops no CPU: it adds up words while other contexts change them. So it
 * is exact when no operation is in flight, and otherwise may be off by those that are, as vmstat
 * is. Nothing that a read sees is stored, so a wrong sum is gone with the next read. Kinds clamp
 * what they derive, because a sum of words of different moments can be less than zero.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/string.h>
#include "../error/error.h"
#include "allocator.h"
#include "context.h"
#include "fastpath.h"
#include "stats.h"

/* How full an allocator is. Any context. */
struct nebula_usage nebula_allocator_usage(const struct nebula_allocator *a)
{
	struct nebula_usage u = { };

	a->ops->usage(a, &u);
	return u;
}

/* @part of @whole, @scale being all of it; less exact when that takes more than 64 bits. */
u64 nebula_share(u64 part, u64 whole, unsigned int scale)
{
	if (part <= div_u64(U64_MAX, scale))
		return whole ? div64_u64(part * scale, whole) : 0;
	return div64_u64(part, max_t(u64, div_u64(whole, scale), 1));
}

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
	a->ops->stats(a, st);
	/* Another CPU may free an object before the one that allocates it has counted that. */
	st->frees = min(st->frees, st->allocs);

	for (code = 0; code < NEBULA_E_NR; code++) {
		st->failures[code] = (unsigned long)atomic_long_read(&a->failures[code]);
		st->failed += st->failures[code];
	}
	st->live = st->allocs - st->frees;
	st->utilisation = nebula_share(st->used, st->capacity, 1000);
}
EXPORT_SYMBOL_GPL(nebula_allocator_stats_read);

/* Bytes in use, of which the peak is noted. Any context. */
size_t nebula_traffic_used(const struct nebula_custom_cpu __percpu *cpus, unsigned long *peak)
{
	unsigned long in = 0, out = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		in += READ_ONCE(per_cpu_ptr(cpus, cpu)->bytes_in);
	smp_rmb();	/* Frees last: the peak must not be more than was in use at once. */
	for_each_possible_cpu(cpu)
		out += READ_ONCE(per_cpu_ptr(cpus, cpu)->bytes_out);
	in -= min(in, out);
	nebula_peak_raise(peak, in);
	return in;
}

/*
 * An object of @size bytes was served. The sum over all CPUs is taken only once this CPU has more
 * in use than it had then, and its part of a sixteenth of everything, so that is how much of the
 * peak may be missed between reads. Any context.
 */
void nebula_traffic_in(struct nebula_custom_cpu __percpu *cpus, unsigned long *peak, size_t size)
{
	long here;

	this_cpu_inc(cpus->allocs);
	smp_wmb();	/* Pairs with smp_rmb() in nebula_traffic_used(): frees before are seen. */
	this_cpu_add(cpus->bytes_in, size);
	here = this_cpu_read(cpus->bytes_in) - this_cpu_read(cpus->bytes_out);
	if (here > this_cpu_read(cpus->high))
		this_cpu_write(cpus->high, here + nebula_traffic_used(cpus, peak) /
					   (16 * num_online_cpus()));
}

/* What is in use now is the peak from now on. Any context. */
void nebula_traffic_reset_peak(struct nebula_custom_cpu __percpu *cpus, unsigned long *peak)
{
	int cpu;

	WRITE_ONCE(*peak, 0);
	nebula_traffic_used(cpus, peak);
	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu_ptr(cpus, cpu)->high, LONG_MIN);
}

/* What all CPUs did. Any context. */
void nebula_traffic_stats(const struct nebula_custom_cpu __percpu *cpus, struct nebula_stats *st)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct nebula_custom_cpu *pc = per_cpu_ptr(cpus, cpu);

		st->allocs += READ_ONCE(pc->allocs);
		st->frees += READ_ONCE(pc->frees);
		st->bytes_in += READ_ONCE(pc->bytes_in);
		st->bytes_out += READ_ONCE(pc->bytes_out);
	}
}

/* An object of @size bytes was asked for, and served. Any context. */
void nebula_sizes_note(const struct nebula_allocator *a, size_t size)
{
	const unsigned int class = size ? ilog2(size) : 0;

	if (a->reg && a->reg->sizes)
		this_cpu_inc(a->reg->sizes->count[min(class, NEBULA_SIZE_CLASSES - 1U)]);
}

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

int nebula_allocator_peak_reset(struct nebula_allocator *a)
{
	if (nebula_atomic_context())
		return nebula_fail(a, NEBULA_E_WRONG_CONTEXT, .what = "peak_reset");
	if (!a->ops->reset_peak)
		return nebula_fail(a, NEBULA_E_NOT_SUPPORTED, .what = "peak_reset");
	nebula_fastpath_lock();
	a->ops->reset_peak(a);
	nebula_fastpath_unlock();
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_allocator_peak_reset);
