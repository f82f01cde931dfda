/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How allocators developed: their use in the last looks, and what they allocate in a second.
 */
#ifndef NEBULACTL_HISTORY_H
#define NEBULACTL_HISTORY_H

#include "model.h"

/* Looks that are remembered. */
#define HISTORY_LEN	120

/* Of one allocator. */
struct past {
	char name[80];			/* its name */
	uint64_t used[HISTORY_LEN];	/* bytes in use; the newest at @newest */
	size_t newest, nr;		/* where, and how many there are */
	uint64_t allocs, failures;	/* counts of the newest look */
	double rate;			/* allocations a second between the last two looks */
	uint64_t new_failures;		/* failures between them */
	double time;			/* of the newest look */
	unsigned long look;		/* its number */
};

/* Zeroed: nothing is known. */
struct history {
	struct past **past;		/* sorted by name */
	size_t nr, room;
	unsigned long looks;		/* how many there were */
};

/* One more look. Allocators that are not in it are forgotten. */
void history_add(struct history *h, const struct snapshot *snap);

/* NULL for one that is not known. */
const struct past *history_find(const struct history *h, const char *name);

/* Bytes in use @back looks ago; 0: the newest. */
uint64_t history_used(const struct past *p, size_t back);

void history_clear(struct history *h);

#endif
