/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that allocators serve from. */
#ifndef _NEBULA_MODULE_CORE_REGION_H
#define _NEBULA_MODULE_CORE_REGION_H

#include <linux/gfp.h>
#include <linux/types.h>
#include <nebula/config.h>

struct nebula_budget;
struct nebula_error;
struct nebula_text;

/* Memory that an allocator serves from. */
struct nebula_region {
	void *base;			/* first usable byte, aligned as asked for */
	size_t size;			/* usable bytes */
	void *origin;			/* what the backing allocator returned */
	size_t origin_size;		/* bytes taken from the backing allocator */
	enum nebula_backing backing;	/* where it came from; never NEBULA_AUTO */
	struct nebula_budget *budget;	/* charged for @origin_size, or NULL */
	bool poisoned;			/* KASAN knows what is free in it, see kasan.c */
};

/* What a region is to be. */
struct nebula_region_request {
	size_t size;	/* bytes; rounded up to pages unless @backing is NEBULA_BUFFER */
	/* alignment of the base, a power of two, bytes; 0 means none beyond the backing's own */
	size_t align;
	enum nebula_backing backing;	/* where it comes from */
	gfp_t gfp;	/* flags, as nebula_gfp_complete() leaves them (0 is not replaced) */
	/*
	 * %__GFP_DMA or %__GFP_DMA32, or 0; not in @gfp, which what lies beside a region takes, too
	 */
	gfp_t zone;
	int node;	/* NUMA node or NUMA_NO_NODE */
	void *buffer;	/* the memory, for NEBULA_BUFFER */
	/* charged for what is taken from the backing allocator, or NULL */
	struct nebula_budget *budget;
};

/* All that ever went between us and the backing allocators. */
struct nebula_region_totals {
	u64 mapped;		/* regions mapped */
	u64 unmapped;		/* regions unmapped */
	u64 mapped_bytes;	/* bytes taken from the backing allocators */
	u64 unmapped_bytes;	/* bytes given back to them */
};

/* Bytes by which allocators grow in place, unless an object is larger: what is cheap to get. */
#define NEBULA_IN_PLACE_MAX		(PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)

/* What nebula_region_map() returns when the budget has no room, and for one too large for it. */
#define NEBULA_REGION_NO_BUDGET		(-EDQUOT)
#define NEBULA_REGION_OVER_BUDGET	(-EFBIG)

int nebula_region_map(struct nebula_region *r, const struct nebula_region_request *req);
void nebula_region_unmap(struct nebula_region *r);
void nebula_region_totals(struct nebula_region_totals *t);

/* budget/ */

struct module;

bool nebula_budget_blame(const struct nebula_budget *b, struct nebula_error *err, size_t bytes);
void nebula_budget_forget(struct module *gone);
void nebula_budget_attach(struct nebula_budget *b);
void nebula_budget_detach(struct nebula_budget *b);

/* cache/clock.c */

int nebula_cache_init(void);
void nebula_cache_exit(void);
unsigned long nebula_cache_shrink(unsigned long n);

void nebula_region_describe(const struct nebula_region_request *req, unsigned long backings,
			    struct nebula_text *t);

u32 nebula_init_flags(u32 flags, bool keeps);
u32 nebula_init_override(u32 flags);
bool nebula_gfp_valid(gfp_t gfp, const struct nebula_region_request *req);
void *nebula_array_alloc(size_t n, size_t size, gfp_t gfp, int node);

#endif /* _NEBULA_MODULE_CORE_REGION_H */
