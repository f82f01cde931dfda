// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug flags: overruns and writes after release are found, said, and lose nothing.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include "../fixture.h"

static struct nebula_bump *bump_guarded(struct kunit *test, unsigned int flags)
{
	struct nebula_bump *b = nebula_bump_create("guarded", .capacity = SZ_16K,
						   .preset = NEBULA_DEVELOPMENT, .flags = flags);

	ASSERT_BUMP(test, b);
	return b;
}

/* The newest error is this one, and the allocator goes on as if nothing had happened. */
static void expect_found(struct kunit *test, struct nebula_bump *b, enum nebula_errc code,
			 const char *what)
{
	struct nebula_error err;

	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	KUNIT_EXPECT_STREQ(test, nebula_errc_name(err.code), nebula_errc_name(code));
	KUNIT_EXPECT_STREQ(test, err.what, what);
	KUNIT_EXPECT_GT(test, err.nr_entries, 0U);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
}

static void guard_finds_nothing_where_nothing_is(struct kunit *test)
{
	struct nebula_bump *b = bump_guarded(test, 0);
	struct nebula_checkpoint cp;
	unsigned int round, i;

	for (round = 0; round < 20; round++) {
		cp = nebula_bump_checkpoint(b);
		for (i = 0; i < 20; i++) {
			size_t size = 1 + fixture_random(test, 200), align = 1UL << (i % 8);
			u8 *p = nebula_bump_alloc(b, size, align);

			if (!p)
				break;
			KUNIT_ASSERT_TRUE(test, IS_ALIGNED((unsigned long)p, align));
			memset(p, i, size);
		}
		if (round % 3)
			KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, cp), 0);
		else
			nebula_bump_reset(b);
	}
	KUNIT_EXPECT_EQ(test, fixture_last_code(&b->common), NEBULA_OK);
	nebula_bump_destroy(b);
}

static void expect_overrun_found(struct kunit *test, unsigned int flags, long offset,
				 const char *what)
{
	struct nebula_bump *b = bump_guarded(test, flags);
	u8 *p = nebula_bump_alloc(b, 40, 8);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 40, 8));
	OPTIMIZER_HIDE_VAR(p);
	p[offset] ^= 1;
	nebula_bump_reset(b);
	expect_found(test, b, NEBULA_E_CORRUPTION, what);
	nebula_bump_destroy(b);
}

static void guard_finds_an_overrun(struct kunit *test)
{
	expect_overrun_found(test, 0, 40, "zone behind the object");
	expect_overrun_found(test, 0, 55, "zone behind the object");
	expect_overrun_found(test, 0, -1, "zone before the object");
	expect_overrun_found(test, NEBULA_SHARED, 40, "zone behind the object");
	expect_overrun_found(test, NEBULA_SHARED, -16, "zone before the object");
	expect_overrun_found(test, NEBULA_ZERO, 40, "zone behind the object");
}

static noinline u8 *allocated_here(struct nebula_bump *b)
{
	u8 *p = nebula_bump_alloc(b, 40, 8);

	barrier();	/* or it would not be in the call stack */
	return p;
}

/* With TRACK the report shows who allocated the object, not who gave it back. */
static void guard_remembers_who_allocated(struct kunit *test)
{
	struct nebula_bump *b = bump_guarded(test, 0);
	char *report = kunit_kzalloc(test, 2048, GFP_KERNEL);
	struct nebula_error err;
	u8 *p = allocated_here(b);

	KUNIT_ASSERT_NOT_NULL(test, report);
	KUNIT_ASSERT_NOT_NULL(test, p);
	OPTIMIZER_HIDE_VAR(p);
	p[40] = 0;
	nebula_bump_reset(b);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	nebula_error_snprint(report, 2048, &err);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(report, "allocated_here+"), "%s", report);
	nebula_bump_destroy(b);
}

/* An overrun that runs over the next guard: what the guard says must not be followed. */
static void guard_survives_its_own_loss(struct kunit *test)
{
	struct nebula_bump *b = bump_guarded(test, 0);
	struct nebula_stats st;
	u8 *p = nebula_bump_alloc(b, 40, 8);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 40, 8));
	OPTIMIZER_HIDE_VAR(p);
	memset(p, 0xff, 150);
	nebula_bump_reset(b);
	EXPECT_ERROR(test, b, NEBULA_E_CORRUPTION);
	/* What was lost track of is no ground for accusing others. */
	while (nebula_bump_alloc(b, 40, 8))
		;
	EXPECT_ERROR(test, b, NEBULA_E_OUT_OF_MEMORY);
	nebula_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_CORRUPTION], 1ULL);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_USE_AFTER_FREE], 0ULL);
	KUNIT_EXPECT_EQ(test, st.bytes_in, 40 * st.allocs);
	nebula_bump_reset(b);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
	nebula_bump_destroy(b);
}

static void guard_looks_at_what_restore_gives_back(struct kunit *test)
{
	struct nebula_bump *b = bump_guarded(test, 0);
	u8 *old = nebula_bump_alloc(b, 40, 8), *newer;
	struct nebula_checkpoint cp = nebula_bump_checkpoint(b);

	newer = nebula_bump_alloc(b, 40, 8);
	KUNIT_ASSERT_NOT_NULL(test, old);
	KUNIT_ASSERT_NOT_NULL(test, newer);
	OPTIMIZER_HIDE_VAR(old);
	old[40] = 0;
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&b->common), NEBULA_OK);
	nebula_bump_reset(b);
	expect_found(test, b, NEBULA_E_CORRUPTION, "zone behind the object");
	nebula_bump_destroy(b);
}

static void expect_late_write_found(struct kunit *test, unsigned int flags)
{
	struct nebula_bump *b = bump_guarded(test, flags);
	u8 *p = nebula_bump_alloc(b, 64, 8), *q;

	KUNIT_ASSERT_NOT_NULL(test, p);
	nebula_bump_reset(b);
	OPTIMIZER_HIDE_VAR(p);
	p[10] = 1;
	q = nebula_bump_alloc(b, 64, 8);
	KUNIT_ASSERT_NOT_NULL(test, q);
	EXPECT_ERROR(test, b, NEBULA_E_USE_AFTER_FREE);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	nebula_bump_destroy(b);
}

static void guard_finds_a_write_after_reset(struct kunit *test)
{
	expect_late_write_found(test, 0);
	expect_late_write_found(test, NEBULA_SHARED);
}

/* Memory just handed out is neither what it was nor zero. */
static void guard_fills_what_it_hands_out(struct kunit *test)
{
	struct nebula_bump *b = bump_guarded(test, 0), *zero = bump_guarded(test, NEBULA_ZERO);
	u8 *p = nebula_bump_alloc(b, 64, 8), *z = nebula_bump_alloc(zero, 64, 8);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, z);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, p[0], 64));
	KUNIT_EXPECT_NE(test, p[0], 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(z, 0, 64));
	nebula_bump_destroy(zero);
	nebula_bump_destroy(b);
}

static void guard_moves_what_grows(struct kunit *test)
{
	struct nebula_bump *b = bump_guarded(test, NEBULA_GROW);
	u8 *p = nebula_bump_alloc(b, 40, 8), *q;

	KUNIT_ASSERT_NOT_NULL(test, p);
	fixture_stamp(p, 40, 4);
	q = nebula_bump_realloc(b, p, 40, 20000, 8);
	KUNIT_ASSERT_NOT_NULL(test, q);
	KUNIT_EXPECT_PTR_NE(test, p, q);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(q, 40, 4));
	memset(q, 0, 20000);
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)nebula_bump_realloc(b, q, 20000, 10, 8), q);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SIZE_MAX / 2, 1));
	EXPECT_ERROR(test, b, NEBULA_E_SIZE_OVERFLOW);
	nebula_bump_reset(b);
	EXPECT_ERROR(test, b, NEBULA_E_SIZE_OVERFLOW);
	nebula_bump_destroy(b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(guard_finds_nothing_where_nothing_is),
	KUNIT_CASE(guard_finds_an_overrun),
	KUNIT_CASE(guard_remembers_who_allocated),
	KUNIT_CASE(guard_survives_its_own_loss),
	KUNIT_CASE(guard_looks_at_what_restore_gives_back),
	KUNIT_CASE(guard_finds_a_write_after_reset),
	KUNIT_CASE(guard_fills_what_it_hands_out),
	KUNIT_CASE(guard_moves_what_grows),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_guard",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
