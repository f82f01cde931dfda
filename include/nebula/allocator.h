/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all kinds of allocators have in common. struct nebula_allocator is embedded in each;
 * generic.h finds it from a pointer to any kind.
 */
#ifndef _NEBULA_ALLOCATOR_H
#define _NEBULA_ALLOCATOR_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <nebula/error.h>
#include <nebula/stats.h>

struct nebula_registration;

/**
 * struct nebula_allocator - the common part of every allocator
 * @reg: private; the registration, NULL for one on a caller's buffer without registration.
 * @last_error: private; sequence number of the newest error.
 * @last_refusal: private; newest refusal, unless it was recorded.
 * @second: private; when recording in full began, in jiffies.
 * @full_records: private; refusals that were recorded in full since @second.
 * @failures: private; refused requests by code.
 * @flags: private; &enum nebula_flags.
 * @kind: private; &enum nebula_kind.
 * @users: private; composites that it is a part of.
 * @attention: private; why its inline functions do not serve for now.
 *
 * All fields are private: use the functions.
 */
struct nebula_allocator {
	struct nebula_registration *reg;
	u64 last_error;
	u64 last_refusal;
	u32 second;
	atomic_t full_records;
	atomic_long_t failures[NEBULA_E_NR];
	u32 flags;
	u8 kind;
	atomic_t users;
	unsigned long attention;
};

void *nebula_allocator_alloc(struct nebula_allocator *a, size_t size, size_t align)
	__alloc_size(2) __must_check;
void nebula_allocator_free(struct nebula_allocator *a, void *p, size_t size);
bool nebula_allocator_owns(const struct nebula_allocator *a, const void *p);

bool nebula_allocator_last_error(const struct nebula_allocator *a, struct nebula_error *err);
void nebula_allocator_stats_read(const struct nebula_allocator *a, struct nebula_stats *st);
bool nebula_allocator_sizes_read(const struct nebula_allocator *a, struct nebula_sizes *sizes);
int nebula_allocator_peak_reset(struct nebula_allocator *a);
int nebula_allocator_validate(struct nebula_allocator *a);

#endif /* _NEBULA_ALLOCATOR_H */
