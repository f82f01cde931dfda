/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Caches of computed values: what a function of the client's makes of a key, kept for the next that
 * asks.
 *
 *	c = nebula_cache_create("names", .key_size = sizeof(u32), .value_size = 64,
 *				.entries = 1000, .compute = resolve, .flags = NEBULA_CACHE_DEDUP);
 *
 *	name = nebula_cache_get_or_compute(c, &id);	a referenced value, or ERR_PTR()
 *	nebula_cache_put(c, name);
 *
 * Best suited for what is expensive to compute and asked for often, from several CPUs. A hit takes
 * no lock: it looks the key up under RCU and takes a reference, or none where the value is copied.
 * Entries are blocks of a pool; when all are in use, the clock evicts one that was not asked for
 * since the hand last passed it. Hashes are seeded, so no user can choose keys that collide.
 *
 * Limitations: keys and values have one size each. Keys are hashed and compared as bytes, so
 * padding in them has to be zeroed, unless ``.key_ops`` says what they mean: then a key may be a
 * pointer, or have one in it. A value does not change once it is computed; one that refers to what
 * the client manages is a pointer, or has one in it, and ``.release`` drops that.
 */
#ifndef _NEBULA_CACHE_H
#define _NEBULA_CACHE_H

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/types.h>
#include <nebula/config.h>

struct nebula_budget;
struct nebula_cache;

/* Largest key, value and number of entries. */
#define NEBULA_CACHE_KEY_MAX		((size_t)SZ_4K)
#define NEBULA_CACHE_VALUE_MAX		((size_t)SZ_1M)
#define NEBULA_CACHE_ENTRIES_MAX	((unsigned int)SZ_16M)

/**
 * enum nebula_cache_flags - layers of a cache, each paid for only when asked for
 * @NEBULA_CACHE_DEDUP: of several that ask for a key at once, one computes and the others sleep
 *	until there is a result. An error reaches all of them. One that was interrupted is not the
 *	others': the next of them computes.
 * @NEBULA_CACHE_ASYNC: values are computed by a workqueue of the cache's own. The first caller
 *	gets -EINPROGRESS, or with %NEBULA_CACHE_DEDUP sleeps for the result; while it is computed
 *	anew, lookups find the value that has become too old. What a computation asks for it
 *	computes itself.
 * @NEBULA_CACHE_KEEP_ERRORS: an error is kept as a value is, for ``.ttl_ms``.
 */
enum nebula_cache_flags {
	NEBULA_CACHE_DEDUP	= BIT(0),
	NEBULA_CACHE_ASYNC	= BIT(1),
	NEBULA_CACHE_KEEP_ERRORS = BIT(2),
};

/**
 * struct nebula_cache_key_ops - keys that are more than their bytes
 * @hash: of what a key means; equal keys have equal hashes. @len is ``.key_size``; @seed is random,
 *	and has to be mixed in where users choose keys. Any context; must not sleep.
 * @equal: whether two keys mean the same. Any context; must not sleep.
 * @copy: makes @to, which has the bytes of @from, the cache's own, for example by kstrdup() of what
 *	they refer to. 0 or a negative errno. Process context; may sleep. %NULL: there is nothing to
 *	do.
 * @free: undoes that, a grace period after the last use of the entry. Any context; must not sleep.
 *	%NULL if and only if @copy is.
 */
struct nebula_cache_key_ops {
	u32 (*hash)(const void *key, u32 len, u32 seed);
	bool (*equal)(const void *a, const void *b);
	int (*copy)(void *to, const void *from);
	void (*free)(void *key);
};

/**
 * struct nebula_cache_config - how a cache is to be
 * @key_size: bytes of a key.
 * @value_size: bytes of a value.
 * @entries: how many are kept at most.
 * @compute: makes the value of a key, at @value: 0 or a negative errno. Process context; may sleep,
 *	and may ask for other keys. -EINTR and -ERESTARTSYS say that it was interrupted. %NULL: only
 *	what was put in by nebula_cache_warm() is found.
 * @release: called for each value that is dropped, a grace period after its last use, or %NULL. Any
 *	context; must not sleep.
 * @key_ops: for keys that are more than their bytes, or %NULL. As long as the cache is there.
 * @data: for @compute and @release.
 * @flags: &enum nebula_cache_flags.
 * @ttl_ms: how long a value is good, milliseconds; 0 means as long as it is kept.
 * @workers: values that are computed at once by %NEBULA_CACHE_ASYNC; 0 means 4.
 * @budget: charged for the memory of all entries, or %NULL.
 */
struct nebula_cache_config {
	size_t key_size;
	size_t value_size;
	unsigned int entries;
	int (*compute)(struct nebula_cache *c, const void *key, void *value, void *data);
	void (*release)(struct nebula_cache *c, const void *key, void *value, void *data);
	const struct nebula_cache_key_ops *key_ops;
	void *data;
	unsigned int flags;
	unsigned int ttl_ms;
	unsigned int workers;
	struct nebula_budget *budget;
};

/* Classes of the time that a computation took: class n from 2^n microseconds on. */
#define NEBULA_CACHE_TIMES	24

/**
 * struct nebula_cache_stats - what a cache counts
 * @hits: values found.
 * @misses: values not found.
 * @computes: computations that ended.
 * @waits: how often a task slept for another's computation.
 * @evictions: values dropped to make room.
 * @expired: values dropped because they were too old.
 * @errors: computations that failed.
 * @entries: values that are kept.
 * @capacity: values that can be kept.
 * @times: computations by the time they took.
 */
struct nebula_cache_stats {
	u64 hits;
	u64 misses;
	u64 computes;
	u64 waits;
	u64 evictions;
	u64 expired;
	u64 errors;
	u64 entries;
	u64 capacity;
	u64 times[NEBULA_CACHE_TIMES];
};

struct nebula_cache *nebula_cache_create_cfg(const char *name,
					     const struct nebula_cache_config *cfg,
					     size_t cfg_size, unsigned int abi,
					     struct module *owner);

/**
 * nebula_cache_destroy() - take down a cache
 * @c: the cache; %NULL and ERR_PTR() are fine.
 *
 * Waits for readers, and for computations that workers have begun; those that they have not begun
 * end with -ECANCELED. Values that were not put are recorded as LEAK. Refused, and recorded, in
 * atomic context (WRONG_CONTEXT).
 *
 * Context: process context; sleeps. No other call on it may be running.
 */
void nebula_cache_destroy(struct nebula_cache *c);

/**
 * nebula_cache_get_or_compute() - look a key up, and compute its value when there is none
 * @c: the cache.
 * @key: bytes of its size.
 *
 * Context: process context; may sleep. A hit is fine in any context.
 * Return: the value, with a reference that nebula_cache_put() drops, or ERR_PTR(): the error of the
 * computation (COMPUTE_FAILED); -EDEADLK when the computation of this key asked for it (RECURSION);
 * -ELOOP when it would wait for what waits for it (CYCLE); -ERESTARTSYS for a signal (INTERRUPTED);
 * -EINPROGRESS while a worker computes it; -ENOMEM or -ETIMEDOUT without memory for an entry, which
 * the pool has recorded; what ``.key_ops->copy`` returned; -EPERM in atomic context
 * (WRONG_CONTEXT); -EOPNOTSUPP without ``.compute`` (NOT_SUPPORTED).
 */
void *nebula_cache_get_or_compute(struct nebula_cache *c, const void *key) __must_check;

/**
 * nebula_cache_get() - look a key up
 * @c: the cache.
 * @key: bytes of its size.
 *
 * While a worker computes a value anew that had become too old, with %NEBULA_CACHE_ASYNC, this
 * returns the old one.
 *
 * Context: any.
 * Return: the value, with a reference that nebula_cache_put() drops; %NULL when there is none, or
 * only one that is too old.
 */
void *nebula_cache_get(struct nebula_cache *c, const void *key) __must_check;

/**
 * nebula_cache_put() - drop the reference to a value
 * @c: the cache that it is of.
 * @value: as it was returned; %NULL and ERR_PTR() are fine.
 *
 * Context: any.
 */
void nebula_cache_put(struct nebula_cache *c, void *value);

/**
 * nebula_cache_read() - look a key up and copy its value
 * @c: the cache.
 * @key: bytes of its size.
 * @copy: where the value goes; untouched when there is none.
 *
 * Takes no reference, so CPUs that read the same key do not disturb each other. What a value refers
 * to may be dropped at any time, unless the caller is under RCU.
 *
 * Context: any.
 * Return: whether there was a value that nebula_cache_get() would return.
 */
bool nebula_cache_read(struct nebula_cache *c, const void *key, void *copy) __must_check;

/**
 * nebula_cache_warm() - put a value in that is known already
 * @c: the cache.
 * @key: bytes of its size.
 * @value: bytes of its size; copied. The value that the key has is replaced; one that is being
 *	computed goes to its waiters, and is not kept.
 *
 * Context: process context; may sleep.
 * Return: 0; -EBUSY when all entries are in use (INVALID_STATE); -ENOMEM or -ETIMEDOUT without
 * memory for an entry; what ``.key_ops->copy`` returned; -EPERM in atomic context (WRONG_CONTEXT).
 * On failure ``.release`` is not called for @value.
 */
int nebula_cache_warm(struct nebula_cache *c, const void *key, const void *value);

/**
 * nebula_cache_invalidate() - forget the value of a key
 * @c: the cache.
 * @key: bytes of its size.
 *
 * A referenced value stays valid until it is put. One that is being computed goes to its waiters,
 * and is not kept.
 *
 * Context: task or softirq.
 * Return: whether there was one.
 */
bool nebula_cache_invalidate(struct nebula_cache *c, const void *key);

/**
 * nebula_cache_clear() - forget all values
 * @c: the cache; it may be in use.
 *
 * Context: process context; sleeps.
 */
void nebula_cache_clear(struct nebula_cache *c);

/**
 * nebula_cache_stats_read() - what a cache counts
 * @c: the cache.
 * @st: filled in.
 *
 * Context: any.
 */
void nebula_cache_stats_read(struct nebula_cache *c, struct nebula_cache_stats *st);

/* What the compiler can know of a configuration; all of it is checked again by create. */
static __always_inline void nebula_cache_config_check(const struct nebula_cache_config *cfg)
{
	nebula_config_assert(cfg->key_size, "nebula_cache: .key_size must not be zero");
	nebula_config_assert(cfg->key_size <= NEBULA_CACHE_KEY_MAX,
			     "nebula_cache: .key_size is more than 4 KiB");
	nebula_config_assert(cfg->value_size, "nebula_cache: .value_size must not be zero");
	nebula_config_assert(cfg->value_size <= NEBULA_CACHE_VALUE_MAX,
			     "nebula_cache: .value_size is more than 1 MiB");
	nebula_config_assert(cfg->entries, "nebula_cache: .entries must not be zero");
	nebula_config_assert(cfg->entries <= NEBULA_CACHE_ENTRIES_MAX,
			     "nebula_cache: .entries is more than 2^24");
}

/**
 * nebula_cache_create() - make a cache
 * @name: 1 to 63 of ``[A-Za-z0-9_.-]``; copied, and need not be unique.
 * @...: designated fields of &struct nebula_cache_config.
 *
 * Fields that are constant and can never be valid do not compile.
 *
 * Context: process context; sleeps.
 * Return: the cache, or ERR_PTR(): -EINVAL for a wrong name or field, -ENOMEM without memory or
 * room in the budget, -EPERM in atomic context, -ENOEXEC when the client was built against other
 * headers. The reason is recorded.
 */
#define nebula_cache_create(name, ...)							\
({											\
	const struct nebula_cache_config __nebula_cfg = { __VA_ARGS__ };		\
											\
	nebula_cache_config_check(&__nebula_cfg);					\
	nebula_cache_create_cfg(name, &__nebula_cfg, sizeof(__nebula_cfg), NEBULA_ABI,	\
				THIS_MODULE);						\
})

DEFINE_FREE(nebula_cache, struct nebula_cache *, nebula_cache_destroy(_T))

#endif /* _NEBULA_CACHE_H */
