// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bump allocator, owner mode: what it hands out, to the byte.
 */
#include <linux/slab.h>
#include "../fixture.h"

#define MAX_ALIGN	4096UL

static struct nebula_bump *bump_of_pages(struct kunit *test, unsigned int pages)
{
	struct nebula_bump *b = nebula_bump_create("test", .capacity = pages * PAGE_SIZE);

	ASSERT_BUMP(test, b);
	return b;
}

static void bump_alignments_and_sizes(struct kunit *test)
{
	struct nebula_bump *b = bump_of_pages(test, 2);
	const size_t capacity = nebula_bump_capacity(b);
	size_t align, size;

	for (align = 1; align <= MAX_ALIGN; align *= 2) {
		for (size = 0; size <= capacity + 9; size += size < 80 ? 1 : 61) {
			void *p = nebula_bump_alloc(b, size, align);

			if (!size) {
				KUNIT_ASSERT_PTR_EQ(test, p, ZERO_SIZE_PTR);
			} else if (size <= capacity) {
				KUNIT_ASSERT_NOT_NULL(test, p);
				KUNIT_ASSERT_TRUE(test, IS_ALIGNED((unsigned long)p, align));
				KUNIT_ASSERT_TRUE(test, nebula_bump_owns(b, p));
				KUNIT_ASSERT_TRUE(test, nebula_bump_owns(b, p + size - 1));
				KUNIT_ASSERT_EQ(test, nebula_bump_used(b), size);
				memset(p, 0xa5, size);
			} else {
				KUNIT_ASSERT_NULL(test, p);
				EXPECT_ERROR(test, b, NEBULA_E_OUT_OF_MEMORY);
				KUNIT_ASSERT_EQ(test, nebula_bump_used(b), (size_t)0);
			}
			nebula_bump_reset(b);
		}
	}
	nebula_bump_destroy(b);
}

/* A region of any length at any address is used up to its last byte, and not one further. */
static void bump_exact_fit_and_one_over(struct kunit *test)
{
	u8 *space = kunit_kzalloc(test, 256, GFP_KERNEL);
	size_t offset, size;

	KUNIT_ASSERT_NOT_NULL(test, space);
	for (offset = 8; offset < 17; offset++) {
		for (size = 1; size < 100; size++) {
			struct nebula_bump b;
			u8 *p;

			memset(space, 0x11, 256);
			nebula_bump_init(&b, space + offset, size);
			KUNIT_ASSERT_NULL(test, nebula_bump_alloc(&b, size + 1, 1));
			EXPECT_ERROR(test, &b, NEBULA_E_OUT_OF_MEMORY);
			p = nebula_bump_alloc(&b, size, 1);
			KUNIT_ASSERT_PTR_EQ(test, p, space + offset);
			memset(p, 0xff, size);
			KUNIT_ASSERT_EQ(test, nebula_bump_used(&b), size);
			KUNIT_ASSERT_EQ(test, nebula_bump_available(&b), (size_t)0);
			KUNIT_ASSERT_NULL(test, nebula_bump_alloc(&b, 1, 1));
			KUNIT_ASSERT_EQ(test, space[offset - 1], 0x11);
			KUNIT_ASSERT_EQ(test, space[offset + size], 0x11);
		}
	}
}

static void bump_fills_to_the_last_object(struct kunit *test)
{
	struct nebula_bump *b = bump_of_pages(test, 1);
	unsigned int n = 0, round;

	for (round = 0; round < 3; round++) {
		for (n = 0; nebula_bump_alloc(b, 64, 8); n++)
			;
		KUNIT_EXPECT_EQ(test, n, (unsigned int)(PAGE_SIZE / 64));
		KUNIT_EXPECT_EQ(test, nebula_bump_available(b), (size_t)0);
		nebula_bump_reset(b);
	}
	for (n = 0; nebula_bump_alloc(b, 8, 8); n++)
		;
	KUNIT_EXPECT_EQ(test, n, (unsigned int)(PAGE_SIZE / 8));
	nebula_bump_reset(b);
	for (n = 0; nebula_bump_alloc(b, 9, 8); n++)
		;
	KUNIT_EXPECT_EQ(test, n, (unsigned int)(PAGE_SIZE / 16));
	nebula_bump_reset(b);
	for (n = 0; nebula_bump_alloc(b, 1, 1); n++)
		;
	KUNIT_EXPECT_EQ(test, n, (unsigned int)PAGE_SIZE);
	nebula_bump_destroy(b);
}

static void bump_sizes_that_overflow(struct kunit *test)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 7, SIZE_MAX - 4095,
					SIZE_MAX / 2 + 1 };
	struct nebula_bump *b = bump_of_pages(test, 1);
	size_t align;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 100, 1));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (align = 1; align; align *= 2) {
			KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, sizes[i], align));
			EXPECT_ERROR(test, b, NEBULA_E_SIZE_OVERFLOW);
		}
	}
	/*
	 * The largest size there is does not overflow, it only does not fit; nor does the largest
	 * alignment.
	 */
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SIZE_MAX / 2, 1));
	EXPECT_ERROR(test, b, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SIZE_MAX / 4, SIZE_MAX / 8 + 1));
	EXPECT_ERROR(test, b, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)100);
	nebula_bump_destroy(b);
}

static void bump_alignments_that_are_none(struct kunit *test)
{
	static const size_t aligns[] = { 0, 3, 5, 6, 7, 24, 4095, SIZE_MAX };
	struct nebula_bump *b = bump_of_pages(test, 1);
	struct nebula_error err;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(aligns); i++) {
		KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, 8, aligns[i]));
		KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
		KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_INVALID_ALIGNMENT);
		KUNIT_EXPECT_EQ(test, err.align, aligns[i]);
	}
	/* The same through the inline path's constants. */
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, 8, 3));
	EXPECT_ERROR(test, b, NEBULA_E_INVALID_ALIGNMENT);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 8, 8));
	nebula_bump_destroy(b);
}

struct object {
	void *p;
	size_t size;
};

static void bump_objects_do_not_overlap(struct kunit *test)
{
	struct nebula_bump *b = bump_of_pages(test, 16);
	struct object *objects = kunit_kcalloc(test, 4096, sizeof(*objects), GFP_KERNEL);
	unsigned int n = 0, i;
	size_t asked = 0;

	KUNIT_ASSERT_NOT_NULL(test, objects);
	while (n < 4096) {
		size_t size = 1 + fixture_random(test, 90), align = 1UL << fixture_random(test, 8);
		/* Constants take the inline path, in between the others. */
		void *p = n % 3 ? nebula_bump_alloc(b, size, align) :
			  n % 2 ? nebula_bump_alloc(b, 20, 4) : nebula_bump_alloc(b, 32, 16);

		if (!p)
			break;
		if (n % 3 == 0)
			size = n % 2 ? 20 : 32;
		asked += size;
		fixture_stamp(p, size, n);
		objects[n++] = (struct object){ p, size };
		KUNIT_ASSERT_EQ(test, nebula_bump_used(b) + nebula_bump_available(b),
				nebula_bump_capacity(b));
	}
	KUNIT_EXPECT_GT(test, n, 500U);
	KUNIT_EXPECT_GE(test, nebula_bump_used(b), asked);
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_TRUE(test, fixture_stamped(objects[i].p, objects[i].size, i));
	nebula_bump_destroy(b);
}

/* Two allocators, one served inline, one out of line. */
struct twins {
	struct nebula_bump inlined;	/* by constants */
	struct nebula_bump outlined;	/* by the same values, hidden from the compiler */
	u8 *spaces[2];			/* their memory */
};

static void expect_same_place(struct kunit *test, struct twins *t, u8 *p, size_t size, size_t align)
{
	u8 *q = nebula_bump_alloc_slow(&t->outlined, size, align);

	KUNIT_ASSERT_EQ(test, p - t->spaces[0], q - t->spaces[1]);
	KUNIT_ASSERT_EQ(test, nebula_bump_used(&t->inlined), nebula_bump_used(&t->outlined));
}

#define SAME_PLACE(test, pair, bytes, alignment)						\
do {												\
	struct twins *__t = (pair);								\
	const size_t __bytes = (bytes), __align = (alignment);					\
												\
	expect_same_place(test, __t, nebula_bump_alloc(&__t->inlined, __bytes, __align),	\
			  __bytes, __align);							\
} while (0)

static void bump_inline_agrees_with_outline(struct kunit *test)
{
	struct twins *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	struct nebula_stats st[2];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	for (i = 0; i < 2; i++) {
		t->spaces[i] = kunit_kzalloc(test, SZ_8K, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, t->spaces[i]);
	}
	nebula_bump_init(&t->inlined, t->spaces[0], SZ_8K);
	nebula_bump_init(&t->outlined, t->spaces[1], SZ_8K);
	for (i = 0; i < 20; i++) {
		size_t hidden = 1 + fixture_random(test, 40);

		OPTIMIZER_HIDE_VAR(hidden);
		SAME_PLACE(test, t, hidden, 1);
		SAME_PLACE(test, t, hidden, 4);
		SAME_PLACE(test, t, 5, 1);
		SAME_PLACE(test, t, 6, 2);
		SAME_PLACE(test, t, hidden, 8);
		SAME_PLACE(test, t, hidden, 32);
		SAME_PLACE(test, t, 64, 8);
		SAME_PLACE(test, t, 20, 8);
		SAME_PLACE(test, t, 16, 16);
		SAME_PLACE(test, t, 3, 8);
		SAME_PLACE(test, t, 40, 64);
	}
	nebula_stats_read(&t->inlined, &st[0]);
	nebula_stats_read(&t->outlined, &st[1]);
	KUNIT_EXPECT_EQ(test, st[0].allocs, st[1].allocs);
	KUNIT_EXPECT_EQ(test, st[0].bytes_in, st[1].bytes_in);
	KUNIT_EXPECT_EQ(test, st[0].padding, st[1].padding);
}

/*
 *	s . .  "abc\0"
 *	0      4       an object of 4 bytes and alignment 4 follows at once
 *	       8       and one of 8 bytes and alignment 8
 */
static void bump_small_objects_lie_side_by_side(struct kunit *test)
{
	struct nebula_bump *b = bump_of_pages(test, 1);
	char *s = nebula_bump_strdup(b, "abc"), *p, *q, *r;
	size_t one = 1, four = 4, eight = 8;

	OPTIMIZER_HIDE_VAR(one);
	OPTIMIZER_HIDE_VAR(four);
	OPTIMIZER_HIDE_VAR(eight);
	KUNIT_ASSERT_NOT_NULL(test, s);
	p = nebula_bump_alloc(b, four, four);
	KUNIT_EXPECT_PTR_EQ(test, p, s + 4);
	q = nebula_bump_alloc(b, eight, eight);
	KUNIT_EXPECT_PTR_EQ(test, q, s + 8);
	r = nebula_bump_alloc(b, one, one);
	KUNIT_EXPECT_PTR_EQ(test, r, s + 16);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)17);
	nebula_bump_destroy(b);
}

static void bump_realloc(struct kunit *test)
{
	struct nebula_bump *b = bump_of_pages(test, 1);
	u8 *p = nebula_bump_realloc(b, NULL, 0, 10, 1), *q, other[16];

	KUNIT_ASSERT_NOT_NULL(test, p);
	fixture_stamp(p, 10, 7);
	/* The newest grows and shrinks where it is. */
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)nebula_bump_realloc(b, p, 10, 100, 1), p);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)100);
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)nebula_bump_realloc(b, p, 100, 10, 1), p);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)10);
	/* To the last byte, and not one further. */
	KUNIT_EXPECT_NULL(test, nebula_bump_realloc(b, p, 10, PAGE_SIZE + 1, 1));
	EXPECT_ERROR(test, b, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)nebula_bump_realloc(b, p, 10, PAGE_SIZE, 1), p);
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)nebula_bump_realloc(b, p, PAGE_SIZE, 10, 1), p);
	/* Another one is copied, and shrinks where it is. */
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 8, 8));
	q = nebula_bump_realloc(b, p, 10, 20, 1);
	KUNIT_ASSERT_NOT_NULL(test, q);
	KUNIT_EXPECT_PTR_NE(test, q, p);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(q, 10, 7));
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)nebula_bump_realloc(b, p, 10, 5, 1), p);
	/* Zero gives it back. */
	KUNIT_EXPECT_PTR_EQ(test, nebula_bump_realloc(b, q, 20, 0, 1), ZERO_SIZE_PTR);
	/* Strangers are refused. */
	KUNIT_EXPECT_NULL(test, nebula_bump_realloc(b, other, 16, 32, 1));
	EXPECT_ERROR(test, b, NEBULA_E_FOREIGN_POINTER);
	KUNIT_EXPECT_NULL(test, nebula_bump_realloc(b, p, PAGE_SIZE + 1, 32, 1));
	EXPECT_ERROR(test, b, NEBULA_E_INVALID_LAYOUT);
	nebula_bump_destroy(b);
}

/* Old sizes that no object has: they wrap, or reach beyond what is in use. */
static void expect_no_such_size(struct kunit *test, struct nebula_bump *b, u8 *p, size_t used)
{
	const size_t sizes[] = { 0, used + 1, used + 8, SZ_1M, SIZE_MAX / 2, -(size_t)p,
				 SIZE_MAX - 63, SIZE_MAX - 1, SIZE_MAX };
	struct nebula_stats before, after;
	unsigned int i;

	nebula_stats_read(b, &before);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_EXPECT_NULL_MSG(test, nebula_bump_realloc(b, p, sizes[i], SZ_1M, 1),
				      "old size %zu", sizes[i]);
		EXPECT_ERROR(test, b, NEBULA_E_INVALID_LAYOUT);
		KUNIT_EXPECT_NULL_MSG(test, nebula_bump_realloc(b, p, sizes[i], 16, 1),
				      "old size %zu", sizes[i]);
	}
	nebula_stats_read(b, &after);
	KUNIT_EXPECT_EQ(test, after.failures[NEBULA_E_INVALID_LAYOUT],
			before.failures[NEBULA_E_INVALID_LAYOUT] + 2 * ARRAY_SIZE(sizes));
	KUNIT_EXPECT_EQ(test, after.allocs, before.allocs);
	KUNIT_EXPECT_EQ(test, after.used, before.used);
}

static void bump_realloc_of_a_wrong_size(struct kunit *test)
{
	static const u32 flags[] = { 0, NEBULA_SHARED, NEBULA_GROW, NEBULA_SHARED | NEBULA_GROW };
	unsigned int i, preset;
	struct nebula_bump *b;
	struct nebula_bump buffered;
	u8 *p, *buffer = kunit_kzalloc(test, 512, GFP_KERNEL);

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (preset = NEBULA_PRODUCTION; preset <= NEBULA_DEVELOPMENT; preset++) {
			b = nebula_bump_create("test", .capacity = SZ_64K, .flags = flags[i],
					       .preset = preset);
			ASSERT_BUMP(test, b);
			KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 128, 8));
			migrate_disable();
			p = nebula_bump_alloc(b, 64, 64);
			expect_no_such_size(test, b, p, 64);
			p = nebula_bump_realloc(b, p, 64, 96, 64);
			migrate_enable();
			KUNIT_EXPECT_NOT_NULL(test, p);
			nebula_bump_destroy(b);
		}
	}
	KUNIT_ASSERT_NOT_NULL(test, buffer);
	nebula_bump_init(&buffered, buffer, 512);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(&buffered, 128, 8));
	p = nebula_bump_alloc(&buffered, 64, 8);
	expect_no_such_size(test, &buffered, p, 64);
}

static __printf(2, 3) char *format(struct nebula_bump *b, const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	s = nebula_bump_vasprintf(b, fmt, args);
	va_end(args);
	return s;
}

static void bump_copies_and_text(struct kunit *test)
{
	struct nebula_bump *b = bump_of_pages(test, 1);
	static const u64 numbers[] = { 1, 2, 3 };
	u64 *copy = nebula_bump_memdup(b, numbers, sizeof(numbers), __alignof__(u64));
	char *s = nebula_bump_strdup(b, "region"), *t = nebula_bump_asprintf(b, "%s %d", s, 42);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	KUNIT_EXPECT_EQ(test, memcmp(copy, numbers, sizeof(numbers)), 0);
	KUNIT_EXPECT_STREQ(test, s, "region");
	KUNIT_EXPECT_STREQ(test, t, "region 42");
	KUNIT_EXPECT_STREQ(test, format(b, "%05x|%-4s|", 0xbeef, "a"), "0beef|a   |");
	KUNIT_EXPECT_STREQ(test, nebula_bump_strdup(b, ""), "");
	KUNIT_EXPECT_NULL(test, nebula_bump_strdup(b, NULL));
	KUNIT_EXPECT_PTR_EQ(test, nebula_bump_memdup(b, numbers, 0, 1), ZERO_SIZE_PTR);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&b->common), NEBULA_OK);
	KUNIT_EXPECT_NULL(test, nebula_bump_asprintf(b, "%*s", (int)PAGE_SIZE, ""));
	EXPECT_ERROR(test, b, NEBULA_E_OUT_OF_MEMORY);
	nebula_bump_destroy(b);
}

/* One byte too few, and the end of a text would be cut, or lie in the next object. */
static void bump_copies_take_their_size(struct kunit *test)
{
	char text[] = "0123456789abcdef0123456789abcdef", other[sizeof(text)];
	struct nebula_bump *b = bump_of_pages(test, 1);
	u8 *space = kunit_kzalloc(test, 64, GFP_KERNEL);
	struct nebula_bump exact;
	size_t len;
	u8 *p;

	KUNIT_ASSERT_NOT_NULL(test, space);
	for (len = sizeof(text) - 1; len; len--) {
		text[len] = 0;
		strscpy(other, text, sizeof(other));
		nebula_bump_reset(b);
		KUNIT_EXPECT_STREQ(test, nebula_bump_strdup(b, text), other);
		KUNIT_EXPECT_EQ(test, nebula_bump_used(b), len + 1);
		nebula_bump_reset(b);
		KUNIT_EXPECT_STREQ(test, nebula_bump_asprintf(b, "%s", text), other);
		KUNIT_EXPECT_EQ(test, nebula_bump_used(b), len + 1);
		nebula_bump_reset(b);
		p = nebula_bump_memdup(b, text, len, 1);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_EQ(test, memcmp(p, other, len), 0);
		KUNIT_EXPECT_EQ(test, nebula_bump_used(b), len);

		/* Where there is just room for the characters, there is none for the text. */
		memset(space, 0x11, 64);
		nebula_bump_init(&exact, space, len);
		KUNIT_EXPECT_NULL(test, nebula_bump_strdup(&exact, text));
		KUNIT_EXPECT_NULL(test, nebula_bump_asprintf(&exact, "%s", text));
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_memdup(&exact, text, len, 1));
		KUNIT_EXPECT_EQ(test, space[len], 0x11);
	}
	nebula_bump_destroy(b);
}

static bool all_zero(const u8 *p, size_t size)
{
	return !memchr_inv(p, 0, size);
}

static void bump_zero(struct kunit *test)
{
	struct nebula_bump *b =
		nebula_bump_create("test", .capacity = PAGE_SIZE, .flags = NEBULA_ZERO);
	struct nebula_bump *plain = bump_of_pages(test, 1);
	unsigned int round;
	u8 *p;

	ASSERT_BUMP(test, b);
	for (round = 0; round < 3; round++) {
		p = nebula_bump_alloc(b, 64, 8);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_TRUE(test, all_zero(p, 64));
		memset(p, 0xff, 64);
		p = nebula_bump_realloc(b, p, 64, 128, 8);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_TRUE(test, all_zero(p + 64, 64));
		memset(p, 0xff, 128);
		nebula_bump_reset(b);

		p = nebula_bump_zalloc(plain, 64, 8);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_TRUE(test, all_zero(p, 64));
		memset(p, 0xff, 64);
		nebula_bump_reset(plain);
	}
	KUNIT_EXPECT_PTR_EQ(test, nebula_bump_zalloc(plain, 0, 8), ZERO_SIZE_PTR);
	nebula_bump_destroy(plain);
	nebula_bump_destroy(b);
}

static void bump_statistics_are_exact(struct kunit *test)
{
	struct nebula_bump *b = bump_of_pages(test, 1);
	struct nebula_checkpoint cp;
	struct nebula_stats st;

	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));	/* 0..64 */
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 3, 1));	/* 64..67 */
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 16, 32));	/* 96..112, 29 of padding */
	cp = nebula_bump_checkpoint(b);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 100, 4));	/* 112..212 */
	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, PAGE_SIZE, 1));
	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, 1, 3));
	nebula_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, 4ULL);
	KUNIT_EXPECT_EQ(test, st.live, 4ULL);
	KUNIT_EXPECT_EQ(test, st.used, 212ULL);
	KUNIT_EXPECT_EQ(test, st.peak, 212ULL);
	KUNIT_EXPECT_EQ(test, st.padding, 29ULL);
	KUNIT_EXPECT_EQ(test, st.bytes_in, 183ULL);
	KUNIT_EXPECT_EQ(test, st.bytes_out, 0ULL);
	KUNIT_EXPECT_EQ(test, st.failed, 2ULL);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_OUT_OF_MEMORY], 1ULL);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_INVALID_ALIGNMENT], 1ULL);
	KUNIT_EXPECT_EQ(test, st.utilisation, 212U * 1000 / (unsigned int)PAGE_SIZE);

	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
	nebula_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.frees, 1ULL);
	KUNIT_EXPECT_EQ(test, st.live, 3ULL);
	KUNIT_EXPECT_EQ(test, st.used, 112ULL);
	KUNIT_EXPECT_EQ(test, st.peak, 212ULL);

	nebula_bump_reset(b);
	nebula_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.frees, 4ULL);
	KUNIT_EXPECT_EQ(test, st.live, 0ULL);
	KUNIT_EXPECT_EQ(test, st.used, 0ULL);
	KUNIT_EXPECT_EQ(test, st.resets, 1ULL);
	KUNIT_EXPECT_EQ(test, st.bytes_in, 183ULL);
	nebula_bump_destroy(b);
}

/* The peak is exact whatever sizes led to it, and however the memory was given back. */
static void bump_peak_is_exact(struct kunit *test)
{
	struct nebula_bump *b = bump_of_pages(test, 1);
	size_t peak = 0;
	unsigned int i;

	for (i = 0; i < 2000; i++) {
		struct nebula_checkpoint cp = nebula_bump_checkpoint(b);
		size_t size = 1 + fixture_random(test, 300);

		if (nebula_bump_alloc(b, size, 1))
			peak = max(peak, nebula_bump_used(b));
		KUNIT_ASSERT_EQ(test, nebula_bump_peak(b), peak);
		if (fixture_random(test, 3) == 0)
			KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, cp), 0);
		if (fixture_random(test, 9) == 0)
			nebula_bump_reset(b);
		KUNIT_ASSERT_EQ(test, nebula_bump_peak(b), peak);
	}
	nebula_bump_destroy(b);
}

/* Also when it rises by less than a grain. */
static void bump_peak_rises_byte_by_byte(struct kunit *test)
{
	struct nebula_bump *b = bump_of_pages(test, 1);
	struct nebula_checkpoint cp = nebula_bump_checkpoint(b);
	size_t size;

	for (size = 1; size < 100; size++) {
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, size, 1));
		KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, cp), 0);
		KUNIT_ASSERT_EQ(test, nebula_bump_peak(b), size);
	}
	for (; size < 200; size++) {
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, size, 1));
		nebula_bump_reset(b);
		KUNIT_ASSERT_EQ(test, nebula_bump_peak(b), size);
	}
	nebula_bump_destroy(b);
}

static void bump_on_a_buffer(struct kunit *test)
{
	u8 buffer[64];
	struct nebula_bump b;
	struct nebula_checkpoint cp;

	nebula_bump_init(&b, buffer, sizeof(buffer));
	KUNIT_EXPECT_EQ(test, nebula_bump_capacity(&b), sizeof(buffer));
	cp = nebula_bump_checkpoint(&b);
	KUNIT_EXPECT_PTR_EQ(test, nebula_bump_alloc(&b, 64, 1), (void *)buffer);
	KUNIT_EXPECT_TRUE(test, nebula_bump_owns(&b, buffer));
	KUNIT_EXPECT_FALSE(test, nebula_bump_owns(&b, buffer + 64));
	/* It is not one that destroy may take down. */
	nebula_bump_destroy(&b);
	EXPECT_ERROR(test, &b, NEBULA_E_INVALID_STATE);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(&b, cp), 0);

	nebula_bump_exit(&b);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(&b, 1, 1));
	KUNIT_EXPECT_FALSE(test, nebula_bump_owns(&b, buffer));
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(&b, cp), -ESTALE);

	/* A checkpoint does not survive into the next life of the same memory. */
	nebula_bump_init(&b, buffer, sizeof(buffer));
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(&b, cp), -ESTALE);
	EXPECT_ERROR(test, &b, NEBULA_E_STALE_CHECKPOINT);
}

static void bump_on_no_buffer(struct kunit *test)
{
	u8 buffer[8];
	struct nebula_bump b;

	nebula_bump_init(&b, NULL, 100);
	EXPECT_ERROR(test, &b, NEBULA_E_INVALID_CONFIG);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(&b, 8, 8));
	nebula_bump_init(&b, buffer, 0);
	EXPECT_ERROR(test, &b, NEBULA_E_INVALID_CONFIG);
	nebula_bump_init(&b, buffer, SIZE_MAX);
	EXPECT_ERROR(test, &b, NEBULA_E_INVALID_CONFIG);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(&b, 8, 8));
	nebula_bump_reset(&b);
	KUNIT_EXPECT_EQ(test, nebula_bump_capacity(&b), (size_t)0);
}

/* The largest capacity is no number of whole pages. */
static void bump_create_at_the_maximum(struct kunit *test)
{
	size_t capacity = NEBULA_CAPACITY_MAX;
	struct nebula_error err;
	struct nebula_bump *b;

	fixture_listen(test);
	OPTIMIZER_HIDE_VAR(capacity);
	b = nebula_bump_create("large", .capacity = capacity);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(b), -EOVERFLOW);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_SIZE_OVERFLOW, &err), 1U);
	KUNIT_EXPECT_STREQ(test, err.what, ".capacity");
	KUNIT_EXPECT_EQ(test, err.size, capacity);
}

/* The compiler must not take what is returned for memory that nothing else points to. */
static void bump_address_is_that_in_the_buffer(struct kunit *test)
{
	static u8 buffer[64] __aligned(8);
	struct nebula_bump b;

	nebula_bump_init(&b, buffer, sizeof(buffer));
	KUNIT_EXPECT_TRUE(test, nebula_bump_alloc(&b, 16, 8) == (void *)buffer);
	nebula_bump_reset(&b);
	KUNIT_EXPECT_TRUE(test, (u8 *)nebula_bump_strdup(&b, "text") == buffer);
}

static void bump_destroy_of_nothing(struct kunit *test)
{
	struct nebula_bump *b = bump_of_pages(test, 1);

	nebula_bump_destroy(NULL);
	nebula_bump_destroy(ERR_PTR(-ENOMEM));
	/* exit is for those on a buffer. */
	nebula_bump_exit(b);
	EXPECT_ERROR(test, b, NEBULA_E_INVALID_STATE);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 8, 8));
	nebula_bump_destroy(b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(bump_alignments_and_sizes),
	KUNIT_CASE(bump_exact_fit_and_one_over),
	KUNIT_CASE(bump_fills_to_the_last_object),
	KUNIT_CASE(bump_sizes_that_overflow),
	KUNIT_CASE(bump_alignments_that_are_none),
	KUNIT_CASE(bump_objects_do_not_overlap),
	KUNIT_CASE(bump_inline_agrees_with_outline),
	KUNIT_CASE(bump_small_objects_lie_side_by_side),
	KUNIT_CASE(bump_realloc),
	KUNIT_CASE(bump_realloc_of_a_wrong_size),
	KUNIT_CASE(bump_copies_and_text),
	KUNIT_CASE(bump_copies_take_their_size),
	KUNIT_CASE(bump_zero),
	KUNIT_CASE(bump_statistics_are_exact),
	KUNIT_CASE(bump_peak_is_exact),
	KUNIT_CASE(bump_peak_rises_byte_by_byte),
	KUNIT_CASE(bump_on_a_buffer),
	KUNIT_CASE(bump_on_no_buffer),
	KUNIT_CASE(bump_create_at_the_maximum),
	KUNIT_CASE(bump_address_is_that_in_the_buffer),
	KUNIT_CASE(bump_destroy_of_nothing),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_bump",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
