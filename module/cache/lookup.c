// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hits: any context, no lock.
 *
 * A lookup walks the table under RCU. What it finds may have been removed a moment ago; it stays
 * where it is until a grace period after its last reference was dropped, and its value does not
 * change. So a copy needs no reference, and a reference is taken only while there is another one.
 */
#include <linux/export.h>
#include <nebula/compat.h>
#include "priv.h"

/* The clock leaves it alone for one turn. Written only when that changes something. */
static __always_inline void touch(struct cache_entry *e)
{
	if (!READ_ONCE(e->asked))
		WRITE_ONCE(e->asked, true);
}

/* Pairs with smp_store_release() in finish(): the value is seen complete. */
static __always_inline bool is_good(const struct nebula_cache *c, const struct cache_entry *e)
{
	/* See above. */
	return smp_load_acquire(&e->state) == CACHE_READY && !cache_is_old(c, e);
}

/* Values begin at a multiple of 8. Short ones are copied without a call. */
static __always_inline void copy_value(void *to, const void *from, size_t n)
{
	size_t i;

	if (n % 8 || n > 128) {
		memcpy(to, from, n);
		return;
	}
	for (i = 0; i < n; i += 8)
		memcpy(to + i, from + i, 8);
}

/* An entry in whatever state, with a reference, or NULL. Any context. */
struct cache_entry *cache_get_entry(struct nebula_cache *c, const void *key)
{
	struct cache_entry *e;

	cache_lookup_begin();
	e = cache_find(c, key);
	if (e && !atomic_inc_not_zero(&e->refs))
		e = NULL;
	cache_lookup_end();
	return e;
}

/*
 * While a value is computed anew, in a cache that computes with workers: the one that was there
 * before. It may have been computed since @e was looked at. NULL for none. In a lookup.
 */
static noinline struct cache_entry *stale_of(const struct nebula_cache *c, struct cache_entry *e)
{
	/* Pairs with the full barrier of finish(): without the old value the new one is seen. */
	struct cache_entry *stale = smp_load_acquire(&e->stale);

	if (stale)
		return stale;
	return is_good(c, e) ? e : NULL;
}

/* What a lookup returns, without a reference; NULL for a miss. */
static __always_inline struct cache_entry *find_good(struct nebula_cache *c, const void *key,
						     bool or_stale)
{
	struct cache_entry *e = cache_find(c, key);

	if (likely(e) && likely(is_good(c, e)))
		return e;
	return or_stale && e && c->workers ? stale_of(c, e) : NULL;
}

static __always_inline void *get(struct nebula_cache *c, const void *key, bool or_stale)
{
	struct cache_entry *e;

	cache_lookup_begin();
	e = find_good(c, key, or_stale);
	if (likely(e) && likely(atomic_inc_not_zero(&e->refs))) {
		cache_lookup_end();
		touch(e);
		this_cpu_inc(c->cpus->hits);
		return cache_value(c, e);
	}
	cache_lookup_end();
	this_cpu_inc(c->cpus->misses);
	return NULL;
}

void *nebula_cache_get(struct nebula_cache *c, const void *key)
{
	return get(c, key, true);
}
EXPORT_SYMBOL_GPL(nebula_cache_get);

void *nebula_cache_get_or_compute(struct nebula_cache *c, const void *key)
{
	void *value = get(c, key, false);

	return likely(value) ? value : cache_get_slow(c, key);
}
EXPORT_SYMBOL_GPL(nebula_cache_get_or_compute);

bool nebula_cache_read(struct nebula_cache *c, const void *key, void *copy)
{
	struct cache_entry *e;

	cache_lookup_begin();
	e = find_good(c, key, true);
	if (e) {
		copy_value(copy, cache_value(c, e), c->value_size);
		touch(e);
	}
	cache_lookup_end();
	if (e)
		this_cpu_inc(c->cpus->hits);
	else
		this_cpu_inc(c->cpus->misses);
	return e;
}
EXPORT_SYMBOL_GPL(nebula_cache_read);

void nebula_cache_put(struct nebula_cache *c, void *value)
{
	if (!IS_ERR_OR_NULL(value))
		cache_put_entry(c, cache_entry_of(c, value));
}
EXPORT_SYMBOL_GPL(nebula_cache_put);
