// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebulactl errors: reports, newest last, and with --follow new ones as they come.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include "json.h"
#include "read.h"
#include "target.h"
#include "units.h"
#include "view.h"

/* Where texts begin below the first line, as in the module's own reports. */
#define LABEL_WIDTH	11

static void put_label(FILE *out, const char *label)
{
	fprintf(out, "  %s%-*s%s", paint_on(PAINT_DIM), LABEL_WIDTH, label, paint_on(PAINT_NONE));
}

static void put_stack(FILE *out, const struct stack *stack)
{
	size_t i;

	for (i = 0; i < stack->nr_frames; i++) {
		put_label(out, i ? "" : stack->label);
		fprintf(out, "%s\n", stack->frame[i]);
	}
}

/* Narrow terminals break lines where they end; that is still readable. */
void errors_print(FILE *out, const struct report *r, unsigned int width)
{
	char count[UNITS_SIZE];
	size_t i;

	fprintf(out, "%s%12.6f%s  ", paint_on(PAINT_DIM), r->time, paint_on(PAINT_NONE));
	paint_put(out, PAINT_NAME, r->name);
	fputs("  ", out);
	paint_put(out, PAINT_BAD, r->code);
	fprintf(out, " (%s)", r->error);
	if (r->repeated)
		fprintf(out, "  %s%s time%s more%s", paint_on(PAINT_WARN),
			units_exact(count, r->repeated), r->repeated == 1 ? "" : "s",
			paint_on(PAINT_NONE));
	fputc('\n', out);
	put_label(out, "in");
	fprintf(out, "%s, %s, cpu %llu\n", r->task, r->context, (unsigned long long)r->cpu);
	for (i = 0; i < r->fields.nr; i++) {
		put_label(out, r->fields.of[i].key);
		fprintf(out, "%s\n", r->fields.of[i].value);
	}
	if (r->summary) {
		put_label(out, "why");
		paint_put(out, PAINT_WARN, r->summary);
		fputc('\n', out);
	}
	for (i = 0; i < r->nr_advice; i++) {
		put_label(out, i ? "" : "to do");
		fprintf(out, "%zu. %s\n", i + 1, r->advice[i]);
	}
	for (i = 0; i < r->nr_stacks && !(width && width < 40); i++)
		put_stack(out, &r->stack[i]);
}

static void put_one(struct view *v, const struct report *r)
{
	json_t *json;

	if (!v->opt.json) {
		errors_print(v->out, r, v->width);
		fputc('\n', v->out);
		return;
	}
	/* One object a line: what follows has no end. */
	json = json_of_report(r);
	json_dumpf(json, v->out, JSON_COMPACT | JSON_REAL_PRECISION(15));
	fputc('\n', v->out);
	json_decref(json);
}

static bool is_same(const struct report *a, const struct report *b)
{
	return a->time == b->time && a->cpu == b->cpu && !strcmp(a->name, b->name) &&
	       !strcmp(a->code, b->code);
}

/* Those that were not there before, and those that were repeated since. */
static void put_new(struct view *v, const struct reports *now, const struct reports *before)
{
	size_t i, j;

	for (i = 0; i < now->nr; i++) {
		for (j = before->nr; j; j--)
			if (is_same(&now->of[i], &before->of[j - 1]))
				break;
		if (!j || now->of[i].repeated > before->of[j - 1].repeated)
			put_one(v, &now->of[i]);
	}
	fflush(v->out);
}

static void nap(double seconds)
{
	struct timespec t = { seconds, fmod(seconds, 1) * 1e9 };

	nanosleep(&t, NULL);
}

/* Two looks are kept, each with its own memory. */
static enum status follow(struct view *v, const char *name)
{
	struct arena arenas[2] = { };
	struct reports seen[2] = { };
	unsigned long look;
	size_t now;
	int ret;

	for (look = 0; !v->opt.count || look < v->opt.count; look++) {
		struct problems ps = { .arena = &arenas[look & 1] };

		now = look & 1;
		arena_free(&arenas[now]);
		if (source_frames(v->source) > 1)
			source_seek(v->source, look);
		ret = read_errors(v->source, name, &seen[now], &ps);
		problems_print(&ps);
		if (ret) {
			fprintf(stderr, "nebulactl: %s is gone\n", name ?: "nebula_memory");
			break;
		}
		put_new(v, &seen[now], &seen[!now]);
		if (source_frames(v->source) > 1 ? look + 1 >= source_frames(v->source)
						 : !source_is_live(v->source) && !v->opt.count)
			break;
		if (source_is_live(v->source))
			nap(v->opt.interval ?: 1);
	}
	arena_free(&arenas[0]);
	arena_free(&arenas[1]);
	return ret ? STATUS_UNAVAILABLE : STATUS_OK;
}

static void put_json(struct view *v, const struct reports *reports)
{
	json_t *json = json_begin("errors", source_name(v->source), source_time(v->source));
	json_t *errors = json_array();
	size_t i;

	for (i = 0; i < reports->nr; i++)
		json_array_append_new(errors, json_of_report(&reports->of[i]));
	json_object_set_new(json, "errors", errors);
	json_end(json, &v->ps, v->out);
}

static void put_count(struct view *v, const struct reports *reports)
{
	uint64_t repeats = 0;
	char count[UNITS_SIZE];
	size_t i;

	for (i = 0; i < reports->nr; i++)
		repeats += reports->of[i].repeated;
	fprintf(v->out, "%zu report%s", reports->nr, reports->nr == 1 ? "" : "s");
	if (repeats)
		fprintf(v->out, ", repeated %s time%s", units_exact(count, repeats),
			repeats == 1 ? "" : "s");
	fputc('\n', v->out);
}

enum status view_errors(struct view *v)
{
	const char *name = NULL;
	struct reports reports;
	enum target target;
	enum status status;
	size_t i;
	int ret;

	if (v->opt.nr_args) {
		status = target_find(v, v->opt.args[0], TARGETS_ALLOCATORS, &target, &name);
		if (status)
			return status;
	}
	if (v->opt.follow)
		return follow(v, name);
	ret = read_errors(v->source, name, &reports, &v->ps);
	if (ret == -ENOENT)
		fprintf(stderr, "nebulactl: there is no file of errors in %s\n",
			source_name(v->source));
	if (ret)
		return ret == -ENOENT ? STATUS_UNAVAILABLE : STATUS_FAULTS;
	if (v->opt.json) {
		put_json(v, &reports);
		return STATUS_OK;
	}
	for (i = 0; i < reports.nr; i++) {
		errors_print(v->out, &reports.of[i], v->width);
		fputc('\n', v->out);
	}
	put_count(v, &reports);
	return STATUS_OK;
}
