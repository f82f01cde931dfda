// SPDX-License-Identifier: GPL-2.0-only
/* Allocators that are made and taken down again, beside the kernel's own that can be. */
#include <linux/err.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <nebula/nebula.h>
#include "measure.h"

static int made_none;

/* @p is what create returned. */
static void made(const void *p)
{
	if (IS_ERR_OR_NULL(p))
		made_none = -ENOMEM;
}

static void bump(void)
{
	struct nebula_bump *b = nebula_bump_create("bench_create", .capacity = PAGE_SIZE);

	made(b);
	nebula_bump_destroy(b);
}

static void stack(void)
{
	struct nebula_stack *s = nebula_stack_create("bench_create", .capacity = PAGE_SIZE);

	made(s);
	nebula_stack_destroy(s);
}

static void mempool(void)
{
	mempool_t *p = mempool_create_kmalloc_pool(16, 64);

	made(p);
	mempool_destroy(p);
}

static DEFINE_BENCH_LOOP(creates_bump, 0, bump());
static DEFINE_BENCH_LOOP(creates_stack, 0, stack());
static DEFINE_BENCH_LOOP(creates_mempool, 0, mempool());

static int begin(void)
{
	made_none = 0;
	return 0;
}

static int end(void)
{
	return made_none;
}

#define CREATES	.sleeps = true, .ops = 50, .rounds = 4, .setup = begin, .teardown = end

static const struct bench_case cases[] = {
	BENCH_AVERAGE("create_mempool", "mempool of 16 kmalloc(64), create + destroy",
		      creates_mempool, CREATES),
	BENCH_AVERAGE("create_bump", "bump of a page, create + destroy", creates_bump, CREATES,
		      .target = 5000, .peers = "create_mempool"),
	BENCH_AVERAGE("create_stack", "stack of a page, create + destroy", creates_stack, CREATES,
		      .target = 5000, .peers = "create_mempool"),
};

const struct bench_table create_table = { "create", cases, ARRAY_SIZE(cases) };
