/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cleanups: functions that a client has called when memory is given back, see cleanup.c.
 */
#ifndef _NEBULA_MODULE_CLEANUP_H
#define _NEBULA_MODULE_CLEANUP_H

#include "allocator.h"

/* A call that is due when the memory it lies in is given back. */
struct nebula_cleanup {
	struct nebula_cleanup *older;	/* the one registered before, or NULL */
	void (*fn)(void *data);		/* what to call */
	void *data;			/* its argument */
	/* grows from one to the next: what is rewound to a lower number has this one called */
	unsigned long at;
	/* of all above, so that an overrun of a neighbour is noticed before it is called */
	unsigned long seal;
};

void nebula_cleanup_push(struct nebula_cleanup **newest, struct nebula_cleanup *c);
void nebula_cleanups_run(struct nebula_allocator *a, struct nebula_cleanup **newest,
			 unsigned long above);
void nebula_cleanups_drop(struct nebula_cleanup **newest);

/* Is any due when the allocator is rewound to @above? Context: the owner's. */
static inline bool nebula_cleanups_due(const struct nebula_cleanup *newest, unsigned long above)
{
	return newest && newest->at > above;
}

#endif /* _NEBULA_MODULE_CLEANUP_H */
