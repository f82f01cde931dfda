// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text for the debugfs files: grows as it is written, so that a snapshot can be taken before
 * anything is printed. Process context, but for what says otherwise. After running out of memory,
 * writing goes on without effect and @failed says so.
 */
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/stdarg.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include "allocator.h"
#include "inject.h"
#include "text.h"

/* A task that opens thousands of files is charged, and gets an error, not the memory of others. */
#define TEXT_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

/* Column that values begin in. */
#define KEY_WIDTH	18

static bool text_grow(struct nebula_text *t, size_t need)
{
	size_t size = max_t(size_t, PAGE_SIZE, t->size);
	char *buf;

	while (size < need)
		size *= 2;
	if (size == t->size)
		return true;

	buf = nebula_fault_hit_test() ? NULL : kvmalloc(size, TEXT_GFP);
	if (!buf) {
		t->failed = true;
		return false;
	}
	if (t->buf)
		memcpy(buf, t->buf, t->len + 1);
	kvfree(t->buf);
	t->buf = buf;
	t->size = size;
	return true;
}

static __printf(2, 0) void text_vprintf(struct nebula_text *t, const char *fmt, va_list args)
{
	va_list again;
	int n;

	if (t->failed)
		return;
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (!text_grow(t, t->len + n + 1))
		return;
	vsnprintf(t->buf + t->len, t->size - t->len, fmt, args);
	t->len += n;
}

void nebula_text_printf(struct nebula_text *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	text_vprintf(t, fmt, args);
	va_end(args);
}

/* One "key: value" line, values aligned. */
void nebula_text_key(struct nebula_text *t, const char *key, const char *fmt, ...)
{
	va_list args;

	nebula_text_printf(t, "%s:%*s", key, max(1, KEY_WIDTH - (int)strlen(key) - 1), "");
	va_start(args, fmt);
	text_vprintf(t, fmt, args);
	va_end(args);
	nebula_text_printf(t, "\n");
}

/* A number of bytes, exact first, then readable. */
void nebula_text_bytes(struct nebula_text *t, const char *key, u64 bytes)
{
	char buf[NEBULA_BYTES_SIZE];

	if (bytes < 1024)
		nebula_text_key(t, key, "%llu", bytes);
	else
		nebula_text_key(t, key, "%-12llu (%s)", bytes, nebula_bytes_str(buf, bytes));
}

void nebula_text_free(struct nebula_text *t)
{
	kvfree(t->buf);
	*t = (struct nebula_text){ };
}

const char *nebula_bytes_str(char buf[NEBULA_BYTES_SIZE], u64 bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int unit = 0;
	u64 hundredths, whole;
	u32 rest;

	if (bytes < 1024) {
		snprintf(buf, NEBULA_BYTES_SIZE, "%llu bytes", bytes);
		return buf;
	}
	while (unit + 1 < ARRAY_SIZE(units) && bytes >> (10 * (unit + 2)))
		unit++;
	hundredths = (bytes >> (10 * unit)) * 100 >> 10;
	whole = div_u64_rem(hundredths, 100, &rest);
	snprintf(buf, NEBULA_BYTES_SIZE, "%llu.%02u %s", whole, rest, units[unit]);
	return buf;
}

/* Any context. */
const char *nebula_comm_str(char buf[NEBULA_COMM_SIZE], const char comm[TASK_COMM_LEN])
{
	const int len = string_escape_mem(comm, strnlen(comm, TASK_COMM_LEN), buf,
					  NEBULA_COMM_SIZE - 1,
					  ESCAPE_SPACE | ESCAPE_HEX | ESCAPE_NAP, NULL);

	buf[min(len, NEBULA_COMM_SIZE - 1)] = '\0';
	return buf;
}
