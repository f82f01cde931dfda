/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scopes on an allocator: included once for each kind that has them, with KIND its name and MODES
 * the flags that it has them with.
 */
#define SCOPE	__PASTE(nebula_, KIND)

/* One way out of a scope; what is newer than its beginning is gone then. */
static int __PASTE(KIND, _leaves)(struct SCOPE *x, enum way way)
{
	scoped_guard(SCOPE, x) {
		if (!nebula_alloc(x, 200, 8) || !nebula_alloc(x, 20, 64))
			return -ENOMEM;
		switch (way) {
		case BY_THE_END:
			break;
		case BY_RETURN:
			return BY_RETURN;
		case BY_GOTO:
			goto out;
		case BY_CONTINUE:
			continue;
		case BY_BREAK:
			goto next;
		default:
			return -EINVAL;
		}
	}
	return BY_THE_END;
next:
	scoped_guard(SCOPE, x) {
		if (nebula_alloc(x, 200, 8))
			break;
		return -ENOMEM;
	}
	return BY_BREAK;
out:
	return BY_GOTO;
}

static void __PASTE(KIND, _ways_out)(struct kunit *test, struct SCOPE *x)
{
	u8 *older = nebula_alloc(x, 100, 8);
	const u64 used = used_by(x);
	enum way way;

	KUNIT_ASSERT_NOT_NULL(test, older);
	fixture_stamp(older, 100, 3);
	for (way = 0; way < WAYS; way++) {
		KUNIT_EXPECT_EQ(test, __PASTE(KIND, _leaves)(x, way),
				way == BY_CONTINUE ? (int)BY_THE_END : (int)way);
		KUNIT_EXPECT_EQ(test, used_by(x), used);
	}
	KUNIT_EXPECT_TRUE(test, fixture_stamped(older, 100, 3));
	EXPECT_ERROR(test, x, NEBULA_OK);
}

/* guard() leaves break and continue to the loop around it. */
static void __PASTE(KIND, _in_a_loop)(struct kunit *test, struct SCOPE *x)
{
	const u64 used = used_by(x);
	unsigned int i, ends = 0;

	for (i = 0; i < 10; i++) {
		guard(SCOPE)(x);
		KUNIT_EXPECT_EQ(test, used_by(x), used);
		KUNIT_EXPECT_NOT_NULL(test, nebula_alloc(x, 300, 16));
		if (i == 3)
			continue;
		if (i == 7)
			break;
		ends++;
	}
	KUNIT_EXPECT_EQ(test, i, 7U);
	KUNIT_EXPECT_EQ(test, ends, 6U);
	KUNIT_EXPECT_EQ(test, used_by(x), used);
	EXPECT_ERROR(test, x, NEBULA_OK);
}

/* Each gives back what is its own, as deep as they go. */
static u64 __PASTE(KIND, _nests)(struct kunit *test, struct SCOPE *x, unsigned int depth)
{
	const u64 used = used_by(x);

	guard(SCOPE)(x);
	KUNIT_EXPECT_NOT_NULL(test, nebula_alloc(x, 64, 8));
	scoped_guard(SCOPE, x) {
		KUNIT_EXPECT_NOT_NULL(test, nebula_alloc(x, 64, 8));
		if (depth)
			KUNIT_EXPECT_GT(test, __PASTE(KIND, _nests)(test, x, depth - 1), used);
	}
	KUNIT_EXPECT_GT(test, used_by(x), used);
	return used;
}

static void __PASTE(KIND, _nested)(struct kunit *test, struct SCOPE *x)
{
	const u64 used = used_by(x);

	__PASTE(KIND, _nests)(test, x, 5);
	KUNIT_EXPECT_EQ(test, used_by(x), used);
	EXPECT_ERROR(test, x, NEBULA_OK);
}

/* What a scope began on top of is gone: that is recorded, and nothing that is newer is lost. */
static void __PASTE(KIND, _stale)(struct kunit *test, struct SCOPE *x)
{
	u8 *newer;

	KUNIT_ASSERT_NOT_NULL(test, nebula_alloc(x, 64, 8));
	scoped_guard(SCOPE, x) {
		__PASTE(SCOPE, _reset)(x);
		newer = nebula_alloc(x, 64, 8);
		KUNIT_ASSERT_NOT_NULL(test, newer);
		fixture_stamp(newer, 64, 1);
		EXPECT_ERROR(test, x, NEBULA_OK);
	}
	EXPECT_ERROR(test, x, NEBULA_E_STALE_CHECKPOINT);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(newer, 64, 1));
	KUNIT_EXPECT_GE(test, used_by(x), 64ULL);
	__PASTE(KIND, _leaves)(x, BY_RETURN);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(newer, 64, 1));
}

/* No allocator is destroyed under a scope. */
static void __PASTE(KIND, _stays)(struct kunit *test, struct SCOPE *x)
{
	scoped_guard(SCOPE, x) {
		__PASTE(SCOPE, _destroy)(x);
		EXPECT_ERROR(test, x, NEBULA_E_INVALID_STATE);
		KUNIT_EXPECT_NOT_NULL(test, nebula_alloc(x, 64, 8));
	}
	KUNIT_EXPECT_EQ(test, used_by(x), 0ULL);
}

static void __PASTE(KIND, _with_flags)(struct kunit *test, u32 flags,
				       void (*body)(struct kunit *test, struct SCOPE *x))
{
	struct SCOPE *x = __PASTE(SCOPE, _create)("scoped", .capacity = SZ_16K, .flags = flags);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, x);
	body(test, x);
	__PASTE(SCOPE, _destroy)(x);
}

static void __PASTE(scope_guards_, KIND)(struct kunit *test)
{
	static const u32 modes[] = MODES;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		__PASTE(KIND, _with_flags)(test, modes[i], __PASTE(KIND, _ways_out));
		__PASTE(KIND, _with_flags)(test, modes[i], __PASTE(KIND, _in_a_loop));
		__PASTE(KIND, _with_flags)(test, modes[i], __PASTE(KIND, _nested));
		__PASTE(KIND, _with_flags)(test, modes[i], __PASTE(KIND, _stale));
		__PASTE(KIND, _with_flags)(test, modes[i], __PASTE(KIND, _stays));
	}
}

#undef SCOPE
#undef MODES
#undef KIND
