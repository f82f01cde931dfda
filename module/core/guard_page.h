/* SPDX-License-Identifier: GPL-2.0-only */
/* Sampled objects that lie at the end of a page of their own, see guard_page.c. */
#ifndef _NEBULA_MODULE_CORE_GUARD_PAGE_H
#define _NEBULA_MODULE_CORE_GUARD_PAGE_H

#include <linux/bitops.h>
#include <linux/types.h>
#include <nebula/allocator.h>
#include "fastpath.h"

void *nebula_guard_page_swap_slow(const struct nebula_allocator *a, void *block, size_t size,
				  size_t align);
void *nebula_guard_page_end(const struct nebula_allocator *a, void *obj, bool copy);
void *nebula_guard_page_object(const struct nebula_allocator *a, void *block);
bool nebula_guard_page_holds(const struct nebula_allocator *a, const void *p, size_t size);
void nebula_guard_page_drop(const struct nebula_allocator *a, bool for_ever);
bool nebula_guard_page_wanted(const char *name);
int nebula_guard_page_set(unsigned int every, const char *patterns);
void nebula_guard_page_flush(void);
int nebula_guard_page_init(void);
void nebula_guard_page_exit(void);

/*
 * What the client gets in place of @block, which has just been allocated for an object of @size
 * bytes: most often the block. Any context.
 */
static inline void *nebula_guard_page_swap(const struct nebula_allocator *a, void *block,
					   size_t size, size_t align)
{
	if (likely(!test_bit(NEBULA_SLOW_SAMPLE, &a->slow_reasons)))
		return block;
	return nebula_guard_page_swap_slow(a, block, size, align);
}

#endif /* _NEBULA_MODULE_CORE_GUARD_PAGE_H */
