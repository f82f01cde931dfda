/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all configuration structs share: presets, flags, backing, and the checks made while the
 * client compiles.
 *
 * One rule holds for every field of every configuration: zero means the preset's default.
 */
#ifndef _NEBULA_CONFIG_H
#define _NEBULA_CONFIG_H

#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/sizes.h>
#include <linux/stringify.h>
#include <linux/types.h>

/*
 * Layout of everything in these headers that a client compiles in. Grows by one with each
 * incompatible change; tools/lint/abi.txt pins the layout to the number.
 */
#define NEBULA_ABI		4

/*
 * Each client refers to this symbol, which nebula_memory exports for its own number only: a client
 * of other headers does not load ("Unknown symbol nebula_abi_3"), whatever it uses of them. This
 * is an entry in the symbol table, and takes no instruction and no byte of data.
 */
asm(".globl nebula_abi_" __stringify(NEBULA_ABI));

/* Longest name of an allocator, in bytes without the terminating zero. */
#define NEBULA_NAME_MAX		63

/* Room for a name with the suffix that tells equal names apart. */
#define NEBULA_NAME_SIZE	80

/* Largest capacity that any allocator accepts, in bytes. */
#define NEBULA_CAPACITY_MAX	((size_t)(SIZE_MAX >> 2))

/**
 * enum nebula_preset - a named set of defaults
 * @NEBULA_PRODUCTION: all always-on checks, fast paths inline.
 * @NEBULA_DEVELOPMENT: %NEBULA_REDZONE, %NEBULA_POISON and %NEBULA_TRACK on top.
 */
enum nebula_preset {
	NEBULA_PRODUCTION = 0,
	NEBULA_DEVELOPMENT = 1,
};

/**
 * enum nebula_flags - properties of an allocator
 * @NEBULA_SHARED: any number of CPUs and contexts may allocate at once.
 * @NEBULA_GROW: map further regions, up to the maximal capacity.
 * @NEBULA_ZERO: all memory handed out is zeroed. The kernel's init_on_alloc=1 has the same effect.
 * @NEBULA_STRICT: a pool serves exactly its number of blocks.
 * @NEBULA_REDZONE: guard bytes around each object, verified when it is given back.
 * @NEBULA_POISON: fill released memory, verify it when it is handed out again.
 * @NEBULA_TRACK: remember who allocated each live object, and show that when it is corrupted.
 * @NEBULA_TYPESAFE_BY_RCU: a pool's blocks may be reused at once, but stay blocks of this pool,
 *	with what the last user left in them, until a grace period after the pool is gone.
 * @NEBULA_FIFO: a pool without per-CPU cache hands out what has been free longest, by generations,
 *	which lengthens the time in which a use after free is noticed.
 * @NEBULA_CLEAR_ON_FREE: a pool clears each block that is freed. The kernel's init_on_free=1 has
 *	the same effect. Excludes a constructor and %NEBULA_TYPESAFE_BY_RCU.
 * @NEBULA_DMA: a pool whose blocks are physically contiguous, share no cache line with others, and
 *	come in portions that the page allocator can serve, however many there are.
 */
enum nebula_flags {
	NEBULA_SHARED	= BIT(0),
	NEBULA_GROW	= BIT(1),
	NEBULA_ZERO	= BIT(2),
	NEBULA_STRICT	= BIT(3),
	NEBULA_REDZONE	= BIT(4),
	NEBULA_POISON	= BIT(5),
	NEBULA_TRACK	= BIT(6),
	NEBULA_TYPESAFE_BY_RCU = BIT(7),
	NEBULA_FIFO	= BIT(8),
	NEBULA_CLEAR_ON_FREE = BIT(9),
	NEBULA_DMA	= BIT(10),
};

#define NEBULA_DEBUG_FLAGS	(NEBULA_REDZONE | NEBULA_POISON | NEBULA_TRACK)

/**
 * enum nebula_backing - where a region's memory comes from
 * @NEBULA_AUTO: pages while they are cheap to get, then vmalloc.
 * @NEBULA_PAGES: physically contiguous pages.
 * @NEBULA_VMALLOC: virtually contiguous, any size, huge pages where the kernel has them.
 * @NEBULA_BUFFER: the caller's memory, never freed by nebula_memory.
 */
enum nebula_backing {
	NEBULA_AUTO = 0,
	NEBULA_PAGES,
	NEBULA_VMALLOC,
	NEBULA_BUFFER,
};

/* .node = NEBULA_NODE(n): node n. A zero field means any node. */
#define NEBULA_NODE(n)		((n) + 1)

/*
 * nebula_config_assert() - refuse to compile a configuration that can never be valid
 *
 * Speaks only where the compiler knows the value; everything else is checked again when the
 * allocator is created.
 */
#define nebula_config_assert(condition, msg)				\
	compiletime_assert(!__builtin_constant_p(condition) || (condition), msg)

#endif /* _NEBULA_CONFIG_H */
