/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's object pool, made of a nebula_pool: what test_objpool.c is compiled with in place of
 * <linux/objpool.h>. Each object that is out holds the pool, and so does its owner, until fini.
 */
#ifndef _NEBULA_PEERS_OBJPOOL_H
#define _NEBULA_PEERS_OBJPOOL_H

#include <linux/err.h>
#include <linux/objpool.h>
#include <linux/refcount.h>
#include <nebula/nebula.h>

struct peer_objpool_head;

typedef int (*peer_objpool_fini_cb)(struct peer_objpool_head *head, void *context);

struct peer_objpool_head {
	struct nebula_pool *blocks;
	int nr_objs;			/* the test reads these two */
	void *context;
	objpool_init_obj_cb init;
	peer_objpool_fini_cb release;
	refcount_t ref;			/* objects that are out, and one until fini */
};

static void peer_objpool_ctor(void *block, void *data)
{
	struct peer_objpool_head *head = data;

	head->init(block, head->context);
}

static inline int peer_objpool_init(struct peer_objpool_head *head, int nr_objs, int object_size,
				    gfp_t gfp, void *context, objpool_init_obj_cb objinit,
				    peer_objpool_fini_cb release)
{
	*head = (struct peer_objpool_head){
		.nr_objs = nr_objs, .context = context, .init = objinit, .release = release,
	};
	refcount_set(&head->ref, 1);
	head->blocks = nebula_pool_create("objpool", .block_size = object_size, .blocks = nr_objs,
					  .flags = NEBULA_STRICT, .ctor = peer_objpool_ctor,
					  .ctor_data = head);
	return PTR_ERR_OR_ZERO(head->blocks);
}

static inline void peer_objpool_put(struct peer_objpool_head *head)
{
	if (!refcount_dec_and_test(&head->ref))
		return;
	nebula_pool_destroy_rcu(head->blocks);
	if (head->release)
		head->release(head, head->context);
}

static inline void *peer_objpool_pop(struct peer_objpool_head *head)
{
	void *obj = nebula_pool_try_alloc(head->blocks);

	if (obj)
		refcount_inc(&head->ref);
	return obj;
}

static inline int peer_objpool_push(void *obj, struct peer_objpool_head *head)
{
	nebula_pool_free(head->blocks, obj);
	peer_objpool_put(head);
	return 0;
}

/* After fini, so no other context gets the object: it goes with the pool. */
static inline int peer_objpool_drop(void *obj, struct peer_objpool_head *head)
{
	return peer_objpool_push(obj, head);
}

static inline void peer_objpool_fini(struct peer_objpool_head *head)
{
	peer_objpool_put(head);
}

#define objpool_head	peer_objpool_head
#define objpool_init	peer_objpool_init
#define objpool_pop	peer_objpool_pop
#define objpool_push	peer_objpool_push
#define objpool_drop	peer_objpool_drop
#define objpool_fini	peer_objpool_fini

#endif /* _NEBULA_PEERS_OBJPOOL_H */
