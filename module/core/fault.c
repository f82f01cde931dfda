// SPDX-License-Identifier: GPL-2.0-only
/*
 * The seam through which tests make any allocation that this module needs fail, on every kernel,
 * whether or not it has fault injection. Each step that can fail asks nebula_fault_hit() first.
 *
 * Unarmed it costs one read on paths that are about to ask the kernel for memory.
 */
#include <linux/export.h>
#include <linux/spinlock.h>
#include "allocator.h"
#include "fail_alloc.h"
#include "fault.h"

/* Steps left before the first failure and failures left; both zero while unarmed. Lock: lock. */
static DEFINE_RAW_SPINLOCK(lock);
static unsigned int fault_after;
static unsigned int fault_count;
static unsigned int fault_steps;
static bool fault_armed;

/*
 * Does a test want this allocation to fail? Context: any; what an NMI cannot count, it does not
 * fail. Returns true when the caller has to behave as if the kernel had no memory.
 */
bool nebula_fault_hit_test(void)
{
	unsigned long flags;
	bool hit = false;

	if (likely(!READ_ONCE(fault_armed)))
		return false;

	if (!raw_spin_trylock_irqsave(&lock, flags)) {
		if (in_nmi())
			return false;
		raw_spin_lock_irqsave(&lock, flags);
	}
	if (fault_armed) {
		fault_steps++;
		hit = fault_steps >= fault_after && fault_steps - fault_after < fault_count;
	}
	raw_spin_unlock_irqrestore(&lock, flags);
	return hit;
}

/*
 * Must this allocation fail? A test asks for the failure, or a writer of fail_alloc in debugfs.
 * Memory that debugfs itself needs is subject to nebula_fault_hit_test() only, so that the result
 * can still be read. Context: any. Returns true when the caller has to behave as if the kernel had
 * no memory.
 */
bool nebula_fault_hit(void)
{
	return unlikely(nebula_fail_backing_hit()) || nebula_fault_hit_test();
}

/* Make allocations fail. Context: any but NMI. */
void nebula_fault_arm(unsigned int first, unsigned int count)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	fault_after = first;
	fault_count = count;
	fault_steps = 0;
	WRITE_ONCE(fault_armed, true);
	raw_spin_unlock_irqrestore(&lock, flags);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_fault_arm);

/*
 * Let allocations succeed again. Context: any but NMI. Returns steps seen since nebula_fault_arm().
 */
unsigned int nebula_fault_disarm(void)
{
	unsigned long flags;
	unsigned int steps;

	raw_spin_lock_irqsave(&lock, flags);
	WRITE_ONCE(fault_armed, false);
	steps = fault_steps;
	raw_spin_unlock_irqrestore(&lock, flags);
	return steps;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_fault_disarm);
