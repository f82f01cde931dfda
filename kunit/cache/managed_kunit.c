// SPDX-License-Identifier: GPL-2.0-only
/*
 * Caches whose keys and values the client manages: names, and objects on the heap.
 */
#include <linux/jhash.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../../module/cache/priv.h"
#include "../fixture.h"

/* What is made and has not been dropped. Any context. */
static atomic_t names, objects;

/* From then on no name can be copied. */
static bool full;

static u32 name_hash(const void *key, u32 len, u32 seed)
{
	const char *name = *(char *const *)key;

	return jhash(name, strlen(name), seed);
}

/* A lookup in this forgets what it finds, before it takes a reference. */
static struct nebula_cache *forgetful;

static bool name_equal(const void *a, const void *b)
{
	struct nebula_cache *c = xchg(&forgetful, NULL);

	if (c)
		nebula_cache_invalidate(c, b);
	return !strcmp(*(char *const *)a, *(char *const *)b);
}

static int name_copy(void *to, const void *from)
{
	char *name = full ? NULL : kstrdup(*(char *const *)from, GFP_KERNEL);

	if (!name)
		return -ENOSPC;
	*(char **)to = name;
	atomic_inc(&names);
	return 0;
}

static void name_free(void *key)
{
	kfree(*(char **)key);
	atomic_dec(&names);
}

static const struct nebula_cache_key_ops name_ops = {
	.hash = name_hash, .equal = name_equal, .copy = name_copy, .free = name_free,
};

/* Its length, on the heap. */
static int measure(struct nebula_cache *c, const void *key, void *value, void *data)
{
	const char *name = *(char *const *)key;
	const size_t length = strlen(name);
	size_t *object;

	if (!length)
		return -ENOENT;
	object = kmemdup(&length, sizeof(length), GFP_KERNEL);
	if (!object)
		return -ENOMEM;
	atomic_inc(&objects);
	*(size_t **)value = object;
	return 0;
}

static void drop(struct nebula_cache *c, const void *key, void *value, void *data)
{
	kfree(*(size_t **)value);
	atomic_dec(&objects);
}

static struct nebula_cache *cache_of_names(struct kunit *test, unsigned int entries,
					   unsigned int flags)
{
	struct nebula_cache *c;

	full = false;
	c = nebula_cache_create("names", .key_size = sizeof(char *), .key_ops = &name_ops,
				.value_size = sizeof(size_t *), .entries = entries,
				.compute = measure, .release = drop, .flags = flags);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c);
	return c;
}

/* Nothing that was made is left. */
static void end(struct kunit *test, struct nebula_cache *c)
{
	nebula_cache_destroy(c);
	KUNIT_EXPECT_EQ(test, atomic_read(&names), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&objects), 0);
}

/* Its length, or an error. */
static long length_of(struct nebula_cache *c, const char *name)
{
	size_t **value = nebula_cache_get_or_compute(c, &name);
	long length = IS_ERR(value) ? PTR_ERR(value) : (long)**value;

	nebula_cache_put(c, value);
	return length;
}

static bool has(struct nebula_cache *c, const char *name)
{
	void *value = nebula_cache_get(c, &name);

	nebula_cache_put(c, value);
	return value;
}

/* By what they mean, wherever they lie; and the client's may go. */
static void managed_keys_are_found(struct kunit *test)
{
	struct nebula_cache *c = cache_of_names(test, 8, 0);
	char mine[] = "resolver", other[] = "resolver";
	struct nebula_cache_stats st;

	KUNIT_EXPECT_EQ(test, length_of(c, mine), 8L);
	strscpy(mine, "garbage", sizeof(mine));
	KUNIT_EXPECT_EQ(test, length_of(c, other), 8L);
	KUNIT_EXPECT_FALSE(test, has(c, "resolves"));
	KUNIT_EXPECT_FALSE(test, has(c, mine));
	nebula_cache_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.computes, 1ULL);
	KUNIT_EXPECT_EQ(test, atomic_read(&names), 1);
	end(test, c);
}

static void managed_keys_come_and_go(struct kunit *test)
{
	struct nebula_cache *c = cache_of_names(test, 4, NEBULA_CACHE_DEDUP);
	const char *text = "name-number-0", *forgotten = text + 5;
	unsigned int i;

	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, length_of(c, text + i), 13L - i);
	KUNIT_EXPECT_EQ(test, length_of(c, ""), (long)-ENOENT);
	KUNIT_EXPECT_EQ(test, length_of(c, forgotten), 8L);
	KUNIT_EXPECT_TRUE(test, nebula_cache_invalidate(c, &forgotten));
	KUNIT_EXPECT_FALSE(test, has(c, forgotten));
	nebula_cache_clear(c);
	KUNIT_EXPECT_FALSE(test, has(c, text + 9));
	end(test, c);
}

/* What the last reference was dropped of while it was found is not found. */
static void managed_key_goes_while_it_is_found(struct kunit *test)
{
	struct nebula_cache *c = cache_of_names(test, 4, 0);
	const char *name = "name";
	void *value;

	KUNIT_EXPECT_EQ(test, length_of(c, name), 4L);
	forgetful = c;
	value = nebula_cache_get(c, &name);
	KUNIT_EXPECT_NULL(test, forgetful);
	KUNIT_EXPECT_NULL(test, value);
	KUNIT_EXPECT_EQ(test, length_of(c, name), 4L);
	forgetful = c;
	KUNIT_EXPECT_EQ(test, length_of(c, name), 4L);
	end(test, c);
}

/* Where a key cannot be kept nothing is computed, and its error is the answer. */
static void managed_key_cannot_be_copied(struct kunit *test)
{
	struct nebula_cache *c = cache_of_names(test, 4, 0);
	const char *name = "name";
	void *value = NULL;
	struct nebula_cache_stats st;

	full = true;
	KUNIT_EXPECT_EQ(test, length_of(c, name), (long)-ENOSPC);
	KUNIT_EXPECT_EQ(test, nebula_cache_warm(c, &name, &value), -ENOSPC);
	full = false;
	nebula_cache_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.computes, 0ULL);
	KUNIT_EXPECT_EQ(test, length_of(c, name), 4L);
	end(test, c);
}

/* What warm takes over is dropped by the cache, what it refuses is not. */
static void managed_values_have_one_owner(struct kunit *test)
{
	struct nebula_cache *c = cache_of_names(test, 1, 0);
	const char *a = "a", *b = "bb";
	size_t *mine[2];
	void *out;

	KUNIT_EXPECT_EQ(test, measure(c, &a, &mine[0], NULL), 0);
	KUNIT_EXPECT_EQ(test, measure(c, &b, &mine[1], NULL), 0);
	KUNIT_EXPECT_EQ(test, nebula_cache_warm(c, &a, &mine[0]), 0);
	out = nebula_cache_get(c, &a);
	KUNIT_ASSERT_NOT_NULL(test, out);
	/* The only entry is out. */
	KUNIT_EXPECT_EQ(test, nebula_cache_warm(c, &b, &mine[1]), -EBUSY);
	EXPECT_ERROR(test, &c->common, NEBULA_E_INVALID_STATE);
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, *mine[1], (size_t)2);
	/* In place of what there is, it fits. */
	KUNIT_EXPECT_EQ(test, nebula_cache_warm(c, &a, &mine[1]), 0);
	KUNIT_EXPECT_EQ(test, cache_entry_of(c, out)->slot, CACHE_NO_SLOT);
	KUNIT_EXPECT_EQ(test, length_of(c, a), 2L);
	nebula_cache_put(c, out);
	end(test, c);
}

static void managed_keys_are_configured(struct kunit *test)
{
	static const struct nebula_cache_key_ops wrong[] = {
		{ .hash = name_hash }, { .equal = name_equal },
		{ .hash = name_hash, .equal = name_equal, .copy = name_copy },
		{ .hash = name_hash, .equal = name_equal, .free = name_free },
	};
	struct nebula_cache_config cfg = { .key_size = 8, .value_size = 8, .entries = 8 };
	struct nebula_error err;
	unsigned int i;
	void *made;

	fixture_listen(test);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		cfg.key_ops = &wrong[i];
		made = nebula_cache_create_cfg("x", &cfg, sizeof(cfg), NEBULA_ABI, THIS_MODULE);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -EINVAL);
		KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_CONFIG, &err), i + 1);
		KUNIT_EXPECT_STREQ(test, err.what, ".key_ops");
	}
}

static u32 seed_of(struct nebula_cache *c)
{
	u32 seed;

	rcu_read_lock();
	seed = rht_dereference_rcu(c->table.tbl, &c->table)->hash_rnd;
	rcu_read_unlock();
	return seed;
}

/* Where a key lies depends on a seed of the table's own: no one can choose keys that meet. */
static void managed_hashes_are_seeded(struct kunit *test)
{
	static const u32 key[5] = { 1, 2, 3, 4, 5 };
	struct nebula_cache *a = cache_of_names(test, 4, 0), *b = cache_of_names(test, 4, 0);
	unsigned int words;

	KUNIT_EXPECT_NE(test, seed_of(a), seed_of(b));
	for (words = 1; words <= ARRAY_SIZE(key); words++)
		KUNIT_EXPECT_NE(test, cache_hash(key, 4 * words, seed_of(a)),
				cache_hash(key, 4 * words, seed_of(b)));
	end(test, a);
	end(test, b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(managed_keys_are_found),
	KUNIT_CASE(managed_keys_come_and_go),
	KUNIT_CASE(managed_key_goes_while_it_is_found),
	KUNIT_CASE(managed_key_cannot_be_copied),
	KUNIT_CASE(managed_values_have_one_owner),
	KUNIT_CASE(managed_keys_are_configured),
	KUNIT_CASE(managed_hashes_are_seeded),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_cache_managed",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
