// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads info, stats, budgets and caches, see read.h. Lines whose key is not known are kept as they
 * are: a later module may say more.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "read.h"

/* A number behind a key, and where it goes. */
struct number {
	const char *key;
	size_t offset;
	bool optional;		/* is it all right if there is none? */
};

#define MAX_NUMBERS	24

/* Lines "key: value" of a file; the module's have a tenth. */
#define MAX_PAIRS	400

const char *pairs_find(const struct pairs *pairs, const char *key)
{
	size_t i;

	for (i = 0; i < pairs->nr; i++)
		if (!strcmp(pairs->of[i].key, key))
			return pairs->of[i].value;
	return NULL;
}

uint64_t pairs_number(const struct pairs *pairs, const char *key, uint64_t otherwise)
{
	char *value = (char *)pairs_find(pairs, key);
	uint64_t n;

	return value && text_u64(&value, &n) ? n : otherwise;
}

static void add_pair(struct text *t, struct pairs *pairs, const char *key, const char *value)
{
	struct arena *a = t->ps->arena;

	if (pairs->nr >= MAX_PAIRS)
		return;
	if (pairs_find(pairs, key)) {
		text_problem(t, "\"%.40s\" a second time", key);
		return;
	}
	if (pairs->nr == MAX_PAIRS - 1)
		text_problem(t, "more than %d lines, the others are left out", MAX_PAIRS);
	pairs->of = arena_more(a, pairs->of, pairs->nr, sizeof(*pairs->of));
	pairs->of[pairs->nr++] = (struct pair){ arena_strdup(a, key), arena_strdup(a, value) };
}

/* Is the line "key: value" one of the numbers? Then takes it. */
static void take_number(struct text *t, const struct number *numbers, bool *seen, const char *key,
			char *value, void *into)
{
	size_t i;

	for (i = 0; numbers[i].key; i++) {
		if (strcmp(numbers[i].key, key))
			continue;
		if (!text_u64(&value, (uint64_t *)((char *)into + numbers[i].offset)))
			text_problem(t, "\"%s\" has no number: \"%.40s\"", key, value);
		seen[i] = true;
		return;
	}
}

static void report_missing(struct text *t, const struct number *numbers, const bool *seen)
{
	size_t i, missing = 0;
	const char *first = NULL;

	for (i = 0; numbers[i].key; i++) {
		if (seen[i] || numbers[i].optional)
			continue;
		first = first ?: numbers[i].key;
		missing++;
	}
	if (missing == 1)
		text_problem(t, "it ends without \"%s\"", first);
	else if (missing)
		text_problem(t, "it ends without \"%s\" and %zu more", first, missing - 1);
}

/* The text of "key" that has to be there. */
static const char *need_text(struct text *t, const struct pairs *pairs, const char *key)
{
	const char *value = pairs_find(pairs, key);

	if (!value)
		text_problem(t, "it ends without \"%s\"", key);
	return value ?: "?";
}

int read_module_info(struct source *s, struct pairs *info, struct problems *ps)
{
	char *line, *key, *value;
	struct text t;
	int ret = text_open(&t, s, "info", "info", ps);

	while (!ret && (line = text_line(&t))) {
		if (text_split(line, &key, &value))
			add_pair(&t, info, key, value);
		else
			text_problem(&t, "not \"key: value\": \"%.40s\"", line);
	}
	return ret;
}

/* "   1 device               custom             4   57.1%": a part of a composite. */
static void take_part(struct text *t, struct allocator *a, char *line)
{
	char *rest = line, *number = text_word(&rest), *name = text_word(&rest);
	char *kind = text_word(&rest), *hits = text_word(&rest);
	struct part *p;
	uint64_t n, count;

	if (!hits || !text_u64(&number, &n) || !text_u64(&hits, &count)) {
		text_problem(t, "no part: number, name, kind, hits and share");
		return;
	}
	a->part = arena_more(t->ps->arena, a->part, a->nr_parts, sizeof(*a->part));
	p = &a->part[a->nr_parts++];
	p->name = arena_strdup(t->ps->arena, name);
	p->kind = arena_strdup(t->ps->arena, kind);
	p->hits = count;
}

static int read_allocator_info(struct source *s, const char *path, struct allocator *a,
			       struct problems *ps)
{
	char *line, *key, *value;
	bool parts = false;
	struct text t;
	int ret = text_open(&t, s, path, "info", ps);

	if (ret)
		return ret;
	while ((line = text_line(&t))) {
		if (text_split(line, &key, &value))
			add_pair(&t, &a->info, key, value);
		else if (!strncmp(line, "part ", 5))
			parts = true;
		else if (parts)
			take_part(&t, a, line);
		else
			text_problem(&t, "not \"key: value\": \"%.40s\"", line);
	}
	a->kind = need_text(&t, &a->info, "kind");
	a->owner = need_text(&t, &a->info, "owner");
	a->created_by = pairs_find(&a->info, "created by") ?: "?";
	a->age_ms = pairs_number(&a->info, "age", 0);
	return 0;
}

/* "  LIFO_VIOLATION           1" */
static bool take_failure(struct text *t, struct stats *st, char *line)
{
	char *rest = line, *code = text_word(&rest), *count = text_word(&rest);
	struct failure *f;
	uint64_t n;

	if (!count || text_word(&rest) || !text_u64(&count, &n) || *count)
		return false;
	st->failure = arena_more(t->ps->arena, st->failure, st->nr_failures, sizeof(*f));
	f = &st->failure[st->nr_failures++];
	f->code = arena_strdup(t->ps->arena, code);
	f->count = n;
	return true;
}

/* "  8192 to 16383   1 [####]", or "   256 us and more     11". */
static bool take_class(struct text *t, struct classes *classes, char *line)
{
	struct class c = { .to = UINT64_MAX };
	char *rest = line;

	if (!text_u64(&rest, &c.from))
		return false;
	if (!strncmp(rest, " us and more ", 13)) {
		rest += 13;
	} else {
		rest += strspn(rest, " ");
		if (strncmp(rest, "to ", 3))
			return false;
		rest += 3;
		if (!text_u64(&rest, &c.to) || c.to < c.from)
			return false;
	}
	if (!text_u64(&rest, &c.count))
		return false;
	classes->of = arena_more(t->ps->arena, classes->of, classes->nr, sizeof(c));
	classes->of[classes->nr++] = c;
	return true;
}

#define STAT(key, field)	{ key, offsetof(struct stats, field), false }

static const struct number stats_numbers[MAX_NUMBERS] = {
	STAT("allocs", allocs),
	STAT("frees", frees),
	STAT("live", live),
	STAT("resets", resets),
	STAT("bytes in", bytes_in),
	STAT("bytes out", bytes_out),
	STAT("padding", padding),
	STAT("used", used),
	STAT("available", available),
	STAT("capacity", capacity),
	STAT("max capacity", max_capacity),
	STAT("peak", peak),
	STAT("regions", regions),
	STAT("grows", grows),
	STAT("failures", failures),
};

/* A line below "failures:" or "sizes:". */
static void take_detail(struct text *t, struct stats *st, const char *section, char *line)
{
	if (!strcmp(section, "failures")) {
		if (take_failure(t, st, line))
			return;
		text_problem(t, "not a code and how often");
	} else if (!strcmp(section, "sizes")) {
		if (take_class(t, &st->sizes, line))
			return;
		text_problem(t, "not sizes \"from to\" and how many");
	} else {
		text_problem(t, "not \"key: value\": \"%.40s\"", line);
	}
}

static int read_stats(struct source *s, const char *path, struct stats *st, struct problems *ps)
{
	bool seen[MAX_NUMBERS] = { };
	char *line, *key, *value;
	const char *section = "";
	struct text t;
	int ret = text_open(&t, s, path, "stats", ps);

	if (ret)
		return ret;
	while ((line = text_line(&t))) {
		if (!text_split(line, &key, &value)) {
			take_detail(&t, st, section, line);
			continue;
		}
		section = key;
		take_number(&t, stats_numbers, seen, key, value, st);
		if (!strcmp(key, "utilisation") && !text_permille(&value, &st->utilisation))
			text_problem(&t, "\"%s\" has no percentage: \"%.40s\"", key, value);
	}
	report_missing(&t, stats_numbers, seen);
	return 0;
}

/* An allocator without info has vanished, or is none: -ENOENT. */
int read_allocator(struct source *s, const char *name, struct allocator *a, struct problems *ps)
{
	char path[SOURCE_NAME_MAX + 32];
	int ret;

	*a = (struct allocator){
		.name = arena_strdup(ps->arena, name), .kind = "?", .owner = "?", .created_by = "?",
	};
	snprintf(path, sizeof(path), "allocators/%s/info", name);
	ret = read_allocator_info(s, path, a, ps);
	if (ret == -ENOENT)
		return ret;
	snprintf(path, sizeof(path), "allocators/%s/stats", name);
	ret = read_stats(s, path, &a->stats, ps);
	a->has_stats = !ret;
	return ret == -ENOENT ? ret : 0;
}

#define BUDGET(key, field)	{ key, offsetof(struct budget, field), false }

static const struct number budget_numbers[MAX_NUMBERS] = {
	BUDGET("limit", limit),
	{ "per alloc", offsetof(struct budget, per_alloc), true },
	BUDGET("used", used),
	BUDGET("peak", peak),
	BUDGET("largest charge", largest),
	BUDGET("in stock", stocked),
	BUDGET("charges", charges),
	BUDGET("uncharges", uncharges),
	BUDGET("refused", refused),
	BUDGET("refused early", early),
	BUDGET("children", children),
	BUDGET("regions", regions),
};

/* Reads @path of @kind: pairs, @numbers into @into, and below the key @classes_key classes. */
static int read_pairs(struct source *s, const char *path, const char *kind,
		      const struct number *numbers, void *into, struct pairs *pairs,
		      const char *classes_key, struct classes *classes, struct problems *ps,
		      struct text *t)
{
	bool seen[MAX_NUMBERS] = { };
	char *line, *key, *value;
	const char *section = "";
	int ret = text_open(t, s, path, kind, ps);

	if (ret)
		return ret;
	while ((line = text_line(t))) {
		if (text_split(line, &key, &value)) {
			section = key;
			if (*value)
				add_pair(t, pairs, key, value);
			take_number(t, numbers, seen, key, value, into);
		} else if (strcmp(section, classes_key) || !take_class(t, classes, line)) {
			text_problem(t, "not \"key: value\": \"%.40s\"", line);
		}
	}
	report_missing(t, numbers, seen);
	return 0;
}

int read_budget(struct source *s, const char *name, struct budget *b, struct problems *ps)
{
	char path[SOURCE_NAME_MAX + 32];
	struct classes none = { };
	struct text t;
	int ret;

	*b = (struct budget){ .name = arena_strdup(ps->arena, name), .owner = "?", .state = "?" };
	snprintf(path, sizeof(path), "budgets/%s", name);
	ret = read_pairs(s, path, "budget", budget_numbers, b, &b->info, "", &none, ps, &t);
	if (ret)
		return ret;
	b->owner = need_text(&t, &b->info, "owner");
	b->state = need_text(&t, &b->info, "state");
	b->parent = need_text(&t, &b->info, "parent");
	if (!strcmp(b->parent, "none") || !strcmp(b->parent, "?"))
		b->parent = NULL;
	return 0;
}

#define CACHE(key, field)	{ key, offsetof(struct cache, field), false }

static const struct number cache_numbers[MAX_NUMBERS] = {
	CACHE("entries", entries),
	CACHE("hits", hits),
	CACHE("misses", misses),
	CACHE("computes", computes),
	CACHE("errors", errors),
	CACHE("waits", waits),
	CACHE("evictions", evictions),
	CACHE("expired", expired),
};

int read_cache(struct source *s, const char *name, struct cache *c, struct problems *ps)
{
	char path[SOURCE_NAME_MAX + 32];
	const char *of;
	struct text t;
	int ret;

	*c = (struct cache){ .name = arena_strdup(ps->arena, name), .owner = "?" };
	snprintf(path, sizeof(path), "caches/%s", name);
	ret = read_pairs(s, path, "cache", cache_numbers, c, &c->info, "compute times", &c->times,
			 ps, &t);
	if (ret)
		return ret;
	c->owner = need_text(&t, &c->info, "owner");
	c->layers = pairs_find(&c->info, "layers") ?: "";
	c->compute = pairs_find(&c->info, "compute");
	of = strstr(pairs_find(&c->info, "entries") ?: "", " of ");
	if (!of || !text_u64(&(char *){ (char *)of + 4 }, &c->capacity))
		text_problem(&t, "\"entries\" is not \"N of N\"");
	return 0;
}

/* Names below @dir that the module can have made; others are reported. */
static void list_valid(struct source *s, const char *dir, struct names *names, struct problems *ps)
{
	size_t i, valid = 0;
	int ret = source_list(s, dir, ps->arena, names);

	if (ret == -EFBIG)
		problem_add(ps, dir, 0, "more than %d names, the others are left out",
			    SOURCE_NAMES_MAX);
	else if (ret && ret != -ENOENT)
		problem_add(ps, dir, 0, "%s", ret == -EINVAL ? "no directory" : strerror(-ret));
	for (i = 0; i < names->nr; i++) {
		if (source_name_valid(names->of[i]))
			names->of[valid++] = names->of[i];
		else
			problem_add(ps, dir, 0,
				    "a name that is none of nebula_memory's, left out: entry %zu",
				    i + 1);
	}
	names->nr = valid;
}

static void read_allocators(struct source *s, struct snapshot *snap, struct problems *ps)
{
	struct names names;
	size_t i;

	list_valid(s, "allocators", &names, ps);
	snap->allocator = arena_alloc(ps->arena, (names.nr + 1) * sizeof(*snap->allocator));
	for (i = 0; i < names.nr; i++) {
		if (!read_allocator(s, names.of[i], &snap->allocator[snap->nr_allocators], ps))
			snap->nr_allocators++;
		else
			snap->vanished++;
	}
}

static void read_budgets(struct source *s, struct snapshot *snap, struct problems *ps)
{
	struct names names;
	size_t i;

	list_valid(s, "budgets", &names, ps);
	snap->budget = arena_alloc(ps->arena, (names.nr + 1) * sizeof(*snap->budget));
	for (i = 0; i < names.nr; i++)
		if (!read_budget(s, names.of[i], &snap->budget[snap->nr_budgets], ps))
			snap->nr_budgets++;
}

static void read_caches(struct source *s, struct snapshot *snap, struct problems *ps)
{
	struct names names;
	size_t i;

	list_valid(s, "caches", &names, ps);
	snap->cache = arena_alloc(ps->arena, (names.nr + 1) * sizeof(*snap->cache));
	for (i = 0; i < names.nr; i++)
		if (!read_cache(s, names.of[i], &snap->cache[snap->nr_caches], ps))
			snap->nr_caches++;
}

int read_snapshot(struct source *s, unsigned int what, struct snapshot *snap, struct problems *ps)
{
	*snap = (struct snapshot){ .time = source_time(s) };
	if (read_module_info(s, &snap->info, ps) == -ENOENT)
		problem_add(ps, "info", 0, "not there: the module is unloaded, or this is no copy");
	if (what & READ_ALLOCATORS)
		read_allocators(s, snap, ps);
	if (what & READ_BUDGETS)
		read_budgets(s, snap, ps);
	if (what & READ_CACHES)
		read_caches(s, snap, ps);
	if (what & READ_ERRORS && read_errors(s, NULL, &snap->errors, ps) == -ENOENT)
		problem_add(ps, "errors", 0, "not there");
	return 0;
}
