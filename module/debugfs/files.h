/* SPDX-License-Identifier: GPL-2.0-only */
/* The files of an allocator. */
#ifndef _NEBULA_MODULE_DEBUGFS_FILES_H
#define _NEBULA_MODULE_DEBUGFS_FILES_H

struct nebula_registration;

void nebula_debugfs_add(struct nebula_registration *reg);
void nebula_debugfs_remove(struct nebula_registration *reg);
void nebula_debugfs_init(void);
void nebula_debugfs_exit(void);

#endif /* _NEBULA_MODULE_DEBUGFS_FILES_H */
