/* SPDX-License-Identifier: GPL-2.0-only */
/* What the suites of budgets share. */
#ifndef _NEBULA_KUNIT_BUDGETS_H
#define _NEBULA_KUNIT_BUDGETS_H

#include "../fixture.h"

#define ASSERT_BUDGET(test, b)	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b)
#define EXPECT_USED(test, b, n)	KUNIT_EXPECT_EQ(test, nebula_budget_used(b), (size_t)(n))

static inline struct nebula_budget *budget(struct kunit *test, const char *name, size_t limit,
					   struct nebula_budget *parent)
{
	struct nebula_budget *b = nebula_budget_create(name, .limit = limit, .parent = parent);

	ASSERT_BUDGET(test, b);
	return b;
}

static inline void end(struct kunit *test, struct nebula_budget *b)
{
	KUNIT_EXPECT_EQ(test, nebula_budget_destroy(b), 0);
}

#endif /* _NEBULA_KUNIT_BUDGETS_H */
