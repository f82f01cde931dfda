// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebulactl export --prometheus: the text format that node_exporter's textfile collector reads.
 * Each metric is announced once, and its samples stand together. What only grows is a counter and
 * ends with _total.
 */
#include <inttypes.h>
#include <string.h>
#include "view.h"

/* A number of an allocator, a budget or a cache. */
struct metric {
	const char *name;
	const char *help;
	size_t offset;		/* of a uint64_t in its struct */
	bool counter;
};

#define STAT(field)	offsetof(struct allocator, stats.field)

static const struct metric allocator_metrics[] = {
	{ "used_bytes", "Bytes in use.", STAT(used), false },
	{ "available_bytes", "Bytes free without growth.", STAT(available), false },
	{ "capacity_bytes", "Bytes mapped.", STAT(capacity), false },
	{ "max_capacity_bytes", "Bytes it can grow to.", STAT(max_capacity), false },
	{ "peak_bytes", "Highest use since the peak was begun.", STAT(peak), false },
	{ "live_objects", "Objects allocated and not freed.", STAT(live), false },
	{ "regions", "Regions mapped.", STAT(regions), false },
	{ "allocations_total", "Allocations served.", STAT(allocs), true },
	{ "frees_total", "Objects freed.", STAT(frees), true },
	{ "resets_total", "Resets.", STAT(resets), true },
	{ "requested_bytes_total", "Bytes requested.", STAT(bytes_in), true },
	{ "padding_bytes_total", "Bytes lost to alignment.", STAT(padding), true },
	{ "grows_total", "Times it grew.", STAT(grows), true },
};

static const struct metric budget_metrics[] = {
	{ "used_bytes", "Bytes charged.", offsetof(struct budget, used), false },
	{ "limit_bytes", "Bytes that can be charged.", offsetof(struct budget, limit), false },
	{ "peak_bytes", "Highest charge.", offsetof(struct budget, peak), false },
	{ "charges_total", "Charges.", offsetof(struct budget, charges), true },
	{ "refused_total", "Charges refused.", offsetof(struct budget, refused), true },
};

static const struct metric cache_metrics[] = {
	{ "entries", "Values kept.", offsetof(struct cache, entries), false },
	{ "capacity_entries", "Values that can be kept.", offsetof(struct cache, capacity), false },
	{ "hits_total", "Values found.", offsetof(struct cache, hits), true },
	{ "misses_total", "Values not found.", offsetof(struct cache, misses), true },
	{ "computes_total", "Values computed.", offsetof(struct cache, computes), true },
	{ "errors_total", "Computations that failed.", offsetof(struct cache, errors), true },
	{ "evictions_total", "Values evicted.", offsetof(struct cache, evictions), true },
	{ "expired_total", "Values that were too old.", offsetof(struct cache, expired), true },
};

#define NR(array)	(sizeof(array) / sizeof(*(array)))

static void announce(FILE *out, const char *of, const struct metric *m)
{
	fprintf(out, "# HELP nebula_%s_%s %s\n# TYPE nebula_%s_%s %s\n", of, m->name, m->help, of,
		m->name, m->counter ? "counter" : "gauge");
}

/* Of a label's value backslashes and quotes are escaped; there is no newline in any. */
static void put_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fputc('\\', out);
		fputc(*value, out);
	}
	fputc('"', out);
}

static uint64_t value_of(const void *of, const struct metric *m)
{
	return *(const uint64_t *)((const char *)of + m->offset);
}

static void put_allocator_labels(FILE *out, const struct allocator *a)
{
	put_label(out, "{name", a->name);
	put_label(out, ",kind", a->kind);
	put_label(out, ",owner", a->owner);
}

static void put_allocators(FILE *out, const struct snapshot *snap)
{
	size_t i, j;

	for (i = 0; i < NR(allocator_metrics); i++) {
		const struct metric *m = &allocator_metrics[i];

		announce(out, "allocator", m);
		for (j = 0; j < snap->nr_allocators; j++) {
			if (!snap->allocator[j].has_stats)
				continue;
			fprintf(out, "nebula_allocator_%s", m->name);
			put_allocator_labels(out, &snap->allocator[j]);
			fprintf(out, "} %" PRIu64 "\n", value_of(&snap->allocator[j], m));
		}
	}
}

/* By code; what is not told apart has no code. */
static void put_failures(FILE *out, const struct snapshot *snap)
{
	static const struct metric m = { "failures_total", "Requests refused, by code.", 0, true };
	size_t i, j;

	announce(out, "allocator", &m);
	for (i = 0; i < snap->nr_allocators; i++) {
		const struct allocator *a = &snap->allocator[i];

		for (j = 0; j < a->stats.nr_failures; j++) {
			fputs("nebula_allocator_failures_total", out);
			put_allocator_labels(out, a);
			put_label(out, ",code", a->stats.failure[j].code);
			fprintf(out, "} %" PRIu64 "\n", a->stats.failure[j].count);
		}
	}
}

static void put_budgets(FILE *out, const struct snapshot *snap)
{
	size_t i, j;

	for (i = 0; i < NR(budget_metrics); i++) {
		announce(out, "budget", &budget_metrics[i]);
		for (j = 0; j < snap->nr_budgets; j++) {
			const struct budget *b = &snap->budget[j];

			fprintf(out, "nebula_budget_%s", budget_metrics[i].name);
			put_label(out, "{name", b->name);
			put_label(out, ",parent", b->parent ?: "");
			put_label(out, ",owner", b->owner);
			fprintf(out, "} %" PRIu64 "\n", value_of(b, &budget_metrics[i]));
		}
	}
}

static void put_caches(FILE *out, const struct snapshot *snap)
{
	size_t i, j;

	for (i = 0; i < NR(cache_metrics); i++) {
		announce(out, "cache", &cache_metrics[i]);
		for (j = 0; j < snap->nr_caches; j++) {
			const struct cache *c = &snap->cache[j];

			fprintf(out, "nebula_cache_%s", cache_metrics[i].name);
			put_label(out, "{name", c->name);
			put_label(out, ",owner", c->owner);
			fprintf(out, "} %" PRIu64 "\n", value_of(c, &cache_metrics[i]));
		}
	}
}

static void put_module(FILE *out, const struct snapshot *snap)
{
	static const struct {
		const char *key;
		struct metric metric;
	} of[] = {
		{ "region bytes", { "region_bytes", "Bytes of all regions.", 0, false } },
		{ "regions", { "regions", "Regions mapped.", 0, false } },
		{ "errors", { "errors_total", "Errors recorded, repeated ones too.", 0, true } },
		{ "errors lost", { "errors_lost_total", "Errors without room.", 0, true } },
	};
	const char *version = pairs_find(&snap->info, "version");
	size_t i;

	if (version) {
		fputs("# HELP nebula_module_info The module that is loaded.\n"
		      "# TYPE nebula_module_info gauge\nnebula_module_info", out);
		put_label(out, "{version", version);
		put_label(out, ",kernel", pairs_find(&snap->info, "kernel") ?: "");
		fputs("} 1\n", out);
	}
	for (i = 0; i < NR(of); i++) {
		if (!pairs_find(&snap->info, of[i].key))
			continue;
		announce(out, "module", &of[i].metric);
		fprintf(out, "nebula_module_%s %" PRIu64 "\n", of[i].metric.name,
			pairs_number(&snap->info, of[i].key, 0));
	}
}

void metrics_prometheus(FILE *out, const struct snapshot *snap)
{
	put_module(out, snap);
	put_allocators(out, snap);
	put_failures(out, snap);
	put_budgets(out, snap);
	put_caches(out, snap);
}
