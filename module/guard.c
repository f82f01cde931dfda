// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guards: with a debug flag, each object lies between two zones and behind a description of itself.
 *
 *	| guard | zone ....... | object | zone ... |
 *	raw                    offset              total
 *
 * NEBULA_REDZONE: the zones are verified when the object is given back (CORRUPTION). NEBULA_POISON:
 * memory nobody has is filled, and verified when it is handed out (USE_AFTER_FREE); memory just
 * handed out is filled otherwise, so that nobody relies on it. NEBULA_TRACK: the guard keeps the
 * call stack of the allocation, and that is what a report of corruption shows.
 *
 * Guards form a list, newest first. One is pushed in any context with a compare-and-exchange, and
 * taken off only by the owner, or while no allocation is in flight, so nobody meets a guard that
 * goes (no ABA). An overrun may hit the next guard: each is sealed, and a broken seal ends the
 * list.
 */
#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/poison.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include "guard.h"

#define ZONE_SIZE	16
#define ZONE_BYTE	0xbb
#define FREE_BYTE	POISON_FREE
#define NEW_BYTE	POISON_INUSE
#define ENTRIES_MAX	8

/**
 * struct nebula_guard - what is known of an object
 * @older: the next older object's guard.
 * @size: bytes of the object.
 * @total: bytes from here to the end of the zone behind it.
 * @offset: bytes from here to the object.
 * @nr_entries: valid entries of @entries.
 * @entries: who allocated it, innermost first.
 * @seal: of all above that the list depends on.
 */
struct nebula_guard {
	struct nebula_guard *older;
	size_t size;
	size_t total;
	size_t offset;
	unsigned int nr_entries;
	unsigned long entries[ENTRIES_MAX];
	unsigned long seal;
};

static unsigned long seal_of(const struct nebula_guard *g)
{
	return ~((unsigned long)g ^ (unsigned long)g->older ^ (g->size << 1) ^ (g->total << 2) ^
		 (g->offset << 3));
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

static void push(struct nebula_guards *guards, struct nebula_guard *g)
{
	struct nebula_guard *newest = READ_ONCE(guards->newest), *seen;

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

static void verify_free(struct nebula_allocator *a, const u8 *raw, size_t total, size_t size)
{
	const u8 *bad = memchr_inv(raw, FREE_BYTE, total);
	char what[NEBULA_WHAT_SIZE];

	if (!bad)
		return;
	snprintf(what, sizeof(what), "written at offset %zu", (size_t)(bad - raw));
	nebula_fail(a, NEBULA_E_USE_AFTER_FREE, .size = size, .what = what);
}

/**
 * nebula_guard_dress() - put the guard around an object that was just allocated
 * @a: the allocator; its flags say what is wanted.
 * @guards: its guards.
 * @raw: what was allocated, as @l asks for.
 * @l: the layout.
 * @size: bytes of the object.
 *
 * Context: any.
 * Return: the object.
 */
void *nebula_guard_dress(struct nebula_allocator *a, struct nebula_guards *guards, void *raw,
			 const struct nebula_guard_layout *l, size_t size)
{
	struct nebula_guard *g = raw;
	u8 *object = raw + l->offset;

	if (a->flags & NEBULA_POISON)
		verify_free(a, raw, l->total, size);
	memset(raw + sizeof(*g), ZONE_BYTE, l->total - sizeof(*g));
	if (a->flags & NEBULA_POISON)
		memset(object, NEW_BYTE, size);

	*g = (struct nebula_guard){ .size = size, .total = l->total, .offset = l->offset };
	if (a->flags & NEBULA_TRACK)
		g->nr_entries = stack_trace_save(g->entries, ENTRIES_MAX, 1);
	push(guards, g);
	return object;
}

static void report(struct nebula_allocator *a, const struct nebula_guard *g, const char *what)
{
	nebula_fail(a, NEBULA_E_CORRUPTION, .size = g->size, .what = what, .entries = g->entries,
		    .nr_entries = g->nr_entries);
}

static void verify_zones(struct nebula_allocator *a, const struct nebula_guard *g)
{
	const u8 *start = (const u8 *)g, *object = start + g->offset;

	if (memchr_inv(g + 1, ZONE_BYTE, g->offset - sizeof(*g)))
		report(a, g, "zone before the object");
	if (memchr_inv(object + g->size, ZONE_BYTE, g->total - g->offset - g->size))
		report(a, g, "zone behind the object");
}

/**
 * nebula_guard_release() - verify the newest objects and let go of them
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
		if (g->seal != seal_of(g)) {
			nebula_fail(a, NEBULA_E_CORRUPTION, .what = "guard overwritten");
			guards->newest = NULL;
			return false;
		}
		older = g->older;
		if (a->flags & NEBULA_REDZONE)
			verify_zones(a, g);
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
