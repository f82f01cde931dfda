// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was read as JSON, see json.h. All texts are printable ASCII, so that none can be refused.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "text.h"

json_t *json_of_u64(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *texts(const char *const *text, size_t nr)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < nr; i++)
		json_array_append_new(array, json_string(text[i]));
	return array;
}

/* "131072       (128.00 KiB)" and "17" are numbers, all else is text. */
static json_t *value_of(const char *value)
{
	char *rest = (char *)value;
	uint64_t n;

	if (isdigit((unsigned char)*value) && text_u64(&rest, &n)) {
		rest += strspn(rest, " ");
		if (!*rest || (*rest == '(' && rest[strlen(rest) - 1] == ')'))
			return json_of_u64(n);
	}
	return json_string(value);
}

/* "bytes in" becomes "bytes_in". */
static void name_of(char *name, size_t size, const char *key)
{
	size_t i;

	for (i = 0; key[i] && i < size - 1; i++)
		name[i] = isalnum((unsigned char)key[i]) ? tolower((unsigned char)key[i]) : '_';
	name[i] = '\0';
}

json_t *json_of_pairs(const struct pairs *pairs)
{
	json_t *object = json_object();
	char name[64];
	size_t i;

	for (i = 0; i < pairs->nr; i++) {
		name_of(name, sizeof(name), pairs->of[i].key);
		json_object_set_new(object, name, value_of(pairs->of[i].value));
	}
	return object;
}

static json_t *json_of_classes(const struct classes *classes)
{
	json_t *array = json_array(), *class;
	size_t i;

	for (i = 0; i < classes->nr; i++) {
		class = json_object();
		json_object_set_new(class, "from", json_of_u64(classes->of[i].from));
		json_object_set_new(class, "to", classes->of[i].to == UINT64_MAX ?
				    json_null() : json_of_u64(classes->of[i].to));
		json_object_set_new(class, "count", json_of_u64(classes->of[i].count));
		json_array_append_new(array, class);
	}
	return array;
}

static json_t *json_of_stats(const struct stats *st)
{
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "allocs", st->allocs }, { "frees", st->frees }, { "live", st->live },
		{ "resets", st->resets }, { "bytes_in", st->bytes_in },
		{ "bytes_out", st->bytes_out }, { "padding", st->padding },
		{ "used", st->used }, { "available", st->available },
		{ "capacity", st->capacity }, { "max_capacity", st->max_capacity },
		{ "peak", st->peak }, { "regions", st->regions }, { "grows", st->grows },
		{ "failures", st->failures },
	};
	json_t *object = json_object(), *failures = json_object();
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		json_object_set_new(object, numbers[i].name, json_of_u64(numbers[i].value));
	json_object_set_new(object, "utilisation", json_real(st->utilisation / 1000.0));
	for (i = 0; i < st->nr_failures; i++)
		json_object_set_new(failures, st->failure[i].code,
				    json_of_u64(st->failure[i].count));
	json_object_set_new(object, "failures_by_code", failures);
	json_object_set_new(object, "sizes", json_of_classes(&st->sizes));
	return object;
}

json_t *json_of_allocator(const struct allocator *a)
{
	json_t *object = json_object(), *parts = json_array(), *part;
	size_t i;

	json_object_set_new(object, "name", json_string(a->name));
	json_object_set_new(object, "kind", json_string(a->kind));
	json_object_set_new(object, "owner", json_string(a->owner));
	json_object_set_new(object, "created_by", json_string(a->created_by));
	json_object_set_new(object, "age_ms", json_of_u64(a->age_ms));
	json_object_set_new(object, "info", json_of_pairs(&a->info));
	json_object_set_new(object, "stats", a->has_stats ? json_of_stats(&a->stats)
							  : json_null());
	for (i = 0; i < a->nr_parts; i++) {
		part = json_object();
		json_object_set_new(part, "name", json_string(a->part[i].name));
		json_object_set_new(part, "kind", json_string(a->part[i].kind));
		json_object_set_new(part, "hits", json_of_u64(a->part[i].hits));
		json_array_append_new(parts, part);
	}
	json_object_set_new(object, "parts", parts);
	return object;
}

json_t *json_of_budget(const struct budget *b)
{
	json_t *object = json_of_pairs(&b->info);

	json_object_set_new(object, "name", json_string(b->name));
	json_object_set_new(object, "parent", text_or_null(b->parent));
	json_object_set_new(object, "owner", json_string(b->owner));
	json_object_set_new(object, "state", json_string(b->state));
	json_object_set_new(object, "limit", json_of_u64(b->limit));
	json_object_set_new(object, "used", json_of_u64(b->used));
	return object;
}

json_t *json_of_cache(const struct cache *c)
{
	json_t *object = json_of_pairs(&c->info);

	json_object_set_new(object, "name", json_string(c->name));
	json_object_set_new(object, "owner", json_string(c->owner));
	json_object_set_new(object, "entries", json_of_u64(c->entries));
	json_object_set_new(object, "capacity", json_of_u64(c->capacity));
	json_object_set_new(object, "compute_times_us", json_of_classes(&c->times));
	return object;
}

json_t *json_of_report(const struct report *r)
{
	json_t *object = json_object(), *stacks = json_array(), *stack;
	size_t i;

	json_object_set_new(object, "time", json_real(r->time));
	json_object_set_new(object, "allocator", json_string(r->name));
	json_object_set_new(object, "code", json_string(r->code));
	json_object_set_new(object, "errno", json_string(r->error));
	json_object_set_new(object, "task", json_string(r->task));
	json_object_set_new(object, "context", json_string(r->context));
	json_object_set_new(object, "cpu", json_of_u64(r->cpu));
	json_object_set_new(object, "repeated", json_of_u64(r->repeated));
	json_object_set_new(object, "details", json_of_pairs(&r->fields));
	json_object_set_new(object, "summary", text_or_null(r->summary));
	json_object_set_new(object, "advice", texts(r->advice, r->nr_advice));
	for (i = 0; i < r->nr_stacks; i++) {
		stack = json_object();
		json_object_set_new(stack, "label", json_string(r->stack[i].label));
		json_object_set_new(stack, "frames",
				    texts(r->stack[i].frame, r->stack[i].nr_frames));
		json_array_append_new(stacks, stack);
	}
	json_object_set_new(object, "stacks", stacks);
	return object;
}

static json_t *json_of_grid(const struct grid *grid)
{
	json_t *rows = json_array(), *row;
	size_t i, j;

	for (i = 0; i < grid->nr_rows; i++) {
		row = json_object();
		for (j = 0; j < grid->nr_titles; j++)
			if (grid->row[i][j])
				json_object_set_new(row, grid->title[j],
						    value_of(grid->row[i][j]));
		json_array_append_new(rows, row);
	}
	return rows;
}

static json_t *json_of_site(const struct site *site)
{
	json_t *object = json_object();

	json_object_set_new(object, "objects", json_of_u64(site->count));
	json_object_set_new(object, "bytes", json_of_u64(site->bytes));
	json_object_set_new(object, "oldest_ms", site->others ? json_null() :
			    json_of_u64(site->oldest_ms));
	json_object_set_new(object, "frames", texts(site->frame, site->nr_frames));
	return object;
}

json_t *json_of_lives(const struct lives *lives)
{
	json_t *array = json_array(), *object, *sites;
	size_t i, j;

	for (i = 0; i < lives->nr; i++) {
		const struct live *live = &lives->of[i];

		object = json_object();
		sites = json_array();
		json_object_set_new(object, "part", text_or_null(live->part));
		json_object_set_new(object, "busy", json_boolean(live->busy));
		json_object_set_new(object, "info", json_of_pairs(&live->pairs));
		json_object_set_new(object, "rows", json_of_grid(&live->grid));
		for (j = 0; j < live->nr_sites; j++)
			json_array_append_new(sites, json_of_site(&live->site[j]));
		json_object_set_new(object, "sites", sites);
		json_array_append_new(array, object);
	}
	return array;
}

json_t *json_of_map(const struct map *map)
{
	json_t *object = json_object(), *areas = json_array(), *area;
	size_t i;

	json_object_set_new(object, "legend", json_string(map->legend));
	json_object_set_new(object, "busy", json_boolean(map->busy));
	for (i = 0; i < map->nr; i++) {
		area = json_object();
		json_object_set_new(area, "part", text_or_null(map->of[i].part));
		json_object_set_new(area, "title", json_string(map->of[i].title));
		json_object_set_new(area, "units", json_string(map->of[i].units));
		json_object_set_new(area, "total", json_of_u64(map->of[i].total));
		json_object_set_new(area, "each", json_of_u64(map->of[i].each));
		json_object_set_new(area, "cells", json_string(map->of[i].cells ?: ""));
		json_array_append_new(areas, area);
	}
	json_object_set_new(object, "areas", areas);
	return object;
}

json_t *json_of_verdicts(const struct verdicts *verdicts)
{
	static const char *const states[] = {
		[VERDICT_OK] = "ok", [VERDICT_BUSY] = "busy", [VERDICT_NONE] = "none",
		[VERDICT_FAULTS] = "faults",
	};
	json_t *array = json_array(), *object;
	size_t i;

	for (i = 0; i < verdicts->nr; i++) {
		const struct verdict *v = &verdicts->of[i];

		object = json_object();
		json_object_set_new(object, "part", text_or_null(v->part));
		json_object_set_new(object, "state", json_string(states[v->state]));
		json_object_set_new(object, "faults", texts(v->fault, v->nr_faults));
		json_object_set_new(object, "more", json_of_u64(v->more));
		json_array_append_new(array, object);
	}
	return array;
}

void json_add_snapshot(json_t *into, const struct snapshot *snap)
{
	json_t *allocators = json_array(), *budgets = json_array(), *caches = json_array();
	json_t *errors = json_array();
	size_t i;

	json_object_set_new(into, "module", json_of_pairs(&snap->info));
	for (i = 0; i < snap->nr_allocators; i++)
		json_array_append_new(allocators, json_of_allocator(&snap->allocator[i]));
	json_object_set_new(into, "allocators", allocators);
	for (i = 0; i < snap->nr_budgets; i++)
		json_array_append_new(budgets, json_of_budget(&snap->budget[i]));
	json_object_set_new(into, "budgets", budgets);
	for (i = 0; i < snap->nr_caches; i++)
		json_array_append_new(caches, json_of_cache(&snap->cache[i]));
	json_object_set_new(into, "caches", caches);
	for (i = 0; i < snap->errors.nr; i++)
		json_array_append_new(errors, json_of_report(&snap->errors.of[i]));
	json_object_set_new(into, "errors", errors);
}

json_t *json_begin(const char *command, const char *source, double time)
{
	json_t *root = json_object();

	json_object_set_new(root, "format", json_integer(1));
	json_object_set_new(root, "command", json_string(command));
	/* The name of a file can be anything. */
	json_object_set_new(root, "source", json_string(source) ?: json_null());
	json_object_set_new(root, "time", time > 0 ? json_real(time) : json_null());
	return root;
}

void json_end(json_t *root, const struct problems *ps, FILE *out)
{
	json_t *problems = json_array(), *problem;
	size_t i;

	for (i = 0; i < ps->nr && i < PROBLEMS_MAX; i++) {
		problem = json_object();
		json_object_set_new(problem, "file", json_string(ps->of[i].file));
		json_object_set_new(problem, "line", json_integer(ps->of[i].line));
		json_object_set_new(problem, "message", json_string(ps->of[i].message));
		json_array_append_new(problems, problem);
	}
	json_object_set_new(root, "problems", problems);
	json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	fputc('\n', out);
	json_decref(root);
}
