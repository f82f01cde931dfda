/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files say, as numbers and texts. All of it lies in the arena that it was read with.
 */
#ifndef NEBULACTL_MODEL_H
#define NEBULACTL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line "key: value" in the words of the file. */
struct pair {
	const char *key;
	const char *value;
};

struct pairs {
	struct pair *of;
	size_t nr;
};

/* How often requests failed with a code. */
struct failure {
	const char *code;
	uint64_t count;
};

/* How often sizes from @from to @to were asked for; computing times, in us, likewise. */
struct class {
	uint64_t from, to, count;
};

struct classes {
	struct class *of;
	size_t nr;
};

/* Of an allocator, as nebula_stats_read() gives them; bytes and counts. */
struct stats {
	uint64_t allocs, frees, live, resets;
	uint64_t bytes_in, bytes_out, padding;
	uint64_t used, available, capacity, max_capacity, peak;
	uint64_t regions, grows, failures;
	uint64_t utilisation;		/* tenths of a percent */
	struct failure *failure;	/* by code */
	size_t nr_failures;
	struct classes sizes;		/* with NEBULA_TRACK */
};

/* A part of a composite. */
struct part {
	const char *name, *kind;
	uint64_t hits;
};

struct allocator {
	const char *name, *kind, *owner, *created_by;
	uint64_t age_ms;
	struct pairs info;		/* all of its info */
	struct part *part;		/* of a composite */
	size_t nr_parts;
	bool has_stats;			/* were there statistics to read? */
	struct stats stats;
};

struct budget {
	const char *name, *owner, *state;
	const char *parent;		/* NULL: none */
	uint64_t limit, used, peak, largest, stocked;
	uint64_t per_alloc;		/* 0: as the limit */
	uint64_t charges, uncharges, refused, early;
	uint64_t children, regions;
	struct pairs info;		/* all of its file */
};

struct cache {
	const char *name, *owner, *layers, *compute;
	uint64_t entries, capacity;
	uint64_t hits, misses, computes, errors, waits, evictions, expired;
	struct classes times;		/* computing times, us */
	struct pairs info;		/* all of its file */
};

/* Frames of a call stack behind one label: backtrace, allocated, freed, created. */
struct stack {
	const char *label;
	const char **frame;
	size_t nr_frames;
};

/* A record of what went wrong. */
struct report {
	double time;			/* seconds since boot */
	const char *name, *code, *error;	/* of which allocator; OUT_OF_MEMORY; -ENOMEM */
	const char *task, *context;	/* "init[1]"; task, softirq, hardirq, nmi */
	uint64_t cpu, repeated;
	struct pairs fields;		/* requested, at fault, pointer, state */
	const char *summary;		/* what suggest begins with */
	const char **advice;
	size_t nr_advice;
	struct stack *stack;
	size_t nr_stacks;
};

struct reports {
	struct report *of;		/* oldest first */
	size_t nr;
};

/* Live objects of one call site. */
struct site {
	uint64_t count, bytes, oldest_ms;
	bool others;			/* all that found no room */
	const char **frame;
	size_t nr_frames;
};

/* Rows of words under titles. */
struct grid {
	const char **title;
	size_t nr_titles;
	const char ***row;		/* NULL for what a row does not have */
	size_t nr_rows;
};

/* The file live of an allocator, or of a part of one. */
struct live {
	const char *part, *kind;	/* of a part; else NULL */
	bool busy, none;		/* it was being changed; its kind has no such file */
	struct pairs pairs;
	struct grid grid;		/* by region, section or CPU */
	struct site *site;
	size_t nr_sites;
};

struct lives {
	struct live *of;
	size_t nr;
};

/* Used and free memory of one region. */
struct area {
	const char *part;		/* "part 1: device (custom)", or NULL */
	const char *title;		/* "region 1", "cpu 0", or empty */
	const char *units;		/* bytes, blocks */
	uint64_t total, each;		/* units in all, for each character */
	char *cells;			/* '#', '+', '-', '.' */
	size_t nr_cells, room;
};

struct map {
	const char *legend;
	bool busy, none;
	struct area *of;
	size_t nr;
};

enum verdict_state { VERDICT_OK, VERDICT_BUSY, VERDICT_NONE, VERDICT_FAULTS };

/* The file validate of an allocator, or of a part of one. */
struct verdict {
	const char *part, *kind;	/* of a part; else NULL */
	enum verdict_state state;
	const char **fault;
	size_t nr_faults;		/* those that are named */
	uint64_t more;			/* and those that are not */
};

struct verdicts {
	struct verdict *of;
	size_t nr;
};

/* All that is read for a view of the whole. */
struct snapshot {
	double time;			/* seconds since 1970 */
	struct pairs info;		/* of the module */
	struct allocator *allocator;	/* by name */
	size_t nr_allocators;
	struct budget *budget;
	size_t nr_budgets;
	struct cache *cache;
	size_t nr_caches;
	struct reports errors;
	size_t vanished;		/* allocators that went while they were read */
};

/* The value of @key, or NULL. */
const char *pairs_find(const struct pairs *pairs, const char *key);

/* The same as a number; @otherwise when there is none. */
uint64_t pairs_number(const struct pairs *pairs, const char *key, uint64_t otherwise);

#endif
