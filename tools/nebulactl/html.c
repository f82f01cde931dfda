// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pieces of a page, see html.h.
 */
#include <stdarg.h>
#include <string.h>
#include "html.h"
#include "paint.h"
#include "units.h"

/* Characters of a map's row, and the side of each. */
#define MAP_COLUMNS	64
#define MAP_SIDE	10

__asm__(".section .rodata\n"
	".global html_style\n"
	"html_style:\n"
	".incbin \"" STYLE_SHEET "\"\n"
	".byte 0\n"
	".previous\n");

void html_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

void html_printf(FILE *out, const char *fmt, ...)
{
	char text[4096];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	html_text(out, text);
}

const char *html_level(uint64_t permille)
{
	switch (paint_level(permille)) {
	case PAINT_BAD:
		return "bad";
	case PAINT_WARN:
		return "warn";
	default:
		return "good";
	}
}

void html_bar(FILE *out, uint64_t permille, const char *class, uint64_t peak)
{
	const unsigned int share = permille < 1000 ? permille : 1000;
	const unsigned int mark = peak < 996 ? peak : 996;

	fprintf(out, "<svg class=\"bar\" viewBox=\"0 0 1000 100\" preserveAspectRatio=\"none\" "
		"role=\"img\" aria-label=\"%u.%u%%\">", share / 10, share % 10);
	fputs("<rect class=\"t\" width=\"1000\" height=\"100\" rx=\"20\"/>", out);
	if (share)
		fprintf(out, "<rect class=\"%s\" width=\"%u\" height=\"100\" rx=\"20\"/>", class,
			share < 8 ? 8 : share);
	if (peak)
		fprintf(out, "<rect class=\"peak\" x=\"%u\" width=\"5\" height=\"100\"/>", mark);
	fputs("</svg>", out);
}

static const char *class_of(char cell)
{
	return cell == '#' ? "good" : cell == '+' ? "some" : cell == '-' ? "held" : NULL;
}

/* Neighbours of one kind are one rectangle; what is free is the ground. */
static void put_row(FILE *out, const char *cells, size_t nr, size_t row)
{
	size_t i, from;

	for (i = 0; i < nr;) {
		const char *class = class_of(cells[i]);

		from = i;
		while (i < nr && cells[i] == cells[from])
			i++;
		if (class)
			fprintf(out, "<rect class=\"%s\" x=\"%zu\" y=\"%zu\" "
				"width=\"%zu\" height=\"9\"/>",
				class, from * MAP_SIDE, row * MAP_SIDE, (i - from) * MAP_SIDE);
	}
}

void html_map(FILE *out, const struct area *area)
{
	const size_t rows = (area->nr_cells + MAP_COLUMNS - 1) / MAP_COLUMNS;
	size_t row, from, nr;

	if (!rows)
		return;
	fprintf(out, "<svg class=\"map\" viewBox=\"0 0 %d %zu\" role=\"img\" aria-label=\"",
		MAP_COLUMNS * MAP_SIDE, rows * MAP_SIDE);
	html_printf(out, "map of %s", *area->title ? area->title : "the memory");
	fputs("\">", out);
	for (row = 0; row < rows; row++) {
		from = row * MAP_COLUMNS;
		nr = area->nr_cells - from < MAP_COLUMNS ? area->nr_cells - from : MAP_COLUMNS;
		put_row(out, area->cells + from, nr, row);
	}
	fputs("</svg>\n", out);
}
