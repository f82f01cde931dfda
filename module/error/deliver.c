// SPDX-License-Identifier: GPL-2.0-only
/*
 * Passing error records on: to the log, and to the notifiers of clients. Each has a work item of
 * its own, so a notifier that sleeps holds up neither the log nor a module that is unloaded.
 *
 * Both read the ring of records in order, each at its own pace. What the ring does not hold any
 * more when its turn comes was missed, and counted, but for the first corruption of its kind of an
 * allocator, which is kept apart. A record that repeated is passed on again, at most once a second,
 * with how often it did since.
 *
 * Errors that a notifier's own execution raises are logged, and not passed on to notifiers: one
 * that fails an allocation would feed itself for ever.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "../core/context.h"
#include "error.h"
#include "record.h"
#include "report.h"

/* How often repeats are passed on. */
#define REPEATS_PERIOD	HZ

/* The log, or the notifiers: reads the ring. */
struct reader {
	struct work_struct work;	/* passes on what is new */
	void (*pass)(struct nebula_error *err);	/* Passes a record on. Called by @work alone. */
	u64 seq;	/* Newest record that was passed on, or missed. Written by @work alone. */
	u64 missed;	/* Records that were gone when their turn came. Written by @work alone. */
	/*
	 * Of the record in each slot of the ring, how many repeats were passed on, and the low half
	 * of its sequence number. @work alone.
	 */
	u64 passed[NEBULA_RING_SIZE];
	bool repeats_due;	/* repeats shall be passed on */
	struct nebula_error err;	/* The record that is being passed on. @work alone. */
};

static void read_ring(struct work_struct *work);
static void log_record(struct nebula_error *err);
static void notify(struct nebula_error *err);

static struct reader logger = {
	.work = __WORK_INITIALIZER(logger.work, read_ring),
	.pass = log_record,
};

static struct reader notifier = {
	.work = __WORK_INITIALIZER(notifier.work, read_ring),
	.pass = notify,
};

static void request_repeats(struct work_struct *work);
static DECLARE_DELAYED_WORK(repeats_work, request_repeats);

/* A repeat was counted that repeats_work has not asked for yet. */
static atomic_t repeats_pending = ATOMIC_INIT(0);

/* Workqueues take a lock, so they are asked from an irq_work, which can be queued anywhere. */
static void kick_readers(struct irq_work *work)
{
	schedule_work(&logger.work);
	schedule_work(&notifier.work);
	if (atomic_read(&repeats_pending))
		schedule_delayed_work(&repeats_work, REPEATS_PERIOD);
}

static DEFINE_IRQ_WORK(kick, kick_readers);

void nebula_deliver_record(void)
{
	nebula_kick(&kick);
}

/*
 * The repeat is counted before the flag is read; request_repeats() clears the flag before repeats
 * are read. So either this sees the flag cleared, or the repeat is seen there.
 */
void nebula_deliver_repeat(void)
{
	smp_mb();	/* Pairs with the one in request_repeats(). */
	if (atomic_read(&repeats_pending))
		return;
	/* One step: a task preempted between the two would keep all others from kicking. */
	preempt_disable();
	if (!atomic_xchg(&repeats_pending, 1))
		nebula_kick(&kick);
	preempt_enable();
}

static void request_repeats(struct work_struct *work)
{
	atomic_set(&repeats_pending, 0);
	smp_mb();	/* Pairs with the one in nebula_deliver_repeat(). */
	WRITE_ONCE(logger.repeats_due, true);
	WRITE_ONCE(notifier.repeats_due, true);
	schedule_work(&logger.work);
	schedule_work(&notifier.work);
}

/* The log */

static DEFINE_RATELIMIT_STATE(log_limit, 5 * HZ, 10);
static char report[NEBULA_REPORT_SIZE];

static void log_lines(const struct nebula_error *err)
{
	const bool corrupt = nebula_errc_severity(err->code) == NEBULA_CORRUPT;
	char *rest = report, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		if (corrupt)
			pr_err("%s\n", line);
		else
			pr_warn("%s\n", line);
	}
}

/* The first corruption of its kind of an allocator is logged whatever the rate. */
static void log_record(struct nebula_error *err)
{
	const bool always = err->first && !err->repeated &&
			    nebula_errc_severity(err->code) == NEBULA_CORRUPT;

	if (!always && !__ratelimit(&log_limit))
		return;
	if (err->repeated)
		nebula_error_snprint_repeats(report, sizeof(report), err);
	else
		nebula_error_snprint(report, sizeof(report), err);
	log_lines(err);
}

/*
 * The notifiers
 *
 * The list is not locked while one is called, so that others can be registered and unregistered,
 * also by the one that runs. Unregistering waits only for the very notifier that goes.
 */

/* Of highest priority first. Lock: notifiers_lock. */
static struct notifier_block __rcu *notifiers;
static struct notifier_block *running;	/* written under notifiers_lock */
static struct notifier_block *next_to_run;
static DEFINE_MUTEX(notifiers_lock);
static DECLARE_WAIT_QUEUE_HEAD(notifier_done);

/* The task that calls notifiers, while one runs. */
static struct task_struct *notifying;

static struct notifier_block *at(struct notifier_block __rcu **link)
{
	return rcu_dereference_protected(*link, lockdep_is_held(&notifiers_lock));
}

/* What points to @nb, or NULL when it is not on the list. */
static struct notifier_block __rcu **link_to(const struct notifier_block *nb)
{
	struct notifier_block __rcu **link;

	for (link = &notifiers; at(link); link = &at(link)->next)
		if (at(link) == nb)
			return link;
	return NULL;
}

/* Any context: does a notifier do this? An interrupt on top of it does not count. */
bool nebula_delivering_to_notifier(void)
{
	return READ_ONCE(notifying) == current;
}

/* Calls @nb without the lock. Returns what it says. */
static int run(struct notifier_block *nb, struct nebula_error *err)
{
	int ret;

	WRITE_ONCE(running, nb);
	next_to_run = at(&nb->next);
	mutex_unlock(&notifiers_lock);
	WRITE_ONCE(notifying, current);
	ret = nb->notifier_call(nb, err->code, err);
	WRITE_ONCE(notifying, NULL);
	mutex_lock(&notifiers_lock);
	smp_store_release(&running, NULL);	/* Pairs with is_running(). */
	wake_up_all(&notifier_done);
	return ret;
}

static void notify(struct nebula_error *err)
{
	struct notifier_block *nb;

	if (err->by_notifier)
		return;
	mutex_lock(&notifiers_lock);
	for (nb = at(&notifiers); nb; nb = next_to_run)
		if (run(nb, err) & NOTIFY_STOP_MASK)
			break;
	mutex_unlock(&notifiers_lock);
}

int nebula_error_notifier_register(struct notifier_block *nb)
{
	struct notifier_block __rcu **link = &notifiers;
	int ret = -EEXIST;

	mutex_lock(&notifiers_lock);
	if (!link_to(nb)) {
		while (at(link) && at(link)->priority >= nb->priority)
			link = &at(link)->next;
		RCU_INIT_POINTER(nb->next, at(link));
		RCU_INIT_POINTER(*link, nb);
		ret = 0;
	}
	mutex_unlock(&notifiers_lock);
	return ret;
}
EXPORT_SYMBOL_GPL(nebula_error_notifier_register);

/* Takes @nb off the list. */
static int unlink(struct notifier_block *nb)
{
	struct notifier_block __rcu **link = link_to(nb);

	if (!link)
		return -ENOENT;
	RCU_INIT_POINTER(*link, at(&nb->next));
	if (next_to_run == nb)
		next_to_run = at(&nb->next);
	return 0;
}

/* Also while going to sleep, so without the lock: off the list, @nb cannot begin to run. */
static bool is_running(const struct notifier_block *nb)
{
	return smp_load_acquire(&running) == nb;	/* Pairs with run(). */
}

/* Once @nb is off the list: it does not run any more. It cannot wait for itself. */
static void wait_until_done(const struct notifier_block *nb)
{
	if (!nebula_delivering_to_notifier())
		wait_event(notifier_done, !is_running(nb));
}

int nebula_error_notifier_unregister(struct notifier_block *nb)
{
	int ret;

	mutex_lock(&notifiers_lock);
	ret = unlink(nb);
	mutex_unlock(&notifiers_lock);
	if (!ret)
		wait_until_done(nb);
	return ret;
}
EXPORT_SYMBOL_GPL(nebula_error_notifier_unregister);

/* Takes a notifier of @gone off the list; NULL without any. */
static struct notifier_block *take_notifier_of(const struct module *gone)
{
	struct notifier_block *nb;

	mutex_lock(&notifiers_lock);
	nb = at(&notifiers);
	while (nb && !within_module((unsigned long)nb->notifier_call, gone))
		nb = at(&nb->next);
	if (nb)
		unlink(nb);
	mutex_unlock(&notifiers_lock);
	return nb;
}

/* A module goes: a notifier that it has not unregistered is not called any more. Sleeps. */
void nebula_error_forget(struct module *gone)
{
	const struct nebula_failure failure = {
		.code = NEBULA_E_LEAK,
		.detail = NEBULA_D_NOTIFIER,
		.name = module_name(gone),
		.what = "error notifier left behind",
	};
	struct notifier_block *nb;

	while ((nb = take_notifier_of(gone))) {
		wait_until_done(nb);
		nebula_error_record(&failure);
	}
}

/* Reading the ring */

static void pass_on(struct reader *r, u64 repeats)
{
	r->err.repeated = repeats;
	r->pass(&r->err);
}

/* What the ring does not hold any more, from @seq on, before @end. */
static void pass_on_kept(struct reader *r, u64 seq, u64 end)
{
	u64 left = end - seq;

	for (; nebula_kept_read(seq, end, &r->err); seq = r->err.seq + 1) {
		pass_on(r, 0);
		left--;
	}
	WRITE_ONCE(r->missed, r->missed + left);
}

/*
 * In order. A record that is not there may still be written; its writer kicks this again. Once
 * nothing is being written any more it was dropped.
 */
static void pass_on_new(struct reader *r)
{
	const struct nebula_progress p = nebula_ring_progress();
	u64 seq = r->seq + 1;

	if (p.newest > NEBULA_RING_SIZE && seq <= p.newest - NEBULA_RING_SIZE) {
		pass_on_kept(r, seq, p.newest - NEBULA_RING_SIZE + 1);
		seq = p.newest - NEBULA_RING_SIZE + 1;
	}
	for (; seq <= p.newest; seq++) {
		if (nebula_ring_read(seq, &r->err)) {
			r->passed[seq % NEBULA_RING_SIZE] = (u64)(u32)seq << 32;
			pass_on(r, 0);
		} else if (p.finished == p.newest) {
			pass_on_kept(r, seq, seq + 1);
		} else {
			break;
		}
	}
	WRITE_ONCE(r->seq, seq - 1);
}

/* Of record @seq in slot @i, if it was passed on: how often it repeated since. */
static void pass_on_repeats_of(struct reader *r, unsigned int i)
{
	u64 seq, repeats = nebula_ring_repeats(i, &seq), passed = r->passed[i];

	if (passed >> 32 != seq || (u32)passed == repeats)
		return;
	/* The low half of what is in slot @i, at most a ring behind. */
	seq = r->seq - (u32)((u32)r->seq - (u32)seq);
	if (!nebula_ring_read(seq, &r->err))
		return;
	r->passed[i] = (u64)(u32)seq << 32 | repeats;
	pass_on(r, repeats - (u32)passed);
}

static void read_ring(struct work_struct *work)
{
	struct reader *r = container_of(work, struct reader, work);
	unsigned int i;

	pass_on_new(r);
	/* A record that is still being written comes before its repeats; its writer kicks this. */
	if (!READ_ONCE(r->repeats_due) || r->seq < nebula_ring_progress().newest)
		return;
	WRITE_ONCE(r->repeats_due, false);
	for (i = 0; i < NEBULA_RING_SIZE; i++)
		pass_on_repeats_of(r, i);
}

u64 nebula_deliver_missed(void)
{
	return READ_ONCE(notifier.missed);
}

/* Waits until @r has passed on record @newest, and what it was kicked for before. */
static void flush(struct reader *r, u64 newest)
{
	flush_work(&r->work);
	while (READ_ONCE(r->seq) < newest) {
		/* One before it is being written; its writer kicks the reader. */
		cond_resched();
		nebula_irq_work_sync(&kick);
		flush_work(&r->work);
	}
}

/* Waits until what was recorded before is in the log; no notifier is waited for. Sleeps. */
void nebula_error_flush_log(void)
{
	const u64 newest = nebula_ring_progress().newest;

	nebula_irq_work_sync(&kick);
	flush(&logger, newest);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_error_flush_log);

/* Wait until all errors before were passed on, repeats too. Process context; sleeps. */
void nebula_error_flush(void)
{
	const u64 newest = nebula_ring_progress().newest;

	nebula_irq_work_sync(&kick);
	flush_delayed_work(&repeats_work);
	flush(&logger, newest);
	flush(&notifier, newest);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_error_flush);

/* There are no clients any more, and so no notifiers. Process context. */
void nebula_error_exit(void)
{
	nebula_error_flush();
}
