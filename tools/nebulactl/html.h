/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pieces of a page: escaped text, bars and maps as SVG.
 */
#ifndef NEBULACTL_HTML_H
#define NEBULACTL_HTML_H

#include <stdio.h>
#include "attributes.h"
#include "model.h"

/* Text with what has a meaning in HTML escaped. */
void html_text(FILE *out, const char *text);

/* The same of a format. */
__printf(2, 3) void html_printf(FILE *out, const char *fmt, ...);

/* "good", "warn" or "bad": a class of the style sheet. */
const char *html_level(uint64_t permille);

/* A bar of @permille in @class; a mark at @peak, which is 0 for none. */
void html_bar(FILE *out, uint64_t permille, const char *class, uint64_t peak);

/* A map, named for readers that cannot see it. */
void html_map(FILE *out, const struct area *area);

/* The style sheet, for <style>. */
extern const char html_style[];

#endif
