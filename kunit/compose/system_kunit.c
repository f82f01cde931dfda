// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system allocator: the kernel's memory, with what was allocated told from what was not.
 */
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../../module/core/inject.h"
#include "../fixture.h"

static struct nebula_stats stats_now(void)
{
	struct nebula_stats st;

	nebula_stats_read(nebula_system_allocator(), &st);
	return st;
}

/* The record of an allocation that was refused, or of a free. */
static void expect_refused(struct kunit *test, u64 before, enum nebula_errc code, const char *why)
{
	KUNIT_EXPECT_EQ_MSG(test, stats_now().failed, before + 1, "%s", why);
	EXPECT_ERROR(test, nebula_system_allocator(), code);
}

static void system_serves(struct kunit *test)
{
	static const size_t sizes[] = {
		1, 7, 8, 64, 100, 4000, SZ_4K, SZ_8K + 1, SZ_64K, 200000, SZ_1M,
	};
	struct nebula_allocator *a = nebula_system_allocator();
	const struct nebula_stats before = stats_now();
	size_t align, bytes = 0;
	unsigned int i, n = 0;
	u8 *p, *q;

	for (align = 1; align <= SZ_64K; align *= 2) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			p = nebula_alloc(a, sizes[i], align);
			q = nebula_zalloc(a, sizes[i], align);
			KUNIT_ASSERT_NOT_NULL(test, p);
			KUNIT_ASSERT_NOT_NULL(test, q);
			KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)p | (unsigned long)q,
							   align));
			KUNIT_EXPECT_NULL(test, memchr_inv(q, 0, sizes[i]));
			fixture_stamp(p, sizes[i], i);
			memset(q, 0xff, sizes[i]);
			KUNIT_EXPECT_TRUE(test, fixture_stamped(p, sizes[i], i));
			KUNIT_EXPECT_TRUE(test, nebula_owns(a, p) && nebula_owns(a, q));
			KUNIT_EXPECT_EQ(test, stats_now().live, before.live + 2);
			nebula_free_sized(a, p, sizes[i]);
			nebula_free(a, q);
			n += 2;
			bytes += 2 * sizes[i];
		}
	}
	KUNIT_EXPECT_EQ(test, stats_now().allocs, before.allocs + n);
	KUNIT_EXPECT_EQ(test, stats_now().frees, before.frees + n);
	KUNIT_EXPECT_EQ(test, stats_now().bytes_in, before.bytes_in + bytes);
	KUNIT_EXPECT_EQ(test, stats_now().used, before.used);
	KUNIT_EXPECT_EQ(test, stats_now().failed, before.failed);
}

static void system_refuses_requests(struct kunit *test)
{
	struct nebula_allocator *a = nebula_system_allocator();
	static const struct {
		size_t size;
		size_t align;
		enum nebula_errc code;
	} requests[] = {
		{ 8, 0, NEBULA_E_INVALID_ALIGNMENT },
		{ 8, 12, NEBULA_E_INVALID_ALIGNMENT },
		{ SIZE_MAX, 1, NEBULA_E_SIZE_OVERFLOW },
		{ SIZE_MAX / 2, 2, NEBULA_E_SIZE_OVERFLOW },
		{ 1, SIZE_MAX / 2 + 1, NEBULA_E_SIZE_OVERFLOW },
		{ SIZE_MAX / 2, 1, NEBULA_E_OUT_OF_MEMORY },
		{ INT_MAX, 8, NEBULA_E_OUT_OF_MEMORY },
		{ 1, SIZE_MAX / 4 + 1, NEBULA_E_OUT_OF_MEMORY },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		const u64 before = stats_now().failed;

		KUNIT_EXPECT_NULL(test, nebula_alloc(a, requests[i].size, requests[i].align));
		expect_refused(test, before, requests[i].code, "request");
	}
	KUNIT_EXPECT_PTR_EQ(test, nebula_alloc(a, 0, 8), ZERO_SIZE_PTR);
	KUNIT_EXPECT_PTR_EQ(test, nebula_zalloc(a, 0, 8), ZERO_SIZE_PTR);
	nebula_fault_arm(1, 1);
	KUNIT_EXPECT_NULL(test, nebula_alloc(a, 8, 8));
	nebula_fault_disarm();
	EXPECT_ERROR(test, a, NEBULA_E_OUT_OF_MEMORY);
}

/* Any address may be asked about and freed, and only what is live is. */
static void system_refuses_pointers(struct kunit *test)
{
	struct nebula_allocator *a = nebula_system_allocator();
	static u8 data[64] __aligned(16);
	unsigned long local[8] = { };
	u8 *p = nebula_alloc(a, 256, 64), *plain = kzalloc(256, GFP_KERNEL);
	const struct {
		const char *why;
		void *p;
	} foreign[] = {
		{ "NULL + 17", (void *)17 }, { "a header's size", (void *)24 },
		{ "first page", (void *)4088 }, { "user's", (void *)0x400000 },
		{ "end of all", (void *)-8L }, { "an error", ERR_PTR(-ENOMEM) },
		{ "no address", (void *)0x8000000000000000UL },
		{ "local", &local[4] }, { "data", data + 32 },
		{ "text", PTR_ALIGN((void *)system_serves, 8) }, { "kernel's text", kfree },
		{ "kmalloc's", plain }, { "inside kmalloc's", plain + 128 },
		{ "behind", p + 8 }, { "inside", p + 128 }, { "unaligned", p + 1 },
		{ "before", p - 8 }, { "header", p - 24 },
	};
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, plain);
	fixture_stamp(p, 256, 1);
	for (i = 0; i < ARRAY_SIZE(foreign); i++) {
		const u64 before = stats_now().failed;

		KUNIT_EXPECT_FALSE_MSG(test, nebula_owns(a, foreign[i].p), "%s", foreign[i].why);
		nebula_free(a, foreign[i].p);
		expect_refused(test, before, NEBULA_E_FOREIGN_POINTER, foreign[i].why);
	}
	KUNIT_EXPECT_FALSE(test, nebula_owns(a, NULL));
	KUNIT_EXPECT_FALSE(test, nebula_owns(a, ZERO_SIZE_PTR));
	KUNIT_EXPECT_TRUE(test, fixture_stamped(p, 256, 1));
	nebula_free_sized(a, p, 255);
	EXPECT_ERROR(test, a, NEBULA_E_INVALID_LAYOUT);
	nebula_free_sized(a, p, 257);
	EXPECT_ERROR(test, a, NEBULA_E_INVALID_LAYOUT);
	KUNIT_EXPECT_TRUE(test, nebula_owns(a, p));
	nebula_free_sized(a, p, 256);
	kfree(plain);
}

/* Small ones, pages, and vmalloc memory, which is not even mapped any more. */
static void system_refuses_a_second_free(struct kunit *test)
{
	static const size_t sizes[] = { 8, 100, SZ_4K, SZ_64K, SZ_8M };
	struct nebula_allocator *a = nebula_system_allocator();
	const struct nebula_stats before = stats_now();
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		u8 *p = nebula_alloc(a, sizes[i], 8);

		KUNIT_ASSERT_NOT_NULL(test, p);
		nebula_free(a, p);
		KUNIT_EXPECT_FALSE(test, nebula_owns(a, p));
		nebula_free(a, p);
		expect_refused(test, before.failed + i, NEBULA_E_DOUBLE_FREE, "second free");
	}
	KUNIT_EXPECT_EQ(test, stats_now().frees, before.frees + ARRAY_SIZE(sizes));
	KUNIT_EXPECT_EQ(test, stats_now().used, before.used);
}

/* vmalloc memory cannot be freed here; that happens a little later. */
static void system_in_atomic_context(struct kunit *test)
{
	struct nebula_allocator *a = nebula_system_allocator();
	u8 *large[4], *p, *second;
	const u64 live = stats_now().live;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(large); i++) {
		large[i] = nebula_alloc(a, SZ_8M, 8);
		KUNIT_ASSERT_NOT_NULL(test, large[i]);
	}
	KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(large[0]));
	local_irq_save(flags);
	p = nebula_alloc(a, 100, 64);
	if (p)
		fixture_stamp(p, 100, 1);
	second = nebula_zalloc(a, 100, 64);
	for (i = 0; i < ARRAY_SIZE(large); i++)
		nebula_free(a, large[i]);
	nebula_free(a, second);
	local_irq_restore(flags);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_NOT_NULL(test, second);
	KUNIT_EXPECT_TRUE(test, !p || fixture_stamped(p, 100, 1));
	nebula_free(a, large[0]);
	EXPECT_ERROR(test, a, NEBULA_E_DOUBLE_FREE);
	nebula_free(a, p);
	KUNIT_EXPECT_EQ(test, stats_now().live, live);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(system_serves),
	KUNIT_CASE(system_refuses_requests),
	KUNIT_CASE(system_refuses_pointers),
	KUNIT_CASE(system_refuses_a_second_free),
	KUNIT_CASE(system_in_atomic_context),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_system",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
