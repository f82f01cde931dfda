/* SPDX-License-Identifier: GPL-2.0-only */
/* The service behind the files: one request at a time, and the answer to the latest. */
#ifndef NEBULA_DEMO_SERVICE_H
#define NEBULA_DEMO_SERVICE_H

#include <linux/compiler_types.h>
#include <linux/types.h>
#include <nebula/config.h>

struct seq_file;

int service_init(enum nebula_preset preset);
void service_exit(void);
int service_request(const char __user *text, size_t size);
int service_exhaust(void);
int service_free_middle(void);
int service_show(struct seq_file *m);

#endif
