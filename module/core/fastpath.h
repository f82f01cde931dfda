/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether the inline paths of an allocator serve. */
#ifndef _NEBULA_MODULE_CORE_FASTPATH_H
#define _NEBULA_MODULE_CORE_FASTPATH_H

#include <linux/bits.h>
#include <linux/bitops.h>
#include <nebula/allocator.h>

/* Why the inline paths of an allocator do not serve: bit numbers. */
enum nebula_slow_reason {
	NEBULA_SLOW_TRACE,	/* events of its kind are traced */
	NEBULA_SLOW_FAIL,	/* its allocations may be made to fail */
	NEBULA_SLOW_SAMPLE,	/* some of its objects get a guarded page */
};

void nebula_fastpath_init(struct nebula_allocator *a);
unsigned long nebula_fastpath_embedded(enum nebula_kind kind);
void nebula_fastpath_disable(enum nebula_kind kind);
void nebula_fastpath_enable(enum nebula_kind kind);
void nebula_fastpath_update_named(void);
void nebula_fastpath_update_sampled(void);
void nebula_fastpath_lock(void);
void nebula_fastpath_unlock(void);

/* The allocator is watched; fastpath.c says who may rely on it when. Any context. */
static inline bool nebula_fastpath_disabled(const struct nebula_allocator *a)
{
	return READ_ONCE(a->slow_reasons);
}

#endif /* _NEBULA_MODULE_CORE_FASTPATH_H */
