// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/nebula_memory: info, summary, errors, clear, fail_alloc/, and for each
 * allocator allocators/<name>/{info,stats,errors,reset_peak}, and of
 * {live,map,validate,cache_depth} what the kind has. Budgets and caches have a
 * file each, budgets/<name> and caches/<name>.
 *
 * A file's text is rendered whole when it is opened; reading takes no lock and sees one moment.
 * What an allocator has here is made when it is first looked for, see lookup.c.
 *
 * debugfs itself keeps a directory's removal waiting while one of its files is being opened, so
 * rendering never meets a freed allocator.
 *
 * Under lockdown debugfs opens only files of mode 0444 or less. So what is read has mode 0400, what
 * only does something has a file of its own with mode 0200, and the value of a knob, mode 0600, is
 * in a file that can be read, too.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/utsname.h>
#include "../core/config.h"
#include "../core/inject.h"
#include "../core/inspect.h"
#include "../core/memops.h"
#include "../core/stats.h"
#include "../error/error.h"
#include "files.h"
#include "lookup.h"

#define BAR_WIDTH	40

/* Allocators that are read in one go, and longest text that can be written. */
#define ROWS_AT_ONCE	64
#define WRITE_MAX	256

/* A debugfs file. */
struct nebula_file {
	const char *name;	/* its name */
	/*
	 * Writes its text; @reg is NULL for the files of the module. NULL for a file that only does
	 * something. Process context.
	 */
	void (*render)(struct nebula_text *t, const struct nebula_registration *reg);
	/* of a file without @render: called for a write of any bytes */
	int (*act)(const struct nebula_registration *reg);
	/* of a knob: called for a write of a text without blanks around it; else NULL */
	int (*set)(const struct nebula_registration *reg, const char *text);
};

static struct dentry *root;
static struct dentry *dirs[NEBULA_DIR_NR];

static const char *const dir_names[] = {
	[NEBULA_DIR_ALLOCATORS]	= "allocators",
	[NEBULA_DIR_BUDGETS]	= "budgets",
	[NEBULA_DIR_CACHES]	= "caches",
};

static_assert(ARRAY_SIZE(dir_names) == NEBULA_DIR_NR);

static const struct nebula_kind_ops *ops_of(const struct nebula_registration *reg)
{
	return reg->allocator->ops;
}

/* @permille of a bar. */
static void draw_bar(char bar[BAR_WIDTH + 1], u64 permille)
{
	unsigned int filled = min_t(u64, permille, 1000) * BAR_WIDTH / 1000;

	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', filled);
	bar[BAR_WIDTH] = '\0';
}

static void put_permille(struct nebula_text *t, const char *key, unsigned int permille)
{
	nebula_text_key(t, key, "%u.%u%%", permille / 10, permille % 10);
}

static void render_info(struct nebula_text *t, const struct nebula_registration *unused)
{
	struct nebula_region_totals totals;
	struct nebula_stats system;
	struct nebula_error_counts errors;

	nebula_region_totals(&totals);
	nebula_error_counts(&errors);
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
	nebula_text_key(t, "errors", "%llu", errors.recorded + errors.repeated);
	nebula_text_key(t, "errors repeated", "%llu", errors.repeated);
	nebula_text_key(t, "errors lost", "%llu", errors.lost);
	nebula_text_key(t, "errors unheard", "%llu", errors.unheard);
	nebula_memops_describe(t);
	nebula_fail_alloc_describe(t);
}

/* What summary shows of an allocator. */
struct row {
	char name[NEBULA_NAME_SIZE];	/* its name */
	const char *kind;		/* its kind */
	char owner[MODULE_NAME_LEN];	/* the module it belongs to */
	u64 used;			/* bytes in use */
	u64 capacity;			/* bytes mapped */
	u64 peak;			/* highest use, bytes */
	u64 allocs;			/* allocations served */
	u64 failed;			/* requests refused */
	unsigned int utilisation;	/* in tenths of a percent */
};

/* All of them. */
struct rows {
	struct row *row;	/* the rows */
	unsigned int nr;	/* how many */
	unsigned int room;	/* how many there can be */
};

static void add_row(const struct nebula_registration *reg, void *data)
{
	struct rows *rows = data;
	struct row *row = &rows->row[rows->nr++];
	struct nebula_stats st;

	nebula_allocator_stats_read(reg->allocator, &st);
	strscpy(row->name, reg->name, sizeof(row->name));
	strscpy(row->owner, nebula_owner_name(reg), sizeof(row->owner));
	row->kind = nebula_kind_name(reg->allocator->ops->kind);
	row->used = st.used;
	row->capacity = st.capacity;
	row->peak = st.peak;
	row->allocs = st.allocs;
	row->failed = st.failed;
	row->utilisation = st.utilisation;
}

/* A few at a time, so that create and destroy never wait for long. */
static void collect_rows(struct rows *rows)
{
	u64 id = 0;

	do {
		id = nebula_registry_visit(id, min(ROWS_AT_ONCE, rows->room - rows->nr), add_row,
					   rows);
		cond_resched();
	} while (id && rows->nr < rows->room);
}

/* The largest first. */
static int by_use(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->used != y->used)
		return x->used < y->used ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void put_row(struct nebula_text *t, const struct row *row)
{
	char used[NEBULA_BYTES_SIZE], capacity[NEBULA_BYTES_SIZE], peak[NEBULA_BYTES_SIZE];

	nebula_text_printf(t, "%-20s %-8s %12s %12s %4u.%u%%", row->name, row->kind,
			   nebula_bytes_str(used, row->used),
			   nebula_bytes_str(capacity, row->capacity), row->utilisation / 10,
			   row->utilisation % 10);
	nebula_text_printf(t, " %12s %12llu %8llu  %s\n", nebula_bytes_str(peak, row->peak),
			   row->allocs, row->failed, row->owner);
}

static void render_summary(struct nebula_text *t, const struct nebula_registration *unused)
{
	struct rows rows = { .room = nebula_registry_count() };
	unsigned int i;

	nebula_text_printf(t, "%-20s %-8s %12s %12s %7s %12s %12s %8s  %s\n", "name", "kind",
			   "used", "capacity", "full", "peak", "allocs", "failures", "owner");
	rows.row = kvcalloc(max(rows.room, 1U), sizeof(*rows.row),
			    GFP_KERNEL | __GFP_NOWARN);
	if (!rows.row) {
		t->failed = true;
		return;
	}
	collect_rows(&rows);
	sort(rows.row, rows.nr, sizeof(*rows.row), by_use, NULL);
	for (i = 0; i < rows.nr; i++) {
		put_row(t, &rows.row[i]);
		cond_resched();
	}
	kvfree(rows.row);
}

static void render_errors(struct nebula_text *t, const struct nebula_registration *unused)
{
	nebula_errors_render(t, NULL);
}

static void render_allocator_info(struct nebula_text *t, const struct nebula_registration *reg)
{
	const struct nebula_allocator *a = reg->allocator;
	u64 age_ms = div_u64(ktime_get_boottime_ns() - reg->created_ns, NSEC_PER_MSEC);
	char comm[NEBULA_COMM_SIZE];

	nebula_text_key(t, "name", "%s", reg->name);
	nebula_text_key(t, "kind", "%s", nebula_kind_name(a->ops->kind));
	nebula_text_key(t, "owner", "%s", nebula_owner_name(reg));
	nebula_text_key(t, "created by", "%s[%d]", nebula_comm_str(comm, reg->comm),
			reg->pid);
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

static unsigned int largest_class(const struct nebula_sizes *sizes)
{
	unsigned int i, largest = 0;

	for (i = 0; i < NEBULA_SIZE_CLASSES; i++)
		if (sizes->count[i] > sizes->count[largest])
			largest = i;
	return largest;
}

/* How often which sizes were asked for, where they are counted. */
static void put_sizes(struct nebula_text *t, const struct nebula_allocator *a)
{
	struct nebula_sizes sizes;
	char bar[BAR_WIDTH + 1];
	unsigned int i;
	u64 most;

	if (!nebula_allocator_sizes_read(a, &sizes))
		return;
	most = max_t(u64, sizes.count[largest_class(&sizes)], 1);
	nebula_text_printf(t, "sizes:\n");
	for (i = 0; i < NEBULA_SIZE_CLASSES; i++) {
		if (!sizes.count[i])
			continue;
		draw_bar(bar, div64_u64(sizes.count[i] * 1000, most));
		nebula_text_printf(t, "  %10lu to %-10lu %12llu [%s]\n", 1UL << i,
				   (2UL << i) - 1, sizes.count[i], bar);
	}
}

static void render_allocator_stats(struct nebula_text *t, const struct nebula_registration *reg)
{
	char bar[BAR_WIDTH + 1];
	struct nebula_stats st;
	u32 hundredths;
	u64 turnover;

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
	draw_bar(bar, st.utilisation);
	nebula_text_key(t, "utilisation", "%u.%u%% [%s]", st.utilisation / 10,
			st.utilisation % 10, bar);
	nebula_text_bytes(t, "average size", nebula_share(st.bytes_in, st.allocs, 1));
	put_permille(t, "padding waste",
		     nebula_share(st.padding, st.bytes_in + st.padding, 1000));
	turnover = div_u64_rem(nebula_share(st.bytes_in, st.capacity, 100), 100, &hundredths);
	nebula_text_key(t, "turnover", "%llu.%02u times", turnover, hundredths);
	put_permille(t, "failure rate",
		     nebula_share(st.failed, st.allocs + st.failed, 1000));
	put_failures(t, &st);
	put_sizes(t, reg->allocator);
}

/* With one owner at a time it is the owner's call. */
static int reset_peak(const struct nebula_registration *reg)
{
	if (reg->allocator->ops->one_owner)
		return -EBUSY;
	return nebula_allocator_peak_reset(reg->allocator);
}

static int clear_errors(const struct nebula_registration *unused)
{
	nebula_errors_clear();
	return 0;
}

static void render_allocator_errors(struct nebula_text *t, const struct nebula_registration *reg)
{
	nebula_errors_render(t, reg);
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
	nebula_validate_render(reg->allocator, t);
}

static void render_cache_depth(struct nebula_text *t, const struct nebula_registration *reg)
{
	nebula_text_printf(t, "%u\n", ops_of(reg)->cache_depth(reg->allocator));
}

static int set_cache_depth(const struct nebula_registration *reg, const char *text)
{
	unsigned int depth;
	int ret = kstrtouint(text, 0, &depth);

	return ret ?: ops_of(reg)->set_cache_depth(reg->allocator, depth);
}

static void render_names(struct nebula_text *t, const struct nebula_registration *unused)
{
	nebula_fail_alloc_render(t);
}

static int set_names(const struct nebula_registration *unused, const char *text)
{
	return nebula_fail_alloc_set_names(text);
}

static const struct nebula_file module_files[] = {
	{ .name = "info",	.render = render_info },
	{ .name = "summary",	.render = render_summary },
	{ .name = "errors",	.render = render_errors },
	{ .name = "clear",	.act = clear_errors },
};

static const struct nebula_file names_file = {
	.name = "names", .render = render_names, .set = set_names,
};

static const struct nebula_file allocator_files[] = {
	{ .name = "info",	.render = render_allocator_info },
	{ .name = "stats",	.render = render_allocator_stats },
	{ .name = "errors",	.render = render_allocator_errors },
	{ .name = "live",	.render = render_live },
	{ .name = "map",	.render = render_map },
	{ .name = "validate",	.render = render_validate },
	{ .name = "cache_depth", .render = render_cache_depth,
	  .set = set_cache_depth },
	{ .name = "reset_peak",	.act = reset_peak },
};

static const struct nebula_file *file_of(const struct inode *inode)
{
	return inode->i_private;
}

/* Whose directory the file lies in; NULL for the files of the module. */
static const struct nebula_registration *reg_of(const struct file *filp)
{
	return d_inode(file_dentry(filp)->d_parent)->i_private;
}

/* The text that @filp reads; freed when it could not be rendered. */
static int finish_text(struct file *filp, struct nebula_text *t)
{
	filp->private_data = t;
	if (!t->failed)
		return 0;
	nebula_text_free(t);
	kfree(t);
	return -ENOMEM;
}

static int file_open(struct inode *inode, struct file *filp)
{
	const struct nebula_file *file = file_of(inode);
	struct nebula_text *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return -ENOMEM;
	if (filp->f_mode & FMODE_READ && file->render) {
		nebula_text_printf(t, "# nebula %s v1\n", file->name);
		file->render(t, reg_of(filp));
	}
	return finish_text(filp, t);
}

/* The file of what is no allocator. */
static int show_open(struct inode *inode, struct file *filp)
{
	const struct nebula_registration *reg = inode->i_private;
	struct nebula_text *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return -ENOMEM;
	nebula_text_printf(t, "# nebula %s v1\n", nebula_kind_name(reg->allocator->ops->kind));
	ops_of(reg)->show(reg->allocator, t);
	return finish_text(filp, t);
}

static ssize_t file_read(struct file *filp, char __user *buf, size_t count, loff_t *pos)
{
	const struct nebula_text *t = filp->private_data;

	return simple_read_from_buffer(buf, count, pos, t->buf, t->len);
}

static ssize_t write_text(struct file *filp, const char __user *buf, size_t count)
{
	char text[WRITE_MAX];
	int ret;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, count))
		return -EFAULT;
	text[count] = '\0';
	/* What lies behind a zero byte was not meant. */
	if (strlen(text) != count)
		return -EINVAL;
	ret = file_of(file_inode(filp))->set(reg_of(filp), strim(text));
	return ret ?: count;
}

/* What is written to a file that only does something does not matter. */
static ssize_t file_write(struct file *filp, const char __user *buf, size_t count, loff_t *pos)
{
	const struct nebula_file *file = file_of(file_inode(filp));
	int ret;

	if (file->set)
		return write_text(filp, buf, count);
	if (!file->act)
		return -EPERM;
	ret = file->act(reg_of(filp));
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

static const struct file_operations show_ops = {
	.owner		= THIS_MODULE,
	.open		= show_open,
	.read		= file_read,
	.llseek		= default_llseek,
	.release	= file_release,
};

static umode_t mode_of(const struct nebula_file *file)
{
	if (!file->render)
		return 0200;
	return file->set ? 0600 : 0400;
}

static void add_file(const struct nebula_file *file, struct dentry *dir)
{
	debugfs_create_file(file->name, mode_of(file), dir, (void *)file, &file_ops);
}

static void make_private(struct dentry *dir)
{
	if (!IS_ERR_OR_NULL(dir))
		d_inode(dir)->i_mode = S_IFDIR | 0700;
}

static struct dentry *add_dir(const char *name, struct dentry *parent)
{
	struct dentry *dir = debugfs_create_dir(name, parent);

	make_private(dir);
	return dir;
}

static bool has(const struct nebula_kind_ops *ops, const struct nebula_file *file)
{
	if (file->render == render_live)
		return ops->live;
	if (file->render == render_map)
		return ops->map;
	if (file->render == render_validate)
		return ops->validate;
	return file->render != render_cache_depth || ops->cache_depth;
}

/*
 * Makes what an allocator, or a budget, has: a directory with files, or a file. As everywhere with
 * debugfs, they work without: errors are not looked at.
 */
void nebula_debugfs_show(struct nebula_registration *reg)
{
	unsigned int i;

	if (ops_of(reg)->show) {
		reg->dir = debugfs_create_file(reg->name, 0400, dirs[ops_of(reg)->dir], reg,
					       &show_ops);
		return;
	}
	reg->dir = add_dir(reg->name, dirs[NEBULA_DIR_ALLOCATORS]);
	if (IS_ERR(reg->dir))
		return;
	d_inode(reg->dir)->i_private = reg;
	for (i = 0; i < ARRAY_SIZE(allocator_files); i++)
		if (has(ops_of(reg), &allocator_files[i]))
			add_file(&allocator_files[i], reg->dir);
}

void nebula_debugfs_add(struct nebula_registration *reg)
{
	nebula_lookup_add(reg);
}

/* Waits for files of @reg that are being opened. Not under any lock that opening takes. */
void nebula_debugfs_remove(struct nebula_registration *reg)
{
	nebula_lookup_remove(reg);
	debugfs_remove(reg->dir);
}

static void add_fail_alloc(void)
{
	struct dentry *dir = nebula_fail_alloc_init(root);

	make_private(dir);
	add_file(&names_file, dir);
}

void nebula_debugfs_init(void)
{
	unsigned int i;

	root = add_dir("nebula_memory", NULL);
	for (i = 0; i < NEBULA_DIR_NR; i++) {
		dirs[i] = add_dir(dir_names[i], root);
		if (!IS_ERR_OR_NULL(dirs[i]))
			nebula_lookup_watch(d_inode(dirs[i]));
	}
	for (i = 0; i < ARRAY_SIZE(module_files); i++)
		add_file(&module_files[i], root);
	add_fail_alloc();
}

void nebula_debugfs_exit(void)
{
	nebula_lookup_exit();
	debugfs_remove(root);
}
