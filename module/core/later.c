// SPDX-License-Identifier: GPL-2.0-only
/*
 * What any context, NMI included, asks to have done in process context after a grace period. All
 * that was asked for by then shares the grace period.
 *
 *	ask		add to the list (a full barrier); kick the irq_work
 *	irq_work	queue the worker
 *	worker		take the whole list; wait for a grace period; run each entry; begin again,
 *			until the list is empty
 *
 *  1. Nothing is left in the list: an entry is there before the kick, and an irq_work is marked
 *     idle before its function is called. So either that function queues the worker after the
 *     entry was added, or the kick queues the irq_work anew. The same holds for the worker.
 *  2. An NMI between any two steps adds an entry of its own and kicks. The list is taken as a
 *     whole, so there is no ABA. The caller adds an entry once.
 */
#include <linux/export.h>
#include <linux/irq_work.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/workqueue.h>
#include "../compat.h"
#include "allocator.h"
#include "context.h"
#include "later.h"

static LLIST_HEAD(asked);

static void run_all(struct work_struct *work)
{
	struct nebula_later *later, *next;
	struct llist_node *all;

	while ((all = llist_del_all(&asked))) {
		synchronize_rcu();
		llist_for_each_entry_safe(later, next, llist_reverse_order(all), node) {
			later->run(later);
			cond_resched();
		}
	}
}

static DECLARE_WORK(worker, run_all);

static void queue_worker(struct irq_work *work)
{
	queue_work(compat_unbound_wq, &worker);
}

static DEFINE_IRQ_WORK(kick, queue_worker);

/* Calls @run after a grace period, in process context, where it may ask again. Any context. */
void nebula_later(struct nebula_later *later, void (*run)(struct nebula_later *later))
{
	later->run = run;
	llist_add(&later->node, &asked);
	nebula_kick(&kick);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_later);

/* Waits until all that was asked for before is done. Process context; sleeps. */
void nebula_later_flush(void)
{
	nebula_irq_work_sync(&kick);
	flush_work(&worker);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_later_flush);
