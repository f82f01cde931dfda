// SPDX-License-Identifier: GPL-2.0-only
/* Nothing, done many times: what is taken off the other rows. */
#include <linux/minmax.h>
#include "measure.h"

noinline void empty_loop(unsigned int n)
{
	for (; n; n--)
		barrier();
}

/* As the loops that allocate a batch and then give it back at once. */
noinline void empty_batch(unsigned int n)
{
	unsigned int i;

	for (; n; n -= BENCH_BATCH) {
		for (i = BENCH_BATCH; i; i--)
			barrier();
	}
}

/* As the loops that allocate a batch and then free its objects one by one. */
noinline void empty_batch_pair(unsigned int n)
{
	unsigned int i;

	for (; n; n -= BENCH_BATCH) {
		for (i = BENCH_BATCH; i; i--)
			barrier();
		for (i = BENCH_BATCH; i; i--)
			barrier();
	}
}

/* As the loops that do a batch with one call. */
noinline void empty_bulk(unsigned int n)
{
	for (; n; n -= BENCH_BATCH)
		barrier();
}

noinline u64 empty_worst(unsigned int n)
{
	u64 took, worst = 0;

	for (; n; n--) {
		took = bench_time(barrier());
		worst = max(worst, took);
	}
	return worst;
}

static const struct bench_case cases[] = {
	{
		.name = "loop",
		.title = "loop",
		BENCH_RUN(empty_loop),
	}, {
		.name = "worst",
		.title = "reading the clock, worst of 1,000,000",
		BENCH_WORST(empty_worst),
	},
};

const struct bench_table empty_table = {
	.noun = "empty",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
