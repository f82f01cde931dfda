// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors that repeat: equal ones are folded, a flood of refusals is sampled, all are counted, and
 * an allocator still tells why it refused last.
 */
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../../module/error/error.h"
#include "../fixture.h"

/* Refusals of an allocator that are recorded in full in a second, see record.c. */
#define FULL_RECORDS	32U

static struct nebula_bump *bump_create(struct kunit *test, const char *name)
{
	struct nebula_bump *b = nebula_bump_create(name, .capacity = SZ_4K);

	ASSERT_BUMP(test, b);
	return b;
}

static struct nebula_error_counts counts_since(const struct nebula_error_counts *before)
{
	struct nebula_error_counts c;

	nebula_error_counts(&c);
	c.recorded -= before->recorded;
	c.repeated -= before->repeated;
	return c;
}

/* @n refusals that are equal, but for what time it is. */
static void refuse(struct kunit *test, struct nebula_bump *b, unsigned int n)
{
	while (n--)
		KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
}

static unsigned int lines_with(const char *text, const char *words)
{
	unsigned int n = 0;

	while ((text = strstr(text, words))) {
		text += strlen(words);
		n++;
	}
	return n;
}

static void repeat_is_folded(struct kunit *test)
{
	struct nebula_bump *loud = bump_create(test, "loud"), *quiet = bump_create(test, "quiet");
	struct nebula_error_counts before, n;
	const char *text;
	struct nebula_error err;
	struct nebula_stats st;

	nebula_error_counts(&before);
	refuse(test, quiet, 1);
	refuse(test, loud, 394);
	n = counts_since(&before);
	KUNIT_EXPECT_EQ(test, n.recorded, 2ULL);
	KUNIT_EXPECT_EQ(test, n.repeated, 393ULL);
	nebula_stats_read(loud, &st);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_OUT_OF_MEMORY], 394ULL);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(loud, &err));
	KUNIT_EXPECT_EQ(test, err.repeated, 393ULL);
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_EQ(test, err.size, (size_t)SZ_1M);
	text = fixture_file(test, &loud->common, "errors");
	KUNIT_EXPECT_EQ(test, lines_with(text, "OUT_OF_MEMORY"), 1U);
	expect_in_text(test, text, "   repeated 393 times\n");
	text = fixture_file(test, &quiet->common, "errors");
	KUNIT_EXPECT_EQ(test, lines_with(text, "OUT_OF_MEMORY"), 1U);
	KUNIT_EXPECT_EQ(test, lines_with(text, "repeated"), 0U);
	nebula_bump_destroy(quiet);
	nebula_bump_destroy(loud);
}

/* Without an allocator, too: the same wrong configuration again and again. */
static void repeat_of_a_create_is_folded(struct kunit *test)
{
	struct nebula_error_counts before, n;
	unsigned int i;

	nebula_error_counts(&before);
	for (i = 0; i < 300; i++)
		KUNIT_ASSERT_TRUE(test, IS_ERR(nebula_bump_create("a/b", .capacity = SZ_4K)));
	n = counts_since(&before);
	KUNIT_EXPECT_EQ(test, n.recorded, 1ULL);
	KUNIT_EXPECT_EQ(test, n.repeated, 299ULL);
}

/* What differs in anything that a report shows, but for task, CPU and time, is another error. */
static void repeat_is_equal(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test, "differs");
	struct nebula_error_counts before, n;
	struct nebula_error err;
	unsigned int i;

	nebula_error_counts(&before);
	for (i = 0; i < FULL_RECORDS / 4; i++) {
		KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, SZ_1M + i, 8));
		KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, SZ_1M + i, 16));
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 8, 8));
		KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
		KUNIT_EXPECT_EQ(test, err.used, i * sizeof(u64));
		KUNIT_EXPECT_EQ(test, err.align, (size_t)16);
		KUNIT_EXPECT_FALSE(test, err.brief);
	}
	n = counts_since(&before);
	KUNIT_EXPECT_EQ(test, n.recorded, FULL_RECORDS / 2ULL);
	KUNIT_EXPECT_EQ(test, n.repeated, 0ULL);
	nebula_bump_destroy(b);
}

/* A flood fills neither ring nor log, and each refusal still says what it refused. */
static void repeat_in_a_flood_is_sampled(struct kunit *test)
{
	const unsigned long begin = jiffies;
	struct nebula_bump *b = bump_create(test, "flood");
	struct nebula_error_counts before, n;
	unsigned int i, seconds;
	struct nebula_error err;
	struct nebula_stats st;

	nebula_error_counts(&before);
	for (i = 0; i < 2000; i++) {
		KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, SZ_1M + i, 1UL << i % 12));
		KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
		KUNIT_ASSERT_EQ(test, err.code, NEBULA_E_OUT_OF_MEMORY);
		KUNIT_ASSERT_EQ(test, err.size, (size_t)SZ_1M + i);
		KUNIT_ASSERT_EQ(test, err.align, 1UL << i % 12);
		KUNIT_ASSERT_STREQ(test, err.name, "flood");
	}
	seconds = (jiffies - begin) / HZ + 1;
	KUNIT_EXPECT_TRUE(test, err.brief);
	n = counts_since(&before);
	KUNIT_EXPECT_EQ(test, n.recorded + n.repeated, 2000ULL);
	KUNIT_EXPECT_GE(test, n.recorded, FULL_RECORDS + 0ULL);
	KUNIT_EXPECT_LE(test, n.recorded, FULL_RECORDS * (seconds + 1ULL));
	nebula_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_OUT_OF_MEMORY], 2000ULL);
	nebula_bump_destroy(b);
}

/* Also where what the flood is of changes all the time, and nothing was recorded of it. */
static void repeat_in_a_flood_tells_the_code(struct kunit *test)
{
	static const enum nebula_errc codes[] = {
		NEBULA_E_OUT_OF_MEMORY, NEBULA_E_WRONG_CONTEXT, NEBULA_E_EXCEEDS_MAX,
		NEBULA_E_BACKING_FAILED,
	};
	struct nebula_bump *b = bump_create(test, "changing");
	struct nebula_error err;
	enum nebula_errc code;
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		code = codes[i % ARRAY_SIZE(codes)];
		nebula_fail(&b->common, code, .size = i, .detail = NEBULA_D_GROWTH);
		KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
		KUNIT_ASSERT_EQ(test, err.code, code);
		KUNIT_ASSERT_EQ(test, err.size, (size_t)i);
		KUNIT_ASSERT_EQ(test, err.align, (size_t)0);
		KUNIT_ASSERT_EQ(test, err.capacity, (size_t)SZ_4K);
		KUNIT_ASSERT_EQ(test, err.id, b->common.reg->id);
	}
	KUNIT_EXPECT_TRUE(test, err.brief);
	KUNIT_EXPECT_EQ(test, err.detail, NEBULA_D_GROWTH);
	/* The next one of its kind is recorded at once, and is the newest. */
	nebula_fail(&b->common, NEBULA_E_DOUBLE_FREE, .size = 7);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_DOUBLE_FREE);
	KUNIT_EXPECT_FALSE(test, err.brief);
	nebula_bump_destroy(b);
}

/* A bug of the caller is recorded each time, however many come. */
static void repeat_of_a_bug_is_recorded(struct kunit *test)
{
	static const enum nebula_errc codes[] = {
		NEBULA_E_DOUBLE_FREE, NEBULA_E_CORRUPTION, NEBULA_E_USE_AFTER_FREE,
		NEBULA_E_FOREIGN_POINTER, NEBULA_E_INVALID_LAYOUT,
	};
	struct nebula_bump *b = bump_create(test, "bugs");
	struct nebula_error_counts before, n;
	unsigned int i;

	nebula_error_counts(&before);
	for (i = 0; i < 200; i++)
		nebula_fail(&b->common, codes[i % ARRAY_SIZE(codes)], .size = i + 1);
	n = counts_since(&before);
	KUNIT_EXPECT_EQ(test, n.recorded, 200ULL);
	KUNIT_EXPECT_EQ(test, n.repeated, 0ULL);
	nebula_bump_destroy(b);
}

/* After a clear the same error shows again, rather than as a repeat of what was cleared. */
static void repeat_shows_after_a_clear(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test, "cleared");
	const char *text;

	refuse(test, b, 100);
	nebula_errors_clear();
	text = fixture_file(test, &b->common, "errors");
	KUNIT_EXPECT_EQ(test, lines_with(text, "OUT_OF_MEMORY"), 0U);
	refuse(test, b, 3);
	text = fixture_file(test, &b->common, "errors");
	KUNIT_EXPECT_EQ(test, lines_with(text, "OUT_OF_MEMORY"), 1U);
	expect_in_text(test, text, "   repeated 2 times\n");
	nebula_bump_destroy(b);
}

/* The file has what happened to this instance: not to an earlier one of the name. */
static void errors_are_of_the_instance(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test, "namesake");
	const char *text;

	refuse(test, b, 1);
	text = fixture_file(test, &b->common, "errors");
	KUNIT_EXPECT_EQ(test, lines_with(text, "OUT_OF_MEMORY"), 1U);
	nebula_bump_destroy(b);
	b = bump_create(test, "namesake");
	text = fixture_file(test, &b->common, "errors");
	KUNIT_EXPECT_STREQ(test, text, "# nebula errors v1\n");
	/* It was never made. */
	KUNIT_EXPECT_TRUE(test, IS_ERR(nebula_bump_create("namesake", .capacity = SZ_4K,
							  .gfp = __GFP_HIGHMEM)));
	text = fixture_file(test, &b->common, "errors");
	KUNIT_EXPECT_STREQ(test, text, "# nebula errors v1\n");
	nebula_bump_destroy(b);
}

/* And it has the newest one even when others have filled the ring since. */
static void errors_outlive_the_ring(struct kunit *test)
{
	struct nebula_bump *quiet = bump_create(test, "quiet"), *loud = bump_create(test, "loud");
	const char *text;
	unsigned int i;

	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(quiet, 5000, 1));
	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(quiet, 5001, 1));
	for (i = 0; i < 600; i++)
		nebula_fail(&loud->common, NEBULA_E_FOREIGN_POINTER, .size = i);
	text = fixture_file(test, &quiet->common, "errors");
	KUNIT_EXPECT_EQ(test, lines_with(text, "OUT_OF_MEMORY"), 1U);
	expect_in_text(test, text, "requested: 4.88 KiB");
	KUNIT_EXPECT_EQ(test, lines_with(text, "FOREIGN_POINTER"), 0U);
	nebula_errors_clear();
	text = fixture_file(test, &quiet->common, "errors");
	KUNIT_EXPECT_STREQ(test, text, "# nebula errors v1\n");
	nebula_bump_destroy(loud);
	nebula_bump_destroy(quiet);
}

static void set_comm(char *to, const char *comm)
{
	task_lock(current);
	strscpy_pad(to, comm, TASK_COMM_LEN);
	task_unlock(current);
}

/* A task may be called anything. No line of a report or a file is its own. */
static void errors_escape_task_names(struct kunit *test)
{
	struct nebula_bump *b;
	char saved[TASK_COMM_LEN];
	struct nebula_error err;
	char *report = kunit_kzalloc(test, NEBULA_REPORT_SIZE, GFP_KERNEL);
	const char *info, *errors;

	KUNIT_ASSERT_NOT_NULL(test, report);
	strscpy(saved, current->comm, sizeof(saved));
	set_comm(current->comm, "a\nb: OK\x1b\xe9");
	b = nebula_bump_create("escaped", .capacity = SZ_4K);
	if (!IS_ERR(b))
		KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
	set_comm(current->comm, saved);
	ASSERT_BUMP(test, b);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	nebula_error_snprint(report, NEBULA_REPORT_SIZE, &err);
	expect_in_text(test, report, " in a\\nb: OK\\x1b\\xe9[");
	KUNIT_EXPECT_NULL(test, strstr(report, "\nb: OK"));
	errors = fixture_file(test, &b->common, "errors");
	expect_in_text(test, errors, " in a\\nb: OK\\x1b\\xe9[");
	info = fixture_file(test, &b->common, "info");
	expect_in_text(test, info, "a\\nb: OK\\x1b\\xe9[");
	KUNIT_EXPECT_NULL(test, strstr(info, "\nb: OK"));
	nebula_bump_destroy(b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(repeat_is_folded),
	KUNIT_CASE(repeat_of_a_create_is_folded),
	KUNIT_CASE(repeat_is_equal),
	KUNIT_CASE(repeat_in_a_flood_is_sampled),
	KUNIT_CASE(repeat_in_a_flood_tells_the_code),
	KUNIT_CASE(repeat_of_a_bug_is_recorded),
	KUNIT_CASE(repeat_shows_after_a_clear),
	KUNIT_CASE(errors_are_of_the_instance),
	KUNIT_CASE(errors_outlive_the_ring),
	KUNIT_CASE(errors_escape_task_names),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_repeat",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
