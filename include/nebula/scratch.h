/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-CPU scratch: one stack for each CPU, for temporaries that live between get and put.
 *
 * Best suited for a buffer to format, decode or sort in, in any context, where the stack is too
 * small and the page allocator too slow or out of reach.
 *
 * What is got last is put first: a task with preemption off, a softirq, a hardirq and an NMI nest
 * on a CPU by nature, so there are no locks and no atomics. An interrupting context works above
 * what is in use, and leaves the CPU's part as it found it:
 *
 *	task     get(A)                                                put(A)
 *	hardirq          get(B)                               put(B)
 *	nmi                     get(C) put(C)  get(D) put(D)
 *
 * A put in the wrong order is refused and recorded, and so is one on another CPU, and any use in
 * preemptible context where the kernel counts preemption. The word behind each object tells where
 * it began: an overrun is noticed when the object is put.
 *
 * Limitations: a context must not sleep, or enable preemption, while it holds an object. On
 * PREEMPT_RT softirqs are threads that can be preempted: there they have to switch that off too.
 */
#ifndef _NEBULA_SCRATCH_H
#define _NEBULA_SCRATCH_H

#include <linux/align.h>
#include <linux/debug_locks.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <nebula/allocator.h>
#include <nebula/compat.h>
#include <nebula/config.h>

/* Objects begin at multiples of it, and alignments up to it are served inline. Bytes. */
#define NEBULA_SCRATCH_GRAIN	sizeof(unsigned long)

/* Larger requests take the out-of-line path. Bytes. */
#define NEBULA_SCRATCH_INLINE_MAX	SZ_64K

/* Largest part of a CPU, bytes. */
#define NEBULA_SCRATCH_SIZE_MAX	((size_t)SZ_1G)

struct nebula_budget;

/**
 * struct nebula_scratch_config - how scratch memory is to be
 * @per_cpu_size: bytes of each CPU; rounded up so that they fill pages, with two words of ours.
 *	Each object takes a word more than its size.
 * @flags: &enum nebula_flags: %NEBULA_ZERO and the debug flags.
 * @preset: &enum nebula_preset.
 * @backing: &enum nebula_backing, but for %NEBULA_BUFFER; each CPU's memory is on its own node.
 * @gfp: flags for all memory it gets; 0 means %GFP_KERNEL. As for pools,
 *	not all are accepted.
 * @budget: charged for all regions it has, or %NULL.
 */
struct nebula_scratch_config {
	size_t per_cpu_size;
	unsigned int flags;
	enum nebula_preset preset;
	enum nebula_backing backing;
	gfp_t gfp;
	struct nebula_budget *budget;
};

/**
 * struct nebula_scratch_cpu - what a CPU has of scratch memory
 * @cur: private; address that is handed out next.
 * @limit: private; address up to which the inline path serves: the highest @cur that ever was,
 *	or 0.
 * @allocs: private; objects ever handed out.
 * @bytes: private; bytes ever asked for.
 * @padding: private; bytes ever lost to alignment.
 * @start: private; first address that is handed out.
 * @end: private; end of the memory.
 * @peak: private; highest @cur that ever was while @limit was 0.
 */
struct nebula_scratch_cpu {
	unsigned long cur;
	unsigned long limit;
	unsigned long allocs;
	unsigned long bytes;
	unsigned long padding;
	unsigned long start;
	unsigned long end;
	unsigned long peak;
};

struct nebula_scratch_heap;

/**
 * struct nebula_scratch - scratch memory of all CPUs
 * @cpus: private; the per-CPU parts.
 * @heap: private; what only one made by create has.
 * @common: private; common part of all allocators.
 *
 * All fields are private: use the functions.
 */
struct nebula_scratch {
	struct nebula_scratch_cpu __percpu *cpus;
	struct nebula_scratch_heap *heap;
	struct nebula_allocator common;
};

struct nebula_scratch *nebula_scratch_create_cfg(const char *name,
						 const struct nebula_scratch_config *cfg,
						 size_t cfg_size, unsigned int abi,
						 struct module *owner);

/**
 * nebula_scratch_destroy() - take down scratch memory made by nebula_scratch_create()
 * @s: the scratch memory; %NULL and ERR_PTR() are fine.
 *
 * What was not put is recorded as LEAK, and goes with the rest. Refused, and recorded, in atomic
 * context (WRONG_CONTEXT) and for one that was not made by create (INVALID_STATE); it stays usable
 * then.
 *
 * Context: process context; sleeps. No other call on it may be running.
 */
void nebula_scratch_destroy(struct nebula_scratch *s);

/**
 * nebula_scratch_init() - make scratch memory of a caller's per-CPU buffer
 * @s: the scratch memory, anywhere.
 * @buf: per-CPU memory it serves from, aligned to words, as DEFINE_PER_CPU() and alloc_percpu()
 *	give it.
 * @size: bytes of it on each CPU, of which our own data takes 80.
 *
 * Not registered: not in debugfs, but its errors are recorded, as those of "(buffer)". A buffer
 * of no use, NULL, too small or misaligned, leaves scratch memory of capacity 0 and is recorded as
 * INVALID_CONFIG.
 *
 * Context: any; @s is not in use yet.
 */
void nebula_scratch_init(struct nebula_scratch *s, void __percpu *buf, size_t size);

/**
 * nebula_scratch_exit() - stop using a caller's per-CPU buffer
 * @s: as given to nebula_scratch_init().
 *
 * Needed only when the buffer is used for something else while @s still exists: afterwards every
 * get fails. Recorded and refused as INVALID_STATE for one made by create; what was not put is
 * recorded as LEAK.
 *
 * Context: any; @s is not in use any more.
 */
void nebula_scratch_exit(struct nebula_scratch *s);

/* Not __malloc: the caller may have lent the memory, and then knows it by another pointer. */
void *nebula_scratch_get_slow(struct nebula_scratch *s, size_t size, size_t align)
	__alloc_size(2);
void *nebula_scratch_get_higher(struct nebula_scratch *s, size_t size, size_t align)
	__alloc_size(2);
int nebula_scratch_put_slow(struct nebula_scratch *s, void *p);

/**
 * nebula_scratch_owns() - does an address lie in scratch memory?
 * @s: the scratch memory.
 * @p: any address.
 *
 * Context: any.
 * Return: true when it does, of any CPU, whether it was handed out or not.
 */
bool nebula_scratch_owns(const struct nebula_scratch *s, const void *p);

/* What the compiler can know of a configuration; all of it is checked again by create. */
static __always_inline void nebula_scratch_config_check(const struct nebula_scratch_config *cfg)
{
	nebula_config_assert(cfg->per_cpu_size,
			     "nebula_scratch: .per_cpu_size must not be zero");
	nebula_config_assert(cfg->per_cpu_size <= NEBULA_SCRATCH_SIZE_MAX,
			     "nebula_scratch: .per_cpu_size is more than 1 GiB");
}

/**
 * nebula_scratch_create() - make scratch memory
 * @name: 1 to 63 of ``[A-Za-z0-9_.-]``; copied, and need not be unique.
 * @...: designated fields of &struct nebula_scratch_config, for example
 *	``.per_cpu_size = SZ_4K``.
 *
 * Every possible CPU has its part at once, so CPUs may come and go. Fields that are constant and
 * can never be valid do not compile.
 *
 * Context: task; may sleep. Honours the NOFS or NOIO scope of ``.gfp``.
 * Return: the scratch memory, or ERR_PTR(): -EINVAL for a wrong name or field, -EOVERFLOW for a
 * size that cannot be represented, -ENOMEM without memory, -EPERM in atomic context, -ENOEXEC when
 * the client was built against other headers. The reason is recorded.
 */
#define nebula_scratch_create(name, ...)						\
({											\
	const struct nebula_scratch_config __nebula_cfg = { __VA_ARGS__ };		\
											\
	nebula_scratch_config_check(&__nebula_cfg);					\
	nebula_alloc_hooks(nebula_scratch_create_cfg(name, &__nebula_cfg,		\
						     sizeof(__nebula_cfg), NEBULA_ABI,	\
						     THIS_MODULE));			\
})

/* Does the caller stay on its CPU? If so, only interrupting contexts run there in between. */
static __always_inline bool nebula_scratch_stays(void)
{
	return !IS_ENABLED(CONFIG_PREEMPT_COUNT) || likely(preempt_count());
}

/**
 * nebula_scratch_get() - memory to work in until nebula_scratch_put()
 * @s: the scratch memory.
 * @size: bytes.
 * @align: power of two, bytes.
 *
 * Inline for constant alignments up to %NEBULA_SCRATCH_GRAIN. The memory is uninitialised unless @s
 * has %NEBULA_ZERO.
 *
 * Context: any in which preemption or interrupts are off, NMI included; they stay off until put.
 * Return: the memory, of this CPU; %ZERO_SIZE_PTR for size 0; %NULL with OUT_OF_MEMORY,
 * INVALID_ALIGNMENT, SIZE_OVERFLOW or WRONG_CONTEXT recorded.
 */
static __always_inline __alloc_size(2) __must_check
void *nebula_scratch_get(struct nebula_scratch *s, size_t size, size_t align)
{
	const bool inlined = __builtin_constant_p(align) && is_power_of_2(align) &&
			     align <= NEBULA_SCRATCH_GRAIN;
	struct nebula_scratch_cpu __percpu *cpus;
	unsigned long cur, next;

	if (!inlined || unlikely(size - 1 >= NEBULA_SCRATCH_INLINE_MAX) ||	/* 0 as well */
	    !nebula_scratch_stays())
		return nebula_scratch_get_slow(s, size, align);
	cpus = s->cpus;
	cur = raw_cpu_read(cpus->cur);
	next = cur + ALIGN(size, NEBULA_SCRATCH_GRAIN) + sizeof(unsigned long);
	if (unlikely(nebula_this_cpu_below(cpus->limit, next)))
		return nebula_scratch_get_higher(s, size, align);
	raw_cpu_write(cpus->cur, next);
	/* Only now the memory is ours, and no interrupting context writes to it. */
	barrier();
	((unsigned long *)next)[-1] = cur;
	this_cpu_inc(cpus->allocs);
	this_cpu_add(cpus->bytes, size);
	return (void *)cur;
}

/**
 * nebula_scratch_put() - give back what was got last on this CPU
 * @s: the scratch memory.
 * @p: what nebula_scratch_get() returned; %NULL and %ZERO_SIZE_PTR are fine.
 *
 * Context: as nebula_scratch_get().
 * Return: 0; -EFAULT when the word behind the object was overwritten (CORRUPTION; the object is
 * given back); -EPERM in preemptible context (WRONG_CONTEXT); -EINVAL when it is not the newest:
 * LIFO_VIOLATION below it, DOUBLE_FREE at or above the top, MISALIGNED_POINTER inside it,
 * FOREIGN_POINTER anywhere else, another CPU's memory included. Nothing changes then.
 */
static __always_inline int nebula_scratch_put(struct nebula_scratch *s, void *p)
{
	struct nebula_scratch_cpu __percpu *cpus = s->cpus;

	/* KASAN would have to be told, and the word must not be read where it looks. */
	if (IS_ENABLED(CONFIG_KASAN_GENERIC) || unlikely(!nebula_scratch_stays()) ||
	    unlikely(((unsigned long *)raw_cpu_read(cpus->cur))[-1] != (unsigned long)p))
		return nebula_scratch_put_slow(s, p);
	if (IS_ENABLED(CONFIG_LOCKDEP))
		debug_check_no_locks_freed(p, raw_cpu_read(cpus->cur) - (unsigned long)p);
	raw_cpu_write(cpus->cur, (unsigned long)p);
	return 0;
}

#endif /* _NEBULA_SCRATCH_H */
