// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine of the torture, see torture.h: threads that pick a slot at random, make what is
 * missing there, work on it, and end it, until the module is unloaded or the time is over.
 *
 * What was done is printed when the module is unloaded, and in the last line what became of it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/rwsem.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "torture.h"

#define THREADS_MAX	64
#define SLOTS		20

/* Most operations on an allocator before another one is picked. */
#define BURST		24

/* Faults that are printed as they happen. */
#define FAULTS_PRINTED	10

static unsigned int threads = 4;
module_param(threads, uint, 0444);
MODULE_PARM_DESC(threads, "Threads, 1 to 64 (default: 4)");

static u64 seed = 1;
module_param(seed, ullong, 0444);
MODULE_PARM_DESC(seed, "Where random decisions begin (default: 1)");

static unsigned int ms;
module_param(ms, uint, 0444);
MODULE_PARM_DESC(ms, "Milliseconds until the threads end, 0 to go on until rmmod (default: 0)");

static unsigned int leave;
module_param(leave, uint, 0444);
MODULE_PARM_DESC(leave, "Allocators to leave behind at rmmod, by turns of each kind (default: 0)");

static const struct torture_kind *const kinds[] = {
	[TORTURE_BUMP]			= &torture_bump,
	[TORTURE_BUMP_GROW]		= &torture_bump_grow,
	[TORTURE_BUMP_SHARED]		= &torture_bump_shared,
	[TORTURE_BUMP_SHARED_GROW]	= &torture_bump_shared_grow,
	[TORTURE_POOL]			= &torture_pool,
	[TORTURE_POOL_STRICT]		= &torture_pool_strict,
	[TORTURE_POOL_GROW]		= &torture_pool_grow,
	[TORTURE_STACK]			= &torture_stack,
	[TORTURE_STACK_SHARED]		= &torture_stack_shared,
	[TORTURE_SCRATCH]		= &torture_scratch,
	[TORTURE_CUSTOM]		= &torture_custom,
	[TORTURE_FALLBACK]		= &torture_fallback,
	[TORTURE_SPLIT]			= &torture_split,
	[TORTURE_BUDGET]		= &torture_budget,
	[TORTURE_CACHE]			= &torture_cache,
	[TORTURE_CACHE_DEDUP]		= &torture_cache_dedup,
	[TORTURE_CACHE_ASYNC]		= &torture_cache_async,
};

static_assert(ARRAY_SIZE(kinds) == TORTURE_KINDS);

static const char *const count_names[] = {
	[TORTURE_CREATED]	= "created",
	[TORTURE_UNMADE]	= "unmade",
	[TORTURE_ALLOCS]	= "allocs",
	[TORTURE_FULL]		= "full",
	[TORTURE_FREES]		= "frees",
	[TORTURE_RESETS]	= "resets",
	[TORTURE_MISTAKES]	= "mistakes",
	[TORTURE_LOOKS]		= "looks",
};

static_assert(ARRAY_SIZE(count_names) == TORTURE_COUNTS);

/**
 * struct slot - a place for an allocator
 * @lock: held for writing by who is alone with it.
 * @subject: the allocator, or NULL. Lock: @lock.
 */
struct slot {
	struct rw_semaphore lock;
	struct torture_subject *subject;
};

static struct slot slots[SLOTS];
static struct torture_thread *crew;
static unsigned long deadline;
static bool stopping;

/* The first fault is the one that the last line names. */
static atomic_t faults = ATOMIC_INIT(0);
static char first_fault[128];

void torture_fault(const char *fmt, ...)
{
	int n = atomic_inc_return(&faults);
	char text[sizeof(first_fault)];
	va_list args;

	va_start(args, fmt);
	vscnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (n == 1)
		memcpy(first_fault, text, sizeof(text));
	if (n <= FAULTS_PRINTED)
		pr_err("fault: %s\n", text);
}

/* Errors, as others hear of them. */

static DEFINE_MUTEX(listen_lock);
static bool listening;			/* Lock: listen_lock */
static atomic_long_t heard = ATOMIC_LONG_INIT(0);

/* One at a time, and never an older one after a newer one, unless it was repeated. */
static int hear(struct notifier_block *nb, unsigned long code, void *data)
{
	const struct nebula_error *err = data;
	static char text[1024];
	static u64 newest;

	if (err->seq <= newest && !err->repeated)
		torture_fault("notifier: error %llu after %llu", err->seq, newest);
	newest = max(newest, err->seq);
	if (code != err->code || !err->name[0])
		torture_fault("notifier: error %llu is of nobody, or of two kinds", err->seq);
	if (nebula_error_snprint(text, sizeof(text), err) <= 0)
		torture_fault("notifier: error %llu is silent", err->seq);
	atomic_long_inc(&heard);
	return NOTIFY_OK;
}

static struct notifier_block listener = { .notifier_call = hear };

static void listen(bool on)
{
	mutex_lock(&listen_lock);
	if (on != listening) {
		if (on ? nebula_error_notifier_register(&listener)
		       : nebula_error_notifier_unregister(&listener))
			torture_fault("notifier: cannot be switched");
		listening = on;
	}
	mutex_unlock(&listen_lock);
}

/* Names of all lengths; some are the same, and some would be a hidden directory elsewhere. */
static void choose_name(struct torture_thread *t, char name[NEBULA_NAME_MAX + 1])
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789_-.";
	unsigned int len = 1 + torture_random(t, torture_random(t, 4) ? 12 : NEBULA_NAME_MAX), i;

	if (!torture_random(t, 4)) {
		strscpy(name, "twin", NEBULA_NAME_MAX + 1);
		return;
	}
	for (i = 0; i < len; i++)
		name[i] = set[torture_random(t, i ? sizeof(set) - 1 : 32)];
	name[len] = '\0';
}

static void refuse_creation(struct torture_thread *t, const struct torture_subject *s)
{
	static const char *const names[] = { NULL, "", ".", "..", "a/b", "a b", "\xff" };
	const char *name = names[torture_random(t, ARRAY_SIZE(names))];
	void *made[] = {
		nebula_bump_create(name, .capacity = SZ_4K),
		nebula_pool_create("x", .block_size = 8, .blocks = 8, .flags = NEBULA_SHARED),
		nebula_stack_create("x", .capacity = SZ_4K, .flags = NEBULA_GROW),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(made); i++)
		if (made[i] != ERR_PTR(-EINVAL))
			torture_fault("a wrong configuration makes %pe", made[i]);
	torture_count(t, s, TORTURE_MISTAKES);
}

static struct torture_subject *create(struct torture_thread *t, const struct torture_kind *kind)
{
	struct torture_subject *s = kvzalloc(sizeof(*s), GFP_KERNEL);
	char name[NEBULA_NAME_MAX + 1];
	void *made;

	if (!s)
		return NULL;
	s->kind = kind;
	s->allocators = 1;
	if (!torture_random(t, 8))
		refuse_creation(t, s);
	choose_name(t, name);
	made = kind->create(t, s, name);
	if (!IS_ERR_OR_NULL(made)) {
		torture_count(t, s, TORTURE_CREATED);
		return s;
	}
	if (made && made != ERR_PTR(-ENOMEM))
		torture_fault("%s: creation ends with %pe", kind->name, made);
	torture_count(t, s, TORTURE_UNMADE);
	kvfree(s->buffer);
	kvfree(s);
	return NULL;
}

/* Mostly in order; otherwise what is live is reported. */
static void destroy(struct torture_thread *t, struct torture_subject *s)
{
	torture_audit(t, s);
	if (s->kind->free && torture_random(t, 8))
		while (torture_give(t, s))
			;
	s->kind->destroy(s);
	kvfree(s->buffer);
	kvfree(s);
}

static void work(struct torture_thread *t, struct torture_subject *s)
{
	unsigned int n;

	for (n = 1 + torture_random(t, BURST); n; n--) {
		u32 what = torture_random(t, 8);

		if (!s->kind->alloc || what == 7)
			s->kind->more(t, s);
		else if (what < 4 || !s->kind->free)
			torture_take(t, s);
		else
			torture_give(t, s);
	}
}

static void work_alone(struct torture_thread *t, struct torture_subject *s)
{
	torture_audit(t, s);
	torture_err(t, s);
	if (s->kind->alone)
		s->kind->alone(t, s);
	torture_audit(t, s);
	work(t, s);
}

/* Nothing is made any more once the threads begin to end what there is. */
static void turn_alone(struct torture_thread *t, struct slot *slot)
{
	if (!down_write_trylock(&slot->lock))
		return;
	if (!slot->subject) {
		if (!READ_ONCE(stopping))
			slot->subject = create(t, kinds[torture_random(t, TORTURE_KINDS)]);
	} else if (!torture_random(t, 4)) {
		destroy(t, slot->subject);
		slot->subject = NULL;
	} else {
		work_alone(t, slot->subject);
	}
	up_write(&slot->lock);
}

/* Returns false when that takes a thread that is alone. */
static bool turn_shared(struct torture_thread *t, struct slot *slot)
{
	bool shared;

	if (!down_read_trylock(&slot->lock))
		return true;
	shared = slot->subject && slot->subject->kind->shared;
	if (shared)
		work(t, slot->subject);
	up_read(&slot->lock);
	return shared;
}

static void turn(struct torture_thread *t)
{
	struct slot *slot = &slots[torture_random(t, SLOTS)];

	if (!torture_random(t, 8) || !turn_shared(t, slot))
		turn_alone(t, slot);
	if (!torture_random(t, 256))
		listen(torture_random(t, 2));
}

/* Each thread ends what is in its share of the slots. */
static void destroy_share(struct torture_thread *t)
{
	unsigned int i;

	for (i = t->index; i < SLOTS; i += threads) {
		down_write(&slots[i].lock);
		if (slots[i].subject)
			destroy(t, slots[i].subject);
		slots[i].subject = NULL;
		up_write(&slots[i].lock);
	}
}

static int thread_main(void *data)
{
	struct torture_thread *t = data;

	set_user_nice(current, MAX_NICE);
	while (!READ_ONCE(stopping)) {
		turn(t);
		cond_resched();
		if (ms && time_after(jiffies, deadline))
			WRITE_ONCE(stopping, true);
	}
	destroy_share(t);
	complete(&t->done);
	return 0;
}

static int start(struct torture_thread *t, unsigned int index)
{
	struct task_struct *task;

	t->index = index;
	init_completion(&t->done);
	prandom_seed_state(&t->random, seed + index);
	task = kthread_create(thread_main, t, "nebula_torture/%u", index);
	if (IS_ERR(task))
		return PTR_ERR(task);
	t->task = get_task_struct(task);
	wake_up_process(task);
	return 0;
}

/* A thread that is stopped before it ran would never run. */
static void stop_all(void)
{
	unsigned int i;

	WRITE_ONCE(stopping, true);
	for (i = 0; i < threads; i++) {
		if (!crew[i].task)
			continue;
		wait_for_completion(&crew[i].done);
		kthread_stop(crew[i].task);
		put_task_struct(crew[i].task);
	}
	listen(false);
}

/* Every second one with what is live in it. How many allocators, parts of others included. */
static unsigned int leave_behind(void)
{
	struct torture_thread *t = &crew[0];
	unsigned int left = 0, i, n;

	t->leaving = true;
	for (i = 0; i < leave; i++) {
		struct torture_subject *s = create(t, kinds[i % TORTURE_KINDS]);

		if (!s)
			continue;
		for (n = i % 2 && s->kind->alloc ? BURST : 0; n; n--)
			torture_take(t, s);
		left += s->allocators;
		/* All that could have told us where it is. */
		kvfree(s);
	}
	return left;
}

static void print_counts(const struct torture_kind *kind)
{
	unsigned int what, i, len = 0;
	char line[200];

	for (what = 0; what < TORTURE_COUNTS; what++) {
		unsigned long sum = 0;

		for (i = 0; i < threads; i++)
			sum += crew[i].counts[kind->id][what];
		len += scnprintf(line + len, sizeof(line) - len, "%s%lu %s", len ? ", " : "", sum,
				 count_names[what]);
	}
	pr_info("%s: %s\n", kind->name, line);
}

static void print_end(void)
{
	unsigned int i, left = leave_behind();

	for (i = 0; i < TORTURE_KINDS; i++)
		print_counts(kinds[i]);
	pr_info("%ld errors heard\n", atomic_long_read(&heard));
	pr_info("%u allocators left behind\n", left);
	if (atomic_read(&faults))
		pr_info("End of torture: FAILURE: %s (%d faults)\n", first_fault,
			atomic_read(&faults));
	else
		pr_info("End of torture: SUCCESS\n");
}

static void end(void)
{
	stop_all();
	torture_contexts_exit();
	print_end();
	kvfree(crew);
}

static int __init torture_init(void)
{
	unsigned int i;
	int err;

	threads = clamp(threads, 1U, (unsigned int)THREADS_MAX);
	crew = kvcalloc(threads, sizeof(*crew), GFP_KERNEL);
	if (!crew)
		return -ENOMEM;
	for (i = 0; i < SLOTS; i++)
		init_rwsem(&slots[i].lock);
	deadline = jiffies + msecs_to_jiffies(ms);
	torture_contexts_init();
	pr_info("%u threads, seed %llu, %u ms, leave %u\n", threads, seed, ms, leave);
	for (i = 0; i < threads; i++) {
		err = start(&crew[i], i);
		if (err) {
			leave = 0;
			end();
			return err;
		}
	}
	return 0;
}
module_init(torture_init);

static void __exit torture_exit(void)
{
	end();
}
module_exit(torture_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Torture of nebula_memory: all kinds of allocators, from many threads, with mistakes");
