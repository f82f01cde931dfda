// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stack, shared mode: is it linearisable? Many short histories of threads and interrupts that do
 * whatever comes to their minds, and one for each instruction at which an operation can be
 * interrupted. Before that: histories made by hand, so that it is known what the check can tell.
 */
#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/kallsyms.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include "../contexts.h"
#include "../fixture.h"
#include "../probes.h"
#include "history.h"

#define CAPACITY	12

#define THREADS		4
/* As many rounds as there is time for, in jiffies. */
#define ROUNDS_TIME	((IS_ENABLED(CONFIG_KASAN) ? 5 : 2) * HZ)
#define ROUND_TURNS	6
/* Room is left for those who are at it, and to take down what is there. */
#define ROUND_OPS	30
#define ROUND_BUSY_MAX	2000

/* Who takes down what is there. */
#define LAST_ACTOR	99

/* The check itself */

#define OP(what, from, to, ...)							\
	{ .kind = HISTORY_##what, .begin = (from), .end = (to), ##__VA_ARGS__ }

#define EXAMPLE_OPS	8

/* A history made by hand. */
struct example {
	const char *why;			/* for the reader of a failure */
	struct history_op ops[EXAMPLE_OPS];	/* the operations, the first of them with an @end */
};

#define NO_PLACE	HISTORY_NOWHERE

static const struct example legal[] = {
	{ "nothing", { } },
	{ "one after the other", {
		OP(ALLOC, 1, 2, .size = 2, .place = 0), OP(ALLOC, 3, 4, .size = 1, .place = 2),
		OP(FREE, 5, 6, .place = 2), OP(FREE, 7, 8, .place = 0) } },
	{ "padding goes with its object", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0),
		OP(ALLOC, 3, 4, .size = 1, .align = 4, .place = 4),
		OP(FREE, 5, 6, .place = 4), OP(ALLOC, 7, 8, .size = 1, .place = 1) } },
	{ "two at once, in the other order", {
		OP(ALLOC, 1, 4, .size = 1, .place = 2), OP(ALLOC, 2, 3, .size = 2, .place = 0) } },
	{ "both free at once", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0), OP(ALLOC, 3, 4, .size = 1, .place = 1),
		OP(FREE, 5, 8, .place = 0), OP(FREE, 6, 7, .place = 1) } },
	{ "refused, and the other one comes later", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0), OP(ALLOC, 3, 4, .size = 1, .place = 1),
		OP(FREE, 5, 8, .place = 0, .code = NEBULA_E_LIFO_VIOLATION),
		OP(FREE, 6, 7, .place = 1) } },
	{ "full until the other one frees", {
		OP(ALLOC, 1, 2, .size = 12, .place = 0),
		OP(ALLOC, 3, 6, .size = 1, .place = NO_PLACE, .code = NEBULA_E_OUT_OF_MEMORY),
		OP(FREE, 4, 5, .place = 0) } },
	{ "freed, and there is room", {
		OP(ALLOC, 1, 2, .size = 12, .place = 0), OP(ALLOC, 3, 6, .size = 12, .place = 0),
		OP(FREE, 4, 5, .place = 0) } },
	{ "restored past what is freed at the same time", {
		OP(MARK, 1, 2, .place = NO_PLACE), OP(ALLOC, 3, 4, .size = 1, .place = 0),
		OP(FREE, 5, 8, .place = 0, .code = NEBULA_E_DOUBLE_FREE),
		OP(RESTORE, 6, 7, .mark = 0) } },
	{ "a mark outlives what is above it", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0), OP(MARK, 3, 4, .place = 0),
		OP(ALLOC, 5, 6, .size = 1, .place = 1), OP(RESTORE, 7, 8, .mark = 1),
		OP(ALLOC, 9, 10, .size = 1, .place = 1), OP(RESTORE, 11, 12, .mark = 1),
		OP(FREE, 13, 14, .place = 0) } },
	{ "a mark taken while something comes", {
		OP(MARK, 1, 4, .place = 0), OP(ALLOC, 2, 3, .size = 1, .place = 0),
		OP(ALLOC, 5, 6, .size = 1, .place = 1), OP(RESTORE, 7, 8, .mark = 0),
		OP(FREE, 9, 10, .place = 0) } },
	{ "a mark of nothing is stale after a reset", {
		OP(MARK, 1, 2, .place = NO_PLACE), OP(RESET, 3, 4),
		OP(RESTORE, 5, 6, .mark = 0, .code = NEBULA_E_STALE_CHECKPOINT) } },
	{ "resized, and a mark on it stays", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0), OP(MARK, 3, 4, .place = 0),
		OP(RESIZE, 5, 6, .size = 3, .place = 0), OP(ALLOC, 7, 8, .size = 1, .place = 3),
		OP(RESTORE, 9, 10, .mark = 1), OP(ALLOC, 11, 12, .size = 1, .place = 3) } },
	{ "refused, nobody knows why", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0),
		OP(FREE, 3, 4, .place = 1, .code = HISTORY_REFUSED) } },
};

static const struct example illegal[] = {
	{ "the same place twice", {
		OP(ALLOC, 1, 3, .size = 1, .place = 0), OP(ALLOC, 2, 4, .size = 1, .place = 0) } },
	{ "who came later is below", {
		OP(ALLOC, 1, 2, .size = 1, .place = 1), OP(ALLOC, 3, 4, .size = 1, .place = 0) } },
	{ "not where the other one ends", {
		OP(ALLOC, 1, 2, .size = 2, .place = 0), OP(ALLOC, 3, 4, .size = 1, .place = 1) } },
	{ "refused while there is room", {
		OP(ALLOC, 1, 2, .size = 12, .place = NO_PLACE,
		   .code = NEBULA_E_OUT_OF_MEMORY) } },
	{ "served while there is none", {
		OP(ALLOC, 1, 2, .size = 13, .place = 0) } },
	{ "freed below another", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0), OP(ALLOC, 3, 4, .size = 1, .place = 1),
		OP(FREE, 5, 6, .place = 0) } },
	{ "freed twice at once", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0), OP(FREE, 3, 5, .place = 0),
		OP(FREE, 4, 6, .place = 0) } },
	{ "a free that was lost", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0), OP(FREE, 3, 4, .place = 0),
		OP(ALLOC, 5, 6, .size = 1, .place = 1) } },
	{ "padding that was lost", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0),
		OP(ALLOC, 3, 4, .size = 1, .align = 4, .place = 4),
		OP(FREE, 5, 6, .place = 4), OP(ALLOC, 7, 8, .size = 1, .place = 4) } },
	{ "refused though nothing is above", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0),
		OP(FREE, 3, 4, .place = 0, .code = NEBULA_E_LIFO_VIOLATION) } },
	{ "refused for a wrong reason", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0),
		OP(FREE, 3, 4, .place = 1, .code = NEBULA_E_LIFO_VIOLATION) } },
	{ "restored though its object was exchanged", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0), OP(MARK, 3, 4, .place = 0),
		OP(FREE, 5, 6, .place = 0), OP(ALLOC, 7, 8, .size = 1, .place = 0),
		OP(RESTORE, 9, 10, .mark = 1) } },
	{ "stale though its object is there", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0), OP(MARK, 3, 4, .place = 0),
		OP(RESTORE, 5, 6, .mark = 1, .code = NEBULA_E_STALE_CHECKPOINT) } },
	{ "restored across a reset", {
		OP(MARK, 1, 2, .place = NO_PLACE), OP(RESET, 3, 4),
		OP(RESTORE, 5, 6, .mark = 0) } },
	{ "a mark of what went before", {
		OP(ALLOC, 1, 2, .size = 1, .place = 0), OP(FREE, 3, 4, .place = 0),
		OP(MARK, 5, 6, .place = 0) } },
	{ "a restore that was lost", {
		OP(MARK, 1, 2, .place = NO_PLACE), OP(ALLOC, 3, 4, .size = 1, .place = 0),
		OP(RESTORE, 5, 6, .mark = 0), OP(FREE, 7, 8, .place = 0) } },
	{ "each of two saw the other first", {
		OP(ALLOC, 1, 4, .size = 1, .place = 1), OP(ALLOC, 2, 3, .size = 1, .place = 0),
		OP(FREE, 5, 6, .place = 0), OP(FREE, 7, 8, .place = 1) } },
};

static bool example_is_legal(struct history *h, const struct example *e)
{
	unsigned int n = 0;

	while (n < EXAMPLE_OPS && e->ops[n].end)
		n++;
	memcpy(h->ops, e->ops, sizeof(e->ops));
	atomic_set(&h->claimed, n);
	h->capacity = CAPACITY;
	return history_is_legal(h);
}

static void check_accepts_what_is_legal(struct kunit *test)
{
	struct history *h = history_create(test, NULL);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(legal); i++)
		KUNIT_EXPECT_TRUE_MSG(test, example_is_legal(h, &legal[i]), "%s", legal[i].why);
}

static void check_refuses_what_is_not(struct kunit *test)
{
	struct history *h = history_create(test, NULL);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(illegal); i++)
		KUNIT_EXPECT_FALSE_MSG(test, example_is_legal(h, &illegal[i]), "%s",
				       illegal[i].why);
}

/* Rounds */

/* An actor that chooses its operations at random. */
struct player {
	u8 actor;			/* in the history */
	u8 nr_objects;			/* how many */
	u8 nr_marks;			/* how many */
	/* places of what it allocated, though others may have taken it down */
	u16 objects[HISTORY_OPS];
	u8 marks[HISTORY_OPS];		/* operations that took its marks */
	struct rnd_state random;	/* what it does next */
};

/* Histories, one after the other. */
struct rounds {
	struct kunit *test;		/* of which */
	struct history *history;	/* of this round */
	struct player *players;		/* by the numbers of their contexts */
	unsigned int round[THREADS];	/* of each thread, by its number */
	unsigned int begun;		/* Rounds that were begun. Thread 0. */
	bool open;			/* Interrupts may play. Thread 0. */
	atomic_t busy;			/* Interrupts that are at it. Any context. */
	atomic_t arrived;		/* Threads that have begun. Threads. */
	atomic_t playing;		/* Threads that have not ended. Threads. */
	wait_queue_head_t begin;	/* of a round */
	wait_queue_head_t end;		/* of a round */
	unsigned int rounds;		/* How many there were. Thread 0. */
	unsigned long ops;		/* Of all rounds. Thread 0. */
	unsigned long steps;		/* Of all rounds. Thread 0. */
	unsigned long until;		/* no more rounds after it, jiffies */
	bool over;			/* Time is up, or nothing gets better. Thread 0. */
};

static void play_alloc(struct history *h, struct player *p, u32 random)
{
	int i = history_do(h, (struct history_op){
		.kind = HISTORY_ALLOC, .actor = p->actor, .size = 1 + random % 3,
		.align = 1U << (random / 4 % 8) / 3,
	});

	if (i >= 0 && !h->ops[i].code)
		p->objects[p->nr_objects++] = h->ops[i].place;
}

/* The newest, or now and then an older one; one that is refused is tried again. */
static void play_free(struct history *h, struct player *p, u32 random)
{
	const unsigned int n = p->nr_objects, chosen = random % 8 ? n - 1 : random / 8 % n;
	int i = history_do(h, (struct history_op){
		.kind = HISTORY_FREE, .actor = p->actor, .place = p->objects[chosen],
	});

	if (i >= 0 && !h->ops[i].code)
		p->objects[chosen] = p->objects[--p->nr_objects];
}

static void play_resize(struct history *h, struct player *p, u32 random)
{
	history_do(h, (struct history_op){
		.kind = HISTORY_RESIZE, .actor = p->actor, .size = 1 + random % 4,
		.place = p->objects[p->nr_objects - 1],
	});
}

static void play_mark(struct history *h, struct player *p)
{
	int i = history_do(h, (struct history_op){ .kind = HISTORY_MARK, .actor = p->actor });

	if (i >= 0)
		p->marks[p->nr_marks++] = i;
}

static void play_restore(struct history *h, struct player *p, u32 random)
{
	history_do(h, (struct history_op){
		.kind = HISTORY_RESTORE, .actor = p->actor,
		.mark = p->marks[random % p->nr_marks],
	});
}

static void play(struct history *h, struct player *p)
{
	const u32 random = prandom_u32_state(&p->random);
	const unsigned int choice = random % 16;

	if (history_count(h) >= ROUND_OPS)
		return;
	if (choice < 6 || (choice < 13 && !p->nr_objects))
		play_alloc(h, p, random / 16);
	else if (choice < 11)
		play_free(h, p, random / 16);
	else if (choice < 13)
		play_resize(h, p, random / 16);
	else if (choice == 13 || !p->nr_marks)
		play_mark(h, p);
	else if (random / 16 % 4)
		play_restore(h, p, random / 64);
	else
		history_do(h, (struct history_op){ .kind = HISTORY_RESET, .actor = p->actor });
}

/* What is there goes, from the top, and shows whether it is in order. */
static void take_down(struct history *h)
{
	struct history_op todo = { .kind = HISTORY_MARK, .actor = LAST_ACTOR };
	int i;

	for (;;) {
		todo.kind = HISTORY_MARK;
		i = history_do(h, todo);
		if (i < 0 || h->ops[i].place == HISTORY_NOWHERE)
			break;
		todo.kind = HISTORY_FREE;
		todo.place = h->ops[i].place;
		history_do(h, todo);
	}
}

static bool history_ended_well(struct kunit *test, struct history *h)
{
	take_down(h);
	KUNIT_EXPECT_EQ(test, nebula_stack_used(h->stack), (size_t)0);
	return history_expect_legal(test, h);
}

static void round_begin(struct rounds *r, unsigned int players)
{
	unsigned int i;

	history_begin(r->history);
	for (i = 0; i < players; i++) {
		r->players[i].nr_objects = 0;
		r->players[i].nr_marks = 0;
	}
	atomic_set(&r->arrived, 0);
	atomic_set(&r->playing, THREADS);
	/* Pairs with play_in_interrupt(). */
	smp_store_release(&r->open, true);
	WRITE_ONCE(r->begun, r->begun + 1);
	wake_up_all(&r->begin);
}

static void round_end(struct rounds *r)
{
	wait_event(r->end, !atomic_read(&r->playing));
	WRITE_ONCE(r->open, false);
	/* Who has not seen that is busy; pairs with play_in_interrupt(). */
	smp_mb();
	while (atomic_read(&r->busy))
		cpu_relax();
	r->ops += history_count(r->history);
	r->over = !history_ended_well(r->test, r->history) || time_after(jiffies, r->until);
	r->steps += r->history->steps;
	if (!r->over)
		return;
	/* No player waits for another one. */
	r->rounds = r->begun;
	WRITE_ONCE(r->begun, UINT_MAX);
	wake_up_all(&r->begin);
}

static void play_in_thread(struct rounds *r, unsigned int who)
{
	unsigned int turns;

	atomic_inc(&r->arrived);
	/* Together, if others are coming; who shares this CPU is not. */
	for (turns = 0; turns < ROUND_BUSY_MAX; turns++) {
		if (atomic_read(&r->arrived) >= min(THREADS, num_online_cpus()))
			break;
		cpu_relax();
	}
	for (turns = 0; turns < ROUND_TURNS; turns++)
		play(r->history, &r->players[who]);
	if (atomic_dec_and_test(&r->playing))
		wake_up(&r->end);
}

static void play_in_interrupt(struct rounds *r, unsigned int who)
{
	atomic_inc(&r->busy);
	/* Pairs with round_end(). */
	smp_mb__after_atomic();
	if (smp_load_acquire(&r->open))	/* pairs with round_begin() */
		play(r->history, &r->players[who]);
	atomic_dec_return_release(&r->busy);
}

static void play_turn(struct contexts *c, unsigned int who)
{
	struct rounds *r = c->data;

	if (who >= c->threads) {
		play_in_interrupt(r, who);
		return;
	}
	r->round[who]++;
	if (!who && !r->over)
		round_begin(r, contexts_count(c));
	else
		wait_event(r->begin, READ_ONCE(r->begun) >= r->round[who]);
	if (r->over) {
		WRITE_ONCE(c->over, true);
		return;
	}
	play_in_thread(r, who);
	if (!who)
		round_end(r);
}

static struct nebula_stack *stack_of(unsigned int granules, unsigned int flags)
{
	static u8 memory[HISTORY_DEPTH * SZ_256] __aligned(SZ_4K);

	return nebula_stack_create("history", .buffer = memory, .flags = NEBULA_SHARED | flags,
				   .buffer_size = granules * HISTORY_GRANULE);
}

static void expect_linearisable(struct kunit *test, unsigned int granules, unsigned int flags)
{
	struct nebula_stack *s = stack_of(granules, flags);
	struct rounds *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	struct contexts *c = contexts_create(test, THREADS, play_turn, r);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	KUNIT_ASSERT_NOT_NULL(test, r);
	r->test = test;
	r->until = jiffies + ROUNDS_TIME;
	r->history = history_create(test, s);
	r->players = kunit_kcalloc(test, contexts_count(c), sizeof(*r->players), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r->players);
	for (i = 0; i < contexts_count(c); i++) {
		r->players[i].actor = i;
		prandom_seed_state(&r->players[i].random, FIXTURE_SEED + i);
	}
	init_waitqueue_head(&r->begin);
	init_waitqueue_head(&r->end);
	contexts_run(test, c, 0);
	kunit_info(test, "%u histories of %lu operations, %lu steps of the search\n", r->rounds,
		   r->ops, r->steps);
	KUNIT_EXPECT_EQ(test, nebula_validate(s), 0);
	nebula_stack_destroy(s);
}

static void histories_are_legal(struct kunit *test)
{
	expect_linearisable(test, CAPACITY, 0);
}

/* Hardly anything fits, so that places come again and again. */
static void histories_of_a_small_stack_are_legal(struct kunit *test)
{
	expect_linearisable(test, 4, 0);
}

/* At each instruction */

#ifdef HAVE_PROBES

#define FUNCTION_SIZE	8192
#define SCRIPT_OPS	6

/* What is there in the beginning: three objects, marks on two of them. */
static const struct history_op prologue[] = {
	{ .kind = HISTORY_ALLOC, .size = 1, .align = 1 },
	{ .kind = HISTORY_MARK },
	{ .kind = HISTORY_ALLOC, .size = 1, .align = 1 },
	{ .kind = HISTORY_MARK },
	{ .kind = HISTORY_ALLOC, .size = 1, .align = 1 },
};

#define MARK_ON_FIRST	1
#define MARK_ON_SECOND	3

/* What is interrupted. */
static const struct history_op interrupted[] = {
	{ .kind = HISTORY_ALLOC, .size = 1, .align = 1 },
	{ .kind = HISTORY_ALLOC, .size = 2, .align = 4 },
	{ .kind = HISTORY_FREE, .place = 2 },
	{ .kind = HISTORY_FREE, .place = 1 },
	{ .kind = HISTORY_RESIZE, .place = 2, .size = 2 },
	{ .kind = HISTORY_MARK },
	{ .kind = HISTORY_RESTORE, .mark = MARK_ON_FIRST },
	{ .kind = HISTORY_RESTORE, .mark = MARK_ON_SECOND },
	{ .kind = HISTORY_RESET },
};

#define FREE(at)	{ .kind = HISTORY_FREE, .place = (at) }
#define ALLOC(granules)	{ .kind = HISTORY_ALLOC, .size = (granules), .align = 1 }
#define RESET		{ .kind = HISTORY_RESET }
#define RESTORE(number)	{ .kind = HISTORY_RESTORE, .mark = (number) }

/*
 * What the interrupting context does. The top is most often the same again, but not what is below
 * it, or not what it is of:
 *
 *	|##0##|##1##|##2##|		in the beginning
 *	|##0##|#####1#####|##3##|	the third: what was to begin at 3 is taken
 *	|#####0#####|##2##|		the fourth: as before, seen from the top
 */
static const struct history_op meanwhile[][SCRIPT_OPS] = {
	{ ALLOC(1) },
	{ FREE(2) },
	{ FREE(2), FREE(1), ALLOC(2), ALLOC(1) },
	{ FREE(2), FREE(1), FREE(0), ALLOC(2), ALLOC(1) },
	{ RESET, ALLOC(1), ALLOC(1), ALLOC(1) },
	{ RESTORE(MARK_ON_FIRST), ALLOC(1), ALLOC(1) },
};

/* An operation that is interrupted once. */
static struct scene {
	struct history *history;		/* what happens */
	struct task_struct *task;		/* who is interrupted */
	/* what the interrupting context does, or NULL for nothing */
	const struct history_op *script;
	bool armed;				/* it has not been interrupted yet */
	unsigned long start;			/* of the function where it is */
	DECLARE_BITMAP(seen, FUNCTION_SIZE);	/* instructions where it was, by offset */
} scene;

static void play_script(struct history *h, const struct history_op *script, unsigned int n,
			unsigned int actor)
{
	struct history_op todo;

	for (; n-- && (script->kind || script->size); script++) {
		todo = *script;
		todo.actor = actor;
		history_do(h, todo);
	}
}

static void breakpoint_hit(struct perf_event *bp, struct perf_sample_data *data,
			   struct pt_regs *regs)
{
	const unsigned long offset = instruction_pointer(regs) - scene.start;

	if (current != scene.task || !scene.armed || offset >= FUNCTION_SIZE)
		return;
	scene.armed = false;
	__set_bit(offset, scene.seen);
	if (scene.script)
		play_script(scene.history, scene.script, SCRIPT_OPS, 1);
}

/* True when it was interrupted. */
static bool run_interrupted(const struct history_op *op, const struct history_op *script)
{
	struct history *h = scene.history;

	history_begin(h);
	play_script(h, prologue, ARRAY_SIZE(prologue), 0);
	scene.script = script;
	scene.armed = true;
	history_do(h, *op);
	if (!scene.armed)
		return true;
	scene.armed = false;
	return false;
}

/* At one place of a function, where an instruction may begin. */
static bool interrupt_at(struct kunit *test, const struct history_op *op)
{
	unsigned int i;

	if (!run_interrupted(op, NULL))
		return true;
	for (i = 0; i < ARRAY_SIZE(meanwhile); i++) {
		run_interrupted(op, meanwhile[i]);
		if (!history_ended_well(test, scene.history))
			return false;
	}
	return true;
}

/* At each instruction of a function, if the operation comes through it. False: something broke. */
static bool interrupt_function(struct kunit *test, struct breakpoints *bs, unsigned long function,
			       const struct history_op *op)
{
	const unsigned int size = min(probes_size(function), FUNCTION_SIZE);
	unsigned int offset;

	scene.start = function;
	breakpoints_move(bs, function);
	if (!run_interrupted(op, NULL))
		return true;
	for (offset = 0; offset < size; offset += BREAKPOINTS) {
		breakpoints_move(bs, function + offset);
		if (!interrupt_at(test, op)) {
			kunit_err(test, "interrupted at %pS\n", (void *)function + offset);
			return false;
		}
	}
	return true;
}

static bool is_of_interest(unsigned long function)
{
	static char name[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(name, function);
	return strstarts(name, "stack_") || strstarts(name, "nebula_stack_") ||
	       strstarts(name, "check_") || strstarts(name, "compare") ||
	       strstarts(name, "take") || strstarts(name, "prepare") ||
	       strstarts(name, "exchange") || strstarts(name, "find_mark") ||
	       strstarts(name, "descend");
}

static unsigned int interrupt_operation(struct kunit *test, const struct history_op *op,
					const unsigned long *functions, unsigned int n)
{
	unsigned int i, hits = 0;
	struct breakpoints bs;
	bool well = true;

	breakpoints_create(test, &bs, functions[0], breakpoint_hit);
	for (i = 0; i < n && well; i++) {
		if (!is_of_interest(functions[i]))
			continue;
		bitmap_zero(scene.seen, FUNCTION_SIZE);
		well = interrupt_function(test, &bs, functions[i], op);
		hits += bitmap_weight(scene.seen, FUNCTION_SIZE);
	}
	breakpoints_destroy(&bs);
	return hits;
}

static void histories_of_interruptions_are_legal(struct kunit *test)
{
	struct nebula_stack *s = stack_of(CAPACITY, 0);
	unsigned int n, i, total = 0;
	unsigned long *functions;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, s);
	functions = kunit_kcalloc(test, FUNCTIONS_MAX, sizeof(*functions), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, functions);
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	scene.task = current;
	scene.history = history_create(test, s);
	n = probes_functions(nebula_stack_alloc_slow, functions, FUNCTIONS_MAX);
	for (i = 0; n && i < ARRAY_SIZE(interrupted); i++)
		total += interrupt_operation(test, &interrupted[i], functions, n);
	kunit_info(test, "%u instructions interrupted, each by %zu others\n", total,
		   ARRAY_SIZE(meanwhile));
	KUNIT_EXPECT_GE(test, total, 500U);
	nebula_stack_destroy(s);
}

#else

static void histories_of_interruptions_are_legal(struct kunit *test)
{
	kunit_skip(test, "this kernel has no kprobes or no breakpoints");
}

#endif

static struct kunit_case cases[] = {
	KUNIT_CASE(check_accepts_what_is_legal),
	KUNIT_CASE(check_refuses_what_is_not),
	KUNIT_CASE(histories_are_legal),
	KUNIT_CASE(histories_of_a_small_stack_are_legal),
	KUNIT_CASE(histories_of_interruptions_are_legal),
	{ }
};

static struct kunit_suite suite = {
	.name = "nebula_stack_history",
	.init = fixture_init,
	.exit = fixture_exit,
	.test_cases = cases,
};

kunit_test_suite(suite);
