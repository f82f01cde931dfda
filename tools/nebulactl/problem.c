// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages about files, see problem.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include "problem.h"

void problem_add(struct problems *ps, const char *file, unsigned int line, const char *fmt, ...)
{
	struct problem *p;
	va_list args;

	if (ps->nr++ >= PROBLEMS_MAX)
		return;
	p = &ps->of[ps->nr - 1];
	p->file = arena_strdup(ps->arena, file);
	p->line = line;
	va_start(args, fmt);
	p->message = arena_vprintf(ps->arena, fmt, args);
	va_end(args);
}

void problems_print(const struct problems *ps)
{
	size_t i;

	for (i = 0; i < ps->nr && i < PROBLEMS_MAX; i++) {
		const struct problem *p = &ps->of[i];

		if (p->line)
			fprintf(stderr, "nebulactl: %s:%u: %s\n", p->file, p->line, p->message);
		else
			fprintf(stderr, "nebulactl: %s: %s\n", p->file, p->message);
	}
	if (ps->nr > PROBLEMS_MAX)
		fprintf(stderr, "nebulactl: ... and %zu more of these\n", ps->nr - PROBLEMS_MAX);
}
