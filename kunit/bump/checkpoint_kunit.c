// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checkpoints and scopes of the bump allocator: which are valid is compared with a model that
 * remembers everything.
 */
#include <linux/slab.h>
#include "../../module/core/inject.h"
#include "../fixture.h"

#define DEPTH	100

static struct nebula_bump *bump_create(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("test", .capacity = SZ_16K);

	ASSERT_BUMP(test, b);
	return b;
}

static struct nebula_checkpoint *checkpoints(struct kunit *test)
{
	struct nebula_checkpoint *cp = kunit_kcalloc(test, DEPTH, sizeof(*cp), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, cp);
	return cp;
}

/*
 *	|a|b|c|d|...		a checkpoint before each, restored from the newest on
 */
static void checkpoint_nests(struct kunit *test)
{
	struct nebula_checkpoint *cp = checkpoints(test);
	struct nebula_bump *b = bump_create(test);
	size_t used[DEPTH];
	int i;

	for (i = 0; i < DEPTH; i++) {
		used[i] = nebula_bump_used(b);
		cp[i] = nebula_bump_checkpoint(b);
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 1 + i, 1));
	}
	while (i--) {
		KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, cp[i]), 0);
		KUNIT_ASSERT_EQ(test, nebula_bump_used(b), used[i]);
	}
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
	nebula_bump_destroy(b);
}

/* Rewinds that survive at ever higher positions, each followed by another checkpoint. */
static void checkpoint_climbs(struct kunit *test)
{
	struct nebula_checkpoint *cp = checkpoints(test);
	struct nebula_bump *b = bump_create(test);
	int i;

	for (i = 0; i < DEPTH; i++) {
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 16, 8));
		cp[i] = nebula_bump_checkpoint(b);
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 16, 8));
		KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, cp[i]), 0);
	}
	/* None of them was rewound past. */
	for (i = DEPTH - 1; i >= 0; i--)
		KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, cp[i]), 0);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp[1]), -ESTALE);
	nebula_bump_destroy(b);
}

/*
 * A turn of a loop: something is kept, something is worked with; @nested: by a checkpoint of its
 * own, which is not restored itself.
 */
static void loop_turn(struct kunit *test, struct nebula_bump *b, bool nested)
{
	struct nebula_checkpoint cp;

	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 16, 8));
	cp = nebula_bump_checkpoint(b);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 5, 1));
	if (nested)
		nebula_bump_checkpoint(b);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, cp), 0);
}

#define TURNS	3000

/*
 * For ever, in constant memory: a buffer has no more. What was there before the loops is exact
 * after them.
 */
static void checkpoint_in_a_loop(struct kunit *test)
{
	void *buffer = kunit_kzalloc(test, SZ_256K, GFP_KERNEL);
	struct nebula_checkpoint outer, stale;
	struct nebula_bump b;
	unsigned int i, kind;

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	nebula_bump_init(&b, buffer, SZ_256K);
	nebula_fault_arm(1, UINT_MAX);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(&b, 16, 8));
	outer = nebula_bump_checkpoint(&b);
	for (kind = 0; kind < 4; kind++) {
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(&b, 16, 8));
		stale = nebula_bump_checkpoint(&b);
		for (i = 0; i < TURNS; i++) {
			/* All simple, all nested, one after the other, and one in two nested. */
			loop_turn(test, &b, kind == 1 || (kind == 2 && i % 2) ||
				  (kind == 3 && i % 3 == 0));
		}
		KUNIT_ASSERT_EQ(test, nebula_bump_used(&b), 32 + TURNS * (size_t)16);
		KUNIT_ASSERT_EQ(test, nebula_bump_restore(&b, outer), 0);
		KUNIT_ASSERT_EQ(test, nebula_bump_restore(&b, stale), -ESTALE);
		KUNIT_ASSERT_EQ(test, nebula_bump_used(&b), (size_t)16);
	}
	KUNIT_EXPECT_EQ(test, nebula_fault_disarm(), 0U);
}

/*
 * Eight levels: six that are open, each with a loop inside whose turns nest. An open level never
 * goes stale early, however many turns there are.
 */
static void checkpoint_keeps_open_levels(struct kunit *test)
{
	enum { LEVELS = 6 };
	void *buffer = kunit_kzalloc(test, SZ_64K, GFP_KERNEL);
	struct nebula_checkpoint *level = checkpoints(test), inner;
	struct nebula_bump b;
	size_t used[LEVELS];
	int i, turn;

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	nebula_bump_init(&b, buffer, SZ_64K);
	for (i = 0; i < LEVELS; i++) {
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(&b, 3, 1));
		used[i] = nebula_bump_used(&b);
		level[i] = nebula_bump_checkpoint(&b);
		for (turn = 0; turn < 40; turn++)
			loop_turn(test, &b, true);
	}
	inner = nebula_bump_checkpoint(&b);
	while (i--) {
		KUNIT_EXPECT_EQ(test, nebula_bump_restore(&b, level[i]), 0);
		KUNIT_EXPECT_EQ(test, nebula_bump_used(&b), used[i]);
		KUNIT_EXPECT_EQ(test, nebula_bump_restore(&b, inner), -ESTALE);
		if (i < LEVELS - 1)
			KUNIT_EXPECT_EQ(test, nebula_bump_restore(&b, level[i + 1]), -ESTALE);
	}
}

/* Levels that were never restored, each with stale ones above it: refused, and none is lost. */
static void checkpoint_is_refused_beyond_the_levels(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test);
	struct nebula_checkpoint *level = checkpoints(test), refused;
	int i;

	for (i = 0; i < NEBULA_BUMP_STALE_RUNS; i++) {
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 16, 8));
		level[i] = nebula_bump_checkpoint(b);
		loop_turn(test, b, true);
	}
	KUNIT_EXPECT_EQ(test, fixture_last_code(&b->common), NEBULA_OK);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 16, 8));
	refused = nebula_bump_checkpoint(b);
	EXPECT_ERROR(test, b, NEBULA_E_EXCEEDS_MAX);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, refused), -EINVAL);
	while (i--)
		KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, level[i]), 0);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 16, 8));
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, nebula_bump_checkpoint(b)), 0);
	nebula_bump_destroy(b);
}

/* Eight levels, each rewound to, over and over: what an outer rewind went below is forgotten. */
static void checkpoint_has_eight_levels_on_a_buffer_again_and_again(struct kunit *test)
{
	u8 *buffer = kunit_kzalloc(test, 1024, GFP_KERNEL);
	struct nebula_checkpoint *cp = checkpoints(test);
	struct nebula_bump b;
	int round, i;

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	nebula_bump_init(&b, buffer, 1024);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 8; i++) {
			cp[i] = nebula_bump_checkpoint(&b);
			KUNIT_ASSERT_EQ(test, nebula_bump_restore(&b, cp[i]), 0);
			KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(&b, 16, 8));
		}
		while (i--)
			KUNIT_ASSERT_EQ(test, nebula_bump_restore(&b, cp[i]), 0);
	}
	KUNIT_EXPECT_EQ(test, fixture_last_code(&b.common), NEBULA_OK);
}

static void checkpoint_goes_stale_when_rewound_past(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test);
	struct nebula_checkpoint outer = nebula_bump_checkpoint(b), inner;

	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 100, 8));
	inner = nebula_bump_checkpoint(b);
	KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, outer), 0);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, inner), -ESTALE);
	EXPECT_ERROR(test, b, NEBULA_E_STALE_CHECKPOINT);

	/* Also when the space was filled again, to exactly the same byte. */
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 100, 8));
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, inner), -ESTALE);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)100);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, outer), 0);
	nebula_bump_destroy(b);
}

static void checkpoint_goes_stale_by_reset(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test);
	struct nebula_checkpoint at_start = nebula_bump_checkpoint(b), later;

	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	later = nebula_bump_checkpoint(b);
	nebula_bump_reset(b);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, at_start), -ESTALE);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, later), -ESTALE);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, later), -ESTALE);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)64);
	nebula_bump_destroy(b);
}

static void checkpoint_of_another_or_of_nothing(struct kunit *test)
{
	struct nebula_bump *a = bump_create(test), *b = bump_create(test);
	struct nebula_checkpoint cp = nebula_bump_checkpoint(a), garbage;

	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), -EINVAL);
	EXPECT_ERROR(test, b, NEBULA_E_FOREIGN_CHECKPOINT);

	memset(&garbage, 0, sizeof(garbage));
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, garbage), -EINVAL);
	memset(&garbage, 0x5a, sizeof(garbage));
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, garbage), -EINVAL);
	cp = nebula_bump_checkpoint(b);
	cp.cur += 64;					/* the future */
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), -EINVAL);
	cp.cur -= 65;					/* no position at all */
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), -EINVAL);
	EXPECT_ERROR(test, b, NEBULA_E_FOREIGN_CHECKPOINT);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)64);
	nebula_bump_destroy(b);
	nebula_bump_destroy(a);
}

static void checkpoint_can_be_used_again(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test);
	struct nebula_checkpoint cp;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 5, 1));
	cp = nebula_bump_checkpoint(b);
	for (i = 0; i < 50; i++) {
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 1 + i, 1));
		KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, cp), 0);
		KUNIT_ASSERT_EQ(test, nebula_bump_used(b), (size_t)5);
	}
	nebula_bump_destroy(b);
}

/*
 * What was allocated before the checkpoint stays, whatever happens to the newest object's size
 * after it.
 */
static void checkpoint_survives_shrinking(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test);
	u8 *p = nebula_bump_alloc(b, 64, 8);
	struct nebula_checkpoint cp = nebula_bump_checkpoint(b);

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_PTR_EQ(test, (u8 *)nebula_bump_realloc(b, p, 64, 8, 8), p);
	fixture_stamp(p, 8, 3);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 128, 8));
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(p, 8, 3));
	nebula_bump_destroy(b);
}

/* A checkpoint and all that can be known of it. */
struct model {
	struct nebula_checkpoint cp;	/* the checkpoint */
	size_t used;			/* bytes in use when it was taken */
	u64 live;			/* objects in use when it was taken */
	bool stale;			/* the allocator was reset since, or rewound past it */
};

static void rewound(struct model *m, unsigned int n, size_t used)
{
	while (n--)
		if (m[n].used > used)
			m[n].stale = true;
}

static void check_restore(struct kunit *test, struct nebula_bump *b, struct model *m,
			  unsigned int n)
{
	const struct model picked = m[fixture_random(test, n)];
	const size_t before = nebula_bump_used(b);
	struct nebula_stats st;

	KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, picked.cp), picked.stale ? -ESTALE : 0);
	nebula_stats_read(b, &st);
	KUNIT_ASSERT_EQ(test, nebula_bump_used(b), picked.stale ? before : picked.used);
	if (picked.stale)
		return;
	KUNIT_ASSERT_EQ(test, st.live, picked.live);
	rewound(m, n, picked.used);
}

#define MODELS	64

/* Mostly small and odd, so that objects share grains. */
static size_t sizes(struct kunit *test)
{
	return 1 + fixture_random(test, fixture_random(test, 3) ? 12 : 240);
}

/* Random sequences of all there is, compared with the model after each step. */
static void run_model(struct kunit *test, struct nebula_bump *b, unsigned int steps)
{
	struct model *m = kunit_kcalloc(test, MODELS, sizeof(*m), GFP_KERNEL);
	struct nebula_stats st;
	unsigned int n = 0, i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	while (steps--) {
		switch (fixture_random(test, 16)) {
		case 0:
			if (fixture_random(test, 8))
				break;
			nebula_bump_reset(b);
			for (i = 0; i < n; i++)
				m[i].stale = true;
			break;
		case 1 ... 4:
			if (n)
				check_restore(test, b, m, n);
			break;
		case 5 ... 8:
			nebula_stats_read(b, &st);
			i = n < MODELS ? n++ : fixture_random(test, MODELS);
			m[i] = (struct model){ nebula_bump_checkpoint(b), st.used, st.live, false };
			/* Refused for want of room: that is allowed, but then it must not work. */
			if (m[i].cp.stamp == U64_MAX) {
				KUNIT_ASSERT_EQ(test, nebula_bump_restore(b, m[i].cp), -EINVAL);
				m[i] = m[--n];
			}
			break;
		default:
			if (nebula_bump_alloc(b, sizes(test), 1UL << fixture_random(test, 4)))
				break;
			nebula_bump_reset(b);
			n = 0;
		}
	}
	KUNIT_EXPECT_LT(test, fixture_last_code(&b->common), NEBULA_E_NR);
}

static void checkpoint_agrees_with_the_model(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test);

	run_model(test, b, 30000);
	nebula_bump_destroy(b);
}

static void checkpoint_agrees_with_the_model_on_a_buffer(struct kunit *test)
{
	void *buffer = kunit_kzalloc(test, SZ_4K, GFP_KERNEL);
	struct nebula_bump b;

	KUNIT_ASSERT_NOT_NULL(test, buffer);
	nebula_bump_init(&b, buffer, SZ_4K);
	run_model(test, &b, 10000);
}

static void checkpoint_agrees_with_the_model_while_growing(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("test", .capacity = PAGE_SIZE,
						   .max_capacity = SZ_64K, .flags = NEBULA_GROW);

	ASSERT_BUMP(test, b);
	run_model(test, b, 20000);
	nebula_bump_destroy(b);
}

static int returns_early(struct nebula_bump *b, bool early)
{
	guard(nebula_bump)(b);
	if (!nebula_bump_alloc(b, 64, 8))
		return -ENOMEM;
	if (early)
		return 1;
	scoped_guard(nebula_bump, b) {
		if (!nebula_bump_alloc(b, 64, 8))
			return -ENOMEM;
		if (nebula_bump_used(b) < 128)
			return -EINVAL;
	}
	return nebula_bump_used(b);
}

static void scope_rewinds_on_every_way_out(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test);

	KUNIT_EXPECT_EQ(test, returns_early(b, true), 1);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
	KUNIT_EXPECT_EQ(test, returns_early(b, false), 64);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&b->common), NEBULA_OK);
	nebula_bump_destroy(b);
}

static void scope_refuses_destroy(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test);

	scoped_guard(nebula_bump, b) {
		nebula_bump_destroy(b);
		EXPECT_ERROR(test, b, NEBULA_E_INVALID_STATE);
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	}
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
	nebula_bump_destroy(b);
}

static void scope_records_that_it_could_not_rewind(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test);

	scoped_guard(nebula_bump, b) {
		nebula_bump_reset(b);
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	}
	EXPECT_ERROR(test, b, NEBULA_E_STALE_CHECKPOINT);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)64);
	nebula_bump_destroy(b);
}

static void scope_destroys(struct kunit *test)
{
	{
		struct nebula_bump *b __free(nebula_bump) = bump_create(test);

		KUNIT_EXPECT_EQ(test, fixture_regions(test), 1);
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	}
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(checkpoint_nests),
	KUNIT_CASE(checkpoint_climbs),
	KUNIT_CASE(checkpoint_in_a_loop),
	KUNIT_CASE(checkpoint_keeps_open_levels),
	KUNIT_CASE(checkpoint_is_refused_beyond_the_levels),
	KUNIT_CASE(checkpoint_has_eight_levels_on_a_buffer_again_and_again),
	KUNIT_CASE(checkpoint_goes_stale_when_rewound_past),
	KUNIT_CASE(checkpoint_goes_stale_by_reset),
	KUNIT_CASE(checkpoint_of_another_or_of_nothing),
	KUNIT_CASE(checkpoint_can_be_used_again),
	KUNIT_CASE(checkpoint_survives_shrinking),
	KUNIT_CASE(checkpoint_agrees_with_the_model),
	KUNIT_CASE(checkpoint_agrees_with_the_model_on_a_buffer),
	KUNIT_CASE(checkpoint_agrees_with_the_model_while_growing),
	KUNIT_CASE(scope_rewinds_on_every_way_out),
	KUNIT_CASE(scope_refuses_destroy),
	KUNIT_CASE(scope_records_that_it_could_not_rewind),
	KUNIT_CASE(scope_destroys),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_checkpoint",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
