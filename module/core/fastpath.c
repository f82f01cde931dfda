// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving allocators off their inline paths while they are watched: an event is traced, allocations
 * are to fail on purpose. The inline paths know nothing of that, not even a
 * branch: they find the limits that they check anyway reached.
 *
 * The limits belong to the owner, which runs on any CPU and takes no lock. A writer in process
 * context takes the inline paths away:
 *
 *	owner, in a slow path			writer, in process context
 *	 limit = where the inline path ends	 attention = why
 *	 barrier()				 interrupts every CPU
 *	 attention? limit = none		 limit = none
 *
 * Claim: when both are through, the limit is none. For other CPUs only a compiler barrier orders
 * the owner's lines, and that is enough:
 *
 *  1. The owner finds no attention. Then it has read before its CPU was interrupted. All CPUs see
 *     what it wrote before the interrupt, so the writer's limit is the last.
 *  2. The interrupt comes before the owner reads. The owner finds the attention and sets the limit
 *     to none itself.
 *  3. The owner is preempted, or migrates, between its lines. That orders them too.
 *  4. The owner is in the middle of an inline operation. It finishes the operation, which goes by
 *     unwatched.
 *
 * Only the owner moves an allocator back, when it next comes out of line and finds no attention. In
 * scratch memory each CPU has its own limit, which that CPU changes, from an interrupt.
 *
 * Lock order: CPU hotplug, diverting, registry, then what the kinds take in their operations.
 */
#include <linux/bitops.h>
#include <linux/cpu.h>
#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/smp.h>
#include "allocator.h"
#include "fail_alloc.h"
#include "fastpath.h"

/* Lock: diverting. */
static unsigned int watchers[NEBULA_KIND_NR];
static DEFINE_MUTEX(diverting);

/* What an allocator that is about to be registered has to attend to. Lock: registry. */
void nebula_divert_new(struct nebula_allocator *a)
{
	if (READ_ONCE(watchers[a->kind]))
		set_bit(NEBULA_ATTEND_TRACE, &a->attention);
	if (nebula_fail_alloc_names(nebula_allocator_name(a)))
		set_bit(NEBULA_ATTEND_FAIL, &a->attention);
	/* It is not in use yet. */
	if (a->attention && a->ops->divert)
		a->ops->divert(a);
}

/* One on a caller's buffer is in no list; it is watched if made while its kind is. Any context. */
unsigned long nebula_divert_embedded(enum nebula_kind kind)
{
	return READ_ONCE(watchers[kind]) ? BIT(NEBULA_ATTEND_TRACE) : 0;
}

/* What is to become of the attention of all allocators. */
struct change {
	enum nebula_attention bit;	/* enum nebula_attention */
	/* Shall it be set? */
	bool (*wanted)(const struct nebula_registration *reg, const void *data);
	const void *data;		/* for @wanted */
};

static void note(const struct nebula_registration *reg, void *data)
{
	const struct change *change = data;

	if (change->wanted(reg, change->data))
		set_bit(change->bit, &reg->allocator->attention);
	else
		clear_bit(change->bit, &reg->allocator->attention);
}

static void divert(const struct nebula_registration *reg, void *unused)
{
	if (reg->allocator->ops->divert)
		reg->allocator->ops->divert(reg->allocator);
}

static void settle(const struct nebula_registration *reg, void *unused)
{
	if (reg->allocator->ops->settle)
		reg->allocator->ops->settle(reg->allocator);
}

/*
 * While it is locked no inline path is taken away from an owner, which begins a new peak. Process
 * context; sleeps.
 */
void nebula_divert_lock(void)
{
	cpus_read_lock();
	mutex_lock(&diverting);
}

void nebula_divert_unlock(void)
{
	mutex_unlock(&diverting);
	cpus_read_unlock();
}

/* Lock: CPU hotplug, diverting. */
static void apply(struct change *change)
{
	nebula_registry_for_each(note, change);
	kick_all_cpus_sync();
	nebula_registry_for_each(divert, NULL);
	nebula_registry_for_each(settle, NULL);
}

static bool is_of_kind(const struct nebula_registration *reg, const void *data)
{
	const enum nebula_kind *kind = data;
	const bool had = test_bit(NEBULA_ATTEND_TRACE, &reg->allocator->attention);

	return reg->allocator->kind == *kind ? watchers[*kind] : had;
}

static void watch(enum nebula_kind kind, int by)
{
	struct change change = {
		.bit = NEBULA_ATTEND_TRACE,
		.wanted = is_of_kind,
		.data = &kind,
	};
	bool first_or_last;

	nebula_divert_lock();
	/* The first who comes, and the last who goes. */
	first_or_last = watchers[kind] == (by > 0 ? 0 : 1);
	WRITE_ONCE(watchers[kind], watchers[kind] + by);
	if (first_or_last)
		apply(&change);
	nebula_divert_unlock();
}

/*
 * Have all allocators of a kind come out of line. Counted: each call takes one of
 * nebula_divert_end(). Process context; sleeps.
 */
void nebula_divert_begin(enum nebula_kind kind)
{
	watch(kind, 1);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_divert_begin);

/* Let them go back. Process context; sleeps. */
void nebula_divert_end(enum nebula_kind kind)
{
	watch(kind, -1);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_divert_end);

static bool is_named(const struct nebula_registration *reg, const void *unused)
{
	return nebula_fail_alloc_names(reg->name);
}

/* The names of those whose allocations may fail on purpose have changed. Process context. */
void nebula_divert_named(void)
{
	struct change change = { .bit = NEBULA_ATTEND_FAIL, .wanted = is_named };

	nebula_divert_lock();
	apply(&change);
	nebula_divert_unlock();
}
