// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is done to allocators of every kind, see torture.h: objects are taken, written to, verified
 * and given back; figures are read and compared; mistakes are made on purpose.
 */
#include <linux/irqflags.h>
#include <linux/string.h>
#include "torture.h"

u8 torture_foreign[64] __aligned(64);

u32 torture_random(struct torture_thread *t, u32 below)
{
	return prandom_u32_state(&t->random) % below;
}

void torture_count(struct torture_thread *t, const struct torture_subject *s,
		   enum torture_count what)
{
	t->counts[s->kind->id][what]++;
}

/* Those of the kind, and zeroed memory now and then. */
u32 torture_flags(struct torture_thread *t, const struct torture_subject *s)
{
	return s->kind->flags | (torture_random(t, 4) ? 0 : NEBULA_ZERO);
}

enum nebula_preset torture_preset(struct torture_thread *t)
{
	return torture_random(t, 3) ? NEBULA_PRODUCTION : NEBULA_DEVELOPMENT;
}

/* Mostly small. */
size_t torture_size(struct torture_thread *t, const struct torture_subject *s)
{
	size_t most = torture_random(t, 8) ? s->largest / 4 + 1 : s->largest;

	return 1 + torture_random(t, most);
}

/* No two neighbours are equal, and no two objects of a subject that lie side by side. */
void torture_stamp(u8 *p, size_t size, u32 id)
{
	size_t i;

	for (i = 0; i < size; i++)
		p[i] = id * 37 + i * 7;
}

bool torture_stamped(const u8 *p, size_t size, u32 id)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (p[i] != (u8)(id * 37 + i * 7))
			return false;
	return true;
}

void torture_verify(const struct torture_subject *s, const struct torture_object *o)
{
	if (!torture_stamped(o->p, o->size, o->id))
		torture_fault("%s: an object of %zu bytes has changed", s->kind->name, o->size);
}

static bool claim(struct torture_object *o, int from)
{
	return atomic_cmpxchg(&o->state, from, TORTURE_BUSY) == from;
}

static struct torture_object *find(struct torture_thread *t, struct torture_subject *s, int state)
{
	unsigned int first = torture_random(t, TORTURE_OBJECTS), i;

	for (i = 0; i < TORTURE_OBJECTS; i++) {
		struct torture_object *o = &s->objects[(first + i) % TORTURE_OBJECTS];

		if (claim(o, state))
			return o;
	}
	return NULL;
}

/* An object that is taken, and the caller's until it is released. NULL when there is none. */
struct torture_object *torture_claim(struct torture_thread *t, struct torture_subject *s)
{
	return find(t, s, TORTURE_TAKEN);
}

/* Room to remember an object, the caller's until it is released. NULL as torture_claim(). */
struct torture_object *torture_claim_empty(struct torture_thread *t, struct torture_subject *s)
{
	return find(t, s, TORTURE_EMPTY);
}

void torture_release(struct torture_object *o, int state)
{
	atomic_set_release(&o->state, state);
}

/* @o is released; if it has moved to @p and got another size, it must have kept what it held. */
void torture_resized(struct torture_subject *s, struct torture_object *o, u8 *p, size_t size)
{
	if (p) {
		if (!torture_stamped(p, min(size, o->size), o->id))
			torture_fault("%s: an object lost its content", s->kind->name);
		o->p = p;
		o->size = size;
		o->id = atomic_inc_return(&s->ids);
		torture_stamp(o->p, o->size, o->id);
	}
	torture_release(o, TORTURE_TAKEN);
}

/* Exact when alone; others take a guess. NULL as torture_claim(). */
struct torture_object *torture_newest(struct torture_subject *s)
{
	struct torture_object *found = NULL;
	unsigned int i;

	for (i = 0; i < TORTURE_OBJECTS; i++) {
		struct torture_object *o = &s->objects[i];

		if (atomic_read(&o->state) == TORTURE_TAKEN &&
		    (!found || (s32)(READ_ONCE(o->id) - READ_ONCE(found->id)) > 0))
			found = o;
	}
	return found && claim(found, TORTURE_TAKEN) ? found : NULL;
}

/* Alone. What was taken later than @id is no longer there; it is unharmed up to now. */
void torture_forget(struct torture_subject *s, u32 id)
{
	unsigned int i;

	for (i = 0; i < TORTURE_OBJECTS; i++) {
		struct torture_object *o = &s->objects[i];

		if (atomic_read(&o->state) == TORTURE_TAKEN && (s32)(o->id - id) > 0)
			torture_release(o, TORTURE_EMPTY);
	}
}

unsigned int torture_live(const struct torture_subject *s)
{
	unsigned int live = 0, i;

	for (i = 0; i < TORTURE_OBJECTS; i++)
		live += atomic_read(&s->objects[i].state) != TORTURE_EMPTY;
	return live;
}

/* Some with interrupts off. */
static void *serve(struct torture_thread *t, struct torture_subject *s, size_t *size, size_t align)
{
	unsigned long flags;
	void *p;

	if (!s->kind->atomic || torture_random(t, 4))
		return s->kind->alloc(t, s, size, align);
	local_irq_save(flags);
	p = s->kind->alloc(t, s, size, align);
	local_irq_restore(flags);
	return p;
}

static void inspect(const struct torture_subject *s, const struct torture_object *o, size_t align)
{
	if (!IS_ALIGNED((unsigned long)o->p, align))
		torture_fault("%s: an object is not aligned to %zu", s->kind->name, align);
	/* The kernel's own allocator, a part of some, knows where objects begin and no more. */
	if (!nebula_allocator_owns(s->any, o->p) ||
	    (!s->parts[0] && !nebula_allocator_owns(s->any, o->p + o->size - 1)))
		torture_fault("%s: an object of %zu bytes is not its own", s->kind->name, o->size);
	if (s->any->flags & NEBULA_ZERO && memchr_inv(o->p, 0, o->size))
		torture_fault("%s: an object of %zu bytes is not zeroed", s->kind->name, o->size);
}

/* Takes an object: false when there was none to be had, or no room to remember it. */
bool torture_take(struct torture_thread *t, struct torture_subject *s)
{
	struct torture_object *o = torture_claim_empty(t, s);
	size_t size = torture_size(t, s), align = 1UL << torture_random(t, s->aligns + 1);

	if (!o)
		return false;
	o->p = serve(t, s, &size, align);
	if (!o->p) {
		torture_count(t, s, TORTURE_FULL);
		torture_release(o, TORTURE_EMPTY);
		return false;
	}
	o->size = size;
	WRITE_ONCE(o->id, atomic_inc_return(&s->ids));
	inspect(s, o, align);
	torture_stamp(o->p, o->size, o->id);
	torture_count(t, s, TORTURE_ALLOCS);
	torture_release(o, TORTURE_TAKEN);
	return true;
}

/* Gives an object back: false when there is none, or it is refused because of others. */
bool torture_give(struct torture_thread *t, struct torture_subject *s)
{
	struct torture_object *o = s->kind->lifo ? torture_newest(s) : torture_claim(t, s);

	if (!o)
		return false;
	torture_verify(s, o);
	if (!s->kind->free(s, o->p, o->size)) {
		if (!s->kind->shared)
			torture_fault("%s: the newest object is refused", s->kind->name);
		torture_release(o, TORTURE_TAKEN);
		return false;
	}
	torture_count(t, s, TORTURE_FREES);
	torture_release(o, TORTURE_EMPTY);
	return true;
}

/* Figures that hold while others are at work, too. */
void torture_look(struct torture_thread *t, struct torture_subject *s)
{
	torture_count(t, s, TORTURE_LOOKS);
	nebula_allocator_stats_read(s->any, &t->stats);
	if (t->stats.used + t->stats.available != t->stats.capacity)
		torture_fault("%s: used and available are not the capacity", s->kind->name);
	if (t->stats.utilisation > 1000)
		torture_fault("%s: more than full", s->kind->name);
	if (!nebula_allocator_last_error(s->any, &t->err))
		return;
	if (t->err.code <= NEBULA_OK || t->err.code >= NEBULA_E_NR)
		torture_fault("%s: the last error is none", s->kind->name);
	if (nebula_error_snprint(t->text, sizeof(t->text), &t->err) <= 0)
		torture_fault("%s: the last error is silent", s->kind->name);
}

/* Alone: all objects are as they were written, and the figures are exact. */
void torture_audit(struct torture_thread *t, struct torture_subject *s)
{
	unsigned int live = torture_live(s), i;

	if (s->kind->audit)
		return s->kind->audit(t, s);
	for (i = 0; i < TORTURE_OBJECTS; i++)
		if (atomic_read(&s->objects[i].state) == TORTURE_TAKEN)
			torture_verify(s, &s->objects[i]);
	torture_look(t, s);
	if (t->stats.live < live || (t->stats.live > live && !s->inexact))
		torture_fault("%s: %llu live, and we have %u", s->kind->name, t->stats.live, live);
	if (t->stats.allocs - t->stats.frees != t->stats.live)
		torture_fault("%s: allocations, frees and live differ", s->kind->name);
}

/* Alone: makes one of the kind's mistakes, which is refused, counted, and the newest error. */
void torture_err(struct torture_thread *t, struct torture_subject *s)
{
	const struct torture_mistake *m = s->kind->mistakes;
	unsigned int n = 0;
	u64 before;

	while (m[n].commit)
		n++;
	m += torture_random(t, n);
	if (!s->any) {
		m->commit(t, s);
		torture_count(t, s, TORTURE_MISTAKES);
		return;
	}
	nebula_allocator_stats_read(s->any, &t->stats);
	before = t->stats.failures[m->code];
	if (!m->commit(t, s))
		return;
	torture_count(t, s, TORTURE_MISTAKES);
	nebula_allocator_stats_read(s->any, &t->stats);
	if (t->stats.failures[m->code] == before)
		torture_fault("%s: %s is not counted", s->kind->name, nebula_errc_name(m->code));
	if (!nebula_allocator_last_error(s->any, &t->err) || t->err.code != m->code)
		torture_fault("%s: %s is not the last error", s->kind->name,
			      nebula_errc_name(m->code));
}

/* The compiler must not see what it would warn about. */
static bool refused(struct torture_subject *s, size_t size, size_t align)
{
	void *p;

	OPTIMIZER_HIDE_VAR(size);
	preempt_disable();
	p = nebula_allocator_alloc(s->any, size, align);
	preempt_enable();
	if (p)
		torture_fault("%s: %zu bytes, aligned to %zu, were served", s->kind->name, size,
			      align);
	return true;
}

bool torture_wrong_align(struct torture_thread *t, struct torture_subject *s)
{
	return refused(s, 8, 3);
}

bool torture_too_large(struct torture_thread *t, struct torture_subject *s)
{
	return refused(s, SZ_16M, 8);
}

bool torture_absurd_size(struct torture_thread *t, struct torture_subject *s)
{
	return refused(s, SIZE_MAX - 8, 8);
}
