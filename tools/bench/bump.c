// SPDX-License-Identifier: GPL-2.0-only
/* The bump allocator, owner and shared. */
#include <linux/err.h>
#include <linux/sizes.h>
#include <nebula/nebula.h>
#include "measure.h"

/* Room for all operations of a timed piece, and for the resets whose worst is looked for. */
#define CAPACITY	SZ_16M

/* The objects of a MiB. */
#define MIB_OBJECTS	(SZ_1M / SZ_64K)

static struct nebula_bump *bump;

static __always_inline void *alloc_variable(struct nebula_bump *b)
{
	size_t size = 64;

	OPTIMIZER_HIDE_VAR(size);
	return nebula_bump_alloc(b, size, 8);
}

/* As a parser does with the words that it finds. */
static __always_inline void *alloc_string(struct nebula_bump *b)
{
	size_t size = 20;

	OPTIMIZER_HIDE_VAR(size);
	return nebula_bump_alloc(b, size, 1);
}

/* A header that stays, and work that does not. */
static __always_inline void request(struct nebula_bump *b)
{
	struct nebula_checkpoint cp;

	nebula_bump_reset(b);
	bench_use(nebula_bump_alloc(b, 64, 8));
	cp = nebula_bump_checkpoint(b);
	barrier();
	bench_use(nebula_bump_alloc(b, 64, 8));
	nebula_bump_restore(b, cp);
}

static __always_inline void batch(struct nebula_bump *b, unsigned int n)
{
	unsigned int i;

	for (i = n; i; i--)
		bench_use(nebula_bump_alloc(b, 64, 8));
	nebula_bump_reset(b);
}

static __always_inline void alloc_reset(struct nebula_bump *b)
{
	bench_use(nebula_bump_alloc(b, 64, 8));
	nebula_bump_reset(b);
}

static __always_inline void fill(struct nebula_bump *b)
{
	unsigned int i;

	for (i = MIB_OBJECTS; i; i--)
		bench_use(nebula_bump_alloc(b, SZ_64K, 8));
}

static __always_inline void fill_reset(struct nebula_bump *b)
{
	fill(b);
	nebula_bump_reset(b);
}

static __always_inline void checkpoint(struct nebula_bump *b)
{
	struct nebula_checkpoint cp = nebula_bump_checkpoint(b);

	barrier();
	nebula_bump_restore(b, cp);
}

static __always_inline void checkpoint_alloc(struct nebula_bump *b)
{
	struct nebula_checkpoint cp = nebula_bump_checkpoint(b);

	barrier();
	bench_use(nebula_bump_alloc(b, 64, 8));
	nebula_bump_restore(b, cp);
}

static void clean_up(void *data)
{
	bench_use(data);
}

static __always_inline void defer(struct nebula_bump *b)
{
	struct nebula_checkpoint cp = nebula_bump_checkpoint(b);

	nebula_bump_defer(b, clean_up, b);
	nebula_bump_restore(b, cp);
}

static DEFINE_BENCH_LOOP(bump_alloc, bump, bench_use(nebula_bump_alloc(it, 64, 8)));
static DEFINE_BENCH_LOOP(bump_alloc_odd, bump, bench_use(nebula_bump_alloc(it, 20, 4)));
static DEFINE_BENCH_LOOP(bump_alloc_aligned, bump, bench_use(nebula_bump_alloc(it, 64, 64)));
static DEFINE_BENCH_LOOP(bump_alloc_variable, bump, bench_use(alloc_variable(it)));
static DEFINE_BENCH_LOOP(bump_alloc_string, bump, bench_use(alloc_string(it)));
static DEFINE_BENCH_LOOP(bump_request, bump, request(it));
static DEFINE_BENCH_LOOP(bump_defer, bump, defer(it));
static DEFINE_BENCH_STEPS(bump_batch, bump, BENCH_BATCH, batch(it, BENCH_BATCH));
static DEFINE_BENCH_STEPS(bump_large, bump, BENCH_LARGE, batch(it, BENCH_LARGE));
static DEFINE_BENCH_LOOP(bump_reset, bump, nebula_bump_reset(it));
static DEFINE_BENCH_LOOP(bump_alloc_reset, bump, alloc_reset(it));
static DEFINE_BENCH_LOOP(bump_fill, bump, fill(it));
static DEFINE_BENCH_LOOP(bump_fill_reset, bump, fill_reset(it));
static DEFINE_BENCH_LOOP(bump_checkpoint, bump, checkpoint(it));
static DEFINE_BENCH_LOOP(bump_checkpoint_alloc, bump, checkpoint_alloc(it));

/* Starts over again and again, so that refills and first allocations are among them. */
static __always_inline u64 timed_alloc(struct nebula_bump *b, unsigned int n)
{
	if (n % BENCH_OPS == 0)
		nebula_bump_reset(b);
	return bench_time(bench_use(nebula_bump_alloc(b, 64, 8)));
}

/*
 * Each with more in use than the last, up to a few KiB, so that none is a repetition of it. As
 * shipped the kernel has what is given back cleared, and QEMU counts each byte of that.
 */
static __always_inline u64 timed_reset(struct nebula_bump *b, unsigned int n)
{
	size_t size = (BENCH_SINGLE_OPS - n) % 256 * NEBULA_BUMP_GRAIN + 1;

	bench_use(nebula_bump_alloc(b, size, 8));
	return bench_time(nebula_bump_reset(b));
}

static DEFINE_BENCH_SINGLES(bump_allocs, bump, timed_alloc(it, n));
static DEFINE_BENCH_SINGLES(bump_resets, bump, timed_reset(it, n));

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
#define SHARED		.percpu = true, .setup = create_shared, .undo = reset, .teardown = destroy
/* These give back what they take; the first rewind after a reset would differ from the others. */
#define OWNER_REWINDS	.setup = create_owner, .teardown = destroy

static const struct bench_case cases[] = {
	BENCH_AVERAGE("bump_alloc", "bump alloc, 64 bytes", bump_alloc, OWNER,
		      .target = 7, .peers = "kmalloc,kmalloc_pair,page_frag_pair,cursor_plain"),
	BENCH_AVERAGE("bump_alloc_odd", "bump alloc, 20 bytes aligned to 4", bump_alloc_odd, OWNER,
		      .target = 23, .peers = "kmalloc"),
	BENCH_AVERAGE("bump_alloc_aligned", "bump alloc, 64 bytes aligned to 64",
		      bump_alloc_aligned, OWNER, .peers = "kmalloc"),
	BENCH_AVERAGE("bump_alloc_variable", "bump alloc, size not constant",
		      bump_alloc_variable, OWNER, .target = 17, .peers = "kmalloc"),
	BENCH_AVERAGE("bump_alloc_string", "bump alloc, size not constant, aligned to 1",
		      bump_alloc_string, OWNER, .target = 25, .peers = "kmalloc"),
	BENCH_AVERAGE("bump_batch", "100 bump allocs + reset, each", bump_batch, OWNER,
		      .target = 9, .peers = "kmalloc_batch,page_frag_batch", .base = empty_batch),
	BENCH_AVERAGE("bump_large_batch", "1000 bump allocs + reset, each", bump_large, OWNER,
		      .target = 9, .peers = "kmalloc_large_batch", .base = empty_large),
	BENCH_AVERAGE("bump_reset_empty", "bump reset, nothing in use", bump_reset, OWNER,
		      .target = 12),
	BENCH_AVERAGE("bump_reset", "bump reset, one object in use", bump_alloc_reset, OWNER,
		      .target = 12, .base = bump_alloc, .undo_base = true),
	BENCH_AVERAGE("bump_reset_mib", "bump reset, 1 MiB in use", bump_fill_reset, OWNER,
		      .target = 12, .peers = "kfree_mib", .ops = 10, .rounds = 20,
		      .base = bump_fill, .undo_base = true),
	BENCH_AVERAGE("bump_checkpoint", "bump checkpoint + restore", bump_checkpoint,
		      OWNER_REWINDS, .target = 20),
	BENCH_AVERAGE("bump_checkpoint_alloc", "bump checkpoint + alloc + restore",
		      bump_checkpoint_alloc, OWNER_REWINDS,
		      .peers = "kmalloc_pair,kmem_cache_pair"),
	BENCH_AVERAGE("bump_request", "reset, alloc, checkpoint, alloc, restore", bump_request,
		      OWNER_REWINDS, .target = 60, .peers = "kmalloc_pair"),
	BENCH_AVERAGE("bump_defer", "checkpoint, defer a cleanup, restore", bump_defer,
		      OWNER_REWINDS, .target = 450, .peers = "kmalloc_pair",
		      .calls = "nebula_bump_defer,nebula_bump_restore_slow,nebula_cleanup_push"),
	BENCH_AVERAGE("bump_shared_alloc", "bump alloc, shared, with refills", bump_alloc, SHARED,
		      .target = 16, .peers = "kmalloc,kmalloc_pair"),
	BENCH_SINGLE("bump_alloc_single", "bump alloc", bump_allocs, OWNER,
		     .target = 60, .peers = "kmalloc_pair_single,page_frag_alloc_single"),
	BENCH_SINGLE("bump_reset_single", "bump reset", bump_resets, OWNER,
		     .target = 60, .peers = "kmalloc_pair_single"),
	BENCH_SINGLE("bump_shared_alloc_single", "bump alloc, shared", bump_allocs, SHARED,
		     .peers = "kmalloc_pair_single"),
};

const struct bench_table bump_table = { "bump", cases, ARRAY_SIZE(cases) };
