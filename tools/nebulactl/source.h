/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the files come from: debugfs, a saved copy of it, or a recording. A file is read whole;
 * what it says is not looked at here.
 */
#ifndef NEBULACTL_SOURCE_H
#define NEBULACTL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "arena.h"

/* Larger files are refused: the largest that the module makes is a tenth of it. */
#define SOURCE_FILE_MAX		(16UL << 20)

/* More names in a directory are refused. */
#define SOURCE_NAMES_MAX	65536

/* Longest name that is shown; the module's are shorter. */
#define SOURCE_NAME_MAX		79

struct source;

/* Names in a directory, sorted. */
struct names {
	char **of;	/* the names */
	size_t nr;	/* how many */
};

/*
 * Opens @root: a directory, or a recording, at its last frame; NULL: debugfs of this machine.
 * Returns NULL, and prints what to do, when it is not there.
 */
struct source *source_open(const char *root);
void source_close(struct source *s);

/* The same of a recording that is open already. */
struct source *source_open_stream(FILE *file, const char *name);

/* How to name it: the directory or the file. */
const char *source_name(const struct source *s);

/* Can what is read change by itself? Of debugfs only. */
bool source_is_live(const struct source *s);

/*
 * The file at @path, below the root, in @a; a zero follows its @len bytes. Returns 0 or -errno:
 * -ENOENT when it is not, or not any more, there; -EFBIG; -EINVAL when it is no regular file.
 */
int source_read(struct source *s, const char *path, struct arena *a, char **data, size_t *len);

/* Names in the directory @path, in @a. Returns 0 or -errno. */
int source_list(struct source *s, const char *path, struct arena *a, struct names *names);

/* Can @name be one of the module's: letters, digits, '_', '.', '-'? */
bool source_name_valid(const char *name);

/* Frames of a recording, 1 for what is none; seconds since 1970, which a saved copy has not: 0. */
size_t source_frames(const struct source *s);
double source_time(const struct source *s);

/* Go to a frame; the last one if there are fewer. */
void source_seek(struct source *s, size_t frame);

#endif
