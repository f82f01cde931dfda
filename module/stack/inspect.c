// SPDX-License-Identifier: GPL-2.0-only
/*
 * What debugfs shows of a stack: live objects, a map, validation. Process context.
 *
 * The stack may be in use. What was collected counts only if nothing has changed since; otherwise
 * the reader starts over and, when the stack goes on changing, says so.
 */
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../core/inspect.h"
#include "../debugfs/map.h"
#include "../debugfs/sites.h"
#include "priv.h"

#define MAX_RETRIES		20

/* Beyond these only totals are shown. */
#define SECTIONS_MAX	64

/* What lies between two marks. */
struct section {
	unsigned long objects;	/* how many */
	size_t bytes;		/* of them */
};

/* What was seen. */
struct collection {
	const struct nebula_stack *stack;	/* of what */
	unsigned int sections;			/* how many */
	struct section total;			/* of all sections */
	struct section section[SECTIONS_MAX];	/* newest first */
	struct nebula_map map;			/* what is used */
	struct nebula_sites sites;		/* who allocated the objects, with NEBULA_TRACK */
	struct nebula_faults faults;		/* what is wrong with them */
	const void *above;			/* address that all further objects lie below */
};

static void *first_byte(const struct nebula_stack *s)
{
	return (void *)(s->base + s->start);
}

static void check_object(struct collection *c, const struct stack_object *o)
{
	const char *what = NULL;

	if (o->base < first_byte(c->stack) || !o->size || o->base + o->size > c->above)
		what = "out of order";
	else if (stack_is_guarded(c->stack))
		what = nebula_guard_fault(&c->stack->common, o->base, o->size);
	if (what)
		nebula_faults_add(&c->faults, "object", o->base, what);
	c->above = o->base;
}

/* One whose guard was overwritten is of an unknown call site. */
static void track_object(struct collection *c, const struct stack_object *o)
{
	struct nebula_guard_seen seen = { .size = o->size, .time_ns = local_clock() };

	nebula_guard_see(o->base, o->size, &seen);
	nebula_sites_add(&c->sites, seen.entries, seen.nr_entries, seen.size, seen.time_ns);
}

static bool collect(const struct stack_object *o, void *data)
{
	struct collection *c = data;

	if (!o->base) {
		c->sections++;
		return true;
	}
	c->total.objects++;
	c->total.bytes += o->size;
	if (c->sections < SECTIONS_MAX) {
		c->section[c->sections].objects++;
		c->section[c->sections].bytes += o->size;
	}
	check_object(c, o);
	nebula_map_use(&c->map, o->base - first_byte(c->stack), o->size);
	if (c->stack->common.flags & NEBULA_TRACK)
		track_object(c, o);
	return true;
}

/* Free memory is as it was filled. */
static void check_free(struct collection *c)
{
	const struct nebula_stack *s = c->stack;
	const size_t used = nebula_stack_used(s);
	const void *bad;

	if (stack_is_shared(s))
		return;
	bad = nebula_guard_find_overwrite(&s->common, first_byte(s) + used,
					  nebula_stack_capacity(s) - used);
	if (bad)
		nebula_faults_add(&c->faults, "byte", bad, "written while free");
}

static bool collect_once(struct collection *c, const struct nebula_stack *s)
{
	memset(c, 0, sizeof(*c));
	c->stack = s;
	nebula_map_begin(&c->map, nebula_stack_capacity(s), NEBULA_MAP_ROWS);
	c->above = first_byte(s) + nebula_stack_capacity(s);
	check_free(c);
	return stack_visit(s, collect, c);
}

/*
 * ERR_PTR(): -EBUSY when the owner runs, or a shared one keeps changing; -ENOMEM. With @faults one
 * counts if each retry finds one: an object that was just allocated is seen before its guard is
 * there.
 */
static struct collection *collect_all(const struct nebula_stack *s, bool faults)
{
	struct collection *c = kvmalloc(sizeof(*c), GFP_KERNEL);
	unsigned int retries = stack_is_shared(s) || faults ? MAX_RETRIES : 1;
	bool seen = false;

	if (!c)
		return ERR_PTR(-ENOMEM);
	do {
		seen = collect_once(c, s);
		if (seen && (!faults || !c->faults.nr))
			return c;
		cond_resched();
	} while (--retries);
	if (seen)
		return c;
	kvfree(c);
	return ERR_PTR(-EBUSY);
}

/* The same for a file, which says why there is nothing to be seen: then NULL. */
static struct collection *collect_for(const struct nebula_allocator *a, struct nebula_text *t)
{
	struct collection *c = collect_all(stack_of(a), false);

	if (!IS_ERR(c))
		return c;
	nebula_inspect_failed(t, PTR_ERR(c));
	return NULL;
}

static void put_sections(const struct collection *c, struct nebula_text *t)
{
	unsigned int i;

	nebula_text_printf(t, "%8s %8s %12s\n", "section", "objects", "bytes");
	for (i = 0; i < min_t(unsigned int, c->sections, SECTIONS_MAX); i++)
		nebula_text_printf(t, "%8u %8lu %12zu%s\n", c->sections - i, c->section[i].objects,
				   c->section[i].bytes, i ? "" : "  newest");
	if (c->sections > SECTIONS_MAX)
		nebula_text_printf(t, "%8s\n", "...");
}

struct nebula_sites *stack_sites(struct nebula_allocator *a)
{
	struct collection *c = collect_all(stack_of(a), false);
	struct nebula_sites *sites;

	if (IS_ERR(c))
		return NULL;
	sites = nebula_sites_copy(&c->sites);
	kvfree(c);
	return sites;
}

/* By sections, which are what lies between two marks; with NEBULA_TRACK by call sites too. */
void stack_render_live(struct nebula_allocator *a, struct nebula_text *t)
{
	struct collection *c = collect_for(a, t);

	if (!c)
		return;
	nebula_text_key(t, "live", "%lu", c->total.objects);
	nebula_text_bytes(t, "bytes", c->total.bytes);
	/* The lowest mark number that is not taken. */
	nebula_text_key(t, "marks", "%u", c->sections - 1);
	put_sections(c, t);
	nebula_sites_sort(&c->sites);
	if (a->flags & NEBULA_TRACK)
		nebula_sites_render(&c->sites, t);
	else
		nebula_sites_untracked(t);
	kvfree(c);
}

void stack_render_map(struct nebula_allocator *a, struct nebula_text *t)
{
	struct collection *c = collect_for(a, t);

	if (!c)
		return;
	nebula_text_printf(t, NEBULA_MAP_LEGEND "  . free\n");
	nebula_map_render(&c->map, "bytes", t);
	kvfree(c);
}

/* Whether every object is where it can be, and intact. Process context; sleeps. */
int stack_validate(struct nebula_allocator *a, struct nebula_text *t)
{
	struct collection *c = collect_all(stack_of(a), true);
	int faults;

	if (IS_ERR(c))
		return PTR_ERR(c);
	faults = c->faults.nr;
	if (t)
		nebula_faults_render(&c->faults, t);
	kvfree(c);
	return faults;
}
