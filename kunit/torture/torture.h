/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A client that gives nebula_memory no rest, and needs no KUnit. The engine, torture.c, has threads
 * and slots; what is done to an allocator is the scenario of its kind, in torture_<kind>.c. What
 * all kinds share, above all the content of objects, is in torture_subject.c.
 *
 * A slot holds at most one allocator. Allocators that all may use at any time are worked on by
 * several threads at once, others by one at a time; a thread that reads figures that have to be
 * exact, makes a mistake on purpose, or destroys, is alone with the allocator.
 */
#ifndef _NEBULA_KUNIT_TORTURE_H
#define _NEBULA_KUNIT_TORTURE_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/notifier.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <nebula/nebula.h>

/* Most objects of a subject: more than most pools have blocks, so that these are exhausted. */
#define TORTURE_OBJECTS		80

/* Most allocators of a client's own kind at a time. */
#define TORTURE_CUSTOMS		4

/* Budgets of a subject. */
#define TORTURE_BUDGETS		4

/**
 * enum torture_kind_id - what is tortured
 * @TORTURE_BUMP: with one owner.
 * @TORTURE_BUMP_GROW: the same, and it grows.
 * @TORTURE_BUMP_SHARED: with many users.
 * @TORTURE_BUMP_SHARED_GROW: the same, and it grows.
 * @TORTURE_POOL: with caches.
 * @TORTURE_POOL_STRICT: without.
 * @TORTURE_POOL_GROW: one that grows.
 * @TORTURE_STACK: with one owner.
 * @TORTURE_STACK_SHARED: with many users.
 * @TORTURE_SCRATCH: per-CPU.
 * @TORTURE_CUSTOM: a client's own kind.
 * @TORTURE_FALLBACK: made of others.
 * @TORTURE_SPLIT: likewise.
 * @TORTURE_BUDGET: a tree of budgets.
 * @TORTURE_CACHE: of values that each caller computes.
 * @TORTURE_CACHE_DEDUP: one computes and the others wait.
 * @TORTURE_CACHE_ASYNC: workers compute.
 * @TORTURE_KINDS: number of kinds.
 */
enum torture_kind_id {
	TORTURE_BUMP = 0,
	TORTURE_BUMP_GROW,
	TORTURE_BUMP_SHARED,
	TORTURE_BUMP_SHARED_GROW,
	TORTURE_POOL,
	TORTURE_POOL_STRICT,
	TORTURE_POOL_GROW,
	TORTURE_STACK,
	TORTURE_STACK_SHARED,
	TORTURE_SCRATCH,
	TORTURE_CUSTOM,
	TORTURE_FALLBACK,
	TORTURE_SPLIT,
	TORTURE_BUDGET,
	TORTURE_CACHE,
	TORTURE_CACHE_DEDUP,
	TORTURE_CACHE_ASYNC,
	TORTURE_KINDS
};

/**
 * enum torture_count - what is counted of each kind
 * @TORTURE_CREATED: allocators made.
 * @TORTURE_UNMADE: allocators that there was no memory for.
 * @TORTURE_ALLOCS: objects taken.
 * @TORTURE_FULL: requests that could not be served.
 * @TORTURE_FREES: objects given back, one by one.
 * @TORTURE_RESETS: resets, and rewinds to checkpoints and marks.
 * @TORTURE_MISTAKES: calls that had to be refused.
 * @TORTURE_LOOKS: statistics and last errors that were read.
 * @TORTURE_COUNTS: number of counts.
 */
enum torture_count {
	TORTURE_CREATED = 0,
	TORTURE_UNMADE,
	TORTURE_ALLOCS,
	TORTURE_FULL,
	TORTURE_FREES,
	TORTURE_RESETS,
	TORTURE_MISTAKES,
	TORTURE_LOOKS,
	TORTURE_COUNTS
};

/**
 * struct torture_thread - who does it
 * @task: the thread.
 * @done: it has destroyed what it had to.
 * @index: number of the thread.
 * @leaving: what it makes now is left behind.
 * @random: where its decisions come from.
 * @stats: room for statistics, too large for the stack.
 * @err: room for an error, likewise.
 * @text: room for a report, likewise.
 * @counts: of each kind.
 */
struct torture_thread {
	struct task_struct *task;
	struct completion done;
	unsigned int index;
	bool leaving;
	struct rnd_state random;
	struct nebula_stats stats;
	struct nebula_error err;
	char text[1024];
	unsigned long counts[TORTURE_KINDS][TORTURE_COUNTS];
};

/* States of an object; only who made it busy looks at the rest. */
#define TORTURE_EMPTY	0
#define TORTURE_BUSY	1
#define TORTURE_TAKEN	2

/**
 * struct torture_object - an object that was taken
 * @state: one of the above. Any thread.
 * @id: counted over all objects of the subject; decides the content, and tells which is newest.
 * @p: where it is.
 * @size: bytes.
 */
struct torture_object {
	atomic_t state;
	u32 id;
	u8 *p;
	size_t size;
};

/**
 * struct torture_subject - what is tortured: an allocator, budgets or a cache
 * @kind: what it is.
 * @any: the common part of an allocator, else NULL.
 * @bump: the allocator, if it is one; and so on.
 * @pool: ...
 * @stack: ...
 * @scratch: ...
 * @custom: ...
 * @composite: ...
 * @cache: ...
 * @parts: pools that a composite is made of, the second may be missing.
 * @budgets: parents first; of a cache the first alone, or none.
 * @charged: what the threads have charged to each. Any context.
 * @notifier: registered with the first of them, unless what is made is left behind.
 * @told: its newest state.
 * @made: values that were computed, and given, with success. Any context.
 * @released: values that were dropped. Any context.
 * @buffer: memory of ours that it serves from, or NULL.
 * @allocators: how many allocators it is, with its parts.
 * @largest: largest object that is asked for, bytes.
 * @aligns: binary logarithm of the largest alignment that is asked for.
 * @inexact: more may be live than we have.
 * @ids: newest object. Any thread.
 * @objects: those that were taken.
 */
struct torture_subject {
	const struct torture_kind *kind;
	struct nebula_allocator *any;
	union {
		struct nebula_bump *bump;
		struct nebula_pool *pool;
		struct nebula_stack *stack;
		struct nebula_scratch *scratch;
		struct nebula_custom *custom;
		struct nebula_allocator *composite;
		struct nebula_cache *cache;
	};
	struct nebula_pool *parts[2];
	struct nebula_budget *budgets[TORTURE_BUDGETS];
	atomic_long_t charged[TORTURE_BUDGETS];
	struct notifier_block notifier;
	unsigned long told;
	atomic_t made;
	atomic_t released;
	void *buffer;
	unsigned int allocators;
	size_t largest;
	unsigned int aligns;
	bool inexact;
	atomic_t ids;
	struct torture_object objects[TORTURE_OBJECTS];
};

/**
 * struct torture_mistake - something that has to be refused
 * @code: recorded for it, once or more. Those of what is no allocator look themselves.
 * @commit: does it; false when the subject is in no state for it. Alone.
 */
struct torture_mistake {
	enum nebula_errc code;
	bool (*commit)(struct torture_thread *t, struct torture_subject *s);
};

/**
 * struct torture_kind - a scenario
 * @name: what is printed.
 * @id: &enum torture_kind_id.
 * @flags: &enum nebula_flags that make the kind what it is.
 * @shared: several threads may work on one.
 * @lifo: the newest object is to be given back first.
 * @atomic: it serves with interrupts off.
 * @create: fills in a subject with a new allocator; NULL without memory, or ERR_PTR().
 * @destroy: the end of it.
 * @alloc: takes an object of @size bytes, which it may change, or NULL when only @more does that.
 * @free: gives it back; false when that was refused. NULL when objects cannot be given back.
 * @more: what else the kind can do. As @alloc.
 * @alone: what else it can do when no other thread works on it.
 * @audit: the figures are exact, in place of those of an allocator. Alone.
 * @mistakes: ends with one that commits nothing.
 */
struct torture_kind {
	const char *name;
	enum torture_kind_id id;
	u32 flags;
	bool shared;
	bool lifo;
	bool atomic;
	void *(*create)(struct torture_thread *t, struct torture_subject *s, const char *name);
	void (*destroy)(struct torture_subject *s);
	void *(*alloc)(struct torture_thread *t, struct torture_subject *s, size_t *size,
		       size_t align);
	bool (*free)(struct torture_subject *s, void *p, size_t size);
	void (*more)(struct torture_thread *t, struct torture_subject *s);
	void (*alone)(struct torture_thread *t, struct torture_subject *s);
	void (*audit)(struct torture_thread *t, struct torture_subject *s);
	const struct torture_mistake *mistakes;
};

extern const struct torture_kind torture_bump, torture_bump_grow;
extern const struct torture_kind torture_bump_shared, torture_bump_shared_grow;
extern const struct torture_kind torture_pool, torture_pool_strict, torture_pool_grow;
extern const struct torture_kind torture_stack, torture_stack_shared, torture_scratch;
extern const struct torture_kind torture_custom, torture_fallback, torture_split;
extern const struct torture_kind torture_budget;
extern const struct torture_kind torture_cache, torture_cache_dedup, torture_cache_async;

/* torture.c */

void torture_fault(const char *fmt, ...) __printf(1, 2);

/* context.c */

/**
 * struct torture_call - what may run in any context
 * @fn: called with this; a larger struct around it has the rest.
 */
struct torture_call {
	void (*fn)(struct torture_call *call);
};

void torture_contexts_init(void);
void torture_contexts_exit(void);

/* In a task, a soft or hard interrupt or an NMI, of this CPU or another one. Waits for the end. */
void torture_run_anywhere(struct torture_thread *t, struct torture_call *call);

/* torture_subject.c */

u32 torture_random(struct torture_thread *t, u32 below);
void torture_count(struct torture_thread *t, const struct torture_subject *s,
		   enum torture_count what);
u32 torture_flags(struct torture_thread *t, const struct torture_subject *s);
enum nebula_preset torture_preset(struct torture_thread *t);
size_t torture_size(struct torture_thread *t, const struct torture_subject *s);

void torture_stamp(u8 *p, size_t size, u32 id);
bool torture_stamped(const u8 *p, size_t size, u32 id);

bool torture_take(struct torture_thread *t, struct torture_subject *s);
bool torture_give(struct torture_thread *t, struct torture_subject *s);
struct torture_object *torture_claim(struct torture_thread *t, struct torture_subject *s);
struct torture_object *torture_claim_empty(struct torture_thread *t, struct torture_subject *s);
struct torture_object *torture_newest(struct torture_subject *s);
void torture_release(struct torture_object *o, int state);
void torture_resized(struct torture_subject *s, struct torture_object *o, u8 *p, size_t size);
void torture_verify(const struct torture_subject *s, const struct torture_object *o);
void torture_forget(struct torture_subject *s, u32 id);
unsigned int torture_live(const struct torture_subject *s);

void torture_look(struct torture_thread *t, struct torture_subject *s);
void torture_audit(struct torture_thread *t, struct torture_subject *s);
void torture_err(struct torture_thread *t, struct torture_subject *s);

/* Mistakes that all kinds refuse alike. */
bool torture_wrong_align(struct torture_thread *t, struct torture_subject *s);
bool torture_too_large(struct torture_thread *t, struct torture_subject *s);
bool torture_absurd_size(struct torture_thread *t, struct torture_subject *s);

/* What is no allocator's. */
extern u8 torture_foreign[64];

#endif /* _NEBULA_KUNIT_TORTURE_H */
