/* SPDX-License-Identifier: GPL-2.0-only */
/* What an allocator is to the module: its kind, its registration, how full it is. */
#ifndef _NEBULA_MODULE_CORE_ALLOCATOR_H
#define _NEBULA_MODULE_CORE_ALLOCATOR_H

#include <linux/list.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <nebula/allocator.h>
#include <nebula/budget.h>
#include <nebula/bump.h>
#include <nebula/cache.h>
#include <nebula/compose.h>
#include <nebula/config.h>
#include <nebula/custom.h>
#include <nebula/error.h>
#include <nebula/pool.h>
#include <nebula/scratch.h>
#include <nebula/stack.h>
#include <nebula/stats.h>
#include "text.h"
#include "../error/slot.h"

#define NEBULA_VERSION	"0.1.0"

/*
 * The kernel's switches init_on_alloc and init_on_free, in &struct nebula_allocator.flags beside
 * the client's. The first comes with %NEBULA_ZERO, unless the kind keeps all its free memory zeroed
 * instead, %NEBULA_CLEAN.
 */
#define NEBULA_INIT_ON_ALLOC	BIT(29)
#define NEBULA_INIT_ON_FREE	BIT(30)
#define NEBULA_CLEAN		BIT(31)

/* Functions that the KUnit module calls beyond the public ones. */
#if IS_ENABLED(CONFIG_KUNIT)
#define EXPORT_SYMBOL_FOR_NEBULA_KUNIT(symbol)	EXPORT_SYMBOL_GPL(symbol)
#else
#define EXPORT_SYMBOL_FOR_NEBULA_KUNIT(symbol)
#endif

/* Entries of a call stack that are kept. */
#define NEBULA_CALLERS_MAX	8

unsigned int nebula_callers(unsigned long *entries, unsigned int max);

/* How full an allocator is. */
struct nebula_usage {
	size_t used;		/* bytes in use */
	size_t available;	/* bytes of @capacity not in use */
	size_t capacity;	/* bytes mapped */
	size_t max_capacity;	/* bytes it may grow to */
	size_t peak;		/* highest @used */
	/* Bytes of the blocks that a pool promises; it may have more in use. Else 0. */
	size_t promised;
	/* bytes of a pool's block, or of what a CPU has of scratch memory; else 0 */
	size_t unit;
	bool growth_pending;	/* growth was asked for and is on its way */
	bool waiters;		/* tasks wait for a block of a pool */
	bool buffer;		/* its memory was lent by the client */
	const struct nebula_budget *budget;	/* charged for its memory, or NULL */
};

/* Where the files of a kind are, and its names are unique. */
enum nebula_dir {
	NEBULA_DIR_ALLOCATORS = 0,	/* a directory for each, in allocators/ */
	NEBULA_DIR_BUDGETS,		/* a file for each, in budgets/ */
	NEBULA_DIR_CACHES,		/* a file for each, in caches/ */
	NEBULA_DIR_NR			/* number of directories */
};

/* What the common code needs of each kind. */
struct nebula_kind_ops {
	enum nebula_kind kind;
	/*
	 * Where its files are. What is in another than allocators/ is no allocator: it has no
	 * @alloc, @free, @owns and @describe, and is not counted as one.
	 */
	enum nebula_dir dir;
	/* lines of its file, or NULL for an allocator; process context */
	void (*show)(struct nebula_allocator *a, struct nebula_text *t);
	/* any context in which the kind serves; checks all that it is given */
	void *(*alloc)(struct nebula_allocator *a, size_t size, size_t align);
	void (*free)(struct nebula_allocator *a, void *p, size_t size);	/* as @alloc */
	/* does an address lie in its memory? Any context */
	bool (*owns)(const struct nebula_allocator *a, const void *p);
	/* any context */
	void (*usage)(const struct nebula_allocator *a, struct nebula_usage *u);
	/*
	 * Fills in what is neither @usage nor derived; any context. Exact when no operation is in
	 * flight, see stats.c.
	 */
	void (*stats)(const struct nebula_allocator *a, struct nebula_stats *st);
	/* lines for debugfs' info; process context */
	void (*describe)(const struct nebula_allocator *a, struct nebula_text *t);
	/*
	 * Does a task wait in it, or has it open scopes or reserves? NULL for a kind without. Any
	 * context.
	 */
	bool (*in_use)(const struct nebula_allocator *a);
	/*
	 * Starts the grace period of blocks that wait for one; false: there are none. NULL for a
	 * kind without. Process context.
	 */
	bool (*flush)(struct nebula_allocator *a);
	/* ends all that goes on in it and unregisters it, the owner is gone; process context */
	void (*retire)(struct nebula_allocator *a);
	/* frees it, after a grace period; process context */
	void (*release)(struct nebula_allocator *a);
	bool reports_live;	/* its @retire records what is live as LEAK */
	bool one_owner;		/* one owner at a time changes it, and others only read */
	/*
	 * All that is live by call site, sorted, for kvfree(), or NULL without memory, or when that
	 * kept changing; NULL for a kind that knows no objects. Process context.
	 */
	struct nebula_sites *(*sites)(struct nebula_allocator *a);
	/* calls nothing of its owner's any more, or NULL; process context, it is in use */
	void (*orphan)(struct nebula_allocator *a);
	/* lines for debugfs' live, or NULL; process context */
	void (*live)(struct nebula_allocator *a, struct nebula_text *t);
	/* lines for debugfs' map, or NULL; process context */
	void (*map)(struct nebula_allocator *a, struct nebula_text *t);
	/*
	 * Faults, or -EBUSY, or -ENOMEM; lines for debugfs' validate where there is a text. NULL
	 * for a kind without. Process context.
	 */
	int (*validate)(struct nebula_allocator *a, struct nebula_text *t);
	/* reads debugfs' cache_depth, or NULL; any context */
	unsigned int (*cache_depth)(const struct nebula_allocator *a);
	/* writes it; process context */
	int (*set_cache_depth)(struct nebula_allocator *a, unsigned int depth);
	/* a CPU has gone offline, or NULL; process context */
	void (*cpu_dead)(struct nebula_allocator *a, unsigned int cpu);
	/* a CPU is about to come online, or NULL; process context */
	void (*cpu_prepare)(struct nebula_allocator *a, unsigned int cpu);
	/*
	 * The slow reasons have changed: takes the inline paths away, and gives back those that are
	 * not the owner's to give; NULL for a kind without. Process context, the owner runs.
	 */
	void (*update_path)(struct nebula_allocator *a);
	/* what that takes afterwards, or NULL; process context, CPU hotplug is locked */
	void (*sync_path)(struct nebula_allocator *a);
	/* begins a new peak, or NULL; process context, the owner's with @one_owner */
	void (*reset_peak)(struct nebula_allocator *a);
};

/* An allocator in the registry. */
struct nebula_registration {
	struct nebula_allocator *allocator;
	struct list_head node;	/* In the registry. Lock: registry. */
	struct hlist_node by_name;	/* In the registry, too. Lock: registry. */
	u64 id;		/* A larger number than those before had. Invariant once registered. */
	/*
	 * Readers may find it; cleared first when it is taken down, while its name stays reserved
	 * until its directory is gone. Lock: registry.
	 */
	bool live;
	struct module *owner;	/* Module that made it. Lock: registry. */
	bool orphan;	/* @owner has gone. Lock: registry. */
	struct list_head leaving;	/* among those that are taken down together, see owner.c */
	bool retired;	/* set when it is one of them: unregistering does not free this */
	u64 created_ns;	/* ktime_get_boottime_ns() when it was made. Invariant. */
	pid_t pid;	/* Of the task that made it. Invariant. */
	char comm[TASK_COMM_LEN];	/* Name of that task. Invariant. */
	unsigned int nr_created;	/* Entries of @created. Invariant. */
	/* With NEBULA_TRACK: how often which size was asked for. Any context on its own CPU. */
	struct nebula_sizes_cpu __percpu *sizes;
	/* Unique among live allocators. Invariant once registered. */
	char name[NEBULA_NAME_SIZE];
	/* In the list of those whose debugfs directory was not made. Lock: making, in lookup.c. */
	struct list_head unseen;
	struct dentry *dir;	/* Debugfs directory, once it was made. Lock: making. */
	struct nebula_error_slot last_error;	/* Newest error. Any context. */
	/* Where it was made, or the call stack, innermost first. Invariant. */
	unsigned long created[];
};

/* Size classes, see &struct nebula_sizes. */
struct nebula_sizes_cpu {
	unsigned long count[NEBULA_SIZE_CLASSES];
};

const char *nebula_kind_name(enum nebula_kind kind);
bool nebula_name_valid(const char *name);
int nebula_allocator_register(struct nebula_allocator *a, const char *name, struct module *owner,
			      gfp_t gfp);
int nebula_allocator_register_at(struct nebula_allocator *a, const char *name,
				 struct module *owner, gfp_t gfp, unsigned long caller);
void nebula_allocator_unregister(struct nebula_allocator *a);
const char *nebula_allocator_name(const struct nebula_allocator *a);
const char *nebula_owner_name(const struct nebula_registration *reg);
struct nebula_usage nebula_allocator_usage(const struct nebula_allocator *a);
struct nebula_registration *nebula_registration_alloc(const struct nebula_allocator *a,
						      unsigned int created, gfp_t gfp);
void nebula_registry_list(struct nebula_registration *reg, struct nebula_allocator *a,
			  const char *name, struct module *owner);
void nebula_registry_publish(struct nebula_registration *reg);
void nebula_registry_hide(struct nebula_registration *reg);
void nebula_registry_forget(struct nebula_registration *reg);
unsigned int nebula_registry_count(void);
void nebula_registry_for_each(void (*fn)(const struct nebula_registration *reg, void *data),
			      void *data);
u64 nebula_registry_visit(u64 id, unsigned int n,
			  void (*fn)(const struct nebula_registration *reg, void *data),
			  void *data);
void nebula_registry_cpu_dead(unsigned int cpu);
void nebula_registry_cpu_prepare(unsigned int cpu);
bool nebula_allocator_in_use(struct nebula_allocator *a);
bool nebula_may_destroy(struct nebula_allocator *a, bool created, bool in_scope);
void nebula_registry_collect(struct list_head *all,
			     bool (*matches)(const struct nebula_registration *reg,
					     const void *data),
			     const void *data);
void nebula_registration_free(struct nebula_registration *reg);
void nebula_registry_orphan(struct nebula_registration *reg);

#endif /* _NEBULA_MODULE_CORE_ALLOCATOR_H */
