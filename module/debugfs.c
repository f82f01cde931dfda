// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/nebula_memory: info, summary, errors, and for each allocator
 * allocators/<name>/{info,stats,errors}, and of {live,map,validate,cache_depth} what the kind has.
 *
 * A file's text is rendered whole when it is opened; reading takes no lock and sees one moment.
 * debugfs itself keeps a directory's removal waiting while one of its files is being opened, so
 * rendering never meets a freed allocator.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/utsname.h>
#include "config.h"

#define BAR_WIDTH	40

/**
 * struct nebula_file - a debugfs file
 * @name: its name.
 * @render: writes its text; @reg is NULL for the files of the module. Process context.
 * @clear: called for a write of any bytes, or NULL.
 * @set: called for a write of a number, or NULL. Without both the file is read only.
 * @needs: offset of the operation that the kind has to have, or 0.
 */
struct nebula_file {
	const char *name;
	void (*render)(struct nebula_text *t, const struct nebula_registration *reg);
	void (*clear)(void);
	int (*set)(const struct nebula_registration *reg, unsigned int value);
	size_t needs;
};

#define NEEDS(op)	.needs = offsetof(struct nebula_kind_ops, op)

static struct dentry *root;
static struct dentry *allocators;

static const struct nebula_kind_ops *ops_of(const struct nebula_registration *reg)
{
	return nebula_kind_ops(reg->allocator->kind);
}

static void put_utilisation(struct nebula_text *t, unsigned int permille)
{
	char bar[BAR_WIDTH + 1];
	unsigned int filled = min(permille, 1000U) * BAR_WIDTH / 1000;

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', filled);
	bar[BAR_WIDTH] = '\0';
	nebula_text_key(t, "utilisation", "%u.%u%% [%s]", permille / 10, permille % 10, bar);
}

static void render_info(struct nebula_text *t, const struct nebula_registration *unused)
{
	struct nebula_region_totals totals;
	struct nebula_stats system;
	u64 recorded, lost;

	nebula_region_totals(&totals);
	nebula_error_counts(&recorded, &lost);
	nebula_text_key(t, "version", "%s", NEBULA_VERSION);
	nebula_text_key(t, "abi", "%u", NEBULA_ABI);
	nebula_text_key(t, "kernel", "%s", init_utsname()->release);
	nebula_text_key(t, "cpus", "%u", num_possible_cpus());
	nebula_text_key(t, "nmi safe", "%s", NEBULA_NMI_SAFE ? "yes" : "no");
	nebula_text_key(t, "allocators", "%u", nebula_registry_count());
	nebula_text_key(t, "regions", "%llu", totals.mapped - totals.unmapped);
	nebula_text_bytes(t, "region bytes", totals.mapped_bytes - totals.unmapped_bytes);
	nebula_text_key(t, "regions mapped", "%llu", totals.mapped);
	nebula_allocator_stats_read(nebula_system_allocator(), &system);
	nebula_text_key(t, "system live", "%llu", system.live);
	nebula_text_bytes(t, "system bytes", system.used);
	nebula_text_key(t, "errors", "%llu", recorded);
	nebula_text_key(t, "errors lost", "%llu", lost);
}

static void put_row(const struct nebula_registration *reg, void *data)
{
	const struct nebula_allocator *a = reg->allocator;
	char used[NEBULA_BYTES_SIZE], capacity[NEBULA_BYTES_SIZE], peak[NEBULA_BYTES_SIZE];
	struct nebula_text *t = data;
	struct nebula_stats st;

	nebula_allocator_stats_read(a, &st);
	nebula_text_printf(t, "%-20s %-8s %12s %12s %4u.%u%%", reg->name,
			   nebula_kind_ops(a->kind)->name, nebula_bytes_str(used, st.used),
			   nebula_bytes_str(capacity, st.capacity), st.utilisation / 10,
			   st.utilisation % 10);
	nebula_text_printf(t, " %12s %12llu %8llu  %s\n", nebula_bytes_str(peak, st.peak),
			   st.allocs, st.failed, module_name(reg->owner));
}

static void render_summary(struct nebula_text *t, const struct nebula_registration *unused)
{
	nebula_text_printf(t, "%-20s %-8s %12s %12s %7s %12s %12s %8s  %s\n", "name", "kind",
			   "used", "capacity", "full", "peak", "allocs", "failures", "owner");
	nebula_registry_for_each(put_row, t);
}

static void render_errors(struct nebula_text *t, const struct nebula_registration *unused)
{
	nebula_errors_render(t, NULL);
}

static void render_allocator_info(struct nebula_text *t, const struct nebula_registration *reg)
{
	const struct nebula_allocator *a = reg->allocator;
	const struct nebula_kind_ops *ops = ops_of(reg);
	u64 age_ms = div_u64(ktime_get_boottime_ns() - reg->created_ns, NSEC_PER_MSEC);

	nebula_text_key(t, "name", "%s", reg->name);
	nebula_text_key(t, "kind", "%s", ops->name);
	nebula_text_key(t, "owner", "%s", module_name(reg->owner));
	nebula_text_key(t, "created by", "%s[%d]", reg->comm, reg->pid);
	nebula_text_key(t, "age", "%llu ms", age_ms);
	nebula_config_describe(a, t);
}

static void put_failures(struct nebula_text *t, const struct nebula_stats *st)
{
	unsigned int code;

	nebula_text_key(t, "failures", "%llu", st->failed);
	for (code = NEBULA_OK + 1; code < NEBULA_E_NR; code++)
		if (st->failures[code])
			nebula_text_printf(t, "  %-24s %llu\n", nebula_errc_name(code),
					   st->failures[code]);
}

static void render_allocator_stats(struct nebula_text *t, const struct nebula_registration *reg)
{
	struct nebula_stats st;

	nebula_allocator_stats_read(reg->allocator, &st);
	nebula_text_key(t, "allocs", "%llu", st.allocs);
	nebula_text_key(t, "frees", "%llu", st.frees);
	nebula_text_key(t, "live", "%llu", st.live);
	nebula_text_key(t, "resets", "%llu", st.resets);
	nebula_text_bytes(t, "bytes in", st.bytes_in);
	nebula_text_bytes(t, "bytes out", st.bytes_out);
	nebula_text_bytes(t, "padding", st.padding);
	nebula_text_bytes(t, "used", st.used);
	nebula_text_bytes(t, "available", st.available);
	nebula_text_bytes(t, "capacity", st.capacity);
	nebula_text_bytes(t, "max capacity", st.max_capacity);
	nebula_text_bytes(t, "peak", st.peak);
	nebula_text_key(t, "regions", "%llu", st.regions);
	nebula_text_key(t, "grows", "%llu", st.grows);
	put_utilisation(t, st.utilisation);
	put_failures(t, &st);
}

static void render_allocator_errors(struct nebula_text *t, const struct nebula_registration *reg)
{
	nebula_errors_render(t, reg->name);
}

static void render_live(struct nebula_text *t, const struct nebula_registration *reg)
{
	ops_of(reg)->live(reg->allocator, t);
}

static void render_map(struct nebula_text *t, const struct nebula_registration *reg)
{
	ops_of(reg)->map(reg->allocator, t);
}

static void render_validate(struct nebula_text *t, const struct nebula_registration *reg)
{
	ops_of(reg)->validate(reg->allocator, t);
}

static void render_cache_depth(struct nebula_text *t, const struct nebula_registration *reg)
{
	nebula_text_printf(t, "%u\n", ops_of(reg)->cache_depth(reg->allocator));
}

static int set_cache_depth(const struct nebula_registration *reg, unsigned int value)
{
	return ops_of(reg)->set_cache_depth(reg->allocator, value);
}

static const struct nebula_file module_files[] = {
	{ .name = "info",	.render = render_info },
	{ .name = "summary",	.render = render_summary },
	{ .name = "errors",	.render = render_errors, .clear = nebula_errors_clear },
};

static const struct nebula_file allocator_files[] = {
	{ .name = "info",	.render = render_allocator_info },
	{ .name = "stats",	.render = render_allocator_stats },
	{ .name = "errors",	.render = render_allocator_errors },
	{ .name = "live",	.render = render_live,		NEEDS(live) },
	{ .name = "map",	.render = render_map,		NEEDS(map) },
	{ .name = "validate",	.render = render_validate,	NEEDS(validate) },
	{ .name = "cache_depth", .render = render_cache_depth,	NEEDS(cache_depth),
	  .set = set_cache_depth },
};

static_assert(ARRAY_SIZE(allocator_files) == NEBULA_ALLOCATOR_FILES);

static int file_open(struct inode *inode, struct file *filp)
{
	const struct nebula_node *node = inode->i_private;
	struct nebula_text *t = kzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return -ENOMEM;
	nebula_text_printf(t, "# nebula %s v1\n", node->file->name);
	node->file->render(t, node->reg);
	if (t->failed) {
		nebula_text_free(t);
		kfree(t);
		return -ENOMEM;
	}
	filp->private_data = t;
	return 0;
}

static ssize_t file_read(struct file *filp, char __user *buf, size_t count, loff_t *pos)
{
	const struct nebula_text *t = filp->private_data;

	return simple_read_from_buffer(buf, count, pos, t->buf, t->len);
}

/* What is written to a file that is cleared does not matter. */
static ssize_t file_write(struct file *filp, const char __user *buf, size_t count, loff_t *pos)
{
	const struct nebula_node *node = file_inode(filp)->i_private;
	unsigned int value;
	int ret;

	if (node->file->clear) {
		node->file->clear();
		return count;
	}
	if (!node->file->set)
		return -EPERM;
	ret = kstrtouint_from_user(buf, count, 0, &value);
	if (!ret)
		ret = node->file->set(node->reg, value);
	return ret ?: count;
}

static int file_release(struct inode *inode, struct file *filp)
{
	struct nebula_text *t = filp->private_data;

	nebula_text_free(t);
	kfree(t);
	return 0;
}

static const struct file_operations file_ops = {
	.owner		= THIS_MODULE,
	.open		= file_open,
	.read		= file_read,
	.write		= file_write,
	.llseek		= default_llseek,
	.release	= file_release,
};

static void add_file(struct nebula_node *node, struct dentry *dir)
{
	const bool writable = node->file->clear || node->file->set;

	debugfs_create_file(node->file->name, writable ? 0600 : 0400, dir, node, &file_ops);
}

static struct dentry *add_dir(const char *name, struct dentry *parent)
{
	struct dentry *dir = debugfs_create_dir(name, parent);

	if (!IS_ERR(dir))
		d_inode(dir)->i_mode = S_IFDIR | 0700;
	return dir;
}

static bool has(const struct nebula_kind_ops *ops, const struct nebula_file *file)
{
	return !file->needs || *(void *const *)((const char *)ops + file->needs);
}

/* As everywhere with debugfs, an allocator works without its files: errors are not looked at. */
void nebula_debugfs_add(struct nebula_registration *reg)
{
	unsigned int i;

	reg->dir = add_dir(reg->name, allocators);
	for (i = 0; i < ARRAY_SIZE(allocator_files); i++) {
		reg->nodes[i] = (struct nebula_node){ .file = &allocator_files[i], .reg = reg };
		if (has(ops_of(reg), &allocator_files[i]))
			add_file(&reg->nodes[i], reg->dir);
	}
}

/* Waits for files of @reg that are being opened. Not under any lock that opening takes. */
void nebula_debugfs_remove(struct nebula_registration *reg)
{
	debugfs_remove(reg->dir);
}

void nebula_debugfs_init(void)
{
	static struct nebula_node nodes[ARRAY_SIZE(module_files)];
	unsigned int i;

	root = add_dir("nebula_memory", NULL);
	allocators = add_dir("allocators", root);
	for (i = 0; i < ARRAY_SIZE(module_files); i++) {
		nodes[i].file = &module_files[i];
		add_file(&nodes[i], root);
	}
}

void nebula_debugfs_exit(void)
{
	debugfs_remove(root);
}
