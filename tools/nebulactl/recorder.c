// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebulactl record: writes a recording, see recording.h for its format. Of each frame only the
 * files that changed are written; what was written last is kept to compare with.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "attributes.h"
#include "json.h"
#include "recording.h"
#include "units.h"
#include "view.h"

/* A file as it was in the last frame. */
struct saved {
	char *path;
	char *data;
	size_t len;
	size_t frame;		/* in which it was seen last */
};

struct recorder {
	FILE *file;
	struct saved *saved;	/* sorted by path but for those that were added in this frame */
	size_t nr, room;
	size_t sorted;		/* so many are sorted */
	size_t frames, bytes;
};

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct saved *)a)->path, ((const struct saved *)b)->path);
}

static struct saved *find(struct recorder *r, const char *path)
{
	struct saved key = { .path = (char *)path };

	return r->sorted ? bsearch(&key, r->saved, r->sorted, sizeof(key), by_path) : NULL;
}

static void put(struct recorder *r, const void *data, size_t len)
{
	r->bytes += fwrite(data, 1, len, r->file);
}

__printf(2, 3) static void put_line(struct recorder *r, const char *fmt, ...);

static void put_line(struct recorder *r, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vfprintf(r->file, fmt, args);
	va_end(args);
	if (n > 0)
		r->bytes += n;
}

struct recorder *recorder_create(FILE *file)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->file = file;
	put_line(r, RECORDING_HEADER);
	if (fflush(file)) {
		free(r);
		return NULL;
	}
	return r;
}

void recorder_free(struct recorder *r)
{
	size_t i;

	if (!r)
		return;
	for (i = 0; i < r->nr; i++) {
		free(r->saved[i].path);
		free(r->saved[i].data);
	}
	free(r->saved);
	free(r);
}

/* Remember @path, of which nothing was known. */
static struct saved *add_saved(struct recorder *r, const char *path)
{
	struct saved *more;

	if (r->nr == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		more = realloc(r->saved, r->room * sizeof(*more));
		if (!more)
			abort();
		r->saved = more;
	}
	more = &r->saved[r->nr++];
	*more = (struct saved){ .path = strdup(path) };
	if (!more->path)
		abort();
	return more;
}

/* Where "age: ..." begins in an info, and its length; 0 without one. */
static size_t find_age(const char *data, size_t len, size_t *at)
{
	const char *line = memmem(data, len, "\nage:", 5), *end;

	if (!line)
		return 0;
	end = memchr(line + 1, '\n', data + len - line - 1);
	*at = line - data;
	return (end ? end : data + len) - line;
}

/* The age of an allocator changes with each look, and says nothing new. */
static bool is_same(const struct saved *saved, const char *data, size_t len)
{
	size_t a, b, a_len = find_age(saved->data, saved->len, &a);
	size_t b_len = find_age(data, len, &b);

	if (!a_len || !b_len || a != b)
		return saved->len == len && !memcmp(saved->data, data, len);
	return !memcmp(saved->data, data, a) && saved->len - a_len == len - b_len &&
	       !memcmp(saved->data + a + a_len, data + b + b_len, len - b - b_len);
}

static void put_file(struct recorder *r, struct source *s, const char *path)
{
	struct arena arena = { };
	struct saved *saved;
	char *data;
	size_t len;

	if (!source_read(s, path, &arena, &data, &len)) {
		saved = find(r, path);
		if (!saved || !is_same(saved, data, len)) {
			put_line(r, "file %s %zu\n", path, len);
			put(r, data, len);
			put_line(r, "\n");
			saved = saved ?: add_saved(r, path);
			free(saved->data);
			saved->data = malloc(len + 1);
			if (!saved->data)
				abort();
			memcpy(saved->data, data, len);
			saved->len = len;
		}
		saved->frame = r->frames;
	}
	arena_free(&arena);
}

static void put_allocators(struct recorder *r, struct source *s, struct arena *a, bool all)
{
	static const char *const files[] = {
		"info", "stats", "errors", "cache_depth", "live", "map", "validate",
	};
	const size_t nr = sizeof(files) / sizeof(*files) - (all ? 0 : 3);
	char path[SOURCE_NAME_MAX + 32];
	struct names names;
	size_t i, j;

	if (source_list(s, "allocators", a, &names))
		return;
	for (i = 0; i < names.nr; i++) {
		for (j = 0; source_name_valid(names.of[i]) && j < nr; j++) {
			snprintf(path, sizeof(path), "allocators/%s/%s", names.of[i], files[j]);
			put_file(r, s, path);
		}
	}
}

static void put_dir(struct recorder *r, struct source *s, struct arena *a, const char *dir)
{
	char path[SOURCE_NAME_MAX + 32];
	struct names names;
	size_t i;

	if (source_list(s, dir, a, &names))
		return;
	for (i = 0; i < names.nr; i++) {
		if (!source_name_valid(names.of[i]))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, names.of[i]);
		put_file(r, s, path);
	}
}

/* What was not seen in this frame has gone. */
static void put_gone(struct recorder *r)
{
	size_t i, nr = 0;

	for (i = 0; i < r->nr; i++) {
		struct saved *saved = &r->saved[i];

		if (saved->frame == r->frames) {
			r->saved[nr++] = *saved;
			continue;
		}
		put_line(r, "gone %s\n", saved->path);
		free(saved->path);
		free(saved->data);
	}
	r->nr = nr;
	if (nr)
		qsort(r->saved, nr, sizeof(*r->saved), by_path);
	r->sorted = nr;
}

int recorder_add(struct recorder *r, struct source *s, bool all)
{
	static const char *const files[] = { "info", "errors" };
	struct arena a = { };
	size_t i;

	r->frames++;
	put_line(r, "frame %.9f\n", source_time(s));
	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		put_file(r, s, files[i]);
	put_allocators(r, s, &a, all);
	put_dir(r, s, &a, "budgets");
	put_dir(r, s, &a, "caches");
	put_gone(r);
	arena_free(&a);
	return fflush(r->file) || ferror(r->file) ? -errno : 0;
}

size_t recorder_frames(const struct recorder *r)
{
	return r->frames;
}

size_t recorder_bytes(const struct recorder *r)
{
	return r->bytes;
}

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* The next look is due a whole number of intervals after the first, however long one takes. */
static void wait_until(const struct timespec *begin, double seconds)
{
	struct timespec due = *begin;
	double whole;

	due.tv_nsec += modf(seconds, &whole) * 1e9;
	due.tv_sec += whole + due.tv_nsec / 1000000000;
	due.tv_nsec %= 1000000000;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static void put_end(struct view *v, const struct recorder *r)
{
	char bytes[UNITS_SIZE];
	json_t *json;

	if (v->opt.json) {
		json = json_begin("record", source_name(v->source), source_time(v->source));
		json_object_set_new(json, "frames", json_of_u64(recorder_frames(r)));
		json_object_set_new(json, "bytes", json_of_u64(recorder_bytes(r)));
		json_end(json, &v->ps, v->out);
		return;
	}
	fprintf(v->out, "%s: %zu frames, %s; nebulactl replay %s shows it\n", v->opt.args[0],
		recorder_frames(r), units_bytes(bytes, recorder_bytes(r)), v->opt.args[0]);
}

/* Of a recording all frames are taken, of a copy one. */
static int record(struct view *v, struct recorder *r)
{
	const size_t frames = source_frames(v->source);
	struct timespec begin;
	unsigned long i;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (i = 0; !ret && !stopped && (!v->opt.count || i < v->opt.count); i++) {
		if (!source_is_live(v->source) && i == frames)
			break;
		if (i && source_is_live(v->source)) {
			wait_until(&begin, i * (v->opt.interval ?: 1));
			if (stopped)
				break;
		}
		source_seek(v->source, i);
		ret = recorder_add(r, v->source, v->opt.all);
		if (!ret && !v->opt.json && isatty(STDERR_FILENO))
			fprintf(stderr, "\r%zu frames, %zu KiB, ^C ends it ", recorder_frames(r),
				recorder_bytes(r) >> 10);
	}
	if (!v->opt.json && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	return ret;
}

enum status view_record(struct view *v)
{
	const struct sigaction action = { .sa_handler = stop };
	const char *name = v->opt.args[0];
	FILE *file = fopen(name, "we");
	struct recorder *r;
	int ret;

	if (!file) {
		fprintf(stderr, "nebulactl: %s: %s\n", name, strerror(errno));
		return STATUS_UNAVAILABLE;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	r = recorder_create(file);
	ret = r ? record(v, r) : -errno;
	if (ret)
		fprintf(stderr, "nebulactl: %s: %s\n", name, strerror(-ret));
	else
		put_end(v, r);
	recorder_free(r);
	if (fclose(file) && !ret)
		ret = -errno;
	return ret ? STATUS_UNAVAILABLE : STATUS_OK;
}
