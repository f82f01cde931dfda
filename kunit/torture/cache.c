// SPDX-License-Identifier: GPL-2.0-only
/*
 * Caches of computed values under torture, see torture.h: computations fail, are interrupted and
 * ask for other keys; values are read in all contexts while they are forgotten, replaced and
 * evicted. An object is a value that is out: its id is the key.
 */
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include "torture.h"

#define KEYS		40
#define VALUE_SIZE	56

/* Computations since the last that failed, was interrupted, asked for another key. */
#define FAIL		13
#define INTERRUPT	17
#define ASK		7

/* Errors of ours, and of keys that ask for each other. */
static bool is_expected(long err)
{
	switch (err) {
	case -EIO:
	case -EINTR:
	case -ENOMEM:
	case -ETIMEDOUT:
	case -EDEADLK:
	case -ELOOP:
	case -EINPROGRESS:
		return true;
	default:
		return false;
	}
}

static void *get_or_compute(struct nebula_cache *c, u64 key)
{
	void *value = nebula_cache_get_or_compute(c, &key);

	if (!IS_ERR(value) && !torture_stamped(value, VALUE_SIZE, key))
		torture_fault("cache: a value is of another key");
	if (IS_ERR(value) && !is_expected(PTR_ERR(value)))
		torture_fault("cache: a computation ends with %pe", value);
	return value;
}

static int compute(struct nebula_cache *c, const void *key, void *value, void *data)
{
	struct torture_subject *s = data;
	const unsigned int n = atomic_inc_return(&s->ids);

	if (n % FAIL == 0)
		return -EIO;
	if (n % INTERRUPT == 0)
		return -EINTR;
	if (n % ASK == 0)
		nebula_cache_put(c, get_or_compute(c, (*(u64 *)key * 5 + n) % KEYS));
	torture_stamp(value, VALUE_SIZE, *(u64 *)key);
	atomic_inc(&s->made);
	return 0;
}

/* What was left behind has nothing to count with. */
static void release(struct nebula_cache *c, const void *key, void *value, void *data)
{
	struct torture_subject *s = data;

	if (!torture_stamped(value, VALUE_SIZE, *(u64 *)key))
		torture_fault("cache: a value that is dropped is of another key");
	if (s)
		atomic_inc(&s->released);
}

static int make_budget(struct torture_thread *t, struct torture_subject *s, const char *name)
{
	if (t->leaving || torture_random(t, 4))
		return 0;
	s->budgets[0] = nebula_budget_of(name, SZ_8K << torture_random(t, 4));
	return PTR_ERR_OR_ZERO(s->budgets[0]);
}

static void *create(struct torture_thread *t, struct torture_subject *s, const char *name)
{
	const unsigned int layers = torture_random(t, 2) ? s->kind->flags :
				    s->kind->flags | NEBULA_CACHE_KEEP_ERRORS;
	const int err = make_budget(t, s, name);

	if (err)
		return ERR_PTR(err);
	s->cache = nebula_cache_create(name, .key_size = sizeof(u64), .value_size = VALUE_SIZE,
				       .entries = 1 + torture_random(t, KEYS), .compute = compute,
				       .release = release, .data = t->leaving ? NULL : s,
				       .ttl_ms = torture_random(t, 2) ? 1 + torture_random(t, 20) :
						 1 + torture_random(t, 20) * SZ_64K,
				       .workers = torture_random(t, 3), .budget = s->budgets[0],
				       .flags = layers);
	if (IS_ERR(s->cache))
		nebula_budget_destroy(s->budgets[0]);
	return s->cache;
}

static void take(struct torture_thread *t, struct torture_subject *s)
{
	const u64 key = torture_random(t, KEYS);
	void *value = get_or_compute(s->cache, key);
	struct torture_object *o;

	torture_count(t, s, IS_ERR(value) ? TORTURE_FULL : TORTURE_ALLOCS);
	if (IS_ERR(value))
		return;
	o = torture_random(t, 4) ? NULL : torture_claim_empty(t, s);
	if (!o)
		return nebula_cache_put(s->cache, value);
	o->p = value;
	o->size = VALUE_SIZE;
	o->id = key;
	torture_release(o, TORTURE_TAKEN);
}

/**
 * struct use - a key that is looked up, or a value that is put
 * @call: runs it.
 * @cache: the cache.
 * @key: the key.
 * @value: the value, or NULL for one to look up and put.
 * @read: it is read instead.
 */
struct use {
	struct torture_call call;
	struct nebula_cache *cache;
	u64 key;
	void *value;
	bool read;
};

static void use_fn(struct torture_call *call)
{
	struct use *u = container_of(call, struct use, call);
	u8 copy[VALUE_SIZE];

	if (u->read) {
		if (nebula_cache_read(u->cache, &u->key, copy) &&
		    !torture_stamped(copy, VALUE_SIZE, u->key))
			torture_fault("cache: a copy is of another key");
		return;
	}
	if (!u->value)
		u->value = nebula_cache_get(u->cache, &u->key);
	if (u->value && !torture_stamped(u->value, VALUE_SIZE, u->key))
		torture_fault("cache: a value has changed");
	nebula_cache_put(u->cache, u->value);
}

static void look_up(struct torture_thread *t, struct torture_subject *s)
{
	struct use u = {
		{ use_fn }, s->cache, torture_random(t, KEYS), NULL, torture_random(t, 2),
	};

	torture_run_anywhere(t, &u.call);
	torture_count(t, s, TORTURE_LOOKS);
}

static void give(struct torture_thread *t, struct torture_subject *s)
{
	struct torture_object *o = torture_claim(t, s);
	struct use u = { { use_fn }, s->cache };

	if (!o)
		return;
	u.key = o->id;
	u.value = o->p;
	torture_run_anywhere(t, &u.call);
	torture_count(t, s, TORTURE_FREES);
	torture_release(o, TORTURE_EMPTY);
}

static void warm_up(struct torture_thread *t, struct torture_subject *s)
{
	const u64 key = torture_random(t, KEYS);
	u8 value[VALUE_SIZE];
	int ret;

	torture_stamp(value, VALUE_SIZE, key);
	ret = nebula_cache_warm(s->cache, &key, value);
	if (!ret)
		atomic_inc(&s->made);
	else if (ret != -EBUSY && !is_expected(ret))
		torture_fault("cache: warm ends with %d", ret);
}

static void forget(struct torture_thread *t, struct torture_subject *s)
{
	const u64 key = torture_random(t, KEYS);

	if (torture_random(t, 16))
		nebula_cache_invalidate(s->cache, &key);
	else
		nebula_cache_clear(s->cache);
	torture_count(t, s, TORTURE_RESETS);
}

static void more(struct torture_thread *t, struct torture_subject *s)
{
	switch (torture_random(t, 16)) {
	case 0:
		return forget(t, s);
	case 1:
		return warm_up(t, s);
	case 2:
	case 3:
		return give(t, s);
	case 4:
	case 5:
	case 6:
	case 7:
		return take(t, s);
	default:
		return look_up(t, s);
	}
}

static void audit(struct torture_thread *t, struct torture_subject *s)
{
	struct nebula_cache_stats st;
	unsigned int i;

	for (i = 0; i < TORTURE_OBJECTS; i++)
		if (atomic_read(&s->objects[i].state) == TORTURE_TAKEN)
			torture_verify(s, &s->objects[i]);
	nebula_cache_stats_read(s->cache, &st);
	if (st.entries > st.capacity || st.errors > st.computes)
		torture_fault("cache: figures that cannot be");
}

/* Nothing is kept then, and what is computed after that is. */
static void alone(struct torture_thread *t, struct torture_subject *s)
{
	struct nebula_cache_stats st;

	nebula_cache_clear(s->cache);
	nebula_cache_stats_read(s->cache, &st);
	if (st.entries)
		torture_fault("cache: %llu are left after a clear", st.entries);
}

static bool compute_in_atomic_context(struct torture_thread *t, struct torture_subject *s)
{
	const u64 key = KEYS;
	unsigned long flags;
	void *value;

	local_irq_save(flags);
	value = nebula_cache_get_or_compute(s->cache, &key);
	local_irq_restore(flags);
	if (value != ERR_PTR(-EPERM))
		torture_fault("cache: a miss in atomic context ends with %pe", value);
	return true;
}

static bool destroy_in_atomic_context(struct torture_thread *t, struct torture_subject *s)
{
	unsigned long flags;

	local_irq_save(flags);
	nebula_cache_destroy(s->cache);
	local_irq_restore(flags);
	return true;
}

static bool configure(struct torture_thread *t, struct torture_subject *s)
{
	struct nebula_cache_config cfg = { .key_size = 8, .value_size = 8, .entries = 8 };

	if (torture_random(t, 2))
		cfg.key_size = NEBULA_CACHE_KEY_MAX + 1;
	else
		cfg.flags = NEBULA_CACHE_DEDUP;
	if (nebula_cache_create_cfg("x", &cfg, sizeof(cfg), NEBULA_ABI, THIS_MODULE) !=
	    ERR_PTR(-EINVAL))
		torture_fault("cache: a wrong configuration is not refused");
	return true;
}

static void destroy(struct torture_subject *s)
{
	unsigned int i;

	for (i = 0; i < TORTURE_OBJECTS; i++)
		if (atomic_read(&s->objects[i].state) == TORTURE_TAKEN)
			nebula_cache_put(s->cache, s->objects[i].p);
	nebula_cache_destroy(s->cache);
	if (atomic_read(&s->made) != atomic_read(&s->released))
		torture_fault("cache: %d values were made, and %d dropped", atomic_read(&s->made),
			      atomic_read(&s->released));
	if (nebula_budget_destroy(s->budgets[0]))
		torture_fault("cache: it is gone, and its budget is in use");
}

static const struct torture_mistake mistakes[] = {
	{ NEBULA_E_WRONG_CONTEXT, compute_in_atomic_context },
	{ NEBULA_E_WRONG_CONTEXT, destroy_in_atomic_context },
	{ NEBULA_E_INVALID_CONFIG, configure },
	{ }
};

#define CACHE							\
	.create = create, .destroy = destroy, .more = more,	\
	.alone = alone, .audit = audit, .mistakes = mistakes, .shared = true

const struct torture_kind torture_cache = {
	CACHE, .name = "cache", .id = TORTURE_CACHE,
};

const struct torture_kind torture_cache_dedup = {
	CACHE, .name = "cache, dedup", .id = TORTURE_CACHE_DEDUP, .flags = NEBULA_CACHE_DEDUP,
};

const struct torture_kind torture_cache_async = {
	CACHE, .name = "cache, async", .id = TORTURE_CACHE_ASYNC,
	.flags = NEBULA_CACHE_ASYNC | NEBULA_CACHE_DEDUP,
};
