// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators of a client's own kind: what is added to what the client writes.
 */
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/string.h>
#include "../../module/core/inject.h"
#include "../../module/error/error.h"
#include "../files.h"
#include "../fixture.h"
#include "ring.h"

/* A request that no allocator could serve, or that asks for nothing, is none of the client's. */
static void custom_checks_requests(struct kunit *test)
{
	static const struct {
		size_t size;
		size_t align;
		enum nebula_errc code;
	} requests[] = {
		{ 8, 0, NEBULA_E_INVALID_ALIGNMENT },
		{ 8, 3, NEBULA_E_INVALID_ALIGNMENT },
		{ 8, SIZE_MAX, NEBULA_E_INVALID_ALIGNMENT },
		{ SIZE_MAX, 0, NEBULA_E_INVALID_ALIGNMENT },
		{ SIZE_MAX, 1, NEBULA_E_SIZE_OVERFLOW },
		{ SIZE_MAX / 2 + 1, 1, NEBULA_E_SIZE_OVERFLOW },
		{ SIZE_MAX / 2, 2, NEBULA_E_SIZE_OVERFLOW },
		{ 1, SIZE_MAX / 2 + 1, NEBULA_E_SIZE_OVERFLOW },
	};
	struct nebula_custom *c = ring_register(test);
	const struct ring *r = ring_state();
	struct nebula_error err;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		KUNIT_EXPECT_NULL(test, nebula_alloc(c, requests[i].size, requests[i].align));
		KUNIT_ASSERT_TRUE(test, nebula_last_error(c, &err));
		KUNIT_EXPECT_EQ(test, err.code, requests[i].code);
		KUNIT_EXPECT_EQ(test, err.size, requests[i].size);
		KUNIT_EXPECT_EQ(test, err.align, requests[i].align);
	}
	KUNIT_EXPECT_PTR_EQ(test, nebula_alloc(c, 0, 8), ZERO_SIZE_PTR);
	KUNIT_EXPECT_EQ(test, r->allocs, 0U);
	nebula_free(c, NULL);
	nebula_free(c, ZERO_SIZE_PTR);
	KUNIT_EXPECT_EQ(test, r->frees, 0U);
	KUNIT_EXPECT_NULL(test, nebula_alloc(c, SIZE_MAX / 2, 1));
	EXPECT_ERROR(test, c, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_EQ(test, r->allocs, 1U);
	nebula_custom_unregister(c);
}

/* What it does not own the client never sees. */
static void custom_checks_pointers(struct kunit *test)
{
	struct nebula_custom *c = ring_register(test);
	const struct ring *r = ring_state();
	u8 *p = nebula_alloc(c, 100, 8);
	void *const foreign[] = {
		(void *)24, (void *)-1L, &p, p - RING_CAPACITY, p + RING_CAPACITY,
		(void *)custom_checks_requests,
	};
	struct nebula_stats st;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	for (i = 0; i < ARRAY_SIZE(foreign); i++) {
		KUNIT_EXPECT_FALSE(test, nebula_owns(c, foreign[i]));
		nebula_free(c, foreign[i]);
	}
	nebula_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_FOREIGN_POINTER], (u64)ARRAY_SIZE(foreign));
	KUNIT_EXPECT_EQ(test, st.frees, 0ULL);
	KUNIT_EXPECT_EQ(test, r->frees, 0U);
	nebula_free_sized(c, p, 100);
	KUNIT_EXPECT_EQ(test, r->frees, 1U);
	KUNIT_EXPECT_EQ(test, r->size, (size_t)100);
	nebula_custom_unregister(c);
}

static void expect_stats(struct kunit *test, const struct nebula_custom *c, u64 allocs, u64 frees,
			 u64 in, u64 out)
{
	struct nebula_stats st;

	nebula_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, allocs);
	KUNIT_EXPECT_EQ(test, st.frees, frees);
	KUNIT_EXPECT_EQ(test, st.live, allocs - frees);
	KUNIT_EXPECT_EQ(test, st.bytes_in, in);
	KUNIT_EXPECT_EQ(test, st.bytes_out, out);
	KUNIT_EXPECT_EQ(test, st.used, in - out);
	KUNIT_EXPECT_EQ(test, st.capacity, (u64)RING_CAPACITY);
	KUNIT_EXPECT_EQ(test, st.available, RING_CAPACITY - (in - out));
	KUNIT_EXPECT_EQ(test, st.utilisation, (unsigned int)((in - out) * 1000 / RING_CAPACITY));
}

/* What the client refuses is recorded as it says, and counts as nothing. */
static void custom_refuses_frees(struct kunit *test)
{
	struct nebula_custom *c = ring_register(test);
	u8 *p = nebula_alloc(c, 3 * RING_SLOT, 8);
	struct nebula_error err;

	KUNIT_ASSERT_NOT_NULL(test, p);
	nebula_free(c, p + RING_SLOT);
	EXPECT_ERROR(test, c, NEBULA_E_MISALIGNED_POINTER);
	nebula_free_sized(c, p, 3 * RING_SLOT);
	nebula_free_sized(c, p, 3 * RING_SLOT);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(c, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_DOUBLE_FREE);
	KUNIT_EXPECT_EQ(test, err.size, 3 * (size_t)RING_SLOT);
	KUNIT_EXPECT_STREQ(test, err.what, "free");
	expect_stats(test, c, 1, 1, 3 * RING_SLOT, 3 * RING_SLOT);
	nebula_custom_unregister(c);
}

/* What is not aligned as asked for goes back to the client, and not to the caller. */
static void custom_checks_results(struct kunit *test)
{
	struct nebula_custom *c = ring_register(test);
	struct ring *r = ring_state();
	struct nebula_error err;
	struct nebula_stats st;

	r->skew = 8;
	KUNIT_EXPECT_NULL(test, nebula_alloc(c, 24, 16));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(c, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_MISALIGNED_POINTER);
	KUNIT_EXPECT_EQ(test, err.detail, NEBULA_D_CLIENT_ALLOC);
	KUNIT_EXPECT_NOT_NULL(test, err.pointer);
	KUNIT_EXPECT_STREQ(test, err.what, ".alloc");
	KUNIT_EXPECT_EQ(test, r->frees, 1U);
	KUNIT_EXPECT_EQ(test, r->size, (size_t)24);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(r->map, RING_SLOTS));
	nebula_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, 0ULL);
	KUNIT_EXPECT_EQ(test, st.live, 0ULL);
	KUNIT_EXPECT_EQ(test, st.used, 0ULL);
	r->skew = 0;
	nebula_custom_unregister(c);
}

/* A number that is no code never becomes an index: it is recorded, and counted, as one code. */
static void custom_refuses_answers(struct kunit *test)
{
	static const int answers[] = {
		-EINVAL, -ENOENT, -1, NEBULA_E_NR, NEBULA_E_NR + 1, 4096, INT_MAX, INT_MIN,
	};
	struct nebula_custom *c = ring_register(test);
	u8 *p = nebula_alloc(c, RING_SLOT, 8);
	struct nebula_error err;
	struct nebula_stats st;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, p);
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		ring_state()->answer = answers[i];
		nebula_free(c, p);
		KUNIT_ASSERT_TRUE(test, nebula_last_error(c, &err));
		KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_INVALID_CONFIG);
		KUNIT_EXPECT_STREQ(test, err.what, ".free");
		nebula_stats_read(c, &st);
		KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_INVALID_CONFIG], i + 1ULL);
		KUNIT_EXPECT_EQ(test, st.failed, i + 1ULL);
		KUNIT_EXPECT_EQ(test, st.frees, 0ULL);
	}
	ring_state()->answer = 0;
	nebula_free(c, p);
	nebula_custom_unregister(c);
}

/* An error pointer is no memory, however well it is aligned. */
static void custom_refuses_error_pointers(struct kunit *test)
{
	void *const results[] = { ERR_PTR(-ENOMEM), ERR_PTR(-EINVAL), ERR_PTR(-4095),
				  ZERO_SIZE_PTR };
	struct nebula_custom *c = ring_register(test);
	struct nebula_error err;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(results); i++) {
		ring_state()->result = results[i];
		KUNIT_EXPECT_NULL(test, nebula_alloc(c, 24, 1));
		KUNIT_ASSERT_TRUE(test, nebula_last_error(c, &err));
		KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_INVALID_CONFIG);
		KUNIT_EXPECT_STREQ(test, err.what, ".alloc");
	}
	KUNIT_EXPECT_EQ(test, ring_state()->frees, 0U);
	ring_state()->result = NULL;
	nebula_custom_unregister(c);
}

/* The number of an error is a code, or is replaced by one, when a client records it, too. */
static void custom_records_valid_codes(struct kunit *test)
{
	static const int codes[] = { NEBULA_OK, -EINVAL, NEBULA_E_NR, INT_MAX };
	struct nebula_custom *c = ring_register(test);
	struct nebula_error err;
	struct nebula_stats st;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		KUNIT_EXPECT_EQ(test, nebula_fail(&c->common, codes[i], .size = i + 1), -EBUSY);
		KUNIT_ASSERT_TRUE(test, nebula_last_error(c, &err));
		KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_INVALID_STATE);
		KUNIT_EXPECT_EQ(test, err.size, i + 1UL);
	}
	nebula_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_INVALID_STATE], (u64)ARRAY_SIZE(codes));
	KUNIT_EXPECT_EQ(test, st.failed, (u64)ARRAY_SIZE(codes));
	nebula_custom_unregister(c);
}

static void custom_counts(struct kunit *test)
{
	struct nebula_custom *c = ring_register(test);
	u8 *a, *b, *all;
	struct nebula_stats st;

	expect_stats(test, c, 0, 0, 0, 0);
	a = nebula_alloc(c, 1000, 8);
	b = nebula_zalloc(c, 48, 64);
	expect_stats(test, c, 2, 0, 1048, 0);
	nebula_free_sized(c, a, 1000);
	expect_stats(test, c, 2, 1, 1048, 1000);
	nebula_free_sized(c, b, 48);
	expect_stats(test, c, 2, 2, 1048, 1048);
	all = nebula_alloc(c, RING_CAPACITY, 1);
	KUNIT_EXPECT_NOT_NULL(test, all);
	KUNIT_EXPECT_NULL(test, nebula_alloc(c, 1, 1));
	EXPECT_ERROR(test, c, NEBULA_E_OUT_OF_MEMORY);
	nebula_free_sized(c, all, RING_CAPACITY);
	nebula_stats_read(c, &st);
	KUNIT_EXPECT_EQ(test, st.peak, (u64)RING_CAPACITY);
	KUNIT_EXPECT_EQ(test, st.failed, 1ULL);
	nebula_custom_unregister(c);
}

/* A size that is too large when it is freed makes no nonsense of what is used. */
static void custom_survives_a_wrong_size(struct kunit *test)
{
	struct nebula_custom *c = ring_register(test);
	u8 *a = nebula_alloc(c, 10, 8);
	struct nebula_stats st;

	KUNIT_ASSERT_NOT_NULL(test, a);
	nebula_free_sized(c, a, 1000);
	nebula_stats_read(c, &st);
	KUNIT_EXPECT_LE(test, st.used, (u64)RING_CAPACITY);
	KUNIT_EXPECT_LE(test, st.peak, (u64)RING_CAPACITY);
	KUNIT_EXPECT_EQ(test, st.capacity, (u64)RING_CAPACITY);
	nebula_custom_unregister(c);
}

/* Any order, until everything was full and empty a few times; nothing overlaps. */
static void custom_serves(struct kunit *test)
{
	struct nebula_custom *c = ring_register(test);
	u8 *held[RING_SLOTS] = { };
	size_t sizes[RING_SLOTS];
	unsigned int turn, i;

	for (turn = 0; turn < 2000; turn++) {
		i = fixture_random(test, RING_SLOTS);
		if (held[i]) {
			KUNIT_ASSERT_TRUE(test, fixture_stamped(held[i], sizes[i], i));
			nebula_free_sized(c, held[i], sizes[i]);
			held[i] = NULL;
			continue;
		}
		sizes[i] = 1 + fixture_random(test, 150);
		held[i] = nebula_alloc(c, sizes[i], 1UL << fixture_random(test, 9));
		if (held[i])
			fixture_stamp(held[i], sizes[i], i);
	}
	for (i = 0; i < RING_SLOTS; i++)
		if (held[i])
			nebula_free_sized(c, held[i], sizes[i]);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(ring_state()->map, RING_SLOTS));
	nebula_custom_unregister(c);
}

static void custom_is_seen(struct kunit *test)
{
	struct nebula_custom *c = ring_register(test);
	u8 *p = nebula_alloc(c, 512, 8);
	const char *text = files_text(test, "ring", "info");

	EXPECT_TEXT(test, text, "# nebula info v1\n");
	EXPECT_TEXT(test, text, "\nkind: custom\n");
	EXPECT_TEXT(test, text, "\nmode: ring\n");
	EXPECT_TEXT(test, text, "\nalloc: ring_alloc [nebula_memory_kunit]\n");
	EXPECT_TEXT(test, text, "\nfree: ring_free [nebula_memory_kunit]\n");
	EXPECT_TEXT(test, text, "\nowns: ring_owns [nebula_memory_kunit]\n");
	text = files_text(test, "ring", "stats");
	EXPECT_TEXT(test, text, "\nallocs: 1\n");
	EXPECT_TEXT(test, text, "\nlive: 1\n");
	EXPECT_TEXT(test, text, "\nused: 512\n");
	KUNIT_EXPECT_NULL(test, nebula_alloc(c, RING_CAPACITY, 8));
	text = files_text(test, "ring", "errors");
	EXPECT_TEXT(test, text, "ring: OUT_OF_MEMORY (-ENOMEM)");
	nebula_free_sized(c, p, 512);
	nebula_custom_unregister(c);
}

/* Before it is registered, and after it no longer is, an allocator refuses and nothing worse. */
static void expect_unregistered(struct kunit *test)
{
	struct nebula_error err;
	struct nebula_stats st;

	fixture_listen(test);
	ring_reset();
	KUNIT_EXPECT_NULL(test, nebula_alloc(&ring, 8, 8));
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_STATE, &err), 1U);
	KUNIT_EXPECT_EQ(test, err.detail, NEBULA_D_UNREGISTERED);
	KUNIT_EXPECT_NULL(test, nebula_alloc(&ring, 8, 3));
	nebula_free(&ring, &err);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_STATE, &err), 2U);
	KUNIT_EXPECT_NULL(test, nebula_alloc(nebula_allocator_of(&ring), 8, 8));
	nebula_free(nebula_allocator_of(&ring), &err);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_STATE, &err), 4U);
	KUNIT_EXPECT_FALSE(test, nebula_owns(&ring, &err));
	nebula_stats_read(&ring, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, 0ULL);
	KUNIT_EXPECT_EQ(test, st.used, 0ULL);
	KUNIT_EXPECT_EQ(test, ring_state()->allocs, 0U);
	nebula_custom_unregister(&ring);
}

static NEBULA_DEFINE_ALLOCATOR(never, .kind = "never", .alloc = ring_alloc, .free = ring_free);

static void custom_not_registered(struct kunit *test)
{
	struct nebula_error err;

	fixture_listen(test);
	KUNIT_EXPECT_NULL(test, nebula_alloc(&never, 8, 8));
	KUNIT_EXPECT_NULL(test, nebula_alloc(&never, 8, 24));
	nebula_free(&never, &err);
	nebula_custom_unregister(&never);
	nebula_custom_unregister(NULL);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_STATE, NULL), 2U);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_ALIGNMENT, NULL), 1U);
}

static void custom_no_longer_registered(struct kunit *test)
{
	nebula_custom_unregister(ring_register(test));
	expect_unregistered(test);
}

static void custom_registered_twice(struct kunit *test)
{
	struct nebula_custom *c = ring_register(test);
	u8 *p = nebula_alloc(c, 8, 8);
	struct nebula_error err;

	fixture_listen(test);
	KUNIT_EXPECT_EQ(test, nebula_custom_register(c, "again"),
			nebula_errc_to_errno(NEBULA_E_INVALID_STATE));
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_STATE, &err), 1U);
	KUNIT_EXPECT_STREQ(test, err.what, "registered already");
	expect_stats(test, c, 1, 0, 8, 0);
	nebula_free_sized(c, p, 8);
	nebula_custom_unregister(c);
	/* And again, with nothing left of what was. */
	c = ring_register(test);
	EXPECT_ERROR(test, c, NEBULA_OK);
	expect_stats(test, c, 0, 0, 0, 0);
	nebula_custom_unregister(c);
}

static void custom_reports_a_leak(struct kunit *test)
{
	struct nebula_custom *c = ring_register(test);
	struct nebula_error err;

	fixture_listen(test);
	KUNIT_EXPECT_NOT_NULL(test, nebula_alloc(c, 100, 8));
	KUNIT_EXPECT_NOT_NULL(test, nebula_alloc(c, 50, 8));
	nebula_custom_unregister(c);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, &err), 1U);
	KUNIT_EXPECT_STREQ(test, err.name, "ring");
	KUNIT_EXPECT_STREQ(test, err.what, "2 live");
	KUNIT_EXPECT_EQ(test, err.size, (size_t)150);
}

/* What is wrong with a client, as told by name. */
static void custom_refuses(struct kunit *test)
{
	static NEBULA_DEFINE_ALLOCATOR(no_alloc, .kind = "none", .free = ring_free);
	static NEBULA_DEFINE_ALLOCATOR(no_free, .kind = "none", .alloc = ring_alloc);
	static const char *const names[] = { NULL, "", ".", "a/b", "a b" };
	struct nebula_error err;
	unsigned int i;

	fixture_listen(test);
	KUNIT_EXPECT_EQ(test, nebula_custom_register(&no_alloc, "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_CONFIG, &err), 1U);
	KUNIT_EXPECT_STREQ(test, err.what, ".alloc");
	KUNIT_EXPECT_EQ(test, nebula_custom_register(&no_free, "x"), -EINVAL);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_CONFIG, &err), 2U);
	KUNIT_EXPECT_STREQ(test, err.what, ".free");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		KUNIT_EXPECT_EQ(test, nebula_custom_register(&ring, names[i]), -EINVAL);
		KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_CONFIG, &err), 3 + i);
		KUNIT_EXPECT_STREQ(test, err.what, "name");
	}
	KUNIT_EXPECT_EQ(test, nebula_custom_register_abi(&ring, "x", sizeof(ring) - 8, NEBULA_ABI),
			-ENOEXEC);
	KUNIT_EXPECT_EQ(test, nebula_custom_register_abi(&ring, "x", sizeof(ring), NEBULA_ABI + 1),
			-ENOEXEC);
	nebula_custom_unregister(ring_register(test));
}

static void custom_unwinds_each_step(struct kunit *test)
{
	unsigned int step = 0, seen;
	int ret;

	do {
		nebula_fault_arm(++step, 1);
		ret = nebula_custom_register(&ring, "step");
		seen = nebula_fault_disarm();
		KUNIT_EXPECT_EQ(test, ret, seen >= step ? -ENOMEM : 0);
	} while (ret && step < 10);
	KUNIT_EXPECT_EQ(test, step, 3U);
	EXPECT_TEXT(test, files_text(test, "step", "info"), "\nkind: custom\n");
	nebula_custom_unregister(&ring);
}

static void custom_in_atomic_context(struct kunit *test)
{
	struct nebula_custom *c = ring_register(test);
	unsigned long flags;
	u8 *p;
	int ret;

	fixture_listen(test);
	local_irq_save(flags);
	ret = nebula_custom_register(&never, "never");
	nebula_custom_unregister(c);
	p = nebula_alloc(c, 64, 8);
	nebula_free_sized(c, p, 64);
	local_irq_restore(flags);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, ret, -EPERM);
	EXPECT_ERROR(test, c, NEBULA_E_WRONG_CONTEXT);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_WRONG_CONTEXT, NULL), 2U);
	expect_stats(test, c, 1, 1, 64, 64);
	nebula_custom_unregister(c);
}

static void custom_stays_while_it_is_a_part(struct kunit *test)
{
	struct nebula_custom *c = ring_register(test);
	struct nebula_allocator *a = nebula_fallback_create("whole", c, nebula_system_allocator());
	struct nebula_error err;
	u8 *p;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	nebula_custom_unregister(c);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(c, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_INVALID_STATE);
	KUNIT_EXPECT_EQ(test, err.detail, NEBULA_D_PART);
	p = nebula_alloc(a, 64, 8);
	KUNIT_EXPECT_TRUE(test, nebula_owns(c, p));
	nebula_free_sized(a, p, 64);
	expect_stats(test, c, 1, 1, 64, 64);
	nebula_composite_destroy(a);
	nebula_custom_unregister(c);
	ring_register(test);
	nebula_custom_unregister(c);
}

/* Without .owns everything is its own, without .capacity it is as large as what is used. */
static void custom_of_two_functions(struct kunit *test)
{
	struct nebula_stats st;
	const char *text;
	u8 *p, mine;

	ring_reset();
	KUNIT_ASSERT_EQ(test, nebula_custom_register(&never, "never"), 0);
	p = nebula_alloc(&never, 128, 128);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, nebula_owns(&never, &mine));
	nebula_stats_read(&never, &st);
	KUNIT_EXPECT_EQ(test, st.capacity, 128ULL);
	KUNIT_EXPECT_EQ(test, st.available, 0ULL);
	text = files_text(test, "never", "info");
	KUNIT_EXPECT_NULL(test, strstr(text, "\nowns:"));
	nebula_free_sized(&never, p, 128);
	nebula_custom_unregister(&never);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(custom_checks_requests),
	KUNIT_CASE(custom_checks_pointers),
	KUNIT_CASE(custom_refuses_frees),
	KUNIT_CASE(custom_checks_results),
	KUNIT_CASE(custom_refuses_answers),
	KUNIT_CASE(custom_refuses_error_pointers),
	KUNIT_CASE(custom_records_valid_codes),
	KUNIT_CASE(custom_counts),
	KUNIT_CASE(custom_survives_a_wrong_size),
	KUNIT_CASE(custom_serves),
	KUNIT_CASE(custom_is_seen),
	KUNIT_CASE(custom_not_registered),
	KUNIT_CASE(custom_no_longer_registered),
	KUNIT_CASE(custom_registered_twice),
	KUNIT_CASE(custom_reports_a_leak),
	KUNIT_CASE(custom_refuses),
	KUNIT_CASE(custom_unwinds_each_step),
	KUNIT_CASE(custom_in_atomic_context),
	KUNIT_CASE(custom_stays_while_it_is_a_part),
	KUNIT_CASE(custom_of_two_functions),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_custom",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
