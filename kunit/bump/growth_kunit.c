// SPDX-License-Identifier: GPL-2.0-only
/*
 * Growth of the bump allocator in owner mode: to the limit, failing at each step, and back.
 */
#include <linux/irqflags.h>
#include <linux/slab.h>
#include "../../module/bump/hooks.h"
#include "../../module/compat.h"
#include "../../module/core/chunk.h"
#include "../../module/core/inject.h"
#include "../fixture.h"
#include "../probes.h"

#define LIMIT	(16 * PAGE_SIZE)

static struct nebula_bump *bump_growing(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("test", .capacity = PAGE_SIZE,
						   .max_capacity = LIMIT, .flags = NEBULA_GROW);

	ASSERT_BUMP(test, b);
	return b;
}

static u64 regions_of(const struct nebula_bump *b)
{
	struct nebula_stats st;

	nebula_stats_read(b, &st);
	return st.regions;
}

/*
 *	|1 page|2 pages|4 pages|8 pages|1 page|		each larger, then the rest
 */
static void growth_to_the_limit(struct kunit *test)
{
	struct nebula_bump *b = bump_growing(test);
	size_t last = 0, capacity = nebula_bump_capacity(b);
	unsigned int n, i;
	void **objects = kunit_kcalloc(test, LIMIT / 64 + 1, sizeof(*objects), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, objects);
	for (n = 0; n <= LIMIT / 64 && (objects[n] = nebula_bump_alloc(b, 64, 8)); n++) {
		fixture_stamp(objects[n], 64, n);
		if (nebula_bump_capacity(b) == capacity)
			continue;
		if (nebula_bump_capacity(b) < LIMIT)
			KUNIT_EXPECT_GT(test, nebula_bump_capacity(b) - capacity, last);
		last = nebula_bump_capacity(b) - capacity;
		capacity = nebula_bump_capacity(b);
	}
	EXPECT_ERROR(test, b, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_EQ(test, capacity, LIMIT);
	KUNIT_EXPECT_EQ(test, n, (unsigned int)(LIMIT / 64));
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), LIMIT);
	KUNIT_EXPECT_EQ(test, fixture_region_bytes(test), (s64)LIMIT);
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_TRUE(test, fixture_stamped(objects[i], 64, i));
	nebula_bump_destroy(b);
}

/*
 * Each step of growth fails once; the allocation fails, says so, and works when it is tried
 * again.
 */
static void growth_fails_at_each_step(struct kunit *test)
{
	struct nebula_bump *b = bump_growing(test);
	unsigned int step = 0;
	void *p;

	while (nebula_bump_capacity(b) < LIMIT) {
		size_t used, capacity = nebula_bump_capacity(b);

		while (nebula_bump_available(b))
			KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
		used = nebula_bump_used(b);
		nebula_fault_arm(1 + step % 2, 100);
		p = nebula_bump_alloc(b, 64, 8);
		KUNIT_ASSERT_GT(test, nebula_fault_disarm(), step % 2);
		KUNIT_ASSERT_NULL(test, p);
		EXPECT_ERROR(test, b, NEBULA_E_BACKING_FAILED);
		KUNIT_ASSERT_EQ(test, nebula_bump_used(b), used);
		KUNIT_ASSERT_EQ(test, nebula_bump_capacity(b), capacity);
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
		step++;
	}
	KUNIT_EXPECT_EQ(test, step, 4U);
	nebula_bump_destroy(b);
}

/* When the kernel has not twice the last region, half of that will do. */
static void growth_takes_what_it_can_get(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("test", .capacity = SZ_16K, .flags = NEBULA_GROW,
						   .backing = NEBULA_VMALLOC);

	ASSERT_BUMP(test, b);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, SZ_16K, 8));
	nebula_fault_arm(2, 1);		/* the region, not its description */
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	KUNIT_EXPECT_EQ(test, nebula_fault_disarm(), 4U);
	KUNIT_EXPECT_EQ(test, nebula_bump_capacity(b), (size_t)SZ_32K);
	nebula_bump_destroy(b);
}

/* Above the largest block of pages there is, growth goes on by what there is. */
static void growth_beyond_the_largest_block(struct kunit *test)
{
	const size_t most = PAGE_SIZE << COMPAT_MAX_PAGE_ORDER;
	static const u32 flags[] = { NEBULA_GROW, NEBULA_GROW | NEBULA_SHARED };
	struct nebula_bump *b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		b = nebula_bump_create("test", .capacity = most / 2 + PAGE_SIZE,
				       .max_capacity = 4 * most, .flags = flags[i],
				       .backing = NEBULA_PAGES);
		ASSERT_BUMP(test, b);
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, most / 2, 8));
		if (flags[i] & NEBULA_SHARED)
			nebula_growth_flush(b);
		KUNIT_EXPECT_EQ(test, nebula_bump_reserve(b, 2 * PAGE_SIZE, GFP_KERNEL), 0);
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, most / 2, 8));
		KUNIT_EXPECT_GE(test, nebula_bump_capacity(b), 2 * (most / 2 + PAGE_SIZE));
		KUNIT_EXPECT_EQ(test, fixture_last_code(&b->common), NEBULA_OK);
		nebula_bump_destroy(b);
	}
}

/* Allocations that fit before a reset. */
struct sequence {
	size_t capacity;		/* of the allocator, bytes */
	size_t max_capacity;		/* likewise */
	enum nebula_backing backing;	/* likewise */
	size_t sizes[6];		/* bytes of the objects, up to a 0 */
};

static const struct sequence sequences[] = {
	{ SZ_16K, 40 * SZ_1K, NEBULA_AUTO, { 10 * SZ_1K, 20 * SZ_1K } },
	{ SZ_4K, 28 * SZ_1K, NEBULA_AUTO, { SZ_4K, SZ_8K, SZ_16K } },
	{ SZ_4K, 28 * SZ_1K, NEBULA_PAGES, { 100, SZ_8K, 5000, SZ_8K } },
	{ SZ_8K, 48 * SZ_1K, NEBULA_VMALLOC, { 8000, 9000, 100, 20000 } },
	{ SZ_4K, SZ_1M, NEBULA_AUTO, { 4000, 100, SZ_64K, 200000 } },
};

static void run_sequence(struct kunit *test, struct nebula_bump *b, const struct sequence *s,
			 unsigned int round)
{
	struct nebula_checkpoint cp = nebula_bump_checkpoint(b);
	unsigned int i, turn;

	/* The second time from a checkpoint at the start. */
	for (turn = 0; turn < 2; turn++) {
		for (i = 0; i < ARRAY_SIZE(s->sizes) && s->sizes[i]; i++)
			KUNIT_EXPECT_NOT_NULL_MSG(test, nebula_bump_alloc(b, s->sizes[i], 8),
						  "round %u, object %u of sequence %zu", round, i,
						  s - sequences);
		KUNIT_EXPECT_LE(test, nebula_bump_capacity(b), s->max_capacity);
		if (!turn)
			KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
	}
}

/* What fitted before a reset fits again, in each round; also when the kernel has no large piece. */
static void growth_serves_the_same_after_a_reset(struct kunit *test)
{
	const struct sequence *s;
	struct nebula_bump *b;
	unsigned int round, pieces;

	for (pieces = 0; pieces < 2; pieces++) {
		for (s = sequences; s < sequences + ARRAY_SIZE(sequences); s++) {
			b = nebula_bump_create("test", .capacity = s->capacity,
					       .max_capacity = s->max_capacity,
					       .flags = NEBULA_GROW, .backing = s->backing);
			ASSERT_BUMP(test, b);
			for (round = 0; round < 5; round++) {
				/* The description of the whole, or its region, cannot be had. */
				if (round && pieces)
					nebula_fault_arm(1 + round % 2, 1);
				run_sequence(test, b, s, round);
				nebula_fault_disarm();
				nebula_bump_reset(b);
				KUNIT_EXPECT_EQ(test, regions_of(b), 1ULL);
				KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
			}
			KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
			nebula_bump_destroy(b);
		}
	}
}

static void growth_for_large_objects_and_alignments(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("test", .capacity = PAGE_SIZE,
						   .max_capacity = SZ_1M, .flags = NEBULA_GROW);
	void *p;

	ASSERT_BUMP(test, b);
	p = nebula_bump_alloc(b, 5 * PAGE_SIZE, 8);
	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0x77, 5 * PAGE_SIZE);
	p = nebula_bump_alloc(b, PAGE_SIZE, SZ_64K);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)p, SZ_64K));
	memset(p, 0x78, PAGE_SIZE);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
	EXPECT_ERROR(test, b, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_LE(test, nebula_bump_capacity(b), (size_t)SZ_1M);
	nebula_bump_destroy(b);
}

static void growth_reset_keeps_the_largest(struct kunit *test)
{
	struct nebula_bump *b = bump_growing(test);

	while (nebula_bump_alloc(b, 64, 8))
		;
	nebula_bump_reset(b);
	nebula_chunks_flush();
	KUNIT_EXPECT_EQ(test, nebula_bump_capacity(b), 8 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, fixture_region_bytes(test), (s64)(8 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_bump_peak(b), LIMIT);
	KUNIT_EXPECT_EQ(test, regions_of(b), 1ULL);
	while (nebula_bump_alloc(b, 64, 8))
		;
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), LIMIT);
	nebula_bump_destroy(b);
}

static void growth_is_rewound(struct kunit *test)
{
	struct nebula_bump *b = bump_growing(test);
	struct nebula_checkpoint first, second;
	u8 *p = nebula_bump_alloc(b, 100, 4);

	KUNIT_ASSERT_NOT_NULL(test, p);
	fixture_stamp(p, 100, 5);
	first = nebula_bump_checkpoint(b);
	while (regions_of(b) < 3)
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	second = nebula_bump_checkpoint(b);
	while (regions_of(b) < 4)
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));

	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, second), 0);
	KUNIT_EXPECT_EQ(test, regions_of(b), 3ULL);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, first), 0);
	KUNIT_EXPECT_EQ(test, regions_of(b), 1ULL);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)100);
	KUNIT_EXPECT_EQ(test, nebula_bump_capacity(b), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, second), -ESTALE);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(p, 100, 5));
	nebula_bump_destroy(b);
}

/* Growing and rewinding in a loop does not map and unmap each time. */
static void growth_keeps_a_spare(struct kunit *test)
{
	struct nebula_bump *b = bump_growing(test);
	struct nebula_checkpoint cp = nebula_bump_checkpoint(b);
	struct nebula_region_totals before, after;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 2 * PAGE_SIZE, 8));
	KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, cp), 0);
	nebula_region_totals(&before);
	for (i = 0; i < 20; i++) {
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 2 * PAGE_SIZE, 8));
		KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, cp), 0);
	}
	nebula_region_totals(&after);
	KUNIT_EXPECT_EQ(test, after.mapped, before.mapped);
	KUNIT_EXPECT_LE(test, fixture_region_bytes(test), (s64)LIMIT);
	nebula_bump_destroy(b);
}

static void growth_ahead_of_need(struct kunit *test)
{
	struct nebula_bump *b = bump_growing(test), *fixed;

	KUNIT_EXPECT_EQ(test, nebula_bump_reserve(b, 3 * PAGE_SIZE, GFP_KERNEL), 0);
	nebula_fault_arm(1, 100);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 3 * PAGE_SIZE, 8));
	KUNIT_EXPECT_EQ(test, nebula_bump_reserve(b, 5 * PAGE_SIZE, GFP_KERNEL), -ENOMEM);
	EXPECT_ERROR(test, b, NEBULA_E_BACKING_FAILED);
	nebula_fault_disarm();
	KUNIT_EXPECT_EQ(test, nebula_bump_reserve(b, LIMIT, GFP_KERNEL), -ENOMEM);
	EXPECT_ERROR(test, b, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_EQ(test, nebula_bump_reserve(b, SIZE_MAX, GFP_KERNEL), -EOVERFLOW);

	fixed = nebula_bump_create("fixed", .capacity = PAGE_SIZE);
	ASSERT_BUMP(test, fixed);
	KUNIT_EXPECT_EQ(test, nebula_bump_reserve(fixed, PAGE_SIZE, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, nebula_bump_reserve(fixed, PAGE_SIZE + 1, GFP_KERNEL), -ENOMEM);
	nebula_bump_destroy(fixed);
	nebula_bump_destroy(b);
}

/*
 * In atomic context a growing allocator with a blocking .gfp refuses; one that may not block
 * grows from pages.
 */
static void growth_in_atomic_context(struct kunit *test)
{
	struct nebula_bump *sleeps = bump_growing(test);
	struct nebula_bump *atomic =
		nebula_bump_create("atomic", .capacity = PAGE_SIZE, .max_capacity = LIMIT,
				   .flags = NEBULA_GROW, .gfp = GFP_ATOMIC);
	unsigned long flags;
	void *p, *q;

	ASSERT_BUMP(test, atomic);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(sleeps, PAGE_SIZE, 8));
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(atomic, PAGE_SIZE, 8));
	local_irq_save(flags);
	p = nebula_bump_alloc(sleeps, 64, 8);
	q = nebula_bump_alloc(atomic, 64, 8);
	local_irq_restore(flags);
	KUNIT_EXPECT_NULL(test, p);
	EXPECT_ERROR(test, sleeps, NEBULA_E_WRONG_CONTEXT);
	KUNIT_EXPECT_NOT_NULL(test, q);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(sleeps, 64, 8));
	nebula_bump_destroy(atomic);
	nebula_bump_destroy(sleeps);
}

static void growth_counts_exactly(struct kunit *test)
{
	struct nebula_bump *b = bump_growing(test);
	u64 asked = 0, n = 0;
	struct nebula_stats st;
	size_t size;

	for (;;) {
		size = 1 + fixture_random(test, 200);
		if (!nebula_bump_alloc(b, size, 1UL << fixture_random(test, 5)))
			break;
		asked += size;
		n++;
	}
	nebula_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, n);
	KUNIT_EXPECT_EQ(test, st.bytes_in, asked);
	KUNIT_EXPECT_EQ(test, st.used, asked + st.padding);
	KUNIT_EXPECT_EQ(test, st.used + st.available, st.capacity);
	KUNIT_EXPECT_EQ(test, st.grows, st.regions - 1);
	KUNIT_EXPECT_EQ(test, st.max_capacity, (u64)LIMIT);
	nebula_bump_destroy(b);
}

#ifdef HAVE_PROBES

/* An owner that works in NMI. */
struct nmi_scene {
	struct nebula_bump *bump;		/* what it owns */
	struct nebula_checkpoint checkpoint;	/* where it rewinds to first; then it resets */
	int restored;				/* what the rewind returned */
	unsigned int turn;			/* how often the owner shall have run */
	unsigned int entered;			/* how often it ran, in NMI */
};

static struct nmi_scene *nmi_scene;

static int give_back_in_nmi(struct kprobe *kp, struct pt_regs *regs)
{
	struct nmi_scene *s = nmi_scene;

	/* Probes on padding are never hit, one on a call of ftrace's is no trap: some other is. */
	if (!in_nmi() || s->entered == s->turn)
		return 0;
	s->entered++;
	if (s->entered == 1)
		s->restored = nebula_bump_restore(s->bump, s->checkpoint);
	else
		nebula_bump_reset(s->bump);
	return 0;
}

static noinline void trap_here(void)
{
	asm volatile("nop; nop; nop; nop");
}

static int never_entered(struct kprobe *kp, struct pt_regs *regs)
{
	return 0;
}

static void fill_regions(struct kunit *test, struct nebula_bump *b, u64 regions)
{
	while (regions_of(b) < regions)
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
}

/*
 * Regions are dropped without a lock of the kernel's: a probe on queue_work_on() that is hit inside
 * of the trap is not entered, but counted as missed.
 */
static void growth_is_given_back_in_nmi(struct kunit *test)
{
	struct nmi_scene s = { .bump = bump_growing(test), .restored = 1 };
	struct kprobe queued = { .symbol_name = "queue_work_on", .pre_handler = never_entered };
	struct probes ps;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, register_kprobe(&queued), 0);
	nmi_scene = &s;
	s.checkpoint = nebula_bump_checkpoint(s.bump);
	probes_create(test, &ps, (unsigned long)trap_here, give_back_in_nmi);
	KUNIT_ASSERT_GT(test, ps.n, 0U);
	for (i = 0; i < ps.n; i++)
		KUNIT_ASSERT_EQ(test, enable_kprobe(ps.list[i]), 0);
	while (s.turn < 2) {
		fill_regions(test, s.bump, 4);
		s.turn++;
		trap_here();
		KUNIT_EXPECT_EQ(test, s.entered, s.turn);
		KUNIT_EXPECT_EQ(test, regions_of(s.bump), 1ULL);
	}
	probes_destroy(&ps);
	unregister_kprobe(&queued);
	KUNIT_EXPECT_EQ(test, s.restored, 0);
	KUNIT_EXPECT_EQ(test, queued.nmissed, 0UL);
	nebula_chunks_flush();
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 1);
	nebula_bump_destroy(s.bump);
}

#else

static void growth_is_given_back_in_nmi(struct kunit *test)
{
	kunit_skip(test, "this kernel has no kprobes or no breakpoints");
}

#endif

static struct kunit_case cases[] = {
	KUNIT_CASE(growth_to_the_limit),
	KUNIT_CASE(growth_fails_at_each_step),
	KUNIT_CASE(growth_takes_what_it_can_get),
	KUNIT_CASE(growth_beyond_the_largest_block),
	KUNIT_CASE(growth_serves_the_same_after_a_reset),
	KUNIT_CASE(growth_for_large_objects_and_alignments),
	KUNIT_CASE(growth_reset_keeps_the_largest),
	KUNIT_CASE(growth_is_rewound),
	KUNIT_CASE(growth_keeps_a_spare),
	KUNIT_CASE(growth_ahead_of_need),
	KUNIT_CASE(growth_in_atomic_context),
	KUNIT_CASE(growth_counts_exactly),
	KUNIT_CASE(growth_is_given_back_in_nmi),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_growth",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
