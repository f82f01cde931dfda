/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bump allocator (arena): many short-lived objects with one common end.
 *
 * Best suited for a request, a parse, a frame: allocate with a handful of instructions, give
 * everything back at once with reset, or back to a checkpoint. Single objects are never freed.
 *
 * Two modes:
 *  - owner (default): one owner at a time, serialised by the caller, in whatever context the owner
 *    runs. Inline, no atomics. Checkpoint, restore, reset, realloc in place.
 *  - %NEBULA_SHARED: any number of CPUs in task, softirq, hardirq and NMI context. Each CPU bumps
 *    inside a sub-chunk that it takes from the region, with one unlocked per-CPU instruction; the
 *    contended operation happens once a sub-chunk.
 *
 * Limitations: memory comes back only by reset, restore or destroy. A shared one has no
 * checkpoints. An NMI grows one only since 7.0, and where per-CPU operations are not NMI-safe it
 * is refused (WRONG_CONTEXT).
 */
#ifndef _NEBULA_BUMP_H
#define _NEBULA_BUMP_H

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/debug_locks.h>
#include <linux/export.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/stdarg.h>
#include <linux/string.h>
#include <nebula/allocator.h>
#include <nebula/compat.h>
#include <nebula/config.h>

/*
 * The cursor is a multiple of this, so constant sizes and alignments up to it need no alignment
 * step. Bytes.
 */
#define NEBULA_BUMP_GRAIN	8UL

/*
 * Larger requests take the out-of-line path; adding this to an address of an object never wraps.
 * Bytes.
 */
#define NEBULA_BUMP_INLINE_MAX	SZ_64K

/* Runs of stale checkpoints with valid ones between them that are told apart. */
#define NEBULA_BUMP_STALE_RUNS	8

/* Value of nebula_bump.limit that no object fits below. */
#define NEBULA_BUMP_LIMIT_NONE	0UL

/* Values of nebula_bump.mark_at that no checkpoint has. */
#define NEBULA_BUMP_MARK_RESET	0UL
#define NEBULA_BUMP_MARK_NONE	1UL

/* Value of nebula_bump.stamp that no checkpoint has. */
#define NEBULA_BUMP_STAMP_NONE	0ULL

struct nebula_budget;

/**
 * struct nebula_bump_config - how a bump allocator is to be
 * @capacity: bytes it shall hold; rounded up to pages. With @buffer at most @buffer_size, and 0
 *	means all of it.
 * @max_capacity: bytes up to which it may grow, with %NEBULA_GROW only; 0 means 64 times
 *	@capacity.
 * @retain: bytes of the largest region that a reset keeps, with %NEBULA_GROW only, and at least
 *	@capacity; 0 means any. Where all are larger it keeps the smallest: see nebula_bump_trim().
 * @flags: &enum nebula_flags; %NEBULA_STRICT does not apply.
 * @preset: &enum nebula_preset.
 * @backing: &enum nebula_backing; @buffer implies %NEBULA_BUFFER.
 * @gfp: flags for all memory it gets, also while growing; 0 means %GFP_KERNEL. As for
 *	pools, not all are accepted.
 * @node: NEBULA_NODE(n) to prefer NUMA node n; 0 means any.
 * @buffer: the caller's memory instead of a region of its own; excludes %NEBULA_GROW.
 * @buffer_size: bytes at @buffer.
 * @budget: charged for all regions it has, or %NULL; excludes @buffer.
 */
struct nebula_bump_config {
	size_t capacity;
	size_t max_capacity;
	size_t retain;
	unsigned int flags;
	enum nebula_preset preset;
	enum nebula_backing backing;
	gfp_t gfp;
	int node;
	void *buffer;
	size_t buffer_size;
	struct nebula_budget *budget;
};

/**
 * struct nebula_checkpoint - a position to rewind a bump allocator to
 * @owner: private; the allocator it is of.
 * @stamp: private; higher than that of each older one at another position.
 * @cur: private; cursor.
 * @tail: private; end of the last object whose size is no multiple of the grain.
 * @live: private; objects in use.
 *
 * A plain value: it may be copied, kept, used more than once, or dropped.
 */
struct nebula_checkpoint {
	const struct nebula_bump *owner;
	u64 stamp;
	unsigned long cur;
	unsigned long tail;
	unsigned long live;
};

/*
 * The @number checkpoints with stamps above @after are stale: a rewind went to @after. @open: so
 * far below @after is the oldest checkpoint since the run before that was never rewound to; 0
 * without any.
 */
struct nebula_bump_stale {
	u64 after;
	u64 number : 44;
	u64 open : 20;
};

/**
 * struct nebula_bump_cpu - what a CPU has of a shared bump allocator
 * @cur: private; next address to hand out of the sub-chunk, %NEBULA_BUMP_CPU_NONE without one.
 * @allocs: private; allocations served on this CPU.
 * @cur_slow: private; as @cur, while the inline path is off.
 * @padding: private; bytes lost on this CPU.
 * @released: private; bytes given back by objects that shrank on this CPU.
 */
struct nebula_bump_cpu {
	unsigned long cur;
	unsigned long allocs;
	unsigned long cur_slow;
	unsigned long padding;
	unsigned long released;
};

/* Adding any size to it leaves every sub-chunk. */
#define NEBULA_BUMP_CPU_NONE	ULONG_MAX

struct nebula_bump_heap;
struct nebula_cleanup;

/**
 * struct nebula_bump - a bump allocator
 * @cur: private; next address to hand out, a multiple of the grain.
 * @limit: private; end of what the inline path may hand out, or %NEBULA_BUMP_LIMIT_NONE.
 * @cpus: private; shared: the per-CPU parts; otherwise ones that never serve.
 * @sub_mask: private; shared: bits of an address that are equal within a sub-chunk.
 * @tail: private; end of the newest object whose size is no multiple of the grain; it counts while
 *	it lies within the grain below @cur, and the bytes between the two can still be handed out.
 * @padding: private; bytes ever lost to alignment.
 * @allocs: private; allocations ever served by an owner.
 * @frees: private; objects ever given back.
 * @start: private; where @cur begins in this region.
 * @peak_at: private; @cur up to which a rewind need not check the peak; 0 keeps rewinds out of
 *	line.
 * @stamp: private; of a checkpoint at @mark_at, or %NEBULA_BUMP_STAMP_NONE.
 * @mark_at: private; where the newest checkpoint or restore was, to the byte, or
 *	NEBULA_BUMP_MARK_*. It is no @cur when that was within a grain.
 * @stale_count: private; entries of @stale in use.
 * @restored: private; the checkpoint with the newest stamp was rewound to.
 * @released: private; bytes ever given back.
 * @resets: private; how often it was reset.
 * @end: private; end of the current region.
 * @base: private; first byte of the current region.
 * @retired: private; bytes of the regions before the current one.
 * @capacity: private; bytes of all regions.
 * @peak: private; highest use, bytes, as of the last update.
 * @snapshot: private; odd while the words above change together.
 * @shrunk_from: private; highest cursor that shrinking an object went down from.
 * @scopes: private; scopes that are open. The owner's; shared: any context, atomic.
 * @stamps: private; the newest stamp.
 * @stale_to: private; this stamp and all before it are stale.
 * @open: private; the oldest stamp with a newer one above it that was never rewound to; one before
 *	the end of the newest run means none.
 * @stale: private; stale checkpoints among newer valid ones, in order.
 * @cleanups: private; calls that are due when it is rewound, newest first; rewinds are out of line
 *	then.
 * @heap: private; what only one made by create has.
 * @common: private; common part of all allocators.
 *
 * All fields are private: use the functions. It may be embedded or live on the stack, see
 * nebula_bump_init().
 */
struct nebula_bump {
	unsigned long cur;
	unsigned long limit;
	struct nebula_bump_cpu __percpu *cpus;
	unsigned long sub_mask;
	unsigned long tail;
	unsigned long padding;
	unsigned long allocs;
	unsigned long start;

	unsigned long frees;
	unsigned long peak_at;
	u64 stamp;
	unsigned long mark_at;
	unsigned long released;
	unsigned long resets;
	unsigned int stale_count;
	bool restored;

	unsigned long end;
	unsigned long base;
	unsigned long retired;
	unsigned long capacity;
	unsigned long peak;
	unsigned long shrunk_from;
	unsigned int snapshot;
	atomic_t scopes;
	u64 stamps;
	u64 stale_to;
	u64 open;
	struct nebula_bump_stale stale[NEBULA_BUMP_STALE_RUNS];
	struct nebula_cleanup *cleanups;
	struct nebula_bump_heap *heap;
	struct nebula_allocator common;
};

struct nebula_bump *nebula_bump_create_cfg(const char *name, const struct nebula_bump_config *cfg,
					   size_t cfg_size, unsigned int abi, struct module *owner);

/**
 * nebula_bump_destroy() - take down an allocator made by nebula_bump_create()
 * @b: the allocator; %NULL and ERR_PTR() are fine.
 *
 * Cleanups are called, and all its memory goes back. Refused, and recorded, while a scope on it is
 * open (INVALID_STATE), in atomic context (WRONG_CONTEXT) and for one that was not made by create
 * (INVALID_STATE); the allocator stays usable then.
 *
 * Context: process context; sleeps. No other call on the allocator may be running.
 */
void nebula_bump_destroy(struct nebula_bump *b);

/**
 * nebula_bump_init() - make a bump allocator on a caller's buffer
 * @b: the allocator, anywhere, on the stack too.
 * @buf: the memory it serves from.
 * @size: bytes at @buf.
 *
 * Not registered: not in debugfs, but its errors are recorded, as those of "(buffer)". A buffer
 * of no use, NULL or wrapping around, leaves an allocator of capacity 0 and is recorded as
 * INVALID_CONFIG.
 *
 * Context: any.
 */
void nebula_bump_init(struct nebula_bump *b, void *buf, size_t size);

/**
 * nebula_bump_exit() - stop using a caller's buffer
 * @b: as given to nebula_bump_init().
 *
 * Needed only when the buffer is used for something else while @b still exists: afterwards every
 * allocation fails and every checkpoint is stale. Refused and recorded as INVALID_STATE for one
 * made by create, or inside an open scope.
 *
 * Context: the owner's.
 */
void nebula_bump_exit(struct nebula_bump *b);

void *nebula_bump_alloc_slow(struct nebula_bump *b, size_t size, size_t align)
	__alloc_size(2);
u64 nebula_bump_stamp_slow(struct nebula_bump *b, unsigned long at);
int nebula_bump_restore_slow(struct nebula_bump *b, const struct nebula_checkpoint *cp);
void nebula_bump_scope_enter_slow(struct nebula_bump *b, struct nebula_checkpoint *cp);
void nebula_bump_scope_exit_slow(struct nebula_bump *b, const struct nebula_checkpoint *cp);
void nebula_bump_reset_slow(struct nebula_bump *b);

/**
 * nebula_bump_realloc() - change the size of an object
 * @b: the allocator.
 * @p: the object; %NULL or %ZERO_SIZE_PTR to allocate.
 * @old_size: its size, bytes.
 * @new_size: wanted size, bytes.
 * @align: power of two, bytes.
 *
 * The newest object (with %NEBULA_SHARED, of this CPU) grows and shrinks where it is. Another one
 * stays when it shrinks, and is copied when it grows. With %NEBULA_ZERO the added bytes are
 * zeroed.
 *
 * Context: as nebula_bump_alloc().
 * Return: the object, %ZERO_SIZE_PTR for @new_size 0, or %NULL as nebula_bump_alloc(), also with
 * FOREIGN_POINTER recorded, or INVALID_LAYOUT when @p has not @old_size bytes: fewer are in use
 * there, or, with a debug flag, the object is smaller. @p is untouched then.
 */
void *nebula_bump_realloc(struct nebula_bump *b, void *p, size_t old_size, size_t new_size,
			  size_t align)
	__must_check __alloc_size(4);

/**
 * nebula_bump_memdup() - copy memory into the allocator
 * @b: the allocator.
 * @src: what to copy.
 * @size: bytes.
 * @align: alignment of the copy, power of two, bytes.
 *
 * Context: as nebula_bump_alloc().
 * Return: as nebula_bump_alloc().
 */
void *nebula_bump_memdup(struct nebula_bump *b, const void *src, size_t size, size_t align)
	__must_check __alloc_size(3);

/**
 * nebula_bump_strdup() - copy a string into the allocator
 * @b: the allocator.
 * @s: the string; %NULL gives %NULL, which is no error.
 *
 * Context: as nebula_bump_alloc().
 * Return: the copy, or %NULL as nebula_bump_alloc().
 */
char *nebula_bump_strdup(struct nebula_bump *b, const char *s) __must_check;

/**
 * nebula_bump_asprintf() - format a string into the allocator
 * @b: the allocator.
 * @fmt: as of printk().
 * @...: its arguments.
 *
 * Context: as nebula_bump_vasprintf().
 * Return: the string, or %NULL as nebula_bump_alloc().
 */
char *nebula_bump_asprintf(struct nebula_bump *b, const char *fmt, ...)
	__must_check __printf(2, 3);

/**
 * nebula_bump_vasprintf() - format a string into the allocator
 * @b: the allocator.
 * @fmt: as of printk().
 * @args: its arguments.
 *
 * Context: as nebula_bump_alloc(), and as the format specifiers allow.
 * Return: the string, or %NULL as nebula_bump_alloc().
 */
char *nebula_bump_vasprintf(struct nebula_bump *b, const char *fmt, va_list args)
	__must_check __printf(2, 0);

/**
 * nebula_bump_defer() - have a function called when this position is given back
 * @b: the allocator.
 * @fn: the function.
 * @data: its argument.
 *
 * Called before the memory goes, by what gives it back: restore to an older checkpoint, the end of
 * a scope, reset, destroy, exit. What was registered last is called first. It takes a few words of
 * the allocator, and until it was called, restore and reset are not inline.
 *
 * The function may use all that was allocated before it was registered. It may call into the
 * allocator. It is not called when a module goes without destroying its allocator: what it would
 * clean up may be gone, too.
 *
 * Context: as nebula_bump_alloc(); @fn is called in the context of what gives back.
 * Return: 0; -ENOMEM as nebula_bump_alloc(), which records why; -EINVAL without @fn
 * (INVALID_CONFIG).
 */
int nebula_bump_defer(struct nebula_bump *b, void (*fn)(void *data), void *data);

/**
 * nebula_bump_reserve() - make room ahead of need
 * @b: the allocator.
 * @bytes: that later allocations shall find without growing.
 * @gfp: flags for the region it may have to map, as those of nebula_pool_grow(). With
 *	__GFP_NOWARN a refusal is counted and not recorded.
 *
 * In owner mode the bytes are contiguous, alignment to a page included.
 *
 * Context: the owner's, as @gfp; process context with %NEBULA_SHARED.
 * Return: 0; -ENOMEM (OUT_OF_MEMORY without %NEBULA_GROW or beyond the limit, BACKING_FAILED),
 * -EOVERFLOW (SIZE_OVERFLOW), -EINVAL for flags that cannot be honoured (INVALID_CONFIG),
 * -EPERM (WRONG_CONTEXT).
 */
int nebula_bump_reserve(struct nebula_bump *b, size_t bytes, gfp_t gfp);

/**
 * nebula_bump_trim() - give memory back to the kernel
 * @b: the allocator.
 * @keep: bytes that it may keep.
 *
 * Releases what is not in use beyond @keep: the region kept for growth, or reserved, and, when
 * nothing is in use, the region that a reset has left, in exchange for a smaller one. It keeps
 * ``.capacity`` in any case, and its region when the kernel has no smaller one. With %NEBULA_SHARED
 * it releases nothing while anything is in use.
 *
 * What fitted before fits again: one that came near ``.max_capacity`` maps as much as it had in one
 * piece with its next allocation.
 *
 * Context: the owner's, sleeps as ``.gfp`` allows. With %NEBULA_SHARED process context, and no
 * allocation may be in flight on any CPU.
 * Return: bytes released; 0 in atomic context with %NEBULA_SHARED (WRONG_CONTEXT), and for one on a
 * caller's buffer.
 */
size_t nebula_bump_trim(struct nebula_bump *b, size_t keep);

/**
 * nebula_bump_used() - bytes in use
 * @b: the allocator.
 *
 * Padding included, also what a region lost at its end when the allocator grew.
 *
 * Context: any.
 * Return: bytes; exact in the owner's context, exact to one sub-chunk per CPU with
 * %NEBULA_SHARED.
 */
size_t nebula_bump_used(const struct nebula_bump *b);

/**
 * nebula_bump_available() - bytes left without growing
 * @b: the allocator.
 *
 * Context: any.
 * Return: bytes; nebula_bump_capacity() - nebula_bump_used().
 */
size_t nebula_bump_available(const struct nebula_bump *b);

/**
 * nebula_bump_capacity() - bytes mapped
 * @b: the allocator.
 *
 * Context: any.
 * Return: bytes of all regions.
 */
size_t nebula_bump_capacity(const struct nebula_bump *b);

/**
 * nebula_bump_peak() - the highest use ever
 * @b: the allocator.
 *
 * Context: any.
 * Return: bytes; as exact as nebula_bump_used().
 */
size_t nebula_bump_peak(const struct nebula_bump *b);

/**
 * nebula_bump_owns() - does an address lie in the allocator's regions?
 * @b: the allocator.
 * @p: any address.
 *
 * Context: the owner's; any with %NEBULA_SHARED.
 * Return: true when it does, whether it was handed out or not.
 */
bool nebula_bump_owns(const struct nebula_bump *b, const void *p);

/* What the compiler can know of a configuration; all of it is checked again by create. */
static __always_inline void nebula_bump_config_check(const struct nebula_bump_config *cfg)
{
	nebula_config_assert(cfg->capacity || cfg->buffer,
			     "nebula_bump: .capacity must not be zero");
	nebula_config_assert(cfg->capacity <= NEBULA_CAPACITY_MAX,
			     "nebula_bump: .capacity overflows");
	nebula_config_assert(cfg->max_capacity <= NEBULA_CAPACITY_MAX,
			     "nebula_bump: .max_capacity overflows");
	nebula_config_assert(!cfg->retain || (cfg->flags & NEBULA_GROW),
			     "nebula_bump: .retain is for NEBULA_GROW");
	nebula_config_assert(!cfg->buffer || !(cfg->flags & NEBULA_GROW),
			     "nebula_bump: .buffer excludes NEBULA_GROW");
}

/**
 * nebula_bump_create() - make a bump allocator
 * @name: 1 to 63 of ``[A-Za-z0-9_.-]``; copied, and need not be unique.
 * @...: designated fields of &struct nebula_bump_config, for example
 *	``.capacity = SZ_64K, .flags = NEBULA_GROW``.
 *
 * Fields that are constant and can never be valid do not compile.
 *
 * Context: task; may sleep. Honours the NOFS or NOIO scope of ``.gfp``.
 * Return: the allocator, or ERR_PTR(): -EINVAL for a wrong name or field, -EOVERFLOW for a
 * capacity that cannot be represented, -ENOMEM without memory, -EPERM in atomic context,
 * -ENOEXEC when the client was built against other headers. The reason is recorded.
 */
#define nebula_bump_create(name, ...)							\
({											\
	const struct nebula_bump_config __nebula_cfg = { __VA_ARGS__ };			\
											\
	nebula_bump_config_check(&__nebula_cfg);					\
	nebula_alloc_hooks(nebula_bump_create_cfg(name, &__nebula_cfg, sizeof(__nebula_cfg),	\
						  NEBULA_ABI, THIS_MODULE));		\
})

/*
 * One CPU's turn in a shared bump allocator: a single attempt, all else is out of line. @size is a
 * multiple of the grain. In one that is not shared every attempt fails at the mask.
 */
static __always_inline void *nebula_bump_alloc_shared(struct nebula_bump *b, size_t size,
						      size_t align)
{
	struct nebula_bump_cpu __percpu *cpus = b->cpus;
	unsigned long cur, next;

	if (!NEBULA_NMI_SAFE)
		return nebula_bump_alloc_slow(b, size, align);
	cur = this_cpu_read(cpus->cur);
	next = cur + size;
	if (unlikely((next ^ cur) & data_race(b->sub_mask)) || /* see module/core/fastpath.c */
	    unlikely(!nebula_this_cpu_cas(cpus->cur, &cur, next)))
		return nebula_bump_alloc_slow(b, size, align);
	this_cpu_inc(cpus->allocs);
	return (void *)cur;
}

/*
 * The same for a size that is not known, or odd. With an alignment below the grain the bytes
 * between @tail and @cur, see bump_cursor(), are handed out first: short strings lie side by side.
 * As in place(), padding may go down by what was taken for it before.
 */
static __always_inline void *nebula_bump_alloc_packed(struct nebula_bump *b, size_t size,
						      size_t align)
{
	unsigned long cur = b->cur, tail, p = cur, e, next;

	if (unlikely(size - 1 >= NEBULA_BUMP_INLINE_MAX))	/* 0 as well */
		return nebula_bump_alloc_slow(b, size, align);
	if (align < NEBULA_BUMP_GRAIN) {
		tail = b->tail;
		if (cur - tail < NEBULA_BUMP_GRAIN)
			p = ALIGN(tail, align);
	} else if (align > NEBULA_BUMP_GRAIN) {
		p = ALIGN(cur, align);
	}
	e = p + size;
	if (unlikely(e > data_race(b->limit)))	/* see module/core/fastpath.c */
		return nebula_bump_alloc_slow(b, size, align);
	next = ALIGN(e, NEBULA_BUMP_GRAIN);
	WRITE_ONCE(b->tail, e);
	nebula_count(b->padding, next - cur - size);
	WRITE_ONCE(b->cur, next);
	nebula_count(b->allocs, 1);
	return (void *)p;
}

/**
 * nebula_bump_alloc() - allocate memory
 * @b: the allocator.
 * @size: bytes.
 * @align: power of two, bytes.
 *
 * Inline for constant alignments. The memory is uninitialised unless the allocator has
 * %NEBULA_ZERO. With %NEBULA_GROW an owner adds a region as ``.gfp`` allows; a shared one has a
 * worker add it ahead of need, and adds some pages itself when that is too late.
 *
 * Context: the owner's; any context, NMI included, with %NEBULA_SHARED. Sleeps only while an owner
 * grows, if ``.gfp`` allows it.
 * Return: the memory; %ZERO_SIZE_PTR for size 0; %NULL with OUT_OF_MEMORY, BACKING_FAILED,
 * INVALID_ALIGNMENT, SIZE_OVERFLOW or WRONG_CONTEXT recorded.
 */
static __always_inline __alloc_size(2) __must_check
void *nebula_bump_alloc(struct nebula_bump *b, size_t size, size_t align)
{
	const bool aligned = __builtin_constant_p(align) && is_power_of_2(align) &&
			     align <= NEBULA_BUMP_INLINE_MAX;
	/* Nothing depends on how much of a grain is in use. */
	const bool whole = __builtin_constant_p(size) && size && size <= NEBULA_BUMP_INLINE_MAX &&
			   (size % NEBULA_BUMP_GRAIN == 0 || align >= NEBULA_BUMP_GRAIN);
	unsigned long cur, p, e, next;

	if (!aligned)
		return nebula_bump_alloc_slow(b, size, align);
	if (!whole)
		return nebula_bump_alloc_packed(b, size, align);

	cur = b->cur;
	p = align <= NEBULA_BUMP_GRAIN ? cur : ALIGN(cur, align);
	e = p + size;
	if (unlikely(e > data_race(b->limit))) { /* see module/core/fastpath.c */
		if (size % NEBULA_BUMP_GRAIN || align > NEBULA_BUMP_GRAIN)
			return nebula_bump_alloc_slow(b, size, align);
		return nebula_bump_alloc_shared(b, size, align);
	}
	if (size % NEBULA_BUMP_GRAIN)
		WRITE_ONCE(b->tail, e);
	/*
	 * The cursor and all alignments beyond the grain are multiples of it, so only a size can
	 * need rounding.
	 */
	next = size % NEBULA_BUMP_GRAIN ? ALIGN(e, NEBULA_BUMP_GRAIN) : e;
	if (size % NEBULA_BUMP_GRAIN || align > NEBULA_BUMP_GRAIN)
		nebula_count(b->padding, next - cur - size);
	WRITE_ONCE(b->cur, next);
	nebula_count(b->allocs, 1);
	return (void *)p;
}

/**
 * nebula_bump_zalloc() - allocate zeroed memory
 * @b: the allocator.
 * @size: bytes.
 * @align: power of two, bytes.
 *
 * Context: as nebula_bump_alloc().
 * Return: as nebula_bump_alloc().
 */
static __always_inline __alloc_size(2) __must_check
void *nebula_bump_zalloc(struct nebula_bump *b, size_t size, size_t align)
{
	void *p = nebula_bump_alloc(b, size, align);

	if (likely(!ZERO_OR_NULL_PTR(p)))
		memset(p, 0, size);
	return p;
}

/* The stamp of a checkpoint at a new position, see module/bump/checkpoint.c. */
static __always_inline u64 nebula_bump_stamp(struct nebula_bump *b)
{
	unsigned long at = b->cur;

	if (at - b->tail < NEBULA_BUMP_GRAIN)
		at = b->tail;
	if (b->stamp != NEBULA_BUMP_STAMP_NONE)
		return nebula_bump_stamp_slow(b, at);
	/* The first one since a reset: all before are stale. */
	b->stale_to = b->stamps;
	b->stale_count = 0;
	b->restored = false;
	b->mark_at = at;
	b->stamp = ++b->stamps;
	return b->stamp;
}

/**
 * nebula_bump_checkpoint() - remember the position
 * @b: the allocator.
 *
 * Checkpoints nest to any depth. They cost nothing while they are kept, and need not be restored. A
 * loop of checkpoint, work and restore runs for ever, also when each turn keeps something.
 *
 * Which checkpoints are stale is known exactly for 8 levels that were each rewound to from
 * checkpoints above them and still are in use. Beyond that a level in the middle goes stale early,
 * but only one that was restored before; when there is none, a new checkpoint is refused.
 *
 * Context: the owner's. Not for %NEBULA_SHARED (INVALID_STATE).
 * Return: the checkpoint. When it was refused - shared allocator, or too many levels
 * (EXCEEDS_MAX) - the reason is recorded and restoring it fails.
 */
static __always_inline struct nebula_checkpoint nebula_bump_checkpoint(struct nebula_bump *b)
{
	struct nebula_checkpoint cp;

	/* At the same position checkpoints share a stamp: a rewind to one leaves them valid. */
	if (likely(b->cur == b->mark_at)) {
		cp.stamp = b->stamp;
		cp.cur = b->cur;
		cp.tail = b->tail;
		cp.live = b->allocs - b->frees;
	} else {
		cp.stamp = nebula_bump_stamp(b);
		barrier();	/* or the branch above shares its loads, and takes one more */
		cp.cur = b->cur;
		cp.tail = b->tail;
		cp.live = b->allocs - b->frees;
	}
	cp.owner = b;
	return cp;
}

/**
 * nebula_bump_restore() - give back everything allocated since a checkpoint
 * @b: the allocator.
 * @cp: the checkpoint; it stays valid.
 *
 * Cleanups registered since the checkpoint are called first, see nebula_bump_defer().
 *
 * Context: the owner's.
 * Return: 0; -ESTALE (STALE_CHECKPOINT) when the allocator was reset since, or rewound past it,
 * even if the space was filled again; -EINVAL (FOREIGN_CHECKPOINT) for another allocator's, or
 * garbage. On failure nothing changes.
 */
static __always_inline int nebula_bump_restore(struct nebula_bump *b, struct nebula_checkpoint cp)
{
	unsigned long cur = b->cur;

	/*
	 * No checkpoint was taken above this one and nothing was rewound below it, so no other goes
	 * stale. Stamps of different allocators may be equal, hence the owner; one that has grown
	 * has no @peak_at.
	 */
	if (unlikely(cp.stamp != b->stamp) ||
	    unlikely(cur > data_race(b->peak_at)) || /* see module/core/fastpath.c */
	    unlikely(cp.owner != b)) {
		struct nebula_checkpoint copy = cp;

		return nebula_bump_restore_slow(b, &copy);
	}
	if (IS_ENABLED(CONFIG_LOCKDEP))
		debug_check_no_locks_freed((void *)cp.cur, cur - cp.cur);
	WRITE_ONCE(b->cur, cp.cur);
	nebula_count(b->released, cur - cp.cur);
	WRITE_ONCE(b->tail, cp.tail);
	WRITE_ONCE(b->frees, b->allocs - cp.live);
	b->restored = true;
	return 0;
}

/**
 * nebula_bump_reset() - give back everything
 * @b: the allocator.
 *
 * All checkpoints become stale. One that had grown keeps its largest region, see ``.retain``. What
 * fitted before fits again: with %NEBULA_GROW the first allocation after a reset near
 * ``.max_capacity`` may map one region for all of it. Cleanups are called first, see
 * nebula_bump_defer().
 *
 * Context: the owner's. With %NEBULA_SHARED no allocation may be in flight on any CPU, and not
 * from NMI.
 */
static __always_inline void nebula_bump_reset(struct nebula_bump *b)
{
	unsigned long cur = b->cur;

	if (unlikely(cur > data_race(b->peak_at))) { /* see module/core/fastpath.c */
		nebula_bump_reset_slow(b);
		return;
	}
	if (IS_ENABLED(CONFIG_LOCKDEP))
		debug_check_no_locks_freed((void *)b->start, cur - b->start);
	WRITE_ONCE(b->cur, b->start);
	nebula_count(b->released, cur - b->start);
	WRITE_ONCE(b->frees, b->allocs);
	nebula_count(b->resets, 1);
	b->stamp = NEBULA_BUMP_STAMP_NONE;
	b->mark_at = NEBULA_BUMP_MARK_RESET;
}

/*
 * A scope begins, see guard(nebula_bump): where it rewinds to. A shared allocator takes the slow
 * paths: no checkpoint is ever taken there, and its scopes are of no allocator.
 *
 * Context: the owner's.
 */
static __always_inline struct nebula_checkpoint nebula_bump_scope_enter(struct nebula_bump *b)
{
	if (unlikely(b->cur != b->mark_at) && unlikely(b->stamp != NEBULA_BUMP_STAMP_NONE)) {
		struct nebula_checkpoint cp;

		nebula_bump_scope_enter_slow(b, &cp);
		return cp;
	}
	nebula_count(b->scopes.counter, 1);
	return nebula_bump_checkpoint(b);
}

/* It ends. When its beginning was given back before, that is recorded, and nothing changes. */
static __always_inline void nebula_bump_scope_exit(struct nebula_bump *b,
						   struct nebula_checkpoint cp)
{
	if (unlikely(cp.owner != b)) {
		struct nebula_checkpoint copy = cp;

		nebula_bump_scope_exit_slow(b, &copy);
		return;
	}
	nebula_count(b->scopes.counter, -1);
	nebula_bump_restore(b, cp);
}

#endif /* _NEBULA_BUMP_H */
