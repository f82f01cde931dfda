/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests look at in stacks. */
#ifndef _NEBULA_MODULE_STACK_HOOKS_H
#define _NEBULA_MODULE_STACK_HOOKS_H

#include <nebula/stack.h>

struct nebula_text;

int nebula_stack_validate(const struct nebula_stack *s, struct nebula_text *t);

#endif /* _NEBULA_MODULE_STACK_HOOKS_H */
