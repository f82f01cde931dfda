/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which allocator, budget or cache a name means.
 */
#ifndef NEBULACTL_TARGET_H
#define NEBULACTL_TARGET_H

#include "view.h"

enum target { TARGET_ALLOCATOR, TARGET_BUDGET, TARGET_CACHE, TARGET_NR };

/* Sets of them. */
#define TARGETS_ALL		7U
#define TARGETS_ALLOCATORS	1U

/*
 * Finds "NAME", or "allocator:NAME" and its like, among @targets. STATUS_OK, and what it is; else
 * after a message that names what there is: STATUS_USAGE when it means two, STATUS_UNAVAILABLE.
 */
enum status target_find(struct view *v, const char *name, unsigned int targets,
			enum target *target, const char **found);

#endif
