/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to the module: what its files know of each other.
 *
 *	main.c ─ init ladder                        fault.c ─ seam for failing allocations
 *	bump*.c pool*.c stack*.c scratch*.c ─ kinds  region.c, chunk.c ─ backing memory
 *	allocator.c, owner.c ─ registry, owners     error, quiet, deliver, report.c ─ errors
 *	debugfs/files.c, text.c ─ files                   stats.c ─ derived numbers
 *	*_look.c ─ live, map, validate              map.c, sites.c, faults.c ─ what they share
 *	config.c, debug_param.c ─ configurations          guard.c ─ debug flags, but for pools
 *	fastpath.c, trace.c, fail_alloc.c ─ watching   codes.c, detail.c ─ codes
 *	generic.c, custom.c, compose.c, system.c ─ one interface over all kinds
 *	modules.c ─ whose code is where             symbols.c ─ stacks
 */
#ifndef _NEBULA_INTERNAL_H
#define _NEBULA_INTERNAL_H

#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched/mm.h>
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
#include "compat.h"

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

/* fault.c */

bool nebula_fault_hit(void);
bool nebula_fault_hit_test(void);
void nebula_fault_arm(unsigned int first, unsigned int count);
unsigned int nebula_fault_disarm(void);

/* region.c */

/**
 * struct nebula_region - memory that an allocator serves from
 * @base: first usable byte, aligned as asked for.
 * @size: usable bytes.
 * @origin: what the backing allocator returned.
 * @origin_size: bytes taken from the backing allocator.
 * @backing: where it came from; never %NEBULA_AUTO.
 * @budget: charged for @origin_size, or %NULL.
 */
struct nebula_region {
	void *base;
	size_t size;
	void *origin;
	size_t origin_size;
	enum nebula_backing backing;
	struct nebula_budget *budget;
};

/**
 * struct nebula_region_request - what a region is to be
 * @size: bytes; rounded up to pages unless @backing is %NEBULA_BUFFER.
 * @align: alignment of the base, a power of two, bytes; 0 means none beyond the backing's own.
 * @backing: where it comes from.
 * @gfp: flags, as nebula_gfp_complete() leaves them (0 is not replaced).
 * @zone: %__GFP_DMA or %__GFP_DMA32, or 0; not in @gfp, which what lies beside a region takes, too.
 * @node: NUMA node or %NUMA_NO_NODE.
 * @buffer: the memory, for %NEBULA_BUFFER.
 * @budget: charged for what is taken from the backing allocator, or %NULL.
 */
struct nebula_region_request {
	size_t size;
	size_t align;
	enum nebula_backing backing;
	gfp_t gfp;
	gfp_t zone;
	int node;
	void *buffer;
	struct nebula_budget *budget;
};

/**
 * struct nebula_region_totals - all that ever went between us and the backing allocators
 * @mapped: regions mapped.
 * @unmapped: regions unmapped.
 * @mapped_bytes: bytes taken from the backing allocators.
 * @unmapped_bytes: bytes given back to them.
 */
struct nebula_region_totals {
	u64 mapped;
	u64 unmapped;
	u64 mapped_bytes;
	u64 unmapped_bytes;
};

/* What nebula_region_map() returns when the budget has no room, and for one too large for it. */
#define NEBULA_REGION_NO_BUDGET		(-EDQUOT)
#define NEBULA_REGION_OVER_BUDGET	(-EFBIG)

int nebula_region_map(struct nebula_region *r, const struct nebula_region_request *req);
void nebula_region_unmap(struct nebula_region *r);
void nebula_region_totals(struct nebula_region_totals *t);

struct nebula_text;
struct nebula_sites;

/* budget/kind.c: a region is charged to it, or was. Any context. */

void nebula_budget_attach(struct nebula_budget *b);
void nebula_budget_detach(struct nebula_budget *b);

/* cache/clock.c */

int nebula_cache_init(void);
void nebula_cache_exit(void);
unsigned long nebula_cache_shrink(unsigned long n);

void nebula_region_describe(const struct nebula_region_request *req, unsigned long backings,
			    struct nebula_text *t);

/* chunk.c */

void nebula_chunks_flush(void);

/* bump/shared.c: tests wait for growth ahead of need, or keep it from happening. */

void nebula_growth_flush(struct nebula_bump *b);
void nebula_growth_hold(struct nebula_bump *b);
void nebula_growth_release(struct nebula_bump *b);

/* pool_*.c: what tests wait for, or look at. */

void nebula_pool_growth_flush(struct nebula_pool *p);
void nebula_pool_growth_hold(struct nebula_pool *p);
void nebula_pool_growth_release(struct nebula_pool *p);
unsigned long nebula_pool_shrinker_run(void);
void nebula_pool_trim_flush(struct nebula_pool *p);
int nebula_pool_init(void);
void nebula_pool_exit(void);
void nebula_pool_rcu_flush(struct nebula_pool *p);
unsigned int nebula_pool_waiters(const struct nebula_pool *p);
bool nebula_pool_is_inline(const struct nebula_pool *p);
unsigned int nebula_pool_cached(const struct nebula_pool *p, unsigned int cpu);
unsigned int nebula_pool_validate(struct nebula_pool *p, struct nebula_text *t);

/* *_look.c: what tests look at. */

int nebula_bump_validate(const struct nebula_bump *b, struct nebula_text *t);
int nebula_stack_validate(const struct nebula_stack *s, struct nebula_text *t);
unsigned int nebula_scratch_validate(const struct nebula_scratch *s, struct nebula_text *t);

/* text.c */

/**
 * struct nebula_text - text that grows while it is written
 * @buf: zero-terminated, or NULL while empty.
 * @len: characters in @buf.
 * @size: bytes of @buf.
 * @failed: memory ran out; what follows is dropped.
 */
struct nebula_text {
	char *buf;
	size_t len;
	size_t size;
	bool failed;
};

void nebula_text_printf(struct nebula_text *t, const char *fmt, ...) __printf(2, 3);
void nebula_text_key(struct nebula_text *t, const char *key, const char *fmt, ...) __printf(3, 4);
void nebula_text_bytes(struct nebula_text *t, const char *key, u64 bytes);
void nebula_text_free(struct nebula_text *t);

/* "3.80 MiB" or "512 bytes", in a buffer that lives as long as the caller's statement block. */
#define NEBULA_BYTES_SIZE	24
const char *nebula_bytes_str(char buf[NEBULA_BYTES_SIZE], u64 bytes);

/* A name of a task, which may be anything, in a buffer of the same kind: "\\n" for a newline. */
#define NEBULA_COMM_SIZE	(4 * TASK_COMM_LEN + 1)
const char *nebula_comm_str(char buf[NEBULA_COMM_SIZE], const char comm[TASK_COMM_LEN]);

/* guard.c */

/* Entries of a call stack that are kept. */
#define NEBULA_CALLERS_MAX	8

unsigned int nebula_callers(unsigned long *entries, unsigned int max);

/* allocator.c */

/**
 * struct nebula_usage - how full an allocator is
 * @used: bytes in use.
 * @available: bytes of @capacity not in use.
 * @capacity: bytes mapped.
 * @max_capacity: bytes it may grow to.
 * @peak: highest @used.
 * @promised: bytes of the blocks that a pool promises; it may have more in use. Else 0.
 * @unit: bytes of a pool's block, or of what a CPU has of scratch memory; else 0.
 * @growth_pending: growth was asked for and is on its way.
 * @waiters: tasks wait for a block of a pool.
 * @buffer: its memory was lent by the client.
 */
struct nebula_usage {
	size_t used;
	size_t available;
	size_t capacity;
	size_t max_capacity;
	size_t peak;
	size_t promised;
	size_t unit;
	bool growth_pending;
	bool waiters;
	bool buffer;
};

/**
 * enum nebula_dir - where the files of a kind are, and its names are unique
 * @NEBULA_DIR_ALLOCATORS: a directory for each, in allocators/.
 * @NEBULA_DIR_BUDGETS: a file for each, in budgets/.
 * @NEBULA_DIR_CACHES: a file for each, in caches/.
 * @NEBULA_DIR_NR: number of directories.
 */
enum nebula_dir {
	NEBULA_DIR_ALLOCATORS = 0,
	NEBULA_DIR_BUDGETS,
	NEBULA_DIR_CACHES,
	NEBULA_DIR_NR
};

/**
 * struct nebula_kind_ops - what the common code needs of each kind
 * @name: of the kind, as shown.
 * @dir: where its files are. What is in another than allocators/ is no allocator: it has no @alloc,
 *	@free, @owns and @describe, and is not counted as one.
 * @show: lines of its file, or NULL for an allocator; process context.
 * @alloc: any context in which the kind serves; checks all that it is given.
 * @free: as @alloc.
 * @owns: does an address lie in its memory? Any context.
 * @usage: any context.
 * @stats: fills in what is neither @usage nor derived; any context. Exact when no operation is in
 *	flight, see stats.c.
 * @describe: lines for debugfs' info; process context.
 * @in_use: does a task wait in it, or has it open scopes or reserves? NULL for a kind without. Any
 *	context.
 * @flush: starts the grace period of blocks that wait for one; false: there are none. NULL for a
 *	kind without. Process context.
 * @retire: ends all that goes on in it and unregisters it, the owner is gone; process context.
 * @release: frees it, after a grace period; process context.
 * @reports_live: its @retire records what is live as LEAK.
 * @sites: all that is live by call site, sorted, for kvfree(), or NULL without memory, or when that
 *	kept changing; NULL for a kind that knows no objects. Process context.
 * @orphan: calls nothing of its owner's any more, or NULL; process context, it is in use.
 * @live: lines for debugfs' live, or NULL; process context.
 * @map: lines for debugfs' map, or NULL; process context.
 * @validate: lines for debugfs' validate, or NULL; process context.
 * @faults: how many of those there are, or -EBUSY; NULL for a kind without, and for pools, see
 *	generic.c. Process context.
 * @cache_depth: reads debugfs' cache_depth, or NULL; any context.
 * @set_cache_depth: writes it; process context.
 * @cpu_dead: a CPU has gone offline, or NULL; process context.
 * @cpu_prepare: a CPU is about to come online, or NULL; process context.
 * @divert: the attention has changed: takes the inline paths away, and gives back those that are
 *	not the owner's to give; NULL for a kind without. Process context, the owner runs.
 * @settle: what that takes afterwards, or NULL; process context, CPU hotplug is locked.
 * @reset_peak: begins a new peak, or NULL; process context, the owner runs.
 */
struct nebula_kind_ops {
	const char *name;
	enum nebula_dir dir;
	void (*show)(struct nebula_allocator *a, struct nebula_text *t);
	void *(*alloc)(struct nebula_allocator *a, size_t size, size_t align);
	void (*free)(struct nebula_allocator *a, void *p, size_t size);
	bool (*owns)(const struct nebula_allocator *a, const void *p);
	void (*usage)(const struct nebula_allocator *a, struct nebula_usage *u);
	void (*stats)(const struct nebula_allocator *a, struct nebula_stats *st);
	void (*describe)(const struct nebula_allocator *a, struct nebula_text *t);
	bool (*in_use)(const struct nebula_allocator *a);
	bool (*flush)(struct nebula_allocator *a);
	void (*retire)(struct nebula_allocator *a);
	void (*release)(struct nebula_allocator *a);
	bool reports_live;
	struct nebula_sites *(*sites)(struct nebula_allocator *a);
	void (*orphan)(struct nebula_allocator *a);
	void (*live)(struct nebula_allocator *a, struct nebula_text *t);
	void (*map)(struct nebula_allocator *a, struct nebula_text *t);
	void (*validate)(struct nebula_allocator *a, struct nebula_text *t);
	int (*faults)(struct nebula_allocator *a);
	unsigned int (*cache_depth)(const struct nebula_allocator *a);
	int (*set_cache_depth)(struct nebula_allocator *a, unsigned int depth);
	void (*cpu_dead)(struct nebula_allocator *a, unsigned int cpu);
	void (*cpu_prepare)(struct nebula_allocator *a, unsigned int cpu);
	void (*divert)(struct nebula_allocator *a);
	void (*settle)(struct nebula_allocator *a);
	void (*reset_peak)(struct nebula_allocator *a);
};

extern const struct nebula_kind_ops nebula_bump_ops;
extern const struct nebula_kind_ops nebula_pool_ops;
extern const struct nebula_kind_ops nebula_stack_ops;
extern const struct nebula_kind_ops nebula_scratch_ops;
extern const struct nebula_kind_ops nebula_custom_kind_ops;
extern const struct nebula_kind_ops nebula_fallback_ops;
extern const struct nebula_kind_ops nebula_split_ops;
extern const struct nebula_kind_ops nebula_system_ops;
extern const struct nebula_kind_ops nebula_budget_ops;
extern const struct nebula_kind_ops nebula_cache_ops;

/**
 * struct nebula_error_slot - one record, see record.c
 * @state: 2 * sequence number of @err; odd while it is written, 0 while empty. Any context.
 * @repeats: how often it repeated, and in the upper half the lower half of its sequence number. Any
 *	context.
 * @detail: as it was told to nebula_error_record(); @err may have one of the allocator's state.
 * @err: the record.
 */
struct nebula_error_slot {
	atomic64_t state;
	atomic64_t repeats;
	enum nebula_detail detail;
	struct nebula_error err;
};

/**
 * struct nebula_registration - an allocator in the registry
 * @allocator: the allocator.
 * @node: in the registry. Lock: registry.
 * @by_name: in the registry, too. Lock: registry.
 * @id: a larger number than those before had. Invariant once registered.
 * @live: it may be looked at; cleared first when it is taken down, while its name stays reserved
 *	until its directory is gone. Lock: registry.
 * @owner: module that made it. Lock: registry.
 * @orphan: @owner has gone. Lock: registry.
 * @leaving: among those that are taken down together, see owner.c.
 * @retired: set when it is one of them: unregistering does not free this.
 * @created_ns: ktime_get_boottime_ns() when it was made. Invariant.
 * @pid: of the task that made it. Invariant.
 * @comm: name of that task. Invariant.
 * @nr_created: entries of @created. Invariant.
 * @sizes: with %NEBULA_TRACK: how often which size was asked for. Any context on its own CPU.
 * @name: unique among live allocators. Invariant once registered.
 * @unseen: in the list of those whose debugfs directory was not made. Lock: making, in lookup.c.
 * @dir: debugfs directory, once it was made. Lock: making.
 * @last_error: newest error. Any context.
 * @created: where it was made, or the call stack, innermost first. Invariant.
 */
struct nebula_registration {
	struct nebula_allocator *allocator;
	struct list_head node;
	struct hlist_node by_name;
	u64 id;
	bool live;
	struct module *owner;
	bool orphan;
	struct list_head leaving;
	bool retired;
	u64 created_ns;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	unsigned int nr_created;
	struct nebula_sizes_cpu __percpu *sizes;
	char name[NEBULA_NAME_SIZE];
	struct list_head unseen;
	struct dentry *dir;
	struct nebula_error_slot last_error;
	unsigned long created[];
};

/* Size classes, see &struct nebula_sizes. */
struct nebula_sizes_cpu {
	unsigned long count[NEBULA_SIZE_CLASSES];
};

const struct nebula_kind_ops *nebula_kind_ops(enum nebula_kind kind);
bool nebula_name_valid(const char *name);
int nebula_allocator_register(struct nebula_allocator *a, const char *name, struct module *owner,
			      gfp_t gfp);
int nebula_allocator_register_at(struct nebula_allocator *a, const char *name,
				 struct module *owner, gfp_t gfp, unsigned long caller);
void nebula_allocator_unregister(struct nebula_allocator *a);
const char *nebula_allocator_name(const struct nebula_allocator *a);
struct nebula_usage nebula_allocator_usage(const struct nebula_allocator *a);
unsigned int nebula_registry_count(void);
void nebula_registry_for_each(void (*fn)(const struct nebula_registration *reg, void *data),
			      void *data);
int nebula_allocator_faults(struct nebula_allocator *a);
u64 nebula_registry_visit(u64 id, unsigned int n,
			  void (*fn)(const struct nebula_registration *reg, void *data),
			  void *data);
void nebula_registry_cpu_dead(unsigned int cpu);
void nebula_registry_cpu_prepare(unsigned int cpu);
bool nebula_allocator_in_use(struct nebula_allocator *a);
void nebula_registry_collect(struct list_head *all,
			     bool (*matches)(const struct nebula_registration *reg,
					     const void *data),
			     const void *data);
void nebula_registration_free(struct nebula_registration *reg);
void nebula_registry_orphan(struct nebula_registration *reg);

/* owner.c */

const char *nebula_owner_name(const struct nebula_registration *reg);
void nebula_owner_reap(void);
int nebula_owner_init(void);
void nebula_owner_exit(void);

/* debug_param.c */

u32 nebula_debug_flags(const char *name);
int nebula_debug_flags_of(const char *text, const char *name);
bool nebula_patterns_valid(const char *patterns);
bool nebula_patterns_match(const char *patterns, const char *name);

/* fastpath.c */

/**
 * enum nebula_attention - why the inline paths of an allocator do not serve: bit numbers
 * @NEBULA_ATTEND_TRACE: events of its kind are traced.
 * @NEBULA_ATTEND_FAIL: its allocations may be made to fail.
 * @NEBULA_ATTEND_PEAK: its owner shall begin a new peak.
 */
enum nebula_attention {
	NEBULA_ATTEND_TRACE,
	NEBULA_ATTEND_FAIL,
	NEBULA_ATTEND_PEAK,
};

void nebula_divert_new(struct nebula_allocator *a);
unsigned long nebula_divert_embedded(enum nebula_kind kind);
void nebula_divert_begin(enum nebula_kind kind);
void nebula_divert_end(enum nebula_kind kind);
void nebula_divert_named(void);
void nebula_divert_owner(struct nebula_allocator *a, enum nebula_attention bit,
			 void (*divert)(struct nebula_allocator *a));

/* The allocator is watched; fastpath.c says who may rely on it when. Any context. */
static inline bool nebula_is_diverted(const struct nebula_allocator *a)
{
	return READ_ONCE(a->attention);
}

static inline bool nebula_attends(const struct nebula_allocator *a, enum nebula_attention bit)
{
	return READ_ONCE(a->attention) & BIT(bit);
}

/* The owner has done what was asked of it once. */
static inline void nebula_attended(struct nebula_allocator *a, enum nebula_attention bit)
{
	clear_bit(bit, &a->attention);
}

/* fail_alloc.c */

/**
 * struct nebula_fail_knobs - the knobs; tests set @probability, @verbose and @times
 * @probability: percent.
 * @interval: one of so many candidates fails.
 * @times: how many fail, or less than 0.
 * @space: bytes that succeed first.
 * @verbose: how much is said.
 */
struct nebula_fail_knobs {
	unsigned long probability;
	unsigned long interval;
	int times;
	int space;
	unsigned long verbose;
};

struct dentry;

void nebula_fail_alloc_exchange(struct nebula_fail_knobs *k);
bool nebula_fail_alloc_names(const char *name);
bool nebula_fail_alloc_hit(const struct nebula_allocator *a, size_t size);
bool nebula_fail_backing_hit(void);
struct dentry *nebula_fail_alloc_init(struct dentry *root);
void nebula_fail_alloc_describe(struct nebula_text *t);
void nebula_fail_alloc_render(struct nebula_text *t);
int nebula_fail_alloc_set_names(const char *patterns);

/* stats.c */

void nebula_sizes_note(const struct nebula_allocator *a, size_t size);

size_t nebula_traffic_used(const struct nebula_custom_cpu __percpu *cpus, unsigned long *peak);
void nebula_traffic_in(struct nebula_custom_cpu __percpu *cpus, unsigned long *peak, size_t size);
void nebula_traffic_reset_peak(struct nebula_custom_cpu __percpu *cpus, unsigned long *peak);
void nebula_traffic_stats(const struct nebula_custom_cpu __percpu *cpus, struct nebula_stats *st);

/* @used was in use at once. Any context. */
static inline void nebula_peak_raise(unsigned long *peak, unsigned long used)
{
	unsigned long seen = READ_ONCE(*peak);

	while (used > seen && !try_cmpxchg(peak, &seen, used))
		;
}

/* symbols.c */

#define NEBULA_SYMBOL_SIZE	128

const char *nebula_symbol(char buf[NEBULA_SYMBOL_SIZE], unsigned long addr, u64 time_ns);
void nebula_symbols_keep(const struct module *gone);

/* modules.c */

/**
 * enum nebula_code - whose code a call stack ran through
 * @NEBULA_CODE_KERNEL: the kernel's, or ours.
 * @NEBULA_CODE_LIVE: of a module that is there.
 * @NEBULA_CODE_GONE: of a module that was unloaded, or just is.
 * @NEBULA_CODE_UNKNOWN: cannot be told.
 */
enum nebula_code {
	NEBULA_CODE_KERNEL,
	NEBULA_CODE_LIVE,
	NEBULA_CODE_GONE,
	NEBULA_CODE_UNKNOWN,
};

int nebula_modules_coming(struct module *mod);
void nebula_modules_live(struct module *mod);
void nebula_modules_going(struct module *mod);
enum nebula_code nebula_modules_whose(unsigned long addr, u64 oldest_ns, u64 newest_ns);
bool nebula_modules_symbol(char buf[NEBULA_SYMBOL_SIZE], unsigned long addr, u64 time_ns,
			   bool *is_later);
u64 nebula_modules_since(const struct module *mod);
void nebula_modules_exit(void);

/* generic.c */

bool nebula_request_valid(struct nebula_allocator *a, size_t size, size_t align);

/* system.c */

void nebula_system_exit(void);

/* record.c */

/**
 * struct nebula_failure - what is known where an error is noticed
 * @code: what went wrong.
 * @detail: what exactly, as far as the state of the allocator does not tell, see detail.c.
 * @allocator: whose it is, or NULL.
 * @kind: used without @allocator.
 * @name: used without @allocator.
 * @size: bytes asked for, or 0.
 * @align: alignment asked for, or 0.
 * @need: what would have sufficed, see &struct nebula_error, or 0.
 * @overhead: bytes that the debug flags put around the object.
 * @pointer: what was freed or resized, or %NULL.
 * @offset: as in &struct nebula_error.
 * @block: as in &struct nebula_error, plus 1; 0 where it is in no block.
 * @value: as in &struct nebula_error.
 * @limit: likewise.
 * @growth_pending: more was asked for, or came since; that need not be on its way any more.
 * @usage: how full @allocator was when it refused, or NULL for how full it is now.
 * @what: field, operation or limit at fault, for people to read, or NULL.
 * @entries: call stack to show instead of this one, innermost first, or NULL.
 * @nr_entries: valid entries of @entries.
 */
struct nebula_failure {
	enum nebula_errc code;
	enum nebula_detail detail;
	struct nebula_allocator *allocator;
	enum nebula_kind kind;
	const char *name;
	size_t size;
	size_t align;
	size_t need;
	size_t overhead;
	const void *pointer;
	size_t offset;
	unsigned long block;
	size_t value;
	size_t limit;
	bool growth_pending;
	const struct nebula_usage *usage;
	const char *what;
	const unsigned long *entries;
	unsigned int nr_entries;
};

/**
 * struct nebula_error_counts - how many errors there were
 * @recorded: those that got a record.
 * @repeated: those that were counted instead: they equal a record, or came in a flood.
 * @quiet: refusals that are in the statistics alone, see quiet.c.
 * @lost: of @recorded, those that were dropped: two at once met in a slot.
 * @unheard: of @recorded, those that went by before the notifiers had their turn.
 */
struct nebula_error_counts {
	u64 recorded;
	u64 repeated;
	u64 quiet;
	u64 lost;
	u64 unheard;
};

int nebula_error_record(const struct nebula_failure *f);
void nebula_errors_render(struct nebula_text *t, const struct nebula_registration *reg);
void nebula_errors_clear(void);
void nebula_errors_visit(void (*fn)(const struct nebula_error *err, void *data), void *data);
void nebula_error_counts(struct nebula_error_counts *c);

/* quiet.c: what is refused in between is only counted, as far as a correct caller may meet it. */

struct nebula_quiet;

struct nebula_quiet *nebula_quiet_enter(void);
void nebula_quiet_exit(struct nebula_quiet *q);

/* For a call with flags: __GFP_NOWARN says that the caller copes. */
static inline struct nebula_quiet *nebula_quiet_enter_gfp(gfp_t gfp)
{
	return gfp & __GFP_NOWARN ? nebula_quiet_enter() : NULL;
}

/* deliver.c */

void nebula_error_forget(struct module *gone);
void nebula_error_flush(void);
void nebula_error_flush_log(void);
void nebula_error_exit(void);

/* detail.c */

size_t nebula_detail_most(const struct nebula_error *err);
enum nebula_detail nebula_detail_of(const struct nebula_error *err);

/* nebula_fail() - record an error of allocator @a; evaluates to its negative errno */
#define nebula_fail(a, errc, ...)							\
	nebula_error_record(&(const struct nebula_failure){				\
		.allocator = (a), .code = (errc), ##__VA_ARGS__ })

/* report.c */

/**
 * enum nebula_severity - how an error is logged
 * @NEBULA_INFO: the caller is expected to cope.
 * @NEBULA_WARNING: something is too small or was refused.
 * @NEBULA_CORRUPT: memory can no longer be trusted; logged once an allocator, never suppressed by
 *	the rate limit.
 */
enum nebula_severity {
	NEBULA_INFO = 0,
	NEBULA_WARNING,
	NEBULA_CORRUPT,
};

enum nebula_severity nebula_errc_severity(enum nebula_errc code);
const char *nebula_context_name(enum nebula_context context);
int nebula_error_snprint_repeats(char *buf, size_t size, const struct nebula_error *err);

/* debugfs/files.c */

struct nebula_file;

void nebula_debugfs_add(struct nebula_registration *reg);
void nebula_debugfs_remove(struct nebula_registration *reg);
void nebula_debugfs_init(void);
void nebula_debugfs_exit(void);

/* Contexts */

/* True where sleeping is known to be wrong; the rest is left to might_sleep(). */
static inline bool nebula_atomic_context(void)
{
	if (IS_ENABLED(CONFIG_PREEMPT_COUNT))
		return !preemptible();
	return in_nmi() || in_hardirq() || in_softirq() || irqs_disabled();
}

/*
 * The kernel may be asked for memory here. On PREEMPT_RT its allocators sleep on locks whatever the
 * flags are, so there they are out of reach of atomic context altogether.
 */
static inline bool nebula_may_ask(gfp_t gfp)
{
	if (in_nmi())
		return false;
	if (gfpflags_allow_blocking(gfp) || IS_ENABLED(CONFIG_PREEMPT_RT))
		return !nebula_atomic_context();
	return true;
}

/*
 * chunk.c: where irq_work does not run in interrupts (UML, PREEMPT_RT) irq_work_sync() can wake one
 * task only, so those that share an irq_work take turns. Process context; sleeps.
 */
void nebula_irq_work_sync(struct irq_work *work);

/*
 * Waits until an irq_work is idle that the caller frees after a grace period. irq_work_sync() alone
 * waits for a grace period of its own where irq_work does not run in interrupts, as on PREEMPT_RT:
 * its last access to the irq_work comes after it is marked idle.
 */
static inline void nebula_irq_work_idle(struct irq_work *work)
{
	if (irq_work_is_busy(work))
		irq_work_sync(work);
}

/* Zones that a region may be asked to be of. */
#define NEBULA_GFP_ZONES	(__GFP_DMA | __GFP_DMA32)

/* What is taken with flags that nebula_gfp_valid() accepted. */
static inline gfp_t nebula_gfp_complete(gfp_t gfp)
{
	return compat_gfp(gfp | __GFP_NOWARN) & ~(__GFP_ZERO | NEBULA_GFP_ZONES);
}

u32 nebula_init_flags(u32 flags, bool keeps);
u32 nebula_init_override(u32 flags);
bool nebula_gfp_valid(gfp_t gfp, const struct nebula_region_request *req);
void *nebula_array_alloc(size_t n, size_t size, gfp_t gfp, int node);

/*
 * Queues an irq_work, which is how any context asks for what it may not do itself. The kernel marks
 * the work as queued before it is in a queue: a task preempted in between would hold up every other
 * kick until it runs again. Never call irq_work_queue() but here. Any context.
 */
static inline void nebula_kick(struct irq_work *work)
{
	preempt_disable();
	irq_work_queue(work);
	preempt_enable();
}

/*
 * Sets a flag that @work acts on and queues @work, in one step as seen from other tasks: for the
 * reason above a flag that is set means that @work comes soon. Any context.
 */
static inline void nebula_kick_for(unsigned int flag, unsigned long *flags, struct irq_work *work)
{
	preempt_disable();
	if (!test_and_set_bit(flag, flags))
		irq_work_queue(work);
	preempt_enable();
}

/* The NOIO or NOFS scope that @gfp asks for, around allocations that take no flags of ours. */
static inline unsigned int nebula_gfp_scope_enter(gfp_t gfp)
{
	if (!(gfp & __GFP_IO))
		return memalloc_noio_save();
	if (!(gfp & __GFP_FS))
		return memalloc_nofs_save();
	return 0;
}

static inline void nebula_gfp_scope_exit(gfp_t gfp, unsigned int saved)
{
	if (!(gfp & __GFP_IO))
		memalloc_noio_restore(saved);
	else if (!(gfp & __GFP_FS))
		memalloc_nofs_restore(saved);
}

#endif /* _NEBULA_INTERNAL_H */
