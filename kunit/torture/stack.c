// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stacks and scratch memory under torture, see torture.h.
 */
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include "torture.h"

/* Most objects of a CPU's scratch memory at a time. */
#define DEPTH	4

static void *create(struct torture_thread *t, struct torture_subject *s, const char *name)
{
	size_t capacity = SZ_4K << torture_random(t, 4);
	u32 flags = torture_flags(t, s);

	s->largest = 512;
	s->aligns = 8;
	/* What is left behind must not serve from memory that is ours. */
	if (!t->leaving && !torture_random(t, 4))
		s->buffer = kvmalloc(capacity, GFP_KERNEL);
	if (s->buffer)
		s->stack = nebula_stack_create(name, .buffer = s->buffer, .buffer_size = capacity,
					       .flags = flags, .preset = torture_preset(t));
	else
		s->stack = nebula_stack_create(name, .capacity = capacity, .flags = flags,
					       .backing = torture_random(t, 3),
					       .preset = torture_preset(t));
	if (!IS_ERR(s->stack))
		s->any = nebula_allocator_of(s->stack);
	return s->stack;
}

static void destroy(struct torture_subject *s)
{
	nebula_stack_destroy(s->stack);
}

static void *alloc(struct torture_thread *t, struct torture_subject *s, size_t *size, size_t align)
{
	if (align <= 64 && !torture_random(t, 3)) {
		*size = 64;
		return nebula_stack_alloc(s->stack, 64, 64);
	}
	return torture_random(t, 3) ? nebula_stack_alloc(s->stack, *size, align)
				    : nebula_stack_zalloc(s->stack, *size, align);
}

static bool give_back(struct torture_subject *s, void *p, size_t size)
{
	return !nebula_stack_free(s->stack, p);
}

static void nest(struct torture_thread *t, struct torture_subject *s, unsigned int depth)
{
	struct nebula_mark mark = nebula_stack_mark(s->stack);
	u32 id = atomic_read(&s->ids);

	while (torture_random(t, 4))
		torture_take(t, s);
	if (depth && torture_random(t, 4))
		nest(t, s, depth - 1);
	torture_audit(t, s);
	torture_count(t, s, TORTURE_RESETS);
	nebula_stats_read(s->stack, &t->stats);
	if (!nebula_stack_restore(s->stack, mark))
		torture_forget(s, id);
	else if (!t->stats.failures[NEBULA_E_EXCEEDS_MAX])
		torture_fault("%s: a mark is refused", s->kind->name);
}

/* The newest object grows or shrinks. */
static void resize(struct torture_thread *t, struct torture_subject *s)
{
	struct torture_object *o = torture_newest(s);
	size_t size = torture_size(t, s);
	u8 *p;

	if (!o)
		return;
	p = nebula_stack_realloc(s->stack, o->p, o->size, size, 1);
	torture_resized(s, o, p, size);
}

static void start_over(struct torture_thread *t, struct torture_subject *s)
{
	nebula_stack_reset(s->stack);
	torture_forget(s, 0);
	torture_count(t, s, TORTURE_RESETS);
	if (nebula_stack_used(s->stack))
		torture_fault("%s: something is left after a reset", s->kind->name);
}

static void alone(struct torture_thread *t, struct torture_subject *s)
{
	/* Others may have taken theirs in another order than they counted them. */
	if (s->kind->shared || !torture_random(t, 4))
		start_over(t, s);
	if (torture_random(t, 2))
		nest(t, s, 12);
	else
		resize(t, s);
}

static void refuse(struct torture_subject *s, void *p)
{
	if (nebula_stack_free(s->stack, p) != -EINVAL)
		torture_fault("%s: what has to be refused was freed", s->kind->name);
}

static bool foreign(struct torture_thread *t, struct torture_subject *s)
{
	refuse(s, torture_foreign);
	return true;
}

/* Two new objects, so that it is known which of them is the newer. */
static bool take_two(struct torture_subject *s, void *p[2])
{
	p[0] = nebula_stack_alloc(s->stack, 64, 64);
	p[1] = p[0] ? nebula_stack_alloc(s->stack, 64, 64) : NULL;
	if (p[0] && !p[1])
		nebula_stack_free(s->stack, p[0]);
	return p[1];
}

static void give_two(struct torture_subject *s, void *p[2])
{
	if (nebula_stack_free(s->stack, p[1]) || nebula_stack_free(s->stack, p[0]))
		torture_fault("%s: two objects are refused", s->kind->name);
}

static bool wrong_order(struct torture_thread *t, struct torture_subject *s)
{
	void *p[2];

	if (!take_two(s, p))
		return false;
	refuse(s, p[0]);
	give_two(s, p);
	return true;
}

static bool inside(struct torture_thread *t, struct torture_subject *s)
{
	void *p[2];

	if (!take_two(s, p))
		return false;
	refuse(s, p[1] + 1 + torture_random(t, 63));
	give_two(s, p);
	return true;
}

static bool twice(struct torture_thread *t, struct torture_subject *s)
{
	void *p[2];

	if (!take_two(s, p))
		return false;
	give_two(s, p);
	refuse(s, p[torture_random(t, 2)]);
	return true;
}

static bool stale(struct torture_thread *t, struct torture_subject *s)
{
	struct nebula_mark mark;
	void *p[2];

	if (!take_two(s, p))
		return false;
	mark = nebula_stack_mark(s->stack);
	give_two(s, p);
	return nebula_stack_restore(s->stack, mark) == -ESTALE;
}

static bool foreign_mark(struct torture_thread *t, struct torture_subject *s)
{
	struct nebula_mark mark = nebula_stack_mark(s->stack);

	mark.owner++;
	if (nebula_stack_restore(s->stack, mark) != -EINVAL)
		torture_fault("%s: a foreign mark was restored", s->kind->name);
	return true;
}

static const struct torture_mistake stack_mistakes[] = {
	{ NEBULA_E_INVALID_ALIGNMENT, torture_wrong_align },
	{ NEBULA_E_SIZE_OVERFLOW, torture_absurd_size },
	{ NEBULA_E_OUT_OF_MEMORY, torture_too_large },
	{ NEBULA_E_FOREIGN_POINTER, foreign },
	{ NEBULA_E_LIFO_VIOLATION, wrong_order },
	{ NEBULA_E_MISALIGNED_POINTER, inside },
	{ NEBULA_E_DOUBLE_FREE, twice },
	{ NEBULA_E_STALE_CHECKPOINT, stale },
	{ NEBULA_E_FOREIGN_CHECKPOINT, foreign_mark },
	{ }
};

#define STACK							\
	.create = create, .destroy = destroy, .alloc = alloc,	\
	.free = give_back, .more = torture_look, .alone = alone,	\
	.mistakes = stack_mistakes, .lifo = true

const struct torture_kind torture_stack = {
	STACK, .name = "stack", .id = TORTURE_STACK,
};

const struct torture_kind torture_stack_shared = {
	STACK, .name = "shared stack", .id = TORTURE_STACK_SHARED, .flags = NEBULA_SHARED,
	.shared = true, .atomic = true,
};

static void *create_scratch(struct torture_thread *t, struct torture_subject *s, const char *name)
{
	s->largest = 256 << torture_random(t, 5);
	s->aligns = 6;
	s->scratch = nebula_scratch_create(name, .per_cpu_size = 2 * s->largest,
					   .backing = torture_random(t, 3),
					   .flags = torture_flags(t, s),
					   .preset = torture_preset(t));
	if (!IS_ERR(s->scratch))
		s->any = nebula_allocator_of(s->scratch);
	return s->scratch;
}

static void destroy_scratch(struct torture_subject *s)
{
	nebula_scratch_destroy(s->scratch);
}

/* Who interrupts this finds nothing changed, and leaves nothing changed. */
static void nest_scratch(struct torture_thread *t, struct torture_subject *s)
{
	struct torture_object o[DEPTH];
	unsigned int n;

	for (n = 0; n < DEPTH; n++) {
		o[n].size = torture_random(t, 3) ? torture_size(t, s) : 32;
		o[n].p = o[n].size == 32 ? nebula_scratch_get(s->scratch, 32, 8)
					 : nebula_scratch_get(s->scratch, o[n].size, 1);
		if (!o[n].p) {
			torture_count(t, s, TORTURE_FULL);
			break;
		}
		o[n].id = atomic_inc_return(&s->ids);
		torture_stamp(o[n].p, o[n].size, o[n].id);
		torture_count(t, s, TORTURE_ALLOCS);
	}
	while (n--) {
		torture_verify(s, &o[n]);
		if (nebula_scratch_put(s->scratch, o[n].p))
			torture_fault("%s: the newest object is refused", s->kind->name);
		torture_count(t, s, TORTURE_FREES);
	}
}

static void use_scratch(struct torture_thread *t, struct torture_subject *s)
{
	unsigned long flags;

	if (torture_random(t, 2)) {
		preempt_disable();
		nest_scratch(t, s);
		preempt_enable();
	} else {
		local_irq_save(flags);
		nest_scratch(t, s);
		local_irq_restore(flags);
	}
	torture_look(t, s);
}

static void refuse_put(struct torture_subject *s, void *p)
{
	if (nebula_scratch_put(s->scratch, p) != -EINVAL)
		torture_fault("%s: what has to be refused was put", s->kind->name);
}

static bool foreign_put(struct torture_thread *t, struct torture_subject *s)
{
	preempt_disable();
	refuse_put(s, torture_foreign);
	preempt_enable();
	return true;
}

/* The same is put before what is newer, then rightly, then once more: @order picks one of these. */
static bool put(struct torture_subject *s, enum nebula_errc code)
{
	void *older, *newer;

	preempt_disable();
	older = nebula_scratch_get(s->scratch, 16, 8);
	newer = nebula_scratch_get(s->scratch, 16, 8);
	if (code == NEBULA_E_LIFO_VIOLATION)
		refuse_put(s, older);
	if (code == NEBULA_E_MISALIGNED_POINTER)
		refuse_put(s, newer + 1);
	if (nebula_scratch_put(s->scratch, newer) || nebula_scratch_put(s->scratch, older))
		torture_fault("%s: two objects are refused", s->kind->name);
	if (code == NEBULA_E_DOUBLE_FREE)
		refuse_put(s, older);
	preempt_enable();
	return true;
}

static bool put_in_wrong_order(struct torture_thread *t, struct torture_subject *s)
{
	return put(s, NEBULA_E_LIFO_VIOLATION);
}

static bool put_inside(struct torture_thread *t, struct torture_subject *s)
{
	return put(s, NEBULA_E_MISALIGNED_POINTER);
}

static bool put_twice(struct torture_thread *t, struct torture_subject *s)
{
	return put(s, NEBULA_E_DOUBLE_FREE);
}

static const struct torture_mistake scratch_mistakes[] = {
	{ NEBULA_E_INVALID_ALIGNMENT, torture_wrong_align },
	{ NEBULA_E_SIZE_OVERFLOW, torture_absurd_size },
	{ NEBULA_E_FOREIGN_POINTER, foreign_put },
	{ NEBULA_E_LIFO_VIOLATION, put_in_wrong_order },
	{ NEBULA_E_MISALIGNED_POINTER, put_inside },
	{ NEBULA_E_DOUBLE_FREE, put_twice },
	{ }
};

const struct torture_kind torture_scratch = {
	.name = "scratch", .id = TORTURE_SCRATCH, .shared = true, .create = create_scratch,
	.destroy = destroy_scratch, .more = use_scratch, .mistakes = scratch_mistakes,
};
