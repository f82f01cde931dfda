// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stocks: bytes that are charged to a budget and all above it already, and that one CPU serves
 * charges from.
 *
 * Each CPU has one word of a budget:
 *
 *	 63            32 31             0
 *	| allotment      | stock          |	out = allotment - stock
 *
 * The allotment is what the CPU took from the chain when it filled the word. A charge moves bytes
 * from the stock to what is out, an uncharge moves them back, and neither changes the allotment;
 * so the word alone tells that an uncharge gives back no more than was charged here.
 *
 * Only its own CPU changes a word, with an unlocked compare and exchange: an interrupt or NMI in
 * between makes it fail, and a task that was moved to another CPU changes the word there only if
 * both words are equal, in which case it does not matter which. Another CPU could not change the
 * word in between, not even with a locked instruction. So stocks are collected by an interrupt of
 * every CPU, which the caller waits for: it may sleep, and interrupts are on. CPUs that are offline
 * change no words: those are emptied by the CPU that collects, while hotplug is held off, or by the
 * hotplug callback; a CPU that is neither in the mask of those online nor seen offline is on its
 * way, and has the callback before it or behind it.
 *
 * Emptying a word adds what is out to @direct first and then clears the word, so that a reader who
 * reads words first and @direct last never misses it. The stock goes back to the chain.
 *
 * How much: all stocks below a budget hold at most 1/64 of its limit. Each child gets an equal
 * part of that, rounded down to a power of two, and the budget itself another; a CPU of it, where
 * that is too little to be worth it, none. Then every figure is exact at every moment.
 *
 * Lock: tree.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/rculist.h>
#include <linux/smp.h>
#include <nebula/compat.h>
#include "priv.h"

/* All stocks below a budget, as a part of its limit, and in bytes. */
#define SHARE_PART	64
#define SHARE_MAX	SZ_64M

/* The tree: parents, children, and what is derived from them. Process context. */
DEFINE_MUTEX(budget_tree_lock);

/*
 * The budget behind @pos in @top and all that may have stocks below it, parents first, or NULL.
 * Under RCU, or with the tree locked.
 */
struct nebula_budget *budget_next(struct nebula_budget *pos, struct nebula_budget *top)
{
	struct nebula_budget *next;

	if (READ_ONCE(pos->share)) {
		next = list_first_or_null_rcu(&pos->children, struct nebula_budget, sibling);
		if (next)
			return next;
	}
	for (; pos != top; pos = pos->parent) {
		next = list_next_or_null_rcu(&pos->parent->children, &pos->sibling,
					     struct nebula_budget, sibling);
		if (next)
			return next;
	}
	return NULL;
}

/* Empties the word of this CPU: returns its stock, which is charged to the chain. Any context. */
size_t budget_take_stock(struct nebula_budget *b)
{
	unsigned long word = this_cpu_read(b->cpus->word), seen;

	while (word) {
		seen = word;
		atomic_long_add_return(budget_word_out(seen), &b->direct);
		if (nebula_this_cpu_cas(b->cpus->word, &word, 0UL))
			return budget_word_stock(seen);
		atomic_long_sub(budget_word_out(seen), &b->direct);
	}
	return 0;
}

/* The same for a CPU that is offline, and stays so; one caller at a time. */
void budget_collect_cpu(struct nebula_budget *b, unsigned int cpu)
{
	struct budget_cpu *c = per_cpu_ptr(b->cpus, cpu);
	const unsigned long word = READ_ONCE(c->word);

	if (!word)
		return;
	atomic_long_add_return(budget_word_out(word), &b->direct);
	WRITE_ONCE(c->word, 0);
	budget_chain_uncharge(b, budget_word_stock(word));
}

static size_t stock_of(const struct nebula_budget *b)
{
	size_t sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += budget_word_stock(READ_ONCE(per_cpu_ptr(b->cpus, cpu)->word));
	return sum;
}

/* Bytes in stock, here and below. Any context. */
size_t budget_stocked(const struct nebula_budget *b)
{
	struct nebula_budget *top = (struct nebula_budget *)b, *pos;
	size_t sum = 0;

	if (!READ_ONCE(top->share))
		return 0;
	rcu_read_lock();
	for (pos = top; pos; pos = budget_next(pos, top))
		if (READ_ONCE(pos->share))
			sum += stock_of(pos);
	rcu_read_unlock();
	return sum;
}

static void collect_here(void *data)
{
	struct nebula_budget *top = data, *pos;

	rcu_read_lock();
	for (pos = top; pos; pos = budget_next(pos, top))
		budget_chain_uncharge(pos, budget_take_stock(pos));
	rcu_read_unlock();
}

static void collect_offline(struct nebula_budget *top)
{
	struct nebula_budget *pos;
	int cpu;

	/* A caller may be part of a CPU's way up or down, so this does not wait. */
	if (!cpus_read_trylock())
		return;
	for_each_possible_cpu(cpu) {
		if (cpu_online(cpu))
			continue;
		for (pos = top; pos; pos = budget_next(pos, top))
			budget_collect_cpu(pos, cpu);
	}
	cpus_read_unlock();
}

/* Gives all stocks, here and below, back to the chain. Lock: tree. Process context. */
void budget_collect(struct nebula_budget *top)
{
	struct nebula_budget *pos;

	lockdep_assert_held(&budget_tree_lock);
	if (!top->share)
		return;
	on_each_cpu(collect_here, top, 1);
	collect_offline(top);
	for (pos = top; pos; pos = budget_next(pos, top))
		budget_settle(pos);
}

/* What @b has of the stocks of its parent. Lock: tree. */
static size_t share_of(const struct nebula_budget *b)
{
	const size_t own = min_t(size_t, b->limit / SHARE_PART, SHARE_MAX);
	const struct nebula_budget *up = b->parent;
	size_t share = own;

	if (up)
		share = min(own, up->share / roundup_pow_of_two(up->nr_children + 1));
	/* Too little for one CPU of it alone. */
	return share / num_possible_cpus() < BUDGET_CAP_MIN ? 0 : share;
}

static u32 cap_of(const struct nebula_budget *b)
{
	const size_t share = b->share / roundup_pow_of_two(b->nr_children + 1);
	const size_t cap = min_t(size_t, share / num_possible_cpus(), BUDGET_CAP_MAX);

	return cap < BUDGET_CAP_MIN ? 0 : cap;
}

static struct nebula_budget *next_of_all(struct nebula_budget *pos, struct nebula_budget *top)
{
	if (!list_empty(&pos->children))
		return list_first_entry(&pos->children, struct nebula_budget, sibling);
	for (; pos != top; pos = pos->parent)
		if (!list_is_last(&pos->sibling, &pos->parent->children))
			return list_next_entry(pos, sibling);
	return NULL;
}

/*
 * Divides the stocks of @top and all below it anew, after a change of a limit or of the number of
 * children. All are collected while the former shares still lead to them. Lock: tree.
 */
void budget_divide(struct nebula_budget *top)
{
	struct nebula_budget *pos;

	lockdep_assert_held(&budget_tree_lock);
	for (pos = top; pos; pos = next_of_all(pos, top))
		WRITE_ONCE(pos->cap, 0);
	budget_collect(top);
	for (pos = top; pos; pos = next_of_all(pos, top)) {
		const size_t former = pos->share;

		WRITE_ONCE(pos->share, share_of(pos));
		WRITE_ONCE(pos->cap, cap_of(pos));
		if (pos->share != former)
			budget_state_kick(pos);
	}
}

/* The same after @up got or lost a child: mostly that changes no one else's part. Lock: tree. */
void budget_divide_children(struct nebula_budget *up, unsigned int former)
{
	if (roundup_pow_of_two(former + 1) != roundup_pow_of_two(up->nr_children + 1))
		budget_divide(up);
}
