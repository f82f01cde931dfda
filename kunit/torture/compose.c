// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators of a client's own kind, and ones made of others, under torture, see torture.h.
 */
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include "torture.h"

#define CELL	128U
#define CELLS	32U

/* Memory of a client's own kind: cells, each taken or not. Any context. */
static struct cells {
	DECLARE_BITMAP(taken, CELLS);
	u8 memory[CELLS][CELL] __aligned(CELL);
} cells[TORTURE_CUSTOMS];

static DECLARE_BITMAP(in_use, TORTURE_CUSTOMS);

static void *cells_alloc(struct nebula_custom *c, size_t size, size_t align)
{
	struct cells *of = c->data;
	unsigned int i;

	if (size > CELL || align > CELL)
		return NULL;
	for (i = 0; i < CELLS; i++)
		if (!test_and_set_bit(i, of->taken))
			return of->memory[i];
	return NULL;
}

static enum nebula_errc cells_free(struct nebula_custom *c, void *p, size_t size)
{
	struct cells *of = c->data;
	size_t offset = (u8 *)p - of->memory[0];

	if (offset % CELL)
		return NEBULA_E_MISALIGNED_POINTER;
	return test_and_clear_bit(offset / CELL, of->taken) ? NEBULA_OK : NEBULA_E_DOUBLE_FREE;
}

static bool cells_own(const struct nebula_custom *c, const void *p)
{
	const struct cells *of = c->data;

	return (u8 *)p >= of->memory[0] && (u8 *)p < of->memory[0] + sizeof(of->memory);
}

static size_t cells_capacity(const struct nebula_custom *c)
{
	return CELLS * CELL;
}

#define CELLS_OPS							\
	.kind = "cells", .alloc = cells_alloc, .free = cells_free,	\
	.owns = cells_own, .capacity = cells_capacity

static NEBULA_DEFINE_ALLOCATOR(custom_1, CELLS_OPS);
static NEBULA_DEFINE_ALLOCATOR(custom_2, CELLS_OPS);
static NEBULA_DEFINE_ALLOCATOR(custom_3, CELLS_OPS);
static NEBULA_DEFINE_ALLOCATOR(custom_4, CELLS_OPS);

static struct nebula_custom *const customs[] = { &custom_1, &custom_2, &custom_3, &custom_4 };

static_assert(ARRAY_SIZE(customs) == TORTURE_CUSTOMS);

static void *create_custom(struct torture_thread *t, struct torture_subject *s, const char *name)
{
	unsigned int i = 0;
	int err;

	while (i < TORTURE_CUSTOMS && test_and_set_bit(i, in_use))
		i++;
	if (i == TORTURE_CUSTOMS)
		return NULL;
	s->custom = customs[i];
	s->custom->data = &cells[i];
	s->largest = CELL;
	s->aligns = 7;
	bitmap_zero(cells[i].taken, CELLS);
	err = nebula_custom_register(s->custom, name);
	if (err) {
		clear_bit(i, in_use);
		return ERR_PTR(err);
	}
	s->any = nebula_allocator_of(s->custom);
	return s->custom;
}

static void destroy_custom(struct torture_subject *s)
{
	unsigned int i = (struct cells *)s->custom->data - cells;

	nebula_custom_unregister(s->custom);
	clear_bit(i, in_use);
}

static void *alloc_custom(struct torture_thread *t, struct torture_subject *s, size_t *size,
			  size_t align)
{
	return nebula_alloc(s->custom, *size, align);
}

static bool free_custom(struct torture_subject *s, void *p, size_t size)
{
	nebula_free_sized(s->custom, p, size);
	return true;
}

static bool foreign(struct torture_thread *t, struct torture_subject *s)
{
	nebula_allocator_free(s->any, torture_foreign, 8);
	return true;
}

static bool twice(struct torture_thread *t, struct torture_subject *s)
{
	struct torture_object *o = torture_claim(t, s);

	if (!o)
		return false;
	nebula_free_sized(s->custom, o->p, o->size);
	nebula_free_sized(s->custom, o->p, o->size);
	torture_release(o, TORTURE_EMPTY);
	return true;
}

static bool inside(struct torture_thread *t, struct torture_subject *s)
{
	struct torture_object *o = torture_claim(t, s);

	if (!o)
		return false;
	nebula_free_sized(s->custom, o->p + 1, 1);
	torture_release(o, TORTURE_TAKEN);
	return true;
}

static const struct torture_mistake custom_mistakes[] = {
	{ NEBULA_E_INVALID_ALIGNMENT, torture_wrong_align },
	{ NEBULA_E_SIZE_OVERFLOW, torture_absurd_size },
	{ NEBULA_E_FOREIGN_POINTER, foreign },
	{ NEBULA_E_DOUBLE_FREE, twice },
	{ NEBULA_E_MISALIGNED_POINTER, inside },
	{ }
};

const struct torture_kind torture_custom = {
	.name = "custom", .id = TORTURE_CUSTOM, .shared = true, .atomic = true,
	.create = create_custom, .destroy = destroy_custom, .alloc = alloc_custom,
	.free = free_custom, .more = torture_look, .mistakes = custom_mistakes,
};

/* A small pool, and for larger objects and for more of them another one, or the kernel. */
static void *make_parts(struct torture_thread *t, struct torture_subject *s, const char *name)
{
	s->largest = 256;
	s->aligns = 3;
	s->parts[0] = nebula_pool_create(name, .block_size = 64, .align = 8, .blocks = 8,
					 .preset = torture_preset(t));
	if (IS_ERR(s->parts[0]))
		return s->parts[0];
	s->allocators = 2;
	/* What the kernel gave and a thread keeps cannot be reclaimed. */
	if (!t->leaving && torture_random(t, 2))
		return nebula_system_allocator();
	s->parts[1] = nebula_pool_create(name, .block_size = 256, .align = 8, .blocks = 8,
					 .preset = torture_preset(t));
	if (IS_ERR(s->parts[1]))
		return s->parts[1];
	s->allocators = 3;
	return nebula_allocator_of(s->parts[1]);
}

/* The destroys take errors. */
static void destroy_parts(struct torture_subject *s)
{
	nebula_pool_destroy(s->parts[0]);
	nebula_pool_destroy(s->parts[1]);
}

static void *create(struct torture_thread *t, struct torture_subject *s, const char *name)
{
	struct nebula_allocator *second = make_parts(t, s, name);

	if (IS_ERR(second))
		s->composite = second;
	else if (s->kind->id == TORTURE_SPLIT)
		s->composite = nebula_split_create(name, 64, s->parts[0], second);
	else
		s->composite = nebula_fallback_create(name, s->parts[0], second);
	s->any = s->composite;
	if (IS_ERR(s->composite))
		destroy_parts(s);
	return s->composite;
}

/* What is live stays with the parts, and would stay with the kernel for ever. */
static void destroy(struct torture_subject *s)
{
	unsigned int i;

	for (i = 0; i < TORTURE_OBJECTS; i++)
		if (atomic_read(&s->objects[i].state) == TORTURE_TAKEN)
			nebula_free_sized(s->composite, s->objects[i].p, s->objects[i].size);
	nebula_composite_destroy(s->composite);
	destroy_parts(s);
}

static void *alloc(struct torture_thread *t, struct torture_subject *s, size_t *size, size_t align)
{
	return nebula_alloc(s->composite, *size, align);
}

static bool give_back(struct torture_subject *s, void *p, size_t size)
{
	nebula_free_sized(s->composite, p, size);
	return true;
}

/* A part stays while it is needed; the refusal is recorded with the part. */
static void alone(struct torture_thread *t, struct torture_subject *s)
{
	nebula_pool_destroy(s->parts[0]);
	if (!nebula_last_error(s->parts[0], &t->err) || t->err.code != NEBULA_E_INVALID_STATE)
		torture_fault("%s: a part could be destroyed", s->kind->name);
	torture_count(t, s, TORTURE_MISTAKES);
}

static const struct torture_mistake mistakes[] = {
	{ NEBULA_E_INVALID_ALIGNMENT, torture_wrong_align },
	{ NEBULA_E_SIZE_OVERFLOW, torture_absurd_size },
	{ NEBULA_E_FOREIGN_POINTER, foreign },
	{ }
};

#define COMPOSITE						\
	.create = create, .destroy = destroy, .alloc = alloc,	\
	.free = give_back, .more = torture_look, .alone = alone,	\
	.mistakes = mistakes, .shared = true

const struct torture_kind torture_fallback = {
	COMPOSITE, .name = "fallback", .id = TORTURE_FALLBACK,
};

const struct torture_kind torture_split = {
	COMPOSITE, .name = "split", .id = TORTURE_SPLIT,
};
