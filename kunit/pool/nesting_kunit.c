// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: an NMI at every instruction of alloc and free, inline and out of line, that allocates and
 * frees itself, so that counts, caches, batches and bitmaps change under the interrupted context.
 *
 * How deep: a task in the inline functions is interrupted by a probe at instruction X, whose
 * handler is in the inline functions too and is interrupted by a breakpoint at instruction Y, whose
 * handler uses the pool: three deep at places of our choice. With the crowd at work on the same
 * pool, timers and NMIs of other CPUs come on top, wherever they hit.
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/kallsyms.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include "../../module/pool/hooks.h"
#include "../crowd.h"
#include "../probes.h"

#ifdef HAVE_PROBES

/* The smallest cache there is. */
#define DEPTH		8
#define HELD_MAX	8

/* Enough to fill and empty a cache and some batches. */
#define REST		(3 * DEPTH + 4)

#define FUNCTION_SIZE	16384

/**
 * struct scene - one pool, one task that uses it, and what interrupts that task
 * @ledger: of the pool.
 * @task: the task.
 * @exercise: what it does.
 * @interrupt: what the handler does.
 * @matters: whether an interruption here and now is one that the test is about.
 * @looking: the handler does nothing but note where it was.
 * @checking: it does not even that.
 * @random: what the handler does next.
 * @held: blocks that the handler has, from one interruption to the next.
 * @nr_held: how many.
 * @victims: how many blocks one exercise frees.
 * @victim: block that the task is freeing, or NULL.
 * @objs: blocks that the task has.
 * @under_way: blocks that the task's operation may have taken or not yet given back.
 * @high: most blocks that were live since the task's operation began.
 * @ballast: blocks that are not freed before the end, so that the rest is soon used up.
 * @nr_ballast: how many.
 * @start: of the function in which breakpoints are.
 * @seen: its instructions that were interrupted, by offset.
 * @unchecked: exercises since all blocks were counted.
 * @broken: something is wrong, which does not get better at other instructions.
 * @deeper: interruptions of the handler.
 * @wrongly_refused: requests that were refused although fewer blocks were live than there are.
 */
struct scene {
	struct ledger *ledger;
	struct task_struct *task;
	void (*exercise)(struct scene *s);
	void (*interrupt)(struct scene *s);
	bool (*matters)(const struct scene *s);
	bool looking;
	bool checking;
	struct rnd_state random;
	void *held[HELD_MAX];
	unsigned int nr_held;
	unsigned int victims;
	void *victim;
	void **objs;
	unsigned int under_way;
	unsigned int high;
	void **ballast;
	unsigned int nr_ballast;
	unsigned long start;
	DECLARE_BITMAP(seen, FUNCTION_SIZE);
	unsigned int unchecked;
	bool broken;
	unsigned int deeper;
	unsigned int wrongly_refused;
};

/* For the handlers. */
static struct scene *scene;

/* The inline functions alone, so that each of their instructions can be interrupted. */
static noinline void *pool_alloc_path(struct nebula_pool *p)
{
	return nebula_pool_alloc(p);
}

static noinline void pool_free_path(struct nebula_pool *p, void *obj)
{
	nebula_pool_free(p, obj);
}

static unsigned int scene_live(const struct scene *s)
{
	return atomic_read(&s->ledger->live);
}

static unsigned int scene_capacity(const struct scene *s)
{
	return nebula_pool_capacity(s->ledger->pool);
}

static bool take_blocks(struct ledger *l, unsigned int n, void **objs)
{
	if (n > 1)
		return ledger_alloc_bulk(l, n, objs);
	*objs = ledger_alloc(l);
	return *objs;
}

static void handler_take(struct scene *s, unsigned int n)
{
	struct ledger *l = s->ledger;

	if (s->nr_held + n > HELD_MAX)
		return;
	if (take_blocks(l, n, s->held + s->nr_held))
		s->nr_held += n;
	else if (scene_live(s) + s->under_way + n <= scene_capacity(s))
		s->wrongly_refused++;
	s->high = max(s->high, scene_live(s));
}

static void handler_give(struct scene *s)
{
	if (s->nr_held)
		ledger_free(s->ledger, s->held[--s->nr_held]);
}

static void handler_give_all(struct scene *s)
{
	while (s->nr_held)
		handler_give(s);
}

/* Afterwards there are as many free blocks as before, perhaps others, or fewer, or more. */
static void disturb(struct scene *s)
{
	switch (prandom_u32_state(&s->random) % 6) {
	case 0:
		handler_take(s, 1);
		handler_give(s);
		break;
	case 1:
		handler_take(s, 1);
		break;
	case 2:
		handler_take(s, 3);
		break;
	case 3:
		handler_give(s);
		break;
	case 4:
		handler_give(s);
		handler_take(s, 1);
		break;
	case 5:
		handler_give_all(s);
		break;
	}
}

static bool always(const struct scene *s)
{
	return true;
}

static bool block_is_being_freed(const struct scene *s)
{
	return s->victim;
}

static bool push_is_under_way(const struct scene *s)
{
	const struct nebula_pool *p = s->ledger->pool;

	return s->victim && nebula_pool_is_inline(p) && raw_cpu_read(p->cpus->busy);
}

static bool is_of_interest(const struct scene *s)
{
	return current == s->task && !s->checking && s->matters(s);
}

static int probe_hit(struct kprobe *kp, struct pt_regs *regs)
{
	struct scene *s = scene;

	if (!is_of_interest(s))
		return 0;
	probe_of(kp)->hits++;
	if (!s->looking)
		s->interrupt(s);
	return 0;
}

static void breakpoint_hit(struct perf_event *bp, struct perf_sample_data *data,
			   struct pt_regs *regs)
{
	struct scene *s = scene;
	unsigned long offset = instruction_pointer(regs) - s->start;

	if (!is_of_interest(s) || offset >= FUNCTION_SIZE)
		return;
	__set_bit(offset, s->seen);
	s->interrupt(s);
}

static void *task_take(struct scene *s)
{
	void *obj;

	s->high = scene_live(s);
	obj = pool_alloc_path(s->ledger->pool);
	if (obj) {
		ledger_enter(s->ledger, obj);
		return obj;
	}
	atomic_inc(&s->ledger->refused);
	if (s->high < scene_capacity(s))
		s->wrongly_refused++;
	return NULL;
}

static void task_give(struct scene *s, void *obj)
{
	ledger_leave(s->ledger, obj);
	s->victim = obj;
	pool_free_path(s->ledger->pool, obj);
	s->victim = NULL;
}

/* Through all that there is to a pool: caches full and empty, depot full and empty, exhausted. */
static void exercise_singles(struct scene *s)
{
	unsigned int n = 0;

	while ((s->objs[n] = task_take(s)))
		n++;
	while (n)
		task_give(s, s->objs[--n]);
}

#define BULK_IN		11U	/* more than go one by one */
#define BULK_OUT	9U

static void exercise_bulk(struct scene *s)
{
	unsigned int n = 0, some;

	while (ledger_alloc_bulk(s->ledger, BULK_IN, s->objs + n))
		n += BULK_IN;
	while (n) {
		some = min(n, BULK_OUT);
		n -= some;
		ledger_free_bulk(s->ledger, some, s->objs + n);
	}
}

static noinline bool few_alloc_path(struct nebula_pool *p, void **objs)
{
	return nebula_pool_alloc_bulk(p, NEBULA_POOL_FEW, objs);
}

static noinline void few_free_path(struct nebula_pool *p, void **objs)
{
	nebula_pool_free_bulk(p, NEBULA_POOL_FEW, objs);
}

/* Bulks that are inline. */
static void exercise_few(struct scene *s)
{
	struct ledger *l = s->ledger;
	unsigned int n = 0, i;

	while (few_alloc_path(l->pool, s->objs + n))
		for (i = 0; i < NEBULA_POOL_FEW; i++)
			ledger_enter(l, s->objs[n++]);
	atomic_inc(&l->refused);
	while (n) {
		n -= NEBULA_POOL_FEW;
		for (i = 0; i < NEBULA_POOL_FEW; i++)
			ledger_leave(l, s->objs[n + i]);
		few_free_path(l->pool, s->objs + n);
	}
}

static void **blocks_array(struct kunit *test, const struct ledger *l)
{
	void **blocks = kunit_kcalloc(test, ledger_most(l), sizeof(*blocks), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, blocks);
	return blocks;
}

/* A pool of which all but @rest blocks are in use. */
static struct scene *scene_create(struct kunit *test, struct nebula_pool *p, unsigned int rest)
{
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	struct ledger *l;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	l = ledger_create(test, p);
	s->ledger = l;
	s->task = current;
	s->exercise = exercise_singles;
	s->interrupt = disturb;
	s->matters = always;
	s->under_way = 1;
	prandom_seed_state(&s->random, FIXTURE_SEED);
	s->objs = blocks_array(test, l);
	s->ballast = blocks_array(test, l);
	/* On one CPU no block stays behind in another's cache: all can be counted. */
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	for (i = 0; i < l->blocks; i++)
		s->objs[i] = ledger_alloc(l);
	/* The rest are spread over all of the pool. */
	for (i = 0; i < l->blocks; i++) {
		if (i * rest % l->blocks < rest)
			ledger_free(l, s->objs[i]);
		else
			s->ballast[s->nr_ballast++] = s->objs[i];
	}
	scene = s;
	return s;
}

static void scene_destroy(struct kunit *test, struct scene *s)
{
	handler_give_all(s);
	ledger_free_bulk(s->ledger, s->nr_ballast, s->ballast);
	ledger_verify_whole(test, s->ledger);
	ledger_destroy(s->ledger);
}

static struct nebula_pool *pool_cached(void)
{
	return nebula_pool_create("nested", .block_size = 256, .cache_depth = DEPTH,
				  .blocks = 4 * DEPTH * num_possible_cpus());
}

/* Every block is there, each once, whatever happened before @addr. */
static bool scene_is_whole(struct kunit *test, struct scene *s, unsigned long addr)
{
	struct ledger *l = s->ledger;
	unsigned int i, n, used, faults = nebula_validate(l->pool);

	s->unchecked = 0;
	s->checking = true;
	for (i = 0; i < LEDGER_FAULTS; i++)
		faults += atomic_read(&l->faults[i]);
	n = ledger_alloc_all(l, s->objs);
	for (i = 0; i < n; i++)
		ledger_free(l, s->objs[i]);
	used = nebula_pool_used(l->pool);
	s->checking = false;
	if (!faults && !s->wrongly_refused && n + s->nr_ballast == l->blocks &&
	    used == s->nr_ballast)
		return true;
	s->broken = true;
	KUNIT_FAIL(test, "%pS: %u faults, %u wrongly refused, %u of %u blocks, %u used",
		   (void *)addr, faults, s->wrongly_refused, n, l->blocks - s->nr_ballast,
		   used - s->nr_ballast);
	return false;
}

static void scene_exercise(struct scene *s)
{
	s->exercise(s);
	handler_give_all(s);
}

static bool scene_goes_on(struct kunit *test, struct scene *s, unsigned long addr)
{
	return ++s->unchecked < 16 || scene_is_whole(test, s, addr);
}

/* At every instruction of a function, by breakpoints: how many were interrupted. */
static unsigned int interrupt_function(struct kunit *test, struct scene *s, unsigned long function)
{
	unsigned int offset, interrupted, size = min(probes_size(function), FUNCTION_SIZE);
	struct breakpoints bs;

	s->start = function;
	bitmap_zero(s->seen, FUNCTION_SIZE);
	breakpoints_create(test, &bs, function, breakpoint_hit);
	for (offset = 0; offset < size; offset += BREAKPOINTS) {
		breakpoints_move(&bs, function + offset);
		scene_exercise(s);
		if (!scene_goes_on(test, s, function + offset))
			break;
	}
	breakpoints_destroy(&bs);
	interrupted = bitmap_weight(s->seen, FUNCTION_SIZE);
	kunit_info(test, "%ps: %u instructions interrupted, of %u bytes\n", (void *)function,
		   interrupted, size);
	if (!s->broken)
		scene_is_whole(test, s, function);
	return interrupted;
}

/* The same by probes, which know how many instructions there are. */
static unsigned int interrupt_by_probes(struct kunit *test, struct scene *s, unsigned long function)
{
	unsigned int i, interrupted = 0;
	struct probes ps;

	probes_create(test, &ps, function, probe_hit);
	for (i = 0; i < ps.n; i++) {
		if (enable_kprobe(&ps.points[i].kp))
			continue;
		scene_exercise(s);
		disable_kprobe(&ps.points[i].kp);
		interrupted += !!ps.points[i].hits;
		if (!scene_goes_on(test, s, (unsigned long)ps.points[i].kp.addr))
			break;
	}
	kunit_info(test, "%ps: %u of %u instructions interrupted, %u addresses refused\n",
		   (void *)function, interrupted, ps.n, ps.refused);
	probes_destroy(&ps);
	if (!s->broken)
		scene_is_whole(test, s, function);
	return interrupted;
}

/* What only the record of a refusal comes through is another matter, and large. */
static bool is_of_errors(unsigned long function)
{
	static char name[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(name, function);
	return strstr(name, "nebula_err") || strstr(name, "nebula_kind_name") ||
	       strstr(name, "nebula_allocator_name") || strstr(name, "kick_delivery") ||
	       strstr(name, "pool_usage");
}

/* Which of the module's @n functions the exercise comes through: how many. */
static unsigned int look_for_functions(struct kunit *test, struct scene *s,
				       unsigned long *functions, unsigned int n)
{
	unsigned int i, used = 0;
	struct probes ps;

	/* What is done only the first time, for example about the peak, is done now. */
	scene_exercise(s);
	probes_create_entries(test, &ps, functions, n, probe_hit);
	for (i = 0; i < ps.n; i++)
		enable_kprobe(&ps.points[i].kp);
	s->looking = true;
	scene_exercise(s);
	s->looking = false;
	for (i = 0; i < ps.n; i++) {
		disable_kprobe(&ps.points[i].kp);
		if (ps.points[i].hits && !is_of_errors((unsigned long)ps.points[i].kp.addr))
			functions[used++] = (unsigned long)ps.points[i].kp.addr;
	}
	probes_destroy(&ps);
	return used;
}

/* In all functions of the module that the exercise comes through. */
static void interrupt_everywhere(struct kunit *test, struct scene *s, unsigned int least)
{
	unsigned int i, n, interrupted = 0;
	unsigned long *functions;

	functions = kunit_kcalloc(test, FUNCTIONS_MAX, sizeof(*functions), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, functions);
	n = probes_functions(nebula_pool_free_other, functions, FUNCTIONS_MAX);
	n = look_for_functions(test, s, functions, n);
	for (i = 0; i < n && !s->broken; i++)
		interrupted += interrupt_function(test, s, functions[i]);
	kunit_info(test, "%u instructions of %u functions interrupted\n", interrupted, n);
	KUNIT_EXPECT_GE(test, interrupted, least);
}

static void interrupt_inline(struct kunit *test, struct scene *s, unsigned int least)
{
	unsigned int interrupted;

	interrupted = interrupt_by_probes(test, s, (unsigned long)pool_alloc_path);
	interrupted += interrupt_by_probes(test, s, (unsigned long)pool_free_path);
	KUNIT_EXPECT_GE(test, interrupted, least);
}

static void nested_in_inline_functions(struct kunit *test)
{
	struct scene *s = scene_create(test, pool_cached(), REST);

	interrupt_inline(test, s, 20);
	scene_destroy(test, s);
}

static void nested_out_of_line(struct kunit *test)
{
	struct scene *s = scene_create(test, pool_cached(), REST);

	interrupt_everywhere(test, s, 500);
	scene_destroy(test, s);
}

/* Every allocation and every free goes by way of the bitmap. */
static void nested_in_a_strict_pool(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("nested", .block_size = 64, .blocks = 150,
						   .flags = NEBULA_STRICT);
	struct scene *s = scene_create(test, p, REST);

	interrupt_everywhere(test, s, 100);
	scene_destroy(test, s);
}

/* Only what is of bulk requests: the rest they have in common with the others. */
static void nested_in_bulk(struct kunit *test)
{
	struct scene *s = scene_create(test, pool_cached(), REST);
	unsigned int interrupted;

	s->exercise = exercise_bulk;
	s->under_way = max(BULK_IN, BULK_OUT);
	interrupted = interrupt_function(test, s, (unsigned long)nebula_pool_alloc_bulk_slow);
	interrupted += interrupt_function(test, s, (unsigned long)nebula_pool_free_bulk_slow);
	KUNIT_EXPECT_GE(test, interrupted, 100U);
	scene_destroy(test, s);
}

static void nested_in_few(struct kunit *test)
{
	struct scene *s = scene_create(test, pool_cached(), REST);
	unsigned int interrupted;

	s->exercise = exercise_few;
	s->under_way = NEBULA_POOL_FEW;
	interrupted = interrupt_by_probes(test, s, (unsigned long)few_alloc_path);
	interrupted += interrupt_by_probes(test, s, (unsigned long)few_free_path);
	KUNIT_EXPECT_GE(test, interrupted, 40U);
	scene_destroy(test, s);
}

/*
 * The known hazard of per-CPU arrays: a push takes a slot, is interrupted, the one who interrupts
 * takes the next slot and publishes both, and the first is handed out before it is filled.
 */
/* Frees into a cache that has fewer and more blocks, while the handler has some to free too. */
static void exercise_pushes(struct scene *s)
{
	unsigned int n = 0, i;

	while (s->nr_held < HELD_MAX)
		handler_take(s, 1);
	for (i = 0; i < REST - HELD_MAX; i++) {
		s->objs[n] = task_take(s);
		n += !!s->objs[n];
	}
	while (n)
		task_give(s, s->objs[--n]);
}

static void pool_push_nested_between_reservation_and_publication(struct kunit *test)
{
	struct scene *s = scene_create(test, pool_cached(), REST);

	s->exercise = exercise_pushes;
	s->interrupt = handler_give;
	s->matters = push_is_under_way;
	/* The state is read and written, the slot is written, the count is written. */
	interrupt_inline(test, s, 4);
	interrupt_everywhere(test, s, 50);
	scene_destroy(test, s);
}

/* The handler frees what the task is about to free: one of the two is refused, sooner or later. */

static void free_the_same(struct scene *s)
{
	void *obj = s->victim;

	s->victim = NULL;
	s->ledger->double_frees++;
	nebula_pool_free(s->ledger->pool, obj);
}

/* With fewer and more blocks in the cache; then all are taken, so that no duplicate is missed. */
static void exercise_double_frees(struct scene *s)
{
	struct ledger *l = s->ledger;
	unsigned int n;

	for (n = 0; n < s->victims; n++)
		s->objs[n] = ledger_alloc(l);
	while (n)
		task_give(s, s->objs[--n]);
	n = ledger_alloc_all(l, s->objs);
	while (n)
		ledger_free(l, s->objs[--n]);
}

static void expect_double_frees_found(struct kunit *test, struct nebula_pool *p,
				      unsigned int victims)
{
	struct scene *s = scene_create(test, p, REST);

	s->exercise = exercise_double_frees;
	s->victims = victims;
	s->interrupt = free_the_same;
	s->matters = block_is_being_freed;
	interrupt_inline(test, s, 5);
	interrupt_everywhere(test, s, 10);
	KUNIT_EXPECT_GT(test, s->ledger->double_frees, 0U);
	scene_destroy(test, s);
}

static void same_block_freed_by_nmi(struct kunit *test)
{
	expect_double_frees_found(test, pool_cached(), DEPTH + DEPTH / 2);
}

static void same_block_of_a_strict_pool_freed_by_nmi(struct kunit *test)
{
	expect_double_frees_found(test, nebula_pool_create("nested", .block_size = 64, .blocks = 8,
							   .flags = NEBULA_STRICT), 2);
}

static void same_block_freed_by_nmi_in_development(struct kunit *test)
{
	expect_double_frees_found(test, nebula_pool_create("nested", .block_size = 64, .blocks = 8,
							   .preset = NEBULA_DEVELOPMENT), 2);
}

/*
 * All other contexts on the same pool; only the inline functions are interrupted, all of them here.
 */
static void nested_under_load(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("nested", .block_size = 64, .blocks = 1000);
	struct scene *s = scene_create(test, p, p->blocks);
	struct crowd *c = crowd_create(test, s->ledger, 600);
	void *const functions[] = { pool_alloc_path, pool_free_path };
	struct breakpoints bs;
	unsigned int i, offset;

	breakpoints_create(test, &bs, (unsigned long)functions[0], breakpoint_hit);
	crowd_start(test, c);
	for (i = 0; i < ARRAY_SIZE(functions); i++) {
		s->start = (unsigned long)functions[i];
		for (offset = 0; offset < probes_size(s->start); offset += BREAKPOINTS) {
			breakpoints_move(&bs, s->start + offset);
			exercise_pushes(s);
		}
	}
	crowd_stop(c);
	breakpoints_destroy(&bs);
	crowd_print(test, c);
	KUNIT_EXPECT_FALSE(test, bitmap_empty(s->seen, FUNCTION_SIZE));
	KUNIT_EXPECT_EQ(test, atomic_read(&s->ledger->refused), 0);
	handler_give_all(s);
	crowd_release(c);
	crowd_destroy(c);
	scene_destroy(test, s);
}

/* The inline functions once more, for the handler, where no probe is. */
static noinline void *pool_alloc_path_of_handler(struct nebula_pool *p)
{
	return nebula_pool_alloc(p);
}

static noinline void pool_free_path_of_handler(struct nebula_pool *p, void *obj)
{
	nebula_pool_free(p, obj);
}

/* What a breakpoint in the handler interrupts. */
static void nest(struct scene *s)
{
	struct ledger *l = s->ledger;
	void *obj = pool_alloc_path_of_handler(l->pool);

	if (!obj) {
		atomic_inc(&l->refused);
		s->wrongly_refused++;
		return;
	}
	ledger_enter(l, obj);
	ledger_leave(l, obj);
	pool_free_path_of_handler(l->pool, obj);
}

static void handler_hit(struct perf_event *bp, struct perf_sample_data *data, struct pt_regs *regs)
{
	scene->deeper++;
	disturb(scene);
}

/* Some that drain and fill the cache; far from exhausted. */
static void exercise_some(struct scene *s)
{
	unsigned int n = 0;

	while (n < DEPTH + 2 && (s->objs[n] = task_take(s)))
		n++;
	while (n)
		task_give(s, s->objs[--n]);
}

/* All instructions of @outer, and for each of them some of those of @inner, others each time. */
static void nest_three_deep(struct kunit *test, struct scene *s, unsigned long outer,
			    unsigned long inner)
{
	const unsigned int step = 16 * BREAKPOINTS, size = probes_size(inner);
	unsigned int x, offset;
	struct breakpoints bs;
	struct probes ps;

	probes_create(test, &ps, outer, probe_hit);
	breakpoints_create(test, &bs, inner, handler_hit);
	for (x = 0; x < ps.n; x++) {
		if (enable_kprobe(ps.list[x]))
			continue;
		for (offset = x * BREAKPOINTS % step; offset < size; offset += step) {
			breakpoints_move(&bs, inner + offset);
			scene_exercise(s);
		}
		disable_kprobe(ps.list[x]);
		if (!scene_goes_on(test, s, (unsigned long)ps.list[x]->addr))
			break;
	}
	breakpoints_destroy(&bs);
	probes_destroy(&ps);
}

static void nested_three_deep(struct kunit *test)
{
	void *const outer[] = { pool_alloc_path, pool_free_path };
	void *const inner[] = { pool_alloc_path_of_handler, pool_free_path_of_handler };
	struct nebula_pool *p = pool_cached();
	struct scene *s = scene_create(test, p, p->blocks);
	unsigned int i;

	s->interrupt = nest;
	s->exercise = exercise_some;
	for (i = 0; i < 4; i++)
		nest_three_deep(test, s, (unsigned long)outer[i / 2], (unsigned long)inner[i % 2]);
	kunit_info(test, "%u interruptions of handlers that had interrupted the task\n", s->deeper);
	KUNIT_EXPECT_GT(test, s->deeper, 100U);
	scene_destroy(test, s);
}

#else

#define NO_PROBES(name)						\
static void name(struct kunit *test)				\
{								\
	kunit_skip(test, "this kernel has no kprobes or no breakpoints");		\
}

NO_PROBES(nested_in_inline_functions)
NO_PROBES(nested_out_of_line)
NO_PROBES(nested_in_a_strict_pool)
NO_PROBES(nested_in_bulk)
NO_PROBES(nested_in_few)
NO_PROBES(pool_push_nested_between_reservation_and_publication)
NO_PROBES(same_block_freed_by_nmi)
NO_PROBES(same_block_of_a_strict_pool_freed_by_nmi)
NO_PROBES(same_block_freed_by_nmi_in_development)
NO_PROBES(nested_three_deep)
NO_PROBES(nested_under_load)

#endif

static struct kunit_case cases[] = {
	KUNIT_CASE(nested_in_inline_functions),
	KUNIT_CASE(nested_out_of_line),
	KUNIT_CASE(nested_in_a_strict_pool),
	KUNIT_CASE(nested_in_bulk),
	KUNIT_CASE(nested_in_few),
	KUNIT_CASE(pool_push_nested_between_reservation_and_publication),
	KUNIT_CASE(same_block_freed_by_nmi),
	KUNIT_CASE(same_block_of_a_strict_pool_freed_by_nmi),
	KUNIT_CASE(same_block_freed_by_nmi_in_development),
	KUNIT_CASE(nested_three_deep),
	KUNIT_CASE(nested_under_load),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_pool_nesting",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
