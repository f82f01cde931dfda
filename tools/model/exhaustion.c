// SPDX-License-Identifier: GPL-2.0-only
/*
 * All interleavings of a search for a free block with frees and allocations of two other contexts,
 * as in find_block() of module/pool.c: when may it say that there is none?
 *
 *	searcher	place 0, 1, ...		sum of counts		the same again
 *	others		put a block into a place, count that	take a block from any place
 *
 * There is one block more than the others can hold, so "none" is always false. The count of a put
 * may come before the put or after it. This program finds the interleavings that go wrong when it
 * comes before, and shows that there are none when it comes after. Sequential consistency.
 *
 * Prints a line for each question and "N passed, N failed"; status 0 when all is as it should be.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OTHERS		2
#define PLACES_MAX	3
#define BLOCKS		(OTHERS + 1)

enum order {
	COUNT_BEFORE_PUT,
	COUNT_AFTER_PUT,
};

enum search {
	LOOK_FIRST,
	SUM_FIRST,
	LOOK_AGAIN,
	SUM_AGAIN,
};

/* What another context does next. */
enum step {
	FREE_BEGINS,
	FREE_MIDDLE,
	FREE_ENDS,
	ALLOC,
};

struct other {
	unsigned char step;
	unsigned char turns;		/* frees that are left */
	unsigned char place;		/* where it puts the block that it holds */
	unsigned char counted;
};

/* Compared as bytes: no holes. */
struct state {
	unsigned char free[PLACES_MAX];	/* blocks in each place */
	unsigned char search;
	unsigned char at;			/* place or count that is next */
	unsigned char sum;			/* of the first time */
	unsigned char again;			/* of the second */
	unsigned char unused;
	struct other others[OTHERS];
};

static_assert(sizeof(struct state) == 8 + 4 * OTHERS, "states have holes");

struct model {
	enum order order;
	unsigned int places;
	unsigned int turns;
	struct state *todo;
	size_t nr_todo;
	size_t todo_size;
	struct state *seen;		/* a hash table, open addressing */
	bool *used;
	size_t nr_seen;
	size_t seen_size;
	unsigned long wrong;
};

static void *must(void *p)
{
	if (p)
		return p;
	fprintf(stderr, "no memory\n");
	exit(1);
}

static size_t hash_of(const struct state *s)
{
	const unsigned char *bytes = (const unsigned char *)s;
	unsigned long long hash = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < sizeof(*s); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	return hash ^ hash >> 32;
}

static bool enter(struct model *m, const struct state *s)
{
	size_t at = hash_of(s) % m->seen_size;

	while (m->used[at]) {
		if (!memcmp(&m->seen[at], s, sizeof(*s)))
			return false;
		at = (at + 1) % m->seen_size;
	}
	m->used[at] = true;
	m->seen[at] = *s;
	m->nr_seen++;
	return true;
}

static void grow_seen(struct model *m)
{
	struct state *old = m->seen;
	bool *used = m->used;
	size_t size = m->seen_size, i;

	m->seen_size = size ? 2 * size : 1 << 16;
	m->seen = must(calloc(m->seen_size, sizeof(*m->seen)));
	m->used = must(calloc(m->seen_size, sizeof(*m->used)));
	m->nr_seen = 0;
	for (i = 0; i < size; i++)
		if (used[i])
			enter(m, &old[i]);
	free(old);
	free(used);
}

static void visit(struct model *m, const struct state *s)
{
	if (2 * m->nr_seen >= m->seen_size)
		grow_seen(m);
	if (!enter(m, s))
		return;
	if (m->nr_todo == m->todo_size) {
		m->todo_size = m->todo_size ? 2 * m->todo_size : 1024;
		m->todo = must(realloc(m->todo, m->todo_size * sizeof(*m->todo)));
	}
	m->todo[m->nr_todo++] = *s;
}

/* The searcher's next step. One that found a block is out of the model. */
static void search(struct model *m, struct state s)
{
	switch (s.search) {
	case LOOK_FIRST:
	case LOOK_AGAIN:
		if (s.free[s.at])
			return;
		if (++s.at == m->places) {
			s.search++;
			s.at = 0;
		}
		break;
	case SUM_FIRST:
		s.sum += s.others[s.at].counted;
		if (++s.at == OTHERS) {
			s.search = LOOK_AGAIN;
			s.at = 0;
		}
		break;
	case SUM_AGAIN:
		s.again += s.others[s.at].counted;
		if (++s.at < OTHERS)
			break;
		if (s.again == s.sum) {
			m->wrong++;
			return;
		}
		s.search = SUM_FIRST;
		s.at = 0;
		s.sum = 0;
		s.again = 0;
		break;
	}
	visit(m, &s);
}

/* The next step of another context: each choice that it has. */
static void other_runs(struct model *m, struct state s, unsigned int who)
{
	struct other *o = &s.others[who];
	struct state next;
	unsigned int i;

	switch (o->step) {
	case FREE_BEGINS:
		if (!o->turns)
			return;
		o->counted += m->order == COUNT_BEFORE_PUT;
		break;
	case FREE_MIDDLE:
		s.free[o->place]++;
		break;
	case FREE_ENDS:
		o->counted += m->order == COUNT_AFTER_PUT;
		break;
	case ALLOC:
		for (i = 0; i < m->places; i++) {
			if (!s.free[i])
				continue;
			next = s;
			next.free[i]--;
			next.others[who].step = FREE_BEGINS;
			next.others[who].turns--;
			next.others[who].place = i;
			visit(m, &next);
		}
		return;
	}
	o->step++;
	visit(m, &s);
}

/* From each way to begin: the others hold a block each, and one is free somewhere. */
static void begin(struct model *m)
{
	unsigned int a, b, f;

	for (a = 0; a < m->places; a++) {
		for (b = 0; b < m->places; b++) {
			for (f = 0; f < m->places; f++) {
				struct state s = { };

				s.free[f] = BLOCKS - OTHERS;
				s.others[0] = (struct other){ .turns = m->turns, .place = a };
				s.others[1] = (struct other){ .turns = m->turns, .place = b };
				visit(m, &s);
			}
		}
	}
}

static unsigned long run(struct model *m)
{
	struct state s;
	unsigned int who;

	begin(m);
	while (m->nr_todo) {
		s = m->todo[--m->nr_todo];
		search(m, s);
		for (who = 0; who < OTHERS; who++)
			other_runs(m, s, who);
	}
	free(m->todo);
	free(m->seen);
	free(m->used);
	return m->wrong;
}

int main(void)
{
	static const char *const names[] = { "before", "after" };
	unsigned int passed = 0, failed = 0, places, turns, order;

	for (order = COUNT_BEFORE_PUT; order <= COUNT_AFTER_PUT; order++) {
		for (places = 2; places <= PLACES_MAX; places++) {
			for (turns = 2; turns <= 3; turns++) {
				struct model m = { .order = order, .places = places,
						   .turns = turns };
				const unsigned long wrong = run(&m);
				const bool good = order == COUNT_AFTER_PUT ? !wrong : wrong;

				printf("  %s counted %s the put, %u places, %u frees: ",
				       good ? "ok  " : "FAIL", names[order], places, turns);
				printf("wrong in %lu of %zu states\n", wrong, m.nr_seen);
				passed += good;
				failed += !good;
			}
		}
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed;
}
