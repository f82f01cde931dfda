/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The differences between kernels that only the module sees; <nebula/compat.h> has those of the
 * inline headers.
 */
#ifndef _NEBULA_MODULE_COMPAT_H
#define _NEBULA_MODULE_COMPAT_H

#include <linux/gfp.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/stacktrace.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <nebula/compat.h>

/* Kernels with memory allocation profiling: the variants that leave the charge with our caller. */
#ifdef alloc_hooks
#define compat_alloc_pages_node		alloc_pages_node_noprof
#else
#define compat_alloc_pages_node		alloc_pages_node
#endif

/*
 * Memory without a lock of the kernel's, from any context. Since 7.0 what kmalloc_nolock() gave may
 * be freed by kfree(), so that nothing has to remember where it came from.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#define COMPAT_HAS_NOLOCK		true
#define compat_alloc_pages_nolock(node, order)	alloc_pages_nolock_noprof(0, node, order)
#define compat_zalloc_nolock(size)	kmalloc_nolock(size, __GFP_ZERO, NUMA_NO_NODE)
#define compat_free_nolock(p)		kfree_nolock(p)
#else
#define COMPAT_HAS_NOLOCK		false
#define compat_alloc_pages_nolock(node, order)	((void)(node), (void)(order), (struct page *)NULL)
#define compat_zalloc_nolock(size)	((void)(size), (void *)NULL)
#define compat_free_nolock(p)		((void)(p))
#endif

/*
 * Up to 6.4 a flag of its own said that a request is atomic, and the page allocator warned when it
 * may sleep all the same.
 */
#ifdef __GFP_ATOMIC
static inline gfp_t compat_gfp(gfp_t gfp)
{
	return gfp & __GFP_DIRECT_RECLAIM ? gfp & ~__GFP_ATOMIC : gfp;
}
#else
#define compat_gfp(gfp)			(gfp)
#endif

/*
 * What vmalloc takes; newer ones warn of anything else. What else a client may ask for has to be
 * asked of the page allocator.
 */
#define COMPAT_VMALLOC_GFP	(GFP_KERNEL_ACCOUNT | GFP_USER | GFP_ATOMIC | GFP_NOWAIT |	\
				 __GFP_NOWARN | __GFP_ZERO | __GFP_NORETRY |			\
				 __GFP_RETRY_MAYFAIL | __GFP_NOLOCKDEP)

/* Without CONFIG_STACKTRACE no call stack is known. */
#ifdef CONFIG_STACKTRACE
#define compat_stack_save		stack_trace_save
#else
static inline unsigned int compat_stack_save(unsigned long *entries, unsigned int size,
					     unsigned int skip)
{
	return 0;
}
#endif

/* Since 6.7 the kernel allocates shrinkers. */
typedef unsigned long (*compat_shrinker_fn)(struct shrinker *s, struct shrink_control *sc);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
static inline struct shrinker *compat_shrinker_create(const char *name, compat_shrinker_fn count,
						      compat_shrinker_fn scan)
{
	struct shrinker *s = shrinker_alloc(0, "%s", name);

	if (!s)
		return NULL;
	s->count_objects = count;
	s->scan_objects = scan;
	s->seeks = DEFAULT_SEEKS;
	shrinker_register(s);
	return s;
}

static inline void compat_shrinker_destroy(struct shrinker *s)
{
	shrinker_free(s);
}
#else
static inline struct shrinker *compat_shrinker_create(const char *name, compat_shrinker_fn count,
						      compat_shrinker_fn scan)
{
	struct shrinker *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->count_objects = count;
	s->scan_objects = scan;
	s->seeks = DEFAULT_SEEKS;
	if (!register_shrinker(s, "%s", name))
		return s;
	kfree(s);
	return NULL;
}

static inline void compat_shrinker_destroy(struct shrinker *s)
{
	unregister_shrinker(s);
	kfree(s);
}
#endif

/* Since 6.5, and in late 6.1.y. */
#ifndef struct_size_t
#define struct_size_t(type, member, count)	struct_size((type *)NULL, member, count)
#endif

/* vmalloc with huge pages: one function takes a node, its predecessor does not. */
#ifdef vmalloc_huge_node
#define COMPAT_VMALLOC_TAKES_NODE	1
#define compat_vmalloc(size, gfp, node)	vmalloc_huge_node_noprof(size, gfp, node)
#else
#define COMPAT_VMALLOC_TAKES_NODE	0
#define compat_vmalloc(size, gfp, node)	((void)(node), vmalloc_huge(size, gfp))
#endif

/*
 * The highest order of pages; MAX_ORDER was one more than it before 6.4 and became MAX_PAGE_ORDER
 * in 6.8.
 */
#ifdef MAX_PAGE_ORDER
#define COMPAT_MAX_PAGE_ORDER		MAX_PAGE_ORDER
#else
#define COMPAT_MAX_PAGE_ORDER		(MAX_ORDER - 1)
#endif

/* For work that need not run on the CPU it was queued on; since 6.18 it has another name. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define compat_unbound_wq		system_dfl_wq
#else
#define compat_unbound_wq		system_unbound_wq
#endif

/* Where a module's text lies; since 6.4 each kind of memory has a place of its own. */
static inline void compat_module_text(const struct module *mod, unsigned long *start,
				      unsigned long *size)
{
#ifdef mod_mem_type_is_init
	*start = (unsigned long)mod->mem[MOD_TEXT].base;
	*size = mod->mem[MOD_TEXT].size;
#else
	*start = (unsigned long)mod->core_layout.base;
	*size = mod->core_layout.text_size;
#endif
}

static inline void compat_module_init_text(const struct module *mod, unsigned long *start,
					   unsigned long *size)
{
#ifdef mod_mem_type_is_init
	*start = (unsigned long)mod->mem[MOD_INIT_TEXT].base;
	*size = mod->mem[MOD_INIT_TEXT].size;
#else
	*start = (unsigned long)mod->init_layout.base;
	*size = mod->init_layout.text_size;
#endif
}

/* Since 6.3 what maps the ids of a mount has a type of its own. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define compat_idmap			mnt_idmap
#else
#define compat_idmap			user_namespace
#endif

/* Since 6.18 a workqueue whose work stays on its CPU says so. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
#define COMPAT_WQ_PERCPU		WQ_PERCPU
#else
#define COMPAT_WQ_PERCPU		0
#endif

/* Since 6.13 a timer gets its function where it is set up. */
static inline void compat_hrtimer_setup(struct hrtimer *timer,
					enum hrtimer_restart (*fn)(struct hrtimer *timer),
					clockid_t clock, enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, fn, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = fn;
#endif
}

#endif /* _NEBULA_MODULE_COMPAT_H */
