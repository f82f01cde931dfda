// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic interface: allocators whose kind is known only while running.
 */
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include "../core/allocator.h"
#include "../core/context.h"
#include "../error/error.h"
#include "generic.h"

/* Records what is wrong with a request that no kind could serve. Any context. */
bool nebula_request_valid(struct nebula_allocator *a, size_t size, size_t align)
{
	if (likely(is_power_of_2(align)) && likely(size <= (SIZE_MAX >> 1) - (align - 1)))
		return true;
	nebula_fail(a, is_power_of_2(align) ? NEBULA_E_SIZE_OVERFLOW : NEBULA_E_INVALID_ALIGNMENT,
		    .size = size, .align = align);
	return false;
}

void *nebula_allocator_alloc(struct nebula_allocator *a, size_t size, size_t align)
{
	return a->ops->alloc(a, size, align);
}
EXPORT_SYMBOL_GPL(nebula_allocator_alloc);

void nebula_allocator_free(struct nebula_allocator *a, void *p, size_t size)
{
	if (!ZERO_OR_NULL_PTR(p))
		a->ops->free(a, p, size);
}
EXPORT_SYMBOL_GPL(nebula_allocator_free);

bool nebula_allocator_owns(const struct nebula_allocator *a, const void *p)
{
	return a->ops->owns(a, p);
}
EXPORT_SYMBOL_GPL(nebula_allocator_owns);

int nebula_allocator_validate(struct nebula_allocator *a)
{
	int ret;

	if (nebula_atomic_context())
		return nebula_fail(a, NEBULA_E_WRONG_CONTEXT, .what = "validate");
	ret = a->ops->validate ? a->ops->validate(a, NULL) : -EOPNOTSUPP;
	if (ret == -EOPNOTSUPP)
		nebula_fail(a, NEBULA_E_NOT_SUPPORTED, .what = "validate");
	return ret;
}
EXPORT_SYMBOL_GPL(nebula_allocator_validate);
