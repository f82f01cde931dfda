/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own allocators as one of ours. */
#ifndef _NEBULA_MODULE_COMPOSE_SYSTEM_H
#define _NEBULA_MODULE_COMPOSE_SYSTEM_H

void nebula_system_exit(void);

#endif /* _NEBULA_MODULE_COMPOSE_SYSTEM_H */
