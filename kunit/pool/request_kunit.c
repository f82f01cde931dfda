// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: what callers ask for beside a block: growth as gfp flags say, silence, cleared memory,
 * destructors, several blocks after a wait, memory for devices.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../../module/core/inject.h"
#include "../../module/error/error.h"
#include "../../module/pool/hooks.h"
#include "../fixture.h"
#include "../worker.h"

#define SIZE	64
#define FEW	32U
#define LIMIT	2000U

static struct nebula_pool *growing_pool(struct kunit *test, enum nebula_backing backing, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = SIZE, .blocks = FEW,
						   .max_blocks = LIMIT, .backing = backing,
						   .flags = NEBULA_GROW | flags);

	ASSERT_POOL(test, p);
	return p;
}

static struct nebula_pool *pool_of(struct kunit *test, unsigned int blocks, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = SIZE, .blocks = blocks,
						   .flags = flags);

	ASSERT_POOL(test, p);
	return p;
}

static void **room_for(struct kunit *test, unsigned int n)
{
	void **objs = kunit_kcalloc(test, n, sizeof(*objs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, objs);
	return objs;
}

static const u32 kinds[] = { 0, NEBULA_STRICT, NEBULA_REDZONE, NEBULA_FIFO };

/* Up to the limit without a refusal, in no other context than the caller's. */
static void expect_grows(struct kunit *test, struct nebula_pool *p, gfp_t gfp, bool irqs_off)
{
	void **objs = room_for(test, LIMIT);
	unsigned long flags = 0;
	unsigned int n;

	/* What is added is added by the caller. */
	if (!gfpflags_allow_blocking(gfp))
		nebula_pool_growth_hold(p);
	for (n = 0; n < LIMIT; n++) {
		if (irqs_off)
			local_irq_save(flags);
		objs[n] = gfp ? nebula_pool_alloc_gfp(p, gfp) : nebula_pool_alloc(p);
		if (irqs_off)
			local_irq_restore(flags);
		if (!objs[n])
			break;
		fixture_stamp(objs[n], SIZE, n);
	}
	if (!gfpflags_allow_blocking(gfp))
		nebula_pool_growth_release(p);
	KUNIT_EXPECT_EQ(test, n, LIMIT);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 0ULL);
	KUNIT_EXPECT_LE(test, nebula_pool_capacity(p), LIMIT);
	while (n--) {
		KUNIT_EXPECT_TRUE(test, fixture_stamped(objs[n], SIZE, n));
		nebula_pool_free(p, objs[n]);
	}
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	nebula_pool_growth_flush(p);
	KUNIT_EXPECT_GT(test, nebula_pool_shrink(p), 0U);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), FEW);
	nebula_pool_destroy(p);
}

static void gfp_kernel_grows(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_grows(test, growing_pool(test, NEBULA_VMALLOC, kinds[i]), GFP_KERNEL, false);
}

/* No worker gets in between, so all that is added is added in place. */
static void gfp_nowait_grows_in_place(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_grows(test, growing_pool(test, NEBULA_AUTO, kinds[i]), GFP_ATOMIC, true);
}

static void plain_alloc_grows_in_place(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_grows(test, growing_pool(test, NEBULA_AUTO, kinds[i]), 0, false);
}

/* Takes all that the pool has as it is: without interrupts the worker adds nothing. */
static unsigned int take_all(struct nebula_pool *p, void **objs)
{
	unsigned long flags;
	unsigned int n = 0;

	local_irq_save(flags);
	while (n < LIMIT && (objs[n] = nebula_pool_try_alloc(p)))
		n++;
	local_irq_restore(flags);
	return n;
}

static void give_all(struct nebula_pool *p, void **objs, unsigned int n)
{
	while (n)
		nebula_pool_free(p, objs[--n]);
}

/* By bits: may it grow? */
static const struct {
	const char *why;
	gfp_t gfp;
	enum nebula_backing backing;
	bool grows;
} ways[] = {
	{ "no flags, vmalloc", 0, NEBULA_VMALLOC, false },
	{ "NOWAIT", GFP_NOWAIT, NEBULA_AUTO, true },
	{ "ATOMIC", GFP_ATOMIC, NEBULA_PAGES, true },
	{ "KERNEL where it may not sleep", GFP_KERNEL, NEBULA_AUTO, true },
	{ "NOWARN only", __GFP_NOWARN, NEBULA_AUTO, false },
	{ "vmalloc cannot without sleeping", GFP_ATOMIC, NEBULA_VMALLOC, false },
};

static void growth_in_place_is_asked_for(struct kunit *test)
{
	void **objs = room_for(test, LIMIT), *obj;
	struct nebula_pool *p;
	unsigned long flags;
	unsigned int i, n;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		p = growing_pool(test, ways[i].backing, 0);
		local_irq_save(flags);
		n = take_all(p, objs);
		obj = ways[i].gfp ? nebula_pool_alloc_gfp(p, ways[i].gfp) : nebula_pool_alloc(p);
		local_irq_restore(flags);
		KUNIT_EXPECT_EQ_MSG(test, !!obj, ways[i].grows, "%s", ways[i].why);
		nebula_pool_free(p, obj);
		give_all(p, objs, n);
		nebula_pool_destroy(p);
	}
}

/* A pool with a constructor, which may sleep, does not call it where the caller may not. */
static void stamp_of_ctor(void *block, void *data)
{
	might_sleep();
	*(void **)block = data;
}

static void ctor_gets_its_data(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = SIZE, .blocks = FEW,
						   .max_blocks = LIMIT, .flags = NEBULA_GROW,
						   .ctor = stamp_of_ctor, .ctor_data = test);
	void **objs = room_for(test, LIMIT), *obj;
	unsigned int n, i;
	unsigned long flags;

	ASSERT_POOL(test, p);
	local_irq_save(flags);
	n = take_all(p, objs);
	obj = nebula_pool_alloc_gfp(p, GFP_ATOMIC);
	local_irq_restore(flags);
	KUNIT_EXPECT_NULL(test, obj);
	for (; n < LIMIT; n++) {
		objs[n] = nebula_pool_alloc_gfp(p, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objs[n]);
	}
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_PTR_EQ(test, *(struct kunit **)objs[i], test);
	give_all(p, objs, n);
	nebula_pool_destroy(p);
}

/* Whatever step fails, the allocation is refused, and the pool is as it was. */
static void growth_in_place_fails(struct kunit *test)
{
	struct nebula_pool *p = growing_pool(test, NEBULA_AUTO, 0);
	void **objs = room_for(test, LIMIT), *obj = NULL;
	unsigned long flags;
	unsigned int n, step;

	nebula_pool_growth_hold(p);
	n = take_all(p, objs);
	for (step = 1; step < 20 && !obj; step++) {
		local_irq_save(flags);
		nebula_fault_arm(step, 1);
		obj = nebula_pool_alloc_gfp(p, GFP_ATOMIC);
		nebula_fault_disarm();
		local_irq_restore(flags);
		if (!obj)
			KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), FEW);
	}
	nebula_pool_growth_release(p);
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
	/* Segment, region and table. */
	KUNIT_EXPECT_GE(test, step, 5U);
	KUNIT_EXPECT_NOT_NULL(test, obj);
	nebula_pool_free(p, obj);
	give_all(p, objs, n);
	nebula_pool_destroy(p);
}

/**
 * struct growers - tasks on all CPUs that have a pool grow
 * @pool: the pool.
 * @gfp: as they ask.
 * @held: blocks that they have.
 * @next: of @held.
 */
struct growers {
	struct nebula_pool *pool;
	gfp_t gfp;
	void **held;
	atomic_t next;
};

static void grow_to_the_limit(void *data)
{
	struct growers *g = data;
	void *obj;

	bool whole;

	do {
		/* Read before: what is refused then is refused for good. */
		whole = nebula_pool_capacity(g->pool) >= LIMIT;
		obj = nebula_pool_alloc_gfp(g->pool, g->gfp | __GFP_NOWARN);
		if (obj)
			g->held[atomic_inc_return(&g->next) - 1] = obj;
		cond_resched();
	} while (obj || !whole);
}

/* In place on two CPUs and by the worker at once: never beyond the limit, and each block once. */
static void all_ways_of_growing_at_once(struct kunit *test)
{
	const int other = fixture_other_cpu(test);
	struct growers g = { .held = room_for(test, LIMIT + FEW * 64) };
	struct worker one, two;
	unsigned int i, round;

	for (round = 0; round < 20; round++) {
		g.pool = growing_pool(test, NEBULA_AUTO, round % 2 ? NEBULA_STRICT : 0);
		g.gfp = round % 4 < 2 ? GFP_ATOMIC : GFP_KERNEL;
		atomic_set(&g.next, 0);
		worker_start(test, &one, fixture_cpu(), grow_to_the_limit, &g);
		worker_start(test, &two, other, grow_to_the_limit, &g);
		worker_join(&one);
		worker_join(&two);
		nebula_pool_growth_flush(g.pool);
		KUNIT_EXPECT_LE(test, nebula_pool_capacity(g.pool), LIMIT);
		KUNIT_EXPECT_GE(test, nebula_pool_used(g.pool), nebula_pool_capacity(g.pool));
		KUNIT_EXPECT_EQ(test, nebula_validate(g.pool), 0U);
		for (i = 0; i < (unsigned int)atomic_read(&g.next); i++)
			nebula_pool_free(g.pool, g.held[i]);
		KUNIT_EXPECT_EQ(test, nebula_pool_used(g.pool), 0U);
		KUNIT_EXPECT_EQ(test, fixture_failures(g.pool, NEBULA_E_DOUBLE_FREE), 0ULL);
		nebula_pool_destroy(g.pool);
	}
}

static void try_alloc_is_silent(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, FEW, NEBULA_STRICT);
	struct nebula_error_counts before, after;
	void **objs = room_for(test, LIMIT), *obj;
	unsigned int n = take_all(p, objs);

	KUNIT_EXPECT_EQ(test, n, FEW);
	nebula_error_counts(&before);
	obj = nebula_pool_try_alloc(p);
	KUNIT_EXPECT_NULL(test, obj);
	obj = nebula_pool_alloc_gfp(p, GFP_KERNEL | __GFP_NOWARN);
	KUNIT_EXPECT_NULL(test, obj);
	nebula_error_counts(&after);
	KUNIT_EXPECT_EQ(test, after.recorded, before.recorded);
	KUNIT_EXPECT_EQ(test, after.quiet, before.quiet + 2);
	obj = nebula_pool_alloc_gfp(p, GFP_KERNEL & ~__GFP_NOWARN);
	KUNIT_EXPECT_NULL(test, obj);
	EXPECT_ERROR(test, p, NEBULA_E_POOL_EXHAUSTED);
	give_all(p, objs, n);
	nebula_pool_destroy(p);
}

static bool is_clear(const void *obj)
{
	return !memchr_inv(obj, 0, SIZE);
}

static void zalloc_gfp_clears(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct nebula_pool *p = pool_of(test, FEW, kinds[i]);
		void *obj = nebula_pool_alloc(p);

		KUNIT_ASSERT_NOT_NULL(test, obj);
		memset(obj, 0xa5, SIZE);
		nebula_pool_free(p, obj);
		obj = nebula_pool_zalloc_gfp(p, GFP_NOWAIT);
		KUNIT_ASSERT_NOT_NULL(test, obj);
		KUNIT_EXPECT_TRUE(test, is_clear(obj));
		nebula_pool_free(p, obj);
		nebula_pool_destroy(p);
	}
}

static void freed_blocks_are_cleared(struct kunit *test)
{
	u8 foreign[SIZE];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct nebula_pool *p = pool_of(test, FEW, kinds[i]);
		u8 *obj = nebula_pool_alloc(p);

		KUNIT_ASSERT_NOT_NULL(test, obj);
		memset(obj, 0xa5, SIZE);
		nebula_pool_free_sensitive(p, obj);
		KUNIT_EXPECT_TRUE(test, is_clear(obj));
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
		/* A free block, and memory of others, are left alone. */
		*obj = 1;
		nebula_pool_free_sensitive(p, obj);
		EXPECT_ERROR(test, p, NEBULA_E_DOUBLE_FREE);
		KUNIT_EXPECT_EQ(test, *obj, 1);
		memset(foreign, 0xa5, SIZE);
		nebula_pool_free_sensitive(p, foreign);
		EXPECT_ERROR(test, p, NEBULA_E_FOREIGN_POINTER);
		KUNIT_EXPECT_EQ(test, foreign[0], 0xa5);
		nebula_pool_free_sensitive(p, NULL);
		nebula_pool_destroy(p);
	}
}

static void clear_on_free_clears(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, FEW, NEBULA_CLEAR_ON_FREE);
	u8 *obj = nebula_pool_alloc(p), *objs[2];
	bool served;

	KUNIT_ASSERT_NOT_NULL(test, obj);
	memset(obj, 0xa5, SIZE);
	nebula_pool_free(p, obj);
	KUNIT_EXPECT_TRUE(test, is_clear(obj));
	served = nebula_pool_alloc_bulk(p, 2, (void **)objs);
	KUNIT_ASSERT_TRUE(test, served);
	memset(objs[0], 0xa5, SIZE);
	memset(objs[1], 0xa5, SIZE);
	nebula_pool_free_bulk(p, 2, (void **)objs);
	KUNIT_EXPECT_TRUE(test, is_clear(objs[0]));
	KUNIT_EXPECT_TRUE(test, is_clear(objs[1]));
	KUNIT_EXPECT_EQ(test, nebula_pool_block_size(p), (size_t)SIZE);
	nebula_pool_destroy(p);
}

/* Destructors */

static atomic_t destroyed;

static void destroy_one(void *obj)
{
	*(u8 *)obj = 0xdd;
	atomic_inc(&destroyed);
}

static void destructor_runs_after_the_grace_period(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, FEW, NEBULA_STRICT);
	void **objs = room_for(test, LIMIT);
	unsigned int n, i;

	n = take_all(p, objs);
	atomic_set(&destroyed, 0);
	rcu_read_lock();
	for (i = 0; i < n; i++) {
		*(u8 *)objs[i] = 0xaa;
		nebula_pool_free_rcu_cb(p, objs[i], i % 2 ? destroy_one : NULL);
	}
	KUNIT_EXPECT_EQ(test, atomic_read(&destroyed), 0);
	KUNIT_EXPECT_EQ(test, *(u8 *)objs[1], 0xaa);
	rcu_read_unlock();
	nebula_pool_free_rcu_cb(p, objs[1], destroy_one);
	EXPECT_ERROR(test, p, NEBULA_E_DOUBLE_FREE);
	nebula_pool_rcu_flush(p);
	KUNIT_EXPECT_EQ(test, atomic_read(&destroyed), (int)n / 2);
	KUNIT_EXPECT_EQ(test, *(u8 *)objs[0], 0xaa);
	KUNIT_EXPECT_EQ(test, *(u8 *)objs[1], 0xdd);
	nebula_pool_free_rcu_cb(p, NULL, destroy_one);
	expect_whole(test, p, FEW);
	nebula_pool_destroy(p);
}

#define DESTRUCTOR(n)	static void destroy_##n(void *obj) { atomic_add(n, &destroyed); }

DESTRUCTOR(1)
DESTRUCTOR(2)
DESTRUCTOR(3)
DESTRUCTOR(4)
DESTRUCTOR(5)
DESTRUCTOR(6)
DESTRUCTOR(7)
DESTRUCTOR(8)
DESTRUCTOR(9)
DESTRUCTOR(10)
DESTRUCTOR(11)
DESTRUCTOR(12)
DESTRUCTOR(13)
DESTRUCTOR(14)
DESTRUCTOR(15)
DESTRUCTOR(16)

static void (*const destructors[])(void *obj) = {
	destroy_1, destroy_2, destroy_3, destroy_4, destroy_5, destroy_6, destroy_7, destroy_8,
	destroy_9, destroy_10, destroy_11, destroy_12, destroy_13, destroy_14, destroy_15,
	destroy_16,
};

static void destructors_of_a_pool_are_few(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, FEW, 0);
	void **objs = room_for(test, LIMIT);
	unsigned int i;

	atomic_set(&destroyed, 0);
	for (i = 0; i < ARRAY_SIZE(destructors); i++) {
		objs[i] = nebula_pool_alloc(p);
		KUNIT_ASSERT_NOT_NULL(test, objs[i]);
		nebula_pool_free_rcu_cb(p, objs[i], destructors[i]);
	}
	EXPECT_ERROR(test, p, NEBULA_E_EXCEEDS_MAX);
	nebula_pool_rcu_flush(p);
	/* 1 to 15; the last block is live, and freed as any other. */
	KUNIT_EXPECT_EQ(test, atomic_read(&destroyed), 15 * 16 / 2);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 1U);
	nebula_pool_free(p, objs[i - 1]);
	nebula_pool_destroy(p);
}

/* Several blocks after a wait */

/**
 * struct taker - a task that waits for several blocks
 * @pool: the pool.
 * @n: how many at a time.
 * @turns: how often.
 * @failed: how often in vain.
 */
struct taker {
	struct nebula_pool *pool;
	unsigned int n;
	unsigned int turns;
	unsigned int failed;
};

static void take_several(void *data)
{
	struct taker *t = data;
	void *objs[FEW];

	while (t->turns--) {
		if (nebula_pool_alloc_wait_bulk(t->pool, t->n, objs, MAX_SCHEDULE_TIMEOUT)) {
			t->failed++;
			continue;
		}
		cond_resched();
		nebula_pool_free_bulk(t->pool, t->n, objs);
	}
}

/* Each wants more than half of what there is: with one block after the other they would block. */
static void takers_of_several_do_not_deadlock(struct kunit *test)
{
	struct taker takers[3];
	struct worker workers[3];
	unsigned int i, k;

	for (k = 0; k < 2; k++) {
		struct nebula_pool *p = pool_of(test, FEW, k ? NEBULA_STRICT : 0);

		for (i = 0; i < ARRAY_SIZE(takers); i++) {
			takers[i] = (struct taker){ .pool = p, .n = FEW / 2 + 3 * i, .turns = 300 };
			worker_start(test, &workers[i], WORKER_ANYWHERE, take_several, &takers[i]);
		}
		for (i = 0; i < ARRAY_SIZE(takers); i++) {
			worker_join(&workers[i]);
			KUNIT_EXPECT_EQ(test, takers[i].failed, 0U);
		}
		KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
		nebula_pool_destroy(p);
	}
}

static void wait_bulk_refuses(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, FEW, NEBULA_STRICT);
	void **objs = room_for(test, LIMIT);
	int err;

	err = nebula_pool_alloc_wait_bulk(p, 0, objs, 1);
	KUNIT_EXPECT_EQ(test, err, -EINVAL);
	EXPECT_ERROR(test, p, NEBULA_E_INVALID_LAYOUT);
	err = nebula_pool_alloc_wait_bulk(p, FEW, NULL, 1);
	KUNIT_EXPECT_EQ(test, err, -EINVAL);
	err = nebula_pool_alloc_wait_bulk(p, FEW + 1, objs, MAX_SCHEDULE_TIMEOUT);
	KUNIT_EXPECT_EQ(test, err, -E2BIG);
	EXPECT_ERROR(test, p, NEBULA_E_EXCEEDS_MAX);
	err = nebula_pool_alloc_wait_bulk(p, FEW, objs, 0);
	KUNIT_EXPECT_EQ(test, err, 0);
	err = nebula_pool_alloc_wait_bulk(p, 2, objs + FEW, 2);
	KUNIT_EXPECT_EQ(test, err, -ETIMEDOUT);
	EXPECT_ERROR(test, p, NEBULA_E_TIMED_OUT);
	if (IS_ENABLED(CONFIG_PREEMPT_COUNT)) {
		preempt_disable();
		err = nebula_pool_alloc_wait_bulk(p, 2, objs + FEW, 2);
		preempt_enable();
		KUNIT_EXPECT_EQ(test, err, -EPERM);
	}
	nebula_pool_free_bulk(p, FEW, objs);
	expect_whole(test, p, FEW);
	nebula_pool_destroy(p);
}

/* What is free already needs no growth, down to the last block. */
static void reserve_of_all_that_is_free(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 64, .blocks = 8,
						   .max_blocks = 64, .flags = NEBULA_GROW,
						   .cache_depth = NEBULA_POOL_NO_CACHE);
	struct nebula_reserve r;
	struct nebula_stats st;

	ASSERT_POOL(test, p);
	KUNIT_ASSERT_EQ(test, nebula_pool_reserve(p, &r, 8), 0);
	nebula_stats_read(p, &st);
	KUNIT_EXPECT_EQ(test, st.regions, 1ULL);
	nebula_pool_unreserve(&r);
	nebula_pool_destroy(p);
}

static void reserve_is_refilled(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, FEW, NEBULA_STRICT);
	struct nebula_reserve r;
	void *objs[FEW];
	unsigned long flags;
	unsigned int i;
	int err;

	KUNIT_ASSERT_EQ(test, nebula_pool_reserve(p, &r, FEW / 2), 0);
	for (i = 0; i < 3; i++)
		objs[i] = nebula_pool_alloc_reserved(&r);
	local_irq_save(flags);
	err = nebula_pool_refill(&r);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), FEW / 2 + 3);
	for (; i < FEW; i++)
		objs[i] = i < FEW / 2 ? nebula_pool_alloc(p) : nebula_pool_alloc_reserved(&r);
	/* Three are left in the reserve, none in the pool. */
	err = nebula_pool_refill(&r);
	KUNIT_EXPECT_EQ(test, err, -ENOMEM);
	EXPECT_ERROR(test, p, NEBULA_E_POOL_EXHAUSTED);
	for (i = 0; i < FEW; i++)
		nebula_pool_free(p, objs[i]);
	err = nebula_pool_refill(&r);
	KUNIT_EXPECT_EQ(test, err, 0);
	local_irq_save(flags);
	nebula_pool_unreserve(&r);
	local_irq_restore(flags);
	err = nebula_pool_refill(&r);
	KUNIT_EXPECT_EQ(test, err, -EBUSY);
	expect_whole(test, p, FEW);
	nebula_pool_destroy(p);
}

/* Memory for devices: many megabytes, in portions of contiguous pages. */
static void dma_blocks_are_contiguous(struct kunit *test)
{
	const size_t size = 3 * SZ_4K - 100;
	const unsigned int n = 800;
	struct nebula_pool *p = nebula_pool_create("test", .block_size = size, .blocks = n,
						   .flags = NEBULA_DMA | NEBULA_STRICT);
	void **objs = room_for(test, LIMIT);
	struct nebula_stats st;
	unsigned int i;

	ASSERT_POOL(test, p);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), n);
	for (i = 0; i < n; i++) {
		objs[i] = nebula_pool_alloc(p);
		KUNIT_ASSERT_NOT_NULL(test, objs[i]);
		KUNIT_EXPECT_TRUE(test, virt_addr_valid(objs[i]));
		KUNIT_EXPECT_TRUE(test, virt_addr_valid(objs[i] + size - 1));
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)objs[i], SMP_CACHE_BYTES));
		KUNIT_EXPECT_EQ(test, virt_to_phys(objs[i] + size - 1) - virt_to_phys(objs[i]),
				(phys_addr_t)size - 1);
	}
	KUNIT_EXPECT_NULL(test, nebula_pool_try_alloc(p));
	nebula_stats_read(p, &st);
	KUNIT_EXPECT_GT(test, st.regions, 1ULL);
	KUNIT_EXPECT_EQ(test, st.grows, 0ULL);
	give_all(p, objs, n);
	expect_whole(test, p, n);
	nebula_pool_destroy(p);
}

static void dma_excludes_other_memory(struct kunit *test)
{
	static u8 buffer[SZ_4K];
	struct nebula_pool *p;

	p = nebula_pool_create("test", .block_size = SIZE, .blocks = 4, .flags = NEBULA_DMA,
			       .backing = NEBULA_VMALLOC);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(p), -EINVAL);
	p = nebula_pool_create("test", .block_size = SIZE, .blocks = 4, .flags = NEBULA_DMA,
			       .buffer = buffer, .buffer_size = sizeof(buffer));
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(p), -EINVAL);
	p = nebula_pool_create("test", .block_size = SIZE, .blocks = 4,
			       .flags = NEBULA_CLEAR_ON_FREE | NEBULA_TYPESAFE_BY_RCU);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(p), -EINVAL);
	p = nebula_pool_create("test", .block_size = SIZE, .blocks = 4,
			       .flags = NEBULA_CLEAR_ON_FREE, .ctor = stamp_of_ctor);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(p), -EINVAL);
}

/* A pool on a buffer. */
struct on_buffer {
	size_t size;
	unsigned int blocks;
	size_t align;
	u32 flags;
};

static const struct on_buffer on_buffers[] = {
	{ 1, 1, 0, 0 },
	{ 64, 100, 0, 0 },
	{ 72, 5000, 64, NEBULA_STRICT },
	{ 100, 300, 0, NEBULA_DEBUG_FLAGS },
	{ 24, 64, 0, NEBULA_FIFO },
	{ 4096, 3, 4096, 0 },
};

#define LIKE(row, ...)									\
	.block_size = (row)->size, .blocks = (row)->blocks, .align = (row)->align,	\
	.flags = (row)->flags, ##__VA_ARGS__

static void expect_buffer_is_enough(struct kunit *test, const struct on_buffer *row)
{
	const size_t size = nebula_pool_buffer_size(LIKE(row));
	void *buffer = kvmalloc(size + SZ_4K, GFP_KERNEL);
	struct nebula_pool *p;
	size_t off;

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	KUNIT_EXPECT_GT(test, size, row->size * row->blocks);
	for (off = 0; off < 100; off += 33) {
		p = nebula_pool_create("test", LIKE(row, .buffer = buffer + off,
						    .buffer_size = size));
		KUNIT_EXPECT_FALSE_MSG(test, IS_ERR(p), "%zu bytes, offset %zu", row->size, off);
		if (IS_ERR(p))
			continue;
		expect_whole(test, p, row->blocks);
		nebula_pool_destroy(p);
	}
	kvfree(buffer);
}

static void buffer_size_is_enough(struct kunit *test)
{
	unsigned int i;
	size_t size;

	for (i = 0; i < ARRAY_SIZE(on_buffers); i++)
		expect_buffer_is_enough(test, &on_buffers[i]);
	size = nebula_pool_buffer_size(.block_size = SIZE, .blocks = 4, .flags = NEBULA_SHARED);
	KUNIT_EXPECT_EQ(test, size, (size_t)0);
}

/* The zone begins at the end of the object, not of the block. */
static void redzone_is_behind_the_object(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, FEW, NEBULA_REDZONE);
	u8 *obj;

	obj = nebula_pool_alloc_fit(p, 40, 8);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	memset(obj, 0, 40);
	nebula_pool_free(p, obj);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 0ULL);
	obj = nebula_pool_alloc_fit(p, 40, 8);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	memset(obj, 0, 41);
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 1U);
	nebula_pool_free(p, obj);
	EXPECT_ERROR(test, p, NEBULA_E_CORRUPTION);
	/* The whole block, when that is asked for. */
	obj = nebula_pool_alloc(p);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	memset(obj, 0, SIZE);
	nebula_pool_free(p, obj);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 1ULL);
	nebula_pool_destroy(p);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(gfp_kernel_grows),
	KUNIT_CASE(gfp_nowait_grows_in_place),
	KUNIT_CASE(plain_alloc_grows_in_place),
	KUNIT_CASE(growth_in_place_is_asked_for),
	KUNIT_CASE(ctor_gets_its_data),
	KUNIT_CASE(growth_in_place_fails),
	KUNIT_CASE(all_ways_of_growing_at_once),
	KUNIT_CASE(try_alloc_is_silent),
	KUNIT_CASE(zalloc_gfp_clears),
	KUNIT_CASE(freed_blocks_are_cleared),
	KUNIT_CASE(clear_on_free_clears),
	KUNIT_CASE(destructor_runs_after_the_grace_period),
	KUNIT_CASE(destructors_of_a_pool_are_few),
	KUNIT_CASE(takers_of_several_do_not_deadlock),
	KUNIT_CASE(wait_bulk_refuses),
	KUNIT_CASE(reserve_of_all_that_is_free),
	KUNIT_CASE(reserve_is_refilled),
	KUNIT_CASE(dma_blocks_are_contiguous),
	KUNIT_CASE(dma_excludes_other_memory),
	KUNIT_CASE(buffer_size_is_enough),
	KUNIT_CASE(redzone_is_behind_the_object),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_request",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
