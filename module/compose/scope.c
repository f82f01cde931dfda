// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the macros of <nebula/scope.h> call.
 */
#include <linux/export.h>
#include <linux/slab.h>
#include <nebula/scope.h>
#include "../core/allocator.h"
#include "../core/inject.h"
#include "../error/error.h"

static void *buffer_of(enum nebula_kind kind, size_t size)
{
	void *buffer = nebula_fault_hit() ? NULL : kmalloc(size, GFP_KERNEL | __GFP_NOWARN);

	if (ZERO_OR_NULL_PTR(buffer)) {
		nebula_error_record(&(const struct nebula_failure){
			.code = size ? NEBULA_E_BACKING_FAILED : NEBULA_E_INVALID_CONFIG,
			.kind = kind, .name = "(buffer)", .size = size, .what = "scope" });
		return NULL;
	}
	return buffer;
}

/*
 * Begin the block of nebula_with_bump(). Process context; may sleep. Returns the allocator, or NULL
 * with BACKING_FAILED or INVALID_CONFIG recorded.
 */
struct nebula_bump *nebula_with_bump_begin(struct nebula_with_bump *w, size_t size)
{
	w->buffer = buffer_of(NEBULA_KIND_BUMP, size);
	if (!w->buffer)
		return NULL;
	nebula_bump_init(&w->bump, w->buffer, size);
	return &w->bump;
}
EXPORT_SYMBOL_GPL(nebula_with_bump_begin);

/*
 * Begin the block of nebula_with_stack(). Process context; may sleep. Returns the stack, or NULL
 * with BACKING_FAILED or INVALID_CONFIG recorded.
 */
struct nebula_stack *nebula_with_stack_begin(struct nebula_with_stack *w, size_t size)
{
	w->buffer = buffer_of(NEBULA_KIND_STACK, size);
	if (!w->buffer)
		return NULL;
	nebula_stack_init(&w->stack, w->buffer, size);
	return &w->stack;
}
EXPORT_SYMBOL_GPL(nebula_with_stack_begin);

/* Record that nebula_no_free_ptr() was used twice. Any context. */
void nebula_auto_handed_on_twice(void *allocator, enum nebula_kind kind)
{
	struct nebula_allocator *a = allocator;

	switch (kind) {
	case NEBULA_KIND_BUMP:
		a = &((struct nebula_bump *)allocator)->common;
		break;
	case NEBULA_KIND_POOL:
		a = &((struct nebula_pool *)allocator)->common;
		break;
	case NEBULA_KIND_STACK:
		a = &((struct nebula_stack *)allocator)->common;
		break;
	case NEBULA_KIND_SCRATCH:
		a = &((struct nebula_scratch *)allocator)->common;
		break;
	case NEBULA_KIND_CUSTOM:
		a = &((struct nebula_custom *)allocator)->common;
		break;
	default:
		break;
	}
	nebula_fail(a, NEBULA_E_INVALID_STATE, .what = "handed on before");
}
EXPORT_SYMBOL_GPL(nebula_auto_handed_on_twice);
