/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guards: what the debug flags put around each object of an allocator, see guard.c.
 */
#ifndef _NEBULA_MODULE_GUARD_H
#define _NEBULA_MODULE_GUARD_H

#include "allocator.h"

struct nebula_guard;

/**
 * struct nebula_guards - the guarded objects of an allocator
 * @newest: the newest object's guard; each points to the next older one. Any context.
 * @releases: how often objects were let go of, doubled; odd while that is being done. Owner.
 * @cut: live objects went off the list with a guard that was overwritten. Owner.
 */
struct nebula_guards {
	struct nebula_guard *newest;
	unsigned int releases;
	bool cut;
};

/**
 * struct nebula_guard_layout - how an object lies in what is allocated for it
 * @total: bytes to allocate.
 * @align: alignment to allocate with.
 * @offset: bytes before the object.
 */
struct nebula_guard_layout {
	size_t total;
	size_t align;
	size_t offset;
};

/**
 * struct nebula_guard_origin - who allocated an object
 * @size: bytes asked for.
 * @align: alignment of what was allocated.
 * @time_ns: when, local_clock(); 0 without %NEBULA_TRACK.
 * @entries: call stack, innermost first.
 * @nr_entries: of @entries; 0 without %NEBULA_TRACK.
 */
struct nebula_guard_origin {
	size_t size;
	size_t align;
	u64 time_ns;
	const unsigned long *entries;
	unsigned int nr_entries;
};

/**
 * struct nebula_guard_seen - an object, as its guard told at some moment
 * @older: in a list: what was allocated for the next older object, or NULL.
 * @size: bytes asked for.
 * @total: bytes from the guard to the end of the zone behind the object.
 * @time_ns: when it was allocated, local_clock(); 0 without %NEBULA_TRACK.
 * @nr_entries: of @entries; 0 without %NEBULA_TRACK.
 * @entries: call stack, innermost first.
 */
struct nebula_guard_seen {
	const void *older;
	size_t size;
	size_t total;
	u64 time_ns;
	unsigned int nr_entries;
	unsigned long entries[NEBULA_CALLERS_MAX];
};

bool nebula_guard_layout(struct nebula_guard_layout *l, size_t size, size_t align);
void nebula_guard_claim(struct nebula_allocator *a, const void *raw,
			const struct nebula_guard_layout *l, size_t size);
void *nebula_guard_dress(const struct nebula_allocator *a, void *raw,
			 const struct nebula_guard_layout *l, size_t size);
void nebula_guard_resize(const struct nebula_allocator *a, void *raw,
			 const struct nebula_guard_layout *l, size_t size);
void *nebula_guard_object(const void *raw);
void nebula_guard_origin(const void *raw, struct nebula_guard_origin *origin);
bool nebula_guard_see(const void *raw, size_t room, struct nebula_guard_seen *seen);
const char *nebula_guard_fault(const struct nebula_allocator *a, const void *raw, size_t room);
bool nebula_guard_verify(struct nebula_allocator *a, const void *raw);
void nebula_guard_push(struct nebula_guards *guards, void *raw);
bool nebula_guard_release(struct nebula_allocator *a, struct nebula_guards *guards,
			  unsigned long count);
void nebula_guard_refill(const struct nebula_allocator *a, struct nebula_guards *guards, void *p,
			 size_t size);
bool nebula_guards_watch(const struct nebula_guards *guards, unsigned int *releases);
bool nebula_guards_unchanged(const struct nebula_guards *guards, unsigned int releases);
const void *nebula_guard_written(const struct nebula_allocator *a, const void *p, size_t size);
void nebula_guard_fill(const struct nebula_allocator *a, void *p, size_t size);

#endif /* _NEBULA_MODULE_GUARD_H */
