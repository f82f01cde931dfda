// SPDX-License-Identifier: GPL-2.0-only
/*
 * Budgets come and go: configuration, create and destroy, limits, and what the registry needs.
 *
 * Process context, but for what only reads. A budget belongs to the module that made it, as
 * allocators do. Its memory stays until the last budget below it is gone, too, because the charges
 * of those walk over it.
 */
#include <linux/export.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include "../core/chunk.h"
#include "../core/config.h"
#include "../core/inject.h"
#include "../core/region.h"
#include "../error/error.h"
#include "priv.h"

static struct nebula_budget *budget_of(const struct nebula_allocator *a)
{
	return container_of(a, struct nebula_budget, common);
}

const char *nebula_budget_name(const struct nebula_budget *b)
{
	return nebula_allocator_name(&b->common);
}
EXPORT_SYMBOL_GPL(nebula_budget_name);

size_t nebula_budget_used(const struct nebula_budget *b)
{
	const size_t stocked = budget_stocked(b);
	const long charged = atomic_long_read(&b->charged);

	return charged > 0 && charged > stocked ? charged - stocked : 0;
}
EXPORT_SYMBOL_GPL(nebula_budget_used);

size_t nebula_budget_limit(const struct nebula_budget *b)
{
	return READ_ONCE(b->limit);
}
EXPORT_SYMBOL_GPL(nebula_budget_limit);

size_t nebula_budget_peak(const struct nebula_budget *b)
{
	return READ_ONCE(b->peak);
}
EXPORT_SYMBOL_GPL(nebula_budget_peak);

void nebula_budget_stats_read(const struct nebula_budget *b, struct nebula_budget_stats *st)
{
	int cpu;

	*st = (struct nebula_budget_stats){
		.stocked = budget_stocked(b),
		.used = nebula_budget_used(b),
		.limit = nebula_budget_limit(b),
		.peak = nebula_budget_peak(b),
		.refused = atomic_long_read(&b->refused),
		.early = atomic_long_read(&b->early),
		.children = READ_ONCE(b->nr_children),
		.regions = atomic_read(&b->regions),
	};
	for_each_possible_cpu(cpu) {
		const struct budget_cpu *c = per_cpu_ptr(b->cpus, cpu);

		st->charges += READ_ONCE(c->charges);
		st->uncharges += READ_ONCE(c->uncharges);
		st->largest = max_t(u64, st->largest, READ_ONCE(c->largest));
	}
}
EXPORT_SYMBOL_GPL(nebula_budget_stats_read);

/* Those who sum up the stocks of a tree may still read it until then. */
static void free_budget(struct rcu_head *rcu)
{
	struct nebula_budget *b = container_of(rcu, struct nebula_budget, rcu);

	free_percpu(b->cpus);
	kfree(b);
}

static void release_budget(struct kref *ref)
{
	call_rcu(&container_of(ref, struct nebula_budget, ref)->rcu, free_budget);
}

/* One after another: a parent may go with its last child. Process context. */
void budget_put(struct nebula_budget *b)
{
	struct nebula_budget *up;

	for (; b; b = up) {
		up = b->parent;
		if (!kref_put(&b->ref, release_budget))
			break;
	}
}

static unsigned int depth_of(const struct nebula_budget *b)
{
	unsigned int depth = 0;

	for (; b; b = b->parent)
		depth++;
	return depth;
}

static struct nebula_refusal check_thresholds(unsigned int high, unsigned int critical)
{
	if (critical > 100)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".critical", .value = critical,
				     .limit = 100, .detail = NEBULA_D_ABOVE_LIMIT);
	if (high > critical)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".high", .value = high,
				     .limit = critical, .detail = NEBULA_D_ORDER);
	return NEBULA_ACCEPT;
}

static struct nebula_refusal check_limit(size_t limit)
{
	if (!limit)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".limit", .detail = NEBULA_D_ZERO);
	if (limit > NEBULA_CAPACITY_MAX)
		return NEBULA_REFUSE(NEBULA_E_SIZE_OVERFLOW, ".limit");
	return NEBULA_ACCEPT;
}

/* What a strict parent has not promised to others. Lock: tree. */
static struct nebula_refusal check_promise(const struct nebula_budget *up, size_t others,
					   size_t limit)
{
	const size_t left = up && up->strict ? up->limit - min(others, up->limit) : SIZE_MAX;

	if (limit > left)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".limit", .value = limit,
				     .limit = left, .detail = NEBULA_D_ABOVE_LIMIT);
	return NEBULA_ACCEPT;
}

static struct nebula_refusal check(const char *name, const struct nebula_budget_config *cfg)
{
	const struct nebula_config_common common = { .name = name };
	struct nebula_refusal r = nebula_config_check(&common);

	if (!r.code)
		r = check_limit(cfg->limit);
	if (!r.code)
		r = check_thresholds(cfg->high ?: NEBULA_BUDGET_HIGH_PERCENT,
				     cfg->critical ?: NEBULA_BUDGET_CRITICAL_PERCENT);
	if (r.code)
		return r;
	if (IS_ERR(cfg->parent))
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".parent");
	if (depth_of(cfg->parent) >= NEBULA_BUDGET_DEPTH_MAX)
		return NEBULA_REFUSE(NEBULA_E_EXCEEDS_MAX, ".parent", .detail = NEBULA_D_NESTING,
				     .value = depth_of(cfg->parent) + 1,
				     .limit = NEBULA_BUDGET_DEPTH_MAX);
	return NEBULA_ACCEPT;
}

static const struct nebula_kind_ops budget_ops;

static struct nebula_budget *make(const struct nebula_budget_config *cfg)
{
	struct nebula_budget *b = nebula_fault_hit() ? NULL : kzalloc(sizeof(*b), GFP_KERNEL);

	if (!b)
		return NULL;
	b->cpus = nebula_fault_hit() ? NULL : alloc_percpu(struct budget_cpu);
	if (!b->cpus) {
		kfree(b);
		return NULL;
	}
	b->common.ops = &budget_ops;
	b->limit = cfg->limit;
	b->most = cfg->per_alloc ?: NEBULA_CAPACITY_MAX;
	b->parent = cfg->parent;
	b->percent[0] = cfg->high ?: NEBULA_BUDGET_HIGH_PERCENT;
	b->percent[1] = cfg->critical ?: NEBULA_BUDGET_CRITICAL_PERCENT;
	b->strict = cfg->strict;
	INIT_LIST_HEAD(&b->children);
	kref_init(&b->ref);
	budget_state_init(b);
	return b;
}

/* It becomes a part of the tree, unless a strict parent has promised too much. */
static struct nebula_refusal join(struct nebula_budget *b)
{
	struct nebula_budget *up = b->parent;
	struct nebula_refusal r = NEBULA_ACCEPT;

	mutex_lock(&budget_tree_lock);
	if (up)
		r = check_promise(up, up->promised, b->limit);
	if (up && !r.code) {
		kref_get(&up->ref);
		up->promised += b->limit;
		WRITE_ONCE(up->nr_children, up->nr_children + 1);
		list_add_tail_rcu(&b->sibling, &up->children);
		budget_divide_children(up, up->nr_children - 1);
	}
	if (!r.code)
		budget_divide(b);
	mutex_unlock(&budget_tree_lock);
	return r;
}

/* Nothing below it and nothing of its own is charged any more, or never will be. Lock: tree. */
static void leave(struct nebula_budget *b)
{
	struct nebula_budget *up = b->parent;

	WRITE_ONCE(b->cap, 0);
	budget_collect(b);
	if (!up)
		return;
	list_del_rcu(&b->sibling);
	up->promised -= b->limit;
	WRITE_ONCE(up->nr_children, up->nr_children - 1);
	budget_divide_children(up, up->nr_children + 1);
}

/* Its name is in use until then. Process context. */
static void forget(struct nebula_budget *b)
{
	nebula_allocator_unregister(&b->common);
	budget_state_exit(b);
}

static struct nebula_budget *create(const char *name, const struct nebula_budget_config *cfg,
				    struct module *owner, struct nebula_refusal *r)
{
	struct nebula_budget *b = make(cfg);

	*r = NEBULA_REFUSE(NEBULA_E_BACKING_FAILED, "create");
	if (!b)
		return NULL;
	if (nebula_allocator_register(&b->common, name, owner, GFP_KERNEL))
		goto err_register;
	*r = join(b);
	if (!r->code)
		return b;
	nebula_allocator_unregister(&b->common);
err_register:
	free_percpu(b->cpus);
	kfree(b);
	return NULL;
}

/**
 * nebula_budget_create_cfg() - make a budget from a filled-in configuration
 * @name: 1 to 63 of ``[A-Za-z0-9_.-]``; copied.
 * @cfg: the configuration; not needed after return.
 * @cfg_size: its size as the client was compiled, bytes.
 * @abi: %NEBULA_ABI as the client was compiled.
 * @owner: module the budget belongs to, %THIS_MODULE.
 *
 * nebula_budget_create() is the convenient way to call it.
 *
 * Context: process context; sleeps.
 * Return: as nebula_budget_create().
 */
struct nebula_budget *nebula_budget_create_cfg(const char *name,
					       const struct nebula_budget_config *cfg,
					       size_t cfg_size, unsigned int abi,
					       struct module *owner)
{
	struct nebula_budget *b;
	struct nebula_refusal r;
	int err;

	err = nebula_config_admit(NEBULA_KIND_BUDGET, name, cfg, owner, abi, cfg_size,
				  sizeof(*cfg));
	if (err)
		return ERR_PTR(err);
	r = check(name, cfg);
	b = r.code ? NULL : create(name, cfg, owner, &r);
	if (b)
		return b;
	err = nebula_config_refuse(NEBULA_KIND_BUDGET, name, cfg->limit, r);
	return IS_ERR(cfg->parent) ? ERR_CAST(cfg->parent) : ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(nebula_budget_create_cfg);

/* Why it has to stay. Lock: tree. */
static struct nebula_refusal obstacle(struct nebula_budget *b)
{
	if (b->nr_children)
		return NEBULA_REFUSE(NEBULA_E_INVALID_STATE, "destroy", .value = b->nr_children,
				     .detail = NEBULA_D_CHILDREN);
	budget_collect(b);
	if (atomic_read(&b->regions))
		return NEBULA_REFUSE(NEBULA_E_INVALID_STATE, "destroy",
				     .value = atomic_read(&b->regions),
				     .detail = NEBULA_D_ATTACHED);
	if (atomic_long_read(&b->charged))
		return NEBULA_REFUSE(NEBULA_E_INVALID_STATE, "destroy",
				     .value = atomic_long_read(&b->charged),
				     .detail = NEBULA_D_CHARGED);
	return NEBULA_ACCEPT;
}

int nebula_budget_destroy(struct nebula_budget *b)
{
	struct nebula_refusal r;

	if (IS_ERR_OR_NULL(b))
		return 0;
	if (nebula_atomic_context())
		return nebula_fail(&b->common, NEBULA_E_WRONG_CONTEXT, .what = "destroy");
	/* What allocators have dropped may be on its way back. */
	if (atomic_read(&b->regions))
		nebula_chunks_flush();
	mutex_lock(&budget_tree_lock);
	r = obstacle(b);
	if (!r.code)
		leave(b);
	mutex_unlock(&budget_tree_lock);
	if (r.code)
		return nebula_fail(&b->common, r.code, .detail = r.detail, .value = r.value,
				   .what = r.field);
	forget(b);
	budget_put(b);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_budget_destroy);

static int refuse(struct nebula_budget *b, struct nebula_refusal r)
{
	return nebula_fail(&b->common, r.code, .detail = r.detail, .value = r.value,
			   .limit = r.limit, .what = r.field);
}

/*
 * A lower limit takes effect before this returns: from now on no CPU fills a stock here or below,
 * and what they had is collected. A CPU that fills one just now has interrupts off; it finishes
 * before the interrupt that collects, or it sees what was written before that was sent. In what
 * state the budget is then, and whether it may have stocks again, is for the review.
 */
static void lower_limit(struct nebula_budget *b)
{
	WRITE_ONCE(b->no_stock, true);
	budget_collect(b);
}

static struct nebula_refusal change_limit(struct nebula_budget *b, size_t limit)
{
	const size_t former = b->limit;
	struct nebula_refusal r = NEBULA_ACCEPT;

	lockdep_assert_held(&budget_tree_lock);
	if (b->strict && limit < b->promised)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".limit", .value = b->promised,
				     .limit = limit, .detail = NEBULA_D_PROMISES);
	if (b->parent)
		r = check_promise(b->parent, b->parent->promised - former, limit);
	if (r.code)
		return r;
	if (b->parent)
		b->parent->promised += limit - former;
	WRITE_ONCE(b->limit, limit);
	if (limit < former)
		lower_limit(b);
	budget_divide(b);
	budget_state_kick(b);
	return NEBULA_ACCEPT;
}

int nebula_budget_set_limit(struct nebula_budget *b, size_t limit)
{
	struct nebula_refusal r = check_limit(limit);

	if (nebula_atomic_context())
		return nebula_fail(&b->common, NEBULA_E_WRONG_CONTEXT, .what = "set_limit");
	if (!r.code) {
		mutex_lock(&budget_tree_lock);
		r = change_limit(b, limit);
		mutex_unlock(&budget_tree_lock);
	}
	return r.code ? refuse(b, r) : 0;
}
EXPORT_SYMBOL_GPL(nebula_budget_set_limit);

int nebula_budget_set_per_alloc(struct nebula_budget *b, size_t per_alloc)
{
	if (per_alloc > NEBULA_CAPACITY_MAX)
		return nebula_fail(&b->common, NEBULA_E_SIZE_OVERFLOW, .size = per_alloc,
				   .what = ".per_alloc");
	WRITE_ONCE(b->most, per_alloc ?: NEBULA_CAPACITY_MAX);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_budget_set_per_alloc);

int nebula_budget_set_thresholds(struct nebula_budget *b, unsigned int high,
				 unsigned int critical)
{
	struct nebula_refusal r;

	high = high ?: NEBULA_BUDGET_HIGH_PERCENT;
	critical = critical ?: NEBULA_BUDGET_CRITICAL_PERCENT;
	r = check_thresholds(high, critical);
	if (nebula_atomic_context())
		return nebula_fail(&b->common, NEBULA_E_WRONG_CONTEXT, .what = "set_thresholds");
	if (r.code)
		return refuse(b, r);
	mutex_lock(&budget_tree_lock);
	WRITE_ONCE(b->percent[0], high);
	WRITE_ONCE(b->percent[1], critical);
	budget_state_kick(b);
	mutex_unlock(&budget_tree_lock);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_budget_set_thresholds);

/*
 * Would one of the budgets from @b up refuse @bytes now? Then @err gets its name, what is used of
 * it, and its limit. Any context.
 */
bool nebula_budget_blame(const struct nebula_budget *b, struct nebula_error *err, size_t bytes)
{
	size_t used;

	if (bytes > READ_ONCE(b->most)) {
		strscpy(err->what, nebula_budget_name(b), sizeof(err->what));
		err->value = bytes;
		err->limit = READ_ONCE(b->most);
		return true;
	}
	for (; b; b = b->parent) {
		used = nebula_budget_used(b);
		if (used + bytes <= nebula_budget_limit(b))
			continue;
		strscpy(err->what, nebula_budget_name(b), sizeof(err->what));
		err->value = used;
		err->limit = nebula_budget_limit(b);
		return true;
	}
	return false;
}

void nebula_budget_attach(struct nebula_budget *b)
{
	atomic_inc(&b->regions);
}

void nebula_budget_detach(struct nebula_budget *b)
{
	atomic_dec(&b->regions);
}

static void ops_usage(const struct nebula_allocator *a, struct nebula_usage *u)
{
	const struct nebula_budget *b = budget_of(a);

	u->capacity = nebula_budget_limit(b);
	u->max_capacity = u->capacity;
	u->used = nebula_budget_used(b);
	u->available = u->capacity - min(u->used, u->capacity);
	u->peak = nebula_budget_peak(b);
}

/* Charges and what is given back need not come in pairs: there are no objects to count. */
static void ops_stats(const struct nebula_allocator *a, struct nebula_stats *st)
{
}

static void put_permille(struct nebula_text *t, const char *key, u64 part, u64 whole)
{
	const u64 permille = div64_u64(part * 1000, whole);

	nebula_text_key(t, key, "%llu.%llu%%", div_u64(permille, 10),
			permille - 10 * div_u64(permille, 10));
}

static void ops_show(struct nebula_allocator *a, struct nebula_text *t)
{
	struct nebula_budget *b = budget_of(a);
	struct nebula_budget_stats st;

	nebula_budget_stats_read(b, &st);
	nebula_text_key(t, "name", "%s", nebula_budget_name(b));
	nebula_text_key(t, "parent", "%s", b->parent ? nebula_budget_name(b->parent) : "none");
	nebula_text_key(t, "owner", "%s", nebula_owner_name(a->reg));
	nebula_text_key(t, "state", "%s", nebula_budget_state_name(nebula_budget_state(b)));
	nebula_text_bytes(t, "limit", st.limit);
	if (READ_ONCE(b->most) != NEBULA_CAPACITY_MAX)
		nebula_text_bytes(t, "per alloc", READ_ONCE(b->most));
	nebula_text_bytes(t, "used", st.used);
	put_permille(t, "utilisation", st.used, st.limit);
	nebula_text_bytes(t, "peak", st.peak);
	nebula_text_bytes(t, "largest charge", st.largest);
	nebula_text_bytes(t, "in stock", st.stocked);
	nebula_text_key(t, "charges", "%llu", st.charges);
	nebula_text_key(t, "uncharges", "%llu", st.uncharges);
	nebula_text_key(t, "refused", "%llu", st.refused);
	nebula_text_key(t, "refused early", "%llu", st.early);
	nebula_text_key(t, "high", "%u%%", READ_ONCE(b->percent[0]));
	nebula_text_key(t, "critical", "%u%%", READ_ONCE(b->percent[1]));
	nebula_text_key(t, "strict", "%s", b->strict ? "yes" : "no");
	nebula_text_key(t, "children", "%u", st.children);
	nebula_text_key(t, "regions", "%u", st.regions);
}

/* Of modules that have not gone: those of one that goes are taken down before its budgets are. */
static bool ops_in_use(const struct nebula_allocator *a)
{
	const struct nebula_budget *b = budget_of(a);

	return READ_ONCE(b->nr_children) || atomic_read(&b->regions);
}

/* What is left is taken to be its owner's, and goes back to those above it. */
static void ops_retire(struct nebula_allocator *a)
{
	struct nebula_budget *b = budget_of(a);

	mutex_lock(&budget_tree_lock);
	leave(b);
	mutex_unlock(&budget_tree_lock);
	forget(b);
}

static void ops_release(struct nebula_allocator *a)
{
	struct nebula_budget *b = budget_of(a);

	if (b->parent)
		budget_chain_uncharge(b->parent, max(atomic_long_read(&b->charged), 0L));
	budget_put(b);
}

static void ops_cpu_dead(struct nebula_allocator *a, unsigned int cpu)
{
	budget_collect_cpu(budget_of(a), cpu);
}

static const struct nebula_kind_ops budget_ops = {
	.kind		= NEBULA_KIND_BUDGET,
	.dir		= NEBULA_DIR_BUDGETS,
	.usage		= ops_usage,
	.stats		= ops_stats,
	.show		= ops_show,
	.in_use		= ops_in_use,
	.retire		= ops_retire,
	.release	= ops_release,
	.reports_live	= true,
	.cpu_dead	= ops_cpu_dead,
};
