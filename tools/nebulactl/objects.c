// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebulactl live, map and validate: what lies in an allocator's memory, and whether it is intact.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "read.h"
#include "table.h"
#include "target.h"
#include "units.h"
#include "view.h"

#define MAX_GRID	8

/* Why there is no such file. */
static enum status say_missing(struct view *v, const char *name, const char *what)
{
	char path[SOURCE_NAME_MAX + 32];
	char *data;
	size_t len;

	snprintf(path, sizeof(path), "allocators/%s/info", name);
	if (source_read(v->source, path, &v->arena, &data, &len) == -ENOENT)
		fprintf(stderr, "nebulactl: %s went away while it was read\n", name);
	else if (source_is_live(v->source))
		fprintf(stderr, "nebulactl: allocators of the kind of %s have no %s\n", name, what);
	else
		fprintf(stderr,
			"nebulactl: %s has no file %s: its kind has none, or it was left out of the copy (record --all takes it)\n",
			name, what);
	return STATUS_UNAVAILABLE;
}

static enum status find(struct view *v, const char **name)
{
	enum target target;

	return target_find(v, v->opt.args[0], TARGETS_ALLOCATORS, &target, name);
}

static void put_part(struct view *v, const char *part, const char *kind)
{
	if (!part)
		return;
	paint_put(v->out, PAINT_HEAD, part);
	fprintf(v->out, " (%s)\n", kind);
}

static void put_grid(struct view *v, const struct grid *grid)
{
	struct column columns[MAX_GRID] = { };
	const size_t nr = grid->nr_titles < MAX_GRID ? grid->nr_titles : MAX_GRID;
	struct table *t;
	size_t i, j;

	if (!nr)
		return;
	for (i = 0; i < nr; i++)
		columns[i] = (struct column){ grid->title[i], true, i };
	t = table_new(&v->arena, columns, nr);
	for (i = 0; i < grid->nr_rows; i++)
		for (j = 0; j < nr; j++)
			table_cell(t, PAINT_NONE, "%s", grid->row[i][j] ?: "");
	table_print(t, v->out, v->width);
}

static void put_site(struct view *v, const struct site *site, uint64_t total)
{
	char count[UNITS_SIZE], bytes[UNITS_SIZE], age[UNITS_SIZE], bar[BAR_SIZE];
	size_t i;

	fprintf(v->out, "%s%s%s object%s, %s", paint_on(PAINT_NAME),
		units_exact(count, site->count), paint_on(PAINT_NONE),
		site->count == 1 ? "" : "s", units_bytes(bytes, site->bytes));
	if (site->others) {
		fputs(", of other call sites\n", v->out);
		return;
	}
	if (site->oldest_ms)
		fprintf(v->out, ", the oldest %s old", units_age(age, site->oldest_ms));
	fprintf(v->out, "  %s\n", paint_bar(bar, units_share(site->count, total), 16));
	for (i = 0; i < site->nr_frames; i++)
		fprintf(v->out, "    %s\n", site->frame[i]);
}

static void put_live(struct view *v, const struct live *live)
{
	uint64_t total = 0;
	size_t i;

	put_part(v, live->part, live->kind);
	if (live->busy)
		fputs("busy: its owner was changing it, try again\n", v->out);
	if (live->none)
		fputs("its kind cannot say what is live\n", v->out);
	for (i = 0; i < live->pairs.nr; i++)
		fprintf(v->out, "%s%-12s%s %s\n", paint_on(PAINT_DIM), live->pairs.of[i].key,
			paint_on(PAINT_NONE), live->pairs.of[i].value);
	if (live->grid.nr_titles) {
		fputc('\n', v->out);
		put_grid(v, &live->grid);
	}
	for (i = 0; i < live->nr_sites; i++)
		total += live->site[i].count;
	for (i = 0; i < live->nr_sites; i++) {
		fputc('\n', v->out);
		put_site(v, &live->site[i], total);
	}
}

/* All there is to say of @name as JSON; takes over @content. */
static enum status put_json(struct view *v, const char *name, const char *what, json_t *content)
{
	json_t *json = json_begin(what, source_name(v->source), source_time(v->source));

	json_object_set_new(json, "name", json_string(name));
	json_object_set_new(json, what, content);
	json_end(json, &v->ps, v->out);
	return STATUS_OK;
}

enum status view_live(struct view *v)
{
	struct lives lives;
	enum status status;
	const char *name;
	size_t i;
	int ret;

	status = find(v, &name);
	if (status)
		return status;
	ret = read_live(v->source, name, &lives, &v->ps);
	if (ret)
		return ret == -ENOENT ? say_missing(v, name, "live") : STATUS_FAULTS;
	if (v->opt.json)
		return put_json(v, name, "live", json_of_lives(&lives));
	for (i = 0; i < lives.nr; i++) {
		if (i)
			fputc('\n', v->out);
		put_live(v, &lives.of[i]);
	}
	return STATUS_OK;
}

/* Shares of the characters, which is what remains of the map without colours. */
static void put_area_title(struct view *v, const struct area *area)
{
	size_t used = 0, some = 0, i;

	for (i = 0; i < area->nr_cells; i++) {
		used += area->cells[i] == '#';
		some += area->cells[i] == '+';
	}
	paint_put(v->out, PAINT_HEAD, *area->title ? area->title : "memory");
	fprintf(v->out, ": %llu %s, %llu for each character, %llu%% used",
		(unsigned long long)area->total, area->units, (unsigned long long)area->each,
		(unsigned long long)(area->nr_cells ? (2 * used + some) * 50 / area->nr_cells : 0));
	fputc('\n', v->out);
}

static void put_cell(struct view *v, char cell, enum paint *now)
{
	static const struct {
		char cell;
		enum paint paint;
		const char *block;
	} cells[] = {
		{ '#', PAINT_GOOD, "█" }, { '+', PAINT_WARN, "▒" }, { '-', PAINT_NOTE, "░" },
		{ '.', PAINT_DIM, "·" },
	};
	size_t i;

	for (i = 0; i < 3 && cells[i].cell != cell; i++)
		;
	if (*now != cells[i].paint)
		fprintf(v->out, "%s%s", paint_on(PAINT_NONE), paint_on(cells[i].paint));
	*now = cells[i].paint;
	if (paint_utf8())
		fputs(cells[i].block, v->out);
	else
		fputc(cell, v->out);
}

/* As many characters a line as fit, in eights. */
static void put_area(struct view *v, const struct area *area)
{
	size_t width = v->width && v->width < 76 ? v->width : 76, each, i, end;
	enum paint now;

	each = width > 20 ? (width - 12) / 8 * 8 : width;
	put_area_title(v, area);
	for (i = 0; i < area->nr_cells; i = end) {
		end = i + each < area->nr_cells ? i + each : area->nr_cells;
		if (width > 20)
			fprintf(v->out, "%s%10llu%s  ", paint_on(PAINT_DIM),
				(unsigned long long)(i * area->each), paint_on(PAINT_NONE));
		for (now = PAINT_NONE; i < end; i++)
			put_cell(v, area->cells[i], &now);
		fprintf(v->out, "%s\n", paint_on(PAINT_NONE));
	}
}

/* "# used  + some used  . free" in the characters that are drawn. */
static void put_legend(struct view *v, const char *legend)
{
	enum paint now = PAINT_NONE;
	const char *c;

	for (c = legend; *c; c++) {
		if (strchr("#+-.", *c) && c[1] == ' ' && (c == legend || c[-1] == ' ')) {
			put_cell(v, *c, &now);
			fputs(paint_on(PAINT_NONE), v->out);
			now = PAINT_NONE;
		} else {
			fputc(*c, v->out);
		}
	}
	fputs("\n\n", v->out);
}

enum status view_map(struct view *v)
{
	enum status status;
	const char *name, *part = NULL;
	struct map map;
	size_t i;
	int ret;

	status = find(v, &name);
	if (status)
		return status;
	ret = read_map(v->source, name, &map, &v->ps);
	if (ret)
		return ret == -ENOENT ? say_missing(v, name, "map") : STATUS_FAULTS;
	if (v->opt.json)
		return put_json(v, name, "map", json_of_map(&map));
	if (*map.legend)
		put_legend(v, map.legend);
	if (map.busy)
		fputs("busy: its owner was changing it, try again\n", v->out);
	if (!map.nr && map.none)
		fputs("nothing here has a map\n", v->out);
	for (i = 0; i < map.nr; i++) {
		if (map.of[i].part && (!part || strcmp(part, map.of[i].part)))
			fprintf(v->out, "%s\n", map.of[i].part);
		part = map.of[i].part;
		put_area(v, &map.of[i]);
	}
	return STATUS_OK;
}

/* What all parts together are: faults before busy before ok. */
static enum verdict_state worst(const struct verdicts *verdicts)
{
	enum verdict_state state = VERDICT_NONE;
	size_t i;

	for (i = 0; i < verdicts->nr; i++) {
		if (verdicts->of[i].state == VERDICT_FAULTS)
			return VERDICT_FAULTS;
		if (verdicts->of[i].state == VERDICT_BUSY ||
		    (verdicts->of[i].state == VERDICT_OK && state == VERDICT_NONE))
			state = verdicts->of[i].state;
	}
	return state;
}

static const struct {
	const char *text;
	enum paint paint;
} verdict_texts[] = {
	[VERDICT_OK] = { "ok", PAINT_GOOD },
	[VERDICT_BUSY] = { "busy, it kept changing: try again", PAINT_WARN },
	[VERDICT_NONE] = { "nothing to check", PAINT_DIM },
	[VERDICT_FAULTS] = { "FAULTS", PAINT_BAD },
};

static void put_verdicts(struct view *v, const char *name, const struct verdicts *verdicts)
{
	const enum verdict_state state = worst(verdicts);
	size_t i, j;

	fprintf(v->out, "%-24s ", name);
	paint_put(v->out, verdict_texts[state].paint, verdict_texts[state].text);
	fputc('\n', v->out);
	for (i = 0; i < verdicts->nr; i++) {
		const struct verdict *verdict = &verdicts->of[i];

		for (j = 0; j < verdict->nr_faults; j++)
			fprintf(v->out, "    %s%s%s\n", verdict->part ?: "",
				verdict->part ? ": " : "", verdict->fault[j]);
		if (verdict->more)
			fprintf(v->out, "    ... and %llu more\n",
				(unsigned long long)verdict->more);
	}
}

/* Counts of what validate said. */
struct tally {
	size_t of[VERDICT_FAULTS + 1];
};

/* One allocator; with @json there. False when it has no such file. */
static bool validate(struct view *v, const char *name, struct tally *tally, json_t *json)
{
	struct verdicts verdicts;
	json_t *object;
	int ret = read_validate(v->source, name, &verdicts, &v->ps);

	if (ret == -ENOENT)
		return false;
	/* A file that could not be read has its message, and is no verdict. */
	if (ret)
		return true;
	tally->of[worst(&verdicts)]++;
	if (!json) {
		put_verdicts(v, name, &verdicts);
		return true;
	}
	object = json_object();
	json_object_set_new(object, "name", json_string(name));
	json_object_set_new(object, "verdicts", json_of_verdicts(&verdicts));
	json_array_append_new(json, object);
	return true;
}

static void put_tally(struct view *v, const struct tally *tally)
{
	fprintf(v->out, "\n%zu ok, %zu with faults, %zu busy, %zu not checked\n",
		tally->of[VERDICT_OK], tally->of[VERDICT_FAULTS], tally->of[VERDICT_BUSY],
		tally->of[VERDICT_NONE]);
}

static void validate_all(struct view *v, struct tally *tally, json_t *json)
{
	struct names names;
	size_t i;

	if (source_list(v->source, "allocators", &v->arena, &names))
		return;
	for (i = 0; i < names.nr; i++)
		if (source_name_valid(names.of[i]) && !validate(v, names.of[i], tally, json))
			tally->of[VERDICT_NONE]++;
	if (!json)
		put_tally(v, tally);
}

enum status view_validate(struct view *v)
{
	struct tally tally = { };
	json_t *array = v->opt.json ? json_array() : NULL, *json;
	enum status status;
	const char *name;

	if (!v->opt.nr_args == !v->opt.all)
		return usage_error(&v->opt, "validate takes either a name or --all");
	if (v->opt.all) {
		validate_all(v, &tally, array);
	} else {
		status = find(v, &name);
		if (status)
			return status;
		if (!validate(v, name, &tally, array))
			return say_missing(v, name, "validate");
	}
	if (array) {
		json = json_begin("validate", source_name(v->source), source_time(v->source));
		json_object_set_new(json, "validate", array);
		json_end(json, &v->ps, v->out);
	}
	return tally.of[VERDICT_FAULTS] ? STATUS_FAULTS : STATUS_OK;
}
