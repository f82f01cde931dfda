// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics that tasks, timer interrupts and NMIs of all CPUs read while all count: nothing is
 * ever what it cannot be, and at the end all is exact.
 */
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/sched.h>
#include "../../module/compat.h"
#include "../crowd.h"
#include "../nmis.h"
#include "../subjects.h"

#define TURNS		CROWD_SCALE(100000)
#define ROUNDS		3

/* A context that reads. */
struct reader {
	unsigned int reads;	/* how often */
	unsigned int faults;	/* how often what it read cannot be */
	const char *first;	/* what was wrong first, or NULL */
	struct nebula_stats st;	/* with that */
};

struct watch;

/* What runs on a CPU. */
struct watch_cpu {
	struct watch *watch;		/* whose it is */
	bool user;			/* @worker uses the allocator; otherwise it reads only */
	struct worker worker;		/* thread */
	struct rnd_state random;	/* for it */
	struct rnd_state timer_random;	/* for @timer */
	struct hrtimer timer;		/* reads, as long as @worker runs */
	struct reader task;		/* that worker, after each turn */
	struct reader hardirq;		/* @timer */
	struct reader nmi;		/* NMIs */
};

/* All of them. */
struct watch {
	const struct subject *subject;	/* what is used */
	struct nebula_allocator *a;
	bool nmis;			/* NMIs are sent, too */
	struct watch_cpu *cpus;		/* by CPU number */
};

static void look(struct watch *w, struct reader *r)
{
	struct nebula_stats now;
	const char *what;

	nebula_allocator_stats_read(w->a, &now);
	r->reads++;
	what = subject_insane(&now);
	if (!what || r->faults++)
		return;
	r->first = what;
	r->st = now;
}

static void look_in_nmi(unsigned int cpu, void *data)
{
	struct watch *w = data;

	look(w, &w->cpus[cpu].nmi);
}

static enum hrtimer_restart look_in_hardirq(struct hrtimer *timer)
{
	struct watch_cpu *c = container_of(timer, struct watch_cpu, timer);

	look(c->watch, &c->hardirq);
	if (c->watch->nmis)
		nmis_send();
	/* From now on, or a slow machine would do nothing else. */
	hrtimer_set_expires(timer, ktime_add_ns(ktime_get(), 20 * NSEC_PER_USEC +
						prandom_u32_state(&c->timer_random) % 100000));
	return HRTIMER_RESTART;
}

static void use(void *data)
{
	struct watch_cpu *c = data;
	struct watch *w = c->watch;
	unsigned int turn;

	hrtimer_start(&c->timer, ns_to_ktime(20 * NSEC_PER_USEC), HRTIMER_MODE_REL_PINNED_HARD);
	for (turn = 0; turn < TURNS / ROUNDS; turn++) {
		if (c->user) {
			preempt_disable();
			w->subject->turn(w->a, prandom_u32_state(&c->random));
			preempt_enable();
		}
		if (!c->user || turn % 8 == 0)
			look(w, &c->task);
		cond_resched();
	}
	hrtimer_cancel(&c->timer);
}

static struct watch *watch_create(struct kunit *test, const struct subject *s)
{
	struct watch *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->cpus = kunit_kcalloc(test, nr_cpu_ids, sizeof(*w->cpus), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, w->cpus);
	w->subject = s;
	w->a = subject_create(test, s);
	for_each_online_cpu(cpu) {
		struct watch_cpu *c = &w->cpus[cpu];

		c->watch = w;
		c->user = s->shared || cpu == fixture_cpu();
		prandom_seed_state(&c->random, FIXTURE_SEED ^ cpu);
		prandom_seed_state(&c->timer_random, FIXTURE_SEED - cpu);
		compat_hrtimer_setup(&c->timer, look_in_hardirq, CLOCK_MONOTONIC,
				     HRTIMER_MODE_REL_PINNED_HARD);
	}
	return w;
}

/* Between the rounds no worker allocates, so that all can be given back; some still read. */
static void watch_run(struct kunit *test, struct watch *w)
{
	unsigned int round;
	int cpu;

	w->nmis = nmis_begin(test, look_in_nmi, w);
	for (round = 0; round < ROUNDS; round++) {
		for_each_online_cpu(cpu)
			worker_start(test, &w->cpus[cpu].worker, cpu, use, &w->cpus[cpu]);
		for_each_online_cpu(cpu)
			worker_join(&w->cpus[cpu].worker);
		if (w->subject->reset)
			w->subject->reset(w->a);
	}
	if (w->nmis)
		nmis_end();
}

static void expect_faultless(struct kunit *test, const struct watch *w, const char *where,
			     const struct reader *r)
{
	KUNIT_EXPECT_EQ_MSG(test, r->faults, 0U,
			    "%s, read in %s %u times: %s; allocs %llu, frees %llu, used %llu, peak %llu",
			    w->subject->name, where, r->reads, r->first ?: "", r->st.allocs,
			    r->st.frees, r->st.used, r->st.peak);
}

static void expect_true_while_used(struct kunit *test, const struct subject *s)
{
	struct watch *w = watch_create(test, s);
	struct nebula_stats st;
	int cpu;

	watch_run(test, w);
	for_each_online_cpu(cpu) {
		expect_faultless(test, w, "a task", &w->cpus[cpu].task);
		expect_faultless(test, w, "hard interrupts", &w->cpus[cpu].hardirq);
		expect_faultless(test, w, "NMIs", &w->cpus[cpu].nmi);
		KUNIT_EXPECT_GT(test, w->cpus[cpu].hardirq.reads, 0U);
	}
	nebula_allocator_stats_read(w->a, &st);
	if (!st.used)
		KUNIT_EXPECT_EQ_MSG(test, st.live, 0ULL, "%s", s->name);
	if (s->reset || s->block)
		KUNIT_EXPECT_EQ_MSG(test, st.used, 0ULL, "%s", s->name);
	KUNIT_EXPECT_GT_MSG(test, st.allocs, 0ULL, "%s", s->name);
	if (!s->parts)
		KUNIT_EXPECT_EQ_MSG(test, st.used, st.bytes_in + st.padding - st.bytes_out, "%s",
				    s->name);
	s->destroy(w->a);
}

#define WATCH(kind, name)								\
static void stats_of_a_used_##kind(struct kunit *test)					\
{											\
	const struct subject *s = subject_named(name);					\
											\
	KUNIT_ASSERT_NOT_NULL(test, s);							\
	expect_true_while_used(test, s);						\
}

WATCH(bump, "bump")
WATCH(shared_bump, "shared bump")
WATCH(pool, "pool")
WATCH(strict_pool, "strict pool")
WATCH(stack, "stack")
WATCH(shared_stack, "shared stack")
WATCH(scratch, "scratch")
WATCH(custom, "custom")
WATCH(fallback, "fallback")
WATCH(split, "split")

static struct kunit_case cases[] = {
	KUNIT_CASE(stats_of_a_used_bump),
	KUNIT_CASE(stats_of_a_used_shared_bump),
	KUNIT_CASE(stats_of_a_used_pool),
	KUNIT_CASE(stats_of_a_used_strict_pool),
	KUNIT_CASE(stats_of_a_used_stack),
	KUNIT_CASE(stats_of_a_used_shared_stack),
	KUNIT_CASE(stats_of_a_used_scratch),
	KUNIT_CASE(stats_of_a_used_custom),
	KUNIT_CASE(stats_of_a_used_fallback),
	KUNIT_CASE(stats_of_a_used_split),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_stats_race",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
