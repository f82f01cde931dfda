// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads of a test, see worker.h.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched/task.h>
#include "worker.h"

static int worker_main(void *data)
{
	struct worker *w = data;

	w->fn(w->data);
	complete(&w->done);
	return 0;
}

/* Fails the test, without ending it, when there is no thread to be had. */
void worker_start(struct kunit *test, struct worker *w, int cpu, void (*fn)(void *data),
		  void *data)
{
	struct task_struct *task;

	*w = (struct worker){ .fn = fn, .data = data };
	init_completion(&w->done);
	task = kthread_create(worker_main, w, "nebula_test/%d", cpu);
	if (IS_ERR(task)) {
		KUNIT_FAIL(test, "no thread: %pe", task);
		return;
	}
	if (cpu != WORKER_ANYWHERE)
		kthread_bind(task, cpu);
	w->task = get_task_struct(task);
	wake_up_process(task);
}

/* Comes back when the thread has left this module's code. */
void worker_join(struct worker *w)
{
	if (!w->task)
		return;
	/* A thread that is stopped before it ran would never run. */
	wait_for_completion(&w->done);
	kthread_stop(w->task);
	put_task_struct(w->task);
	w->task = NULL;
}
