/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All contexts at once: threads and, on each CPU, a soft and a hard interrupt that keep coming and,
 * on x86, NMIs that the hard interrupt of another CPU sends. Each of them has a number and does
 * what the test says, again and again.
 */
#ifndef _NEBULA_KUNIT_CONTEXTS_H
#define _NEBULA_KUNIT_CONTEXTS_H

#include <linux/hrtimer.h>
#include <nebula/error.h>
#include "worker.h"

struct contexts;

/* A thread. */
struct context_thread {
	struct contexts *contexts;	/* of which */
	unsigned int who;		/* its number */
	struct worker worker;		/* runs it */
};

/* What interrupts a CPU. */
struct context_cpu {
	struct contexts *contexts;	/* of which */
	unsigned int cpu;		/* the CPU */
	struct hrtimer soft;		/* soft interrupt */
	struct hrtimer hard;		/* hard interrupt */
};

/* All of them. */
struct contexts {
	/* what each does, @who is below contexts_count() */
	void (*turn)(struct contexts *c, unsigned int who);
	void *data;		/* for @turn */
	unsigned int threads;	/* how many; each is bound to a CPU, in turn */
	unsigned int turns;	/* of each thread, or 0 for as many as there are until @over */
	bool over;		/* no more turns; for @turn to set */
	/* How often @turn was called, by context. Any context. */
	atomic_t entered[NEBULA_IN_NMI + 1];
	bool nmis;		/* NMIs are sent */
	struct context_thread *thread;	/* the threads */
	struct context_cpu *cpus;	/* by CPU number */
};

struct contexts *contexts_create(struct kunit *test, unsigned int threads,
				 void (*turn)(struct contexts *c, unsigned int who), void *data);

/* Numbers there are: those of the threads come first. */
unsigned int contexts_count(const struct contexts *c);

/* So many turns of each thread; interrupts have as many as there is time for. Prints how many. */
void contexts_run(struct kunit *test, struct contexts *c, unsigned int turns);

/* The context that this runs in. */
enum nebula_context contexts_now(void);

#endif /* _NEBULA_KUNIT_CONTEXTS_H */
