// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stack, shared mode: what each call does and refuses, and all contexts at once: no two objects
 * overlap, none is lost, and no mark of what went is ever good again. Whether the calls are
 * linearisable is looked at in stack_history_kunit.c.
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../contexts.h"
#include "../fixture.h"

#define GRANULE		max_t(size_t, SMP_CACHE_BYTES, 64)

#define TURNS		(IS_ENABLED(CONFIG_KASAN) ? 1500 : 30000)
#define THREADS		4

static struct nebula_stack *stack_shared(struct kunit *test, size_t capacity, unsigned int flags)
{
	struct nebula_stack *s = nebula_stack_create("shared", .capacity = capacity,
						     .flags = NEBULA_SHARED | flags);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	return s;
}

static void *alloc_stamped(struct kunit *test, struct nebula_stack *s, size_t size, u32 id)
{
	void *p = nebula_stack_alloc(s, size, 8);

	KUNIT_ASSERT_NOT_NULL(test, p);
	fixture_stamp(p, size, id);
	return p;
}

/* Nothing is live, all of it can be had, and everything adds up. */
static void expect_all_there(struct kunit *test, struct nebula_stack *s)
{
	const size_t capacity = nebula_stack_capacity(s);
	struct nebula_stats st;
	void *p;

	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_stack_available(s), capacity);
	p = nebula_stack_alloc(s, capacity, 1);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), capacity);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	nebula_stats_read(s, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, st.frees);
	KUNIT_EXPECT_EQ(test, st.used, 0ULL);
	KUNIT_EXPECT_EQ(test, st.peak, (u64)capacity);
}

/* What each call does */

/* Objects of any size take whole granules, one after the other; the last granule can be had. */
static void shared_stack_is_exact_to_a_granule(struct kunit *test)
{
	struct nebula_stack *s = stack_shared(test, PAGE_SIZE, 0);
	const size_t n = nebula_stack_capacity(s) / GRANULE;
	u8 *first = NULL, *p;
	size_t i;

	KUNIT_EXPECT_EQ(test, nebula_stack_capacity(s), PAGE_SIZE);
	for (i = 0; i < n; i++) {
		p = alloc_stamped(test, s, 1 + i % GRANULE, i);
		first = first ?: p;
		KUNIT_EXPECT_PTR_EQ(test, p, first + i * GRANULE);
		KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (i + 1) * GRANULE);
	}
	KUNIT_EXPECT_EQ(test, nebula_stack_available(s), (size_t)0);
	KUNIT_EXPECT_NULL(test, nebula_stack_alloc(s, 1, 1));
	EXPECT_ERROR(test, s, NEBULA_E_OUT_OF_MEMORY);
	while (i--) {
		KUNIT_EXPECT_TRUE(test,
				  fixture_stamped(first + i * GRANULE, 1 + i % GRANULE, i));
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, first + i * GRANULE), 0);
	}
	expect_all_there(test, s);
	nebula_stack_destroy(s);
}

static void shared_stack_aligns(struct kunit *test)
{
	struct nebula_stack *s = stack_shared(test, SZ_64K, 0);
	size_t align;
	u8 *below, *p;

	for (align = 1; align <= SZ_16K; align *= 2) {
		below = nebula_stack_alloc(s, 1, 1);
		p = nebula_stack_alloc(s, 100, align);
		KUNIT_ASSERT_NOT_NULL(test, p);
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)p, align));
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
		/* The padding went with it. */
		KUNIT_EXPECT_EQ(test, nebula_stack_used(s), GRANULE);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, below), 0);
	}
	expect_all_there(test, s);
	nebula_stack_destroy(s);
}

/* What alloc has to refuse, and how. */
struct bad_size {
	size_t size;		/* bytes */
	size_t align;		/* bytes */
	enum nebula_errc code;	/* of the record */
};

static void shared_stack_refuses_sizes(struct kunit *test)
{
	static const struct bad_size bad[] = {
		{ 64, 0, NEBULA_E_INVALID_ALIGNMENT },
		{ 64, 3, NEBULA_E_INVALID_ALIGNMENT },
		{ 64, SIZE_MAX, NEBULA_E_INVALID_ALIGNMENT },
		{ SIZE_MAX, 8, NEBULA_E_SIZE_OVERFLOW },
		{ SIZE_MAX / 2 + 1, 1, NEBULA_E_SIZE_OVERFLOW },
		{ PAGE_SIZE + 1, 1, NEBULA_E_OUT_OF_MEMORY },
		{ SIZE_MAX / 2, 1, NEBULA_E_OUT_OF_MEMORY },
		{ 1, BIT(62), NEBULA_E_OUT_OF_MEMORY },
	};
	struct nebula_stack *s = stack_shared(test, PAGE_SIZE, 0);
	unsigned int i;

	/* So that the largest alignments have something to skip. */
	KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 1, 1));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_NULL(test, nebula_stack_alloc(s, bad[i].size, bad[i].align));
		EXPECT_ERROR(test, s, bad[i].code);
	}
	KUNIT_EXPECT_PTR_EQ(test, nebula_stack_alloc(s, 0, 8), ZERO_SIZE_PTR);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, ZERO_SIZE_PTR), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, NULL), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), GRANULE);
	nebula_stack_destroy(s);
}

static void expect_free_refused(struct kunit *test, struct nebula_stack *s, void *p,
				enum nebula_errc code)
{
	const size_t used = nebula_stack_used(s);

	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), -EINVAL);
	EXPECT_ERROR(test, s, code);
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, p, 1, 2, 1));
	EXPECT_ERROR(test, s, code);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), used);
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
}

/*
 *	|##a##|#####b#####|...padding...|##c##|
 */
static void shared_stack_refuses_frees(struct kunit *test)
{
	struct nebula_stack *s = stack_shared(test, SZ_16K, 0);
	u8 *a = nebula_stack_alloc(s, 10, 1), *b = nebula_stack_alloc(s, GRANULE + 1, 1);
	u8 *c = nebula_stack_alloc(s, 100, 1024);

	expect_free_refused(test, s, a, NEBULA_E_LIFO_VIOLATION);
	expect_free_refused(test, s, b, NEBULA_E_LIFO_VIOLATION);
	expect_free_refused(test, s, a + 1, NEBULA_E_MISALIGNED_POINTER);
	expect_free_refused(test, s, b + GRANULE, NEBULA_E_MISALIGNED_POINTER);
	expect_free_refused(test, s, c - 1, NEBULA_E_MISALIGNED_POINTER);
	expect_free_refused(test, s, c + 1, NEBULA_E_MISALIGNED_POINTER);
	expect_free_refused(test, s, c + 2 * GRANULE, NEBULA_E_DOUBLE_FREE);
	expect_free_refused(test, s, a + SZ_16K - 1, NEBULA_E_DOUBLE_FREE);
	expect_free_refused(test, s, a + SZ_16K, NEBULA_E_FOREIGN_POINTER);
	expect_free_refused(test, s, a - 1, NEBULA_E_FOREIGN_POINTER);
	expect_free_refused(test, s, &s, NEBULA_E_FOREIGN_POINTER);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, c), 0);
	expect_free_refused(test, s, c, NEBULA_E_DOUBLE_FREE);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, b), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, a), 0);
	expect_free_refused(test, s, a, NEBULA_E_DOUBLE_FREE);
	expect_all_there(test, s);
	nebula_stack_destroy(s);
}

static void expect_stale(struct kunit *test, struct nebula_stack *s, struct nebula_mark m)
{
	const size_t used = nebula_stack_used(s);

	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, m), -ESTALE);
	EXPECT_ERROR(test, s, NEBULA_E_STALE_CHECKPOINT);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), used);
}

/*
 *	    bottom      on_a        on_b
 *	      |##a##|     |##b##|     |##c##|
 */
static void shared_stack_marks_nest(struct kunit *test)
{
	struct nebula_stack *s = stack_shared(test, SZ_16K, 0);
	struct nebula_mark bottom = nebula_stack_mark(s), on_a, on_b;
	void *a, *b;

	a = alloc_stamped(test, s, 100, 1);
	on_a = nebula_stack_mark(s);
	b = alloc_stamped(test, s, 200, 2);
	on_b = nebula_stack_mark(s);
	alloc_stamped(test, s, 300, 3);
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, on_b), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, on_b), 0);
	alloc_stamped(test, s, 300, 4);
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, on_a), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), ALIGN(100, GRANULE));
	/* Of the future, and of what was filled again with an equal object. */
	expect_stale(test, s, on_b);
	KUNIT_EXPECT_PTR_EQ(test, alloc_stamped(test, s, 200, 5), b);
	expect_stale(test, s, on_b);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(a, 100, 1));
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, bottom), 0);
	expect_stale(test, s, on_a);
	KUNIT_EXPECT_PTR_EQ(test, alloc_stamped(test, s, 100, 6), a);
	expect_stale(test, s, on_a);
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, bottom), 0);
	expect_all_there(test, s);
	nebula_stack_destroy(s);
}

static void shared_stack_marks_go_stale_by_free(struct kunit *test)
{
	struct nebula_stack *s = stack_shared(test, SZ_16K, 0);
	void *p = nebula_stack_alloc(s, 100, 1);
	struct nebula_mark m = nebula_stack_mark(s);

	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	expect_stale(test, s, m);
	KUNIT_EXPECT_PTR_EQ(test, nebula_stack_alloc(s, 100, 1), p);
	expect_stale(test, s, m);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	expect_all_there(test, s);
	nebula_stack_destroy(s);
}

/* More resets than the word counts, and marks of an empty stack from before each. */
static void shared_stack_marks_of_an_empty_stack(struct kunit *test)
{
	struct nebula_stack *s = stack_shared(test, PAGE_SIZE, 0);
	struct nebula_mark first = nebula_stack_mark(s), newest = first, before;
	unsigned long i, wrong = 0;

	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, first), 0);
	for (i = 0; i < 3 * BIT(16); i++) {
		before = newest;
		nebula_stack_reset(s);
		newest = nebula_stack_mark(s);
		wrong += nebula_stack_restore(s, newest) != 0;
		/* Refusals are dear, so not each time. */
		if (i % 1023 == 0 || i == BIT(16) - 1)
			wrong += nebula_stack_restore(s, before) != -ESTALE ||
				 nebula_stack_restore(s, first) != -ESTALE;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0UL);
	nebula_stack_destroy(s);
}

static void shared_stack_refuses_foreign_marks(struct kunit *test)
{
	struct nebula_stack *s = stack_shared(test, SZ_16K, 0), *other;
	struct nebula_mark zeroed = { }, wild;

	other = stack_shared(test, SZ_16K, 0);
	alloc_stamped(test, s, 64, 1);
	wild = nebula_stack_mark(s);
	wild.at = INT_MAX;
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, nebula_stack_mark(other)), -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_E_FOREIGN_CHECKPOINT);
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, zeroed), -EINVAL);
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, wild), -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_E_FOREIGN_CHECKPOINT);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), GRANULE);
	nebula_stack_destroy(other);
	nebula_stack_destroy(s);
}

static void shared_stack_realloc(struct kunit *test)
{
	struct nebula_stack *s = stack_shared(test, PAGE_SIZE, NEBULA_ZERO);
	const size_t capacity = nebula_stack_capacity(s);
	u8 *p = nebula_stack_realloc(s, NULL, 0, 10, 8);
	struct nebula_mark m = nebula_stack_mark(s);

	KUNIT_ASSERT_NOT_NULL(test, p);
	fixture_stamp(p, 10, 1);
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)nebula_stack_realloc(s, p, 10, 1000, 8), p);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(p, 10, 1));
	KUNIT_EXPECT_NULL(test, memchr_inv(p + 10, 0, 990));
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), ALIGN(1000, GRANULE));
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, p, 1000, capacity + 1, 8));
	EXPECT_ERROR(test, s, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, p, 2000, 100, 8));
	EXPECT_ERROR(test, s, NEBULA_E_INVALID_LAYOUT);
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, p, 1000, 100, 3));
	EXPECT_ERROR(test, s, NEBULA_E_INVALID_ALIGNMENT);
	KUNIT_EXPECT_NULL(test, nebula_stack_realloc(s, p, 1000, SIZE_MAX, 8));
	EXPECT_ERROR(test, s, NEBULA_E_SIZE_OVERFLOW);
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)nebula_stack_realloc(s, p, 1000, capacity, 8), p);
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)nebula_stack_realloc(s, p, capacity, 10, 8), p);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(p, 10, 1));
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), GRANULE);
	/* The mark is still good. */
	alloc_stamped(test, s, 64, 2);
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, m), 0);
	KUNIT_EXPECT_PTR_EQ(test, nebula_stack_realloc(s, p, 10, 0, 8), ZERO_SIZE_PTR);
	expect_stale(test, s, m);
	expect_all_there(test, s);
	nebula_stack_destroy(s);
}

static void shared_stack_reset(struct kunit *test)
{
	struct nebula_stack *s = stack_shared(test, PAGE_SIZE, 0);
	struct nebula_mark m;
	struct nebula_stats st;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		alloc_stamped(test, s, 100, i);
		alloc_stamped(test, s, 100, i);
		m = nebula_stack_mark(s);
		nebula_stack_reset(s);
		expect_stale(test, s, m);
	}
	nebula_stats_read(s, &st);
	KUNIT_EXPECT_EQ(test, st.resets, 5ULL);
	KUNIT_EXPECT_EQ(test, st.allocs, 10ULL);
	KUNIT_EXPECT_EQ(test, st.frees, 10ULL);
	KUNIT_EXPECT_EQ(test, st.bytes_in, 1000ULL);
	expect_all_there(test, s);
	nebula_stack_destroy(s);
}

/* Above 4 MiB a granule is larger than a cache line, and all of it can be had still. */
static void shared_stack_of_many_megabytes(struct kunit *test)
{
	struct nebula_stack *s = stack_shared(test, SZ_16M, 0);
	size_t granule;
	void *p;

	KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 1, 1));
	granule = nebula_stack_used(s);
	KUNIT_EXPECT_GT(test, granule, GRANULE);
	KUNIT_EXPECT_EQ(test, nebula_stack_capacity(s) % granule, (size_t)0);
	p = nebula_stack_alloc(s, nebula_stack_available(s), 1);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_NULL(test, nebula_stack_alloc(s, 1, 1));
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	nebula_stack_reset(s);
	expect_all_there(test, s);
	nebula_stack_destroy(s);
}

static void shared_stack_finds_an_overrun(struct kunit *test)
{
	struct nebula_stack *s = stack_shared(test, SZ_16K, NEBULA_DEBUG_FLAGS);
	u8 *below = alloc_stamped(test, s, 40, 1), *p = alloc_stamped(test, s, 40, 2);

	OPTIMIZER_HIDE_VAR(p);
	p[40] ^= 1;
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 1);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	EXPECT_ERROR(test, s, NEBULA_E_CORRUPTION);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(below, 40, 1));
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, below), 0);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
	nebula_stack_destroy(s);
}

/* All contexts at once */

#define OBJECTS_MAX	4
#define CAPACITY	SZ_8K

/* An object that a climber has. */
struct piled {
	u8 *p;				/* where */
	size_t size;			/* bytes */
	u32 id;				/* its content */
	struct nebula_mark mark;	/* taken on top of it, if @marked */
	bool marked;			/* there is */
};

/* A user of the stack. */
struct climber {
	struct piled objects[OBJECTS_MAX];	/* what it has, newest last */
	unsigned int count;			/* how many */
	u32 ids;				/* that were used */
	struct rnd_state random;		/* what it does next */
};

/* All of them. */
struct climb {
	struct nebula_stack *stack;		/* the stack */
	struct climber *climbers;		/* by the numbers of their contexts */
	DECLARE_BITMAP(claimed, CAPACITY / 64);	/* Granules that are in an object. Any context. */
	atomic_t served;			/* Allocations. Any context. */
	atomic_t overlaps;			/* Granules that two had. Any context. */
	atomic_t overwritten;			/* Objects with another's content. Any context. */
	/* Marks that were good though their object was freed. Any context. */
	atomic_t revived;
};

static unsigned int granule_of(const struct climb *c, const void *p)
{
	return ((unsigned long)p - c->stack->base - c->stack->start) / GRANULE;
}

static void claim(struct climb *c, const struct piled *o, size_t from)
{
	size_t at;

	for (at = ALIGN(from, GRANULE); at < o->size; at += GRANULE)
		if (test_and_set_bit(granule_of(c, o->p + at), c->claimed))
			atomic_inc(&c->overlaps);
}

static void disclaim(struct climb *c, const struct piled *o, size_t from)
{
	size_t at;

	for (at = ALIGN(from, GRANULE); at < o->size; at += GRANULE)
		if (!test_and_clear_bit(granule_of(c, o->p + at), c->claimed))
			atomic_inc(&c->overlaps);
}

static void climb_up(struct climb *c, struct climber *who, u32 random)
{
	struct piled *o = &who->objects[who->count];

	*o = (struct piled){ .size = 1 + random % 300, .id = who->ids++ };
	o->p = nebula_stack_alloc(c->stack, o->size, 1UL << random / 512 % 9);
	if (!o->p)
		return;
	o->id = o->id * 64 + (who - c->climbers);
	claim(c, o, 0);
	fixture_stamp(o->p, o->size, o->id);
	who->count++;
	atomic_inc(&c->served);
}

static void look_at(struct climb *c, struct piled *o)
{
	if (!fixture_stamped(o->p, o->size, o->id)) {
		atomic_inc(&c->overwritten);
		fixture_stamp(o->p, o->size, o->id);
	}
}

/* Refused while another climber is above, which will go. */
static void climb_down(struct climb *c, struct climber *who)
{
	struct piled *o = &who->objects[who->count - 1];

	look_at(c, o);
	disclaim(c, o, 0);
	if (nebula_stack_free(c->stack, o->p)) {
		claim(c, o, 0);
		return;
	}
	who->count--;
	if (o->marked && nebula_stack_restore(c->stack, o->mark) != -ESTALE)
		atomic_inc(&c->revived);
}

static void climb_resize(struct climb *c, struct climber *who, u32 random)
{
	struct piled *o = &who->objects[who->count - 1];
	struct piled resized = *o;

	resized.size = 1 + random % 300;
	look_at(c, o);
	disclaim(c, o, resized.size);
	if (!nebula_stack_realloc(c->stack, o->p, o->size, resized.size, 1)) {
		claim(c, o, resized.size);
		return;
	}
	claim(c, &resized, o->size);
	*o = resized;
	fixture_stamp(o->p, o->size, o->id);
}

/* A mark on an object of its own, if no other climber was faster. */
static void climb_mark(struct climb *c, struct climber *who)
{
	struct piled *o = &who->objects[who->count - 1];
	struct nebula_mark m = nebula_stack_mark(c->stack);

	if (m.at != granule_of(c, o->p))
		return;
	o->mark = m;
	o->marked = true;
}

static void climb_turn(struct contexts *contexts, unsigned int number)
{
	struct climb *c = contexts->data;
	struct climber *who = &c->climbers[number];
	const u32 random = prandom_u32_state(&who->random);
	const unsigned int choice = random % 16;

	if (!who->count || (choice < 7 && who->count < OBJECTS_MAX))
		climb_up(c, who, random / 16);
	else if (choice < 13)
		climb_down(c, who);
	else if (choice < 15)
		climb_resize(c, who, random / 16);
	else
		climb_mark(c, who);
}

static struct climb *climb_create(struct kunit *test, struct nebula_stack *s)
{
	struct climb *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->stack = s;
	return c;
}

static void climbers_create(struct kunit *test, struct climb *c, unsigned int n)
{
	unsigned int i;

	c->climbers = kunit_kcalloc(test, n, sizeof(*c->climbers), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c->climbers);
	for (i = 0; i < n; i++)
		prandom_seed_state(&c->climbers[i].random, FIXTURE_SEED + i);
}

/* The climber at the top goes first; how many could not go. */
static unsigned int all_climb_down(struct climb *c, unsigned int n)
{
	unsigned int round, i, left = 0;

	for (round = 0; round < n * OBJECTS_MAX; round++) {
		left = 0;
		for (i = 0; i < n; i++) {
			while (c->climbers[i].count) {
				left = c->climbers[i].count;
				climb_down(c, &c->climbers[i]);
				if (c->climbers[i].count == left)
					break;
			}
			left += c->climbers[i].count;
		}
		if (!left)
			break;
	}
	return left;
}

static void expect_nothing_lost(struct kunit *test, unsigned int flags)
{
	struct nebula_stack *s = stack_shared(test, CAPACITY, flags);
	struct climb *c = climb_create(test, s);
	struct contexts *contexts = contexts_create(test, THREADS, climb_turn, c);
	struct nebula_stats st;

	climbers_create(test, c, contexts_count(contexts));
	contexts_run(test, contexts, TURNS);
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
	KUNIT_EXPECT_EQ(test, all_climb_down(c, contexts_count(contexts)), 0U);
	KUNIT_EXPECT_TRUE(test, bitmap_empty(c->claimed, CAPACITY / 64));
	KUNIT_EXPECT_EQ(test, atomic_read(&c->overlaps), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->overwritten), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->revived), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&contexts->entered[NEBULA_IN_HARDIRQ]), 0);
	nebula_stats_read(s, &st);
	kunit_info(test, "%d objects, %llu refused to go, %llu did not fit\n",
		   atomic_read(&c->served), st.failures[NEBULA_E_LIFO_VIOLATION],
		   st.failures[NEBULA_E_OUT_OF_MEMORY]);
	KUNIT_EXPECT_EQ(test, st.allocs, (u64)atomic_read(&c->served));
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_CORRUPTION], 0ULL);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_DOUBLE_FREE], 0ULL);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_MISALIGNED_POINTER], 0ULL);
	if (!flags)
		expect_all_there(test, s);
	nebula_stack_destroy(s);
}

static void shared_stack_in_all_contexts(struct kunit *test)
{
	expect_nothing_lost(test, 0);
}

static void shared_stack_in_all_contexts_guarded(struct kunit *test)
{
	expect_nothing_lost(test, NEBULA_REDZONE | NEBULA_TRACK);
}

/* Each takes down what the others have, so there is no content to look at; it adds up. */
static void fall_turn(struct contexts *contexts, unsigned int number)
{
	struct climb *c = contexts->data;
	struct climber *who = &c->climbers[number];
	const u32 random = prandom_u32_state(&who->random);
	struct piled *o = who->objects;

	switch (random % 8) {
	case 0:
		o->mark = nebula_stack_mark(c->stack);
		o->marked = true;
		break;
	case 1:
		if (o->marked)
			nebula_stack_restore(c->stack, o->mark);
		break;
	case 2:
		if (random / 8 % 16 == 0)
			nebula_stack_reset(c->stack);
		break;
	case 3:
	case 4:
		nebula_stack_free(c->stack, o->p);
		break;
	default:
		o->p = nebula_stack_alloc(c->stack, 1 + random / 8 % 300, 1UL << random / 4096 % 9);
		if (o->p)
			atomic_inc(&c->served);
	}
}

static void shared_stack_taken_down_by_anybody(struct kunit *test)
{
	struct nebula_stack *s = stack_shared(test, CAPACITY, 0);
	struct climb *c = climb_create(test, s);
	struct contexts *contexts = contexts_create(test, THREADS, fall_turn, c);
	struct nebula_stats st;

	climbers_create(test, c, contexts_count(contexts));
	contexts_run(test, contexts, TURNS);
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
	nebula_stack_reset(s);
	nebula_stats_read(s, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, (u64)atomic_read(&c->served));
	KUNIT_EXPECT_EQ(test, st.frees, st.allocs);
	expect_all_there(test, s);
	nebula_stack_destroy(s);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(shared_stack_is_exact_to_a_granule),
	KUNIT_CASE(shared_stack_aligns),
	KUNIT_CASE(shared_stack_refuses_sizes),
	KUNIT_CASE(shared_stack_refuses_frees),
	KUNIT_CASE(shared_stack_marks_nest),
	KUNIT_CASE(shared_stack_marks_go_stale_by_free),
	KUNIT_CASE(shared_stack_marks_of_an_empty_stack),
	KUNIT_CASE(shared_stack_refuses_foreign_marks),
	KUNIT_CASE(shared_stack_realloc),
	KUNIT_CASE(shared_stack_reset),
	KUNIT_CASE(shared_stack_of_many_megabytes),
	KUNIT_CASE(shared_stack_finds_an_overrun),
	KUNIT_CASE(shared_stack_in_all_contexts),
	KUNIT_CASE(shared_stack_in_all_contexts_guarded),
	KUNIT_CASE(shared_stack_taken_down_by_anybody),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_stack_shared",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
