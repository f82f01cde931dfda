// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a refusal costs: in a flood, where it is counted, and with a full record. While
 * it is measured interrupts are off, so no second ends, and the first few refusals of an allocator
 * are the ones that are recorded.
 */
#include <linux/err.h>
#include <linux/sizes.h>
#include <nebula/nebula.h>
#include "measure.h"

/* Less than what an allocator records in full in a second. */
#define FULL_RECORDS	16
#define FULL_ROUNDS	50

#define BLOCKS		64

static struct nebula_bump *bump;
static struct nebula_pool *pool;

static DEFINE_BENCH_LOOP(bump_refused, bump, bench_use(nebula_bump_alloc(it, SZ_1M, 8)));
/* No size is that of the refusal before, so each gets a record of its own. */
static DEFINE_BENCH_LOOP(bump_recorded, bump, bench_use(nebula_bump_alloc(it, SZ_1M + n, 8)));
static DEFINE_BENCH_LOOP(pool_refused, pool, bench_use(nebula_pool_alloc(it)));

static int create_bump(void)
{
	bump = nebula_bump_create("bench", .capacity = SZ_4K);
	return PTR_ERR_OR_ZERO(bump);
}

static int destroy_bump(void)
{
	nebula_bump_destroy(bump);
	return 0;
}

static int create_pool_of(u32 flags)
{
	pool = nebula_pool_create("bench", .block_size = 64, .blocks = BLOCKS, .flags = flags);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	/* All that there are, whatever the pool has beyond what it promises. */
	while (nebula_pool_alloc(pool))
		;
	return 0;
}

static int create_pool(void)
{
	return create_pool_of(0);
}

static int create_strict(void)
{
	return create_pool_of(NEBULA_STRICT);
}

static int destroy_pool(void)
{
	nebula_pool_reset(pool);
	nebula_pool_destroy(pool);
	return 0;
}

static void renew_bump(void)
{
	destroy_bump();
	create_bump();
}

static void renew_pool(void)
{
	destroy_pool();
	create_pool();
}

#define BUMP	.setup = create_bump, .teardown = destroy_bump
#define POOL	.percpu = true, .setup = create_pool, .teardown = destroy_pool
#define STRICT	.percpu = true, .setup = create_strict, .teardown = destroy_pool

static const struct bench_case cases[] = {
	BENCH_AVERAGE("bump_refused", "bump alloc refused, in a flood", bump_refused, BUMP,
		      .target = 400),
	BENCH_AVERAGE("bump_recorded", "bump alloc refused, with a record", bump_recorded, BUMP,
		      .target = 3000, .unsteady = true, .ops = FULL_RECORDS, .rounds = FULL_ROUNDS,
		      .undo = renew_bump),
	BENCH_AVERAGE("pool_refused", "pool alloc refused, in a flood", pool_refused, POOL,
		      .target = 400),
	BENCH_AVERAGE("pool_refused_strict", "strict pool alloc refused, in a flood", pool_refused,
		      STRICT, .target = 400),
	BENCH_AVERAGE("pool_recorded", "pool alloc refused, with a record", pool_refused, POOL,
		      .target = 3000, .unsteady = true, .ops = FULL_RECORDS, .rounds = FULL_ROUNDS,
		      .undo = renew_pool),
};

const struct bench_table refused_table = { "refused", cases, ARRAY_SIZE(cases) };
