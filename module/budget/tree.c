// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees of budgets that a client declared with NEBULA_BUDGET_TREE(). Process context.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/module.h>
#include "../core/config.h"
#include "priv.h"

/* Does any node lead up to itself, or to one that is not there? */
static const struct nebula_budget_node *find_cycle(const struct nebula_budget_tree *tree)
{
	unsigned int i, steps;
	int at;

	for (i = 0; i < tree->nr; i++) {
		at = tree->nodes[i].parent;
		for (steps = 0; at >= 0 && at < tree->nr && steps < tree->nr; steps++)
			at = tree->nodes[at].parent;
		if (at != -1)
			return &tree->nodes[i];
	}
	return NULL;
}

/* Its parent first, wherever that was declared. Returns 0 or the error. */
static int make_node(struct nebula_budget_tree *tree, unsigned int i, struct module *owner)
{
	const struct nebula_budget_node *node = &tree->nodes[i];
	struct nebula_budget_config cfg = node->config;
	struct nebula_budget *b;

	if (tree->made[i])
		return 0;
	if (node->parent >= 0)
		cfg.parent = tree->made[node->parent];
	b = nebula_budget_create_cfg(node->name, &cfg, sizeof(cfg), NEBULA_ABI, owner);
	if (IS_ERR(b))
		return PTR_ERR(b);
	tree->made[i] = b;
	return 0;
}

static bool is_ready(const struct nebula_budget_tree *tree, unsigned int i)
{
	const int parent = tree->nodes[i].parent;

	return parent < 0 || tree->made[parent];
}

/* As often as there are levels: each time those whose parents are there. */
static int make_nodes(struct nebula_budget_tree *tree, struct module *owner)
{
	unsigned int i, left;
	int ret;

	do {
		left = 0;
		for (i = 0; i < tree->nr; i++) {
			if (!is_ready(tree, i)) {
				left++;
				continue;
			}
			ret = make_node(tree, i, owner);
			if (ret)
				return ret;
		}
	} while (left);
	return 0;
}

/* Those that are not in use, from the leaves up. Returns the first error. */
static int take_down(struct nebula_budget_tree *tree)
{
	struct nebula_budget_stats st;
	unsigned int i, taken;
	int ret = 0;

	do {
		taken = 0;
		for (i = 0; i < tree->nr; i++) {
			if (!tree->made[i])
				continue;
			nebula_budget_stats_read(tree->made[i], &st);
			if (st.children || st.used || st.regions)
				continue;
			ret = nebula_budget_destroy(tree->made[i]);
			if (ret)
				return ret;
			tree->made[i] = NULL;
			taken++;
		}
	} while (taken);
	/* What is left says itself why. */
	for (i = 0; i < tree->nr && !ret; i++) {
		ret = nebula_budget_destroy(tree->made[i]);
		if (!ret)
			tree->made[i] = NULL;
	}
	return ret;
}

/**
 * nebula_budget_tree_create_of() - make all budgets of a tree, or none
 * @tree: the tree.
 * @node_size: bytes of a node as the client was compiled.
 * @abi: %NEBULA_ABI as the client was compiled.
 * @owner: module the budgets belong to, %THIS_MODULE.
 *
 * nebula_budget_tree_create() is the convenient way to call it.
 *
 * Context: process context; sleeps.
 * Return: as nebula_budget_tree_create().
 */
int nebula_budget_tree_create_of(struct nebula_budget_tree *tree, size_t node_size,
				 unsigned int abi, struct module *owner)
{
	const struct nebula_budget_node *node;
	int ret;

	if (!nebula_config_is_ours("(tree)", owner, abi, node_size, sizeof(*node)))
		return -ENOEXEC;
	node = find_cycle(tree);
	if (node)
		return nebula_config_refuse(NEBULA_KIND_BUDGET, node->name, 0,
					    NEBULA_REFUSE(NEBULA_E_CYCLE, ".parent"));
	ret = make_nodes(tree, owner);
	if (ret)
		take_down(tree);
	return ret;
}
EXPORT_SYMBOL_GPL(nebula_budget_tree_create_of);

/**
 * nebula_budget_tree_destroy_of() - take down all budgets of a tree
 * @tree: the tree.
 *
 * nebula_budget_tree_destroy() is the convenient way to call it.
 *
 * Context: process context; sleeps.
 * Return: as nebula_budget_tree_destroy().
 */
int nebula_budget_tree_destroy_of(struct nebula_budget_tree *tree)
{
	return take_down(tree);
}
EXPORT_SYMBOL_GPL(nebula_budget_tree_destroy_of);
