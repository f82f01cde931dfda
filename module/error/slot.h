/* SPDX-License-Identifier: GPL-2.0-only */
/* A record as it is kept. */
#ifndef _NEBULA_MODULE_ERROR_SLOT_H
#define _NEBULA_MODULE_ERROR_SLOT_H

#include <linux/atomic.h>
#include <nebula/error.h>

/* One record, see record.c. */
struct nebula_error_slot {
	/* 2 * sequence number of @err; odd while it is written, 0 while empty. Any context. */
	atomic64_t state;
	/*
	 * How often it repeated, and in the upper half the lower half of its sequence number. Any
	 * context.
	 */
	atomic64_t repeats;
	/* as it was told to nebula_error_record(); @err may have one of the allocator's state */
	enum nebula_detail detail;
	struct nebula_error err;	/* the record */
};

#endif /* _NEBULA_MODULE_ERROR_SLOT_H */
