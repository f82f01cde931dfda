/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of what is done to a stack, and what has to be seen after each row: a picture of the stack
 * is drawn above each. Capital letters are objects, digits are marks.
 */
#ifndef _NEBULA_KUNIT_STACK_TABLE_H
#define _NEBULA_KUNIT_STACK_TABLE_H

#include "../fixture.h"

/**
 * enum stack_op - what a row does
 * @ALLOC: object @id of @size and @align.
 * @ZALLOC: the same, and its content is seen to be zero.
 * @FREE: the address of object @id, and @size bytes on.
 * @REALLOC: object @id to @size at @align.
 * @MARK: mark @id.
 * @RESTORE: mark @id.
 * @RESET: everything.
 */
enum stack_op { ALLOC, ZALLOC, FREE, REALLOC, MARK, RESTORE, RESET };

/* One of a table. */
struct stack_row {
	enum stack_op op;	/* what to do */
	char id;		/* with which object or mark */
	long size;		/* bytes */
	size_t align;		/* bytes */
	enum nebula_errc code;	/* what has to be recorded; NEBULA_OK for success */
	size_t used;		/* bytes in use after it */
	unsigned int live;	/* objects in use after it */
	size_t peak;		/* highest use so far after it */
	size_t padding;		/* bytes ever lost, after it */
};

/* A row that succeeds, and one that is refused for a reason and changes nothing but that. */
#define DOES(what, id, size, align, ...)							\
	{ what, id, size, align, NEBULA_OK, __VA_ARGS__ }
#define REFUSES(errc, what, id, size, align, ...)						\
	{ what, id, size, align, NEBULA_E_##errc, __VA_ARGS__ }

/* Its first byte lies at an address that is a multiple of a page. */
struct nebula_stack *stack_create(struct kunit *test, size_t capacity, unsigned int flags);

/*
 * Runs a table on a new stack of @capacity, by calls that the compiler knows nothing of: on one
 * whose frees and restores are inline, and on one that has everything out of line. Objects keep
 * their content while they live.
 */
void stack_table_run(struct kunit *test, size_t capacity, const struct stack_row *rows,
		     unsigned int n);

#define STACK_TABLE(test, capacity, ...)							\
do {												\
	static const struct stack_row __rows[] = { __VA_ARGS__ };				\
												\
	stack_table_run(test, capacity, __rows, ARRAY_SIZE(__rows));			\
} while (0)

#endif /* _NEBULA_KUNIT_STACK_TABLE_H */
