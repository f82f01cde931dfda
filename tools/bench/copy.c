// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies of many sizes, with what they are done with here: see "copy from" in info. QEMU counts
 * each byte of the one instruction that memcpy() is on a CPU with fast strings.
 */
#include <linux/mm.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <nebula/nebula.h>
#include "measure.h"

#define MOST		SZ_1M

/* Bytes of a timed piece, where one copy is not more. */
#define PIECE		SZ_16K

#define EACH_COPY(each)								\
	each(64) each(256) each(1024) each(4096) each(16384) each(65536) each(262144) each(1048576)

static void *from, *to;

/* The size is no constant, or the compiler would copy a few bytes itself. */
#define DEFINE_COPY(fn, bytes, copy)						\
static DEFINE_BENCH_LOOP(fn, (size_t)(bytes), ({				\
	OPTIMIZER_HIDE_VAR(it);							\
	copy(to, from, it);							\
}))

#define DEFINE_COPIES(bytes)							\
DEFINE_COPY(copy_plain_##bytes, bytes, memcpy);					\
DEFINE_COPY(copy_ours_##bytes, bytes, nebula_copy);				\
DEFINE_COPY(copy_nt_##bytes, bytes, nebula_copy_nt);

EACH_COPY(DEFINE_COPIES)

static int create(void)
{
	from = kvzalloc(MOST, GFP_KERNEL);
	to = kvzalloc(MOST, GFP_KERNEL);
	return from && to ? 0 : -ENOMEM;
}

static int destroy(void)
{
	kvfree(from);
	kvfree(to);
	return 0;
}

#define ROW(bytes, what, text, fn, ...)						\
	BENCH_AVERAGE("copy_" what "_" #bytes, text, fn, .variant = #bytes,	\
		      .ops = (bytes) < PIECE ? PIECE / (bytes) : 1, .rounds = 1,	\
		      .setup = create, .teardown = destroy, ##__VA_ARGS__)

#define PEER_ROW(bytes)	ROW(bytes, "memcpy", "memcpy", copy_plain_##bytes),

#define OUR_ROWS(bytes)								\
	ROW(bytes, "ours", "nebula_copy", copy_ours_##bytes,			\
	    .peers = "copy_memcpy_" #bytes, .calls = "nebula_copy_wide"),	\
	ROW(bytes, "nt", "nebula_copy_nt", copy_nt_##bytes,			\
	    .peers = "copy_memcpy_" #bytes, .calls = "nebula_copy_nt"),

static const struct bench_case peer_cases[] = { EACH_COPY(PEER_ROW) };
static const struct bench_case cases[] = { EACH_COPY(OUR_ROWS) };

const struct bench_table copy_peer_table = {
	"kernel", peer_cases, ARRAY_SIZE(peer_cases), .by = "copy",
};

const struct bench_table copy_table = { "copy", cases, ARRAY_SIZE(cases), .by = "copy" };
