// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies and formatted text in a bump allocator, in the manner of kmemdup(), kstrdup() and
 * kasprintf().
 */
#include <linux/export.h>
#include <linux/stdarg.h>
#include <linux/string.h>
#include "priv.h"

void *nebula_bump_memdup(struct nebula_bump *b, const void *src, size_t size, size_t align)
{
	void *p = nebula_bump_alloc_slow(b, size, align);

	if (!ZERO_OR_NULL_PTR(p))
		memcpy(p, src, size);
	return p;
}
EXPORT_SYMBOL_GPL(nebula_bump_memdup);

char *nebula_bump_strdup(struct nebula_bump *b, const char *s)
{
	return s ? nebula_bump_memdup(b, s, strlen(s) + 1, 1) : NULL;
}
EXPORT_SYMBOL_GPL(nebula_bump_strdup);

char *nebula_bump_vasprintf(struct nebula_bump *b, const char *fmt, va_list args)
{
	unsigned int len;
	va_list again;
	char *s;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);

	s = nebula_bump_alloc_slow(b, len + 1, 1);
	if (s)
		vsnprintf(s, len + 1, fmt, args);
	return s;
}
EXPORT_SYMBOL_GPL(nebula_bump_vasprintf);

char *nebula_bump_asprintf(struct nebula_bump *b, const char *fmt, ...)
{
	va_list args;
	char *s;

	va_start(args, fmt);
	s = nebula_bump_vasprintf(b, fmt, args);
	va_end(args);
	return s;
}
EXPORT_SYMBOL_GPL(nebula_bump_asprintf);
