/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accesses that KASAN may report, and how many reports they cause. Each report names the function
 * kasan_touch_read() or kasan_touch_write(): the guest script expects these and no other.
 */
#ifndef _NEBULA_KUNIT_KASAN_REPORTS_H
#define _NEBULA_KUNIT_KASAN_REPORTS_H

#include <kunit/test.h>
#include <linux/types.h>

/* For suites: listen to KASAN. Skipped where it reports once only. */
int reports_init(struct kunit *test);
void reports_exit(struct kunit *test);

/* Reports that a read, or a write of the byte that is there, at @p causes. Any context. */
unsigned int reports_of_read(const void *p);
unsigned int reports_of_write(void *p);

/* The same of all bytes, read and written, added up: 0 means that all of it is in use. */
unsigned int reports_within(void *p, size_t size);

/* Bytes of @size from @p on of which a read would be no report: as the shadow says. */
unsigned int readable_within(const void *p, size_t size);

/* Reports of any code since the test began. */
unsigned int reports_so_far(void);

#endif /* _NEBULA_KUNIT_KASAN_REPORTS_H */
