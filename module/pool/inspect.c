// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking at a pool as a whole: where its blocks are (validate), which are live (map), and who has
 * them (live). Process context; the pool may be in use at the same time, and nothing waits for it.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "../core/inject.h"
#include "../debugfs/map.h"
#include "../debugfs/sites.h"
#include "hooks.h"
#include "priv.h"

/*
 * A fault counts if so many looks find it: a block that moves may be seen twice, or not at all. As
 * soon as there is none that all looks found, there is no need to look again.
 */
#define MAX_RETRIES		12

/* Faults that are named. */
#define FAULTS_SHOWN	20

/* After so many blocks others may run. */
#define RESCHED_BATCH		4096

/* Where the blocks of a segment are. */
struct look {
	const struct pool_segment *seg;	/* the segment */
	u8 *places;			/* for each block, in how many places it was seen */
	u8 *suspects;			/* for each block, in how many looks it was at fault */
};

static void seen(struct look *look, unsigned long index)
{
	if (index < look->seg->blocks && look->places[index] < U8_MAX)
		look->places[index]++;
}

static void see_bits(struct look *look, unsigned long first, u64 bits)
{
	for (; bits; bits &= bits - 1)
		seen(look, first + __ffs64(bits));
}

/* Free and deferred blocks of a group. */
static void see_group(struct look *look, unsigned long g)
{
	const struct pool_segment *seg = look->seg;
	const struct pool_group *group = &seg->groups[g];
	unsigned int w;

	for (w = 0; w < group->nr_words; w++) {
		const unsigned long word = g * POOL_GROUP_WORDS + w;
		const struct pool_defer *d = &seg->defer[word];

		see_bits(look, word * POOL_WORD_BLOCKS, atomic64_read(&group->words[w]));
		if (group->younger)
			see_bits(look, word * POOL_WORD_BLOCKS, atomic64_read(&group->younger[w]));
		see_bits(look, word * POOL_WORD_BLOCKS, atomic64_read(&d->bits[0]));
		see_bits(look, word * POOL_WORD_BLOCKS, atomic64_read(&d->bits[1]));
	}
}

static void see_magazine(struct look *look, const struct nebula_pool_cpu *pc)
{
	const struct nebula_pool_slot *slots = READ_ONCE(pc->slots);
	unsigned long count = pool_cached(pc), i;

	for (i = 1; slots && i <= min_t(unsigned long, count, READ_ONCE(pc->room)); i++)
		seen(look, READ_ONCE(slots[i].state) - look->seg->state);
}

static void see_places(const struct nebula_pool_heap *heap, struct look *look)
{
	const struct pool_segment *seg = look->seg;
	unsigned long i;
	int cpu;

	memset(look->places, 0, seg->blocks);
	for (i = 0; i < seg->nr_groups; i++) {
		see_group(look, i);
		cond_resched();
	}
	for_each_possible_cpu(cpu)
		see_magazine(look, per_cpu_ptr(heap->cpus, cpu));
	for (i = 0; i < seg->blocks; i++)
		if (READ_ONCE(seg->state[i]) == NEBULA_POOL_LIVE)
			seen(look, i);
}

static const char *fault_of(const struct nebula_pool_heap *heap, const struct look *look,
			    unsigned long index)
{
	if (!look->places[index])
		return "lost: neither free nor live";
	if (look->places[index] > 1)
		return "in more than one place";
	return pool_guard_fault(heap, look->seg, index);
}

static void report_faults(const struct nebula_pool_heap *heap, const struct look *look,
			  struct nebula_text *t)
{
	unsigned int faults = 0;
	unsigned long i;

	for (i = 0; t && i < look->seg->blocks; i++) {
		if (look->suspects[i] < MAX_RETRIES)
			continue;
		if (faults < FAULTS_SHOWN)
			nebula_text_printf(t, "block %lu at %p: %s\n", i, pool_block(look->seg, i),
					   fault_of(heap, look, i) ?: "changing");
		faults++;
	}
	if (faults > FAULTS_SHOWN)
		nebula_text_printf(t, "... and %u more\n", faults - FAULTS_SHOWN);
}

static int validate_segment(const struct nebula_pool_heap *heap, const struct pool_segment *seg,
			    struct nebula_text *t)
{
	struct look look = { .seg = seg };
	unsigned int suspects = 1, turn;
	unsigned long i;

	if (seg->blocks <= INT_MAX / 2)
		look.places = kvzalloc(2 * seg->blocks, GFP_KERNEL | __GFP_NOWARN);
	if (!look.places)
		return -ENOMEM;
	look.suspects = look.places + seg->blocks;
	for (turn = 0; turn < MAX_RETRIES && suspects; turn++) {
		see_places(heap, &look);
		suspects = 0;
		for (i = 0; i < seg->blocks; i++) {
			if (look.suspects[i] != turn || !fault_of(heap, &look, i))
				continue;
			look.suspects[i]++;
			suspects++;
		}
		cond_resched();
	}
	if (suspects)
		report_faults(heap, &look, t);
	kvfree(look.places);
	return suspects;
}

/* Whether every block is in one place, and intact. Process context; sleeps. */
int pool_validate(struct nebula_allocator *a, struct nebula_text *t)
{
	struct nebula_pool_heap *heap = pool_heap_of(a);
	const struct pool_segment *seg;
	int faults = 0, found;

	mutex_lock(&heap->grow_lock);
	pool_for_each_segment(seg, heap) {
		found = validate_segment(heap, seg, t);
		if (found < 0) {
			faults = found;
			break;
		}
		faults += found;
	}
	mutex_unlock(&heap->grow_lock);
	return faults;
}

static void map_segment(struct nebula_map *m, const struct pool_segment *seg,
			struct nebula_text *t)
{
	unsigned long i;

	nebula_map_begin(m, seg->blocks, NEBULA_MAP_ROWS);
	for (i = 0; i < seg->blocks; i++) {
		if (READ_ONCE(seg->state[i]) != NEBULA_POOL_FREE)
			nebula_map_use(m, i, 1);
		if (i % RESCHED_BATCH == RESCHED_BATCH - 1)
			cond_resched();
	}
	nebula_map_render(m, "blocks", t);
}

void pool_render_map(struct nebula_allocator *a, struct nebula_text *t)
{
	struct nebula_pool_heap *heap = pool_heap_of(a);
	struct nebula_map *m = nebula_map_create(t);
	const struct pool_segment *seg;

	if (!m)
		return;
	nebula_text_printf(t, NEBULA_MAP_LEGEND "  . free\n");
	mutex_lock(&heap->grow_lock);
	pool_for_each_segment(seg, heap)
		map_segment(m, seg, t);
	mutex_unlock(&heap->grow_lock);
	kvfree(m);
}

static void add_block(struct nebula_sites *sites, const struct nebula_pool_heap *heap,
		      const struct pool_segment *seg, unsigned long index)
{
	struct pool_track track = { };

	if (READ_ONCE(seg->state[index]) == NEBULA_POOL_FREE)
		return;
	if (seg->tracks)
		/* Who is being tracked just now may come out torn. */
		data_race(track = seg->tracks[index]);
	nebula_sites_add(sites, track.alloc, min(track.nr_alloc, POOL_TRACK_ENTRIES),
			 heap->pool.block_size, track.alloc_ns);
}

/* NULL without memory. */
static struct nebula_sites *collect_sites(struct nebula_pool_heap *heap)
{
	struct nebula_sites *sites = nebula_fault_hit() ? NULL
							: kvzalloc(sizeof(*sites), GFP_KERNEL);
	const struct pool_segment *seg;
	unsigned long i;

	if (!sites)
		return NULL;
	mutex_lock(&heap->grow_lock);
	pool_for_each_segment(seg, heap) {
		for (i = 0; i < seg->blocks; i++) {
			add_block(sites, heap, seg, i);
			if (i % RESCHED_BATCH == RESCHED_BATCH - 1)
				cond_resched();
		}
	}
	mutex_unlock(&heap->grow_lock);
	nebula_sites_sort(sites);
	return sites;
}

struct nebula_sites *pool_sites(struct nebula_allocator *a)
{
	return collect_sites(pool_heap_of(a));
}

void pool_render_live(struct nebula_allocator *a, struct nebula_text *t)
{
	struct nebula_sites *sites = collect_sites(pool_heap_of(a));

	if (!sites) {
		t->failed = true;
		return;
	}
	nebula_text_key(t, "live", "%lu", sites->count);
	if (a->flags & NEBULA_TRACK)
		nebula_sites_render(sites, t);
	else
		nebula_sites_untracked(t);
	kvfree(sites);
}

/* What is live at the end of a pool: a record, with NEBULA_TRACK one for each call site. */
void pool_report_leaks(struct nebula_pool_heap *heap)
{
	const unsigned long live = pool_live(heap);
	struct nebula_sites *sites = NULL;

	if (heap->primary->tracks)
		sites = collect_sites(heap);
	nebula_sites_report_leaks(&heap->pool.common, sites, live, live * heap->pool.block_size,
				  "blocks");
	kvfree(sites);
}
