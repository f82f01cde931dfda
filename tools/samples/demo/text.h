/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text that grows at the end of the arena.
 *
 * While a text is open it is the newest block, so nebula_bump_realloc() extends it where it
 * stands and appending never copies; text_close() gives the slack back. Something else may be
 * allocated from the arena while a text is open, at the price of a copy.
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

struct text {
	struct nebula_bump *arena;
	char *ptr;
	size_t size;		/* characters, without the terminator */
	size_t room;		/* bytes of the block */
	bool failed;
};

#define TEXT(in_arena)	{ .arena = (in_arena) }

void text_putc(struct text *t, char c);
void text_add(struct text *t, struct span s);
__printf(2, 3) void text_printf(struct text *t, const char *fmt, ...);
void text_quote(struct text *t, const char *string);
char *text_close(struct text *t);

#endif
