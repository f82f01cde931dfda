// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scratch memory comes and goes: configuration, create and destroy, init and exit.
 *
 * Create and destroy run in process context; whatever step of create fails, all steps before it
 * are undone. All possible CPUs have their parts from the beginning, so nothing happens when one
 * comes or goes.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include "../core/config.h"
#include "../core/inject.h"
#include "../error/error.h"
#include "priv.h"

#define KNOWN_FLAGS	(NEBULA_ZERO | NEBULA_DEBUG_FLAGS)

/* What a CPU has of scratch memory that is none. */
struct nothing {
	struct nebula_scratch_cpu cpu;	/* its part: empty, and full */
	unsigned long edge;		/* the word below it */
};

static DEFINE_PER_CPU(struct nothing, nothing);

static struct nebula_refusal check(const struct nebula_config_common *common)
{
	const struct nebula_scratch_config *cfg = common->cfg;

	if (!cfg->per_cpu_size)
		return NEBULA_REFUSE(NEBULA_E_INVALID_CONFIG, ".per_cpu_size");
	if (cfg->per_cpu_size > NEBULA_SCRATCH_SIZE_MAX)
		return NEBULA_REFUSE(NEBULA_E_SIZE_OVERFLOW, ".per_cpu_size");
	return NEBULA_ACCEPT;
}

/* A CPU's part begins: a word that no object has, and the rest. */
static void enter(struct nebula_scratch *s, struct nebula_scratch_cpu *c, void *memory, size_t size)
{
	/* No pointer, not even NULL. */
	*(unsigned long *)memory = ~(unsigned long)memory;
	nebula_guard_poison(&s->common, memory + SCRATCH_WORD, size - SCRATCH_WORD);
	c->start = (unsigned long)memory + SCRATCH_WORD;
	c->end = (unsigned long)memory + ALIGN_DOWN(size, SCRATCH_WORD);
	c->cur = c->start;
	if (scratch_is_inline(s))
		c->limit = c->start;
	else
		c->peak = c->start;
}

/* Every get fails. */
static void enter_nothing(struct nebula_scratch *s)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct nothing *n = per_cpu_ptr(&nothing, cpu);

		n->edge = ~(unsigned long)&n->edge;
		n->cpu.start = (unsigned long)(&n->edge + 1);
		n->cpu.end = n->cpu.start;
		n->cpu.cur = n->cpu.start;
	}
	s->cpus = &nothing.cpu;
}

/* Everything that there is, in reverse order of making; what is not there is skipped. */
static void free_heap(struct nebula_scratch_heap *heap)
{
	int cpu;

	if (heap->regions)
		for_each_possible_cpu(cpu)
			nebula_region_unmap(per_cpu_ptr(heap->regions, cpu));
	free_percpu(heap->regions);
	free_percpu(heap->scratch.cpus);
	kfree(heap);
}

static int fill_heap(struct nebula_scratch_heap *heap)
{
	const gfp_t gfp = heap->request.gfp;
	int cpu, ret;

	heap->scratch.cpus = nebula_fault_hit() ? NULL
						: alloc_percpu_gfp(struct nebula_scratch_cpu, gfp);
	heap->regions = nebula_fault_hit() ? NULL : alloc_percpu_gfp(struct nebula_region, gfp);
	if (!heap->scratch.cpus || !heap->regions)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct nebula_region *r = per_cpu_ptr(heap->regions, cpu);

		heap->request.node = cpu_to_node(cpu);
		ret = nebula_region_map(r, &heap->request);
		if (ret)
			return ret;
		enter(&heap->scratch, per_cpu_ptr(heap->scratch.cpus, cpu), r->base, r->size);
		nebula_kasan_map(&heap->scratch.common, r, r->base);
	}
	heap->request.node = NUMA_NO_NODE;
	return 0;
}

static struct nebula_allocator *make(const struct nebula_config_common *common, int *err)
{
	const struct nebula_scratch_config *cfg = common->cfg;
	struct nebula_scratch_heap *heap;

	*err = -ENOMEM;
	heap = nebula_fault_hit() ? NULL : kzalloc(sizeof(*heap), nebula_config_gfp(common->gfp));
	if (!heap)
		return NULL;
	heap->scratch.heap = heap;
	heap->scratch.common.ops = &scratch_ops;
	heap->scratch.common.flags = nebula_config_flags(common);
	nebula_config_request(&heap->request, common);
	heap->request.size = PAGE_ALIGN(cfg->per_cpu_size + 2 * SCRATCH_WORD);
	*err = fill_heap(heap);
	if (!*err)
		*err = nebula_config_register(&heap->scratch.common, common);
	if (!*err)
		return &heap->scratch.common;
	free_heap(heap);
	return NULL;
}

static const struct nebula_maker maker = {
	.kind		= NEBULA_KIND_SCRATCH,
	.check		= check,
	.make		= make,
	.refusal	= nebula_config_refuse_backing,
};

/*
 * Make scratch memory from a filled-in configuration. nebula_scratch_create() is the convenient way
 * to call it. Process context; sleeps.
 */
struct nebula_scratch *nebula_scratch_create_cfg(const char *name,
						 const struct nebula_scratch_config *cfg,
						 size_t cfg_size, unsigned int abi,
						 struct module *owner)
{
	struct nebula_config_common common;
	struct nebula_allocator *a;
	int err;

	err = nebula_config_admit(NEBULA_KIND_SCRATCH, name, cfg, owner, abi, cfg_size,
				  sizeof(*cfg));
	if (err)
		return ERR_PTR(err);
	common = (struct nebula_config_common){
		.cfg = cfg,
		.name = name,
		.owner = owner,
		.preset = cfg->preset,
		.flags = cfg->flags,
		.known_flags = KNOWN_FLAGS,
		.backing = cfg->backing,
		.gfp = cfg->gfp,
		.budget = cfg->budget,
		.caller = _RET_IP_,
	};
	a = nebula_config_make(&maker, &common, cfg->per_cpu_size);
	return IS_ERR(a) ? ERR_CAST(a) : scratch_of(a);
}
EXPORT_SYMBOL_GPL(nebula_scratch_create_cfg);

/* Objects were not put, and cannot be put any more. */
static void report_leak(struct nebula_scratch *s)
{
	const size_t used = nebula_allocator_usage(&s->common).used;

	if (used)
		nebula_fail(&s->common, NEBULA_E_LEAK, .size = used, .what = "not put");
}

/* The first half of taking it down: no call is made any more. Process context. */
void scratch_retire(struct nebula_allocator *a)
{
	report_leak(scratch_of(a));
	nebula_allocator_unregister(a);
}

/* The second half. Process context. */
void scratch_release(struct nebula_allocator *a)
{
	free_heap(scratch_of(a)->heap);
}

static void take_down(struct nebula_scratch *s)
{
	scratch_retire(&s->common);
	scratch_release(&s->common);
}

void nebula_scratch_destroy(struct nebula_scratch *s)
{
	if (!IS_ERR_OR_NULL(s) && nebula_may_destroy(&s->common, s->heap, false))
		take_down(s);
}
EXPORT_SYMBOL_GPL(nebula_scratch_destroy);

void nebula_scratch_init(struct nebula_scratch *s, void __percpu *buf, size_t size)
{
	const size_t head = sizeof(struct nebula_scratch_cpu);
	int cpu;

	memset(s, 0, sizeof(*s));
	s->common.ops = &scratch_ops;
	s->common.flags = nebula_init_flags(0, false);
	if (!buf || size < head + 3 * SCRATCH_WORD || size > NEBULA_SCRATCH_SIZE_MAX ||
	    !IS_ALIGNED((__force unsigned long)buf, SCRATCH_WORD)) {
		enter_nothing(s);
		nebula_fail(&s->common, NEBULA_E_INVALID_CONFIG, .size = size, .what = "buffer");
		return;
	}
	s->cpus = buf;
	for_each_possible_cpu(cpu) {
		struct nebula_scratch_cpu *c = per_cpu_ptr(s->cpus, cpu);

		memset(c, 0, head);
		enter(s, c, (void *)c + head, size - head);
	}
}
EXPORT_SYMBOL_GPL(nebula_scratch_init);

void nebula_scratch_exit(struct nebula_scratch *s)
{
	if (s->heap) {
		nebula_fail(&s->common, NEBULA_E_INVALID_STATE, .detail = NEBULA_D_CREATED,
			    .what = "exit");
		return;
	}
	report_leak(s);
	enter_nothing(s);
}
EXPORT_SYMBOL_GPL(nebula_scratch_exit);
