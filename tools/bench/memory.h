/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEBULA_BENCH_MEMORY_H
#define _NEBULA_BENCH_MEMORY_H

struct seq_file;

int memory_hold(void);
void memory_release(void);
int memory_show(struct seq_file *m, void *unused);

#endif /* _NEBULA_BENCH_MEMORY_H */
