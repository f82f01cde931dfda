// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions: each backing, alignment, NUMA node, failure at each step, and nothing lost.
 */
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include "../../module/core/inject.h"
#include "../fixture.h"

static struct nebula_region_request request(size_t size, enum nebula_backing backing)
{
	return (struct nebula_region_request){
		.size = size,
		.backing = backing,
		.gfp = GFP_KERNEL,
		.node = NUMA_NO_NODE,
	};
}

static void expect_usable(struct kunit *test, const struct nebula_region *r, size_t size)
{
	KUNIT_EXPECT_EQ(test, r->size, PAGE_ALIGN(size));
	KUNIT_EXPECT_TRUE(test, PAGE_ALIGNED(r->base));
	fixture_stamp(r->base, r->size, 1);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(r->base, r->size, 1));
}

static void region_sizes(struct kunit *test)
{
	static const size_t sizes[] = {
		1, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE, 5 * PAGE_SIZE + 7, SZ_64K
	};
	enum nebula_backing backing;
	struct nebula_region r;
	unsigned int i;

	for (backing = NEBULA_AUTO; backing <= NEBULA_VMALLOC; backing++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			struct nebula_region_request req = request(sizes[i], backing);

			KUNIT_ASSERT_EQ(test, nebula_region_map(&r, &req), 0);
			expect_usable(test, &r, sizes[i]);
			KUNIT_EXPECT_EQ(test, fixture_regions(test), 1);
			KUNIT_EXPECT_EQ(test, fixture_region_bytes(test),
					(s64)PAGE_ALIGN(sizes[i]));
			nebula_region_unmap(&r);
			KUNIT_EXPECT_NULL(test, r.base);
			KUNIT_EXPECT_EQ(test, fixture_region_bytes(test), 0);
		}
	}
}

static void region_backing_is_what_was_asked_for(struct kunit *test)
{
	struct nebula_region_request req = request(SZ_64K, NEBULA_PAGES);
	struct nebula_region r;

	KUNIT_ASSERT_EQ(test, nebula_region_map(&r, &req), 0);
	KUNIT_EXPECT_EQ(test, r.backing, NEBULA_PAGES);
	KUNIT_EXPECT_FALSE(test, is_vmalloc_addr(r.base));
	nebula_region_unmap(&r);

	req.backing = NEBULA_VMALLOC;
	KUNIT_ASSERT_EQ(test, nebula_region_map(&r, &req), 0);
	KUNIT_EXPECT_EQ(test, r.backing, NEBULA_VMALLOC);
	KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(r.base));
	nebula_region_unmap(&r);
}

static void region_auto_is_cheap_pages_then_vmalloc(struct kunit *test)
{
	struct nebula_region_request req = request(PAGE_SIZE, NEBULA_AUTO);
	struct nebula_region r;

	KUNIT_ASSERT_EQ(test, nebula_region_map(&r, &req), 0);
	KUNIT_EXPECT_EQ(test, r.backing, NEBULA_PAGES);
	nebula_region_unmap(&r);

	req.size = SZ_1M;
	KUNIT_ASSERT_EQ(test, nebula_region_map(&r, &req), 0);
	KUNIT_EXPECT_EQ(test, r.backing, NEBULA_VMALLOC);
	nebula_region_unmap(&r);

	/* Without blocking only pages can be had, whatever they cost. */
	req.size = SZ_128K;
	req.gfp = GFP_NOWAIT;
	KUNIT_ASSERT_EQ(test, nebula_region_map(&r, &req), 0);
	KUNIT_EXPECT_EQ(test, r.backing, NEBULA_PAGES);
	nebula_region_unmap(&r);
}

static void region_huge(struct kunit *test)
{
	struct nebula_region_request req = request(SZ_4M, NEBULA_VMALLOC);
	struct nebula_region r;

	KUNIT_ASSERT_EQ(test, nebula_region_map(&r, &req), 0);
	expect_usable(test, &r, SZ_4M);
	nebula_region_unmap(&r);
}

static void region_align(struct kunit *test)
{
	struct nebula_region_request req = request(SZ_16K, NEBULA_VMALLOC);
	struct nebula_region r;

	for (req.align = 1; req.align <= SZ_256K; req.align *= 2) {
		KUNIT_ASSERT_EQ(test, nebula_region_map(&r, &req), 0);
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)r.base, req.align));
		expect_usable(test, &r, SZ_16K);
		KUNIT_EXPECT_TRUE(test, r.base + r.size <= r.origin + r.origin_size);
		nebula_region_unmap(&r);
	}
}

static void region_node(struct kunit *test)
{
	enum nebula_backing backing;
	struct nebula_region r;
	int node;

	for_each_online_node(node) {
		for (backing = NEBULA_PAGES; backing <= NEBULA_VMALLOC; backing++) {
			struct nebula_region_request req = request(SZ_16K, backing);
			struct page *page;

			req.node = node;
			KUNIT_ASSERT_EQ(test, nebula_region_map(&r, &req), 0);
			page = is_vmalloc_addr(r.base) ? vmalloc_to_page(r.base)
						       : virt_to_page(r.base);
			KUNIT_EXPECT_EQ(test, page_to_nid(page), node);
			nebula_region_unmap(&r);
		}
	}
}

static void region_buffer(struct kunit *test)
{
	u8 *buffer = kunit_kzalloc(test, 256, GFP_KERNEL);
	struct nebula_region_request req = request(200, NEBULA_BUFFER);
	struct nebula_region r;

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	req.buffer = buffer + 1;
	KUNIT_ASSERT_EQ(test, nebula_region_map(&r, &req), 0);
	KUNIT_EXPECT_PTR_EQ(test, r.base, (void *)buffer + 1);
	KUNIT_EXPECT_EQ(test, r.size, (size_t)200);
	/* Lent memory is none of ours. */
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0);
	nebula_region_unmap(&r);

	req.align = 64;
	KUNIT_ASSERT_EQ(test, nebula_region_map(&r, &req), 0);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)r.base, 64));
	KUNIT_EXPECT_PTR_EQ(test, r.base + r.size, (void *)buffer + 201);
	nebula_region_unmap(&r);

	req.size = 1;
	req.buffer = buffer + 1;
	KUNIT_EXPECT_EQ(test, nebula_region_map(&r, &req), -EINVAL);
}

static void region_sizes_that_cannot_be(struct kunit *test)
{
	static const size_t sizes[] = { 0, SIZE_MAX, SIZE_MAX - PAGE_SIZE,
					NEBULA_CAPACITY_MAX + 1 };
	struct nebula_region r = { };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct nebula_region_request req = request(sizes[i], NEBULA_AUTO);

		KUNIT_EXPECT_EQ(test, nebula_region_map(&r, &req), -EOVERFLOW);
		KUNIT_EXPECT_NULL(test, r.base);
	}
}

static void region_too_large_for_pages(struct kunit *test)
{
	struct nebula_region_request req = request(SZ_1G, NEBULA_PAGES);
	struct nebula_region r;

	KUNIT_EXPECT_EQ(test, nebula_region_map(&r, &req), -E2BIG);
}

static void region_failure(struct kunit *test)
{
	enum nebula_backing backing;
	struct nebula_region r = { };

	for (backing = NEBULA_PAGES; backing <= NEBULA_VMALLOC; backing++) {
		struct nebula_region_request req = request(SZ_16K, backing);

		nebula_fault_arm(1, 1);
		KUNIT_EXPECT_EQ(test, nebula_region_map(&r, &req), -ENOMEM);
		KUNIT_EXPECT_EQ(test, nebula_fault_disarm(), 1U);
		KUNIT_EXPECT_NULL(test, r.base);
		KUNIT_EXPECT_EQ(test, fixture_regions(test), 0);
	}
}

static void region_auto_falls_back(struct kunit *test)
{
	struct nebula_region_request req = request(PAGE_SIZE, NEBULA_AUTO);
	struct nebula_region r;

	nebula_fault_arm(1, 1);
	KUNIT_ASSERT_EQ(test, nebula_region_map(&r, &req), 0);
	KUNIT_EXPECT_EQ(test, nebula_fault_disarm(), 2U);
	KUNIT_EXPECT_EQ(test, r.backing, NEBULA_VMALLOC);
	nebula_region_unmap(&r);

	nebula_fault_arm(1, 2);
	KUNIT_EXPECT_EQ(test, nebula_region_map(&r, &req), -ENOMEM);
	nebula_fault_disarm();
}

/* More than there are pages on the lists of a CPU; mapping is slow on kernels that have KASAN. */
#define ROUNDS	(IS_ENABLED(CONFIG_KASAN) ? 400 : 2000)

/* Maps and unmaps, and says how many free pages that cost the kernel. */
static long pages_lost(struct kunit *test, enum nebula_backing backing)
{
	struct nebula_region_request req = request(5 * PAGE_SIZE, backing);
	struct sysinfo before, after;
	struct nebula_region r;
	unsigned int i;

	si_meminfo(&before);
	for (i = 0; i < ROUNDS; i++) {
		KUNIT_EXPECT_EQ(test, nebula_region_map(&r, &req), 0);
		nebula_region_unmap(&r);
	}
	si_meminfo(&after);
	return (long)before.freeram - (long)after.freeram;
}

/*
 * Our own books may balance while the kernel's do not: a page lost each time would show in every
 * turn. The lists of free pages that each CPU keeps, and that do not count as free, show in some.
 */
static void region_gives_every_page_back(struct kunit *test)
{
	enum nebula_backing backing;
	unsigned int turn;
	long lost;

	migrate_disable();
	for (backing = NEBULA_PAGES; backing <= NEBULA_VMALLOC; backing++) {
		lost = pages_lost(test, backing);
		for (turn = 0; turn < 4; turn++)
			lost = min(lost, pages_lost(test, backing));
		KUNIT_EXPECT_LT(test, lost, ROUNDS / 2);
	}
	migrate_enable();
}

static struct kunit_case cases[] = {
	KUNIT_CASE(region_sizes),
	KUNIT_CASE(region_backing_is_what_was_asked_for),
	KUNIT_CASE(region_auto_is_cheap_pages_then_vmalloc),
	KUNIT_CASE(region_huge),
	KUNIT_CASE(region_align),
	KUNIT_CASE(region_node),
	KUNIT_CASE(region_buffer),
	KUNIT_CASE(region_gives_every_page_back),
	KUNIT_CASE(region_sizes_that_cannot_be),
	KUNIT_CASE(region_too_large_for_pages),
	KUNIT_CASE(region_failure),
	KUNIT_CASE(region_auto_falls_back),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_region",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
