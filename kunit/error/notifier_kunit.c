// SPDX-License-Identifier: GPL-2.0-only
/*
 * Error notifiers: who is called, in which order, for what; and that one that misbehaves harms
 * neither itself nor others.
 */
#include <linux/completion.h>
#include <linux/notifier.h>
#include "../../module/error/error.h"
#include "../fixture.h"

/* Only what happens to this allocator is counted. */
#define NAME	"notified"

static struct nebula_bump *bump_create(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create(NAME, .capacity = SZ_4K);

	ASSERT_BUMP(test, b);
	return b;
}

/* A notifier that notes its calls. */
struct listener {
	struct notifier_block nb;	/* the notifier */
	unsigned int calls;		/* how often it was called */
	u64 errors;			/* how many errors it was told of */
	unsigned int turn;		/* number of its last call among those of all listeners */
	struct nebula_bump *bump;	/* an allocation that it fails on, or NULL */
	struct completion *entered;	/* completed when it is called, unless NULL */
	struct completion *leave;	/* awaited before it returns, where @entered is set */
	bool leaves;			/* it unregisters itself */
};

static unsigned int turns;

static int hear(struct notifier_block *nb, unsigned long code, void *data)
{
	struct listener *l = container_of(nb, struct listener, nb);
	const struct nebula_error *err = data;

	if (strcmp(err->name, NAME))
		return NOTIFY_DONE;
	l->calls++;
	l->errors += max(err->repeated, 1ULL);
	l->turn = ++turns;
	if (l->bump && nebula_bump_alloc(l->bump, SZ_1M + l->calls, 8))
		l->errors = U64_MAX;
	if (l->leaves)
		nebula_error_notifier_unregister(nb);
	if (l->entered) {
		complete(l->entered);
		wait_for_completion(l->leave);
	}
	return NOTIFY_OK;
}

static struct listener *listener_create(struct kunit *test, int priority)
{
	struct listener *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, l);
	l->nb.notifier_call = hear;
	l->nb.priority = priority;
	nebula_error_flush();
	KUNIT_ASSERT_EQ(test, nebula_error_notifier_register(&l->nb), 0);
	return l;
}

static void notifier_is_registered_once(struct kunit *test)
{
	struct listener *l = listener_create(test, 0), *other = listener_create(test, 0);
	struct nebula_bump *b = bump_create(test);

	KUNIT_EXPECT_EQ(test, nebula_error_notifier_register(&l->nb), -EEXIST);
	KUNIT_EXPECT_EQ(test, nebula_error_notifier_register(&other->nb), -EEXIST);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
	nebula_error_flush();
	KUNIT_EXPECT_EQ(test, l->calls, 1U);
	KUNIT_EXPECT_EQ(test, other->calls, 1U);
	KUNIT_EXPECT_EQ(test, nebula_error_notifier_unregister(&l->nb), 0);
	KUNIT_EXPECT_EQ(test, nebula_error_notifier_unregister(&l->nb), -ENOENT);
	KUNIT_EXPECT_EQ(test, nebula_error_notifier_register(&l->nb), 0);
	KUNIT_EXPECT_EQ(test, nebula_error_notifier_unregister(&l->nb), 0);
	KUNIT_EXPECT_EQ(test, nebula_error_notifier_unregister(&other->nb), 0);
	nebula_bump_destroy(b);
}

static void notifier_order_is_by_priority(struct kunit *test)
{
	struct listener *middle = listener_create(test, 0), *last = listener_create(test, -1);
	struct listener *first = listener_create(test, 1), *second = listener_create(test, 1);
	struct nebula_bump *b = bump_create(test);

	turns = 0;
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
	nebula_error_flush();
	KUNIT_EXPECT_EQ(test, first->turn, 1U);
	KUNIT_EXPECT_EQ(test, second->turn, 2U);
	KUNIT_EXPECT_EQ(test, middle->turn, 3U);
	KUNIT_EXPECT_EQ(test, last->turn, 4U);
	nebula_error_notifier_unregister(&first->nb);
	nebula_error_notifier_unregister(&last->nb);
	nebula_error_notifier_unregister(&middle->nb);
	nebula_error_notifier_unregister(&second->nb);
	nebula_bump_destroy(b);
}

/* Every error counts, however they were folded. */
static void notifier_hears_of_repeats(struct kunit *test)
{
	struct listener *l = listener_create(test, 0);
	struct nebula_bump *b = bump_create(test);
	unsigned int i;

	for (i = 0; i < 500; i++)
		KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
	nebula_error_flush();
	KUNIT_EXPECT_EQ(test, l->errors, 500ULL);
	KUNIT_EXPECT_LT(test, l->calls, 100U);
	for (i = 0; i < 500; i++)
		KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
	nebula_error_flush();
	KUNIT_EXPECT_EQ(test, l->errors, 1000ULL);
	nebula_error_notifier_unregister(&l->nb);
	nebula_bump_destroy(b);
}

/* What it does itself is recorded and counted, and no reason to call it. */
static void notifier_does_not_feed_itself(struct kunit *test)
{
	struct listener *l = listener_create(test, 0), *other = listener_create(test, -1);
	struct nebula_bump *b = bump_create(test);
	struct nebula_stats st;
	struct nebula_error err;
	unsigned int i;

	l->bump = b;
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_2M, 8));
	/* Each round would pass on what the last one brought about. */
	for (i = 0; i < 10; i++)
		nebula_error_flush();
	KUNIT_EXPECT_EQ(test, l->calls, 1U);
	KUNIT_EXPECT_EQ(test, other->calls, 1U);
	nebula_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_OUT_OF_MEMORY], 2ULL);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	KUNIT_EXPECT_TRUE(test, err.by_notifier);
	KUNIT_EXPECT_EQ(test, err.size, (size_t)SZ_1M + 1);
	/* A caller's own is told again. */
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_2M, 8));
	nebula_error_flush();
	KUNIT_EXPECT_EQ(test, l->calls, 2U);
	KUNIT_EXPECT_EQ(test, other->calls, 2U);
	nebula_error_notifier_unregister(&other->nb);
	nebula_error_notifier_unregister(&l->nb);
	nebula_bump_destroy(b);
}

/* The log is written, and other notifiers come and go, while one sleeps. */
static void notifier_that_sleeps_stops_nobody(struct kunit *test)
{
	DECLARE_COMPLETION_ONSTACK(entered);
	DECLARE_COMPLETION_ONSTACK(leave);
	struct listener *l = listener_create(test, 1), *other = listener_create(test, 0);
	struct nebula_bump *b = bump_create(test);

	l->leave = &leave;
	l->entered = &entered;
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
	wait_for_completion(&entered);
	/* As when a module is unloaded: of another one, with a notifier of its own. */
	nebula_error_flush_log();
	KUNIT_EXPECT_EQ(test, nebula_error_notifier_unregister(&other->nb), 0);
	KUNIT_EXPECT_EQ(test, nebula_error_notifier_register(&other->nb), 0);
	KUNIT_EXPECT_EQ(test, nebula_error_notifier_unregister(&other->nb), 0);
	l->entered = NULL;
	complete(&leave);
	KUNIT_EXPECT_EQ(test, nebula_error_notifier_unregister(&l->nb), 0);
	nebula_error_flush();
	KUNIT_EXPECT_EQ(test, l->calls, 1U);
	KUNIT_EXPECT_EQ(test, other->calls, 0U);
	nebula_bump_destroy(b);
}

static void notifier_leaves_by_itself(struct kunit *test)
{
	struct listener *l = listener_create(test, 1), *other = listener_create(test, 0);
	struct nebula_bump *b = bump_create(test);

	l->leaves = true;
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_2M, 8));
	nebula_error_flush();
	KUNIT_EXPECT_EQ(test, l->calls, 1U);
	KUNIT_EXPECT_EQ(test, other->calls, 2U);
	KUNIT_EXPECT_EQ(test, nebula_error_notifier_unregister(&l->nb), -ENOENT);
	KUNIT_EXPECT_EQ(test, nebula_error_notifier_unregister(&other->nb), 0);
	nebula_bump_destroy(b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(notifier_is_registered_once),
	KUNIT_CASE(notifier_order_is_by_priority),
	KUNIT_CASE(notifier_hears_of_repeats),
	KUNIT_CASE(notifier_does_not_feed_itself),
	KUNIT_CASE(notifier_that_sleeps_stops_nobody),
	KUNIT_CASE(notifier_leaves_by_itself),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_notifier",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
