// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries come and go: blocks of the cache's pool, in and out of the table, and the clock.
 *
 * The clock has a slot for each entry in the table. When one is needed and none is free, the hand
 * goes on: an entry that was asked for since the hand last passed it is spared once, one that is
 * being computed or whose value is out is left alone, and the next one is evicted. The hand takes a
 * limited number of steps; then the first that it spared goes.
 *
 * An entry without references goes through a list and an irq_work, because call_rcu() takes a lock,
 * which an NMI may not, and a grace period later back to the pool.
 */
#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/shrinker.h>
#include <trace/events/nebula.h>
#include "../compat.h"
#include "../core/context.h"
#include "../core/region.h"
#include "priv.h"

/* Entries that the hand looks at for one eviction. */
#define STEPS		64

/* Jiffies that a task waits for blocks that are waiting for a grace period. */
#define PATIENCE	HZ

static LIST_HEAD(caches);
static DEFINE_MUTEX(caches_lock);
static struct shrinker *shrinker;

static int compare(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct cache_entry *e = obj;

	return memcmp(e->key, arg->key, arg->ht->key_len);
}

static int compare_managed(struct rhashtable_compare_arg *arg, const void *obj)
{
	const struct cache_entry *e = obj;

	return !e->cache->key_ops->equal(e->key, arg->key);
}

bool cache_keys_equal(const struct nebula_cache *c, const void *a, const void *b)
{
	return c->key_ops ? c->key_ops->equal(a, b) : !memcmp(a, b, c->key_size);
}

/* Each table has a @key_len of its own; those of managed keys have other functions. */
static const struct rhashtable_params cache_params = {
	.head_offset	= offsetof(struct cache_entry, node),
	.key_offset	= offsetof(struct cache_entry, key),
	.hashfn		= cache_hash,
	.obj_cmpfn	= compare,
};

int cache_table_init(struct nebula_cache *c)
{
	struct rhashtable_params params = cache_params;

	params.key_len = c->key_size;
	params.nelem_hint = min(c->max, 1U << 16);
	if (c->key_ops) {
		params.hashfn = c->key_ops->hash;
		params.obj_cmpfn = compare_managed;
	}
	return rhashtable_init(&c->table, &params);
}

/* Any key but a word. In a lookup. */
struct cache_entry *cache_find_any(struct nebula_cache *c, const void *key)
{
	if (c->key_ops)
		return rhashtable_lookup(&c->table, key, c->table.p);
	return rhashtable_lookup(&c->table, key, cache_params);
}

/* Returns 0 or the error of the client's function. */
static int adopt_key(struct nebula_cache *c, struct cache_entry *e, const void *key)
{
	memcpy(e->key, key, c->key_size);
	return c->key_ops && c->key_ops->copy ? c->key_ops->copy(e->key, key) : 0;
}

/* A new entry, in no table, with a reference. Process context; sleeps. NULL or ERR_PTR(). */
struct cache_entry *cache_alloc(struct nebula_cache *c, const void *key)
{
	struct cache_entry *e = nebula_pool_alloc(c->pool);
	int err;

	if (!e)
		e = nebula_pool_alloc_wait(c->pool, PATIENCE);
	if (IS_ERR_OR_NULL(e))
		return e;
	err = adopt_key(c, e, key);
	if (err) {
		nebula_pool_free(c->pool, e);
		return ERR_PTR(err);
	}
	atomic_inc(&c->live);
	e->cache = c;
	atomic_set(&e->refs, 1);
	e->state = CACHE_COMPUTING;
	e->asked = false;
	e->claimed = false;
	e->slot = CACHE_NO_SLOT;
	e->err = 0;
	e->expires = jiffies + c->ttl;
	e->stale = NULL;
	return e;
}

static void free_entry(struct rcu_head *rcu)
{
	struct cache_entry *e = container_of(rcu, struct cache_entry, rcu);
	struct nebula_cache *c = e->cache;

	if (e->state == CACHE_READY && c->release)
		c->release(c, e->key, cache_value(c, e), c->data);
	if (c->key_ops && c->key_ops->free)
		c->key_ops->free(e->key);
	nebula_pool_free(c->pool, e);
	atomic_dec(&c->live);
}

static void reap(struct irq_work *work)
{
	struct nebula_cache *c = container_of(work, struct nebula_cache, reap);
	struct llist_node *all = llist_del_all(&c->dead);
	struct cache_entry *e, *next;

	llist_for_each_entry_safe(e, next, all, dead)
		call_rcu(&e->rcu, free_entry);
}

/* Any context. */
void cache_put_entry(struct nebula_cache *c, struct cache_entry *e)
{
	if (!atomic_dec_and_test(&e->refs))
		return;
	/* One step: a task preempted between the two would hold up those added after it. */
	preempt_disable();
	if (llist_add(&e->dead, &c->dead))
		nebula_kick(&c->reap);
	preempt_enable();
}

/* Out of table and clock. Lock: the cache's. */
static void unlink_entry(struct nebula_cache *c, struct cache_entry *e)
{
	rhashtable_remove_fast(&c->table, &e->node, c->table.p);
	c->slots[e->slot] = NULL;
	c->free[c->nr_free++] = e->slot;
	e->slot = CACHE_NO_SLOT;
}

/* Takes it out of the table, unless it is out already. Task or softirq. */
bool cache_remove(struct nebula_cache *c, struct cache_entry *e)
{
	bool was_in;

	spin_lock_bh(&c->lock);
	was_in = e->slot != CACHE_NO_SLOT;
	if (was_in)
		unlink_entry(c, e);
	spin_unlock_bh(&c->lock);
	if (was_in)
		cache_put_entry(c, e);
	return was_in;
}

/* May it go? Lock: the cache's. */
static bool is_idle(const struct cache_entry *e)
{
	return READ_ONCE(e->state) != CACHE_COMPUTING && atomic_read(&e->refs) == 1;
}

/* Moves the hand to the entry that goes; NULL when none may. Lock: the cache's. */
static struct cache_entry *pick(struct nebula_cache *c)
{
	struct cache_entry *e, *spared = NULL;
	unsigned int i;

	for (i = 0; i < min(2 * c->max, STEPS + 0U); i++) {
		e = c->slots[c->hand];
		if (++c->hand == c->max)
			c->hand = 0;
		if (!e || !is_idle(e))
			continue;
		if (!READ_ONCE(e->asked))
			return e;
		WRITE_ONCE(e->asked, false);
		if (!spared)
			spared = e;
	}
	return spared;
}

static unsigned int kept(const struct nebula_cache *c)
{
	return c->max - READ_ONCE(c->nr_free);
}

/* Returns what was evicted, for its reference to be dropped, or NULL. Lock: the cache's. */
static struct cache_entry *evict(struct nebula_cache *c)
{
	struct cache_entry *e = pick(c);

	if (e) {
		unlink_entry(c, e);
		this_cpu_inc(c->cpus->evictions);
		trace_cache_evict(nebula_allocator_name(&c->common), kept(c));
	}
	return e;
}

/* Lock: the cache's. */
static int enter(struct nebula_cache *c, struct cache_entry *e, struct cache_entry **victim)
{
	int ret;

	if (rhashtable_lookup_fast(&c->table, e->key, c->table.p))
		return -EEXIST;
	if (!c->nr_free) {
		*victim = evict(c);
		if (!*victim)
			return -ENOSPC;
	}
	ret = rhashtable_insert_fast(&c->table, &e->node, c->table.p);
	if (ret)
		return ret;
	e->slot = c->free[--c->nr_free];
	c->slots[e->slot] = e;
	return 0;
}

/*
 * Puts an entry into the table, which takes a reference. On failure no one has seen it. Task.
 * Return: 0; -EEXIST when the key is there; -ENOSPC when all entries are in use; -ENOMEM, -E2BIG.
 */
int cache_publish(struct nebula_cache *c, struct cache_entry *e)
{
	struct cache_entry *victim = NULL;
	int ret;

	/* Before others can find it and drop theirs. */
	atomic_inc(&e->refs);
	spin_lock_bh(&c->lock);
	ret = enter(c, e, &victim);
	spin_unlock_bh(&c->lock);
	if (victim)
		cache_put_entry(c, victim);
	if (ret)
		cache_put_entry(c, e);
	return ret;
}

/*
 * The same in place of @old, which has the same key. The table's reference to that is the caller's
 * then. Task.
 * Return: 0; -ENOENT when @old is not in the table any more.
 */
int cache_replace(struct nebula_cache *c, struct cache_entry *old, struct cache_entry *e)
{
	int ret = -ENOENT;

	atomic_inc(&e->refs);
	spin_lock_bh(&c->lock);
	if (old->slot != CACHE_NO_SLOT)
		ret = rhashtable_replace_fast(&c->table, &old->node, &e->node, c->table.p);
	if (!ret) {
		e->slot = old->slot;
		c->slots[e->slot] = e;
		old->slot = CACHE_NO_SLOT;
	}
	spin_unlock_bh(&c->lock);
	if (ret)
		cache_put_entry(c, e);
	return ret;
}

/* Up to @n entries, asked for or not. Returns how many. */
static unsigned long evict_some(struct nebula_cache *c, unsigned long n)
{
	struct cache_entry *victim;
	unsigned long done;

	for (done = 0; done < n; done++) {
		spin_lock_bh(&c->lock);
		victim = evict(c);
		spin_unlock_bh(&c->lock);
		if (!victim)
			break;
		cache_put_entry(c, victim);
	}
	return done;
}

static unsigned long shrink_count(struct shrinker *s, struct shrink_control *sc)
{
	const struct nebula_cache *c;
	unsigned long n = 0;

	if (!mutex_trylock(&caches_lock))
		return 0;
	list_for_each_entry(c, &caches, node)
		n += kept(c);
	mutex_unlock(&caches_lock);
	return n;
}

static unsigned long shrink_scan(struct shrinker *s, struct shrink_control *sc)
{
	struct nebula_cache *c;
	unsigned long done = 0;

	if (!mutex_trylock(&caches_lock))
		return SHRINK_STOP;
	list_for_each_entry(c, &caches, node)
		if (done < sc->nr_to_scan)
			done += evict_some(c, sc->nr_to_scan - done);
	/* The next time another one is the first to give. */
	if (!list_empty(&caches))
		list_rotate_left(&caches);
	mutex_unlock(&caches_lock);
	return done;
}

/**
 * nebula_cache_shrink() - give entries up as the kernel does when memory is short
 * @n: how many, of all caches.
 *
 * For tests.
 *
 * Context: process context; sleeps.
 * Return: how many went.
 */
unsigned long nebula_cache_shrink(unsigned long n)
{
	struct shrink_control sc = { .nr_to_scan = min(n, shrink_count(NULL, NULL)) };

	return shrink_scan(NULL, &sc);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_cache_shrink);

/* It is ready for use. Process context. */
void cache_clock_init(struct nebula_cache *c)
{
	mutex_lock(&caches_lock);
	list_add_tail(&c->node, &caches);
	mutex_unlock(&caches_lock);
}

/* All entries go, those that are out when they are put. Process context; sleeps. */
void cache_clock_exit(struct nebula_cache *c)
{
	mutex_lock(&caches_lock);
	list_del(&c->node);
	mutex_unlock(&caches_lock);
	cache_bury_dead(c);
	nebula_cache_clear(c);
	/* Lookups have ended; what they dropped is on its way into the pool. */
	nebula_irq_work_sync(&c->reap);
	rcu_barrier();
}

/* Before it can be used. */
void cache_reap_init(struct nebula_cache *c)
{
	init_llist_head(&c->dead);
	init_irq_work(&c->reap, reap);
}

int nebula_cache_init(void)
{
	shrinker = compat_shrinker_create("nebula-cache", shrink_count, shrink_scan);
	return shrinker ? 0 : -ENOMEM;
}

void nebula_cache_exit(void)
{
	compat_shrinker_destroy(shrinker);
}
