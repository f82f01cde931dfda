// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of caches: what is computed, evicted, and dropped because it is too old.
 */
#include <linux/tracepoint.h>
#include <trace/events/nebula.h>
#include "../../module/cache/priv.h"
#include "../fixture.h"
#include "computer.h"

/**
 * struct heard - what probes were told
 * @computed: computations.
 * @err: of the last one.
 * @evicted: values that made room.
 * @expired: values that were too old.
 * @kept: values that were left after the last of those.
 */
static struct heard {
	unsigned int computed;
	int err;
	unsigned int evicted;
	unsigned int expired;
	unsigned int kept;
} heard;

static void hear_compute(void *data, const char *name, u64 ns, int err)
{
	heard.computed += !strcmp(name, "cache");
	heard.err = err;
}

static void hear_evict(void *data, const char *name, unsigned int kept)
{
	heard.evicted += !strcmp(name, "cache");
	heard.kept = kept;
}

static void hear_expire(void *data, const char *name, unsigned int kept)
{
	heard.expired += !strcmp(name, "cache");
	heard.kept = kept;
}

static int listen(void)
{
	return register_trace_cache_compute(hear_compute, NULL) ?:
	       register_trace_cache_evict(hear_evict, NULL) ?:
	       register_trace_cache_expire(hear_expire, NULL);
}

static void hear_no_more(void)
{
	unregister_trace_cache_compute(hear_compute, NULL);
	unregister_trace_cache_evict(hear_evict, NULL);
	unregister_trace_cache_expire(hear_expire, NULL);
	tracepoint_synchronize_unregister();
}

static void trace_of_cache(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c;
	void *value;
	u64 key;

	if (!IS_ENABLED(CONFIG_TRACEPOINTS))
		kunit_skip(test, "this kernel has no tracepoints");
	c = CACHE(test, by, 2, .ttl_ms = 3600000);
	heard = (struct heard){ };
	KUNIT_EXPECT_EQ(test, listen(), 0);
	for (key = 1; key <= 3; key++)
		KUNIT_EXPECT_EQ(test, cache_ask(test, c, key), 0);
	KUNIT_EXPECT_EQ(test, heard.computed, 3U);
	KUNIT_EXPECT_EQ(test, heard.evicted, 1U);
	KUNIT_EXPECT_EQ(test, heard.kept, 1U);
	KUNIT_EXPECT_EQ(test, heard.expired, 0U);
	key = 3;
	value = nebula_cache_get(c, &key);
	KUNIT_ASSERT_NOT_NULL(test, value);
	WRITE_ONCE(cache_entry_of(c, value)->expires, jiffies - 1);
	nebula_cache_put(c, value);
	by->err = -EIO;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 3), -EIO);
	KUNIT_EXPECT_EQ(test, heard.expired, 1U);
	KUNIT_EXPECT_EQ(test, heard.computed, 4U);
	KUNIT_EXPECT_EQ(test, heard.err, -EIO);
	hear_no_more();
	cache_end(test, c, by, 3);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(trace_of_cache),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_cache_trace",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
