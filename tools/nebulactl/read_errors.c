// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads reports, see read.h:
 *
 *	[   12.486132] request: OUT_OF_MEMORY (-ENOMEM) in init[329], task, cpu 1
 *	   repeated 2 times
 *	   requested: 4.00 KiB (align 8)
 *	   suggest:   the allocator is over 90% full:
 *	              1. raise .capacity to 135168 (132.00 KiB) or more
 *	   backtrace: grow_and_place+0x391/0x3c1 [nebula_memory]
 *	              service_exhaust+0x26c/0x360 [nebula_demo]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "read.h"

/* Where labels and texts begin in the lines below a report's first one. */
#define LABEL_COLUMN	3
#define TEXT_COLUMN	14

/* What has been read of a report that is not complete yet. */
struct reader {
	struct text t;
	struct arena *a;
	struct report *report;		/* the newest, or NULL */
	struct stack *stack;		/* to which frames are added, or NULL */
	bool advice;			/* are lines advice? */
};

/* The text up to @end, behind which @s moves; NULL without it. */
static char *take_until(char **s, const char *end)
{
	char *begin = *s, *at = strstr(begin, end);

	if (!at)
		return NULL;
	*at = '\0';
	*s = at + strlen(end);
	return begin;
}

/* Takes the first line of a report apart. */
static bool take_head(struct reader *r, char *line, struct report *report)
{
	char *time, *name, *code, *error, *task, *context, *end;

	line++;
	time = take_until(&line, "] ");
	name = time ? take_until(&line, ": ") : NULL;
	code = name ? take_until(&line, " (") : NULL;
	error = code ? take_until(&line, ") in ") : NULL;
	/* The name of a task has no blank: it is escaped. */
	task = error ? take_until(&line, ", ") : NULL;
	context = task ? take_until(&line, ", cpu ") : NULL;
	if (!context || !text_u64(&line, &report->cpu) || *line)
		return false;
	report->time = strtod(time, &end);
	if (*end || !(report->time >= 0))
		return false;
	report->name = arena_strdup(r->a, name);
	report->code = arena_strdup(r->a, code);
	report->error = arena_strdup(r->a, error);
	report->task = arena_strdup(r->a, task);
	report->context = arena_strdup(r->a, context);
	return true;
}

static void begin_report(struct reader *r, char *line, struct reports *reports)
{
	struct report report = { };

	r->report = NULL;
	r->stack = NULL;
	r->advice = false;
	if (!take_head(r, line, &report)) {
		text_problem(&r->t, "not \"[time] name: CODE (errno) in task, context, cpu N\"");
		return;
	}
	reports->of = arena_more(r->a, reports->of, reports->nr, sizeof(report));
	reports->of[reports->nr] = report;
	r->report = &reports->of[reports->nr++];
}

static void add_text(struct reader *r, const char ***array, size_t *nr, const char *text)
{
	*array = arena_more(r->a, *array, *nr, sizeof(**array));
	(*array)[(*nr)++] = arena_strdup(r->a, text);
}

static bool is_stack(const char *label)
{
	return !strcmp(label, "backtrace") || !strcmp(label, "allocated") ||
	       !strcmp(label, "freed") || !strcmp(label, "created");
}

static void take_field(struct reader *r, const char *label, char *value)
{
	struct report *report = r->report;

	r->advice = false;
	r->stack = NULL;
	if (!strcmp(label, "suggest")) {
		r->advice = true;
		report->summary = arena_strdup(r->a, value);
		if (*value && value[strlen(value) - 1] == ':')
			((char *)report->summary)[strlen(value) - 1] = '\0';
	} else if (is_stack(label)) {
		report->stack = arena_more(r->a, report->stack, report->nr_stacks,
					   sizeof(*report->stack));
		r->stack = &report->stack[report->nr_stacks++];
		r->stack->label = arena_strdup(r->a, label);
		add_text(r, &r->stack->frame, &r->stack->nr_frames, value);
	} else {
		report->fields.of = arena_more(r->a, report->fields.of, report->fields.nr,
					       sizeof(*report->fields.of));
		report->fields.of[report->fields.nr++] = (struct pair){
			arena_strdup(r->a, label), arena_strdup(r->a, value),
		};
	}
}

/* "1. text": without its number. */
static const char *skip_number(const char *text)
{
	const size_t digits = strspn(text, "0123456789");

	return digits && !strncmp(text + digits, ". ", 2) ? text + digits + 2 : text;
}

/* A line below the first one. */
static void take_below(struct reader *r, char *line)
{
	const size_t column = strspn(line, " ");
	char *key, *value, *rest = line + LABEL_COLUMN + 9;

	if (column == TEXT_COLUMN && r->advice) {
		add_text(r, &r->report->advice, &r->report->nr_advice,
			 skip_number(line + column));
	} else if (column == TEXT_COLUMN && r->stack) {
		add_text(r, &r->stack->frame, &r->stack->nr_frames, line + column);
	} else if (column == LABEL_COLUMN && !strncmp(line + column, "repeated ", 9)) {
		if (!text_u64(&rest, &r->report->repeated) || strcmp(rest, " times"))
			text_problem(&r->t, "not \"repeated N times\"");
	} else if (column == LABEL_COLUMN && text_split(line + column, &key, &value)) {
		take_field(r, key, value);
	} else if (column != LABEL_COLUMN || strcmp(line + column, "(cut)")) {
		text_problem(&r->t, "not a line of a report: \"%.40s\"", line);
	}
}

int read_errors(struct source *s, const char *name, struct reports *reports, struct problems *ps)
{
	struct reader r = { .a = ps->arena };
	char path[SOURCE_NAME_MAX + 32] = "errors";
	char *line;
	int ret;

	*reports = (struct reports){ };
	if (name)
		snprintf(path, sizeof(path), "allocators/%s/errors", name);
	ret = text_open(&r.t, s, path, "errors", ps);
	if (ret)
		return ret;
	while ((line = text_line(&r.t))) {
		if (*line == '[')
			begin_report(&r, line, reports);
		else if (r.report)
			take_below(&r, line);
		else if (!reports->nr && *line)
			text_problem(&r.t, "a report begins with \"[time]\": \"%.40s\"", line);
	}
	return 0;
}
