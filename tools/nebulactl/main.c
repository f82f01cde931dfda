// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebulactl: shows what the allocators of nebula_memory do.
 *
 *	source.c, recording.c	where the files come from
 *	text.c, read_*.c	what they say; model.h is what comes of it
 *	the commands, view.h	one file each, printing with table.c, paint.c, units.c, json.c
 */
#include <locale.h>
#include <stdio.h>
#include "view.h"

static enum status (*const views[COMMAND_NR])(struct view *) = {
	[COMMAND_LIST] = view_list,
	[COMMAND_SHOW] = view_show,
	[COMMAND_ERRORS] = view_errors,
	[COMMAND_LIVE] = view_live,
	[COMMAND_MAP] = view_map,
	[COMMAND_BUDGETS] = view_budgets,
	[COMMAND_CACHES] = view_caches,
	[COMMAND_VALIDATE] = view_validate,
	[COMMAND_DIFF] = view_diff,
	[COMMAND_TOP] = view_top,
	[COMMAND_RECORD] = view_record,
	[COMMAND_REPLAY] = view_replay,
	[COMMAND_EXPORT] = view_export,
};

/* Those that open what they read by themselves. */
static bool opens_source(enum command command)
{
	return command != COMMAND_DIFF && command != COMMAND_REPLAY;
}

static enum status run(struct view *v)
{
	enum status status;

	if (opens_source(v->opt.command)) {
		v->source = source_open(v->opt.root);
		if (!v->source)
			return STATUS_UNAVAILABLE;
	}
	status = views[v->opt.command](v);
	problems_print(&v->ps);
	if (status == STATUS_OK && v->ps.nr)
		status = STATUS_FAULTS;
	source_close(v->source);
	return status;
}

int main(int argc, char **argv)
{
	struct view v = { .out = stdout };
	enum status status;

	setlocale(LC_CTYPE, "");
	if (!usage_parse(argc, argv, &v.opt, &status))
		return status;
	paint_setup(v.opt.color);
	v.width = paint_width();
	v.ps.arena = &v.arena;
	status = run(&v);
	arena_free(&v.arena);
	if (fflush(stdout) || ferror(stdout)) {
		perror("nebulactl: standard output");
		return STATUS_UNAVAILABLE;
	}
	return status;
}
