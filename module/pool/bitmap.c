// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shared side of a pool: free bitmaps with counts above them. Any context, preemption off.
 *
 *	root	heap->avail
 *	group	group->avail			64 words
 *	word	group->words[w]			64 blocks, whose states are one cache line
 *
 * A context that wants n blocks takes n tickets from the root, then tickets from groups, then bits.
 * A context that puts blocks sets the bits, then adds to the group, then to the root. Each step is
 * one atomic operation.
 *
 *  1. A ticket proves that a bit exists. Takes go down and puts come up, so at every moment
 *	bits of a group >= its count + group tickets that have not become bits yet
 *	sum of the groups' counts >= root + root tickets that have not become group tickets yet
 *     A context that holds a ticket therefore finds a bit even if all other contexts stand still,
 *     also in an NMI on top of a half done take or put: it never waits. It searches on only after
 *     another context has got a bit, so the search is lock-free.
 *  2. "The root is less than n" is the exact answer to "are there n free blocks", for any number of
 *     blocks, by one load. Magazines hold no more than the slack, see magazine.c; so N - n + 1 of
 *     the N promised blocks are live at that moment, or in calls of free that have not returned.
 *  3. No ABA: there are no lists. A word is compared with itself, and bits have no identity.
 *  4. Ordering: the exchanges of words are full barriers, so state and contents of a block reach
 *     the next holder; they come before the add to the group, which needs no order of its own, and
 *     the add to the root is a full barrier again. It pairs with the exchange of the root in
 *     pool_take_all(): what a ticket stands for is visible to its holder, a new table too. It also
 *     pairs with smp_mb() in wait.c.
 *  5. The table may be replaced during a search: blocks that tickets stand for may all be in the
 *     new segment, so a search reads the table anew at each group.
 *  6. A bit that is set already when it is put is a block that was freed twice. It is recorded and
 *     not counted, so counts equal bits for ever. A block whose bit is taken and that is not free
 *     was handed out from another place: it is recorded and dropped.
 *  7. PREEMPT_RT, CPUs that go offline: no locks, nothing belongs to a CPU but the hint where it
 *     searches first.
 */
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include "../error/error.h"
#include "priv.h"

/* Puts of so many words at a time are gathered. A power of two. */
#define GATHERED	4U

/*
 * A holder of a ticket that looks at so many groups or words in vain has met a corrupted bitmap: no
 * other contexts could have taken as many bits.
 */
#define FRUITLESS_MAX	BIT(24)

/* Up to @n tickets; 0 when there is none at this moment. */
unsigned long pool_take_tickets(atomic_long_t *count, unsigned long n)
{
	long seen = atomic_long_read(count), k;

	do {
		k = min_t(long, seen, n);
		if (k <= 0)
			return 0;
	} while (!atomic_long_try_cmpxchg(count, &seen, seen - k));
	return k;
}

/* @n tickets or none: of two requests that can each be served alone, one is. */
bool pool_take_all(atomic_long_t *count, unsigned long n)
{
	long seen = atomic_long_read(count);

	do {
		if (seen < (long)n)
			return false;
	} while (!atomic_long_try_cmpxchg(count, &seen, seen - (long)n));
	return true;
}

/* A search for blocks. */
struct collector {
	struct nebula_pool_heap *heap;	/* their pool */
	struct nebula_pool_slot *slots;	/* where they go, if they go into a magazine */
	void **objs;			/* where they go, live, if not */
	unsigned int word;		/* where the search goes on in a group */
	unsigned int got;		/* how many there are */
	unsigned long fruitless;	/* groups and words without any */
};

/* The lowest @n bits of @bits, or all. */
static u64 lowest(u64 bits, unsigned int n)
{
	u64 rest = bits;

	if (hweight64(bits) <= n)
		return bits;
	while (n--)
		rest &= rest - 1;
	return bits & ~rest;
}

/* The bits of @mask are ours, and with them the blocks. */
static void emit(struct collector *c, const struct pool_group *group, u64 mask)
{
	const unsigned long stride = group->seg->stride;

	for (; mask; mask &= mask - 1) {
		unsigned int i = c->word * POOL_WORD_BLOCKS + __ffs64(mask);
		void *obj = (void *)(group->base + i * stride);
		u8 *state = &group->state[i];

		if (c->slots)
			c->slots[c->got++] = (struct nebula_pool_slot){ obj, state };
		else if (likely(pool_switch(state, NEBULA_POOL_FREE, NEBULA_POOL_LIVE)))
			c->objs[c->got++] = obj;
		else
			pool_stale(c->heap);
	}
}

/* Turns up to @n group tickets into blocks of one word: how many. */
static unsigned int take_bits(struct collector *c, const struct pool_group *group,
			      atomic64_t *words, unsigned int n)
{
	s64 bits = atomic64_read(&words[c->word]);
	u64 mask;

	do {
		if (!bits)
			return 0;
		mask = lowest(bits, n);
	} while (!atomic64_try_cmpxchg(&words[c->word], &bits, bits & ~mask));
	emit(c, group, mask);
	return hweight64(mask);
}

/* NEBULA_FIFO: when all blocks of the older generation are in use, the younger one is older. */
static atomic64_t *words_to_take(struct pool_group *group, bool turn)
{
	if (!group->younger)
		return group->words;
	if (turn)
		WRITE_ONCE(group->swapped, !READ_ONCE(group->swapped));
	return READ_ONCE(group->swapped) ? group->younger : group->words;
}

static atomic64_t *words_to_put(const struct pool_group *group)
{
	return group->younger && !READ_ONCE(group->swapped) ? group->younger : group->words;
}

/* Turns @n group tickets into blocks; false when the bitmap is corrupted. */
static bool take_from_group(struct collector *c, struct pool_group *group, unsigned int n)
{
	atomic64_t *words = words_to_take(group, false);
	unsigned int empty = 0, taken;

	if (group->younger)
		c->word = 0;
	while (n) {
		if (c->word >= group->nr_words)
			c->word = 0;
		taken = take_bits(c, group, words, n);
		n -= taken;
		if (taken) {
			empty = 0;
			continue;
		}
		c->word++;
		if (++empty == group->nr_words) {
			words = words_to_take(group, true);
			empty = 0;
		}
		if (unlikely(++c->fruitless > FRUITLESS_MAX))
			return false;
	}
	return true;
}

/*
 * Turns @n root tickets into blocks, for a magazine or live for a caller: how many. Fewer only
 * after double frees on two CPUs at once, and when a bitmap is corrupted.
 */
unsigned int pool_collect(struct nebula_pool_heap *heap, unsigned int n,
			  struct nebula_pool_slot *slots, void **objs)
{
	struct collector c = { .heap = heap, .slots = slots, .objs = objs };
	const u32 hint = raw_cpu_read(heap->cpus->hint);
	unsigned long g = hint / POOL_GROUP_WORDS;
	struct pool_group *group;
	struct pool_table *tab;
	unsigned int k;

	c.word = hint % POOL_GROUP_WORDS;
	for (;;) {
		tab = pool_table(heap);
		if (g >= tab->nr_groups)
			g = 0;
		group = tab->groups[g];
		k = pool_take_tickets(&group->avail, n);
		n -= k;
		if (unlikely(!take_from_group(&c, group, k)) ||
		    unlikely(++c.fruitless > FRUITLESS_MAX)) {
			nebula_fail(&heap->pool.common, NEBULA_E_CORRUPTION,
				    .what = "free bitmap");
			return c.got;
		}
		if (!n)
			break;
		g++;
		c.word = 0;
	}
	raw_cpu_write(heap->cpus->hint, g * POOL_GROUP_WORDS + c.word % POOL_GROUP_WORDS);
	return c.got;
}

/*
 * Turns @n root tickets into live blocks for a caller, with preemption off for some at a time only.
 * On failure nothing is left of the tickets.
 */
bool pool_collect_live(struct nebula_pool_heap *heap, unsigned int n, void **objs)
{
	unsigned int done = 0, some, got;

	while (done < n) {
		some = min(n - done, 4U * POOL_REFILL);
		preempt_disable();
		got = pool_collect(heap, some, NULL, objs + done);
		preempt_enable();
		done += got;
		if (unlikely(got < some) && !pool_take_all(&heap->avail, some - got))
			break;
	}
	atomic_long_add(done, &heap->direct_allocs);
	if (likely(done == n))
		return true;
	pool_give_tickets(heap, n - done - (some - got));
	if (heap->slow_reasons & POOL_STRICT)
		atomic_long_sub(n - done, &heap->taken);
	while (done)
		pool_free_slow(heap, objs[--done]);
	return false;
}

/* The bits and the counts of groups are there. */
void pool_give_tickets(struct nebula_pool_heap *heap, unsigned long n)
{
	if (!n)
		return;
	/* A full barrier, see the head of this file. */
	atomic_long_add_return(n, &heap->avail);
	if (unlikely(READ_ONCE(heap->slow_reasons) & POOL_WAITING))
		pool_wish(heap, POOL_WISH_WAKE);
}

/* Sets the bits and adds to the group's count: for how many the root is to be told. */
static unsigned int put_bits(struct nebula_pool_heap *heap, struct pool_group *group,
			     unsigned int word, u64 mask)
{
	u64 old = atomic64_fetch_or(mask, &words_to_put(group)[word]);
	unsigned int n = hweight64(mask & ~old), twice = hweight64(mask & old);

	atomic_long_add(n, &group->avail);
	while (unlikely(twice)) {
		pool_stale(heap);
		twice--;
	}
	return n;
}

/* Puts blocks of one word; their states are free. */
void pool_put_word(struct nebula_pool_heap *heap, struct pool_group *group, unsigned int word,
		   u64 mask)
{
	pool_give_tickets(heap, put_bits(heap, group, word, mask));
}

/* Blocks of a word that are to be put. */
struct gathered {
	struct pool_group *group;	/* of the word */
	unsigned int word;		/* its number within the group */
	u64 mask;			/* the blocks */
};

static unsigned int put_gathered(struct nebula_pool_heap *heap, struct gathered *g)
{
	return g->mask ? put_bits(heap, g->group, g->word, g->mask) : 0;
}

/* Puts blocks that a magazine holds; their states are free. */
void pool_put_slots(struct nebula_pool_heap *heap, const struct nebula_pool_slot *slots,
		    unsigned int n)
{
	const struct pool_table *tab = pool_table(heap);
	struct pool_segment *seg = tab->seg[0];
	struct gathered all[GATHERED] = { };
	unsigned long sum = 0, index, word;
	struct gathered *g;
	unsigned int i;

	for (; n; n--, slots++) {
		index = slots->state - seg->state;
		if (unlikely(index >= seg->blocks)) {
			seg = pool_segment_of(tab, (unsigned long)slots->obj);
			index = slots->state - seg->state;
			if (unlikely(index >= seg->blocks)) {
				/* A second entry of a block whose segment has gone. */
				pool_stale(heap);
				seg = tab->seg[0];
				continue;
			}
		}
		word = index / POOL_WORD_BLOCKS;
		g = &all[word % GATHERED];
		if (g->group != &seg->groups[word / POOL_GROUP_WORDS] ||
		    g->word != word % POOL_GROUP_WORDS) {
			sum += put_gathered(heap, g);
			*g = (struct gathered){ &seg->groups[word / POOL_GROUP_WORDS],
						word % POOL_GROUP_WORDS, 0 };
		}
		if (unlikely(g->mask & BIT_ULL(index % POOL_WORD_BLOCKS)))
			pool_stale(heap);
		g->mask |= BIT_ULL(index % POOL_WORD_BLOCKS);
	}
	for (i = 0; i < GATHERED; i++)
		sum += put_gathered(heap, &all[i]);
	pool_give_tickets(heap, sum);
}
