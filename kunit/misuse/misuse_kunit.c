// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wrong calls, as tables: each row says what is called, what it returns, and what is recorded. The
 * tables are in rows_*.h. Each row runs on allocators with the production preset, and on others
 * with the development preset, and is followed by the same questions: is there one record, with
 * this code and detail, an advice, and the caller in its call stack; do all allocators still work;
 * and are they intact? All rows share the allocators: what one breaks, the others notice.
 */
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include "../../module/pool/hooks.h"
#include "../fixture.h"

#define SIZE	64	/* bytes of an object */
#define BLOCKS	32	/* of a pool */

/* What a wrong call is made on: all of it is there, whole and in use. */
struct misuse {
	enum nebula_preset preset;
	struct nebula_bump *bump, *other_bump, *shared_bump, *growing_bump;
	struct nebula_pool *pool, *growing_pool, *buffer_pool;
	struct nebula_stack *stack, *other_stack, *shared_stack;
	struct nebula_scratch *scratch;
	struct nebula_budget *budget, *child;
	void *of_bump, *of_other;		/* objects of @bump and @other_bump */
	void *of_pool, *freed;			/* blocks of @pool, live and not */
	void *older, *newest, *of_other_stack;	/* objects of @stack and @other_stack */
	struct nebula_checkpoint stale, foreign, garbage;
	struct nebula_mark stale_mark, foreign_mark, garbage_mark;
	struct nebula_reserve reserve;		/* not in use */
	void *outside;				/* memory of none of them, SIZE bytes */
	void *objs[2 * BLOCKS];
	u8 *buffer;				/* of @buffer_pool */
};

/* Where the call is made. */
enum place { TASK, IRQS_OFF };

/* A wrong call. */
struct row {
	const char *call;			/* as in the source */
	long (*fn)(struct misuse *m);
	/* what has the record; NULL where there is no allocator */
	const struct nebula_allocator *(*subject)(struct misuse *m);
	long ret;
	enum nebula_errc code;
	enum nebula_detail detail;
	enum place place;
};

/* What a row is run with. */
struct trial {
	const struct row *row;
	enum nebula_preset preset;
};

static const char long_name[] =
	"a-name-that-is-longer-than-the-longest-one-that-is-legal-by-a-letter";

static void nothing(void *data)
{
}

/* A number that the compiler does not know. */
static size_t hide(size_t n)
{
	OPTIMIZER_HIDE_VAR(n);
	return n;
}

/* Wrong calls that take more than one line */

static long free_two(struct nebula_pool *p, void *freed, void *foreign)
{
	void *objs[2] = { nebula_pool_alloc(p), freed ?: foreign };

	nebula_pool_free_bulk(p, hide(2), objs);
	return 0;
}

static long use_up_reserve(struct misuse *m)
{
	void *first, *second;
	int err = nebula_pool_reserve(m->pool, &m->reserve, 1);

	if (err)
		return err;
	first = nebula_pool_alloc_reserved(&m->reserve);
	second = nebula_pool_alloc_reserved(&m->reserve);
	nebula_pool_free(m->pool, first);
	nebula_pool_unreserve(&m->reserve);
	return (long)second;
}

static long with_reserve(struct misuse *m, void (*fn)(struct nebula_pool *p))
{
	int err = nebula_pool_reserve(m->pool, &m->reserve, 1);

	if (err)
		return err;
	fn(m->pool);
	nebula_pool_unreserve(&m->reserve);
	return 0;
}

static void reset(struct nebula_pool *p)
{
	nebula_pool_reset(p);
}

/* All blocks that there are; how many is returned. */
static unsigned int take_all(struct nebula_pool *p, void **objs)
{
	unsigned int n = 0, all = nebula_pool_available(p);

	for (n = 0; n < all; n++)
		objs[n] = nebula_pool_alloc(p);
	return n;
}

static void free_all(struct nebula_pool *p, void **objs, unsigned int n)
{
	while (n)
		nebula_pool_free(p, objs[--n]);
}

static long exhaust(struct nebula_pool *p)
{
	void *objs[2 * BLOCKS], *last;
	const unsigned int n = take_all(p, objs);

	last = nebula_pool_alloc(p);
	free_all(p, objs, n);
	return (long)last;
}

static long wait_in_vain(struct nebula_pool *p)
{
	void *objs[2 * BLOCKS], *last;
	const unsigned int n = take_all(p, objs);

	last = nebula_pool_alloc_wait(p, 0);
	free_all(p, objs, n);
	return PTR_ERR_OR_ZERO(last);
}

#define DESTRUCTOR(n)							\
static void destructor_##n(void *obj)					\
{									\
	WRITE_ONCE(*(u8 *)obj, n);					\
}

DESTRUCTOR(1) DESTRUCTOR(2) DESTRUCTOR(3) DESTRUCTOR(4) DESTRUCTOR(5) DESTRUCTOR(6) DESTRUCTOR(7)
DESTRUCTOR(8) DESTRUCTOR(9) DESTRUCTOR(10) DESTRUCTOR(11) DESTRUCTOR(12) DESTRUCTOR(13)
DESTRUCTOR(14) DESTRUCTOR(15) DESTRUCTOR(16)

static long too_many_destructors(struct nebula_pool *p)
{
	static void (*const all[])(void *obj) = {
		destructor_1, destructor_2, destructor_3, destructor_4, destructor_5, destructor_6,
		destructor_7, destructor_8, destructor_9, destructor_10, destructor_11,
		destructor_12, destructor_13, destructor_14, destructor_15, destructor_16,
	};
	void *obj = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		obj = nebula_pool_alloc(p);
		nebula_pool_free_rcu_cb(p, obj, all[i]);
	}
	/* The last one is live still. */
	nebula_pool_free(p, obj);
	nebula_pool_rcu_flush(p);
	return 0;
}

static long free_twice(struct misuse *m)
{
	void *p = nebula_stack_alloc(m->stack, SIZE, 8);
	int err = nebula_stack_free(m->stack, p);

	return err ?: nebula_stack_free(m->stack, p);
}

static long put_older(struct nebula_scratch *s)
{
	void *older = nebula_scratch_get(s, 8, 8), *newer = nebula_scratch_get(s, 8, 8);
	const int ret = nebula_scratch_put(s, older);

	nebula_scratch_put(s, newer);
	nebula_scratch_put(s, older);
	return ret;
}

static long put_twice(struct nebula_scratch *s)
{
	void *p = nebula_scratch_get(s, 8, 8);
	int err = nebula_scratch_put(s, p);

	return err ?: nebula_scratch_put(s, p);
}

static long put_inside(struct nebula_scratch *s)
{
	void *p = nebula_scratch_get(s, 64, 8);
	const int ret = nebula_scratch_put(s, p + 8);

	nebula_scratch_put(s, p);
	return ret;
}

static long destroy_charged(struct nebula_budget *b)
{
	int err = nebula_budget_charge(b, SZ_4K);

	if (err)
		return err;
	err = nebula_budget_destroy(b);
	nebula_budget_uncharge(b, SZ_4K);
	return err;
}

/* What create is called with, past the checks that are made when a client is compiled. */
#define CREATE(kind, name, ...)								\
({											\
	const struct nebula_##kind##_config cfg = { __VA_ARGS__ };			\
											\
	PTR_ERR_OR_ZERO(nebula_##kind##_create_cfg(name, &cfg, sizeof(cfg), NEBULA_ABI,	\
						   THIS_MODULE));			\
})

#define bump_of(name, ...)	CREATE(bump, name, __VA_ARGS__)
#define pool_of(name, ...)	CREATE(pool, name, __VA_ARGS__)
#define stack_of(name, ...)	CREATE(stack, name, __VA_ARGS__)
#define scratch_of(name, ...)	CREATE(scratch, name, __VA_ARGS__)
#define budget_of(name, ...)	CREATE(budget, name, __VA_ARGS__)

/* The tables, first as functions, then as rows */

#define FN	__PASTE(__PASTE(__PASTE(call_, TABLE), _), __LINE__)
#define SUBJECT	__PASTE(__PASTE(__PASTE(subject_, TABLE), _), __LINE__)

#define ROW(place, x, code, detail, ret, call)						\
static noinline long FN(struct misuse *m)						\
{											\
	const long result = (long)(call);						\
											\
	barrier();	/* or it would not be in the call stack */			\
	return result;									\
}											\
static const struct nebula_allocator *SUBJECT(struct misuse *m)				\
{											\
	return subject_of_##x(m);							\
}

#define NAMED(x)									\
static const struct nebula_allocator *subject_of_##x(struct misuse *m)			\
{											\
	return &m->x->common;								\
}

NAMED(bump) NAMED(shared_bump) NAMED(growing_bump) NAMED(pool) NAMED(growing_pool)
NAMED(buffer_pool) NAMED(stack) NAMED(shared_stack) NAMED(scratch)

static const struct nebula_allocator *subject_of_none(struct misuse *m)
{
	return NULL;
}

#define TABLE bump
#include "rows_bump.h"
#undef TABLE
#define TABLE pool
#include "rows_pool.h"
#undef TABLE
#define TABLE stack
#include "rows_stack.h"
#undef TABLE
#define TABLE budget
#include "rows_budget.h"
#undef TABLE
#define TABLE create
#include "rows_create.h"
#undef TABLE

#undef ROW
#define ROW(where, x, c, d, result, what)						\
	{ .call = #what, .fn = FN, .subject = SUBJECT, .ret = (result),			\
	  .code = NEBULA_E_##c, .detail = NEBULA_D_##d, .place = (where) },

static const struct row rows[] = {
#define TABLE bump
#include "rows_bump.h"
#undef TABLE
#define TABLE pool
#include "rows_pool.h"
#undef TABLE
#define TABLE stack
#include "rows_stack.h"
#undef TABLE
#define TABLE budget
#include "rows_budget.h"
#undef TABLE
#define TABLE create
#include "rows_create.h"
#undef TABLE
};

/* The scenes, one for each preset */

static struct misuse scenes[2];

static void bumps_create(struct misuse *m)
{
	m->bump = nebula_bump_create("bump", .capacity = SZ_16K, .preset = m->preset);
	m->other_bump = nebula_bump_create("other", .capacity = SZ_16K, .preset = m->preset);
	m->shared_bump = nebula_bump_create("shared", .capacity = SZ_1M, .preset = m->preset,
					    .flags = NEBULA_SHARED);
	m->growing_bump = nebula_bump_create("growing", .capacity = SZ_4K, .preset = m->preset,
					     .max_capacity = SZ_64K, .flags = NEBULA_GROW);
	m->of_bump = nebula_bump_alloc(m->bump, SIZE, 8);
	m->stale = nebula_bump_checkpoint(m->bump);
	nebula_bump_reset(m->bump);
	m->of_bump = nebula_bump_alloc(m->bump, SIZE, 8);
	m->of_other = nebula_bump_alloc(m->other_bump, SIZE, 8);
	m->foreign = nebula_bump_checkpoint(m->other_bump);
	memset(&m->garbage, 0x5a, sizeof(m->garbage));
}

static void pools_create(struct misuse *m)
{
	const size_t size = nebula_pool_buffer_size(.block_size = SIZE, .blocks = BLOCKS,
						    .preset = m->preset);

	m->pool = nebula_pool_create("pool", .block_size = SIZE, .blocks = BLOCKS,
				     .preset = m->preset, .flags = NEBULA_STRICT);
	m->growing_pool = nebula_pool_create("growing", .block_size = SIZE, .blocks = BLOCKS / 2,
					     .max_blocks = BLOCKS, .preset = m->preset,
					     .flags = NEBULA_STRICT | NEBULA_GROW);
	m->buffer = kmalloc(size, GFP_KERNEL);
	m->buffer_pool = nebula_pool_create("buffer", .block_size = SIZE, .blocks = BLOCKS,
					    .preset = m->preset, .flags = NEBULA_STRICT,
					    .buffer = m->buffer, .buffer_size = size);
	m->of_pool = nebula_pool_alloc(m->pool);
	m->freed = nebula_pool_alloc(m->pool);
	nebula_pool_free(m->pool, m->freed);
}

static void stacks_create(struct misuse *m)
{
	m->stack = nebula_stack_create("stack", .capacity = SZ_16K, .preset = m->preset);
	m->other_stack = nebula_stack_create("other", .capacity = SZ_16K, .preset = m->preset);
	m->shared_stack = nebula_stack_create("shared", .capacity = SZ_16K, .preset = m->preset,
					      .flags = NEBULA_SHARED);
	m->scratch = nebula_scratch_create("scratch", .per_cpu_size = SZ_4K, .preset = m->preset);
	m->older = nebula_stack_alloc(m->stack, SIZE, 8);
	m->stale_mark = nebula_stack_mark(m->stack);
	nebula_stack_reset(m->stack);
	m->older = nebula_stack_alloc(m->stack, SIZE, 8);
	m->newest = nebula_stack_alloc(m->stack, SIZE, 8);
	m->of_other_stack = nebula_stack_alloc(m->other_stack, SIZE, 8);
	m->foreign_mark = nebula_stack_mark(m->other_stack);
	memset(&m->garbage_mark, 0x5a, sizeof(m->garbage_mark));
}

static void scene_create(struct misuse *m, enum nebula_preset preset)
{
	m->preset = preset;
	m->outside = kzalloc(SIZE, GFP_KERNEL);
	bumps_create(m);
	pools_create(m);
	stacks_create(m);
	m->budget = nebula_budget_create("budget", .limit = SZ_64K);
	m->child = nebula_budget_create("child", .limit = SZ_32K, .parent = m->budget);
}

static int scenes_create(struct kunit_suite *suite)
{
	scene_create(&scenes[NEBULA_PRODUCTION], NEBULA_PRODUCTION);
	scene_create(&scenes[NEBULA_DEVELOPMENT], NEBULA_DEVELOPMENT);
	return 0;
}

static void scene_destroy(struct misuse *m)
{
	nebula_stack_free(m->stack, m->newest);
	nebula_stack_free(m->stack, m->older);
	nebula_pool_free(m->pool, m->of_pool);
	nebula_budget_destroy(m->child);
	nebula_budget_destroy(m->budget);
	nebula_scratch_destroy(m->scratch);
	nebula_stack_destroy(m->shared_stack);
	nebula_stack_destroy(m->other_stack);
	nebula_stack_destroy(m->stack);
	nebula_pool_destroy(m->buffer_pool);
	nebula_pool_destroy(m->growing_pool);
	nebula_pool_destroy(m->pool);
	nebula_bump_destroy(m->growing_bump);
	nebula_bump_destroy(m->shared_bump);
	nebula_bump_destroy(m->other_bump);
	nebula_bump_destroy(m->bump);
	kfree(m->buffer);
	kfree(m->outside);
}

static void scenes_destroy(struct kunit_suite *suite)
{
	scene_destroy(&scenes[NEBULA_PRODUCTION]);
	scene_destroy(&scenes[NEBULA_DEVELOPMENT]);
}

/* All could be made, and what is live is still as it was. */
static void assert_scene(struct kunit *test, const struct misuse *m)
{
	const void *const all[] = {
		m->bump, m->other_bump, m->shared_bump, m->growing_bump, m->pool, m->growing_pool,
		m->buffer_pool, m->stack, m->other_stack, m->shared_stack, m->scratch, m->budget,
		m->child, m->outside, m->of_bump, m->of_other, m->of_pool, m->freed, m->older,
		m->newest, m->of_other_stack,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, all[i]);
	KUNIT_ASSERT_EQ(test, nebula_pool_used(m->pool), 1U);
}

/* All of them serve, and are intact. */
static void expect_whole_scene(struct kunit *test, struct misuse *m)
{
	struct nebula_pool *const pools[] = { m->pool, m->growing_pool, m->buffer_pool };
	struct nebula_bump *const bumps[] = { m->bump, m->growing_bump };
	struct nebula_stack *const stacks[] = { m->stack, m->shared_stack };
	struct nebula_checkpoint cp;
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(bumps); i++) {
		cp = nebula_bump_checkpoint(bumps[i]);
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(bumps[i], SIZE, 8));
		KUNIT_EXPECT_EQ(test, nebula_bump_restore(bumps[i], cp), 0);
		KUNIT_EXPECT_EQ(test, nebula_validate(bumps[i]), 0);
	}
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(m->shared_bump, SIZE, 8));
	KUNIT_EXPECT_EQ(test, nebula_validate(m->shared_bump), 0);
	for (i = 0; i < ARRAY_SIZE(pools); i++) {
		p = nebula_pool_alloc(pools[i]);
		KUNIT_EXPECT_NOT_NULL(test, p);
		nebula_pool_free(pools[i], p);
		KUNIT_EXPECT_EQ(test, nebula_validate(pools[i]), 0);
	}
	for (i = 0; i < ARRAY_SIZE(stacks); i++) {
		p = nebula_stack_alloc(stacks[i], SIZE, 8);
		KUNIT_EXPECT_NOT_NULL(test, p);
		KUNIT_EXPECT_EQ(test, nebula_stack_free(stacks[i], p), 0);
		KUNIT_EXPECT_EQ(test, nebula_validate(stacks[i]), 0);
	}
	preempt_disable();
	p = nebula_scratch_get(m->scratch, SIZE, 8);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(m->scratch, p), 0);
	preempt_enable();
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, nebula_validate(m->scratch), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_charge(m->child, SIZE), 0);
	KUNIT_EXPECT_EQ(test, nebula_budget_uncharge(m->child, SIZE), 0);
}

/* The record */

static bool is_called_by_us(const struct nebula_error *err)
{
	unsigned int i;

	for (i = 0; i < err->nr_entries; i++)
		if (within_module(err->entries[i], THIS_MODULE))
			return true;
	return false;
}

/* Behind "suggest:" there is a cause, and at least one thing to do. */
static bool has_advice(struct kunit *test, const struct nebula_error *err)
{
	char *report = kunit_kzalloc(test, 4096, GFP_KERNEL), *advice;

	KUNIT_ASSERT_NOT_NULL(test, report);
	nebula_error_snprint(report, 4096, err);
	advice = strstr(report, "   suggest:   ");
	return advice && strcspn(advice + 14, "\n") > 10;
}

static void expect_record(struct kunit *test, const struct trial *t, const struct nebula_error *err)
{
	const struct row *row = t->row;
	const bool tracks = t->preset == NEBULA_DEVELOPMENT;
	const enum nebula_detail detail = row->detail == NEBULA_D_UNTRACKED && tracks
						? NEBULA_D_STACKS : row->detail;

	KUNIT_EXPECT_STREQ(test, nebula_errc_name(err->code), nebula_errc_name(row->code));
	KUNIT_EXPECT_EQ(test, err->detail, detail);
	KUNIT_EXPECT_TRUE(test, is_called_by_us(err));
	KUNIT_EXPECT_TRUE(test, has_advice(test, err));
}

static unsigned long failed(const struct nebula_allocator *a)
{
	struct nebula_stats st;

	nebula_allocator_stats_read(a, &st);
	return st.failed;
}

static long call(const struct row *row, struct misuse *m)
{
	unsigned long flags;
	long ret;

	if (row->place == TASK)
		return row->fn(m);
	local_irq_save(flags);
	ret = row->fn(m);
	local_irq_restore(flags);
	return ret;
}

static void misuse_of_everything(struct kunit *test)
{
	const struct trial *t = test->param_value;
	struct misuse *m = &scenes[t->preset];
	const struct nebula_allocator *a = t->row->subject(m);
	const unsigned long before = a ? failed(a) : 0;
	struct nebula_error err = { };

	assert_scene(test, m);
	/* The fixture waits for irq_work and a worker: only where it is needed. */
	if (!a) {
		KUNIT_ASSERT_EQ(test, fixture_init(test), 0);
		fixture_listen(test);
	}
	KUNIT_EXPECT_EQ(test, call(t->row, m), t->row->ret);
	if (a) {
		KUNIT_EXPECT_EQ(test, failed(a) - before, 1UL);
		KUNIT_EXPECT_TRUE(test, nebula_allocator_last_error(a, &err));
	} else {
		KUNIT_EXPECT_EQ(test, fixture_heard(t->row->code, &err), 1U);
		fixture_exit(test);
	}
	expect_record(test, t, &err);
	expect_whole_scene(test, m);
}

static const void *next_trial(struct kunit *test, const void *prev, char *desc)
{
	static struct trial trial;

	if (!prev)
		trial = (struct trial){ rows, NEBULA_PRODUCTION };
	else if (trial.preset == NEBULA_PRODUCTION)
		trial.preset = NEBULA_DEVELOPMENT;
	else
		trial = (struct trial){ trial.row + 1, NEBULA_PRODUCTION };
	if (trial.row == rows + ARRAY_SIZE(rows))
		return NULL;
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s", trial.row->call,
		 trial.preset == NEBULA_PRODUCTION ? "" : ", in development");
	return &trial;
}

static struct kunit_case cases[] = {
	KUNIT_CASE_PARAM(misuse_of_everything, next_trial),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_misuse",
	.suite_init = scenes_create,
	.suite_exit = scenes_destroy,
	.test_cases = cases,
};

kunit_test_suite(suite);
