// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is given back while a lock in it is held: lockdep is asked, by all ways that memory
 * goes, whether allocators come inline or not. Lockdep goes off with its first report, so a probe
 * sees what it is asked; the last case provokes the report itself.
 */
#include <linux/debug_locks.h>
#include <linux/kprobes.h>
#include <linux/ptrace.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <nebula/nebula.h>
#include "../../module/core/allocator.h"
#include "../../module/core/kasan.h"
#include "reports.h"

/* What lies in the memory that goes. */
struct locked {
	u8 before[40];
	spinlock_t lock;	/* protects nothing; it is held */
	u8 after[40];
};

static struct task_struct *asker;
static const void *wanted;
static unsigned int asked;

/* Questions of this task about memory that has all of the lock in it. */
static int note_question(struct kprobe *kp, struct pt_regs *regs)
{
	const void *from = (const void *)regs_get_kernel_argument(regs, 0);
	const unsigned long size = regs_get_kernel_argument(regs, 1);

	if (current == asker && wanted >= from &&
	    wanted + sizeof(spinlock_t) <= from + size)
		asked++;
	return 0;
}

static struct kprobe probe = {
	.symbol_name = "debug_check_no_locks_freed",
	.pre_handler = note_question,
};

/* With KASAN, which takes the inline paths away, or without. */
static const bool ways[] = { false, true };

static void describe(const bool *with_kasan, char *text)
{
	strscpy(text, *with_kasan ? "out of line" : "inline", KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(ways, ways, describe);

static bool was_on;

static int locks_init(struct kunit *test)
{
	const bool *with_kasan = test->param_value;

	if (!IS_ENABLED(CONFIG_LOCKDEP))
		kunit_skip(test, "the kernel has no lockdep");
	asker = current;
	/* As it was before the last case. */
	probe.addr = NULL;
	probe.flags = 0;
	was_on = nebula_kasan_override(with_kasan && *with_kasan);
	return register_kprobe(&probe);
}

static void locks_exit(struct kunit *test)
{
	unregister_kprobe(&probe);
	nebula_kasan_override(was_on);
}

/* From here on @l goes. */
static void watch(struct kunit *test, struct locked *l)
{
	KUNIT_ASSERT_NOT_NULL(test, l);
	spin_lock_init(&l->lock);
	wanted = &l->lock;
	asked = 0;
}

static void expect_asked(struct kunit *test, const char *what)
{
	KUNIT_EXPECT_GT_MSG(test, asked, 0U, "lockdep was not asked by %s", what);
}

static void pools_ask(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create_for("locked", struct locked, 100);
	void *objs[20];

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	objs[0] = nebula_pool_alloc(p);
	watch(test, objs[0]);
	nebula_pool_free(p, objs[0]);
	expect_asked(test, "free");

	KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, 2, objs));
	watch(test, objs[1]);
	nebula_pool_free_bulk(p, 2, objs);
	expect_asked(test, "free_bulk of two");

	KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, 20, objs));
	watch(test, objs[17]);
	nebula_pool_free_bulk(p, 20, objs);
	expect_asked(test, "free_bulk");

	objs[0] = nebula_pool_alloc(p);
	watch(test, objs[0]);
	nebula_pool_free_sensitive(p, objs[0]);
	expect_asked(test, "free_sensitive");

	objs[0] = nebula_pool_alloc(p);
	watch(test, objs[0]);
	KUNIT_EXPECT_EQ(test, nebula_pool_reset(p), 1U);
	expect_asked(test, "reset");
	nebula_pool_destroy(p);
}

static void bumps_ask(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("locked", .capacity = SZ_8K,
						   .flags = NEBULA_GROW);
	struct nebula_bump *shared = nebula_bump_create("locked", .capacity = SZ_64K,
							.flags = NEBULA_SHARED);
	struct nebula_checkpoint cp;
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, shared);
	for (i = 0; i < 2; i++) {
		/* The second time the peak is known, and it is inline. */
		cp = nebula_bump_checkpoint(b);
		watch(test, nebula_alloc_obj(b, struct locked));
		KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
		expect_asked(test, "restore");
	}
	for (i = 0; i < 2; i++) {
		watch(test, nebula_alloc_obj(b, struct locked));
		nebula_bump_reset(b);
		expect_asked(test, "reset");
	}
	watch(test, nebula_alloc_obj(b, struct locked));
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, SZ_16K, 8));
	nebula_bump_reset(b);
	expect_asked(test, "reset of several regions");

	watch(test, nebula_alloc_obj(shared, struct locked));
	nebula_bump_reset(shared);
	expect_asked(test, "reset of a shared one");
	nebula_bump_destroy(b);
	nebula_bump_destroy(shared);
}

static void stacks_ask(struct kunit *test)
{
	static const u32 flags[] = { 0, NEBULA_SHARED };
	struct nebula_stack *s;
	struct nebula_mark m;
	struct locked *l;
	unsigned int i;

	for (i = 0; i < 2 * ARRAY_SIZE(flags); i++) {
		s = nebula_stack_create("locked", .capacity = SZ_8K, .flags = flags[i / 2]);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
		/* Where the peak is known it is inline. */
		if (i % 2 && nebula_stack_alloc(s, SZ_4K, 8))
			nebula_stack_reset(s);
		m = nebula_stack_mark(s);
		l = nebula_alloc_obj(s, struct locked);
		watch(test, l);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, l), 0);
		expect_asked(test, "free");
		watch(test, nebula_alloc_obj(s, struct locked));
		KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, m), 0);
		expect_asked(test, "restore");
		/* Behind padding. */
		KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 9, 1));
		l = nebula_alloc_obj(s, struct locked);
		watch(test, l);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, l), 0);
		expect_asked(test, "free behind padding");
		watch(test, nebula_alloc_obj(s, struct locked));
		nebula_stack_reset(s);
		expect_asked(test, "reset");
		nebula_stack_destroy(s);
	}
}

static void scratch_asks(struct kunit *test)
{
	struct nebula_scratch *s = nebula_scratch_create("locked", .per_cpu_size = SZ_4K);
	unsigned int i, missed = 0;
	struct locked *l;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	for (i = 0; i < 2; i++) {
		preempt_disable();
		l = nebula_scratch_get(s, sizeof(*l), 8);
		if (l) {
			spin_lock_init(&l->lock);
			wanted = &l->lock;
			asked = 0;
			nebula_scratch_put(s, l);
		}
		missed += !l || !asked;
		preempt_enable();
	}
	KUNIT_EXPECT_EQ(test, missed, 0U);
	nebula_scratch_destroy(s);
}

/* And so it is reported; the last of all, as lockdep is off afterwards. */
static void a_held_lock_is_reported(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create_for("locked", struct locked, 100);
	struct locked *l;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	l = nebula_pool_alloc(p);
	watch(test, l);
	if (!debug_locks)
		kunit_skip(test, "lockdep is off already");
	spin_lock(&l->lock);
	nebula_pool_free(p, l);
	KUNIT_EXPECT_FALSE(test, debug_locks);
	spin_unlock(&l->lock);
	nebula_pool_destroy(p);
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(pools_ask, ways_gen_params),
	KUNIT_CASE_PARAM(bumps_ask, ways_gen_params),
	KUNIT_CASE_PARAM(stacks_ask, ways_gen_params),
	KUNIT_CASE_PARAM(scratch_asks, ways_gen_params),
	KUNIT_CASE(a_held_lock_is_reported),
	{}
};

static struct kunit_suite suite = {
	.name = "nebula_kasan_locks",
	.init = locks_init,
	.exit = locks_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
