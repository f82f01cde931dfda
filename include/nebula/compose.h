/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocators made of other allocators. What they return is a struct nebula_allocator, which all
 * functions that take any kind of allocator take, and which can be a part again.
 *
 *	fallback	tries its parts in order; what is freed goes to the part that owns it
 *	split		small requests to one part, larger ones to another
 *	system		the kernel's kvmalloc(), as last resort
 *
 *	a = nebula_fallback_create("conn", pool, nebula_system_allocator());
 *	c = nebula_alloc_obj(a, struct conn);
 *
 * A composite can be used where all of its parts can. What a part of a fallback refuses is counted
 * with the part while there is another one to ask; what the last one refuses is recorded, with the
 * part and with the composite. A part cannot be destroyed before the composite.
 */
#ifndef _NEBULA_COMPOSE_H
#define _NEBULA_COMPOSE_H

#include <linux/cleanup.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <nebula/generic.h>

/* Most parts of a composite, and how deep composites nest. */
#define NEBULA_PARTS_MAX	4
#define NEBULA_NESTING_MAX	4

struct nebula_allocator *nebula_fallback_create_of(const char *name,
						   struct nebula_allocator *const *parts,
						   unsigned int nr, unsigned int abi,
						   struct module *owner);
struct nebula_allocator *nebula_split_create_of(const char *name, size_t threshold,
						struct nebula_allocator *small,
						struct nebula_allocator *large, unsigned int abi,
						struct module *owner);

/**
 * nebula_composite_destroy() - take down a composite
 * @a: the composite; %NULL and ERR_PTR() are fine.
 *
 * Its parts stay, with all that is live in them. Refused, and recorded, for an allocator of another
 * kind, while it is a part itself (INVALID_STATE), and in atomic context (WRONG_CONTEXT).
 *
 * Context: process context; sleeps. No other call on it may be running.
 */
void nebula_composite_destroy(struct nebula_allocator *a);

/**
 * nebula_system_allocator() - the kernel's own allocator, behind the interface of all others
 *
 * kvmalloc(), which may sleep where it is called from a context that may; otherwise only what the
 * page allocator has at hand. Not from NMI (WRONG_CONTEXT), and on PREEMPT_RT from task context
 * only. A free of what it did not allocate is refused and recorded as FOREIGN_POINTER, a second
 * free as DOUBLE_FREE as long as the object is one of those that were freed last.
 *
 * Context: any.
 * Return: the allocator; there is one, always.
 */
struct nebula_allocator *nebula_system_allocator(void);

/* What could not be made, or is not there, is passed on as it is. */
static inline struct nebula_allocator *nebula_part_or_error(const void *x,
							    struct nebula_allocator *a)
{
	return IS_ERR_OR_NULL(x) ? (struct nebula_allocator *)x : a;
}

#define nebula_part_of(x)							\
({										\
	typeof(x) __nebula_part = (x);						\
										\
	nebula_part_or_error(__nebula_part, nebula_allocator_of(__nebula_part));	\
})

#define nebula_parts_2(a, b)							\
	{ nebula_part_of(a), nebula_part_of(b) }
#define nebula_parts_3(a, b, c)							\
	{ nebula_part_of(a), nebula_part_of(b), nebula_part_of(c) }
#define nebula_parts_4(a, b, c, d)						\
	{ nebula_part_of(a), nebula_part_of(b), nebula_part_of(c), nebula_part_of(d) }

/**
 * nebula_fallback_create() - make an allocator that tries others in order
 * @name: 1 to 63 of ``[A-Za-z0-9_.-]``; copied, and need not be unique.
 * @...: two to four pointers to allocators of any kind that were made by create.
 *
 * Context: process context; sleeps.
 * Return: the allocator, or ERR_PTR(): -EINVAL for a wrong name, a part that is none, on a
 * caller's buffer, or there twice; the error of a part that is an ERR_PTR(); -E2BIG when
 * composites nest too deep (EXCEEDS_MAX); -ENOMEM; -EPERM in atomic context; -ENOEXEC when the
 * client was built against other headers. The reason is recorded.
 */
#define nebula_fallback_create(name, ...)						\
({											\
	struct nebula_allocator *__nebula_parts[] =					\
		CONCATENATE(nebula_parts_, COUNT_ARGS(__VA_ARGS__))(__VA_ARGS__);	\
											\
	nebula_fallback_create_of(name, __nebula_parts, ARRAY_SIZE(__nebula_parts),	\
				  NEBULA_ABI, THIS_MODULE);				\
})

/**
 * nebula_split_create() - make an allocator that divides requests by their size
 * @name: as nebula_fallback_create().
 * @threshold: bytes up to which @small serves.
 * @small: pointer to an allocator of any kind.
 * @large: pointer to an allocator of any kind, for what is larger.
 *
 * Context: process context; sleeps.
 * Return: as nebula_fallback_create().
 */
#define nebula_split_create(name, threshold, small, large)				\
	nebula_split_create_of(name, threshold, nebula_part_of(small), nebula_part_of(large),	\
			       NEBULA_ABI, THIS_MODULE)

DEFINE_FREE(nebula_composite, struct nebula_allocator *, nebula_composite_destroy(_T))

#endif /* _NEBULA_COMPOSE_H */
