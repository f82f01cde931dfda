// SPDX-License-Identifier: GPL-2.0-only
/* Nothing, done many times: what is taken off the other rows. */
#include "measure.h"

/* One for each object, as the inner loops of batches. */
static __always_inline void times(unsigned int n)
{
	for (; n; n--)
		barrier();
}

static __always_inline void times_pair(unsigned int n)
{
	times(n);
	times(n);
}

/* What every call costs before it does anything. */
static noinline void nothing(void)
{
	barrier();
}

DEFINE_BENCH_LOOP(empty_loop, 0, barrier());
/* As the loops that allocate a batch and then give it back at once. */
DEFINE_BENCH_STEPS(empty_batch, 0, BENCH_BATCH, times(BENCH_BATCH));
DEFINE_BENCH_STEPS(empty_large, 0, BENCH_LARGE, times(BENCH_LARGE));
/* As the loops that allocate a batch and then free its objects one by one. */
DEFINE_BENCH_STEPS(empty_batch_pair, 0, BENCH_BATCH, times_pair(BENCH_BATCH));
DEFINE_BENCH_STEPS(empty_large_pair, 0, BENCH_LARGE, times_pair(BENCH_LARGE));
/* As the loops that do a batch with one call. */
DEFINE_BENCH_STEPS(empty_bulk, 0, BENCH_BATCH, barrier());
DEFINE_BENCH_SINGLES(empty_singles, 0, bench_time(barrier()));

static DEFINE_BENCH_LOOP(empty_call, 0, nothing());

static const struct bench_case cases[] = {
	BENCH_AVERAGE("loop", "empty loop", empty_loop),
	BENCH_AVERAGE("call", "empty call", empty_call),
	BENCH_SINGLE("clock", "reading the clock", empty_singles),
};

const struct bench_table empty_table = { "empty", cases, ARRAY_SIZE(cases) };
