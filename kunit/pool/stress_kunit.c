// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: every CPU, in task and hard interrupt and NMI at once, while CPUs come and go, while the
 * pool grows and shrinks. No block is handed out twice, none is lost, and N blocks are N blocks.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "../../module/pool/hooks.h"
#include "../crowd.h"

#define TURNS		CROWD_SCALE(200000)

/* Once and only once, also when there is nothing left */

static void expect_each_once(struct kunit *test, struct nebula_pool *p, unsigned int turns)
{
	struct ledger *l = ledger_create(test, p);
	struct crowd *c = crowd_create(test, l, 2 * l->blocks);

	crowd_run(test, c, turns);
	ledger_verify(test, l);
	crowd_release(c);
	crowd_print(test, c);
	KUNIT_EXPECT_GT(test, atomic_read(&l->in_context[NEBULA_IN_HARDIRQ]), 0);
	crowd_destroy(c);
	ledger_verify_whole(test, l);
	ledger_destroy(l);
}

static void stress_of_64_bytes(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("stress", .block_size = 64, .blocks = 1000);

	expect_each_once(test, p, TURNS);
}

static void stress_of_48_bytes(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("stress", .block_size = 48, .blocks = 1000);

	expect_each_once(test, p, TURNS);
}

/* The smallest caches there are, refilled and flushed all the time. */
static struct nebula_pool *pool_with_small_caches(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("small", .block_size = 64, .cache_depth = 8,
						   .blocks = 32 * num_possible_cpus());

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, nebula_pool_is_inline(p));
	return p;
}

static void stress_of_small_caches(struct kunit *test)
{
	expect_each_once(test, pool_with_small_caches(test), TURNS);
}

static void stress_strict(struct kunit *test)
{
	expect_each_once(test, nebula_pool_create("stress", .block_size = 64, .blocks = 1000,
						  .flags = NEBULA_STRICT), TURNS);
}

static void stress_without_caches(struct kunit *test)
{
	expect_each_once(test, nebula_pool_create("stress", .block_size = 64, .blocks = 1000,
						  .cache_depth = NEBULA_POOL_NO_CACHE), TURNS);
}

static void stress_zeroing(struct kunit *test)
{
	expect_each_once(test, nebula_pool_create("stress", .block_size = 64, .blocks = 1000,
						  .flags = NEBULA_ZERO), TURNS);
}

static void stress_development(struct kunit *test)
{
	expect_each_once(test, nebula_pool_create("stress", .block_size = 64, .blocks = 1000,
						  .preset = NEBULA_DEVELOPMENT), TURNS / 4);
}

static void stress_fifo(struct kunit *test)
{
	expect_each_once(test, nebula_pool_create("stress", .block_size = 64, .blocks = 1000,
						  .preset = NEBULA_DEVELOPMENT,
						  .flags = NEBULA_FIFO | NEBULA_STRICT), TURNS / 4);
}

/* Takes all blocks and gives @rest of them back, from all over the pool: how many are left. */
static unsigned int keep_most(struct kunit *test, struct ledger *l, void **objs, unsigned int rest)
{
	unsigned int capacity = nebula_pool_capacity(l->pool), kept = 0, i;

	KUNIT_ASSERT_TRUE(test, ledger_alloc_bulk(l, capacity, objs));
	for (i = 0; i < capacity; i++) {
		if ((u64)i * rest % capacity < rest)
			ledger_free(l, objs[i]);
		else
			objs[kept++] = objs[i];
	}
	return kept;
}

/* Blocks whose numbers need more than 16 bits. */
static void stress_of_many_blocks(struct kunit *test)
{
	struct ledger *l = ledger_create(test, nebula_pool_create("stress", .block_size = 8,
								  .blocks = SZ_64K + 1));
	unsigned int kept, capacity = nebula_pool_capacity(l->pool);
	void **objs = vmalloc(array_size(capacity, sizeof(*objs)));
	struct crowd *c;

	KUNIT_ASSERT_NOT_NULL(test, objs);
	kept = keep_most(test, l, objs, 1000);
	c = crowd_create(test, l, 2 * (l->blocks - kept));
	crowd_run(test, c, TURNS);
	crowd_release(c);
	crowd_print(test, c);
	crowd_destroy(c);
	ledger_free_bulk(l, kept, objs);
	vfree(objs);
	ledger_verify_whole(test, l);
	ledger_destroy(l);
}

/* N is N: all together never hold more, and are never refused. */

/* All but @rest blocks are in use from the beginning, every so many is not. */
static void expect_never_refused(struct kunit *test, struct nebula_pool *p, unsigned int rest)
{
	struct ledger *l = ledger_create(test, p);
	unsigned int capacity = nebula_pool_capacity(p), kept;
	void **objs = vmalloc(array_size(capacity, sizeof(*objs)));
	struct crowd *c;

	KUNIT_ASSERT_NOT_NULL(test, objs);
	kept = keep_most(test, l, objs, rest);
	c = crowd_create(test, l, rest);
	crowd_run(test, c, TURNS / 2);
	c->brink = true;
	crowd_run(test, c, TURNS / 2);
	crowd_print(test, c);
	KUNIT_EXPECT_EQ(test, atomic_read(&l->refused), 0);
	crowd_release(c);
	crowd_destroy(c);
	ledger_free_bulk(l, kept, objs);
	vfree(objs);
	ledger_verify_whole(test, l);
	ledger_destroy(l);
}

/* On a buffer, where no page is filled up with more blocks than the caches need. */
static void n_are_served_by_caches(struct kunit *test)
{
	void *buffer = kunit_kzalloc(test, SZ_64K, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	expect_never_refused(test, nebula_pool_create("n", .block_size = 64, .blocks = 500,
						      .buffer = buffer, .buffer_size = SZ_64K),
			     500);
}

static void n_are_served_by_small_caches(struct kunit *test)
{
	struct nebula_pool *p = pool_with_small_caches(test);

	expect_never_refused(test, p, nebula_pool_capacity(p));
}

/* Of one word of the bitmap, and of so many that looking at them all takes a while. */
static void n_are_served_by_strict_pools(struct kunit *test)
{
	expect_never_refused(test, nebula_pool_create("n", .block_size = 64, .blocks = 64,
						      .flags = NEBULA_STRICT), 64);
	expect_never_refused(test, nebula_pool_create("n", .block_size = 8, .blocks = 20000,
						      .flags = NEBULA_STRICT), 64);
}

static void n_are_served_in_development(struct kunit *test)
{
	expect_never_refused(test, nebula_pool_create("n", .block_size = 64, .blocks = 100,
						      .preset = NEBULA_DEVELOPMENT), 100);
}

/* Allocated on one CPU, freed on another */

/**
 * struct stream - blocks on their way from a producer to a consumer
 * @ledger: of their pool.
 * @ring: @slots of them.
 * @slots: as many as the pool has blocks.
 * @total: after so many it ends.
 * @burst: so many at a time.
 * @produced: how many were allocated. Producer.
 * @consumed: how many were freed. Consumer.
 */
struct stream {
	struct ledger *ledger;
	void **ring;
	unsigned int slots;
	unsigned int total;
	unsigned int burst;
	unsigned int produced;
	unsigned int consumed;
};

static void stream_pause(void)
{
	cpu_relax();
	cond_resched();
}

static bool stream_take(struct stream *s, void **next)
{
	if (s->burst > 1)
		return ledger_alloc_bulk(s->ledger, s->burst, next);
	*next = ledger_alloc(s->ledger);
	return *next;
}

static void stream_produce(void *data)
{
	struct stream *s = data;
	unsigned int n;

	for (n = 0; n < s->total; n += s->burst) {
		/* As soon as the pool must have them. The acquire pairs with stream_consume(). */
		while (n + s->burst - smp_load_acquire(&s->consumed) > s->slots)
			stream_pause();
		if (!stream_take(s, &s->ring[n % s->slots]))
			break;
		/* Pairs with stream_consume(). */
		smp_store_release(&s->produced, n + s->burst);
	}
	/* Refused: the consumer waits for no more. */
	WRITE_ONCE(s->total, n);
}

static void stream_consume(void *data)
{
	struct stream *s = data;
	unsigned int n = 0;
	void **next;

	while (n < READ_ONCE(s->total)) {
		/* The acquire pairs with stream_produce(). */
		if (smp_load_acquire(&s->produced) == n) {
			stream_pause();
			continue;
		}
		next = &s->ring[n % s->slots];
		if (s->burst > 1)
			ledger_free_bulk(s->ledger, s->burst, next);
		else
			ledger_free(s->ledger, *next);
		n += s->burst;
		/* Pairs with stream_produce(). */
		smp_store_release(&s->consumed, n);
	}
}

static void expect_flow(struct kunit *test, struct nebula_pool *p, unsigned int burst)
{
	struct ledger *l = ledger_create(test, p);
	struct stream s = { .ledger = l, .burst = burst };
	s64 bytes = fixture_region_bytes(test);
	struct worker producer, consumer;
	unsigned int total;

	s.slots = nebula_pool_capacity(p);
	s.total = CROWD_SCALE(400) * s.slots;
	total = s.total;
	s.ring = kunit_kcalloc(test, s.slots, sizeof(*s.ring), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s.ring);
	worker_start(test, &consumer, cpumask_last(cpu_online_mask), stream_consume, &s);
	worker_start(test, &producer, cpumask_first(cpu_online_mask), stream_produce, &s);
	worker_join(&producer);
	worker_join(&consumer);
	KUNIT_EXPECT_EQ(test, s.produced, total);
	KUNIT_EXPECT_EQ(test, s.consumed, total);
	KUNIT_EXPECT_EQ(test, fixture_region_bytes(test), bytes);
	ledger_verify_whole(test, l);
	ledger_destroy(l);
}

static void flow_through_caches(struct kunit *test)
{
	expect_flow(test, nebula_pool_create("flow", .block_size = 64, .blocks = 256), 1);
}

static void flow_in_bulk(struct kunit *test)
{
	expect_flow(test, nebula_pool_create("flow", .block_size = 64, .blocks = 256), 16);
}

static void flow_through_a_strict_pool(struct kunit *test)
{
	expect_flow(test, nebula_pool_create("flow", .block_size = 64, .blocks = 256,
					     .flags = NEBULA_STRICT), 1);
}

/* The pool changes while all contexts use it */

#define ROUNDS	(IS_ENABLED(CONFIG_KASAN) ? 6 : 20)

static void grow_and_shrink_meanwhile(struct kunit *test)
{
	struct ledger *l = ledger_create(test, nebula_pool_create("grown", .block_size = 64,
								  .blocks = 500,
								  .ctor = ledger_construct));
	struct crowd *c = crowd_create(test, l, 500);
	unsigned int round, shrunk = 0;

	crowd_start(test, c);
	for (round = 0; round < ROUNDS; round++) {
		KUNIT_EXPECT_EQ(test, nebula_pool_grow(l->pool, 100 + round, GFP_KERNEL), 0);
		usleep_range(2000, 3000);
		shrunk += !!nebula_pool_shrink(l->pool);
	}
	crowd_stop(c);
	crowd_print(test, c);
	KUNIT_EXPECT_EQ(test, atomic_read(&l->refused), 0);
	ledger_verify(test, l);
	crowd_release(c);
	crowd_destroy(c);
	shrunk += !!nebula_pool_shrink(l->pool);
	KUNIT_EXPECT_GT(test, shrunk, 0U);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(l->pool), 500U);
	ledger_verify_whole(test, l);
	ledger_destroy(l);
}

/* With more holders than blocks, so that what is added is used, and held while it is to go. */
static void grown_blocks_are_handed_out_once(struct kunit *test)
{
	struct ledger *l = ledger_create(test, nebula_pool_create("grown", .block_size = 64,
								  .blocks = 200,
								  .flags = NEBULA_STRICT,
								  .ctor = ledger_construct));
	struct crowd *c = crowd_create(test, l, 600);
	unsigned int round;

	crowd_start(test, c);
	for (round = 0; round < ROUNDS; round++) {
		KUNIT_EXPECT_EQ(test, nebula_pool_grow(l->pool, 50 + round, GFP_KERNEL), 0);
		usleep_range(2000, 3000);
		if (round % 3)
			nebula_pool_shrink(l->pool);
	}
	crowd_stop(c);
	crowd_print(test, c);
	ledger_verify(test, l);
	crowd_release(c);
	crowd_destroy(c);
	ledger_verify_whole(test, l);
	nebula_pool_shrink(l->pool);
	KUNIT_EXPECT_EQ(test, nebula_pool_capacity(l->pool), 200U);
	ledger_verify_whole(test, l);
	ledger_destroy(l);
}

static void cache_depth_changes_meanwhile(struct kunit *test)
{
	struct ledger *l = ledger_create(test, nebula_pool_create("depth", .block_size = 64,
								  .blocks = 500,
								  .cache_depth = 16));
	struct crowd *c = crowd_create(test, l, 500);
	unsigned int round;

	crowd_start(test, c);
	for (round = 0; round < ROUNDS; round++) {
		KUNIT_EXPECT_EQ(test, nebula_pool_set_cache_depth(l->pool, round * 7 % 17), 0);
		usleep_range(2000, 3000);
	}
	crowd_stop(c);
	crowd_print(test, c);
	KUNIT_EXPECT_EQ(test, atomic_read(&l->refused), 0);
	crowd_release(c);
	crowd_destroy(c);
	ledger_verify_whole(test, l);
	ledger_destroy(l);
}

/* CPUs come and go */

#ifdef CONFIG_HOTPLUG_CPU

static void hotplug_brings_the_cache_back(struct kunit *test)
{
	int here = fixture_cpu(), there = fixture_other_cpu(test);
	struct ledger *l = ledger_create(test, nebula_pool_create("hotplug", .block_size = 64,
								  .blocks = 200));
	unsigned int n;
	void **objs;

	objs = kunit_kcalloc(test, ledger_most(l), sizeof(*objs), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objs);
	KUNIT_EXPECT_EQ(test, ledger_alloc_all_on(l, here, objs), l->blocks);
	ledger_free_on(l, there, l->blocks, objs);
	n = ledger_alloc_all_on(l, here, objs);
	KUNIT_EXPECT_GE(test, n, 200U);
	kunit_info(test, "of %u blocks the other CPU kept %u\n", l->blocks, l->blocks - n);

	ledger_free_on(l, here, n, objs);
	KUNIT_ASSERT_EQ(test, remove_cpu(there), 0);
	n = ledger_alloc_all_on(l, here, objs);
	KUNIT_EXPECT_EQ(test, n, l->blocks);
	KUNIT_ASSERT_EQ(test, add_cpu(there), 0);
	ledger_free_on(l, there, n, objs);
	n = ledger_alloc_all_on(l, there, objs);
	KUNIT_EXPECT_EQ(test, n, l->blocks);
	ledger_free_on(l, there, n, objs);
	ledger_verify_whole(test, l);
	ledger_destroy(l);
}

static void hotplug_meanwhile(struct kunit *test)
{
	int cpu = fixture_other_cpu(test);
	struct ledger *l = ledger_create(test, nebula_pool_create("hotplug", .block_size = 64,
								  .blocks = 500));
	struct crowd *c = crowd_create(test, l, 500);
	unsigned int round;

	crowd_start_roaming(test, c);
	for (round = 0; round < 3; round++) {
		KUNIT_EXPECT_EQ(test, remove_cpu(cpu), 0);
		msleep(20);
		KUNIT_EXPECT_EQ(test, add_cpu(cpu), 0);
		msleep(20);
	}
	crowd_stop(c);
	crowd_print(test, c);
	KUNIT_EXPECT_EQ(test, atomic_read(&l->refused), 0);
	crowd_release(c);
	crowd_destroy(c);
	ledger_verify_whole(test, l);
	ledger_destroy(l);
}

#else

static void hotplug_brings_the_cache_back(struct kunit *test)
{
	kunit_skip(test, "the CPUs of this kernel cannot be taken away");
}

static void hotplug_meanwhile(struct kunit *test)
{
	kunit_skip(test, "the CPUs of this kernel cannot be taken away");
}

#endif

static struct kunit_case cases[] = {
	KUNIT_CASE(stress_of_64_bytes),
	KUNIT_CASE(stress_of_48_bytes),
	KUNIT_CASE(stress_of_small_caches),
	KUNIT_CASE(stress_of_many_blocks),
	KUNIT_CASE(stress_strict),
	KUNIT_CASE(stress_without_caches),
	KUNIT_CASE(stress_zeroing),
	KUNIT_CASE(stress_development),
	KUNIT_CASE(stress_fifo),
	KUNIT_CASE(n_are_served_by_caches),
	KUNIT_CASE(n_are_served_by_small_caches),
	KUNIT_CASE(n_are_served_by_strict_pools),
	KUNIT_CASE(n_are_served_in_development),
	KUNIT_CASE(flow_through_caches),
	KUNIT_CASE(flow_in_bulk),
	KUNIT_CASE(flow_through_a_strict_pool),
	KUNIT_CASE(grow_and_shrink_meanwhile),
	KUNIT_CASE(grown_blocks_are_handed_out_once),
	KUNIT_CASE(cache_depth_changes_meanwhile),
	KUNIT_CASE(hotplug_brings_the_cache_back),
		KUNIT_CASE(hotplug_meanwhile),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_stress",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
