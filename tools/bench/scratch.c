// SPDX-License-Identifier: GPL-2.0-only
/* Per-CPU scratch memory. What is measured has preemption off, as its clients have. */
#include <linux/err.h>
#include <linux/sizes.h>
#include <nebula/nebula.h>
#include "measure.h"

/* Objects that are held at once while the worst is looked for: a part of %BENCH_SINGLE_OPS. */
#define DEPTH	1000

static struct nebula_scratch *scratch;
static void *held[DEPTH];
static unsigned int depth;

static __always_inline void pair(struct nebula_scratch *s, size_t size)
{
	void *p = nebula_scratch_get(s, size, 8);

	bench_use(p);
	nebula_scratch_put(s, p);
}

static __always_inline void pair_variable(struct nebula_scratch *s)
{
	size_t size = 64;

	OPTIMIZER_HIDE_VAR(size);
	pair(s, size);
}

static __always_inline void hold(struct nebula_scratch *s)
{
	CLASS(nebula_scratch, tmp)(s, SZ_2K, 8);

	bench_use(tmp.p);
}

static DEFINE_BENCH_LOOP(scratch_pair, scratch, pair(it, 64));
static DEFINE_BENCH_LOOP(scratch_pair_256, scratch, pair(it, 256));
static DEFINE_BENCH_LOOP(scratch_pair_2k, scratch, pair(it, SZ_2K));
static DEFINE_BENCH_LOOP(scratch_pair_variable, scratch, pair_variable(it));
static DEFINE_BENCH_LOOP(scratch_class, scratch, hold(it));

static __always_inline u64 timed_get(struct nebula_scratch *s)
{
	u64 took = bench_time(bench_use(held[depth] = nebula_scratch_get(s, 64, 8)));

	if (++depth == DEPTH)
		while (depth)
			nebula_scratch_put(s, held[--depth]);
	return took;
}

static __always_inline u64 timed_put(struct nebula_scratch *s)
{
	if (!depth)
		for (; depth < DEPTH; depth++)
			held[depth] = nebula_scratch_get(s, 64, 8);
	depth--;
	return bench_time(nebula_scratch_put(s, held[depth]));
}

static DEFINE_BENCH_SINGLES(scratch_gets, scratch, timed_get(it));
static DEFINE_BENCH_SINGLES(scratch_puts, scratch, timed_put(it));

static int create(void)
{
	scratch = nebula_scratch_create("bench", .per_cpu_size = DEPTH * 128);
	return PTR_ERR_OR_ZERO(scratch);
}

static int destroy(void)
{
	struct nebula_stats st;

	nebula_stats_read(scratch, &st);
	nebula_scratch_destroy(scratch);
	return st.failed || st.live ? -EINVAL : 0;
}

#define SCRATCH		.percpu = true, .setup = create, .teardown = destroy

static const struct bench_case cases[] = {
	BENCH_AVERAGE("scratch_pair", "scratch get + put, 64 bytes", scratch_pair, SCRATCH,
		      .target = 20, .peers = "kmalloc_pair"),
	BENCH_AVERAGE("scratch_pair_256", "scratch get + put, 256 bytes", scratch_pair_256,
		      SCRATCH, .target = 20, .peers = "kmalloc_pair"),
	BENCH_AVERAGE("scratch_pair_2k", "scratch get + put, 2048 bytes", scratch_pair_2k, SCRATCH,
		      .target = 20, .peers = "kmalloc_large_pair"),
	BENCH_AVERAGE("scratch_pair_variable", "scratch get + put, size not constant",
		      scratch_pair_variable, SCRATCH, .target = 30, .peers = "kmalloc_pair"),
	BENCH_AVERAGE("scratch_class", "scratch class, 2048 bytes", scratch_class, SCRATCH,
		      .peers = "kmalloc_large_pair"),
	BENCH_SINGLE("scratch_get_single", "scratch get", scratch_gets, SCRATCH,
		     .target = 60, .peers = "kmalloc_pair_single"),
	BENCH_SINGLE("scratch_put_single", "scratch put", scratch_puts, SCRATCH,
		     .target = 60, .peers = "kmalloc_pair_single"),
};

const struct bench_table scratch_table = { "scratch", cases, ARRAY_SIZE(cases) };
