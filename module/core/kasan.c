// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic KASAN sees the objects of allocators, also in the production preset: the memory of an
 * allocator is poisoned, and only live objects are not, to the byte.
 *
 *	| object 13 bytes |. redzone .| object 8 |. redzone .| free ............... |
 *	  00          05    fe          00         fe          ff
 *
 * The shadow has a byte for each granule of 8 bytes: 0 for one that may be used, 1 to 7 for one of
 * which only so many bytes may, and more for a poisoned one. So objects begin at granules, sizes
 * are rounded up to them, and a granule follows each object that belongs to none: an access to the
 * byte before or behind an object is a report, and so is one to what was freed, reset or rewound.
 * An allocator holds less than on other kernels. Free blocks of TYPESAFE_BY_RCU pools are left
 * alone: their readers are right.
 *
 * kasan_unpoison() is not exported, so the shadow is written here, as the kernel writes it. Memory
 * from pages always has a shadow, memory from vmalloc has one with CONFIG_KASAN_VMALLOC; else such
 * regions are left alone. What a caller lends is poisoned in whole granules, for allocators that
 * are registered; it is as it was when the allocator is gone.
 *
 * All code that reads or writes free memory itself - guards, the words of scratch memory - is
 * compiled without the checks, see Kbuild. This file is, too. Inline paths do not tell KASAN
 * anything, so an allocator with NEBULA_KASAN comes out of line.
 *
 * Any context, unless said otherwise.
 */
#include <linux/export.h>
#include <linux/kasan.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>
#include "allocator.h"
#include "kasan.h"
#include "region.h"

#ifdef CONFIG_KASAN_GENERIC

/* Values of the shadow, which say what a report is called. */
#define SHADOW_OUT_OF_BOUNDS	0xfe
#define SHADOW_FREE		0xff

static bool kasan_on = true;
module_param_named(kasan, kasan_on, bool, 0644);
MODULE_PARM_DESC(kasan, "new allocators show KASAN which of their memory is in use (default on)");

/* What a new allocator gets. */
u32 nebula_kasan_flag(void)
{
	return READ_ONCE(kasan_on) ? NEBULA_KASAN : 0;
}

/*
 * Bytes before a new region that are nothing but poisoned: else the byte before its first object
 * would be on another page, of any user. Not where pages of the highest order are asked for.
 */
size_t nebula_kasan_lead(size_t align)
{
	return READ_ONCE(kasan_on) ? max(PAGE_SIZE, align) : 0;
}

/* Set the module parameter. For tests. Returns the former value. */
bool nebula_kasan_override(bool on)
{
	return xchg(&kasan_on, on);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_kasan_override);

/* The granules that lie in @p to @p + @size as a whole. */
static void set_shadow(const void *p, size_t size, u8 value)
{
	const unsigned long from = ALIGN((unsigned long)p, NEBULA_KASAN_GRANULE);
	const unsigned long to = ALIGN_DOWN((unsigned long)p + size, NEBULA_KASAN_GRANULE);

	if (from < to)
		__memset(kasan_mem_to_shadow((const void *)from), value,
			 (to - from) / NEBULA_KASAN_GRANULE);
}

static bool has_shadow(const void *p)
{
	return IS_ENABLED(CONFIG_KASAN_VMALLOC) || !is_vmalloc_addr(p);
}

/* A region of @a, all free from @from on. Process context; any but NMI for one from pages. */
void nebula_kasan_map(const struct nebula_allocator *a, struct nebula_region *r, void *from)
{
	if (!(a->flags & NEBULA_KASAN) || !has_shadow(r->base))
		return;
	r->poisoned = true;
	if (r->backing != NEBULA_BUFFER)
		set_shadow(r->origin, r->base - r->origin, SHADOW_OUT_OF_BOUNDS);
	set_shadow(from, r->base + r->size - from, SHADOW_OUT_OF_BOUNDS);
}

/* Before the region goes back. As nebula_kasan_map(). */
void nebula_kasan_unmap(const struct nebula_region *r)
{
	if (!r->poisoned)
		return;
	if (r->backing != NEBULA_BUFFER)
		set_shadow(r->origin, r->origin_size, 0);
	else
		set_shadow(r->base, r->size, 0);
}

/* A region in which nothing is in use any more. */
void nebula_kasan_retire(const struct nebula_region *r)
{
	if (r->poisoned)
		set_shadow(r->base, r->size, SHADOW_FREE);
}

/* As nebula_kasan_alloc(), of an object that has granules of @room bytes for itself. */
void nebula_kasan_alloc_in(const struct nebula_allocator *a, const void *p, size_t size,
			   size_t room)
{
	const size_t whole = ALIGN_DOWN(size, NEBULA_KASAN_GRANULE);

	if (!(a->flags & NEBULA_KASAN) || !has_shadow(p))
		return;
	set_shadow(p, whole, 0);
	set_shadow(p + whole, room - whole, SHADOW_OUT_OF_BOUNDS);
	if (size > whole)
		*(u8 *)kasan_mem_to_shadow(p + whole) = size - whole;
}

/* Memory of @a is free again. */
void nebula_kasan_free(const struct nebula_allocator *a, const void *p, size_t size)
{
	if (a->flags & NEBULA_KASAN && has_shadow(p))
		set_shadow(p, size, SHADOW_FREE);
}

/* memset(), of memory that need not be in use. */
void nebula_kasan_fill(void *p, int c, size_t size)
{
	__memset(p, c, size);
}

/* memchr_inv(), of memory that need not be in use. */
const void *nebula_kasan_find_other(const void *p, int c, size_t size)
{
	const u64 word = 0x0101010101010101ULL * (u8)c;
	const u8 *at = p, *end = p + size;

	while (at < end) {
		if (IS_ALIGNED((unsigned long)at, sizeof(u64)) && end - at >= sizeof(u64) &&
		    *(const u64 *)at == word)
			at += sizeof(u64);
		else if (*at == (u8)c)
			at++;
		else
			return at;
	}
	return NULL;
}

#endif /* CONFIG_KASAN_GENERIC */
