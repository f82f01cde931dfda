// SPDX-License-Identifier: GPL-2.0-only
/*
 * All contexts at once, see contexts.h.
 */
#include <linux/cpumask.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include "../module/compat.h"
#include "contexts.h"
#include "nmis.h"

/* Between two interrupts, at least and on top of it, nanoseconds. */
#define PAUSE_LEAST	20000
#define PAUSE_RANDOM	180000

enum nebula_context contexts_now(void)
{
	if (in_nmi())
		return NEBULA_IN_NMI;
	if (in_hardirq())
		return NEBULA_IN_HARDIRQ;
	return in_softirq() ? NEBULA_IN_SOFTIRQ : NEBULA_IN_TASK;
}

unsigned int contexts_count(const struct contexts *c)
{
	return c->threads + NEBULA_IN_NMI * nr_cpu_ids;
}

static void turn(struct contexts *c, unsigned int who, enum nebula_context context)
{
	atomic_inc(&c->entered[context]);
	c->turn(c, who);
}

static void interrupt(struct context_cpu *on, enum nebula_context context)
{
	struct contexts *c = on->contexts;

	turn(c, c->threads + (context - NEBULA_IN_SOFTIRQ) * nr_cpu_ids + on->cpu, context);
}

static void in_nmi_of(unsigned int cpu, void *data)
{
	struct contexts *c = data;

	interrupt(&c->cpus[cpu], NEBULA_IN_NMI);
}

/* From now on, or a slow machine would do nothing else. */
static enum hrtimer_restart again(struct hrtimer *timer)
{
	const u32 random = (u32)ktime_get_ns() * 2654435761U;

	hrtimer_set_expires(timer,
			    ktime_add_ns(ktime_get(), PAUSE_LEAST + random % PAUSE_RANDOM));
	return HRTIMER_RESTART;
}

static enum hrtimer_restart in_softirq_handler(struct hrtimer *timer)
{
	interrupt(container_of(timer, struct context_cpu, soft), NEBULA_IN_SOFTIRQ);
	return again(timer);
}

static enum hrtimer_restart in_hardirq_handler(struct hrtimer *timer)
{
	struct context_cpu *on = container_of(timer, struct context_cpu, hard);

	if (on->contexts->nmis)
		nmis_send();
	interrupt(on, NEBULA_IN_HARDIRQ);
	return again(timer);
}

static void in_thread(void *data)
{
	struct context_thread *t = data;
	struct contexts *c = t->contexts;
	unsigned int n;

	for (n = 0; !READ_ONCE(c->over) && (!c->turns || n < c->turns); n++) {
		turn(c, t->who, NEBULA_IN_TASK);
		cond_resched();
	}
}

struct contexts *contexts_create(struct kunit *test, unsigned int threads,
				 void (*turn)(struct contexts *c, unsigned int who), void *data)
{
	struct contexts *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->turn = turn;
	c->data = data;
	c->threads = threads;
	c->thread = kunit_kcalloc(test, threads, sizeof(*c->thread), GFP_KERNEL);
	c->cpus = kunit_kcalloc(test, nr_cpu_ids, sizeof(*c->cpus), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c->thread);
	KUNIT_ASSERT_NOT_NULL(test, c->cpus);
	for_each_online_cpu(cpu) {
		struct context_cpu *on = &c->cpus[cpu];

		on->contexts = c;
		on->cpu = cpu;
		compat_hrtimer_setup(&on->soft, in_softirq_handler, CLOCK_MONOTONIC,
				     HRTIMER_MODE_REL_PINNED_SOFT);
		compat_hrtimer_setup(&on->hard, in_hardirq_handler, CLOCK_MONOTONIC,
				     HRTIMER_MODE_REL_PINNED_HARD);
	}
	return c;
}

static void timers_start(void *data)
{
	struct context_cpu *on = data;

	hrtimer_start(&on->soft, ns_to_ktime(PAUSE_LEAST), HRTIMER_MODE_REL_PINNED_SOFT);
	hrtimer_start(&on->hard, ns_to_ktime(PAUSE_LEAST), HRTIMER_MODE_REL_PINNED_HARD);
}

static void threads_run(struct kunit *test, struct contexts *c)
{
	int cpu = cpumask_first(cpu_online_mask);
	unsigned int i;

	for (i = 0; i < c->threads; i++) {
		c->thread[i].contexts = c;
		c->thread[i].who = i;
		worker_start(test, &c->thread[i].worker, cpu, in_thread, &c->thread[i]);
		cpu = cpumask_next(cpu, cpu_online_mask);
		if (cpu >= nr_cpu_ids)
			cpu = cpumask_first(cpu_online_mask);
	}
	for (i = 0; i < c->threads; i++)
		worker_join(&c->thread[i].worker);
}

void contexts_run(struct kunit *test, struct contexts *c, unsigned int turns)
{
	int cpu;

	c->turns = turns;
	c->over = false;
	c->nmis = nmis_begin(test, in_nmi_of, c);
	for_each_online_cpu(cpu)
		smp_call_function_single(cpu, timers_start, &c->cpus[cpu], true);
	threads_run(test, c);
	for_each_online_cpu(cpu) {
		hrtimer_cancel(&c->cpus[cpu].hard);
		hrtimer_cancel(&c->cpus[cpu].soft);
	}
	if (c->nmis)
		nmis_end();
	c->nmis = false;
	kunit_info(test, "turns: %d in tasks, %d in softirqs, %d in hard interrupts, %d in NMIs\n",
		   atomic_read(&c->entered[NEBULA_IN_TASK]),
		   atomic_read(&c->entered[NEBULA_IN_SOFTIRQ]),
		   atomic_read(&c->entered[NEBULA_IN_HARDIRQ]),
		   atomic_read(&c->entered[NEBULA_IN_NMI]));
}
