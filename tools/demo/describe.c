// SPDX-License-Identifier: GPL-2.0-only
/* What the parser made of a request, as JSON: the content of every answer. */
#include <nebula/nebula.h>

#include "describe.h"
#include "text.h"

static const char * const form_names[] = {
	[HTTP_ORIGIN_FORM]	= "origin",
	[HTTP_ABSOLUTE_FORM]	= "absolute",
	[HTTP_AUTHORITY_FORM]	= "authority",
	[HTTP_ASTERISK_FORM]	= "asterisk",
};

static void add_string(struct text *t, const char *key, const char *value)
{
	text_printf(t, "  \"%s\": ", key);
	text_quote(t, value);
	text_printf(t, ",\n");
}

static void add_pair(struct text *t, const char *name, const char *value, bool first)
{
	text_printf(t, first ? "\n    [" : ",\n    [");
	text_quote(t, name);
	text_printf(t, ", ");
	text_quote(t, value);
	text_putc(t, ']');
}

static void add_path(struct text *t, const struct list_head *path)
{
	struct http_segment *segment;

	text_printf(t, "  \"path\": [");
	list_for_each_entry(segment, path, node) {
		if (!list_is_first(&segment->node, path))
			text_printf(t, ", ");
		text_quote(t, segment->name);
	}
	text_printf(t, "],\n");
}

/* Names may repeat and their order counts, so pairs are arrays and not members of an object. */
static void add_params(struct text *t, const char *key, const struct list_head *params)
{
	struct http_param *param;

	if (list_empty(params))
		return;
	text_printf(t, "  \"%s\": [", key);
	list_for_each_entry(param, params, node)
		add_pair(t, param->name, param->value, list_is_first(&param->node, params));
	text_printf(t, "\n  ],\n");
}

static void add_fields(struct text *t, const char *key, const struct list_head *fields)
{
	struct http_field *field;

	if (list_empty(fields))
		return;
	text_printf(t, "  \"%s\": [", key);
	list_for_each_entry(field, fields, node)
		add_pair(t, field->name, field->value, list_is_first(&field->node, fields));
	text_printf(t, "\n  ],\n");
}

const char *describe_request(struct http_request *req)
{
	struct text t = TEXT(req->stack);

	text_printf(&t, "{\n");
	add_string(&t, "route", req->route);
	add_string(&t, "method", http_method_names[req->method]);
	add_string(&t, "form", form_names[req->form]);
	if (req->host)
		add_string(&t, "host", req->host);
	add_path(&t, &req->path);
	add_params(&t, "query", &req->query);
	text_printf(&t, "  \"version\": \"1.%u\",\n", req->minor);
	add_fields(&t, "fields", &req->fields);
	add_params(&t, "pairs", &req->pairs);
	add_fields(&t, "trailers", &req->trailers);
	text_printf(&t, "  \"chunked\": %s,\n", req->chunked ? "true" : "false");
	text_printf(&t, "  \"content\": %zu\n}\n", span_size(req->content));
	return text_close(&t);
}

const char *describe_problem(struct http_request *req, int status)
{
	struct text t = TEXT(req->stack);

	text_printf(&t, "{\n  \"status\": %d,\n  \"problem\": ", status);
	text_quote(&t, req->problem);
	text_printf(&t, "\n}\n");
	return text_close(&t);
}
