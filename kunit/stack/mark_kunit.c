// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marks and scopes of the stack, owner mode: a mark is valid as long as what it was taken on top of
 * is there. That is drawn, and then compared with a plain model over long random walks.
 */
#include <linux/align.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "table.h"

#define DEPTH	400

/*
 *	0        32       64       96      128
 *	|1AAAAAAA|2BBBBBBB|3CCCCCCC|DDDDDDD|
 *	|1AAAAAAA|2BBBBBBB|3				back to 3, twice
 *	|1AAAAAAA|2					back to 2: 3 is in the future
 *	|1AAAAAAA|2BBBBBBB|				filled again by an equal one: 3 is another's
 *	|1AAAAAAA|24BBBBBB|				4 is where 2 is: either leads there
 *	|1						A is gone, and with it 2 and 4
 *	|1AAAAAAA|					filled again by an equal one
 */
static void mark_is_valid_while_what_lies_below_is_there(struct kunit *test)
{
	STACK_TABLE(test, 4096,
		    DOES(MARK, '1', 0, 0, 0, 0, 0, 0),
		    DOES(ALLOC, 'A', 32, 8, 32, 1, 32, 0),
		    DOES(MARK, '2', 0, 0, 32, 1, 32, 0),
		    DOES(ALLOC, 'B', 32, 8, 64, 2, 64, 0),
		    DOES(MARK, '3', 0, 0, 64, 2, 64, 0),
		    DOES(ALLOC, 'C', 32, 8, 96, 3, 96, 0),
		    DOES(ALLOC, 'D', 32, 8, 128, 4, 128, 0),
		    DOES(RESTORE, '3', 0, 0, 64, 2, 128, 0),
		    DOES(RESTORE, '3', 0, 0, 64, 2, 128, 0),
		    DOES(ALLOC, 'C', 32, 8, 96, 3, 128, 0),
		    DOES(RESTORE, '2', 0, 0, 32, 1, 128, 0),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '3', 0, 0, 32, 1, 128, 0),
		    DOES(ALLOC, 'B', 32, 8, 64, 2, 128, 0),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '3', 0, 0, 64, 2, 128, 0),
		    DOES(RESTORE, '2', 0, 0, 32, 1, 128, 0),
		    DOES(MARK, '4', 0, 0, 32, 1, 128, 0),
		    DOES(ALLOC, 'B', 32, 8, 64, 2, 128, 0),
		    DOES(RESTORE, '4', 0, 0, 32, 1, 128, 0),
		    DOES(ALLOC, 'B', 32, 8, 64, 2, 128, 0),
		    DOES(RESTORE, '2', 0, 0, 32, 1, 128, 0),
		    DOES(RESTORE, '4', 0, 0, 32, 1, 128, 0),
		    DOES(FREE, 'A', 0, 0, 0, 0, 128, 0),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '2', 0, 0, 0, 0, 128, 0),
		    DOES(ALLOC, 'A', 32, 8, 32, 1, 128, 0),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '2', 0, 0, 32, 1, 128, 0),
		    DOES(MARK, '5', 0, 0, 32, 1, 128, 0),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '4', 0, 0, 32, 1, 128, 0),
		    DOES(RESTORE, '5', 0, 0, 32, 1, 128, 0),
		    DOES(RESTORE, '1', 0, 0, 0, 0, 128, 0));
}

/*
 *	0       64      100 128    168
 *	|AAAAAAA|1BBBBBB|2...CCCCCC|3		newest first, one by one: each takes its mark along
 */
static void mark_goes_with_what_it_lies_on(struct kunit *test)
{
	STACK_TABLE(test, 4096,
		    DOES(ALLOC, 'A', 64, 8, 64, 1, 64, 0),
		    DOES(MARK, '1', 0, 0, 64, 1, 64, 0),
		    DOES(ALLOC, 'B', 36, 4, 100, 2, 100, 0),
		    DOES(MARK, '2', 0, 0, 100, 2, 100, 0),
		    DOES(ALLOC, 'C', 40, 64, 168, 3, 168, 28),
		    DOES(MARK, '3', 0, 0, 168, 3, 168, 28),
		    /* A mark is no object in the way. */
		    REFUSES(LIFO_VIOLATION, FREE, 'B', 0, 0, 168, 3, 168, 28),
		    REFUSES(DOUBLE_FREE, FREE, 'C', 40, 0, 168, 3, 168, 28),
		    REFUSES(MISALIGNED_POINTER, FREE, 'C', -28, 0, 168, 3, 168, 28),
		    DOES(FREE, 'C', 0, 0, 100, 2, 168, 28),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '3', 0, 0, 100, 2, 168, 28),
		    DOES(RESTORE, '2', 0, 0, 100, 2, 168, 28),
		    DOES(FREE, 'B', 0, 0, 64, 1, 168, 28),
		    REFUSES(DOUBLE_FREE, FREE, 'B', 0, 0, 64, 1, 168, 28),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '2', 0, 0, 64, 1, 168, 28),
		    DOES(RESTORE, '1', 0, 0, 64, 1, 168, 28),
		    DOES(FREE, 'A', 0, 0, 0, 0, 168, 28),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '1', 0, 0, 0, 0, 168, 28));
}

/*
 *	|1AAA|2BBB|3		reset: all are stale, however the space is filled again
 *	|4AAA|5BBB|		those after it are not
 */
static void mark_goes_stale_by_reset(struct kunit *test)
{
	STACK_TABLE(test, 4096,
		    DOES(MARK, '1', 0, 0, 0, 0, 0, 0),
		    DOES(ALLOC, 'A', 64, 8, 64, 1, 64, 0),
		    DOES(MARK, '2', 0, 0, 64, 1, 64, 0),
		    DOES(ALLOC, 'B', 64, 8, 128, 2, 128, 0),
		    DOES(MARK, '3', 0, 0, 128, 2, 128, 0),
		    DOES(RESET, 0, 0, 0, 0, 0, 128, 0),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '1', 0, 0, 0, 0, 128, 0),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '2', 0, 0, 0, 0, 128, 0),
		    DOES(MARK, '4', 0, 0, 0, 0, 128, 0),
		    DOES(ALLOC, 'A', 64, 8, 64, 1, 128, 0),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '2', 0, 0, 64, 1, 128, 0),
		    DOES(MARK, '5', 0, 0, 64, 1, 128, 0),
		    DOES(ALLOC, 'B', 64, 8, 128, 2, 128, 0),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '3', 0, 0, 128, 2, 128, 0),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '2', 0, 0, 128, 2, 128, 0),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '1', 0, 0, 128, 2, 128, 0),
		    DOES(RESTORE, '5', 0, 0, 64, 1, 128, 0),
		    DOES(RESTORE, '4', 0, 0, 0, 0, 128, 0),
		    DOES(RESET, 0, 0, 0, 0, 0, 128, 0),
		    DOES(RESET, 0, 0, 0, 0, 0, 128, 0),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '4', 0, 0, 0, 0, 128, 0));
}

/* One of many nested marks. */
struct level {
	struct nebula_mark m;	/* the mark */
	size_t used;		/* bytes in use below it */
};

/* One object of @size and up on each mark. */
static struct level *climb(struct kunit *test, struct nebula_stack *s, size_t size)
{
	struct level *levels = kunit_kcalloc(test, DEPTH, sizeof(*levels), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, levels);
	for (i = 0; i < DEPTH; i++) {
		levels[i].m = nebula_stack_mark(s);
		levels[i].used = nebula_stack_used(s);
		KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, size + i % 7, 1));
	}
	return levels;
}

/* Down by one to four levels at a time: what is above is stale, what is below is not. */
static void mark_nests_deeply(struct kunit *test)
{
	static const size_t sizes[] = { 1, 40, 64, 200 };
	unsigned int round, i;
	struct level *levels;

	for (round = 0; round < ARRAY_SIZE(sizes); round++) {
		struct nebula_stack *s = stack_create(test, SZ_128K, 0);

		levels = climb(test, s, sizes[round]);
		for (i = DEPTH - 1; i > 4;) {
			i -= 1 + i % 4;
			KUNIT_ASSERT_EQ(test, nebula_stack_restore(s, levels[i].m), 0);
			KUNIT_ASSERT_EQ(test, nebula_stack_used(s), levels[i].used);
			KUNIT_ASSERT_EQ(test, nebula_stack_restore(s, levels[i + 1].m), -ESTALE);
		}
		KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, levels[0].m), 0);
		KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
		for (i = 1; i < DEPTH; i++)
			KUNIT_ASSERT_EQ(test, nebula_stack_restore(s, levels[i].m), -ESTALE);
		EXPECT_ERROR(test, s, NEBULA_E_STALE_CHECKPOINT);
		nebula_stack_destroy(s);
	}
}

/* What no stack ever gave out, or another one: with frees and restores inline and out of line. */
static void expect_strangers_refused(struct kunit *test, unsigned int flags)
{
	struct nebula_stack *a = stack_create(test, PAGE_SIZE, flags);
	struct nebula_stack *b = stack_create(test, PAGE_SIZE, flags);
	struct nebula_mark of_a = nebula_stack_mark(a), m;

	KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(b, 64, 8));
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(b, of_a), -EINVAL);
	EXPECT_ERROR(test, b, NEBULA_E_FOREIGN_CHECKPOINT);
	memset(&m, 0, sizeof(m));
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(b, m), -EINVAL);
	EXPECT_ERROR(test, b, NEBULA_E_FOREIGN_CHECKPOINT);
	memset(&m, 0x5a, sizeof(m));
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(b, m), -EINVAL);
	EXPECT_ERROR(test, b, NEBULA_E_FOREIGN_CHECKPOINT);
	memset(&m, 0xff, sizeof(m));
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(b, m), -EINVAL);
	EXPECT_ERROR(test, b, NEBULA_E_FOREIGN_CHECKPOINT);
	/* Almost right. */
	m = nebula_stack_mark(b);
	m.owner = a;
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(b, m), -EINVAL);
	m = nebula_stack_mark(b);
	m.at += sizeof(u32);
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(b, m), -ESTALE);
	m = nebula_stack_mark(b);
	m.id ^= 1;
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(b, m), -ESTALE);
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(a, of_a), 0);
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	nebula_stack_destroy(b);
	nebula_stack_destroy(a);
}

static void mark_of_another_or_of_nothing(struct kunit *test)
{
	expect_strangers_refused(test, 0);
	expect_strangers_refused(test, NEBULA_ZERO);
	expect_strangers_refused(test, NEBULA_DEBUG_FLAGS);
}

/* While all is small there may be no room for a mark: it is refused, and the stack goes on. */
static void mark_is_refused_without_room(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, PAGE_SIZE, 0);
	struct nebula_mark first = nebula_stack_mark(s), m;

	while (nebula_stack_available(s) > 32)
		KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 1, 1));
	KUNIT_ASSERT_GT(test, nebula_stack_available(s), (size_t)0);
	m = nebula_stack_mark(s);
	EXPECT_ERROR(test, s, NEBULA_E_EXCEEDS_MAX);
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, m), -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_E_FOREIGN_CHECKPOINT);
	KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(s, 1, 1));
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, first), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(s, PAGE_SIZE, 1));
	nebula_stack_destroy(s);
}

/* Nothing of one life of a buffer is valid in the next, where all is as it was. */
static void mark_ends_with_its_stack(struct kunit *test)
{
	u8 *memory = kunit_kzalloc(test, 1024, GFP_KERNEL);
	struct nebula_mark bottom, m;
	struct nebula_stack s;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, memory);
	nebula_stack_init(&s, memory, 1024);
	bottom = nebula_stack_mark(&s);
	KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(&s, 64, 8));
	m = nebula_stack_mark(&s);
	for (i = 0; i < 3; i++) {
		nebula_stack_exit(&s);
		KUNIT_EXPECT_EQ(test, nebula_stack_restore(&s, m), -ESTALE);
		KUNIT_EXPECT_EQ(test, nebula_stack_restore(&s, bottom), -ESTALE);
		nebula_stack_init(&s, memory, 1024);
		KUNIT_EXPECT_EQ(test, nebula_stack_restore(&s, bottom), -ESTALE);
		KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(&s, 64, 8));
		nebula_stack_mark(&s);
		KUNIT_EXPECT_EQ(test, nebula_stack_restore(&s, m), -ESTALE);
		KUNIT_EXPECT_EQ(test, nebula_stack_used(&s), (size_t)64);
	}
	nebula_stack_exit(&s);
}

#define WALK_OBJECTS	512
#define WALK_MARKS	48

/* An object, oldest first. */
struct walk_object {
	u8 *p;		/* where */
	size_t size;	/* bytes */
	size_t below;	/* bytes in use before it */
	size_t end;	/* bytes in use up to its end, as far as is known */
	u32 serial;	/* no other ever has it */
};

/* A mark and what makes it valid. */
struct walk_mark {
	struct nebula_mark m;	/* the mark */
	unsigned int depth;	/* objects below it */
	u32 serial;		/* of the newest of them, or of the bottom */
};

/* The plain model. */
struct walk {
	struct kunit *test;	/* whose */
	struct nebula_stack *stack;	/* what is compared with it */
	bool exact;		/* objects are large enough for it to be exact to the byte */
	struct walk_object objects[WALK_OBJECTS];	/* those that are live */
	unsigned int n;		/* how many */
	struct walk_mark marks[WALK_MARKS];	/* some of those taken */
	unsigned int nr_marks;	/* how many */
	size_t used;		/* bytes in use */
	u32 bottom;		/* serial of the bottom */
	u32 serial;		/* the newest */
	u64 allocs;		/* allocations so far */
	u64 resets;		/* resets so far */
};

static u32 serial_at(const struct walk *w, unsigned int depth)
{
	return depth ? w->objects[depth - 1].serial : w->bottom;
}

/* The model says @least bytes are in use; where objects are small it may be more. */
static void expect_used(struct walk *w, size_t least)
{
	const size_t used = nebula_stack_used(w->stack);

	if (w->exact)
		KUNIT_ASSERT_EQ(w->test, used, least);
	else
		KUNIT_ASSERT_GE(w->test, used, least);
	w->used = used;
}

/* Of three in four the size is small and odd; constants are served inline. */
static void *walk_take(struct walk *w, size_t *size, size_t *align)
{
	switch (fixture_random(w->test, 8)) {
	case 0:
		*size = 80;
		*align = 8;
		return nebula_stack_alloc(w->stack, 80, 8);
	case 1:
		*size = 96;
		*align = 32;
		return nebula_stack_alloc(w->stack, 96, 32);
	case 2:
		*size = 128;
		*align = 1;
		return nebula_stack_zalloc(w->stack, 128, 1);
	default:
		*size = (w->exact ? 80 : 1) + fixture_random(w->test, w->exact ? 300 : 15);
		*align = 1UL << fixture_random(w->test, w->exact ? 9 : 5);
		return nebula_stack_alloc(w->stack, *size, *align);
	}
}

static void walk_alloc(struct walk *w)
{
	const unsigned long base = w->stack->base + w->stack->start;
	struct walk_object *o;
	size_t size, align, end;
	u8 *p;

	if (w->n == WALK_OBJECTS)
		return;
	o = &w->objects[w->n];
	p = walk_take(w, &size, &align);
	end = ALIGN(base + w->used, align) - base + size;
	if (!p) {
		EXPECT_ERROR(w->test, w->stack, NEBULA_E_OUT_OF_MEMORY);
		if (w->exact)
			KUNIT_ASSERT_GT(w->test, end, nebula_stack_capacity(w->stack));
		return;
	}
	KUNIT_ASSERT_EQ(w->test, (unsigned long)p, base + end - size);
	*o = (struct walk_object){ p, size, w->used, end, ++w->serial };
	fixture_stamp(p, size, o->serial);
	w->n++;
	w->allocs++;
	expect_used(w, end);
}

static void walk_free(struct walk *w)
{
	struct walk_object *o;

	if (!w->n)
		return;
	o = &w->objects[w->n - 1];
	KUNIT_ASSERT_TRUE(w->test, fixture_stamped(o->p, o->size, o->serial));
	KUNIT_ASSERT_EQ(w->test, nebula_stack_free(w->stack, o->p), 0);
	KUNIT_ASSERT_EQ(w->test, nebula_stack_used(w->stack), o->below);
	w->used = o->below;
	w->n--;
	KUNIT_ASSERT_EQ(w->test, nebula_stack_free(w->stack, o->p), -EINVAL);
	EXPECT_ERROR(w->test, w->stack, NEBULA_E_DOUBLE_FREE);
}

static void walk_free_wrongly(struct walk *w)
{
	const struct walk_object *o = &w->objects[fixture_random(w->test, w->n ?: 1)];

	if (w->n < 2)
		return;
	if (o->size > 1) {
		KUNIT_ASSERT_EQ(w->test, nebula_stack_free(w->stack, o->p + o->size - 1), -EINVAL);
		EXPECT_ERROR(w->test, w->stack, NEBULA_E_MISALIGNED_POINTER);
	}
	if (o != &w->objects[w->n - 1]) {
		KUNIT_ASSERT_EQ(w->test, nebula_stack_free(w->stack, o->p), -EINVAL);
		EXPECT_ERROR(w->test, w->stack, NEBULA_E_LIFO_VIOLATION);
	}
}

static void walk_resize(struct walk *w)
{
	struct walk_object *o;
	size_t size = (w->exact ? 80 : 1) + fixture_random(w->test, w->exact ? 300 : 40);
	void *p;

	if (!w->n)
		return;
	o = &w->objects[w->n - 1];
	p = nebula_stack_realloc(w->stack, o->p, o->size, size, 1);
	if (!p) {
		EXPECT_ERROR(w->test, w->stack, NEBULA_E_OUT_OF_MEMORY);
		KUNIT_ASSERT_GT(w->test, o->end - o->size + size,
				nebula_stack_capacity(w->stack));
		return;
	}
	KUNIT_ASSERT_PTR_EQ(w->test, p, (void *)o->p);
	KUNIT_ASSERT_TRUE(w->test, fixture_stamped(p, min(size, o->size), o->serial));
	o->end += size - o->size;
	o->size = size;
	fixture_stamp(p, size, o->serial);
	expect_used(w, o->end);
}

static void walk_mark(struct walk *w)
{
	unsigned int i = w->nr_marks < WALK_MARKS ? w->nr_marks++
						  : fixture_random(w->test, WALK_MARKS);

	w->marks[i] = (struct walk_mark){ nebula_stack_mark(w->stack), w->n, serial_at(w, w->n) };
	expect_used(w, w->used);
	if (w->marks[i].m.id)
		return;
	/* Without room. */
	KUNIT_ASSERT_FALSE(w->test, w->exact);
	KUNIT_ASSERT_EQ(w->test, nebula_stack_restore(w->stack, w->marks[i].m), -EINVAL);
	w->marks[i] = w->marks[--w->nr_marks];
}

static void walk_restore(struct walk *w)
{
	const struct walk_mark *m = &w->marks[fixture_random(w->test, w->nr_marks ?: 1)];
	bool valid;

	if (!w->nr_marks)
		return;
	valid = m->depth <= w->n && m->serial == serial_at(w, m->depth);
	KUNIT_ASSERT_EQ(w->test, nebula_stack_restore(w->stack, m->m), valid ? 0 : -ESTALE);
	if (valid) {
		w->n = m->depth;
		expect_used(w, w->n ? w->objects[w->n - 1].end : 0);
	} else {
		EXPECT_ERROR(w->test, w->stack, NEBULA_E_STALE_CHECKPOINT);
		KUNIT_ASSERT_EQ(w->test, nebula_stack_used(w->stack), w->used);
	}
}

static void walk_reset(struct walk *w)
{
	nebula_stack_reset(w->stack);
	w->n = 0;
	w->bottom = ++w->serial;
	w->resets++;
	expect_used(w, 0);
}

static void walk_look(struct walk *w)
{
	struct nebula_stats st;
	unsigned int i;

	for (i = 0; i < w->n; i++)
		KUNIT_ASSERT_TRUE(w->test, fixture_stamped(w->objects[i].p, w->objects[i].size,
							   w->objects[i].serial));
	KUNIT_ASSERT_EQ(w->test, nebula_validate(w->stack), 0);
	nebula_stats_read(w->stack, &st);
	KUNIT_ASSERT_EQ(w->test, st.live, w->n);
	KUNIT_ASSERT_EQ(w->test, st.allocs, w->allocs);
	KUNIT_ASSERT_EQ(w->test, st.frees, w->allocs - w->n);
	KUNIT_ASSERT_EQ(w->test, st.resets, w->resets);
	KUNIT_ASSERT_EQ(w->test, st.used, w->used);
	KUNIT_ASSERT_EQ(w->test, st.available, st.capacity - w->used);
	KUNIT_ASSERT_EQ(w->test, st.bytes_in + st.padding, st.bytes_out + st.used);
}

static void walk_step(struct walk *w)
{
	switch (fixture_random(w->test, 32)) {
	case 0:
		if (!fixture_random(w->test, 8))
			walk_reset(w);
		break;
	case 1 ... 2:
		walk_restore(w);
		break;
	case 3 ... 6:
		walk_mark(w);
		break;
	case 7 ... 9:
		walk_resize(w);
		break;
	case 10 ... 16:
		walk_free(w);
		break;
	case 17:
		walk_free_wrongly(w);
		break;
	default:
		walk_alloc(w);
	}
}

static void walk(struct kunit *test, struct nebula_stack *s, bool exact, unsigned int steps)
{
	struct walk *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	struct nebula_stats st;

	KUNIT_ASSERT_NOT_NULL(test, w);
	nebula_stats_read(s, &st);
	w->allocs = st.allocs;
	w->resets = st.resets;
	w->test = test;
	w->stack = s;
	w->exact = exact;
	while (steps--) {
		walk_step(w);
		if (steps % 64 == 0)
			walk_look(w);
	}
}

static void mark_agrees_with_the_model(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, SZ_16K, 0);

	walk(test, s, true, 20000);
	nebula_stack_destroy(s);
}

static void mark_agrees_with_the_model_out_of_line(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, SZ_16K, NEBULA_ZERO);

	walk(test, s, true, 20000);
	nebula_stack_destroy(s);
}

static void mark_agrees_with_the_model_of_small_objects(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, PAGE_SIZE, 0);

	walk(test, s, false, 20000);
	nebula_stack_destroy(s);
}

static void mark_agrees_with_the_model_on_a_buffer(struct kunit *test)
{
	void *memory = kunit_kzalloc(test, 3001, GFP_KERNEL);
	struct nebula_stack s;

	KUNIT_ASSERT_NOT_NULL(test, memory);
	nebula_stack_init(&s, memory + 1, 3000);
	walk(test, &s, true, 6000);
	nebula_stack_reset(&s);
	walk(test, &s, false, 6000);
	nebula_stack_exit(&s);
}

/* Leaves by return, from in between or at the end. */
static int leaves_by_return(struct nebula_stack *s, bool early)
{
	guard(nebula_stack)(s);
	if (!nebula_stack_alloc(s, 64, 8))
		return -ENOMEM;
	if (early)
		return 1;
	scoped_guard(nebula_stack, s) {
		if (!nebula_stack_alloc(s, 100, 64))
			return -ENOMEM;
		if (nebula_stack_used(s) != 164)
			return -EINVAL;
	}
	return nebula_stack_used(s);
}

/* Each turn of the loop gives back what it took, and so does the one that leaves. */
static size_t leaves_by_break(struct nebula_stack *s)
{
	size_t most = 0;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		guard(nebula_stack)(s);
		if (!nebula_stack_alloc(s, 200 * (i + 1), 8) || i == 5)
			break;
		most = max(most, nebula_stack_used(s));
		if (i % 2)
			continue;
		if (!nebula_stack_alloc(s, 10, 1))
			break;
	}
	return most;
}

static int leaves_by_goto(struct nebula_stack *s)
{
	int ret = -ENOMEM;

	scoped_guard(nebula_stack, s) {
		if (!nebula_stack_alloc(s, 64, 8))
			goto out;
		ret = 1;
		goto out;
	}
	ret = -EINVAL;
out:
	return ret;
}

static void scope_gives_back_on_every_way_out(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, PAGE_SIZE, 0);

	KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 1, 1));
	nebula_stack_reset(s);
	KUNIT_EXPECT_EQ(test, leaves_by_return(s, true), 1);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	KUNIT_EXPECT_EQ(test, leaves_by_return(s, false), 64);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	KUNIT_EXPECT_EQ(test, leaves_by_break(s), (size_t)1000);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	KUNIT_EXPECT_EQ(test, leaves_by_goto(s), 1);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&s->common), NEBULA_OK);
	/* None is open any more. */
	nebula_stack_destroy(s);
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0);
}

static unsigned int descend(struct nebula_stack *s, unsigned int depth)
{
	guard(nebula_stack)(s);
	if (!depth || !nebula_stack_alloc(s, 48, 16))
		return 0;
	return 1 + descend(s, depth - 1);
}

static void scope_nests_in_recursion(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, SZ_4K, 0);
	size_t before;

	KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 100, 4));
	before = nebula_stack_used(s);
	KUNIT_EXPECT_EQ(test, descend(s, 40), 40U);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), before);
	KUNIT_EXPECT_GE(test, nebula_stack_peak(s), before + 40 * 48);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&s->common), NEBULA_OK);
	nebula_stack_destroy(s);
}

static void scope_refuses_destroy_and_exit(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, PAGE_SIZE, 0), on_buffer;
	u8 *memory = kunit_kzalloc(test, 1024, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, memory);
	nebula_stack_init(&on_buffer, memory, 1024);
	scoped_guard(nebula_stack, s) {
		guard(nebula_stack)(&on_buffer);
		nebula_stack_destroy(s);
		EXPECT_ERROR(test, s, NEBULA_E_INVALID_STATE);
		KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(s, 64, 8));
		nebula_stack_exit(&on_buffer);
		EXPECT_ERROR(test, &on_buffer, NEBULA_E_INVALID_STATE);
		KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(&on_buffer, 64, 8));
	}
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(&on_buffer), (size_t)0);
	nebula_stack_exit(&on_buffer);
	KUNIT_EXPECT_EQ(test, nebula_stack_capacity(&on_buffer), (size_t)0);
	nebula_stack_destroy(s);
}

/* What the scope began on is gone: nothing of what came instead is. */
static void scope_records_that_it_could_not_give_back(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, PAGE_SIZE, 0);
	void *p = nebula_stack_alloc(s, 64, 8);

	KUNIT_ASSERT_NOT_NULL(test, p);
	scoped_guard(nebula_stack, s) {
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
		KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(s, 64, 8));
	}
	EXPECT_ERROR(test, s, NEBULA_E_STALE_CHECKPOINT);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)64);
	nebula_stack_destroy(s);
}

static void scope_destroys(struct kunit *test)
{
	{
		struct nebula_stack *s __free(nebula_stack) = stack_create(test, PAGE_SIZE, 0);

		KUNIT_EXPECT_EQ(test, fixture_regions(test), 1);
		KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(s, 64, 8));
	}
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0);
	{
		struct nebula_stack *none __free(nebula_stack) = ERR_PTR(-ENOMEM);

		KUNIT_EXPECT_TRUE(test, IS_ERR(none));
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(mark_is_valid_while_what_lies_below_is_there),
	KUNIT_CASE(mark_goes_with_what_it_lies_on),
	KUNIT_CASE(mark_goes_stale_by_reset),
	KUNIT_CASE(mark_nests_deeply),
	KUNIT_CASE(mark_of_another_or_of_nothing),
	KUNIT_CASE(mark_is_refused_without_room),
	KUNIT_CASE(mark_ends_with_its_stack),
	KUNIT_CASE(mark_agrees_with_the_model),
	KUNIT_CASE(mark_agrees_with_the_model_out_of_line),
	KUNIT_CASE(mark_agrees_with_the_model_of_small_objects),
	KUNIT_CASE(mark_agrees_with_the_model_on_a_buffer),
	KUNIT_CASE(scope_gives_back_on_every_way_out),
	KUNIT_CASE(scope_nests_in_recursion),
	KUNIT_CASE(scope_refuses_destroy_and_exit),
	KUNIT_CASE(scope_records_that_it_could_not_give_back),
	KUNIT_CASE(scope_destroys),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_stack_mark",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
