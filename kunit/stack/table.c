// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables of what is done to a stack, see stack_table.h.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include "table.h"

#define OBJECTS	26
#define MARKS	10

/* What a table knows of an object. */
struct table_object {
	u8 *p;		/* where it is, or was */
	size_t size;	/* bytes */
	/* number of objects below it; those at it and above are gone when it goes */
	unsigned int place;
	bool lives;	/* it is in use */
};

/* One that is running. */
struct table {
	struct kunit *test;			/* whose */
	struct nebula_stack *stack;		/* the stack */
	struct table_object objects[OBJECTS];	/* by letter */
	struct nebula_mark marks[MARKS];	/* by digit */
	u64 allocs;				/* allocations so far */
	u64 bytes;				/* bytes asked for so far */
};

struct nebula_stack *stack_create(struct kunit *test, size_t capacity, unsigned int flags)
{
	struct nebula_stack *s = nebula_stack_create("test", .capacity = capacity, .flags = flags);

	ASSERT_STACK(test, s);
	return s;
}

static int errno_of(enum nebula_errc code)
{
	return code ? nebula_errc_to_errno(code) : 0;
}

/* All that lives is whole; what lies higher than the stack does not live any more. */
static void look_at_objects(struct table *t, const struct stack_row *row)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++) {
		struct table_object *o = &t->objects[i];

		o->lives = o->lives && o->place < row->live;
		if (o->lives && !fixture_stamped(o->p, o->size, i))
			KUNIT_FAIL(t->test, "object %c was overwritten", 'A' + i);
	}
}

/* @p is what came of allocating or resizing object @row->id. */
static void note_object(struct table *t, const struct stack_row *row, void *p)
{
	struct table_object *o = &t->objects[row->id - 'A'];
	const bool resized = row->op == REALLOC && o->lives;
	const size_t kept = resized ? min_t(size_t, o->size, row->size) : 0;

	if (row->op == ZALLOC)
		KUNIT_EXPECT_NULL(t->test, memchr_inv(p, 0, row->size));
	KUNIT_EXPECT_TRUE(t->test, IS_ALIGNED((unsigned long)p, row->align));
	KUNIT_EXPECT_TRUE(t->test, fixture_stamped(p, kept, row->id - 'A'));
	t->bytes += resized ? row->size - kept : row->size;
	if (!resized) {
		t->allocs++;
		o->place = row->live - 1;
	}
	o->p = p;
	o->size = row->size;
	o->lives = true;
	fixture_stamp(p, row->size, row->id - 'A');
}

static int run_allocating(struct table *t, const struct stack_row *row)
{
	struct table_object *o = &t->objects[row->id - 'A'];
	void *p;

	if (row->op == ALLOC)
		p = nebula_stack_alloc(t->stack, row->size, row->align);
	else if (row->op == ZALLOC)
		p = nebula_stack_zalloc(t->stack, row->size, row->align);
	else
		p = nebula_stack_realloc(t->stack, o->p, o->size, row->size, row->align);
	if (!p)
		return errno_of(row->code ?: NEBULA_E_OUT_OF_MEMORY);
	note_object(t, row, p);
	return 0;
}

static int run(struct table *t, const struct stack_row *row)
{
	switch (row->op) {
	case FREE:
		return nebula_stack_free(t->stack, t->objects[row->id - 'A'].p + row->size);
	case MARK:
		t->marks[row->id - '0'] = nebula_stack_mark(t->stack);
		return 0;
	case RESTORE:
		return nebula_stack_restore(t->stack, t->marks[row->id - '0']);
	case RESET:
		nebula_stack_reset(t->stack);
		return 0;
	default:
		return run_allocating(t, row);
	}
}

static void look_at_stats(struct table *t, const struct stack_row *row, unsigned int i)
{
	struct kunit *test = t->test;
	struct nebula_stats st;

	nebula_stats_read(t->stack, &st);
	KUNIT_EXPECT_EQ_MSG(test, st.used, row->used, "row %u", i);
	KUNIT_EXPECT_EQ_MSG(test, st.live, row->live, "row %u", i);
	KUNIT_EXPECT_EQ_MSG(test, st.peak, row->peak, "row %u", i);
	KUNIT_EXPECT_EQ_MSG(test, st.padding, row->padding, "row %u", i);
	KUNIT_EXPECT_EQ_MSG(test, st.available, st.capacity - row->used, "row %u", i);
	KUNIT_EXPECT_EQ_MSG(test, st.allocs, t->allocs, "row %u", i);
	KUNIT_EXPECT_EQ_MSG(test, st.frees, t->allocs - row->live, "row %u", i);
	KUNIT_EXPECT_EQ_MSG(test, st.bytes_in, t->bytes, "row %u", i);
	KUNIT_EXPECT_EQ_MSG(test, st.bytes_out, t->bytes + row->padding - row->used, "row %u", i);
}

static void run_row(struct table *t, const struct stack_row *row, unsigned int i)
{
	struct nebula_stats before, after;
	int ret;

	nebula_stats_read(t->stack, &before);
	ret = run(t, row);
	nebula_stats_read(t->stack, &after);
	KUNIT_EXPECT_EQ_MSG(t->test, ret, errno_of(row->code), "row %u", i);
	KUNIT_EXPECT_EQ_MSG(t->test, after.failed, before.failed + !!row->code, "row %u", i);
	if (row->code)
		EXPECT_ERROR(t->test, t->stack, row->code);
	look_at_objects(t, row);
	look_at_stats(t, row, i);
	KUNIT_EXPECT_EQ_MSG(t->test, nebula_validate(t->stack), 0, "row %u", i);
}

static void run_on(struct kunit *test, struct nebula_stack *s, const struct stack_row *rows,
		   unsigned int n)
{
	struct table *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->test = test;
	t->stack = s;
	for (i = 0; i < n; i++)
		run_row(t, &rows[i], i);
	nebula_stack_destroy(s);
}

void stack_table_run(struct kunit *test, size_t capacity, const struct stack_row *rows,
		     unsigned int n)
{
	run_on(test, stack_create(test, capacity, 0), rows, n);
	run_on(test, stack_create(test, capacity, NEBULA_ZERO), rows, n);
}
