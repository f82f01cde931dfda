// SPDX-License-Identifier: GPL-2.0-only
/* How long the content is, and where it ends (RFC 9112 6 and 7). */
#include <linux/ctype.h>
#include <linux/minmax.h>

#include <nebula/nebula.h>

#include "http.h"

#define CHUNK_LINE_MAX	256

/* Stops counting above the limit: a Content-Length may have any number of digits, RFC 9110 8.6. */
static bool read_length(struct span digits, size_t *length)
{
	size_t value = 0;

	if (span_empty(digits))
		return false;
	for (; digits.ptr < digits.end; digits.ptr++) {
		if (!isdigit(*digits.ptr))
			return false;
		value = min_t(size_t, value * 10 + (*digits.ptr - '0'), HTTP_MAX_CONTENT + 1);
	}
	*length = value;
	return true;
}

/* Repeated values are one value if all are the same, RFC 9112 6.3. */
static int parse_length(struct http_request *req, size_t *length)
{
	struct http_field *field = NULL;
	size_t value;
	bool first = true;

	while ((field = http_field_next(req, "content-length", field))) {
		struct span list = span_of(field->value);

		do {
			if (!read_length(span_trim(span_split(&list, ",")), &value))
				return http_refuse(req, HTTP_BAD_REQUEST,
						   "Content-Length is no number (RFC 9112 6.3)");
			if (!first && value != *length)
				return http_refuse(req, HTTP_BAD_REQUEST,
						   "conflicting Content-Length (RFC 9112 6.3)");
			*length = value;
			first = false;
		} while (!span_empty(list));
	}
	if (*length > HTTP_MAX_CONTENT)
		return http_refuse(req, HTTP_CONTENT_TOO_LARGE, "over 16 KiB (RFC 9110 15.5.14)");
	return 0;
}

/* The only coding served is "chunked", and it is the last and applied once, RFC 9112 6.1. */
static int parse_coding(struct http_request *req)
{
	struct http_field *field = NULL;
	bool unknown = false;

	while ((field = http_field_next(req, "transfer-encoding", field))) {
		struct span list = span_of(field->value);

		while (!span_empty(list)) {
			struct span coding = span_trim(span_split(&list, ","));

			if (span_empty(coding))
				continue;
			if (req->chunked)
				return http_refuse(req, HTTP_BAD_REQUEST,
						   "chunked is not the last coding (RFC 9112 6.3)");
			req->chunked = span_is_nocase(coding, "chunked");
			unknown |= !req->chunked;
		}
	}
	if (!req->chunked)
		return http_refuse(req, HTTP_BAD_REQUEST, "no chunked coding (RFC 9112 6.3)");
	if (unknown)
		return http_refuse(req, HTTP_NOT_IMPLEMENTED, "unknown coding (RFC 9112 6.1)");
	return 0;
}

/* chunk-size [ chunk-ext ]; extensions are skipped, RFC 9112 7.1.1. */
static int read_chunk_size(struct http_request *req, struct span *in, size_t *size)
{
	struct span line, digits;
	int status;

	status = http_line_read(req, in, CHUNK_LINE_MAX, HTTP_BAD_REQUEST, &line);
	if (status)
		return status;
	digits = span_trim(span_split(&line, ";"));
	if (span_empty(digits) || !span_all(line, http_is_value_char))
		return http_refuse(req, HTTP_BAD_REQUEST, "bad chunk size (RFC 9112 7.1)");
	for (*size = 0; digits.ptr < digits.end; digits.ptr++) {
		int digit = http_hex_digit(*digits.ptr);

		if (digit < 0)
			return http_refuse(req, HTTP_BAD_REQUEST, "bad chunk size (RFC 9112 7.1)");
		*size = min_t(size_t, *size * 16 + digit, HTTP_MAX_CONTENT + 1);
	}
	return 0;
}

static int read_chunks(struct http_request *req, struct span *in, char *to, size_t *total)
{
	size_t size;
	int status;

	for (*total = 0;; *total += size) {
		status = read_chunk_size(req, in, &size);
		if (status || !size)
			return status;
		if (*total + size > HTTP_MAX_CONTENT)
			return http_refuse(req, HTTP_CONTENT_TOO_LARGE,
					   "over 16 KiB (RFC 9110 15.5.14)");
		if (size > span_size(*in))
			return http_refuse(req, HTTP_BAD_REQUEST, "truncated chunk (RFC 9112 8)");
		memcpy(to + *total, in->ptr, size);
		in->ptr += size;
		if (!span_skip(in, "\r\n"))
			return http_refuse(req, HTTP_BAD_REQUEST, "a chunk is longer than it says");
	}
}

/* The rest of the text bounds what the chunks hold; what they do not fill goes back. */
static int parse_chunked(struct http_request *req, struct span *in)
{
	size_t room = span_size(*in) + 1, size;
	char *content;
	int status;

	content = nebula_bump_alloc(req->arena, room, 1);
	if (!content)
		return http_no_memory(req);
	status = read_chunks(req, in, content, &size);
	if (status)
		return status;
	content = nebula_bump_realloc(req->arena, content, room, size + 1, 1);
	if (!content)
		return http_no_memory(req);
	req->content = (struct span){ content, content + size };
	return http_fields_parse(req, in, &req->trailers);
}

/* Both framings at once is how requests are smuggled: refused, RFC 9112 6.3. */
static int parse_transfer_coded(struct http_request *req, struct span *in)
{
	int status;

	if (http_field_next(req, "content-length", NULL))
		return http_refuse(req, HTTP_BAD_REQUEST,
				   "Transfer-Encoding and Content-Length (RFC 9112 6.3)");
	if (req->minor == 0)
		return http_refuse(req, HTTP_BAD_REQUEST,
				   "Transfer-Encoding in HTTP/1.0 (RFC 9112 6.1)");
	status = parse_coding(req);
	if (status)
		return status;
	return parse_chunked(req, in);
}

/* A method that sends content has to say how much, RFC 9110 15.5.12. */
static int parse_counted(struct http_request *req, struct span *in)
{
	size_t length = 0;
	int status;

	if (!http_field_next(req, "content-length", NULL) &&
	    (req->method == HTTP_POST || req->method == HTTP_PUT || req->method == HTTP_PATCH))
		return http_refuse(req, HTTP_LENGTH_REQUIRED,
				   "no Content-Length (RFC 9110 15.5.12)");
	status = parse_length(req, &length);
	if (status)
		return status;
	if (length > span_size(*in))
		return http_refuse(req, HTTP_BAD_REQUEST, "truncated content (RFC 9112 8)");
	req->content = span_head(*in, length);
	in->ptr += length;
	return 0;
}

static bool is_form(struct http_request *req)
{
	struct http_field *type = http_field_next(req, "content-type", NULL);
	struct span value;

	if (!type)
		return false;
	value = span_of(type->value);
	return span_is_nocase(span_trim(span_split(&value, ";")),
			      "application/x-www-form-urlencoded");
}

static bool is_form_char(unsigned char c)
{
	return c > ' ' && c < 0x7f;
}

static int parse_form(struct http_request *req)
{
	if (!span_all(req->content, is_form_char))
		return http_refuse(req, HTTP_BAD_REQUEST, "bad octet in the form");
	return http_params_parse(req, req->content, &req->pairs);
}

int http_content_parse(struct http_request *req, struct span in)
{
	int status;

	if (http_field_next(req, "transfer-encoding", NULL))
		status = parse_transfer_coded(req, &in);
	else
		status = parse_counted(req, &in);
	if (status)
		return status;
	if (!span_empty(in))
		return http_refuse(req, HTTP_BAD_REQUEST, "octets behind the request");
	return is_form(req) ? parse_form(req) : 0;
}
