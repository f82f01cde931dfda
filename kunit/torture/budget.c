// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees of budgets under torture, see torture.h: charged and given back in all contexts while
 * their limits change. An object is a charge: its id says to which of the budgets.
 */
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include "torture.h"

/* Which budget each is below of, or -1. */
static const int parents[TORTURE_BUDGETS] = { -1, 0, 1, 0 };

/**
 * struct charge - a charge, or what is given back
 * @call: runs it.
 * @budget: of which.
 * @bytes: how many.
 * @back: they are given back.
 * @ret: what that came to.
 */
struct charge {
	struct torture_call call;
	struct nebula_budget *budget;
	size_t bytes;
	bool back;
	int ret;
};

static void charge_fn(struct torture_call *call)
{
	struct charge *c = container_of(call, struct charge, call);

	c->ret = c->back ? nebula_budget_uncharge(c->budget, c->bytes)
			 : nebula_budget_charge(c->budget, c->bytes);
}

static int charge_anywhere(struct torture_thread *t, struct nebula_budget *b, size_t bytes,
			   bool back)
{
	struct charge c = { { charge_fn }, b, bytes, back };

	torture_run_anywhere(t, &c.call);
	return c.ret;
}

/* Some have stocks, and some are too small for that. */
static size_t choose_limit(struct torture_thread *t)
{
	return (SZ_64K << torture_random(t, 11)) - torture_random(t, 3);
}

static int hear(struct notifier_block *nb, unsigned long state, void *data)
{
	struct torture_subject *s = container_of(nb, struct torture_subject, notifier);

	if (data != s->budgets[0] || state >= NEBULA_BUDGET_STATES)
		torture_fault("budget: a notifier is told of something else");
	WRITE_ONCE(s->told, state);
	return NOTIFY_OK;
}

/* Those that there are, children first. */
static void destroy_all(struct torture_subject *s)
{
	unsigned int i = TORTURE_BUDGETS;

	while (i--)
		if (nebula_budget_destroy(s->budgets[i]))
			torture_fault("budget: one without charges has to stay");
}

static void *create(struct torture_thread *t, struct torture_subject *s, const char *name)
{
	unsigned int i;

	for (i = 0; i < TORTURE_BUDGETS; i++) {
		struct nebula_budget *up = parents[i] < 0 ? NULL : s->budgets[parents[i]];
		struct nebula_budget *b = nebula_budget_create(name, .limit = choose_limit(t),
							       .parent = up);

		if (IS_ERR(b)) {
			destroy_all(s);
			return b;
		}
		s->budgets[i] = b;
	}
	s->allocators = TORTURE_BUDGETS;
	s->notifier.notifier_call = hear;
	/* What is left behind is charged, and has no memory for a notifier. */
	if (!t->leaving)
		nebula_budget_notifier_register(s->budgets[0], &s->notifier);
	else if (nebula_budget_charge(s->budgets[2], 100))
		torture_fault("budget: one that is new is full");
	return s;
}

static void take(struct torture_thread *t, struct torture_subject *s)
{
	struct torture_object *o = torture_claim_empty(t, s);
	int ret;

	if (!o)
		return;
	o->id = torture_random(t, TORTURE_BUDGETS);
	o->size = 1 + torture_random(t, torture_random(t, 4) ? SZ_4K : SZ_1M);
	if (torture_random(t, 8))
		ret = charge_anywhere(t, s->budgets[o->id], o->size, false);
	else
		ret = nebula_budget_charge_gfp(s->budgets[o->id], o->size, GFP_KERNEL);
	if (!ret)
		atomic_long_add(o->size, &s->charged[o->id]);
	else if (ret != -ENOMEM && ret != -E2BIG)
		torture_fault("budget: a charge ends with %d", ret);
	torture_count(t, s, ret ? TORTURE_FULL : TORTURE_ALLOCS);
	torture_release(o, ret ? TORTURE_EMPTY : TORTURE_TAKEN);
}

/* All of it, or first a part. */
static bool give(struct torture_thread *t, struct torture_subject *s)
{
	struct torture_object *o = torture_claim(t, s);
	size_t bytes;

	if (!o)
		return false;
	bytes = torture_random(t, 4) ? o->size : 1 + torture_random(t, o->size);
	atomic_long_sub(bytes, &s->charged[o->id]);
	if (charge_anywhere(t, s->budgets[o->id], bytes, true))
		torture_fault("budget: %zu of %zu bytes are not taken back", bytes, o->size);
	torture_count(t, s, TORTURE_FREES);
	o->size -= bytes;
	torture_release(o, o->size ? TORTURE_TAKEN : TORTURE_EMPTY);
	return true;
}

static void look(struct torture_thread *t, struct torture_subject *s)
{
	struct nebula_budget_stats st;

	nebula_budget_stats_read(s->budgets[torture_random(t, TORTURE_BUDGETS)], &st);
	if (st.early > st.refused || st.largest > SZ_2G)
		torture_fault("budget: figures that cannot be");
	torture_count(t, s, TORTURE_LOOKS);
}

static void more(struct torture_thread *t, struct torture_subject *s)
{
	struct nebula_budget *b = s->budgets[torture_random(t, TORTURE_BUDGETS)];
	unsigned int high = 1 + torture_random(t, 100);

	switch (torture_random(t, 32)) {
	case 0:
		if (nebula_budget_set_limit(b, choose_limit(t)))
			torture_fault("budget: a limit is refused");
		return;
	case 1:
		if (nebula_budget_set_thresholds(b, high, high + torture_random(t, 101 - high)))
			torture_fault("budget: thresholds are refused");
		return;
	case 2:
		nebula_budget_set_per_alloc(b, torture_random(t, 2) * SZ_64K);
		return;
	case 3:
		return look(t, s);
	default:
		if (torture_random(t, 2) || !give(t, s))
			take(t, s);
	}
}

static size_t charged_below(const struct torture_subject *s, unsigned int top)
{
	size_t sum = 0;
	unsigned int i;
	int at;

	for (i = 0; i < TORTURE_BUDGETS; i++) {
		for (at = i; at >= 0 && at != top; at = parents[at])
			;
		if (at == top)
			sum += atomic_long_read(&s->charged[i]);
	}
	return sum;
}

static void audit(struct torture_thread *t, struct torture_subject *s)
{
	unsigned int i;

	for (i = 0; i < TORTURE_BUDGETS; i++)
		if (nebula_budget_used(s->budgets[i]) != charged_below(s, i))
			torture_fault("budget: %zu are used, and we have %zu",
				      nebula_budget_used(s->budgets[i]), charged_below(s, i));
	nebula_budget_notifier_flush(s->budgets[0]);
	if (s->told != nebula_budget_state(s->budgets[0]))
		torture_fault("budget: it is %s, and we were told %s",
			      nebula_budget_state_name(nebula_budget_state(s->budgets[0])),
			      nebula_budget_state_name(s->told));
}

/* What all from this one up have left. */
static size_t room_of(const struct torture_subject *s, int at)
{
	size_t room = SIZE_MAX;

	for (; at >= 0; at = parents[at]) {
		const size_t limit = nebula_budget_limit(s->budgets[at]);

		room = min(room, limit - min(limit, nebula_budget_used(s->budgets[at])));
	}
	return room;
}

/* To the byte, whatever is in stock where. */
static void fill(struct torture_thread *t, struct torture_subject *s)
{
	const unsigned int i = torture_random(t, TORTURE_BUDGETS);
	const size_t room = room_of(s, i);

	nebula_budget_set_per_alloc(s->budgets[i], 0);
	if (nebula_budget_charge_gfp(s->budgets[i], room, GFP_KERNEL)) {
		torture_fault("budget: there is room for %zu, and it is refused", room);
		return;
	}
	if (nebula_budget_charge_gfp(s->budgets[i], 1, GFP_KERNEL) != -ENOMEM)
		torture_fault("budget: more than its limit is charged");
	if (nebula_budget_uncharge(s->budgets[i], room))
		torture_fault("budget: what was just charged is not taken back");
}

/* An allocator is charged to it while it is there. */
static void attach(struct torture_thread *t, struct torture_subject *s)
{
	const unsigned int i = torture_random(t, TORTURE_BUDGETS);
	struct nebula_budget_stats before, st;
	struct nebula_stack *stack;

	nebula_budget_stats_read(s->budgets[i], &before);
	stack = nebula_stack_create("attached", .capacity = SZ_8K, .budget = s->budgets[i]);
	if (IS_ERR(stack))
		return torture_count(t, s, TORTURE_UNMADE);
	nebula_budget_stats_read(s->budgets[i], &st);
	if (st.used < before.used + SZ_8K || st.regions != before.regions + 1)
		torture_fault("budget: a region is not charged");
	if (nebula_budget_destroy(s->budgets[i]) != -EBUSY)
		torture_fault("budget: one with a region does not stay");
	nebula_stack_destroy(stack);
}

static void alone(struct torture_thread *t, struct torture_subject *s)
{
	if (torture_random(t, 2))
		fill(t, s);
	else
		attach(t, s);
}

static bool give_too_much(struct torture_thread *t, struct torture_subject *s)
{
	const unsigned int i = torture_random(t, TORTURE_BUDGETS);
	const size_t bytes = atomic_long_read(&s->charged[i]) + 1 + torture_random(t, 100);

	if (nebula_budget_uncharge(s->budgets[i], bytes) != -ERANGE)
		torture_fault("budget: more than was charged is taken back");
	return true;
}

static bool charge_absurd(struct torture_thread *t, struct torture_subject *s)
{
	if (nebula_budget_charge(s->budgets[2], SIZE_MAX - torture_random(t, SZ_4K)) != -EOVERFLOW)
		torture_fault("budget: a negative charge is not refused");
	return true;
}

static bool charge_more_than_one_may(struct torture_thread *t, struct torture_subject *s)
{
	nebula_budget_set_per_alloc(s->budgets[3], 100);
	if (nebula_budget_charge(s->budgets[3], 101) != -E2BIG)
		torture_fault("budget: a charge that is too large is not refused");
	nebula_budget_set_per_alloc(s->budgets[3], 0);
	return true;
}

static bool destroy_with_children(struct torture_thread *t, struct torture_subject *s)
{
	if (nebula_budget_destroy(s->budgets[torture_random(t, 2)]) != -EBUSY)
		torture_fault("budget: one with children does not stay");
	return true;
}

static bool destroy_charged(struct torture_thread *t, struct torture_subject *s)
{
	if (nebula_budget_charge_gfp(s->budgets[3], 1, GFP_KERNEL))
		return false;
	if (nebula_budget_destroy(s->budgets[3]) != -EBUSY)
		torture_fault("budget: one that is charged does not stay");
	nebula_budget_uncharge(s->budgets[3], 1);
	return true;
}

static bool configure(struct torture_thread *t, struct torture_subject *s)
{
	if (nebula_budget_set_limit(s->budgets[1], 0) != -EINVAL ||
	    nebula_budget_set_limit(s->budgets[1], SIZE_MAX) != -EOVERFLOW ||
	    nebula_budget_set_thresholds(s->budgets[1], 90, 10) != -EINVAL)
		torture_fault("budget: a wrong limit or threshold is not refused");
	return true;
}

static bool destroy_in_atomic_context(struct torture_thread *t, struct torture_subject *s)
{
	unsigned long flags;
	int ret;

	local_irq_save(flags);
	ret = nebula_budget_destroy(s->budgets[2]);
	local_irq_restore(flags);
	if (ret != -EPERM)
		torture_fault("budget: destroy in atomic context ends with %d", ret);
	return true;
}

static void destroy(struct torture_subject *s)
{
	unsigned int i;

	for (i = 0; i < TORTURE_OBJECTS; i++)
		if (atomic_read(&s->objects[i].state) == TORTURE_TAKEN)
			nebula_budget_uncharge(s->budgets[s->objects[i].id], s->objects[i].size);
	if (nebula_budget_used(s->budgets[0]))
		torture_fault("budget: all was given back, and %zu are used",
			      nebula_budget_used(s->budgets[0]));
	nebula_budget_notifier_unregister(s->budgets[0], &s->notifier);
	destroy_all(s);
}

static const struct torture_mistake mistakes[] = {
	{ NEBULA_E_UNCHARGE_UNDERFLOW, give_too_much },
	{ NEBULA_E_SIZE_OVERFLOW, charge_absurd },
	{ NEBULA_E_BUDGET_PER_ALLOC, charge_more_than_one_may },
	{ NEBULA_E_INVALID_STATE, destroy_with_children },
	{ NEBULA_E_INVALID_STATE, destroy_charged },
	{ NEBULA_E_INVALID_CONFIG, configure },
	{ NEBULA_E_WRONG_CONTEXT, destroy_in_atomic_context },
	{ }
};

const struct torture_kind torture_budget = {
	.name = "budgets", .id = TORTURE_BUDGET, .shared = true, .create = create,
	.destroy = destroy, .more = more, .alone = alone, .audit = audit, .mistakes = mistakes,
};
