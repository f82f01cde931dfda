/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects that are freed at the end of their scope: included once for each kind, with KIND its
 * name, see kinds.h. Preemption is off, because there are kinds that ask for that.
 */

static void __PASTE(KIND, _auto_holds)(struct kunit *test, struct kinds *k)
{
	typeof(k->KIND) xs[] = { k->KIND, k->KIND }, *x = xs;

	NEBULA_AUTO_OBJ(*x++, struct item, first);
	NEBULA_AUTO_OBJ(*x--, struct item, second);

	KUNIT_EXPECT_PTR_EQ(test, x, &xs[0]);
	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_ASSERT_NOT_NULL(test, second);
	fixture_stamp(first, sizeof(*first), 1);
	fixture_stamp(second, sizeof(*second), 2);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(first, sizeof(*first), 1));
	KUNIT_EXPECT_EQ(test, live_in(*x), 2ULL);
}

static void __PASTE(KIND, _auto_frees)(struct kunit *test, struct kinds *k)
{
	__PASTE(KIND, _auto_holds)(test, k);
	KUNIT_EXPECT_EQ(test, live_in(k->KIND), __PASTE(KIND, _traits).frees ? 0ULL : 2ULL);
	EXPECT_ERROR(test, k->KIND, NEBULA_OK);
}

/* Handed on, it outlives the scope; handing it on again yields nothing, which is recorded. */
static struct item *__PASTE(KIND, _auto_hands_on)(struct kunit *test, struct kinds *k,
						  unsigned int times)
{
	NEBULA_AUTO_OBJ(k->KIND, struct item, p);
	struct item *was = p, *kept;

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, live_in(k->KIND), 1ULL);
	if (!times)
		return was;
	kept = nebula_no_free_ptr(p);
	KUNIT_EXPECT_PTR_EQ(test, kept, was);
	KUNIT_EXPECT_NULL(test, p);
	EXPECT_ERROR(test, k->KIND, NEBULA_OK);
	if (times < 2)
		return kept;
	KUNIT_EXPECT_NULL(test, nebula_no_free_ptr(p));
	EXPECT_ERROR(test, k->KIND, NEBULA_E_INVALID_STATE);
	return kept;
}

static void __PASTE(KIND, _auto_handed_on)(struct kunit *test, struct kinds *k)
{
	struct item *kept = __PASTE(KIND, _auto_hands_on)(test, k, 1);

	KUNIT_EXPECT_EQ(test, live_in(k->KIND), 1ULL);
	nebula_free_obj(k->KIND, kept);
	EXPECT_ERROR(test, k->KIND, NEBULA_OK);
}

static void __PASTE(KIND, _auto_handed_on_twice)(struct kunit *test, struct kinds *k)
{
	struct item *kept = __PASTE(KIND, _auto_hands_on)(test, k, 2);

	KUNIT_EXPECT_EQ(test, live_in(k->KIND), 1ULL);
	nebula_free_obj(k->KIND, kept);
	EXPECT_ERROR(test, k->KIND, NEBULA_E_INVALID_STATE);
}

/* There is nothing to free, and nothing to hand on. */
static void __PASTE(KIND, _auto_fails)(struct kunit *test, struct kinds *k)
{
	NEBULA_AUTO_OBJ(k->KIND, struct huge, p);

	KUNIT_EXPECT_NULL(test, p);
	KUNIT_EXPECT_NULL(test, nebula_no_free_ptr(p));
	EXPECT_ERROR(test, k->KIND, __PASTE(KIND, _traits).too_large);
}

static void __PASTE(KIND, _auto_returns)(struct kunit *test, struct kinds *k)
{
	__PASTE(KIND, _auto_hands_on)(test, k, 0);
	KUNIT_EXPECT_EQ(test, live_in(k->KIND), __PASTE(KIND, _traits).frees ? 0ULL : 1ULL);
	EXPECT_ERROR(test, k->KIND, NEBULA_OK);
}

static void __PASTE(scope_auto_, KIND)(struct kunit *test)
{
	kinds_run(test, __PASTE(KIND, _auto_frees));
	kinds_run(test, __PASTE(KIND, _auto_returns));
	kinds_run(test, __PASTE(KIND, _auto_handed_on));
	kinds_run(test, __PASTE(KIND, _auto_handed_on_twice));
	kinds_run(test, __PASTE(KIND, _auto_fails));
}

#undef KIND
