// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows that are no warm loop on one CPU: an operation whose data has gone from the caches of the
 * CPU, to the one that all share, and two CPUs whose blocks have their state bytes in one line.
 */
#include <linux/cache.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <asm/msr.h>
#include <nebula/nebula.h>
#include "cycles.h"
#include "rows.h"

/* More than the caches of a CPU hold, and less than the one that all share. */
#define BETWEEN		SZ_4M

#define SAMPLES		801

static u8 between[BETWEEN];
static unsigned long times[SAMPLES];

static u64 cycles_of(u64 ticks, unsigned int n)
{
	return 100 * ticks * CYCLES_CHAIN / rows_chain_ticks() / n;
}

static const struct bench_case *find(const struct bench_table *table, const char *name)
{
	unsigned int i;

	for (i = 0; i < table->nr; i++)
		if (!strcmp(table->cases[i].name, name))
			return &table->cases[i];
	return NULL;
}

/* Ticks of one operation after so much else was written, which a quarter of them do not exceed. */
static u64 cold_ticks(void (*run)(unsigned int n))
{
	unsigned int i, at;
	u64 begin;

	for (i = 0; i < SAMPLES; i++) {
		for (at = 0; at < BETWEEN; at += 64)
			between[at]++;
		mb(); /* the caches are as they are, before the time is taken */
		preempt_disable();
		begin = rdtsc_ordered();
		run(1);
		times[i] = rdtsc_ordered() - begin;
		preempt_enable();
	}
	host_sort(times, SAMPLES);
	return times[SAMPLES / 4];
}

static void measure_cold(const struct bench_table *table, const char *of, const char *name,
			 const char *title)
{
	const struct bench_case *c = find(table, of);
	const struct bench_case row = { .name = name, .title = title };
	u64 nothing, ticks;

	if (!c || c->setup())
		return;
	c->run(100);
	nothing = cold_ticks(empty_loop);
	ticks = cold_ticks(c->run);
	if (!c->teardown())
		rows_figure(table->noun, NULL, &row, cycles_of(ticks - min(ticks, nothing), 1));
}

/*
 * Pairs of a turn, turns of each CPU, and how many of the other's end in one that counts: more, and
 * another process had this CPU; none, and one had the other.
 */
#define PAIRS		1000
#define TURNS		20000
#define MOST_OF_OTHER	3

/**
 * struct side - a CPU
 * @turns: how many it has done.
 * @times: ticks of those that fell on turns of the other.
 * @n: how many those are.
 */
struct side {
	unsigned int turns ____cacheline_aligned;
	unsigned int n;
	unsigned long times[TURNS];
};

static struct nebula_pool *pool;
static struct side sides[2];

static noinline void pairs(unsigned int n)
{
	struct nebula_pool *p = pool;
	void *obj;

	for (; n; n--) {
		obj = nebula_pool_alloc(p);
		bench_use(obj);
		nebula_pool_free(p, obj);
	}
}

static void take_turns(unsigned int cpu)
{
	struct side *mine = &sides[cpu], *other = &sides[!cpu];
	unsigned int before, ended, i;
	u64 begin, took;

	for (i = 0; i < TURNS; i++) {
		before = READ_ONCE(other->turns);
		begin = rdtsc_ordered();
		pairs(PAIRS);
		took = rdtsc_ordered() - begin;
		WRITE_ONCE(mine->turns, i + 1);
		ended = READ_ONCE(other->turns) - before;
		if (before && ended && ended <= MOST_OF_OTHER)
			mine->times[mine->n++] = took;
	}
}

/* The quarter of the turns that were disturbed least. */
static u64 ticks_of_both(void)
{
	u64 ticks = 0;
	unsigned int i;

	memset(sides, 0, sizeof(sides));
	host_run_both(take_turns);
	for (i = 0; i < 2; i++) {
		if (!sides[i].n)
			return 0;
		host_sort(sides[i].times, sides[i].n);
		ticks = max_t(u64, ticks, sides[i].times[sides[i].n / 4]);
	}
	return ticks;
}

static void measure_both(const char *name, const char *title)
{
	const struct bench_case row = { .name = name, .title = title };
	const u64 ticks = ticks_of_both();

	if (ticks)
		rows_figure("pool", NULL, &row, cycles_of(ticks, PAIRS));
}

/* What the other CPU is to allocate next is what it freed last: a neighbour of a block of ours. */
static bool share_a_line(void)
{
	void *ours = nebula_pool_alloc(pool), *theirs = nebula_pool_alloc(pool);
	const long apart = (ours - theirs) / (long)nebula_pool_block_size(pool);

	host_become(1);
	nebula_pool_free(pool, theirs);
	host_become(0);
	nebula_pool_free(pool, ours);
	return ours && theirs && abs(apart) < 8;
}

static void measure_two(void)
{
	pool = nebula_pool_create("cycles", .block_size = 64, .blocks = 4096);
	if (IS_ERR(pool) || host_cpus() < 2)
		return;
	measure_both("pool_apart", "pool pair, two CPUs, blocks far apart");
	if (share_a_line())
		measure_both("pool_shared_line", "pool pair, two CPUs, states in one line");
	nebula_pool_destroy(pool);
}

void corners_measure(void)
{
	measure_cold(&pool_table, "pool_pair", "pool_cold", "pool pair, cold (L3)");
	measure_cold(&bump_table, "bump_alloc", "bump_cold", "bump alloc, cold (L3)");
	measure_cold(&stack_table, "stack_pair", "stack_cold", "stack pair, cold (L3)");
	measure_two();
}
