// SPDX-License-Identifier: GPL-2.0-only
/* Text that grows on top of the stack, and JSON strings in it (RFC 8259 7). */
#include <linux/kernel.h>
#include <linux/minmax.h>

#include <nebula/nebula.h>

#include "text.h"

/* Growing in place costs the same whatever the size, so the slack need not double. */
#define TEXT_SLACK	128

static bool text_resize(struct text *t, size_t room)
{
	char *ptr = nebula_stack_realloc(t->stack, t->ptr, t->room, room, 1);

	if (!ptr) {
		t->failed = true;
		return false;
	}
	t->ptr = ptr;
	t->room = room;
	return true;
}

/* Makes room for @size more characters and the terminator. */
static bool text_reserve(struct text *t, size_t size)
{
	if (t->failed)
		return false;
	if (t->room - t->size > size)
		return true;
	return text_resize(t, t->size + size + 1 + TEXT_SLACK);
}

void text_putc(struct text *t, char c)
{
	if (text_reserve(t, 1))
		t->ptr[t->size++] = c;
}

void text_add(struct text *t, struct span s)
{
	if (!text_reserve(t, span_size(s)))
		return;
	memcpy(t->ptr + t->size, s.ptr, span_size(s));
	t->size += span_size(s);
}

void text_printf(struct text *t, const char *fmt, ...)
{
	va_list args;
	int size;

	va_start(args, fmt);
	size = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (!text_reserve(t, size))
		return;

	va_start(args, fmt);
	t->size += vsnprintf(t->ptr + t->size, t->room - t->size, fmt, args);
	va_end(args);
}

/*
 * Requests carry octets, JSON carries characters: an octet outside ASCII is shown as the
 * character of that number, so that whatever arrived makes valid JSON.
 */
void text_quote(struct text *t, const char *string)
{
	text_putc(t, '"');
	for (; *string; string++) {
		unsigned char c = *string;

		if (c < ' ' || c >= 0x7f) {
			text_printf(t, "\\u%04x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			text_putc(t, '\\');
		text_putc(t, c);
	}
	text_putc(t, '"');
}

/* Terminates the text, returns the slack to the stack; NULL if the text is incomplete. */
char *text_close(struct text *t)
{
	if (!text_reserve(t, 0))
		return NULL;
	t->ptr[t->size] = '\0';
	return text_resize(t, t->size + 1) ? t->ptr : NULL;
}

/* Closes the text and copies it; NULL if it is incomplete, or does not fit. */
char *text_keep(struct text *t, struct nebula_bump *arena)
{
	const char *text = text_close(t);

	return text ? span_dup(arena, (struct span){ text, text + t->size }) : NULL;
}
