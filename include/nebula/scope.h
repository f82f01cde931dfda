/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scopes that clean up by themselves, in the manner of <linux/cleanup.h>:
 *
 *	guard(nebula_bump)(b);				rewinds b at the end of the enclosing scope
 *	scoped_guard(nebula_bump, b) { ... }		rewinds b on every way out of the block
 *	guard(nebula_stack)(s);				gives s back down to where it was
 *	CLASS(nebula_scratch, tmp)(s, 256, 8);		tmp.p is scratch memory until then
 *	struct nebula_bump *b __free(nebula_bump) =	destroys b at the end of the scope
 *		nebula_bump_create(...);
 *
 * break and continue inside scoped_guard() bind to it, as everywhere in the kernel; guard() keeps
 * the user's loop. An allocator cannot be destroyed while a scope on it is open: that is refused
 * and recorded as INVALID_STATE.
 */
#ifndef _NEBULA_SCOPE_H
#define _NEBULA_SCOPE_H

#include <linux/cleanup.h>
#include <linux/err.h>
#include <nebula/bump.h>
#include <nebula/pool.h>
#include <nebula/scratch.h>
#include <nebula/stack.h>

DEFINE_LOCK_GUARD_1(nebula_bump, struct nebula_bump,
		    _T->checkpoint = nebula_bump_scope_enter(_T->lock),
		    nebula_bump_scope_exit(_T->lock, &_T->checkpoint),
		    struct nebula_checkpoint checkpoint)

DEFINE_LOCK_GUARD_1(nebula_stack, struct nebula_stack,
		    _T->mark = nebula_stack_scope_enter(_T->lock),
		    nebula_stack_scope_exit(_T->lock, &_T->mark),
		    struct nebula_mark mark)

/**
 * struct nebula_scratch_hold - what CLASS(nebula_scratch, ...) declares
 * @scratch: private; where @p is of.
 * @p: the memory, or %NULL.
 */
struct nebula_scratch_hold {
	struct nebula_scratch *scratch;
	void *p;
};

/*
 * CLASS(nebula_scratch, name)(scratch, size, align) - scratch memory until the end of the scope
 *
 * Preemption is off meanwhile, so that it can be used in task context as it is anywhere else.
 */
DEFINE_CLASS(nebula_scratch, struct nebula_scratch_hold,
	     nebula_scratch_put(_T.scratch, _T.p); preempt_enable(),
	     ({
		preempt_disable();
		(struct nebula_scratch_hold){ scratch, nebula_scratch_get(scratch, size, align) };
	     }),
	     struct nebula_scratch *scratch, size_t size, size_t align)

DEFINE_FREE(nebula_bump, struct nebula_bump *, nebula_bump_destroy(_T))
DEFINE_FREE(nebula_pool, struct nebula_pool *, nebula_pool_destroy(_T))
DEFINE_FREE(nebula_stack, struct nebula_stack *, nebula_stack_destroy(_T))
DEFINE_FREE(nebula_scratch, struct nebula_scratch *, nebula_scratch_destroy(_T))

#endif /* _NEBULA_SCOPE_H */
