// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which checkpoints of an owner's bump allocator are stale, in constant time and memory, and where
 * the others point. Owner's context; no lock.
 *
 * A checkpoint is stale when the allocator was reset after it was taken, or rewound to an older
 * one. So only the order in which checkpoints were taken matters, and each has a stamp that says
 * it: checkpoints at a new position take the next one, checkpoints at the same position share one.
 * A restore of stamp S makes the stamps after S stale, up to the newest one. These runs never
 * overlap, and lie in order:
 *
 *	stamps:	1 2 3 4 5 6 7 8 9
 *		. x x . . x . x x	restored: 2 levels down to 1, 1 level down to 5 and to 7
 *
 *  1. Nothing was checkpointed since S, as in a loop of checkpoint, work, restore: no stamp comes
 *     after S, so there is nothing to remember.
 *  2. Checkpoints that nest, and are restored from the inside out, leave one run: each restore
 *     extends the run of the one before.
 *  3. A turn of a loop that keeps something, and rewinds from a nested checkpoint to its own,
 *     leaves one run. When there is no room for another, two neighbours become one, and with them
 *     the valid checkpoints between them go stale. Only such neighbours are joined between which
 *     each checkpoint was restored before: they are the loop's turns that have ended. Those in the
 *     middle are joined first, so that the outermost and the innermost levels are exact.
 *  4. When a checkpoint between each two neighbours was never restored, they are levels that may
 *     still be open, and a new checkpoint is refused. A restore always finds room.
 */
#include <linux/bits.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include "../error/error.h"
#include "priv.h"

/* Of a refused checkpoint: never given out, so restoring it fails. */
#define BUMP_STAMP_REFUSED	U64_MAX

/* Limits of struct nebula_bump_stale. So far below stands for anywhere. */
#define NUMBER_MAX	(BIT_ULL(44) - 1)
#define OPEN_FAR	((u64)BIT(20) - 1)

static u64 last_of(const struct nebula_bump_stale *run)
{
	return run->after + run->number;
}

/* The oldest checkpoint before the run that was never rewound to. */
static u64 open_of(const struct nebula_bump_stale *run)
{
	if (run->open == OPEN_FAR)
		return 1;
	return run->open ? run->after - run->open : NEBULA_BUMP_STAMP_NONE;
}

/* The oldest stamp that is younger than the newest run. */
static u64 first_valid(const struct nebula_bump *b)
{
	return 1 + (b->stale_count ? last_of(&b->stale[b->stale_count - 1]) : b->stale_to);
}

/* A reset is noted by the inline path in @mark_at alone: all stamps given out so far are stale. */
static void settle_reset(struct nebula_bump *b)
{
	if (b->mark_at != NEBULA_BUMP_MARK_RESET)
		return;
	b->stale_to = b->stamps;
	b->stale_count = 0;
}

/* Joins run @i with the one before it. */
static void join(struct nebula_bump *b, unsigned int i)
{
	const u64 last = last_of(&b->stale[i]);

	if (i)
		b->stale[i - 1].number = last - b->stale[i - 1].after;
	else
		b->stale_to = last;
	b->stale_count--;
	memmove(&b->stale[i], &b->stale[i + 1], (b->stale_count - i) * sizeof(b->stale[i]));
}

/* Room for the run that a restore of the next checkpoint may leave. */
static bool make_room(struct nebula_bump *b)
{
	unsigned int n, i;

	if (unlikely(b->stamps - b->stale_to >= NUMBER_MAX))
		return false;
	if (likely(b->stale_count < NEBULA_BUMP_STALE_RUNS))
		return true;
	for (n = 0; n < NEBULA_BUMP_STALE_RUNS; n++) {
		i = (NEBULA_BUMP_STALE_RUNS / 2 + n) % NEBULA_BUMP_STALE_RUNS;
		if (!b->stale[i].open) {
			join(b, i);
			return true;
		}
	}
	return false;
}

/* The newest checkpoint gets one above it: note if it was never restored, unless it is stale. */
static void note_open(struct nebula_bump *b)
{
	const u64 first = first_valid(b);

	if (b->open < first && !b->restored && b->stamps >= first)
		b->open = b->stamps;
}

static noinline __cold u64 refuse(struct nebula_bump *b)
{
	if (bump_is_shared(b))
		nebula_fail(&b->common, NEBULA_E_INVALID_STATE, .detail = NEBULA_D_SHARED,
			    .what = "checkpoint");
	else
		nebula_fail(&b->common, NEBULA_E_EXCEEDS_MAX, .detail = NEBULA_D_REWINDS,
			    .what = "checkpoint");
	return BUMP_STAMP_REFUSED;
}

/*
 * The stamp of a checkpoint among others. The owner's context. Returns the stamp; one that is never
 * valid when the checkpoint is refused, which is recorded.
 */
u64 nebula_bump_stamp_slow(struct nebula_bump *b, unsigned long at)
{
	if (at == b->mark_at)
		return b->stamp;
	/* A shared one always has a stamp, see bump_shared_init(). */
	if (unlikely(bump_is_shared(b)) || unlikely(!make_room(b)))
		return refuse(b);
	note_open(b);
	b->restored = false;
	b->mark_at = at;
	b->stamp = ++b->stamps;
	return b->stamp;
}
EXPORT_SYMBOL_GPL(nebula_bump_stamp_slow);

/* Was it reset since, or rewound to an older one? The owner's context. Returns true when it was. */
bool bump_checkpoint_is_stale(const struct nebula_bump *b, u64 stamp)
{
	unsigned int i = b->stale_count;

	if (b->mark_at == NEBULA_BUMP_MARK_RESET || stamp <= b->stale_to)
		return true;
	while (i-- && last_of(&b->stale[i]) >= stamp)
		if (b->stale[i].after < stamp)
			return true;
	return false;
}

/*
 * The cursor goes on in another region. There it may have an address that it had before. The
 * owner's context.
 */
void bump_checkpoint_leave_region(struct nebula_bump *b)
{
	settle_reset(b);
	b->mark_at = NEBULA_BUMP_MARK_NONE;
}

/*
 * The cursor stays where it is, at another address. Older checkpoints at this position stay valid,
 * but only out of line: they have another stamp than those from now on. The owner's context.
 * Returns the stamp of those.
 */
u64 bump_checkpoint_moved(struct nebula_bump *b)
{
	settle_reset(b);
	b->stamp = ++b->stamps;
	b->mark_at = bump_cursor(b->cur, b->tail);
	b->restored = false;
	return b->stamp;
}

/* The allocator was rewound to a checkpoint. The owner's context. */
void bump_checkpoint_restored(struct nebula_bump *b, u64 stamp)
{
	u64 open = b->open < first_valid(b) ? NEBULA_BUMP_STAMP_NONE : b->open;

	if (stamp < b->stamps) {
		while (b->stale_count && b->stale[b->stale_count - 1].after >= stamp)
			open = open_of(&b->stale[--b->stale_count]);
		/* The younger ones are stale, and this one was rewound to. */
		if (open >= stamp)
			open = NEBULA_BUMP_STAMP_NONE;
		b->stale[b->stale_count++] = (struct nebula_bump_stale){
			.after = stamp,
			.number = b->stamps - stamp,
			.open = open ? min(stamp - open, OPEN_FAR) : 0,
		};
	}
	b->stamp = stamp;
	b->mark_at = bump_cursor(b->cur, b->tail);
	b->restored = true;
}

static bool points_into(const struct nebula_checkpoint *cp, unsigned long base, unsigned long end)
{
	return IS_ALIGNED(cp->cur, NEBULA_BUMP_GRAIN) && cp->cur >= base &&
	       cp->cur <= ALIGN(end, NEBULA_BUMP_GRAIN);
}

/*
 * Where a checkpoint points. With nothing live a checkpoint is at the start, of whatever region
 * that is now. Two chunks may be neighbours in memory, so that the end of one is the start of the
 * other; no other checkpoint than that is at the start of a chunk. The owner's context. Returns
 * whether it points into the allocator.
 */
bool bump_checkpoint_find(const struct nebula_bump *b, const struct nebula_checkpoint *cp,
			  struct bump_place *at)
{
	const unsigned long to = bump_cursor(cp->cur, cp->tail);
	struct nebula_chunk *chunk;
	unsigned long base;

	*at = (struct bump_place){ .cur = cp->cur, .tail = cp->tail };
	if (!b->heap) {
		at->pos = (u64)(to - b->base) + 1;
		return points_into(cp, b->base, b->end);
	}
	if (!cp->live) {
		at->chunk = b->heap->first;
		at->pos = 1;
		at->tail = nebula_chunk_base(at->chunk);
		at->cur = ALIGN(at->tail, NEBULA_BUMP_GRAIN);
		return true;
	}
	for (chunk = b->heap->newest; chunk; chunk = chunk->prev) {
		base = nebula_chunk_base(chunk);
		if (!points_into(cp, base, nebula_chunk_end(chunk)) ||
		    (chunk->prev && cp->cur == base))
			continue;
		at->chunk = chunk;
		at->pos = (u64)chunk->pos + (to - base) + 1;
		return true;
	}
	return false;
}
