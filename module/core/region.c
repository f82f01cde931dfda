// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions: the contiguous memory that allocators serve from, taken from the page allocator, from
 * vmalloc, or lent by the caller.
 *
 * Mapping may sleep unless the gfp flags forbid it; without blocking only pages can be had, and
 * with NEBULA_GFP_NOLOCK only as many as kmalloc() calls cheap.
 * Unmapping vmalloc memory may sleep. A region is never touched here: it arrives uninitialised
 * unless __GFP_ZERO asks otherwise.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <trace/events/nebula.h>
#include "../compat.h"
#include "allocator.h"
#include "context.h"
#include "inject.h"
#include "kasan.h"
#include "region.h"
#include "text.h"

/* Any context, relaxed: each is exact on its own, and all agree once nothing is in flight. */
static atomic64_t mapped = ATOMIC64_INIT(0);
static atomic64_t unmapped = ATOMIC64_INIT(0);
static atomic64_t mapped_bytes = ATOMIC64_INIT(0);
static atomic64_t unmapped_bytes = ATOMIC64_INIT(0);

static const char *const backing_names[] = {
	[NEBULA_AUTO]		= "auto",
	[NEBULA_PAGES]		= "pages",
	[NEBULA_VMALLOC]	= "vmalloc",
	[NEBULA_BUFFER]		= "buffer",
};

static_assert(ARRAY_SIZE(backing_names) == NEBULA_BUFFER + 1);

/* Lines for debugfs' info; @backings: a bit for each that its regions have. Process context. */
void nebula_region_describe(const struct nebula_region_request *req, unsigned long backings,
			    struct nebula_text *t)
{
	/* None of ours warns. */
	const gfp_t gfp = (req->gfp | req->zone) & ~__GFP_NOWARN;
	char line[32] = "";
	size_t len = 0;
	unsigned int i;

	for_each_set_bit(i, &backings, ARRAY_SIZE(backing_names))
		len += scnprintf(line + len, sizeof(line) - len, "%s%s", len ? ", " : "",
				 backing_names[i]);
	nebula_text_key(t, "backing", "%s%s", line, req->backing == NEBULA_AUTO ? " (auto)" : "");
	if (req->node == NUMA_NO_NODE)
		nebula_text_key(t, "node", "any");
	else
		nebula_text_key(t, "node", "%d", req->node);
	nebula_text_key(t, "gfp", "%pGg", &gfp);
	if (req->budget)
		nebula_text_key(t, "budget", "%s", nebula_budget_name(req->budget));
}

/* cond_resched(), if @gfp lets the caller sleep. */
void nebula_cond_resched(gfp_t gfp)
{
	if (gfpflags_allow_blocking(gfp))
		cond_resched();
}

/* Context: as @gfp, any with NEBULA_GFP_NOLOCK. */
void *nebula_meta_alloc(size_t size, gfp_t gfp)
{
	if (nebula_fault_hit())
		return NULL;
	return gfp == NEBULA_GFP_NOLOCK ? compat_zalloc_nolock(size) : kzalloc(size, gfp);
}

/* Context: as @gfp, with which it was allocated. */
void nebula_meta_free(void *p, gfp_t gfp)
{
	if (gfp == NEBULA_GFP_NOLOCK)
		compat_free_nolock(p);
	else
		kfree(p);
}

/*
 * Pages without a lock, @size bytes, which is that of an order: they come as one compound page, so
 * none of them can go back before all do. kmemleak does not learn of them: it takes locks.
 */
static noinline void *pages_alloc_nolock(size_t size, const struct nebula_region_request *req)
{
	struct page *page;

	/* Pages of an order are aligned to it as far as the kernel's map of memory is. */
	if (!COMPAT_HAS_NOLOCK || req->zone || !IS_ALIGNED((unsigned long)__va(0), size) ||
	    nebula_fault_hit())
		return NULL;
	page = compat_alloc_pages_nolock(req->node, get_order(size));
	return page ? page_address(page) : NULL;
}

/* A power-of-two block of pages, cut to the pages asked for: the rest goes back at once. */
static void *block_alloc(size_t size, gfp_t gfp, int node)
{
	unsigned int order = get_order(size), i;
	struct page *page;

	if (order > COMPAT_MAX_PAGE_ORDER || nebula_fault_hit())
		return NULL;
	page = compat_alloc_pages_node(node, gfp | __GFP_NOWARN, order);
	if (!page)
		return NULL;

	split_page(page, order);
	for (i = size >> PAGE_SHIFT; i < 1U << order; i++)
		__free_page(page + i);
	/*
	 * The page allocator does not report to kmemleak; objects may be reachable through our
	 * memory alone.
	 */
	kmemleak_alloc(page_address(page), size, 1, gfp);
	return page_address(page);
}

static void pages_free(void *p, size_t size)
{
	struct page *page = virt_to_page(p);

	if (PageCompound(page)) {
		__free_pages(page, get_order(size));
		return;
	}
	kmemleak_free(p);
	free_pages_exact(p, size);
}

/*
 * Pages from which on @align, a power of two, there are *@size bytes; set to all that are taken for
 * that. A block is aligned to its size wherever the kernel's map of memory is, so the largest block
 * there is will do for itself.
 */
static void *pages_alloc(size_t *size, size_t align, gfp_t gfp, int node)
{
	void *p = block_alloc(*size, gfp, node);

	if (!p || align <= PAGE_SIZE || IS_ALIGNED((unsigned long)p, align))
		return p;
	pages_free(p, *size);
	*size += align - PAGE_SIZE;
	return block_alloc(*size, gfp, node);
}

/* Single pages of one node, mapped side by side. vfree() gives pages and array back. */
static void *vmap_alloc(size_t size, gfp_t gfp, int node)
{
	size_t nr = size >> PAGE_SHIFT, i;
	struct page **pages;
	void *p = NULL;

	/* As vmalloc(): or it would take all memory there is before it finds out. */
	if (nr > totalram_pages())
		return NULL;
	pages = nebula_array_alloc(nr, sizeof(*pages), gfp & ~__GFP_THISNODE, node);
	if (!pages)
		return NULL;
	for (i = 0; i < nr; i++) {
		pages[i] = compat_alloc_pages_node(node, gfp | __GFP_NOWARN, 0);
		if (!pages[i])
			goto free_pages;
	}
	p = vmap(pages, nr, VM_MAP | VM_MAP_PUT_PAGES, PAGE_KERNEL);
	if (p) {
		/* As in block_alloc(); vfree() reports the end of it. */
		kmemleak_alloc(p, size, 1, gfp);
		return p;
	}
free_pages:
	while (i--)
		__free_page(pages[i]);
	kvfree(pages);
	return NULL;
}

static void *vmalloc_alloc(size_t size, gfp_t gfp, int node)
{
	unsigned int saved;
	void *p;

	if (!gfpflags_allow_blocking(gfp) || nebula_fault_hit())
		return NULL;
	/* Page tables are allocated without our flags. */
	saved = nebula_gfp_scope_enter(gfp);
	if ((node == NUMA_NO_NODE || COMPAT_VMALLOC_TAKES_NODE) && !(gfp & ~COMPAT_VMALLOC_GFP))
		p = compat_vmalloc(size, gfp | __GFP_NOWARN, node);
	else
		p = vmap_alloc(size, gfp, node);
	nebula_gfp_scope_exit(gfp, saved);
	return p;
}

static int lend_buffer(struct nebula_region *r, const struct nebula_region_request *req)
{
	unsigned long start = (unsigned long)req->buffer;
	unsigned long base = req->align ? ALIGN(start, req->align) : start;

	if (base < start || base - start >= req->size)
		return -EINVAL;
	*r = (struct nebula_region){
		.base = (void *)base,
		.size = req->size - (base - start),
		.origin = req->buffer,
		.origin_size = req->size,
		.backing = NEBULA_BUFFER,
	};
	return 0;
}

/* Backing memory is aligned to pages; a stricter base costs the difference. */
static void *aligned_vmalloc(size_t *size, size_t align, gfp_t gfp, int node)
{
	if (align > PAGE_SIZE)
		*size += align - PAGE_SIZE;
	return vmalloc_alloc(*size, gfp, node);
}

/* Cheap: the page allocator serves these orders without compacting or reclaiming hard. */
static void *auto_alloc(size_t *size, size_t align, gfp_t gfp, int node,
			enum nebula_backing *backing)
{
	const bool cheap = get_order(*size) <= PAGE_ALLOC_COSTLY_ORDER;
	const bool blocking = gfpflags_allow_blocking(gfp);
	const size_t usable = *size;
	void *p = NULL;

	*backing = NEBULA_PAGES;
	if (cheap || !blocking)
		p = pages_alloc(size, align, blocking ? gfp | __GFP_NORETRY : gfp, node);
	if (p || !blocking)
		return p;
	*backing = NEBULA_VMALLOC;
	*size = usable;
	return aligned_vmalloc(size, align, gfp, node);
}

static void *memory_alloc(const struct nebula_region_request *req, size_t *size,
			  enum nebula_backing *backing)
{
	if (req->gfp == NEBULA_GFP_NOLOCK) {
		*backing = NEBULA_PAGES;
		return pages_alloc_nolock(*size, req);
	}
	switch (*backing) {
	case NEBULA_PAGES:
		return pages_alloc(size, req->align, req->gfp | req->zone, req->node);
	case NEBULA_VMALLOC:
		return aligned_vmalloc(size, req->align, req->gfp, req->node);
	default:
		return auto_alloc(size, req->align, req->gfp, req->node, backing);
	}
}

/* NULL is fine. */
static void memory_free(void *p, size_t size, enum nebula_backing backing)
{
	if (!p)
		return;
	if (backing == NEBULA_PAGES)
		pages_free(p, size);
	else if (backing == NEBULA_VMALLOC)
		vfree(p);
}

/* None of our requests warns, but what a budget refuses is recorded. */
static int budget_charge(const struct nebula_region_request *req, size_t size)
{
	switch (nebula_budget_charge_gfp(req->budget, size, req->gfp & ~__GFP_NOWARN)) {
	case 0:
		return 0;
	case -E2BIG:
		return NEBULA_REGION_OVER_BUDGET;
	default:
		return NEBULA_REGION_NO_BUDGET;
	}
}

/* Before the memory is asked for, or others would have to do without it for a moment. */
static int budget_enter(const struct nebula_region_request *req, size_t size)
{
	const int ret = req->budget ? budget_charge(req, size) : 0;

	if (req->budget && !ret)
		nebula_budget_attach(req->budget);
	return ret;
}

/* A stricter alignment may have taken more. */
static int budget_adjust(const struct nebula_region_request *req, size_t size, size_t taken)
{
	return req->budget && taken > size ? budget_charge(req, taken - size) : 0;
}

static void budget_leave(struct nebula_budget *budget, size_t size)
{
	if (!budget)
		return;
	nebula_budget_uncharge(budget, size);
	nebula_budget_detach(budget);
}

/*
 * Get memory for an allocator. Context: as @req->gfp, any with NEBULA_GFP_NOLOCK. Sleeps if it
 * allows blocking.
 * Returns 0, -EINVAL for a buffer that is too small once aligned, -EOVERFLOW when the size cannot
 * be represented, -E2BIG for more NEBULA_PAGES than there ever are in one piece, -ENOMEM,
 * NEBULA_REGION_NO_BUDGET or NEBULA_REGION_OVER_BUDGET, which the budget has recorded.
 */
int nebula_region_map(struct nebula_region *r, const struct nebula_region_request *req)
{
	enum nebula_backing backing = req->backing;
	size_t origin_size, size, charged, lead;
	void *p;
	int ret;

	if (backing == NEBULA_BUFFER)
		return lend_buffer(r, req);

	if (!req->size || req->size > NEBULA_CAPACITY_MAX || req->align > NEBULA_CAPACITY_MAX)
		return -EOVERFLOW;
	size = PAGE_ALIGN(req->size);
	if (backing == NEBULA_PAGES && get_order(size) > COMPAT_MAX_PAGE_ORDER)
		return -E2BIG;
	lead = nebula_kasan_lead(req->align);
	if (get_order(size + lead) > COMPAT_MAX_PAGE_ORDER || req->gfp == NEBULA_GFP_NOLOCK)
		lead = 0;
	charged = size + lead;
	if (req->gfp == NEBULA_GFP_NOLOCK)
		charged = PAGE_SIZE << get_order(max(size, req->align));
	origin_size = charged;
	ret = budget_enter(req, charged);
	if (ret)
		return ret;
	p = memory_alloc(req, &origin_size, &backing);
	ret = p ? budget_adjust(req, charged, origin_size) : -ENOMEM;
	if (ret) {
		memory_free(p, origin_size, backing);
		budget_leave(req->budget, charged);
		return ret;
	}

	*r = (struct nebula_region){
		.base = req->align ? PTR_ALIGN(p + lead, req->align) : p + lead,
		.size = size,
		.origin = p,
		.origin_size = origin_size,
		.backing = backing,
		.budget = req->budget,
	};
	atomic64_inc(&mapped);
	atomic64_add(origin_size, &mapped_bytes);
	trace_region_map(p, origin_size, backing_names[backing]);
	return 0;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_region_map);

/*
 * Give a region back to where it came from. Process context for vmalloc memory, any but NMI for
 * pages.
 */
void nebula_region_unmap(struct nebula_region *r)
{
	nebula_kasan_unmap(r);
	if (r->backing == NEBULA_PAGES || r->backing == NEBULA_VMALLOC) {
		trace_region_unmap(r->origin, r->origin_size, backing_names[r->backing]);
		atomic64_inc(&unmapped);
		atomic64_add(r->origin_size, &unmapped_bytes);
	}
	memory_free(r->origin, r->origin_size, r->backing);
	budget_leave(r->budget, r->origin_size);
	*r = (struct nebula_region){ };
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_region_unmap);

/* All that was ever mapped and unmapped. Any context. */
void nebula_region_totals(struct nebula_region_totals *t)
{
	t->unmapped = atomic64_read(&unmapped);
	t->unmapped_bytes = atomic64_read(&unmapped_bytes);
	t->mapped = atomic64_read(&mapped);
	t->mapped_bytes = atomic64_read(&mapped_bytes);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_region_totals);
