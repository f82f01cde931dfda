// SPDX-License-Identifier: GPL-2.0-only
/*
 * What holds of an object wherever it comes from: all of it may be used, the byte before it and the
 * bytes behind it may not, and nothing of it when it was given back. One access, one report.
 *
 * Counts are compared only after the allocator was left: in between a CPU may be held.
 */
#include <linux/slab.h>
#include "../../module/core/allocator.h"
#include "../../module/core/kasan.h"
#include "reports.h"
#include "shapes.h"

KUNIT_ARRAY_PARAM(shapes, shapes, shape_describe);

/* Bytes behind an object that are no other object's in any case. */
static size_t behind(size_t size)
{
	return ALIGN(size, NEBULA_KASAN_GRANULE) + NEBULA_KASAN_GRANULE - size;
}

static void objects_may_be_used(struct kunit *test)
{
	struct nebula_allocator *a = shape_create(test, test->param_value);
	unsigned int reports = 0, missing = 0;
	size_t size;
	void *p;

	for (size = 1; size <= SHAPE_BLOCK; size++) {
		shape_enter(a);
		p = nebula_allocator_alloc(a, size, 1);
		if (p) {
			reports += reports_within(p, size);
			shape_give_back(a, p, size);
		} else {
			missing++;
		}
		shape_leave(a);
	}
	KUNIT_EXPECT_EQ(test, missing, 0U);
	KUNIT_EXPECT_EQ(test, reports, 0U);
	KUNIT_EXPECT_EQ(test, nebula_allocator_validate(a), 0);
	shape_destroy(a);
	/* Nor did any of our own accesses. */
	KUNIT_EXPECT_EQ(test, reports_so_far(), 0U);
}

static void neighbours_may_not(struct kunit *test)
{
	static const size_t sizes[] = { 1, 8, 13, SHAPE_BLOCK };
	struct nebula_allocator *a = shape_create(test, test->param_value);
	unsigned int before = 0, after = 0, readable = 0, missing = 0, i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		shape_enter(a);
		p = nebula_allocator_alloc(a, sizes[i], 1);
		if (p) {
			before += reports_of_read(p - 1);
			after += reports_of_read(p + sizes[i]);
			readable += readable_within(p + sizes[i], behind(sizes[i]));
			shape_give_back(a, p, sizes[i]);
		} else {
			missing++;
		}
		shape_leave(a);
	}
	KUNIT_EXPECT_EQ(test, missing, 0U);
	KUNIT_EXPECT_EQ(test, before, (unsigned int)ARRAY_SIZE(sizes));
	KUNIT_EXPECT_EQ(test, after, (unsigned int)ARRAY_SIZE(sizes));
	KUNIT_EXPECT_EQ(test, readable, 0U);
	shape_destroy(a);
}

static void one_byte_written_behind_is_one_report(struct kunit *test)
{
	struct nebula_allocator *a = shape_create(test, test->param_value);
	unsigned int reports = 0;
	void *p;

	shape_enter(a);
	p = nebula_allocator_alloc(a, 13, 1);
	if (p) {
		reports = reports_of_write(p + 13);
		shape_give_back(a, p, 13);
	}
	shape_leave(a);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, reports, 1U);
	shape_destroy(a);
}

static void objects_given_back_may_not(struct kunit *test)
{
	struct nebula_allocator *a = shape_create(test, test->param_value);
	unsigned int reports = 0, readable = 1;
	void *p;

	shape_enter(a);
	p = nebula_allocator_alloc(a, 40, 1);
	if (p) {
		shape_give_back(a, p, 40);
		reports = reports_of_read(p) + reports_of_write(p + 39);
		readable = readable_within(p, 40);
	}
	shape_leave(a);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, reports, 2U);
	KUNIT_EXPECT_EQ(test, readable, 0U);
	shape_destroy(a);
}

/* Also by what was never handed out. */
static void free_memory_may_not(struct kunit *test)
{
	struct nebula_allocator *a = shape_create(test, test->param_value);
	unsigned int readable = 1;
	void *p;

	shape_enter(a);
	p = nebula_allocator_alloc(a, SHAPE_BLOCK, 1);
	if (p) {
		readable = readable_within(p + SHAPE_BLOCK, 512);
		shape_give_back(a, p, SHAPE_BLOCK);
	}
	shape_leave(a);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, readable, 0U);
	shape_destroy(a);
}

static void memory_comes_back_usable(struct kunit *test)
{
	struct nebula_allocator *a = shape_create(test, test->param_value);
	unsigned int reports = 0, turn;
	void *p;

	for (turn = 0; turn < 3; turn++) {
		shape_enter(a);
		p = nebula_allocator_alloc(a, 20 + turn, 1);
		if (p) {
			reports += reports_within(p, 20 + turn);
			shape_give_back(a, p, 20 + turn);
		}
		shape_leave(a);
	}
	KUNIT_EXPECT_EQ(test, reports, 0U);
	shape_destroy(a);
}

/* With the module parameter off, nothing of all this. */
static void kasan_can_be_left_out(struct kunit *test)
{
	const bool was = nebula_kasan_override(false);
	struct nebula_allocator *a = shape_create(test, test->param_value);
	unsigned int reports = 0;
	void *p;

	nebula_kasan_override(was);
	shape_enter(a);
	p = nebula_allocator_alloc(a, 40, 1);
	if (p) {
		reports = reports_of_read(p + 40);
		shape_give_back(a, p, 40);
		reports += reports_of_read(p);
	}
	shape_leave(a);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, reports, 0U);
	shape_destroy(a);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(objects_may_be_used, shapes_gen_params),
	KUNIT_CASE_PARAM(neighbours_may_not, shapes_gen_params),
	KUNIT_CASE_PARAM(one_byte_written_behind_is_one_report, shapes_gen_params),
	KUNIT_CASE_PARAM(objects_given_back_may_not, shapes_gen_params),
	KUNIT_CASE_PARAM(free_memory_may_not, shapes_gen_params),
	KUNIT_CASE_PARAM(memory_comes_back_usable, shapes_gen_params),
	KUNIT_CASE_PARAM(kasan_can_be_left_out, shapes_gen_params),
	{}
};

static struct kunit_suite suite = {
	.name = "nebula_kasan_objects",
	.init = reports_init,
	.exit = reports_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit suites of what KASAN sees of nebula_memory");
