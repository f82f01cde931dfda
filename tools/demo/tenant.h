/* SPDX-License-Identifier: GPL-2.0-only */
/* Whose requests these are, and how much memory that tenant may have. */
#ifndef NEBULA_DEMO_TENANT_H
#define NEBULA_DEMO_TENANT_H

#include <linux/types.h>

struct nebula_budget;

int tenant_init(void);
void tenant_exit(void);
struct nebula_budget *tenant_all(void);
struct nebula_budget *tenant_enter(const char *host, size_t bytes);
void tenant_leave(struct nebula_budget *tenant, size_t bytes);

#endif
