// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writer that moves an allocator off its inline paths comes between any two instructions of the
 * owner, while the owner is about to go back to them: it must not get there.
 */
#include <linux/sched.h>
#include "../../module/core/allocator.h"
#include "../../module/core/fastpath.h"
#include "../fixture.h"
#include "../probes.h"

#ifdef HAVE_PROBES

/* Whose owner is interrupted. */
struct target {
	struct nebula_bump *bump;		/* the allocator, or NULL */
	struct nebula_stack *stack;		/* likewise; one of both is there */
	struct nebula_allocator *common;	/* of it */
	unsigned int hits;			/* how often it did */
};

static struct target target;

/* What begins to divert does: says why, waits for all CPUs, takes the inline paths away. */
static void divert_now(void)
{
	set_bit(NEBULA_SLOW_TRACE, &target.common->slow_reasons);
	target.common->ops->update_path(target.common);
}

static void divert_nested(struct perf_event *event, struct perf_sample_data *data,
			  struct pt_regs *regs)
{
	target.hits++;
	divert_now();
}

static void stop_attending(void)
{
	clear_bit(NEBULA_SLOW_TRACE, &target.common->slow_reasons);
}

static bool is_inline(void)
{
	if (target.bump)
		return READ_ONCE(target.bump->limit) || READ_ONCE(target.bump->peak_at);
	return READ_ONCE(target.stack->limit) || READ_ONCE(target.stack->self) == target.stack;
}

/* Whatever comes out of line, and so goes back. */

static void by_alloc(void)
{
	if (target.bump)
		nebula_bump_free_sized(target.bump, nebula_bump_alloc(target.bump, 5, 1), 5);
	else
		nebula_stack_free(target.stack, nebula_stack_alloc(target.stack, 5, 1));
}

static void by_reset(void)
{
	if (target.bump)
		nebula_bump_reset(target.bump);
	else
		nebula_stack_reset(target.stack);
}

static void by_restore(void)
{
	if (target.bump)
		nebula_bump_restore(target.bump, nebula_bump_checkpoint(target.bump));
	else
		nebula_stack_restore(target.stack, nebula_stack_mark(target.stack));
}

static void (*const ways[])(void) = { by_alloc, by_reset, by_restore };

/* The owner goes back, and is interrupted on its way: at @addr, or one of those after it. */
static bool stays_diverted(void (*way)(void), struct breakpoints *bs, unsigned long addr)
{
	bool stays;

	divert_now();
	stop_attending();
	target.hits = 0;
	breakpoints_move(bs, addr);
	way();
	breakpoints_move(bs, (unsigned long)divert_nested);
	stays = !target.hits || !is_inline();
	stop_attending();
	by_alloc();
	return stays && is_inline();
}

static unsigned int divert_in(struct kunit *test, struct breakpoints *bs, unsigned long function)
{
	const unsigned int size = probes_size(function);
	unsigned int offset, way, interrupted = 0;

	for (offset = 0; offset < size; offset += BREAKPOINTS) {
		for (way = 0; way < ARRAY_SIZE(ways); way++) {
			KUNIT_EXPECT_TRUE_MSG(test,
					      stays_diverted(ways[way], bs, function + offset),
					      "way %u, interrupted at or after %pS", way,
					      (void *)(function + offset));
			interrupted += !!target.hits;
		}
	}
	return interrupted;
}

/* In all functions of that name; each file has its own. */
static void expect_diverted_in(struct kunit *test, const char *name)
{
	unsigned int skip, interrupted = 0;
	struct breakpoints bs;
	unsigned long function;

	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	breakpoints_create(test, &bs, (unsigned long)divert_nested, divert_nested);
	for (skip = 0;; skip++) {
		function = probes_function(nebula_bump_alloc_slow, name, skip);
		if (!function)
			break;
		interrupted += divert_in(test, &bs, function);
	}
	breakpoints_destroy(&bs);
	kunit_info(test, "%s: interrupted %u times\n", name, interrupted);
	KUNIT_EXPECT_GT_MSG(test, interrupted, 10U, "%s", name);
}

static void diverted_at_each_instruction_of_a_bump(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("diverted", .capacity = SZ_16K);

	ASSERT_BUMP(test, b);
	target = (struct target){ .bump = b, .common = &b->common };
	expect_diverted_in(test, "bump_owner_update_peak");
	nebula_bump_destroy(b);
}

static void diverted_at_each_instruction_of_a_stack(struct kunit *test)
{
	struct nebula_stack *s = nebula_stack_create("diverted", .capacity = SZ_16K);

	ASSERT_STACK(test, s);
	target = (struct target){ .stack = s, .common = &s->common };
	expect_diverted_in(test, "stack_owner_resume_inline");
	nebula_stack_destroy(s);
}

#else

static void diverted_at_each_instruction_of_a_bump(struct kunit *test)
{
	kunit_skip(test, "this kernel has no kprobes or no breakpoints");
}

static void diverted_at_each_instruction_of_a_stack(struct kunit *test)
{
	kunit_skip(test, "this kernel has no kprobes or no breakpoints");
}

#endif

static struct kunit_case cases[] = {
	KUNIT_CASE(diverted_at_each_instruction_of_a_bump),
	KUNIT_CASE(diverted_at_each_instruction_of_a_stack),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_divert_nesting",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
