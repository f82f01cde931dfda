// SPDX-License-Identifier: GPL-2.0-only
/*
 * Caches of computed values: what is found, computed, waited for, evicted and dropped.
 */
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "../../module/cache/priv.h"
#include "../../module/core/chunk.h"
#include "../../module/core/inject.h"
#include "../contexts.h"
#include "../files.h"
#include "../fixture.h"
#include "computer.h"

static void cache_computes_once(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 10);
	struct nebula_cache_stats st;
	u8 copy[VALUE_SIZE];
	u64 key = 7;

	KUNIT_EXPECT_FALSE(test, cache_has(c, 7));
	KUNIT_EXPECT_FALSE(test, nebula_cache_read(c, &key, copy));
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 7), 0);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 7), 0);
	KUNIT_EXPECT_TRUE(test, cache_has(c, 7));
	KUNIT_EXPECT_TRUE(test, nebula_cache_read(c, &key, copy));
	KUNIT_EXPECT_TRUE(test, fixture_stamped(copy, VALUE_SIZE, 7));
	expect_computed(test, by, 1);
	nebula_cache_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.hits, 3ULL);
	KUNIT_EXPECT_EQ(test, st.misses, 3ULL);
	KUNIT_EXPECT_EQ(test, st.computes, 1ULL);
	KUNIT_EXPECT_EQ(test, st.entries, 1ULL);
	KUNIT_EXPECT_EQ(test, st.capacity, 10ULL);
	nebula_cache_put(c, NULL);
	nebula_cache_put(c, ERR_PTR(-ENOMEM));
	cache_end(test, c, by, 1);
}

/* A value stays as it is while it is out, whatever becomes of its key. */
static void cache_forgets(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 10);
	const u64 key = 7;
	void *value = nebula_cache_get_or_compute(c, &key);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, value);
	KUNIT_EXPECT_TRUE(test, nebula_cache_invalidate(c, &key));
	KUNIT_EXPECT_FALSE(test, nebula_cache_invalidate(c, &key));
	KUNIT_EXPECT_FALSE(test, cache_has(c, 7));
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 7), 0);
	expect_computed(test, by, 2);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 8), 0);
	nebula_cache_clear(c);
	KUNIT_EXPECT_FALSE(test, cache_has(c, 7));
	KUNIT_EXPECT_FALSE(test, cache_has(c, 8));
	KUNIT_EXPECT_TRUE(test, fixture_stamped(value, VALUE_SIZE, 7));
	nebula_cache_put(c, value);
	cache_end(test, c, by, 3);
}

static void cache_is_warmed(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 2);
	u8 value[VALUE_SIZE];
	const u64 key = 7;

	fixture_stamp(value, VALUE_SIZE, 7);
	KUNIT_EXPECT_EQ(test, nebula_cache_warm(c, &key, value), 0);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 7), 0);
	KUNIT_EXPECT_EQ(test, nebula_cache_warm(c, &key, value), 0);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 7), 0);
	expect_computed(test, by, 0);
	cache_end(test, c, by, 2);
}

/* The clock spares what was asked for since its hand passed, once. */
static void cache_evicts(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4);
	struct nebula_cache_stats st;
	u64 key;

	for (key = 1; key <= 4; key++)
		KUNIT_EXPECT_EQ(test, cache_ask(test, c, key), 0);
	KUNIT_EXPECT_TRUE(test, cache_has(c, 1));
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 5), 0);
	KUNIT_EXPECT_TRUE(test, cache_has(c, 1));
	KUNIT_EXPECT_TRUE(test, cache_has(c, 5));
	for (key = 100; key < 1000; key++)
		KUNIT_EXPECT_EQ(test, cache_ask(test, c, key), 0);
	nebula_cache_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.entries, 4ULL);
	KUNIT_EXPECT_EQ(test, st.evictions, 901ULL);
	KUNIT_EXPECT_TRUE(test, cache_has(c, 999));
	cache_end(test, c, by, 905);
}

/* What is out is not evicted; when all are, a value is computed for the caller alone. */
static void cache_evicts_no_value_that_is_out(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 3, .flags = NEBULA_CACHE_DEDUP);
	void *values[3];
	u64 key;

	for (key = 0; key < 3; key++) {
		values[key] = nebula_cache_get_or_compute(c, &key);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, values[key]);
	}
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 8), 0);
	KUNIT_EXPECT_FALSE(test, cache_has(c, 8));
	for (key = 0; key < 3; key++) {
		KUNIT_EXPECT_TRUE(test, cache_has(c, key));
		KUNIT_EXPECT_TRUE(test, fixture_stamped(values[key], VALUE_SIZE, key));
		nebula_cache_put(c, values[key]);
	}
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 8), 0);
	KUNIT_EXPECT_TRUE(test, cache_has(c, 8));
	cache_end(test, c, by, 5);
}

static void cache_drops_what_is_old(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4, .ttl_ms = 1);
	struct nebula_cache *lasting = CACHE(test, by, 4, .ttl_ms = 3600000);
	struct nebula_cache_stats st;

	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	KUNIT_EXPECT_EQ(test, cache_ask(test, lasting, 1), 0);
	/* At least two ticks: it is too old for certain. */
	msleep(2 * jiffies_to_msecs(2));
	KUNIT_EXPECT_FALSE(test, cache_has(c, 1));
	KUNIT_EXPECT_TRUE(test, cache_has(lasting, 1));
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	nebula_cache_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.expired, 1ULL);
	KUNIT_EXPECT_EQ(test, st.computes, 2ULL);
	nebula_cache_destroy(c);
	cache_end(test, lasting, by, 3);
}

static void cache_keeps_no_error(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4);
	struct nebula_cache_stats st;
	struct nebula_error err;

	by->err = -EIO;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -EIO);
	KUNIT_EXPECT_TRUE(test, nebula_allocator_last_error(&c->common, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_COMPUTE_FAILED);
	KUNIT_EXPECT_EQ(test, err.value, (size_t)EIO);
	by->err = 3;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -EINVAL);
	by->err = 0;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	expect_computed(test, by, 3);
	nebula_cache_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.errors, 2ULL);
	cache_end(test, c, by, 1);
}

static void cache_keeps_errors_if_asked_to(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4, .ttl_ms = 3600000,
				       .flags = NEBULA_CACHE_KEEP_ERRORS);
	const u64 key = 1;

	by->err = -EIO;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -EIO);
	by->err = 0;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -EIO);
	KUNIT_EXPECT_FALSE(test, cache_has(c, 1));
	expect_computed(test, by, 1);
	KUNIT_EXPECT_TRUE(test, nebula_cache_invalidate(c, &key));
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	/* That it was interrupted is the caller's own. */
	atomic_set(&by->interrupt, 1);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 2), -EINTR);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 2), 0);
	cache_end(test, c, by, 2);
}

/* Several at once */

#define TASKS	8

/**
 * struct asker - a task that asks for a key
 * @worker: runs it.
 * @test: the test.
 * @cache: the cache.
 * @key: the key.
 * @ret: what that came to.
 */
struct asker {
	struct worker worker;
	struct kunit *test;
	struct nebula_cache *cache;
	u64 key;
	int ret;
};

static void asker_ask(void *data)
{
	struct asker *a = data;

	a->ret = cache_ask(a->test, a->cache, a->key);
}

static struct asker *askers_start(struct kunit *test, struct nebula_cache *c, unsigned int n,
				  u64 key, u64 step)
{
	struct asker *a = kunit_kcalloc(test, n, sizeof(*a), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, a);
	for (i = 0; i < n; i++) {
		a[i].test = test;
		a[i].cache = c;
		a[i].key = key + i * step;
		worker_start(test, &a[i].worker, WORKER_ANYWHERE, asker_ask, &a[i]);
	}
	return a;
}

/* Returns how many got @ret. */
static unsigned int askers_join(struct asker *a, unsigned int n, int ret)
{
	unsigned int i, equal = 0;

	for (i = 0; i < n; i++) {
		worker_join(&a[i].worker);
		equal += a[i].ret == ret;
	}
	return equal;
}

/* One computes, and does so until all others sleep for that. */
static void cache_computes_for_all(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4, .flags = NEBULA_CACHE_DEDUP);

	by->gather = TASKS - 1;
	KUNIT_EXPECT_EQ(test, askers_join(askers_start(test, c, TASKS, 1, 0), TASKS, 0),
			(unsigned int)TASKS);
	expect_computed(test, by, 1);
	cache_end(test, c, by, 1);
}

static void cache_tells_all_of_an_error(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4, .flags = NEBULA_CACHE_DEDUP);

	by->gather = TASKS - 1;
	by->err = -EIO;
	KUNIT_EXPECT_EQ(test, askers_join(askers_start(test, c, TASKS, 1, 0), TASKS, -EIO),
			(unsigned int)TASKS);
	expect_computed(test, by, 1);
	by->gather = 0;
	by->err = 0;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	cache_end(test, c, by, 1);
}

/* An interruption is the computer's own: the next of those that sleep computes. */
static void cache_strands_nobody(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4, .flags = NEBULA_CACHE_DEDUP);
	struct asker *a;

	by->gather = TASKS - 1;
	atomic_set(&by->interrupt, 3);
	a = askers_start(test, c, TASKS, 1, 0);
	KUNIT_EXPECT_EQ(test, askers_join(a, TASKS, 0), TASKS - 3U);
	KUNIT_EXPECT_EQ(test, askers_join(a, TASKS, -EINTR), 3U);
	expect_computed(test, by, 4);
	cache_end(test, c, by, 1);
}

static void cache_notices_recursion(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c;
	unsigned int flags;

	by->inner = 1;
	by->outer = 1;
	for (flags = 0; flags <= NEBULA_CACHE_DEDUP; flags++) {
		c = CACHE(test, by, 4, .flags = flags);
		by->inner_err = 0;
		KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
		KUNIT_EXPECT_EQ(test, by->inner_err, -EDEADLK);
		EXPECT_ERROR(test, &c->common, NEBULA_E_RECURSION);
		nebula_cache_destroy(c);
	}
	expect_computed(test, by, 2);
}

/* Two computations that ask for each other's key: one is told, so both end. */
static void cache_notices_cycles(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4, .flags = NEBULA_CACHE_DEDUP);

	by->outer = 1;
	by->inner = 2;
	KUNIT_EXPECT_EQ(test, askers_join(askers_start(test, c, 2, 1, 1), 2, 0), 2U);
	KUNIT_EXPECT_EQ(test, by->inner_err, -ELOOP);
	EXPECT_ERROR(test, &c->common, NEBULA_E_CYCLE);
	expect_computed(test, by, 2);
	cache_end(test, c, by, 2);
}

static void asker_with_a_signal(void *data)
{
	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
	asker_ask(data);
	flush_signals(current);
	disallow_signal(SIGUSR1);
}

static void cache_wait_is_interrupted(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4, .flags = NEBULA_CACHE_DEDUP);
	struct asker *a, second = { .test = test, .cache = c, .key = 1 };

	/* It computes until the second asker has come back, which alone does not end that. */
	by->gather = 2;
	a = askers_start(test, c, 1, 1, 0);
	while (!atomic_read(&by->computed))
		cond_resched();
	worker_start(test, &second.worker, WORKER_ANYWHERE, asker_with_a_signal, &second);
	worker_join(&second.worker);
	WRITE_ONCE(by->gather, 0);
	KUNIT_EXPECT_EQ(test, second.ret, -ERESTARTSYS);
	EXPECT_ERROR(test, &c->common, NEBULA_E_INTERRUPTED);
	KUNIT_EXPECT_EQ(test, askers_join(a, 1, 0), 1U);
	cache_end(test, c, by, 1);
}

/* What is forgotten while it is computed goes to those who asked, and is not kept. */
static void cache_forgets_what_is_computed(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4, .flags = NEBULA_CACHE_DEDUP);
	const u64 key = 1;
	struct asker *a;

	by->gather = 1;
	a = askers_start(test, c, 1, 1, 0);
	while (!atomic_read(&by->computed))
		cond_resched();
	KUNIT_EXPECT_FALSE(test, cache_has(c, 1));
	KUNIT_EXPECT_TRUE(test, nebula_cache_invalidate(c, &key));
	by->gather = 0;
	KUNIT_EXPECT_EQ(test, askers_join(a, 1, 0), 1U);
	KUNIT_EXPECT_FALSE(test, cache_has(c, 1));
	cache_end(test, c, by, 1);
}

/* Workers */

static void cache_computes_elsewhere(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4, .flags = NEBULA_CACHE_ASYNC);

	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -EINPROGRESS);
	flush_workqueue(c->workers);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	expect_computed(test, by, 1);
	by->err = -EIO;
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 2), -EINPROGRESS);
	flush_workqueue(c->workers);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 2), -EINPROGRESS);
	cache_end(test, c, by, 1);
}

static void cache_waits_for_workers(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4,
				       .flags = NEBULA_CACHE_ASYNC | NEBULA_CACHE_DEDUP);

	by->gather = TASKS;
	KUNIT_EXPECT_EQ(test, askers_join(askers_start(test, c, TASKS, 1, 0), TASKS, 0),
			(unsigned int)TASKS);
	expect_computed(test, by, 1);
	cache_end(test, c, by, 1);
}

/* Only so many at once; what they have not begun is cancelled. */
static void cache_cancels(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 64, .flags = NEBULA_CACHE_ASYNC, .workers = 1);
	u64 key;

	by->gather = 1;
	for (key = 1; key <= 50; key++)
		KUNIT_EXPECT_EQ(test, cache_ask(test, c, key), -EINPROGRESS);
	while (!atomic_read(&by->computed))
		cond_resched();
	expect_computed(test, by, 1);
	/* As destroy does before it waits for them. */
	WRITE_ONCE(c->dying, true);
	by->gather = 0;
	cache_end(test, c, by, 1);
	expect_computed(test, by, 1);
}

/* Configurations and ends */

static void cache_checks_configuration(struct kunit *test)
{
	static const struct nebula_cache_config good = {
		.key_size = 8, .value_size = 8, .entries = 8, .compute = computer_compute,
	};
	static const struct {
		const char *what;
		size_t offset;
		size_t size;
		u64 value;
	} rows[] = {
#define ROW(field, v)	{ "." #field, offsetof(struct nebula_cache_config, field),	\
			  sizeof(good.field), v }
		ROW(key_size, 0), ROW(key_size, SZ_4K + 1), ROW(value_size, 0),
		ROW(value_size, SZ_1M + 1), ROW(entries, 0), ROW(entries, SZ_16M + 1),
		ROW(workers, 65), ROW(flags, 8), ROW(budget, (unsigned long)-ENOMEM),
#undef ROW
	};
	struct nebula_cache_config cfg;
	struct nebula_cache *made;
	struct nebula_error err;
	unsigned int i;

	fixture_listen(test);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		cfg = good;
		memcpy((void *)&cfg + rows[i].offset, &rows[i].value, rows[i].size);
		made = nebula_cache_create_cfg("x", &cfg, sizeof(cfg), NEBULA_ABI, THIS_MODULE);
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(made), -EINVAL, "%s", rows[i].what);
		KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_CONFIG, &err), i + 1);
		KUNIT_EXPECT_STREQ(test, err.what, rows[i].what);
	}
	cfg = good;
	cfg.flags = NEBULA_CACHE_KEEP_ERRORS;
	made = nebula_cache_create_cfg("x", &cfg, sizeof(cfg), NEBULA_ABI, THIS_MODULE);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -EINVAL);
	cfg.flags = NEBULA_CACHE_DEDUP;
	cfg.compute = NULL;
	made = nebula_cache_create_cfg("x", &cfg, sizeof(cfg), NEBULA_ABI, THIS_MODULE);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -EINVAL);
	made = nebula_cache_create_cfg("x", &good, sizeof(cfg), NEBULA_ABI + 1, THIS_MODULE);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -ENOEXEC);
	made = nebula_cache_create_cfg("x", NULL, sizeof(cfg), NEBULA_ABI, THIS_MODULE);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -EINVAL);
	made = nebula_cache_create_cfg("a b", &good, sizeof(cfg), NEBULA_ABI, THIS_MODULE);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -EINVAL);
}

/* Each step of making it fails once, and nothing is left behind. */
static void cache_is_unwound(struct kunit *test)
{
	struct computer *by = computer_create(test);
	unsigned int step = 0, seen;
	struct nebula_cache *c;

	do {
		nebula_fault_arm(++step, 1);
		c = nebula_cache_create("x", .key_size = 8, .value_size = VALUE_SIZE, .entries = 8,
					.compute = computer_compute, .data = by,
					.flags = NEBULA_CACHE_ASYNC);
		seen = nebula_fault_disarm();
		if (!IS_ERR(c))
			KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -EINPROGRESS);
		else
			KUNIT_EXPECT_EQ(test, PTR_ERR(c), (long)-ENOMEM);
		nebula_cache_destroy(c);
		nebula_chunks_flush();
		KUNIT_ASSERT_EQ(test, fixture_regions(test), 0);
	} while (seen >= step);
	KUNIT_EXPECT_GE(test, step, 8U);
}

static void cache_copes_without_memory(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4, .flags = NEBULA_CACHE_ASYNC);

	nebula_fault_arm(1, 1);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, nebula_fault_disarm(), 1U);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), -EINPROGRESS);
	flush_workqueue(c->workers);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	cache_end(test, c, by, 1);
}

static void cache_refuses_atomic_context(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4), *made;
	u8 value[VALUE_SIZE] = { };
	const u64 key = 1;
	unsigned long flags;
	void *hit, *miss;
	int warmed;

	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	local_irq_save(flags);
	made = nebula_cache_create("x", .key_size = 8, .value_size = 8, .entries = 8);
	hit = nebula_cache_get_or_compute(c, &key);
	nebula_cache_put(c, hit);
	miss = nebula_cache_get_or_compute(c, &(u64){ 2 });
	warmed = nebula_cache_warm(c, &key, value);
	nebula_cache_destroy(c);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -EPERM);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(hit), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(miss), -EPERM);
	KUNIT_EXPECT_EQ(test, warmed, -EPERM);
	EXPECT_ERROR(test, &c->common, NEBULA_E_WRONG_CONTEXT);
	nebula_cache_destroy(ERR_PTR(-ENOMEM));
	nebula_cache_destroy(NULL);
	cache_end(test, c, by, 1);
}

static void cache_without_computation(struct kunit *test)
{
	struct nebula_cache *c = nebula_cache_create("given", .key_size = 8, .value_size = 8,
						     .entries = 8);
	const u64 key = 1, value = 2;
	u64 copy = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(nebula_cache_get_or_compute(c, &key)), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, nebula_cache_warm(c, &key, &value), 0);
	KUNIT_EXPECT_TRUE(test, nebula_cache_read(c, &key, &copy));
	KUNIT_EXPECT_EQ(test, copy, value);
	nebula_cache_destroy(c);
}

static void cache_reports_what_is_out(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4);
	struct nebula_error err;
	const u64 key = 1;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, nebula_cache_get_or_compute(c, &key));
	fixture_listen(test);
	nebula_cache_destroy(c);
	KUNIT_EXPECT_GE(test, fixture_heard(NEBULA_E_LEAK, NULL), 1U);
	KUNIT_EXPECT_GT(test, fixture_heard(NEBULA_E_LEAK, &err), 0U);
}

static void cache_has_a_budget(struct kunit *test)
{
	struct nebula_budget *b = nebula_budget_of("cache", SZ_1M);
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 100, .budget = b);

	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	KUNIT_EXPECT_EQ(test, (s64)nebula_budget_used(b), fixture_region_bytes(test));
	cache_end(test, c, by, 1);
	nebula_chunks_flush();
	KUNIT_EXPECT_EQ(test, nebula_budget_used(b), (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_budget_destroy(b), 0);
}

static void cache_gives_memory_up(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 100);
	struct nebula_cache_stats st;
	u64 key;

	for (key = 0; key < 100; key++)
		KUNIT_EXPECT_EQ(test, cache_ask(test, c, key), 0);
	KUNIT_EXPECT_EQ(test, nebula_cache_shrink(30), 30UL);
	nebula_cache_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.entries, 70ULL);
	KUNIT_EXPECT_EQ(test, nebula_cache_shrink(1000), 70UL);
	cache_end(test, c, by, 100);
}

static void cache_has_a_file(struct kunit *test)
{
	struct computer *by = computer_create(test);
	struct nebula_cache *c = CACHE(test, by, 4, .flags = NEBULA_CACHE_DEDUP);
	const char *text;

	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	KUNIT_EXPECT_EQ(test, cache_ask(test, c, 1), 0);
	text = files_text(test, NULL, "caches/cache");
	EXPECT_TEXT(test, text, "# nebula cache v1\nname: cache\n");
	EXPECT_TEXT(test, text, "entries: 1 of 4\nhits: 1\nmisses: 1\nhit rate: 50.0%\n");
	EXPECT_TEXT(test, text, "compute times:\n");
	cache_end(test, c, by, 1);
}

/* All at once: tasks compute and forget, and all contexts look up, read and put. */

#define THREADS		4
#define TURNS		(IS_ENABLED(CONFIG_KASAN) ? 1000 : 3000)
#define KEYS		24

/**
 * struct market - a cache that all contexts use
 * @cache: the cache, smaller than the number of keys.
 * @random: of each context.
 * @warmed: values that were given. Any context.
 * @wrong: values that were another key's, or none. Any context.
 * @failed: values that could not be had. Any context.
 */
struct market {
	struct nebula_cache *cache;
	struct rnd_state *random;
	atomic_t warmed;
	atomic_t wrong;
	atomic_t failed;
};

static void market_use(struct market *m, void *value, u64 key)
{
	if (!fixture_stamped(value, VALUE_SIZE, key))
		atomic_inc(&m->wrong);
	nebula_cache_put(m->cache, value);
}

static void market_change(struct market *m, u64 key, u32 random)
{
	u8 value[VALUE_SIZE];

	switch (random % 8) {
	case 0:
		nebula_cache_clear(m->cache);
		break;
	case 1:
		fixture_stamp(value, VALUE_SIZE, key);
		if (!nebula_cache_warm(m->cache, &key, value))
			atomic_inc(&m->warmed);
		break;
	default:
		nebula_cache_invalidate(m->cache, &key);
	}
}

static void market_turn(struct contexts *contexts, unsigned int who)
{
	struct market *m = contexts->data;
	const u32 random = prandom_u32_state(&m->random[who]);
	const bool task = who < contexts->threads;
	const u64 key = random % KEYS;
	u8 copy[VALUE_SIZE];
	void *value;

	if (task && random / KEYS % 16 == 0) {
		market_change(m, key, random / KEYS / 16);
	} else if (random / KEYS % 3 == 0) {
		if (nebula_cache_read(m->cache, &key, copy) &&
		    !fixture_stamped(copy, VALUE_SIZE, key))
			atomic_inc(&m->wrong);
	} else {
		value = task ? nebula_cache_get_or_compute(m->cache, &key)
			     : nebula_cache_get(m->cache, &key);
		if (IS_ERR(value))
			atomic_inc(&m->failed);
		else if (value)
			market_use(m, value, key);
	}
}

static void expect_fair_market(struct kunit *test, unsigned int flags, unsigned int ttl_ms)
{
	struct market *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	struct contexts *contexts = contexts_create(test, THREADS, market_turn, m);
	const unsigned int n = contexts_count(contexts);
	struct computer *by = computer_create(test);
	struct nebula_cache_stats st;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->cache = CACHE(test, by, KEYS / 2, .flags = flags, .ttl_ms = ttl_ms);
	m->random = kunit_kcalloc(test, n, sizeof(*m->random), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m->random);
	for (i = 0; i < n; i++)
		prandom_seed_state(&m->random[i], FIXTURE_SEED + i);
	contexts_run(test, contexts, TURNS);
	nebula_cache_stats_read(m->cache, &st);
	kunit_info(test, "%llu hits, %llu misses, %llu computed, %llu evicted, %llu waits\n",
		   st.hits, st.misses, st.computes, st.evictions, st.waits);
	KUNIT_EXPECT_EQ(test, atomic_read(&m->wrong), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&m->failed), 0);
	KUNIT_EXPECT_GT(test, st.evictions, 0ULL);
	cache_end(test, m->cache, by, st.computes + atomic_read(&m->warmed));
}

static void cache_in_all_contexts(struct kunit *test)
{
	expect_fair_market(test, 0, 0);
}

static void cache_in_all_contexts_for_all(struct kunit *test)
{
	expect_fair_market(test, NEBULA_CACHE_DEDUP, 0);
}

static void cache_in_all_contexts_elsewhere(struct kunit *test)
{
	expect_fair_market(test, NEBULA_CACHE_ASYNC | NEBULA_CACHE_DEDUP, 1);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(cache_computes_once),
	KUNIT_CASE(cache_forgets),
	KUNIT_CASE(cache_is_warmed),
	KUNIT_CASE(cache_evicts),
	KUNIT_CASE(cache_evicts_no_value_that_is_out),
	KUNIT_CASE(cache_drops_what_is_old),
	KUNIT_CASE(cache_keeps_no_error),
	KUNIT_CASE(cache_keeps_errors_if_asked_to),
	KUNIT_CASE(cache_computes_for_all),
	KUNIT_CASE(cache_tells_all_of_an_error),
	KUNIT_CASE(cache_strands_nobody),
	KUNIT_CASE(cache_notices_recursion),
	KUNIT_CASE(cache_notices_cycles),
	KUNIT_CASE(cache_wait_is_interrupted),
	KUNIT_CASE(cache_forgets_what_is_computed),
	KUNIT_CASE(cache_computes_elsewhere),
	KUNIT_CASE(cache_waits_for_workers),
	KUNIT_CASE(cache_cancels),
	KUNIT_CASE(cache_checks_configuration),
	KUNIT_CASE(cache_is_unwound),
	KUNIT_CASE(cache_copes_without_memory),
	KUNIT_CASE(cache_refuses_atomic_context),
	KUNIT_CASE(cache_without_computation),
	KUNIT_CASE(cache_reports_what_is_out),
	KUNIT_CASE(cache_has_a_budget),
	KUNIT_CASE(cache_gives_memory_up),
	KUNIT_CASE(cache_has_a_file),
	KUNIT_CASE(cache_in_all_contexts),
	KUNIT_CASE(cache_in_all_contexts_for_all),
	KUNIT_CASE(cache_in_all_contexts_elsewhere),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_cache",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
