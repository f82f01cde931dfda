// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a record says would have sufficed does suffice: an allocator is used until it fails, another
 * one is made with what the record of that names, and the same requests are made again. Where that
 * is exact, with a step less they fail again.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include "../../module/bump/hooks.h"
#include "../../module/pool/hooks.h"
#include "../fixture.h"

/* Most of the time goes into taking allocators down. */
#define SEEDS		(IS_ENABLED(CONFIG_KASAN) ? 2 : 12)
#define REQUESTS_MAX	100000U

#define BUFFER_SIZE	((size_t)SZ_64K)
#define PER_CPU_SIZE	((size_t)SZ_8K)

/* A kind of allocator, set up in a way. */
struct vessel {
	const char *why;				/* for the reader of a failure */
	/* makes one with so much of the field that a record of it names, or NULL */
	struct nebula_allocator *(*create)(size_t amount);
	void (*destroy)(struct nebula_allocator *a);	/* takes it down */
	size_t begin;					/* how much of that to begin with */
	/* with so much less than needed the same requests fail; 0: what is needed is a bound */
	size_t step;
	size_t size_max;				/* of a request; 0: all are of one block */
};

static u8 buffer[BUFFER_SIZE] __aligned(PAGE_SIZE);
static struct nebula_bump embedded_bump;
static struct nebula_stack embedded_stack;
static struct nebula_scratch embedded_scratch;
static u8 __percpu *per_cpu_buffer;

static struct nebula_allocator *bump_plain(size_t amount)
{
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = amount);

	return IS_ERR(b) ? NULL : &b->common;
}

static struct nebula_allocator *bump_mapped(size_t amount)
{
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = amount,
						   .backing = NEBULA_VMALLOC);

	return IS_ERR(b) ? NULL : &b->common;
}

static struct nebula_allocator *bump_development(size_t amount)
{
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = amount,
						   .preset = NEBULA_DEVELOPMENT);

	return IS_ERR(b) ? NULL : &b->common;
}

static struct nebula_allocator *bump_grows(size_t amount)
{
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = PAGE_SIZE,
						   .max_capacity = amount, .flags = NEBULA_GROW);

	return IS_ERR(b) ? NULL : &b->common;
}

static struct nebula_allocator *bump_shared(size_t amount)
{
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = amount,
						   .flags = NEBULA_SHARED);

	return IS_ERR(b) ? NULL : &b->common;
}

static struct nebula_allocator *bump_shared_grows(size_t amount)
{
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = SZ_16K,
						   .max_capacity = amount,
						   .flags = NEBULA_SHARED | NEBULA_GROW);

	return IS_ERR(b) ? NULL : &b->common;
}

static void bump_destroy(struct nebula_allocator *a)
{
	nebula_bump_destroy(container_of(a, struct nebula_bump, common));
}

static struct nebula_allocator *bump_on_buffer(size_t amount)
{
	if (amount > BUFFER_SIZE)
		return NULL;
	nebula_bump_init(&embedded_bump, buffer, amount);
	return &embedded_bump.common;
}

static void bump_exit(struct nebula_allocator *a)
{
	nebula_bump_exit(&embedded_bump);
}

static struct nebula_allocator *stack_plain(size_t amount)
{
	struct nebula_stack *s = nebula_stack_create("conn", .capacity = amount);

	return IS_ERR(s) ? NULL : &s->common;
}

static struct nebula_allocator *stack_development(size_t amount)
{
	struct nebula_stack *s = nebula_stack_create("conn", .capacity = amount,
						     .preset = NEBULA_DEVELOPMENT);

	return IS_ERR(s) ? NULL : &s->common;
}

static struct nebula_allocator *stack_shared(size_t amount)
{
	struct nebula_stack *s = nebula_stack_create("conn", .capacity = amount,
						     .flags = NEBULA_SHARED);

	return IS_ERR(s) ? NULL : &s->common;
}

static struct nebula_allocator *stack_created_on_buffer(size_t amount)
{
	struct nebula_stack *s = amount > BUFFER_SIZE ? ERR_PTR(-E2BIG) :
		nebula_stack_create("conn", .buffer = buffer, .buffer_size = amount);

	return IS_ERR(s) ? NULL : &s->common;
}

static void stack_destroy(struct nebula_allocator *a)
{
	nebula_stack_destroy(container_of(a, struct nebula_stack, common));
}

static struct nebula_allocator *stack_on_buffer(size_t amount)
{
	if (amount > BUFFER_SIZE)
		return NULL;
	nebula_stack_init(&embedded_stack, buffer, amount);
	return &embedded_stack.common;
}

static void stack_exit(struct nebula_allocator *a)
{
	nebula_stack_exit(&embedded_stack);
}

static struct nebula_allocator *scratch_plain(size_t amount)
{
	struct nebula_scratch *s = nebula_scratch_create("conn", .per_cpu_size = amount);

	return IS_ERR(s) ? NULL : &s->common;
}

static struct nebula_allocator *scratch_development(size_t amount)
{
	struct nebula_scratch *s = nebula_scratch_create("conn", .per_cpu_size = amount,
							 .preset = NEBULA_DEVELOPMENT);

	return IS_ERR(s) ? NULL : &s->common;
}

static void scratch_destroy(struct nebula_allocator *a)
{
	nebula_scratch_destroy(container_of(a, struct nebula_scratch, common));
}

static struct nebula_allocator *scratch_on_buffer(size_t amount)
{
	if (amount > PER_CPU_SIZE)
		return NULL;
	nebula_scratch_init(&embedded_scratch, per_cpu_buffer, amount);
	return &embedded_scratch.common;
}

static void scratch_exit(struct nebula_allocator *a)
{
	nebula_scratch_exit(&embedded_scratch);
}

static struct nebula_allocator *pool_strict(size_t amount)
{
	struct nebula_pool *p = nebula_pool_create("conn", .block_size = 64, .blocks = amount,
						   .flags = NEBULA_STRICT);

	return IS_ERR(p) ? NULL : &p->common;
}

static struct nebula_allocator *pool_cached(size_t amount)
{
	struct nebula_pool *p = nebula_pool_create("conn", .block_size = 64, .blocks = amount);

	return IS_ERR(p) ? NULL : &p->common;
}

static struct nebula_allocator *pool_grows(size_t amount)
{
	struct nebula_pool *p = nebula_pool_create("conn", .block_size = 64, .blocks = 8,
						   .max_blocks = amount,
						   .flags = NEBULA_STRICT | NEBULA_GROW);

	return IS_ERR(p) ? NULL : &p->common;
}

static void pool_destroy(struct nebula_allocator *a)
{
	struct nebula_pool *p = container_of(a, struct nebula_pool, common);

	nebula_pool_reset(p);
	nebula_pool_destroy(p);
}

static const struct vessel bumps[] = {
	{ "plain", bump_plain, bump_destroy, SZ_16K, PAGE_SIZE, 3000 },
	{ "vmalloc", bump_mapped, bump_destroy, SZ_32K, PAGE_SIZE, 9000 },
	{ "development", bump_development, bump_destroy, SZ_16K, PAGE_SIZE, 2000 },
	{ "on a buffer", bump_on_buffer, bump_exit, 10007, 1, 1000 },
	{ "grows", bump_grows, bump_destroy, 13 * PAGE_SIZE, PAGE_SIZE, 300 },
	{ "grows by large ones", bump_grows, bump_destroy, 11 * PAGE_SIZE, PAGE_SIZE, 20000 },
	{ "shared", bump_shared, bump_destroy, SZ_64K, 0, 9000 },
	{ "shared, grows", bump_shared_grows, bump_destroy, SZ_128K, 0, 9000 },
};

static const struct vessel stacks[] = {
	{ "plain", stack_plain, stack_destroy, SZ_16K, PAGE_SIZE, 3000 },
	{ "tiny ones", stack_plain, stack_destroy, SZ_16K, 0, 4 },
	{ "development", stack_development, stack_destroy, SZ_16K, 0, 2000 },
	{ "created on a buffer", stack_created_on_buffer, stack_destroy, 10007, 0, 1000 },
	{ "created on a buffer, tiny ones", stack_created_on_buffer, stack_destroy, 10007, 0, 4 },
	{ "on a buffer", stack_on_buffer, stack_exit, 10007, 0, 1000 },
	{ "on a buffer, tiny ones", stack_on_buffer, stack_exit, 10007, 0, 4 },
	{ "shared", stack_shared, stack_destroy, SZ_64K, 0, 5000 },
	{ "shared and large", stack_shared, stack_destroy, SZ_2M, 0, 50000 },
};

static const struct vessel scratches[] = {
	{ "plain", scratch_plain, scratch_destroy, SZ_16K, 0, 3000 },
	{ "development", scratch_development, scratch_destroy, SZ_16K, 0, 2000 },
	{ "on a buffer", scratch_on_buffer, scratch_exit, 3000, 0, 400 },
};

static const struct vessel pools[] = {
	{ "strict", pool_strict, pool_destroy, 50, 1, 0 },
	{ "cached", pool_cached, pool_destroy, 50, 0, 0 },
	{ "grows", pool_grows, pool_destroy, 50, 1, 0 },
};

/* Most are small; one in eight may be as large as they get, one in four is aligned in some way. */
static size_t next_size(const struct vessel *v, struct rnd_state *random)
{
	const u32 draw = prandom_u32_state(random);

	if (!v->size_max)
		return 64;
	return 1 + prandom_u32_state(random) % (draw % 8 ? DIV_ROUND_UP(v->size_max, 8)
							 : v->size_max);
}

static size_t next_align(const struct vessel *v, struct rnd_state *random)
{
	const u32 draw = prandom_u32_state(random);

	if (!v->size_max || draw % 4)
		return 8;
	/* Up to a page, where that would not be most of what is used. */
	return 1UL << (prandom_u32_state(random) % (v->size_max < 2000 ? 8 : PAGE_SHIFT + 1));
}

/* Growth ahead of need is given the time that it takes. */
static void *alloc_patiently(struct nebula_allocator *a, size_t size, size_t align)
{
	struct nebula_error err;
	void *p = nebula_allocator_alloc(a, size, align);

	while (!p && nebula_allocator_last_error(a, &err) && err.growth_pending) {
		if (a->ops->kind == NEBULA_KIND_POOL)
			nebula_pool_growth_flush(container_of(a, struct nebula_pool, common));
		else
			nebula_growth_flush(container_of(a, struct nebula_bump, common));
		p = nebula_allocator_alloc(a, size, align);
	}
	return p;
}

/* Requests served before the first that fails, or @n. */
static unsigned int use(const struct vessel *v, struct nebula_allocator *a, u64 seed,
			unsigned int n)
{
	const bool stays = a->ops->kind == NEBULA_KIND_SCRATCH;
	struct rnd_state random;
	unsigned int i;
	size_t size;
	void *p;

	prandom_seed_state(&random, seed);
	migrate_disable();
	if (stays)
		preempt_disable();
	for (i = 0; i < n; i++) {
		size = next_size(v, &random);
		p = alloc_patiently(a, size, next_align(v, &random));
		if (!p)
			break;
		memset(p, i, size);
	}
	if (stays)
		preempt_enable();
	migrate_enable();
	return i;
}

/* Are these requests served by one that has @amount? */
static bool suffices(struct kunit *test, const struct vessel *v, size_t amount, u64 seed,
		     unsigned int n)
{
	struct nebula_allocator *a = v->create(amount);
	unsigned int served;

	KUNIT_ASSERT_NOT_NULL_MSG(test, a, "%s: none with %zu", v->why, amount);
	served = use(v, a, seed, n);
	v->destroy(a);
	return served == n;
}

static void expect_right(struct kunit *test, const struct vessel *v, u64 seed)
{
	struct nebula_allocator *a = v->create(v->begin);
	struct nebula_error err = { };
	unsigned int served;

	KUNIT_ASSERT_NOT_NULL(test, a);
	served = use(v, a, seed, REQUESTS_MAX);
	KUNIT_ASSERT_LT(test, served, REQUESTS_MAX);
	KUNIT_ASSERT_TRUE(test, nebula_allocator_last_error(a, &err));
	v->destroy(a);
	KUNIT_EXPECT_GT_MSG(test, err.need, v->begin - 1, "%s, seed %llu", v->why, seed);
	KUNIT_EXPECT_TRUE_MSG(test, suffices(test, v, err.need, seed, served + 1),
			      "%s, seed %llu: %zu do not suffice for %u requests, the last of %zu",
			      v->why, seed, err.need, served + 1, err.size);
	if (v->step)
		KUNIT_EXPECT_FALSE_MSG(test,
				       suffices(test, v, err.need - v->step, seed, served + 1),
				       "%s, seed %llu: less than %zu suffice for %u requests",
				       v->why, seed, err.need, served + 1);
}

static void expect_all_right(struct kunit *test, const struct vessel *v, unsigned int n)
{
	unsigned int seed;

	for (; n; n--, v++)
		for (seed = 0; seed < (v->size_max ? SEEDS : 1); seed++)
			expect_right(test, v, FIXTURE_SEED + seed);
}

static void report_need_of_bump(struct kunit *test)
{
	expect_all_right(test, bumps, ARRAY_SIZE(bumps));
}

static void report_need_of_stack(struct kunit *test)
{
	expect_all_right(test, stacks, ARRAY_SIZE(stacks));
}

static void report_need_of_scratch(struct kunit *test)
{
	per_cpu_buffer = __alloc_percpu(PER_CPU_SIZE, sizeof(long));
	KUNIT_ASSERT_NOT_NULL(test, per_cpu_buffer);
	expect_all_right(test, scratches, ARRAY_SIZE(scratches));
	free_percpu(per_cpu_buffer);
}

static void report_need_of_pool(struct kunit *test)
{
	expect_all_right(test, pools, ARRAY_SIZE(pools));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(report_need_of_bump),
	KUNIT_CASE(report_need_of_stack),
	KUNIT_CASE(report_need_of_scratch),
	KUNIT_CASE(report_need_of_pool),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_report_need",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
