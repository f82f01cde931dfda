/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a measured operation is: one row of a table, in the file of its noun.
 *
 * The code of a row is a plain function that does the operation n times in a loop, with the public
 * API expanded inside as it is in a client. Its symbol in the disassembly shows what was measured.
 */
#ifndef _NEBULA_BENCH_CASE_H
#define _NEBULA_BENCH_CASE_H

#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/types.h>

/* Objects that are allocated before any is given back, where an operation is about many. */
#define BENCH_BATCH	100

/* Operations that an average is over. */
#define BENCH_OPS	10000

/* As a target: nothing beyond the base. */
#define BENCH_NO_MORE	UINT_MAX

/* Operations whose worst is looked for. */
#define BENCH_WORST_OPS	1000000

/**
 * struct bench_case - one row
 * @name: stable name, for programs.
 * @title: for people.
 * @peers: names of the rows to compare with, separated by commas; NULL without.
 * @target: what it may cost, instructions, or %BENCH_NO_MORE; 0 without.
 * @code: name of @run or @worst.
 * @calls: functions of nebula_memory that @run calls each time, separated by commas; NULL when all
 *	is inline.
 * @run: does the operation that many times; interrupts are off.
 * @base: what to take off, as @run; NULL means the empty loop.
 * @worst: in place of @run: does it that many times, and raises @longest to the longest of all, in
 *	nanoseconds.
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
	void (*worst)(unsigned int n, u64 *longest);
	unsigned int ops;
	int (*setup)(void);
	void (*undo)(void);
	int (*teardown)(void);
};

/* A row: its name, its title, its code, then what else of struct bench_case it has. */
#define BENCH_AVERAGE(id, text, fn, ...)					\
	{ .name = (id), .title = (text), .code = #fn, .run = (fn), ##__VA_ARGS__ }
#define BENCH_WORST(id, text, fn, ...)						\
	{ .name = (id), .title = "worst of 1,000,000: " text, .code = #fn, .worst = (fn),	\
	  ##__VA_ARGS__ }

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
extern const struct bench_table stack_table;
extern const struct bench_table scratch_table;
extern const struct bench_table typed_table;

/* The object is used and all memory may change: nothing is left out, merged, or moved across. */
static __always_inline void bench_use(const void *p)
{
	asm volatile("" : : "r" (p) : "memory");
}

/*
 * The code of a row, written down as what it does once:
 *
 *	static DEFINE_BENCH_LOOP(bump_alloc, bump, bench_use(nebula_bump_alloc(it, 64, 8)));
 *
 * does that n times. What it is done to is read once, into a local variable that is called it.
 */
#define DEFINE_BENCH_STEPS(fn, on, step, ...)					\
noinline void fn(unsigned int n)						\
{										\
	__auto_type it __maybe_unused = on;					\
										\
	for (; n; n -= (step)) {						\
		__VA_ARGS__;							\
		barrier();							\
	}									\
}

#define DEFINE_BENCH_LOOP(fn, on, ...)	DEFINE_BENCH_STEPS(fn, on, 1, __VA_ARGS__)

/* The same where what it does once is %BENCH_BATCH operations. */
#define DEFINE_BENCH_BATCHES(fn, on, ...)	DEFINE_BENCH_STEPS(fn, on, BENCH_BATCH, __VA_ARGS__)

/* The same for the worst: what it does once is also how long that took. It may look at n. */
#define DEFINE_BENCH_LONGEST(fn, on, ...)					\
noinline void fn(unsigned int n, u64 *longest)					\
{										\
	__auto_type it __maybe_unused = on;					\
										\
	for (; n; n--)								\
		*longest = max_t(u64, *longest, __VA_ARGS__);			\
}

#endif /* _NEBULA_BENCH_CASE_H */
