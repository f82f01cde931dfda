/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands. Each prints what it is asked for and returns the status to end with; what is wrong
 * with the files is in @ps, and printed by main.
 */
#ifndef NEBULACTL_VIEW_H
#define NEBULACTL_VIEW_H

#include "arena.h"
#include "model.h"
#include "problem.h"
#include "source.h"
#include "usage.h"

struct view {
	struct options opt;
	struct source *source;	/* NULL for diff and replay, which open their own */
	struct arena arena;
	struct problems ps;
	FILE *out;
	unsigned int width;	/* columns; 0: no limit */
};

enum status view_list(struct view *v);
enum status view_show(struct view *v);
enum status view_errors(struct view *v);
enum status view_live(struct view *v);
enum status view_map(struct view *v);
enum status view_budgets(struct view *v);
enum status view_caches(struct view *v);
enum status view_validate(struct view *v);
enum status view_diff(struct view *v);
enum status view_top(struct view *v);
enum status view_record(struct view *v);
enum status view_replay(struct view *v);
enum status view_export(struct view *v);

/* list.c: allocators in the order and of the choice that the options say. */
void list_sort(struct snapshot *snap, const struct options *opt);
void list_print(struct view *v, const struct snapshot *snap);

/* show.c: is this line of an info shown in another place? */
bool show_is_said(const char *key);

/* errors.c: one report. */
void errors_print(FILE *out, const struct report *r, unsigned int width);

/* page.c, metrics.c: whole documents. */
void report_html(FILE *out, struct view *v, const struct snapshot *snap);
void metrics_prometheus(FILE *out, const struct snapshot *snap);

#endif
