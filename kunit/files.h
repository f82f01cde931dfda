/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a user sees of the module: the text of its debugfs files, and its parameters.
 */
#ifndef _NEBULA_KUNIT_FILES_H
#define _NEBULA_KUNIT_FILES_H

#include <kunit/test.h>

/*
 * Text of a file of an allocator, or of the module where that is NULL, as it is now; freed at the
 * end of the test.
 */
const char *files_text(struct kunit *test, const char *allocator, const char *file);
/* Opens it and closes it: characters of its text, or the error. */
long files_open(const char *allocator, const char *file);

/* The text has this part; in both there is one blank between two fields. */
#define EXPECT_TEXT(test, text, part)								\
do {												\
	const char *__seen = (text), *__part = (part);						\
												\
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(__seen, __part), "no '%s' in:\n%s",	\
				  __part, __seen);					\
} while (0)

/* The module parameter debug: 0, or the error; what it reads as, without the newline. */
int files_set_debug(const char *value);
int files_get_debug(char *value, size_t size);

#endif /* _NEBULA_KUNIT_FILES_H */
