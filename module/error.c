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
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/irq_work.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <trace/events/nebula.h>
#include "internal.h"

#define RING_SIZE	256

/* Longest text of a record, bytes. */
#define REPORT_SIZE	2048

/* First corruptions that wait for their turn, whatever else happens meanwhile. */
#define KEPT_SIZE	32

static struct nebula_error_slot ring[RING_SIZE];
static struct nebula_error_slot kept[KEPT_SIZE];
static atomic_t newest_kept = ATOMIC_INIT(0);
static atomic64_t newest = ATOMIC64_INIT(0);
static atomic64_t finished = ATOMIC64_INIT(0);	/* records that were written, or dropped */
static atomic64_t lost = ATOMIC64_INIT(0);	/* of them, those that were dropped */
static u64 cleared;

/* Newest record that was passed to log and notifiers, or missed. Only the work touches them. */
static u64 delivered;
static u64 missed;
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

/* A name that was refused may be anything, and is not to spoil the report. */
static void fill_name(char name[NEBULA_NAME_SIZE], const struct nebula_failure *f)
{
	char *c;

	if (f->allocator) {
		strscpy(name, nebula_allocator_name(f->allocator), NEBULA_NAME_SIZE);
		return;
	}
	strscpy(name, f->name && *f->name ? f->name : "(none)", NEBULA_NAME_SIZE);
	for (c = name; *c; c++)
		if (!isascii(*c) || !isgraph(*c))
			*c = '?';
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
	err->detail = f->detail;
	err->kind = a ? a->kind : f->kind;
	err->size = f->size;
	err->align = f->align;
	err->used = u.used;
	err->available = u.available;
	err->capacity = u.capacity;
	err->peak = u.peak;
	err->max_capacity = u.max_capacity;
	err->promised = u.promised;
	err->unit = u.unit;
	err->buffer = u.buffer;
	err->need = f->need;
	err->overhead = f->overhead;
	err->flags = a ? a->flags : 0;
	err->utilisation = u.capacity ? div64_u64((u64)u.used * 1000, u.capacity) : 0;
	err->growth_pending = f->growth_pending || u.growth_pending;
	err->first = first;
	err->context = context_here();
	err->cpu = raw_smp_processor_id();
	err->pid = current->pid;
	strscpy(err->comm, current->comm, sizeof(err->comm));
	fill_name(err->name, f);
	strscpy(err->what, f->what ?: "", sizeof(err->what));
	if (f->nr_entries) {
		err->nr_entries = min_t(unsigned int, f->nr_entries, NEBULA_BACKTRACE_MAX);
		memcpy(err->entries, f->entries, err->nr_entries * sizeof(*err->entries));
	} else {
		/* Leaves out this function and nebula_error_record(). */
		err->nr_entries = stack_trace_save(err->entries, NEBULA_BACKTRACE_MAX, 2);
	}
	err->detail = nebula_detail_of(err);
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

/* The first corruption of its kind of an allocator is heard of even if the ring is lapped. */
static void keep_corruption(u64 seq, const struct nebula_failure *f)
{
	struct nebula_error_slot *slot;
	struct nebula_error *err;

	slot = &kept[(unsigned int)atomic_inc_return(&newest_kept) % KEPT_SIZE];
	err = slot_claim(slot, seq);
	if (!err)
		return;
	fill(err, seq, true, f);
	slot_publish(slot, seq);
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
		first = atomic_long_inc_return(&f->allocator->failures[f->code]) == 1;

	err = slot_claim(slot, seq);
	if (err) {
		fill(err, seq, first, f);
		if (f->allocator)
			keep_with_allocator(f->allocator, err);
		trace_error(err, nebula_errc_name(f->code));
		slot_publish(slot, seq);
	} else {
		atomic64_inc(&lost);
	}
	if (first && nebula_errc_severity(f->code) == NEBULA_CORRUPT)
		keep_corruption(seq, f);
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

static void pass_on(struct nebula_error *err)
{
	log_report(err);
	blocking_notifier_call_chain(&listeners, err->code, err);
}

/* The oldest of the kept ones from @seq on, before @end. */
static bool find_kept(u64 seq, u64 end, struct nebula_error *err)
{
	const struct nebula_error_slot *slot, *oldest = NULL;
	s64 state;

	for (slot = kept; slot < kept + KEPT_SIZE; slot++) {
		state = atomic64_read(&slot->state);
		if (state & 1 || state < 2 * seq || state >= 2 * end)
			continue;
		oldest = slot;
		end = state / 2;
	}
	return oldest && slot_read(oldest, err) && err->seq == end;
}

/* What the ring does not hold any more, from @seq on, before @end: returns how many were missed. */
static u64 pass_on_kept(u64 seq, u64 end, struct nebula_error *err)
{
	u64 left = end - seq;

	for (; find_kept(seq, end, err); seq = err->seq + 1) {
		pass_on(err);
		left--;
	}
	return left;
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

	if (last > RING_SIZE && seq <= last - RING_SIZE) {
		missed += pass_on_kept(seq, last - RING_SIZE + 1, &err);
		seq = last - RING_SIZE + 1;
	}
	for (; seq <= last; seq++) {
		if (slot_read(slot_of(seq), &err) && err.seq == seq)
			pass_on(&err);
		else if (done == last)
			missed += pass_on_kept(seq, seq + 1, &err);
		else
			break;
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
 *	order of recording. Records that were overwritten before their turn are left out, but for
 *	the first DOUBLE_FREE, CORRUPTION or USE_AFTER_FREE of an allocator.
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

static struct notifier_block *listener_of(const struct module *gone)
{
	struct notifier_block *nb;

	down_read(&listeners.rwsem);
	nb = rcu_dereference_protected(listeners.head, lockdep_is_held(&listeners.rwsem));
	while (nb && !within_module((unsigned long)nb->notifier_call, gone))
		nb = rcu_dereference_protected(nb->next, lockdep_is_held(&listeners.rwsem));
	up_read(&listeners.rwsem);
	return nb;
}

/* A module goes: what it has not unregistered is not called any more. Process context; sleeps. */
void nebula_error_forget(struct module *gone)
{
	const struct nebula_failure failure = {
		.code = NEBULA_E_LEAK,
		.detail = NEBULA_D_NOTIFIER,
		.name = module_name(gone),
		.what = "error notifier left behind",
	};
	struct notifier_block *nb;

	while ((nb = listener_of(gone))) {
		nebula_error_notifier_unregister(nb);
		nebula_error_record(&failure);
	}
}

/**
 * nebula_error_counts() - how many errors there were
 * @recorded: all of them.
 * @dropped: of them, those of which there is no record: two at once met in a slot.
 * @unheard: those that went by before log and notifiers had their turn.
 *
 * Context: any.
 */
void nebula_error_counts(u64 *recorded, u64 *dropped, u64 *unheard)
{
	*recorded = atomic64_read(&newest);
	*dropped = atomic64_read(&lost);
	*unheard = READ_ONCE(missed);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_error_counts);

/* From @seq on all that the ring holds, oldest first, one after another in @err. */
static void visit(u64 seq, struct nebula_error *err,
		  void (*fn)(const struct nebula_error *err, void *data), void *data)
{
	const u64 last = atomic64_read(&newest);

	if (last > RING_SIZE && seq <= last - RING_SIZE)
		seq = last - RING_SIZE + 1;
	for (; seq <= last; seq++)
		if (slot_read(slot_of(seq), err) && err->seq == seq)
			fn(err, data);
}

/* Shows @fn all records that the ring holds; none without memory. Process context. */
void nebula_errors_visit(void (*fn)(const struct nebula_error *err, void *data), void *data)
{
	struct nebula_error *err = kmalloc(sizeof(*err), GFP_KERNEL);

	if (err)
		visit(1, err, fn, data);
	kfree(err);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_errors_visit);

/**
 * struct rendering - records being printed
 * @t: where to.
 * @name: of which allocator; NULL: of all.
 * @err: a record.
 * @buf: its report.
 */
struct rendering {
	struct nebula_text *t;
	const char *name;
	struct nebula_error err;
	char buf[REPORT_SIZE];
};

static void render(const struct nebula_error *err, void *data)
{
	struct rendering *r = data;

	if (r->name && strcmp(err->name, r->name))
		return;
	nebula_error_snprint(r->buf, sizeof(r->buf), err);
	nebula_text_printf(r->t, "%s", r->buf);
}

/*
 * All records since the last clear that the ring still holds, newest last; only those of allocator
 * @name unless that is NULL. Process context.
 */
void nebula_errors_render(struct nebula_text *t, const char *name)
{
	struct rendering *r = kmalloc(sizeof(*r), GFP_KERNEL);

	if (!r) {
		t->failed = true;
		return;
	}
	r->t = t;
	r->name = name;
	visit(READ_ONCE(cleared) + 1, &r->err, render, r);
	kfree(r);
}

void nebula_errors_clear(void)
{
	WRITE_ONCE(cleared, atomic64_read(&newest));
}

void nebula_error_exit(void)
{
	nebula_error_flush();
}
