/* SPDX-License-Identifier: GPL-2.0-only */
/* Allocations of this module that fail because a test wants it. */
#ifndef _NEBULA_MODULE_CORE_FAULT_H
#define _NEBULA_MODULE_CORE_FAULT_H

#include <linux/types.h>

bool nebula_fault_hit(void);
bool nebula_fault_hit_test(void);
void nebula_fault_arm(unsigned int first, unsigned int count);
unsigned int nebula_fault_disarm(void);

#endif /* _NEBULA_MODULE_CORE_FAULT_H */
