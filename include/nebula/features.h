/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What these headers offer, for clients that are built with more than one version of them:
 *
 *	#if defined(NEBULA_HAS_RESERVES)
 *
 * A feature that comes gets a macro with it, and a macro stays while its calls are there. The
 * loaded module has what the headers have: clients of another ABI do not load, and a call that it
 * lacks is an unknown symbol.
 */
#ifndef _NEBULA_FEATURES_H
#define _NEBULA_FEATURES_H

#define NEBULA_HAS_BUMP			1  /* nebula_bump_*() */
#define NEBULA_HAS_POOL			1  /* nebula_pool_*() */
#define NEBULA_HAS_BULKS		1  /* nebula_pool_alloc_bulk(), nebula_pool_free_bulk() */
#define NEBULA_HAS_RESERVES		1  /* nebula_pool_reserve() and what takes its handle */
#define NEBULA_HAS_WAITS		1  /* nebula_pool_alloc_wait*() */
#define NEBULA_HAS_POOL_RCU		1  /* nebula_pool_free_rcu(), nebula_pool_destroy_rcu() */
#define NEBULA_HAS_STACK		1  /* nebula_stack_*() */
#define NEBULA_HAS_SCRATCH		1  /* nebula_scratch_*() */
#define NEBULA_HAS_TYPED		1  /* nebula_alloc_obj() and its like, nebula_pool_of() */
#define NEBULA_HAS_SCOPES		1  /* scoped_guard() of allocators, NEBULA_AUTO_OBJ() */
#define NEBULA_HAS_COMPOSITES		1  /* nebula_fallback_create(), nebula_split_create() */
#define NEBULA_HAS_CUSTOM		1  /* nebula_custom_register() */
#define NEBULA_HAS_BUDGETS		1  /* nebula_budget_*(), .budget of configurations */
#define NEBULA_HAS_CACHES		1  /* nebula_cache_*() */
#define NEBULA_HAS_MEMOPS		1  /* nebula_copy(), nebula_fill(), nebula_compare() */
#define NEBULA_HAS_NOTIFIERS		1  /* nebula_error_notifier_register() */

#endif /* _NEBULA_FEATURES_H */
