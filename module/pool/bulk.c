// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many blocks at once: one claim of the magazine for as many as it holds, and one ticket for all
 * others. Any context.
 *
 * The ticket comes before anything is touched. So a bulk that cannot succeed takes nothing from
 * others, and of two of which each could succeed alone, one does.
 */
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include "../error/error.h"
#include "priv.h"

/* So many blocks share what a turn of a loop costs besides them. Divides round numbers. */
#define UNROLL	50U

/* Up to so many blocks go one by one, as where their number is constant they do inline. */
#define FEW	8U

#define SLOT_SIZE	sizeof(struct nebula_pool_slot)

/* The block of a slot, live; NULL, and counted, when it is not free. */
static __always_inline void *hand_out_one(const struct nebula_pool_slot *slot,
					  unsigned int *missing)
{
	nebula_pool_switch(*slot->state, NEBULA_POOL_FREE, NEBULA_POOL_LIVE, stale);
	return slot->obj;

stale:
	++*missing;
	return NULL;
}

/* Hands out @n blocks of a claimed magazine, @top the newest. Returns how many are missing. */
static unsigned int hand_out(const struct nebula_pool_slot *top, unsigned int n, void **objs)
{
	void **const end = objs + n, **const turns = objs + (n - n % UNROLL);
	unsigned int missing = 0;
	int i;

	for (; objs != turns; objs += UNROLL, top -= UNROLL)
#pragma GCC unroll 50
		for (i = 0; i < (int)UNROLL; i++)
			objs[i] = hand_out_one(top - i, &missing);
	while (objs != end)
		*objs++ = hand_out_one(top--, &missing);
	return missing;
}

/* Moves the blocks that there are to the front: how many. */
static unsigned int pack(void **objs, unsigned int n)
{
	unsigned int i, kept = 0;

	for (i = 0; i < n; i++)
		if (objs[i])
			objs[kept++] = objs[i];
	return kept;
}

/*
 * @missing of @n blocks were freed twice at once: others in their place, or all go back. Tickets of
 * strict pools for all @n are held.
 */
static noinline bool replace_missing(struct nebula_pool_heap *heap, unsigned int missing,
				     unsigned int n, void **objs)
{
	unsigned int kept = pack(objs, n), i;

	for (i = 0; i < missing; i++)
		pool_stale(heap);
	if (pool_take_all(&heap->avail, missing) &&
	    pool_collect_live(heap, missing, objs + kept))
		return true;
	if (heap->slow_reasons & POOL_STRICT)
		atomic_long_sub(missing, &heap->taken);
	while (kept)
		pool_free_slow(heap, objs[--kept]);
	return false;
}

/* From the magazine, and what it lacks from the bitmaps; false when that does not do. */
static __always_inline bool alloc_fast(struct nebula_pool_heap *heap, unsigned int n, void **objs)
{
	unsigned int have, some, rest, missing;
	struct nebula_pool_cpu *pc;

	preempt_disable();
	/* Pairs with pool_set_paths(). */
	if (unlikely(smp_load_acquire(&heap->slow_reasons)) || unlikely(!pool_claim(heap->cpus)))
		goto out;
	pc = raw_cpu_ptr(heap->cpus);
	have = (pc->top - pc->bottom) / SLOT_SIZE;
	some = min(n, have);
	rest = n - some;
	if (unlikely(rest) && unlikely(!pool_take_all(&heap->avail, rest))) {
		nebula_pool_unclaim(heap->cpus);
		goto out;
	}
	missing = hand_out((const struct nebula_pool_slot *)pc->top, some, objs);
	WRITE_ONCE(pc->top, pc->top - some * SLOT_SIZE);
	nebula_count(pc->allocs, some - missing);
	nebula_pool_unclaim(heap->cpus);
	preempt_enable();
	if (unlikely(rest)) {
		if (unlikely(atomic_long_read(&heap->avail) < READ_ONCE(heap->low_water)))
			pool_wish(heap, POOL_WISH_GROW);
		pool_note_peak(heap, (long)READ_ONCE(heap->blocks) -
			       atomic_long_read(&heap->avail));
		if (unlikely(!pool_collect_live(heap, rest, objs + some))) {
			some = pack(objs, some);
			while (some)
				pool_free_slow(heap, objs[--some]);
			return false;
		}
	}
	return likely(!missing) || replace_missing(heap, missing, n, objs);

out:
	preempt_enable();
	return false;
}

static noinline __cold bool refuse(struct nebula_pool_heap *heap, enum nebula_errc code,
				   enum nebula_detail detail, const char *what, unsigned int n)
{
	nebula_fail(&heap->pool.common, code, .size = heap->pool.block_size, .detail = detail,
		    .what = what, .need = n);
	return false;
}

/* All of them by tickets, as every pool can. */
static noinline bool alloc_slow(struct nebula_pool_heap *heap, unsigned int n, void **objs,
				enum nebula_detail detail)
{
	struct pool_size size;
	unsigned int i;
	bool done;

	if (unlikely(pool_must_fail(heap)))
		return false;
	do {
		size = pool_size(heap);
		done = pool_may_take(heap, n) && pool_tickets_for(heap, n);
	} while (!done && size.may_grow && pool_grow_now(heap, n, 0));
	if (!done || !pool_collect_live(heap, n, objs)) {
		pool_exhausted(heap, detail, detail == NEBULA_D_RESERVE ? "reserve" : NULL, n,
			       size);
		return false;
	}
	for (i = 0; heap->slow_reasons & ~POOL_STRICT && i < n; i++)
		pool_finish(heap, objs[i], heap->pool.block_size);
	return true;
}

/* More than there will ever be at once, so that not even growth helps. Any context. */
bool pool_exceeds(const struct nebula_pool_heap *heap, unsigned int n)
{
	unsigned long most = heap->slow_reasons & POOL_STRICT ? READ_ONCE(heap->nominal)
							   : READ_ONCE(heap->blocks);

	if (heap->pool.common.flags & NEBULA_GROW)
		most = max_t(unsigned long, most, READ_ONCE(heap->max_blocks));
	return n > most;
}

/* For a bulk or a reserve, which @detail says; records why it returns false. */
static __always_inline bool alloc_many(struct nebula_pool_heap *heap, unsigned int n, void **objs,
				       enum nebula_detail detail)
{
	if (likely(alloc_fast(heap, n, objs)))
		return true;
	if (unlikely(pool_exceeds(heap, n)))
		return refuse(heap, NEBULA_E_EXCEEDS_MAX, detail, "bulk", n);
	return alloc_slow(heap, n, objs, detail);
}

static noinline bool take_few(struct nebula_pool *p, unsigned int n, void **objs)
{
	return nebula_pool_take_few(p, n, objs);
}

static noinline unsigned int put_few(struct nebula_pool *p, unsigned int n, void **objs)
{
	return nebula_pool_put_few(p, n, objs);
}

/* nebula_pool_alloc_bulk() of many, or of few that the magazine does not have. Any context. */
bool nebula_pool_alloc_bulk_slow(struct nebula_pool *p, unsigned int n, void **objs)
{
	struct nebula_pool_heap *heap = pool_heap(p);

	if (unlikely(!n) || unlikely(!objs))
		return refuse(heap, NEBULA_E_INVALID_LAYOUT, NEBULA_D_NO_BLOCKS, "bulk", n);
	if (n <= FEW && take_few(p, n, objs))
		return true;
	return alloc_many(heap, n, objs, NEBULA_D_BULK);
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_bulk_slow);

/* As nebula_pool_alloc_bulk() for blocks to put aside, at least one. */
bool pool_alloc_reserve(struct nebula_pool_heap *heap, unsigned int n, void **objs)
{
	return alloc_many(heap, n, objs, NEBULA_D_RESERVE);
}

/* What the loop needs of the first segment, in registers. */
struct view {
	unsigned long base;	/* as in struct nebula_pool */
	unsigned long inverse;	/* likewise */
	unsigned long blocks;	/* likewise */
	unsigned long rotate;	/* likewise */
	u8 *state;		/* likewise */
};

/* Takes a block back into a slot of a claimed magazine; false when it is not that simple. */
static __always_inline bool take_back_one(const struct view v, struct nebula_pool_slot *slot,
					  void *obj)
{
	unsigned long index = nebula_pool_index_of((unsigned long)obj - v.base, v.inverse,
						   v.rotate);

	if (unlikely(index >= v.blocks))
		return false;
	nebula_pool_switch(v.state[index], NEBULA_POOL_LIVE, NEBULA_POOL_FREE, refused);
	slot->obj = obj;
	slot->state = v.state + index;
	return true;

refused:
	return false;
}

/* Takes back into the slots above @top, up to the first that is not that simple: how many. */
static unsigned int take_back(const struct nebula_pool *p, struct nebula_pool_slot *top,
			      unsigned int n, void **objs)
{
	const struct view v = { p->base, p->inverse, p->blocks, p->rotate, p->state };
	unsigned int done = 0, i;

	for (top++; done + UNROLL <= n; done += UNROLL, top += UNROLL, objs += UNROLL)
#pragma GCC unroll 50
		for (i = 0; i < UNROLL; i++)
			if (unlikely(!take_back_one(v, top + i, objs[i])))
				return done + i;
	while (done < n && likely(take_back_one(v, top, *objs))) {
		done++;
		top++;
		objs++;
	}
	return done;
}

/* Frees into the magazine what goes there at once: how many. Preemption is off. */
static unsigned int free_some(struct nebula_pool_heap *heap, unsigned int n, void **objs)
{
	struct nebula_pool_cpu *pc = raw_cpu_ptr(heap->cpus);
	unsigned int room, done = 0;

	/* Pairs with pool_set_paths(). */
	if (unlikely(smp_load_acquire(&heap->slow_reasons) & ~POOL_STRICT) ||
	    unlikely(!pool_claim(heap->cpus)))
		return 0;
	if (likely(pc->top < pc->limit) || pool_make_room(heap, pc)) {
		room = (pc->limit - pc->top) / SLOT_SIZE;
		done = take_back(&heap->pool, (struct nebula_pool_slot *)pc->top, min(n, room),
				 objs);
		WRITE_ONCE(pc->top, pc->top + done * SLOT_SIZE);
	}
	nebula_pool_unclaim(heap->cpus);
	if (done)
		pool_after_put(heap, done);
	return done;
}

/* nebula_pool_free_bulk() of many, or of what does not fit the magazine. Any context. */
void nebula_pool_free_bulk_slow(struct nebula_pool *p, unsigned int n, void **objs)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	unsigned int done;

	if (unlikely(!objs)) {
		if (n)
			refuse(heap, NEBULA_E_INVALID_LAYOUT, NEBULA_D_NO_BLOCKS, "free_bulk", n);
		return;
	}
	if (n <= FEW) {
		done = put_few(p, n, objs);
		objs += done;
		n -= done;
	}
	while (n) {
		preempt_disable();
		done = free_some(heap, n, objs);
		preempt_enable();
		objs += done;
		n -= done;
		/* Full, another segment's, or to be refused. */
		if (n) {
			nebula_pool_free(p, *objs++);
			n--;
		}
	}
}
EXPORT_SYMBOL_GPL(nebula_pool_free_bulk_slow);
