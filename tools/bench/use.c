// SPDX-License-Identifier: GPL-2.0-only
/*
 * What two CPUs do at once, with each allocator: either each allocates and frees for itself, or one
 * allocates what the other frees.
 */
#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/genalloc.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <nebula/nebula.h>
#include "case.h"
#include "use.h"

#define SIZE	64

/*
 * Objects of a round, for the quick and the slow: either about a millisecond, in which no other
 * task should need the CPUs.
 */
#define MANY	16000U
#define FEW	4000U

/* Objects that can be on their way from one CPU to the other, and how many are passed at once. */
#define RING	1024
#define PASSED	32

static_assert(MANY % PASSED == 0 && FEW % PASSED == 0 && RING % PASSED == 0);

/* That are live at once, at most. */
#define OBJECTS	(4 * RING)

/* A shared bump allocator has room for a round of all CPUs, and for what is left of sub-chunks. */
#define CAPACITY	SZ_4M

/*
 * One of each for either use: where objects went from one CPU to the other, both may come to have
 * such as lie side by side.
 */
static struct nebula_pool *own_pool, *passed_pool, *own_strict, *passed_strict;
static struct nebula_bump *bump;
static struct nebula_scratch *scratch;
static struct kmem_cache *own_cache, *passed_cache;
static mempool_t *own_mempool;
static struct nebula_cache *lookups;
static struct gen_pool *own_gen, *passed_gen;
static void *gen_memory[2];

/**
 * struct ring - objects on their way from the CPU that allocates to the one that frees
 * @slots: the objects.
 * @head: how many were ever put in. Written by the one who allocates.
 * @tail: how many were ever taken out. Written by the one who frees.
 */
struct ring {
	void *slots[RING];
	unsigned int head ____cacheline_aligned_in_smp;
	unsigned int tail ____cacheline_aligned_in_smp;
};

static struct ring ring;

static __always_inline int pairs(void *a, void *(*alloc)(void *a), void (*free)(void *a, void *obj),
				 unsigned int n)
{
	unsigned int failed = 0;
	void *obj;

	for (; n; n--) {
		obj = alloc(a);
		failed += !obj;
		bench_use(obj);
		free(a, obj);
	}
	return failed ? -ENOMEM : 0;
}

static __always_inline int produce(void *a, void *(*alloc)(void *a), unsigned int n)
{
	const unsigned int end = ring.head + n;
	unsigned int head, i, failed = 0;
	void *obj;

	for (head = ring.head; head != end; head += PASSED) {
		/* Pairs with the release in consume(): the slots have been read. */
		while (head + PASSED - smp_load_acquire(&ring.tail) > RING)
			cpu_relax();
		for (i = 0; i < PASSED; i++) {
			obj = alloc(a);
			failed += !obj;
			ring.slots[(head + i) % RING] = obj;
		}
		/* Pairs with the acquire in consume(): the slots are filled. */
		smp_store_release(&ring.head, head + PASSED);
	}
	return failed ? -ENOMEM : 0;
}

static __always_inline int consume(void *a, void (*free)(void *a, void *obj), unsigned int n)
{
	const unsigned int end = ring.tail + n;
	unsigned int tail, i;

	for (tail = ring.tail; tail != end; tail += PASSED) {
		/* Pairs with the release in produce(). */
		while (smp_load_acquire(&ring.head) == tail)
			cpu_relax();
		for (i = 0; i < PASSED; i++)
			free(a, ring.slots[(tail + i) % RING]);
		/* Pairs with the acquire in produce(). */
		smp_store_release(&ring.tail, tail + PASSED);
	}
	return 0;
}

/* How to allocate from @a, and free, as functions that are expanded in place. */
#define DEFINE_KIND(kind, allocate, release)					\
static __always_inline void *kind##_alloc(void *a)				\
{										\
	return allocate;							\
}										\
										\
static __always_inline void kind##_free(void *a, void *obj)			\
{										\
	release;								\
}

/* A peer that must not be asked to free nothing is not asked: ours may be. */
DEFINE_KIND(pool, nebula_pool_alloc(a), nebula_pool_free(a, obj))
DEFINE_KIND(bump, nebula_bump_alloc(a, SIZE, 8), (void)obj)
DEFINE_KIND(scratch, nebula_scratch_get(a, SIZE, 8), nebula_scratch_put(a, obj))
DEFINE_KIND(kmalloc, kmalloc(SIZE, GFP_ATOMIC), kfree(obj))
DEFINE_KIND(cache, kmem_cache_alloc(a, GFP_ATOMIC), obj ? kmem_cache_free(a, obj) : (void)0)
DEFINE_KIND(element, mempool_alloc(a, GFP_ATOMIC), mempool_free(obj, a))
#ifdef CONFIG_GENERIC_ALLOCATOR
DEFINE_KIND(gen, (void *)gen_pool_alloc(a, SIZE),
	    obj ? gen_pool_free(a, (unsigned long)obj, SIZE) : (void)0)
#endif

/* Each for itself. Scratch memory has preemption off, so all have. */
#define DEFINE_PAIRS(name, kind, on)						\
static noinline int name##_pairs(unsigned int n)				\
{										\
	int err;								\
										\
	preempt_disable();							\
	err = pairs(on, kind##_alloc, kind##_free, n);				\
	preempt_enable();							\
	return err;								\
}

/* One for the other. */
#define DEFINE_HANDOVER(name, kind, on)						\
static noinline int name##_produce(unsigned int n)				\
{										\
	return produce(on, kind##_alloc, n);					\
}										\
										\
static noinline int name##_consume(unsigned int n)				\
{										\
	return consume(on, kind##_free, n);					\
}

DEFINE_PAIRS(pool, pool, own_pool)
DEFINE_PAIRS(strict, pool, own_strict)
DEFINE_PAIRS(bump, bump, bump)
DEFINE_PAIRS(scratch, scratch, scratch)
DEFINE_PAIRS(kmalloc, kmalloc, NULL)
DEFINE_PAIRS(cache, cache, own_cache)
DEFINE_PAIRS(mempool, element, own_mempool)
DEFINE_HANDOVER(pool, pool, passed_pool)
DEFINE_HANDOVER(strict, pool, passed_strict)
DEFINE_HANDOVER(kmalloc, kmalloc, NULL)
DEFINE_HANDOVER(cache, cache, passed_cache)
#ifdef CONFIG_GENERIC_ALLOCATOR
DEFINE_PAIRS(gen, gen, own_gen)
DEFINE_HANDOVER(gen, gen, passed_gen)
#endif

static int compute(struct nebula_cache *c, const void *key, void *value, void *data)
{
	memset(value, 0, SIZE);
	return 0;
}

/* Each CPU has a key of its own. */
static noinline int cache_hits(unsigned int n)
{
	const u64 key = raw_smp_processor_id();
	unsigned int failed = 0;
	void *value;

	for (; n; n--) {
		value = nebula_cache_get(lookups, &key);
		failed += !value;
		bench_use(value);
		nebula_cache_put(lookups, value);
	}
	return failed ? -ENOENT : 0;
}

/* All the same. */
static noinline int cache_reads(unsigned int n)
{
	const u64 key = 0;
	unsigned int failed = 0;
	u8 copy[SIZE];

	for (; n; n--) {
		failed += !nebula_cache_read(lookups, &key, copy);
		bench_use(copy);
	}
	return failed ? -ENOENT : 0;
}

static void reset_bump(void)
{
	nebula_bump_reset(bump);
}

#define SCALING(whose, id, text, fn, nr, ...)					\
	{ .noun = (whose), .name = id "_scaling", .title = text ": each for itself",	\
	  .work = { fn##_pairs, fn##_pairs }, .objects = (nr), ##__VA_ARGS__ }

#define HANDOVER(whose, id, text, fn, nr, ...)					\
	{ .noun = (whose), .name = id "_handover", .title = text ": allocate here, free there", \
	  .work = { fn##_produce, fn##_consume }, .objects = (nr), ##__VA_ARGS__ }

const struct use uses[] = {
	SCALING("kernel", "kmalloc", "kmalloc", kmalloc, FEW),
	SCALING("kernel", "kmem_cache", "kmem_cache", cache, FEW),
	SCALING("kernel", "mempool", "mempool", mempool, FEW),
#ifdef CONFIG_GENERIC_ALLOCATOR
	SCALING("kernel", "gen_pool", "gen_pool", gen, FEW),
#endif
	SCALING("pool", "pool", "pool", pool, MANY, .target = 190),
	SCALING("pool", "pool_strict", "pool, strict", strict, FEW),
	SCALING("bump", "bump_shared", "bump, shared", bump, MANY, .undo = reset_bump),
	SCALING("scratch", "scratch", "scratch", scratch, MANY, .target = 190),
	{ .noun = "cache", .name = "cache_hit_scaling", .title = "cache hit + put: a key for each",
	  .work = { cache_hits, cache_hits }, .objects = FEW, .target = 190 },
	{ .noun = "cache", .name = "cache_read_scaling", .title = "cache read: one key for all",
	  .work = { cache_reads, cache_reads }, .objects = FEW, .target = 190 },
	HANDOVER("kernel", "kmalloc", "kmalloc", kmalloc, FEW),
	HANDOVER("kernel", "kmem_cache", "kmem_cache", cache, FEW),
#ifdef CONFIG_GENERIC_ALLOCATOR
	HANDOVER("kernel", "gen_pool", "gen_pool", gen, FEW),
#endif
	HANDOVER("pool", "pool", "pool", pool, MANY,
		 .peer = "kmem_cache_handover", .target = 100),
	HANDOVER("pool", "pool_strict", "pool, strict", strict, FEW,
		 .peer = "kmem_cache_handover"),
};

const unsigned int nr_uses = ARRAY_SIZE(uses);

static_assert(ARRAY_SIZE(uses) <= USES_MAX);

static struct kmem_cache *create_cache(void)
{
	return kmem_cache_create("nebula_bench", SIZE, 0, 0, NULL);
}

static struct nebula_pool *create_pool(unsigned int flags)
{
	return nebula_pool_create("bench", .block_size = SIZE, .blocks = OBJECTS, .flags = flags);
}

static int create_ours(void)
{
	own_pool = create_pool(0);
	passed_pool = create_pool(0);
	own_strict = create_pool(NEBULA_STRICT);
	passed_strict = create_pool(NEBULA_STRICT);
	bump = nebula_bump_create("bench", .capacity = CAPACITY, .flags = NEBULA_SHARED);
	scratch = nebula_scratch_create("bench", .per_cpu_size = SZ_4K);
	return IS_ERR(own_pool) || IS_ERR(passed_pool) || IS_ERR(own_strict) ||
	       IS_ERR(passed_strict) || IS_ERR(bump) || IS_ERR(scratch) ? -ENOMEM : 0;
}

static int create_lookups(void)
{
	u64 key;

	lookups = nebula_cache_create("bench", .key_size = sizeof(key), .value_size = SIZE,
				      .entries = 1000, .compute = compute);
	for (key = 0; !IS_ERR(lookups) && key < nr_cpu_ids; key++)
		nebula_cache_put(lookups, nebula_cache_get_or_compute(lookups, &key));
	return PTR_ERR_OR_ZERO(lookups);
}

static int create_slabs(void)
{
	own_cache = create_cache();
	passed_cache = create_cache();
	if (own_cache && passed_cache)
		own_mempool = mempool_create_slab_pool(RING, own_cache);
	return own_mempool ? 0 : -ENOMEM;
}

#ifdef CONFIG_GENERIC_ALLOCATOR
static int create_gen(struct gen_pool **pool, void **memory)
{
	*memory = kvmalloc(OBJECTS * SIZE, GFP_KERNEL);
	*pool = gen_pool_create(ilog2(SIZE), NUMA_NO_NODE);
	if (!*memory || !*pool)
		return -ENOMEM;
	return gen_pool_add(*pool, (unsigned long)*memory, OBJECTS * SIZE, NUMA_NO_NODE);
}

static int create_gens(void)
{
	return create_gen(&own_gen, &gen_memory[0]) ?: create_gen(&passed_gen, &gen_memory[1]);
}

static void destroy_gens(void)
{
	if (own_gen)
		gen_pool_destroy(own_gen);
	if (passed_gen)
		gen_pool_destroy(passed_gen);
	kvfree(gen_memory[0]);
	kvfree(gen_memory[1]);
}
#else
static int create_gens(void)
{
	return 0;
}

static void destroy_gens(void)
{
}
#endif

/**
 * uses_destroy() - undo uses_create(), also when it failed
 *
 * Context: process context; may sleep.
 */
void uses_destroy(void)
{
	destroy_gens();
	mempool_destroy(own_mempool);
	kmem_cache_destroy(passed_cache);
	kmem_cache_destroy(own_cache);
	nebula_cache_destroy(lookups);
	nebula_scratch_destroy(scratch);
	nebula_bump_destroy(bump);
	nebula_pool_destroy(passed_strict);
	nebula_pool_destroy(own_strict);
	nebula_pool_destroy(passed_pool);
	nebula_pool_destroy(own_pool);
}

/**
 * uses_create() - make the allocators that are used
 *
 * Context: process context; may sleep.
 * Return: 0, or an error.
 */
int uses_create(void)
{
	lookups = NULL;
	own_cache = NULL;
	passed_cache = NULL;
	own_mempool = NULL;
	own_gen = NULL;
	passed_gen = NULL;
	gen_memory[0] = NULL;
	gen_memory[1] = NULL;
	return create_ours() ?: create_lookups() ?: create_slabs() ?: create_gens();
}
