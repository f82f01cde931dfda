// SPDX-License-Identifier: GPL-2.0-only
/* Budgets: charge and uncharge from the stock of a CPU, and without one. */
#include <linux/err.h>
#include <linux/sizes.h>
#include <nebula/nebula.h>
#include "measure.h"

/* So little that BENCH_OPS of them are charged from one stock. */
#define SMALL	16

static struct nebula_budget *top, *middle, *leaf, *exact;
static struct nebula_bump *bump;
static struct nebula_pool *pool;
static unsigned int failed;

static __always_inline void charge(struct nebula_budget *b, size_t bytes)
{
	if (nebula_budget_charge(b, bytes))
		failed++;
}

static __always_inline void pair(struct nebula_budget *b, size_t bytes)
{
	charge(b, bytes);
	nebula_budget_uncharge(b, bytes);
}

static __always_inline void bump_alloc(struct nebula_bump *b)
{
	void *p = nebula_bump_alloc(b, 64, 8);

	if (unlikely(!p))
		nebula_bump_reset(b);
	bench_use(p);
}

static __always_inline void pool_pair(struct nebula_pool *p)
{
	void *obj = nebula_pool_alloc(p);

	bench_use(obj);
	nebula_pool_free(p, obj);
}

static DEFINE_BENCH_LOOP(budget_charge, leaf, charge(it, 64));
static DEFINE_BENCH_LOOP(budget_uncharge, leaf, nebula_budget_uncharge(it, SMALL));
static DEFINE_BENCH_LOOP(budget_pair, leaf, pair(it, 64));
static DEFINE_BENCH_LOOP(budget_pair_exact, exact, pair(it, 64));
static DEFINE_BENCH_LOOP(budget_refused, exact, failed -= !nebula_budget_charge(it, SZ_8K));
static DEFINE_BENCH_LOOP(budget_bump_alloc, bump, bump_alloc(it));
static DEFINE_BENCH_LOOP(budget_pool_pair, pool, pool_pair(it));

static int destroy(void)
{
	nebula_bump_destroy(bump);
	nebula_pool_destroy(pool);
	if (nebula_budget_used(leaf))
		nebula_budget_uncharge(leaf, nebula_budget_used(leaf));
	return nebula_budget_destroy(exact) | nebula_budget_destroy(leaf) |
	       nebula_budget_destroy(middle) | nebula_budget_destroy(top) | failed;
}

/* Three levels; those below have stocks, but for the one that is too small. */
static int create(void)
{
	unsigned int i;

	failed = 0;
	top = nebula_budget_of("bench", SZ_1G);
	middle = nebula_budget_below(top, "bench", SZ_1G);
	leaf = nebula_budget_below(middle, "bench", SZ_1G);
	exact = nebula_budget_below(middle, "exact", SZ_4K);
	bump = nebula_bump_create("bench", .capacity = SZ_1M, .budget = leaf);
	pool = nebula_pool_create("bench", .block_size = 64, .blocks = 1000, .budget = leaf);
	if (IS_ERR(leaf) || IS_ERR(exact) || IS_ERR(bump) || IS_ERR(pool))
		return -ENOMEM;
	/* A CPU gets its stock once it charges often. */
	for (i = 0; i < 100; i++)
		pair(leaf, 64);
	return 0;
}

static void give_back(void)
{
	unsigned int i;

	for (i = 0; i < BENCH_OPS; i++)
		nebula_budget_uncharge(leaf, 64);
}

static void charge_small(void)
{
	unsigned int i;

	for (i = 0; i < BENCH_OPS; i++)
		charge(leaf, SMALL);
}

/* All that is measured to be given back was charged before, here. */
static int create_charged(void)
{
	int ret = create();

	if (!ret)
		charge_small();
	return ret;
}

#define BUDGET		.percpu = true, .setup = create, .teardown = destroy

static const struct bench_case cases[] = {
	BENCH_AVERAGE("budget_pair", "budget charge + uncharge", budget_pair, BUDGET,
		      .target = 60, .calls = "nebula_budget_charge,nebula_budget_uncharge"),
	BENCH_AVERAGE("budget_charge", "budget charge", budget_charge, BUDGET, .target = 40,
		      .undo = give_back, .calls = "nebula_budget_charge"),
	BENCH_AVERAGE("budget_uncharge", "budget uncharge", budget_uncharge, .percpu = true,
		      .setup = create_charged, .undo = charge_small, .teardown = destroy,
		      .target = 40, .calls = "nebula_budget_uncharge"),
	BENCH_AVERAGE("budget_pair_exact", "budget charge + uncharge, no stock, three levels",
		      budget_pair_exact, BUDGET),
	BENCH_AVERAGE("budget_refused", "budget charge refused, in a flood", budget_refused,
		      BUDGET, .target = 400),
	BENCH_AVERAGE("budget_bump_alloc", "bump alloc, with a budget", budget_bump_alloc, BUDGET),
	BENCH_AVERAGE("budget_pool_pair", "pool alloc + free, with a budget", budget_pool_pair,
		      BUDGET),
};

const struct bench_table charge_table = { "budget", cases, ARRAY_SIZE(cases) };
