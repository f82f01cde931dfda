/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each macro of typed.h and generic.h does with one kind of allocator; included once for each,
 * with KIND its name, see kinds.h. What is freed goes back in reverse order, and preemption is off,
 * because there are kinds that ask for that.
 */

/* One object, by type and by expression, which is not evaluated. */
static void __PASTE(KIND, _objects)(struct kunit *test, struct kinds *k)
{
	typeof(k->KIND) x = k->KIND;
	struct item *first = nebula_alloc_obj(x, struct item), *second, *items = first;
	struct nebula_error err;

	KUNIT_EXPECT_FALSE(test, nebula_last_error(x, &err));
	expect_item(test, first);
	second = nebula_alloc_obj(x, *items++);
	KUNIT_EXPECT_PTR_EQ(test, items, first);
	expect_item(test, second);
	KUNIT_EXPECT_PTR_NE(test, first, second);
	KUNIT_EXPECT_TRUE(test, nebula_owns(x, first));
	KUNIT_EXPECT_TRUE(test, nebula_owns(x, second));
	nebula_free_obj(x, second);
	nebula_free_obj(x, first);
	nebula_free_obj(x, (struct item *)NULL);
	nebula_free_obj(x, (struct item *)ZERO_SIZE_PTR);
	EXPECT_ERROR(test, x, NEBULA_OK);
}

/* What was there before is gone, or never seen. */
static void __PASTE(KIND, _zeroed)(struct kunit *test, struct kinds *k)
{
	typeof(k->KIND) x = k->KIND;
	struct item *old = nebula_alloc_obj(x, struct item), *p;
	struct point *pt, other;

	expect_item(test, old);
	nebula_free_obj(x, old);
	p = nebula_zalloc_obj(x, *p);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, sizeof(*p)));
	memset(p, 0xff, sizeof(*p));
	nebula_free_obj(x, p);
	pt = nebula_new(x, struct point, .y = 2);
	KUNIT_ASSERT_NOT_NULL(test, pt);
	KUNIT_EXPECT_TRUE(test, pt->x == 0 && pt->y == 2 && pt->name[0] == 0 && !pt->next);
	nebula_free_obj(x, pt);
	pt = nebula_new(x, *pt, 5, 6, "seven", &other);
	KUNIT_ASSERT_NOT_NULL(test, pt);
	KUNIT_EXPECT_TRUE(test, pt->x == 5 && pt->y == 6 && !strcmp(pt->name, "seven"));
	KUNIT_EXPECT_PTR_EQ(test, pt->next, &other);
	nebula_free_obj(x, pt);
	EXPECT_ERROR(test, x, NEBULA_OK);
}

static void __PASTE(KIND, _arrays)(struct kunit *test, struct kinds *k)
{
	typeof(k->KIND) x = k->KIND;
	struct item *v = nebula_alloc_objs(x, struct item, 5), *z;

	KUNIT_ASSERT_NOT_NULL(test, v);
	fixture_stamp(v, 5 * sizeof(*v), 1);
	z = nebula_zalloc_objs(x, *v, 7);
	KUNIT_ASSERT_NOT_NULL(test, z);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)z, __alignof__(*z)));
	KUNIT_EXPECT_NULL(test, memchr_inv(z, 0, 7 * sizeof(*z)));
	fixture_stamp(z, 7 * sizeof(*z), 2);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(v, 5 * sizeof(*v), 1));
	nebula_free_objs(x, z, 7);
	nebula_free_objs(x, v, 5);
	KUNIT_EXPECT_PTR_EQ(test, nebula_alloc_objs(x, struct item, 0), ZERO_SIZE_PTR);
	KUNIT_EXPECT_PTR_EQ(test, nebula_zalloc_objs(x, struct item, 0), ZERO_SIZE_PTR);
	nebula_free_objs(x, (struct item *)ZERO_SIZE_PTR, 0);
	nebula_free_objs(x, (struct item *)NULL, 5);
	EXPECT_ERROR(test, x, NEBULA_OK);
}

/* Counts that overflow, by little and by much: the bytes of the last one fit in a word again. */
static void __PASTE(KIND, _overflows)(struct kunit *test, struct kinds *k)
{
	static const size_t counts[] = {
		SIZE_MAX, SIZE_MAX / sizeof(struct item) + 1, SIZE_MAX / sizeof(struct item),
		SIZE_MAX / 2, (size_t)1 << (BITS_PER_LONG - ilog2(sizeof(struct item))),
	};
	typeof(k->KIND) x = k->KIND;
	struct nebula_stats st;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		KUNIT_EXPECT_NULL(test, nebula_alloc_objs(x, struct item, counts[i]));
		KUNIT_EXPECT_NULL(test, nebula_zalloc_objs(x, struct item, counts[i]));
		KUNIT_EXPECT_NULL(test, nebula_alloc_flex(x, struct message, items, counts[i]));
	}
	nebula_stats_read(x, &st);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_SIZE_OVERFLOW], 3ULL * ARRAY_SIZE(counts));
	KUNIT_EXPECT_EQ(test, st.failed, 3ULL * ARRAY_SIZE(counts));
	KUNIT_EXPECT_EQ(test, st.allocs, 0ULL);
}

static void __PASTE(KIND, _flexible)(struct kunit *test, struct kinds *k)
{
	typeof(k->KIND) x = k->KIND;
	struct message *none = nebula_alloc_flex(x, struct message, items, 0), *m;

	KUNIT_ASSERT_NOT_NULL(test, none);
	expect_count(test, none, 0);
	fixture_stamp(none, sizeof(*none), 1);
	m = nebula_alloc_flex(x, *m, items, 6);
	KUNIT_ASSERT_NOT_NULL(test, m);
	expect_count(test, m, 6);
	m->count = 6;
	fixture_stamp(m->items, 6 * sizeof(m->items[0]), 2);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(none, sizeof(*none), 1));
	nebula_free_objs(x, (u8 *)m, struct_size(m, items, 6));
	nebula_free_obj(x, none);
	EXPECT_ERROR(test, x, NEBULA_OK);
}

/* An alignment that the type asks for; more than blocks have is refused where there are blocks. */
static void __PASTE(KIND, _aligned)(struct kunit *test, struct kinds *k)
{
	const enum nebula_errc refused = __PASTE(KIND, _traits).too_aligned;
	typeof(k->KIND) x = k->KIND;
	struct line *line = nebula_zalloc_obj(x, struct line);
	struct wide *wide = nebula_alloc_obj(x, *wide);

	KUNIT_EXPECT_NOT_NULL(test, line);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)line, KINDS_ALIGN));
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)wide, 4 * KINDS_ALIGN));
	EXPECT_ERROR(test, x, refused);
	KUNIT_EXPECT_EQ(test, !wide, refused != NEBULA_OK);
	nebula_free_obj(x, wide);
	nebula_free_obj(x, line);
	EXPECT_ERROR(test, x, refused);
}

static void __PASTE(KIND, _plain)(struct kunit *test, struct kinds *k)
{
	typeof(k->KIND) x = k->KIND;
	u8 *p = nebula_alloc(x, 100, 16), *z = nebula_zalloc(x, 60, 1);
	struct nebula_error err;

	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_ASSERT_NOT_NULL(test, z);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)p, 16));
	KUNIT_EXPECT_NULL(test, memchr_inv(z, 0, 60));
	nebula_free(x, z);
	nebula_free_sized(x, p, 100);
	KUNIT_EXPECT_PTR_EQ(test, nebula_alloc(x, 0, 8), ZERO_SIZE_PTR);
	KUNIT_EXPECT_PTR_EQ(test, nebula_zalloc(x, 0, 8), ZERO_SIZE_PTR);
	nebula_free(x, NULL);
	nebula_free(x, ZERO_SIZE_PTR);
	EXPECT_ERROR(test, x, NEBULA_OK);

	KUNIT_EXPECT_NULL(test, nebula_zalloc(x, SZ_1G, 8));
	EXPECT_ERROR(test, x, __PASTE(KIND, _traits).too_large);
	KUNIT_EXPECT_NULL(test, nebula_alloc(x, 8, 0));
	EXPECT_ERROR(test, x, NEBULA_E_INVALID_ALIGNMENT);
	KUNIT_EXPECT_NULL(test, nebula_zalloc(x, 8, 24));
	KUNIT_ASSERT_TRUE(test, nebula_last_error(x, &err));
	KUNIT_EXPECT_EQ(test, err.size, (size_t)8);
	KUNIT_EXPECT_EQ(test, err.align, (size_t)24);
	KUNIT_EXPECT_NULL(test, nebula_alloc(x, SIZE_MAX, 8));
	EXPECT_ERROR(test, x, NEBULA_E_SIZE_OVERFLOW);
}

/* Each argument that is a value is evaluated once. */
static void __PASTE(KIND, _once)(struct kunit *test, struct kinds *k)
{
	typeof(k->KIND) xs[8], *x = xs;
	size_t n = 3, size = 40, align = 8;
	struct item *objs[4], **top = objs;
	struct message *m;
	u8 *p[2], **q = p;

	memset_p((void **)xs, k->KIND, ARRAY_SIZE(xs));
	*top++ = nebula_alloc_obj(*x++, struct item);
	*top++ = nebula_zalloc_obj(*x++, struct item);
	*top++ = nebula_alloc_objs(*x++, struct item, n++);
	*top++ = nebula_zalloc_objs(*x++, struct item, n++);
	KUNIT_EXPECT_EQ(test, n, (size_t)5);
	m = nebula_alloc_flex(*x++, struct message, items, n++);
	KUNIT_EXPECT_EQ(test, n, (size_t)6);
	*q++ = nebula_alloc(*x++, size++, align);
	*q++ = nebula_zalloc(*x++, size++, (align++, 8));
	KUNIT_EXPECT_EQ(test, size, (size_t)42);
	KUNIT_EXPECT_EQ(test, align, (size_t)9);
	KUNIT_EXPECT_TRUE(test, nebula_owns(*x--, *--q));
	nebula_free(*x--, *q--);
	nebula_free_sized(*x--, *q, (size -= 2));
	KUNIT_EXPECT_EQ(test, size, (size_t)40);
	nebula_free_sized(*x--, m, 0);
	n--;
	nebula_free_objs(*x--, *--top, --n);
	nebula_free_objs(*x--, *--top, --n);
	nebula_free_obj(*x--, *--top);
	nebula_free_obj(*x, *--top);
	KUNIT_EXPECT_EQ(test, n, (size_t)3);
	KUNIT_EXPECT_PTR_EQ(test, x, &xs[0]);
	KUNIT_EXPECT_PTR_EQ(test, top, &objs[0]);
	EXPECT_ERROR(test, *x, NEBULA_OK);
}

/* What only looks takes pointers to const; what it sees is what was done. */
static void __PASTE(KIND, _statistics)(struct kunit *test, struct kinds *k)
{
	typeof(k->KIND) x = k->KIND;
	const typeof(*k->KIND) *look = x;
	struct item *a = nebula_alloc_obj(x, struct item), *b = nebula_alloc_obj(x, struct item);
	struct nebula_error err;
	struct nebula_stats st;
	u8 mine;

	KUNIT_EXPECT_FALSE(test, nebula_last_error(look, &err));
	KUNIT_EXPECT_TRUE(test, nebula_owns(look, a));
	KUNIT_EXPECT_TRUE(test, nebula_owns(look, b));
	KUNIT_EXPECT_FALSE(test, nebula_owns(look, &mine));
	KUNIT_EXPECT_FALSE(test, nebula_owns(look, NULL));
	KUNIT_EXPECT_FALSE(test, nebula_owns(look, ZERO_SIZE_PTR));
	nebula_stats_read(look, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, 2ULL);
	KUNIT_EXPECT_EQ(test, st.live, 2ULL);
	KUNIT_EXPECT_GE(test, st.used, 2 * sizeof(struct item));
	nebula_free_obj(x, b);
	nebula_free_obj(x, a);
	nebula_stats_read(look, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, 2ULL);
	KUNIT_EXPECT_EQ(test, st.live, __PASTE(KIND, _traits).frees ? 0ULL : 2ULL);
	KUNIT_EXPECT_EQ(test, st.failed, 0ULL);
	KUNIT_EXPECT_PTR_EQ(test, nebula_allocator_of(look), nebula_allocator_of(x));
}

/* Memory of another allocator is not taken, and nothing is changed by the attempt. */
static void __PASTE(KIND, _foreign)(struct kunit *test, struct kinds *k)
{
	typeof(k->KIND) x = k->KIND;
	struct item *a = nebula_alloc_obj(x, struct item), local;

	nebula_free_obj(x, &local);
	EXPECT_ERROR(test, x, __PASTE(KIND, _traits).foreign);
	nebula_free(x, (void *)1);
	nebula_free(x, (void *)-8);
	EXPECT_ERROR(test, x, __PASTE(KIND, _traits).foreign);
	expect_item(test, a);
	nebula_free_obj(x, a);
	a = nebula_alloc_obj(x, struct item);
	expect_item(test, a);
	nebula_free_obj(x, a);
	EXPECT_ERROR(test, x, __PASTE(KIND, _traits).foreign);
}

static void __PASTE(typed_, KIND)(struct kunit *test)
{
	kinds_run(test, __PASTE(KIND, _objects));
	kinds_run(test, __PASTE(KIND, _zeroed));
	kinds_run(test, __PASTE(KIND, _arrays));
	kinds_run(test, __PASTE(KIND, _overflows));
	kinds_run(test, __PASTE(KIND, _flexible));
	kinds_run(test, __PASTE(KIND, _aligned));
	kinds_run(test, __PASTE(KIND, _plain));
	kinds_run(test, __PASTE(KIND, _once));
	kinds_run(test, __PASTE(KIND, _statistics));
	kinds_run(test, __PASTE(KIND, _foreign));
}

#undef KIND
