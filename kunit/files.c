// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a user sees of the module, see files.h.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/string.h>
#include "files.h"
#include "../module/internal.h"

#define DEBUGFS		"/sys/kernel/debug/nebula_memory/allocators"
#define DEBUG		"/sys/module/nebula_memory/parameters/debug"

/* Blanks that align columns are for people. */
static void squeeze(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text != ' ' || (to[-1] != ' ' && to[-1] != '\n'))
			*to++ = *text;
	*to = '\0';
}

/* A file's text is complete as soon as it is open, so nothing has to be copied to a user. */
const char *files_text(struct kunit *test, const char *allocator, const char *file)
{
	const struct nebula_text *t;
	struct file *opened;
	char path[160], *text;

	snprintf(path, sizeof(path), DEBUGFS "/%s/%s", allocator, file);
	opened = filp_open(path, O_RDONLY, 0);
	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(opened), "%s: %ld", path, PTR_ERR(opened));
	t = opened->private_data;
	text = kunit_kzalloc(test, t->len + 1, GFP_KERNEL);
	if (text)
		memcpy(text, t->buf, t->len);
	filp_close(opened, NULL);
	KUNIT_ASSERT_NOT_NULL(test, text);
	squeeze(text);
	return text;
}

int files_set_debug(const char *value)
{
	struct file *opened = filp_open(DEBUG, O_WRONLY, 0);
	loff_t pos = 0;
	ssize_t ret;

	if (IS_ERR(opened))
		return PTR_ERR(opened);
	ret = kernel_write(opened, value, strlen(value), &pos);
	filp_close(opened, NULL);
	return ret < 0 ? ret : 0;
}

int files_get_debug(char *value, size_t size)
{
	struct file *opened = filp_open(DEBUG, O_RDONLY, 0);
	loff_t pos = 0;
	ssize_t ret;

	if (IS_ERR(opened))
		return PTR_ERR(opened);
	ret = kernel_read(opened, value, size - 1, &pos);
	filp_close(opened, NULL);
	if (ret < 0)
		return ret;
	value[ret] = '\0';
	strim(value);
	return 0;
}
