// SPDX-License-Identifier: GPL-2.0-only
/* Which resources there are, and which methods each of them answers (RFC 9110 9). */
#include <linux/kernel.h>

#include "http.h"

#define READABLE	(BIT(HTTP_GET) | BIT(HTTP_HEAD))

/*
 * In a path "*" is any one segment, "**" any number of them up to the end.
 * OPTIONS is answered everywhere.
 */
static const struct route {
	const char *name;
	const char *path;
	unsigned long methods;
} routes[] = {
	{ "home",	"",		READABLE },
	{ "search",	"search",	READABLE },
	{ "login",	"login",	BIT(HTTP_POST) },
	{ "items",	"items",	READABLE | BIT(HTTP_POST) },
	{ "item",	"items/*",	READABLE | BIT(HTTP_PUT) | BIT(HTTP_PATCH) |
					BIT(HTTP_DELETE) },
	{ "upload",	"upload",	BIT(HTTP_POST) | BIT(HTTP_PUT) },
	{ "static",	"static/**",	READABLE },
};

static bool matches(const struct list_head *path, const char *pattern)
{
	struct span rest = span_of(pattern);
	struct http_segment *segment;

	list_for_each_entry(segment, path, node) {
		struct span want = span_split(&rest, "/");

		if (span_is(want, "**"))
			return true;
		if (!span_is(want, "*") && !span_is(want, segment->name))
			return false;
	}
	return span_empty(rest);
}

static const struct route *find_route(const struct list_head *path)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(routes); i++)
		if (matches(path, routes[i].path))
			return &routes[i];
	return NULL;
}

/* OPTIONS * asks about the server as a whole, RFC 9110 9.3.7. */
static int route_server(struct http_request *req)
{
	unsigned int i;

	req->route = "server";
	req->allowed = BIT(HTTP_OPTIONS);
	for (i = 0; i < ARRAY_SIZE(routes); i++)
		req->allowed |= routes[i].methods;
	return HTTP_NO_CONTENT;
}

/* Returns the status of the answer. */
int http_route(struct http_request *req)
{
	const struct route *route;

	if (req->method == HTTP_CONNECT || req->method == HTTP_TRACE)
		return http_refuse(req, HTTP_NOT_IMPLEMENTED, "not served here (RFC 9110 15.6.2)");
	if (req->form == HTTP_ASTERISK_FORM)
		return route_server(req);

	route = find_route(&req->path);
	if (!route)
		return http_refuse(req, HTTP_NOT_FOUND, "no such resource (RFC 9110 15.5.5)");
	req->route = route->name;
	req->allowed = route->methods | BIT(HTTP_OPTIONS);
	if (!(req->allowed & BIT(req->method)))
		return http_refuse(req, HTTP_METHOD_NOT_ALLOWED,
				   "not a method of this resource (RFC 9110 15.5.6)");
	return req->method == HTTP_OPTIONS ? HTTP_NO_CONTENT : HTTP_OK;
}
