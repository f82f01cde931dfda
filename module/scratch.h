/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to scratch memory: what its files know of each other.
 *
 *	scratch.c         get and put out of line, what the registry and debugfs need
 *	scratch_create.c  configuration, create and destroy, init and exit
 */
#ifndef _NEBULA_MODULE_SCRATCH_H
#define _NEBULA_MODULE_SCRATCH_H

#include <linux/percpu.h>
#include <nebula/scratch.h>
#include "guard.h"
#include "internal.h"

/* Behind each object, and before the first. */
#define SCRATCH_WORD	sizeof(unsigned long)

/**
 * struct nebula_scratch_heap - scratch memory made by create
 * @scratch: what the client sees.
 * @request: how to map a CPU's memory, all but its node. Invariant.
 * @regions: of each possible CPU. Invariant.
 */
struct nebula_scratch_heap {
	struct nebula_scratch scratch;
	struct nebula_region_request request;
	struct nebula_region __percpu *regions;
};

static inline bool scratch_is_guarded(const struct nebula_scratch *s)
{
	return s->common.flags & NEBULA_DEBUG_FLAGS;
}

static inline bool scratch_is_inline(const struct nebula_scratch *s)
{
	return !(s->common.flags & (NEBULA_DEBUG_FLAGS | NEBULA_ZERO));
}

/* scratch_create.c */
void scratch_take_down(struct nebula_scratch *s);

#endif /* _NEBULA_MODULE_SCRATCH_H */
