// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving allocators off their inline paths while they are watched: an event is traced, allocations
 * are to fail on purpose, objects are sampled. The inline paths know nothing of that, not even a
 * branch: they find the limits that they check anyway reached.
 *
 * The limits belong to the owner, which runs on any CPU and takes no lock. A writer in process
 * context takes the inline paths away:
 *
 *	owner, in a slow path			writer, in process context
 *	 limit = where the inline path ends	 slow_reasons = why
 *	 barrier()				 interrupts every CPU
 *	 slow_reasons? limit = none		 limit = none
 *
 * Claim: when both are through, the limit is none. For other CPUs only a compiler barrier orders
 * the owner's lines, and that is enough:
 *
 *  1. The owner finds no reason. Then it has read before its CPU was interrupted. All CPUs see
 *     what it wrote before the interrupt, so the writer's limit is the last.
 *  2. The interrupt comes before the owner reads. The owner finds the reason and sets the limit
 *     to none itself.
 *  3. The owner is preempted, or migrates, between its lines. That orders them too.
 *  4. The owner is in the middle of an inline operation. It finishes the operation, which goes by
 *     unwatched.
 *
 * Only the owner moves an allocator back, when it next comes out of line and finds no reason. In
 * scratch memory each CPU has its own limit, which that CPU changes, from an interrupt.
 *
 * Lock order: CPU hotplug, fastpath_mutex, registry, then what the kinds take in their operations.
 */
#include <linux/bitops.h>
#include <linux/cpu.h>
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/smp.h>
#include "allocator.h"
#include "fastpath.h"
#include "guard_page.h"
#include "inject.h"

/* Lock: fastpath_mutex. */
static unsigned int watchers[NEBULA_KIND_NR];
static DEFINE_MUTEX(fastpath_mutex);

/* Objects of debug allocators are guarded already; an owner's are not given back by themselves. */
static bool is_sampled(const struct nebula_allocator *a, const char *name)
{
	const bool kind = a->ops->kind == NEBULA_KIND_POOL ||
			  (a->ops->kind == NEBULA_KIND_BUMP && a->flags & NEBULA_SHARED);

	return kind && !(a->flags & NEBULA_DEBUG_FLAGS) && nebula_guard_page_wanted(name);
}

/* The reasons of an allocator that is about to be registered. Lock: registry. */
void nebula_fastpath_init(struct nebula_allocator *a)
{
	if (READ_ONCE(watchers[a->ops->kind]))
		set_bit(NEBULA_SLOW_TRACE, &a->slow_reasons);
	if (nebula_fail_alloc_names(nebula_allocator_name(a)))
		set_bit(NEBULA_SLOW_FAIL, &a->slow_reasons);
	if (is_sampled(a, nebula_allocator_name(a)))
		set_bit(NEBULA_SLOW_SAMPLE, &a->slow_reasons);
	/* It is not in use yet. */
	if (a->slow_reasons && a->ops->update_path)
		a->ops->update_path(a);
}

/* One on a caller's buffer is in no list; it is watched if made while its kind is. Any context. */
unsigned long nebula_fastpath_embedded(enum nebula_kind kind)
{
	return READ_ONCE(watchers[kind]) ? BIT(NEBULA_SLOW_TRACE) : 0;
}

/* What is to become of the reasons of all allocators. */
struct change {
	enum nebula_slow_reason bit;	/* enum nebula_slow_reason */
	/* Shall it be set? */
	bool (*wanted)(const struct nebula_registration *reg, const void *data);
	const void *data;		/* for @wanted */
};

static void set_reason(const struct nebula_registration *reg, void *data)
{
	const struct change *change = data;

	if (change->wanted(reg, change->data))
		set_bit(change->bit, &reg->allocator->slow_reasons);
	else
		clear_bit(change->bit, &reg->allocator->slow_reasons);
}

static void update_path(const struct nebula_registration *reg, void *unused)
{
	if (reg->allocator->ops->update_path)
		reg->allocator->ops->update_path(reg->allocator);
}

static void sync_path(const struct nebula_registration *reg, void *unused)
{
	if (reg->allocator->ops->sync_path)
		reg->allocator->ops->sync_path(reg->allocator);
}

/*
 * While it is locked no inline path is taken away from an owner, which begins a new peak. Process
 * context; sleeps.
 */
void nebula_fastpath_lock(void)
{
	cpus_read_lock();
	mutex_lock(&fastpath_mutex);
}

void nebula_fastpath_unlock(void)
{
	mutex_unlock(&fastpath_mutex);
	cpus_read_unlock();
}

/* Lock: CPU hotplug, fastpath_mutex. */
static void update_all(struct change *change)
{
	nebula_registry_for_each(set_reason, change);
	kick_all_cpus_sync();
	nebula_registry_for_each(update_path, NULL);
	nebula_registry_for_each(sync_path, NULL);
}

static bool is_of_kind(const struct nebula_registration *reg, const void *data)
{
	const enum nebula_kind *kind = data;
	const bool had = test_bit(NEBULA_SLOW_TRACE, &reg->allocator->slow_reasons);

	return reg->allocator->ops->kind == *kind ? watchers[*kind] : had;
}

static void watch(enum nebula_kind kind, int by)
{
	struct change change = {
		.bit = NEBULA_SLOW_TRACE,
		.wanted = is_of_kind,
		.data = &kind,
	};
	bool first_or_last;

	nebula_fastpath_lock();
	first_or_last = watchers[kind] == (by > 0 ? 0 : 1);
	WRITE_ONCE(watchers[kind], watchers[kind] + by);
	if (first_or_last)
		update_all(&change);
	nebula_fastpath_unlock();
}

/*
 * Have all allocators of a kind come out of line. Counted: each call takes one of
 * nebula_fastpath_enable(). Process context; sleeps.
 */
void nebula_fastpath_disable(enum nebula_kind kind)
{
	watch(kind, 1);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_fastpath_disable);

/* Let them go back. Process context; sleeps. */
void nebula_fastpath_enable(enum nebula_kind kind)
{
	watch(kind, -1);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_fastpath_enable);

static bool is_named(const struct nebula_registration *reg, const void *unused)
{
	return nebula_fail_alloc_names(reg->name);
}

/* The names of those whose allocations may fail on purpose have changed. Process context. */
void nebula_fastpath_update_named(void)
{
	struct change change = { .bit = NEBULA_SLOW_FAIL, .wanted = is_named };

	nebula_fastpath_lock();
	update_all(&change);
	nebula_fastpath_unlock();
}

static bool is_to_be_sampled(const struct nebula_registration *reg, const void *unused)
{
	return is_sampled(reg->allocator, reg->name);
}

/* What guard_sample says has changed. Process context; sleeps. */
void nebula_fastpath_update_sampled(void)
{
	struct change change = { .bit = NEBULA_SLOW_SAMPLE, .wanted = is_to_be_sampled };

	nebula_fastpath_lock();
	update_all(&change);
	nebula_fastpath_unlock();
}
