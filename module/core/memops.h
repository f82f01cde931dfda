/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory operations: what is measured when the module is loaded, and shown in info. */
#ifndef _NEBULA_MODULE_MEMOPS_H
#define _NEBULA_MODULE_MEMOPS_H

struct nebula_text;

void nebula_memops_init(void);
void nebula_memops_describe(struct nebula_text *t);

#endif /* _NEBULA_MODULE_MEMOPS_H */
