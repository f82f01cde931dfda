// SPDX-License-Identifier: GPL-2.0-only
/*
 * Error records: what is in one, that none is torn, and the report made of it.
 */
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/log2.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
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

static void expect_text(struct kunit *test, const char *report, const char *text)
{
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(report, text), "no '%s' in:\n%s", text, report);
}

/*
 * The report of a nearly full allocator gives other advice than that of one which is asked for
 * too much.
 */
static void error_report(struct kunit *test)
{
	char *report = kunit_kzalloc(test, 2048, GFP_KERNEL);
	struct nebula_bump *b = bump_create(test);
	struct nebula_error err;

	KUNIT_ASSERT_NOT_NULL(test, report);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 1024, 8));
	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, 8192, 8));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	KUNIT_EXPECT_EQ(test, nebula_error_snprint(report, 2048, &err), (int)strlen(report));
	expect_text(test, report, "] parser: OUT_OF_MEMORY (-ENOMEM) in kunit_try_catch[");
	expect_text(test, report, ", task, cpu ");
	expect_text(test, report, "\n   requested: 8.00 KiB (align 8)\n");
	expect_text(test, report, "\n   state:     used 1.00 KiB of 4.00 KiB (25.0%), ");
	expect_text(test, report, "(25.0%), available 3.00 KiB, peak 1.00 KiB\n");
	expect_text(test, report, "\n   suggest:   the request is larger than what is left; ");
	expect_text(test, report, "; a capacity of 12.00 KiB would have sufficed:\n");
	expect_text(test, report, "\n   backtrace: ");

	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 3000, 8));
	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, 100, 8));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	nebula_error_snprint(report, 2048, &err);
	expect_text(test, report, "\n   suggest:   the allocator is over 90% full");
	nebula_bump_destroy(b);
}

static void error_report_is_cut(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test);
	struct nebula_error err;
	char report[64];
	int size;

	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, 8192, 8));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	KUNIT_EXPECT_EQ(test, nebula_error_snprint(NULL, 0, &err), 0);
	for (size = 1; size < (int)sizeof(report); size++) {
		memset(report, 'x', sizeof(report));
		KUNIT_ASSERT_EQ(test, nebula_error_snprint(report, size, &err), size - 1);
		KUNIT_ASSERT_EQ(test, report[size - 1], '\0');
		KUNIT_ASSERT_EQ(test, report[size], 'x');
	}
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

#define STORM	2000

/**
 * struct storm - errors from all CPUs at once
 * @bump: shared, and full.
 * @torn: records whose parts do not belong together.
 * @depth: the entry of a call stack that tells the two functions that fail apart.
 * @site: that entry, of either function.
 */
struct storm {
	struct nebula_bump *bump;
	atomic_t torn;
	unsigned int depth;
	unsigned long site[2];
};

/* The size tells CPU, alignment and function, so that a record of two errors shows. */
static size_t storm_size(unsigned int cpu, unsigned int shift)
{
	return SZ_1M + (cpu << 8 | shift);
}

/*
 * The two differ, or the compiler would make one of them; and the call is not the last thing they
 * do, or it would be a jump.
 */
static noinline void *fail_even(struct nebula_bump *b, size_t size, size_t align)
{
	void *p = nebula_bump_alloc(b, size, align);

	asm volatile("# even" : : : "memory");
	return p;
}

static noinline void *fail_odd(struct nebula_bump *b, size_t size, size_t align)
{
	void *p = nebula_bump_alloc(b, size, align);

	asm volatile("# odd" : : : "memory");
	return p;
}

static void *fail(struct nebula_bump *b, unsigned int shift)
{
	size_t size = storm_size(smp_processor_id(), shift);

	return shift % 2 ? fail_odd(b, size, 1UL << shift) : fail_even(b, size, 1UL << shift);
}

static bool storm_whole(const struct storm *s, const struct nebula_error *err)
{
	return err->size == storm_size(err->cpu, ilog2(err->align)) &&
	       err->entries[s->depth] == s->site[err->size % 2];
}

/* Makes the allocator, and learns where in a call stack the two functions are. */
static void storm_init(struct kunit *test, struct storm *s)
{
	struct nebula_error err[2];
	unsigned int odd;

	s->bump = nebula_bump_create("storm", .capacity = SZ_16K, .flags = NEBULA_SHARED);
	ASSERT_BUMP(test, s->bump);
	migrate_disable();
	for (odd = 0; odd < 2; odd++) {
		KUNIT_EXPECT_NULL(test, fail(s->bump, odd));
		KUNIT_EXPECT_TRUE(test, nebula_last_error(s->bump, &err[odd]));
	}
	migrate_enable();
	while (s->depth < NEBULA_BACKTRACE_MAX - 1 &&
	       err[0].entries[s->depth] == err[1].entries[s->depth])
		s->depth++;
	for (odd = 0; odd < 2; odd++)
		s->site[odd] = err[odd].entries[s->depth];
	KUNIT_ASSERT_NE(test, s->site[0], s->site[1]);
}

static void fail_and_look(void *data)
{
	struct storm *s = data;
	struct nebula_error err;
	int i;

	for (i = 0; i < STORM; i++) {
		if (fail(s->bump, i % 12))
			atomic_inc(&s->torn);
		if (nebula_last_error(s->bump, &err) && !storm_whole(s, &err))
			atomic_inc(&s->torn);
	}
}

static void error_storm(struct kunit *test)
{
	struct storm s = { .torn = ATOMIC_INIT(0) };
	struct nebula_stats st;

	storm_init(test, &s);
	/* In hard interrupts on the others, in this task here. */
	on_each_cpu(fail_and_look, &s, 1);
	nebula_stats_read(s.bump, &st);
	KUNIT_EXPECT_EQ(test, atomic_read(&s.torn), 0);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_OUT_OF_MEMORY],
			(u64)STORM * num_online_cpus() + 2);
	nebula_error_flush();
	nebula_bump_destroy(s.bump);
}

/**
 * struct watch - one CPU records errors, the others do nothing but read the newest
 * @storm: the allocator, and what was torn.
 * @writer: the CPU that records.
 * @readers: CPUs that have begun to read.
 * @reads: records read.
 * @over: the writer has ended.
 */
struct watch {
	struct storm storm;
	int writer;
	atomic_t readers;
	atomic_t reads;
	bool over;
};

static void fail_or_look(void *data)
{
	struct watch *w = data;
	struct nebula_error err;

	if (smp_processor_id() == w->writer) {
		while (atomic_read(&w->readers) < num_online_cpus() - 1)
			cpu_relax();
		fail_and_look(&w->storm);
		WRITE_ONCE(w->over, true);
		return;
	}
	atomic_inc(&w->readers);
	while (!READ_ONCE(w->over)) {
		if (!nebula_last_error(w->storm.bump, &err))
			continue;
		atomic_inc(&w->reads);
		if (!storm_whole(&w->storm, &err))
			atomic_inc(&w->storm.torn);
	}
}

static void error_is_never_read_torn(struct kunit *test)
{
	struct watch *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	if (num_online_cpus() == 1)
		kunit_skip(test, "needs a second CPU");
	storm_init(test, &w->storm);
	migrate_disable();
	w->writer = smp_processor_id();
	on_each_cpu(fail_or_look, w, 1);
	migrate_enable();
	KUNIT_EXPECT_EQ(test, atomic_read(&w->storm.torn), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&w->reads), 0);
	nebula_error_flush();
	nebula_bump_destroy(w->storm.bump);
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
	KUNIT_CASE(error_report),
	KUNIT_CASE(error_report_is_cut),
	KUNIT_CASE(error_in_a_hard_interrupt),
	KUNIT_CASE(error_outlives_the_ring),
	KUNIT_CASE(error_storm),
	KUNIT_CASE(error_is_never_read_torn),
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
