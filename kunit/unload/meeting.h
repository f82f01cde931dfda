/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where modules that do not refer to each other meet: one leaves allocators behind when it is
 * unloaded, and another uses them and stays.
 */
#ifndef _NEBULA_KUNIT_MEETING_H
#define _NEBULA_KUNIT_MEETING_H

#include <nebula/nebula.h>

/* What is left behind. */
enum meeting_place {
	MEETING_EARLY,	/* tracked pool; a block is taken in the other module's init function */
	/* tracked pool with more call sites than a list holds, one of them the other's */
	MEETING_SITES,
	/* tracked pool; the other module takes blocks through the kernel's mempool */
	MEETING_BUILT_IN,
	MEETING_WAITED,	/* pool of one block, which the other has and also waits for */
	MEETING_RESERVED,	/* pool that the other has a reserve of */
	MEETING_SCOPED,	/* bump with an open scope of the other's */
	MEETING_BUDGET,	/* budget of the pool @MEETING_EARLY; the leaver listens to its states */
	MEETING_NR	/* number of places */
};

void nebula_meeting_leave(enum meeting_place place, void *allocator);
void *nebula_meeting_find(enum meeting_place place);

#endif /* _NEBULA_KUNIT_MEETING_H */
