/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which advice is chosen for each code in each state, as data: records made by hand, the detail
 * that they get, the row of the table in module/error/codes.c that this leads to, and the values
 * that are computed for it. How the advice is worded is written there alone.
 */
#ifndef _NEBULA_KUNIT_REPORT_TABLE_H
#define _NEBULA_KUNIT_REPORT_TABLE_H

#include <nebula/error.h>

/* A record, and what is chosen for it. */
struct report_row {
	const char *why;		/* for the reader of a failure */
	/* the record; its detail is that of where the error was noticed */
	struct nebula_error err;
	enum nebula_detail detail;	/* of the record once it is complete */
	enum nebula_kind row_kind;	/* of the row that is chosen */
	enum nebula_detail row_detail;	/* likewise */
	/* words that its text has in this order, separated by spaces; NULL: none to check */
	const char *values;
};

extern const struct report_row report_rows[];
extern const unsigned int report_rows_nr;

#endif /* _NEBULA_KUNIT_REPORT_TABLE_H */
