/* SPDX-License-Identifier: GPL-2.0-only */
/* Vector registers of this machine, and what is done with them. */
#ifndef _NEBULA_MODULE_VECTORS_H
#define _NEBULA_MODULE_VECTORS_H

#include <linux/types.h>

/**
 * struct nebula_vectors - vector registers of one width
 * @name: what people call them.
 * @round: bytes that each operation takes at once; lengths are multiples of it, and not 0.
 * @present: this CPU has them, and the kernel lets them be used.
 * @copy: from @src to @dst; any alignment. Returns @n.
 * @fill: with the 8 bytes of @pattern; any alignment. Returns @n.
 * @equal: returns the bytes before the round that has the first difference, or @n.
 *
 * The operations are called in a section, by nebula_vectors_copy() and so on.
 */
struct nebula_vectors {
	const char *name;
	unsigned int round;
	bool (*present)(void);
	size_t (*copy)(void *dst, const void *src, size_t n);
	size_t (*fill)(void *dst, u64 pattern, size_t n);
	size_t (*equal)(const void *a, const void *b, size_t n);
};

/* All that this kernel may know of, the narrowest first; ends with one without a name. */
extern const struct nebula_vectors nebula_vectors[];

size_t nebula_vectors_copy(const struct nebula_vectors *v, void *dst, const void *src, size_t n);
size_t nebula_vectors_fill(const struct nebula_vectors *v, void *dst, u64 pattern, size_t n);
size_t nebula_vectors_equal(const struct nebula_vectors *v, const void *a, const void *b, size_t n);

u64 nebula_vectors_price(void);

/* Bytes that are stored past the caches at once; lengths are multiples of it. */
#define NEBULA_STREAM	32

void nebula_stream(void *dst, const void *src, size_t n);

#endif /* _NEBULA_MODULE_VECTORS_H */
