// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of one snapshot, see arena.h. A chunk is at least 64 KiB; objects never move. With ASan
 * each object has a chunk of its own, so that reading behind it is noticed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arena.h"

#ifdef __has_feature
#define HAS_ASAN	__has_feature(address_sanitizer)
#else
#define HAS_ASAN	0
#endif

#if defined(__SANITIZE_ADDRESS__) || HAS_ASAN
#define CHUNK_SIZE	1
#define ALIGN_MASK	((size_t)0)
#else
#define CHUNK_SIZE	65536
#define ALIGN_MASK	((size_t)15)
#endif

struct arena_chunk {
	struct arena_chunk *older;	/* the one before */
	size_t size;			/* bytes behind this struct */
	size_t used;			/* bytes handed out */
	max_align_t data[];		/* the bytes */
};

static void out_of_memory(void)
{
	fputs("nebulactl: out of memory\n", stderr);
	exit(3);
}

static struct arena_chunk *add_chunk(struct arena *a, size_t size)
{
	struct arena_chunk *chunk = NULL;

	if (size < CHUNK_SIZE)
		size = CHUNK_SIZE;
	if (size < SIZE_MAX - sizeof(*chunk))
		chunk = malloc(sizeof(*chunk) + size);
	if (!chunk)
		out_of_memory();
	chunk->older = a->newest;
	chunk->size = size;
	chunk->used = 0;
	a->newest = chunk;
	return chunk;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk *chunk = a->newest;
	char *p;

	if (size > SIZE_MAX / 2)
		out_of_memory();
	size = (size + ALIGN_MASK) & ~ALIGN_MASK;
	if (!chunk || chunk->size - chunk->used < size)
		chunk = add_chunk(a, size);
	p = (char *)chunk->data + chunk->used;
	chunk->used += size;
	memset(p, 0, size);
	return p;
}

void *arena_more(struct arena *a, void *array, size_t nr, size_t size)
{
	void *more;

	/* The room is a power of two, at least four: it is full when @nr is one. */
	if (nr && (nr < 4 || nr & (nr - 1)))
		return array;
	if (nr > SIZE_MAX / 4 / size)
		out_of_memory();
	more = arena_alloc(a, size * (nr ? 2 * nr : 4));
	if (nr)
		memcpy(more, array, nr * size);
	return more;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	memcpy(copy, s, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
	va_list again;
	char *text;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0)
		return arena_strdup(a, "");
	text = arena_alloc(a, len + 1);
	vsnprintf(text, len + 1, fmt, args);
	return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = arena_vprintf(a, fmt, args);
	va_end(args);
	return text;
}

void arena_free(struct arena *a)
{
	struct arena_chunk *older;

	while (a->newest) {
		older = a->newest->older;
		free(a->newest);
		a->newest = older;
	}
}
