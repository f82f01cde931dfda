// SPDX-License-Identifier: GPL-2.0-only
/* Nothing, done many times: what is taken off the other rows. */
#include "measure.h"

/* One for each object, as the inner loops of batches. */
static __always_inline void times(unsigned int n)
{
	for (; n; n--)
		barrier();
}

static __always_inline void batch_pair(void)
{
	times(BENCH_BATCH);
	times(BENCH_BATCH);
}

DEFINE_BENCH_LOOP(empty_loop, 0, barrier());
/* As the loops that allocate a batch and then give it back at once. */
DEFINE_BENCH_BATCHES(empty_batch, 0, times(BENCH_BATCH));
/* As the loops that allocate a batch and then free its objects one by one. */
DEFINE_BENCH_BATCHES(empty_batch_pair, 0, batch_pair());
/* As the loops that do a batch with one call. */
DEFINE_BENCH_BATCHES(empty_bulk, 0, barrier());
DEFINE_BENCH_LONGEST(empty_worst, 0, bench_time(barrier()));

static const struct bench_case cases[] = {
	BENCH_AVERAGE("loop", "loop", empty_loop),
	BENCH_WORST("worst", "reading the clock", empty_worst),
};

const struct bench_table empty_table = { "empty", cases, ARRAY_SIZE(cases) };
