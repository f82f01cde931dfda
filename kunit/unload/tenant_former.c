// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first of two, see tenant.h.
 */
#define TENANT(name)	former_##name

#include "tenant.h"
