// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has which block of a pool, see ledger.h.
 */
#include <linux/atomic.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include "../module/pool/hooks.h"
#include "ledger.h"

static const char *const fault_names[] = {
	[LEDGER_NO_BLOCK] = "handed out: not a block",
	[LEDGER_TWICE] = "handed out while somebody had it",
	[LEDGER_OVERWRITTEN] = "changed while somebody had it",
	[LEDGER_NOT_ZERO] = "handed out with other content than zeros",
};

static_assert(ARRAY_SIZE(fault_names) == LEDGER_FAULTS);

struct ledger *ledger_create(struct kunit *test, struct nebula_pool *p)
{
	struct ledger *l = kunit_kzalloc(test, sizeof(*l), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, l);
	l->pool = p;
	l->blocks = held_most(p);
	l->entries = vzalloc(array_size(p->blocks, sizeof(*l->entries)));
	KUNIT_ASSERT_NOT_NULL(test, l->entries);
	return l;
}

void ledger_destroy(struct ledger *l)
{
	nebula_pool_destroy(l->pool);
	vfree(l->entries);
}

static void ledger_fault(struct ledger *l, enum ledger_fault fault)
{
	atomic_inc(&l->faults[fault]);
}

void ledger_construct(void *block, void *data)
{
	memset(block, 0, 2 * sizeof(u32));
}

static u32 *ledger_entry(struct ledger *l, void *obj)
{
	const struct nebula_pool *p = l->pool;
	unsigned long index = nebula_pool_index_of((unsigned long)obj - p->base, p->inverse,
						   p->rotate);

	if (index < p->blocks)
		return &l->entries[index];
	/* The second word: within the stamp, and not what an allocator would use for a link. */
	return nebula_pool_owns(p, obj) ? (u32 *)obj + 1 : NULL;
}

static size_t words_of(const struct ledger *l)
{
	return l->pool->block_size / sizeof(u32);
}

/* Both ends of a block say which hand-out it is in: the first four words and the last four. */
static size_t next_word(const struct ledger *l, size_t word)
{
	return word == 3 && words_of(l) > 8 ? words_of(l) - 4 : word + 1;
}

static void stamp(const struct ledger *l, u32 *words, u32 id)
{
	size_t i;

	for (i = 0; i < words_of(l); i = next_word(l, i))
		WRITE_ONCE(words[i], id);
}

static bool stamped(const struct ledger *l, const u32 *words, u32 id)
{
	size_t i;

	for (i = 0; i < words_of(l); i = next_word(l, i))
		if (READ_ONCE(words[i]) != id)
			return false;
	return true;
}

static enum nebula_context context_now(void)
{
	if (in_nmi())
		return NEBULA_IN_NMI;
	if (in_hardirq())
		return NEBULA_IN_HARDIRQ;
	return in_softirq() ? NEBULA_IN_SOFTIRQ : NEBULA_IN_TASK;
}

void ledger_enter(struct ledger *l, void *obj)
{
	u32 id = atomic_inc_return(&l->hand_outs), *entry = ledger_entry(l, obj);

	atomic_inc(&l->live);
	atomic_inc(&l->in_context[context_now()]);
	if (!entry) {
		ledger_fault(l, LEDGER_NO_BLOCK);
		return;
	}
	if (l->pool->common.flags & NEBULA_ZERO && memchr_inv(obj, 0, l->pool->block_size))
		ledger_fault(l, LEDGER_NOT_ZERO);
	if (cmpxchg(entry, 0, id)) {
		ledger_fault(l, LEDGER_TWICE);
		return;
	}
	stamp(l, obj, id);
}

void ledger_leave(struct ledger *l, void *obj)
{
	u32 *entry = ledger_entry(l, obj), id;

	atomic_dec(&l->live);
	/* If it is none, that was noted when it was handed out. */
	if (!entry)
		return;
	id = READ_ONCE(*entry);
	if (!stamped(l, obj, id))
		ledger_fault(l, LEDGER_OVERWRITTEN);
	if (!id || cmpxchg(entry, id, 0) != id)
		ledger_fault(l, LEDGER_TWICE);
}

void *ledger_alloc(struct ledger *l)
{
	void *obj = nebula_pool_alloc(l->pool);

	if (obj)
		ledger_enter(l, obj);
	else
		atomic_inc(&l->refused);
	return obj;
}

void ledger_free(struct ledger *l, void *obj)
{
	ledger_leave(l, obj);
	nebula_pool_free(l->pool, obj);
}

bool ledger_alloc_bulk(struct ledger *l, unsigned int n, void **objs)
{
	unsigned int i;

	if (!nebula_pool_alloc_bulk(l->pool, n, objs)) {
		atomic_inc(&l->refused);
		return false;
	}
	for (i = 0; i < n; i++)
		ledger_enter(l, objs[i]);
	return true;
}

void ledger_free_bulk(struct ledger *l, unsigned int n, void **objs)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		ledger_leave(l, objs[i]);
	nebula_pool_free_bulk(l->pool, n, objs);
}

unsigned int ledger_most(const struct ledger *l)
{
	return l->blocks + nebula_pool_capacity(l->pool);
}

unsigned int ledger_alloc_all(struct ledger *l, void **objs)
{
	unsigned int most = ledger_most(l), n = 0;

	while (n < most) {
		objs[n] = ledger_alloc(l);
		if (!objs[n])
			break;
		n++;
	}
	return n;
}

/* What is to be done on a CPU of choice. */
struct errand {
	struct ledger *ledger;	/* of the pool */
	void **objs;		/* blocks */
	unsigned int n;		/* how many */
};

static long errand_take(void *data)
{
	struct errand *e = data;

	return ledger_alloc_all(e->ledger, e->objs);
}

static long errand_give(void *data)
{
	struct errand *e = data;

	while (e->n)
		ledger_free(e->ledger, e->objs[--e->n]);
	return 0;
}

unsigned int ledger_alloc_all_on(struct ledger *l, int cpu, void **objs)
{
	struct errand e = { .ledger = l, .objs = objs };

	return work_on_cpu(cpu, errand_take, &e);
}

void ledger_free_on(struct ledger *l, int cpu, unsigned int n, void **objs)
{
	struct errand e = { .ledger = l, .objs = objs, .n = n };

	work_on_cpu(cpu, errand_give, &e);
}

static void verify_faults(struct kunit *test, struct ledger *l)
{
	unsigned int i;

	for (i = 0; i < LEDGER_FAULTS; i++)
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&l->faults[i]), 0, "%s", fault_names[i]);
	KUNIT_EXPECT_EQ(test, nebula_validate(l->pool), 0U);
}

/* Recorded is what the test was told, and nothing else. */
static void verify_failures(struct kunit *test, struct ledger *l, const struct nebula_stats *st)
{
	u64 expected[NEBULA_E_NR] = {
		[NEBULA_E_POOL_EXHAUSTED] = atomic_read(&l->refused),
		[NEBULA_E_DOUBLE_FREE] = l->double_frees,
	};
	unsigned int i;

	for (i = 0; i < NEBULA_E_NR; i++)
		KUNIT_EXPECT_EQ_MSG(test, st->failures[i], expected[i], "%s", nebula_errc_name(i));
}

void ledger_verify(struct kunit *test, struct ledger *l)
{
	unsigned int live = atomic_read(&l->live);
	u64 hand_outs = atomic_read(&l->hand_outs);
	struct nebula_stats st;

	verify_faults(test, l);
	nebula_stats_read(l->pool, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, st.frees + live);
	KUNIT_EXPECT_EQ(test, st.allocs, hand_outs);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(l->pool), live);
	verify_failures(test, l, &st);
}

void ledger_verify_whole(struct kunit *test, struct ledger *l)
{
	unsigned int n, capacity = nebula_pool_capacity(l->pool);
	void **objs = vmalloc(array_size(ledger_most(l), sizeof(*objs)));

	KUNIT_ASSERT_NOT_NULL(test, objs);
	ledger_verify(test, l);
	KUNIT_EXPECT_EQ(test, nebula_pool_used(l->pool), 0U);
	n = ledger_alloc_all(l, objs);
	KUNIT_EXPECT_GE(test, n, capacity);
	if (l->pool->common.flags & NEBULA_STRICT)
		KUNIT_EXPECT_EQ(test, n, capacity);
	ledger_verify(test, l);
	while (n)
		ledger_free(l, objs[--n]);
	ledger_verify(test, l);
	vfree(objs);
}
