// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry of live allocators, by name, with the module that owns each.
 *
 * Process context only. An allocator is taken down in three steps, so that the registry's lock is
 * never held while debugfs waits for readers: it stops being listed, its directory goes, its name
 * becomes free.
 */
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include "internal.h"

/* All registrations, oldest first. Lock: registry. */
static LIST_HEAD(registrations);
static DEFINE_MUTEX(registry);

static const struct nebula_kind_ops no_ops = { .name = "none" };

static const struct nebula_kind_ops *const kinds[] = {
	[NEBULA_KIND_NONE]	= &no_ops,
	[NEBULA_KIND_BUMP]	= &nebula_bump_ops,
	[NEBULA_KIND_POOL]	= &nebula_pool_ops,
	[NEBULA_KIND_STACK]	= &nebula_stack_ops,
	[NEBULA_KIND_SCRATCH]	= &nebula_scratch_ops,
	[NEBULA_KIND_CUSTOM]	= &nebula_custom_kind_ops,
	[NEBULA_KIND_FALLBACK]	= &nebula_fallback_ops,
	[NEBULA_KIND_SPLIT]	= &nebula_split_ops,
	[NEBULA_KIND_SYSTEM]	= &nebula_system_ops,
};

static_assert(ARRAY_SIZE(kinds) == NEBULA_KIND_NR);

const struct nebula_kind_ops *nebula_kind_ops(enum nebula_kind kind)
{
	return kinds[kind < NEBULA_KIND_NR ? kind : NEBULA_KIND_NONE];
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
	return a->kind == NEBULA_KIND_SYSTEM ? "system" : "(buffer)";
}

static bool name_taken(const char *name)
{
	const struct nebula_registration *reg;

	lockdep_assert_held(&registry);
	list_for_each_entry(reg, &registrations, node)
		if (!strcmp(reg->name, name))
			return true;
	return false;
}

/* "conn", then "conn.2", "conn.3": the first that is free. */
static void choose_name(struct nebula_registration *reg, const char *name)
{
	unsigned int n = 1;

	strscpy(reg->name, name, sizeof(reg->name));
	while (name_taken(reg->name))
		snprintf(reg->name, sizeof(reg->name), "%s.%u", name, ++n);
}

/**
 * nebula_allocator_register() - list an allocator that is ready for use
 * @a: the allocator; its kind and flags are set.
 * @name: a valid name.
 * @owner: the module it belongs to.
 * @gfp: flags.
 *
 * Context: process context; sleeps.
 * Return: 0 or -ENOMEM.
 */
int nebula_allocator_register(struct nebula_allocator *a, const char *name, struct module *owner,
			      gfp_t gfp)
{
	struct nebula_registration *reg = nebula_fault_hit() ? NULL : kzalloc(sizeof(*reg), gfp);

	if (!reg)
		return -ENOMEM;
	reg->allocator = a;
	reg->owner = owner;
	reg->created_ns = ktime_get_boottime_ns();
	reg->pid = current->pid;
	strscpy(reg->comm, current->comm, sizeof(reg->comm));

	mutex_lock(&registry);
	choose_name(reg, name);
	list_add_tail(&reg->node, &registrations);
	a->reg = reg;
	mutex_unlock(&registry);

	nebula_debugfs_add(reg);

	mutex_lock(&registry);
	reg->live = true;
	mutex_unlock(&registry);
	return 0;
}

/**
 * nebula_allocator_unregister() - forget an allocator
 * @a: the allocator. Nothing happens when it is not registered.
 *
 * After return nobody looks at it any more.
 *
 * Context: process context; sleeps.
 */
void nebula_allocator_unregister(struct nebula_allocator *a)
{
	struct nebula_registration *reg = a->reg;

	if (!reg)
		return;
	mutex_lock(&registry);
	reg->live = false;
	mutex_unlock(&registry);

	nebula_debugfs_remove(reg);

	mutex_lock(&registry);
	list_del(&reg->node);
	mutex_unlock(&registry);

	a->reg = NULL;
	kfree(reg);
}

/* Whether a composite needs it, which is recorded: it must not be destroyed then. Any context. */
bool nebula_allocator_in_use(struct nebula_allocator *a)
{
	if (!atomic_read(&a->users))
		return false;
	nebula_fail(a, NEBULA_E_INVALID_STATE, .what = "part of another one");
	return true;
}

unsigned int nebula_registry_count(void)
{
	const struct nebula_registration *reg;
	unsigned int n = 0;

	mutex_lock(&registry);
	list_for_each_entry(reg, &registrations, node)
		n += reg->live;
	mutex_unlock(&registry);
	return n;
}

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

/* Tells all allocators that a CPU has gone offline, and stays so during the call. */
void nebula_registry_cpu_dead(unsigned int cpu)
{
	const struct nebula_registration *reg;

	mutex_lock(&registry);
	list_for_each_entry(reg, &registrations, node) {
		const struct nebula_kind_ops *ops = nebula_kind_ops(reg->allocator->kind);

		if (reg->live && ops->cpu_dead)
			ops->cpu_dead(reg->allocator, cpu);
	}
	mutex_unlock(&registry);
}

/* The newest, because it may be made of older ones. */
static struct nebula_registration *last_of(const struct module *owner)
{
	struct nebula_registration *reg, *found = NULL;

	mutex_lock(&registry);
	list_for_each_entry_reverse(reg, &registrations, node) {
		if (reg->live && reg->owner == owner) {
			found = reg;
			break;
		}
	}
	mutex_unlock(&registry);
	return found;
}

/*
 * The code of a module that is going cannot run any more, so nobody else takes its allocators
 * down.
 */
static int reclaim_from(struct notifier_block *nb, unsigned long state, void *data)
{
	struct nebula_registration *reg;

	if (state != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	while ((reg = last_of(data))) {
		struct nebula_allocator *a = reg->allocator;

		nebula_fail(a, NEBULA_E_LEAK, .what = "owner unloaded");
		nebula_kind_ops(a->kind)->reclaim(a);
	}
	return NOTIFY_OK;
}

static struct notifier_block module_watch = { .notifier_call = reclaim_from };

int nebula_registry_init(void)
{
	return register_module_notifier(&module_watch);
}

void nebula_registry_exit(void)
{
	unregister_module_notifier(&module_watch);
}
