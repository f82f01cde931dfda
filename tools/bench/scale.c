// SPDX-License-Identifier: GPL-2.0-only
/*
 * What two CPUs get done in comparison with one: the file scaling, measured while it is read. Rates
 * are objects a second.
 *
 * Either each CPU allocates and frees for itself, or one allocates what the other frees. All uses
 * take turns, and the best round of each counts: whatever else the machine does meanwhile makes a
 * round slower, never faster.
 */
#include <linux/atomic.h>
#include <linux/build_bug.h>
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
#include <linux/slab.h>
#include <nebula/nebula.h>
#include "case.h"
#include "scale.h"

#define SIZE	64
#define CPUS	2

/* For all there is to measure. */
#define DURATION_NS	(8 * NSEC_PER_SEC)

/* Objects of a round: for either about a millisecond, in which nobody else may want the CPUs. */
#define POOL_OBJECTS	16000U
#define CACHE_OBJECTS	4000U

/* Rounds that threads are made for. */
#define ROUNDS	10

/* Objects that can be on their way from one CPU to the other, and how many are passed at once. */
#define RING	1024
#define PASSED	32

static_assert(POOL_OBJECTS % PASSED == 0 && CACHE_OBJECTS % PASSED == 0 && RING % PASSED == 0);

/*
 * One of each for either use: where objects went from one CPU to the other, both may come to have
 * such as lie side by side.
 */
static struct nebula_pool *own_pool, *passed_pool;
static struct kmem_cache *own_cache, *passed_cache;

/* The files keep what they work on in one place, so one reader at a time. */
static DEFINE_MUTEX(measuring);

/**
 * struct ring - objects on their way from the CPU that allocates to the one that frees
 * @slots: the objects.
 * @head: how many were ever put in. Written by the one who allocates.
 * @tail: how many were ever taken out. Written by the one who frees.
 */
struct ring {
	void *slots[RING];
	unsigned int head ____cacheline_aligned_in_smp;
	unsigned int tail ____cacheline_aligned_in_smp;
};

static struct ring ring;

static __always_inline void *pool_alloc(void *p)
{
	return nebula_pool_alloc(p);
}

static __always_inline void pool_free(void *p, void *obj)
{
	nebula_pool_free(p, obj);
}

static __always_inline void *cache_alloc(void *c)
{
	return kmem_cache_alloc(c, GFP_ATOMIC);
}

/* As what it is compared with, it may be asked to free nothing. */
static __always_inline void cache_free(void *c, void *obj)
{
	if (likely(obj))
		kmem_cache_free(c, obj);
}

static __always_inline int pairs(void *a, void *(*alloc)(void *a), void (*free)(void *a, void *obj),
				 unsigned int n)
{
	unsigned int failed = 0;
	void *obj;

	for (; n; n--) {
		obj = alloc(a);
		failed += !obj;
		bench_use(obj);
		free(a, obj);
	}
	return failed ? -ENOMEM : 0;
}

static __always_inline int produce(void *a, void *(*alloc)(void *a), unsigned int n)
{
	const unsigned int end = ring.head + n;
	unsigned int head, i, failed = 0;
	void *obj;

	for (head = ring.head; head != end; head += PASSED) {
		/* Pairs with the release in consume(): the slots have been read. */
		while (head + PASSED - smp_load_acquire(&ring.tail) > RING)
			cpu_relax();
		for (i = 0; i < PASSED; i++) {
			obj = alloc(a);
			failed += !obj;
			ring.slots[(head + i) % RING] = obj;
		}
		/* Pairs with the acquire in consume(): the slots are filled. */
		smp_store_release(&ring.head, head + PASSED);
	}
	return failed ? -ENOMEM : 0;
}

static __always_inline int consume(void *a, void (*free)(void *a, void *obj), unsigned int n)
{
	const unsigned int end = ring.tail + n;
	unsigned int tail, i;

	for (tail = ring.tail; tail != end; tail += PASSED) {
		/* Pairs with the release in produce(). */
		while (smp_load_acquire(&ring.head) == tail)
			cpu_relax();
		for (i = 0; i < PASSED; i++)
			free(a, ring.slots[(tail + i) % RING]);
		/* Pairs with the acquire in produce(). */
		smp_store_release(&ring.tail, tail + PASSED);
	}
	return 0;
}

static noinline int pool_pairs(unsigned int n)
{
	return pairs(own_pool, pool_alloc, pool_free, n);
}

static noinline int pool_produce(unsigned int n)
{
	return produce(passed_pool, pool_alloc, n);
}

static noinline int pool_consume(unsigned int n)
{
	return consume(passed_pool, pool_free, n);
}

static noinline int cache_pairs(unsigned int n)
{
	return pairs(own_cache, cache_alloc, cache_free, n);
}

static noinline int cache_produce(unsigned int n)
{
	return produce(passed_cache, cache_alloc, n);
}

static noinline int cache_consume(unsigned int n)
{
	return consume(passed_cache, cache_free, n);
}

/**
 * struct use - what two CPUs do with an allocator
 * @noun: whose row it is.
 * @name: stable name, for programs.
 * @title: for people.
 * @peer: name of the row to be compared with; NULL: with one CPU that does the same.
 * @target: how many times of that it should be, in hundredths; 0 without.
 * @work: what each of them does.
 * @objects: how many each of them allocates or frees in a round.
 */
struct use {
	const char *noun;
	const char *name;
	const char *title;
	const char *peer;
	unsigned int target;
	int (*work[CPUS])(unsigned int n);
	unsigned int objects;
};

static const struct use uses[] = {
	{
		.noun = "kernel",
		.name = "kmem_cache_scaling",
		.title = "alloc + free on two CPUs: kmem_cache",
		.work = { cache_pairs, cache_pairs },
		.objects = CACHE_OBJECTS,
	}, {
		.noun = "pool",
		.name = "pool_scaling",
		.title = "alloc + free on two CPUs: pool",
		.target = 190,
		.work = { pool_pairs, pool_pairs },
		.objects = POOL_OBJECTS,
	}, {
		.noun = "kernel",
		.name = "kmem_cache_handover",
		.title = "alloc here, free there: kmem_cache",
		.work = { cache_produce, cache_consume },
		.objects = CACHE_OBJECTS,
	}, {
		.noun = "pool",
		.name = "pool_handover",
		.title = "alloc here, free there: pool",
		.peer = "kmem_cache_handover",
		.target = 100,
		.work = { pool_produce, pool_consume },
		.objects = POOL_OBJECTS,
	},
};

static bool is_private(const struct use *u)
{
	return u->work[0] == u->work[1];
}

/**
 * struct worker - a CPU at work
 * @task: its thread.
 * @work: what it does in a round.
 * @objects: with how many objects.
 * @workers: how many there are.
 * @begin: when each round began, nanoseconds.
 * @end: when it was done, nanoseconds.
 * @err: what came of them.
 * @done: the thread has ended.
 */
struct worker {
	struct task_struct *task;
	int (*work)(unsigned int n);
	unsigned int objects;
	unsigned int workers;
	u64 begin[ROUNDS];
	u64 end[ROUNDS];
	int err;
	struct completion done;
};

/* How often a worker was ready for a round. */
static atomic_t ready;

static int worker_thread(void *data)
{
	struct worker *w = data;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		atomic_inc(&ready);
		while (atomic_read(&ready) < w->workers * (i + 1))
			cpu_relax();
		w->begin[i] = ktime_get_ns();
		w->err = w->work(w->objects) ?: w->err;
		w->end[i] = ktime_get_ns();
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
			.work = u->work[i],
			.objects = u->objects,
			.workers = nr,
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
	static struct worker workers[CPUS];	/* Lock: @measuring. */
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

static int note(s64 *best, s64 rate)
{
	*best = max(*best, rate);
	return rate < 0 ? rate : 0;
}

static int run_all(struct rates *best)
{
	const struct use *u;
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(uses) && !err; i++) {
		u = &uses[i];
		if (is_private(u))
			err = note(&best[i].one, run_rounds(u, 1));
		if (!err)
			err = note(&best[i].two, run_rounds(u, CPUS));
	}
	return err;
}

static int measure(struct rates *best)
{
	const u64 end = ktime_get_ns() + DURATION_NS;
	int err = 0;

	cpus_read_lock();
	if (num_online_cpus() < CPUS)
		err = -ENODEV;
	while (!err && ktime_get_ns() < end)
		err = run_all(best);
	cpus_read_unlock();
	return err;
}

static struct nebula_pool *create_pool(void)
{
	return nebula_pool_create("bench", .block_size = SIZE, .blocks = 4 * RING);
}

static struct kmem_cache *create_cache(void)
{
	return kmem_cache_create("nebula_bench", SIZE, 0, 0, NULL);
}

static int create_and_measure(struct rates *best)
{
	int err = -ENOMEM;

	own_pool = create_pool();
	passed_pool = create_pool();
	own_cache = create_cache();
	passed_cache = create_cache();
	if (!IS_ERR(own_pool) && !IS_ERR(passed_pool) && own_cache && passed_cache)
		err = measure(best);
	kmem_cache_destroy(passed_cache);
	kmem_cache_destroy(own_cache);
	nebula_pool_destroy(passed_pool);
	nebula_pool_destroy(own_pool);
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
	struct rates best[ARRAY_SIZE(uses)] = { };
	const struct use *u;
	unsigned int i;
	int err;

	mutex_lock(&measuring);
	err = create_and_measure(best);
	mutex_unlock(&measuring);
	seq_puts(m, "# nebula scaling v1\n");
	for (i = 0; i < ARRAY_SIZE(uses); i++) {
		u = &uses[i];
		seq_printf(m, "noun=%s name=%s error=%d one=%lld two=%lld target=%d ", u->noun,
			   u->name, err, best[i].one, best[i].two, u->target ?: -1);
		seq_printf(m, "kind=scaling peer=%s title=%s\n", u->peer ?: "", u->title);
	}
	return 0;
}
