// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads live, map and validate, see read.h. Those of a composite have what its parts have, one
 * after another, each behind "part N: name (kind)".
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "read.h"

/* Where the frames of a call stack begin, but for the first of each. */
#define STACK_COLUMN	36

/* What fits into a map. */
#define MAP_ROW_MAX	256

bool read_part(struct text *t, const char *line, const char **name, const char **kind)
{
	struct arena *a = t->ps->arena;
	const char *open = strrchr(line, '('), *colon;
	char *number = (char *)line + 5;
	uint64_t n;

	if (strncmp(line, "part ", 5) || !text_u64(&number, &n) || strncmp(number, ": ", 2))
		return false;
	colon = number;
	if (!open || open < colon + 3 || open[strlen(open) - 1] != ')')
		return false;
	*name = arena_strndup(a, colon + 2, open - colon - 3);
	*kind = arena_strndup(a, open + 1, strlen(open) - 2);
	return true;
}

static int open_of(struct text *t, struct source *s, const char *name, const char *file,
		   struct problems *ps)
{
	char path[SOURCE_NAME_MAX + 32];
	int ret;

	snprintf(path, sizeof(path), "allocators/%s/%s", name, file);
	ret = text_open(t, s, path, file, ps);
	t->path = arena_strdup(ps->arena, path);
	return ret;
}

static struct live *add_live(struct lives *lives, struct arena *a)
{
	lives->of = arena_more(a, lives->of, lives->nr, sizeof(*lives->of));
	return &lives->of[lives->nr++];
}

/* The words of @line in the arena. */
static size_t take_words(struct arena *a, char *line, const char ***words)
{
	char *rest = line, *word;
	size_t nr = 0;

	*words = NULL;
	while ((word = text_word(&rest))) {
		*words = arena_more(a, *words, nr, sizeof(**words));
		(*words)[nr++] = arena_strdup(a, word);
	}
	return nr;
}

/* Titles of the tables that are not by call site. */
static bool is_grid(const char *line)
{
	line += strspn(line, " ");
	return !strncmp(line, "region ", 7) || !strncmp(line, "section ", 8) ||
	       !strncmp(line, "cpu ", 4);
}

static void take_row(struct text *t, struct grid *grid, char *line)
{
	struct arena *a = t->ps->arena;
	const char **words, **row;
	size_t nr = take_words(a, line, &words), i;

	if (nr < 2 && !(nr == 1 && !strcmp(words[0], "..."))) {
		text_problem(t, "a row of %zu words under %zu titles", nr, grid->nr_titles);
		return;
	}
	row = arena_alloc(a, grid->nr_titles * sizeof(*row));
	for (i = 0; i < nr && i < grid->nr_titles; i++)
		row[i] = words[i];
	grid->row = arena_more(a, grid->row, grid->nr_rows, sizeof(*grid->row));
	grid->row[grid->nr_rows++] = row;
}

static void add_frame(struct arena *a, struct site *site, const char *frame)
{
	site->frame = arena_more(a, site->frame, site->nr_frames, sizeof(*site->frame));
	site->frame[site->nr_frames++] = arena_strdup(a, frame);
}

/* "      10        21760        0.012  open_connection+0x1c/0x40 [nebula_demo]" */
static void take_site(struct text *t, struct live *live, char *line)
{
	struct arena *a = t->ps->arena;
	struct site site = { };
	uint64_t seconds, ms;
	char *rest = line;

	if (!text_u64(&rest, &site.count) || !text_u64(&rest, &site.bytes)) {
		text_problem(t, "a call site begins with objects and bytes: \"%.40s\"", line);
		return;
	}
	if (text_u64(&rest, &seconds)) {
		if (*rest != '.' || !text_u64(&(char *){ rest + 1 }, &ms) || seconds > 1ULL << 50) {
			text_problem(t, "the age of a call site is not seconds: \"%.40s\"", line);
			return;
		}
		rest += 1 + strspn(rest + 1, "0123456789");
		site.oldest_ms = 1000 * seconds + ms % 1000;
	}
	rest += strspn(rest, " ");
	site.others = !strcmp(rest, "others");
	if (!site.others)
		add_frame(a, &site, *rest ? rest : "unknown");
	live->site = arena_more(a, live->site, live->nr_sites, sizeof(site));
	live->site[live->nr_sites++] = site;
}

/* What lines are, until a line says otherwise. */
enum live_section { LIVE_PAIRS, LIVE_GRID, LIVE_SITES };

static void take_live(struct text *t, struct live *live, enum live_section *section, char *line)
{
	struct arena *a = t->ps->arena;
	char *key, *value;

	if (text_split(line, &key, &value)) {
		live->pairs.of = arena_more(a, live->pairs.of, live->pairs.nr,
					    sizeof(*live->pairs.of));
		live->pairs.of[live->pairs.nr++] = (struct pair){
			arena_strdup(a, key), arena_strdup(a, value),
		};
		*section = LIVE_PAIRS;
	} else if (!strcmp(line, "busy")) {
		live->busy = true;
	} else if (!strcmp(line, "none")) {
		live->none = true;
	} else if (*section != LIVE_SITES && !live->grid.nr_titles && is_grid(line)) {
		/* Once: rows have as many words as it has titles. */
		live->grid.nr_titles = take_words(a, line, &live->grid.title);
		*section = LIVE_GRID;
	} else if (strstr(line, "allocated by") && strstr(line, "objects")) {
		*section = LIVE_SITES;
	} else if (*section == LIVE_SITES && live->nr_sites && strspn(line, " ") == STACK_COLUMN) {
		add_frame(a, &live->site[live->nr_sites - 1], line + STACK_COLUMN);
	} else if (*section == LIVE_SITES) {
		take_site(t, live, line);
	} else if (*section == LIVE_GRID) {
		take_row(t, &live->grid, line);
	} else {
		text_problem(t, "not a line of live: \"%.40s\"", line);
	}
}

int read_live(struct source *s, const char *name, struct lives *lives, struct problems *ps)
{
	enum live_section section = LIVE_PAIRS;
	const char *part, *kind;
	struct live *live = NULL;
	struct text t;
	char *line;
	int ret = open_of(&t, s, name, "live", ps);

	*lives = (struct lives){ };
	while (!ret && (line = text_line(&t))) {
		if (read_part(&t, line, &part, &kind)) {
			live = add_live(lives, ps->arena);
			live->part = part;
			live->kind = kind;
			section = LIVE_PAIRS;
			continue;
		}
		if (!live)
			live = add_live(lives, ps->arena);
		take_live(&t, live, &section, line);
	}
	return ret;
}

/* "region 1: 131072 bytes, 64 for each character"; without the first part too. */
static bool take_area(struct text *t, struct map *map, const char *part, char *line)
{
	struct arena *a = t->ps->arena;
	struct area area = { .part = part, .title = "" };
	char *at = line, *colon = strstr(line, ": "), *comma;

	if (colon && !isdigit((unsigned char)*line)) {
		area.title = arena_strndup(a, line, colon - line);
		at = colon + 2;
	}
	if (!isdigit((unsigned char)*at) || !text_u64(&at, &area.total) || *at != ' ')
		return false;
	comma = strstr(at, ", ");
	if (!comma)
		return false;
	area.units = arena_strndup(a, at + 1, comma - at - 1);
	at = comma + 2;
	if (!text_u64(&at, &area.each) || strcmp(at, " for each character") || !area.each)
		return false;
	map->of = arena_more(a, map->of, map->nr, sizeof(area));
	map->of[map->nr++] = area;
	return true;
}

static void add_cells(struct arena *a, struct area *area, const char *row, size_t nr)
{
	char *cells = area->cells;

	if (area->nr_cells + nr >= area->room) {
		area->room = 2 * (area->nr_cells + nr);
		cells = arena_alloc(a, area->room);
		memcpy(cells, area->cells ?: "", area->nr_cells);
	}
	memcpy(cells + area->nr_cells, row, nr);
	area->cells = cells;
	area->nr_cells += nr;
}

/* "      4096  ####+..." */
static void take_cells(struct text *t, struct map *map, char *line)
{
	struct area *area = map->nr ? &map->of[map->nr - 1] : NULL;
	struct arena *a = t->ps->arena;
	char *rest = line;
	uint64_t from;
	size_t nr;

	if (!area || !text_u64(&rest, &from)) {
		text_problem(t, "not a line of a map: \"%.40s\"", line);
		return;
	}
	rest += strspn(rest, " ");
	nr = strspn(rest, "#+-.");
	if (!nr || rest[nr] || nr > MAP_ROW_MAX) {
		text_problem(t, "a row of a map has #, +, - and . only");
		return;
	}
	if (from != area->nr_cells * area->each || !area->total ||
	    area->nr_cells + nr - 1 > (area->total - 1) / area->each) {
		text_problem(t, "a row of a map at %llu is not where the one before ends",
			     (unsigned long long)from);
		return;
	}
	add_cells(a, area, rest, nr);
}

int read_map(struct source *s, const char *name, struct map *map, struct problems *ps)
{
	const char *part_name, *kind, *part = NULL;
	struct text t;
	char *line;
	int ret = open_of(&t, s, name, "map", ps);

	*map = (struct map){ .legend = "" };
	while (!ret && (line = text_line(&t))) {
		if (read_part(&t, line, &part_name, &kind))
			part = arena_printf(ps->arena, "%s (%s)", part_name, kind);
		else if (!strncmp(line, "# used", 6))
			map->legend = arena_strdup(ps->arena, line);
		else if (!strcmp(line, "busy"))
			map->busy = true;
		else if (!strcmp(line, "none"))
			map->none = true;
		else if (!take_area(&t, map, part, line))
			take_cells(&t, map, line);
	}
	return ret;
}

static struct verdict *add_verdict(struct verdicts *verdicts, struct arena *a)
{
	struct verdict *v;

	verdicts->of = arena_more(a, verdicts->of, verdicts->nr, sizeof(*v));
	v = &verdicts->of[verdicts->nr++];
	v->state = VERDICT_NONE;
	return v;
}

static void take_verdict(struct text *t, struct verdict *v, const char *line)
{
	struct arena *a = t->ps->arena;
	char *more = (char *)line + 8;

	if (!strcmp(line, "ok")) {
		v->state = VERDICT_OK;
	} else if (!strcmp(line, "busy")) {
		v->state = VERDICT_BUSY;
	} else if (!strcmp(line, "none")) {
		v->state = VERDICT_NONE;
	} else if (!strncmp(line, "... and ", 8)) {
		if (!text_u64(&more, &v->more) || strcmp(more, " more"))
			text_problem(t, "not \"... and N more\"");
		v->state = VERDICT_FAULTS;
	} else if (*line) {
		v->fault = arena_more(a, v->fault, v->nr_faults, sizeof(*v->fault));
		v->fault[v->nr_faults++] = arena_strdup(a, line);
		v->state = VERDICT_FAULTS;
	}
}

/* Without a line below the first there is nothing to check. */
int read_validate(struct source *s, const char *name, struct verdicts *verdicts,
		  struct problems *ps)
{
	const char *part, *kind;
	struct verdict *v = NULL;
	struct text t;
	char *line;
	int ret = open_of(&t, s, name, "validate", ps);

	*verdicts = (struct verdicts){ };
	while (!ret && (line = text_line(&t))) {
		if (read_part(&t, line, &part, &kind)) {
			v = add_verdict(verdicts, ps->arena);
			v->part = part;
			v->kind = kind;
			continue;
		}
		if (!v)
			v = add_verdict(verdicts, ps->arena);
		take_verdict(&t, v, line);
	}
	if (!ret && !verdicts->nr)
		add_verdict(verdicts, ps->arena);
	return ret;
}
