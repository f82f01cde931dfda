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

/**
 * struct ring - what the tests look at
 * @map: slots that are taken.
 * @length: slots of the run that begins at each.
 * @next: where the next search begins.
 * @allocs: calls of alloc.
 * @frees: calls of free.
 * @size: what the last of them was told.
 * @skew: bytes by which all results are off their alignment.
 * @answer: what free returns in place of its own answer, unless 0.
 * @result: what alloc returns in place of memory, unless NULL.
 */
struct ring {
	DECLARE_BITMAP(map, RING_SLOTS);
	u8 length[RING_SLOTS];
	unsigned int next;
	unsigned int allocs;
	unsigned int frees;
	size_t size;
	size_t skew;
	int answer;
	void *result;
};

/* There is one, which each test finds empty, under the name "ring" or not registered. */
extern struct nebula_custom ring;

void *ring_alloc(struct nebula_custom *c, size_t size, size_t align);
enum nebula_errc ring_free(struct nebula_custom *c, void *p, size_t size);

void ring_reset(void);
struct ring *ring_state(void);
struct nebula_custom *ring_register(struct kunit *test);

#endif /* _NEBULA_KUNIT_RING_H */
