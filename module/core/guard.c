// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guards: with a debug flag, each object lies between two zones and behind a description of itself.
 * Pools, whose blocks lie side by side for ever, have their own in pool_guard.c.
 *
 *	| guard | zone ....... | object | zone ... |
 *	raw                    offset              total
 *
 * NEBULA_REDZONE: the zones are verified when the object is given back (CORRUPTION). NEBULA_POISON:
 * free memory is filled, and verified when it is handed out (USE_AFTER_FREE); memory just handed
 * out is filled otherwise, so that no caller relies on it. NEBULA_TRACK: the guard keeps the call
 * stack of the allocation, and that is what a report of corruption shows.
 *
 * An overrun may hit the next guard, so each is sealed.
 *
 * A kind that cannot compute where its objects are keeps the guards in a list, newest first. A
 * guard is pushed in any context with a compare-and-exchange, and taken off only by the owner, or
 * while no allocation is in flight, so a push never meets a guard that goes (no ABA). A broken seal
 * ends the list.
 *
 * A reader copies a guard before it believes it, and checks whether guards went since it began: the
 * number of releases is odd while guards are taken off. An object is taken before its guard is set
 * up, and off the list before it is filled, in an order that other CPUs see.
 */
#include <linux/atomic.h>
#include <linux/debug_locks.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/poison.h>
#include <linux/sched/clock.h>
#include <linux/string.h>
#include "../compat.h"
#include "../error/error.h"
#include "guard.h"

#define ZONE_SIZE	16
#define ZONE_BYTE	0xbb
#define FREE_BYTE	POISON_FREE
#define NEW_BYTE	POISON_INUSE

/* What is known of an object. */
struct nebula_guard {
	struct nebula_guard *older;	/* in a list: the next older object's guard */
	size_t size;			/* bytes of the object */
	size_t total;			/* bytes from here to the end of the zone behind it */
	size_t offset;			/* bytes from here to the object */
	size_t align;			/* alignment of the whole */
	u64 time_ns;			/* when it was allocated, local_clock() */
	unsigned int nr_entries;	/* valid entries of @entries */
	unsigned long entries[NEBULA_CALLERS_MAX];	/* who allocated it, innermost first */
	unsigned long seal;		/* of all above that the list depends on */
};

/* Of a guard, or a copy of it, that is good for one at @at only. */
static unsigned long seal_at(const void *at, const struct nebula_guard *g)
{
	return ~((unsigned long)at ^ (unsigned long)g->older ^ (g->size << 1) ^ (g->total << 2) ^
		 (g->offset << 3));
}

static unsigned long seal_of(const struct nebula_guard *g)
{
	return seal_at(g, g);
}

/*
 * What a guard says, of an object in @room bytes. Whose it is may be letting go of it: what comes
 * out torn is not sealed, and what is sealed is not read a second time.
 */
static bool copy_guard(struct nebula_guard *copy, const void *raw, size_t room)
{
	if (room < sizeof(*copy))
		return false;
	/* Checked before it is believed. */
	data_race(*copy = *(const struct nebula_guard *)raw);
	barrier();	/* or the compiler may do so */
	return copy->seal == seal_at(raw, copy) && copy->total <= room &&
	       copy->offset >= sizeof(*copy) && copy->offset <= copy->total &&
	       copy->size <= copy->total - copy->offset;
}

/*
 * The call stack from the first caller outside of this module on. Which frames are ours is looked
 * at, not counted: what is inlined, and what the unwinder adds, differs. Any context. Returns
 * entries filled in.
 */
unsigned int nebula_callers(unsigned long *entries, unsigned int max)
{
	unsigned long all[NEBULA_CALLERS_MAX + 10];
	unsigned int nr = compat_stack_save(all, ARRAY_SIZE(all), 0), first = 0, i;

	for (i = 0; i < nr; i++)
		if (within_module(all[i], THIS_MODULE))
			first = i + 1;
		else if (first)
			break;
	nr = min(nr - first, max);
	memcpy(entries, all + first, nr * sizeof(*entries));
	return nr;
}

/*
 * What to allocate for an object. Any context. Returns true; false when that cannot be represented.
 */
bool nebula_guard_layout(struct nebula_guard_layout *l, size_t size, size_t align)
{
	l->align = max(align, __alignof__(struct nebula_guard));
	l->offset = ALIGN(sizeof(struct nebula_guard) + ZONE_SIZE, l->align);
	return !check_add_overflow(size, l->offset + ZONE_SIZE, &l->total) &&
	       l->total <= SIZE_MAX / 2 - l->align;
}

/* Keep an object in a list. Any context. */
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

/* Verify that free memory still is as it was filled. Any context. */
void nebula_guard_check_poison(struct nebula_allocator *a, const void *raw,
			       const struct nebula_guard_layout *l, size_t size)
{
	char what[NEBULA_WHAT_SIZE];
	const u8 *bad;

	if (!(a->flags & NEBULA_POISON))
		return;
	bad = nebula_kasan_find_other(raw, FREE_BYTE, l->total);
	if (!bad)
		return;
	snprintf(what, sizeof(what), "written at offset %zu", (size_t)(bad - (const u8 *)raw));
	nebula_fail(a, NEBULA_E_USE_AFTER_FREE, .size = size, .pointer = bad, .what = what);
}

/* Put the guard around an object that was just allocated. Any context. Returns the object. */
void *nebula_guard_init(const struct nebula_allocator *a, void *raw,
			const struct nebula_guard_layout *l, size_t size)
{
	struct nebula_guard *g = raw;
	u8 *object = raw + l->offset;

	/* Who finds memory changed finds it taken. Pairs with smp_rmb() in bump/inspect.c. */
	smp_wmb();
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

/* Put the guard around an object whose size changes where it is. Any context. */
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

/*
 * The object behind a guard. Any context. Returns the object, or NULL when the guard was
 * overwritten.
 */
void *nebula_guard_object(const void *raw)
{
	const struct nebula_guard *g = raw;
	/* A reader of a shared stack may see a guard that is being set up: its result is void. */
	const bool intact = data_race(g->seal == seal_of(g));

	return intact ? (void *)raw + data_race(g->offset) : NULL; /* likewise */
}

/* Who allocated an object. Any context. */
void nebula_guard_origin(const void *raw, struct nebula_guard_origin *origin)
{
	const struct nebula_guard *g = raw;

	origin->size = g->size;
	origin->align = g->align;
	origin->time_ns = g->time_ns;
	origin->entries = g->entries;
	origin->nr_entries = min_t(unsigned int, g->nr_entries, NEBULA_CALLERS_MAX);
}

/*
 * What a guard says, while its object may be going. Any context; the memory stays mapped. Returns
 * true; false when the guard was overwritten.
 */
bool nebula_guard_see(const void *raw, size_t room, struct nebula_guard_seen *seen)
{
	struct nebula_guard g;

	if (!IS_ALIGNED((unsigned long)raw, __alignof__(g)) || !copy_guard(&g, raw, room))
		return false;
	seen->older = g.older;
	seen->size = g.size;
	seen->total = g.total;
	seen->time_ns = g.time_ns;
	seen->nr_entries = min_t(unsigned int, g.nr_entries, NEBULA_CALLERS_MAX);
	memcpy(seen->entries, g.entries, sizeof(seen->entries));
	return true;
}

/*
 * What is wrong with an object. Any context; the memory stays mapped. Returns what is, in a few
 * words, or NULL.
 */
const char *nebula_guard_fault(const struct nebula_allocator *a, const void *raw, size_t room)
{
	struct nebula_guard g;

	if (!copy_guard(&g, raw, room))
		return "guard overwritten";
	if (!(a->flags & NEBULA_REDZONE))
		return NULL;
	if (nebula_kasan_find_other(raw + sizeof(g), ZONE_BYTE, g.offset - sizeof(g)))
		return "zone before the object";
	if (nebula_kasan_find_other(raw + g.offset + g.size, ZONE_BYTE,
				    g.total - g.offset - g.size))
		return "zone behind the object";
	return NULL;
}

/* With who allocated the object, as far as that is known. */
static void report_overwritten(struct nebula_allocator *a, const struct nebula_guard *g,
			       const void *object, const char *what)
{
	unsigned long entries[NEBULA_CALLERS_MAX + 1] = { NEBULA_ENTRY_ALLOCATED };
	const unsigned int nr = min_t(unsigned int, g->nr_entries, NEBULA_CALLERS_MAX);

	memcpy(entries + 1, g->entries, nr * sizeof(*entries));
	nebula_fail(a, NEBULA_E_CORRUPTION, .size = g->size, .pointer = object, .what = what,
		    .entries = nr ? entries : NULL, .nr_entries = nr ? nr + 1 : 0);
}

/*
 * Record what is wrong with an object, as CORRUPTION. Any context. Returns true; false when the
 * guard was overwritten, and with it what it said.
 */
bool nebula_guard_verify(struct nebula_allocator *a, const void *raw)
{
	const struct nebula_guard *g = raw;
	const char *what = nebula_guard_fault(a, raw, SIZE_MAX);
	const void *object = nebula_guard_object(raw);

	if (what && object)
		report_overwritten(a, g, object, what);
	else if (what)
		nebula_fail(a, NEBULA_E_CORRUPTION, .pointer = raw, .what = what);
	return object;
}

static void release_begin(struct nebula_guards *guards)
{
	WRITE_ONCE(guards->releases, (guards->releases + 1) | 1);
	smp_wmb();	/* Pairs with smp_rmb() in nebula_guards_unchanged(). */
}

static void release_end(struct nebula_guards *guards)
{
	/* Pairs with the acquire in nebula_guards_watch(). */
	smp_store_release(&guards->releases, (guards->releases | 1) + 1);
}

/*
 * Verify the newest objects of a list and let go of them. The owner's; no allocation is in flight.
 * Returns true; false when a guard was overwritten, now or since the list was last empty. What it
 * said of itself and of older objects is lost then, so the caller has to fill what it takes back as
 * a whole: nebula_guard_repoison().
 */
bool nebula_guard_release(struct nebula_allocator *a, struct nebula_guards *guards,
			  unsigned long count)
{
	const bool all = count == ULONG_MAX;
	struct nebula_guard *g, *older;
	bool sealed = true, whole;

	release_begin(guards);
	for (g = guards->newest; g && count && sealed; g = older, count--) {
		sealed = nebula_guard_verify(a, g);
		older = sealed ? g->older : NULL;
		if (sealed)
			nebula_guard_poison(a, g, g->total);
	}
	WRITE_ONCE(guards->newest, g);
	whole = sealed && !guards->cut;
	WRITE_ONCE(guards->cut, !all && !whole);
	if (whole)
		release_end(guards);
	return whole;
}

/* Fill what was given back, where it is not known which objects it was. The owner's context. */
void nebula_guard_repoison(const struct nebula_allocator *a, struct nebula_guards *guards, void *p,
			   size_t size)
{
	nebula_guard_poison(a, p, size);
	release_end(guards);
}

/*
 * Begin to inspect a list from outside. Any context. Returns true; false while objects are being
 * let go of.
 */
bool nebula_guards_watch(const struct nebula_guards *guards, unsigned int *releases)
{
	/* Pairs with the release in release_end(). */
	*releases = smp_load_acquire(&guards->releases);
	return !(*releases & 1);
}

/*
 * Does what was seen of a list count? Any context. Returns true; false when objects were released
 * since.
 */
bool nebula_guards_unchanged(const struct nebula_guards *guards, unsigned int releases)
{
	smp_rmb();	/* Pairs with smp_wmb() in release_begin(). */
	return READ_ONCE(guards->releases) == releases;
}

/*
 * Overwrite memory that is free, tell KASAN that it is, and lockdep, which reports locks that this
 * context holds there. Any context.
 */
void nebula_guard_poison(const struct nebula_allocator *a, void *p, size_t size)
{
	if (a->flags & NEBULA_POISON)
		memset(p, FREE_BYTE, size);
	else if (a->flags & NEBULA_INIT_ON_FREE)
		memset(p, 0, size);
	nebula_kasan_free(a, p, size);
	debug_check_no_locks_freed(p, size);
}

/*
 * Was free memory written to? Any context. Returns the first byte that is not as it was filled, or
 * NULL. Always NULL without NEBULA_POISON.
 */
const void *nebula_guard_find_overwrite(const struct nebula_allocator *a, const void *p,
					size_t size)
{
	return a->flags & NEBULA_POISON ? nebula_kasan_find_other(p, FREE_BYTE, size) : NULL;
}
