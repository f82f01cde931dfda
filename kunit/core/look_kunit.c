// SPDX-License-Identifier: GPL-2.0-only
/*
 * What debugfs shows of allocators of all kinds: maps, live objects by call site, validation, also
 * while the allocator is in use.
 */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "../../module/bump/hooks.h"
#include "../../module/bump/priv.h"
#include "../compose/ring.h"
#include "../files.h"
#include "../fixture.h"
#include "../worker.h"

#define DOTS_8		"........"
#define DOTS_32		"................................"
#define DOTS_64		"................................................................"
#define USED_8		"########"
#define USED_32		"################################"
#define USED_64		"################################################################"

static u8 buffer[256] __aligned(64);

/* A small allocator, and the map of it. */
struct drawing {
	const char *kind;	/* which */
	struct nebula_allocator *(*make)(void);	/* makes it, under the name "drawn" */
	size_t sizes[6];	/* bytes of objects that are allocated, aligned to 8, up to a 0 */
	const char *map;	/* a part of the map */
};

static struct nebula_allocator *bump_of_64(void)
{
	return nebula_allocator_of(nebula_bump_create("drawn", .buffer = buffer,
						      .buffer_size = 64));
}

static struct nebula_allocator *bump_of_150(void)
{
	return nebula_allocator_of(nebula_bump_create("drawn", .buffer = buffer,
						      .buffer_size = 150));
}

static struct nebula_allocator *bump_of_8k(void)
{
	return nebula_allocator_of(nebula_bump_create("drawn", .capacity = SZ_8K));
}

static struct nebula_allocator *bump_that_grows(void)
{
	return nebula_allocator_of(nebula_bump_create("drawn", .capacity = SZ_4K,
						      .max_capacity = SZ_16K,
						      .flags = NEBULA_GROW));
}

static struct nebula_allocator *bump_shared(void)
{
	return nebula_allocator_of(nebula_bump_create("drawn", .capacity = SZ_64K,
						      .flags = NEBULA_SHARED));
}

static struct nebula_allocator *pool_of_48(void)
{
	return nebula_allocator_of(nebula_pool_create("drawn", .block_size = 24, .blocks = 48,
						      .cache_depth = NEBULA_POOL_NO_CACHE));
}

static struct nebula_allocator *pool_of_4096(void)
{
	return nebula_allocator_of(nebula_pool_create("drawn", .block_size = 8, .blocks = 4096,
						      .cache_depth = NEBULA_POOL_NO_CACHE));
}

static struct nebula_allocator *stack_of_150(void)
{
	return nebula_allocator_of(nebula_stack_create("drawn", .buffer = buffer,
						       .buffer_size = 150));
}

static const struct drawing drawings[] = {
	{ "bump", bump_of_64, { },
	  "# used + some used . free\nregion 1: 64 bytes, 1 for each character\n0 " DOTS_64 "\n" },
	{ "bump", bump_of_64, { 20, 8 },
	  "region 1: 64 bytes, 1 for each character\n0 " USED_32 DOTS_32 "\n" },
	{ "bump, odd", bump_of_150, { 64, 37 },
	  "region 1: 150 bytes, 1 for each character\n0 " USED_64 "\n64 " USED_32 "#####..."
	  DOTS_8 DOTS_8 DOTS_8 "\n128 " DOTS_8 DOTS_8 "......\n" },
	{ "bump, scaled", bump_of_8k, { 9 },
	  "region 1: 8192 bytes, 4 for each character\n0 ##+....." },
	{ "bump, grown: first", bump_that_grows, { 100, 4096 },
	  "region 1: 4096 bytes, 2 for each character\n0 " USED_64 "\n" },
	{ "bump, grown: second", bump_that_grows, { 100, 4096 },
	  "region 2: 8192 bytes, 4 for each character\n0 " USED_64 "\n" },
	{ "bump, grown: second, above", bump_that_grows, { 100, 4096 }, "4096 " DOTS_64 "\n" },
	{ "bump, shared: sub-chunk", bump_shared, { 64 },
	  "# used + some used - held by a CPU . free\n"
	  "region 1: 65536 bytes, 32 for each character\n0 ##------" },
	{ "bump, shared: from the top", bump_shared, { 40000 }, "\n63488 " USED_64 "\n" },
	{ "pool", pool_of_48, { 24, 24, 24 },
	  "# used + some used . free\n48 blocks, 1 for each character\n0 ###....." },
	{ "pool, scaled", pool_of_4096, { 8, 8, 8 },
	  " #+......" DOTS_32 },
	{ "stack", stack_of_150, { 64, 37 },
	  "# used + some used . free\n150 bytes, 1 for each character\n0 " USED_64 "\n64 "
	  USED_32 "#####..." },
};

static void destroy(struct nebula_allocator *a)
{
	if (a->ops->kind == NEBULA_KIND_BUMP)
		nebula_bump_destroy(container_of(a, struct nebula_bump, common));
	else if (a->ops->kind == NEBULA_KIND_POOL)
		nebula_pool_destroy(container_of(a, struct nebula_pool, common));
	else
		nebula_stack_destroy(container_of(a, struct nebula_stack, common));
}

static void draw(struct kunit *test, const struct drawing *d)
{
	struct nebula_allocator *a = d->make();
	const size_t *size;

	KUNIT_ASSERT_NOT_ERR_OR_NULL_MSG(test, a, "%s", d->kind);
	for (size = d->sizes; *size; size++)
		KUNIT_EXPECT_NOT_NULL_MSG(test, nebula_alloc(a, *size, 8), "%s", d->kind);
	EXPECT_TEXT(test, files_text(test, a->reg->name, "map"), d->map);
	destroy(a);
}

static void look_draws_maps(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(drawings); i++)
		draw(test, &drawings[i]);
}

/* A row for each CPU, and what was used before. */
static void look_draws_scratch(struct kunit *test)
{
	struct nebula_scratch *s = nebula_scratch_create("drawn", .per_cpu_size = SZ_4K);
	size_t size = 1000;
	const char *text;
	void *p;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	OPTIMIZER_HIDE_VAR(size);
	preempt_disable();
	p = nebula_scratch_get(s, size, 8);
	nebula_scratch_put(s, p);
	preempt_enable();
	KUNIT_EXPECT_NOT_NULL(test, p);
	text = files_text(test, "drawn", "map");
	EXPECT_TEXT(test, text, "# used + some used - used before . never\n");
	EXPECT_TEXT(test, text, " bytes, 128 for each character\n0 --------" DOTS_32);
	nebula_scratch_destroy(s);
}

static unsigned int lines(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void look_scales_large_maps(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("large", .capacity = SZ_256M,
						   .backing = NEBULA_VMALLOC);
	size_t size = SZ_128M + SZ_32K;
	const char *text;

	if (IS_ERR(b))
		kunit_skip(test, "no memory");
	OPTIMIZER_HIDE_VAR(size);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, size, 8));
	text = files_text(test, "large", "map");
	EXPECT_TEXT(test, text, "region 1: 268435456 bytes, 131072 for each character\n");
	EXPECT_TEXT(test, text, "\n125829120 " USED_64 "\n134217728 +.......");
	KUNIT_EXPECT_EQ(test, lines(text), 3U + 32U);
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	nebula_bump_destroy(b);
}

#define SITE_SIZE	24

static noinline void *first_here(struct nebula_allocator *a)
{
	void *p = nebula_alloc(a, SITE_SIZE, 8);

	barrier();	/* or it would not be in the call stack */
	return p;
}

/* Not the same, or the compiler would make one of the two. */
static noinline void *second_here(struct nebula_allocator *a)
{
	void *p = nebula_zalloc(a, SITE_SIZE, 8);

	barrier();
	return p;
}

static struct nebula_allocator *tracked_bump(void)
{
	return nebula_allocator_of(nebula_bump_create("tracked", .capacity = SZ_64K,
						      .flags = NEBULA_TRACK));
}

static struct nebula_allocator *tracked_shared(void)
{
	return nebula_allocator_of(nebula_bump_create("tracked", .capacity = SZ_64K,
						      .flags = NEBULA_TRACK | NEBULA_SHARED));
}

static struct nebula_allocator *tracked_pool(void)
{
	return nebula_allocator_of(nebula_pool_create("tracked", .block_size = SITE_SIZE,
						      .blocks = 200, .flags = NEBULA_TRACK));
}

static struct nebula_allocator *tracked_stack(void)
{
	return nebula_allocator_of(nebula_stack_create("tracked", .capacity = SZ_64K,
						       .flags = NEBULA_TRACK));
}

static struct nebula_allocator *(*const tracked[])(void) = {
	tracked_bump, tracked_shared, tracked_pool, tracked_stack,
};

/* Numbers and bytes of those that are listed add up; the one with most objects comes first. */
static void expect_sites(struct kunit *test, struct nebula_allocator *a)
{
	const char *text, *first, *second;
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_NOT_NULL(test, first_here(a));
	for (i = 0; i < 5; i++)
		KUNIT_ASSERT_NOT_NULL(test, second_here(a));
	text = files_text(test, "tracked", "live");
	EXPECT_TEXT(test, text, "\nlive: 8\n");
	EXPECT_TEXT(test, text, "\ncall sites: 2\nobjects bytes oldest [s] allocated by\n5 120 ");
	EXPECT_TEXT(test, text, "\n3 72 ");
	first = strstr(text, "first_here+");
	second = strstr(text, "second_here+");
	KUNIT_EXPECT_TRUE_MSG(test, first && second && second < first, "%s", text);
	destroy(a);
}

static void look_counts_by_call_site(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tracked); i++)
		expect_sites(test, tracked[i]());
}

#define TURNS	4
#define WAYS	100

/* A call that the compiler takes for no other. */
#define TURN(a, way, turns, mark)								\
({												\
	void *__p = wander(a, (way) / TURNS, (turns) - 1);					\
												\
	asm volatile("# " mark);								\
	__p;											\
})

/* A call stack of its own for each way. */
static noinline void *wander(struct nebula_allocator *a, unsigned int way, unsigned int turns)
{
	if (!turns)
		return first_here(a);
	switch (way % TURNS) {
	case 0:
		return TURN(a, way, turns, "left");
	case 1:
		return TURN(a, way, turns, "right");
	case 2:
		return TURN(a, way, turns, "up");
	default:
		return TURN(a, way, turns, "down");
	}
}

static void expect_many_sites(struct kunit *test, struct nebula_allocator *a)
{
	const char *text;
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	for (i = 0; i < WAYS; i++)
		KUNIT_ASSERT_NOT_NULL(test, wander(a, i, TURNS));
	text = files_text(test, "tracked", "live");
	EXPECT_TEXT(test, text, "\nlive: 100\n");
	EXPECT_TEXT(test, text, "\ncall sites: 64\n");
	EXPECT_TEXT(test, text, "\n36 864 others\n");
	destroy(a);
}

/* What is beyond those that are told apart is counted together; nothing is lost. */
static void look_bounds_call_sites(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tracked); i++)
		expect_many_sites(test, tracked[i]());
}

static void look_says_what_is_not_known(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("plain", .capacity = SZ_4K,
						   .max_capacity = SZ_64K, .flags = NEBULA_GROW);
	const char *text;

	ASSERT_BUMP(test, b);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 1024, 8));
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, SZ_4K, 8));
	text = files_text(test, "plain", "live");
	EXPECT_TEXT(test, text, "# nebula live v1\nlive: 2\nbytes: 8192 (8.00 KiB)\n");
	EXPECT_TEXT(test, text,
		    "\nregion bytes used full\n1 4096 4096 100.0%\n2 8192 4096 50.0%\n");
	EXPECT_TEXT(test, text, "\ncall sites: not tracked, set NEBULA_TRACK\n");
	KUNIT_EXPECT_STREQ(test, files_text(test, "plain", "validate"),
			   "# nebula validate v1\nok\n");
	nebula_bump_destroy(b);
}

static void expect_fault(struct kunit *test, struct nebula_bump *b, const char *what)
{
	KUNIT_EXPECT_EQ_MSG(test, nebula_validate(b), 1, "%s", what);
	EXPECT_TEXT(test, files_text(test, b->common.reg->name, "validate"), what);
}

/* A byte is changed: one fault, until it is changed back. */
static void expect_found(struct kunit *test, struct nebula_bump *b, void *at, const char *what)
{
	*(u8 *)at ^= 1;
	expect_fault(test, b, what);
	*(u8 *)at ^= 1;
	KUNIT_EXPECT_EQ_MSG(test, nebula_validate(b), 0, "after: %s", what);
}

static struct nebula_bump *bump_guarded(struct kunit *test, unsigned int flags)
{
	struct nebula_bump *b = nebula_bump_create("guarded", .capacity = SZ_64K,
						   .max_capacity = SZ_256K, .flags = flags,
						   .preset = NEBULA_DEVELOPMENT);

	ASSERT_BUMP(test, b);
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	return b;
}

static void expect_guards_verified(struct kunit *test, unsigned int flags)
{
	struct nebula_bump *b = bump_guarded(test, flags | NEBULA_GROW);
	u8 *older = nebula_bump_alloc(b, 40, 8), *p = nebula_bump_alloc(b, 40, 8);
	const struct nebula_chunk *chunk = b->heap->first;

	KUNIT_ASSERT_NOT_NULL(test, older);
	KUNIT_ASSERT_NOT_NULL(test, p);
	OPTIMIZER_HIDE_VAR(p);
	expect_found(test, b, p + 40, ": zone behind the object\n");
	expect_found(test, b, older + 55, ": zone behind the object\n");
	expect_found(test, b, older - 1, ": zone before the object\n");
	expect_found(test, b, b->heap->guards.newest, ": guard overwritten\n");
	expect_found(test, b, p + 200, ": written while free\n");
	expect_found(test, b, chunk->region.base + chunk->region.size / 2,
		     ": written while free\n");
	EXPECT_TEXT(test, files_text(test, "guarded", "live"), "\nlive: 2\n");
	nebula_bump_destroy(b);
}

static void look_verifies_guards(struct kunit *test)
{
	expect_guards_verified(test, 0);
	expect_guards_verified(test, NEBULA_SHARED);
}

/* Memory between objects, and at the end of a region that was left, is free, too. */
static void look_verifies_gaps(struct kunit *test)
{
	struct nebula_bump *b = bump_guarded(test, NEBULA_GROW);
	struct nebula_checkpoint cp;
	u8 *end;

	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 8, 8));
	cp = nebula_bump_checkpoint(b);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 8, 1024));
	expect_found(test, b, (u8 *)b->heap->guards.newest - 1, ": written while free\n");
	end = b->heap->first->region.base + b->heap->first->region.size;
	expect_found(test, b, end - 1, ": written while free\n");
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, SZ_64K, 8));
	KUNIT_ASSERT_EQ(test, b->heap->regions, 2UL);
	expect_found(test, b, end - 1, ": written while free\n");
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	nebula_bump_destroy(b);
}

/* An object's guard is lost and with it the list: what is new is known again. */
static void look_survives_a_lost_list(struct kunit *test)
{
	struct nebula_bump *b = bump_guarded(test, NEBULA_GROW);
	struct nebula_checkpoint cp;
	u8 *p;

	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 8, 8));
	cp = nebula_bump_checkpoint(b);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 8, 8));
	*(u8 *)b->heap->guards.newest ^= 1;
	KUNIT_EXPECT_EQ(test, nebula_bump_restore(b, cp), 0);
	EXPECT_ERROR(test, b, NEBULA_E_CORRUPTION);
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	p = nebula_bump_alloc(b, 40, 8);
	KUNIT_ASSERT_NOT_NULL(test, p);
	OPTIMIZER_HIDE_VAR(p);
	expect_found(test, b, p + 40, ": zone behind the object\n");
	nebula_bump_reset(b);
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	nebula_bump_destroy(b);
}

/* A word of an allocator that is wrong. */
struct tampering {
	unsigned long *word;	/* the word */
	unsigned long by;	/* what is added to it */
	const char *what;	/* said about that */
};

static void expect_tampering_found(struct kunit *test, struct nebula_bump *b,
				   const struct tampering *rows, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		*rows[i].word += rows[i].by;
		expect_fault(test, b, rows[i].what);
		*rows[i].word -= rows[i].by;
		KUNIT_EXPECT_EQ_MSG(test, nebula_validate(b), 0, "row %u", i);
	}
}

static void look_verifies_an_owner(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("words", .capacity = SZ_4K,
						   .max_capacity = SZ_64K, .flags = NEBULA_GROW);
	struct nebula_bump_heap *heap;

	ASSERT_BUMP(test, b);
	heap = b->heap;
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 1024, 8));
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, SZ_4K, 8));
	{
		const struct tampering rows[] = {
			{ &heap->regions, 1, ": number of regions\n" },
			{ &b->capacity, 8, ": capacity\n" },
			{ &b->peak, SZ_1M, ": peak\n" },
			{ &b->end, 8, ": limits\n" },
			{ &b->start, 8, ": start\n" },
			{ &b->cur, SZ_64K, ": cursor outside\n" },
			{ &b->cur, 1, ": cursor misaligned\n" },
			{ &b->tail, SZ_64K, ": end of the newest object outside\n" },
			{ &b->limit, 8, ": limit of the inline path\n" },
			{ &b->padding, SZ_1M, ": more padding than was consumed\n" },
			{ &heap->newest->pos, 8, ": not where the one before ends\n" },
			{ (unsigned long *)&heap->newest->prev, 8,
			  ": not chained to the one before\n" },
		};

		expect_tampering_found(test, b, rows, ARRAY_SIZE(rows));
	}
	nebula_bump_destroy(b);
}

/* An owner that is interrupted in the middle of a reset, or of an allocation, is no fault. */
static void look_between_two_words(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("words", .capacity = SZ_4K);
	unsigned long cur;
	unsigned int i;

	ASSERT_BUMP(test, b);
	for (i = 0; i < 20; i++)
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 16, 128));
	cur = b->cur;
	b->cur = b->start;
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	b->cur = cur;
	b->padding += 128;
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	b->padding -= 128;
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	nebula_bump_destroy(b);
}

static void look_verifies_a_shared_one(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("words", .capacity = SZ_64K,
						   .flags = NEBULA_SHARED);
	struct nebula_bump_heap *heap;
	unsigned long *word;

	ASSERT_BUMP(test, b);
	heap = b->heap;
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 8));
	word = &per_cpu_ptr(heap->cpus, num_possible_cpus() - 1)->cur;
	{
		const unsigned long there = (unsigned long)heap->first->region.base;
		const struct tampering rows[] = {
			{ &heap->regions, 1, ": number of regions\n" },
			{ &b->capacity, 8, ": capacity\n" },
			{ word, there + SZ_32K - *word, ": not taken from a region\n" },
			{ word, (unsigned long)b - *word, ": not taken from a region\n" },
		};

		expect_tampering_found(test, b, rows, ARRAY_SIZE(rows));
	}
	atomic64_add(1000, &heap->first->taken);
	expect_fault(test, b, ": more taken than there is\n");
	atomic64_sub(1000, &heap->first->taken);
	nebula_bump_destroy(b);
}

/* The user of an allocator that is being inspected. */
struct client {
	struct nebula_bump *bump;
	struct rnd_state random;	/* what it does next */
	bool resets;	/* it gives back what it took; otherwise it ends when there is no more */
	bool over;	/* no more turns */
	struct worker worker;	/* runs it */
};

static u32 pick(struct client *u, u32 below)
{
	return prandom_u32_state(&u->random) % below;
}

static bool fill(struct client *u, unsigned int n)
{
	while (n--) {
		size_t size = 1 + pick(u, 600), align = 1UL << pick(u, 8);
		u8 *p = nebula_bump_alloc(u->bump, size, align);

		if (!p)
			return false;
		memset(p, n, size);
	}
	return true;
}

static void use(void *data)
{
	struct client *u = data;
	const bool shared = u->bump->common.flags & NEBULA_SHARED;
	struct nebula_checkpoint cp;
	bool more = true;

	while (!READ_ONCE(u->over) && more) {
		more = fill(u, pick(u, 60)) || u->resets;
		if (u->resets && !shared) {
			cp = nebula_bump_checkpoint(u->bump);
			fill(u, pick(u, 100));
			nebula_bump_restore(u->bump, cp);
		}
		if (u->resets && !pick(u, 4))
			nebula_bump_reset(u->bump);
		cond_resched();
	}
}

static void expect_no_faults(struct kunit *test, struct nebula_bump *b, bool never_busy)
{
	static const char *const files[] = { "live", "map", "validate" };
	const unsigned long end = jiffies + HZ / 2;
	unsigned int busy = 0, n = 0, i;
	int faults;

	do {
		faults = nebula_validate(b);
		busy += faults < 0;
		n++;
		if (faults > 0) {
			KUNIT_FAIL(test, "%d faults:\n%s", faults,
				   files_text(test, b->common.reg->name, "validate"));
			break;
		}
		cond_resched();
	} while (time_before(jiffies, end));
	for (i = 0; i < 10 * ARRAY_SIZE(files); i++)
		files_text(test, b->common.reg->name, files[i % ARRAY_SIZE(files)]);
	kunit_info(test, "%u looks, %u of them busy\n", n, busy);
	KUNIT_EXPECT_GT(test, n, 0U);
	if (never_busy)
		KUNIT_EXPECT_EQ(test, busy, 0U);
}

static void look_while_used(struct kunit *test, unsigned int flags, bool resets)
{
	struct nebula_bump *b = nebula_bump_create("used", .capacity = SZ_16K,
						   .max_capacity = SZ_1M,
						   .flags = NEBULA_GROW | flags);
	struct client *u = kunit_kzalloc(test, sizeof(*u), GFP_KERNEL);

	ASSERT_BUMP(test, b);
	KUNIT_ASSERT_NOT_NULL(test, u);
	u->bump = b;
	u->resets = resets;
	prandom_seed_state(&u->random, FIXTURE_SEED);
	worker_start(test, &u->worker, fixture_other_cpu(test), use, u);
	expect_no_faults(test, b, !resets);
	WRITE_ONCE(u->over, true);
	worker_join(&u->worker);
	KUNIT_EXPECT_EQ(test, nebula_validate(b), 0);
	nebula_bump_destroy(b);
}

static void look_while_an_owner_runs(struct kunit *test)
{
	look_while_used(test, 0, true);
}

static void look_while_a_guarded_owner_runs(struct kunit *test)
{
	look_while_used(test, NEBULA_DEBUG_FLAGS, true);
}

static void look_while_shared(struct kunit *test)
{
	look_while_used(test, NEBULA_SHARED, false);
	look_while_used(test, NEBULA_SHARED, true);
}

static void look_while_shared_and_guarded(struct kunit *test)
{
	look_while_used(test, NEBULA_SHARED | NEBULA_DEBUG_FLAGS, false);
	look_while_used(test, NEBULA_SHARED | NEBULA_DEBUG_FLAGS, true);
}

/* Each part as its own file shows it, parts of parts too; what a kind has not is said. */
static void look_at_parts(struct kunit *test)
{
	struct nebula_pool *pool = nebula_pool_create("small", .block_size = 64, .blocks = 4,
						      .cache_depth = NEBULA_POOL_NO_CACHE);
	struct nebula_bump *bump = nebula_bump_create("arena", .buffer = buffer,
						      .buffer_size = 64);
	struct nebula_allocator *split = nebula_split_create("inner", 64, pool, bump);
	struct nebula_allocator *a = nebula_fallback_create("outer", split,
							    nebula_system_allocator());

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, nebula_alloc(a, 64, 8));
	EXPECT_TEXT(test, files_text(test, "outer", "map"),
		    "# nebula map v1\npart 1: inner (split)\npart 1: small (pool)\n"
		    "# used + some used . free\n4 blocks, 1 for each character\n0 #...\n"
		    "part 2: arena (bump)\n# used + some used . free\n"
		    "region 1: 64 bytes, 1 for each character\n0 " DOTS_64 "\n"
		    "part 2: system (system)\nnone\n");
	EXPECT_TEXT(test, files_text(test, "inner", "live"), "part 1: small (pool)\nlive: 1\n");
	KUNIT_EXPECT_STREQ(test, files_text(test, "inner", "validate"),
			   "# nebula validate v1\npart 1: small (pool)\nok\n"
			   "part 2: arena (bump)\nok\n");
	nebula_composite_destroy(a);
	nebula_composite_destroy(split);
	nebula_bump_destroy(bump);
	nebula_pool_destroy(pool);
}

static void look_at_a_clients_kind(struct kunit *test)
{
	struct nebula_custom *c = ring_register(test);
	void *p = nebula_alloc(c, 512, 8);

	KUNIT_EXPECT_STREQ(test, files_text(test, "ring", "live"),
			   "# nebula live v1\nlive: 1\nbytes: 512\n"
			   "owner: nebula_memory_kunit\n"
			   "call sites: not known of a client's kind\n");
	nebula_free_sized(c, p, 512);
	nebula_custom_unregister(c);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(look_draws_maps),
	KUNIT_CASE(look_draws_scratch),
	KUNIT_CASE(look_scales_large_maps),
	KUNIT_CASE(look_counts_by_call_site),
	KUNIT_CASE(look_bounds_call_sites),
	KUNIT_CASE(look_says_what_is_not_known),
	KUNIT_CASE(look_verifies_guards),
	KUNIT_CASE(look_verifies_gaps),
	KUNIT_CASE(look_survives_a_lost_list),
	KUNIT_CASE(look_verifies_an_owner),
	KUNIT_CASE(look_between_two_words),
	KUNIT_CASE(look_verifies_a_shared_one),
	KUNIT_CASE(look_while_an_owner_runs),
	KUNIT_CASE(look_while_a_guarded_owner_runs),
	KUNIT_CASE(look_while_shared),
	KUNIT_CASE(look_while_shared_and_guarded),
	KUNIT_CASE(look_at_parts),
	KUNIT_CASE(look_at_a_clients_kind),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_look",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
