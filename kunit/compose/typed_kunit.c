// SPDX-License-Identifier: GPL-2.0-only
/*
 * Typed and generic allocation: each macro with each kind of allocator, then what only some kinds
 * can know.
 */
#include <linux/string.h>
#include "../../module/core/inject.h"
#include "../kinds.h"

struct item {
	u64 a;
	u32 b;
	u8 c[4];
};

struct point {
	int x;
	int y;
	char name[8];
	struct point *next;
};

struct message {
	u32 count;
	struct item items[] __counted_by(count);
};

struct line {
	u8 bytes[40];
} __aligned(64);

struct wide {
	u8 bytes[300];
} __aligned(256);

static void expect_item(struct kunit *test, struct item *p)
{
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)p, __alignof__(*p)));
	if (p)
		memset(p, 0xff, sizeof(*p));
}

/* The counter of a flexible array is set where the compiler can do that. */
static void expect_count(struct kunit *test, struct message *m, u32 count)
{
#ifdef __set_flex_counter
	if (__builtin_types_compatible_p(typeof(__flex_counter(m->items)), u32 *))
		KUNIT_EXPECT_EQ(test, m->count, count);
#endif
}

#define KIND bump
#include "typed_body.h"
#define KIND pool
#include "typed_body.h"
#define KIND stack
#include "typed_body.h"
#define KIND scratch
#include "typed_body.h"
#define KIND custom
#include "typed_body.h"
#define KIND composite
#include "typed_body.h"
#define KIND any_bump
#include "typed_body.h"
#define KIND any_pool
#include "typed_body.h"
#define KIND any_stack
#include "typed_body.h"
#define KIND any_scratch
#include "typed_body.h"
#define KIND any_custom
#include "typed_body.h"

/* Whatever does not fit a block is refused by name. */
static void typed_pool_refuses_what_fits_no_block(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("small", .block_size = 16, .blocks = 8);
	struct nebula_error err;

	ASSERT_POOL(test, p);
	KUNIT_EXPECT_NULL(test, nebula_alloc_obj(p, struct point));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_INVALID_LAYOUT);
	KUNIT_EXPECT_EQ(test, err.size, sizeof(struct point));
	KUNIT_EXPECT_STREQ(test, err.what, ".block_size");
	KUNIT_EXPECT_NULL(test, nebula_alloc(p, 16, 16));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_INVALID_LAYOUT);
	KUNIT_EXPECT_STREQ(test, err.what, ".align");
	KUNIT_EXPECT_NULL(test, nebula_new(p, struct point, .x = 1));
	KUNIT_EXPECT_NULL(test, nebula_alloc_objs(p, struct item, 2));
	KUNIT_EXPECT_NULL(test, nebula_alloc_flex(p, struct message, items, 1));
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 5ULL);
	expect_whole(test, p, 8);
	nebula_pool_destroy(p);
}

/* Freed as another type than it was allocated: noticed with debug flags, and nothing is lost. */
static void typed_stack_refuses_another_type(struct kunit *test)
{
	static const u32 flags[] = { 0, NEBULA_SHARED };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct nebula_stack *s = nebula_stack_create("typed", .capacity = SZ_16K,
							     .flags = flags[i],
							     .preset = NEBULA_DEVELOPMENT);
		struct item *p;

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
		p = nebula_alloc_obj(s, *p);
		KUNIT_ASSERT_NOT_NULL(test, p);
		nebula_free_obj(s, (struct point *)p);
		EXPECT_ERROR(test, s, NEBULA_E_INVALID_LAYOUT);
		nebula_free_objs(s, p, 2);
		nebula_free_objs(s, p, SIZE_MAX);
		nebula_free_obj(nebula_allocator_of(s), (u8 *)p);
		KUNIT_EXPECT_GE(test, nebula_stack_used(s), sizeof(*p));
		nebula_free_obj(s, p);
		KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
		KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
		nebula_stack_destroy(s);
	}
}

/* A pool knows of its blocks only how large they are, and only asks with debug flags. */
static void typed_pool_refuses_a_larger_type(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create_for("typed", struct item, 8,
						       .preset = NEBULA_DEVELOPMENT);
	struct nebula_pool *production = nebula_pool_create_for("typed", struct item, 8);
	struct item *obj;

	ASSERT_POOL(test, p);
	ASSERT_POOL(test, production);
	obj = nebula_alloc_obj(p, *obj);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	nebula_free_obj(p, (struct point *)obj);
	EXPECT_ERROR(test, p, NEBULA_E_INVALID_LAYOUT);
	nebula_free_objs(nebula_allocator_of(p), obj, 2);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_INVALID_LAYOUT), 2ULL);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 1U);
	nebula_free_obj(p, obj);
	expect_whole(test, p, 8);
	obj = nebula_alloc_obj(production, *obj);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	nebula_free_obj(production, (struct point *)obj);
	KUNIT_EXPECT_EQ(test, fixture_failed(production), 0ULL);
	expect_whole(test, production, 8);
	nebula_pool_destroy(production);
	nebula_pool_destroy(p);
}

/* With debug flags nothing is refused that should not be. */
static void typed_debug_accepts_what_is_right(struct kunit *test)
{
	struct nebula_stack *s = nebula_stack_create("typed", .capacity = SZ_16K,
						     .preset = NEBULA_DEVELOPMENT);
	struct item *v;
	struct line *l;
	struct message *m;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	v = nebula_zalloc_objs(s, *v, 9);
	l = nebula_alloc_obj(s, *l);
	m = nebula_alloc_flex(s, *m, items, 3);
	KUNIT_ASSERT_NOT_NULL(test, v);
	KUNIT_ASSERT_NOT_NULL(test, l);
	KUNIT_ASSERT_NOT_NULL(test, m);
	nebula_free_sized(s, m, struct_size(m, items, 3));
	nebula_free_obj(s, l);
	nebula_free_objs(s, v, 9);
	EXPECT_ERROR(test, s, NEBULA_OK);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	nebula_stack_destroy(s);
}

static void typed_pool_of_a_type(struct kunit *test)
{
	nebula_pool_of(struct line) lines, *handle = &lines;
	struct line *v[6], *more;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, nebula_pool_of_create(handle, "lines", ARRAY_SIZE(v),
						    .flags = NEBULA_STRICT), 0);
	KUNIT_EXPECT_EQ(test, lines.pool->block_size, sizeof(struct line));
	for (i = 0; i < ARRAY_SIZE(v); i++) {
		v[i] = i % 2 ? nebula_pool_of_alloc(handle++) : nebula_pool_of_zalloc(handle++);
		KUNIT_ASSERT_PTR_EQ(test, handle--, &lines + 1);
		KUNIT_ASSERT_NOT_NULL(test, v[i]);
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)v[i], 64));
		KUNIT_EXPECT_TRUE(test, i % 2 || !memchr_inv(v[i], 0, sizeof(*v[i])));
		fixture_stamp(v[i], sizeof(*v[i]), i);
	}
	more = nebula_pool_of_zalloc(handle);
	KUNIT_EXPECT_NULL(test, more);
	EXPECT_ERROR(test, lines.pool, NEBULA_E_POOL_EXHAUSTED);
	while (i--) {
		KUNIT_EXPECT_TRUE(test, fixture_stamped(v[i], sizeof(*v[i]), i));
		nebula_pool_of_free(handle, v[i]);
	}
	nebula_pool_of_free(handle, (typeof(handle->object))NULL);
	expect_whole(test, lines.pool, ARRAY_SIZE(v));
	nebula_pool_of_destroy(handle);
}

/* A handle of a pool that could not be made can be destroyed. */
static void typed_pool_of_a_type_fails(struct kunit *test)
{
	nebula_pool_of(struct item) items;
	unsigned int none = 0;

	OPTIMIZER_HIDE_VAR(none);
	KUNIT_EXPECT_EQ(test, nebula_pool_of_create(&items, "items", none), -EINVAL);
	nebula_pool_of_destroy(&items);
	nebula_fault_arm(1, UINT_MAX);
	KUNIT_EXPECT_EQ(test, nebula_pool_of_create(&items, "items", 8), -ENOMEM);
	nebula_fault_disarm();
	nebula_pool_of_destroy(&items);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(typed_bump),
	KUNIT_CASE(typed_pool),
	KUNIT_CASE(typed_stack),
	KUNIT_CASE(typed_scratch),
	KUNIT_CASE(typed_custom),
	KUNIT_CASE(typed_composite),
	KUNIT_CASE(typed_any_bump),
	KUNIT_CASE(typed_any_pool),
	KUNIT_CASE(typed_any_stack),
	KUNIT_CASE(typed_any_scratch),
	KUNIT_CASE(typed_any_custom),
	KUNIT_CASE(typed_pool_refuses_what_fits_no_block),
	KUNIT_CASE(typed_stack_refuses_another_type),
	KUNIT_CASE(typed_pool_refuses_a_larger_type),
	KUNIT_CASE(typed_debug_accepts_what_is_right),
	KUNIT_CASE(typed_pool_of_a_type),
	KUNIT_CASE(typed_pool_of_a_type_fails),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_typed",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
