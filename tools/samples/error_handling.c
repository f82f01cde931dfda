// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to go on when an allocation fails, in three ways:
 *
 *	do less		a batch is as large as what the arena has left
 *	make room	a cache that is full drops its older half, and tries again
 *	ask elsewhere	jobs come from a pool, and from the kernel when that has no more
 *
 * An allocation that fails returns NULL; why is in the last error of the allocator, with a report
 * for people. What is no lack of memory, but a mistake, is passed on.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/list.h>
#include <linux/math.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <nebula/nebula.h>

#define REPORT_SIZE	1024
#define BLOCKS		16

struct record {
	u64 key;
	u64 value;
};

struct entry {
	struct list_head node;
	u32 key;
};

/* The same report is in the log and in debugfs. */
static void print_report(struct nebula_error *err)
{
	char *text __free(kfree) = kmalloc(REPORT_SIZE, GFP_KERNEL);
	char *rest = text, *line;

	if (!text)
		return;
	err->nr_entries = 0;	/* the call stack */
	nebula_error_snprint(text, REPORT_SIZE, err);
	while ((line = strsep(&rest, "\n")))
		if (*line)
			pr_info("  %s\n", line);
}

/* A batch of @nr records, or of fewer when there is no room for all. */
static struct record *alloc_batch(struct nebula_bump *arena, size_t *nr)
{
	struct record *batch = nebula_alloc_objs(arena, *batch, *nr);
	struct nebula_error err;

	if (batch || !nebula_last_error(arena, &err))
		return batch;
	print_report(&err);
	if (err.code != NEBULA_E_OUT_OF_MEMORY || err.available < sizeof(*batch))
		return ERR_PTR(nebula_errc_to_errno(err.code));
	*nr = err.available / sizeof(*batch);
	return nebula_alloc_objs(arena, *batch, *nr) ?: ERR_PTR(-ENOMEM);
}

static int do_less(size_t records)
{
	struct nebula_bump *arena __free(nebula_bump) =
		nebula_bump_create("batch", .capacity = SZ_64K);
	size_t nr = records;
	struct record *batch;

	if (IS_ERR(arena))
		return PTR_ERR(arena);
	pr_info("do less: a batch of %zu records\n", records);
	batch = alloc_batch(arena, &nr);
	if (IS_ERR(batch))
		return PTR_ERR(batch);
	pr_info("  %zu fit, so there will be %zu batches\n", nr, DIV_ROUND_UP(records, nr));
	return 0;
}

/* The oldest comes first. */
static void drop(struct nebula_pool *pool, struct list_head *cache, unsigned int n)
{
	struct entry *e;

	while (n--) {
		e = list_first_entry(cache, struct entry, node);
		list_del(&e->node);
		nebula_free_obj(pool, e);
	}
}

static int insert(struct nebula_pool *pool, struct list_head *cache, u32 key)
{
	struct entry *e = nebula_new(pool, *e, .key = key);

	if (!e) {
		drop(pool, cache, BLOCKS / 2);
		pr_info("  no room for key %u, %u are left\n", key, nebula_pool_used(pool));
		e = nebula_new(pool, *e, .key = key);
	}
	if (!e)
		return -ENOMEM;
	list_add_tail(&e->node, cache);
	return 0;
}

static int make_room(void)
{
	struct nebula_pool *pool __free(nebula_pool) =
		nebula_pool_create_for("cache", struct entry, BLOCKS, .flags = NEBULA_STRICT);
	LIST_HEAD(cache);
	int err = 0;
	u32 key;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	pr_info("make room: %u keys in a cache of %u\n", 2 * BLOCKS, BLOCKS);
	for (key = 1; key <= 2 * BLOCKS && !err; key++)
		err = insert(pool, &cache, key);
	if (!err)
		pr_info("  %u are left, the oldest is %u\n", nebula_pool_used(pool),
			list_first_entry(&cache, struct entry, node)->key);
	drop(pool, &cache, nebula_pool_used(pool));
	return err;
}

/* Who allocates and frees need not know what the chain is made of. */
static int run_jobs(struct nebula_pool *pool)
{
	struct nebula_allocator *chain __free(nebula_composite) =
		nebula_fallback_create("chain", pool, nebula_system_allocator());
	struct entry *jobs[BLOCKS + 4] = { };
	unsigned int i, n = 0, fast = 0;

	if (IS_ERR(chain))
		return PTR_ERR(chain);
	for (i = 0; i < ARRAY_SIZE(jobs); i++) {
		jobs[i] = nebula_new(chain, *jobs[i], .key = i);
		n += !!jobs[i];
		fast += nebula_pool_owns(pool, jobs[i]);
	}
	pr_info("  %u of the pool, %u of the kernel\n", fast, n - fast);
	while (i--)
		nebula_free_obj(chain, jobs[i]);
	return n == ARRAY_SIZE(jobs) ? 0 : -ENOMEM;
}

static int ask_elsewhere(void)
{
	struct nebula_pool *pool __free(nebula_pool) =
		nebula_pool_create_for("jobs", struct entry, BLOCKS, .flags = NEBULA_STRICT);

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	pr_info("ask elsewhere: %u jobs, a pool of %u\n", BLOCKS + 4, BLOCKS);
	return run_jobs(pool);
}

static int free_twice(void)
{
	struct nebula_pool *pool __free(nebula_pool) =
		nebula_pool_create_for("twice", struct entry, BLOCKS);
	struct nebula_error err;
	struct entry *e;

	if (IS_ERR(pool))
		return PTR_ERR(pool);
	e = nebula_alloc_obj(pool, *e);
	nebula_free_obj(pool, e);
	nebula_free_obj(pool, e);	/* refused */
	if (nebula_last_error(pool, &err))
		pr_info("free twice: %s, %u blocks in use\n", nebula_errc_name(err.code),
			nebula_pool_used(pool));
	return 0;
}

static int __init error_handling_init(void)
{
	int err = do_less(5000) ?: make_room() ?: ask_elsewhere() ?: free_twice();

	if (!err)
		pr_info("  that is no lack of memory: error %d\n", do_less(SIZE_MAX));
	return err;
}

static void __exit error_handling_exit(void)
{
}

module_init(error_handling_init);
module_exit(error_handling_exit);

MODULE_DESCRIPTION("nebula_memory sample: what to do when memory runs out");
MODULE_LICENSE("GPL");
