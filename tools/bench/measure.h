/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEBULA_BENCH_MEASURE_H
#define _NEBULA_BENCH_MEASURE_H

#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/timekeeping.h>
#include "case.h"

/* Percentiles that are looked at: 50, 99, 99.9, 99.99, and the worst of all. */
#define BENCH_PERCENTILES	5

/* Nanoseconds up to which single operations are told apart, all percentiles but the worst. */
#define BENCH_SPREAD_NS		16384

/**
 * struct bench_spread - how long single operations took
 * @times: how many took that many nanoseconds; the last: or longer.
 * @longest: the longest, nanoseconds.
 */
struct bench_spread {
	u32 times[BENCH_SPREAD_NS];
	u64 longest;
};

/**
 * struct bench_figure - what a row came to, in hundredths of a nanosecond for one operation
 * @figure: the least of all repeats; of single operations the longest.
 * @next: the second least; two repeats that agree vouch for each other.
 * @most: the highest.
 * @whole: the least, with nothing taken off.
 * @percentiles: of single operations; zero where an average was measured.
 */
struct bench_figure {
	u64 figure;
	u64 next;
	u64 most;
	u64 whole;
	u64 percentiles[BENCH_PERCENTILES];
};

int bench_measure(const struct bench_case *c, struct bench_figure *f);

/* bench_time() - nanoseconds that doing @op once takes, with interrupts off */
#define bench_time(op)							\
({									\
	unsigned long __flags;						\
	u64 __begin, __end;						\
									\
	local_irq_save(__flags);					\
	__begin = ktime_get_ns();					\
	op;								\
	__end = ktime_get_ns();						\
	local_irq_restore(__flags);					\
	__end - __begin;						\
})

/* bench_note() - a single operation took that many nanoseconds */
static __always_inline void bench_note(struct bench_spread *spread, u64 took)
{
	spread->times[min_t(u64, took, BENCH_SPREAD_NS - 1)]++;
	spread->longest = max(spread->longest, took);
}

/* empty.c */
void empty_loop(unsigned int n);
void empty_batch(unsigned int n);
void empty_batch_pair(unsigned int n);
void empty_large(unsigned int n);
void empty_large_pair(unsigned int n);
void empty_bulk(unsigned int n);
void empty_singles(unsigned int n, struct bench_spread *spread);

#endif /* _NEBULA_BENCH_MEASURE_H */
