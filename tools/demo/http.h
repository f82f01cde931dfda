/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One HTTP/1.1 request, as the parser leaves it in the arena (RFC 9110, RFC 9112).
 *
 * Nothing here is ever freed one by one: strings, list nodes and the request itself end together
 * when the arena is rewound. What is needed only on the way there lies on the stack, in the frame
 * of the function that needs it. Every string is terminated; octet zero is refused wherever it
 * could become part of one.
 *
 * Parsing functions return 0, or the status that refuses the request; the reason is then in
 * http_request.problem.
 */
#ifndef NEBULA_DEMO_HTTP_H
#define NEBULA_DEMO_HTTP_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/sizes.h>

#include "span.h"

struct text;

/*
 * What the service is willing to read. These also bound the memory: with all of them reached the
 * copy of the text and the decoded parts stay below HTTP_ARENA, and the description in the answer
 * (up to six characters for an octet of a field value, two for one of a target or form) below
 * HTTP_STACK.
 */
#define HTTP_MAX_REQUEST	SZ_32K
#define HTTP_MAX_TARGET		8000	/* the least that RFC 9112 3 recommends */
#define HTTP_MAX_LINE		(HTTP_MAX_TARGET + SZ_64)
#define HTTP_MAX_SECTION	SZ_8K	/* a header or trailer section */
#define HTTP_MAX_FIELDS		64
#define HTTP_MAX_SEGMENTS	32
#define HTTP_MAX_PARAMS		64
#define HTTP_MAX_CONTENT	SZ_16K
#define HTTP_ARENA		SZ_128K
#define HTTP_STACK		SZ_256K

enum http_status {
	HTTP_OK				= 200,
	HTTP_NO_CONTENT			= 204,
	HTTP_BAD_REQUEST		= 400,
	HTTP_NOT_FOUND			= 404,
	HTTP_METHOD_NOT_ALLOWED		= 405,
	HTTP_LENGTH_REQUIRED		= 411,
	HTTP_CONTENT_TOO_LARGE		= 413,
	HTTP_URI_TOO_LONG		= 414,
	HTTP_FIELDS_TOO_LARGE		= 431,
	HTTP_NOT_IMPLEMENTED		= 501,
	HTTP_UNAVAILABLE		= 503,
	HTTP_VERSION_NOT_SUPPORTED	= 505,
};

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_CONNECT,
	HTTP_TRACE,
	HTTP_METHODS
};

/* The four forms of a request target, RFC 9112 3.2. */
enum http_form {
	HTTP_ORIGIN_FORM,
	HTTP_ABSOLUTE_FORM,
	HTTP_AUTHORITY_FORM,
	HTTP_ASTERISK_FORM,
};

/* A header or trailer field; the name is in lower case. */
struct http_field {
	struct list_head node;
	const char *name;
	const char *value;
};

/* A name and value of the query or of a form, percent-decoded. */
struct http_param {
	struct list_head node;
	const char *name;
	const char *value;
};

/* A step of the path, percent-decoded, so that an encoded slash stays inside its step. */
struct http_segment {
	struct list_head node;
	const char *name;
};

struct http_request {
	struct nebula_bump *arena;
	struct nebula_stack *stack;	/* for what ends before the request does */
	size_t size;			/* octets written by the client */
	const char *problem;		/* why it was refused */

	enum http_method method;
	enum http_form form;
	unsigned int minor;		/* of HTTP/1.x */
	const char *host;
	struct list_head path;		/* http_segment */
	struct list_head query;		/* http_param */
	struct list_head fields;	/* http_field */
	struct list_head trailers;	/* http_field */
	struct list_head pairs;		/* http_param, of a urlencoded form */

	struct span content;
	bool chunked;

	const char *route;		/* name of the matching route */
	unsigned long allowed;		/* methods of the target, one bit each */
};

static inline int http_refuse(struct http_request *req, enum http_status status,
			      const char *problem)
{
	req->problem = problem;
	return status;
}

static inline int http_no_memory(struct http_request *req)
{
	return http_refuse(req, HTTP_UNAVAILABLE, "no memory is left for the request");
}

/* request.c */
extern const char * const http_method_names[HTTP_METHODS];
struct http_request *http_request_create(struct nebula_bump *arena, struct nebula_stack *stack);
int http_request_parse(struct http_request *req, struct span text);

/* line.c */
bool http_is_token_char(unsigned char c);
bool http_is_value_char(unsigned char c);
int http_hex_digit(unsigned char c);
int http_line_read(struct http_request *req, struct span *in, size_t limit,
		   enum http_status too_long, struct span *line);

/* target.c */
int http_target_parse(struct http_request *req, struct span target);
bool http_authority_valid(struct span authority);

/* param.c */
int http_decode(struct http_request *req, struct span raw, char blank, struct text *decoded);
int http_params_parse(struct http_request *req, struct span raw, struct list_head *params);

/* field.c */
int http_fields_parse(struct http_request *req, struct span *in, struct list_head *fields);
struct http_field *http_field_next(struct http_request *req, const char *name,
				   struct http_field *after);

/* content.c */
int http_content_parse(struct http_request *req, struct span in);

/* route.c */
int http_route(struct http_request *req);

#endif
