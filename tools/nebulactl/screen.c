// SPDX-License-Identifier: GPL-2.0-only
/*
 * The full-screen view: its head, the list, and the line of keys. Columns that do not fit are left
 * out; what is left over belongs to the sparklines.
 */
#include <curses.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "attributes.h"
#include "top.h"
#include "units.h"

/* Of the head: how it is, and the titles. */
#define HEAD_ROWS	3

#define ERRORS_ROWS	6

enum top_column {
	TOP_NAME, TOP_KIND, TOP_USED, TOP_OF, TOP_BAR, TOP_FULL, TOP_RATE, TOP_LIVE, TOP_FAILED,
	TOP_PEAK, TOP_SPARK, TOP_OWNER, TOP_NR
};

/* Widths, and the order in which columns are left out, the highest first. */
static const struct {
	const char *title;
	int width;
	int drop;
	bool right;
	enum sort_key sort;
} columns[TOP_NR] = {
	[TOP_NAME]	= { "NAME", 18, 0, false, SORT_NAME },
	[TOP_KIND]	= { "KIND", 8, 6, false, SORT_KIND },
	[TOP_USED]	= { "USED", 10, 2, true, SORT_USED },
	[TOP_OF]	= { "CAPACITY", 10, 7, true, SORT_NR },
	[TOP_BAR]	= { "", 12, 3, false, SORT_FULL },
	[TOP_FULL]	= { "FULL", 6, 0, true, SORT_FULL },
	[TOP_RATE]	= { "RATE", 8, 1, true, SORT_RATE },
	[TOP_LIVE]	= { "LIVE", 8, 8, true, SORT_LIVE },
	[TOP_FAILED]	= { "FAILED", 8, 4, true, SORT_FAILURES },
	[TOP_PEAK]	= { "PEAK", 10, 9, true, SORT_PEAK },
	[TOP_SPARK]	= { "USE OF LATE", 12, 5, false, SORT_NR },
	[TOP_OWNER]	= { "OWNER", 16, 10, false, SORT_NR },
};

#define SPARK_MAX	40

static int attribute(enum paint paint)
{
	switch (paint) {
	case PAINT_HEAD:
	case PAINT_NAME:
		return A_BOLD;
	case PAINT_DIM:
		return A_DIM;
	case PAINT_GOOD:
	case PAINT_WARN:
	case PAINT_NOTE:
		return COLOR_PAIR(paint);
	case PAINT_BAD:
		return COLOR_PAIR(paint) | A_BOLD;
	default:
		return 0;
	}
}

void top_put(int y, int x, int width, enum paint paint, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (y < 0 || y >= LINES || x < 0 || x >= COLS)
		return;
	if (width > COLS - x)
		width = COLS - x;
	attron(attribute(paint));
	mvaddnstr(y, x, text, width > 0 ? (int)paint_bytes(text, width) : 0);
	attroff(attribute(paint));
}

void top_layout(const struct top *t, struct top_layout *l)
{
	int left;

	*l = (struct top_layout){ .rows = LINES, .columns = COLS, .list = HEAD_ROWS };
	/* The head and the line of keys. */
	left = LINES - HEAD_ROWS - 1;
	if (t->errors && t->snap.errors.nr && left >= 3 * ERRORS_ROWS / 2) {
		l->errors_rows = ERRORS_ROWS;
		left -= l->errors_rows;
	}
	if (t->pane && left >= 8) {
		l->pane_rows = left > 24 ? left * 3 / 5 : left * 2 / 3;
		left -= l->pane_rows;
	}
	l->list_rows = left > 0 ? left : 0;
	l->pane = l->list + l->list_rows;
	l->errors = l->pane + l->pane_rows;
}

/* Which columns fit: 0 for those that are left out. */
static void fit(int widths[TOP_NR])
{
	int sum = 0, i, worst;

	for (i = 0; i < TOP_NR; i++) {
		widths[i] = columns[i].width;
		sum += widths[i] + 1;
	}
	while (sum - 1 > COLS) {
		for (i = 0, worst = -1; i < TOP_NR; i++)
			if (widths[i] && columns[i].drop &&
			    (worst < 0 || columns[i].drop > columns[worst].drop))
				worst = i;
		if (worst < 0)
			break;
		sum -= widths[worst] + 1;
		widths[worst] = 0;
	}
	if (sum - 1 > COLS) {
		widths[TOP_NAME] -= sum - 1 - COLS;
		if (widths[TOP_NAME] < 1)
			widths[TOP_NAME] = 1;
		return;
	}
	/* What is left over. */
	if (widths[TOP_SPARK]) {
		i = COLS - sum + 1;
		widths[TOP_SPARK] += i;
		if (widths[TOP_SPARK] > SPARK_MAX)
			widths[TOP_SPARK] = SPARK_MAX;
	} else {
		widths[TOP_NAME] += COLS - sum + 1 < 12 ? COLS - sum + 1 : 12;
	}
}

enum sort_key top_title_at(const struct top *t, int x)
{
	int widths[TOP_NR], i, at = 0;

	(void)t;
	fit(widths);
	for (i = 0; i < TOP_NR; i++) {
		if (!widths[i])
			continue;
		if (x >= at && x < at + widths[i])
			return columns[i].sort;
		at += widths[i] + 1;
	}
	return SORT_NR;
}

/* How use developed, the newest to the right; as high as the highest that is shown. */
static void spark(char *text, size_t size, const struct past *p, int width)
{
	static const char *const blocks[] = {
		"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"
	};
	static const char ascii[] = "_.-=+*%#";
	uint64_t most = 0, used;
	size_t back, nr = p->nr < (size_t)width ? p->nr : (size_t)width, len = 0, level;

	for (back = 0; back < nr; back++)
		if (history_used(p, back) > most)
			most = history_used(p, back);
	for (back = width; back > nr && len + 1 < size; back--)
		text[len++] = ' ';
	for (back = nr; back-- && len + 4 < size;) {
		used = history_used(p, back);
		level = most ? (units_share(used, most) * 7 + 999) / 1000 : 0;
		if (paint_utf8())
			len += snprintf(text + len, size - len, "%s", blocks[level]);
		else
			text[len++] = ascii[level];
	}
	text[len] = '\0';
}

static void put_column(int y, int *x, int width, bool right, enum paint paint, const char *text)
{
	int pad = width - (int)paint_columns(text);

	if (!width)
		return;
	if (pad < 0)
		pad = 0;
	if (paint_columns(text) > (size_t)width && width > 1)
		top_put(y, *x, width, paint, "%.*s~", (int)paint_bytes(text, width - 1), text);
	else
		top_put(y, *x + (right ? pad : 0), width, paint, "%s", text);
	*x += width + 1;
}

static void put_allocator(const struct top *t, int y, const struct allocator *a,
			  const int widths[TOP_NR])
{
	const struct past *p = history_find(&t->history, a->name);
	const struct stats *st = &a->stats;
	char text[TOP_NR][UNITS_SIZE], bar[BAR_SIZE], line[4 * SPARK_MAX + 8];
	enum paint level = paint_level(st->utilisation);
	int x = 0;

	snprintf(line, sizeof(line), "%s", "");
	if (p)
		spark(line, sizeof(line), p, widths[TOP_SPARK]);
	put_column(y, &x, widths[TOP_NAME], false, PAINT_NAME, a->name);
	put_column(y, &x, widths[TOP_KIND], false, PAINT_NONE, a->kind);
	put_column(y, &x, widths[TOP_USED], true, PAINT_NONE,
		   units_bytes_column(text[TOP_USED], st->used));
	put_column(y, &x, widths[TOP_OF], true, PAINT_NONE,
		   units_bytes_column(text[TOP_OF], st->capacity));
	put_column(y, &x, widths[TOP_BAR], false, level,
		   paint_bar(bar, st->utilisation, widths[TOP_BAR]));
	put_column(y, &x, widths[TOP_FULL], true, level,
		   units_permille(text[TOP_FULL], st->utilisation));
	put_column(y, &x, widths[TOP_RATE], true, p && p->rate > 0 ? PAINT_NOTE : PAINT_DIM,
		   units_rate(text[TOP_RATE], p ? p->rate : 0));
	put_column(y, &x, widths[TOP_LIVE], true, PAINT_NONE,
		   units_count(text[TOP_LIVE], st->live));
	put_column(y, &x, widths[TOP_FAILED], true, st->failures ? PAINT_BAD : PAINT_DIM,
		   units_count(text[TOP_FAILED], st->failures));
	put_column(y, &x, widths[TOP_PEAK], true, PAINT_NONE,
		   units_bytes_column(text[TOP_PEAK], st->peak));
	put_column(y, &x, widths[TOP_SPARK], false, PAINT_GOOD, line);
	put_column(y, &x, widths[TOP_OWNER], false, PAINT_DIM, a->owner);
}

static const char *arrow(bool up)
{
	if (paint_utf8())
		return up ? "▲" : "▼";
	return up ? "^" : "v";
}

/* The title that it is sorted by is marked. */
static void put_titles(const struct top *t, int y, const int widths[TOP_NR])
{
	int x = 0, i;
	char title[32];

	attron(A_REVERSE);
	mvhline(y, 0, ' ', COLS);
	for (i = 0; i < TOP_NR; i++) {
		const bool sorted = columns[i].sort == t->view->opt.sort && *columns[i].title;

		snprintf(title, sizeof(title), "%s%s", columns[i].title,
			 sorted ? arrow(t->reversed) : "");
		if (widths[i])
			put_column(y, &x, widths[i], columns[i].right, PAINT_NONE, title);
	}
	attroff(A_REVERSE);
}

static void put_list(struct top *t, const struct top_layout *l)
{
	int widths[TOP_NR], row;

	fit(widths);
	put_titles(t, l->list - 1, widths);
	if (t->cursor < t->first)
		t->first = t->cursor;
	if (l->list_rows && t->cursor >= t->first + l->list_rows)
		t->first = t->cursor - l->list_rows + 1;
	for (row = 0; row < l->list_rows && t->first + row < t->snap.nr_allocators; row++) {
		const int y = l->list + row;

		put_allocator(t, y, &t->snap.allocator[t->first + row], widths);
		if (t->first + row == t->cursor)
			mvchgat(y, 0, widths[TOP_NAME], A_REVERSE | A_BOLD, 0, NULL);
	}
	if (t->snap.nr_allocators)
		return;
	if (t->gone)
		top_put(l->list, 0, COLS, PAINT_BAD, "nebula_memory was unloaded");
	else
		top_put(l->list, 0, COLS, PAINT_DIM, "%s",
			*t->filter ? "no allocator matches the filter" : "no allocators");
}

/* The fullest budget. */
static const struct budget *worst_budget(const struct snapshot *snap)
{
	const struct budget *worst = NULL;
	size_t i;

	for (i = 0; i < snap->nr_budgets; i++)
		if (!worst || units_share(snap->budget[i].used, snap->budget[i].limit) >
		    units_share(worst->used, worst->limit))
			worst = &snap->budget[i];
	return worst;
}

/* Returns the columns that it takes. */
static int put_time(const struct top *t)
{
	const time_t when = t->snap.time;
	char text[64] = "saved copy";
	struct tm tm;

	if (source_is_live(t->source) && localtime_r(&when, &tm))
		strftime(text, sizeof(text), t->held ? "held at %H:%M:%S" : "%H:%M:%S", &tm);
	else if (source_frames(t->source) > 1)
		snprintf(text, sizeof(text), "%s %zu/%zu", t->held ? "held at" : "frame",
			 t->frame + 1, source_frames(t->source));
	if (COLS < 40)
		return 0;
	top_put(0, COLS - (int)strlen(text), 64, t->held ? PAINT_WARN : PAINT_DIM, "%s", text);
	return (int)strlen(text) + 2;
}

/* Puts a piece of the head if all of it fits in front of @end; the next one begins behind it. */
__printf(5, 6)
static void put_piece(int y, int *x, int end, enum paint paint, const char *fmt, ...);

static void put_piece(int y, int *x, int end, enum paint paint, const char *fmt, ...)
{
	char text[256];
	va_list args;
	int columns;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	columns = paint_columns(text);
	/* The first one may be cut. */
	if (*x && *x + columns > end)
		return;
	top_put(y, *x, end - *x, paint, "%s", text);
	*x += columns + 2;
}

static void put_counts(const struct top *t, int end)
{
	const struct snapshot *snap = &t->snap;
	int x = 0;

	put_piece(0, &x, end, PAINT_HEAD, "nebula_memory %s",
		  pairs_find(&snap->info, "version") ?: "");
	put_piece(0, &x, end, PAINT_DIM, "%s", pairs_find(&snap->info, "kernel") ?: "");
	put_piece(0, &x, end, PAINT_NONE, "%zu allocators", snap->nr_allocators);
	put_piece(0, &x, end, PAINT_NONE, "%zu budgets", snap->nr_budgets);
	put_piece(0, &x, end, PAINT_NONE, "%zu caches", snap->nr_caches);
}

static void put_sums(const struct top *t)
{
	const struct snapshot *snap = &t->snap;
	const struct budget *worst = worst_budget(snap);
	const uint64_t errors = pairs_number(&snap->info, "errors", 0);
	char a[UNITS_SIZE], b[UNITS_SIZE], bar[BAR_SIZE];
	uint64_t used = 0, capacity = 0, share;
	double rate = 0;
	size_t i;
	int x = 0;

	for (i = 0; i < snap->nr_allocators; i++) {
		const struct past *p = history_find(&t->history, snap->allocator[i].name);

		used += snap->allocator[i].stats.used;
		capacity += snap->allocator[i].stats.capacity;
		rate += p ? p->rate : 0;
	}
	share = units_share(used, capacity);
	put_piece(1, &x, COLS, paint_level(share), "%s", paint_bar(bar, share, 12));
	put_piece(1, &x, COLS, PAINT_NONE, "%s of %s", units_bytes(a, used),
		  units_bytes(b, capacity));
	put_piece(1, &x, COLS, rate > 0 ? PAINT_NOTE : PAINT_DIM, "allocs %s",
		  units_rate(a, rate));
	put_piece(1, &x, COLS, errors ? PAINT_BAD : PAINT_DIM, "%s errors",
		  units_count(a, errors));
	if (!worst)
		return;
	share = units_share(worst->used, worst->limit);
	put_piece(1, &x, COLS, paint_level(share), "budget %s %s", worst->name,
		  units_permille(b, share));
}

static void put_head(const struct top *t)
{
	put_counts(t, COLS - put_time(t));
	put_sums(t);
}

static void put_keys(const struct top *t)
{
	const int y = LINES - 1;

	if (y < HEAD_ROWS)
		return;
	if (t->typing || *t->filter)
		top_put(y, 0, COLS, PAINT_WARN, "filter: %s%s", t->filter, t->typing ? "_" : "");
	else if (*t->message)
		top_put(y, 0, COLS, t->message_bad ? PAINT_BAD : PAINT_GOOD, "%s", t->message);
	else if (t->ps.nr)
		top_put(y, 0, COLS, PAINT_BAD, "%s:%u: %s", t->ps.of[0].file, t->ps.of[0].line,
			t->ps.of[0].message);
	else if (COLS < 60)
		top_put(y, 0, COLS, PAINT_DIM, "h keys  q end");
	else if (COLS < 96)
		top_put(y, 0, COLS, PAINT_DIM,
			"h keys  s sort by %s  / filter  Enter detail  e errors  q end",
			sort_names[t->view->opt.sort]);
	else
		top_put(y, 0, COLS, PAINT_DIM,
			"h keys  s sort by %s  / filter  Enter detail  m map  e errors  v validate  q end",
			sort_names[t->view->opt.sort]);
}

void top_draw(struct top *t)
{
	struct top_layout l;

	erase();
	top_layout(t, &l);
	put_head(t);
	put_list(t, &l);
	if (l.pane_rows)
		top_draw_pane(t, &l);
	if (l.errors_rows)
		top_draw_errors(t, &l);
	put_keys(t);
	if (t->help)
		top_draw_help(t, &l);
	refresh();
}
