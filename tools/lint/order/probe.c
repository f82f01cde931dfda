// SPDX-License-Identifier: GPL-2.0-only
/*
 * The inline paths as functions, for the rule that reads the order of their accesses out of the
 * object, see rules_order.sh. Compiled as a client, never loaded. Fields are absolute symbols, so
 * that the rule knows their offsets.
 */
#include <linux/module.h>
#include <linux/stddef.h>
#include <nebula/nebula.h>

#define FIELD(name, type, member)							\
	asm volatile(".globl order_" #name "\n\t.set order_" #name ", %c0"		\
		     : : "i" (offsetof(struct type, member)))

void probe_fields(void);
void probe_fields(void)
{
	FIELD(bump_cur, nebula_bump, cur);
	FIELD(bump_tail, nebula_bump, tail);
	FIELD(bump_limit, nebula_bump, limit);
	FIELD(bump_peak_at, nebula_bump, peak_at);
	FIELD(bump_reasons, nebula_bump, common.slow_reasons);
	FIELD(stack_limit, nebula_stack, limit);
	FIELD(stack_reasons, nebula_stack, common.slow_reasons);
	FIELD(cpu_busy, nebula_pool_cpu, busy);
	FIELD(cpu_top, nebula_pool_cpu, top);
	FIELD(scratch_cur, nebula_scratch_cpu, cur);
}

void *probe_bump_odd(struct nebula_bump *b);
void *probe_bump_odd(struct nebula_bump *b)
{
	return nebula_bump_alloc(b, 13, 1);
}

void *probe_bump_size(struct nebula_bump *b, size_t size);
void *probe_bump_size(struct nebula_bump *b, size_t size)
{
	return nebula_bump_alloc(b, size, 8);
}

void *probe_pool_alloc(struct nebula_pool *p);
void *probe_pool_alloc(struct nebula_pool *p)
{
	return nebula_pool_alloc(p);
}

void probe_pool_free(struct nebula_pool *p, void *obj);
void probe_pool_free(struct nebula_pool *p, void *obj)
{
	nebula_pool_free(p, obj);
}

void *probe_scratch_get(struct nebula_scratch *s);
void *probe_scratch_get(struct nebula_scratch *s)
{
	return nebula_scratch_get(s, 40, 8);
}

MODULE_DESCRIPTION("Inline paths of nebula_memory as functions");
MODULE_LICENSE("GPL");
