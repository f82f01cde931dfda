// SPDX-License-Identifier: GPL-2.0-only
/*
 * The full-screen view: the detail pane, the newest errors, and the keys.
 */
#include <curses.h>
#include <string.h>
#include "read.h"
#include "top.h"
#include "units.h"

/* Rows that are left to write in. */
struct place {
	int y, end;
};

static const char *const pane_names[PANE_NR] = {
	[PANE_STATS] = "statistics", [PANE_MAP] = "map", [PANE_LIVE] = "live objects",
	[PANE_ERRORS] = "errors",
};

static void put_rule(int y, const char *title, const char *what)
{
	const int x = 3 + (int)strlen(title);

	attron(A_DIM);
	mvhline(y, 0, paint_utf8() ? ACS_HLINE : '-', COLS);
	attroff(A_DIM);
	top_put(y, 2, COLS, PAINT_HEAD, " %s ", title);
	if (what)
		top_put(y, x, COLS, PAINT_NONE, ": %s ", what);
}

static bool next(struct place *at)
{
	return at->y++ < at->end;
}

static void put_two(struct place *at, const char *key, const char *value, const char *key2,
		    const char *value2)
{
	if (!next(at))
		return;
	top_put(at->y - 1, 2, 14, PAINT_DIM, "%s", key);
	top_put(at->y - 1, 17, COLS, PAINT_NONE, "%s", value);
	if (COLS < 60)
		return;
	top_put(at->y - 1, 42, 14, PAINT_DIM, "%s", key2);
	top_put(at->y - 1, 57, COLS, PAINT_NONE, "%s", value2 ?: "");
}

/* Two in a row, without those that are there already. */
static void put_info(const struct pairs *info, struct place *at)
{
	const struct pair *left = NULL;
	size_t i;

	for (i = 0; i < info->nr; i++) {
		if (show_is_said(info->of[i].key))
			continue;
		if (COLS < 60) {
			put_two(at, info->of[i].key, info->of[i].value, "", NULL);
		} else if (!left) {
			left = &info->of[i];
		} else {
			put_two(at, left->key, left->value, info->of[i].key, info->of[i].value);
			left = NULL;
		}
	}
	if (left)
		put_two(at, left->key, left->value, "", NULL);
}

static void put_stats(const struct top *t, const struct allocator *a, struct place *at)
{
	const struct stats *st = &a->stats;
	char x[UNITS_SIZE], y[UNITS_SIZE];
	size_t i;

	(void)t;
	put_two(at, "kind", a->kind, "owner", a->owner);
	put_two(at, "used", units_bytes(x, st->used), "capacity", units_bytes(y, st->capacity));
	put_two(at, "peak", units_bytes(x, st->peak), "max capacity",
		units_bytes(y, st->max_capacity));
	put_two(at, "live", units_exact(x, st->live), "allocs", units_exact(y, st->allocs));
	put_two(at, "failures", units_exact(x, st->failures), "frees", units_exact(y, st->frees));
	put_two(at, "resets", units_exact(x, st->resets), "regions", units_exact(y, st->regions));
	put_two(at, "age", units_age(x, a->age_ms), "created by", a->created_by);
	for (i = 0; i < st->nr_failures && next(at); i++) {
		top_put(at->y - 1, 2, 24, PAINT_BAD, "%s", st->failure[i].code);
		top_put(at->y - 1, 28, COLS, PAINT_NONE, "%s",
			units_exact(x, st->failure[i].count));
	}
	put_info(&a->info, at);
}

static void put_cells(const struct area *area, struct place *at)
{
	static const char *const blocks[] = { "█", "▒", "░", "·" };
	static const enum paint paints[] = { PAINT_GOOD, PAINT_WARN, PAINT_NOTE, PAINT_DIM };
	static const char kinds[] = "#+-.";
	const int width = COLS > 8 ? COLS - 4 : 1;
	size_t i;
	int column = 0, kind;

	for (i = 0; i < area->nr_cells; i++, column++) {
		if (column % width == 0 && !next(at))
			return;
		kind = strchr(kinds, area->cells[i]) - kinds;
		if (paint_utf8())
			top_put(at->y - 1, 2 + column % width, 1, paints[kind], "%s", blocks[kind]);
		else
			top_put(at->y - 1, 2 + column % width, 1, paints[kind], "%c", kinds[kind]);
	}
}

static void put_map(struct top *t, struct place *at)
{
	struct problems ps = { .arena = &t->pane_arena };
	struct map map;
	size_t i;

	if (read_map(t->source, t->selected, &map, &ps)) {
		if (next(at))
			top_put(at->y - 1, 2, COLS, PAINT_DIM, "no map, here or of its kind");
		return;
	}
	if (map.busy && next(at))
		top_put(at->y - 1, 2, COLS, PAINT_WARN, "busy");
	for (i = 0; i < map.nr; i++) {
		if (!next(at))
			return;
		top_put(at->y - 1, 2, COLS, PAINT_DIM, "%s%s%llu %s, %llu for each character",
			map.of[i].title, *map.of[i].title ? ": " : "",
			(unsigned long long)map.of[i].total, map.of[i].units,
			(unsigned long long)map.of[i].each);
		put_cells(&map.of[i], at);
	}
}

static void put_site(const struct site *site, struct place *at)
{
	char count[UNITS_SIZE], bytes[UNITS_SIZE];
	size_t i;

	if (!next(at))
		return;
	top_put(at->y - 1, 2, 24, PAINT_NAME, "%s object%s, %s", units_exact(count, site->count),
		site->count == 1 ? "" : "s", units_bytes(bytes, site->bytes));
	top_put(at->y - 1, 28, COLS, PAINT_NONE, "%s", site->nr_frames ? site->frame[0] : "others");
	for (i = 1; i < site->nr_frames && i < 4 && next(at); i++)
		top_put(at->y - 1, 28, COLS, PAINT_DIM, "%s", site->frame[i]);
}

static void put_live(struct top *t, struct place *at)
{
	struct problems ps = { .arena = &t->pane_arena };
	struct lives lives;
	size_t i, j;

	if (read_live(t->source, t->selected, &lives, &ps)) {
		if (next(at))
			top_put(at->y - 1, 2, COLS, PAINT_DIM, "nothing live, here or of its kind");
		return;
	}
	for (i = 0; i < lives.nr; i++) {
		const struct live *live = &lives.of[i];

		if (live->busy && next(at))
			top_put(at->y - 1, 2, COLS, PAINT_WARN, "busy");
		for (j = 0; j < live->pairs.nr; j++)
			put_two(at, live->pairs.of[j].key, live->pairs.of[j].value, "", NULL);
		for (j = 0; j < live->nr_sites; j++)
			put_site(&live->site[j], at);
	}
}

static void put_report(const struct report *r, struct place *at)
{
	if (!next(at))
		return;
	top_put(at->y - 1, 0, 12, PAINT_DIM, "%12.6f", r->time);
	top_put(at->y - 1, 14, 16, PAINT_NAME, "%s", r->name);
	top_put(at->y - 1, 31, 18, PAINT_BAD, "%s", r->code);
	if (r->repeated)
		top_put(at->y - 1, 50, 8, PAINT_WARN, "x%llu", (unsigned long long)r->repeated + 1);
	top_put(at->y - 1, 58, COLS, PAINT_NONE, "%s", r->summary ?: "");
}

/* The newest of @name, or of all, as many as there is room for, the newest last. */
static void put_reports(const struct top *t, const char *name, struct place *at)
{
	const struct reports *reports = &t->snap.errors;
	size_t i, nr = 0, first = reports->nr;

	for (i = reports->nr; i > 0 && nr < (size_t)(at->end - at->y); i--) {
		if (name && strcmp(reports->of[i - 1].name, name))
			continue;
		nr++;
		first = i - 1;
	}
	if (!nr && next(at))
		top_put(at->y - 1, 2, COLS, PAINT_DIM, "none");
	for (i = first; i < reports->nr; i++)
		if (!name || !strcmp(reports->of[i].name, name))
			put_report(&reports->of[i], at);
}

void top_draw_pane(struct top *t, const struct top_layout *l)
{
	struct place at = { l->pane + 1, l->pane + l->pane_rows };

	arena_free(&t->pane_arena);
	if (!t->snap.nr_allocators) {
		put_rule(l->pane, "no allocator", NULL);
		return;
	}
	put_rule(l->pane, t->selected, pane_names[t->pane]);
	switch (t->pane) {
	case PANE_MAP:
		put_map(t, &at);
		break;
	case PANE_LIVE:
		put_live(t, &at);
		break;
	case PANE_ERRORS:
		put_reports(t, t->selected, &at);
		break;
	default:
		put_stats(t, &t->snap.allocator[t->cursor], &at);
	}
}

void top_draw_errors(struct top *t, const struct top_layout *l)
{
	struct place at = { l->errors + 1, l->errors + l->errors_rows };

	put_rule(l->errors, "newest errors", NULL);
	put_reports(t, NULL, &at);
}

void top_draw_help(const struct top *t, const struct top_layout *l)
{
	size_t i, nr;
	const char *const (*keys)[2] = usage_keys(&nr);
	int y = 0;

	(void)t;
	erase();
	top_put(y, 0, COLS, PAINT_HEAD, "Keys of nebulactl top");
	y = l->rows > (int)nr + 3 ? 2 : 1;
	for (i = 0; i < nr; i++, y++) {
		top_put(y, 0, 30, PAINT_NAME, "%s", keys[i][0]);
		top_put(y, COLS < 60 ? 16 : 32, COLS, PAINT_NONE, "%s", keys[i][1]);
	}
	top_put(l->rows - 1, 0, COLS, PAINT_DIM, "any key: back");
}
