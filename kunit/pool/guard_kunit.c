// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool, debug flags: overruns, writes after free and leaks are found, said, and cost no other user
 * of the pool a block; without the flags nothing is found, and nothing is lost either.
 */
#include <linux/bitops.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../../module/pool/hooks.h"
#include "../fixture.h"

#define BLOCKS	60

static struct nebula_pool *pool_of(struct kunit *test, size_t size, size_t align, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("guarded", .block_size = size, .blocks = BLOCKS,
						   .align = align, .flags = flags);

	ASSERT_POOL(test, p);
	return p;
}

static struct nebula_pool *pool_of_one(struct kunit *test, size_t size, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("guarded", .block_size = size, .blocks = 1,
						   .flags = flags);

	ASSERT_POOL(test, p);
	return p;
}

/* The newest error is this one, and no block was lost by it. */
static void expect_found(struct kunit *test, struct nebula_pool *p, enum nebula_errc code,
			 const char *what)
{
	struct nebula_error err;
	u64 failed;

	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_STREQ(test, nebula_errc_name(err.code), nebula_errc_name(code));
	KUNIT_EXPECT_STREQ(test, err.what, what);
	KUNIT_EXPECT_GT(test, err.nr_entries, 0U);
	failed = fixture_failed(p);
	expect_whole(test, p, BLOCKS);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), failed);
}

static const size_t sizes[] = { 1, 3, 8, 48, 100, 4096 };

/* Used as it should be, a guarded pool is a pool like any other; of every second size, here. */
static void expect_nothing(struct kunit *test, u32 flags, enum nebula_preset preset)
{
	unsigned int i, turn;

	for (i = hweight32(flags) % 2; i < ARRAY_SIZE(sizes); i += 2) {
		struct nebula_pool *p =
			nebula_pool_create("guarded", .block_size = sizes[i], .blocks = BLOCKS,
					   .align = i % 4 ? 64 : 0, .flags = flags,
					   .preset = preset);
		struct held *h = held_create(test, p, BLOCKS);

		for (turn = 0; turn < 20; turn++) {
			held_take(h, fixture_random(test, BLOCKS));
			held_verify(test, h);
			KUNIT_ASSERT_EQ(test, nebula_validate(p), 0U);
			held_give(h, fixture_random(test, BLOCKS));
		}
		held_give(h, UINT_MAX);
		KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_CORRUPTION), 0ULL);
		KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_USE_AFTER_FREE), 0ULL);
		expect_whole(test, p, BLOCKS);
		nebula_pool_destroy(p);
	}
}

static void guard_finds_nothing_where_nothing_is(struct kunit *test)
{
	expect_nothing(test, 0, NEBULA_DEVELOPMENT);
	expect_nothing(test, NEBULA_STRICT | NEBULA_FIFO, NEBULA_DEVELOPMENT);
	expect_nothing(test, NEBULA_REDZONE, NEBULA_PRODUCTION);
	expect_nothing(test, NEBULA_POISON | NEBULA_ZERO, NEBULA_PRODUCTION);
	expect_nothing(test, NEBULA_TRACK | NEBULA_TYPESAFE_BY_RCU, NEBULA_PRODUCTION);
}

/* One byte at @offset of the second of three blocks is changed: seen at once, recorded on free. */
static void expect_overrun_found(struct kunit *test, struct nebula_pool *p, long offset,
				 const char *what)
{
	struct held *h = held_create(test, p, BLOCKS);
	const u64 failed = fixture_failed(p);
	u8 *obj;

	held_take(h, 3);
	obj = h->blocks[1];
	OPTIMIZER_HIDE_VAR(obj);
	obj[offset] ^= 1;
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 1U);
	nebula_pool_free(p, h->blocks[0]);
	nebula_pool_free(p, h->blocks[2]);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), failed);
	nebula_pool_free(p, obj);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), failed + 1);
	expect_found(test, p, NEBULA_E_CORRUPTION, what);
}

static void guard_finds_an_overrun(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		const size_t size = sizes[i];
		struct nebula_pool *p = pool_of(test, size, i % 3 ? 0 : 64, NEBULA_REDZONE);

		expect_overrun_found(test, p, -1, "zone before the block");
		expect_overrun_found(test, p, -16, "zone before the block");
		expect_overrun_found(test, p, size, "zone behind the block");
		expect_overrun_found(test, p, size + 15, "zone behind the block");
		nebula_pool_destroy(p);
	}
}

/* What was done to the zone of a free block is found when the block is about to be handed out. */
static void guard_finds_an_overrun_of_a_free_block(struct kunit *test)
{
	struct nebula_pool *p = pool_of_one(test, 24, NEBULA_REDZONE);
	u8 *obj = nebula_pool_alloc(p);

	KUNIT_ASSERT_NOT_NULL(test, obj);
	nebula_pool_free(p, obj);
	OPTIMIZER_HIDE_VAR(obj);
	obj[24] = 0;
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 1U);
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)nebula_pool_alloc(p), obj);
	EXPECT_ERROR(test, p, NEBULA_E_CORRUPTION);
	/* Said once, and repaired. */
	nebula_pool_free(p, obj);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 1ULL);
	expect_whole(test, p, 1);
	nebula_pool_destroy(p);
}

/* One that runs over everything in its way: each whose zone it hit is said, all go on. */
static void guard_survives_a_long_overrun(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 24, 0, NEBULA_DEBUG_FLAGS);
	struct held *h = held_create(test, p, BLOCKS);
	u8 *obj;

	held_take(h, BLOCKS);
	held_verify(test, h);
	obj = h->blocks[10];
	OPTIMIZER_HIDE_VAR(obj);
	memset(obj, 0xff, 5 * p->stride);
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 6U);
	held_give(h, BLOCKS);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_CORRUPTION), 6ULL);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 6ULL);
	expect_whole(test, p, BLOCKS);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 6ULL);
	nebula_pool_destroy(p);
}

/* Every way to get a block. */
static void *take_plainly(struct nebula_pool *p)
{
	return nebula_pool_alloc(p);
}

static void *take_in_bulk(struct nebula_pool *p)
{
	void *obj;

	return nebula_pool_alloc_bulk(p, 1, &obj) ? obj : NULL;
}

static void *take_patiently(struct nebula_pool *p)
{
	return nebula_pool_alloc_wait(p, 1);
}

static void *take_reserved(struct nebula_pool *p)
{
	struct nebula_reserve r;
	void *obj;

	if (nebula_pool_reserve(p, &r, 1))
		return NULL;
	obj = nebula_pool_alloc_reserved(&r);
	nebula_pool_unreserve(&r);
	return obj;
}

static void *take_as_element(struct nebula_pool *p)
{
	return nebula_mempool_alloc(GFP_KERNEL, p);
}

static void *(*const takers[])(struct nebula_pool *p) = {
	take_plainly, take_in_bulk, take_patiently, take_reserved, take_as_element,
};

/* The only block is written to at @offset after it was freed. */
static void expect_late_write_found(struct kunit *test, struct nebula_pool *p, size_t offset,
				    unsigned int taker)
{
	const u64 failed = fixture_failed(p);
	char what[NEBULA_WHAT_SIZE];
	struct nebula_error err;
	u8 *obj = takers[taker](p);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
	fixture_stamp(obj, p->block_size, 3);
	nebula_pool_free(p, obj);
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
	OPTIMIZER_HIDE_VAR(obj);
	obj[offset] ^= 0x10;
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 1U);
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)takers[taker](p), obj);
	snprintf(what, sizeof(what), "written at offset %zu", offset);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_USE_AFTER_FREE);
	KUNIT_EXPECT_STREQ(test, err.what, what);
	nebula_pool_free(p, obj);
	expect_whole(test, p, 1);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), failed + 1);
}

static void guard_finds_a_write_after_free(struct kunit *test)
{
	static const u32 flags[] = {
		NEBULA_POISON, NEBULA_DEBUG_FLAGS, NEBULA_POISON | NEBULA_ZERO | NEBULA_FIFO,
	};
	struct nebula_pool *p;
	unsigned int i, taker;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = pool_of_one(test, sizes[i], flags[i % ARRAY_SIZE(flags)]);
		expect_late_write_found(test, p, 0, 0);
		expect_late_write_found(test, p, sizes[i] / 2, 0);
		expect_late_write_found(test, p, sizes[i] - 1, 0);
		nebula_pool_destroy(p);
	}
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		p = pool_of_one(test, 48, flags[i]);
		for (taker = 0; taker < ARRAY_SIZE(takers); taker++)
			expect_late_write_found(test, p, 40 + taker, taker);
		nebula_pool_destroy(p);
	}
}

/* Memory just handed out is neither what it was nor zero, unless zero was asked for. */
static void guard_fills_what_it_hands_out(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 24, 0, NEBULA_POISON);
	struct nebula_pool *zero = pool_of(test, 24, 0, NEBULA_POISON | NEBULA_ZERO);
	unsigned int i;
	u8 *obj, *z;

	for (i = 0; i < ARRAY_SIZE(takers); i++) {
		obj = takers[i](p);
		z = takers[i](zero);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, z);
		KUNIT_EXPECT_NULL(test, memchr_inv(obj, obj[0], 24));
		KUNIT_EXPECT_NE(test, obj[0], 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(z, 0, 24));
		nebula_pool_free(p, obj);
		nebula_pool_free(zero, z);
		KUNIT_EXPECT_NE(test, z[0], 0);
	}
	nebula_pool_destroy(zero);
	nebula_pool_destroy(p);
}

static noinline u8 *allocated_here(struct nebula_pool *p)
{
	u8 *obj = nebula_pool_alloc(p);

	barrier();	/* or it would not be in the call stack */
	return obj;
}

static noinline void freed_here(struct nebula_pool *p, void *obj)
{
	nebula_pool_free(p, obj);
	barrier();	/* likewise */
}

static void expect_report(struct kunit *test, const struct nebula_error *err, const char *text)
{
	char *report = kunit_kzalloc(test, 4096, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, report);
	nebula_error_snprint(report, 4096, err);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(report, text), "no '%s' in:\n%s", text, report);
}

static void expect_last_report(struct kunit *test, struct nebula_pool *p, enum nebula_errc code,
			       const char *text)
{
	struct nebula_error err;

	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_EQ(test, err.code, code);
	expect_report(test, &err, text);
}

/* With NEBULA_TRACK the report shows who had the block, not only who noticed. */
static void guard_remembers_who_had_it(struct kunit *test)
{
	struct nebula_pool *p = pool_of_one(test, 48, NEBULA_DEBUG_FLAGS);
	u8 *obj = allocated_here(p);

	KUNIT_ASSERT_NOT_NULL(test, obj);
	OPTIMIZER_HIDE_VAR(obj);
	obj[48] ^= 1;
	nebula_pool_free(p, obj);
	expect_last_report(test, p, NEBULA_E_CORRUPTION, "allocated_here+");

	KUNIT_ASSERT_PTR_EQ(test, allocated_here(p), obj);
	freed_here(p, obj);
	nebula_pool_free(p, obj);
	expect_last_report(test, p, NEBULA_E_DOUBLE_FREE, "allocated_here+");
	expect_last_report(test, p, NEBULA_E_DOUBLE_FREE, "freed_here+");

	obj[7] ^= 1;
	KUNIT_ASSERT_PTR_EQ(test, (u8 *)nebula_pool_alloc(p), obj);
	expect_last_report(test, p, NEBULA_E_USE_AFTER_FREE, "allocated_here+");
	expect_last_report(test, p, NEBULA_E_USE_AFTER_FREE, "freed_here+");
	nebula_pool_free(p, obj);
	nebula_pool_destroy(p);
}

/* One call site, however often it is called. */
static noinline void leak(struct kunit *test, struct nebula_pool *p, unsigned int n)
{
	while (n--)
		KUNIT_ASSERT_NOT_NULL(test, allocated_here(p));
}

/* The record of what is live at the end says how much, and with NEBULA_TRACK whose it is. */
static void guard_reports_leaks(struct kunit *test)
{
	static const u32 flags[] = { 0, NEBULA_STRICT, NEBULA_TRACK, NEBULA_DEBUG_FLAGS };
	struct nebula_error err;
	unsigned int i, before;

	fixture_listen(test);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct nebula_pool *p = pool_of(test, 24, 0, flags[i]);

		leak(test, p, 7);
		before = fixture_heard(NEBULA_E_LEAK, NULL);
		nebula_pool_destroy(p);
		KUNIT_EXPECT_GT(test, fixture_heard(NEBULA_E_LEAK, &err), before);
		KUNIT_EXPECT_STREQ(test, err.what, "7 blocks live");
		if (flags[i] & NEBULA_TRACK)
			expect_report(test, &err, "allocated_here+");
	}
}

/* Nothing is live, so nothing is said. */
static void guard_reports_no_leaks_where_none_are(struct kunit *test)
{
	static const u32 flags[] = { 0, NEBULA_STRICT, NEBULA_ZERO, NEBULA_DEBUG_FLAGS };
	unsigned int i;

	fixture_listen(test);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct nebula_pool *p = pool_of(test, 24, 0, flags[i]);

		expect_whole(test, p, BLOCKS);
		nebula_pool_destroy(p);
	}
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, NULL), 0U);
}

/**
 * struct fifo - what a pool with NEBULA_FIFO has to do
 * @younger: for each block: it was freed in the present generation.
 * @live: for each block: it is handed out.
 * @older: free blocks of the generation before.
 */
struct fifo {
	bool younger[BLOCKS];
	bool live[BLOCKS];
	unsigned int older;
};

/* Takes the block; false when it was not this one's turn. */
static bool fifo_take(struct fifo *f, unsigned int index)
{
	unsigned int i;

	if (!f->older) {
		for (i = 0; i < BLOCKS; i++) {
			f->older += !f->live[i];
			f->younger[i] = false;
		}
	}
	if (f->live[index] || f->younger[index])
		return false;
	f->live[index] = true;
	f->older--;
	return true;
}

/* No block is handed out while one is free that was given back a generation before it. */
static void expect_fifo(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = pool_of(test, 24, 0, NEBULA_FIFO | flags);
	struct fifo *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	struct held *h = held_create(test, p, BLOCKS);
	unsigned int turn, n, index;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->older = BLOCKS;
	for (turn = 0; turn < 300; turn++) {
		for (n = fixture_random(test, 20); n && h->count < BLOCKS; n--) {
			held_take(h, 1);
			index = (h->blocks[h->count - 1] - (void *)p->base) / p->stride;
			KUNIT_ASSERT_TRUE_MSG(test, fifo_take(f, index), "turn %u", turn);
		}
		held_verify(test, h);
		for (n = fixture_random(test, 20); n && h->count; n--) {
			index = (h->blocks[h->count - 1] - (void *)p->base) / p->stride;
			f->live[index] = false;
			f->younger[index] = true;
			held_give(h, 1);
		}
	}
	held_give(h, UINT_MAX);
	nebula_pool_destroy(p);
}

static void guard_fifo_lets_blocks_rest(struct kunit *test)
{
	expect_fifo(test, 0);
	expect_fifo(test, NEBULA_STRICT);
	expect_fifo(test, NEBULA_DEBUG_FLAGS);
}

/* Freed last is handed out last. */
static void guard_fifo_hands_out_the_newest_last(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 24, 0, NEBULA_FIFO);
	struct held *h = held_create(test, p, BLOCKS);
	unsigned int round;
	void *obj;

	for (round = 0; round < 20; round++) {
		held_take(h, BLOCKS);
		held_give(h, BLOCKS);
		obj = nebula_pool_alloc(p);
		KUNIT_ASSERT_NOT_NULL(test, obj);
		nebula_pool_free(p, obj);
		KUNIT_ASSERT_EQ(test, held_take(h, BLOCKS - 1), BLOCKS - 1U);
		held_verify(test, h);
		KUNIT_ASSERT_PTR_EQ(test, nebula_pool_alloc(p), obj);
		nebula_pool_free(p, obj);
		held_give(h, BLOCKS);
	}
	nebula_pool_destroy(p);
}

/* Contents that readers under RCU rely on are left alone, debug flags or not. */
static void guard_leaves_typesafe_blocks_alone(struct kunit *test)
{
	struct nebula_pool *p =
		nebula_pool_create("guarded", .block_size = 24, .blocks = BLOCKS,
				   .flags = NEBULA_TYPESAFE_BY_RCU, .preset = NEBULA_DEVELOPMENT);
	struct held *h = held_create(test, p, BLOCKS);
	unsigned int i, intact;

	held_take(h, BLOCKS);
	held_give(h, BLOCKS);
	for (i = 0, intact = 0; i < BLOCKS; i++)
		intact += fixture_stamped(h->blocks[i], 24, i);
	KUNIT_EXPECT_EQ(test, intact, (unsigned int)BLOCKS);
	/* A write to one that is free is legal there. */
	*(u8 *)h->blocks[3] ^= 1;
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
	expect_whole(test, p, BLOCKS);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 0ULL);

	/* The zones are not the readers'. */
	held_take(h, 1);
	((u8 *)h->blocks[0])[24] ^= 1;
	held_give(h, 1);
	expect_found(test, p, NEBULA_E_CORRUPTION, "zone behind the block");
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 1ULL);
	nebula_pool_destroy(p);
}

/* Poisoned when the grace period is over, and not before: readers write to it until then. */
static void guard_waits_for_readers(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 24, 0, NEBULA_DEBUG_FLAGS);
	u8 *obj = nebula_pool_alloc(p);

	KUNIT_ASSERT_NOT_NULL(test, obj);
	OPTIMIZER_HIDE_VAR(obj);
	rcu_read_lock();
	nebula_pool_free_rcu(p, obj);
	obj[3] ^= 1;
	rcu_read_unlock();
	nebula_pool_rcu_flush(p);
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
	obj[5] ^= 1;
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 1U);
	expect_whole(test, p, BLOCKS);
	EXPECT_ERROR(test, p, NEBULA_E_USE_AFTER_FREE);
	nebula_pool_destroy(p);
}

/* What the pool grew by is guarded as well. */
static void guard_covers_what_was_added(struct kunit *test)
{
	struct nebula_pool *p = pool_of(test, 24, 0, NEBULA_DEBUG_FLAGS);
	struct held *h = held_create(test, p, 2 * BLOCKS);
	u8 *obj;

	KUNIT_ASSERT_EQ(test, nebula_pool_grow(p, BLOCKS, GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, held_take(h, 2 * BLOCKS), 2U * BLOCKS);
	held_verify(test, h);
	obj = h->blocks[0];
	if (obj == (u8 *)p->base)
		obj = h->blocks[2 * BLOCKS - 1];
	OPTIMIZER_HIDE_VAR(obj);
	obj[24] ^= 1;
	held_give(h, UINT_MAX);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_CORRUPTION), 1ULL);
	obj[3] ^= 1;
	KUNIT_EXPECT_EQ(test, held_take(h, 2 * BLOCKS), 2U * BLOCKS);
	KUNIT_EXPECT_EQ(test, fixture_failures(p, NEBULA_E_USE_AFTER_FREE), 1ULL);
	KUNIT_EXPECT_EQ(test, fixture_failed(p), 2ULL);
	held_give(h, UINT_MAX);
	nebula_pool_destroy(p);
}

/*
 * Without debug flags a stray write is not noticed, but nothing that the pool needs lies there.
 */
static void expect_unharmed(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = pool_of(test, 24, 0, flags);
	struct held *h = held_create(test, p, p->blocks);

	held_take(h, BLOCKS);
	held_give(h, BLOCKS / 2);
	/* All blocks, live or free, from the first byte to the last. */
	memset((void *)p->base, 0xff, p->blocks * p->stride);
	held_give(h, BLOCKS);
	memset((void *)p->base, 0, p->blocks * p->stride);
	KUNIT_EXPECT_EQ(test, nebula_validate(p), 0U);
	expect_whole(test, p, BLOCKS);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&p->common), NEBULA_OK);
	nebula_pool_destroy(p);
}

static void guard_is_not_needed_for_integrity(struct kunit *test)
{
	expect_unharmed(test, 0);
	expect_unharmed(test, NEBULA_STRICT);
	expect_unharmed(test, NEBULA_ZERO);
	expect_unharmed(test, NEBULA_FIFO);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(guard_finds_nothing_where_nothing_is),
	KUNIT_CASE(guard_finds_an_overrun),
	KUNIT_CASE(guard_finds_an_overrun_of_a_free_block),
	KUNIT_CASE(guard_survives_a_long_overrun),
	KUNIT_CASE(guard_finds_a_write_after_free),
	KUNIT_CASE(guard_fills_what_it_hands_out),
	KUNIT_CASE(guard_remembers_who_had_it),
	KUNIT_CASE(guard_reports_leaks),
	KUNIT_CASE(guard_reports_no_leaks_where_none_are),
	KUNIT_CASE(guard_fifo_lets_blocks_rest),
	KUNIT_CASE(guard_fifo_hands_out_the_newest_last),
	KUNIT_CASE(guard_leaves_typesafe_blocks_alone),
	KUNIT_CASE(guard_waits_for_readers),
	KUNIT_CASE(guard_covers_what_was_added),
	KUNIT_CASE(guard_is_not_needed_for_integrity),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_guard",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
