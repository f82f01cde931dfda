// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies of many sizes: memcpy() as the kernel has it on a CPU with fast strings, the vector
 * registers that this CPU has, and stores past the caches.
 *
 * Of a copy with vectors each call saves all registers and restores them, as one does that is the
 * only one between a task's way into the kernel and its way out. Both parts are in the caches, as
 * far as they fit.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <nebula/memops.h>
#include "../../../module/core/memops.h"
#include "cycles.h"
#include "rows.h"

#define LEAST		64
#define MOST		SZ_1M

/* Bytes of a run, where one copy is not more. */
#define RUN		SZ_64K

/* The CPU's, as host.c finds them. */
struct cpuinfo_x86 boot_cpu_data;

/* As if the compiler had aligned them to pages, and not so. */
static u8 from[MOST] __aligned(PAGE_SIZE), to[MOST] __aligned(PAGE_SIZE);

static size_t size;
static const struct nebula_vectors *vectors;

static void copy_plain(unsigned int n)
{
	for (; n; n--)
		memcpy(to, from, size);
}

static void copy_vectors(unsigned int n)
{
	for (; n; n--)
		nebula_copy_with(vectors, to, from, size);
}

static void copy_nt(unsigned int n)
{
	for (; n; n--)
		nebula_copy_nt(to, from, size);
}

/* Other memory than it was, and as it should be: what is wrong has no figure. */
static int prepare(void)
{
	memset(to, 0, size);
	memset(from, size >> 6, size);
	return 0;
}

static int compare(void)
{
	return memcmp(to, from, size);
}

static void measure(const char *id, const char *title, void (*run)(unsigned int n))
{
	char name[32], bytes[16];
	struct bench_case c = {
		.name = name,
		.title = title,
		.variant = bytes,
		.run = run,
		.setup = prepare,
		.teardown = compare,
	};

	for (size = LEAST; size <= MOST; size *= 4) {
		snprintf(name, sizeof(name), "cycles_copy_%s_%zu", id, size);
		snprintf(bytes, sizeof(bytes), "%zu", size);
		c.ops = max_t(size_t, RUN / size, 1);
		rows_measure_case("copy", "cycles_copy", &c);
	}
}

void copies_measure(void)
{
	char id[2] = "0";

	if (host_has_avx2())
		set_cpu_cap(&boot_cpu_data, X86_FEATURE_AVX2);
	if (host_has_avx512())
		set_cpu_cap(&boot_cpu_data, X86_FEATURE_AVX512F);
	set_cpu_cap(&boot_cpu_data, X86_FEATURE_XSAVEC);
	measure("memcpy", "memcpy", copy_plain);
	for (vectors = nebula_vectors; vectors->name; vectors++, id[0]++)
		if (vectors->present())
			measure(id, vectors->name, copy_vectors);
	measure("nt", "nt", copy_nt);
}
