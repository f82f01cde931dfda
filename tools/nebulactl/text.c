// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines, words and numbers, see text.h.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "text.h"

void text_problem(struct text *t, const char *fmt, ...)
{
	char message[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	problem_add(t->ps, t->path, t->line, "%s", message);
}

/* What is no text becomes a question mark; the first such byte is reported. */
static void clean(struct text *t, char *data, size_t len)
{
	unsigned int line = 1;
	bool told = false;
	size_t i;

	for (i = 0; i < len; i++) {
		const unsigned char c = data[i];

		if (c == '\n') {
			line++;
		} else if (c == '\t') {
			data[i] = ' ';
		} else if (c < ' ' || c > '~') {
			if (!told)
				problem_add(t->ps, t->path, line, "byte 0x%02x is no text", c);
			told = true;
			data[i] = '?';
		}
	}
}

/* The version of the first line, told from that of another file. */
static int check_header(struct text *t, const char *kind)
{
	const char *line = text_line(t);
	char begin[64];
	size_t len;

	len = snprintf(begin, sizeof(begin), "# nebula %s v", kind);
	if (!line) {
		text_problem(t, "empty: it has to begin with \"%s1\"", begin);
		return -EBADMSG;
	}
	if (strncmp(line, begin, len)) {
		text_problem(t, "it has to begin with \"%s1\", not \"%.40s\"", begin, line);
		return -EBADMSG;
	}
	if (!strcmp(line + len, "1"))
		return 0;
	if (!strcmp(line + len, "0"))
		text_problem(t, "an older file, v0: this nebulactl reads v1, load a newer module");
	else
		text_problem(t, "a newer file, v%.9s: this nebulactl reads v1, install a later one",
			     line + len);
	return -EPROTO;
}

int text_begin(struct text *t, char *data, size_t len, const char *path, const char *kind,
	       struct problems *ps)
{
	*t = (struct text){ .path = path, .next = len ? data : NULL, .ps = ps };
	clean(t, data, len);
	return check_header(t, kind);
}

int text_open(struct text *t, struct source *s, const char *path, const char *kind,
	      struct problems *ps)
{
	char *data;
	size_t len;
	int ret = source_read(s, path, ps->arena, &data, &len);

	if (!ret)
		return text_begin(t, data, len, path, kind, ps);
	if (ret == -EFBIG)
		problem_add(ps, path, 0, "larger than %lu MiB, not read", SOURCE_FILE_MAX >> 20);
	else if (ret == -EINVAL)
		problem_add(ps, path, 0, "no regular file, not read");
	else if (ret != -ENOENT)
		problem_add(ps, path, 0, "%s", strerror(-ret));
	return ret;
}

char *text_line(struct text *t)
{
	char *line = t->again ?: t->next, *end;

	t->line++;
	if (t->again) {
		t->again = NULL;
		return line;
	}
	if (!line || !*line) {
		t->line--;
		return NULL;
	}
	end = line + strcspn(line, "\n");
	t->next = *end ? end + 1 : NULL;
	*end = '\0';
	while (end > line && end[-1] == ' ')
		*--end = '\0';
	return line;
}

void text_back(struct text *t, char *line)
{
	t->line--;
	t->again = line;
}

bool text_split(char *line, char **key, char **value)
{
	char *colon = line;

	if (*line == ' ')
		return false;
	do {
		colon = strchr(colon, ':');
	} while (colon && colon[1] && colon[1] != ' ' && colon++);
	if (!colon || colon == line)
		return false;
	*colon = '\0';
	*key = line;
	*value = colon + 1 + strspn(colon + 1, " ");
	return true;
}

char *text_word(char **rest)
{
	char *word = *rest + strspn(*rest, " ");
	char *end = word + strcspn(word, " ");

	if (!*word)
		return NULL;
	*rest = end;
	if (*end) {
		*end = '\0';
		*rest = end + 1;
	}
	return word;
}

bool text_u64(char **s, uint64_t *value)
{
	const char *c = *s + strspn(*s, " ");
	uint64_t n = 0;

	if (!isdigit((unsigned char)*c))
		return false;
	for (; isdigit((unsigned char)*c); c++) {
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *c - '0', &n))
			return false;
	}
	*s = (char *)c;
	*value = n;
	return true;
}

bool text_permille(char **s, uint64_t *value)
{
	uint64_t whole;
	char *c = *s;

	if (!text_u64(&c, &whole) || whole > UINT64_MAX / 10 - 1 || *c != '.' ||
	    !isdigit((unsigned char)c[1]) || c[2] != '%')
		return false;
	*value = 10 * whole + c[1] - '0';
	*s = c + 3;
	return true;
}
