// SPDX-License-Identifier: GPL-2.0-only
/* The stack allocator, owner and shared. */
#include <linux/err.h>
#include <linux/sizes.h>
#include <nebula/nebula.h>
#include "measure.h"

/* Room for all repeats of a row that gives nothing back. */
#define CAPACITY	SZ_16M

static struct nebula_stack *stack;

static __always_inline void pair(struct nebula_stack *s, size_t size, size_t align)
{
	void *p = nebula_stack_alloc(s, size, align);

	bench_use(p);
	nebula_stack_free(s, p);
}

static __always_inline void pair_variable(struct nebula_stack *s)
{
	size_t size = 64;

	OPTIMIZER_HIDE_VAR(size);
	pair(s, size, 8);
}

static __always_inline void batch(struct nebula_stack *s, unsigned int n)
{
	struct nebula_mark m = nebula_stack_mark(s);
	unsigned int i;

	for (i = n; i; i--)
		bench_use(nebula_stack_alloc(s, 64, 8));
	nebula_stack_restore(s, m);
}

static __always_inline void mark(struct nebula_stack *s)
{
	struct nebula_mark m = nebula_stack_mark(s);

	barrier();
	nebula_stack_restore(s, m);
}

static __always_inline void frame(struct nebula_stack *s)
{
	struct nebula_mark m = nebula_stack_mark(s);

	barrier();
	bench_use(nebula_stack_alloc(s, 64, 8));
	nebula_stack_restore(s, m);
}

/* The inner mark goes with the outer frame, so it is another one each time. */
static __always_inline void frame_in_frame(struct nebula_stack *s)
{
	struct nebula_mark m = nebula_stack_mark(s);

	barrier();
	bench_use(nebula_stack_alloc(s, 64, 8));
	frame(s);
	nebula_stack_restore(s, m);
}

static void clean_up(void *data)
{
	bench_use(data);
}

static __always_inline void defer(struct nebula_stack *s)
{
	struct nebula_mark m = nebula_stack_mark(s);

	nebula_stack_defer(s, clean_up, s);
	nebula_stack_restore(s, m);
}

static DEFINE_BENCH_LOOP(stack_alloc, stack, bench_use(nebula_stack_alloc(it, 64, 8)));
static DEFINE_BENCH_LOOP(stack_pair, stack, pair(it, 64, 8));
static DEFINE_BENCH_LOOP(stack_pair_2k, stack, pair(it, SZ_2K, 8));
static DEFINE_BENCH_LOOP(stack_pair_odd, stack, pair(it, 20, 4));
static DEFINE_BENCH_LOOP(stack_pair_aligned, stack, pair(it, 64, 64));
static DEFINE_BENCH_LOOP(stack_pair_variable, stack, pair_variable(it));
static DEFINE_BENCH_STEPS(stack_batch, stack, BENCH_BATCH, batch(it, BENCH_BATCH));
static DEFINE_BENCH_STEPS(stack_large, stack, BENCH_LARGE, batch(it, BENCH_LARGE));
static DEFINE_BENCH_LOOP(stack_mark_pair, stack, mark(it));
static DEFINE_BENCH_LOOP(stack_defer, stack, defer(it));
static DEFINE_BENCH_LOOP(stack_frame, stack, frame(it));
static DEFINE_BENCH_LOOP(stack_frame_in_frame, stack, frame_in_frame(it));

/* Starts over again and again; in the first round each is higher than any before. */
static __always_inline void start_over(struct nebula_stack *s, unsigned int n)
{
	if (n % BENCH_OPS == 0)
		nebula_stack_reset(s);
}

static __always_inline u64 timed_alloc(struct nebula_stack *s, unsigned int n)
{
	start_over(s, n);
	return bench_time(bench_use(nebula_stack_alloc(s, 64, 8)));
}

static __always_inline u64 timed_free(struct nebula_stack *s, unsigned int n)
{
	void *p;

	start_over(s, n);
	bench_use(nebula_stack_alloc(s, 64, 8));
	p = nebula_stack_alloc(s, 64, 8);
	bench_use(p);
	return bench_time(nebula_stack_free(s, p));
}

/* Every mark is a new one, on an object that lies on the mark before. */
static __always_inline u64 timed_mark(struct nebula_stack *s, unsigned int n)
{
	start_over(s, n);
	bench_use(nebula_stack_alloc(s, 64, 8));
	return bench_time(mark(s));
}

static DEFINE_BENCH_SINGLES(stack_allocs, stack, timed_alloc(it, n));
static DEFINE_BENCH_SINGLES(stack_frees, stack, timed_free(it, n));
static DEFINE_BENCH_SINGLES(stack_marks, stack, timed_mark(it, n));

static int create_owner(void)
{
	stack = nebula_stack_create("bench", .capacity = CAPACITY);
	return PTR_ERR_OR_ZERO(stack);
}

static int create_shared(void)
{
	stack = nebula_stack_create("bench", .capacity = CAPACITY, .flags = NEBULA_SHARED);
	return PTR_ERR_OR_ZERO(stack);
}

/* What is aligned to more than 4 bytes is behind padding. */
static int create_askew(void)
{
	int err = create_owner();

	if (!err)
		bench_use(nebula_stack_alloc(stack, 20, 4));
	return err;
}

static int destroy(void)
{
	struct nebula_stats st;

	nebula_stats_read(stack, &st);
	nebula_stack_destroy(stack);
	return st.failed ? -EINVAL : 0;
}

#define OWNER	.setup = create_owner, .teardown = destroy
#define SHARED	.percpu = true, .setup = create_shared, .teardown = destroy
#define ASKEW	.setup = create_askew, .teardown = destroy

#define SHARED_PAIR	"nebula_stack_alloc_slow,nebula_stack_free_slow," \
			"stack_shared_alloc,stack_shared_pop"

static const struct bench_case cases[] = {
	BENCH_AVERAGE("stack_pair", "stack alloc + free, 64 bytes", stack_pair, OWNER,
		      .target = 22, .peers = "kmalloc_pair"),
	BENCH_AVERAGE("stack_pair_2k", "stack alloc + free, 2048 bytes", stack_pair_2k, OWNER,
		      .target = 22, .peers = "kmalloc_large_pair"),
	BENCH_AVERAGE("stack_pair_odd", "stack alloc + free, 20 bytes", stack_pair_odd, OWNER,
		      .peers = "kmalloc_pair"),
	BENCH_AVERAGE("stack_pair_padding", "stack alloc + free, behind padding",
		      stack_pair_aligned, ASKEW, .target = 60, .peers = "kmalloc_pair",
		      .calls = "nebula_stack_alloc_padded,nebula_stack_free_slow"),
	BENCH_AVERAGE("stack_pair_variable", "stack alloc + free, size not constant",
		      stack_pair_variable, OWNER, .target = 24, .peers = "kmalloc_pair"),
	BENCH_AVERAGE("stack_batch", "mark, 100 stack allocs, restore, each", stack_batch, OWNER,
		      .target = 20, .peers = "kmalloc_batch,page_frag_batch", .base = empty_batch),
	BENCH_AVERAGE("stack_large_batch", "mark, 1000 stack allocs, restore, each", stack_large,
		      OWNER, .target = 20, .peers = "kmalloc_large_batch", .base = empty_large),
	BENCH_AVERAGE("stack_mark", "stack mark + restore", stack_mark_pair, OWNER),
	BENCH_AVERAGE("stack_frame", "stack mark + alloc + restore", stack_frame, OWNER,
		      .peers = "kmalloc_pair"),
	BENCH_AVERAGE("stack_defer", "stack mark, defer a cleanup, restore", stack_defer, OWNER,
		      .target = 450, .peers = "kmalloc_pair",
		      .calls = "nebula_stack_defer,nebula_stack_restore_slow"),
	BENCH_AVERAGE("stack_frame_in_frame", "the same inside such a frame",
		      stack_frame_in_frame, OWNER, .peers = "kmalloc_pair", .base = stack_frame,
		      .calls = "nebula_stack_mark_fresh"),
	BENCH_AVERAGE("stack_alloc_higher", "stack alloc, higher than ever before", stack_alloc,
		      OWNER, .peers = "kmalloc", .calls = "nebula_stack_alloc_higher"),
	BENCH_AVERAGE("stack_shared_pair", "stack alloc + free, shared", stack_pair, SHARED,
		      .peers = "kmalloc_pair", .calls = SHARED_PAIR),
	BENCH_SINGLE("stack_alloc_single", "stack alloc", stack_allocs, OWNER,
		     .target = 60, .peers = "kmalloc_pair_single"),
	BENCH_SINGLE("stack_free_single", "stack free", stack_frees, OWNER,
		     .target = 60, .peers = "kmalloc_pair_single"),
	BENCH_SINGLE("stack_mark_single", "stack mark + restore", stack_marks, OWNER,
		     .target = 60, .peers = "kmalloc_pair_single"),
};

const struct bench_table stack_table = { "stack", cases, ARRAY_SIZE(cases) };
