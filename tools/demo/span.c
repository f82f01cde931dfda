// SPDX-License-Identifier: GPL-2.0-only
/* Pieces of the request text: cutting, comparing, and copying them into the arena. */
#include <nebula/nebula.h>

#include "span.h"

bool span_is(struct span s, const char *text)
{
	return span_size(s) == strlen(text) && !memcmp(s.ptr, text, span_size(s));
}

bool span_is_nocase(struct span s, const char *text)
{
	return span_size(s) == strlen(text) && !strncasecmp(s.ptr, text, span_size(s));
}

/* Steps over @text if @s begins with it. */
bool span_skip(struct span *s, const char *text)
{
	size_t size = strlen(text);

	if (span_size(*s) < size || memcmp(s->ptr, text, size))
		return false;
	s->ptr += size;
	return true;
}

/*
 * Cuts @rest at the first of @delimiters, which belongs to neither part. Without one the head
 * is all of it and @rest becomes empty.
 */
struct span span_split(struct span *rest, const char *delimiters)
{
	struct span head = { rest->ptr, rest->ptr };

	/* A NUL in the text would match the terminator of @delimiters. */
	while (head.end < rest->end && (!*head.end || !strchr(delimiters, *head.end)))
		head.end++;
	rest->ptr = head.end < rest->end ? head.end + 1 : rest->end;
	return head;
}

/* Strips OWS, optional whitespace (RFC 9110 5.6.3). */
struct span span_trim(struct span s)
{
	while (span_starts_blank(s))
		s.ptr++;
	while (!span_empty(s) && (s.end[-1] == ' ' || s.end[-1] == '\t'))
		s.end--;
	return s;
}

bool span_all(struct span s, bool (*accept)(unsigned char c))
{
	for (; s.ptr < s.end; s.ptr++)
		if (!accept(*s.ptr))
			return false;
	return true;
}

char *span_dup(struct nebula_bump *arena, struct span s)
{
	char *copy = nebula_bump_alloc(arena, span_size(s) + 1, 1);

	if (!copy)
		return NULL;
	memcpy(copy, s.ptr, span_size(s));
	copy[span_size(s)] = '\0';
	return copy;
}
