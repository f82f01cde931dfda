// SPDX-License-Identifier: GPL-2.0-only
/*
 * Depot: batches of free blocks on their way from one CPU's cache to another's, after the magazines
 * of Bonwick and Adams, "Magazines and Vmem", USENIX 2001. Any context.
 *
 * Batches hold indices by value, so a block that is in two of them - freed twice at once, see
 * pool_cache.c - costs nothing but that entry; there are no links through blocks to corrupt.
 *
 * Two stacks of batches, of those with blocks and of those without, each with one word for a head
 * (Treiber, "Systems programming: coping with parallelism", 1986):
 *
 *	| tag | blocks in the batch | number of the batch, 0: none |
 *
 *  - A batch is on at most one stack, and whoever takes it off has it for himself until he puts it
 *    on one. Nobody waits for him: others see the batches below.
 *  - Ordering: a head is exchanged with full barriers, so contents and link of a batch are written
 *    before it is seen, and read after it was taken.
 *  - ABA: whoever is interrupted between reading a head and exchanging it may have read the link or
 *    an entry of a batch that others meanwhile took off, changed and put back. Each exchange
 *    advances the tag, and the exchange of the old head then fails. The tag has the bits that are
 *    left: 48 in a pool of 8000 blocks, which takes months of nothing but exchanges of batches to
 *    come round, while a CPU would have to stand still between two instructions, with preemption
 *    off, and the one in 2^48 be hit. With a million blocks 40 bits are left, half a day; with
 *    2^31 blocks 29, half a minute.
 *  - Interrupts and NMIs between any two instructions: whoever interrupts completes his exchange,
 *    and ours fails and is tried again. Each failure is somebody's success.
 *  - One block can be taken without its batch: the head says how many the topmost holds, so taking
 *    the last entry is one exchange that leaves a smaller count. That is what an allocation does
 *    that interrupts a cache operation; nothing is ever held back by it.
 */
#include <linux/atomic.h>
#include <linux/log2.h>
#include <linux/string.h>
#include "pool.h"

#define COUNT_BITS	8

static_assert(BIT(COUNT_BITS) > NEBULA_POOL_DEPTH_MAX / 2);

static unsigned int index_of(const struct pool_depot *d, u64 head)
{
	return head & d->index_mask;
}

static unsigned int count_of(const struct pool_depot *d, u64 head)
{
	return head >> d->index_bits & (BIT(COUNT_BITS) - 1);
}

static u64 word(const struct pool_depot *d, unsigned int index, unsigned int count)
{
	return (u64)count << d->index_bits | index;
}

/* What a head is without its tag; links have none. */
static u64 link_of(const struct pool_depot *d, u64 head)
{
	return head & d->link_mask;
}

/* The head that puts @link in the place of @old. */
static u64 next_head(const struct pool_depot *d, u64 old, u64 link)
{
	return ((old | d->link_mask) + 1) | link;
}

static unsigned int entry(const struct pool_depot *d, unsigned int index, unsigned int i)
{
	size_t at = (size_t)(index - 1) * d->batch + i;

	/* Of a batch that we do not have, it counts only if the head has not changed. */
	if (d->wide)
		return data_race(((u32 *)d->entries)[at]); /* see above */
	return data_race(((u16 *)d->entries)[at]); /* see above */
}

static __always_inline void push(struct pool_depot *d, atomic64_t *head, unsigned int index,
				 unsigned int count)
{
	s64 old = atomic64_read(head);

	do {
		WRITE_ONCE(d->links[index - 1], link_of(d, old));
	} while (!atomic64_try_cmpxchg(head, &old, next_head(d, old, word(d, index, count))));
}

/* Takes the topmost batch off: its number, or 0 when there is none. */
static __always_inline unsigned int pop(struct pool_depot *d, atomic64_t *head,
					unsigned int *count)
{
	s64 old = atomic64_read(head);
	unsigned int index;
	u64 link;

	do {
		index = index_of(d, old);
		if (!index)
			return 0;
		link = READ_ONCE(d->links[index - 1]);
	} while (!atomic64_try_cmpxchg(head, &old, next_head(d, old, link)));
	*count = count_of(d, old);
	return index;
}

/* Puts all batches on the stack of empty ones. */
void pool_depot_init(struct pool_depot *d)
{
	unsigned int i;

	d->index_bits = order_base_2(d->nr + 1);
	d->index_mask = BIT_ULL(d->index_bits) - 1;
	d->link_mask = BIT_ULL(d->index_bits + COUNT_BITS) - 1;
	atomic64_set(&d->full, 0);
	atomic64_set(&d->empty, 0);
	for (i = d->nr; i; i--)
		push(d, &d->empty, i, 0);
}

static void copy_out(const struct pool_depot *d, unsigned int index, u32 *slots, unsigned int n)
{
	size_t at = (size_t)(index - 1) * d->batch;
	const u16 *narrow = (u16 *)d->entries + at;
	unsigned int i;

	if (d->wide) {
		memcpy(slots, (u32 *)d->entries + at, n * sizeof(*slots));
		return;
	}
#pragma GCC unroll 8
	for (i = 0; i < n; i++)
		slots[i] = narrow[i];
}

static void copy_in(struct pool_depot *d, unsigned int index, const u32 *slots, unsigned int n)
{
	size_t at = (size_t)(index - 1) * d->batch;
	u16 *narrow = (u16 *)d->entries + at;
	unsigned int i;

	if (d->wide) {
		memcpy((u32 *)d->entries + at, slots, n * sizeof(*slots));
		return;
	}
#pragma GCC unroll 8
	for (i = 0; i < n; i++)
		narrow[i] = slots[i];
}

/* Copies a batch to @slots, which has room for one: how many blocks, 0 when there is none. */
unsigned int pool_depot_fetch(struct pool_depot *d, u32 *slots)
{
	unsigned int n, index = pop(d, &d->full, &n);

	if (!index)
		return 0;
	copy_out(d, index, slots, n);
	push(d, &d->empty, index, 0);
	return n;
}

/* Makes a batch of @n blocks, at most @d->batch; false when there is no empty one. */
bool pool_depot_store(struct pool_depot *d, const u32 *slots, unsigned int n)
{
	unsigned int unused, index = pop(d, &d->empty, &unused);

	if (!index)
		return false;
	copy_in(d, index, slots, n);
	push(d, &d->full, index, n);
	return true;
}

/* Takes one block of the topmost batch; POOL_NONE when there is none. */
unsigned long pool_depot_take(struct pool_depot *d)
{
	s64 old = atomic64_read(&d->full);
	unsigned int index, count;
	unsigned long block;
	u64 link;

	do {
		index = index_of(d, old);
		if (!index)
			return POOL_NONE;
		count = count_of(d, old);
		block = entry(d, index, count - 1);
		link = count > 1 ? word(d, index, count - 1) : READ_ONCE(d->links[index - 1]);
	} while (!atomic64_try_cmpxchg(&d->full, &old, next_head(d, old, link)));
	if (count == 1)
		push(d, &d->empty, index, 0);
	return block;
}

/* For all blocks in batches; exact while nothing moves, and ends in any case. */
void pool_depot_for_each(const struct pool_depot *d, void (*fn)(unsigned long index, void *data),
			 void *data)
{
	u64 link = atomic64_read(&d->full);
	unsigned int steps, i;

	for (steps = 0; steps < d->nr && index_of(d, link); steps++) {
		for (i = 0; i < count_of(d, link) && i < d->batch; i++)
			fn(entry(d, index_of(d, link), i), data);
		link = READ_ONCE(d->links[index_of(d, link) - 1]);
	}
}
