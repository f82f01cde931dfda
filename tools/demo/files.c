// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/nebula_demo/
 *
 *	request		a connection from open() to close(); one write is one whole request
 *	response	the answer to the latest request, or to the first two of "provoke"
 *	connections	"open N" and "close N" come from peer N; shows who is connected
 *	burst		a number: so many packets arrive in hard interrupts; shows where they went
 *	provoke		"exhaust" allocates until the request arena is full, "free-middle" frees an
 *			object of the stack that is not the newest, "close-twice" a connection that
 *			is free
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "conn.h"
#include "files.h"
#include "service.h"
#include "wire.h"

#define COMMAND_SIZE	32

static struct dentry *dir;

/* An open file keeps the number of its peer; no other file has it, so no other file closes it. */
static int request_open(struct inode *inode, struct file *file)
{
	unsigned long peer = conn_local_peer();
	int err = conn_open(peer);

	if (err)
		return err;
	file->private_data = (void *)peer;
	return 0;
}

static int request_release(struct inode *inode, struct file *file)
{
	return conn_close((unsigned long)file->private_data);
}

static ssize_t request_write(struct file *file, const char __user *text, size_t size,
			     loff_t *pos)
{
	int err;

	if (!size)
		return -EINVAL;
	err = conn_receive((unsigned long)file->private_data, size);
	if (err)
		return err;
	err = service_request(text, size);
	if (err)
		return err;
	return size;
}

static const struct file_operations request_fops = {
	.owner		= THIS_MODULE,
	.open		= request_open,
	.release	= request_release,
	.write		= request_write,
	.llseek		= noop_llseek,
};

static int run_connections(const char *command)
{
	unsigned int peer;
	char verb[8];

	if (sscanf(command, "%7s %u", verb, &peer) != 2 || peer >= CONN_LOCAL)
		return -EINVAL;
	if (!strcmp(verb, "open"))
		return conn_open(peer);
	if (!strcmp(verb, "close"))
		return conn_close(peer);
	return -EINVAL;
}

static int run_burst(const char *command)
{
	unsigned int size;
	int err = kstrtouint(command, 0, &size);

	return err ?: wire_burst(size);
}

static int run_provoke(const char *command)
{
	if (sysfs_streq(command, "exhaust"))
		return service_exhaust();
	if (sysfs_streq(command, "free-middle"))
		return service_free_middle();
	if (sysfs_streq(command, "close-twice"))
		return conn_close_twice();
	return -EINVAL;
}

/* What a read shows, and what runs a command that is written; NULL where there is none. */
static const struct command_file {
	const char *name;
	int (*show)(struct seq_file *m);
	int (*run)(const char *command);
} command_files[] = {
	{ .name = "response",		.show = service_show },
	{ .name = "connections",	.show = conn_show,	.run = run_connections },
	{ .name = "burst",		.show = wire_show,	.run = run_burst },
	{ .name = "provoke",		.run = run_provoke },
};

/* seq_file shows all of it into its buffer on the first read, so nothing is ever torn. */
static int command_show(struct seq_file *m, void *unused)
{
	const struct command_file *f = m->private;

	return f->show ? f->show(m) : 0;
}

static int command_open(struct inode *inode, struct file *file)
{
	return single_open(file, command_show, inode->i_private);
}

static ssize_t command_write(struct file *file, const char __user *text, size_t size,
			     loff_t *pos)
{
	const struct command_file *f = file_inode(file)->i_private;
	char command[COMMAND_SIZE] = "";
	int err;

	if (!f->run)
		return -EPERM;
	if (size >= sizeof(command))
		return -EINVAL;
	if (copy_from_user(command, text, size))
		return -EFAULT;
	err = f->run(command);
	if (err)
		return err;
	return size;
}

static const struct file_operations command_fops = {
	.owner		= THIS_MODULE,
	.open		= command_open,
	.release	= single_release,
	.read		= seq_read,
	.write		= command_write,
	.llseek		= seq_lseek,
};

static void add_command_file(const struct command_file *f)
{
	umode_t mode = (f->show ? 0400 : 0) | (f->run ? 0200 : 0);

	debugfs_create_file(f->name, mode, dir, (void *)f, &command_fops);
}

void files_init(void)
{
	unsigned int i;

	dir = debugfs_create_dir("nebula_demo", NULL);
	debugfs_create_file("request", 0200, dir, NULL, &request_fops);
	for (i = 0; i < ARRAY_SIZE(command_files); i++)
		add_command_file(&command_files[i]);
}

void files_exit(void)
{
	debugfs_remove(dir);
}
