/* SPDX-License-Identifier: GPL-2.0-only */
/* Where the nodes of this module's XArray come from: the kernel's cache, or a pool. */
#ifndef PORT_NODES_H
#define PORT_NODES_H

#include <linux/list.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>
#include <nebula/pool.h>

#ifdef PORT_pool

static struct nebula_pool *nodes;

static struct xa_node *node_alloc(gfp_t gfp)
{
	struct xa_node *node = nebula_pool_zalloc_gfp(nodes, gfp);

	if (node)
		INIT_LIST_HEAD(&node->private_list);
	return node;
}

static int nodes_create(void)
{
	nodes = nebula_pool_create_for("xarray", struct xa_node, 64, .flags = NEBULA_GROW,
				       .max_blocks = 1 << 20);
	return PTR_ERR_OR_ZERO(nodes);
}

/* Reports what is live, if anything is. */
static void nodes_destroy(void)
{
	nebula_pool_destroy(nodes);
}

#else

/* The kernel's own is not exported; this one is as that. */
struct kmem_cache *radix_tree_node_cachep;

static void construct(void *memory)
{
	struct xa_node *node = memory;

	memset(node, 0, sizeof(*node));
	INIT_LIST_HEAD(&node->private_list);
}

void radix_tree_node_rcu_free(struct rcu_head *head)
{
	struct xa_node *node = container_of(head, struct xa_node, rcu_head);

	memset(node->slots, 0, sizeof(node->slots));
	memset(node->tags, 0, sizeof(node->tags));
	INIT_LIST_HEAD(&node->private_list);
	kmem_cache_free(radix_tree_node_cachep, node);
}

static int nodes_create(void)
{
	radix_tree_node_cachep = kmem_cache_create("port_xarray", sizeof(struct xa_node), 0,
						   SLAB_RECLAIM_ACCOUNT, construct);
	return radix_tree_node_cachep ? 0 : -ENOMEM;
}

static void nodes_destroy(void)
{
	kmem_cache_destroy(radix_tree_node_cachep);
}

#endif

#endif
