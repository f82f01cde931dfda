// SPDX-License-Identifier: GPL-2.0-only
/* Lines and the character classes of RFC 9110 5.6. */
#include <linux/ctype.h>
#include <linux/minmax.h>

#include "http.h"

/* The kernel's isalnum() knows Latin-1; HTTP is ASCII. */
bool http_is_token_char(unsigned char c)
{
	return c && isascii(c) && (isalnum(c) || strchr("!#$%&'*+-.^_`|~", c));
}

/* VCHAR, blanks and obs-text, RFC 9110 5.5. */
bool http_is_value_char(unsigned char c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

/* Or -1. The kernel's hex_to_bin() is declared in another header from release to release. */
int http_hex_digit(unsigned char c)
{
	if (isdigit(c))
		return c - '0';
	return isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

/*
 * Takes one line off @in; a line of more than @limit octets is refused with @too_long.
 * Only CRLF ends a line: RFC 9112 2.2 lets a server accept a bare LF, but two programs that
 * disagree about it are how requests are smuggled (RFC 9112 11.2).
 */
int http_line_read(struct http_request *req, struct span *in, size_t limit,
		   enum http_status too_long, struct span *line)
{
	const char *lf = memchr(in->ptr, '\n', min(span_size(*in), limit));

	if (!lf && span_size(*in) > limit)
		return http_refuse(req, too_long, "line or section too long (RFC 9112 3, 5)");
	if (!lf)
		return http_refuse(req, HTTP_BAD_REQUEST, "truncated (RFC 9112 8)");

	*line = (struct span){ in->ptr, lf };
	if (span_empty(*line) || lf[-1] != '\r')
		return http_refuse(req, HTTP_BAD_REQUEST, "bare LF (RFC 9112 2.2)");
	line->end--;
	if (memchr(line->ptr, '\r', span_size(*line)))
		return http_refuse(req, HTTP_BAD_REQUEST, "bare CR (RFC 9112 2.2)");
	in->ptr = lf + 1;
	return 0;
}
