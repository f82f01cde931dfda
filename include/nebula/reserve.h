/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks of a pool that are waited for, or put aside: for what may sleep now, and for what may not
 * fail later. A mempool on a pool, too.
 */
#ifndef _NEBULA_RESERVE_H
#define _NEBULA_RESERVE_H

#include <linux/compiler.h>
#include <linux/types.h>

struct nebula_pool;

/**
 * struct nebula_reserve - blocks put aside by nebula_pool_reserve()
 * @pool: private; whose they are, %NULL when the handle holds none.
 * @blocks: private; the blocks.
 * @count: private; how many are left.
 * @size: private; how many there were.
 *
 * One owner at a time; filled in by nebula_pool_reserve().
 */
struct nebula_reserve {
	struct nebula_pool *pool;
	struct nebula_reserved *blocks;
	unsigned int count;
	unsigned int size;
};

/**
 * nebula_pool_alloc_wait() - allocate a block, sleeping until there is one
 * @p: the pool.
 * @timeout_jiffies: how long at most; %MAX_SCHEDULE_TIMEOUT for ever, 0 or less not at all.
 *
 * Waiters are served in the order in which they came, and before callers that do not wait. A block
 * beyond nebula_pool_capacity() that lies in the magazine of another CPU may come only after an RCU
 * grace period.
 *
 * Context: process context; sleeps. A signal ends the wait.
 * Return: the block, or ERR_PTR(): -ETIMEDOUT (TIMED_OUT), -ERESTARTSYS (INTERRUPTED), -EPERM in
 * atomic context (WRONG_CONTEXT), -ENOMEM when fail_alloc in debugfs has it fail (POOL_EXHAUSTED).
 */
void *nebula_pool_alloc_wait(struct nebula_pool *p, long timeout_jiffies) __must_check;

/**
 * nebula_pool_alloc_wait_killable() - as nebula_pool_alloc_wait(), but only for fatal signals
 * @p: the pool.
 * @timeout_jiffies: how long at most; %MAX_SCHEDULE_TIMEOUT for ever, 0 or less not at all.
 *
 * Context: process context; sleeps. A signal that kills ends the wait.
 * Return: as nebula_pool_alloc_wait().
 */
void *nebula_pool_alloc_wait_killable(struct nebula_pool *p, long timeout_jiffies) __must_check;

/**
 * nebula_pool_alloc_wait_bulk() - allocate many blocks, sleeping until there are as many
 * @p: the pool.
 * @n: how many.
 * @objs: where they go; what is in it after a failure is meaningless.
 * @timeout_jiffies: how long at most; %MAX_SCHEDULE_TIMEOUT for ever, 0 or less not at all.
 *
 * All or none, in turn with all waiters: a caller that waits holds no block, so callers
 * that want several cannot block each other.
 *
 * Context: process context; sleeps. A signal ends the wait.
 * Return: 0; -ETIMEDOUT (TIMED_OUT), -ERESTARTSYS (INTERRUPTED), -EPERM in atomic context
 * (WRONG_CONTEXT), -EINVAL for no blocks (INVALID_LAYOUT), -E2BIG for more than the pool can ever
 * have (EXCEEDS_MAX), -ENOMEM when fail_alloc in debugfs has it fail (POOL_EXHAUSTED).
 */
int nebula_pool_alloc_wait_bulk(struct nebula_pool *p, unsigned int n, void **objs,
				long timeout_jiffies) __must_check;

/**
 * nebula_pool_reserve() - put blocks aside
 * @p: the pool; one with %NEBULA_GROW grows when it has too few.
 * @r: the handle; filled in. Empty on failure.
 * @n: how many.
 *
 * Context: process context; may sleep for memory, not for blocks.
 * Return: 0; -EINVAL for no blocks (INVALID_LAYOUT), -E2BIG for more than there can be
 * (EXCEEDS_MAX), -ENOMEM (POOL_EXHAUSTED, BACKING_FAILED), -EPERM (WRONG_CONTEXT).
 */
int nebula_pool_reserve(struct nebula_pool *p, struct nebula_reserve *r, unsigned int n);

/**
 * nebula_pool_alloc_reserved() - take a block that was put aside
 * @r: the handle.
 *
 * The block is freed as any other.
 *
 * Context: any; one at a time for each handle.
 * Return: the block. It cannot fail as often as was reserved for; then %NULL, with POOL_EXHAUSTED
 * recorded.
 */
void *nebula_pool_alloc_reserved(struct nebula_reserve *r) __must_check;

/**
 * nebula_pool_refill() - put as many blocks aside as there were in the beginning
 * @r: the handle.
 *
 * Context: any, NMI included; does not sleep. One at a time for each handle.
 * Return: 0, also when nothing was missing; -ENOMEM with POOL_EXHAUSTED recorded: what the handle
 * holds is unchanged then. -EINVAL (INVALID_STATE) for an empty handle.
 */
int nebula_pool_refill(struct nebula_reserve *r) __must_check;

/**
 * nebula_pool_unreserve() - give back what is left of a reserve
 * @r: the handle; empty afterwards. One that is empty already is fine.
 *
 * Refused, and recorded as WRONG_CONTEXT, in an NMI: the handle stays as it is then.
 *
 * Context: any but NMI; does not sleep.
 */
void nebula_pool_unreserve(struct nebula_reserve *r);

/**
 * nebula_mempool_alloc() - a mempool_alloc_t that allocates from a pool
 * @gfp: __GFP_ZERO clears the block; with __GFP_NOWARN, which mempool_alloc() sets, a refusal is
 *	counted and not recorded.
 * @pool_data: the &struct nebula_pool.
 *
 * For example ``mempool_create(min, nebula_mempool_alloc, nebula_mempool_free, pool)``.
 *
 * Context: any.
 * Return: as nebula_pool_alloc().
 */
void *nebula_mempool_alloc(gfp_t gfp, void *pool_data);

/**
 * nebula_mempool_free() - a mempool_free_t that frees to a pool
 * @element: a block.
 * @pool_data: the &struct nebula_pool.
 *
 * Context: any.
 */
void nebula_mempool_free(void *element, void *pool_data);

#endif /* _NEBULA_RESERVE_H */
