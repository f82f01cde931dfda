// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools under torture, see torture.h.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include "torture.h"

#define BULK	8

static void *create(struct torture_thread *t, struct torture_subject *s, const char *name)
{
	const u32 flags = torture_flags(t, s);
	unsigned int blocks = 1 + torture_random(t, 48), depth = 0;

	if (torture_random(t, 2) && !(flags & NEBULA_STRICT))
		depth = torture_random(t, 4) ? 1 + torture_random(t, 16) : NEBULA_POOL_NO_CACHE;
	s->largest = 1 + torture_random(t, 512);
	s->pool = nebula_pool_create(name, .block_size = s->largest, .blocks = blocks,
				     .max_blocks = flags & NEBULA_GROW ? 2 * blocks : 0,
				     .align = torture_random(t, 2) << torture_random(t, 8),
				     .cache_depth = depth, .backing = torture_random(t, 3),
				     .flags = flags | (torture_random(t, 4) ? 0 : NEBULA_FIFO),
				     .preset = torture_preset(t));
	if (!IS_ERR(s->pool))
		s->any = nebula_allocator_of(s->pool);
	return s->pool;
}

static void destroy(struct torture_subject *s)
{
	nebula_pool_destroy(s->pool);
}

static void *alloc(struct torture_thread *t, struct torture_subject *s, size_t *size, size_t align)
{
	if (!torture_random(t, 4))
		return nebula_alloc(s->pool, *size, align);
	*size = s->largest;
	return torture_random(t, 4) ? nebula_pool_alloc(s->pool) : nebula_pool_zalloc(s->pool);
}

static bool give_back(struct torture_subject *s, void *p, size_t size)
{
	nebula_pool_free(s->pool, p);
	return true;
}

/* Written to and verified, so that no other thread has it. */
static void use(struct torture_subject *s, void *p, u32 id)
{
	torture_stamp(p, s->largest, id);
	cond_resched();
	if (!torture_stamped(p, s->largest, id))
		torture_fault("%s: a block is not ours alone", s->kind->name);
}

static void take_bulk(struct torture_thread *t, struct torture_subject *s)
{
	unsigned int n = 1 + torture_random(t, BULK), i;
	void *objs[BULK];

	if (!nebula_pool_alloc_bulk(s->pool, n, objs)) {
		torture_count(t, s, TORTURE_FULL);
		return;
	}
	for (i = 0; i < n; i++)
		use(s, objs[i], atomic_inc_return(&s->ids));
	nebula_pool_free_bulk(s->pool, n, objs);
}

static void wait(struct torture_thread *t, struct torture_subject *s)
{
	void *p = nebula_pool_alloc_wait(s->pool, 1);

	if (!IS_ERR(p)) {
		use(s, p, atomic_inc_return(&s->ids));
		nebula_pool_free(s->pool, p);
		return;
	}
	torture_count(t, s, TORTURE_FULL);
	if (PTR_ERR(p) != -ETIMEDOUT)
		torture_fault("%s: waiting ends with %ld", s->kind->name, PTR_ERR(p));
}

/* What was put aside is there. */
static void put_aside(struct torture_thread *t, struct torture_subject *s)
{
	unsigned int n = 1 + torture_random(t, 3), i;
	struct nebula_reserve r;
	void *p;

	if (nebula_pool_reserve(s->pool, &r, n)) {
		torture_count(t, s, TORTURE_FULL);
		return;
	}
	for (i = torture_random(t, n + 1); i; i--) {
		p = nebula_pool_alloc_reserved(&r);
		if (!p) {
			torture_fault("%s: a reserve is empty", s->kind->name);
			break;
		}
		use(s, p, atomic_inc_return(&s->ids));
		nebula_pool_free(s->pool, p);
	}
	nebula_pool_unreserve(&r);
}

static void give_later(struct torture_thread *t, struct torture_subject *s)
{
	struct torture_object *o = torture_claim(t, s);

	if (!o)
		return;
	torture_verify(s, o);
	WRITE_ONCE(s->inexact, true);
	nebula_pool_free_rcu(s->pool, o->p);
	torture_count(t, s, TORTURE_FREES);
	torture_release(o, TORTURE_EMPTY);
}

static void resize(struct torture_thread *t, struct torture_subject *s)
{
	if (torture_random(t, 2))
		nebula_pool_shrink(s->pool);
	else if (nebula_pool_grow(s->pool, 1 + torture_random(t, 8), GFP_KERNEL))
		torture_count(t, s, TORTURE_FULL);
}

static void more(struct torture_thread *t, struct torture_subject *s)
{
	switch (torture_random(t, 16)) {
	case 0:
		return wait(t, s);
	case 1:
		return give_later(t, s);
	case 2:
		return resize(t, s);
	case 3:
	case 4:
		return put_aside(t, s);
	case 5:
	case 6:
		return torture_look(t, s);
	default:
		return take_bulk(t, s);
	}
}

static void count_one(void *obj, void *data)
{
	++*(unsigned int *)data;
}

static void alone(struct torture_thread *t, struct torture_subject *s)
{
	unsigned int live = 0;

	nebula_pool_for_each_live(s->pool, count_one, &live);
	if (live < torture_live(s) || (live > torture_live(s) && !s->inexact))
		torture_fault("%s: %u blocks are live, and we have %u", s->kind->name, live,
			      torture_live(s));
	nebula_pool_set_cache_depth(s->pool, torture_random(t, 20));
}

static bool twice(struct torture_thread *t, struct torture_subject *s)
{
	struct torture_object *o = torture_claim(t, s);

	if (!o)
		return false;
	nebula_pool_free(s->pool, o->p);
	nebula_pool_free(s->pool, o->p);
	torture_release(o, TORTURE_EMPTY);
	return true;
}

static bool foreign(struct torture_thread *t, struct torture_subject *s)
{
	nebula_pool_free(s->pool, torture_foreign);
	return true;
}

static bool inside(struct torture_thread *t, struct torture_subject *s)
{
	struct torture_object *o = s->largest > 1 ? torture_claim(t, s) : NULL;

	if (!o)
		return false;
	nebula_pool_free(s->pool, o->p + 1 + torture_random(t, s->largest - 1));
	torture_release(o, TORTURE_TAKEN);
	return true;
}

static bool too_large(struct torture_thread *t, struct torture_subject *s)
{
	if (nebula_alloc(s->pool, s->largest + 1, 1))
		torture_fault("%s: more than a block was served", s->kind->name);
	return true;
}

/* There is room to remember more than any pool has, but not always for all that is there. */
static bool exhaust(struct torture_thread *t, struct torture_subject *s)
{
	while (torture_take(t, s))
		;
	return torture_live(s) < TORTURE_OBJECTS;
}

static const struct torture_mistake mistakes[] = {
	{ NEBULA_E_INVALID_ALIGNMENT, torture_wrong_align },
	{ NEBULA_E_DOUBLE_FREE, twice },
	{ NEBULA_E_FOREIGN_POINTER, foreign },
	{ NEBULA_E_MISALIGNED_POINTER, inside },
	{ NEBULA_E_INVALID_LAYOUT, too_large },
	{ NEBULA_E_POOL_EXHAUSTED, exhaust },
	{ }
};

#define POOL							\
	.create = create, .destroy = destroy, .alloc = alloc,	\
	.free = give_back, .more = more, .alone = alone,	\
	.mistakes = mistakes, .shared = true, .atomic = true

const struct torture_kind torture_pool = {
	POOL, .name = "pool", .id = TORTURE_POOL,
};

const struct torture_kind torture_pool_strict = {
	POOL, .name = "strict pool", .id = TORTURE_POOL_STRICT, .flags = NEBULA_STRICT,
};

const struct torture_kind torture_pool_grow = {
	POOL, .name = "pool, grows", .id = TORTURE_POOL_GROW, .flags = NEBULA_GROW,
};
