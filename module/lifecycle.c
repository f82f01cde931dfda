// SPDX-License-Identifier: GPL-2.0-only
/*
 * How an allocator comes and goes: the registry, then debugfs, then both together.
 *
 * Process context only. An allocator is taken down in three steps, so that the registry's lock is
 * never held while debugfs waits for readers: it stops being listed, its directory goes, its name
 * becomes free.
 */
#include "core/allocator.h"
#include "core/guard.h"
#include "core/guard_page.h"
#include "debugfs/files.h"

static void list(struct nebula_registration *reg, struct nebula_allocator *a, const char *name,
		 struct module *owner)
{
	nebula_registry_list(reg, a, name, owner);
	nebula_debugfs_add(reg);
	nebula_registry_publish(reg);
}

/*
 * List an allocator that is ready for use. Keeps the call stack it was made from. Process context;
 * sleeps. Returns 0 or -ENOMEM.
 */
int nebula_allocator_register(struct nebula_allocator *a, const char *name, struct module *owner,
			      gfp_t gfp)
{
	struct nebula_registration *reg = nebula_registration_alloc(a, NEBULA_CALLERS_MAX, gfp);

	if (!reg)
		return -ENOMEM;
	reg->nr_created = nebula_callers(reg->created, NEBULA_CALLERS_MAX);
	list(reg, a, name, owner);
	return 0;
}

/*
 * The same, where to walk the call stack costs more than the rest. Keeps @caller; with debug flags
 * the call stack. Process context; sleeps. Returns 0 or -ENOMEM.
 */
int nebula_allocator_register_at(struct nebula_allocator *a, const char *name,
				 struct module *owner, gfp_t gfp, unsigned long caller)
{
	struct nebula_registration *reg;

	if (a->flags & NEBULA_DEBUG_FLAGS)
		return nebula_allocator_register(a, name, owner, gfp);
	reg = nebula_registration_alloc(a, 1, gfp);
	if (!reg)
		return -ENOMEM;
	reg->nr_created = 1;
	reg->created[0] = caller;
	list(reg, a, name, owner);
	return 0;
}

/*
 * Forget an allocator. After return no reader of the registry uses it any more. Process context;
 * sleeps.
 */
void nebula_allocator_unregister(struct nebula_allocator *a)
{
	struct nebula_registration *reg = a->reg;

	if (!reg)
		return;
	nebula_guard_page_drop(a, true);
	nebula_registry_hide(reg);
	nebula_debugfs_remove(reg);
	nebula_registry_forget(reg);
	a->reg = NULL;
	if (!reg->retired)
		nebula_registration_free(reg);
}
