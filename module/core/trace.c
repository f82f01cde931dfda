// SPDX-License-Identifier: GPL-2.0-only
/*
 * The events, see <trace/events/nebula.h>. While no event of a kind is on, its inline paths do not
 * know of them; switching on and off moves the allocators, see fastpath.c.
 */
#include "allocator.h"
#include "fastpath.h"

#define CREATE_TRACE_POINTS
#include <trace/events/nebula.h>

/* Called with the kernel's own lock of tracepoints; process context. */
int nebula_trace_bump_begin(void)
{
	nebula_fastpath_disable(NEBULA_KIND_BUMP);
	return 0;
}

void nebula_trace_bump_end(void)
{
	nebula_fastpath_enable(NEBULA_KIND_BUMP);
}

int nebula_trace_pool_begin(void)
{
	nebula_fastpath_disable(NEBULA_KIND_POOL);
	return 0;
}

void nebula_trace_pool_end(void)
{
	nebula_fastpath_enable(NEBULA_KIND_POOL);
}

int nebula_trace_stack_begin(void)
{
	nebula_fastpath_disable(NEBULA_KIND_STACK);
	return 0;
}

void nebula_trace_stack_end(void)
{
	nebula_fastpath_enable(NEBULA_KIND_STACK);
}

/* The suites listen to them. */
#if IS_ENABLED(CONFIG_KUNIT) && IS_ENABLED(CONFIG_TRACEPOINTS)
EXPORT_TRACEPOINT_SYMBOL_GPL(bump_alloc);
EXPORT_TRACEPOINT_SYMBOL_GPL(bump_free);
EXPORT_TRACEPOINT_SYMBOL_GPL(bump_reset);
EXPORT_TRACEPOINT_SYMBOL_GPL(pool_alloc);
EXPORT_TRACEPOINT_SYMBOL_GPL(pool_free);
EXPORT_TRACEPOINT_SYMBOL_GPL(pool_reset);
EXPORT_TRACEPOINT_SYMBOL_GPL(stack_alloc);
EXPORT_TRACEPOINT_SYMBOL_GPL(stack_free);
EXPORT_TRACEPOINT_SYMBOL_GPL(stack_reset);
EXPORT_TRACEPOINT_SYMBOL_GPL(custom_alloc);
EXPORT_TRACEPOINT_SYMBOL_GPL(custom_free);
EXPORT_TRACEPOINT_SYMBOL_GPL(error);
EXPORT_TRACEPOINT_SYMBOL_GPL(region_map);
EXPORT_TRACEPOINT_SYMBOL_GPL(region_unmap);
EXPORT_TRACEPOINT_SYMBOL_GPL(cache_compute);
EXPORT_TRACEPOINT_SYMBOL_GPL(cache_evict);
EXPORT_TRACEPOINT_SYMBOL_GPL(cache_expire);
#endif
