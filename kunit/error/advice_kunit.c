// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a client does wrong, and what its record says: code, detail, the pointer, the values. Which
 * advice follows from that is the affair of report_kunit.c.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/slab.h>
#include "../../module/compat.h"
#include "../../module/pool/hooks.h"
#include "../fixture.h"

static struct nebula_error newest(struct kunit *test, const struct nebula_allocator *a)
{
	struct nebula_error err = { };

	KUNIT_EXPECT_TRUE(test, nebula_allocator_last_error(a, &err));
	return err;
}

static void expect(struct kunit *test, const struct nebula_error *err, enum nebula_errc code,
		   enum nebula_detail detail)
{
	KUNIT_EXPECT_STREQ(test, nebula_errc_name(err->code), nebula_errc_name(code));
	KUNIT_EXPECT_EQ(test, err->detail, detail);
}

#define EXPECT_NEWEST(test, err, c, d)	\
	expect(test, &(err), NEBULA_E_##c, NEBULA_D_##d)

static bool has_stack(const struct nebula_error *err, unsigned long mark)
{
	unsigned int i;

	for (i = 0; i < err->nr_entries; i++)
		if (err->entries[i] == mark)
			return true;
	return false;
}

static struct nebula_pool *pool_create(struct kunit *test, u32 flags)
{
	struct nebula_pool *p = nebula_pool_create("conn", .block_size = 64, .blocks = 8,
						   .flags = flags);

	ASSERT_POOL(test, p);
	return p;
}

/* The object is the allocator's, and only its size is wrong. */
static void advice_on_a_wrong_old_size(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("conn", .capacity = PAGE_SIZE);
	struct nebula_stack *s = nebula_stack_create("conn", .capacity = SZ_4K);
	struct nebula_error err;
	void *p;

	ASSERT_BUMP(test, b);
	ASSERT_STACK(test, s);
	p = nebula_bump_alloc(b, 100, 8);
	KUNIT_EXPECT_NULL(test, nebula_bump_realloc(b, p, SZ_1M, SZ_2M, 8));
	err = newest(test, &b->common);
	EXPECT_NEWEST(test, err, INVALID_LAYOUT, NONE);
	KUNIT_EXPECT_EQ(test, err.size, (size_t)SZ_1M);
	KUNIT_EXPECT_PTR_EQ(test, err.pointer, (const void *)p);

	p = nebula_stack_alloc(s, 100, 8);
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, p, 1000, 2000, 8));
	err = newest(test, &s->common);
	EXPECT_NEWEST(test, err, INVALID_LAYOUT, NONE);
	KUNIT_EXPECT_EQ(test, err.size, (size_t)1000);
	nebula_stack_destroy(s);
	nebula_bump_destroy(b);
}

/* What an allocation function of the kernel returned is freed without IS_ERR(). */
static void advice_on_an_error_code(struct kunit *test)
{
	struct nebula_pool *p = pool_create(test, 0);
	struct nebula_stack *s = nebula_stack_create("conn", .capacity = SZ_4K);
	struct nebula_error err;

	ASSERT_STACK(test, s);
	nebula_pool_free(p, ERR_PTR(-ENOMEM));
	err = newest(test, &p->common);
	EXPECT_NEWEST(test, err, FOREIGN_POINTER, ERR_PTR);
	KUNIT_EXPECT_EQ(test, PTR_ERR(err.pointer), (long)-ENOMEM);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, ERR_PTR(-EIO)), -EINVAL);
	err = newest(test, &s->common);
	EXPECT_NEWEST(test, err, FOREIGN_POINTER, ERR_PTR);
	nebula_free(nebula_system_allocator(), ERR_PTR(-EIO));
	err = newest(test, nebula_system_allocator());
	EXPECT_NEWEST(test, err, FOREIGN_POINTER, ERR_PTR);
	nebula_stack_destroy(s);
	nebula_pool_destroy(p);
}

/* The first free of a block is in the record whenever it was tracked, also while it is deferred. */
static void advice_on_a_deferred_free(struct kunit *test)
{
	struct nebula_pool *p = pool_create(test, NEBULA_TRACK);
	struct nebula_error err;
	void *obj = nebula_pool_alloc(p);

	nebula_pool_free_rcu(p, obj);
	nebula_pool_free(p, obj);
	err = newest(test, &p->common);
	EXPECT_NEWEST(test, err, DOUBLE_FREE, STACKS);
	KUNIT_EXPECT_TRUE(test, has_stack(&err, NEBULA_ENTRY_FREED));
	nebula_pool_rcu_flush(p);
	nebula_pool_free(p, obj);
	err = newest(test, &p->common);
	EXPECT_NEWEST(test, err, DOUBLE_FREE, STACKS);
	KUNIT_EXPECT_TRUE(test, has_stack(&err, NEBULA_ENTRY_FREED));
	nebula_pool_destroy(p);
}

/* Of two blocks side by side only one was ever handed out. */
static void advice_on_what_was_never_allocated(struct kunit *test)
{
	struct nebula_pool *p = pool_create(test, NEBULA_TRACK);
	struct nebula_error err;
	void *obj = nebula_pool_alloc(p), *other = obj + 64;

	if (!nebula_pool_owns(p, other))
		other = obj - 64;
	nebula_pool_free(p, other);
	err = newest(test, &p->common);
	EXPECT_NEWEST(test, err, DOUBLE_FREE, NEVER_ALLOCATED);
	KUNIT_EXPECT_PTR_EQ(test, err.pointer, (const void *)other);
	nebula_pool_free(p, obj);
	nebula_pool_destroy(p);
}

/* No waiting helps, and VMALLOC is no way out for DMA: the limit is what has to be said. */
static void advice_above_the_largest_order(struct kunit *test)
{
	const size_t largest = PAGE_SIZE << COMPAT_MAX_PAGE_ORDER;
	struct nebula_error err;
	struct nebula_bump *b;
	struct nebula_pool *p;
	struct nebula_stack *s;

	fixture_listen(test);
	b = nebula_bump_create("conn", .capacity = 2 * largest, .backing = NEBULA_PAGES);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(b), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_BACKING_FAILED, &err), 1U);
	EXPECT_NEWEST(test, err, BACKING_FAILED, PAGE_ORDER);
	s = nebula_stack_create("conn", .capacity = 2 * largest, .backing = NEBULA_PAGES);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(s), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_BACKING_FAILED, &err), 2U);
	EXPECT_NEWEST(test, err, BACKING_FAILED, PAGE_ORDER);
	p = nebula_pool_create("conn", .block_size = PAGE_SIZE,
			       .blocks = 2 * largest / PAGE_SIZE, .backing = NEBULA_PAGES);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(p), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_BACKING_FAILED, &err), 3U);
	EXPECT_NEWEST(test, err, BACKING_FAILED, PAGE_ORDER);
}

static void advice_on_a_cache_depth(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("conn", .block_size = 64, .blocks = 1000);
	struct nebula_error err;

	ASSERT_POOL(test, p);
	KUNIT_EXPECT_EQ(test, nebula_pool_set_cache_depth(p, 300), -EINVAL);
	err = newest(test, &p->common);
	EXPECT_NEWEST(test, err, INVALID_CONFIG, ABOVE_LIMIT);
	KUNIT_EXPECT_EQ(test, err.value, (size_t)300);
	KUNIT_EXPECT_GT(test, err.limit, (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_pool_set_cache_depth(p, err.limit), 0);
	KUNIT_EXPECT_EQ(test, nebula_pool_set_cache_depth(p, err.limit + 1), -EINVAL);
	nebula_pool_destroy(p);

	fixture_listen(test);
	p = nebula_pool_create("conn", .block_size = 64, .blocks = 1000, .cache_depth = 300);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(p), -EINVAL);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_CONFIG, &err), 1U);
	EXPECT_NEWEST(test, err, INVALID_CONFIG, ABOVE_LIMIT);
	KUNIT_EXPECT_EQ(test, err.value, (size_t)300);
	KUNIT_EXPECT_EQ(test, err.limit, (size_t)NEBULA_POOL_DEPTH_MAX);
}

static void advice_names_the_block(struct kunit *test)
{
	struct nebula_pool *p = pool_create(test, NEBULA_STRICT);
	u8 *first = nebula_pool_alloc(p), *second = nebula_pool_alloc(p);
	const bool ascending = second > first;
	struct nebula_error err;
	long block;

	nebula_pool_free(p, first);
	nebula_pool_free(p, first);
	err = newest(test, &p->common);
	EXPECT_NEWEST(test, err, DOUBLE_FREE, UNTRACKED);
	KUNIT_EXPECT_PTR_EQ(test, err.pointer, (const void *)first);
	KUNIT_EXPECT_EQ(test, err.offset, (size_t)0);
	KUNIT_EXPECT_GE(test, err.block, 0L);
	block = err.block;
	nebula_pool_free(p, second + 9);
	err = newest(test, &p->common);
	EXPECT_NEWEST(test, err, MISALIGNED_POINTER, NONE);
	KUNIT_EXPECT_PTR_EQ(test, err.pointer, (const void *)(second + 9));
	KUNIT_EXPECT_EQ(test, err.offset, (size_t)9);
	KUNIT_EXPECT_EQ(test, err.block > block, ascending);
	nebula_pool_free(p, test);
	err = newest(test, &p->common);
	EXPECT_NEWEST(test, err, FOREIGN_POINTER, NONE);
	KUNIT_EXPECT_PTR_EQ(test, err.pointer, (const void *)test);
	KUNIT_EXPECT_EQ(test, err.block, -1L);
	nebula_pool_free(p, second);
	nebula_pool_destroy(p);
}

static void advice_names_the_pointer(struct kunit *test)
{
	struct nebula_stack *s = nebula_stack_create("conn", .capacity = SZ_4K);
	struct nebula_scratch *c = nebula_scratch_create("conn", .per_cpu_size = SZ_4K);
	struct nebula_error err;
	u8 *older, *newer;

	ASSERT_STACK(test, s);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, c);
	older = nebula_stack_alloc(s, 100, 8);
	newer = nebula_stack_alloc(s, 100, 8);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, newer + 8), -EINVAL);
	err = newest(test, &s->common);
	EXPECT_NEWEST(test, err, MISALIGNED_POINTER, NONE);
	KUNIT_EXPECT_PTR_EQ(test, err.pointer, (const void *)(newer + 8));
	KUNIT_EXPECT_EQ(test, err.offset, (size_t)(newer - older) + 8);
	KUNIT_EXPECT_EQ(test, err.block, -1L);
	nebula_stack_destroy(s);

	preempt_disable();
	newer = nebula_scratch_get(c, 100, 8);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(c, newer + 16), -EINVAL);
	nebula_scratch_put(c, newer);
	preempt_enable();
	err = newest(test, &c->common);
	EXPECT_NEWEST(test, err, MISALIGNED_POINTER, NONE);
	KUNIT_EXPECT_PTR_EQ(test, err.pointer, (const void *)(newer + 16));
	KUNIT_EXPECT_EQ(test, err.offset, (size_t)16);
	nebula_scratch_destroy(c);
}

static noinline void *alloc_elsewhere(struct nebula_pool *p)
{
	void *obj = nebula_pool_alloc(p);

	/* Or its caller would be the one to be seen. */
	barrier();
	return obj;
}

/* A leak shows who allocated, and says so; one of several call sites says where those are. */
static void advice_on_leaks(struct kunit *test)
{
	struct nebula_pool *p = pool_create(test, NEBULA_TRACK);
	struct nebula_error err;

	fixture_listen(test);
	KUNIT_EXPECT_NOT_NULL(test, nebula_pool_alloc(p));
	nebula_pool_destroy(p);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, &err), 1U);
	EXPECT_NEWEST(test, err, LEAK, STACKS);
	KUNIT_EXPECT_EQ(test, err.entries[0], NEBULA_ENTRY_ALLOCATED);

	p = pool_create(test, NEBULA_TRACK);
	KUNIT_EXPECT_NOT_NULL(test, nebula_pool_alloc(p));
	KUNIT_EXPECT_NOT_NULL(test, alloc_elsewhere(p));
	nebula_pool_destroy(p);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, &err), 4U);
	EXPECT_NEWEST(test, err, LEAK, SITES);

	p = pool_create(test, 0);
	KUNIT_EXPECT_NOT_NULL(test, nebula_pool_alloc(p));
	nebula_pool_destroy(p);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, &err), 5U);
	EXPECT_NEWEST(test, err, LEAK, UNTRACKED);
}

/* A power of two is none that has to be corrected, and growing needs a size that is known. */
static void advice_on_a_stack_realloc(struct kunit *test)
{
	struct nebula_stack *s = nebula_stack_create("conn", .capacity = SZ_4K);
	struct nebula_error err;
	void *p;

	ASSERT_STACK(test, s);
	p = nebula_stack_alloc(s, 100, 8);
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, p, 100, 200, 1UL << 40));
	err = newest(test, &s->common);
	EXPECT_NEWEST(test, err, INVALID_ALIGNMENT, OBJECT_ALIGN);
	KUNIT_EXPECT_EQ(test, err.align, 1UL << 40);
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, p, 100, SZ_16K, 8));
	err = newest(test, &s->common);
	EXPECT_NEWEST(test, err, OUT_OF_MEMORY, TOO_LARGE);
	KUNIT_EXPECT_GE(test, err.need, (size_t)SZ_16K);
	nebula_stack_destroy(s);
}

/* Written behind the end; who allocated the object is known with TRACK alone. */
static void overrun(struct kunit *test, u32 flags, struct nebula_error *err)
{
	struct nebula_stack *s = nebula_stack_create("conn", .capacity = SZ_4K,
						     .flags = NEBULA_REDZONE | flags);
	u8 *p;

	ASSERT_STACK(test, s);
	p = nebula_stack_alloc(s, 64, 8);
	KUNIT_ASSERT_NOT_NULL(test, p);
	OPTIMIZER_HIDE_VAR(p);
	p[64] ^= 1;
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	*err = newest(test, &s->common);
	KUNIT_EXPECT_PTR_EQ(test, err->pointer, (const void *)p);
	nebula_stack_destroy(s);
}

static void advice_on_an_overrun(struct kunit *test)
{
	struct nebula_error err;

	overrun(test, NEBULA_TRACK, &err);
	EXPECT_NEWEST(test, err, CORRUPTION, STACKS);
	KUNIT_EXPECT_EQ(test, err.entries[0], NEBULA_ENTRY_ALLOCATED);
	overrun(test, 0, &err);
	EXPECT_NEWEST(test, err, CORRUPTION, UNTRACKED);
}

/* A capacity of nothing cannot be raised by so and so much. */
static void advice_without_memory(struct kunit *test)
{
	struct nebula_error err;
	struct nebula_bump b;
	u8 buffer[64];

	nebula_bump_init(&b, buffer, sizeof(buffer));
	nebula_bump_exit(&b);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(&b, 8, 8));
	err = newest(test, &b.common);
	EXPECT_NEWEST(test, err, OUT_OF_MEMORY, NO_MEMORY);
}

static void advice_on_a_negative_number(struct kunit *test)
{
	struct nebula_pool *p = pool_create(test, 0);
	void *objs[1];
	struct nebula_error err;

	KUNIT_EXPECT_FALSE(test, nebula_pool_alloc_bulk(p, -1, objs));
	err = newest(test, &p->common);
	EXPECT_NEWEST(test, err, EXCEEDS_MAX, IMPOSSIBLE);
	KUNIT_EXPECT_EQ(test, err.need, (size_t)UINT_MAX);
	nebula_pool_destroy(p);
}

/*
 * A mark that is garbage, but for its stack: a stack on a buffer, whose memory below the entries
 * looks like the id of the mark. It is refused whatever it says, before anything is read there.
 */
static void advice_on_a_garbage_mark(struct kunit *test)
{
	static const unsigned long places[] = { 0, 4, -4UL, -8UL, 1UL << 31, 1UL << 33 };
	u8 *buffer = kunit_kmalloc(test, 1024, GFP_KERNEL);
	struct nebula_stack s;
	struct nebula_error err;
	struct nebula_mark m;
	const u32 *top;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	nebula_stack_init(&s, buffer, 1024);
	memset(buffer, 0x41, (u8 *)s.entries - buffer);
	top = s.top;
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		m = (struct nebula_mark){ .owner = &s, .at = places[i] };
		memset(&m.id, 0x41, sizeof(m.id));
		OPTIMIZER_HIDE_VAR(m.at);
		KUNIT_EXPECT_NE_MSG(test, nebula_stack_restore(&s, m), 0, "%lx", places[i]);
		KUNIT_EXPECT_PTR_EQ(test, (const u32 *)s.top, top);
	}
	err = newest(test, &s.common);
	EXPECT_NEWEST(test, err, STALE_CHECKPOINT, NONE);
	nebula_stack_exit(&s);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(advice_on_a_wrong_old_size),
	KUNIT_CASE(advice_on_an_error_code),
	KUNIT_CASE(advice_on_a_deferred_free),
	KUNIT_CASE(advice_on_what_was_never_allocated),
	KUNIT_CASE(advice_above_the_largest_order),
	KUNIT_CASE(advice_on_a_cache_depth),
	KUNIT_CASE(advice_names_the_block),
	KUNIT_CASE(advice_names_the_pointer),
	KUNIT_CASE(advice_on_leaks),
	KUNIT_CASE(advice_on_a_stack_realloc),
	KUNIT_CASE(advice_on_an_overrun),
	KUNIT_CASE(advice_without_memory),
	KUNIT_CASE(advice_on_a_negative_number),
	KUNIT_CASE(advice_on_a_garbage_mark),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_advice",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
