// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies, fills and comparisons with vector registers, and from which length on they are worth it.
 *
 * Where the registers may not be used the kernel's functions serve. A long operation is done in
 * pieces, so that preemption is never off for longer than a piece takes.
 *
 * When the module is loaded each operation is timed with each width of registers against the
 * kernel's function, at doubling lengths. The price of saving all registers and restoring them is
 * added to each call: a task pays it once for each time it enters the kernel, mostly for a single
 * call. Vectors are worth it from the least length on at which they take at most 7/8 of the time,
 * as they do at all larger ones; the width that is so at the least length is chosen. At none, the
 * default is the kernel's function for every length.
 *
 * The non-temporal copy stores past the caches with general registers, so it needs no section.
 */
#include <linux/export.h>
#include <linux/init.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/timex.h>
#include <nebula/memops.h>
#include "allocator.h"
#include "memops.h"
#include "text.h"

/* Bytes between two moments at which the task may be preempted. */
#define PIECE		SZ_64K

struct nebula_memops nebula_memops __read_mostly = { SIZE_MAX, SIZE_MAX, SIZE_MAX };
EXPORT_SYMBOL_GPL(nebula_memops);

/* What each operation is done with; NULL for the kernel's functions. Written while it is loaded. */
static const struct nebula_vectors *copy_vectors, *fill_vectors, *compare_vectors;

/* Bytes that can be done at once of @left. */
static size_t piece_of(const struct nebula_vectors *v, size_t left)
{
	return v ? min_t(size_t, left - left % v->round, PIECE) : 0;
}

/* With @v, which are present, where they may be used; with none where it is NULL. Context: any. */
void *nebula_copy_with(const struct nebula_vectors *v, void *dst, const void *src, size_t n)
{
	size_t done = 0, piece;

	while ((piece = piece_of(v, n - done)) &&
	       nebula_vectors_copy(v, dst + done, src + done, piece))
		done += piece;
	memcpy(dst + done, src + done, n - done);
	return dst;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_copy_with);

/* As nebula_copy_with(). */
void *nebula_fill_with(const struct nebula_vectors *v, void *dst, int c, size_t n)
{
	const u64 pattern = (u8)c * (U64_MAX / U8_MAX);
	size_t done = 0, piece;

	while ((piece = piece_of(v, n - done)) &&
	       nebula_vectors_fill(v, dst + done, pattern, piece))
		done += piece;
	memset(dst + done, c, n - done);
	return dst;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_fill_with);

/* As nebula_copy_with(). */
int nebula_compare_with(const struct nebula_vectors *v, const void *a, const void *b, size_t n)
{
	size_t done = 0, piece, equal;

	do {
		piece = piece_of(v, n - done);
		equal = piece ? nebula_vectors_equal(v, a + done, b + done, piece) : 0;
		done += equal;
	} while (piece && equal == piece);
	/* It stops at the first difference, which is in the next round if there is one. */
	return memcmp(a + done, b + done, n - done);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_compare_with);

/**
 * nebula_copy_wide() - copy memory with vectors, where those may be used
 * @dst: where to.
 * @src: where from.
 * @n: bytes.
 *
 * Context: any.
 * Return: @dst.
 */
void *nebula_copy_wide(void *dst, const void *src, size_t n)
{
	return nebula_copy_with(copy_vectors, dst, src, n);
}
EXPORT_SYMBOL_GPL(nebula_copy_wide);

/**
 * nebula_fill_wide() - fill memory with vectors, where those may be used
 * @dst: the memory.
 * @c: the byte.
 * @n: bytes.
 *
 * Context: any.
 * Return: @dst.
 */
void *nebula_fill_wide(void *dst, int c, size_t n)
{
	return nebula_fill_with(fill_vectors, dst, c, n);
}
EXPORT_SYMBOL_GPL(nebula_fill_wide);

/**
 * nebula_compare_wide() - compare memory with vectors, where those may be used
 * @a: one part.
 * @b: the other one.
 * @n: bytes.
 *
 * Context: any.
 * Return: as memcmp().
 */
int nebula_compare_wide(const void *a, const void *b, size_t n)
{
	return nebula_compare_with(compare_vectors, a, b, n);
}
EXPORT_SYMBOL_GPL(nebula_compare_wide);

void *nebula_copy_nt(void *dst, const void *src, size_t n)
{
	const size_t head = min_t(size_t, -(unsigned long)dst % 8, n);
	const size_t tail = (n - head) % NEBULA_STREAM, past = n - head - tail;

	memcpy(dst, src, head);
	nebula_stream(dst + head, src + head, past);
	memcpy(dst + head + past, src + head + past, tail);
	return dst;
}
EXPORT_SYMBOL_GPL(nebula_copy_nt);

/* How often each length is timed, for the least of all, and bytes that are done each time. */
#define TIMES		8
#define BYTES		SZ_16K

/**
 * struct operation - an operation and the kernel's own
 * @name: what it is called in info.
 * @wide: with vectors.
 * @plain: the kernel's.
 * @from: from which length on @wide is worth it.
 * @chosen: what it is done with.
 */
struct operation {
	const char *name;
	void (*wide)(const struct nebula_vectors *v, void *a, void *b, size_t n);
	void (*plain)(const struct nebula_vectors *v, void *a, void *b, size_t n);
	size_t *from;
	const struct nebula_vectors **chosen;
};

static void copy_wide(const struct nebula_vectors *v, void *a, void *b, size_t n)
{
	nebula_copy_with(v, a, b, n);
}

static void copy_plain(const struct nebula_vectors *v, void *a, void *b, size_t n)
{
	memcpy(a, b, n);
}

static void fill_wide(const struct nebula_vectors *v, void *a, void *b, size_t n)
{
	nebula_fill_with(v, a, 0, n);
}

static void fill_plain(const struct nebula_vectors *v, void *a, void *b, size_t n)
{
	memset(a, 0, n);
}

static void compare_wide(const struct nebula_vectors *v, void *a, void *b, size_t n)
{
	int ret = nebula_compare_with(v, a, b, n);

	OPTIMIZER_HIDE_VAR(ret);
}

static void compare_plain(const struct nebula_vectors *v, void *a, void *b, size_t n)
{
	int ret = memcmp(a, b, n);

	OPTIMIZER_HIDE_VAR(ret);
}

static const struct operation operations[] = {
	{ "copy from", copy_wide, copy_plain, &nebula_memops.copy_from, &copy_vectors },
	{ "fill from", fill_wide, fill_plain, &nebula_memops.fill_from, &fill_vectors },
	{ "compare from", compare_wide, compare_plain, &nebula_memops.compare_from,
	  &compare_vectors },
};

/* Cycles to save the registers and restore them. */
static u64 price;

/* In 1/64 cycles, a call. */
static u64 least_time(void (*fn)(const struct nebula_vectors *v, void *a, void *b, size_t n),
		      const struct nebula_vectors *v, void *a, void *b, size_t n)
{
	const unsigned int calls = max_t(size_t, BYTES / n, 1);
	u64 least = U64_MAX, begin;
	unsigned int i, j;

	for (i = 0; i < TIMES; i++) {
		begin = get_cycles();
		for (j = 0; j < calls; j++)
			fn(v, a, b, n);
		least = min_t(u64, least, get_cycles() - begin);
	}
	return div_u64(64 * least, calls);
}

/*
 * The length from which on vectors are worth it, SIZE_MAX where they are not at the longest. Both
 * are times, in the same unit, by length: NEBULA_MEMOPS_LEAST, twice that, and so on.
 */
size_t nebula_memops_threshold(const u64 wide[NEBULA_MEMOPS_LENGTHS],
			       const u64 plain[NEBULA_MEMOPS_LENGTHS])
{
	unsigned int i = NEBULA_MEMOPS_LENGTHS;

	while (i && 8 * wide[i - 1] <= 7 * plain[i - 1])
		i--;
	return i < NEBULA_MEMOPS_LENGTHS ? (size_t)NEBULA_MEMOPS_LEAST << i : SIZE_MAX;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_memops_threshold);

static void try_vectors(const struct operation *op, const struct nebula_vectors *v, void *a,
			void *b)
{
	u64 wide[NEBULA_MEMOPS_LENGTHS], plain[NEBULA_MEMOPS_LENGTHS];
	size_t n = NEBULA_MEMOPS_LEAST, from;
	unsigned int i;

	for (i = 0; i < NEBULA_MEMOPS_LENGTHS; i++, n *= 2) {
		wide[i] = least_time(op->wide, v, a, b, n) + 64 * price;
		plain[i] = least_time(op->plain, v, a, b, n);
	}
	from = nebula_memops_threshold(wide, plain);
	if (from < *op->from) {
		*op->from = from;
		*op->chosen = v;
	}
}

static void measure(void *a, void *b)
{
	const struct nebula_vectors *v;
	unsigned int i;

	price = nebula_vectors_price();
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		for (v = nebula_vectors; v->name; v++) {
			if (v->present())
				try_vectors(&operations[i], v, a, b);
		}
	}
}

/* Without memory, or a clock, nothing changes. */
void nebula_memops_init(void)
{
	const size_t most = NEBULA_MEMOPS_LEAST << (NEBULA_MEMOPS_LENGTHS - 1);
	char *a, *b;

	if (!nebula_vectors->name || !get_cycles())
		return;
	a = kvzalloc(most, GFP_KERNEL);
	b = kvzalloc(most, GFP_KERNEL);
	if (a && b)
		measure(a, b);
	kvfree(a);
	kvfree(b);
}

void nebula_memops_describe(struct nebula_text *t)
{
	const struct operation *op;
	char bytes[NEBULA_BYTES_SIZE];

	for (op = operations; op < operations + ARRAY_SIZE(operations); op++) {
		if (*op->from == SIZE_MAX)
			nebula_text_key(t, op->name, "never (vectors do not win here)");
		else
			nebula_text_key(t, op->name, "%s (%s)", nebula_bytes_str(bytes, *op->from),
					(*op->chosen)->name);
	}
	nebula_text_key(t, "vector price", "%llu cycles", price);
}
