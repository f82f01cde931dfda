/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Functions that take a pointer to any kind of allocator. The kind is resolved while compiling; a
 * pointer of another type does not compile.
 */
#ifndef _NEBULA_GENERIC_H
#define _NEBULA_GENERIC_H

#include <nebula/allocator.h>
#include <nebula/bump.h>
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

/* nebula_allocator_of() - the common part behind a pointer to any kind of allocator */
#define nebula_allocator_of(x) _Generic((x),					\
	struct nebula_allocator *: (x),				\
	const struct nebula_allocator *: (x),				\
	struct nebula_bump *: nebula_allocator_of_bump((void *)(x)),	\
	const struct nebula_bump *: nebula_allocator_of_bump((const void *)(x)),	\
	struct nebula_pool *: nebula_allocator_of_pool((void *)(x)),	\
	const struct nebula_pool *: nebula_allocator_of_pool((const void *)(x)),	\
	struct nebula_stack *: nebula_allocator_of_stack((void *)(x)),	\
	const struct nebula_stack *: nebula_allocator_of_stack((const void *)(x)),	\
	struct nebula_scratch *: nebula_allocator_of_scratch((void *)(x)),	\
	const struct nebula_scratch *: nebula_allocator_of_scratch((const void *)(x)))

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

#endif /* _NEBULA_GENERIC_H */
