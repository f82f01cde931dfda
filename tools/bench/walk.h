/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Single operations of allocators that take objects back one by one: a random walk between no
 * object and all of them, in bursts, so that caches run empty and full. Which object goes back is
 * random, too.
 *
 * What is walked on is given as functions that are expanded in place.
 */
#ifndef _NEBULA_BENCH_WALK_H
#define _NEBULA_BENCH_WALK_H

#include <linux/minmax.h>
#include <linux/prandom.h>
#include "measure.h"

/* Most objects that are live at once. */
#define WALK_OBJECTS	4096

/* Longest burst: more than a cache holds. */
#define WALK_BURST	300

/* Every run walks the same way. */
#define WALK_SEED	0x6e6562756c61ULL

/**
 * struct walk - where the walk is
 * @random: where it goes.
 * @live: objects in @objects.
 * @objects: the live ones, in no order.
 */
struct walk {
	struct rnd_state random;
	unsigned int live;
	void *objects[WALK_OBJECTS];
};

static inline void walk_begin(struct walk *w)
{
	prandom_seed_state(&w->random, WALK_SEED);
	w->live = 0;
}

static inline unsigned int walk_burst(struct walk *w, unsigned int most)
{
	return min(prandom_u32_state(&w->random) % WALK_BURST + 1, most);
}

static inline void *walk_pick(struct walk *w)
{
	unsigned int i = prandom_u32_state(&w->random) % w->live;
	void *obj = w->objects[i];

	w->objects[i] = w->objects[--w->live];
	return obj;
}

static __always_inline void walk_end(struct walk *w, void *a, void (*free)(void *a, void *obj))
{
	while (w->live)
		free(a, walk_pick(w));
}

/* Times @n allocations. */
static __always_inline void walk_allocs(struct walk *w, void *a, void *(*alloc)(void *a),
					void (*free)(void *a, void *obj), unsigned int n,
					struct bench_spread *spread)
{
	unsigned int i;
	void *obj;

	for (walk_begin(w); n; ) {
		for (i = walk_burst(w, min(n, WALK_OBJECTS - w->live)); i; i--, n--) {
			bench_note(spread, bench_time(bench_use(obj = alloc(a))));
			w->objects[w->live++] = obj;
		}
		for (i = walk_burst(w, w->live); i; i--)
			free(a, walk_pick(w));
	}
	walk_end(w, a, free);
}

/* Times @n frees. */
static __always_inline void walk_frees(struct walk *w, void *a, void *(*alloc)(void *a),
				       void (*free)(void *a, void *obj), unsigned int n,
				       struct bench_spread *spread)
{
	unsigned int i;
	void *obj;

	for (walk_begin(w); n; ) {
		for (i = walk_burst(w, WALK_OBJECTS - w->live); i; i--)
			w->objects[w->live++] = alloc(a);
		for (i = walk_burst(w, min(n, w->live)); i; i--, n--) {
			obj = walk_pick(w);
			bench_note(spread, bench_time(free(a, obj)));
		}
	}
	walk_end(w, a, free);
}

/* The code of rows: single allocations and frees of @a on a walk. */
#define DEFINE_WALK_ALLOCS(fn, walk, a, alloc, free)				\
noinline void fn(unsigned int n, struct bench_spread *spread)			\
{										\
	walk_allocs(walk, a, alloc, free, n, spread);				\
}

#define DEFINE_WALK_FREES(fn, walk, a, alloc, free)				\
noinline void fn(unsigned int n, struct bench_spread *spread)			\
{										\
	walk_frees(walk, a, alloc, free, n, spread);				\
}

#endif /* _NEBULA_BENCH_WALK_H */
