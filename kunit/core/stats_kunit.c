// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics: exact whenever nothing is under way, and true while all contexts count.
 */
#include <linux/cpu.h>
#include <linux/log2.h>
#include <linux/preempt.h>
#include "../files.h"
#include "../compose/ring.h"
#include "../subjects.h"

/* Numbers by their place, for what goes through all of them. */
static const size_t numbers[] = {
	offsetof(struct nebula_stats, allocs), offsetof(struct nebula_stats, frees),
	offsetof(struct nebula_stats, live), offsetof(struct nebula_stats, failed),
	offsetof(struct nebula_stats, bytes_in), offsetof(struct nebula_stats, bytes_out),
	offsetof(struct nebula_stats, used), offsetof(struct nebula_stats, peak),
	offsetof(struct nebula_stats, padding),
};

static u64 number(const struct nebula_stats *st, unsigned int i)
{
	return *(const u64 *)((const char *)st + numbers[i]);
}

static void expect_unchanged(struct kunit *test, struct nebula_allocator *a,
			     const struct nebula_stats *before)
{
	struct nebula_stats now;
	unsigned int i;

	nebula_allocator_stats_read(a, &now);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		KUNIT_EXPECT_EQ_MSG(test, number(&now, i), number(before, i), "%s, number %u",
				    a->reg->name, i);
}

/* Exact after quiescence */

static const size_t sizes[] = { 16, 1, 24, 100, 64, 7, 256, 33 };

#define TOO_LARGE	((size_t)SZ_1G)

/* What a subject's statistics have to say. */
struct tally {
	struct kunit *test;		/* the test */
	const struct subject *subject;	/* of which kind it is */
	struct nebula_allocator *a;
	struct nebula_stats st;		/* as read last */
	u64 allocs;			/* allocations served */
	u64 frees;			/* objects given back */
	u64 bytes;			/* asked for and served */
	u64 failed;			/* requests refused */
	u64 highest;			/* most that was seen in use */
};

static void expect_equal(const struct tally *t, const char *what, u64 seen, u64 expected)
{
	KUNIT_EXPECT_EQ_MSG(t->test, seen, expected, "%s of %s", what, t->subject->name);
}

#define EXPECT(t, seen, expected)	expect_equal(t, #seen, seen, expected)

static void expect_identities(struct tally *t)
{
	const struct nebula_stats *st = &t->st;
	unsigned int code;
	u64 failed = 0;

	EXPECT(t, st->live, st->allocs - st->frees);
	EXPECT(t, st->available, st->capacity - st->used);
	for (code = 0; code < NEBULA_E_NR; code++)
		failed += st->failures[code];
	EXPECT(t, st->failed, failed);
	/* What a composite uses is used by its parts. */
	if (!t->subject->parts)
		EXPECT(t, st->used, st->bytes_in + st->padding - st->bytes_out);
}

static void expect_tally(struct tally *t)
{
	const struct nebula_stats *st = &t->st;

	nebula_allocator_stats_read(t->a, &t->st);
	expect_identities(t);
	t->highest = max(t->highest, st->used);
	EXPECT(t, st->allocs, t->allocs);
	EXPECT(t, st->frees, t->frees);
	EXPECT(t, st->bytes_in, t->bytes);
	EXPECT(t, st->failed, t->failed);
	EXPECT(t, st->failures[t->subject->too_large], t->failed);
	if (t->subject->exact_peak)
		EXPECT(t, st->peak, t->highest);
	else
		KUNIT_EXPECT_GE_MSG(t->test, st->peak, st->used, "%s", t->subject->name);
}

static void *tally_alloc(struct tally *t, size_t size)
{
	void *p = nebula_alloc(t->a, size, 8);

	KUNIT_EXPECT_NOT_NULL_MSG(t->test, p, "%s", t->subject->name);
	t->allocs++;
	t->bytes += t->subject->block ?: size;
	expect_tally(t);
	return p;
}

static void tally_give_back(struct tally *t, void **objs)
{
	unsigned int i = ARRAY_SIZE(sizes);

	if (t->subject->reset) {
		t->subject->reset(t->a);
		t->frees = t->allocs;
		expect_tally(t);
		return;
	}
	while (i--) {
		nebula_free_sized(t->a, objs[i], sizes[i]);
		t->frees++;
		expect_tally(t);
	}
}

static void tally_round(struct tally *t)
{
	void *objs[ARRAY_SIZE(sizes)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		objs[i] = tally_alloc(t, sizes[i]);
	KUNIT_EXPECT_NULL_MSG(t->test, nebula_alloc(t->a, TOO_LARGE, 8), "%s", t->subject->name);
	t->failed++;
	expect_tally(t);
	tally_give_back(t, objs);
	EXPECT(t, t->st.live, 0);
	EXPECT(t, t->st.used, 0);
}

static void stats_are_exact(struct kunit *test)
{
	unsigned int i, round;

	for (i = 0; i < nr_subjects; i++) {
		struct tally t = { .test = test, .subject = &subjects[i] };

		t.a = subject_create(test, t.subject);
		preempt_disable();
		for (round = 0; round < 3; round++)
			tally_round(&t);
		preempt_enable();
		t.subject->destroy(t.a);
	}
}

/* All of the kernel uses its memory: what is known is what was added. */
static void stats_of_the_system_allocator(struct kunit *test)
{
	struct nebula_allocator *a = nebula_system_allocator();
	struct nebula_stats before, st;
	void *p;

	nebula_stats_read(a, &before);
	p = nebula_alloc(a, 1000, 8);
	KUNIT_ASSERT_NOT_NULL(test, p);
	nebula_stats_read(a, &st);
	KUNIT_EXPECT_EQ(test, st.allocs - before.allocs, 1ULL);
	KUNIT_EXPECT_EQ(test, st.live - before.live, 1ULL);
	KUNIT_EXPECT_EQ(test, st.bytes_in - before.bytes_in, 1000ULL);
	KUNIT_EXPECT_GE(test, st.used - before.used, 1000ULL);
	KUNIT_EXPECT_GE(test, st.peak, st.used);
	nebula_free(a, p);
	nebula_stats_read(a, &st);
	KUNIT_EXPECT_EQ(test, st.frees - before.frees, 1ULL);
	KUNIT_EXPECT_EQ(test, st.live, before.live);
	KUNIT_EXPECT_EQ(test, st.used, before.used);
	KUNIT_EXPECT_EQ(test, st.bytes_out - before.bytes_out, 1000ULL);
}

/* Nothing that a read sees is kept */

#define OFF	4096UL

/* As a read sees them that comes between two stores of an operation: @word is ahead by @OFF. */
static void expect_forgotten(struct kunit *test, struct nebula_allocator *a, unsigned long *word)
{
	struct nebula_stats before, between;
	unsigned int i, other = 0;

	nebula_allocator_stats_read(a, &before);
	WRITE_ONCE(*word, *word + OFF);
	nebula_allocator_stats_read(a, &between);
	WRITE_ONCE(*word, *word - OFF);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		other += number(&between, i) != number(&before, i);
	KUNIT_EXPECT_NE(test, other, 0U);
	expect_unchanged(test, a, &before);
}

static void stats_keep_nothing_of_a_bump(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("forgets", .capacity = SZ_16K);

	ASSERT_BUMP(test, b);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 5000, 64));
	expect_forgotten(test, nebula_allocator_of(b), &b->released);
	expect_forgotten(test, nebula_allocator_of(b), &b->padding);
	expect_forgotten(test, nebula_allocator_of(b), &b->allocs);
	expect_forgotten(test, nebula_allocator_of(b), &b->frees);
	expect_forgotten(test, nebula_allocator_of(b), &b->cur);
	nebula_bump_destroy(b);
}

static void stats_keep_nothing_of_a_stack(struct kunit *test)
{
	struct nebula_stack *s = nebula_stack_create("forgets", .capacity = SZ_16K);

	ASSERT_STACK(test, s);
	KUNIT_ASSERT_NOT_NULL(test, nebula_stack_alloc(s, 5000, 64));
	expect_forgotten(test, nebula_allocator_of(s), &s->consumed);
	expect_forgotten(test, nebula_allocator_of(s), &s->padding);
	expect_forgotten(test, nebula_allocator_of(s), &s->allocs);
	nebula_stack_destroy(s);
}

static void stats_keep_nothing_of_a_pool(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("forgets", .block_size = 64, .blocks = SZ_16K);
	struct nebula_pool_cpu *pc = per_cpu_ptr(p->cpus, fixture_cpu());
	void *obj;

	ASSERT_POOL(test, p);
	obj = nebula_pool_alloc(p);
	KUNIT_ASSERT_NOT_NULL(test, obj);
	expect_forgotten(test, nebula_allocator_of(p), &pc->allocs);
	nebula_pool_free(p, obj);
	nebula_pool_destroy(p);
}

/* What follows from that */

#define EXPECT_DERIVED(test, st, field, value)	\
	KUNIT_EXPECT_EQ(test, (u64)(st).field, (u64)(value))

static void stats_derived_of_nothing(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("derived", .capacity = SZ_4K);
	struct nebula_stats st;
	const char *text;

	ASSERT_BUMP(test, b);
	nebula_stats_read(b, &st);
	EXPECT_DERIVED(test, st, live, 0);
	EXPECT_DERIVED(test, st, utilisation, 0);
	text = files_text(test, "derived", "stats");
	EXPECT_TEXT(test, text, "\naverage size: 0\npadding waste: 0.0%\nturnover: 0.00 times\n");
	EXPECT_TEXT(test, text, "\nfailure rate: 0.0%\n");
	nebula_bump_destroy(b);
}

/*
 *	0      24            64              128           4096
 *	 |##24##|..padding 40..|#####64######|...............|
 */
static void stats_derived(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("derived", .capacity = SZ_4K);
	struct nebula_stats st;
	const char *text;

	ASSERT_BUMP(test, b);
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 24, 8));
	KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, 64, 64));
	KUNIT_ASSERT_NULL(test, nebula_bump_alloc(b, SZ_4K, 8));
	nebula_stats_read(b, &st);
	EXPECT_DERIVED(test, st, live, 2);
	EXPECT_DERIVED(test, st, used, 128);
	EXPECT_DERIVED(test, st, padding, 40);
	EXPECT_DERIVED(test, st, utilisation, 31);	/* 128 of 4096 */
	text = files_text(test, "derived", "stats");
	EXPECT_TEXT(test, text, "\nlive: 2\n");
	EXPECT_TEXT(test, text, "\nutilisation: 3.1% [#.......................................]\n");
	EXPECT_TEXT(test, text, "\naverage size: 44\n");
	EXPECT_TEXT(test, text, "\npadding waste: 31.2%\n");
	EXPECT_TEXT(test, text, "\nturnover: 0.02 times\n");
	EXPECT_TEXT(test, text, "\nfailure rate: 33.3%\n");
	EXPECT_TEXT(test, text, "\nfailures: 1\nOUT_OF_MEMORY 1\n");
	nebula_bump_destroy(b);
}

/* The whole of it 250 times, and full at the end. */
static void stats_derived_of_much(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("derived", .capacity = SZ_4K);
	struct nebula_stats st;
	const char *text;
	unsigned int i;

	ASSERT_BUMP(test, b);
	for (i = 0; i < 250; i++) {
		nebula_bump_reset(b);
		KUNIT_ASSERT_NOT_NULL(test, nebula_bump_alloc(b, SZ_4K, 8));
	}
	nebula_stats_read(b, &st);
	EXPECT_DERIVED(test, st, resets, 250);
	EXPECT_DERIVED(test, st, utilisation, 1000);
	text = files_text(test, "derived", "stats");
	EXPECT_TEXT(test, text, "\naverage size: 4096 (4.00 KiB)\npadding waste: 0.0%\n");
	EXPECT_TEXT(test, text, "\nturnover: 250.00 times\n");
	EXPECT_TEXT(test, text,
		    "\nutilisation: 100.0% [########################################]\n");
	nebula_bump_destroy(b);
}

/* Peaks */

/* Of what came and went without a read in between there is a peak as well. */
static void stats_peaks_without_a_read(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < nr_subjects; i++) {
		struct nebula_allocator *a = subject_create(test, &subjects[i]);
		struct nebula_stats st;

		preempt_disable();
		subjects[i].turn(a, 1);
		preempt_enable();
		nebula_allocator_stats_read(a, &st);
		KUNIT_EXPECT_GE_MSG(test, st.peak, 24ULL, "%s", subjects[i].name);
		KUNIT_EXPECT_LE_MSG(test, st.peak, st.max_capacity, "%s", subjects[i].name);
		subjects[i].destroy(a);
	}
}

/* All blocks live, and one refused: the peak is all of them, and stays that. */
static void stats_peak_of_a_full_pool(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("full", .block_size = 64, .blocks = 64,
						   .flags = NEBULA_STRICT);
	struct nebula_stats st;
	void *objs[64];

	ASSERT_POOL(test, p);
	KUNIT_ASSERT_TRUE(test, nebula_pool_alloc_bulk(p, 63, objs));
	objs[63] = nebula_pool_alloc(p);
	KUNIT_ASSERT_NOT_NULL(test, objs[63]);
	KUNIT_EXPECT_NULL(test, nebula_pool_alloc(p));
	nebula_stats_read(p, &st);
	KUNIT_EXPECT_EQ(test, st.used, 64ULL * 64);
	KUNIT_EXPECT_EQ(test, st.peak, 64ULL * 64);
	nebula_pool_free_bulk(p, 64, objs);
	nebula_stats_read(p, &st);
	KUNIT_EXPECT_EQ(test, st.used, 0ULL);
	KUNIT_EXPECT_EQ(test, st.peak, 64ULL * 64);
	nebula_pool_destroy(p);
}

static u64 peak_of_singles(struct kunit *test, struct nebula_pool *p, unsigned int n, void **objs)
{
	struct nebula_stats st;
	unsigned int i;

	for (i = 0; i < n; i++) {
		objs[i] = nebula_pool_alloc(p);
		KUNIT_EXPECT_NOT_NULL(test, objs[i]);
	}
	while (i--)
		nebula_pool_free(p, objs[i]);
	nebula_stats_read(p, &st);
	return st.peak / 64;
}

/* A strict pool notes no more than the peak again, until that begins anew or the pool grows. */
static void stats_peak_of_a_strict_pool(struct kunit *test)
{
	struct nebula_pool *p = nebula_pool_create("full", .block_size = 64, .blocks = 64,
						   .flags = NEBULA_STRICT);
	static void *objs[100];

	ASSERT_POOL(test, p);
	KUNIT_EXPECT_EQ(test, peak_of_singles(test, p, 40, objs), 40ULL);
	KUNIT_EXPECT_EQ(test, peak_of_singles(test, p, 30, objs), 40ULL);
	KUNIT_EXPECT_EQ(test, peak_of_singles(test, p, 41, objs), 41ULL);
	KUNIT_EXPECT_EQ(test, nebula_peak_reset(p), 0);
	KUNIT_EXPECT_EQ(test, peak_of_singles(test, p, 10, objs), 10ULL);
	KUNIT_EXPECT_EQ(test, nebula_pool_grow(p, 36, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, peak_of_singles(test, p, 30, objs), 30ULL);
	KUNIT_EXPECT_EQ(test, peak_of_singles(test, p, 100, objs), 100ULL);
	KUNIT_EXPECT_EQ(test, nebula_peak_reset(p), 0);
	KUNIT_EXPECT_EQ(test, peak_of_singles(test, p, 20, objs), 20ULL);
	nebula_pool_destroy(p);
}

/* Peaks that begin anew */

static u64 peak_of(const struct nebula_allocator *a)
{
	struct nebula_stats st;

	nebula_allocator_stats_read(a, &st);
	return st.peak;
}

static u64 used_of(const struct nebula_allocator *a)
{
	struct nebula_stats st;

	nebula_allocator_stats_read(a, &st);
	return st.used;
}

/* Up to four objects on top of what stays; what all took together at most. */
static u64 use_more(struct nebula_allocator *a, unsigned int n)
{
	void *objs[4];
	unsigned int i;
	u64 used;

	preempt_disable();
	for (i = 0; i < n; i++)
		objs[i] = nebula_alloc(a, 64, 8);
	used = used_of(a);
	while (i--)
		nebula_free_sized(a, objs[i], 64);
	preempt_enable();
	return used;
}

/* An object that stays during the test. */
static void *keep_one(struct nebula_allocator *a)
{
	void *p;

	preempt_disable();
	p = nebula_alloc(a, 64, 8);
	preempt_enable();
	return p;
}

static void let_go(struct nebula_allocator *a, void *p)
{
	preempt_disable();
	nebula_free_sized(a, p, 64);
	preempt_enable();
}

/* Where blocks wait in caches, or parts have their own, there is a peak, but it is not exact. */
static void expect_peak(struct kunit *test, const struct subject *s, struct nebula_allocator *a,
			u64 peak)
{
	if (s->exact_peak)
		KUNIT_EXPECT_EQ_MSG(test, peak_of(a), peak, "%s", s->name);
	else
		KUNIT_EXPECT_GE_MSG(test, peak_of(a), used_of(a), "%s", s->name);
}

/* Scratch memory stays on its CPU, as we do; a reset of the peak sleeps. */
static void expect_peak_reset(struct kunit *test, const struct subject *s,
			      struct nebula_allocator *a)
{
	void *kept;

	migrate_disable();
	kept = keep_one(a);
	KUNIT_EXPECT_NOT_NULL_MSG(test, kept, "%s", s->name);
	expect_peak(test, s, a, use_more(a, 4));
	KUNIT_EXPECT_EQ_MSG(test, nebula_allocator_peak_reset(a), 0, "%s", s->name);
	KUNIT_EXPECT_EQ_MSG(test, peak_of(a), used_of(a), "%s", s->name);
	expect_peak(test, s, a, use_more(a, 1));
	KUNIT_EXPECT_EQ_MSG(test, nebula_allocator_peak_reset(a), 0, "%s", s->name);
	expect_peak(test, s, a, use_more(a, 2));
	let_go(a, kept);
	migrate_enable();
}

static void stats_peaks_begin_anew(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < nr_subjects; i++) {
		struct nebula_allocator *a = subject_create(test, &subjects[i]);

		expect_peak_reset(test, &subjects[i], a);
		subjects[i].destroy(a);
	}
}

/* What is in use when a new peak begins is part of it, also once it has gone. */
static void stats_peaks_begin_with_what_is_used(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < nr_subjects; i++) {
		struct nebula_allocator *a = subject_create(test, &subjects[i]);
		u64 used;
		void *p;

		migrate_disable();
		p = keep_one(a);
		used = used_of(a);
		KUNIT_EXPECT_EQ_MSG(test, nebula_allocator_peak_reset(a), 0, "%s",
				    subjects[i].name);
		let_go(a, p);
		KUNIT_EXPECT_EQ_MSG(test, peak_of(a), used, "%s", subjects[i].name);
		migrate_enable();
		subjects[i].destroy(a);
	}
}

static void stats_peaks_that_cannot(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("peak", .capacity = SZ_4K);
	int ret;

	ASSERT_BUMP(test, b);
	preempt_disable();
	ret = nebula_peak_reset(b);
	preempt_enable();
	if (IS_ENABLED(CONFIG_PREEMPT_COUNT)) {
		KUNIT_EXPECT_EQ(test, ret, -EPERM);
		EXPECT_ERROR(test, b, NEBULA_E_WRONG_CONTEXT);
	}
	nebula_bump_destroy(b);
	KUNIT_EXPECT_EQ(test, nebula_peak_reset(nebula_system_allocator()), -EOPNOTSUPP);
}

/* Sizes */

/* As the header says. */
static unsigned int class_of(size_t size)
{
	unsigned int class = 0;

	while (class < NEBULA_SIZE_CLASSES - 1 && size >> (class + 1))
		class++;
	return class;
}

/* Borders of classes; what does not fit is never served, and counted nowhere. */
static void ask_for_borders(struct kunit *test, const struct subject *s,
			    struct nebula_allocator *a, u64 expected[NEBULA_SIZE_CLASSES])
{
	unsigned int i, k;

	for (i = 0; i <= 14; i++) {
		const size_t around[] = { BIT(i) - 1, BIT(i), BIT(i) + 1, 0, TOO_LARGE };

		for (k = 0; k < ARRAY_SIZE(around); k++) {
			void *p = nebula_alloc(a, around[k], 1);

			if (!ZERO_OR_NULL_PTR(p))
				expected[class_of(around[k])]++;
			nebula_free(a, p);
		}
	}
	KUNIT_EXPECT_GT_MSG(test, expected[13], 0ULL, "%s", s->name);
}

static void expect_sizes(struct kunit *test, const struct subject *s)
{
	struct nebula_allocator *a = s->create(NEBULA_TRACK);
	u64 expected[NEBULA_SIZE_CLASSES] = { };
	struct nebula_sizes seen;
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, a);
	preempt_disable();
	ask_for_borders(test, s, a, expected);
	preempt_enable();
	KUNIT_EXPECT_TRUE_MSG(test, nebula_sizes_read(a, &seen), "%s", s->name);
	for (i = 0; i < NEBULA_SIZE_CLASSES; i++)
		KUNIT_EXPECT_EQ_MSG(test, seen.count[i], expected[i], "%s: class %u", s->name, i);
	s->destroy(a);
}

static void stats_sizes(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < nr_subjects; i++)
		if (subjects[i].tracks)
			expect_sizes(test, &subjects[i]);
}

static void stats_sizes_are_drawn(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("drawn", .capacity = SZ_16K,
						   .flags = NEBULA_TRACK);
	struct nebula_sizes seen;
	const char *text;
	unsigned int i;

	ASSERT_BUMP(test, b);
	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 16 + i, 8));
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 1, 1));
	KUNIT_EXPECT_NOT_NULL(test, nebula_bump_alloc(b, 1024, 8));
	text = files_text(test, "drawn", "stats");
	EXPECT_TEXT(test, text, "\nsizes:\n"
		    "1 to 1 4 [####################....................]\n"
		    "16 to 31 8 [########################################]\n"
		    "1024 to 2047 1 [#####...................................]\n");
	nebula_bump_destroy(b);

	b = nebula_bump_create("drawn", .capacity = SZ_16K);
	ASSERT_BUMP(test, b);
	KUNIT_EXPECT_FALSE(test, nebula_sizes_read(b, &seen));
	KUNIT_EXPECT_NULL(test, strstr(files_text(test, "drawn", "stats"), "sizes"));
	nebula_bump_destroy(b);
}

/* CPUs come and go */

#ifdef CONFIG_HOTPLUG_CPU

/* A subject, and what is done to it on a CPU. */
struct hotplug {
	const struct subject *subject;	/* of which kind */
	struct nebula_allocator *a;
};

static long use_here(void *data)
{
	struct hotplug *h = data;
	unsigned int i;

	preempt_disable();
	for (i = 0; i < 200; i++)
		h->subject->turn(h->a, i);
	preempt_enable();
	return 0;
}

/*
 * Of a shared bump allocator another CPU takes over what the dead one had left of its sub-chunk,
 * and the smaller of the two rests is lost: that is padding.
 */
static void allow_for_loss(const struct hotplug *h, struct nebula_stats *before)
{
	struct nebula_stats now;
	u64 lost;

	if (!h->subject->reset)
		return;
	nebula_allocator_stats_read(h->a, &now);
	lost = min_t(u64, now.padding - before->padding, SZ_64K);
	before->padding += lost;
	before->used += lost;
	before->peak = max(before->peak, before->used);
}

static void expect_counted(struct kunit *test, struct hotplug *h, int there)
{
	struct nebula_stats before, after;

	work_on_cpu(fixture_cpu(), use_here, h);
	work_on_cpu(there, use_here, h);
	nebula_allocator_stats_read(h->a, &before);
	KUNIT_EXPECT_EQ(test, remove_cpu(there), 0);
	allow_for_loss(h, &before);
	expect_unchanged(test, h->a, &before);
	work_on_cpu(fixture_cpu(), use_here, h);
	nebula_allocator_stats_read(h->a, &after);
	KUNIT_EXPECT_GT_MSG(test, after.allocs, before.allocs, "%s", h->subject->name);
	KUNIT_EXPECT_EQ(test, add_cpu(there), 0);
	expect_unchanged(test, h->a, &after);
	work_on_cpu(there, use_here, h);
	nebula_allocator_stats_read(h->a, &before);
	KUNIT_EXPECT_GT_MSG(test, before.allocs, after.allocs, "%s", h->subject->name);
}

static void stats_across_hotplug(struct kunit *test)
{
	int there = fixture_other_cpu(test);
	unsigned int i;

	for (i = 0; i < nr_subjects; i++) {
		struct hotplug h = { .subject = &subjects[i] };

		if (!subjects[i].shared)
			continue;
		h.a = subject_create(test, h.subject);
		expect_counted(test, &h, there);
		h.subject->destroy(h.a);
	}
}

#else

static void stats_across_hotplug(struct kunit *test)
{
	kunit_skip(test, "the CPUs of this kernel cannot be taken away");
}

#endif

static struct kunit_case cases[] = {
	KUNIT_CASE(stats_are_exact),
	KUNIT_CASE(stats_of_the_system_allocator),
	KUNIT_CASE(stats_keep_nothing_of_a_bump),
	KUNIT_CASE(stats_keep_nothing_of_a_stack),
	KUNIT_CASE(stats_keep_nothing_of_a_pool),
	KUNIT_CASE(stats_derived_of_nothing),
	KUNIT_CASE(stats_derived),
	KUNIT_CASE(stats_derived_of_much),
	KUNIT_CASE(stats_peaks_without_a_read),
	KUNIT_CASE(stats_peak_of_a_full_pool),
	KUNIT_CASE(stats_peak_of_a_strict_pool),
	KUNIT_CASE(stats_peaks_begin_anew),
	KUNIT_CASE(stats_peaks_begin_with_what_is_used),
	KUNIT_CASE(stats_peaks_that_cannot),
	KUNIT_CASE(stats_sizes),
	KUNIT_CASE(stats_sizes_are_drawn),
	KUNIT_CASE(stats_across_hotplug),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_stats",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
