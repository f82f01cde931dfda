/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks with an allocator of their own: included once for each kind that has them, with KIND its
 * name and WITH(name) the head of the block.
 */

static int __PASTE(KIND, _block_leaves)(enum way way)
{
	int ret = -ENOMEM;

	WITH(tmp) {
		struct item *p = nebula_zalloc_obj(tmp, *p);

		if (!p || !nebula_owns(tmp, p))
			return -EINVAL;
		nebula_free_obj(tmp, p);
		ret = BY_THE_END;
		if (way == BY_BREAK)
			break;
		if (way == BY_CONTINUE)
			continue;
		if (way == BY_RETURN)
			return BY_RETURN;
		if (way == BY_GOTO)
			goto out;
	}
	return ret;
out:
	return BY_GOTO;
}

/* One allocator inside the block of another, and break binds to the inner block. */
static unsigned int __PASTE(KIND, _blocks_nest)(void)
{
	unsigned int runs = 0;

	WITH(outer) {
		WITH(inner) {
			struct item *p = nebula_alloc_obj(inner, *p);

			runs += nebula_owns(inner, p) && !nebula_owns(outer, p);
			nebula_free_obj(inner, p);
			break;
		}
		WITH(other)
			runs++;
		runs++;
	}
	return runs;
}

static void __PASTE(scope_with_, KIND)(struct kunit *test)
{
	struct nebula_error err;
	enum way way;

	fixture_listen(test);
	for (way = 0; way < WAYS; way++)
		KUNIT_EXPECT_EQ(test, __PASTE(KIND, _block_leaves)(way),
				way == BY_RETURN || way == BY_GOTO ? (int)way : 0);
	KUNIT_EXPECT_EQ(test, __PASTE(KIND, _blocks_nest)(), 3U);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, NULL), 0U);

	/* Without memory the block is left out, and why is recorded. */
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_BACKING_FAILED, NULL), 0U);
	for (way = 0; way < WAYS; way++) {
		nebula_fault_arm(1, UINT_MAX);
		KUNIT_EXPECT_EQ(test, __PASTE(KIND, _block_leaves)(way), -ENOMEM);
		nebula_fault_disarm();
	}
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_BACKING_FAILED, &err), (unsigned int)WAYS);
	KUNIT_EXPECT_GT(test, err.nr_entries, 0U);
	KUNIT_EXPECT_EQ(test, __PASTE(KIND, _block_leaves)(BY_THE_END), 0);
}

#undef WITH
#undef KIND
