// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to keep connections in a typed pool: a constructor makes each block once,
 * and not each connection; they are looked up under RCU and freed after a grace period; who can
 * wait for one does, and who cannot puts blocks aside before.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>

#include <nebula/nebula.h>

#define CONNECTIONS	8
#define STANDBY		2

struct connection {
	struct hlist_node node;	/* in connections, lock: table; read under RCU */
	u32 peer;		/* whom it is to */
	spinlock_t lock;	/* of what follows; made by the constructor */
	u64 packets;
};

/* Nothing but a connection can be freed to it; with void * and other types it does not compile. */
static nebula_pool_of(struct connection) pool;
static HLIST_HEAD(connections);
static DEFINE_SPINLOCK(table);

static void construct(void *block, void *data)
{
	struct connection *c = block;

	spin_lock_init(&c->lock);
}

/* Lock: table. */
static void publish(struct connection *c, u32 peer)
{
	c->peer = peer;
	c->packets = 0;
	hlist_add_head_rcu(&c->node, &connections);
}

static int accept(struct connection *c, u32 peer)
{
	if (IS_ERR_OR_NULL(c))
		return c ? PTR_ERR(c) : -ENOMEM;
	spin_lock_bh(&table);
	publish(c, peer);
	spin_unlock_bh(&table);
	return 0;
}

/* From a softirq, say: now or never. */
static int connect_now(u32 peer)
{
	return accept(nebula_pool_of_alloc(&pool), peer);
}

/* From a system call: the next connection that is closed makes room. */
static int connect_wait(u32 peer)
{
	return accept(nebula_pool_alloc_wait(pool.pool, HZ), peer);
}

/* RCU: the caller holds it, which keeps the connection from being anything else. */
static struct connection *find(u32 peer)
{
	struct connection *c;

	hlist_for_each_entry_rcu(c, &connections, node, lockdep_is_held(&table))
		if (c->peer == peer)
			return c;
	return NULL;
}

static bool receive(u32 peer)
{
	struct connection *c;

	rcu_read_lock();
	c = find(peer);
	if (c) {
		spin_lock_bh(&c->lock);
		c->packets++;
		spin_unlock_bh(&c->lock);
	}
	rcu_read_unlock();
	return c;
}

/* Lock: table. */
static void close(struct connection *c)
{
	hlist_del_rcu(&c->node);
	nebula_pool_free_rcu(pool.pool, c);
}

static void disconnect(u32 peer)
{
	struct connection *c;

	spin_lock_bh(&table);
	c = find(peer);
	if (c)
		close(c);
	spin_unlock_bh(&table);
}

static void disconnect_all(void)
{
	struct hlist_node *next;
	struct connection *c;

	spin_lock_bh(&table);
	hlist_for_each_entry_safe(c, next, &connections, node)
		close(c);
	spin_unlock_bh(&table);
}

/* All of them or none: under the lock nothing may fail that has been begun. */
static int connect_standby(void)
{
	struct nebula_reserve reserve;
	int err = nebula_pool_reserve(pool.pool, &reserve, STANDBY);
	u32 peer;

	if (err)
		return err;
	spin_lock_bh(&table);
	for (peer = 100; peer < 100 + STANDBY; peer++)
		publish(nebula_pool_alloc_reserved(&reserve), peer);
	spin_unlock_bh(&table);
	nebula_pool_unreserve(&reserve);
	return 0;
}

static const char *fate(u32 peer)
{
	return receive(peer) ? "received" : "dropped";
}

static int work(void)
{
	int err = connect_standby();
	u32 peer = 0;

	if (err)
		return err;
	pr_info("%u standby connections\n", STANDBY);
	do {
		err = connect_now(++peer);
	} while (!err);
	pr_info("peers 1 to %u are connected, peer %u is not: %d\n", peer - 1, peer, err);
	pr_info("packets: from peer 1 %s, from peer %u %s\n", fate(1), peer, fate(peer));

	disconnect(1);
	err = connect_wait(peer);
	if (err)
		return err;
	pr_info("peer 1 is disconnected, peer %u has waited for that\n", peer);
	pr_info("packets: from peer 1 %s, from peer %u %s\n", fate(1), peer, fate(peer));
	pr_info("%u of %u blocks in use\n", nebula_pool_used(pool.pool), CONNECTIONS);
	return 0;
}

/* The pool waits for the grace period of what is freed. */
static void clean_up(void)
{
	disconnect_all();
	nebula_pool_of_destroy(&pool);
}

static int __init connection_pool_init(void)
{
	int err = nebula_pool_of_create(&pool, "connections", CONNECTIONS,
					.flags = NEBULA_STRICT, .ctor = construct);

	if (err)
		return err;
	err = work();
	if (err)
		clean_up();
	return err;
}

static void __exit connection_pool_exit(void)
{
	clean_up();
}

module_init(connection_pool_init);
module_exit(connection_pool_exit);

MODULE_DESCRIPTION("nebula_memory sample: connections in a typed pool");
MODULE_LICENSE("GPL");
