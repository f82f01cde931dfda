/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEBULA_BENCH_USE_H
#define _NEBULA_BENCH_USE_H

#include <linux/types.h>

/* At work on one allocator at once. */
#define BENCH_CPUS	2

/* Rows there is room for. */
#define USES_MAX	16

/**
 * struct use - what two CPUs do with an allocator
 * @noun: whose row it is.
 * @name: stable name, for programs.
 * @title: for people.
 * @peer: name of the row to be compared with; NULL: with one CPU that does the same.
 * @target: how many times of that it should be, in hundredths; 0 without.
 * @work: what each of them does: the same, or one allocates what the other frees. Returns an error
 *	when an allocation failed.
 * @objects: how many each of them allocates or frees in a round.
 * @undo: makes another round possible; called while no worker is at work.
 */
struct use {
	const char *noun;
	const char *name;
	const char *title;
	const char *peer;
	unsigned int target;
	int (*work[BENCH_CPUS])(unsigned int n);
	unsigned int objects;
	void (*undo)(void);
};

extern const struct use uses[];
extern const unsigned int nr_uses;

int uses_create(void);
void uses_destroy(void);

#endif /* _NEBULA_BENCH_USE_H */
