// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guards: with a debug flag, each object lies between two zones and behind a description of itself.
 * Pools, whose blocks lie side by side for ever, have their own in pool_guard.c.
 *
 *	| guard | zone ....... | object | zone ... |
 *	raw                    offset              total
 *
 * NEBULA_REDZONE: the zones are verified when the object is given back (CORRUPTION). NEBULA_POISON:
 * memory nobody has is filled, and verified when it is handed out (USE_AFTER_FREE); memory just
 * handed out is filled otherwise, so that nobody relies on it. NEBULA_TRACK: the guard keeps the
 * call stack of the allocation, and that is what a report of corruption shows.
 *
 * An overrun may hit the next guard, so each is sealed.
 *
 * Who cannot tell where his objects are keeps the guards in a list, newest first. One is pushed in
 * any context with a compare-and-exchange, and taken off only by the owner, or while no allocation
 * is in flight, so nobody meets a guard that goes (no ABA). A broken seal ends the list.
 */
#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/poison.h>
#include <linux/sched/clock.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include "guard.h"

#define ZONE_SIZE	16
#define ZONE_BYTE	0xbb
#define FREE_BYTE	POISON_FREE
#define NEW_BYTE	POISON_INUSE

/**
 * struct nebula_guard - what is known of an object
 * @older: in a list: the next older object's guard.
 * @size: bytes of the object.
 * @total: bytes from here to the end of the zone behind it.
 * @offset: bytes from here to the object.
 * @align: alignment of the whole.
 * @time_ns: when it was allocated, local_clock().
 * @nr_entries: valid entries of @entries.
 * @entries: who allocated it, innermost first.
 * @seal: of all above that the list depends on.
 */
struct nebula_guard {
	struct nebula_guard *older;
	size_t size;
	size_t total;
	size_t offset;
	size_t align;
	u64 time_ns;
	unsigned int nr_entries;
	unsigned long entries[NEBULA_CALLERS_MAX];
	unsigned long seal;
};

static unsigned long seal_of(const struct nebula_guard *g)
{
	return ~((unsigned long)g ^ (unsigned long)g->older ^ (g->size << 1) ^ (g->total << 2) ^
		 (g->offset << 3));
}

/**
 * nebula_callers() - the call stack from the first caller outside of this module on
 * @entries: filled in, innermost first.
 * @max: room in @entries, at most %NEBULA_CALLERS_MAX.
 *
 * Which frames are ours is looked at, not counted: what is inlined, and what the unwinder adds,
 * differs.
 *
 * Context: any.
 * Return: entries filled in.
 */
unsigned int nebula_callers(unsigned long *entries, unsigned int max)
{
	unsigned long all[NEBULA_CALLERS_MAX + 10];
	unsigned int nr = stack_trace_save(all, ARRAY_SIZE(all), 0), first = 0, i;

	for (i = 0; i < nr; i++)
		if (within_module(all[i], THIS_MODULE))
			first = i + 1;
		else if (first)
			break;
	nr = min(nr - first, max);
	memcpy(entries, all + first, nr * sizeof(*entries));
	return nr;
}

/**
 * nebula_guard_layout() - what to allocate for an object
 * @l: filled in.
 * @size: bytes of the object.
 * @align: its alignment, a power of two.
 *
 * Context: any.
 * Return: true; false when that cannot be represented.
 */
bool nebula_guard_layout(struct nebula_guard_layout *l, size_t size, size_t align)
{
	l->align = max(align, __alignof__(struct nebula_guard));
	l->offset = ALIGN(sizeof(struct nebula_guard) + ZONE_SIZE, l->align);
	return !check_add_overflow(size, l->offset + ZONE_SIZE, &l->total) &&
	       l->total <= SIZE_MAX / 2 - l->align;
}

/**
 * nebula_guard_push() - keep an object in a list
 * @guards: the list.
 * @raw: what was allocated for the object, as dressed.
 *
 * Context: any.
 */
void nebula_guard_push(struct nebula_guards *guards, void *raw)
{
	struct nebula_guard *newest = READ_ONCE(guards->newest), *g = raw, *seen;

	for (;;) {
		g->older = newest;
		g->seal = seal_of(g);
		/* The full barrier orders the guard's contents before its address. */
		seen = cmpxchg(&guards->newest, newest, g);
		if (seen == newest)
			return;
		newest = seen;
	}
}

/**
 * nebula_guard_claim() - look whether memory that was nobody's still is as it was filled
 * @a: the allocator; nothing happens without %NEBULA_POISON.
 * @raw: what was just allocated, as @l asks for.
 * @l: the layout.
 * @size: bytes of the object.
 *
 * Context: any.
 */
void nebula_guard_claim(struct nebula_allocator *a, const void *raw,
			const struct nebula_guard_layout *l, size_t size)
{
	char what[NEBULA_WHAT_SIZE];
	const u8 *bad;

	if (!(a->flags & NEBULA_POISON))
		return;
	bad = memchr_inv(raw, FREE_BYTE, l->total);
	if (!bad)
		return;
	snprintf(what, sizeof(what), "written at offset %zu", (size_t)(bad - (const u8 *)raw));
	nebula_fail(a, NEBULA_E_USE_AFTER_FREE, .size = size, .what = what);
}

/**
 * nebula_guard_dress() - put the guard around an object that was just allocated
 * @a: the allocator; its flags say what is wanted.
 * @raw: what was allocated, as @l asks for.
 * @l: the layout.
 * @size: bytes of the object.
 *
 * Context: any.
 * Return: the object.
 */
void *nebula_guard_dress(const struct nebula_allocator *a, void *raw,
			 const struct nebula_guard_layout *l, size_t size)
{
	struct nebula_guard *g = raw;
	u8 *object = raw + l->offset;

	memset(raw + sizeof(*g), ZONE_BYTE, l->total - sizeof(*g));
	if (a->flags & NEBULA_POISON)
		memset(object, NEW_BYTE, size);

	*g = (struct nebula_guard){
		.size = size,
		.total = l->total,
		.offset = l->offset,
		.align = l->align,
	};
	if (a->flags & NEBULA_TRACK) {
		g->time_ns = local_clock();
		g->nr_entries = nebula_callers(g->entries, NEBULA_CALLERS_MAX);
	}
	g->seal = seal_of(g);
	return object;
}

/**
 * nebula_guard_resize() - put the guard around an object whose size changes where it is
 * @a: the allocator.
 * @raw: what was allocated for it; the guard is intact.
 * @l: the layout for @size.
 * @size: bytes it has now.
 *
 * Context: any.
 */
void nebula_guard_resize(const struct nebula_allocator *a, void *raw,
			 const struct nebula_guard_layout *l, size_t size)
{
	struct nebula_guard *g = raw;
	u8 *object = raw + g->offset;

	if (size > g->size && a->flags & NEBULA_POISON)
		memset(object + g->size, NEW_BYTE, size - g->size);
	memset(object + size, ZONE_BYTE, l->total - l->offset - size);
	g->size = size;
	g->total = l->total;
	g->seal = seal_of(g);
}

/**
 * nebula_guard_object() - the object behind a guard
 * @raw: what was allocated for it.
 *
 * Context: any.
 * Return: the object, or %NULL when the guard was overwritten.
 */
void *nebula_guard_object(const void *raw)
{
	const struct nebula_guard *g = raw;

	return g->seal == seal_of(g) ? (void *)raw + g->offset : NULL;
}

/**
 * nebula_guard_origin() - who allocated an object
 * @raw: what was allocated for it; the guard is intact.
 * @origin: filled in.
 *
 * Context: any.
 */
void nebula_guard_origin(const void *raw, struct nebula_guard_origin *origin)
{
	const struct nebula_guard *g = raw;

	origin->size = g->size;
	origin->align = g->align;
	origin->time_ns = g->time_ns;
	origin->entries = g->entries;
	origin->nr_entries = min_t(unsigned int, g->nr_entries, NEBULA_CALLERS_MAX);
}

/**
 * nebula_guard_fault() - what is wrong with an object
 * @a: the allocator.
 * @raw: what was allocated for it.
 *
 * Context: any.
 * Return: what is, in a few words, or %NULL.
 */
const char *nebula_guard_fault(const struct nebula_allocator *a, const void *raw)
{
	const struct nebula_guard *g = raw;
	const u8 *object = nebula_guard_object(raw);

	if (!object)
		return "guard overwritten";
	if (!(a->flags & NEBULA_REDZONE))
		return NULL;
	if (memchr_inv(g + 1, ZONE_BYTE, g->offset - sizeof(*g)))
		return "zone before the object";
	if (memchr_inv(object + g->size, ZONE_BYTE, g->total - g->offset - g->size))
		return "zone behind the object";
	return NULL;
}

/**
 * nebula_guard_verify() - record what is wrong with an object, as CORRUPTION
 * @a: the allocator.
 * @raw: what was allocated for it.
 *
 * Context: any.
 * Return: true; false when the guard was overwritten, and with it what it said.
 */
bool nebula_guard_verify(struct nebula_allocator *a, const void *raw)
{
	const struct nebula_guard *g = raw;
	const char *what = nebula_guard_fault(a, raw);
	const bool sealed = nebula_guard_object(raw);

	if (what && sealed)
		nebula_fail(a, NEBULA_E_CORRUPTION, .size = g->size, .what = what,
			    .entries = g->entries, .nr_entries = g->nr_entries);
	else if (what)
		nebula_fail(a, NEBULA_E_CORRUPTION, .what = what);
	return sealed;
}

/**
 * nebula_guard_release() - verify the newest objects of a list and let go of them
 * @a: the allocator.
 * @guards: its guards.
 * @count: how many; more than there are means all.
 *
 * Context: the owner's; no allocation is in flight.
 * Return: true; false when a guard was overwritten. What it said of itself and of older objects is
 * lost then, so the caller has to fill what it takes back as a whole.
 */
bool nebula_guard_release(struct nebula_allocator *a, struct nebula_guards *guards,
			  unsigned long count)
{
	struct nebula_guard *g, *older;

	for (g = guards->newest; g && count; g = older, count--) {
		if (!nebula_guard_verify(a, g)) {
			guards->newest = NULL;
			return false;
		}
		older = g->older;
		nebula_guard_fill(a, g, g->total);
	}
	guards->newest = g;
	return true;
}

/**
 * nebula_guard_fill() - mark memory as nobody's
 * @a: the allocator; nothing happens without %NEBULA_POISON.
 * @p: the memory.
 * @size: bytes.
 *
 * Context: any.
 */
void nebula_guard_fill(const struct nebula_allocator *a, void *p, size_t size)
{
	if (a->flags & NEBULA_POISON)
		memset(p, FREE_BYTE, size);
}

/**
 * nebula_guard_is_filled() - is memory that is nobody's as it was filled?
 * @a: the allocator.
 * @p: the memory.
 * @size: bytes.
 *
 * Context: any.
 * Return: true; false when it was written to. Without %NEBULA_POISON nobody knows: true.
 */
bool nebula_guard_is_filled(const struct nebula_allocator *a, const void *p, size_t size)
{
	return !(a->flags & NEBULA_POISON) || !memchr_inv(p, FREE_BYTE, size);
}
