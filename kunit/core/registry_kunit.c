// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry and its files, with very many allocators, and while they come and go. Those of a
 * client's own kind are used, because they go without waiting.
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../files.h"
#include "../fixture.h"
#include "../worker.h"

/* A kernel that looks at every access takes minutes for as many as one that does not. */
#define MANY	(IS_ENABLED(CONFIG_KASAN) ? 300U : 10000U)

static u8 memory[64] __aligned(64);

static void *fake_alloc(struct nebula_custom *c, size_t size, size_t align)
{
	return memory;
}

static enum nebula_errc fake_free(struct nebula_custom *c, void *p, size_t size)
{
	return NEBULA_OK;
}

static void fake_define(struct nebula_custom *c)
{
	*c = (struct nebula_custom){
		.ops = { .kind = "fake", .alloc = fake_alloc, .free = fake_free },
		.owner = THIS_MODULE,
		.common.ops = &nebula_custom_ops,
	};
}

/* Very many allocators. */
struct many {
	unsigned int n;			/* how many */
	struct nebula_custom *all;	/* the allocators */
	unsigned int *order;		/* their numbers, as shuffled */
	unsigned long *seen;		/* rows that were found, by number */
	bool same;			/* they were all given the same name */
};

static void many_free(void *data)
{
	struct many *m = data;

	kvfree(m->all);
	kvfree(m->order);
	kvfree(m->seen);
}

/* What each has in use, bytes: many have the same. */
static size_t use_of(unsigned int i)
{
	return i % 100;
}

static void many_use(struct many *m, unsigned int i)
{
	void *p = use_of(i) ? nebula_custom_alloc(&m->all[i], use_of(i), 1) : NULL;

	OPTIMIZER_HIDE_VAR(p);
}

static void many_name(const struct many *m, unsigned int i, char *name, size_t size)
{
	if (!m->same)
		snprintf(name, size, "many-%u", i);
	else if (i)
		snprintf(name, size, "conn.%u", i + 1);
	else
		strscpy(name, "conn", size);
}

static bool many_register(struct many *m, unsigned int i)
{
	char name[32];

	many_name(m, i, name, sizeof(name));
	fake_define(&m->all[i]);
	if (nebula_custom_register(&m->all[i], m->same ? "conn" : name))
		return false;
	many_use(m, i);
	return !strcmp(m->all[i].common.reg->name, name);
}

/* What is in use goes first, so it is no leak. */
static void many_unregister(struct many *m, unsigned int i)
{
	nebula_custom_free(&m->all[i], use_of(i) ? memory : NULL, use_of(i));
	nebula_custom_unregister(&m->all[i]);
}

static struct many *many_create(struct kunit *test, bool same)
{
	struct many *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	unsigned int i, wrong = 0;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->n = MANY;
	m->same = same;
	m->all = kvcalloc(m->n, sizeof(*m->all), GFP_KERNEL);
	m->order = kvcalloc(m->n, sizeof(*m->order), GFP_KERNEL);
	m->seen = kvcalloc(BITS_TO_LONGS(m->n), sizeof(*m->seen), GFP_KERNEL);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, many_free, m), 0);
	KUNIT_ASSERT_TRUE(test, m->all && m->order && m->seen);
	for (i = 0; i < m->n; i++) {
		m->order[i] = i;
		wrong += !many_register(m, i);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, wrong, 0U);
	return m;
}

static void many_shuffle(struct kunit *test, struct many *m)
{
	unsigned int i, other;

	for (i = m->n - 1; i; i--) {
		other = fixture_random(test, i + 1);
		swap(m->order[i], m->order[other]);
	}
}

/* The number of one of this name, or -1 for one of others. */
static int many_number(const struct many *m, const char *name)
{
	unsigned int i;

	if (!m->same)
		return sscanf(name, "many-%u", &i) == 1 && i < m->n ? i : -1;
	if (!strcmp(name, "conn"))
		return 0;
	return sscanf(name, "conn.%u", &i) == 1 && i - 1 < m->n ? i - 1 : -1;
}

/* What a summary has. */
struct rows_seen {
	unsigned int rows;	/* of ours */
	unsigned int twice;	/* of them, those that were there before */
	unsigned int foreign;	/* those that belong to another module */
	unsigned int unsorted;	/* those that the one before should not have been before */
	char before[32];	/* the name of that */
	size_t used;		/* by it, bytes */
};

/* The largest first, then by name. */
static bool is_sorted(const struct rows_seen *s, const char *name, size_t used)
{
	return !s->rows || s->used > used || (s->used == used && strcmp(s->before, name) < 0);
}

static void see_row(struct many *m, struct rows_seen *s, const char *line, size_t len)
{
	static const char owner[] = " " KBUILD_MODNAME;
	char name[32] = "";
	int i;

	strscpy(name, line, min(sizeof(name), strcspn(line, " ") + 1));
	i = many_number(m, name);
	if (i < 0)
		return;
	s->twice += __test_and_set_bit(i, m->seen);
	s->foreign += len < strlen(owner) ||
		      strncmp(line + len - strlen(owner), owner, strlen(owner));
	s->unsorted += !is_sorted(s, name, use_of(i));
	strscpy(s->before, name, sizeof(s->before));
	s->used = use_of(i);
	s->rows++;
}

/* Each of @n has one row, in order, and belongs to us. */
static void expect_summary(struct kunit *test, struct many *m, unsigned int n)
{
	const char *line = files_text(test, NULL, "summary"), *end;
	struct rows_seen s = { };

	bitmap_zero(m->seen, m->n);
	for (; (end = strchr(line, '\n')); line = end + 1)
		see_row(m, &s, line, end - line);
	KUNIT_EXPECT_EQ(test, s.rows, n);
	KUNIT_EXPECT_EQ(test, s.twice, 0U);
	KUNIT_EXPECT_EQ(test, s.foreign, 0U);
	KUNIT_EXPECT_EQ(test, s.unsorted, 0U);
}

/* Half of them go and come back: to a name that is free. */
static void expect_names_reused(struct kunit *test, struct many *m)
{
	unsigned int i, failed = 0;

	for (i = 0; i < m->n / 2; i++) {
		const unsigned int at = m->order[i];

		fake_define(&m->all[at]);
		failed += !!nebula_custom_register(&m->all[at], m->same ? "conn" : "many-x");
		nebula_custom_unregister(&m->all[at]);
	}
	KUNIT_EXPECT_EQ(test, failed, 0U);
}

static void expect_many(struct kunit *test, bool same)
{
	const unsigned int before = nebula_registry_count();
	const ktime_t start = ktime_get();
	struct many *m = many_create(test, same);
	ktime_t made = ktime_get(), seen;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, nebula_registry_count(), before + m->n);
	expect_summary(test, m, m->n);
	seen = ktime_get();
	many_shuffle(test, m);
	for (i = 0; i < m->n; i++) {
		if (i == m->n / 2) {
			expect_summary(test, m, m->n - i);
			expect_names_reused(test, m);
		}
		many_unregister(m, m->order[i]);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, nebula_registry_count(), before);
	expect_summary(test, m, 0);
	kunit_info(test, "%u allocators: made in %lld ms, seen in %lld ms, gone in %lld ms\n", m->n,
		   ktime_ms_delta(made, start), ktime_ms_delta(seen, made),
		   ktime_ms_delta(ktime_get(), seen));
}

static void registry_many_of_one_name(struct kunit *test)
{
	expect_many(test, true);
}

static void registry_many_names(struct kunit *test)
{
	expect_many(test, false);
}

/* Numbers that are free are found, whatever is taken; the longest name has room for one. */
static void registry_numbers(struct kunit *test)
{
	static const char longest[] =
		"0123456789012345678901234567890123456789012345678901234567890ab";
	struct nebula_custom *c = kunit_kcalloc(test, 6, sizeof(*c), GFP_KERNEL);
	unsigned int i, k;

	KUNIT_ASSERT_NOT_NULL(test, c);
	for (i = 0; i < 6; i++) {
		fake_define(&c[i]);
		KUNIT_EXPECT_EQ(test, nebula_custom_register(&c[i], i < 3 ? "conn.2" : longest), 0);
		for (k = 0; k < i; k++)
			KUNIT_EXPECT_STRNEQ(test, c[i].common.reg->name, c[k].common.reg->name);
	}
	KUNIT_EXPECT_STREQ(test, c[0].common.reg->name, "conn.2");
	KUNIT_EXPECT_STREQ(test, c[1].common.reg->name, "conn.2.2");
	KUNIT_EXPECT_STREQ(test, c[2].common.reg->name, "conn.2.3");
	KUNIT_EXPECT_STREQ(test, c[3].common.reg->name, longest);
	KUNIT_EXPECT_STREQ(test, c[5].common.reg->name + strlen(longest), ".3");
	nebula_custom_unregister(&c[1]);
	KUNIT_EXPECT_EQ(test, nebula_custom_register(&c[1], "conn.2"), 0);
	KUNIT_EXPECT_STREQ(test, c[1].common.reg->name, "conn.2.2");
	for (i = 0; i < 6; i++)
		nebula_custom_unregister(&c[i]);
}

/* While they come and go */

#define COME_AND_GO	(IS_ENABLED(CONFIG_KASAN) ? 60U : 2000U)

/* A thread that creates and destroys. */
struct coming {
	bool over;		/* that has ended */
	unsigned int failed;	/* how often it could not be made */
	unsigned int opened;	/* files that were opened */
};

static void come_and_go(void *data)
{
	struct coming *c = data;
	struct nebula_custom fake;
	unsigned int i;

	for (i = 0; i < COME_AND_GO; i++) {
		struct nebula_allocator *a;

		fake_define(&fake);
		c->failed += !!nebula_custom_register(&fake, "coming");
		a = nebula_fallback_create("going", &fake, nebula_system_allocator());
		c->failed += IS_ERR(a);
		if (!IS_ERR(a))
			nebula_free(a, nebula_alloc(a, 100, 8));
		/* The first stay until files of them were opened. */
		while (!i && !c->failed && !READ_ONCE(c->opened))
			cond_resched();
		nebula_composite_destroy(a);
		nebula_custom_unregister(&fake);
	}
	WRITE_ONCE(c->over, true);
}

/* What is there has a text, what is not there is not there. */
static void open_all(struct kunit *test, unsigned int opened[2])
{
	static const char *const names[] = { "coming", "going" };
	static const char *const files[] = { "info", "stats", "errors" };
	unsigned int i, k;
	long len;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (k = 0; k < ARRAY_SIZE(files); k++) {
			len = files_open(names[i], files[k]);
			opened[len > 0]++;
			/* Between the look-up and the opening it may go. */
			if (len <= 0 && len != -ENOENT && len != -EIO)
				KUNIT_FAIL(test, "%s of %s: %ld", files[k], names[i], len);
		}
	}
	if (files_open(NULL, "summary") <= 0 || files_open(NULL, "info") <= 0)
		KUNIT_FAIL(test, "no summary, or no info");
}

static void registry_files_while_allocators_come_and_go(struct kunit *test)
{
	unsigned int before = nebula_registry_count(), opened[2] = { };
	struct coming coming = { };
	struct worker worker;

	worker_start(test, &worker, fixture_other_cpu(test), come_and_go, &coming);
	KUNIT_ASSERT_NOT_NULL(test, worker.task);
	while (!READ_ONCE(coming.over)) {
		open_all(test, opened);
		WRITE_ONCE(coming.opened, opened[1]);
		cond_resched();
	}
	worker_join(&worker);
	kunit_info(test, "opened %u files, %u were not there\n", opened[1], opened[0]);
	KUNIT_EXPECT_EQ(test, coming.failed, 0U);
	KUNIT_EXPECT_GT(test, opened[1], 0U);
	KUNIT_EXPECT_EQ(test, nebula_registry_count(), before);
}

/* What memory an allocator has, in place of what it was asked to choose from. */
static void registry_shows_backing(struct kunit *test)
{
	struct nebula_bump *small = nebula_bump_create("small", .capacity = SZ_4K);
	struct nebula_bump *large = nebula_bump_create("large", .capacity = SZ_1M);
	struct nebula_pool *pool = nebula_pool_create("pool", .block_size = SZ_4K, .blocks = 256);
	struct nebula_stack *stack = nebula_stack_create("stack", .capacity = SZ_1M,
							 .backing = NEBULA_VMALLOC);
	struct nebula_scratch *scratch = nebula_scratch_create("scratch", .per_cpu_size = SZ_4K);

	ASSERT_BUMP(test, small);
	ASSERT_BUMP(test, large);
	ASSERT_POOL(test, pool);
	ASSERT_STACK(test, stack);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, scratch);
	EXPECT_TEXT(test, files_text(test, "small", "info"), "backing: pages (auto)\n");
	EXPECT_TEXT(test, files_text(test, "large", "info"), "backing: vmalloc (auto)\n");
	EXPECT_TEXT(test, files_text(test, "pool", "info"), "backing: vmalloc (auto)\n");
	EXPECT_TEXT(test, files_text(test, "stack", "info"), "backing: vmalloc\n");
	EXPECT_TEXT(test, files_text(test, "scratch", "info"), "backing: pages (auto)\n");
	nebula_bump_destroy(small);
	nebula_bump_destroy(large);
	nebula_pool_destroy(pool);
	nebula_stack_destroy(stack);
	nebula_scratch_destroy(scratch);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_SLOW(registry_many_of_one_name),
	KUNIT_CASE_SLOW(registry_many_names),
	KUNIT_CASE(registry_numbers),
	KUNIT_CASE(registry_shows_backing),
	KUNIT_CASE(registry_files_while_allocators_come_and_go),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_registry",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
