/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Typed allocation, in the manner of the kernel's kmalloc_obj() family: size and alignment come
 * from the type, the result has it.
 *
 *	c = nebula_alloc_obj(pool, struct conn);		one; *c in place of the type will do
 *	v = nebula_zalloc_objs(bump, struct item, n);		n of them, zeroed; never too few
 *	m = nebula_alloc_flex(bump, struct msg, payload, n);	with a flexible array of n
 *	pt = nebula_new(stack, struct point, .x = 1, .y = 2);	one, initialised
 *	nebula_free_obj(pool, c);				the size is that of the type
 *	nebula_free_objs(stack, v, n);
 *
 * The first argument is a pointer to any kind of allocator. For all but pools the result is exactly
 * the plain call; a pool's block size is compared with the type's, unless the pool itself is one of
 * the type: see nebula_pool_of().
 */
#ifndef _NEBULA_TYPED_H
#define _NEBULA_TYPED_H

#include <linux/build_bug.h>
#include <linux/overflow.h>
#include <nebula/generic.h>

/*
 * Tells a flexible array's counter how many there are, where the compiler knows of it; and whether
 * it can count so many.
 */
#ifdef __set_flex_counter
#define nebula_set_counter(array, count)	__set_flex_counter(array, count)
#define nebula_counts(type, member, count)						\
	(!overflows_flex_counter_type(typeof(type), member, count))
#else
#define nebula_set_counter(array, count)	((void)(array), (void)(count))
#define nebula_counts(type, member, count)						\
	((void)offsetof(typeof(type), member), (void)(count), true)
#endif

/**
 * nebula_alloc_obj() - allocate an object
 * @x: pointer to any kind of allocator.
 * @type: its type, or an expression of that type, which is not evaluated.
 *
 * Context: as nebula_alloc().
 * Return: as nebula_alloc(), a pointer to @type.
 */
#define nebula_alloc_obj(x, type)							\
	((typeof(type) *)nebula_alloc(x, sizeof(typeof(type)), __alignof__(typeof(type))))

/**
 * nebula_zalloc_obj() - allocate a zeroed object
 * @x: pointer to any kind of allocator.
 * @type: as nebula_alloc_obj().
 *
 * Context: as nebula_alloc().
 * Return: as nebula_alloc_obj().
 */
#define nebula_zalloc_obj(x, type)							\
	((typeof(type) *)nebula_zeroed(nebula_alloc_obj(x, type), sizeof(typeof(type))))

/**
 * nebula_alloc_objs() - allocate an array
 * @x: pointer to any kind of allocator.
 * @type: type of the objects, as nebula_alloc_obj().
 * @count: how many.
 *
 * Context: as nebula_alloc().
 * Return: as nebula_alloc_obj(); %ZERO_SIZE_PTR for none; %NULL with SIZE_OVERFLOW recorded for
 * more than can be.
 */
#define nebula_alloc_objs(x, type, count)						\
	((typeof(type) *)nebula_alloc(x, size_mul(sizeof(typeof(type)), count),		\
				      __alignof__(typeof(type))))

/**
 * nebula_zalloc_objs() - allocate a zeroed array
 * @x: pointer to any kind of allocator.
 * @type: type of the objects, as nebula_alloc_obj().
 * @count: how many.
 *
 * Context: as nebula_alloc().
 * Return: as nebula_alloc_objs().
 */
#define nebula_zalloc_objs(x, type, count)						\
	((typeof(type) *)nebula_zalloc(x, size_mul(sizeof(typeof(type)), count),	\
				       __alignof__(typeof(type))))

/**
 * nebula_alloc_flex() - allocate a structure that ends in a flexible array
 * @x: pointer to any kind of allocator.
 * @type: type of the structure, as nebula_alloc_obj().
 * @member: the array.
 * @count: elements of it; what __counted_by() names is set to it where the compiler can.
 *
 * Context: as nebula_alloc().
 * Return: as nebula_alloc_objs().
 */
#define nebula_alloc_flex(x, type, member, count)					\
({											\
	const size_t __nebula_count = (count);						\
	typeof(type) *__nebula_flex = NULL;						\
											\
	__nebula_flex = nebula_alloc(x, !nebula_counts(type, member, __nebula_count) ?	\
				     SIZE_MAX :						\
				     struct_size(__nebula_flex, member, __nebula_count),	\
				     __alignof__(typeof(type)));			\
	if (likely(__nebula_flex))							\
		nebula_set_counter(__nebula_flex->member, __nebula_count);		\
	__nebula_flex;									\
})

/**
 * nebula_new() - allocate an object and initialise it
 * @x: pointer to any kind of allocator.
 * @type: its type, as nebula_alloc_obj().
 * @...: initialisers, designated or not; what they leave out is zero.
 *
 * Context: as nebula_alloc().
 * Return: as nebula_alloc_obj().
 */
#define nebula_new(x, type, ...)							\
({											\
	typeof(type) *__nebula_new = nebula_alloc_obj(x, type);				\
											\
	if (likely(!ZERO_OR_NULL_PTR(__nebula_new)))					\
		*__nebula_new = (typeof(type)){ __VA_ARGS__ };				\
	__nebula_new;									\
})

/**
 * nebula_free_obj() - give an object back
 * @x: pointer to the allocator it is of.
 * @p: the object, a pointer to its type; %NULL and %ZERO_SIZE_PTR are fine.
 *
 * Context: as nebula_free_sized().
 */
#define nebula_free_obj(x, p)		nebula_free_sized(x, p, sizeof(*(p)))

/**
 * nebula_free_objs() - give an array back
 * @x: pointer to the allocator it is of.
 * @p: the array, a pointer to the type of its objects; %NULL and %ZERO_SIZE_PTR are fine.
 * @count: how many.
 *
 * Context: as nebula_free_sized().
 */
#define nebula_free_objs(x, p, count)	nebula_free_sized(x, p, size_mul(sizeof(*(p)), count))

/**
 * nebula_pool_of() - type of a handle of a pool of objects of a type
 * @type: type of the objects.
 *
 * ``nebula_pool_of(struct conn) conns;`` declares one. Its objects have the type, and nothing else
 * is freed to it: that does not compile.
 */
#define nebula_pool_of(type)								\
	union {										\
		struct nebula_pool *pool;						\
		typeof(type) *object;							\
	}

/**
 * nebula_pool_of_create() - make the pool of a typed handle
 * @handle: pointer to the handle.
 * @name: as nebula_pool_create().
 * @n: how many objects can always be live at once.
 * @...: further fields, as nebula_pool_create().
 *
 * Context: as nebula_pool_create().
 * Return: 0, or the error of nebula_pool_create(); the handle must not be used then, but can be
 * destroyed.
 */
#define nebula_pool_of_create(handle, name, n, ...)					\
	PTR_ERR_OR_ZERO((handle)->pool = nebula_pool_create(name,			\
				.block_size = sizeof(*(handle)->object),		\
				.align = __alignof__(*(handle)->object),		\
				.blocks = (n), ##__VA_ARGS__))

/* nebula_pool_of_destroy() - as nebula_pool_destroy(), of a typed handle */
#define nebula_pool_of_destroy(handle)	nebula_pool_destroy((handle)->pool)

/* nebula_pool_of_alloc() - as nebula_pool_alloc(), of a typed handle */
#define nebula_pool_of_alloc(handle)							\
	((typeof((handle)->object))nebula_pool_alloc((handle)->pool))

/* nebula_pool_of_zalloc() - as nebula_pool_zalloc(), of a typed handle */
#define nebula_pool_of_zalloc(handle)							\
	((typeof((handle)->object))nebula_zeroed(nebula_pool_alloc((handle)->pool),	\
						 sizeof(*(handle)->object)))

/* nebula_pool_of_free() - as nebula_pool_free(), of a typed handle */
#define nebula_pool_of_free(handle, p)							\
do {											\
	BUILD_BUG_ON_MSG(!__same_type((handle)->object, p),				\
			 "nebula_pool_of: an object of another type");			\
	nebula_pool_free((handle)->pool, p);						\
} while (0)

#endif /* _NEBULA_TYPED_H */
