// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recordings: reading and going back and forth in them, see recording.h. The file stays in memory
 * whole; a frame's files are an array that is sorted by path.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "recording.h"

/* Larger recordings are refused. */
#define RECORDING_MAX	(1024UL * 1024 * 1024)

#define PATH_MAX_LEN	256

/* One line of a frame. */
struct change {
	const char *path;	/* which file, not terminated */
	size_t path_len;	/* its length */
	const char *data;	/* the text; NULL: it has gone */
	size_t len;		/* its length */
};

struct frame {
	double time;		/* seconds since 1970 */
	size_t first, nr;	/* its changes */
};

struct recording {
	struct arena arena;	/* holds the arrays */
	char *data;		/* the file */
	size_t len;		/* its length */
	struct change *change;	/* of all frames */
	size_t nr_changes;
	struct frame *frame;
	size_t nr_frames;
	size_t now;		/* the frame whose files are in @file */
	struct change *file;	/* sorted by path */
	size_t nr_files, room;
};

/* A reader of the bytes. */
struct cursor {
	const char *at, *end;
	unsigned int line;	/* of the last line that was taken */
};

static int compare_paths(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int ret = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return ret ? ret : (a_len > b_len) - (a_len < b_len);
}

/* Where @path is in the files of this frame, or would be. */
static size_t find(const struct recording *r, const char *path, size_t len, int *order)
{
	size_t low = 0, high = r->nr_files, middle;

	*order = 1;
	while (low < high) {
		middle = (low + high) / 2;
		*order = compare_paths(path, len, r->file[middle].path, r->file[middle].path_len);
		if (!*order)
			return middle;
		if (*order > 0)
			low = middle + 1;
		else
			high = middle;
	}
	*order = 1;
	return low;
}

static void put_file(struct recording *r, const struct change *c)
{
	int order;
	size_t i = find(r, c->path, c->path_len, &order);

	if (!order && c->data) {
		r->file[i] = *c;
	} else if (!order) {
		memmove(&r->file[i], &r->file[i + 1], (--r->nr_files - i) * sizeof(*r->file));
	} else if (c->data) {
		if (r->nr_files == r->room) {
			r->room = r->room ? 2 * r->room : 64;
			r->file = realloc(r->file, r->room * sizeof(*r->file));
			if (!r->file)
				abort();
		}
		memmove(&r->file[i + 1], &r->file[i], (r->nr_files++ - i) * sizeof(*r->file));
		r->file[i] = *c;
	}
}

static void apply(struct recording *r, size_t frame)
{
	const struct frame *f = &r->frame[frame];
	size_t i;

	for (i = 0; i < f->nr; i++)
		put_file(r, &r->change[f->first + i]);
	r->now = frame;
}

void recording_seek(struct recording *r, size_t frame)
{
	if (frame >= r->nr_frames)
		frame = r->nr_frames - 1;
	if (frame < r->now) {
		r->nr_files = 0;
		apply(r, 0);
	}
	while (r->now < frame)
		apply(r, r->now + 1);
}

/* The next line, without its newline; NULL at the end, or when it is not complete. */
static const char *take_line(struct cursor *c, size_t *len)
{
	const char *line = c->at, *end = memchr(line, '\n', c->end - line);

	if (!end)
		return NULL;
	*len = end - line;
	c->at = end + 1;
	c->line++;
	return line;
}

static bool begins(const char *line, size_t len, const char *word)
{
	return len >= strlen(word) && !memcmp(line, word, strlen(word));
}

/* A path as the module makes them: no part is empty, or leads out. */
static bool path_is_valid(const char *path, size_t len)
{
	char copy[PATH_MAX_LEN], *rest = copy, *part;

	if (!len || len >= sizeof(copy) || path[0] == '/' || path[len - 1] == '/')
		return false;
	memcpy(copy, path, len);
	copy[len] = '\0';
	while ((part = strsep(&rest, "/")))
		if (!source_name_valid(part))
			return false;
	return true;
}

/* "PATH BYTES", and the bytes behind it. 0, -EAGAIN when it is not complete, -EINVAL. */
static int take_file(struct cursor *c, const char *line, size_t len, struct change *change)
{
	const char *blank = memrchr(line, ' ', len), *digit;
	const char *end = line + len;
	unsigned long bytes = 0;
	const char *nl;

	if (!blank || !path_is_valid(line, blank - line) || blank + 1 == end)
		return -EINVAL;
	for (digit = blank + 1; digit < end; digit++) {
		if (*digit < '0' || *digit > '9')
			return -EINVAL;
		bytes = 10 * bytes + *digit - '0';
		if (bytes > SOURCE_FILE_MAX)
			return -EINVAL;
	}
	if ((size_t)(c->end - c->at) <= bytes)
		return -EAGAIN;
	if (c->at[bytes] != '\n')
		return -EINVAL;
	*change = (struct change){ line, blank - line, c->at, bytes };
	for (nl = c->at; (nl = memchr(nl, '\n', c->at + bytes - nl)); nl++)
		c->line++;
	c->line++;
	c->at += bytes + 1;
	return 0;
}

static int take_change(struct recording *r, struct cursor *c)
{
	struct change change = { };
	const char *line;
	size_t len;
	int ret;

	line = take_line(c, &len);
	if (!line)
		return -EAGAIN;
	if (begins(line, len, "file ")) {
		ret = take_file(c, line + 5, len - 5, &change);
		if (ret)
			return ret;
	} else if (begins(line, len, "gone ") && path_is_valid(line + 5, len - 5)) {
		change.path = line + 5;
		change.path_len = len - 5;
	} else {
		return -EINVAL;
	}
	r->change = arena_more(&r->arena, r->change, r->nr_changes, sizeof(change));
	r->change[r->nr_changes++] = change;
	return 0;
}

/* "frame TIME" and what changed in it, up to the next frame or the end. */
static int take_frame(struct recording *r, struct cursor *c)
{
	struct frame f = { .first = r->nr_changes };
	const char *line;
	char *end;
	size_t len;
	int ret = 0;

	line = take_line(c, &len);
	if (!line)
		return -EAGAIN;
	if (!begins(line, len, "frame ") || line[6] < '0' || line[6] > '9')
		return -EINVAL;
	f.time = strtod(line + 6, &end);
	if (end != line + len || !(f.time >= 0 && f.time < 1e11))
		return -EINVAL;
	while (!ret && c->at < c->end && !begins(c->at, c->end - c->at, "frame "))
		ret = take_change(r, c);
	if (ret)
		return ret;
	f.nr = r->nr_changes - f.first;
	r->frame = arena_more(&r->arena, r->frame, r->nr_frames, sizeof(f));
	r->frame[r->nr_frames++] = f;
	return 0;
}

/* Returns false when it is no recording. */
static bool parse(struct recording *r, const char *name)
{
	struct cursor c = { r->data, r->data + r->len, 0 };
	const char *line;
	size_t len;
	int ret = 0;

	line = take_line(&c, &len);
	if (!line || !begins(line, len, "# nebula recording v")) {
		fprintf(stderr,
			"nebulactl: %s:1: no recording: it does not begin with \"# nebula recording v1\"\n",
			name);
		return false;
	}
	if (len != strlen(RECORDING_HEADER) - 1 || memcmp(line, RECORDING_HEADER, len)) {
		fprintf(stderr, "nebulactl: %s:1: a recording of another version than v1: %.*s\n",
			name, (int)(len < 60 ? len : 60), line);
		return false;
	}
	while (!ret && c.at < c.end)
		ret = take_frame(r, &c);
	if (ret == -EAGAIN)
		fprintf(stderr, "nebulactl: %s: the last frame is not complete: left out\n", name);
	else if (ret)
		fprintf(stderr, "nebulactl: %s:%u: malformed: read up to here, %zu frames\n", name,
			c.line, r->nr_frames);
	if (!r->nr_frames)
		fprintf(stderr, "nebulactl: %s: a recording without a frame\n", name);
	return r->nr_frames;
}

static bool load(struct recording *r, FILE *file)
{
	size_t room = 0, n;
	char *more;

	do {
		if (r->len + 1 >= room) {
			room = room ? 2 * room : 1 << 16;
			more = room > 2 * RECORDING_MAX ? NULL : realloc(r->data, room);
			if (!more)
				return false;
			r->data = more;
		}
		n = fread(r->data + r->len, 1, room - r->len - 1, file);
		r->len += n;
	} while (n);
	/* Numbers at the end of the file end there. */
	r->data[r->len] = '\0';
	return !ferror(file);
}

struct recording *recording_read(FILE *file, const char *name)
{
	struct recording *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	if (!load(r, file)) {
		fprintf(stderr, "nebulactl: %s: cannot be read, or is too large\n", name);
	} else if (parse(r, name)) {
		apply(r, 0);
		return r;
	}
	recording_free(r);
	return NULL;
}

void recording_free(struct recording *r)
{
	if (!r)
		return;
	arena_free(&r->arena);
	free(r->data);
	free(r->file);
	free(r);
}

size_t recording_frames(const struct recording *r)
{
	return r->nr_frames;
}

double recording_time(const struct recording *r)
{
	return r->frame[r->now].time;
}

int recording_file(struct recording *r, const char *path, const char **data, size_t *len)
{
	int order;
	size_t i = find(r, path, strlen(path), &order);

	if (order)
		return -ENOENT;
	*data = r->file[i].data;
	*len = r->file[i].len;
	return 0;
}

/* What begins with @path and a slash, up to the next one; the same ones stand together. */
int recording_list(struct recording *r, const char *path, struct arena *a, struct names *names)
{
	const size_t skip = *path ? strlen(path) + 1 : 0;
	size_t i, len, last = 0;

	for (i = 0; i < r->nr_files; i++) {
		const struct change *f = &r->file[i];
		const char *name = f->path + skip, *slash;

		if (skip && (f->path_len <= skip || memcmp(f->path, path, skip - 1) ||
			     f->path[skip - 1] != '/'))
			continue;
		slash = memchr(name, '/', f->path_len - skip);
		len = slash ? (size_t)(slash - name) : f->path_len - skip;
		if (names->nr && last == len && !memcmp(names->of[names->nr - 1], name, len))
			continue;
		names->of = arena_more(a, names->of, names->nr, sizeof(*names->of));
		names->of[names->nr++] = arena_strndup(a, name, len);
		last = len;
	}
	return names->nr ? 0 : -ENOENT;
}
