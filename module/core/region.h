/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that allocators serve from. */
#ifndef _NEBULA_MODULE_CORE_REGION_H
#define _NEBULA_MODULE_CORE_REGION_H

#include <linux/gfp.h>
#include <linux/types.h>
#include <nebula/config.h>

struct nebula_budget;
struct nebula_text;

/**
 * struct nebula_region - memory that an allocator serves from
 * @base: first usable byte, aligned as asked for.
 * @size: usable bytes.
 * @origin: what the backing allocator returned.
 * @origin_size: bytes taken from the backing allocator.
 * @backing: where it came from; never %NEBULA_AUTO.
 * @budget: charged for @origin_size, or %NULL.
 */
struct nebula_region {
	void *base;
	size_t size;
	void *origin;
	size_t origin_size;
	enum nebula_backing backing;
	struct nebula_budget *budget;
};

/**
 * struct nebula_region_request - what a region is to be
 * @size: bytes; rounded up to pages unless @backing is %NEBULA_BUFFER.
 * @align: alignment of the base, a power of two, bytes; 0 means none beyond the backing's own.
 * @backing: where it comes from.
 * @gfp: flags, as nebula_gfp_complete() leaves them (0 is not replaced).
 * @zone: %__GFP_DMA or %__GFP_DMA32, or 0; not in @gfp, which what lies beside a region takes, too.
 * @node: NUMA node or %NUMA_NO_NODE.
 * @buffer: the memory, for %NEBULA_BUFFER.
 * @budget: charged for what is taken from the backing allocator, or %NULL.
 */
struct nebula_region_request {
	size_t size;
	size_t align;
	enum nebula_backing backing;
	gfp_t gfp;
	gfp_t zone;
	int node;
	void *buffer;
	struct nebula_budget *budget;
};

/**
 * struct nebula_region_totals - all that ever went between us and the backing allocators
 * @mapped: regions mapped.
 * @unmapped: regions unmapped.
 * @mapped_bytes: bytes taken from the backing allocators.
 * @unmapped_bytes: bytes given back to them.
 */
struct nebula_region_totals {
	u64 mapped;
	u64 unmapped;
	u64 mapped_bytes;
	u64 unmapped_bytes;
};

/* What nebula_region_map() returns when the budget has no room, and for one too large for it. */
#define NEBULA_REGION_NO_BUDGET		(-EDQUOT)
#define NEBULA_REGION_OVER_BUDGET	(-EFBIG)

int nebula_region_map(struct nebula_region *r, const struct nebula_region_request *req);
void nebula_region_unmap(struct nebula_region *r);
void nebula_region_totals(struct nebula_region_totals *t);

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
