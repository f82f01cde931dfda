// SPDX-License-Identifier: GPL-2.0-only
/*
 * Budgets: what is charged, refused and given back, states and trees. The stocks of CPUs are in
 * stock_kunit.c, allocators that have a budget in attach_kunit.c.
 */
#include <linux/irqflags.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../../module/budget/priv.h"
#include "../../module/core/inject.h"
#include "../files.h"
#include "../fixture.h"
#include "../worker.h"
#include "budgets.h"

#define EXPECT_CODE(test, b, errc)	EXPECT_ERROR(test, &(b)->common, errc)

static struct nebula_error last_error(struct kunit *test, const struct nebula_budget *b)
{
	struct nebula_error err = { };

	KUNIT_EXPECT_TRUE(test, nebula_allocator_last_error(&b->common, &err));
	return err;
}

static void budget_counts(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "count", 1000, NULL);
	struct nebula_budget_stats st;

	EXPECT_USED(test, b, 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_limit(b), (size_t)1000);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 0), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 300), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 100), 0);
	EXPECT_USED(test, b, 400);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 250), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 0), 0);
	EXPECT_USED(test, b, 150);
	KUNIT_EXPECT_EQ(test, nebula_budget_peak(b), (size_t)400);
	nebula_budget_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.charges, 2ULL);
	KUNIT_EXPECT_EQ(test, st.uncharges, 1ULL);
	KUNIT_EXPECT_EQ(test, st.largest, 300ULL);
	KUNIT_EXPECT_EQ(test, st.refused, 0ULL);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 150), 0);
	end(test, b);
}

/* To the byte, and what is refused changes nothing. */
static void budget_refuses_beyond_limit(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "full", 1000, NULL);
	struct nebula_budget_stats st;
	struct nebula_error err;

	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 1001), -ENOMEM);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 1000), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 1), -ENOMEM);
	EXPECT_USED(test, b, 1000);
	err = last_error(test, b);
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_BUDGET_EXCEEDED);
	KUNIT_EXPECT_EQ(test, err.detail, NEBULA_D_NONE);
	KUNIT_EXPECT_EQ(test, err.size, (size_t)1);
	KUNIT_EXPECT_EQ(test, err.need, (size_t)1001);
	KUNIT_EXPECT_EQ(test, err.value, (size_t)1000);
	KUNIT_EXPECT_EQ(test, err.limit, (size_t)1000);
	KUNIT_EXPECT_STREQ(test, err.what, "full");
	nebula_budget_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.refused, 2ULL);
	KUNIT_EXPECT_EQ(test, st.early, 0ULL);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 1), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 1), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 1000), 0);
	end(test, b);
}

static void budget_limits_one_charge(struct kunit *test)
{
	struct nebula_budget *b = nebula_budget_create("each", .limit = 1000, .per_alloc = 100);
	struct nebula_error err;

	ASSERT_BUDGET(test, b);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 101), -E2BIG);
	err = last_error(test, b);
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_BUDGET_PER_ALLOC);
	KUNIT_EXPECT_EQ(test, err.limit, (size_t)100);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 100), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_per_alloc(b, 101), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 101), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_per_alloc(b, 0), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 500), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_per_alloc(b, SIZE_MAX), -EOVERFLOW);
	EXPECT_USED(test, b, 701);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 701), 0);
	end(test, b);
}

static void budget_refuses_absurd_sizes(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "absurd", NEBULA_CAPACITY_MAX, NULL);

	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 1), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, -1L), -EOVERFLOW);
	EXPECT_CODE(test, b, NEBULA_E_SIZE_OVERFLOW);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, NEBULA_CAPACITY_MAX + 1), -EOVERFLOW);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, NEBULA_CAPACITY_MAX), -ENOMEM);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, -1L), -ERANGE);
	EXPECT_CODE(test, b, NEBULA_E_UNCHARGE_UNDERFLOW);
	EXPECT_USED(test, b, 1);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 1), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, NEBULA_CAPACITY_MAX), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, NEBULA_CAPACITY_MAX), 0);
	end(test, b);
}

static void budget_refuses_too_much_back(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "back", 1000, NULL);
	struct nebula_error err;

	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 1), -ERANGE);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 100), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 101), -ERANGE);
	err = last_error(test, b);
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_UNCHARGE_UNDERFLOW);
	KUNIT_EXPECT_EQ(test, err.size, (size_t)101);
	KUNIT_EXPECT_EQ(test, err.value, (size_t)100);
	EXPECT_USED(test, b, 100);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 100), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 100), -ERANGE);
	EXPECT_USED(test, b, 0);
	end(test, b);
}

/* Trees */

static void budget_charges_all_above(struct kunit *test)
{
	struct nebula_budget *top = budget(test, "top", 1000, NULL);
	struct nebula_budget *middle = budget(test, "middle", 600, top);
	struct nebula_budget *leaf = budget(test, "leaf", 800, middle);
	struct nebula_budget *other = budget(test, "other", 900, top);

	KUNIT_EXPECT_EQ(test, nebula_budget_charge(leaf, 500), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(other, 300), 0);
	EXPECT_USED(test, leaf, 500);
	EXPECT_USED(test, middle, 500);
	EXPECT_USED(test, other, 300);
	EXPECT_USED(test, top, 800);
	/* What was charged below it is not its own to give back. */
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(middle, 500), -ERANGE);
	EXPECT_USED(test, middle, 500);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(leaf, 500), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(other, 300), 0);
	EXPECT_USED(test, top, 0);
	end(test, leaf);
	end(test, middle);
	end(test, other);
	end(test, top);
}

static void expect_refused_by(struct kunit *test, struct nebula_budget *leaf, size_t bytes,
			      const char *by, size_t limit)
{
	struct nebula_error err;

	KUNIT_EXPECT_EQ(test, nebula_budget_charge(leaf, bytes), -ENOMEM);
	err = last_error(test, leaf);
	KUNIT_EXPECT_STREQ(test, err.what, by);
	KUNIT_EXPECT_EQ(test, err.limit, limit);
}

/* Whichever level refuses, none is charged. */
static void budget_charges_all_or_none(struct kunit *test)
{
	struct nebula_budget *top = budget(test, "top", 1000, NULL);
	struct nebula_budget *middle = budget(test, "middle", 600, top);
	struct nebula_budget *leaf = budget(test, "leaf", 800, middle);
	struct nebula_budget_stats st;

	expect_refused_by(test, leaf, 801, "leaf", 800);
	expect_refused_by(test, leaf, 601, "middle", 600);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(top, 500), 0);
	expect_refused_by(test, leaf, 501, "top", 1000);
	EXPECT_USED(test, leaf, 0);
	EXPECT_USED(test, middle, 0);
	EXPECT_USED(test, top, 500);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(leaf, 500), 0);
	nebula_budget_stats_read(top, &st);
	KUNIT_EXPECT_EQ(test, st.refused, 1ULL);
	nebula_budget_stats_read(leaf, &st);
	KUNIT_EXPECT_EQ(test, st.refused, 3ULL);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(leaf, 500), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(top, 500), 0);
	end(test, leaf);
	end(test, middle);
	end(test, top);
}

/* Of two that charge at once, and of which the parent has room for one, none is charged in part. */
#define TURNS	50000

struct rival {
	struct worker worker;
	struct nebula_budget *budget;
};

static void charge_and_uncharge(void *data)
{
	struct rival *r = data;
	unsigned int i;

	for (i = 0; i < TURNS; i++)
		if (!nebula_budget_charge_gfp(r->budget, 1000, GFP_NOWAIT | __GFP_NOWARN))
			nebula_budget_uncharge(r->budget, 1000);
}

static void budget_charges_all_or_none_at_once(struct kunit *test)
{
	struct nebula_budget *top = budget(test, "top", 1000, NULL);
	struct rival rivals[2];
	unsigned int i;

	for (i = 0; i < 2; i++)
		rivals[i].budget = budget(test, "rival", 1000, top);
	for (i = 0; i < 2; i++)
		worker_start(test, &rivals[i].worker, i ? fixture_other_cpu(test) : fixture_cpu(),
			     charge_and_uncharge, &rivals[i]);
	for (i = 0; i < 2; i++)
		worker_join(&rivals[i].worker);
	for (i = 0; i < 2; i++) {
		EXPECT_USED(test, rivals[i].budget, 0);
		end(test, rivals[i].budget);
	}
	end(test, top);
}

static void budget_keeps_promises(struct kunit *test)
{
	struct nebula_budget *top = nebula_budget_create("strict", .limit = 1000, .strict = true);
	struct nebula_budget *a, *b;

	ASSERT_BUDGET(test, top);
	a = budget(test, "a", 600, top);
	fixture_listen(test);
	b = nebula_budget_create("b", .limit = 401, .parent = top);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(b), -EINVAL);
	b = budget(test, "b", 400, top);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(b, 401), -EINVAL);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(top, 999), -EINVAL);
	EXPECT_CODE(test, top, NEBULA_E_INVALID_CONFIG);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(a, 599), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(b, 401), 0);
	end(test, a);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(b, 1000), 0);
	end(test, b);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(top, 1), 0);
	end(test, top);
}

static void budget_is_not_too_deep(struct kunit *test)
{
	struct nebula_budget *b[NEBULA_BUDGET_DEPTH_MAX], *deeper;
	struct nebula_error err;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(b); i++)
		b[i] = budget(test, "deep", 1000, i ? b[i - 1] : NULL);
	fixture_listen(test);
	deeper = nebula_budget_create("deeper", .limit = 1, .parent = b[ARRAY_SIZE(b) - 1]);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(deeper), -E2BIG);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_EXCEEDS_MAX, &err), 1U);
	KUNIT_EXPECT_EQ(test, err.detail, NEBULA_D_NESTING);
	KUNIT_EXPECT_EQ(test, err.value, NEBULA_BUDGET_DEPTH_MAX + 1UL);
	KUNIT_EXPECT_EQ(test, err.limit, NEBULA_BUDGET_DEPTH_MAX + 0UL);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b[ARRAY_SIZE(b) - 1], 1000), 0);
	EXPECT_USED(test, b[0], 1000);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b[ARRAY_SIZE(b) - 1], 1000), 0);
	while (i--)
		end(test, b[i]);
}

NEBULA_BUDGET_TREE(service,
		   (images, all, 600, loose, .per_alloc = 100),
		   (all, none, 1000, strict, .high = 50),
		   (thumbs, images, 700, loose),
		   (logs, all, 400, loose));

static void budget_tree_is_made_at_once(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, nebula_budget_tree_create(&service), 0);
	KUNIT_EXPECT_STREQ(test, nebula_budget_name(service.images), "service.images");
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(service.images, 101), -E2BIG);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(service.thumbs, 500), 0);
	EXPECT_USED(test, service.images, 500);
	EXPECT_USED(test, service.all, 500);
	EXPECT_USED(test, service.logs, 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_state(service.all), NEBULA_BUDGET_HIGH);
	/* What is in use stays, with all above it. */
	KUNIT_EXPECT_EQ(test, nebula_budget_tree_destroy(&service), -EBUSY);
	KUNIT_EXPECT_NULL(test, service.logs);
	KUNIT_ASSERT_NOT_NULL(test, service.thumbs);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(service.thumbs, 500), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_tree_destroy(&service), 0);
	KUNIT_EXPECT_NULL(test, service.all);
	KUNIT_EXPECT_EQ(test, nebula_budget_tree_destroy(&service), 0);
}

/* Each step of making it fails once: all budgets are made, or none is. */
static void budget_tree_is_unwound(struct kunit *test)
{
	unsigned int step = 0, seen;
	int ret;

	do {
		nebula_fault_arm(++step, 1);
		ret = nebula_budget_tree_create(&service);
		seen = nebula_fault_disarm();
		KUNIT_EXPECT_TRUE(test, ret == (seen >= step ? -ENOMEM : 0));
		KUNIT_EXPECT_EQ(test, !service.all, ret != 0);
		KUNIT_EXPECT_EQ(test, !service.thumbs, ret != 0);
		KUNIT_EXPECT_EQ(test, nebula_budget_tree_destroy(&service), 0);
	} while (seen >= step);
	/* A heap object, the words of the CPUs and a registration for each of four. */
	KUNIT_EXPECT_EQ(test, step, 13U);
}

static const struct nebula_budget_node cyclic_nodes[] = {
	{ "top", -1, { .limit = 10 } },
	{ "hen", 2, { .limit = 10 } },
	{ "egg", 1, { .limit = 10 } },
};

static void budget_tree_without_top_is_refused(struct kunit *test)
{
	struct nebula_budget *made[ARRAY_SIZE(cyclic_nodes)] = { };
	struct nebula_budget_tree tree = { cyclic_nodes, made, ARRAY_SIZE(made) };
	struct nebula_error err;

	fixture_listen(test);
	KUNIT_EXPECT_EQ(test, nebula_budget_tree_create_of(&tree, sizeof(*cyclic_nodes), NEBULA_ABI,
							   THIS_MODULE), -ELOOP);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_CYCLE, &err), 1U);
	KUNIT_EXPECT_STREQ(test, err.name, "hen");
	KUNIT_EXPECT_NULL(test, made[0]);
	KUNIT_EXPECT_EQ(test, nebula_budget_tree_create_of(&tree, sizeof(*cyclic_nodes),
							   NEBULA_ABI + 1, THIS_MODULE), -ENOEXEC);
}

/* Configurations */

/**
 * struct refused - a configuration that is refused
 * @why: for the reader of a failure.
 * @what: field that the record names.
 * @code: of the record.
 * @detail: of the record.
 * @cfg: the configuration.
 */
struct refused {
	const char *why;
	const char *what;
	enum nebula_errc code;
	enum nebula_detail detail;
	struct nebula_budget_config cfg;
};

static const struct refused refused[] = {
	{ "no limit", ".limit", NEBULA_E_INVALID_CONFIG, NEBULA_D_ZERO, { } },
	{ "a negative limit", ".limit", NEBULA_E_SIZE_OVERFLOW, NEBULA_D_NONE, { .limit = -1UL } },
	{ "out of order", ".high", NEBULA_E_INVALID_CONFIG, NEBULA_D_ORDER,
	  { .limit = 1, .high = 80, .critical = 79 } },
	{ "high above the default", ".high", NEBULA_E_INVALID_CONFIG, NEBULA_D_ORDER,
	  { .limit = 1, .high = 91 } },
	{ "critical below the default", ".high", NEBULA_E_INVALID_CONFIG, NEBULA_D_ORDER,
	  { .limit = 1, .critical = 69 } },
	{ "more than all", ".critical", NEBULA_E_INVALID_CONFIG, NEBULA_D_ABOVE_LIMIT,
	  { .limit = 1, .critical = 101 } },
};

static struct nebula_budget *create_cfg(const char *name, const struct nebula_budget_config *cfg)
{
	return nebula_budget_create_cfg(name, cfg, sizeof(*cfg), NEBULA_ABI, THIS_MODULE);
}

static void budget_checks_configuration(struct kunit *test)
{
	const struct nebula_budget_config good = { .limit = 1 };
	const struct nebula_budget_config orphan = { .limit = 1, .parent = ERR_PTR(-ENOMEM) };
	const struct refused *r;
	struct nebula_error err;

	fixture_listen(test);
	for (r = refused; r < refused + ARRAY_SIZE(refused); r++) {
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(create_cfg("x", &r->cfg)),
				    nebula_errc_to_errno(r->code), "%s", r->why);
		KUNIT_EXPECT_GT_MSG(test, fixture_heard(r->code, &err), 0U, "%s", r->why);
		KUNIT_EXPECT_EQ_MSG(test, err.detail, r->detail, "%s", r->why);
		KUNIT_EXPECT_EQ_MSG(test, err.kind, NEBULA_KIND_BUDGET, "%s", r->why);
		KUNIT_EXPECT_STREQ_MSG(test, err.what, r->what, "%s", r->why);
	}
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(create_cfg("a/b", &good)), -EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(create_cfg("x", NULL)), -EINVAL);
	/* Why there is no parent, rather than that it is wrong. */
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(create_cfg("x", &orphan)), -ENOMEM);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(nebula_budget_create_cfg("x", &good, sizeof(good),
								       NEBULA_ABI + 1,
								       THIS_MODULE)), -ENOEXEC);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(nebula_budget_create_cfg("x", &good,
								       sizeof(good) - 8, NEBULA_ABI,
								       THIS_MODULE)), -ENOEXEC);
}

static void budget_refuses_atomic_context(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "atomic", 1000, NULL), *made;
	unsigned long flags;
	int destroyed, limited, thresholds;

	local_irq_save(flags);
	made = nebula_budget_create("made", .limit = 1);
	destroyed = nebula_budget_destroy(b);
	limited = nebula_budget_set_limit(b, 1);
	thresholds = nebula_budget_set_thresholds(b, 1, 2);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(made), -EPERM);
	KUNIT_EXPECT_EQ(test, destroyed, -EPERM);
	KUNIT_EXPECT_EQ(test, limited, -EPERM);
	KUNIT_EXPECT_EQ(test, thresholds, -EPERM);
	EXPECT_CODE(test, b, NEBULA_E_WRONG_CONTEXT);
	KUNIT_EXPECT_EQ(test, nebula_budget_limit(b), (size_t)1000);
	end(test, b);
	end(test, NULL);
	end(test, ERR_PTR(-ENOMEM));
}

static void expect_busy(struct kunit *test, struct nebula_budget *b, enum nebula_detail detail,
			size_t value)
{
	struct nebula_error err;

	KUNIT_EXPECT_EQ(test, nebula_budget_destroy(b), -EBUSY);
	err = last_error(test, b);
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_INVALID_STATE);
	KUNIT_EXPECT_EQ(test, err.detail, detail);
	KUNIT_EXPECT_EQ(test, err.value, value);
}

static void budget_in_use_stays(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "used", SZ_1M, NULL);
	struct nebula_budget *child = budget(test, "child", SZ_1M, b);
	struct nebula_bump *bump;

	expect_busy(test, b, NEBULA_D_CHILDREN, 1);
	end(test, child);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 7), 0);
	expect_busy(test, b, NEBULA_D_CHARGED, 7);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 7), 0);
	bump = nebula_bump_create("user", .capacity = SZ_4K, .budget = b);
	ASSERT_BUMP(test, bump);
	expect_busy(test, b, NEBULA_D_ATTACHED, 1);
	nebula_bump_destroy(bump);
	end(test, b);
}

/* States */

static void budget_has_states(struct kunit *test)
{
	static const struct {
		size_t used;
		enum nebula_budget_state state;
	} rows[] = {
		{ 0, NEBULA_BUDGET_NORMAL }, { 699, NEBULA_BUDGET_NORMAL },
		{ 700, NEBULA_BUDGET_HIGH }, { 899, NEBULA_BUDGET_HIGH },
		{ 900, NEBULA_BUDGET_CRITICAL }, { 1000, NEBULA_BUDGET_CRITICAL },
	};
	struct nebula_budget *b = budget(test, "states", 1000, NULL);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, rows[i].used), 0);
		KUNIT_EXPECT_EQ_MSG(test, nebula_budget_state(b), rows[i].state, "%zu",
				    rows[i].used);
		KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, rows[i].used), 0);
	}
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 500), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_thresholds(b, 50, 51), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_state(b), NEBULA_BUDGET_HIGH);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_thresholds(b, 51, 50), -EINVAL);
	KUNIT_EXPECT_EQ(test, nebula_budget_state(b), NEBULA_BUDGET_HIGH);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 500), 0);
	end(test, b);
	KUNIT_EXPECT_STREQ(test, nebula_budget_state_name(NEBULA_BUDGET_EXCEEDED), "exceeded");
	KUNIT_EXPECT_STREQ(test, nebula_budget_state_name(NEBULA_BUDGET_STATES), "?");
}

/* A limit below what is charged takes nothing away. */
static void budget_limit_changes(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "limit", 1000, NULL);

	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 800), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(b, 500), 0);
	EXPECT_USED(test, b, 800);
	KUNIT_EXPECT_EQ(test, nebula_budget_state(b), NEBULA_BUDGET_EXCEEDED);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 300), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 1), -ENOMEM);
	KUNIT_EXPECT_EQ(test, nebula_budget_state(b), NEBULA_BUDGET_CRITICAL);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(b, 501), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(b, 1), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(b, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(b, SIZE_MAX), -EOVERFLOW);
	KUNIT_EXPECT_EQ(test, nebula_budget_limit(b), (size_t)501);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(b, 501), 0);
	end(test, b);
}

/**
 * struct witness - what a notifier was told
 * @nb: the notifier.
 * @states: in order.
 * @count: how many.
 */
struct witness {
	struct notifier_block nb;
	enum nebula_budget_state states[8];
	unsigned int count;
};

static int witness_call(struct notifier_block *nb, unsigned long state, void *data)
{
	struct witness *w = container_of(nb, struct witness, nb);

	if (w->count < ARRAY_SIZE(w->states))
		w->states[w->count] = state;
	w->count++;
	return NOTIFY_OK;
}

static void expect_told(struct kunit *test, struct nebula_budget *b, struct witness *w,
			unsigned int n, enum nebula_budget_state state)
{
	nebula_budget_notifier_flush(b);
	KUNIT_EXPECT_EQ(test, w->count, n);
	if (w->count)
		KUNIT_EXPECT_EQ(test, w->states[(w->count - 1) % ARRAY_SIZE(w->states)], state);
}

static void budget_tells_of_states(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "told", 1000, NULL);
	struct nebula_budget *leaf = budget(test, "leaf", 1000, b);
	struct witness *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->nb.notifier_call = witness_call;
	KUNIT_EXPECT_EQ(test, nebula_budget_notifier_register(b, &w->nb), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(leaf, 699), 0);
	expect_told(test, b, w, 0, NEBULA_BUDGET_NORMAL);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(leaf, 1), 0);
	expect_told(test, b, w, 1, NEBULA_BUDGET_HIGH);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(leaf, 1), 0);
	expect_told(test, b, w, 1, NEBULA_BUDGET_HIGH);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(leaf, 299), 0);
	expect_told(test, b, w, 2, NEBULA_BUDGET_CRITICAL);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_limit(b, 999), 0);
	expect_told(test, b, w, 3, NEBULA_BUDGET_EXCEEDED);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(leaf, 400), 0);
	expect_told(test, b, w, 4, NEBULA_BUDGET_NORMAL);
	KUNIT_EXPECT_EQ(test, nebula_budget_set_thresholds(b, 10, 20), 0);
	expect_told(test, b, w, 5, NEBULA_BUDGET_CRITICAL);
	KUNIT_EXPECT_EQ(test, nebula_budget_notifier_unregister(b, &w->nb), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(leaf, 600), 0);
	expect_told(test, b, w, 5, NEBULA_BUDGET_CRITICAL);
	KUNIT_EXPECT_EQ(test, nebula_budget_notifier_unregister(b, &w->nb), -ENOENT);
	end(test, leaf);
	end(test, b);
}

/* Files */

static void budget_has_a_file(struct kunit *test)
{
	struct nebula_budget *b = budget(test, "filed", 1000, NULL);
	struct nebula_budget *again = budget(test, "filed", 1000, b);
	const char *text;

	KUNIT_EXPECT_EQ(test, nebula_budget_charge(again, 750), 0);
	text = files_text(test, NULL, "budgets/filed.2");
	EXPECT_TEXT(test, text, "# nebula budget v1\nname: filed.2\nparent: filed\n");
	EXPECT_TEXT(test, text, "state: high\n");
	EXPECT_TEXT(test, text, "utilisation: 75.0%\n");
	EXPECT_TEXT(test, text, "charges: 1\n");
	EXPECT_TEXT(test, files_text(test, NULL, "budgets/filed"), "children: 1\n");
	/* It is no allocator, and its name is free for one. */
	KUNIT_EXPECT_NULL(test, strstr(files_text(test, NULL, "summary"), "filed"));
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(again, 750), 0);
	end(test, again);
	KUNIT_EXPECT_EQ(test, files_open(NULL, "budgets/filed.2"), (long)-ENOENT);
	end(test, b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(budget_counts),
	KUNIT_CASE(budget_refuses_beyond_limit),
	KUNIT_CASE(budget_limits_one_charge),
	KUNIT_CASE(budget_refuses_absurd_sizes),
	KUNIT_CASE(budget_refuses_too_much_back),
	KUNIT_CASE(budget_charges_all_above),
	KUNIT_CASE(budget_charges_all_or_none),
	KUNIT_CASE(budget_charges_all_or_none_at_once),
	KUNIT_CASE(budget_keeps_promises),
	KUNIT_CASE(budget_is_not_too_deep),
	KUNIT_CASE(budget_tree_is_made_at_once),
	KUNIT_CASE(budget_tree_is_unwound),
	KUNIT_CASE(budget_tree_without_top_is_refused),
	KUNIT_CASE(budget_checks_configuration),
	KUNIT_CASE(budget_refuses_atomic_context),
	KUNIT_CASE(budget_in_use_stays),
	KUNIT_CASE(budget_has_states),
	KUNIT_CASE(budget_limit_changes),
	KUNIT_CASE(budget_tells_of_states),
	KUNIT_CASE(budget_has_a_file),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_budget",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
