// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failures on purpose: whatever is named fails when it is asked to, nothing else does, and
 * afterwards all is as before.
 */
#include <linux/err.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/string.h>
#include "../../module/core/inject.h"
#include "../files.h"
#include "../nmis.h"
#include "../subjects.h"

#define NAME_63	"0123456789012345678901234567890123456789012345678901234567890ab"

/* As many as there are. */
#define ALWAYS	(-1)

/* The knobs as the test found them, and no names: however it ends. */
static void restore(void *knobs)
{
	nebula_fail_alloc_exchange(knobs);
	nebula_fail_alloc_set_names("");
}

static void set_knobs(u32 probability, int times)
{
	struct nebula_fail_knobs knobs = { .probability = probability, .times = times };

	nebula_fail_alloc_exchange(&knobs);
}

static void begin(struct kunit *test)
{
	struct nebula_fail_knobs *before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, before);
	nebula_fail_alloc_exchange(before);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, restore, before), 0);
}

static void set_names(struct kunit *test, const char *names)
{
	KUNIT_ASSERT_EQ(test, nebula_fail_alloc_set_names(names), 0);
}

/* Names */

static void expect_names(struct kunit *test, const char *names)
{
	const char *text = files_text(test, NULL, "fail_alloc/names");
	char *expected = kunit_kzalloc(test, 300, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, expected);
	snprintf(expected, 300, "# nebula names v1\n%s\n", names);
	KUNIT_EXPECT_STREQ(test, text, expected);
}

static void fail_alloc_names(struct kunit *test)
{
	static const char *const valid[] = {
		"", "conn", "conn,parser", "*", "c?nn*", "a,b,c,d.e_f-g",
		NAME_63 "," NAME_63 "," NAME_63 "," NAME_63,
	};
	unsigned int i;

	begin(test);
	for (i = 0; i < ARRAY_SIZE(valid); i++) {
		KUNIT_EXPECT_EQ_MSG(test, nebula_fail_alloc_set_names(valid[i]), 0, "'%s'",
				    valid[i]);
		expect_names(test, valid[i]);
	}
}

/* What is refused changes nothing. */
static void fail_alloc_names_that_are_none(struct kunit *test)
{
	static const char *const invalid[] = {
		",", ",conn", "conn,", "a,,b", "a b", " conn", "conn\n", "a/b", "a;b", "[a]",
		"x\x80", NAME_63 "x", NAME_63 "," NAME_63 "," NAME_63 "," NAME_63 ",a",
	};
	unsigned int i;

	begin(test);
	set_names(test, "parser");
	for (i = 0; i < ARRAY_SIZE(invalid); i++)
		KUNIT_EXPECT_EQ_MSG(test, nebula_fail_alloc_set_names(invalid[i]), -EINVAL, "'%s'",
				    invalid[i]);
	expect_names(test, "parser");
}

/* Allocations */

static enum nebula_errc expected_code(const struct subject *s)
{
	return s->block ? NEBULA_E_POOL_EXHAUSTED : NEBULA_E_OUT_OF_MEMORY;
}

static bool serves(const struct subject *s, struct nebula_allocator *a)
{
	void *p;

	preempt_disable();
	p = nebula_alloc(a, 64, 8);
	nebula_free_sized(a, p, 64);
	preempt_enable();
	return p;
}

static void expect_failure(struct kunit *test, const struct subject *s,
			   const struct nebula_allocator *a)
{
	struct nebula_error err = { };

	KUNIT_EXPECT_TRUE_MSG(test, nebula_last_error(a, &err), "%s", s->name);
	KUNIT_EXPECT_STREQ(test, nebula_errc_name(err.code), nebula_errc_name(expected_code(s)));
	KUNIT_EXPECT_EQ_MSG(test, err.detail, NEBULA_D_INJECTED, "%s", s->name);
	KUNIT_EXPECT_EQ_MSG(test, err.size, s->block ?: (size_t)64, "%s", s->name);
}

static u64 failed_of(const struct nebula_allocator *a)
{
	struct nebula_stats st;

	nebula_stats_read(a, &st);
	return st.failed;
}

static void expect_fails_by_name(struct kunit *test, const struct subject *s)
{
	struct nebula_allocator *a = subject_create(test, s);

	set_knobs(100, ALWAYS);
	KUNIT_EXPECT_TRUE_MSG(test, serves(s, a), "%s without names", s->name);
	set_names(test, "other,*-other");
	KUNIT_EXPECT_TRUE_MSG(test, serves(s, a), "%s of other names", s->name);
	KUNIT_EXPECT_EQ_MSG(test, failed_of(a), 0ULL, "%s", s->name);
	set_names(test, a->reg->name);
	KUNIT_EXPECT_FALSE_MSG(test, serves(s, a), "%s", s->name);
	KUNIT_EXPECT_FALSE_MSG(test, serves(s, a), "%s", s->name);
	expect_failure(test, s, a);
	KUNIT_EXPECT_EQ_MSG(test, failed_of(a), 2ULL, "%s", s->name);
	set_knobs(0, ALWAYS);
	KUNIT_EXPECT_TRUE_MSG(test, serves(s, a), "%s with nothing on", s->name);
	set_knobs(100, ALWAYS);
	set_names(test, "");
	KUNIT_EXPECT_TRUE_MSG(test, serves(s, a), "%s afterwards", s->name);
	KUNIT_EXPECT_EQ_MSG(test, failed_of(a), 2ULL, "%s", s->name);
	set_knobs(0, 0);
	s->destroy(a);
}

static void fail_alloc_by_name(struct kunit *test)
{
	unsigned int i;

	begin(test);
	for (i = 0; i < nr_subjects; i++)
		if (!subjects[i].parts)
			expect_fails_by_name(test, &subjects[i]);
}

/* One that is made while its name is there fails from the beginning; so do inline calls. */
static void fail_alloc_of_new_ones(struct kunit *test)
{
	struct nebula_bump *b;
	struct nebula_stack *s;
	struct nebula_pool *p;

	begin(test);
	set_names(test, "f-*");
	b = nebula_bump_create("f-bump", .capacity = SZ_4K);
	s = nebula_stack_create("f-stack", .capacity = SZ_4K);
	p = nebula_pool_create("f-pool", .block_size = 64, .blocks = 8);
	ASSERT_BUMP(test, b);
	ASSERT_STACK(test, s);
	ASSERT_POOL(test, p);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(s, 64, 8));
	set_knobs(100, ALWAYS);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, 64, 8));
	KUNIT_EXPECT_NULL(test, nebula_bump_zalloc(b, 64, 8));
	KUNIT_EXPECT_NULL(test, nebula_bump_strdup(b, "conn"));
	KUNIT_EXPECT_NULL(test, nebula_stack_alloc(s, 64, 8));
	KUNIT_EXPECT_NULL(test, nebula_pool_alloc(p));
	set_knobs(0, 0);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)128);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)64);
	set_names(test, "");
	expect_whole(test, p, 8);
	nebula_pool_destroy(p);
	nebula_stack_destroy(s);
	nebula_bump_destroy(b);
}

static void expect_path(struct kunit *test, const char *path)
{
	EXPECT_TEXT(test, files_text(test, "f-scratch", "info"), path);
}

/* Inline gets fail, too, and are inline again afterwards; the highest of both is the peak. */
static void fail_alloc_of_scratch(struct kunit *test)
{
	struct nebula_scratch *s = nebula_scratch_create("f-scratch", .per_cpu_size = SZ_4K);
	struct nebula_stats st;
	void *first, *second;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	begin(test);
	/* No other task uses this CPU's part. */
	migrate_disable();
	preempt_disable();
	first = nebula_scratch_get(s, 64, 8);
	preempt_enable();
	KUNIT_EXPECT_NOT_NULL(test, first);
	set_names(test, "f-*");
	expect_path(test, "\npath: out of line\n");
	set_knobs(100, ALWAYS);
	preempt_disable();
	second = nebula_scratch_get(s, 64, 8);
	preempt_enable();
	KUNIT_EXPECT_NULL(test, second);
	KUNIT_EXPECT_EQ(test, failed_of(&s->common), 1ULL);
	set_knobs(0, 0);
	preempt_disable();
	second = nebula_scratch_get(s, 128, 8);
	preempt_enable();
	KUNIT_EXPECT_NOT_NULL(test, second);
	preempt_disable();
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, second), 0);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, first), 0);
	preempt_enable();
	migrate_enable();
	set_names(test, "");
	expect_path(test, "\npath: inline\n");
	nebula_stats_read(s, &st);
	KUNIT_EXPECT_EQ(test, st.peak, 64ULL + 128 + 2 * sizeof(long));
	KUNIT_EXPECT_EQ(test, nebula_peak_reset(s), 0);
	nebula_stats_read(s, &st);
	KUNIT_EXPECT_EQ(test, st.peak, 0ULL);
	nebula_scratch_destroy(s);
}

/* All that hands out blocks: at once, put aside, after waiting. None is lost. */
static void fail_alloc_of_many_blocks(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("f-pool", .block_size = 64, .blocks = 8);
	struct nebula_reserve r = { };
	void *objs[4];

	ASSERT_POOL(test, p);
	begin(test);
	set_names(test, "f-pool");
	set_knobs(100, ALWAYS);
	KUNIT_EXPECT_FALSE(test, nebula_pool_alloc_bulk(p, 4, objs));
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_POOL_EXHAUSTED), 1ULL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(nebula_pool_alloc_wait(p, MAX_SCHEDULE_TIMEOUT)),
			(long)-ENOMEM);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_POOL_EXHAUSTED), 2ULL);
	KUNIT_EXPECT_EQ(test, nebula_pool_reserve(p, &r, 4), -ENOMEM);
	set_knobs(0, 0);
	set_names(test, "");
	expect_whole(test, p, 8);
	nebula_pool_destroy(p);
}

/* So many, and no more. */
static void fail_alloc_so_many_times(struct kunit *test)
{
	struct nebula_stack *s = nebula_stack_create("f-stack", .capacity = SZ_4K);
	unsigned int i, refused = 0;

	ASSERT_STACK(test, s);
	begin(test);
	set_names(test, "f-stack");
	set_knobs(100, 3);
	for (i = 0; i < 10; i++)
		refused += !nebula_stack_alloc(s, 16, 8);
	KUNIT_EXPECT_EQ(test, refused, 3U);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)7 * 16);
	set_knobs(50, ALWAYS);
	nebula_stack_reset(s);
	for (refused = 0, i = 0; i < 200; i++)
		refused += !nebula_stack_alloc(s, 16, 8);
	/* Once in 2^100 it does neither. */
	KUNIT_EXPECT_GT(test, refused, 50U);
	KUNIT_EXPECT_LT(test, refused, 150U);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)(200 - refused) * 16);
	nebula_stack_destroy(s);
}

static void give_and_take(unsigned int cpu, void *pool)
{
	nebula_pool_free(pool, nebula_pool_alloc(pool));
}

static void send_nmi(void *unused)
{
	nmis_send();
}

static void fail_alloc_never_in_nmi(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("f-pool", .block_size = 64, .blocks = 8);
	struct nebula_stats st;

	ASSERT_POOL(test, p);
	begin(test);
	set_names(test, "f-pool");
	if (!nmis_begin(test, give_and_take, p)) {
		nebula_pool_destroy(p);
		kunit_skip(test, "this kernel has no NMIs that can be sent");
	}
	set_knobs(100, ALWAYS);
	on_each_cpu(send_nmi, NULL, 1);
	nmis_end();
	nebula_stats_read(p, &st);
	KUNIT_EXPECT_EQ(test, st.failed, 0ULL);
	KUNIT_EXPECT_GT(test, st.allocs, 0ULL);
	nebula_pool_destroy(p);
}

/* What the kernel is asked for */

static void fail_alloc_of_create(struct kunit *test)
{
	const unsigned int before = nebula_registry_count();
	struct nebula_error err;
	unsigned int i;

	begin(test);
	fixture_listen(test);
	set_knobs(100, ALWAYS);
	for (i = 0; i < nr_subjects; i++) {
		struct nebula_allocator *a = subjects[i].create(0);

		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(a), -ENOMEM, "%s", subjects[i].name);
		if (!IS_ERR(a))
			subjects[i].destroy(a);
	}
	set_knobs(0, 0);
	KUNIT_EXPECT_EQ(test, nebula_registry_count(), before);
	KUNIT_EXPECT_GE(test, fixture_heard(NEBULA_E_BACKING_FAILED, &err), 6U);
	for (i = 0; i < nr_subjects; i++)
		subjects[i].destroy(subject_create(test, &subjects[i]));
}

static void fail_alloc_of_growth(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("f-bump", .capacity = SZ_4K,
						   .flags = NEBULA_GROW);
	struct nebula_pool *p = nebula_pool_create("f-pool", .block_size = 64, .blocks = 8);

	ASSERT_BUMP(test, b);
	ASSERT_POOL(test, p);
	begin(test);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, SZ_4K, 8));
	set_knobs(100, ALWAYS);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, 64, 8));
	EXPECT_ERROR(test, b, NEBULA_E_BACKING_FAILED);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 8, GFP_KERNEL), -ENOMEM);
	EXPECT_ERROR(test, p, NEBULA_E_BACKING_FAILED);
	/* What needs no more memory does not fail. */
	expect_whole(test, p, 0);
	nebula_pool_free(p, nebula_pool_alloc(p));
	set_knobs(0, 0);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 8, GFP_KERNEL), 0);
	expect_whole(test, p, 16);
	nebula_pool_destroy(p);
	nebula_bump_destroy(b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(fail_alloc_names),
	KUNIT_CASE(fail_alloc_names_that_are_none),
	KUNIT_CASE(fail_alloc_by_name),
	KUNIT_CASE(fail_alloc_of_new_ones),
	KUNIT_CASE(fail_alloc_of_scratch),
	KUNIT_CASE(fail_alloc_of_many_blocks),
	KUNIT_CASE(fail_alloc_so_many_times),
	KUNIT_CASE(fail_alloc_never_in_nmi),
	KUNIT_CASE(fail_alloc_of_create),
	KUNIT_CASE(fail_alloc_of_growth),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_fail_alloc",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
