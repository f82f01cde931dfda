// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a row to its figure.
 *
 * An average is the time of many operations less that of the same loop with nothing in it. Where
 * the clock counts instructions both are exact; what disturbs a repeat is state outside the
 * operation, so the least of all counts.
 *
 * A worst case is the longest single operation less the longest of nothing.
 */
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include "measure.h"

#define REPEATS	6

static unsigned int ops_at_once(const struct bench_case *c)
{
	return c->ops ?: BENCH_OPS;
}

/*
 * BENCH_OPS operations in timed pieces, in nanoseconds. Interrupts are off during a piece, hence no
 * more operations at once than fit into a few milliseconds.
 */
static u64 timed_pieces(const struct bench_case *c, void (*run)(unsigned int n))
{
	unsigned int n = ops_at_once(c), left;
	u64 sum = 0;

	for (left = BENCH_OPS; left; left -= n) {
		/* Scratch memory asks for that; interrupts being off is not looked at. */
		preempt_disable();
		sum += bench_time(run(n));
		preempt_enable();
		/* What is taken off leaves nothing behind. */
		if (run == c->run && c->undo)
			c->undo();
		cond_resched();
	}
	return sum;
}

/**
 * struct sums - what the repeats took, nanoseconds
 * @least: the least.
 * @next: the second least.
 * @most: the most.
 */
struct sums {
	u64 least;
	u64 next;
	u64 most;
};

static void note(struct sums *s, u64 sum)
{
	s->next = min(s->next, max(s->least, sum));
	s->least = min(s->least, sum);
	s->most = max(s->most, sum);
}

static struct sums repeat(const struct bench_case *c, void (*run)(unsigned int n))
{
	struct sums s = { .least = U64_MAX, .next = U64_MAX };
	unsigned int i;

	for (i = 0; i < REPEATS; i++)
		note(&s, timed_pieces(c, run));
	return s;
}

/* Hundredths, rounded; the clock's own error can make next to nothing a little less than that. */
static u64 one_of(u64 sum, u64 base)
{
	return sum > base ? DIV_ROUND_CLOSEST_ULL(100 * (sum - base), BENCH_OPS) : 0;
}

static void measure_average(const struct bench_case *c, struct bench_figure *f)
{
	struct sums base = { }, s;

	if (c->run != empty_loop)
		base = repeat(c, c->base ?: empty_loop);
	s = repeat(c, c->run);
	f->figure = one_of(s.least, base.least);
	f->next = one_of(s.next, base.least);
	f->most = one_of(s.most, base.least);
}

/* The longest of nothing, the same for all rows. */
static u64 nothing_worst(void)
{
	static u64 worst;	/* one at a time */

	if (!worst)
		empty_worst(BENCH_WORST_OPS, &worst);
	return worst;
}

static void measure_worst(const struct bench_case *c, struct bench_figure *f)
{
	u64 nothing = c->worst == empty_worst ? 0 : nothing_worst();
	u64 worst = 0;

	/* Some hold scratch memory from one operation to the next. */
	preempt_disable();
	c->worst(BENCH_WORST_OPS, &worst);
	preempt_enable();
	f->figure = worst > nothing ? 100 * (worst - nothing) : 0;
	f->next = f->figure;
	f->most = f->figure;
}

/**
 * bench_measure() - measure one row
 * @c: the row.
 * @f: what it came to.
 *
 * Context: process context, one at a time.
 * Return: 0, or the error of the row's setup or teardown.
 */
int bench_measure(const struct bench_case *c, struct bench_figure *f)
{
	int err = c->setup ? c->setup() : 0;

	if (err)
		return err;
	if (c->worst)
		measure_worst(c, f);
	else
		measure_average(c, f);
	return c->teardown ? c->teardown() : 0;
}
