/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the two sides of the cycles table: rows.c has the kernel's headers, host.c libc's. */
#ifndef _NEBULA_BENCH_CYCLES_H
#define _NEBULA_BENCH_CYCLES_H

/* rows.c: measures all rows and reports each. */
void rows_measure(void);

/* host.c: a row took @hundredths of a cycle an operation, its loop included. */
void host_figure(const char *name, unsigned long hundredths);
void host_malloc_pairs(unsigned int n);

#endif /* _NEBULA_BENCH_CYCLES_H */
