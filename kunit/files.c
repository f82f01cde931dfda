// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a user sees of the module, see files.h.
 */
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../module/core/text.h"
#include "files.h"

#define DEBUGFS		"/sys/kernel/debug/nebula_memory"
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

/* A file of an allocator, or of the module where that is NULL. */
static struct file *open_file(const char *allocator, const char *file)
{
	char path[160];

	if (allocator)
		snprintf(path, sizeof(path), DEBUGFS "/allocators/%s/%s", allocator, file);
	else
		snprintf(path, sizeof(path), DEBUGFS "/%s", file);
	return filp_open(path, O_RDONLY, 0);
}

/* What a kernel thread closes is let go of later, and holds the module until then. */
static void close_file(struct file *opened)
{
	filp_close(opened, NULL);
	flush_delayed_fput();
}

static void free_text(void *text)
{
	kvfree(text);
}

/* A file's text is complete as soon as it is open, so nothing has to be copied to a user. */
const char *files_text(struct kunit *test, const char *allocator, const char *file)
{
	struct file *opened = open_file(allocator, file);
	const struct nebula_text *t;
	char *text;

	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(opened), "%s of %s: %ld", file,
			       allocator ?: "the module", PTR_ERR(opened));
	t = opened->private_data;
	text = kvzalloc(t->len + 1, GFP_KERNEL);
	if (text)
		memcpy(text, t->buf, t->len);
	close_file(opened);
	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, free_text, text), 0);
	squeeze(text);
	return text;
}

long files_open(const char *allocator, const char *file)
{
	struct file *opened = open_file(allocator, file);
	const struct nebula_text *t;
	long len;

	if (IS_ERR(opened))
		return PTR_ERR(opened);
	t = opened->private_data;
	len = t->len;
	close_file(opened);
	return len;
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
