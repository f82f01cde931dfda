// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/nebula_demo/
 *
 *	request		one write is one whole request
 *	response	the answer to the latest request or provocation
 *	provoke		"exhaust" allocates until the request arena is full
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "files.h"
#include "service.h"

static struct dentry *dir;

static ssize_t request_write(struct file *file, const char __user *text, size_t size,
			     loff_t *pos)
{
	int err;

	if (!size)
		return -EINVAL;
	err = service_request(text, size);
	if (err)
		return err;
	return size;
}

static const struct file_operations request_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= request_write,
	.llseek	= noop_llseek,
};

/* seq_file shows the whole answer into its buffer on the first read, so none is ever torn. */
static int response_show(struct seq_file *m, void *unused)
{
	return service_show(m);
}
DEFINE_SHOW_ATTRIBUTE(response);

static ssize_t provoke_write(struct file *file, const char __user *text, size_t size,
			     loff_t *pos)
{
	char command[16] = "";
	int err;

	if (size >= sizeof(command))
		return -EINVAL;
	if (copy_from_user(command, text, size))
		return -EFAULT;
	if (!sysfs_streq(command, "exhaust"))
		return -EINVAL;
	err = service_exhaust();
	if (err)
		return err;
	return size;
}

static const struct file_operations provoke_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= provoke_write,
	.llseek	= noop_llseek,
};

void files_init(void)
{
	dir = debugfs_create_dir("nebula_demo", NULL);
	debugfs_create_file("request", 0600, dir, NULL, &request_fops);
	debugfs_create_file("response", 0400, dir, NULL, &response_fops);
	debugfs_create_file("provoke", 0600, dir, NULL, &provoke_fops);
}

void files_exit(void)
{
	debugfs_remove(dir);
}
