/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the files into what model.h describes. Each returns 0 or -errno; -ENOENT without a message
 * when the file is not there, everything else with one. What is malformed within a file is reported
 * and left out, and the rest is read: then the return value is 0.
 */
#ifndef NEBULACTL_READ_H
#define NEBULACTL_READ_H

#include "model.h"
#include "problem.h"
#include "source.h"
#include "text.h"

/* Groups of files that read_snapshot() reads. */
enum read_what {
	READ_ALLOCATORS	= 1,
	READ_BUDGETS	= 2,
	READ_CACHES	= 4,
	READ_ERRORS	= 8,
	READ_ALL	= 15,
};

/* read_stats.c: what is "key: value" for the most part. */
int read_module_info(struct source *s, struct pairs *info, struct problems *ps);
int read_allocator(struct source *s, const char *name, struct allocator *a, struct problems *ps);
int read_budget(struct source *s, const char *name, struct budget *b, struct problems *ps);
int read_cache(struct source *s, const char *name, struct cache *c, struct problems *ps);
int read_snapshot(struct source *s, unsigned int what, struct snapshot *snap, struct problems *ps);

/* read_errors.c; @name: an allocator, or NULL for all. */
int read_errors(struct source *s, const char *name, struct reports *reports, struct problems *ps);

/* read_objects.c */
int read_live(struct source *s, const char *name, struct lives *lives, struct problems *ps);
int read_map(struct source *s, const char *name, struct map *map, struct problems *ps);
int read_validate(struct source *s, const char *name, struct verdicts *verdicts,
		  struct problems *ps);

/* "part 1: device (custom)": false when @line is no such. */
bool read_part(struct text *t, const char *line, const char **name, const char **kind);

#endif
