/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NEBULA_BENCH_MEMORY_H
#define _NEBULA_BENCH_MEMORY_H

int memory_hold(void);
void memory_release(void);

#endif /* _NEBULA_BENCH_MEMORY_H */
