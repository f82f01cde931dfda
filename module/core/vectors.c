// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vector registers: AVX2 and AVX-512 on x86-64, NEON on arm64.
 *
 * They may be used in a section that saves what the registers hold, with preemption off, and not
 * where the kernel says no: an interrupt on top of such a section, any interrupt on arm64. An NMI
 * does not ask, since the kernel warns of the question.
 *
 * The compiler uses no vector register in a kernel, so what one asm statement leaves in them is
 * there for the next.
 */
#include <linux/hardirq.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timex.h>
#include "allocator.h"
#include "vectors.h"

/*
 * All widths are one template. A width has text for what it does with its registers 0 to 3, which
 * are a round together:
 *
 *	LOAD	from %[src]
 *	STORE	to %[dst]
 *	SPREAD	the 8 bytes of %[c] over all of them
 *	DIFFER	compares them to memory at %[b]; %[differ] is not 0 when they are not the same
 *	LEAVE	makes the registers fit for other code
 */
#define DEFINE_VECTORS(id)								\
static size_t id##_copy(void *dst, const void *src, size_t n)				\
{											\
	size_t at;									\
											\
	for (at = 0; at < n; at += id##_ROUND)						\
		asm volatile(id##_LOAD id##_STORE					\
			     : : [dst] "r" (dst + at), [src] "r" (src + at) : "memory");	\
	asm volatile(id##_LEAVE);							\
	return n;									\
}											\
											\
static size_t id##_fill(void *dst, u64 pattern, size_t n)				\
{											\
	size_t at;									\
											\
	asm volatile(id##_SPREAD : : [c] "r" (pattern));				\
	for (at = 0; at < n; at += id##_ROUND)						\
		asm volatile(id##_STORE : : [dst] "r" (dst + at) : "memory");		\
	asm volatile(id##_LEAVE);							\
	return n;									\
}											\
											\
static size_t id##_equal(const void *a, const void *b, size_t n)			\
{											\
	size_t at;									\
	u32 differ;									\
											\
	for (at = 0; at < n; at += id##_ROUND) {					\
		asm volatile(id##_LOAD id##_DIFFER : [differ] "=&r" (differ)		\
			     : [src] "r" (a + at), [b] "r" (b + at) : "memory", "cc");	\
		if (differ)								\
			break;								\
	}										\
	asm volatile(id##_LEAVE);							\
	return at;									\
}

#define VECTORS(id, text)								\
	{ .name = (text), .round = id##_ROUND, .present = id##_present,			\
	  .copy = id##_copy, .fill = id##_fill, .equal = id##_equal }

#ifdef CONFIG_X86_64

#include <asm/cpufeature.h>
#include <asm/fpu/api.h>

/* Four instructions, one for each register; @from and @to are texts by its number. */
#define X86_FOUR(op, from, to)								\
	op " " from(0) ", " to(0) "\n\t" op " " from(1) ", " to(1) "\n\t"		\
	op " " from(2) ", " to(2) "\n\t" op " " from(3) ", " to(3) "\n\t"

#define YMM(n)		"%%ymm" #n
#define YMM_SRC(n)	#n "*32(%[src])"
#define YMM_DST(n)	#n "*32(%[dst])"
#define YMM_B(n)	#n "*32(%[b]), " YMM(n)

#define avx2_ROUND	128
#define avx2_LOAD	X86_FOUR("vmovdqu", YMM_SRC, YMM)
#define avx2_STORE	X86_FOUR("vmovdqu", YMM, YMM_DST)
#define avx2_SPREAD	"vmovq %[c], %%xmm0\n\t"					\
			"vpbroadcastq %%xmm0, %%ymm0\n\t"				\
			"vmovdqa %%ymm0, %%ymm1\n\t"					\
			"vmovdqa %%ymm0, %%ymm2\n\t"					\
			"vmovdqa %%ymm0, %%ymm3\n\t"
#define avx2_DIFFER	X86_FOUR("vpxor", YMM_B, YMM)					\
			"vpor %%ymm1, %%ymm0, %%ymm0\n\t"				\
			"vpor %%ymm3, %%ymm2, %%ymm2\n\t"				\
			"vpor %%ymm2, %%ymm0, %%ymm0\n\t"				\
			"xorl %[differ], %[differ]\n\t"					\
			"vptest %%ymm0, %%ymm0\n\t"					\
			"setnz %b[differ]\n\t"
#define avx2_LEAVE	"vzeroupper"

#define ZMM(n)		"%%zmm" #n
#define ZMM_SRC(n)	#n "*64(%[src])"
#define ZMM_DST(n)	#n "*64(%[dst])"
#define ZMM_B(n)	#n "*64(%[b]), " ZMM(n)

#define avx512_ROUND	256
#define avx512_LOAD	X86_FOUR("vmovdqu64", ZMM_SRC, ZMM)
#define avx512_STORE	X86_FOUR("vmovdqu64", ZMM, ZMM_DST)
#define avx512_SPREAD	"vpbroadcastq %[c], %%zmm0\n\t"					\
			"vmovdqa64 %%zmm0, %%zmm1\n\t"					\
			"vmovdqa64 %%zmm0, %%zmm2\n\t"					\
			"vmovdqa64 %%zmm0, %%zmm3\n\t"
#define avx512_DIFFER	X86_FOUR("vpxorq", ZMM_B, ZMM)					\
			"vporq %%zmm1, %%zmm0, %%zmm0\n\t"				\
			"vporq %%zmm3, %%zmm2, %%zmm2\n\t"				\
			"vporq %%zmm2, %%zmm0, %%zmm0\n\t"				\
			"vptestmq %%zmm0, %%zmm0, %%k1\n\t"				\
			"kmovw %%k1, %[differ]\n\t"
#define avx512_LEAVE	"vzeroupper"

struct section { };

#ifdef CONFIG_UML

/* A process of the host, which keeps the registers of all its processes and signal handlers. */
static bool avx2_present(void)
{
	return boot_cpu_has(X86_FEATURE_AVX2);
}

static bool avx512_present(void)
{
	return boot_cpu_has(X86_FEATURE_AVX512F);
}

/* Only tasks: the kernel knows of no other section. */
static bool section_begin(struct section *s)
{
	if (!in_task())
		return false;
	preempt_disable();
	return true;
}

static void section_end(struct section *s)
{
	preempt_enable();
}

/* What it takes is the host's affair. */
static void save_and_restore(void *area)
{
}

#else

#include <asm/fpu/xcr.h>

static bool avx2_present(void)
{
	return boot_cpu_has(X86_FEATURE_AVX2) &&
	       cpu_has_xfeatures(XFEATURE_MASK_SSE | XFEATURE_MASK_YMM, NULL);
}

static bool avx512_present(void)
{
	return boot_cpu_has(X86_FEATURE_AVX512F) &&
	       cpu_has_xfeatures(XFEATURE_MASK_SSE | XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512,
				 NULL);
}

static bool section_begin(struct section *s)
{
	if (in_nmi() || !irq_fpu_usable())
		return false;
	kernel_fpu_begin();
	return true;
}

static void section_end(struct section *s)
{
	kernel_fpu_end();
}

#define REGISTERS	(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512)

/* As the kernel does it; @area is zeroed, and aligned to 64 bytes. */
static void save_and_restore(void *area)
{
	if (boot_cpu_has(X86_FEATURE_XSAVEC))
		asm volatile("xsavec64 (%0)" : : "r" (area), "a" ((u32)REGISTERS), "d" (0)
			     : "memory");
	else
		asm volatile("xsave64 (%0)" : : "r" (area), "a" ((u32)REGISTERS), "d" (0)
			     : "memory");
	asm volatile("xrstor64 (%0)" : : "r" (area), "a" ((u32)REGISTERS), "d" (0) : "memory");
}

#endif

DEFINE_VECTORS(avx2)
DEFINE_VECTORS(avx512)

#define ALL_VECTORS	VECTORS(avx2, "AVX2"), VECTORS(avx512, "AVX-512"),

static __always_inline void stream_once(void *dst, const void *src)
{
	u64 *to = dst;
	const u64 *from = src;

	asm volatile("movnti %4, %0\n\tmovnti %5, %1\n\tmovnti %6, %2\n\tmovnti %7, %3"
		     : "=m" (to[0]), "=m" (to[1]), "=m" (to[2]), "=m" (to[3])
		     : "r" (from[0]), "r" (from[1]), "r" (from[2]), "r" (from[3]));
}

/* Such stores are ordered with nothing else before. */
static void stream_end(void)
{
	asm volatile("sfence" : : : "memory");
}

#elif defined(CONFIG_ARM64) && defined(CONFIG_KERNEL_MODE_NEON)

#include <asm/neon.h>
#include <asm/simd.h>

#define neon_ROUND	64
#define neon_LOAD	"ldp q0, q1, [%[src]]\n\t"					\
			"ldp q2, q3, [%[src], #32]\n\t"
#define neon_STORE	"stp q0, q1, [%[dst]]\n\t"					\
			"stp q2, q3, [%[dst], #32]\n\t"
#define neon_SPREAD	"dup v0.2d, %[c]\n\t"						\
			"mov v1.16b, v0.16b\n\t"					\
			"mov v2.16b, v0.16b\n\t"					\
			"mov v3.16b, v0.16b\n\t"
#define neon_DIFFER	"ldp q4, q5, [%[b]]\n\t"					\
			"ldp q6, q7, [%[b], #32]\n\t"					\
			"eor v0.16b, v0.16b, v4.16b\n\t"				\
			"eor v1.16b, v1.16b, v5.16b\n\t"				\
			"eor v2.16b, v2.16b, v6.16b\n\t"				\
			"eor v3.16b, v3.16b, v7.16b\n\t"				\
			"orr v0.16b, v0.16b, v1.16b\n\t"				\
			"orr v2.16b, v2.16b, v3.16b\n\t"				\
			"orr v0.16b, v0.16b, v2.16b\n\t"				\
			"umaxv b0, v0.16b\n\t"						\
			"umov %w[differ], v0.b[0]\n\t"
#define neon_LEAVE	""

/* Where the kernel has scoped_ksimd(), what a softirq keeps is its caller's. */
#ifdef scoped_ksimd
struct section { struct user_fpsimd_state state; };

static void neon_begin(struct section *s)
{
	kernel_neon_begin(&s->state);
}

static void neon_end(struct section *s)
{
	kernel_neon_end(&s->state);
}
#else
struct section { };

static void neon_begin(struct section *s)
{
	kernel_neon_begin();
}

static void neon_end(struct section *s)
{
	kernel_neon_end();
}
#endif

static bool neon_present(void)
{
	return cpu_has_neon();
}

static bool section_begin(struct section *s)
{
	if (in_nmi() || !may_use_simd())
		return false;
	neon_begin(s);
	return true;
}

static void section_end(struct section *s)
{
	neon_end(s);
}

#define NEON_PAIRS(op)									\
	op " q0, q1, [%0]\n\t" op " q2, q3, [%0, #32]\n\t"				\
	op " q4, q5, [%0, #64]\n\t" op " q6, q7, [%0, #96]\n\t"				\
	op " q8, q9, [%0, #128]\n\t" op " q10, q11, [%0, #160]\n\t"			\
	op " q12, q13, [%0, #192]\n\t" op " q14, q15, [%0, #224]\n\t"			\
	op " q16, q17, [%0, #256]\n\t" op " q18, q19, [%0, #288]\n\t"			\
	op " q20, q21, [%0, #320]\n\t" op " q22, q23, [%0, #352]\n\t"			\
	op " q24, q25, [%0, #384]\n\t" op " q26, q27, [%0, #416]\n\t"			\
	op " q28, q29, [%0, #448]\n\t" op " q30, q31, [%0, #480]\n\t"

static void save_and_restore(void *area)
{
	asm volatile(NEON_PAIRS("stp") NEON_PAIRS("ldp") : : "r" (area) : "memory");
}

DEFINE_VECTORS(neon)

#define ALL_VECTORS	VECTORS(neon, "NEON"),

static __always_inline void stream_once(void *dst, const void *src)
{
	const u64 *from = src;

	asm volatile("stnp %1, %2, [%0]\n\tstnp %3, %4, [%0, #16]"
		     : : "r" (dst), "r" (from[0]), "r" (from[1]), "r" (from[2]), "r" (from[3])
		     : "memory");
}

/* They are ordered as other stores are. */
static void stream_end(void)
{
}

#else

struct section { };

static bool section_begin(struct section *s)
{
	return false;
}

static void section_end(struct section *s)
{
}

static void save_and_restore(void *area)
{
}

#define ALL_VECTORS

static void stream_once(void *dst, const void *src)
{
	memcpy(dst, src, NEBULA_STREAM);
}

static void stream_end(void)
{
}

#endif

const struct nebula_vectors nebula_vectors[] = { ALL_VECTORS { } };
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_vectors);

/* Bytes that @op has done; 0 where there can be no section. */
#define in_section(op)									\
({											\
	struct section __s;								\
	size_t __done = 0;								\
											\
	if (section_begin(&__s)) {							\
		__done = op;								\
		section_end(&__s);							\
	}										\
	__done;										\
})

/* @n is a multiple of a round. Returns @n, or 0 where there can be no section. Context: any. */
size_t nebula_vectors_copy(const struct nebula_vectors *v, void *dst, const void *src, size_t n)
{
	return in_section(v->copy(dst, src, n));
}

/* As nebula_vectors_copy(), with the 8 bytes of @pattern. */
size_t nebula_vectors_fill(const struct nebula_vectors *v, void *dst, u64 pattern, size_t n)
{
	return in_section(v->fill(dst, pattern, n));
}

/* As nebula_vectors_copy(); returns the bytes that were found to be the same. */
size_t nebula_vectors_equal(const struct nebula_vectors *v, const void *a, const void *b, size_t n)
{
	return in_section(v->equal(a, b, n));
}

/* More than the registers need. */
#define AREA		SZ_4K

/* How often they are saved, for the least time of all. */
#define TIMES		64

static size_t least_price(void *area, u64 *least)
{
	unsigned int i;
	u64 begin;

	*least = U64_MAX;
	for (i = 0; i < TIMES; i++) {
		begin = get_cycles();
		save_and_restore(area);
		*least = min_t(u64, *least, get_cycles() - begin);
	}
	return TIMES;
}

/* Cycles that saving all vector registers and restoring them takes; 0 where that is not known. */
u64 nebula_vectors_price(void)
{
	u64 *area = kmalloc(AREA, GFP_KERNEL | __GFP_ZERO);
	u64 least = 0;

	if (!area || !in_section(least_price(area, &least)))
		least = 0;
	kfree(area);
	return least;
}

/* @dst is aligned to 8 bytes, @n a multiple of NEBULA_STREAM. Context: any. */
void nebula_stream(void *dst, const void *src, size_t n)
{
	for (; n; n -= NEBULA_STREAM, dst += NEBULA_STREAM, src += NEBULA_STREAM)
		stream_once(dst, src);
	stream_end();
}
