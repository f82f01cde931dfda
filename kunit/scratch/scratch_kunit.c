// SPDX-License-Identifier: GPL-2.0-only
/*
 * Per-CPU scratch: what get and put do, and what they refuse; configuration; debug flags; CPUs that
 * come and go. Who interrupts whom is looked at in scratch_nesting_kunit.c.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include "../../module/core/inject.h"
#include "../fixture.h"

/* What each object takes beyond its size. */
#define WORD		sizeof(unsigned long)

/* Bytes of a CPU, and what of them can be had. */
#define PER_CPU		SZ_4K
#define USABLE		(PAGE_ALIGN(PER_CPU + 2 * WORD) - WORD)

static struct nebula_scratch *scratch_create(struct kunit *test, unsigned int flags)
{
	struct nebula_scratch *s =
		nebula_scratch_create("scratch", .per_cpu_size = PER_CPU, .flags = flags);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	return s;
}

/* Bytes in use on this CPU; the caller must not leave it. */
static size_t used_here(const struct nebula_scratch *s)
{
	const struct nebula_scratch_cpu *c = raw_cpu_ptr(s->cpus);

	return c->cur - c->start;
}

static size_t peak_here(const struct nebula_scratch *s)
{
	const struct nebula_scratch_cpu *c = raw_cpu_ptr(s->cpus);

	return max(c->limit, c->peak) - c->start;
}

static void expect_empty(struct kunit *test, struct nebula_scratch *s)
{
	struct nebula_stats st;

	nebula_stats_read(s, &st);
	KUNIT_EXPECT_EQ(test, st.used, 0ULL);
	KUNIT_EXPECT_EQ(test, st.allocs, st.frees);
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0U);
}

static void destroy_empty(struct kunit *test, struct nebula_scratch *s)
{
	expect_empty(test, s);
	nebula_scratch_destroy(s);
}

/* Get and put */

/* Sizes known to the compiler take another path than others; callers see no difference. */
static void scratch_inline_and_not(struct kunit *test)
{
	struct nebula_scratch *s = scratch_create(test, 0);
	size_t size = 100;
	u8 *a, *b, *c, *d;

	OPTIMIZER_HIDE_VAR(size);
	preempt_disable();
	a = nebula_scratch_get(s, 100, 8);
	b = nebula_scratch_get(s, size, 8);
	c = nebula_scratch_get(s, 1, 1);
	d = nebula_scratch_get_slow(s, 100, 8);
	KUNIT_EXPECT_NOT_NULL(test, a);
	KUNIT_EXPECT_PTR_EQ(test, b, a + ALIGN(100, 8) + WORD);
	KUNIT_EXPECT_PTR_EQ(test, c, b + ALIGN(100, 8) + WORD);
	KUNIT_EXPECT_PTR_EQ(test, d, c + 2 * WORD);
	fixture_stamp(a, 100, 1);
	fixture_stamp(b, 100, 2);
	*c = 3;
	fixture_stamp(d, 100, 4);
	KUNIT_EXPECT_TRUE(test, nebula_scratch_owns(s, a));
	KUNIT_EXPECT_FALSE(test, nebula_scratch_owns(s, &s));
	KUNIT_EXPECT_EQ(test, used_here(s), 3 * (ALIGN(100, 8) + WORD) + 2 * WORD);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(d, 100, 4));
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, d), 0);
	KUNIT_EXPECT_EQ(test, *c, 3);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, c), 0);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(b, 100, 2));
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, b), 0);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(a, 100, 1));
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, a), 0);
	KUNIT_EXPECT_EQ(test, used_here(s), (size_t)0);
	preempt_enable();
	destroy_empty(test, s);
}

/* Padding goes back with its object, whatever lies below. */
static void scratch_aligns(struct kunit *test)
{
	struct nebula_scratch *s = scratch_create(test, 0);
	size_t align, below, before;
	void *p, *q;

	preempt_disable();
	for (align = 1; align <= SZ_2K; align *= 2) {
		for (below = 1; below < 64; below += 13) {
			p = nebula_scratch_get(s, below, 1);
			before = used_here(s);
			q = nebula_scratch_get(s, 24, align);
			KUNIT_EXPECT_NOT_NULL(test, q);
			KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)q, align));
			KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, q), 0);
			KUNIT_EXPECT_EQ(test, used_here(s), before);
			KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, p), 0);
		}
	}
	preempt_enable();
	destroy_empty(test, s);
}

static void scratch_is_exact_to_the_byte(struct kunit *test)
{
	struct nebula_scratch *s = scratch_create(test, 0);
	size_t too_much = USABLE - WORD + 1;
	unsigned int n = 0;
	void *p, *q;

	preempt_disable();
	KUNIT_EXPECT_NULL(test, nebula_scratch_get(s, too_much, 1));
	EXPECT_ERROR(test, s, NEBULA_E_OUT_OF_MEMORY);
	KUNIT_EXPECT_EQ(test, peak_here(s), (size_t)0);
	p = nebula_scratch_get(s, USABLE - WORD, 1);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_NULL(test, nebula_scratch_get(s, 1, 1));
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, p), 0);
	KUNIT_EXPECT_EQ(test, peak_here(s), USABLE);
	/* One by one, inline: the last fits, no other does. */
	for (p = NULL; (q = nebula_scratch_get(s, 8, 8)); n++)
		p = q;
	KUNIT_EXPECT_EQ(test, (size_t)n, USABLE / (8 + WORD));
	for (; n; n--, p -= 8 + WORD)
		KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, p), 0);
	preempt_enable();
	destroy_empty(test, s);
}

/* What get has to refuse, and how. */
struct bad_get {
	size_t size;		/* bytes */
	size_t align;		/* bytes */
	enum nebula_errc code;	/* of the record */
};

static void scratch_refuses_sizes(struct kunit *test)
{
	static const struct bad_get bad[] = {
		{ 8, 0, NEBULA_E_INVALID_ALIGNMENT },
		{ 8, 3, NEBULA_E_INVALID_ALIGNMENT },
		{ 8, SIZE_MAX, NEBULA_E_INVALID_ALIGNMENT },
		{ SIZE_MAX, 8, NEBULA_E_SIZE_OVERFLOW },
		{ SIZE_MAX / 2 + 1, 1, NEBULA_E_SIZE_OVERFLOW },
		{ SIZE_MAX / 2, 1, NEBULA_E_OUT_OF_MEMORY },
		{ USABLE, 1, NEBULA_E_OUT_OF_MEMORY },
		{ 1, BIT(62), NEBULA_E_OUT_OF_MEMORY },
	};
	struct nebula_scratch *s = scratch_create(test, 0);
	unsigned int i;

	preempt_disable();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		KUNIT_EXPECT_NULL(test, nebula_scratch_get(s, bad[i].size, bad[i].align));
		EXPECT_ERROR(test, s, bad[i].code);
	}
	KUNIT_EXPECT_PTR_EQ(test, nebula_scratch_get(s, 0, 8), ZERO_SIZE_PTR);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, ZERO_SIZE_PTR), 0);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, NULL), 0);
	preempt_enable();
	destroy_empty(test, s);
}

static void expect_put_refused(struct kunit *test, struct nebula_scratch *s, void *p,
			       enum nebula_errc code)
{
	const size_t used = used_here(s);

	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, p), -EINVAL);
	EXPECT_ERROR(test, s, code);
	KUNIT_EXPECT_EQ(test, used_here(s), used);
}

/*
 *	|##a##|a|.padding.|##b##|from|b|##c##|c|
 */
static void expect_puts_refused(struct kunit *test, unsigned int flags)
{
	struct nebula_scratch *s = scratch_create(test, flags);
	u8 *a, *b, *c;

	preempt_disable();
	a = nebula_scratch_get(s, 20, 8);
	b = nebula_scratch_get(s, 40, 256);
	c = nebula_scratch_get(s, 64, 8);
	memset(a, 0xff, 20);
	memset(b, 0xff, 40);
	memset(c, 0xff, 64);
	expect_put_refused(test, s, a, NEBULA_E_LIFO_VIOLATION);
	expect_put_refused(test, s, b, NEBULA_E_LIFO_VIOLATION);
	expect_put_refused(test, s, a + 8, NEBULA_E_MISALIGNED_POINTER);
	expect_put_refused(test, s, b + 1, NEBULA_E_MISALIGNED_POINTER);
	expect_put_refused(test, s, b - 8, NEBULA_E_MISALIGNED_POINTER);
	expect_put_refused(test, s, c + 8, NEBULA_E_MISALIGNED_POINTER);
	expect_put_refused(test, s, c + 3, NEBULA_E_MISALIGNED_POINTER);
	expect_put_refused(test, s, &s, NEBULA_E_FOREIGN_POINTER);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, c), 0);
	expect_put_refused(test, s, c, NEBULA_E_DOUBLE_FREE);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, b), 0);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, a), 0);
	expect_put_refused(test, s, a, NEBULA_E_DOUBLE_FREE);
	preempt_enable();
	destroy_empty(test, s);
}

static void scratch_refuses_puts(struct kunit *test)
{
	expect_puts_refused(test, 0);
}

static void scratch_refuses_puts_guarded(struct kunit *test)
{
	expect_puts_refused(test, NEBULA_DEBUG_FLAGS);
}

/* What another CPU is asked to put. */
struct errand {
	struct nebula_scratch *scratch;	/* where */
	void *p;			/* what */
	int ret;			/* what came of it */
};

static void put_there(void *data)
{
	struct errand *e = data;

	e->ret = nebula_scratch_put(e->scratch, e->p);
}

static void *get_here(struct nebula_scratch *s)
{
	return nebula_scratch_get(s, 64, 8);
}

static void get_and_put(void *data)
{
	struct errand *e = data;

	e->p = get_here(e->scratch);
	if (e->p)
		fixture_stamp(e->p, 64, 1);
	e->ret = nebula_scratch_put(e->scratch, e->p);
}

static void scratch_is_not_put_on_another_cpu(struct kunit *test)
{
	int other = fixture_other_cpu(test);
	struct nebula_scratch *s = scratch_create(test, 0);
	struct errand e = { .scratch = s };

	if (get_cpu() == other)
		other = fixture_cpu();
	e.p = get_here(s);
	smp_call_function_single(other, put_there, &e, true);
	KUNIT_EXPECT_EQ(test, e.ret, -EINVAL);
	EXPECT_ERROR(test, s, NEBULA_E_FOREIGN_POINTER);
	KUNIT_EXPECT_TRUE(test, nebula_scratch_owns(s, e.p));
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, e.p), 0);
	put_cpu();
	destroy_empty(test, s);
}

static void scratch_wants_to_stay(struct kunit *test)
{
	struct nebula_scratch *s = scratch_create(test, 0);
	unsigned long flags;
	void *p;

	if (!IS_ENABLED(CONFIG_PREEMPT_COUNT)) {
		nebula_scratch_destroy(s);
		kunit_skip(test, "this kernel does not count preemption");
	}
	KUNIT_EXPECT_NULL(test, nebula_scratch_get(s, 64, 8));
	EXPECT_ERROR(test, s, NEBULA_E_WRONG_CONTEXT);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, s), -EPERM);
	EXPECT_ERROR(test, s, NEBULA_E_WRONG_CONTEXT);
	/* Interrupts off will do. */
	local_irq_save(flags);
	p = nebula_scratch_get(s, 64, 8);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, p), 0);
	local_irq_restore(flags);
	destroy_empty(test, s);
}

static void scratch_zeroes(struct kunit *test)
{
	struct nebula_scratch *s = scratch_create(test, NEBULA_ZERO);
	unsigned int i;
	void *p;

	preempt_disable();
	for (i = 0; i < 3; i++) {
		p = nebula_scratch_get(s, 500, 8);
		KUNIT_EXPECT_NOT_NULL(test, p);
		KUNIT_EXPECT_NULL(test, memchr_inv(p, 0, 500));
		memset(p, 0xff, 500);
		KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, p), 0);
	}
	preempt_enable();
	destroy_empty(test, s);
}

static void scratch_class_cannot_forget(struct kunit *test)
{
	struct nebula_scratch *s = scratch_create(test, 0);
	unsigned int i;

	for (i = 0; i < 10; i++) {
		CLASS(nebula_scratch, outer)(s, 256, 8);
		CLASS(nebula_scratch, inner)(s, 100 + i, 64);

		KUNIT_EXPECT_NOT_NULL(test, outer.p);
		KUNIT_EXPECT_NOT_NULL(test, inner.p);
		if (IS_ENABLED(CONFIG_PREEMPT_COUNT))
			KUNIT_EXPECT_FALSE(test, preemptible());
		memset(inner.p, 0xff, 100 + i);
		if (i % 2)
			continue;
		memset(outer.p, 0xff, 256);
	}
	KUNIT_EXPECT_EQ(test, fixture_last_code(&s->common), NEBULA_OK);
	destroy_empty(test, s);
}

/* Overruns */

/* The word behind the object goes; the object is given back, and what is below is as it was. */
static void expect_overrun_found(struct kunit *test, size_t align, size_t bytes)
{
	struct nebula_scratch *s = scratch_create(test, 0);
	u8 *below, *p;

	preempt_disable();
	below = nebula_scratch_get(s, 40, 8);
	fixture_stamp(below, 40, 1);
	p = nebula_scratch_get(s, 40, align);
	OPTIMIZER_HIDE_VAR(p);
	memset(p, 0x41, 40 + bytes);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, p), -EFAULT);
	EXPECT_ERROR(test, s, NEBULA_E_CORRUPTION);
	KUNIT_EXPECT_TRUE(test, fixture_stamped(below, 40, 1));
	p = nebula_scratch_get(s, 40, align);
	KUNIT_EXPECT_NOT_NULL(test, p);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, p), 0);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0U);
	nebula_scratch_destroy(s);
}

static void scratch_finds_an_overrun(struct kunit *test)
{
	expect_overrun_found(test, 8, 1);
	expect_overrun_found(test, 8, WORD);
	expect_overrun_found(test, 1, 100);
}

static void scratch_validate_names_an_overrun(struct kunit *test)
{
	struct nebula_scratch *s = scratch_create(test, 0);
	struct nebula_text t = { };
	char where[40];
	unsigned long *p;

	/* On a kernel that does not count preemption no other task uses this CPU's part either. */
	migrate_disable();
	preempt_disable();
	p = nebula_scratch_get(s, 64, 8);
	preempt_enable();
	OPTIMIZER_HIDE_VAR(p);
	p[8] = 0x4141414141414141;
	KUNIT_EXPECT_EQ(test, s->common.ops->validate(&s->common, &t), 1);
	KUNIT_EXPECT_NOT_NULL(test, strstr(t.buf ?: "", "overwritten"));
	/* The word that cannot be read is the one below the cursor. */
	snprintf(where, sizeof(where), "object at %p: ", (void *)raw_cpu_ptr(s->cpus)->cur);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(t.buf ?: "", where), "%s in %s", where, t.buf);
	kvfree(t.buf);
	preempt_disable();
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, p), -EFAULT);
	preempt_enable();
	migrate_enable();
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0U);
	nebula_scratch_destroy(s);
}

/* With the zones of a guard the bytes that are rounded up are watched too, and those before. */
static void expect_guard_broken(struct kunit *test, long offset, const char *what)
{
	struct nebula_scratch *s = scratch_create(test, NEBULA_DEBUG_FLAGS);
	struct nebula_error err;
	u8 *p;

	preempt_disable();
	p = nebula_scratch_get(s, 41, 8);
	OPTIMIZER_HIDE_VAR(p);
	p[offset] ^= 1;
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, p), 0);
	preempt_enable();
	KUNIT_EXPECT_TRUE(test, nebula_last_error(s, &err));
	KUNIT_EXPECT_STREQ(test, nebula_errc_name(err.code), "CORRUPTION");
	KUNIT_EXPECT_STREQ(test, err.what, what);
	destroy_empty(test, s);
}

static void scratch_guards(struct kunit *test)
{
	expect_guard_broken(test, 41, "zone behind the object");
	expect_guard_broken(test, -1, "zone before the object");
}

static void scratch_finds_a_write_after_put(struct kunit *test)
{
	struct nebula_scratch *s = scratch_create(test, NEBULA_POISON);
	u8 *p;

	/* On one CPU, in a context that may validate. */
	migrate_disable();
	preempt_disable();
	p = nebula_scratch_get(s, 64, 8);
	OPTIMIZER_HIDE_VAR(p);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, p), 0);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
	p[5] = 1;
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 1);
	preempt_disable();
	p = nebula_scratch_get(s, 64, 8);
	KUNIT_EXPECT_NOT_NULL(test, p);
	EXPECT_ERROR(test, s, NEBULA_E_USE_AFTER_FREE);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(s, p), 0);
	preempt_enable();
	migrate_enable();
	destroy_empty(test, s);
}

/* Coming and going */

static DEFINE_PER_CPU(unsigned long [SZ_1K / WORD], lent);

static void scratch_on_a_buffer(struct kunit *test)
{
	const size_t usable = SZ_1K - sizeof(struct nebula_scratch_cpu) - WORD;
	struct nebula_scratch s;
	void *p, *q;

	nebula_scratch_init(&s, (void __percpu *)&lent, SZ_1K);
	preempt_disable();
	p = nebula_scratch_get(&s, 64, 8);
	KUNIT_EXPECT_NOT_NULL(test, p);
	q = nebula_scratch_get(&s, usable - (64 + WORD) - WORD, 1);
	KUNIT_EXPECT_NOT_NULL(test, q);
	KUNIT_EXPECT_NULL(test, nebula_scratch_get(&s, 1, 1));
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(&s, p), -EINVAL);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(&s, q), 0);
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(&s, p), 0);
	nebula_scratch_exit(&s);
	KUNIT_EXPECT_NULL(test, nebula_scratch_get(&s, 1, 1));
	KUNIT_EXPECT_NULL(test, nebula_scratch_get(&s, 64, 8));
	KUNIT_EXPECT_EQ(test, nebula_scratch_put(&s, p), -EINVAL);
	preempt_enable();
}

static void scratch_on_a_buffer_of_no_use(struct kunit *test)
{
	struct nebula_scratch s;
	struct nebula_error err;

	fixture_listen(test);
	nebula_scratch_init(&s, NULL, SZ_1K);
	nebula_scratch_init(&s, (void __percpu *)&lent, 16);
	nebula_scratch_init(&s, (void __percpu *)&lent, SIZE_MAX);
	nebula_scratch_init(&s, (void __percpu *)&lent + 1, SZ_1K - 8);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_CONFIG, &err), 4U);
	KUNIT_EXPECT_STREQ(test, err.what, "buffer");
	preempt_disable();
	KUNIT_EXPECT_NULL(test, nebula_scratch_get(&s, 1, 1));
	preempt_enable();
	/* Not made by create, and the other way round. */
	nebula_scratch_destroy(&s);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_STATE, NULL), 1U);
	nebula_scratch_destroy(NULL);
	nebula_scratch_destroy(ERR_PTR(-ENOMEM));
}

/* What nebula_scratch_create_cfg() has to refuse, and how. */
struct bad_scratch {
	const char *name;	/* of the scratch memory */
	const char *what;	/* field that the record names */
	enum nebula_errc code;	/* code of the record */
	int err;		/* errno returned */
	/* the configuration; no field is a constant where it is used, so it compiles */
	struct nebula_scratch_config cfg;
};

#define INVALID(field, ...)								\
	{ "x", field, NEBULA_E_INVALID_CONFIG, -EINVAL, { __VA_ARGS__ } }

static const struct bad_scratch bad_scratches[] = {
	INVALID(".per_cpu_size", .flags = 0),
	{ "x", ".per_cpu_size", NEBULA_E_SIZE_OVERFLOW, -EOVERFLOW,
	  { .per_cpu_size = NEBULA_SCRATCH_SIZE_MAX + 1 } },
	{ "x", ".per_cpu_size", NEBULA_E_SIZE_OVERFLOW, -EOVERFLOW, { .per_cpu_size = SIZE_MAX } },
	INVALID(".flags", .per_cpu_size = PER_CPU, .flags = NEBULA_SHARED),
	INVALID(".flags", .per_cpu_size = PER_CPU, .flags = NEBULA_GROW),
	INVALID(".flags", .per_cpu_size = PER_CPU, .flags = BIT(30)),
	INVALID(".preset", .per_cpu_size = PER_CPU, .preset = 9),
	INVALID(".backing", .per_cpu_size = PER_CPU, .backing = 17),
	INVALID(".backing", .per_cpu_size = PER_CPU, .backing = NEBULA_BUFFER),
	INVALID(".gfp", .per_cpu_size = PER_CPU, .gfp = GFP_HIGHUSER),
	{ "a/b", "name", NEBULA_E_INVALID_CONFIG, -EINVAL, { .per_cpu_size = PER_CPU } },
	{ NULL, "name", NEBULA_E_INVALID_CONFIG, -EINVAL, { .per_cpu_size = PER_CPU } },
};

static struct nebula_scratch *create(const char *name, const struct nebula_scratch_config *cfg)
{
	return nebula_scratch_create_cfg(name, cfg, sizeof(*cfg), NEBULA_ABI, THIS_MODULE);
}

static void scratch_config_refusals(struct kunit *test)
{
	struct nebula_error err;
	unsigned int i;
	u64 seq = 0;

	fixture_listen(test);
	for (i = 0; i < ARRAY_SIZE(bad_scratches); i++) {
		const struct bad_scratch *bad = &bad_scratches[i];

		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(create(bad->name, &bad->cfg)), bad->err,
				    "configuration %u", i);
		fixture_heard(bad->code, &err);
		KUNIT_EXPECT_TRUE_MSG(test, err.seq > seq || err.repeated, "configuration %u", i);
		KUNIT_EXPECT_STREQ_MSG(test, err.what, bad->what, "configuration %u", i);
		KUNIT_EXPECT_EQ(test, err.kind, NEBULA_KIND_SCRATCH);
		seq = err.seq;
	}
}

static const struct nebula_scratch_config good_scratches[] = {
	{ .per_cpu_size = 1 },
	{ .per_cpu_size = PER_CPU },
	{ .per_cpu_size = PER_CPU, .backing = NEBULA_PAGES },
	{ .per_cpu_size = PER_CPU, .backing = NEBULA_VMALLOC, .gfp = GFP_NOIO },
	{ .per_cpu_size = SZ_64K, .preset = NEBULA_DEVELOPMENT },
	{ .per_cpu_size = PER_CPU, .flags = NEBULA_ZERO, .gfp = GFP_KERNEL_ACCOUNT },
};

/* Fails step after step until none is left to fail. */
static void expect_unwound(struct kunit *test, const struct nebula_scratch_config *cfg)
{
	unsigned int step = 0, seen;
	struct nebula_scratch *s;
	struct errand e;

	do {
		nebula_fault_arm(++step, 1);
		s = create("step", cfg);
		seen = nebula_fault_disarm();
		if (IS_ERR(s)) {
			KUNIT_EXPECT_EQ(test, PTR_ERR(s), (long)-ENOMEM);
		} else {
			e = (struct errand){ .scratch = s };
			preempt_disable();
			get_and_put(&e);
			preempt_enable();
			KUNIT_EXPECT_NOT_NULL(test, e.p);
			KUNIT_EXPECT_EQ(test, e.ret, 0);
			destroy_empty(test, s);
		}
		KUNIT_ASSERT_EQ(test, fixture_regions(test), 0);
		KUNIT_ASSERT_EQ(test, fixture_region_bytes(test), 0);
	} while (seen >= step);
	KUNIT_EXPECT_GE(test, step, 4 + num_possible_cpus());
}

static void scratch_unwinds_each_step(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good_scratches); i++)
		expect_unwound(test, &good_scratches[i]);
}

static void scratch_in_atomic_context(struct kunit *test)
{
	struct nebula_scratch *kept = scratch_create(test, 0), *s;
	unsigned long flags;

	local_irq_save(flags);
	s = nebula_scratch_create("atomic", .per_cpu_size = PER_CPU);
	nebula_scratch_destroy(kept);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(s), -EPERM);
	EXPECT_ERROR(test, kept, NEBULA_E_WRONG_CONTEXT);
	nebula_scratch_exit(kept);
	EXPECT_ERROR(test, kept, NEBULA_E_INVALID_STATE);
	destroy_empty(test, kept);
}

static void scratch_config_that_is_null(struct kunit *test)
{
	struct nebula_error err;

	fixture_listen(test);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(create("x", NULL)), -EINVAL);
	KUNIT_EXPECT_GT(test, fixture_heard(NEBULA_E_INVALID_CONFIG, &err), 0U);
	KUNIT_EXPECT_STREQ(test, err.what, "no configuration");
	KUNIT_EXPECT_EQ(test, err.kind, NEBULA_KIND_SCRATCH);
}

static void scratch_of_another_abi(struct kunit *test)
{
	static const struct nebula_scratch_config cfg = { .per_cpu_size = PER_CPU };

	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(nebula_scratch_create_cfg("old", &cfg, sizeof(cfg),
									NEBULA_ABI + 1,
									THIS_MODULE)), -ENOEXEC);
	KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(nebula_scratch_create_cfg("small", &cfg,
									sizeof(cfg) - 8, NEBULA_ABI,
									THIS_MODULE)), -ENOEXEC);
}

static void scratch_destroyed_while_held(struct kunit *test)
{
	struct nebula_scratch *s = scratch_create(test, 0);
	struct nebula_error err;

	fixture_listen(test);
	preempt_disable();
	KUNIT_EXPECT_NOT_NULL(test, get_here(s));
	preempt_enable();
	nebula_scratch_destroy(s);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_LEAK, &err), 1U);
	KUNIT_EXPECT_EQ(test, err.size, 64 + WORD);
	KUNIT_EXPECT_STREQ(test, err.name, "scratch");
}

static void expect_served_everywhere(struct kunit *test, struct nebula_scratch *s)
{
	struct errand e = { .scratch = s };
	int cpu;

	for_each_online_cpu(cpu) {
		smp_call_function_single(cpu, get_and_put, &e, true);
		KUNIT_EXPECT_NOT_NULL(test, e.p);
		KUNIT_EXPECT_EQ(test, e.ret, 0);
	}
}

static void scratch_is_counted(struct kunit *test)
{
	struct nebula_scratch *s = scratch_create(test, 0);
	struct nebula_stats st;

	expect_served_everywhere(test, s);
	nebula_stats_read(s, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, (u64)num_online_cpus());
	KUNIT_EXPECT_EQ(test, st.frees, (u64)num_online_cpus());
	KUNIT_EXPECT_EQ(test, st.bytes_in, 64ULL * num_online_cpus());
	KUNIT_EXPECT_EQ(test, st.capacity, (u64)USABLE * num_possible_cpus());
	KUNIT_EXPECT_EQ(test, st.peak, (64 + WORD) * num_online_cpus());
	destroy_empty(test, s);
}

#ifdef CONFIG_HOTPLUG_CPU

static void scratch_of_cpus_that_come_and_go(struct kunit *test)
{
	int cpu = fixture_other_cpu(test);
	struct nebula_scratch *s = scratch_create(test, 0), *later;

	expect_served_everywhere(test, s);
	KUNIT_ASSERT_EQ(test, remove_cpu(cpu), 0);
	expect_served_everywhere(test, s);
	later = scratch_create(test, 0);
	KUNIT_ASSERT_EQ(test, add_cpu(cpu), 0);
	expect_served_everywhere(test, s);
	expect_served_everywhere(test, later);
	destroy_empty(test, later);
	destroy_empty(test, s);
}

#else

static void scratch_of_cpus_that_come_and_go(struct kunit *test)
{
	kunit_skip(test, "the CPUs of this kernel cannot be taken away");
}

#endif

static struct kunit_case cases[] = {
	KUNIT_CASE(scratch_inline_and_not),
	KUNIT_CASE(scratch_aligns),
	KUNIT_CASE(scratch_is_exact_to_the_byte),
	KUNIT_CASE(scratch_refuses_sizes),
	KUNIT_CASE(scratch_refuses_puts),
	KUNIT_CASE(scratch_refuses_puts_guarded),
	KUNIT_CASE(scratch_is_not_put_on_another_cpu),
	KUNIT_CASE(scratch_wants_to_stay),
	KUNIT_CASE(scratch_zeroes),
	KUNIT_CASE(scratch_class_cannot_forget),
	KUNIT_CASE(scratch_finds_an_overrun),
	KUNIT_CASE(scratch_validate_names_an_overrun),
	KUNIT_CASE(scratch_guards),
	KUNIT_CASE(scratch_finds_a_write_after_put),
	KUNIT_CASE(scratch_on_a_buffer),
	KUNIT_CASE(scratch_on_a_buffer_of_no_use),
	KUNIT_CASE(scratch_config_refusals),
	KUNIT_CASE(scratch_unwinds_each_step),
	KUNIT_CASE(scratch_in_atomic_context),
	KUNIT_CASE(scratch_config_that_is_null),
	KUNIT_CASE(scratch_of_another_abi),
	KUNIT_CASE(scratch_destroyed_while_held),
	KUNIT_CASE(scratch_is_counted),
	KUNIT_CASE(scratch_of_cpus_that_come_and_go),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_scratch",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
