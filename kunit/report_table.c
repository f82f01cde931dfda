// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is suggested, see report_table.h. In the order of the table in module/errc.c.
 */
#include <linux/kernel.h>
#include <linux/sizes.h>
#include "report_table.h"

#define ERR(errc, of, ...)									\
	{ .code = NEBULA_E_##errc, .kind = NEBULA_KIND_##of, .name = "conn", ##__VA_ARGS__ }

#define FULL	.used = 3900, .available = 196, .capacity = SZ_4K, .utilisation = 952
#define ROOMY	.used = SZ_1K, .available = 3 * SZ_1K, .capacity = SZ_4K, .utilisation = 250
#define BLOCKS	.unit = 64, .used = 6400, .capacity = 6400, .utilisation = 1000

#define S	REPORT_STATE
#define I	REPORT_ITEM

#define RAISE_TO_8K	"raise .capacity to 8192 (8.00 KiB) or more (now 4096 (4.00 KiB))"
#define IS_INJECTED									\
	(S("it was made to fail on purpose")						\
	 I("1. have the caller cope: that is what fail_alloc is for")			\
	 I("2. to end it: echo 0 >fail_alloc/probability, in debugfs"))
#define WHO_HAS_THEM	"see who has them: set NEBULA_TRACK, cat allocators/conn/live"
#define WITH_STACK	.nr_entries = 1, .entries = { NEBULA_ENTRY_ALLOCATED }

const struct report_row report_rows[] = {
	{ "no error", { .name = "conn" }, S("no error") },
	{ "no code", { .code = NEBULA_E_NR, .name = "conn" }, S("unknown code") },
	{ "far from any code", { .code = UINT_MAX, .name = "conn" }, S("unknown code") },

	{ "made to fail, and full", ERR(OUT_OF_MEMORY, BUMP, FULL, .detail = NEBULA_D_INJECTED),
	  IS_INJECTED },
	{ "a composite", ERR(OUT_OF_MEMORY, FALLBACK, FULL, .size = 100,
			     .detail = NEBULA_D_NO_PART),
	  S("no part could serve it")
	  I("1. see the records of its parts, just before this one")
	  I("2. add a part that can, for example nebula_system_allocator()") },
	{ "a split", ERR(OUT_OF_MEMORY, SPLIT, .size = 100, .detail = NEBULA_D_NO_PART),
	  S("no part could serve it")
	  I("1. see the records of its parts, just before this one")
	  I("2. add a part that can, for example nebula_system_allocator()") },
	{ "a client's kind", ERR(OUT_OF_MEMORY, CUSTOM, FULL, .size = 100),
	  S("the client's own .alloc returned nothing")
	  I("1. look there: its name is in allocators/conn/info") },
	{ "the kernel's own", ERR(OUT_OF_MEMORY, SYSTEM, .size = 3UL * SZ_1G),
	  S("the kernel gave no memory")
	  I("1. check the size: is 3.00 GiB what was meant?")
	  I("2. allocate where the caller may sleep") },
	{ "outrun", ERR(OUT_OF_MEMORY, BUMP, FULL, .size = 100, .need = SZ_8K,
			.growth_pending = true),
	  S("growth is on its way and was outrun")
	  I("1. " RAISE_TO_8K)
	  I("2. call nebula_bump_reserve() before a burst") },
	{ "grown up to the limit", ERR(OUT_OF_MEMORY, BUMP, FULL, .size = 2000, .need = 20 * SZ_1K,
				       .max_capacity = SZ_16K, .detail = NEBULA_D_AT_LIMIT),
	  S("it has grown up to its limit")
	  I("1. raise .max_capacity to 20480 (20.00 KiB) or more (now 16384 (16.00 KiB))")
	  I("2. reset, or restore a checkpoint, before that")
	  I("3. check the size: is 1.95 KiB what was meant?") },
	{ "scratch", ERR(OUT_OF_MEMORY, SCRATCH, FULL, .size = 100, .need = 2048, .unit = 1000,
			 .what = "get"),
	  S("this CPU has not so much left")
	  I("1. raise .per_cpu_size to 2048 (2.00 KiB) or more (now 1000)")
	  I("2. put what is not needed any more before getting more")
	  I("3. take large buffers from a stack, or from kmalloc()") },
	{ "scratch of a buffer", ERR(OUT_OF_MEMORY, SCRATCH, .size = 100, .need = 700, .unit = 600,
				     .buffer = true, .what = "get"),
	  S("this CPU has not so much left")
	  I("1. raise the size of the buffer to 700 or more (now 600)")
	  I("2. put what is not needed any more before getting more")
	  I("3. take large buffers from a stack, or from kmalloc()") },
	{ "a full stack", ERR(OUT_OF_MEMORY, STACK, FULL, .size = 300, .need = SZ_8K),
	  S("the allocator is over 90% full")
	  I("1. " RAISE_TO_8K)
	  I("2. free, or restore a mark, before it is full") },
	{ "a full stack on a buffer", ERR(OUT_OF_MEMORY, STACK, .used = 90, .available = 10,
					  .capacity = 100, .utilisation = 900, .size = 20,
					  .need = 110, .buffer = true),
	  S("the allocator is over 90% full")
	  I("1. raise the size of the buffer to 110 or more (now 100)")
	  I("2. free, or restore a mark, before it is full") },
	{ "a full buffer", ERR(OUT_OF_MEMORY, BUMP, .used = 90, .available = 10, .capacity = 100,
			       .utilisation = 900, .size = 20, .need = 110, .buffer = true),
	  S("the allocator is over 90% full")
	  I("1. raise the size of the buffer to 110 or more (now 100)")
	  I("2. reset, or restore a checkpoint, before it is full") },
	{ "full", ERR(OUT_OF_MEMORY, BUMP, FULL, .size = 300, .need = SZ_8K),
	  S("the allocator is over 90% full")
	  I("1. " RAISE_TO_8K)
	  I("2. set NEBULA_GROW, and .max_capacity to 8192 (8.00 KiB) or more")
	  I("3. reset, or restore a checkpoint, before it is full") },
	{ "a tenth of a percent less", ERR(OUT_OF_MEMORY, BUMP, .available = 409,
					   .capacity = SZ_4K, .utilisation = 899, .size = 410,
					   .need = SZ_8K),
	  S("the request is larger than what is left")
	  I("1. " RAISE_TO_8K)
	  I("2. check the size: is 410 bytes what was meant?")
	  I("3. let another allocator have the large ones: nebula_split_create()") },
	{ "larger with its guard", ERR(OUT_OF_MEMORY, STACK, ROOMY, .size = 3000, .overhead = 100,
				       .need = SZ_8K),
	  S("the request is larger than what is left")
	  I("1. " RAISE_TO_8K)
	  I("2. check the size: is 2.92 KiB what was meant?")
	  I("3. let another allocator have the large ones: nebula_split_create()") },
	{ "not in one piece", ERR(OUT_OF_MEMORY, BUMP, ROOMY, .size = 3000, .align = 4096,
				  .need = SZ_8K),
	  S("what is left is not in one piece, or not aligned so")
	  I("1. " RAISE_TO_8K)
	  I("2. allocate what is aligned most strictly first, or align less") },

	{ "a pool made to fail", ERR(POOL_EXHAUSTED, POOL, BLOCKS, .detail = NEBULA_D_INJECTED),
	  IS_INJECTED },
	{ "a reserve", ERR(POOL_EXHAUSTED, POOL, BLOCKS, .detail = NEBULA_D_RESERVE),
	  S("the reserve is used up")
	  I("1. put more blocks aside: the n of nebula_pool_reserve()") },
	{ "a pool outrun", ERR(POOL_EXHAUSTED, POOL, BLOCKS, .need = 101, .growth_pending = true),
	  S("growth is on its way and was outrun")
	  I("1. raise .blocks to 101 or more (now 100)")
	  I("2. call nebula_pool_grow() before a burst")
	  I("3. wait for a block: nebula_pool_alloc_wait()") },
	{ "a pool at its limit", ERR(POOL_EXHAUSTED, POOL, BLOCKS, .need = 101,
				     .max_capacity = 6400, .detail = NEBULA_D_AT_LIMIT),
	  S("it has grown up to its limit")
	  I("1. raise .max_blocks to 101 or more (now 100)")
	  I("2. wait for a block: nebula_pool_alloc_wait()")
	  I("3. " WHO_HAS_THEM) },
	{ "in bulk", ERR(POOL_EXHAUSTED, POOL, BLOCKS, .need = 120, .detail = NEBULA_D_BULK),
	  S("there are not so many")
	  I("1. raise .blocks to 120 or more (now 100)")
	  I("2. ask for fewer at a time, or for what there is, one by one") },
	{ "promised", ERR(POOL_EXHAUSTED, POOL, .unit = 64, .used = 6336, .available = 64,
			  .capacity = 6400, .need = 101),
	  S("what is left is promised to those who wait")
	  I("1. wait, too: nebula_pool_alloc_wait()")
	  I("2. raise .blocks to 101 or more (now 100)") },
	{ "a pool on a buffer", ERR(POOL_EXHAUSTED, POOL, BLOCKS, .need = 101, .buffer = true),
	  S("the allocator is over 90% full: all blocks are in use")
	  I("1. raise .blocks to 101 or more (now 100), and the size of the buffer with it")
	  I("2. wait for a block: nebula_pool_alloc_wait()")
	  I("3. " WHO_HAS_THEM) },
	{ "all in use", ERR(POOL_EXHAUSTED, POOL, BLOCKS, .need = 101),
	  S("the allocator is over 90% full: all blocks are in use")
	  I("1. raise .blocks to 101 or more (now 100), or set NEBULA_GROW")
	  I("2. wait for a block: nebula_pool_alloc_wait()")
	  I("3. " WHO_HAS_THEM) },

	{ "to grow", ERR(BACKING_FAILED, BUMP, FULL, .size = 100, .detail = NEBULA_D_GROWTH),
	  S("the kernel gave no memory to grow")
	  I("1. make it large enough at first: .capacity is 4096 (4.00 KiB)")
	  I("2. reserve ahead of need, where the caller may sleep")
	  I("3. use a .gfp that may block, and NEBULA_VMALLOC") },
	{ "a pool to grow", ERR(BACKING_FAILED, POOL, BLOCKS, .detail = NEBULA_D_GROWTH),
	  S("the kernel gave no memory to grow")
	  I("1. make it large enough at first: .blocks is 100")
	  I("2. reserve ahead of need, where the caller may sleep")
	  I("3. use a .gfp that may block, and NEBULA_VMALLOC") },
	{ "to reserve", ERR(BACKING_FAILED, BUMP, .size = SZ_1M, .detail = NEBULA_D_RESERVE),
	  S("the kernel gave no memory to reserve")
	  I("1. reserve less than 1.00 MiB, or earlier")
	  I("2. use a gfp that may block") },
	{ "for what is ours", ERR(BACKING_FAILED, FALLBACK, .what = "create"),
	  S("the kernel gave no memory")
	  I("1. do it earlier, or give memory back to the kernel first") },
	{ "for a region", ERR(BACKING_FAILED, BUMP, .size = SZ_64M, .what = "create"),
	  S("the kernel gave no memory")
	  I("1. ask for less than 64.00 MiB, or earlier, when memory is in larger pieces")
	  I("2. use NEBULA_VMALLOC or NEBULA_AUTO instead of NEBULA_PAGES")
	  I("3. use a .gfp that may block") },

	{ "too large for a block", ERR(INVALID_LAYOUT, POOL, BLOCKS, .size = 2000,
				       .detail = NEBULA_D_BLOCK_SIZE),
	  S("a block is too small for the object")
	  I("1. raise .block_size to 2000 (1.95 KiB) or more (now 64)")
	  I("2. divide requests by size: nebula_split_create(name, 64, ...)") },
	{ "too strict for a block", ERR(INVALID_LAYOUT, POOL, BLOCKS, .size = 10, .align = 128,
					.detail = NEBULA_D_BLOCK_ALIGN),
	  S("a block is not aligned so")
	  I("1. set .align to 128")
	  I("2. align the type less strictly") },
	{ "no blocks", ERR(INVALID_LAYOUT, POOL, BLOCKS, .detail = NEBULA_D_NO_BLOCKS),
	  S("no blocks are no request")
	  I("1. check the number of blocks, and that there is an array for them") },
	{ "no array", ERR(INVALID_LAYOUT, POOL, BLOCKS, .detail = NEBULA_D_NO_BLOCKS),
	  S("no blocks are no request")
	  I("1. check the number of blocks, and that there is an array for them") },
	{ "another size", ERR(INVALID_LAYOUT, STACK, .size = 100, .what = "free"),
	  S("it has not the size that was told")
	  I("1. free it as what it was allocated as")
	  I("2. compare the size with allocators/conn/info") },

	{ "no power", ERR(INVALID_ALIGNMENT, BUMP, .size = 1, .align = 48),
	  S("48 is not a power of two, or not what the object has")
	  I("1. pass __alignof__(type), or 64") },
	{ "no alignment", ERR(INVALID_ALIGNMENT, BUMP, .size = 1),
	  S("0 is not a power of two, or not what the object has")
	  I("1. pass __alignof__(type), or 1") },
	{ "beyond all powers", ERR(INVALID_ALIGNMENT, BUMP, .size = 1,
				   .align = (1ULL << 63) + 1),
	  S("9223372036854775809 is not a power of two, or not what the object has")
	  I("1. pass __alignof__(type), or 1") },
	{ "overflow", ERR(SIZE_OVERFLOW, BUMP, .size = SIZE_MAX),
	  S("the size cannot be represented")
	  I("1. look for a negative number, or a multiplication that is not checked")
	  I("2. compute sizes with size_mul(), array_size() or struct_size()")
	  I("3. or let nebula_alloc_objs() and nebula_alloc_flex() do it") },

	{ "rewinds", ERR(EXCEEDS_MAX, BUMP, .detail = NEBULA_D_REWINDS),
	  S("it cannot tell apart more rewinds")
	  I("1. restore an outer checkpoint, or reset, now and then")
	  I("2. take fewer checkpoints between two rewinds") },
	{ "marks", ERR(EXCEEDS_MAX, STACK, .capacity = SZ_4K, .detail = NEBULA_D_MARKS),
	  S("there is no room for another mark")
	  I("1. raise .capacity (now 4096 (4.00 KiB))")
	  I("2. restore an outer mark first") },
	{ "marks on a buffer", ERR(EXCEEDS_MAX, STACK, .capacity = 500, .buffer = true,
				   .detail = NEBULA_D_MARKS),
	  S("there is no room for another mark")
	  I("1. raise the size of the buffer (now 500)")
	  I("2. restore an outer mark first") },
	{ "nesting", ERR(EXCEEDS_MAX, FALLBACK, .detail = NEBULA_D_NESTING),
	  S("composites are nested too deeply")
	  I("1. make one of several parts instead of parts of parts") },
	{ "grown by hand", ERR(EXCEEDS_MAX, POOL, BLOCKS, .need = 150, .max_capacity = 7680,
			       .detail = NEBULA_D_GROW),
	  S("it may not have so many blocks")
	  I("1. raise .max_blocks to 150 or more (now 120), with NEBULA_GROW")
	  I("2. ask for fewer") },
	{ "more than there are", ERR(EXCEEDS_MAX, POOL, BLOCKS, .need = 150, .detail = NEBULA_D_BULK),
	  S("it will never have so many blocks")
	  I("1. raise .blocks to 150 or more (now 100)")
	  I("2. ask for fewer at a time") },

	{ "a field", ERR(INVALID_CONFIG, SCRATCH, .what = ".per_cpu_size"),
	  S(".per_cpu_size is wrong")
	  I("1. correct .per_cpu_size: its rules are in <nebula/scratch.h>") },
	{ "in a scope", ERR(INVALID_STATE, STACK, .detail = NEBULA_D_OPEN_SCOPE),
	  S("a scope on it is open")
	  I("1. end it first: it ends with the block that has the guard()") },
	{ "waiters", ERR(INVALID_STATE, POOL, .detail = NEBULA_D_WAITERS),
	  S("somebody waits for a block")
	  I("1. wake those who wait: give blocks back, or send them a signal") },
	{ "reserves", ERR(INVALID_STATE, POOL, .detail = NEBULA_D_RESERVES),
	  S("blocks are put aside")
	  I("1. end all reserves first: nebula_pool_unreserve()") },
	{ "a part", ERR(INVALID_STATE, BUMP, .detail = NEBULA_D_PART),
	  S("another allocator is made of it")
	  I("1. take that down first: nebula_composite_destroy()") },
	{ "made by init", ERR(INVALID_STATE, BUMP, .detail = NEBULA_D_EMBEDDED),
	  S("it was made by init, not by create")
	  I("1. end it with nebula_bump_exit()") },
	{ "made by create", ERR(INVALID_STATE, STACK, .detail = NEBULA_D_CREATED),
	  S("it was made by create, not by init")
	  I("1. end it with nebula_stack_destroy()") },
	{ "of all", ERR(INVALID_STATE, BUMP, .detail = NEBULA_D_SHARED),
	  S("a shared allocator has no checkpoints")
	  I("1. use one allocator for each owner, without NEBULA_SHARED")
	  I("2. use reset, when nobody allocates") },
	{ "not registered", ERR(INVALID_STATE, CUSTOM, .detail = NEBULA_D_UNREGISTERED),
	  S("nobody has registered it")
	  I("1. call nebula_custom_register() before it is used") },
	{ "some state", ERR(INVALID_STATE, CUSTOM, .what = "registered already"),
	  S("it is not in the state for that")
	  I("1. see allocators/conn/info") },

	{ "may be moved", ERR(WRONG_CONTEXT, SCRATCH, .context = NEBULA_IN_NMI,
				  .detail = NEBULA_D_MAY_MIGRATE),
	  S("the task may be moved to another CPU meanwhile")
	  I("1. disable preemption from get to put, or use CLASS(nebula_scratch, ...)")
	  I("2. or a stack of the task's own: nebula_stack_create()") },
	{ "was moved", ERR(WRONG_CONTEXT, SCRATCH, .detail = NEBULA_D_MAY_MIGRATE),
	  S("the task may be moved to another CPU meanwhile")
	  I("1. disable preemption from get to put, or use CLASS(nebula_scratch, ...)")
	  I("2. or a stack of the task's own: nebula_stack_create()") },
	{ "NMI", ERR(WRONG_CONTEXT, BUMP, .context = NEBULA_IN_NMI, .detail = NEBULA_D_GROWTH),
	  S("an NMI may not do that")
	  I("1. put it off to an irq_work, and from there to a work item") },
	{ "growth in an interrupt", ERR(WRONG_CONTEXT, BUMP, .context = NEBULA_IN_HARDIRQ,
					.detail = NEBULA_D_GROWTH),
	  S("it may not grow in this context")
	  I("1. reserve ahead of need: nebula_bump_reserve()")
	  I("2. use a .gfp that does not block: GFP_NOWAIT or GFP_ATOMIC") },
	{ "interrupt", ERR(WRONG_CONTEXT, POOL, .context = NEBULA_IN_HARDIRQ, .detail = NEBULA_D_GROW),
	  S("an interrupt may not do that")
	  I("1. put it off to a work item") },
	{ "soft interrupt", ERR(WRONG_CONTEXT, POOL, .context = NEBULA_IN_SOFTIRQ),
	  S("an interrupt may not do that")
	  I("1. put it off to a work item") },
	{ "atomic", ERR(WRONG_CONTEXT, STACK, .what = "destroy"),
	  S("preemption or interrupts are off, or a spinlock is held")
	  I("1. do it before the section that may not sleep, or behind it") },

	{ "twice, tracked", ERR(DOUBLE_FREE, POOL, .nr_entries = 1,
				.entries = { NEBULA_ENTRY_FREED }),
	  S("it is free already")
	  I("1. compare who freed it first, below, with who does it now")
	  I("2. set the pointer to NULL where it is freed") },
	{ "twice", ERR(DOUBLE_FREE, POOL),
	  S("it is free already")
	  I("1. set the pointer to NULL where it is freed")
	  I("2. to see who freed it first: load with debug=T,conn") },
	{ "of another CPU", ERR(FOREIGN_POINTER, SCRATCH, .what = "put"),
	  S("the pointer is not this CPU's")
	  I("1. put it on the CPU that it was got on, with preemption off between") },
	{ "foreign", ERR(FOREIGN_POINTER, POOL),
	  S("the pointer is not this allocator's")
	  I("1. pass it to the allocator it came from; nebula_owns() tells which") },
	{ "inside", ERR(MISALIGNED_POINTER, POOL),
	  S("the pointer is inside an object")
	  I("1. pass it as it was returned; from a member use container_of()") },
	{ "out of order", ERR(LIFO_VIOLATION, STACK, .what = "free"),
	  S("something newer must be freed first")
	  I("1. free in reverse order, or back to a mark with all that is newer")
	  I("2. use a pool for what is freed in any order") },
	{ "a stale mark", ERR(STALE_CHECKPOINT, STACK),
	  S("what the mark was taken on top of was given back since")
	  I("1. restore inner marks before outer ones")
	  I("2. take a new mark after each reset") },
	{ "a stale checkpoint", ERR(STALE_CHECKPOINT, BUMP),
	  S("the allocator was reset, or rewound past the checkpoint")
	  I("1. restore inner checkpoints before outer ones")
	  I("2. take a new checkpoint after each reset") },
	{ "another's", ERR(FOREIGN_CHECKPOINT, BUMP),
	  S("it is another allocator's, was refused when taken, or is garbage")
	  I("1. restore it on the allocator it was taken from")
	  I("2. look for an earlier record: was it refused when it was taken?") },

	{ "overwritten, tracked", ERR(CORRUPTION, POOL, WITH_STACK,
				      .what = "zone behind the block"),
	  S("zone behind the block was overwritten")
	  I("1. look at what uses the object allocated below, and its neighbours")
	  I("2. boot a KASAN kernel: it stops at the write itself") },
	{ "overwritten", ERR(CORRUPTION, SCRATCH, .what = "word behind the object"),
	  S("word behind the object was overwritten")
	  I("1. load with debug=RPT,conn to see whose object it is")
	  I("2. boot a KASAN kernel: it stops at the write itself") },
	{ "overwritten, who knows where", ERR(CORRUPTION, CUSTOM),
	  S("memory was overwritten")
	  I("1. load with debug=RPT,conn to see whose object it is")
	  I("2. boot a KASAN kernel: it stops at the write itself") },
	{ "after it was freed", ERR(USE_AFTER_FREE, POOL, .what = "written at offset 8"),
	  S("memory was written to while it was nobody's")
	  I("1. look who had it last; set NEBULA_TRACK to see that of a pool's block")
	  I("2. boot a KASAN kernel: it stops at the write itself") },

	{ "a budget, to grow", ERR(BUDGET_EXCEEDED, BUMP, .size = SZ_4K, .detail = NEBULA_D_GROWTH),
	  S("a budget refused to let it grow")
	  I("1. raise .limit of its budget by 4096 (4.00 KiB)")
	  I("2. give memory of the same budget back first") },
	{ "a budget", ERR(BUDGET_EXCEEDED, BUMP, .size = SZ_4K, .what = "net"),
	  S("a budget in the chain is used up")
	  I("1. raise .limit of net by 4096 (4.00 KiB)")
	  I("2. give memory of the same budget back first") },
	{ "one charge", ERR(BUDGET_PER_ALLOC, NONE, .size = 10000),
	  S("one charge is larger than the budget allows")
	  I("1. raise .per_alloc to 10000 (9.76 KiB) or more")
	  I("2. ask for less at a time") },
	{ "underflow", ERR(UNCHARGE_UNDERFLOW, NONE),
	  S("more was given back than taken")
	  I("1. give back exactly what was charged, once") },
	{ "a cycle", ERR(CYCLE, NONE),
	  S("parents or parts form a cycle")
	  I("1. build from the leaves to the root") },
	{ "recursion", ERR(RECURSION, NONE),
	  S("a computation asked for itself")
	  I("1. compute the inner value first") },
	{ "a computation", ERR(COMPUTE_FAILED, NONE),
	  S("a computation returned an error")
	  I("1. look at the error of the compute function") },
	{ "too late", ERR(TIMED_OUT, POOL, BLOCKS, .what = "alloc_wait"),
	  S("no block came back in time")
	  I("1. raise .blocks (now 100), or the time to wait")
	  I("2. " WHO_HAS_THEM) },
	{ "a signal", ERR(INTERRUPTED, POOL, BLOCKS, .what = "alloc_wait"),
	  S("a signal ended the wait")
	  I("1. return -ERESTARTSYS to the caller")
	  I("2. wait for fatal signals alone: nebula_pool_alloc_wait_killable()") },
	{ "not here", ERR(NOT_SUPPORTED, SYSTEM, .what = "peak_reset"),
	  S("this kernel or build cannot do it")
	  I("1. see info for what is supported") },

	{ "a listener that has gone", ERR(LEAK, NONE, .detail = NEBULA_D_NOTIFIER),
	  S("a module was unloaded and still listens")
	  I("1. call nebula_error_notifier_unregister() in its exit function") },
	{ "an owner that has gone", ERR(LEAK, BUMP, WITH_STACK, .detail = NEBULA_D_UNLOADED),
	  S("its module was unloaded and left it behind")
	  I("1. destroy it in the module's exit function; below is who made it") },
	{ "an owner that has gone, untracked",
	  ERR(LEAK, BUMP, WITH_STACK, .detail = NEBULA_D_UNLOADED_UNTRACKED),
	  S("its module was unloaded and left it behind; all objects are taken to be its own")
	  I("1. destroy it in the module's exit function; below is who made it")
	  I("2. to keep what other modules have: set NEBULA_TRACK") },
	{ "an owner that has gone, kept",
	  ERR(LEAK, POOL, WITH_STACK, .detail = NEBULA_D_UNLOADED_KEPT),
	  S("its module was unloaded and left it behind; another module uses it")
	  I("1. destroy it in the module's exit function; below is who made it")
	  I("2. it goes with its last user, see allocators/conn/live") },
	{ "a leak, tracked", ERR(LEAK, POOL, WITH_STACK, .what = "7 blocks live"),
	  S("objects were not given back before the end")
	  I("1. free what was allocated as shown below") },
	{ "a leak", ERR(LEAK, SCRATCH, .size = 100, .what = "not put"),
	  S("objects were not given back before the end")
	  I("1. free them before the allocator is taken down")
	  I("2. to see who allocated them: load with debug=T,conn") },
};

const unsigned int report_rows_nr = ARRAY_SIZE(report_rows);
