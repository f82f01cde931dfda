// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool, many blocks at once: a request that is refused has kept no block from others, of two that
 * would each succeed alone one does, and a pool that grows does so for bulks and reserves, too.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/string.h>
#include "../../module/core/inject.h"
#include "../../module/pool/hooks.h"
#include "../contexts.h"
#include "../crowd.h"
#include "../fixture.h"

#define BLOCKS	600U
#define TURNS	CROWD_SCALE(4000)

/* A race ends after so many rounds, or after so long where the CPUs seldom run at the same time. */
#define ROUNDS	CROWD_SCALE(2000)
#define ENOUGH	HZ

static const u32 kinds[] = {
	0, NEBULA_STRICT, NEBULA_ZERO, NEBULA_FIFO, NEBULA_DEBUG_FLAGS,
};

/* With the smallest caches there are, where the flags allow any. */
static struct nebula_pool *pool_of(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 24, .blocks = BLOCKS,
						   .cache_depth = flags & NEBULA_STRICT ? 0 : 8,
						   .flags = flags);

	ASSERT_POOL(test, p);
	return p;
}

static struct nebula_pool *pool_without_caches(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 24, .blocks = BLOCKS,
						   .cache_depth = NEBULA_POOL_NO_CACHE);

	ASSERT_POOL(test, p);
	return p;
}

/* Neighbours */

/**
 * struct street - one thread asks for more than there will ever be, all others for one block
 * @pool: of this pool.
 * @objs: room for the request.
 * @granted: it was granted. Thread 0.
 * @refused: a single allocation was refused. Any context.
 */
struct street {
	struct nebula_pool *pool;
	void **objs;
	unsigned int granted;
	atomic_t refused;
};

static void neighbour(struct contexts *c, unsigned int who)
{
	struct street *s = c->data;
	void *obj;

	if (!who) {
		if (nebula_pool_alloc_bulk(s->pool, BLOCKS, s->objs)) {
			s->granted++;
			nebula_pool_free_bulk(s->pool, BLOCKS, s->objs);
		}
		return;
	}
	obj = nebula_pool_alloc(s->pool);
	if (obj)
		nebula_pool_free(s->pool, obj);
	else
		atomic_inc(&s->refused);
}

/* One block more than the slack stays live, so that the bulk is one block short for ever. */
static void expect_undisturbed(struct kunit *test, struct nebula_pool *p)
{
	struct held *h = held_create(test, p, p->blocks);
	struct street s = { .pool = p };
	struct contexts *c;

	s.objs = kunit_kcalloc(test, BLOCKS, sizeof(*s.objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s.objs);
	held_take(h, p->blocks - BLOCKS + 1);
	c = contexts_create(test, num_online_cpus() + 1, neighbour, &s);
	contexts_run(test, c, TURNS);
	KUNIT_EXPECT_EQ(test, s.granted, 0U);
	KUNIT_EXPECT_EQ(test, atomic_read(&s.refused), 0);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), h->count);
	held_verify(test, h);
	held_give(h, UINT_MAX);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void bulk_that_is_hopeless_takes_nothing(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_undisturbed(test, pool_of(test, kinds[i]));
	expect_undisturbed(test, pool_without_caches(test));
}

/* Two at once */

/**
 * struct duel - two on two CPUs that ask at the same time, again and again
 * @pool: of this pool.
 * @n: how many blocks each asks for.
 * @objs: room for them.
 * @served: both were in this round.
 * @arrived: how often one of them came to where they meet. Any of the two.
 * @over: no more rounds. The first.
 * @rounds: how many there were. The first.
 * @neither: rounds in which neither was served. The first.
 * @not_both: rounds in which one was not. The first.
 */
struct duel {
	struct nebula_pool *pool;
	unsigned int n[2];
	void **objs[2];
	bool served[2];
	atomic_t arrived;
	bool over;
	unsigned int rounds;
	unsigned int neither;
	unsigned int not_both;
};

/* Comes back when the other is here, too. */
static void meet(struct duel *d, unsigned int *meetings)
{
	*meetings += 2;
	atomic_inc(&d->arrived);
	while (atomic_read(&d->arrived) < (int)*meetings) {
		cpu_relax();
		cond_resched();
	}
}

static bool take(struct duel *d, unsigned int me)
{
	if (d->n[me] > 1)
		return nebula_pool_alloc_bulk(d->pool, d->n[me], d->objs[me]);
	d->objs[me][0] = nebula_pool_alloc(d->pool);
	return d->objs[me][0];
}

static void duellist(struct duel *d, unsigned int me)
{
	const unsigned long limit = jiffies + ENOUGH;
	unsigned int meetings = 0;

	do {
		meet(d, &meetings);
		WRITE_ONCE(d->served[me], take(d, me));
		meet(d, &meetings);
		if (!me) {
			d->rounds++;
			d->neither += !d->served[0] && !READ_ONCE(d->served[1]);
			d->not_both += !d->served[0] || !READ_ONCE(d->served[1]);
			d->over = d->rounds == ROUNDS || time_after(jiffies, limit);
		}
		meet(d, &meetings);
		if (d->served[me])
			nebula_pool_free_bulk(d->pool, d->n[me], d->objs[me]);
	} while (!READ_ONCE(d->over));
}

static void first(void *data)
{
	duellist(data, 0);
}

static void second(void *data)
{
	duellist(data, 1);
}

static struct duel *fight(struct kunit *test, struct nebula_pool *p, unsigned int a,
			  unsigned int b)
{
	struct duel *d = kunit_kzalloc(test, sizeof(*d), GFP_KERNEL);
	int there = fixture_other_cpu(test);
	struct worker workers[2];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, d);
	*d = (struct duel){ .pool = p, .n = { a, b } };
	for (i = 0; i < 2; i++) {
		d->objs[i] = kunit_kcalloc(test, d->n[i], sizeof(*d->objs[i]), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, d->objs[i]);
	}
	worker_start(test, &workers[0], fixture_cpu(), first, d);
	worker_start(test, &workers[1], there, second, d);
	worker_join(&workers[0]);
	worker_join(&workers[1]);
	kunit_info(test, "%u rounds, one was not served in %u\n", d->rounds, d->not_both);
	KUNIT_EXPECT_GT(test, d->rounds, 0U);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	return d;
}

/* There are enough for each, but not for both. */
static void expect_one_is_served(struct kunit *test, struct nebula_pool *p)
{
	const struct duel *d = fight(test, p, p->blocks * 6 / 10, p->blocks * 6 / 10);

	KUNIT_EXPECT_EQ(test, d->neither, 0U);
	KUNIT_EXPECT_EQ(test, d->not_both, d->rounds);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void bulk_of_two_one_is_served(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_one_is_served(test, pool_of(test, kinds[i]));
	expect_one_is_served(test, pool_without_caches(test));
}

/* There are enough for both, and not one more. */
static void expect_both_are_served(struct kunit *test, struct nebula_pool *p, unsigned int a)
{
	const struct duel *d = fight(test, p, a, BLOCKS - a);

	KUNIT_EXPECT_EQ(test, d->not_both, 0U);
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
	nebula_pool_destroy(p);
}

static void bulk_of_two_that_fit_both_are_served(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		expect_both_are_served(test, pool_of(test, kinds[i]), BLOCKS / 3);
		expect_both_are_served(test, pool_of(test, kinds[i]), 1);
	}
}

/* Growth */

#define FEW	64U
#define LIMIT	4096U

/* Never in place, as that takes pages. */
static struct nebula_pool *growing_pool(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("test", .block_size = 24, .blocks = FEW,
						   .max_blocks = LIMIT,
						   .backing = NEBULA_VMALLOC,
						   .flags = flags | NEBULA_GROW);

	ASSERT_POOL(test, p);
	return p;
}

static void **room_for(struct kunit *test, unsigned int n)
{
	void **objs = kunit_kcalloc(test, n, sizeof(*objs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, objs);
	return objs;
}

/* Refused at first, and honest about it; served once the pool has grown. */
static void expect_bulk_grows(struct kunit *test, struct nebula_pool *p, unsigned int n,
			      void **objs)
{
	struct nebula_error err;
	unsigned long flags;
	bool served;

	local_irq_save(flags);
	served = nebula_pool_alloc_bulk(p, n, objs);
	local_irq_restore(flags);
	KUNIT_EXPECT_FALSE(test, served);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_POOL_EXHAUSTED);
	KUNIT_EXPECT_TRUE(test, err.growth_pending);
	nebula_pool_growth_flush(p);
	served = nebula_pool_alloc_bulk(p, n, objs);
	KUNIT_ASSERT_TRUE_MSG(test, served, "%u of %u blocks", n, nebula_pool_capacity(p));
}

static void expect_bulks_grow(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = growing_pool(test, flags);
	void **objs = room_for(test, LIMIT);
	struct nebula_error err;
	void *one;

	/* Nothing is live, so that no low water mark begins it. */
	expect_bulk_grows(test, p, 2 * FEW, objs);
	KUNIT_EXPECT_LT(test, nebula_pool_capacity(p), LIMIT);
	nebula_pool_free_bulk(p, 2 * FEW, objs);
	expect_bulk_grows(test, p, LIMIT, objs);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), LIMIT);
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
	nebula_pool_free_bulk(p, LIMIT - 10, objs + 10);

	/* The pool has all that it may have. */
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), LIMIT);
	if (flags & NEBULA_STRICT) {
		KUNIT_EXPECT_FALSE(test, nebula_pool_alloc_bulk(p, LIMIT - 9, objs + 10));
		KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
		KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_POOL_EXHAUSTED);
		KUNIT_EXPECT_FALSE(test, err.growth_pending);
	}
	nebula_pool_free_bulk(p, 10, objs);
	KUNIT_EXPECT_FALSE(test, nebula_pool_alloc_bulk(p, UINT_MAX, &one));
	EXPECT_ERROR(test, p, NEBULA_E_EXCEEDS_MAX);
	expect_whole(test, p, LIMIT);
	nebula_pool_destroy(p);
}

static void bulk_makes_the_pool_grow(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_bulks_grow(test, kinds[i]);
}

/* More than it may ever have: said at once, and nothing grows for it. */
static void bulk_beyond_the_limit(struct kunit *test)
{
	struct nebula_pool *p = growing_pool(test, NEBULA_STRICT);
	void **objs = room_for(test, LIMIT + 1);
	struct nebula_reserve r;

	KUNIT_EXPECT_FALSE(test, nebula_pool_alloc_bulk(p, LIMIT + 1, objs));
	EXPECT_ERROR(test, p, NEBULA_E_EXCEEDS_MAX);
	KUNIT_EXPECT_EQ(test, nebula_pool_reserve(p, &r, LIMIT + 1), -E2BIG);
	EXPECT_ERROR(test, p, NEBULA_E_EXCEEDS_MAX);
	nebula_pool_growth_flush(p);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), FEW);
	expect_whole(test, p, FEW);
	nebula_pool_destroy(p);
}

/* A reserve may sleep, so the pool grows at once. */
static void expect_reserves_grow(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = growing_pool(test, flags);
	struct nebula_reserve few, rest, more;
	unsigned int i;
	void *obj;

	KUNIT_ASSERT_EQ(test, nebula_pool_reserve(p, &few, FEW + 36), 0);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), FEW + 36);
	KUNIT_EXPECT_LT(test, nebula_pool_capacity(p), LIMIT);
	KUNIT_ASSERT_EQ(test, nebula_pool_reserve(p, &rest, LIMIT - FEW - 36), 0);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), LIMIT);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(p), LIMIT);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 0ULL);
	for (i = 0; i < FEW + 36; i++) {
		obj = nebula_pool_alloc_reserved(&few);
		KUNIT_ASSERT_NOT_NULL(test, obj);
		nebula_pool_free(p, obj);
	}
	KUNIT_EXPECT_EQ(test, nebula_pool_reserve(p, &more, LIMIT), -ENOMEM);
	EXPECT_ERROR(test, p, NEBULA_E_POOL_EXHAUSTED);
	nebula_pool_unreserve(&few);
	nebula_pool_unreserve(&rest);
	expect_whole(test, p, LIMIT);
	nebula_pool_destroy(p);
}

static void reserve_grows_the_pool(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_reserves_grow(test, kinds[i]);
}

/* Fails from each step on until none is left to fail; what was added before is there to stay. */
static void reserve_fails_to_grow(struct kunit *test)
{
	unsigned int step = 0, seen;
	struct nebula_reserve r;
	struct nebula_pool *p;
	int ret;

	do {
		p = growing_pool(test, 0);
		nebula_fault_arm(++step, 100);
		ret = nebula_pool_reserve(p, &r, 3 * FEW);
		seen = nebula_fault_disarm();
		if (ret) {
			KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
			EXPECT_ERROR(test, p, NEBULA_E_BACKING_FAILED);
		}
		nebula_pool_unreserve(&r);
		expect_whole(test, p, nebula_pool_capacity(p));
		nebula_pool_destroy(p);
	} while (seen >= step);
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_GE(test, step, 3U);
}

/* The record names the call. */
static void reserve_is_what_was_refused(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, NEBULA_STRICT);
	struct nebula_reserve r;
	struct nebula_error err;
	void *obj = nebula_pool_alloc(p);

	KUNIT_EXPECT_EQ(test, nebula_pool_reserve(p, &r, BLOCKS), -ENOMEM);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_POOL_EXHAUSTED);
	KUNIT_EXPECT_STREQ(test, err.what, "reserve");
	KUNIT_EXPECT_EQ(test, err.need, BLOCKS + 1UL);
	nebula_pool_free(p, obj);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

/* Few */

/* As many as are left in any magazine, and then some: each bulk has all of its blocks or none. */
static void expect_few(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = pool_of(test, flags);
	const unsigned int most = held_most(p);
	void **objs = kunit_kcalloc(test, most + NEBULA_POOL_FEW, sizeof(*objs), GFP_KERNEL);
	unsigned int n = 0, i;

	KUNIT_ASSERT_NOT_NULL(test, objs);
	while (nebula_pool_alloc_bulk(p, 3, objs + n)) {
		for (i = 0; i < 3; i++)
			fixture_stamp(objs[n + i], 24, n + i);
		n += 3;
	}
	EXPECT_ERROR(test, p, NEBULA_E_POOL_EXHAUSTED);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), n);
	KUNIT_EXPECT_LT(test, most - n, 3U);
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_TRUE(test, fixture_stamped(objs[i], 24, i));
	for (i = 0; i + 6 <= n; i += 6) {
		nebula_pool_free_bulk(p, 1, objs + i);
		nebula_pool_free_bulk(p, 2, objs + i + 1);
		nebula_pool_free_bulk(p, 3, objs + i + 3);
	}
	nebula_pool_free_bulk(p, n - i, objs + i);
	expect_whole(test, p, BLOCKS);
	nebula_pool_destroy(p);
}

static void few_are_all_or_none(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		expect_few(test, kinds[i]);
}

/* What is refused in the middle does not keep the others from being freed. */
static void few_that_are_refused(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 0);
	void *objs[3], *again[3];
	char other;

	KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, 3, objs));
	memcpy(again, objs, sizeof(again));
	again[1] = &other;
	nebula_pool_free_bulk(p, 3, again);
	EXPECT_ERROR(test, p, NEBULA_E_FOREIGN_POINTER);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 1U);
	nebula_pool_free_bulk(p, 3, objs);
	EXPECT_ERROR(test, p, NEBULA_E_DOUBLE_FREE);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_DOUBLE_FREE), 2ULL);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(p), 0U);
	KUNIT_EXPECT_FALSE(test, nebula_pool_alloc_bulk(p, 0, objs));
	EXPECT_ERROR(test, p, NEBULA_E_INVALID_LAYOUT);
	KUNIT_EXPECT_FALSE(test, nebula_pool_alloc_bulk(p, 3, NULL));
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_INVALID_LAYOUT), 2ULL);
	nebula_pool_free_bulk(p, 0, NULL);
	nebula_pool_free_bulk(p, 3, NULL);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_INVALID_LAYOUT), 3ULL);
	nebula_pool_destroy(p);
}

/* A block that was freed twice at once lies in the magazine twice: neither bulk has it twice. */
static void few_that_were_freed_twice(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 0);
	struct nebula_pool_slot *top;
	void *objs[6];
	unsigned int i, k;

	KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, 3, objs));
	nebula_pool_free_bulk(p, 3, objs);
	preempt_disable();
	top = (struct nebula_pool_slot *)raw_cpu_read(p->cpus->top);
	top[0] = top[-1];
	KUNIT_EXPECT_TRUE(test, nebula_pool_alloc_bulk(p, 3, objs));
	preempt_enable();
	KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, 3, objs + 3));
	EXPECT_ERROR(test, p, NEBULA_E_DOUBLE_FREE);
	for (i = 0; i < ARRAY_SIZE(objs); i++)
		for (k = 0; k < i; k++)
			KUNIT_EXPECT_PTR_NE(test, objs[i], objs[k]);
	nebula_pool_reset(p);
	nebula_pool_destroy(p);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(few_are_all_or_none),
	KUNIT_CASE(few_that_are_refused),
	KUNIT_CASE(few_that_were_freed_twice),
	KUNIT_CASE(bulk_that_is_hopeless_takes_nothing),
	KUNIT_CASE(bulk_of_two_one_is_served),
	KUNIT_CASE(bulk_of_two_that_fit_both_are_served),
	KUNIT_CASE(bulk_makes_the_pool_grow),
	KUNIT_CASE(bulk_beyond_the_limit),
	KUNIT_CASE(reserve_grows_the_pool),
	KUNIT_CASE(reserve_fails_to_grow),
	KUNIT_CASE(reserve_is_what_was_refused),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_bulk",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
