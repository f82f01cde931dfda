// SPDX-License-Identifier: GPL-2.0-only
/*
 * Composites: allocators made of others. They have no memory of their own, so what they are asked
 * for goes to a part, and what is freed goes to the part that owns it. Only counters are changed
 * after create, so a composite can be used in every context that all of its parts can.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include "../core/config.h"
#include "../core/fastpath.h"
#include "../core/inject.h"
#include "../core/inspect.h"
#include "../error/error.h"
#include "../unload.h"
#include "generic.h"

/* What a CPU did to a composite. */
struct composite_cpu {
	unsigned long hits[NEBULA_PARTS_MAX];	/* allocations that each part served */
	unsigned long bytes;			/* asked for and served */
	unsigned long frees;			/* objects given back */
};

/* An allocator made of others. */
struct composite {
	struct nebula_allocator common;	/* common part of all allocators */
	size_t threshold;	/* split: bytes up to which the first part serves */
	unsigned int nr;	/* Parts. Invariant. */
	unsigned int depth;	/* Of the deepest part, and one more. Invariant. */
	bool has_code;	/* Some part, or part of a part, is of a client's own kind. Invariant. */
	/* In the order in which they are asked. Invariant. */
	struct nebula_allocator *parts[NEBULA_PARTS_MAX];
	/*
	 * Modules that we keep from going, for each part; NULL where there is no need. Invariant.
	 */
	struct module *held[NEBULA_PARTS_MAX];
	struct composite_cpu __percpu *cpus;	/* Counters. Any context on its own CPU. */
};

static struct composite *composite_of(const struct nebula_allocator *a)
{
	return container_of(a, struct composite, common);
}

static const struct nebula_kind_ops fallback_ops, split_ops;

static bool is_composite(const struct nebula_allocator *a)
{
	return a->ops == &fallback_ops || a->ops == &split_ops;
}

static void *alloc_from(struct composite *c, unsigned int part, size_t size, size_t align)
{
	void *p = nebula_allocator_alloc(c->parts[part], size, align);

	if (p) {
		this_cpu_inc(c->cpus->hits[part]);
		this_cpu_add(c->cpus->bytes, size);
	}
	return p;
}

static void *exhausted(struct composite *c, size_t size, size_t align)
{
	nebula_fail(&c->common, NEBULA_E_OUT_OF_MEMORY, .size = size, .align = align,
		    .detail = NEBULA_D_NO_PART);
	return NULL;
}

/* On purpose; that is recorded. */
static bool must_fail(struct composite *c, size_t size, size_t align)
{
	if (likely(!nebula_fastpath_disabled(&c->common)) ||
	    !nebula_fail_alloc_hit(&c->common, size))
		return false;
	nebula_fail(&c->common, NEBULA_E_OUT_OF_MEMORY, .size = size, .align = align,
		    .detail = NEBULA_D_INJECTED);
	return true;
}

static void *fallback_alloc(struct nebula_allocator *a, size_t size, size_t align)
{
	struct composite *c = composite_of(a);
	struct nebula_quiet *quiet;
	unsigned int i;
	void *p = NULL;

	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	if (unlikely(!nebula_request_valid(a, size, align)) || unlikely(must_fail(c, size, align)))
		return NULL;
	/* What a part refuses is no error as long as there is another one to ask. */
	quiet = nebula_quiet_enter();
	for (i = 0; !p && i < c->nr - 1; i++)
		p = alloc_from(c, i, size, align);
	nebula_quiet_exit(quiet);
	return p ?: alloc_from(c, i, size, align) ?: exhausted(c, size, align);
}

static void *split_alloc(struct nebula_allocator *a, size_t size, size_t align)
{
	struct composite *c = composite_of(a);

	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	if (unlikely(!nebula_request_valid(a, size, align)) || unlikely(must_fail(c, size, align)))
		return NULL;
	return alloc_from(c, size > c->threshold, size, align) ?: exhausted(c, size, align);
}

static struct nebula_allocator *part_that_owns(const struct composite *c, const void *p)
{
	unsigned int i;

	for (i = 0; i < c->nr; i++)
		if (nebula_allocator_owns(c->parts[i], p))
			return c->parts[i];
	return NULL;
}

static void ops_free(struct nebula_allocator *a, void *p, size_t size)
{
	struct composite *c = composite_of(a);
	struct nebula_allocator *part = part_that_owns(c, p);

	if (unlikely(!part)) {
		nebula_fail(a, NEBULA_E_FOREIGN_POINTER, .size = size, .pointer = p,
			    .what = "free");
		return;
	}
	this_cpu_inc(c->cpus->frees);
	nebula_allocator_free(part, p, size);
}

static bool ops_owns(const struct nebula_allocator *a, const void *p)
{
	return part_that_owns(composite_of(a), p);
}

/* All parts together, with what others use of them. */
static void ops_usage(const struct nebula_allocator *a, struct nebula_usage *u)
{
	const struct composite *c = composite_of(a);
	unsigned int i;

	for (i = 0; i < c->nr; i++) {
		const struct nebula_usage part = nebula_allocator_usage(c->parts[i]);

		u->used += part.used;
		u->available += part.available;
		u->capacity += part.capacity;
		u->max_capacity += part.max_capacity;
		u->peak += part.peak;
		u->growth_pending |= part.growth_pending;
	}
}

/* Of the parts that have one to begin; of others who use them, too. */
static void ops_reset_peak(struct nebula_allocator *a)
{
	const struct composite *c = composite_of(a);
	unsigned int i;

	for (i = 0; i < c->nr; i++)
		if (c->parts[i]->ops->reset_peak)
			c->parts[i]->ops->reset_peak(c->parts[i]);
}

static u64 hits_of(const struct composite *c, unsigned int part)
{
	u64 hits = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		hits += READ_ONCE(per_cpu_ptr(c->cpus, cpu)->hits[part]);
	return hits;
}

static void ops_stats(const struct nebula_allocator *a, struct nebula_stats *st)
{
	const struct composite *c = composite_of(a);
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu)
		st->frees += READ_ONCE(per_cpu_ptr(c->cpus, cpu)->frees);
	for_each_possible_cpu(cpu)
		st->bytes_in += READ_ONCE(per_cpu_ptr(c->cpus, cpu)->bytes);
	for (i = 0; i < c->nr; i++)
		st->allocs += hits_of(c, i);
}

static void ops_describe(const struct nebula_allocator *a, struct nebula_text *t)
{
	const struct composite *c = composite_of(a);
	u64 total = 0, hits;
	unsigned int i, permille;

	for (i = 0; i < c->nr; i++)
		total += hits_of(c, i);
	if (a->ops->kind == NEBULA_KIND_SPLIT)
		nebula_text_bytes(t, "threshold", c->threshold);
	nebula_text_key(t, "parts", "%u", c->nr);
	nebula_text_printf(t, "%4s %-20s %-8s %12s %7s\n", "part", "name", "kind", "hits", "share");
	for (i = 0; i < c->nr; i++) {
		hits = hits_of(c, i);
		permille = total ? div64_u64(hits * 1000, total) : 0;
		nebula_text_printf(t, "%4u %-20s %-8s %12llu %4u.%u%%\n", i + 1,
				   nebula_allocator_name(c->parts[i]),
				   nebula_kind_name(c->parts[i]->ops->kind), hits, permille / 10,
				   permille % 10);
	}
}

/* Before a part's own file; false when its kind has none. */
static bool begin_part(const struct composite *c, unsigned int i, bool has, struct nebula_text *t)
{
	nebula_text_printf(t, "part %u: %s (%s)\n", i + 1, nebula_allocator_name(c->parts[i]),
			   nebula_kind_name(c->parts[i]->ops->kind));
	if (!has)
		nebula_text_printf(t, "none\n");
	return has;
}

static void ops_live(struct nebula_allocator *a, struct nebula_text *t)
{
	const struct composite *c = composite_of(a);
	unsigned int i;

	for (i = 0; i < c->nr; i++)
		if (begin_part(c, i, c->parts[i]->ops->live, t))
			c->parts[i]->ops->live(c->parts[i], t);
}

static void ops_map(struct nebula_allocator *a, struct nebula_text *t)
{
	const struct composite *c = composite_of(a);
	unsigned int i;

	for (i = 0; i < c->nr; i++)
		if (begin_part(c, i, c->parts[i]->ops->map, t))
			c->parts[i]->ops->map(c->parts[i], t);
}

/* Each part in its file; else their sum. Parts that cannot be inspected are left out. */
static int ops_validate(struct nebula_allocator *a, struct nebula_text *t)
{
	const struct composite *c = composite_of(a);
	int sum = 0, faults;
	unsigned int i;

	for (i = 0; i < c->nr; i++) {
		const struct nebula_kind_ops *ops = c->parts[i]->ops;

		if (t && begin_part(c, i, ops->validate, t))
			nebula_validate_render(c->parts[i], t);
		if (t || !ops->validate)
			continue;
		faults = ops->validate(c->parts[i], NULL);
		if (faults < 0)
			return faults;
		sum += faults;
	}
	return t ? -EOPNOTSUPP : sum;
}

/* It is of a client's own kind, or has a part that is: useless without the client's code. */
static bool has_code(const struct nebula_allocator *a)
{
	return a->ops->kind == NEBULA_KIND_CUSTOM || (is_composite(a) && composite_of(a)->has_code);
}

/* The first @nr parts are not used by us any more. */
static void put_parts(struct composite *c, unsigned int nr)
{
	while (nr--) {
		atomic_dec(&c->parts[nr]->users);
		module_put(c->held[nr]);
	}
}

/*
 * Part @i is used by us. Should its module be unloaded, it is kept for us, unless it consists of
 * the module's code; then the module has to stay.
 */
static bool get_part(struct composite *c, unsigned int i, const struct module *owner)
{
	struct nebula_allocator *part = c->parts[i];

	c->has_code |= has_code(part);
	if (has_code(part) && part->reg->owner != owner) {
		if (!try_module_get(part->reg->owner))
			return false;
		c->held[i] = part->reg->owner;
	}
	atomic_inc(&part->users);
	return true;
}

static bool get_parts(struct composite *c, const struct module *owner)
{
	unsigned int i;

	for (i = 0; i < c->nr; i++) {
		if (get_part(c, i, owner))
			continue;
		put_parts(c, i);
		return false;
	}
	return true;
}

/* The first half of taking it down: no call is made any more. Process context. */
static void ops_retire(struct nebula_allocator *a)
{
	struct composite *c = composite_of(a);

	nebula_allocator_unregister(a);
	put_parts(c, c->nr);
}

static void ops_release(struct nebula_allocator *a)
{
	struct composite *c = composite_of(a);

	free_percpu(c->cpus);
	kfree(c);
}

static unsigned int depth_of(struct nebula_allocator *const *parts, unsigned int nr)
{
	unsigned int depth = 0, i;

	for (i = 0; i < nr; i++)
		if (is_composite(parts[i]))
			depth = max(depth, composite_of(parts[i])->depth);
	return depth + 1;
}

/* One on a caller's buffer may go at any time. */
static bool may_be_part(const struct nebula_allocator *a)
{
	return a->reg || a->ops->kind == NEBULA_KIND_SYSTEM;
}

static struct nebula_refusal check_parts(struct nebula_allocator *const *parts, unsigned int nr)
{
	unsigned int i, k;

	if (!parts || nr < 2 || nr > NEBULA_PARTS_MAX)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, "number of parts");
	for (i = 0; i < nr; i++) {
		if (IS_ERR_OR_NULL(parts[i]) || !may_be_part(parts[i]))
			return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, "invalid part");
		for (k = 0; k < i; k++)
			if (parts[k] == parts[i])
				return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, "duplicate part");
	}
	if (depth_of(parts, nr) > NEBULA_NESTING_MAX)
		return NEBULA_REFUSE(NEBULA_E_EXCEEDS_MAX, "nesting",
				     .detail = NEBULA_D_NESTING);
	return NEBULA_ACCEPT;
}

static struct composite *make(const struct composite *as, const char *name, struct module *owner)
{
	struct composite *c = nebula_fault_hit() ? NULL : kmemdup(as, sizeof(*c), GFP_KERNEL);

	if (!c)
		return NULL;
	c->cpus = nebula_fault_hit() ? NULL : alloc_percpu(struct composite_cpu);
	if (!c->cpus)
		goto err_cpus;
	if (!get_parts(c, owner))
		goto err_parts;
	if (!nebula_allocator_register(&c->common, name, owner, GFP_KERNEL))
		return c;
	put_parts(c, c->nr);
err_parts:
	free_percpu(c->cpus);
err_cpus:
	kfree(c);
	return NULL;
}

/* Why a part could not be made, rather than that the composite cannot be either. */
static int error_of(struct nebula_allocator *const *parts, unsigned int nr)
{
	unsigned int i;

	for (i = 0; parts && i < min_t(unsigned int, nr, NEBULA_PARTS_MAX); i++)
		if (IS_ERR(parts[i]))
			return PTR_ERR(parts[i]);
	return 0;
}

static struct nebula_allocator *create(struct composite *as, const char *name,
				       struct nebula_allocator *const *parts, unsigned int nr,
				       struct module *owner)
{
	const struct nebula_config_common common = { .name = name };
	struct nebula_refusal r = nebula_config_check(&common);
	struct composite *c = NULL;
	int err;

	if (!r.code)
		r = check_parts(parts, nr);
	if (!r.code) {
		memcpy(as->parts, parts, nr * sizeof(*parts));
		as->nr = nr;
		as->depth = depth_of(parts, nr);
		c = make(as, name, owner);
		if (!c)
			r = NEBULA_REFUSE(NEBULA_E_BACKING_FAILED, "create");
	}
	if (c)
		return &c->common;
	err = nebula_config_refuse(as->common.ops->kind, name, 0, r);
	return ERR_PTR(error_of(parts, nr) ?: err);
}

#define COMPOSITE_OPS			\
	.free		= ops_free,	\
	.owns		= ops_owns,	\
	.usage		= ops_usage,	\
	.stats		= ops_stats,	\
	.describe	= ops_describe,	\
	.retire		= ops_retire,	\
	.release	= ops_release,	\
	.live		= ops_live,	\
	.map		= ops_map,	\
	.validate	= ops_validate,	\
	/* As its parts may be. */	\
	.one_owner	= true,		\
	.reset_peak	= ops_reset_peak

static const struct nebula_kind_ops fallback_ops = {
	.kind	= NEBULA_KIND_FALLBACK,
	.alloc	= fallback_alloc,
	COMPOSITE_OPS,
};

static const struct nebula_kind_ops split_ops = {
	.kind	= NEBULA_KIND_SPLIT,
	.alloc	= split_alloc,
	COMPOSITE_OPS,
};

/*
 * Make an allocator that tries others in order. nebula_fallback_create() is the convenient way to
 * call it. Process context; sleeps.
 */
struct nebula_allocator *nebula_fallback_create_of(const char *name,
						   struct nebula_allocator *const *parts,
						   unsigned int nr, unsigned int abi,
						   struct module *owner)
{
	struct composite as = { .common.ops = &fallback_ops };

	if (!nebula_config_is_ours(name, owner, abi, sizeof(as.common), sizeof(as.common)))
		return ERR_PTR(-ENOEXEC);
	return create(&as, name, parts, nr, owner);
}
EXPORT_SYMBOL_GPL(nebula_fallback_create_of);

/*
 * Make an allocator that divides requests by their size. nebula_split_create() is the convenient
 * way to call it. Process context; sleeps.
 */
struct nebula_allocator *nebula_split_create_of(const char *name, size_t threshold,
						struct nebula_allocator *small,
						struct nebula_allocator *large, unsigned int abi,
						struct module *owner)
{
	struct composite as = { .common.ops = &split_ops, .threshold = threshold };
	struct nebula_allocator *const parts[] = { small, large };

	if (!nebula_config_is_ours(name, owner, abi, sizeof(as.common), sizeof(as.common)))
		return ERR_PTR(-ENOEXEC);
	return create(&as, name, parts, ARRAY_SIZE(parts), owner);
}
EXPORT_SYMBOL_GPL(nebula_split_create_of);

void nebula_composite_destroy(struct nebula_allocator *a)
{
	if (IS_ERR_OR_NULL(a))
		return;
	if (!is_composite(a)) {
		nebula_fail(a, NEBULA_E_INVALID_STATE, .detail = NEBULA_D_NO_COMPOSITE,
			    .what = "destroy");
	} else if (nebula_atomic_context()) {
		nebula_fail(a, NEBULA_E_WRONG_CONTEXT, .what = "destroy");
	} else if (!nebula_allocator_in_use(a)) {
		ops_retire(a);
		ops_release(a);
		nebula_owner_reap();
	}
}
EXPORT_SYMBOL_GPL(nebula_composite_destroy);
