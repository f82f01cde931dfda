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

/**
 * struct context_thread - a thread
 * @contexts: of which.
 * @who: its number.
 * @worker: runs it.
 */
struct context_thread {
	struct contexts *contexts;
	unsigned int who;
	struct worker worker;
};

/**
 * struct context_cpu - what interrupts a CPU
 * @contexts: of which.
 * @cpu: the CPU.
 * @soft: soft interrupt.
 * @hard: hard interrupt.
 */
struct context_cpu {
	struct contexts *contexts;
	unsigned int cpu;
	struct hrtimer soft;
	struct hrtimer hard;
};

/**
 * struct contexts - all of them
 * @turn: what each does, @who is below contexts_count().
 * @data: for @turn.
 * @threads: how many; each is bound to a CPU, in turn.
 * @turns: of each thread, or 0 for as many as there are until @over.
 * @over: no more turns; for @turn to set.
 * @entered: how often @turn was called, by context. Any context.
 * @nmis: NMIs are sent.
 * @thread: the threads.
 * @cpus: by CPU number.
 */
struct contexts {
	void (*turn)(struct contexts *c, unsigned int who);
	void *data;
	unsigned int threads;
	unsigned int turns;
	bool over;
	atomic_t entered[NEBULA_IN_NMI + 1];
	bool nmis;
	struct context_thread *thread;
	struct context_cpu *cpus;
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
