// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stack: what both modes share. Everything runs in the owner's context, or in any context with
 * NEBULA_SHARED; see <nebula/stack.h>.
 */
#include <linux/debug_locks.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <trace/events/nebula.h>
#include "../core/inject.h"
#include "../core/stats.h"
#include "../error/error.h"
#include "priv.h"

/* Looks at a shared stack that keeps changing before one is content with less. */
#define MAX_RETRIES	16

bool stack_top(const struct nebula_stack *s, struct stack_object *o)
{
	return stack_is_shared(s) ? stack_shared_top(s, o) : stack_owner_top(s, o);
}

/* Shows @fn all objects and marks, newest first; false when they changed under the reader. */
bool stack_visit(const struct nebula_stack *s, stack_visit_fn fn, void *data)
{
	return stack_is_shared(s) ? stack_shared_visit(s, fn, data)
				  : stack_owner_visit(s, fn, data);
}

static noinline __cold void *refuse(struct nebula_stack *s, enum nebula_errc code, size_t size,
				    size_t align, const char *what)
{
	nebula_fail(&s->common, code, .size = size, .align = align, .what = what);
	return NULL;
}

/* Where per-CPU operations can be torn by an NMI, a shared stack does not serve one. */
static bool wrong_context(struct nebula_stack *s, const char *what)
{
	if (NEBULA_NMI_SAFE || !stack_is_shared(s) || !in_nmi())
		return false;
	nebula_fail(&s->common, NEBULA_E_WRONG_CONTEXT, .what = what);
	return true;
}

/* The owner can go back to the inline paths. */
static void resume_inline(struct nebula_stack *s)
{
	if (unlikely(!data_race(s->limit)) && !stack_is_shared(s)) /* see fastpath.c */
		stack_owner_resume_inline(s);
}

/* @size bytes, of which the client asked for @asked. */
static noinline void *out_of_memory(struct nebula_stack *s, size_t size, size_t align,
				    size_t asked)
{
	const size_t need = stack_is_shared(s) ? stack_shared_needed(s, size, align)
					       : stack_owner_needed(s, size, align);

	nebula_fail(&s->common, NEBULA_E_OUT_OF_MEMORY, .size = asked, .align = align,
		    .overhead = size - asked, .need = need);
	return NULL;
}

/* @size bytes, of which the client asked for @asked. */
static void *alloc_raw(struct nebula_stack *s, size_t size, size_t align, size_t asked)
{
	void *p = stack_is_shared(s) ? stack_shared_alloc(s, size, align, asked)
				     : stack_owner_alloc(s, size, align, asked);

	return likely(p) ? p : out_of_memory(s, size, align, asked);
}

static noinline void *alloc_guarded(struct nebula_stack *s, size_t size, size_t align)
{
	struct nebula_guard_layout layout;
	void *raw;

	if (!nebula_guard_layout(&layout, size, align))
		return refuse(s, NEBULA_E_SIZE_OVERFLOW, size, align, NULL);
	raw = alloc_raw(s, layout.total, layout.align, size);
	if (!raw)
		return NULL;
	nebula_sizes_note(&s->common, size);
	/* Free memory of a shared stack is not filled: another context can allocate it at once. */
	if (!stack_is_shared(s))
		nebula_guard_check_poison(&s->common, raw, &layout, size);
	return nebula_guard_init(&s->common, raw, &layout, size);
}

/* Shared, with a flag, or watched: the limit of the inline path is none. */
static noinline void *stack_alloc_slow(struct nebula_stack *s, size_t size, size_t align)
{
	bool watched;
	void *p;

	if (wrong_context(s, "alloc"))
		return NULL;
	resume_inline(s);
	watched = nebula_fastpath_disabled(&s->common);
	if (unlikely(watched) && nebula_fail_alloc_hit(&s->common, size)) {
		nebula_fail(&s->common, NEBULA_E_OUT_OF_MEMORY, .size = size, .align = align,
			    .detail = NEBULA_D_INJECTED);
		return NULL;
	}
	p = unlikely(stack_is_guarded(s))
		? alloc_guarded(s, size, align)
		: alloc_raw(s, nebula_kasan_room(s->common.flags, size),
			    nebula_kasan_align(s->common.flags, align), size);
	if (p)
		nebula_kasan_alloc(&s->common, p, size);
	if (unlikely(watched) && p)
		trace_stack_alloc(nebula_allocator_name(&s->common), p, size, align);
	if (unlikely(s->common.flags & NEBULA_ZERO) && p)
		memset(p, 0, size);
	return p;
}

/* nebula_stack_alloc() where it is not inline. */
void *nebula_stack_alloc_slow(struct nebula_stack *s, size_t size, size_t align)
{
	void *p;

	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	if (unlikely(!is_power_of_2(align)))
		return refuse(s, NEBULA_E_INVALID_ALIGNMENT, size, align, NULL);
	if (unlikely(size > (SIZE_MAX >> 1) - (align - 1)))
		return refuse(s, NEBULA_E_SIZE_OVERFLOW, size, align, NULL);
	if (likely(data_race(s->limit))) /* see fastpath.c */
		p = stack_owner_alloc(s, size, align, size);
	else if (likely(stack_is_plain_shared(s)))
		p = stack_shared_alloc(s, size, align, size);
	else
		return stack_alloc_slow(s, size, align);
	return likely(p) ? p : out_of_memory(s, size, align, size);
}
EXPORT_SYMBOL_GPL(nebula_stack_alloc_slow);

/* nebula_stack_alloc() beyond the highest use so far. */
void *nebula_stack_alloc_higher(struct nebula_stack *s, size_t size, size_t align)
{
	u32 *top = s->top, cur = *top, next = cur + size;

	if (unlikely(!s->limit) || unlikely(next > s->end))
		return nebula_stack_alloc_slow(s, size, align);
	WRITE_ONCE(top[1], next);
	nebula_count(s->top, 1);
	nebula_count(s->consumed, size);
	nebula_count(s->allocs, 1);
	stack_owner_raise(s, next);
	return (void *)(s->base + cur);
}
EXPORT_SYMBOL_GPL(nebula_stack_alloc_higher);

/* nebula_stack_alloc() where the top is not aligned. */
void *nebula_stack_alloc_padded(struct nebula_stack *s, size_t size, size_t align)
{
	u32 *top = s->top, cur = *top;
	const u32 start = (cur + (u32)align - 1) & -(u32)align, next = start + size;

	if (unlikely(next > data_race(s->limit))) /* see fastpath.c */
		return nebula_stack_alloc_slow(s, size, align);
	WRITE_ONCE(top[1], NEBULA_STACK_TAG + start);
	WRITE_ONCE(top[2], next);
	nebula_count(s->top, 2);
	nebula_count(s->extras, 1);
	nebula_count(s->padding, start - cur);
	nebula_count(s->consumed, next - cur);
	nebula_count(s->allocs, 1);
	return (void *)(s->base + start);
}
EXPORT_SYMBOL_GPL(nebula_stack_alloc_padded);

/* Is @p what the client has of the object? When its guard is broken, anything inside is. */
static bool is_object(const struct nebula_stack *s, const struct stack_object *o, const void *p)
{
	const void *object;

	if (!stack_is_guarded(s))
		return o->base == p;
	object = nebula_guard_object(o->base);
	return object ? object == p : p > o->base && p < o->base + o->size;
}

/* What is wrong with freeing something? */
struct search {
	const struct nebula_stack *stack;	/* where */
	const void *p;				/* what the client has of it */
	struct stack_object newest;		/* the newest object, once there is one */
	enum nebula_errc code;			/* the answer so far */
};

static bool compare(const struct stack_object *o, void *data)
{
	struct search *search = data;
	const bool newest = !search->newest.base;

	if (!o->base)
		return true;
	if (newest) {
		search->newest = *o;
		if (search->p >= o->base + o->size)
			return false;
	}
	search->code = NEBULA_E_MISALIGNED_POINTER;
	if (is_object(search->stack, o, search->p)) {
		search->code = newest ? NEBULA_OK : NEBULA_E_LIFO_VIOLATION;
		return false;
	}
	return search->p < o->base;
}

/*
 * What is wrong with freeing @p; nothing when it is the newest object, which @o is then. All that
 * the answer rests on is seen at once, so it was right at some moment.
 */
static enum nebula_errc check_pointer(const struct nebula_stack *s, const void *p,
				      struct stack_object *o)
{
	struct search search;
	unsigned int retries = MAX_RETRIES;

	if (!nebula_stack_owns(s, p))
		return NEBULA_E_FOREIGN_POINTER;
	do {
		search = (struct search){ .stack = s, .p = p, .code = NEBULA_E_DOUBLE_FREE };
		if (stack_visit(s, compare, &search)) {
			*o = search.newest;
			return search.code;
		}
	} while (--retries);
	/* It keeps changing: later, then. */
	return stack_top(s, o) && is_object(s, o, p) ? NEBULA_OK : NEBULA_E_LIFO_VIOLATION;
}

/* With debug flags it is known what was asked for. */
static bool has_size(const struct nebula_stack *s, const struct stack_object *o, size_t size)
{
	struct nebula_guard_origin origin;

	if (!size || !stack_is_guarded(s) || !nebula_guard_object(o->base))
		return true;
	nebula_guard_origin(o->base, &origin);
	return origin.size == size;
}

static bool pop(struct nebula_stack *s, const struct stack_object *o)
{
	if (stack_is_shared(s))
		return stack_shared_pop(s, o->base);
	stack_owner_pop(s);
	return true;
}

/* Records why @p can be neither freed nor resized. @size: as passed, or asked for. */
static noinline __cold int refuse_pointer(struct nebula_stack *s, enum nebula_errc code,
					  const void *p, size_t size, const char *what)
{
	return nebula_fail(&s->common, code, .size = size, .pointer = p, .what = what,
			   .offset = code == NEBULA_E_FOREIGN_POINTER ? 0 :
				     (unsigned long)p - s->base - s->start);
}

static noinline int stack_free_checked(struct nebula_stack *s, void *p, size_t size)
{
	struct stack_object o;
	enum nebula_errc code;

	do {
		code = check_pointer(s, p, &o);
		if (!code && !has_size(s, &o, size))
			code = NEBULA_E_INVALID_LAYOUT;
		if (code)
			return refuse_pointer(s, code, p, size, "free");
		if (stack_is_guarded(s))
			nebula_guard_verify(&s->common, o.base);
	} while (!pop(s, &o));
	if (unlikely(nebula_fastpath_disabled(&s->common)))
		trace_stack_free(nebula_allocator_name(&s->common), p, o.size);
	return 0;
}

static bool free_newest(struct nebula_stack *s, const void *p)
{
	if (unlikely(stack_is_guarded(s)) || unlikely(nebula_fastpath_disabled(&s->common)))
		return false;
	return stack_is_shared(s) ? stack_shared_pop(s, p) : stack_owner_pop_this(s, p);
}

static noinline int stack_free_slow(struct nebula_stack *s, void *p, size_t size)
{
	if (ZERO_OR_NULL_PTR(p))
		return 0;
	/* Most often it is the newest after all. */
	if (data_race(s->limit) ? likely(stack_owner_pop_this(s, p)) /* see fastpath.c */
				: stack_is_plain_shared(s) && likely(stack_shared_pop(s, p)))
		return 0;
	if (wrong_context(s, "free"))
		return -EPERM;
	resume_inline(s);
	return likely(free_newest(s, p)) ? 0 : stack_free_checked(s, p, size);
}

/* nebula_stack_free() where it is not inline. */
int nebula_stack_free_slow(struct nebula_stack *s, void *p, size_t size)
{
	const u32 *top = s->top;
	const u32 start = top[-1] - NEBULA_STACK_TAG;

	/*
	 * The newest object lies behind padding. A shared stack has no limit, see fastpath.c; the
	 * id of a mark may look like an offset.
	 */
	if (unlikely(start >= data_race(s->limit)) ||
	    unlikely((unsigned long)p != s->base + start) ||
	    unlikely(top[-2] & NEBULA_STACK_TAG))
		return stack_free_slow(s, p, size);
	debug_check_no_locks_freed(p, *top - start);
	barrier();	/* or it is computed from what was loaded, and stored */
	nebula_count(s->top, -2);
	nebula_count(s->extras, -1);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_stack_free_slow);

static enum nebula_errc resize_raw(struct nebula_stack *s, const void *base, size_t new_size)
{
	return stack_is_shared(s) ? stack_shared_resize(s, base, new_size)
				  : stack_owner_resize(s, new_size);
}

/* The newest object, and the guard around it, get another size where they are. */
static enum nebula_errc resize(struct nebula_stack *s, const struct stack_object *o,
			       size_t new_size)
{
	struct nebula_guard_origin origin;
	struct nebula_guard_layout layout;
	enum nebula_errc code;

	if (!stack_is_guarded(s))
		return resize_raw(s, o->base, nebula_kasan_room(s->common.flags, new_size));
	if (!nebula_guard_verify(&s->common, o->base))
		return NEBULA_E_CORRUPTION;
	nebula_guard_origin(o->base, &origin);
	/* The bytes behind a shared one that shrinks would be another's before they are filled. */
	if (stack_is_shared(s) && new_size <= origin.size)
		return NEBULA_OK;
	nebula_guard_layout(&layout, new_size, origin.align);
	code = resize_raw(s, o->base, layout.total);
	if (code)
		return code;
	if (layout.total < o->size)
		nebula_guard_poison(&s->common, o->base + layout.total, o->size - layout.total);
	nebula_guard_resize(&s->common, o->base, &layout, new_size);
	return NEBULA_OK;
}

/* The same for KASAN, of the object that the client has at @p. What goes is poisoned before. */
static enum nebula_errc resize_seen(struct nebula_stack *s, const struct stack_object *o, void *p,
				    size_t old_size, size_t new_size)
{
	const size_t whole = ALIGN(old_size, NEBULA_KASAN_GRANULE);
	enum nebula_errc code;

	if (new_size < whole)
		nebula_kasan_free(&s->common, p + new_size, whole - new_size);
	code = resize(s, o, new_size);
	if (!code)
		nebula_kasan_alloc(&s->common, p, new_size);
	else if (new_size < whole)
		nebula_kasan_alloc(&s->common, p, old_size);
	return code;
}

void *nebula_stack_realloc(struct nebula_stack *s, void *p, size_t old_size, size_t new_size,
			   size_t align)
{
	struct stack_object o;
	enum nebula_errc code;

	if (ZERO_OR_NULL_PTR(p))
		return nebula_stack_alloc_slow(s, new_size, align);
	if (!new_size)
		return nebula_stack_free(s, p) ? NULL : ZERO_SIZE_PTR;
	if (!is_power_of_2(align) || !IS_ALIGNED((unsigned long)p, align)) {
		nebula_fail(&s->common, NEBULA_E_INVALID_ALIGNMENT, .size = new_size,
			    .align = align, .pointer = p, .what = "realloc");
		return NULL;
	}
	if (new_size > NEBULA_STACK_CAPACITY_MAX)
		return refuse(s, NEBULA_E_SIZE_OVERFLOW, new_size, align, "realloc");
	if (wrong_context(s, "realloc"))
		return NULL;
	resume_inline(s);
	do {
		code = check_pointer(s, p, &o);
		if (code)
			break;
		code = old_size > o.size ? NEBULA_E_INVALID_LAYOUT
					 : resize_seen(s, &o, p, old_size, new_size);
		/* Not the newest any more. */
	} while (code == NEBULA_E_LIFO_VIOLATION);
	if (code == NEBULA_E_OUT_OF_MEMORY)
		return out_of_memory(s, new_size, align, new_size);
	if (code) {
		refuse_pointer(s, code, p, code == NEBULA_E_INVALID_LAYOUT ? old_size : new_size,
			       "realloc");
		return NULL;
	}
	if (s->common.flags & NEBULA_ZERO && new_size > old_size)
		memset(p + old_size, 0, new_size - old_size);
	return p;
}
EXPORT_SYMBOL_GPL(nebula_stack_realloc);

/* A mark where there is no room for its entries at once, or no entries at all. */
void stack_mark(struct nebula_stack *s, struct nebula_mark *m)
{
	if (!stack_is_shared(s))
		stack_owner_mark(s, m);
	else if (wrong_context(s, "mark"))
		*m = stack_no_mark(s);
	else
		*m = stack_shared_mark(s);
}

/* @used before it. Of a shared one others may have taken some since. */
static noinline void trace_restore(const struct nebula_stack *s, size_t used)
{
	const size_t left = nebula_stack_used(s);

	trace_stack_free(nebula_allocator_name(&s->common), (void *)(s->base + s->start + left),
			 used - min(used, left));
}

/* nebula_stack_restore() where it is not inline. */
int nebula_stack_restore_slow(struct nebula_stack *s, const struct nebula_mark *m)
{
	const bool watched = nebula_fastpath_disabled(&s->common);
	size_t used = 0;
	enum nebula_errc code;

	if (wrong_context(s, "restore"))
		return -EPERM;
	if (unlikely(watched))
		used = nebula_stack_used(s);
	resume_inline(s);
	code = stack_is_shared(s) ? stack_shared_restore(s, m) : stack_owner_restore(s, m);
	if (code)
		return nebula_fail(&s->common, code);
	if (unlikely(watched))
		trace_restore(s, used);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_stack_restore_slow);

/* Contexts of several CPUs open scopes on a shared stack; others have one owner. */
static void count_scope(struct nebula_stack *s, int n)
{
	if (stack_is_shared(s))
		atomic_add(n, &s->scopes);
	else
		nebula_count(s->scopes.counter, n);
}

/* nebula_stack_scope_enter() where it is not inline. */
void nebula_stack_scope_enter_slow(struct nebula_stack *s, struct nebula_mark *m)
{
	count_scope(s, 1);
	*m = nebula_stack_mark(s);
}
EXPORT_SYMBOL_GPL(nebula_stack_scope_enter_slow);

/* nebula_stack_scope_exit() where it is not inline. */
void nebula_stack_scope_exit_slow(struct nebula_stack *s, const struct nebula_mark *m)
{
	nebula_stack_restore_slow(s, m);
	/* The last access: once it is counted, another task may destroy the stack. */
	count_scope(s, -1);
}
EXPORT_SYMBOL_GPL(nebula_stack_scope_exit_slow);

int nebula_stack_defer(struct nebula_stack *s, void (*fn)(void *data), void *data)
{
	struct nebula_cleanup *c;

	if (!fn)
		return nebula_fail(&s->common, NEBULA_E_INVALID_CONFIG, .what = "fn");
	if (stack_is_shared(s))
		return nebula_fail(&s->common, NEBULA_E_INVALID_STATE, .what = "defer",
				   .detail = NEBULA_D_SHARED);
	c = nebula_stack_alloc_slow(s, sizeof(*c), __alignof__(*c));
	if (!c)
		return -ENOMEM;
	c->fn = fn;
	c->data = data;
	stack_owner_defer(s, c);
	return 0;
}
EXPORT_SYMBOL_GPL(nebula_stack_defer);

void nebula_stack_reset(struct nebula_stack *s)
{
	if (wrong_context(s, "reset"))
		return;
	resume_inline(s);
	if (unlikely(nebula_fastpath_disabled(&s->common)))
		trace_stack_reset(nebula_allocator_name(&s->common), nebula_stack_used(s));
	if (stack_is_shared(s))
		stack_shared_reset(s);
	else
		stack_owner_reset(s);
}
EXPORT_SYMBOL_GPL(nebula_stack_reset);

size_t nebula_stack_used(const struct nebula_stack *s)
{
	return nebula_allocator_usage(&s->common).used;
}
EXPORT_SYMBOL_GPL(nebula_stack_used);

size_t nebula_stack_available(const struct nebula_stack *s)
{
	return nebula_allocator_usage(&s->common).available;
}
EXPORT_SYMBOL_GPL(nebula_stack_available);

size_t nebula_stack_capacity(const struct nebula_stack *s)
{
	return s->end - s->start;
}
EXPORT_SYMBOL_GPL(nebula_stack_capacity);

size_t nebula_stack_peak(const struct nebula_stack *s)
{
	return nebula_allocator_usage(&s->common).peak;
}
EXPORT_SYMBOL_GPL(nebula_stack_peak);

bool nebula_stack_owns(const struct nebula_stack *s, const void *p)
{
	const unsigned long offset = (unsigned long)p - s->base;

	return offset >= s->start && offset < s->end;
}
EXPORT_SYMBOL_GPL(nebula_stack_owns);
