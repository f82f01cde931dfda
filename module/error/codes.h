/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of error codes, see codes.c.
 */
#ifndef _NEBULA_MODULE_ERRC_H
#define _NEBULA_MODULE_ERRC_H

#include <nebula/error.h>
#include "../core/allocator.h"
#include "report.h"

#define NEBULA_ADVICE_MAX	3

/* What to do about a code: a row of its table. */
struct nebula_advice {
	enum nebula_kind kind;	/* of the allocator; NEBULA_KIND_NONE: any */
	enum nebula_detail detail;	/* of the record; NEBULA_D_NONE: any */
	const char *state;	/* what the state is, with tokens; NULL: the code's message */
	const char *items[NEBULA_ADVICE_MAX];	/* what to do, with tokens; most helpful first */
};

/* All there is to say about a code. */
struct nebula_errc_info {
	const char *name;		/* stable name */
	const char *message;		/* what it means */
	const char *errno_name;		/* name of @errno */
	int errno;			/* positive errno */
	enum nebula_severity severity;	/* how it is logged */
	/* what to do, by kind and detail; the last row is for all others */
	const struct nebula_advice *advice;
};

const struct nebula_errc_info *nebula_errc_info(enum nebula_errc code);
const struct nebula_advice *nebula_errc_advice(const struct nebula_error *err);

#endif /* _NEBULA_MODULE_ERRC_H */
