// SPDX-License-Identifier: GPL-2.0-only
/*
 * Recording errors: from any context, NMI included, without allocation, lock or sleep.
 *
 * Records go into a ring of slots that outlives the allocators, and the newest of each registered
 * allocator is kept with it. The log and the notifiers are served later, in process context, see
 * deliver.c, so that a failing allocation costs the same whatever listens.
 *
 * A slot's state is twice the sequence number of its record, one less while it is being written,
 * 0 while empty:
 *
 *	writer	cmpxchg(state, old, 2 * seq - 1)	full barrier: odd is seen before any byte
 *		write the record
 *		store_release(state, 2 * seq)		the record is seen before the even state
 *	reader	load_acquire(state), even		pairs with store_release
 *		copy the record
 *		smp_rmb(), state unchanged		pairs with cmpxchg: a torn copy is noticed
 *
 * No context waits for another. A writer that finds the slot being written - by the context that it
 * interrupted, or by a CPU that is a whole ring behind - or holding a newer record drops its own
 * and counts it lost; a reader that finds a slot changing leaves it out. Sequence numbers are 64
 * bits wide and never reused, so a state cannot come back to an old value (no ABA).
 *
 * An error that repeats does not fill the ring:
 *
 *  - A record that equals the newest one of its allocator in all but time, task and CPU is folded
 *    into it: the slot counts how often it repeated. The count carries the low half of the sequence
 *    number, so that a count for a record that has just been overwritten goes nowhere.
 *  - Of the refusals of an allocator (what a correct caller may meet: no memory, no block, the
 *    wrong moment) that come in a flood, only the first of each second are recorded in full. The
 *    others are counted: in the statistics, and as repeats of the newest record where that has the
 *    same code and is of the same operation. Code, size and alignment of the newest one are kept in
 *    a word, so that nebula_last_error() tells the caller that was just refused why.
 */
#include <linux/atomic.h>
#include <linux/bitfield.h>
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <trace/events/nebula.h>
#include "../compat.h"
#include "../core/region.h"
#include "error.h"
#include "record.h"
#include "report.h"

/* First corruptions that wait to be passed on, whatever else is recorded before that. */
#define KEPT_SIZE	32

/* Refusals of an allocator that are recorded in full in a second. */
#define FULL_RECORDS	32

static struct nebula_error_slot ring[NEBULA_RING_SIZE];
static struct nebula_error_slot kept[KEPT_SIZE];
static atomic_t newest_kept = ATOMIC_INIT(0);
static atomic64_t newest = ATOMIC64_INIT(0);
static atomic64_t newest_unowned = ATOMIC64_INIT(0);	/* newest record without an allocator */
static atomic64_t finished = ATOMIC64_INIT(0);	/* records that were written, or dropped */
static atomic64_t lost = ATOMIC64_INIT(0);	/* of them, those that were dropped */
static atomic64_t repeated = ATOMIC64_INIT(0);	/* errors that were counted, not recorded */
static atomic64_t quiet = ATOMIC64_INIT(0);	/* refusals that a caller was prepared for */
static u64 cleared;

static struct nebula_error *slot_claim(struct nebula_error_slot *slot, u64 seq)
{
	s64 state = atomic64_read(&slot->state);

	if (state & 1 || state >= 2 * seq)
		return NULL;
	if (atomic64_cmpxchg(&slot->state, state, 2 * seq - 1) != state)
		return NULL;
	return &slot->err;
}

static void slot_publish(struct nebula_error_slot *slot, u64 seq)
{
	atomic64_set(&slot->repeats, seq << 32);
	atomic64_set_release(&slot->state, 2 * seq);
}

static void slot_write(struct nebula_error_slot *slot, const struct nebula_error *err)
{
	struct nebula_error *copy = slot_claim(slot, err->seq);

	if (!copy)
		return;
	memcpy(copy, err, sizeof(*copy));
	slot_publish(slot, err->seq);
}

static bool slot_read(const struct nebula_error_slot *slot, struct nebula_error *err)
{
	s64 state = atomic64_read_acquire(&slot->state);

	if (!state || state & 1)
		return false;
	/* A copy that raced with a writer is noticed below. */
	data_race(*err = slot->err);
	/* Pairs with the cmpxchg in slot_claim(). */
	smp_rmb();
	return atomic64_read(&slot->state) == state;
}

static struct nebula_error_slot *slot_of(u64 seq)
{
	return &ring[seq % NEBULA_RING_SIZE];
}

/* How often the record of slot @i repeated, and the low half of the record's sequence number. */
u64 nebula_ring_repeats(unsigned int i, u64 *seq)
{
	const u64 repeats = atomic64_read(&ring[i].repeats);

	*seq = repeats >> 32;
	return (u32)repeats;
}

static u32 repeats_of(u64 seq)
{
	u64 of, n = nebula_ring_repeats(seq % NEBULA_RING_SIZE, &of);

	return of == (u32)seq ? n : 0;
}

/* One more like record @seq; false when the ring does not hold it any more. */
static bool slot_repeat(u64 seq)
{
	atomic64_t *repeats = &slot_of(seq)->repeats;
	s64 old = atomic64_read(repeats);

	do {
		if ((u64)old >> 32 != (u32)seq || (u32)old == U32_MAX)
			return false;
	} while (!atomic64_try_cmpxchg(repeats, &old, old + 1));
	return true;
}

/* Reads record @seq if the ring still holds it. Any context. */
bool nebula_ring_read(u64 seq, struct nebula_error *err)
{
	if (!slot_read(slot_of(seq), err) || err->seq != seq)
		return false;
	err->repeated = repeats_of(seq);
	return true;
}

struct nebula_progress nebula_ring_progress(void)
{
	struct nebula_progress p;

	/* Pairs with the barrier in publish(). */
	p.finished = atomic64_read_acquire(&finished);
	p.newest = atomic64_read(&newest);
	return p;
}

/* An interrupt on top of a notifier is not the notifier. */
static bool is_by_notifier(enum nebula_context context)
{
	return context == NEBULA_IN_TASK && nebula_delivering_to_notifier();
}

/* A name that was refused may be anything, and is not to spoil the report. */
static void fill_name(char name[NEBULA_NAME_SIZE], const struct nebula_failure *f)
{
	char *c;

	if (f->allocator) {
		strscpy(name, nebula_allocator_name(f->allocator), NEBULA_NAME_SIZE);
		return;
	}
	strscpy(name, f->name && *f->name ? f->name : "(none)", NEBULA_NAME_SIZE);
	for (c = name; *c; c++)
		if (!isascii(*c) || !isgraph(*c))
			*c = '?';
}

/* What the allocator is, and how full; @usage as in &struct nebula_failure. Returns its budget. */
static const struct nebula_budget *fill_state(struct nebula_error *err,
					      const struct nebula_allocator *a,
					      const struct nebula_usage *usage)
{
	const struct nebula_usage u = usage ? *usage : nebula_allocator_usage(a);

	err->id = a->reg ? a->reg->id : 0;
	err->kind = a->ops->kind;
	err->flags = a->flags;
	err->used = u.used;
	err->available = u.available;
	err->capacity = u.capacity;
	err->peak = u.peak;
	err->max_capacity = u.max_capacity;
	err->promised = u.promised;
	err->unit = u.unit;
	err->waiters = u.waiters;
	err->buffer = u.buffer;
	err->utilisation = u.capacity ? div64_u64((u64)u.used * 1000, u.capacity) : 0;
	err->growth_pending = u.growth_pending;
	return u.budget;
}

/* Is it memory that is missing, which growth would have brought? */
static bool wants_memory(const struct nebula_error *err)
{
	switch (err->code) {
	case NEBULA_E_BUDGET_EXCEEDED:
	case NEBULA_E_BUDGET_PER_ALLOC:
		return err->detail == NEBULA_D_BUDGET;
	case NEBULA_E_OUT_OF_MEMORY:
	case NEBULA_E_POOL_EXHAUSTED:
	case NEBULA_E_BACKING_FAILED:
		return err->flags & NEBULA_GROW && err->detail != NEBULA_D_INJECTED &&
		       err->capacity < err->max_capacity;
	default:
		return false;
	}
}

/* Growth asks for whole pages, down to what the request needs. */
static void blame_budget(struct nebula_error *err, const struct nebula_budget *budget)
{
	const size_t bytes = max(err->size, err->unit);

	if (budget && bytes <= NEBULA_CAPACITY_MAX && wants_memory(err) &&
	    nebula_budget_blame(budget, err, max(PAGE_ALIGN(bytes), PAGE_SIZE)))
		err->detail = NEBULA_D_BUDGET;
}

/* What was asked for, and of what. */
static void fill_request(struct nebula_error *err, const struct nebula_failure *f)
{
	const struct nebula_budget *budget = f->budget;

	memset(err, 0, sizeof(*err));
	err->kind = f->kind;
	if (f->allocator)
		budget = fill_state(err, f->allocator, f->usage);
	err->code = f->code;
	err->detail = f->detail;
	err->size = f->size;
	err->align = f->align;
	err->need = f->need;
	err->overhead = f->overhead;
	err->pointer = f->pointer;
	err->offset = f->offset;
	err->block = (long)f->block - 1;
	err->value = f->value;
	err->limit = f->limit;
	err->growth_pending |= f->growth_pending;
	fill_name(err->name, f);
	strscpy(err->what, f->what ?: "", sizeof(err->what));
	blame_budget(err, budget);
}

/* Where, and who. */
static void fill_place(struct nebula_error *err, const struct nebula_failure *f)
{
	err->time_ns = local_clock();
	err->context = nebula_context_here();
	err->cpu = raw_smp_processor_id();
	err->pid = current->pid;
	strscpy(err->comm, current->comm, sizeof(err->comm));
	err->by_notifier = is_by_notifier(err->context);
}

static noinline void fill_entries(struct nebula_error *err, const struct nebula_failure *f)
{
	if (f->nr_entries) {
		err->nr_entries = min_t(unsigned int, f->nr_entries, NEBULA_BACKTRACE_MAX);
		memcpy(err->entries, f->entries, err->nr_entries * sizeof(*err->entries));
		return;
	}
	/* Leaves out the functions from nebula_error_record() on. */
	err->nr_entries = compat_stack_save(err->entries, NEBULA_BACKTRACE_MAX, 3);
}

/* An error that does not get a record of its own. */
static void count_repeat(void)
{
	atomic64_inc(&repeated);
	nebula_deliver_repeat();
}

/* Is record @seq, if the ring still holds it, the same as @err but for time, task and CPU? */
static bool is_same(u64 seq, const struct nebula_error *err)
{
	const size_t from = offsetof(struct nebula_error, id);
	const struct nebula_error_slot *slot = slot_of(seq);
	bool same;

	if (seq <= READ_ONCE(cleared) || atomic64_read_acquire(&slot->state) != 2 * seq)
		return false;
	/* A comparison that raced with a writer is noticed below. */
	data_race(same = !memcmp((const char *)&slot->err + from, (const char *)err + from,
				 sizeof(*err) - from));
	/* Pairs with the cmpxchg in slot_claim(). */
	smp_rmb();
	return same && atomic64_read(&slot->state) == 2 * seq;
}

/* The allocator's own copy survives the ring being lapped by others. */
static void keep_with_allocator(struct nebula_allocator *a, const struct nebula_error *err)
{
	if (a->reg)
		slot_write(&a->reg->last_error, err);
	WRITE_ONCE(a->last_error, err->seq);
	WRITE_ONCE(a->last_refusal, 0);
}

static void publish(struct nebula_error *err, const struct nebula_failure *f)
{
	struct nebula_error_slot *slot;
	struct nebula_error *copy;

	err->seq = atomic64_inc_return(&newest);
	slot = slot_of(err->seq);
	copy = slot_claim(slot, err->seq);
	if (copy) {
		memcpy(copy, err, sizeof(*copy));
		slot->detail = f->detail;
		slot_publish(slot, err->seq);
	} else {
		atomic64_inc(&lost);
	}
	if (f->allocator)
		keep_with_allocator(f->allocator, err);
	else
		atomic64_set(&newest_unowned, err->seq);
	/* The first corruption of an allocator is passed on even if the ring is lapped. */
	if (err->first && nebula_errc_severity(err->code) == NEBULA_CORRUPT)
		slot_write(&kept[(unsigned int)atomic_inc_return(&newest_kept) % KEPT_SIZE], err);
	/* After the record; pairs with the acquire in nebula_ring_progress(). */
	smp_mb__before_atomic();
	atomic64_inc(&finished);
}

static noinline void record_in_full(const struct nebula_failure *f, bool first)
{
	struct nebula_allocator *a = f->allocator;
	const u64 last = a ? READ_ONCE(a->last_error) : atomic64_read(&newest_unowned);
	struct nebula_error err;

	fill_request(&err, f);
	fill_place(&err, f);
	fill_entries(&err, f);
	err.detail = nebula_detail_of(&err);
	err.first = first;
	if (last && is_same(last, &err) && slot_repeat(last)) {
		if (a)
			WRITE_ONCE(a->last_refusal, 0);
		count_repeat();
		return;
	}
	publish(&err, f);
	trace_error(&err, nebula_errc_name(err.code));
	nebula_deliver_record();
}

/* Codes that a correct caller may meet again and again. */
#define REFUSALS									\
	(BIT(NEBULA_E_OUT_OF_MEMORY) | BIT(NEBULA_E_POOL_EXHAUSTED) |			\
	 BIT(NEBULA_E_BACKING_FAILED) | BIT(NEBULA_E_EXCEEDS_MAX) |			\
	 BIT(NEBULA_E_WRONG_CONTEXT) | BIT(NEBULA_E_BUDGET_EXCEEDED) |			\
	 BIT(NEBULA_E_BUDGET_PER_ALLOC) | BIT(NEBULA_E_TIMED_OUT) | BIT(NEBULA_E_INTERRUPTED))

/* One bit, or one number of REFUSAL_CODE, each. */
static_assert(NEBULA_E_NR <= BITS_PER_LONG);

/* And those that send a caller to another allocator: the blocks of this one are too small, too. */
#define MISSES		(REFUSALS | BIT(NEBULA_E_INVALID_LAYOUT))

static bool is_one_of(unsigned long codes, const struct nebula_failure *f)
{
	return f->allocator && BIT(f->code) & codes;
}

/*
 * A refusal in a word: what the caller asked for, and the low bits of the record that it repeats,
 * or none. A larger size, or an alignment that is none, does not fit, and is recorded in full.
 */
#define REFUSAL_CODE	GENMASK_ULL(5, 0)
#define REFUSAL_ALIGN	GENMASK_ULL(11, 6)
#define REFUSAL_SIZE	GENMASK_ULL(47, 12)
#define REFUSAL_LIKE	BIT_ULL(48)
#define REFUSAL_DETAIL	GENMASK_ULL(55, 49)
#define REFUSAL_SEQ	GENMASK_ULL(63, 56)

static_assert(NEBULA_D_NR <= 128);

static bool fits_in_word(const struct nebula_failure *f)
{
	return f->size <= FIELD_MAX(REFUSAL_SIZE) && (!f->align || is_power_of_2(f->align)) &&
	       f->align <= 1UL << 62;
}

static u64 word_of(const struct nebula_failure *f, u64 repeats)
{
	return FIELD_PREP(REFUSAL_CODE, f->code) | FIELD_PREP(REFUSAL_SIZE, f->size) |
	       FIELD_PREP(REFUSAL_ALIGN, f->align ? ilog2(f->align) + 1 : 0) |
	       (repeats ? REFUSAL_LIKE : 0) | FIELD_PREP(REFUSAL_DETAIL, f->detail) |
	       FIELD_PREP(REFUSAL_SEQ, repeats & FIELD_MAX(REFUSAL_SEQ));
}

/* True from the refusal on that is one too many for a second. A race costs a record. */
static bool is_flood(struct nebula_allocator *a)
{
	const u32 now = jiffies;

	if (now - READ_ONCE(a->second) >= HZ || READ_ONCE(a->last_error) <= READ_ONCE(cleared)) {
		WRITE_ONCE(a->second, now);
		atomic_set(&a->full_records, 0);
	}
	return atomic_read(&a->full_records) >= FULL_RECORDS ||
	       atomic_inc_return(&a->full_records) > FULL_RECORDS;
}

static bool is_same_text(const char what[NEBULA_WHAT_SIZE], const char *other)
{
	return other ? !strncmp(what, other, NEBULA_WHAT_SIZE - 1) : !what[0];
}

/* Does record @seq, if the ring still holds it, tell of the same operation and code? */
static bool is_like(u64 seq, const struct nebula_failure *f)
{
	const bool by_notifier = is_by_notifier(nebula_context_here());
	const struct nebula_error_slot *slot = slot_of(seq);
	bool like;

	if (atomic64_read_acquire(&slot->state) != 2 * seq)
		return false;
	/* A comparison that raced with a writer is noticed below. */
	like = data_race(slot->err.code == f->code && slot->detail == f->detail &&
			 slot->err.by_notifier == by_notifier &&
			 is_same_text(slot->err.what, f->what));
	/* Pairs with the cmpxchg in slot_claim(). */
	smp_rmb();
	return like && atomic64_read(&slot->state) == 2 * seq;
}

static void count_refusal(const struct nebula_failure *f)
{
	struct nebula_allocator *a = f->allocator;
	const u64 last = READ_ONCE(a->last_error);
	const bool like = is_like(last, f) && slot_repeat(last);

	WRITE_ONCE(a->last_refusal, word_of(f, like ? last : 0));
	count_repeat();
}

static bool is_code(enum nebula_errc code)
{
	return code != NEBULA_OK && (unsigned int)code < NEBULA_E_NR;
}

/* A number that is no code is recorded as one: a client's own kind may return any. */
static noinline __cold int record_invalid(const struct nebula_failure *f)
{
	struct nebula_failure valid = *f;

	valid.code = NEBULA_E_INVALID_STATE;
	return nebula_error_record(&valid);
}

/*
 * Record an error, or count it. Any context; takes no lock. Returns the negative errno of the code.
 * Not __cold: a client at its bound comes here often.
 */
noinline int nebula_error_record(const struct nebula_failure *f)
{
	bool first = true;

	if (unlikely(!is_code(f->code)))
		return record_invalid(f);
	if (f->allocator)
		first = atomic_long_inc_return(&f->allocator->failures[f->code]) == 1;
	if (is_one_of(MISSES, f) && nebula_is_quiet())
		atomic64_inc(&quiet);
	else if (!first && is_one_of(REFUSALS, f) && fits_in_word(f) && is_flood(f->allocator))
		count_refusal(f);
	else
		record_in_full(f, first);
	return nebula_errc_to_errno(f->code);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_error_record);

static bool read_newest(const struct nebula_allocator *a, struct nebula_error *err)
{
	const u64 seq = READ_ONCE(a->last_error);

	if (!seq)
		return false;
	if (!a->reg || !slot_read(&a->reg->last_error, err))
		return nebula_ring_read(seq, err);
	err->repeated = repeats_of(err->seq);
	return true;
}

/* In place of a record: the state as it is now. */
static void describe(struct nebula_error *err, const struct nebula_allocator *a)
{
	memset(err, 0, sizeof(*err));
	fill_state(err, a, NULL);
	strscpy(err->name, nebula_allocator_name(a), sizeof(err->name));
}

bool nebula_allocator_last_error(const struct nebula_allocator *a, struct nebula_error *err)
{
	const u64 word = READ_ONCE(a->last_refusal);
	const bool found = read_newest(a, err);
	unsigned int shift;
	bool like;

	if (!word)
		return found;
	like = found && word & REFUSAL_LIKE &&
	       FIELD_GET(REFUSAL_SEQ, word) == (err->seq & FIELD_MAX(REFUSAL_SEQ));
	if (!like)
		describe(err, a);
	shift = FIELD_GET(REFUSAL_ALIGN, word);
	err->brief = true;
	err->code = FIELD_GET(REFUSAL_CODE, word);
	err->size = FIELD_GET(REFUSAL_SIZE, word);
	err->align = shift ? 1UL << (shift - 1) : 0;
	if (like)
		return true;
	err->detail = FIELD_GET(REFUSAL_DETAIL, word);
	err->detail = nebula_detail_of(err);
	return true;
}
EXPORT_SYMBOL_GPL(nebula_allocator_last_error);

/* Reads the oldest of the kept corruptions from record @seq on, before @end. */
bool nebula_kept_read(u64 seq, u64 end, struct nebula_error *err)
{
	const struct nebula_error_slot *slot, *oldest = NULL;
	s64 state;

	for (slot = kept; slot < kept + KEPT_SIZE; slot++) {
		state = atomic64_read(&slot->state);
		if (state & 1 || state < 2 * seq || state >= 2 * end)
			continue;
		oldest = slot;
		end = state / 2;
	}
	return oldest && slot_read(oldest, err) && err->seq == end;
}

/* How many errors there were. Any context. */
void nebula_error_counts(struct nebula_error_counts *c)
{
	c->recorded = atomic64_read(&newest);
	c->repeated = atomic64_read(&repeated);
	c->quiet = atomic64_read(&quiet);
	c->lost = atomic64_read(&lost);
	c->unheard = nebula_deliver_missed();
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_error_counts);

/* From @seq on all that the ring holds, oldest first, one after another in @err. */
static void visit(u64 seq, struct nebula_error *err,
		  void (*fn)(const struct nebula_error *err, void *data), void *data)
{
	const u64 last = atomic64_read(&newest);

	if (last > NEBULA_RING_SIZE && seq <= last - NEBULA_RING_SIZE)
		seq = last - NEBULA_RING_SIZE + 1;
	for (; seq <= last; seq++)
		if (nebula_ring_read(seq, err))
			fn(err, data);
}

/* Shows @fn all records that the ring holds; none without memory. Process context. */
void nebula_errors_visit(void (*fn)(const struct nebula_error *err, void *data), void *data)
{
	struct nebula_error *err = kmalloc(sizeof(*err), GFP_KERNEL);

	if (err)
		visit(1, err, fn, data);
	kfree(err);
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_errors_visit);

/* Records being printed. */
struct rendering {
	struct nebula_text *t;		/* where to */
	u64 id;				/* of which allocator; 0: of all */
	u64 seq;			/* newest record that was printed */
	struct nebula_error err;	/* a record */
	char buf[NEBULA_REPORT_SIZE];	/* its report */
};

static void render(const struct nebula_error *err, void *data)
{
	struct rendering *r = data;

	if (r->id && err->id != r->id)
		return;
	r->seq = err->seq;
	nebula_error_snprint(r->buf, sizeof(r->buf), err);
	nebula_text_printf(r->t, "%s", r->buf);
}

/* The newest record of an allocator, which others may have pushed out of the ring. */
static void render_own(const struct nebula_registration *reg, u64 since, struct rendering *r)
{
	if (slot_read(&reg->last_error, &r->err) && r->err.seq > since && r->err.seq > r->seq) {
		r->err.repeated = repeats_of(r->err.seq);
		render(&r->err, r);
	}
}

/*
 * All records since the last clear that the ring still holds, newest last; with @reg only those of
 * this allocator, and its newest one in any case. Process context.
 */
void nebula_errors_render(struct nebula_text *t, const struct nebula_registration *reg)
{
	struct rendering *r = kmalloc(sizeof(*r), GFP_KERNEL);
	const u64 since = READ_ONCE(cleared);

	if (!r) {
		t->failed = true;
		return;
	}
	r->t = t;
	r->id = reg ? reg->id : 0;
	r->seq = 0;
	visit(since + 1, &r->err, render, r);
	if (reg)
		render_own(reg, since, r);
	kfree(r);
}

void nebula_errors_clear(void)
{
	WRITE_ONCE(cleared, atomic64_read(&newest));
}
EXPORT_SYMBOL_FOR_NEBULA_KUNIT(nebula_errors_clear);
