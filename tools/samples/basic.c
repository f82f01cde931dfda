// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to make a pool, an arena and a stack, how to allocate from each, and how
 * each gives memory back: it keeps sessions that come and go in a pool, writes a report about them
 * in an arena, and sorts them with temporaries on a stack.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/printk.h>

#include <nebula/nebula.h>

#define SESSIONS	64
#define OPENED		6

struct session {
	struct list_head node;
	u32 id;
	u32 packets;
};

static struct nebula_pool *pool;
static struct nebula_bump *arena;
static struct nebula_stack *stack;
static LIST_HEAD(sessions);

/* A pool: objects of one size that are freed one by one, in any order. */
static int open_sessions(unsigned int n)
{
	struct session *s;
	unsigned int id;

	for (id = 1; id <= n; id++) {
		s = nebula_alloc_obj(pool, *s);
		if (!s)
			return -ENOMEM;
		s->id = id;
		s->packets = id * 7919 % 1000;
		list_add_tail(&s->node, &sessions);
	}
	return 0;
}

static void close_session(struct session *s)
{
	list_del(&s->node);
	nebula_free_obj(pool, s);
}

static void close_even_sessions(void)
{
	struct session *s, *next;

	list_for_each_entry_safe(s, next, &sessions, node)
		if (s->id % 2 == 0)
			close_session(s);
}

/* An arena: any number of objects of any size, given back together. */
static int report(void)
{
	const char *text = "packets";
	struct session *s;

	list_for_each_entry(s, &sessions, node) {
		text = nebula_bump_asprintf(arena, "%s, session %u: %u", text, s->id, s->packets);
		if (!text)
			return -ENOMEM;
	}
	pr_info("arena: %s\n", text);
	pr_info("arena: %zu bytes in use\n", nebula_bump_used(arena));
	nebula_bump_reset(arena);
	pr_info("arena: %zu bytes after reset\n", nebula_bump_used(arena));
	return 0;
}

static void merge(u32 *to, const u32 *a, size_t nr_a, const u32 *b, size_t nr_b)
{
	while (nr_a || nr_b) {
		if (!nr_b || (nr_a && *a <= *b)) {
			*to++ = *a++;
			nr_a--;
		} else {
			*to++ = *b++;
			nr_b--;
		}
	}
}

/* A stack: temporaries of a call chain, each given back where the function that made it returns. */
static int merge_sort(u32 *v, size_t n)
{
	size_t half = n / 2;
	int err;
	u32 *copy;

	if (n < 2)
		return 0;
	guard(nebula_stack)(stack);
	copy = nebula_alloc_objs(stack, *copy, n);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, v, n * sizeof(*v));
	err = merge_sort(copy, half) ?: merge_sort(copy + half, n - half);
	if (!err)
		merge(v, copy, half, copy + half, n - half);
	return err;
}

static int sort(void)
{
	u32 packets[SESSIONS];
	struct session *s;
	size_t n = 0;
	int err;

	list_for_each_entry(s, &sessions, node)
		packets[n++] = s->packets;
	err = merge_sort(packets, n);
	if (err)
		return err;
	pr_info("stack: the busiest of %zu sessions had %u packets\n", n, packets[n - 1]);
	pr_info("stack: %zu bytes in use, %zu at most\n", nebula_stack_used(stack),
		nebula_stack_peak(stack));
	return 0;
}

static int work(void)
{
	int err = open_sessions(OPENED);

	if (err)
		return err;
	pr_info("pool:  %u of %u blocks in use\n", nebula_pool_used(pool), SESSIONS);
	close_even_sessions();
	pr_info("pool:  %u after every other session was closed\n", nebula_pool_used(pool));
	return report() ?: sort();
}

/* Each destroy takes what create returned, and NULL. */
static void clean_up(void)
{
	struct session *s, *next;

	list_for_each_entry_safe(s, next, &sessions, node)
		close_session(s);
	nebula_stack_destroy(stack);
	nebula_bump_destroy(arena);
	nebula_pool_destroy(pool);
}

static int __init basic_init(void)
{
	int err;

	pool = nebula_pool_create_for("sessions", struct session, SESSIONS);
	arena = nebula_bump_create("report", .capacity = SZ_4K);
	stack = nebula_stack_create("sort", .capacity = SZ_4K);
	err = PTR_ERR_OR_ZERO(pool) ?: PTR_ERR_OR_ZERO(arena) ?: PTR_ERR_OR_ZERO(stack) ?: work();
	if (err)
		clean_up();
	return err;
}

static void __exit basic_exit(void)
{
	clean_up();
}

module_init(basic_init);
module_exit(basic_exit);

MODULE_DESCRIPTION("nebula_memory sample: a pool, an arena and a stack");
MODULE_LICENSE("GPL");
