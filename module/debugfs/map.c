// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps of regions, see map.h. Process context only. Work and memory do not grow with the region.
 */
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "map.h"

/* Freed with kvfree(). NULL, and the text has failed, without memory. */
struct nebula_map *nebula_map_create(struct nebula_text *t)
{
	struct nebula_map *m = kvmalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		t->failed = true;
	return m;
}

/* A region of which nothing is used yet. Any context. */
void nebula_map_begin(struct nebula_map *m, size_t total, unsigned int rows)
{
	memset(m, 0, sizeof(*m));
	m->total = total;
	m->each = max_t(size_t, 1, DIV_ROUND_UP(total, NEBULA_MAP_COLUMNS * rows));
}

/* One piece for each character that stands for some of @units: adds it, or takes it away. */
static void spread(const struct nebula_map *m, size_t *counts, size_t from, size_t units, bool add)
{
	size_t end, piece, *count;

	if (from >= m->total)
		return;
	end = from + min(units, m->total - from);
	for (; from < end; from += piece) {
		piece = min(end - from, m->each - from % m->each);
		count = &counts[from / m->each];
		*count = add ? *count + piece : *count - min(*count, piece);
	}
}

/* What the region does not have is not drawn. */
void nebula_map_use(struct nebula_map *m, size_t from, size_t units)
{
	spread(m, m->used, from, units, true);
}

/* Of what is used already. */
void nebula_map_hold(struct nebula_map *m, size_t from, size_t units)
{
	spread(m, m->used, from, units, false);
	spread(m, m->held, from, units, true);
}

static char map_char(const struct nebula_map *m, size_t i)
{
	if (m->used[i] >= min(m->each, m->total - i * m->each))
		return '#';
	if (m->used[i])
		return '+';
	return m->held[i] ? '-' : '.';
}

/* Draw a map. Process context. */
void nebula_map_render(const struct nebula_map *m, const char *units, struct nebula_text *t)
{
	char row[NEBULA_MAP_COLUMNS + 1];
	unsigned int n = 0;
	size_t i;

	nebula_text_printf(t, "%zu %s, %zu for each character\n", m->total, units, m->each);
	for (i = 0; i * m->each < m->total; i++) {
		row[n++] = map_char(m, i);
		if (n < NEBULA_MAP_COLUMNS && (i + 1) * m->each < m->total)
			continue;
		row[n] = '\0';
		nebula_text_printf(t, "%10zu  %s\n", (i + 1 - n) * m->each, row);
		n = 0;
	}
}
