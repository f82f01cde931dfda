// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a shared stack linearisable, see history.h.
 *
 * The search is that of Wing and Gong, "Testing and Verifying Concurrent Objects", Journal of
 * Parallel and Distributed Computing 17 (1993): of the operations that nothing unfinished precedes
 * one is taken that the sequential stack could have answered as it was; when there is none, the
 * last choice is taken back. Places prune it well: most wrong choices show within a few steps.
 */
#include <linux/bitops.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include "../../module/error/error.h"
#include "../contexts.h"
#include "history.h"

/* No history of ours needs as many. */
#define STEPS_MAX	2000000

/* What a mark of an empty stack is on top of: so many resets, behind all operations. */
#define BOTTOM(resets)	(HISTORY_OPS + (resets))

unsigned int history_count(const struct history *h)
{
	return min(atomic_read(&h->claimed), HISTORY_OPS);
}

/* Recording */

struct history *history_create(struct kunit *test, struct nebula_stack *s)
{
	struct history *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	h->stack = s;
	if (s)
		h->capacity = nebula_stack_capacity(s) / HISTORY_GRANULE;
	KUNIT_ASSERT_LE(test, h->capacity, HISTORY_DEPTH);
	return h;
}

void history_begin(struct history *h)
{
	nebula_stack_reset(h->stack);
	atomic_set(&h->claimed, 0);
	atomic_set(&h->clock, 0);
}

static void *address_of(const struct history *h, unsigned int place)
{
	return (void *)(h->stack->base + h->stack->start + place * HISTORY_GRANULE);
}

static u64 records_made(void)
{
	struct nebula_error_counts counts;

	nebula_error_counts(&counts);
	return counts.recorded;
}

/*
 * Why this was refused just now: interrupts and other CPUs leave records as well, and one that was
 * counted as a repeat leaves none. Sequence numbers tell what is new; a clock may stand still.
 */
static u8 why(const struct history *h, u64 records)
{
	struct nebula_error err;

	if (!nebula_last_error(h->stack, &err) || err.brief || err.seq <= records ||
	    err.cpu != raw_smp_processor_id() || err.pid != current->pid ||
	    err.context != contexts_now())
		return HISTORY_REFUSED;
	return err.code;
}

/* No object is a multiple of the granule: what is rounded up is rounded up right. */
static size_t bytes_of(unsigned int size)
{
	return size * HISTORY_GRANULE - 7;
}

static void act(struct history *h, struct history_op *op, unsigned int i)
{
	struct nebula_stack *s = h->stack;
	const u64 records = records_made();
	void *p;

	switch (op->kind) {
	case HISTORY_ALLOC:
		p = nebula_stack_alloc(s, bytes_of(op->size), op->align * HISTORY_GRANULE);
		op->place = p ? (p - address_of(h, 0)) / HISTORY_GRANULE : HISTORY_NOWHERE;
		op->code = p ? NEBULA_OK : why(h, records);
		break;
	case HISTORY_FREE:
		op->code = nebula_stack_free(s, address_of(h, op->place)) ? why(h, records)
									  : NEBULA_OK;
		break;
	case HISTORY_RESIZE:
		p = nebula_stack_realloc(s, address_of(h, op->place), 1, bytes_of(op->size), 1);
		op->code = p ? NEBULA_OK : why(h, records);
		break;
	case HISTORY_MARK:
		h->marks[i] = nebula_stack_mark(s);
		op->place = h->marks[i].at;
		break;
	case HISTORY_RESTORE:
		op->code = nebula_stack_restore(s, h->marks[op->mark]) ? NEBULA_E_STALE_CHECKPOINT :
									  NEBULA_OK;
		break;
	default:
		nebula_stack_reset(s);
	}
}

int history_do(struct history *h, struct history_op todo)
{
	const int i = atomic_fetch_inc(&h->claimed);
	struct history_op *op = &h->ops[i];

	if (i >= HISTORY_OPS)
		return -ENOSPC;
	*op = todo;
	op->code = NEBULA_OK;
	/* Both are full barriers: what is done is done between them. */
	op->begin = atomic_inc_return(&h->clock);
	act(h, op, i);
	op->end = atomic_inc_return(&h->clock);
	return i;
}

/* The sequential stack */

static unsigned int top_of(const struct history_state *s)
{
	return s->depth ? s->end[s->depth - 1] : 0;
}

static unsigned int newest_of(const struct history_state *s)
{
	return s->depth ? s->start[s->depth - 1] : HISTORY_NOWHERE;
}

static unsigned int id_of(const struct history_state *s)
{
	return s->depth ? s->id[s->depth - 1] : BOTTOM(s->resets);
}

static bool answered(const struct history_op *op, enum nebula_errc code)
{
	return op->code == code || (op->code == HISTORY_REFUSED && code);
}

/* What is wrong with @place as the newest object's. */
static enum nebula_errc judge(const struct history_state *s, unsigned int place)
{
	unsigned int i;

	if (place >= top_of(s))
		return NEBULA_E_DOUBLE_FREE;
	if (place == newest_of(s))
		return NEBULA_OK;
	for (i = 0; i < s->depth; i++)
		if (s->start[i] == place)
			return NEBULA_E_LIFO_VIOLATION;
	return NEBULA_E_MISALIGNED_POINTER;
}

static bool try_alloc(const struct history *h, struct history_state *s,
		      const struct history_op *op, unsigned int i)
{
	const unsigned int place = roundup(top_of(s), op->align ?: 1);

	if (place + op->size > h->capacity)
		return op->place == HISTORY_NOWHERE && answered(op, NEBULA_E_OUT_OF_MEMORY);
	if (op->place != place)
		return false;
	s->start[s->depth] = place;
	s->end[s->depth] = place + op->size;
	s->id[s->depth++] = i;
	return true;
}

static bool try_free(struct history_state *s, const struct history_op *op)
{
	const enum nebula_errc code = judge(s, op->place);

	s->depth -= !code;
	return answered(op, code);
}

static bool try_resize(const struct history *h, struct history_state *s,
		       const struct history_op *op)
{
	enum nebula_errc code = judge(s, op->place);

	if (!code && op->place + op->size > h->capacity)
		code = NEBULA_E_OUT_OF_MEMORY;
	if (!code)
		s->end[s->depth - 1] = op->place + op->size;
	return answered(op, code);
}

static bool try_restore(struct history_state *s, const struct history_op *op, unsigned int id)
{
	unsigned int depth = s->depth;

	if (id >= HISTORY_OPS)
		depth = id == BOTTOM(s->resets) ? 0 : UINT_MAX;
	else
		while (depth && s->id[depth - 1] != id)
			depth--;
	if (depth == UINT_MAX || (!depth && id < HISTORY_OPS))
		return answered(op, NEBULA_E_STALE_CHECKPOINT);
	s->depth = depth;
	return answered(op, NEBULA_OK);
}

/* Would it have been answered so, in this state? Then @s is what follows. */
static bool try_op(struct history *h, struct history_state *s, unsigned int i)
{
	const struct history_op *op = &h->ops[i];

	switch (op->kind) {
	case HISTORY_ALLOC:
		return try_alloc(h, s, op, i);
	case HISTORY_FREE:
		return try_free(s, op);
	case HISTORY_RESIZE:
		return try_resize(h, s, op);
	case HISTORY_MARK:
		h->taken[i] = id_of(s);
		return op->place == newest_of(s);
	case HISTORY_RESTORE:
		return try_restore(s, op, h->taken[op->mark]);
	default:
		s->depth = 0;
		s->resets++;
		return true;
	}
}

/* The search */

/* One that was not tried here, and that nothing else that is left had to precede; or -1. */
static int candidate(const struct history *h, u64 left, u64 tried)
{
	u32 first_end = U32_MAX;
	unsigned int i;

	for (i = 0; i < history_count(h); i++)
		if (left & BIT_ULL(i))
			first_end = min(first_end, h->ops[i].end);
	for (i = 0; i < history_count(h); i++)
		if (left & ~tried & BIT_ULL(i) && h->ops[i].begin < first_end)
			return i;
	return -1;
}

bool history_is_legal(struct history *h)
{
	const unsigned int n = history_count(h);
	u64 left = n ? GENMASK_ULL(n - 1, 0) : 0;
	struct history_level *at = h->levels;
	int i;

	*at = (struct history_level){ };
	for (h->steps = 0; left && h->steps < STEPS_MAX; h->steps++) {
		i = candidate(h, left, at->tried);
		if (i < 0) {
			if (at == h->levels)
				return false;
			at--;
			left |= BIT_ULL(at->next);
			continue;
		}
		at->tried |= BIT_ULL(i);
		at->next = i;
		at[1] = (struct history_level){ .state = at->state };
		if (try_op(h, &at[1].state, i)) {
			left &= ~BIT_ULL(i);
			at++;
		}
	}
	return !left;
}

static const char *const kind_names[] = {
	[HISTORY_ALLOC] = "alloc",
	[HISTORY_FREE] = "free",
	[HISTORY_RESIZE] = "resize",
	[HISTORY_MARK] = "mark",
	[HISTORY_RESTORE] = "restore",
	[HISTORY_RESET] = "reset",
};

static_assert(ARRAY_SIZE(kind_names) == HISTORY_KINDS);

/* In the order of their beginnings. */
void history_print(struct kunit *test, const struct history *h)
{
	unsigned int i;

	kunit_err(test, "  # actor begin  end operation place size align mark  result\n");
	for (i = 0; i < history_count(h); i++) {
		const struct history_op *op = &h->ops[i];

		kunit_err(test, "%3u %5u %5u %4u %-9s %5d %4u %5u %4u  %s\n", i, op->actor,
			  op->begin, op->end, kind_names[op->kind], (s16)op->place, op->size,
			  op->align, op->mark,
			  op->code == HISTORY_REFUSED ? "refused" : nebula_errc_name(op->code));
	}
}

bool history_expect_legal(struct kunit *test, struct history *h)
{
	if (history_is_legal(h))
		return true;
	KUNIT_FAIL(test, "no order of these operations is legal, %u steps", h->steps);
	history_print(test, h);
	return false;
}
