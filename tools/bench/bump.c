// SPDX-License-Identifier: GPL-2.0-only
/* The bump allocator, owner and shared. */
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <nebula/nebula.h>
#include "measure.h"

/* Room for all operations of a timed piece, and for the resets whose worst is looked for. */
#define CAPACITY	SZ_16M

static struct nebula_bump *bump;

static noinline void bump_alloc(unsigned int n)
{
	struct nebula_bump *b = bump;

	for (; n; n--)
		bench_use(nebula_bump_alloc(b, 64, 8));
}

static noinline void bump_alloc_odd(unsigned int n)
{
	struct nebula_bump *b = bump;

	for (; n; n--)
		bench_use(nebula_bump_alloc(b, 20, 4));
}

static noinline void bump_alloc_aligned(unsigned int n)
{
	struct nebula_bump *b = bump;

	for (; n; n--)
		bench_use(nebula_bump_alloc(b, 64, 64));
}

static noinline void bump_alloc_variable(unsigned int n)
{
	struct nebula_bump *b = bump;
	size_t size = 64;

	for (; n; n--) {
		OPTIMIZER_HIDE_VAR(size);
		bench_use(nebula_bump_alloc(b, size, 8));
	}
}

static noinline void bump_batch(unsigned int n)
{
	struct nebula_bump *b = bump;
	unsigned int i;

	for (; n; n -= BENCH_BATCH) {
		for (i = BENCH_BATCH; i; i--)
			bench_use(nebula_bump_alloc(b, 64, 8));
		nebula_bump_reset(b);
	}
}

static noinline void bump_reset(unsigned int n)
{
	struct nebula_bump *b = bump;

	for (; n; n--) {
		nebula_bump_reset(b);
		barrier();
	}
}

static noinline void bump_alloc_reset(unsigned int n)
{
	struct nebula_bump *b = bump;

	for (; n; n--) {
		bench_use(nebula_bump_alloc(b, 64, 8));
		nebula_bump_reset(b);
		barrier();
	}
}

static noinline void bump_checkpoint(unsigned int n)
{
	struct nebula_bump *b = bump;
	struct nebula_checkpoint cp;

	for (; n; n--) {
		cp = nebula_bump_checkpoint(b);
		barrier();
		nebula_bump_restore(b, cp);
		barrier();
	}
}

static noinline void bump_checkpoint_alloc(unsigned int n)
{
	struct nebula_bump *b = bump;
	struct nebula_checkpoint cp;

	for (; n; n--) {
		cp = nebula_bump_checkpoint(b);
		barrier();
		bench_use(nebula_bump_alloc(b, 64, 8));
		nebula_bump_restore(b, cp);
		barrier();
	}
}

/* Starts over again and again, so that refills and first allocations are among them. */
static noinline u64 bump_alloc_worst(unsigned int n)
{
	struct nebula_bump *b = bump;
	u64 took, worst = 0;

	for (; n; n--) {
		took = bench_time(bench_use(nebula_bump_alloc(b, 64, 8)));
		worst = max(worst, took);
		if (n % BENCH_OPS == 1)
			nebula_bump_reset(b);
	}
	return worst;
}

/* Each with more in use than ever before, so that none is a repetition of the last. */
static noinline u64 bump_reset_worst(unsigned int n)
{
	struct nebula_bump *b = bump;
	u64 took, worst = 0;
	size_t size = 0;

	for (; n; n--) {
		size += NEBULA_BUMP_GRAIN;
		bench_use(nebula_bump_alloc(b, size, 8));
		took = bench_time(nebula_bump_reset(b));
		worst = max(worst, took);
	}
	return worst;
}

static int create_owner(void)
{
	bump = nebula_bump_create("bench", .capacity = CAPACITY);
	return PTR_ERR_OR_ZERO(bump);
}

static int create_shared(void)
{
	bump = nebula_bump_create("bench", .capacity = CAPACITY, .flags = NEBULA_SHARED);
	return PTR_ERR_OR_ZERO(bump);
}

static void reset(void)
{
	nebula_bump_reset(bump);
}

static int destroy(void)
{
	struct nebula_stats st;

	nebula_stats_read(bump, &st);
	nebula_bump_destroy(bump);
	return st.failed ? -ENOMEM : 0;
}

#define OWNER		.setup = create_owner, .undo = reset, .teardown = destroy
#define SHARED		.setup = create_shared, .undo = reset, .teardown = destroy
/* These give back what they take; the first rewind after a reset would differ from the others. */
#define OWNER_REWINDS	.setup = create_owner, .teardown = destroy

#define OUT_OF_LINE	"nebula_bump_alloc_outline,bump_owner_alloc"

static const struct bench_case cases[] = {
	{
		.name = "bump_alloc",
		.title = "bump alloc, 64 bytes",
		.peers = "kmalloc,kmalloc_pair",
		.target = 7,
		BENCH_RUN(bump_alloc), OWNER,
	}, {
		.name = "bump_alloc_odd",
		.title = "bump alloc, 20 bytes aligned to 4",
		.peers = "kmalloc",
		BENCH_RUN(bump_alloc_odd), OWNER,
		.calls = OUT_OF_LINE,
	}, {
		.name = "bump_alloc_aligned",
		.title = "bump alloc, 64 bytes aligned to 64",
		.peers = "kmalloc",
		BENCH_RUN(bump_alloc_aligned), OWNER,
	}, {
		.name = "bump_alloc_variable",
		.title = "bump alloc, size not constant",
		.peers = "kmalloc",
		BENCH_RUN(bump_alloc_variable), OWNER,
		.calls = OUT_OF_LINE,
	}, {
		.name = "bump_batch",
		.title = "100 bump allocs + reset, each",
		.peers = "kmalloc_batch",
		.target = 9,
		BENCH_RUN(bump_batch), OWNER,
		.base = empty_batch,
	}, {
		.name = "bump_reset_empty",
		.title = "bump reset, nothing in use",
		.target = 12,
		BENCH_RUN(bump_reset), OWNER,
	}, {
		.name = "bump_reset",
		.title = "bump reset, one object in use",
		.target = 12,
		BENCH_RUN(bump_alloc_reset), OWNER,
		.base = bump_alloc,
	}, {
		.name = "bump_checkpoint",
		.title = "bump checkpoint + restore",
		.target = 20,
		BENCH_RUN(bump_checkpoint), OWNER_REWINDS,
	}, {
		.name = "bump_checkpoint_alloc",
		.title = "bump checkpoint + alloc + restore",
		.peers = "kmalloc_pair,kmem_cache_pair",
		BENCH_RUN(bump_checkpoint_alloc), OWNER_REWINDS,
	}, {
		.name = "bump_shared_alloc",
		.title = "bump alloc, shared, with refills",
		.peers = "kmalloc,kmalloc_pair",
		.target = 16,
		BENCH_RUN(bump_alloc), SHARED,
	}, {
		.name = "bump_alloc_worst",
		.title = "worst of 1,000,000: bump alloc",
		.peers = "kmalloc_pair_worst",
		.target = 60,
		BENCH_WORST(bump_alloc_worst), OWNER,
	}, {
		.name = "bump_reset_worst",
		.title = "worst of 1,000,000: bump reset",
		.peers = "kmalloc_pair_worst",
		.target = 60,
		BENCH_WORST(bump_reset_worst), OWNER,
	}, {
		.name = "bump_shared_alloc_worst",
		.title = "worst of 1,000,000: bump alloc, shared",
		.peers = "kmalloc_pair_worst",
		BENCH_WORST(bump_alloc_worst), SHARED,
	},
};

const struct bench_table bump_table = {
	.noun = "bump",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
