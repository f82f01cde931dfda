// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table of allocators, see subjects.h.
 */
#include <linux/err.h>
#include <linux/string.h>
#include "subjects.h"

#define CAPACITY	((size_t)SZ_64K)
#define BLOCK		((size_t)256)
#define BLOCKS		64

/* What create returned, whatever it is. */
#define COMMON(x)									\
({											\
	typeof(x) __made = (x);								\
											\
	IS_ERR(__made) ? ERR_CAST(__made) : nebula_allocator_of(__made);		\
})

/* Bump */

static struct nebula_bump *bump_of(struct nebula_allocator *a)
{
	return container_of(a, struct nebula_bump, common);
}

static struct nebula_allocator *bump_create(unsigned int flags)
{
	return COMMON(nebula_bump_create("bump", .capacity = CAPACITY, .flags = flags));
}

static struct nebula_allocator *bump_create_shared(unsigned int flags)
{
	return COMMON(nebula_bump_create("bump-shared", .capacity = SZ_1M,
					 .flags = flags | NEBULA_SHARED));
}

static void bump_destroy(struct nebula_allocator *a)
{
	nebula_bump_destroy(bump_of(a));
}

static void bump_reset(struct nebula_allocator *a)
{
	nebula_bump_reset(bump_of(a));
}

/* It grows and shrinks, and what a checkpoint in between still has is lost. */
static bool resize_newest(struct nebula_bump *b, u32 random)
{
	const bool shared = b->common.flags & NEBULA_SHARED;
	size_t size = 1 + random % 64, larger = size + random % 32, smaller = 1 + random % size;
	void *p = nebula_bump_alloc(b, size, 1);
	struct nebula_checkpoint cp;

	p = p ? nebula_bump_realloc(b, p, size, larger, 1) : NULL;
	if (!p)
		return false;
	if (!shared)
		cp = nebula_bump_checkpoint(b);
	p = nebula_bump_realloc(b, p, larger, smaller, 1);
	if (!shared && random % 2)
		nebula_bump_restore(b, cp);
	return p;
}

static void bump_turn(struct nebula_allocator *a, u32 random)
{
	struct nebula_bump *b = bump_of(a);
	struct nebula_checkpoint cp = nebula_bump_checkpoint(b);
	bool served = nebula_bump_alloc(b, 24, 8) && nebula_bump_alloc(b, 64, 64) &&
		      nebula_bump_alloc(b, random % 32, 1) && nebula_bump_alloc(b, 40, 16);

	if (random % 8 == 1)
		served = served && resize_newest(b, random / 8);
	if (!served || random % 16 == 0)
		nebula_bump_reset(b);
	else if (random % 4)
		nebula_bump_restore(b, cp);
}

static void bump_turn_shared(struct nebula_allocator *a, u32 random)
{
	struct nebula_bump *b = bump_of(a);
	bool served = nebula_bump_alloc(b, 8, 8) && nebula_bump_alloc(b, random % 32, 1);

	if (random % 8 == 1)
		served = served && resize_newest(b, random / 8);
	if (served && random % 64 == 0 && !nebula_bump_alloc(b, SZ_4K, 64))
		return;
}

/* Pool */

static struct nebula_pool *pool_of(struct nebula_allocator *a)
{
	return container_of(a, struct nebula_pool, common);
}

static struct nebula_allocator *pool_create(unsigned int flags)
{
	return COMMON(nebula_pool_create("pool", .block_size = BLOCK, .blocks = BLOCKS,
					 .align = 64, .flags = flags));
}

static struct nebula_allocator *pool_create_strict(unsigned int flags)
{
	return COMMON(nebula_pool_create("pool-strict", .block_size = BLOCK, .blocks = BLOCKS,
					 .align = 64, .flags = flags | NEBULA_STRICT));
}

static void pool_destroy(struct nebula_allocator *a)
{
	nebula_pool_destroy(pool_of(a));
}

static void pool_turn(struct nebula_allocator *a, u32 random)
{
	struct nebula_pool *p = pool_of(a);
	void *objs[BLOCKS];
	/* Others may have some of them, and then there are too few. */
	unsigned int n = random % 128 ? 1 + random % 8 : BLOCKS, i;

	if (random % 16 == 0) {
		if (nebula_pool_alloc_bulk(p, n, objs))
			nebula_pool_free_bulk(p, n, objs);
		return;
	}
	for (i = 0; i < n; i++)
		objs[i] = nebula_pool_alloc(p);
	while (i--)
		nebula_pool_free(p, objs[i]);
}

/* Stack */

static struct nebula_stack *stack_of(struct nebula_allocator *a)
{
	return container_of(a, struct nebula_stack, common);
}

static struct nebula_allocator *stack_create(unsigned int flags)
{
	return COMMON(nebula_stack_create("stack", .capacity = CAPACITY, .flags = flags));
}

static struct nebula_allocator *stack_create_shared(unsigned int flags)
{
	return COMMON(nebula_stack_create("stack-shared", .capacity = CAPACITY,
					  .flags = flags | NEBULA_SHARED));
}

static void stack_destroy(struct nebula_allocator *a)
{
	nebula_stack_destroy(stack_of(a));
}

static void stack_turn(struct nebula_allocator *a, u32 random)
{
	struct nebula_stack *s = stack_of(a);
	struct nebula_mark m = nebula_stack_mark(s);
	void *first = nebula_stack_alloc(s, 24, 8), *second;

	second = nebula_stack_alloc(s, 64, 64);
	if (random % 2)
		nebula_stack_free(s, second);
	if (random % 4 == 1)
		nebula_stack_free(s, first);
	else if (random % 4 == 2)
		nebula_stack_restore(s, m);
	if (!first || !second || random % 16 == 0)
		nebula_stack_reset(s);
}

/* What another CPU put on top goes with what is ours: it is not in use. */
static void stack_turn_shared(struct nebula_allocator *a, u32 random)
{
	struct nebula_stack *s = stack_of(a);
	unsigned int n = random % 8;
	bool served = true;

	while (n-- && served)
		served = nebula_stack_alloc(s, 40, 8);
	if (!served || random % 16 == 0)
		nebula_stack_reset(s);
	else if (random % 16 == 1)
		nebula_stack_free(s, nebula_stack_alloc(s, 24, 8));
}

/* Scratch */

static struct nebula_scratch *scratch_of(struct nebula_allocator *a)
{
	return container_of(a, struct nebula_scratch, common);
}

static struct nebula_allocator *scratch_create(unsigned int flags)
{
	return COMMON(nebula_scratch_create("scratch", .per_cpu_size = CAPACITY, .flags = flags));
}

static void scratch_destroy(struct nebula_allocator *a)
{
	nebula_scratch_destroy(scratch_of(a));
}

static void scratch_turn(struct nebula_allocator *a, u32 random)
{
	struct nebula_scratch *s = scratch_of(a);
	void *first = nebula_scratch_get(s, 24, 8), *second = nebula_scratch_get(s, 64, 64);
	void *third = nebula_scratch_get(s, random % 100, 1);

	nebula_scratch_put(s, third);
	nebula_scratch_put(s, second);
	nebula_scratch_put(s, first);
}

/* A client's own kind: everything is at the same place, which is never accessed. */

#define FAKE_CAPACITY	SZ_1M

static u8 fake_memory[64] __aligned(64);

static void *fake_alloc(struct nebula_custom *c, size_t size, size_t align)
{
	return size > FAKE_CAPACITY ? NULL : fake_memory;
}

static enum nebula_errc fake_free(struct nebula_custom *c, void *p, size_t size)
{
	return NEBULA_OK;
}

static size_t fake_capacity(const struct nebula_custom *c)
{
	return FAKE_CAPACITY;
}

static NEBULA_DEFINE_ALLOCATOR(fake, .kind = "fake", .alloc = fake_alloc, .free = fake_free,
			       .capacity = fake_capacity);

static struct nebula_custom *custom_of(struct nebula_allocator *a)
{
	return container_of(a, struct nebula_custom, common);
}

static struct nebula_allocator *custom_create(unsigned int flags)
{
	int ret = nebula_custom_register(&fake, "custom");

	return ret ? ERR_PTR(ret) : nebula_allocator_of(&fake);
}

static void custom_destroy(struct nebula_allocator *a)
{
	nebula_custom_unregister(custom_of(a));
}

static void custom_turn(struct nebula_allocator *a, u32 random)
{
	struct nebula_custom *c = custom_of(a);
	void *first = nebula_custom_alloc(c, 24, 8);
	void *second = nebula_custom_alloc(c, 1 + random % 100, 1);

	nebula_custom_free(c, second, 1 + random % 100);
	nebula_custom_free(c, first, 24);
}

/* Composites of two pools. */

static struct nebula_allocator *small, *large;

static struct nebula_allocator *with_parts(struct nebula_allocator *(*make)(void))
{
	struct nebula_allocator *a;

	small = pool_create_strict(0);
	large = pool_create(0);
	a = make();
	if (!IS_ERR(a))
		return a;
	if (!IS_ERR(large))
		pool_destroy(large);
	if (!IS_ERR(small))
		pool_destroy(small);
	return a;
}

static struct nebula_allocator *make_fallback(void)
{
	return nebula_fallback_create("fallback", small, large);
}

static struct nebula_allocator *make_split(void)
{
	return nebula_split_create("split", 64, small, large);
}

static struct nebula_allocator *fallback_create(unsigned int flags)
{
	return with_parts(make_fallback);
}

static struct nebula_allocator *split_create(unsigned int flags)
{
	return with_parts(make_split);
}

static void composite_destroy(struct nebula_allocator *a)
{
	nebula_composite_destroy(a);
	pool_destroy(large);
	pool_destroy(small);
}

static void composite_turn(struct nebula_allocator *a, u32 random)
{
	void *first = nebula_alloc(a, 24, 8), *second = nebula_alloc(a, 1 + random % 200, 1);

	nebula_free(a, second);
	nebula_free(a, first);
}

const struct subject subjects[] = {
	{
		.name = "bump", .too_large = NEBULA_E_OUT_OF_MEMORY, .exact_peak = true,
		.tracks = true, .create = bump_create, .destroy = bump_destroy,
		.reset = bump_reset, .turn = bump_turn,
	},
	{
		.name = "shared bump", .too_large = NEBULA_E_OUT_OF_MEMORY, .shared = true,
		.exact_peak = true, .tracks = true, .create = bump_create_shared,
		.destroy = bump_destroy, .reset = bump_reset, .turn = bump_turn_shared,
	},
	{
		.name = "pool", .too_large = NEBULA_E_INVALID_LAYOUT, .block = BLOCK,
		.shared = true, .create = pool_create, .destroy = pool_destroy,
		.turn = pool_turn,
	},
	{
		.name = "strict pool", .too_large = NEBULA_E_INVALID_LAYOUT, .block = BLOCK,
		.shared = true, .exact_peak = true, .create = pool_create_strict,
		.destroy = pool_destroy, .turn = pool_turn,
	},
	{
		.name = "stack", .too_large = NEBULA_E_OUT_OF_MEMORY, .exact_peak = true,
		.tracks = true, .create = stack_create, .destroy = stack_destroy,
		.turn = stack_turn,
	},
	{
		.name = "shared stack", .too_large = NEBULA_E_OUT_OF_MEMORY, .shared = true,
		.exact_peak = true, .tracks = true, .create = stack_create_shared,
		.destroy = stack_destroy, .turn = stack_turn_shared,
	},
	{
		.name = "scratch", .too_large = NEBULA_E_OUT_OF_MEMORY, .shared = true,
		.exact_peak = true, .tracks = true, .create = scratch_create,
		.destroy = scratch_destroy, .turn = scratch_turn,
	},
	{
		.name = "custom", .too_large = NEBULA_E_OUT_OF_MEMORY, .shared = true,
		.exact_peak = true, .create = custom_create, .destroy = custom_destroy,
		.turn = custom_turn,
	},
	{
		.name = "fallback", .too_large = NEBULA_E_OUT_OF_MEMORY, .shared = true,
		.parts = true, .create = fallback_create, .destroy = composite_destroy,
		.turn = composite_turn,
	},
	{
		.name = "split", .too_large = NEBULA_E_OUT_OF_MEMORY, .shared = true,
		.parts = true, .create = split_create, .destroy = composite_destroy,
		.turn = composite_turn,
	},
};

const unsigned int nr_subjects = ARRAY_SIZE(subjects);

/* So many of anything are a few less than none. */
#define COUNT_MAX	(U64_MAX >> 1)

/* No subject ever has so many objects. */
#define LIVE_MAX	SZ_1M

const char *subject_insane(const struct nebula_stats *st)
{
	const struct {
		const char *name;
		bool wrong;
	} checks[] = {
		{ "allocs",	st->allocs > COUNT_MAX },
		{ "frees",	st->frees > st->allocs },
		{ "live",	st->live > LIVE_MAX },
		{ "bytes_in",	st->bytes_in > COUNT_MAX },
		{ "bytes_out",	st->bytes_out > COUNT_MAX },
		{ "padding",	st->padding > COUNT_MAX },
		{ "used",	st->used + st->available != st->capacity },
		{ "available",	st->available > st->capacity },
		{ "peak",	st->peak < st->used || st->peak > st->max_capacity },
		{ "utilisation", st->utilisation > 1000 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(checks); i++)
		if (checks[i].wrong)
			return checks[i].name;
	return NULL;
}

const struct subject *subject_named(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_subjects; i++)
		if (!strcmp(subjects[i].name, name))
			return &subjects[i];
	return NULL;
}

struct nebula_allocator *subject_create(struct kunit *test, const struct subject *s)
{
	struct nebula_allocator *a = s->create(0);

	KUNIT_ASSERT_NOT_ERR_OR_NULL_MSG(test, a, "%s", s->name);
	return a;
}
