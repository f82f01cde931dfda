// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics that are read between any two instructions of an operation, as from an NMI: nothing is
 * ever what it cannot be, and afterwards all is exact.
 */
#include <linux/log2.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include "../probes.h"
#include "../subjects.h"

#ifdef HAVE_PROBES

/* Random numbers of the turns that are interrupted: each way through a turn is one of them. */
static const u32 turns[] = { 0, 1, 2, 3, 5, 17, 25, 1023 };

/* An allocator, and the reader of its statistics. */
struct scene {
	const struct subject *subject;	/* what is used */
	struct nebula_allocator *a;
	unsigned int reads;		/* how often its statistics were read */
	const char *insane;		/* what was wrong with them first, or NULL */
	unsigned int hits;		/* interruptions at the instruction of the moment */
};

/* A handler has no argument of ours. */
static struct scene scene;

static void read_stats(void)
{
	static struct nebula_stats now;

	nebula_allocator_stats_read(scene.a, &now);
	if (!scene.insane)
		scene.insane = subject_insane(&now);
	scene.reads++;
}

static void breakpoint_hit(struct perf_event *event, struct perf_sample_data *data,
			   struct pt_regs *regs)
{
	/* That takes long, so not each time; another time is on another way there. */
	if (is_power_of_2(++scene.hits))
		read_stats();
}

static int probe_hit(struct kprobe *kp, struct pt_regs *regs)
{
	probe_of(kp)->hits++;
	return 0;
}

static void take_turns(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(turns); i++) {
		preempt_disable();
		scene.subject->turn(scene.a, turns[i]);
		preempt_enable();
	}
}

/* Those of @functions that a turn comes through: how many, now at the beginning. */
static unsigned int functions_used(struct kunit *test, unsigned long *functions, unsigned int n)
{
	unsigned int i, used = 0;
	struct probes ps;

	probes_create_entries(test, &ps, functions, n, probe_hit);
	for (i = 0; i < ps.n; i++)
		enable_kprobe(ps.list[i]);
	take_turns();
	for (i = 0; i < ps.n; i++)
		disable_kprobe(ps.list[i]);
	for (i = 0; i < ps.n; i++)
		if (ps.points[i].hits)
			functions[used++] = (unsigned long)ps.points[i].kp.addr;
	probes_destroy(&ps);
	return used;
}

static void expect_exact(struct kunit *test, unsigned long function)
{
	const struct subject *s = scene.subject;
	struct nebula_stats st;

	if (s->reset)
		s->reset(scene.a);
	nebula_allocator_stats_read(scene.a, &st);
	KUNIT_EXPECT_EQ_MSG(test, st.used, st.bytes_in + st.padding - st.bytes_out,
			    "%s, read in %ps", s->name, (void *)function);
	if (!st.used)
		KUNIT_EXPECT_EQ_MSG(test, st.live, 0ULL, "%s, read in %ps", s->name,
				    (void *)function);
	KUNIT_EXPECT_STREQ_MSG(test, scene.insane ?: "", "", "%s, read in %ps", s->name,
			       (void *)function);
	scene.insane = NULL;
}

static void interrupt_function(struct kunit *test, struct breakpoints *bs, unsigned long function)
{
	const unsigned int size = probes_size(function);
	unsigned int offset;

	for (offset = 0; offset < size; offset += BREAKPOINTS) {
		breakpoints_move(bs, function + offset);
		scene.hits = 0;
		take_turns();
	}
	expect_exact(test, function);
}

static void interrupt_everywhere(struct kunit *test, const struct subject *s)
{
	unsigned long *functions;
	struct breakpoints bs;
	unsigned int n, i;

	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	functions = kunit_kcalloc(test, FUNCTIONS_MAX, sizeof(*functions), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, functions);
	scene = (struct scene){ .subject = s, .a = subject_create(test, s) };
	n = probes_functions(nebula_bump_alloc_slow, functions, FUNCTIONS_MAX - 1);
	n = functions_used(test, functions, n);
	/* Where the inline functions are. */
	functions[n++] = (unsigned long)s->turn;
	breakpoints_create(test, &bs, functions[0], breakpoint_hit);
	for (i = 0; i < n; i++)
		interrupt_function(test, &bs, functions[i]);
	breakpoints_destroy(&bs);
	kunit_info(test, "%s: read %u times in %u functions\n", s->name, scene.reads, n);
	KUNIT_EXPECT_GT(test, n, 3U);
	KUNIT_EXPECT_GT(test, scene.reads, 500U);
	s->destroy(scene.a);
}

#else

static void interrupt_everywhere(struct kunit *test, const struct subject *s)
{
	kunit_skip(test, "this kernel has no kprobes or no breakpoints");
}

#endif

#define NESTED(kind, name)								\
static void stats_nested_in_a_##kind(struct kunit *test)				\
{											\
	const struct subject *s = subject_named(name);					\
											\
	KUNIT_ASSERT_NOT_NULL(test, s);							\
	interrupt_everywhere(test, s);							\
}

NESTED(bump, "bump")
NESTED(shared_bump, "shared bump")
NESTED(pool, "pool")
NESTED(strict_pool, "strict pool")
NESTED(stack, "stack")
NESTED(shared_stack, "shared stack")
NESTED(scratch, "scratch")
NESTED(custom, "custom")

static struct kunit_case cases[] = {
	KUNIT_CASE(stats_nested_in_a_bump),
	KUNIT_CASE(stats_nested_in_a_shared_bump),
	KUNIT_CASE(stats_nested_in_a_pool),
	KUNIT_CASE(stats_nested_in_a_strict_pool),
	KUNIT_CASE(stats_nested_in_a_stack),
	KUNIT_CASE(stats_nested_in_a_shared_stack),
	KUNIT_CASE(stats_nested_in_a_scratch),
	KUNIT_CASE(stats_nested_in_a_custom),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_stats_nesting",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
