// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables, see table.h.
 */
#include <stdarg.h>
#include <string.h>
#include "table.h"

/* Columns between two columns, and of a bar. */
#define GAP		2
#define BAR_WIDTH	12

/* The first column keeps at least so much. */
#define FIRST_MIN	4

#define MAX_COLUMNS	16

struct cell {
	const char *text;
	enum paint paint;
};

struct table {
	struct arena *arena;
	const struct column *column;
	size_t nr_columns;
	struct cell *cell;	/* row after row */
	size_t nr_cells;
};

struct table *table_new(struct arena *a, const struct column *columns, size_t nr)
{
	struct table *t = arena_alloc(a, sizeof(*t));

	*t = (struct table){ .arena = a, .column = columns, .nr_columns = nr };
	return t;
}

static void add(struct table *t, enum paint paint, const char *text)
{
	t->cell = arena_more(t->arena, t->cell, t->nr_cells, sizeof(*t->cell));
	t->cell[t->nr_cells++] = (struct cell){ text, paint };
}

void table_cell(struct table *t, enum paint paint, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(t, paint, arena_vprintf(t->arena, fmt, args));
	va_end(args);
}

void table_bar(struct table *t, uint64_t permille)
{
	char bar[BAR_SIZE];

	add(t, paint_level(permille), arena_strdup(t->arena, paint_bar(bar, permille, BAR_WIDTH)));
}

/* The width that each column needs, 0 for those that are left out. */
static void measure(const struct table *t, size_t widths[MAX_COLUMNS])
{
	size_t i, n;

	for (i = 0; i < t->nr_columns; i++)
		widths[i] = paint_columns(t->column[i].title);
	for (i = 0; i < t->nr_cells; i++) {
		n = paint_columns(t->cell[i].text);
		if (n > widths[i % t->nr_columns])
			widths[i % t->nr_columns] = n;
	}
}

static size_t total(const struct table *t, const size_t widths[MAX_COLUMNS])
{
	size_t i, sum = 0;

	for (i = 0; i < t->nr_columns; i++)
		if (widths[i])
			sum += widths[i] + (sum ? GAP : 0);
	return sum;
}

/* Leaves out what does not fit. */
static void fit(const struct table *t, size_t widths[MAX_COLUMNS], size_t width)
{
	size_t i, worst, sum;

	while ((sum = total(t, widths)) > width) {
		worst = t->nr_columns;
		for (i = 0; i < t->nr_columns; i++)
			if (widths[i] && t->column[i].drop &&
			    (worst == t->nr_columns || t->column[i].drop > t->column[worst].drop))
				worst = i;
		if (worst < t->nr_columns) {
			widths[worst] = 0;
			continue;
		}
		if (sum - width < widths[0] && widths[0] - (sum - width) >= FIRST_MIN)
			widths[0] -= sum - width;
		else if (widths[0] > FIRST_MIN)
			widths[0] = FIRST_MIN;
		return;
	}
}

/* A tilde says that a text was cut. */
static void put_cell(FILE *out, const struct cell *cell, size_t width, bool right, bool last)
{
	const size_t columns = paint_columns(cell->text);
	const int pad = columns < width ? width - columns : 0;

	if (right && pad)
		fprintf(out, "%*s", pad, "");
	if (columns > width)
		fprintf(out, "%s%.*s~%s", cell->paint ? paint_on(cell->paint) : "",
			(int)paint_bytes(cell->text, width - 1), cell->text,
			cell->paint ? paint_on(PAINT_NONE) : "");
	else
		paint_put(out, cell->paint, cell->text);
	if (!right && pad && !last)
		fprintf(out, "%*s", pad, "");
}

static void put_row(const struct table *t, FILE *out, const size_t widths[MAX_COLUMNS],
		    const struct cell *cells)
{
	size_t i, last = 0;
	bool first = true;

	for (i = 0; i < t->nr_columns; i++)
		if (widths[i])
			last = i;
	for (i = 0; i < t->nr_columns; i++) {
		if (!widths[i])
			continue;
		if (!first)
			fprintf(out, "%*s", GAP, "");
		first = false;
		put_cell(out, &cells[i], widths[i], t->column[i].right, i == last);
	}
	fputc('\n', out);
}

void table_print(const struct table *t, FILE *out, unsigned int width)
{
	size_t widths[MAX_COLUMNS] = { }, i;
	struct cell titles[MAX_COLUMNS];

	measure(t, widths);
	if (width)
		fit(t, widths, width);
	for (i = 0; i < t->nr_columns; i++)
		titles[i] = (struct cell){ t->column[i].title, PAINT_HEAD };
	put_row(t, out, widths, titles);
	for (i = 0; i + t->nr_columns <= t->nr_cells; i += t->nr_columns)
		put_row(t, out, widths, &t->cell[i]);
}
