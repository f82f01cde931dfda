/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEBULA_BENCH_MEASURE_H
#define _NEBULA_BENCH_MEASURE_H

#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/timekeeping.h>
#include "case.h"

/**
 * struct bench_figure - what a row came to, in hundredths of a nanosecond for one operation
 * @figure: the least of all repeats.
 * @next: the second least; two repeats that agree vouch for each other.
 * @most: the highest.
 */
struct bench_figure {
	u64 figure;
	u64 next;
	u64 most;
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

/* empty.c */
void empty_loop(unsigned int n);
void empty_batch(unsigned int n);
void empty_batch_pair(unsigned int n);
void empty_bulk(unsigned int n);
void empty_worst(unsigned int n, u64 *longest);

#endif /* _NEBULA_BENCH_MEASURE_H */
