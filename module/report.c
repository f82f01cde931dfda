// SPDX-License-Identifier: GPL-2.0-only
/*
 * What errors are called, what they mean, and what to do about them: one table, and one printer
 * for log and debugfs.
 */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include "internal.h"

#define FULL_PERMILLE	900
#define MAX_ADVICE	3

/**
 * struct errc_info - all there is to say about a code
 * @name: stable name.
 * @message: what it means.
 * @errno_name: name of @errno.
 * @errno: positive errno.
 * @severity: how it is logged.
 * @advice: what to do.
 * @advice_full: what to do when the allocator is over 90% full; falls back to @advice.
 */
struct errc_info {
	const char *name;
	const char *message;
	const char *errno_name;
	int errno;
	enum nebula_severity severity;
	const char *advice[MAX_ADVICE];
	const char *advice_full[MAX_ADVICE];
};

#define ERRNO(e)	.errno = (e), .errno_name = #e

static const struct errc_info infos[] = {
	[NEBULA_OK] = {
		.name = "OK", .message = "no error", .errno = 0, .errno_name = "0",
	},
	[NEBULA_E_OUT_OF_MEMORY] = {
		.name = "OUT_OF_MEMORY", ERRNO(ENOMEM), .severity = NEBULA_WARNING,
		.message = "the request is larger than what is left",
		.advice = { "ask for less at a time, or raise .capacity to the value above",
			    "set NEBULA_GROW and .max_capacity",
			    "check that the size was computed right" },
		.advice_full = { "raise .capacity to the value above, or set NEBULA_GROW",
				 "reset, or restore a checkpoint, before the region is full",
				 "look for the largest users: cat allocators/<name>/stats" },
	},
	[NEBULA_E_POOL_EXHAUSTED] = {
		.name = "POOL_EXHAUSTED", ERRNO(ENOMEM), .severity = NEBULA_WARNING,
		.message = "all blocks are in use",
		.advice = { "raise .blocks or set NEBULA_GROW",
			    "wait for a block: nebula_pool_alloc_wait()",
			    "look who has them: set NEBULA_TRACK, cat allocators/<name>/live" },
	},
	[NEBULA_E_BACKING_FAILED] = {
		.name = "BACKING_FAILED", ERRNO(ENOMEM), .severity = NEBULA_WARNING,
		.message = "the kernel gave no memory for a region",
		.advice = { "use NEBULA_VMALLOC or NEBULA_AUTO instead of large contiguous pages",
			    "lower .capacity, or create the allocator earlier",
			    "use a .gfp that may block" },
	},
	[NEBULA_E_INVALID_LAYOUT] = {
		.name = "INVALID_LAYOUT", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the object does not fit what this allocator hands out",
		.advice = { "compare size and alignment with allocators/<name>/info" },
	},
	[NEBULA_E_INVALID_ALIGNMENT] = {
		.name = "INVALID_ALIGNMENT", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the alignment is not a power of two",
		.advice = { "pass __alignof__(type), or a power of two" },
	},
	[NEBULA_E_SIZE_OVERFLOW] = {
		.name = "SIZE_OVERFLOW", ERRNO(EOVERFLOW), .severity = NEBULA_WARNING,
		.message = "the size cannot be represented",
		.advice = { "look for a negative number or an unchecked multiplication",
			    "compute sizes with size_mul(), array_size() or struct_size()" },
	},
	[NEBULA_E_EXCEEDS_MAX] = {
		.name = "EXCEEDS_MAX", ERRNO(E2BIG), .severity = NEBULA_WARNING,
		.message = "a limit of this allocator was exceeded",
		.advice = { "reset, or restore an outer checkpoint",
			    "see allocators/<name>/info for the limits" },
	},
	[NEBULA_E_INVALID_CONFIG] = {
		.name = "INVALID_CONFIG", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "a field of the configuration is wrong",
		.advice = { "correct the field named above; its rules are in <nebula/*.h>" },
	},
	[NEBULA_E_INVALID_STATE] = {
		.name = "INVALID_STATE", ERRNO(EBUSY), .severity = NEBULA_WARNING,
		.message = "the operation does not fit the allocator's mode or state",
		.advice = { "close open scopes, end waits and reserves before destroying",
			    "a shared allocator has no checkpoints: use one per owner" },
	},
	[NEBULA_E_WRONG_CONTEXT] = {
		.name = "WRONG_CONTEXT", ERRNO(EPERM), .severity = NEBULA_WARNING,
		.message = "the operation may not run in this context",
		.advice = { "move it to process context, outside of locks and with interrupts on",
			    "growing in atomic context takes a .gfp that does not block" },
	},
	[NEBULA_E_DOUBLE_FREE] = {
		.name = "DOUBLE_FREE", ERRNO(EINVAL), .severity = NEBULA_CORRUPT,
		.message = "the block is free already",
		.advice = { "set the pointer to NULL where it is freed first" },
	},
	[NEBULA_E_FOREIGN_POINTER] = {
		.name = "FOREIGN_POINTER", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the pointer is not this allocator's",
		.advice = { "pass the pointer to the allocator it came from" },
	},
	[NEBULA_E_MISALIGNED_POINTER] = {
		.name = "MISALIGNED_POINTER", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the pointer is inside an object",
		.advice = { "pass the pointer as it was returned" },
	},
	[NEBULA_E_LIFO_VIOLATION] = {
		.name = "LIFO_VIOLATION", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "something newer must be freed first",
		.advice = { "free in reverse order, or use a pool" },
	},
	[NEBULA_E_STALE_CHECKPOINT] = {
		.name = "STALE_CHECKPOINT", ERRNO(ESTALE), .severity = NEBULA_WARNING,
		.message = "the allocator was reset, or rewound past the checkpoint",
		.advice = { "restore inner checkpoints before outer ones",
			    "take a new checkpoint after each reset" },
	},
	[NEBULA_E_FOREIGN_CHECKPOINT] = {
		.name = "FOREIGN_CHECKPOINT", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "the checkpoint is another allocator's, or garbage",
		.advice = { "restore a checkpoint on the allocator it was taken from",
			    "do not restore one that was refused" },
	},
	[NEBULA_E_CORRUPTION] = {
		.name = "CORRUPTION", ERRNO(EFAULT), .severity = NEBULA_CORRUPT,
		.message = "memory of the allocator was overwritten",
		.advice = { "boot a KASAN kernel", "load with debug=RPT" },
	},
	[NEBULA_E_USE_AFTER_FREE] = {
		.name = "USE_AFTER_FREE", ERRNO(EFAULT), .severity = NEBULA_CORRUPT,
		.message = "released memory was written to",
		.advice = { "boot a KASAN kernel", "load with debug=RPT" },
	},
	[NEBULA_E_BUDGET_EXCEEDED] = {
		.name = "BUDGET_EXCEEDED", ERRNO(EDQUOT), .severity = NEBULA_WARNING,
		.message = "a budget in the chain is used up",
		.advice = { "raise .limit, or give memory back" },
	},
	[NEBULA_E_BUDGET_PER_ALLOC] = {
		.name = "BUDGET_PER_ALLOC", ERRNO(EDQUOT), .severity = NEBULA_WARNING,
		.message = "one charge is larger than the budget allows",
		.advice = { "raise .per_alloc, or ask for less at a time" },
	},
	[NEBULA_E_UNCHARGE_UNDERFLOW] = {
		.name = "UNCHARGE_UNDERFLOW", ERRNO(EINVAL), .severity = NEBULA_WARNING,
		.message = "more was given back than taken",
		.advice = { "give back exactly what was charged, once" },
	},
	[NEBULA_E_CYCLE] = {
		.name = "CYCLE", ERRNO(ELOOP), .severity = NEBULA_WARNING,
		.message = "parents or parts form a cycle",
		.advice = { "build from the leaves to the root" },
	},
	[NEBULA_E_RECURSION] = {
		.name = "RECURSION", ERRNO(EDEADLK), .severity = NEBULA_WARNING,
		.message = "a computation asked for itself",
		.advice = { "compute the inner value first" },
	},
	[NEBULA_E_COMPUTE_FAILED] = {
		.name = "COMPUTE_FAILED", ERRNO(EIO), .severity = NEBULA_INFO,
		.message = "a computation returned an error",
		.advice = { "look at the error of the compute function" },
	},
	[NEBULA_E_TIMED_OUT] = {
		.name = "TIMED_OUT", ERRNO(ETIMEDOUT), .severity = NEBULA_INFO,
		.message = "the time to wait ran out",
		.advice = { "raise .blocks or the time to wait" },
	},
	[NEBULA_E_INTERRUPTED] = {
		.name = "INTERRUPTED", ERRNO(EINTR), .severity = NEBULA_INFO,
		.message = "a signal ended the wait",
		.advice = { "return -ERESTARTSYS to the caller" },
	},
	[NEBULA_E_NOT_SUPPORTED] = {
		.name = "NOT_SUPPORTED", ERRNO(EOPNOTSUPP), .severity = NEBULA_WARNING,
		.message = "this kernel or build cannot do it",
		.advice = { "see info for what is supported" },
	},
	[NEBULA_E_LEAK] = {
		.name = "LEAK", ERRNO(EBUSY), .severity = NEBULA_WARNING,
		.message = "an owner went away without giving memory back",
		.advice = { "destroy every allocator in the module's exit function" },
	},
};

static_assert(ARRAY_SIZE(infos) == NEBULA_E_NR);

static const char *const context_names[] = {
	[NEBULA_IN_TASK]	= "task",
	[NEBULA_IN_SOFTIRQ]	= "softirq",
	[NEBULA_IN_HARDIRQ]	= "hardirq",
	[NEBULA_IN_NMI]		= "nmi",
};

static_assert(ARRAY_SIZE(context_names) == NEBULA_IN_NMI + 1);

static const struct errc_info *info_of(enum nebula_errc code)
{
	static const struct errc_info unknown = {
		.name = "UNKNOWN", .message = "unknown code", ERRNO(EINVAL),
	};

	return code < NEBULA_E_NR ? &infos[code] : &unknown;
}

/**
 * nebula_errc_name() - stable name of a code
 * @code: the code.
 *
 * Context: any.
 * Return: the name, for example "OUT_OF_MEMORY"; "UNKNOWN" for what is no code.
 */
const char *nebula_errc_name(enum nebula_errc code)
{
	return info_of(code)->name;
}
EXPORT_SYMBOL_GPL(nebula_errc_name);

/**
 * nebula_errc_to_errno() - errno of a code
 * @code: the code.
 *
 * Context: any.
 * Return: 0 for %NEBULA_OK, else a negative errno; -EINVAL for what is no code.
 */
int nebula_errc_to_errno(enum nebula_errc code)
{
	return -info_of(code)->errno;
}
EXPORT_SYMBOL_GPL(nebula_errc_to_errno);

enum nebula_severity nebula_errc_severity(enum nebula_errc code)
{
	return info_of(code)->severity;
}

const char *nebula_context_name(enum nebula_context context)
{
	return context < ARRAY_SIZE(context_names) ? context_names[context] : "?";
}

/* A buffer being filled; len never exceeds what fits. */
struct sink {
	char *buf;
	size_t size;
	size_t len;
};

static __printf(2, 3) void put(struct sink *s, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	s->len += vscnprintf(s->buf + s->len, s->size - s->len, fmt, args);
	va_end(args);
}

static void put_head(struct sink *s, const struct nebula_error *err, const struct errc_info *info)
{
	u32 rest;
	u64 seconds = div_u64_rem(err->time_ns, NSEC_PER_SEC, &rest);

	put(s, "[%5llu.%06u] %s: %s (%s%s) in %s[%d], %s, cpu %d\n", seconds, rest / 1000,
	    err->name, info->name, info->errno ? "-" : "", info->errno_name, err->comm, err->pid,
	    nebula_context_name(err->context), err->cpu);
}

static void put_request(struct sink *s, const struct nebula_error *err)
{
	char buf[NEBULA_BYTES_SIZE];

	if (err->size && err->align)
		put(s, "   requested: %s (align %zu)\n", nebula_bytes_str(buf, err->size),
		    err->align);
	else if (err->size)
		put(s, "   requested: %s\n", nebula_bytes_str(buf, err->size));
	else if (err->align)
		put(s, "   requested: align %zu\n", err->align);
	if (err->what[0])
		put(s, "   at fault:  %s\n", err->what);
}

static void put_state(struct sink *s, const struct nebula_error *err)
{
	char used[NEBULA_BYTES_SIZE], capacity[NEBULA_BYTES_SIZE];
	char available[NEBULA_BYTES_SIZE], peak[NEBULA_BYTES_SIZE];

	if (!err->capacity)
		return;
	put(s, "   state:     used %s of %s (%u.%u%%), available %s, peak %s\n",
	    nebula_bytes_str(used, err->used), nebula_bytes_str(capacity, err->capacity),
	    err->utilisation / 10, err->utilisation % 10,
	    nebula_bytes_str(available, err->available), nebula_bytes_str(peak, err->peak));
}

static void put_advice(struct sink *s, const struct nebula_error *err, const struct errc_info *info)
{
	const bool full =
		err->capacity && err->utilisation >= FULL_PERMILLE && info->advice_full[0];
	const char *const *advice = full ? info->advice_full : info->advice;
	char buf[NEBULA_BYTES_SIZE];
	unsigned int i;

	put(s, "   suggest:   %s", full ? "the allocator is over 90% full" : info->message);
	if (err->code == NEBULA_E_OUT_OF_MEMORY && is_power_of_2(err->align))
		put(s, "; a capacity of %s would have sufficed",
		    nebula_bytes_str(buf, PAGE_ALIGN(ALIGN(err->used, err->align) + err->size)));
	put(s, ":\n");
	if (err->growth_pending)
		put(s, "              0. growth is on its way and was outrun: raise .capacity\n");
	for (i = 0; i < MAX_ADVICE && advice[i]; i++)
		put(s, "              %u. %s\n", i + 1, advice[i]);
}

/* Stacks one after another, each behind what marks it. */
static void put_backtrace(struct sink *s, const struct nebula_error *err)
{
	const char *label = "backtrace:";
	unsigned int i;

	for (i = 0; i < err->nr_entries; i++) {
		if (err->entries[i] == NEBULA_ENTRY_ALLOCATED) {
			label = "allocated:";
		} else if (err->entries[i] == NEBULA_ENTRY_FREED) {
			label = "freed:";
		} else {
			put(s, "   %-10s %pS\n", label, (void *)err->entries[i]);
			label = "";
		}
	}
}

/**
 * nebula_error_snprint() - the report of an error, as in log and debugfs
 * @buf: where it goes.
 * @size: bytes at @buf; longer text is cut.
 * @err: the error.
 *
 * Context: any.
 * Return: characters written, without the terminating zero.
 */
int nebula_error_snprint(char *buf, size_t size, const struct nebula_error *err)
{
	const struct errc_info *info = info_of(err->code);
	struct sink s = { .buf = buf, .size = size };

	if (!size)
		return 0;
	buf[0] = '\0';
	put_head(&s, err, info);
	put_request(&s, err);
	put_state(&s, err);
	put_advice(&s, err, info);
	put_backtrace(&s, err);
	return s.len;
}
EXPORT_SYMBOL_GPL(nebula_error_snprint);
