/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors that explain themselves. Allocation functions return NULL on failure, as kmalloc() does;
 * why is in the allocator's error record, in /sys/kernel/debug/nebula_memory/errors and, rate
 * limited, in the kernel log.
 */
#ifndef _NEBULA_ERROR_H
#define _NEBULA_ERROR_H

#include <linux/sched.h>
#include <linux/types.h>
#include <nebula/config.h>

/**
 * enum nebula_errc - what went wrong
 * @NEBULA_OK: nothing did.
 * @NEBULA_E_OUT_OF_MEMORY: the region is exhausted.
 * @NEBULA_E_POOL_EXHAUSTED: all blocks of a pool are in use.
 * @NEBULA_E_BACKING_FAILED: the kernel gave no memory for a region.
 * @NEBULA_E_INVALID_LAYOUT: the object does not fit what the allocator hands out.
 * @NEBULA_E_INVALID_ALIGNMENT: the alignment is not a power of two.
 * @NEBULA_E_SIZE_OVERFLOW: a size cannot be represented.
 * @NEBULA_E_EXCEEDS_MAX: a limit of this allocator was exceeded.
 * @NEBULA_E_INVALID_CONFIG: a field of a configuration is wrong.
 * @NEBULA_E_INVALID_STATE: the operation does not fit the allocator's mode or state.
 * @NEBULA_E_WRONG_CONTEXT: the operation may not run in this context.
 * @NEBULA_E_DOUBLE_FREE: the block is free already.
 * @NEBULA_E_FOREIGN_POINTER: the pointer is not this allocator's.
 * @NEBULA_E_MISALIGNED_POINTER: the pointer is inside an object.
 * @NEBULA_E_LIFO_VIOLATION: something newer must be freed first.
 * @NEBULA_E_STALE_CHECKPOINT: the allocator was reset or rewound past the checkpoint.
 * @NEBULA_E_FOREIGN_CHECKPOINT: the checkpoint is another allocator's, or garbage.
 * @NEBULA_E_CORRUPTION: memory that belongs to the allocator was overwritten.
 * @NEBULA_E_USE_AFTER_FREE: released memory was written to.
 * @NEBULA_E_BUDGET_EXCEEDED: a budget in the chain is used up.
 * @NEBULA_E_BUDGET_PER_ALLOC: one charge is larger than the budget allows.
 * @NEBULA_E_UNCHARGE_UNDERFLOW: more was given back to a budget than taken.
 * @NEBULA_E_CYCLE: parents or parts form a cycle.
 * @NEBULA_E_RECURSION: a computation asked for itself.
 * @NEBULA_E_COMPUTE_FAILED: a computation returned an error.
 * @NEBULA_E_TIMED_OUT: the time to wait ran out.
 * @NEBULA_E_INTERRUPTED: a signal ended the wait.
 * @NEBULA_E_NOT_SUPPORTED: this kernel or build cannot do it.
 * @NEBULA_E_LEAK: an owner went away without giving memory back.
 * @NEBULA_E_NR: number of codes.
 */
enum nebula_errc {
	NEBULA_OK = 0,
	NEBULA_E_OUT_OF_MEMORY,
	NEBULA_E_POOL_EXHAUSTED,
	NEBULA_E_BACKING_FAILED,
	NEBULA_E_INVALID_LAYOUT,
	NEBULA_E_INVALID_ALIGNMENT,
	NEBULA_E_SIZE_OVERFLOW,
	NEBULA_E_EXCEEDS_MAX,
	NEBULA_E_INVALID_CONFIG,
	NEBULA_E_INVALID_STATE,
	NEBULA_E_WRONG_CONTEXT,
	NEBULA_E_DOUBLE_FREE,
	NEBULA_E_FOREIGN_POINTER,
	NEBULA_E_MISALIGNED_POINTER,
	NEBULA_E_LIFO_VIOLATION,
	NEBULA_E_STALE_CHECKPOINT,
	NEBULA_E_FOREIGN_CHECKPOINT,
	NEBULA_E_CORRUPTION,
	NEBULA_E_USE_AFTER_FREE,
	NEBULA_E_BUDGET_EXCEEDED,
	NEBULA_E_BUDGET_PER_ALLOC,
	NEBULA_E_UNCHARGE_UNDERFLOW,
	NEBULA_E_CYCLE,
	NEBULA_E_RECURSION,
	NEBULA_E_COMPUTE_FAILED,
	NEBULA_E_TIMED_OUT,
	NEBULA_E_INTERRUPTED,
	NEBULA_E_NOT_SUPPORTED,
	NEBULA_E_LEAK,
	NEBULA_E_NR
};

/**
 * enum nebula_detail - what exactly went wrong, beside the code
 * @NEBULA_D_NONE: the code says it all.
 * @NEBULA_D_INJECTED: fail_alloc made it fail.
 * @NEBULA_D_NO_PART: no part of a composite could serve the request.
 * @NEBULA_D_NO_MEMORY: it has no memory: its buffer was refused, or given up by exit.
 * @NEBULA_D_IMPOSSIBLE: what would have sufficed is more than the kind, or the machine, can have.
 * @NEBULA_D_ALIGNMENT: the alignment is larger than all the memory it has.
 * @NEBULA_D_OUTRUN: allocations outran the growth that is under way.
 * @NEBULA_D_AT_LIMIT: it has grown up to its limit, or may not grow as far as that.
 * @NEBULA_D_FULL: over 90% are in use.
 * @NEBULA_D_FULL_BUFFER: over 90% of a buffer that the client lent are in use.
 * @NEBULA_D_TOO_LARGE: the request is larger than what is left.
 * @NEBULA_D_FRAGMENTED: what is left is not in one piece, or not aligned as asked for.
 * @NEBULA_D_CAME_BACK: blocks came back just after the request was refused.
 * @NEBULA_D_PROMISED: the blocks that are left are promised to waiters.
 * @NEBULA_D_BULK: blocks asked for in bulk.
 * @NEBULA_D_RESERVE: blocks or bytes to put aside.
 * @NEBULA_D_RESERVE_EMPTY: what was put aside is used up.
 * @NEBULA_D_GROW: growth that the client asked for.
 * @NEBULA_D_GROWTH: growth that an allocation needed, or that came ahead of need.
 * @NEBULA_D_OWN_DATA: memory for what the allocator itself keeps.
 * @NEBULA_D_PAGE_ORDER: more than the page allocator gives in one piece.
 * @NEBULA_D_BLOCK_SIZE: a block is too small for the object.
 * @NEBULA_D_BLOCK_ALIGN: a block is not aligned as the object has to be.
 * @NEBULA_D_PAGE_ALIGN: the object has to be aligned to more than a page.
 * @NEBULA_D_NO_BLOCKS: no number of blocks, or no array for them.
 * @NEBULA_D_NEXT_POWER: the next power of two is an alignment that may have been meant.
 * @NEBULA_D_OBJECT_ALIGN: the object is not aligned as the caller said.
 * @NEBULA_D_REWINDS: more rewinds than can be told apart.
 * @NEBULA_D_MARKS: no room for another mark.
 * @NEBULA_D_NESTING: composites of composites.
 * @NEBULA_D_ABOVE_LIMIT: the value is above the limit; both are in the record.
 * @NEBULA_D_OPEN_SCOPE: a scope on it is open.
 * @NEBULA_D_WAITERS: tasks wait for a block.
 * @NEBULA_D_RESERVES: blocks are put aside.
 * @NEBULA_D_LEAVING: nebula_pool_destroy_rcu() was called before.
 * @NEBULA_D_PART: it is part of a composite.
 * @NEBULA_D_EMBEDDED: it was made by init, not by create.
 * @NEBULA_D_CREATED: it was made by create, not by init.
 * @NEBULA_D_NO_COMPOSITE: it is no composite.
 * @NEBULA_D_SHARED: it is shared, so it has no checkpoints.
 * @NEBULA_D_UNREGISTERED: it is not registered.
 * @NEBULA_D_BUFFER: it is on a buffer that the client lent.
 * @NEBULA_D_MAY_MIGRATE: the task may be moved to another CPU.
 * @NEBULA_D_NMI: it happened in an NMI.
 * @NEBULA_D_INTERRUPT: it happened in an interrupt.
 * @NEBULA_D_ERR_PTR: the pointer is an error code.
 * @NEBULA_D_CLIENT_ALLOC: the client's own function returned memory that is not aligned.
 * @NEBULA_D_NEVER_ALLOCATED: the object was never allocated.
 * @NEBULA_D_RACED: two contexts freed the object at the same time.
 * @NEBULA_D_STACKS: the record has the call stacks of the object.
 * @NEBULA_D_SITES: the records just before this one have the call stacks.
 * @NEBULA_D_UNTRACKED: with %NEBULA_TRACK there would be call stacks of the object.
 * @NEBULA_D_STOCKS: the stocks of other CPUs would have covered a charge.
 * @NEBULA_D_BUDGET: the budget of an allocator refused memory for it.
 * @NEBULA_D_ZERO: a field that has to be set is not.
 * @NEBULA_D_ORDER: thresholds are out of order.
 * @NEBULA_D_PROMISES: a strict budget has promised more than that to those below it.
 * @NEBULA_D_CHILDREN: there are budgets below it.
 * @NEBULA_D_ATTACHED: allocators use the budget.
 * @NEBULA_D_CHARGED: bytes are charged to the budget.
 * @NEBULA_D_NOTIFIER: an error notifier of a module that has gone.
 * @NEBULA_D_UNLOADED: an allocator of a module that has gone.
 * @NEBULA_D_UNLOADED_UNTRACKED: the same, and it is not known whose the live objects were.
 * @NEBULA_D_UNLOADED_KEPT: the same, and another module uses it.
 * @NEBULA_D_NR: number of details.
 *
 * Code, kind and detail choose the advice of a report.
 */
enum nebula_detail {
	NEBULA_D_NONE = 0,
	NEBULA_D_INJECTED,
	NEBULA_D_NO_PART,
	NEBULA_D_NO_MEMORY,
	NEBULA_D_IMPOSSIBLE,
	NEBULA_D_ALIGNMENT,
	NEBULA_D_OUTRUN,
	NEBULA_D_AT_LIMIT,
	NEBULA_D_FULL,
	NEBULA_D_FULL_BUFFER,
	NEBULA_D_TOO_LARGE,
	NEBULA_D_FRAGMENTED,
	NEBULA_D_CAME_BACK,
	NEBULA_D_PROMISED,
	NEBULA_D_BULK,
	NEBULA_D_RESERVE,
	NEBULA_D_RESERVE_EMPTY,
	NEBULA_D_GROW,
	NEBULA_D_GROWTH,
	NEBULA_D_OWN_DATA,
	NEBULA_D_PAGE_ORDER,
	NEBULA_D_BLOCK_SIZE,
	NEBULA_D_BLOCK_ALIGN,
	NEBULA_D_PAGE_ALIGN,
	NEBULA_D_NO_BLOCKS,
	NEBULA_D_NEXT_POWER,
	NEBULA_D_OBJECT_ALIGN,
	NEBULA_D_REWINDS,
	NEBULA_D_MARKS,
	NEBULA_D_NESTING,
	NEBULA_D_ABOVE_LIMIT,
	NEBULA_D_OPEN_SCOPE,
	NEBULA_D_WAITERS,
	NEBULA_D_RESERVES,
	NEBULA_D_LEAVING,
	NEBULA_D_PART,
	NEBULA_D_EMBEDDED,
	NEBULA_D_CREATED,
	NEBULA_D_NO_COMPOSITE,
	NEBULA_D_SHARED,
	NEBULA_D_UNREGISTERED,
	NEBULA_D_BUFFER,
	NEBULA_D_MAY_MIGRATE,
	NEBULA_D_NMI,
	NEBULA_D_INTERRUPT,
	NEBULA_D_ERR_PTR,
	NEBULA_D_CLIENT_ALLOC,
	NEBULA_D_NEVER_ALLOCATED,
	NEBULA_D_RACED,
	NEBULA_D_STACKS,
	NEBULA_D_SITES,
	NEBULA_D_UNTRACKED,
	NEBULA_D_STOCKS,
	NEBULA_D_BUDGET,
	NEBULA_D_ZERO,
	NEBULA_D_ORDER,
	NEBULA_D_PROMISES,
	NEBULA_D_CHILDREN,
	NEBULA_D_ATTACHED,
	NEBULA_D_CHARGED,
	NEBULA_D_NOTIFIER,
	NEBULA_D_UNLOADED,
	NEBULA_D_UNLOADED_UNTRACKED,
	NEBULA_D_UNLOADED_KEPT,
	NEBULA_D_NR
};

/**
 * enum nebula_kind - the kinds of allocators
 * @NEBULA_KIND_NONE: no allocator, for example a region or the module itself.
 * @NEBULA_KIND_BUMP: a bump allocator, also called arena.
 * @NEBULA_KIND_POOL: a pool of blocks of one size.
 * @NEBULA_KIND_STACK: a stack.
 * @NEBULA_KIND_SCRATCH: per-CPU scratch memory.
 * @NEBULA_KIND_CUSTOM: of a client's own kind.
 * @NEBULA_KIND_FALLBACK: tries others in order.
 * @NEBULA_KIND_SPLIT: divides requests by their size.
 * @NEBULA_KIND_SYSTEM: the kernel's own.
 * @NEBULA_KIND_BUDGET: no allocator, but a budget.
 * @NEBULA_KIND_CACHE: no allocator, but a cache.
 * @NEBULA_KIND_NR: number of kinds.
 */
enum nebula_kind {
	NEBULA_KIND_NONE = 0,
	NEBULA_KIND_BUMP,
	NEBULA_KIND_POOL,
	NEBULA_KIND_STACK,
	NEBULA_KIND_SCRATCH,
	NEBULA_KIND_CUSTOM,
	NEBULA_KIND_FALLBACK,
	NEBULA_KIND_SPLIT,
	NEBULA_KIND_SYSTEM,
	NEBULA_KIND_BUDGET,
	NEBULA_KIND_CACHE,
	NEBULA_KIND_NR
};

/**
 * enum nebula_context - where an error happened
 * @NEBULA_IN_TASK: process context, also with bottom halves, preemption or interrupts disabled.
 * @NEBULA_IN_SOFTIRQ: a softirq is being served.
 * @NEBULA_IN_HARDIRQ: a hard interrupt handler.
 * @NEBULA_IN_NMI: a non-maskable interrupt.
 */
enum nebula_context {
	NEBULA_IN_TASK = 0,
	NEBULA_IN_SOFTIRQ,
	NEBULA_IN_HARDIRQ,
	NEBULA_IN_NMI,
};

#define NEBULA_BACKTRACE_MAX	16

/*
 * Among the return addresses of a record: what follows is where the object was allocated or freed,
 * or the allocator made.
 */
#define NEBULA_ENTRY_ALLOCATED	1UL
#define NEBULA_ENTRY_FREED	2UL
#define NEBULA_ENTRY_CREATED	3UL

#define NEBULA_WHAT_SIZE	32

/* Bytes that the report of any record fits in. */
#define NEBULA_REPORT_SIZE	4096

/**
 * struct nebula_error - one recorded error
 * @seq: sequence number, counted over all allocators from 1.
 * @time_ns: local_clock() at the failure, nanoseconds.
 * @repeated: how often it happened again, as far as those were not recorded themselves: equal ones,
 *	and in a flood of refusals those of the same operation, whose size may be another. In a
 *	notifier: since it was called for this record before.
 * @cpu: CPU it happened on.
 * @pid: task that was running.
 * @comm: name of the task that was running.
 * @first: the first error of this code of the allocator.
 * @brief: from nebula_last_error() alone: @code, @size and @align are of a refusal that came in a
 *	flood and was only counted; all else is of the record that it repeats.
 * @id: of the allocator; no other one ever has the same, but for 0: it is not registered.
 * @size: bytes asked for; 0 where no size was.
 * @align: alignment asked for, bytes; 0 where none was.
 * @used: bytes in use at that moment.
 * @available: bytes left at that moment.
 * @capacity: bytes mapped at that moment.
 * @peak: highest @used ever seen.
 * @max_capacity: bytes up to which it may grow.
 * @need: what would have sufficed, as far as that is known, else 0: bytes of capacity; of one CPU's
 *	for scratch memory, blocks for a pool.
 * @promised: bytes of the blocks that a pool promises; it may have more in use.
 * @unit: bytes of a pool's block, or of what a CPU has of scratch memory; else 0.
 * @overhead: bytes that the debug flags put around an object of @size.
 * @pointer: what was freed or resized; %NULL where no pointer was. Printed with %p.
 * @offset: bytes from the start of its block to @pointer, or else from the start of the memory.
 * @value: what was asked for of what has @limit.
 * @limit: how much that may be; 0 where no limit was exceeded.
 * @flags: &enum nebula_flags of the allocator.
 * @code: what went wrong.
 * @detail: what exactly.
 * @kind: kind of the allocator.
 * @context: where it happened.
 * @utilisation: @used of @capacity, in tenths of a percent.
 * @growth_pending: growth of a shared allocator was on its way.
 * @waiters: tasks waited for a block of a pool.
 * @buffer: its memory was lent by the client.
 * @by_notifier: an error notifier raised it; notifiers are not called for it.
 * @block: index of the block that @pointer is in, counted over the segments; -1: in none.
 * @nr_entries: valid entries of @entries.
 * @name: name of the allocator.
 * @what: the field, operation or limit that was at fault, or "".
 * @entries: return addresses, innermost first.
 *
 * Two errors are equal when all from @id on is equal.
 */
struct nebula_error {
	u64 seq;
	u64 time_ns;
	u64 repeated;
	int cpu;
	pid_t pid;
	char comm[TASK_COMM_LEN];
	bool first;
	bool brief;
	u64 id;
	size_t size;
	size_t align;
	size_t used;
	size_t available;
	size_t capacity;
	size_t peak;
	size_t max_capacity;
	size_t need;
	size_t promised;
	size_t unit;
	size_t overhead;
	const void *pointer;
	size_t offset;
	size_t value;
	size_t limit;
	u32 flags;
	enum nebula_errc code;
	enum nebula_detail detail;
	enum nebula_kind kind;
	enum nebula_context context;
	unsigned int utilisation;
	bool growth_pending;
	bool waiters;
	bool buffer;
	bool by_notifier;
	long block;
	unsigned int nr_entries;
	char name[NEBULA_NAME_SIZE];
	char what[NEBULA_WHAT_SIZE];
	unsigned long entries[NEBULA_BACKTRACE_MAX];
};

struct notifier_block;

/**
 * nebula_errc_name() - stable name of a code
 * @code: the code.
 *
 * Context: any.
 * Return: the name, for example "OUT_OF_MEMORY"; "UNKNOWN" for what is no code.
 */
const char *nebula_errc_name(enum nebula_errc code);

/**
 * nebula_errc_message() - what a code means
 * @code: the code.
 *
 * Context: any.
 * Return: a few words, for people; "unknown code" for what is no code.
 */
const char *nebula_errc_message(enum nebula_errc code);

/**
 * nebula_errc_to_errno() - errno of a code
 * @code: the code.
 *
 * Context: any.
 * Return: 0 for %NEBULA_OK, else a negative errno; -EINVAL for what is no code.
 */
int nebula_errc_to_errno(enum nebula_errc code);

/**
 * nebula_error_snprint() - the report of an error, as in log and debugfs
 * @buf: where it goes.
 * @size: bytes at @buf; %NEBULA_REPORT_SIZE are enough. What does not fit is left out in whole
 *	lines, and a last line says so.
 * @err: the error.
 *
 * Context: any.
 * Return: characters written, without the terminating zero.
 */
int nebula_error_snprint(char *buf, size_t size, const struct nebula_error *err);

/**
 * nebula_error_notifier_register() - be told of every recorded error
 * @nb: called in process context, where it may sleep, with the &enum nebula_errc and the
 *	&struct nebula_error, in the order of recording.
 *
 * A record that repeated is passed on again, at most once a second, with &nebula_error.repeated as
 * how often it did since @nb was called for it before; that is 0 the first time. So the sum of
 * ``max(1, repeated)`` is the number of errors. Records that were overwritten before their turn are
 * left out, but for the first DOUBLE_FREE, CORRUPTION or USE_AFTER_FREE of an allocator.
 *
 * Notifiers are called one after another, on a work item that nothing else waits for: one that
 * sleeps holds up the other notifiers, and makes them miss records, but no allocation, not the log
 * and no module that is unloaded. An error that a notifier's own execution raises in its task is
 * recorded and logged, and not passed on to notifiers.
 *
 * Context: process context; sleeps. Also from a notifier.
 * Return: 0, or -EEXIST when @nb is registered already.
 */
int nebula_error_notifier_register(struct notifier_block *nb);

/**
 * nebula_error_notifier_unregister() - stop being told
 * @nb: as registered.
 *
 * After return @nb is not running and is not called any more. From @nb itself it is still running,
 * so its module has to stay until it returned.
 *
 * Context: process context; sleeps. Also from a notifier.
 * Return: 0, or -ENOENT when @nb is not registered.
 */
int nebula_error_notifier_unregister(struct notifier_block *nb);

#endif /* _NEBULA_ERROR_H */
