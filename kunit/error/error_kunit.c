// SPDX-License-Identifier: GPL-2.0-only
/*
 * Error records: what is in one, in which context, and how long it stays. The reports
 * made of them are in report_kunit.c, many at once in storm_kunit.c.
 */
#include <linux/bottom_half.h>
#include <linux/hrtimer.h>
#include <linux/irqflags.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "../../module/compat.h"
#include "../fixture.h"

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

/* What the allocator promises, may become, and lies on, as it was at that moment. */
static void error_record_says_what_it_happened_to(struct kunit *test)
{
	u8 *buffer = kunit_kzalloc(test, 512, GFP_KERNEL);
	struct nebula_pool *p = nebula_pool_create("conn", .block_size = 64, .blocks = 8,
						   .max_blocks = 16,
						   .flags = NEBULA_STRICT | NEBULA_GROW);
	struct nebula_bump *b = nebula_bump_create("grows", .capacity = SZ_4K,
						   .max_capacity = SZ_16K, .flags = NEBULA_GROW);
	struct nebula_bump *lent = nebula_bump_create("lent", .buffer = buffer,
						      .buffer_size = 512);
	struct nebula_error err;

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	ASSERT_POOL(test, p);
	ASSERT_BUMP(test, b);
	ASSERT_BUMP(test, lent);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 1000, GFP_KERNEL), -E2BIG);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_EQ(test, err.unit, (size_t)64);
	KUNIT_EXPECT_EQ(test, err.promised, (size_t)8 * 64);
	KUNIT_EXPECT_EQ(test, err.capacity, (size_t)8 * 64);
	KUNIT_EXPECT_EQ(test, err.max_capacity, (size_t)16 * 64);
	KUNIT_EXPECT_FALSE(test, err.buffer);
	KUNIT_EXPECT_EQ(test, err.overhead, (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 4, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 1000, GFP_KERNEL), -E2BIG);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_EQ(test, err.promised, (size_t)12 * 64);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	KUNIT_EXPECT_EQ(test, err.capacity, (size_t)SZ_4K);
	KUNIT_EXPECT_EQ(test, err.max_capacity, (size_t)SZ_16K);
	KUNIT_EXPECT_EQ(test, err.unit, (size_t)0);
	KUNIT_EXPECT_EQ(test, err.promised, (size_t)0);
	KUNIT_EXPECT_FALSE(test, err.buffer);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(lent, SZ_1M, 8));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(lent, &err));
	KUNIT_EXPECT_TRUE(test, err.buffer);
	KUNIT_EXPECT_EQ(test, err.max_capacity, nebula_bump_capacity(lent));
	nebula_bump_destroy(lent);
	nebula_bump_destroy(b);
	nebula_pool_destroy(p);
}

/* What debug flags take beside the object is what it takes when there is room. */
static void error_record_says_what_debug_flags_take(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("parser", .capacity = SZ_16K,
						   .flags = NEBULA_DEBUG_FLAGS);
	struct nebula_error err;

	ASSERT_BUMP(test, b);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	KUNIT_EXPECT_EQ(test, err.size, (size_t)SZ_1M);
	KUNIT_EXPECT_EQ(test, err.overhead, nebula_bump_used(b) - 64);
	nebula_bump_destroy(b);
}

/* An allocation that fails in an interrupt. */
struct interrupt {
	struct hrtimer timer;		/* brings it about */
	struct nebula_bump *bump;	/* what it fails on */
	struct completion done;		/* it did */
};

static enum hrtimer_restart fail_in_interrupt(struct hrtimer *timer)
{
	struct interrupt *i = container_of(timer, struct interrupt, timer);

	if (!nebula_bump_alloc(i->bump, SZ_1M, 8))
		complete(&i->done);
	return HRTIMER_NORESTART;
}

static void expect_context(struct kunit *test, enum hrtimer_mode mode, enum nebula_context context)
{
	struct interrupt *i = kunit_kzalloc(test, sizeof(*i), GFP_KERNEL);
	struct nebula_error err;

	KUNIT_ASSERT_NOT_NULL(test, i);
	i->bump = bump_create(test);
	init_completion(&i->done);
	compat_hrtimer_setup(&i->timer, fail_in_interrupt, CLOCK_MONOTONIC, mode);
	hrtimer_start(&i->timer, ns_to_ktime(10 * NSEC_PER_USEC), mode);
	wait_for_completion(&i->done);
	hrtimer_cancel(&i->timer);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(i->bump, &err));
	KUNIT_EXPECT_EQ(test, err.context, context);
	nebula_bump_destroy(i->bump);
}

static void error_in_a_hard_interrupt(struct kunit *test)
{
	expect_context(test, HRTIMER_MODE_REL_HARD, NEBULA_IN_HARDIRQ);
}

static void error_in_a_softirq(struct kunit *test)
{
	expect_context(test, HRTIMER_MODE_REL_SOFT, NEBULA_IN_SOFTIRQ);
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
	/* No refusals, which would be sampled. */
	for (i = 0; i < 600; i++)
		KUNIT_ASSERT_NULL(test, nebula_bump_alloc(loud, 8000 + i, 3));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(quiet, &err));
	KUNIT_EXPECT_EQ(test, err.size, (size_t)5000);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(loud, &err));
	KUNIT_EXPECT_EQ(test, err.size, (size_t)8599);
	KUNIT_EXPECT_FALSE(test, nebula_last_error(&embedded, &err));
	nebula_bump_destroy(loud);
	nebula_bump_destroy(quiet);
}

/* A task that has bottom halves, preemption or interrupts off is no interrupt. */
static void error_in_a_task_that_may_not_sleep(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test);
	enum nebula_context bh, preempt, irq;
	struct nebula_error err;
	unsigned long flags;

	local_bh_disable();
	nebula_bump_destroy(b);
	bh = nebula_last_error(b, &err) ? err.context : NEBULA_IN_NMI;
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_WRONG_CONTEXT);
	preempt_disable();
	preempt = nebula_bump_alloc(b, SZ_1M, 8) || !nebula_last_error(b, &err) ? NEBULA_IN_NMI
										 : err.context;
	preempt_enable();
	local_irq_save(flags);
	irq = nebula_bump_alloc(b, SZ_2M, 8) || !nebula_last_error(b, &err) ? NEBULA_IN_NMI
									     : err.context;
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, bh, NEBULA_IN_TASK);
	KUNIT_EXPECT_EQ(test, preempt, NEBULA_IN_TASK);
	KUNIT_EXPECT_EQ(test, irq, NEBULA_IN_TASK);
	nebula_bump_destroy(b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(error_every_code_is_described),
	KUNIT_CASE(error_record_says_what_happened),
	KUNIT_CASE(error_record_says_what_it_happened_to),
	KUNIT_CASE(error_record_says_what_debug_flags_take),
	KUNIT_CASE(error_in_a_hard_interrupt),
	KUNIT_CASE(error_outlives_the_ring),
	KUNIT_CASE(error_in_a_task_that_may_not_sleep),
	KUNIT_CASE(error_in_a_softirq),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_error",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
