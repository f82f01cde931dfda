/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections: opened, heard from and closed by the number of the peer. Any context but NMI.
 */
#ifndef NEBULA_DEMO_CONN_H
#define NEBULA_DEMO_CONN_H

#include <linux/bits.h>
#include <linux/types.h>
#include <nebula/config.h>

struct seq_file;

/* Peers on the wire have the numbers below; conn_local_peer() gives those from it on. */
#define CONN_LOCAL	BIT(16)

int conn_init(enum nebula_preset preset);
void conn_exit(void);
unsigned long conn_local_peer(void);
int conn_open(unsigned long peer);
int conn_receive(unsigned long peer, size_t size);
int conn_close(unsigned long peer);
int conn_close_twice(void);
int conn_show(struct seq_file *m);

#endif
