// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: what arrives for each use of each kind of allocator, and that nothing arrives, and
 * nothing is out of line, while no handler is registered.
 */
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/trace_events.h>
#include <trace/events/nebula.h>
#include "../../module/core/chunk.h"
#include "../../module/error/error.h"
#include "../compose/ring.h"
#include "../files.h"
#include "../fixture.h"
#include "../nmis.h"
#include "../worker.h"

#define BLOCK		((size_t)64)
#define BLOCK_ALIGN	((size_t)16)

/* Our allocators' names begin so; others' events are not ours to count. */
#define PREFIX		"t-"

enum traced {
	NOTHING = 0,
	BUMP_ALLOC, BUMP_FREE, BUMP_RESET,
	POOL_ALLOC, POOL_FREE, POOL_RESET,
	STACK_ALLOC, STACK_FREE, STACK_RESET,
	CUSTOM_ALLOC, CUSTOM_FREE,
	ERROR,
};

/* What arrives */

/* One that arrived. */
struct event {
	enum traced event;	/* which */
	char name[16];
	const void *ptr;	/* where, or NULL */
	size_t size;		/* bytes */
	size_t align;		/* bytes, or 0 */
};

#define EVENTS_MAX	64

static void require_events(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_TRACEPOINTS) || !IS_ENABLED(CONFIG_EVENT_TRACING))
		kunit_skip(test, "this kernel has no events");
}

static struct event events[EVENTS_MAX];
static atomic_t nr_events;
static atomic_t nr_in_nmi;

static void note(enum traced event, const char *name, const void *ptr, size_t size, size_t align)
{
	unsigned int at;

	if (strncmp(name, PREFIX, strlen(PREFIX)))
		return;
	if (in_nmi())
		atomic_inc(&nr_in_nmi);
	at = atomic_inc_return(&nr_events) - 1;
	if (at >= EVENTS_MAX)
		return;
	events[at] = (struct event){ .event = event, .ptr = ptr, .size = size, .align = align };
	strscpy(events[at].name, name, sizeof(events[at].name));
}

#define HEAR_ALLOC(kind, KIND)								\
static void hear_##kind##_alloc(void *data, const char *name, const void *ptr,		\
				size_t size, size_t align)				\
{											\
	note(KIND##_ALLOC, name, ptr, size, align);					\
}

#define HEAR_FREE(kind, KIND)								\
static void hear_##kind##_free(void *data, const char *name, const void *ptr, size_t size)	\
{											\
	note(KIND##_FREE, name, ptr, size, 0);						\
}

#define HEAR_RESET(kind, KIND)								\
static void hear_##kind##_reset(void *data, const char *name, size_t size)		\
{											\
	note(KIND##_RESET, name, NULL, size, 0);					\
}

HEAR_ALLOC(bump, BUMP)
HEAR_FREE(bump, BUMP)
HEAR_RESET(bump, BUMP)
HEAR_ALLOC(pool, POOL)
HEAR_FREE(pool, POOL)
HEAR_RESET(pool, POOL)
HEAR_ALLOC(stack, STACK)
HEAR_FREE(stack, STACK)
HEAR_RESET(stack, STACK)
HEAR_ALLOC(custom, CUSTOM)
HEAR_FREE(custom, CUSTOM)

static void hear_error(void *data, const struct nebula_error *err, const char *reason)
{
	if (!strcmp(reason, nebula_errc_name(err->code)))
		note(ERROR, err->name, NULL, err->size, err->code);
}

/* All events that have a name. */
static int listen_to_all(void)
{
	return register_trace_bump_alloc(hear_bump_alloc, NULL) ?:
	       register_trace_bump_free(hear_bump_free, NULL) ?:
	       register_trace_bump_reset(hear_bump_reset, NULL) ?:
	       register_trace_pool_alloc(hear_pool_alloc, NULL) ?:
	       register_trace_pool_free(hear_pool_free, NULL) ?:
	       register_trace_pool_reset(hear_pool_reset, NULL) ?:
	       register_trace_stack_alloc(hear_stack_alloc, NULL) ?:
	       register_trace_stack_free(hear_stack_free, NULL) ?:
	       register_trace_stack_reset(hear_stack_reset, NULL) ?:
	       register_trace_custom_alloc(hear_custom_alloc, NULL) ?:
	       register_trace_custom_free(hear_custom_free, NULL) ?:
	       register_trace_error(hear_error, NULL);
}

/* After return no handler runs any more. */
static int stop_listening(void)
{
	int ret = unregister_trace_bump_alloc(hear_bump_alloc, NULL) ?:
		  unregister_trace_bump_free(hear_bump_free, NULL) ?:
		  unregister_trace_bump_reset(hear_bump_reset, NULL) ?:
		  unregister_trace_pool_alloc(hear_pool_alloc, NULL) ?:
		  unregister_trace_pool_free(hear_pool_free, NULL) ?:
		  unregister_trace_pool_reset(hear_pool_reset, NULL) ?:
		  unregister_trace_stack_alloc(hear_stack_alloc, NULL) ?:
		  unregister_trace_stack_free(hear_stack_free, NULL) ?:
		  unregister_trace_stack_reset(hear_stack_reset, NULL) ?:
		  unregister_trace_custom_alloc(hear_custom_alloc, NULL) ?:
		  unregister_trace_custom_free(hear_custom_free, NULL) ?:
		  unregister_trace_error(hear_error, NULL);

	tracepoint_synchronize_unregister();
	return ret;
}

static void forget_events(void)
{
	atomic_set(&nr_events, 0);
	atomic_set(&nr_in_nmi, 0);
}

static void start_listening(struct kunit *test)
{
	forget_events();
	KUNIT_ASSERT_EQ(test, listen_to_all(), 0);
}

/* What is done */

#define OBJS	8

/* One allocator of each kind, and what the steps of a script had of it. */
struct scene {
	struct nebula_bump *bump;
	struct nebula_bump *shared;	/* a bump allocator, shared */
	struct nebula_pool *pool;
	struct nebula_stack *stack;
	struct nebula_custom *custom;
	struct nebula_allocator *any;	/* the common part of the pool */
	void *objs[OBJS];		/* by the number that a step has */
	struct nebula_checkpoint cp;	/* a checkpoint */
	struct nebula_mark mark;	/* a mark */
	struct nebula_reserve reserve;	/* blocks put aside */
	bool served;			/* what a bulk allocation returned */
};

/* Any object, of the size that a block has. */
struct thing {
	u64 words[8];
};

static void scene_create(struct kunit *test, struct scene *s)
{
	require_events(test);
	s->bump = nebula_bump_create("t-bump", .capacity = SZ_16K);
	s->shared = nebula_bump_create("t-shared", .capacity = SZ_16K, .flags = NEBULA_SHARED);
	s->pool = nebula_pool_create("t-pool", .block_size = BLOCK, .blocks = 200,
				     .align = BLOCK_ALIGN);
	s->stack = nebula_stack_create("t-stack", .capacity = SZ_16K);
	ASSERT_BUMP(test, s->bump);
	ASSERT_BUMP(test, s->shared);
	ASSERT_POOL(test, s->pool);
	ASSERT_STACK(test, s->stack);
	ring_reset();
	s->custom = &ring;
	KUNIT_ASSERT_EQ(test, nebula_custom_register(s->custom, "t-custom"), 0);
	s->any = nebula_allocator_of(s->pool);
}

static void scene_destroy(struct scene *s)
{
	nebula_custom_unregister(s->custom);
	nebula_stack_destroy(s->stack);
	nebula_pool_destroy(s->pool);
	nebula_bump_destroy(s->shared);
	nebula_bump_destroy(s->bump);
}

#define STEP(name, statement)								\
static void name(struct scene *s)							\
{											\
	statement;									\
}

STEP(bump_alloc, s->objs[0] = nebula_bump_alloc(s->bump, 24, 8))
STEP(bump_zalloc, s->objs[0] = nebula_bump_zalloc(s->bump, 100, 64))
STEP(bump_odd, s->objs[0] = nebula_bump_alloc(s->bump, 5, 1))
STEP(bump_typed, s->objs[0] = nebula_alloc_obj(s->bump, struct thing))
STEP(bump_generic, s->objs[0] = nebula_alloc(s->bump, 40, 8))
STEP(bump_nothing, s->objs[0] = nebula_bump_alloc(s->bump, 0, 8))
STEP(bump_refused, s->objs[0] = nebula_bump_alloc(s->bump, SZ_1G, 8))
STEP(bump_shared, s->objs[0] = nebula_bump_alloc(s->shared, 32, 8))
STEP(bump_restore, nebula_bump_restore(s->bump, s->cp))
STEP(bump_reset, nebula_bump_reset(s->bump))
STEP(bump_reset_shared, nebula_bump_reset(s->shared))

STEP(pool_alloc, s->objs[0] = nebula_pool_alloc(s->pool))
STEP(pool_zalloc, s->objs[1] = nebula_pool_zalloc(s->pool))
STEP(pool_free, nebula_pool_free(s->pool, s->objs[0]))
STEP(pool_typed, s->objs[0] = nebula_alloc_obj(s->pool, struct thing))
STEP(pool_free_typed, nebula_free_obj(s->pool, (struct thing *)s->objs[0]))
STEP(pool_generic, s->objs[0] = nebula_alloc(s->any, 30, 8))
STEP(pool_free_generic, nebula_free(s->any, s->objs[0]))
STEP(pool_bulk, s->served = nebula_pool_alloc_bulk(s->pool, 3, s->objs))
STEP(pool_free_bulk, nebula_pool_free_bulk(s->pool, 3, s->objs))
STEP(pool_wait, s->objs[0] = nebula_pool_alloc_wait(s->pool, 1))
STEP(pool_reserve, nebula_pool_reserve(s->pool, &s->reserve, 2))
STEP(pool_reserved, s->objs[0] = nebula_pool_alloc_reserved(&s->reserve))
STEP(pool_unreserve, nebula_pool_unreserve(&s->reserve))
STEP(pool_too_many, s->served = nebula_pool_alloc_bulk(s->pool, 1000, s->objs))
STEP(pool_free_twice, nebula_pool_free(s->pool, s->objs[0]))
STEP(pool_reset, nebula_pool_reset(s->pool))

STEP(stack_alloc, s->objs[0] = nebula_stack_alloc(s->stack, 24, 8))
STEP(stack_zalloc, s->objs[1] = nebula_stack_zalloc(s->stack, 64, 8))
STEP(stack_free_zeroed, nebula_stack_free(s->stack, s->objs[1]))
STEP(stack_free, nebula_stack_free(s->stack, s->objs[0]))
STEP(stack_typed, s->objs[0] = nebula_alloc_obj(s->stack, struct thing))
STEP(stack_free_typed, nebula_free_obj(s->stack, (struct thing *)s->objs[0]))
STEP(stack_free_wrong, nebula_stack_free(s->stack, s->bump))
STEP(stack_restore, nebula_stack_restore(s->stack, s->mark))
STEP(stack_reset, nebula_stack_reset(s->stack))

STEP(custom_alloc, s->objs[0] = nebula_custom_alloc(s->custom, 100, 8))
STEP(custom_free, nebula_custom_free(s->custom, s->objs[0], 100))
STEP(custom_refused, s->objs[0] = nebula_custom_alloc(s->custom, SZ_1G, 8))

static void bump_mark(struct scene *s)
{
	s->cp = nebula_bump_checkpoint(s->bump);
	s->objs[0] = nebula_bump_alloc(s->bump, 64, 8);
	s->objs[1] = nebula_bump_alloc(s->bump, 32, 8);
}

static void stack_mark(struct scene *s)
{
	s->mark = nebula_stack_mark(s->stack);
	s->objs[0] = nebula_stack_alloc(s->stack, 64, 8);
	s->objs[1] = nebula_stack_alloc(s->stack, 32, 8);
}

#define EXPECTED_MAX	6
#define NO_OBJ		(-1)

/**
 * struct step - something that is done, and the events that it leads to
 * @act: does it.
 * @expected: the events, in their order: which, of which object, size, alignment or code.
 */
struct step {
	void (*act)(struct scene *s);
	struct {
		enum traced event;
		int obj;
		size_t size;
		size_t align;
	} expected[EXPECTED_MAX];
};

static const struct step bump_script[] = {
	{ bump_alloc, { { BUMP_ALLOC, 0, 24, 8 } } },
	{ bump_zalloc, { { BUMP_ALLOC, 0, 100, 64 } } },
	{ bump_odd, { { BUMP_ALLOC, 0, 5, 1 } } },
	{ bump_typed, { { BUMP_ALLOC, 0, sizeof(struct thing), 8 } } },
	{ bump_generic, { { BUMP_ALLOC, 0, 40, 8 } } },
	{ bump_nothing, { } },
	{ bump_refused, { { ERROR, NO_OBJ, SZ_1G, NEBULA_E_OUT_OF_MEMORY } } },
	{ bump_shared, { { BUMP_ALLOC, 0, 32, 8 } } },
	{ bump_mark, { { BUMP_ALLOC, 0, 64, 8 }, { BUMP_ALLOC, 1, 32, 8 } } },
	{ bump_restore, { { BUMP_FREE, 0, 96 } } },
	{ bump_reset, { { BUMP_RESET, NO_OBJ, 280 } } },
	{ bump_restore, { { ERROR, NO_OBJ, 0, NEBULA_E_STALE_CHECKPOINT } } },
	{ bump_reset, { { BUMP_RESET, NO_OBJ, 0 } } },
	{ bump_reset_shared, { { BUMP_RESET, NO_OBJ, 40 } } },
};

static const struct step pool_script[] = {
	{ pool_alloc, { { POOL_ALLOC, 0, BLOCK, BLOCK_ALIGN } } },
	{ pool_zalloc, { { POOL_ALLOC, 1, BLOCK, BLOCK_ALIGN } } },
	{ pool_free, { { POOL_FREE, 0, BLOCK } } },
	{ pool_free_twice, { { ERROR, NO_OBJ, BLOCK, NEBULA_E_DOUBLE_FREE } } },
	{ pool_typed, { { POOL_ALLOC, 0, BLOCK, BLOCK_ALIGN } } },
	{ pool_free_typed, { { POOL_FREE, 0, BLOCK } } },
	{ pool_generic, { { POOL_ALLOC, 0, BLOCK, BLOCK_ALIGN } } },
	{ pool_free_generic, { { POOL_FREE, 0, BLOCK } } },
	{ pool_wait, { { POOL_ALLOC, 0, BLOCK, BLOCK_ALIGN } } },
	{ pool_free, { { POOL_FREE, 0, BLOCK } } },
	/* Put aside is as good as allocated; to have one of them is nothing new. */
	{ pool_reserve, { { POOL_ALLOC, NO_OBJ, BLOCK, BLOCK_ALIGN },
			  { POOL_ALLOC, NO_OBJ, BLOCK, BLOCK_ALIGN } } },
	{ pool_reserved, { } },
	{ pool_unreserve, { { POOL_FREE, NO_OBJ, BLOCK } } },
	{ pool_free, { { POOL_FREE, 0, BLOCK } } },
	{ pool_bulk, { { POOL_ALLOC, 0, BLOCK, BLOCK_ALIGN },
		       { POOL_ALLOC, 1, BLOCK, BLOCK_ALIGN },
		       { POOL_ALLOC, 2, BLOCK, BLOCK_ALIGN } } },
	{ pool_free_bulk, { { POOL_FREE, 0, BLOCK }, { POOL_FREE, 1, BLOCK },
			    { POOL_FREE, 2, BLOCK } } },
	{ pool_too_many, { { ERROR, NO_OBJ, BLOCK, NEBULA_E_EXCEEDS_MAX } } },
	{ pool_alloc, { { POOL_ALLOC, 0, BLOCK, BLOCK_ALIGN } } },
	/* With the one that was zeroed. */
	{ pool_reset, { { POOL_RESET, NO_OBJ, 2 * BLOCK }, { POOL_FREE, NO_OBJ, BLOCK },
			{ POOL_FREE, NO_OBJ, BLOCK } } },
};

static const struct step stack_script[] = {
	{ stack_alloc, { { STACK_ALLOC, 0, 24, 8 } } },
	{ stack_zalloc, { { STACK_ALLOC, 1, 64, 8 } } },
	{ stack_free, { { ERROR, NO_OBJ, 0, NEBULA_E_LIFO_VIOLATION } } },
	{ stack_free_zeroed, { { STACK_FREE, 1, 64 } } },
	{ stack_free, { { STACK_FREE, 0, 24 } } },
	{ stack_free_wrong, { { ERROR, NO_OBJ, 0, NEBULA_E_FOREIGN_POINTER } } },
	{ stack_typed, { { STACK_ALLOC, 0, sizeof(struct thing), 8 } } },
	{ stack_free_typed, { { STACK_FREE, 0, sizeof(struct thing) } } },
	{ stack_mark, { { STACK_ALLOC, 0, 64, 8 }, { STACK_ALLOC, 1, 32, 8 } } },
	{ stack_restore, { { STACK_FREE, 0, 96 } } },
	{ stack_alloc, { { STACK_ALLOC, 0, 24, 8 } } },
	{ stack_reset, { { STACK_RESET, NO_OBJ, 24 } } },
	{ stack_restore, { { ERROR, NO_OBJ, 0, NEBULA_E_STALE_CHECKPOINT } } },
};

static const struct step custom_script[] = {
	{ custom_alloc, { { CUSTOM_ALLOC, 0, 100, 8 } } },
	{ custom_free, { { CUSTOM_FREE, 0, 100 } } },
	{ custom_refused, { { ERROR, NO_OBJ, SZ_1G, NEBULA_E_OUT_OF_MEMORY } } },
};

static void expect_events(struct kunit *test, const struct scene *s, const struct step *step,
			  unsigned int number)
{
	unsigned int seen = min(atomic_read(&nr_events), EVENTS_MAX), i;

	for (i = 0; i < EXPECTED_MAX && step->expected[i].event; i++) {
		const struct event *e = &events[i];

		if (i >= seen)
			break;
		KUNIT_EXPECT_EQ_MSG(test, e->event, step->expected[i].event, "step %u", number);
		KUNIT_EXPECT_EQ_MSG(test, e->size, step->expected[i].size, "step %u", number);
		KUNIT_EXPECT_EQ_MSG(test, e->align, step->expected[i].align, "step %u", number);
		if (step->expected[i].obj != NO_OBJ)
			KUNIT_EXPECT_PTR_EQ_MSG(test, e->ptr, s->objs[step->expected[i].obj],
						"step %u", number);
	}
	KUNIT_EXPECT_EQ_MSG(test, seen, i, "events of step %u", number);
}

static void play(struct kunit *test, const struct step *script, unsigned int n)
{
	struct scene s = { };
	unsigned int i;

	scene_create(test, &s);
	start_listening(test);
	for (i = 0; i < n; i++) {
		forget_events();
		script[i].act(&s);
		expect_events(test, &s, &script[i], i);
	}
	stop_listening();
	forget_events();
	for (i = 0; i < n; i++)
		script[i].act(&s);
	KUNIT_EXPECT_EQ(test, atomic_read(&nr_events), 0);
	scene_destroy(&s);
}

static void trace_bumps(struct kunit *test)
{
	play(test, bump_script, ARRAY_SIZE(bump_script));
}

static void trace_pools(struct kunit *test)
{
	play(test, pool_script, ARRAY_SIZE(pool_script));
}

static void trace_stacks(struct kunit *test)
{
	play(test, stack_script, ARRAY_SIZE(stack_script));
}

static void trace_customs(struct kunit *test)
{
	play(test, custom_script, ARRAY_SIZE(custom_script));
}

/* Regions */

/* What was mapped and unmapped. */
struct regions {
	const void *mapped;	/* last of its kind, likewise @unmapped */
	const void *unmapped;
	size_t bytes;		/* of @mapped */
	size_t bytes_unmapped;	/* of @unmapped */
	unsigned int nr;	/* events of both kinds */
};

static void hear_map(void *data, const void *ptr, size_t size, const char *backing)
{
	struct regions *r = data;

	r->nr++;
	r->mapped = ptr;
	r->bytes = strcmp(backing, "vmalloc") ? 0 : size;
}

static void hear_unmap(void *data, const void *ptr, size_t size, const char *backing)
{
	struct regions *r = data;

	r->nr++;
	r->unmapped = ptr;
	r->bytes_unmapped = strcmp(backing, "vmalloc") ? 0 : size;
}

static void trace_regions(struct kunit *test)
{
	struct regions r = { };
	struct nebula_bump *b;

	require_events(test);
	KUNIT_ASSERT_EQ(test, register_trace_region_map(hear_map, &r), 0);
	KUNIT_ASSERT_EQ(test, register_trace_region_unmap(hear_unmap, &r), 0);
	b = nebula_bump_create("t-region", .capacity = SZ_64K, .backing = NEBULA_VMALLOC);
	ASSERT_BUMP(test, b);
	KUNIT_EXPECT_TRUE(test, nebula_bump_owns(b, r.mapped));
	KUNIT_EXPECT_GE(test, r.bytes, (size_t)SZ_64K);
	nebula_bump_destroy(b);
	nebula_chunks_flush();
	KUNIT_EXPECT_PTR_EQ(test, r.unmapped, r.mapped);
	KUNIT_EXPECT_EQ(test, r.bytes_unmapped, r.bytes);
	KUNIT_EXPECT_EQ(test, r.nr, 2U);
	unregister_trace_region_unmap(hear_unmap, &r);
	unregister_trace_region_map(hear_map, &r);
	tracepoint_synchronize_unregister();
}

/* Switched on and off */

static int switch_event(const char *name, int on)
{
	return IS_ENABLED(CONFIG_EVENT_TRACING) ? trace_set_clr_event("nebula", name, on)
						: -EOPNOTSUPP;
}

static void expect_path(struct kunit *test, const char *name, bool is_inline)
{
	EXPECT_TEXT(test, files_text(test, name, "info"),
		    is_inline ? "\npath: inline\n" : "\npath: out of line\n");
}

/* As who writes to the events' files in tracefs. */
static void trace_moves_the_path(struct kunit *test)
{
	static const struct {
		const char *event;
		const char *allocator;
	} rows[] = {
		{ "bump_alloc", "t-bump" }, { "bump_free", "t-bump" }, { "bump_reset", "t-bump" },
		{ "bump_alloc", "t-shared" }, { "pool_alloc", "t-pool" },
		{ "pool_free", "t-pool" }, { "pool_reset", "t-pool" },
		{ "stack_alloc", "t-stack" }, { "stack_free", "t-stack" },
		{ "stack_reset", "t-stack" },
	};
	struct scene s = { };
	unsigned int i;

	scene_create(test, &s);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		expect_path(test, rows[i].allocator, true);
		KUNIT_EXPECT_EQ(test, switch_event(rows[i].event, 1), 0);
		expect_path(test, rows[i].allocator, false);
		bump_alloc(&s);
		stack_alloc(&s);
		expect_path(test, rows[i].allocator, false);
		KUNIT_EXPECT_EQ(test, switch_event(rows[i].event, 0), 0);
		bump_alloc(&s);
		stack_alloc(&s);
		expect_path(test, rows[i].allocator, true);
	}
	/* These are on no inline path. */
	KUNIT_EXPECT_EQ(test, switch_event("error", 1), 0);
	KUNIT_EXPECT_EQ(test, switch_event("custom_alloc", 1), 0);
	expect_path(test, "t-bump", true);
	KUNIT_EXPECT_EQ(test, switch_event("custom_alloc", 0), 0);
	KUNIT_EXPECT_EQ(test, switch_event("error", 0), 0);
	scene_destroy(&s);
}

/* Each waits for grace periods, many times. */
#define LOAD_ROUNDS	5
#define BURST		10

/* Operations of one turn that are traced: of the bump allocator, the stack, and the pool. */
#define TRACED		(2 + 2 + 2)

/* An owner on another CPU. */
struct load {
	struct scene scene;	/* what it uses */
	unsigned int wish;	/* turns that it shall have made */
	unsigned int turns;	/* that it has made */
	bool over;		/* it shall come to an end */
};

static void load_turn(struct scene *s)
{
	bump_alloc(s);
	bump_reset(s);
	stack_alloc(s);
	stack_free(s);
	pool_alloc(s);
	pool_free(s);
}

static void load_run(void *data)
{
	struct load *l = data;

	while (!READ_ONCE(l->over)) {
		/* Pairs with the release in burst(). */
		if (smp_load_acquire(&l->wish) != l->turns) {
			load_turn(&l->scene);
			/* Pairs with the acquire in burst(). */
			smp_store_release(&l->turns, l->turns + 1);
		}
		cond_resched();
	}
}

static void burst(struct load *l)
{
	const unsigned int until = l->wish + BURST;

	smp_store_release(&l->wish, until);	/* Pairs with the acquire in load_run(). */
	/* Pairs with the release in load_run(). */
	while (smp_load_acquire(&l->turns) != until) {
		cpu_relax();
		cond_resched();
	}
}

/* All of a burst arrives while we listen, and nothing while we do not. */
static void trace_on_and_off_under_load(struct kunit *test)
{
	const int there = fixture_other_cpu(test);
	struct load *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);
	unsigned int round, heard = 0, unheard = 0;
	struct worker worker;

	KUNIT_ASSERT_NOT_NULL(test, l);
	scene_create(test, &l->scene);
	worker_start(test, &worker, there, load_run, l);
	for (round = 0; round < LOAD_ROUNDS; round++) {
		start_listening(test);
		burst(l);
		heard += atomic_read(&nr_events);
		stop_listening();
		forget_events();
		burst(l);
		unheard += atomic_read(&nr_events);
	}
	WRITE_ONCE(l->over, true);
	worker_join(&worker);
	KUNIT_EXPECT_EQ(test, heard, LOAD_ROUNDS * BURST * TRACED);
	KUNIT_EXPECT_EQ(test, unheard, 0U);
	scene_destroy(&l->scene);
}

static void run_on(void *data)
{
	struct load *l = data;

	while (!READ_ONCE(l->over)) {
		load_turn(&l->scene);
		l->turns++;
		cond_resched();
	}
}

/* An operation under way is finished; the objects of its caller stay as they are. */
static void trace_switched_in_the_middle(struct kunit *test)
{
	const int there = fixture_other_cpu(test);
	struct load *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);
	struct nebula_stats st;
	struct worker worker;
	unsigned int round;

	KUNIT_ASSERT_NOT_NULL(test, l);
	scene_create(test, &l->scene);
	worker_start(test, &worker, there, run_on, l);
	for (round = 0; round < LOAD_ROUNDS; round++) {
		KUNIT_EXPECT_EQ(test, switch_event(NULL, 1), 0);
		cond_resched();
		KUNIT_EXPECT_EQ(test, switch_event(NULL, 0), 0);
		cond_resched();
	}
	WRITE_ONCE(l->over, true);
	worker_join(&worker);
	nebula_stats_read(l->scene.bump, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, (u64)l->turns);
	KUNIT_EXPECT_EQ(test, st.resets, (u64)l->turns);
	nebula_stats_read(l->scene.stack, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, (u64)l->turns);
	KUNIT_EXPECT_EQ(test, st.frees, (u64)l->turns);
	nebula_stats_read(l->scene.pool, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, (u64)l->turns);
	KUNIT_EXPECT_EQ(test, st.frees, (u64)l->turns);
	scene_destroy(&l->scene);
}

/* NMIs */

static void fail_in_nmi(unsigned int cpu, void *data)
{
	struct scene *s = data;
	void *p = nebula_bump_alloc(s->shared, SZ_1G, 8);

	if (!p)
		p = nebula_pool_alloc(s->pool);
	nebula_pool_free(s->pool, p);
}

static void send_nmi(void *unused)
{
	nmis_send();
}

static void trace_from_nmi(struct kunit *test)
{
	struct scene s = { };
	struct nebula_stats st;
	unsigned int i;
	s64 errors;

	scene_create(test, &s);
	start_listening(test);
	if (!nmis_begin(test, fail_in_nmi, &s)) {
		stop_listening();
		scene_destroy(&s);
		kunit_skip(test, "this kernel has no NMIs that can be sent");
	}
	for (i = 0; i < 20; i++)
		on_each_cpu(send_nmi, NULL, 1);
	nmis_end();
	stop_listening();
	nebula_stats_read(s.shared, &st);
	/* An allocation and a free each, and an error unless it is only counted: it is a flood. */
	errors = atomic_read(&nr_in_nmi) - 2 * (s64)st.failed;
	KUNIT_EXPECT_GE(test, errors, 1LL);
	KUNIT_EXPECT_LE(test, errors, (s64)st.failed);
	KUNIT_EXPECT_EQ(test, atomic_read(&nr_in_nmi), atomic_read(&nr_events));
	nebula_error_flush();
	scene_destroy(&s);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(trace_bumps),
	KUNIT_CASE(trace_pools),
	KUNIT_CASE(trace_stacks),
	KUNIT_CASE(trace_customs),
	KUNIT_CASE(trace_regions),
	KUNIT_CASE(trace_moves_the_path),
	KUNIT_CASE(trace_on_and_off_under_load),
	KUNIT_CASE(trace_switched_in_the_middle),
	KUNIT_CASE(trace_from_nmi),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_trace",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
