// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures nebula_memory and the kernel's own allocators in the same boot.
 *
 * Each file in /sys/kernel/debug/nebula_bench has a line for each of its rows, measured while it is
 * read:
 *
 *	hot		rows that have a target and are steady
 *	pools		what may depend on how many CPUs there could be
 *	averages	all rows that are averages
 *	results		these, and single operations
 *	debugging	rows that change what is measured after them, until the next boot
 *	scaling		what two CPUs get done, see scale.c
 *	memory		what is held for looking at its size, see memory.c
 *
 * Figures are hundredths of a nanosecond for one operation, which are instructions where the clock
 * counts those, as it does in QEMU with -icount.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/timex.h>
#include "measure.h"
#include "memory.h"
#include "scale.h"

static const struct bench_table *const tables[] = {
	&empty_table,
	&floor_table,
	&slab_table,
	&bulk_peer_table,
	&copy_peer_table,
	&page_frag_table,
#ifdef CONFIG_GENERIC_ALLOCATOR
	&genalloc_table,
#endif
#ifdef BENCH_HAS_OBJPOOL
	&objpool_table,
#endif
	&request_peer_table,
	&bump_table,
	&pool_table,
	&bulk_table,
	&stack_table,
	&scratch_table,
	&charge_table,
	&grown_table,
	&lookup_table,
	&copy_table,
	&create_table,
	&refused_table,
	&typed_table,
	&request_table,
	&size_peer_table,
	&size_table,
	&debug_table,
	&debug_peer_table,
};

static struct dentry *dir;

/* The rows keep what they work on in one place, so one reader at a time. */
static DEFINE_MUTEX(measuring);

/**
 * struct row - a row that is being shown
 * @table: where it is from.
 * @c: itself.
 */
struct row {
	const struct bench_table *table;
	const struct bench_case *c;
};

/**
 * struct listing - a file of rows
 * @name: its name.
 * @has: whether a row is in it.
 */
struct listing {
	const char *name;
	bool (*has)(const struct row *row);
};

static bool is_hot(const struct row *row)
{
	return row->c->run && row->c->target && !row->c->unsteady;
}

static bool is_average(const struct row *row)
{
	return row->c->run && !row->table->last;
}

static bool is_result(const struct row *row)
{
	return !row->table->last;
}

static bool is_last(const struct row *row)
{
	return row->table->last;
}

static bool is_of_pools(const struct row *row)
{
	return row->table == &pool_table || row->table == &bulk_table;
}

static const struct listing listings[] = {
	{ "hot", is_hot },
	{ "pools", is_of_pools },
	{ "averages", is_average },
	{ "results", is_result },
	{ "debugging", is_last },
};

/* The row that is number @pos in the file. */
static struct row *row_at(const struct listing *list, loff_t pos)
{
	static struct row row;	/* Lock: @measuring. */
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		for (j = 0; j < tables[i]->nr; j++) {
			row = (struct row){ tables[i], &tables[i]->cases[j] };
			if (list->has(&row) && !pos--)
				return &row;
		}
	}
	return NULL;
}

static void *rows_start(struct seq_file *m, loff_t *pos)
{
	mutex_lock(&measuring);
	return *pos ? row_at(m->private, *pos - 1) : SEQ_START_TOKEN;
}

static void *rows_next(struct seq_file *m, void *v, loff_t *pos)
{
	return row_at(m->private, (*pos)++);
}

static void rows_stop(struct seq_file *m, void *v)
{
	mutex_unlock(&measuring);
}

/* Hundredths; less than nothing without one. */
static int target_of(const struct bench_case *c)
{
	if (c->target == BENCH_NO_MORE)
		return 0;
	return c->target ? 100 * c->target : -1;
}

/* How fast the counter of cycles runs, where the machine has one. */
static void show_clock(struct seq_file *m)
{
	unsigned long flags;
	cycles_t cycles;
	u64 begin, took;

	local_irq_save(flags);
	cycles = get_cycles();
	begin = ktime_get_ns();
	do {
		took = ktime_get_ns() - begin;
	} while (took < NSEC_PER_MSEC);
	cycles = get_cycles() - cycles;
	local_irq_restore(flags);
	seq_printf(m, "clock cycles=%llu ns=%llu\n", (u64)cycles, took);
}

static void show_figure(struct seq_file *m, const struct bench_figure *f)
{
	unsigned int i;

	seq_printf(m, "figure=%llu next=%llu most=%llu whole=%llu percentiles=", f->figure, f->next,
		   f->most, f->whole);
	for (i = 0; i < BENCH_PERCENTILES; i++)
		seq_printf(m, "%s%llu", i ? "," : "", f->percentiles[i]);
}

static int rows_show(struct seq_file *m, void *v)
{
	const struct row *row = v;
	const struct bench_case *c;
	struct bench_figure f = { };
	int err;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "# nebula bench v2\n");
		show_clock(m);
		return 0;
	}
	c = row->c;
	err = bench_measure(c, &f);
	seq_printf(m, "noun=%s name=%s error=%d ", row->table->noun, c->name, err);
	show_figure(m, &f);
	seq_printf(m, " target=%d percpu=%d kind=%s by=%s variant=%s code=%s%s%s peers=%s title=%s\n",
		   target_of(c), c->percpu, c->single ? "single" : "average",
		   row->table->by ?: "", c->variant ?: "", c->code, c->calls ? "," : "",
		   c->calls ?: "", c->peers ?: "", c->title);
	return 0;
}

static const struct seq_operations rows_sops = {
	.start	= rows_start,
	.next	= rows_next,
	.stop	= rows_stop,
	.show	= rows_show,
};
DEFINE_SEQ_ATTRIBUTE(rows);
DEFINE_SHOW_ATTRIBUTE(scaling);
DEFINE_SHOW_ATTRIBUTE(memory);

static int __init bench_init(void)
{
	unsigned int i;
	int err;

	err = memory_hold();
	if (err)
		return err;
	dir = debugfs_create_dir("nebula_bench", NULL);
	for (i = 0; i < ARRAY_SIZE(listings); i++)
		debugfs_create_file(listings[i].name, 0400, dir, (void *)&listings[i],
				    &rows_fops);
	debugfs_create_file("scaling", 0400, dir, NULL, &scaling_fops);
	debugfs_create_file("memory", 0400, dir, NULL, &memory_fops);
	return 0;
}

static void __exit bench_exit(void)
{
	debugfs_remove(dir);
	memory_release();
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Benchmark of nebula_memory against the kernel's own allocators");
MODULE_LICENSE("GPL");
