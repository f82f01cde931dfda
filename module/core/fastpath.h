/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether the inline paths of an allocator serve. */
#ifndef _NEBULA_MODULE_CORE_FASTPATH_H
#define _NEBULA_MODULE_CORE_FASTPATH_H

#include <linux/bits.h>
#include <linux/bitops.h>
#include <nebula/allocator.h>

/* Why the inline paths of an allocator do not serve: bit numbers. */
enum nebula_attention {
	NEBULA_ATTEND_TRACE,	/* events of its kind are traced */
	NEBULA_ATTEND_FAIL,	/* its allocations may be made to fail */
};

void nebula_divert_new(struct nebula_allocator *a);
unsigned long nebula_divert_embedded(enum nebula_kind kind);
void nebula_divert_begin(enum nebula_kind kind);
void nebula_divert_end(enum nebula_kind kind);
void nebula_divert_named(void);
void nebula_divert_lock(void);
void nebula_divert_unlock(void);

/* The allocator is watched; fastpath.c says who may rely on it when. Any context. */
static inline bool nebula_is_diverted(const struct nebula_allocator *a)
{
	return READ_ONCE(a->attention);
}

#endif /* _NEBULA_MODULE_CORE_FASTPATH_H */
