/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is wrong with the files that were read: a message with file and line.
 */
#ifndef NEBULACTL_PROBLEM_H
#define NEBULACTL_PROBLEM_H

#include <stddef.h>
#include "attributes.h"
#include "arena.h"

/* So many are kept; more are counted. */
#define PROBLEMS_MAX	50

struct problem {
	const char *file;	/* below the root */
	unsigned int line;	/* 0: the file as a whole */
	const char *message;	/* what is wrong, and what to do */
};

/* Zeroed but for @arena: none. */
struct problems {
	struct arena *arena;			/* holds the texts */
	struct problem of[PROBLEMS_MAX];	/* the first of them */
	size_t nr;				/* how many there were, kept or not */
};

__printf(4, 5)
void problem_add(struct problems *ps, const char *file, unsigned int line, const char *fmt, ...);

/* On standard error, one line each. */
void problems_print(const struct problems *ps);

#endif
