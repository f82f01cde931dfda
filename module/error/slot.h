/* SPDX-License-Identifier: GPL-2.0-only */
/* A record as it is kept. */
#ifndef _NEBULA_MODULE_ERROR_SLOT_H
#define _NEBULA_MODULE_ERROR_SLOT_H

#include <linux/atomic.h>
#include <nebula/error.h>

/**
 * struct nebula_error_slot - one record, see record.c
 * @state: 2 * sequence number of @err; odd while it is written, 0 while empty. Any context.
 * @repeats: how often it repeated, and in the upper half the lower half of its sequence number. Any
 *	context.
 * @detail: as it was told to nebula_error_record(); @err may have one of the allocator's state.
 * @err: the record.
 */
struct nebula_error_slot {
	atomic64_t state;
	atomic64_t repeats;
	enum nebula_detail detail;
	struct nebula_error err;
};

#endif /* _NEBULA_MODULE_ERROR_SLOT_H */
