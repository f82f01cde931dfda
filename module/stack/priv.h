/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to the stack: what its files know of each other.
 *
 *	stack.c         dispatch between the modes, debug flags, getters, what the registry needs
 *	kind.c  configuration, create and destroy, init and exit
 *	owner.c   owner mode: the inline path's slow side, marks
 *	shared.c  shared mode: one atomic top
 *	inspect.c    validate, map, live: what debugfs shows
 */
#ifndef _NEBULA_MODULE_STACK_H
#define _NEBULA_MODULE_STACK_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <nebula/stack.h>
#include "../core/cleanup.h"
#include "../core/fastpath.h"
#include "../core/guard.h"
#include "../core/region.h"

/* Entries of a mark, and so the place of the oldest one's last. */
#define STACK_MARK_ENTRIES	3
#define STACK_BOTTOM		(STACK_MARK_ENTRIES - 1)

/* Entries beyond one for each grain: so many small objects take no more than their size. */
#define STACK_SPARE_ENTRIES	32

/* What a CPU did to a shared stack. */
struct stack_cpu {
	unsigned long allocs;	/* allocations served */
	unsigned long frees;	/* objects given back */
	unsigned long bytes;	/* bytes asked for */
	unsigned long consumed;	/* bytes taken, padding included */
};

/* A stack made by create. */
struct nebula_stack_heap {
	struct nebula_stack stack;	/* what the client sees */
	struct nebula_region_request request;	/* How to map the region. Invariant. */
	struct nebula_region region;	/* The memory. Invariant. */

	atomic64_t word;	/* Shared: the top, see shared.c. Any context. */
	/* Shared: what @word was before the object at each granule came. Any context. */
	atomic64_t *slots;
	unsigned int granules;	/* Shared: how many there are. Invariant. */
	unsigned int shift;	/* Shared: binary logarithm of their size. Invariant. */
	atomic_t peak;		/* Shared: highest number of granules in use. Any context. */
	atomic64_t resets;	/* Shared: how often it was reset. Any context. */
	struct stack_cpu __percpu *cpus;	/* Shared: counters. Any context on its own CPU. */
};

static inline struct nebula_stack *stack_of(const struct nebula_allocator *a)
{
	return container_of(a, struct nebula_stack, common);
}

static inline bool stack_is_shared(const struct nebula_stack *s)
{
	return s->common.flags & NEBULA_SHARED;
}

/* With one of them there is more to do than to move the top. */
#define STACK_SLOW_FLAGS	(NEBULA_DEBUG_FLAGS | NEBULA_ZERO | NEBULA_INIT_ON_FREE |	\
				 NEBULA_KASAN)

/* Shared, and nothing else to do. */
static inline bool stack_is_plain_shared(const struct nebula_stack *s)
{
	return (s->common.flags & (NEBULA_SHARED | STACK_SLOW_FLAGS)) == NEBULA_SHARED &&
	       !nebula_fastpath_disabled(&s->common) && (NEBULA_NMI_SAFE || !in_nmi());
}

static inline bool stack_is_guarded(const struct nebula_stack *s)
{
	return s->common.flags & NEBULA_DEBUG_FLAGS;
}

/* The inline paths may serve, see fastpath.c; otherwise all but mark comes out of line. */
static inline bool stack_is_inline(const struct nebula_stack *s)
{
	return !(s->common.flags & (NEBULA_SHARED | STACK_SLOW_FLAGS)) &&
	       !nebula_fastpath_disabled(&s->common);
}

/* What a refused mark is: the bottom's place, and an id that no mark has. */
static inline struct nebula_mark stack_no_mark(const struct nebula_stack *s)
{
	return (struct nebula_mark){ .owner = s };
}

/* An object of a stack. */
struct stack_object {
	void *base;	/* its first byte, that of its guard where it has one; NULL for a mark */
	size_t size;	/* bytes, padding behind it included */
};

/* Visits all objects and marks, newest first, for as long as @fn returns true. */
typedef bool (*stack_visit_fn)(const struct stack_object *o, void *data);

/* stack.c */
bool stack_top(const struct nebula_stack *s, struct stack_object *o);
bool stack_visit(const struct nebula_stack *s, stack_visit_fn fn, void *data);
void stack_mark(struct nebula_stack *s, struct nebula_mark *m);

/* kind.c */
size_t stack_buffer_for(const struct nebula_stack *s, size_t grains);

/* owner.c */
void stack_owner_begin(struct nebula_stack *s);
void stack_owner_update_path(struct nebula_allocator *a);
void stack_owner_reset_peak(struct nebula_allocator *a);
void stack_owner_resume_inline(struct nebula_stack *s);
void stack_owner_stop_inline(struct nebula_stack *s);
size_t stack_owner_needed(const struct nebula_stack *s, size_t size, size_t align);
void *stack_owner_alloc(struct nebula_stack *s, size_t size, size_t align, size_t asked);
bool stack_owner_top(const struct nebula_stack *s, struct stack_object *o);
void stack_owner_pop(struct nebula_stack *s);
bool stack_owner_pop_this(struct nebula_stack *s, const void *p);
enum nebula_errc stack_owner_resize(struct nebula_stack *s, size_t new_size);
void stack_owner_mark(struct nebula_stack *s, struct nebula_mark *m);
enum nebula_errc stack_owner_restore(struct nebula_stack *s, const struct nebula_mark *m);
void stack_owner_defer(struct nebula_stack *s, struct nebula_cleanup *c);
void stack_owner_reset(struct nebula_stack *s);
void stack_owner_usage(const struct nebula_allocator *a, struct nebula_usage *u);
void stack_owner_stats(const struct nebula_allocator *a, struct nebula_stats *st);
bool stack_owner_visit(const struct nebula_stack *s, stack_visit_fn fn, void *data);

/* The inline paths serve up to @limit, which is the peak. Context: the owner's. */
static inline void stack_owner_raise(struct nebula_stack *s, u32 limit)
{
	WRITE_ONCE(s->limit, limit);
	/* See fastpath.c for who may take that away at any moment. */
	barrier();
	if (unlikely(nebula_fastpath_disabled(&s->common)))
		stack_owner_stop_inline(s);
}

/* shared.c */
unsigned int stack_shared_shift(size_t capacity);
int stack_shared_init(struct nebula_stack_heap *heap);
void stack_shared_exit(struct nebula_stack_heap *heap);
void *stack_shared_alloc(struct nebula_stack *s, size_t size, size_t align, size_t asked);
bool stack_shared_top(const struct nebula_stack *s, struct stack_object *o);
bool stack_shared_pop(struct nebula_stack *s, const void *base);
enum nebula_errc stack_shared_resize(struct nebula_stack *s, const void *base, size_t new_size);
struct nebula_mark stack_shared_mark(struct nebula_stack *s);
enum nebula_errc stack_shared_restore(struct nebula_stack *s, const struct nebula_mark *m);
void stack_shared_reset(struct nebula_stack *s);
size_t stack_shared_needed(const struct nebula_stack *s, size_t size, size_t align);
void stack_shared_reset_peak(struct nebula_allocator *a);
void stack_shared_usage(const struct nebula_allocator *a, struct nebula_usage *u);
void stack_shared_stats(const struct nebula_allocator *a, struct nebula_stats *st);
bool stack_shared_visit(const struct nebula_stack *s, stack_visit_fn fn, void *data);

/* inspect.c */
struct nebula_sites *stack_sites(struct nebula_allocator *a);
void stack_render_live(struct nebula_allocator *a, struct nebula_text *t);
void stack_render_map(struct nebula_allocator *a, struct nebula_text *t);
int stack_validate(struct nebula_allocator *a, struct nebula_text *t);

#endif /* _NEBULA_MODULE_STACK_H */
