// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory operations: alignments as constants and not, and copies, fills and comparisons of all
 * lengths and alignments with all registers that this CPU has, against byte by byte; in all
 * contexts, too. User Mode Linux runs on the machine's own CPU, so it has AVX-512 where that does.
 */
#include <linux/irqflags.h>
#include <linux/slab.h>
#include "../../module/core/memops.h"
#include "../contexts.h"
#include "../files.h"
#include "../fixture.h"

#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)
#include <asm/fpu/api.h>
#endif

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

/* The registers after @v that this CPU has; NULL, which is none of them, after the last. */
static const struct nebula_vectors *next_vectors(const struct nebula_vectors *v)
{
	do {
		v = v ? v + 1 : nebula_vectors;
	} while (v->name && !v->present());
	return v->name ? v : NULL;
}

/* All that is not a part of it stays as it is. */
static bool only(const u8 *p, size_t at, size_t n, size_t room, u8 c)
{
	size_t i;

	for (i = 0; i < room; i++)
		if ((i < at || i >= at + n) && p[i] != c)
			return false;
	return true;
}

static void expect_copied(struct kunit *test, const struct nebula_vectors *v, u8 *to, u8 *from,
			  size_t room)
{
	const size_t at = fixture_random(test, 70), behind = fixture_random(test, 70);
	const size_t n = fixture_random(test, room - 140);

	memset(to, 0xa5, room);
	fixture_stamp(from, room, n);
	KUNIT_EXPECT_PTR_EQ(test, nebula_copy_with(v, to + at, from + behind, n), (void *)to + at);
	KUNIT_EXPECT_EQ(test, memcmp(to + at, from + behind, n), 0);
	KUNIT_EXPECT_TRUE(test, only(to, at, n, room, 0xa5));
	memset(to, 0x5a, room);
	KUNIT_EXPECT_PTR_EQ(test, nebula_copy_nt(to + at, from + behind, n), (void *)to + at);
	KUNIT_EXPECT_EQ(test, memcmp(to + at, from + behind, n), 0);
	KUNIT_EXPECT_TRUE(test, only(to, at, n, room, 0x5a));
}

static void expect_copies(struct kunit *test, const struct nebula_vectors *v)
{
	u8 *to = kvmalloc(LARGE, GFP_KERNEL), *from = kvmalloc(LARGE, GFP_KERNEL);
	unsigned long flags;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, to);
	KUNIT_ASSERT_NOT_NULL(test, from);
	for (i = 0; i < 300; i++)
		expect_copied(test, v, to, from, i % 50 ? ROOM : LARGE);
	local_irq_save(flags);
	expect_copied(test, v, to, from, ROOM);
	local_irq_restore(flags);
	kvfree(to);
	kvfree(from);
}

static void memops_copy(struct kunit *test)
{
	const struct nebula_vectors *v = NULL;

	do {
		expect_copies(test, v);
		v = next_vectors(v);
		kunit_info(test, "%s\n", v ? v->name : "no more vectors");
	} while (v);
}

static void expect_filled(struct kunit *test, const struct nebula_vectors *v, u8 *to, u8 c)
{
	const size_t at = fixture_random(test, 70), n = fixture_random(test, ROOM - 70);

	memset(to, ~c, ROOM);
	KUNIT_EXPECT_PTR_EQ(test, nebula_fill_with(v, to + at, c | 0x300, n), (void *)to + at);
	KUNIT_EXPECT_NULL(test, memchr_inv(to + at, c, n));
	KUNIT_EXPECT_TRUE(test, only(to, at, n, ROOM, ~c));
}

static void memops_fill(struct kunit *test)
{
	const struct nebula_vectors *v = NULL;
	u8 *to = kunit_kmalloc(test, ROOM, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, to);
	do {
		for (i = 0; i < 500; i++)
			expect_filled(test, v, to, i);
		v = next_vectors(v);
	} while (v);
}

/* The first difference decides, wherever it is; what comes after it does not. */
static void expect_compared(struct kunit *test, const struct nebula_vectors *v, u8 *a, u8 *b,
			    size_t n)
{
	const size_t at = fixture_random(test, n);

	memcpy(b, a, n);
	KUNIT_EXPECT_EQ(test, nebula_compare_with(v, a, b, n), 0);
	b[at] ^= 1 << fixture_random(test, 8);
	b[n - 1] ^= at == n - 1 ? 0 : 0xff;
	KUNIT_EXPECT_EQ(test, nebula_compare_with(v, a, b, n) < 0, a[at] < b[at]);
	KUNIT_EXPECT_EQ(test, nebula_compare_with(v, a, b, n) > 0, a[at] > b[at]);
	KUNIT_EXPECT_EQ(test, nebula_compare_with(v, a, b, at), 0);
}

static void memops_compare(struct kunit *test)
{
	u8 *a = kunit_kmalloc(test, ROOM, GFP_KERNEL), *b = kunit_kmalloc(test, ROOM, GFP_KERNEL);
	const struct nebula_vectors *v = NULL;
	unsigned int i, offset;

	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, b);
	fixture_stamp(a, ROOM, 7);
	do {
		for (i = 0; i < 1000; i++) {
			offset = fixture_random(test, 70);
			expect_compared(test, v, a + offset, b + i % 70,
					1 + fixture_random(test, ROOM - 71));
		}
		v = next_vectors(v);
	} while (v);
}

/* What a client calls, whatever was found to be worth it here. */
static void memops_chosen(struct kunit *test)
{
	u8 *a = kvmalloc(LARGE, GFP_KERNEL), *b = kvmalloc(LARGE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, b);
	fixture_stamp(a, LARGE, 1);
	nebula_copy(b, a, LARGE);
	KUNIT_EXPECT_EQ(test, nebula_compare(a, b, LARGE), 0);
	b[LARGE - 1] ^= 1;
	KUNIT_EXPECT_NE(test, nebula_compare(a, b, LARGE), 0);
	nebula_fill(b, 3, LARGE);
	KUNIT_EXPECT_NULL(test, memchr_inv(b, 3, LARGE));
	kvfree(a);
	kvfree(b);
}

/**
 * struct race - times of vectors and of the kernel's function at all lengths
 * @wide: with vectors.
 * @plain: the kernel's.
 * @from: the threshold.
 */
struct race {
	u64 wide[NEBULA_MEMOPS_LENGTHS];
	u64 plain[NEBULA_MEMOPS_LENGTHS];
	size_t from;
};

static const struct race races[] = {
	{ { 7, 7, 7, 7, 7, 7, 7, 7, 7 }, { 8, 8, 8, 8, 8, 8, 8, 8, 8 }, SZ_256 },
	{ { 8, 7, 7, 7, 7, 7, 7, 7, 7 }, { 8, 8, 8, 8, 8, 8, 8, 8, 8 }, SZ_512 },
	{ { 9, 9, 9, 9, 9, 9, 9, 9, 7 }, { 8, 8, 8, 8, 8, 8, 8, 8, 8 }, SZ_64K },
	/* No better than a little, or not at the longest: never. */
	{ { 8, 8, 8, 8, 8, 8, 8, 8, 8 }, { 9, 9, 9, 9, 9, 9, 9, 9, 9 }, SIZE_MAX },
	{ { 1, 1, 1, 1, 1, 1, 1, 1, 8 }, { 8, 8, 8, 8, 8, 8, 8, 8, 8 }, SIZE_MAX },
	/* A length at which they lose divides those that count from those that do not. */
	{ { 1, 1, 1, 1, 9, 1, 1, 1, 1 }, { 8, 8, 8, 8, 8, 8, 8, 8, 8 }, SZ_8K },
};

static void memops_threshold(struct kunit *test)
{
	const struct race *r;

	for (r = races; r < races + ARRAY_SIZE(races); r++)
		KUNIT_EXPECT_EQ(test, nebula_memops_threshold(r->wide, r->plain), r->from);
}

/* What was found is told; where vectors are not worth it, that is. */
static void memops_told(struct kunit *test)
{
	const char *text = files_text(test, NULL, "info");
	const bool never = nebula_memops.copy_from == SIZE_MAX;

	EXPECT_TEXT(test, text, never ? "\ncopy from: never" : "\ncopy from: ");
	KUNIT_EXPECT_EQ(test, !strstr(text, "\ncopy from: never"), !never);
	EXPECT_TEXT(test, text, "\nfill from: ");
	EXPECT_TEXT(test, text, "\ncompare from: ");
	EXPECT_TEXT(test, text, "\nvector price: ");
	KUNIT_EXPECT_GE(test, nebula_memops.copy_from, (size_t)NEBULA_MEMOPS_LEAST);
}

/* Inside of a section of another there can be none: the kernel would warn. */
static void memops_in_a_section(struct kunit *test)
{
#if defined(CONFIG_X86_64) && !defined(CONFIG_UML)
	u8 *to = kunit_kmalloc(test, ROOM, GFP_KERNEL);
	u8 *from = kunit_kmalloc(test, ROOM, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, to);
	KUNIT_ASSERT_NOT_NULL(test, from);
	kernel_fpu_begin();
	expect_copied(test, next_vectors(NULL), to, from, ROOM);
	kernel_fpu_end();
#else
	kunit_skip(test, "no registers whose sections the kernel knows of");
#endif
}

#define THREADS		4
#define TURNS		(IS_ENABLED(CONFIG_KASAN) ? 1000 : 3000)
#define PART		SZ_2K

/**
 * struct copyists - all contexts copy, each its own memory
 * @memory: two parts for each.
 * @turns: of each; what it copies is marked with that.
 * @wrong: copies that were not the same, or not as filled. Any context.
 */
struct copyists {
	u8 *memory;
	u32 *turns;
	atomic_t wrong;
};

/* With each width in turn: an operation on top of another one leaves its registers alone. */
static void copyist_turn(struct contexts *contexts, unsigned int who)
{
	struct copyists *all = contexts->data;
	u8 *from = all->memory + 2 * PART * who, *to = from + PART;
	const u32 turn = all->turns[who]++;
	const struct nebula_vectors *v = next_vectors(NULL);

	if (v && turn % 2 && next_vectors(v))
		v = next_vectors(v);
	nebula_fill_with(v, from, turn, PART);
	nebula_copy_with(v, to, from, PART);
	if (memchr_inv(to, (u8)turn, PART) || nebula_compare_with(v, from, to, PART))
		atomic_inc(&all->wrong);
}

static void memops_in_all_contexts(struct kunit *test)
{
	struct copyists *all = kunit_kzalloc(test, sizeof(*all), GFP_KERNEL);
	struct contexts *contexts = contexts_create(test, THREADS, copyist_turn, all);
	const unsigned int n = contexts_count(contexts);

	KUNIT_ASSERT_NOT_NULL(test, all);
	all->memory = kunit_kcalloc(test, n, 2 * PART, GFP_KERNEL);
	all->turns = kunit_kcalloc(test, n, sizeof(*all->turns), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, all->memory);
	KUNIT_ASSERT_NOT_NULL(test, all->turns);
	contexts_run(test, contexts, TURNS);
	KUNIT_EXPECT_EQ(test, atomic_read(&all->wrong), 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(memops_align),
	KUNIT_CASE(memops_max),
	KUNIT_CASE(memops_copy),
	KUNIT_CASE(memops_fill),
	KUNIT_CASE(memops_compare),
	KUNIT_CASE(memops_chosen),
	KUNIT_CASE(memops_threshold),
	KUNIT_CASE(memops_told),
	KUNIT_CASE(memops_in_a_section),
	KUNIT_CASE(memops_in_all_contexts),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_memops",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
