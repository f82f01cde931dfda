// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a programmer would write by hand who needs nothing but the memory: no check of what is
 * freed, no report, no interrupt that allocates, too. Counted and not counted, because the counters
 * of nebula_memory cannot be switched off: the difference is what statistics cost.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/sizes.h>
#include "measure.h"

#define SIZE		64
#define CAPACITY	SZ_1M

/**
 * struct cursor - a region that is handed out from its beginning to its end
 * @cur: next byte.
 * @end: end of the region.
 * @allocs: how many were handed out.
 * @memory: the region.
 */
struct cursor {
	unsigned long cur;
	unsigned long end;
	unsigned long allocs;
	void *memory;
};

static struct cursor cursor;

/**
 * struct shelf - free objects of a CPU
 * @count: how many.
 * @allocs: how many were ever taken.
 * @objects: the objects.
 */
struct shelf {
	unsigned long count;
	unsigned long allocs;
	void *objects[BENCH_BATCH];
};

static DEFINE_PER_CPU(struct shelf, shelf);

static __always_inline void *cursor_alloc(struct cursor *c, bool counted)
{
	unsigned long p = c->cur, end = p + SIZE;

	if (unlikely(end > c->end))
		return NULL;
	c->cur = end;
	if (counted)
		c->allocs++;
	return (void *)p;
}

static __always_inline void *shelf_alloc(bool counted)
{
	unsigned long left;
	void *p = NULL;

	preempt_disable();
	left = raw_cpu_read(shelf.count);
	if (likely(left)) {
		p = raw_cpu_read(shelf.objects[left - 1]);
		raw_cpu_write(shelf.count, left - 1);
		if (counted)
			raw_cpu_inc(shelf.allocs);
	}
	preempt_enable();
	return p;
}

static __always_inline void shelf_free(void *p)
{
	unsigned long count;

	preempt_disable();
	count = raw_cpu_read(shelf.count);
	if (likely(count < BENCH_BATCH)) {
		raw_cpu_write(shelf.objects[count], p);
		raw_cpu_write(shelf.count, count + 1);
	}
	preempt_enable();
}

static __always_inline void shelf_pair(bool counted)
{
	void *p = shelf_alloc(counted);

	bench_use(p);
	shelf_free(p);
}

static DEFINE_BENCH_LOOP(cursor_plain, &cursor, bench_use(cursor_alloc(it, false)));
static DEFINE_BENCH_LOOP(cursor_counted, &cursor, bench_use(cursor_alloc(it, true)));
static DEFINE_BENCH_LOOP(shelf_plain, 0, shelf_pair(false));
static DEFINE_BENCH_LOOP(shelf_counted, 0, shelf_pair(true));

static void rewind_cursor(void)
{
	cursor.cur = (unsigned long)cursor.memory;
	cursor.end = cursor.cur + CAPACITY;
}

static int create_cursor(void)
{
	cursor.memory = kvmalloc(CAPACITY, GFP_KERNEL);
	if (!cursor.memory)
		return -ENOMEM;
	rewind_cursor();
	return 0;
}

static int destroy_cursor(void)
{
	kvfree(cursor.memory);
	return 0;
}

/* One on every CPU; what it is stays unused. */
static int fill_shelves(void)
{
	struct shelf *s;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		s = per_cpu_ptr(&shelf, cpu);
		s->count = 1;
		s->objects[0] = &cursor;
	}
	return 0;
}

#define CURSOR	.setup = create_cursor, .undo = rewind_cursor, .teardown = destroy_cursor
#define SHELF	.percpu = true, .setup = fill_shelves

static const struct bench_case cases[] = {
	BENCH_AVERAGE("cursor_plain", "cursor, statistics off", cursor_plain, CURSOR),
	BENCH_AVERAGE("cursor_counted", "cursor, statistics on", cursor_counted, CURSOR),
	BENCH_AVERAGE("shelf_plain", "per-CPU array, statistics off", shelf_plain, SHELF),
	BENCH_AVERAGE("shelf_counted", "per-CPU array, statistics on", shelf_counted, SHELF),
};

const struct bench_table floor_table = { "hand", cases, ARRAY_SIZE(cases) };
