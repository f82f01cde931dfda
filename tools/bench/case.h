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
#include <linux/types.h>

/* Objects that are allocated before any is given back, where an operation is about many. */
#define BENCH_BATCH	100
#define BENCH_LARGE	1000

/* Operations that an average is over. */
#define BENCH_OPS	10000

/* As a target: nothing beyond the base. */
#define BENCH_NO_MORE	UINT_MAX

/* Operations that are timed one by one. */
#define BENCH_SINGLE_OPS	1000000

struct bench_spread;

/**
 * struct bench_case - one row
 * @name: stable name, for programs.
 * @title: for people.
 * @variant: what it differs in from the other rows of the same title, where its table has such;
 *	NULL elsewhere.
 * @peers: names of the rows to compare with, separated by commas; NULL without.
 * @target: what it may cost, instructions, or %BENCH_NO_MORE; 0 without.
 * @percpu: it lives on per-CPU operations, or on keeping interrupts out, which some machines only
 *	imitate.
 * @unsteady: it unwinds a call stack, whose cost depends on where functions lie: no budget.
 * @sleeps: @run may sleep: interrupts are on, and so is preemption.
 * @code: name of @run or @single.
 * @calls: functions of nebula_memory that @run calls each time, separated by commas; NULL when all
 *	is inline.
 * @run: does the operation that many times; interrupts are off unless it @sleeps.
 * @base: what to take off, as @run; NULL means the empty loop.
 * @undo_base: what @base leaves behind is undone as what @run does.
 * @single: in place of @run: does it that many times, and notes for each how long it took.
 * @ops: operations in one call of @run; 0 means %BENCH_OPS.
 * @rounds: how often @run is called; 0 means until there were %BENCH_OPS.
 * @setup: makes what @run needs. May sleep.
 * @undo: makes another call of @run possible. Not timed; may sleep.
 * @teardown: undoes @setup; returns an error when an operation failed, so that the figure is void.
 */
struct bench_case {
	const char *name;
	const char *title;
	const char *variant;
	const char *peers;
	unsigned int target;
	bool percpu;
	bool unsteady;
	bool sleeps;
	const char *code;
	const char *calls;
	void (*run)(unsigned int n);
	void (*base)(unsigned int n);
	bool undo_base;
	void (*single)(unsigned int n, struct bench_spread *spread);
	unsigned int ops;
	unsigned int rounds;
	int (*setup)(void);
	void (*undo)(void);
	int (*teardown)(void);
};

/* A row: its name, its title, its code, then what else of struct bench_case it has. */
#define BENCH_AVERAGE(id, text, fn, ...)					\
	{ .name = (id), .title = (text), .code = #fn, .run = (fn), ##__VA_ARGS__ }
#define BENCH_SINGLE(id, text, fn, ...)						\
	{ .name = (id), .title = (text), .code = #fn, .single = (fn), ##__VA_ARGS__ }

/* What is there once for each size in bytes: each(16) and so on. */
#define BENCH_EACH_SIZE(each)							\
	each(16) each(32) each(64) each(128) each(256) each(512) each(1024) each(2048) each(4096)

/**
 * struct bench_table - the rows of one noun
 * @noun: what they are about.
 * @cases: the rows.
 * @nr: how many.
 * @by: what their variants are; NULL without.
 * @last: they change what is measured after them.
 */
struct bench_table {
	const char *noun;
	const struct bench_case *cases;
	size_t nr;
	const char *by;
	bool last;
};

extern const struct bench_table empty_table;
extern const struct bench_table floor_table;
extern const struct bench_table slab_table;
extern const struct bench_table bulk_peer_table;
extern const struct bench_table copy_peer_table;
extern const struct bench_table genalloc_table;
extern const struct bench_table page_frag_table;
extern const struct bench_table objpool_table;
extern const struct bench_table request_peer_table;
extern const struct bench_table bump_table;
extern const struct bench_table pool_table;
extern const struct bench_table bulk_table;
extern const struct bench_table copy_table;
extern const struct bench_table stack_table;
extern const struct bench_table scratch_table;
extern const struct bench_table charge_table;
extern const struct bench_table grown_table;
extern const struct bench_table lookup_table;
extern const struct bench_table create_table;
extern const struct bench_table refused_table;
extern const struct bench_table typed_table;
extern const struct bench_table request_table;
extern const struct bench_table size_table;
extern const struct bench_table size_peer_table;
extern const struct bench_table debug_table;
extern const struct bench_table debug_peer_table;

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
 * DEFINE_BENCH_STEPS() is for what is a number of operations when it is done once.
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

/* The same one by one: what it does once is also how long that took. It may look at n. */
#define DEFINE_BENCH_SINGLES(fn, on, ...)					\
noinline void fn(unsigned int n, struct bench_spread *spread)			\
{										\
	__auto_type it __maybe_unused = on;					\
										\
	for (; n; n--)								\
		bench_note(spread, __VA_ARGS__);				\
}

#endif /* _NEBULA_BENCH_CASE_H */
