// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures nebula_memory and the kernel's own allocators in the same boot.
 *
 * /sys/kernel/debug/nebula_bench/results has a line for each row, measured while it is read. The
 * figures are hundredths of a nanosecond for one operation, which are instructions where the clock
 * counts those, as it does in QEMU with -icount. What the file scaling has is in scale.c, what is
 * held for looking at its size in memory.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include "measure.h"
#include "memory.h"
#include "scale.h"

static const struct bench_table *const tables[] = {
	&empty_table,
	&slab_table,
#ifdef CONFIG_GENERIC_ALLOCATOR
	&genalloc_table,
#endif
	&bump_table,
	&pool_table,
	&stack_table,
	&scratch_table, &typed_table,
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

static struct row *row_at(loff_t pos)
{
	static struct row row;	/* Lock: @measuring. */
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		if (pos < tables[i]->nr) {
			row = (struct row){ tables[i], &tables[i]->cases[pos] };
			return &row;
		}
		pos -= tables[i]->nr;
	}
	return NULL;
}

static void *results_start(struct seq_file *m, loff_t *pos)
{
	mutex_lock(&measuring);
	return *pos ? row_at(*pos - 1) : SEQ_START_TOKEN;
}

static void *results_next(struct seq_file *m, void *v, loff_t *pos)
{
	return row_at((*pos)++);
}

static void results_stop(struct seq_file *m, void *v)
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

static int results_show(struct seq_file *m, void *v)
{
	const struct row *row = v;
	const struct bench_case *c;
	struct bench_figure f = { };
	int err;

	if (v == SEQ_START_TOKEN) {
		seq_puts(m, "# nebula bench v1\n");
		return 0;
	}
	c = row->c;
	err = bench_measure(c, &f);
	seq_printf(m, "noun=%s name=%s error=%d figure=%llu next=%llu most=%llu target=%d ",
		   row->table->noun, c->name, err, f.figure, f.next, f.most, target_of(c));
	seq_printf(m, "kind=%s code=%s%s%s peers=%s title=%s\n",
		   c->worst ? "worst" : "average", c->code, c->calls ? "," : "", c->calls ?: "",
		   c->peers ?: "", c->title);
	return 0;
}

static const struct seq_operations results_sops = {
	.start	= results_start,
	.next	= results_next,
	.stop	= results_stop,
	.show	= results_show,
};
DEFINE_SEQ_ATTRIBUTE(results);
DEFINE_SHOW_ATTRIBUTE(scaling);

static int __init bench_init(void)
{
	int err = memory_hold();

	if (err)
		return err;
	dir = debugfs_create_dir("nebula_bench", NULL);
	debugfs_create_file("results", 0400, dir, NULL, &results_fops);
	debugfs_create_file("scaling", 0400, dir, NULL, &scaling_fops);
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
