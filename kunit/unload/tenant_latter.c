// SPDX-License-Identifier: GPL-2.0-only
/*
 * The second of two, see tenant.h.
 */
#define TENANT(name)	latter_##name

#include "tenant.h"
