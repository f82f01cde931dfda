// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system allocator: kvmalloc() behind the interface of all others, so that it can be a part of
 * composites. There is one, which has no owner, so it has no directory in debugfs; the info of the
 * module has a line about it.
 *
 *	|....| header | object |
 *	memory                  what kvmalloc() gave
 *
 * The header lies directly before the object and is sealed, so that what is freed can be told from
 * what was never allocated here, or was freed already. It is read in a way that cannot fault,
 * because any address may be asked about.
 */
#include <linux/align.h>
#include <linux/export.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include "../core/allocator.h"
#include "../core/context.h"
#include "generic.h"
#include "../core/inject.h"
#include "../core/stats.h"
#include "../core/text.h"
#include "../error/error.h"
#include "system.h"

/* Before each object. */
struct header {
	void *memory;		/* what kvmalloc() gave */
	size_t size;		/* bytes of the object */
	unsigned long seal;	/* of both, and of where this is */
};

static DEFINE_PER_CPU(struct nebula_custom_cpu, counters);

/* Objects that a CPU freed last, to tell a second free from one of what was never allocated. */
#define FREED_KEPT	16

/* What was freed cannot keep a mark itself: it is the kernel's memory again. */
static DEFINE_PER_CPU(unsigned long[FREED_KEPT], freed);
static unsigned long peak;

static unsigned long seal_of(const struct header *at, const struct header *h)
{
	return ~((unsigned long)at ^ (unsigned long)h->memory ^ (h->size << 1));
}

/* vmalloc memory that was freed has no page. User Mode Linux would fault on it for ever. */
static bool is_mapped(const void *at)
{
	return !is_vmalloc_addr(at) || vmalloc_to_page(at);
}

/* The header of an object; false when there is none. Any address will do. */
static bool read_header(const void *p, struct header *h)
{
	const struct header *at = (const struct header *)p - 1;

	return IS_ALIGNED((unsigned long)p, sizeof(long)) && is_mapped(at) &&
	       is_mapped((const char *)p - 1) && !copy_from_kernel_nofault(h, at, sizeof(*h)) &&
	       h->seal == seal_of(at, h);
}

static gfp_t gfp_here(void)
{
	return nebula_atomic_context() ? GFP_ATOMIC : GFP_KERNEL;
}

static void *ops_alloc(struct nebula_allocator *a, size_t size, size_t align)
{
	struct header *h;
	void *memory, *p;
	size_t total;

	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	if (unlikely(!nebula_request_valid(a, size, align)))
		return NULL;
	align = max(align, __alignof__(struct header));
	if (check_add_overflow(size, sizeof(*h) + align, &total)) {
		nebula_fail(a, NEBULA_E_SIZE_OVERFLOW, .size = size, .align = align);
		return NULL;
	}
	if (!nebula_may_ask(GFP_NOWAIT)) {
		nebula_fail(a, NEBULA_E_WRONG_CONTEXT, .size = size, .align = align);
		return NULL;
	}
	memory = nebula_fault_hit() || total > INT_MAX ? NULL
						       : kvmalloc(total, gfp_here() | __GFP_NOWARN);
	if (!memory) {
		nebula_fail(a, NEBULA_E_OUT_OF_MEMORY, .size = size, .align = align);
		return NULL;
	}
	p = PTR_ALIGN(memory + sizeof(*h), align);
	h = (struct header *)p - 1;
	h->memory = memory;
	h->size = size;
	h->seal = seal_of(h, h);
	nebula_traffic_in(&counters, &peak, size);
	return p;
}

/* vmalloc memory that is to be freed where that may sleep; it keeps the link itself. */
static LLIST_HEAD(waiting);

static void free_waiting(struct work_struct *work)
{
	struct llist_node *node, *next;

	llist_for_each_safe(node, next, llist_del_all(&waiting))
		vfree(node);
}

static DECLARE_WORK(free_work, free_waiting);

static void give_back(void *memory)
{
	if (!is_vmalloc_addr(memory) || !nebula_atomic_context()) {
		kvfree(memory);
		return;
	}
	llist_add(memory, &waiting);
	schedule_work(&free_work);
}

/* Until the same address is allocated again its header is a fault or rubbish. */
static bool was_freed(const void *p)
{
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu)
		for (i = 0; i < FREED_KEPT; i++)
			if (READ_ONCE(per_cpu(freed, cpu)[i]) == (unsigned long)p)
				return true;
	return false;
}

static void ops_free(struct nebula_allocator *a, void *p, size_t size)
{
	struct header *at = (struct header *)p - 1, h;

	if (!read_header(p, &h)) {
		nebula_fail(a, was_freed(p) ? NEBULA_E_DOUBLE_FREE : NEBULA_E_FOREIGN_POINTER,
			    .size = size, .pointer = p, .what = "free");
		return;
	}
	if (size && size != h.size) {
		nebula_fail(a, NEBULA_E_INVALID_LAYOUT, .size = size, .pointer = p,
			    .what = "free");
		return;
	}
	if (!nebula_may_ask(GFP_NOWAIT)) {
		nebula_fail(a, NEBULA_E_WRONG_CONTEXT, .size = size, .pointer = p,
			    .what = "free");
		return;
	}
	/* Of two who free it at once one finds no seal. */
	if (cmpxchg(&at->seal, h.seal, 0) != h.seal) {
		nebula_fail(a, NEBULA_E_DOUBLE_FREE, .size = size, .pointer = p,
			    .what = "free");
		return;
	}
	this_cpu_write(freed[this_cpu_inc_return(counters.frees) % FREED_KEPT],
		       (unsigned long)p);
	this_cpu_add(counters.bytes_out, h.size);
	give_back(h.memory);
}

static bool ops_owns(const struct nebula_allocator *a, const void *p)
{
	struct header h;

	return read_header(p, &h);
}

/* There is no telling what the kernel has left. */
static void ops_usage(const struct nebula_allocator *a, struct nebula_usage *u)
{
	u->used = nebula_traffic_used(&counters, &peak);
	u->capacity = u->used;
	u->max_capacity = u->used;
	u->peak = READ_ONCE(peak);
}

static void ops_stats(const struct nebula_allocator *a, struct nebula_stats *st)
{
	nebula_traffic_stats(&counters, st);
}

static void ops_describe(const struct nebula_allocator *a, struct nebula_text *t)
{
	nebula_text_key(t, "mode", "kvmalloc");
	nebula_text_bytes(t, "header", sizeof(struct header));
}

static const struct nebula_kind_ops system_ops = {
	.kind		= NEBULA_KIND_SYSTEM,
	.alloc		= ops_alloc,
	.free		= ops_free,
	.owns		= ops_owns,
	.usage		= ops_usage,
	.stats		= ops_stats,
	.describe	= ops_describe,
};

static struct nebula_allocator system = { .ops = &system_ops };

struct nebula_allocator *nebula_system_allocator(void)
{
	return &system;
}
EXPORT_SYMBOL_GPL(nebula_system_allocator);

void nebula_system_exit(void)
{
	flush_work(&free_work);
}
