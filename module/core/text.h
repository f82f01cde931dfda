/* SPDX-License-Identifier: GPL-2.0-only */
/* Text for the files in debugfs. */
#ifndef _NEBULA_MODULE_CORE_TEXT_H
#define _NEBULA_MODULE_CORE_TEXT_H

#include <linux/compiler.h>
#include <linux/sched.h>
#include <linux/types.h>

/* Text that grows while it is written. */
struct nebula_text {
	char *buf;	/* zero-terminated, or NULL while empty */
	size_t len;	/* characters in @buf */
	size_t size;	/* bytes of @buf */
	bool failed;	/* memory ran out; what follows is dropped */
};

void nebula_text_printf(struct nebula_text *t, const char *fmt, ...) __printf(2, 3);
void nebula_text_key(struct nebula_text *t, const char *key, const char *fmt, ...) __printf(3, 4);
void nebula_text_bytes(struct nebula_text *t, const char *key, u64 bytes);
void nebula_text_free(struct nebula_text *t);

/* "3.80 MiB" or "512 bytes", in a buffer that lives as long as the caller's statement block. */
#define NEBULA_BYTES_SIZE	24
const char *nebula_bytes_str(char buf[NEBULA_BYTES_SIZE], u64 bytes);

/* A name of a task, which may be anything, in a buffer of the same kind: "\\n" for a newline. */
#define NEBULA_COMM_SIZE	(4 * TASK_COMM_LEN + 1)
const char *nebula_comm_str(char buf[NEBULA_COMM_SIZE], const char comm[TASK_COMM_LEN]);

#endif /* _NEBULA_MODULE_CORE_TEXT_H */
