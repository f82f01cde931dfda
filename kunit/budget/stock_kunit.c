// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stocks that CPUs have of budgets: figures stay exact, no charge is refused for them where the
 * caller may sleep, limits hold for them, too; all contexts at once, and an interruption at each
 * instruction of charge and uncharge.
 */
#include <linux/bitmap.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/kallsyms.h>
#include <linux/notifier.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include "../../module/budget/priv.h"
#include "../contexts.h"
#include "../fixture.h"
#include "../probes.h"

/* Large enough for stocks. */
#define LIMIT		((size_t)SZ_64M)
#define PIECE		64

/* Charges that lead across a threshold. */
#define STEPS		16

static struct nebula_budget *budget(struct kunit *test, size_t limit, struct nebula_budget *up)
{
	struct nebula_budget *b = nebula_budget_below(up, "stock", limit);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	return b;
}

static void end(struct kunit *test, struct nebula_budget *b)
{
	KUNIT_EXPECT_EQ(test, nebula_budget_destroy(b), 0);
}

static u64 stocked(const struct nebula_budget *b)
{
	struct nebula_budget_stats st;

	nebula_budget_stats_read(b, &st);
	return st.stocked;
}

/**
 * struct order - what a CPU shall do, in an interrupt
 * @budget: the budget.
 * @charges: charges, each of @bytes.
 * @uncharges: uncharges, each of @bytes.
 * @bytes: bytes.
 * @failed: calls that failed.
 */
struct order {
	struct nebula_budget *budget;
	unsigned int charges;
	unsigned int uncharges;
	size_t bytes;
	unsigned int failed;
};

static void carry_out(void *data)
{
	struct order *o = data;
	unsigned int i;

	for (i = 0; i < o->charges; i++)
		o->failed += nebula_budget_charge(o->budget, o->bytes) != 0;
	for (i = 0; i < o->uncharges; i++)
		o->failed += nebula_budget_uncharge(o->budget, o->bytes) != 0;
}

/* Returns how many calls failed. */
static unsigned int on_cpu(int cpu, struct nebula_budget *b, unsigned int charges,
			   unsigned int uncharges, size_t bytes)
{
	struct order o = {
		.budget = b, .charges = charges, .uncharges = uncharges, .bytes = bytes,
	};

	smp_call_function_single(cpu, carry_out, &o, true);
	return o.failed;
}

/* The CPU has a stock then, and nothing is used. */
static void warm(struct kunit *test, int cpu, struct nebula_budget *b)
{
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 2 * BUDGET_EAGER, 2 * BUDGET_EAGER, PIECE), 0U);
	KUNIT_EXPECT_GT(test, stocked(b), 0ULL);
	KUNIT_EXPECT_EQ(test, nebula_budget_used(b), (size_t)0);
}

static void stock_is_not_used(struct kunit *test)
{
	struct nebula_budget *up = budget(test, LIMIT, NULL), *b = budget(test, LIMIT, up);
	const int cpu = fixture_cpu();
	unsigned int n;

	for (n = 1; n <= 100; n++) {
		KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 1, 0, PIECE), 0U);
		KUNIT_EXPECT_EQ(test, nebula_budget_used(b), (size_t)n * PIECE);
		KUNIT_EXPECT_EQ(test, nebula_budget_used(up), (size_t)n * PIECE);
	}
	KUNIT_EXPECT_GT(test, stocked(b), 0ULL);
	KUNIT_EXPECT_EQ(test, stocked(up), stocked(b));
	KUNIT_EXPECT_LE(test, stocked(b), (u64)LIMIT / 64);
	KUNIT_EXPECT_LE(test, nebula_budget_peak(b), 100 * PIECE + LIMIT / 64);
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 0, 100, PIECE), 0U);
	KUNIT_EXPECT_EQ(test, nebula_budget_used(up), (size_t)0);
	end(test, b);
	end(test, up);
}

/* Where the share of a CPU would be too little there is none, and all is exact. */
static void stock_is_for_large_limits(struct kunit *test)
{
	struct nebula_budget *b = budget(test, SZ_64K, NULL);

	KUNIT_EXPECT_EQ(test, on_cpu(fixture_cpu(), b, 100, 100, PIECE), 0U);
	KUNIT_EXPECT_EQ(test, stocked(b), 0ULL);
	KUNIT_EXPECT_EQ(test, nebula_budget_peak(b), (size_t)100 * PIECE);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(b, LIMIT), 0);
	warm(test, fixture_cpu(), b);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(b, SZ_64K), 0);
	KUNIT_EXPECT_EQ(test, stocked(b), 0ULL);
	end(test, b);
}

/* All of the limit can be had, whatever CPU has which part of it in stock, here or below. */
static void stock_is_collected(struct kunit *test)
{
	const int cpu = fixture_cpu(), other = fixture_other_cpu(test);
	struct nebula_budget *up = budget(test, LIMIT, NULL);
	struct nebula_budget *b = budget(test, LIMIT, up), *sibling = budget(test, LIMIT, up);
	struct nebula_budget_stats st;

	warm(test, cpu, b);
	warm(test, other, b);
	warm(test, other, sibling);
	warm(test, other, up);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge_gfp(b, LIMIT, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_used(up), LIMIT);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge_gfp(b, 1, GFP_KERNEL), -ENOMEM);
	nebula_budget_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.refused, 1ULL);
	KUNIT_EXPECT_EQ(test, st.early, 0ULL);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, LIMIT), 0);
	end(test, sibling);
	end(test, b);
	end(test, up);
}

static void stock_refuses_early(struct kunit *test)
{
	const int cpu = fixture_cpu(), other = fixture_other_cpu(test);
	struct nebula_budget *b = budget(test, LIMIT, NULL);
	struct nebula_budget_stats st;
	struct nebula_error err;

	warm(test, other, b);
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 1, 0, LIMIT), 1U);
	nebula_budget_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.refused, 1ULL);
	KUNIT_EXPECT_EQ(test, st.early, 1ULL);
	KUNIT_EXPECT_TRUE(test, nebula_allocator_last_error(&b->common, &err));
	KUNIT_EXPECT_EQ(test, err.detail, NEBULA_D_STOCKS);
	/* By no more than that. */
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 1, 1, LIMIT - st.stocked), 0U);
	/* What is in stock here is not in the way. */
	KUNIT_EXPECT_EQ(test, on_cpu(other, b, 1, 1, LIMIT), 0U);
	end(test, b);
}

/* What one CPU charged from its stock, the others give back. */
static void stock_goes_from_cpu_to_cpu(struct kunit *test)
{
	const int cpu = fixture_cpu(), other = fixture_other_cpu(test);
	struct nebula_budget *b = budget(test, LIMIT, NULL);

	warm(test, cpu, b);
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 100, 0, PIECE), 0U);
	KUNIT_EXPECT_EQ(test, on_cpu(other, b, 0, 100, PIECE), 0U);
	KUNIT_EXPECT_EQ(test, nebula_budget_used(b), (size_t)0);
	KUNIT_EXPECT_EQ(test, on_cpu(other, b, 0, 1, PIECE), 1U);
	EXPECT_ERROR(test, &b->common, NEBULA_E_UNCHARGE_UNDERFLOW);
	KUNIT_EXPECT_EQ(test, nebula_budget_used(b), (size_t)0);
	end(test, b);
}

/*
 * Given back on another CPU and then, once more, where it was charged: that is found when the
 * stocks are collected, and no figure is wrong then.
 */
static void stock_finds_what_was_given_back_twice(struct kunit *test)
{
	const int cpu = fixture_cpu(), other = fixture_other_cpu(test);
	struct nebula_budget *up = budget(test, LIMIT, NULL), *b = budget(test, LIMIT, up);

	warm(test, cpu, b);
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 1, 0, PIECE), 0U);
	KUNIT_EXPECT_EQ(test, on_cpu(other, b, 0, 1, PIECE), 0U);
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 0, 1, PIECE), 0U);
	fixture_listen(test);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(b, LIMIT - 1), 0);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_UNCHARGE_UNDERFLOW, NULL), 1U);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge_gfp(b, LIMIT - 1, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_used(up), LIMIT - 1);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, LIMIT - 1), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_used(up), (size_t)0);
	end(test, b);
	end(test, up);
}

/* No CPU charges more while too much is charged, not even from what that CPU gives back. */
static void stock_obeys_a_lower_limit(struct kunit *test)
{
	const int cpu = fixture_cpu(), other = fixture_other_cpu(test);
	struct nebula_budget *up = budget(test, LIMIT, NULL), *b = budget(test, LIMIT, up);

	warm(test, cpu, b);
	warm(test, other, b);
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 100, 0, PIECE), 0U);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(up, 99 * PIECE), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_state(up), NEBULA_BUDGET_EXCEEDED);
	KUNIT_EXPECT_EQ(test, stocked(up), 0ULL);
	KUNIT_EXPECT_EQ(test, on_cpu(other, b, 1, 0, PIECE), 1U);
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 1, 1, PIECE), 1U);
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 1, 1, PIECE), 1U);
	KUNIT_EXPECT_EQ(test, nebula_budget_used(up), (size_t)98 * PIECE);
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 1, 0, PIECE), 0U);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(up, LIMIT), 0);
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 0, 99, PIECE), 0U);
	end(test, b);
	end(test, up);
}

/**
 * struct herald - a notifier that keeps the newest state
 * @nb: the notifier.
 * @state: what it was told.
 */
struct herald {
	struct notifier_block nb;
	enum nebula_budget_state state;
};

static int herald_call(struct notifier_block *nb, unsigned long state, void *data)
{
	container_of(nb, struct herald, nb)->state = state;
	return NOTIFY_OK;
}

/* Returns how often the state changed, the notifier being told of each. */
static unsigned int step_across(struct kunit *test, struct nebula_budget *b, struct herald *h,
				size_t threshold)
{
	const size_t step = 20000, base = threshold - STEPS / 2 * step;
	const int cpu = fixture_cpu();
	unsigned int changes = 0, i;
	enum nebula_budget_state state, last;

	KUNIT_EXPECT_EQ(test, nebula_budget_charge_gfp(b, base, GFP_KERNEL), 0);
	nebula_budget_notifier_flush(b->parent);
	last = nebula_budget_state(b->parent);
	for (i = 0; i < 2 * STEPS; i++) {
		const unsigned int up = i < STEPS;

		KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, up, !up, step), 0U);
		nebula_budget_notifier_flush(b->parent);
		state = nebula_budget_state(b->parent);
		KUNIT_EXPECT_EQ_MSG(test, h->state, state, "%zu used",
				    nebula_budget_used(b->parent));
		changes += state != last;
		last = state;
	}
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, base), 0);
	return changes;
}

/* Around both thresholds, up and down: the notifier is told of the state of what is used. */
static void stock_keeps_no_state_back(struct kunit *test)
{
	struct nebula_budget *up = budget(test, LIMIT, NULL), *b = budget(test, LIMIT, up);
	struct herald *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	h->nb.notifier_call = herald_call;
	KUNIT_ASSERT_EQ(test, nebula_budget_notifier_register(up, &h->nb), 0);
	warm(test, fixture_cpu(), b);
	KUNIT_EXPECT_EQ(test, step_across(test, b, h, LIMIT / 10 * 7), 2U);
	KUNIT_EXPECT_EQ(test, step_across(test, b, h, LIMIT / 10 * 9), 2U);
	KUNIT_EXPECT_EQ(test, nebula_budget_notifier_unregister(up, &h->nb), 0);
	end(test, b);
	end(test, up);
}

/*
 * One CPU charged from its stock before another one crossed the threshold; what it gives back leads
 * below it again.
 */
static void stock_of_another_keeps_no_state_back(struct kunit *test)
{
	struct nebula_budget *up = budget(test, LIMIT, NULL), *b = budget(test, LIMIT, up);
	const int cpu = fixture_cpu(), other = fixture_other_cpu(test);
	struct herald *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);
	const size_t threshold = LIMIT - LIMIT / 10 * 3, base = threshold - SZ_1M;

	h->nb.notifier_call = herald_call;
	KUNIT_ASSERT_EQ(test, nebula_budget_notifier_register(up, &h->nb), 0);
	warm(test, cpu, b);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge_gfp(b, base, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 10, 0, 1000), 0U);
	KUNIT_EXPECT_EQ(test, on_cpu(other, b, 1, 0, SZ_1M - 9000), 0U);
	nebula_budget_notifier_flush(up);
	KUNIT_EXPECT_EQ(test, nebula_budget_state(up), NEBULA_BUDGET_HIGH);
	KUNIT_EXPECT_EQ(test, h->state, NEBULA_BUDGET_HIGH);
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 0, 2, 1000), 0U);
	nebula_budget_notifier_flush(up);
	KUNIT_EXPECT_EQ(test, nebula_budget_state(up), NEBULA_BUDGET_NORMAL);
	KUNIT_EXPECT_EQ(test, h->state, NEBULA_BUDGET_NORMAL);
	KUNIT_EXPECT_EQ(test, nebula_budget_notifier_unregister(up, &h->nb), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, nebula_budget_used(b)), 0);
	end(test, b);
	end(test, up);
}

#ifdef CONFIG_HOTPLUG_CPU
/* What a CPU had comes back when it goes, and what it charged can be given back elsewhere. */
static void stock_of_a_cpu_that_goes(struct kunit *test)
{
	const int cpu = fixture_cpu(), other = fixture_other_cpu(test);
	struct nebula_budget *b = budget(test, LIMIT, NULL);

	warm(test, other, b);
	KUNIT_EXPECT_EQ(test, on_cpu(other, b, 10, 0, PIECE), 0U);
	KUNIT_ASSERT_EQ(test, remove_cpu(other), 0);
	KUNIT_EXPECT_EQ(test, stocked(b), 0ULL);
	KUNIT_EXPECT_EQ(test, nebula_budget_used(b), (size_t)10 * PIECE);
	KUNIT_EXPECT_EQ(test, on_cpu(cpu, b, 0, 10, PIECE), 0U);
	KUNIT_ASSERT_EQ(test, add_cpu(other), 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&b->direct), 0L);
	end(test, b);
}
#else
static void stock_of_a_cpu_that_goes(struct kunit *test)
{
	kunit_skip(test, "CPUs of this kernel stay");
}
#endif

/* All at once */

#define THREADS		4
#define TURNS		(IS_ENABLED(CONFIG_KASAN) ? 3000 : 20000)
#define LEAVES		2
#define HELD		6
#define SWAPS		8

/**
 * struct charge - what a context has charged
 * @bytes: how many; 0: nothing.
 * @leaf: to which budget.
 */
struct charge {
	size_t bytes;
	unsigned int leaf;
};

/**
 * struct treasury - budgets that all contexts charge
 * @up: the parent.
 * @leaf: its children, whose limits are larger together than its own.
 * @known: what is charged to each, and to the parent, for certain. Any context.
 * @random: of each context.
 * @held: of each context.
 * @swap: charges that go from context to context: bytes and leaf in one word. Any context.
 * @over: charges that were more than a limit. Any context.
 * @refused: charges that were refused. Any context.
 * @failed: uncharges that were refused. Any context.
 */
struct treasury {
	struct nebula_budget *up;
	struct nebula_budget *leaf[LEAVES];
	atomic_long_t known[LEAVES + 1];
	struct rnd_state *random;
	struct charge (*held)[HELD];
	unsigned long swap[SWAPS];
	atomic_t over;
	atomic_t refused;
	atomic_t failed;
};

static void take_charge(struct treasury *t, struct charge *c, u32 random)
{
	const size_t most = random % 4 ? 4000 : SZ_1M;

	c->leaf = random / 4 % LEAVES;
	c->bytes = 1 + random / 8 % most;
	if (nebula_budget_charge(t->leaf[c->leaf], c->bytes)) {
		atomic_inc(&t->refused);
		c->bytes = 0;
		return;
	}
	/* Counted only after it was charged, and no longer before it is given back. */
	if (atomic_long_add_return(c->bytes, &t->known[c->leaf]) >
	    nebula_budget_limit(t->leaf[c->leaf]) ||
	    atomic_long_add_return(c->bytes, &t->known[LEAVES]) > nebula_budget_limit(t->up))
		atomic_inc(&t->over);
}

static void give_charge(struct treasury *t, struct charge *c)
{
	if (!c->bytes)
		return;
	atomic_long_sub(c->bytes, &t->known[c->leaf]);
	atomic_long_sub(c->bytes, &t->known[LEAVES]);
	if (nebula_budget_uncharge(t->leaf[c->leaf], c->bytes))
		atomic_inc(&t->failed);
	c->bytes = 0;
}

static void swap_charge(struct treasury *t, struct charge *c, u32 random)
{
	const unsigned long word = xchg(&t->swap[random % SWAPS], c->bytes * LEAVES + c->leaf);

	c->bytes = word / LEAVES;
	c->leaf = word % LEAVES;
}

static void treasury_turn(struct contexts *contexts, unsigned int who)
{
	struct treasury *t = contexts->data;
	u32 random = prandom_u32_state(&t->random[who]);
	struct charge *c = &t->held[who][random % HELD];

	random /= HELD;
	if (random % 3 == 0)
		swap_charge(t, c, random / 3);
	else if (c->bytes)
		give_charge(t, c);
	else
		take_charge(t, c, random / 3);
}

static struct treasury *treasury_create(struct kunit *test, unsigned int contexts)
{
	struct treasury *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	t->random = kunit_kcalloc(test, contexts, sizeof(*t->random), GFP_KERNEL);
	t->held = kunit_kcalloc(test, contexts, sizeof(*t->held), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, t->random);
	KUNIT_ASSERT_NOT_NULL(test, t->held);
	for (i = 0; i < contexts; i++)
		prandom_seed_state(&t->random[i], FIXTURE_SEED + i);
	/* Room for two or three of the large charges at most: one charge in four is one. */
	t->up = budget(test, SZ_2M, NULL);
	for (i = 0; i < LEAVES; i++)
		t->leaf[i] = budget(test, SZ_2M - SZ_512K * i, t->up);
	return t;
}

static void treasury_settle(struct kunit *test, struct treasury *t, unsigned int contexts)
{
	struct charge c;
	unsigned int i, n;

	for (i = 0; i < LEAVES; i++)
		KUNIT_EXPECT_EQ(test, nebula_budget_used(t->leaf[i]),
				(size_t)atomic_long_read(&t->known[i]));
	for (i = 0; i < contexts; i++)
		for (n = 0; n < HELD; n++)
			give_charge(t, &t->held[i][n]);
	for (i = 0; i < SWAPS; i++) {
		c = (struct charge){ };
		swap_charge(t, &c, i);
		give_charge(t, &c);
	}
	KUNIT_EXPECT_EQ(test, nebula_budget_used(t->up), (size_t)0);
}

/* Each limit is held at every moment, and can be had to the byte once it is quiet again. */
static void stock_in_all_contexts(struct kunit *test)
{
	struct contexts *contexts = contexts_create(test, THREADS, treasury_turn, NULL);
	struct treasury *t = treasury_create(test, contexts_count(contexts));
	struct nebula_budget_stats st;
	unsigned int i;

	contexts->data = t;
	contexts_run(test, contexts, TURNS);
	nebula_budget_stats_read(t->up, &st);
	kunit_info(test, "%d refused, %llu of them early; %llu bytes in stock\n",
		   atomic_read(&t->refused), st.early, st.stocked);
	treasury_settle(test, t, contexts_count(contexts));
	KUNIT_EXPECT_EQ(test, atomic_read(&t->over), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->failed), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&t->refused), 0);
	for (i = 0; i < LEAVES; i++) {
		const size_t limit = nebula_budget_limit(t->leaf[i]);

		KUNIT_EXPECT_EQ(test, nebula_budget_charge_gfp(t->leaf[i], limit, GFP_KERNEL), 0);
		KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(t->leaf[i], limit), 0);
		KUNIT_EXPECT_LE(test, nebula_budget_peak(t->leaf[i]), limit);
		end(test, t->leaf[i]);
	}
	end(test, t->up);
}

#ifdef HAVE_PROBES

/* Bytes of the longest function. */
#define FUNCTION_SIZE	4096U

/**
 * struct scene - what is interrupted at each instruction
 * @budget: the budget, with a stock.
 * @task: the task that is interrupted.
 * @working: it is.
 * @nested: interruptions.
 * @faults: calls that failed.
 * @random: of the interruptions.
 * @start: of the function.
 * @seen: its instructions that were interrupted, by offset.
 */
static struct scene {
	struct nebula_budget *budget;
	struct task_struct *task;
	bool working;
	unsigned int nested;
	unsigned int faults;
	struct rnd_state random;
	unsigned long start;
	DECLARE_BITMAP(seen, FUNCTION_SIZE);
} scene;

/* From the stock, from the chain, and all that is out at once. */
static void charge_and_uncharge(void)
{
	struct nebula_budget *b = scene.budget;

	scene.faults += nebula_budget_charge(b, PIECE) != 0;
	scene.faults += nebula_budget_charge(b, SZ_4M) != 0;
	scene.faults += nebula_budget_charge(b, 2 * PIECE) != 0;
	scene.faults += nebula_budget_uncharge(b, SZ_4M) != 0;
	scene.faults += nebula_budget_uncharge(b, 3 * PIECE) != 0;
}

static void breakpoint_hit(struct perf_event *bp, struct perf_sample_data *data,
			   struct pt_regs *regs)
{
	const unsigned long offset = instruction_pointer(regs) - scene.start;

	if (current != scene.task || !scene.working || offset >= FUNCTION_SIZE)
		return;
	__set_bit(offset, scene.seen);
	scene.nested++;
	charge_and_uncharge();
	/* Now and then the interrupted operation finds the word empty. */
	if (prandom_u32_state(&scene.random) % 2)
		this_cpu_write(scene.budget->cpus->eager, BUDGET_EAGER);
}

static void empty_word(void)
{
	struct budget_cpu *c = raw_cpu_ptr(scene.budget->cpus);
	const unsigned long word = c->word;
	struct nebula_budget *b;

	atomic_long_add(budget_word_out(word), &scene.budget->direct);
	c->word = 0;
	for (b = scene.budget; b; b = b->parent)
		atomic_long_sub(budget_word_stock(word), &b->charged);
}

static void exercise(bool empty)
{
	preempt_disable();
	if (empty)
		empty_word();
	scene.working = true;
	charge_and_uncharge();
	scene.working = false;
	preempt_enable();
}

static bool scene_is_well(struct kunit *test, unsigned long addr)
{
	const struct nebula_budget *b = scene.budget;

	if (!scene.faults && !nebula_budget_used(b) && !nebula_budget_used(b->parent))
		return true;
	KUNIT_FAIL(test, "%pS: %u faults, %zu used", (void *)addr, scene.faults,
		   nebula_budget_used(b));
	return false;
}

static bool interrupt_function(struct kunit *test, struct breakpoints *bs, unsigned long function)
{
	const unsigned int size = min(probes_size(function), FUNCTION_SIZE);
	unsigned int offset;

	scene.start = function;
	bitmap_zero(scene.seen, FUNCTION_SIZE);
	for (offset = 0; offset < size; offset += BREAKPOINTS) {
		breakpoints_move(bs, function + offset);
		exercise(false);
		exercise(true);
		if (!scene_is_well(test, function + offset))
			return false;
	}
	return true;
}

static bool is_of_charging(unsigned long function)
{
	static const char *const prefixes[] = {
		"nebula_budget_charge", "nebula_budget_uncharge", "charge_", "uncharge_",
		"chain_", "level_", "budget_chain", "budget_take", "fill_stock", "stock_for",
		"is_owed", "read_outstanding",
	};
	static char name[KSYM_SYMBOL_LEN];
	unsigned int i;

	sprint_symbol_no_offset(name, function);
	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strstarts(name, prefixes[i]))
			return true;
	return false;
}

static void stock_at_each_instruction(struct kunit *test)
{
	struct nebula_budget *up = budget(test, LIMIT, NULL);
	unsigned int i, n, interrupted = 0;
	unsigned long *functions;
	struct breakpoints bs;

	scene = (struct scene){ .budget = budget(test, LIMIT, up), .task = current };
	prandom_seed_state(&scene.random, FIXTURE_SEED);
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	warm(test, raw_smp_processor_id(), scene.budget);
	functions = kunit_kcalloc(test, FUNCTIONS_MAX, sizeof(*functions), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, functions);
	n = probes_functions(nebula_budget_charge, functions, FUNCTIONS_MAX);
	KUNIT_ASSERT_GT(test, n, 0U);
	breakpoints_create(test, &bs, functions[0], breakpoint_hit);
	for (i = 0; i < n; i++) {
		if (!is_of_charging(functions[i]))
			continue;
		if (!interrupt_function(test, &bs, functions[i]))
			break;
		interrupted += bitmap_weight(scene.seen, FUNCTION_SIZE);
	}
	breakpoints_destroy(&bs);
	kunit_info(test, "%u instructions interrupted, %u times\n", interrupted, scene.nested);
	KUNIT_EXPECT_GE(test, interrupted, 100U);
	end(test, scene.budget);
	end(test, up);
}

#else

static void stock_at_each_instruction(struct kunit *test)
{
	kunit_skip(test, "this kernel has no kprobes or no breakpoints");
}

#endif

static struct kunit_case cases[] = {
	KUNIT_CASE(stock_is_not_used),
	KUNIT_CASE(stock_is_for_large_limits),
	KUNIT_CASE(stock_is_collected),
	KUNIT_CASE(stock_refuses_early),
	KUNIT_CASE(stock_goes_from_cpu_to_cpu),
	KUNIT_CASE(stock_finds_what_was_given_back_twice),
	KUNIT_CASE(stock_obeys_a_lower_limit),
	KUNIT_CASE(stock_keeps_no_state_back),
	KUNIT_CASE(stock_of_another_keeps_no_state_back),
	KUNIT_CASE(stock_of_a_cpu_that_goes),
	KUNIT_CASE(stock_in_all_contexts),
	KUNIT_CASE(stock_at_each_instruction),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_budget_stock",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
