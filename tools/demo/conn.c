// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shows how objects that come and go one by one, in any order, live in a pool.
 *
 * A connection is allocated where it is opened and freed where it is closed: by a task, or by the
 * interrupt that a packet causes, see wire.c. Both happen under a raw lock with interrupts off. A
 * pool may be asked there, on PREEMPT_RT too, since it never makes a caller wait; so there is
 * nothing to prepare before the lock is taken, and nothing to undo after it.
 */
#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/hashtable.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>

#include <nebula/nebula.h>

#include "conn.h"

#define CONN_BLOCKS	1000
#define CONN_SHOWN	4

struct conn {
	struct hlist_node node;
	unsigned long peer;
	u64 bytes;
	unsigned int packets;
};

/* How often something happened, by context. */
struct conn_count {
	unsigned long in_task;
	unsigned long in_interrupt;
};

static struct nebula_pool *pool;
static atomic_long_t local_peers;

/* Guards all that follows, and the connections themselves. */
static DEFINE_RAW_SPINLOCK(table_lock);
static DEFINE_HASHTABLE(table, 8);
static struct conn_count opened, closed, refused;

int conn_init(enum nebula_preset preset)
{
	pool = nebula_pool_create_for("conn", struct conn, CONN_BLOCKS, .preset = preset);
	return PTR_ERR_OR_ZERO(pool);
}

/* A CPU that is idle may find the call of another before its interrupt does, see wire.c. */
static void count(struct conn_count *c)
{
	if (in_hardirq() || is_idle_task(current))
		c->in_interrupt++;
	else
		c->in_task++;
}

static struct conn *find(unsigned long peer)
{
	struct conn *conn;

	hash_for_each_possible(table, conn, node, peer)
		if (conn->peer == peer)
			return conn;
	return NULL;
}

static struct conn *add(unsigned long peer)
{
	struct conn *conn = nebula_pool_alloc(pool);

	if (!conn) {
		count(&refused);
		return NULL;
	}
	*conn = (struct conn){ .peer = peer };
	hash_add(table, &conn->node, peer);
	count(&opened);
	return conn;
}

static void remove(struct conn *conn)
{
	hash_del(&conn->node);
	nebula_pool_free(pool, conn);
	count(&closed);
}

/* What a peer left open ends with the service. */
void conn_exit(void)
{
	struct hlist_node *next;
	struct conn *conn;
	unsigned long flags;
	unsigned int bucket;

	raw_spin_lock_irqsave(&table_lock, flags);
	hash_for_each_safe(table, bucket, next, conn, node)
		remove(conn);
	raw_spin_unlock_irqrestore(&table_lock, flags);
	nebula_pool_destroy(pool);
}

/* The number of a peer on this machine; none is given twice. */
unsigned long conn_local_peer(void)
{
	return CONN_LOCAL + atomic_long_inc_return(&local_peers);
}

int conn_open(unsigned long peer)
{
	unsigned long flags;
	int err = 0;

	raw_spin_lock_irqsave(&table_lock, flags);
	if (find(peer))
		err = -EEXIST;
	else if (!add(peer))
		err = -ENOMEM;
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return err;
}

int conn_receive(unsigned long peer, size_t size)
{
	struct conn *conn;
	unsigned long flags;

	raw_spin_lock_irqsave(&table_lock, flags);
	conn = find(peer);
	if (conn) {
		conn->packets++;
		conn->bytes += size;
	}
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return conn ? 0 : -ENOTCONN;
}

int conn_close(unsigned long peer)
{
	struct conn *conn;
	unsigned long flags;

	raw_spin_lock_irqsave(&table_lock, flags);
	conn = find(peer);
	if (conn)
		remove(conn);
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return conn ? 0 : -ENOTCONN;
}

/*
 * A bug to be shown: the caller kept the pointer and frees it once more. The lock keeps the block
 * from being handed out in between, when the free would hit another connection.
 */
int conn_close_twice(void)
{
	struct conn *conn;
	unsigned long flags;

	raw_spin_lock_irqsave(&table_lock, flags);
	conn = add(conn_local_peer());
	if (conn) {
		remove(conn);
		nebula_pool_free(pool, conn);
	}
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return conn ? 0 : -ENOMEM;
}

static void show_count(struct seq_file *m, const char *name, const struct conn_count *c)
{
	seq_printf(m, "%-10s %lu in tasks, %lu in interrupts\n", name, c->in_task,
		   c->in_interrupt);
}

static void show_open(struct seq_file *m)
{
	unsigned int bucket, n = 0;
	struct conn *conn;

	hash_for_each(table, bucket, conn, node)
		if (n++ < CONN_SHOWN)
			seq_printf(m, "  peer %-10lu %u packets, %llu bytes\n", conn->peer,
				   conn->packets, conn->bytes);
	if (n > CONN_SHOWN)
		seq_printf(m, "  and %u more\n", n - CONN_SHOWN);
}

int conn_show(struct seq_file *m)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&table_lock, flags);
	show_count(m, "opened:", &opened);
	show_count(m, "closed:", &closed);
	show_count(m, "refused:", &refused);
	seq_printf(m, "%-10s %lu\n", "open:", opened.in_task + opened.in_interrupt -
		   closed.in_task - closed.in_interrupt);
	show_open(m);
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return 0;
}
