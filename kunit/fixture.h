/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share: every test starts with a note of what is mapped and ends with the same,
 * errors are looked up in the allocator's own record, and memory handed out is checked by its
 * content.
 */
#ifndef _NEBULA_KUNIT_FIXTURE_H
#define _NEBULA_KUNIT_FIXTURE_H

#include <kunit/test.h>
#include <linux/prandom.h>
#include <nebula/nebula.h>
#include "../module/internal.h"

/* Random numbers are the same in every run. */
#define FIXTURE_SEED	0x6e6562756c61ULL

/**
 * struct fixture - per test
 * @before: what was mapped when the test began.
 * @random: for the test's use.
 */
struct fixture {
	struct nebula_region_totals before;
	struct rnd_state random;
};

int fixture_init(struct kunit *test);
void fixture_exit(struct kunit *test);

u32 fixture_random(struct kunit *test, u32 below);

/* Regions mapped now, over those at the beginning of the test; bytes likewise. */
s64 fixture_regions(struct kunit *test);
s64 fixture_region_bytes(struct kunit *test);

enum nebula_errc fixture_last_code(const struct nebula_allocator *a);

/* The newest error of an allocator has this code. */
#define EXPECT_ERROR(test, a, errc)								\
	KUNIT_EXPECT_STREQ(test, nebula_errc_name(fixture_last_code(nebula_allocator_of(a))),	\
			   nebula_errc_name(errc))

/* Content that is different for every object, so that overlap shows. */
void fixture_stamp(void *p, size_t size, u32 id);
bool fixture_stamped(const void *p, size_t size, u32 id);

#define ASSERT_BUMP(test, b)	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b)

#endif /* _NEBULA_KUNIT_FIXTURE_H */
