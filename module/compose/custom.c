// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators of a client's own kind: what we add to what the client writes.
 */
#include <linux/align.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <trace/events/nebula.h>
#include "../core/config.h"
#include "generic.h"
#include "../core/inject.h"
#include "../core/stats.h"
#include "../error/error.h"

static struct nebula_custom *custom_of(const struct nebula_allocator *a)
{
	return container_of(a, struct nebula_custom, common);
}

static bool owns(const struct nebula_custom *c, const void *p)
{
	return !c->ops.owns || c->ops.owns(c, p);
}

static noinline __cold void *refuse(struct nebula_custom *c, enum nebula_errc code,
				    enum nebula_detail detail, size_t size, size_t align,
				    const char *what)
{
	nebula_fail(&c->common, code, .detail = detail, .size = size, .align = align,
		    .what = what);
	return NULL;
}

void *nebula_custom_alloc(struct nebula_custom *c, size_t size, size_t align)
{
	void *p;

	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	if (unlikely(!nebula_request_valid(&c->common, size, align)))
		return NULL;
	if (unlikely(!c->cpus))
		return refuse(c, NEBULA_E_INVALID_STATE, NEBULA_D_UNREGISTERED, size, align,
			      "alloc");
	if (unlikely(nebula_fail_alloc_hit(&c->common, size)))
		return refuse(c, NEBULA_E_OUT_OF_MEMORY, NEBULA_D_INJECTED, size, align, NULL);
	p = c->ops.alloc(c, size, align);
	if (unlikely(!p))
		return refuse(c, NEBULA_E_OUT_OF_MEMORY, NEBULA_D_NONE, size, align, NULL);
	if (IS_ERR(p) || unlikely(p == ZERO_SIZE_PTR))
		return refuse(c, NEBULA_E_INVALID_CONFIG, NEBULA_D_NONE, size, align, ".alloc");
	if (unlikely(!IS_ALIGNED((unsigned long)p, align))) {
		c->ops.free(c, p, size);
		nebula_fail(&c->common, NEBULA_E_MISALIGNED_POINTER, .size = size, .align = align,
			    .detail = NEBULA_D_CLIENT_ALLOC, .pointer = p, .what = ".alloc");
		return NULL;
	}
	nebula_traffic_in(c->cpus, &c->peak, size);
	trace_custom_alloc(nebula_allocator_name(&c->common), p, size, align);
	return p;
}
EXPORT_SYMBOL_GPL(nebula_custom_alloc);

static bool is_code(enum nebula_errc code)
{
	return (unsigned int)code < NEBULA_E_NR;
}

void nebula_custom_free(struct nebula_custom *c, void *p, size_t size)
{
	enum nebula_errc code;

	if (ZERO_OR_NULL_PTR(p))
		return;
	if (unlikely(!c->cpus))
		code = NEBULA_E_INVALID_STATE;
	else
		code = likely(owns(c, p)) ? c->ops.free(c, p, size) : NEBULA_E_FOREIGN_POINTER;
	if (unlikely(code)) {
		if (is_code(code))
			nebula_fail(&c->common, code, .size = size, .pointer = p, .what = "free",
				    .detail = c->cpus ? NEBULA_D_NONE : NEBULA_D_UNREGISTERED);
		else
			refuse(c, NEBULA_E_INVALID_CONFIG, NEBULA_D_NONE, size, 0, ".free");
		return;
	}
	this_cpu_inc(c->cpus->frees);
	this_cpu_add(c->cpus->bytes_out, size);
	trace_custom_free(nebula_allocator_name(&c->common), p, size);
}
EXPORT_SYMBOL_GPL(nebula_custom_free);

static struct nebula_refusal check(const struct nebula_custom *c, const char *name)
{
	const struct nebula_config_common common = { .name = name };
	struct nebula_refusal r = nebula_config_check(&common);

	if (r.code)
		return r;
	if (!c->ops.alloc || !c->ops.free)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, c->ops.alloc ? ".free" : ".alloc");
	if (c->cpus)
		return NEBULA_REFUSE(NEBULA_E_INVALID_STATE, "registered already");
	return NEBULA_ACCEPT;
}

/*
 * Begin to use an allocator of a client's own kind. nebula_custom_register() is the convenient way
 * to call it. Process context; sleeps.
 */
int nebula_custom_register_abi(struct nebula_custom *c, const char *name, size_t size,
			       unsigned int abi)
{
	struct nebula_refusal r;
	int ret = -ENOMEM;

	if (!c)
		return nebula_config_refuse(NEBULA_KIND_CUSTOM, name, 0,
					    NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, "no allocator"));
	if (!nebula_config_is_ours(name, c->owner, abi, size, sizeof(*c)))
		return -ENOEXEC;
	r = check(c, name);
	if (r.code)
		return nebula_config_refuse(NEBULA_KIND_CUSTOM, name, 0, r);

	memset(&c->common, 0, sizeof(c->common));
	c->common.ops = &nebula_custom_ops;
	c->peak = 0;
	c->cpus = nebula_fault_hit() ? NULL : alloc_percpu(struct nebula_custom_cpu);
	if (c->cpus)
		ret = nebula_allocator_register(&c->common, name, c->owner, GFP_KERNEL);
	if (!ret)
		return 0;
	free_percpu(c->cpus);
	c->cpus = NULL;
	r = NEBULA_REFUSE(NEBULA_E_BACKING_FAILED, "register");
	return nebula_config_refuse(NEBULA_KIND_CUSTOM, name, 0, r);
}
EXPORT_SYMBOL_GPL(nebula_custom_register_abi);

/* The first half of taking it down: no call is made any more. Process context. */
static void retire(struct nebula_allocator *a)
{
	char what[NEBULA_WHAT_SIZE];
	struct nebula_stats st;

	nebula_allocator_stats_read(a, &st);
	if (st.live) {
		snprintf(what, sizeof(what), "%u live", (u32)st.live);
		nebula_fail(a, NEBULA_E_LEAK, .size = st.used, .what = what);
	}
	nebula_allocator_unregister(a);
}

static void release(struct nebula_allocator *a)
{
	struct nebula_custom *c = custom_of(a);

	free_percpu(c->cpus);
	c->cpus = NULL;
}

static void take_down(struct nebula_custom *c)
{
	retire(&c->common);
	release(&c->common);
}

void nebula_custom_unregister(struct nebula_custom *c)
{
	if (!c || !c->cpus)
		return;
	if (nebula_atomic_context())
		nebula_fail(&c->common, NEBULA_E_WRONG_CONTEXT, .what = "unregister");
	else if (!nebula_allocator_in_use(&c->common))
		take_down(c);
}
EXPORT_SYMBOL_GPL(nebula_custom_unregister);

/* Bytes in use: an object counts until it is freed with its size. */
static void ops_usage(const struct nebula_allocator *a, struct nebula_usage *u)
{
	struct nebula_custom *c = custom_of(a);

	/* Not registered: what it refuses is recorded all the same. */
	if (!c->cpus)
		return;
	u->used = nebula_traffic_used(c->cpus, &c->peak);
	u->capacity = c->ops.capacity ? max(c->ops.capacity(c), u->used) : u->used;
	u->available = u->capacity - u->used;
	u->max_capacity = u->capacity;
	u->peak = READ_ONCE(c->peak);
}

static void ops_stats(const struct nebula_allocator *a, struct nebula_stats *st)
{
	const struct nebula_custom *c = custom_of(a);

	if (c->cpus)
		nebula_traffic_stats(c->cpus, st);
}

static void ops_describe(const struct nebula_allocator *a, struct nebula_text *t)
{
	const struct nebula_custom *c = custom_of(a);

	nebula_text_key(t, "mode", "%s", c->ops.kind ?: "unnamed");
	nebula_text_key(t, "alloc", "%ps", c->ops.alloc);
	nebula_text_key(t, "free", "%ps", c->ops.free);
	if (c->ops.owns)
		nebula_text_key(t, "owns", "%ps", c->ops.owns);
}

/* Where its objects are, and so a map and validation, is the client's affair. */
static void ops_live(struct nebula_allocator *a, struct nebula_text *t)
{
	struct nebula_stats st;

	nebula_allocator_stats_read(a, &st);
	nebula_text_key(t, "live", "%llu", st.live);
	nebula_text_bytes(t, "bytes", st.used);
	nebula_text_key(t, "owner", "%s", module_name(custom_of(a)->owner));
	nebula_text_key(t, "call sites", "not known of a client's kind");
}

static void *ops_alloc(struct nebula_allocator *a, size_t size, size_t align)
{
	return nebula_custom_alloc(custom_of(a), size, align);
}

static void ops_free(struct nebula_allocator *a, void *p, size_t size)
{
	nebula_custom_free(custom_of(a), p, size);
}

static bool ops_owns(const struct nebula_allocator *a, const void *p)
{
	return owns(custom_of(a), p);
}

static void ops_reset_peak(struct nebula_allocator *a)
{
	struct nebula_custom *c = custom_of(a);

	if (c->cpus)
		nebula_traffic_reset_peak(c->cpus, &c->peak);
}

const struct nebula_kind_ops nebula_custom_ops = {
	.kind		= NEBULA_KIND_CUSTOM,
	.alloc		= ops_alloc,
	.free		= ops_free,
	.owns		= ops_owns,
	.usage		= ops_usage,
	.stats		= ops_stats,
	.describe	= ops_describe,
	.retire		= retire,
	.release	= release,
	.reports_live	= true,
	.reset_peak	= ops_reset_peak,
	.live		= ops_live,
};
EXPORT_SYMBOL_GPL(nebula_custom_ops);
