// SPDX-License-Identifier: GPL-2.0-only
/* Request targets in their four forms, and the URI parts they are made of (RFC 9112 3.2). */
#include <linux/ctype.h>
#include <linux/limits.h>

#include <nebula/nebula.h>

#include "http.h"
#include "text.h"

/* RFC 3986 2.2, 2.3; '%' begins an encoded octet, which http_decode() checks. */
static bool is_uri_char(unsigned char c)
{
	return c && isascii(c) && (isalnum(c) || strchr("-._~!$&'()*+,;=%", c));
}

static bool is_path_char(unsigned char c)
{
	return is_uri_char(c) || c == ':' || c == '@' || c == '/';
}

static bool is_query_char(unsigned char c)
{
	return is_path_char(c) || c == '?';
}

static bool is_address_char(unsigned char c)
{
	return isxdigit(c) || c == ':' || c == '.';
}

/* Encoded octets are legal in a host but mean nothing in the DNS: refused. */
static bool is_host_char(unsigned char c)
{
	return is_uri_char(c) && c != '%';
}

static bool is_port(struct span digits)
{
	unsigned int port = 0;

	for (; digits.ptr < digits.end && port <= U16_MAX; digits.ptr++) {
		if (!isdigit(*digits.ptr))
			return false;
		port = port * 10 + (*digits.ptr - '0');
	}
	return port <= U16_MAX;
}

/* host [":" port], RFC 3986 3.2.2 and 3.2.3; a user name is refused, RFC 9110 4.2.4. */
bool http_authority_valid(struct span authority)
{
	if (span_skip(&authority, "[")) {
		struct span address = span_split(&authority, "]");

		if (authority.ptr[-1] != ']' || span_empty(address) ||
		    !span_all(address, is_address_char))
			return false;
		if (!span_empty(authority) && !span_skip(&authority, ":"))
			return false;
	} else {
		struct span name = span_split(&authority, ":");

		if (span_empty(name) || !span_all(name, is_host_char))
			return false;
	}
	return is_port(authority);
}

/* Dot segments are resolved (RFC 3986 5.2.4), and none may climb above the root. */
static int add_segment(struct http_request *req, struct text *decoded)
{
	const char *name = text_close(decoded);
	struct http_segment *segment;

	if (!name)
		return http_no_memory(req);
	if (!*name || !strcmp(name, "."))
		return 0;
	if (!strcmp(name, "..")) {
		if (list_empty(&req->path))
			return http_refuse(req, HTTP_BAD_REQUEST, "the path climbs above the root");
		list_del(req->path.prev);
		return 0;
	}
	segment = nebula_bump_alloc(req->arena, sizeof(*segment), __alignof__(*segment));
	name = nebula_bump_strdup(req->arena, name);
	if (!segment || !name)
		return http_no_memory(req);
	segment->name = name;
	list_add_tail(&segment->node, &req->path);
	return 0;
}

/* What is no segment in the end, like a dot, never gets to the arena. */
static int parse_segment(struct http_request *req, struct span raw)
{
	struct text decoded = TEXT(req->stack);
	int status;

	guard(nebula_stack)(req->stack);
	status = http_decode(req, raw, '\0', &decoded);
	return status ? status : add_segment(req, &decoded);
}

/* Cut first, decoded second: an encoded slash is no separator (RFC 3986 2.4). */
static int parse_path(struct http_request *req, struct span raw)
{
	unsigned int count = 0;
	int status;

	if (!span_all(raw, is_path_char))
		return http_refuse(req, HTTP_BAD_REQUEST, "bad octet in the path (RFC 3986 3.3)");
	while (!span_empty(raw)) {
		if (++count > HTTP_MAX_SEGMENTS)
			return http_refuse(req, HTTP_URI_TOO_LONG, "over 32 path segments");
		status = parse_segment(req, span_split(&raw, "/"));
		if (status)
			return status;
	}
	return 0;
}

static int parse_path_and_query(struct http_request *req, struct span raw)
{
	struct span path = span_split(&raw, "?");
	int status;

	if (!span_all(raw, is_query_char))
		return http_refuse(req, HTTP_BAD_REQUEST, "bad octet in the query (RFC 3986 3.4)");
	status = parse_path(req, path);
	if (status)
		return status;
	return http_params_parse(req, raw, &req->query);
}

static int parse_authority(struct http_request *req, struct span authority)
{
	if (!http_authority_valid(authority))
		return http_refuse(req, HTTP_BAD_REQUEST, "invalid authority (RFC 3986 3.2)");
	req->host = span_dup(req->arena, authority);
	return req->host ? 0 : http_no_memory(req);
}

/* CONNECT names a host and a port, which has no default: RFC 9110 9.3.6. */
static int parse_authority_form(struct http_request *req, struct span target)
{
	req->form = HTTP_AUTHORITY_FORM;
	if (span_empty(target) || !isdigit(target.end[-1]) ||
	    !memchr(target.ptr, ':', span_size(target)))
		return http_refuse(req, HTTP_BAD_REQUEST, "CONNECT needs a port (RFC 9110 9.3.6)");
	return parse_authority(req, target);
}

static int parse_absolute_form(struct http_request *req, struct span target)
{
	struct span authority = target;
	int status;

	req->form = HTTP_ABSOLUTE_FORM;
	authority = span_split(&authority, "/?");
	status = parse_authority(req, authority);
	if (status)
		return status;
	target.ptr = authority.end;
	return parse_path_and_query(req, target);
}

/* Schemes are compared without case, RFC 3986 3.1. */
static bool skip_scheme(struct span *target)
{
	struct span rest = *target;
	struct span scheme = span_split(&rest, ":");

	if (!span_is_nocase(scheme, "http") && !span_is_nocase(scheme, "https"))
		return false;
	if (!span_skip(&rest, "//"))
		return false;
	*target = rest;
	return true;
}

int http_target_parse(struct http_request *req, struct span target)
{
	if (req->method == HTTP_CONNECT)
		return parse_authority_form(req, target);
	if (span_is(target, "*") && req->method == HTTP_OPTIONS) {
		req->form = HTTP_ASTERISK_FORM;
		return 0;
	}
	if (span_starts(target, '/'))
		return parse_path_and_query(req, target);
	if (skip_scheme(&target))
		return parse_absolute_form(req, target);
	return http_refuse(req, HTTP_BAD_REQUEST, "no form of target (RFC 9112 3.2)");
}
