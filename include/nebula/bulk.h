/* SPDX-License-Identifier: GPL-2.0-only */
/* Many blocks of a pool at once, all or none. */
#ifndef _NEBULA_BULK_H
#define _NEBULA_BULK_H

#include <nebula/pool.h>

bool nebula_pool_alloc_bulk_slow(struct nebula_pool *p, unsigned int n, void **objs);
void nebula_pool_free_bulk_slow(struct nebula_pool *p, unsigned int n, void **objs);

/* Bulks of so many blocks are inline where their number is constant. */
#define NEBULA_POOL_FEW		3U

/* Takes @n blocks from the magazine of this CPU, or none. */
static __always_inline bool nebula_pool_take_few(struct nebula_pool *p, unsigned int n,
						 void **objs)
{
	struct nebula_pool_cpu __percpu *cpus;
	struct nebula_pool_slot *top;
	unsigned int i;

	preempt_disable();
	cpus = READ_ONCE(p->cpus);
	nebula_pool_claim(cpus, claimed);
	top = (struct nebula_pool_slot *)raw_cpu_read(cpus->top);
	/* Of a single one its state says whether it is there. */
	if (n > 1 && unlikely((unsigned long)(top - n) < raw_cpu_read(cpus->bottom)))
		goto few;
	for (i = 0; i < n; i++) {
		nebula_pool_switch(*(top - i)->state, NEBULA_POOL_FREE, NEBULA_POOL_LIVE, stale);
		objs[i] = (top - i)->obj;
	}
	raw_cpu_add(cpus->top, -(long)(n * sizeof(*top)));
	raw_cpu_add(cpus->allocs, n);
	nebula_pool_unclaim(cpus);
	preempt_enable();
	return true;

stale:
	/* It was freed twice at once. The claim is held: nothing was taken yet. */
	while (i--)
		nebula_pool_poke(*(top - i)->state, NEBULA_POOL_FREE);
few:
	nebula_pool_unclaim(cpus);
claimed:
	preempt_enable();
	return false;
}

/* Frees into the magazine of this CPU, up to the first that is not that simple: how many. */
static __always_inline unsigned int nebula_pool_put_few(struct nebula_pool *p, unsigned int n,
							void **objs)
{
	struct nebula_pool_cpu __percpu *cpus;
	struct nebula_pool_slot *top;
	unsigned long index;
	unsigned int i = 0;

	preempt_disable();
	cpus = READ_ONCE(p->cpus);
	nebula_pool_claim(cpus, claimed);
	top = (struct nebula_pool_slot *)raw_cpu_read(cpus->top);
	nebula_pool_unless_full(cpus, top + n - 1, full);
	for (; i < n; i++) {
		index = nebula_pool_index_of((unsigned long)objs[i] - p->base, p->inverse,
					     p->rotate);
		if (unlikely(index >= p->blocks))
			break;
		nebula_pool_switch(p->state[index], NEBULA_POOL_LIVE, NEBULA_POOL_FREE, refused);
		top[i + 1].obj = objs[i];
		top[i + 1].state = p->state + index;
	}
refused:
	raw_cpu_add(cpus->top, i * sizeof(*top));
full:
	nebula_pool_unclaim(cpus);
claimed:
	preempt_enable();
	return i;
}

/**
 * nebula_pool_alloc_bulk() - allocate many blocks, all or none
 * @p: the pool.
 * @n: how many.
 * @objs: where they go; what is in it after a failure is meaningless.
 *
 * Context: any, NMI included; does not sleep.
 * Return: true; false with POOL_EXHAUSTED recorded, INVALID_LAYOUT for no blocks, or EXCEEDS_MAX
 * for more than the pool can ever have. None is allocated then.
 */
static __always_inline __must_check bool nebula_pool_alloc_bulk(struct nebula_pool *p,
								unsigned int n, void **objs)
{
	if (__builtin_constant_p(n) && n && n <= NEBULA_POOL_FEW && likely(objs) &&
	    likely(nebula_pool_take_few(p, n, objs)))
		return true;
	return nebula_pool_alloc_bulk_slow(p, n, objs);
}

/**
 * nebula_pool_free_bulk() - free many blocks
 * @p: the pool.
 * @n: how many; none is fine.
 * @objs: the blocks, each checked as by nebula_pool_free(); those that are refused do not keep the
 *	others from being freed.
 *
 * Context: any, NMI included; does not sleep.
 */
static __always_inline void nebula_pool_free_bulk(struct nebula_pool *p, unsigned int n,
						  void **objs)
{
	unsigned int done = 0;

	for (; IS_ENABLED(CONFIG_LOCKDEP) && objs && done < n; done++)
		debug_check_no_locks_freed(objs[done], p->block_size);
	done = 0;
	if (__builtin_constant_p(n) && n && n <= NEBULA_POOL_FEW && likely(objs)) {
		done = nebula_pool_put_few(p, n, objs);
		if (likely(done == n))
			return;
	}
	nebula_pool_free_bulk_slow(p, n - done, objs + done);
}

#endif /* _NEBULA_BULK_H */
