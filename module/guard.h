/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guards: what the debug flags put around each object of an allocator, see guard.c.
 */
#ifndef _NEBULA_MODULE_GUARD_H
#define _NEBULA_MODULE_GUARD_H

#include "internal.h"

struct nebula_guard;

/**
 * struct nebula_guards - the guarded objects of an allocator
 * @newest: the newest object's guard; each points to the next older one. Any context.
 */
struct nebula_guards {
	struct nebula_guard *newest;
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

bool nebula_guard_layout(struct nebula_guard_layout *l, size_t size, size_t align);
void *nebula_guard_dress(struct nebula_allocator *a, struct nebula_guards *guards, void *raw,
			 const struct nebula_guard_layout *l, size_t size);
bool nebula_guard_release(struct nebula_allocator *a, struct nebula_guards *guards,
			  unsigned long count);
void nebula_guard_fill(const struct nebula_allocator *a, void *p, size_t size);

#endif /* _NEBULA_MODULE_GUARD_H */
