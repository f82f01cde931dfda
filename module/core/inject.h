/* SPDX-License-Identifier: GPL-2.0-only */
/* Allocations that fail on purpose: because debugfs says so, or a test wants it. */
#ifndef _NEBULA_MODULE_CORE_INJECT_H
#define _NEBULA_MODULE_CORE_INJECT_H

#include <linux/types.h>
#include <nebula/allocator.h>

struct nebula_text;

/* The knobs; tests set @probability, @verbose and @times. */
struct nebula_fail_knobs {
	unsigned long probability;	/* percent */
	unsigned long interval;		/* one of so many candidates fails */
	int times;			/* how many fail, or less than 0 */
	int space;			/* bytes that succeed first */
	unsigned long verbose;		/* how much is said */
};

struct dentry;

void nebula_fail_alloc_exchange(struct nebula_fail_knobs *k);
bool nebula_fail_alloc_names(const char *name);
bool nebula_fail_alloc_hit(const struct nebula_allocator *a, size_t size);
bool nebula_fail_backing_hit(void);
struct dentry *nebula_fail_alloc_init(struct dentry *root);
void nebula_fail_alloc_describe(struct nebula_text *t);
void nebula_fail_alloc_render(struct nebula_text *t);
int nebula_fail_alloc_set_names(const char *patterns);

bool nebula_fault_hit(void);
bool nebula_fault_hit_test(void);
void nebula_fault_arm(unsigned int first, unsigned int count);
unsigned int nebula_fault_disarm(void);

#endif /* _NEBULA_MODULE_CORE_INJECT_H */
