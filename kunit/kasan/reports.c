// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counting what KASAN reports, by the event with which each report ends. A report fails the KUnit
 * test of the task that causes it, so the task has none while it touches memory.
 */
#include <linux/atomic.h>
#include <linux/kasan.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <trace/events/error_report.h>
#include "reports.h"

static atomic_t reports;

static void note_report(void *unused, enum error_detector detector, unsigned long addr)
{
	if (detector == ERROR_DETECTOR_KASAN)
		atomic_inc(&reports);
}

unsigned int reports_so_far(void)
{
	return atomic_read(&reports);
}

static noinline u8 kasan_touch_read(const u8 *p)
{
	return READ_ONCE(*p);
}

static noinline void kasan_touch_write(u8 *p, u8 value)
{
	WRITE_ONCE(*p, value);
}

/* What is there, without a report. */
static __no_sanitize_address noinline u8 peek(const u8 *p)
{
	return READ_ONCE(*p);	/* or the compiler may have the caller read it */
}

static unsigned int reports_of(void *p, bool write)
{
	const unsigned int before = reports_so_far();
	struct kunit *test = current->kunit_test;

	current->kunit_test = NULL;
	if (write)
		kasan_touch_write(p, peek(p));
	else
		kasan_touch_read(p);
	current->kunit_test = test;
	return reports_so_far() - before;
}

unsigned int reports_of_read(const void *p)
{
	return reports_of((void *)p, false);
}

unsigned int reports_of_write(void *p)
{
	return reports_of(p, true);
}

unsigned int reports_within(void *p, size_t size)
{
	unsigned int sum = 0;
	size_t i;

	for (i = 0; i < size; i++)
		sum += reports_of_read(p + i) + reports_of_write(p + i);
	return sum;
}

unsigned int readable_within(const void *p, size_t size)
{
	unsigned int sum = 0;
	s8 shadow;

	for (; size; size--, p++) {
		shadow = peek(kasan_mem_to_shadow(p));
		sum += !shadow || (s8)((unsigned long)p % BIT(KASAN_SHADOW_SCALE_SHIFT)) < shadow;
	}
	return sum;
}

/* Does each access get its report, not only the first since the boot? */
static bool reports_repeat(void)
{
	u8 *p = kmalloc(13, GFP_KERNEL);
	unsigned int n = 0;

	if (p)
		n = reports_of_read(p + 13) + reports_of_read(p + 13);
	kfree(p);
	return n == 2;
}

int reports_init(struct kunit *test)
{
	static bool repeat;
	int err = register_trace_error_report_end(note_report, NULL);

	if (err)
		return err;
	repeat = repeat || reports_repeat();
	if (!repeat) {
		unregister_trace_error_report_end(note_report, NULL);
		kunit_skip(test, "KASAN reports once only: boot with kasan_multi_shot");
	}
	atomic_set(&reports, 0);
	return 0;
}

void reports_exit(struct kunit *test)
{
	unregister_trace_error_report_end(note_report, NULL);
	tracepoint_synchronize_unregister();
}
