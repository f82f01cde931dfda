// SPDX-License-Identifier: GPL-2.0-only
/*
 * Colours, bars and the size of the terminal, see paint.h.
 */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "paint.h"

static bool colors, utf8;

void paint_setup(enum color_mode mode)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	colors = mode == COLOR_ALWAYS ||
		 (mode == COLOR_AUTO && isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") &&
		  (!no || !*no));
}

bool paint_utf8(void)
{
	return utf8;
}

unsigned int paint_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	long n = columns ? strtol(columns, NULL, 10) : 0;

	if (n > 0 && n < 10000)
		return n;
	if (!isatty(STDOUT_FILENO))
		return 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return 80;
}

const char *paint_on(enum paint paint)
{
	static const char *const codes[PAINT_NR] = {
		[PAINT_NONE]	= "\033[0m",
		[PAINT_HEAD]	= "\033[1m",
		[PAINT_NAME]	= "\033[1m",
		[PAINT_DIM]	= "\033[2m",
		[PAINT_GOOD]	= "\033[32m",
		[PAINT_WARN]	= "\033[33m",
		[PAINT_BAD]	= "\033[1;31m",
		[PAINT_NOTE]	= "\033[36m",
	};

	return colors ? codes[paint] : "";
}

void paint_put(FILE *out, enum paint paint, const char *text)
{
	if (paint == PAINT_NONE)
		fputs(text, out);
	else
		fprintf(out, "%s%s%s", paint_on(paint), text, paint_on(PAINT_NONE));
}

enum paint paint_level(uint64_t permille)
{
	return permille < 700 ? PAINT_GOOD : permille < 900 ? PAINT_WARN : PAINT_BAD;
}

/* What is not nothing is shown as something. */
const char *paint_bar(char buf[BAR_SIZE], uint64_t permille, unsigned int width)
{
	static const char *const blocks[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	const uint64_t share = permille < 1000 ? permille : 1000;
	uint64_t eighths = (share * width * 8 + 500) / 1000, i;
	char *at = buf;

	if (width > (BAR_SIZE - 1) / 3)
		width = (BAR_SIZE - 1) / 3;
	if (permille && !eighths)
		eighths = 1;
	if (!utf8) {
		eighths = (eighths + (eighths < 8 && permille ? 7 : 0)) / 8;
		for (i = 0; i < width; i++)
			*at++ = i < eighths ? '#' : '.';
		*at = '\0';
		return buf;
	}
	for (i = 0; i < eighths / 8; i++)
		at = stpcpy(at, "█");
	if (eighths % 8) {
		at = stpcpy(at, blocks[eighths % 8]);
		i++;
	}
	for (; i < width; i++)
		at = stpcpy(at, "·");
	return buf;
}

size_t paint_columns(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

size_t paint_bytes(const char *text, size_t columns)
{
	const char *c = text;

	while (*c && (columns || (*c & 0xc0) == 0x80)) {
		columns -= (*c & 0xc0) != 0x80;
		c++;
	}
	return c - text;
}
