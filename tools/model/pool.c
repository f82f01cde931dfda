// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two protocols of the pool, in every order in which their steps can happen:
 *
 *  - the claim of a magazine, with contexts that nest at every instruction, see magazine.c;
 *  - tickets: three threads that take and put by way of counts and bitmaps, see bitmap.c.
 *
 * Each is also run the wrong way round, in which the search has to find the fault: so that a search
 * that finds nothing means something. An ordinary program; called by model.sh. Sequential
 * consistency only: what barriers are for is argued in the files.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A search: states that were seen, and those whose successors were not. */
#define STATE_SIZE	64
#define TABLE_SIZE	0x100000UL

struct search {
	unsigned char (*table)[STATE_SIZE];
	bool *used;
	unsigned long *todo;
	unsigned long nr_todo;
	unsigned long nr_seen;
	unsigned long nr_bad;
};

static void search_add(struct search *s, const void *state)
{
	const unsigned char *bytes = state;
	unsigned long hash = 14695981039346656037UL;
	unsigned int i;

	for (i = 0; i < STATE_SIZE; i++)
		hash = (hash ^ bytes[i]) * 1099511628211UL;
	for (hash %= TABLE_SIZE; s->used[hash]; hash = (hash + 1) % TABLE_SIZE)
		if (!memcmp(s->table[hash], state, STATE_SIZE))
			return;
	s->used[hash] = true;
	memcpy(s->table[hash], state, STATE_SIZE);
	s->todo[s->nr_todo++] = hash;
	if (++s->nr_seen == TABLE_SIZE) {
		fprintf(stderr, "too many states\n");
		exit(1);
	}
}

static void search_begin(struct search *s)
{
	*s = (struct search){
		.table = calloc(TABLE_SIZE, STATE_SIZE),
		.used = calloc(TABLE_SIZE, sizeof(*s->used)),
		.todo = calloc(TABLE_SIZE, sizeof(*s->todo)),
	};
	if (!s->table || !s->used || !s->todo)
		exit(1);
}

static void search_end(struct search *s)
{
	free(s->table);
	free(s->used);
	free(s->todo);
}

/* The claim */

#define LIMIT	2	/* slots of the magazine */
#define BLOCKS	3
#define DEPTH	3	/* contexts on top of each other */
#define NESTED	4	/* contexts that begin */

enum { ALLOC, FREE };

struct claim {
	unsigned char top, slots[LIMIT], busy, shared, held, depth, left, twice;
	struct frame {
		unsigned char op, pc, top, block;
	} frames[DEPTH];
	unsigned char pad[STATE_SIZE - 9 - 4 * DEPTH];
};

static_assert(sizeof(struct claim) == STATE_SIZE, "struct claim");

static void give(struct claim *c, unsigned char *set, unsigned char block)
{
	c->twice |= *set >> block & 1;
	*set |= 1 << block;
}

static void alloc_shared(struct claim *c)
{
	unsigned char block;

	for (block = 0; block < BLOCKS; block++) {
		if (!(c->shared >> block & 1))
			continue;
		c->shared &= ~(1 << block);
		give(c, &c->held, block);
		return;
	}
}

/* One step of the innermost context; its frame is gone when that was the last. */
static void claim_step(struct claim *c, bool count_first)
{
	/* Read the count; test busy; set busy; use the slot; write the count; clear busy. */
	static const char right[] = "tsrumc", wrong[] = "rtsumc";
	struct frame *f = &c->frames[c->depth - 1];
	bool end = false;

	switch ((count_first ? wrong : right)[f->pc++]) {
	case 'r':
		f->top = c->top;
		break;
	case 't':
		if (!c->busy)
			break;
		if (f->op == ALLOC)
			alloc_shared(c);
		else
			give(c, &c->shared, f->block);
		end = true;
		break;
	case 's':
		c->busy = 1;
		break;
	case 'u':
		if (f->op == ALLOC && f->top) {
			f->block = c->slots[f->top - 1];
		} else if (f->op == FREE && f->top < LIMIT) {
			c->slots[f->top] = f->block;
		} else {
			if (f->op == ALLOC)
				alloc_shared(c);
			else
				give(c, &c->shared, f->block);
			c->busy = 0;
			end = true;
		}
		break;
	case 'm':
		c->top = f->op == ALLOC ? f->top - 1 : f->top + 1;
		break;
	case 'c':
		c->busy = 0;
		if (f->op == ALLOC)
			give(c, &c->held, f->block);
		end = true;
		break;
	}
	if (end) {
		memset(f, 0, sizeof(*f));
		c->depth--;
	}
}

static bool claim_is_whole(const struct claim *c)
{
	unsigned int all = 0, i, n = c->top;

	for (i = 0; i < c->top && i < LIMIT; i++)
		all |= 1 << c->slots[i];
	all |= c->shared | c->held;
	n += __builtin_popcount(c->shared) + __builtin_popcount(c->held);
	return !c->twice && n == BLOCKS && all == (1 << BLOCKS) - 1;
}

static void claim_nest(struct search *s, const struct claim *from)
{
	struct claim c;
	unsigned char block;

	if (from->depth == DEPTH || !from->left)
		return;
	c = *from;
	c.left--;
	c.frames[c.depth++] = (struct frame){ .op = ALLOC };
	search_add(s, &c);
	for (block = 0; block < BLOCKS; block++) {
		if (!(from->held >> block & 1))
			continue;
		c = *from;
		c.left--;
		c.held &= ~(1 << block);
		c.frames[c.depth++] = (struct frame){ .op = FREE, .block = block };
		search_add(s, &c);
	}
}

static bool claim_model(bool count_first)
{
	struct claim c = { .top = 2, .slots = { 0, 1 }, .shared = 4, .left = NESTED };
	struct search s;

	search_begin(&s);
	search_add(&s, &c);
	while (s.nr_todo) {
		memcpy(&c, s.table[s.todo[--s.nr_todo]], STATE_SIZE);
		if (!c.depth && !claim_is_whole(&c)) {
			s.nr_bad++;
			continue;
		}
		claim_nest(&s, &c);
		if (c.depth) {
			claim_step(&c, count_first);
			search_add(&s, &c);
		}
	}
	printf("claim, count read %s busy is set: %lu states, %lu wrong\n",
	       count_first ? "before" : "after", s.nr_seen, s.nr_bad);
	search_end(&s);
	return count_first ? s.nr_bad : !s.nr_bad;
}

/* Tickets */

#define THREADS	3
#define GROUPS	2
#define SCRIPT	4

/* What a thread does: takes so many at once, or with a negative number puts that many. */
struct plan {
	signed char script[THREADS][SCRIPT];
	signed char blocks;
};

enum { IDLE, GROUP, WORD, COUNT_FIRST, COUNT_SECOND };

struct tickets {
	signed char root, groups[GROUPS], words[GROUPS];
	struct thread {
		signed char at, pc, n, group, held[GROUPS];
	} threads[THREADS];
	signed char pad[STATE_SIZE - 1 - 2 * GROUPS - THREADS * (4 + GROUPS)];
};

static_assert(sizeof(struct tickets) == STATE_SIZE, "struct tickets");

/* Blocks that are free and that no call has a claim to: with @n of them a refusal is wrong. */
static int spare(const struct tickets *t, const struct plan *p)
{
	int n = 0, i;

	for (i = 0; i < GROUPS; i++)
		n += t->words[i];
	for (i = 0; i < THREADS; i++) {
		const struct thread *th = &t->threads[i];

		if (th->at < SCRIPT && p->script[i][th->at] && th->pc != IDLE)
			n -= th->n;
	}
	return n;
}

static void take_step(struct tickets *t, struct thread *th, int want, bool *bad,
		      const struct plan *p)
{
	switch (th->pc) {
	case IDLE:
		if (t->root < want) {
			*bad |= spare(t, p) >= want;
			th->at++;
			return;
		}
		t->root -= want;
		th->n = want;
		th->group = 0;
		th->pc = GROUP;
		return;
	case GROUP:
		if (t->groups[th->group] > 0) {
			t->groups[th->group]--;
			th->pc = WORD;
			return;
		}
		/* If all others stood still, would the search ever end? */
		*bad |= t->groups[0] <= 0 && t->groups[1] <= 0;
		th->group = (th->group + 1) % GROUPS;
		return;
	default:
		*bad |= t->words[th->group] <= 0;
		t->words[th->group]--;
		th->held[th->group]++;
		th->pc = --th->n ? GROUP : IDLE;
		th->at += !th->n;
	}
}

static void put_step(struct tickets *t, struct thread *th, int want, bool top_down)
{
	signed char *const first = top_down ? &t->root : &t->words[th->group];
	signed char *const last = top_down ? &t->words[th->group] : &t->root;

	switch (th->pc) {
	case IDLE:
		th->group = th->held[0] ? 0 : 1;
		th->n = th->held[th->group] < want ? th->held[th->group] : want;
		th->held[th->group] -= th->n;
		th->pc = th->n ? WORD : IDLE;
		th->at += !th->n;
		return;
	case WORD:
		*first += th->n;
		th->pc = COUNT_FIRST;
		return;
	case COUNT_FIRST:
		t->groups[th->group] += th->n;
		th->pc = COUNT_SECOND;
		return;
	default:
		*last += th->n;
		th->n = 0;
		th->pc = IDLE;
		th->at++;
	}
}

static bool counts_agree(const struct tickets *t)
{
	return t->root == t->words[0] + t->words[1] && !memcmp(t->groups, t->words, GROUPS);
}

static bool tickets_model(const char *name, const struct plan *p, bool top_down)
{
	struct tickets t = { .root = p->blocks }, next;
	struct search s;
	int i;

	for (i = 0; i < GROUPS; i++) {
		t.words[i] = p->blocks / GROUPS + (i < p->blocks % GROUPS);
		t.groups[i] = t.words[i];
	}
	search_begin(&s);
	search_add(&s, &t);
	while (s.nr_todo) {
		bool bad = false, running = false;

		memcpy(&t, s.table[s.todo[--s.nr_todo]], STATE_SIZE);
		for (i = 0; i < THREADS; i++) {
			struct thread *th = &next.threads[i];
			int step;

			next = t;
			step = th->at < SCRIPT ? p->script[i][th->at] : 0;
			if (!step)
				continue;
			running = true;
			if (step > 0)
				take_step(&next, th, step, &bad, p);
			else
				put_step(&next, th, -step, top_down);
			if (!bad)
				search_add(&s, &next);
		}
		s.nr_bad += bad || (!running && !counts_agree(&t));
	}
	printf("tickets, %s, put %s: %lu states, %lu wrong\n", name,
	       top_down ? "top down" : "bottom up", s.nr_seen, s.nr_bad);
	search_end(&s);
	return top_down ? s.nr_bad : !s.nr_bad;
}

static const struct plan few = { { { 1, -1, 1 }, { 1, -1, 1 }, { 1, -1 } }, 2 };
static const struct plan bulk = { { { 2, -2 }, { 1, -1, 1 }, { 1, -1 } }, 3 };
static const struct plan bulks = { { { 2, -1, 1 }, { 2, -2, 1 }, { 1, -1, 1 } }, 3 };

int main(void)
{
	const unsigned int searches = 8;
	unsigned int passed = 0;
	int wrong;

	for (wrong = 0; wrong < 2; wrong++) {
		passed += claim_model(wrong);
		passed += tickets_model("3 threads, 2 blocks", &few, wrong);
		passed += tickets_model("a bulk of 2 among 3 threads", &bulk, wrong);
		passed += tickets_model("two bulks of 2, 3 blocks", &bulks, wrong);
	}
	printf("%u passed, %u failed\n", passed, searches - passed);
	return passed != searches;
}
