/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guards: what the debug flags put around each object of an allocator, see guard.c.
 */
#ifndef _NEBULA_MODULE_GUARD_H
#define _NEBULA_MODULE_GUARD_H

#include "allocator.h"
#include "kasan.h"

struct nebula_guard;

/* The guarded objects of an allocator. */
struct nebula_guards {
	/* The newest object's guard; each points to the next older one. Any context. */
	struct nebula_guard *newest;
	/* How often objects were let go of, doubled; odd while that is being done. Owner. */
	unsigned int releases;
	/* Live objects went off the list with a guard that was overwritten. Owner. */
	bool cut;
};

/* How an object lies in what is allocated for it. */
struct nebula_guard_layout {
	size_t total;	/* bytes to allocate */
	size_t align;	/* alignment to allocate with */
	size_t offset;	/* bytes before the object */
};

/* Who allocated an object. */
struct nebula_guard_origin {
	size_t size;			/* bytes asked for */
	size_t align;			/* alignment of what was allocated */
	u64 time_ns;			/* when, local_clock(); 0 without NEBULA_TRACK */
	const unsigned long *entries;	/* call stack, innermost first */
	unsigned int nr_entries;	/* of @entries; 0 without NEBULA_TRACK */
};

/* An object, as its guard told at some moment. */
struct nebula_guard_seen {
	/* in a list: what was allocated for the next older object, or NULL */
	const void *older;
	size_t size;	/* bytes asked for */
	size_t total;	/* bytes from the guard to the end of the zone behind the object */
	u64 time_ns;	/* when it was allocated, local_clock(); 0 without NEBULA_TRACK */
	unsigned int nr_entries;	/* of @entries; 0 without NEBULA_TRACK */
	unsigned long entries[NEBULA_CALLERS_MAX];	/* call stack, innermost first */
};

bool nebula_guard_layout(struct nebula_guard_layout *l, size_t size, size_t align);
void nebula_guard_check_poison(struct nebula_allocator *a, const void *raw,
			       const struct nebula_guard_layout *l, size_t size);
void *nebula_guard_init(const struct nebula_allocator *a, void *raw,
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
void nebula_guard_repoison(const struct nebula_allocator *a, struct nebula_guards *guards, void *p,
			   size_t size);
bool nebula_guards_watch(const struct nebula_guards *guards, unsigned int *releases);
bool nebula_guards_unchanged(const struct nebula_guards *guards, unsigned int releases);
const void *nebula_guard_find_overwrite(const struct nebula_allocator *a, const void *p,
					size_t size);
void nebula_guard_poison(const struct nebula_allocator *a, void *p, size_t size);

#endif /* _NEBULA_MODULE_GUARD_H */
