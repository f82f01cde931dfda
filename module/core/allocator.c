// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry of live allocators, by name.
 *
 * Process context only. How an allocator comes and goes is in lifecycle.c.
 */
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/hashtable.h>
#include <linux/jhash.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include "../error/error.h"
#include "allocator.h"
#include "context.h"
#include "fastpath.h"
#include "inject.h"

#define NAME_BITS	10

/* All registrations, oldest first, and by name; how many are live. Lock: registry. */
static LIST_HEAD(registrations);
static DEFINE_HASHTABLE(names, NAME_BITS);
static unsigned int nr_live;
static u64 newest_id;
static DEFINE_MUTEX(registry);

static const char *const kind_names[] = {
	[NEBULA_KIND_NONE]	= "none",
	[NEBULA_KIND_BUMP]	= "bump",
	[NEBULA_KIND_POOL]	= "pool",
	[NEBULA_KIND_STACK]	= "stack",
	[NEBULA_KIND_SCRATCH]	= "scratch",
	[NEBULA_KIND_CUSTOM]	= "custom",
	[NEBULA_KIND_FALLBACK]	= "fallback",
	[NEBULA_KIND_SPLIT]	= "split",
	[NEBULA_KIND_SYSTEM]	= "system",
	[NEBULA_KIND_BUDGET]	= "budget",
	[NEBULA_KIND_CACHE]	= "cache",
};

static_assert(ARRAY_SIZE(kind_names) == NEBULA_KIND_NR);

const char *nebula_kind_name(enum nebula_kind kind)
{
	return kind_names[kind < NEBULA_KIND_NR ? kind : NEBULA_KIND_NONE];
}

/* 1 to 63 of [A-Za-z0-9_.-], and no directory of its own. */
bool nebula_name_valid(const char *name)
{
	size_t len = name ? strnlen(name, NEBULA_NAME_MAX + 1) : 0, i;

	if (!len || len > NEBULA_NAME_MAX || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (i = 0; i < len; i++)
		if (!isascii(name[i]) || (!isalnum(name[i]) && !strchr("_.-", name[i])))
			return false;
	return true;
}

const char *nebula_allocator_name(const struct nebula_allocator *a)
{
	if (a->reg)
		return a->reg->name;
	return a->ops->kind == NEBULA_KIND_SYSTEM ? "system" : "(buffer)";
}

const char *nebula_owner_name(const struct nebula_registration *reg)
{
	return reg->orphan ? "(orphan)" : module_name(reg->owner);
}

static u32 name_hash(const char *name)
{
	return jhash(name, strlen(name), 0);
}

static enum nebula_dir dir_of(const struct nebula_registration *reg)
{
	return reg->allocator->ops->dir;
}

static bool is_allocator(const struct nebula_registration *reg)
{
	return dir_of(reg) == NEBULA_DIR_ALLOCATORS;
}

/* Has another one in the same directory the name of @reg? */
static bool name_taken(const struct nebula_registration *reg)
{
	const struct nebula_registration *other;

	lockdep_assert_held(&registry);
	hash_for_each_possible(names, other, by_name, name_hash(reg->name))
		if (!strcmp(other->name, reg->name) && dir_of(other) == dir_of(reg))
			return true;
	return false;
}

/* The name, or with a number from 2 on, in @reg: is it another one's? */
static bool number_taken(struct nebula_registration *reg, const char *name, unsigned int n)
{
	if (n == 1)
		strscpy(reg->name, name, sizeof(reg->name));
	else
		snprintf(reg->name, sizeof(reg->name), "%s.%u", name, n);
	return name_taken(reg);
}

/*
 * "conn", then "conn.2", "conn.3": a number that is free, and the one before it is not. So many as
 * there may be of one name, it is found in a few steps.
 */
static void choose_name(struct nebula_registration *reg, const char *name)
{
	unsigned int taken = 1, free = 2, middle;

	if (!number_taken(reg, name, 1))
		return;
	while (number_taken(reg, name, free)) {
		taken = free;
		free *= 2;
	}
	while (free - taken > 1) {
		middle = taken + (free - taken) / 2;
		if (number_taken(reg, name, middle))
			taken = middle;
		else
			free = middle;
	}
	number_taken(reg, name, free);
}

/* With room for @created entries of a call stack; NULL without memory. Process context. */
struct nebula_registration *nebula_registration_alloc(const struct nebula_allocator *a,
						      unsigned int created, gfp_t gfp)
{
	struct nebula_registration *reg = nebula_fault_hit()
		? NULL : kmalloc(struct_size(reg, created, created), gfp);

	if (!reg)
		return NULL;
	*reg = (struct nebula_registration){
		.created_ns = ktime_get_boottime_ns(),
		.pid = current->pid,
	};
	strscpy(reg->comm, current->comm, sizeof(reg->comm));
	if (!(a->flags & NEBULA_TRACK))
		return reg;
	reg->sizes = nebula_fault_hit() ? NULL : alloc_percpu_gfp(struct nebula_sizes_cpu, gfp);
	if (reg->sizes)
		return reg;
	kfree(reg);
	return NULL;
}

/* Process context. */
void nebula_registration_free(struct nebula_registration *reg)
{
	free_percpu(reg->sizes);
	kfree(reg);
}

/* Lists an allocator under a name of its own; it is not live yet. Process context. */
void nebula_registry_list(struct nebula_registration *reg, struct nebula_allocator *a,
			  const char *name, struct module *owner)
{
	reg->allocator = a;
	reg->owner = owner;
	mutex_lock(&registry);
	choose_name(reg, name);
	reg->id = ++newest_id;
	list_add_tail(&reg->node, &registrations);
	hash_add(names, &reg->by_name, name_hash(reg->name));
	a->reg = reg;
	mutex_unlock(&registry);
}

/* Readers may find it. Process context. */
void nebula_registry_publish(struct nebula_registration *reg)
{
	mutex_lock(&registry);
	nebula_fastpath_init(reg->allocator);
	reg->live = true;
	nr_live += is_allocator(reg);
	mutex_unlock(&registry);
}

/* Readers find it no more; its name stays reserved. Process context. */
void nebula_registry_hide(struct nebula_registration *reg)
{
	mutex_lock(&registry);
	reg->live = false;
	nr_live -= is_allocator(reg);
	mutex_unlock(&registry);
}

/* Its name is free. Process context. */
void nebula_registry_forget(struct nebula_registration *reg)
{
	mutex_lock(&registry);
	list_del(&reg->node);
	hash_del(&reg->by_name);
	mutex_unlock(&registry);
}

/* Whether a composite needs it, which is recorded: it must not be destroyed then. Any context. */
bool nebula_allocator_in_use(struct nebula_allocator *a)
{
	if (!atomic_read(&a->users))
		return false;
	nebula_fail(a, NEBULA_E_INVALID_STATE, .detail = NEBULA_D_PART,
		    .what = "destroy");
	return true;
}

/* May it be destroyed, one that was @created, with no scope open? Why not is recorded. */
bool nebula_may_destroy(struct nebula_allocator *a, bool created, bool in_scope)
{
	if (!created)
		nebula_fail(a, NEBULA_E_INVALID_STATE, .detail = NEBULA_D_EMBEDDED,
			    .what = "destroy");
	else if (nebula_atomic_context())
		nebula_fail(a, NEBULA_E_WRONG_CONTEXT, .what = "destroy");
	else if (in_scope)
		nebula_fail(a, NEBULA_E_INVALID_STATE, .detail = NEBULA_D_OPEN_SCOPE,
			    .what = "destroy");
	else
		return !nebula_allocator_in_use(a);
	return false;
}

/*
 * Allocators that are registered. Process context; sleeps. Returns how many there are at this
 * moment.
 */
unsigned int nebula_registry_count(void)
{
	unsigned int n;

	mutex_lock(&registry);
	n = nr_live;
	mutex_unlock(&registry);
	return n;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_registry_count);

/* Calls @fn for each live allocator, oldest first, with the registry locked. */
void nebula_registry_for_each(void (*fn)(const struct nebula_registration *reg, void *data),
			      void *data)
{
	const struct nebula_registration *reg;

	mutex_lock(&registry);
	list_for_each_entry(reg, &registrations, node)
		if (reg->live)
			fn(reg, data);
	mutex_unlock(&registry);
}

/*
 * Calls @fn for up to @n live allocators made after the one of @id, 0 for all, oldest first, with
 * the registry locked. Returns the id of the last, or 0 when there were none: so others get the
 * lock in between.
 */
u64 nebula_registry_visit(u64 id, unsigned int n,
			  void (*fn)(const struct nebula_registration *reg, void *data), void *data)
{
	const struct nebula_registration *reg;
	u64 last = 0;

	mutex_lock(&registry);
	list_for_each_entry(reg, &registrations, node) {
		if (!reg->live || reg->id <= id || !is_allocator(reg))
			continue;
		if (!n--)
			break;
		fn(reg, data);
		last = reg->id;
	}
	mutex_unlock(&registry);
	return last;
}

/* A CPU has gone offline, and stays so during the call. */
void nebula_registry_cpu_dead(unsigned int cpu)
{
	const struct nebula_registration *reg;

	mutex_lock(&registry);
	list_for_each_entry(reg, &registrations, node)
		if (reg->live && reg->allocator->ops->cpu_dead)
			reg->allocator->ops->cpu_dead(reg->allocator, cpu);
	mutex_unlock(&registry);
}

/* A CPU is about to come online. Process context; sleeps. */
void nebula_registry_cpu_prepare(unsigned int cpu)
{
	const struct nebula_registration *reg;

	mutex_lock(&registry);
	list_for_each_entry(reg, &registrations, node)
		if (reg->live && reg->allocator->ops->cpu_prepare)
			reg->allocator->ops->cpu_prepare(reg->allocator, cpu);
	mutex_unlock(&registry);
}

/* Adds all live ones that match to a list of those that leave, newest first. */
void nebula_registry_collect(struct list_head *all,
			     bool (*matches)(const struct nebula_registration *reg,
					     const void *data),
			     const void *data)
{
	struct nebula_registration *reg;

	mutex_lock(&registry);
	list_for_each_entry_reverse(reg, &registrations, node)
		if (reg->live && matches(reg, data))
			list_add_tail(&reg->leaving, all);
	mutex_unlock(&registry);
}

/* Its owner has gone, and it stays. */
void nebula_registry_orphan(struct nebula_registration *reg)
{
	mutex_lock(&registry);
	reg->orphan = true;
	reg->owner = NULL;
	mutex_unlock(&registry);
}
