// SPDX-License-Identifier: GPL-2.0-only
/*
 * What allocators and budgets have in debugfs is made when it is first looked for.
 *
 * A directory with its files takes ten times as long to make as its allocator, and kilobytes. Most
 * are never looked at. So a new allocator waits in a list. What it has can be reached through
 * allocators/ only, a budget's file through budgets/, and to search or list one of these a task
 * asks for permission first: at that moment the directories and files of all that wait are made.
 *
 *	openat(".../allocators/conn/info")	open(".../allocators"), then getdents()
 *	 may it search allocators/?		 may it read allocators/?
 *	  -> make what waits			  -> make what waits
 *	 look up conn, info			 list
 *
 * The question comes before the directory's inode is locked, so directories can be made in it. Two
 * callers ask with the lock held. One wants to write: debugfs refuses that, and nothing is made.
 * The other is debugfs itself, on older kernels, when we make a directory: it meets @maker.
 *
 * The inodes of these two may outlive this module, held by a task that works there. So their
 * operations are put back before the module goes, and then no task is between reading the pointer
 * to ours and having left them: see nebula_lookup_exit().
 */
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include "../compat.h"
#include "lookup.h"

/* Those of which nothing was made, oldest first, and how many. Lock: making. */
static LIST_HEAD(waiting);
static unsigned int nr_waiting;
static DEFINE_MUTEX(making);

/* The task that makes directories, which looks them up itself. Lock: making. */
static struct task_struct *maker;

/* Tasks in our operation. */
static atomic_t askers = ATOMIC_INIT(0);

/* The directories, and what they have all had, and have now. Invariant while there are clients. */
static struct inode *watched[NEBULA_DIR_NR];
static unsigned int nr_watched;
static const struct inode_operations *original;
static const struct inode_operations *ours;

/* One by one, so that others can make and destroy allocators in between. */
static bool make_one(void)
{
	struct nebula_registration *reg;

	mutex_lock(&making);
	reg = list_first_entry_or_null(&waiting, struct nebula_registration, unseen);
	if (reg) {
		list_del_init(&reg->unseen);
		WRITE_ONCE(nr_waiting, nr_waiting - 1);
		WRITE_ONCE(maker, current);
		nebula_debugfs_show(reg);
		WRITE_ONCE(maker, NULL);
	}
	mutex_unlock(&making);
	cond_resched();
	return reg;
}

static int ask(struct compat_idmap *idmap, struct inode *inode, int mask)
{
	int ret = generic_permission(idmap, inode, mask);
	/* Those that come from now on are not looked for yet. */
	unsigned int n = READ_ONCE(nr_waiting);

	if (ret || mask & MAY_WRITE || !n || READ_ONCE(maker) == current)
		return ret;
	if (mask & MAY_NOT_BLOCK)
		return -ECHILD;
	while (n-- && make_one())
		;
	return 0;
}

static int lookup_permission(struct compat_idmap *idmap, struct inode *inode, int mask)
{
	int ret;

	atomic_inc(&askers);
	ret = ask(idmap, inode, mask);
	if (atomic_dec_and_test(&askers))
		wake_up_var(&askers);
	return ret;
}

/* What the kernel has concluded from there being no such operation. */
static void forget_fast_permission(struct inode *inode)
{
	spin_lock(&inode->i_lock);
	inode->i_opflags &= ~IOP_FASTPERM;
	spin_unlock(&inode->i_lock);
}

/* A copy of @of with one operation more; NULL without memory. */
static const struct inode_operations *copy_operations(const struct inode_operations *of)
{
	struct inode_operations *copy = kmemdup(of, sizeof(*of), GFP_KERNEL);

	if (copy)
		copy->permission = lookup_permission;
	return copy;
}

/*
 * Have what waits made when a directory is searched or listed. Without memory all is made at once.
 * Process context, before there are clients.
 */
void nebula_lookup_watch(struct inode *dir)
{
	if (!NEBULA_LOOKUP_LAZY)
		return;
	if (!ours) {
		original = dir->i_op;
		ours = copy_operations(original);
	}
	if (!ours)
		return;
	watched[nr_watched++] = dir;
	WRITE_ONCE(dir->i_op, ours);
	forget_fast_permission(dir);
}

/*
 * Undo nebula_lookup_watch(). A task has read the pointer to our operations, and not yet counted
 * itself: it does not sleep there, so the first wait is for it. One that is counted may sleep, and
 * is waited for by its count. One that is not counted any more only has to return: the last wait is
 * for that. Process context; sleeps.
 */
void nebula_lookup_exit(void)
{
	unsigned int i;

	if (!nr_watched)
		return;
	for (i = 0; i < nr_watched; i++)
		WRITE_ONCE(watched[i]->i_op, original);
	synchronize_rcu_tasks();
	wait_var_event(&askers, !atomic_read(&askers));
	synchronize_rcu_tasks();
	kfree(ours);
}

/* An allocator was made. Process context; sleeps. */
void nebula_lookup_add(struct nebula_registration *reg)
{
	unsigned int i;

	INIT_LIST_HEAD(&reg->unseen);
	if (!nr_watched) {
		nebula_debugfs_show(reg);
		return;
	}
	/* A walk that had begun before our operation was there may have been late to conclude. */
	for (i = 0; i < nr_watched; i++)
		if (unlikely(READ_ONCE(watched[i]->i_opflags) & IOP_FASTPERM))
			forget_fast_permission(watched[i]);
	mutex_lock(&making);
	list_add_tail(&reg->unseen, &waiting);
	WRITE_ONCE(nr_waiting, nr_waiting + 1);
	mutex_unlock(&making);
}

/* An allocator is taken down. Process context; sleeps. */
void nebula_lookup_remove(struct nebula_registration *reg)
{
	mutex_lock(&making);
	if (!list_empty(&reg->unseen)) {
		list_del_init(&reg->unseen);
		WRITE_ONCE(nr_waiting, nr_waiting - 1);
	}
	mutex_unlock(&making);
}
