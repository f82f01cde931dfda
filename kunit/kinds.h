/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One allocator of each kind, so that one test body does for all of them: a header with the bodies
 * is included once for each kind, with KIND its name.
 *
 *	kind		pointer to
 *	bump		struct nebula_bump
 *	pool		struct nebula_pool
 *	stack		struct nebula_stack
 *	scratch		struct nebula_scratch
 *	custom		struct nebula_custom
 *	composite	struct nebula_allocator: a pool, and what it cannot serve from the kernel
 *	any_<kind>	struct nebula_allocator, the common part of the others
 */
#ifndef _NEBULA_KUNIT_KINDS_H
#define _NEBULA_KUNIT_KINDS_H

#include "fixture.h"
#include "compose/ring.h"

#define KINDS_SPACE	((size_t)SZ_64K)
#define KINDS_BLOCK	((size_t)1024)
#define KINDS_ALIGN	((size_t)64)
#define KINDS_BLOCKS	8

/* What is different between kinds. */
struct traits {
	bool frees;			/* it gives back what is freed */
	enum nebula_errc too_large;	/* recorded for a gigabyte */
	/* recorded for an alignment of four times KINDS_ALIGN, or NEBULA_OK */
	enum nebula_errc too_aligned;
	/* recorded when what is not its own is freed, or NEBULA_OK */
	enum nebula_errc foreign;
};

#define TRAITS_BUMP	{ false, NEBULA_E_OUT_OF_MEMORY, NEBULA_OK, NEBULA_OK }
#define TRAITS_POOL	{ true, NEBULA_E_INVALID_LAYOUT, NEBULA_E_INVALID_LAYOUT,	\
			  NEBULA_E_FOREIGN_POINTER }
#define TRAITS_OTHER	{ true, NEBULA_E_OUT_OF_MEMORY, NEBULA_OK, NEBULA_E_FOREIGN_POINTER }

static const struct traits bump_traits __maybe_unused = TRAITS_BUMP;
static const struct traits any_bump_traits __maybe_unused = TRAITS_BUMP;
static const struct traits pool_traits __maybe_unused = TRAITS_POOL;
static const struct traits any_pool_traits __maybe_unused = TRAITS_POOL;
static const struct traits stack_traits __maybe_unused = TRAITS_OTHER;
static const struct traits any_stack_traits __maybe_unused = TRAITS_OTHER;
static const struct traits scratch_traits __maybe_unused = TRAITS_OTHER;
static const struct traits any_scratch_traits __maybe_unused = TRAITS_OTHER;
static const struct traits custom_traits __maybe_unused = TRAITS_OTHER;
static const struct traits any_custom_traits __maybe_unused = TRAITS_OTHER;
static const struct traits composite_traits __maybe_unused = TRAITS_OTHER;

/* One of each. */
struct kinds {
	struct nebula_bump *bump;
	struct nebula_pool *pool;		/* of KINDS_BLOCKS blocks */
	struct nebula_stack *stack;
	struct nebula_scratch *scratch;
	struct nebula_custom *custom;
	struct nebula_allocator *composite;
	struct nebula_allocator *any_bump;	/* as @bump, and so on */
	struct nebula_allocator *any_pool;
	struct nebula_allocator *any_stack;
	struct nebula_allocator *any_scratch;
	struct nebula_allocator *any_custom;
	struct nebula_pool *spare;		/* the pool that @composite asks first */
};

void kinds_create(struct kunit *test, struct kinds *k);
void kinds_destroy(struct kinds *k);

/* A body on new ones, with preemption off, because there are kinds that ask for that. */
void kinds_run(struct kunit *test, void (*body)(struct kunit *test, struct kinds *k));

#endif /* _NEBULA_KUNIT_KINDS_H */
