// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz: does at random what can be done to files, on all files below a directory that keeps
 * changing.
 *
 *	fuzz [-n OPERATIONS] [-s SEED] [-o FILES] [-k NAME]... DIRECTORY
 *
 *	-n  operations (10000); 0: until it is told to end by SIGTERM
 *	-s  where random decisions begin (1); operation for operation the same for the same seed, as
 *	    far as the files are the same
 *	-o  files that are kept open (64)
 *	-k  keep off: files of this name are read, and never written to
 *
 * Each call has to succeed, or to fail for a reason that makes sense for it; what is read must not
 * show an address of the kernel. The last line sums up what came of each call. Status 1 when
 * something was wrong.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define PATHS_MAX	65536
#define OFF_NAMES_MAX	16
#define FAULTS_PRINTED	20

/* Largest read and write, bytes. */
#define BUFFER_SIZE	(1024 * 1024)

/* Paths that are tried for each file when thousands are to be open. */
#define TRIES		8

/* Operations after which the directory is walked again; in between some files are gone. */
#define WALK_EVERY	128

/* Digits of an address of the kernel behind ffff. */
#define ADDRESS_DIGITS	12

enum call {
	CALL_OPEN, CALL_READ, CALL_PREAD, CALL_WRITE, CALL_LSEEK, CALL_STAT, CALL_FSTAT,
	CALL_READDIR, CALL_CLOSE, CALLS
};

/**
 * struct errnos - how a call may fail
 * @name: of the call.
 * @may: errnos that make sense, ends with 0.
 *
 * ENOENT, EIO: the file is gone, before it was opened or after. EISDIR: a directory. ESPIPE: there
 * are no positions. EINVAL of a read: position and size together are beyond all files. EBADF is
 * looked at where the call is made.
 */
static const struct errnos {
	const char *name;
	int may[12];
} calls[CALLS] = {
	[CALL_OPEN]	= { "open", { ENOENT, EIO, ENOMEM, EPERM, EACCES, EISDIR, 0 } },
	[CALL_READ]	= { "read", { EFAULT, EIO, EINVAL, EISDIR, 0 } },
	[CALL_PREAD]	= { "pread", { EFAULT, EIO, EINVAL, EISDIR, ESPIPE, 0 } },
	[CALL_WRITE]	= { "write", { EFAULT, EIO, EINVAL, ERANGE, EPERM, E2BIG, EBUSY, ENOMEM,
				       EOPNOTSUPP, 0 } },
	[CALL_LSEEK]	= { "lseek", { EINVAL, EIO, ENXIO, EOVERFLOW, ESPIPE, 0 } },
	[CALL_STAT]	= { "stat", { ENOENT, 0 } },
	[CALL_FSTAT]	= { "fstat", { 0 } },
	[CALL_READDIR]	= { "readdir", { ENOENT, 0 } },
	[CALL_CLOSE]	= { "close", { 0 } },
};

/**
 * struct handle - an open file
 * @fd: -1 when it is none.
 * @mode: O_RDONLY, O_WRONLY or O_RDWR.
 * @path: for people.
 * @spared: it is not written to.
 */
struct handle {
	int fd;
	int mode;
	char *path;
	bool spared;
};

static unsigned long operations = 10000, done;
static uint64_t seed = 1, state;
static const char *directory;
static const char *off_names[OFF_NAMES_MAX];
static unsigned int off_nr;

static char *paths[PATHS_MAX];
static unsigned int paths_nr;
static struct handle *handles;
static unsigned long handles_nr = 64;
static char *buffer, *nowhere;

static unsigned long outcomes[CALLS][256];
static unsigned long faults, bytes_read, bytes_written, most_open;

/* SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t random64(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static uint64_t below(uint64_t n)
{
	return random64() % n;
}

static void fault(const char *what, const char *path, const char *detail)
{
	if (faults++ < FAULTS_PRINTED)
		printf("operation %lu: %s on %s: %s\n", done, what, path, detail);
}

/* Counts what came of a call, and passes it on. */
static long outcome(enum call which, long ret, const char *path)
{
	const int err = ret < 0 ? errno : 0;
	const int *may = calls[which].may;

	outcomes[which][err & 255]++;
	if (!err)
		return ret;
	while (*may && *may != err)
		may++;
	if (!*may)
		fault(calls[which].name, path, strerror(err));
	return ret;
}

/* ffff and twelve more hexadecimal digits, whatever is before them. */
static void scan(const char *path, const char *text, size_t len)
{
	const char *end = text + len, *at = text;
	char address[ADDRESS_DIGITS + 5];
	unsigned int n;

	while ((at = memmem(at, end - at, "ffff", 4))) {
		for (n = 4; at + n < end && isxdigit((unsigned char)at[n]); n++)
			;
		if (n >= ADDRESS_DIGITS + 4) {
			snprintf(address, sizeof(address), "%s", at);
			fault("address of the kernel", path, address);
			return;
		}
		at += n;
	}
}

static bool is_off(const char *path)
{
	const char *name = strrchr(path, '/');
	unsigned int i;

	for (i = 0; i < off_nr; i++)
		if (!strcmp(name ? name + 1 : path, off_names[i]))
			return true;
	return false;
}

static void walk_one(const char *path);

static void walk_into(DIR *dir, const char *path)
{
	const struct dirent *entry;
	char below_it[PATH_MAX];

	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(below_it, sizeof(below_it), "%s/%s", path, entry->d_name);
		if (paths_nr < PATHS_MAX)
			paths[paths_nr++] = strdup(below_it);
		if (entry->d_type == DT_DIR)
			walk_one(below_it);
	}
}

static void walk_one(const char *path)
{
	DIR *dir = opendir(path);

	if (outcome(CALL_READDIR, dir ? 0 : -1, path))
		return;
	walk_into(dir, path);
	closedir(dir);
}

static void walk(void)
{
	while (paths_nr)
		free(paths[--paths_nr]);
	walk_one(directory);
	if (!paths_nr)
		fault("readdir", directory, "there is no file");
}

static const char *any_path(void)
{
	return paths_nr ? paths[below(paths_nr)] : directory;
}

static struct handle *any_handle(void)
{
	return &handles[below(handles_nr)];
}

static void close_handle(struct handle *h)
{
	if (h->fd < 0)
		return;
	outcome(CALL_CLOSE, close(h->fd), h->path);
	free(h->path);
	h->fd = -1;
}

/* Where one is open already, that is closed. */
static void do_open(struct handle *h)
{
	static const int modes[] = { O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR };
	static const int more[] = { 0, 0, O_APPEND, O_TRUNC, O_APPEND | O_TRUNC, O_NONBLOCK };
	const char *path = any_path();
	int mode = modes[below(ARRAY_SIZE(modes))], flags = more[below(ARRAY_SIZE(more))];

	close_handle(h);
	h->fd = outcome(CALL_OPEN, open(path, mode | flags | O_CLOEXEC), path);
	if (h->fd < 0)
		return;
	h->mode = mode;
	h->path = strdup(path);
	h->spared = is_off(path);
}

/* Small, about a page, or large. */
static size_t any_size(void)
{
	switch (below(4)) {
	case 0:
		return below(16);
	case 1:
		return below(512);
	case 2:
		return 4000 + below(200);
	default:
		return below(BUFFER_SIZE + 1);
	}
}

/* Small, beyond every end, or none at all. */
static off_t any_offset(void)
{
	static const off_t odd[] = {
		-1, LLONG_MIN, LLONG_MAX, LLONG_MAX - 1, INT_MAX, UINT_MAX, 1LL << 40
	};

	switch (below(4)) {
	case 0:
		return odd[below(ARRAY_SIZE(odd))];
	case 1:
		return -(off_t)below(10000);
	default:
		return below(20000);
	}
}

/* Numbers and numbers that are none, text of any bytes, or rubbish. How many bytes. */
static size_t any_text(void)
{
	static const char *const words[] = {
		"0", "1", "-1", "y", "N", "0x10", "18446744073709551616", "4294967296", "\n", "1\n",
		" 7", "7 ", "07", "conn", "*", "a b c", "reset", "\0\n", "%s%n", "../..", "1,2,3,4"
	};
	size_t size = below(2) ? below(4096) : any_size(), i;

	switch (below(4)) {
	case 0:
		return snprintf(buffer, BUFFER_SIZE, "%u\n", (unsigned int)below(300));
	case 1:
		return snprintf(buffer, BUFFER_SIZE, "%s", words[below(ARRAY_SIZE(words))]) +
		       below(2);
	case 2:
		for (i = 0; i < size; i++)
			buffer[i] = "0123456789 abcxyzABC,;*?\n\n\t-+%/.\0"[below(33)];
		return size;
	default:
		for (i = 0; i + 8 <= size; i += 8)
			memcpy(buffer + i, &(uint64_t){ random64() }, 8);
		return i;
	}
}

/* What was opened for the other direction only says so, unless the offset is wrong as well. */
static bool refuses(const struct handle *h, enum call which, long ret, int other)
{
	const int err = ret < 0 ? errno : 0;

	if (h->mode != other)
		return false;
	if (err != EBADF && !(which == CALL_PREAD && (err == EINVAL || err == ESPIPE)))
		fault(calls[which].name, h->path, "opened for the other direction");
	outcomes[which][err & 255]++;
	return true;
}

/* Result of a read of at most @size bytes. */
static void was_read(const struct handle *h, enum call which, long ret, size_t size,
		     const char *to)
{
	if (refuses(h, which, ret, O_WRONLY) || outcome(which, ret, h->path) < 0)
		return;
	if ((size_t)ret > size)
		fault(calls[which].name, h->path, "more bytes than asked for");
	else if (to == buffer)
		scan(h->path, buffer, ret);
	else if (ret && to < nowhere && to >= nowhere - 64)
		scan(h->path, to, nowhere - to);
	bytes_read += ret;
}

static void do_read(struct handle *h)
{
	size_t size = any_size();

	was_read(h, CALL_READ, read(h->fd, buffer, size), size, buffer);
}

static void do_pread(struct handle *h)
{
	size_t size = any_size();
	off_t offset = any_offset();

	was_read(h, CALL_PREAD, pread(h->fd, buffer, size, offset), size, buffer);
}

/* All of it, in pieces of a size. */
static void do_read_all(struct handle *h)
{
	size_t piece = 1 + any_size(), len = 0;
	long ret = 0;

	if (piece < 64)
		piece *= 64;
	if (h->mode == O_WRONLY)
		return;
	while (len < BUFFER_SIZE) {
		if (piece > BUFFER_SIZE - len)
			piece = BUFFER_SIZE - len;
		ret = outcome(CALL_PREAD, pread(h->fd, buffer + len, piece, len), h->path);
		if (ret <= 0)
			break;
		len += ret;
	}
	bytes_read += len;
	scan(h->path, buffer, len);
}

static void was_written(const struct handle *h, long ret, size_t size)
{
	if (refuses(h, CALL_WRITE, ret, O_RDONLY) || outcome(CALL_WRITE, ret, h->path) < 0)
		return;
	if ((size_t)ret > size)
		fault("write", h->path, "more bytes than there were");
	bytes_written += ret;
}

static void do_write(struct handle *h)
{
	size_t size = any_text();

	if (!h->spared)
		was_written(h, write(h->fd, buffer, size), size);
}

/* Where nothing is, or what ends in the middle. */
static char *bad_pointer(void)
{
	switch (below(4)) {
	case 0:
		return NULL;
	case 1:
		return nowhere;
	case 2:
		return (char *)(LONG_MAX - (long)below(4096));
	default:
		return nowhere - below(64);
	}
}

static void do_bad_read(struct handle *h)
{
	size_t size = any_size();
	char *to = bad_pointer();

	was_read(h, CALL_READ, read(h->fd, to, size), size, to);
}

static void do_bad_write(struct handle *h)
{
	size_t size = any_size();
	char *from = bad_pointer();

	if (!h->spared)
		was_written(h, write(h->fd, from, size), size);
}

static void do_lseek(struct handle *h)
{
	static const int whences[] = { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 77, -1 };
	off_t offset = any_offset();
	int whence = whences[below(ARRAY_SIZE(whences))];

	outcome(CALL_LSEEK, lseek(h->fd, offset, whence), h->path);
}

static void do_fstat(struct handle *h)
{
	struct stat st;

	outcome(CALL_FSTAT, fstat(h->fd, &st), h->path);
}

static void do_stat(struct handle *unused)
{
	const char *path = any_path();
	struct stat st;

	(void)unused;
	if (outcome(CALL_STAT, lstat(path, &st), path))
		return;
	if (st.st_mode & 077)
		fault("stat", path, "others than root may use it");
}

/* Often enough to have most handles open most of the time. */
static void (*const deeds[])(struct handle *h) = {
	do_open, do_open, do_read, do_read, do_pread, do_pread, do_read_all, do_write, do_write,
	do_bad_read, do_bad_write, do_lseek, do_lseek, do_fstat, do_stat, close_handle
};

/* Each begins at a state of its own, so that what it does depends on no other. */
static void operate(void)
{
	struct handle *h;
	void (*deed)(struct handle *h);

	state = seed * 0x100000001b3 + done;
	h = any_handle();
	deed = deeds[below(ARRAY_SIZE(deeds))];
	if (h->fd < 0 && deed != do_stat)
		deed = do_open;
	deed(h);
}

static void open_all(void)
{
	unsigned long i;
	unsigned int n;

	for (i = 0; i < handles_nr; i++) {
		state = ~seed * 0x100000001b3 + i;
		if (i % WALK_EVERY == 0)
			walk();
		for (n = 0; n < TRIES && handles[i].fd < 0; n++)
			do_open(&handles[i]);
		most_open += handles[i].fd >= 0;
	}
}

static bool told_to_end(void)
{
	sigset_t pending;

	return !sigpending(&pending) && sigismember(&pending, SIGTERM);
}

/* Room for all that is to be open at once; nothing lies behind the page before nowhere. */
static void prepare(void)
{
	const struct rlimit limit = { handles_nr + 64, handles_nr + 64 };
	const long page = sysconf(_SC_PAGESIZE);
	unsigned long i;
	sigset_t end;
	char *map;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	handles = calloc(handles_nr, sizeof(*handles));
	buffer = calloc(1, BUFFER_SIZE);
	map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!handles || !buffer || map == MAP_FAILED || mprotect(map + page, page, PROT_NONE) ||
	    setrlimit(RLIMIT_NOFILE, &limit)) {
		perror("fuzz");
		exit(2);
	}
	nowhere = map + page;
	for (i = 0; i < handles_nr; i++)
		handles[i].fd = -1;
}

static void print_summary(void)
{
	unsigned int call, err;

	printf("fuzz: seed %llu, %lu operations, %lu files at once", (unsigned long long)seed, done,
	       most_open);
	printf(", %lu bytes read, %lu written;", bytes_read, bytes_written);
	for (call = 0; call < CALLS; call++) {
		printf("%s %s", call ? "," : "", calls[call].name);
		for (err = 0; err < ARRAY_SIZE(outcomes[call]); err++)
			if (outcomes[call][err])
				printf(" %s %lu", err ? strerrorname_np(err) : "ok",
				       outcomes[call][err]);
	}
	printf("; %lu faults\n", faults);
}

static int explain(void)
{
	fprintf(stderr, "fuzz [-n OPERATIONS] [-s SEED] [-o FILES] [-k NAME]... DIRECTORY\n");
	return 2;
}

int main(int argc, char **argv)
{
	unsigned long i;
	int option;

	while ((option = getopt(argc, argv, "n:s:o:k:")) != -1) {
		switch (option) {
		case 'n':
			operations = strtoul(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'o':
			handles_nr = strtoul(optarg, NULL, 0);
			break;
		case 'k':
			if (off_nr < OFF_NAMES_MAX)
				off_names[off_nr++] = optarg;
			break;
		default:
			return explain();
		}
	}
	if (optind + 1 != argc || !handles_nr)
		return explain();
	directory = argv[optind];
	prepare();
	printf("fuzz: seed %llu\n", (unsigned long long)seed);
	open_all();
	for (done = 0; operations ? done < operations : !told_to_end(); done++) {
		if (done % WALK_EVERY == 0)
			walk();
		operate();
	}
	for (i = 0; i < handles_nr; i++)
		close_handle(&handles[i]);
	print_summary();
	return faults ? 1 : 0;
}
