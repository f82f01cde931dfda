// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebulactl diff: what changed between two saved copies.
 */
#include <inttypes.h>
#include <string.h>
#include "json.h"
#include "read.h"
#include "table.h"
#include "units.h"
#include "view.h"

/* A number of both sides. */
struct delta {
	uint64_t from, to;
};

/* An allocator of either side, or of both; the other is NULL. */
struct change {
	const struct allocator *from, *to;
	struct delta used, live, allocs, peak, failures;
};

static bool has_changed(const struct delta *d)
{
	return d->from != d->to;
}

/* "+1.2 KiB", "-3", "" */
static const char *put_delta(char buf[UNITS_SIZE + 1], const struct delta *d, bool bytes)
{
	const uint64_t by = d->to > d->from ? d->to - d->from : d->from - d->to;
	char text[UNITS_SIZE];

	if (!by)
		return "=";
	snprintf(buf, UNITS_SIZE + 1, "%c%s", d->to > d->from ? '+' : '-',
		 bytes ? units_bytes(text, by) : units_count(text, by));
	return buf;
}

static struct change compare(const struct allocator *from, const struct allocator *to)
{
	static const struct stats none;
	const struct stats *a = from ? &from->stats : &none, *b = to ? &to->stats : &none;

	return (struct change){
		from, to, { a->used, b->used }, { a->live, b->live }, { a->allocs, b->allocs },
		{ a->peak, b->peak }, { a->failures, b->failures },
	};
}

static bool is_change(const struct change *c)
{
	return !c->from || !c->to || has_changed(&c->used) || has_changed(&c->live) ||
	       has_changed(&c->allocs) || has_changed(&c->peak) || has_changed(&c->failures);
}

/* Both are sorted by name. Returns all that are not the same. */
static struct change *compare_all(struct arena *a, const struct snapshot *from,
				  const struct snapshot *to, size_t *nr)
{
	struct change *changes = NULL, c;
	size_t i = 0, j = 0;
	int order;

	*nr = 0;
	while (i < from->nr_allocators || j < to->nr_allocators) {
		if (i == from->nr_allocators)
			order = 1;
		else if (j == to->nr_allocators)
			order = -1;
		else
			order = strcmp(from->allocator[i].name, to->allocator[j].name);
		c = compare(order <= 0 ? &from->allocator[i] : NULL,
			    order >= 0 ? &to->allocator[j] : NULL);
		i += order <= 0;
		j += order >= 0;
		if (!is_change(&c))
			continue;
		changes = arena_more(a, changes, *nr, sizeof(c));
		changes[(*nr)++] = c;
	}
	return changes;
}

static const char *word_of(const struct change *c)
{
	return !c->from ? "created" : !c->to ? "gone" : "changed";
}

static const char *name_of(const struct change *c)
{
	return c->to ? c->to->name : c->from->name;
}

static void put_changes(struct view *v, const struct change *changes, size_t nr)
{
	static const struct column columns[] = {
		{ "ALLOCATOR", false, 0 }, { "", false, 4 }, { "USED", true, 0 },
		{ "LIVE", true, 3 }, { "ALLOCS", true, 5 }, { "PEAK", true, 6 },
		{ "FAILED", true, 2 },
	};
	struct table *t = table_new(&v->arena, columns, sizeof(columns) / sizeof(*columns));
	char buf[UNITS_SIZE + 1];
	size_t i;

	for (i = 0; i < nr; i++) {
		const struct change *c = &changes[i];
		const enum paint paint = !c->from ? PAINT_GOOD : !c->to ? PAINT_WARN : PAINT_NONE;

		table_cell(t, PAINT_NAME, "%s", name_of(c));
		table_cell(t, paint, "%s", word_of(c));
		table_cell(t, PAINT_NONE, "%s", put_delta(buf, &c->used, true));
		table_cell(t, PAINT_NONE, "%s", put_delta(buf, &c->live, false));
		table_cell(t, PAINT_NONE, "%s", put_delta(buf, &c->allocs, false));
		table_cell(t, PAINT_NONE, "%s", put_delta(buf, &c->peak, true));
		table_cell(t, has_changed(&c->failures) ? PAINT_BAD : PAINT_NONE, "%s",
			   put_delta(buf, &c->failures, false));
	}
	table_print(t, v->out, v->width);
}

static const struct budget *find_budget(const struct snapshot *snap, const char *name)
{
	size_t i;

	for (i = 0; i < snap->nr_budgets; i++)
		if (!strcmp(snap->budget[i].name, name))
			return &snap->budget[i];
	return NULL;
}

static bool put_budgets(struct view *v, const struct snapshot *from, const struct snapshot *to)
{
	char buf[UNITS_SIZE + 1];
	bool any = false;
	size_t i;

	for (i = 0; i < to->nr_budgets; i++) {
		const struct budget *b = &to->budget[i], *a = find_budget(from, b->name);
		const struct delta used = { a ? a->used : 0, b->used };

		if (a && !has_changed(&used) && !strcmp(a->state, b->state))
			continue;
		fprintf(v->out, "%sbudget %s: %s, %s%s%s\n", any ? "" : "\n", b->name,
			put_delta(buf, &used, true), a ? a->state : "created",
			a && strcmp(a->state, b->state) ? " -> " : "",
			a && strcmp(a->state, b->state) ? b->state : "");
		any = true;
	}
	for (i = 0; i < from->nr_budgets; i++) {
		if (find_budget(to, from->budget[i].name))
			continue;
		fprintf(v->out, "%sbudget %s: gone\n", any ? "" : "\n", from->budget[i].name);
		any = true;
	}
	return any;
}

static bool is_new(const struct report *r, const struct reports *before)
{
	size_t i;

	for (i = 0; i < before->nr; i++) {
		const struct report *b = &before->of[i];

		if (b->time == r->time && b->cpu == r->cpu && !strcmp(b->name, r->name) &&
		    !strcmp(b->code, r->code))
			return b->repeated < r->repeated;
	}
	return true;
}

static bool put_errors(struct view *v, const struct snapshot *from, const struct snapshot *to)
{
	bool any = false;
	size_t i;

	for (i = 0; i < to->errors.nr; i++) {
		if (!is_new(&to->errors.of[i], &from->errors))
			continue;
		fputs(any ? "\n" : "\nnew errors\n", v->out);
		errors_print(v->out, &to->errors.of[i], v->width);
		any = true;
	}
	return any;
}

static json_t *json_of_delta(const struct delta *d)
{
	json_t *object = json_object();

	json_object_set_new(object, "from", json_of_u64(d->from));
	json_object_set_new(object, "to", json_of_u64(d->to));
	return object;
}

static void put_json(struct view *v, const struct change *changes, size_t nr,
		     const struct snapshot *from, const struct snapshot *to)
{
	json_t *json = json_begin("diff", v->opt.args[1], to->time), *array = json_array();
	json_t *object, *errors = json_array();
	size_t i;

	for (i = 0; i < nr; i++) {
		object = json_object();
		json_object_set_new(object, "name", json_string(name_of(&changes[i])));
		json_object_set_new(object, "change", json_string(word_of(&changes[i])));
		json_object_set_new(object, "used", json_of_delta(&changes[i].used));
		json_object_set_new(object, "live", json_of_delta(&changes[i].live));
		json_object_set_new(object, "allocs", json_of_delta(&changes[i].allocs));
		json_object_set_new(object, "peak", json_of_delta(&changes[i].peak));
		json_object_set_new(object, "failures", json_of_delta(&changes[i].failures));
		json_array_append_new(array, object);
	}
	for (i = 0; i < to->errors.nr; i++)
		if (is_new(&to->errors.of[i], &from->errors))
			json_array_append_new(errors, json_of_report(&to->errors.of[i]));
	json_object_set_new(json, "changes", array);
	json_object_set_new(json, "errors", errors);
	json_end(json, &v->ps, v->out);
}

/* Which frame: @last, or the first. */
static bool read_side(struct view *v, const char *root, bool last, struct snapshot *snap)
{
	struct source *s = source_open(root);

	if (!s)
		return false;
	source_seek(s, last ? source_frames(s) - 1 : 0);
	read_snapshot(s, READ_ALL, snap, &v->ps);
	source_close(s);
	return true;
}

enum status view_diff(struct view *v)
{
	struct snapshot from, to;
	struct change *changes;
	bool any;
	size_t nr;

	if (!read_side(v, v->opt.args[0], false, &from) || !read_side(v, v->opt.args[1], true, &to))
		return STATUS_UNAVAILABLE;
	changes = compare_all(&v->arena, &from, &to, &nr);
	if (v->opt.json) {
		put_json(v, changes, nr, &from, &to);
		return STATUS_OK;
	}
	if (nr)
		put_changes(v, changes, nr);
	any = put_budgets(v, &from, &to);
	any |= put_errors(v, &from, &to);
	if (!nr && !any)
		fputs("no change\n", v->out);
	return STATUS_OK;
}
