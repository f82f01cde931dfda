// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the typed, generic and scoped forms cost beyond the plain calls that they stand for: each
 * row is a form, and the plain call is taken off.
 */
#include <linux/err.h>
#include <linux/sizes.h>
#include <nebula/nebula.h>
#include "measure.h"

/* Room for all operations of a timed piece. */
#define CAPACITY	SZ_16M

struct object {
	u64 words[8];
};

static struct nebula_bump *bump;
static struct nebula_stack *stack;
static struct nebula_scratch *scratch;
static nebula_pool_of(struct object) objects;

/* One body for the plain calls and for all forms. */
#define DEFINE_PAIR(name, on, alloc, free)				\
static __always_inline void name##_step(typeof(on) it)			\
{									\
	void *p = alloc;						\
									\
	bench_use(p);							\
	free;								\
}									\
static DEFINE_BENCH_LOOP(name, on, name##_step(it))

#define SIZE	sizeof(struct object)
#define ALIGNED	__alignof__(struct object)

static DEFINE_BENCH_LOOP(bump_plain, bump, bench_use(nebula_bump_alloc(it, SIZE, ALIGNED)));
static DEFINE_BENCH_LOOP(bump_typed, bump, bench_use(nebula_alloc_obj(it, struct object)));
static DEFINE_BENCH_LOOP(bump_array, bump, bench_use(nebula_alloc_objs(it, u64, 8)));
static DEFINE_BENCH_LOOP(bump_generic, bump, bench_use(nebula_alloc(it, SIZE, ALIGNED)));

DEFINE_PAIR(stack_plain, stack, nebula_stack_alloc(it, SIZE, ALIGNED), nebula_stack_free(it, p));
DEFINE_PAIR(stack_generic, stack, nebula_alloc(it, SIZE, ALIGNED), nebula_free(it, p));
DEFINE_PAIR(stack_typed, stack, nebula_alloc_obj(it, struct object),
	    nebula_free_obj(it, (struct object *)p));

DEFINE_PAIR(scratch_plain, scratch, nebula_scratch_get(it, SIZE, ALIGNED),
	    nebula_scratch_put(it, p));
DEFINE_PAIR(scratch_typed, scratch, nebula_alloc_obj(it, struct object),
	    nebula_free_obj(it, (struct object *)p));

DEFINE_PAIR(pool_plain, objects.pool, nebula_pool_alloc(it), nebula_pool_free(it, p));
DEFINE_PAIR(pool_generic, objects.pool, nebula_alloc(it, SIZE, ALIGNED), nebula_free(it, p));
DEFINE_PAIR(pool_of, objects, nebula_pool_of_alloc(&it),
	    nebula_pool_of_free(&it, (struct object *)p));

static __always_inline void auto_step(struct nebula_stack *s)
{
	NEBULA_AUTO_OBJ(s, struct object, o);

	bench_use(o);
}

static DEFINE_BENCH_LOOP(stack_auto, stack, auto_step(it));

static __always_inline void frame_step(struct nebula_stack *s)
{
	struct nebula_mark m = nebula_stack_mark(s);

	bench_use(nebula_alloc_obj(s, struct object));
	nebula_stack_restore(s, m);
}

static __always_inline void guard_step(struct nebula_stack *s)
{
	guard(nebula_stack)(s);
	bench_use(nebula_alloc_obj(s, struct object));
}

static DEFINE_BENCH_LOOP(typed_frame, stack, frame_step(it));
static DEFINE_BENCH_LOOP(stack_guard, stack, guard_step(it));

static int teardown(void)
{
	nebula_bump_destroy(bump);
	nebula_stack_destroy(stack);
	nebula_scratch_destroy(scratch);
	nebula_pool_of_destroy(&objects);
	return 0;
}

static int setup(void)
{
	int err;

	bump = nebula_bump_create("bench", .capacity = CAPACITY);
	stack = nebula_stack_create("bench", .capacity = SZ_64K);
	scratch = nebula_scratch_create("bench", .per_cpu_size = SZ_4K);
	err = nebula_pool_of_create(&objects, "bench", 1000);
	if (err || IS_ERR(bump) || IS_ERR(stack) || IS_ERR(scratch)) {
		teardown();
		return -ENOMEM;
	}
	return 0;
}

static void undo(void)
{
	nebula_bump_reset(bump);
}

#define OVER(plain)	.base = plain, .setup = setup, .undo = undo, .teardown = teardown
#define SAME_AS(plain)	OVER(plain), .target = BENCH_NO_MORE

static const struct bench_case cases[] = {
	BENCH_AVERAGE("typed_bump", "alloc_obj(bump) over plain", bump_typed,
		      SAME_AS(bump_plain)),
	BENCH_AVERAGE("typed_bump_array", "alloc_objs(bump) over plain", bump_array,
		      SAME_AS(bump_plain)),
	BENCH_AVERAGE("typed_bump_generic", "generic alloc(bump) over plain", bump_generic,
		      SAME_AS(bump_plain)),
	BENCH_AVERAGE("typed_stack", "alloc_obj + free_obj(stack) over plain",
		      stack_typed, SAME_AS(stack_plain)),
	BENCH_AVERAGE("typed_stack_generic", "generic alloc + free(stack) over plain",
		      stack_generic, SAME_AS(stack_plain)),
	BENCH_AVERAGE("typed_stack_auto", "AUTO_OBJ(stack) over plain", stack_auto,
		      SAME_AS(stack_plain)),
	BENCH_AVERAGE("typed_stack_guard", "guard(stack) over mark + restore",
		      stack_guard, OVER(typed_frame)),
	BENCH_AVERAGE("typed_scratch", "alloc_obj + free_obj(scratch) over plain",
		      scratch_typed, SAME_AS(scratch_plain)),
	BENCH_AVERAGE("typed_pool_of", "pool_of alloc + free over plain", pool_of,
		      SAME_AS(pool_plain)),
	BENCH_AVERAGE("typed_pool_generic", "generic alloc + free(pool) over plain", pool_generic,
		      OVER(pool_plain)),
};

const struct bench_table typed_table = { "typed", cases, ARRAY_SIZE(cases) };
