// SPDX-License-Identifier: GPL-2.0-only
/*
 * All contexts at once, see crowd.h.
 */
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include "../module/compat.h"
#include "crowd.h"
#include "nmis.h"

#define CONTEXTS	(2 + IS_ENABLED(CONFIG_X86_LOCAL_APIC))
#define BULK_MAX	24

static void holder_take(struct holder *h, unsigned int n)
{
	struct ledger *l = h->crowd->ledger;
	void *obj;

	n = min(n, h->crowd->share - h->count);
	if (n > 1) {
		if (ledger_alloc_bulk(l, n, h->blocks + h->count))
			h->count += n;
		else
			h->filling = false;
		return;
	}
	obj = n ? ledger_alloc(l) : NULL;
	if (obj)
		h->blocks[h->count++] = obj;
	else
		h->filling = false;
}

/* What was taken last is not what is given back first. */
static void holder_shuffle(struct holder *h, unsigned int n)
{
	unsigned int i, j;

	for (i = h->count - n; i < h->count; i++) {
		j = prandom_u32_state(&h->random) % h->count;
		swap(h->blocks[i], h->blocks[j]);
	}
}

static void holder_give(struct holder *h, unsigned int n)
{
	n = min(n, h->count);
	if (!n) {
		h->filling = true;
		return;
	}
	holder_shuffle(h, n);
	h->count -= n;
	if (n > 1)
		ledger_free_bulk(h->crowd->ledger, n, h->blocks + h->count);
	else
		ledger_free(h->crowd->ledger, h->blocks[h->count]);
}

/* A block for a block: no holder comes to hold more than its share. */
static void holder_swap(struct holder *h, u32 random)
{
	void **obj;

	if (!h->count)
		return;
	obj = &h->blocks[random % h->count];
	*obj = xchg(&h->crowd->swap[random / 256 % CROWD_SWAP], *obj);
}

/* The tide turns when everything or nothing is held, when the pool is exhausted, and by chance. */
static void holder_turn(struct holder *h)
{
	u32 random = prandom_u32_state(&h->random);
	unsigned int n = random & 1 ? 1 : 1 + random / 2 % BULK_MAX;

	random /= 64;
	if (h->crowd->brink) {
		n = 1;
		h->filling = h->count < h->crowd->share;
	} else if (random % 128 == 0) {
		h->filling = !h->filling;
	}
	if (random % 8 < 2)
		holder_swap(h, random / 8);
	else if ((random % 8 < 6) == h->filling)
		holder_take(h, n);
	else
		holder_give(h, n);
}

static void holder_init(struct kunit *test, struct holder *h, struct crowd *c, u64 seed)
{
	h->crowd = c;
	h->filling = true;
	prandom_seed_state(&h->random, FIXTURE_SEED ^ seed);
	h->blocks = kvcalloc(c->share, sizeof(*h->blocks), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, h->blocks);
}

static void holder_exit(struct holder *h)
{
	while (h->count)
		holder_give(h, BULK_MAX);
}

static void holder_in_nmi(unsigned int cpu, void *data)
{
	struct crowd *c = data;

	holder_turn(&c->cpus[cpu].nmi);
	holder_turn(&c->cpus[cpu].nmi);
}

static enum hrtimer_restart holder_in_hardirq(struct hrtimer *timer)
{
	struct crowd_cpu *w = container_of(timer, struct crowd_cpu, timer);
	struct holder *h = &w->hardirq;
	unsigned int i;

	for (i = 0; i < 3; i++)
		holder_turn(h);
	if (h->crowd->nmis)
		nmis_send();
	/* From now on, or a slow machine would do nothing else. */
	hrtimer_set_expires(timer, ktime_add_ns(ktime_get(), 20 * NSEC_PER_USEC +
						prandom_u32_state(&h->random) % 180000));
	return HRTIMER_RESTART;
}

static void holder_in_task(void *data)
{
	struct crowd_cpu *w = data;
	struct crowd *c = w->task.crowd;
	unsigned int turn;

	hrtimer_start(&w->timer, ns_to_ktime(20 * NSEC_PER_USEC), HRTIMER_MODE_REL_PINNED_HARD);
	for (turn = 0; !READ_ONCE(c->over) && (!c->turns || turn < c->turns); turn++) {
		holder_turn(&w->task);
		cond_resched();
	}
	hrtimer_cancel(&w->timer);
}

struct crowd *crowd_create(struct kunit *test, struct ledger *l, unsigned int limit)
{
	struct crowd *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	int cpu;

	KUNIT_ASSERT_NOT_NULL(test, c);
	KUNIT_ASSERT_GT(test, limit, CROWD_SWAP + CONTEXTS * num_online_cpus());
	c->ledger = l;
	c->share = (limit - CROWD_SWAP) / (CONTEXTS * num_online_cpus());
	c->cpus = kunit_kcalloc(test, nr_cpu_ids, sizeof(*c->cpus), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c->cpus);
	KUNIT_ASSERT_TRUE(test, ledger_alloc_bulk(l, CROWD_SWAP, c->swap));
	for_each_online_cpu(cpu) {
		struct crowd_cpu *w = &c->cpus[cpu];

		holder_init(test, &w->task, c, 3 * cpu);
		holder_init(test, &w->hardirq, c, 3 * cpu + 1);
		holder_init(test, &w->nmi, c, 3 * cpu + 2);
		compat_hrtimer_setup(&w->timer, holder_in_hardirq, CLOCK_MONOTONIC,
				     HRTIMER_MODE_REL_PINNED_HARD);
	}
	return c;
}

void crowd_release(struct crowd *c)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		holder_exit(&c->cpus[cpu].task);
		holder_exit(&c->cpus[cpu].hardirq);
		holder_exit(&c->cpus[cpu].nmi);
	}
	ledger_free_bulk(c->ledger, CROWD_SWAP, c->swap);
}

void crowd_destroy(struct crowd *c)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		kvfree(c->cpus[cpu].task.blocks);
		kvfree(c->cpus[cpu].hardirq.blocks);
		kvfree(c->cpus[cpu].nmi.blocks);
	}
}

static void crowd_begin(struct kunit *test, struct crowd *c, unsigned int turns, bool bound)
{
	int cpu;

	c->turns = turns;
	c->over = false;
	for_each_online_cpu(cpu)
		worker_start(test, &c->cpus[cpu].worker, bound ? cpu : WORKER_ANYWHERE,
			     holder_in_task, &c->cpus[cpu]);
}

static void crowd_end(struct crowd *c)
{
	int cpu;

	for_each_possible_cpu(cpu)
		worker_join(&c->cpus[cpu].worker);
	if (c->nmis)
		nmis_end();
	c->nmis = false;
}

void crowd_run(struct kunit *test, struct crowd *c, unsigned int turns)
{
	c->nmis = nmis_begin(test, holder_in_nmi, c);
	crowd_begin(test, c, turns, true);
	crowd_end(c);
}

void crowd_start(struct kunit *test, struct crowd *c)
{
	c->nmis = nmis_begin(test, holder_in_nmi, c);
	crowd_begin(test, c, 0, true);
}

void crowd_start_roaming(struct kunit *test, struct crowd *c)
{
	crowd_begin(test, c, 0, false);
}

void crowd_stop(struct crowd *c)
{
	WRITE_ONCE(c->over, true);
	crowd_end(c);
}

void crowd_print(struct kunit *test, const struct crowd *c)
{
	const struct ledger *l = c->ledger;

	kunit_info(test, "%d blocks handed out, %d of them in hard interrupts and %d in NMIs, %d requests refused, on %u CPUs\n",
		   atomic_read(&l->hand_outs), atomic_read(&l->in_context[NEBULA_IN_HARDIRQ]),
		   atomic_read(&l->in_context[NEBULA_IN_NMI]), atomic_read(&l->refused),
		   num_online_cpus());
}
