// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configurations: the checks that all kinds share. Process context.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include "../compat.h"
#include "../error/error.h"
#include "config.h"
#include "debug_param.h"
#include "inject.h"
#include "kasan.h"

/*
 * What regions can be taken with. High and movable memory has no address that lasts, compound pages
 * cannot be split, reclaimable memory would have to be given back when the kernel asks, and no
 * request of any size can be sure to succeed. Flags that a later kernel adds are not known to be
 * harmless.
 */
#define ACCEPTED_GFP	(GFP_KERNEL_ACCOUNT | GFP_USER | GFP_ATOMIC | GFP_NOWAIT |		\
			 __GFP_MEMALLOC | __GFP_NOMEMALLOC | __GFP_NOWARN | __GFP_NORETRY |	\
			 __GFP_RETRY_MAYFAIL | __GFP_THISNODE | __GFP_WRITE | __GFP_ZERO |	\
			 __GFP_NOLOCKDEP)

/*
 * The only judge of gfp flags: for growing by a region as in @req. All regions of an allocator are
 * of one zone, so @gfp may name that, or none.
 */
bool nebula_gfp_valid(gfp_t gfp, const struct nebula_region_request *req)
{
	return !(gfp & ~(ACCEPTED_GFP | req->zone));
}

/* The same for create: the zone is chosen, and only pages have one. */
static bool gfp_of_config_valid(const struct nebula_config_common *c)
{
	const struct nebula_region_request chosen = { .zone = c->gfp & NEBULA_GFP_ZONES };

	if (chosen.zone && (c->buffer || c->backing == NEBULA_VMALLOC))
		return false;
	return chosen.zone != NEBULA_GFP_ZONES && nebula_gfp_valid(c->gfp, &chosen);
}

/*
 * An array beside a region, uninitialised; kvfree() frees it. Its length may be whatever a client
 * asked for, and that must not make the kernel warn. Context: as @gfp.
 */
void *nebula_array_alloc(size_t n, size_t size, gfp_t gfp, int node)
{
	size_t bytes;

	if (check_mul_overflow(n, size, &bytes) || bytes > INT_MAX || nebula_fault_hit())
		return NULL;
	return kvmalloc_node(bytes, nebula_gfp_complete(gfp), node);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_array_alloc);

static struct nebula_refusal check_buffer(const struct nebula_config_common *c)
{
	if (!c->buffer)
		return c->buffer_size ? NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer")
				      : NEBULA_ACCEPT;
	if (!c->buffer_size)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer_size");
	if (c->budget)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer and .budget");
	if (c->buffer_size > NEBULA_CAPACITY_MAX ||
	    (unsigned long)c->buffer + c->buffer_size < c->buffer_size)
		return NEBULA_REFUSE(NEBULA_E_SIZE_OVERFLOW, ".buffer_size");
	if (c->flags & NEBULA_GROW)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer and NEBULA_GROW");
	if (c->backing != NEBULA_AUTO && c->backing != NEBULA_BUFFER)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer and .backing");
	return NEBULA_ACCEPT;
}

/* Also where create is called from. */
struct nebula_refusal nebula_config_check(const struct nebula_config_common *c)
{
	if (nebula_atomic_context())
		return NEBULA_REFUSE(NEBULA_E_WRONG_CONTEXT, "create");
	if (!nebula_name_valid(c->name))
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, "name");
	if (c->flags & ~c->known_flags)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".flags");
	if (c->preset > NEBULA_DEVELOPMENT)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".preset");
	if (c->backing > NEBULA_BUFFER || (c->backing == NEBULA_BUFFER && !c->buffer))
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".backing");
	if (!gfp_of_config_valid(c))
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".gfp");
	if (c->node < 0 || c->node > MAX_NUMNODES || (c->node && !node_online(c->node - 1)))
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".node");
	if (IS_ERR(c->budget))
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".budget");
	return check_buffer(c);
}

/* Clients of these headers refer to it, see NEBULA_ABI. */
const u8 NEBULA_ABI_SYMBOL = NEBULA_ABI;
EXPORT_SYMBOL_GPL(NEBULA_ABI_SYMBOL);

/*
 * The client's struct has our size. A client of another ABI does not even load; this catches a
 * caller that fills in the arguments itself.
 */
bool nebula_config_is_ours(const char *name, struct module *owner, unsigned int abi,
			   size_t size, size_t our_size)
{
	if (abi == NEBULA_ABI && size == our_size)
		return true;
	pr_err("%s: %s was built against abi %u (%zu bytes), this is %u (%zu bytes): rebuild it\n",
	       name ?: "(none)", module_name(owner), abi, size, NEBULA_ABI, our_size);
	return false;
}

/*
 * See that there is a configuration, and that its size is ours. Every create function calls it
 * before it reads @cfg. Any context. Returns 0; -ENOEXEC; or -EINVAL, recorded as INVALID_CONFIG,
 * for a @cfg that is NULL.
 */
int nebula_config_admit(enum nebula_kind kind, const char *name, const void *cfg,
			struct module *owner, unsigned int abi, size_t size, size_t our_size)
{
	if (!nebula_config_is_ours(name, owner, abi, size, our_size))
		return -ENOEXEC;
	if (!cfg)
		return nebula_config_refuse(kind, name, 0,
					    NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG,
							  "no configuration"));
	return 0;
}

/* How regions are to be mapped, all but their size. */
void nebula_config_request(struct nebula_region_request *req,
			   const struct nebula_config_common *c)
{
	*req = (struct nebula_region_request){
		.size = c->buffer_size,
		.backing = c->buffer ? NEBULA_BUFFER : c->backing,
		.gfp = nebula_config_gfp(c->gfp),
		.zone = c->gfp & NEBULA_GFP_ZONES,
		.node = c->node ? c->node - 1 : NUMA_NO_NODE,
		.buffer = c->buffer,
		.budget = c->budget,
	};
	/* vmalloc knows no zones. */
	if (req->zone && req->backing == NEBULA_AUTO)
		req->backing = NEBULA_PAGES;
}

/* Records why an allocator was not made. Returns the negative errno of that. */
int nebula_config_refuse(enum nebula_kind kind, const char *name, size_t size,
			 struct nebula_refusal r)
{
	const struct nebula_failure failure = {
		.code = r.code,
		.detail = r.detail,
		.kind = kind,
		.name = name,
		.size = size,
		.what = r.field,
		.value = r.value,
		.limit = r.limit,
		.budget = r.budget,
	};

	return nebula_error_record(&failure);
}

/*
 * Makes an allocator of a configuration that was admitted, @size bytes of it. Process context;
 * sleeps. Returns it, or an ERR_PTR() with the refusal recorded.
 */
struct nebula_allocator *nebula_config_make(const struct nebula_maker *m,
					    const struct nebula_config_common *c, size_t size)
{
	const gfp_t gfp = c->gfp ?: GFP_KERNEL;
	struct nebula_refusal r = nebula_config_check(c);
	struct nebula_allocator *a;
	unsigned int saved;
	int err;

	if (!r.code)
		r = m->check(c);
	if (!r.code) {
		saved = nebula_gfp_scope_enter(gfp);
		a = m->make(c, &err);
		nebula_gfp_scope_exit(gfp, saved);
		if (a)
			return a;
		r = m->refusal(err);
		r.budget = c->budget;
	}
	return ERR_PTR(nebula_config_refuse(m->kind, c->name, size, r));
}

/* Why no memory could be had, from what nebula_region_map() returned. */
struct nebula_refusal nebula_config_refuse_backing(int err)
{
	switch (err) {
	case NEBULA_REGION_NO_BUDGET:
		return NEBULA_REFUSE(NEBULA_E_BUDGET_EXCEEDED, ".budget",
				     .detail = NEBULA_D_BUDGET);
	case NEBULA_REGION_OVER_BUDGET:
		return NEBULA_REFUSE(NEBULA_E_BUDGET_PER_ALLOC, ".budget",
				     .detail = NEBULA_D_BUDGET);
	case -E2BIG:
		return NEBULA_REFUSE(NEBULA_E_BACKING_FAILED, "create",
				     .detail = NEBULA_D_PAGE_ORDER);
	default:
		return NEBULA_REFUSE(NEBULA_E_BACKING_FAILED, "create");
	}
}

/* What a test has in place of the kernel's switches, %NEBULA_CLEAN with it. */
static u32 init_overridden;

/*
 * Pretend that the kernel was booted with other switches. For tests. Allocators keep the switches
 * they were made under. Any context. Returns the former value.
 */
u32 nebula_init_override(u32 flags)
{
	return xchg(&init_overridden, flags);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_init_override);

/*
 * What init_on_alloc and init_on_free add to @flags, as they do for slabs: nothing for objects that
 * have a constructor or are TYPESAFE_BY_RCU, which keep what is in them (@keeps). Any context.
 */
u32 nebula_init_flags(u32 flags, bool keeps)
{
	const u32 overridden = READ_ONCE(init_overridden);
	bool on_alloc = want_init_on_alloc(0), on_free = want_init_on_free();

	if (keeps || flags & NEBULA_TYPESAFE_BY_RCU)
		return flags;
	if (overridden) {
		on_alloc = overridden & NEBULA_INIT_ON_ALLOC;
		on_free = overridden & NEBULA_INIT_ON_FREE;
	}
	if (on_alloc && !(flags & NEBULA_ZERO))
		flags |= NEBULA_ZERO | NEBULA_INIT_ON_ALLOC;
	return on_free ? flags | NEBULA_INIT_ON_FREE : flags;
}

/* Flags with those that preset, module parameter and kernel add. Process context; sleeps. */
u32 nebula_config_flags(const struct nebula_config_common *c)
{
	const u32 preset = c->preset == NEBULA_DEVELOPMENT ? NEBULA_DEBUG_FLAGS : 0;

	return nebula_init_flags(c->flags | preset | (nebula_debug_flags(c->name) & c->known_flags),
				 c->keeps) | nebula_kasan_flag();
}

static const char *preset_name(const struct nebula_allocator *a)
{
	return (a->flags & NEBULA_DEBUG_FLAGS) == NEBULA_DEBUG_FLAGS ? "development" : "production";
}

static void put_flags(struct nebula_text *t, u32 flags)
{
	static const char *const names[] = {
		"SHARED", "GROW", "ZERO", "STRICT", "REDZONE", "POISON", "TRACK",
		"TYPESAFE_BY_RCU", "FIFO", "CLEAR_ON_FREE", "DMA",
	};
	char line[80] = "none";
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (flags & BIT(i))
			len += scnprintf(line + len, sizeof(line) - len, "%s%s", len ? "|" : "",
					 names[i]);
	nebula_text_key(t, "flags", "%s", line);
}

/* Only where one is on: most kernels have neither. */
static void put_init(struct nebula_text *t, u32 flags)
{
	const bool on_alloc = flags & NEBULA_INIT_ON_ALLOC, on_free = flags & NEBULA_INIT_ON_FREE;

	if (on_alloc || on_free)
		nebula_text_key(t, "init", "%s%s%s", on_alloc ? "on_alloc" : "",
				on_alloc && on_free ? "|" : "", on_free ? "on_free" : "");
}

/* An allocator as it came out, defaults filled in: lines for debugfs' info. Process context. */
void nebula_config_describe(const struct nebula_allocator *a, struct nebula_text *t)
{
	nebula_text_key(t, "preset", "%s", preset_name(a));
	put_flags(t, a->flags & NEBULA_INIT_ON_ALLOC ? a->flags & ~NEBULA_ZERO : a->flags);
	put_init(t, a->flags);
	if (a->flags & NEBULA_KASAN)
		nebula_text_key(t, "kasan", "poisoned while free");
	a->ops->describe(a, t);
}
