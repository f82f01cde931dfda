/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Colours, bars and the size of the terminal. Whatever a colour says is said by a word or a number
 * too.
 */
#ifndef NEBULACTL_PAINT_H
#define NEBULACTL_PAINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum color_mode { COLOR_AUTO, COLOR_NEVER, COLOR_ALWAYS };

enum paint {
	PAINT_NONE, PAINT_HEAD, PAINT_NAME, PAINT_DIM, PAINT_GOOD, PAINT_WARN, PAINT_BAD,
	PAINT_NOTE, PAINT_NR
};

/* Longest bar, in bytes. */
#define BAR_SIZE	256

/* Once, after setlocale(). */
void paint_setup(enum color_mode mode);

/* Can the terminal show block characters? */
bool paint_utf8(void);

/* Columns of the terminal that standard output is; 0 when it is none: then nothing is cut. */
unsigned int paint_width(void);

/* Switches a colour on; PAINT_NONE: off. Empty strings without colours. */
const char *paint_on(enum paint paint);

/* Text in a colour, and back. */
void paint_put(FILE *out, enum paint paint, const char *text);

/* What a share is: good below 70%, worth a warning below 90%, else bad. */
enum paint paint_level(uint64_t permille);

/* A bar of @width columns. */
const char *paint_bar(char buf[BAR_SIZE], uint64_t permille, unsigned int width);

/* Columns that @text takes. */
size_t paint_columns(const char *text);

/* Bytes at the beginning of @text that take at most @columns columns. */
size_t paint_bytes(const char *text, size_t columns);

#endif
