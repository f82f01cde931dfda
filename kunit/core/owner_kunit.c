// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners: an allocator belongs to the module that made it. Some are left behind on purpose: when
 * this module is unloaded, nebula_memory has to report them as leaks, and to take down those that
 * no other module needs. The guest that runs these suites checks that afterwards.
 */
#include <linux/notifier.h>
#include "../fixture.h"
#include "../unload/neighbour.h"

static void owner_leaves_one_behind(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("left-behind", .capacity = SZ_64K,
						   .backing = NEBULA_VMALLOC,
						   .flags = NEBULA_SHARED | NEBULA_GROW);

	ASSERT_BUMP(test, b);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
}

/* With NEBULA_TRACK the report says where the objects were allocated. */
static void owner_leaves_tracked_objects_behind(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("left-bump", .capacity = SZ_64K,
						   .flags = NEBULA_TRACK);
	struct nebula_stack *s = nebula_stack_create("left-stack", .capacity = SZ_64K,
						     .flags = NEBULA_TRACK);
	unsigned int i;

	ASSERT_BUMP(test, b);
	ASSERT_STACK(test, s);
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
		KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(s, 64, 8));
	}
}

/* A pool that another module has made a composite of, and one that it has a block of. */
static void owner_leaves_behind_what_others_need(struct kunit *test)
{
	struct nebula_pool *adopted = nebula_pool_create("left-adopted", .block_size = 64,
							 .blocks = 10);
	struct nebula_pool *lending = nebula_pool_create("left-lending", .block_size = 64,
							 .blocks = 10, .flags = NEBULA_TRACK);

	ASSERT_POOL(test, adopted);
	ASSERT_POOL(test, lending);
	KUNIT_EXPECT_EQ(test, nebula_neighbour_adopt(adopted), 0);
	KUNIT_EXPECT_EQ(test, nebula_neighbour_borrow(lending), 0);
	KUNIT_EXPECT_NOT_NULL(test, nebula_pool_alloc(lending));
}

static int deaf(struct notifier_block *nb, unsigned long code, void *data)
{
	return NOTIFY_DONE;
}

static struct notifier_block left_listener = { .notifier_call = deaf };

/* It would be called after its code has gone. */
static void owner_leaves_a_listener_behind(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, nebula_error_notifier_register(&left_listener), 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(owner_leaves_one_behind),
	KUNIT_CASE(owner_leaves_tracked_objects_behind),
	KUNIT_CASE(owner_leaves_behind_what_others_need),
	KUNIT_CASE(owner_leaves_a_listener_behind),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_owner",
	.test_cases = cases,
};

kunit_test_suite(suite);
