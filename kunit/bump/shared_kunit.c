// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bump allocator, shared mode: every CPU, in task, softirq and hardirq context at once; an NMI
 * inside every instruction of the fast path; growth ahead of need.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/workqueue.h>
#include "../../module/bump/hooks.h"
#include "../../module/compat.h"
#include "../../module/core/chunk.h"
#include "../../module/core/inject.h"
#include "../fixture.h"
#include "../probes.h"
#include "../worker.h"

#define CAPACITY	SZ_1M
#define OBJECTS_MAX	65536

/* An object that was handed out. */
struct handed {
	void *p;	/* where */
	u32 size;	/* bytes */
};

/* All objects that were handed out, by anyone. */
struct record {
	struct nebula_bump *bump;	/* by whom */
	atomic_t next;			/* Entries of @objects in use. Any context. */
	atomic_t in_hardirq;		/* how many of them in hard interrupts */
	atomic_t in_nmi;		/* how many of them in NMIs */
	struct handed *objects;		/* the objects, each stamped with its index */
};

static struct record *record_create(struct kunit *test, struct nebula_bump *b)
{
	struct record *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	ASSERT_BUMP(test, b);
	KUNIT_ASSERT_NOT_NULL(test, r);
	r->bump = b;
	r->objects = vzalloc(array_size(OBJECTS_MAX, sizeof(*r->objects)));
	KUNIT_ASSERT_NOT_NULL(test, r->objects);
	return r;
}

static bool record_add(struct record *r, void *p, u32 size)
{
	int i;

	if (!p)
		return false;
	i = atomic_fetch_inc(&r->next);
	if (i >= OBJECTS_MAX)
		return false;
	if (in_nmi())
		atomic_inc(&r->in_nmi);
	else if (in_hardirq())
		atomic_inc(&r->in_hardirq);
	fixture_stamp(p, size, i);
	r->objects[i] = (struct handed){ p, size };
	return true;
}

/* One that takes the inline path, one that does not. */
static bool record_alloc(struct record *r, u32 random)
{
	u32 size = 1 + random % 200;

	if (random & 0x10000)
		return record_add(r, nebula_bump_alloc(r->bump, 64, 8), 64);
	return record_add(r, nebula_bump_alloc(r->bump, size, 1UL << (random >> 20) % 7), size);
}

static int record_count(const struct record *r)
{
	return min(atomic_read(&r->next), OBJECTS_MAX);
}

/* Every object still has its own content. */
static void record_verify_content(struct kunit *test, struct record *r)
{
	int i;

	for (i = 0; i < record_count(r); i++) {
		if (!fixture_stamped(r->objects[i].p, r->objects[i].size, i)) {
			KUNIT_FAIL(test, "object %d of %d was overwritten", i, record_count(r));
			break;
		}
	}
}

/* And the statistics know of each. */
static void record_verify(struct kunit *test, struct record *r)
{
	struct nebula_stats st;
	u64 asked = 0;
	int i;

	record_verify_content(test, r);
	for (i = 0; i < record_count(r); i++)
		asked += r->objects[i].size;
	nebula_stats_read(r->bump, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, (u64)record_count(r));
	KUNIT_EXPECT_EQ(test, st.bytes_in, asked);
	KUNIT_EXPECT_EQ(test, st.used, asked + st.padding);
	KUNIT_EXPECT_EQ(test, st.used + st.available, st.capacity);
}

static void record_destroy(struct record *r)
{
	vfree(r->objects);
	nebula_bump_destroy(r->bump);
}

/* One CPU at work. */
struct cpu_worker {
	struct record *record;		/* where its objects go */
	struct hrtimer timer;		/* allocates in hard interrupts while the thread works */
	struct rnd_state random;	/* for the timer */
	struct completion done;		/* the thread has ended */
};

static enum hrtimer_restart allocate_in_hardirq(struct hrtimer *timer)
{
	struct cpu_worker *w = container_of(timer, struct cpu_worker, timer);
	int i;

	for (i = 0; i < 4; i++)
		record_alloc(w->record, prandom_u32_state(&w->random));
	hrtimer_forward_now(timer, ns_to_ktime(50 * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static int allocate_until_full(void *data)
{
	struct cpu_worker *w = data;
	struct rnd_state random;
	unsigned int refused = 0;

	prandom_seed_state(&random, FIXTURE_SEED + raw_smp_processor_id());
	hrtimer_start(&w->timer, ns_to_ktime(50 * NSEC_PER_USEC), HRTIMER_MODE_REL_PINNED_HARD);
	while (refused < 3 && atomic_read(&w->record->next) < OBJECTS_MAX) {
		refused += !record_alloc(w->record, prandom_u32_state(&random));
		cond_resched();
	}
	hrtimer_cancel(&w->timer);
	complete(&w->done);
	return 0;
}

static void cpu_worker_start(struct kunit *test, struct cpu_worker *w, struct record *r,
			     int cpu)
{
	struct task_struct *task;

	w->record = r;
	init_completion(&w->done);
	prandom_seed_state(&w->random, FIXTURE_SEED ^ cpu);
	compat_hrtimer_setup(&w->timer, allocate_in_hardirq, CLOCK_MONOTONIC,
			     HRTIMER_MODE_REL_PINNED_HARD);
	task = kthread_create(allocate_until_full, w, "nebula_shared/%d", cpu);
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	kthread_bind(task, cpu);
	wake_up_process(task);
}

static void run_all_cpus(struct kunit *test, struct record *r)
{
	struct cpu_worker *workers = kunit_kcalloc(test, nr_cpu_ids, sizeof(*workers), GFP_KERNEL);
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, workers);
	cpus_read_lock();
	for_each_online_cpu(cpu)
		cpu_worker_start(test, &workers[cpu], r, cpu);
	for_each_online_cpu(cpu)
		wait_for_completion(&workers[cpu].done);
	cpus_read_unlock();
}

static void shared_by_all_cpus_and_interrupts(struct kunit *test)
{
	struct record *r = record_create(test, nebula_bump_create("shared", .capacity = CAPACITY,
								  .flags = NEBULA_SHARED));

	run_all_cpus(test, r);
	kunit_info(test, "%d objects, %d of them in hard interrupts, on %u CPUs\n", record_count(r),
		   atomic_read(&r->in_hardirq), num_online_cpus());
	KUNIT_EXPECT_GT(test, atomic_read(&r->in_hardirq), 0);
	/* Nothing was refused while it would have fitted: less is left than the CPUs hold back. */
	KUNIT_EXPECT_LT(test, nebula_bump_available(r->bump), CAPACITY / 8 + 200UL);
	record_verify(test, r);
	record_destroy(r);
}

static void shared_out_of_line(struct kunit *test)
{
	struct record *r =
		record_create(test, nebula_bump_create("shared", .capacity = CAPACITY,
						       .flags = NEBULA_SHARED | NEBULA_ZERO));

	run_all_cpus(test, r);
	record_verify(test, r);
	record_destroy(r);
}

/* Every object is pushed onto one list, from everywhere; all of them are found again. */
static void shared_guarded(struct kunit *test)
{
	struct nebula_bump *b =
		nebula_bump_create("shared", .capacity = CAPACITY, .flags = NEBULA_SHARED,
				   .preset = NEBULA_DEVELOPMENT);
	struct record *r = record_create(test, b);
	struct nebula_stats st;
	struct handed *last;

	run_all_cpus(test, r);
	record_verify(test, r);
	nebula_bump_reset(b);
	nebula_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.failed, st.failures[NEBULA_E_OUT_OF_MEMORY]);

	atomic_set(&r->next, 0);
	run_all_cpus(test, r);
	last = &r->objects[record_count(r) / 2];
	((u8 *)last->p)[last->size] ^= 1;
	nebula_bump_reset(b);
	nebula_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_CORRUPTION], 1ULL);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_USE_AFTER_FREE], 0ULL);
	record_destroy(r);
}

static void shared_growing(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("shared", .capacity = SZ_64K,
						   .max_capacity = SZ_2M,
						   .flags = NEBULA_SHARED | NEBULA_GROW);
	struct record *r = record_create(test, b);
	unsigned int round;

	/* An allocation that outruns growth is refused and retried: that is the contract. */
	for (round = 0; round < 50 && nebula_bump_capacity(r->bump) < SZ_1M; round++) {
		run_all_cpus(test, r);
		nebula_bump_reserve(r->bump, SZ_64K, GFP_KERNEL);
	}
	KUNIT_EXPECT_GE(test, nebula_bump_capacity(r->bump), (size_t)SZ_1M);
	KUNIT_EXPECT_LE(test, nebula_bump_capacity(r->bump), (size_t)SZ_2M);
	record_verify(test, r);
	record_destroy(r);
}

static struct nebula_bump *bump_growing_by(struct kunit *test, size_t capacity,
					   enum nebula_backing backing)
{
	struct nebula_bump *b =
		nebula_bump_create("shared", .capacity = capacity, .max_capacity = SZ_1M,
				   .backing = backing, .flags = NEBULA_SHARED | NEBULA_GROW);

	ASSERT_BUMP(test, b);
	return b;
}

/* Never in place, as that takes pages. */
static struct nebula_bump *bump_growing(struct kunit *test, size_t capacity)
{
	return bump_growing_by(test, capacity, NEBULA_VMALLOC);
}

/* An allocation that outruns the worker adds pages, as long as there is room for them. */
static void shared_grows_in_place(struct kunit *test)
{
	struct nebula_bump *b = bump_growing_by(test, SZ_16K, NEBULA_AUTO);
	struct nebula_error err;
	unsigned int n;

	nebula_growth_hold(b);
	for (n = 0; nebula_bump_alloc(b, 500, 8); n++)
		;
	KUNIT_EXPECT_GT(test, n, 1900U);
	KUNIT_EXPECT_EQ(test, nebula_bump_capacity(b), (size_t)SZ_1M);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	KUNIT_EXPECT_EQ(test, err.detail, NEBULA_D_AT_LIMIT);
	nebula_growth_release(b);
	nebula_growth_flush(b);
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	nebula_bump_reset(b);
	nebula_chunks_flush();
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 1);
	nebula_bump_destroy(b);
}

/* An object larger than what one grows by in place, and one larger than all that is left. */
static void shared_grows_in_place_for_large_ones(struct kunit *test)
{
	struct nebula_bump *b = bump_growing_by(test, SZ_16K, NEBULA_AUTO);

	nebula_growth_hold(b);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, SZ_128K, SZ_4K));
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 500, 8));
	nebula_growth_release(b);
	nebula_bump_destroy(b);
}

/* The same with interrupts off, where the kernel has memory without a lock. */
static void shared_grows_with_interrupts_off(struct kunit *test)
{
	struct nebula_bump *b = bump_growing_by(test, SZ_16K, NEBULA_AUTO);
	unsigned long flags;
	unsigned int n;

	nebula_growth_hold(b);
	local_irq_save(flags);
	for (n = 0; nebula_bump_alloc(b, 500, 8); n++)
		;
	local_irq_restore(flags);
	if (fixture_has_nolock())
		KUNIT_EXPECT_GT(test, n, 40U);
	else
		KUNIT_EXPECT_LE(test, n, 32U);
	nebula_growth_release(b);
	nebula_growth_flush(b);
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	nebula_bump_destroy(b);
	KUNIT_EXPECT_EQ(test, fixture_regions(test), 0);
}

static void shared_grows_ahead_of_need(struct kunit *test)
{
	struct nebula_bump *b = bump_growing(test, SZ_64K);
	unsigned int i;

	/* Each turn takes less than the low water mark, then lets the worker run. */
	for (i = 0; i < 60; i++) {
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, SZ_8K, 8));
		nebula_growth_flush(b);
	}
	KUNIT_EXPECT_EQ(test, fixture_last_code(&b->common), NEBULA_OK);
	KUNIT_EXPECT_GT(test, nebula_bump_capacity(b), (size_t)SZ_256K);
	nebula_bump_destroy(b);
}

/*
 * In atomic context the worker cannot get in between: growth is outrun, and the record says that
 * it is on its way.
 */
static void shared_growth_is_outrun(struct kunit *test)
{
	struct nebula_bump *b = bump_growing(test, SZ_16K);
	struct nebula_error err;
	unsigned long flags;

	nebula_growth_hold(b);
	local_irq_save(flags);
	while (nebula_bump_alloc(b, 512, 8))
		;
	local_irq_restore(flags);
	KUNIT_ASSERT_TRUE(test, nebula_last_error(b, &err));
	KUNIT_EXPECT_EQ(test, err.code, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_TRUE(test, err.growth_pending);
	KUNIT_EXPECT_EQ(test, err.detail, NEBULA_D_OUTRUN);
	nebula_growth_release(b);
	nebula_growth_flush(b);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 512, 8));
	nebula_bump_destroy(b);
}

static void shared_growth_fails(struct kunit *test)
{
	struct nebula_bump *b = bump_growing(test, SZ_16K);
	struct nebula_stats st;

	nebula_fault_arm(1, 100);
	while (nebula_bump_alloc(b, 512, 8))
		;
	nebula_growth_flush(b);
	nebula_fault_disarm();
	nebula_stats_read(b, &st);
	KUNIT_EXPECT_GE(test, st.failures[NEBULA_E_BACKING_FAILED], 1ULL);
	KUNIT_EXPECT_EQ(test, nebula_bump_capacity(b), (size_t)SZ_16K);
	/* The next that is refused kicks it again. */
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, 512, 8));
	nebula_growth_flush(b);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 512, 8));
	nebula_bump_destroy(b);
}

/* A walk through the chain of a shared allocator, again and again. */
struct walk {
	struct nebula_bump *bump;
	/* a composite with it as its first part; each free asks the parts whose the block is */
	struct nebula_allocator *fallback;
	bool over;	/* no more turns */
};

static void walk_chain(void *data)
{
	struct walk *w = data;

	while (!READ_ONCE(w->over)) {
		nebula_bump_owns(w->bump, w);
		nebula_allocator_owns(w->fallback, w);
		nebula_bump_available(w->bump);
		cond_resched();
	}
}

/* Owns and free are legal in any context, also while a reset drops regions. */
static void shared_is_walked_while_it_is_reset(struct kunit *test)
{
	struct walk w = { .bump = bump_growing(test, SZ_4K) };
	struct worker walker;
	unsigned int round, i;
	void *p = NULL;

	w.fallback = nebula_fallback_create("both", w.bump, nebula_system_allocator());
	KUNIT_ASSERT_FALSE(test, IS_ERR(w.fallback));
	worker_start(test, &walker, WORKER_ANYWHERE, walk_chain, &w);
	for (round = 0; round < 200; round++) {
		for (i = 0; i < 4; i++)
			nebula_bump_reserve(w.bump, nebula_bump_capacity(w.bump) + 1, GFP_KERNEL);
		p = nebula_bump_alloc(w.bump, 64, 8);
		nebula_free(w.fallback, p);
		nebula_bump_reset(w.bump);
	}
	WRITE_ONCE(w.over, true);
	worker_join(&walker);
	KUNIT_EXPECT_NOT_NULL(test, p);
	nebula_composite_destroy(w.fallback);
	nebula_bump_destroy(w.bump);
}

static void shared_large_and_aligned(struct kunit *test)
{
	struct nebula_bump *b =
		nebula_bump_create("shared", .capacity = CAPACITY, .flags = NEBULA_SHARED);
	size_t align, size;
	void *p;

	ASSERT_BUMP(test, b);
	for (align = 1; align <= SZ_64K; align *= 2) {
		for (size = 1; size <= SZ_64K; size = size * 3 + 1) {
			p = nebula_bump_alloc(b, size, align);
			KUNIT_ASSERT_NOT_NULL(test, p);
			KUNIT_ASSERT_TRUE(test, IS_ALIGNED((unsigned long)p, align));
			memset(p, 0x3c, size);
			nebula_bump_reset(b);
		}
	}
	p = nebula_bump_alloc(b, CAPACITY, 8);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, 1, 1));
	nebula_bump_reset(b);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, CAPACITY + 1, 8));
	EXPECT_ERROR(test, b, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SIZE_MAX - 7, 8));
	EXPECT_ERROR(test, b, NEBULA_E_SIZE_OVERFLOW);
	nebula_bump_destroy(b);
}

/*
 *	| sub-chunks |     free     | aligned objects, from the top |
 *
 * Alignment must not take the top below the bottom.
 */
static void shared_top_meets_bottom(struct kunit *test)
{
	struct nebula_bump *b =
		nebula_bump_create("shared", .capacity = SZ_64K, .flags = NEBULA_SHARED);
	struct record *r = record_create(test, b);
	unsigned int small, large;

	for (small = 0; small < 4; small++) {
		while (nebula_bump_available(b) > SZ_64K - (small + 1) * 5000UL)
			KUNIT_ASSERT_TRUE(test, record_add(r, nebula_bump_alloc(b, 64, 8), 64));
		for (large = 0; large < 3; large++)
			record_add(r, nebula_bump_alloc(b, 2048, SZ_8K), 2048);
	}
	while (record_add(r, nebula_bump_alloc(b, 16, SZ_8K), 16))
		;
	while (record_add(r, nebula_bump_alloc(b, 64, 8), 64))
		;
	record_verify(test, r);
	record_destroy(r);
}

static void shared_reset(struct kunit *test)
{
	struct nebula_bump *b =
		nebula_bump_create("shared", .capacity = SZ_64K, .flags = NEBULA_SHARED);
	unsigned int round, n, first = 0;
	struct nebula_stats st;

	ASSERT_BUMP(test, b);
	for (round = 0; round < 3; round++) {
		for (n = 0; nebula_bump_alloc(b, 64, 8); n++)
			;
		first = first ?: n;
		KUNIT_EXPECT_EQ(test, n, first);
		nebula_bump_reset(b);
		KUNIT_EXPECT_EQ(test, nebula_bump_used(b), (size_t)0);
	}
	nebula_stats_read(b, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, 3ULL * first);
	KUNIT_EXPECT_EQ(test, st.frees, 3ULL * first);
	KUNIT_EXPECT_EQ(test, st.resets, 3ULL);
	KUNIT_EXPECT_EQ(test, st.bytes_in, 3ULL * first * 64);
	KUNIT_EXPECT_GE(test, st.peak, 64ULL * first);
	nebula_bump_destroy(b);
}

/* As large as an owner's: its sub-chunks are aligned with no more memory. */
static void shared_on_the_largest_block(struct kunit *test)
{
	const size_t most = PAGE_SIZE << COMPAT_MAX_PAGE_ORDER;
	struct nebula_bump *b = nebula_bump_create("shared", .capacity = most,
						   .backing = NEBULA_PAGES,
						   .flags = NEBULA_SHARED);

	ASSERT_BUMP(test, b);
	KUNIT_EXPECT_EQ(test, nebula_bump_capacity(b), most);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	nebula_bump_destroy(b);
}

#ifdef CONFIG_HOTPLUG_CPU

static long allocate_one(void *data)
{
	return !!nebula_bump_alloc(data, 64, 8);
}

/*
 * What a CPU has left of its sub-chunk when it goes offline serves the others; what does not, is
 * not shown as available.
 */
static void shared_takes_over_from_a_dead_cpu(struct kunit *test)
{
	const int here = fixture_cpu(), there = fixture_other_cpu(test);
	struct nebula_bump *b =
		nebula_bump_create("shared", .capacity = SZ_64K, .flags = NEBULA_SHARED);
	struct nebula_stats st;
	unsigned int round, n;

	ASSERT_BUMP(test, b);
	for (round = 0; round < 2; round++) {
		KUNIT_EXPECT_EQ(test, work_on_cpu(there, allocate_one, b), 1L);
		/* In the second round this CPU has more than the other one. */
		if (round)
			KUNIT_EXPECT_EQ(test, work_on_cpu(here, allocate_one, b), 1L);
		for (n = 0; round && n < 3; n++)
			KUNIT_EXPECT_EQ(test, work_on_cpu(there, allocate_one, b), 1L);
		KUNIT_ASSERT_EQ(test, remove_cpu(there), 0);
		while (work_on_cpu(here, allocate_one, b))
			;
		KUNIT_EXPECT_LT(test, nebula_bump_available(b), (size_t)64);
		nebula_stats_read(b, &st);
		KUNIT_EXPECT_EQ(test, st.bytes_in, 64 * st.allocs);
		KUNIT_EXPECT_EQ(test, st.used, st.bytes_in + st.padding - st.bytes_out);
		KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
		KUNIT_ASSERT_EQ(test, add_cpu(there), 0);
		nebula_bump_reset(b);
	}
	nebula_bump_destroy(b);
}

#else

static void shared_takes_over_from_a_dead_cpu(struct kunit *test)
{
	kunit_skip(test, "this kernel has no CPU hotplug");
}

#endif

static void shared_has_no_checkpoints(struct kunit *test)
{
	struct nebula_bump *b =
		nebula_bump_create("shared", .capacity = SZ_64K, .flags = NEBULA_SHARED);
	struct nebula_checkpoint cp;

	ASSERT_BUMP(test, b);
	cp = nebula_bump_checkpoint(b);
	EXPECT_ERROR(test, b, NEBULA_E_INVALID_STATE);
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), -EINVAL);
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	nebula_bump_destroy(b);
}

static void shared_realloc(struct kunit *test)
{
	struct nebula_bump *b =
		nebula_bump_create("shared", .capacity = SZ_64K, .flags = NEBULA_SHARED);
	u8 *p, *q;

	ASSERT_BUMP(test, b);
	migrate_disable();
	p = nebula_bump_alloc(b, 20, 1);
	KUNIT_ASSERT_NOT_NULL(test, p);
	fixture_stamp(p, 20, 9);
	q = nebula_bump_realloc(b, p, 20, 200, 1);
	migrate_enable();
	KUNIT_EXPECT_PTR_EQ(test, p, q);
	q = nebula_bump_realloc(b, q, 200, SZ_16K, 1);
	KUNIT_ASSERT_NOT_NULL(test, q);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(q, 20, 9));
	nebula_bump_destroy(b);
}

static void shared_on_a_buffer(struct kunit *test)
{
	u8 *buffer = kunit_kzalloc(test, SZ_8K, GFP_KERNEL);
	struct nebula_bump *b = nebula_bump_create("shared", .buffer = buffer + 1,
						   .buffer_size = SZ_8K - 1,
						   .flags = NEBULA_SHARED);
	unsigned int n;

	ASSERT_BUMP(test, b);
	for (n = 0; nebula_bump_alloc(b, 16, 8); n++)
		;
	KUNIT_EXPECT_GT(test, n, SZ_8K / 16U - 64);
	nebula_bump_destroy(b);
}

#ifdef HAVE_PROBES

/* The fast path alone, so that each of its instructions can be interrupted. */
static noinline void *fast_path(struct nebula_bump *b)
{
	return nebula_bump_alloc(b, 64, 8);
}

/* Where a nested allocation is recorded. */
static struct record *nested;

static int allocate_nested(struct kprobe *kp, struct pt_regs *regs)
{
	record_add(nested, nebula_bump_alloc(nested->bump, 64, 8), 64);
	return 0;
}

/* Allocates while the instruction is interrupted by another allocation, again and again. */
static bool interrupt_at(struct kunit *test, struct record *r, struct kprobe *probe)
{
	const int turns = 12;
	int done, turn;

	if (enable_kprobe(probe))
		return false;
	for (turn = 0; turn < turns; turn++)
		record_add(r, fast_path(r->bump), 64);
	disable_kprobe(probe);

	record_verify_content(test, r);
	done = record_count(r);
	atomic_set(&r->next, 0);
	nebula_bump_reset(r->bump);
	return done > turns;
}

static void expect_nesting(struct kunit *test, unsigned long function, size_t capacity)
{
	struct nebula_bump *b =
		nebula_bump_create("shared", .capacity = capacity, .flags = NEBULA_SHARED);
	struct record *r = record_create(test, b);
	unsigned int i, points = 0;
	struct probes ps;

	nested = r;
	probes_create(test, &ps, function, allocate_nested);
	for (i = 0; i < ps.n; i++)
		points += interrupt_at(test, r, ps.list[i]);
	kunit_info(test, "%u of %u instructions interrupted, %d allocations in NMI\n", points, ps.n,
		   atomic_read(&r->in_nmi));
	probes_destroy(&ps);
	KUNIT_EXPECT_GE(test, points, 10U);
	KUNIT_EXPECT_GT(test, atomic_read(&r->in_nmi), 0);
	record_destroy(r);
}

static void shared_interrupted_at_each_instruction(struct kunit *test)
{
	expect_nesting(test, (unsigned long)fast_path, SZ_64K);
}

/* Sub-chunks of the smallest size, so that every third allocation takes a new one. */
static void shared_interrupted_while_refilling(struct kunit *test)
{
	const unsigned long alloc = probes_function(nebula_bump_alloc_slow,
						    "bump_shared_alloc", 0);

	KUNIT_ASSERT_NE(test, alloc, 0UL);
	expect_nesting(test, alloc, SZ_8K);
}

#else

static void shared_interrupted_at_each_instruction(struct kunit *test)
{
	kunit_skip(test, "this kernel has no kprobes or no breakpoints");
}

static void shared_interrupted_while_refilling(struct kunit *test)
{
	kunit_skip(test, "this kernel has no kprobes or no breakpoints");
}

#endif

static struct kunit_case cases[] = {
	KUNIT_CASE(shared_by_all_cpus_and_interrupts),
	KUNIT_CASE(shared_out_of_line),
	KUNIT_CASE(shared_guarded),
	KUNIT_CASE(shared_growing),
	KUNIT_CASE(shared_grows_in_place),
	KUNIT_CASE(shared_grows_in_place_for_large_ones),
	KUNIT_CASE(shared_grows_with_interrupts_off),
	KUNIT_CASE(shared_grows_ahead_of_need),
	KUNIT_CASE(shared_growth_is_outrun),
	KUNIT_CASE(shared_growth_fails),
	KUNIT_CASE(shared_is_walked_while_it_is_reset),
	KUNIT_CASE(shared_large_and_aligned),
	KUNIT_CASE(shared_top_meets_bottom),
	KUNIT_CASE(shared_reset),
	KUNIT_CASE(shared_on_the_largest_block),
	KUNIT_CASE(shared_takes_over_from_a_dead_cpu),
	KUNIT_CASE(shared_has_no_checkpoints),
	KUNIT_CASE(shared_realloc),
	KUNIT_CASE(shared_on_a_buffer),
	KUNIT_CASE(shared_interrupted_at_each_instruction),
	KUNIT_CASE(shared_interrupted_while_refilling),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_shared",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
