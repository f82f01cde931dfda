// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sampled guard pages, for kernels without KASAN: the module parameter guard_sample.
 *
 *	guard_sample=1000		one in 1000 of all pools and shared bump allocators
 *	guard_sample=100,conn*,parser	one in 100 of those whose names match
 *	guard_sample=0			none; that is the default
 *
 * A sampled object lies at the end of a page of its own, with a page behind it that is not mapped;
 * when it is freed its page is unmapped after a grace period. So a write or read behind it, or long
 * after it, faults where it happens, and the report of that fault says whose object it was and
 * where it was allocated and freed. The idea is that of KFENCE; that one serves kmalloc() only.
 *
 * The allocator has allocated a block for the object all the same, which is free again when the
 * object is: counts, limits and leaks are what they would be without. What lies in the page beside
 * the object is verified when it is freed.
 *
 * While an allocator is sampled its inline paths do not serve: that is what it costs. Of one that
 * is not, only what comes out of line all the same looks here.
 *
 *	empty -> ready		the worker has mapped a page
 *	ready -> taken -> live	an allocation; any context, by compare and exchange
 *	live -> freed		a free, a reset, or the end of the allocator; likewise
 *	freed -> gone		the worker has unmapped the page; what is known is kept for reports
 *	gone -> ready		the oldest first
 *
 * All but the worker, which holds the mutex, change a slot only after they have won its state. A
 * slot is found by the address of its page, which changes only while it is gone: the page of a live
 * object is its own.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/kdebug.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/vmalloc.h>
#include "../error/error.h"
#include "allocator.h"
#include "debug_param.h"
#include "guard_page.h"
#include "inject.h"
#include "later.h"

#define SLOTS		128
/* So many are kept ready. */
#define READY		32
#define CALLERS		8
#define PATTERNS_SIZE	200
#define FILL		0xa7

enum state {
	EMPTY,
	READY_SLOT,
	TAKEN,
	LIVE,
	FREED,
	GONE,
};

/* A place for an object. What has no comment of its own: the context that took the slot. */
struct slot {
	atomic_t state;				/* any context */
	unsigned long page;			/* its address; the worker */
	unsigned long gone;			/* jiffies when it was unmapped; the worker */
	const struct nebula_allocator *allocator;	/* NULL when that has gone */
	char name[NEBULA_NAME_SIZE];		/* of the allocator */
	void *object;				/* what the client has */
	void *block;				/* what the allocator has for it */
	size_t size;				/* bytes of the object */
	pid_t pid, free_pid;
	unsigned int nr, nr_free;		/* entries below */
	unsigned long stack[CALLERS], free_stack[CALLERS];
	struct nebula_later later;		/* unmaps the page */
};

/* There since the first time that any is sampled. Lock to change: mutex. */
static struct slot *slots;

/* The slot after @s, or the first; NULL at the end, or when there are none. */
static struct slot *slot_after(struct slot *s)
{
	if (!s)
		return READ_ONCE(slots);
	return s + 1 < slots + SLOTS ? s + 1 : NULL;
}

/* Of how many allocations one is sampled, 0 for none, and of whom. Lock to change: mutex. */
static unsigned int sample_every;
static char sample_patterns[PATTERNS_SIZE];
static bool initialised;
static DEFINE_MUTEX(mutex);

static atomic_t allocations = ATOMIC_INIT(0);	/* of those that are sampled; any context */

static atomic_t asked = ATOMIC_INIT(0);		/* the worker has been asked for; any context */

static bool move(struct slot *s, enum state from, enum state to)
{
	return atomic_cmpxchg(&s->state, from, to) == from;
}

static struct slot *oldest_unused(void)
{
	struct slot *s, *oldest = NULL;

	for (s = slot_after(NULL); s; s = slot_after(s)) {
		if (atomic_read(&s->state) == EMPTY)
			return s;
		if (atomic_read(&s->state) == GONE &&
		    (!oldest || time_before(s->gone, oldest->gone)))
			oldest = s;
	}
	return oldest;
}

static unsigned int count(enum state state)
{
	unsigned int n = 0;
	struct slot *s;

	for (s = slot_after(NULL); s; s = slot_after(s))
		n += atomic_read(&s->state) == state;
	return n;
}

/* vmalloc has handed @page out again: what lay there before is forgotten. Lock: mutex. */
static void forget_at(unsigned long page)
{
	struct slot *s;

	for (s = slot_after(NULL); s; s = slot_after(s))
		if (atomic_read(&s->state) == GONE &&
		    (page - s->page < 2 * PAGE_SIZE || s->page - page < 2 * PAGE_SIZE))
			WRITE_ONCE(s->page, 0);
}

/* Lock: mutex. Sleeps. */
static void make_ready(void)
{
	struct slot *s;
	unsigned int n;
	void *page;

	if (!sample_every || !initialised)
		return;
	if (!slots && !nebula_fault_hit())
		WRITE_ONCE(slots, kvcalloc(SLOTS, sizeof(*slots), GFP_KERNEL));
	for (n = count(READY_SLOT); slots && n < READY; n++) {
		s = oldest_unused();
		page = s && !nebula_fault_hit() ? vmalloc(PAGE_SIZE) : NULL;
		if (!page)
			return;
		forget_at((unsigned long)page);
		WRITE_ONCE(s->allocator, NULL);
		WRITE_ONCE(s->page, (unsigned long)page);
		atomic_set_release(&s->state, READY_SLOT);	/* Pairs with move(). */
	}
}

static void work(struct nebula_later *later)
{
	atomic_set(&asked, 0);
	smp_mb();	/* Pairs with the xchg: what asks from now on is served by another run. */
	mutex_lock(&mutex);
	make_ready();
	mutex_unlock(&mutex);
}

/* Any context. */
static void ask_for_work(void)
{
	static struct nebula_later later;

	if (!atomic_xchg(&asked, 1))
		nebula_later(&later, work);
}

static void unmap(struct nebula_later *later)
{
	struct slot *s = container_of(later, struct slot, later);

	mutex_lock(&mutex);
	vfree((void *)s->page);
	vm_unmap_aliases();		/* Now, not when the kernel gets round to it. */
	s->gone = jiffies;
	atomic_set_release(&s->state, GONE);
	make_ready();
	mutex_unlock(&mutex);
}

static struct slot *take_ready(void)
{
	struct slot *s;

	for (s = slot_after(NULL); s; s = slot_after(s))
		if (atomic_read(&s->state) == READY_SLOT && move(s, READY_SLOT, TAKEN))
			return s;
	return NULL;
}

void *nebula_guard_page_swap_slow(const struct nebula_allocator *a, void *block, size_t size,
				  size_t align)
{
	const unsigned int every = READ_ONCE(sample_every);
	unsigned long end;
	struct slot *s;

	if (!every || size > PAGE_SIZE || align > PAGE_SIZE ||
	    (unsigned int)atomic_inc_return(&allocations) % every)
		return block;
	s = take_ready();
	if (!s) {
		ask_for_work();
		return block;
	}
	memset((void *)s->page, FILL, PAGE_SIZE);
	end = s->page + PAGE_SIZE;
	s->object = (void *)ALIGN_DOWN(end - size, align);
	if (a->flags & NEBULA_ZERO)
		memset(s->object, 0, size);
	s->block = block;
	s->size = size;
	WRITE_ONCE(s->allocator, a);
	strscpy(s->name, nebula_allocator_name(a), sizeof(s->name));
	s->pid = current->pid;
	s->nr = nebula_callers(s->stack, CALLERS);
	s->nr_free = 0;
	atomic_set_release(&s->state, LIVE);
	ask_for_work();
	return s->object;
}

/* The slot in whose page, or in the page behind it, @addr lies. Any context. */
static struct slot *slot_of(unsigned long addr)
{
	struct slot *s;

	for (s = slot_after(NULL); s; s = slot_after(s))
		if (READ_ONCE(s->page) && addr - READ_ONCE(s->page) < 2 * PAGE_SIZE &&
		    atomic_read_acquire(&s->state) >= LIVE)
			return s;
	return NULL;
}

static bool is_filled(const void *from, const void *to)
{
	return !memchr_inv(from, FILL, to - from);
}

static void verify(struct slot *s)
{
	const void *page = (void *)s->page;
	const char *what = NULL;

	if (!is_filled(s->object + s->size, page + PAGE_SIZE))
		what = "memory behind the object";
	else if (!is_filled(page, s->object))
		what = "memory before the object";
	if (what)
		nebula_fail((struct nebula_allocator *)s->allocator, NEBULA_E_CORRUPTION,
			    .pointer = s->object, .size = s->size, .what = what);
}

/* Ends a live object; false when another context was faster. */
static bool end_object(struct slot *s)
{
	if (!move(s, LIVE, FREED))
		return false;
	s->free_pid = current->pid;
	s->nr_free = nebula_callers(s->free_stack, CALLERS);
	nebula_later(&s->later, unmap);
	return true;
}

/*
 * Ends the object at @obj, which is given back. With @copy what is in it is copied to the block.
 * Any context. Returns the block, which is to be freed in its place; NULL when it is none of ours;
 * an ERR_PTR() when it cannot be freed, which is recorded.
 */
void *nebula_guard_page_end(const struct nebula_allocator *a, void *obj, bool copy)
{
	struct slot *s = slot_of((unsigned long)obj);
	struct nebula_allocator *of = (struct nebula_allocator *)a;
	void *block;

	if (!s || READ_ONCE(s->allocator) != a)
		return NULL;
	if (obj != s->object)
		return ERR_PTR(nebula_fail(of, NEBULA_E_MISALIGNED_POINTER, .pointer = obj,
					   .what = "free", .offset = obj - s->object));
	if (atomic_read(&s->state) != LIVE)
		return ERR_PTR(nebula_fail(of, NEBULA_E_DOUBLE_FREE, .pointer = obj,
					   .what = "free"));
	block = s->block;
	verify(s);
	if (copy)
		memcpy(block, obj, s->size);
	if (end_object(s))
		return block;
	return ERR_PTR(nebula_fail(of, NEBULA_E_DOUBLE_FREE, .pointer = obj, .what = "free",
				   .detail = NEBULA_D_RACED));
}

/* The object for which the allocator has @block, which is most often the block. Any context. */
void *nebula_guard_page_object(const struct nebula_allocator *a, void *block)
{
	struct slot *s;

	for (s = slot_after(NULL); s; s = slot_after(s))
		if (atomic_read_acquire(&s->state) == LIVE && s->block == block &&
		    READ_ONCE(s->allocator) == a)
			return s->object;
	return block;
}

/* Is all of @size bytes at @p in a live object of the allocator? Any context. */
bool nebula_guard_page_holds(const struct nebula_allocator *a, const void *p, size_t size)
{
	const struct slot *s = slot_of((unsigned long)p);

	return s && READ_ONCE(s->allocator) == a && atomic_read(&s->state) == LIVE &&
	       p >= s->object && p - s->object <= s->size && size <= s->size - (p - s->object);
}

/*
 * All objects of the allocator have been given back; @for_ever: it goes itself. No context uses
 * them. Any context.
 */
void nebula_guard_page_drop(const struct nebula_allocator *a, bool for_ever)
{
	struct slot *s;

	for (s = slot_after(NULL); s; s = slot_after(s)) {
		if (READ_ONCE(s->allocator) != a)
			continue;
		if (atomic_read(&s->state) == LIVE) {
			verify(s);
			end_object(s);
		}
		if (for_ever)
			WRITE_ONCE(s->allocator, NULL);
	}
}

/* Is an allocator of this name sampled? Process context. */
bool nebula_guard_page_wanted(const char *name)
{
	return sample_every && (!*sample_patterns || nebula_patterns_match(sample_patterns, name));
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_guard_page_wanted);

static void print_stack(const char *what, pid_t pid, const unsigned long *stack, unsigned int nr)
{
	unsigned int i;

	if (!nr)
		return;
	pr_alert("   %s by pid %d:\n", what, pid);
	for (i = 0; i < nr; i++)
		pr_alert("      %pS\n", (void *)stack[i]);
}

static void report_access(const struct slot *s, unsigned long addr, bool exact)
{
	const unsigned long start = (unsigned long)s->object, end = start + s->size;
	const char *where = addr >= end ? "behind" : addr < start ? "before" : "into";
	const unsigned long by = addr >= end ? addr - end :
				 addr < start ? start - addr : addr - start;

	pr_alert("%s: access %s%lu bytes %s an object of %zu bytes\n", s->name,
		 exact ? "" : "by a register that points ", by, where, s->size);
}

static void report(struct slot *s, unsigned long addr, bool exact)
{
	const bool freed = atomic_read(&s->state) != LIVE;
	struct nebula_allocator *a = (struct nebula_allocator *)READ_ONCE(s->allocator);

	report_access(s, addr, exact);
	if (freed)
		pr_alert("   it is a use after free\n");
	print_stack("allocated", s->pid, s->stack, s->nr);
	print_stack("freed", s->free_pid, s->free_stack, s->nr_free);
	if (a)
		nebula_fail(a, freed ? NEBULA_E_USE_AFTER_FREE : NEBULA_E_CORRUPTION,
			    .pointer = s->object, .size = s->size, .what = "guard page");
}

#if defined(CONFIG_X86) && !defined(CONFIG_UML)

/*
 * What the fault was at: what the kernel has printed of it by now may have faulted, too, and then
 * the register that the access was made with is as good.
 */
static struct slot *slot_of_fault(const struct pt_regs *regs, unsigned long *addr, bool *exact)
{
	const unsigned long *reg = (const unsigned long *)regs;
	struct slot *s;
	size_t i;

	*addr = read_cr2();
	s = slot_of(*addr);
	*exact = s;
	for (i = 0; !s && i < sizeof(*regs) / sizeof(*reg); i++) {
		*addr = reg[i];
		s = slot_of(*addr);
	}
	return s;
}

#else

static struct slot *slot_of_fault(const struct pt_regs *regs, unsigned long *addr, bool *exact)
{
	return NULL;
}

#endif

static int on_die(struct notifier_block *nb, unsigned long event, void *args)
{
	const struct die_args *die = args;
	unsigned long addr;
	struct slot *s;
	bool exact;

	if (event != DIE_OOPS || !die->regs || user_mode(die->regs))
		return NOTIFY_DONE;
	s = slot_of_fault(die->regs, &addr, &exact);
	if (s)
		report(s, addr, exact);
	return NOTIFY_DONE;
}

static struct notifier_block die_notifier = {
	.notifier_call = on_die,
};

/* Sets what the parameter sets. Process context; sleeps. */
int nebula_guard_page_set(unsigned int every, const char *patterns)
{
	if (!nebula_patterns_valid(patterns) || strlen(patterns) >= PATTERNS_SIZE)
		return -EINVAL;
	mutex_lock(&mutex);
	WRITE_ONCE(sample_every, every);
	strscpy(sample_patterns, patterns, sizeof(sample_patterns));
	make_ready();
	mutex_unlock(&mutex);
	if (READ_ONCE(initialised))
		nebula_fastpath_update_sampled();
	return 0;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_guard_page_set);

/* Waits until the pages of all objects that were freed before are unmapped. */
void nebula_guard_page_flush(void)
{
	nebula_later_flush();
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_guard_page_flush);

static int set_sample(const char *val, const struct kernel_param *kp)
{
	char copy[PATTERNS_SIZE + 16], *text, *patterns;
	unsigned int every;

	if (strscpy(copy, val, sizeof(copy)) < 0)
		goto refused;
	text = strim(copy);
	patterns = strchr(text, ',');
	if (patterns)
		*patterns++ = '\0';
	if (kstrtouint(text, 0, &every) || nebula_guard_page_set(every, patterns ?: ""))
		goto refused;
	return 0;

refused:
	pr_err("guard_sample=%s: write a number, then patterns: guard_sample=1000,parser*,conn\n",
	       val);
	return -EINVAL;
}

static int get_sample(char *buf, const struct kernel_param *kp)
{
	int len;

	mutex_lock(&mutex);
	len = sysfs_emit(buf, "%u%s%s\n", sample_every, *sample_patterns ? "," : "",
			 sample_patterns);
	mutex_unlock(&mutex);
	return len;
}

static const struct kernel_param_ops sample_ops = {
	.set = set_sample,
	.get = get_sample,
};

module_param_cb(guard_sample, &sample_ops, NULL, 0600);
MODULE_PARM_DESC(guard_sample,
		 "one allocation in so many gets a guarded page; then patterns of names (default 0: none)");

/* Process context; sleeps. */
int nebula_guard_page_init(void)
{
	const int ret = register_die_notifier(&die_notifier);

	if (ret)
		return ret;
	mutex_lock(&mutex);
	initialised = true;
	make_ready();
	mutex_unlock(&mutex);
	return 0;
}

/* There is no allocator any more. Process context; sleeps. */
void nebula_guard_page_exit(void)
{
	struct slot *s;

	unregister_die_notifier(&die_notifier);
	WRITE_ONCE(sample_every, 0);
	/* Once for the pages, and once for what those ask for. */
	nebula_later_flush();
	nebula_later_flush();
	for (s = slot_after(NULL); s; s = slot_after(s))
		if (atomic_read(&s->state) == READY_SLOT)
			vfree((void *)s->page);
	kvfree(slots);
}
