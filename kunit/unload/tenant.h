/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two modules of the same code, of which one is loaded where the other was. TENANT() gives a
 * function a name of its own in each.
 *
 * Both take blocks of a tracked pool, one more than there are: the record of that names the
 * function, and so does the list of live blocks.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <nebula/nebula.h>

static struct nebula_pool *pool;
static void *block;

static noinline void *TENANT(take)(void)
{
	void *obj = nebula_pool_alloc(pool);

	/* Not as the last thing: that would be no call. */
	OPTIMIZER_HIDE_VAR(obj);
	return obj;
}

static int __init tenant_init(void)
{
	unsigned int i;

	pool = nebula_pool_create("tenant", .block_size = 64, .blocks = 1,
				  .flags = NEBULA_STRICT | NEBULA_TRACK);
	if (IS_ERR(pool))
		return PTR_ERR(pool);
	for (i = 0; i < 2; i++)
		block = TENANT(take)() ?: block;
	return 0;
}

static void __exit tenant_exit(void)
{
	nebula_pool_free(pool, block);
	nebula_pool_destroy(pool);
}

module_init(tenant_init);
module_exit(tenant_exit);

MODULE_DESCRIPTION("One of two modules that are loaded to the same place");
MODULE_LICENSE("GPL");
