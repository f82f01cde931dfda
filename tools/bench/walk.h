/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Worst cases of allocators that take objects back one by one: a random walk between no object and
 * all of them, in bursts, so that caches run empty and full. Which object goes back is random, too.
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

/* The longest of @n allocations, nanoseconds. */
static __always_inline u64 walk_alloc_worst(struct walk *w, void *a, void *(*alloc)(void *a),
					    void (*free)(void *a, void *obj), unsigned int n)
{
	u64 took, worst = 0;
	unsigned int i;
	void *obj;

	for (walk_begin(w); n; ) {
		for (i = walk_burst(w, min(n, WALK_OBJECTS - w->live)); i; i--, n--) {
			took = bench_time(bench_use(obj = alloc(a)));
			worst = max(worst, took);
			w->objects[w->live++] = obj;
		}
		for (i = walk_burst(w, w->live); i; i--)
			free(a, walk_pick(w));
	}
	while (w->live)
		free(a, walk_pick(w));
	return worst;
}

/* The longest of @n frees, nanoseconds. */
static __always_inline u64 walk_free_worst(struct walk *w, void *a, void *(*alloc)(void *a),
					   void (*free)(void *a, void *obj), unsigned int n)
{
	u64 took, worst = 0;
	unsigned int i;
	void *obj;

	for (walk_begin(w); n; ) {
		for (i = walk_burst(w, WALK_OBJECTS - w->live); i; i--)
			w->objects[w->live++] = alloc(a);
		for (i = walk_burst(w, min(n, w->live)); i; i--, n--) {
			obj = walk_pick(w);
			took = bench_time(free(a, obj));
			worst = max(worst, took);
		}
	}
	while (w->live)
		free(a, walk_pick(w));
	return worst;
}

#endif /* _NEBULA_BENCH_WALK_H */
