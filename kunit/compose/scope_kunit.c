// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scopes: whatever way they are left, what they hold is given back, once.
 */
#include <linux/cleanup.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include "../../module/core/chunk.h"
#include "../../module/core/inject.h"
#include "../kinds.h"
#include "../worker.h"

struct item {
	u64 a;
	u8 b[24];
};

struct huge {
	u8 bytes[SZ_1G];
};

enum way {
	BY_THE_END = 0,
	BY_BREAK,
	BY_CONTINUE,
	BY_RETURN,
	BY_GOTO,
	WAYS
};

static struct nebula_stats stats_of(const struct nebula_allocator *a)
{
	struct nebula_stats st;

	nebula_stats_read(a, &st);
	return st;
}

static u64 used_of(const struct nebula_allocator *a)
{
	return stats_of(a).used;
}

static u64 live_of(const struct nebula_allocator *a)
{
	return stats_of(a).live;
}

#define used_by(x)	used_of(nebula_allocator_of(x))
#define live_in(x)	live_of(nebula_allocator_of(x))

#define KIND bump
#define MODES { 0, NEBULA_DEBUG_FLAGS }
#include "scope_guard_body.h"
#define KIND stack
#define MODES { 0, NEBULA_DEBUG_FLAGS, NEBULA_SHARED, NEBULA_SHARED | NEBULA_DEBUG_FLAGS }
#include "scope_guard_body.h"

#define KIND bump
#define WITH(name) nebula_with_bump(name, SZ_4K)
#include "scope_with_body.h"
#define KIND stack
#define WITH(name) nebula_with_stack(name, SZ_4K)
#include "scope_with_body.h"
#define KIND pool
#define WITH(name) nebula_with_pool(name, struct item, 8)
#include "scope_with_body.h"

#define KIND bump
#include "scope_auto_body.h"
#define KIND pool
#include "scope_auto_body.h"
#define KIND stack
#include "scope_auto_body.h"
#define KIND scratch
#include "scope_auto_body.h"
#define KIND custom
#include "scope_auto_body.h"
#define KIND composite
#include "scope_auto_body.h"
#define KIND any_bump
#include "scope_auto_body.h"
#define KIND any_pool
#include "scope_auto_body.h"
#define KIND any_stack
#include "scope_auto_body.h"
#define KIND any_scratch
#include "scope_auto_body.h"
#define KIND any_custom
#include "scope_auto_body.h"

/* Enough for counts that are not atomic to lose some; each on a shared bump records an error. */
#define SCOPES	2000

static void open_bump_scopes(void *b)
{
	unsigned int i;

	for (i = 0; i < SCOPES; i++) {
		scoped_guard(nebula_bump, b)
			barrier();
	}
}

static void open_stack_scopes(void *s)
{
	unsigned int i;

	for (i = 0; i < SCOPES; i++) {
		scoped_guard(nebula_stack, s)
			barrier();
	}
}

/* However many CPUs opened and closed scopes on a shared one, in the end none is open. */
static void scopes_are_counted_on_all_cpus(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("crowd", .capacity = SZ_16K,
						   .flags = NEBULA_SHARED);
	struct nebula_stack *s = nebula_stack_create("crowd", .capacity = SZ_16K,
						     .flags = NEBULA_SHARED);
	struct worker w[2][2];
	unsigned int i;

	ASSERT_BUMP(test, b);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	for (i = 0; i < ARRAY_SIZE(w); i++) {
		worker_start(test, &w[i][0], WORKER_ANYWHERE, open_bump_scopes, b);
		worker_start(test, &w[i][1], WORKER_ANYWHERE, open_stack_scopes, s);
	}
	for (i = 0; i < ARRAY_SIZE(w); i++) {
		worker_join(&w[i][0]);
		worker_join(&w[i][1]);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&b->scopes), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&s->scopes), 0);
	nebula_stack_destroy(s);
	nebula_bump_destroy(b);
}

/* A shared bump allocator cannot be rewound: its scopes say so, and leave everything as it is. */
static void scope_of_a_shared_bump(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("shared", .capacity = SZ_16K,
						   .flags = NEBULA_SHARED);
	u8 *p = NULL;

	ASSERT_BUMP(test, b);
	scoped_guard(nebula_bump, b) {
		EXPECT_ERROR(test, b, NEBULA_E_INVALID_STATE);
		p = nebula_bump_alloc(b, 64, 8);
		KUNIT_EXPECT_NOT_NULL(test, p);
		if (p)
			fixture_stamp(p, 64, 1);
		nebula_bump_destroy(b);
		EXPECT_ERROR(test, b, NEBULA_E_INVALID_STATE);
	}
	KUNIT_EXPECT_GE(test, used_by(b), 64ULL);
	KUNIT_EXPECT_TRUE(test, p && fixture_stamped(p, 64, 1));
	nebula_bump_destroy(b);
}

/* What cannot be had is left out, whatever the size says; the size is evaluated once. */
static void scope_with_sizes(struct kunit *test)
{
	size_t sizes[] = { 0, SIZE_MAX, SIZE_MAX / 2, SZ_64K, 1 }, *size = sizes;
	unsigned int runs = 0;

	fixture_listen(test);
	nebula_with_bump(tmp, *size++)
		runs += 100;
	nebula_with_bump(tmp, *size++)
		runs += 100;
	nebula_with_bump(tmp, *size++)
		runs += 100;
	nebula_with_bump(tmp, *size++) {
		KUNIT_EXPECT_EQ(test, nebula_bump_capacity(tmp), (size_t)SZ_64K);
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(tmp, SZ_64K, 1));
		runs++;
	}
	nebula_with_stack(tmp, *size++) {
		KUNIT_EXPECT_NULL(test, nebula_stack_alloc(tmp, 64, 1));
		EXPECT_ERROR(test, tmp, NEBULA_E_OUT_OF_MEMORY);
		runs++;
	}
	KUNIT_EXPECT_EQ(test, runs, 2U);
	KUNIT_EXPECT_PTR_EQ(test, size, sizes + ARRAY_SIZE(sizes));
	/* That of no bytes, and that of too few. */
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_CONFIG, NULL), 2U);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_BACKING_FAILED, NULL), 2U);
}

/* Every step of making its pool fails once. */
static void scope_with_pool_unwinds(struct kunit *test)
{
	unsigned int step = 0, seen, runs;

	do {
		runs = 0;
		nebula_fault_arm(++step, 1);
		nebula_with_pool(tmp, struct item, 8)
			runs++;
		seen = nebula_fault_disarm();
		nebula_chunks_flush();
		KUNIT_ASSERT_EQ(test, fixture_regions(test), 0);
	} while (seen >= step);
	KUNIT_EXPECT_EQ(test, runs, 1U);
	KUNIT_EXPECT_GE(test, step, 4U);
}

static void scope_with_pool_reports_a_leak(struct kunit *test)
{
	struct nebula_error err;

	fixture_listen(test);
	nebula_with_pool(leaky, struct item, 8)
		KUNIT_EXPECT_NOT_NULL(test, nebula_alloc_obj(leaky, struct item));
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, &err), 1U);
	KUNIT_EXPECT_STREQ(test, err.name, "leaky");
}

static int scratch_returns(struct kunit *test, struct nebula_scratch *s)
{
	const int before = preempt_count();

	CLASS(nebula_scratch, outer)(s, 100, 8);
	CLASS(nebula_scratch, inner)(s, 200, 64);

	if (IS_ENABLED(CONFIG_PREEMPT_COUNT))
		KUNIT_EXPECT_EQ(test, preempt_count(), before + 2);
	KUNIT_EXPECT_GE(test, used_by(s), 300ULL);
	if (!outer.p || !inner.p || !IS_ALIGNED((unsigned long)inner.p, 64))
		return -ENOMEM;
	fixture_stamp(outer.p, 100, 1);
	fixture_stamp(inner.p, 200, 2);
	return fixture_stamped(outer.p, 100, 1) ? 0 : -EFAULT;
}

/* Put at the end of the scope, where preemption is as before. */
static void scope_of_scratch(struct kunit *test)
{
	struct nebula_scratch *s = nebula_scratch_create("scoped", .per_cpu_size = SZ_4K);
	const int before = preempt_count();
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	KUNIT_EXPECT_EQ(test, scratch_returns(test, s), 0);
	for (i = 0; i < 100; i++) {
		CLASS(nebula_scratch, tmp)(s, 3000, 8);
		KUNIT_EXPECT_NOT_NULL(test, tmp.p);
		if (i % 2)
			continue;
	}
	EXPECT_ERROR(test, s, NEBULA_OK);
	for (i = 0; i < 3; i++) {
		CLASS(nebula_scratch, tmp)(s, i < 2 ? SZ_1M >> i : 0, 8);
		if (i == 2)
			break;
		KUNIT_EXPECT_NULL(test, tmp.p);
	}
	EXPECT_ERROR(test, s, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_EQ(test, stats_of(&s->common).failed, 2ULL);
	KUNIT_EXPECT_EQ(test, preempt_count(), before);
	KUNIT_EXPECT_EQ(test, used_by(s), 0ULL);
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0U);
	nebula_scratch_destroy(s);
}

/* Made and used, with everything destroyed on the way out; a leak would show as mapped regions. */
static int use_all(bool early)
{
	struct nebula_bump *b __free(nebula_bump) = nebula_bump_create("b", .capacity = SZ_4K);
	struct nebula_pool *p __free(nebula_pool) =
		nebula_pool_create("p", .block_size = 64, .blocks = 8);
	struct nebula_stack *s __free(nebula_stack) = nebula_stack_create("s", .capacity = SZ_4K);
	struct nebula_scratch *t __free(nebula_scratch) =
		nebula_scratch_create("t", .per_cpu_size = SZ_4K);
	struct nebula_allocator *a __free(nebula_composite) = ERR_PTR(-EAGAIN);

	if (IS_ERR(b) || IS_ERR(p) || IS_ERR(s) || IS_ERR(t))
		return -ENOMEM;
	if (early)
		return -EAGAIN;
	a = nebula_fallback_create("a", b, p, s, t);
	if (IS_ERR(a))
		return PTR_ERR(a);
	return nebula_alloc_obj(a, struct item) ? 0 : -ENOMEM;
}

static void scope_destroys(struct kunit *test)
{
	fixture_listen(test);
	KUNIT_EXPECT_EQ(test, use_all(false), 0);
	KUNIT_EXPECT_EQ(test, use_all(true), -EAGAIN);
	nebula_fault_arm(1, UINT_MAX);
	KUNIT_EXPECT_EQ(test, use_all(false), -ENOMEM);
	nebula_fault_disarm();
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_STATE, NULL), 0U);
	nebula_chunks_flush();
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0);
}

static struct nebula_pool *make_and_keep(void)
{
	struct nebula_pool *p __free(nebula_pool) =
		nebula_pool_create("kept", .block_size = 64, .blocks = 8);

	return no_free_ptr(p);
}

static void scope_hands_an_allocator_on(struct kunit *test)
{
	struct nebula_pool *p = make_and_keep();

	ASSERT_POOL(test, p);
	expect_whole(test, p, 8);
	nebula_pool_destroy(p);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(scope_guards_bump),
	KUNIT_CASE(scope_guards_stack),
	KUNIT_CASE(scope_of_a_shared_bump),
	KUNIT_CASE(scopes_are_counted_on_all_cpus),
	KUNIT_CASE(scope_with_bump),
	KUNIT_CASE(scope_with_stack),
	KUNIT_CASE(scope_with_pool),
	KUNIT_CASE(scope_with_sizes),
	KUNIT_CASE(scope_with_pool_unwinds),
	KUNIT_CASE(scope_with_pool_reports_a_leak),
	KUNIT_CASE(scope_auto_bump),
	KUNIT_CASE(scope_auto_pool),
	KUNIT_CASE(scope_auto_stack),
	KUNIT_CASE(scope_auto_scratch),
	KUNIT_CASE(scope_auto_custom),
	KUNIT_CASE(scope_auto_composite),
	KUNIT_CASE(scope_auto_any_bump),
	KUNIT_CASE(scope_auto_any_pool),
	KUNIT_CASE(scope_auto_any_stack),
	KUNIT_CASE(scope_auto_any_scratch),
	KUNIT_CASE(scope_auto_any_custom),
	KUNIT_CASE(scope_of_scratch),
	KUNIT_CASE(scope_destroys),
	KUNIT_CASE(scope_hands_an_allocator_on),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_scope",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
