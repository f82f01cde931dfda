/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * NMIs that CPUs send each other, where the kernel lets us. One test at a time.
 */
#ifndef _NEBULA_KUNIT_NMIS_H
#define _NEBULA_KUNIT_NMIS_H

#include <kunit/test.h>

/* From now on each NMI that is sent calls @fn on the CPU it is sent to. False: there are none. */
bool nmis_begin(struct kunit *test, void (*fn)(unsigned int cpu, void *data), void *data);
/* From an interrupt of one CPU to the next CPU, unless one is on its way. */
void nmis_send(void);
/* Afterwards no CPU sends any more, and each NMI that was sent has arrived. */
void nmis_end(void);

#endif /* _NEBULA_KUNIT_NMIS_H */
