/* SPDX-License-Identifier: GPL-2.0-only */
/* One interface over all kinds. */
#ifndef _NEBULA_MODULE_CORE_GENERIC_H
#define _NEBULA_MODULE_CORE_GENERIC_H

#include <nebula/allocator.h>

bool nebula_request_valid(struct nebula_allocator *a, size_t size, size_t align);

#endif /* _NEBULA_MODULE_CORE_GENERIC_H */
