/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings: frames, each of which has the files that changed since the one before.
 *
 *	# nebula recording v1
 *	frame SECONDS.NANOSECONDS
 *	file PATH BYTES
 *	(BYTES bytes, and a newline)
 *	gone PATH
 *
 * A file in which nothing but the age of an allocator changed counts as unchanged. The summary is
 * left out: it says what the statistics say. A frame that is not complete, because its writer was
 * stopped, is left out.
 */
#ifndef NEBULACTL_RECORDING_H
#define NEBULACTL_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "source.h"

#define RECORDING_HEADER	"# nebula recording v1\n"

struct recording;

/*
 * Reads all of @file, which is called @name. Prints what is wrong and returns NULL when it is no
 * recording, or has no frame.
 */
struct recording *recording_read(FILE *file, const char *name);
void recording_free(struct recording *r);

size_t recording_frames(const struct recording *r);
double recording_time(const struct recording *r);
void recording_seek(struct recording *r, size_t frame);

/* As source_read() and source_list(). */
int recording_file(struct recording *r, const char *path, const char **data, size_t *len);
int recording_list(struct recording *r, const char *path, struct arena *a, struct names *names);

/* Writes recordings. */
struct recorder;

/* NULL, with errno set, when the header cannot be written. */
struct recorder *recorder_create(FILE *file);
void recorder_free(struct recorder *r);

/* Adds a frame of what @s has now; with @all also what takes the module a while. 0 or -errno. */
int recorder_add(struct recorder *r, struct source *s, bool all);

/* How much was written. */
size_t recorder_frames(const struct recorder *r);
size_t recorder_bytes(const struct recorder *r);

#endif
