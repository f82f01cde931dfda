/* SPDX-License-Identifier: GPL-2.0-only */
/* The differences between kernels that the clients here see. */
#ifndef NEBULA_SAMPLES_COMPAT_H
#define NEBULA_SAMPLES_COMPAT_H

#include <linux/hrtimer.h>
#include <linux/version.h>

/* Since 6.6, and in late 6.1.y. */
#ifndef __counted_by
#define __counted_by(member)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*fn)(struct hrtimer *timer),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
}
#endif

#endif
