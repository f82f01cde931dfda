// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors from everywhere at once: no record is torn for any reader; all are counted, and so are
 * those that went by unheard; the log gets few of them, but each corruption.
 *
 * That a failing allocation costs no more during a storm needs no clock: recording has no loop, and
 * a context that finds a slot taken gives up.
 */
#include <linux/irqflags.h>
#include <linux/kmsg_dump.h>
#include <linux/log2.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include "../../module/error/error.h"
#include "../contexts.h"
#include "../fixture.h"

#define STORM		2000
#define RING		256

/* As many turns as a kernel without KASAN does, or a part of them on one that has it. */
#define SCALE(n)	((n) / (IS_ENABLED(CONFIG_KASAN) ? 10 : 1))

/* Errors from all CPUs at once. */
struct storm {
	struct nebula_bump *bump;	/* shared, and full */
	atomic_t torn;			/* records whose parts do not belong together */
	/* the entry of a call stack that tells the two functions that fail apart */
	unsigned int depth;
	unsigned long site[2];		/* that entry, of either function */
};

/* The size tells CPU, alignment and function, so that a record of two errors shows. */
static size_t storm_size(unsigned int cpu, unsigned int shift)
{
	return SZ_1M + (cpu << 8 | shift);
}

/*
 * The two differ, or the compiler would make one of them; and the call is not the last thing they
 * do, or it would be a jump.
 */
static noinline void *fail_even(struct nebula_bump *b, size_t size, size_t align)
{
	void *p = nebula_bump_alloc(b, size, align);

	asm volatile("# even" : : : "memory");
	return p;
}

static noinline void *fail_odd(struct nebula_bump *b, size_t size, size_t align)
{
	void *p = nebula_bump_alloc(b, size, align);

	asm volatile("# odd" : : : "memory");
	return p;
}

static void *fail(struct nebula_bump *b, unsigned int shift)
{
	size_t size = storm_size(smp_processor_id(), shift);

	return shift % 2 ? fail_odd(b, size, 1UL << shift) : fail_even(b, size, 1UL << shift);
}

static bool storm_whole(const struct storm *s, const struct nebula_error *err)
{
	/* Of one that was only counted, size and alignment belong together, and nothing else. */
	if (err->brief)
		return (err->size & 0xff) == ilog2(err->align);
	return err->size == storm_size(err->cpu, ilog2(err->align)) &&
	       err->entries[s->depth] == s->site[err->size % 2];
}

/* Makes the allocator, and learns where in a call stack the two functions are. */
static void storm_init(struct kunit *test, struct storm *s)
{
	struct nebula_error err[2];
	unsigned int odd;

	s->bump = nebula_bump_create("storm", .capacity = SZ_16K, .flags = NEBULA_SHARED);
	ASSERT_BUMP(test, s->bump);
	migrate_disable();
	for (odd = 0; odd < 2; odd++) {
		KUNIT_EXPECT_NULL(test, fail(s->bump, odd));
		KUNIT_EXPECT_TRUE(test, nebula_last_error(s->bump, &err[odd]));
	}
	migrate_enable();
	while (s->depth < NEBULA_BACKTRACE_MAX - 1 &&
	       err[0].entries[s->depth] == err[1].entries[s->depth])
		s->depth++;
	for (odd = 0; odd < 2; odd++)
		s->site[odd] = err[odd].entries[s->depth];
	KUNIT_ASSERT_NE(test, s->site[0], s->site[1]);
}

static void fail_and_look(void *data)
{
	struct storm *s = data;
	struct nebula_error err;
	int i;

	for (i = 0; i < STORM; i++) {
		if (fail(s->bump, i % 12))
			atomic_inc(&s->torn);
		if (nebula_last_error(s->bump, &err) && !storm_whole(s, &err))
			atomic_inc(&s->torn);
	}
}

static void storm_of_one(struct kunit *test)
{
	struct storm s = { .torn = ATOMIC_INIT(0) };
	struct nebula_stats st;

	storm_init(test, &s);
	/* In hard interrupts on the others, in this task here. */
	on_each_cpu(fail_and_look, &s, 1);
	nebula_stats_read(s.bump, &st);
	KUNIT_EXPECT_EQ(test, atomic_read(&s.torn), 0);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_OUT_OF_MEMORY],
			(u64)STORM * num_online_cpus() + 2);
	nebula_error_flush();
	nebula_bump_destroy(s.bump);
}

/* One CPU records errors, the others do nothing but read the newest. */
struct watch {
	struct storm storm;	/* the allocator, and what was torn */
	int writer;		/* the CPU that records */
	atomic_t readers;	/* CPUs that have begun to read */
	atomic_t reads;		/* records read */
	bool over;		/* the writer has ended */
};

static void fail_or_look(void *data)
{
	struct watch *w = data;
	struct nebula_error err;

	if (smp_processor_id() == w->writer) {
		while (atomic_read(&w->readers) < num_online_cpus() - 1)
			cpu_relax();
		fail_and_look(&w->storm);
		WRITE_ONCE(w->over, true);
		return;
	}
	atomic_inc(&w->readers);
	while (!READ_ONCE(w->over)) {
		if (!nebula_last_error(w->storm.bump, &err))
			continue;
		atomic_inc(&w->reads);
		if (!storm_whole(&w->storm, &err))
			atomic_inc(&w->storm.torn);
	}
}

static void storm_is_never_read_torn(struct kunit *test)
{
	struct watch *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	if (num_online_cpus() == 1)
		kunit_skip(test, "needs a second CPU");
	storm_init(test, &w->storm);
	migrate_disable();
	w->writer = smp_processor_id();
	on_each_cpu(fail_or_look, w, 1);
	migrate_enable();
	KUNIT_EXPECT_EQ(test, atomic_read(&w->storm.torn), 0);
	KUNIT_EXPECT_GT(test, atomic_read(&w->reads), 0);
	nebula_error_flush();
	nebula_bump_destroy(w->storm.bump);
}

#define ALLOCATORS	12
#define PREFIX		"storm-"

/* Errors of many allocators, in all contexts. */
struct many {
	/* shared, and too small for what they are asked for */
	struct nebula_bump *bump[ALLOCATORS];
	atomic_t torn;			/* records whose parts do not belong together */
	atomic_t turn;			/* numbers the turns */
	u64 heard;			/* records that the notifier was passed, without repeats */
	u64 newest;			/* sequence number of the last of them */
	struct notifier_block listener;	/* the notifier */
};

/* The size tells allocator, context and CPU, so that a record of two errors shows. */
static size_t many_size(unsigned int which, enum nebula_context context, unsigned int cpu)
{
	return SZ_16M | which << 16 | context << 12 | cpu;
}

static bool many_whole(const struct nebula_error *err)
{
	const unsigned int which = err->name[strlen(PREFIX)] - 'a';

	const bool same_place = err->size == many_size(which, err->context, err->cpu);

	/* Of one that was only counted, where it happened is not known. */
	return which < ALLOCATORS && !err->name[strlen(PREFIX) + 1] &&
	       (same_place || (err->brief && err->size >> 16 == (SZ_16M >> 16 | which))) &&
	       err->align == 1UL << which && err->used == 0 && err->available == err->capacity &&
	       err->nr_entries <= NEBULA_BACKTRACE_MAX &&
	       (err->code == NEBULA_E_OUT_OF_MEMORY || err->code == NEBULA_E_WRONG_CONTEXT);
}

static void many_look(const struct nebula_error *err, void *data)
{
	struct many *m = data;

	if (!strncmp(err->name, PREFIX, strlen(PREFIX)) && !many_whole(err))
		atomic_inc(&m->torn);
}

static int many_hear(struct notifier_block *nb, unsigned long code, void *data)
{
	struct many *m = container_of(nb, struct many, listener);
	const struct nebula_error *err = data;

	many_look(err, m);
	if (err->repeated)
		return NOTIFY_OK;
	if (err->seq <= m->newest)
		atomic_inc(&m->torn);
	m->newest = err->seq;
	m->heard++;
	return NOTIFY_OK;
}

/* One error, and a look at the newest of some allocator; a task reads the ring now and then. */
static void many_turn(struct contexts *c, unsigned int who)
{
	const unsigned int cpu = raw_smp_processor_id();
	struct many *m = c->data;
	const unsigned int turn = atomic_inc_return(&m->turn), which = turn % ALLOCATORS;
	struct nebula_error err;

	if (nebula_bump_alloc(m->bump[which], many_size(which, contexts_now(), cpu), 1UL << which))
		atomic_inc(&m->torn);
	if (nebula_last_error(m->bump[turn / ALLOCATORS % ALLOCATORS], &err))
		many_look(&err, m);
	if (!who && turn % 16 == 0)
		nebula_errors_visit(many_look, m);
}

static void many_create(struct kunit *test, struct many *m)
{
	char name[] = PREFIX "a";
	unsigned int i;

	for (i = 0; i < ALLOCATORS; i++) {
		name[strlen(PREFIX)] = 'a' + i;
		m->bump[i] = nebula_bump_create(name, .capacity = SZ_16K, .flags = NEBULA_SHARED);
		ASSERT_BUMP(test, m->bump[i]);
	}
	m->listener.notifier_call = many_hear;
	KUNIT_ASSERT_EQ(test, nebula_error_notifier_register(&m->listener), 0);
}

static u64 many_failures(const struct many *m)
{
	struct nebula_stats st;
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < ALLOCATORS; i++) {
		nebula_stats_read(m->bump[i], &st);
		sum += st.failed;
	}
	return sum;
}

/* With all that was recorded passed on, or given up. */
static struct nebula_error_counts counts_now(void)
{
	struct nebula_error_counts c;

	nebula_error_flush();
	nebula_error_counts(&c);
	return c;
}

static struct nebula_error_counts counts_since(const struct nebula_error_counts *before)
{
	struct nebula_error_counts c = counts_now();

	c.recorded -= before->recorded;
	c.repeated -= before->repeated;
	c.lost -= before->lost;
	c.unheard -= before->unheard;
	return c;
}

static void storm_of_many(struct kunit *test)
{
	struct many *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	struct nebula_error_counts before = counts_now(), n;
	struct contexts *c;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	many_create(test, m);
	c = contexts_create(test, 2 * num_online_cpus(), many_turn, m);
	contexts_run(test, c, SCALE(4000));
	n = counts_since(&before);
	nebula_error_notifier_unregister(&m->listener);
	kunit_info(test, "%llu recorded, %llu repeated, %llu lost, %llu unheard\n", n.recorded,
		   n.repeated, n.lost, n.unheard);
	KUNIT_EXPECT_EQ(test, atomic_read(&m->torn), 0);
	KUNIT_EXPECT_EQ(test, n.recorded + n.repeated, (u64)atomic_read(&m->turn));
	KUNIT_EXPECT_EQ(test, n.recorded + n.repeated, many_failures(m));
	KUNIT_EXPECT_EQ(test, n.recorded, m->heard + n.unheard);
	KUNIT_EXPECT_LE(test, n.lost, n.unheard);
	for (i = 0; i < ALLOCATORS; i++)
		nebula_bump_destroy(m->bump[i]);
}

/*
 * Errors in the middle of an error, more than the ring holds: the outer one is recorded after them,
 * whole, and none is lost. The notifiers hear of those that the ring still holds.
 */
static struct nebula_bump *inner;

static void *outer_alloc(struct nebula_custom *c, size_t size, size_t align)
{
	return NULL;
}

static enum nebula_errc outer_free(struct nebula_custom *c, void *p, size_t size)
{
	return NEBULA_OK;
}

/* Called for the state that is recorded. Sizes that differ are not one error that repeats. */
static size_t outer_capacity(const struct nebula_custom *c)
{
	unsigned int i;
	void *p;

	for (i = 0; i < RING; i++)
		p = nebula_bump_alloc(inner, SZ_1M + i, 3);
	return p ? 0 : SZ_4K;
}

static NEBULA_DEFINE_ALLOCATOR(outer, .kind = "outer", .alloc = outer_alloc, .free = outer_free,
			       .capacity = outer_capacity);

static void storm_inside_a_record(struct kunit *test)
{
	struct nebula_error err;
	struct nebula_error_counts before, n;

	inner = nebula_bump_create("inner", .capacity = SZ_4K);
	ASSERT_BUMP(test, inner);
	KUNIT_ASSERT_EQ(test, nebula_custom_register(&outer, "outer"), 0);
	fixture_listen(test);
	before = counts_now();
	KUNIT_EXPECT_NULL(test, nebula_custom_alloc(&outer, 100, 8));
	n = counts_since(&before);
	KUNIT_EXPECT_EQ(test, n.recorded, (u64)RING + 1);
	KUNIT_EXPECT_EQ(test, n.lost, 0ULL);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_INVALID_ALIGNMENT, &err) + n.unheard,
			(u64)RING);
	KUNIT_EXPECT_EQ(test, err.size, (size_t)SZ_1M + RING - 1);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_OUT_OF_MEMORY, &err), 1U);
	KUNIT_EXPECT_EQ(test, err.size, (size_t)100);
	/* Whole, and kept with its allocator. */
	KUNIT_ASSERT_TRUE(test, nebula_allocator_last_error(&outer.common, &err));
	KUNIT_EXPECT_EQ(test, err.size, (size_t)100);
	KUNIT_EXPECT_EQ(test, err.capacity, (size_t)SZ_4K);
	KUNIT_EXPECT_STREQ(test, err.name, "outer");
	nebula_custom_unregister(&outer);
	nebula_bump_destroy(inner);
}

/* Lines of the kernel log that have both. */
static unsigned int logged(const char *name, const char *code)
{
	struct kmsg_dump_iter iter;
	char line[256], head[64];
	unsigned int n = 0;
	size_t len;

	nebula_error_flush();
	snprintf(head, sizeof(head), "] %s: %s (", name, code);
	kmsg_dump_rewind(&iter);
	while (kmsg_dump_get_line(&iter, false, line, sizeof(line) - 1, &len)) {
		line[len] = '\0';
		n += strstr(line, "nebula_memory: ") && strstr(line, head);
	}
	return n;
}

/* More than the log takes in any five seconds. */
static void flood(struct kunit *test, struct nebula_bump *b, unsigned int n)
{
	while (n--)
		KUNIT_EXPECT_NULL(test, nebula_bump_alloc(b, SZ_1M, 8));
}

static struct nebula_pool *zoned_pool(struct kunit *test, const char *name)
{
	struct nebula_pool *p = nebula_pool_create(name, .block_size = 64, .blocks = 2,
						   .flags = NEBULA_REDZONE);

	ASSERT_POOL(test, p);
	return p;
}

/* Writes behind a block, and frees it twice. */
static void corrupt(struct nebula_pool *p)
{
	u8 *obj = nebula_pool_alloc(p);

	OPTIMIZER_HIDE_VAR(obj);
	obj[64] ^= 1;
	nebula_pool_free(p, obj);
	nebula_pool_free(p, obj);
}

#define POOLS	8

static void storm_is_logged_sparsely(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("flood", .capacity = SZ_4K);
	const unsigned long begin = jiffies;
	struct nebula_pool *p[POOLS];
	char name[] = "zoned-a";
	unsigned int i;

	ASSERT_BUMP(test, b);
	flood(test, b, 100);
	for (i = 0; i < POOLS; i++) {
		name[6] = 'a' + i;
		p[i] = zoned_pool(test, name);
		corrupt(p[i]);
		corrupt(p[i]);
	}
	flood(test, b, 100);
	for (i = 0; i < POOLS; i++) {
		name[6] = 'a' + i;
		KUNIT_EXPECT_GE_MSG(test, logged(name, "CORRUPTION"), 1U, "%s", name);
		KUNIT_EXPECT_GE_MSG(test, logged(name, "DOUBLE_FREE"), 1U, "%s", name);
		nebula_pool_destroy(p[i]);
	}
	KUNIT_EXPECT_LE(test, logged("flood", "OUT_OF_MEMORY"),
			10 * (2 + (unsigned int)((jiffies - begin) / (5 * HZ))));
	nebula_bump_destroy(b);
}

/* No listener has a chance to hear of it before the ring is full of others. */
static void storm_hides_no_corruption(struct kunit *test)
{
	struct nebula_bump *b = nebula_bump_create("flood", .capacity = SZ_4K);
	struct nebula_pool *p = zoned_pool(test, "hidden");
	unsigned long flags;

	ASSERT_BUMP(test, b);
	fixture_listen(test);
	local_irq_save(flags);
	corrupt(p);
	flood(test, b, 2 * RING);
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_CORRUPTION, NULL), 1U);
	KUNIT_EXPECT_EQ(test, fixture_heard(NEBULA_E_DOUBLE_FREE, NULL), 1U);
	KUNIT_EXPECT_EQ(test, logged("hidden", "CORRUPTION"), 1U);
	KUNIT_EXPECT_EQ(test, logged("hidden", "DOUBLE_FREE"), 1U);
	nebula_pool_destroy(p);
	nebula_bump_destroy(b);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(storm_of_one),
	KUNIT_CASE(storm_is_never_read_torn),
	KUNIT_CASE(storm_of_many),
	KUNIT_CASE(storm_inside_a_record),
	KUNIT_CASE(storm_is_logged_sparsely),
	KUNIT_CASE(storm_hides_no_corruption),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_storm",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
