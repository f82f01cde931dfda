/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's DMA pool, made of a nebula_pool that grows: what dmapool_test.c is compiled with in
 * place of <linux/dmapool.h>. The device is one without an IOMMU: bus addresses are physical ones.
 */
#ifndef _NEBULA_PEERS_DMAPOOL_H
#define _NEBULA_PEERS_DMAPOOL_H

#include <linux/dmapool.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <nebula/nebula.h>

/* A block whose alignment is its size rounded up crosses no boundary that is larger. */
static inline struct nebula_pool *peer_dma_pool_create(const char *name, struct device *dev,
						       size_t size, size_t align, size_t boundary)
{
	struct nebula_pool *p;

	if (boundary)
		align = max(align, roundup_pow_of_two(size));
	p = nebula_pool_create("dmapool", .block_size = size, .align = min(align, PAGE_SIZE),
			       .blocks = 64, .max_blocks = SZ_1M,
			       .flags = NEBULA_GROW | NEBULA_DMA, .backing = NEBULA_PAGES);
	return IS_ERR(p) ? NULL : p;
}

static inline void *peer_dma_pool_alloc(struct nebula_pool *p, gfp_t gfp, dma_addr_t *handle)
{
	void *v = nebula_pool_alloc_gfp(p, gfp);

	if (v)
		*handle = virt_to_phys(v);
	return v;
}

static inline void peer_dma_pool_free(struct nebula_pool *p, void *v, dma_addr_t handle)
{
	if (WARN_ON(handle != virt_to_phys(v)))
		return;
	nebula_pool_free(p, v);
}

#define dma_pool		nebula_pool
#define dma_pool_create		peer_dma_pool_create
#define dma_pool_alloc		peer_dma_pool_alloc
#define dma_pool_free		peer_dma_pool_free
#define dma_pool_destroy	nebula_pool_destroy

#endif /* _NEBULA_PEERS_DMAPOOL_H */
