/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which context has which block of a pool: every block that a test takes or gives back goes through
 * here, in any context. A block that is handed out while it is live, that is none of the pool's, or
 * that changes while it is live, is noted; so is what the pool's own figures must come to.
 */
#ifndef _NEBULA_KUNIT_LEDGER_H
#define _NEBULA_KUNIT_LEDGER_H

#include "fixture.h"

/* What a pool can do wrong. */
enum ledger_fault {
	LEDGER_NO_BLOCK = 0,	/* what was handed out is not a block of the pool */
	LEDGER_TWICE,		/* a block was handed out while it was live */
	LEDGER_OVERWRITTEN,	/* a block changed while it was live */
	LEDGER_NOT_ZERO,	/* a block of a pool with NEBULA_ZERO was not */
	LEDGER_FAULTS		/* number of faults */
};

/* The blocks of a pool and their holders. */
struct ledger {
	struct nebula_pool *pool;	/* the pool */
	/*
	 * For each block the number of the hand-out that it is in, 0 while it is free. Any context.
	 */
	u32 *entries;
	unsigned int blocks;	/* blocks that could be live at once when the pool was made */
	atomic_t live;		/* How many blocks are out. Any context. */
	atomic_t hand_outs;	/* Number of the last hand-out. Any context. */
	atomic_t refused;	/* Requests that were refused. Any context. */
	unsigned int double_frees;	/* DOUBLE_FREE errors that the test provoked */
	atomic_t in_context[NEBULA_IN_NMI + 1];	/* Hand-outs by enum nebula_context. Any context. */
	atomic_t faults[LEDGER_FAULTS];	/* How often each was noted. Any context. */
};

struct ledger *ledger_create(struct kunit *test, struct nebula_pool *p);
void ledger_destroy(struct ledger *l);

/* Constructor of blocks that are added to a pool later: they carry their own entry. */
void ledger_construct(void *block, void *data);

/* For blocks that are taken and given back by other means than those below. */
void ledger_enter(struct ledger *l, void *obj);
void ledger_leave(struct ledger *l, void *obj);

void *ledger_alloc(struct ledger *l);
void ledger_free(struct ledger *l, void *obj);
bool ledger_alloc_bulk(struct ledger *l, unsigned int n, void **objs);
void ledger_free_bulk(struct ledger *l, unsigned int n, void **objs);

/* Takes all that are to be had: how many. There must be room for ledger_most() of them. */
unsigned int ledger_alloc_all(struct ledger *l, void **objs);
unsigned int ledger_most(const struct ledger *l);

/* The same on a CPU of choice, and the way back. Process context. */
unsigned int ledger_alloc_all_on(struct ledger *l, int cpu, void **objs);
void ledger_free_on(struct ledger *l, int cpu, unsigned int n, void **objs);

/* Nothing went wrong so far, and all figures agree; no context may use the pool. */
void ledger_verify(struct kunit *test, struct ledger *l);
/* All blocks are back: every one can be had again, each once. */
void ledger_verify_whole(struct kunit *test, struct ledger *l);

#endif /* _NEBULA_KUNIT_LEDGER_H */
