// SPDX-License-Identifier: GPL-2.0-only
/* Header and trailer sections: field lines up to an empty line (RFC 9112 5). */
#include <linux/ctype.h>
#include <linux/kernel.h>

#include <nebula/nebula.h>

#include "http.h"
#include "text.h"

struct section {
	struct http_request *req;
	struct span *in;
	const char *start;
	unsigned int count;
	struct list_head *fields;
};

static int section_line(struct section *s, struct span *line)
{
	size_t used = s->in->ptr - s->start;

	return http_line_read(s->req, s->in, HTTP_MAX_SECTION - used, HTTP_FIELDS_TOO_LARGE, line);
}

static int check_name(struct http_request *req, struct span name)
{
	if (!span_empty(name) && (name.end[-1] == ' ' || name.end[-1] == '\t'))
		return http_refuse(req, HTTP_BAD_REQUEST,
				   "blank before the colon of a field (RFC 9112 5.1)");
	if (span_empty(name) || !span_all(name, http_is_token_char))
		return http_refuse(req, HTTP_BAD_REQUEST,
				   "a field name is no token (RFC 9110 5.1)");
	return 0;
}

/*
 * A line that begins with a blank continues the one before (obs-fold). A server answers 400 or
 * puts a space in place of the fold, and this one does the latter (RFC 9112 5.2). Control
 * characters, which might also be replaced, are refused (RFC 9110 5.5).
 */
static int read_value(struct section *s, struct span piece, const char **value)
{
	struct text text = TEXT(s->req->stack);
	int status;

	for (;;) {
		piece = span_trim(piece);
		if (!span_all(piece, http_is_value_char))
			return http_refuse(s->req, HTTP_BAD_REQUEST,
					   "control character in a field value (RFC 9110 5.5)");
		if (text.size && !span_empty(piece))
			text_putc(&text, ' ');
		text_add(&text, piece);
		if (!span_starts_blank(*s->in))
			break;
		status = section_line(s, &piece);
		if (status)
			return status;
	}
	*value = text_keep(&text, s->req->arena);
	return *value ? 0 : http_no_memory(s->req);
}

/* What nearly every request has needs no copy of its name. */
static const char *known_name(const char *name)
{
	static const char * const known[] = {
		"accept", "accept-encoding", "accept-language", "connection", "content-length",
		"content-type", "cookie", "host", "origin", "referer", "transfer-encoding",
		"user-agent",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i], name))
			return known[i];
	return NULL;
}

/* Names have no case, RFC 9110 5.1. */
static int read_name(struct http_request *req, struct span raw, const char **name)
{
	struct text lower = TEXT(req->stack);
	const char *text;

	for (; !span_empty(raw); raw.ptr++)
		text_putc(&lower, tolower(*raw.ptr));
	text = text_close(&lower);
	if (!text)
		return http_no_memory(req);
	*name = known_name(text) ?: nebula_bump_strdup(req->arena, text);
	return *name ? 0 : http_no_memory(req);
}

/* All that a field needs while it is decoded lies in one frame, which ends on every way out. */
static int read_field(struct section *s, struct span line)
{
	struct http_request *req = s->req;
	struct http_field *field;
	struct span name;
	int status;

	guard(nebula_stack)(req->stack);

	if (!memchr(line.ptr, ':', span_size(line)))
		return http_refuse(req, HTTP_BAD_REQUEST, "a field has no colon (RFC 9112 5)");
	name = span_split(&line, ":");
	status = check_name(req, name);
	if (status)
		return status;

	field = nebula_bump_alloc(req->arena, sizeof(*field), __alignof__(*field));
	if (!field)
		return http_no_memory(req);
	status = read_name(req, name, &field->name);
	if (status)
		return status;
	status = read_value(s, line, &field->value);
	if (status)
		return status;
	list_add_tail(&field->node, s->fields);
	return 0;
}

/* Reads up to and including the empty line that ends the section. */
int http_fields_parse(struct http_request *req, struct span *in, struct list_head *fields)
{
	struct section s = { .req = req, .in = in, .start = in->ptr, .fields = fields };
	struct span line;
	int status;

	if (span_starts_blank(*in))
		return http_refuse(req, HTTP_BAD_REQUEST,
				   "blank before the first field (RFC 9112 2.2)");
	for (;;) {
		status = section_line(&s, &line);
		if (status || span_empty(line))
			return status;
		if (++s.count > HTTP_MAX_FIELDS)
			return http_refuse(req, HTTP_FIELDS_TOO_LARGE,
					   "over 64 fields (RFC 6585 5)");
		status = read_field(&s, line);
		if (status)
			return status;
	}
}

/* The first header field called @name, or the next one behind @after. */
struct http_field *http_field_next(struct http_request *req, const char *name,
				   struct http_field *after)
{
	struct http_field *field = list_prepare_entry(after, &req->fields, node);

	list_for_each_entry_continue(field, &req->fields, node)
		if (!strcmp(field->name, name))
			return field;
	return NULL;
}
