/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's page fragments, made of a nebula_pool: what page_frag_test.c is compiled with in
 * place of <linux/page_frag_cache.h>. Its fragments are all of one size, which the first one tells,
 * and are freed without the cache that they came from, so there is one pool.
 */
#ifndef _NEBULA_PEERS_PAGE_FRAG_H
#define _NEBULA_PEERS_PAGE_FRAG_H

#include <linux/cache.h>
#include <linux/err.h>
#include <linux/page_frag_cache.h>
#include <nebula/nebula.h>

/* More than the ring of the test holds. */
#define PEER_FRAGMENTS	1024

static struct nebula_pool *peer_fragments;

/* One thread allocates. Process context. */
static inline void *peer_page_frag_alloc(struct page_frag_cache *nc, unsigned int size, gfp_t gfp)
{
	struct nebula_pool *p = READ_ONCE(peer_fragments);

	if (!p) {
		p = nebula_pool_create("page_frag", .block_size = size, .blocks = PEER_FRAGMENTS,
				       .align = SMP_CACHE_BYTES);
		if (IS_ERR(p))
			return NULL;
		smp_store_release(&peer_fragments, p);	/* Pairs with the ring of the test. */
	}
	return nebula_pool_try_alloc(p);
}

static inline void *peer_page_frag_alloc_align(struct page_frag_cache *nc, unsigned int size,
					       gfp_t gfp, unsigned int align)
{
	void *p = peer_page_frag_alloc(nc, size, gfp);

	WARN_ON(!IS_ALIGNED((unsigned long)p, align));
	return p;
}

static inline void peer_page_frag_free(void *p)
{
	nebula_pool_free(peer_fragments, p);
}

static inline void peer_page_frag_cache_drain(struct page_frag_cache *nc)
{
	nebula_pool_destroy(peer_fragments);
	peer_fragments = NULL;
}

#define page_frag_alloc		peer_page_frag_alloc
#define page_frag_alloc_align	peer_page_frag_alloc_align
#define page_frag_free		peer_page_frag_free
#define page_frag_cache_drain	peer_page_frag_cache_drain

#endif /* _NEBULA_PEERS_PAGE_FRAG_H */
