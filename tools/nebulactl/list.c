// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebulactl list: all allocators in a table.
 */
#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "read.h"
#include "table.h"
#include "units.h"
#include "view.h"

static enum sort_key order;

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? 1 : -(a > b);
}

/* The largest first; names and kinds by their letters. */
static int by_order(const void *a, const void *b)
{
	const struct allocator *x = a, *y = b;
	int ret = 0;

	switch (order) {
	case SORT_FULL:
		ret = compare(x->stats.utilisation, y->stats.utilisation);
		break;
	case SORT_PEAK:
		ret = compare(x->stats.peak, y->stats.peak);
		break;
	case SORT_LIVE:
		ret = compare(x->stats.live, y->stats.live);
		break;
	case SORT_ALLOCS:
	case SORT_RATE:
		ret = compare(x->stats.allocs, y->stats.allocs);
		break;
	case SORT_FAILURES:
		ret = compare(x->stats.failures, y->stats.failures);
		break;
	case SORT_KIND:
		ret = strcmp(x->kind, y->kind);
		break;
	case SORT_NAME:
		break;
	default:
		ret = compare(x->stats.used, y->stats.used);
	}
	return ret ? ret : strcmp(x->name, y->name);
}

void list_sort(struct snapshot *snap, const struct options *opt)
{
	size_t i, nr = 0;

	for (i = 0; i < snap->nr_allocators; i++) {
		const struct allocator *a = &snap->allocator[i];

		if (!opt->filter || strcasestr(a->name, opt->filter) ||
		    strcasestr(a->kind, opt->filter) || strcasestr(a->owner, opt->filter))
			snap->allocator[nr++] = *a;
	}
	snap->nr_allocators = nr;
	order = opt->sort;
	if (nr)
		qsort(snap->allocator, nr, sizeof(*snap->allocator), by_order);
}

static void put_row(struct table *t, const struct allocator *a)
{
	const struct stats *st = &a->stats;
	char buf[UNITS_SIZE];
	size_t i;

	table_cell(t, PAINT_NAME, "%s", a->name);
	table_cell(t, PAINT_NONE, "%s", a->kind);
	if (!a->has_stats) {
		for (i = 0; i < 8; i++)
			table_cell(t, PAINT_DIM, "-");
		table_cell(t, PAINT_NONE, "%s", a->owner);
		return;
	}
	table_cell(t, PAINT_NONE, "%s", units_bytes_column(buf, st->used));
	table_cell(t, PAINT_NONE, "%s", units_bytes_column(buf, st->capacity));
	table_cell(t, paint_level(st->utilisation), "%s", units_permille(buf, st->utilisation));
	table_bar(t, st->utilisation);
	table_cell(t, PAINT_NONE, "%s", units_bytes_column(buf, st->peak));
	table_cell(t, PAINT_NONE, "%s", units_count(buf, st->live));
	table_cell(t, PAINT_NONE, "%s", units_count(buf, st->allocs));
	table_cell(t, st->failures ? PAINT_BAD : PAINT_NONE, "%s", units_count(buf, st->failures));
	table_cell(t, strcmp(a->owner, "(orphan)") ? PAINT_NONE : PAINT_BAD, "%s", a->owner);
}

void list_print(struct view *v, const struct snapshot *snap)
{
	static const struct column columns[] = {
		{ "NAME", false, 0 }, { "KIND", false, 5 }, { "USED", true, 2 },
		{ "CAPACITY", true, 4 }, { "FULL", true, 0 }, { "", false, 3 },
		{ "PEAK", true, 6 }, { "LIVE", true, 7 }, { "ALLOCS", true, 8 },
		{ "FAILED", true, 1 }, { "OWNER", false, 9 },
	};
	struct table *t = table_new(&v->arena, columns, sizeof(columns) / sizeof(*columns));
	size_t i;

	for (i = 0; i < snap->nr_allocators; i++)
		put_row(t, &snap->allocator[i]);
	table_print(t, v->out, v->width);
}

/* What all have together, and what else there is to look at. */
static void put_totals(struct view *v, const struct snapshot *snap)
{
	uint64_t used = 0, capacity = 0, failures = 0;
	char a[UNITS_SIZE], b[UNITS_SIZE], c[UNITS_SIZE];
	size_t i;

	for (i = 0; i < snap->nr_allocators; i++) {
		used += snap->allocator[i].stats.used;
		capacity += snap->allocator[i].stats.capacity;
		failures += snap->allocator[i].stats.failures;
	}
	if (v->width && v->width < 60) {
		fprintf(v->out, "\n%zu, %s used\n", snap->nr_allocators, units_bytes(a, used));
		return;
	}
	fprintf(v->out, "\n%zu allocator%s, %s of %s used, %s failures", snap->nr_allocators,
		snap->nr_allocators == 1 ? "" : "s", units_bytes(a, used),
		units_bytes(b, capacity), units_exact(c, failures));
	if (failures)
		fputs(" (nebulactl errors)", v->out);
	fputc('\n', v->out);
}

enum status view_list(struct view *v)
{
	struct snapshot snap;
	json_t *json;

	read_snapshot(v->source, READ_ALLOCATORS, &snap, &v->ps);
	list_sort(&snap, &v->opt);
	if (v->opt.json) {
		json = json_begin("list", source_name(v->source), snap.time);
		json_add_snapshot(json, &snap);
		json_end(json, &v->ps, v->out);
		return STATUS_OK;
	}
	if (!snap.nr_allocators) {
		fprintf(v->out, v->opt.filter ? "no allocator matches the filter\n"
					      : "no allocators\n");
		return STATUS_OK;
	}
	list_print(v, &snap);
	put_totals(v, &snap);
	return STATUS_OK;
}
