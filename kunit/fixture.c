// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test fixture, see fixture.h.
 */
#include <linux/module.h>
#include "fixture.h"

int fixture_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	nebula_chunks_flush();
	nebula_region_totals(&f->before);
	prandom_seed_state(&f->random, FIXTURE_SEED);
	test->priv = f;
	return 0;
}

/* Whatever the test did, every byte is back at the backing allocators. */
void fixture_exit(struct kunit *test)
{
	nebula_fault_disarm();
	nebula_chunks_flush();
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0);
	KUNIT_EXPECT_EQ(test, fixture_region_bytes(test), 0);
}

u32 fixture_random(struct kunit *test, u32 below)
{
	struct fixture *f = test->priv;

	return prandom_u32_state(&f->random) % below;
}

s64 fixture_regions(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct nebula_region_totals now;

	nebula_region_totals(&now);
	return (now.mapped - now.unmapped) - (f->before.mapped - f->before.unmapped);
}

s64 fixture_region_bytes(struct kunit *test)
{
	struct fixture *f = test->priv;
	struct nebula_region_totals now;

	nebula_region_totals(&now);
	return (now.mapped_bytes - now.unmapped_bytes) -
	       (f->before.mapped_bytes - f->before.unmapped_bytes);
}

enum nebula_errc fixture_last_code(const struct nebula_allocator *a)
{
	struct nebula_error err;

	return nebula_allocator_last_error(a, &err) ? err.code : NEBULA_OK;
}

static u8 stamp_byte(u32 id, size_t i)
{
	return (id * 2654435761U >> (8 * (i % 4))) ^ i;
}

void fixture_stamp(void *p, size_t size, u32 id)
{
	size_t i;

	for (i = 0; i < size; i++)
		((u8 *)p)[i] = stamp_byte(id, i);
}

bool fixture_stamped(const void *p, size_t size, u32 id)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (((const u8 *)p)[i] != stamp_byte(id, i))
			return false;
	return true;
}

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit suites of nebula_memory");
