/* SPDX-License-Identifier: GPL-2.0-only */
/* A simulated network: bursts of packets that arrive in hard interrupts. */
#ifndef NEBULA_DEMO_WIRE_H
#define NEBULA_DEMO_WIRE_H

#include <nebula/config.h>

struct seq_file;

#define WIRE_BURST_MAX	1000000

int wire_init(enum nebula_preset preset);
void wire_exit(void);
int wire_burst(unsigned int size);
int wire_show(struct seq_file *m);

#endif
