/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All contexts at once: on each CPU a task, a hard interrupt that keeps coming and, on x86, NMIs
 * that another CPU sends. Each of them takes and gives back blocks of one pool in random order and
 * numbers, one by one and in bulk, holds some, and swaps some with the others, so that most blocks
 * are freed elsewhere than where they were allocated.
 */
#ifndef _NEBULA_KUNIT_CROWD_H
#define _NEBULA_KUNIT_CROWD_H

#include <linux/hrtimer.h>
#include "ledger.h"
#include "worker.h"

/* As many operations as a kernel without sanitizers does, or a part of them on one with. */
#define CROWD_SCALE(n)									\
	((n) / (IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_KCSAN) ? 20 : 1))

/* Blocks that are always on their way from one holder to another. */
#define CROWD_SWAP	16

struct crowd;

/* A context that holds blocks. */
struct holder {
	struct crowd *crowd;		/* whose it is */
	struct rnd_state random;	/* what it does next */
	bool filling;			/* it takes more than it gives back */
	unsigned int count;		/* entries of @blocks in use */
	void **blocks;			/* room for @crowd's @share */
};

/* The holders of a CPU. */
struct crowd_cpu {
	struct holder task;	/* thread */
	struct holder hardirq;	/* hard interrupt, from @timer */
	struct holder nmi;	/* NMI */
	struct worker worker;	/* runs @task */
	struct hrtimer timer;	/* runs @hardirq, as long as @worker runs */
};

/* All of them. */
struct crowd {
	struct ledger *ledger;	/* where all blocks are entered */
	unsigned int share;	/* most blocks that each context holds */
	unsigned int turns;	/* of each task, or 0 for as many as there is time for */
	bool over;		/* no more turns */
	bool nmis;		/* NMIs are sent as well */
	bool brink;		/* each context holds all that it may, or one less */
	void *swap[CROWD_SWAP];	/* CROWD_SWAP blocks, exchanged by all contexts. Any context. */
	struct crowd_cpu *cpus;	/* by CPU number */
};

/* A crowd that holds at most @limit blocks. */
struct crowd *crowd_create(struct kunit *test, struct ledger *l, unsigned int limit);
void crowd_destroy(struct crowd *c);

/* So many turns of each task, bound to its CPU, with all that interrupts it. */
void crowd_run(struct kunit *test, struct crowd *c, unsigned int turns);

/* The same in the background, until it is stopped. */
void crowd_start(struct kunit *test, struct crowd *c);
/* Threads that go anywhere, and no NMIs: CPUs may come and go. */
void crowd_start_roaming(struct kunit *test, struct crowd *c);
void crowd_stop(struct crowd *c);

/* Gives back whatever is held. */
void crowd_release(struct crowd *c);

void crowd_print(struct kunit *test, const struct crowd *c);

#endif /* _NEBULA_KUNIT_CROWD_H */
