// SPDX-License-Identifier: GPL-2.0-only
/*
 * What debugfs shows of a stack: live objects, a map, validation. Process context.
 *
 * The stack may be in use meanwhile. What was collected counts only if nothing has changed since;
 * otherwise one looks again and, when it goes on changing, says so.
 */
#include <linux/export.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "stack.h"

#define LOOKS		20

#define MAP_COLUMNS	64
#define MAP_ROWS	32

/* Beyond these only totals are shown. */
#define SECTIONS_MAX	64
#define OBJECTS_MAX	32
#define FAULTS_MAX	32

/**
 * struct section - what lies between two marks
 * @objects: how many.
 * @bytes: of them.
 */
struct section {
	unsigned long objects;
	size_t bytes;
};

/**
 * struct tracked - who allocated an object
 * @origin: all but the call stack.
 * @entries: the call stack.
 */
struct tracked {
	struct nebula_guard_origin origin;
	unsigned long entries[NEBULA_CALLERS_MAX];
};

/**
 * struct collection - what was seen
 * @stack: of what.
 * @sections: how many.
 * @total: of all sections.
 * @tracked: valid entries of @object.
 * @faults: how many, @fault has the first of them.
 * @used: bytes used of those that each character of a map stands for.
 * @each: how many bytes that is.
 * @section: newest first.
 * @object: newest first.
 * @fault: what is wrong with objects.
 * @fault_at: with which.
 * @above: address that all further objects lie below.
 */
struct collection {
	const struct nebula_stack *stack;
	unsigned int sections;
	struct section total;
	unsigned int tracked;
	unsigned int faults;
	size_t used[MAP_COLUMNS * MAP_ROWS];
	size_t each;
	struct section section[SECTIONS_MAX];
	struct tracked object[OBJECTS_MAX];
	const char *fault[FAULTS_MAX];
	const void *fault_at[FAULTS_MAX];
	const void *above;
};

static const struct nebula_stack *stack_of(const struct nebula_allocator *a)
{
	return container_of(a, struct nebula_stack, common);
}

static void *first_byte(const struct nebula_stack *s)
{
	return (void *)(s->base + s->start);
}

static void add_fault(struct collection *c, const void *at, const char *what)
{
	if (c->faults < FAULTS_MAX) {
		c->fault[c->faults] = what;
		c->fault_at[c->faults] = at;
	}
	c->faults++;
}

static void check_object(struct collection *c, const struct stack_object *o)
{
	const char *what = NULL;

	if (o->base < first_byte(c->stack) || !o->size || o->base + o->size > c->above)
		what = "out of order";
	else if (stack_is_guarded(c->stack))
		what = nebula_guard_fault(&c->stack->common, o->base);
	if (what)
		add_fault(c, o->base, what);
	c->above = o->base;
}

static void track_object(struct collection *c, const struct stack_object *o)
{
	struct tracked *tracked = &c->object[c->tracked];

	if (c->tracked == OBJECTS_MAX || !nebula_guard_object(o->base))
		return;
	c->tracked++;
	nebula_guard_origin(o->base, &tracked->origin);
	memcpy(tracked->entries, tracked->origin.entries,
	       tracked->origin.nr_entries * sizeof(*tracked->entries));
}

static void map_object(struct collection *c, const struct stack_object *o)
{
	size_t from = o->base - first_byte(c->stack), end = from + o->size, piece;

	for (; from < end && from / c->each < ARRAY_SIZE(c->used); from += piece) {
		piece = min(end - from, c->each - from % c->each);
		c->used[from / c->each] += piece;
	}
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
	map_object(c, o);
	if (c->stack->common.flags & NEBULA_TRACK)
		track_object(c, o);
	return true;
}

/* Memory that nobody has is as it was filled. */
static void check_free(struct collection *c)
{
	const struct nebula_stack *s = c->stack;
	const size_t used = nebula_stack_used(s);

	if (!stack_is_shared(s) && !nebula_guard_is_filled(&s->common, first_byte(s) + used,
							   nebula_stack_capacity(s) - used))
		add_fault(c, first_byte(s) + used, "written while free");
}

static bool look_once(struct collection *c, const struct nebula_stack *s)
{
	memset(c, 0, sizeof(*c));
	c->stack = s;
	c->each = max_t(size_t, 1, DIV_ROUND_UP(nebula_stack_capacity(s), ARRAY_SIZE(c->used)));
	c->above = first_byte(s) + nebula_stack_capacity(s);
	check_free(c);
	return stack_look(s, collect, c);
}

/* NULL, with a word why, without memory or while the stack keeps changing. */
static struct collection *collect_all(const struct nebula_stack *s, struct nebula_text *t)
{
	struct collection *c = kvmalloc(sizeof(*c), GFP_KERNEL);
	unsigned int looks;

	for (looks = 0; c && looks < LOOKS; looks++) {
		if (look_once(c, s))
			return c;
		cond_resched();
	}
	if (!c && t)
		t->failed = true;
	else if (t)
		nebula_text_printf(t, "busy\n");
	kvfree(c);
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

static void put_object(const struct tracked *o, struct nebula_text *t)
{
	u64 age_ms = div_u64(local_clock() - o->origin.time_ns, NSEC_PER_MSEC);
	unsigned int i;

	nebula_text_printf(t, "%12zu %8llu.%03llu  ", o->origin.size, age_ms / 1000, age_ms % 1000);
	for (i = 0; i < o->origin.nr_entries; i++)
		nebula_text_printf(t, "%*s%pS\n", i ? 27 : 0, "", (void *)o->entries[i]);
	if (!o->origin.nr_entries)
		nebula_text_printf(t, "unknown\n");
}

/* By sections, which are what lies between two marks; with NEBULA_TRACK the newest objects too. */
void stack_render_live(struct nebula_allocator *a, struct nebula_text *t)
{
	struct collection *c = collect_all(stack_of(a), t);
	unsigned int i;

	if (!c)
		return;
	nebula_text_key(t, "live", "%lu", c->total.objects);
	nebula_text_bytes(t, "bytes", c->total.bytes);
	/* The lowest mark nobody has taken. */
	nebula_text_key(t, "marks", "%u", c->sections - 1);
	put_sections(c, t);
	if (!(a->flags & NEBULA_TRACK))
		nebula_text_key(t, "call sites", "not tracked, set NEBULA_TRACK");
	else
		nebula_text_printf(t, "%12s %12s  %s\n", "bytes", "age [s]", "allocated by");
	for (i = 0; i < c->tracked; i++)
		put_object(&c->object[i], t);
	if (c->tracked && c->tracked < c->total.objects)
		nebula_text_printf(t, "... and %lu older ones\n", c->total.objects - c->tracked);
	kvfree(c);
}

static char map_char(const struct collection *c, size_t i, size_t capacity)
{
	if (!c->used[i])
		return '.';
	return c->used[i] == min(c->each, capacity - i * c->each) ? '#' : '+';
}

void stack_render_map(struct nebula_allocator *a, struct nebula_text *t)
{
	const size_t capacity = nebula_stack_capacity(stack_of(a));
	struct collection *c = collect_all(stack_of(a), t);
	char row[MAP_COLUMNS + 1];
	unsigned int n = 0;
	size_t i;

	if (!c)
		return;
	nebula_text_printf(t, "# used  + some used  . free\n");
	nebula_text_printf(t, "%zu bytes, %zu for each character\n", capacity, c->each);
	for (i = 0; i * c->each < capacity; i++) {
		row[n++] = map_char(c, i, capacity);
		if (n < MAP_COLUMNS && (i + 1) * c->each < capacity)
			continue;
		row[n] = '\0';
		nebula_text_printf(t, "%10zu  %s\n", (i + 1 - n) * c->each, row);
		n = 0;
	}
	kvfree(c);
}

/**
 * nebula_stack_validate() - look whether every object is where it can be, and intact
 * @s: the stack.
 * @t: where faults are named, or %NULL.
 *
 * Context: process context; sleeps.
 * Return: faults; -1 when there was no memory to look, or the stack kept changing.
 */
int nebula_stack_validate(const struct nebula_stack *s, struct nebula_text *t)
{
	struct collection *c = collect_all(s, t);
	unsigned int faults, i;

	if (!c)
		return -1;
	faults = c->faults;
	for (i = 0; t && i < min_t(unsigned int, faults, FAULTS_MAX); i++)
		nebula_text_printf(t, "object at %p: %s\n", c->fault_at[i], c->fault[i]);
	if (t && faults > FAULTS_MAX)
		nebula_text_printf(t, "... and %u more\n", faults - FAULTS_MAX);
	kvfree(c);
	return faults;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_stack_validate);

void stack_render_validate(struct nebula_allocator *a, struct nebula_text *t)
{
	if (!nebula_stack_validate(stack_of(a), t))
		nebula_text_printf(t, "ok\n");
}
