// SPDX-License-Identifier: GPL-2.0-only
/*
 * Per-CPU scratch: tasks, softirqs, hard interrupts and NMIs that nest on a CPU, wherever they hit,
 * and an interruption at each instruction of get and put, inline and out of line. Each context
 * finds its objects as it left them.
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kallsyms.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "../contexts.h"
#include "../fixture.h"
#include "../probes.h"

#define THREADS		4
#define TURNS		(IS_ENABLED(CONFIG_KASAN) ? 1000 : 5000)
#define DEPTH_MAX	5

/* Long enough for interrupts to come now and then. Microseconds. */
#define DWELL		20

static struct nebula_scratch *scratch_create(struct kunit *test, unsigned int flags)
{
	struct nebula_scratch *s =
		nebula_scratch_create("nested", .per_cpu_size = SZ_16K, .flags = flags);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	return s;
}

/* An object that a context has. */
struct piece {
	void *p;	/* where */
	size_t size;	/* bytes */
	u32 id;		/* its content */
};

/* Everywhere */

/* All users of the scratch memory of their CPU. */
struct crew {
	struct nebula_scratch *scratch;	/* the memory */
	struct rnd_state *random;	/* of each, by its number */
	atomic_t served;		/* Objects, by context. Any context. */
	/*
	 * Of them, those that were not the lowest of their CPU when their owner had none. Any
	 * context.
	 */
	atomic_t above;
	atomic_t refused;		/* Gets. Any context. */
	atomic_t overwritten;		/* Objects with another's content. Any context. */
	atomic_t stuck;			/* Objects that could not be put. Any context. */
};

static unsigned long top_here(const struct nebula_scratch *s)
{
	return raw_cpu_read(s->cpus->cur);
}

static bool piece_get(struct nebula_scratch *s, struct piece *o, u32 random)
{
	if (random % 4) {
		o->size = 1 + random / 4 % 600;
		o->p = nebula_scratch_get(s, o->size, 1UL << random / 4096 % 8);
	} else {
		o->size = 64;
		o->p = nebula_scratch_get(s, 64, 8);
	}
	o->id = random;
	if (o->p)
		fixture_stamp(o->p, o->size, o->id);
	return o->p;
}

/* Some objects, and after a while each of them is as it was. Preemption is off. */
static void crew_work(struct crew *c, struct rnd_state *random, bool dwell)
{
	const unsigned int depth = 1 + prandom_u32_state(random) % DEPTH_MAX;
	struct piece pieces[DEPTH_MAX];
	unsigned int n;

	if (top_here(c->scratch) != raw_cpu_read(c->scratch->cpus->start))
		atomic_inc(&c->above);
	for (n = 0; n < depth; n++) {
		if (!piece_get(c->scratch, &pieces[n], prandom_u32_state(random))) {
			atomic_inc(&c->refused);
			break;
		}
	}
	atomic_add(n, &c->served);
	if (dwell)
		udelay(DWELL);
	while (n--) {
		if (!fixture_stamped(pieces[n].p, pieces[n].size, pieces[n].id))
			atomic_inc(&c->overwritten);
		if (nebula_scratch_put(c->scratch, pieces[n].p))
			atomic_inc(&c->stuck);
	}
}

static void crew_turn(struct contexts *contexts, unsigned int who)
{
	struct crew *c = contexts->data;

	preempt_disable();
	crew_work(c, &c->random[who], who < contexts->threads);
	preempt_enable();
}

static void expect_nothing_disturbed(struct kunit *test, unsigned int flags)
{
	struct crew *c = kunit_kzalloc(test, sizeof(*c), GFP_KERNEL);
	struct contexts *contexts = contexts_create(test, THREADS, crew_turn, c);
	const unsigned int n = contexts_count(contexts);
	struct nebula_stats st;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, c);
	c->scratch = scratch_create(test, flags);
	c->random = kunit_kcalloc(test, n, sizeof(*c->random), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, c->random);
	for (i = 0; i < n; i++)
		prandom_seed_state(&c->random[i], FIXTURE_SEED + i);
	contexts_run(test, contexts, TURNS);
	kunit_info(test, "%d objects; %d who found others below\n", atomic_read(&c->served),
		   atomic_read(&c->above));
	KUNIT_EXPECT_GT(test, atomic_read(&c->above), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->refused), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->overwritten), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&c->stuck), 0);
	nebula_stats_read(c->scratch, &st);
	KUNIT_EXPECT_EQ(test, st.allocs, (u64)atomic_read(&c->served));
	KUNIT_EXPECT_EQ(test, st.frees, st.allocs);
	KUNIT_EXPECT_EQ(test, st.used, 0ULL);
	KUNIT_EXPECT_EQ(test, nebula_validate(c->scratch), 0U);
	KUNIT_EXPECT_EQ(test, fixture_last_code(&c->scratch->common), NEBULA_OK);
	nebula_scratch_destroy(c->scratch);
}

static void nested_wherever_it_hits(struct kunit *test)
{
	expect_nothing_disturbed(test, 0);
}

static void nested_wherever_it_hits_zeroed(struct kunit *test)
{
	expect_nothing_disturbed(test, NEBULA_ZERO);
}

static void nested_wherever_it_hits_guarded(struct kunit *test)
{
	expect_nothing_disturbed(test, NEBULA_REDZONE | NEBULA_TRACK);
}

/* An interrupt that does what it must not */

/* A hard interrupt that puts what is not its own, and twice what is. */
struct vandal {
	struct nebula_scratch *scratch;	/* the memory */
	void *victim;		/* the task's object */
	int foreign;		/* what putting that came to, with an object of its own above */
	int own;		/* what putting its own came to */
	int twice;		/* what putting it once more came to */
	unsigned int times;	/* how often it did */
};

static void vandal_turn(struct contexts *contexts, unsigned int who)
{
	struct vandal *v = contexts->data;
	struct nebula_scratch *s = v->scratch;
	void *p, *victim = READ_ONCE(v->victim);

	if (who < contexts->threads || !victim || contexts_now() != NEBULA_IN_HARDIRQ ||
	    per_cpu_ptr(s->cpus, raw_smp_processor_id())->start > (unsigned long)victim ||
	    per_cpu_ptr(s->cpus, raw_smp_processor_id())->end <= (unsigned long)victim)
		return;
	p = nebula_scratch_get(s, 64, 8);
	v->foreign = nebula_scratch_put(s, victim);
	v->own = nebula_scratch_put(s, p);
	v->twice = nebula_scratch_put(s, p);
	WRITE_ONCE(v->times, v->times + 1);
}

static void hold_until_interrupted(struct contexts *contexts, struct vandal *v)
{
	const unsigned int times = READ_ONCE(v->times);
	unsigned int patience = 100000;
	struct piece o;

	preempt_disable();
	piece_get(v->scratch, &o, times);
	WRITE_ONCE(v->victim, o.p);
	while (READ_ONCE(v->times) == times && patience--)
		udelay(1);
	WRITE_ONCE(v->victim, NULL);
	/* Everything is as it was. */
	if (!o.p || !fixture_stamped(o.p, o.size, o.id) || nebula_scratch_put(v->scratch, o.p))
		v->own = -EIO;
	preempt_enable();
}

static void vandal_or_victim(struct contexts *contexts, unsigned int who)
{
	if (who < contexts->threads)
		hold_until_interrupted(contexts, contexts->data);
	else
		vandal_turn(contexts, who);
}

static void misbehaving_interrupt_is_refused(struct kunit *test)
{
	struct vandal *v = kunit_kzalloc(test, sizeof(*v), GFP_KERNEL);
	struct contexts *contexts = contexts_create(test, 1, vandal_or_victim, v);
	struct nebula_stats st;

	KUNIT_ASSERT_NOT_NULL(test, v);
	v->scratch = scratch_create(test, 0);
	contexts_run(test, contexts, 20);
	KUNIT_EXPECT_GE(test, v->times, 20U);
	KUNIT_EXPECT_EQ(test, v->foreign, -EINVAL);
	KUNIT_EXPECT_EQ(test, v->own, 0);
	KUNIT_EXPECT_EQ(test, v->twice, -EINVAL);
	nebula_stats_read(v->scratch, &st);
	KUNIT_EXPECT_EQ(test, st.failures[NEBULA_E_LIFO_VIOLATION], (u64)v->times);
	KUNIT_EXPECT_EQ(test, st.failed, 2ULL * v->times);
	KUNIT_EXPECT_EQ(test, st.used, 0ULL);
	nebula_scratch_destroy(v->scratch);
}

/* At each instruction */

#ifdef HAVE_PROBES

#define FUNCTION_SIZE	8192
#define HELD		3

/* A task that gets and puts, and what interrupts it. */
static struct scene {
	struct nebula_scratch *scratch;	/* the memory */
	struct task_struct *task;	/* the task */
	bool working;		/* it is between its first get and its last put */
	/* the peak is a new one each time, and so is noted; inline get leads out of line then */
	bool fresh;
	unsigned int nested;	/* interruptions */
	unsigned int faults;	/* objects overwritten, refused, or not put */
	unsigned long high;	/* highest address in use so far, as its users see it */
	struct rnd_state random;	/* what the handler does next */
	unsigned long start;	/* of the function where breakpoints are */
	/* its instructions that were interrupted, by offset */
	DECLARE_BITMAP(seen, FUNCTION_SIZE);
} scene;

/* The inline functions alone, so that each of their instructions can be interrupted. */
static noinline void *scratch_get_path(struct nebula_scratch *s)
{
	return nebula_scratch_get(s, 64, 8);
}

static noinline int scratch_put_path(struct nebula_scratch *s, void *p)
{
	return nebula_scratch_put(s, p);
}

static void note_top(void)
{
	scene.high = max(scene.high, top_here(scene.scratch));
}

static bool take_piece(struct piece *o, u32 random)
{
	if (!piece_get(scene.scratch, o, random)) {
		scene.faults++;
		return false;
	}
	note_top();
	return true;
}

static void give_piece(const struct piece *o)
{
	if (!fixture_stamped(o->p, o->size, o->id) || nebula_scratch_put(scene.scratch, o->p))
		scene.faults++;
}

/* The interrupting context: some objects, written all over, and given back. */
static void interrupt(void)
{
	const unsigned int depth = 1 + prandom_u32_state(&scene.random) % HELD;
	struct piece pieces[HELD];
	unsigned int n = 0;

	scene.nested++;
	while (n < depth && take_piece(&pieces[n], prandom_u32_state(&scene.random)))
		n++;
	while (n--)
		give_piece(&pieces[n]);
}

static bool is_of_interest(void)
{
	return current == scene.task && scene.working;
}

static int probe_hit(struct kprobe *kp, struct pt_regs *regs)
{
	if (!is_of_interest())
		return 0;
	probe_of(kp)->hits++;
	interrupt();
	return 0;
}

static void breakpoint_hit(struct perf_event *bp, struct perf_sample_data *data,
			   struct pt_regs *regs)
{
	const unsigned long offset = instruction_pointer(regs) - scene.start;

	if (!is_of_interest() || offset >= FUNCTION_SIZE)
		return;
	__set_bit(offset, scene.seen);
	interrupt();
}

static void forget_peak(void)
{
	struct nebula_scratch_cpu *c = raw_cpu_ptr(scene.scratch->cpus);

	if (c->limit)
		c->limit = c->start;
	else
		c->peak = c->start;
	scene.high = c->start;
}

/* An object by the inline functions, one by those out of line, one behind padding. */
static void exercise(void)
{
	struct nebula_scratch *s = scene.scratch;
	struct piece first = { .size = 64, .id = 1 }, second = { .size = 100, .id = 2 };
	struct piece third = { .size = 40, .id = 3 };

	preempt_disable();
	if (scene.fresh)
		forget_peak();
	scene.working = true;
	first.p = scratch_get_path(s);
	note_top();
	fixture_stamp(first.p, first.size, first.id);
	second.p = nebula_scratch_get_slow(s, second.size, 8);
	note_top();
	fixture_stamp(second.p, second.size, second.id);
	third.p = nebula_scratch_get_slow(s, third.size, 256);
	note_top();
	fixture_stamp(third.p, third.size, third.id);
	scene.faults += !fixture_stamped(third.p, third.size, third.id) ||
			nebula_scratch_put_slow(s, third.p);
	scene.faults += !fixture_stamped(second.p, second.size, second.id) ||
			nebula_scratch_put_slow(s, second.p);
	scene.faults += !fixture_stamped(first.p, first.size, first.id) ||
			scratch_put_path(s, first.p);
	scene.working = false;
	scene.faults += top_here(s) != raw_cpu_read(s->cpus->start);
	preempt_enable();
}

/* True when all is well, whatever happened at @addr. */
static bool scene_is_well(struct kunit *test, unsigned long addr)
{
	const struct nebula_scratch_cpu *c = raw_cpu_ptr(scene.scratch->cpus);
	const unsigned long peak = max(c->limit, c->peak);

	if (!scene.faults && peak == scene.high && !nebula_validate(scene.scratch))
		return true;
	KUNIT_FAIL(test, "%pS: %u faults, peak %lu of %lu", (void *)addr, scene.faults,
		   peak - c->start, scene.high - c->start);
	return false;
}

static void scene_create(struct kunit *test, unsigned int flags)
{
	scene = (struct scene){ .scratch = scratch_create(test, flags), .task = current };
	prandom_seed_state(&scene.random, FIXTURE_SEED);
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	exercise();
}

/* At @least so many instructions of a function that has the inline one in it. */
static void interrupt_inline(struct kunit *test, unsigned long function, unsigned int least)
{
	unsigned int i, interrupted = 0;
	struct probes ps;

	probes_create(test, &ps, function, probe_hit);
	for (i = 0; i < ps.n; i++) {
		if (enable_kprobe(ps.list[i]))
			continue;
		exercise();
		disable_kprobe(ps.list[i]);
		interrupted += !!ps.points[i].hits;
		if (!scene_is_well(test, (unsigned long)ps.list[i]->addr))
			break;
	}
	kunit_info(test, "%ps: %u of %u instructions interrupted, %u addresses refused\n",
		   (void *)function, interrupted, ps.n, ps.refused);
	KUNIT_EXPECT_GE(test, interrupted, least);
	probes_destroy(&ps);
}

static bool interrupt_function(struct kunit *test, struct breakpoints *bs, unsigned long function)
{
	const unsigned int size = min(probes_size(function), FUNCTION_SIZE);
	unsigned int offset;

	scene.start = function;
	bitmap_zero(scene.seen, FUNCTION_SIZE);
	for (offset = 0; offset < size; offset += BREAKPOINTS) {
		breakpoints_move(bs, function + offset);
		exercise();
		if (!scene_is_well(test, function + offset))
			return false;
	}
	return true;
}

static bool is_of_scratch(unsigned long function)
{
	static char name[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(name, function);
	return strstarts(name, "nebula_scratch_get") || strstarts(name, "nebula_scratch_put") ||
	       strstarts(name, "take") || strstarts(name, "read_object") ||
	       strstarts(name, "check_") || strstarts(name, "update_peak");
}

/* In all functions that get and put come through. */
static void interrupt_out_of_line(struct kunit *test)
{
	unsigned int i, n, interrupted = 0;
	unsigned long *functions;
	struct breakpoints bs;

	functions = kunit_kcalloc(test, FUNCTIONS_MAX, sizeof(*functions), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, functions);
	n = probes_functions(nebula_scratch_get_slow, functions, FUNCTIONS_MAX);
	KUNIT_ASSERT_GT(test, n, 0U);
	scene.fresh = true;
	breakpoints_create(test, &bs, functions[0], breakpoint_hit);
	for (i = 0; i < n; i++) {
		if (!is_of_scratch(functions[i]))
			continue;
		if (!interrupt_function(test, &bs, functions[i]))
			break;
		interrupted += bitmap_weight(scene.seen, FUNCTION_SIZE);
	}
	breakpoints_destroy(&bs);
	kunit_info(test, "%u instructions interrupted, %u times\n", interrupted, scene.nested);
	KUNIT_EXPECT_GE(test, interrupted, 100U);
}

static void nested_in_inline_functions(struct kunit *test)
{
	scene_create(test, 0);
	interrupt_inline(test, (unsigned long)scratch_get_path, 6);
	/* On a KASAN kernel it is a call of what is out of line. */
	interrupt_inline(test, (unsigned long)scratch_put_path,
			 IS_ENABLED(CONFIG_KASAN_GENERIC) ? 1 : 6);
	nebula_scratch_destroy(scene.scratch);
}

static void nested_out_of_line(struct kunit *test)
{
	scene_create(test, 0);
	interrupt_out_of_line(test);
	nebula_scratch_destroy(scene.scratch);
}

/* Inline get and put lead out of line here, and the peak is kept elsewhere. */
static void nested_out_of_line_zeroed(struct kunit *test)
{
	scene_create(test, NEBULA_ZERO);
	interrupt_out_of_line(test);
	nebula_scratch_destroy(scene.scratch);
}

#else

#define NO_PROBES(name)						\
static void name(struct kunit *test)				\
{								\
	kunit_skip(test, "this kernel has no kprobes or no breakpoints");		\
}

NO_PROBES(nested_in_inline_functions)
NO_PROBES(nested_out_of_line)
NO_PROBES(nested_out_of_line_zeroed)

#endif

static struct kunit_case cases[] = {
	KUNIT_CASE(nested_wherever_it_hits),
	KUNIT_CASE(nested_wherever_it_hits_zeroed),
	KUNIT_CASE(nested_wherever_it_hits_guarded),
	KUNIT_CASE(misbehaving_interrupt_is_refused),
	KUNIT_CASE(nested_in_inline_functions),
	KUNIT_CASE(nested_out_of_line),
	KUNIT_CASE(nested_out_of_line_zeroed),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_scratch_nesting",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
