// SPDX-License-Identifier: GPL-2.0-only
/* Caches of computed values: what a hit costs, and a miss beside what it computes. */
#include <linux/err.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <nebula/nebula.h>
#include "measure.h"

#define ENTRIES		1000

static struct nebula_cache *cache;

static int compute(struct nebula_cache *c, const void *key, void *value, void *data)
{
	memcpy(value, key, sizeof(u64));
	return 0;
}

static __always_inline void hit(struct nebula_cache *c, u64 key)
{
	void *value = nebula_cache_get(c, &key);

	bench_use(value);
	nebula_cache_put(c, value);
}

static __always_inline void get_or_compute(struct nebula_cache *c, u64 key)
{
	void *value = nebula_cache_get_or_compute(c, &key);

	bench_use(value);
	nebula_cache_put(c, value);
}

static __always_inline void read_copy(struct nebula_cache *c, u64 key)
{
	u64 copy[8];

	if (nebula_cache_read(c, &key, copy))
		bench_use(copy);
}

static DEFINE_BENCH_LOOP(cache_get, cache, bench_use(nebula_cache_get(it, &(u64){ 7 })));
static DEFINE_BENCH_LOOP(cache_hit, cache, hit(it, 7));
static DEFINE_BENCH_LOOP(cache_hit_computed, cache, get_or_compute(it, 7));
static DEFINE_BENCH_LOOP(cache_read, cache, read_copy(it, 7));
/* No key comes twice, so that each is computed, and takes the place of another. */
static u64 unused;

static DEFINE_BENCH_LOOP(cache_miss, cache, get_or_compute(it, unused++));
static DEFINE_BENCH_LOOP(cache_absent, cache, hit(it, ENTRIES + 7));

static int destroy(void)
{
	struct nebula_cache_stats st;

	nebula_cache_stats_read(cache, &st);
	nebula_cache_destroy(cache);
	return st.errors ? -EINVAL : 0;
}

static int create_with(u32 flags)
{
	cache = nebula_cache_create("bench", .key_size = 8, .value_size = 64, .entries = ENTRIES,
				    .compute = compute, .flags = flags);
	return PTR_ERR_OR_ZERO(cache);
}

/* Full, as one is that has worked for a while. */
static int create_full(u32 flags)
{
	int err = create_with(flags);

	unused = 0;
	while (!err && unused < 2 * ENTRIES)
		get_or_compute(cache, unused++);
	return err;
}

static int create_lone(void)
{
	return create_full(0);
}

static int create_dedup(void)
{
	return create_full(NEBULA_CACHE_DEDUP);
}

static int create(void)
{
	int err = create_with(0);

	if (err)
		return err;
	/* Alone: how many others share its bucket depends on the table's random seed. */
	get_or_compute(cache, 7);
	return 0;
}

/* One reference for each that was taken, and none is left. */
static void put_all(void)
{
	u64 key = 7;
	void *value = nebula_cache_get(cache, &key);
	unsigned int i;

	for (i = 0; i <= BENCH_OPS; i++)
		nebula_cache_put(cache, value);
}

#define CACHE		.percpu = true, .setup = create, .teardown = destroy

/* It may sleep; the key's place in the table depends on its random seed. */
#define MISS		.percpu = true, .sleeps = true, .teardown = destroy

static const struct bench_case cases[] = {
	BENCH_AVERAGE("cache_get", "cache hit", cache_get, CACHE, .target = 120,
		      .undo = put_all, .calls = "nebula_cache_get"),
	BENCH_AVERAGE("cache_hit", "cache hit + put", cache_hit, CACHE, .target = 120,
		      .calls = "nebula_cache_get,nebula_cache_put,cache_put_entry"),
	BENCH_AVERAGE("cache_hit_computed", "cache get_or_compute that hits + put",
		      cache_hit_computed, CACHE),
	BENCH_AVERAGE("cache_read", "cache read, 64 bytes", cache_read, CACHE,
		      .calls = "nebula_cache_read"),
	BENCH_AVERAGE("cache_absent", "cache lookup that finds nothing", cache_absent, CACHE),
	BENCH_AVERAGE("cache_miss", "cache miss, computed, evicts another", cache_miss, MISS,
		      .setup = create_lone),
	BENCH_AVERAGE("cache_miss_dedup", "the same, where others would wait", cache_miss, MISS,
		      .setup = create_dedup),
};

const struct bench_table lookup_table = { "cache", cases, ARRAY_SIZE(cases) };
