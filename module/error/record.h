/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring of error records, between those that write it (record.c) and those that pass its records
 * on (deliver.c).
 */
#ifndef _NEBULA_MODULE_RECORD_H
#define _NEBULA_MODULE_RECORD_H

#include "../core/allocator.h"

#define NEBULA_RING_SIZE	256

/* How far recording has come. */
struct nebula_progress {
	u64 finished;	/* records that were written, or dropped; read before @newest */
	u64 newest;	/* sequence number of the newest record */
};

struct nebula_progress nebula_ring_progress(void);
bool nebula_ring_read(u64 seq, struct nebula_error *err);
u64 nebula_ring_repeats(unsigned int slot, u64 *seq);
bool nebula_kept_read(u64 seq, u64 end, struct nebula_error *err);

/* quiet.c: is it one of the contexts whose refusals are only counted? Any context. */
bool nebula_is_quiet(void);

/* A task with bottom halves off is a task: serving a softirq is what makes a softirq. */
static inline enum nebula_context nebula_context_here(void)
{
	if (in_nmi())
		return NEBULA_IN_NMI;
	if (in_hardirq())
		return NEBULA_IN_HARDIRQ;
	return in_serving_softirq() ? NEBULA_IN_SOFTIRQ : NEBULA_IN_TASK;
}

/* deliver.c: there is a record to pass on, or one has repeated. Any context. */
void nebula_deliver_record(void);
void nebula_deliver_repeat(void);
bool nebula_delivering_to_notifier(void);
u64 nebula_deliver_missed(void);

#endif /* _NEBULA_MODULE_RECORD_H */
