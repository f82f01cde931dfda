// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to write an allocator of one's own kind and combine it with others: memory
 * of a device, of which there is little, is divided by a bitmap, and descriptors are placed there
 * while there is room, and in ordinary memory when there is none. Who uses them need not know.
 *
 * What is checked, counted and shown in debugfs for every allocator, is for this one too.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/math.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/printk.h>
#include <linux/spinlock.h>

#include <nebula/nebula.h>
#include "compat.h"

#define CELL	64
#define CELLS	16

/* A real driver would map the device's memory here. */
static u8 device_memory[CELLS * CELL] __aligned(CELL);

/* How it is used. A free is not always told the size, hence the lengths. */
struct window {
	spinlock_t lock;		/* of what follows; any context */
	DECLARE_BITMAP(used, CELLS);	/* cells */
	u8 length[CELLS];		/* of what begins at a cell, in cells */
};

static struct window window = { .lock = __SPIN_LOCK_UNLOCKED(window.lock) };

/* Sizes that are absurd and alignments that are none do not come this far. */
static void *window_alloc(struct nebula_custom *c, size_t size, size_t align)
{
	struct window *w = c->data;
	unsigned long flags, cell;
	unsigned int n;

	if (size > sizeof(device_memory) || align > CELL)
		return NULL;
	n = DIV_ROUND_UP(size, CELL);
	spin_lock_irqsave(&w->lock, flags);
	cell = bitmap_find_next_zero_area(w->used, CELLS, 0, n, 0);
	if (cell < CELLS) {
		bitmap_set(w->used, cell, n);
		w->length[cell] = n;
	}
	spin_unlock_irqrestore(&w->lock, flags);
	return cell < CELLS ? &device_memory[cell * CELL] : NULL;
}

/* What is free already has no length. What is wrong with a free is recorded for us. */
static enum nebula_errc window_free(struct nebula_custom *c, void *p, size_t size)
{
	unsigned long cell = ((u8 *)p - device_memory) / CELL, flags;
	struct window *w = c->data;
	u8 length;

	spin_lock_irqsave(&w->lock, flags);
	length = w->length[cell];
	bitmap_clear(w->used, cell, length);
	w->length[cell] = 0;
	spin_unlock_irqrestore(&w->lock, flags);
	return length ? NEBULA_OK : NEBULA_E_DOUBLE_FREE;
}

/* A fallback asks it where to give memory back, so it has to be right about any address. */
static bool window_owns(const struct nebula_custom *c, const void *p)
{
	return p >= (void *)device_memory && p < (void *)device_memory + sizeof(device_memory);
}

static size_t window_capacity(const struct nebula_custom *c)
{
	return sizeof(device_memory);
}

static NEBULA_DEFINE_ALLOCATOR(device, .kind = "bitmap", .alloc = window_alloc,
			       .free = window_free, .owns = window_owns,
			       .capacity = window_capacity);

/* Of any length, as scatter-gather lists are. */
struct descriptor {
	struct list_head node;
	u32 nr;
	u64 segment[] __counted_by(nr);
};

static struct nebula_allocator *place;
static LIST_HEAD(descriptors);

static const char *where(const struct descriptor *d)
{
	return nebula_owns(&device, d) ? "device memory" : "ordinary memory";
}

static int add(u32 nr)
{
	struct descriptor *d = nebula_alloc_flex(place, *d, segment, nr);

	if (!d)
		return -ENOMEM;
	d->nr = nr;
	list_add_tail(&d->node, &descriptors);
	pr_info("%2u segments, %3zu bytes: %s\n", nr, struct_size(d, segment, nr), where(d));
	return 0;
}

/* It goes back to its owner. */
static void drop(struct descriptor *d)
{
	list_del(&d->node);
	nebula_free_sized(place, d, struct_size(d, segment, d->nr));
}

static void print_stats(void)
{
	struct nebula_stats st;

	nebula_stats_read(&device, &st);
	pr_info("device memory: %llu of %llu bytes for %llu objects, %llu requests did not fit\n",
		st.used, st.capacity, st.live, st.failures[NEBULA_E_OUT_OF_MEMORY]);
}

static int work(void)
{
	static const u32 lengths[] = { 6, 30, 14, 22, 14, 30, 6, 22 };
	struct descriptor *first;
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(lengths) && !err; i++)
		err = add(lengths[i]);
	if (err)
		return err;
	print_stats();
	first = list_first_entry(&descriptors, struct descriptor, node);
	pr_info("%2u segments are dropped, from %s\n", first->nr, where(first));
	drop(first);
	err = add(6);
	print_stats();
	return err;
}

/* What the allocator does not own, its functions never see. */
static void free_foreign(void)
{
	struct nebula_error err;

	nebula_free(&device, &window);
	if (nebula_last_error(&device, &err))
		pr_info("a free of what is no device memory: %s\n", nebula_errc_name(err.code));
}

static void clean_up(void)
{
	struct descriptor *d, *next;

	list_for_each_entry_safe(d, next, &descriptors, node)
		drop(d);
	nebula_composite_destroy(place);
	nebula_custom_unregister(&device);
}

static int __init custom_allocator_init(void)
{
	int err;

	device.data = &window;
	err = nebula_custom_register(&device, "device");
	if (err)
		return err;
	place = nebula_fallback_create("descriptors", &device, nebula_system_allocator());
	err = PTR_ERR_OR_ZERO(place) ?: work();
	if (err) {
		clean_up();
		return err;
	}
	free_foreign();
	return 0;
}

static void __exit custom_allocator_exit(void)
{
	clean_up();
}

module_init(custom_allocator_init);
module_exit(custom_allocator_exit);

MODULE_DESCRIPTION("nebula_memory sample: an allocator of one's own kind, and a fallback");
MODULE_LICENSE("GPL");
