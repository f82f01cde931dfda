/* SPDX-License-Identifier: GPL-2.0-only */
/* The module parameter debug. */
#ifndef _NEBULA_MODULE_CORE_DEBUG_PARAM_H
#define _NEBULA_MODULE_CORE_DEBUG_PARAM_H

#include <linux/types.h>

u32 nebula_debug_flags(const char *name);
int nebula_debug_flags_of(const char *text, const char *name);
bool nebula_patterns_valid(const char *patterns);
bool nebula_patterns_match(const char *patterns, const char *name);

#endif /* _NEBULA_MODULE_CORE_DEBUG_PARAM_H */
