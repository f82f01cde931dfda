// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to put a cache in front of a slow lookup: names of peers are resolved by
 * something that takes a while, several tasks ask for the same ones at once, and a peer without a
 * name is asked for again and again.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/printk.h>

#include <nebula/nebula.h>

#define TASKS	4

struct peer_name {
	char text[24];
};

static struct nebula_cache *names;
static struct completion done;
static atomic_t running;
static atomic_t right;

/* Asks a server, say. Peers above 1000 have no name. */
static int resolve(struct nebula_cache *c, const void *key, void *value, void *unused)
{
	const u32 peer = *(const u32 *)key;
	struct peer_name *name = value;

	msleep(20);
	if (peer > 1000)
		return -ENOENT;
	snprintf(name->text, sizeof(name->text), "peer-%u.example", peer);
	return 0;
}

/* Everyone asks for the same peers. */
static int ask(void *unused)
{
	struct peer_name *name;
	u32 peer;

	for (peer = 1; peer <= 5; peer++) {
		name = nebula_cache_get_or_compute(names, &peer);
		if (!IS_ERR(name))
			atomic_inc(&right);
		nebula_cache_put(names, name);
	}
	if (atomic_dec_and_test(&running))
		complete(&done);
	return 0;
}

static void ask_at_once(void)
{
	struct task_struct *task;
	unsigned int i;

	init_completion(&done);
	atomic_set(&running, 1);
	for (i = 0; i < TASKS; i++) {
		atomic_inc(&running);
		task = kthread_run(ask, NULL, "resolver/%u", i);
		if (IS_ERR(task))
			atomic_dec(&running);
	}
	if (!atomic_dec_and_test(&running))
		wait_for_completion(&done);
}

static void ask_for_unknown(void)
{
	const u32 unknown = 2000;
	unsigned int i;
	void *name;

	for (i = 0; i < 3; i++) {
		name = nebula_cache_get_or_compute(names, &unknown);
		pr_info("peer %u: %pe\n", unknown, name);
		nebula_cache_put(names, name);
	}
}

static void print_stats(void)
{
	struct nebula_cache_stats st;

	nebula_cache_stats_read(names, &st);
	pr_info("%llu names kept, %llu computed, %llu of them failed\n", st.entries - st.errors,
		st.computes, st.errors);
}

static int __init compute_cache_init(void)
{
	struct peer_name copy;
	const u32 peer = 3;

	names = nebula_cache_create("names", .key_size = sizeof(u32),
				    .value_size = sizeof(struct peer_name), .entries = 100,
				    .compute = resolve, .ttl_ms = 60000,
				    .flags = NEBULA_CACHE_DEDUP | NEBULA_CACHE_KEEP_ERRORS);
	if (IS_ERR(names))
		return PTR_ERR(names);
	ask_at_once();
	pr_info("%d tasks got %d names\n", TASKS, atomic_read(&right));
	print_stats();
	/* In any context, and without a reference. */
	if (nebula_cache_read(names, &peer, &copy))
		pr_info("peer %u is %s\n", peer, copy.text);
	ask_for_unknown();
	print_stats();
	return 0;
}

static void __exit compute_cache_exit(void)
{
	nebula_cache_destroy(names);
}

module_init(compute_cache_init);
module_exit(compute_cache_exit);

MODULE_DESCRIPTION("nebula_memory sample: a cache in front of a slow lookup");
MODULE_LICENSE("GPL");
