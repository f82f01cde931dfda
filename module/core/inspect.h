/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults: what an inspection of an allocator finds. They are collected while nothing may be
 * printed, because the allocator may change under the reader, and then none of them counts.
 */
#ifndef _NEBULA_MODULE_CORE_INSPECT_H
#define _NEBULA_MODULE_CORE_INSPECT_H

#include "allocator.h"
#include "text.h"

/* Beyond these only their number is shown. */
#define NEBULA_FAULTS_SHOWN	32

/* What is wrong. */
struct nebula_faults {
	unsigned int nr;			/* faults found */
	/* what each of the first is with: "object", "region" */
	const char *of[NEBULA_FAULTS_SHOWN];
	const void *at[NEBULA_FAULTS_SHOWN];	/* where that is */
	const char *what[NEBULA_FAULTS_SHOWN];	/* in a few words */
};

void nebula_faults_add(struct nebula_faults *faults, const char *of, const void *at,
		       const char *what);
void nebula_faults_render(const struct nebula_faults *faults, struct nebula_text *t);
void nebula_inspect_failed(struct nebula_text *t, int err);
void nebula_validate_render(struct nebula_allocator *a, struct nebula_text *t);

#endif /* _NEBULA_MODULE_CORE_INSPECT_H */
