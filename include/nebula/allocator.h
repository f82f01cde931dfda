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

struct nebula_kind_ops;
struct nebula_registration;

/**
 * struct nebula_allocator - the common part of every allocator
 * @ops: private; what its kind does.
 * @reg: private; the registration, NULL for one on a caller's buffer without registration.
 * @last_error: private; sequence number of the newest error.
 * @last_refusal: private; newest refusal, unless it was recorded.
 * @second: private; when recording in full began, in jiffies.
 * @full_records: private; refusals that were recorded in full since @second.
 * @failures: private; refused requests by code.
 * @flags: private; &enum nebula_flags.
 * @users: private; composites that it is a part of.
 * @slow_reasons: private; why its fast paths are disabled.
 *
 * All fields are private: use the functions.
 */
struct nebula_allocator {
	const struct nebula_kind_ops *ops;
	struct nebula_registration *reg;
	u64 last_error;
	u64 last_refusal;
	u32 second;
	atomic_t full_records;
	atomic_long_t failures[NEBULA_E_NR];
	u32 flags;
	atomic_t users;
	unsigned long slow_reasons;
};

/**
 * nebula_allocator_alloc() - allocate memory, whatever kind the allocator is of
 * @a: the allocator.
 * @size: bytes.
 * @align: power of two, bytes.
 *
 * Context: as the kind's own function.
 * Return: as nebula_alloc().
 */
void *nebula_allocator_alloc(struct nebula_allocator *a, size_t size, size_t align)
	__alloc_size(2) __must_check;

/**
 * nebula_allocator_free() - give memory back, whatever kind the allocator is of
 * @a: the allocator.
 * @p: the memory; %NULL and %ZERO_SIZE_PTR are fine.
 * @size: what was asked for, bytes; 0 when that is not known.
 *
 * Context: as the kind's own function.
 */
void nebula_allocator_free(struct nebula_allocator *a, void *p, size_t size);

/**
 * nebula_allocator_owns() - does an address lie in the memory of an allocator?
 * @a: the allocator.
 * @p: any address.
 *
 * Context: as the kind's own function.
 * Return: true when it does.
 */
bool nebula_allocator_owns(const struct nebula_allocator *a, const void *p);

/**
 * nebula_allocator_last_error() - the newest error of an allocator
 * @a: the allocator.
 * @err: where the record goes.
 *
 * A refusal in a flood is only counted. Then @err has its code, size and alignment, and
 * &nebula_error.brief says so; all else is of the record that it repeats, or, when it repeats none,
 * the allocator's state as it is now. For an allocator without registration the record is gone once
 * 256 newer ones were made anywhere.
 *
 * Context: any.
 * Return: true with @err filled in; false when there is none.
 */
bool nebula_allocator_last_error(const struct nebula_allocator *a, struct nebula_error *err);

/**
 * nebula_allocator_stats_read() - the statistics of an allocator
 * @a: the allocator.
 * @st: filled in.
 *
 * Context: any.
 */
void nebula_allocator_stats_read(const struct nebula_allocator *a, struct nebula_stats *st);

/**
 * nebula_allocator_sizes_read() - how often which sizes were asked for
 * @a: the allocator.
 * @sizes: filled in.
 *
 * Context: any.
 * Return: true; false when they are not counted.
 */
bool nebula_allocator_sizes_read(const struct nebula_allocator *a, struct nebula_sizes *sizes);

/**
 * nebula_allocator_peak_reset() - begin a new peak
 * @a: the allocator; it may be in use.
 *
 * Context: process context; sleeps.
 * Return: as nebula_peak_reset().
 */
int nebula_allocator_peak_reset(struct nebula_allocator *a);

/**
 * nebula_allocator_validate() - check whether an allocator is intact
 * @a: the allocator.
 *
 * Context: process context; sleeps.
 * Return: as nebula_validate().
 */
int nebula_allocator_validate(struct nebula_allocator *a);

#endif /* _NEBULA_ALLOCATOR_H */
