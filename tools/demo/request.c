// SPDX-License-Identifier: GPL-2.0-only
/* The request as a whole: request line, fields, content (RFC 9112 2.1 and 3). */
#include <linux/ctype.h>

#include <nebula/nebula.h>

#include "http.h"

const char * const http_method_names[] = {
	[HTTP_GET]	= "GET",
	[HTTP_HEAD]	= "HEAD",
	[HTTP_POST]	= "POST",
	[HTTP_PUT]	= "PUT",
	[HTTP_PATCH]	= "PATCH",
	[HTTP_DELETE]	= "DELETE",
	[HTTP_OPTIONS]	= "OPTIONS",
	[HTTP_CONNECT]	= "CONNECT",
	[HTTP_TRACE]	= "TRACE",
};

static_assert(ARRAY_SIZE(http_method_names) == HTTP_METHODS);

struct http_request *http_request_create(struct nebula_bump *arena, struct nebula_stack *stack)
{
	struct http_request *req = nebula_bump_zalloc(arena, sizeof(*req), __alignof__(*req));

	if (!req)
		return NULL;
	req->arena = arena;
	req->stack = stack;
	INIT_LIST_HEAD(&req->path);
	INIT_LIST_HEAD(&req->query);
	INIT_LIST_HEAD(&req->fields);
	INIT_LIST_HEAD(&req->trailers);
	INIT_LIST_HEAD(&req->pairs);
	return req;
}

/* Methods are case-sensitive; one we do not know is 501, RFC 9110 9.1. */
static int parse_method(struct http_request *req, struct span name)
{
	unsigned int method;

	if (span_empty(name) || !span_all(name, http_is_token_char))
		return http_refuse(req, HTTP_BAD_REQUEST, "the method is no token (RFC 9110 9.1)");

	for (method = 0; method < HTTP_METHODS; method++) {
		if (span_is(name, http_method_names[method])) {
			req->method = method;
			return 0;
		}
	}
	return http_refuse(req, HTTP_NOT_IMPLEMENTED, "unknown method (RFC 9110 9.1)");
}

/* A higher minor version of HTTP/1 is served as 1.1, RFC 9110 6.2. */
static int parse_version(struct http_request *req, struct span version)
{
	if (!span_skip(&version, "HTTP/") || span_size(version) != 3 ||
	    !isdigit(version.ptr[0]) || version.ptr[1] != '.' || !isdigit(version.ptr[2]))
		return http_refuse(req, HTTP_BAD_REQUEST, "no HTTP version (RFC 9112 2.3)");
	if (version.ptr[0] != '1')
		return http_refuse(req, HTTP_VERSION_NOT_SUPPORTED,
				   "only HTTP/1.x is spoken here (RFC 9110 15.6.6)");
	req->minor = version.ptr[2] - '0';
	return 0;
}

static int parse_words(struct http_request *req, struct span line)
{
	struct span method = span_split(&line, " ");
	struct span target = span_split(&line, " ");
	int status;

	status = parse_method(req, method);
	if (status)
		return status;
	if (span_size(target) > HTTP_MAX_TARGET)
		return http_refuse(req, HTTP_URI_TOO_LONG,
				   "the target is over 8000 octets (RFC 9110 15.5.15)");
	if (memchr(line.ptr, ' ', span_size(line)))
		return http_refuse(req, HTTP_BAD_REQUEST,
				   "the request line has over three words (RFC 9112 3)");
	status = parse_version(req, line);
	if (status)
		return status;
	return http_target_parse(req, target);
}

static int parse_request_line(struct http_request *req, struct span *in)
{
	struct span line;
	int status;

	/* One empty line before the request is ignored, RFC 9112 2.2. */
	span_skip(in, "\r\n");

	status = http_line_read(req, in, HTTP_MAX_LINE, HTTP_URI_TOO_LONG, &line);
	if (status)
		return status;
	return parse_words(req, line);
}

/* RFC 9112 3.2: exactly one Host, which the host of an absolute target overrides (3.2.2). */
static int check_host(struct http_request *req)
{
	struct http_field *host = http_field_next(req, "host", NULL);

	if (!host && req->minor == 0)
		return 0;
	if (!host)
		return http_refuse(req, HTTP_BAD_REQUEST, "no Host field (RFC 9112 3.2)");
	if (http_field_next(req, "host", host))
		return http_refuse(req, HTTP_BAD_REQUEST, "two Host fields (RFC 9112 3.2)");
	if (*host->value && !http_authority_valid(span_of(host->value)))
		return http_refuse(req, HTTP_BAD_REQUEST, "invalid Host (RFC 9112 3.2)");
	if (!req->host)
		req->host = host->value;
	return 0;
}

int http_request_parse(struct http_request *req, struct span text)
{
	int status;

	status = parse_request_line(req, &text);
	if (status)
		return status;
	status = http_fields_parse(req, &text, &req->fields);
	if (status)
		return status;
	status = check_host(req);
	if (status)
		return status;
	return http_content_parse(req, text);
}
