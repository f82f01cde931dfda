/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pool: many objects of one size, allocated and freed one by one, in any order, in any context.
 *
 * Best suited for objects that come and go on hot paths: requests, packets, connections, work
 * items. Alloc and free are legal in task, softirq, hardirq and NMI context, nested to any depth,
 * on PREEMPT_RT too; a block may be freed on another CPU than it came from.
 *
 * The blocks lie side by side in one region and belong wholly to the user: what the pool knows of
 * them is kept in arrays beside, so a write after free cannot corrupt the pool. Each CPU has a
 * magazine of free blocks, from which the inline functions take and to which they give without any
 * atomic operation; magazines are filled from and emptied to shared bitmaps.
 *
 * Always refused and recorded, in production too: freeing what is free, what is another pool's,
 * what is no block, what points into one.
 *
 * Limitations: one size. A pool of N blocks maps up to N / 4 more, so that what lies in the
 * magazines of other CPUs never makes an allocation fail while fewer than N are live;
 * %NEBULA_STRICT serves exactly N, out of line. Blocks added by nebula_pool_grow() are allocated
 * inline as all others, and freed out of line.
 */
#ifndef _NEBULA_POOL_H
#define _NEBULA_POOL_H

#include <linux/bitops.h>
#include <linux/debug_locks.h>
#include <linux/export.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <nebula/allocator.h>
#include <nebula/compat.h>
#include <nebula/config.h>
#include <nebula/reserve.h>

/* Most blocks of a pool. */
#define NEBULA_POOL_BLOCKS_MAX	BIT(31)

/* Most blocks that the magazine of one CPU holds. */
#define NEBULA_POOL_DEPTH_MAX	256U

/* Value of nebula_pool_config.cache_depth: no per-CPU caches. */
#define NEBULA_POOL_NO_CACHE	UINT_MAX

struct nebula_budget;

/**
 * struct nebula_pool_config - how a pool is to be
 * @block_size: bytes of a block, from 1.
 * @blocks: how many can always be live at once, from 1 to %NEBULA_POOL_BLOCKS_MAX.
 * @max_blocks: with %NEBULA_GROW: blocks up to which it may grow; default 16 * @blocks.
 * @align: alignment of the blocks, a power of two up to a page, bytes; default the largest power of
 *	two that divides @block_size, up to 8.
 * @cache_depth: blocks that the magazine of a CPU may hold, or %NEBULA_POOL_NO_CACHE; default as
 *	the module parameter cache_depth says. All magazines together hold no more than a quarter
 *	of @blocks. There are none with the debug flags or %NEBULA_FIFO, whatever it says.
 * @preset: set of defaults.
 * @flags: &enum nebula_flags: %NEBULA_STRICT, %NEBULA_GROW, %NEBULA_ZERO, %NEBULA_TYPESAFE_BY_RCU,
 *	%NEBULA_FIFO, %NEBULA_CLEAR_ON_FREE, %NEBULA_DMA and the debug flags.
 * @backing: where the region comes from.
 * @gfp: flags for all memory it takes; default %GFP_KERNEL. Not %__GFP_HIGHMEM, %__GFP_MOVABLE,
 *	%__GFP_RECLAIMABLE, %__GFP_COMP, %__GFP_NOFAIL; %__GFP_DMA or %__GFP_DMA32 mean pages, so
 *	they exclude %NEBULA_VMALLOC and @buffer.
 * @node: %NEBULA_NODE(n); default any.
 * @ctor: called once for each block when it is mapped, with @ctor_data; may sleep, so a pool that
 *	has one does not grow where the caller may not sleep; excludes %NEBULA_ZERO.
 * @ctor_data: for @ctor.
 * @buffer: memory to serve from, with @buffer_size; never freed.
 * @buffer_size: bytes at @buffer, of which the pool's own data takes a part.
 * @budget: charged for all regions it has, or %NULL; excludes @buffer.
 */
struct nebula_pool_config {
	size_t block_size;
	unsigned int blocks;
	unsigned int max_blocks;
	size_t align;
	unsigned int cache_depth;
	enum nebula_preset preset;
	u32 flags;
	enum nebula_backing backing;
	gfp_t gfp;
	int node;
	void (*ctor)(void *block, void *data);
	void *ctor_data;
	void *buffer;
	size_t buffer_size;
	struct nebula_budget *budget;
};

/* States of a block, one byte each. */
#define NEBULA_POOL_FREE	0x00
#define NEBULA_POOL_LIVE	0x80

/**
 * struct nebula_pool_slot - a free block in a magazine
 * @obj: private; the block, %NULL in the sentinel.
 * @state: private; its state byte. That of the sentinel is never free.
 */
struct nebula_pool_slot {
	void *obj;
	u8 *state;
};

/**
 * struct nebula_pool_cpu - the magazine of a CPU
 * @top: private; address of the newest &struct nebula_pool_slot, or of the sentinel below all.
 * @limit: private; address of the last slot that may be filled now.
 * @allocs: private; allocations served from the magazine.
 * @busy: private; a context of this CPU works on the magazine.
 * @hint: private; group and word of the shared bitmaps where this CPU took blocks last.
 * @bottom: private; address of the sentinel.
 * @slots: private; where @bottom is to be once the CPU uses the magazine, %NULL without one.
 * @room: private; slots at @slots beside the sentinel.
 * @drawn: private; slots that may be filled, drawn on the budget of the pool.
 */
struct nebula_pool_cpu {
	unsigned long top;
	unsigned long limit;
	unsigned long allocs;
	u8 busy;
	u32 hint;
	unsigned long bottom;
	struct nebula_pool_slot *slots;
	u32 room;
	u32 drawn;
} __aligned(64);

/**
 * struct nebula_pool - a pool
 * @cpus: private; the magazines, or ones that are claimed for ever, which takes all calls out of
 *	line.
 * @base: private; first block.
 * @state: private; state of each block.
 * @inverse: private; inverse of the odd part of @stride, modulo 2^BITS_PER_LONG.
 * @blocks: private; blocks in the region at @base.
 * @block_size: private; bytes of a block that are the user's.
 * @align: private; alignment of blocks, bytes.
 * @rotate: private; binary logarithm of the even part of @stride.
 * @stride: private; bytes from one block to the next.
 * @common: private; common part of all allocators.
 *
 * All fields are private: use the functions.
 */
struct nebula_pool {
	struct nebula_pool_cpu __percpu *cpus;
	unsigned long base;
	u8 *state;
	unsigned long inverse;
	unsigned long blocks;
	size_t block_size;
	size_t align;
	u8 rotate;
	unsigned long stride;
	struct nebula_allocator common;
};

struct nebula_pool *nebula_pool_create_cfg(const char *name, const struct nebula_pool_config *cfg,
					   size_t cfg_size, unsigned int abi, struct module *owner);
size_t nebula_pool_buffer_size_cfg(const struct nebula_pool_config *cfg, size_t cfg_size,
				   unsigned int abi, struct module *owner);

/**
 * nebula_pool_destroy() - take down a pool
 * @p: the pool; %NULL and ERR_PTR() are fine.
 *
 * All its memory goes back, after a grace period. Blocks that are still live are recorded as LEAK.
 * Refused, and recorded, while a task waits for a block or a reserve is held (INVALID_STATE), after
 * nebula_pool_destroy_rcu() (INVALID_STATE), and in atomic context (WRONG_CONTEXT); the pool stays
 * usable then.
 *
 * Context: process context; sleeps. No other call on the pool may be running.
 */
void nebula_pool_destroy(struct nebula_pool *p);

/**
 * nebula_pool_destroy_rcu() - take down a pool after a grace period
 * @p: the pool; %NULL and ERR_PTR() are fine.
 *
 * As nebula_pool_destroy(), but readers under RCU that have found the pool before may go on to use
 * it, also to allocate and to free. No other call on it may be made any more. Refused, and recorded
 * as INVALID_STATE, when it was called before, and while a task waits for a block or a reserve is
 * held, then or at the end of the grace period; the pool stays usable then.
 *
 * When the module that owns the pool is unloaded, that waits until the pool is gone.
 *
 * Context: any, NMI included; does not sleep.
 */
void nebula_pool_destroy_rcu(struct nebula_pool *p);

void *nebula_pool_alloc_empty(struct nebula_pool *p);
void *nebula_pool_alloc_busy(struct nebula_pool *p);
void *nebula_pool_alloc_busy_sized(struct nebula_pool *p, size_t size);
void *nebula_pool_alloc_gfp_slow(struct nebula_pool *p, gfp_t gfp, bool claimed);
void nebula_pool_free_full(struct nebula_pool *p, void *obj, u8 *state);
void nebula_pool_free_busy(struct nebula_pool *p, void *obj, u8 *state);
void nebula_pool_free_busy_sized(struct nebula_pool *p, void *obj, u8 *state, size_t size);
void nebula_pool_free_other(struct nebula_pool *p, void *obj, size_t size);
void nebula_pool_free_refused(struct nebula_pool *p, void *obj);
void *nebula_pool_refuse_layout(struct nebula_pool *p, size_t size, size_t align);

/**
 * nebula_pool_free_rcu() - free a block after a grace period
 * @p: the pool.
 * @obj: a block of it; %NULL and %ZERO_SIZE_PTR are fine.
 *
 * Until then the block is live, and its contents are left alone. Checked as nebula_pool_free().
 *
 * Context: any, NMI included; does not sleep.
 */
void nebula_pool_free_rcu(struct nebula_pool *p, void *obj);

/**
 * nebula_pool_free_rcu_cb() - destroy what is in a block, and free it, after a grace period
 * @p: the pool.
 * @obj: as nebula_pool_free_rcu().
 * @destructor: called with @obj once, after the grace period, in softirq or process context with
 *	preemption off; must not sleep. %NULL is fine. A pool takes 15 different ones in its life.
 *
 * Until @destructor returns the block is live. One destructor too many is recorded as EXCEEDS_MAX,
 * and the block stays live.
 *
 * Context: any, NMI included; does not sleep.
 */
void nebula_pool_free_rcu_cb(struct nebula_pool *p, void *obj, void (*destructor)(void *obj));

/**
 * nebula_pool_free_sensitive() - clear a block and free it
 * @p: the pool.
 * @obj: as nebula_pool_free(). What is no live block is not written to.
 *
 * Context: any, NMI included, on any CPU; does not sleep.
 */
void nebula_pool_free_sensitive(struct nebula_pool *p, void *obj);

/**
 * nebula_pool_grow() - add blocks
 * @p: the pool, in use or not.
 * @blocks: how many more can always be live at once.
 * @gfp: flags for the region that is mapped. Not %__GFP_HIGHMEM, %__GFP_MOVABLE,
 *	%__GFP_RECLAIMABLE, %__GFP_COMP, %__GFP_NOFAIL; no zone but that of ``.gfp``. With
 *	__GFP_NOWARN a refusal is counted and not recorded.
 *
 * Blocks handed out before stay where they are.
 *
 * Context: process context; sleeps.
 * Return: 0; -EINVAL for no blocks (INVALID_LAYOUT) or for flags that cannot be honoured
 * (INVALID_CONFIG), -EOVERFLOW (SIZE_OVERFLOW), -E2BIG beyond ``.max_blocks`` (EXCEEDS_MAX),
 * -ENOMEM (BACKING_FAILED), -EPERM (WRONG_CONTEXT), -EBUSY on a caller's buffer (INVALID_STATE).
 */
int nebula_pool_grow(struct nebula_pool *p, unsigned int blocks, gfp_t gfp);

/**
 * nebula_pool_shrink() - give back what the pool grew by and does not need
 * @p: the pool, in use or not.
 *
 * Gives back each region that was added and has no live block. While it is at that, the capacity
 * may be lower by one of them at a time. What a pool with %NEBULA_GROW grew by without having been
 * asked to is given back without this call, too: when the kernel is short of memory, and when half
 * of the pool was free for a minute.
 *
 * Context: process context; sleeps.
 * Return: blocks that the capacity went down by; 0 with WRONG_CONTEXT recorded in atomic context.
 */
unsigned int nebula_pool_shrink(struct nebula_pool *p);

/**
 * nebula_pool_reset() - give all live blocks back
 * @p: the pool.
 *
 * For the end of a session, or of a test, that need not know its blocks one by one. The caller
 * sees to it that no context uses, allocates or frees a block at the same time. Refused, and
 * recorded as INVALID_STATE, while blocks are put aside.
 *
 * Context: any but NMI; takes time in proportion to the number of blocks.
 * Return: blocks that were live; 0 also when it was refused.
 */
unsigned int nebula_pool_reset(struct nebula_pool *p);

/**
 * nebula_pool_set_cache_depth() - change how many blocks the magazine of a CPU may hold
 * @p: the pool.
 * @depth: blocks; 0 for no caching.
 *
 * Context: process context; sleeps.
 * Return: 0; -EINVAL (INVALID_CONFIG) for more than the pool was made for; -EPERM (WRONG_CONTEXT).
 */
int nebula_pool_set_cache_depth(struct nebula_pool *p, unsigned int depth);

/**
 * nebula_pool_used() - blocks that are live
 * @p: the pool.
 *
 * Context: any.
 * Return: blocks; exact while nothing is under way.
 */
unsigned int nebula_pool_used(const struct nebula_pool *p);

/**
 * nebula_pool_available() - blocks that can be had
 * @p: the pool.
 *
 * Context: any.
 * Return: nebula_pool_capacity() - nebula_pool_used(); 0 when some of the slack is in use.
 */
unsigned int nebula_pool_available(const struct nebula_pool *p);

/**
 * nebula_pool_capacity() - blocks that can always be live at once
 * @p: the pool.
 *
 * Context: any.
 * Return: blocks, slack not counted.
 */
unsigned int nebula_pool_capacity(const struct nebula_pool *p);

/**
 * nebula_pool_owns() - does an address lie in the pool's blocks?
 * @p: the pool.
 * @obj: any address.
 *
 * Context: any.
 * Return: true when it does, whether the block is live or not.
 */
bool nebula_pool_owns(const struct nebula_pool *p, const void *obj);

/**
 * nebula_pool_for_each_live() - visit all live blocks
 * @p: the pool.
 * @fn: called with each block and @data, with preemption off; must not sleep.
 * @data: for @fn.
 *
 * Blocks that are allocated or freed during that may be visited or not, and may be freed while @fn
 * looks at them: the caller sees to it that they are not, or uses %NEBULA_TYPESAFE_BY_RCU.
 *
 * Context: any.
 */
void nebula_pool_for_each_live(struct nebula_pool *p, void (*fn)(void *obj, void *data),
			       void *data);

/* What the compiler can know of a configuration; all of it is checked again by create. */
static __always_inline void nebula_pool_config_check(const struct nebula_pool_config *cfg)
{
	nebula_config_assert(cfg->block_size, "nebula_pool: .block_size must not be zero");
	nebula_config_assert(cfg->blocks, "nebula_pool: .blocks must not be zero");
	nebula_config_assert(cfg->blocks <= NEBULA_POOL_BLOCKS_MAX,
			     "nebula_pool: .blocks is more than 2^31");
	nebula_config_assert(!cfg->align || is_power_of_2(cfg->align),
			     "nebula_pool: .align must be a power of two");
	nebula_config_assert(cfg->align <= PAGE_SIZE,
			     "nebula_pool: .align must not be larger than a page");
	nebula_config_assert(!cfg->blocks || cfg->block_size <= NEBULA_CAPACITY_MAX / cfg->blocks,
			     "nebula_pool: .block_size * .blocks overflows");
}

/**
 * nebula_pool_create() - make a pool
 * @name: 1 to 63 of ``[A-Za-z0-9_.-]``; copied, and need not be unique.
 * @...: designated fields of &struct nebula_pool_config, for example
 *	``.block_size = 256, .blocks = 1000``.
 *
 * Fields that are constant and can never be valid do not compile.
 *
 * Context: task; may sleep. Honours the NOFS or NOIO scope of ``.gfp``.
 * Return: the pool, or ERR_PTR(): -EINVAL for a wrong name or field, -EOVERFLOW for blocks that
 * cannot be represented, -ENOMEM without memory, -EPERM in atomic context, -ENOEXEC when the
 * client was built against other headers. The reason is recorded.
 */
#define nebula_pool_create(name, ...)							\
({											\
	const struct nebula_pool_config __nebula_cfg = { __VA_ARGS__ };			\
											\
	nebula_pool_config_check(&__nebula_cfg);					\
	nebula_alloc_hooks(nebula_pool_create_cfg(name, &__nebula_cfg, sizeof(__nebula_cfg),	\
						  NEBULA_ABI, THIS_MODULE));		\
})

/**
 * nebula_pool_create_for() - make a pool of objects of a type
 * @name: as nebula_pool_create().
 * @type: type of the objects; gives block size and alignment.
 * @n: how many can always be live at once.
 * @...: further fields, as nebula_pool_create().
 *
 * Context: as nebula_pool_create().
 * Return: as nebula_pool_create().
 */
#define nebula_pool_create_for(name, type, n, ...)					\
	nebula_pool_create(name, .block_size = sizeof(type), .align = __alignof__(type),	\
			   .blocks = (n), ##__VA_ARGS__)

/**
 * nebula_pool_buffer_size() - bytes that a pool on a caller's buffer needs
 * @...: the fields that nebula_pool_create() will be given, but for ``.buffer`` and
 *	``.buffer_size``.
 *
 * Enough for a buffer of any alignment, and for as many CPUs as there may ever be.
 *
 * Context: process context; sleeps.
 * Return: bytes; 0, with the reason recorded, for what nebula_pool_create() would refuse.
 */
#define nebula_pool_buffer_size(...)							\
({											\
	const struct nebula_pool_config __nebula_cfg = { __VA_ARGS__ };			\
											\
	nebula_pool_config_check(&__nebula_cfg);					\
	nebula_pool_buffer_size_cfg(&__nebula_cfg, sizeof(__nebula_cfg), NEBULA_ABI,	\
				    THIS_MODULE);					\
})

/*
 * Index of the block at an address, or something that is no index.
 *
 * A block's offset is index * odd << rotate. Multiplying with the inverse of the odd part, modulo
 * the word, and rotating gives the index back. Both steps map words one to one, and the offsets of
 * the blocks are mapped onto all indices there are; so every other offset, outside or inside a
 * block, is mapped elsewhere. One comparison then checks range and alignment. (The inverse is that
 * of exact division, see Warren, Hacker's Delight, 10-17.)
 */
static __always_inline unsigned long nebula_pool_index_of(unsigned long offset,
							  unsigned long inverse, u8 rotate)
{
#if BITS_PER_LONG == 64
	return ror64(offset * inverse, rotate);
#else
	return ror32(offset * inverse, rotate);
#endif
}

/*
 * The state of a block is one byte, read and written by the context that holds the block, and read
 * by a wrong free.
 */
#define nebula_pool_peek(state)		data_race(state) /* see above */
#define nebula_pool_poke(state, to)	data_race((state) = (to)) /* see above */

/*
 * nebula_pool_switch() - change the state of a block that no other context works on, or go to
 * @otherwise when it is not in state @from
 *
 * In assembly only to have one operand, and so no address to compute.
 */
#ifdef CONFIG_X86_64
#define nebula_pool_switch(state, from, to, otherwise)				\
	asm goto("cmpb %[old], %[byte]\n\t"					\
		 "jne %l[" #otherwise "]\n\t"					\
		 "movb %[new], %[byte]"						\
		 : : [byte] "m" (state), [old] "i" ((s8)(from)), [new] "i" ((s8)(to))	\
		 : "memory", "cc" : otherwise)
#else
#define nebula_pool_switch(state, from, to, otherwise)				\
do {										\
	if (unlikely(nebula_pool_peek(state) != (from)))			\
		goto otherwise;							\
	nebula_pool_poke(state, to);						\
} while (0)
#endif

/*
 * nebula_pool_claim() - claim the magazine of this CPU, or go to @otherwise when the interrupted
 * context has it. Preemption is off.
 *
 * Two plain instructions: a context that comes between them leaves the magazine unclaimed and in
 * order, and all that is read of it is read after them. See module/pool/magazine.c.
 *
 * nebula_pool_unless_full() - go to @otherwise when no slot above @top may be filled
 */
#if defined(CONFIG_X86_64) && defined(CONFIG_SMP) && defined(__percpu_arg) && \
	!defined(__CHECKER__)
#define nebula_pool_claim(cpus, otherwise)					\
	asm goto("cmpb $0, " __percpu_arg([busy]) "\n\t"			\
		 "jne %l[" #otherwise "]\n\t"					\
		 "movb $1, " __percpu_arg([busy])				\
		 : : [busy] "m" (nebula_percpu_operand((cpus)->busy))		\
		 : "memory", "cc" : otherwise)
#define nebula_pool_unless_full(cpus, top, otherwise)				\
	asm goto("cmpq %[slot], " __percpu_arg([limit]) "\n\t"			\
		 "jbe %l[" #otherwise "]"					\
		 : : [limit] "m" (nebula_percpu_operand((cpus)->limit)), [slot] "r" (top) \
		 : "cc" : otherwise)
#else
#define nebula_pool_claim(cpus, otherwise)					\
do {										\
	if (unlikely(raw_cpu_read((cpus)->busy)))				\
		goto otherwise;							\
	raw_cpu_write((cpus)->busy, 1);						\
	barrier();								\
} while (0)
#define nebula_pool_unless_full(cpus, top, otherwise)				\
do {										\
	if (unlikely((unsigned long)(top) >= raw_cpu_read((cpus)->limit)))	\
		goto otherwise;							\
} while (0)
#endif

/* Everything that was done to the magazine is done before. */
static __always_inline void nebula_pool_unclaim(struct nebula_pool_cpu __percpu *cpus)
{
	barrier();
	raw_cpu_write(cpus->busy, 0);
}

/*
 * How nebula_pool_take() ended: preemption is off unless it has a block.
 * NEBULA_POOL_EMPTY: the magazine has none, and is claimed.
 * NEBULA_POOL_BUSY: the magazine is claimed by another context, or for ever.
 */
enum nebula_pool_taken { NEBULA_POOL_TAKEN, NEBULA_POOL_EMPTY, NEBULA_POOL_BUSY };

/* Takes a block from the magazine of this CPU. */
static __always_inline enum nebula_pool_taken nebula_pool_take(struct nebula_pool *p, void **objp)
{
	struct nebula_pool_cpu __percpu *cpus;
	struct nebula_pool_slot *top;
	u8 *state;

	preempt_disable();
	cpus = READ_ONCE(p->cpus);
	nebula_pool_claim(cpus, claimed);
	top = (struct nebula_pool_slot *)raw_cpu_read(cpus->top);
	*objp = top->obj;
	state = top->state;
	nebula_pool_switch(*state, NEBULA_POOL_FREE, NEBULA_POOL_LIVE, empty);
	raw_cpu_add(cpus->top, -(long)sizeof(*top));
	raw_cpu_inc(cpus->allocs);
	nebula_pool_unclaim(cpus);
	preempt_enable();
	return NEBULA_POOL_TAKEN;

empty:
	return NEBULA_POOL_EMPTY;
claimed:
	return NEBULA_POOL_BUSY;
}

/**
 * nebula_pool_alloc() - allocate a block
 * @p: the pool.
 *
 * The memory is uninitialised unless the pool has %NEBULA_ZERO or a constructor. A pool with
 * %NEBULA_GROW that has no block left grows in place by some pages, and has a worker add more.
 * With interrupts off, or in an NMI, those are pages that the kernel gives without taking a lock,
 * which it does since 7.0; nebula_pool_alloc_gfp() has it grow with interrupts off everywhere.
 *
 * Context: any, NMI included; does not sleep.
 * Return: the block, or %NULL with POOL_EXHAUSTED recorded.
 */
static __always_inline __must_check void *nebula_pool_alloc(struct nebula_pool *p)
{
	void *obj;

	switch (nebula_pool_take(p, &obj)) {
	case NEBULA_POOL_TAKEN:
		return obj;
	case NEBULA_POOL_EMPTY:
		return nebula_pool_alloc_empty(p);
	default:
		return nebula_pool_alloc_busy(p);
	}
}

/**
 * nebula_pool_alloc_gfp() - allocate a block, growing as gfp flags allow
 * @p: the pool.
 * @gfp: as for kmem_cache_alloc(): with %GFP_KERNEL a pool with %NEBULA_GROW grows before it
 *	refuses, with %GFP_NOWAIT or %GFP_ATOMIC it grows in place by pages that are free.
 *	__GFP_ZERO clears the block; with __GFP_NOWARN a refusal is counted and not recorded. Where
 *	the pool's memory comes from, and from which zone, is the pool's affair.
 *
 * Context: any, NMI included; sleeps only if @gfp allows it and the pool has to grow.
 * Return: the block, or %NULL with POOL_EXHAUSTED recorded.
 */
static __always_inline __must_check void *nebula_pool_alloc_gfp(struct nebula_pool *p, gfp_t gfp)
{
	enum nebula_pool_taken taken;
	void *obj;

	taken = nebula_pool_take(p, &obj);
	if (unlikely(taken != NEBULA_POOL_TAKEN))
		obj = nebula_pool_alloc_gfp_slow(p, gfp, taken == NEBULA_POOL_EMPTY);
	if (gfp & __GFP_ZERO && likely(obj))
		memset(obj, 0, p->block_size);
	return obj;
}

/**
 * nebula_pool_zalloc_gfp() - allocate a zeroed block, growing as gfp flags allow
 * @p: the pool.
 * @gfp: as nebula_pool_alloc_gfp().
 *
 * Context: as nebula_pool_alloc_gfp().
 * Return: as nebula_pool_alloc_gfp().
 */
static __always_inline __must_check void *nebula_pool_zalloc_gfp(struct nebula_pool *p, gfp_t gfp)
{
	return nebula_pool_alloc_gfp(p, gfp | __GFP_ZERO);
}

/**
 * nebula_pool_try_alloc() - allocate a block, for a caller who can do without
 * @p: the pool. It does not grow for this.
 *
 * Context: any, NMI included; does not sleep.
 * Return: the block, or %NULL: the refusal is counted and not recorded.
 */
static __always_inline __must_check void *nebula_pool_try_alloc(struct nebula_pool *p)
{
	return nebula_pool_alloc_gfp(p, __GFP_NOWARN);
}

/**
 * nebula_pool_block_size() - bytes of a block
 * @p: the pool.
 *
 * Context: any.
 * Return: bytes that belong to the user.
 */
static inline size_t nebula_pool_block_size(const struct nebula_pool *p)
{
	return p->block_size;
}

/* A block for an object of @size bytes, aligned to @align: as nebula_pool_alloc() if that fits. */
static __always_inline __must_check __alloc_size(2)
void *nebula_pool_alloc_fit(struct nebula_pool *p, size_t size, size_t align)
{
	void *obj;

	if (unlikely(!size) || unlikely(!is_power_of_2(align)) ||
	    unlikely(size > p->block_size) || (align > 1 && unlikely(align > p->align)))
		return nebula_pool_refuse_layout(p, size, align);
	switch (nebula_pool_take(p, &obj)) {
	case NEBULA_POOL_TAKEN:
		return obj;
	case NEBULA_POOL_EMPTY:
		return nebula_pool_alloc_empty(p);
	default:
		/* With debug flags the bytes behind the object are watched. */
		return nebula_pool_alloc_busy_sized(p, size);
	}
}

/**
 * nebula_pool_zalloc() - allocate a zeroed block
 * @p: the pool.
 *
 * Context: as nebula_pool_alloc().
 * Return: as nebula_pool_alloc().
 */
static __always_inline __must_check void *nebula_pool_zalloc(struct nebula_pool *p)
{
	void *obj = nebula_pool_alloc(p);

	if (likely(obj))
		memset(obj, 0, p->block_size);
	return obj;
}

/* As nebula_pool_free(), of an object that was @size bytes; 0 when that is not known. */
static __always_inline void nebula_pool_free_sized(struct nebula_pool *p, void *obj, size_t size)
{
	unsigned long index = nebula_pool_index_of((unsigned long)obj - p->base, p->inverse,
						   p->rotate);
	struct nebula_pool_cpu __percpu *cpus;
	struct nebula_pool_slot *top;
	u8 *state;

	if (IS_ENABLED(CONFIG_LOCKDEP))
		debug_check_no_locks_freed(obj, p->block_size);
	if (unlikely(index >= p->blocks)) {
		nebula_pool_free_other(p, obj, size);
		return;
	}
	state = p->state + index;
	preempt_disable();
	cpus = READ_ONCE(p->cpus);
	nebula_pool_claim(cpus, claimed);
	top = (struct nebula_pool_slot *)raw_cpu_read(cpus->top);
	nebula_pool_unless_full(cpus, top, full);
	/* Check the state only after the claim: then a nested free of the block is detected. */
	nebula_pool_switch(*state, NEBULA_POOL_LIVE, NEBULA_POOL_FREE, refused);
	top[1].obj = obj;
	top[1].state = state;
	raw_cpu_add(cpus->top, sizeof(*top));
	nebula_pool_unclaim(cpus);
	preempt_enable();
	return;

full:
	nebula_pool_free_full(p, obj, state);
	return;
claimed:
	/* Without a size there is an argument less to pass. */
	if (__builtin_constant_p(size) && !size)
		nebula_pool_free_busy(p, obj, state);
	else
		nebula_pool_free_busy_sized(p, obj, state, size);
	return;
refused:
	nebula_pool_free_refused(p, obj);
}

/**
 * nebula_pool_free() - free a block
 * @p: the pool.
 * @obj: a block of it; %NULL and %ZERO_SIZE_PTR are fine.
 *
 * Anything but a live block of this pool is refused and recorded: DOUBLE_FREE, FOREIGN_POINTER,
 * MISALIGNED_POINTER. Nothing changes then.
 *
 * Context: any, NMI included, on any CPU; does not sleep.
 */
static __always_inline void nebula_pool_free(struct nebula_pool *p, void *obj)
{
	nebula_pool_free_sized(p, obj, 0);
}

#endif /* _NEBULA_POOL_H */
