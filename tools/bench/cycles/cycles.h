/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the two sides of the cycles table: rows.c has the kernel's headers, host.c libc's. */
#ifndef _NEBULA_BENCH_CYCLES_H
#define _NEBULA_BENCH_CYCLES_H

/* rows.c: measures all rows and reports each. */
void rows_measure(void);

/**
 * struct host_row - a row; all but its name and its target is for those that only this table has
 * @noun: what it is about.
 * @name: stable name.
 * @by: what its variants are; empty without.
 * @variant: which of them it is; empty without.
 * @title: for people.
 * @target: cycles that it may take; 0 without.
 */
struct host_row {
	const char *noun;
	const char *name;
	const char *by;
	const char *variant;
	const char *title;
	unsigned int target;
};

/* host.c: a row took @hundredths of a cycle an operation, its loop included. */
void host_figure(const struct host_row *row, unsigned long hundredths);
void host_malloc_pairs(unsigned int n);
void host_sort(unsigned long *times, unsigned int n);
void host_become(unsigned int cpu);
unsigned int host_cpus(void);
void host_run_both(void (*fn)(unsigned int cpu));
int host_has_avx2(void);
int host_has_avx512(void);

#endif /* _NEBULA_BENCH_CYCLES_H */
