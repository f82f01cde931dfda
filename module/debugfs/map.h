/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maps: what is used of a region, drawn in a few rows whatever its size. All kinds draw theirs with
 * this.
 */
#ifndef _NEBULA_MODULE_MAP_H
#define _NEBULA_MODULE_MAP_H

#include "../core/allocator.h"
#include "../core/text.h"

#define NEBULA_MAP_COLUMNS	64
#define NEBULA_MAP_ROWS		32

/* What the characters of every map mean. */
#define NEBULA_MAP_LEGEND	"# used  + some used"

/* What is used of a region. */
struct nebula_map {
	size_t total;	/* its units, which may be bytes or blocks */
	size_t each;	/* units that one character stands for */
	/* of the units of each character, those in use */
	size_t used[NEBULA_MAP_COLUMNS * NEBULA_MAP_ROWS];
	/* of those, the units that are in no object, but that not every context can get */
	size_t held[NEBULA_MAP_COLUMNS * NEBULA_MAP_ROWS];
};

struct nebula_map *nebula_map_create(struct nebula_text *t);
void nebula_map_begin(struct nebula_map *m, size_t total, unsigned int rows);
void nebula_map_use(struct nebula_map *m, size_t from, size_t units);
void nebula_map_hold(struct nebula_map *m, size_t from, size_t units);
void nebula_map_render(const struct nebula_map *m, const char *units, struct nebula_text *t);

#endif /* _NEBULA_MODULE_MAP_H */
