// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directories of allocators that are made when they are first looked for: that nothing a user can
 * do tells the difference, and that most are never made.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/string.h>
#include "../../module/debugfs/lookup.h"
#include "../files.h"
#include "../fixture.h"
#include "../worker.h"

#define ALLOCATORS	"/sys/kernel/debug/nebula_memory/allocators"

#define RACES		200

static struct nebula_bump *bump_create(struct kunit *test, const char *name)
{
	struct nebula_bump *b = nebula_bump_create(name, .capacity = PAGE_SIZE);

	ASSERT_BUMP(test, b);
	return b;
}

static bool is_made(const struct nebula_bump *b)
{
	return b->common.reg->dir;
}

static void lookup_makes_directories(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test, "looked-for"), *other;

	if (!NEBULA_LOOKUP_LAZY)
		kunit_skip(test, "this kernel cannot tell when a task has left our code");
	KUNIT_EXPECT_FALSE(test, is_made(b));
	KUNIT_EXPECT_GT(test, files_open("looked-for", "info"), 0L);
	KUNIT_EXPECT_TRUE(test, is_made(b));
	/* Another one waits again, also for a lookup that fails. */
	other = bump_create(test, "other");
	KUNIT_EXPECT_FALSE(test, is_made(other));
	KUNIT_EXPECT_GT(test, files_open(NULL, "info"), 0L);
	KUNIT_EXPECT_FALSE(test, is_made(other));
	KUNIT_EXPECT_EQ(test, files_open("none", "info"), (long)-ENOENT);
	KUNIT_EXPECT_TRUE(test, is_made(other));
	nebula_bump_destroy(other);
	nebula_bump_destroy(b);
}

/* What a directory lists. */
struct names {
	struct dir_context ctx;	/* for iterate_dir() */
	unsigned long seen;	/* a bit for each of those that are looked for */
};

static const char *const listed[] = { "list.a", "list.b", "list.c" };

static bool note_name(struct dir_context *ctx, const char *name, int len, loff_t offset, u64 ino,
		      unsigned int type)
{
	struct names *names = container_of(ctx, struct names, ctx);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(listed); i++)
		if (len == strlen(listed[i]) && !strncmp(name, listed[i], len))
			names->seen |= BIT(i);
	return true;
}

/* Which of the names are listed now. */
static unsigned long list_names(struct kunit *test)
{
	struct names names = { .ctx.actor = note_name };
	struct file *dir = filp_open(ALLOCATORS, O_RDONLY | O_DIRECTORY, 0);

	KUNIT_ASSERT_FALSE(test, IS_ERR(dir));
	KUNIT_EXPECT_EQ(test, iterate_dir(dir, &names.ctx), 0);
	filp_close(dir, NULL);
	flush_delayed_fput();
	return names.seen;
}

static void lookup_lists_what_there_is(struct kunit *test)
{
	struct nebula_bump *b[ARRAY_SIZE(listed)];
	unsigned int i;

	KUNIT_EXPECT_EQ(test, list_names(test), 0UL);
	for (i = 0; i < ARRAY_SIZE(listed); i++)
		b[i] = bump_create(test, listed[i]);
	nebula_bump_destroy(b[1]);
	KUNIT_EXPECT_EQ(test, list_names(test), 5UL);
	b[1] = bump_create(test, listed[1]);
	KUNIT_EXPECT_EQ(test, list_names(test), 7UL);
	for (i = 0; i < ARRAY_SIZE(listed); i++)
		nebula_bump_destroy(b[i]);
	KUNIT_EXPECT_EQ(test, list_names(test), 0UL);
}

static void lookup_of_one_that_has_gone(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test, "gone");

	nebula_bump_destroy(b);
	KUNIT_EXPECT_EQ(test, files_open("gone", "info"), (long)-ENOENT);
	b = bump_create(test, "gone");
	KUNIT_EXPECT_GT(test, files_open("gone", "stats"), 0L);
	nebula_bump_destroy(b);
	KUNIT_EXPECT_EQ(test, files_open("gone", "stats"), (long)-ENOENT);
	b = bump_create(test, "gone");
	KUNIT_EXPECT_GT(test, files_open("gone", "stats"), 0L);
	nebula_bump_destroy(b);
}

static void come_and_go(void *data)
{
	struct nebula_bump *b, *second;
	unsigned int i;
	bool *over = data;

	for (i = 0; i < RACES; i++) {
		b = nebula_bump_create("racer", .capacity = PAGE_SIZE);
		second = nebula_bump_create("racer", .capacity = PAGE_SIZE);
		nebula_bump_destroy(b);
		nebula_bump_destroy(second);
	}
	/* Pairs with the acquire in the test: all are destroyed. */
	smp_store_release(over, true);
}

/* One comes and goes while two look for it: each finds it, or that there is none. */
static void lookup_while_it_comes_and_goes(struct kunit *test)
{
	struct worker racer;
	bool over = false;
	long ret;

	worker_start(test, &racer, WORKER_ANYWHERE, come_and_go, &over);
	/* Pairs with the release in come_and_go(). */
	while (!smp_load_acquire(&over)) {
		ret = files_open("racer", "info");
		KUNIT_EXPECT_TRUE_MSG(test, ret > 0 || ret == -ENOENT || ret == -EIO, "%ld", ret);
		list_names(test);
		cond_resched();
	}
	worker_join(&racer);
	KUNIT_EXPECT_EQ(test, files_open("racer", "info"), (long)-ENOENT);
	KUNIT_EXPECT_EQ(test, files_open("racer.2", "info"), (long)-ENOENT);
}

static struct kunit_case lookup_cases[] = {
	KUNIT_CASE(lookup_makes_directories),
	KUNIT_CASE(lookup_lists_what_there_is),
	KUNIT_CASE(lookup_of_one_that_has_gone),
	KUNIT_CASE(lookup_while_it_comes_and_goes),
	{ }
};

static struct kunit_suite lookup_suite = {
	.name = "nebula_lookup",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = lookup_cases,
};

kunit_test_suite(lookup_suite);
