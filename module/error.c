// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recording errors: from any context, NMI included, without allocation, lock or sleep.
 *
 * Records go into a ring of slots that outlives the allocators, and the newest of each registered
 * allocator is kept with it. Writing to the log and calling notifiers happens later, in process
 * context, so that a failing allocation costs the same whatever listens.
 *
 * A slot's state is twice the sequence number of its record, one less while it is being written,
 * 0 while empty:
 *
 *	writer	cmpxchg(state, old, 2 * seq - 1)	full barrier: odd is seen before any byte
 *		write the record
 *		store_release(state, 2 * seq)		the record is seen before the even state
 *	reader	load_acquire(state), even		pairs with store_release
 *		copy the record
 *		smp_rmb(), state unchanged		pairs with cmpxchg: a torn copy is noticed
 *
 * Nobody waits. A writer that finds the slot being written - by the context it interrupted, or by
 * a CPU that is a whole ring behind - or holding a newer record drops its own and counts it lost;
 * a reader that finds a slot changing leaves it out. Sequence numbers are 64 bits wide and never
 * reused, so a state cannot come back to an old value (no ABA).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/irq_work.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include "internal.h"

#define RING_SIZE	256

/* Longest text of a record, bytes. */
#define REPORT_SIZE	2048

static struct nebula_error_slot ring[RING_SIZE];
static atomic64_t newest = ATOMIC64_INIT(0);
static atomic64_t finished = ATOMIC64_INIT(0);	/* records that were written, or dropped */
static atomic64_t lost = ATOMIC64_INIT(0);
static u64 cleared;

/* Newest record that was passed to log and notifiers. Only the work touches it. */
static u64 delivered;
static char report[REPORT_SIZE];
static DEFINE_RATELIMIT_STATE(log_limit, 5 * HZ, 10);
static BLOCKING_NOTIFIER_HEAD(listeners);

static void deliver(struct work_struct *work);
static DECLARE_WORK(deliver_work, deliver);

static void kick_delivery(struct irq_work *work)
{
	schedule_work(&deliver_work);
}

static DEFINE_IRQ_WORK(deliver_kick, kick_delivery);

static struct nebula_error *slot_claim(struct nebula_error_slot *slot, u64 seq)
{
	s64 state = atomic64_read(&slot->state);

	if (state & 1 || state >= 2 * seq)
		return NULL;
	if (atomic64_cmpxchg(&slot->state, state, 2 * seq - 1) != state)
		return NULL;
	return &slot->err;
}

static void slot_publish(struct nebula_error_slot *slot, u64 seq)
{
	atomic64_set_release(&slot->state, 2 * seq);
}

static bool slot_read(const struct nebula_error_slot *slot, struct nebula_error *err)
{
	s64 state = atomic64_read_acquire(&slot->state);

	if (!state || state & 1)
		return false;
	/* A copy that raced with a writer is noticed below. */
	data_race(*err = slot->err);
	/* Pairs with the cmpxchg in slot_claim(). */
	smp_rmb();
	return atomic64_read(&slot->state) == state;
}

static struct nebula_error_slot *slot_of(u64 seq)
{
	return &ring[seq % RING_SIZE];
}

static enum nebula_context context_here(void)
{
	if (in_nmi())
		return NEBULA_IN_NMI;
	if (in_hardirq())
		return NEBULA_IN_HARDIRQ;
	return in_softirq() ? NEBULA_IN_SOFTIRQ : NEBULA_IN_TASK;
}

static void fill(struct nebula_error *err, u64 seq, bool first, const struct nebula_failure *f)
{
	const struct nebula_allocator *a = f->allocator;
	struct nebula_usage u = { };

	memset(err, 0, sizeof(*err));
	if (a)
		u = nebula_allocator_usage(a);

	err->seq = seq;
	err->time_ns = local_clock();
	err->code = f->code;
	err->kind = a ? a->kind : f->kind;
	err->size = f->size;
	err->align = f->align;
	err->used = u.used;
	err->available = u.available;
	err->capacity = u.capacity;
	err->peak = u.peak;
	err->utilisation = u.capacity ? div64_u64((u64)u.used * 1000, u.capacity) : 0;
	err->growth_pending = u.growth_pending;
	err->first = first;
	err->context = context_here();
	err->cpu = raw_smp_processor_id();
	err->pid = current->pid;
	strscpy(err->comm, current->comm, sizeof(err->comm));
	strscpy(err->name, a ? nebula_allocator_name(a) : f->name ?: "(none)", sizeof(err->name));
	strscpy(err->what, f->what ?: "", sizeof(err->what));
	if (f->nr_entries) {
		err->nr_entries = min_t(unsigned int, f->nr_entries, NEBULA_BACKTRACE_MAX);
		memcpy(err->entries, f->entries, err->nr_entries * sizeof(*err->entries));
		return;
	}
	/* Leaves out this function and nebula_error_record(). */
	err->nr_entries = stack_trace_save(err->entries, NEBULA_BACKTRACE_MAX, 2);
}

/* The allocator's own copy survives the ring being lapped by others. */
static void keep_with_allocator(struct nebula_allocator *a, const struct nebula_error *err)
{
	struct nebula_error *copy;

	WRITE_ONCE(a->last_error, err->seq);
	if (!a->reg)
		return;
	copy = slot_claim(&a->reg->last_error, err->seq);
	if (!copy)
		return;
	*copy = *err;
	slot_publish(&a->reg->last_error, err->seq);
}

/**
 * nebula_error_record() - record an error
 * @f: what is known about it.
 *
 * Context: any.
 * Return: the negative errno of the code.
 */
noinline __cold int nebula_error_record(const struct nebula_failure *f)
{
	u64 seq = atomic64_inc_return(&newest);
	struct nebula_error_slot *slot = slot_of(seq);
	struct nebula_error *err;
	bool first = true;

	if (f->allocator)
		first = atomic_inc_return(&f->allocator->failures[f->code]) == 1;

	err = slot_claim(slot, seq);
	if (err) {
		fill(err, seq, first, f);
		if (f->allocator)
			keep_with_allocator(f->allocator, err);
		slot_publish(slot, seq);
	} else {
		atomic64_inc(&lost);
	}
	/* After the record; pairs with the acquire in deliver(). */
	smp_mb__before_atomic();
	atomic64_inc(&finished);
	irq_work_queue(&deliver_kick);
	return nebula_errc_to_errno(f->code);
}

/**
 * nebula_allocator_last_error() - the newest error of an allocator
 * @a: the allocator.
 * @err: where the record goes.
 *
 * For an allocator without registration the record is gone once 256 newer ones were made anywhere.
 *
 * Context: any.
 * Return: true with @err filled in; false when there is none.
 */
bool nebula_allocator_last_error(const struct nebula_allocator *a, struct nebula_error *err)
{
	u64 seq = READ_ONCE(a->last_error);

	if (!seq)
		return false;
	if (a->reg && slot_read(&a->reg->last_error, err))
		return true;
	return slot_read(slot_of(seq), err) && err->seq == seq;
}
EXPORT_SYMBOL_GPL(nebula_allocator_last_error);

/* The first corruption of its kind of an allocator is logged whatever the rate. */
static void log_report(const struct nebula_error *err)
{
	const bool corrupt = nebula_errc_severity(err->code) == NEBULA_CORRUPT;
	char *rest = report, *line;

	if (!(corrupt && err->first) && !__ratelimit(&log_limit))
		return;
	nebula_error_snprint(report, sizeof(report), err);
	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		if (corrupt)
			pr_err("%s\n", line);
		else
			pr_warn("%s\n", line);
	}
}

/*
 * In order. One that is not there may still be written, and whoever does it kicks us again; once
 * nobody writes any more it was dropped.
 */
static void deliver(struct work_struct *work)
{
	/* Pairs with the barrier in nebula_error_record(). */
	u64 done = atomic64_read_acquire(&finished), last = atomic64_read(&newest);
	u64 seq = delivered + 1;
	static struct nebula_error err;

	if (last > RING_SIZE && seq <= last - RING_SIZE)
		seq = last - RING_SIZE + 1;
	for (; seq <= last; seq++) {
		if (slot_read(slot_of(seq), &err) && err.seq == seq) {
			log_report(&err);
			blocking_notifier_call_chain(&listeners, err.code, &err);
		} else if (done != last) {
			break;
		}
	}
	WRITE_ONCE(delivered, seq - 1);
}

/**
 * nebula_error_flush() - wait until all errors recorded before were delivered
 *
 * Context: process context; sleeps.
 */
void nebula_error_flush(void)
{
	const u64 last = atomic64_read(&newest);

	for (;;) {
		irq_work_sync(&deliver_kick);
		flush_work(&deliver_work);
		if (READ_ONCE(delivered) >= last)
			return;
		/* One before it is being written. */
		cond_resched();
	}
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_error_flush);

/**
 * nebula_error_notifier_register() - be told of every recorded error
 * @nb: called in process context with the &enum nebula_errc and the &struct nebula_error, in the
 *	order of recording. Records that were overwritten before their turn are left out.
 *
 * Context: process context; sleeps.
 * Return: 0, or -EEXIST when @nb is registered already.
 */
int nebula_error_notifier_register(struct notifier_block *nb)
{
	return blocking_notifier_chain_register(&listeners, nb);
}
EXPORT_SYMBOL_GPL(nebula_error_notifier_register);

/**
 * nebula_error_notifier_unregister() - stop being told
 * @nb: as registered.
 *
 * Context: process context; sleeps.
 * Return: 0, or -ENOENT when @nb is not registered.
 */
int nebula_error_notifier_unregister(struct notifier_block *nb)
{
	return blocking_notifier_chain_unregister(&listeners, nb);
}
EXPORT_SYMBOL_GPL(nebula_error_notifier_unregister);

void nebula_error_counts(u64 *recorded, u64 *dropped)
{
	*recorded = atomic64_read(&newest);
	*dropped = atomic64_read(&lost);
}

/*
 * All records since the last clear that the ring still holds, newest last; only those of allocator
 * @name unless that is NULL. Process context.
 */
void nebula_errors_render(struct nebula_text *t, const char *name)
{
	struct nebula_error *err = kmalloc(sizeof(*err), GFP_KERNEL);
	char *buf = kmalloc(REPORT_SIZE, GFP_KERNEL);
	u64 last = atomic64_read(&newest), seq = READ_ONCE(cleared) + 1;

	if (!err || !buf) {
		t->failed = true;
		goto out;
	}
	if (last > RING_SIZE && seq <= last - RING_SIZE)
		seq = last - RING_SIZE + 1;
	for (; seq <= last; seq++) {
		if (!slot_read(slot_of(seq), err) || err->seq != seq)
			continue;
		if (name && strcmp(err->name, name))
			continue;
		nebula_error_snprint(buf, REPORT_SIZE, err);
		nebula_text_printf(t, "%s", buf);
	}
out:
	kfree(buf);
	kfree(err);
}

void nebula_errors_clear(void)
{
	WRITE_ONCE(cleared, atomic64_read(&newest));
}

void nebula_error_exit(void)
{
	nebula_error_flush();
}
