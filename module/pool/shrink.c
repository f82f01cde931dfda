// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shrinking: what a pool grew by goes back when the client says so, when the kernel is short of
 * memory, and when it has not been needed for a while.
 *
 * Shrinking is an allocation of a whole segment. The magazines are drained, so that entries which
 * racing double frees left do not name blocks that are gone. The promise goes down first; in a
 * strict pool a grace period then ensures that no context takes by the higher one. Then all tickets
 * of the segment are taken from the root, and the count of each group is exchanged for 0. If one is
 * not what it is when the group is idle, all is given back.
 */
#include <linux/export.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/shrinker.h>
#include <linux/workqueue.h>
#include "../compat.h"
#include "../core/context.h"
#include "../error/error.h"
#include "hooks.h"
#include "priv.h"

/* Surplus goes when it has been there for two of them. Jiffies. */
#define TRIM_PERIOD	(30 * HZ)

/* All pools, for the shrinker. */
static LIST_HEAD(pools);
static DEFINE_MUTEX(pools_lock);

static bool is_idle(const struct pool_segment *seg)
{
	unsigned long g;

	for (g = 0; g < seg->nr_groups; g++)
		if (atomic_long_read(&seg->groups[g].avail) != pool_blocks_of(seg, g))
			return false;
	return true;
}

/* Takes the counts of all groups; on failure those that were taken are back. */
static bool take_groups(struct pool_segment *seg)
{
	unsigned long g;

	for (g = 0; g < seg->nr_groups; g++) {
		const long n = pool_blocks_of(seg, g);

		if (atomic_long_cmpxchg(&seg->groups[g].avail, n, 0) == n)
			continue;
		while (g--)
			atomic_long_add(pool_blocks_of(seg, g), &seg->groups[g].avail);
		return false;
	}
	return true;
}

/* Changes the promise and the slack by a segment's. */
static void account(struct nebula_pool_heap *heap, const struct pool_segment *seg, int sign)
{
	raw_spin_lock_irq(&heap->wait_lock);
	pool_account(heap, seg, sign);
	raw_spin_unlock_irq(&heap->wait_lock);
}

/* Blocks before their tickets: what is live is never seen too high. */
static void add_blocks(struct nebula_pool_heap *heap, const struct pool_segment *seg, long n)
{
	raw_spin_lock_irq(&heap->wait_lock);
	WRITE_ONCE(heap->blocks, heap->blocks + n);
	if (seg->by_itself)
		WRITE_ONCE(heap->by_itself, heap->by_itself + n);
	raw_spin_unlock_irq(&heap->wait_lock);
}

/* No context holds more than is promised without @seg any more; sleeps. */
static bool promise_less(struct nebula_pool_heap *heap, const struct pool_segment *seg)
{
	account(heap, seg, -1);
	if (!(heap->slow_reasons & POOL_STRICT))
		return true;
	synchronize_rcu();
	if (atomic_long_read(&heap->taken) > heap->nominal)
		return false;
	WRITE_ONCE(heap->noted, min_t(long, heap->noted, heap->nominal));
	return true;
}

/* Takes an idle segment out, see the head of this file. Drained; lock: @grow_lock. */
static bool retire(struct nebula_pool_heap *heap, struct pool_segment *seg)
{
	const long n = seg->blocks;
	unsigned long g;

	if (!is_idle(seg))
		return false;
	if (!promise_less(heap, seg))
		goto undo_promise;
	add_blocks(heap, seg, -n);
	if (!pool_take_all(&heap->avail, n))
		goto undo_blocks;
	if (!take_groups(seg))
		goto undo_tickets;
	if (!pool_table_replace(heap, NULL, seg, heap->request.gfp)) {
		pool_take_all(&heap->budget, n - seg->nominal);
		return true;
	}
	for (g = 0; g < seg->nr_groups; g++)
		atomic_long_add(pool_blocks_of(seg, g), &seg->groups[g].avail);
undo_tickets:
	pool_give_tickets(heap, n);
undo_blocks:
	add_blocks(heap, seg, n);
undo_promise:
	account(heap, seg, 1);
	pool_wish(heap, POOL_WISH_WAKE);
	return false;
}

/*
 * Takes out what is idle; of what was asked for only if @all. Segments that are gone are unmapped
 * after a grace period. Returns by how much the promise went down. Lock: @grow_lock.
 */
static unsigned long retire_idle(struct nebula_pool_heap *heap, bool all)
{
	struct pool_segment *seg = pool_segment_after(heap, NULL), *next;
	unsigned long promised = 0;
	LIST_HEAD(gone);

	pool_drain_begin(heap);
	for (; seg; seg = next) {
		next = pool_segment_after(heap, seg);
		if (seg == heap->primary || !(all || seg->by_itself) || !retire(heap, seg))
			continue;
		list_add(&seg->gone, &gone);
		promised += seg->nominal;
	}
	pool_drain_end(heap);
	if (!list_empty(&gone))
		synchronize_rcu();
	list_for_each_entry_safe(seg, next, &gone, gone)
		pool_segment_destroy(seg);
	return promised;
}

unsigned int nebula_pool_shrink(struct nebula_pool *p)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	unsigned long promised = 0;

	if (nebula_atomic_context()) {
		nebula_fail(&p->common, NEBULA_E_WRONG_CONTEXT, .what = "shrink");
		return 0;
	}
	mutex_lock(&heap->grow_lock);
	if (READ_ONCE(heap->blocks) > heap->primary->blocks)
		promised = retire_idle(heap, true);
	mutex_unlock(&heap->grow_lock);
	return promised;
}
EXPORT_SYMBOL_GPL(nebula_pool_shrink);

/* Half of the pool is free, part of what it grew by: it can do with less. Any context. */
static bool has_surplus(const struct nebula_pool_heap *heap)
{
	return READ_ONCE(heap->by_itself) && 2 * pool_live(heap) <= READ_ONCE(heap->nominal);
}

/* Begins to watch for surplus; after growth, and again as long as there may be some. */
void pool_trim_arm(struct nebula_pool_heap *heap)
{
	queue_delayed_work(compat_unbound_wq, &heap->trim_work, TRIM_PERIOD);
}

/* What has been surplus for two periods, or is when memory is short, goes. */
static void trim(struct work_struct *work)
{
	struct nebula_pool_heap *heap = container_of(to_delayed_work(work),
						     struct nebula_pool_heap, trim_work);
	const bool short_of_memory = xchg(&heap->pressed, false);
	bool surplus;

	mutex_lock(&heap->grow_lock);
	surplus = has_surplus(heap);
	if (surplus && (heap->was_surplus || short_of_memory)) {
		retire_idle(heap, false);
		surplus = false;
	}
	heap->was_surplus = surplus;
	mutex_unlock(&heap->grow_lock);
	if (READ_ONCE(heap->by_itself))
		pool_trim_arm(heap);
}

/* From here on the kernel may ask the pool for memory. Process context. */
void pool_trim_begin(struct nebula_pool_heap *heap)
{
	INIT_DELAYED_WORK(&heap->trim_work, trim);
	mutex_lock(&pools_lock);
	list_add(&heap->of_all, &pools);
	mutex_unlock(&pools_lock);
}

/* And from here on not any more; sleeps. */
void pool_trim_end(struct nebula_pool_heap *heap)
{
	mutex_lock(&pools_lock);
	list_del(&heap->of_all);
	mutex_unlock(&pools_lock);
	cancel_delayed_work_sync(&heap->trim_work);
}

/*
 * The kernel's shrinker. Giving back waits for grace periods, which reclaim must not, so all that
 * it does is to call the pools' work.
 */
static unsigned long count_objects(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct nebula_pool_heap *heap;
	unsigned long bytes = 0;

	if (!mutex_trylock(&pools_lock))
		return 0;
	list_for_each_entry(heap, &pools, of_all)
		if (!READ_ONCE(heap->pressed) && has_surplus(heap))
			bytes += READ_ONCE(heap->by_itself) * heap->pool.stride;
	mutex_unlock(&pools_lock);
	return bytes / PAGE_SIZE;
}

static unsigned long scan_objects(struct shrinker *shrinker, struct shrink_control *sc)
{
	struct nebula_pool_heap *heap;

	if (!mutex_trylock(&pools_lock))
		return SHRINK_STOP;
	list_for_each_entry(heap, &pools, of_all) {
		if (!has_surplus(heap) || xchg(&heap->pressed, true))
			continue;
		mod_delayed_work(compat_unbound_wq, &heap->trim_work, 0);
	}
	mutex_unlock(&pools_lock);
	return SHRINK_STOP;
}

/*
 * Ask as the kernel's reclaim does. For tests. Process context. Returns pages that pools said they
 * could give back, before they were asked to.
 */
unsigned long nebula_pool_shrinker_run(void)
{
	const unsigned long pages = count_objects(NULL, NULL);

	if (pages)
		scan_objects(NULL, NULL);
	return pages;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_pool_shrinker_run);

/* Have a period of watching for surplus end now. For tests. Process context; sleeps. */
void nebula_pool_trim_flush(struct nebula_pool *p)
{
	nebula_irq_work_sync(&pool_heap(p)->kick);
	flush_delayed_work(&pool_heap(p)->trim_work);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_pool_trim_flush);

static struct shrinker *shrinker;

/* Process context; sleeps. */
int __init nebula_pool_init(void)
{
	shrinker = compat_shrinker_create("nebula_pool", count_objects, scan_objects);
	return shrinker ? 0 : -ENOMEM;
}

void nebula_pool_exit(void)
{
	compat_shrinker_destroy(shrinker);
}
