/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of nebula_memory. While one of a kind of allocators is on, those come out of line; see
 * module/core/fastpath.c.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM nebula

#if !defined(_TRACE_NEBULA_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_NEBULA_H

#include <linux/string.h>
#include <linux/tracepoint.h>
#include <nebula/error.h>

#ifndef _TRACE_NEBULA_ONCE
#define _TRACE_NEBULA_ONCE

/* The first one who traces a kind of allocators, and the last. Process context. */
int nebula_trace_bump_begin(void);
void nebula_trace_bump_end(void);
int nebula_trace_pool_begin(void);
void nebula_trace_pool_end(void);
int nebula_trace_stack_begin(void);
void nebula_trace_stack_end(void);

#endif

/* Kernels differ in how a string is assigned, not in how an array is. */
#define NEBULA_TRACE_NAME(string)					\
	__dynamic_array(char, name, strlen(string) + 1)
#define NEBULA_TRACE_ASSIGN_NAME(string)				\
	strscpy(__get_dynamic_array(name), string, __get_dynamic_array_len(name))

DECLARE_EVENT_CLASS(nebula_alloc,

	TP_PROTO(const char *allocator, const void *ptr, size_t size, size_t align),

	TP_ARGS(allocator, ptr, size, align),

	TP_STRUCT__entry(
		NEBULA_TRACE_NAME(allocator)
		__field(const void *, ptr)
		__field(size_t, size)
		__field(size_t, align)
	),

	TP_fast_assign(
		NEBULA_TRACE_ASSIGN_NAME(allocator);
		__entry->ptr = ptr;
		__entry->size = size;
		__entry->align = align;
	),

	TP_printk("name=%s ptr=%p size=%zu align=%zu", __get_str(name), __entry->ptr,
		  __entry->size, __entry->align)
);

DECLARE_EVENT_CLASS(nebula_free,

	TP_PROTO(const char *allocator, const void *ptr, size_t size),

	TP_ARGS(allocator, ptr, size),

	TP_STRUCT__entry(
		NEBULA_TRACE_NAME(allocator)
		__field(const void *, ptr)
		__field(size_t, size)
	),

	TP_fast_assign(
		NEBULA_TRACE_ASSIGN_NAME(allocator);
		__entry->ptr = ptr;
		__entry->size = size;
	),

	TP_printk("name=%s ptr=%p size=%zu", __get_str(name), __entry->ptr, __entry->size)
);

DECLARE_EVENT_CLASS(nebula_reset,

	TP_PROTO(const char *allocator, size_t size),

	TP_ARGS(allocator, size),

	TP_STRUCT__entry(
		NEBULA_TRACE_NAME(allocator)
		__field(size_t, size)
	),

	TP_fast_assign(
		NEBULA_TRACE_ASSIGN_NAME(allocator);
		__entry->size = size;
	),

	TP_printk("name=%s size=%zu", __get_str(name), __entry->size)
);

/* An allocation was served. @ptr is the object, @size and @align are what was asked for. */
DEFINE_EVENT_FN(nebula_alloc, bump_alloc,
	TP_PROTO(const char *allocator, const void *ptr, size_t size, size_t align),
	TP_ARGS(allocator, ptr, size, align),
	nebula_trace_bump_begin, nebula_trace_bump_end);

DEFINE_EVENT_FN(nebula_alloc, pool_alloc,
	TP_PROTO(const char *allocator, const void *ptr, size_t size, size_t align),
	TP_ARGS(allocator, ptr, size, align),
	nebula_trace_pool_begin, nebula_trace_pool_end);

DEFINE_EVENT_FN(nebula_alloc, stack_alloc,
	TP_PROTO(const char *allocator, const void *ptr, size_t size, size_t align),
	TP_ARGS(allocator, ptr, size, align),
	nebula_trace_stack_begin, nebula_trace_stack_end);

DEFINE_EVENT(nebula_alloc, custom_alloc,
	TP_PROTO(const char *allocator, const void *ptr, size_t size, size_t align),
	TP_ARGS(allocator, ptr, size, align));

/*
 * Memory was given back. A bump allocator, or a stack, that was restored gives back @size bytes
 * from @ptr on; a stack that frees an object and a pool the object at @ptr.
 */
DEFINE_EVENT_FN(nebula_free, bump_free,
	TP_PROTO(const char *allocator, const void *ptr, size_t size),
	TP_ARGS(allocator, ptr, size),
	nebula_trace_bump_begin, nebula_trace_bump_end);

DEFINE_EVENT_FN(nebula_free, pool_free,
	TP_PROTO(const char *allocator, const void *ptr, size_t size),
	TP_ARGS(allocator, ptr, size),
	nebula_trace_pool_begin, nebula_trace_pool_end);

DEFINE_EVENT_FN(nebula_free, stack_free,
	TP_PROTO(const char *allocator, const void *ptr, size_t size),
	TP_ARGS(allocator, ptr, size),
	nebula_trace_stack_begin, nebula_trace_stack_end);

DEFINE_EVENT(nebula_free, custom_free,
	TP_PROTO(const char *allocator, const void *ptr, size_t size),
	TP_ARGS(allocator, ptr, size));

/* All was given back, @size bytes. */
DEFINE_EVENT_FN(nebula_reset, bump_reset,
	TP_PROTO(const char *allocator, size_t size),
	TP_ARGS(allocator, size),
	nebula_trace_bump_begin, nebula_trace_bump_end);

DEFINE_EVENT_FN(nebula_reset, pool_reset,
	TP_PROTO(const char *allocator, size_t size),
	TP_ARGS(allocator, size),
	nebula_trace_pool_begin, nebula_trace_pool_end);

DEFINE_EVENT_FN(nebula_reset, stack_reset,
	TP_PROTO(const char *allocator, size_t size),
	TP_ARGS(allocator, size),
	nebula_trace_stack_begin, nebula_trace_stack_end);

/* An error was recorded. @code is &enum nebula_errc, @reason its name. */
TRACE_EVENT(error,

	TP_PROTO(const struct nebula_error *err, const char *reason),

	TP_ARGS(err, reason),

	TP_STRUCT__entry(
		NEBULA_TRACE_NAME(err->name)
		__dynamic_array(char, reason, strlen(reason) + 1)
		__dynamic_array(char, what, strlen(err->what) + 1)
		__field(u64, seq)
		__field(unsigned int, code)
		__field(size_t, size)
		__field(size_t, align)
		__field(size_t, used)
		__field(size_t, capacity)
	),

	TP_fast_assign(
		NEBULA_TRACE_ASSIGN_NAME(err->name);
		strscpy(__get_dynamic_array(reason), reason, __get_dynamic_array_len(reason));
		strscpy(__get_dynamic_array(what), err->what, __get_dynamic_array_len(what));
		__entry->seq = err->seq;
		__entry->code = err->code;
		__entry->size = err->size;
		__entry->align = err->align;
		__entry->used = err->used;
		__entry->capacity = err->capacity;
	),

	TP_printk("name=%s code=%s seq=%llu size=%zu align=%zu used=%zu capacity=%zu what=%s",
		  __get_str(name), __get_str(reason), __entry->seq, __entry->size,
		  __entry->align, __entry->used, __entry->capacity, __get_str(what))
);

DECLARE_EVENT_CLASS(nebula_region,

	TP_PROTO(const void *ptr, size_t size, const char *backing),

	TP_ARGS(ptr, size, backing),

	TP_STRUCT__entry(
		__dynamic_array(char, backing, strlen(backing) + 1)
		__field(const void *, ptr)
		__field(size_t, size)
	),

	TP_fast_assign(
		strscpy(__get_dynamic_array(backing), backing, __get_dynamic_array_len(backing));
		__entry->ptr = ptr;
		__entry->size = size;
	),

	TP_printk("ptr=%p size=%zu backing=%s", __entry->ptr, __entry->size, __get_str(backing))
);

/* Memory came from the kernel, or went back to it: @size bytes at @ptr. */
DEFINE_EVENT(nebula_region, region_map,
	TP_PROTO(const void *ptr, size_t size, const char *backing),
	TP_ARGS(ptr, size, backing));

DEFINE_EVENT(nebula_region, region_unmap,
	TP_PROTO(const void *ptr, size_t size, const char *backing),
	TP_ARGS(ptr, size, backing));

/* A value was computed, in @ns nanoseconds, or @err came of it. */
TRACE_EVENT(cache_compute,

	TP_PROTO(const char *name, u64 ns, int err),

	TP_ARGS(name, ns, err),

	TP_STRUCT__entry(
		NEBULA_TRACE_NAME(name)
		__field(u64, ns)
		__field(int, err)
	),

	TP_fast_assign(
		NEBULA_TRACE_ASSIGN_NAME(name);
		__entry->ns = ns;
		__entry->err = err;
	),

	TP_printk("name=%s ns=%llu err=%d", __get_str(name), __entry->ns, __entry->err)
);

DECLARE_EVENT_CLASS(nebula_cache,

	TP_PROTO(const char *name, unsigned int kept),

	TP_ARGS(name, kept),

	TP_STRUCT__entry(
		NEBULA_TRACE_NAME(name)
		__field(unsigned int, kept)
	),

	TP_fast_assign(
		NEBULA_TRACE_ASSIGN_NAME(name);
		__entry->kept = kept;
	),

	TP_printk("name=%s kept=%u", __get_str(name), __entry->kept)
);

/* A value was dropped to make room, or because it had become too old; @kept are left. */
DEFINE_EVENT(nebula_cache, cache_evict,
	TP_PROTO(const char *name, unsigned int kept),
	TP_ARGS(name, kept));

DEFINE_EVENT(nebula_cache, cache_expire,
	TP_PROTO(const char *name, unsigned int kept),
	TP_ARGS(name, kept));

#endif /* _TRACE_NEBULA_H */

#include <trace/define_trace.h>
