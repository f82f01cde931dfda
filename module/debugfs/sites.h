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

/* Live objects that one call stack allocated. */
struct nebula_site {
	u32 hash;			/* of the stack */
	unsigned long count;		/* objects */
	size_t bytes;			/* of them */
	u64 oldest_ns;			/* when the oldest was allocated, local_clock() */
	u64 newest_ns;			/* and the newest */
	unsigned int nr_entries;	/* of @entries */
	unsigned long entries[NEBULA_CALLERS_MAX];	/* the stack, innermost first */
};

/* Live objects by call site. */
struct nebula_sites {
	unsigned int nr;	/* entries of @site in use */
	unsigned long count;	/* objects */
	unsigned long others;	/* of them, those that found no place in @site */
	size_t others_bytes;	/* of those */
	struct nebula_site site[NEBULA_SITES_MAX];	/* the sites */
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
