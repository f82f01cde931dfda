# Nodes go back after a grace period, or at once where no reader has seen them. No rcu_head is needed for it.
s/call_rcu\(&node->rcu_head, radix_tree_node_rcu_free\)/nebula_pool_free_rcu(nodes, node)/
s/radix_tree_node_rcu_free\(&node->rcu_head\)/nebula_pool_free(nodes, node)/
