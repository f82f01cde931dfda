// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs in any context may be asked to run in each of them, see torture.h.
 */
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/irqflags.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include "torture.h"

#ifdef CONFIG_X86_LOCAL_APIC

#include <asm/apic.h>
#include <asm/nmi.h>

/* What the next NMI of a CPU is to do, or NULL. Any context. */
static DEFINE_PER_CPU(struct torture_call *, nmi_call);
static bool registered;

static int in_nmi_handler(unsigned int type, struct pt_regs *regs)
{
	struct torture_call *call = this_cpu_read(nmi_call);

	if (!call)
		return NMI_DONE;
	call->fn(call);
	/* Pairs with the acquire of the thread that sent it. */
	smp_store_release(this_cpu_ptr(&nmi_call), NULL);
	return NMI_HANDLED;
}

/* One at a time for each CPU: a thread that comes second does it itself. */
static void run_in_nmi(struct torture_call *call, unsigned int cpu)
{
	struct torture_call **of = per_cpu_ptr(&nmi_call, cpu);

	if (!registered || cmpxchg(of, NULL, call)) {
		call->fn(call);
		return;
	}
	apic->send_IPI_mask(cpumask_of(cpu), NMI_VECTOR);
	/* Pairs with the release of the handler. */
	while (smp_load_acquire(of))
		cpu_relax();
}

void torture_contexts_init(void)
{
	registered = !register_nmi_handler(NMI_LOCAL, in_nmi_handler, 0, "nebula_torture");
}

void torture_contexts_exit(void)
{
	if (registered)
		unregister_nmi_handler(NMI_LOCAL, "nebula_torture");
}

#else

static void run_in_nmi(struct torture_call *call, unsigned int cpu)
{
	call->fn(call);
}

void torture_contexts_init(void)
{
}

void torture_contexts_exit(void)
{
}

#endif

/**
 * struct soft - a call that a soft interrupt runs
 * @tasklet: the soft interrupt.
 * @call: the call.
 */
struct soft {
	struct tasklet_struct tasklet;
	struct torture_call *call;
};

static void in_softirq_handler(struct tasklet_struct *tasklet)
{
	struct torture_call *call = container_of(tasklet, struct soft, tasklet)->call;

	call->fn(call);
}

static void run_in_softirq(struct torture_call *call)
{
	struct soft soft = { .call = call };

	tasklet_setup(&soft.tasklet, in_softirq_handler);
	tasklet_schedule(&soft.tasklet);
	tasklet_kill(&soft.tasklet);
}

static void in_interrupt_handler(void *data)
{
	struct torture_call *call = data;

	call->fn(call);
}

static void run_with_irqs_off(struct torture_call *call)
{
	unsigned long flags;

	local_irq_save(flags);
	call->fn(call);
	local_irq_restore(flags);
}

void torture_run_anywhere(struct torture_thread *t, struct torture_call *call)
{
	unsigned int cpu = torture_random(t, nr_cpu_ids);

	if (!cpu_online(cpu))
		cpu = cpumask_first(cpu_online_mask);
	switch (torture_random(t, 16)) {
	case 0:
		return run_in_softirq(call);
	case 1:
		smp_call_function_single(cpu, in_interrupt_handler, call, true);
		return;
	case 2:
		return run_in_nmi(call, cpu);
	case 3:
		return run_with_irqs_off(call);
	default:
		return call->fn(call);
	}
}
