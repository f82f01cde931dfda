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

/**
 * struct nebula_advice - what to do about a code: a row of its table
 * @kind: of the allocator; %NEBULA_KIND_NONE: any.
 * @detail: of the record; %NEBULA_D_NONE: any.
 * @state: what the state is, with tokens; NULL: the code's message.
 * @items: what to do, with tokens; most helpful first.
 */
struct nebula_advice {
	enum nebula_kind kind;
	enum nebula_detail detail;
	const char *state;
	const char *items[NEBULA_ADVICE_MAX];
};

/**
 * struct nebula_errc_info - all there is to say about a code
 * @name: stable name.
 * @message: what it means.
 * @errno_name: name of @errno.
 * @errno: positive errno.
 * @severity: how it is logged.
 * @advice: what to do, by kind and detail; the last row is for all others.
 */
struct nebula_errc_info {
	const char *name;
	const char *message;
	const char *errno_name;
	int errno;
	enum nebula_severity severity;
	const struct nebula_advice *advice;
};

const struct nebula_errc_info *nebula_errc_info(enum nebula_errc code);
const struct nebula_advice *nebula_errc_advice(const struct nebula_error *err);

#endif /* _NEBULA_MODULE_ERRC_H */
