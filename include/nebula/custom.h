/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocators of a client's own kind: the client writes what is special about it, we add what all
 * have.
 *
 *	static NEBULA_DEFINE_ALLOCATOR(ring, .kind = "ring", .alloc = ring_alloc,
 *				       .free = ring_free, .owns = ring_owns);
 *
 *	err = nebula_custom_register(&ring, "packets");
 *	p = nebula_alloc_obj(&ring, struct packet);
 *
 * Requests are checked before the client's functions see them, and what these return is checked
 * too. Allocations are counted, refusals recorded; there is a directory in debugfs, and what is
 * live at the end is reported. It can be a part of a composite.
 */
#ifndef _NEBULA_CUSTOM_H
#define _NEBULA_CUSTOM_H

#include <linux/percpu.h>
#include <linux/slab.h>
#include <nebula/allocator.h>
#include <nebula/config.h>

struct nebula_custom;

/**
 * struct nebula_custom_ops - what is special about a client's kind of allocator
 * @kind: what it is called, for people.
 * @alloc: memory of @size bytes, neither 0 nor absurd, aligned to @align, a power of two; or NULL,
 *	never an ERR_PTR().
 * @free: takes it back, or says what is wrong with that, which is recorded: %NEBULA_OK,
 *	%NEBULA_E_DOUBLE_FREE and so on, never an errno. @size is 0 when it is not known.
 * @owns: does an address lie in its memory? What does not is not passed to @free. NULL: everything
 *	does.
 * @capacity: bytes it can hold, or NULL when that is not known.
 *
 * Called in the context that the caller is in.
 */
struct nebula_custom_ops {
	const char *kind;
	void *(*alloc)(struct nebula_custom *c, size_t size, size_t align);
	enum nebula_errc (*free)(struct nebula_custom *c, void *p, size_t size);
	bool (*owns)(const struct nebula_custom *c, const void *p);
	size_t (*capacity)(const struct nebula_custom *c);
};

/**
 * struct nebula_custom_cpu - what a CPU did to it
 * @allocs: private; allocations served.
 * @frees: private; objects given back.
 * @bytes_in: private; bytes asked for and served.
 * @bytes_out: private; bytes given back, as far as they are known.
 * @high: private; bytes more in than out beyond which the peak is noted.
 */
struct nebula_custom_cpu {
	unsigned long allocs;
	unsigned long frees;
	unsigned long bytes_in;
	unsigned long bytes_out;
	long high;
};

extern const struct nebula_kind_ops nebula_custom_ops;

/**
 * struct nebula_custom - an allocator of a client's kind
 * @ops: what is special about it.
 * @data: for the client's use.
 * @owner: private; module it belongs to.
 * @cpus: private; counters.
 * @peak: private; highest use noted, bytes.
 * @common: private; common part of all allocators.
 */
struct nebula_custom {
	struct nebula_custom_ops ops;
	void *data;
	struct module *owner;
	struct nebula_custom_cpu __percpu *cpus;
	unsigned long peak;
	struct nebula_allocator common;
};

/**
 * NEBULA_DEFINE_ALLOCATOR() - define an allocator of one's own kind
 * @name: of the variable, a struct nebula_custom.
 * @...: designated fields of &struct nebula_custom_ops; @alloc and @free are needed.
 */
#define NEBULA_DEFINE_ALLOCATOR(name, ...)						\
	struct nebula_custom name = {							\
		.ops = { __VA_ARGS__ },							\
		.owner = THIS_MODULE,							\
		.common.ops = &nebula_custom_ops,					\
	}

int nebula_custom_register_abi(struct nebula_custom *c, const char *name, size_t size,
			       unsigned int abi);

/**
 * nebula_custom_unregister() - stop using an allocator of a client's own kind
 * @c: the allocator; %NULL and one that is not registered are fine.
 *
 * What is live is recorded as LEAK. Refused, and recorded, while it is a part of another one
 * (INVALID_STATE) and in atomic context (WRONG_CONTEXT).
 *
 * Context: process context; sleeps. No other call on it may be running.
 */
void nebula_custom_unregister(struct nebula_custom *c);

/**
 * nebula_custom_alloc() - allocate memory from an allocator of a client's kind
 * @c: the allocator.
 * @size: bytes.
 * @align: power of two, bytes.
 *
 * Context: as the client's function.
 * Return: the memory; %ZERO_SIZE_PTR for size 0; %NULL with OUT_OF_MEMORY, INVALID_ALIGNMENT or
 * SIZE_OVERFLOW recorded; INVALID_STATE before it is registered; INVALID_CONFIG when the client's
 * function returned an error pointer or %ZERO_SIZE_PTR; MISALIGNED_POINTER when it returned memory
 * that is not aligned as asked for, which it is given back.
 */
void *nebula_custom_alloc(struct nebula_custom *c, size_t size, size_t align)
	__alloc_size(2) __must_check;

/**
 * nebula_custom_free() - give memory of an allocator of a client's kind back
 * @c: the allocator.
 * @p: the memory; %NULL and %ZERO_SIZE_PTR are fine.
 * @size: what was asked for, bytes; 0 when that is not known.
 *
 * What the client's ``.owns`` does not own is refused, and recorded as FOREIGN_POINTER; what its
 * ``.free`` refuses is recorded as that says. A ``.free`` that returns an errno, or any other
 * number that is no code, is recorded as INVALID_CONFIG.
 *
 * Context: as the client's function.
 */
void nebula_custom_free(struct nebula_custom *c, void *p, size_t size);

/**
 * nebula_custom_register() - begin to use an allocator of one's own kind
 * @c: the allocator; it can be registered again after it was unregistered.
 * @name: 1 to 63 of ``[A-Za-z0-9_.-]``; copied, and need not be unique.
 *
 * Context: process context; sleeps.
 * Return: 0; -EINVAL for a wrong name, or a function that is missing; -EBUSY when it is registered
 * already; -ENOMEM; -EPERM in atomic context; -ENOEXEC when the client was built against other
 * headers. The reason is recorded.
 */
#define nebula_custom_register(c, name)							\
	nebula_custom_register_abi(c, name, sizeof(struct nebula_custom), NEBULA_ABI)

#endif /* _NEBULA_CUSTOM_H */
