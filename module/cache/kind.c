// SPDX-License-Identifier: GPL-2.0-only
/*
 * Caches come and go: configuration, create and destroy, and what the registry needs. Process
 * context. A cache belongs to the module that made it, as allocators do; its pool belongs to it.
 */
#include <linux/cleanup.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include "../core/config.h"
#include "../core/inject.h"
#include "../error/error.h"
#include "priv.h"

#define KNOWN_FLAGS	(NEBULA_CACHE_DEDUP | NEBULA_CACHE_ASYNC | NEBULA_CACHE_KEEP_ERRORS)

/* Values that a worker computes at once, by default and at most. */
#define WORKERS		4
#define WORKERS_MAX	64

/* Blocks for entries that are computed or wait for a grace period, beside those in the table. */
#define SPARE		16

static struct nebula_cache *cache_of(const struct nebula_allocator *a)
{
	return container_of(a, struct nebula_cache, common);
}

static struct nebula_refusal check_size(const char *field, size_t size, size_t most)
{
	if (!size)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, field, .detail = NEBULA_D_ZERO);
	if (size > most)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, field, .value = size, .limit = most,
				     .detail = NEBULA_D_ABOVE_LIMIT);
	return NEBULA_ACCEPT;
}

static struct nebula_refusal check_sizes(const struct nebula_cache_config *cfg)
{
	struct nebula_refusal r = check_size(".key_size", cfg->key_size, NEBULA_CACHE_KEY_MAX);

	if (!r.code)
		r = check_size(".value_size", cfg->value_size, NEBULA_CACHE_VALUE_MAX);
	if (!r.code)
		r = check_size(".entries", cfg->entries, NEBULA_CACHE_ENTRIES_MAX);
	if (!r.code)
		r = check_size(".workers", cfg->workers ?: WORKERS, WORKERS_MAX);
	return r;
}

static struct nebula_refusal check(const char *name, const struct nebula_cache_config *cfg)
{
	const struct nebula_config_common common = { .name = name, .budget = cfg->budget };
	struct nebula_refusal r = nebula_config_check(&common);

	if (!r.code)
		r = check_sizes(cfg);
	if (r.code)
		return r;
	if (cfg->flags & ~KNOWN_FLAGS)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".flags");
	if (cfg->flags & (NEBULA_CACHE_DEDUP | NEBULA_CACHE_ASYNC) && !cfg->compute)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".compute");
	if (cfg->key_ops && (!cfg->key_ops->hash || !cfg->key_ops->equal ||
			     !cfg->key_ops->copy != !cfg->key_ops->free))
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".key_ops");
	/* An error that is kept for ever would never be tried again. */
	if (cfg->flags & NEBULA_CACHE_KEEP_ERRORS && !cfg->ttl_ms)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".ttl_ms", .detail = NEBULA_D_ZERO);
	return NEBULA_ACCEPT;
}

static void free_cache(struct nebula_cache *c)
{
	if (c->workers)
		destroy_workqueue(c->workers);
	if (c->table.tbl)
		rhashtable_destroy(&c->table);
	nebula_pool_destroy(c->pool);
	kvfree(c->slots);
	kvfree(c->free);
	free_percpu(c->cpus);
	kfree(c);
}

static int make_pool(struct nebula_cache *c, const char *name,
		     const struct nebula_cache_config *cfg)
{
	const struct nebula_pool_config pool = {
		.block_size = c->value_at + c->value_size,
		.blocks = c->max + SPARE,
		.max_blocks = 2 * c->max + 4 * SPARE,
		.align = __alignof__(struct cache_entry),
		.flags = NEBULA_GROW,
		.budget = cfg->budget,
	};
	char pool_name[NEBULA_NAME_MAX + 1];

	snprintf(pool_name, sizeof(pool_name), "%.*s.entries", NEBULA_NAME_MAX - 8, name);
	c->pool = nebula_pool_create_cfg(pool_name, &pool, sizeof(pool), NEBULA_ABI, THIS_MODULE);
	if (!IS_ERR(c->pool))
		return 0;
	c->pool = NULL;
	return -ENOMEM;
}

static int make_table(struct nebula_cache *c)
{
	unsigned int i;

	c->slots = nebula_array_alloc(c->max, sizeof(*c->slots), GFP_KERNEL, NUMA_NO_NODE);
	c->free = nebula_array_alloc(c->max, sizeof(*c->free), GFP_KERNEL, NUMA_NO_NODE);
	if (!c->slots || !c->free || nebula_fault_hit())
		return -ENOMEM;
	memset(c->slots, 0, c->max * sizeof(*c->slots));
	for (i = 0; i < c->max; i++)
		c->free[i] = c->max - 1 - i;
	c->nr_free = c->max;
	return cache_table_init(c);
}

static int make_workers(struct nebula_cache *c, const char *name,
			const struct nebula_cache_config *cfg)
{
	if (!(c->flags & NEBULA_CACHE_ASYNC))
		return 0;
	c->workers = nebula_fault_hit() ? NULL : alloc_workqueue("nebula_%s", WQ_UNBOUND,
								 cfg->workers ?: WORKERS, name);
	return c->workers ? 0 : -ENOMEM;
}

static const struct nebula_kind_ops cache_ops;

static struct nebula_cache *alloc_cache(const struct nebula_cache_config *cfg)
{
	struct nebula_cache *c = nebula_fault_hit() ? NULL : kzalloc(sizeof(*c), GFP_KERNEL);

	if (!c)
		return NULL;
	c->common.ops = &cache_ops;
	c->key_size = cfg->key_size;
	c->key_ops = cfg->key_ops;
	c->has_words = cfg->key_size == sizeof(u64) && !cfg->key_ops;
	c->value_size = cfg->value_size;
	c->value_at = ALIGN(offsetof(struct cache_entry, key) + cfg->key_size, 8);
	c->ttl = cfg->ttl_ms ? max(msecs_to_jiffies(cfg->ttl_ms), 1UL) : 0;
	c->flags = cfg->flags;
	c->compute = cfg->compute;
	c->release = cfg->release;
	c->data = cfg->data;
	c->max = cfg->entries;
	spin_lock_init(&c->lock);
	cache_reap_init(c);
	return c;
}

static struct nebula_cache *make(const char *name, const struct nebula_cache_config *cfg,
				 struct module *owner)
{
	struct nebula_cache *c = alloc_cache(cfg);

	if (!c)
		return NULL;
	c->cpus = nebula_fault_hit() ? NULL : alloc_percpu(struct cache_cpu);
	if (c->cpus && !make_table(c) && !make_pool(c, name, cfg) && !make_workers(c, name, cfg) &&
	    !nebula_allocator_register(&c->common, name, owner, GFP_KERNEL)) {
		cache_clock_init(c);
		return c;
	}
	free_cache(c);
	return NULL;
}

/**
 * nebula_cache_create_cfg() - make a cache from a filled-in configuration
 * @name: 1 to 63 of ``[A-Za-z0-9_.-]``; copied.
 * @cfg: the configuration; not needed after return.
 * @cfg_size: its size as the client was compiled, bytes.
 * @abi: %NEBULA_ABI as the client was compiled.
 * @owner: module the cache belongs to, %THIS_MODULE.
 *
 * nebula_cache_create() is the convenient way to call it.
 *
 * Context: process context; sleeps.
 * Return: as nebula_cache_create().
 */
struct nebula_cache *nebula_cache_create_cfg(const char *name,
					     const struct nebula_cache_config *cfg,
					     size_t cfg_size, unsigned int abi,
					     struct module *owner)
{
	struct nebula_refusal r;
	struct nebula_cache *c;
	int err;

	err = nebula_config_admit(NEBULA_KIND_CACHE, name, cfg, owner, abi, cfg_size,
				  sizeof(*cfg));
	if (err)
		return ERR_PTR(err);
	r = check(name, cfg);
	if (!r.code) {
		c = make(name, cfg, owner);
		if (c)
			return c;
		r = NEBULA_REFUSE(NEBULA_E_BACKING_FAILED, "create");
	}
	return ERR_PTR(nebula_config_refuse(NEBULA_KIND_CACHE, name, 0, r));
}
EXPORT_SYMBOL_GPL(nebula_cache_create_cfg);

/* Nothing is looked up any more; what is computed ends, what was to be computed does not begin. */
static void retire(struct nebula_cache *c)
{
	char what[NEBULA_WHAT_SIZE];

	WRITE_ONCE(c->dying, true);
	if (c->workers)
		destroy_workqueue(c->workers);
	c->workers = NULL;
	cache_clock_exit(c);
	if (atomic_read(&c->live)) {
		snprintf(what, sizeof(what), "%d values not put", atomic_read(&c->live));
		nebula_fail(&c->common, NEBULA_E_LEAK, .what = what);
	}
	nebula_allocator_unregister(&c->common);
}

void nebula_cache_destroy(struct nebula_cache *c)
{
	if (IS_ERR_OR_NULL(c))
		return;
	if (nebula_atomic_context()) {
		nebula_fail(&c->common, NEBULA_E_WRONG_CONTEXT, .what = "destroy");
		return;
	}
	retire(c);
	free_cache(c);
}
EXPORT_SYMBOL_GPL(nebula_cache_destroy);

void nebula_cache_stats_read(struct nebula_cache *c, struct nebula_cache_stats *st)
{
	unsigned int i;
	int cpu;

	*st = (struct nebula_cache_stats){
		.entries = c->max - READ_ONCE(c->nr_free),
		.capacity = c->max,
	};
	for_each_possible_cpu(cpu) {
		const struct cache_cpu *pc = per_cpu_ptr(c->cpus, cpu);

		st->hits += READ_ONCE(pc->hits);
		st->misses += READ_ONCE(pc->misses);
		st->computes += READ_ONCE(pc->computes);
		st->waits += READ_ONCE(pc->waits);
		st->evictions += READ_ONCE(pc->evictions);
		st->expired += READ_ONCE(pc->expired);
		st->errors += READ_ONCE(pc->errors);
		for (i = 0; i < NEBULA_CACHE_TIMES; i++)
			st->times[i] += READ_ONCE(pc->times[i]);
	}
}
EXPORT_SYMBOL_GPL(nebula_cache_stats_read);

static void ops_usage(const struct nebula_allocator *a, struct nebula_usage *u)
{
	const struct nebula_cache *c = cache_of(a);
	const size_t size = c->value_at + c->value_size;

	u->capacity = c->max * size;
	u->max_capacity = u->capacity;
	u->used = (c->max - READ_ONCE(c->nr_free)) * size;
	u->available = u->capacity - u->used;
	u->unit = size;
}

static void ops_stats(const struct nebula_allocator *a, struct nebula_stats *st)
{
}

static void put_times(struct nebula_text *t, const struct nebula_cache_stats *st)
{
	unsigned int i;

	if (!st->computes)
		return;
	nebula_text_printf(t, "compute times:\n");
	for (i = 0; i < NEBULA_CACHE_TIMES; i++)
		if (st->times[i])
			nebula_text_printf(t, "  %10lu us and more %12llu\n", i ? 1UL << i : 0,
					   st->times[i]);
}

static void ops_show(struct nebula_allocator *a, struct nebula_text *t)
{
	struct nebula_cache *c = cache_of(a);
	struct nebula_cache_stats st;
	u64 lookups, permille;

	nebula_cache_stats_read(c, &st);
	lookups = max(st.hits + st.misses, 1ULL);
	permille = div64_u64(st.hits * 1000, lookups);
	nebula_text_key(t, "name", "%s", nebula_allocator_name(a));
	nebula_text_key(t, "owner", "%s", nebula_owner_name(a->reg));
	nebula_text_key(t, "layers", "%s%s%s", c->flags & NEBULA_CACHE_DEDUP ? "dedup " : "",
			c->flags & NEBULA_CACHE_ASYNC ? "async " : "", c->ttl ? "ttl" : "");
	if (c->compute)
		nebula_text_key(t, "compute", "%ps", c->compute);
	nebula_text_key(t, "key size", "%zu", c->key_size);
	nebula_text_key(t, "value size", "%zu", c->value_size);
	if (c->ttl)
		nebula_text_key(t, "ttl", "%u ms", jiffies_to_msecs(c->ttl));
	nebula_text_key(t, "entries", "%llu of %llu", st.entries, st.capacity);
	nebula_text_key(t, "hits", "%llu", st.hits);
	nebula_text_key(t, "misses", "%llu", st.misses);
	nebula_text_key(t, "hit rate", "%llu.%llu%%", div_u64(permille, 10),
			permille - 10 * div_u64(permille, 10));
	nebula_text_key(t, "computes", "%llu", st.computes);
	nebula_text_key(t, "errors", "%llu", st.errors);
	nebula_text_key(t, "waits", "%llu", st.waits);
	nebula_text_key(t, "evictions", "%llu", st.evictions);
	nebula_text_key(t, "expired", "%llu", st.expired);
	put_times(t, &st);
}

static void ops_retire(struct nebula_allocator *a)
{
	retire(cache_of(a));
}

static void ops_release(struct nebula_allocator *a)
{
	free_cache(cache_of(a));
}

static const struct nebula_kind_ops cache_ops = {
	.kind		= NEBULA_KIND_CACHE,
	.dir		= NEBULA_DIR_CACHES,
	.usage		= ops_usage,
	.stats		= ops_stats,
	.show		= ops_show,
	.retire		= ops_retire,
	.release	= ops_release,
	.reports_live	= true,
};
