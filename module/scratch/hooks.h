/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests look at in scratch memory. */
#ifndef _NEBULA_MODULE_SCRATCH_HOOKS_H
#define _NEBULA_MODULE_SCRATCH_HOOKS_H

#include <nebula/scratch.h>

struct nebula_text;

unsigned int nebula_scratch_validate(const struct nebula_scratch *s, struct nebula_text *t);

#endif /* _NEBULA_MODULE_SCRATCH_HOOKS_H */
