// SPDX-License-Identifier: GPL-2.0-only
/*
 * This module shows how to use each macro of <nebula/typed.h> and <nebula/scope.h> once. Wherever
 * one takes an allocator, it takes a pointer to any kind of it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/printk.h>

#include <nebula/nebula.h>

struct point {
	int x;
	int y;
};

struct packet {
	size_t len;
	u8 data[];
};

/* Size and alignment come from the type, or from an expression of that type. */
static int show_objects(struct nebula_pool *pool)
{
	struct point *a = nebula_alloc_obj(pool, struct point);
	struct point *b = nebula_zalloc_obj(pool, *b);
	struct point *c = nebula_new(pool, *c, .x = 3, .y = 4);
	int err = a && b && c ? 0 : -ENOMEM;

	if (!err) {
		pr_info("nebula_alloc_obj        %u blocks in use\n", nebula_pool_used(pool));
		pr_info("nebula_zalloc_obj       %d, %d\n", b->x, b->y);
		pr_info("nebula_new              %d, %d\n", c->x, c->y);
	}
	nebula_free_obj(pool, c);
	nebula_free_obj(pool, b);
	nebula_free_obj(pool, a);
	pr_info("nebula_free_obj         %u blocks in use\n", nebula_pool_used(pool));
	return err;
}

/* A count that overflows is refused; none at all is ZERO_SIZE_PTR. */
static int show_arrays(struct nebula_stack *stack)
{
	struct point *a = nebula_alloc_objs(stack, *a, 10);
	struct point *b = nebula_zalloc_objs(stack, *b, 20);

	if (!a || !b)
		return -ENOMEM;
	pr_info("nebula_alloc_objs       %zu bytes in use\n", nebula_stack_used(stack));
	pr_info("nebula_zalloc_objs      %d, %d\n", b[19].x, b[19].y);
	nebula_free_objs(stack, b, 20);
	nebula_free_objs(stack, a, 10);
	pr_info("nebula_free_objs        %zu bytes in use\n", nebula_stack_used(stack));
	return 0;
}

static int show_flex(struct nebula_bump *bump)
{
	struct packet *p = nebula_alloc_flex(bump, *p, data, 100);

	if (!p)
		return -ENOMEM;
	p->len = 100;
	pr_info("nebula_alloc_flex       %zu bytes\n", struct_size(p, data, p->len));
	return 0;
}

/* A handle takes and gives objects of its type only. */
static int show_typed_pool(void)
{
	nebula_pool_of(struct point) points;
	struct point *a, *b;
	int err = nebula_pool_of_create(&points, "points", 16);

	if (err)
		return err;
	a = nebula_pool_of_alloc(&points);
	b = nebula_pool_of_zalloc(&points);
	if (a && b)
		pr_info("nebula_pool_of          %u points, one at %d, %d\n",
			nebula_pool_used(points.pool), b->x, b->y);
	else
		err = -ENOMEM;
	nebula_pool_of_free(&points, a);
	nebula_pool_of_free(&points, b);
	nebula_pool_of_destroy(&points);
	return err;
}

/* What is allocated behind guard() goes at the end of the function, at whichever return. */
static int show_guards(struct nebula_bump *bump, struct nebula_stack *stack)
{
	guard(nebula_bump)(bump);
	guard(nebula_stack)(stack);

	if (!nebula_alloc_obj(bump, struct point) || !nebula_alloc_obj(stack, struct point))
		return -ENOMEM;
	pr_info("guard                   %zu and %zu bytes\n", nebula_bump_used(bump),
		nebula_stack_used(stack));
	return 0;
}

/* Here it is at the end of the block; return leaves it, and break and continue do. */
static int show_scopes(struct nebula_bump *bump, struct nebula_stack *stack)
{
	scoped_guard(nebula_bump, bump)
		scoped_guard(nebula_stack, stack)
			if (!nebula_alloc_obj(bump, int) || !nebula_alloc_obj(stack, int))
				return -ENOMEM;
	pr_info("scoped_guard            %zu and %zu bytes afterwards\n", nebula_bump_used(bump),
		nebula_stack_used(stack));
	return 0;
}

/* This CPU's memory; nothing in its scope may sleep. */
static int show_scratch(struct nebula_scratch *scratch)
{
	CLASS(nebula_scratch, tmp)(scratch, 256, 8);

	if (!tmp.p)
		return -ENOMEM;
	pr_info("CLASS(nebula_scratch)   %*ph\n", 4, memset(tmp.p, 0x5a, 256));
	return 0;
}

/* An allocator for a block, which is left out without memory. */
static int show_own_allocators(void)
{
	int done = 0;

	nebula_with_bump(tmp, SZ_4K)
		done += !!nebula_alloc_obj(tmp, struct point);
	nebula_with_stack(tmp, SZ_4K)
		done += !!nebula_alloc_obj(tmp, struct point);
	nebula_with_pool(tmp, struct point, 16)
		done += nebula_pool_available(tmp) >= 16;
	pr_info("nebula_with_...         %d of 3 blocks were run\n", done);
	return done == 3 ? 0 : -ENOMEM;
}

/* The object is freed at each return, but for the last one, which hands it on. */
static struct point *make_point(struct nebula_pool *pool, int x, int y)
{
	NEBULA_AUTO_OBJ(pool, struct point, p);

	if (!p)
		return ERR_PTR(-ENOMEM);
	if (x < 0 || y < 0)
		return ERR_PTR(-EINVAL);
	*p = (struct point){ x, y };
	return nebula_no_free_ptr(p);
}

static int show_auto(struct nebula_pool *pool)
{
	struct point *bad = make_point(pool, -1, 0), *good = make_point(pool, 5, 6);

	if (IS_ERR(good))
		return PTR_ERR(good);
	pr_info("NEBULA_AUTO_OBJ         error %ld, %u block in use\n", PTR_ERR(bad),
		nebula_pool_used(pool));
	pr_info("nebula_no_free_ptr      %d, %d\n", good->x, good->y);
	nebula_free_obj(pool, good);
	return 0;
}

/* Each is destroyed at the end, whatever came before. */
static int __init macro_showcase_init(void)
{
	struct nebula_bump *bump __free(nebula_bump) =
		nebula_bump_create("show", .capacity = SZ_4K);
	struct nebula_pool *pool __free(nebula_pool) =
		nebula_pool_create_for("show", struct point, 16);
	struct nebula_stack *stack __free(nebula_stack) =
		nebula_stack_create("show", .capacity = SZ_4K);
	struct nebula_scratch *scratch __free(nebula_scratch) =
		nebula_scratch_create("show", .per_cpu_size = SZ_1K);
	int err = PTR_ERR_OR_ZERO(bump) ?: PTR_ERR_OR_ZERO(pool) ?: PTR_ERR_OR_ZERO(stack) ?:
		  PTR_ERR_OR_ZERO(scratch);

	if (err)
		return err;
	return show_objects(pool) ?: show_arrays(stack) ?: show_flex(bump) ?: show_typed_pool() ?:
	       show_guards(bump, stack) ?: show_scopes(bump, stack) ?: show_scratch(scratch) ?:
	       show_own_allocators() ?: show_auto(pool);
}

static void __exit macro_showcase_exit(void)
{
}

module_init(macro_showcase_init);
module_exit(macro_showcase_exit);

MODULE_DESCRIPTION("nebula_memory sample: each macro for types and scopes");
MODULE_LICENSE("GPL");
