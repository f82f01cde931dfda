/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a shared stack linearisable? Each actor notes what it does in a history, with a ticket drawn
 * before and one drawn after, and what came of it. A history is legal when there is an order of its
 * operations in which each follows all that had ended before it began, and a stack with a single
 * user would have answered each of them just so.
 */
#ifndef _NEBULA_KUNIT_HISTORY_H
#define _NEBULA_KUNIT_HISTORY_H

#include <kunit/test.h>
#include <linux/cache.h>
#include <linux/minmax.h>
#include <nebula/nebula.h>
#include "../../module/core/allocator.h"

/* Bytes that objects of a shared stack are multiples of, as long as it is small. */
#define HISTORY_GRANULE	max_t(size_t, SMP_CACHE_BYTES, 64)

/* Most operations of a history, and most granules of its stack. */
#define HISTORY_OPS	64
#define HISTORY_DEPTH	16

/* Place of nothing. */
#define HISTORY_NOWHERE	U16_MAX

/* Code of what was refused for a reason that is not known. */
#define HISTORY_REFUSED	NEBULA_E_NR

/* The operations. */
enum history_kind {
	HISTORY_ALLOC,		/* @size granules, aligned to @align; @place is where */
	HISTORY_FREE,		/* the object at @place */
	HISTORY_RESIZE,		/* the object at @place to @size granules */
	HISTORY_MARK,		/* @place is where the newest object is */
	HISTORY_RESTORE,	/* the mark that operation @mark took */
	HISTORY_RESET,		/* everything */
	HISTORY_KINDS		/* how many there are */
};

/* An operation. */
struct history_op {
	enum history_kind kind;	/* what it is */
	u8 actor;		/* who did it, for the reader */
	u16 place;		/* granule */
	u16 size;		/* granules */
	u16 align;		/* granules, a power of two or 0 */
	u8 mark;		/* number of an operation */
	u8 code;		/* enum nebula_errc, or HISTORY_REFUSED */
	u32 begin;		/* ticket drawn before */
	u32 end;		/* ticket drawn after */
};

/* A stack that is used by one alone. */
struct history_state {
	u8 depth;			/* objects */
	u8 resets;			/* how often it was reset */
	u8 start[HISTORY_DEPTH];	/* granule where an object begins */
	u8 end[HISTORY_DEPTH];		/* granule behind it */
	u8 id[HISTORY_DEPTH];		/* number of the operation that made it */
};

/* A position of the search. */
struct history_level {
	struct history_state state;	/* of the stack */
	u64 tried;			/* operations that were tried next */
	u8 next;			/* the one that is */
};

/* What happened to a stack that was empty in the beginning. */
struct history {
	struct nebula_stack *stack;	/* the stack, or NULL for a history that was made by hand */
	unsigned int capacity;	/* of it, granules */
	/* Operations that were begun, those there was no room for included. Any context. */
	atomic_t claimed;
	atomic_t clock;		/* Newest ticket. Any context. */
	/* the operations, each written by the actor that claimed it */
	struct history_op ops[HISTORY_OPS];
	/* those that were taken, by the number of the operation */
	struct nebula_mark marks[HISTORY_OPS];
	unsigned int steps;	/* that the search took */
	u8 taken[HISTORY_OPS];	/* what each mark is on top of, in the order that is being tried */
	struct history_level levels[HISTORY_OPS + 1];	/* of the search */
};

struct history *history_create(struct kunit *test, struct nebula_stack *s);
/* The stack is empty, and nothing has happened. */
void history_begin(struct history *h);

/* Does what @todo says, and notes it. Its number, or a negative one when there is no room. */
int history_do(struct history *h, struct history_op todo);

unsigned int history_count(const struct history *h);
bool history_is_legal(struct history *h);
void history_print(struct kunit *test, const struct history *h);

/* Fails the test, and shows it, unless the history is legal; then it is true. */
bool history_expect_legal(struct kunit *test, struct history *h);

#endif /* _NEBULA_KUNIT_HISTORY_H */
