// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics: what each kind counts, completed with what can be derived. Any context.
 */
#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/math64.h>
#include <linux/string.h>
#include "internal.h"

/**
 * nebula_allocator_stats_read() - the statistics of an allocator
 * @a: the allocator.
 * @st: filled in.
 *
 * Context: any.
 */
void nebula_allocator_stats_read(const struct nebula_allocator *a, struct nebula_stats *st)
{
	unsigned int code;

	memset(st, 0, sizeof(*st));
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
