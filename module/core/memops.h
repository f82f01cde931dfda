/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory operations: what is measured when the module is loaded, and shown in info. */
#ifndef _NEBULA_MODULE_MEMOPS_H
#define _NEBULA_MODULE_MEMOPS_H

#include <linux/sizes.h>
#include "vectors.h"

struct nebula_text;

/* Lengths that are timed: the least, and how many, each twice the one before. */
#define NEBULA_MEMOPS_LEAST	SZ_256
#define NEBULA_MEMOPS_LENGTHS	9

void nebula_memops_init(void);
void nebula_memops_describe(struct nebula_text *t);

void *nebula_copy_with(const struct nebula_vectors *v, void *dst, const void *src, size_t n);
void *nebula_fill_with(const struct nebula_vectors *v, void *dst, int c, size_t n);
int nebula_compare_with(const struct nebula_vectors *v, const void *a, const void *b, size_t n);
size_t nebula_memops_threshold(const u64 wide[NEBULA_MEMOPS_LENGTHS],
			       const u64 plain[NEBULA_MEMOPS_LENGTHS]);

#endif /* _NEBULA_MODULE_MEMOPS_H */
