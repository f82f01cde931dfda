// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebulactl budgets and caches.
 */
#include <string.h>
#include "json.h"
#include "read.h"
#include "table.h"
#include "units.h"
#include "view.h"

/* Deeper trees are not drawn deeper. */
#define DEPTH_MAX	12

/* What is drawn before the names of one level. */
struct level {
	const char *lines[DEPTH_MAX];
	size_t depth;
};

static enum paint state_paint(const char *state)
{
	if (!strcmp(state, "normal"))
		return PAINT_GOOD;
	return strcmp(state, "high") ? PAINT_BAD : PAINT_WARN;
}

static const char *branch(const struct level *level, bool last, struct arena *a, const char *name)
{
	const char *corner = paint_utf8() ? (last ? "└─ " : "├─ ") : (last ? "`- " : "|- ");
	char *text = arena_strdup(a, "");
	size_t i;

	if (!level->depth)
		return name;
	for (i = 1; i < level->depth; i++)
		text = arena_printf(a, "%s%s", text, level->lines[i]);
	return arena_printf(a, "%s%s%s", text, corner, name);
}

static void put_row(struct view *v, struct table *t, const struct budget *b, const char *name)
{
	const uint64_t share = units_share(b->used, b->limit);
	char buf[UNITS_SIZE];

	table_cell(t, PAINT_NAME, "%s", name);
	table_bar(t, share);
	table_cell(t, paint_level(share), "%s", units_permille(buf, share));
	table_cell(t, PAINT_NONE, "%s", units_bytes_column(buf, b->used));
	table_cell(t, PAINT_NONE, "%s", units_bytes_column(buf, b->limit));
	table_cell(t, PAINT_NONE, "%s", units_bytes_column(buf, b->peak));
	table_cell(t, state_paint(b->state), "%s", b->state);
	table_cell(t, b->refused ? PAINT_BAD : PAINT_NONE, "%s", units_count(buf, b->refused));
	table_cell(t, PAINT_NONE, "%s", units_count(buf, b->regions));
	table_cell(t, PAINT_NONE, "%s", b->owner);
	(void)v;
}

static bool is_child(const struct budget *b, const struct budget *parent)
{
	return b->parent && !strcmp(b->parent, parent->name);
}

/* Is its parent among what was read? Else it stands on the first level. */
static bool has_parent(const struct snapshot *snap, const struct budget *b)
{
	size_t i;

	for (i = 0; b->parent && i < snap->nr_budgets; i++)
		if (!strcmp(snap->budget[i].name, b->parent))
			return true;
	return false;
}

/* @done keeps a malformed copy's circles from going round. */
static void put_below(struct view *v, struct table *t, const struct snapshot *snap,
		      const struct budget *parent, struct level *level, bool *done)
{
	size_t i, left = 0;

	for (i = 0; i < snap->nr_budgets; i++)
		left += is_child(&snap->budget[i], parent) && !done[i];
	if (level->depth == DEPTH_MAX - 1)
		return;
	level->depth++;
	for (i = 0; i < snap->nr_budgets; i++) {
		const struct budget *b = &snap->budget[i];

		if (!is_child(b, parent) || done[i])
			continue;
		done[i] = true;
		left--;
		put_row(v, t, b, branch(level, !left, &v->arena, b->name));
		level->lines[level->depth] = left ? (paint_utf8() ? "│  " : "|  ") : "   ";
		put_below(v, t, snap, b, level, done);
	}
	level->depth--;
}

static void put_tree(struct view *v, const struct snapshot *snap)
{
	static const struct column columns[] = {
		{ "BUDGET", false, 0 }, { "", false, 4 }, { "FULL", true, 0 }, { "USED", true, 2 },
		{ "LIMIT", true, 3 }, { "PEAK", true, 6 }, { "STATE", false, 5 },
		{ "REFUSED", true, 1 }, { "REGIONS", true, 7 }, { "OWNER", false, 8 },
	};
	struct table *t = table_new(&v->arena, columns, sizeof(columns) / sizeof(*columns));
	bool *done = arena_alloc(&v->arena, snap->nr_budgets + 1);
	struct level level = { };
	size_t i;

	for (i = 0; i < snap->nr_budgets; i++) {
		if (done[i] || has_parent(snap, &snap->budget[i]))
			continue;
		done[i] = true;
		put_row(v, t, &snap->budget[i], snap->budget[i].name);
		put_below(v, t, snap, &snap->budget[i], &level, done);
	}
	/* What is left over is in a circle, or too deep. */
	for (i = 0; i < snap->nr_budgets; i++) {
		if (done[i])
			continue;
		problem_add(&v->ps, "budgets", 0, "parents of %s form a circle, or are too many",
			    snap->budget[i].name);
		put_row(v, t, &snap->budget[i], snap->budget[i].name);
	}
	table_print(t, v->out, v->width);
}

enum status view_budgets(struct view *v)
{
	struct snapshot snap;
	json_t *json, *budgets;
	size_t i;

	read_snapshot(v->source, READ_BUDGETS, &snap, &v->ps);
	if (v->opt.json) {
		json = json_begin("budgets", source_name(v->source), snap.time);
		budgets = json_array();
		for (i = 0; i < snap.nr_budgets; i++)
			json_array_append_new(budgets, json_of_budget(&snap.budget[i]));
		json_object_set_new(json, "budgets", budgets);
		json_end(json, &v->ps, v->out);
	} else if (snap.nr_budgets) {
		put_tree(v, &snap);
	} else {
		fputs("no budgets\n", v->out);
	}
	return STATUS_OK;
}

/* About how long, in microseconds, half of the computations took at most. */
static const char *median(char buf[UNITS_SIZE], const struct cache *c)
{
	uint64_t sum = 0, half = 0;
	size_t i;

	for (i = 0; i < c->times.nr; i++)
		sum += c->times.of[i].count;
	for (i = 0; i < c->times.nr; i++) {
		half += c->times.of[i].count;
		if (2 * half >= sum)
			break;
	}
	if (!sum || i == c->times.nr)
		snprintf(buf, UNITS_SIZE, "-");
	else
		snprintf(buf, UNITS_SIZE, "%llu us+", (unsigned long long)c->times.of[i].from);
	return buf;
}

static void put_cache(struct table *t, const struct cache *c)
{
	const uint64_t full = units_share(c->entries, c->capacity);
	/* Two counts of a hostile file could overflow. */
	const uint64_t hits = units_share(c->hits / 2, c->hits / 2 + c->misses / 2 + 1);
	const bool any = c->hits + c->misses;
	char buf[UNITS_SIZE];

	table_cell(t, PAINT_NAME, "%s", c->name);
	table_cell(t, PAINT_NONE, "%s", units_count(buf, c->entries));
	table_cell(t, PAINT_NONE, "%s", units_count(buf, c->capacity));
	table_bar(t, full);
	if (any)
		table_cell(t, PAINT_NONE, "%s", pairs_find(&c->info, "hit rate") ?:
			   units_permille(buf, hits));
	else
		table_cell(t, PAINT_DIM, "-");
	table_cell(t, PAINT_NONE, "%s", units_count(buf, c->hits));
	table_cell(t, PAINT_NONE, "%s", units_count(buf, c->misses));
	table_cell(t, PAINT_NONE, "%s", units_count(buf, c->evictions));
	table_cell(t, c->errors ? PAINT_BAD : PAINT_NONE, "%s", units_count(buf, c->errors));
	table_cell(t, PAINT_NONE, "%s", median(buf, c));
	table_cell(t, PAINT_NONE, "%s", c->owner);
}

enum status view_caches(struct view *v)
{
	static const struct column columns[] = {
		{ "CACHE", false, 0 }, { "ENTRIES", true, 6 }, { "OF", true, 7 }, { "", false, 4 },
		{ "HIT RATE", true, 0 }, { "HITS", true, 3 }, { "MISSES", true, 2 },
		{ "EVICTED", true, 8 }, { "ERRORS", true, 1 }, { "COMPUTING", true, 9 },
		{ "OWNER", false, 10 },
	};
	struct snapshot snap;
	json_t *json, *caches;
	struct table *t;
	size_t i;

	read_snapshot(v->source, READ_CACHES, &snap, &v->ps);
	if (v->opt.json) {
		json = json_begin("caches", source_name(v->source), snap.time);
		caches = json_array();
		for (i = 0; i < snap.nr_caches; i++)
			json_array_append_new(caches, json_of_cache(&snap.cache[i]));
		json_object_set_new(json, "caches", caches);
		json_end(json, &v->ps, v->out);
		return STATUS_OK;
	}
	if (!snap.nr_caches) {
		fputs("no caches\n", v->out);
		return STATUS_OK;
	}
	t = table_new(&v->arena, columns, sizeof(columns) / sizeof(*columns));
	for (i = 0; i < snap.nr_caches; i++)
		put_cache(t, &snap.cache[i]);
	table_print(t, v->out, v->width);
	return STATUS_OK;
}
