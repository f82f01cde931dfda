// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: alloc and free where they are not inline.
 *
 * Everything on the way of an allocation or a free runs in any context, takes no lock and waits for
 * nothing. Preemption is off wherever the table or a magazine is used.
 */
#include <linux/atomic.h>
#include <linux/export.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <trace/events/nebula.h>
#include "../core/context.h"
#include "../core/guard_page.h"
#include "../core/inject.h"
#include "../error/error.h"
#include "priv.h"

/* Asks for something that not every context may do; see kick_work(). Any context. */
void pool_wish(struct nebula_pool_heap *heap, unsigned int wish)
{
	nebula_kick_for(wish, &heap->wishes, &heap->kick);
}

/*
 * How large the pool is, and whether it may become larger. Read before the search for blocks: then
 * there will be more, or the search sees the last of them.
 */
struct pool_size pool_size(const struct nebula_pool_heap *heap)
{
	/* Pairs with pool_account(). */
	const unsigned long nominal = smp_load_acquire(&heap->nominal);

	return (struct pool_size){
		.nominal = nominal,
		.most = heap->slow_reasons & POOL_STRICT ? nominal : READ_ONCE(heap->blocks),
		.may_grow = heap->pool.common.flags & NEBULA_GROW &&
			    nominal < READ_ONCE(heap->max_blocks),
	};
}

/* More blocks will come. The state is as the search found it, before the pool grew. */
static noinline void fail_outrun(struct nebula_pool_heap *heap, const struct nebula_failure *f,
				 unsigned long nominal, unsigned long live)
{
	const size_t each = heap->pool.block_size;
	struct nebula_failure outrun = *f;
	struct nebula_usage u;

	pool_usage(&heap->pool.common, &u);
	u.used = live * each;
	u.capacity = max(nominal, live) * each;
	u.available = u.capacity - u.used;
	u.peak = max(u.peak, u.used);
	u.promised = nominal * each;
	u.growth_pending = true;
	outrun.usage = &u;
	nebula_error_record(&outrun);
}

/*
 * Records that there are not @n blocks; evaluates to what alloc returns. @size is what the pool was
 * before the search: when there are more blocks by now, trying again helps, too.
 */
noinline void *pool_exhausted(struct nebula_pool_heap *heap, enum nebula_detail detail,
			      const char *what, unsigned int n, struct pool_size size)
{
	const long left = atomic_long_read(&heap->avail);
	const unsigned long live = size.most - clamp_t(long, left, 0, n - 1);
	const bool at_limit = heap->pool.common.flags & NEBULA_GROW && !size.may_grow;
	const struct nebula_failure f = {
		.allocator = &heap->pool.common,
		.code = NEBULA_E_POOL_EXHAUSTED,
		.size = heap->pool.block_size,
		.align = heap->pool.align,
		.detail = at_limit && !detail ? NEBULA_D_AT_LIMIT : detail,
		.what = what,
		.need = live + n,
	};

	if (likely(!size.may_grow)) {
		nebula_error_record(&f);
		return NULL;
	}
	if (n > READ_ONCE(heap->missing))
		WRITE_ONCE(heap->missing, n);
	pool_wish(heap, POOL_WISH_GROW);
	fail_outrun(heap, &f, size.nominal, live);
	return NULL;
}

/* Shall the next allocation fail on purpose? Records that. Any context. */
bool pool_must_fail(struct nebula_pool_heap *heap)
{
	const struct nebula_pool *p = &heap->pool;

	if (likely(!nebula_fail_alloc_hit(&p->common, p->block_size)))
		return false;
	nebula_fail(&heap->pool.common, NEBULA_E_POOL_EXHAUSTED, .size = p->block_size,
		    .align = p->align, .detail = NEBULA_D_INJECTED);
	return true;
}

/*
 * A block is in use, for an object of @size bytes; what a constructor or a reader under RCU relies
 * on is in use as a whole.
 */
static void pool_kasan_alloc(const struct nebula_pool_heap *heap, const void *obj, size_t size)
{
	const size_t block_size = heap->pool.block_size;

	if (heap->ctor || heap->pool.common.flags & NEBULA_TYPESAFE_BY_RCU)
		size = block_size;
	nebula_kasan_alloc_in(&heap->pool.common, obj, size,
			      nebula_kasan_room(NEBULA_KASAN, block_size));
}

/* What flags say is to be done with a block that was allocated for an object of @size bytes. */
void pool_finish(struct nebula_pool_heap *heap, void *obj, size_t size)
{
	struct pool_segment *seg;
	unsigned long index;

	if (heap->slow_reasons & POOL_DEBUG) {
		preempt_disable();
		seg = pool_find(heap, obj, &index);
		if (seg)
			pool_guard_alloc(heap, seg, index, size);
		preempt_enable();
	}
	if (heap->slow_reasons & POOL_KASAN)
		pool_kasan_alloc(heap, obj, size);
	if (heap->slow_reasons & POOL_ZERO)
		nebula_kasan_fill(obj, 0, heap->pool.block_size);
	if (READ_ONCE(heap->slow_reasons) & POOL_WATCHED)
		trace_pool_alloc(nebula_allocator_name(&heap->pool.common), obj,
				 heap->pool.block_size, heap->pool.align);
}

/*
 * An object that is sampled lies elsewhere. Not where objects keep what is in them while they are
 * free, or something else is called with the block when it is freed.
 */
static void *pool_sample(struct nebula_pool_heap *heap, void *obj, size_t size)
{
	if (heap->ctor || READ_ONCE(heap->destructors[0]) ||
	    heap->pool.common.flags & NEBULA_TYPESAFE_BY_RCU)
		return obj;
	return nebula_guard_page_swap(&heap->pool.common, obj, size, heap->pool.align);
}

/* A block by one of the slower ways; NULL when there is none. Preemption is off. */
static void *take_slow(struct nebula_pool_heap *heap)
{
	const bool strict = heap->slow_reasons & POOL_STRICT;
	void *obj;

	if (!pool_may_take(heap, 1) || (strict && !pool_take_promised(heap, 1)))
		return NULL;
	obj = pool_take(heap);
	if (unlikely(!obj) && strict)
		atomic_long_dec(&heap->taken);
	return obj;
}

/* Flags of a caller that say how to grow; what memory it is, is said by those of the pool. */
#define HOW_TO_GROW	(__GFP_RECLAIM | __GFP_IO | __GFP_FS | __GFP_HIGH | __GFP_NORETRY | \
			 __GFP_RETRY_MAYFAIL | __GFP_NOMEMALLOC)

/*
 * Grows for an allocation that found fewer than @n blocks; true: it is to search again. @gfp is
 * what the caller named. One that named nothing (0) may have interrupts off because a probe called
 * it from inside the page allocator, or from under @wait_lock. Any context.
 */
bool pool_grow_now(struct nebula_pool_heap *heap, unsigned int n, gfp_t gfp)
{
	gfp_t how;

	if (gfp && !(gfp & __GFP_RECLAIM))
		return false;
	if (gfpflags_allow_blocking(gfp) && nebula_may_ask(gfp))
		return !pool_grow_for(heap, n, (heap->request.gfp & ~HOW_TO_GROW) |
						(gfp & HOW_TO_GROW));
	how = nebula_gfp_in_place(heap->request.gfp | (gfp & __GFP_HIGH), gfp);
	if (how == NEBULA_GFP_NOLOCK && !COMPAT_HAS_NOLOCK)
		return false;
	n -= clamp_t(long, atomic_long_read(&heap->avail), 0, n - 1);
	return pool_grow_in_place(heap, n, how);
}

/*
 * Every way but the fast ones below, and all that is refused, for an object of @size bytes. @tried:
 * there was no block in the magazine of this CPU, nor elsewhere, a moment ago. Preemption is off
 * before, and not after.
 */
static noinline void *alloc_slow(struct nebula_pool_heap *heap, size_t size, gfp_t gfp, bool tried)
{
	struct pool_size was;
	void *obj = NULL;

	if (unlikely(pool_must_fail(heap))) {
		preempt_enable();
		return NULL;
	}
	for (;;) {
		was = pool_size(heap);
		if (!tried || atomic_long_read(&heap->avail) > 0)
			obj = take_slow(heap);
		tried = false;
		preempt_enable();
		if (likely(obj) || !was.may_grow || !pool_grow_now(heap, 1, gfp))
			break;
		preempt_disable();
	}
	if (unlikely(!obj))
		return pool_exhausted(heap, NEBULA_D_NONE, NULL, 1, was);
	pool_finish(heap, obj, size);
	return pool_sample(heap, obj, size);
}

/* As any caller without size or flags. Preemption is off. */
static void *alloc_plain(struct nebula_pool_heap *heap, bool tried)
{
	return alloc_slow(heap, heap->pool.block_size, 0, tried);
}

/* A block from the claimed magazine, if there is one: then preemption is on again. */
static void *alloc_claimed(struct nebula_pool_heap *heap)
{
	void *obj = NULL;

	/* One load says that there is none elsewhere. */
	if (likely(atomic_long_read(&heap->avail) > 0) ||
	    raw_cpu_read(heap->cpus->top) != raw_cpu_read(heap->cpus->bottom))
		obj = pool_take_claimed(heap);
	nebula_pool_unclaim(heap->cpus);
	if (likely(obj))
		preempt_enable();
	return obj;
}

void *nebula_pool_alloc_empty(struct nebula_pool *p)
{
	struct nebula_pool_heap *heap = pool_heap(p);

	return alloc_claimed(heap) ?: alloc_plain(heap, true);
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_empty);

/* nebula_pool_alloc_gfp() could not take a block from the magazine. */
void *nebula_pool_alloc_gfp_slow(struct nebula_pool *p, gfp_t gfp, bool claimed)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	struct nebula_quiet *quiet;
	void *obj = NULL;

	if (claimed)
		obj = alloc_claimed(heap);
	if (likely(obj))
		return obj;
	quiet = nebula_quiet_enter_gfp(gfp);
	/* Flags that say nothing of growing are not the same as none. */
	obj = alloc_slow(heap, p->block_size, gfp ?: __GFP_ZERO, claimed);
	nebula_quiet_exit(quiet);
	return obj;
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_gfp_slow);

/* A strict pool for which the claimed magazine has no block; the ticket is held. */
static noinline void *alloc_strict_empty(struct nebula_pool_heap *heap)
{
	void *obj = pool_take_claimed(heap);

	nebula_pool_unclaim(heap->cpus);
	if (unlikely(!obj)) {
		atomic_long_dec(&heap->taken);
		return alloc_plain(heap, false);
	}
	preempt_enable();
	return obj;
}

/*
 * nebula_pool_alloc() met a magazine that is claimed. By the context that it interrupts, or for
 * ever: then most often a strict pool with nothing else to do. That takes a ticket of the N
 * promised, and goes on as any pool. The block is there, as N and the slack exist and magazines
 * hold no more than the slack. Allocations that may raise the peak, and refusals, go the slow way:
 * one comparison tells both. Any context.
 */
void *nebula_pool_alloc_busy(struct nebula_pool *p)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	/* Pairs with pool_set_paths(). */
	struct nebula_pool_cpu __percpu *cpus = smp_load_acquire(&heap->strict);
	const struct nebula_pool_slot *top;
	void *obj;
	long taken;

	nebula_pool_claim(cpus, claimed);
	taken = atomic_long_read(&heap->taken);
	do {
		if (unlikely(taken >= data_race(heap->noted))) /* one word, see stats.c */
			goto news;
	} while (unlikely(!atomic_long_try_cmpxchg(&heap->taken, &taken, taken + 1)));
	top = (const struct nebula_pool_slot *)raw_cpu_read(cpus->top);
	nebula_pool_switch(*top->state, NEBULA_POOL_FREE, NEBULA_POOL_LIVE, empty);
	obj = top->obj;
	raw_cpu_add(cpus->top, -(long)sizeof(*top));
	raw_cpu_inc(cpus->allocs);
	nebula_pool_unclaim(cpus);
	preempt_enable();
	return obj;

empty:
	return alloc_strict_empty(heap);
news:
	nebula_pool_unclaim(cpus);
claimed:
	return alloc_plain(heap, false);
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_busy);

/* The same for an object of known size. Any context. */
void *nebula_pool_alloc_busy_sized(struct nebula_pool *p, size_t size)
{
	struct nebula_pool_heap *heap = pool_heap(p);

	if (likely(!(heap->slow_reasons & (POOL_DEBUG | POOL_KASAN))))
		return nebula_pool_alloc_busy(p);
	return alloc_slow(heap, size, 0, false);
}
EXPORT_SYMBOL_GPL(nebula_pool_alloc_busy_sized);

/* The segment and the number of a block; NULL when @obj is none. Preemption off. */
struct pool_segment *pool_find(const struct nebula_pool_heap *heap, const void *obj,
			       unsigned long *index)
{
	struct pool_segment *seg = pool_segment_of(pool_table(heap), (unsigned long)obj);

	*index = pool_index(seg, obj);
	return likely(*index < seg->blocks) ? seg : NULL;
}

/* Does @obj point into a block, or between them? Preemption off. */
bool pool_is_inside(const struct nebula_pool_heap *heap, const void *obj)
{
	const struct pool_segment *seg = pool_segment_of(pool_table(heap), (unsigned long)obj);

	return (unsigned long)obj - seg->base < seg->blocks * seg->stride;
}

/* The index of a block, counted over the segments, the first of them first. Preemption off. */
unsigned long pool_number(const struct nebula_pool_heap *heap, const struct pool_segment *seg,
			  unsigned long index)
{
	const struct pool_table *tab = pool_table(heap);
	unsigned long i;

	if (seg == heap->primary)
		return index;
	for (i = 0; i < tab->nr && tab->seg[i] != seg; i++)
		index += tab->seg[i] == heap->primary ? 0 : tab->seg[i]->blocks;
	return heap->primary->blocks + index;
}

/*
 * As pool_find(), for an object that is given back: one that was sampled ends, and *@obj becomes
 * its block; with @copy what was in it is copied there. An ERR_PTR() when that is refused.
 * Preemption is off.
 */
struct pool_segment *pool_find_object(struct nebula_pool_heap *heap, void **obj,
				      unsigned long *index, bool copy)
{
	struct pool_segment *seg = pool_find(heap, *obj, index);
	void *block;

	if (likely(seg))
		return seg;
	block = nebula_guard_page_end(&heap->pool.common, *obj, copy);
	if (IS_ERR_OR_NULL(block))
		return ERR_CAST(block);
	*obj = block;
	return pool_find(heap, block, index);
}

/* Records that @obj is no block, but inside one, or between two, or not the pool's at all. */
static void refuse_pointer(struct nebula_pool_heap *heap, const void *obj, const char *what)
{
	struct nebula_allocator *a = &heap->pool.common;
	struct pool_segment *seg = pool_segment_of(pool_table(heap), (unsigned long)obj);
	const unsigned long offset = (unsigned long)obj - seg->base;

	if (offset < seg->blocks * seg->stride)
		nebula_fail(a, NEBULA_E_MISALIGNED_POINTER, .pointer = obj, .what = what,
			    .block = pool_number(heap, seg, offset / seg->stride) + 1,
			    .offset = offset % seg->stride);
	else
		nebula_fail(a, NEBULA_E_FOREIGN_POINTER, .pointer = obj, .what = what);
}

/* Records why @obj cannot be freed. Any context, preemption off. */
noinline __cold void pool_refuse(struct nebula_pool_heap *heap, const void *obj, const char *what)
{
	struct pool_segment *seg;
	unsigned long index;

	seg = pool_find(heap, obj, &index);
	if (seg)
		pool_guard_report(heap, seg, index, NEBULA_E_DOUBLE_FREE, what);
	else
		refuse_pointer(heap, obj, what);
}

/* What flags say is to be done with a block that came back, before it is put. Preemption off. */
void pool_before_put(struct nebula_pool_heap *heap, void *obj)
{
	const unsigned long slow_reasons = READ_ONCE(heap->slow_reasons);
	struct pool_segment *seg;
	unsigned long index;

	if (slow_reasons & POOL_WATCHED)
		trace_pool_free(nebula_allocator_name(&heap->pool.common), obj,
				heap->pool.block_size);
	if (slow_reasons & POOL_DEBUG) {
		seg = pool_find(heap, obj, &index);
		if (seg)
			pool_guard_free(heap, seg, index);
	}
	/* The block cannot be allocated before it is put. */
	if (unlikely(slow_reasons & POOL_CLEAR))
		nebula_kasan_fill(obj, 0, heap->pool.block_size);
	if (slow_reasons & POOL_KASAN && !pool_readable(heap))
		nebula_kasan_free(&heap->pool.common, obj,
				  ALIGN(heap->pool.block_size, NEBULA_KASAN_GRANULE));
}

/* @n blocks were put: a strict pool may hand out as many more. */
void pool_after_put(struct nebula_pool_heap *heap, unsigned long n)
{
	if (!(heap->slow_reasons & POOL_STRICT))
		return;
	/* A full barrier: it pairs with smp_mb() in wait.c. */
	atomic_long_sub_return(n, &heap->taken);
	if (unlikely(READ_ONCE(heap->slow_reasons) & POOL_WAITING))
		pool_wish(heap, POOL_WISH_WAKE);
}

/*
 * From live to @to. In a debug pool two frees may race for the block: one of them is refused. There
 * the exchange is one of the four states around it, as not every machine has one of a byte.
 */
bool pool_change_state(struct nebula_pool_heap *heap, u8 *state, u8 to)
{
	const unsigned int at = (unsigned long)state % sizeof(u32);
	u32 *word = (u32 *)(state - at), old, new;

	if (likely(!(READ_ONCE(heap->slow_reasons) & POOL_DEBUG)))
		return pool_switch(state, NEBULA_POOL_LIVE, to);
	old = READ_ONCE(*word);
	do {
		if (((u8 *)&old)[at] != NEBULA_POOL_LIVE)
			return false;
		new = old;
		((u8 *)&new)[at] = to;
	} while (!try_cmpxchg(word, &old, new));
	return true;
}

/* Every way but the fast ones below, and all that is refused. Any context. */
void pool_free_slow(struct nebula_pool_heap *heap, void *obj)
{
	struct pool_segment *seg;
	unsigned long index;

	if (ZERO_OR_NULL_PTR(obj))
		return;
	preempt_disable();
	seg = pool_find_object(heap, &obj, &index, false);
	if (IS_ERR(seg)) {
		preempt_enable();
		return;
	}
	if (likely(seg) && likely(pool_change_state(heap, &seg->state[index], NEBULA_POOL_FREE))) {
		pool_before_put(heap, obj);
		pool_put(heap, obj, &seg->state[index]);
		pool_after_put(heap, 1);
	} else {
		pool_refuse(heap, obj, "free");
	}
	preempt_enable();
}

/* With debug flags: no block holds an object of this size, so it is another pool's. */
static bool wrong_size(struct nebula_pool *p, size_t size)
{
	if (likely(size <= p->block_size) || !(p->common.flags & NEBULA_DEBUG_FLAGS))
		return false;
	nebula_fail(&p->common, NEBULA_E_INVALID_LAYOUT, .size = size, .what = "free");
	return true;
}

/* nebula_pool_free() met a full magazine. Any context. */
void nebula_pool_free_full(struct nebula_pool *p, void *obj, u8 *state)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	struct nebula_pool_cpu *pc = raw_cpu_ptr(heap->cpus);
	struct nebula_pool_slot *top;

	/* Only after the claim, see nebula_pool_free(). */
	nebula_pool_switch(*state, NEBULA_POOL_LIVE, NEBULA_POOL_FREE, refused);
	if (likely(pool_make_room(heap, pc))) {
		top = (struct nebula_pool_slot *)pc->top;
		top[1] = (struct nebula_pool_slot){ obj, state };
		WRITE_ONCE(pc->top, (unsigned long)(top + 1));
	} else {
		pool_put_direct(heap, obj, state);
	}
	nebula_pool_unclaim(heap->cpus);
	preempt_enable();
	return;

refused:
	nebula_pool_free_refused(p, obj);
}
EXPORT_SYMBOL_GPL(nebula_pool_free_full);

/* Every way to free but the fast ones. Preemption is off. */
static noinline void free_slow(struct nebula_pool *p, void *obj)
{
	pool_free_slow(pool_heap(p), obj);
	preempt_enable();
}

/*
 * nebula_pool_free() met a magazine that is claimed. By the context that it interrupts, or for
 * ever: as for nebula_pool_alloc_busy(). Any context.
 */
void nebula_pool_free_busy(struct nebula_pool *p, void *obj, u8 *state)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	/* Pairs with pool_set_paths(). */
	struct nebula_pool_cpu __percpu *cpus = smp_load_acquire(&heap->strict);
	struct nebula_pool_slot *top;

	nebula_pool_claim(cpus, claimed);
	top = (struct nebula_pool_slot *)raw_cpu_read(cpus->top);
	nebula_pool_unless_full(cpus, top, full);
	nebula_pool_switch(*state, NEBULA_POOL_LIVE, NEBULA_POOL_FREE, full);
	top[1].obj = obj;
	top[1].state = state;
	raw_cpu_add(cpus->top, sizeof(*top));
	nebula_pool_unclaim(cpus);
	smp_mb__before_atomic();	/* The block comes before its ticket. */
	atomic_long_dec(&heap->taken);
	smp_mb__after_atomic();		/* Pairs with smp_mb() in wait.c. */
	if (unlikely(data_race(heap->slow_reasons) & POOL_WAITING)) /* one bit, after the barrier */
		pool_wish(heap, POOL_WISH_WAKE);
	preempt_enable();
	return;

full:
	nebula_pool_unclaim(cpus);
claimed:
	free_slow(p, obj);
}
EXPORT_SYMBOL_GPL(nebula_pool_free_busy);

/* The same of an object of known size. Any context. */
void nebula_pool_free_busy_sized(struct nebula_pool *p, void *obj, u8 *state, size_t size)
{
	if (unlikely(wrong_size(p, size)))
		preempt_enable();
	else
		nebula_pool_free_busy(p, obj, state);
}
EXPORT_SYMBOL_GPL(nebula_pool_free_busy_sized);

void nebula_pool_free_sensitive(struct nebula_pool *p, void *obj)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	struct pool_segment *seg;
	unsigned long index;
	bool live;

	if (ZERO_OR_NULL_PTR(obj))
		return;
	preempt_disable();
	seg = pool_find(heap, obj, &index);
	live = seg && READ_ONCE(seg->state[index]) == NEBULA_POOL_LIVE;
	preempt_enable();
	if (likely(live)) {
		nebula_kasan_fill(obj, 0, p->block_size);
		barrier_data(obj);	/* or the compiler may leave it out */
	}
	nebula_pool_free(p, obj);
}
EXPORT_SYMBOL_GPL(nebula_pool_free_sensitive);

/* nebula_pool_free() met a block that is not live. Any context. */
noinline void nebula_pool_free_refused(struct nebula_pool *p, void *obj)
{
	nebula_pool_unclaim(pool_heap(p)->cpus);
	pool_refuse(pool_heap(p), obj, "free");
	preempt_enable();
}
EXPORT_SYMBOL_GPL(nebula_pool_free_refused);

/* What no segment has a block at. Preemption is off. */
static noinline void free_none(struct nebula_pool *p, void *obj, size_t size)
{
	if (!ZERO_OR_NULL_PTR(obj) && likely(!wrong_size(p, size)))
		pool_free_slow(pool_heap(p), obj);
	preempt_enable();
}

/* nebula_pool_free() of what is not in the first segment. Any context. */
void nebula_pool_free_other(struct nebula_pool *p, void *obj, size_t size)
{
	struct nebula_pool_heap *heap = pool_heap(p);
	struct nebula_pool_cpu __percpu *cpus;
	struct nebula_pool_slot *top;
	struct pool_segment *seg;
	unsigned long index;
	u8 *state;

	preempt_disable();
	seg = pool_segment_of(pool_table(heap), (unsigned long)obj);
	index = pool_index(seg, obj);
	if (unlikely(index >= seg->blocks)) {
		free_none(p, obj, size);
		return;
	}
	state = seg->state + index;
	cpus = READ_ONCE(p->cpus);
	nebula_pool_claim(cpus, claimed);
	top = (struct nebula_pool_slot *)raw_cpu_read(cpus->top);
	nebula_pool_unless_full(cpus, top, full);
	nebula_pool_switch(*state, NEBULA_POOL_LIVE, NEBULA_POOL_FREE, refused);
	top[1].obj = obj;
	top[1].state = state;
	raw_cpu_add(cpus->top, sizeof(*top));
	nebula_pool_unclaim(cpus);
	preempt_enable();
	return;

full:
	nebula_pool_free_full(p, obj, state);
	return;
claimed:
	nebula_pool_free_busy_sized(p, obj, state, size);
	return;
refused:
	nebula_pool_free_refused(p, obj);
}
EXPORT_SYMBOL_GPL(nebula_pool_free_other);

/*
 * The blocks of a pool do not suit an object. Any context. Returns ZERO_SIZE_PTR for size 0; NULL
 * with INVALID_ALIGNMENT, SIZE_OVERFLOW or INVALID_LAYOUT recorded.
 */
void *nebula_pool_refuse_layout(struct nebula_pool *p, size_t size, size_t align)
{
	const bool small = size > p->block_size;
	enum nebula_errc code = NEBULA_E_INVALID_LAYOUT;

	if (!size)
		return ZERO_SIZE_PTR;
	if (!is_power_of_2(align))
		code = NEBULA_E_INVALID_ALIGNMENT;
	else if (size > SIZE_MAX >> 1)
		code = NEBULA_E_SIZE_OVERFLOW;
	nebula_fail(&p->common, code, .size = size, .align = align,
		    .detail = small ? NEBULA_D_BLOCK_SIZE : NEBULA_D_BLOCK_ALIGN,
		    .what = small ? ".block_size" : ".align");
	return NULL;
}
EXPORT_SYMBOL_GPL(nebula_pool_refuse_layout);
