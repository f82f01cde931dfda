/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The differences between kernels that inline code in the public headers has to know. Clients
 * need nothing from here; differences that only the module itself sees live in module/compat.h.
 */
#ifndef _NEBULA_COMPAT_H
#define _NEBULA_COMPAT_H

#include <linux/compiler.h>
#include <linux/percpu.h>

/* sparse does not know __has_include(). */
#ifndef __CHECKER__
#if !__has_include("linux/cleanup.h")
#error "nebula_memory needs a kernel that has <linux/cleanup.h>: late 6.1.y, or 6.5 and newer"
#endif
#endif

/*
 * nebula_this_cpu_cas(), nebula_this_cpu_cas32() - compare and exchange of a per-CPU unsigned long
 * or u32; true when it was exchanged. The word found is left in *@oldp.
 *
 * On x86-64 this is one unlocked instruction: atomic against everything that can interrupt this
 * CPU, an NMI included. Before this_cpu_try_cmpxchg() existed, this_cpu_cmpxchg() compared the
 * result once more in software; taking the flag instead is what the newer kernels do.
 */
#if defined(this_cpu_try_cmpxchg)
#define nebula_this_cpu_cas(pcp, oldp, value)	likely(this_cpu_try_cmpxchg(pcp, oldp, value))
#define nebula_this_cpu_cas32(pcp, oldp, value)	nebula_this_cpu_cas(pcp, oldp, value)
#elif defined(CONFIG_X86_64) && defined(CONFIG_SMP)
#define nebula_this_cpu_cas_insn(insn, type, pcp, oldp, value)		\
({									\
	type *__nebula_oldp = (oldp);					\
	bool __nebula_done;						\
									\
	asm volatile(insn " %[val], " __percpu_arg([var])		\
		     : "=@ccz" (__nebula_done), [var] "+m" (pcp),	\
		       "+a" (*__nebula_oldp)				\
		     : [val] "r" ((type)(value))			\
		     : "memory");					\
	likely(__nebula_done);						\
})
#define nebula_this_cpu_cas(pcp, oldp, value)				\
	nebula_this_cpu_cas_insn("cmpxchgq", unsigned long, pcp, oldp, value)
#define nebula_this_cpu_cas32(pcp, oldp, value)				\
	nebula_this_cpu_cas_insn("cmpxchgl", u32, pcp, oldp, value)
#else
#define nebula_this_cpu_cas(pcp, oldp, value)				\
({									\
	typeof(pcp) *__nebula_oldp = (oldp);				\
	typeof(pcp) __nebula_old = *__nebula_oldp;			\
									\
	*__nebula_oldp = this_cpu_cmpxchg(pcp, __nebula_old, value);	\
	likely(*__nebula_oldp == __nebula_old);				\
})
#define nebula_this_cpu_cas32(pcp, oldp, value)	nebula_this_cpu_cas(pcp, oldp, value)
#endif

/* nebula_percpu_operand() - a per-CPU variable as an operand of __percpu_arg() */
#ifdef __my_cpu_var
#define nebula_percpu_operand(var)	__my_cpu_var(var)
#else
#define nebula_percpu_operand(var)	(var)
#endif

/* nebula_this_cpu_below() - is a per-CPU unsigned long less than @value? */
#if defined(CONFIG_X86_64) && defined(CONFIG_SMP) && !defined(this_cpu_try_cmpxchg)
#define nebula_this_cpu_below(pcp, value)				\
({									\
	bool __nebula_below;						\
									\
	asm volatile("cmpq %[val], " __percpu_arg([var])		\
		     : "=@ccb" (__nebula_below)				\
		     : [var] "m" (pcp), [val] "r" (value));		\
	__nebula_below;							\
})
#else
#define nebula_this_cpu_below(pcp, value)	(raw_cpu_read(pcp) < (value))
#endif

/*
 * Per-CPU operations that an NMI may not tear. Elsewhere the generic ones only keep interrupts
 * out, so a shared allocator refuses to serve an NMI there.
 */
#if defined(CONFIG_ARCH_HAS_NMI_SAFE_THIS_CPU_OPS) || defined(CONFIG_X86) || \
	defined(CONFIG_ARM64) || defined(CONFIG_S390)
#define NEBULA_NMI_SAFE 1
#else
#define NEBULA_NMI_SAFE 0
#endif

/*
 * Counting where one context writes and others read: the read is one word, as of some moment, and
 * that is all a statistic promises.
 */
#define nebula_count(word, n)	data_race((word) += (n)) /* see above */

/* Memory allocation profiling charges the caller of create(), not this module. */
#ifdef alloc_hooks
#define nebula_alloc_hooks(expr)	alloc_hooks(expr)
#else
#define nebula_alloc_hooks(expr)	(expr)
#endif

#endif /* _NEBULA_COMPAT_H */
