/* SPDX-License-Identifier: GPL-2.0-only */
/* How an error reads. */
#ifndef _NEBULA_MODULE_ERROR_REPORT_H
#define _NEBULA_MODULE_ERROR_REPORT_H

#include <nebula/error.h>

/* How an error is logged. */
enum nebula_severity {
	NEBULA_INFO = 0,	/* the caller is expected to cope */
	NEBULA_WARNING,		/* something is too small or was refused */
	/*
	 * memory can no longer be trusted; logged once an allocator, never suppressed by the rate
	 * limit
	 */
	NEBULA_CORRUPT,
};

enum nebula_severity nebula_errc_severity(enum nebula_errc code);
const char *nebula_context_name(enum nebula_context context);
int nebula_error_snprint_repeats(char *buf, size_t size, const struct nebula_error *err);

#endif /* _NEBULA_MODULE_ERROR_REPORT_H */
