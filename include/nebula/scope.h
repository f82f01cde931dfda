/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scopes that clean up by themselves, in the manner of <linux/cleanup.h>:
 *
 *	guard(nebula_bump)(b);				rewinds b at the end of the enclosing scope
 *	scoped_guard(nebula_bump, b) { ... }		rewinds b on every way out of the block
 *	guard(nebula_stack)(s);				gives s back down to where it was
 *	CLASS(nebula_scratch, tmp)(s, 256, 8);		tmp.p is scratch memory until then
 *	struct nebula_bump *b __free(nebula_bump) =	destroys b at the end of the scope
 *		nebula_bump_create(...);
 *	nebula_with_bump(b, SZ_4K) { ... }		an allocator for the block
 *	NEBULA_AUTO_OBJ(pool, struct conn, c);		c is freed at the end of the scope
 *
 * break and continue inside scoped_guard() and nebula_with_*() bind to it, as everywhere in the
 * kernel; guard() keeps the user's loop. An allocator cannot be destroyed while a scope on it is
 * open: that is refused and recorded as INVALID_STATE. A scope whose beginning was given back
 * before its end records STALE_CHECKPOINT.
 */
#ifndef _NEBULA_SCOPE_H
#define _NEBULA_SCOPE_H

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <nebula/typed.h>

DEFINE_LOCK_GUARD_1(nebula_bump, struct nebula_bump,
		    _T->checkpoint = nebula_bump_scope_enter(_T->lock),
		    nebula_bump_scope_exit(_T->lock, _T->checkpoint),
		    struct nebula_checkpoint checkpoint)

DEFINE_LOCK_GUARD_1(nebula_stack, struct nebula_stack,
		    _T->mark = nebula_stack_scope_enter(_T->lock),
		    nebula_stack_scope_exit(_T->lock, _T->mark),
		    struct nebula_mark mark)

/**
 * struct nebula_scratch_hold - what CLASS(nebula_scratch, ...) declares
 * @scratch: private; where @p is of.
 * @p: the memory, or %NULL.
 */
struct nebula_scratch_hold {
	struct nebula_scratch *scratch;
	void *p;
};

/*
 * CLASS(nebula_scratch, name)(scratch, size, align) - scratch memory until the end of the scope
 *
 * Preemption is off until then, so that task context can use it as any other context does.
 */
DEFINE_CLASS(nebula_scratch, struct nebula_scratch_hold,
	     nebula_scratch_put(_T.scratch, _T.p); preempt_enable(),
	     ({
		preempt_disable();
		(struct nebula_scratch_hold){ scratch, nebula_scratch_get(scratch, size, align) };
	     }),
	     struct nebula_scratch *scratch, size_t size, size_t align)

DEFINE_FREE(nebula_bump, struct nebula_bump *, nebula_bump_destroy(_T))
DEFINE_FREE(nebula_pool, struct nebula_pool *, nebula_pool_destroy(_T))
DEFINE_FREE(nebula_stack, struct nebula_stack *, nebula_stack_destroy(_T))
DEFINE_FREE(nebula_scratch, struct nebula_scratch *, nebula_scratch_destroy(_T))

/**
 * struct nebula_with_bump - what nebula_with_bump() declares
 * @bump: the allocator.
 * @buffer: its memory, or %NULL.
 */
struct nebula_with_bump {
	struct nebula_bump bump;
	void *buffer;
};

/**
 * struct nebula_with_stack - what nebula_with_stack() declares
 * @stack: the allocator.
 * @buffer: its memory, or %NULL.
 */
struct nebula_with_stack {
	struct nebula_stack stack;
	void *buffer;
};

struct nebula_bump *nebula_with_bump_begin(struct nebula_with_bump *w, size_t size);
struct nebula_stack *nebula_with_stack_begin(struct nebula_with_stack *w, size_t size);

static inline void nebula_with_bump_end(struct nebula_with_bump *w)
{
	if (unlikely(w->bump.cleanups))
		nebula_bump_reset_slow(&w->bump);
	kfree(w->buffer);
}

static inline void nebula_with_stack_end(struct nebula_with_stack *w)
{
	if (unlikely(w->stack.cleanups))
		nebula_stack_reset(&w->stack);
	kfree(w->buffer);
}

static inline void nebula_with_pool_end(struct nebula_pool **p)
{
	nebula_pool_destroy(*p);
}

/*
 * A block that is run once with @name declared as @begin, and left out when that is no pointer to
 * anything; @scope is cleaned up on every way out.
 */
#define nebula_with(scope, name, begin)							\
	for (bool __nebula_once = true; __nebula_once; __nebula_once = false)		\
		for (scope; __nebula_once; __nebula_once = false)			\
			for (typeof(begin) name = begin;				\
			     __nebula_once && !IS_ERR_OR_NULL(name); __nebula_once = false)

/**
 * nebula_with_bump() - a block with a bump allocator of its own
 * @name: of the variable, a pointer to struct nebula_bump.
 * @size: bytes.
 *
 * One kmalloc()ed buffer, not registered; some hundred bytes of the kernel stack. Without memory
 * the block is left out, and BACKING_FAILED recorded: begin with ``int ret = -ENOMEM;``.
 *
 * Context: process context; may sleep.
 */
#define nebula_with_bump(name, size)							\
	nebula_with(struct nebula_with_bump __nebula_with				\
			__cleanup(nebula_with_bump_end) = { .buffer = NULL },		\
		    name, nebula_with_bump_begin(&__nebula_with, size))

/**
 * nebula_with_stack() - a block with a stack of its own
 * @name: of the variable, a pointer to struct nebula_stack.
 * @size: bytes, of which what is kept of the objects takes a part, see nebula_stack_init().
 *
 * As nebula_with_bump().
 *
 * Context: process context; may sleep.
 */
#define nebula_with_stack(name, size)							\
	nebula_with(struct nebula_with_stack __nebula_with				\
			__cleanup(nebula_with_stack_end) = { .buffer = NULL },		\
		    name, nebula_with_stack_begin(&__nebula_with, size))

/**
 * nebula_with_pool() - a block with a pool of its own
 * @name: of the variable, a pointer to struct nebula_pool, and of the pool.
 * @type: type of its objects.
 * @n: how many can always be live at once.
 *
 * Registered while it lasts. Without memory the block is left out, and the reason recorded: begin
 * with ``int ret = -ENOMEM;``. What is live at the end is recorded as LEAK.
 *
 * Context: process context; sleeps.
 */
#define nebula_with_pool(name, type, n)							\
	nebula_with(struct nebula_pool *__nebula_with					\
			__cleanup(nebula_with_pool_end) =				\
				nebula_pool_create_for(#name, type, n),			\
		    name, __nebula_with)

/**
 * struct nebula_auto - what NEBULA_AUTO_OBJ() declares beside the pointer
 * @allocator: where the object is of.
 * @p: the object, or %NULL.
 * @size: its size, bytes.
 * @kind: of the allocator.
 * @handed_on: it was handed on.
 */
struct nebula_auto {
	void *allocator;
	void *p;
	size_t size;
	enum nebula_kind kind;
	bool handed_on;
};

void nebula_auto_handed_on_twice(void *allocator, enum nebula_kind kind);

/* The kind is a constant where this is expanded, so one of the calls is left; all take NULL. */
static __always_inline void nebula_auto_free(struct nebula_auto *a)
{
	switch (a->kind) {
	case NEBULA_KIND_BUMP:
		break;
	case NEBULA_KIND_POOL:
		nebula_pool_free_sized(a->allocator, a->p, a->size);
		break;
	case NEBULA_KIND_STACK:
		nebula_stack_free_sized(a->allocator, a->p, a->size);
		break;
	case NEBULA_KIND_SCRATCH:
		nebula_scratch_put(a->allocator, a->p);
		break;
	case NEBULA_KIND_CUSTOM:
		nebula_custom_free(a->allocator, a->p, a->size);
		break;
	default:
		nebula_allocator_free(a->allocator, a->p, a->size);
	}
}

/**
 * NEBULA_AUTO_OBJ() - declare an object that is freed at the end of the scope
 * @x: pointer to any kind of allocator.
 * @type: type of the object.
 * @name: of the variable, a pointer to @type; %NULL as nebula_alloc_obj().
 *
 * nebula_no_free_ptr() hands it on.
 */
#define NEBULA_AUTO_OBJ(x, type, name)							\
	typeof(x) __nebula_of_##name = (x);						\
	typeof(type) *name = nebula_alloc_obj(__nebula_of_##name, type);		\
	struct nebula_auto __nebula_auto_##name __cleanup(nebula_auto_free) = {		\
		.allocator = __nebula_of_##name,					\
		.p = name,								\
		.size = sizeof(typeof(type)),						\
		.kind = nebula_kind_of(__nebula_of_##name),				\
	}

/**
 * nebula_no_free_ptr() - keep an object that NEBULA_AUTO_OBJ() declared
 * @name: of the variable; %NULL afterwards.
 *
 * Return: the object; %NULL with INVALID_STATE recorded when it was handed on before.
 */
#define nebula_no_free_ptr(name)							\
({											\
	typeof(name) __nebula_kept = name;						\
											\
	if (unlikely(__nebula_auto_##name.handed_on))					\
		nebula_auto_handed_on_twice(__nebula_auto_##name.allocator,		\
					    __nebula_auto_##name.kind);			\
	__nebula_auto_##name.handed_on = true;						\
	__nebula_auto_##name.p = NULL;							\
	name = NULL;									\
	__nebula_kept;									\
})

#endif /* _NEBULA_SCOPE_H */
