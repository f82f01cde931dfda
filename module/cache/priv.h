/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to caches: what their files know of each other.
 *
 *	lookup.c  ─ get, read, put: any context		clock.c ─ in and out, eviction
 *	compute.c ─ what happens on a miss		kind.c  ─ create, destroy, file
 */
#ifndef _NEBULA_MODULE_CACHE_PRIV_H
#define _NEBULA_MODULE_CACHE_PRIV_H

#include <linux/atomic.h>
#include <linux/irq_work.h>
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/llist.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <nebula/cache.h>
#include "../core/allocator.h"

/**
 * enum cache_state - of an entry; it only ever goes from the first to one of the others
 * @CACHE_COMPUTING: its value is being computed.
 * @CACHE_READY: its value is there, and does not change any more.
 * @CACHE_FAILED: there is an error in its place.
 */
enum cache_state {
	CACHE_COMPUTING,
	CACHE_READY,
	CACHE_FAILED,
};

#define CACHE_NO_SLOT	U32_MAX

/**
 * struct cache_flight - a computation that is running
 * @node: among all of them; empty once it has ended.
 * @task: that runs it, with a reference.
 * @awaited: entry that @task sleeps for, or NULL.
 *
 * Lock: flights, see compute.c.
 */
struct cache_flight {
	struct list_head node;
	struct task_struct *task;
	struct cache_entry *awaited;
};

/* A key with what is known of it: a block of the cache's pool. */
struct cache_entry {
	struct rhash_head node;
	struct nebula_cache *cache;	/* invariant */
	atomic_t refs;		/* one for the table, one for each value that is out */
	u8 state;			/* released by its computer, acquired by all others */
	bool asked;			/* for, since the hand last passed. Any context */
	bool claimed;			/* by its computer. Lock: flights */
	u32 slot;			/* Lock: the cache's */
	int err;			/* of CACHE_FAILED */
	unsigned long expires;		/* jiffies */
	struct cache_entry *stale;	/* what it was before, with a reference. Read under RCU */
	union {
		struct cache_flight flight;	/* while it is computed */
		struct llist_node dead;	/* without references */
		struct rcu_head rcu;	/* after that */
	};
	u8 key[] __aligned(8);		/* and the value, at the cache's @value_at */
};

/* What a CPU counts. Any context, on its own CPU. */
struct cache_cpu {
	unsigned long hits;
	unsigned long misses;
	unsigned long computes;
	unsigned long waits;
	unsigned long evictions;
	unsigned long expired;
	unsigned long errors;
	unsigned long times[NEBULA_CACHE_TIMES];
};

struct nebula_cache {
	/* Invariant; read by every hit. */
	struct rhashtable table;
	struct cache_cpu __percpu *cpus;
	size_t key_size;
	size_t value_size;
	size_t value_at;		/* bytes from an entry to its value */
	bool has_words;			/* keys are words, compared as such */
	unsigned long ttl;		/* jiffies, or 0 */
	unsigned int flags;

	/* Invariant. */
	int (*compute)(struct nebula_cache *c, const void *key, void *value, void *data);
	void (*release)(struct nebula_cache *c, const void *key, void *value, void *data);
	const struct nebula_cache_key_ops *key_ops;
	void *data;
	struct nebula_pool *pool;
	struct workqueue_struct *workers;
	unsigned int max;		/* slots */

	spinlock_t lock;		/* of what follows; task and softirq */
	struct cache_entry **slots;	/* of the clock */
	u32 *free;			/* slots without entry */
	unsigned int nr_free;
	unsigned int hand;

	bool dying;			/* nothing is computed any more */
	atomic_t live;			/* entries that are not back in the pool. Any context */
	struct llist_head dead;		/* Any context */
	struct irq_work reap;
	struct list_head node;		/* Lock: caches, see clock.c */
	struct nebula_allocator common;
};

static inline void *cache_value(const struct nebula_cache *c, struct cache_entry *e)
{
	return (void *)e + c->value_at;
}

static inline struct cache_entry *cache_entry_of(const struct nebula_cache *c, void *value)
{
	return value - c->value_at;
}

/* The table's seed is random, and another one for each table. */
static inline u32 cache_hash(const void *key, u32 len, u32 seed)
{
	if (len == 8)
		return jhash_2words(((const u32 *)key)[0], ((const u32 *)key)[1], seed);
	if (len == 4)
		return jhash_1word(*(const u32 *)key, seed);
	return jhash(key, len, seed);
}

static inline int cache_compare_word(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct cache_entry *e = obj;

	return *(const u64 *)e->key != *(const u64 *)arg->key;
}

/* For keys of a word, of which lookups become straight code; clock.c has those for any others. */
static const struct rhashtable_params cache_word_params = {
	.head_offset	= offsetof(struct cache_entry, node),
	.key_offset	= offsetof(struct cache_entry, key),
	.key_len	= sizeof(u64),
	.hashfn		= cache_hash,
	.obj_cmpfn	= cache_compare_word,
};

/*
 * Lookups. Preemption that is off holds a grace period up as rcu_read_lock() does, for two
 * instructions; but lockdep does not know that.
 */
static __always_inline void cache_lookup_begin(void)
{
	if (IS_ENABLED(CONFIG_PROVE_RCU))
		rcu_read_lock();
	else
		preempt_disable();
}

static __always_inline void cache_lookup_end(void)
{
	if (IS_ENABLED(CONFIG_PROVE_RCU))
		rcu_read_unlock();
	else
		preempt_enable();
}

struct cache_entry *cache_find_any(struct nebula_cache *c, const void *key);

/* In a lookup. Of both kinds in one file, the compiler would make one that calls pointers. */
static __always_inline struct cache_entry *cache_find(struct nebula_cache *c, const void *key)
{
	if (likely(c->has_words))
		return rhashtable_lookup(&c->table, key, cache_word_params);
	return cache_find_any(c, key);
}

/* Has it expired? A value that is being computed has not. */
static inline bool cache_is_old(const struct nebula_cache *c, const struct cache_entry *e)
{
	return c->ttl && time_after_eq(jiffies, READ_ONCE(e->expires));
}

/* clock.c */
struct cache_entry *cache_alloc(struct nebula_cache *c, const void *key);
bool cache_keys_equal(const struct nebula_cache *c, const void *a, const void *b);
int cache_publish(struct nebula_cache *c, struct cache_entry *e);
int cache_replace(struct nebula_cache *c, struct cache_entry *old, struct cache_entry *e);
bool cache_remove(struct nebula_cache *c, struct cache_entry *e);
void cache_put_entry(struct nebula_cache *c, struct cache_entry *e);
void cache_reap_init(struct nebula_cache *c);
int cache_table_init(struct nebula_cache *c);
void cache_clock_init(struct nebula_cache *c);
void cache_clock_exit(struct nebula_cache *c);

/* compute.c */
void *cache_get_slow(struct nebula_cache *c, const void *key);
void cache_bury_dead(const struct nebula_cache *c);

/* lookup.c */
struct cache_entry *cache_get_entry(struct nebula_cache *c, const void *key);

#endif /* _NEBULA_MODULE_CACHE_PRIV_H */
