// SPDX-License-Identifier: GPL-2.0-only
/*
 * Composites: who serves, who gets back what is freed, and what can be made of what.
 */
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/string.h>
#include "../../module/core/inject.h"
#include "../files.h"
#include "../fixture.h"
#include "ring.h"

struct item {
	u8 bytes[64];
};

static struct nebula_pool *pool_of(struct kunit *test, const char *name, unsigned int blocks)
{
	struct nebula_pool *p = nebula_pool_create_for(name, struct item, blocks,
						       .flags = NEBULA_STRICT);

	ASSERT_POOL(test, p);
	return p;
}

static struct nebula_bump *bump_of(struct kunit *test, size_t capacity)
{
	struct nebula_bump *b = nebula_bump_create("arena", .capacity = capacity);

	ASSERT_BUMP(test, b);
	return b;
}

static struct nebula_allocator *fallback_of(struct kunit *test, struct nebula_pool *first,
					    struct nebula_pool *second)
{
	struct nebula_allocator *a = nebula_fallback_create("chain", first, second);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	return a;
}

/* In the order of the parts; each gets back its own, and is asked first again. */
static void compose_falls_back(struct kunit *test)
{
	struct nebula_pool *first = pool_of(test, "first", 2), *second = pool_of(test, "second", 3);
	struct nebula_allocator *a = fallback_of(test, first, second);
	struct item *v[5];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		v[i] = nebula_alloc_obj(a, *v[i]);
		KUNIT_ASSERT_NOT_NULL(test, v[i]);
		fixture_stamp(v[i], sizeof(*v[i]), i);
		KUNIT_EXPECT_EQ(test, nebula_owns(first, v[i]), i < 2);
		KUNIT_EXPECT_EQ(test, nebula_owns(second, v[i]), i >= 2);
		KUNIT_EXPECT_TRUE(test, nebula_owns(a, v[i]));
	}
	KUNIT_EXPECT_EQ(test, fixture_failures(first, NEBULA_E_POOL_EXHAUSTED), 3ULL);
	EXPECT_ERROR(test, a, NEBULA_OK);
	nebula_free_obj(a, v[1]);
	nebula_free_obj(a, v[4]);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(first), 1U);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(second), 2U);
	v[1] = nebula_alloc_obj(a, *v[1]);
	KUNIT_EXPECT_TRUE(test, nebula_owns(first, v[1]));
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_TRUE(test, i == 1 || fixture_stamped(v[i], sizeof(*v[i]), i));
		nebula_free_obj(a, v[i]);
	}
	nebula_composite_destroy(a);
	expect_whole(test, first, 2);
	expect_whole(test, second, 3);
	nebula_pool_destroy(second);
	nebula_pool_destroy(first);
}

/* All parts refuse: the last one says why, and the composite that there was no other. */
static void compose_is_exhausted(struct kunit *test)
{
	struct nebula_pool *first = pool_of(test, "first", 1), *second = pool_of(test, "second", 1);
	struct nebula_allocator *a = fallback_of(test, first, second);
	struct item *one = nebula_alloc_obj(a, *one), *two = nebula_alloc_obj(a, *two);
	struct nebula_error err;
	struct nebula_stats st;

	KUNIT_ASSERT_NOT_NULL(test, two);
	KUNIT_EXPECT_NULL(test, nebula_alloc_obj(a, struct item));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(a, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_EQ(test, err.kind, NEBULA_KIND_FALLBACK);
	KUNIT_EXPECT_EQ(test, err.size, sizeof(struct item));
	KUNIT_EXPECT_STREQ(test, err.name, "chain");
	KUNIT_EXPECT_EQ(test, err.used, 2 * sizeof(struct item));
	EXPECT_ERROR(test, first, NEBULA_OK);
	KUNIT_EXPECT_EQ(test, fixture_failures(first, NEBULA_E_POOL_EXHAUSTED), 2ULL);
	EXPECT_ERROR(test, second, NEBULA_E_POOL_EXHAUSTED);
	nebula_stats_read(a, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, 2ULL);
	KUNIT_EXPECT_EQ(test, st.live, 2ULL);
	KUNIT_EXPECT_EQ(test, st.failed, 1ULL);
	KUNIT_EXPECT_EQ(test, st.bytes_in, 2ULL * sizeof(struct item));
	KUNIT_EXPECT_EQ(test, st.used, 2ULL * sizeof(struct item));
	KUNIT_EXPECT_EQ(test, st.capacity, 2ULL * sizeof(struct item));
	KUNIT_EXPECT_EQ(test, st.utilisation, 1000U);
	nebula_free_obj(a, one);
	one = nebula_alloc_obj(a, *one);
	KUNIT_EXPECT_TRUE(test, nebula_owns(first, one));
	nebula_free_obj(a, two);
	nebula_free_obj(a, one);
	nebula_stats_read(a, &st);
	KUNIT_EXPECT_EQ(test, st.live, 0ULL);
	nebula_composite_destroy(a);
	nebula_pool_destroy(second);
	nebula_pool_destroy(first);
}

/* What is wrong with a pointer is for its owner to say; what has no owner is foreign. */
static void compose_refuses_frees(struct kunit *test)
{
	struct nebula_pool *first = pool_of(test, "first", 2), *second = pool_of(test, "second", 2);
	struct nebula_pool *other = pool_of(test, "other", 1);
	struct nebula_allocator *a = fallback_of(test, first, second);
	u8 *p = nebula_alloc(a, 64, 1), *foreign = nebula_pool_alloc(other), mine;
	struct nebula_stats st;

	KUNIT_ASSERT_NOT_NULL(test, p);
	nebula_free(a, p + 1);
	EXPECT_ERROR(test, first, NEBULA_E_MISALIGNED_POINTER);
	EXPECT_ERROR(test, a, NEBULA_OK);
	nebula_free(a, &mine);
	EXPECT_ERROR(test, a, NEBULA_E_FOREIGN_POINTER);
	nebula_free(a, foreign);
	nebula_free(a, (void *)24);
	nebula_free(a, ERR_PTR(-ENOMEM));
	nebula_free(a, NULL);
	nebula_free(a, ZERO_SIZE_PTR);
	nebula_stats_read(a, &st);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_FOREIGN_POINTER], 4ULL);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(first), 1U);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(other), 1U);
	nebula_free(a, p);
	nebula_free(a, p);
	EXPECT_ERROR(test, first, NEBULA_E_DOUBLE_FREE);
	nebula_pool_free(other, foreign);
	nebula_composite_destroy(a);
	nebula_pool_destroy(other);
	nebula_pool_destroy(second);
	nebula_pool_destroy(first);
}

/* A fast pool, a larger one when that is used up, and the kernel's as last resort; and back. */
static void compose_degrades_and_recovers(struct kunit *test)
{
	struct nebula_pool *fast = pool_of(test, "fast", 4), *spare = pool_of(test, "spare", 8);
	struct nebula_allocator *system = nebula_system_allocator();
	struct nebula_allocator *a = nebula_fallback_create("graceful", fast, spare, system);
	struct item *v[20];
	const char *text;
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	for (i = 0; i < ARRAY_SIZE(v); i++) {
		v[i] = nebula_zalloc_obj(a, *v[i]);
		KUNIT_ASSERT_NOT_NULL(test, v[i]);
		KUNIT_EXPECT_EQ(test, nebula_owns(system, v[i]), i >= 12);
	}
	text = files_text(test, "graceful", "info");
	EXPECT_TEXT(test, text, "\nparts: 3\n");
	EXPECT_TEXT(test, text, "\npart name kind hits share\n");
	EXPECT_TEXT(test, text, "\n1 fast pool 4 20.0%\n");
	EXPECT_TEXT(test, text, "\n2 spare pool 8 40.0%\n");
	EXPECT_TEXT(test, text, "\n3 system ");
	for (i = 0; i < ARRAY_SIZE(v); i += 2)
		nebula_free_obj(a, v[i]);
	for (i = 0; i < 6; i++) {
		v[2 * i] = nebula_alloc_obj(a, struct item);
		KUNIT_EXPECT_FALSE(test, nebula_owns(system, v[2 * i]));
	}
	KUNIT_EXPECT_EQ(test, nebula_pool_used(fast), 4U);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(spare), 8U);
	for (i = 0; i < ARRAY_SIZE(v); i++)
		if (i < 12 || i % 2)
			nebula_free_obj(a, v[i]);
	EXPECT_ERROR(test, a, NEBULA_OK);
	nebula_composite_destroy(a);
	expect_whole(test, spare, 8);
	expect_whole(test, fast, 4);
	nebula_pool_destroy(spare);
	nebula_pool_destroy(fast);
}

/* Up to the threshold the small part serves, beyond it the large one; neither for the other. */
static void compose_splits(struct kunit *test)
{
	struct nebula_pool *small = pool_of(test, "small", 2);
	struct nebula_bump *large = bump_of(test, SZ_4K);
	struct nebula_allocator *a = nebula_split_create("split", 64, small, large);
	void *one, *exact, *more;
	const char *text;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	one = nebula_alloc(a, 1, 1);
	more = nebula_alloc(a, 65, 1);
	exact = nebula_alloc(a, 64, 1);
	KUNIT_EXPECT_TRUE(test, nebula_owns(small, one));
	KUNIT_EXPECT_TRUE(test, nebula_owns(small, exact));
	KUNIT_EXPECT_TRUE(test, nebula_owns(large, more));
	KUNIT_EXPECT_PTR_EQ(test, nebula_alloc(a, 0, 1), ZERO_SIZE_PTR);
	KUNIT_EXPECT_NULL(test, nebula_alloc(a, 64, 1));
	EXPECT_ERROR(test, a, NEBULA_E_OUT_OF_MEMORY);
	EXPECT_ERROR(test, small, NEBULA_E_POOL_EXHAUSTED);
	EXPECT_ERROR(test, large, NEBULA_OK);
	KUNIT_EXPECT_NULL(test, nebula_alloc(a, SZ_8K, 1));
	EXPECT_ERROR(test, large, NEBULA_E_OUT_OF_MEMORY);
	text = files_text(test, "split", "info");
	EXPECT_TEXT(test, text, "\nkind: split\n");
	EXPECT_TEXT(test, text, "\nthreshold: 64\n");
	EXPECT_TEXT(test, text, "\n1 small pool 2 66.6%\n");
	EXPECT_TEXT(test, text, "\n2 arena bump 1 33.3%\n");
	nebula_free(a, more);
	nebula_free(a, exact);
	nebula_free(a, one);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(small), 0U);
	nebula_composite_destroy(a);
	nebula_bump_destroy(large);
	nebula_pool_destroy(small);
}

/* Thresholds at the ends: everything goes to one part. */
static void compose_splits_at_the_ends(struct kunit *test)
{
	static const size_t thresholds[] = { 0, SIZE_MAX };
	struct nebula_bump *small = bump_of(test, SZ_4K), *large = bump_of(test, SZ_4K);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(thresholds); i++) {
		struct nebula_allocator *a =
			nebula_split_create("split", thresholds[i], small, large);

		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
		KUNIT_EXPECT_EQ(test, nebula_owns(small, nebula_alloc(a, 1, 1)), i == 1);
		KUNIT_EXPECT_EQ(test, nebula_owns(small, nebula_alloc(a, 2000, 1)), i == 1);
		nebula_composite_destroy(a);
	}
	nebula_bump_destroy(large);
	nebula_bump_destroy(small);
}

/* As deep as is allowed, through every level to the parts; one more is refused. */
static void compose_nests(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, "leaf", 1);
	struct nebula_bump *b = bump_of(test, SZ_4K);
	struct nebula_allocator *a[NEBULA_NESTING_MAX + 1], *system = nebula_system_allocator();
	struct nebula_error err;
	struct item *obj;
	unsigned int i;

	fixture_listen(test);
	a[0] = nebula_fallback_create("level", p, b);
	for (i = 1; i < ARRAY_SIZE(a); i++) {
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a[i - 1]);
		a[i] = i % 2 ? nebula_split_create("level", 64, a[i - 1], system)
			     : nebula_fallback_create("level", system, a[i - 1]);
	}
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(a[--i]), -E2BIG);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_EXCEEDS_MAX, &err), 1U);
	KUNIT_EXPECT_STREQ(test, err.what, "nesting");
	obj = nebula_alloc_obj(a[1], *obj);
	KUNIT_EXPECT_TRUE(test, nebula_owns(p, obj));
	KUNIT_EXPECT_TRUE(test, nebula_owns(a[3], obj));
	nebula_free_obj(a[3], obj);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	/* None is taken away under another. */
	for (i = 0; i < 3; i++) {
		nebula_composite_destroy(a[i]);
		EXPECT_ERROR(test, a[i], NEBULA_E_INVALID_STATE);
	}
	for (i = NEBULA_NESTING_MAX; i--;)
		nebula_composite_destroy(a[i]);
	nebula_bump_destroy(b);
	nebula_pool_destroy(p);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_STATE, NULL), 3U);
}

static void expect_refused(struct kunit *test, struct nebula_allocator *a, int err,
			   enum nebula_errc code, const char *what)
{
	struct nebula_error newest;

	KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(a), err, "%s", what);
	KUNIT_EXPECT_GT(test, fixture_heard(code, &newest), 0U);
	KUNIT_EXPECT_STREQ(test, newest.what, what);
}

#define expect_no_part(test, a, err)	\
	expect_refused(test, a, err, NEBULA_E_INVALID_CONFIG, "invalid part")

static void compose_refuses_parts(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, "part", 1), *no_pool = ERR_PTR(-ENOMEM), *null = NULL;
	struct nebula_allocator *a = nebula_allocator_of(p), *system = nebula_system_allocator();
	struct nebula_allocator *no_any = ERR_PTR(-EAGAIN);
	struct nebula_bump *no_bump = ERR_PTR(-EOVERFLOW), embedded;
	struct nebula_allocator *parts[5] = { a, system, NULL, a, system };
	u8 space[64];

	nebula_bump_init(&embedded, space, sizeof(space));
	ring_reset();
	fixture_listen(test);
	expect_refused(test, nebula_fallback_create("x", p, p), -EINVAL, NEBULA_E_INVALID_CONFIG,
		       "duplicate part");
	expect_refused(test, nebula_fallback_create("x", system, p, a), -EINVAL,
		       NEBULA_E_INVALID_CONFIG, "duplicate part");
	expect_refused(test, nebula_split_create("x", 8, system, system), -EINVAL,
		       NEBULA_E_INVALID_CONFIG, "duplicate part");
	expect_no_part(test, nebula_fallback_create("x", p, &ring), -EINVAL);
	expect_no_part(test, nebula_fallback_create("x", &embedded, p), -EINVAL);
	expect_refused(test, nebula_fallback_create_of("x", NULL, 2, NEBULA_ABI, THIS_MODULE),
		       -EINVAL, NEBULA_E_INVALID_CONFIG, "number of parts");
	expect_refused(test, nebula_fallback_create_of("x", parts, 1, NEBULA_ABI, THIS_MODULE),
		       -EINVAL, NEBULA_E_INVALID_CONFIG, "number of parts");
	expect_refused(test, nebula_fallback_create_of("x", parts, 5, NEBULA_ABI, THIS_MODULE),
		       -EINVAL, NEBULA_E_INVALID_CONFIG, "number of parts");
	expect_refused(test, nebula_fallback_create("a/b", p, system), -EINVAL,
		       NEBULA_E_INVALID_CONFIG, "name");
	KUNIT_EXPECT_EQ(test, PTR_ERR(nebula_fallback_create_of("x", parts, 2, NEBULA_ABI + 1,
								THIS_MODULE)), -ENOEXEC);
	/* What create returned when it failed, of any kind: that is why there is no composite. */
	expect_no_part(test, nebula_fallback_create("x", p, no_bump), -EOVERFLOW);
	expect_no_part(test, nebula_fallback_create("x", no_pool, p), -ENOMEM);
	expect_no_part(test, nebula_fallback_create("x", p, null, no_any), -EAGAIN);
	expect_no_part(test, nebula_split_create("x", 64, null, p), -EINVAL);
	expect_no_part(test, nebula_split_create("x", 64, p, no_pool), -ENOMEM);
	/* None of all these holds the part. */
	nebula_pool_destroy(p);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_STATE, NULL), 0U);
}

/* A part is there as long as the composite, and works on when its end was refused. */
static void compose_keeps_its_parts(struct kunit *test)
{
	struct nebula_bump *b = bump_of(test, SZ_4K);
	struct nebula_pool *p = pool_of(test, "pool", 1);
	struct nebula_stack *s = nebula_stack_create("stack", .capacity = SZ_4K);
	struct nebula_scratch *t = nebula_scratch_create("scratch", .per_cpu_size = SZ_4K);
	struct nebula_allocator *a, *other;
	void *obj;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, t);
	a = nebula_fallback_create("whole", p, b, s, t);
	other = nebula_fallback_create("other", s, p);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	nebula_bump_destroy(b);
	nebula_pool_destroy(p);
	nebula_stack_destroy(s);
	nebula_scratch_destroy(t);
	EXPECT_ERROR(test, b, NEBULA_E_INVALID_STATE);
	EXPECT_ERROR(test, p, NEBULA_E_INVALID_STATE);
	EXPECT_ERROR(test, s, NEBULA_E_INVALID_STATE);
	EXPECT_ERROR(test, t, NEBULA_E_INVALID_STATE);
	obj = nebula_alloc(a, 64, 1);
	KUNIT_EXPECT_TRUE(test, nebula_owns(p, obj));
	KUNIT_EXPECT_TRUE(test, nebula_owns(b, nebula_alloc(a, 64, 1)));
	KUNIT_EXPECT_TRUE(test, nebula_owns(s, nebula_alloc(other, 64, 1)));
	nebula_free(a, obj);
	nebula_composite_destroy(a);
	/* Two of them are still parts of the other one. */
	nebula_stack_destroy(s);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_INVALID_STATE), 1ULL);
	nebula_pool_destroy(p);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_INVALID_STATE), 2ULL);
	nebula_scratch_destroy(t);
	nebula_bump_destroy(b);
	nebula_composite_destroy(other);
	nebula_stack_destroy(s);
	nebula_pool_destroy(p);
}

/* Every step fails once, and no part is held by what was never made. */
static void compose_unwinds_each_step(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, "part", 1);
	struct nebula_bump *b = bump_of(test, SZ_4K);
	struct nebula_allocator *a;
	unsigned int step = 0, seen;
	struct nebula_error err;

	fixture_listen(test);
	do {
		nebula_fault_arm(++step, 1);
		a = nebula_fallback_create("step", p, b);
		seen = nebula_fault_disarm();
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(a), seen >= step ? -ENOMEM : 0);
	} while (IS_ERR(a) && step < 10);
	KUNIT_EXPECT_EQ(test, step, 4U);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_BACKING_FAILED, &err), 3U);
	KUNIT_EXPECT_EQ(test, err.kind, NEBULA_KIND_FALLBACK);
	nebula_composite_destroy(a);
	nebula_bump_destroy(b);
	nebula_pool_destroy(p);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_STATE, NULL), 0U);
}

static void compose_in_atomic_context(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, "part", 4), *q = pool_of(test, "spare", 4);
	struct nebula_allocator *a = fallback_of(test, p, q), *refused;
	unsigned long flags;
	void *obj;

	local_irq_save(flags);
	refused = nebula_fallback_create("x", p, q);
	nebula_composite_destroy(a);
	obj = nebula_alloc_obj(a, struct item);
	nebula_free(a, obj);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(refused), -EPERM);
	EXPECT_ERROR(test, a, NEBULA_E_WRONG_CONTEXT);
	KUNIT_EXPECT_NOT_NULL(test, obj);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	nebula_composite_destroy(a);
	nebula_pool_destroy(q);
	nebula_pool_destroy(p);
}

/* Only composites are destroyed as such. */
static void compose_destroys_composites_only(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, "pool", 2);

	nebula_composite_destroy(NULL);
	nebula_composite_destroy(ERR_PTR(-ENOMEM));
	nebula_composite_destroy(nebula_allocator_of(p));
	EXPECT_ERROR(test, p, NEBULA_E_INVALID_STATE);
	nebula_composite_destroy(nebula_system_allocator());
	EXPECT_ERROR(test, nebula_system_allocator(), NEBULA_E_INVALID_STATE);
	expect_whole(test, p, 2);
	nebula_pool_destroy(p);
}

/* A part that cannot serve here counts that, and the next one is asked. */
static void compose_of_scratch(struct kunit *test)
{
	struct nebula_scratch *t = nebula_scratch_create("scratch", .per_cpu_size = SZ_4K);
	struct nebula_bump *b = bump_of(test, SZ_4K);
	struct nebula_allocator *a;
	struct nebula_stats st;
	void *p;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, t);
	a = nebula_fallback_create("chain", t, b);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	preempt_disable();
	p = nebula_alloc(a, 64, 8);
	KUNIT_EXPECT_TRUE(test, nebula_owns(t, p));
	nebula_free(a, p);
	EXPECT_ERROR(test, t, NEBULA_OK);
	preempt_enable();
	if (IS_ENABLED(CONFIG_PREEMPT_COUNT)) {
		p = nebula_alloc(a, 64, 8);
		KUNIT_EXPECT_TRUE(test, nebula_owns(b, p));
		nebula_stats_read(t, &st);
		KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_WRONG_CONTEXT], 1ULL);
		EXPECT_ERROR(test, t, NEBULA_OK);
		EXPECT_ERROR(test, a, NEBULA_OK);
	}
	nebula_composite_destroy(a);
	nebula_bump_destroy(b);
	nebula_scratch_destroy(t);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(compose_falls_back),
	KUNIT_CASE(compose_is_exhausted),
	KUNIT_CASE(compose_refuses_frees),
	KUNIT_CASE(compose_degrades_and_recovers),
	KUNIT_CASE(compose_splits),
	KUNIT_CASE(compose_splits_at_the_ends),
	KUNIT_CASE(compose_nests),
	KUNIT_CASE(compose_refuses_parts),
	KUNIT_CASE(compose_keeps_its_parts),
	KUNIT_CASE(compose_unwinds_each_step),
	KUNIT_CASE(compose_in_atomic_context),
	KUNIT_CASE(compose_destroys_composites_only),
	KUNIT_CASE(compose_of_scratch),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_compose",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
