// SPDX-License-Identifier: GPL-2.0-only
/* What caches under test compute with, see computer.h. */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "../fixture.h"
#include "computer.h"

u64 cache_waits(struct nebula_cache *c)
{
	struct nebula_cache_stats st;

	nebula_cache_stats_read(c, &st);
	return st.waits;
}

static int ask_for_inner(struct nebula_cache *c, struct computer *by, u64 key)
{
	const u64 other = key == by->outer ? by->inner : by->outer;
	void *value;

	/* Both have begun before either asks for the other's. */
	if (by->inner != by->outer) {
		atomic_inc(&by->met);
		while (atomic_read(&by->met) < 2)
			cond_resched();
	}
	value = nebula_cache_get_or_compute(c, &other);
	if (IS_ERR(value))
		by->inner_err = PTR_ERR(value);
	nebula_cache_put(c, value);
	return 0;
}

static int ask_for_lower(struct nebula_cache *c, u64 key)
{
	void *value = key > 1 ? nebula_cache_get_or_compute(c, &(u64){ key - 1 }) : NULL;

	nebula_cache_put(c, value);
	return PTR_ERR_OR_ZERO(value);
}

int computer_compute(struct nebula_cache *c, const void *key, void *value, void *data)
{
	struct computer *by = data;

	atomic_inc(&by->computed);
	while (READ_ONCE(by->gather) && cache_waits(c) < READ_ONCE(by->gather))
		cond_resched();
	if (atomic_add_unless(&by->interrupt, -1, 0))
		return -EINTR;
	if (by->dies)
		kthread_complete_and_exit(xchg(&by->dies, NULL), 0);
	if (by->chain && ask_for_lower(c, *(u64 *)key))
		return -EIO;
	if (by->inner && (*(u64 *)key == by->inner || *(u64 *)key == by->outer))
		ask_for_inner(c, by, *(u64 *)key);
	fixture_stamp(value, VALUE_SIZE, *(u64 *)key);
	return by->err;
}

void computer_release(struct nebula_cache *c, const void *key, void *value, void *data)
{
	struct computer *by = data;

	if (fixture_stamped(value, VALUE_SIZE, *(u64 *)key))
		atomic_inc(&by->released);
}

struct computer *computer_create(struct kunit *test)
{
	struct computer *by = kunit_kzalloc(test, sizeof(*by), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, by);
	return by;
}

int cache_ask(struct kunit *test, struct nebula_cache *c, u64 key)
{
	void *value = nebula_cache_get_or_compute(c, &key);

	if (IS_ERR(value))
		return PTR_ERR(value);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(value, VALUE_SIZE, key));
	nebula_cache_put(c, value);
	return 0;
}

bool cache_has(struct nebula_cache *c, u64 key)
{
	void *value = nebula_cache_get(c, &key);

	nebula_cache_put(c, value);
	return value;
}

void expect_computed(struct kunit *test, const struct computer *by, int n)
{
	KUNIT_EXPECT_EQ(test, atomic_read(&by->computed), n);
}

void cache_end(struct kunit *test, struct nebula_cache *c, const struct computer *by, int n)
{
	nebula_cache_destroy(c);
	KUNIT_EXPECT_EQ(test, atomic_read(&by->released), n);
}
