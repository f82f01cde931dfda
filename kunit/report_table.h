/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is suggested for each code in each state, as data: records made by hand, and the text that
 * has to come out, to the letter.
 */
#ifndef _NEBULA_KUNIT_REPORT_TABLE_H
#define _NEBULA_KUNIT_REPORT_TABLE_H

#include <nebula/error.h>

/**
 * struct report_row - a record, and a part of its report
 * @why: for the reader of a failure.
 * @err: the record.
 * @text: from "suggest:" on, to the call stack or the end.
 */
struct report_row {
	const char *why;
	struct nebula_error err;
	const char *text;
};

/* How these lines are indented. */
#define REPORT_STATE(state)	"   suggest:   " state ":\n"
#define REPORT_ITEM(item)	"              " item "\n"

extern const struct report_row report_rows[];
extern const unsigned int report_rows_nr;

#endif /* _NEBULA_KUNIT_REPORT_TABLE_H */
