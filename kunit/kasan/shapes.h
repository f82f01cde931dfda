/* SPDX-License-Identifier: GPL-2.0-only */
/* The allocators that each case of KASAN's suites is tried on. */
#ifndef _NEBULA_KUNIT_KASAN_SHAPES_H
#define _NEBULA_KUNIT_KASAN_SHAPES_H

#include <kunit/test.h>
#include <nebula/nebula.h>

/* Bytes of the blocks of pools, and so the largest object that all shapes serve. */
#define SHAPE_BLOCK	61U

/* An allocator to be. */
struct shape {
	const char *name;		/* for the log */
	enum nebula_kind kind;
	u32 flags;
	enum nebula_preset preset;
	enum nebula_backing backing;
};

#define NR_SHAPES	36

extern const struct shape shapes[NR_SHAPES];

/* For KUNIT_ARRAY_PARAM(). */
static inline void shape_describe(const struct shape *shape, char *text)
{
	strscpy(text, shape->name, KUNIT_PARAM_DESC_SIZE);
}

/* Fails the test without memory. */
struct nebula_allocator *shape_create(struct kunit *test, const struct shape *shape);
void shape_destroy(struct nebula_allocator *a);

/* Scratch memory is for contexts that stay on their CPU. */
void shape_enter(const struct nebula_allocator *a);
void shape_leave(const struct nebula_allocator *a);

/* Gives back all objects of an allocator; @newest is the only one. */
void shape_give_back(struct nebula_allocator *a, void *newest, size_t size);

struct nebula_bump *shape_bump(struct nebula_allocator *a);
struct nebula_pool *shape_pool(struct nebula_allocator *a);
struct nebula_stack *shape_stack(struct nebula_allocator *a);

#endif /* _NEBULA_KUNIT_KASAN_SHAPES_H */
