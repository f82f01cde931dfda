// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to find a write behind an object, or to one that was freed, on a production
 * kernel:
 *
 *	insmod nebula_memory.ko guard_sample=1
 *	echo over >/sys/kernel/debug/nebula_sample_guard_page/name
 *
 * faults at the instruction that does it, and the kernel log has, beside the fault, whose object it
 * was and where it was allocated and freed. With guard_sample=1000 it costs next to no memory, and
 * finds the bug the more surely the more machines do it. What is written to the file:
 *
 *	right	gives a connection a name that fits
 *	over	one that is longer than there is room for it
 *	after	one that fits, to a connection that was freed
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include <nebula/pool.h>

/* A connection. */
struct conn {
	u32 address;
	char name[36];
};

static struct nebula_pool *pool;
static struct dentry *dir;

static noinline void name_it(struct conn *c, const char *name, size_t len)
{
	memcpy(c->name, name, len);
}

/* The page of what was freed is unmapped after a grace period. */
static void wait_a_while(void)
{
	unsigned int i;

	for (i = 0; i < 10; i++) {
		synchronize_rcu();
		msleep(50);
	}
}

static ssize_t name_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	static const char name[64] = "a name that is longer than there is room for it";
	struct conn *c;
	char how[8];
	ssize_t ret;

	ret = simple_write_to_buffer(how, sizeof(how) - 1, pos, from, len);
	if (ret < 0)
		return ret;
	how[ret] = '\0';
	strim(how);
	c = nebula_pool_alloc(pool);
	if (!c)
		return -ENOMEM;
	name_it(c, name, strcmp(how, "over") ? sizeof(c->name) : sizeof(name));
	nebula_pool_free(pool, c);
	if (!strcmp(how, "after")) {
		wait_a_while();
		name_it(c, name, sizeof(c->name));
	}
	return len;
}

static const struct file_operations name_fops = {
	.owner	= THIS_MODULE,
	.write	= name_write,
};

static int __init guard_page_init(void)
{
	pool = nebula_pool_create_for("conn", struct conn, 16);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	dir = debugfs_create_dir("nebula_sample_guard_page", NULL);
	debugfs_create_file("name", 0200, dir, NULL, &name_fops);
	return 0;
}

static void __exit guard_page_exit(void)
{
	debugfs_remove(dir);
	nebula_pool_destroy(pool);
}

module_init(guard_page_init);
module_exit(guard_page_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Finding an overrun on a production kernel");
