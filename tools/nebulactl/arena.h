/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of one snapshot: everything that was read from it goes at once.
 */
#ifndef NEBULACTL_ARENA_H
#define NEBULACTL_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include "attributes.h"

struct arena_chunk;

/* Zeroed: empty. */
struct arena {
	struct arena_chunk *newest;	/* chunks, newest first */
};

/* Zeroed memory. Ends the program when there is none. */
void *arena_alloc(struct arena *a, size_t size);

/*
 * Room for one more of @nr elements of @size bytes behind each other at @array: moves them when the
 * room, which doubles, is full. Returns the array.
 */
void *arena_more(struct arena *a, void *array, size_t nr, size_t size);

char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
__printf(2, 3) char *arena_printf(struct arena *a, const char *fmt, ...);
__printf(2, 0) char *arena_vprintf(struct arena *a, const char *fmt, va_list args);

void arena_free(struct arena *a);

#endif
