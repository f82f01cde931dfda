/* SPDX-License-Identifier: GPL-2.0-only */
/* Wrong calls on budgets. Included twice by misuse_kunit.c. */
ROW(TASK, none, BUDGET_EXCEEDED, NONE, -ENOMEM, nebula_budget_charge(m->budget, SZ_1M))
ROW(TASK, none, BUDGET_EXCEEDED, NONE, -ENOMEM, nebula_budget_charge(m->child, SZ_32K + 1))
ROW(TASK, none, BUDGET_EXCEEDED, NONE, -ENOMEM,
	nebula_budget_charge_gfp(m->budget, SZ_1M, GFP_KERNEL))
ROW(IRQS_OFF, none, BUDGET_EXCEEDED, NONE, -ENOMEM, nebula_budget_charge(m->budget, SZ_1M))
ROW(TASK, none, UNCHARGE_UNDERFLOW, NONE, -ERANGE, nebula_budget_uncharge(m->child, SZ_4K))
ROW(TASK, none, UNCHARGE_UNDERFLOW, NONE, -ERANGE, nebula_budget_uncharge(m->budget, SZ_1M))
ROW(TASK, none, INVALID_CONFIG, ZERO, -EINVAL, nebula_budget_set_limit(m->budget, 0))
ROW(TASK, none, INVALID_CONFIG, ORDER, -EINVAL, nebula_budget_set_thresholds(m->budget, 90, 80))
ROW(TASK, none, INVALID_CONFIG, ABOVE_LIMIT, -EINVAL,
	nebula_budget_set_thresholds(m->budget, 50, 101))
ROW(TASK, none, INVALID_STATE, CHILDREN, -EBUSY, nebula_budget_destroy(m->budget))
ROW(IRQS_OFF, none, WRONG_CONTEXT, NONE, -EPERM, nebula_budget_destroy(m->child))
ROW(TASK, none, INVALID_STATE, CHARGED, -EBUSY, destroy_charged(m->child))
ROW(TASK, none, INVALID_CONFIG, ZERO, -EINVAL, budget_of("x", .limit = 0))
ROW(TASK, none, INVALID_CONFIG, ORDER, -EINVAL,
	budget_of("x", .limit = SZ_4K, .high = 90, .critical = 80))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, budget_of("a b", .limit = SZ_4K))
ROW(IRQS_OFF, none, WRONG_CONTEXT, NONE, -EPERM, budget_of("x", .limit = SZ_4K))
