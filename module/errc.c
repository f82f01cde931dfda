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
#include <linux/string.h>
#include "errc.h"
#include "internal.h"

/* What comes up in several places. */
#define RAISE		"raise {field} to {need} or more (now {now})"
#define GROW		"set NEBULA_GROW, and .max_capacity to {need} or more"
#define CHECK_SIZE	"check the size: is {size} what was meant?"
#define MADE_TO_FAIL	{ ON(INJECTED), "it was made to fail on purpose",			\
			  { "have the caller cope: that is what fail_alloc is for",		\
			    "to end it: echo 0 >fail_alloc/probability, in debugfs" } }

/* Which records a row is for. */
#define OF_ON(of, on)	NEBULA_KIND_##of, NEBULA_D_##on
#define OF(of)		NEBULA_KIND_##of, NEBULA_D_NONE
#define ON(on)		NEBULA_KIND_NONE, NEBULA_D_##on
#define ELSE		NEBULA_KIND_NONE, NEBULA_D_NONE

#define STATES		(const struct nebula_advice[])
#define ERRNO(e)	.errno = (e), .errno_name = #e

static const struct nebula_errc_info infos[] = {
	[NEBULA_OK] = {
		.name = "OK", .message = "no error", .errno = 0, .errno_name = "0",
		.advice = STATES {
			{ ELSE },
		},
	},
	[NEBULA_E_OUT_OF_MEMORY] = {
		.name = "OUT_OF_MEMORY", ERRNO(ENOMEM), .severity = NEBULA_WARNING,
		.message = "there is no room for the request",
		.advice = STATES {
			MADE_TO_FAIL,
			{ ON(NO_PART), "no part could serve it",
			  { "see the records of its parts, just before this one",
			    "add a part that can, for example nebula_system_allocator()" } },
			{ OF(CUSTOM), "the client's own .alloc returned nothing",
			  { "look there: its name is in allocators/{name}/info" } },
			{ OF(SYSTEM), "the kernel gave no memory",
			  { CHECK_SIZE, "allocate where the caller may sleep" } },
			{ ON(OUTRUN), "growth is on its way and was outrun",
			  { RAISE, "call nebula_bump_reserve() before a burst" } },
			{ ON(AT_LIMIT), "it has grown up to its limit",
			  { "raise .max_capacity to {need} or more (now {max})",
			    "reset, or restore a checkpoint, before that",
			    CHECK_SIZE } },
			{ OF(SCRATCH), "this CPU has not so much left",
			  { RAISE,
			    "put what is not needed any more before getting more",
			    "take large buffers from a stack, or from kmalloc()" } },
			{ OF_ON(STACK, FULL), "the allocator is over 90% full",
			  { RAISE, "free, or restore a mark, before it is full" } },
			{ OF_ON(STACK, FULL_BUFFER), "the allocator is over 90% full",
			  { RAISE, "free, or restore a mark, before it is full" } },
			{ ON(FULL_BUFFER), "the allocator is over 90% full",
			  { RAISE, "reset, or restore a checkpoint, before it is full" } },
			{ ON(FULL), "the allocator is over 90% full",
			  { RAISE, GROW, "reset, or restore a checkpoint, before it is full" } },
			{ ON(TOO_LARGE), "the request is larger than what is left",
			  { RAISE,
			    CHECK_SIZE,
			    "let another allocator have the large ones: nebula_split_create()" } },
			{ ELSE, "what is left is not in one piece, or not aligned so",
			  { RAISE,
			    "allocate what is aligned most strictly first, or align less" } },
		},
	},
	[NEBULA_E_POOL_EXHAUSTED] = {
		.name = "POOL_EXHAUSTED", ERRNO(ENOMEM), .severity = NEBULA_WARNING,
		.message = "all blocks are in use",
		.advice = STATES {
			MADE_TO_FAIL,
			{ ON(RESERVE), "the reserve is used up",
			  { "put more blocks aside: the n of nebula_pool_reserve()" } },
			{ ON(OUTRUN), "growth is on its way and was outrun",
			  { RAISE,
			    "call nebula_pool_grow() before a burst",
			    "wait for a block: nebula_pool_alloc_wait()" } },
			{ ON(AT_LIMIT), "it has grown up to its limit",
			  { "raise .max_blocks to {need} or more (now {max})",
			    "wait for a block: nebula_pool_alloc_wait()",
			    "see who has them: set NEBULA_TRACK, cat allocators/{name}/live" } },
			{ ON(BULK), "there are not so many",
			  { RAISE,
			    "ask for fewer at a time, or for what there is, one by one" } },
			{ ON(PROMISED), "what is left is promised to those who wait",
			  { "wait, too: nebula_pool_alloc_wait()", RAISE } },
			{ ON(FULL_BUFFER), "the allocator is over 90% full: all blocks are in use",
			  { RAISE ", and the size of the buffer with it",
			    "wait for a block: nebula_pool_alloc_wait()",
			    "see who has them: set NEBULA_TRACK, cat allocators/{name}/live" } },
			{ ELSE, "the allocator is over 90% full: all blocks are in use",
			  { RAISE ", or set NEBULA_GROW",
			    "wait for a block: nebula_pool_alloc_wait()",
			    "see who has them: set NEBULA_TRACK, cat allocators/{name}/live" } },
		},
	},
	[NEBULA_E_BACKING_FAILED] = {
		.name = "BACKING_FAILED", ERRNO(ENOMEM), .severity = NEBULA_WARNING,
		.message = "the kernel gave no memory",
		.advice = STATES {
			{ ON(GROWTH), "the kernel gave no memory to grow",
			  { "make it large enough at first: {field} is {now}",
			    "reserve ahead of need, where the caller may sleep",
			    "use a .gfp that may block, and NEBULA_VMALLOC" } },
			{ ON(RESERVE), "the kernel gave no memory to reserve",
			  { "reserve less than {size}, or earlier",
			    "use a gfp that may block" } },
			{ ON(OWN_DATA), NULL,
			  { "do it earlier, or give memory back to the kernel first" } },
			{ ELSE, NULL,
			  { "ask for less than {size}, or earlier, when memory is in larger pieces",
			    "use NEBULA_VMALLOC or NEBULA_AUTO instead of NEBULA_PAGES",
			    "use a .gfp that may block" } },
		},
	},
	[NEBULA_E_INVALID_LAYOUT] = {
		.name = "INVALID_LAYOUT", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the object does not fit what this allocator hands out",
		.advice = STATES {
			{ ON(BLOCK_SIZE), "a block is too small for the object",
			  { "raise .block_size to {bytes} or more (now {unit})",
			    "divide requests by size: nebula_split_create(name, {unit}, ...)" } },
			{ ON(BLOCK_ALIGN), "a block is not aligned so",
			  { "set .align to {align}", "align the type less strictly" } },
			{ ON(NO_BLOCKS), "no blocks are no request",
			  { "check the number of blocks, and that there is an array for them" } },
			{ ELSE, "it has not the size that was told",
			  { "free it as what it was allocated as",
			    "compare the size with allocators/{name}/info" } },
		},
	},
	[NEBULA_E_INVALID_ALIGNMENT] = {
		.name = "INVALID_ALIGNMENT", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the alignment is not a power of two",
		.advice = STATES {
			{ ELSE, "{align} is not a power of two, or not what the object has",
			  { "pass __alignof__(type), or {pow2}" } },
		},
	},
	[NEBULA_E_SIZE_OVERFLOW] = {
		.name = "SIZE_OVERFLOW", ERRNO(EOVERFLOW), .severity = NEBULA_WARNING,
		.message = "the size cannot be represented",
		.advice = STATES {
			{ ELSE, NULL,
			  { "look for a negative number, or a multiplication that is not checked",
			    "compute sizes with size_mul(), array_size() or struct_size()",
			    "or let nebula_alloc_objs() and nebula_alloc_flex() do it" } },
		},
	},
	[NEBULA_E_EXCEEDS_MAX] = {
		.name = "EXCEEDS_MAX", ERRNO(E2BIG), .severity = NEBULA_WARNING,
		.message = "a limit of this allocator was exceeded",
		.advice = STATES {
			{ ON(REWINDS), "it cannot tell apart more rewinds",
			  { "restore an outer checkpoint, or reset, now and then",
			    "take fewer checkpoints between two rewinds" } },
			{ ON(MARKS), "there is no room for another mark",
			  { "raise {field} (now {now})", "restore an outer mark first" } },
			{ ON(NESTING), "composites are nested too deeply",
			  { "make one of several parts instead of parts of parts" } },
			{ ON(GROW), "it may not have so many blocks",
			  { "raise .max_blocks to {need} or more (now {max}), with NEBULA_GROW",
			    "ask for fewer" } },
			{ ELSE, "it will never have so many blocks",
			  { RAISE, "ask for fewer at a time" } },
		},
	},
	[NEBULA_E_INVALID_CONFIG] = {
		.name = "INVALID_CONFIG", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "a field of the configuration is wrong",
		.advice = STATES {
			{ ELSE, "{what} is wrong",
			  { "correct {what}: its rules are in <nebula/{kind}.h>" } },
		},
	},
	[NEBULA_E_INVALID_STATE] = {
		.name = "INVALID_STATE", ERRNO(EBUSY), .severity = NEBULA_WARNING,
		.message = "the operation does not fit the allocator's mode or state",
		.advice = STATES {
			{ ON(OPEN_SCOPE), "a scope on it is open",
			  { "end it first: it ends with the block that has the guard()" } },
			{ ON(WAITERS), "somebody waits for a block",
			  { "wake those who wait: give blocks back, or send them a signal" } },
			{ ON(RESERVES), "blocks are put aside",
			  { "end all reserves first: nebula_pool_unreserve()" } },
			{ ON(PART), "another allocator is made of it",
			  { "take that down first: nebula_composite_destroy()" } },
			{ ON(EMBEDDED), "it was made by init, not by create",
			  { "end it with nebula_{kind}_exit()" } },
			{ ON(CREATED), "it was made by create, not by init",
			  { "end it with nebula_{kind}_destroy()" } },
			{ ON(SHARED), "a shared allocator has no checkpoints",
			  { "use one allocator for each owner, without NEBULA_SHARED",
			    "use reset, when nobody allocates" } },
			{ ON(UNREGISTERED), "nobody has registered it",
			  { "call nebula_custom_register() before it is used" } },
			{ ELSE, "it is not in the state for that",
			  { "see allocators/{name}/info" } },
		},
	},
	[NEBULA_E_WRONG_CONTEXT] = {
		.name = "WRONG_CONTEXT", ERRNO(EPERM), .severity = NEBULA_WARNING,
		.message = "the operation may not run in this context",
		.advice = STATES {
			{ ON(MAY_MIGRATE), "the task may be moved to another CPU meanwhile",
			  { "disable preemption from get to put, or use CLASS(nebula_scratch, ...)",
			    "or a stack of the task's own: nebula_stack_create()" } },
			{ ON(NMI), "an NMI may not do that",
			  { "put it off to an irq_work, and from there to a work item" } },
			{ ON(GROWTH), "it may not grow in this context",
			  { "reserve ahead of need: nebula_{kind}_reserve()",
			    "use a .gfp that does not block: GFP_NOWAIT or GFP_ATOMIC" } },
			{ ON(INTERRUPT), "an interrupt may not do that",
			  { "put it off to a work item" } },
			{ ELSE, "preemption or interrupts are off, or a spinlock is held",
			  { "do it before the section that may not sleep, or behind it" } },
		},
	},
	[NEBULA_E_DOUBLE_FREE] = {
		.name = "DOUBLE_FREE", ERRNO(EINVAL), .severity = NEBULA_CORRUPT,
		.message = "it is free already",
		.advice = STATES {
			{ ON(STACKS), NULL,
			  { "compare who freed it first, below, with who does it now",
			    "set the pointer to NULL where it is freed" } },
			{ ELSE, NULL,
			  { "set the pointer to NULL where it is freed",
			    "to see who freed it first: load with debug=T,{pattern}" } },
		},
	},
	[NEBULA_E_FOREIGN_POINTER] = {
		.name = "FOREIGN_POINTER", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the pointer is not this allocator's",
		.advice = STATES {
			{ OF(SCRATCH), "the pointer is not this CPU's",
			  { "put it on the CPU that it was got on, with preemption off between" } },
			{ ELSE, NULL,
			  { "pass it to the allocator it came from; nebula_owns() tells which" } },
		},
	},
	[NEBULA_E_MISALIGNED_POINTER] = {
		.name = "MISALIGNED_POINTER", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the pointer is inside an object",
		.advice = STATES {
			{ ELSE, NULL,
			  { "pass it as it was returned; from a member use container_of()" } },
		},
	},
	[NEBULA_E_LIFO_VIOLATION] = {
		.name = "LIFO_VIOLATION", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "something newer must be freed first",
		.advice = STATES {
			{ ELSE, NULL,
			  { "free in reverse order, or back to a mark with all that is newer",
			    "use a pool for what is freed in any order" } },
		},
	},
	[NEBULA_E_STALE_CHECKPOINT] = {
		.name = "STALE_CHECKPOINT", ERRNO(ESTALE), .severity = NEBULA_WARNING,
		.message = "what it was taken on top of was given back since",
		.advice = STATES {
			{ OF(STACK), "what the mark was taken on top of was given back since",
			  { "restore inner marks before outer ones",
			    "take a new mark after each reset" } },
			{ ELSE, "the allocator was reset, or rewound past the checkpoint",
			  { "restore inner checkpoints before outer ones",
			    "take a new checkpoint after each reset" } },
		},
	},
	[NEBULA_E_FOREIGN_CHECKPOINT] = {
		.name = "FOREIGN_CHECKPOINT", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the checkpoint is another allocator's, or garbage",
		.advice = STATES {
			{ ELSE, "it is another allocator's, was refused when taken, or is garbage",
			  { "restore it on the allocator it was taken from",
			    "look for an earlier record: was it refused when it was taken?" } },
		},
	},
	[NEBULA_E_CORRUPTION] = {
		.name = "CORRUPTION", ERRNO(EFAULT), .severity = NEBULA_CORRUPT,
		.message = "memory of the allocator was overwritten",
		.advice = STATES {
			{ ON(STACKS), "{what} was overwritten",
			  { "look at what uses the object allocated below, and its neighbours",
			    "boot a KASAN kernel: it stops at the write itself" } },
			{ ELSE, "{what} was overwritten",
			  { "load with debug=RPT,{pattern} to see whose object it is",
			    "boot a KASAN kernel: it stops at the write itself" } },
		},
	},
	[NEBULA_E_USE_AFTER_FREE] = {
		.name = "USE_AFTER_FREE", ERRNO(EFAULT), .severity = NEBULA_CORRUPT,
		.message = "released memory was written to",
		.advice = STATES {
			{ ELSE, "memory was written to while it was nobody's",
			  { "look who had it last; set NEBULA_TRACK to see that of a pool's block",
			    "boot a KASAN kernel: it stops at the write itself" } },
		},
	},
	[NEBULA_E_BUDGET_EXCEEDED] = {
		.name = "BUDGET_EXCEEDED", ERRNO(EDQUOT), .severity = NEBULA_WARNING,
		.message = "a budget in the chain is used up",
		.advice = STATES {
			{ ON(GROWTH), "a budget refused to let it grow",
			  { "raise .limit of its budget by {bytes}",
			    "give memory of the same budget back first" } },
			{ ELSE, NULL,
			  { "raise .limit of {what} by {bytes}",
			    "give memory of the same budget back first" } },
		},
	},
	[NEBULA_E_BUDGET_PER_ALLOC] = {
		.name = "BUDGET_PER_ALLOC", ERRNO(EDQUOT), .severity = NEBULA_WARNING,
		.message = "one charge is larger than the budget allows",
		.advice = STATES {
			{ ELSE, NULL,
			  { "raise .per_alloc to {bytes} or more", "ask for less at a time" } },
		},
	},
	[NEBULA_E_UNCHARGE_UNDERFLOW] = {
		.name = "UNCHARGE_UNDERFLOW", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "more was given back than taken",
		.advice = STATES {
			{ ELSE, NULL,
			  { "give back exactly what was charged, once" } },
		},
	},
	[NEBULA_E_CYCLE] = {
		.name = "CYCLE", ERRNO(ELOOP), .severity = NEBULA_WARNING,
		.message = "parents or parts form a cycle",
		.advice = STATES {
			{ ELSE, NULL,
			  { "build from the leaves to the root" } },
		},
	},
	[NEBULA_E_RECURSION] = {
		.name = "RECURSION", ERRNO(EDEADLK), .severity = NEBULA_WARNING,
		.message = "a computation asked for itself",
		.advice = STATES {
			{ ELSE, NULL,
			  { "compute the inner value first" } },
		},
	},
	[NEBULA_E_COMPUTE_FAILED] = {
		.name = "COMPUTE_FAILED", ERRNO(EIO), .severity = NEBULA_INFO,
		.message = "a computation returned an error",
		.advice = STATES {
			{ ELSE, NULL,
			  { "look at the error of the compute function" } },
		},
	},
	[NEBULA_E_TIMED_OUT] = {
		.name = "TIMED_OUT", ERRNO(ETIMEDOUT), .severity = NEBULA_INFO,
		.message = "the time to wait ran out",
		.advice = STATES {
			{ ELSE, "no block came back in time",
			  { "raise .blocks (now {now}), or the time to wait",
			    "see who has them: set NEBULA_TRACK, cat allocators/{name}/live" } },
		},
	},
	[NEBULA_E_INTERRUPTED] = {
		.name = "INTERRUPTED", ERRNO(EINTR), .severity = NEBULA_INFO,
		.message = "a signal ended the wait",
		.advice = STATES {
			{ ELSE, NULL,
			  { "return -ERESTARTSYS to the caller",
			    "wait for fatal signals alone: nebula_pool_alloc_wait_killable()" } },
		},
	},
	[NEBULA_E_NOT_SUPPORTED] = {
		.name = "NOT_SUPPORTED", ERRNO(EOPNOTSUPP), .severity = NEBULA_WARNING,
		.message = "this kernel or build cannot do it",
		.advice = STATES {
			{ ELSE, NULL,
			  { "see info for what is supported" } },
		},
	},
	[NEBULA_E_LEAK] = {
		.name = "LEAK", ERRNO(EBUSY), .severity = NEBULA_WARNING,
		.message = "memory was not given back",
		.advice = STATES {
			{ ON(NOTIFIER), "a module was unloaded and still listens",
			  { "call nebula_error_notifier_unregister() in its exit function" } },
			{ ON(UNLOADED), "its module was unloaded and left it behind",
			  { "destroy it in the module's exit function; below is who made it" } },
			{ ON(UNLOADED_UNTRACKED),
			  "its module was unloaded and left it behind; all objects are taken to be its own",
			  { "destroy it in the module's exit function; below is who made it",
			    "to keep what other modules have: set NEBULA_TRACK" } },
			{ ON(UNLOADED_KEPT),
			  "its module was unloaded and left it behind; another module uses it",
			  { "destroy it in the module's exit function; below is who made it",
			    "it goes with its last user, see allocators/{name}/live" } },
			{ ON(STACKS), "objects were not given back before the end",
			  { "free what was allocated as shown below" } },
			{ ELSE, "objects were not given back before the end",
			  { "free them before the allocator is taken down",
			    "to see who allocated them: load with debug=T,{pattern}" } },
		},
	},
};

static_assert(ARRAY_SIZE(infos) == NEBULA_E_NR);

static const struct nebula_errc_info unknown = {
	.name = "UNKNOWN", .message = "unknown code", ERRNO(EINVAL),
	.advice = STATES {
			{ ELSE },
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

/**
 * nebula_errc_name() - stable name of a code
 * @code: the code.
 *
 * Context: any.
 * Return: the name, for example "OUT_OF_MEMORY"; "UNKNOWN" for what is no code.
 */
const char *nebula_errc_name(enum nebula_errc code)
{
	return nebula_errc_info(code)->name;
}
EXPORT_SYMBOL_GPL(nebula_errc_name);

/**
 * nebula_errc_message() - what a code means
 * @code: the code.
 *
 * Context: any.
 * Return: a few words, for people; "unknown code" for what is no code.
 */
const char *nebula_errc_message(enum nebula_errc code)
{
	return nebula_errc_info(code)->message;
}
EXPORT_SYMBOL_GPL(nebula_errc_message);

/**
 * nebula_errc_to_errno() - errno of a code
 * @code: the code.
 *
 * Context: any.
 * Return: 0 for %NEBULA_OK, else a negative errno; -EINVAL for what is no code.
 */
int nebula_errc_to_errno(enum nebula_errc code)
{
	return -nebula_errc_info(code)->errno;
}
EXPORT_SYMBOL_GPL(nebula_errc_to_errno);

enum nebula_severity nebula_errc_severity(enum nebula_errc code)
{
	return nebula_errc_info(code)->severity;
}
