/* SPDX-License-Identifier: GPL-2.0-only */
/* /sys/kernel/debug/nebula_demo/ */
#ifndef NEBULA_DEMO_FILES_H
#define NEBULA_DEMO_FILES_H

void files_init(void);
void files_exit(void);

#endif
