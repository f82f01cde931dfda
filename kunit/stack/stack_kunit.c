// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stack allocator, owner mode: what it hands out, to the byte, in what order it takes it back, and
 * what it shows of itself.
 */
#include <linux/align.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "table.h"

#define ALIGN_MAX	SZ_64K

/*
 *	0        64  67     96     112        212
 *	|AAAAAAAA|BBB|......|CCCCCC|DDDDDDDDDD|		and back
 *	|AAAAAAAA|BBB|C|				C needs no padding now
 *	0        64  67              128          328
 *	|AAAAAAAA|BBB|...............|DDDDDDDDDDDD|
 */
static void stack_gives_padding_back(struct kunit *test)
{
	STACK_TABLE(test, PAGE_SIZE,
		    DOES(ALLOC, 'A', 64, 8, 64, 1, 64, 0),
		    DOES(ALLOC, 'B', 3, 1, 67, 2, 67, 0),
		    DOES(ALLOC, 'C', 16, 32, 112, 3, 112, 29),
		    DOES(ALLOC, 'D', 100, 4, 212, 4, 212, 29),
		    DOES(FREE, 'D', 0, 0, 112, 3, 212, 29),
		    DOES(FREE, 'C', 0, 0, 67, 2, 212, 29),
		    DOES(ALLOC, 'C', 1, 1, 68, 3, 212, 29),
		    DOES(FREE, 'C', 0, 0, 67, 2, 212, 29),
		    DOES(ZALLOC, 'D', 200, 64, 328, 3, 328, 90),
		    DOES(FREE, 'D', 0, 0, 67, 2, 328, 90),
		    DOES(FREE, 'B', 0, 0, 64, 1, 328, 90),
		    DOES(FREE, 'A', 0, 0, 0, 0, 328, 90));
}

/*
 *	0        64           4096
 *	|AAAAAAAA|BBBBBBBBBBBB|		full; one byte more is too much, now and with less in use
 *	|AAAAAAAA|CCCCCCCCCCC|D|
 *	|EEEEEEEEEEEEEEEEEEEEE|		in one piece
 */
static void stack_is_full_at_the_last_byte(struct kunit *test)
{
	STACK_TABLE(test, 4096,
		    DOES(ALLOC, 'A', 64, 8, 64, 1, 64, 0),
		    REFUSES(OUT_OF_MEMORY, ALLOC, 'B', 4033, 8, 64, 1, 64, 0),
		    DOES(ALLOC, 'B', 4032, 8, 4096, 2, 4096, 0),
		    REFUSES(OUT_OF_MEMORY, ALLOC, 'C', 1, 1, 4096, 2, 4096, 0),
		    REFUSES(OUT_OF_MEMORY, ALLOC, 'C', 1, 4096, 4096, 2, 4096, 0),
		    DOES(FREE, 'B', 0, 0, 64, 1, 4096, 0),
		    DOES(ALLOC, 'C', 4031, 1, 4095, 2, 4096, 0),
		    REFUSES(OUT_OF_MEMORY, ALLOC, 'D', 2, 1, 4095, 2, 4096, 0),
		    REFUSES(OUT_OF_MEMORY, ALLOC, 'D', 1, 2, 4095, 2, 4096, 0),
		    DOES(ALLOC, 'D', 1, 1, 4096, 3, 4096, 0),
		    DOES(FREE, 'D', 0, 0, 4095, 2, 4096, 0),
		    DOES(RESET, 0, 0, 0, 0, 0, 4096, 0),
		    REFUSES(OUT_OF_MEMORY, ALLOC, 'E', 4097, 1, 0, 0, 4096, 0),
		    DOES(ALLOC, 'E', 4096, 4096, 4096, 1, 4096, 0),
		    REFUSES(OUT_OF_MEMORY, ALLOC, 'A', 1, 1, 4096, 1, 4096, 0),
		    DOES(FREE, 'E', 0, 0, 0, 0, 4096, 0));
}

/*
 *	0     48   64     104  112    160      200		4096
 *	|AAAAA|....|BBBBBB|....|CCCCCC|DDDDDDDD|................|
 */
static void stack_refuses_every_wrong_free(struct kunit *test)
{
	STACK_TABLE(test, 4096,
		    REFUSES(FOREIGN_POINTER, FREE, 'Z', 4096, 0, 0, 0, 0, 0),
		    DOES(ALLOC, 'A', 48, 8, 48, 1, 48, 0),
		    DOES(ALLOC, 'B', 40, 64, 104, 2, 104, 16),
		    DOES(ALLOC, 'C', 48, 16, 160, 3, 160, 24),
		    DOES(ALLOC, 'D', 40, 8, 200, 4, 200, 24),
		    /* Older ones. */
		    REFUSES(LIFO_VIOLATION, FREE, 'A', 0, 0, 200, 4, 200, 24),
		    REFUSES(LIFO_VIOLATION, FREE, 'B', 0, 0, 200, 4, 200, 24),
		    REFUSES(LIFO_VIOLATION, FREE, 'C', 0, 0, 200, 4, 200, 24),
		    /* At the top, above, and at the last byte. */
		    REFUSES(DOUBLE_FREE, FREE, 'D', 40, 0, 200, 4, 200, 24),
		    REFUSES(DOUBLE_FREE, FREE, 'D', 41, 0, 200, 4, 200, 24),
		    REFUSES(DOUBLE_FREE, FREE, 'D', 3000, 0, 200, 4, 200, 24),
		    REFUSES(DOUBLE_FREE, FREE, 'A', 4095, 0, 200, 4, 200, 24),
		    /* Inside the newest, inside others, in padding: its first byte and its last. */
		    REFUSES(MISALIGNED_POINTER, FREE, 'D', 1, 0, 200, 4, 200, 24),
		    REFUSES(MISALIGNED_POINTER, FREE, 'D', 39, 0, 200, 4, 200, 24),
		    REFUSES(MISALIGNED_POINTER, FREE, 'C', 47, 0, 200, 4, 200, 24),
		    REFUSES(MISALIGNED_POINTER, FREE, 'C', -1, 0, 200, 4, 200, 24),
		    REFUSES(MISALIGNED_POINTER, FREE, 'C', -8, 0, 200, 4, 200, 24),
		    REFUSES(MISALIGNED_POINTER, FREE, 'B', 39, 0, 200, 4, 200, 24),
		    REFUSES(MISALIGNED_POINTER, FREE, 'B', -1, 0, 200, 4, 200, 24),
		    REFUSES(MISALIGNED_POINTER, FREE, 'B', -16, 0, 200, 4, 200, 24),
		    REFUSES(MISALIGNED_POINTER, FREE, 'A', 47, 0, 200, 4, 200, 24),
		    REFUSES(MISALIGNED_POINTER, FREE, 'A', 1, 0, 200, 4, 200, 24),
		    /* Outside; and what is no object, but fine: NULL and ZERO_SIZE_PTR. */
		    REFUSES(FOREIGN_POINTER, FREE, 'A', -1, 0, 200, 4, 200, 24),
		    REFUSES(FOREIGN_POINTER, FREE, 'A', 4096, 0, 200, 4, 200, 24),
		    REFUSES(FOREIGN_POINTER, FREE, 'Z', 17, 0, 200, 4, 200, 24),
		    REFUSES(FOREIGN_POINTER, FREE, 'Z', -1, 0, 200, 4, 200, 24),
		    DOES(FREE, 'Z', 0, 0, 200, 4, 200, 24),
		    DOES(FREE, 'Z', 16, 0, 200, 4, 200, 24),
		    /* Twice, on the way down. */
		    DOES(FREE, 'D', 0, 0, 160, 3, 200, 24),
		    REFUSES(DOUBLE_FREE, FREE, 'D', 0, 0, 160, 3, 200, 24),
		    REFUSES(DOUBLE_FREE, FREE, 'D', 39, 0, 160, 3, 200, 24),
		    REFUSES(LIFO_VIOLATION, FREE, 'B', 0, 0, 160, 3, 200, 24),
		    DOES(FREE, 'C', 0, 0, 104, 2, 200, 24),
		    REFUSES(DOUBLE_FREE, FREE, 'C', 0, 0, 104, 2, 200, 24),
		    REFUSES(DOUBLE_FREE, FREE, 'C', -8, 0, 104, 2, 200, 24),
		    REFUSES(LIFO_VIOLATION, FREE, 'A', 0, 0, 104, 2, 200, 24),
		    DOES(FREE, 'B', 0, 0, 48, 1, 200, 24),
		    REFUSES(DOUBLE_FREE, FREE, 'B', -16, 0, 48, 1, 200, 24),
		    DOES(FREE, 'A', 0, 0, 0, 0, 200, 24),
		    REFUSES(DOUBLE_FREE, FREE, 'A', 0, 0, 0, 0, 200, 24),
		    REFUSES(DOUBLE_FREE, FREE, 'A', 4095, 0, 0, 0, 200, 24));
}

/*
 *	0       64         164
 *	|AAAAAAA|BBBBBBBBBB|			B is the newest
 *	|AAAAAAA|BBBBBBBBBBBBBBBBBBBB|264	grows
 *	|AAAAAAA|B|74				shrinks
 *	|AAAAAAA|BBB ... B|4096			to the last byte, and not one further
 */
static void stack_resizes_the_newest_where_it_is(struct kunit *test)
{
	STACK_TABLE(test, 4096,
		    DOES(ALLOC, 'A', 64, 8, 64, 1, 64, 0),
		    DOES(ALLOC, 'B', 100, 4, 164, 2, 164, 0),
		    DOES(REALLOC, 'B', 200, 4, 264, 2, 264, 0),
		    DOES(REALLOC, 'B', 10, 4, 74, 2, 264, 0),
		    DOES(REALLOC, 'B', 4032, 1, 4096, 2, 4096, 0),
		    REFUSES(OUT_OF_MEMORY, REALLOC, 'B', 4033, 4, 4096, 2, 4096, 0),
		    REFUSES(OUT_OF_MEMORY, REALLOC, 'B', SZ_1G, 4, 4096, 2, 4096, 0),
		    REFUSES(SIZE_OVERFLOW, REALLOC, 'B', SZ_1G + 1L, 4, 4096, 2, 4096, 0),
		    REFUSES(SIZE_OVERFLOW, REALLOC, 'B', -1, 4, 4096, 2, 4096, 0),
		    REFUSES(INVALID_ALIGNMENT, REALLOC, 'B', 50, 0, 4096, 2, 4096, 0),
		    REFUSES(INVALID_ALIGNMENT, REALLOC, 'B', 50, 3, 4096, 2, 4096, 0),
		    REFUSES(INVALID_ALIGNMENT, REALLOC, 'B', 50, 128, 4096, 2, 4096, 0),
		    DOES(REALLOC, 'B', 50, 64, 114, 2, 4096, 0),
		    REFUSES(LIFO_VIOLATION, REALLOC, 'A', 65, 8, 114, 2, 4096, 0),
		    REFUSES(LIFO_VIOLATION, REALLOC, 'A', 63, 8, 114, 2, 4096, 0),
		    REFUSES(LIFO_VIOLATION, REALLOC, 'A', 0, 8, 114, 2, 4096, 0),
		    DOES(FREE, 'B', 0, 0, 64, 1, 4096, 0),
		    REFUSES(DOUBLE_FREE, REALLOC, 'B', 10, 4, 64, 1, 4096, 0),
		    DOES(REALLOC, 'A', 0, 1, 0, 0, 4096, 0));
}

/*
 *	|AAAAAAA|BBBBB|1				mark 1 on B
 *	|AAAAAAA|BBBBBBBBBB|1				moves with its end
 *	|AAAAAAA|BBBBBBBBBB|1.....|CCCC|		B is not the newest: it stays
 *	|AAAAAAA|					B gone, and mark 1 with it
 */
static void stack_resizes_below_a_mark(struct kunit *test)
{
	STACK_TABLE(test, 4096,
		    DOES(ALLOC, 'A', 64, 8, 64, 1, 64, 0),
		    DOES(REALLOC, 'B', 50, 2, 114, 2, 114, 0),
		    DOES(MARK, '1', 0, 0, 114, 2, 114, 0),
		    DOES(REALLOC, 'B', 100, 4, 164, 2, 164, 0),
		    DOES(RESTORE, '1', 0, 0, 164, 2, 164, 0),
		    DOES(ALLOC, 'C', 32, 32, 224, 3, 224, 28),
		    REFUSES(LIFO_VIOLATION, REALLOC, 'B', 101, 4, 224, 3, 224, 28),
		    DOES(RESTORE, '1', 0, 0, 164, 2, 224, 28),
		    DOES(REALLOC, 'B', 20, 4, 84, 2, 224, 28),
		    DOES(RESTORE, '1', 0, 0, 84, 2, 224, 28),
		    DOES(REALLOC, 'B', 0, 4, 64, 1, 224, 28),
		    REFUSES(STALE_CHECKPOINT, RESTORE, '1', 0, 0, 64, 1, 224, 28));
}

/* The old size is believed only as far as the object reaches. */
static void stack_resizes_nothing_that_never_was(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, PAGE_SIZE, 0);
	u8 *p = nebula_stack_alloc(s, 100, 4), other[16];

	KUNIT_ASSERT_NOT_NULL(test, p);
	fixture_stamp(p, 100, 1);
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, p, 101, 200, 4));
	EXPECT_ERROR(test, s, NEBULA_E_INVALID_LAYOUT);
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, p, SIZE_MAX, 200, 4));
	EXPECT_ERROR(test, s, NEBULA_E_INVALID_LAYOUT);
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, p + 4, 10, 20, 4));
	EXPECT_ERROR(test, s, NEBULA_E_MISALIGNED_POINTER);
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, p + 100, 10, 20, 4));
	EXPECT_ERROR(test, s, NEBULA_E_DOUBLE_FREE);
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, other, 10, 20, 1));
	EXPECT_ERROR(test, s, NEBULA_E_FOREIGN_POINTER);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)100);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(p, 100, 1));
	/* What is nothing becomes something, or stays nothing. */
	KUNIT_EXPECT_PTR_EQ(test, nebula_stack_realloc(s, NULL, 0, 0, 1), ZERO_SIZE_PTR);
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)nebula_stack_realloc(s, ZERO_SIZE_PTR, 0, 8, 4), p + 100);
	nebula_stack_destroy(s);
}

static const size_t sizes[] = {
	1, 2, 3, 7, 8, 15, 16, 17, 63, 64, 65, 100, 1000, 4095, 4096, 4097, 65535, 65536,
};

/*
 *	|before|.....|object of @size, @align|		and |before| again
 */
static void expect_place(struct kunit *test, struct nebula_stack *s, size_t before, size_t size,
			 size_t align)
{
	const unsigned long base = s->base + s->start;
	const unsigned long place = ALIGN(base + before, align);
	void *below = nebula_stack_alloc(s, before, 1), *p = nebula_stack_alloc(s, size, align);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_EQ(test, (unsigned long)p, place);
	KUNIT_ASSERT_EQ(test, nebula_stack_used(s), place - base + size);
	KUNIT_ASSERT_EQ(test, nebula_stack_used(s) + nebula_stack_available(s),
			nebula_stack_capacity(s));
	KUNIT_ASSERT_TRUE(test, nebula_stack_owns(s, p));
	KUNIT_ASSERT_TRUE(test, nebula_stack_owns(s, p + size - 1));
	memset(p, 0xa5, size);
	KUNIT_ASSERT_EQ(test, nebula_stack_free(s, p), 0);
	KUNIT_ASSERT_EQ(test, nebula_stack_used(s), before);
	KUNIT_ASSERT_EQ(test, nebula_stack_free(s, below), 0);
	KUNIT_ASSERT_EQ(test, nebula_stack_used(s), (size_t)0);
}

static void stack_alignments_and_sizes(struct kunit *test)
{
	static const size_t befores[] = { 0, 1, 16, 24, 4095, 5000 };
	struct nebula_stack *s = stack_create(test, 3 * SZ_64K, 0);
	unsigned int i, j;
	size_t align;

	for (align = 1; align <= ALIGN_MAX; align *= 2)
		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			for (j = 0; j < ARRAY_SIZE(befores); j++)
				expect_place(test, s, befores[j], sizes[i], align);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&s->common), NEBULA_OK);
	nebula_stack_destroy(s);
}

/* As many equal pieces as the capacity has, and what is left over to the byte, again and again. */
static void expect_pieces(struct kunit *test, struct nebula_stack *s, size_t size)
{
	const size_t capacity = nebula_stack_capacity(s), rest = capacity % size;
	size_t n;
	u8 *p;

	for (n = 0; nebula_stack_alloc(s, size, 1); n++)
		;
	KUNIT_EXPECT_EQ(test, n, capacity / size);
	KUNIT_EXPECT_EQ(test, nebula_stack_available(s), rest);
	KUNIT_EXPECT_NULL(test, nebula_stack_alloc(s, rest + 1, 1));
	EXPECT_ERROR(test, s, NEBULA_E_OUT_OF_MEMORY);
	p = nebula_stack_alloc(s, rest, 1);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, nebula_stack_available(s), (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	for (p = (u8 *)s->base + s->start + n * size; n--;)
		KUNIT_ASSERT_EQ(test, nebula_stack_free(s, p -= size), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
}

static void stack_serves_equal_pieces(struct kunit *test)
{
	static const size_t pieces[] = { 16, 17, 24, 48, 64, 100, 1024, 4095, 4096 };
	unsigned int pages, i;

	for (pages = 1; pages <= 9; pages += 4) {
		struct nebula_stack *s = stack_create(test, pages * PAGE_SIZE, 0);

		for (i = 0; i < ARRAY_SIZE(pieces); i++)
			expect_pieces(test, s, pieces[i]);
		expect_pieces(test, s, pages * PAGE_SIZE);
		nebula_stack_destroy(s);
	}
}

/* By constants, so that the inline path comes to the end. */
static void stack_serves_to_the_end_inline(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, 4096, 0);
	unsigned int round, n;

	for (round = 0; round < 3; round++) {
		for (n = 0; nebula_stack_alloc(s, 64, 8); n++)
			;
		KUNIT_EXPECT_EQ(test, n, 64U);
		nebula_stack_reset(s);
		for (n = 0; nebula_stack_alloc(s, 16, 16); n++)
			;
		KUNIT_EXPECT_EQ(test, n, 256U);
		nebula_stack_reset(s);
		for (n = 0; nebula_stack_alloc(s, 72, 8); n++)
			;
		KUNIT_EXPECT_EQ(test, n, 56U);
		KUNIT_EXPECT_NULL(test, nebula_stack_alloc(s, 65, 1));
		KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(s, 64, 64));
		KUNIT_EXPECT_NULL(test, nebula_stack_alloc(s, 16, 1));
		KUNIT_EXPECT_EQ(test, nebula_stack_peak(s), (size_t)4096);
		nebula_stack_reset(s);
	}
	nebula_stack_destroy(s);
}

/* What cannot be allocated, and why. */
struct impossible {
	size_t size;		/* bytes */
	size_t align;		/* bytes */
	enum nebula_errc code;	/* of the record */
};

static const struct impossible impossible[] = {
	{ SIZE_MAX, 1, NEBULA_E_SIZE_OVERFLOW },
	{ SIZE_MAX - 4095, 8, NEBULA_E_SIZE_OVERFLOW },
	{ SIZE_MAX / 2 + 1, 1, NEBULA_E_SIZE_OVERFLOW },
	{ SIZE_MAX / 2, 2, NEBULA_E_SIZE_OVERFLOW },
	{ SIZE_MAX / 2, SIZE_MAX / 2 + 1, NEBULA_E_SIZE_OVERFLOW },
	{ 1, SIZE_MAX / 2 + 1, NEBULA_E_SIZE_OVERFLOW },
	/* The largest that do not overflow only do not fit. */
	{ SIZE_MAX / 2, 1, NEBULA_E_OUT_OF_MEMORY },
	{ 1, SIZE_MAX / 4 + 1, NEBULA_E_OUT_OF_MEMORY },
	{ BIT(32), 1, NEBULA_E_OUT_OF_MEMORY },
	{ BIT(31), 1, NEBULA_E_OUT_OF_MEMORY },
	{ BIT(32) + 64, 8, NEBULA_E_OUT_OF_MEMORY },
	{ 64, BIT(32), NEBULA_E_OUT_OF_MEMORY },
	{ 8, 0, NEBULA_E_INVALID_ALIGNMENT },
	{ 8, 3, NEBULA_E_INVALID_ALIGNMENT },
	{ 8, 24, NEBULA_E_INVALID_ALIGNMENT },
	{ 8, 4095, NEBULA_E_INVALID_ALIGNMENT },
	{ 8, SIZE_MAX, NEBULA_E_INVALID_ALIGNMENT },
	{ SIZE_MAX, 3, NEBULA_E_INVALID_ALIGNMENT },
};

static void stack_refuses_the_impossible(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, PAGE_SIZE, 0);
	struct nebula_error err;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 100, 1));
	for (i = 0; i < ARRAY_SIZE(impossible); i++) {
		const struct impossible *no = &impossible[i];

		KUNIT_EXPECT_NULL_MSG(test, nebula_stack_alloc(s, no->size, no->align), "%u", i);
		KUNIT_ASSERT_TRUE(test, nebula_last_error(s, &err));
		KUNIT_EXPECT_EQ_MSG(test, err.code, no->code, "%u", i);
		KUNIT_EXPECT_EQ(test, err.size, no->size);
		KUNIT_EXPECT_EQ(test, err.align, no->align);
		KUNIT_EXPECT_EQ(test, err.used, (size_t)100);
		KUNIT_EXPECT_EQ(test, err.kind, NEBULA_KIND_STACK);
	}
	/* Constants come to the same. */
	KUNIT_EXPECT_NULL(test, nebula_stack_alloc(s, 64, 3));
	EXPECT_ERROR(test, s, NEBULA_E_INVALID_ALIGNMENT);
	KUNIT_EXPECT_NULL(test, nebula_stack_alloc(s, 64, 0));
	EXPECT_ERROR(test, s, NEBULA_E_INVALID_ALIGNMENT);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)100);
	nebula_stack_destroy(s);
}

static void stack_allocates_nothing(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, PAGE_SIZE, 0);

	KUNIT_EXPECT_PTR_EQ(test, nebula_stack_alloc(s, 0, 8), ZERO_SIZE_PTR);
	KUNIT_EXPECT_PTR_EQ(test, nebula_stack_zalloc(s, 0, 1), ZERO_SIZE_PTR);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, ZERO_SIZE_PTR), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, NULL), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&s->common), NEBULA_OK);
	nebula_stack_destroy(s);
}

/* Small objects, oldest first. */
struct crumbs {
	u8 *p[SZ_2K];		/* where */
	size_t used[SZ_2K];	/* bytes in use before each */
};

/* Fills the stack with objects of one to @most bytes, and returns how many it held. */
static unsigned int fill_with_crumbs(struct kunit *test, struct nebula_stack *s, struct crumbs *c,
				     unsigned int most)
{
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(c->p); n++) {
		const size_t size = 1 + n % most;

		c->used[n] = nebula_stack_used(s);
		c->p[n] = nebula_stack_alloc(s, size, 1);
		if (!c->p[n])
			break;
		KUNIT_ASSERT_GE(test, nebula_stack_used(s), c->used[n] + size);
		fixture_stamp(c->p[n], size, n);
	}
	return n;
}

static void free_crumbs(struct kunit *test, struct nebula_stack *s, struct crumbs *c,
			unsigned int most, unsigned int n)
{
	while (n--) {
		KUNIT_ASSERT_TRUE(test, fixture_stamped(c->p[n], 1 + n % most, n));
		KUNIT_ASSERT_EQ(test, nebula_stack_free(s, c->p[n]), 0);
		KUNIT_ASSERT_EQ(test, nebula_stack_used(s), c->used[n]);
	}
}

/* The first ones lie side by side; all in all there is one for 16 bytes, whatever they ask for. */
static void stack_serves_small_objects(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, SZ_16K, 0);
	struct crumbs *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	unsigned int most, n, again;

	KUNIT_ASSERT_NOT_NULL(test, c);
	for (most = 1; most <= 16; most++) {
		n = fill_with_crumbs(test, s, c, most);
		KUNIT_EXPECT_GE(test, n, SZ_16K / 16U);
		KUNIT_EXPECT_EQ(test, nebula_stack_available(s), (size_t)0);
		if (most == 1)
			KUNIT_EXPECT_EQ(test, c->used[32], (size_t)32);
		KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
		free_crumbs(test, s, c, most, n);
		KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
		again = fill_with_crumbs(test, s, c, most);
		KUNIT_EXPECT_EQ(test, again, n);
		nebula_stack_reset(s);
	}
	expect_pieces(test, s, 64);
	nebula_stack_destroy(s);
}

/* What small objects lose is counted once, however often the newest changes its size. */
static void stack_counts_resized_small_objects(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, PAGE_SIZE, 0);
	struct nebula_stats st;
	unsigned int n, i;
	u8 *p = NULL;

	for (n = 0; n < 100; n++) {
		p = nebula_stack_alloc(s, 1, 1);
		KUNIT_ASSERT_NOT_NULL(test, p);
	}
	for (i = 0; i < 1000; i++) {
		KUNIT_ASSERT_PTR_EQ(test, (u8 *)nebula_stack_realloc(s, p, 1, 2, 1), p);
		KUNIT_ASSERT_PTR_EQ(test, (u8 *)nebula_stack_realloc(s, p, 2, 1, 1), p);
	}
	nebula_stats_read(s, &st);
	KUNIT_EXPECT_GE(test, st.bytes_in, 100ULL);
	KUNIT_EXPECT_LE(test, st.bytes_in, 100ULL + i);
	KUNIT_EXPECT_EQ(test, st.bytes_in + st.padding, st.bytes_out + st.used);
	nebula_stack_destroy(s);
}

/* One stack is served by constants, the other by the same values that the compiler cannot see. */
#define SAME_PLACE(test, inlined, outlined, bytes, alignment)					\
do {												\
	struct nebula_stack *__in = (inlined), *__out = (outlined);				\
	const size_t __bytes = (bytes), __align = (alignment);					\
	u8 *__p = nebula_stack_alloc(__in, __bytes, __align);					\
	u8 *__q = nebula_stack_alloc_slow(__out, __bytes, __align);				\
												\
	expect_same_place(test, (unsigned long)__p - __in->base,				\
			  (unsigned long)__q - __out->base);					\
} while (0)

static void expect_same_place(struct kunit *test, unsigned long inlined, unsigned long outlined)
{
	KUNIT_ASSERT_EQ(test, inlined, outlined);
}

/* The newest object of each, whatever it is. */
static void free_both(struct kunit *test, struct nebula_stack *inlined,
		      struct nebula_stack *outlined)
{
	const unsigned long start = inlined->top[-1] & ~NEBULA_STACK_TAG;
	void *p = (void *)(inlined->base + start), *q = (void *)(outlined->base + start);

	KUNIT_ASSERT_EQ(test, nebula_stack_free(inlined, p), 0);
	KUNIT_ASSERT_EQ(test, nebula_stack_free(outlined, q), 0);
	KUNIT_ASSERT_EQ(test, nebula_stack_used(inlined), nebula_stack_used(outlined));
}

static void expect_same_stats(struct kunit *test, const struct nebula_stack *inlined,
			      const struct nebula_stack *outlined)
{
	struct nebula_stats a, b;

	nebula_stats_read(inlined, &a);
	nebula_stats_read(outlined, &b);
	KUNIT_EXPECT_EQ(test, memcmp(&a, &b, sizeof(a)), 0);
}

static void use_both(struct kunit *test, struct nebula_stack *in, struct nebula_stack *out)
{
	size_t hidden = fixture_random(test, 100);

	OPTIMIZER_HIDE_VAR(hidden);
	SAME_PLACE(test, in, out, 64, 8);
	SAME_PLACE(test, in, out, 20, 8);
	SAME_PLACE(test, in, out, 16, 16);
	SAME_PLACE(test, in, out, 1 + hidden, 1);
	SAME_PLACE(test, in, out, 1 + hidden, 8);
	free_both(test, in, out);
	SAME_PLACE(test, in, out, 3, 8);
	SAME_PLACE(test, in, out, 17, 1);
	SAME_PLACE(test, in, out, 40, 64);
	free_both(test, in, out);
	SAME_PLACE(test, in, out, 31, 32);
	SAME_PLACE(test, in, out, 32, 32);
	SAME_PLACE(test, in, out, 200, 512);
	expect_same_stats(test, in, out);
}

/* First each is higher than any before, then where all was in use before. */
static void stack_inline_agrees_with_outline(struct kunit *test)
{
	struct nebula_stack *in = stack_create(test, SZ_64K, 0), *out;
	unsigned int i;

	out = stack_create(test, SZ_64K, NEBULA_ZERO);
	for (i = 0; i < 80; i++) {
		use_both(test, in, out);
		while (i % 40 == 39 && nebula_stack_used(in))
			free_both(test, in, out);
	}
	expect_same_stats(test, in, out);
	nebula_stack_destroy(out);
	nebula_stack_destroy(in);
}

/*
 *	0  20  32          96
 *	|A|..|BBBBBBBBBBBBB|	B is freed by its own address only, once, also from under a mark
 */
static void stack_frees_behind_padding(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, SZ_4K, 0);
	unsigned int round;
	u8 *a, *b;

	for (round = 0; round < 3; round++) {
		a = nebula_stack_alloc(s, 20, 4);
		b = nebula_stack_alloc(s, 64, 32);
		KUNIT_ASSERT_PTR_EQ(test, b, a + 32);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, b - 12), -EINVAL);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, b + 8), -EINVAL);
		EXPECT_ERROR(test, s, NEBULA_E_MISALIGNED_POINTER);
		if (round)
			nebula_stack_mark(s);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, b), 0);
		KUNIT_EXPECT_EQ(test, nebula_stack_used(s), 20UL);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, b), -EINVAL);
		EXPECT_ERROR(test, s, NEBULA_E_DOUBLE_FREE);
		if (round == 2)
			nebula_stack_mark(s);
		KUNIT_EXPECT_PTR_EQ(test, (u8 *)nebula_stack_alloc(s, 64, 32), b);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, b), 0);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, a), 0);
		KUNIT_EXPECT_EQ(test, nebula_stack_used(s), 0UL);
	}
	nebula_stack_destroy(s);
}

static bool is_zero(const u8 *p, size_t size)
{
	return p && !memchr_inv(p, 0, size);
}

static void stack_zero(struct kunit *test)
{
	struct nebula_stack *zero = stack_create(test, PAGE_SIZE, NEBULA_ZERO);
	struct nebula_stack *plain = stack_create(test, PAGE_SIZE, 0);
	unsigned int round;
	u8 *p, *q;

	for (round = 0; round < 3; round++) {
		p = nebula_stack_alloc(zero, 64, 8);
		KUNIT_ASSERT_TRUE(test, is_zero(p, 64));
		memset(p, 0xff, 64);
		p = nebula_stack_realloc(zero, p, 64, 32, 8);
		p = nebula_stack_realloc(zero, p, 32, 128, 8);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_NULL(test, memchr_inv(p, 0xff, 32));
		KUNIT_EXPECT_TRUE(test, is_zero(p + 32, 96));
		memset(p, 0xff, 128);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(zero, p), 0);

		q = nebula_stack_zalloc(plain, 64, 8);
		KUNIT_ASSERT_TRUE(test, is_zero(q, 64));
		memset(q, 0xff, 64);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(plain, q), 0);
	}
	nebula_stack_destroy(plain);
	nebula_stack_destroy(zero);
}

static void stack_refuses_what_is_of_others(struct kunit *test)
{
	struct nebula_stack *s = stack_create(test, PAGE_SIZE, 0);
	struct nebula_stack *other = stack_create(test, PAGE_SIZE, 0);
	void *slab = kunit_kzalloc(test, 64, GFP_KERNEL), *p, *foreign;

	p = nebula_stack_alloc(s, 64, 8);
	foreign = nebula_stack_alloc(other, 64, 8);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, foreign);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, foreign), -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_E_FOREIGN_POINTER);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(other, p), -EINVAL);
	EXPECT_ERROR(test, other, NEBULA_E_FOREIGN_POINTER);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, slab), -EINVAL);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, s), -EINVAL);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, s->entries), -EINVAL);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, &slab), -EINVAL);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)64);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(other), (size_t)64);
	KUNIT_EXPECT_FALSE(test, nebula_stack_owns(s, foreign));
	KUNIT_EXPECT_FALSE(test, nebula_stack_owns(s, NULL));
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(other, foreign), 0);
	nebula_stack_destroy(other);
	nebula_stack_destroy(s);
}

/* Also when it rises by less than a grain, and however the memory was given back. */
static void stack_peak_rises_byte_by_byte(struct kunit *test)
{
	static const unsigned int flags[] = { 0, NEBULA_ZERO };
	struct nebula_mark m;
	unsigned int i;
	size_t size;
	void *p;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct nebula_stack *s = stack_create(test, PAGE_SIZE, flags[i]);

		m = nebula_stack_mark(s);
		for (size = 1; size < 300; size++) {
			p = nebula_stack_alloc(s, size, 1);
			KUNIT_ASSERT_NOT_NULL(test, p);
			if (size % 3 == 0)
				KUNIT_ASSERT_EQ(test, nebula_stack_free(s, p), 0);
			else
				KUNIT_ASSERT_EQ(test, nebula_stack_restore(s, m), 0);
			KUNIT_ASSERT_EQ(test, nebula_stack_peak(s), size);
		}
		nebula_stack_destroy(s);
	}
}

/*
 *	|AAAAAAAAAA|1BBB|...|CCCCCCCC|2DDDD|..........|
 *	0          20   26  32       48    56         64
 */
static struct nebula_stack *stack_to_be_shown(struct kunit *test)
{
	static u8 memory[64] __aligned(64);
	struct nebula_stack *s;

	s = nebula_stack_create("shown", .buffer = memory, .buffer_size = sizeof(memory));

	ASSERT_STACK(test, s);
	KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 20, 1));
	nebula_stack_mark(s);
	KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 6, 1));
	KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 16, 16));
	nebula_stack_mark(s);
	KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 8, 8));
	KUNIT_ASSERT_EQ(test, nebula_stack_free(s, memory), -EINVAL);
	return s;
}

static void stack_shows_what_it_holds(struct kunit *test)
{
	struct nebula_stack *s = stack_to_be_shown(test);
	const char *text;

	text = fixture_file(test, &s->common, "live");
	expect_in_text(test, text, "# nebula live v1\n");
	expect_says(test, text, "live", "4");
	expect_says(test, text, "bytes", "50");
	expect_says(test, text, "marks", "2");
	expect_in_text(test, text, " section  objects        bytes\n"
				   "       3        1            8  newest\n"
				   "       2        2           22\n"
				   "       1        1           20\n");
	expect_says(test, text, "call sites", "not tracked, set NEBULA_TRACK");
	text = fixture_file(test, &s->common, "map");
	expect_in_text(test, text, "# used  + some used  . free\n64 bytes, 1 for each character\n");
	expect_in_text(test, text,
		       "  ##########################......########################........\n");
	text = fixture_file(test, &s->common, "validate");
	KUNIT_EXPECT_STREQ(test, text, "# nebula validate v1\nok\n");
	nebula_stack_destroy(s);
}

static void stack_shows_what_it_is(struct kunit *test)
{
	struct nebula_stack *s = stack_to_be_shown(test);
	const char *text;

	text = fixture_file(test, &s->common, "info");
	expect_in_text(test, text, "# nebula info v1\n");
	expect_says(test, text, "name", "shown");
	expect_says(test, text, "kind", "stack");
	expect_says(test, text, "mode", "owner");
	expect_says(test, text, "path", "inline");
	expect_says(test, text, "backing", "buffer");
	expect_says(test, text, "capacity", "64");
	text = fixture_file(test, &s->common, "stats");
	expect_says(test, text, "allocs", "4");
	expect_says(test, text, "live", "4");
	expect_says(test, text, "bytes in", "50");
	expect_says(test, text, "padding", "6");
	expect_says(test, text, "used", "56");
	expect_says(test, text, "peak", "56");
	expect_in_text(test, text, "\n  LIFO_VIOLATION           1\n");
	text = fixture_file(test, &s->common, "errors");
	expect_in_text(test, text, "shown: LIFO_VIOLATION (-EINVAL)");
	nebula_stack_destroy(s);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(stack_gives_padding_back),
	KUNIT_CASE(stack_is_full_at_the_last_byte),
	KUNIT_CASE(stack_refuses_every_wrong_free),
	KUNIT_CASE(stack_resizes_the_newest_where_it_is),
	KUNIT_CASE(stack_resizes_below_a_mark),
	KUNIT_CASE(stack_resizes_nothing_that_never_was),
	KUNIT_CASE(stack_alignments_and_sizes),
	KUNIT_CASE(stack_serves_equal_pieces),
	KUNIT_CASE(stack_serves_to_the_end_inline),
	KUNIT_CASE(stack_refuses_the_impossible),
	KUNIT_CASE(stack_allocates_nothing),
	KUNIT_CASE(stack_serves_small_objects),
	KUNIT_CASE(stack_counts_resized_small_objects),
	KUNIT_CASE(stack_inline_agrees_with_outline),
	KUNIT_CASE(stack_frees_behind_padding),
	KUNIT_CASE(stack_zero),
	KUNIT_CASE(stack_refuses_what_is_of_others),
	KUNIT_CASE(stack_peak_rises_byte_by_byte),
	KUNIT_CASE(stack_shows_what_it_holds),
	KUNIT_CASE(stack_shows_what_it_is),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_stack",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
