/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions that take a pointer to any kind of allocator. The kind is resolved while compiling, so
 * that what is inline stays inline; a pointer to anything else does not compile.
 *
 * A pointer to struct nebula_allocator, which nebula_allocator_of() finds in each of them, is for
 * code that learns only when it runs what it allocates from. It costs an indirect call.
 */
#ifndef _NEBULA_GENERIC_H
#define _NEBULA_GENERIC_H

#include <nebula/allocator.h>
#include <nebula/bump.h>
#include <nebula/custom.h>
#include <nebula/pool.h>
#include <nebula/scratch.h>
#include <nebula/stack.h>

static inline struct nebula_allocator *nebula_allocator_of_bump(const struct nebula_bump *b)
{
	return (struct nebula_allocator *)&b->common;
}

static inline struct nebula_allocator *nebula_allocator_of_pool(const struct nebula_pool *p)
{
	return (struct nebula_allocator *)&p->common;
}

static inline struct nebula_allocator *nebula_allocator_of_stack(const struct nebula_stack *s)
{
	return (struct nebula_allocator *)&s->common;
}

static inline struct nebula_allocator *nebula_allocator_of_scratch(const struct nebula_scratch *s)
{
	return (struct nebula_allocator *)&s->common;
}

static inline struct nebula_allocator *nebula_allocator_of_custom(const struct nebula_custom *c)
{
	return (struct nebula_allocator *)&c->common;
}

static inline struct nebula_allocator *nebula_allocator_of_any(const struct nebula_allocator *a)
{
	return (struct nebula_allocator *)a;
}

/* What is chosen when a pointer points to no allocator: the compiler says so. */
struct nebula_allocator *nebula_not_an_allocator(const void *x)
	__compiletime_error("nebula: this is no pointer to an allocator");
void *nebula_alloc_not_an_allocator(const void *x, size_t size, size_t align)
	__compiletime_error("nebula: this is no pointer to an allocator");
void nebula_free_not_an_allocator(const void *x, const void *p, size_t size)
	__compiletime_error("nebula: this is no pointer to an allocator");

/* nebula_allocator_of() - the common part behind a pointer to any kind of allocator */
#define nebula_allocator_of(x)							\
	_Generic((x),								\
		 struct nebula_bump *: nebula_allocator_of_bump,		\
		 const struct nebula_bump *: nebula_allocator_of_bump,		\
		 struct nebula_pool *: nebula_allocator_of_pool,		\
		 const struct nebula_pool *: nebula_allocator_of_pool,		\
		 struct nebula_stack *: nebula_allocator_of_stack,		\
		 const struct nebula_stack *: nebula_allocator_of_stack,	\
		 struct nebula_scratch *: nebula_allocator_of_scratch,		\
		 const struct nebula_scratch *: nebula_allocator_of_scratch,	\
		 struct nebula_custom *: nebula_allocator_of_custom,		\
		 const struct nebula_custom *: nebula_allocator_of_custom,	\
		 struct nebula_allocator *: nebula_allocator_of_any,		\
		 const struct nebula_allocator *: nebula_allocator_of_any,	\
		 default: nebula_not_an_allocator)(x)

/* nebula_kind_of() - &enum nebula_kind of a pointer, where that is known; a constant */
#define nebula_kind_of(x)								\
	_Generic((x),									\
		 struct nebula_bump *: NEBULA_KIND_BUMP,				\
		 struct nebula_pool *: NEBULA_KIND_POOL,				\
		 struct nebula_stack *: NEBULA_KIND_STACK,				\
		 struct nebula_scratch *: NEBULA_KIND_SCRATCH,				\
		 struct nebula_custom *: NEBULA_KIND_CUSTOM,				\
		 default: NEBULA_KIND_NONE)

/* Sizes that a kind need not be given, and what a bump allocator does not do at all. */
static __always_inline void nebula_bump_free_sized(struct nebula_bump *b, void *p, size_t size)
{
}

static __always_inline void nebula_stack_give_back(struct nebula_stack *s, void *p, size_t size)
{
	nebula_stack_free_sized(s, p, size);
}

static __always_inline void nebula_scratch_give_back(struct nebula_scratch *s, void *p, size_t size)
{
	nebula_scratch_put(s, p);
}

/**
 * nebula_alloc() - allocate memory from any kind of allocator
 * @x: pointer to any kind of allocator.
 * @size: bytes; of a pool, at most a block.
 * @align: power of two, bytes; of a pool, at most that of its blocks.
 *
 * Context: as the kind's own function.
 * Return: as the kind's own function; %NULL with INVALID_LAYOUT recorded when it is more than a
 * pool's blocks are.
 */
#define nebula_alloc(x, size, align)						\
	_Generic((x),								\
		 struct nebula_bump *: nebula_bump_alloc,			\
		 struct nebula_pool *: nebula_pool_alloc_fit,			\
		 struct nebula_stack *: nebula_stack_alloc,			\
		 struct nebula_scratch *: nebula_scratch_get,			\
		 struct nebula_custom *: nebula_custom_alloc,			\
		 struct nebula_allocator *: nebula_allocator_alloc,		\
		 default: nebula_alloc_not_an_allocator)(x, size, align)

/**
 * nebula_zalloc() - allocate zeroed memory from any kind of allocator
 * @x: pointer to any kind of allocator.
 * @size: bytes.
 * @align: power of two, bytes.
 *
 * Context: as nebula_alloc().
 * Return: as nebula_alloc().
 */
#define nebula_zalloc(x, size, align)						\
({										\
	const size_t __nebula_size = (size);					\
										\
	nebula_zeroed(nebula_alloc(x, __nebula_size, align), __nebula_size);	\
})

static __always_inline void *nebula_zeroed(void *p, size_t size)
{
	if (likely(!ZERO_OR_NULL_PTR(p)))
		memset(p, 0, size);
	return p;
}

/**
 * nebula_free_sized() - give memory of any kind of allocator back
 * @x: pointer to any kind of allocator.
 * @p: the memory; %NULL and %ZERO_SIZE_PTR are fine.
 * @size: what was asked for, bytes; 0 when that is not known.
 *
 * A bump allocator gives nothing back before it is reset, so for one this does nothing. With debug
 * flags a stack or a pool refuses another size than it knows of, recorded as INVALID_LAYOUT.
 *
 * Context: as the kind's own function.
 */
#define nebula_free_sized(x, p, size)						\
	_Generic((x),								\
		 struct nebula_bump *: nebula_bump_free_sized,			\
		 struct nebula_pool *: nebula_pool_free_sized,			\
		 struct nebula_stack *: nebula_stack_give_back,			\
		 struct nebula_scratch *: nebula_scratch_give_back,		\
		 struct nebula_custom *: nebula_custom_free,			\
		 struct nebula_allocator *: nebula_allocator_free,		\
		 default: nebula_free_not_an_allocator)(x, p, size)

/**
 * nebula_free() - give memory of any kind of allocator back
 * @x: pointer to any kind of allocator.
 * @p: the memory; %NULL and %ZERO_SIZE_PTR are fine.
 *
 * Context: as nebula_free_sized().
 */
#define nebula_free(x, p)	nebula_free_sized(x, p, 0)

/**
 * nebula_owns() - does an address lie in the memory of an allocator?
 * @x: pointer to any kind of allocator.
 * @p: any address.
 *
 * Context: as the kind's own function.
 * Return: true when it does.
 */
#define nebula_owns(x, p)	nebula_allocator_owns(nebula_allocator_of(x), p)

/**
 * nebula_last_error() - the newest error of an allocator
 * @x: pointer to any kind of allocator.
 * @err: where the record goes.
 *
 * Context: any.
 * Return: true with @err filled in; false when the allocator has recorded no error yet.
 */
#define nebula_last_error(x, err)	nebula_allocator_last_error(nebula_allocator_of(x), err)

/**
 * nebula_stats_read() - the statistics of an allocator
 * @x: pointer to any kind of allocator.
 * @st: where they go.
 *
 * Context: any.
 */
#define nebula_stats_read(x, st)	nebula_allocator_stats_read(nebula_allocator_of(x), st)

/**
 * nebula_sizes_read() - how often which sizes were asked for
 * @x: pointer to any kind of allocator.
 * @sizes: &struct nebula_sizes, filled in.
 *
 * Context: any.
 * Return: true; false without %NEBULA_TRACK, which counts them.
 */
#define nebula_sizes_read(x, sizes)	nebula_allocator_sizes_read(nebula_allocator_of(x), sizes)

/**
 * nebula_peak_reset() - forget the peak, and begin a new one with what is in use
 * @x: pointer to any kind of allocator.
 *
 * As any write to the allocator's reset_peak in debugfs. With one owner at a time it is the owner's
 * call alone, and a write answers -EBUSY.
 *
 * Context: process context; sleeps. The owner's, if there is an owner; else it may stay in use.
 * Return: 0; -EPERM in atomic context (WRONG_CONTEXT); -EOPNOTSUPP for the system allocator
 * (NOT_SUPPORTED).
 */
#define nebula_peak_reset(x)	nebula_allocator_peak_reset(nebula_allocator_of(x))

/**
 * nebula_validate() - check whether an allocator is intact
 * @x: pointer to any kind of allocator that is registered.
 *
 * Checks what the allocator's validate in debugfs checks, and shows in words: every link, and with
 * debug flags every guard and every byte of poison. Of a composite, all its parts that can be
 * inspected. A shared one may stay in use; a fault counts only if it is still found on retry.
 *
 * Context: process context; sleeps.
 * Return: faults found, 0 when it is intact; -EBUSY when its owner changed it at the same time;
 * -ENOMEM; -EPERM in atomic context (WRONG_CONTEXT); -EOPNOTSUPP for a client's own
 * kind, the system allocator and one that is not registered (NOT_SUPPORTED).
 */
#define nebula_validate(x)	nebula_allocator_validate(nebula_allocator_of(x))

#endif /* _NEBULA_GENERIC_H */
