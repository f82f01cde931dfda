// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which allocator, budget or cache a name means, see target.h.
 */
#include <errno.h>
#include <string.h>
#include "target.h"

/* Names that are similar enough to be meant. */
#define DISTANCE_MAX	3

static const char *const dirs[TARGET_NR] = { "allocators", "budgets", "caches" };
static const char *const words[TARGET_NR] = { "allocator", "budget", "cache" };

/* Characters to add, take away or change to make one of the other; only small ones count. */
static size_t distance(const char *a, const char *b)
{
	size_t row[SOURCE_NAME_MAX + 2], corner, above, i, j;
	const size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > SOURCE_NAME_MAX || b_len > SOURCE_NAME_MAX)
		return SOURCE_NAME_MAX;
	for (j = 0; j <= b_len; j++)
		row[j] = j;
	for (i = 1; i <= a_len; i++) {
		corner = row[0];
		row[0] = i;
		for (j = 1; j <= b_len; j++) {
			above = row[j];
			row[j] = corner + (a[i - 1] != b[j - 1]);
			if (row[j] > above + 1)
				row[j] = above + 1;
			if (row[j] > row[j - 1] + 1)
				row[j] = row[j - 1] + 1;
			corner = above;
		}
	}
	return row[b_len];
}

/* How far @there is from what was said: part of it is near too. */
static size_t farness(const char *said, const char *there)
{
	if (*said && strstr(there, said))
		return 1;
	return distance(said, there);
}

static void suggest(struct view *v, const char *said, unsigned int targets)
{
	size_t best = DISTANCE_MAX + 1, i, far;
	const char *near = NULL;
	struct names names;
	unsigned int t;

	for (t = 0; t < TARGET_NR; t++) {
		if (!(targets & 1U << t) || source_list(v->source, dirs[t], &v->arena, &names))
			continue;
		for (i = 0; i < names.nr; i++) {
			if (!source_name_valid(names.of[i]))
				continue;
			far = farness(said, names.of[i]);
			if (far >= best)
				continue;
			best = far;
			near = names.of[i];
		}
	}
	if (near)
		fprintf(stderr, "           is %s meant? nebulactl list shows all\n", near);
	else
		fputs("           nebulactl list shows all\n", stderr);
}

static bool has_name(const struct names *names, const char *name)
{
	size_t i;

	for (i = 0; i < names->nr; i++)
		if (!strcmp(names->of[i], name))
			return true;
	return false;
}

/* One of them, or all. */
static const char *word_of(unsigned int targets)
{
	unsigned int t;

	for (t = 0; t < TARGET_NR; t++)
		if (targets == 1U << t)
			return words[t];
	return "allocator, budget or cache";
}

/* "budget:service" restricts @targets and moves on to the name. */
static const char *take_prefix(const char *name, unsigned int *targets)
{
	unsigned int t;
	size_t len;

	for (t = 0; t < TARGET_NR; t++) {
		len = strlen(words[t]);
		if (strncmp(name, words[t], len) || name[len] != ':')
			continue;
		*targets &= 1U << t;
		return name + len + 1;
	}
	return name;
}

/* What is said in a message must not move the cursor. */
static const char *printable(struct view *v, const char *name)
{
	char *copy = arena_strdup(&v->arena, name), *c;

	for (c = copy; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return copy;
}

enum status target_find(struct view *v, const char *name, unsigned int targets,
			enum target *target, const char **found)
{
	const unsigned int wanted = targets;
	unsigned int t, hits = 0;
	struct names names;

	name = take_prefix(name, &targets);
	for (t = 0; t < TARGET_NR; t++) {
		if (!(targets & 1U << t) || source_list(v->source, dirs[t], &v->arena, &names) ||
		    !source_name_valid(name) || !has_name(&names, name))
			continue;
		*target = t;
		hits |= 1U << t;
	}
	*found = name;
	if (hits && !(hits & (hits - 1)))
		return STATUS_OK;
	name = printable(v, name);
	if (!hits) {
		fprintf(stderr, "nebulactl: there is no %s \"%s\" in %s\n",
			word_of(targets ? targets : wanted), name, source_name(v->source));
		suggest(v, name, targets ? targets : wanted);
		return STATUS_UNAVAILABLE;
	}
	fprintf(stderr, "nebulactl: \"%s\" means more than one: say", name);
	for (t = 0; t < TARGET_NR; t++)
		if (hits & 1U << t)
			fprintf(stderr, " %s:%s%s", words[t], name, hits >> (t + 1) ? " or" : "\n");
	return STATUS_USAGE;
}
