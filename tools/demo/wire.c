// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shows how interrupts of two CPUs pass objects of a pool to each other, as a network card and
 * receive packet steering do.
 *
 *	one CPU, timer interrupt		another, call function interrupt
 *	  receive()				  deliver()
 *	    nebula_pool_alloc()  --backlog-->	    conn_open(), conn_receive(), conn_close()
 *						    nebula_pool_free()
 *
 * All packets are allocated here and freed there, up to as many at a time as the pool has blocks.
 * None may be dropped: a pool of N blocks serves N, wherever they are freed.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/llist.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/seq_file.h>
#include <linux/smp.h>

#include <nebula/nebula.h>

#include "../samples/compat.h"
#include "conn.h"
#include "wire.h"

#define RING		64	/* packets on their way at a time; blocks of the pool */
#define PEERS		500
#define MTU		1500
#define INTERVAL	ns_to_ktime(50 * NSEC_PER_USEC)

enum packet_type { PACKET_OPEN, PACKET_DATA, PACKET_CLOSE, PACKET_TYPES };

struct packet {
	struct llist_node node;
	u32 peer;
	u16 size;
	u8 type;
};

/*
 * The latest burst. @done is counted by deliver(), the rest is receive()'s until the completion and
 * then the one's who holds burst_lock.
 */
static struct {
	unsigned int size;
	unsigned int sent;
	unsigned int dropped;
	unsigned int most;	/* on their way at a time */
	atomic_t done;
	int from, to;		/* CPUs */
	struct completion end;
} burst;

static DEFINE_MUTEX(burst_lock);
static struct nebula_pool *pool;
static struct hrtimer card;
static struct rnd_state random;
static LLIST_HEAD(backlog);

static void packet_done(void)
{
	if (atomic_inc_return(&burst.done) == burst.size)
		complete(&burst.end);
}

static void handle(const struct packet *packet)
{
	switch (packet->type) {
	case PACKET_OPEN:
		conn_open(packet->peer);
		break;
	case PACKET_DATA:
		conn_receive(packet->peer, packet->size);
		break;
	case PACKET_CLOSE:
		conn_close(packet->peer);
		break;
	}
}

static void deliver(void *unused)
{
	struct llist_node *batch = llist_reverse_order(llist_del_all(&backlog));
	struct packet *packet, *next;

	llist_for_each_entry_safe(packet, next, batch, node) {
		handle(packet);
		nebula_pool_free(pool, packet);
		packet_done();
	}
}

static void receive_packet(void)
{
	struct packet *packet = nebula_pool_alloc(pool);

	burst.sent++;
	if (!packet) {
		burst.dropped++;
		packet_done();
		return;
	}
	packet->peer = prandom_u32_state(&random) % PEERS;
	packet->size = prandom_u32_state(&random) % MTU;
	packet->type = prandom_u32_state(&random) % PACKET_TYPES;
	llist_add(&packet->node, &backlog);
}

/*
 * Refused while an earlier call has not begun, which will find our packets, too: it is marked as
 * begun before it empties the backlog, and llist_add() is a full barrier before we see the mark.
 */
static void steer(void)
{
	static call_single_data_t call = CSD_INIT(deliver, NULL);

	burst.from = smp_processor_id();
	burst.to = cpumask_any_but(cpu_online_mask, burst.from);
	if (burst.to >= nr_cpu_ids)
		burst.to = burst.from;
	smp_call_function_single_async(burst.to, &call);
}

static enum hrtimer_restart receive(struct hrtimer *timer)
{
	unsigned int on_way = burst.sent - atomic_read(&burst.done);
	unsigned int n = min(RING - on_way, burst.size - burst.sent);

	burst.most = max(burst.most, on_way + n);
	while (n--)
		receive_packet();
	steer();
	if (burst.sent == burst.size)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, INTERVAL);
	return HRTIMER_RESTART;
}

int wire_init(enum nebula_preset preset)
{
	pool = nebula_pool_create_for("packet", struct packet, RING, .preset = preset);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	hrtimer_setup(&card, receive, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	prandom_seed_state(&random, 1);
	return 0;
}

/* A last call may still be on its way, for packets that the one before it has delivered. */
void wire_exit(void)
{
	on_each_cpu(deliver, NULL, true);
	nebula_pool_destroy(pool);
}

/* Comes back when all packets were delivered: a fraction of a second. Task context. */
int wire_burst(unsigned int size)
{
	if (!size || size > WIRE_BURST_MAX)
		return -EINVAL;
	if (mutex_lock_interruptible(&burst_lock))
		return -ERESTARTSYS;
	burst.size = size;
	burst.sent = 0;
	burst.dropped = 0;
	burst.most = 0;
	atomic_set(&burst.done, 0);
	init_completion(&burst.end);
	hrtimer_start(&card, INTERVAL, HRTIMER_MODE_REL_PINNED_HARD);
	wait_for_completion(&burst.end);
	hrtimer_cancel(&card);
	mutex_unlock(&burst_lock);
	return 0;
}

int wire_show(struct seq_file *m)
{
	if (mutex_lock_interruptible(&burst_lock))
		return -ERESTARTSYS;
	seq_printf(m, "packets:   %u, allocated on CPU %d, freed on CPU %d\n", burst.sent,
		   burst.from, burst.to);
	seq_printf(m, "at a time: up to %u, from a pool of %u\n", burst.most, RING);
	seq_printf(m, "dropped:   %u\n", burst.dropped);
	mutex_unlock(&burst_lock);
	return 0;
}
