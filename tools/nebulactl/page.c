// SPDX-License-Identifier: GPL-2.0-only
/*
 * nebulactl export --html: a report of one machine in one file, without a script, and nothing is
 * loaded from elsewhere. It is well-formed XML too, so that a test can tell.
 */
#include <string.h>
#include <time.h>
#include "html.h"
#include "read.h"
#include "units.h"
#include "view.h"

/* What is shown in full, of hundreds; the table has all. */
#define DETAILS_MAX	100

#define DEPTH_MAX	12

static void put_tile(FILE *out, const char *label, const char *class, const char *value)
{
	fprintf(out, "<div class=\"tile\"><b class=\"%s\">", class);
	html_text(out, value);
	fputs("</b><span>", out);
	html_text(out, label);
	fputs("</span></div>\n", out);
}

static void put_tiles(FILE *out, const struct snapshot *snap)
{
	const uint64_t errors = pairs_number(&snap->info, "errors", snap->errors.nr);
	uint64_t used = 0, capacity = 0, failures = 0;
	char text[UNITS_SIZE];
	size_t i;

	for (i = 0; i < snap->nr_allocators; i++) {
		used += snap->allocator[i].stats.used;
		capacity += snap->allocator[i].stats.capacity;
		failures += snap->allocator[i].stats.failures;
	}
	fputs("<section class=\"tiles\">\n", out);
	put_tile(out, "allocators", "", units_exact(text, snap->nr_allocators));
	put_tile(out, "in use", "", units_bytes(text, used));
	put_tile(out, "capacity", "", units_bytes(text, capacity));
	put_tile(out, "full", html_level(units_share(used, capacity)),
		 units_permille(text, units_share(used, capacity)));
	put_tile(out, "requests refused", failures ? "bad" : "good", units_exact(text, failures));
	put_tile(out, "errors recorded", errors ? "bad" : "good", units_exact(text, errors));
	fputs("</section>\n", out);
}

static void put_number(FILE *out, const char *text)
{
	fputs("<td class=\"r\">", out);
	html_text(out, text);
	fputs("</td>", out);
}

static void put_allocator_row(FILE *out, const struct allocator *a)
{
	const struct stats *st = &a->stats;
	char text[UNITS_SIZE];

	fputs("<tr><td class=\"name\"><a href=\"#a-", out);
	html_text(out, a->name);
	fputs("\">", out);
	html_text(out, a->name);
	fputs("</a></td><td>", out);
	html_text(out, a->kind);
	fputs("</td>", out);
	put_number(out, units_bytes(text, st->used));
	put_number(out, units_bytes(text, st->capacity));
	fputs("<td class=\"wide\">", out);
	html_bar(out, st->utilisation, html_level(st->utilisation),
		 units_share(st->peak, st->capacity));
	fprintf(out, "</td><td class=\"r %s\">%s</td>", html_level(st->utilisation),
		units_permille(text, st->utilisation));
	put_number(out, units_count(text, st->live));
	put_number(out, units_count(text, st->allocs));
	fprintf(out, "<td class=\"r %s\">%s</td><td class=\"soft\">", st->failures ? "bad" : "soft",
		units_count(text, st->failures));
	html_text(out, a->owner);
	fputs("</td></tr>\n", out);
}

static void put_allocators(FILE *out, const struct snapshot *snap)
{
	size_t i;

	fputs("<h2>Allocators</h2>\n<div class=\"card\"><table><thead><tr><th>name</th>"
	      "<th>kind</th><th class=\"r\">used</th><th class=\"r\">capacity</th><th>use, and the peak as a mark</th>"
	      "<th class=\"r\">full</th><th class=\"r\">live</th><th class=\"r\">allocs</th>"
	      "<th class=\"r\">failed</th><th>owner</th></tr></thead><tbody>\n", out);
	for (i = 0; i < snap->nr_allocators; i++)
		put_allocator_row(out, &snap->allocator[i]);
	if (!snap->nr_allocators)
		fputs("<tr><td colspan=\"10\" class=\"soft\">none</td></tr>\n", out);
	fputs("</tbody></table></div>\n", out);
}

static const char *state_class(const char *state)
{
	if (!strcmp(state, "normal"))
		return "good";
	return strcmp(state, "high") ? "bad" : "warn";
}

static void put_budget_row(FILE *out, const struct budget *b, unsigned int depth)
{
	const uint64_t share = units_share(b->used, b->limit);
	char text[UNITS_SIZE];

	fprintf(out, "<tr><td class=\"name\"><span class=\"tree\">%*s%s</span>",
		depth ? (int)(3 * depth - 3) : 0, "", depth ? "└─ " : "");
	html_text(out, b->name);
	fputs("</td>", out);
	put_number(out, units_bytes(text, b->used));
	put_number(out, units_bytes(text, b->limit));
	fputs("<td class=\"wide\">", out);
	html_bar(out, share, html_level(share), units_share(b->peak, b->limit));
	fprintf(out, "</td><td class=\"r\">%s</td><td><span class=\"tag %s\">",
		units_permille(text, share), state_class(b->state));
	html_text(out, b->state);
	fputs("</span></td>", out);
	put_number(out, units_count(text, b->charges));
	fprintf(out, "<td class=\"r %s\">%s</td><td class=\"soft\">", b->refused ? "bad" : "soft",
		units_count(text, b->refused));
	html_text(out, b->owner);
	fputs("</td></tr>\n", out);
}

static bool is_below(const struct snapshot *snap, const struct budget *b,
		     const struct budget *parent)
{
	size_t i;

	if (parent)
		return b->parent && !strcmp(b->parent, parent->name);
	for (i = 0; b->parent && i < snap->nr_budgets; i++)
		if (!strcmp(snap->budget[i].name, b->parent))
			return false;
	return true;
}

static void put_budgets_below(FILE *out, const struct snapshot *snap, const struct budget *parent,
			      unsigned int depth, bool *done)
{
	size_t i;

	for (i = 0; depth < DEPTH_MAX && i < snap->nr_budgets; i++) {
		if (done[i] || !is_below(snap, &snap->budget[i], parent))
			continue;
		done[i] = true;
		put_budget_row(out, &snap->budget[i], depth);
		put_budgets_below(out, snap, &snap->budget[i], depth + 1, done);
	}
}

static void put_budgets(FILE *out, struct view *v, const struct snapshot *snap)
{
	bool *done = arena_alloc(&v->arena, snap->nr_budgets + 1);
	size_t i;

	if (!snap->nr_budgets)
		return;
	fputs("<h2>Budgets</h2>\n<div class=\"card\"><table><thead><tr><th>name</th>"
	      "<th class=\"r\">used</th><th class=\"r\">limit</th><th>use, and the peak as a mark</th>"
	      "<th class=\"r\">full</th><th>state</th><th class=\"r\">charges</th>"
	      "<th class=\"r\">refused</th><th>owner</th></tr></thead><tbody>\n", out);
	put_budgets_below(out, snap, NULL, 0, done);
	for (i = 0; i < snap->nr_budgets; i++)
		if (!done[i])
			put_budget_row(out, &snap->budget[i], 0);
	fputs("</tbody></table></div>\n", out);
}

static void put_cache_row(FILE *out, const struct cache *c)
{
	const uint64_t share = units_share(c->entries, c->capacity);
	char text[UNITS_SIZE];

	fputs("<tr><td class=\"name\">", out);
	html_text(out, c->name);
	fputs("</td>", out);
	put_number(out, units_exact(text, c->entries));
	put_number(out, units_exact(text, c->capacity));
	fputs("<td class=\"wide\">", out);
	html_bar(out, share, "plain", 0);
	fputs("</td>", out);
	put_number(out, pairs_find(&c->info, "hit rate") ?: "-");
	put_number(out, units_count(text, c->hits));
	put_number(out, units_count(text, c->misses));
	put_number(out, units_count(text, c->computes));
	fprintf(out, "<td class=\"r %s\">%s</td>", c->errors ? "bad" : "soft",
		units_count(text, c->errors));
	put_number(out, units_count(text, c->evictions));
	fputs("<td class=\"soft\">", out);
	html_text(out, c->owner);
	fputs("</td></tr>\n", out);
}

static void put_classes(FILE *out, const char *title, const struct classes *classes)
{
	char text[UNITS_SIZE];
	uint64_t most = 1;
	size_t i;

	if (!classes->nr)
		return;
	for (i = 0; i < classes->nr; i++)
		if (classes->of[i].count > most)
			most = classes->of[i].count;
	fprintf(out, "<h3>%s</h3><table><tbody>\n", title);
	for (i = 0; i < classes->nr; i++) {
		const struct class *c = &classes->of[i];

		fputs("<tr><td class=\"soft\">", out);
		if (c->to == UINT64_MAX)
			fprintf(out, "from %llu us", (unsigned long long)c->from);
		else
			fprintf(out, "%llu to %llu", (unsigned long long)c->from,
				(unsigned long long)c->to);
		fprintf(out, "</td><td class=\"r\">%s</td><td class=\"wide\">",
			units_exact(text, c->count));
		html_bar(out, units_share(c->count, most), "plain", 0);
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody></table>\n", out);
}

static void put_caches(FILE *out, const struct snapshot *snap)
{
	char title[160];
	size_t i;

	if (!snap->nr_caches)
		return;
	fputs("<h2>Caches</h2>\n<div class=\"card\"><table><thead><tr><th>name</th>"
	      "<th class=\"r\">entries</th><th class=\"r\">of</th><th>full</th>"
	      "<th class=\"r\">hit rate</th><th class=\"r\">hits</th><th class=\"r\">misses</th>"
	      "<th class=\"r\">computed</th><th class=\"r\">errors</th><th class=\"r\">evicted</th>"
	      "<th>owner</th></tr></thead><tbody>\n", out);
	for (i = 0; i < snap->nr_caches; i++)
		put_cache_row(out, &snap->cache[i]);
	fputs("</tbody></table>\n", out);
	for (i = 0; i < snap->nr_caches; i++) {
		snprintf(title, sizeof(title), "computing times of %s", snap->cache[i].name);
		put_classes(out, title, &snap->cache[i].times);
	}
	fputs("</div>\n", out);
}

static void put_pair(FILE *out, const char *key, const char *value)
{
	fputs("<dt>", out);
	html_text(out, key);
	fputs("</dt><dd>", out);
	html_text(out, value);
	fputs("</dd>\n", out);
}

static void put_pairs(FILE *out, const char *title, const struct pairs *pairs)
{
	size_t i;

	fprintf(out, "<div><h3>%s</h3><dl>\n", title);
	for (i = 0; i < pairs->nr; i++)
		put_pair(out, pairs->of[i].key, pairs->of[i].value);
	fputs("</dl></div>\n", out);
}

static void put_stats(FILE *out, const struct stats *st)
{
	char text[UNITS_SIZE];
	size_t i;

	fputs("<div><h3>statistics</h3><dl>\n", out);
	put_pair(out, "used", units_bytes(text, st->used));
	put_pair(out, "peak", units_bytes(text, st->peak));
	put_pair(out, "available", units_bytes(text, st->available));
	put_pair(out, "max capacity", units_bytes(text, st->max_capacity));
	put_pair(out, "live", units_exact(text, st->live));
	put_pair(out, "allocs", units_exact(text, st->allocs));
	put_pair(out, "frees", units_exact(text, st->frees));
	put_pair(out, "resets", units_exact(text, st->resets));
	put_pair(out, "requested", units_bytes(text, st->bytes_in));
	put_pair(out, "padding", units_bytes(text, st->padding));
	for (i = 0; i < st->nr_failures; i++)
		put_pair(out, st->failure[i].code, units_exact(text, st->failure[i].count));
	fputs("</dl></div>\n", out);
}

static void put_map(FILE *out, struct view *v, const char *name)
{
	struct map map;
	size_t i;

	if (read_map(v->source, name, &map, &v->ps) || (!map.nr && !map.busy))
		return;
	fputs("<h3>map <span class=\"legend\"><i class=\"used\"></i>used"
	      "<i class=\"some\"></i>some used<i class=\"held\"></i>held or used before"
	      "<i></i>free</span></h3>\n", out);
	if (map.busy)
		fputs("<p class=\"soft\">busy: it was being changed</p>\n", out);
	for (i = 0; i < map.nr; i++) {
		fputs("<div class=\"soft\">", out);
		html_printf(out, "%s%s%s%s%llu %s", map.of[i].part ?: "",
			    map.of[i].part ? ": " : "", map.of[i].title,
			    *map.of[i].title ? ": " : "",
			    (unsigned long long)map.of[i].total, map.of[i].units);
		fputs("</div>", out);
		html_map(out, &map.of[i]);
	}
}

static void put_sites(FILE *out, struct view *v, const char *name)
{
	char count[UNITS_SIZE], bytes[UNITS_SIZE];
	struct lives lives;
	bool any = false;
	size_t i, j, k;

	if (read_live(v->source, name, &lives, &v->ps))
		return;
	for (i = 0; i < lives.nr; i++) {
		for (j = 0; j < lives.of[i].nr_sites; j++) {
			const struct site *site = &lives.of[i].site[j];

			if (!any)
				fputs("<h3>live objects, by call site</h3>\n", out);
			any = true;
			fprintf(out, "<div>%s object%s, %s</div><pre>",
				units_exact(count, site->count), site->count == 1 ? "" : "s",
				units_bytes(bytes, site->bytes));
			for (k = 0; k < site->nr_frames; k++) {
				html_text(out, site->frame[k]);
				fputc('\n', out);
			}
			fputs(site->others ? "others</pre>\n" : "</pre>\n", out);
		}
	}
}

static void put_details(FILE *out, struct view *v, const struct snapshot *snap)
{
	size_t i;

	if (snap->nr_allocators)
		fputs("<h2>Details</h2>\n", out);
	for (i = 0; i < snap->nr_allocators && i < DETAILS_MAX; i++) {
		const struct allocator *a = &snap->allocator[i];

		fputs("<details id=\"a-", out);
		html_text(out, a->name);
		fputs("\"><summary>", out);
		html_text(out, a->name);
		fputs(" <span class=\"soft\">", out);
		html_printf(out, "%s of %s", a->kind, a->owner);
		fputs("</span></summary>\n", out);
		put_map(out, v, a->name);
		fputs("<div class=\"grid\">", out);
		put_stats(out, &a->stats);
		put_pairs(out, "configuration", &a->info);
		fputs("</div>\n", out);
		put_classes(out, "sizes that were asked for", &a->stats.sizes);
		put_sites(out, v, a->name);
		fputs("</details>\n", out);
	}
	if (i < snap->nr_allocators)
		fprintf(out, "<p class=\"soft\">and %zu more</p>\n", snap->nr_allocators - i);
}

static void put_error(FILE *out, const struct report *r, bool open)
{
	size_t i, j;

	fprintf(out, "<details class=\"error\"%s><summary><span class=\"soft mono\">%.6f</span> ",
		open ? " open=\"open\"" : "", r->time);
	html_text(out, r->name);
	fputs(" <span class=\"bad\">", out);
	html_text(out, r->code);
	fputs("</span> <span class=\"soft\">", out);
	html_printf(out, "%s%s%s", r->error, r->summary ? ", " : "", r->summary ?: "");
	if (r->repeated)
		html_printf(out, " (repeated, %llu)", (unsigned long long)r->repeated);
	fputs("</span></summary><dl>\n", out);
	put_pair(out, "in", r->task);
	put_pair(out, "context", r->context);
	for (i = 0; i < r->fields.nr; i++)
		put_pair(out, r->fields.of[i].key, r->fields.of[i].value);
	fputs("</dl>\n", out);
	if (r->nr_advice)
		fputs("<h3>what to do</h3><ol>", out);
	for (i = 0; i < r->nr_advice; i++) {
		fputs("<li>", out);
		html_text(out, r->advice[i]);
		fputs("</li>", out);
	}
	if (r->nr_advice)
		fputs("</ol>\n", out);
	for (i = 0; i < r->nr_stacks; i++) {
		fputs("<h3>", out);
		html_text(out, r->stack[i].label);
		fputs("</h3><pre>", out);
		for (j = 0; j < r->stack[i].nr_frames; j++) {
			html_text(out, r->stack[i].frame[j]);
			fputc('\n', out);
		}
		fputs("</pre>\n", out);
	}
	fputs("</details>\n", out);
}

static void put_errors(FILE *out, const struct snapshot *snap)
{
	size_t i;

	fputs("<h2>Errors, newest first</h2>\n", out);
	for (i = snap->errors.nr; i > 0; i--)
		put_error(out, &snap->errors.of[i - 1], i == snap->errors.nr);
	if (!snap->errors.nr)
		fputs("<p class=\"good\">none recorded</p>\n", out);
}

static void put_header(FILE *out, const struct snapshot *snap)
{
	const time_t when = snap->time;
	char text[64] = "";
	struct tm tm;

	if (snap->time > 0 && gmtime_r(&when, &tm))
		strftime(text, sizeof(text), ", %Y-%m-%d %H:%M:%S UTC", &tm);
	fputs("<header><h1>nebula_memory</h1><p>", out);
	html_printf(out, "%s on %s, %s CPUs%s", pairs_find(&snap->info, "version") ?: "?",
		    pairs_find(&snap->info, "kernel") ?: "?",
		    pairs_find(&snap->info, "cpus") ?: "?", text);
	fputs("</p></header>\n", out);
}

void report_html(FILE *out, struct view *v, const struct snapshot *snap)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	      "<title>nebula_memory</title>\n<style>\n", out);
	fputs(html_style, out);
	fputs("</style></head><body><main>\n", out);
	put_header(out, snap);
	put_tiles(out, snap);
	put_allocators(out, snap);
	put_budgets(out, v, snap);
	put_caches(out, snap);
	put_errors(out, snap);
	put_details(out, v, snap);
	fputs("<footer>", out);
	html_printf(out, "written by nebulactl from %s", source_name(v->source));
	fputs("</footer>\n</main></body></html>\n", out);
}
