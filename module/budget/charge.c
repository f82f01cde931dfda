// SPDX-License-Identifier: GPL-2.0-only
/*
 * Charge and uncharge: any context, NMI included, no lock.
 *
 * The fast path changes one word of its CPU, see stock.c, with an unlocked compare and exchange.
 * Everything else charges the chain: from the budget up to the one without parent, each level by a
 * compare and exchange that only succeeds within its limit.
 *
 * Never over a limit: a level's counter includes what CPUs hold in stock, and no step puts it above
 * the limit that it was compared with. A limit that is lowered takes effect for stocks, too, before
 * nebula_budget_set_limit() returns, see there.
 *
 * All or nothing: a level that refuses makes the levels below it give back what they took. In that
 * moment they may refuse another charge that would fit: its answer is right once both are through.
 * A first look at all levels makes that rare.
 *
 * What is outstanding here, that is charged and not given back, is the sum of @direct and of what
 * each CPU's word says is out. An uncharge that its CPU's word covers is taken at once: so much was
 * charged there. One that neither this nor @direct covers, because the bytes were charged from the
 * stock of another CPU, looks at the whole sum, see is_owed(), and makes @direct negative. Until
 * that CPU next empties its word, a second uncharge of the same bytes may get through there: it is
 * found, recorded and made up for when the stocks are collected, see budget_settle().
 */
#include <linux/export.h>
#include <linux/irqflags.h>
#include <nebula/compat.h>
#include "../core/context.h"
#include "../core/stats.h"
#include "../error/error.h"
#include "priv.h"

/* Times that the words of all CPUs are read until two readings agree. */
#define READINGS	16

/* One level. Returns whether it had room. Any context. */
static bool level_charge(struct nebula_budget *b, size_t bytes)
{
	long old = atomic_long_read(&b->charged);

	do {
		if (old + bytes > READ_ONCE(b->limit))
			return false;
	} while (!atomic_long_try_cmpxchg(&b->charged, &old, old + bytes));
	nebula_peak_raise(&b->peak, old + bytes);
	budget_state_check(b, old + bytes);
	return true;
}

static void level_uncharge(struct nebula_budget *b, size_t bytes)
{
	budget_state_check(b, atomic_long_sub_return(bytes, &b->charged));
}

/* Whatever the limit is. */
static void chain_charge_always(struct nebula_budget *b, size_t bytes)
{
	for (; b; b = b->parent)
		budget_state_check(b, atomic_long_add_return(bytes, &b->charged));
}

void budget_chain_uncharge(struct nebula_budget *b, size_t bytes)
{
	for (; bytes && b; b = b->parent)
		level_uncharge(b, bytes);
}

static bool has_room(const struct nebula_budget *b, size_t bytes)
{
	return atomic_long_read(&b->charged) + bytes <= READ_ONCE(b->limit);
}

/* Returns the level that refused, or NULL. */
static struct nebula_budget *chain_charge(struct nebula_budget *b, size_t bytes)
{
	struct nebula_budget *level, *undo;

	for (level = b; level; level = level->parent)
		if (!has_room(level, bytes))
			return level;
	for (level = b; level; level = level->parent) {
		if (level_charge(level, bytes))
			continue;
		for (undo = b; undo != level; undo = undo->parent)
			level_uncharge(undo, bytes);
		return level;
	}
	return NULL;
}

/* What may be charged beyond @bytes for the stock, without leaving any level's range. */
static size_t stock_for(struct nebula_budget *b, size_t bytes)
{
	const struct nebula_budget *level;
	size_t extra = READ_ONCE(b->cap) / 2;
	size_t charged, end;

	if (bytes > extra)
		return 0;
	if (this_cpu_read(b->cpus->eager) < BUDGET_EAGER) {
		this_cpu_inc(b->cpus->eager);
		return 0;
	}
	for (level = b; level; level = level->parent) {
		charged = atomic_long_read(&level->charged) + bytes;
		end = READ_ONCE(level->high);
		if (READ_ONCE(level->no_stock) || atomic_read(&level->starved) || charged >= end)
			return 0;
		extra = min(extra, end - 1 - charged);
	}
	return extra;
}

/* Bytes that were charged to the chain become this CPU's stock, unless it has one. */
static void fill_stock(struct nebula_budget *b, size_t bytes)
{
	unsigned long none = 0;

	if (bytes && !nebula_this_cpu_cas(b->cpus->word, &none, bytes << 32 | bytes))
		budget_chain_uncharge(b, bytes);
}

/* The same with what is left of the stock, of which @extra bytes are to remain. */
static struct nebula_budget *charge_with_stock(struct nebula_budget *b, size_t bytes,
					       size_t extra)
{
	struct nebula_budget *refused = NULL;
	size_t have = budget_take_stock(b);

	if (have < bytes + extra && extra && !chain_charge(b, bytes + extra - have))
		have = bytes + extra;
	if (have < bytes) {
		refused = chain_charge(b, bytes - have);
		if (!refused)
			have = bytes;
	}
	if (refused) {
		budget_chain_uncharge(b, have);
		return refused;
	}
	atomic_long_add(bytes, &b->direct);
	if (extra)
		fill_stock(b, have - bytes);
	else
		budget_chain_uncharge(b, have - bytes);
	return NULL;
}

/*
 * Charges the chain, for @bytes and perhaps a new stock. Interrupts are off: an interrupt that
 * collects stocks comes before all of this, or after it. Returns the level that refused, or NULL.
 */
static struct nebula_budget *charge_here(struct nebula_budget *b, size_t bytes)
{
	const size_t extra = stock_for(b, bytes);

	if (!extra && !chain_charge(b, bytes)) {
		atomic_long_add(bytes, &b->direct);
		return NULL;
	}
	return charge_with_stock(b, bytes, extra);
}

static struct nebula_budget *charge_chain(struct nebula_budget *b, size_t bytes)
{
	struct nebula_budget *refused;
	unsigned long flags;

	local_irq_save(flags);
	refused = charge_here(b, bytes);
	local_irq_restore(flags);
	return refused;
}

/*
 * Where stocks stand in the way of a charge, collects them and charges again while no CPU may fill
 * one; each time another level may be the one that has too much in stock. Process context.
 */
static struct nebula_budget *charge_collecting(struct nebula_budget *b,
					       struct nebula_budget *refused, size_t bytes)
{
	struct nebula_budget *level;
	unsigned int i;

	for (i = 0; refused && i < 2 * NEBULA_BUDGET_DEPTH_MAX; i++) {
		level = refused;
		if (nebula_budget_used(level) + bytes > READ_ONCE(level->limit))
			break;
		atomic_inc(&level->starved);
		mutex_lock(&budget_tree_lock);
		budget_collect(level);
		mutex_unlock(&budget_tree_lock);
		refused = charge_chain(b, bytes);
		atomic_dec(&level->starved);
	}
	return refused;
}

static void count_charge(struct nebula_budget *b, size_t bytes)
{
	this_cpu_inc(b->cpus->charges);
	if (unlikely(bytes > this_cpu_read(b->cpus->largest)))
		this_cpu_write(b->cpus->largest, bytes);
}

/* What is refused for good. */
static int refuse(struct nebula_budget *b, struct nebula_budget *by, size_t bytes)
{
	const size_t used = nebula_budget_used(by);
	const size_t limit = READ_ONCE(by->limit);
	/* There would be room, if it were not for the stocks. */
	const bool early = bytes <= limit && used <= limit - bytes;
	struct nebula_budget *level;

	for (level = b; level != by; level = level->parent)
		atomic_long_inc(&level->refused);
	atomic_long_inc(&by->refused);
	if (early)
		atomic_long_inc(&by->early);
	return nebula_fail(&b->common, NEBULA_E_BUDGET_EXCEEDED, .size = bytes,
			   .need = used + bytes, .value = used, .limit = limit,
			   .detail = early ? NEBULA_D_STOCKS : NEBULA_D_NONE,
			   .what = nebula_budget_name(by));
}

/* Everything but a charge that the stock of this CPU covers. */
static noinline int charge_slow(struct nebula_budget *b, size_t bytes, bool may_sleep)
{
	struct nebula_budget *refused;

	if (!bytes)
		return 0;
	if (bytes > NEBULA_CAPACITY_MAX)
		return nebula_fail(&b->common, NEBULA_E_SIZE_OVERFLOW, .size = bytes,
				   .what = "charge");
	if (bytes > READ_ONCE(b->most))
		return nebula_fail(&b->common, NEBULA_E_BUDGET_PER_ALLOC, .size = bytes,
				   .value = bytes, .limit = READ_ONCE(b->most),
				   .what = nebula_budget_name(b));
	refused = charge_chain(b, bytes);
	if (refused && may_sleep)
		refused = charge_collecting(b, refused, bytes);
	if (refused)
		return refuse(b, refused, bytes);
	count_charge(b, bytes);
	return 0;
}

static __always_inline bool charge_fast(struct nebula_budget *b, size_t bytes)
{
	unsigned long word = this_cpu_read(b->cpus->word);

	/* 0 is none of a size either. */
	if (unlikely(bytes - 1 >= READ_ONCE(b->most)))
		return false;
	do {
		if (unlikely(bytes > budget_word_stock(word)))
			return false;
	} while (!nebula_this_cpu_cas(b->cpus->word, &word, word - bytes));
	count_charge(b, bytes);
	return true;
}

/*
 * Sleeping is right for certain only where the kernel counts what forbids it. Elsewhere a task that
 * holds a spinlock looks like one that does not.
 */
static bool may_sleep_for_certain(void)
{
	return IS_ENABLED(CONFIG_PREEMPT_COUNT) && preemptible();
}

int nebula_budget_charge(struct nebula_budget *b, size_t bytes)
{
	return likely(charge_fast(b, bytes)) ? 0 : charge_slow(b, bytes, may_sleep_for_certain());
}
EXPORT_SYMBOL_GPL(nebula_budget_charge);

int nebula_budget_charge_gfp(struct nebula_budget *b, size_t bytes, gfp_t gfp)
{
	const bool may_sleep = gfpflags_allow_blocking(gfp) && !nebula_atomic_context();
	struct nebula_quiet *quiet;
	int ret;

	if (likely(charge_fast(b, bytes)))
		return 0;
	quiet = nebula_quiet_enter_gfp(gfp);
	ret = charge_slow(b, bytes, may_sleep);
	nebula_quiet_exit(quiet);
	return ret;
}
EXPORT_SYMBOL_GPL(nebula_budget_charge_gfp);

/* Words first: a CPU that empties its word adds to @direct before that, and is counted twice. */
static long read_outstanding(const struct nebula_budget *b, unsigned long *version)
{
	long sum = 0;
	int cpu;

	*version = 0;
	for_each_possible_cpu(cpu) {
		const struct budget_cpu *c = per_cpu_ptr(b->cpus, cpu);
		const unsigned long word = READ_ONCE(c->word);

		sum += budget_word_out(word);
		*version = *version * 31 + word + READ_ONCE(c->charges) + READ_ONCE(c->uncharges);
	}
	smp_rmb();	/* Pairs with the full barrier of atomic_long_add_return() in stock.c. */
	return sum + atomic_long_read(&b->direct);
}

/* What is outstanding at this moment; exact when nothing is in flight. Any context. */
long budget_outstanding(const struct nebula_budget *b)
{
	unsigned long version;

	return read_outstanding(b, &version);
}

/*
 * Is so much outstanding? The caller that owns it knows that it is, at every moment; so the answer
 * may be no only when the words were read as they stood at one moment: two readings agree in
 * everything, also in how often each CPU charged and uncharged. While other CPUs are so busy that
 * no two do, the answer is yes, and a fault is found when the stocks are collected. Any context.
 */
static bool is_owed(const struct nebula_budget *b, size_t bytes, long *direct)
{
	unsigned long version, before = 0;
	long sum, last = 0;
	unsigned int i;

	for (i = 0; i < READINGS; i++) {
		*direct = atomic_long_read(&b->direct);
		sum = read_outstanding(b, &version);
		if (sum >= (long)bytes)
			return true;
		if (i && sum == last && version == before)
			return false;
		last = sum;
		before = version;
	}
	return true;
}

/*
 * More was given back than charged, and only now that shows: record it, and count what is left as
 * it is. Process context.
 */
void budget_settle(struct nebula_budget *b)
{
	long direct, sum;

	if (is_owed(b, 0, &direct))
		return;
	sum = -budget_outstanding(b);
	if (sum <= 0)
		return;
	atomic_long_add(sum, &b->direct);
	chain_charge_always(b, sum);
	nebula_fail(&b->common, NEBULA_E_UNCHARGE_UNDERFLOW, .size = sum,
		    .what = nebula_budget_name(b));
}

static noinline int uncharge_slow(struct nebula_budget *b, size_t bytes)
{
	long direct = atomic_long_read(&b->direct);

	if (!bytes)
		return 0;
	do {
		if ((direct < 0 || (size_t)direct < bytes) &&
		    (bytes > NEBULA_CAPACITY_MAX || !is_owed(b, bytes, &direct)))
			return nebula_fail(&b->common, NEBULA_E_UNCHARGE_UNDERFLOW, .size = bytes,
					   .value = max(budget_outstanding(b), 0L),
					   .what = nebula_budget_name(b));
	} while (!atomic_long_try_cmpxchg(&b->direct, &direct, direct - (long)bytes));
	budget_chain_uncharge(b, bytes);
	this_cpu_inc(b->cpus->uncharges);
	return 0;
}

int nebula_budget_uncharge(struct nebula_budget *b, size_t bytes)
{
	unsigned long word = this_cpu_read(b->cpus->word);

	do {
		/* 0 goes there, too. */
		if (unlikely(bytes - 1 >= budget_word_out(word)))
			return uncharge_slow(b, bytes);
	} while (!nebula_this_cpu_cas(b->cpus->word, &word, word + bytes));
	this_cpu_inc(b->cpus->uncharges);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_budget_uncharge);
