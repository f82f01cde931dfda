// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners: an allocator belongs to the module that made it. One is left behind on purpose: when this
 * module is unloaded, nebula_memory has to report it as a leak and to take it down. Whoever boots
 * these suites looks for that afterwards.
 */
#include "fixture.h"

#define LEFT_BEHIND	"left-behind"

static void owner_leaves_one_behind(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create(LEFT_BEHIND, .capacity = SZ_64K,
						   .backing = NEBULA_VMALLOC,
						   .flags = NEBULA_SHARED | NEBULA_GROW);

	ASSERT_BUMP(test, b);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(owner_leaves_one_behind),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_owner",
	.test_cases = cases,
};

kunit_test_suite(suite);
