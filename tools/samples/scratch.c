// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to put a message together in a hard interrupt, where the stack is short and
 * the handler cannot wait: in scratch memory, without asking the page allocator.
 *
 * A timer interrupt samples the context that it interrupts. The message is formatted in memory that
 * the handler gets and puts; the addresses that go into it lie above it. The task that is sampled
 * has something in scratch memory too, below, and finds it as it was:
 *
 *	task       get(own)                                                            put(own)
 *	interrupt            get(message)  get(callers) put(callers)  put(message)
 *
 * Finished messages go to a ring. In /sys/kernel/debug/nebula_sample_scratch/
 *
 *	sample		a number: so many samples are taken
 *	messages	each read takes one off the ring
 *	taken, lost	samples of the latest run, and those of which there is no message
 *	pages		that the page allocator gave while messages were formatted
 *	control		what the same count says while the task allocates a page
 *	disturbed	how often what the task had in scratch memory was not as it should be
 */
#include <linux/debugfs.h>
#include <linux/kfifo.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/stacktrace.h>
#include <linux/vmstat.h>

#include <nebula/nebula.h>

#include "compat.h"

#define SAMPLES_MAX	1000
#define INTERVAL	ms_to_ktime(1)
#define MESSAGE_SIZE	SZ_2K
#define CALLERS		32
#define OWN_SIZE	SZ_1K
#define OWN_BYTE	0x5a

/* The latest run. All but @disturbed is the interrupt's while the timer runs. */
static struct {
	unsigned int wanted;
	u32 taken;
	u32 lost;
	u32 disturbed;
	unsigned long pages;
	unsigned long control;
} run;

static DEFINE_MUTEX(lock);	/* one run or one reader at a time */
static STRUCT_KFIFO_REC_2(SZ_32K) ring;
static struct nebula_scratch *scratch;
static struct hrtimer timer;
static struct dentry *dir;

/* That the page allocator ever gave on this CPU. With interrupts off only the handler gets any. */
static unsigned long pages_given(void)
{
	unsigned long pages = 0;
#ifdef CONFIG_VM_EVENT_COUNTERS
	unsigned int zone;

	for (zone = 0; zone < MAX_NR_ZONES; zone++)
		pages += raw_cpu_read(vm_event_states.event[PGALLOC_NORMAL - ZONE_NORMAL + zone]);
#endif
	return pages;
}

static size_t add_callers(char *to, size_t room)
{
	unsigned long *callers = nebula_scratch_get(scratch, CALLERS * sizeof(*callers),
						    __alignof__(*callers));
	unsigned int i, n;
	size_t size = 0;

	if (!callers)
		return 0;
	n = stack_trace_save(callers, CALLERS, 0);
	for (i = 0; i < n; i++)
		size += scnprintf(to + size, room - size, "  %pS\n", (void *)callers[i]);
	nebula_scratch_put(scratch, callers);
	return size;
}

/* False when there was no memory, or no room in the ring. */
static bool report(void)
{
	char *message = nebula_scratch_get(scratch, MESSAGE_SIZE, 1);
	size_t size;
	bool kept;

	if (!message)
		return false;
	size = scnprintf(message, MESSAGE_SIZE, "sample %u: CPU %d, %s[%d]\n", run.taken,
			 smp_processor_id(), current->comm, task_pid_nr(current));
	size += add_callers(message + size, MESSAGE_SIZE - size);
	kept = kfifo_in(&ring, message, size);
	nebula_scratch_put(scratch, message);
	return kept;
}

static enum hrtimer_restart take_sample(struct hrtimer *unused)
{
	const unsigned long before = pages_given();

	run.lost += !report();
	run.pages += pages_given() - before;
	WRITE_ONCE(run.taken, run.taken + 1);
	if (run.taken == run.wanted)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(&timer, INTERVAL);
	return HRTIMER_RESTART;
}

/* Something to interrupt. Preemption is off, and @own ends, on every way out. */
static bool keep_busy(void)
{
	CLASS(nebula_scratch, own)(scratch, OWN_SIZE, 1);

	if (!own.p)
		return false;
	memset(own.p, OWN_BYTE, OWN_SIZE);
	return !memchr_inv(own.p, OWN_BYTE, OWN_SIZE);
}

/* Is a page noticed at all? Others on this CPU may get some, too. */
static void count_a_page(void)
{
	const unsigned long before = pages_given();

	free_page(__get_free_page(GFP_KERNEL));
	run.control = pages_given() - before;
}

/* The timer stays on the CPU where it is started, and the task that it samples stays with it. */
static int take_samples(void *unused, u64 wanted)
{
	if (!wanted || wanted > SAMPLES_MAX)
		return -EINVAL;
	mutex_lock(&lock);
	memset(&run, 0, sizeof(run));
	run.wanted = wanted;
	migrate_disable();
	count_a_page();
	hrtimer_start(&timer, INTERVAL, HRTIMER_MODE_REL_PINNED_HARD);
	while (READ_ONCE(run.taken) < wanted && !signal_pending(current)) {
		run.disturbed += !keep_busy();
		cond_resched();
	}
	hrtimer_cancel(&timer);
	migrate_enable();
	mutex_unlock(&lock);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(sample_fops, NULL, take_samples, "%llu\n");

static ssize_t messages_read(struct file *file, char __user *to, size_t size, loff_t *pos)
{
	unsigned int copied = 0;
	int err;

	mutex_lock(&lock);
	err = kfifo_to_user(&ring, to, size, &copied);
	mutex_unlock(&lock);
	return err ?: copied;
}

static const struct file_operations messages_fops = {
	.owner	= THIS_MODULE,
	.read	= messages_read,
	.llseek	= noop_llseek,
};

static int __init sampler_init(void)
{
	scratch = nebula_scratch_create("sampler", .per_cpu_size = SZ_4K);
	if (IS_ERR(scratch))
		return PTR_ERR(scratch);
	INIT_KFIFO(ring);
	hrtimer_setup(&timer, take_sample, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	dir = debugfs_create_dir("nebula_sample_scratch", NULL);
	debugfs_create_file_unsafe("sample", 0200, dir, NULL, &sample_fops);
	debugfs_create_file("messages", 0400, dir, NULL, &messages_fops);
	debugfs_create_u32("taken", 0400, dir, &run.taken);
	debugfs_create_u32("lost", 0400, dir, &run.lost);
	debugfs_create_ulong("pages", 0400, dir, &run.pages);
	debugfs_create_ulong("control", 0400, dir, &run.control);
	debugfs_create_u32("disturbed", 0400, dir, &run.disturbed);
	return 0;
}

/* The timer has ended when no writer is left. */
static void __exit sampler_exit(void)
{
	debugfs_remove(dir);
	nebula_scratch_destroy(scratch);
}

module_init(sampler_init);
module_exit(sampler_exit);

MODULE_DESCRIPTION("Messages that a hard interrupt formats in scratch memory");
MODULE_LICENSE("GPL");
