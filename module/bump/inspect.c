// SPDX-License-Identifier: GPL-2.0-only
/*
 * What debugfs shows of a bump allocator: live objects, a map, validation. Process context; no user
 * of the allocator waits for the reader.
 *
 * The allocator may be in use, and may drop regions. A region is unmapped after a grace period, and
 * before it is dropped the allocator's generation changes: an owner's snapshot, or the number of
 * resets of a shared one. So memory is read piece by piece, each under RCU and only while the
 * generation is the one at which the regions were collected. A collection counts if it is unchanged
 * afterwards and, where that matters, no object came or went. Otherwise the reader starts over and,
 * when the allocator goes on changing, says so.
 *
 * Single objects are known with a debug flag only, from the list of their guards. An owner's lie in
 * the order of that list, newest first, and all memory between them is free:
 *
 *	base                                      cursor           end
 *	 | free | object | free | object | object |      free       |
 *
 * A shared one's lie in any order and come at any time. There only the untaken part of each region,
 * and the rest of each CPU's sub-chunk, is known to be free.
 */
#include <linux/align.h>
#include <linux/err.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "../core/inspect.h"
#include "../debugfs/map.h"
#include "../debugfs/sites.h"
#include "priv.h"

#define MAX_RETRIES		20

/* Regions that may come while we make room for those there are. */
#define MORE_REGIONS	4

/* After so many objects, or bytes, others may run. */
#define RESCHED_OBJECTS	256
#define RESCHED_BYTES	SZ_64K

/* A region of the chain. */
struct region {
	/* the region; there only while the generation is the same */
	const struct nebula_chunk *chunk;
	unsigned long base;	/* first byte */
	unsigned long end;	/* behind the last */
	unsigned long from;	/* untaken from here on  */
	unsigned long to;	/* ... to here. */
};

/* What was seen. */
struct inspection {
	const struct nebula_bump *b;	/* of what */
	bool changed;		/* nothing of it counts */
	bool thorough;		/* free memory is verified as well */
	bool cut;		/* some live objects are not in the list any more */
	/* a guard was overwritten, or cannot be one: older objects are unknown */
	bool broken;
	unsigned int generation;	/* of the regions */
	unsigned int releases;	/* of the guards */
	unsigned long live;	/* an owner's objects */
	unsigned long allocs;	/* an owner's allocations */
	unsigned long newest;	/* guard of the newest object, or 0 */
	unsigned long objects;	/* seen */
	size_t bytes;		/* of them, guards included */
	unsigned int at;	/* an owner's: region in which the objects come now */
	unsigned long above;	/* an owner's: address that all further objects of it lie below */
	struct nebula_sites sites;	/* who allocated them */
	struct nebula_faults faults;	/* what is wrong */
	size_t capacity;	/* bytes of the regions */
	unsigned int room;	/* entries of @region */
	unsigned int nr;	/* those in use */
	struct region region[];	/* oldest first */
};

/* Odd while the regions change. */
static unsigned int generation(const struct nebula_bump *b)
{
	/* Pairs with smp_wmb() in snapshot_begin(); resets happen under the lock that we took. */
	return bump_is_shared(b) ? 2 * READ_ONCE(b->resets) : smp_load_acquire(&b->snapshot);
}

/* In an RCU read-side section: the regions stay mapped to its end. */
static bool is_same(const struct inspection *l)
{
	/* Check after what was read. Pairs with the barriers of the writers, see guard.c. */
	smp_rmb();
	return generation(l->b) == l->generation;
}

static void fault(struct inspection *l, const char *of, unsigned long at, const char *what)
{
	nebula_faults_add(&l->faults, of, (void *)at, what);
}

static struct region *region_of(struct inspection *l, unsigned long addr)
{
	struct region *r;

	for (r = l->region; r < l->region + l->nr; r++)
		if (addr >= r->base && addr < r->end)
			return r;
	return NULL;
}

static bool collect_region(struct inspection *l, const struct nebula_chunk *chunk)
{
	struct region *r = &l->region[l->nr];

	if (l->nr == l->room)
		return false;
	*r = (struct region){
		.chunk = chunk,
		.base = nebula_chunk_base(chunk),
		.end = nebula_chunk_end(chunk),
	};
	r->from = r->end;
	r->to = r->end;
	if (READ_ONCE(chunk->prev) != (l->nr ? r[-1].chunk : NULL))
		fault(l, "region", r->base, "not chained to the one before");
	if (READ_ONCE(chunk->pos) != l->capacity)
		fault(l, "region", r->base, "not where the one before ends");
	l->capacity += r->end - r->base;
	l->nr++;
	return true;
}

static void collect_chain(struct inspection *l)
{
	struct nebula_bump_heap *heap = l->b->heap;
	const struct nebula_chunk *chunk;

	for (chunk = nebula_chunk_read(&heap->first); chunk;
	     chunk = nebula_chunk_read(&chunk->next))
		if (!collect_region(l, chunk) || !is_same(l))
			break;
	l->changed = chunk || !l->nr;
}

/* Objects that are in the list from now on lie in the regions that are collected next. */
static void collect_guards(struct inspection *l)
{
	struct nebula_guards *guards = &l->b->heap->guards;

	if (!bump_is_guarded(l->b))
		return;
	if (!nebula_guards_watch(guards, &l->releases))
		l->changed = true;
	l->live = READ_ONCE(l->b->frees);
	smp_rmb();	/* Never fewer allocations than frees. */
	l->allocs = READ_ONCE(l->b->allocs);
	l->live = l->allocs - l->live;
	l->cut = READ_ONCE(guards->cut);
	/* Pairs with the exchange in nebula_guard_push(). */
	l->newest = (unsigned long)smp_load_acquire(&guards->newest);
}

/* Something that always holds. */
struct check {
	bool wrong;		/* it does not */
	const char *what;	/* that is wrong */
};

static void check_all(struct inspection *l, const struct check *checks, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (checks[i].wrong)
			fault(l, "region", l->region[l->nr - 1].base, checks[i].what);
}

/*
 * An owner may have been interrupted between any two words, so only what holds for each of them
 * then is checked. Accounting: see owner.c. The inline paths write the words in whatever order the
 * compiler likes: padding may be counted before the cursor moves, and the cursor may go down before
 * what it gave back is counted, by as much as a region has.
 */
static void check_owner(struct inspection *l)
{
	const struct nebula_bump *b = l->b;
	const struct nebula_bump_heap *heap = b->heap;
	struct region *r = &l->region[l->nr - 1];
	const unsigned long padding = READ_ONCE(b->padding);
	const unsigned long cur = READ_ONCE(b->cur), tail = READ_ONCE(b->tail);
	const unsigned long start = ALIGN(r->base, NEBULA_BUMP_GRAIN), limit = READ_ONCE(b->limit);
	const size_t retired = READ_ONCE(b->retired), before = l->capacity - (r->end - r->base);
	const struct check checks[] = {
		{ READ_ONCE(heap->newest) != r->chunk, "last, but not the newest" },
		{ READ_ONCE(heap->regions) != l->nr, "number of regions" },
		{ READ_ONCE(b->capacity) != l->capacity, "capacity" },
		{ l->capacity > heap->max_capacity, "more than .max_capacity" },
		{ READ_ONCE(b->peak) > heap->max_capacity, "peak" },
		{ READ_ONCE(b->base) != r->base || READ_ONCE(b->end) != r->end, "limits" },
		{ READ_ONCE(b->start) != start, "start" },
		{ cur < start || cur > ALIGN(r->end, NEBULA_BUMP_GRAIN), "cursor outside" },
		{ !IS_ALIGNED(cur, NEBULA_BUMP_GRAIN), "cursor misaligned" },
		{ tail < r->base || tail > r->end, "end of the newest object outside" },
		{ limit != r->end && limit != NEBULA_BUMP_LIMIT_NONE, "limit of the inline path" },
		{ retired != before, "bytes of older regions" },
		{ (long)(READ_ONCE(b->released) + retired + (cur - r->base) + NEBULA_BUMP_GRAIN +
			 (r->end - r->base) - padding) < 0, "more padding than was consumed" },
	};

	check_all(l, checks, ARRAY_SIZE(checks));
	r->from = clamp(bump_cursor(cur, tail), r->base, r->end);
}

/* Its sub-chunk is one that was taken. */
static void check_cpu(struct inspection *l, int cpu)
{
	unsigned long held, bottom, top;
	struct region *r;

	bump_shared_held(l->b->heap, cpu, &held);
	if (!held)
		return;
	r = region_of(l, held);
	smp_rmb();	/* A sub-chunk is taken before a CPU has it. */
	if (r)
		bump_shared_untaken(l->b->heap, r->chunk, &bottom, &top);
	if (!r || held >= bottom)
		fault(l, "sub-chunk", held, "not taken from a region");
}

/* Lock: @chain_lock, so that no region comes or goes; allocation goes on. */
static void check_shared(struct inspection *l)
{
	const struct nebula_bump_heap *heap = l->b->heap;
	const struct region *last = &l->region[l->nr - 1];
	const struct check checks[] = {
		{ heap->newest != last->chunk, "last, but not the newest" },
		{ heap->regions != l->nr, "number of regions" },
		{ heap->bump.capacity != l->capacity, "capacity" },
		{ l->capacity > heap->max_capacity, "more than .max_capacity" },
	};
	struct region *r;
	int cpu;

	check_all(l, checks, ARRAY_SIZE(checks));
	for (r = l->region; r < l->region + l->nr; r++) {
		bump_shared_untaken(heap, r->chunk, &r->from, &r->to);
		if (!IS_ALIGNED(r->base, heap->sub_size))
			fault(l, "region", r->base, "misaligned");
		if (r->from > r->to || r->to > r->end || r->from < r->base) {
			fault(l, "region", r->base, "more taken than there is");
			r->from = r->end;
			r->to = r->end;
		}
	}
	for_each_possible_cpu(cpu)
		check_cpu(l, cpu);
}

static void collect_owner(struct inspection *l)
{
	rcu_read_lock();
	l->generation = generation(l->b);
	l->changed = l->generation & 1;
	collect_guards(l);
	if (!l->changed)
		collect_chain(l);
	if (!l->changed)
		check_owner(l);
	l->changed |= !is_same(l);
	rcu_read_unlock();
}

static void collect_shared(struct inspection *l)
{
	struct nebula_bump_heap *heap = l->b->heap;
	unsigned long flags;

	raw_spin_lock_irqsave(&heap->chain_lock, flags);
	l->generation = generation(l->b);
	collect_guards(l);
	if (!l->changed)
		collect_chain(l);
	if (!l->changed)
		check_shared(l);
	raw_spin_unlock_irqrestore(&heap->chain_lock, flags);
}

/* First byte of free memory that differs from the poison; NULL also when things changed. */
static const void *find_overwrite(struct inspection *l, unsigned long from, unsigned long to)
{
	const void *bad = NULL;
	size_t piece;

	if (!(l->b->common.flags & NEBULA_POISON))
		return NULL;
	for (; from < to && !bad && !l->changed; from += piece) {
		piece = min_t(size_t, to - from, RESCHED_BYTES);
		rcu_read_lock();
		l->changed = !is_same(l);
		if (!l->changed)
			bad = nebula_guard_find_overwrite(&l->b->common, (void *)from, piece);
		rcu_read_unlock();
		cond_resched();
	}
	return bad;
}

static void check_free(struct inspection *l, unsigned long from, unsigned long to)
{
	const void *bad = find_overwrite(l, from, to);

	if (bad)
		fault(l, "byte", (unsigned long)bad, "written while free");
}

/* An owner's object: the memory between it and the next newer one is free. */
static bool check_order(struct inspection *l, const struct region *r, unsigned long from,
			unsigned long to)
{
	const unsigned int at = r - l->region;

	if (at > l->at || (at == l->at && to > l->above)) {
		fault(l, "object", from, "out of order");
		return false;
	}
	for (; l->thorough && !l->cut && at < l->at; l->at--) {
		check_free(l, l->region[l->at].base, l->above);
		l->above = l->region[l->at - 1].end;
	}
	if (l->thorough && !l->cut)
		check_free(l, to, l->above);
	l->at = at;
	l->above = from;
	return true;
}

static void count_object(struct inspection *l, const struct nebula_guard_seen *seen)
{
	l->objects++;
	l->bytes += seen->total;
	nebula_sites_add(&l->sites, seen->entries, seen->nr_entries, seen->size, seen->time_ns);
}

/* In an RCU read-side section, in which the regions stay. False where the list ends in a fault. */
static bool read_object(struct inspection *l, const struct region *r, unsigned long raw,
			struct nebula_guard_seen *seen)
{
	const char *what;

	if (!r || !nebula_guard_see((void *)raw, r->end - raw, seen)) {
		fault(l, r ? "object" : "guard", raw, r ? "guard overwritten" : "outside");
		return false;
	}
	what = nebula_guard_fault(&l->b->common, (void *)raw, r->end - raw);
	if (what)
		fault(l, "object", raw, what);
	count_object(l, seen);
	if (l->bytes <= l->capacity)
		return true;
	fault(l, "object", raw, "more objects than there is room for");
	return false;
}

static bool collect_object(struct inspection *l, unsigned long raw, struct nebula_guard_seen *seen)
{
	const struct region *r = region_of(l, raw);
	bool ok = true;

	rcu_read_lock();
	l->changed |= !is_same(l);
	if (!l->changed)
		ok = read_object(l, r, raw, seen);
	rcu_read_unlock();
	if (!l->changed && ok && !bump_is_shared(l->b))
		ok = check_order(l, r, raw, raw + seen->total);
	l->broken = !ok;
	return ok && !l->changed;
}

static void collect_objects(struct inspection *l)
{
	unsigned long raw = l->newest;
	struct nebula_guard_seen seen;

	if (!bump_is_guarded(l->b))
		return;
	l->at = l->nr - 1;
	l->above = l->region[l->at].from;
	while (raw && collect_object(l, raw, &seen)) {
		raw = (unsigned long)seen.older;
		if (l->objects % RESCHED_OBJECTS == 0)
			cond_resched();
	}
}

/* All below the oldest object, then above the newest. */
static void check_owner_free(struct inspection *l)
{
	const struct region *last = &l->region[l->nr - 1];

	for (; !l->cut && !l->broken; l->at--) {
		check_free(l, l->region[l->at].base, l->above);
		if (!l->at)
			break;
		l->above = l->region[l->at - 1].end;
	}
	check_free(l, last->from, last->end);
}

/*
 * Until a reset what is taken stays so. What is not taken after it was found written to was not
 * then either.
 */
static void check_untaken(struct inspection *l, const struct region *r)
{
	const void *bad = find_overwrite(l, r->from, r->to);
	unsigned long from, to;

	if (!bad)
		return;
	rcu_read_lock();
	l->changed = !is_same(l);
	if (!l->changed) {
		bump_shared_untaken(l->b->heap, r->chunk, &from, &to);
		if ((unsigned long)bad >= from && (unsigned long)bad < to)
			fault(l, "byte", (unsigned long)bad, "written while free");
	}
	rcu_read_unlock();
}

/* Likewise with what a CPU has, until it has another sub-chunk. */
static void check_held(struct inspection *l, int cpu)
{
	const struct nebula_bump_heap *heap = l->b->heap;
	unsigned long from, again;
	const size_t left = bump_shared_held(heap, cpu, &from);
	const struct region *r = region_of(l, from);
	const void *bad;

	if (!r || left > r->end - from)
		return;
	bad = find_overwrite(l, from, from + left);
	smp_rmb();	/* Pairs with smp_wmb() in nebula_guard_init(). */
	if (bad && bump_shared_held(heap, cpu, &again) + again == from + left &&
	    again <= (unsigned long)bad)
		fault(l, "byte", (unsigned long)bad, "written while free");
}

static void collect_everything(struct inspection *l)
{
	unsigned int i;
	int cpu;

	l->thorough = true;
	collect_objects(l);
	if (!bump_is_guarded(l->b))
		return;
	if (!bump_is_shared(l->b)) {
		check_owner_free(l);
		return;
	}
	for (i = 0; i < l->nr; i++)
		check_untaken(l, &l->region[i]);
	for_each_possible_cpu(cpu)
		check_held(l, cpu);
}

/* What was seen was there at one moment. An owner's object is counted before it is in the list. */
static bool is_consistent(const struct inspection *l)
{
	const struct nebula_bump *b = l->b;

	if (l->changed || !is_same(l))
		return false;
	if (!bump_is_guarded(b))
		return true;
	if (!nebula_guards_unchanged(&b->heap->guards, l->releases))
		return false;
	if (bump_is_shared(b))
		return true;
	return READ_ONCE(b->allocs) == l->allocs;
}

/* Whether all objects that were allocated are in the list already. */
static bool is_complete(const struct inspection *l)
{
	return !bump_is_guarded(l->b) || bump_is_shared(l->b) || l->cut || l->broken ||
	       l->objects == l->live;
}

static struct inspection *inspection_create(const struct nebula_bump *b)
{
	const unsigned int room = READ_ONCE(b->heap->regions) + MORE_REGIONS;
	struct inspection *l;

	l = kvzalloc(struct_size(l, region, room), GFP_KERNEL | __GFP_NOWARN);
	if (l) {
		l->b = b;
		l->room = room;
	}
	return l;
}

/* ERR_PTR(): -EAGAIN when it does not count, -ENOMEM. */
static struct inspection *inspect_once(const struct nebula_bump *b,
				       void (*deeper)(struct inspection *l))
{
	struct inspection *l = inspection_create(b);

	if (!l)
		return ERR_PTR(-ENOMEM);
	if (bump_is_shared(b))
		collect_shared(l);
	else
		collect_owner(l);
	if (deeper && !l->changed)
		deeper(l);
	if (is_consistent(l) && (!deeper || is_complete(l)))
		return l;
	kvfree(l);
	return ERR_PTR(-EAGAIN);
}

/* ERR_PTR(): -EBUSY when the owner runs, or a shared one keeps changing; -ENOMEM. */
static struct inspection *inspect(const struct nebula_bump *b, void (*deeper)(struct inspection *l))
{
	unsigned int retries = bump_is_shared(b) ? MAX_RETRIES : 1;
	struct inspection *l;

	do {
		l = inspect_once(b, deeper);
		cond_resched();
	} while (l == ERR_PTR(-EAGAIN) && --retries);
	return l == ERR_PTR(-EAGAIN) ? ERR_PTR(-EBUSY) : l;
}

/* The same for a file, which says why there is nothing to be seen: then NULL. */
static struct inspection *inspect_for(const struct nebula_bump *b,
				      void (*deeper)(struct inspection *l),
				      struct nebula_text *t)
{
	struct inspection *l = inspect(b, deeper);

	if (!IS_ERR(l))
		return l;
	nebula_inspect_failed(t, PTR_ERR(l));
	return NULL;
}

/* What CPUs have of their sub-chunks is not used. */
static size_t held_of(struct inspection *l, const struct region *r)
{
	unsigned long from;
	size_t held = 0, left;
	int cpu;

	if (!bump_is_shared(l->b))
		return 0;
	for_each_possible_cpu(cpu) {
		left = bump_shared_held(l->b->heap, cpu, &from);
		if (region_of(l, from) == r)
			held += left;
	}
	return held;
}

static void put_regions(struct inspection *l, struct nebula_text *t)
{
	size_t size, used, held;
	unsigned int i, permille;

	nebula_text_printf(t, "%8s %12s %12s %7s\n", "region", "bytes", "used", "full");
	for (i = 0; i < l->nr; i++) {
		const struct region *r = &l->region[i];

		size = r->end - r->base;
		used = size - (r->to - r->from);
		held = held_of(l, r);
		used -= min(held, used);
		permille = div64_u64(1000ULL * used, size);
		nebula_text_printf(t, "%8u %12zu %12zu %4u.%u%%\n", i + 1, size, used,
				   permille / 10, permille % 10);
	}
}

struct nebula_sites *bump_sites(struct nebula_allocator *a)
{
	struct inspection *l = inspect(bump_of(a), collect_objects);
	struct nebula_sites *sites;

	if (IS_ERR(l))
		return NULL;
	sites = nebula_sites_copy(&l->sites);
	kvfree(l);
	return sites;
}

void bump_render_live(struct nebula_allocator *a, struct nebula_text *t)
{
	struct inspection *l = inspect_for(bump_of(a), collect_objects, t);
	struct nebula_stats st;

	if (!l)
		return;
	nebula_allocator_stats_read(a, &st);
	nebula_text_key(t, "live", "%llu", st.live);
	nebula_text_bytes(t, "bytes", st.used);
	put_regions(l, t);
	nebula_sites_sort(&l->sites);
	if (a->flags & NEBULA_TRACK)
		nebula_sites_render(&l->sites, t);
	else
		nebula_sites_untracked(t);
	kvfree(l);
}

static void hold_of_cpus(struct nebula_map *m, struct inspection *l, const struct region *r)
{
	unsigned long from;
	size_t left;
	int cpu;

	for_each_possible_cpu(cpu) {
		left = bump_shared_held(l->b->heap, cpu, &from);
		if (region_of(l, from) == r)
			nebula_map_hold(m, from - r->base, left);
	}
}

static void put_maps(struct nebula_map *m, struct inspection *l, struct nebula_text *t)
{
	unsigned int i;

	nebula_text_printf(t, NEBULA_MAP_LEGEND "%s  . free\n",
			   bump_is_shared(l->b) ? "  - held by a CPU" : "");
	for (i = 0; i < l->nr; i++) {
		const struct region *r = &l->region[i];

		nebula_map_begin(m, r->end - r->base, NEBULA_MAP_ROWS);
		nebula_map_use(m, 0, r->from - r->base);
		nebula_map_use(m, r->to - r->base, r->end - r->to);
		if (bump_is_shared(l->b))
			hold_of_cpus(m, l, r);
		nebula_text_printf(t, "region %u: ", i + 1);
		nebula_map_render(m, "bytes", t);
		cond_resched();
	}
}

void bump_render_map(struct nebula_allocator *a, struct nebula_text *t)
{
	struct nebula_map *m = nebula_map_create(t);
	struct inspection *l = m ? inspect_for(bump_of(a), NULL, t) : NULL;

	if (l)
		put_maps(m, l, t);
	kvfree(l);
	kvfree(m);
}

/* Whether everything is where it can be, and intact. Process context; sleeps. */
int bump_validate(struct nebula_allocator *a, struct nebula_text *t)
{
	struct inspection *l;
	int faults;

	if (!bump_of(a)->heap)
		return -EOPNOTSUPP;
	l = inspect(bump_of(a), collect_everything);
	if (IS_ERR(l))
		return PTR_ERR(l);
	faults = l->faults.nr;
	if (t)
		nebula_faults_render(&l->faults, t);
	kvfree(l);
	return faults;
}
