// SPDX-License-Identifier: GPL-2.0-only
/*
 * How allocators developed, see history.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "history.h"

/* Where @name is, or would be. */
static size_t place(const struct history *h, const char *name, bool *found)
{
	size_t low = 0, high = h->nr, middle;
	int order;

	*found = false;
	while (low < high && !*found) {
		middle = (low + high) / 2;
		order = strcmp(name, h->past[middle]->name);
		if (!order) {
			*found = true;
			return middle;
		}
		if (order > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct past *add(struct history *h, size_t at, const char *name)
{
	struct past *p = calloc(1, sizeof(*p));

	if (h->nr == h->room) {
		h->room = h->room ? 2 * h->room : 64;
		h->past = realloc(h->past, h->room * sizeof(*h->past));
	}
	if (!p || !h->past)
		abort();
	snprintf(p->name, sizeof(p->name), "%s", name);
	memmove(&h->past[at + 1], &h->past[at], (h->nr++ - at) * sizeof(*h->past));
	h->past[at] = p;
	return p;
}

static void look(struct history *h, const struct allocator *a, double time)
{
	bool found;
	const size_t at = place(h, a->name, &found);
	struct past *p = found ? h->past[at] : add(h, at, a->name);
	const double seconds = time - p->time;

	p->rate = 0;
	p->new_failures = 0;
	/* Less than before: another one under the same name. */
	if (p->nr && a->stats.allocs >= p->allocs && seconds > 0)
		p->rate = (a->stats.allocs - p->allocs) / seconds;
	if (p->nr && a->stats.failures >= p->failures)
		p->new_failures = a->stats.failures - p->failures;
	p->allocs = a->stats.allocs;
	p->failures = a->stats.failures;
	p->newest = (p->newest + 1) % HISTORY_LEN;
	p->used[p->newest] = a->stats.used;
	p->nr += p->nr < HISTORY_LEN;
	p->time = time;
	p->look = h->looks;
}

void history_add(struct history *h, const struct snapshot *snap)
{
	size_t i, nr = 0;

	h->looks++;
	for (i = 0; i < snap->nr_allocators; i++)
		look(h, &snap->allocator[i], snap->time);
	for (i = 0; i < h->nr; i++) {
		if (h->past[i]->look == h->looks)
			h->past[nr++] = h->past[i];
		else
			free(h->past[i]);
	}
	h->nr = nr;
}

const struct past *history_find(const struct history *h, const char *name)
{
	bool found;
	const size_t at = place(h, name, &found);

	return found ? h->past[at] : NULL;
}

uint64_t history_used(const struct past *p, size_t back)
{
	return p->used[(p->newest + HISTORY_LEN - back) % HISTORY_LEN];
}

void history_clear(struct history *h)
{
	size_t i;

	for (i = 0; i < h->nr; i++)
		free(h->past[i]);
	free(h->past);
	*h = (struct history){ };
}
