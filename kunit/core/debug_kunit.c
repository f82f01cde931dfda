// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module parameter debug: what its rules mean, and that they hold for what is created from
 * then on.
 */
#include <linux/string.h>
#include "../../module/core/debug_param.h"
#include "../files.h"
#include "../fixture.h"

#define R	NEBULA_REDZONE
#define P	NEBULA_POISON
#define T	NEBULA_TRACK

#define NAME_63	"0123456789012345678901234567890123456789012345678901234567890ab"

/* What rules say of a name. */
struct rule {
	const char *rules;	/* as written */
	const char *name;	/* of an allocator, or NULL for any at all */
	int flags;		/* those it gets; -EINVAL when they are no rules */
};

static const struct rule meanings[] = {
	{ "", "conn", 0 },
	{ "", NULL, 0 },
	{ "R", "conn", R },
	{ "P", "conn", P },
	{ "T", "conn", T },
	{ "RPT", "conn", R | P | T },
	{ "TPRRR", "conn", R | P | T },
	{ "RP,conn", "conn", R | P },
	{ "RP,conn", "conn2", 0 },
	{ "RP,conn", "con", 0 },
	{ "RP,conn", "xconn", 0 },
	{ "RP,conn", "CONN", 0 },
	{ "RP,a,b,conn", "conn", R | P },
	{ "RP,a,conn,b", "conn", R | P },
	{ "RP,conn,b,c", "conn", R | P },
	{ "RP,a,b,conn", "c", 0 },
	{ "R,pars*", "parser", R },
	{ "R,pars*", "pars", R },
	{ "R,pars*", "par", 0 },
	{ "R,*", "x", R },
	{ "R,*er", "parser", R },
	{ "R,p*r*r", "parser", R },
	{ "R,p*x*r", "parser", 0 },
	{ "R,?", "x", R },
	{ "R,?", "xy", 0 },
	{ "R,c??n", "conn", R },
	{ "R,a.b_c-1", "a.b_c-1", R },
	{ "R,a.b", "axb", 0 },
	{ "R," NAME_63, NAME_63, R },
	{ "T,conn;RP,scratch-*", "conn", T },
	{ "T,conn;RP,scratch-*", "scratch-1", R | P },
	{ "T,conn;RP,scratch-*", "other", 0 },
	{ "T,c*;R,conn;P", "conn", R | P | T },
	{ "T,c*;R,conn;P", "x", P },
	{ "T,c*;R,conn", NULL, R | T },
	{ "R;R;R", "x", R },
	{ "X", "conn", -EINVAL },
	{ "r", "conn", -EINVAL },
	{ "RPX", "conn", -EINVAL },
	{ "1", "conn", -EINVAL },
	{ ",conn", "conn", -EINVAL },
	{ ",", "conn", -EINVAL },
	{ ";", "conn", -EINVAL },
	{ "R,", "conn", -EINVAL },
	{ "R,,conn", "conn", -EINVAL },
	{ "R,conn,", "conn", -EINVAL },
	{ "R;", "conn", -EINVAL },
	{ ";R", "conn", -EINVAL },
	{ "R;;P", "conn", -EINVAL },
	{ "R,conn;", "conn", -EINVAL },
	{ "R,conn;,x", "conn", -EINVAL },
	{ "R,a b", "conn", -EINVAL },
	{ "R, conn", "conn", -EINVAL },
	{ "R,[a-z]*", "conn", -EINVAL },
	{ "R,\\conn", "conn", -EINVAL },
	{ "R,a/b", "conn", -EINVAL },
	{ "R,caf\xc3\xa9", "conn", -EINVAL },
	{ "R,x" NAME_63, "conn", -EINVAL },
	/* Said of all rules, whether they come before or after those that match. */
	{ "R,conn;X", "conn", -EINVAL },
	{ "X;R,conn", "conn", -EINVAL },
};

static void debug_rules(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(meanings); i++) {
		const struct rule *r = &meanings[i];

		KUNIT_EXPECT_EQ_MSG(test, nebula_debug_flags_of(r->rules, r->name), r->flags,
				    "'%s' for %s", r->rules, r->name ?: "any");
	}
}

/* The rules that the test found, put back at its end. */
static void restore(void *rules)
{
	files_set_debug(rules);
}

static void set_debug(struct kunit *test, const char *rules)
{
	static char before[512];

	KUNIT_ASSERT_EQ(test, files_get_debug(before, sizeof(before)), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, restore, before), 0);
	KUNIT_ASSERT_EQ(test, files_set_debug(rules), 0);
}

static void expect_debug(struct kunit *test, const char *rules)
{
	char now[512];

	KUNIT_ASSERT_EQ(test, files_get_debug(now, sizeof(now)), 0);
	KUNIT_EXPECT_STREQ(test, now, rules);
}

/* What is refused changes nothing; blanks around do not matter. */
static void debug_parameter(struct kunit *test)
{
	char *large = kunit_kzalloc(test, 2000, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, large);
	set_debug(test, " \tRP,conn;T\n ");
	expect_debug(test, "RP,conn;T");
	for (i = 0; i < ARRAY_SIZE(meanings); i++)
		if (meanings[i].flags == -EINVAL)
			KUNIT_EXPECT_EQ_MSG(test, files_set_debug(meanings[i].rules), -EINVAL,
					    "'%s'", meanings[i].rules);
	memset(large, 'R', 1999);
	KUNIT_EXPECT_EQ(test, files_set_debug(large), -EINVAL);
	large[256] = '\0';
	KUNIT_EXPECT_EQ(test, files_set_debug(large), -EINVAL);
	expect_debug(test, "RP,conn;T");
	large[255] = '\0';
	KUNIT_EXPECT_EQ(test, files_set_debug(large), 0);
	expect_debug(test, large);
	KUNIT_EXPECT_EQ(test, files_set_debug("\n"), 0);
	expect_debug(test, "");
}

/* With all flags an allocator still holds what it was asked to. */
static void use_bump(struct kunit *test, struct nebula_bump *b)
{
	unsigned int i;

	KUNIT_EXPECT_GE(test, nebula_bump_capacity(b), (size_t)SZ_16K);
	/* Each CPU that we come to may keep the rest of what it took for itself. */
	for (i = 0; i < 32; i++)
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	nebula_bump_reset(b);
	KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
	EXPECT_ERROR(test, b, NEBULA_OK);
}

static void use_stack(struct kunit *test, struct nebula_stack *s)
{
	void *held[64];
	unsigned int i;

	KUNIT_EXPECT_GE(test, nebula_stack_capacity(s), (size_t)SZ_16K);
	for (i = 0; i < ARRAY_SIZE(held); i++) {
		held[i] = nebula_stack_alloc(s, 64, 8);
		KUNIT_ASSERT_NOT_NULL(test, held[i]);
		fixture_stamp(held[i], 64, i);
	}
	while (i--) {
		KUNIT_EXPECT_TRUE(test, fixture_stamped(held[i], 64, i));
		KUNIT_EXPECT_EQ(test, nebula_stack_free(s, held[i]), 0);
	}
	EXPECT_ERROR(test, s, NEBULA_OK);
}

static void use_scratch(struct kunit *test, struct nebula_scratch *s)
{
	unsigned int i;

	for (i = 0; i < 64; i++) {
		CLASS(nebula_scratch, tmp)(s, 1000 + i, 8);
		KUNIT_EXPECT_NOT_NULL(test, tmp.p);
	}
	EXPECT_ERROR(test, s, NEBULA_OK);
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0U);
}

static void expect_flags(struct kunit *test, const char *name, const struct nebula_allocator *a,
			 u32 flags)
{
	const char *text = files_text(test, name, "info");

	KUNIT_EXPECT_EQ_MSG(test, a->flags & NEBULA_DEBUG_FLAGS, flags, "%s", name);
	if (flags == NEBULA_DEBUG_FLAGS) {
		EXPECT_TEXT(test, text, "\npreset: development\n");
		EXPECT_TEXT(test, text, "REDZONE|POISON|TRACK");
	} else if (!flags) {
		EXPECT_TEXT(test, text, "\npreset: production\n");
		KUNIT_EXPECT_NULL(test, strstr(text, "REDZONE"));
	}
}

#define expect_named(test, name, x, flags)	\
	expect_flags(test, name, nebula_allocator_of(x), flags)

/* Every kind of which the name matches has the flags, and serves; others do not. */
static void expect_created(struct kunit *test, const char *prefix, u32 more, u32 expected)
{
	struct nebula_bump *b;
	struct nebula_pool *p;
	struct nebula_stack *s;
	struct nebula_scratch *t;
	char name[4][16];

	snprintf(name[0], sizeof(name[0]), "%s-bump", prefix);
	snprintf(name[1], sizeof(name[1]), "%s-pool", prefix);
	snprintf(name[2], sizeof(name[2]), "%s-stack", prefix);
	snprintf(name[3], sizeof(name[3]), "%s-scratch", prefix);
	b = nebula_bump_create(name[0], .capacity = SZ_16K, .flags = more);
	p = nebula_pool_create(name[1], .block_size = 64, .blocks = 60);
	s = nebula_stack_create(name[2], .capacity = SZ_16K, .flags = more);
	t = nebula_scratch_create(name[3], .per_cpu_size = SZ_4K);
	ASSERT_BUMP(test, b);
	ASSERT_POOL(test, p);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, t);
	expect_named(test, name[0], b, expected);
	expect_named(test, name[1], p, expected);
	expect_named(test, name[2], s, expected);
	expect_named(test, name[3], t, expected);
	use_bump(test, b);
	expect_whole(test, p, 60);
	use_stack(test, s);
	use_scratch(test, t);
	nebula_scratch_destroy(t);
	nebula_stack_destroy(s);
	nebula_pool_destroy(p);
	nebula_bump_destroy(b);
}

static void debug_of_what_is_created(struct kunit *test)
{
	struct nebula_bump *before = nebula_bump_create("dbg-old", .capacity = SZ_4K), *buffered;
	static u8 space[SZ_4K] __aligned(64);

	ASSERT_BUMP(test, before);
	set_debug(test, "RPT,dbg-*");
	expect_created(test, "dbg", 0, NEBULA_DEBUG_FLAGS);
	expect_created(test, "dbg", NEBULA_SHARED, NEBULA_DEBUG_FLAGS);
	expect_created(test, "other", 0, 0);
	expect_named(test, "dbg-old", before, 0);
	buffered = nebula_bump_create("dbg-buffer", .buffer = space, .buffer_size = sizeof(space));
	ASSERT_BUMP(test, buffered);
	expect_named(test, "dbg-buffer", buffered, NEBULA_DEBUG_FLAGS);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(buffered, 64, 8));
	nebula_bump_destroy(buffered);
	KUNIT_ASSERT_EQ(test, files_set_debug("R,other-*;P,?ther-*;T,dbg-*"), 0);
	expect_created(test, "other", 0, R | P);
	expect_created(test, "dbg", 0, T);
	expect_created(test, "none", 0, 0);
	nebula_bump_destroy(before);
}

/* An overrun by a client that did not ask for debug flags. */
static void debug_finds_what_it_is_for(struct kunit *test)
{
	struct nebula_pool *p;
	struct nebula_error err;
	u8 *obj;

	set_debug(test, "RT,dbg");
	p = nebula_pool_create("dbg", .block_size = 40, .blocks = 8);
	ASSERT_POOL(test, p);
	obj = nebula_pool_alloc(p);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	OPTIMIZER_HIDE_VAR(obj);
	obj[40] ^= 1;
	nebula_pool_free(p, obj);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(p, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_CORRUPTION);
	expect_whole(test, p, 8);
	nebula_pool_destroy(p);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(debug_rules),
	KUNIT_CASE(debug_parameter),
	KUNIT_CASE(debug_of_what_is_created),
	KUNIT_CASE(debug_finds_what_it_is_for),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_debug",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
