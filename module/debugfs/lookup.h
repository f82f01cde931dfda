/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What allocators have in debugfs is made when it is first looked for, see lookup.c.
 */
#ifndef _NEBULA_MODULE_LOOKUP_H
#define _NEBULA_MODULE_LOOKUP_H

#include "../core/allocator.h"

struct inode;

/*
 * A task that leaves our code is waited for with RCU tasks. A kernel that may preempt it there, and
 * has not those, makes directories at once.
 */
#define NEBULA_LOOKUP_LAZY						\
	(!IS_ENABLED(CONFIG_PREEMPTION) || IS_ENABLED(CONFIG_TASKS_RCU))

void nebula_lookup_watch(struct inode *dir);
void nebula_lookup_exit(void);
void nebula_lookup_add(struct nebula_registration *reg);
void nebula_lookup_remove(struct nebula_registration *reg);

/* files.c */
void nebula_debugfs_show(struct nebula_registration *reg);

#endif /* _NEBULA_MODULE_LOOKUP_H */
