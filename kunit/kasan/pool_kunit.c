// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks by all ways in and out of a pool; frees that are wrong are the pool's to report.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <nebula/nebula.h>
#include "../../module/core/allocator.h"
#include "../../module/pool/hooks.h"
#include "reports.h"

#define BLOCK	61U
#define BLOCKS	64U

static struct nebula_pool *create(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("seen", .block_size = BLOCK, .blocks = BLOCKS,
						   .flags = flags);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	return p;
}

/* The newest error is this one, and KASAN had nothing to say. */
static void expect_refused(struct kunit *test, const struct nebula_pool *p, enum nebula_errc code)
{
	struct nebula_error err;

	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_STREQ(test, nebula_errc_name(err.code), nebula_errc_name(code));
	KUNIT_EXPECT_EQ(test, reports_so_far(), 0U);
}

static void wrong_frees_are_refused(struct kunit *test)
{
	struct nebula_pool *p = create(test, 0);
	u8 *block = nebula_pool_alloc(p), other;

	KUNIT_ASSERT_NOT_NULL(test, block);
	nebula_pool_free(p, block + 1);
	expect_refused(test, p, NEBULA_E_MISALIGNED_POINTER);
	nebula_pool_free(p, &other);
	expect_refused(test, p, NEBULA_E_FOREIGN_POINTER);
	KUNIT_EXPECT_EQ(test, reports_within(block, BLOCK), 0U);
	nebula_pool_free(p, block);
	nebula_pool_free(p, block);
	expect_refused(test, p, NEBULA_E_DOUBLE_FREE);
	KUNIT_EXPECT_EQ(test, reports_of_read(block), 1U);
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0);
	nebula_pool_destroy(p);
}

static void tail_behind_a_smaller_object(struct kunit *test)
{
	struct nebula_pool *p = create(test, 0);
	u8 *object = nebula_alloc(p, 20, 1);

	KUNIT_ASSERT_NOT_NULL(test, object);
	KUNIT_EXPECT_EQ(test, reports_within(object, 20), 0U);
	KUNIT_EXPECT_EQ(test, readable_within(object + 20, BLOCK - 20), 0U);
	nebula_free_sized(p, object, 20);
	object = nebula_pool_zalloc(p);
	KUNIT_ASSERT_NOT_NULL(test, object);
	KUNIT_EXPECT_EQ(test, reports_within(object, BLOCK), 0U);
	nebula_pool_free_sensitive(p, object);
	KUNIT_EXPECT_EQ(test, readable_within(object, BLOCK), 0U);
	nebula_pool_destroy(p);
}

/* All the pool has, so each neighbour is a live block, and the next of all of them is not. */
static void no_block_reaches_another(struct kunit *test)
{
	struct nebula_pool *p = create(test, NEBULA_STRICT);
	void *objs[BLOCKS];
	unsigned int i, readable = 0;

	KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, BLOCKS, objs));
	for (i = 0; i < BLOCKS; i++) {
		readable += readable_within(objs[i] - 1, 1) + readable_within(objs[i] + BLOCK, 11);
		KUNIT_EXPECT_EQ(test, reports_of_write(objs[i]), 0U);
		KUNIT_EXPECT_EQ(test, reports_of_write(objs[i] + BLOCK - 1), 0U);
	}
	KUNIT_EXPECT_EQ(test, readable, 0U);
	KUNIT_EXPECT_EQ(test, reports_of_write(objs[BLOCKS / 2] + BLOCK), 1U);
	nebula_pool_free_bulk(p, BLOCKS, objs);
	for (i = 0; i < BLOCKS; i++)
		readable += readable_within(objs[i], BLOCK);
	KUNIT_EXPECT_EQ(test, readable, 0U);
	nebula_pool_destroy(p);
}

static void deferred_blocks_may_be_used_until_they_are_free(struct kunit *test)
{
	struct nebula_pool *p = create(test, 0);
	u8 *block = nebula_pool_alloc(p);

	KUNIT_ASSERT_NOT_NULL(test, block);
	rcu_read_lock();
	nebula_pool_free_rcu(p, block);
	KUNIT_EXPECT_EQ(test, reports_within(block, BLOCK), 0U);
	rcu_read_unlock();
	nebula_pool_rcu_flush(p);
	KUNIT_EXPECT_EQ(test, readable_within(block, BLOCK), 0U);
	nebula_pool_destroy(p);
}

static void readers_of_typesafe_blocks_are_right(struct kunit *test)
{
	struct nebula_pool *p = create(test, NEBULA_TYPESAFE_BY_RCU);
	u8 *block = nebula_pool_alloc(p);

	KUNIT_ASSERT_NOT_NULL(test, block);
	nebula_pool_free(p, block);
	KUNIT_EXPECT_EQ(test, readable_within(block, BLOCK), BLOCK);
	KUNIT_EXPECT_EQ(test, reports_of_read(block + BLOCK), 1U);
	KUNIT_EXPECT_EQ(test, reports_of_read(block - 1), 1U);
	nebula_pool_destroy(p);
}

static void construct(void *block, void *data)
{
	memset(block, 0x5a, BLOCK);
}

static void constructed_blocks_keep_what_is_in_them(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("seen", .block_size = BLOCK, .blocks = BLOCKS,
						   .ctor = construct);
	u8 *block;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	block = nebula_pool_alloc(p);
	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_EXPECT_PTR_EQ(test, memchr_inv(block, 0x5a, BLOCK), NULL);
	nebula_pool_free(p, block);
	KUNIT_EXPECT_EQ(test, reports_of_write(block), 1U);
	nebula_pool_destroy(p);
}

static void grown_blocks_are_seen_too(struct kunit *test)
{
	struct nebula_pool *p = create(test, NEBULA_GROW);
	unsigned int i, readable = 0;
	void *objs[3 * BLOCKS];

	KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, 2 * BLOCKS, GFP_KERNEL), 0);
	KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, 3 * BLOCKS, objs));
	for (i = 0; i < 3 * BLOCKS; i++) {
		KUNIT_EXPECT_EQ(test, reports_of_write(objs[i] + BLOCK - 1), 0U);
		readable += readable_within(objs[i] + BLOCK, 1) + readable_within(objs[i] - 1, 1);
	}
	KUNIT_EXPECT_EQ(test, readable, 0U);
	KUNIT_EXPECT_EQ(test, nebula_pool_reset(p), 3 * BLOCKS);
	for (i = 0; i < 3 * BLOCKS; i++)
		readable += readable_within(objs[i], BLOCK);
	KUNIT_EXPECT_EQ(test, readable, 0U);
	nebula_pool_shrink(p);
	nebula_pool_destroy(p);
}

static void reserved_and_awaited_blocks_may_be_used(struct kunit *test)
{
	struct nebula_pool *p = create(test, 0);
	struct nebula_reserve r;
	void *objs[4];
	u8 *block;

	KUNIT_ASSERT_EQ(test, nebula_pool_reserve(p, &r, 2), 0);
	block = nebula_pool_alloc_reserved(&r);
	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_EXPECT_EQ(test, reports_within(block, BLOCK), 0U);
	nebula_pool_free(p, block);
	KUNIT_EXPECT_EQ(test, reports_of_read(block), 1U);
	nebula_pool_unreserve(&r);
	KUNIT_ASSERT_EQ(test, nebula_pool_alloc_wait_bulk(p, 4, objs, HZ), 0);
	KUNIT_EXPECT_EQ(test, reports_within(objs[3], BLOCK), 0U);
	nebula_pool_free_bulk(p, 4, objs);
	KUNIT_EXPECT_EQ(test, reports_of_read(objs[3]), 1U);
	nebula_pool_destroy(p);
}

/* The magazines go on to serve, out of line. */
static void magazines_are_in_use(struct kunit *test)
{
	struct nebula_pool *p = create(test, 0);
	unsigned int cached = 0;
	void *block = nebula_pool_alloc(p);
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, block);
	nebula_pool_free(p, block);
	for_each_online_cpu(cpu)
		cached += nebula_pool_cached(p, cpu);
	KUNIT_EXPECT_GT(test, cached, 0U);
	KUNIT_EXPECT_FALSE(test, nebula_pool_is_inline(p));
	nebula_pool_destroy(p);
}

/* What was lent is all usable again, to its last byte, wherever it begins. */
static void lent_memory_comes_back_usable(struct kunit *test)
{
	const size_t size = nebula_pool_buffer_size(.block_size = BLOCK, .blocks = BLOCKS);
	u8 *memory = kunit_kzalloc(test, size + 5, GFP_KERNEL), *block;
	struct nebula_pool *p;

	KUNIT_ASSERT_NOT_NULL(test, memory);
	p = nebula_pool_create("seen", .block_size = BLOCK, .blocks = BLOCKS,
			       .buffer = memory + 5, .buffer_size = size);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	block = nebula_pool_alloc(p);
	KUNIT_ASSERT_NOT_NULL(test, block);
	KUNIT_EXPECT_EQ(test, reports_within(block, BLOCK), 0U);
	KUNIT_EXPECT_EQ(test, reports_of_read(block + BLOCK), 1U);
	nebula_pool_free(p, block);
	KUNIT_EXPECT_EQ(test, reports_of_read(block), 1U);
	nebula_pool_destroy(p);
	KUNIT_EXPECT_EQ(test, readable_within(memory, size + 5), size + 5);
	KUNIT_EXPECT_EQ(test, reports_of_read(memory + size + 5), 1U);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(wrong_frees_are_refused),
	KUNIT_CASE(tail_behind_a_smaller_object),
	KUNIT_CASE(no_block_reaches_another),
	KUNIT_CASE(deferred_blocks_may_be_used_until_they_are_free),
	KUNIT_CASE(readers_of_typesafe_blocks_are_right),
	KUNIT_CASE(constructed_blocks_keep_what_is_in_them),
	KUNIT_CASE(grown_blocks_are_seen_too),
	KUNIT_CASE(reserved_and_awaited_blocks_may_be_used),
	KUNIT_CASE(magazines_are_in_use),
	KUNIT_CASE(lent_memory_comes_back_usable),
	{}
};

static struct kunit_suite suite = {
	.name = "nebula_kasan_pool",
	.init = reports_init,
	.exit = reports_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
