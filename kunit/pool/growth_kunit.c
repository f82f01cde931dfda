// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool, growth by itself: of the smallest pools, where nothing may be locked, by less where more
 * cannot be had, and what the record of a request says that comes too early for it.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include "../../module/compat.h"
#include "../../module/core/inject.h"
#include "../../module/pool/hooks.h"
#include "../crowd.h"
#include "../fixture.h"
#include "../nmis.h"

static const u32 kinds[] = {
	0, NEBULA_STRICT, NEBULA_ZERO, NEBULA_FIFO, NEBULA_DEBUG_FLAGS,
};

/* After each block the worker may run: no request is ever refused. */
static void expect_grows_from(struct kunit *test, unsigned int blocks, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 24, .blocks = blocks,
						   .max_blocks = 50, .flags = flags | NEBULA_GROW);
	struct held *h = held_create(test, p, 51);

	while (h->count < 50) {
		KUNIT_ASSERT_EQ_MSG(test, held_take(h, 1), 1U, "%u blocks, flags %x, at %u",
				    blocks, flags, h->count);
		nebula_pool_growth_flush(p);
	}
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 0ULL);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), 50U);
	held_verify(test, h);
	held_give(h, UINT_MAX);
	expect_whole(test, p, 50);
	nebula_pool_destroy(p);
}

static void growth_of_the_smallest_pools(struct kunit *test)
{
	unsigned int blocks, i;

	for (blocks = 1; blocks <= 5; blocks++)
		for (i = 0; i < ARRAY_SIZE(kinds); i++)
			expect_grows_from(test, blocks, kinds[i]);
}

/* A waiter gets one, though none comes back. */
static void growth_ends_a_wait(struct kunit *test)
{
	struct nebula_pool *p;
	struct held *h;
	unsigned int blocks;
	unsigned long flags;
	void *obj;

	for (blocks = 1; blocks <= 5; blocks++) {
		p = nebula_pool_create("test", .block_size = 24, .blocks = blocks,
				       .backing = NEBULA_VMALLOC, .flags = NEBULA_GROW);
		h = held_create(test, p, 100);
		local_irq_save(flags);
		held_take(h, UINT_MAX);
		local_irq_restore(flags);
		obj = nebula_pool_alloc_wait(p, 60 * HZ);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
		nebula_pool_free(p, obj);
		held_give(h, UINT_MAX);
		nebula_pool_destroy(p);
	}
}

/* As many as there are cannot be had, half of that can: then it is half. */
static void growth_takes_less_where_more_fails(struct kunit *test)
{
	struct nebula_pool *p;
	unsigned int failures;
	unsigned long flags;
	struct held *h;
	u64 failed;

	for (failures = 1; failures <= 3; failures++) {
		p = nebula_pool_create("test", .block_size = 24, .blocks = 100,
				       .flags = NEBULA_GROW | NEBULA_STRICT);
		h = held_create(test, p, 1000);
		nebula_fault_arm(1, failures);
		/* No interrupt, so all are taken before it grows, and it grows once. */
		local_irq_save(flags);
		held_take(h, 100);
		local_irq_restore(flags);
		nebula_pool_growth_flush(p);
		nebula_fault_disarm();
		KUNIT_EXPECT_GT_MSG(test, nebula_pool_capacity(p), 100U, "%u failures", failures);
		KUNIT_EXPECT_LT_MSG(test, nebula_pool_capacity(p), 200U, "%u failures", failures);
		failed = fixture_failures(p, NEBULA_E_BACKING_FAILED);
		KUNIT_EXPECT_EQ(test, failed, 0ULL);
		KUNIT_EXPECT_GT(test, held_take(h, 1), 0U);
		held_verify(test, h);
		held_give(h, UINT_MAX);
		nebula_pool_destroy(p);
	}
}

/* Twice as much would be one piece of pages that is larger than the largest there is. */
static void growth_beyond_the_largest_pages(struct kunit *test)
{
	const size_t largest = PAGE_SIZE << COMPAT_MAX_PAGE_ORDER, size = largest / 64;
	struct nebula_pool *p;
	struct held *h;

	p = nebula_pool_create("test", .block_size = size, .blocks = 40, .max_blocks = 170,
			       .backing = NEBULA_PAGES, .flags = NEBULA_GROW | NEBULA_STRICT);
	ASSERT_POOL(test, p);
	h = held_create(test, p, 170);
	while (h->count < 170) {
		KUNIT_ASSERT_EQ_MSG(test, held_take(h, 1), 1U, "at %u", h->count);
		nebula_pool_growth_flush(p);
	}
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 0ULL);
	held_verify(test, h);
	held_give(h, UINT_MAX);
	expect_whole(test, p, 170);
	nebula_pool_destroy(p);
}

/* Holds the worker up in the constructor of what it adds. */
static DECLARE_COMPLETION(worker_came);
static DECLARE_COMPLETION(worker_may_go);
static struct task_struct *creator;
static unsigned int held_up;

static void construct_slowly(void *block, void *data)
{
	if (current == creator || held_up++)
		return;
	complete(&worker_came);
	wait_for_completion(&worker_may_go);
}

static struct nebula_error refused_now(struct kunit *test, struct nebula_pool *p)
{
	struct nebula_error err = { };

	KUNIT_EXPECT_NULL(test, nebula_pool_alloc(p));
	KUNIT_EXPECT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_POOL_EXHAUSTED);
	return err;
}

/* The record tells of growth while the worker is at work, and not at the limit. */
static void growth_is_told_while_it_is_pending(struct kunit *test)
{
	struct nebula_pool *p;
	struct nebula_error err;
	struct held *h;

	reinit_completion(&worker_came);
	reinit_completion(&worker_may_go);
	held_up = 0;
	creator = current;
	p = nebula_pool_create("test", .block_size = 24, .blocks = 10, .max_blocks = 20,
			       .flags = NEBULA_GROW | NEBULA_STRICT, .ctor = construct_slowly);
	h = held_create(test, p, 20);
	KUNIT_EXPECT_EQ(test, held_take(h, 10), 10U);
	wait_for_completion(&worker_came);
	err = refused_now(test, p);
	KUNIT_EXPECT_TRUE(test, err.growth_pending);
	KUNIT_EXPECT_EQ(test, err.need, 11UL);
	/* The blocks that the worker is about to add are not there yet. */
	KUNIT_EXPECT_EQ(test, err.capacity, 240UL);
	complete(&worker_may_go);
	nebula_pool_growth_flush(p);
	KUNIT_EXPECT_EQ(test, held_take(h, 10), 10U);
	err = refused_now(test, p);
	KUNIT_EXPECT_FALSE(test, err.growth_pending);
	KUNIT_EXPECT_EQ(test, err.need, 21UL);
	held_give(h, UINT_MAX);
	nebula_pool_destroy(p);
}

/**
 * struct outrun - a task that takes blocks faster than the pool grows
 * @refused: how often there was none.
 * @wrong: of them, how often the record contradicts itself.
 * @example: one of those.
 */
struct outrun {
	unsigned int refused;
	unsigned int wrong;
	struct nebula_error example;
};

#define SIZE	24U

/* No block was left of those that there were, so one more is needed than there were. */
static bool makes_sense(const struct nebula_error *err)
{
	/* In a flood only some are recorded in full: the others have the state of later. */
	if (err->brief)
		return err->code == NEBULA_E_POOL_EXHAUSTED;
	return err->code == NEBULA_E_POOL_EXHAUSTED && !err->available &&
	       err->used == err->capacity && err->promised <= err->capacity &&
	       err->need == err->used / SIZE + 1 && err->utilisation == 1000;
}

static void outrun_growth(void *data)
{
	struct outrun *o = data;
	struct nebula_error err;
	struct nebula_pool *p;
	unsigned int round, n;
	static void *objs[4096];

	for (round = 0; round < CROWD_SCALE(40); round++) {
		p = nebula_pool_create("outrun", .block_size = SIZE, .blocks = 20,
				       .max_blocks = 1500, .backing = NEBULA_VMALLOC,
				       .flags = NEBULA_GROW);
		if (IS_ERR(p))
			return;
		for (n = 0; nebula_pool_capacity(p) < 1500;) {
			objs[n] = nebula_pool_alloc(p);
			if (objs[n]) {
				n++;
				continue;
			}
			o->refused++;
			if (!nebula_last_error(p, &err) || !makes_sense(&err)) {
				o->wrong++;
				o->example = err;
			}
		}
		while (n)
			nebula_pool_free(p, objs[--n]);
		nebula_pool_destroy(p);
		cond_resched();
	}
}

/* The worker adds blocks at any moment, on another CPU: the record is of one moment. */
static void growth_that_is_outrun_is_told_as_of_one_moment(struct kunit *test)
{
	char *report = kunit_kzalloc(test, 4096, GFP_KERNEL);
	struct outrun o = { };
	struct worker w;

	KUNIT_ASSERT_NOT_NULL(test, report);
	worker_start(test, &w, fixture_cpu(), outrun_growth, &o);
	worker_join(&w);
	nebula_error_snprint(report, 4096, &o.example);
	KUNIT_EXPECT_GT(test, o.refused, 0U);
	KUNIT_EXPECT_EQ_MSG(test, o.wrong, 0U, "of %u: %s", o.refused, report);
}

/* Takes what there is, with interrupts off: no worker can get in between. */
static unsigned int take_at_once(struct held *h)
{
	unsigned long flags;
	unsigned int n;

	local_irq_save(flags);
	n = held_take(h, UINT_MAX);
	local_irq_restore(flags);
	return n;
}

static struct nebula_pool *growing_to(struct kunit *test, unsigned int blocks, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("nolock", .block_size = 200, .blocks = 20,
						   .max_blocks = blocks,
						   .flags = flags | NEBULA_GROW);

	ASSERT_POOL(test, p);
	return p;
}

/* Where even GFP_NOWAIT is too much, pages come without a lock, if the kernel has such. */
static void growth_with_interrupts_off(struct kunit *test)
{
	const bool can = fixture_has_nolock();
	struct nebula_pool *p;
	struct held *h;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		p = growing_to(test, 1000, kinds[i]);
		h = held_create(test, p, 1001);
		n = take_at_once(h);
		if (can)
			KUNIT_EXPECT_GT_MSG(test, n, 40U, "flags %x", kinds[i]);
		else
			KUNIT_EXPECT_LE_MSG(test, n, 40U, "flags %x", kinds[i]);
		held_verify(test, h);
		KUNIT_EXPECT_EQ(test, nebula_validate(p), 0);
		held_give(h, UINT_MAX);
		nebula_pool_growth_flush(p);
		nebula_pool_shrink(p);
		nebula_pool_growth_flush(p);
		KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), 20U);
		KUNIT_EXPECT_EQ(test, fixture_regions(test), 1);
		nebula_pool_destroy(p);
	}
}

/* Each of its steps fails: the request is refused, and nothing stays behind. */
static void growth_without_a_lock_fails_at_each_step(struct kunit *test)
{
	struct nebula_pool *p = growing_to(test, 1000, NEBULA_STRICT);
	struct held *h = held_create(test, p, 1001);
	unsigned int step, n;

	if (!fixture_has_nolock()) {
		nebula_pool_destroy(p);
		kunit_skip(test, "this kernel gives no memory without a lock");
	}
	nebula_pool_growth_hold(p);
	for (step = 1; step <= 3; step++) {
		nebula_fault_arm(step, 1);
		n = take_at_once(h);
		KUNIT_EXPECT_GE_MSG(test, nebula_fault_disarm(), step, "step %u", step);
		KUNIT_EXPECT_EQ_MSG(test, n, step == 1 ? 20U : 0U, "step %u", step);
		KUNIT_EXPECT_EQ(test, fixture_regions(test), 1);
	}
	KUNIT_EXPECT_GT(test, take_at_once(h), 0U);
	nebula_pool_growth_release(p);
	held_verify(test, h);
	held_give(h, UINT_MAX);
	nebula_pool_destroy(p);
}

struct in_nmi {
	struct nebula_pool *pool;	/* what it takes from */
	void *objs[1000];		/* what it took */
	unsigned int n;			/* of them; the NMI, and the test when none is sent */
};

static void take_in_nmi(unsigned int cpu, void *data)
{
	struct in_nmi *s = data;
	void *obj;

	while (s->n < ARRAY_SIZE(s->objs) && (obj = nebula_pool_alloc(s->pool)))
		s->objs[s->n++] = obj;
}

static void send_nmi(void *unused)
{
	nmis_send();
}

/*
 * The page allocator may be what the NMI interrupts; then it has nothing to give, and the next NMI
 * tries again.
 */
static void growth_in_nmi(struct kunit *test)
{
	struct in_nmi *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	struct nebula_error err;
	unsigned int turn;

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->pool = growing_to(test, 1000, 0);
	nebula_pool_growth_hold(s->pool);
	if (!nmis_begin(test, take_in_nmi, s)) {
		nebula_pool_growth_release(s->pool);
		nebula_pool_destroy(s->pool);
		kunit_skip(test, "this kernel has no NMIs that can be sent");
	}
	for (turn = 0; turn < 1000 && s->n < 500; turn++)
		smp_call_function_single(fixture_cpu(), send_nmi, NULL, 1);
	nmis_end();
	nebula_pool_growth_release(s->pool);
	if (fixture_has_nolock()) {
		KUNIT_EXPECT_GE(test, s->n, 500U);
	} else {
		KUNIT_EXPECT_LT(test, s->n, 40U);
		KUNIT_ASSERT_TRUE(test, nebula_last_error(s->pool, &err));
		KUNIT_EXPECT_EQ(test, err.context, NEBULA_IN_NMI);
	}
	KUNIT_EXPECT_EQ(test, nebula_validate(s->pool), 0);
	while (s->n)
		nebula_pool_free(s->pool, s->objs[--s->n]);
	nebula_pool_destroy(s->pool);
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(growth_of_the_smallest_pools),
	KUNIT_CASE(growth_ends_a_wait),
	KUNIT_CASE(growth_takes_less_where_more_fails),
	KUNIT_CASE(growth_beyond_the_largest_pages),
	KUNIT_CASE(growth_is_told_while_it_is_pending),
	KUNIT_CASE(growth_that_is_outrun_is_told_as_of_one_moment),
	KUNIT_CASE(growth_with_interrupts_off),
	KUNIT_CASE(growth_without_a_lock_fails_at_each_step),
	KUNIT_CASE(growth_in_nmi),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_growth",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
