/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The full-screen view: top.c reads and reacts, screen.c draws the list, panes.c what is around it.
 */
#ifndef NEBULACTL_TOP_H
#define NEBULACTL_TOP_H

#include "attributes.h"
#include "history.h"
#include "view.h"

/* What the detail pane shows. */
enum pane { PANE_NONE, PANE_STATS, PANE_MAP, PANE_LIVE, PANE_ERRORS, PANE_NR };

struct top {
	struct view *view;
	struct source *source;
	struct arena arena;		/* of @snap */
	struct arena pane_arena;	/* of what the pane shows, for one drawing */
	struct problems ps;		/* of the last look */
	struct snapshot snap;		/* in the order of the list */
	struct history history;
	size_t frame;			/* of a recording */
	char selected[80];		/* the allocator's name; it may have gone */
	int pressed_row;		/* where and when the mouse was pressed last */
	double pressed;
	size_t cursor, first;		/* its row, and the row on top */
	enum pane pane;
	bool errors, help, held, reversed, typing;
	double interval;
	char filter[64];
	char message[256];		/* in the last line, until the next key */
	bool message_bad;
	bool ended;
	bool gone;			/* the module was unloaded */
};

/* Colours, as pairs of ncurses: those of paint.h, and one more. */
#define TOP_COLOR_BAR	PAINT_NR

/* Where the list is: rows of the screen, for the mouse and the cursor. */
struct top_layout {
	int rows, columns;		/* the screen */
	int list, list_rows;		/* titles stand above @list */
	int pane, pane_rows;		/* 0 rows: none */
	int errors, errors_rows;
};

void top_layout(const struct top *t, struct top_layout *l);

/* Draws all of it. */
void top_draw(struct top *t);

/* Which column's title is at @x: a key to sort by, or SORT_NR. */
enum sort_key top_title_at(const struct top *t, int x);

/* panes.c */
void top_draw_pane(struct top *t, const struct top_layout *l);
void top_draw_errors(struct top *t, const struct top_layout *l);
void top_draw_help(const struct top *t, const struct top_layout *l);

/* Text at a place of the screen, cut at its right edge; what does not fit on it is not drawn. */
__printf(5, 6)
void top_put(int y, int x, int columns, enum paint paint, const char *fmt, ...);

#endif
