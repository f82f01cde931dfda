/* SPDX-License-Identifier: GPL-2.0-only */
/* What create refuses. Included twice by misuse_kunit.c. */
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, bump_of("x", .capacity = 0))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, bump_of(NULL, .capacity = SZ_4K))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, bump_of("", .capacity = SZ_4K))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, bump_of("a b", .capacity = SZ_4K))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, bump_of("a/b", .capacity = SZ_4K))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, bump_of(long_name, .capacity = SZ_4K))
ROW(TASK, none, SIZE_OVERFLOW, NONE, -EOVERFLOW, bump_of("x", .capacity = SIZE_MAX))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL,
	bump_of("x", .capacity = SZ_8K, .max_capacity = SZ_4K, .flags = NEBULA_GROW))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, bump_of("x", .capacity = SZ_4K, .retain = SZ_4K))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, bump_of("x", .capacity = SZ_4K, .flags = BIT(31)))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL,
	bump_of("x", .capacity = SZ_4K, .flags = NEBULA_STRICT))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, bump_of("x", .capacity = SZ_4K, .backing = 99))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, bump_of("x", .capacity = SZ_4K, .preset = 99))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, bump_of("x", .capacity = SZ_4K, .gfp = GFP_HIGHUSER))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL,
	bump_of("x", .capacity = SZ_4K, .gfp = GFP_KERNEL | __GFP_NOFAIL))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL,
	bump_of("x", .capacity = SZ_4K, .node = NEBULA_NODE(MAX_NUMNODES)))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, bump_of("x", .buffer = m->outside))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL,
	bump_of("x", .buffer = m->outside, .buffer_size = 64, .flags = NEBULA_GROW))
ROW(IRQS_OFF, none, WRONG_CONTEXT, NONE, -EPERM, bump_of("x", .capacity = SZ_4K))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, pool_of("x", .blocks = 4))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, pool_of("x", .block_size = 64))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, pool_of("a:b", .block_size = 64, .blocks = 4))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL,
	pool_of("x", .block_size = 64, .blocks = 4, .align = 24))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL,
	pool_of("x", .block_size = 64, .blocks = 4, .align = 2 * PAGE_SIZE))
ROW(TASK, none, SIZE_OVERFLOW, NONE, -EOVERFLOW,
	pool_of("x", .block_size = SIZE_MAX / 2, .blocks = 4))
ROW(TASK, none, INVALID_CONFIG, ABOVE_LIMIT, -EINVAL,
	pool_of("x", .block_size = 64, .blocks = 4, .cache_depth = 100000))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL,
	pool_of("x", .block_size = 64, .blocks = 8, .max_blocks = 4, .flags = NEBULA_GROW))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL,
	pool_of("x", .block_size = 64, .blocks = 4, .flags = NEBULA_SHARED))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL,
	pool_of("x", .block_size = 64, .blocks = 4, .buffer = m->outside, .buffer_size = 64))
ROW(IRQS_OFF, none, WRONG_CONTEXT, NONE, -EPERM, pool_of("x", .block_size = 64, .blocks = 4))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, stack_of("x", .capacity = 0))
ROW(TASK, none, SIZE_OVERFLOW, NONE, -EOVERFLOW, stack_of("x", .capacity = SIZE_MAX))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL,
	stack_of("x", .capacity = SZ_4K, .flags = NEBULA_GROW))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, stack_of("x y", .capacity = SZ_4K))
ROW(IRQS_OFF, none, WRONG_CONTEXT, NONE, -EPERM, stack_of("x", .capacity = SZ_4K))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL, scratch_of("x", .per_cpu_size = 0))
ROW(TASK, none, SIZE_OVERFLOW, NONE, -EOVERFLOW, scratch_of("x", .per_cpu_size = SIZE_MAX))
ROW(TASK, none, INVALID_CONFIG, NONE, -EINVAL,
	scratch_of("x", .per_cpu_size = SZ_4K, .flags = NEBULA_GROW))
ROW(IRQS_OFF, none, WRONG_CONTEXT, NONE, -EPERM, scratch_of("x", .per_cpu_size = SZ_1K))
