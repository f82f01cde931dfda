/* SPDX-License-Identifier: GPL-2.0-only */
/* Contexts: what may be done where, and how it is asked for elsewhere. */
#ifndef _NEBULA_MODULE_CORE_CONTEXT_H
#define _NEBULA_MODULE_CORE_CONTEXT_H

#include <linux/gfp.h>
#include <linux/irq_work.h>
#include <linux/preempt.h>
#include <linux/sched/mm.h>
#include "../compat.h"

/* True where sleeping is known to be wrong; the rest is left to might_sleep(). */
static inline bool nebula_atomic_context(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_COUNT))
		return !preemptible();
	return in_nmi() || in_hardirq() || in_softirq() || irqs_disabled();
}

/*
 * The kernel may be asked for memory here. On PREEMPT_RT its allocators sleep on locks whatever the
 * flags are, so there they are out of reach of atomic context altogether.
 */
static inline bool nebula_may_ask(gfp_t gfp)
{
	if (in_nmi())
		return false;
	if (gfpflags_allow_blocking(gfp) || IS_ENABLED(CONFIG_PREEMPT_RT))
		return !nebula_atomic_context();
	return true;
}

/*
 * chunk.c: where irq_work does not run in interrupts (UML, PREEMPT_RT) irq_work_sync() can wake one
 * task only, so those that share an irq_work take turns. Process context; sleeps.
 */
void nebula_irq_work_sync(struct irq_work *work);

/*
 * Waits until an irq_work is idle that the caller frees after a grace period. irq_work_sync() alone
 * waits for a grace period of its own where irq_work does not run in interrupts, as on PREEMPT_RT:
 * its last access to the irq_work comes after it is marked idle.
 */
static inline void nebula_irq_work_idle(struct irq_work *work)
{
	if (irq_work_is_busy(work))
		irq_work_sync(work);
}

/*
 * In place of flags, where even GFP_NOWAIT is too much: only what the kernel gives without taking a
 * lock. Flags that nebula_gfp_complete() made are never 0.
 */
#define NEBULA_GFP_NOLOCK	((__force gfp_t)0)

/*
 * Flags for growth in place of memory that is @gfp, for a caller that named @named. One that named
 * none and has interrupts off may be a probe inside the kernel's page allocator.
 */
static inline gfp_t nebula_gfp_in_place(gfp_t gfp, gfp_t named)
{
	if ((!named && irqs_disabled()) || !nebula_may_ask(GFP_NOWAIT))
		return NEBULA_GFP_NOLOCK;
	return (gfp & ~__GFP_DIRECT_RECLAIM) | __GFP_NOWARN;
}

/* region.c: zeroed memory for what lies beside a region, for kfree(), or given back at once. */
void *nebula_meta_alloc(size_t size, gfp_t gfp);
void nebula_meta_free(void *p, gfp_t gfp);
void nebula_cond_resched(gfp_t gfp);

/* Zones that a region may be asked to be of. */
#define NEBULA_GFP_ZONES	(__GFP_DMA | __GFP_DMA32)

/* What is taken with flags that nebula_gfp_valid() accepted. */
static inline gfp_t nebula_gfp_complete(gfp_t gfp)
{
	return compat_gfp(gfp | __GFP_NOWARN) & ~(__GFP_ZERO | NEBULA_GFP_ZONES);
}

/*
 * Queues an irq_work, which is how any context asks for what it may not do itself. The kernel marks
 * the work as queued before it is in a queue: a task preempted in between would hold up every other
 * kick until it runs again. Never call irq_work_queue() but here. Any context.
 */
static inline void nebula_kick(struct irq_work *work)
{
	preempt_disable();
	irq_work_queue(work);
	preempt_enable();
}

/*
 * Sets a flag that @work acts on and queues @work, in one step as seen from other tasks: for the
 * reason above a flag that is set means that @work comes soon. Any context.
 */
static inline void nebula_kick_for(unsigned int flag, unsigned long *flags, struct irq_work *work)
{
	preempt_disable();
	if (!test_and_set_bit(flag, flags))
		irq_work_queue(work);
	preempt_enable();
}

/* The NOIO or NOFS scope that @gfp asks for, around allocations that take no flags of ours. */
static inline unsigned int nebula_gfp_scope_enter(gfp_t gfp)
{
	if (!(gfp & __GFP_IO))
		return memalloc_noio_save();
	if (!(gfp & __GFP_FS))
		return memalloc_nofs_save();
	return 0;
}

static inline void nebula_gfp_scope_exit(gfp_t gfp, unsigned int saved)
{
	if (!(gfp & __GFP_IO))
		memalloc_noio_restore(saved);
	else if (!(gfp & __GFP_FS))
		memalloc_nofs_restore(saved);
}

#endif /* _NEBULA_MODULE_CORE_CONTEXT_H */
