/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests wait for in bump allocators. */
#ifndef _NEBULA_MODULE_BUMP_HOOKS_H
#define _NEBULA_MODULE_BUMP_HOOKS_H

#include <nebula/bump.h>

/* bump/shared.c: tests wait for growth ahead of need, or keep it from happening. */

void nebula_growth_flush(struct nebula_bump *b);
void nebula_growth_hold(struct nebula_bump *b);
void nebula_growth_release(struct nebula_bump *b);

#endif /* _NEBULA_MODULE_BUMP_HOOKS_H */
