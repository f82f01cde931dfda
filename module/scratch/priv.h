/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to scratch memory: what its files know of each other.
 *
 *	scratch.c         get and put out of line, what the registry needs
 *	kind.c  configuration, create and destroy, init and exit
 *	inspect.c    validate, map, live: what debugfs shows
 */
#ifndef _NEBULA_MODULE_SCRATCH_H
#define _NEBULA_MODULE_SCRATCH_H

#include <linux/minmax.h>
#include <linux/percpu.h>
#include <nebula/scratch.h>
#include "../core/fastpath.h"
#include "../core/guard.h"
#include "../core/region.h"

/* Behind each object, and before the first. */
#define SCRATCH_WORD	sizeof(unsigned long)

/* Scratch memory made by create. */
struct nebula_scratch_heap {
	struct nebula_scratch scratch;		/* what the client sees */
	/* How to map a CPU's memory, all but its node. Invariant. */
	struct nebula_region_request request;
	struct nebula_region __percpu *regions;	/* Of each possible CPU. Invariant. */
};

static inline struct nebula_scratch *scratch_of(const struct nebula_allocator *a)
{
	return container_of(a, struct nebula_scratch, common);
}

static inline bool scratch_is_guarded(const struct nebula_scratch *s)
{
	return s->common.flags & NEBULA_DEBUG_FLAGS;
}

static inline bool scratch_is_inline(const struct nebula_scratch *s)
{
	return !(s->common.flags & (NEBULA_DEBUG_FLAGS | NEBULA_ZERO | NEBULA_INIT_ON_FREE |
				    NEBULA_KASAN));
}

/* Nor is it watched. */
static inline bool scratch_serves_inline(const struct nebula_scratch *s)
{
	return scratch_is_inline(s) && !nebula_fastpath_disabled(&s->common);
}

/* Bytes in use, as of some moment. */
static inline size_t scratch_used(const struct nebula_scratch_cpu *c)
{
	return clamp(READ_ONCE(c->cur), c->start, c->end) - c->start;
}

static inline size_t scratch_peak(const struct nebula_scratch_cpu *c)
{
	return max3(READ_ONCE(c->limit), READ_ONCE(c->peak), c->start) - c->start;
}

/* An object, as the words behind it tell. */
struct scratch_object {
	unsigned long base;	/* its first byte, or that of its guard */
	/* where it is given back to: with padding before it that begins earlier */
	unsigned long from;
	unsigned long words;	/* the first of the words behind it */
};

/* scratch.c */
extern const struct nebula_kind_ops scratch_ops;
bool scratch_read(const struct nebula_scratch_cpu *c, unsigned long cur, struct scratch_object *o);

/* kind.c */
void scratch_retire(struct nebula_allocator *a);
void scratch_release(struct nebula_allocator *a);

/* inspect.c */
unsigned int scratch_live(const struct nebula_scratch_cpu *c);
void scratch_render_live(struct nebula_allocator *a, struct nebula_text *t);
void scratch_render_map(struct nebula_allocator *a, struct nebula_text *t);
int scratch_validate(struct nebula_allocator *a, struct nebula_text *t);

#endif /* _NEBULA_MODULE_SCRATCH_H */
