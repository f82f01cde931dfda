// SPDX-License-Identifier: GPL-2.0-only
/*
 * What errors are called, what they mean, and what to do about them: one table. How they are
 * printed is in report.c. Any context.
 *
 * What to do depends on the kind of the allocator and on the detail of the record, see detail.c: of
 * the rows of a code the first that fits is reported; the last one always fits. In the texts
 * {tokens} stand for what the record says, see report.c.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>
#include "codes.h"

/* What comes up in several places. */
#define CHECK_SIZE	"check the size: is {size} what was meant?"
#define SET_GROW	"set NEBULA_GROW, and .max_capacity to {need} or more"
#define RAISE_MAX	"raise {max_field} to {need} or more (now {max})"
#define WAIT		"wait for a block: nebula_pool_alloc_wait()"
#define FIND_HOLDERS	"see who holds them: set NEBULA_TRACK, cat allocators/{name}/live"
#define CLEAR_POINTER	"set the pointer to NULL where the object is freed"
#define BOOT_KASAN	"boot a KASAN kernel: it stops at the write itself"
#define INITIALISE	"initialise it with a buffer that it can use, and before nebula_{kind}_exit()"

/* Which records a row is for. */
#define OF_ON(k, d)	.kind = NEBULA_KIND_##k, .detail = NEBULA_D_##d
#define OF(k)		.kind = NEBULA_KIND_##k
#define ON(d)		.detail = NEBULA_D_##d

#define ROWS		(const struct nebula_advice[])
#define ROW(which, text, ...)	{ which, .state = (text), .items = { __VA_ARGS__ } }
/* The last row, which fits all records. */
#define ELSE(text, ...)		{ .state = (text), .items = { __VA_ARGS__ } }
#define ERRNO(e)	.errno = (e), .errno_name = #e

#define INJECTED_ROW	ROW(ON(INJECTED), "fail_alloc made it fail",			\
			    "have the caller cope: fail_alloc is there to test that",	\
			    "to end it: echo 0 >fail_alloc/probability, in debugfs")

/* The budget of an allocator has no room for more memory. */
#define USED_UP_ROW	ROW(ON(BUDGET), "its budget {what} has {value} of {limit} bytes in use",\
			    "raise .limit of {what}, with nebula_budget_set_limit() while in use", \
			    "give memory of the same budget back first")

static const struct nebula_errc_info infos[] = {
	[NEBULA_OK] = {
		.name = "OK", .message = "no error", .errno = 0, .errno_name = "0",
		.advice = ROWS {
			ELSE(NULL),
		},
	},
	[NEBULA_E_OUT_OF_MEMORY] = {
		.name = "OUT_OF_MEMORY", ERRNO(ENOMEM), .severity = NEBULA_WARNING,
		.message = "there is no room for the request",
		.advice = ROWS {
			USED_UP_ROW,
			INJECTED_ROW,
			ROW(ON(NO_PART), "no part could serve it",
			    "see the records of its parts, just before this one",
			    "add a part that can, for example nebula_system_allocator()"),
			ROW(OF(CUSTOM), "the client's own .alloc returned nothing",
			    "read that function: its name is in allocators/{name}/info"),
			ROW(OF(SYSTEM), "the kernel gave no memory",
			    CHECK_SIZE, "allocate where the caller may sleep"),
			ROW(ON(NO_MEMORY), "it has no memory to serve from",
			    INITIALISE),
			ROW(ON(IMPOSSIBLE), "it can have {most} at most, and would need {need}",
			    CHECK_SIZE),
			ROW(ON(ALIGNMENT),
			    "the alignment, {align}, is larger than all the memory it has",
			    "check the alignment: is {align} what was meant?",
			    "{raise}"),
			ROW(ON(OUTRUN), "allocations outran the growth that is under way",
			    "{raise}", "call nebula_bump_reserve() before a burst"),
			ROW(ON(AT_LIMIT), "it has grown up to its limit",
			    RAISE_MAX, "reset, or restore a checkpoint, before that", CHECK_SIZE),
			ROW(OF(SCRATCH), "this CPU has not so much left",
			    "{raise}",
			    "put what is not needed any more before getting more",
			    "take large buffers from a stack, or from kmalloc()"),
			ROW(OF_ON(STACK, FULL), "the allocator is over 90% full",
			    "{raise}", "free, or restore a mark, before it is full"),
			ROW(ON(FULL), "the allocator is over 90% full",
			    "{raise}", SET_GROW,
			    "reset, or restore a checkpoint, before it is full"),
			ROW(ON(FULL_BUFFER), "the allocator is over 90% full",
			    "{raise}", "reset, or restore a checkpoint, before it is full"),
			ROW(ON(TOO_LARGE), "the request is larger than what is left",
			    "{raise}", CHECK_SIZE,
			    "let another allocator have the large ones: nebula_split_create()"),
			ELSE("what is left is not in one piece, or not aligned as asked for",
			     "{raise}",
			     "allocate what is aligned most strictly first, or align less"),
		},
	},
	[NEBULA_E_POOL_EXHAUSTED] = {
		.name = "POOL_EXHAUSTED", ERRNO(ENOMEM), .severity = NEBULA_WARNING,
		.message = "all blocks are in use",
		.advice = ROWS {
			USED_UP_ROW,
			INJECTED_ROW,
			ROW(ON(RESERVE_EMPTY), "the reserve is used up",
			    "put more blocks aside: the n of nebula_pool_reserve()"),
			ROW(ON(OUTRUN), "allocations outran the growth that is under way",
			    "{raise}", "call nebula_pool_grow() before a burst", WAIT),
			ROW(ON(AT_LIMIT), "it has grown up to its limit",
			    RAISE_MAX, WAIT, FIND_HOLDERS),
			ROW(ON(BULK), "fewer blocks than that are free",
			    "{raise}",
			    "ask for fewer at a time, or for what there is, one by one"),
			ROW(ON(RESERVE), "fewer blocks are free than shall be put aside",
			    "{raise}", "reserve fewer, or earlier"),
			ROW(ON(CAME_BACK), "blocks came back just after the request was refused",
			    "{raise}", WAIT),
			ROW(ON(PROMISED), "the blocks that are left are promised to waiters",
			    "wait, too: nebula_pool_alloc_wait()", "{raise}"),
			ROW(ON(FULL_BUFFER),
			    "the allocator is over 90% full: all blocks are in use",
			    "{raise}, and the size of the buffer with it", WAIT, FIND_HOLDERS),
			ELSE("the allocator is over 90% full: all blocks are in use",
			     "{raise}, or set NEBULA_GROW", WAIT, FIND_HOLDERS),
		},
	},
	[NEBULA_E_BACKING_FAILED] = {
		.name = "BACKING_FAILED", ERRNO(ENOMEM), .severity = NEBULA_WARNING,
		.message = "the kernel gave no memory",
		.advice = ROWS {
			USED_UP_ROW,
			ROW(ON(PAGE_ORDER), "NEBULA_PAGES gives {largest} in one piece at most",
			    "ask for {largest} at most, or make several of that size",
			    "for memory that no device reads, use NEBULA_VMALLOC or NEBULA_AUTO"),
			ROW(ON(GROWTH), "there was no memory to grow",
			    "make it large enough from the start: {field} is {now}",
			    "reserve ahead of need, where the caller may sleep",
			    "use a .gfp that may block"),
			ROW(ON(GROW), "there was no memory to grow",
			    "grow by less than {size}, or earlier", "use a gfp that may block"),
			ROW(ON(RESERVE), "there was no memory to reserve",
			    "reserve less than {size}, or earlier", "use a gfp that may block"),
			ROW(ON(OWN_DATA), "the kernel gave no memory for what the allocator keeps",
			    "do it earlier, or give memory back to the kernel first"),
			ELSE(NULL,
			     "ask for less than {size}, or earlier, when memory is in larger pieces",
			     "use a .gfp that may block"),
		},
	},
	[NEBULA_E_INVALID_LAYOUT] = {
		.name = "INVALID_LAYOUT", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the object does not fit what this allocator hands out",
		.advice = ROWS {
			ROW(ON(BLOCK_SIZE), "a block is too small for the object",
			    "raise .block_size to {bytes} or more (now {unit})",
			    "divide requests by size: nebula_split_create(name, {unit}, ...)"),
			ROW(ON(BLOCK_ALIGN), "the blocks are not aligned as the object has to be",
			    "set .align to {align}", "align the type less strictly"),
			ROW(ON(PAGE_ALIGN), "no block is aligned to more than a page",
			    "check the alignment: is {align} what was meant?"),
			ROW(ON(NO_BLOCKS),
			    "no blocks were asked for, or there is no array for them",
			    "check the number of blocks, and the array"),
			ELSE("the size given, {bytes}, differs from that of the object",
			     "pass the size that it was allocated with",
			     "pass it to the allocator it came from"),
		},
	},
	[NEBULA_E_INVALID_ALIGNMENT] = {
		.name = "INVALID_ALIGNMENT", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the alignment is not a power of two",
		.advice = ROWS {
			ROW(ON(OBJECT_ALIGN), "the object is not aligned to {align}",
			    "pass the alignment that it was allocated with"),
			ROW(ON(NEXT_POWER), "{align} is not a power of two",
			    "pass __alignof__(type), or {pow2}"),
			ELSE("{align} is not a power of two",
			     "pass __alignof__(type)"),
		},
	},
	[NEBULA_E_SIZE_OVERFLOW] = {
		.name = "SIZE_OVERFLOW", ERRNO(EOVERFLOW), .severity = NEBULA_WARNING,
		.message = "the size cannot be represented",
		.advice = ROWS {
			ELSE(NULL,
			     "check for a negative number, or an unchecked multiplication",
			     "compute sizes with size_mul(), array_size() or struct_size()",
			     "or let nebula_alloc_objs() and nebula_alloc_flex() do it"),
		},
	},
	[NEBULA_E_EXCEEDS_MAX] = {
		.name = "EXCEEDS_MAX", ERRNO(E2BIG), .severity = NEBULA_WARNING,
		.message = "a limit of this allocator was exceeded",
		.advice = ROWS {
			ROW(ON(IMPOSSIBLE), "no pool of such blocks has more than {most}",
			    "check the number of blocks: {need} would be needed"),
			ROW(ON(REWINDS), "it cannot tell apart more rewinds",
			    "restore an outer checkpoint, or reset, now and then",
			    "take fewer checkpoints between two rewinds"),
			ROW(ON(MARKS), "there is no room for another mark",
			    "raise {field} (now {now})", "restore an outer mark first"),
			ROW(OF_ON(BUDGET, NESTING), "{value} budgets would be above each other",
			    "have at most {limit}: make it a child of one further up"),
			ROW(ON(NESTING), "composites are nested too deeply",
			    "make one of several parts instead of parts of parts"),
			ROW(ON(GROW), "it may not have so many blocks",
			    "raise .max_blocks to {need} or more (now {max}), with NEBULA_GROW",
			    "ask for fewer"),
			ROW(ON(AT_LIMIT), "it may not grow to so many blocks",
			    RAISE_MAX, "ask for fewer at a time"),
			ELSE("it will never have so many blocks",
			     "{raise}", "ask for fewer at a time"),
		},
	},
	[NEBULA_E_INVALID_CONFIG] = {
		.name = "INVALID_CONFIG", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "a field of the configuration is wrong",
		.advice = ROWS {
			ROW(ON(ORDER), ".high is {value} percent, and .critical {limit}",
			    "set .high to {limit} or less, or raise .critical"),
			ROW(ON(PROMISES), "the budgets below it have limits of {value} in all",
			    "set .limit to {value} or more, or lower theirs first"),
			ROW(ON(ZERO), "{what} is 0", "set {what}: it has no default"),
			ROW(ON(ABOVE_LIMIT), "{what} is {value}, and at most {limit} here",
			    "set {what} to {limit} or less"),
			ELSE("{what} is wrong",
			     "correct {what}: its rules are in <nebula/{header}>"),
		},
	},
	[NEBULA_E_INVALID_STATE] = {
		.name = "INVALID_STATE", ERRNO(EBUSY), .severity = NEBULA_WARNING,
		.message = "the operation does not fit the allocator's mode or state",
		.advice = ROWS {
			ROW(ON(OPEN_SCOPE), "a scope on it is open",
			    "end it first: it ends with the block that has the guard()"),
			ROW(ON(WAITERS), "tasks wait for a block",
			    "wake them first: give blocks back, or send them a signal"),
			ROW(ON(RESERVES), "blocks are put aside",
			    "end all reserves first: nebula_pool_unreserve()"),
			ROW(ON(LEAVING), "nebula_pool_destroy_rcu() was called for it",
			    "make no call on it after that: it goes after a grace period"),
			ROW(ON(PART), "another allocator is made of it",
			    "take that down first: nebula_composite_destroy()"),
			ROW(ON(CHILDREN), "there are budgets below it: {value}",
			    "destroy those first"),
			ROW(ON(ATTACHED), "allocators use it, with {value} regions",
			    "destroy those first"),
			ROW(ON(CHARGED), "{value} bytes are charged to it",
			    "uncharge all that was charged first", "see budgets/{name}"),
			ROW(ON(EMBEDDED), "it was made by init, not by create",
			    "end it with nebula_{kind}_exit()"),
			ROW(ON(CREATED), "it was made by create, not by init",
			    "end it with nebula_{kind}_destroy()"),
			ROW(OF_ON(CUSTOM, NO_COMPOSITE), "it is no composite",
			    "end it with nebula_custom_unregister()"),
			ROW(OF_ON(SYSTEM, NO_COMPOSITE), "it is the kernel's own, and stays",
			    "do not destroy it"),
			ROW(ON(NO_COMPOSITE), "it is no composite",
			    "end it with nebula_{kind}_destroy()"),
			ROW(ON(SHARED), "a shared allocator has no checkpoints",
			    "use one allocator for each owner, without NEBULA_SHARED",
			    "use reset, when no allocation is in flight"),
			ROW(ON(UNREGISTERED), "it is not registered",
			    "call nebula_custom_register() before it is used"),
			ROW(ON(BUFFER), "it is on a caller's buffer, which cannot grow",
			    "create it without .buffer, with NEBULA_GROW"),
			ROW(OF(CACHE), "the key is being computed, or all entries are in use",
			    "warm it before it is asked for", "raise .entries"),
			ELSE("it is not in the state for that",
			     "see allocators/{name}/info"),
		},
	},
	[NEBULA_E_WRONG_CONTEXT] = {
		.name = "WRONG_CONTEXT", ERRNO(EPERM), .severity = NEBULA_WARNING,
		.message = "the operation may not run in this context",
		.advice = ROWS {
			ROW(ON(MAY_MIGRATE),
			    "the task may be moved to another CPU between get and put",
			    "disable preemption from get to put, or use CLASS(nebula_scratch, ...)",
			    "or a stack of the task's own: nebula_stack_create()"),
			ROW(ON(NMI), "an NMI may not do that",
			    "put it off to an irq_work, and from there to a work item"),
			ROW(ON(GROWTH), "it may not grow in this context",
			    "reserve ahead of need: nebula_bump_reserve()",
			    "use a .gfp that does not block: GFP_NOWAIT or GFP_ATOMIC"),
			ROW(ON(INTERRUPT), "an interrupt may not do that",
			    "put it off to a work item"),
			ELSE("preemption or interrupts are off, or a spinlock is held",
			     "do it before the section that may not sleep, or behind it"),
		},
	},
	[NEBULA_E_DOUBLE_FREE] = {
		.name = "DOUBLE_FREE", ERRNO(EINVAL), .severity = NEBULA_CORRUPT,
		.message = "the object is free already",
		.advice = ROWS {
			ROW(ON(RACED), "two contexts freed the object at the same time",
			    "give the object one owner, or take the pointer to it with xchg()"),
			ROW(ON(NEVER_ALLOCATED), "the object was never allocated",
			    "check how the pointer was computed"),
			ROW(ON(STACKS), NULL,
			    "compare the first free of it, below, with this one",
			    CLEAR_POINTER),
			ROW(ON(UNTRACKED), "the object is free already, or was never allocated",
			    CLEAR_POINTER,
			    "to see who freed it first: load with debug=T,{pattern}"),
			ELSE("the object is free already, or was never allocated",
			     CLEAR_POINTER),
		},
	},
	[NEBULA_E_FOREIGN_POINTER] = {
		.name = "FOREIGN_POINTER", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the pointer is not this allocator's",
		.advice = ROWS {
			ROW(ON(ERR_PTR), "it is no pointer, but an error code",
			    "check with IS_ERR() what was returned before it is freed"),
			ROW(OF(SCRATCH), "the pointer is not this CPU's",
			    "put it on the CPU that it was got on, with preemption off between"),
			ROW(OF(SYSTEM),
			    "the system allocator did not hand it out, or it is freed already",
			    CLEAR_POINTER,
			    "free memory of kmalloc() with kfree()"),
			ELSE(NULL,
			     "pass it to the allocator it came from; nebula_owns() tells which"),
		},
	},
	[NEBULA_E_MISALIGNED_POINTER] = {
		.name = "MISALIGNED_POINTER", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the pointer is inside an object",
		.advice = ROWS {
			ROW(ON(CLIENT_ALLOC),
			    "the client's own .alloc returned memory that is not aligned to {align}",
			    "have it honour its align argument; allocators/{name}/info names it"),
			ELSE(NULL,
			     "pass it as it was returned; from a member use container_of()"),
		},
	},
	[NEBULA_E_LIFO_VIOLATION] = {
		.name = "LIFO_VIOLATION", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "something newer must be freed first",
		.advice = ROWS {
			ELSE(NULL,
			     "free in reverse order, or back to a mark with all that is newer",
			     "use a pool for what is freed in any order"),
		},
	},
	[NEBULA_E_STALE_CHECKPOINT] = {
		.name = "STALE_CHECKPOINT", ERRNO(ESTALE), .severity = NEBULA_WARNING,
		.message = "what it was taken on top of was given back since",
		.advice = ROWS {
			ROW(OF(STACK), "what the mark was taken on top of was given back since",
			    "restore inner marks before outer ones",
			    "take a new mark after each reset"),
			ELSE("the allocator was reset, or rewound past the checkpoint",
			     "restore inner checkpoints before outer ones",
			     "take a new checkpoint after each reset"),
		},
	},
	[NEBULA_E_FOREIGN_CHECKPOINT] = {
		.name = "FOREIGN_CHECKPOINT", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the checkpoint is another allocator's, or garbage",
		.advice = ROWS {
			ELSE("it is another allocator's, was refused when taken, or is garbage",
			     "restore it on the allocator it was taken from",
			     "check the earlier records: was it refused when it was taken?"),
		},
	},
	[NEBULA_E_CORRUPTION] = {
		.name = "CORRUPTION", ERRNO(EFAULT), .severity = NEBULA_CORRUPT,
		.message = "memory of the allocator was overwritten",
		.advice = ROWS {
			ROW(ON(STACKS), "{what} was overwritten",
			    "check what uses the object allocated below, and its neighbours",
			    BOOT_KASAN),
			ROW(ON(UNTRACKED), "{what} was overwritten",
			    "load with debug=RPT,{pattern} to see whose object it is",
			    BOOT_KASAN),
			ELSE("{what} was overwritten",
			     BOOT_KASAN),
		},
	},
	[NEBULA_E_USE_AFTER_FREE] = {
		.name = "USE_AFTER_FREE", ERRNO(EFAULT), .severity = NEBULA_CORRUPT,
		.message = "freed memory was written to",
		.advice = ROWS {
			ROW(ON(STACKS), NULL,
			    "check what the object allocated and freed below left a pointer in",
			    BOOT_KASAN),
			ROW(ON(UNTRACKED), NULL,
			    "to see who freed it: load with debug=PT,{pattern}",
			    BOOT_KASAN),
			ELSE(NULL, BOOT_KASAN),
		},
	},
	[NEBULA_E_BUDGET_EXCEEDED] = {
		.name = "BUDGET_EXCEEDED", ERRNO(ENOMEM), .severity = NEBULA_WARNING,
		.message = "a budget in the chain is used up",
		.advice = ROWS {
			USED_UP_ROW,
			ROW(ON(STOCKS), "what {what} has left is in the stocks of other CPUs",
			    "charge where the caller may sleep, with GFP_KERNEL",
			    "charge ahead of need, in larger portions"),
			ELSE("{what} has {value} of {limit} bytes in use",
			     "raise .limit of {what} to {need} or more (now {limit})",
			     "give memory of the same budget back first"),
		},
	},
	[NEBULA_E_BUDGET_PER_ALLOC] = {
		.name = "BUDGET_PER_ALLOC", ERRNO(E2BIG), .severity = NEBULA_WARNING,
		.message = "one charge is larger than the budget allows",
		.advice = ROWS {
			ROW(ON(BUDGET), "its budget {what} allows no region for {size}",
			    "raise .per_alloc of {what} (now {limit})",
			    "ask for less than {limit}, or for several of them"),
			ELSE(NULL,
			     "raise .per_alloc of {what} to {bytes} or more (now {limit})",
			     "ask for less at a time"),
		},
	},
	[NEBULA_E_UNCHARGE_UNDERFLOW] = {
		.name = "UNCHARGE_UNDERFLOW", ERRNO(ERANGE), .severity = NEBULA_WARNING,
		.message = "more was given back than taken",
		.advice = ROWS {
			ELSE("{size} were given back, and {value} were outstanding",
			     "give back exactly what was charged, once",
			     "give it back to the budget that was charged, not to one above it"),
		},
	},
	[NEBULA_E_CYCLE] = {
		.name = "CYCLE", ERRNO(ELOOP), .severity = NEBULA_WARNING,
		.message = "parents or parts form a cycle",
		.advice = ROWS {
			ROW(OF(CACHE), "the computation of this key waits for this computation",
			    "compute in one order: let no computation ask for what may ask for it"),
			ROW(OF(BUDGET), "it is above itself, or what is above it is not there",
			    "check the parents in NEBULA_BUDGET_TREE()"),
			ELSE(NULL, "build from the leaves to the root"),
		},
	},
	[NEBULA_E_RECURSION] = {
		.name = "RECURSION", ERRNO(EDEADLK), .severity = NEBULA_WARNING,
		.message = "a computation asked for itself",
		.advice = ROWS {
			ELSE("the computation of a key asked for the same key",
			     "have .compute ask for other keys alone"),
		},
	},
	[NEBULA_E_COMPUTE_FAILED] = {
		.name = "COMPUTE_FAILED", ERRNO(EIO), .severity = NEBULA_INFO,
		.message = "a computation returned an error",
		.advice = ROWS {
			ELSE(".compute returned -{value}",
			     "see why: its name is in caches/{name}",
			     "to ask less often while it fails: set NEBULA_CACHE_KEEP_ERRORS"),
		},
	},
	[NEBULA_E_TIMED_OUT] = {
		.name = "TIMED_OUT", ERRNO(ETIMEDOUT), .severity = NEBULA_INFO,
		.message = "the time to wait ran out",
		.advice = ROWS {
			ELSE("no block came back in time",
			     "raise .blocks (now {now}), or the time to wait", FIND_HOLDERS),
		},
	},
	[NEBULA_E_INTERRUPTED] = {
		.name = "INTERRUPTED", ERRNO(EINTR), .severity = NEBULA_INFO,
		.message = "a signal ended the wait",
		.advice = ROWS {
			ROW(OF(CACHE), "a signal ended the wait for another's computation",
			    "return -ERESTARTSYS to the caller"),
			ELSE(NULL,
			     "return -ERESTARTSYS to the caller",
			     "wait for fatal signals alone: nebula_pool_alloc_wait_killable()"),
		},
	},
	[NEBULA_E_NOT_SUPPORTED] = {
		.name = "NOT_SUPPORTED", ERRNO(EOPNOTSUPP), .severity = NEBULA_WARNING,
		.message = "this kernel or build cannot do it",
		.advice = ROWS {
			ROW(OF(CACHE), "it has no .compute",
			    "look it up with nebula_cache_get(), or set .compute"),
			ELSE(NULL, "see info for what is supported"),
		},
	},
	[NEBULA_E_LEAK] = {
		.name = "LEAK", ERRNO(EBUSY), .severity = NEBULA_WARNING,
		.message = "memory was not given back",
		.advice = ROWS {
			ROW(OF_ON(BUDGET, NOTIFIER), "a module was unloaded and still listens",
			    "call nebula_budget_notifier_unregister() in its exit function"),
			ROW(ON(NOTIFIER), "a module was unloaded and still listens",
			    "call nebula_error_notifier_unregister() in its exit function"),
			ROW(OF_ON(BUDGET, UNLOADED_KEPT),
			    "its module was unloaded and left it behind; others use it",
			    "destroy it in the module's exit function; below is who made it",
			    "it goes with its last user, see budgets/{name}"),
			ROW(ON(UNLOADED), "its module was unloaded and left it behind",
			    "destroy it in the module's exit function; below is who made it"),
			ROW(ON(UNLOADED_UNTRACKED),
			    "its module was unloaded and left it behind; all objects are taken to be its own",
			    "destroy it in the module's exit function; below is who made it",
			    "to keep what other modules have: set NEBULA_TRACK"),
			ROW(ON(UNLOADED_KEPT),
			    "its module was unloaded and left it behind; another module uses it",
			    "destroy it in the module's exit function; below is who made it",
			    "it goes with its last user, see allocators/{name}/live"),
			ROW(ON(STACKS), "objects were not given back before the end",
			    "free what was allocated as shown below"),
			ROW(ON(SITES), "objects were not given back before the end",
			    "free what was allocated as shown in the records just before this one"),
			ROW(ON(UNTRACKED), "objects were not given back before the end",
			    "free them before the allocator is taken down",
			    "to see who allocated them: load with debug=T,{pattern}"),
			ROW(OF(CACHE), "values were not put before the end",
			    "call nebula_cache_put() for each value that was returned"),
			ELSE("objects were not given back before the end",
			     "free them before the allocator is taken down"),
		},
	},
};

static_assert(ARRAY_SIZE(infos) == NEBULA_E_NR);

static const struct nebula_errc_info unknown = {
	.name = "UNKNOWN", .message = "unknown code", ERRNO(EINVAL),
	.advice = ROWS {
		ELSE(NULL),
	},
};

const struct nebula_errc_info *nebula_errc_info(enum nebula_errc code)
{
	return code < NEBULA_E_NR ? &infos[code] : &unknown;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_errc_info);

static bool fits(const struct nebula_advice *advice, enum nebula_kind kind,
		 enum nebula_detail detail)
{
	return (!advice->kind || advice->kind == kind) &&
	       (!advice->detail || advice->detail == detail);
}

/* The row of the table for such a record; never NULL. */
const struct nebula_advice *nebula_errc_advice(const struct nebula_error *err)
{
	const struct nebula_advice *advice = nebula_errc_info(err->code)->advice;

	while (!fits(advice, err->kind, err->detail))
		advice++;
	return advice;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_errc_advice);

const char *nebula_errc_name(enum nebula_errc code)
{
	return nebula_errc_info(code)->name;
}
EXPORT_SYMBOL_GPL(nebula_errc_name);

const char *nebula_errc_message(enum nebula_errc code)
{
	return nebula_errc_info(code)->message;
}
EXPORT_SYMBOL_GPL(nebula_errc_message);

int nebula_errc_to_errno(enum nebula_errc code)
{
	return -nebula_errc_info(code)->errno;
}
EXPORT_SYMBOL_GPL(nebula_errc_to_errno);

enum nebula_severity nebula_errc_severity(enum nebula_errc code)
{
	return nebula_errc_info(code)->severity;
}
