/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What generic KASAN knows of the memory of allocators, see kasan.c. On other kernels all of this
 * is nothing.
 */
#ifndef _NEBULA_MODULE_CORE_KASAN_H
#define _NEBULA_MODULE_CORE_KASAN_H

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/string.h>
#include <linux/types.h>

struct nebula_allocator;
struct nebula_region;

#ifdef CONFIG_KASAN_GENERIC

/*
 * In &struct nebula_allocator.flags: what is free is poisoned, and so is a granule behind each
 * object.
 */
#define NEBULA_KASAN		BIT(28)

/* Bytes that one byte of the shadow stands for. */
#define NEBULA_KASAN_GRANULE	8UL

u32 nebula_kasan_flag(void);
size_t nebula_kasan_lead(size_t align);
bool nebula_kasan_override(bool on);
void nebula_kasan_map(const struct nebula_allocator *a, struct nebula_region *r, void *from);
void nebula_kasan_unmap(const struct nebula_region *r);
void nebula_kasan_retire(const struct nebula_region *r);
void nebula_kasan_alloc_in(const struct nebula_allocator *a, const void *p, size_t size,
			   size_t room);
void nebula_kasan_free(const struct nebula_allocator *a, const void *p, size_t size);
void nebula_kasan_fill(void *p, int c, size_t size);
const void *nebula_kasan_find_other(const void *p, int c, size_t size);

#else /* !CONFIG_KASAN_GENERIC */

#define NEBULA_KASAN		0U
#define NEBULA_KASAN_GRANULE	1UL

static inline u32 nebula_kasan_flag(void)
{
	return 0;
}

static inline size_t nebula_kasan_lead(size_t align)
{
	return 0;
}

static inline void nebula_kasan_map(const struct nebula_allocator *a, struct nebula_region *r,
				    void *from)
{
}

static inline void nebula_kasan_unmap(const struct nebula_region *r)
{
}

static inline void nebula_kasan_retire(const struct nebula_region *r)
{
}

static inline void nebula_kasan_alloc_in(const struct nebula_allocator *a, const void *p,
					 size_t size, size_t room)
{
}

static inline void nebula_kasan_free(const struct nebula_allocator *a, const void *p, size_t size)
{
}

static inline void nebula_kasan_fill(void *p, int c, size_t size)
{
	memset(p, c, size);
}

static inline const void *nebula_kasan_find_other(const void *p, int c, size_t size)
{
	return memchr_inv(p, c, size);
}

#endif /* CONFIG_KASAN_GENERIC */

/* Bytes to take for an object of @size bytes, so that it has granules of its own and one behind. */
static inline size_t nebula_kasan_room(u32 flags, size_t size)
{
	return flags & NEBULA_KASAN ? ALIGN(size, NEBULA_KASAN_GRANULE) + NEBULA_KASAN_GRANULE
				    : size;
}

/* The alignment to take it with. */
static inline size_t nebula_kasan_align(u32 flags, size_t align)
{
	return flags & NEBULA_KASAN && align < NEBULA_KASAN_GRANULE ? NEBULA_KASAN_GRANULE : align;
}

/* An object of @size bytes was allocated at @p, a multiple of the granule. Any context. */
static inline void nebula_kasan_alloc(const struct nebula_allocator *a, const void *p, size_t size)
{
	nebula_kasan_alloc_in(a, p, size,
			      ALIGN(size, NEBULA_KASAN_GRANULE) + NEBULA_KASAN_GRANULE);
}

#endif /* _NEBULA_MODULE_CORE_KASAN_H */
