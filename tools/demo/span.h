/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A span is a piece of the request text: not terminated, never written to.
 * Everything the parser reads goes through these few functions, so that no other file compares
 * a pointer with the end of the text.
 */
#ifndef NEBULA_DEMO_SPAN_H
#define NEBULA_DEMO_SPAN_H

#include <linux/string.h>
#include <linux/types.h>

struct nebula_bump;

struct span {
	const char *ptr;
	const char *end;
};

static inline size_t span_size(struct span s)
{
	return s.end - s.ptr;
}

static inline bool span_empty(struct span s)
{
	return s.ptr == s.end;
}

static inline bool span_starts(struct span s, char c)
{
	return !span_empty(s) && *s.ptr == c;
}

static inline bool span_starts_blank(struct span s)
{
	return span_starts(s, ' ') || span_starts(s, '\t');
}

/* The first @size characters of @s, which has at least as many. */
static inline struct span span_head(struct span s, size_t size)
{
	return (struct span){ s.ptr, s.ptr + size };
}

static inline struct span span_of(const char *text)
{
	return (struct span){ text, text + strlen(text) };
}

bool span_is(struct span s, const char *text);
bool span_is_nocase(struct span s, const char *text);
bool span_skip(struct span *s, const char *text);
struct span span_split(struct span *rest, const char *delimiters);
struct span span_trim(struct span s);
bool span_all(struct span s, bool (*accept)(unsigned char c));
char *span_dup(struct nebula_bump *arena, struct span s);

#endif
