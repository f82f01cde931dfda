/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads of a test: each runs one function once and is joined, so that nothing of it runs any more
 * when the test ends.
 */
#ifndef _NEBULA_KUNIT_WORKER_H
#define _NEBULA_KUNIT_WORKER_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/sched.h>

/* Value of worker_start()'s cpu: wherever the scheduler likes. */
#define WORKER_ANYWHERE	(-1)

/* A thread. */
struct worker {
	struct task_struct *task;	/* the thread, or NULL when it could not be started */
	struct completion done;		/* the function has returned */
	void (*fn)(void *data);		/* the function */
	void *data;			/* for the function */
};

void worker_start(struct kunit *test, struct worker *w, int cpu, void (*fn)(void *data),
		  void *data);
void worker_join(struct worker *w);

#endif /* _NEBULA_KUNIT_WORKER_H */
