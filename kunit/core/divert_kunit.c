// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moving allocators off their inline paths and back while owners use them: nothing is lost, and
 * from the moment on at which diverting is said to be done, nothing is served inline.
 */
#include <linux/cpumask.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include "../../module/core/fastpath.h"
#include "../../module/pool/hooks.h"
#include "../crowd.h"
#include "../files.h"
#include "../fixture.h"
#include "../worker.h"

#define ROUNDS		CROWD_SCALE(400)

#define SPACE		((size_t)SZ_16K)
#define BLOCKS		64

static const enum nebula_kind diverted_kinds[] = {
	NEBULA_KIND_BUMP, NEBULA_KIND_POOL, NEBULA_KIND_STACK,
};

static void begin_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(diverted_kinds); i++)
		nebula_fastpath_disable(diverted_kinds[i]);
}

static void end_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(diverted_kinds); i++)
		nebula_fastpath_enable(diverted_kinds[i]);
}

/* Which path serves */

/* Those that have an inline path to lose. */
struct diverted {
	struct nebula_bump *bump;
	struct nebula_bump *shared;
	struct nebula_stack *stack;
	struct nebula_pool *pool;
};

static void diverted_create(struct kunit *test, struct diverted *d)
{
	d->bump = nebula_bump_create("d-bump", .capacity = SPACE);
	d->shared = nebula_bump_create("d-shared", .capacity = SPACE, .flags = NEBULA_SHARED);
	d->stack = nebula_stack_create("d-stack", .capacity = SPACE);
	d->pool = nebula_pool_create("d-pool", .block_size = 64, .blocks = BLOCKS);
	ASSERT_BUMP(test, d->bump);
	ASSERT_BUMP(test, d->shared);
	ASSERT_STACK(test, d->stack);
	ASSERT_POOL(test, d->pool);
}

static void diverted_destroy(struct diverted *d)
{
	nebula_pool_destroy(d->pool);
	nebula_stack_destroy(d->stack);
	nebula_bump_destroy(d->shared);
	nebula_bump_destroy(d->bump);
}

static void expect_path(struct kunit *test, const char *name, bool is_inline)
{
	EXPECT_TEXT(test, files_text(test, name, "info"),
		    is_inline ? "\npath: inline\n" : "\npath: out of line\n");
}

/* The owners' come back when those next come out of line. */
static void expect_paths(struct kunit *test, bool owners, bool others)
{
	expect_path(test, "d-bump", owners);
	expect_path(test, "d-stack", owners);
	expect_path(test, "d-shared", others);
	expect_path(test, "d-pool", others);
}

static void use_owners(struct kunit *test, struct diverted *d)
{
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(d->bump, 24, 8));
	KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(d->stack, 24, 8));
}

static void expect_once_used(struct kunit *test, struct diverted *d, bool is_inline)
{
	use_owners(test, d);
	expect_paths(test, is_inline, is_inline);
}

static void divert_path(struct kunit *test)
{
	struct diverted d;
	unsigned int round;

	diverted_create(test, &d);
	for (round = 0; round < 3; round++) {
		expect_once_used(test, &d, true);
		begin_all();
		expect_paths(test, false, false);
		expect_once_used(test, &d, false);
		end_all();
		expect_paths(test, false, true);
	}
	expect_once_used(test, &d, true);
	diverted_destroy(&d);
}

static void divert_nests(struct kunit *test)
{
	struct diverted d;

	diverted_create(test, &d);
	begin_all();
	begin_all();
	expect_paths(test, false, false);
	end_all();
	expect_once_used(test, &d, false);
	begin_all();
	end_all();
	expect_once_used(test, &d, false);
	end_all();
	expect_once_used(test, &d, true);
	diverted_destroy(&d);
}

/* One kind does not concern the others. */
static void divert_is_by_kind(struct kunit *test)
{
	struct diverted d;

	diverted_create(test, &d);
	nebula_fastpath_disable(NEBULA_KIND_BUMP);
	expect_path(test, "d-bump", false);
	expect_path(test, "d-shared", false);
	expect_path(test, "d-stack", true);
	expect_path(test, "d-pool", true);
	nebula_fastpath_disable(NEBULA_KIND_STACK);
	nebula_fastpath_enable(NEBULA_KIND_BUMP);
	expect_path(test, "d-shared", true);
	expect_path(test, "d-stack", false);
	nebula_fastpath_enable(NEBULA_KIND_STACK);
	diverted_destroy(&d);
}

/* Any call of an owner that comes out of line is enough to go back. */

static void back_by_alloc(struct diverted *d)
{
	nebula_bump_free_sized(d->bump, nebula_bump_alloc(d->bump, 5, 1), 5);
	nebula_stack_free(d->stack, nebula_stack_alloc(d->stack, 5, 1));
}

static void back_by_reset(struct diverted *d)
{
	nebula_bump_reset(d->bump);
	nebula_stack_reset(d->stack);
}

static void back_by_restore(struct diverted *d)
{
	nebula_bump_restore(d->bump, nebula_bump_checkpoint(d->bump));
	nebula_stack_restore(d->stack, nebula_stack_mark(d->stack));
}

static void divert_owners_go_back(struct kunit *test)
{
	static void (*const ways[])(struct diverted *d) = {
		back_by_alloc, back_by_reset, back_by_restore,
	};
	struct diverted d;
	unsigned int i;

	diverted_create(test, &d);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		begin_all();
		end_all();
		expect_paths(test, false, true);
		ways[i](&d);
		expect_paths(test, true, true);
	}
	begin_all();
	use_owners(test, &d);
	end_all();
	diverted_destroy(&d);
}

/*
 * Made while the kind is diverted, it is out of line from the beginning, and goes back as the
 * others do.
 */
static void divert_of_new_ones(struct kunit *test)
{
	struct diverted d;

	begin_all();
	diverted_create(test, &d);
	expect_paths(test, false, false);
	use_owners(test, &d);
	expect_paths(test, false, false);
	end_all();
	use_owners(test, &d);
	expect_paths(test, true, true);
	diverted_destroy(&d);
}

/* They are in no list, and stay as they are made. */
static void divert_of_embedded_ones(struct kunit *test)
{
	static u8 space[2][512] __aligned(64);
	struct nebula_bump b;
	struct nebula_stack s;

	begin_all();
	nebula_bump_init(&b, space[0], sizeof(space[0]));
	nebula_stack_init(&s, space[1], sizeof(space[1]));
	end_all();
	KUNIT_EXPECT_EQ(test, b.limit, NEBULA_BUMP_LIMIT_NONE);
	KUNIT_EXPECT_EQ(test, s.limit, NEBULA_STACK_LIMIT_NONE);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(&b, 64, 64));
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(&b, 64, 64));
	KUNIT_EXPECT_NOT_NULL(test, nebula_stack_alloc(&s, 64, 64));
	KUNIT_EXPECT_EQ(test, nebula_bump_used(&b), (size_t)128);
	nebula_bump_exit(&b);
	nebula_stack_exit(&s);
}

/* With an owner on another CPU */

/* The owner of an allocator, and what it has to say of it. */
struct owner {
	struct nebula_bump *bump;	/* the allocator, or NULL */
	struct nebula_stack *stack;	/* likewise; one of both is there */
	struct rnd_state random;	/* what it does next */
	bool over;		/* it shall come to an end */
	unsigned int watched;	/* diverting has begun, and not yet ended */
	unsigned int watched_turns;	/* turns that were diverted from beginning to end */
	unsigned int turns;	/* of all kinds */
	unsigned int inlined;	/* operations that could have been served inline in one of them */
	unsigned int wrong;	/* results that were */
	u64 allocs;		/* allocations served */
	u64 bytes;		/* that were asked for */
	size_t highest;		/* most bytes in use */
};

/* Only the owner ever gives them back. */
static bool may_be_inline(const struct owner *o)
{
	if (o->bump)
		return READ_ONCE(o->bump->limit) || READ_ONCE(o->bump->peak_at);
	return READ_ONCE(o->stack->limit) || READ_ONCE(o->stack->self) == o->stack;
}

static void note_highest(struct owner *o)
{
	o->highest = max(o->highest, o->bump ? nebula_bump_used(o->bump)
					     : nebula_stack_used(o->stack));
}

static void count(struct owner *o, const void *p, size_t size)
{
	if (!p) {
		o->wrong++;
		return;
	}
	o->allocs++;
	o->bytes += size;
}

static void bump_turn(struct owner *o, u32 random)
{
	struct nebula_bump *b = o->bump;
	struct nebula_checkpoint cp = nebula_bump_checkpoint(b);
	unsigned int i;

	for (i = 0; i < 1 + random % 8; i++) {
		count(o, nebula_bump_alloc(b, 24, 8), 24);
		count(o, nebula_bump_alloc(b, 64, 64), 64);
	}
	note_highest(o);
	if (random % 8 == 0)
		nebula_bump_reset(b);
	else
		o->wrong += !!nebula_bump_restore(b, cp);
}

static void stack_turn(struct owner *o, u32 random)
{
	struct nebula_stack *s = o->stack;
	struct nebula_mark m = nebula_stack_mark(s);
	unsigned int i;
	void *p = NULL;

	for (i = 0; i < 1 + random % 8; i++) {
		count(o, nebula_stack_alloc(s, 24, 8), 24);
		p = nebula_stack_alloc(s, 64, 64);
		count(o, p, 64);
	}
	note_highest(o);
	o->wrong += !!nebula_stack_free(s, p);
	if (random % 8 == 0)
		nebula_stack_reset(s);
	else
		o->wrong += !!nebula_stack_restore(s, m);
}

static void owner_turn(struct owner *o)
{
	/* Pairs with the release in divert_meanwhile(). */
	const unsigned int watched = smp_load_acquire(&o->watched);
	const bool before = may_be_inline(o);
	const u32 random = prandom_u32_state(&o->random);

	if (o->bump)
		bump_turn(o, random);
	else
		stack_turn(o, random);
	WRITE_ONCE(o->turns, o->turns + 1);
	/* The turn is over before we look whether it was watched all the time. */
	smp_mb();
	if (!watched || READ_ONCE(o->watched) != watched)
		return;
	o->watched_turns++;
	o->inlined += before || may_be_inline(o);
}

static void owner_run(void *data)
{
	struct owner *o = data;

	while (!READ_ONCE(o->over)) {
		owner_turn(o);
		cond_resched();
	}
}

static void wait_for_turns(const struct owner *o, unsigned int n)
{
	const unsigned int until = READ_ONCE(o->turns) + n;

	while ((int)(READ_ONCE(o->turns) - until) < 0) {
		cpu_relax();
		cond_resched();
	}
}

static void divert_meanwhile(struct owner *o, enum nebula_kind kind)
{
	unsigned int round;

	for (round = 1; round <= ROUNDS; round++) {
		nebula_fastpath_disable(kind);
		/* Diverting is done before the owner hears of it. */
		smp_store_release(&o->watched, round);
		if (round % 4)
			wait_for_turns(o, round % 4);
		WRITE_ONCE(o->watched, 0);
		/* The owner has seen that before the paths are given back. */
		smp_mb();
		nebula_fastpath_enable(kind);
		if (round % 3)
			wait_for_turns(o, round % 3);
	}
}

static void expect_accounts(struct kunit *test, const struct owner *o)
{
	struct nebula_stats st;

	nebula_allocator_stats_read(o->bump ? nebula_allocator_of(o->bump)
					    : nebula_allocator_of(o->stack), &st);
	KUNIT_EXPECT_EQ(test, o->wrong, 0U);
	KUNIT_EXPECT_EQ(test, st.allocs, o->allocs);
	KUNIT_EXPECT_EQ(test, st.bytes_in, o->bytes);
	KUNIT_EXPECT_EQ(test, st.live, st.allocs - st.frees);
	KUNIT_EXPECT_EQ(test, st.used, st.bytes_in + st.padding - st.bytes_out);
	KUNIT_EXPECT_EQ(test, st.failed, 0ULL);
}

static void expect_diverted(struct kunit *test, struct owner *o, enum nebula_kind kind)
{
	const int there = fixture_other_cpu(test);
	struct worker worker;

	prandom_seed_state(&o->random, FIXTURE_SEED);
	worker_start(test, &worker, there, owner_run, o);
	KUNIT_ASSERT_NOT_NULL(test, worker.task);
	divert_meanwhile(o, kind);
	WRITE_ONCE(o->over, true);
	worker_join(&worker);
	kunit_info(test, "%u of %u turns watched\n", o->watched_turns, o->turns);
	KUNIT_EXPECT_GT(test, o->watched_turns, 0U);
	KUNIT_EXPECT_EQ(test, o->inlined, 0U);
	expect_accounts(test, o);
}

static void divert_while_a_bump_owner_runs(struct kunit *test)
{
	struct owner o = { .bump = nebula_bump_create("owner", .capacity = SPACE) };

	ASSERT_BUMP(test, o.bump);
	expect_diverted(test, &o, NEBULA_KIND_BUMP);
	KUNIT_EXPECT_EQ(test, nebula_bump_peak(o.bump), o.highest);
	nebula_bump_destroy(o.bump);
}

static void divert_while_a_stack_owner_runs(struct kunit *test)
{
	struct owner o = { .stack = nebula_stack_create("owner", .capacity = SPACE) };

	ASSERT_STACK(test, o.stack);
	expect_diverted(test, &o, NEBULA_KIND_STACK);
	KUNIT_EXPECT_EQ(test, nebula_stack_peak(o.stack), o.highest);
	nebula_stack_destroy(o.stack);
}

/* A thread that keeps diverting. */
struct diverter {
	bool over;	/* it shall come to an end */
};

static void keep_diverting(void *data)
{
	struct diverter *p = data;

	while (!READ_ONCE(p->over)) {
		begin_all();
		cond_resched();
		end_all();
		cond_resched();
	}
}

/* What any CPU may use */

static void divert_while_all_use_a_pool(struct kunit *test)
{
	struct ledger *l = ledger_create(test, nebula_pool_create("crowd", .block_size = 64,
								  .blocks = 500));
	struct crowd *c = crowd_create(test, l, 500);
	unsigned int round;

	crowd_start(test, c);
	for (round = 0; round < ROUNDS / 20; round++) {
		nebula_fastpath_disable(NEBULA_KIND_POOL);
		if (nebula_pool_is_inline(l->pool))
			KUNIT_FAIL(test, "inline in round %u", round);
		cond_resched();
		nebula_fastpath_enable(NEBULA_KIND_POOL);
		cond_resched();
	}
	crowd_stop(c);
	crowd_print(test, c);
	KUNIT_EXPECT_EQ(test, atomic_read(&l->refused), 0);
	KUNIT_EXPECT_TRUE(test, nebula_pool_is_inline(l->pool));
	crowd_release(c);
	crowd_destroy(c);
	ledger_verify_whole(test, l);
	ledger_destroy(l);
}

/* Nothing is left in a cache that the inline path would hand out. */
static void divert_empties_the_caches(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("caches", .block_size = 64, .blocks = 200);
	struct held *h = held_create(test, p, 200);

	held_take_on(fixture_cpu(), h, 100);
	held_take_on(fixture_other_cpu(test), h, 100);
	held_give_on(fixture_cpu(), h, 100);
	held_give_on(fixture_other_cpu(test), h, 100);
	nebula_fastpath_disable(NEBULA_KIND_POOL);
	KUNIT_EXPECT_EQ(test, held_take_on(fixture_cpu(), h, 200), 200U);
	held_verify(test, h);
	held_give_on(fixture_other_cpu(test), h, 200);
	KUNIT_EXPECT_EQ(test, held_take_on(fixture_cpu(), h, 200), 200U);
	held_give(h, 200);
	nebula_fastpath_enable(NEBULA_KIND_POOL);
	expect_whole(test, p, 200);
	nebula_pool_destroy(p);
}

/* A user of a shared bump allocator. */
struct sharer {
	struct nebula_bump *bump;
	const bool *over;	/* all shall come to an end */
	u64 allocs;		/* allocations served to this one */
	unsigned int overlaps;	/* objects whose content was another's */
};

static void share(void *data)
{
	struct sharer *s = data;
	unsigned long *p;

	while (!READ_ONCE(*s->over)) {
		p = nebula_bump_alloc(s->bump, 16, 8);
		if (p) {
			WRITE_ONCE(p[0], (unsigned long)s);
			s->allocs++;
			s->overlaps += READ_ONCE(p[0]) != (unsigned long)s;
		}
		cond_resched();
	}
}

static void divert_while_all_use_a_bump(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("shared", .capacity = SZ_4M,
						   .flags = NEBULA_SHARED);
	struct sharer s[2] = { };
	struct worker w[2];
	struct nebula_stats st;
	bool over = false;
	unsigned int i;

	ASSERT_BUMP(test, b);
	for (i = 0; i < 2; i++) {
		s[i] = (struct sharer){ .bump = b, .over = &over };
		worker_start(test, &w[i], i ? fixture_other_cpu(test) : fixture_cpu(), share,
			     &s[i]);
	}
	for (i = 0; i < ROUNDS / 10; i++) {
		nebula_fastpath_disable(NEBULA_KIND_BUMP);
		KUNIT_EXPECT_EQ(test, READ_ONCE(b->sub_mask), ~0UL);
		cond_resched();
		nebula_fastpath_enable(NEBULA_KIND_BUMP);
		cond_resched();
	}
	WRITE_ONCE(over, true);
	for (i = 0; i < 2; i++)
		worker_join(&w[i]);
	KUNIT_EXPECT_NE(test, READ_ONCE(b->sub_mask), ~0UL);
	nebula_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, s[0].allocs + s[1].allocs);
	KUNIT_EXPECT_EQ(test, st.bytes_in, 16 * st.allocs);
	KUNIT_EXPECT_EQ(test, s[0].overlaps + s[1].overlaps, 0U);
	nebula_bump_destroy(b);
}

/* Allocators that come and go at the same time. */

#define PASSING	(IS_ENABLED(CONFIG_KASAN) ? 10U : 60U)

static void create_and_destroy(void *data)
{
	unsigned int *made = data, i;

	for (i = 0; i < PASSING; i++) {
		struct nebula_stack *s = nebula_stack_create("passing", .capacity = SZ_4K);
		struct nebula_pool *p = nebula_pool_create("passing", .block_size = 64,
							   .blocks = 8);

		if (!IS_ERR(s) && nebula_stack_alloc(s, 64, 8))
			++*made;
		if (!IS_ERR(p))
			nebula_pool_free(p, nebula_pool_alloc(p));
		nebula_pool_destroy(p);
		nebula_stack_destroy(s);
	}
}

static void divert_while_allocators_come_and_go(struct kunit *test)
{
	struct worker maker, diverter;
	struct diverter d = { };
	unsigned int made = 0;

	worker_start(test, &diverter, fixture_cpu(), keep_diverting, &d);
	worker_start(test, &maker, fixture_other_cpu(test), create_and_destroy, &made);
	worker_join(&maker);
	WRITE_ONCE(d.over, true);
	worker_join(&diverter);
	KUNIT_EXPECT_EQ(test, made, PASSING);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(divert_path),
	KUNIT_CASE(divert_nests),
	KUNIT_CASE(divert_is_by_kind),
	KUNIT_CASE(divert_owners_go_back),
	KUNIT_CASE(divert_of_new_ones),
	KUNIT_CASE(divert_of_embedded_ones),
	KUNIT_CASE(divert_while_a_bump_owner_runs),
	KUNIT_CASE(divert_while_a_stack_owner_runs),
	KUNIT_CASE(divert_while_all_use_a_pool),
	KUNIT_CASE(divert_empties_the_caches),
	KUNIT_CASE(divert_while_all_use_a_bump),
	KUNIT_CASE(divert_while_allocators_come_and_go),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_divert",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
