// SPDX-License-Identifier: GPL-2.0-only
/*
 * NMIs that CPUs send each other, see nmis.h.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include "nmis.h"

#ifdef CONFIG_X86_LOCAL_APIC

#include <asm/apic.h>
#include <asm/nmi.h>

/* An NMI was sent and has not been dealt with. Any context. */
static DEFINE_PER_CPU(atomic_t, pending);

static void (*handler)(unsigned int cpu, void *data);
static void *handler_data;

static int handle(unsigned int type, struct pt_regs *regs)
{
	atomic_t *mine = this_cpu_ptr(&pending);

	if (!atomic_read(mine))
		return NMI_DONE;
	handler(raw_smp_processor_id(), handler_data);
	atomic_set_release(mine, 0);
	return NMI_HANDLED;
}

bool nmis_begin(struct kunit *test, void (*fn)(unsigned int cpu, void *data), void *data)
{
	bool registered;

	handler = fn;
	handler_data = data;
	registered = !register_nmi_handler(NMI_LOCAL, handle, 0, "nebula_test");
	KUNIT_EXPECT_TRUE(test, registered);
	return registered;
}

/* The next one may be anywhere. */
void nmis_send(void)
{
	unsigned int cpu = cpumask_next(raw_smp_processor_id(), cpu_online_mask);

	if (cpu >= nr_cpu_ids)
		cpu = cpumask_first(cpu_online_mask);
	if (!atomic_xchg(per_cpu_ptr(&pending, cpu), 1))
		apic->send_IPI_mask(cpumask_of(cpu), NMI_VECTOR);
}

/* An NMI that arrived later would find no receiver. */
void nmis_end(void)
{
	int cpu;

	for_each_online_cpu(cpu)
		while (atomic_read_acquire(per_cpu_ptr(&pending, cpu)))
			cpu_relax();
	unregister_nmi_handler(NMI_LOCAL, "nebula_test");
}

#else

bool nmis_begin(struct kunit *test, void (*fn)(unsigned int cpu, void *data), void *data)
{
	return false;
}

void nmis_send(void)
{
}

void nmis_end(void)
{
}

#endif
