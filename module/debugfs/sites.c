// SPDX-License-Identifier: GPL-2.0-only
/*
 * Call sites of live objects, see sites.h. Memory is bounded: what finds no place is counted
 * together.
 */
#include <linux/jhash.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/clock.h>
#include <linux/sort.h>
#include <linux/string.h>
#include "../core/inject.h"
#include "../error/error.h"
#include "../error/symbols.h"
#include "sites.h"

/* Of those at the end of an allocator, so many get a record. */
#define LEAK_SITES	8

/* Where the call stack begins. */
#define STACK_COLUMN	36

static bool is_of(const struct nebula_site *site, u32 hash, const unsigned long *entries,
		  unsigned int nr)
{
	return site->hash == hash && site->nr_entries == nr &&
	       !memcmp(site->entries, entries, nr * sizeof(*entries));
}

/* Count an object. Any context. */
void nebula_sites_add(struct nebula_sites *sites, const unsigned long *entries, unsigned int nr,
		      size_t bytes, u64 time_ns)
{
	struct nebula_site *site;
	u32 hash;

	nr = min_t(unsigned int, nr, NEBULA_CALLERS_MAX);
	hash = jhash(entries, nr * sizeof(*entries), 0);
	sites->count++;
	for (site = sites->site; site < sites->site + sites->nr; site++) {
		if (!is_of(site, hash, entries, nr))
			continue;
		site->count++;
		site->bytes += bytes;
		site->oldest_ns = min(site->oldest_ns, time_ns);
		site->newest_ns = max(site->newest_ns, time_ns);
		return;
	}
	if (sites->nr == NEBULA_SITES_MAX) {
		sites->others++;
		sites->others_bytes += bytes;
		return;
	}
	sites->nr++;
	*site = (struct nebula_site){ hash, 1, bytes, time_ns, time_ns, nr };
	memcpy(site->entries, entries, nr * sizeof(*entries));
}

static int by_count(const void *a, const void *b)
{
	const struct nebula_site *x = a, *y = b;

	return x->count < y->count ? 1 : -(x->count > y->count);
}

/* Those with most objects first. */
void nebula_sites_sort(struct nebula_sites *sites)
{
	sort(sites->site, sites->nr, sizeof(*sites->site), by_count, NULL);
}

static void put_site(struct nebula_text *t, const struct nebula_site *site)
{
	/* Clocks of two CPUs may differ a little. */
	const u64 now = max(local_clock(), site->oldest_ns);
	const u64 age_ms = div_u64(now - site->oldest_ns, NSEC_PER_MSEC);
	char symbol[NEBULA_SYMBOL_SIZE];
	unsigned int i;

	nebula_text_printf(t, "%8lu %12zu %8llu.%03llu  ", site->count, site->bytes, age_ms / 1000,
			   age_ms % 1000);
	for (i = 0; i < site->nr_entries; i++)
		nebula_text_printf(t, "%*s%s\n", i ? STACK_COLUMN : 0, "",
				   nebula_symbol(symbol, site->entries[i], site->oldest_ns));
	if (!site->nr_entries)
		nebula_text_printf(t, "unknown\n");
}

/* Lines for debugfs' live. Process context. */
void nebula_sites_render(const struct nebula_sites *sites, struct nebula_text *t)
{
	unsigned int i;

	nebula_text_key(t, "call sites", "%u", sites->nr);
	nebula_text_printf(t, "%8s %12s %12s  %s\n", "objects", "bytes", "oldest [s]",
			   "allocated by");
	for (i = 0; i < sites->nr; i++)
		put_site(t, &sites->site[i]);
	if (sites->others)
		nebula_text_printf(t, "%8lu %12zu %12s  others\n", sites->others,
				   sites->others_bytes, "");
}

/* The same without NEBULA_TRACK. */
void nebula_sites_untracked(struct nebula_text *t)
{
	nebula_text_key(t, "call sites", "not tracked, set NEBULA_TRACK");
}

/* As they are now, sorted; NULL without memory. Process context. */
struct nebula_sites *nebula_sites_copy(const struct nebula_sites *sites)
{
	struct nebula_sites *copy = nebula_fault_hit() ? NULL
						       : kvmalloc(sizeof(*copy), GFP_KERNEL);

	if (copy) {
		*copy = *sites;
		nebula_sites_sort(copy);
	}
	return copy;
}

/* By code of modules that have gone, and of nothing else but the kernel. */
static bool is_of_gone(const struct nebula_site *site)
{
	bool found = false;
	unsigned int i;

	for (i = 0; i < site->nr_entries; i++) {
		switch (nebula_modules_whose(site->entries[i], site->oldest_ns, site->newest_ns)) {
		case NEBULA_CODE_KERNEL:
			break;
		case NEBULA_CODE_GONE:
			found = true;
			break;
		default:
			return false;
		}
	}
	return found;
}

/*
 * Was all of this allocated by modules that have gone? Whatever cannot be decided counts as
 * allocated by others: more call sites than there is room for, an object without a call stack, a
 * frame of which nothing is known, a stack that shows no module. Process context. Returns true when
 * nothing of it is of others.
 */
bool nebula_sites_of_gone(const struct nebula_sites *sites)
{
	const struct nebula_site *site;

	if (sites->others)
		return false;
	for (site = sites->site; site < sites->site + sites->nr; site++)
		if (!is_of_gone(site))
			return false;
	return true;
}

/* Without @site: all of them, @listed by call site before. */
static void report_leak(struct nebula_allocator *a, const struct nebula_site *site, bool listed,
			unsigned long count, size_t bytes, const char *objects)
{
	unsigned long entries[NEBULA_CALLERS_MAX + 1] = { NEBULA_ENTRY_ALLOCATED };
	struct nebula_failure f = { .code = NEBULA_E_LEAK, .allocator = a, .size = bytes };
	char what[NEBULA_WHAT_SIZE];

	snprintf(what, sizeof(what), "%lu %s live", count, objects);
	f.what = what;
	f.detail = listed ? NEBULA_D_SITES : NEBULA_D_NONE;
	if (site) {
		memcpy(entries + 1, site->entries, site->nr_entries * sizeof(*entries));
		f.entries = entries;
		f.nr_entries = site->nr_entries + 1;
	}
	nebula_error_record(&f);
}

/*
 * Record what is live at the end of an allocator. One record for each of the first call sites.
 * Last, so that it is the newest, one for all. Any context.
 */
void nebula_sites_report_leaks(struct nebula_allocator *a, const struct nebula_sites *sites,
			       unsigned long count, size_t bytes, const char *objects)
{
	const unsigned int nr = sites ? sites->nr : 0;
	const struct nebula_site *site;
	unsigned int i;

	for (i = 0; nr > 1 && i < min_t(unsigned int, nr, LEAK_SITES); i++) {
		site = &sites->site[i];
		report_leak(a, site, false, site->count, site->bytes, objects);
	}
	report_leak(a, nr == 1 ? &sites->site[0] : NULL, nr > 1, count, bytes, objects);
}
