/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text that grows on top of the stack.
 *
 * While a text is open it is the newest object, so nebula_stack_realloc() extends it where it
 * stands and appending never copies; there is one open text at a time. It lies in the frame of the
 * function that opened it, and goes with that: text_keep() copies what is to stay to an arena, once
 * and without the room to grow that it had.
 *
 * A text that could not grow remembers it, ignores the rest and closes to NULL: only the end
 * needs a check.
 */
#ifndef NEBULA_DEMO_TEXT_H
#define NEBULA_DEMO_TEXT_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "span.h"

struct nebula_bump;
struct nebula_stack;

struct text {
	struct nebula_stack *stack;
	char *ptr;
	size_t size;		/* characters, without the terminator */
	size_t room;		/* bytes of the object */
	bool failed;
};

#define TEXT(on_stack)	{ .stack = (on_stack) }

void text_putc(struct text *t, char c);
void text_add(struct text *t, struct span s);
__printf(2, 3) void text_printf(struct text *t, const char *fmt, ...);
void text_quote(struct text *t, const char *string);
char *text_close(struct text *t);
char *text_keep(struct text *t, struct nebula_bump *arena);

#endif
