/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text of a file, line by line, and what stands in a line. Nothing that is read here can be
 * more than printable ASCII afterwards: other bytes are reported, and become question marks.
 */
#ifndef NEBULACTL_TEXT_H
#define NEBULACTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "attributes.h"
#include "problem.h"
#include "source.h"

struct text {
	const char *path;	/* the file, for messages */
	unsigned int line;	/* number of the line that was taken last */
	char *next;		/* where the next one begins; NULL at the end */
	char *again;		/* a line that was put back, or NULL */
	struct problems *ps;	/* where messages go */
};

/*
 * Opens @path, whose first line has to be "# nebula KIND v1". Returns 0, or -errno after a message;
 * none for -ENOENT: files come and go with their allocators.
 */
int text_open(struct text *t, struct source *s, const char *path, const char *kind,
	      struct problems *ps);

/* The same of a text in memory, which is changed. */
int text_begin(struct text *t, char *data, size_t len, const char *path, const char *kind,
	       struct problems *ps);

/* The next line, without blanks at its end; NULL after the last. */
char *text_line(struct text *t);

/* The same line once more. */
void text_back(struct text *t, char *line);

/* A message about the line that was taken last. */
__printf(2, 3) void text_problem(struct text *t, const char *fmt, ...);

/* "key: value" is cut in two; false when the line is none. */
bool text_split(char *line, char **key, char **value);

/* The next word of @rest, which moves on; NULL when there is none. */
char *text_word(char **rest);

/* A whole number; @s moves behind it. False when there is none, or too large a one. */
bool text_u64(char **s, uint64_t *value);

/* "22.8%" in tenths of a percent. */
bool text_permille(char **s, uint64_t *value);

#endif
