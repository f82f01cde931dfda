// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bump allocators under torture, see torture.h.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/string.h>
#include "torture.h"

static void *create(struct torture_thread *t, struct torture_subject *s, const char *name)
{
	size_t capacity = SZ_4K << torture_random(t, 5);
	u32 flags = torture_flags(t, s);

	s->largest = 1024;
	s->aligns = 8;
	/* What is left behind must not serve from memory that is ours. */
	if (!t->leaving && !(flags & NEBULA_GROW) && !torture_random(t, 4))
		s->buffer = kvmalloc(capacity, GFP_KERNEL);
	if (s->buffer)
		s->bump = nebula_bump_create(name, .buffer = s->buffer, .buffer_size = capacity,
					     .flags = flags, .preset = torture_preset(t));
	else
		s->bump = nebula_bump_create(name, .capacity = capacity, .flags = flags,
					     .max_capacity = flags & NEBULA_GROW ? SZ_256K : 0,
					     .backing = torture_random(t, 3),
					     .preset = torture_preset(t));
	if (!IS_ERR(s->bump))
		s->any = nebula_allocator_of(s->bump);
	return s->bump;
}

static void destroy(struct torture_subject *s)
{
	nebula_bump_destroy(s->bump);
}

static void *take_text(struct torture_thread *t, struct torture_subject *s, size_t *size)
{
	u32 n = torture_random(t, 1000000);
	char *p, expected[24];

	snprintf(expected, sizeof(expected), "torture %u", n);
	p = torture_random(t, 2) ? nebula_bump_asprintf(s->bump, "%s %u", "torture", n)
				 : nebula_bump_strdup(s->bump, expected);
	*size = strlen(expected) + 1;
	if (p && strcmp(p, expected))
		torture_fault("%s: a text is another", s->kind->name);
	if (p && s->any->flags & NEBULA_ZERO)
		memset(p, 0, *size);
	return p;
}

static void *alloc(struct torture_thread *t, struct torture_subject *s, size_t *size, size_t align)
{
	switch (torture_random(t, 5)) {
	case 0:
		if (align <= 8) {
			*size = 64;
			return nebula_bump_alloc(s->bump, 64, 8);
		}
		fallthrough;
	case 1:
		if (align == 1)
			return take_text(t, s, size);
		fallthrough;
	case 2:
		return nebula_bump_zalloc(s->bump, *size, align);
	default:
		return nebula_bump_alloc(s->bump, *size, align);
	}
}

static void start_over(struct torture_thread *t, struct torture_subject *s)
{
	nebula_bump_reset(s->bump);
	torture_forget(s, 0);
	torture_count(t, s, TORTURE_RESETS);
	if (nebula_bump_used(s->bump))
		torture_fault("%s: something is left after a reset", s->kind->name);
}

static void more(struct torture_thread *t, struct torture_subject *s)
{
	size_t bytes = torture_random(t, SZ_16K);

	if (torture_random(t, 2))
		torture_look(t, s);
	else if (nebula_bump_reserve(s->bump, bytes, GFP_KERNEL))
		torture_count(t, s, TORTURE_FULL);
}

/* The checkpoint may have been refused, which is recorded. */
static void rewind(struct torture_thread *t, struct torture_subject *s, struct nebula_checkpoint cp,
		   u32 id)
{
	nebula_stats_read(s->bump, &t->stats);
	if (!nebula_bump_restore(s->bump, cp))
		torture_forget(s, id);
	else if (!t->stats.failures[NEBULA_E_EXCEEDS_MAX])
		torture_fault("%s: a checkpoint is refused", s->kind->name);
	torture_count(t, s, TORTURE_RESETS);
}

static void nest(struct torture_thread *t, struct torture_subject *s, unsigned int depth)
{
	struct nebula_checkpoint cp = nebula_bump_checkpoint(s->bump);
	u32 id = atomic_read(&s->ids);

	while (torture_random(t, 4))
		torture_take(t, s);
	if (depth && torture_random(t, 4))
		nest(t, s, depth - 1);
	torture_audit(t, s);
	rewind(t, s, cp, id);
}

/* The newest object grows or shrinks. */
static void resize(struct torture_thread *t, struct torture_subject *s)
{
	struct torture_object *o = torture_newest(s);
	size_t size = torture_size(t, s);
	u8 *p;

	if (!o)
		return;
	p = nebula_bump_realloc(s->bump, o->p, o->size, size, 1);
	/* Where it was there is another object now, without an owner. */
	s->inexact |= p && p != o->p;
	torture_resized(s, o, p, size);
}

static void alone(struct torture_thread *t, struct torture_subject *s)
{
	if (s->kind->shared || !torture_random(t, 4))
		start_over(t, s);
	else if (torture_random(t, 2))
		nest(t, s, 12);
	else
		resize(t, s);
}

static bool use_stale(struct torture_thread *t, struct torture_subject *s)
{
	struct nebula_checkpoint cp = nebula_bump_checkpoint(s->bump);

	start_over(t, s);
	if (nebula_bump_restore(s->bump, cp) != -ESTALE)
		torture_fault("%s: a stale checkpoint was restored", s->kind->name);
	return true;
}

static bool use_foreign(struct torture_thread *t, struct torture_subject *s)
{
	struct nebula_checkpoint cp = nebula_bump_checkpoint(s->bump);

	cp.owner++;
	if (nebula_bump_restore(s->bump, cp) != -EINVAL)
		torture_fault("%s: a foreign checkpoint was restored", s->kind->name);
	return true;
}

static bool no_checkpoint(struct torture_thread *t, struct torture_subject *s)
{
	struct nebula_checkpoint cp = nebula_bump_checkpoint(s->bump);

	if (!nebula_bump_restore(s->bump, cp))
		torture_fault("%s: a checkpoint was restored", s->kind->name);
	return true;
}

static const struct torture_mistake owner_mistakes[] = {
	{ NEBULA_E_INVALID_ALIGNMENT, torture_wrong_align },
	{ NEBULA_E_SIZE_OVERFLOW, torture_absurd_size },
	{ NEBULA_E_OUT_OF_MEMORY, torture_too_large },
	{ NEBULA_E_STALE_CHECKPOINT, use_stale },
	{ NEBULA_E_FOREIGN_CHECKPOINT, use_foreign },
	{ }
};

static const struct torture_mistake shared_mistakes[] = {
	{ NEBULA_E_INVALID_ALIGNMENT, torture_wrong_align },
	{ NEBULA_E_SIZE_OVERFLOW, torture_absurd_size },
	{ NEBULA_E_OUT_OF_MEMORY, torture_too_large },
	{ NEBULA_E_INVALID_STATE, no_checkpoint },
	{ }
};

#define BUMP							\
	.create = create, .destroy = destroy, .alloc = alloc,	\
	.more = more, .alone = alone

const struct torture_kind torture_bump = {
	BUMP, .name = "bump", .id = TORTURE_BUMP, .mistakes = owner_mistakes,
};

const struct torture_kind torture_bump_grow = {
	BUMP, .name = "bump, grows", .id = TORTURE_BUMP_GROW, .mistakes = owner_mistakes,
	.flags = NEBULA_GROW,
};

const struct torture_kind torture_bump_shared = {
	BUMP, .name = "shared bump", .id = TORTURE_BUMP_SHARED, .mistakes = shared_mistakes,
	.flags = NEBULA_SHARED, .shared = true, .atomic = true,
};

const struct torture_kind torture_bump_shared_grow = {
	BUMP, .name = "shared bump, grows", .id = TORTURE_BUMP_SHARED_GROW,
	.mistakes = shared_mistakes, .flags = NEBULA_SHARED | NEBULA_GROW, .shared = true,
	.atomic = true,
};
