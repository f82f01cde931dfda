# Nodes come from the pool. It grows as the flags allow, also under the lock; nodes are zeroed there, where the cache
# had a constructor and had them cleared when they were freed.
s/kmem_cache_alloc_lru\(radix_tree_node_cachep, xas->xa_lru, gfp\)/node_alloc(gfp)/
/kmem_cache_alloc_lru\(radix_tree_node_cachep,$/{
	N
	s/kmem_cache_alloc_lru\(radix_tree_node_cachep,\n[[:space:]]*xas->xa_lru, gfp\)/node_alloc(gfp)/
}
