// SPDX-License-Identifier: GPL-2.0-only
/*
 * Directories and recordings behind one face, see source.h. Of a directory no symbolic link is
 * followed below the root, and nothing but regular files is read: a saved copy may come from
 * anywhere.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>
#include "recording.h"
#include "source.h"

#define DEBUGFS		"/sys/kernel/debug"
#define DEBUGFS_TYPE	0x64626720

struct source {
	char *name;			/* the directory or file */
	int dir;			/* the directory, or -1 */
	struct recording *recording;	/* or NULL */
	bool live;			/* is it debugfs? */
};

/* Where debugfs is mounted; another place for tests. */
static const char *debugfs(void)
{
	const char *place = getenv("NEBULACTL_DEBUGFS");

	return place && *place ? place : DEBUGFS;
}

static bool is_debugfs(const char *dir)
{
	struct statfs fs;

	return !statfs(dir, &fs) && (fs.f_type == DEBUGFS_TYPE || getenv("NEBULACTL_DEBUGFS"));
}

/* Why the files of this machine cannot be had, and what to do. */
static void explain_debugfs(int error)
{
	const char *dir = debugfs();

	if (error == EACCES || error == EPERM || (error == ENOENT && access(dir, X_OK) &&
						  errno == EACCES))
		fprintf(stderr, "nebulactl: only root can read %s: run it as root (sudo)\n",
			dir);
	else if (error != ENOENT)
		fprintf(stderr, "nebulactl: %s/nebula_memory: %s\n", dir, strerror(error));
	else if (!is_debugfs(dir))
		fprintf(stderr, "nebulactl: debugfs is not mounted: mount -t debugfs debugfs %s\n",
			dir);
	else
		fputs("nebulactl: nebula_memory is not loaded: modprobe nebula_memory\n", stderr);
	fputs("           or read a saved copy or a recording with --root\n", stderr);
}

static struct source *read_recording(struct source *s, FILE *file)
{
	s->recording = recording_read(file, s->name);
	if (!s->recording)
		return NULL;
	recording_seek(s->recording, recording_frames(s->recording) - 1);
	return s;
}

static struct source *open_recording(struct source *s, const char *root)
{
	FILE *file = fopen(root, "re");
	struct source *opened;

	if (!file) {
		fprintf(stderr, "nebulactl: %s: %s\n", root, strerror(errno));
		return NULL;
	}
	opened = read_recording(s, file);
	fclose(file);
	return opened;
}

static struct source *open_copy(struct source *s, const char *root)
{
	struct stat st;

	if (stat(root, &st)) {
		fprintf(stderr, "nebulactl: %s: %s\n", root, strerror(errno));
		return NULL;
	}
	if (!S_ISDIR(st.st_mode))
		return open_recording(s, root);
	s->dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir < 0) {
		fprintf(stderr, "nebulactl: %s: %s\n", root, strerror(errno));
		return NULL;
	}
	if (faccessat(s->dir, "allocators", F_OK, 0)) {
		fprintf(stderr, "nebulactl: %s: no copy of debugfs: there is no allocators/\n",
			root);
		return NULL;
	}
	return s;
}

static struct source *open_debugfs(struct source *s)
{
	char path[512];

	s->live = true;
	snprintf(path, sizeof(path), "%s/nebula_memory", debugfs());
	s->name = strdup(path);
	s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir >= 0)
		return s;
	explain_debugfs(errno);
	return NULL;
}

static struct source *create(const char *name)
{
	struct source *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->dir = -1;
	if (name)
		s->name = strdup(name);
	return s;
}

struct source *source_open(const char *root)
{
	struct source *s = create(root);
	struct source *opened = root ? open_copy(s, root) : open_debugfs(s);

	if (!opened)
		source_close(s);
	return opened;
}

struct source *source_open_stream(FILE *file, const char *name)
{
	struct source *s = create(name);
	struct source *opened = read_recording(s, file);

	if (!opened)
		source_close(s);
	return opened;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	if (s->dir >= 0)
		close(s->dir);
	recording_free(s->recording);
	free(s->name);
	free(s);
}

const char *source_name(const struct source *s)
{
	return s->name;
}

bool source_is_live(const struct source *s)
{
	return s->live;
}

bool source_name_valid(const char *name)
{
	const char *c;

	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (c = name; *c; c++)
		if (!isascii(*c) || (!isalnum((unsigned char)*c) && !strchr("_.-", *c)))
			return false;
	return c - name <= SOURCE_NAME_MAX;
}

/* Opens what is at @path, part after part; -errno. */
static int open_below(int dir, const char *path, int flags)
{
	char part[256];
	size_t len;
	int fd = fcntl(dir, F_DUPFD_CLOEXEC, 0), next;

	while (fd >= 0 && *path) {
		len = strcspn(path, "/");
		if (len >= sizeof(part)) {
			close(fd);
			return -ENAMETOOLONG;
		}
		memcpy(part, path, len);
		part[len] = '\0';
		path += len;
		path += *path == '/';
		next = openat(fd, part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC |
			      (*path ? O_DIRECTORY : flags));
		if (next < 0)
			next = errno == ELOOP ? -EINVAL : -errno;
		close(fd);
		fd = next;
	}
	return fd;
}

static int read_all(int fd, struct arena *a, char **data, size_t *len)
{
	size_t room = 0, used = 0;
	char *buf = NULL, *more;
	ssize_t n;

	do {
		if (used + 1 >= room) {
			room = room ? 2 * room : 16384;
			more = realloc(buf, room);
			if (!more) {
				free(buf);
				return -ENOMEM;
			}
			buf = more;
		}
		n = read(fd, buf + used, room - used - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			used += n;
	} while (n > 0 && used <= SOURCE_FILE_MAX);
	if (n < 0 || used > SOURCE_FILE_MAX) {
		n = n < 0 ? -errno : -EFBIG;
		free(buf);
		return n;
	}
	*data = arena_strndup(a, buf, used);
	*len = used;
	free(buf);
	return 0;
}

int source_read(struct source *s, const char *path, struct arena *a, char **data, size_t *len)
{
	const char *bytes;
	struct stat st;
	int fd, ret;

	if (s->recording) {
		ret = recording_file(s->recording, path, &bytes, len);
		if (!ret)
			*data = arena_strndup(a, bytes, *len);
		return ret;
	}
	fd = open_below(s->dir, path, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		ret = -errno;
	else if (!S_ISREG(st.st_mode))
		ret = -EINVAL;
	else
		ret = read_all(fd, a, data, len);
	close(fd);
	return ret;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_dir(int fd, struct arena *a, struct names *names)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int ret = 0;

	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (!ret && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (names->nr == SOURCE_NAMES_MAX) {
			ret = -EFBIG;
			break;
		}
		names->of = arena_more(a, names->of, names->nr, sizeof(*names->of));
		names->of[names->nr++] = arena_strdup(a, entry->d_name);
	}
	closedir(dir);
	return ret;
}

int source_list(struct source *s, const char *path, struct arena *a, struct names *names)
{
	int ret;

	*names = (struct names){ };
	if (s->recording) {
		ret = recording_list(s->recording, path, a, names);
	} else {
		ret = open_below(s->dir, path, O_DIRECTORY);
		if (ret >= 0)
			ret = list_dir(ret, a, names);
	}
	if (names->nr)
		qsort(names->of, names->nr, sizeof(*names->of), by_text);
	return ret;
}

size_t source_frames(const struct source *s)
{
	return s->recording ? recording_frames(s->recording) : 1;
}

double source_time(const struct source *s)
{
	struct timespec now;

	if (s->recording)
		return recording_time(s->recording);
	if (!s->live)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

void source_seek(struct source *s, size_t frame)
{
	if (s->recording)
		recording_seek(s->recording, frame);
}
