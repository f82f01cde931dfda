// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owner mode of the stack: one owner at a time, in whatever context it runs; nothing here takes a
 * lock or an atomic on the stack. Statistics and debugfs read while the owner runs; what they see
 * is checked before it is believed.
 *
 * What is known of objects lies in an array of its own, see <nebula/stack.h>, so an overrun cannot
 * break the order, and a capacity is one to the last byte:
 *
 *	start                       offset handed out next        end
 *	 |####A####|#####B#####|..|###C###|...........................|
 *	 ^         ^           ^  ^       ^
 *	 mark 1    A ends      B  TAG|C   C ends, = *top              entries, oldest first
 *
 * Every push keeps as many entries free as there are grains left. A push that would not - of a
 * small object, of one behind padding, of a mark - takes some of the bytes too. So the inline path,
 * which takes a grain at least for one entry, need not check whether there is one; and a pop leads
 * back to a state that had room enough.
 *
 * A mark is a value and an entry that has the same id. The entry goes when what lies below it goes,
 * and then another one may come to its place, with another id. So a mark is valid iff its id is
 * found where it was left, which is at once known at any depth.
 */
#include <linux/align.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include "../error/error.h"
#include "priv.h"

/* A reader that the owner always changes the top under gives up after so many. */
#define MAX_RETRIES	32

#define ID_TAGS	((u64)NEBULA_STACK_TAG << 32 | NEBULA_STACK_TAG)

static bool is_tagged(u32 entry)
{
	return entry & NEBULA_STACK_TAG;
}

static bool is_mark(const u32 *at)
{
	return is_tagged(READ_ONCE(at[-1])) && is_tagged(READ_ONCE(at[-2]));
}

/* Where the object begins whose last entry is at @at. */
static u32 start_of(const u32 *at)
{
	return READ_ONCE(at[-1]) & ~NEBULA_STACK_TAG;
}

/* The last entry of what is older. */
static u32 *older_than(u32 *at)
{
	if (is_mark(at))
		return at - STACK_MARK_ENTRIES;
	return is_tagged(READ_ONCE(at[-1])) ? at - 2 : at - 1;
}

/* The last entry of the newest object, past the mark that may lie on it; NULL without objects. */
static u32 *newest_object(const struct nebula_stack *s)
{
	u32 *at = s->top;

	while (is_mark(at)) {
		if (at == s->bottom)
			return NULL;
		at -= STACK_MARK_ENTRIES;
	}
	return at;
}

/* A mark that was not there before, with @cur handed out next. Returns its id. */
static u64 write_mark(struct nebula_stack *s, u32 *at, u32 cur)
{
	/* It has the tags of the entries that say it, and counts in what they leave. */
	const u64 id = (s->marks + 1) | ID_TAGS;
	const u32 *half = (const u32 *)&id;

	WRITE_ONCE(s->marks, id);
	WRITE_ONCE(at[-2], half[0]);
	WRITE_ONCE(at[-1], half[1]);
	WRITE_ONCE(at[0], cur);
	return id;
}

/* The inline paths are gone: what @limit said of the peak is kept. Context: the owner's. */
void stack_owner_stop_inline(struct nebula_stack *s)
{
	WRITE_ONCE(s->peak, max(s->peak, READ_ONCE(s->limit)));
	WRITE_ONCE(s->limit, NEBULA_STACK_LIMIT_NONE);
	WRITE_ONCE(s->self, ERR_PTR(-EINVAL));
}

static void update_peak(struct nebula_stack *s, u32 cur)
{
	const u32 limit = READ_ONCE(s->limit);

	if (!limit)
		WRITE_ONCE(s->peak, max(s->peak, cur));
	else if (cur > limit)
		stack_owner_raise(s, cur);
}

/* Highest offset since the peak began. Any context. */
static u32 peak_of(const struct nebula_stack *s, u32 cur)
{
	return max(max3(READ_ONCE(s->limit), READ_ONCE(s->peak), READ_ONCE(s->kept_limit)), cur);
}

/*
 * Take the inline paths away if the stack is watched. The peak is kept where only we write.
 * Context: any, one at a time; the owner may be running.
 */
void stack_owner_update_path(struct nebula_allocator *a)
{
	struct nebula_stack *s = stack_of(a);
	u32 limit;

	if (!nebula_fastpath_disabled(a))
		return;
	/* Before the limit: when that is gone the owner may go back at once. */
	WRITE_ONCE(s->self, ERR_PTR(-EINVAL));
	limit = xchg(&s->limit, NEBULA_STACK_LIMIT_NONE);
	if (limit)
		WRITE_ONCE(s->kept_limit, limit);
}

/* What is in use now is the peak from now on. The owner's context. Lock: fastpath_mutex. */
void stack_owner_reset_peak(struct nebula_allocator *a)
{
	struct nebula_stack *s = stack_of(a);

	WRITE_ONCE(s->kept_limit, 0);
	WRITE_ONCE(s->peak, *s->top);
	if (s->limit)
		WRITE_ONCE(s->limit, *s->top);
}

/* Back to the inline paths, unless they are disabled. The owner's context. */
void stack_owner_resume_inline(struct nebula_stack *s)
{
	const u32 cur = *s->top;

	if (!stack_is_inline(s))
		return;
	if (!s->cleanups)
		WRITE_ONCE(s->self, s);
	stack_owner_raise(s, peak_of(s, cur));
}

/* Restores come out of line while a cleanup may be due. What is not below @c starts there. */
void stack_owner_defer(struct nebula_stack *s, struct nebula_cleanup *c)
{
	c->at = (unsigned long)c - s->base + 1;
	nebula_cleanup_push(&s->cleanups, c);
	WRITE_ONCE(s->self, ERR_PTR(-EINVAL));
}

/* Calls what is due above the offset @above; 0 for all. */
static void run_cleanups(struct nebula_stack *s, u32 above)
{
	nebula_cleanups_run(&s->common, &s->cleanups, above);
	if (!s->cleanups)
		stack_owner_resume_inline(s);
}

/* Nothing is in use, and no mark of before is valid. */
static void empty(struct nebula_stack *s)
{
	write_mark(s, s->bottom, s->start);
	WRITE_ONCE(s->extras, STACK_MARK_ENTRIES);
	WRITE_ONCE(s->top, s->bottom);
}

/* The first use of a stack whose memory, entries and flags are known. */
void stack_owner_begin(struct nebula_stack *s)
{
	s->bottom = s->entries + STACK_BOTTOM;
	s->peak = s->start;
	s->kept_limit = 0;
	s->limit = stack_is_inline(s) ? s->start : NEBULA_STACK_LIMIT_NONE;
	s->self = stack_is_inline(s) ? s : ERR_PTR(-EINVAL);
	empty(s);
}

/* Bytes that there are entries for when @n more are pushed; less than 0 if those do not fit. */
static long covered(const struct nebula_stack *s, unsigned int n)
{
	const long room = ((long)s->room - 1 - n) * (long)sizeof(*s->top);

	return (room - ((void *)s->top - (void *)s->entries)) *
	       (long)(NEBULA_STACK_GRAIN / sizeof(*s->top));
}

/*
 * Where the next object may begin when @n entries are pushed and @next bytes are in use: further
 * up, if so few entries would be left. 0 without any.
 */
static u32 settle(const struct nebula_stack *s, u32 next, unsigned int n)
{
	const long left = covered(s, n);

	if (left < 0)
		return 0;
	return left < (long)(s->end - next) ? s->end - left : next;
}

static void count_taken(struct nebula_stack *s, u32 taken, u32 lost)
{
	WRITE_ONCE(s->padding, s->padding + lost);
	WRITE_ONCE(s->consumed, s->consumed + taken);
}

static void push(struct nebula_stack *s, u32 start, u32 next, size_t asked)
{
	u32 cur = *s->top;

	if (start != cur) {
		WRITE_ONCE(s->top[1], NEBULA_STACK_TAG | start);
		WRITE_ONCE(s->top[2], next);
		WRITE_ONCE(s->top, s->top + 2);
		WRITE_ONCE(s->extras, s->extras + 1);
	} else {
		WRITE_ONCE(s->top[1], next);
		WRITE_ONCE(s->top, s->top + 1);
	}
	count_taken(s, next - cur, next - cur - asked);
	WRITE_ONCE(s->allocs, s->allocs + 1);
	update_peak(s, next);
}

/*
 * A capacity that would have sufficed, entries included. Where objects go once entries are few
 * depends on what is left of the last grain, so that stays as it is.
 */
size_t stack_owner_needed(const struct nebula_stack *s, size_t size, size_t align)
{
	const size_t used = *s->top - s->start, capacity = s->end - s->start;
	const size_t more = used + size + align + 2 * NEBULA_STACK_GRAIN - capacity;

	if (!s->heap)
		return stack_buffer_for(s, DIV_ROUND_UP(more, NEBULA_STACK_GRAIN));
	if (s->heap->request.backing == NEBULA_BUFFER)
		return capacity + ALIGN(more, NEBULA_STACK_GRAIN);
	return PAGE_ALIGN(ALIGN(used, align) + max(size, 2 * NEBULA_STACK_GRAIN) +
			  (align > PAGE_SIZE ? align : 0));
}

/* NULL when it does not fit. */
void *stack_owner_alloc(struct nebula_stack *s, size_t size, size_t align, size_t asked)
{
	const unsigned long from = s->base + *s->top, p = ALIGN(from, align);
	u32 start, next;

	if (p < from || p > s->base + s->end || size > s->base + s->end - p)
		return NULL;
	start = p - s->base;
	next = settle(s, start + size, p == from ? 1 : 2);
	if (!next)
		return NULL;
	push(s, start, next, asked);
	return (void *)p;
}

/* The newest object; false without any. */
bool stack_owner_top(const struct nebula_stack *s, struct stack_object *o)
{
	const u32 *at = newest_object(s);

	if (!at)
		return false;
	o->base = (void *)(s->base + start_of(at));
	o->size = *at - start_of(at);
	return true;
}

/* The object whose last entry is at @at goes, and the marks on it. */
static void pop_at(struct nebula_stack *s, u32 *at)
{
	u32 *to = older_than(at);
	unsigned int extras = (s->top - at) + (at - to - 1);

	nebula_guard_poison(&s->common, (void *)(s->base + *to), *s->top - *to);
	WRITE_ONCE(s->extras, s->extras - extras);
	WRITE_ONCE(s->top, to);
}

/* The newest object goes; there is one. */
void stack_owner_pop(struct nebula_stack *s)
{
	pop_at(s, newest_object(s));
}

/* The newest object goes, if it begins at @p. */
bool stack_owner_pop_this(struct nebula_stack *s, const void *p)
{
	u32 *at = newest_object(s);

	if (!at || (unsigned long)p != s->base + start_of(at))
		return false;
	pop_at(s, at);
	return true;
}

/* The newest object gets another size where it is, if that fits. */
enum nebula_errc stack_owner_resize(struct nebula_stack *s, size_t new_size)
{
	u32 *at = newest_object(s), start = start_of(at), old = *s->top, next;

	if (new_size > s->end - start)
		return NEBULA_E_OUT_OF_MEMORY;
	next = settle(s, start + new_size, 0);
	if (next < old)
		nebula_guard_poison(&s->common, (void *)(s->base + next), old - next);
	/* A mark on it is still one of what lies below. */
	WRITE_ONCE(*at, next);
	WRITE_ONCE(*s->top, next);
	if (next > old)
		count_taken(s, next - old, next - max_t(u32, old, start + new_size));
	update_peak(s, next);
	return NEBULA_OK;
}

static void put_mark(struct nebula_stack *s, struct nebula_mark *m, u32 next)
{
	u32 *top = s->top;

	/* As in covered(), which has computed most of it. */
	m->at = ((void *)top - (void *)s->bottom) + STACK_MARK_ENTRIES * sizeof(*top);
	m->id = write_mark(s, top + STACK_MARK_ENTRIES, next);
	m->extras = s->extras + STACK_MARK_ENTRIES;
	WRITE_ONCE(s->top, top + STACK_MARK_ENTRIES);
	WRITE_ONCE(s->extras, m->extras);
}

/* A mark that may take some of the bytes with its entries. */
void stack_owner_mark(struct nebula_stack *s, struct nebula_mark *m)
{
	const u32 cur = *s->top, next = settle(s, cur, STACK_MARK_ENTRIES);

	if (!next) {
		*m = stack_no_mark(s);
		nebula_fail(&s->common, NEBULA_E_EXCEEDS_MAX, .detail = NEBULA_D_MARKS,
			    .what = "mark");
		return;
	}
	put_mark(s, m, next);
	count_taken(s, next - cur, next - cur);
	update_peak(s, next);
}

/* nebula_stack_mark() where on top is no mark. */
void nebula_stack_mark_fresh(struct nebula_stack *s, struct nebula_mark *m)
{
	const u32 cur = *s->top;

	/* A shared one has no room for entries. */
	if (likely(covered(s, STACK_MARK_ENTRIES) >= (long)(s->end - cur)))
		put_mark(s, m, cur);
	else
		stack_mark(s, m);
}
EXPORT_SYMBOL_GPL(nebula_stack_mark_fresh);

static bool is_intact(struct nebula_stack *s, const u32 *at)
{
	return nebula_guard_verify(&s->common, (void *)(s->base + start_of(at)));
}

/* What is about to go: with debug flags it is inspected; it is filled as those flags say. */
static void release_above(struct nebula_stack *s, const u32 *to)
{
	u32 *at;

	for (at = s->top; stack_is_guarded(s) && at > to; at = older_than(at))
		if (!is_mark(at) && !is_intact(s, at))
			break;
	nebula_guard_poison(&s->common, (void *)(s->base + *to), *s->top - *to);
}

static bool is_stale(const struct nebula_stack *s, const struct nebula_mark *m, const u32 *at)
{
	return m->at > (s->top - s->bottom) * sizeof(*at) || nebula_stack_mark_id(at) != m->id;
}

enum nebula_errc stack_owner_restore(struct nebula_stack *s, const struct nebula_mark *m)
{
	u32 *at = s->bottom + m->at / sizeof(*at);

	if (m->owner != s || !m->id)
		return NEBULA_E_FOREIGN_CHECKPOINT;
	if (is_stale(s, m, at))
		return NEBULA_E_STALE_CHECKPOINT;
	if (nebula_cleanups_due(s->cleanups, *at)) {
		run_cleanups(s, *at);
		if (is_stale(s, m, at))
			return NEBULA_E_STALE_CHECKPOINT;
	}
	release_above(s, at);
	WRITE_ONCE(s->extras, m->extras);
	WRITE_ONCE(s->top, at);
	return NEBULA_OK;
}

void stack_owner_reset(struct nebula_stack *s)
{
	if (s->cleanups)
		run_cleanups(s, 0);
	release_above(s, s->bottom);
	WRITE_ONCE(s->resets, s->resets + 1);
	empty(s);
}

/*
 * The offset that is handed out next, for a reader in any context. The owner may give the entry
 * another meaning after the reader has found where it is; a reader that always meets that gets an
 * offset that is bounded.
 */
static u32 read_cursor(const struct nebula_stack *s)
{
	u32 *top, cur = 0;
	unsigned int i;

	for (i = 0; i < MAX_RETRIES; i++) {
		top = READ_ONCE(s->top);
		cur = READ_ONCE(*top);
		if (!is_tagged(cur) && READ_ONCE(s->top) == top)
			break;
	}
	return clamp(cur, s->start, s->end);
}

void stack_owner_usage(const struct nebula_allocator *a, struct nebula_usage *u)
{
	const struct nebula_stack *s = stack_of(a);
	const u32 cur = read_cursor(s);

	u->used = cur - s->start;
	u->capacity = s->end - s->start;
	u->available = s->end - cur;
	u->max_capacity = u->capacity;
	u->peak = peak_of(s, cur) - s->start;
	u->buffer = !s->heap || s->heap->request.backing == NEBULA_BUFFER;
}

void stack_owner_stats(const struct nebula_allocator *a, struct nebula_stats *st)
{
	const struct nebula_stack *s = stack_of(a);
	const u64 entries = READ_ONCE(s->top) - s->entries + 1, consumed = READ_ONCE(s->consumed);
	const u64 live = entries - min_t(u64, READ_ONCE(s->extras), entries);

	st->allocs = READ_ONCE(s->allocs);
	st->frees = st->allocs - min(live, st->allocs);
	st->padding = READ_ONCE(s->padding);
	st->bytes_in = consumed - min(st->padding, consumed);
	st->bytes_out = consumed - min_t(u64, read_cursor(s) - s->start, consumed);
	st->resets = READ_ONCE(s->resets);
	st->regions = 1;
}

/*
 * Shows @fn all objects and marks, newest first. False when the owner ran at the same time: then
 * what @fn was shown is void. What the owner overwrites is not followed.
 */
bool stack_owner_visit(const struct nebula_stack *s, stack_visit_fn fn, void *data)
{
	const u32 *bottom = s->bottom;
	const unsigned long allocs = READ_ONCE(s->allocs), marks = READ_ONCE(s->marks);
	u32 *top = READ_ONCE(s->top), *at = top;
	struct stack_object o;

	for (;;) {
		o.base = is_mark(at) ? NULL : (void *)(s->base + start_of(at));
		o.size = o.base ? READ_ONCE(*at) - start_of(at) : 0;
		if (READ_ONCE(s->top) != top || READ_ONCE(s->allocs) != allocs ||
		    READ_ONCE(s->marks) != marks)
			return false;
		if (!fn(&o, data) || at == bottom)
			break;
		at = older_than(at);
		if (at < bottom)
			return false;
	}
	return READ_ONCE(s->top) == top && READ_ONCE(s->allocs) == allocs;
}
