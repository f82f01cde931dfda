// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies, fills and comparisons with 32-byte vectors, and from which length on they are worth it.
 *
 * Vector registers may be used between kernel_fpu_begin() and kernel_fpu_end(), with preemption
 * off, and not where irq_fpu_usable() says no: an interrupt on top of such a section, an NMI. There
 * the kernel's functions serve. A long operation is done in pieces, so that preemption is never off
 * for longer than a piece takes.
 *
 * When the module is loaded each operation is timed against the kernel's, both as a client would
 * call them, registers saved and restored, at doubling lengths. It is worth it from the least
 * length on at which it takes at most 7/8 of the time, as it does at all larger ones; at none, the
 * default is the kernel's function for every length.
 *
 * The non-temporal copy stores past the caches with general registers, so it needs no such section.
 */
#include <linux/export.h>
#include <linux/init.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/timex.h>
#include <nebula/memops.h>
#include "memops.h"
#include "text.h"

/* Bytes between two moments at which the task may be preempted. */
#define PIECE		SZ_64K

struct nebula_memops nebula_memops __read_mostly = { SIZE_MAX, SIZE_MAX, SIZE_MAX };
EXPORT_SYMBOL_GPL(nebula_memops);

/* UML has the processor, but not its registers. */
#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)

#include <asm/cpufeature.h>
#include <asm/fpu/api.h>

#define VECTORS		128	/* bytes of one round */

static bool may_use_vectors(void)
{
	return boot_cpu_has(X86_FEATURE_AVX2) && irq_fpu_usable();
}

/* @n is a multiple of VECTORS, and not 0. */
static void copy_rounds(void *dst, const void *src, size_t n)
{
	asm volatile("1:	vmovdqu	(%[src]), %%ymm0\n"
		     "	vmovdqu	32(%[src]), %%ymm1\n"
		     "	vmovdqu	64(%[src]), %%ymm2\n"
		     "	vmovdqu	96(%[src]), %%ymm3\n"
		     "	vmovdqu	%%ymm0, (%[dst])\n"
		     "	vmovdqu	%%ymm1, 32(%[dst])\n"
		     "	vmovdqu	%%ymm2, 64(%[dst])\n"
		     "	vmovdqu	%%ymm3, 96(%[dst])\n"
		     "	add	$128, %[src]\n"
		     "	add	$128, %[dst]\n"
		     "	sub	$128, %[n]\n"
		     "	jnz	1b\n"
		     "	vzeroupper\n"
		     : [dst] "+r" (dst), [src] "+r" (src), [n] "+r" (n) : : "memory", "cc");
}

static void fill_rounds(void *dst, int c, size_t n)
{
	asm volatile("	vmovd	%[c], %%xmm0\n"
		     "	vpbroadcastb	%%xmm0, %%ymm0\n"
		     "1:	vmovdqu	%%ymm0, (%[dst])\n"
		     "	vmovdqu	%%ymm0, 32(%[dst])\n"
		     "	vmovdqu	%%ymm0, 64(%[dst])\n"
		     "	vmovdqu	%%ymm0, 96(%[dst])\n"
		     "	add	$128, %[dst]\n"
		     "	sub	$128, %[n]\n"
		     "	jnz	1b\n"
		     "	vzeroupper\n"
		     : [dst] "+r" (dst), [n] "+r" (n) : [c] "r" (c) : "memory", "cc");
}

/* Bytes before the round that has the first difference, or @n. */
static size_t equal_rounds(const void *a, const void *b, size_t n)
{
	size_t left = n;
	unsigned int mask;

	asm volatile("1:	vmovdqu	(%[a]), %%ymm0\n"
		     "	vmovdqu	32(%[a]), %%ymm1\n"
		     "	vmovdqu	64(%[a]), %%ymm2\n"
		     "	vmovdqu	96(%[a]), %%ymm3\n"
		     "	vpcmpeqb	(%[b]), %%ymm0, %%ymm0\n"
		     "	vpcmpeqb	32(%[b]), %%ymm1, %%ymm1\n"
		     "	vpcmpeqb	64(%[b]), %%ymm2, %%ymm2\n"
		     "	vpcmpeqb	96(%[b]), %%ymm3, %%ymm3\n"
		     "	vpand	%%ymm1, %%ymm0, %%ymm0\n"
		     "	vpand	%%ymm3, %%ymm2, %%ymm2\n"
		     "	vpand	%%ymm2, %%ymm0, %%ymm0\n"
		     "	vpmovmskb	%%ymm0, %[mask]\n"
		     "	cmp	$-1, %[mask]\n"
		     "	jne	2f\n"
		     "	add	$128, %[a]\n"
		     "	add	$128, %[b]\n"
		     "	sub	$128, %[left]\n"
		     "	jnz	1b\n"
		     "2:	vzeroupper\n"
		     : [a] "+r" (a), [b] "+r" (b), [left] "+r" (left), [mask] "=&r" (mask)
		     : : "memory", "cc");
	return n - left;
}

static void store_past_caches(void *dst, const void *src, size_t words)
{
	u64 *to = dst;
	const u64 *from = src;

	for (; words; words--, to++, from++)
		asm volatile("movnti %1, %0" : "=m" (*to) : "r" (*from));
	/* Such stores are ordered with nothing else before. */
	asm volatile("sfence" : : : "memory");
}

#else

#define VECTORS		128

static bool may_use_vectors(void)
{
	return false;
}

static void copy_rounds(void *dst, const void *src, size_t n)
{
	memcpy(dst, src, n);
}

static void fill_rounds(void *dst, int c, size_t n)
{
	memset(dst, c, n);
}

static size_t equal_rounds(const void *a, const void *b, size_t n)
{
	return 0;
}

static void kernel_fpu_begin(void)
{
}

static void kernel_fpu_end(void)
{
}

static void store_past_caches(void *dst, const void *src, size_t words)
{
	memcpy(dst, src, 8 * words);
}

#endif

/**
 * nebula_copy_wide() - copy memory with vectors, where those may be used
 * @dst: where to.
 * @src: where from.
 * @n: bytes.
 *
 * Context: any.
 * Return: @dst.
 */
void *nebula_copy_wide(void *dst, const void *src, size_t n)
{
	size_t done = 0, piece;

	while (n - done >= VECTORS && may_use_vectors()) {
		piece = min_t(size_t, ALIGN_DOWN(n - done, VECTORS), PIECE);
		kernel_fpu_begin();
		copy_rounds(dst + done, src + done, piece);
		kernel_fpu_end();
		done += piece;
	}
	memcpy(dst + done, src + done, n - done);
	return dst;
}
EXPORT_SYMBOL_GPL(nebula_copy_wide);

/**
 * nebula_fill_wide() - fill memory with vectors, where those may be used
 * @dst: the memory.
 * @c: the byte.
 * @n: bytes.
 *
 * Context: any.
 * Return: @dst.
 */
void *nebula_fill_wide(void *dst, int c, size_t n)
{
	size_t done = 0, piece;

	while (n - done >= VECTORS && may_use_vectors()) {
		piece = min_t(size_t, ALIGN_DOWN(n - done, VECTORS), PIECE);
		kernel_fpu_begin();
		fill_rounds(dst + done, c, piece);
		kernel_fpu_end();
		done += piece;
	}
	memset(dst + done, c, n - done);
	return dst;
}
EXPORT_SYMBOL_GPL(nebula_fill_wide);

/**
 * nebula_compare_wide() - compare memory with vectors, where those may be used
 * @a: one part.
 * @b: the other one.
 * @n: bytes.
 *
 * Context: any.
 * Return: as memcmp().
 */
int nebula_compare_wide(const void *a, const void *b, size_t n)
{
	size_t done = 0, piece, equal;

	while (n - done >= VECTORS && may_use_vectors()) {
		piece = min_t(size_t, ALIGN_DOWN(n - done, VECTORS), PIECE);
		kernel_fpu_begin();
		equal = equal_rounds(a + done, b + done, piece);
		kernel_fpu_end();
		done += equal;
		if (equal < piece)
			return memcmp(a + done, b + done, VECTORS);
	}
	return memcmp(a + done, b + done, n - done);
}
EXPORT_SYMBOL_GPL(nebula_compare_wide);

void *nebula_copy_nt(void *dst, const void *src, size_t n)
{
	const size_t head = min_t(size_t, -(unsigned long)dst % 8, n);
	const size_t words = (n - head) / 8;

	memcpy(dst, src, head);
	store_past_caches(dst + head, src + head, words);
	memcpy(dst + head + 8 * words, src + head + 8 * words, n - head - 8 * words);
	return dst;
}
EXPORT_SYMBOL_GPL(nebula_copy_nt);

/* Lengths that are timed, and how often each is, for the least of all. */
#define LEAST		SZ_256
#define MOST		SZ_64K
#define TIMES		20

/**
 * struct trial - an operation and the kernel's own
 * @wide: with vectors.
 * @plain: the kernel's.
 */
struct trial {
	void (*wide)(void *a, void *b, size_t n);
	void (*plain)(void *a, void *b, size_t n);
};

static void copy_wide(void *a, void *b, size_t n)
{
	nebula_copy_wide(a, b, n);
}

static void copy_plain(void *a, void *b, size_t n)
{
	memcpy(a, b, n);
}

static void fill_wide(void *a, void *b, size_t n)
{
	nebula_fill_wide(a, 0, n);
}

static void fill_plain(void *a, void *b, size_t n)
{
	memset(a, 0, n);
}

static void compare_wide(void *a, void *b, size_t n)
{
	int ret = nebula_compare_wide(a, b, n);

	OPTIMIZER_HIDE_VAR(ret);
}

static void compare_plain(void *a, void *b, size_t n)
{
	int ret = memcmp(a, b, n);

	OPTIMIZER_HIDE_VAR(ret);
}

static u64 least_time(void (*fn)(void *a, void *b, size_t n), void *a, void *b, size_t n)
{
	u64 least = U64_MAX, begin;
	unsigned int i;

	for (i = 0; i < TIMES; i++) {
		begin = get_cycles();
		fn(a, b, n);
		least = min(least, get_cycles() - begin);
	}
	return least;
}

/* From the largest length down, as long as vectors win. */
static size_t threshold(const struct trial *t, void *a, void *b)
{
	size_t n, from = SIZE_MAX;
	u64 wide, plain;

	for (n = MOST; n >= LEAST; n /= 2) {
		wide = least_time(t->wide, a, b, n);
		plain = least_time(t->plain, a, b, n);
		if (8 * wide > 7 * plain)
			break;
		from = n;
	}
	return from;
}

/* Without memory, or a clock, nothing changes. */
void nebula_memops_init(void)
{
	static const struct trial copy = { copy_wide, copy_plain };
	static const struct trial fill = { fill_wide, fill_plain };
	static const struct trial compare = { compare_wide, compare_plain };
	char *a, *b;

	if (!may_use_vectors() || !get_cycles())
		return;
	a = kvzalloc(MOST, GFP_KERNEL);
	b = kvzalloc(MOST, GFP_KERNEL);
	if (a && b) {
		nebula_memops.copy_from = threshold(&copy, a, b);
		nebula_memops.fill_from = threshold(&fill, a, b);
		nebula_memops.compare_from = threshold(&compare, a, b);
	}
	kvfree(a);
	kvfree(b);
}

static void put_threshold(struct nebula_text *t, const char *key, size_t from)
{
	if (from == SIZE_MAX)
		nebula_text_key(t, key, "never (vectors do not win here)");
	else
		nebula_text_bytes(t, key, from);
}

void nebula_memops_describe(struct nebula_text *t)
{
	put_threshold(t, "copy from", nebula_memops.copy_from);
	put_threshold(t, "fill from", nebula_memops.fill_from);
	put_threshold(t, "compare from", nebula_memops.compare_from);
}
