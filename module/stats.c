// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics: what each kind counts, completed with what can be derived. Any context.
 */
#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/math64.h>
#include <linux/string.h>
#include "internal.h"

/* How full an allocator is. Any context. */
struct nebula_usage nebula_allocator_usage(const struct nebula_allocator *a)
{
	struct nebula_usage u = { };

	nebula_kind_ops(a->kind)->usage(a, &u);
	return u;
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

	for (code = 0; code < NEBULA_E_NR; code++) {
		st->failures[code] = (unsigned int)atomic_read(&a->failures[code]);
		st->failed += st->failures[code];
	}
	st->live = st->allocs - st->frees;
	if (st->capacity)
		st->utilisation = div64_u64(st->used * 1000, st->capacity);
}
EXPORT_SYMBOL_GPL(nebula_allocator_stats_read);
