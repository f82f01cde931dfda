// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sampled guard pages: where the objects lie, what is counted, and what is refused. That the page
 * behind an object faults is tested on the stock kernel, see tools/vm/guest/guard.sh.
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/vmalloc.h>
#include "../../module/core/guard_page.h"
#include "../../module/core/inject.h"
#include "../../module/pool/hooks.h"
#include "../fixture.h"

#define SIZE	40
#define BLOCKS	64

static void end_sampling(void *unused)
{
	nebula_guard_page_set(0, "");
	nebula_guard_page_flush();
}

/* From now on one in @every of those whose names match. */
static void sample(struct kunit *test, unsigned int every, const char *patterns)
{
	KUNIT_ASSERT_EQ(test, nebula_guard_page_set(every, patterns), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, end_sampling, NULL), 0);
}

static struct nebula_pool *pool_of(struct kunit *test, const char *name, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create(name, .block_size = SIZE, .blocks = BLOCKS,
						   .flags = flags);

	ASSERT_POOL(test, p);
	return p;
}

/* It ends where its page ends. */
static bool is_sampled(const void *obj, size_t size)
{
	return is_vmalloc_addr(obj) && IS_ALIGNED((unsigned long)obj + size, PAGE_SIZE);
}

/* Takes until one is sampled; the others go back. NULL when none of many is. */
static void *take_sampled(struct nebula_pool *p, size_t size)
{
	unsigned int turn;
	void *obj;

	for (turn = 0; turn < 1000; turn++) {
		obj = nebula_pool_alloc(p);
		if (!obj || is_sampled(obj, size))
			return obj;
		nebula_pool_free(p, obj);
	}
	return NULL;
}

static void sampled_objects_count_as_any(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, "sampled", NEBULA_STRICT);
	void *objs[BLOCKS];
	unsigned int i, sampled = 0;

	sample(test, 4, "");
	for (i = 0; i < BLOCKS; i++) {
		objs[i] = nebula_pool_alloc(p);
		KUNIT_ASSERT_NOT_NULL(test, objs[i]);
		sampled += is_sampled(objs[i], SIZE);
		memset(objs[i], 1, SIZE);
		KUNIT_EXPECT_TRUE(test, nebula_pool_owns(p, objs[i]));
	}
	KUNIT_EXPECT_EQ(test, sampled, BLOCKS / 4U);
	KUNIT_EXPECT_NULL(test, nebula_pool_alloc(p));
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), (unsigned int)BLOCKS);
	for (i = 0; i < BLOCKS; i++)
		nebula_pool_free(p, objs[i]);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&p->common), NEBULA_E_POOL_EXHAUSTED);
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0);
	nebula_pool_destroy(p);
}

static void sampled_by_name(struct kunit *test)
{
	struct nebula_pool *before = pool_of(test, "wanted-before", 0), *after, *other;

	sample(test, 2, "wanted-*");
	after = pool_of(test, "wanted-after", 0);
	other = pool_of(test, "other", 0);
	KUNIT_EXPECT_FALSE(test, nebula_pool_is_inline(before));
	KUNIT_EXPECT_FALSE(test, nebula_pool_is_inline(after));
	KUNIT_EXPECT_TRUE(test, nebula_pool_is_inline(other));
	nebula_pool_free(before, take_sampled(before, SIZE));
	nebula_pool_free(after, take_sampled(after, SIZE));
	KUNIT_EXPECT_NULL(test, take_sampled(other, SIZE));
	KUNIT_ASSERT_EQ(test, nebula_guard_page_set(0, ""), 0);
	KUNIT_EXPECT_TRUE(test, nebula_pool_is_inline(before));
	KUNIT_EXPECT_NULL(test, take_sampled(before, SIZE));
	nebula_pool_destroy(other);
	nebula_pool_destroy(after);
	nebula_pool_destroy(before);
}

static void sampled_misuse_is_refused(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, "sampled", 0);
	char *obj;

	sample(test, 2, "sampled");
	obj = take_sampled(p, SIZE);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	nebula_pool_free(p, obj + 8);
	EXPECT_ERROR(test, p, NEBULA_E_MISALIGNED_POINTER);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 1U);
	nebula_pool_free(p, obj);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	nebula_pool_free(p, obj);
	EXPECT_ERROR(test, p, NEBULA_E_DOUBLE_FREE);
	/* Its page has gone by then. */
	nebula_guard_page_flush();
	nebula_pool_free(p, obj);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_DOUBLE_FREE), 2ULL);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

/* What is written before the object does not fault: it is noticed when the object is freed. */
static void sampled_underruns_are_noticed(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, "sampled", 0);
	char *obj;

	sample(test, 2, "");
	obj = take_sampled(p, SIZE);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	obj[-1]++;
	nebula_pool_free(p, obj);
	EXPECT_ERROR(test, p, NEBULA_E_CORRUPTION);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	nebula_pool_destroy(p);
}

static void fill_one(void *obj, void *data)
{
	memset(obj, 2, SIZE);
	++*(unsigned int *)data;
}

/* Visits and resets see the objects, not the blocks behind them. */
static void sampled_are_visited(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, "sampled", 0);
	unsigned int visited = 0;
	char *obj;

	sample(test, 2, "");
	obj = take_sampled(p, SIZE);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	nebula_pool_for_each_live(p, fill_one, &visited);
	KUNIT_EXPECT_EQ(test, visited, 1U);
	KUNIT_EXPECT_EQ(test, obj[SIZE - 1], 2);
	KUNIT_EXPECT_EQ(test, nebula_pool_reset(p), 1U);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	nebula_pool_free(p, obj);
	EXPECT_ERROR(test, p, NEBULA_E_DOUBLE_FREE);
	nebula_pool_destroy(p);
}

static unsigned char seen;

static void look(void *obj)
{
	seen = *(unsigned char *)obj;
}

static void sampled_after_a_grace_period(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, "sampled", 0);
	char *obj;

	sample(test, 2, "");
	obj = take_sampled(p, SIZE);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	nebula_pool_free_rcu(p, obj);
	nebula_pool_rcu_flush(p);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	obj = take_sampled(p, SIZE);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	obj[0] = 77;
	nebula_pool_free_rcu_cb(p, obj, look);
	nebula_pool_rcu_flush(p);
	KUNIT_EXPECT_EQ(test, seen, 77);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	nebula_pool_destroy(p);
}

/* What is live at the end is a leak as any, and its page goes. */
static void sampled_and_leaked(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, "sampled", 0);

	fixture_listen(test);
	sample(test, 2, "");
	KUNIT_ASSERT_NOT_NULL(test, take_sampled(p, SIZE));
	nebula_pool_destroy(p);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, NULL), 1U);
	p = pool_of(test, "sampled", 0);
	nebula_pool_free(p, take_sampled(p, SIZE));
	nebula_pool_destroy(p);
}

static void sampled_in_a_shared_bump(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("sampled", .capacity = SZ_64K,
						   .flags = NEBULA_SHARED | NEBULA_ZERO);
	char *obj = NULL, *larger;
	unsigned int turn;

	ASSERT_BUMP(test, b);
	sample(test, 2, "");
	for (turn = 0; turn < 10 && !(obj && is_sampled(obj, 24)); turn++)
		obj = nebula_bump_alloc(b, 24, 8);
	KUNIT_ASSERT_TRUE(test, is_sampled(obj, 24));
	KUNIT_EXPECT_NULL(test, memchr_inv(obj, 0, 24));
	KUNIT_EXPECT_TRUE(test, nebula_bump_owns(b, obj));
	strscpy(obj, "moves", 24);
	larger = nebula_bump_realloc(b, obj, 24, 48, 8);
	KUNIT_ASSERT_NOT_NULL(test, larger);
	KUNIT_EXPECT_STREQ(test, larger, "moves");
	KUNIT_EXPECT_NULL(test, nebula_bump_realloc(b, obj, 25, 48, 8));
	EXPECT_ERROR(test, b, NEBULA_E_INVALID_LAYOUT);
	nebula_bump_reset(b);
	KUNIT_EXPECT_FALSE(test, nebula_bump_owns(b, obj));
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
	nebula_bump_destroy(b);
}

/* Without memory for pages nothing is sampled, and all else goes on. */
static void sampled_without_memory(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, "sampled", 0);
	unsigned int turn;
	void *obj;

	sample(test, 1, "");
	for (turn = 0; turn < 1000; turn++) {
		obj = nebula_pool_alloc(p);
		KUNIT_ASSERT_NOT_NULL(test, obj);
		nebula_pool_free(p, obj);
	}
	nebula_guard_page_flush();
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 0ULL);
	nebula_pool_destroy(p);
}

static void sampled_parameter(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, nebula_guard_page_set(1, "a,"), -EINVAL);
	KUNIT_EXPECT_EQ(test, nebula_guard_page_set(1, "a b"), -EINVAL);
	KUNIT_EXPECT_FALSE(test, nebula_guard_page_wanted("a"));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(sampled_objects_count_as_any),
	KUNIT_CASE(sampled_by_name),
	KUNIT_CASE(sampled_misuse_is_refused),
	KUNIT_CASE(sampled_underruns_are_noticed),
	KUNIT_CASE(sampled_are_visited),
	KUNIT_CASE(sampled_after_a_grace_period),
	KUNIT_CASE(sampled_and_leaked),
	KUNIT_CASE(sampled_in_a_shared_bump),
	KUNIT_CASE(sampled_without_memory),
	KUNIT_CASE(sampled_parameter),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_guard_page",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
