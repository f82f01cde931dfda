/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An allocator of a client's own kind: runs of slots of an array, found from where the last search
 * ended. One caller at a time.
 */
#ifndef _NEBULA_KUNIT_RING_H
#define _NEBULA_KUNIT_RING_H

#include <kunit/test.h>
#include <linux/bitmap.h>
#include <nebula/nebula.h>

#define RING_SLOT	64U
#define RING_SLOTS	64U
#define RING_CAPACITY	((size_t)RING_SLOT * RING_SLOTS)

/* What the tests look at. */
struct ring {
	DECLARE_BITMAP(map, RING_SLOTS);	/* slots that are taken */
	u8 length[RING_SLOTS];	/* slots of the run that begins at each */
	unsigned int next;	/* where the next search begins */
	unsigned int allocs;	/* calls of alloc */
	unsigned int frees;	/* calls of free */
	size_t size;		/* what the last of them was told */
	size_t skew;		/* bytes by which all results are off their alignment */
	int answer;		/* what free returns in place of its own answer, unless 0 */
	void *result;		/* what alloc returns in place of memory, unless NULL */
};

/* There is one, which each test finds empty, under the name "ring" or not registered. */
extern struct nebula_custom ring;

void *ring_alloc(struct nebula_custom *c, size_t size, size_t align);
enum nebula_errc ring_free(struct nebula_custom *c, void *p, size_t size);

void ring_reset(void);
struct ring *ring_state(void);
struct nebula_custom *ring_register(struct kunit *test);

#endif /* _NEBULA_KUNIT_RING_H */
