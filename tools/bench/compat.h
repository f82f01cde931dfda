/* SPDX-License-Identifier: GPL-2.0-only */
/* The differences between kernels that the benchmark sees. */
#ifndef _NEBULA_BENCH_COMPAT_H
#define _NEBULA_BENCH_COMPAT_H

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mm_types.h>
#include <linux/slab.h>
#include <linux/version.h>

/* Since 6.13 page fragments have a header of their own, since 6.9 one call gives back the rest. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#include <linux/page_frag_cache.h>
#elif LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
static inline void page_frag_cache_drain(struct page_frag_cache *cache)
{
	if (cache->va)
		__page_frag_cache_drain(virt_to_head_page(cache->va), cache->pagecnt_bias);
	cache->va = NULL;
}
#endif

/* Since 6.18 a cache may have sheaves: arrays of free objects, for each CPU. */
#ifdef BENCH_HAS_SHEAVES
#define BENCH_SHEAF	252

static inline struct kmem_cache *bench_sheaf_cache(unsigned int size)
{
	struct kmem_cache_args args = { .sheaf_capacity = BENCH_SHEAF };

	return kmem_cache_create("nebula_bench", size, &args, 0);
}
#endif

#endif /* _NEBULA_BENCH_COMPAT_H */
