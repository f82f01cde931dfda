// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own allocators: what others are compared with. They are asked with GFP_ATOMIC,
 * because interrupts are off during a round; it also spares them the offer to reschedule.
 */
#include <linux/errno.h>
#include <linux/irqflags.h>
#include <linux/mempool.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "compat.h"
#include "walk.h"

#define SIZE	64

/* A buffer to work in. */
#define LARGE	SZ_2K

/* Elements that the mempool keeps back. */
#define RESERVE	100

static struct kmem_cache *cache;
static mempool_t *mempool;
static void *objects[BENCH_LARGE];

/* The objects of a MiB. */
#define MIB_OBJECTS	(SZ_1M / SIZE)

static void **many;
static struct walk walk;

static __always_inline void pair(size_t size)
{
	void *p = kmalloc(size, GFP_ATOMIC);

	bench_use(p);
	kfree(p);
}

static __always_inline void batch(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		objects[i] = kmalloc(SIZE, GFP_ATOMIC);
	for (i = 0; i < n; i++)
		kfree(objects[i]);
}

static __always_inline void cache_pair(struct kmem_cache *c)
{
	void *p = kmem_cache_alloc(c, GFP_ATOMIC);

	bench_use(p);
	kmem_cache_free(c, p);
}

static __always_inline void element_pair(mempool_t *m)
{
	void *p = mempool_alloc(m, GFP_ATOMIC);

	bench_use(p);
	mempool_free(p, m);
}

static DEFINE_BENCH_LOOP(kmalloc_pair, SIZE, pair(it));
static DEFINE_BENCH_LOOP(kmalloc_large_pair, LARGE, pair(it));
static DEFINE_BENCH_STEPS(kmalloc_batch, 0, BENCH_BATCH, batch(BENCH_BATCH));
static DEFINE_BENCH_STEPS(kmalloc_batch_large, 0, BENCH_LARGE, batch(BENCH_LARGE));
static DEFINE_BENCH_LOOP(kmem_cache_pair, cache, cache_pair(it));
static DEFINE_BENCH_LOOP(mempool_pair, mempool, element_pair(it));
static DEFINE_BENCH_SINGLES(kmalloc_pair_single, SIZE, bench_time(pair(it)));

static DEFINE_BENCH_LOOP(kmalloc_only, &objects[0], *it++ = kmalloc(SIZE, GFP_ATOMIC));
static DEFINE_BENCH_LOOP(kfree_only, &objects[0], kfree(*it++));

/* Both want interrupts on. A repeat into which one comes is not the least. */
static noinline void kmem_cache_bulk(unsigned int n)
{
	struct kmem_cache *c = cache;

	local_irq_enable();
	for (; n; n -= BENCH_BATCH)
		if (kmem_cache_alloc_bulk(c, GFP_ATOMIC, BENCH_BATCH, objects))
			kmem_cache_free_bulk(c, BENCH_BATCH, objects);
	local_irq_disable();
}

static __always_inline void cache_batch(struct kmem_cache *c)
{
	unsigned int i;

	for (i = 0; i < BENCH_BATCH; i++)
		objects[i] = kmem_cache_alloc(c, GFP_ATOMIC);
	for (i = 0; i < BENCH_BATCH; i++)
		kmem_cache_free(c, objects[i]);
}

static DEFINE_BENCH_STEPS(kmem_cache_batch, cache, BENCH_BATCH, cache_batch(it));

/* In any context, as ours; since 6.18. */
#ifdef kmalloc_nolock
static __always_inline void nolock_pair(size_t size)
{
	void *p = kmalloc_nolock(size, 0, NUMA_NO_NODE);

	bench_use(p);
	kfree_nolock(p);
}

static DEFINE_BENCH_LOOP(kmalloc_nolock_pair, SIZE, nolock_pair(it));
#endif

static __always_inline void *take(void *c)
{
	return kmem_cache_alloc(c, GFP_ATOMIC);
}

static __always_inline void give(void *c, void *p)
{
	kmem_cache_free(c, p);
}

static __always_inline void *take_element(void *m)
{
	return mempool_alloc(m, GFP_ATOMIC);
}

static __always_inline void give_element(void *m, void *p)
{
	mempool_free(p, m);
}

static DEFINE_WALK_ALLOCS(kmem_cache_allocs, &walk, cache, take, give)
static DEFINE_WALK_FREES(kmem_cache_frees, &walk, cache, take, give)
static DEFINE_WALK_ALLOCS(mempool_allocs, &walk, mempool, take_element, give_element)
static DEFINE_WALK_FREES(mempool_frees, &walk, mempool, take_element, give_element)

/* As the kernel does it: out of line, since the size is not constant. */
static noinline void clear(unsigned int n)
{
	static u8 object[SIZE];
	size_t size = SIZE;
	void *p = object;

	for (; n; n--) {
		OPTIMIZER_HIDE_VAR(size);
		OPTIMIZER_HIDE_VAR(p);
		memset(p, 0, size);
	}
}

static void alloc_objects(void)
{
	kmalloc_only(BENCH_BATCH);
}

static void free_objects(void)
{
	kfree_only(BENCH_BATCH);
}

static int begin_allocated(void)
{
	alloc_objects();
	return 0;
}

static int end_allocated(void)
{
	free_objects();
	return 0;
}

static void alloc_mib(void)
{
	unsigned int i;

	for (i = 0; i < MIB_OBJECTS; i++)
		many[i] = kmalloc(SIZE, GFP_KERNEL);
}

static noinline void kfree_mib(unsigned int n)
{
	void **obj = many;
	unsigned int i;

	for (; n; n--)
		for (i = MIB_OBJECTS; i; i--)
			kfree(*obj++);
}

static int begin_mib(void)
{
	many = kvmalloc_array(MIB_OBJECTS, sizeof(*many), GFP_KERNEL);
	if (!many)
		return -ENOMEM;
	alloc_mib();
	return 0;
}

static int end_mib(void)
{
	kfree_mib(1);
	kvfree(many);
	return 0;
}

static int create_cache(void)
{
	cache = kmem_cache_create("nebula_bench", SIZE, 0, 0, NULL);
	return cache ? 0 : -ENOMEM;
}

#ifdef BENCH_HAS_SHEAVES
static int create_sheaves(void)
{
	cache = bench_sheaf_cache(SIZE);
	return cache ? 0 : -ENOMEM;
}
#endif

static int destroy_cache(void)
{
	kmem_cache_destroy(cache);
	return 0;
}

static int destroy_mempool(void)
{
	mempool_destroy(mempool);
	return destroy_cache();
}

static int create_mempool(void)
{
	int err = create_cache();

	if (err)
		return err;
	mempool = mempool_create_slab_pool(RESERVE, cache);
	if (mempool)
		return 0;
	destroy_cache();
	return -ENOMEM;
}

#define KMALLOC		.percpu = true
#define CACHE		.percpu = true, .setup = create_cache, .teardown = destroy_cache
#define SHEAF		.percpu = true, .setup = create_sheaves, .teardown = destroy_cache
#define MEMPOOL		.percpu = true, .setup = create_mempool, .teardown = destroy_mempool
#define ALLOCATED	.percpu = true, .setup = begin_allocated, .teardown = end_allocated
#define MIB		.percpu = true, .setup = begin_mib, .teardown = end_mib

static const struct bench_case cases[] = {
	BENCH_AVERAGE("kmalloc_pair", "kmalloc(64) + kfree", kmalloc_pair, KMALLOC),
	BENCH_AVERAGE("kmalloc_large_pair", "kmalloc(2048) + kfree", kmalloc_large_pair, KMALLOC),
	BENCH_AVERAGE("kmalloc", "kmalloc(64) alone, 100 in a row", kmalloc_only, KMALLOC,
		      .ops = BENCH_BATCH, .undo = free_objects),
	BENCH_AVERAGE("kfree", "kfree alone, 100 in a row", kfree_only, ALLOCATED,
		      .ops = BENCH_BATCH, .undo = alloc_objects),
	BENCH_AVERAGE("kmalloc_batch", "100 kmalloc(64), 100 kfree, each", kmalloc_batch, KMALLOC,
		      .base = empty_batch_pair),
	BENCH_AVERAGE("kmalloc_large_batch", "1000 kmalloc(64), 1000 kfree, each",
		      kmalloc_batch_large, KMALLOC, .base = empty_large_pair),
	BENCH_AVERAGE("kfree_mib", "kfree of 1 MiB, 64 bytes each", kfree_mib, MIB,
		      .ops = 1, .rounds = 2, .undo = alloc_mib),
	BENCH_AVERAGE("kmem_cache_pair", "kmem_cache_alloc(64) + free", kmem_cache_pair, CACHE),
	BENCH_AVERAGE("kmem_cache_bulk", "kmem_cache bulk of 100, each", kmem_cache_bulk, CACHE,
		      .base = empty_bulk),
	BENCH_AVERAGE("kmem_cache_batch", "100 kmem_cache allocs, 100 frees, each",
		      kmem_cache_batch, CACHE, .base = empty_batch_pair),
#ifdef kmalloc_nolock
	BENCH_AVERAGE("kmalloc_nolock_pair", "kmalloc_nolock(64) + kfree_nolock",
		      kmalloc_nolock_pair, KMALLOC),
#endif
#ifdef BENCH_HAS_SHEAVES
	BENCH_AVERAGE("sheaf_pair", "kmem_cache pair, sheaf_capacity 252", kmem_cache_pair, SHEAF),
	BENCH_AVERAGE("sheaf_batch", "100 allocs, 100 frees, sheaf_capacity 252, each",
		      kmem_cache_batch, SHEAF, .base = empty_batch_pair),
#endif
	BENCH_AVERAGE("mempool_pair", "mempool_alloc(64) + free", mempool_pair, MEMPOOL),
	BENCH_AVERAGE("clear", "clearing 64 bytes", clear),
	BENCH_SINGLE("kmalloc_pair_single", "kmalloc(64) + kfree, at once", kmalloc_pair_single,
		     KMALLOC),
	BENCH_SINGLE("kmem_cache_alloc_single", "kmem_cache_alloc", kmem_cache_allocs, CACHE),
	BENCH_SINGLE("kmem_cache_free_single", "kmem_cache_free", kmem_cache_frees, CACHE),
	BENCH_SINGLE("mempool_alloc_single", "mempool_alloc", mempool_allocs, MEMPOOL),
	BENCH_SINGLE("mempool_free_single", "mempool_free", mempool_frees, MEMPOOL),
};

const struct bench_table slab_table = { "kernel", cases, ARRAY_SIZE(cases) };
