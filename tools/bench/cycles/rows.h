/* SPDX-License-Identifier: GPL-2.0-only */
/* How a row is timed; for those with the kernel's headers. */
#ifndef _NEBULA_BENCH_CYCLES_ROWS_H
#define _NEBULA_BENCH_CYCLES_ROWS_H

#include "../measure.h"

/* @by: see struct bench_table; NULL without. */
void rows_measure_case(const char *noun, const char *by, const struct bench_case *c);

/* It took @hundredths of a cycle an operation, loop included. */
void rows_figure(const char *noun, const char *by, const struct bench_case *c, u64 hundredths);

/* Ticks that CYCLES_CHAIN cycles take at the moment. */
#define CYCLES_CHAIN	20000
u64 rows_chain_ticks(void);

/* corners.c */
void corners_measure(void);

/* copies.c */
void copies_measure(void);

#endif /* _NEBULA_BENCH_CYCLES_ROWS_H */
