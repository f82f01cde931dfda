/* SPDX-License-Identifier: GPL-2.0-only */
/* Everything nebula_memory offers to other modules. */
#ifndef _NEBULA_NEBULA_H
#define _NEBULA_NEBULA_H

#include <nebula/allocator.h>
#include <nebula/budget.h>
#include <nebula/budget_tree.h>
#include <nebula/bulk.h>
#include <nebula/bump.h>
#include <nebula/cache.h>
#include <nebula/compose.h>
#include <nebula/config.h>
#include <nebula/custom.h>
#include <nebula/error.h>
#include <nebula/features.h>
#include <nebula/generic.h>
#include <nebula/memops.h>
#include <nebula/pool.h>
#include <nebula/scope.h>
#include <nebula/scratch.h>
#include <nebula/stack.h>
#include <nebula/stats.h>
#include <nebula/typed.h>

#endif /* _NEBULA_NEBULA_H */
