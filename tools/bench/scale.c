// SPDX-License-Identifier: GPL-2.0-only
/*
 * What two CPUs get done in comparison with one: the file scaling, measured while it is read. Rates
 * are objects a second.
 *
 * All uses take turns, and the best round of each counts: whatever else the machine does makes a
 * round slower, never faster.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include "scale.h"
#include "use.h"

/* Enough is measured when nothing has become faster for that long, or after the longest. */
#define QUIET_NS	(5 * NSEC_PER_SEC)
#define LONGEST_NS	(60 * NSEC_PER_SEC)

/* Rounds that threads are made for. */
#define ROUNDS	10

/* The files keep what they work on in one place, so one reader at a time. */
static DEFINE_MUTEX(measuring);

static bool is_private(const struct use *u)
{
	return u->work[0] == u->work[1];
}

/**
 * struct worker - a CPU at work
 * @task: its thread.
 * @use: what it takes part in.
 * @work: what it does in a round.
 * @workers: how many there are.
 * @first: it is the one that makes another round possible.
 * @begin: when each round began, nanoseconds.
 * @end: when it was done, nanoseconds.
 * @err: what came of them.
 * @done: the thread has ended.
 */
struct worker {
	struct task_struct *task;
	const struct use *use;
	int (*work)(unsigned int n);
	unsigned int workers;
	bool first;
	u64 begin[ROUNDS];
	u64 end[ROUNDS];
	int err;
	struct completion done;
};

/* How often a worker was ready to go on. */
static atomic_t ready;

static void wait_for_all(const struct worker *w, unsigned int times)
{
	atomic_inc(&ready);
	while (atomic_read(&ready) < w->workers * times)
		cpu_relax();
}

static int worker_thread(void *data)
{
	struct worker *w = data;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		wait_for_all(w, 2 * i + 1);
		w->begin[i] = ktime_get_ns();
		w->err = w->work(w->use->objects) ?: w->err;
		w->end[i] = ktime_get_ns();
		wait_for_all(w, 2 * i + 2);
		/* The others wait for this one to be ready again. */
		if (w->use->undo && w->first)
			w->use->undo();
	}
	kthread_complete_and_exit(&w->done, 0);
}

/* @nr workers, each on a CPU of its own, none of them awake yet. */
static int workers_create(struct worker *workers, const struct use *u, unsigned int nr)
{
	unsigned int i, cpu = cpumask_first(cpu_online_mask);
	struct task_struct *task;

	for (i = 0; i < nr; i++) {
		workers[i] = (struct worker){
			.use = u,
			.work = u->work[i],
			.workers = nr,
			.first = !i,
		};
		init_completion(&workers[i].done);
		task = kthread_create_on_cpu(worker_thread, &workers[i], cpu, "nebula_bench/%u");
		if (IS_ERR(task))
			goto stop;
		workers[i].task = task;
		cpu = cpumask_next(cpu, cpu_online_mask);
	}
	return 0;

stop:
	while (i--)
		kthread_stop(workers[i].task);
	return PTR_ERR(task);
}

/* Nanoseconds that the fastest round of all @nr workers together took. */
static u64 fastest_round(const struct worker *workers, unsigned int nr)
{
	u64 begin, end, least = U64_MAX;
	unsigned int round, i;

	for (round = 0; round < ROUNDS; round++) {
		begin = workers[0].begin[round];
		end = workers[0].end[round];
		for (i = 1; i < nr; i++) {
			begin = min(begin, workers[i].begin[round]);
			end = max(end, workers[i].end[round]);
		}
		least = min(least, end - begin);
	}
	return max_t(u64, least, 1);
}

/* Objects a second that @nr CPUs get through together, or an error. */
static s64 run_rounds(const struct use *u, unsigned int nr)
{
	const u64 objects = is_private(u) ? nr * u->objects : u->objects;
	static struct worker workers[BENCH_CPUS];	/* Lock: @measuring. */
	unsigned int i;
	int err;

	err = workers_create(workers, u, nr);
	if (err)
		return err;
	atomic_set(&ready, 0);
	for (i = 0; i < nr; i++)
		wake_up_process(workers[i].task);
	for (i = 0; i < nr; i++) {
		wait_for_completion(&workers[i].done);
		err = err ?: workers[i].err;
	}
	return err ?: div64_u64(objects * NSEC_PER_SEC, fastest_round(workers, nr));
}

/**
 * struct rates - the best that came of one use, objects a second
 * @one: with one CPU; 0 where it takes two.
 * @two: with two.
 */
struct rates {
	s64 one;
	s64 two;
};

/* 1 when it became faster by more than a hundredth, 0 when not, or an error. */
static int note(s64 *best, s64 rate)
{
	const bool faster = rate > *best + *best / 100;

	*best = max(*best, rate);
	return rate < 0 ? rate : faster;
}

/* As note(), of all uses. */
static int run_all(struct rates *best)
{
	const struct use *u;
	int ret = 0, faster = 0;
	unsigned int i;

	for (i = 0; i < nr_uses && ret >= 0; i++) {
		u = &uses[i];
		if (is_private(u))
			ret = note(&best[i].one, run_rounds(u, 1));
		faster |= ret > 0;
		if (ret >= 0)
			ret = note(&best[i].two, run_rounds(u, BENCH_CPUS));
		faster |= ret > 0;
	}
	return ret < 0 ? ret : faster;
}

static int measure(struct rates *best)
{
	const u64 begin = ktime_get_ns();
	u64 now, faster = begin;
	int ret = 0;

	cpus_read_lock();
	if (num_online_cpus() < BENCH_CPUS)
		ret = -ENODEV;
	for (now = begin; ret >= 0; now = ktime_get_ns()) {
		if (now - faster > QUIET_NS || now - begin > LONGEST_NS)
			break;
		ret = run_all(best);
		if (ret > 0)
			faster = ktime_get_ns();
	}
	cpus_read_unlock();
	return min(ret, 0);
}

static int create_and_measure(struct rates *best)
{
	int err = uses_create();

	if (!err)
		err = measure(best);
	uses_destroy();
	return err;
}

/**
 * scaling_show() - measure all uses and print a line for each
 * @m: where to.
 * @unused: unused.
 *
 * Context: process context; may sleep.
 * Return: 0; what went wrong is in the lines.
 */
int scaling_show(struct seq_file *m, void *unused)
{
	struct rates best[USES_MAX] = { };
	const struct use *u;
	unsigned int i;
	int err;

	mutex_lock(&measuring);
	err = create_and_measure(best);
	mutex_unlock(&measuring);
	seq_puts(m, "# nebula scaling v1\n");
	for (i = 0; i < nr_uses; i++) {
		u = &uses[i];
		seq_printf(m, "noun=%s name=%s error=%d one=%lld two=%lld target=%d ", u->noun,
			   u->name, err, best[i].one, best[i].two, u->target ?: -1);
		seq_printf(m, "kind=scaling peers=%s title=%s\n", u->peer ?: "", u->title);
	}
	return 0;
}
