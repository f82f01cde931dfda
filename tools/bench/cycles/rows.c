// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel side of the cycles table: times the rows of the benchmark while it runs as a process.
 *
 * Compiled as the benchmark is, with the kernel's headers and flags, and linked with it and with
 * nebula_memory into one program; host.c is its user side. The best of many short runs counts:
 * an interrupt or another process can only lengthen one.
 */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <asm/msr.h>
#include "../../../module/core/allocator.h"
#include "../../../module/core/region.h"
#include "cycles.h"
#include "rows.h"

/* Runs of a row; the shortest counts. */
#define RUNS		300

/* Dependent additions that measure how many ticks a cycle has. */
#define CHAIN_RUNS	200

static const struct bench_case malloc_pair = {
	.name = "libc_malloc_pair",
	.run = host_malloc_pairs,
};

static const struct bench_table libc_table = { "libc", &malloc_pair, 1 };

static const struct bench_table *const tables[] = {
	&empty_table, &floor_table, &libc_table, &bump_table, &pool_table, &stack_table,
	&scratch_table,
};

static u64 ticks_of(const struct bench_case *c, unsigned int n)
{
	u64 begin, took;

	preempt_disable();
	begin = rdtsc_ordered();
	c->run(n);
	took = rdtsc_ordered() - begin;
	preempt_enable();
	if (c->undo)
		c->undo();
	return took;
}

static u64 least_ticks(const struct bench_case *c, unsigned int n)
{
	u64 least = U64_MAX;
	unsigned int i;

	for (i = 0; i < RUNS; i++)
		least = min(least, ticks_of(c, n));
	return least;
}

/* An addition takes one cycle on every x86-64 there is, and a chain of them cannot overlap. */
u64 rows_chain_ticks(void)
{
	u64 begin, x = 0, least = U64_MAX;
	unsigned int i, left;

	for (i = 0; i < CHAIN_RUNS; i++) {
		begin = rdtsc_ordered();
		for (left = CYCLES_CHAIN / 10; left; left--)
			asm volatile(".rept 10\n\tadd $1, %0\n\t.endr" : "+r" (x));
		least = min(least, rdtsc_ordered() - begin);
	}
	return least;
}

/**
 * struct goal - what a row should not take more of
 * @name: the row's.
 * @cycles: so many.
 */
struct goal {
	const char *name;
	unsigned int cycles;
};

static const struct goal goals[] = {
	{ "pool_pair", 14 },
	{ "pool_batch", 15 },
	{ "pool_cold", 200 },
	{ "pool_shared_line", 20 },
	{ "bump_request", 20 },
};

static unsigned int goal_of(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(goals); i++)
		if (!strcmp(goals[i].name, name))
			return goals[i].cycles;
	return 0;
}

void rows_figure(const char *noun, const char *by, const struct bench_case *c, u64 hundredths)
{
	const struct host_row row = {
		.noun = noun,
		.name = c->name,
		.by = by ?: "",
		.variant = c->variant ?: "",
		.title = c->title ?: "",
		.target = goal_of(c->name),
	};

	host_figure(&row, hundredths);
}

void rows_measure_case(const char *noun, const char *by, const struct bench_case *c)
{
	const unsigned int n = c->ops ?: BENCH_OPS;
	u64 ticks, chain;

	if (!c->run || (c->setup && c->setup()))
		return;
	ticks = least_ticks(c, n);
	/* The clock speed changes with load and heat: compare with the speed of this moment. */
	chain = rows_chain_ticks();
	/* A row that cannot be repeated so often has failed by now, and has no figure here. */
	if (!c->teardown || !c->teardown())
		rows_figure(noun, by, c, 100 * ticks * CYCLES_CHAIN / chain / n);
}

void rows_measure(void)
{
	unsigned int i, j;

	/* As booted with init_on_alloc=0: what the kernel patches then is as compiled here, on. */
	nebula_init_override(NEBULA_CLEAN);
	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (j = 0; j < tables[i]->nr; j++)
			rows_measure_case(tables[i]->noun, tables[i]->by, &tables[i]->cases[j]);
	corners_measure();
	copies_measure();
}
