// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory operations: alignments as constants and not, and copies, fills and comparisons of all
 * lengths and alignments, against byte by byte.
 */
#include <linux/irqflags.h>
#include <linux/slab.h>
#include "../fixture.h"

static_assert(nebula_align_up(5, 8) == 8 && nebula_align_up(8, 8) == 8);
static_assert(nebula_align_down(15, 8) == 8 && nebula_align_down(7, 8) == 0);
static_assert(nebula_is_aligned(64, 16) && !nebula_is_aligned(65, 16));
static_assert(nebula_padding(5, 8) == 3 && nebula_padding(8, 8) == 0 && nebula_padding(0, 4) == 0);

static void memops_align(struct kunit *test)
{
	unsigned long x, a;

	for (a = 1; a <= 64; a *= 2) {
		for (x = 0; x < 200; x++) {
			OPTIMIZER_HIDE_VAR(a);
			KUNIT_EXPECT_EQ(test, nebula_align_up(x, a), (x + a - 1) / a * a);
			KUNIT_EXPECT_EQ(test, nebula_align_down(x, a), x / a * a);
			KUNIT_EXPECT_EQ(test, nebula_is_aligned(x, a), x % a == 0);
			KUNIT_EXPECT_EQ(test, nebula_padding(x, a), (a - x % a) % a);
		}
	}
}

static void memops_max(struct kunit *test)
{
	atomic_long_t v = ATOMIC_LONG_INIT(-5);

	nebula_atomic_max(&v, -6);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&v), -5L);
	nebula_atomic_max(&v, 7);
	nebula_atomic_max(&v, 7);
	nebula_atomic_max(&v, 3);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&v), 7L);
}

#define ROOM	SZ_1K
#define LARGE	(3 * SZ_64K + 77)

/* All that is not a part of it stays as it is. */
static bool only(const u8 *p, size_t at, size_t n, size_t room, u8 c)
{
	size_t i;

	for (i = 0; i < room; i++)
		if ((i < at || i >= at + n) && p[i] != c)
			return false;
	return true;
}

static void expect_copied(struct kunit *test, void *(*copy)(void *to, const void *from, size_t n),
			  u8 *to, u8 *from, size_t room)
{
	const size_t at = fixture_random(test, 40), behind = fixture_random(test, 40);
	const size_t n = fixture_random(test, room - 80);

	memset(to, 0xa5, room);
	fixture_stamp(from, room, n);
	KUNIT_EXPECT_PTR_EQ(test, copy(to + at, from + behind, n), (void *)to + at);
	KUNIT_EXPECT_EQ(test, memcmp(to + at, from + behind, n), 0);
	KUNIT_EXPECT_TRUE(test, only(to, at, n, room, 0xa5));
}

static void memops_copy(struct kunit *test)
{
	u8 *to = kvmalloc(LARGE, GFP_KERNEL), *from = kvmalloc(LARGE, GFP_KERNEL);
	unsigned long flags;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, to);
	KUNIT_ASSERT_NOT_NULL(test, from);
	for (i = 0; i < 500; i++) {
		const size_t room = i % 50 ? ROOM : LARGE;

		expect_copied(test, nebula_copy_wide, to, from, room);
		expect_copied(test, nebula_copy_nt, to, from, room);
	}
	/* Where vectors may not be used, too. */
	local_irq_save(flags);
	expect_copied(test, nebula_copy_wide, to, from, ROOM);
	local_irq_restore(flags);
	fixture_stamp(from, LARGE, 1);
	nebula_copy(to, from, LARGE);
	KUNIT_EXPECT_EQ(test, memcmp(to, from, LARGE), 0);
	kvfree(to);
	kvfree(from);
}

static void memops_fill(struct kunit *test)
{
	u8 *to = kunit_kmalloc(test, ROOM, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, to);
	for (i = 0; i < 500; i++) {
		const size_t at = fixture_random(test, 40), n = fixture_random(test, ROOM - 80);

		memset(to, 0xa5, ROOM);
		KUNIT_EXPECT_PTR_EQ(test, nebula_fill_wide(to + at, i, n), (void *)to + at);
		KUNIT_EXPECT_NULL(test, memchr_inv(to + at, (u8)i, n));
		KUNIT_EXPECT_TRUE(test, only(to, at, n, ROOM, 0xa5));
	}
	nebula_fill(to, 3, ROOM);
	KUNIT_EXPECT_NULL(test, memchr_inv(to, 3, ROOM));
}

/* The first difference decides, wherever it is. */
static void memops_compare(struct kunit *test)
{
	u8 *a = kunit_kmalloc(test, ROOM, GFP_KERNEL), *b = kunit_kmalloc(test, ROOM, GFP_KERNEL);
	size_t n, at;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, b);
	for (i = 0; i < 1000; i++) {
		n = 1 + fixture_random(test, ROOM - 1);
		at = fixture_random(test, n);
		fixture_stamp(a, ROOM, i);
		memcpy(b, a, ROOM);
		KUNIT_EXPECT_EQ(test, nebula_compare_wide(a, b, n), 0);
		b[at] ^= 0x80;
		KUNIT_EXPECT_EQ(test, nebula_compare_wide(a, b, n) < 0, a[at] < b[at]);
		KUNIT_EXPECT_EQ(test, nebula_compare_wide(a, b, n) > 0, a[at] > b[at]);
		KUNIT_EXPECT_EQ(test, nebula_compare_wide(a, b, at), 0);
		KUNIT_EXPECT_EQ(test, nebula_compare(a, b, n) < 0, a[at] < b[at]);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(memops_align),
	KUNIT_CASE(memops_max),
	KUNIT_CASE(memops_copy),
	KUNIT_CASE(memops_fill),
	KUNIT_CASE(memops_compare),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_memops",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
