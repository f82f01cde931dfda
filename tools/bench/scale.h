/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEBULA_BENCH_SCALE_H
#define _NEBULA_BENCH_SCALE_H

struct seq_file;

int scaling_show(struct seq_file *m, void *unused);

#endif /* _NEBULA_BENCH_SCALE_H */
