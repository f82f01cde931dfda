// SPDX-License-Identifier: GPL-2.0-only
/*
 * Error records: what is in one, in which context, how long it stays, and who is told. The reports
 * made of them are in report_kunit.c, many at once in storm_kunit.c.
 */
#include <linux/hrtimer.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "../module/compat.h"
#include "fixture.h"

static struct nebula_bump *bump_create(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("parser", .capacity = PAGE_SIZE);

	ASSERT_BUMP(test, b);
	return b;
}

static void error_every_code_is_described(struct kunit *test)
{
	unsigned int code, other;

	for (code = 0; code < NEBULA_E_NR; code++) {
		KUNIT_ASSERT_NOT_NULL(test, nebula_errc_name(code));
		for (other = 0; other < code; other++)
			KUNIT_EXPECT_STRNEQ(test, nebula_errc_name(code), nebula_errc_name(other));
		if (code == NEBULA_OK)
			KUNIT_EXPECT_EQ(test, nebula_errc_to_errno(code), 0);
		else
			KUNIT_EXPECT_LT(test, nebula_errc_to_errno(code), 0);
	}
	KUNIT_EXPECT_STREQ(test, nebula_errc_name(NEBULA_E_NR), "UNKNOWN");
	KUNIT_EXPECT_EQ(test, nebula_errc_to_errno(-1), -EINVAL);
}

static void error_record_says_what_happened(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test);
	struct nebula_error err;

	KUNIT_EXPECT_FALSE(test, nebula_last_error(b, &err));
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 3000, 8));
	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, 2000, 16));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_EQ(test, err.kind, NEBULA_KIND_BUMP);
	KUNIT_EXPECT_EQ(test, err.context, NEBULA_IN_TASK);
	KUNIT_EXPECT_EQ(test, err.size, (size_t)2000);
	KUNIT_EXPECT_EQ(test, err.align, (size_t)16);
	KUNIT_EXPECT_EQ(test, err.used, (size_t)3000);
	KUNIT_EXPECT_EQ(test, err.available, (size_t)1096);
	KUNIT_EXPECT_EQ(test, err.capacity, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, err.peak, (size_t)3000);
	KUNIT_EXPECT_EQ(test, err.utilisation, 732U);
	KUNIT_EXPECT_EQ(test, err.pid, current->pid);
	KUNIT_EXPECT_STREQ(test, err.comm, current->comm);
	KUNIT_EXPECT_STREQ(test, err.name, "parser");
	KUNIT_EXPECT_GT(test, err.nr_entries, 0U);
	nebula_bump_destroy(b);
}

/**
 * struct interrupt - an allocation that fails in a hard interrupt
 * @timer: brings it about.
 * @bump: what it fails on.
 * @done: it did.
 */
struct interrupt {
	struct hrtimer timer;
	struct nebula_bump *bump;
	struct completion done;
};

static enum hrtimer_restart fail_in_hardirq(struct hrtimer *timer)
{
	struct interrupt *i = container_of(timer, struct interrupt, timer);

	if (!nebula_bump_alloc(i->bump, SZ_1M, 8))
		complete(&i->done);
	return HRTIMER_NORESTART;
}

static void error_in_a_hard_interrupt(struct kunit *test)
{
	struct interrupt *i = kunit_kzalloc(test, sizeof(*i), GFP_KERNEL);
	struct nebula_error err;

	KUNIT_ASSERT_NOT_NULL(test, i);
	i->bump = bump_create(test);
	init_completion(&i->done);
	compat_hrtimer_setup(&i->timer, fail_in_hardirq, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	hrtimer_start(&i->timer, ns_to_ktime(10 * NSEC_PER_USEC), HRTIMER_MODE_REL_HARD);
	wait_for_completion(&i->done);
	hrtimer_cancel(&i->timer);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(i->bump, &err));
	KUNIT_EXPECT_EQ(test, err.context, NEBULA_IN_HARDIRQ);
	nebula_bump_destroy(i->bump);
}

/*
 * What a registered allocator last failed with stays, whatever others record; on a buffer it is
 * in the ring alone.
 */
static void error_outlives_the_ring(struct kunit *test)
{
	struct nebula_bump *quiet = bump_create(test), *loud = bump_create(test), embedded;
	u8 buffer[16];
	struct nebula_error err;
	int i;

	nebula_bump_init(&embedded, buffer, sizeof(buffer));
	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(&embedded, 17, 1));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(&embedded, &err));
	KUNIT_EXPECT_STREQ(test, err.name, "(buffer)");
	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(quiet, 5000, 1));
	for (i = 0; i < 600; i++)
		KUNIT_ASSERT_NULL(test, nebula_bump_alloc(loud, 8000 + i, 1));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(quiet, &err));
	KUNIT_EXPECT_EQ(test, err.size, (size_t)5000);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(loud, &err));
	KUNIT_EXPECT_EQ(test, err.size, (size_t)8599);
	KUNIT_EXPECT_FALSE(test, nebula_last_error(&embedded, &err));
	nebula_bump_destroy(loud);
	nebula_bump_destroy(quiet);
}

static atomic_t told;
static enum nebula_errc told_code;

static int listen(struct notifier_block *nb, unsigned long code, void *data)
{
	const struct nebula_error *err = data;

	if (!strcmp(err->name, "parser")) {
		told_code = code;
		atomic_inc(&told);
	}
	return NOTIFY_OK;
}

static struct notifier_block listener = { .notifier_call = listen };

static void error_listeners_are_told(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test);

	atomic_set(&told, 0);
	KUNIT_ASSERT_EQ(test, nebula_error_notifier_register(&listener), 0);
	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, 1, 3));
	nebula_error_flush();
	KUNIT_EXPECT_EQ(test, atomic_read(&told), 1);
	KUNIT_EXPECT_EQ(test, told_code, NEBULA_E_INVALID_ALIGNMENT);
	KUNIT_ASSERT_EQ(test, nebula_error_notifier_unregister(&listener), 0);
	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, 1, 3));
	nebula_error_flush();
	KUNIT_EXPECT_EQ(test, atomic_read(&told), 1);
	nebula_bump_destroy(b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(error_every_code_is_described),
	KUNIT_CASE(error_record_says_what_happened),
	KUNIT_CASE(error_in_a_hard_interrupt),
	KUNIT_CASE(error_outlives_the_ring),
	KUNIT_CASE(error_listeners_are_told),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_error",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
