// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cleanups of arenas and stacks: which are called, in what order, and by what.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include "../fixture.h"

#define CALLS_MAX	64

/* What was called, a letter each, newest last. */
static char calls[CALLS_MAX];
static unsigned int nr_calls;

static void note(void *data)
{
	if (nr_calls < CALLS_MAX - 1)
		calls[nr_calls++] = (unsigned long)data;
	calls[nr_calls] = '\0';
}

/* All that was called since the last time. */
#define EXPECT_CALLS(test, text)							\
do {											\
	KUNIT_EXPECT_STREQ(test, (char *)calls, text);					\
	nr_calls = 0;									\
	calls[0] = '\0';								\
} while (0)

static int cleanup_init(struct kunit *test)
{
	nr_calls = 0;
	calls[0] = '\0';
	return fixture_init(test);
}

static void defer(struct kunit *test, struct nebula_bump *b, char letter)
{
	KUNIT_ASSERT_EQ(test, nebula_bump_defer(b, note, (void *)(unsigned long)letter), 0);
}

static void stack_defer(struct kunit *test, struct nebula_stack *s, char letter)
{
	KUNIT_ASSERT_EQ(test, nebula_stack_defer(s, note, (void *)(unsigned long)letter), 0);
}

static struct nebula_bump *bump_create(struct kunit *test, unsigned int flags)
{
	struct nebula_bump *b = nebula_bump_create("test", .capacity = SZ_16K, .flags = flags);

	ASSERT_BUMP(test, b);
	return b;
}

static struct nebula_stack *stack_create(struct kunit *test, unsigned int flags)
{
	struct nebula_stack *s = nebula_stack_create("test", .capacity = SZ_16K, .flags = flags);

	ASSERT_STACK(test, s);
	return s;
}

/*
 *	|a|  cp 0  |b|c|  cp 1  |d|	restore 1, 1, 0; then reset
 */
static void use_bump(struct kunit *test, struct nebula_bump *b)
{
	struct nebula_checkpoint cp[2];
	size_t used[2];

	defer(test, b, 'a');
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 33, 1));
	cp[0] = nebula_bump_checkpoint(b);
	used[0] = nebula_bump_used(b);
	defer(test, b, 'b');
	defer(test, b, 'c');
	cp[1] = nebula_bump_checkpoint(b);
	used[1] = nebula_bump_used(b);
	defer(test, b, 'd');
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 100, 8));
	EXPECT_CALLS(test, "");
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp[1]), 0);
	EXPECT_CALLS(test, "d");
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), used[1]);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp[1]), 0);
	EXPECT_CALLS(test, "");
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp[0]), 0);
	EXPECT_CALLS(test, "cb");
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), used[0]);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp[1]), -ESTALE);
	EXPECT_CALLS(test, "");
	nebula_bump_reset(b);
	EXPECT_CALLS(test, "a");
	nebula_bump_reset(b);
	EXPECT_CALLS(test, "");
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
}

static void cleanup_of_an_arena(struct kunit *test)
{
	static const unsigned int flags[] = { 0, NEBULA_ZERO, NEBULA_DEBUG_FLAGS, NEBULA_GROW };
	struct nebula_bump *b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		b = bump_create(test, flags[i]);
		use_bump(test, b);
		use_bump(test, b);
		defer(test, b, 'x');
		defer(test, b, 'y');
		nebula_bump_destroy(b);
		EXPECT_CALLS(test, "yx");
	}
}

/* While none is due the inline paths serve, after as before. */
static void cleanup_gives_the_inline_paths_back(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test, 0);
	struct nebula_stack *s = stack_create(test, 0);

	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, SZ_1K, 8));
	nebula_bump_reset(b);
	KUNIT_EXPECT_NE(test, b->peak_at, 0UL);
	defer(test, b, 'a');
	KUNIT_EXPECT_EQ(test, b->peak_at, 0UL);
	KUNIT_EXPECT_NE(test, b->limit, NEBULA_BUMP_LIMIT_NONE);
	nebula_bump_reset(b);
	KUNIT_EXPECT_NE(test, b->peak_at, 0UL);
	nebula_bump_destroy(b);

	KUNIT_EXPECT_PTR_EQ(test, s->self, (const struct nebula_stack *)s);
	stack_defer(test, s, 'b');
	KUNIT_EXPECT_PTR_NE(test, s->self, (const struct nebula_stack *)s);
	KUNIT_EXPECT_NE(test, s->limit, NEBULA_STACK_LIMIT_NONE);
	nebula_stack_reset(s);
	KUNIT_EXPECT_PTR_EQ(test, s->self, (const struct nebula_stack *)s);
	nebula_stack_destroy(s);
	EXPECT_CALLS(test, "ab");
}

/* Regions come and go, and lie anywhere: the order is that of registration. */
static void cleanup_over_several_regions(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("test", .capacity = PAGE_SIZE,
						   .flags = NEBULA_GROW);
	struct nebula_checkpoint cp;
	char letter;

	ASSERT_BUMP(test, b);
	for (letter = 'a'; letter <= 'h'; letter++) {
		if (letter == 'd')
			cp = nebula_bump_checkpoint(b);
		defer(test, b, letter);
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, PAGE_SIZE, 8));
	}
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
	EXPECT_CALLS(test, "hgfed");
	nebula_bump_reset(b);
	EXPECT_CALLS(test, "cba");
	nebula_bump_destroy(b);
}

static void cleanup_on_a_buffer(struct kunit *test)
{
	u64 *space = kunit_kzalloc(test, 2 * SZ_1K, GFP_KERNEL);
	struct nebula_stack s;
	struct nebula_bump b;

	KUNIT_ASSERT_NOT_NULL(test, space);
	nebula_bump_init(&b, space, SZ_1K);
	use_bump(test, &b);
	defer(test, &b, 'e');
	nebula_bump_exit(&b);
	EXPECT_CALLS(test, "e");
	nebula_stack_init(&s, space, SZ_1K);
	stack_defer(test, &s, 'f');
	nebula_stack_exit(&s);
	EXPECT_CALLS(test, "f");
}

static void cleanup_at_the_end_of_a_block(struct kunit *test)
{
	nebula_with_bump(tmp, SZ_1K)
		defer(test, tmp, 'a');
	EXPECT_CALLS(test, "a");
	nebula_with_stack(tmp, SZ_1K)
		stack_defer(test, tmp, 'b');
	EXPECT_CALLS(test, "b");
}

static void leave_early(struct kunit *test, struct nebula_bump *b, struct nebula_stack *s)
{
	guard(nebula_bump)(b);
	guard(nebula_stack)(s);
	defer(test, b, 'b');
	stack_defer(test, s, 's');
	if (nebula_bump_used(b))
		return;
	defer(test, b, 'x');
}

static void cleanup_at_the_end_of_a_scope(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test, 0);
	struct nebula_stack *s = stack_create(test, 0);
	unsigned int i;

	defer(test, b, 'o');
	for (i = 0; i < 3; i++) {
		leave_early(test, b, s);
		EXPECT_CALLS(test, "sb");
		scoped_guard(nebula_bump, b) {
			defer(test, b, 'p');
			scoped_guard(nebula_bump, b)
				defer(test, b, 'q');
			EXPECT_CALLS(test, "q");
		}
		EXPECT_CALLS(test, "p");
	}
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	nebula_stack_destroy(s);
	nebula_bump_destroy(b);
	EXPECT_CALLS(test, "o");
}

/*
 *	|a|  m 0  |###|b|c|  m 1  |d|###|
 */
static void use_stack(struct kunit *test, struct nebula_stack *s)
{
	struct nebula_mark m[2];
	size_t used[2];
	void *p;

	stack_defer(test, s, 'a');
	m[0] = nebula_stack_mark(s);
	used[0] = nebula_stack_used(s);
	p = nebula_stack_alloc(s, 33, 1);
	stack_defer(test, s, 'b');
	/* The cleanup lies above it. */
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_E_LIFO_VIOLATION);
	stack_defer(test, s, 'c');
	m[1] = nebula_stack_mark(s);
	used[1] = nebula_stack_used(s);
	stack_defer(test, s, 'd');
	p = nebula_stack_alloc(s, 64, 64);
	KUNIT_EXPECT_EQ(test, nebula_stack_free(s, p), 0);
	EXPECT_CALLS(test, "");
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, m[1]), 0);
	EXPECT_CALLS(test, "d");
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), used[1]);
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, m[0]), 0);
	EXPECT_CALLS(test, "cb");
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), used[0]);
	KUNIT_EXPECT_EQ(test, nebula_stack_restore(s, m[1]), -ESTALE);
	EXPECT_CALLS(test, "");
	nebula_stack_reset(s);
	EXPECT_CALLS(test, "a");
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
}

static void cleanup_of_a_stack(struct kunit *test)
{
	static const unsigned int flags[] = { 0, NEBULA_ZERO, NEBULA_DEBUG_FLAGS };
	struct nebula_stack *s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		s = stack_create(test, flags[i]);
		use_stack(test, s);
		use_stack(test, s);
		stack_defer(test, s, 'x');
		stack_defer(test, s, 'y');
		nebula_stack_destroy(s);
		EXPECT_CALLS(test, "yx");
	}
}

/* Of a shared arena all are called by reset and destroy; a shared stack has none. */
static void cleanup_of_shared_ones(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test, NEBULA_SHARED);
	struct nebula_stack *s = stack_create(test, NEBULA_SHARED);

	defer(test, b, 'a');
	defer(test, b, 'b');
	nebula_bump_reset(b);
	EXPECT_CALLS(test, "ba");
	nebula_bump_reset(b);
	EXPECT_CALLS(test, "");
	defer(test, b, 'c');
	nebula_bump_destroy(b);
	EXPECT_CALLS(test, "c");
	KUNIT_EXPECT_EQ(test, nebula_stack_defer(s, note, NULL), -EBUSY);
	EXPECT_ERROR(test, s, NEBULA_E_INVALID_STATE);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	nebula_stack_destroy(s);
}

static void cleanup_that_cannot_be_registered(struct kunit *test)
{
	u64 space[2];
	struct nebula_stack *s = stack_create(test, 0);
	struct nebula_bump b;

	nebula_bump_init(&b, space, sizeof(space));
	KUNIT_EXPECT_EQ(test, nebula_bump_defer(&b, NULL, NULL), -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_OK);
	KUNIT_EXPECT_EQ(test, nebula_bump_defer(&b, note, NULL), -ENOMEM);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(&b), (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_stack_defer(s, NULL, NULL), -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_E_INVALID_CONFIG);
	while (nebula_stack_alloc(s, 16, 8))
		;
	KUNIT_EXPECT_EQ(test, nebula_stack_defer(s, note, NULL), -ENOMEM);
	EXPECT_ERROR(test, s, NEBULA_E_OUT_OF_MEMORY);
	nebula_stack_destroy(s);
	nebula_bump_exit(&b);
	EXPECT_CALLS(test, "");
}

/* A cleanup that uses its allocator. */
struct nested {
	struct kunit *test;
	struct nebula_bump *bump;
	struct nebula_checkpoint cp;	/* what it rewinds to */
	int ret;			/* what that returned */
};

static void register_another(void *data)
{
	struct nested *n = data;

	note((void *)'1');
	KUNIT_EXPECT_NOT_NULL(n->test, nebula_bump_alloc(n->bump, 100, 8));
	defer(n->test, n->bump, '2');
}

static void rewind_further(void *data)
{
	struct nested *n = data;

	note((void *)'3');
	n->ret = nebula_bump_restore(n->bump, n->cp);
}

/* What a cleanup registers is called next; what it rewinds is not called again. */
static void cleanup_that_uses_its_allocator(struct kunit *test)
{
	struct nested n = { .test = test, .bump = bump_create(test, 0), .ret = 1 };
	struct nebula_checkpoint cp;

	n.cp = nebula_bump_checkpoint(n.bump);
	defer(test, n.bump, 'a');
	cp = nebula_bump_checkpoint(n.bump);
	defer(test, n.bump, 'b');
	KUNIT_ASSERT_EQ(test, nebula_bump_defer(n.bump, register_another, &n), 0);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(n.bump, cp), 0);
	EXPECT_CALLS(test, "12b");

	defer(test, n.bump, 'c');
	KUNIT_ASSERT_EQ(test, nebula_bump_defer(n.bump, rewind_further, &n), 0);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(n.bump, cp), -ESTALE);
	EXPECT_CALLS(test, "3ca");
	KUNIT_EXPECT_EQ(test, n.ret, 0);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(n.bump), (size_t)0);
	nebula_bump_destroy(n.bump);
	EXPECT_CALLS(test, "");
}

/* An overrun of what lies before it. No garbage is called, and the allocator goes on. */
static void cleanup_that_was_overwritten(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test, 0);
	unsigned long *p, at;

	for (at = 1; at <= 3; at++) {
		defer(test, b, 'a');
		p = nebula_bump_alloc(b, sizeof(*p), 8);
		KUNIT_ASSERT_NOT_NULL(test, p);
		defer(test, b, 'b');
		p[at] ^= 0x100;
		nebula_bump_reset(b);
		EXPECT_CALLS(test, "");
		EXPECT_ERROR(test, b, NEBULA_E_CORRUPTION);
		defer(test, b, 'c');
		nebula_bump_reset(b);
		EXPECT_CALLS(test, "c");
	}
	nebula_bump_destroy(b);
}

/* Its functions may have gone with the module that made it. */
static void cleanup_of_an_orphan(struct kunit *test)
{
	struct nebula_bump *b = bump_create(test, 0);
	struct nebula_stack *s = stack_create(test, 0);

	defer(test, b, 'a');
	stack_defer(test, s, 'b');
	b->common.ops->orphan(&b->common);
	s->common.ops->orphan(&s->common);
	nebula_bump_reset(b);
	nebula_stack_reset(s);
	EXPECT_CALLS(test, "");
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(s), (size_t)0);
	nebula_bump_destroy(b);
	nebula_stack_destroy(s);
}

static struct kunit_case cleanup_cases[] = {
	KUNIT_CASE(cleanup_of_an_arena),
	KUNIT_CASE(cleanup_gives_the_inline_paths_back),
	KUNIT_CASE(cleanup_over_several_regions),
	KUNIT_CASE(cleanup_on_a_buffer),
	KUNIT_CASE(cleanup_at_the_end_of_a_block),
	KUNIT_CASE(cleanup_at_the_end_of_a_scope),
	KUNIT_CASE(cleanup_of_a_stack),
	KUNIT_CASE(cleanup_of_shared_ones),
	KUNIT_CASE(cleanup_that_cannot_be_registered),
	KUNIT_CASE(cleanup_that_uses_its_allocator),
	KUNIT_CASE(cleanup_that_was_overwritten),
	KUNIT_CASE(cleanup_of_an_orphan),
	{ }
};

static struct kunit_suite cleanup_suite = {
	.name = "nebula_cleanup",
	.init = cleanup_init,
	.exit = fixture_exit,
	.test_cases = cleanup_cases,
};

kunit_test_suite(cleanup_suite);
