// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bump allocator: what both modes share. Everything runs in the owner's context, or in any context
 * with NEBULA_SHARED; see <nebula/bump.h>.
 */
#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <trace/events/nebula.h>
#include "../core/context.h"
#include "../core/guard_page.h"
#include "../core/inject.h"
#include "../core/stats.h"
#include "../error/error.h"
#include "hooks.h"
#include "priv.h"

static noinline __cold void *refuse(struct nebula_bump *b, enum nebula_errc code, size_t size,
				    size_t align)
{
	nebula_fail(&b->common, code, .size = size, .align = align);
	return NULL;
}

/* @size bytes, of which the client asked for @asked. */
static __always_inline void *alloc_raw(struct nebula_bump *b, size_t size, size_t align,
				       size_t asked)
{
	return bump_is_shared(b) ? bump_shared_alloc(b, size, align, asked)
				 : bump_owner_alloc(b, size, align, asked);
}

static noinline void *alloc_guarded(struct nebula_bump *b, size_t size, size_t align)
{
	struct nebula_guard_layout layout;
	void *raw, *p;

	if (!nebula_guard_layout(&layout, size, align))
		return refuse(b, NEBULA_E_SIZE_OVERFLOW, size, align);
	raw = alloc_raw(b, layout.total, layout.align, size);
	if (!raw)
		return NULL;
	nebula_guard_check_poison(&b->common, raw, &layout, size);
	p = nebula_guard_init(&b->common, raw, &layout, size);
	nebula_guard_push(&b->heap->guards, raw);
	nebula_sizes_note(&b->common, size);
	return p;
}

/* Shared, with a flag, or watched: the limit of the inline path is none. */
static noinline void *bump_alloc_slow(struct nebula_bump *b, size_t size, size_t align)
{
	bool watched;
	void *p;

	if (!bump_is_shared(b))
		bump_owner_prepare(b, b->heap ? b->heap->request.gfp : 0);
	watched = nebula_fastpath_disabled(&b->common);
	if (unlikely(watched) && nebula_fail_alloc_hit(&b->common, size)) {
		nebula_fail(&b->common, NEBULA_E_OUT_OF_MEMORY, .size = size, .align = align,
			    .detail = NEBULA_D_INJECTED);
		return NULL;
	}
	p = unlikely(bump_is_guarded(b))
		? alloc_guarded(b, size, align)
		: alloc_raw(b, nebula_kasan_room(b->common.flags, size),
			    nebula_kasan_align(b->common.flags, align), size);
	if (p)
		nebula_kasan_alloc(&b->common, p, size);
	if (unlikely(watched) && p)
		trace_bump_alloc(nebula_allocator_name(&b->common), p, size, align);
	if (unlikely(b->common.flags & NEBULA_ZERO) && p)
		memset(p, 0, size);
	return unlikely(watched) && p ? nebula_guard_page_swap(&b->common, p, size, align) : p;
}

/* nebula_bump_alloc() where it is not inline. */
void *nebula_bump_alloc_slow(struct nebula_bump *b, size_t size, size_t align)
{
	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	if (unlikely(!is_power_of_2(align)))
		return refuse(b, NEBULA_E_INVALID_ALIGNMENT, size, align);
	if (unlikely(size > (SIZE_MAX >> 1) - (align - 1)))
		return refuse(b, NEBULA_E_SIZE_OVERFLOW, size, align);
	if (unlikely(!data_race(b->limit))) /* see fastpath.c */
		return bump_is_plain_shared(b) ? bump_shared_alloc(b, size, align, size)
					       : bump_alloc_slow(b, size, align);
	return bump_owner_alloc(b, size, align, size);
}
EXPORT_SYMBOL_GPL(nebula_bump_alloc_slow);

static bool resize_in_place(struct nebula_bump *b, void *p, size_t old_size, size_t new_size)
{
	const size_t old_room = nebula_kasan_room(b->common.flags, old_size);
	const size_t room = nebula_kasan_room(b->common.flags, new_size);

	/* The zone behind the object stays where it is. */
	if (bump_is_guarded(b))
		return false;
	return bump_is_shared(b) ? bump_shared_resize(b, p, old_room, room)
				 : bump_owner_resize(b, p, old_room, room);
}

/* In an RCU read-side section. NULL when @addr lies in no region. */
static const struct nebula_chunk *chunk_of(const struct nebula_bump_heap *heap, unsigned long addr)
{
	const struct nebula_chunk *chunk;

	for (chunk = nebula_chunk_read(&heap->first); chunk;
	     chunk = nebula_chunk_read(&chunk->next))
		if (addr >= nebula_chunk_base(chunk) && addr < nebula_chunk_end(chunk))
			return chunk;
	return NULL;
}

/* An object lies above what is not taken, or in one sub-chunk, below what a CPU still has of it. */
static bool shared_is_taken(const struct nebula_bump_heap *heap, const struct nebula_chunk *chunk,
			    unsigned long start, unsigned long end)
{
	unsigned long bottom, top, held;
	int cpu;

	bump_shared_untaken(heap, chunk, &bottom, &top);
	if (start >= top)
		return true;
	if (end > bottom || !bump_same_sub(heap, start, end - 1))
		return false;
	for_each_possible_cpu(cpu) {
		bump_shared_held(heap, cpu, &held);
		if (held && bump_same_sub(heap, start, held) && end > held)
			return false;
	}
	return true;
}

/* All @size bytes at @p are in use, as far as that is known without a guard. */
static bool is_taken(const struct nebula_bump *b, const void *p, size_t size)
{
	const unsigned long start = (unsigned long)p, end = start + size;
	const unsigned long cursor = bump_cursor(b->cur, b->tail);
	const struct nebula_chunk *chunk;
	bool taken;

	if (!size || end < start)
		return false;
	if (!b->heap)
		return start >= b->base && end <= cursor;
	rcu_read_lock();
	chunk = chunk_of(b->heap, start);
	if (!chunk || end > nebula_chunk_end(chunk))
		taken = false;
	else if (bump_is_shared(b))
		taken = shared_is_taken(b->heap, chunk, start, end);
	else
		taken = nebula_chunk_base(chunk) != b->base || end <= cursor;
	rcu_read_unlock();
	return taken;
}

/*
 * Bytes of the object at @p by its guard; SIZE_MAX without one. How far before the object the guard
 * lies depends on the alignment asked for, and a seal is good for one place only.
 */
static size_t guarded_size(const struct nebula_bump *b, const void *p)
{
	struct nebula_guard_layout layout;
	struct nebula_guard_seen seen;
	const struct nebula_chunk *chunk;
	size_t size = SIZE_MAX, align;
	const void *raw;

	rcu_read_lock();
	chunk = chunk_of(b->heap, (unsigned long)p);
	for (align = 1; chunk && align <= chunk->region.size; align *= 2) {
		if (!nebula_guard_layout(&layout, 1, align) ||
		    layout.offset > p - chunk->region.base)
			break;
		raw = p - layout.offset;
		if (nebula_guard_see(raw, nebula_chunk_end(chunk) - (unsigned long)raw, &seen) &&
		    nebula_guard_object(raw) == p) {
			size = seen.size;
			break;
		}
	}
	rcu_read_unlock();
	return size;
}

/* Whether @p may be resized as an object of @size bytes. */
static enum nebula_errc check_object(const struct nebula_bump *b, const void *p, size_t size)
{
	if (!nebula_bump_owns(b, p))
		return NEBULA_E_FOREIGN_POINTER;
	if (nebula_guard_page_holds(&b->common, p, size))
		return NEBULA_OK;
	if (!is_taken(b, p, size) || (bump_is_guarded(b) && size > guarded_size(b, p)))
		return NEBULA_E_INVALID_LAYOUT;
	return NEBULA_OK;
}

/*
 * KASAN is told that an object of @old_size bytes has @size, or none any more. @in_place: what it
 * gave back may be another's already. Sampled objects are not in our regions.
 */
static void show_resize(const struct nebula_bump *b, const void *p, size_t old_size, size_t size,
			bool in_place)
{
	if (!(b->common.flags & NEBULA_KASAN) || nebula_guard_page_holds(&b->common, p, 0))
		return;
	if (!in_place)
		nebula_kasan_free(&b->common, p + size,
				  ALIGN(old_size, NEBULA_KASAN_GRANULE) - size);
	if (in_place || size)
		nebula_kasan_alloc(&b->common, p, size);
}

void *nebula_bump_realloc(struct nebula_bump *b, void *p, size_t old_size, size_t new_size,
			  size_t align)
{
	enum nebula_errc code;
	bool in_place;
	void *q;

	if (ZERO_OR_NULL_PTR(p))
		return nebula_bump_alloc_slow(b, new_size, align);
	code = check_object(b, p, old_size);
	if (unlikely(code)) {
		nebula_fail(&b->common, code, .size = old_size, .pointer = p,
			    .what = "realloc");
		return NULL;
	}
	in_place = is_power_of_2(align) && IS_ALIGNED((unsigned long)p, align) &&
		   resize_in_place(b, p, old_size, new_size);
	if (in_place || (new_size <= old_size && is_power_of_2(align) &&
			 IS_ALIGNED((unsigned long)p, align))) {
		show_resize(b, p, old_size, new_size, in_place);
		if (new_size > old_size && b->common.flags & NEBULA_ZERO)
			memset(p + old_size, 0, new_size - old_size);
		return new_size ? p : ZERO_SIZE_PTR;
	}
	q = nebula_bump_alloc_slow(b, new_size, align);
	if (!ZERO_OR_NULL_PTR(q))
		memcpy(q, p, min(old_size, new_size));
	if (q)
		show_resize(b, p, old_size, 0, false);
	return q;
}
EXPORT_SYMBOL_GPL(nebula_bump_realloc);

static noinline int bump_restore_traced(struct nebula_bump *b, const struct nebula_checkpoint *cp)
{
	const size_t used = nebula_bump_used(b);
	const int ret = bump_owner_restore(b, cp);

	if (!ret)
		trace_bump_free(nebula_allocator_name(&b->common), (void *)cp->cur,
				used - nebula_bump_used(b));
	return ret;
}

/* nebula_bump_restore() where it is not inline. The owner's context. */
int nebula_bump_restore_slow(struct nebula_bump *b, const struct nebula_checkpoint *cp)
{
	if (unlikely(bump_is_shared(b))) {
		nebula_fail(&b->common, NEBULA_E_INVALID_STATE, .detail = NEBULA_D_SHARED,
			    .what = "restore");
		return -EINVAL;
	}
	return unlikely(nebula_fastpath_disabled(&b->common)) ? bump_restore_traced(b, cp)
							: bump_owner_restore(b, cp);
}
EXPORT_SYMBOL_GPL(nebula_bump_restore_slow);

/* Contexts of several CPUs open scopes on a shared one; others have one owner. */
static void count_scope(struct nebula_bump *b, int n)
{
	if (bump_is_shared(b))
		atomic_add(n, &b->scopes);
	else
		nebula_count(b->scopes.counter, n);
}

/* nebula_bump_scope_enter() where it is not inline. */
void nebula_bump_scope_enter_slow(struct nebula_bump *b, struct nebula_checkpoint *cp)
{
	count_scope(b, 1);
	*cp = nebula_bump_checkpoint(b);
	/* So that its end takes the slow path, too. */
	if (bump_is_shared(b))
		cp->owner = NULL;
}
EXPORT_SYMBOL_GPL(nebula_bump_scope_enter_slow);

/* nebula_bump_scope_exit() where it is not inline. */
void nebula_bump_scope_exit_slow(struct nebula_bump *b, const struct nebula_checkpoint *cp)
{
	nebula_bump_restore_slow(b, cp);
	/* The last access: once it is counted, another task may destroy the allocator. */
	count_scope(b, -1);
}
EXPORT_SYMBOL_GPL(nebula_bump_scope_exit_slow);

static noinline void trace_reset(const struct nebula_bump *b)
{
	trace_bump_reset(nebula_allocator_name(&b->common), nebula_bump_used(b));
}

/* nebula_bump_reset() where it is not inline. */
void nebula_bump_reset_slow(struct nebula_bump *b)
{
	if (unlikely(nebula_fastpath_disabled(&b->common)))
		trace_reset(b);
	if (bump_is_shared(b))
		bump_shared_reset(b);
	else
		bump_owner_reset(b);
}
EXPORT_SYMBOL_GPL(nebula_bump_reset_slow);

int nebula_bump_reserve(struct nebula_bump *b, size_t bytes, gfp_t gfp)
{
	static const struct nebula_region_request embedded;
	struct nebula_quiet *quiet;
	int ret;

	if (bytes > NEBULA_CAPACITY_MAX)
		return nebula_fail(&b->common, NEBULA_E_SIZE_OVERFLOW, .size = bytes,
				   .what = "reserve");
	if (!nebula_gfp_valid(gfp, b->heap ? &b->heap->request : &embedded))
		return nebula_fail(&b->common, NEBULA_E_INVALID_CONFIG, .size = bytes,
				   .what = "gfp");
	quiet = nebula_quiet_enter_gfp(gfp);
	gfp = nebula_gfp_complete(gfp);
	ret = bump_is_shared(b) ? bump_shared_reserve(b, bytes, gfp)
				: bump_owner_reserve(b, bytes, gfp);
	nebula_quiet_exit(quiet);
	return ret;
}
EXPORT_SYMBOL_GPL(nebula_bump_reserve);

int nebula_bump_defer(struct nebula_bump *b, void (*fn)(void *data), void *data)
{
	struct nebula_cleanup *c;

	if (!fn)
		return nebula_fail(&b->common, NEBULA_E_INVALID_CONFIG, .what = "fn");
	c = nebula_bump_alloc_slow(b, sizeof(*c), __alignof__(*c));
	if (!c)
		return -ENOMEM;
	c->fn = fn;
	c->data = data;
	c->at = 1;
	if (bump_is_shared(b))
		nebula_cleanup_push(&b->cleanups, c);
	else
		bump_owner_defer(b, c);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_bump_defer);

size_t nebula_bump_used(const struct nebula_bump *b)
{
	return nebula_allocator_usage(&b->common).used;
}
EXPORT_SYMBOL_GPL(nebula_bump_used);

size_t nebula_bump_available(const struct nebula_bump *b)
{
	return nebula_allocator_usage(&b->common).available;
}
EXPORT_SYMBOL_GPL(nebula_bump_available);

size_t nebula_bump_capacity(const struct nebula_bump *b)
{
	return READ_ONCE(b->capacity);
}
EXPORT_SYMBOL_GPL(nebula_bump_capacity);

size_t nebula_bump_peak(const struct nebula_bump *b)
{
	return nebula_allocator_usage(&b->common).peak;
}
EXPORT_SYMBOL_GPL(nebula_bump_peak);

bool nebula_bump_owns(const struct nebula_bump *b, const void *p)
{
	const unsigned long addr = (unsigned long)p;
	bool owned;

	if (!b->heap)
		return addr >= b->base && addr < b->end;
	/* A reset on another CPU may drop chunks during the walk. */
	rcu_read_lock();
	owned = chunk_of(b->heap, addr);
	rcu_read_unlock();
	return owned || nebula_guard_page_holds(&b->common, p, 0);
}
EXPORT_SYMBOL_GPL(nebula_bump_owns);
