/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a measured operation is: one row of a table, in the file of its noun.
 *
 * The code of a row is a plain function that does the operation n times in a loop, with the public
 * API expanded inside as it is in a client. Its symbol in the disassembly shows what was measured.
 */
#ifndef _NEBULA_BENCH_CASE_H
#define _NEBULA_BENCH_CASE_H

#include <linux/kernel.h>
#include <linux/types.h>

/* Objects that are allocated before any is given back, where an operation is about many. */
#define BENCH_BATCH	100

/* Operations that an average is over. */
#define BENCH_OPS	10000

/* Operations whose worst is looked for. */
#define BENCH_WORST_OPS	1000000

/**
 * struct bench_case - one row
 * @name: stable name, for programs.
 * @title: for people.
 * @peers: names of the rows to compare with, separated by commas; NULL without.
 * @target: what it may cost, instructions; 0 without.
 * @code: name of @run or @worst.
 * @calls: functions of nebula_memory that @run calls each time, separated by commas; NULL when all
 *	is inline.
 * @run: does the operation that many times; interrupts are off.
 * @base: what to take off, as @run; NULL means the empty loop.
 * @worst: in place of @run: does it that many times and returns the longest, in nanoseconds.
 * @ops: operations in one call of @run, a part of %BENCH_OPS; 0 means all.
 * @setup: makes what @run needs. May sleep.
 * @undo: makes another call of @run possible. Not timed; may sleep.
 * @teardown: undoes @setup; returns an error when an operation failed, so that the figure is void.
 */
struct bench_case {
	const char *name;
	const char *title;
	const char *peers;
	unsigned int target;
	const char *code;
	const char *calls;
	void (*run)(unsigned int n);
	void (*base)(unsigned int n);
	u64 (*worst)(unsigned int n);
	unsigned int ops;
	int (*setup)(void);
	void (*undo)(void);
	int (*teardown)(void);
};

#define BENCH_RUN(fn)	.code = #fn, .run = fn
#define BENCH_WORST(fn)	.code = #fn, .worst = fn

/**
 * struct bench_table - the rows of one noun
 * @noun: what they are about.
 * @cases: the rows.
 * @nr: how many.
 */
struct bench_table {
	const char *noun;
	const struct bench_case *cases;
	size_t nr;
};

extern const struct bench_table empty_table;
extern const struct bench_table slab_table;
extern const struct bench_table genalloc_table;
extern const struct bench_table bump_table;
extern const struct bench_table pool_table;

/* The object is used and all memory may change: nothing is left out, merged, or moved across. */
static __always_inline void bench_use(const void *p)
{
	asm volatile("" : : "r" (p) : "memory");
}

#endif /* _NEBULA_BENCH_CASE_H */
