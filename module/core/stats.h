/* SPDX-License-Identifier: GPL-2.0-only */
/* Statistics that kinds share. */
#ifndef _NEBULA_MODULE_CORE_STATS_H
#define _NEBULA_MODULE_CORE_STATS_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <nebula/custom.h>
#include <nebula/stats.h>

u64 nebula_share(u64 part, u64 whole, unsigned int scale);
void nebula_sizes_note(const struct nebula_allocator *a, size_t size);

size_t nebula_traffic_used(const struct nebula_custom_cpu __percpu *cpus, unsigned long *peak);
void nebula_traffic_in(struct nebula_custom_cpu __percpu *cpus, unsigned long *peak, size_t size);
void nebula_traffic_reset_peak(struct nebula_custom_cpu __percpu *cpus, unsigned long *peak);
void nebula_traffic_stats(const struct nebula_custom_cpu __percpu *cpus, struct nebula_stats *st);

/* @used was in use at once. Any context. */
static inline void nebula_peak_raise(unsigned long *peak, unsigned long used)
{
	unsigned long seen = READ_ONCE(*peak);

	while (used > seen && !try_cmpxchg(peak, &seen, used))
		;
}

#endif /* _NEBULA_MODULE_CORE_STATS_H */
