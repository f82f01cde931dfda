// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loose blocks: a bitmap of the free blocks that are in no cache and in no batch. A block that is
 * put here is there for everyone at once, so this is what strict and debug pools live on, and
 * where everything goes that fits nowhere else. Any context.
 *
 * One locked instruction puts a block or takes it, and the old bit tells whether we were the ones:
 * no block is taken twice, a second put of the same block is noticed whoever races, and there is
 * nothing that could be reused under somebody (no ABA). A failed attempt is another's success.
 *
 * The summary only shortens the search. Whoever puts sets its bit after the block's; whoever
 * empties a word clears it, then looks once more:
 *
 *	put	set bit in word; full barrier; summary bit clear? set it
 *	take	clear bit in word; word empty? clear summary bit; full barrier; bits again? set it
 *
 * Between the last two steps a word with bits may be left out of the summary, for as long as the
 * one who takes is interrupted; so who finds nothing by way of the summary searches all words.
 */
#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include "pool.h"

/* Word @w was seen empty after a bit was taken from it. */
void pool_loose_emptied(struct pool_loose *l, unsigned long w)
{
	if (!l->summary)
		return;
	clear_bit(w, l->summary);
	/* Pairs with the full barrier of test_and_set_bit() in pool_loose_put(). */
	smp_mb__after_atomic();
	if (READ_ONCE(l->words[w]))
		set_bit(w, l->summary);
}

/* A bit was put into word @w. */
void pool_loose_filled(struct pool_loose *l, unsigned long w)
{
	if (l->summary && !test_bit(w, l->summary))
		set_bit(w, l->summary);
}

/* Puts a block; false when it was there already. */
bool pool_loose_put(struct pool_loose *l, unsigned long index)
{
	if (unlikely(test_and_set_bit(index, l->words)))
		return false;
	pool_loose_filled(l, index / BITS_PER_LONG);
	return true;
}

/* As of some moment for each word of the summary. */
static unsigned long next_by_summary(const struct pool_loose *l, unsigned long from)
{
	return data_race(find_next_bit(l->summary, l->nr_words, from)); /* see above */
}

static unsigned long find_by_summary(const struct pool_loose *l, unsigned long from)
{
	unsigned long w;

	for (w = next_by_summary(l, from); w < l->nr_words; w = next_by_summary(l, w + 1))
		if (READ_ONCE(l->words[w]))
			return w;
	return POOL_NONE;
}

/* A word that had bits when we looked, from @hint on and round; POOL_NONE if none had. */
static unsigned long find_word(const struct pool_loose *l, unsigned long hint)
{
	unsigned long w = POOL_NONE, i;

	if (l->summary)
		w = find_by_summary(l, hint);
	if (l->summary && w == POOL_NONE)
		w = find_by_summary(l, 0);
	if (w != POOL_NONE)
		return w;
	for (i = 0; i < l->nr_words; i++) {
		w = hint + i < l->nr_words ? hint + i : hint + i - l->nr_words;
		if (READ_ONCE(l->words[w]))
			return w;
	}
	return POOL_NONE;
}

/* Takes a block, near word @hint if it can; POOL_NONE when every word was seen empty. */
unsigned long pool_loose_take(struct pool_loose *l, unsigned long hint)
{
	unsigned long w = hint, word, bit;

	for (;;) {
		word = READ_ONCE(l->words[w]);
		if (unlikely(!word)) {
			w = find_word(l, w);
			if (w == POOL_NONE)
				return POOL_NONE;
			continue;
		}
		bit = __ffs(word);
		if (likely(test_and_clear_bit(bit, &l->words[w])))
			break;
	}
	if (unlikely(!READ_ONCE(l->words[w])))
		pool_loose_emptied(l, w);
	return w * BITS_PER_LONG + bit;
}

/* The blocks of the first byte of word @w that has any, by one exchange. */
static unsigned int fetch_byte(struct pool_loose *l, unsigned long w, u32 *slots)
{
	unsigned long word = READ_ONCE(l->words[w]), got;
	unsigned int n = 0;

	if (!word)
		return 0;
	word &= (BIT(POOL_LOOSE_BATCH) - 1) << (__ffs(word) & ~(POOL_LOOSE_BATCH - 1));
	got = atomic_long_fetch_andnot(word, (atomic_long_t *)&l->words[w]) & word;
	for (; got; got &= got - 1)
		slots[n++] = w * BITS_PER_LONG + __ffs(got);
	return n;
}

/*
 * Takes up to POOL_LOOSE_BATCH blocks, near word @hint if it can; 0 when every word was seen empty.
 * @hint is left where the next ones may be.
 */
unsigned int pool_loose_fetch(struct pool_loose *l, unsigned long *hint, u32 *slots)
{
	/* Whoever interrupts has the same hint, and both are as good. */
	unsigned long w = READ_ONCE(*hint);
	unsigned int n;

	while (!(n = fetch_byte(l, w, slots))) {
		w = find_word(l, w);
		if (w == POOL_NONE)
			return 0;
	}
	if (!READ_ONCE(l->words[w])) {
		pool_loose_emptied(l, w);
		w = w + 1 < l->nr_words ? w + 1 : 0;
	}
	WRITE_ONCE(*hint, w);
	return n;
}

/* Makes blocks 0 to @blocks - 1 loose. Nobody else is looking yet. */
void pool_loose_fill(struct pool_loose *l, unsigned long blocks)
{
	bitmap_set(l->words, 0, blocks);
	if (l->summary)
		bitmap_set(l->summary, 0, l->nr_words);
}

/* Loose blocks, as of some moment each. */
unsigned long pool_loose_count(const struct pool_loose *l)
{
	unsigned long n = 0, w;

	for (w = 0; w < l->nr_words; w++)
		n += hweight_long(READ_ONCE(l->words[w]));
	return n;
}
