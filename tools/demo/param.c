// SPDX-License-Identifier: GPL-2.0-only
/* Percent-decoding, and the name=value pairs of queries and forms (RFC 3986 2.1, 3.4). */
#include <nebula/nebula.h>

#include "http.h"
#include "text.h"

/* The two digits of a percent-encoded octet at the start of @s, or -1. */
static int read_octet(struct span s)
{
	int high, low;

	if (span_size(s) < 2)
		return -1;
	high = http_hex_digit(s.ptr[0]);
	low = http_hex_digit(s.ptr[1]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/*
 * @blank is the character that stands for a space: '+' in queries and forms, none ('\0') in
 * paths. An encoded NUL is refused, as it would cut the decoded text short. The text is the
 * caller's, in whose frame it lies, to keep or to drop.
 */
int http_decode(struct http_request *req, struct span raw, char blank, struct text *decoded)
{
	while (!span_empty(raw)) {
		int c = *raw.ptr++;

		if (c == '%') {
			c = read_octet(raw);
			if (c <= 0)
				return http_refuse(req, HTTP_BAD_REQUEST,
						   "bad percent-encoding (RFC 3986 2.1)");
			raw.ptr += 2;
		} else if (blank && c == blank) {
			c = ' ';
		}
		text_putc(decoded, c);
	}
	return 0;
}

static int decode_and_keep(struct http_request *req, struct span raw, const char **kept)
{
	struct text decoded = TEXT(req->stack);
	int status;

	guard(nebula_stack)(req->stack);
	status = http_decode(req, raw, '+', &decoded);
	if (status)
		return status;
	*kept = text_keep(&decoded, req->arena);
	return *kept ? 0 : http_no_memory(req);
}

static int parse_param(struct http_request *req, struct span pair, struct list_head *params)
{
	struct http_param *param;
	int status;

	param = nebula_bump_alloc(req->arena, sizeof(*param), __alignof__(*param));
	if (!param)
		return http_no_memory(req);
	status = decode_and_keep(req, span_split(&pair, "="), &param->name);
	if (status)
		return status;
	status = decode_and_keep(req, pair, &param->value);
	if (status)
		return status;
	list_add_tail(&param->node, params);
	return 0;
}

int http_params_parse(struct http_request *req, struct span raw, struct list_head *params)
{
	unsigned int count = 0;
	int status;

	while (!span_empty(raw)) {
		struct span pair = span_split(&raw, "&");

		if (span_empty(pair))
			continue;
		if (++count > HTTP_MAX_PARAMS)
			return http_refuse(req, HTTP_BAD_REQUEST, "over 64 parameters");
		status = parse_param(req, pair, params);
		if (status)
			return status;
	}
	return 0;
}
