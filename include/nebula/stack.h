/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stack allocator: nested scratch space in strict LIFO order.
 *
 * Best suited for temporaries of a recursion or of a call chain: allocate, free the newest, or give
 * back everything down to a mark. A wrong order is always noticed, refused and recorded, and
 * changes nothing.
 *
 * Two modes:
 *  - owner (default): one owner at a time, serialised by the caller, in whatever context the owner
 *    runs. Inline, no atomics; exact to the byte.
 *  - %NEBULA_SHARED: any number of CPUs in task, softirq, hardirq and NMI context on one atomic
 *    top. Every call is linearisable. Objects take whole cache lines (more in a very large stack),
 *    so CPUs do not share them. For one stack a CPU, which needs no atomics, see scratch.h.
 *
 * Limitations: an object cannot be freed before the newer ones above it, whichever context they
 * belong to. A stack does not grow, and holds at most 1 GiB. In owner mode objects take 16 bytes on
 * average at least.
 */
#ifndef _NEBULA_STACK_H
#define _NEBULA_STACK_H

#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/debug_locks.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <nebula/allocator.h>
#include <nebula/compat.h>
#include <nebula/config.h>

/* Objects of sizes from this to %NEBULA_STACK_INLINE_MAX are served inline. Bytes. */
#define NEBULA_STACK_GRAIN	16UL
#define NEBULA_STACK_INLINE_MAX	SZ_64K

/* Largest capacity, bytes. */
#define NEBULA_STACK_CAPACITY_MAX	((size_t)SZ_1G)

/* Up to it an offset is aligned as its address is, see nebula_stack.base; none is less. Bytes. */
#define NEBULA_STACK_ORIGIN_ALIGN	PAGE_SIZE

/* Value of nebula_stack.limit that keeps everything out of line. */
#define NEBULA_STACK_LIMIT_NONE	0U

struct nebula_budget;

/**
 * struct nebula_stack_config - how a stack is to be
 * @capacity: bytes it shall hold; rounded up to pages. With @buffer at most @buffer_size, and 0
 *	means all of it.
 * @flags: &enum nebula_flags: %NEBULA_SHARED, %NEBULA_ZERO and the debug flags.
 * @preset: &enum nebula_preset.
 * @backing: &enum nebula_backing; @buffer implies %NEBULA_BUFFER.
 * @gfp: flags for all memory it gets; 0 means %GFP_KERNEL. As for pools,
 *	not all are accepted.
 * @node: NEBULA_NODE(n) to prefer NUMA node n; 0 means any.
 * @buffer: the caller's memory instead of a region of its own.
 * @buffer_size: bytes at @buffer.
 * @budget: charged for all regions it has, or %NULL; excludes @buffer.
 */
struct nebula_stack_config {
	size_t capacity;
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
 * struct nebula_mark - a position to give a stack back down to
 * @owner: private; the stack it is of.
 * @id: private; what tells it from all other marks at its position.
 * @at: private; where its last entry is, bytes from that of the oldest mark, so that no value lies
 *	below; the granule, in a shared stack.
 * @extras: private; as @owner's, when it was taken.
 *
 * A plain value: it may be copied, kept, used more than once, or dropped.
 */
struct nebula_mark {
	const struct nebula_stack *owner;
	u64 id;
	u32 at;
	unsigned long extras;
};

/*
 * The entries of a stack say where its objects end, newest last, as offsets from nebula_stack.base.
 * An object begins where the one before it ends, unless that is said:
 *
 *	[end]				an object that begins at the end before
 *	[TAG | start] [end]		an object that begins behind padding
 *	[TAG | id] [TAG | id] [end]	a mark: no object, the end before once more
 *
 * So the last entry is the offset that is handed out next, and the last but one is where the newest
 * object begins, or is tagged, and then equal to no offset. Below all objects lies a mark, whose id
 * changes with each reset.
 */
#define NEBULA_STACK_TAG	BIT(31)

struct nebula_stack_heap;
struct nebula_cleanup;

/**
 * struct nebula_stack - a stack allocator
 * @top: private; the newest entry.
 * @limit: private; offset up to which the inline paths serve: the highest that ever was, so that
 *	passing it is noticed; or %NEBULA_STACK_LIMIT_NONE.
 * @extras: private; entries that are no object's end.
 * @base: private; address that offsets count from, a multiple of %NEBULA_STACK_ORIGIN_ALIGN.
 * @consumed: private; bytes ever taken, padding included.
 * @allocs: private; allocations ever served.
 * @bottom: private; the last entry of the oldest mark, which is below all objects.
 * @entries: private; the oldest entry.
 * @self: private; this stack, while inline restores serve.
 * @marks: private; id of the newest mark.
 * @padding: private; bytes ever lost to alignment and to small objects.
 * @resets: private; how often it was reset.
 * @scopes: private; scopes that are open. The owner's; shared: any context, atomic.
 * @start: private; offset of the first byte.
 * @end: private; offset behind the last byte.
 * @room: private; entries there is room for.
 * @peak: private; highest offset ever, while @limit does not say it.
 * @kept_limit: private; what @limit was when the inline paths were taken away.
 * @nothing: private; entries of one without memory.
 * @cleanups: private; calls that are due when it is restored, newest first; restores are out of
 *	line then.
 * @heap: private; what only one made by create has.
 * @common: private; common part of all allocators.
 *
 * All fields are private: use the functions. It may be embedded or live on the stack, see
 * nebula_stack_init().
 */
struct nebula_stack {
	u32 *top;
	u32 limit;
	u32 extras;
	unsigned long base;
	unsigned long consumed;
	unsigned long allocs;
	u32 *bottom;
	const struct nebula_stack *self;
	u64 marks;

	u32 *entries;
	unsigned long padding;
	unsigned long resets;
	atomic_t scopes;
	u32 start;
	u32 end;
	u32 room;
	u32 peak;
	u32 kept_limit;
	u32 nothing[3];
	struct nebula_cleanup *cleanups;
	struct nebula_stack_heap *heap;
	struct nebula_allocator common;
};

struct nebula_stack *nebula_stack_create_cfg(const char *name,
					     const struct nebula_stack_config *cfg,
					     size_t cfg_size, unsigned int abi,
					     struct module *owner);

/**
 * nebula_stack_destroy() - take down a stack made by nebula_stack_create()
 * @s: the stack; %NULL and ERR_PTR() are fine.
 *
 * Cleanups are called, and all its memory goes back. Refused, and recorded, while a scope on it is
 * open (INVALID_STATE), in atomic context (WRONG_CONTEXT) and for one that was not made by create
 * (INVALID_STATE); the stack stays usable then.
 *
 * Context: process context; sleeps. No other call on the stack may be running.
 */
void nebula_stack_destroy(struct nebula_stack *s);

/**
 * nebula_stack_init() - make a stack on a caller's buffer
 * @s: the stack, anywhere, on the stack too.
 * @buf: the memory it serves from.
 * @size: bytes at @buf, of which what is kept of the objects takes a fifth and 150 bytes.
 *
 * Not registered: not in debugfs, but its errors are recorded, as those of "(buffer)". A buffer
 * of no use, NULL, too small or wrapping around, leaves a stack of capacity 0 and is recorded as
 * INVALID_CONFIG.
 *
 * Context: any.
 */
void nebula_stack_init(struct nebula_stack *s, void *buf, size_t size);

/**
 * nebula_stack_exit() - stop using a caller's buffer
 * @s: as given to nebula_stack_init().
 *
 * Needed only when the buffer is used for something else while @s still exists: afterwards every
 * allocation fails and every mark is stale. Refused and recorded as INVALID_STATE for one made by
 * create, or inside an open scope.
 *
 * Context: the owner's.
 */
void nebula_stack_exit(struct nebula_stack *s);

/* Not __malloc: the caller may have lent the memory, and then knows it by another pointer. */
void *nebula_stack_alloc_slow(struct nebula_stack *s, size_t size, size_t align)
	__alloc_size(2);
void *nebula_stack_alloc_higher(struct nebula_stack *s, size_t size, size_t align)
	__alloc_size(2);
void *nebula_stack_alloc_padded(struct nebula_stack *s, size_t size, size_t align)
	__alloc_size(2);
int nebula_stack_free_slow(struct nebula_stack *s, void *p, size_t size);
void nebula_stack_mark_fresh(struct nebula_stack *s, struct nebula_mark *m);
int nebula_stack_restore_slow(struct nebula_stack *s, const struct nebula_mark *m);
void nebula_stack_scope_enter_slow(struct nebula_stack *s, struct nebula_mark *m);
void nebula_stack_scope_exit_slow(struct nebula_stack *s, const struct nebula_mark *m);

/**
 * nebula_stack_realloc() - change the size of the newest object where it is
 * @s: the stack.
 * @p: the object; %NULL or %ZERO_SIZE_PTR to allocate.
 * @old_size: its size, bytes.
 * @new_size: wanted size, bytes; 0 to free.
 * @align: power of two that @p is aligned to, bytes.
 *
 * Marks stay valid. With %NEBULA_ZERO the added bytes are zeroed.
 *
 * Context: as nebula_stack_alloc().
 * Return: @p; %ZERO_SIZE_PTR for @new_size 0; %NULL as nebula_stack_alloc(), as what is refused by
 * nebula_stack_free(), or with INVALID_LAYOUT recorded when it never had @old_size. @p is untouched
 * then.
 */
void *nebula_stack_realloc(struct nebula_stack *s, void *p, size_t old_size, size_t new_size,
			   size_t align)
	__must_check __alloc_size(4);

/**
 * nebula_stack_defer() - have a function called when this position is given back
 * @s: the stack.
 * @fn: the function.
 * @data: its argument.
 *
 * As nebula_bump_defer(): called by restore to an older mark, the end of a scope, reset, destroy or
 * exit, the newest first. It lies on the stack as an object does, so what is below cannot be freed
 * before it, but only restored.
 *
 * Context: as nebula_stack_alloc(); @fn is called in the context of what gives back.
 * Return: 0; -ENOMEM as nebula_stack_alloc(), which records why; -EINVAL without @fn
 * (INVALID_CONFIG); -EBUSY with %NEBULA_SHARED (INVALID_STATE).
 */
int nebula_stack_defer(struct nebula_stack *s, void (*fn)(void *data), void *data);

/**
 * nebula_stack_reset() - give back everything
 * @s: the stack.
 *
 * All marks become stale. Cleanups are called first, see nebula_stack_defer().
 *
 * Context: as nebula_stack_restore().
 */
void nebula_stack_reset(struct nebula_stack *s);

/**
 * nebula_stack_used() - bytes in use
 * @s: the stack.
 *
 * Context: any.
 * Return: bytes, padding included.
 */
size_t nebula_stack_used(const struct nebula_stack *s);

/**
 * nebula_stack_available() - bytes left
 * @s: the stack.
 *
 * Context: any.
 * Return: bytes; nebula_stack_capacity() - nebula_stack_used().
 */
size_t nebula_stack_available(const struct nebula_stack *s);

/**
 * nebula_stack_capacity() - bytes that the stack holds
 * @s: the stack.
 *
 * Context: any.
 * Return: bytes.
 */
size_t nebula_stack_capacity(const struct nebula_stack *s);

/**
 * nebula_stack_peak() - the highest use ever
 * @s: the stack.
 *
 * Context: any.
 * Return: bytes; exact.
 */
size_t nebula_stack_peak(const struct nebula_stack *s);

/**
 * nebula_stack_owns() - does an address lie in the stack's memory?
 * @s: the stack.
 * @p: any address.
 *
 * Context: any.
 * Return: true when it does, whether it was handed out or not.
 */
bool nebula_stack_owns(const struct nebula_stack *s, const void *p);

/* What the compiler can know of a configuration; all of it is checked again by create. */
static __always_inline void nebula_stack_config_check(const struct nebula_stack_config *cfg)
{
	nebula_config_assert(cfg->capacity || cfg->buffer,
			     "nebula_stack: .capacity must not be zero");
	nebula_config_assert(cfg->capacity <= NEBULA_STACK_CAPACITY_MAX,
			     "nebula_stack: .capacity is more than 1 GiB");
}

/**
 * nebula_stack_create() - make a stack allocator
 * @name: 1 to 63 of ``[A-Za-z0-9_.-]``; copied, and need not be unique.
 * @...: designated fields of &struct nebula_stack_config, for example ``.capacity = SZ_16K``.
 *
 * Fields that are constant and can never be valid do not compile.
 *
 * Context: task; may sleep. Honours the NOFS or NOIO scope of ``.gfp``.
 * Return: the stack, or ERR_PTR(): -EINVAL for a wrong name or field, -EOVERFLOW for a capacity
 * that cannot be represented, -ENOMEM without memory, -EPERM in atomic context, -ENOEXEC when the
 * client was built against other headers. The reason is recorded.
 */
#define nebula_stack_create(name, ...)							\
({											\
	const struct nebula_stack_config __nebula_cfg = { __VA_ARGS__ };		\
											\
	nebula_stack_config_check(&__nebula_cfg);					\
	nebula_alloc_hooks(nebula_stack_create_cfg(name, &__nebula_cfg, sizeof(__nebula_cfg),	\
						   NEBULA_ABI, THIS_MODULE));		\
})

/**
 * nebula_stack_alloc() - allocate memory on top of the stack
 * @s: the stack.
 * @size: bytes.
 * @align: power of two, bytes.
 *
 * Inline for constant alignments and sizes from %NEBULA_STACK_GRAIN on, as long as no padding is
 * needed. The memory is uninitialised unless the stack has %NEBULA_ZERO.
 *
 * Context: the owner's; any context, NMI included, with %NEBULA_SHARED. Does not sleep.
 * Return: the memory; %ZERO_SIZE_PTR for size 0; %NULL with OUT_OF_MEMORY, INVALID_ALIGNMENT,
 * SIZE_OVERFLOW or WRONG_CONTEXT recorded.
 */
static __always_inline __alloc_size(2) __must_check
void *nebula_stack_alloc(struct nebula_stack *s, size_t size, size_t align)
{
	const bool inlined = __builtin_constant_p(align) && is_power_of_2(align) &&
			     align <= NEBULA_STACK_ORIGIN_ALIGN;
	u32 *top, cur, next;

	if (!inlined || unlikely(size - NEBULA_STACK_GRAIN >
				 NEBULA_STACK_INLINE_MAX - NEBULA_STACK_GRAIN))
		return nebula_stack_alloc_slow(s, size, align);

	top = s->top;
	cur = *top;
	if (unlikely(cur & (align - 1))) {
		/* The padding takes an entry, too. */
		if (size < 2 * NEBULA_STACK_GRAIN)
			return nebula_stack_alloc_slow(s, size, align);
		return nebula_stack_alloc_padded(s, size, align);
	}
	next = cur + size;
	if (unlikely(next > data_race(s->limit))) /* see module/core/fastpath.c */
		return nebula_stack_alloc_higher(s, size, align);
	/* There is room for an entry wherever there are %NEBULA_STACK_GRAIN bytes. */
	WRITE_ONCE(top[1], next);
	nebula_count(s->top, 1);
	nebula_count(s->consumed, size);
	nebula_count(s->allocs, 1);
	return (void *)(s->base + cur);
}

/**
 * nebula_stack_zalloc() - allocate zeroed memory on top of the stack
 * @s: the stack.
 * @size: bytes.
 * @align: power of two, bytes.
 *
 * Context: as nebula_stack_alloc().
 * Return: as nebula_stack_alloc().
 */
static __always_inline __alloc_size(2) __must_check
void *nebula_stack_zalloc(struct nebula_stack *s, size_t size, size_t align)
{
	void *p = nebula_stack_alloc(s, size, align);

	if (likely(!ZERO_OR_NULL_PTR(p)))
		memset(p, 0, size);
	return p;
}

/* As nebula_stack_free(), of an object that was @size bytes; 0 when that is not known. */
static __always_inline int nebula_stack_free_sized(struct nebula_stack *s, void *p, size_t size)
{
	u32 start = s->top[-1];

	/* What is tagged lies above the limit; for the race see module/core/fastpath.c. */
	if (unlikely(start >= data_race(s->limit)) ||
	    unlikely((unsigned long)p != s->base + start))
		return nebula_stack_free_slow(s, p, size);
	if (IS_ENABLED(CONFIG_LOCKDEP))
		debug_check_no_locks_freed(p, *s->top - start);
	barrier();	/* or it is computed from what was loaded, and stored */
	nebula_count(s->top, -1);
	return 0;
}

/**
 * nebula_stack_free() - free the newest object
 * @s: the stack.
 * @p: the object; %NULL and %ZERO_SIZE_PTR are fine.
 *
 * The padding before it is given back too. Marks that were taken since it was allocated become
 * stale. Anything but the newest object is refused and recorded: LIFO_VIOLATION for an older one,
 * DOUBLE_FREE at or above the top, MISALIGNED_POINTER inside an object, FOREIGN_POINTER anywhere
 * else. Nothing changes then.
 *
 * Context: as nebula_stack_alloc().
 * Return: 0; -EINVAL; -EPERM for an NMI where a shared stack cannot serve it (WRONG_CONTEXT).
 */
static __always_inline int nebula_stack_free(struct nebula_stack *s, void *p)
{
	return nebula_stack_free_sized(s, p, 0);
}

/* What tells the mark whose last entry is at @at from others that ever were there. */
static __always_inline u64 nebula_stack_mark_id(const u32 *at)
{
	u64 id;

	memcpy(&id, at - 2, sizeof(id));
	return id;
}

/**
 * nebula_stack_mark() - remember the position
 * @s: the stack.
 *
 * Marks nest to any depth; while objects are small there may be no room for more (EXCEEDS_MAX).
 *
 * Context: as nebula_stack_alloc().
 * Return: the mark. When it was refused, that is recorded and restoring it fails.
 */
static __always_inline struct nebula_mark nebula_stack_mark(struct nebula_stack *s)
{
	u32 *top = s->top;
	struct nebula_mark m;

	if (unlikely(!(top[-1] & top[-2] & NEBULA_STACK_TAG))) {
		struct nebula_mark fresh;

		nebula_stack_mark_fresh(s, &fresh);
		m = fresh;
	} else {
		/* On top of the stack is a mark already. */
		m.id = nebula_stack_mark_id(top);
		m.at = (unsigned long)top - (unsigned long)s->bottom;
		m.extras = s->extras;
	}
	m.owner = s;
	return m;
}

/**
 * nebula_stack_restore() - give back everything allocated since a mark
 * @s: the stack.
 * @m: the mark; it stays valid.
 *
 * With %NEBULA_SHARED also what other CPUs allocated goes, and the time it takes grows with the
 * number of objects that go.
 *
 * Context: as nebula_stack_alloc().
 * Return: 0; -ESTALE (STALE_CHECKPOINT) when the stack was reset since, or what the mark was taken
 * on top of was given back, even if the space was filled again; -EINVAL (FOREIGN_CHECKPOINT) for
 * another stack's, or garbage; -EPERM for an NMI where a shared stack cannot serve it
 * (WRONG_CONTEXT). On failure nothing changes.
 */
static __always_inline int nebula_stack_restore(struct nebula_stack *s, struct nebula_mark m)
{
	u32 *at = (void *)s->bottom + m.at;

	if (unlikely(m.owner != data_race(s->self)) || /* see module/core/fastpath.c */
	    unlikely(at > s->top) ||
	    unlikely(nebula_stack_mark_id(at) != m.id)) {
		struct nebula_mark copy = m;

		return nebula_stack_restore_slow(s, &copy);
	}
	if (IS_ENABLED(CONFIG_LOCKDEP))
		debug_check_no_locks_freed((void *)(s->base + *at), *s->top - *at);
	WRITE_ONCE(s->extras, m.extras);
	WRITE_ONCE(s->top, at);
	return 0;
}

/*
 * A scope begins, see guard(nebula_stack): where it goes back to. Shared stacks take the slow path,
 * since no mark is ever on top of what the inline code reads of them. Context: as mark.
 */
static __always_inline struct nebula_mark nebula_stack_scope_enter(struct nebula_stack *s)
{
	const u32 *top = s->top;

	if (unlikely(!(top[-1] & top[-2] & NEBULA_STACK_TAG))) {
		struct nebula_mark m;

		nebula_stack_scope_enter_slow(s, &m);
		return m;
	}
	nebula_count(s->scopes.counter, 1);
	return nebula_stack_mark(s);
}

/* It ends. When its beginning was given back before, that is recorded, and nothing changes. */
static __always_inline void nebula_stack_scope_exit(struct nebula_stack *s, struct nebula_mark m)
{
	if (unlikely(m.owner != data_race(s->self))) { /* see module/core/fastpath.c */
		struct nebula_mark copy = m;

		nebula_stack_scope_exit_slow(s, &copy);
		return;
	}
	nebula_count(s->scopes.counter, -1);
	nebula_stack_restore(s, m);
}

#endif /* _NEBULA_STACK_H */
