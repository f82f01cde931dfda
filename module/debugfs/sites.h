/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Call sites: live objects by the call stack that allocated them, for debugfs and for reports of
 * leaks. All kinds count theirs with this.
 */
#ifndef _NEBULA_MODULE_SITES_H
#define _NEBULA_MODULE_SITES_H

#include "../core/guard.h"

/* Call sites that are told apart. */
#define NEBULA_SITES_MAX	64

/**
 * struct nebula_site - live objects that one call stack allocated
 * @hash: of the stack.
 * @count: objects.
 * @bytes: of them.
 * @oldest_ns: when the oldest was allocated, local_clock().
 * @newest_ns: and the newest.
 * @nr_entries: of @entries.
 * @entries: the stack, innermost first.
 */
struct nebula_site {
	u32 hash;
	unsigned long count;
	size_t bytes;
	u64 oldest_ns;
	u64 newest_ns;
	unsigned int nr_entries;
	unsigned long entries[NEBULA_CALLERS_MAX];
};

/**
 * struct nebula_sites - live objects by call site
 * @nr: entries of @site in use.
 * @count: objects.
 * @others: of them, those that found no place in @site.
 * @others_bytes: of those.
 * @site: the sites.
 */
struct nebula_sites {
	unsigned int nr;
	unsigned long count;
	unsigned long others;
	size_t others_bytes;
	struct nebula_site site[NEBULA_SITES_MAX];
};

void nebula_sites_add(struct nebula_sites *sites, const unsigned long *entries, unsigned int nr,
		      size_t bytes, u64 time_ns);
void nebula_sites_sort(struct nebula_sites *sites);
void nebula_sites_render(const struct nebula_sites *sites, struct nebula_text *t);
void nebula_sites_untracked(struct nebula_text *t);
struct nebula_sites *nebula_sites_copy(const struct nebula_sites *sites);
bool nebula_sites_of_gone(const struct nebula_sites *sites);
void nebula_sites_report_leaks(struct nebula_allocator *a, const struct nebula_sites *sites,
			       unsigned long count, size_t bytes, const char *objects);

#endif /* _NEBULA_MODULE_SITES_H */
