// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that keeps pointers to objects of kmalloc() in memory of nebula_memory and nowhere else,
 * and loses one object. For kmemleak: see kasan.sh.
 */
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <nebula/nebula.h>

/* Bytes of each object. kmemleak tells them apart by the functions that allocate them. */
#define OBJECT_SIZE	200

/* What holds the pointers. */
struct holder {
	void *held;		/* an object of kmalloc() */
	unsigned long more[7];	/* as a client's object has */
};

static struct nebula_pool *pools[3];
static struct nebula_bump *bumps[4];
static struct nebula_stack *stacks[2];

/* For the end: where the objects are, in a way that kmemleak does not understand. */
static unsigned long hidden[16];
static unsigned int nr_hidden;

static void hide(const void *object)
{
	if (object && nr_hidden < ARRAY_SIZE(hidden))
		hidden[nr_hidden++] = ~(unsigned long)object;
}

/* Not inline: its registers and stack are gone when it returns. */
static noinline bool holder_keep(struct holder *h)
{
	if (ZERO_OR_NULL_PTR(h))
		return false;
	*h = (struct holder){ .held = kmalloc(OBJECT_SIZE, GFP_KERNEL) };
	hide(h->held);
	return h->held;
}

static noinline bool holder_lose(void)
{
	const void *lost = kmalloc(OBJECT_SIZE, GFP_KERNEL);

	hide(lost);
	return lost;
}

static bool fill(void)
{
	static const u32 flags[] = { 0, NEBULA_DEBUG_FLAGS };
	bool done = holder_lose();
	unsigned int i;

	pools[0] = nebula_pool_create_for("holder", struct holder, 64, .backing = NEBULA_PAGES);
	pools[1] = nebula_pool_create_for("holder", struct holder, 64, .backing = NEBULA_VMALLOC);
	pools[2] = nebula_pool_create_for("holder", struct holder, 64,
					  .preset = NEBULA_DEVELOPMENT);
	for (i = 0; i < ARRAY_SIZE(pools); i++)
		done = done && !IS_ERR(pools[i]) && holder_keep(nebula_pool_alloc(pools[i]));
	for (i = 0; i < ARRAY_SIZE(bumps); i++) {
		bumps[i] = nebula_bump_create("holder", .capacity = SZ_16K,
					      .flags = flags[i % 2] | (i / 2 ? NEBULA_SHARED : 0));
		done = done && !IS_ERR(bumps[i]) &&
		       holder_keep(nebula_alloc_obj(bumps[i], struct holder));
	}
	for (i = 0; i < ARRAY_SIZE(stacks); i++) {
		stacks[i] = nebula_stack_create("holder", .capacity = SZ_16K,
						.backing = i ? NEBULA_VMALLOC : NEBULA_PAGES);
		done = done && !IS_ERR(stacks[i]) &&
		       holder_keep(nebula_alloc_obj(stacks[i], struct holder));
	}
	return done;
}

static void __exit holder_exit(void)
{
	unsigned int i;

	while (nr_hidden)
		kfree((void *)~hidden[--nr_hidden]);
	for (i = 0; i < ARRAY_SIZE(pools); i++) {
		nebula_pool_reset(pools[i]);
		nebula_pool_destroy(pools[i]);
	}
	for (i = 0; i < ARRAY_SIZE(bumps); i++)
		nebula_bump_destroy(bumps[i]);
	for (i = 0; i < ARRAY_SIZE(stacks); i++)
		nebula_stack_destroy(stacks[i]);
}
module_exit(holder_exit);

static int __init holder_init(void)
{
	if (!fill())
		return -ENOMEM;
	pr_info("%u objects are held, and one is lost\n", nr_hidden - 1);
	return 0;
}
module_init(holder_init);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A client whose pointers lie in nebula_memory's regions alone");
