// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking at a pool as a whole: where its blocks are (validate), which are live (map), and who has
 * them (live). Process context; the pool may be in use meanwhile, and nobody waits for us.
 */
#include <linux/jhash.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "pool.h"

/*
 * A fault counts if so many looks find it: a block that moves may be seen twice, or not at all. As
 * soon as there is none that all looks found, there is no need to look again.
 */
#define LOOKS		12

/* Faults that are named. */
#define FAULTS_SHOWN	20

#define MAP_COLUMNS	64
#define MAP_ROWS	32

/* Call sites that are told apart. */
#define SITES_MAX	64

/* Of those at the end of a pool, so many get a record. */
#define LEAK_SITES	8

static struct nebula_pool_heap *heap_of(struct nebula_allocator *a)
{
	return container_of(a, struct nebula_pool_heap, pool.common);
}

/**
 * struct look - where the blocks of a segment are
 * @seg: the segment.
 * @places: for each block, in how many places it was seen.
 * @suspects: for each block, in how many looks it was at fault.
 */
struct look {
	const struct pool_segment *seg;
	u8 *places;
	u8 *suspects;
};

static void seen(unsigned long index, void *data)
{
	struct look *look = data;

	if (index < look->seg->blocks && look->places[index] < U8_MAX)
		look->places[index]++;
}

static void see_bits(struct look *look, const unsigned long *words)
{
	unsigned long w, bits;

	for (w = 0; words && w < look->seg->loose[0].nr_words; w++)
		for (bits = READ_ONCE(words[w]); bits; bits &= bits - 1)
			seen(w * BITS_PER_LONG + __ffs(bits), look);
}

static void see_cache(struct look *look, const struct nebula_pool_cpu *pc)
{
	unsigned long count = READ_ONCE(pc->count) & (NEBULA_POOL_BUSY - 1), i;

	for (i = 0; i < min_t(unsigned long, count, look->seg->depth_max); i++)
		seen(READ_ONCE(pc->slots[i]), look);
}

static void see_places(struct look *look)
{
	const struct pool_segment *seg = look->seg;
	unsigned long i;
	int cpu;

	memset(look->places, 0, seg->blocks);
	see_bits(look, seg->loose[0].words);
	see_bits(look, seg->loose[1].words);
	see_bits(look, seg->deferred);
	see_bits(look, seg->maturing);
	pool_depot_for_each(&seg->depot, seen, look);
	for_each_possible_cpu(cpu)
		see_cache(look, per_cpu_ptr(seg->cpus, cpu));
	for (i = 0; i < seg->blocks; i++)
		if (READ_ONCE(seg->state[i]) == NEBULA_POOL_LIVE)
			seen(i, look);
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
		if (look->suspects[i] < LOOKS)
			continue;
		if (faults < FAULTS_SHOWN)
			nebula_text_printf(t, "block %lu at %p: %s\n", i, pool_block(look->seg, i),
					   fault_of(heap, look, i) ?: "changing");
		faults++;
	}
	if (faults > FAULTS_SHOWN)
		nebula_text_printf(t, "... and %u more\n", faults - FAULTS_SHOWN);
}

static unsigned int validate_segment(const struct nebula_pool_heap *heap,
				     const struct pool_segment *seg, struct nebula_text *t)
{
	struct look look = { .seg = seg };
	unsigned int suspects = 1, turn;
	unsigned long i;

	look.places = kvzalloc(2 * seg->blocks, GFP_KERNEL);
	if (!look.places) {
		if (t)
			t->failed = true;
		return 1;
	}
	look.suspects = look.places + seg->blocks;
	for (turn = 0; turn < LOOKS && suspects; turn++) {
		see_places(&look);
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

/**
 * nebula_pool_validate() - look whether every block is in one place, and intact
 * @p: the pool.
 * @t: where faults are named, or %NULL.
 *
 * Context: process context; sleeps.
 * Return: blocks at fault; not 0 when there was no memory to look.
 */
unsigned int nebula_pool_validate(struct nebula_pool *p, struct nebula_text *t)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	struct pool_segment *seg;
	unsigned int faults = 0;

	mutex_lock(&heap->grow_lock);
	pool_for_each_segment(seg, heap)
		faults += validate_segment(heap, seg, t);
	mutex_unlock(&heap->grow_lock);
	return faults;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_pool_validate);

void pool_render_validate(struct nebula_allocator *a, struct nebula_text *t)
{
	if (!nebula_pool_validate(&heap_of(a)->pool, t))
		nebula_text_printf(t, "ok\n");
}

/* One character for @each blocks from @first on. */
static char map_char(const struct pool_segment *seg, unsigned long first, unsigned long each)
{
	unsigned long end = min(first + each, seg->blocks), used = 0, i;

	for (i = first; i < end; i++)
		used += READ_ONCE(seg->state[i]) != NEBULA_POOL_FREE;
	if (!used)
		return '.';
	return used == end - first ? '#' : '+';
}

static void map_segment(const struct pool_segment *seg, struct nebula_text *t)
{
	unsigned long each = DIV_ROUND_UP(seg->blocks, MAP_COLUMNS * MAP_ROWS), i;
	char row[MAP_COLUMNS + 1];
	unsigned int n = 0;

	nebula_text_printf(t, "%lu blocks, %lu for each character\n", seg->blocks, each);
	for (i = 0; i < seg->blocks; i += each) {
		row[n++] = map_char(seg, i, each);
		if (n < MAP_COLUMNS && i + each < seg->blocks)
			continue;
		row[n] = '\0';
		nebula_text_printf(t, "%10lu  %s\n", i + each - n * each, row);
		n = 0;
		cond_resched();
	}
}

void pool_render_map(struct nebula_allocator *a, struct nebula_text *t)
{
	struct nebula_pool_heap *heap = heap_of(a);
	struct pool_segment *seg;

	nebula_text_printf(t, "# used  + some used  . free\n");
	mutex_lock(&heap->grow_lock);
	pool_for_each_segment(seg, heap)
		map_segment(seg, t);
	mutex_unlock(&heap->grow_lock);
}

/**
 * struct site - live blocks that one call stack allocated
 * @hash: of the stack.
 * @count: blocks.
 * @oldest_ns: when the oldest was allocated.
 * @track: of one of them.
 */
struct site {
	u32 hash;
	unsigned long count;
	u64 oldest_ns;
	struct pool_track track;
};

/**
 * struct sites - all live blocks by call site
 * @nr: entries of @site in use.
 * @live: live blocks.
 * @others: of them, those that found no place in @site.
 * @site: the sites.
 */
struct sites {
	unsigned int nr;
	unsigned long live;
	unsigned long others;
	struct site site[SITES_MAX];
};

static u32 hash_of(const struct pool_track *track)
{
	return jhash(track->alloc, min(track->nr_alloc, POOL_TRACK_ENTRIES) * sizeof(long), 0);
}

static void add_block(struct sites *sites, const struct pool_track *track)
{
	u32 hash = hash_of(track);
	struct site *site;

	sites->live++;
	for (site = sites->site; site < sites->site + sites->nr; site++) {
		if (site->hash != hash)
			continue;
		site->count++;
		site->oldest_ns = min(site->oldest_ns, track->alloc_ns);
		return;
	}
	if (sites->nr == SITES_MAX) {
		sites->others++;
		return;
	}
	sites->nr++;
	*site = (struct site){ hash, 1, track->alloc_ns, *track };
}

static int by_count(const void *a, const void *b)
{
	const struct site *x = a, *y = b;

	return x->count < y->count ? 1 : -(x->count > y->count);
}

/* NULL without memory. */
static struct sites *collect_sites(struct nebula_pool_heap *heap)
{
	struct sites *sites = kvzalloc(sizeof(*sites), GFP_KERNEL);
	static const struct pool_track untracked;
	struct pool_segment *seg;
	struct pool_track track;
	unsigned long i;

	if (!sites)
		return NULL;
	mutex_lock(&heap->grow_lock);
	pool_for_each_segment(seg, heap) {
		for (i = 0; i < seg->blocks; i++) {
			if (READ_ONCE(seg->state[i]) == NEBULA_POOL_FREE)
				continue;
			/* Who is being tracked just now may come out torn. */
			track = seg->tracks ? data_race(seg->tracks[i]) : untracked;
			add_block(sites, &track);
		}
		cond_resched();
	}
	mutex_unlock(&heap->grow_lock);
	sort(sites->site, sites->nr, sizeof(*sites->site), by_count, NULL);
	return sites;
}

static void put_site(struct nebula_text *t, const struct site *site, size_t block_size)
{
	u64 age_ms = div_u64(local_clock() - site->oldest_ns, NSEC_PER_MSEC);
	unsigned int i;

	nebula_text_printf(t, "%8lu %12zu %8llu.%03llu  ", site->count, site->count * block_size,
			   age_ms / 1000, age_ms % 1000);
	for (i = 0; i < min(site->track.nr_alloc, POOL_TRACK_ENTRIES); i++)
		nebula_text_printf(t, "%*s%pS\n", i ? 36 : 0, "", (void *)site->track.alloc[i]);
}

void pool_render_live(struct nebula_allocator *a, struct nebula_text *t)
{
	struct nebula_pool_heap *heap = heap_of(a);
	struct sites *sites = collect_sites(heap);
	unsigned int i;

	if (!sites) {
		t->failed = true;
		return;
	}
	nebula_text_key(t, "live", "%lu", sites->live);
	if (!(a->flags & NEBULA_TRACK)) {
		nebula_text_key(t, "call sites", "not tracked, set NEBULA_TRACK");
	} else {
		nebula_text_key(t, "call sites", "%u", sites->nr);
		nebula_text_printf(t, "%8s %12s %12s  %s\n", "blocks", "bytes", "oldest [s]",
				   "allocated by");
		for (i = 0; i < sites->nr; i++)
			put_site(t, &sites->site[i], heap->pool.block_size);
		if (sites->others)
			nebula_text_printf(t, "%8lu %12zu %12s  others\n", sites->others,
					   sites->others * heap->pool.block_size, "");
	}
	kvfree(sites);
}

static void report_leak(struct nebula_pool_heap *heap, unsigned long count,
			const struct pool_track *track)
{
	struct nebula_failure f = {
		.code = NEBULA_E_LEAK,
		.allocator = &heap->pool.common,
		.size = count * heap->pool.block_size,
	};
	char what[NEBULA_WHAT_SIZE];

	snprintf(what, sizeof(what), "%lu blocks live", count);
	f.what = what;
	if (track) {
		f.entries = track->alloc;
		f.nr_entries = min(track->nr_alloc, POOL_TRACK_ENTRIES);
	}
	nebula_error_record(&f);
}

/* What is live at the end of a pool: a record, with NEBULA_TRACK one for each call site. */
void pool_report_leaks(struct nebula_pool_heap *heap)
{
	struct sites *sites = NULL;
	unsigned int i;

	if (heap->primary.tracks)
		sites = collect_sites(heap);
	for (i = 0; sites && sites->nr > 1 && i < min_t(unsigned int, sites->nr, LEAK_SITES); i++)
		report_leak(heap, sites->site[i].count, &sites->site[i].track);
	/* Last, so that it is the newest: all of them. */
	report_leak(heap, pool_live(heap), sites && sites->nr == 1 ? &sites->site[0].track : NULL);
	kvfree(sites);
}
