/* SPDX-License-Identifier: GPL-2.0-only */
/* What the init ladder calls of pools, and what tests wait for or look at. */
#ifndef _NEBULA_MODULE_POOL_HOOKS_H
#define _NEBULA_MODULE_POOL_HOOKS_H

#include <nebula/pool.h>

void nebula_pool_growth_flush(struct nebula_pool *p);
void nebula_pool_growth_hold(struct nebula_pool *p);
void nebula_pool_growth_release(struct nebula_pool *p);
unsigned long nebula_pool_shrinker_run(void);
void nebula_pool_trim_flush(struct nebula_pool *p);
int nebula_pool_init(void);
void nebula_pool_exit(void);
void nebula_pool_rcu_flush(struct nebula_pool *p);
unsigned int nebula_pool_waiters(const struct nebula_pool *p);
bool nebula_pool_is_inline(const struct nebula_pool *p);
unsigned int nebula_pool_cached(const struct nebula_pool *p, unsigned int cpu);

#endif /* _NEBULA_MODULE_POOL_HOOKS_H */
