/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory operations that the kernel has not: alignments that are checked, a maximum in one atomic
 * step, and copies with wide vector registers.
 *
 * nebula_copy(), nebula_fill() and nebula_compare() are memcpy(), memset() and memcmp() up to a
 * length that is measured when the module is loaded, with the price of saving and restoring the
 * vector registers in it; see "copy from", "fill from" and "compare from" in info. From there on
 * AVX-512, AVX2 or NEON serve. Where vectors never win, or may not be used, they are those
 * functions at every length.
 */
#ifndef _NEBULA_MEMOPS_H
#define _NEBULA_MEMOPS_H

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/const.h>
#include <linux/prefetch.h>
#include <linux/string.h>
#include <nebula/config.h>

/* 0, or no constant expression when @a is a constant and no power of two. */
#define nebula_align_check(a)								\
	BUILD_BUG_ON_ZERO(__builtin_choose_expr(__is_constexpr(a),			\
						!(a) || ((a) & ((a) - 1)), 0))

/**
 * nebula_align_up() - the next multiple of an alignment
 * @x: an integer.
 * @a: a power of two; a constant that is none does not compile.
 *
 * A constant expression for constants.
 *
 * Return: the least multiple of @a that is not less than @x.
 */
#define nebula_align_up(x, a)	(ALIGN((x), (a)) + nebula_align_check(a))

/**
 * nebula_align_down() - the last multiple of an alignment
 * @x: an integer.
 * @a: a power of two; a constant that is none does not compile.
 *
 * A constant expression for constants.
 *
 * Return: the greatest multiple of @a that is not more than @x.
 */
#define nebula_align_down(x, a)	(ALIGN_DOWN((x), (a)) + nebula_align_check(a))

/**
 * nebula_is_aligned() - is it a multiple of an alignment?
 * @x: an integer.
 * @a: a power of two; a constant that is none does not compile.
 *
 * A constant expression for constants.
 *
 * Return: whether it is.
 */
#define nebula_is_aligned(x, a)	(IS_ALIGNED((x), (a)) && !nebula_align_check(a))

/**
 * nebula_padding() - bytes up to the next multiple of an alignment
 * @x: an integer.
 * @a: a power of two; a constant that is none does not compile.
 *
 * A constant expression for constants.
 *
 * Return: 0 to @a - 1.
 */
#define nebula_padding(x, a)								\
	(((0UL - (unsigned long)(x)) & ((unsigned long)(a) - 1)) + nebula_align_check(a))

/**
 * nebula_prefetch() - ask for memory that is needed soon
 * @p: the memory; any address is fine.
 * @bytes: how much.
 *
 * Context: any.
 */
static inline void nebula_prefetch(const void *p, size_t bytes)
{
	prefetch_range((void *)p, bytes);
}

/**
 * nebula_atomic_max() - raise a number to at least another one
 * @v: the number.
 * @x: the other one.
 *
 * Writes nothing when it is as large already.
 *
 * Context: any.
 */
static inline void nebula_atomic_max(atomic_long_t *v, long x)
{
	long old = atomic_long_read(v);

	while (x > old && !atomic_long_try_cmpxchg(v, &old, x))
		;
}

/* Lengths from which on vectors win; SIZE_MAX where they never do. Written while it is loaded. */
struct nebula_memops {
	size_t copy_from;
	size_t fill_from;
	size_t compare_from;
};

extern struct nebula_memops nebula_memops;

void *nebula_copy_wide(void *dst, const void *src, size_t n);
void *nebula_fill_wide(void *dst, int c, size_t n);
int nebula_compare_wide(const void *a, const void *b, size_t n);

/**
 * nebula_copy_nt() - copy memory past the caches
 * @dst: where to.
 * @src: where from; the two do not overlap.
 * @n: bytes.
 *
 * For what is larger than the cache and not read again soon: what the cache has stays there.
 *
 * Context: any.
 * Return: @dst.
 */
void *nebula_copy_nt(void *dst, const void *src, size_t n);

/**
 * nebula_copy() - copy memory
 * @dst: where to.
 * @src: where from; the two do not overlap.
 * @n: bytes.
 *
 * Context: any; without vectors where those may not be used.
 * Return: @dst.
 */
static __always_inline void *nebula_copy(void *dst, const void *src, size_t n)
{
	if (likely(n < nebula_memops.copy_from))
		return memcpy(dst, src, n);
	return nebula_copy_wide(dst, src, n);
}

/**
 * nebula_fill() - fill memory with a byte
 * @dst: the memory.
 * @c: the byte.
 * @n: bytes.
 *
 * Context: any; without vectors where those may not be used.
 * Return: @dst.
 */
static __always_inline void *nebula_fill(void *dst, int c, size_t n)
{
	if (likely(n < nebula_memops.fill_from))
		return memset(dst, c, n);
	return nebula_fill_wide(dst, c, n);
}

/**
 * nebula_compare() - compare memory
 * @a: one part.
 * @b: the other one.
 * @n: bytes.
 *
 * Context: any; without vectors where those may not be used.
 * Return: less than, equal to or greater than 0, as memcmp().
 */
static __always_inline int nebula_compare(const void *a, const void *b, size_t n)
{
	if (likely(n < nebula_memops.compare_from))
		return memcmp(a, b, n);
	return nebula_compare_wide(a, b, n);
}

#endif /* _NEBULA_MEMOPS_H */
