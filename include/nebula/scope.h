/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scopes that clean up by themselves, in the manner of <linux/cleanup.h>:
 *
 *	guard(nebula_bump)(b);				rewinds b at the end of the enclosing scope
 *	scoped_guard(nebula_bump, b) { ... }		rewinds b on every way out of the block
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

DEFINE_LOCK_GUARD_1(nebula_bump, struct nebula_bump,
		    _T->checkpoint = nebula_bump_scope_enter(_T->lock),
		    nebula_bump_scope_exit(_T->lock, &_T->checkpoint),
		    struct nebula_checkpoint checkpoint)

DEFINE_FREE(nebula_bump, struct nebula_bump *, nebula_bump_destroy(_T))

#endif /* _NEBULA_SCOPE_H */
