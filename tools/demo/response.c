// SPDX-License-Identifier: GPL-2.0-only
/*
 * The response message: status line, fields, content (RFC 9112 4, RFC 9110 6 to 8).
 * Its parts are made on the stack, one on top of the other; the message itself outlives the request
 * and is printed into an arena of its own.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/time.h>

#include <nebula/nebula.h>

#include "describe.h"
#include "response.h"
#include "text.h"

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{ HTTP_OK,			"OK" },
	{ HTTP_NO_CONTENT,		"No Content" },
	{ HTTP_BAD_REQUEST,		"Bad Request" },
	{ HTTP_NOT_FOUND,		"Not Found" },
	{ HTTP_METHOD_NOT_ALLOWED,	"Method Not Allowed" },
	{ HTTP_LENGTH_REQUIRED,		"Length Required" },
	{ HTTP_CONTENT_TOO_LARGE,	"Content Too Large" },
	{ HTTP_URI_TOO_LONG,		"URI Too Long" },
	{ HTTP_FIELDS_TOO_LARGE,	"Request Header Fields Too Large" },
	{ HTTP_NOT_IMPLEMENTED,		"Not Implemented" },
	{ HTTP_UNAVAILABLE,		"Service Unavailable" },
	{ HTTP_VERSION_NOT_SUPPORTED,	"HTTP Version Not Supported" },
};

static const char *phrase_of(int status)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "";
}

/* RFC 9110 10.2.1. */
static void add_allow(struct text *t, unsigned long allowed)
{
	const char *separator = "Allow: ";
	unsigned int method;

	for (method = 0; method < HTTP_METHODS; method++) {
		if (!(allowed & BIT(method)))
			continue;
		text_printf(t, "%s%s", separator, http_method_names[method]);
		separator = ", ";
	}
	text_printf(t, "\r\n");
}

/* IMF-fixdate, RFC 9110 5.6.7. */
static void add_date(struct text *t)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm;

	time64_to_tm(ktime_get_real_seconds(), 0, &tm);
	text_printf(t, "Date: %s, %02d %s %04ld %02d:%02d:%02d GMT\r\n", days[tm.tm_wday],
		    tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		    tm.tm_sec);
}

/*
 * 204 has neither content nor a length (RFC 9110 8.6). After an error the framing of what
 * follows cannot be relied on, so the connection ends (RFC 9112 9.6).
 */
static const char *make_fields(struct http_request *req, int status, size_t content_size)
{
	struct text t = TEXT(req->stack);

	text_printf(&t, "Server: nebula_demo\r\n");
	add_date(&t);
	if (req->allowed && (status == HTTP_METHOD_NOT_ALLOWED || status == HTTP_NO_CONTENT))
		add_allow(&t, req->allowed);
	if (status != HTTP_NO_CONTENT)
		text_printf(&t, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			    content_size);
	if (status >= 400)
		text_printf(&t, "Connection: close\r\n");
	text_printf(&t, "Request-Bytes: %zu\r\n", req->size);
	return text_close(&t);
}

static const char *make_content(struct http_request *req, int status)
{
	if (status == HTTP_NO_CONTENT)
		return "";
	return status >= 400 ? describe_problem(req, status) : describe_request(req);
}

/*
 * @before is what the arena held before the request. An exhausted stack still has its answer: one
 * without fields and content.
 */
const char *response_print(struct nebula_bump *answers, struct http_request *req, int status,
			   size_t before)
{
	const char *content, *fields;

	guard(nebula_stack)(req->stack);
	content = make_content(req, status);
	fields = content ? make_fields(req, status, strlen(content)) : NULL;
	if (!fields) {
		status = HTTP_UNAVAILABLE;
		fields = "Content-Length: 0\r\n";
		content = "";
	}
	/* HEAD has the fields of GET and no content, RFC 9110 9.3.2. */
	if (req->method == HTTP_HEAD)
		content = "";

	return nebula_bump_asprintf(answers, "HTTP/1.1 %d %s\r\n%sArena-Bytes: %zu\r\n\r\n%s",
				    status, phrase_of(status), fields,
				    nebula_bump_used(req->arena) - before, content);
}
