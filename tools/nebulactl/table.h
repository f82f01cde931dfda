/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables that fit the terminal: where they would not, columns are left out, the least important
 * first, and at last the first column is cut.
 */
#ifndef NEBULACTL_TABLE_H
#define NEBULACTL_TABLE_H

#include "attributes.h"
#include "arena.h"
#include "paint.h"

struct column {
	const char *title;
	bool right;		/* is it aligned to the right? */
	unsigned int drop;	/* left out in this order, the highest first; 0: never */
};

struct table;

/* In @a; @columns has to stay. */
struct table *table_new(struct arena *a, const struct column *columns, size_t nr);

/* The next cell of the last row, which begins with the first one. */
__printf(3, 4) void table_cell(struct table *t, enum paint paint, const char *fmt, ...);

/* A bar of a share. */
void table_bar(struct table *t, uint64_t permille);

/* On @out, not wider than @width columns; 0: as wide as it is. */
void table_print(const struct table *t, FILE *out, unsigned int width);

#endif
