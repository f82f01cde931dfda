// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bump allocator: create and destroy, and what both modes share.
 *
 * Create and destroy run in process context. Everything else runs in the owner's context, or in
 * any context with NEBULA_SHARED; see <nebula/bump.h>.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "bump.h"

/* With NEBULA_GROW and no limit given. */
#define DEFAULT_GROWTH		64

/* A shared allocator counts the grains of a region in 32 bits. */
#define SHARED_CAPACITY_MAX	((u64)U32_MAX * NEBULA_BUMP_GRAIN)

#define KNOWN_FLAGS	(NEBULA_SHARED | NEBULA_GROW | NEBULA_ZERO | NEBULA_DEBUG_FLAGS)

/* Memory that a region of ours cannot be. */
#define REFUSED_GFP	(__GFP_HIGHMEM | __GFP_MOVABLE | __GFP_RECLAIMABLE)

/*
 * Tells the checkpoints of successive lives of the same memory apart; epochs of one life count
 * below bit 32.
 */
static atomic64_t lives = ATOMIC64_INIT(0);

/**
 * struct refusal - why a configuration is not accepted
 * @code: %NEBULA_OK when it is.
 * @field: at fault.
 */
struct refusal {
	enum nebula_errc code;
	const char *field;
};

#define REFUSE(errc, name)	((struct refusal){ .code = (errc), .field = (name) })

static struct refusal check_buffer(const struct nebula_bump_config *cfg)
{
	if (!cfg->buffer)
		return cfg->buffer_size ? REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer")
					: REFUSE(NEBULA_OK, NULL);
	if (!cfg->buffer_size || cfg->capacity > cfg->buffer_size)
		return REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer_size");
	if (cfg->buffer_size > NEBULA_CAPACITY_MAX ||
	    (unsigned long)cfg->buffer + cfg->buffer_size < cfg->buffer_size)
		return REFUSE(NEBULA_E_SIZE_OVERFLOW, ".buffer_size");
	if (cfg->flags & NEBULA_GROW)
		return REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer and NEBULA_GROW");
	if (cfg->backing != NEBULA_AUTO && cfg->backing != NEBULA_BUFFER)
		return REFUSE(NEBULA_E_INVALID_CONFIG, ".buffer and .backing");
	return REFUSE(NEBULA_OK, NULL);
}

static struct refusal check_capacity(const struct nebula_bump_config *cfg)
{
	if (!cfg->capacity && !cfg->buffer)
		return REFUSE(NEBULA_E_INVALID_CONFIG, ".capacity");
	if (cfg->capacity > NEBULA_CAPACITY_MAX)
		return REFUSE(NEBULA_E_SIZE_OVERFLOW, ".capacity");
	if (cfg->max_capacity > NEBULA_CAPACITY_MAX)
		return REFUSE(NEBULA_E_SIZE_OVERFLOW, ".max_capacity");
	if (cfg->max_capacity && (!(cfg->flags & NEBULA_GROW) || cfg->max_capacity < cfg->capacity))
		return REFUSE(NEBULA_E_INVALID_CONFIG, ".max_capacity");
	if (cfg->flags & NEBULA_SHARED &&
	    max(cfg->capacity, cfg->max_capacity) > SHARED_CAPACITY_MAX)
		return REFUSE(NEBULA_E_INVALID_CONFIG, "NEBULA_SHARED: .capacity");
	return REFUSE(NEBULA_OK, NULL);
}

static struct refusal check_rest(const struct nebula_bump_config *cfg)
{
	if (cfg->flags & ~KNOWN_FLAGS)
		return REFUSE(NEBULA_E_INVALID_CONFIG, ".flags");
	if (cfg->preset > NEBULA_DEVELOPMENT)
		return REFUSE(NEBULA_E_INVALID_CONFIG, ".preset");
	if (cfg->backing > NEBULA_BUFFER || (cfg->backing == NEBULA_BUFFER && !cfg->buffer))
		return REFUSE(NEBULA_E_INVALID_CONFIG, ".backing");
	if (cfg->gfp & REFUSED_GFP)
		return REFUSE(NEBULA_E_INVALID_CONFIG, ".gfp");
	if (cfg->node < 0 || cfg->node > MAX_NUMNODES || (cfg->node && !node_online(cfg->node - 1)))
		return REFUSE(NEBULA_E_INVALID_CONFIG, ".node");
	return REFUSE(NEBULA_OK, NULL);
}

static struct refusal check_config(const char *name, const struct nebula_bump_config *cfg)
{
	struct refusal r;

	if (nebula_atomic_context())
		return REFUSE(NEBULA_E_WRONG_CONTEXT, "create");
	if (!nebula_name_valid(name))
		return REFUSE(NEBULA_E_INVALID_CONFIG, "name");
	r = check_rest(cfg);
	if (!r.code)
		r = check_capacity(cfg);
	if (!r.code)
		r = check_buffer(cfg);
	return r;
}

static size_t default_max(size_t capacity)
{
	return capacity > NEBULA_CAPACITY_MAX / DEFAULT_GROWTH ? NEBULA_CAPACITY_MAX
							       : capacity * DEFAULT_GROWTH;
}

/* The configuration as it will be used, with all defaults filled in. */
static void apply_config(struct nebula_bump_heap *heap, const struct nebula_bump_config *cfg)
{
	struct nebula_bump *b = &heap->bump;
	size_t capacity = cfg->capacity ?: cfg->buffer_size;

	b->common.kind = NEBULA_KIND_BUMP;
	b->common.flags = cfg->flags | (cfg->preset == NEBULA_DEVELOPMENT ? NEBULA_DEBUG_FLAGS : 0);
	heap->request = (struct nebula_region_request){
		.size = cfg->buffer ? capacity : PAGE_ALIGN(capacity),
		.backing = cfg->buffer ? NEBULA_BUFFER : cfg->backing,
		.gfp = (cfg->gfp ?: GFP_KERNEL) & ~__GFP_ZERO,
		.node = cfg->node ? cfg->node - 1 : NUMA_NO_NODE,
		.buffer = cfg->buffer,
	};
	heap->max_capacity = heap->request.size;
	if (cfg->flags & NEBULA_GROW)
		heap->max_capacity =
			PAGE_ALIGN(cfg->max_capacity ?: default_max(heap->request.size));
	if (cfg->flags & NEBULA_SHARED) {
		heap->sub_size = bump_shared_sub_size(heap->request.size);
		heap->request.align = heap->sub_size;
	}
}

static void begin_life(struct nebula_bump *b)
{
	b->common.kind = NEBULA_KIND_BUMP;
	b->epoch = (u64)atomic64_inc_return(&lives) << 32;
	b->rewind_at = NEBULA_BUMP_REWIND_RESET;
	b->rewinds = b->rewinds_inline;
	b->rewind_max = NEBULA_BUMP_REWINDS;
}

/*
 * Everything that is of the allocator itself, in reverse order of making; what is not there is
 * skipped.
 */
static void free_heap(struct nebula_bump_heap *heap)
{
	struct nebula_chunk *chunk, *prev;

	bump_shared_exit(heap);
	bump_owner_exit(&heap->bump);
	nebula_chunk_unmap(heap->spare);
	for (chunk = heap->newest; chunk; chunk = prev) {
		prev = chunk->prev;
		nebula_chunk_unmap(chunk);
	}
	kfree(heap);
}

static int fill_heap(struct nebula_bump_heap *heap)
{
	struct nebula_bump *b = &heap->bump;
	int ret;

	heap->first = nebula_chunk_map(&heap->request, &ret);
	if (!heap->first)
		return ret;
	heap->newest = heap->first;
	heap->regions = 1;
	/* What a buffer has beyond the last grain, a shared one does not hand out. */
	if (bump_is_shared(b))
		heap->first->region.size = ALIGN_DOWN(heap->first->region.size, NEBULA_BUMP_GRAIN);
	b->capacity = heap->first->region.size;
	heap->max_capacity = max(heap->max_capacity, b->capacity);
	if (bump_is_shared(b))
		return bump_shared_init(heap);
	bump_owner_enter_chunk(b, heap->first->region.base, heap->first->region.size);
	return 0;
}

static struct nebula_bump_heap *make_heap(const char *name, const struct nebula_bump_config *cfg,
					  struct module *owner, int *err)
{
	const gfp_t gfp = (cfg->gfp ?: GFP_KERNEL) & ~__GFP_ZERO;
	struct nebula_bump_heap *heap;

	*err = -ENOMEM;
	heap = nebula_fault_hit() ? NULL : kzalloc(sizeof(*heap), gfp);
	if (!heap)
		return NULL;
	heap->bump.heap = heap;
	begin_life(&heap->bump);
	apply_config(heap, cfg);
	*err = fill_heap(heap);
	if (!*err)
		*err = nebula_allocator_register(&heap->bump.common, name, owner, gfp);
	if (!*err)
		return heap;
	free_heap(heap);
	return NULL;
}

static const struct nebula_bump_config *check_abi(const char *name,
						  const struct nebula_bump_config *cfg,
						  size_t cfg_size, unsigned int abi,
						  struct module *owner)
{
	if (abi == NEBULA_ABI && cfg_size == sizeof(*cfg))
		return cfg;
	pr_err("%s: %s was built against abi %u (%zu bytes), this is %u (%zu bytes): rebuild it\n",
	       name ?: "(none)", module_name(owner), abi, cfg_size, NEBULA_ABI, sizeof(*cfg));
	return NULL;
}

/**
 * nebula_bump_create_cfg() - make a bump allocator from a filled-in configuration
 * @name: 1 to 63 of ``[A-Za-z0-9_.-]``; copied.
 * @cfg: the configuration; not needed after return.
 * @cfg_size: its size as the client was compiled, bytes.
 * @abi: %NEBULA_ABI as the client was compiled.
 * @owner: module the allocator belongs to, %THIS_MODULE.
 *
 * nebula_bump_create() is the convenient way to call it.
 *
 * Context: process context; sleeps.
 * Return: as nebula_bump_create().
 */
struct nebula_bump *nebula_bump_create_cfg(const char *name, const struct nebula_bump_config *cfg,
					   size_t cfg_size, unsigned int abi, struct module *owner)
{
	struct nebula_failure failure = { .kind = NEBULA_KIND_BUMP, .name = name };
	struct nebula_bump_heap *heap;
	struct refusal r;
	unsigned int saved;
	int err;

	if (!check_abi(name, cfg, cfg_size, abi, owner))
		return ERR_PTR(-ENOEXEC);
	failure.size = cfg->capacity;
	r = check_config(name, cfg);
	if (r.code) {
		failure.code = r.code;
		failure.what = r.field;
		return ERR_PTR(nebula_error_record(&failure));
	}

	saved = nebula_gfp_scope_enter(cfg->gfp ?: GFP_KERNEL);
	heap = make_heap(name, cfg, owner, &err);
	nebula_gfp_scope_exit(cfg->gfp ?: GFP_KERNEL, saved);
	if (heap)
		return &heap->bump;

	failure.code = err == -ENOMEM ? NEBULA_E_BACKING_FAILED : NEBULA_E_INVALID_CONFIG;
	failure.what = err == -ENOMEM ? "create" : ".buffer_size";
	nebula_error_record(&failure);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(nebula_bump_create_cfg);

static void take_down(struct nebula_bump *b)
{
	nebula_allocator_unregister(&b->common);
	synchronize_rcu();
	nebula_chunks_flush();
	free_heap(b->heap);
}

/**
 * nebula_bump_destroy() - take down an allocator made by nebula_bump_create()
 * @b: the allocator; %NULL and ERR_PTR() are fine.
 *
 * All its memory goes back. Refused, and recorded, while a scope on it is open (INVALID_STATE),
 * in atomic context (WRONG_CONTEXT) and for one that was not made by create (INVALID_STATE); the
 * allocator stays usable then.
 *
 * Context: process context; sleeps. No other call on the allocator may be running.
 */
void nebula_bump_destroy(struct nebula_bump *b)
{
	if (IS_ERR_OR_NULL(b))
		return;
	if (!b->heap)
		nebula_fail(&b->common, NEBULA_E_INVALID_STATE,
			    .what = "destroy of an embedded one");
	else if (nebula_atomic_context())
		nebula_fail(&b->common, NEBULA_E_WRONG_CONTEXT, .what = "destroy");
	else if (b->scopes)
		nebula_fail(&b->common, NEBULA_E_INVALID_STATE, .what = "destroy in open scope");
	else
		take_down(b);
}
EXPORT_SYMBOL_GPL(nebula_bump_destroy);

/**
 * nebula_bump_init() - make a bump allocator on a caller's buffer
 * @b: the allocator, anywhere, on the stack too.
 * @buf: the memory it serves from.
 * @size: bytes at @buf.
 *
 * Not registered: not in debugfs, but its errors are recorded, as those of "(buffer)". A buffer
 * of no use, NULL or wrapping around, leaves an allocator of capacity 0 and is recorded as
 * INVALID_CONFIG.
 *
 * Context: any.
 */
void nebula_bump_init(struct nebula_bump *b, void *buf, size_t size)
{
	const bool usable = buf && size && size <= NEBULA_CAPACITY_MAX &&
			    (unsigned long)buf + size > (unsigned long)buf;

	memset(b, 0, sizeof(*b));
	begin_life(b);
	b->capacity = usable ? size : 0;
	bump_owner_enter_chunk(b, usable ? buf : NULL, b->capacity);
	if (!usable)
		nebula_fail(&b->common, NEBULA_E_INVALID_CONFIG, .size = size, .what = "buffer");
}
EXPORT_SYMBOL_GPL(nebula_bump_init);

/**
 * nebula_bump_exit() - stop using a caller's buffer
 * @b: as given to nebula_bump_init().
 *
 * Needed only when the buffer is used for something else while @b still exists: afterwards every
 * allocation fails and every checkpoint is stale. Refused and recorded as INVALID_STATE for one
 * made by create, or inside an open scope.
 *
 * Context: the owner's.
 */
void nebula_bump_exit(struct nebula_bump *b)
{
	if (b->heap || b->scopes) {
		nebula_fail(&b->common, NEBULA_E_INVALID_STATE,
			    .what = b->heap ? "exit of a created one" : "exit in open scope");
		return;
	}
	bump_owner_reset(b);
	b->capacity = 0;
	bump_owner_enter_chunk(b, NULL, 0);
}
EXPORT_SYMBOL_GPL(nebula_bump_exit);

/**
 * nebula_bump_alloc_outline() - nebula_bump_alloc() where it is not inline
 * @b: the allocator.
 * @size: bytes.
 * @align: power of two, bytes.
 *
 * Context: as nebula_bump_alloc().
 * Return: as nebula_bump_alloc().
 */
void *nebula_bump_alloc_outline(struct nebula_bump *b, size_t size, size_t align)
{
	enum nebula_errc code = NEBULA_OK;
	void *p;

	if (!size)
		return ZERO_SIZE_PTR;
	if (!is_power_of_2(align))
		code = NEBULA_E_INVALID_ALIGNMENT;
	else if (size > (SIZE_MAX >> 1) - (align - 1))
		code = NEBULA_E_SIZE_OVERFLOW;
	if (unlikely(code)) {
		nebula_fail(&b->common, code, .size = size, .align = align);
		return NULL;
	}

	p = bump_is_shared(b) ? bump_shared_alloc(b, size, align)
			      : bump_owner_alloc(b, size, align);
	if (p && b->common.flags & NEBULA_ZERO)
		memset(p, 0, size);
	return p;
}
EXPORT_SYMBOL_GPL(nebula_bump_alloc_outline);

static bool resize_in_place(struct nebula_bump *b, void *p, size_t old_size, size_t new_size)
{
	if (bump_is_shared(b))
		return bump_shared_resize(b, p, old_size, new_size);
	return bump_owner_resize(b, p, old_size, new_size);
}

/**
 * nebula_bump_realloc() - change the size of an object
 * @b: the allocator.
 * @p: the object; %NULL or %ZERO_SIZE_PTR to allocate.
 * @old_size: its size, bytes.
 * @new_size: wanted size, bytes.
 * @align: power of two, bytes.
 *
 * The newest object (with %NEBULA_SHARED, of this CPU) grows and shrinks where it is. Another one
 * stays when it shrinks, and is copied when it grows. With %NEBULA_ZERO the added bytes are
 * zeroed.
 *
 * Context: as nebula_bump_alloc(). Return: the object, %ZERO_SIZE_PTR for @new_size 0, or %NULL
 * as nebula_bump_alloc(), also with FOREIGN_POINTER recorded; @p is untouched then.
 */
void *nebula_bump_realloc(struct nebula_bump *b, void *p, size_t old_size, size_t new_size,
			  size_t align)
{
	void *q;

	if (ZERO_OR_NULL_PTR(p))
		return nebula_bump_alloc_outline(b, new_size, align);
	if (!old_size || !nebula_bump_owns(b, p) || !nebula_bump_owns(b, p + old_size - 1)) {
		nebula_fail(&b->common, NEBULA_E_FOREIGN_POINTER, .size = old_size,
			    .what = "realloc");
		return NULL;
	}
	if (is_power_of_2(align) && IS_ALIGNED((unsigned long)p, align) &&
	    (resize_in_place(b, p, old_size, new_size) || new_size <= old_size)) {
		if (new_size > old_size && b->common.flags & NEBULA_ZERO)
			memset(p + old_size, 0, new_size - old_size);
		return new_size ? p : ZERO_SIZE_PTR;
	}
	q = nebula_bump_alloc_outline(b, new_size, align);
	if (!ZERO_OR_NULL_PTR(q))
		memcpy(q, p, min(old_size, new_size));
	return q;
}
EXPORT_SYMBOL_GPL(nebula_bump_realloc);

/**
 * nebula_bump_checkpoint_outline() - nebula_bump_checkpoint() where it is not inline
 * @b: the allocator.
 *
 * Context: the owner's.
 * Return: as nebula_bump_checkpoint().
 */
struct nebula_checkpoint nebula_bump_checkpoint_outline(struct nebula_bump *b)
{
	if (!bump_is_shared(b))
		return bump_owner_checkpoint(b);
	nebula_fail(&b->common, NEBULA_E_INVALID_STATE, .what = "checkpoint of a shared one");
	return (struct nebula_checkpoint){ };
}
EXPORT_SYMBOL_GPL(nebula_bump_checkpoint_outline);

/**
 * nebula_bump_restore_outline() - nebula_bump_restore() where it is not inline
 * @b: the allocator.
 * @cp: the checkpoint.
 *
 * Context: the owner's.
 * Return: as nebula_bump_restore().
 */
int nebula_bump_restore_outline(struct nebula_bump *b, const struct nebula_checkpoint *cp)
{
	if (!bump_is_shared(b))
		return bump_owner_restore(b, cp);
	nebula_fail(&b->common, NEBULA_E_INVALID_STATE, .what = "restore of a shared one");
	return -EINVAL;
}
EXPORT_SYMBOL_GPL(nebula_bump_restore_outline);

/**
 * nebula_bump_reset_outline() - nebula_bump_reset() where it is not inline
 * @b: the allocator.
 *
 * Context: as nebula_bump_reset().
 */
void nebula_bump_reset_outline(struct nebula_bump *b)
{
	if (bump_is_shared(b))
		bump_shared_reset(b);
	else
		bump_owner_reset(b);
}
EXPORT_SYMBOL_GPL(nebula_bump_reset_outline);

/**
 * nebula_bump_scope_enter() - begin a scope, see guard(nebula_bump)
 * @b: the allocator.
 *
 * Context: the owner's.
 * Return: the checkpoint that the scope rewinds to.
 */
struct nebula_checkpoint nebula_bump_scope_enter(struct nebula_bump *b)
{
	b->scopes++;
	return nebula_bump_checkpoint(b);
}
EXPORT_SYMBOL_GPL(nebula_bump_scope_enter);

/**
 * nebula_bump_scope_exit() - end a scope, see guard(nebula_bump)
 * @b: the allocator.
 * @cp: what nebula_bump_scope_enter() returned.
 *
 * When the allocator was reset or rewound past the scope's beginning, that is recorded and
 * nothing changes.
 *
 * Context: the owner's.
 */
void nebula_bump_scope_exit(struct nebula_bump *b, const struct nebula_checkpoint *cp)
{
	b->scopes--;
	nebula_bump_restore(b, *cp);
}
EXPORT_SYMBOL_GPL(nebula_bump_scope_exit);

/**
 * nebula_bump_reserve() - make room ahead of need
 * @b: the allocator.
 * @bytes: that later allocations shall find without growing.
 * @gfp: flags for the region it may have to map.
 *
 * In owner mode the bytes are contiguous, alignment to a page included.
 *
 * Context: the owner's, as @gfp; process context with %NEBULA_SHARED. Return: 0; -ENOMEM
 * (OUT_OF_MEMORY without %NEBULA_GROW or beyond the limit, BACKING_FAILED), -EOVERFLOW
 * (SIZE_OVERFLOW), -EPERM (WRONG_CONTEXT).
 */
int nebula_bump_reserve(struct nebula_bump *b, size_t bytes, gfp_t gfp)
{
	if (bytes > NEBULA_CAPACITY_MAX)
		return nebula_fail(&b->common, NEBULA_E_SIZE_OVERFLOW, .size = bytes,
				   .what = "reserve");
	return bump_is_shared(b) ? bump_shared_reserve(b, bytes, gfp)
				 : bump_owner_reserve(b, bytes, gfp);
}
EXPORT_SYMBOL_GPL(nebula_bump_reserve);

static void usage(const struct nebula_bump *b, struct nebula_usage *u)
{
	*u = (struct nebula_usage){ };
	if (bump_is_shared(b))
		bump_shared_usage(b, u);
	else
		bump_owner_usage(b, u);
}

/**
 * nebula_bump_used() - bytes in use
 * @b: the allocator.
 *
 * Padding included, also what a region lost at its end when the allocator grew.
 *
 * Context: any.
 * Return: bytes; exact in the owner's context, exact to one sub-chunk per CPU with %NEBULA_SHARED.
 */
size_t nebula_bump_used(const struct nebula_bump *b)
{
	struct nebula_usage u;

	usage(b, &u);
	return u.used;
}
EXPORT_SYMBOL_GPL(nebula_bump_used);

/**
 * nebula_bump_available() - bytes left without growing
 * @b: the allocator.
 *
 * Context: any.
 * Return: bytes; nebula_bump_capacity() - nebula_bump_used().
 */
size_t nebula_bump_available(const struct nebula_bump *b)
{
	struct nebula_usage u;

	usage(b, &u);
	return u.available;
}
EXPORT_SYMBOL_GPL(nebula_bump_available);

/**
 * nebula_bump_capacity() - bytes mapped
 * @b: the allocator.
 *
 * Context: any.
 * Return: bytes of all regions.
 */
size_t nebula_bump_capacity(const struct nebula_bump *b)
{
	return READ_ONCE(b->capacity);
}
EXPORT_SYMBOL_GPL(nebula_bump_capacity);

/**
 * nebula_bump_peak() - the highest use ever
 * @b: the allocator.
 *
 * Context: any.
 * Return: bytes; as exact as nebula_bump_used().
 */
size_t nebula_bump_peak(const struct nebula_bump *b)
{
	struct nebula_usage u;

	usage(b, &u);
	return u.peak;
}
EXPORT_SYMBOL_GPL(nebula_bump_peak);

/**
 * nebula_bump_owns() - does an address lie in the allocator's regions?
 * @b: the allocator.
 * @p: any address.
 *
 * Context: the owner's; any with %NEBULA_SHARED.
 * Return: true when it does, whether it was handed out or not.
 */
bool nebula_bump_owns(const struct nebula_bump *b, const void *p)
{
	const unsigned long addr = (unsigned long)p;
	const struct nebula_chunk *chunk;

	if (!b->heap)
		return addr >= b->base && addr < b->end;
	chunk = READ_ONCE(b->heap->first);
	/* The acquire pairs with the release in publish(). */
	for (; chunk; chunk = smp_load_acquire(&chunk->next))
		if (addr >= nebula_chunk_base(chunk) && addr < nebula_chunk_end(chunk))
			return true;
	return false;
}
EXPORT_SYMBOL_GPL(nebula_bump_owns);

static const struct nebula_bump *bump_of(const struct nebula_allocator *a)
{
	return container_of(a, struct nebula_bump, common);
}

static void ops_usage(const struct nebula_allocator *a, struct nebula_usage *u)
{
	usage(bump_of(a), u);
}

static void ops_stats(const struct nebula_allocator *a, struct nebula_stats *st)
{
	const struct nebula_bump *b = bump_of(a);
	struct nebula_usage u;

	usage(b, &u);
	if (bump_is_shared(b))
		bump_shared_stats(b, st);
	else
		bump_owner_stats(b, st);
	st->used = u.used;
	st->available = u.available;
	st->capacity = u.capacity;
	st->max_capacity = u.max_capacity;
	st->peak = u.peak;
}

static void ops_describe(const struct nebula_allocator *a, struct nebula_text *t)
{
	const struct nebula_bump_heap *heap = bump_of(a)->heap;

	nebula_text_key(t, "mode", "%s", a->flags & NEBULA_SHARED ? "shared" : "owner");
	nebula_text_key(t, "path", "%s", bump_is_inline(&heap->bump) ? "inline" : "out of line");
	nebula_text_key(t, "backing", "%s", nebula_backing_name(heap->request.backing));
	if (heap->request.node == NUMA_NO_NODE)
		nebula_text_key(t, "node", "any");
	else
		nebula_text_key(t, "node", "%d", heap->request.node);
	nebula_text_key(t, "gfp", "%pGg", &heap->request.gfp);
	nebula_text_bytes(t, "capacity", READ_ONCE(heap->bump.capacity));
	nebula_text_bytes(t, "max capacity", heap->max_capacity);
	if (a->flags & NEBULA_SHARED)
		nebula_text_bytes(t, "sub-chunk", heap->sub_size);
	nebula_text_bytes(t, "overhead",
			  sizeof(*heap) + sizeof(struct nebula_chunk) * READ_ONCE(heap->regions) +
				  (heap->cpus ? sizeof(*heap->cpus) * num_possible_cpus() : 0));
}

static void ops_reclaim(struct nebula_allocator *a)
{
	take_down(container_of(a, struct nebula_bump, common));
}

const struct nebula_kind_ops nebula_bump_ops = {
	.name		= "bump",
	.usage		= ops_usage,
	.stats		= ops_stats,
	.describe	= ops_describe,
	.reclaim	= ops_reclaim,
};
