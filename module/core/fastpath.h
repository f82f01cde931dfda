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
	NEBULA_ATTEND_PEAK,	/* its owner shall begin a new peak */
};

void nebula_divert_new(struct nebula_allocator *a);
unsigned long nebula_divert_embedded(enum nebula_kind kind);
void nebula_divert_begin(enum nebula_kind kind);
void nebula_divert_end(enum nebula_kind kind);
void nebula_divert_named(void);
void nebula_divert_owner(struct nebula_allocator *a, enum nebula_attention bit,
			 void (*divert)(struct nebula_allocator *a));

/* The allocator is watched; fastpath.c says who may rely on it when. Any context. */
static inline bool nebula_is_diverted(const struct nebula_allocator *a)
{
	return READ_ONCE(a->attention);
}

static inline bool nebula_attends(const struct nebula_allocator *a, enum nebula_attention bit)
{
	return READ_ONCE(a->attention) & BIT(bit);
}

/* The owner has done what was asked of it once. */
static inline void nebula_attended(struct nebula_allocator *a, enum nebula_attention bit)
{
	clear_bit(bit, &a->attention);
}

#endif /* _NEBULA_MODULE_CORE_FASTPATH_H */
