/* SPDX-License-Identifier: GPL-2.0-only */
/* What an unloaded client left behind. */
#ifndef _NEBULA_MODULE_UNLOAD_H
#define _NEBULA_MODULE_UNLOAD_H

#include <linux/types.h>

struct nebula_registration;

void nebula_owner_reap(void);
int nebula_owner_init(void);
void nebula_owner_exit(void);

#endif /* _NEBULA_MODULE_UNLOAD_H */
