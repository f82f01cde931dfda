/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trees of budgets, declared in one statement:
 *
 *	NEBULA_BUDGET_TREE(service,
 *			   (all,    none, SZ_64M, strict),
 *			   (images, all,  SZ_48M, loose, .per_alloc = SZ_1M),
 *			   (logs,   all,  SZ_16M, loose));
 *
 *	err = nebula_budget_tree_create(&service);
 *	err = nebula_budget_charge(service.logs, 4096);
 *	nebula_budget_tree_destroy(&service);
 *
 * The budgets are called "service.all", "service.images" and "service.logs".
 */
#ifndef _NEBULA_BUDGET_TREE_H
#define _NEBULA_BUDGET_TREE_H

#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <nebula/budget.h>

/**
 * struct nebula_budget_node - a budget of a tree, as it is declared
 * @name: of the budget.
 * @parent: index of its parent among the nodes, or -1.
 * @config: all but its parent.
 */
struct nebula_budget_node {
	const char *name;
	int parent;
	struct nebula_budget_config config;
};

/**
 * struct nebula_budget_tree - a tree of budgets that was declared
 * @nodes: private; the budgets as they were declared.
 * @made: private; the budgets.
 * @nr: private; how many.
 */
struct nebula_budget_tree {
	const struct nebula_budget_node *nodes;
	struct nebula_budget **made;
	unsigned int nr;
};

int nebula_budget_tree_create_of(struct nebula_budget_tree *tree, size_t node_size,
				 unsigned int abi, struct module *owner);
int nebula_budget_tree_destroy_of(struct nebula_budget_tree *tree);

/**
 * NEBULA_BUDGET_TREE() - declare a whole tree of budgets
 * @tree: what it is called; its budgets are ``tree.NODE`` once they are made.
 * @...: up to 12 nodes, each ``(NODE, PARENT, LIMIT, strict or loose, FIELDS...)``: what it is
 *	called, the node above it or ``none``, its limit in bytes, and further designated fields of
 *	&struct nebula_budget_config. All are constants.
 *
 * Below a strict node the limits may not add up to more than its own: that does not compile.
 */
#define NEBULA_BUDGET_TREE(tree, ...)							\
	enum {										\
		NEBULA_TREE_EACH(NEBULA_TREE_INDEX, (tree), __VA_ARGS__)		\
		tree##_budgets, tree##_none = -1,					\
	};										\
	NEBULA_TREE_EACH(NEBULA_TREE_CHECK, (tree, (__VA_ARGS__)), __VA_ARGS__)		\
	static const struct nebula_budget_node tree##_nodes[] = {			\
		NEBULA_TREE_EACH(NEBULA_TREE_NODE, (tree), __VA_ARGS__)			\
	};										\
	static struct {									\
		struct nebula_budget_tree __tree;					\
		union {									\
			struct nebula_budget *__made[tree##_budgets];			\
			struct {							\
				NEBULA_TREE_EACH(NEBULA_TREE_FIELD, (tree), __VA_ARGS__)	\
			};								\
		};									\
	} tree = {									\
		.__tree = { tree##_nodes, tree.__made, tree##_budgets },		\
	}

/**
 * nebula_budget_tree_create() - make all budgets of a tree, or none
 * @t: the tree, as NEBULA_BUDGET_TREE() declared it.
 *
 * Context: process context; sleeps.
 * Return: 0; -ELOOP when nodes are their own parents (CYCLE); else as nebula_budget_create(). The
 * reason is recorded.
 */
#define nebula_budget_tree_create(t)							\
	nebula_budget_tree_create_of(&(t)->__tree, sizeof(struct nebula_budget_node),	\
				     NEBULA_ABI, THIS_MODULE)

/**
 * nebula_budget_tree_destroy() - take down all budgets of a tree
 * @t: the tree; one that was not made is fine.
 *
 * Those that are in use stay, with all above them, and can be taken down by another call.
 *
 * Context: process context; sleeps.
 * Return: 0; -EBUSY when some are in use, which is recorded (INVALID_STATE); -EPERM in atomic
 * context (WRONG_CONTEXT).
 */
#define nebula_budget_tree_destroy(t)	nebula_budget_tree_destroy_of(&(t)->__tree)

/* Private, of NEBULA_BUDGET_TREE(): each node is unpacked behind what is known of the tree. */
#define NEBULA_TREE_UNPACK(...)		__VA_ARGS__
#define NEBULA_TREE_CALL(m, ...)	m(__VA_ARGS__)

#define NEBULA_TREE_INDEX(tree, name, ...)	tree##_##name,
#define NEBULA_TREE_FIELD(tree, name, ...)	struct nebula_budget *name;
#define NEBULA_TREE_NODE(tree, name, up, bytes, kind, ...)				\
	{ #tree "." #name, tree##_##up,							\
	  { .limit = (bytes), .strict = NEBULA_TREE_IS_##kind, ##__VA_ARGS__ } },
#define NEBULA_TREE_CHECK(tree, list, name, up, bytes, kind, ...)			\
	static_assert((bytes) > 0 && (bytes) <= NEBULA_CAPACITY_MAX / 8,		\
		      "nebula_budget: the limit of " #name " is out of range");		\
	static_assert(!NEBULA_TREE_IS_##kind ||						\
		      NEBULA_TREE_SUM((tree, name), NEBULA_TREE_UNPACK list) <= (bytes),	\
		      "nebula_budget: the budgets below " #name " exceed its limit");
#define NEBULA_TREE_SHARE(tree, name, below, up, bytes, ...)				\
	+ (tree##_##up == tree##_##name ? (size_t)(bytes) : 0)
#define NEBULA_TREE_IS_strict		1
#define NEBULA_TREE_IS_loose		0

#define NEBULA_TREE_EACH(m, t, ...)							\
	CONCATENATE(NEBULA_TREE_EACH_, COUNT_ARGS(__VA_ARGS__))(m, t, __VA_ARGS__)
#define NEBULA_TREE_EACH_1(m, t, x)							\
	NEBULA_TREE_CALL(m, NEBULA_TREE_UNPACK t, NEBULA_TREE_UNPACK x)
#define NEBULA_TREE_EACH_2(m, t, x, ...)						\
	NEBULA_TREE_EACH_1(m, t, x) NEBULA_TREE_EACH_1(m, t, __VA_ARGS__)
#define NEBULA_TREE_EACH_3(m, t, x, ...)						\
	NEBULA_TREE_EACH_1(m, t, x) NEBULA_TREE_EACH_2(m, t, __VA_ARGS__)
#define NEBULA_TREE_EACH_4(m, t, x, ...)						\
	NEBULA_TREE_EACH_1(m, t, x) NEBULA_TREE_EACH_3(m, t, __VA_ARGS__)
#define NEBULA_TREE_EACH_5(m, t, x, ...)						\
	NEBULA_TREE_EACH_1(m, t, x) NEBULA_TREE_EACH_4(m, t, __VA_ARGS__)
#define NEBULA_TREE_EACH_6(m, t, x, ...)						\
	NEBULA_TREE_EACH_1(m, t, x) NEBULA_TREE_EACH_5(m, t, __VA_ARGS__)
#define NEBULA_TREE_EACH_7(m, t, x, ...)						\
	NEBULA_TREE_EACH_1(m, t, x) NEBULA_TREE_EACH_6(m, t, __VA_ARGS__)
#define NEBULA_TREE_EACH_8(m, t, x, ...)						\
	NEBULA_TREE_EACH_1(m, t, x) NEBULA_TREE_EACH_7(m, t, __VA_ARGS__)
#define NEBULA_TREE_EACH_9(m, t, x, ...)						\
	NEBULA_TREE_EACH_1(m, t, x) NEBULA_TREE_EACH_8(m, t, __VA_ARGS__)
#define NEBULA_TREE_EACH_10(m, t, x, ...)						\
	NEBULA_TREE_EACH_1(m, t, x) NEBULA_TREE_EACH_9(m, t, __VA_ARGS__)
#define NEBULA_TREE_EACH_11(m, t, x, ...)						\
	NEBULA_TREE_EACH_1(m, t, x) NEBULA_TREE_EACH_10(m, t, __VA_ARGS__)
#define NEBULA_TREE_EACH_12(m, t, x, ...)						\
	NEBULA_TREE_EACH_1(m, t, x) NEBULA_TREE_EACH_11(m, t, __VA_ARGS__)

/* The same once more, because no macro is expanded in its own expansion. */
#define NEBULA_TREE_SUM(t, ...)								\
	(0 CONCATENATE(NEBULA_TREE_SUM_, COUNT_ARGS(__VA_ARGS__))(t, __VA_ARGS__))
#define NEBULA_TREE_ADD(m, ...)		m(__VA_ARGS__)
#define NEBULA_TREE_SUM_1(t, x)								\
	NEBULA_TREE_ADD(NEBULA_TREE_SHARE, NEBULA_TREE_PARTS t, NEBULA_TREE_PARTS x)
#define NEBULA_TREE_PARTS(...)		__VA_ARGS__
#define NEBULA_TREE_SUM_2(t, x, ...)						\
	NEBULA_TREE_SUM_1(t, x) NEBULA_TREE_SUM_1(t, __VA_ARGS__)
#define NEBULA_TREE_SUM_3(t, x, ...)						\
	NEBULA_TREE_SUM_1(t, x) NEBULA_TREE_SUM_2(t, __VA_ARGS__)
#define NEBULA_TREE_SUM_4(t, x, ...)						\
	NEBULA_TREE_SUM_1(t, x) NEBULA_TREE_SUM_3(t, __VA_ARGS__)
#define NEBULA_TREE_SUM_5(t, x, ...)						\
	NEBULA_TREE_SUM_1(t, x) NEBULA_TREE_SUM_4(t, __VA_ARGS__)
#define NEBULA_TREE_SUM_6(t, x, ...)						\
	NEBULA_TREE_SUM_1(t, x) NEBULA_TREE_SUM_5(t, __VA_ARGS__)
#define NEBULA_TREE_SUM_7(t, x, ...)						\
	NEBULA_TREE_SUM_1(t, x) NEBULA_TREE_SUM_6(t, __VA_ARGS__)
#define NEBULA_TREE_SUM_8(t, x, ...)						\
	NEBULA_TREE_SUM_1(t, x) NEBULA_TREE_SUM_7(t, __VA_ARGS__)
#define NEBULA_TREE_SUM_9(t, x, ...)						\
	NEBULA_TREE_SUM_1(t, x) NEBULA_TREE_SUM_8(t, __VA_ARGS__)
#define NEBULA_TREE_SUM_10(t, x, ...)						\
	NEBULA_TREE_SUM_1(t, x) NEBULA_TREE_SUM_9(t, __VA_ARGS__)
#define NEBULA_TREE_SUM_11(t, x, ...)						\
	NEBULA_TREE_SUM_1(t, x) NEBULA_TREE_SUM_10(t, __VA_ARGS__)
#define NEBULA_TREE_SUM_12(t, x, ...)						\
	NEBULA_TREE_SUM_1(t, x) NEBULA_TREE_SUM_11(t, __VA_ARGS__)

#endif /* _NEBULA_BUDGET_TREE_H */
