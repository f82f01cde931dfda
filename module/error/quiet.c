// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refusals that are only counted: a caller that goes on elsewhere when it is refused - a composite
 * that has another part, a mempool that has a reserve - does not fill the log with what it copes
 * with. A bug that is found while it tries is recorded all the same.
 *
 * What is quiet is a context: a task, or an interrupt on top of it. It enters, allocates, and
 * exits. It may sleep and move to another CPU in between, so it is identified by the task and, in
 * the low bits, by what runs on top of it. No two contexts that run at once have the same number,
 * but for an interrupt on top of one of its own kind: that has exited before the other goes on.
 *
 * The table is of fixed size, hashed and without a lock; only the context itself writes its slot.
 * A context that finds none free is not quiet: its refusals are recorded.
 *
 * Any context.
 */
#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/export.h>
#include <linux/hash.h>
#include <linux/sched.h>
#include "error.h"
#include "record.h"

#define TABLE_BITS	6

/* Slots that a context may have. */
#define PROBES		8

/* A context that is quiet. */
struct nebula_quiet {
	atomic_long_t context;	/* Which; 0: the slot is free. Any context. */
	unsigned int depth;	/* How often it entered. @context alone. */
};

static struct nebula_quiet table[1 << TABLE_BITS];

/* Slots in use, or about to be: most often none, and there is nothing to search. Any context. */
static atomic_t used = ATOMIC_INIT(0);

static unsigned long this_context(void)
{
	BUILD_BUG_ON(__alignof__(struct task_struct) <= NEBULA_IN_NMI);
	return (unsigned long)current | nebula_context_here();
}

static struct nebula_quiet *slot(unsigned long context, unsigned int probe)
{
	return &table[(hash_long(context, TABLE_BITS) + probe) % ARRAY_SIZE(table)];
}

static struct nebula_quiet *find(unsigned long context)
{
	unsigned int i;

	/* A context counts before it has a slot, so it always finds its own. */
	if (!atomic_read(&used))
		return NULL;
	for (i = 0; i < PROBES; i++)
		if (atomic_long_read(&slot(context, i)->context) == context)
			return slot(context, i);
	return NULL;
}

static struct nebula_quiet *claim(unsigned long context)
{
	struct nebula_quiet *q;
	unsigned int i;

	atomic_inc(&used);
	for (i = 0; i < PROBES; i++) {
		q = slot(context, i);
		if (!atomic_long_read(&q->context) &&
		    !atomic_long_cmpxchg(&q->context, 0, context))
			return q;
	}
	atomic_dec(&used);
	return NULL;
}

/* Are refusals of this context only counted? */
bool nebula_is_quiet(void)
{
	return find(this_context());
}

/* From here on they are; for nebula_quiet_exit(), in the same context. Nests. */
struct nebula_quiet *nebula_quiet_enter(void)
{
	const unsigned long context = this_context();
	struct nebula_quiet *q = find(context) ?: claim(context);

	if (q)
		q->depth++;
	return q;
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_quiet_enter);

void nebula_quiet_exit(struct nebula_quiet *q)
{
	/* The next context to claim the slot finds a depth of 0; pairs with the cmpxchg. */
	if (!q || --q->depth)
		return;
	atomic_long_set_release(&q->context, 0);
	atomic_dec(&used);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_quiet_exit);
