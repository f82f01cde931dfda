// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failures on purpose, to test how callers handle them: the directory fail_alloc in debugfs. Its
 * knobs are those of the kernel's own fault injection, see Documentation/fault-injection; where the
 * kernel has none, they are ours and mean the same:
 *
 *	probability	of a failure, percent; 0 until it is written to
 *	interval	of so many candidates one fails
 *	times		so many fail altogether; -1 for no limit
 *	space		bytes that succeed first
 *	verbose		1: the kernel log has a line, 2: and a stack, of each failure
 *	names		patterns of allocators, separated by commas; ours in any case
 *
 * A candidate is any memory that this module asks the kernel for: create, growth, bookkeeping. Each
 * allocation from an allocator that names matches is one, too; such allocators are off their inline
 * paths. Scratch memory is left out, because its path must stay short, and nothing fails in an NMI.
 *
 * Tests make any step fail in which this module asks for memory, on every kernel: each step asks
 * nebula_fault_hit() first, which costs one read where nothing is armed.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/export.h>
#include <linux/fault-inject.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include "allocator.h"
#include "debug_param.h"
#include "fastpath.h"
#include "inject.h"
#include "text.h"

#define NAMES_SIZE	256

/* Lock: names_lock. */
static char names[NAMES_SIZE];
static DEFINE_MUTEX(names_lock);

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS

static DECLARE_FAULT_ATTR(attr);

static struct dentry *add_knobs(struct dentry *root)
{
	return fault_create_debugfs_attr("fail_alloc", root, &attr);
}

static bool is_on(void)
{
	return READ_ONCE(attr.probability);
}

static bool should_fail_now(size_t size)
{
	return should_fail(&attr, size);
}

static void knobs_read(struct nebula_fail_knobs *k)
{
	k->probability = attr.probability;
	k->interval = attr.interval;
	k->space = atomic_read(&attr.space);
	k->verbose = attr.verbose;
	k->times = atomic_read(&attr.times);
}

static void knobs_write(const struct nebula_fail_knobs *k)
{
	attr.verbose = k->verbose;
	atomic_set(&attr.times, k->times);
	WRITE_ONCE(attr.probability, k->probability);
}

#else

/* As struct fault_attr. */
struct knobs {
	u32 probability;	/* percent */
	u32 interval;		/* of so many one fails */
	u32 verbose;		/* how much is said */
	atomic_t times;		/* how many fail, or less than 0 */
	atomic_t space;		/* bytes that succeed first */
	atomic_t count;		/* candidates so far */
};

static struct knobs knobs = {
	.interval = 1,
	.verbose = 2,
	.times = ATOMIC_INIT(1),
};

static struct dentry *add_knobs(struct dentry *root)
{
	struct dentry *dir = debugfs_create_dir("fail_alloc", root);

	debugfs_create_u32("probability", 0600, dir, &knobs.probability);
	debugfs_create_u32("interval", 0600, dir, &knobs.interval);
	debugfs_create_atomic_t("times", 0600, dir, &knobs.times);
	debugfs_create_atomic_t("space", 0600, dir, &knobs.space);
	debugfs_create_u32("verbose", 0600, dir, &knobs.verbose);
	return dir;
}

static bool is_on(void)
{
	return READ_ONCE(knobs.probability);
}

static bool is_within_space(size_t size)
{
	int space = atomic_read(&knobs.space);

	if (space <= 0 || size >= space)
		return false;
	atomic_sub(size, &knobs.space);
	return true;
}

static bool should_fail_now(size_t size)
{
	const u32 interval = READ_ONCE(knobs.interval);

	if (!atomic_read(&knobs.times) || is_within_space(size))
		return false;
	if (interval > 1 && (u32)atomic_inc_return(&knobs.count) % interval)
		return false;
	if (READ_ONCE(knobs.probability) <= get_random_u32() % 100)
		return false;
	if (READ_ONCE(knobs.verbose))
		pr_notice_ratelimited("fail_alloc: %zu bytes\n", size);
	if (READ_ONCE(knobs.verbose) > 1 && __printk_ratelimit(__func__))
		dump_stack();
	atomic_add_unless(&knobs.times, -1, -1);
	return true;
}

static void knobs_read(struct nebula_fail_knobs *k)
{
	k->probability = knobs.probability;
	k->interval = knobs.interval;
	k->space = atomic_read(&knobs.space);
	k->verbose = knobs.verbose;
	k->times = atomic_read(&knobs.times);
}

static void knobs_write(const struct nebula_fail_knobs *k)
{
	knobs.verbose = k->verbose;
	atomic_set(&knobs.times, k->times);
	WRITE_ONCE(knobs.probability, k->probability);
}

#endif

/* Shall what this module asks the kernel for fail? Any context. */
bool nebula_fail_backing_hit(void)
{
	return unlikely(is_on()) && !in_nmi() && should_fail_now(0);
}

/*
 * Shall an allocation fail? Any context. Returns true when it has to fail, recorded with
 * NEBULA_D_INJECTED.
 */
bool nebula_fail_alloc_hit(const struct nebula_allocator *a, size_t size)
{
	return READ_ONCE(a->slow_reasons) & BIT(NEBULA_SLOW_FAIL) && is_on() && !in_nmi() &&
	       should_fail_now(size);
}

/* Is it one of the names? Process context; sleeps. */
bool nebula_fail_alloc_names(const char *name)
{
	bool is_one;

	mutex_lock(&names_lock);
	is_one = nebula_patterns_match(names, name);
	mutex_unlock(&names_lock);
	return is_one;
}

/* All knobs, for the module's info: lockdown closes their own files. Process context; sleeps. */
void nebula_fail_alloc_describe(struct nebula_text *t)
{
	struct nebula_fail_knobs k;

	knobs_read(&k);
	nebula_text_key(t, "fail probability", "%lu", k.probability);
	nebula_text_key(t, "fail interval", "%lu", k.interval);
	nebula_text_key(t, "fail times", "%d", k.times);
	nebula_text_key(t, "fail space", "%d", k.space);
	nebula_text_key(t, "fail verbose", "%lu", k.verbose);
	mutex_lock(&names_lock);
	nebula_text_key(t, "fail names", "%s", *names ? names : "none");
	mutex_unlock(&names_lock);
}

void nebula_fail_alloc_render(struct nebula_text *t)
{
	mutex_lock(&names_lock);
	nebula_text_printf(t, "%s\n", names);
	mutex_unlock(&names_lock);
}

/* Set the knobs, as who writes to their files. Process context. */
void nebula_fail_alloc_exchange(struct nebula_fail_knobs *k)
{
	const struct nebula_fail_knobs wanted = *k;

	knobs_read(k);
	knobs_write(&wanted);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_fail_alloc_exchange);

/* 0, or -EINVAL for what are no patterns. Process context; sleeps. */
int nebula_fail_alloc_set_names(const char *patterns)
{
	if (strlen(patterns) >= sizeof(names) || !nebula_patterns_valid(patterns))
		return -EINVAL;
	mutex_lock(&names_lock);
	strscpy(names, patterns, sizeof(names));
	mutex_unlock(&names_lock);
	nebula_fastpath_update_named();
	return 0;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_fail_alloc_set_names);

/* The directory below @root, with the knobs; the file names is added by debugfs/files.c. */
struct dentry *nebula_fail_alloc_init(struct dentry *root)
{
	return add_knobs(root);
}

/*
 * Steps left before the first failure and failures left; both zero while unarmed. Lock: fault_lock.
 */
static DEFINE_RAW_SPINLOCK(fault_lock);
static unsigned int fault_after;
static unsigned int fault_count;
static unsigned int fault_steps;
static bool fault_armed;

/*
 * Does a test want this allocation to fail? Context: any; what an NMI cannot count, it does not
 * fail. Returns true when the caller has to behave as if the kernel had no memory.
 */
bool nebula_fault_hit_test(void)
{
	unsigned long flags;
	bool hit = false;

	if (likely(!READ_ONCE(fault_armed)))
		return false;

	if (!raw_spin_trylock_irqsave(&fault_lock, flags)) {
		if (in_nmi())
			return false;
		raw_spin_lock_irqsave(&fault_lock, flags);
	}
	if (fault_armed) {
		fault_steps++;
		hit = fault_steps >= fault_after && fault_steps - fault_after < fault_count;
	}
	raw_spin_unlock_irqrestore(&fault_lock, flags);
	return hit;
}

/*
 * Must this allocation fail? A test asks for the failure, or a writer of fail_alloc in debugfs.
 * Memory that debugfs itself needs is subject to nebula_fault_hit_test() only, so that the result
 * can still be read. Context: any. Returns true when the caller has to behave as if the kernel had
 * no memory.
 */
bool nebula_fault_hit(void)
{
	return unlikely(nebula_fail_backing_hit()) || nebula_fault_hit_test();
}

/* Make allocations fail. Context: any but NMI. */
void nebula_fault_arm(unsigned int first, unsigned int count)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&fault_lock, flags);
	fault_after = first;
	fault_count = count;
	fault_steps = 0;
	WRITE_ONCE(fault_armed, true);
	raw_spin_unlock_irqrestore(&fault_lock, flags);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_fault_arm);

/*
 * Let allocations succeed again. Context: any but NMI. Returns steps seen since nebula_fault_arm().
 */
unsigned int nebula_fault_disarm(void)
{
	unsigned long flags;
	unsigned int steps;

	raw_spin_lock_irqsave(&fault_lock, flags);
	WRITE_ONCE(fault_armed, false);
	steps = fault_steps;
	raw_spin_unlock_irqrestore(&fault_lock, flags);
	return steps;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_fault_disarm);
