// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a row to its figure.
 *
 * An average is the time of many operations less that of the same loop with nothing in it. Where
 * the clock counts instructions both are exact; what disturbs a repeat is state outside the
 * operation, so the least of all counts.
 *
 * Single operations are sorted by how long they took; from each percentile the same of nothing is
 * taken off, and from the worst what nearly all readings of the clock stay below.
 */
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/string.h>
#include "measure.h"

#define REPEATS	6

static unsigned int ops_at_once(const struct bench_case *c)
{
	return c->ops ?: BENCH_OPS;
}

static unsigned int rounds_of(const struct bench_case *c)
{
	return c->rounds ?: BENCH_OPS / ops_at_once(c);
}

static u64 timed_awake(void (*run)(unsigned int n), unsigned int n)
{
	u64 took;

	/* Scratch memory asks for that; interrupts being off is not looked at. */
	preempt_disable();
	took = bench_time(run(n));
	preempt_enable();
	return took;
}

/* With what interrupts there were: the repeat that met the fewest counts. */
static u64 timed_asleep(void (*run)(unsigned int n), unsigned int n)
{
	const u64 begin = ktime_get_ns();

	run(n);
	return ktime_get_ns() - begin;
}

/*
 * All operations of a repeat in timed pieces, in nanoseconds. Interrupts are off during a piece,
 * hence no more operations at once than fit into a few milliseconds.
 */
static u64 timed_pieces(const struct bench_case *c, void (*run)(unsigned int n))
{
	unsigned int left, n = ops_at_once(c);
	u64 sum = 0;

	for (left = rounds_of(c); left; left--) {
		sum += c->sleeps ? timed_asleep(run, n) : timed_awake(run, n);
		if ((run == c->run || c->undo_base) && c->undo)
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
static u64 one_of(const struct bench_case *c, u64 sum, u64 base)
{
	u64 ops = (u64)rounds_of(c) * ops_at_once(c);

	return sum > base ? div64_u64(100 * (sum - base) + ops / 2, ops) : 0;
}

static void measure_average(const struct bench_case *c, struct bench_figure *f)
{
	struct sums base = { }, s;

	if (c->run != empty_loop)
		base = repeat(c, c->base ?: empty_loop);
	s = repeat(c, c->run);
	f->figure = one_of(c, s.least, base.least);
	f->next = one_of(c, s.next, base.least);
	f->most = one_of(c, s.most, base.least);
	f->whole = one_of(c, s.least, 0);
}

/* Of how many operations in BENCH_SINGLE_OPS a percentile is no less than they took. */
static const unsigned int ranks[BENCH_PERCENTILES] = { 500000, 990000, 999000, 999900, 1000000 };

static_assert(BENCH_SINGLE_OPS == 1000000);

/* In nanoseconds; the last is the longest. */
static void find_percentiles(const struct bench_spread *spread, u64 *percentiles)
{
	unsigned int i, ns = 0, count = spread->times[0];

	for (i = 0; i < BENCH_PERCENTILES - 1; i++) {
		while (count < ranks[i] && ns < BENCH_SPREAD_NS - 1)
			count += spread->times[++ns];
		percentiles[i] = ns;
	}
	percentiles[BENCH_PERCENTILES - 1] = spread->longest;
}

static void time_singles(const struct bench_case *c, u64 *percentiles)
{
	static struct bench_spread spread;	/* one at a time */

	memset(&spread, 0, sizeof(spread));
	/* Some hold scratch memory from one operation to the next. */
	preempt_disable();
	c->single(BENCH_SINGLE_OPS, &spread);
	preempt_enable();
	find_percentiles(&spread, percentiles);
}

/* What is taken off is the same for all rows. */
static const u64 *nothing(void)
{
	static const struct bench_case none = { .single = empty_singles };
	static u64 percentiles[BENCH_PERCENTILES];	/* one at a time */

	if (!percentiles[0])
		time_singles(&none, percentiles);
	return percentiles;
}

static u64 taken_off(u64 whole, u64 off)
{
	return whole > off ? whole - off : 0;
}

static void measure_singles(const struct bench_case *c, struct bench_figure *f)
{
	static const u64 zero[BENCH_PERCENTILES];
	const u64 *off = c->single == empty_singles ? zero : nothing();
	const unsigned int last = BENCH_PERCENTILES - 1;
	unsigned int i;

	time_singles(c, f->percentiles);
	for (i = 0; i < BENCH_PERCENTILES; i++)
		f->percentiles[i] = 100 * taken_off(f->percentiles[i], off[min(i, last - 1)]);
	/* Among so many operations is one for which the clock has rounded up. */
	f->percentiles[last] = max(f->percentiles[last - 1], taken_off(f->percentiles[last], 100));
	f->figure = f->percentiles[last];
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
	if (c->single)
		measure_singles(c, f);
	else
		measure_average(c, f);
	return c->teardown ? c->teardown() : 0;
}
