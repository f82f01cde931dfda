// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cleanups of arenas and stacks: a list, newest first, whose entries lie in the memory that they
 * wait for. Nothing else is allocated, so a cleanup can be registered wherever an object can be
 * allocated, and each goes with the objects that are younger than its own position.
 *
 * The memory is the client's, and an overrun of an object may hit an entry. So each has a seal, and
 * a list whose next entry is broken is given up: that is CORRUPTION, and no call of garbage.
 */
#include <linux/atomic.h>
#include "../error/error.h"
#include "cleanup.h"

static unsigned long seal_of(const struct nebula_cleanup *c)
{
	return ~((unsigned long)c ^ (unsigned long)c->older ^ ((unsigned long)c->fn << 1) ^
		 ((unsigned long)c->data << 2) ^ (c->at << 3));
}

/*
 * Have a cleanup called before all that are there. Several contexts may push at once. No context
 * takes an entry off while others push, so an entry that is found unchanged is the newest still.
 * Any context.
 */
void nebula_cleanup_push(struct nebula_cleanup **newest, struct nebula_cleanup *c)
{
	struct nebula_cleanup *older = READ_ONCE(*newest);

	do {
		c->older = older;
		c->seal = seal_of(c);
	} while (!try_cmpxchg(newest, &older, c));
}

/*
 * Call all that were registered above a position, newest first. An entry is off the list before it
 * is called. So a cleanup may use the allocator: it may allocate, register another one, which is
 * called next, or rewind further. The owner's; of a shared allocator, with no other call in flight.
 */
void nebula_cleanups_run(struct nebula_allocator *a, struct nebula_cleanup **newest,
			 unsigned long above)
{
	struct nebula_cleanup *c;

	while ((c = READ_ONCE(*newest))) {
		if (unlikely(c->seal != seal_of(c))) {
			WRITE_ONCE(*newest, NULL);
			nebula_fail(a, NEBULA_E_CORRUPTION, .pointer = c, .what = "a cleanup");
			return;
		}
		if (c->at <= above)
			return;
		/* The list may have been dropped. */
		if (try_cmpxchg(newest, &c, c->older))
			c->fn(c->data);
	}
}

/*
 * Call none of them. The module that registered them has gone. Another one that uses the allocator
 * may be about to call them; with that it races anyway. Any context.
 */
void nebula_cleanups_drop(struct nebula_cleanup **newest)
{
	xchg(newest, NULL);
}
