/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another module than the one of the suites, which uses allocators of theirs.
 */
#ifndef _NEBULA_KUNIT_NEIGHBOUR_H
#define _NEBULA_KUNIT_NEIGHBOUR_H

#include <nebula/nebula.h>

/* Makes a composite of its own of the pool, and keeps it. */
int nebula_neighbour_adopt(struct nebula_pool *p);

/* Takes a block of the pool, and keeps it. */
int nebula_neighbour_borrow(struct nebula_pool *p);

#endif /* _NEBULA_KUNIT_NEIGHBOUR_H */
