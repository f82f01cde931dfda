// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebulactl show: one allocator, budget or cache in full.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "json.h"
#include "read.h"
#include "target.h"
#include "units.h"
#include "view.h"

/* Where values begin. */
#define KEY_WIDTH	16

#define BAR_WIDTH	30

/* What the lines above have said already, or what changes with each look. */
static const char *const said[] = {
	"name", "kind", "owner", "created by", "age", "state", "parent",
};

static void put_key(struct view *v, const char *key)
{
	fprintf(v->out, "  %s%-*s%s", paint_on(PAINT_DIM), KEY_WIDTH, key, paint_on(PAINT_NONE));
}

static void put_text(struct view *v, const char *key, const char *value)
{
	put_key(v, key);
	fprintf(v->out, "%s\n", value);
}

static void put_count(struct view *v, const char *key, uint64_t n)
{
	char buf[UNITS_SIZE];

	put_text(v, key, units_exact(buf, n));
}

static void put_bytes(struct view *v, const char *key, uint64_t n)
{
	char exact[UNITS_SIZE], bytes[UNITS_SIZE];

	put_key(v, key);
	if (n < 1024)
		fprintf(v->out, "%s\n", units_bytes(bytes, n));
	else
		fprintf(v->out, "%-12s %s(%s)%s\n", units_bytes(bytes, n), paint_on(PAINT_DIM),
			units_exact(exact, n), paint_on(PAINT_NONE));
}

/* "use   [#####.....]  22.8%  8.9 KiB of 39.1 KiB" */
static void put_use(struct view *v, const char *key, uint64_t share, const char *of)
{
	const unsigned int width = v->width && v->width < 80 ? 10 : BAR_WIDTH;
	char bar[BAR_SIZE], percent[UNITS_SIZE];

	put_key(v, key);
	paint_put(v->out, paint_level(share), paint_bar(bar, share, width));
	fprintf(v->out, "  %s  %s\n", units_permille(percent, share), of);
}

static void put_use_of(struct view *v, const char *key, uint64_t used, uint64_t of)
{
	char a[UNITS_SIZE], b[UNITS_SIZE], text[80];

	snprintf(text, sizeof(text), "%s of %s", units_bytes(a, used), units_bytes(b, of));
	put_use(v, key, units_share(used, of), text);
}

static void put_title(struct view *v, const char *title)
{
	fputc('\n', v->out);
	paint_put(v->out, PAINT_HEAD, title);
	fputc('\n', v->out);
}

bool show_is_said(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(said) / sizeof(*said); i++)
		if (!strcmp(said[i], key))
			return true;
	return false;
}

static void put_pairs(struct view *v, const struct pairs *pairs)
{
	size_t i;

	for (i = 0; i < pairs->nr; i++)
		if (!show_is_said(pairs->of[i].key))
			put_text(v, pairs->of[i].key, pairs->of[i].value);
}

static void put_classes(struct view *v, const char *title, const struct classes *classes,
			const char *unit)
{
	char bar[BAR_SIZE], count[UNITS_SIZE], range[64];
	uint64_t most = 1;
	size_t i;

	if (!classes->nr)
		return;
	put_title(v, title);
	for (i = 0; i < classes->nr; i++)
		if (classes->of[i].count > most)
			most = classes->of[i].count;
	for (i = 0; i < classes->nr; i++) {
		const struct class *c = &classes->of[i];

		if (c->to == UINT64_MAX)
			snprintf(range, sizeof(range), "from %llu%s", (unsigned long long)c->from,
				 unit);
		else
			snprintf(range, sizeof(range), "%llu to %llu%s",
				 (unsigned long long)c->from, (unsigned long long)c->to, unit);
		fprintf(v->out, "  %-20s %12s  %s\n", range, units_exact(count, c->count),
			paint_bar(bar, units_share(c->count, most), 20));
	}
}

static void put_failures(struct view *v, const struct stats *st)
{
	char count[UNITS_SIZE];
	size_t i;

	if (!st->failures)
		return;
	put_title(v, "failures");
	for (i = 0; i < st->nr_failures; i++) {
		fputs("  ", v->out);
		fprintf(v->out, "%s%-24s%s %s\n", paint_on(PAINT_BAD), st->failure[i].code,
			paint_on(PAINT_NONE), units_exact(count, st->failure[i].count));
	}
}

static void put_parts(struct view *v, const struct allocator *a)
{
	char count[UNITS_SIZE], bar[BAR_SIZE];
	uint64_t sum = 0;
	size_t i;

	if (!a->nr_parts)
		return;
	put_title(v, "parts");
	for (i = 0; i < a->nr_parts; i++)
		sum += a->part[i].hits;
	for (i = 0; i < a->nr_parts; i++)
		fprintf(v->out, "  %zu  %-20s %-8s %12s hits  %s\n", i + 1, a->part[i].name,
			a->part[i].kind, units_exact(count, a->part[i].hits),
			paint_bar(bar, units_share(a->part[i].hits, sum), 20));
}

static void put_stats(struct view *v, const struct stats *st)
{
	char text[UNITS_SIZE];

	put_title(v, "memory");
	put_use_of(v, "used", st->used, st->capacity);
	put_use_of(v, "peak", st->peak, st->capacity);
	put_bytes(v, "available", st->available);
	put_bytes(v, "max capacity", st->max_capacity);
	put_bytes(v, "padding", st->padding);
	put_count(v, "regions", st->regions);
	put_count(v, "grows", st->grows);

	put_title(v, "operations");
	put_count(v, "live", st->live);
	put_count(v, "allocs", st->allocs);
	put_count(v, "frees", st->frees);
	put_count(v, "resets", st->resets);
	put_bytes(v, "bytes in", st->bytes_in);
	put_bytes(v, "bytes out", st->bytes_out);
	put_count(v, "failures", st->failures);
	put_text(v, "failure rate", units_permille(text, units_share(st->failures,
								     st->allocs + st->failures)));
}

/* Others of the same name have a number behind a dot. */
static void put_namesakes(struct view *v, const char *name)
{
	const size_t len = strlen(name);
	struct names names;
	bool any = false;
	size_t i;

	if (source_list(v->source, "allocators", &v->arena, &names))
		return;
	for (i = 0; i < names.nr; i++) {
		const char *other = names.of[i];

		if (strncmp(other, name, len) || other[len] != '.' ||
		    !other[len + 1] || other[len + 1 + strspn(other + len + 1, "0123456789")])
			continue;
		fprintf(v->out, "%s%s", any ? ", " : "\nothers were created under the same name: ",
			other);
		any = true;
	}
	if (any)
		fputc('\n', v->out);
}

static void put_heading(struct view *v, const char *name, const char *kind, const char *owner)
{
	paint_put(v->out, PAINT_NAME, name);
	fprintf(v->out, ", %s of %s\n", kind, owner);
}

static enum status show_allocator(struct view *v, const char *name, json_t *json)
{
	struct reports reports = { };
	char age[UNITS_SIZE];
	struct allocator a;

	if (read_allocator(v->source, name, &a, &v->ps) == -ENOENT) {
		fprintf(stderr, "nebulactl: %s went away while it was read\n", name);
		return STATUS_UNAVAILABLE;
	}
	read_errors(v->source, name, &reports, &v->ps);
	if (json) {
		json_object_set_new(json, "allocator", json_of_allocator(&a));
		if (reports.nr)
			json_object_set_new(json, "newest_error",
					    json_of_report(&reports.of[reports.nr - 1]));
		return STATUS_OK;
	}
	put_heading(v, a.name, a.kind, a.owner);
	fprintf(v->out, "created by %s, %s ago\n", a.created_by, units_age(age, a.age_ms));
	if (a.has_stats)
		put_stats(v, &a.stats);
	put_failures(v, &a.stats);
	put_parts(v, &a);
	put_classes(v, "sizes that were asked for", &a.stats.sizes, "");
	put_title(v, "configuration");
	put_pairs(v, &a.info);
	if (reports.nr) {
		put_title(v, "newest error");
		errors_print(v->out, &reports.of[reports.nr - 1], v->width);
	}
	put_namesakes(v, a.name);
	return STATUS_OK;
}

static enum status show_budget(struct view *v, const char *name, json_t *json)
{
	struct budget b;

	if (read_budget(v->source, name, &b, &v->ps) == -ENOENT) {
		fprintf(stderr, "nebulactl: %s went away while it was read\n", name);
		return STATUS_UNAVAILABLE;
	}
	if (json) {
		json_object_set_new(json, "budget", json_of_budget(&b));
		return STATUS_OK;
	}
	put_heading(v, b.name, "budget", b.owner);
	fprintf(v->out, "state %s%s%s%s%s\n\n", paint_on(strcmp(b.state, "normal") ? PAINT_BAD
								      : PAINT_GOOD),
		b.state, paint_on(PAINT_NONE), b.parent ? ", below " : "", b.parent ?: "");
	put_use_of(v, "charged", b.used, b.limit);
	put_use_of(v, "at most", b.peak, b.limit);
	put_pairs(v, &b.info);
	return STATUS_OK;
}

static enum status show_cache(struct view *v, const char *name, json_t *json)
{
	char entries[UNITS_SIZE], capacity[UNITS_SIZE], text[80];
	struct cache c;

	if (read_cache(v->source, name, &c, &v->ps) == -ENOENT) {
		fprintf(stderr, "nebulactl: %s went away while it was read\n", name);
		return STATUS_UNAVAILABLE;
	}
	if (json) {
		json_object_set_new(json, "cache", json_of_cache(&c));
		return STATUS_OK;
	}
	put_heading(v, c.name, "cache", c.owner);
	fputc('\n', v->out);
	snprintf(text, sizeof(text), "%s of %s entries", units_exact(entries, c.entries),
		 units_exact(capacity, c.capacity));
	put_use(v, "full", units_share(c.entries, c.capacity), text);
	put_pairs(v, &c.info);
	put_classes(v, "computing times", &c.times, " us");
	return STATUS_OK;
}

enum status view_show(struct view *v)
{
	static enum status (*const shows[TARGET_NR])(struct view *, const char *, json_t *) = {
		[TARGET_ALLOCATOR] = show_allocator,
		[TARGET_BUDGET] = show_budget,
		[TARGET_CACHE] = show_cache,
	};
	const char *name;
	enum target target;
	enum status status;
	json_t *json = NULL;

	status = target_find(v, v->opt.args[0], TARGETS_ALL, &target, &name);
	if (status)
		return status;
	if (v->opt.json)
		json = json_begin("show", source_name(v->source), source_time(v->source));
	status = shows[target](v, name, json);
	if (json)
		json_end(json, &v->ps, v->out);
	return status;
}
