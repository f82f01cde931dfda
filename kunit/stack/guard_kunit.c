// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stack, owner mode, debug flags: overruns and writes to what is free are found, said, and lose
 * nothing; without them nothing is found.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include "table.h"

static struct nebula_stack *stack_guarded(struct kunit *test, unsigned int flags)
{
	return stack_create(test, SZ_16K, flags | NEBULA_DEBUG_FLAGS);
}

/* The newest error is this one, and the stack goes on as if nothing had happened. */
static void expect_found(struct kunit *test, struct nebula_stack *s, enum nebula_errc code,
			 const char *what)
{
	const size_t used = nebula_stack_used(s);
	struct nebula_error err;
	void *p;

	KUNIT_ASSERT_TRUE(test, nebula_last_error(s, &err));
	KUNIT_EXPECT_STREQ(test, nebula_errc_name(err.code), nebula_errc_name(code));
	KUNIT_EXPECT_STREQ(test, err.what, what);
	KUNIT_EXPECT_GT(test, err.nr_entries, 0U);
	p = nebula_stack_alloc(s, 64, 8);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), used);
}

static u64 failures(const struct nebula_stack *s)
{
	struct nebula_stats st;

	nebula_stats_read(s, &st);
	return st.failed;
}

/* Fills the stack with objects of any size and alignment, and frees or resizes some on the way. */
static void fill_at_random(struct kunit *test, struct nebula_stack *s, size_t *bytes)
{
	size_t size, align;
	unsigned int i;
	u8 *p;

	for (i = 0; i < 30; i++) {
		size = 1 + fixture_random(test, 200);
		align = 1UL << fixture_random(test, 9);
		p = nebula_stack_alloc(s, size, align);
		if (!p)
			break;
		KUNIT_ASSERT_TRUE(test, IS_ALIGNED((unsigned long)p, align));
		memset(p, i, size);
		*bytes += size;
		if (i % 4 == 1) {
			p = nebula_stack_realloc(s, p, size, size / 2 + 1, 1);
			KUNIT_ASSERT_NOT_NULL(test, p);
			memset(p, i, size / 2 + 1);
		}
		if (i % 3 == 2)
			KUNIT_ASSERT_EQ(test, nebula_stack_free(s, p), 0);
		KUNIT_ASSERT_EQ(test, nebula_validate(s), 0);
	}
}

static void expect_nothing(struct kunit *test, unsigned int flags)
{
	struct nebula_stack *s = stack_create(test, SZ_16K, flags);
	struct nebula_stats st;
	struct nebula_mark m;
	unsigned int round;
	size_t bytes = 0;

	for (round = 0; round < 20; round++) {
		m = nebula_stack_mark(s);
		fill_at_random(test, s, &bytes);
		if (round % 4)
			KUNIT_ASSERT_EQ(test, nebula_stack_restore(s, m), 0);
		else
			nebula_stack_reset(s);
		KUNIT_ASSERT_EQ(test, nebula_validate(s), 0);
	}
	nebula_stats_read(s, &st);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_CORRUPTION], 0ULL);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_USE_AFTER_FREE], 0ULL);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_OUT_OF_MEMORY], st.failed);
	/* Guards were not asked for. */
	KUNIT_EXPECT_EQ(test, st.bytes_in, bytes);
	nebula_stack_destroy(s);
}

static void guard_finds_nothing_where_nothing_is(struct kunit *test)
{
	expect_nothing(test, 0);
	expect_nothing(test, NEBULA_REDZONE);
	expect_nothing(test, NEBULA_POISON);
	expect_nothing(test, NEBULA_TRACK);
	expect_nothing(test, NEBULA_DEBUG_FLAGS);
	expect_nothing(test, NEBULA_DEBUG_FLAGS | NEBULA_ZERO);
}

/* Ways to give back two objects, the older of which is @p. */
static void by_free(struct nebula_stack *s, struct nebula_mark m, void *p, void *newer)
{
	nebula_stack_free(s, newer);
	nebula_stack_free(s, p);
}

static void by_restore(struct nebula_stack *s, struct nebula_mark m, void *p, void *newer)
{
	nebula_stack_restore(s, m);
}

static void by_reset(struct nebula_stack *s, struct nebula_mark m, void *p, void *newer)
{
	nebula_stack_reset(s);
}

typedef void (*way_back)(struct nebula_stack *s, struct nebula_mark m, void *p, void *newer);

static const way_back ways_back[] = { by_free, by_restore, by_reset };

/* One byte at @offset of the older of two is changed: seen at once, recorded when it goes. */
static void expect_overrun_found(struct kunit *test, unsigned int flags, size_t align, long offset,
				 const char *what)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ways_back); i++) {
		struct nebula_stack *s = stack_create(test, SZ_16K, flags);
		struct nebula_mark m = nebula_stack_mark(s);
		u8 *p = nebula_stack_alloc(s, 40, align), *newer = nebula_stack_alloc(s, 40, 8);

		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_ASSERT_NOT_NULL(test, newer);
		OPTIMIZER_HIDE_VAR(p);
		p[offset] ^= 1;
		KUNIT_EXPECT_EQ(test, nebula_validate(s), 1);
		expect_in_text(test, fixture_file(test, &s->common, "validate"), what);
		KUNIT_EXPECT_EQ(test, failures(s), 0ULL);
		ways_back[i](s, m, p, newer);
		KUNIT_EXPECT_EQ(test, failures(s), 1ULL);
		/* It goes all the same. */
		KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
		KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
		expect_found(test, s, NEBULA_E_CORRUPTION, what);
		nebula_stack_destroy(s);
	}
}

static void guard_finds_an_overrun(struct kunit *test)
{
	expect_overrun_found(test, NEBULA_DEBUG_FLAGS, 8, 40, "zone behind the object");
	expect_overrun_found(test, NEBULA_DEBUG_FLAGS, 8, 55, "zone behind the object");
	expect_overrun_found(test, NEBULA_DEBUG_FLAGS, 8, -1, "zone before the object");
	expect_overrun_found(test, NEBULA_DEBUG_FLAGS, 512, -1, "zone before the object");
	expect_overrun_found(test, NEBULA_REDZONE, 8, -16, "zone before the object");
	expect_overrun_found(test, NEBULA_REDZONE | NEBULA_ZERO, 64, 40, "zone behind the object");
}

/* Where it is never given back any more, destroy still verifies it. */
static void guard_finds_an_overrun_at_the_end(struct kunit *test)
{
	struct nebula_stack *s = stack_guarded(test, 0);
	struct nebula_error err;
	u8 *p = nebula_stack_alloc(s, 40, 8);

	KUNIT_ASSERT_NOT_NULL(test, p);
	fixture_listen(test);
	OPTIMIZER_HIDE_VAR(p);
	p[40] = 0;
	nebula_stack_destroy(s);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_CORRUPTION, &err), 1U);
	KUNIT_EXPECT_STREQ(test, err.what, "zone behind the object");
}

/* What stays is not looked at, and not accused. */
static void guard_looks_at_what_restore_gives_back(struct kunit *test)
{
	struct nebula_stack *s = stack_guarded(test, 0);
	u8 *older = nebula_stack_alloc(s, 40, 8);
	struct nebula_mark m = nebula_stack_mark(s);

	KUNIT_ASSERT_NOT_NULL(test, older);
	KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 40, 8));
	OPTIMIZER_HIDE_VAR(older);
	older[40] = 0;
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, m), 0);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&s->common), NEBULA_OK);
	nebula_stack_reset(s);
	expect_found(test, s, NEBULA_E_CORRUPTION, "zone behind the object");
	nebula_stack_destroy(s);
}

/* An overrun that runs over the next guard: what the guard says must not be followed. */
static void guard_survives_its_own_loss(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ways_back); i++) {
		struct nebula_stack *s = stack_guarded(test, 0);
		struct nebula_mark m = nebula_stack_mark(s);
		u8 *p = nebula_stack_alloc(s, 40, 8), *newer = nebula_stack_alloc(s, 40, 8);

		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_ASSERT_NOT_NULL(test, newer);
		OPTIMIZER_HIDE_VAR(p);
		memset(p, 0xff, newer + 40 - p);
		KUNIT_EXPECT_EQ(test, nebula_validate(s), 2);
		expect_in_text(test, fixture_file(test, &s->common, "validate"),
			       ": guard overwritten\n");
		/* Nor is it said who allocated it. */
		expect_says(test, fixture_file(test, &s->common, "live"), "live", "2");
		KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, newer, 40, 50, 8));
		EXPECT_ERROR(test, s, NEBULA_E_CORRUPTION);
		ways_back[i](s, m, p, newer);
		EXPECT_ERROR(test, s, NEBULA_E_CORRUPTION);
		KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
		KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
		/* What was lost track of is no ground for accusing others. */
		while (nebula_stack_alloc(s, 40, 8))
			;
		EXPECT_ERROR(test, s, NEBULA_E_OUT_OF_MEMORY);
		nebula_stack_destroy(s);
	}
}

/* Found by looking, and by who gets the memory next. */
static void guard_finds_a_write_to_what_is_free(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ways_back); i++) {
		struct nebula_stack *s = stack_guarded(test, 0);
		struct nebula_mark m = nebula_stack_mark(s);
		u8 *p = nebula_stack_alloc(s, 64, 8), *newer = nebula_stack_alloc(s, 64, 8);
		char what[NEBULA_WHAT_SIZE];

		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_ASSERT_NOT_NULL(test, newer);
		snprintf(what, sizeof(what), "written at offset %lu",
			 (unsigned long)p + 10 - s->base - s->start);
		ways_back[i](s, m, p, newer);
		KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
		OPTIMIZER_HIDE_VAR(p);
		p[10] = 1;
		KUNIT_EXPECT_EQ(test, nebula_validate(s), 1);
		expect_in_text(test, fixture_file(test, &s->common, "validate"),
			       ": written while free\n");
		newer = nebula_stack_alloc(s, 64, 8);
		OPTIMIZER_HIDE_VAR(newer);
		KUNIT_EXPECT_PTR_EQ(test, newer, p);
		expect_found(test, s, NEBULA_E_USE_AFTER_FREE, what);
		KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
		KUNIT_EXPECT_EQ(test, failures(s), 1ULL);
		nebula_stack_destroy(s);
	}
}

/* Memory just handed out is neither what it was nor zero, unless it is asked to be. */
static void guard_fills_what_it_hands_out(struct kunit *test)
{
	struct nebula_stack *s = stack_guarded(test, 0), *zero = stack_guarded(test, NEBULA_ZERO);
	u8 *p = nebula_stack_alloc(s, 64, 8), *z = nebula_stack_alloc(zero, 64, 8);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, z);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, p[0], 64));
	KUNIT_EXPECT_NE(test, p[0], 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(z, 0, 64));
	nebula_stack_destroy(zero);
	nebula_stack_destroy(s);
}

/*
 *	|guard|zone|AAAA|zone|
 *	|guard|zone|AAAAAAAAAAAA|zone|		the zone moves with the end
 *	|guard|zone|AA|zone|			and what is behind is free
 */
static void guard_moves_with_the_size(struct kunit *test)
{
	struct nebula_stack *s = stack_guarded(test, 0);
	u8 *p = nebula_stack_alloc(s, 40, 64);

	KUNIT_ASSERT_NOT_NULL(test, p);
	fixture_stamp(p, 40, 3);
	KUNIT_ASSERT_PTR_EQ(test, (u8 *)nebula_stack_realloc(s, p, 40, 400, 64), p);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(p, 40, 3));
	memset(p + 40, 0, 360);
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
	KUNIT_ASSERT_PTR_EQ(test, (u8 *)nebula_stack_realloc(s, p, 400, 20, 8), p);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(p, 20, 3));
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
	KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(s, 300, 8));
	KUNIT_EXPECT_EQ(test, fixture_last_code(&s->common), NEBULA_OK);
	nebula_stack_reset(s);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&s->common), NEBULA_OK);
	nebula_stack_destroy(s);
}

/* A wrong byte behind the end is said by realloc too, and at the new end as at any other. */
static void guard_is_verified_by_realloc(struct kunit *test)
{
	struct nebula_stack *s = stack_guarded(test, 0);
	u8 *p = nebula_stack_alloc(s, 40, 8);

	KUNIT_ASSERT_NOT_NULL(test, p);
	OPTIMIZER_HIDE_VAR(p);
	p[40] = 0;
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)nebula_stack_realloc(s, p, 40, 100, 8), p);
	expect_found(test, s, NEBULA_E_CORRUPTION, "zone behind the object");
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
	p[100] = 0;
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	KUNIT_EXPECT_EQ(test, failures(s), 2ULL);
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, p, 100, 10, 8));
	EXPECT_ERROR(test, s, NEBULA_E_DOUBLE_FREE);
	nebula_stack_destroy(s);
}

/* Each its own code; the guard is not the client's. */
static void guard_refuses_every_wrong_free(struct kunit *test)
{
	struct nebula_stack *s = stack_guarded(test, 0);
	u8 *p = nebula_stack_alloc(s, 40, 8), *newer = nebula_stack_alloc(s, 40, 256);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, newer);
	fixture_stamp(p, 40, 1);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_E_LIFO_VIOLATION);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, newer - 1), -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_E_MISALIGNED_POINTER);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, newer + 40), -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_E_MISALIGNED_POINTER);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, (void *)(s->base + s->start)), -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_E_MISALIGNED_POINTER);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, newer + 100), -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_E_DOUBLE_FREE);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, newer), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, newer), -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_E_DOUBLE_FREE);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(p, 40, 1));
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
	nebula_stack_destroy(s);
}

static void guard_leaves_less_room(struct kunit *test)
{
	struct nebula_stack *s = stack_guarded(test, 0);
	unsigned int n, again;

	KUNIT_EXPECT_NULL(test, nebula_stack_alloc(s, SZ_16K, 1));
	EXPECT_ERROR(test, s, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_NULL(test, nebula_stack_alloc(s, SIZE_MAX / 2 - 64, 1));
	EXPECT_ERROR(test, s, NEBULA_E_SIZE_OVERFLOW);
	KUNIT_EXPECT_EQ(test, failures(s), 2ULL);
	for (n = 0; nebula_stack_alloc(s, 16, 8); n++)
		;
	KUNIT_EXPECT_GT(test, n, SZ_16K / 512U);
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
	nebula_stack_reset(s);
	for (again = 0; nebula_stack_alloc(s, 16, 8); again++)
		;
	KUNIT_EXPECT_EQ(test, again, n);
	nebula_stack_destroy(s);
}

static noinline u8 *allocated_here(struct nebula_stack *s)
{
	u8 *p = nebula_stack_alloc(s, 40, 8);

	barrier();	/* or it would not be in the call stack */
	return p;
}

/* With TRACK live and reports show who allocated an object, not who gave it back. */
static void guard_remembers_who_allocated(struct kunit *test)
{
	char *report = kunit_kzalloc(test, 2048, GFP_KERNEL);
	struct nebula_stack *s = stack_guarded(test, 0);
	struct nebula_error err;
	const char *text;
	u8 *p;

	KUNIT_ASSERT_NOT_NULL(test, report);
	nebula_stack_mark(s);
	p = allocated_here(s);
	KUNIT_ASSERT_NOT_NULL(test, p);
	text = fixture_file(test, &s->common, "live");
	expect_says(test, text, "live", "1");
	expect_in_text(test, text, "  allocated by\n       1           40 ");
	expect_in_text(test, text, "allocated_here+");
	OPTIMIZER_HIDE_VAR(p);
	p[40] = 0;
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(s, &err));
	nebula_error_snprint(report, 2048, &err);
	expect_in_text(test, report, "allocated_here+");
	text = fixture_file(test, &s->common, "live");
	KUNIT_EXPECT_NULL(test, strstr(text, "allocated_here+"));
	nebula_stack_destroy(s);
}

static void guard_shows_that_it_is_on(struct kunit *test)
{
	struct nebula_stack *s = nebula_stack_create("guarded", .capacity = SZ_16K,
						     .preset = NEBULA_DEVELOPMENT);
	const char *text;
	unsigned int i;

	ASSERT_STACK(test, s);
	text = fixture_file(test, &s->common, "info");
	expect_says(test, text, "preset", "development");
	expect_says(test, text, "flags", "REDZONE|POISON|TRACK");
	expect_says(test, text, "path", "out of line");
	for (i = 0; i < 40; i++)
		KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 8, 8));
	text = fixture_file(test, &s->common, "live");
	expect_in_text(test, text, "\n      40          320 ");
	nebula_stack_destroy(s);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(guard_finds_nothing_where_nothing_is),
	KUNIT_CASE(guard_finds_an_overrun),
	KUNIT_CASE(guard_finds_an_overrun_at_the_end),
	KUNIT_CASE(guard_looks_at_what_restore_gives_back),
	KUNIT_CASE(guard_survives_its_own_loss),
	KUNIT_CASE(guard_finds_a_write_to_what_is_free),
	KUNIT_CASE(guard_fills_what_it_hands_out),
	KUNIT_CASE(guard_moves_with_the_size),
	KUNIT_CASE(guard_is_verified_by_realloc),
	KUNIT_CASE(guard_refuses_every_wrong_free),
	KUNIT_CASE(guard_leaves_less_room),
	KUNIT_CASE(guard_remembers_who_allocated),
	KUNIT_CASE(guard_shows_that_it_is_on),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_stack_guard",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
